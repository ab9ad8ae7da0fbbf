/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See start/options.h. */
#include "start/options.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "lib/log.h"
#include "lib/version.h"

static void usage(FILE *to)
{
	fputs("Usage: mdmon [options] CONTAINER\n"
	      "\n"
	      "Keeps the metadata of an md container (IMSM or DDF) in step with its arrays.\n"
	      "\n"
	      "Options:\n"
	      "  --help        -h   this text\n"
	      "  --version          version of this program\n"
	      "  --all         -a   one daemon for each container in /proc/mdstat\n"
	      "  --foreground  -F   do not become a daemon; messages go to stderr\n"
	      "  --takeover    -t   replace a running daemon\n"
	      "  --verbose     -v   log more: clean and dirty, each metadata write\n"
	      "\n"
	      "CONTAINER is a name like md127, /dev/md127 or /dev/md/imsm0.\n",
	      to);
}

static int wrong_usage(void)
{
	usage(stderr);
	return EXIT_USAGE;
}

/* ps, and whoever wants to know whose daemon this is, shall find the container there later. */
static void note_all_word(int argc, char **argv, struct options *opt)
{
	for (int i = 1; i < argc; i++) {
		if (strncmp(argv[i], "--al", 4) != 0 && strcmp(argv[i], "/proc/mdstat") != 0)
			continue;
		opt->all_word = argv[i];
		opt->all_word_len = strlen(argv[i]);
	}
}

/* -1, or the exit code. */
static int take_option(int c, struct options *opt)
{
	switch (c) {
	case 'a':
		opt->all = true;
		return -1;
	case 't':
		opt->takeover = true;
		return -1;
	case 'F':
		opt->foreground = true;
		return -1;
	case 'o':
		opt->offroot = true;
		return -1;
	case 'v':
		opt->verbose = true;
		return -1;
	case 'V':
		printf("mdmon %s\n", MDMON_VERSION);
		return EXIT_READY;
	case 'h':
		usage(stdout);
		return EXIT_READY;
	}
	return wrong_usage(); /* getopt has said what is wrong */
}

static int take_operands(int argc, char **argv, struct options *opt)
{
	int count = argc - optind;

	if (count > 0 && strcmp(argv[optind], "/proc/mdstat") == 0)
		opt->all = true;
	if (opt->all) {
		note_all_word(argc, argv, opt);
		return -1;
	}
	if (count == 1 && argv[optind][0]) {
		opt->container = argv[optind];
		return -1;
	}
	if (count > 1)
		log_error("one container at a time: \"%s\" and \"%s\" are two (--all starts a daemon for each)",
			  argv[optind], argv[optind + 1]);
	else
		log_error("no container named");
	return wrong_usage();
}

int options_parse(int argc, char **argv, struct options *opt)
{
	static const struct option longopts[] = {
		{ "all", no_argument, NULL, 'a' },	{ "all-active-arrays", no_argument, NULL, 'a' },
		{ "takeover", no_argument, NULL, 't' }, { "foreground", no_argument, NULL, 'F' },
		{ "help", no_argument, NULL, 'h' },	{ "version", no_argument, NULL, 'V' },
		{ "offroot", no_argument, NULL, 'o' },	{ "verbose", no_argument, NULL, 'v' },
		{ NULL, 0, NULL, 0 },
	};
	int c, code;

	*opt = (struct options){ 0 };
	while ((c = getopt_long(argc, argv, "atFhv", longopts, NULL)) != -1) {
		code = take_option(c, opt);
		if (code >= 0)
			return code;
	}
	return take_operands(argc, argv, opt);
}
