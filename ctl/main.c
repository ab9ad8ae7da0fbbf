/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The administrator's client. A program of its own, so that the daemon needs no JSON and no terminal. */
#include <locale.h>

#include "ctl/command.h"

int main(int argc, char **argv)
{
	static const struct ctl_paths paths = {
		.run = RUNDIR,
		.sys = "/sys",
		.dev = "/dev",
		.mdstat = "/proc/mdstat",
	};

	setlocale(LC_CTYPE, "");
	return ctl_main(&paths, argc, argv);
}
