/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See start/disks.h. */
#include "start/disks.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "lib/clock.h"
#include "threads/thread.h"

/* One disk, in a helper thread of its own. */
struct opening {
	struct openings *all;
	dev_t dev;
	struct disk *disk;
	int error;
	bool readable, done;
};

/* The caller's and the helpers': the last one that is done with it frees it. */
struct openings {
	pthread_mutex_t lock;
	pthread_cond_t answer;
	unsigned users;
	bool left; /* nobody waits any more */
	size_t asked, answers;
	struct opening one[];
};

static struct openings *openings_new(size_t count)
{
	struct openings *o = calloc(1, sizeof(*o) + count * sizeof(o->one[0]));
	pthread_condattr_t attr;

	if (!o)
		return NULL;
	pthread_mutex_init(&o->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&o->answer, &attr);
	pthread_condattr_destroy(&attr);
	o->users = 1;
	return o;
}

/* With the lock, which is released. */
static void let_go(struct openings *o)
{
	bool last = --o->users == 0;

	pthread_mutex_unlock(&o->lock);
	if (!last)
		return;
	pthread_cond_destroy(&o->answer);
	pthread_mutex_destroy(&o->lock);
	free(o);
}

/* ---- one disk ---- */

static void *open_one(void *arg)
{
	struct opening *one = arg;
	struct openings *o = one->all;
	struct disk *d = disk_open(one->dev);
	int error = d ? 0 : -errno;
	bool readable = d && disk_can_be_read(d), left;

	pthread_mutex_lock(&o->lock);
	left = o->left;
	if (!left) {
		one->disk = d;
		one->error = error;
		one->readable = readable;
		one->done = true;
		o->answers++;
		pthread_cond_signal(&o->answer);
	}
	let_go(o);
	if (left)
		disk_close(d);
	return NULL;
}

static void begin(struct openings *o, struct opening *one, dev_t dev)
{
	one->all = o;
	one->dev = dev;
	pthread_mutex_lock(&o->lock);
	o->users++;
	o->asked++;
	pthread_mutex_unlock(&o->lock);
	if (thread_start_detached(open_one, one))
		open_one(one); /* no thread can be had: one after the other, then */
}

/* ---- all of them ---- */

static bool enough(const struct openings *o, const struct start_patience *p, uint64_t waited_ns)
{
	return o->answers == o->asked || waited_ns >= p->most_ns ||
	       (waited_ns >= p->some_ns && 2 * o->answers >= o->asked);
}

/* With the lock. */
static void await_answers(struct openings *o, const struct start_patience *p)
{
	uint64_t begun_ns = clock_now_ns();

	for (uint64_t waited_ns = 0; !enough(o, p, waited_ns); waited_ns = clock_now_ns() - begun_ns) {
		uint64_t until = begun_ns + (waited_ns < p->some_ns ? p->some_ns : p->most_ns);
		struct timespec ts = { .tv_sec = (time_t)(until / NS_PER_S), .tv_nsec = (long)(until % NS_PER_S) };

		pthread_cond_timedwait(&o->answer, &o->lock, &ts);
	}
}

static void take_answer(struct start_disk *d, const struct opening *one)
{
	d->disk = one->disk;
	d->error = one->error;
	d->readable = one->readable;
	d->late = !one->done;
}

int start_open_disks(struct start_disk *disk, size_t count, const struct start_patience *patience)
{
	struct openings *o = openings_new(count);

	if (!o)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		if (!disk[i].late)
			begin(o, &o->one[i], disk[i].dev);
	pthread_mutex_lock(&o->lock);
	await_answers(o, patience);
	o->left = true;
	for (size_t i = 0; i < count; i++)
		if (!disk[i].late)
			take_answer(&disk[i], &o->one[i]);
	let_go(o);
	return 0;
}
