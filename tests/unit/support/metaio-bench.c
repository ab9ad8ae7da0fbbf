/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See metaio-bench.h. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/support/metaio-bench.h"

#include <errno.h>
#include <fcntl.h>
#include <libaio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define FILE_SIZE (64 * 1024)
#define PIECES (DISKS + METAIO_STEPS)

#ifndef RWF_DSYNC
#define RWF_DSYNC 0x00000002
#endif

/* ---- what metaio does, as seen from outside ---- */

struct bench_seen bench_seen;

static void note(int what, int fd, uint64_t offset, bool durable)
{
	assert_true(bench_seen.events < COUNT(bench_seen.event));
	bench_seen.event[bench_seen.events++] = (struct event){ .what = what, .fd = fd, .offset = offset, .durable = durable };
}

static bool take(unsigned *left)
{
	if (!*left)
		return false;
	--*left;
	return true;
}

int __real_io_submit(io_context_t ctx, long nr, struct iocb *ios[]);
int __wrap_io_submit(io_context_t ctx, long nr, struct iocb *ios[]);
int __wrap_io_submit(io_context_t ctx, long nr, struct iocb *ios[])
{
	int n = nr == 1 && bench_holds_back && bench_holds_back(ctx, ios[0]) ? 1 : take(&bench_seen.refuse_submit) ? -EAGAIN : __real_io_submit(ctx, nr, ios);

	for (int i = 0; i < n; i++) {
		int fd = ios[i]->aio_fildes;

		note(SUBMITTED, fd, (uint64_t)ios[i]->u.c.offset, ios[i]->aio_rw_flags & RWF_DSYNC);
		bench_seen.in_flight++;
		bench_seen.torn += bench_seen.torn_risk[fd];
		if (bench_seen.in_flight > bench_seen.most_in_flight)
			bench_seen.most_in_flight = bench_seen.in_flight;
		if (bench_seen.torn > bench_seen.most_torn)
			bench_seen.most_torn = bench_seen.torn;
	}
	return n;
}

int __real_io_getevents(io_context_t ctx, long min_nr, long nr, struct io_event *events, struct timespec *timeout);
int __wrap_io_getevents(io_context_t ctx, long min_nr, long nr, struct io_event *events, struct timespec *timeout);
int __wrap_io_getevents(io_context_t ctx, long min_nr, long nr, struct io_event *events, struct timespec *timeout)
{
	int n;

	assert_true(min_nr > 0 || timeout); /* it waits, it does not spin */
	if (min_nr && bench_nothing_comes && bench_nothing_comes(bench_seen.in_flight, timeout))
		return 0;
	if (take(&bench_seen.interrupt_getevents))
		return -EINTR;
	n = __real_io_getevents(ctx, min_nr, bench_seen.one_event_at_a_time ? 1 : nr, events, timeout);
	for (int i = 0; i < n; i++) {
		int fd = events[i].obj->aio_fildes;

		note(COMPLETED, fd, (uint64_t)events[i].obj->u.c.offset, true);
		bench_seen.in_flight--;
		bench_seen.torn -= bench_seen.torn_risk[fd];
		if (fd == bench_seen.cut_fd && !take(&bench_seen.cut_later) && take(&bench_seen.cut_short))
			events[i].res -= 512;
	}
	return n;
}

ssize_t __real_pwritev64v2(int fd, const struct iovec *iov, int count, off64_t offset, int flags);
ssize_t __wrap_pwritev64v2(int fd, const struct iovec *iov, int count, off64_t offset, int flags);
ssize_t __wrap_pwritev64v2(int fd, const struct iovec *iov, int count, off64_t offset, int flags)
{
	ssize_t n;

	if (take(&bench_seen.interrupt_writes)) {
		errno = EINTR;
		return -1;
	}
	if (take(&bench_seen.refuse_dsync)) {
		errno = EOPNOTSUPP;
		return -1;
	}
	n = __real_pwritev64v2(fd, iov, count, offset, flags);
	if (n < 0)
		return n;
	note(WRITTEN, fd, (uint64_t)offset, flags & RWF_DSYNC);
	return fd == bench_seen.cut_fd && !take(&bench_seen.cut_later) && take(&bench_seen.cut_short) ? n - 512 : n;
}

ssize_t __real_pwritev64(int fd, const struct iovec *iov, int count, off64_t offset);
ssize_t __wrap_pwritev64(int fd, const struct iovec *iov, int count, off64_t offset);
ssize_t __wrap_pwritev64(int fd, const struct iovec *iov, int count, off64_t offset)
{
	ssize_t n;

	if (take(&bench_seen.interrupt_plain_writes)) {
		errno = EINTR;
		return -1;
	}
	n = __real_pwritev64(fd, iov, count, offset);
	if (n >= 0)
		note(WRITTEN, fd, (uint64_t)offset, false);
	return n;
}

int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);
int __wrap_fdatasync(int fd)
{
	if (take(&bench_seen.interrupt_syncs)) {
		errno = EINTR;
		return -1;
	}
	if (take(&bench_seen.fail_syncs)) {
		errno = EIO;
		return -1;
	}
	bench_seen.fdatasyncs++;
	for (unsigned i = 0; i < bench_seen.events; i++)
		bench_seen.event[i].durable |= bench_seen.event[i].fd == fd;
	return __real_fdatasync(fd);
}

/* ---- disks ---- */

static struct metaio *with_aio, *sequential;

int bench_open(void **state)
{
	(void)state;
	with_aio = metaio_open(DISKS);
	sequential = metaio_open(DISKS);
	if (!with_aio || !sequential)
		return -1;
	metaio_force_sequential(sequential);
	return 0;
}

int bench_close(void **state)
{
	(void)state;
	metaio_close(with_aio);
	metaio_close(sequential);
	return 0;
}

static int open_direct(const char *path, int flags)
{
	int fd = open(path, flags | O_DIRECT | O_CLOEXEC);

	return fd >= 0 ? fd : open(path, flags | O_CLOEXEC);
}

/* Memory, since each durable write to a real disk takes its time; or what TMPDIR says. */
static const char *fast_dir(void)
{
	const char *dir = getenv("TMPDIR");

	if (dir)
		return dir;
	return access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
}

static void make_disk(struct bench *b, unsigned i, const char *dir)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/mdmon-metaio-XXXXXX", dir);
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, FILE_SIZE), 0);
	close(fd);
	b->disk[i] = (struct disk){
		.fd = open_direct(path, O_RDWR),
		.size = FILE_SIZE,
		.sector_size = 512,
		.physical_size = 4096,
		.physical_aligned = true,
	};
	b->read_only_fd[i] = open_direct(path, O_RDONLY);
	unlink(path);
	assert_true(b->disk[i].fd >= 0 && b->read_only_fd[i] >= 0);
	assert_true(b->disk[i].fd < (int)COUNT(bench_seen.torn_risk));
}

static struct bench *bench_new(struct metaio *io, const char *dir)
{
	struct bench *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	for (unsigned i = 0; i < DISKS; i++)
		make_disk(b, i, dir);
	b->buf = aligned_alloc(METAIO_ALIGN, PIECES * METAIO_ALIGN);
	assert_non_null(b->buf);
	for (unsigned i = 0; i < PIECES; i++)
		memset(b->buf + i * METAIO_ALIGN, (int)i + 1, METAIO_ALIGN);
	b->io = io;
	b->plan = metaio_plan_new(DISKS);
	assert_non_null(b->plan);
	return b;
}

int bench_setup_sequential(void **state)
{
	*state = bench_new(sequential, fast_dir());
	memset(&bench_seen, 0, sizeof(bench_seen));
	return 0;
}

int bench_setup_aio(void **state)
{
	*state = bench_new(with_aio, fast_dir());
	memset(&bench_seen, 0, sizeof(bench_seen));
	return 0;
}

int bench_setup_aio_on_disk(void **state)
{
	*state = bench_new(with_aio, "/var/tmp");
	memset(&bench_seen, 0, sizeof(bench_seen));
	return 0;
}

int bench_teardown(void **state)
{
	struct bench *b = *state;

	memset(&bench_seen, 0, sizeof(bench_seen));
	for (unsigned i = 0; i < DISKS; i++) {
		close(b->disk[i].fd);
		close(b->read_only_fd[i]);
	}
	metaio_plan_free(b->plan);
	free(b->buf);
	free(b);
	return 0;
}

void bench_skip_without_aio(const struct bench *b)
{
	if (!metaio_uses_aio(b->io)) {
		print_message("SKIPPED: no AIO here\n");
		skip();
	}
}

const void *bench_piece(const struct bench *b, unsigned n)
{
	return b->buf + n * METAIO_ALIGN;
}

struct metaio_disk *bench_plan_disk(struct bench *b, unsigned disk, unsigned steps, unsigned first)
{
	struct metaio_disk *pd = metaio_plan_add(b->plan, &b->disk[disk]);

	assert_non_null(pd);
	for (unsigned k = 0; k < steps; k++)
		assert_true(metaio_disk_step(pd, bench_piece(b, first + k), (uint64_t)k * METAIO_ALIGN, METAIO_ALIGN));
	return pd;
}

void bench_plan_all(struct bench *b, unsigned steps)
{
	for (unsigned i = 0; i < DISKS; i++)
		bench_plan_disk(b, i, steps, i);
}

uint8_t bench_byte_at(const struct bench *b, unsigned disk, uint64_t offset)
{
	uint8_t *p = aligned_alloc(METAIO_ALIGN, METAIO_ALIGN), v;

	assert_non_null(p);
	assert_int_equal(pread(b->read_only_fd[disk], p, METAIO_ALIGN, (off_t)(offset & ~(METAIO_ALIGN - 1ull))),
			 METAIO_ALIGN);
	v = p[offset % METAIO_ALIGN];
	free(p);
	return v;
}

void bench_assert_holds(const struct bench *b, unsigned disk, unsigned step, unsigned pieceno)
{
	uint64_t start = (uint64_t)step * METAIO_ALIGN;

	assert_int_equal(bench_byte_at(b, disk, start), pieceno + 1);
	assert_int_equal(bench_byte_at(b, disk, start + METAIO_ALIGN - 1), pieceno + 1);
}

void bench_assert_empty(const struct bench *b, unsigned disk, unsigned step)
{
	assert_int_equal(bench_byte_at(b, disk, (uint64_t)step * METAIO_ALIGN), 0);
}

void bench_assert_in_order(const struct bench *b)
{
	for (unsigned i = 0; i < DISKS; i++) {
		uint64_t next = 0;
		bool open = false;

		for (unsigned k = 0; k < bench_seen.events; k++) {
			const struct event *e = &bench_seen.event[k];

			if (e->fd != b->disk[i].fd)
				continue;
			assert_int_equal(e->offset, next);
			assert_int_equal(open, e->what == COMPLETED);
			open = e->what == SUBMITTED;
			if (!open)
				next += METAIO_ALIGN;
		}
		assert_false(open);
	}
}

void bench_assert_durable(void)
{
	assert_true(bench_seen.events > 0);
	for (unsigned k = 0; k < bench_seen.events; k++)
		assert_true(bench_seen.event[k].durable);
}
