/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line of mdmonctl. */
#ifndef CTL_COMMAND_H
#define CTL_COMMAND_H

#include "ctl/container.h"

/* What mdmonctl exits with. */
enum { CTL_OK = 0, CTL_NO_ANSWER = 1, CTL_USAGE = 2 };

/* Everything mdmonctl does, with sockets and devices looked for in these places. Returns the exit code. */
int ctl_main(const struct ctl_paths *paths, int argc, char **argv);

#endif
