/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writing to many disks, on files. Most tests run twice: over AIO and one disk after the other. The
 * linker leads metaio's calls through the wrappers below (tests/flags.mk), which note what
 * was in flight when, and can make a call fail.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <libaio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "metadata/disk.h"
#include "metadata/metaio.h"
#include "tests/unit/support/count-allocations.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define DISKS 6
#define FILE_SIZE (64 * 1024)
#define PIECES (DISKS + METAIO_STEPS)
#define ALWAYS 1000

#ifndef RWF_DSYNC
#define RWF_DSYNC 0x00000002
#endif

/* ---- what metaio does, as seen from outside ---- */

struct event {
	enum what { SUBMITTED, COMPLETED, WRITTEN } what; /* WRITTEN: by a call that waited */
	int fd;
	uint64_t offset;
	bool durable;
};

static struct {
	struct event event[256];
	unsigned events;
	unsigned in_flight, most_in_flight;
	unsigned torn, most_torn; /* of them, disks that are torn_risk */
	bool torn_risk[1024];     /* by descriptor */
	unsigned fdatasyncs;

	/* how many of the next calls misbehave, and how */
	unsigned refuse_submit, interrupt_getevents, interrupt_writes, refuse_dsync, cut_short;
	unsigned interrupt_plain_writes, interrupt_syncs, fail_syncs;
	int cut_fd; /* whose writes are cut short */
	unsigned cut_later; /* so many of them are not */
	bool one_event_at_a_time;
} seen;

static void note(int what, int fd, uint64_t offset, bool durable)
{
	assert_true(seen.events < COUNT(seen.event));
	seen.event[seen.events++] = (struct event){ .what = what, .fd = fd, .offset = offset, .durable = durable };
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
	int n = take(&seen.refuse_submit) ? -EAGAIN : __real_io_submit(ctx, nr, ios);

	for (int i = 0; i < n; i++) {
		int fd = ios[i]->aio_fildes;

		note(SUBMITTED, fd, (uint64_t)ios[i]->u.c.offset, ios[i]->aio_rw_flags & RWF_DSYNC);
		seen.in_flight++;
		seen.torn += seen.torn_risk[fd];
		if (seen.in_flight > seen.most_in_flight)
			seen.most_in_flight = seen.in_flight;
		if (seen.torn > seen.most_torn)
			seen.most_torn = seen.torn;
	}
	return n;
}

int __real_io_getevents(io_context_t ctx, long min_nr, long nr, struct io_event *events, struct timespec *timeout);
int __wrap_io_getevents(io_context_t ctx, long min_nr, long nr, struct io_event *events, struct timespec *timeout);
int __wrap_io_getevents(io_context_t ctx, long min_nr, long nr, struct io_event *events, struct timespec *timeout)
{
	int n;

	assert_true(min_nr > 0); /* it waits, it does not spin */
	if (take(&seen.interrupt_getevents))
		return -EINTR;
	n = __real_io_getevents(ctx, min_nr, seen.one_event_at_a_time ? 1 : nr, events, timeout);
	for (int i = 0; i < n; i++) {
		int fd = events[i].obj->aio_fildes;

		note(COMPLETED, fd, (uint64_t)events[i].obj->u.c.offset, true);
		seen.in_flight--;
		seen.torn -= seen.torn_risk[fd];
		if (fd == seen.cut_fd && !take(&seen.cut_later) && take(&seen.cut_short))
			events[i].res -= 512;
	}
	return n;
}

ssize_t __real_pwritev64v2(int fd, const struct iovec *iov, int count, off64_t offset, int flags);
ssize_t __wrap_pwritev64v2(int fd, const struct iovec *iov, int count, off64_t offset, int flags);
ssize_t __wrap_pwritev64v2(int fd, const struct iovec *iov, int count, off64_t offset, int flags)
{
	ssize_t n;

	if (take(&seen.interrupt_writes)) {
		errno = EINTR;
		return -1;
	}
	if (take(&seen.refuse_dsync)) {
		errno = EOPNOTSUPP;
		return -1;
	}
	n = __real_pwritev64v2(fd, iov, count, offset, flags);
	if (n < 0)
		return n;
	note(WRITTEN, fd, (uint64_t)offset, flags & RWF_DSYNC);
	return fd == seen.cut_fd && !take(&seen.cut_later) && take(&seen.cut_short) ? n - 512 : n;
}

ssize_t __real_pwritev64(int fd, const struct iovec *iov, int count, off64_t offset);
ssize_t __wrap_pwritev64(int fd, const struct iovec *iov, int count, off64_t offset);
ssize_t __wrap_pwritev64(int fd, const struct iovec *iov, int count, off64_t offset)
{
	ssize_t n;

	if (take(&seen.interrupt_plain_writes)) {
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
	if (take(&seen.interrupt_syncs)) {
		errno = EINTR;
		return -1;
	}
	if (take(&seen.fail_syncs)) {
		errno = EIO;
		return -1;
	}
	seen.fdatasyncs++;
	for (unsigned i = 0; i < seen.events; i++)
		seen.event[i].durable |= seen.event[i].fd == fd;
	return __real_fdatasync(fd);
}

/* ---- disks ---- */

/* For all tests, since closing an AIO context takes the kernel tens of milliseconds. */
static struct metaio *with_aio, *sequential;

static int open_engines(void **state)
{
	(void)state;
	with_aio = metaio_open(DISKS);
	sequential = metaio_open(DISKS);
	if (!with_aio || !sequential)
		return -1;
	metaio_force_sequential(sequential);
	return 0;
}

static int close_engines(void **state)
{
	(void)state;
	metaio_close(with_aio);
	metaio_close(sequential);
	return 0;
}

struct bench {
	struct metaio *io; /* one of the two engines */
	struct metaio_plan *plan;
	struct disk disk[DISKS];
	int read_only_fd[DISKS];
	uint8_t *buf; /* 16 pieces of 4 KiB, each filled with its number + 1 */
};

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
	assert_true(b->disk[i].fd < (int)COUNT(seen.torn_risk));
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

static int setup_sequential(void **state)
{
	*state = bench_new(sequential, fast_dir());
	memset(&seen, 0, sizeof(seen));
	return 0;
}

static int setup_aio(void **state)
{
	*state = bench_new(with_aio, fast_dir());
	memset(&seen, 0, sizeof(seen));
	return 0;
}

/* In memory AIO is over before io_submit() returns; on a file system with O_DIRECT it is not. */
static int setup_aio_on_disk(void **state)
{
	*state = bench_new(with_aio, "/var/tmp");
	memset(&seen, 0, sizeof(seen));
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;

	memset(&seen, 0, sizeof(seen));
	for (unsigned i = 0; i < DISKS; i++) {
		close(b->disk[i].fd);
		close(b->read_only_fd[i]);
	}
	metaio_plan_free(b->plan);
	free(b->buf);
	free(b);
	return 0;
}

/* A machine may forbid AIO; the daemon then writes sequentially, and so do these tests. */
static void skip_without_aio(const struct bench *b)
{
	if (!metaio_uses_aio(b->io)) {
		print_message("SKIPPED: no AIO here\n");
		skip();
	}
}

static const void *piece(const struct bench *b, unsigned n)
{
	return b->buf + n * METAIO_ALIGN;
}

/* Steps k = 0 ..: piece `first + k`, 4 KiB at 4 KiB * k. */
static struct metaio_disk *plan_disk(struct bench *b, unsigned disk, unsigned steps, unsigned first)
{
	struct metaio_disk *pd = metaio_plan_add(b->plan, &b->disk[disk]);

	assert_non_null(pd);
	for (unsigned k = 0; k < steps; k++)
		assert_true(metaio_disk_step(pd, piece(b, first + k), (uint64_t)k * METAIO_ALIGN, METAIO_ALIGN));
	return pd;
}

static void plan_all(struct bench *b, unsigned steps)
{
	for (unsigned i = 0; i < DISKS; i++)
		plan_disk(b, i, steps, i);
}

static uint8_t byte_at(const struct bench *b, unsigned disk, uint64_t offset)
{
	uint8_t *p = aligned_alloc(METAIO_ALIGN, METAIO_ALIGN), v;

	assert_non_null(p);
	assert_int_equal(pread(b->read_only_fd[disk], p, METAIO_ALIGN, (off_t)(offset & ~(METAIO_ALIGN - 1ull))),
			 METAIO_ALIGN);
	v = p[offset % METAIO_ALIGN];
	free(p);
	return v;
}

static void assert_holds(const struct bench *b, unsigned disk, unsigned step, unsigned pieceno)
{
	uint64_t start = (uint64_t)step * METAIO_ALIGN;

	assert_int_equal(byte_at(b, disk, start), pieceno + 1);
	assert_int_equal(byte_at(b, disk, start + METAIO_ALIGN - 1), pieceno + 1);
}

static void assert_empty(const struct bench *b, unsigned disk, unsigned step)
{
	assert_int_equal(byte_at(b, disk, (uint64_t)step * METAIO_ALIGN), 0);
}

/* The steps of each disk in ascending order, no step begun before the one before it had ended. */
static void assert_in_order(const struct bench *b)
{
	for (unsigned i = 0; i < DISKS; i++) {
		uint64_t next = 0;
		bool open = false;

		for (unsigned k = 0; k < seen.events; k++) {
			const struct event *e = &seen.event[k];

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

static void assert_all_durable(void)
{
	assert_true(seen.events > 0);
	for (unsigned k = 0; k < seen.events; k++)
		assert_true(seen.event[k].durable);
}

/* ---- plans ---- */

static void test_plan_is_limited(void **state)
{
	struct bench *b = *state;
	struct metaio_disk *pd;

	plan_all(b, 1);
	assert_int_equal(b->plan->disks, DISKS);
	assert_null(metaio_plan_add(b->plan, &b->disk[0]));
	assert_int_equal(b->plan->disks, DISKS);
	metaio_plan_clear(b->plan);
	assert_int_equal(b->plan->disks, 0);
	pd = plan_disk(b, 0, METAIO_STEPS, 0);
	assert_int_equal(pd->steps, METAIO_STEPS);
	assert_false(metaio_disk_step(pd, piece(b, 0), 0, 512));
	assert_int_equal(pd->steps, METAIO_STEPS);
}

/* A plan is used over and over: nothing of the last use may stay. */
static void test_cleared_plan_is_as_new(void **state)
{
	struct bench *b = *state;
	struct metaio_disk *pd = plan_disk(b, 0, 2, 0);

	pd->torn_risk = true;
	pd->error = -EIO;
	pd->done = 1;
	b->plan->max_torn = 5;
	metaio_plan_clear(b->plan);
	assert_int_equal(b->plan->max_torn, 1);
	pd = metaio_plan_add(b->plan, &b->disk[1]);
	assert_ptr_equal(pd->disk, &b->disk[1]);
	assert_false(pd->torn_risk);
	assert_int_equal(pd->steps + pd->done, 0);
	assert_int_equal(pd->error, 0);
}

static void test_empty_plan(void **state)
{
	struct bench *b = *state;

	assert_int_equal(metaio_run(b->io, b->plan), 0);
	assert_int_equal(seen.events, 0);
}

static void test_engine_follows_what_it_is_told(void **state)
{
	struct bench *b = *state;
	struct metaio *io;

	(void)b;
	io = metaio_open(4);
	assert_non_null(io);
	metaio_force_sequential(io);
	assert_false(metaio_uses_aio(io));
	metaio_force_sequential(io);
	metaio_close(io);
	metaio_close(NULL);
	metaio_plan_free(NULL);
}

/* ---- writing ---- */

static void test_one_disk(void **state)
{
	struct bench *b = *state;
	struct metaio_disk *pd = plan_disk(b, 2, 1, 7);

	assert_int_equal(metaio_run(b->io, b->plan), 1);
	assert_int_equal(pd->error, 0);
	assert_int_equal(pd->done, 1);
	assert_holds(b, 2, 0, 7);
	assert_empty(b, 2, 1);
	assert_empty(b, 0, 0);
	assert_all_durable();
}

static void test_all_disks_all_steps_in_order(void **state)
{
	struct bench *b = *state;

	plan_all(b, METAIO_STEPS);
	assert_int_equal(metaio_run(b->io, b->plan), DISKS);
	for (unsigned i = 0; i < DISKS; i++) {
		assert_int_equal(b->plan->disk[i].error, 0);
		assert_int_equal(b->plan->disk[i].done, METAIO_STEPS);
		for (unsigned k = 0; k < METAIO_STEPS; k++)
			assert_holds(b, i, k, i + k);
	}
	assert_in_order(b);
	assert_all_durable();
}

/* The steps overwrite one another: what is there in the end tells of their order on the disk itself. */
static void test_later_steps_win(void **state)
{
	struct bench *b = *state;

	for (unsigned i = 0; i < DISKS; i++) {
		struct metaio_disk *pd = metaio_plan_add(b->plan, &b->disk[i]);

		for (unsigned k = 0; k < METAIO_STEPS; k++)
			metaio_disk_step(pd, piece(b, k), 0, METAIO_ALIGN);
	}
	assert_int_equal(metaio_run(b->io, b->plan), DISKS);
	for (unsigned i = 0; i < DISKS; i++)
		assert_holds(b, i, 0, METAIO_STEPS - 1);
}

static void test_disks_may_differ_in_steps(void **state)
{
	struct bench *b = *state;

	plan_disk(b, 0, 3, 0);
	plan_disk(b, 1, 1, 5);
	plan_disk(b, 2, 0, 0);
	assert_int_equal(metaio_run(b->io, b->plan), 3);
	assert_int_equal(b->plan->disk[0].done, 3);
	assert_int_equal(b->plan->disk[1].done, 1);
	assert_int_equal(b->plan->disk[2].done, 0);
	assert_in_order(b);
}

static void test_small_writes(void **state)
{
	struct bench *b = *state;
	struct metaio_disk *pd = metaio_plan_add(b->plan, &b->disk[0]);

	metaio_disk_step(pd, piece(b, 4), 1024, 512);
	assert_int_equal(metaio_run(b->io, b->plan), 1);
	assert_int_equal(byte_at(b, 0, 1023), 0);
	assert_int_equal(byte_at(b, 0, 1024), 5);
	assert_int_equal(byte_at(b, 0, 1535), 5);
	assert_int_equal(byte_at(b, 0, 1536), 0);
}

static void test_a_plan_may_run_again(void **state)
{
	struct bench *b = *state;
	int fd = b->disk[1].fd;

	plan_all(b, 2);
	b->disk[1].fd = b->read_only_fd[1];
	assert_int_equal(metaio_run(b->io, b->plan), DISKS - 1);
	b->disk[1].fd = fd;
	assert_int_equal(metaio_run(b->io, b->plan), DISKS);
	assert_int_equal(b->plan->disk[1].error, 0);
	assert_int_equal(b->plan->disk[1].done, 2);
	assert_holds(b, 1, 1, 2);
}

/* ---- disks that fail ---- */

static void test_failing_disk_is_retired(void **state)
{
	struct bench *b = *state;

	b->disk[1].fd = b->read_only_fd[1];
	plan_all(b, 3);
	assert_int_equal(metaio_run(b->io, b->plan), DISKS - 1);
	for (unsigned i = 0; i < DISKS; i++) {
		assert_int_equal(b->plan->disk[i].error, i == 1 ? -EBADF : 0);
		assert_int_equal(b->plan->disk[i].done, i == 1 ? 0 : 3);
	}
	assert_empty(b, 1, 0);
	assert_holds(b, 5, 2, 7);
	b->disk[1].fd = -1; /* teardown */
}

static void test_failure_in_a_later_step(void **state)
{
	struct bench *b = *state;
	struct metaio_disk *pd = metaio_plan_add(b->plan, &b->disk[0]);

	metaio_disk_step(pd, piece(b, 0), 0, METAIO_ALIGN);
	metaio_disk_step(pd, piece(b, 1), UINT64_MAX - METAIO_ALIGN + 1, METAIO_ALIGN); /* negative */
	metaio_disk_step(pd, piece(b, 2), 2 * METAIO_ALIGN, METAIO_ALIGN);
	plan_disk(b, 1, 3, 3);
	assert_int_equal(metaio_run(b->io, b->plan), 1);
	assert_true(pd->error < 0);
	assert_int_equal(pd->done, 1);
	assert_holds(b, 0, 0, 0);
	assert_empty(b, 0, 2);
	assert_int_equal(b->plan->disk[1].done, 3);
}

static void test_all_disks_fail(void **state)
{
	struct bench *b = *state;

	for (unsigned i = 0; i < DISKS; i++) {
		close(b->disk[i].fd);
		b->disk[i].fd = -1;
	}
	plan_all(b, 2);
	assert_int_equal(metaio_run(b->io, b->plan), 0);
	for (unsigned i = 0; i < DISKS; i++)
		assert_int_equal(b->plan->disk[i].error, -EBADF);
}

static void test_short_write_is_an_error(void **state)
{
	struct bench *b = *state;

	plan_all(b, 2);
	seen.cut_fd = b->disk[3].fd;
	seen.cut_short = 1;
	assert_int_equal(metaio_run(b->io, b->plan), DISKS - 1);
	assert_int_equal(seen.cut_short, 0);
	assert_int_equal(b->plan->disk[3].error, -EIO);
	assert_int_equal(b->plan->disk[3].done, 0);
	assert_empty(b, 3, 1);
}

static void test_interrupted_calls_are_repeated(void **state)
{
	struct bench *b = *state;

	plan_all(b, 2);
	seen.interrupt_getevents = seen.interrupt_writes = 5;
	assert_int_equal(metaio_run(b->io, b->plan), DISKS);
	assert_holds(b, 4, 1, 5);
	assert_in_order(b);
}

/* ---- AIO in particular ---- */

static void test_aio_has_all_disks_in_flight(void **state)
{
	struct bench *b = *state;

	skip_without_aio(b);
	plan_all(b, 1);
	assert_int_equal(metaio_run(b->io, b->plan), DISKS);
	assert_int_equal(seen.most_in_flight, DISKS);
	assert_int_equal(seen.events, 2 * DISKS);
}

/* The events come one by one, so the disks are at different steps. */
static void test_aio_disks_go_at_their_own_pace(void **state)
{
	struct bench *b = *state;

	skip_without_aio(b);
	seen.one_event_at_a_time = true;
	plan_all(b, METAIO_STEPS);
	assert_int_equal(metaio_run(b->io, b->plan), DISKS);
	assert_in_order(b);
	for (unsigned i = 0; i < DISKS; i++)
		assert_holds(b, i, 3, i + 3);
}

static void run_torn(struct bench *b, unsigned risky, unsigned limit)
{
	metaio_plan_clear(b->plan);
	memset(&seen, 0, sizeof(seen));
	seen.one_event_at_a_time = true;
	for (unsigned i = 0; i < DISKS; i++) {
		struct metaio_disk *pd = plan_disk(b, i, 3, i);

		pd->torn_risk = i < risky;
		seen.torn_risk[b->disk[i].fd] = i < risky;
	}
	b->plan->max_torn = limit;
	assert_int_equal(metaio_run(b->io, b->plan), DISKS);
	assert_in_order(b);
	for (unsigned k = 0; k < seen.events; k++)
		assert_int_not_equal(seen.event[k].what, WRITTEN);
}

static void test_aio_limits_writes_that_may_be_torn(void **state)
{
	struct bench *b = *state;

	skip_without_aio(b);
	for (unsigned limit = 1; limit <= DISKS; limit++) {
		run_torn(b, DISKS, limit);
		assert_int_equal(seen.most_torn, limit);
		assert_int_equal(seen.most_in_flight, limit);
	}
}

/* Between its steps a disk is half written, too. */
static void test_aio_begins_no_other_risky_disk_before_the_end(void **state)
{
	struct bench *b = *state;
	unsigned changes = 0;

	skip_without_aio(b);
	run_torn(b, DISKS, 1);
	for (unsigned k = 1; k < seen.events; k++)
		changes += seen.event[k].fd != seen.event[k - 1].fd;
	assert_int_equal(changes, DISKS - 1);
}

/* Disks without that risk do not wait for the others. */
static void test_aio_holds_back_only_risky_disks(void **state)
{
	struct bench *b = *state;

	skip_without_aio(b);
	run_torn(b, 4, 1);
	assert_int_equal(seen.most_torn, 1);
	assert_int_equal(seen.most_in_flight, 3);
}

/* A failed disk gives its place to the next one. */
static void test_aio_risky_disk_that_fails_frees_its_place(void **state)
{
	struct bench *b = *state;

	skip_without_aio(b);
	for (unsigned i = 0; i < DISKS; i++) {
		plan_disk(b, i, 2, i)->torn_risk = true;
		seen.torn_risk[b->disk[i].fd] = true;
	}
	seen.cut_fd = b->disk[0].fd;
	seen.cut_short = 1;
	close(b->disk[1].fd);
	b->disk[1].fd = -1;
	assert_int_equal(metaio_run(b->io, b->plan), DISKS - 2);
	assert_int_equal(seen.most_torn, 1);
	assert_int_equal(b->plan->disk[0].error, -EIO);
	assert_int_equal(b->plan->disk[1].error, -EBADF);
	assert_int_equal(b->plan->disk[5].done, 2);
}

/* The kernel takes no request (now and then, or never): the step is written on the spot. */
static void test_aio_refused(void **state)
{
	struct bench *b = *state;
	static const unsigned times[] = { 1, 3, ALWAYS };

	skip_without_aio(b);
	for (unsigned t = 0; t < COUNT(times); t++) {
		metaio_plan_clear(b->plan);
		memset(&seen, 0, sizeof(seen));
		seen.refuse_submit = times[t];
		plan_all(b, 3);
		assert_int_equal(metaio_run(b->io, b->plan), DISKS);
		assert_in_order(b);
		assert_all_durable();
	}
	assert_int_equal(seen.most_in_flight, 0);
	assert_holds(b, 3, 2, 5);
}

/* More writes than the engine was made for: they wait for one another. */
static void test_aio_plan_too_large(void **state)
{
	struct bench *b = *state;
	struct metaio *small = metaio_open(2);

	skip_without_aio(b);
	assert_non_null(small);
	for (unsigned i = 0; i < DISKS; i++) {
		struct metaio_disk *pd = plan_disk(b, i, 1, i);

		for (unsigned k = 1; k < 5; k++)
			assert_true(metaio_disk_step_together(pd, piece(b, i + k), (uint64_t)k * METAIO_ALIGN,
							      METAIO_ALIGN));
	}
	seen.one_event_at_a_time = true;
	assert_int_equal(metaio_run(small, b->plan), DISKS);
	assert_true(seen.most_in_flight <= METAIO_TOGETHER); /* what it has at least */
	assert_holds(b, 5, 4, 9);
	metaio_close(small);
}

/* ---- steps that go together ---- */

/* One step, `count` that go together, and one more. */
static struct metaio_disk *plan_group(struct bench *b, unsigned disk, unsigned count)
{
	struct metaio_disk *pd = plan_disk(b, disk, 2, 0);

	for (unsigned k = 1; k < count; k++)
		assert_true(metaio_disk_step_together(pd, piece(b, 1 + k), (uint64_t)(1 + k) * METAIO_ALIGN,
						      METAIO_ALIGN));
	assert_true(metaio_disk_step(pd, piece(b, 15), 0, METAIO_ALIGN));
	return pd;
}

static int nth_event(enum what what, unsigned n)
{
	for (unsigned i = 0; i < seen.events; i++)
		if (seen.event[i].what == what && n-- == 0)
			return (int)i;
	return -1;
}

static void test_aio_steps_together(void **state)
{
	struct bench *b = *state;
	struct metaio_disk *pd = plan_group(b, 0, 4);

	skip_without_aio(b);
	seen.one_event_at_a_time = true;
	assert_int_equal(metaio_run(b->io, b->plan), 1);
	assert_int_equal(pd->done, 6);
	assert_int_equal(seen.most_in_flight, 4);
	/* The first alone, then four at once, and the last one when all of them are durable. */
	assert_true(nth_event(COMPLETED, 0) < nth_event(SUBMITTED, 1));
	assert_true(nth_event(SUBMITTED, 4) < nth_event(COMPLETED, 1));
	assert_true(nth_event(COMPLETED, 4) < nth_event(SUBMITTED, 5));
	for (unsigned k = 1; k < 5; k++)
		assert_holds(b, 0, k, k);
	assert_holds(b, 0, 0, 15);
}

static void test_steps_together_one_of_which_fails(void **state)
{
	struct bench *b = *state;
	struct metaio_disk *pd = plan_group(b, 0, 3);

	seen.cut_fd = b->disk[0].fd;
	seen.cut_later = 2; /* the first step, and one of the group */
	seen.cut_short = 1;
	plan_group(b, 1, 3);
	assert_int_equal(metaio_run(b->io, b->plan), 1);
	assert_int_equal(pd->error, -EIO);
	assert_int_equal(pd->done, 1);
	assert_holds(b, 0, 0, 0); /* what comes after them was not written */
	assert_holds(b, 1, 0, 15);
}

static void test_aio_refused_for_some_of_a_group(void **state)
{
	struct bench *b = *state;

	skip_without_aio(b);
	for (unsigned n = 1; n < 6; n++) {
		struct metaio_disk *pd;

		metaio_plan_clear(b->plan);
		memset(&seen, 0, sizeof(seen));
		seen.refuse_submit = n;
		pd = plan_group(b, 0, 4);
		assert_int_equal(metaio_run(b->io, b->plan), 1);
		assert_int_equal(pd->done, 6);
		assert_int_equal(seen.in_flight, 0);
		assert_all_durable();
	}
}

/* A group that is too large becomes two. */
static void test_group_is_limited(void **state)
{
	struct bench *b = *state;
	struct metaio_disk *pd = plan_group(b, 0, METAIO_TOGETHER + 2);

	assert_true(pd->step[METAIO_TOGETHER].together);
	assert_false(pd->step[METAIO_TOGETHER + 1].together);
	assert_true(pd->step[METAIO_TOGETHER + 2].together);
	assert_int_equal(metaio_run(b->io, b->plan), 1);
	assert_int_equal(pd->done, METAIO_TOGETHER + 4);
}

/* The limit counts disks, not their steps. */
static void test_aio_group_that_may_be_torn(void **state)
{
	struct bench *b = *state;

	skip_without_aio(b);
	for (unsigned i = 0; i < DISKS; i++)
		plan_group(b, i, 4)->torn_risk = true;
	assert_int_equal(metaio_run(b->io, b->plan), DISKS);
	assert_int_equal(seen.most_in_flight, 4);
}

/* ---- writing one by one in particular ---- */

/* A file system or kernel without RWF_DSYNC. */
static void test_sequential_without_dsync(void **state)
{
	struct bench *b = *state;

	seen.refuse_dsync = ALWAYS;
	plan_all(b, 2);
	assert_int_equal(metaio_run(b->io, b->plan), DISKS);
	assert_int_equal(seen.fdatasyncs, 2 * DISKS);
	assert_in_order(b);
	assert_all_durable();
}

static void test_sequential_without_dsync_interrupted(void **state)
{
	struct bench *b = *state;

	seen.refuse_dsync = ALWAYS;
	seen.interrupt_plain_writes = seen.interrupt_syncs = 5;
	plan_all(b, 2);
	assert_int_equal(metaio_run(b->io, b->plan), DISKS);
	assert_int_equal(seen.interrupt_plain_writes + seen.interrupt_syncs, 0);
	assert_int_equal(seen.fdatasyncs, 2 * DISKS);
	assert_in_order(b);
	assert_all_durable();
}

/* Written, but perhaps not durable: a failure, which is not tried again (the kernel tells only once). */
static void test_sequential_without_dsync_not_durable(void **state)
{
	struct bench *b = *state;

	seen.refuse_dsync = ALWAYS;
	seen.fail_syncs = 1;
	plan_all(b, 2);
	assert_int_equal(metaio_run(b->io, b->plan), DISKS - 1);
	assert_int_equal(b->plan->disk[0].error, -EIO);
	assert_int_equal(b->plan->disk[0].done, 0);
}

static void test_sequential_without_dsync_read_only(void **state)
{
	struct bench *b = *state;

	seen.refuse_dsync = ALWAYS;
	b->disk[0].fd = b->read_only_fd[0];
	plan_all(b, 2);
	assert_int_equal(metaio_run(b->io, b->plan), DISKS - 1);
	assert_int_equal(b->plan->disk[0].error, -EBADF);
	b->disk[0].fd = -1;
}

/* ---- memory ---- */

static void test_writing_allocates_nothing(void **state)
{
	struct bench *b = *state;
	static const unsigned refusals[] = { 0, 2, ALWAYS };

	b->disk[1].fd = b->read_only_fd[1];
	for (unsigned t = 0; t < COUNT(refusals); t++) {
		unsigned written;

		memset(&seen, 0, sizeof(seen));
		seen.refuse_submit = refusals[t];
		allocations = 0;
		counting_allocations = true;
		metaio_plan_clear(b->plan);
		for (unsigned i = 0; i < DISKS; i++) {
			struct metaio_disk *pd = metaio_plan_add(b->plan, &b->disk[i]);

			metaio_disk_step(pd, piece(b, i), 0, METAIO_ALIGN);
			metaio_disk_step(pd, piece(b, i), METAIO_ALIGN, METAIO_ALIGN);
		}
		written = metaio_run(b->io, b->plan);
		counting_allocations = false;
		assert_int_equal(allocations, 0);
		assert_int_equal(written, DISKS - 1);
	}
	b->disk[1].fd = -1;
}

static void test_the_wrappers_count(void **state)
{
	struct metaio_plan *p;

	(void)state;
	allocations = 0;
	counting_allocations = true;
	p = metaio_plan_new(1);
	metaio_plan_free(p);
	counting_allocations = false;
	assert_true(allocations >= 4);
}

/* ---- what cannot be torn ---- */

static const struct {
	uint32_t sector, physical;
	bool aligned;
	uint64_t offset;
	uint32_t len;
	bool atomic;
} tearing[] = {
	/* 512n */
	{ 512, 512, true, 0, 512, true },
	{ 512, 512, true, 5 * 512, 512, true },
	{ 512, 512, true, 0, 1024, false },
	{ 512, 512, false, 512, 512, true }, /* there is nothing to be misaligned */
	/* 512e */
	{ 512, 4096, true, 0, 512, true },
	{ 512, 4096, true, 0, 4096, true },
	{ 512, 4096, true, 7 * 512, 512, true },
	{ 512, 4096, true, 6 * 512, 1024, true },
	{ 512, 4096, true, 7 * 512, 1024, false },
	{ 512, 4096, true, 4096 - 512, 512, true },
	{ 512, 4096, true, 512, 4096, false },
	{ 512, 4096, true, 0, 8192, false },
	{ 512, 4096, true, (1ull << 42) + 4096 - 1024, 1024, true },
	{ 512, 4096, true, (1ull << 42) + 4096 - 512, 1024, false },
	/* 512e, physical blocks begin somewhere else */
	{ 512, 4096, false, 0, 1024, false },
	{ 512, 4096, false, 0, 512, false },
	/* 4Kn */
	{ 4096, 4096, true, 4096, 4096, true },
	{ 4096, 4096, true, 4096, 8192, false },
	{ 4096, 4096, false, 4096, 4096, true },
	/* what the kernel says may be nonsense */
	{ 4096, 512, true, 4096, 4096, true },
	{ 512, 0, true, 512, 512, true },
	{ 512, 0, true, 512, 1024, false },
	{ 0, 0, true, 0, 512, false },
	{ 512, 4096, true, 0, 0, false },
};

static void test_tearing(void **state)
{
	unsigned wrong = 0;

	(void)state;
	for (unsigned i = 0; i < COUNT(tearing); i++) {
		struct disk d = {
			.sector_size = tearing[i].sector,
			.physical_size = tearing[i].physical,
			.physical_aligned = tearing[i].aligned,
		};

		if (metaio_is_atomic(&d, tearing[i].offset, tearing[i].len) == tearing[i].atomic)
			continue;
		print_error("%u/%u%s: %u bytes at %llu\n", tearing[i].sector, tearing[i].physical,
			    tearing[i].aligned ? "" : " misaligned", tearing[i].len,
			    (unsigned long long)tearing[i].offset);
		wrong++;
	}
	assert_int_equal(wrong, 0);
}

#define ON_AIO(t) { #t "_aio", t, setup_aio, teardown, NULL }
#define SEQUENTIAL(t) { #t "_sequential", t, setup_sequential, teardown, NULL }
#define BOTH(t) ON_AIO(t), SEQUENTIAL(t)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_AIO(test_plan_is_limited),
		ON_AIO(test_cleared_plan_is_as_new),
		ON_AIO(test_engine_follows_what_it_is_told),
		BOTH(test_empty_plan),
		BOTH(test_one_disk),
		BOTH(test_all_disks_all_steps_in_order),
		{ "test_all_disks_all_steps_in_order_on_disk", test_all_disks_all_steps_in_order, setup_aio_on_disk,
		  teardown, NULL },
		BOTH(test_later_steps_win),
		BOTH(test_disks_may_differ_in_steps),
		BOTH(test_small_writes),
		BOTH(test_a_plan_may_run_again),
		BOTH(test_failing_disk_is_retired),
		BOTH(test_failure_in_a_later_step),
		BOTH(test_all_disks_fail),
		BOTH(test_short_write_is_an_error),
		BOTH(test_interrupted_calls_are_repeated),
		ON_AIO(test_aio_has_all_disks_in_flight),
		ON_AIO(test_aio_disks_go_at_their_own_pace),
		ON_AIO(test_aio_limits_writes_that_may_be_torn),
		ON_AIO(test_aio_begins_no_other_risky_disk_before_the_end),
		ON_AIO(test_aio_holds_back_only_risky_disks),
		ON_AIO(test_aio_risky_disk_that_fails_frees_its_place),
		ON_AIO(test_aio_refused),
		ON_AIO(test_aio_plan_too_large),
		ON_AIO(test_aio_steps_together),
		BOTH(test_steps_together_one_of_which_fails),
		ON_AIO(test_aio_refused_for_some_of_a_group),
		BOTH(test_group_is_limited),
		ON_AIO(test_aio_group_that_may_be_torn),
		SEQUENTIAL(test_sequential_without_dsync),
		SEQUENTIAL(test_sequential_without_dsync_interrupted),
		SEQUENTIAL(test_sequential_without_dsync_not_durable),
		SEQUENTIAL(test_sequential_without_dsync_read_only),
		BOTH(test_writing_allocates_nothing),
		ON_AIO(test_the_wrappers_count),
		cmocka_unit_test(test_tearing),
	};

	return cmocka_run_group_tests(tests, open_engines, close_engines);
}
