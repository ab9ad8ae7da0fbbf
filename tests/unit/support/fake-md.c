/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See fake-md.h. */
#include "tests/unit/support/fake-md.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/clock.h"
#include "tests/unit/support/steps.h"

#define MAX_ATTRIBUTES 256
#define FIRST_FD (1 << 24)
#define TEXT_MAX 8192
#define BEGINNING (1000 * NS_PER_S)      /* of CLOCK_MONOTONIC */
#define WALL_CLOCK (1700000000 * NS_PER_S) /* how far CLOCK_REALTIME is ahead */

struct attribute {
	char name[80], text[TEXT_MAX];
	int read_error, write_error;
	bool event, polled;
	void (*while_reading)(void);
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct attribute attribute[MAX_ATTRIBUTES];
static unsigned count;
static bool tracing, interrupted, real_time;
static uint64_t now_ns = BEGINNING, waited_ns;

static void die(const char *what, const char *name)
{
	fprintf(stderr, "fake md: %s: %s\n", name, what);
	abort();
}

static struct attribute *find(const char *name)
{
	for (unsigned i = 0; i < count; i++)
		if (strcmp(attribute[i].name, name) == 0)
			return &attribute[i];
	die("no such attribute", name);
	return NULL;
}

static struct attribute *of_fd(int fd)
{
	return fd >= FIRST_FD && (unsigned)(fd - FIRST_FD) < count ? &attribute[fd - FIRST_FD] : NULL;
}

static void set_text(struct attribute *at, const char *text, bool event)
{
	if (strlen(text) >= TEXT_MAX)
		die("too long a text", at->name);
	strcpy(at->text, text);
	at->event |= event;
}

void md_reset(void)
{
	pthread_mutex_lock(&lock);
	count = 0;
	tracing = interrupted = real_time = false;
	now_ns = BEGINNING;
	waited_ns = 0;
	pthread_mutex_unlock(&lock);
}

int md_attribute(const char *name, const char *text)
{
	struct attribute *at;
	int fd;

	pthread_mutex_lock(&lock);
	if (count == MAX_ATTRIBUTES || strlen(name) >= sizeof(at->name))
		die("no room", name);
	fd = FIRST_FD + (int)count;
	at = &attribute[count++];
	memset(at, 0, sizeof(*at));
	strcpy(at->name, name);
	set_text(at, text, false);
	pthread_mutex_unlock(&lock);
	return fd;
}

void md_says(const char *name, const char *text)
{
	pthread_mutex_lock(&lock);
	set_text(find(name), text, true);
	pthread_mutex_unlock(&lock);
}

void md_says_silently(const char *name, const char *text)
{
	pthread_mutex_lock(&lock);
	set_text(find(name), text, false);
	pthread_mutex_unlock(&lock);
}

const char *md_reads(const char *name)
{
	return find(name)->text;
}

void md_fails_reading(const char *name, int err)
{
	pthread_mutex_lock(&lock);
	find(name)->read_error = err;
	find(name)->event = true;
	pthread_mutex_unlock(&lock);
}

void md_fails_writing(const char *name, int err)
{
	pthread_mutex_lock(&lock);
	find(name)->write_error = err;
	pthread_mutex_unlock(&lock);
}

void md_while_reading(const char *name, void (*happens)(void))
{
	find(name)->while_reading = happens;
}

void md_trace_reads(bool on)
{
	tracing = on;
}

void md_time_passes(unsigned ms)
{
	now_ns += ms * NS_PER_MS;
}

uint64_t md_waited_ms(void)
{
	return waited_ns / NS_PER_MS;
}

bool md_is_polled(const char *name)
{
	return find(name)->polled;
}

void md_interrupt(void)
{
	interrupted = true;
}

void md_in_real_time(void)
{
	real_time = true;
}

/* ---- the calls ---- */

ssize_t __real_pread64(int fd, void *buf, size_t size, off_t offset);
ssize_t __wrap_pread64(int fd, void *buf, size_t size, off_t offset);
ssize_t __wrap_pread64(int fd, void *buf, size_t size, off_t offset)
{
	struct attribute *at = of_fd(fd);
	void (*happens)(void);
	size_t len;

	if (!at)
		return __real_pread64(fd, buf, size, offset);
	happens = at->while_reading;
	at->while_reading = NULL;
	if (happens)
		happens();
	pthread_mutex_lock(&lock);
	if (tracing)
		step("read %s", at->name);
	at->event = false;
	len = strlen(at->text);
	if (len > size)
		len = size;
	memcpy(buf, at->text, len);
	errno = at->read_error;
	pthread_mutex_unlock(&lock);
	return errno ? -1 : (ssize_t)len;
}

/* md takes two words in a running array, and each of them notifies (kernel-md.md 4.1). */
static int take_word(struct attribute *at, const char *word)
{
	const char *attr = strrchr(at->name, '/');

	if (at->write_error)
		return at->write_error;
	if (!attr || strcmp(attr, "/array_state") != 0)
		return EACCES;
	if (strcmp(word, "active") != 0 && strcmp(word, "clean") != 0)
		return EINVAL;
	set_text(at, word, true);
	return 0;
}

ssize_t __real_write(int fd, const void *buf, size_t size);
ssize_t __wrap_write(int fd, const void *buf, size_t size);
ssize_t __wrap_write(int fd, const void *buf, size_t size)
{
	struct attribute *at = of_fd(fd);
	char word[32];
	int err;

	if (!at)
		return __real_write(fd, buf, size);
	snprintf(word, sizeof(word), "%.*s", (int)size, (const char *)buf);
	pthread_mutex_lock(&lock);
	err = take_word(at, word);
	step("%s <- %s%s", at->name, word, err ? " (refused)" : "");
	pthread_mutex_unlock(&lock);
	errno = err;
	return err ? -1 : (ssize_t)size;
}

int __real_clock_gettime(clockid_t clock, struct timespec *ts);
int __wrap_clock_gettime(clockid_t clock, struct timespec *ts);
int __wrap_clock_gettime(clockid_t clock, struct timespec *ts)
{
	uint64_t ns = clock == CLOCK_REALTIME ? now_ns + WALL_CLOCK : now_ns;

	if (real_time)
		return __real_clock_gettime(clock, ts);
	*ts = (struct timespec){ .tv_sec = (time_t)(ns / NS_PER_S), .tv_nsec = (long)(ns % NS_PER_S) };
	return 0;
}

static int events_of(struct pollfd *fds, nfds_t n)
{
	int ready = 0;

	for (unsigned i = 0; i < count; i++)
		attribute[i].polled = false;
	for (nfds_t i = 0; i < n; i++) {
		struct attribute *at = of_fd(fds[i].fd);

		fds[i].revents = 0;
		if (!at)
			die("not an attribute", "ppoll");
		at->polled = true;
		if (at->event || at->read_error == ENODEV)
			fds[i].revents = POLLPRI | POLLERR;
		ready += fds[i].revents != 0;
	}
	return ready;
}

static int wait_for_events(struct pollfd *fds, nfds_t n, const struct timespec *limit)
{
	int ready = events_of(fds, n);

	waited_ns = 0;
	if (interrupted) {
		interrupted = false;
		errno = EINTR;
		return -1;
	}
	if (ready)
		return ready;
	if (!limit)
		die("nobody will ever wake it", "ppoll");
	waited_ns = (uint64_t)limit->tv_sec * NS_PER_S + (uint64_t)limit->tv_nsec;
	now_ns += waited_ns;
	return 0;
}

/* The compiler calls the second one where it knows how large the array is. */
int __real_ppoll(struct pollfd *fds, nfds_t n, const struct timespec *limit, const sigset_t *sigs);
int __wrap_ppoll(struct pollfd *fds, nfds_t n, const struct timespec *limit, const sigset_t *sigs);
int __wrap_ppoll(struct pollfd *fds, nfds_t n, const struct timespec *limit, const sigset_t *sigs)
{
	return real_time ? __real_ppoll(NULL, 0, limit, sigs) : wait_for_events(fds, n, limit);
}

int __wrap___ppoll_chk(struct pollfd *fds, nfds_t n, const struct timespec *limit, const sigset_t *sigs, size_t size);
int __wrap___ppoll_chk(struct pollfd *fds, nfds_t n, const struct timespec *limit, const sigset_t *sigs, size_t size)
{
	if (n > size / sizeof(*fds))
		die("more than fit", "ppoll");
	return __wrap_ppoll(fds, n, limit, sigs);
}
