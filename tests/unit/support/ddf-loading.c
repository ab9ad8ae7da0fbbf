/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/support/ddf-loading.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- disks that can be read, or not ---- */

uint64_t dld_bad_sector;
const struct disk *dld_bad_disk;

int __wrap_disk_read(const struct disk *d, void *buf, size_t len, uint64_t offset);
int __wrap_disk_read(const struct disk *d, void *buf, size_t len, uint64_t offset)
{
	const uint64_t bad = dld_bad_sector * DDF_SECTOR;

	assert_int_equal(offset % d->sector_size, 0);
	assert_int_equal(len % d->sector_size, 0);
	assert_true(len <= d->size && offset <= d->size - len);
	if (d == dld_bad_disk && (!dld_bad_sector || (bad >= offset && bad < offset + len)))
		return -EIO;
	return pread(d->fd, buf, len, (off_t)offset) == (ssize_t)len ? 0 : -EIO;
}

/* Looking for anchors elsewhere: tests/unit/ddf/probe.c. */
bool __wrap_ddf_probe_wanted(const char *etc);
bool __wrap_ddf_probe_wanted(const char *etc)
{
	assert_string_equal(etc, "/etc");
	return false;
}

/* ---- a container ---- */

int dld_setup(void **state)
{
	*state = calloc(1, sizeof(struct rig));
	return *state ? 0 : -1;
}

void dld_clear(struct rig *r)
{
	ddf_free(&r->c);
	for (size_t i = 0; i < r->count; i++)
		disk_close(r->disk[i]);
	memset(r, 0, sizeof(*r));
	dld_bad_disk = NULL;
	dld_bad_sector = 0;
}

int dld_teardown(void **state)
{
	dld_clear(*state);
	free(*state);
	return 0;
}

void dld_add(struct rig *r, const char *name, unsigned n)
{
	r->disk[r->count] = r->all[r->count] = ddf_sample_disk(name, n);
	r->count++;
}

void dld_add_all(struct rig *r, const char *name)
{
	for (unsigned n = 0; n < ddf_sample_named(name)->disks; n++)
		dld_add(r, name, n);
}

int dld_load(struct rig *r)
{
	int err;

	begin_capture(&r->log, stderr);
	err = ddf_load(&r->c, r->disk, r->count, "md127");
	end_capture(&r->log, stderr);
	return err;
}

void dld_assert_logged(const struct rig *r, const char *text)
{
	if (!strstr(r->log.text, text))
		fail_msg("not logged: %s\nbut: %s", text, r->log.text);
}

void dld_load_silently(struct rig *r)
{
	assert_int_equal(dld_load(r), 0);
	assert_string_equal(r->log.text, "");
}

void dld_load_without(struct rig *r, size_t n, const char *why)
{
	char line[256];

	snprintf(line, sizeof(line), "mdmon: md127: disk %s is not used: %s\n", r->all[n]->name, why);
	assert_int_equal(dld_load(r), 0);
	dld_assert_logged(r, line);
	for (size_t i = 0; i < r->count; i++)
		assert_ptr_equal(r->disk[i], i == n ? r->all[i] : NULL);
	assert_null(ddf_dl_by_dev(&r->c, r->all[n]->dev));
}

struct ddf_dl *dld_dl_of(const struct rig *r, size_t n)
{
	struct ddf_dl *dl = ddf_dl_by_dev(&r->c, r->all[n]->dev);

	assert_non_null(dl);
	assert_ptr_equal(dl->disk, r->all[n]);
	return dl;
}

void dld_assert_good(const struct rig *r, size_t n, bool first, bool second)
{
	const struct ddf_dl *dl = dld_dl_of(r, n);

	assert_int_equal(dl->copy[DDF_FIRST_COPY].good, first);
	assert_int_equal(dl->copy[DDF_SECOND_COPY].good, second);
	if (first)
		assert_int_equal(dl->copy[DDF_FIRST_COPY].seq, r->c.seq);
	if (second)
		assert_int_equal(dl->copy[DDF_SECOND_COPY].seq, r->c.seq);
}

/* ---- changing what is on a disk ---- */

void dld_poke(const struct rig *r, size_t n, unsigned copies, unsigned at, unsigned sectors, size_t offset,
	      size_t width, uint64_t value, bool seal)
{
	static const uint64_t lba[] = { SAMPLE_PRIMARY, SAMPLE_SECONDARY };
	static uint8_t buf[128 * DDF_SECTOR];

	for (int copy = 0; copy < 2; copy++) {
		if (!(copies & 1u << copy))
			continue;
		ddf_read_sectors(r->all[n], lba[copy] + at, buf, sectors);
		for (size_t i = 0; i < width; i++)
			buf[offset + i] = (uint8_t)(value >> 8 * (width - 1 - i));
		if (seal)
			ddf_seal(buf, sectors * DDF_SECTOR);
		ddf_write_sectors(r->all[n], lba[copy] + at, buf, sectors);
	}
}

void dld_poke_header(const struct rig *r, size_t n, unsigned copies, size_t offset, size_t width, uint64_t value)
{
	dld_poke(r, n, copies, 0, 1, offset, width, value, true);
}

void dld_set_seq(const struct rig *r, size_t n, unsigned copies, uint32_t seq)
{
	dld_poke_header(r, n, copies, FIELD(ddf_header, seq), seq);
}

void dld_set_open(const struct rig *r, size_t n, unsigned copies)
{
	dld_poke_header(r, n, copies, FIELD(ddf_header, open_flag), DDF_OPEN);
}

void dld_corrupt(const struct rig *r, size_t n, unsigned copies, unsigned at)
{
	dld_poke(r, n, copies, at, 1, 100, 1, 0x5a, false);
}

void dld_poke_pd(const struct rig *r, size_t n, unsigned copies, unsigned entry, size_t offset, size_t width,
		 uint64_t value)
{
	dld_poke(r, n, copies, PD_AT, 128, 64 + 64 * entry + offset, width, value, true);
}

void dld_mark(const struct rig *r, size_t n, unsigned copies, unsigned value)
{
	dld_poke_pd(r, n, copies, 100, FIELD(ddf_pd_entry, type), value);
}

unsigned dld_mark_found(const struct rig *r)
{
	return be16_get(ddf_pd(&r->c, 100)->type);
}

void dld_poke_record(const struct rig *r, size_t n, unsigned record, size_t offset, size_t width, uint64_t value)
{
	dld_poke(r, n, BOTH, RECORD_AT(record), 7, offset, width, value, true);
}

void dld_poke_anchor(const struct rig *r, size_t n, size_t offset, size_t width, uint64_t value, bool seal)
{
	struct ddf_header h;

	ddf_read_sectors(r->all[n], SAMPLE_ANCHOR, &h, 1);
	for (size_t i = 0; i < width; i++)
		((uint8_t *)&h)[offset + i] = (uint8_t)(value >> 8 * (width - 1 - i));
	if (seal)
		ddf_seal(&h, sizeof(h));
	ddf_write_sectors(r->all[n], SAMPLE_ANCHOR, &h, 1);
}

void dld_assert_bytes(const struct rig *r, size_t n, unsigned at, unsigned sectors, const void *bytes)
{
	static uint8_t buf[455 * DDF_SECTOR];

	ddf_read_sectors(r->all[n], SAMPLE_PRIMARY + at, buf, sectors);
	assert_memory_equal(bytes, buf, sectors * DDF_SECTOR);
	ddf_read_sectors(r->all[n], SAMPLE_SECONDARY + at, buf, sectors);
	assert_memory_equal(bytes, buf, sectors * DDF_SECTOR);
}
