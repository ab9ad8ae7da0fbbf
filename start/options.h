/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line (mdmon.md 2). Start-up only.
 */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

/* Exit codes that callers know (mdmon.md 2.4). */
enum exit_code { EXIT_READY = 0, EXIT_NAME = 1, EXIT_USAGE = 2, EXIT_REFUSED = 3 };

struct options {
	bool all;
	bool takeover;
	bool foreground;
	bool offroot;
	bool verbose;
	const char *container; /* as given; NULL with `all` */
	char *all_word;        /* the word of the command line that selected all containers */
	size_t all_word_len;   /* room there */
};

/*
 * Fills *opt. Returns -1 if there is work to do; otherwise the process's exit code: the help or the version has been
 * printed, or what is wrong and what would be right.
 */
int options_parse(int argc, char **argv, struct options *opt);

#endif
