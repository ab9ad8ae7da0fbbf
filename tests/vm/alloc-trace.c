// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Preloaded into the daemon by the scenario monitor-allocations: counts the calls that the monitor thread must never
 * make. Each thread's total stands in /tmp/alloc-trace.NAME; that of the manager shows that counting works.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void __libc_free(void *);

static __thread unsigned long count;
static __thread char name[16];

/* The name comes after the thread was made, hence the question at each call. No allocation in here. */
static void note(const char *what)
{
	char path[64], line[96];
	int fd, len;

	prctl(PR_GET_NAME, name);
	for (char *c = name; *c; c++)
		if (*c == '/')
			*c = '_';
	snprintf(path, sizeof(path), "/tmp/alloc-trace.%s", name);
	len = snprintf(line, sizeof(line), "%lu %s\n", ++count, what);
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0)
		return;
	if (write(fd, line, len) != len)
		_exit(99);
	close(fd);
}

void *malloc(size_t n)
{
	note("malloc");
	return __libc_malloc(n);
}

void *calloc(size_t n, size_t m)
{
	note("calloc");
	return __libc_calloc(n, m);
}

void *realloc(void *p, size_t n)
{
	note("realloc");
	return __libc_realloc(p, n);
}

void free(void *p)
{
	if (p)
		note("free");
	__libc_free(p);
}

int pthread_mutex_lock(pthread_mutex_t *m)
{
	static int (*next)(pthread_mutex_t *);

	if (!next)
		*(void **)&next = dlsym(RTLD_NEXT, "pthread_mutex_lock");
	note("pthread_mutex_lock");
	return next(m);
}
