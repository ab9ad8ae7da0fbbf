// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Writes a seeded pattern to a block device, verifies it later, or adds up
 * what is on a device. Always with O_DIRECT: what counts is what is on the disk.
 *
 *   pattern write  DEV SEED OFFSET LENGTH
 *   pattern verify DEV SEED OFFSET LENGTH    exit 1 and the first bad offset if it differs
 *   pattern sum    DEV OFFSET LENGTH         LENGTH 0: to the end; prints a 64-bit sum
 *
 * Offsets and lengths are bytes, multiples of 4096 (sum: of 512).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pattern.h"

#define CHUNK (256 * 1024)

static uint64_t *buf;

static void die(const char *what)
{
	fprintf(stderr, "pattern: %s: %s\n", what, strerror(errno));
	exit(2);
}

static void write_pattern(int fd, uint64_t seed, uint64_t off, uint64_t end)
{
	while (off < end) {
		size_t len = end - off < CHUNK ? end - off : CHUNK;

		pattern_fill(buf, len, seed, off);
		if (pwrite(fd, buf, len, (off_t)off) != (ssize_t)len)
			die("write");
		off += len;
	}
}

static int verify_pattern(int fd, uint64_t seed, uint64_t off, uint64_t end)
{
	while (off < end) {
		size_t len = end - off < CHUNK ? end - off : CHUNK;

		if (pread(fd, buf, len, (off_t)off) != (ssize_t)len)
			die("read");
		for (size_t i = 0; i < len / 8; i++) {
			uint64_t want = pattern_word(seed, off + i * 8);

			if (buf[i] != want) {
				printf("offset %" PRIu64 ": want %016" PRIx64 ", found %016" PRIx64 "\n",
				       off + i * 8, want, buf[i]);
				return 1;
			}
		}
		off += len;
	}
	return 0;
}

static void sum(int fd, uint64_t off, uint64_t end)
{
	uint64_t total = 0;

	while (off < end) {
		size_t len = end - off < CHUNK ? end - off : CHUNK;

		if (pread(fd, buf, len, (off_t)off) != (ssize_t)len)
			die("read");
		for (size_t i = 0; i < len / 8; i++)
			total = (total ^ buf[i]) * 0x100000001B3u;
		off += len;
	}
	printf("%016" PRIx64 "\n", total);
}

static uint64_t number(const char *text)
{
	return strtoull(text, NULL, 0);
}

int main(int argc, char **argv)
{
	const char *verb = argc > 2 ? argv[1] : "";
	int is_sum = !strcmp(verb, "sum");
	int is_write = !strcmp(verb, "write");

	if (argc != (is_sum ? 5 : 6)) {
		fprintf(stderr, "usage: pattern write|verify DEV SEED OFFSET LENGTH | sum DEV OFFSET LENGTH\n");
		return 2;
	}

	int fd = open(argv[2], (is_write ? O_RDWR : O_RDONLY) | O_DIRECT);

	if (fd < 0)
		die(argv[2]);
	buf = aligned_alloc(4096, CHUNK);

	uint64_t off = number(argv[argc - 2]);
	uint64_t len = number(argv[argc - 1]);
	uint64_t end = len ? off + len : (uint64_t)lseek(fd, 0, SEEK_END);

	if (is_sum)
		sum(fd, off, end);
	else if (is_write)
		write_pattern(fd, number(argv[3]), off, end);
	else
		return verify_pattern(fd, number(argv[3]), off, end);
	return 0;
}
