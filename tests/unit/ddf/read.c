/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ddf/read.c: copies of the metadata on a disk, right and wrong (ddf.md 2.1). */
#include "tests/unit/support/ddf-loading.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* ---- the copies of a disk ---- */

enum damage { WHOLE, OPENED, WRONG_TABLE, WRONG_HEADER };

static void damage(const struct rig *r, unsigned copy, enum damage what)
{
	switch (what) {
	case WHOLE:
		break;
	case OPENED:
		dld_set_open(r, 0, copy);
		break;
	case WRONG_TABLE:
		dld_corrupt(r, 0, copy, VD_AT);
		break;
	case WRONG_HEADER:
		dld_corrupt(r, 0, copy, 0);
		break;
	}
}

/* One disk: generation and condition of both copies, and which one must be used. */
static const struct {
	uint32_t first_seq;
	enum damage first;
	uint32_t second_seq;
	enum damage second;
	unsigned used; /* 0: none */
} copy_cases[] = {
	{ 8, WHOLE, 8, WHOLE, PRIMARY_BIT },
	{ 9, WHOLE, 8, WHOLE, PRIMARY_BIT },
	{ 8, WHOLE, 9, WHOLE, SECONDARY_BIT },
	{ 0x7fffffff, WHOLE, 0x80000000, WHOLE, SECONDARY_BIT },
	{ 0xffffffff, WHOLE, 0, WHOLE, PRIMARY_BIT },
	/* a write was interrupted: mdadm would use the torn primary */
	{ 9, OPENED, 8, WHOLE, SECONDARY_BIT },
	{ 8, WHOLE, 9, OPENED, PRIMARY_BIT },
	{ 9, OPENED, 9, WHOLE, SECONDARY_BIT },
	{ 9, WRONG_TABLE, 8, WHOLE, SECONDARY_BIT },
	{ 8, WHOLE, 9, WRONG_TABLE, PRIMARY_BIT },
	{ 9, WRONG_HEADER, 8, WHOLE, SECONDARY_BIT },
	{ 8, WHOLE, 9, WRONG_HEADER, PRIMARY_BIT },
	/* none is right: as mdadm does */
	{ 8, WRONG_TABLE, 8, WRONG_TABLE, PRIMARY_BIT },
	{ 8, WRONG_TABLE, 9, WRONG_TABLE, SECONDARY_BIT },
	{ 9, WRONG_TABLE, 8, WRONG_TABLE, PRIMARY_BIT },
	{ 8, OPENED, 8, WRONG_TABLE, SECONDARY_BIT },
	{ 9, OPENED, 8, WRONG_TABLE, PRIMARY_BIT },
	{ 8, OPENED, 9, OPENED, PRIMARY_BIT },
	{ 8, WRONG_TABLE, 9, OPENED, PRIMARY_BIT },
	{ 8, WRONG_HEADER, 9, OPENED, SECONDARY_BIT },
	{ 9, OPENED, 8, WRONG_HEADER, PRIMARY_BIT },
	{ 8, WRONG_HEADER, 9, WRONG_TABLE, SECONDARY_BIT },
	{ 8, WRONG_HEADER, 8, WRONG_HEADER, 0 },
};

static void check_choice(struct rig *r, size_t i)
{
	const bool first_right = copy_cases[i].first == WHOLE, second_right = copy_cases[i].second == WHOLE;
	const unsigned used = copy_cases[i].used;
	uint32_t seq = used == PRIMARY_BIT ? copy_cases[i].first_seq : copy_cases[i].second_seq;

	assert_int_equal(dld_mark_found(r), used);
	dld_assert_good(r, 0, used == PRIMARY_BIT && first_right && r->c.seq == seq,
		    used == SECONDARY_BIT && second_right && r->c.seq == seq);
	assert_int_equal(be32_get(r->c.header.seq), seq);
	assert_int_equal(!!strstr(r->log.text, "disk sda: the primary copy of the metadata is damaged"), !first_right);
	assert_int_equal(!!strstr(r->log.text, "disk sda: the secondary copy of the metadata is damaged"),
			 !second_right);
}

static void test_choice_of_the_copy(void **state)
{
	struct rig *r = *state;

	for (size_t i = 0; i < COUNT(copy_cases); i++) {
		dld_add(r, "A", 0);
		dld_mark(r, 0, PRIMARY_BIT, PRIMARY_BIT);
		dld_mark(r, 0, SECONDARY_BIT, SECONDARY_BIT);
		dld_set_seq(r, 0, PRIMARY_BIT, copy_cases[i].first_seq);
		dld_set_seq(r, 0, SECONDARY_BIT, copy_cases[i].second_seq);
		damage(r, PRIMARY_BIT, copy_cases[i].first);
		damage(r, SECONDARY_BIT, copy_cases[i].second);
		if (copy_cases[i].used) {
			assert_int_equal(dld_load(r), 0);
			check_choice(r, i);
		} else {
			assert_int_equal(dld_load(r), -ENODEV);
			dld_assert_logged(r, "disk sda is not used: no copy of its metadata can be used\n");
			dld_assert_logged(r, "Cannot load metadata for md127: ");
			assert_non_null(r->disk[0]);
		}
		dld_clear(r);
	}
}

/* The generation that mdadm could take for finished is not given again; a torn one may be. */
static void test_generation_on_the_disks(void **state)
{
	struct rig *r = *state;

	dld_add(r, "A", 0);
	dld_set_seq(r, 0, PRIMARY_BIT, 9);
	dld_set_open(r, 0, PRIMARY_BIT);
	assert_int_equal(dld_load(r), 0);
	assert_int_equal(r->c.seq, 8);
	dld_assert_good(r, 0, false, true);
	dld_clear(r);
	dld_add(r, "A", 0);
	dld_set_seq(r, 0, PRIMARY_BIT, 9);
	dld_corrupt(r, 0, PRIMARY_BIT, VD_AT);
	assert_int_equal(dld_load(r), 0);
	assert_int_equal(r->c.seq, 9);
	dld_assert_good(r, 0, false, false);
}

/* What is wrong with the primary copy while the secondary is right, one thing at a time. */
static const struct {
	unsigned at, sectors;
	size_t offset, width;
	uint64_t value;
	bool seal;
	const char *why;
} copy_faults[] = {
	{ 0, 1, FIELD(ddf_header, magic), 0, true, "no DDF signature" },
	{ 0, 1, FIELD(ddf_header, crc), 0, false, "the header has a wrong checksum" },
	{ 0, 1, offsetof(struct ddf_header, revision) + 1, 1, '3', true, "the revision of the format is not known" },
	{ 0, 1, FIELD(ddf_header, type), DDF_SECONDARY, true, "the header is of another type" },
	{ 0, 1, offsetof(struct ddf_header, guid) + 20, 4, 1, true,
	  "the header does not match the one at the end of the disk" },
	{ 0, 1, FIELD(ddf_header, primary_lba), 5, true, "the header does not match the one at the end of the disk" },
	{ 0, 1, FIELD(ddf_header, reserved2), 5, true, "the header does not match the one at the end of the disk" },
	{ 0, 1, FIELD(ddf_header, record_len), 0, true, "the length of configuration records is out of range" },
	{ 0, 1, FIELD(ddf_header, open_flag), 1, true, "it was not written completely" },
	{ 0, 1, FIELD(ddf_header, open_flag), 15, true, "it was not written completely" },
	{ CONTROLLER_AT, 1, 0, 4, 0, true, "the controller data are not there" },
	{ CONTROLLER_AT, 1, 64, 4, 0, false, "the controller data have a wrong checksum" },
	{ PD_AT, 128, FIELD(ddf_table_head, magic), DDF_VD_MAGIC, true, "the table of physical disks is not there" },
	{ PD_AT, 128, FIELD(ddf_table_head, crc), 0, false, "the table of physical disks has a wrong checksum" },
	{ PD_AT, 128, 65535, 1, 0, false, "the table of physical disks has a wrong checksum" },
	{ VD_AT, 32, FIELD(ddf_table_head, magic), DDF_PD_MAGIC, true, "the table of virtual disks is not there" },
	{ VD_AT, 32, 16383, 1, 0, false, "the table of virtual disks has a wrong checksum" },
	{ RECORD_AT(0), 7, FIELD(ddf_vdc, crc), 0, false, "a configuration record has a wrong checksum" },
	{ RECORD_AT(0), 7, 3583, 1, 7, false, "a configuration record has a wrong checksum" },
	{ RECORD_AT(1), 7, 0, 4, DDF_VDC_MAGIC, false, "a configuration record has a wrong checksum" },
	{ RECORD_AT(64), 7, 0, 4, DDF_SPARE_MAGIC, false, "a configuration record has a wrong checksum" },
	{ DATA_AT, 1, FIELD(ddf_disk_data, magic), 0, true, "the data of the disk are not there" },
	{ DATA_AT, 1, 511, 1, 0, false, "the data of the disk have a wrong checksum" },
};

static void test_faults_of_a_copy(void **state)
{
	struct rig *r = *state;
	char line[256];

	for (size_t i = 0; i < COUNT(copy_faults); i++) {
		dld_add_all(r, "A");
		dld_poke(r, 1, PRIMARY_BIT, copy_faults[i].at, copy_faults[i].sectors, copy_faults[i].offset,
		     copy_faults[i].width, copy_faults[i].value, copy_faults[i].seal);
		assert_int_equal(dld_load(r), 0);
		snprintf(line, sizeof(line), "mdmon: md127: disk sdb: the primary copy of the metadata is damaged: %s\n",
			 copy_faults[i].why);
		assert_string_equal(r->log.text, line);
		dld_assert_good(r, 0, true, true);
		dld_assert_good(r, 1, false, true);
		assert_true(dld_dl_of(r, 1)->copy[DDF_FIRST_COPY].exists);
		assert_int_equal(r->c.seq, 8);
		dld_clear(r);
	}
}

/* Things that are not ours to judge. */
static void test_not_a_fault(void **state)
{
	struct rig *r = *state;

	dld_add_all(r, "A");
	dld_poke(r, 0, BOTH, RECORD_AT(3), 1, 0, 4, DDF_VENDOR_MAGIC, false);
	dld_poke(r, 0, BOTH, RECORD_AT(5), 1, 0, 4, 0, false);
	dld_poke(r, 0, BOTH, RECORD_AT(6), 1, 0, 4, 0x12345678, false);
	dld_load_silently(r);
	dld_assert_good(r, 0, true, true);
	dld_assert_bytes(r, 0, RECORD_AT(0), 455, dld_dl_of(r, 0)->config);
}

static void test_copy_that_cannot_be_read(void **state)
{
	static const unsigned sector[] = { 0, 1, 50, 150, 500, 617 };
	struct rig *r = *state;

	for (size_t i = 0; i < COUNT(sector); i++) {
		dld_add_all(r, "A");
		dld_bad_disk = r->all[2];
		dld_bad_sector = SAMPLE_PRIMARY + sector[i];
		assert_int_equal(dld_load(r), 0);
		dld_assert_logged(r, "disk sdc: the primary copy of the metadata is damaged: it");
		dld_assert_logged(r, "cannot be read");
		dld_assert_good(r, 2, false, true);
		dld_clear(r);
	}
}

/* The copies are right in themselves, but not alike: the second is brought up to date. */
static void test_copies_that_differ(void **state)
{
	struct rig *r = *state;

	for (int i = 0; i < 5; i++) {
		dld_add_all(r, "A");
		switch (i) {
		case 0:
			dld_mark(r, 0, SECONDARY_BIT, 1);
			break;
		case 1:
			dld_poke(r, 0, SECONDARY_BIT, VD_AT, 32, 16000, 1, 0, true);
			break;
		case 2:
			dld_poke(r, 0, SECONDARY_BIT, RECORD_AT(9), 7, 0, 4, DDF_VENDOR_MAGIC, true);
			break;
		case 3:
			dld_poke(r, 0, SECONDARY_BIT, DATA_AT, 1, 300, 1, 0, true);
			break;
		default:
			dld_poke_header(r, 0, SECONDARY_BIT, FIELD(ddf_header, workspace_len), 5);
		}
		dld_load_silently(r);
		dld_assert_good(r, 0, true, false);
		dld_assert_good(r, 1, true, true);
		dld_clear(r);
	}
}

static void no_secondary(const struct rig *r, size_t n)
{
	dld_poke_header(r, n, PRIMARY_BIT, FIELD(ddf_header, secondary_lba), DDF_NO_LBA);
	dld_poke_anchor(r, n, FIELD(ddf_header, secondary_lba), DDF_NO_LBA, true);
}

static void test_one_copy_only(void **state)
{
	struct rig *r = *state;

	dld_add_all(r, "A");
	no_secondary(r, 0);
	dld_load_silently(r);
	assert_true(dld_dl_of(r, 0)->copy[DDF_FIRST_COPY].exists);
	assert_false(dld_dl_of(r, 0)->copy[DDF_SECOND_COPY].exists);
	dld_assert_good(r, 0, true, false);
	dld_clear(r);
	dld_add_all(r, "A");
	no_secondary(r, 0);
	dld_corrupt(r, 0, PRIMARY_BIT, 0);
	dld_load_without(r, 0, "no copy of its metadata can be used");
}

/* ---- the anchor ---- */

static void test_anchor_that_differs(void **state)
{
	struct rig *r = *state;

	dld_add_all(r, "A");
	dld_poke_anchor(r, 0, FIELD(ddf_header, type), DDF_PRIMARY, true);
	dld_poke_anchor(r, 1, FIELD(ddf_header, workspace_len), 5, true);
	dld_load_silently(r);
	assert_true(dld_dl_of(r, 0)->anchor_due);
	assert_true(dld_dl_of(r, 1)->anchor_due);
	assert_false(dld_dl_of(r, 2)->anchor_due);
}

/* mdadm makes a disk blank by clearing its anchor: the copies that are left must not be found. */
static void test_no_anchor(void **state)
{
	struct rig *r = *state;

	dld_add_all(r, "A");
	dld_poke_anchor(r, 1, FIELD(ddf_header, magic), 0, true);
	dld_load_without(r, 1, "no DDF signature");
	dld_clear(r);
	dld_add_all(r, "A");
	dld_poke_anchor(r, 1, FIELD(ddf_header, crc), 0, false);
	dld_load_without(r, 1, "the header has a wrong checksum");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, dld_setup, dld_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_choice_of_the_copy),
		TEST(test_generation_on_the_disks),
		TEST(test_faults_of_a_copy),
		TEST(test_not_a_fault),
		TEST(test_copy_that_cannot_be_read),
		TEST(test_copies_that_differ),
		TEST(test_one_copy_only),
		TEST(test_anchor_that_differs),
		TEST(test_no_anchor),
	};

	return cmocka_run_group_tests_name("ddf-read", tests, NULL, NULL);
}
