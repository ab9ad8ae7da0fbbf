/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a pid file and a command line say, and what they do not. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "socket/rundir.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* ---- the text of a pid file ---- */

static const struct {
	const char *text;
	pid_t pid;
} pid_texts[] = {
	{ "1234\n", 1234 },
	{ "1234", 1234 },
	{ "1\n", 1 },
	{ "4194304\n", 4194304 }, /* the largest that Linux gives */
	{ "  77\n", 77 },
	{ "12\n34\n", 12 },
	{ "", -1 },
	{ "\n", -1 },
	{ "0\n", -1 },
	{ "-1\n", -1 }, /* kill(-1) would hit everybody */
	{ "-1234\n", -1 },
	{ "4194305\n", -1 },
	{ "4294967297\n", -1 }, /* 1 in 32 bits */
	{ "18446744073709551617\n", -1 },
	{ "99999999999999999999999999\n", -1 },
	{ "mdmon\n", -1 },
	{ "12x\n", -1 },
	{ "12 34\n", -1 },
	{ "0x10\n", -1 },
	{ "1e3\n", -1 },
};

static void test_pid_texts(void **state)
{
	unsigned wrong = 0;

	(void)state;
	for (size_t i = 0; i < COUNT(pid_texts); i++) {
		if (rundir_parse_pid(pid_texts[i].text) == pid_texts[i].pid)
			continue;
		print_error("\"%s\" gives %d\n", pid_texts[i].text, (int)rundir_parse_pid(pid_texts[i].text));
		wrong++;
	}
	assert_int_equal(wrong, 0);
}

/* ---- command lines ---- */

#define LINE(text) text, sizeof(text) - 1 /* without the last NUL: it may be cut off anywhere */

static const struct {
	const char *line;
	size_t len;
	bool ours;
} command_lines[] = {
	{ LINE("mdmon\0md127\0"), true },
	{ LINE("mdmon\0md127"), true },
	{ LINE("/sbin/mdmon\0md127\0"), true },
	{ LINE("/usr/sbin/mdmon\0--foreground\0--offroot\0--takeover\0md127\0"), true },
	{ LINE("mdmon\0md127\0--takeover\0"), true },
	{ LINE("mdmon\0/dev/md127\0"), true },
	{ LINE("mdmon\0initrd/md127\0"), true },
	/* the first character gives way to the '@' that makes systemd spare it */
	{ LINE("@dmon\0md127\0"), true },
	{ LINE("@sbin/mdmon\0--offroot\0md127\0"), true },
	{ LINE("@usr/sbin/mdmon\0md127\0"), true },
	/* the pid has got another owner */
	{ LINE("mdmon\0md126\0"), false },
	{ LINE("mdmon\0md1\0"), false },
	{ LINE("mdmon\0md1270\0"), false },
	{ LINE("mdmon\0/dev/md126\0"), false },
	{ LINE("/usr/bin/vim\0md127\0"), false },
	{ LINE("mdadm\0--wait-clean\0md127\0"), false },
	{ LINE("md127\0mdmon\0"), false },
	{ LINE("vi\0/etc/mdmon\0md127\0"), false },
	{ LINE("@sbin/plymouthd\0md127\0"), false },
	/* nothing at all: a kernel thread, or a process that has just died */
	{ LINE(""), false },
	{ LINE("\0"), false },
	{ LINE("\0\0\0"), false },
	{ LINE("\0md127\0"), false },
	{ LINE("mdmon\0"), false },
	/* cut off */
	{ LINE("mdmon\0md12"), false },
	{ LINE("mdm"), false },
};

static void test_command_lines(void **state)
{
	unsigned wrong = 0;

	(void)state;
	for (size_t i = 0; i < COUNT(command_lines); i++) {
		/* A copy of its own on the heap: what reads past its end is seen by the address sanitizer. */
		size_t len = command_lines[i].len;
		char *line = malloc(len ? len : 1);

		assert_non_null(line);
		memcpy(line, command_lines[i].line, len);
		if (rundir_is_mdmon(line, len, "md127") != command_lines[i].ours) {
			print_error("line %zu: %s ...\n", i, command_lines[i].line);
			wrong++;
		}
		free(line);
	}
	assert_int_equal(wrong, 0);
}

/* Words longer than any that we look for are passed over, not cut. */
static void test_command_line_with_long_words(void **state)
{
	char line[1024];
	size_t n = 0;

	(void)state;
	n += (size_t)snprintf(line + n, sizeof(line) - n, "mdmon") + 1;
	memset(line + n, 'x', 600);
	line[n + 600] = '\0';
	n += 601;
	n += (size_t)snprintf(line + n, sizeof(line) - n, "md127") + 1;
	assert_true(rundir_is_mdmon(line, n, "md127"));
	memset(line, 'x', 600);
	memcpy(line + 590, "md127", 6);
	assert_false(rundir_is_mdmon(line, 600, "md127"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pid_texts),
		cmocka_unit_test(test_command_lines),
		cmocka_unit_test(test_command_line_with_long_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
