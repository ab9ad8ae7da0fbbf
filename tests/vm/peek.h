// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the decoders of metadata (imsm-peek, ddf-peek) have in common: their
 * options, what they print, and tests of it.
 *
 *   PEEK DISK...			everything, one KEY=VALUE a line
 *   PEEK -k KEY DISK...		only the values of KEY, one a line
 *   PEEK -t TEST... -- DISK...		exit 0 if every TEST holds on every disk;
 *					otherwise 1 and what differs, on stdout
 *
 * TEST is KEY=VALUE (some such key has such a value), KEY!=VALUE (none has) or
 * KEY>N. KEY and VALUE may be glob patterns: "disk*.serial=*ram1:0".
 * A disk without valid metadata shows "found=no" and "reason=...".
 */
#ifndef PEEK_H
#define PEEK_H

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_LINES 1024

struct line {
	char key[48];
	char value[256];
};

static struct line lines[MAX_LINES];
static int n_lines;

__attribute__((format(printf, 2, 3)))
static void say(const char *key, const char *fmt, ...)
{
	va_list ap;

	if (n_lines == MAX_LINES)
		return;
	snprintf(lines[n_lines].key, sizeof(lines[0].key), "%s", key);
	va_start(ap, fmt);
	vsnprintf(lines[n_lines].value, sizeof(lines[0].value), fmt, ap);
	va_end(ap);
	n_lines++;
}

/* The decoder: says what it finds. NULL if all is well, else the reason. */
static const char *show_disk(int fd);

static void load(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECT);
	const char *reason = fd < 0 ? strerror(errno) : NULL;

	n_lines = 0;
	if (fd >= 0) {
		reason = show_disk(fd);
		close(fd);
	}
	say("found", "%s", reason ? "no" : "yes");
	if (reason)
		say("reason", "%s", reason);
}

/* One test on the disk that is loaded; says what differs. */
static int holds(const char *path, const char *test)
{
	char key[128];
	size_t key_len = strcspn(test, "!=>");
	const char *op = test + key_len;
	int negated = op[0] == '!';
	const char *want = op + (negated ? 2 : 1);
	int found = 0, keys = 0;

	snprintf(key, sizeof(key), "%.*s", (int)key_len, test);
	for (int i = 0; i < n_lines; i++) {
		const char *value = lines[i].value;

		if (!fnmatch(key, lines[i].key, 0))
			found |= op[0] == '>' ? strtoull(value, NULL, 0) > strtoull(want, NULL, 0)
					      : !fnmatch(want, value, 0);
	}
	if (found != negated)
		return 1;
	printf("%s: expected %s, found", path, test);
	for (int i = 0; i < n_lines; i++)
		if (!fnmatch(key, lines[i].key, 0))
			printf("%s%s=%s", keys++ ? ", " : " ", lines[i].key, lines[i].value);
	puts(keys ? "" : " no such key");
	return 0;
}

static int run_tests(char **tests, int n_tests, char **disks)
{
	int failed = 0;

	for (; *disks; disks++) {
		load(*disks);
		for (int i = 0; i < n_tests; i++)
			failed |= !holds(*disks, tests[i]);
	}
	return failed;
}

static void print(const char *path, const char *only, int with_name)
{
	load(path);
	if (with_name)
		printf("[%s]\n", path);
	for (int i = 0; i < n_lines; i++) {
		if (!only)
			printf("%s=%s\n", lines[i].key, lines[i].value);
		else if (!fnmatch(only, lines[i].key, 0))
			puts(lines[i].value);
	}
}

static int peek_main(int argc, char **argv)
{
	if (argc > 2 && !strcmp(argv[1], "-t")) {
		int n = 0;

		while (argv[2 + n] && strcmp(argv[2 + n], "--"))
			n++;
		if (argv[2 + n] && argv[3 + n])
			return run_tests(argv + 2, n, argv + 3 + n);
	} else if (argc > 3 && !strcmp(argv[1], "-k")) {
		for (int i = 3; i < argc; i++)
			print(argv[i], argv[2], 0);
		return 0;
	} else if (argc > 1 && argv[1][0] != '-') {
		for (int i = 1; i < argc; i++)
			print(argv[i], NULL, argc > 2);
		return 0;
	}
	fprintf(stderr, "usage: %s [-k KEY] DISK... | -t TEST... -- DISK...\n", argv[0]);
	return 2;
}

#endif
