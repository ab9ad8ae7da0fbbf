/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ddf/load.c: which disks belong to the container, and what they make of it (ddf.md 2.2 and 2.3). */
#include "tests/unit/support/ddf-loading.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* ---- disks that are left alone ---- */

static void test_other_container(void **state)
{
	struct rig *r = *state;

	dld_add_all(r, "B");
	dld_add(r, "A", 2);
	r->all[5]->dev = makedev(9, 9);
	dld_load_without(r, 5, "it belongs to another container");
	for (size_t n = 0; n < 5; n++)
		dld_assert_good(r, n, true, true);
}

static void test_other_shape(void **state)
{
	struct rig *r = *state;

	dld_add_all(r, "A");
	dld_poke_header(r, 1, BOTH, FIELD(ddf_header, max_partitions), 63);
	dld_poke_anchor(r, 1, FIELD(ddf_header, max_partitions), 63, true);
	dld_load_without(r, 1, "its tables have other sizes than those of the other disks");
}

static void test_disk_that_the_table_does_not_list(void **state)
{
	struct rig *r = *state;

	for (int i = 0; i < 3; i++) {
		dld_add_all(r, "A");
		if (i == 0) /* the table has forgotten it */
			for (size_t n = 0; n < 3; n++)
				dld_poke_pd(r, n, BOTH, 1, FIELD(ddf_pd_entry, refnum), DDF_REF_NONE);
		else if (i == 1)
			dld_poke(r, 1, BOTH, DATA_AT, 1, FIELD(ddf_disk_data, refnum), 0x11111111, true);
		else
			dld_poke(r, 1, BOTH, DATA_AT, 1, offsetof(struct ddf_disk_data, guid), 4, 0x11111111, true);
		dld_load_without(r, 1, "it is not in the container's table of disks");
		dld_clear(r);
	}
}

static void test_special_reference_numbers(void **state)
{
	struct rig *r = *state;

	dld_add_all(r, "A");
	for (size_t n = 0; n < 3; n++)
		dld_poke_pd(r, n, BOTH, 1, FIELD(ddf_pd_entry, refnum), DDF_REF_MISSING);
	dld_poke(r, 1, BOTH, DATA_AT, 1, FIELD(ddf_disk_data, refnum), DDF_REF_MISSING, true);
	dld_load_without(r, 1, "it is not in the container's table of disks");
	dld_assert_logged(r, "md127: physical disk 1 has no valid reference number");
}

static void test_same_disk_twice(void **state)
{
	struct rig *r = *state;

	dld_add_all(r, "A");
	dld_add(r, "A", 1);
	r->all[3]->dev = makedev(9, 9);
	dld_load_without(r, 3, "another disk has the same reference number");
	dld_assert_good(r, 1, true, true);
}

/* Of two disks with one number it is the newer one that belongs here, in whatever order they come. */
static void test_stale_twin(void **state)
{
	struct rig *r = *state;

	dld_add(r, "A", 1);
	dld_set_seq(r, 0, BOTH, 7);
	r->all[0]->dev = makedev(9, 9);
	dld_add_all(r, "A");
	dld_load_without(r, 0, "another disk has the same reference number");
	assert_int_equal(r->c.seq, 8);
}

static void test_disk_that_cannot_be_read(void **state)
{
	struct rig *r = *state;

	dld_add_all(r, "A");
	dld_bad_disk = r->all[0];
	dld_load_without(r, 0, "its last sector cannot be read");
	dld_assert_good(r, 1, true, true);
}

static void test_other_sector_size(void **state)
{
	struct rig *r = *state;

	dld_add_all(r, "A");
	r->all[2]->sector_size = 4096;
	dld_load_without(r, 2, "its sectors are not of 512 bytes, and DDF can use no others");
}

static void test_disk_that_is_too_small(void **state)
{
	struct rig *r = *state;

	for (uint64_t size = 0; size < 1024; size += 511) {
		dld_add_all(r, "A");
		r->all[2]->size = size;
		dld_load_without(r, 2, "it is too small for metadata");
		dld_clear(r);
	}
}

static void test_no_disks(void **state)
{
	struct rig *r = *state;

	assert_int_equal(dld_load(r), -ENODEV);
	assert_string_equal(r->log.text,
			    "mdmon: Cannot load metadata for md127: no disk has DDF metadata that can be used\n");
	r->disk[0] = r->all[0] = ddf_blank_disk(0, SAMPLE_SECTORS);
	r->count = 1;
	assert_int_equal(dld_load(r), -ENODEV);
	dld_assert_logged(r, "disk sda is not used: no DDF signature near its end\n");
	assert_non_null(r->disk[0]);
	assert_null(r->c.disks);
}

/* ---- disks that disagree ---- */

static void check_newest_disk(struct rig *r, uint32_t others, uint32_t seq)
{
	for (size_t newest = 0; newest < 3; newest++) {
		dld_add_all(r, "A");
		for (size_t n = 0; n < 3; n++) {
			dld_mark(r, n, BOTH, (unsigned)n);
			dld_set_seq(r, n, BOTH, n == newest ? seq : others);
		}
		dld_load_silently(r);
		assert_int_equal(dld_mark_found(r), newest);
		assert_int_equal(r->c.seq, seq);
		assert_int_equal(be32_get(r->c.header.seq), seq);
		for (size_t n = 0; n < 3; n++)
			dld_assert_good(r, n, n == newest, n == newest);
		dld_clear(r);
	}
}

static void test_newest_disk_decides(void **state)
{
	check_newest_disk(*state, 8, 9);
	check_newest_disk(*state, 8, 0x7fffffff);
}

/* mdadm compares generations of disks as signed numbers: we must not work on another configuration than it shows. */
static void test_generations_of_disks_are_signed(void **state)
{
	check_newest_disk(*state, 0x80000000, 0x7fffffff);
	check_newest_disk(*state, 0xffffffff, 8);
	check_newest_disk(*state, 0xffffffff, 0);
	check_newest_disk(*state, 0x80000000, 0x80000001);
	check_newest_disk(*state, 0xfffffffe, 0xffffffff);
}

static void test_open_copies_at_the_ends_of_the_numbers(void **state)
{
	static const struct { uint32_t open, closed; bool newer; } t[] = {
		{ 0, 0xffffffff, false }, { 1, 0xffffffff, true }, { 0xffffffff, 0, false },
	};
	struct rig *r = *state;

	for (size_t i = 0; i < COUNT(t); i++) {
		dld_add_all(r, "A");
		for (size_t n = 0; n < 3; n++) {
			dld_mark(r, n, BOTH, (unsigned)n);
			dld_set_seq(r, n, BOTH, n == 1 ? t[i].open : t[i].closed);
		}
		dld_set_open(r, 1, BOTH);
		assert_int_equal(dld_load(r), 0);
		assert_int_equal(dld_mark_found(r) == 1, t[i].newer);
		dld_clear(r);
	}
}

static void test_open_copy_counts_one_less(void **state)
{
	struct rig *r = *state;

	dld_add_all(r, "A");
	for (size_t n = 0; n < 3; n++)
		dld_mark(r, n, BOTH, (unsigned)n);
	dld_set_seq(r, 0, BOTH, 9);
	dld_set_open(r, 0, BOTH);
	assert_int_equal(dld_load(r), 0);
	assert_int_equal(dld_mark_found(r), 1);
	assert_int_equal(r->c.seq, 9);
	dld_clear(r);
	dld_add_all(r, "A");
	for (size_t n = 0; n < 3; n++)
		dld_mark(r, n, BOTH, (unsigned)n);
	dld_set_seq(r, 2, BOTH, 10);
	dld_set_open(r, 2, BOTH);
	assert_int_equal(dld_load(r), 0);
	assert_int_equal(dld_mark_found(r), 2);
}

/* A crash while the disks were written one after the other. */
static void test_disks_of_two_generations(void **state)
{
	struct rig *r = *state;

	dld_add_all(r, "A");
	for (size_t n = 0; n < 2; n++) {
		dld_mark(r, n, PRIMARY_BIT, 5);
		dld_set_seq(r, n, PRIMARY_BIT, 9);
	}
	dld_set_open(r, 1, PRIMARY_BIT);
	assert_int_equal(dld_load(r), 0);
	assert_int_equal(dld_mark_found(r), 5);
	assert_int_equal(r->c.seq, 9);
	dld_assert_good(r, 0, true, false);
	dld_assert_good(r, 1, false, false);
	dld_assert_good(r, 2, false, false);
}

static void test_equally_new_but_damaged(void **state)
{
	struct rig *r = *state;

	dld_add_all(r, "A");
	for (size_t n = 0; n < 3; n++)
		dld_mark(r, n, BOTH, (unsigned)n + 1);
	dld_corrupt(r, 0, BOTH, PD_AT + 5);
	assert_int_equal(dld_load(r), 0);
	assert_int_equal(dld_mark_found(r), 2);
	dld_assert_logged(r, "disk sda: the primary copy of the metadata is damaged, but used: the table of physical");
	dld_assert_logged(r, "disk sda: the secondary copy of the metadata is damaged: the table of physical");
	dld_assert_good(r, 0, false, false);
}

/* Firmware that leaves wrong checksums everywhere: mdadm starts such containers. */
static void test_wrong_checksums_everywhere(void **state)
{
	struct rig *r = *state;

	dld_add_all(r, "A");
	for (size_t n = 0; n < 3; n++) {
		dld_poke(r, n, BOTH, CONTROLLER_AT, 1, 4, 4, 1, false);
		dld_poke(r, n, BOTH, PD_AT, 1, 4, 4, 1, false);
		dld_poke(r, n, BOTH, VD_AT, 1, 4, 4, 1, false);
		dld_poke(r, n, BOTH, DATA_AT, 1, 4, 4, 1, false);
	}
	assert_int_equal(dld_load(r), 0);
	for (size_t n = 0; n < 3; n++)
		dld_assert_good(r, n, false, false);
	assert_non_null(ddf_any_record(&r->c, 0));
	assert_int_equal(r->c.seq, 8);
}

/* ---- the tables ---- */

static void test_table_with_doubles(void **state)
{
	struct rig *r = *state;

	dld_add_all(r, "A");
	for (size_t n = 0; n < 3; n++) {
		dld_poke_pd(r, n, BOTH, 7, FIELD(ddf_pd_entry, refnum), 0x5a0418cb);
		dld_poke_pd(r, n, BOTH, 7, offsetof(struct ddf_pd_entry, guid), 4, 0);
	}
	assert_int_equal(dld_load(r), 0);
	assert_string_equal(r->log.text, "mdmon: md127: physical disk 7 is ignored: it is the same as 1\n");
	assert_ptr_equal(ddf_pd_by_ref(&r->c, 0x5a0418cb), ddf_pd(&r->c, 1));
	assert_non_null(dld_dl_of(r, 1));
}

static void test_virtual_disk_twice(void **state)
{
	static uint8_t vd[32 * DDF_SECTOR];
	struct rig *r = *state;

	dld_add_all(r, "A");
	for (size_t n = 0; n < 3; n++) {
		ddf_read_sectors(r->all[n], SAMPLE_PRIMARY + VD_AT, vd, 32);
		memcpy(vd + 64 + 64 * 9, vd + 64, 64);
		ddf_seal(vd, sizeof(vd));
		ddf_write_sectors(r->all[n], SAMPLE_PRIMARY + VD_AT, vd, 32);
		ddf_write_sectors(r->all[n], SAMPLE_SECONDARY + VD_AT, vd, 32);
	}
	assert_int_equal(dld_load(r), 0);
	assert_string_equal(r->log.text, "mdmon: md127: virtual disk 9 is ignored: it is the same as 0\n");
	assert_non_null(r->c.volume[0].records);
	assert_null(r->c.volume[9].records);
}

/* What the tables say of their sizes themselves, and what of it counts: they may be shorter than the header says. */
static const struct {
	unsigned pd, vd, max_pd, max_vd;
} table_sizes[] = {
	{ 15, 4, 15, 4 },
	{ 1024, 256, 1023, 255 },
	{ 0xffff, 0xffff, 1023, 255 },
	{ 0, 0, 1023, 255 }, /* not said */
};

static void test_tables_that_tell_their_sizes(void **state)
{
	struct rig *r = *state;

	for (size_t i = 0; i < COUNT(table_sizes); i++) {
		dld_add_all(r, "A");
		for (size_t n = 0; n < 3; n++) {
			dld_poke(r, n, BOTH, PD_AT, 128, FIELD(ddf_table_head, max), table_sizes[i].pd, true);
			dld_poke(r, n, BOTH, VD_AT, 32, FIELD(ddf_table_head, max), table_sizes[i].vd, true);
		}
		dld_load_silently(r);
		assert_int_equal(r->c.layout.max_pd, table_sizes[i].max_pd);
		assert_int_equal(r->c.layout.max_vd, table_sizes[i].max_vd);
		dld_clear(r);
	}
}

/* ---- configuration records ---- */

static void test_newest_record_counts(void **state)
{
	struct rig *r = *state;

	for (size_t newest = 0; newest < 3; newest++) {
		dld_add_all(r, "A");
		for (size_t n = 0; n < 3; n++)
			dld_poke_record(r, n, 0, offsetof(struct ddf_vdc, bg_rate), 1, n);
		dld_poke_record(r, newest, 0, FIELD(ddf_vdc, seq), 0x80000000);
		dld_load_silently(r);
		assert_int_equal(ddf_any_record(&r->c, 0)->bg_rate, newest);
		dld_clear(r);
	}
}

/* Of equally new records, that of the newest disk. */
static void test_record_of_the_newest_disk(void **state)
{
	struct rig *r = *state;

	for (size_t newest = 0; newest < 3; newest++) {
		dld_add_all(r, "A");
		for (size_t n = 0; n < 3; n++)
			dld_poke_record(r, n, 0, offsetof(struct ddf_vdc, bg_rate), 1, n);
		dld_set_seq(r, newest, BOTH, 9);
		dld_load_silently(r);
		assert_int_equal(ddf_any_record(&r->c, 0)->bg_rate, newest);
		dld_clear(r);
	}
}

static const struct {
	size_t offset, width;
	uint64_t value;
	bool seal;
	const char *why; /* NULL: nothing is said */
} record_faults[] = {
	{ FIELD(ddf_vdc, crc), 0, false, "its checksum is wrong" },
	{ FIELD(ddf_vdc, primary_count), 0, true, "its number of disks is out of range" },
	{ FIELD(ddf_vdc, secondary_count), 0, true, "its number of basic virtual disks is out of range" },
	{ FIELD(ddf_vdc, secondary_seq), 1, true, "its place among the basic virtual disks is out of range" },
	{ FIELD(ddf_vdc, strip_exponent), 40, true, "its strip size is out of range" },
	{ FIELD(ddf_vdc, secondary_count), 2, true, "it contradicts the record of a newer disk" },
	{ FIELD(ddf_vdc, primary_count), 4, true, "it contradicts the record of a newer disk" },
	{ FIELD(ddf_vdc, prl), DDF_RAID6, true, "it contradicts the record of a newer disk" },
	{ FIELD(ddf_vdc, srl), DDF_2SPANNED, true, "it contradicts the record of a newer disk" },
	{ offsetof(struct ddf_vdc, guid), 4, 0, true, NULL }, /* of a virtual disk that was deleted */
	{ FIELD(ddf_vdc, magic), DDF_VENDOR_MAGIC, false, NULL },
};

/* Disk 1 has a record that is bad, though it says that it is the newest. */
static void test_records_that_are_ignored(void **state)
{
	struct rig *r = *state;
	char line[256];

	for (size_t i = 0; i < COUNT(record_faults); i++) {
		dld_add_all(r, "A");
		dld_poke_record(r, 1, 0, FIELD(ddf_vdc, seq), 99);
		dld_poke(r, 1, BOTH, RECORD_AT(0), 7, record_faults[i].offset, record_faults[i].width,
		     record_faults[i].value, record_faults[i].seal);
		assert_int_equal(dld_load(r), 0);
		snprintf(line, sizeof(line), "mdmon: md127: disk sdb: configuration record 0 is ignored: %s\n",
			 record_faults[i].why);
		if (record_faults[i].why)
			dld_assert_logged(r, line);
		else
			assert_string_equal(r->log.text, "");
		assert_int_equal(be32_get(ddf_any_record(&r->c, 0)->seq), 4);
		assert_int_equal(r->c.volume[0].records->count, 1);
		dld_assert_bytes(r, 1, RECORD_AT(0), 455, dld_dl_of(r, 1)->config);
		dld_clear(r);
	}
}

static void test_room_that_is_not_there(void **state)
{
	struct rig *r = *state;

	dld_add_all(r, "A");
	for (size_t n = 0; n < 3; n++)
		dld_poke_pd(r, n, BOTH, 0, FIELD(ddf_pd_entry, configured_size), 32768);
	dld_load_silently(r);
	dld_clear(r);
	dld_add_all(r, "A");
	for (size_t n = 0; n < 3; n++)
		dld_poke_pd(r, n, BOTH, 0, FIELD(ddf_pd_entry, configured_size), 32767);
	assert_int_equal(dld_load(r), 0);
	assert_string_equal(r->log.text, "mdmon: md127: disk sda: virtual disk 0 reaches beyond the room for data\n");
	dld_clear(r);
	/* The RAID1 on disks 1 and 3, behind the RAID10: one sector further forward on disk 3. */
	dld_add_all(r, "B");
	for (size_t n = 1; n <= 3; n += 2)
		dld_poke_record(r, n, 0, 512 + 4 * 256 + 8, 8, 16383);
	assert_int_equal(dld_load(r), 0);
	assert_string_equal(r->log.text, "mdmon: md127: disk sdd: virtual disks 0 and 1 overlap\n");
}

/* A disk that is full of virtual disks, each of which says that it has 255 parts. */
static void test_records_do_not_use_up_the_memory(void **state)
{
	static uint8_t vd[32 * DDF_SECTOR], config[455 * DDF_SECTOR];
	static const uint64_t lba[] = { SAMPLE_PRIMARY, SAMPLE_SECONDARY };
	struct rig *r = *state;
	size_t bytes = 0, known = 0;

	dld_add(r, "A", 0);
	ddf_read_sectors(r->all[0], SAMPLE_PRIMARY + VD_AT, vd, 32);
	ddf_read_sectors(r->all[0], SAMPLE_PRIMARY + RECORD_AT(0), config, 455);
	for (unsigned i = 0; i < 65; i++) {
		uint8_t *entry = vd + 64 + 64 * i, *record = config + 3584 * i;
		struct ddf_vdc *v = (struct ddf_vdc *)(void *)record;

		if (i) {
			memcpy(record, config, 3584);
			memcpy(entry, vd + 64, 64);
		}
		v->primary_count = be16_make(1);
		v->secondary_count = 255;
		entry[20] = v->guid[20] = (uint8_t)i;
		ddf_seal(record, 3584);
	}
	ddf_seal(vd, sizeof(vd));
	for (int copy = 0; copy < 2; copy++) {
		ddf_write_sectors(r->all[0], lba[copy] + VD_AT, vd, 32);
		ddf_write_sectors(r->all[0], lba[copy] + RECORD_AT(0), config, 455);
	}
	assert_int_equal(dld_load(r), 0);
	dld_assert_logged(r, "is ignored: there are too many virtual disks\n");
	for (unsigned i = 0; i < 65; i++)
		if (r->c.volume[i].records) {
			bytes += r->c.volume[i].records->count * r->c.volume[i].records->record_bytes;
			known++;
		}
	assert_true(known > 30 && bytes < 34u << 20);
}

/* ---- a disk that is new ---- */

static void test_new_disk(void **state)
{
	struct rig *r = *state;
	struct ddf_dl *dl;

	dld_add_all(r, "A");
	dld_load_silently(r);
	dl = ddf_dl_new(r->all[0], &r->c.layout);
	assert_non_null(dl);
	assert_ptr_equal(dl->disk, r->all[0]);
	assert_int_equal(dl->dev, r->all[0]->dev);
	assert_false(dl->copy[DDF_FIRST_COPY].exists || dl->copy[DDF_SECOND_COPY].good || dl->anchor_due);
	for (size_t i = 0; i < 455 * DDF_SECTOR; i++)
		assert_int_equal(dl->config[i], 0xff);
	for (size_t i = 0; i < DDF_SECTOR; i++)
		assert_int_equal(dl->disk_data[i], 0xff);
	free(dl);
}

/* ---- a disk that comes ---- */

static struct ddf_arrival *arrival(struct rig *r, int *err)
{
	struct ddf_arrival *a;

	begin_capture(&r->log, stderr);
	a = ddf_read_arrival(r->all[1], &r->c.layout, false, "md127", err);
	end_capture(&r->log, stderr);
	return a;
}

/* It may be a member: it is no new disk as long as nobody knows. */
static void test_disk_that_comes_and_cannot_be_read(void **state)
{
	struct rig *r = *state;
	struct ddf_arrival *a;
	int err;

	dld_add_all(r, "A");
	dld_load_silently(r);
	dld_bad_disk = r->all[1];
	assert_null(arrival(r, &err));
	assert_int_equal(err, -EIO);
	dld_assert_logged(r, r->all[1]->name);
	dld_assert_logged(r, "is not used: its last sector cannot be read");
	dld_bad_sector = SAMPLE_PRIMARY;
	a = arrival(r, &err); /* there is the other copy */
	assert_non_null(a);
	free(a);
	dld_corrupt(r, 1, SECONDARY_BIT, 0);
	assert_null(arrival(r, &err));
	assert_int_equal(err, -EIO);
	dld_assert_logged(r, "is not used: no copy of its metadata can be used");
	dld_bad_disk = NULL;
	a = arrival(r, &err);
	assert_non_null(a);
	assert_int_equal(err, 0);
	free(a);
	/* What can be read, and is nothing, is a new disk. */
	dld_corrupt(r, 1, BOTH, 0);
	assert_null(arrival(r, &err));
	assert_int_equal(err, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, dld_setup, dld_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_other_container),
		TEST(test_other_shape),
		TEST(test_disk_that_the_table_does_not_list),
		TEST(test_special_reference_numbers),
		TEST(test_same_disk_twice),
		TEST(test_stale_twin),
		TEST(test_disk_that_cannot_be_read),
		TEST(test_other_sector_size),
		TEST(test_disk_that_is_too_small),
		TEST(test_no_disks),
		TEST(test_newest_disk_decides),
		TEST(test_generations_of_disks_are_signed),
		TEST(test_open_copies_at_the_ends_of_the_numbers),
		TEST(test_open_copy_counts_one_less),
		TEST(test_disks_of_two_generations),
		TEST(test_equally_new_but_damaged),
		TEST(test_wrong_checksums_everywhere),
		TEST(test_table_with_doubles),
		TEST(test_virtual_disk_twice),
		TEST(test_tables_that_tell_their_sizes),
		TEST(test_newest_record_counts),
		TEST(test_record_of_the_newest_disk),
		TEST(test_records_that_are_ignored),
		TEST(test_room_that_is_not_there),
		TEST(test_records_do_not_use_up_the_memory),
		TEST(test_new_disk),
		TEST(test_disk_that_comes_and_cannot_be_read),
	};

	return cmocka_run_group_tests_name("ddf-load", tests, NULL, NULL);
}
