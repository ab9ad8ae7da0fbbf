/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * start/disks.c: the disks when the daemon starts. disk_open() and disk_read() are ours; a disk that hangs waits in disk_read()
 * until it is let go.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/sysmacros.h>
#include <time.h>

#include "lib/clock.h"
#include "start/disks.h"

#define DISKS 4

enum manner { WELL, NOT_OPENED, NOT_READ, HANGS };

static enum manner manner[DISKS];
static atomic_uint opened, closed;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static bool released;

struct disk *__wrap_disk_open(dev_t dev);
struct disk *__wrap_disk_open(dev_t dev)
{
	struct disk *d;

	if (manner[minor(dev)] == NOT_OPENED) {
		errno = ENXIO;
		return NULL;
	}
	d = calloc(1, sizeof(*d));
	assert_non_null(d);
	d->dev = dev;
	d->sector_size = 512;
	d->size = 1 << 20;
	opened++;
	return d;
}

void __wrap_disk_close(struct disk *d);
void __wrap_disk_close(struct disk *d)
{
	if (!d)
		return;
	free(d);
	pthread_mutex_lock(&lock);
	closed++;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
}

int __wrap_disk_read(const struct disk *d, void *buf, size_t len, uint64_t offset);
int __wrap_disk_read(const struct disk *d, void *buf, size_t len, uint64_t offset)
{
	(void)buf;
	if (offset != (1 << 20) - 512 || len != 512)
		return -EINVAL;
	pthread_mutex_lock(&lock);
	while (manner[minor(d->dev)] == HANGS && !released)
		pthread_cond_wait(&changed, &lock);
	pthread_mutex_unlock(&lock);
	return manner[minor(d->dev)] == NOT_READ ? -EIO : 0;
}

static struct start_disk disk[DISKS];

static void open_all(unsigned some_ms, unsigned most_ms)
{
	const struct start_patience p = { some_ms * NS_PER_MS, most_ms * NS_PER_MS };

	assert_int_equal(start_open_disks(disk, DISKS, &p), 0);
}

static void set(enum manner a, enum manner b, enum manner c, enum manner d)
{
	const enum manner m[DISKS] = { a, b, c, d };

	released = false;
	opened = closed = 0;
	for (unsigned i = 0; i < DISKS; i++) {
		manner[i] = m[i];
		disk[i] = (struct start_disk){ .dev = makedev(8, i) };
	}
}

static unsigned count_threads(void)
{
	DIR *dir = opendir("/proc/self/task");
	unsigned n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n - 2; /* "." and ".." */
}

/* All that the call has given is closed by us; what hung is closed by its helper. */
static void end(void)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 10;
	for (unsigned i = 0; i < DISKS; i++)
		__wrap_disk_close(disk[i].disk);
	pthread_mutex_lock(&lock);
	released = true;
	pthread_cond_broadcast(&changed);
	while (closed < opened && pthread_cond_timedwait(&changed, &lock, &until) == 0)
		;
	pthread_mutex_unlock(&lock);
	assert_int_equal(closed, opened);
	while (count_threads() > 1)
		sched_yield();
}

static void test_all_answer(void **state)
{
	(void)state;
	set(WELL, WELL, NOT_READ, NOT_OPENED);
	open_all(20000, 20000);
	for (unsigned i = 0; i < DISKS; i++) {
		assert_int_equal(!!disk[i].disk, manner[i] != NOT_OPENED);
		assert_int_equal(disk[i].readable, manner[i] == WELL);
		assert_int_equal(disk[i].error, manner[i] == NOT_OPENED ? -ENXIO : 0);
		assert_false(disk[i].late);
		assert_true(!disk[i].disk || disk[i].disk->dev == disk[i].dev);
	}
	end();
}

/* The others are enough: nobody waits for it as long as for all. */
static void test_half_of_them_answer(void **state)
{
	uint64_t begun = clock_now_ns();

	(void)state;
	set(WELL, HANGS, HANGS, WELL);
	open_all(50, 10000);
	assert_true(clock_now_ns() - begun >= 50 * NS_PER_MS);
	assert_true(clock_now_ns() - begun < 9 * NS_PER_S);
	for (unsigned i = 0; i < DISKS; i++) {
		assert_int_equal(disk[i].late, manner[i] == HANGS);
		assert_int_equal(!!disk[i].disk, manner[i] == WELL);
	}
	end();
}

static void test_too_few_answer(void **state)
{
	uint64_t begun = clock_now_ns();

	(void)state;
	set(HANGS, HANGS, HANGS, WELL);
	open_all(1, 150);
	assert_true(clock_now_ns() - begun >= 150 * NS_PER_MS);
	assert_true(disk[0].late && disk[1].late && disk[2].late && !disk[3].late);
	end();
}

/* Nobody waits for it a second time. */
static void test_one_that_was_late_is_left_alone(void **state)
{
	(void)state;
	set(WELL, HANGS, WELL, WELL);
	disk[1].late = true;
	open_all(5000, 5000);
	assert_true(disk[1].late);
	assert_null(disk[1].disk);
	assert_int_equal(opened, 3);
	end();
}

/* What came in time is ours, and what did not is not given later. */
static void test_answer_that_comes_late(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 50; i++) {
		set(WELL, HANGS, WELL, WELL);
		open_all(1, 1);
		pthread_mutex_lock(&lock);
		released = true;
		pthread_cond_broadcast(&changed);
		pthread_mutex_unlock(&lock);
		assert_null(disk[1].disk);
		end();
	}
}

static void test_no_disks(void **state)
{
	const struct start_patience p = { 60 * NS_PER_S, 60 * NS_PER_S };

	(void)state;
	assert_int_equal(start_open_disks(NULL, 0, &p), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_answer),
		cmocka_unit_test(test_half_of_them_answer),
		cmocka_unit_test(test_too_few_answer),
		cmocka_unit_test(test_one_that_was_late_is_left_alone),
		cmocka_unit_test(test_answer_that_comes_late),
		cmocka_unit_test(test_no_disks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
