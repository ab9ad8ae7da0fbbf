/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ddf/write.c on disks that are files in memory. All writes are recorded, so that the tests can see what was
 * written, in which order, and what a power cut would have left at each moment.
 */
#include "metadata/metaio.h"
#include "tests/unit/support/ddf-fixture.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define DISKS 3
#define MAX_WRITES 256
#define PRIMARY (FX_SECTORS - DDF_PRIMARY_FROM_END)
#define SECONDARY (FX_SECTORS - DDF_SECONDARY_FROM_END)

/* ---- what reaches the disks ---- */

struct write {
	int fd;
	unsigned at, count; /* sectors */
	uint8_t *data;
};

static struct {
	struct write write[MAX_WRITES];
	unsigned count;
	int broken_fd; /* this disk takes nothing ... */
	unsigned broken_from, broken_to; /* ... between these sectors */
	unsigned risky, most_risky_at_once; /* disks that a power cut may cost their metadata */
} seen;

/* The plain order of disk by disk, step by step. Disks are independent: any mix of them may happen. */
int __wrap_io_setup(int events, void *ctx);
int __wrap_io_setup(int events, void *ctx)
{
	(void)events;
	(void)ctx;
	return -ENOSYS;
}

static void note(int fd, unsigned at, const void *data, size_t len)
{
	struct write *w = &seen.write[seen.count++];

	assert_true(seen.count <= MAX_WRITES);
	*w = (struct write){ .fd = fd, .at = at, .count = (unsigned)(len / 512), .data = malloc(len) };
	assert_non_null(w->data);
	memcpy(w->data, data, len);
}

ssize_t __real_pwritev64v2(int fd, const struct iovec *iov, int count, off64_t offset, int flags);
ssize_t __wrap_pwritev64v2(int fd, const struct iovec *iov, int count, off64_t offset, int flags);
ssize_t __wrap_pwritev64v2(int fd, const struct iovec *iov, int count, off64_t offset, int flags)
{
	unsigned at = (unsigned)(offset / 512);

	assert_int_equal(count, 1);
	assert_int_equal(offset % 512, 0);
	assert_int_equal(iov->iov_len % 512, 0);
	assert_true(flags & 2); /* RWF_DSYNC */
	if (fd == seen.broken_fd && at >= seen.broken_from && at < seen.broken_to) {
		errno = EIO;
		return -1;
	}
	note(fd, at, iov->iov_base, iov->iov_len);
	return __real_pwritev64v2(fd, iov, count, offset, 0);
}

unsigned __real_metaio_run(struct metaio *m, struct metaio_plan *p);
unsigned __wrap_metaio_run(struct metaio *m, struct metaio_plan *p);
unsigned __wrap_metaio_run(struct metaio *m, struct metaio_plan *p)
{
	for (unsigned i = 0; i < p->disks; i++)
		seen.risky += p->disk[i].torn_risk;
	if (seen.most_risky_at_once < p->max_torn)
		seen.most_risky_at_once = p->max_torn;
	return __real_metaio_run(m, p);
}

static void forget_writes(void)
{
	for (unsigned i = 0; i < seen.count; i++)
		free(seen.write[i].data);
	seen.count = seen.risky = 0;
}

/* ---- the container ---- */

struct bench {
	struct fixture f;
	struct ddf_writer *w;
	struct sync_result res;
};

static int fd_of(const struct bench *b, unsigned n)
{
	return b->f.disk[n].fd;
}

static void make_file(struct fixture *f, unsigned n)
{
	struct ddf_disk_data *data = (struct ddf_disk_data *)(void *)f->disk_data[n];

	f->disk[n].fd = memfd_create("disk", 0);
	assert_true(f->disk[n].fd >= 0);
	assert_int_equal(ftruncate(f->disk[n].fd, (off_t)FX_SECTORS * 512), 0);
	data->magic = be32_make(DDF_DISK_DATA_MAGIC);
	fx_pd_guid(data->guid, n);
	data->refnum = be32_make(fx_ref(n));
	ddf_seal(data, sizeof(*data));
}

static void write_all(struct bench *b)
{
	b->res = (struct sync_result){ 0 };
	assert_int_equal(ddf_write(b->w, &b->f.c, &b->res), 1);
	ddf_write_rest(b->w, &b->f.c, &b->res);
	assert_int_equal(b->res.failed, 0);
}

/* A RAID1 on disks 0 and 1, disk 2 is a spare; written completely. */
static int setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));
	struct ddf_table_head *controller = (struct ddf_table_head *)(void *)b->f.controller;

	assert_non_null(b);
	fx_init(&b->f);
	controller->magic = be32_make(DDF_CONTROLLER_MAGIC);
	ddf_seal(controller, DDF_SECTOR);
	fx_disks(&b->f, "0:03/01 1:03/01 2:05/01");
	fx_volume(&b->f, 0, DDF_RAID1, 0, "00/02 v3 0,1");
	for (unsigned n = 0; n < DISKS; n++) {
		make_file(&b->f, n);
		b->f.dl[n].anchor_due = true;
		memset(b->f.dl[n].copy, 0, sizeof(b->f.dl[n].copy));
		b->f.dl[n].copy[0].exists = b->f.dl[n].copy[1].exists = true;
	}
	memset(b->f.pd_written, 0, FX_TABLE_BYTES);
	memset(b->f.vd_written, 0, FX_TABLE_BYTES);
	memset(&seen, 0, sizeof(seen));
	seen.broken_fd = -1;
	b->w = ddf_writer_new();
	assert_non_null(b->w);
	write_all(b);
	forget_writes();
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;

	forget_writes();
	for (unsigned n = 0; n < FX_DISKS; n++)
		if (b->f.disk[n].fd > 0)
			close(b->f.disk[n].fd);
	ddf_writer_free(b->w);
	fx_free(&b->f);
	free(b);
	return 0;
}

static void set_dirty(struct bench *b, bool dirty)
{
	struct ddf_vd_entry *e = fx_vd(&b->f, 0);

	e->state = (uint8_t)((e->state & ~DDF_VD_INCONSISTENT) | (dirty ? DDF_VD_INCONSISTENT : 0));
}

/* What a failure of disk 1 changes: both tables and a record. */
static void fail_disk(struct bench *b)
{
	fx_fail_disk(&b->f, 1);
	fx_vd(&b->f, 0)->state = DDF_VD_DEGRADED;
	ddf_stamp(&b->f.c, fx_record(&b->f, 0, 0));
}

/* ---- reading back ---- */

static void read_sectors(int fd, uint64_t at, unsigned count, void *buf)
{
	assert_int_equal(pread(fd, buf, count * 512, (off_t)at * 512), (int)(count * 512));
}

static bool header_ok(int fd, uint64_t at, unsigned type, struct ddf_header *h)
{
	read_sectors(fd, at, 1, h);
	return ddf_check_header(h, type, NULL) == 0;
}

/* mdadm's rule (2.1): which copy it takes; 0: none. */
static uint64_t readers_choice(int fd, struct ddf_header *h)
{
	struct ddf_header p, s;
	bool p_ok = header_ok(fd, PRIMARY, DDF_PRIMARY, &p), s_ok = header_ok(fd, SECONDARY, DDF_SECONDARY, &s);
	uint32_t ps = be32_get(p.seq), ss = be32_get(s.seq);
	bool second;

	if (!p_ok && !s_ok)
		return 0;
	second = !p_ok || (s_ok && s.open_flag == 0 && (ps < ss || (ps == ss && p.open_flag != 0)));
	*h = second ? s : p;
	return second ? SECONDARY : PRIMARY;
}

static void assert_sealed(int fd, uint64_t at, const struct ddf_extent *section)
{
	uint8_t buf[32 * 512];

	assert_true(section->length <= 32);
	read_sectors(fd, at + section->offset, section->length, buf);
	assert_true(ddf_crc_ok(buf, section->length * 512));
}

/* The copy is closed, and all its checksums are right. */
static void assert_copy_right(const struct bench *b, int fd, uint64_t at, const struct ddf_header *h)
{
	const struct ddf_layout *l = &b->f.c.layout;
	uint8_t r[FX_RECORD_SECTORS * 512];

	assert_int_equal(h->open_flag, 0);
	assert_sealed(fd, at, &l->controller);
	assert_sealed(fd, at, &l->pd);
	assert_sealed(fd, at, &l->vd);
	assert_sealed(fd, at, &l->disk_data);
	for (unsigned i = 0; i < FX_RECORDS; i++) {
		read_sectors(fd, at + l->config.offset + i * FX_RECORD_SECTORS, FX_RECORD_SECTORS, r);
		if (r[0] != 0xff)
			assert_true(ddf_crc_ok(r, sizeof(r)));
	}
}

static unsigned vd_state_at(const struct bench *b, int fd, uint64_t at)
{
	uint8_t table[FX_TABLE_BYTES];

	read_sectors(fd, at + b->f.c.layout.vd.offset, 2, table);
	return ((struct ddf_vd_entry *)(void *)(table + 64))->state;
}

/* Both copies say what is in memory, and the anchor is there. */
static void assert_disk_complete(const struct bench *b, unsigned n)
{
	static const struct { uint64_t at; unsigned type; } copy[] = { { PRIMARY, 1 }, { SECONDARY, 2 } };
	int fd = fd_of(b, n);
	struct ddf_header h;
	uint8_t buf[FX_CONFIG_BYTES];

	for (unsigned i = 0; i < COUNT(copy); i++) {
		assert_true(header_ok(fd, copy[i].at, copy[i].type, &h));
		assert_int_equal(be32_get(h.seq), b->f.c.seq);
		assert_copy_right(b, fd, copy[i].at, &h);
		read_sectors(fd, copy[i].at + b->f.c.layout.pd.offset, 2, buf);
		assert_memory_equal(buf, b->f.pd, FX_TABLE_BYTES);
		read_sectors(fd, copy[i].at + b->f.c.layout.vd.offset, 2, buf);
		assert_memory_equal(buf, b->f.vd, FX_TABLE_BYTES);
		read_sectors(fd, copy[i].at + b->f.c.layout.config.offset, sizeof(buf) / 512, buf);
		assert_memory_equal(buf, b->f.config[n], sizeof(buf));
	}
	assert_true(header_ok(fd, FX_SECTORS - 1, DDF_ANCHOR, &h));
	assert_int_equal(h.type, DDF_ANCHOR);
	assert_int_equal(h.open_flag, DDF_ANCHOR_OPEN_FLAG);
	assert_int_equal(be32_get(h.seq), DDF_ANCHOR_SEQ);
}

static void assert_all_complete(const struct bench *b)
{
	for (unsigned n = 0; n < DISKS; n++)
		assert_disk_complete(b, n);
}

/* Writes to one disk as text: "s" or "p" and the sector in the copy, "+n" if more than one; "a" is the anchor. */
static const char *trace(const struct bench *b, unsigned n)
{
	static char text[512];
	char *p = text;

	*p = '\0';
	for (unsigned i = 0; i < seen.count; i++) {
		const struct write *w = &seen.write[i];

		if (w->fd != fd_of(b, n))
			continue;
		if (w->at == FX_SECTORS - 1)
			p += sprintf(p, " a");
		else
			p += sprintf(p, " %c%u", w->at >= PRIMARY ? 'p' : 's',
				     w->at - (unsigned)(w->at >= PRIMARY ? PRIMARY : SECONDARY));
		if (w->count > 1)
			p += sprintf(p, "+%u", w->count);
	}
	return text + (text[0] == ' ');
}

/* ---- what is written ---- */

static void test_new_disks_get_everything_and_the_anchor_last(void **state)
{
	struct bench *b = *state;

	assert_all_complete(b);
	/* And a further disk, on its own. */
	fx_pd_entry(&b->f, 3, 3, 0x05, 0x01);
	fx_present(&b->f, 3);
	make_file(&b->f, 3);
	b->f.dl[3].anchor_due = true;
	b->f.dl[3].copy[0].good = b->f.dl[3].copy[1].good = false;
	write_all(b);
	assert_string_equal(trace(b, 3), "s0 s1 s2+2 s4+2 s6+18 s24 s0 p0 p1 p2+2 p4+2 p6+18 p24 p0 a");
	assert_disk_complete(b, 3);
	assert_disk_complete(b, 0);
}

/* One bit: a few sectors, where the reference writes everything. */
static void test_dirty_writes_three_sectors_for_each_copy(void **state)
{
	struct bench *b = *state;

	set_dirty(b, true);
	write_all(b);
	for (unsigned n = 0; n < DISKS; n++)
		assert_string_equal(trace(b, n), "s0 s4 s0 p0 p4 p0");
	assert_int_equal(b->f.c.seq, 9);
	assert_all_complete(b);
}

static void test_nothing_is_written_for_what_is_on_disk(void **state)
{
	struct bench *b = *state;

	assert_int_equal(ddf_write(b->w, &b->f.c, &b->res), 0);
	set_dirty(b, true);
	set_dirty(b, false);
	assert_int_equal(ddf_write(b->w, &b->f.c, &b->res), 0);
	ddf_write_rest(b->w, &b->f.c, &b->res);
	b->res.retry = true;
	assert_int_equal(ddf_write(b->w, &b->f.c, &b->res), 0);
	ddf_write_rest(b->w, &b->f.c, &b->res);
	assert_int_equal(seen.count, 0);
	assert_int_equal(b->f.c.seq, 8);
}

static void test_failure_writes_what_changed(void **state)
{
	struct bench *b = *state;

	fail_disk(b);
	write_all(b);
	assert_string_equal(trace(b, 0), "s0 s2 s4 s6+2 s0 p0 p2 p4 p6+2 p0");
	assert_string_equal(trace(b, 2), "s0 s2 s4 s0 p0 p2 p4 p0"); /* it has no record */
	assert_all_complete(b);
}

/* Table entries behind the first sector: the sector with the checksum goes along. */
static void test_entries_behind_the_first_sector(void **state)
{
	struct bench *b = *state;

	fx_vd(&b->f, 12)->unit = be16_make(5);
	write_all(b);
	assert_string_equal(trace(b, 0), "s0 s4+2 s0 p0 p4+2 p0");
}

/* The kernel gets its answer between the two. */
static void test_first_copies_come_first_on_all_disks(void **state)
{
	struct bench *b = *state;

	set_dirty(b, true);
	assert_int_equal(ddf_write(b->w, &b->f.c, &b->res), 1);
	assert_int_equal(b->res.written, DISKS);
	for (unsigned n = 0; n < DISKS; n++) {
		struct ddf_header h;

		assert_string_equal(trace(b, n), "s0 s4 s0");
		assert_int_equal(vd_state_at(b, fd_of(b, n), readers_choice(fd_of(b, n), &h)), DDF_VD_INCONSISTENT);
	}
	ddf_write_rest(b->w, &b->f.c, &b->res);
	assert_all_complete(b);
	forget_writes();
	ddf_write_rest(b->w, &b->f.c, &b->res);
	assert_int_equal(seen.count, 0);
}

static void test_timestamp_and_generation_of_headers(void **state)
{
	struct bench *b = *state;
	struct ddf_header h;

	b->f.c.now = FX_NOW + 77;
	set_dirty(b, true);
	write_all(b);
	assert_true(header_ok(fd_of(b, 0), PRIMARY, DDF_PRIMARY, &h));
	assert_int_equal(be32_get(h.timestamp), FX_NOW + 77);
	assert_int_equal(be32_get(h.seq), 9);
	assert_memory_equal(h.reserved2, b->f.dl[0].header.reserved2, 512 - 113);
}

/* 7: sections are where the header of the disk says, whatever it is on other disks. */
static void test_each_disk_has_its_own_positions(void **state)
{
	struct bench *b = *state;
	struct ddf_dl *dl = &b->f.dl[1];
	uint8_t buf[FX_TABLE_BYTES];

	dl->at.pd.offset = 100;
	dl->at.vd.offset = 40;
	dl->at.config.offset = 60;
	dl->copy[0].good = dl->copy[1].good = false;
	set_dirty(b, true);
	write_all(b);
	assert_string_equal(trace(b, 0), "s0 s4 s0 p0 p4 p0");
	assert_string_equal(trace(b, 1), "s0 s1 s100+2 s40+2 s60+18 s24 s0 p0 p1 p100+2 p40+2 p60+18 p24 p0");
	read_sectors(fd_of(b, 1), PRIMARY + 40, 2, buf);
	assert_memory_equal(buf, b->f.vd, FX_TABLE_BYTES);
}

static void test_disk_without_secondary_copy(void **state)
{
	struct bench *b = *state;
	struct ddf_dl *dl = &b->f.dl[1];

	dl->copy[DDF_SECOND_COPY] = (struct ddf_copy){ .exists = false };
	dl->anchor_due = true;
	set_dirty(b, true);
	assert_int_equal(ddf_write(b->w, &b->f.c, &b->res), 1);
	assert_string_equal(trace(b, 1), "p0 p4 p0 a");
	forget_writes();
	ddf_write_rest(b->w, &b->f.c, &b->res);
	assert_string_equal(trace(b, 1), "");
}

/* A power cut may cost such a disk its metadata: not all of them at once. */
static void test_disks_without_secondary_copy_go_one_by_one(void **state)
{
	struct bench *b = *state;

	for (unsigned n = 1; n < DISKS; n++)
		b->f.dl[n].copy[DDF_SECOND_COPY].exists = false;
	set_dirty(b, true);
	write_all(b);
	assert_int_equal(seen.risky, 2);
	assert_int_equal(seen.most_risky_at_once, 1);
}

/* ---- records ---- */

static struct ddf_vdc *slot(struct bench *b, unsigned n, unsigned i)
{
	return (struct ddf_vdc *)(void *)(b->f.config[n] + i * FX_RECORD_SECTORS * 512);
}

static void test_records_follow_the_disks_that_they_name(void **state)
{
	struct bench *b = *state;

	assert_int_equal(be32_get(slot(b, 0, 0)->magic), DDF_VDC_MAGIC);
	assert_int_equal(be32_get(slot(b, 2, 0)->magic), DDF_NO_RECORD);
	ddf_set_element_ref(fx_record(&b->f, 0, 0), 1, fx_ref(2));
	write_all(b);
	assert_int_equal(be32_get(slot(b, 1, 0)->magic), DDF_NO_RECORD); /* all of it is empty again */
	for (unsigned i = 0; i < FX_RECORD_SECTORS * 512; i++)
		assert_int_equal(b->f.config[1][i], 0xff);
	assert_int_equal(be32_get(slot(b, 2, 0)->magic), DDF_VDC_MAGIC);
	assert_all_complete(b);
}

/* 15, items 11 and 27; 2.3: what is not understood stays where it is. */
static void test_records_of_others_survive(void **state)
{
	static const unsigned none;
	struct bench *b = *state;
	uint8_t vendor[FX_RECORD_SECTORS * 512], spare[FX_RECORD_SECTORS * 512], strange[FX_RECORD_SECTORS * 512];
	uint8_t buf[FX_CONFIG_BYTES];

	memset(vendor, 0x11, sizeof(vendor));
	memset(vendor, 0x88, 4);
	memset(strange, 0x22, sizeof(strange)); /* no configuration that we understand: its checksum is wrong */
	memset(strange, 0xee, 4);
	memcpy(slot(b, 2, 0), vendor, sizeof(vendor));
	memcpy(slot(b, 2, 2), strange, sizeof(strange));
	memcpy(spare, fx_spare_record(&b->f, 2, true, 1, &none), sizeof(spare));
	b->f.dl[2].copy[0].good = b->f.dl[2].copy[1].good = false;
	ddf_set_element_ref(fx_record(&b->f, 0, 0), 1, fx_ref(2));
	write_all(b);
	assert_memory_equal(slot(b, 2, 0), vendor, sizeof(vendor));
	assert_memory_equal(slot(b, 2, 2), strange, sizeof(strange));
	assert_memory_equal(slot(b, 2, FX_RECORDS - 1), spare, sizeof(spare));
	assert_int_equal(be32_get(slot(b, 2, 1)->magic), DDF_VDC_MAGIC); /* ours is between them */
	read_sectors(fd_of(b, 2), PRIMARY + b->f.c.layout.config.offset, sizeof(buf) / 512, buf);
	assert_memory_equal(buf, b->f.config[2], sizeof(buf));
}

/* Deleted, also while the disk was away. */
static void test_records_of_nobody_are_dropped(void **state)
{
	struct bench *b = *state;

	memset(fx_vd(&b->f, 0), 0xff, sizeof(struct ddf_vd_entry));
	free(b->f.volume[0].records);
	b->f.volume[0].records = NULL;
	write_all(b);
	assert_int_equal(be32_get(slot(b, 0, 0)->magic), DDF_NO_RECORD);
	assert_int_equal(be32_get(slot(b, 1, 0)->magic), DDF_NO_RECORD);
}

/* A virtual disk that we could not make sense of: its table entry is there, no record is known. */
static void test_records_that_were_ignored_survive(void **state)
{
	struct bench *b = *state;
	uint8_t before[FX_RECORD_SECTORS * 512];

	memcpy(before, slot(b, 0, 0), sizeof(before));
	free(b->f.volume[0].records);
	b->f.volume[0].records = NULL;
	set_dirty(b, true);
	write_all(b);
	assert_memory_equal(slot(b, 0, 0), before, sizeof(before));
	assert_string_equal(trace(b, 0), "s0 s4 s0 p0 p4 p0");
}

static void test_the_slot_for_spares_is_not_used(void **state)
{
	struct bench *b = *state;

	for (unsigned i = 0; i + 1 < FX_RECORDS; i++)
		memset(slot(b, 2, i), 0x88, FX_RECORD_SECTORS * 512);
	ddf_set_element_ref(fx_record(&b->f, 0, 0), 1, fx_ref(2));
	write_all(b);
	assert_int_equal(be32_get(slot(b, 2, FX_RECORDS - 1)->magic), DDF_NO_RECORD);
}

/* ---- copies that are not good ---- */

static void damage(struct bench *b, unsigned n, unsigned copy)
{
	b->f.dl[n].copy[copy].good = false;
}

/* What readers have to make do with is written last. */
static void test_the_copy_that_is_not_good_comes_first(void **state)
{
	static const struct {
		bool primary, secondary;
		const char *trace;
	} row[] = {
		{ true, true, "s0 s4 s0 p0 p4 p0" },
		{ false, true, "p0 p1 p2+2 p4+2 p6+18 p24 p0 s0 s4 s0" },
		{ true, false, "s0 s1 s2+2 s4+2 s6+18 s24 s0 p0 p4 p0" },
		{ false, false, "s0 s1 s2+2 s4+2 s6+18 s24 s0 p0 p1 p2+2 p4+2 p6+18 p24 p0" },
	};
	struct bench *b = *state;

	for (unsigned i = 0; i < COUNT(row); i++) {
		forget_writes();
		if (!row[i].primary)
			damage(b, 0, DDF_FIRST_COPY);
		if (!row[i].secondary)
			damage(b, 0, DDF_SECOND_COPY);
		set_dirty(b, i % 2 == 0);
		write_all(b);
		assert_string_equal(trace(b, 0), row[i].trace);
		assert_string_equal(trace(b, 1), row[0].trace);
		assert_all_complete(b);
	}
}

/* Neither is right, but one of them had to be used. */
static void test_the_copy_that_was_used_comes_last(void **state)
{
	struct bench *b = *state;

	damage(b, 0, DDF_FIRST_COPY);
	damage(b, 0, DDF_SECOND_COPY);
	b->f.dl[0].copy[DDF_SECOND_COPY].chosen = true;
	set_dirty(b, true);
	assert_int_equal(ddf_write(b->w, &b->f.c, &b->res), 1);
	assert_int_equal(trace(b, 0)[0], 'p');
}

/* Damage alone is no reason to write: that waits for the next change. */
static void test_repair_waits_for_a_change(void **state)
{
	struct bench *b = *state;

	damage(b, 0, DDF_FIRST_COPY);
	b->f.dl[1].anchor_due = true;
	assert_int_equal(ddf_write(b->w, &b->f.c, &b->res), 0);
	ddf_write_rest(b->w, &b->f.c, &b->res);
	assert_int_equal(seen.count, 0);
	set_dirty(b, true);
	write_all(b);
	assert_string_equal(trace(b, 1), "s0 s4 s0 p0 p4 p0 a");
	assert_false(b->f.dl[1].anchor_due);
}

/* The other copies were not written any more: the next daemon has them from its load as not good. */
static void test_change_after_an_unfinished_one(void **state)
{
	struct bench *b = *state;

	set_dirty(b, true);
	assert_int_equal(ddf_write(b->w, &b->f.c, &b->res), 1);
	fail_disk(b);
	write_all(b);
	assert_all_complete(b);
}

/* Nobody has written the rest yet: what the kernel was told is in one copy only. */
static void test_the_newer_copy_comes_last(void **state)
{
	struct bench *b = *state;

	set_dirty(b, true);
	assert_int_equal(ddf_write(b->w, &b->f.c, &b->res), 1);
	forget_writes();
	fail_disk(b);
	assert_int_equal(ddf_write(b->w, &b->f.c, &b->res), 1);
	for (unsigned i = 0; i < seen.count; i++)
		assert_true(seen.write[i].at >= PRIMARY);
}

/* ---- disks that do not take it ---- */

static void break_disk(const struct bench *b, unsigned n, unsigned from, unsigned to)
{
	seen.broken_fd = fd_of(b, n);
	seen.broken_from = from;
	seen.broken_to = to;
}

static int write_once(struct bench *b, bool retry)
{
	int r;

	forget_writes();
	b->res = (struct sync_result){ .retry = retry };
	r = ddf_write(b->w, &b->f.c, &b->res);
	if (r >= 0)
		ddf_write_rest(b->w, &b->f.c, &b->res);
	return r;
}

static void test_torn_copy_is_left_open(void **state)
{
	struct bench *b = *state;
	struct ddf_header h;

	break_disk(b, 0, SECONDARY + 4, SECONDARY + 5);
	set_dirty(b, true);
	assert_int_equal(write_once(b, false), 1);
	assert_true(header_ok(fd_of(b, 0), SECONDARY, DDF_SECONDARY, &h));
	assert_int_equal(h.open_flag, DDF_OPEN);
	/* The disk has it all the same. */
	assert_string_equal(trace(b, 0), "s0 p0 p4 p0");
	assert_int_equal(b->res.written, DISKS);
	assert_int_equal(b->res.failed, 1);
	assert_int_equal(b->res.reports, 1);
	assert_int_equal(b->res.report[0].error, -EIO);
	assert_int_equal(readers_choice(fd_of(b, 0), &h), PRIMARY);
	assert_disk_complete(b, 1);
}

static void test_failed_copy_is_tried_again_in_time(void **state)
{
	struct bench *b = *state;

	break_disk(b, 0, SECONDARY, SECONDARY + 100);
	set_dirty(b, true);
	write_once(b, false);
	set_dirty(b, false);
	assert_int_equal(write_once(b, false), 1); /* nobody waits for what failed */
	assert_string_equal(trace(b, 0), "p0 p4 p0");
	assert_int_equal(b->res.failed, 0);
	assert_int_equal(write_once(b, true), 0);
	assert_int_equal(b->res.failed, 1);
	assert_int_equal(b->res.reports, 0); /* said once */
	seen.broken_fd = -1;
	write_once(b, true);
	assert_string_equal(trace(b, 0), "s0 s1 s2+2 s4+2 s6+18 s24 s0");
	assert_all_complete(b);
	assert_int_equal(write_once(b, true), 0);
	assert_int_equal(seen.count, 0);
}

static void test_disk_that_takes_nothing_holds_up_nobody(void **state)
{
	struct bench *b = *state;

	break_disk(b, 1, 0, FX_SECTORS);
	fail_disk(b);
	assert_int_equal(write_once(b, false), 1);
	assert_int_equal(b->res.written, DISKS - 1);
	assert_disk_complete(b, 0);
	assert_disk_complete(b, 2);
	/* It has failed: it is not tried again. */
	assert_true(b->f.dl[1].given_up);
	assert_int_equal(write_once(b, true), 0);
	assert_int_equal(b->res.failed, 0);
}

/* A disk that has failed may take long: it comes when the kernel has its answer. */
static void test_failed_disks_come_last(void **state)
{
	struct bench *b = *state;

	fail_disk(b);
	assert_int_equal(ddf_write(b->w, &b->f.c, &b->res), 1);
	assert_string_equal(trace(b, 1), "");
	ddf_write_rest(b->w, &b->f.c, &b->res);
	assert_string_equal(trace(b, 1), "s0 s2 s4 s6+2 s0 p0 p2 p4 p6+2 p0");
	assert_all_complete(b);
}

static void test_only_failed_disks_are_left(void **state)
{
	struct bench *b = *state;

	fail_disk(b);
	fx_fail_disk(&b->f, 0);
	fx_fail_disk(&b->f, 2);
	assert_int_equal(write_once(b, false), 1);
	assert_all_complete(b);
}

static void test_no_disk_takes_it(void **state)
{
	struct bench *b = *state;

	for (unsigned n = 1; n < DISKS; n++)
		fx_unlink(&b->f, n);
	break_disk(b, 0, 0, FX_SECTORS);
	set_dirty(b, true);
	assert_int_equal(write_once(b, false), -EIO);
	assert_int_equal(b->res.written, 0);
	/* The change stays due, though nothing has changed since. */
	assert_int_equal(write_once(b, false), -EIO);
	assert_int_equal(write_once(b, true), -EIO);
	seen.broken_fd = -1;
	assert_int_equal(write_once(b, false), 1);
	assert_int_equal(vd_state_at(b, fd_of(b, 0), SECONDARY), DDF_VD_INCONSISTENT);
	write_once(b, true);
	assert_disk_complete(b, 0);
}

/* ---- power cuts ---- */

#define COPY_SECTORS 25

/* The part of a disk where its metadata are. */
struct picture {
	uint8_t primary[COPY_SECTORS * 512], secondary[COPY_SECTORS * 512], anchor[512];
};

static void take_picture(int fd, struct picture *p)
{
	read_sectors(fd, PRIMARY, COPY_SECTORS, p->primary);
	read_sectors(fd, SECONDARY, COPY_SECTORS, p->secondary);
	read_sectors(fd, FX_SECTORS - 1, 1, p->anchor);
}

static void put_sectors(int fd, uint64_t at, unsigned count, const void *buf)
{
	assert_int_equal(pwrite(fd, buf, count * 512, (off_t)at * 512), (int)(count * 512));
}

static void put_picture(int fd, const struct picture *p)
{
	put_sectors(fd, PRIMARY, COPY_SECTORS, p->primary);
	put_sectors(fd, SECONDARY, COPY_SECTORS, p->secondary);
	put_sectors(fd, FX_SECTORS - 1, 1, p->anchor);
}

/* The first `whole` writes to the disk, and of the next one every other sector. */
static void cut(const struct bench *b, unsigned n, unsigned first, unsigned whole, bool torn)
{
	for (unsigned i = first; i < seen.count; i++) {
		const struct write *w = &seen.write[i];

		if (w->fd != fd_of(b, n))
			continue;
		if (whole) {
			put_sectors(w->fd, w->at, w->count, w->data);
			whole--;
			continue;
		}
		for (unsigned k = 1; torn && k < w->count; k += 2)
			put_sectors(w->fd, w->at + k, 1, w->data + (size_t)k * 512);
		return;
	}
}

static unsigned writes_to(const struct bench *b, unsigned n, unsigned from, unsigned to)
{
	unsigned count = 0;

	for (unsigned i = from; i < to; i++)
		count += seen.write[i].fd == fd_of(b, n);
	return count;
}

/* A reader takes a closed, right copy of the disk: the state of before, or the new one. */
static void assert_readable(const struct bench *b, unsigned n, unsigned before, unsigned after)
{
	struct ddf_header h;
	uint64_t at = readers_choice(fd_of(b, n), &h);
	unsigned vd;

	assert_true(at != 0);
	assert_copy_right(b, fd_of(b, n), at, &h);
	vd = vd_state_at(b, fd_of(b, n), at);
	assert_int_equal(vd, be32_get(h.seq) == b->f.c.seq ? after : before);
}

/* Our own loader finds a container, too, and the newest state that any disk has. */
static void assert_loads(const struct bench *b, unsigned before, unsigned after)
{
	struct ddf_container c = { 0 };
	struct disk *disks[DISKS];
	bool newest = false;
	unsigned vd;

	for (unsigned n = 0; n < DISKS; n++) {
		struct ddf_header h;

		readers_choice(fd_of(b, n), &h);
		newest |= be32_get(h.seq) == b->f.c.seq;
		disks[n] = malloc(sizeof(*disks[n]));
		assert_non_null(disks[n]);
		*disks[n] = b->f.disk[n];
		disks[n]->fd = dup(fd_of(b, n));
	}
	assert_int_equal(ddf_load(&c, disks, DISKS, "md127"), 0);
	for (unsigned n = 0; n < DISKS; n++)
		assert_null(disks[n]);
	vd = ((struct ddf_vd_entry *)(void *)(c.vd + 64))->state;
	assert_int_equal(vd, newest ? after : before);
	ddf_free(&c);
}

/* All moments of one write, from `first` to `last` (of seen.write): the disks are independent of each other. */
static void cut_everywhere(const struct bench *b, const struct picture *base, unsigned first, unsigned last,
			   unsigned before, unsigned after)
{
	unsigned steps[DISKS], at[DISKS] = { 0 };

	for (unsigned n = 0; n < DISKS; n++)
		steps[n] = writes_to(b, n, first, last);
	for (at[0] = 0; at[0] <= steps[0]; at[0]++)
		for (at[1] = 0; at[1] <= steps[1]; at[1]++)
			for (at[2] = 0; at[2] <= steps[2]; at[2] += 2) {
				for (unsigned n = 0; n < DISKS; n++) {
					put_picture(fd_of(b, n), &base[n]);
					cut(b, n, first, at[n], (at[0] + at[1] + n) % 2);
					assert_readable(b, n, before, after);
				}
				assert_loads(b, before, after);
			}
}

static void power_cuts(struct bench *b, void (*change)(struct bench *))
{
	struct picture base[DISKS], middle[DISKS];
	unsigned before = fx_vd(&b->f, 0)->state, after, first_copies;

	for (unsigned n = 0; n < DISKS; n++)
		take_picture(fd_of(b, n), &base[n]);
	change(b);
	after = fx_vd(&b->f, 0)->state;
	assert_int_not_equal(before, after);
	forget_writes();
	b->res = (struct sync_result){ 0 };
	assert_int_equal(ddf_write(b->w, &b->f.c, &b->res), 1);
	first_copies = seen.count;
	for (unsigned n = 0; n < DISKS; n++)
		take_picture(fd_of(b, n), &middle[n]);
	ddf_write_rest(b->w, &b->f.c, &b->res);
	cut_everywhere(b, base, 0, first_copies, before, after);
	/* From here on the kernel has its answer: all disks that work say so, whatever happens. */
	cut_everywhere(b, middle, first_copies, seen.count, before, after);
	for (unsigned n = 0; n < DISKS; n++)
		assert_true(writes_to(b, n, 0, seen.count) > 0);
}

static void make_dirty(struct bench *b)
{
	set_dirty(b, true);
}

static void test_power_cut_while_a_bit_is_written(void **state)
{
	power_cuts(*state, make_dirty);
}

static void test_power_cut_while_a_failure_is_written(void **state)
{
	power_cuts(*state, fail_disk);
}

/* The primary copy of a disk had been lost: it is the secondary one that must survive. */
static void test_power_cut_while_a_copy_is_repaired(void **state)
{
	struct bench *b = *state;
	uint8_t junk[COPY_SECTORS * 512];

	memset(junk, 0x5a, sizeof(junk));
	put_sectors(fd_of(b, 0), PRIMARY, COPY_SECTORS, junk);
	damage(b, 0, DDF_FIRST_COPY);
	put_sectors(fd_of(b, 1), SECONDARY + 4, 1, junk);
	damage(b, 1, DDF_SECOND_COPY);
	power_cuts(b, make_dirty);
}

/* The cut comes after a cut: the copies of a disk are of different age. */
static void test_power_cut_after_an_unfinished_write(void **state)
{
	struct bench *b = *state;

	fx_vd(&b->f, 0)->init_state = 1;
	assert_int_equal(ddf_write(b->w, &b->f.c, &b->res), 1);
	for (unsigned n = 0; n < DISKS; n++)
		damage(b, n, DDF_FIRST_COPY);
	power_cuts(b, make_dirty);
}

#define T(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_new_disks_get_everything_and_the_anchor_last),
		T(test_dirty_writes_three_sectors_for_each_copy),
		T(test_nothing_is_written_for_what_is_on_disk),
		T(test_failure_writes_what_changed),
		T(test_entries_behind_the_first_sector),
		T(test_first_copies_come_first_on_all_disks),
		T(test_timestamp_and_generation_of_headers),
		T(test_each_disk_has_its_own_positions),
		T(test_disk_without_secondary_copy),
		T(test_disks_without_secondary_copy_go_one_by_one),
		T(test_records_follow_the_disks_that_they_name),
		T(test_records_of_others_survive),
		T(test_records_of_nobody_are_dropped),
		T(test_records_that_were_ignored_survive),
		T(test_the_slot_for_spares_is_not_used),
		T(test_the_copy_that_is_not_good_comes_first),
		T(test_the_copy_that_was_used_comes_last),
		T(test_repair_waits_for_a_change),
		T(test_change_after_an_unfinished_one),
		T(test_the_newer_copy_comes_last),
		T(test_torn_copy_is_left_open),
		T(test_failed_copy_is_tried_again_in_time),
		T(test_disk_that_takes_nothing_holds_up_nobody),
		T(test_failed_disks_come_last),
		T(test_only_failed_disks_are_left),
		T(test_no_disk_takes_it),
		T(test_power_cut_while_a_bit_is_written),
		T(test_power_cut_while_a_failure_is_written),
		T(test_power_cut_while_a_copy_is_repaired),
		T(test_power_cut_after_an_unfinished_write),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
