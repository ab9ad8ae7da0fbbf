// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Preloaded into the daemon for sweeps over its allocations (lib/sweep.sh): the N-th one fails, of whatever library, and is
 * noted in /tmp/meddled. /tmp/starve says "N ID PID", padded with spaces to 64 bytes: N counts from the moment when the
 * process with that PID sees a new ID, or, with PID 0, from the start of each process that begins while it stands there.
 * At its end, or when the next ID comes, nothing is noted: a sweep is over when no allocation has failed.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define ORDER_MAX 64

void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);

static const char *order; /* mapped; NULL: there is none */
static char seen[ORDER_MAX];
static unsigned long when;
static atomic_ulong count;
static atomic_flag busy = ATOMIC_FLAG_INIT;

static void take_order(bool starting)
{
	unsigned long n, id;
	int pid = -1;

	memcpy(seen, order, ORDER_MAX);
	seen[ORDER_MAX - 1] = 0;
	when = 0;
	if (sscanf(seen, "%lu %lu %d", &n, &id, &pid) != 3 || pid != (starting ? 0 : getpid()))
		return;
	atomic_store(&count, 0);
	when = n;
}

static __attribute__((constructor)) void begin(void)
{
	int fd = open("/tmp/starve", O_RDONLY | O_CLOEXEC);
	void *p = fd < 0 ? MAP_FAILED : mmap(NULL, ORDER_MAX, PROT_READ, MAP_SHARED, fd, 0);

	if (fd >= 0)
		close(fd);
	if (p == MAP_FAILED)
		return;
	order = p;
	take_order(true);
}

static void note(const char *what, size_t size, const void *caller)
{
	Dl_info info = { 0 };
	char line[160];
	int fd = open("/tmp/meddled", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	int len;

	dladdr(caller, &info);
	len = snprintf(line, sizeof(line), "failed %s(%zu) of %.60s+0x%lx\n", what, size, info.dli_fname ? info.dli_fname : "?",
		       (unsigned long)((const char *)caller - (const char *)info.dli_fbase));
	if (fd < 0 || write(fd, line, (size_t)len) != len)
		_exit(99);
	close(fd);
}

/* The order is looked at by one thread at a time; whoever finds another one there goes on by what stood there before. */
static bool fails(const char *what, size_t size, const void *caller)
{
	if (!order)
		return false;
	if (!atomic_flag_test_and_set(&busy)) {
		if (memcmp(seen, order, ORDER_MAX - 1) != 0)
			take_order(false);
		atomic_flag_clear(&busy);
	}
	if (!when || atomic_fetch_add(&count, 1) + 1 != when)
		return false;
	note(what, size, caller);
	errno = ENOMEM;
	return true;
}

void *malloc(size_t n)
{
	return fails("malloc", n, __builtin_return_address(0)) ? NULL : __libc_malloc(n);
}

void *calloc(size_t n, size_t m)
{
	return fails("calloc", n * m, __builtin_return_address(0)) ? NULL : __libc_calloc(n, m);
}

void *realloc(void *p, size_t n)
{
	return fails("realloc", n, __builtin_return_address(0)) ? NULL : __libc_realloc(p, n);
}

int posix_memalign(void **p, size_t align, size_t n)
{
	static int (*next)(void **, size_t, size_t);

	if (!next)
		*(void **)&next = dlsym(RTLD_NEXT, "posix_memalign");
	return fails("posix_memalign", n, __builtin_return_address(0)) ? ENOMEM : next(p, align, n);
}

void *aligned_alloc(size_t align, size_t n)
{
	static void *(*next)(size_t, size_t);

	if (!next)
		*(void **)&next = dlsym(RTLD_NEXT, "aligned_alloc");
	return fails("aligned_alloc", n, __builtin_return_address(0)) ? NULL : next(align, n);
}
