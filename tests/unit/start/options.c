/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Command lines, each with what it means, its exit code, and which of both streams says what. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "lib/version.h"
#include "start/options.h"
#include "tests/unit/support/capture.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define ARGS_MAX 12
#define WORK (-1) /* there is something to do */

/* ---- one command line ---- */

struct run {
	char line[256]; /* the words, each with its NUL; may be overwritten like those of a process */
	char *argv[ARGS_MAX + 1];
	int argc;
	int code;
	struct options opt;
	struct capture out, err;
};

/* Words are separated by single blanks; two of them have an empty word in between. */
static void split(struct run *r, const char *line)
{
	char *rest = r->line;

	assert_true(snprintf(r->line, sizeof(r->line), "mdmon%s%s", *line ? " " : "", line) < (int)sizeof(r->line));
	for (r->argc = 0; rest; r->argc++) {
		assert_true(r->argc < ARGS_MAX);
		r->argv[r->argc] = strsep(&rest, " ");
	}
	r->argv[r->argc] = NULL;
}

static void run(struct run *r, const char *line)
{
	memset(r, 0, sizeof(*r));
	memset(&r->opt, 0xff, sizeof(r->opt)); /* nothing may depend on what was there */
	split(r, line);
	optind = 0; /* glibc: start anew */
	begin_capture(&r->out, stdout);
	begin_capture(&r->err, stderr);
	r->code = options_parse(r->argc, r->argv, &r->opt);
	end_capture(&r->err, stderr);
	end_capture(&r->out, stdout);
}

static const char usage_head[] = "Usage: mdmon [options] CONTAINER\n";

/* The options as letters, in this order. */
static const char *flags(const struct options *o)
{
	static char text[6];

	snprintf(text, sizeof(text), "%s%s%s%s%s", o->all ? "a" : "", o->takeover ? "t" : "", o->foreground ? "F" : "",
		 o->offroot ? "o" : "", o->verbose ? "v" : "");
	return text;
}

static void assert_container(const struct run *r, const char *want)
{
	if (want) {
		assert_non_null(r->opt.container);
		assert_string_equal(r->opt.container, want);
	} else {
		assert_null(r->opt.container);
	}
}

static void assert_silent(const struct run *r)
{
	assert_string_equal(r->out.text, "");
	assert_string_equal(r->err.text, "");
}

/* ---- command lines that ask for work ---- */

static void test_work(void **state)
{
	static const struct {
		const char *line, *flags, *container;
	} t[] = {
		{ "md127", "", "md127" },
		{ "/dev/md/imsm0", "", "/dev/md/imsm0" },
		{ "initrd/md127", "", "initrd/md127" },
		/* each option, long and short, before and behind the operand */
		{ "--all", "a", NULL }, { "-a", "a", NULL },
		{ "--takeover md127", "t", "md127" }, { "-t md127", "t", "md127" }, { "md127 -t", "t", "md127" },
		{ "--foreground md127", "F", "md127" }, { "-F md127", "F", "md127" },
		{ "md127 --foreground", "F", "md127" },
		{ "--offroot md127", "o", "md127" }, { "md127 --offroot", "o", "md127" },
		{ "--verbose md127", "v", "md127" }, { "-v md127", "v", "md127" },
		{ "--takeover md127 --offroot -F", "tFo", "md127" },
		/* grouped */
		{ "-tF md127", "tF", "md127" }, { "-Ft md127", "tF", "md127" }, { "-taF", "atF", NULL },
		{ "-vtaF", "atFv", NULL }, { "md127 -vF --off", "Fov", "md127" },
		/* abbreviated */
		{ "--take md127", "t", "md127" }, { "--t md127", "t", "md127" }, { "--fore md127", "F", "md127" },
		{ "--f md127", "F", "md127" }, { "--o md127", "o", "md127" }, { "--verb md127", "v", "md127" },
		{ "--al", "a", NULL },
		/* two names for one thing are not ambiguous */
		{ "--a", "a", NULL },
		{ "--all-active-arrays", "a", NULL }, { "--all-a", "a", NULL }, { "--all-", "a", NULL },
		/* given twice */
		{ "-t -t md127", "t", "md127" }, { "-tt md127", "t", "md127" },
		{ "--takeover -t --take md127", "t", "md127" }, { "-a -a", "a", NULL }, { "--all --all", "a", NULL },
		{ "-F -F md127", "F", "md127" }, { "--offroot --offroot md127", "o", "md127" },
		{ "-v -v md127", "v", "md127" },
		/* all by its file */
		{ "/proc/mdstat", "a", NULL }, { "/proc/mdstat -F", "aF", NULL }, { "-t /proc/mdstat", "at", NULL },
		{ "/proc/mdstat md127", "a", NULL }, { "-- /proc/mdstat", "a", NULL },
		/* operands mean nothing beside --all */
		{ "-a md127", "a", NULL }, { "md127 --all", "a", NULL }, { "--all md127 md126", "a", NULL },
		{ "--all ", "a", NULL }, { "-a -- -x", "a", NULL },
		/* the end of the options */
		{ "-- md127", "", "md127" }, { "-t -- md127", "t", "md127" }, { "md127 --", "", "md127" },
		{ "-- -t", "", "-t" }, { "-- --help", "", "--help" }, { "-- --all", "", "--all" },
		{ "-- -", "", "-" }, { "-", "", "-" },
		/* no file of that name */
		{ "proc/mdstat", "", "proc/mdstat" }, { "/proc/mdstat2", "", "/proc/mdstat2" },
	};
	struct run r;

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++) {
		run(&r, t[i].line);
		if (r.code != WORK || strcmp(flags(&r.opt), t[i].flags) != 0)
			fail_msg("mdmon %s: %d, \"%s\": %s", t[i].line, r.code, flags(&r.opt), r.err.text);
		assert_container(&r, t[i].container);
		assert_silent(&r);
	}
}

/* ---- command lines that do not ---- */

/* Whatever else is wrong, as far as getopt has not met it before. */
static void test_help(void **state)
{
	static const char *const t[] = {
		"-h", "--help", "--he", "--h", "md127 -h", "md127 --help", "-h md127", "-a -h", "-th", "-tFh md127",
		"md127 md126 --help", " --help", "--all --help", "-h --no-such-option", "-hx", "-h --version", "-hh",
	};
	struct run r;

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++) {
		run(&r, t[i]);
		if (r.code != EXIT_READY)
			fail_msg("mdmon %s: %d", t[i], r.code);
		assert_memory_equal(r.out.text, usage_head, strlen(usage_head));
		assert_string_equal(r.err.text, "");
	}
}

static void test_help_text(void **state)
{
	static const char *const words[] = {
		"--help        -h", "--version  ", "--all         -a", "--foreground  -F", "--takeover    -t",
		"--verbose     -v", "md127", "/dev/md127", "/dev/md/imsm0",
	};
	struct run r;

	(void)state;
	run(&r, "--help");
	for (size_t i = 0; i < COUNT(words); i++)
		assert_non_null(strstr(r.out.text, words[i]));
	assert_null(strstr(r.out.text, "offroot"));
}

static void test_version(void **state)
{
	static const char *const t[] = {
		"--version", "md127 --version", "--vers", "--version --help", "-t --version",
		"--version --no-such-option",
	};
	struct run r;

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++) {
		run(&r, t[i]);
		assert_int_equal(r.code, EXIT_READY);
		assert_string_equal(r.out.text, "mdmon " MDMON_VERSION "\n");
		assert_string_equal(r.err.text, "");
	}
}

/* On stderr, what is wrong first; what would be right after it. */
static void test_wrong_usage(void **state)
{
	static const struct {
		const char *line, *message;
	} t[] = {
		{ "", "mdmon: no container named\n" },
		{ "-t", "mdmon: no container named\n" },
		{ "--offroot -F", "mdmon: no container named\n" },
		{ "--", "mdmon: no container named\n" },
		{ "-- ", "mdmon: no container named\n" },
		{ "-t ", "mdmon: no container named\n" },
		{ "a b", "mdmon: one container at a time: \"a\" and \"b\" are two (--all starts a daemon for each)\n" },
		{ "a -t b c",
		  "mdmon: one container at a time: \"a\" and \"b\" are two (--all starts a daemon for each)\n" },
		{ "a ", "mdmon: one container at a time: \"a\" and \"\" are two (--all starts a daemon for each)\n" },
		{ "md127 /proc/mdstat", "mdmon: one container at a time: \"md127\" and \"/proc/mdstat\" are two "
		  "(--all starts a daemon for each)\n" },
		{ "--no-such-option md127", "mdmon: unrecognized option '--no-such-option'\n" },
		{ "-x md127", "mdmon: invalid option -- 'x'\n" },
		{ "md127 -x", "mdmon: invalid option -- 'x'\n" },
		{ "-tx md127", "mdmon: invalid option -- 'x'\n" },
		/* these have no short form */
		{ "-o md127", "mdmon: invalid option -- 'o'\n" },
		{ "-V", "mdmon: invalid option -- 'V'\n" },
		{ "--all=md127", "mdmon: option '--all' doesn't allow an argument\n" },
		{ "--alle", "mdmon: unrecognized option '--alle'\n" },
		/* --version, --verbose */
		{ "--ver md127", "mdmon: option '--ver' is ambiguous" },
		{ "--v", "mdmon: option '--v' is ambiguous" },
		{ "--Take md127", "mdmon: unrecognized option '--Take'\n" },
		/* met before the help */
		{ "--no-such-option --help", "mdmon: unrecognized option '--no-such-option'\n" },
		{ "-x -h", "mdmon: invalid option -- 'x'\n" },
	};
	struct run r;

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++) {
		const char *usage;

		run(&r, t[i].line);
		if (r.code != EXIT_USAGE || strncmp(r.err.text, t[i].message, strlen(t[i].message)) != 0)
			fail_msg("mdmon %s: %d: %s", t[i].line, r.code, r.err.text);
		usage = strstr(r.err.text, usage_head);
		assert_non_null(usage);
		assert_ptr_equal(strchr(r.err.text, '\n') + 1, usage); /* one line before it */
		assert_string_equal(r.out.text, "");
	}
}

/* ---- the word that a daemon's name is put over ---- */

static void test_all_word(void **state)
{
	static const struct {
		const char *line, *word; /* NULL: there is none with room */
	} t[] = {
		{ "--all", "--all" }, { "/proc/mdstat", "/proc/mdstat" }, { "-t --all -F", "--all" },
		{ "-t /proc/mdstat", "/proc/mdstat" }, { "--al", "--al" }, { "--all md127", "--all" },
		{ "md127 --all", "--all" }, { "--all-active-arrays", "--all-active-arrays" }, { "--all-a", "--all-a" },
		{ "-a", NULL }, { "-taF", NULL }, { "--a", NULL }, { "md127", NULL }, { "-- --all", NULL },
		{ "-a md127", NULL },
	};
	struct run r;

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++) {
		run(&r, t[i].line);
		assert_int_equal(r.code, WORK);
		if (!t[i].word) {
			assert_null(r.opt.all_word);
			assert_int_equal(r.opt.all_word_len, 0);
			continue;
		}
		assert_string_equal(r.opt.all_word, t[i].word);
		assert_int_equal(r.opt.all_word_len, strlen(t[i].word));
		/* in place: ps reads it there */
		assert_true(r.opt.all_word > r.line && r.opt.all_word < r.line + sizeof(r.line));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_work),
		cmocka_unit_test(test_help),
		cmocka_unit_test(test_help_text),
		cmocka_unit_test(test_version),
		cmocka_unit_test(test_wrong_usage),
		cmocka_unit_test(test_all_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
