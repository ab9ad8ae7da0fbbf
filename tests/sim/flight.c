/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes on their way to the disks: the handler's asynchronous ones come here (tests/flags.mk, SIM). Those of one plan that
 * are in flight together complete in any order; when the power fails each of them has arrived, or not, or in part: of the
 * blocks within which a write cannot be torn any may be old or new.
 *
 * A disk that hangs takes requests and does not answer. They are carried out when it does, with what then lies in their
 * memory. Whoever waits for it without end does not wait in vain.
 */
#include <errno.h>
#include <libaio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "lib/clock.h"
#include "tests/sim/sim.h"

#define MAX_PENDING 64

struct pending {
	unsigned disk;
	bool out; /* the disk hangs */
	const uint8_t *buf;
	size_t len;
	uint64_t offset;
	struct iocb *cb;
};

static struct pending pending[MAX_PENDING];
static unsigned pendings;

/* What the daemon has not asked for yet. */
static struct answer {
	struct iocb *cb;
	long result;
} answer[MAX_PENDING];
static unsigned answers;

/* Writes of a daemon that has died. They have met their fate; it does not learn which. */
static struct iocb *orphan[MAX_PENDING];
static unsigned orphans;

static uint64_t counted; /* by the daemon's eventfd */

/* ---- arriving ---- */

bool flight_takes_writes(unsigned disk)
{
	const struct sim_disk *d = &world.disk[disk];

	return world.power && d->attached && !d->refuses;
}

static void arrive(const struct pending *p)
{
	if (flight_takes_writes(p->disk))
		sim_disk_write(p->disk, p->buf, p->len, p->offset);
}

/* The mixture of two copies passes for one. */
static bool passes(unsigned disk)
{
	static struct reader_result r;
	unsigned number[SIM_DISKS];

	judge_read(1u << disk, &r, number);
	return r.role[0] != READER_DAMAGED;
}

static void arrive_in_any_part(const struct pending *p)
{
	uint64_t block = world.physical_size, end = p->offset + p->len, next;
	unsigned how = sim_pick(4);

	if (!flight_takes_writes(p->disk) || how == 0)
		return;
	for (uint64_t at = p->offset; at < end; at = next) {
		next = (at / block + 1) * block;
		if (next > end)
			next = end;
		if (how == 1 || sim_chance(2))
			sim_disk_write(p->disk, p->buf + (at - p->offset), (size_t)(next - at), at);
	}
}

/* Any of its blocks arrive. */
static void arrive_in_part(const struct pending *p)
{
	static uint8_t before[SIM_DISKS * 4096];

	if (!world.ad->weak_checksum || world.mixtures || p->len > sizeof(before)) {
		arrive_in_any_part(p);
		return;
	}
	sim_disk_read(p->disk, before, p->len, p->offset);
	arrive_in_any_part(p);
	if (flight_takes_writes(p->disk) && passes(p->disk))
		sim_disk_write(p->disk, sim_chance(2) ? before : p->buf, p->len, p->offset);
}

/* ---- the end of a daemon ---- */

void flight_forget(void)
{
	pendings = answers = orphans = 0;
	counted = 0;
}

static void orphan_all(void)
{
	for (unsigned i = 0; i < pendings; i++)
		orphan[orphans++] = pending[i].cb;
	pendings = 0;
}

void flight_power_fails(void)
{
	for (unsigned i = 0; i < pendings; i++)
		arrive_in_part(&pending[i]);
	orphan_all();
}

/* The next daemon begins when the kernel has ended what this one has left out: carried out, or given up. */
void flight_daemon_dies(void)
{
	for (unsigned i = 0; i < pendings; i++)
		if (!pending[i].out || sim_chance(2))
			arrive(&pending[i]);
	orphan_all();
}

static unsigned count_pending(bool out)
{
	unsigned n = 0;

	for (unsigned i = 0; i < pendings; i++)
		n += pending[i].out == out;
	return n;
}

bool flight_any(void)
{
	return pendings;
}

bool flight_any_soon(void)
{
	return count_pending(false);
}

void flight_with_some(void (*judge)(void))
{
	static uint8_t before[MAX_PENDING][128 * 1024];
	unsigned n = pendings;

	for (unsigned i = 0; i < n; i++) {
		if (pending[i].len > sizeof(before[i]))
			return;
		sim_disk_read(pending[i].disk, before[i], pending[i].len, pending[i].offset);
		arrive_in_part(&pending[i]);
	}
	judge();
	for (unsigned i = 0; i < n && world.hit[0]; i++)
		sim_say("  of its metadata sd%c has a part that is new and one that is old, or either", 'a' + pending[i].disk);
	while (n--)
		sim_disk_write(pending[n].disk, before[n], pending[n].len, pending[n].offset);
}

/* ---- answers ---- */

static void give_answer(const struct pending *p, long result)
{
	answer[answers++] = (struct answer){ p->cb, result };
	counted += p->cb->u.c.flags & 1; /* that it has an eventfd */
}

static struct pending take_pending(unsigned k)
{
	struct pending p = pending[k];

	memmove(&pending[k], &pending[k + 1], (--pendings - k) * sizeof(pending[0]));
	return p;
}

static void complete(unsigned k)
{
	struct pending p = take_pending(k);
	bool takes = flight_takes_writes(p.disk);

	arrive(&p);
	give_answer(&p, takes ? (long)p.len : -EIO);
	if (world.disk[p.disk].behind && (!takes || judge_is_newest(p.disk)))
		world.disk[p.disk].behind = false;
	sim_say("  sd%c %s metadata", 'a' + p.disk, takes ? "takes" : "refuses");
}

/* Of those that are out (or not) the k-th. */
static unsigned find_pending(bool out, unsigned k)
{
	unsigned i = 0;

	while (pending[i].out != out || k--)
		i++;
	return i;
}

static bool next_of_disk(unsigned disk, unsigned *k)
{
	unsigned found[MAX_PENDING], n = 0;

	for (unsigned i = 0; i < pendings; i++)
		if (pending[i].out && pending[i].disk == disk)
			found[n++] = i;
	*k = n ? found[sim_pick(n)] : 0;
	return n;
}

bool flight_is_out(unsigned disk)
{
	for (unsigned i = 0; i < pendings; i++)
		if (pending[i].out && pending[i].disk == disk)
			return true;
	return false;
}

void flight_answer(unsigned disk, enum flight_answer how)
{
	struct sim_disk *d = &world.disk[disk];
	struct pending p;
	unsigned k;

	d->hangs = false;
	d->hangs_in = 0;
	while (next_of_disk(disk, &k)) {
		bool takes = how == ANSWER_WELL && flight_takes_writes(disk);

		p = take_pending(k);
		if (takes || (how == ANSWER_ERROR && sim_chance(2)))
			arrive(&p);
		give_answer(&p, takes ? (long)p.len : -EIO);
		sim_say("  sd%c %s", 'a' + disk, takes ? "has taken what was out" : "has failed what was out");
	}
	/* One that has failed, or takes nothing, is not what is waited for any more. */
	if (d->behind && (d->refuses || md_failed_somewhere(disk) || judge_is_newest(disk)))
		d->behind = false;
}

void flight_await(unsigned disk)
{
	if (!world.disk[disk].hangs)
		return;
	sim_say("  sd%c is waited for", 'a' + disk);
	flight_answer(disk, ANSWER_WELL);
}

bool flight_any_answer(void)
{
	return counted;
}

/* ---- what the handler calls ---- */

int __wrap_eventfd(unsigned count, int flags);
int __wrap_eventfd(unsigned count, int flags)
{
	(void)flags;
	counted = count;
	return SIM_EVENT_FD;
}

int __real_close(int fd);
int __wrap_close(int fd);
int __wrap_close(int fd)
{
	return fd == SIM_EVENT_FD ? 0 : __real_close(fd);
}

ssize_t __real_read(int fd, void *buf, size_t len);
ssize_t __wrap_read(int fd, void *buf, size_t len);
ssize_t __wrap_read(int fd, void *buf, size_t len)
{
	if (fd != SIM_EVENT_FD)
		return __real_read(fd, buf, len);
	if (!counted) {
		errno = EAGAIN;
		return -1;
	}
	memcpy(buf, &counted, sizeof(counted));
	counted = 0;
	return sizeof(counted);
}

int __wrap_io_setup(int max, io_context_t *ctx);
int __wrap_io_setup(int max, io_context_t *ctx)
{
	(void)max;
	*ctx = (io_context_t)&pendings;
	return 0;
}

/* Waits for all that is out. */
int __wrap_io_destroy(io_context_t ctx);
int __wrap_io_destroy(io_context_t ctx)
{
	(void)ctx;
	while (pendings)
		flight_await(pending[0].disk);
	answers = orphans = 0;
	return 0;
}

static void send(struct iocb *cb)
{
	unsigned disk = (unsigned)(cb->aio_fildes - SIM_FIRST_DISK_FD);
	struct sim_disk *d = &world.disk[disk];

	d->hangs |= d->hangs_in && !--d->hangs_in;
	if (d->hangs) {
		/* What it refused before was let go for that. */
		d->behind |= !md_failed_somewhere(disk) && judge_knows_newest(1u << disk) &&
			     !(d->refused && judge_others_know_more(disk));
		d->refused = true;
		sim_say("  sd%c hangs", 'a' + disk);
	}
	pending[pendings++] = (struct pending){
		.disk = disk,
		.out = d->hangs,
		.buf = cb->u.c.buf,
		.len = cb->u.c.nbytes,
		.offset = (uint64_t)cb->u.c.offset,
		.cb = cb,
	};
}

int __wrap_io_submit(io_context_t ctx, long nr, struct iocb *ios[]);
int __wrap_io_submit(io_context_t ctx, long nr, struct iocb *ios[])
{
	(void)ctx;
	for (long i = 0; i < nr; i++) {
		if (pendings == MAX_PENDING || orphans == MAX_PENDING)
			abort();
		if (world.alive)
			send(ios[i]);
		else
			orphan[orphans++] = ios[i];
	}
	return (int)nr;
}

static void end_orphan(void)
{
	struct iocb *cb = orphan[--orphans];

	answer[answers++] = (struct answer){ cb, (long)cb->u.c.nbytes };
}

/* The power may fail before. */
static void wait_for_one(const struct timespec *limit)
{
	unsigned n;

	if (!sim_point()) {
		end_orphan();
		return;
	}
	n = count_pending(false);
	if (n)
		complete(find_pending(false, sim_pick(n)));
	else if (limit)
		world.now_ns += (uint64_t)limit->tv_sec * NS_PER_S + (uint64_t)limit->tv_nsec;
	else
		flight_await(pending[sim_pick(pendings)].disk);
}

int __wrap_io_getevents(io_context_t ctx, long min, long max, struct io_event *events, struct timespec *timeout);
int __wrap_io_getevents(io_context_t ctx, long min, long max, struct io_event *events, struct timespec *timeout)
{
	int n = 0;

	(void)ctx;
	if (min && !answers)
		wait_for_one(timeout);
	while (answers && n < max) {
		const struct answer *a = &answer[--answers];

		events[n++] = (struct io_event){ .data = a->cb->data, .obj = a->cb, .res = (unsigned long)a->result };
	}
	return n;
}
