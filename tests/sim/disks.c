/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Disks in memory: the last bytes of each. The handler's disk_read(), disk_write() and asynchronous writes come here
 * (tests/flags.mk, SIM). Writes of one plan that are in flight together complete in any order; when the power fails
 * each of them has arrived, or not, or in part: of the blocks within which a write cannot be torn any may be old or
 * new.
 */
#include <errno.h>
#include <libaio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "metadata/disk.h"
#include "tests/sim/sim.h"

#define FIRST_FD (1 << 26)
#define BLOCK 4096
#define DISK_BYTES ((uint64_t)SIM_DISK_SECTORS / 8 * 8 * 512)
#define MAX_PENDING 64

struct pending {
	unsigned disk;
	const uint8_t *buf;
	size_t len;
	uint64_t offset;
	struct iocb *cb;
};

static struct pending pending[MAX_PENDING];
static unsigned pendings;

/* Writes of a daemon that has died. They have met their fate; it does not learn which. */
static struct iocb *orphan[MAX_PENDING];
static unsigned orphans;

/* ---- bytes ---- */

uint64_t sim_disk_size(unsigned disk)
{
	(void)disk;
	return DISK_BYTES;
}

uint32_t sim_sector_size(unsigned disk)
{
	(void)disk;
	return world.sector_size;
}

uint32_t sim_physical_size(unsigned disk)
{
	(void)disk;
	return world.physical_size;
}

const char *sim_serial(unsigned disk)
{
	return world.disk[disk].serial;
}

dev_t sim_dev(unsigned disk)
{
	return makedev(8, 16 * disk);
}

int disk_of_dev(dev_t dev)
{
	return (int)(minor(dev) / 16);
}

/* The part of the range that is kept: where it begins in the tail, and in the caller's buffer; its length. */
static size_t kept_part(uint64_t offset, size_t len, size_t *at, size_t *skip)
{
	uint64_t begin = DISK_BYTES - world.ad->tail;

	*skip = offset < begin ? (size_t)(begin - offset) : 0;
	if (*skip >= len || offset >= DISK_BYTES)
		return 0;
	*at = (size_t)(offset + *skip - begin);
	len -= *skip;
	return len < world.ad->tail - *at ? len : world.ad->tail - *at;
}

void sim_disk_read(unsigned disk, void *buf, size_t len, uint64_t offset)
{
	size_t at = 0, skip, n = kept_part(offset, len, &at, &skip);

	if (n < len)
		memset(buf, 0, len);
	if (n)
		memcpy((uint8_t *)buf + skip, world.disk[disk].tail + at, n);
}

void sim_disk_write(unsigned disk, const void *buf, size_t len, uint64_t offset)
{
	struct sim_disk *d = &world.disk[disk];
	size_t at = 0, skip, n = kept_part(offset, len, &at, &skip);

	if (!n)
		return;
	memcpy(d->tail + at, (const uint8_t *)buf + skip, n);
	for (size_t b = at / BLOCK; b <= (at + n - 1) / BLOCK; b++)
		d->touched[b] = true;
	d->changed = d->written = true;
}

static void forget_bytes(struct sim_disk *d)
{
	for (size_t b = 0; b < world.ad->tail / BLOCK; b++) {
		if (d->touched[b])
			memset(d->tail + b * BLOCK, 0, BLOCK);
		d->touched[b] = false;
	}
}

void disks_forget(void)
{
	for (unsigned n = 0; n < SIM_DISKS; n++) {
		struct sim_disk *d = &world.disk[n];
		uint8_t *tail = d->tail ? d->tail : calloc(1, world.ad->tail);
		bool *touched = d->touched ? d->touched : calloc(world.ad->tail / BLOCK, sizeof(*touched));

		if (!tail || !touched)
			abort();
		*d = (struct sim_disk){ .tail = tail, .touched = touched };
		forget_bytes(d);
	}
	world.disks = 0;
	pendings = orphans = 0;
}

void disk_make(unsigned n)
{
	world.disk[n].exists = true;
	world.disk[n].attached = true;
	snprintf(world.disk[n].serial, sizeof(world.disk[n].serial), "DISK%u", n);
	if (n >= world.disks)
		world.disks = n + 1;
}

bool disks_changed(void)
{
	for (unsigned n = 0; n < world.disks; n++)
		if (world.disk[n].changed)
			return true;
	return false;
}

bool disks_written(void)
{
	bool any = false;

	for (unsigned n = 0; n < world.disks; n++) {
		any |= world.disk[n].written;
		world.disk[n].written = false;
	}
	return any;
}

void disks_note_judged(void)
{
	for (unsigned n = 0; n < world.disks; n++)
		world.disk[n].changed = false;
}

/* ---- for readers ---- */

static void read_sectors(const void *ctx, uint64_t sector, void *buf, unsigned count)
{
	sim_disk_read((unsigned)(uintptr_t)ctx, buf, (size_t)count * 512, sector * 512);
}

void disks_reader(uint32_t set, struct reader_disk *out, unsigned *count, unsigned *number)
{
	*count = 0;
	for (unsigned n = 0; n < world.disks; n++) {
		if (!(set & 1u << n))
			continue;
		number[*count] = n;
		out[(*count)++] = (struct reader_disk){
			.sectors = DISK_BYTES / 512,
			.sector_size = world.sector_size,
			.serial = world.disk[n].serial,
			.read = read_sectors,
			.ctx = (const void *)(uintptr_t)n,
		};
	}
}

/* ---- writes in flight ---- */

static bool takes_writes(unsigned disk)
{
	const struct sim_disk *d = &world.disk[disk];

	return world.power && d->attached && !d->refuses;
}

static void arrive(const struct pending *p)
{
	if (takes_writes(p->disk))
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

static void arrive_in_any_part(const struct pending *p);

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
	if (takes_writes(p->disk) && passes(p->disk))
		sim_disk_write(p->disk, sim_chance(2) ? before : p->buf, p->len, p->offset);
}

static void arrive_in_any_part(const struct pending *p)
{
	uint64_t block = world.physical_size, end = p->offset + p->len, next;
	unsigned how = sim_pick(4);

	if (!takes_writes(p->disk) || how == 0)
		return;
	for (uint64_t at = p->offset; at < end; at = next) {
		next = (at / block + 1) * block;
		if (next > end)
			next = end;
		if (how == 1 || sim_chance(2))
			sim_disk_write(p->disk, p->buf + (at - p->offset), (size_t)(next - at), at);
	}
}

void disks_power_fails(void)
{
	for (unsigned i = 0; i < pendings; i++)
		arrive_in_part(&pending[i]);
	pendings = 0;
}

void disks_daemon_dies(void)
{
	for (unsigned i = 0; i < pendings; i++)
		arrive(&pending[i]);
	pendings = 0;
}

bool disks_any_in_flight(void)
{
	return pendings;
}

void disks_with_some_in_flight(void (*judge)(void))
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

/* ---- what the handler calls ---- */

struct disk *disk_for_handler(unsigned n)
{
	struct disk *d = calloc(1, sizeof(*d));

	if (!d)
		abort();
	d->dev = sim_dev(n);
	snprintf(d->name, sizeof(d->name), "sd%c", 'a' + n);
	d->fd = FIRST_FD + (int)n;
	d->size = DISK_BYTES;
	d->sector_size = world.sector_size;
	d->physical_size = world.physical_size;
	d->physical_aligned = true;
	d->serial_count = 1;
	d->serial[0].len = strlen(world.disk[n].serial);
	memcpy(d->serial[0].bytes, world.disk[n].serial, d->serial[0].len);
	return d;
}

static unsigned number_of(const struct disk *d)
{
	return (unsigned)(d->fd - FIRST_FD);
}

void __wrap_disk_close(struct disk *d);
void __wrap_disk_close(struct disk *d)
{
	free(d);
}

int __wrap_disk_read(const struct disk *d, void *buf, size_t len, uint64_t offset);
int __wrap_disk_read(const struct disk *d, void *buf, size_t len, uint64_t offset)
{
	if (!world.disk[number_of(d)].attached)
		return -EIO;
	sim_disk_read(number_of(d), buf, len, offset);
	return 0;
}

int __wrap_disk_write(const struct disk *d, const void *buf, size_t len, uint64_t offset);
int __wrap_disk_write(const struct disk *d, const void *buf, size_t len, uint64_t offset)
{
	if (!sim_point())
		return 0;
	if (!takes_writes(number_of(d)))
		return -EIO;
	sim_disk_write(number_of(d), buf, len, offset);
	return 0;
}

int __wrap_io_setup(int max, io_context_t *ctx);
int __wrap_io_setup(int max, io_context_t *ctx)
{
	(void)max;
	*ctx = (io_context_t)&pendings;
	return 0;
}

int __wrap_io_destroy(io_context_t ctx);
int __wrap_io_destroy(io_context_t ctx)
{
	(void)ctx;
	return 0;
}

int __wrap_io_submit(io_context_t ctx, long nr, struct iocb *ios[]);
int __wrap_io_submit(io_context_t ctx, long nr, struct iocb *ios[])
{
	(void)ctx;
	for (long i = 0; i < nr; i++) {
		if (pendings == MAX_PENDING || orphans == MAX_PENDING)
			abort();
		if (!world.alive) {
			orphan[orphans++] = ios[i];
			continue;
		}
		pending[pendings++] = (struct pending){
			.disk = (unsigned)(ios[i]->aio_fildes - FIRST_FD),
			.buf = ios[i]->u.c.buf,
			.len = ios[i]->u.c.nbytes,
			.offset = (uint64_t)ios[i]->u.c.offset,
			.cb = ios[i],
		};
	}
	return (int)nr;
}

static struct iocb *end_orphan(long *result)
{
	*result = (long)orphan[orphans - 1]->u.c.nbytes;
	return orphan[--orphans];
}

/* The power may fail before. */
static struct iocb *end_one(long *result)
{
	struct pending p;
	unsigned k;

	if (orphans)
		return end_orphan(result);
	for (unsigned i = 0; i < pendings; i++)
		orphan[orphans++] = pending[i].cb;
	if (!sim_point())
		return end_orphan(result);
	orphans = 0;
	k = sim_pick(pendings);
	p = pending[k];
	*result = takes_writes(p.disk) ? (long)p.len : -EIO;
	arrive(&p);
	memmove(&pending[k], &pending[k + 1], (--pendings - k) * sizeof(pending[0]));
	sim_say("  sd%c %s metadata", 'a' + p.disk, *result < 0 ? "refuses" : "takes");
	return p.cb;
}

int __wrap_io_getevents(io_context_t ctx, long min, long max, struct io_event *events, struct timespec *timeout);
int __wrap_io_getevents(io_context_t ctx, long min, long max, struct io_event *events, struct timespec *timeout)
{
	long result;
	struct iocb *cb;

	(void)ctx;
	(void)min;
	(void)max;
	(void)timeout;
	cb = end_one(&result);
	events[0] = (struct io_event){ .data = cb->data, .obj = cb, .res = (unsigned long)result };
	return 1;
}
