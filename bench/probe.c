// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Times writes of 4 KiB for the benchmark, in the guest.
 *
 *   probe disk DEV COUNT
 *	the yardstick: what COUNT O_DIRECT|O_DSYNC writes to a disk take, one a line, in microseconds
 *   probe pair MD
 *	two O_DIRECT writes to an array, one after the other: prints "FIRST NEXT", in microseconds
 *   probe at-once MD
 *	makes sure that the array is dirty, lets it become clean, and writes 5 ms after the kernel says that it is, when the
 *	daemon knows, but has not recorded it; prints what that write takes
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BLOCK 4096
#define PATIENCE_US 20000000
#define STEP_MS 5
/* A write that comes before the daemon has noticed costs nothing: what is recorded is still right. */
#define NOTICED_US 5000

static void die(const char *what)
{
	fprintf(stderr, "probe: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static int opened(const char *name, int flags)
{
	int fd = open(name, flags);

	if (fd < 0)
		die(name);
	return fd;
}

static uint64_t timed_write(int fd)
{
	static char *buf;

	if (!buf) {
		buf = aligned_alloc(BLOCK, BLOCK);
		if (!buf)
			die("memory");
		memset(buf, 0x5a, BLOCK);
	}

	uint64_t start = now_us();

	if (pwrite(fd, buf, BLOCK, 0) != BLOCK)
		die("write");
	return now_us() - start;
}

static int disk(const char *dev, int count)
{
	int fd = opened(dev, O_RDWR | O_DIRECT | O_DSYNC);

	while (count-- > 0)
		printf("%" PRIu64 "\n", timed_write(fd));
	return 0;
}

/* An attribute of an array. */
static int attribute(const char *md, const char *name, int flags)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/block/%s/md/%s", md, name);
	return opened(path, flags);
}

static void wait_clean(int state)
{
	uint64_t end = now_us() + PATIENCE_US;
	char word[32];

	for (;;) {
		ssize_t n = pread(state, word, sizeof(word) - 1, 0);

		if (n < 0)
			die("array_state");
		if (n >= 5 && !memcmp(word, "clean", 5))
			return;
		if (now_us() > end) {
			errno = ETIMEDOUT;
			die("the array does not become clean");
		}

		struct pollfd pfd = { .fd = state, .events = POLLPRI };

		poll(&pfd, 1, STEP_MS);
	}
}

static void become_clean(const char *md, int array)
{
	static const char delay[] = "0.2";
	int state = attribute(md, "array_state", O_RDONLY);
	int safe_mode = attribute(md, "safe_mode_delay", O_WRONLY);

	timed_write(array);
	if (write(safe_mode, delay, sizeof(delay) - 1) < 0)
		die("safe_mode_delay");
	wait_clean(state);
	usleep(NOTICED_US);
}

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "disk"))
		return disk(argv[2], atoi(argv[3]));

	int at_once = argc == 3 && !strcmp(argv[1], "at-once");

	if (!at_once && (argc != 3 || strcmp(argv[1], "pair"))) {
		fprintf(stderr, "usage: probe disk DEV COUNT | pair MD | at-once MD\n");
		return 2;
	}

	char path[64];

	snprintf(path, sizeof(path), "/dev/%s", argv[2]);

	int array = opened(path, O_RDWR | O_DIRECT);

	if (at_once)
		become_clean(argv[2], array);
	printf("%" PRIu64, timed_write(array));
	if (!at_once)
		printf(" %" PRIu64, timed_write(array));
	putchar('\n');
	return 0;
}
