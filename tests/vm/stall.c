// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Times O_DIRECT writes of 4 KiB.
 *
 *   stall once DEV SEED OFFSET
 *	one write; prints its latency in microseconds; exit 1 if it failed
 *   stall loop DEV SEED OFFSET LENGTH STATUS [PAUSE_US]
 *	writes round and round in [OFFSET, OFFSET+LENGTH) until SIGTERM. After every
 *	write the file STATUS says "WRITES ERRORS LONGEST_US LAST_US" in fixed columns.
 *	SIGUSR1 starts a new measurement of LONGEST_US. Exit 1 if a write failed.
 *   stall claim DEV
 *	holds DEV exclusively, as mdadm does while it changes a container; prints "claimed"; until killed
 *
 * The data are those of pattern.h, so "pattern verify" knows them.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "pattern.h"

#define BLOCK 4096

static volatile sig_atomic_t stop, restart;
static uint64_t *buf;

static void on_term(int sig)
{
	(void)sig;
	stop = 1;
}

static void on_usr1(int sig)
{
	(void)sig;
	restart = 1;
}

static uint64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

/* Returns the latency; *error is 0 or the errno of the write. */
static uint64_t timed_write(int fd, uint64_t seed, uint64_t off, int *error)
{
	pattern_fill(buf, BLOCK, seed, off);

	uint64_t start = now_us();
	ssize_t n = pwrite(fd, buf, BLOCK, (off_t)off);
	uint64_t end = now_us();

	*error = n == BLOCK ? 0 : n < 0 ? errno : EIO;
	return end - start;
}

static int loop(int fd, uint64_t seed, uint64_t off, uint64_t len, int status, unsigned int pause_us)
{
	uint64_t writes = 0, errors = 0, longest = 0, pos = 0;

	while (!stop) {
		int error;
		uint64_t us = timed_write(fd, seed, off + pos, &error);
		char line[80];

		if (restart) {
			restart = 0;
			longest = 0;
		}
		writes++;
		errors += error != 0;
		if (error)
			fprintf(stderr, "stall: write at %" PRIu64 ": %s\n", off + pos, strerror(error));
		if (us > longest)
			longest = us;
		pos = (pos + BLOCK) % len;

		int n = snprintf(line, sizeof(line), "%10" PRIu64 " %6" PRIu64 " %10" PRIu64 " %10" PRIu64 "\n",
				 writes, errors, longest, us);

		if (pwrite(status, line, (size_t)n, 0) != n)
			return 2;
		if (pause_us)
			usleep(pause_us);
	}
	return errors ? 1 : 0;
}

static int claim(const char *dev)
{
	if (open(dev, O_RDONLY | O_EXCL) < 0) {
		fprintf(stderr, "stall: %s: %s\n", dev, strerror(errno));
		return 1;
	}
	puts("claimed");
	fflush(stdout);
	pause();
	return 0;
}

static uint64_t number(const char *text)
{
	return strtoull(text, NULL, 0);
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "claim"))
		return claim(argv[2]);

	int once = argc == 5 && !strcmp(argv[1], "once");

	if (!once && (argc < 7 || argc > 8 || strcmp(argv[1], "loop"))) {
		fprintf(stderr, "usage: stall once DEV SEED OFFSET | loop DEV SEED OFFSET LENGTH STATUS [PAUSE_US] | claim DEV\n");
		return 2;
	}

	int fd = open(argv[2], O_RDWR | O_DIRECT);

	if (fd < 0) {
		fprintf(stderr, "stall: %s: %s\n", argv[2], strerror(errno));
		return 2;
	}
	buf = aligned_alloc(4096, BLOCK);
	if (once) {
		int error;
		uint64_t us = timed_write(fd, number(argv[3]), number(argv[4]), &error);

		if (error) {
			fprintf(stderr, "stall: %s: %s\n", argv[2], strerror(error));
			return 1;
		}
		printf("%" PRIu64 "\n", us);
		return 0;
	}

	int status = open(argv[6], O_RDWR | O_CREAT | O_TRUNC, 0644);

	if (status < 0)
		return 2;
	signal(SIGTERM, on_term);
	signal(SIGUSR1, on_usr1);
	return loop(fd, number(argv[3]), number(argv[4]), number(argv[5]), status,
		    argc == 8 ? (unsigned int)number(argv[7]) : 0);
}
