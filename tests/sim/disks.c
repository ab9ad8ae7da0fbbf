/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Disks in memory: the last bytes of each. The handler's disk_read() and disk_write() come here (tests/flags.mk, SIM).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "metadata/disk.h"
#include "metadata/lane.h"
#include "tests/sim/sim.h"

#define BLOCK 4096
#define DISK_BYTES ((uint64_t)SIM_DISK_SECTORS / 8 * 8 * 512)

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

unsigned sim_disks(void)
{
	return world.disks;
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

/* Lanes of disks that were closed while requests were out: until the life ends, as with the kernel, that may answer. */
static struct lane *closed_lanes;

static void close_lane(struct lane *l)
{
	if (!l || !atomic_load(&l->out)) {
		lane_free(l);
		return;
	}
	l->next = closed_lanes;
	closed_lanes = l;
}

static void free_closed_lanes(void)
{
	while (closed_lanes) {
		struct lane *l = closed_lanes;

		closed_lanes = l->next;
		free(l);
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
	flight_forget();
	free_closed_lanes();
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

/* ---- what the handler calls ---- */

struct disk *disk_for_handler(unsigned n)
{
	struct disk *d = calloc(1, sizeof(*d));

	if (!d)
		abort();
	d->dev = sim_dev(n);
	d->lane = lane_new(d->dev);
	if (!d->lane)
		abort();
	snprintf(d->name, sizeof(d->name), "sd%c", 'a' + n);
	d->fd = SIM_FIRST_DISK_FD + (int)n;
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
	return (unsigned)(d->fd - SIM_FIRST_DISK_FD);
}

void __wrap_disk_close(struct disk *d);
void __wrap_disk_close(struct disk *d)
{
	if (d)
		close_lane(d->lane);
	free(d);
}

int __wrap_disk_read(const struct disk *d, void *buf, size_t len, uint64_t offset);
int __wrap_disk_read(const struct disk *d, void *buf, size_t len, uint64_t offset)
{
	flight_await(number_of(d));
	if (!world.disk[number_of(d)].attached || world.disk[number_of(d)].unreadable)
		return -EIO;
	sim_disk_read(number_of(d), buf, len, offset);
	return 0;
}

int __wrap_disk_write(const struct disk *d, const void *buf, size_t len, uint64_t offset);
int __wrap_disk_write(const struct disk *d, const void *buf, size_t len, uint64_t offset)
{
	if (!sim_point())
		return 0;
	flight_await(number_of(d));
	if (!flight_takes_writes(number_of(d)))
		return -EIO;
	sim_disk_write(number_of(d), buf, len, offset);
	return 0;
}
