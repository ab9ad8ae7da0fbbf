/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ddf/messages.c: the records of virtual disks, new ones and others for those that are known. */
#include "tests/unit/support/ddf-messages.h"

#include <errno.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct dfx_snapshot before;

/* ---- a new virtual disk gets its records ---- */

/* The entry was there when the daemon started, and no record of it was found. */
static void entry_without_records(unsigned n)
{
	dms_send_create(n);
	dfx.c.volume[n].announced = false;
}

/* mdadm gives up when the second half fails: what the first one made must not stay. */
static void test_creation_that_is_refused_leaves_nothing(void **state)
{
	struct message m = dms_config(1, DDF_RAID1, 0, "v3 2,0");
	const char *why;

	(void)state;
	dms_small_container();
	dfx_save(&dfx, &before);
	dms_send_create(1);
	assert_int_equal(dms_send(&m, &why), -ENOSPC);
	assert_string_equal(why, "config: disk disk0 (00000100) has something else at this place");
	dfx_assert_unchanged(&dfx, &before);
	m = dms_config(1, DDF_RAID1, 0, "v3 2,3");
	dms_assert_refused(&m, -ENOENT);
	dms_send_create(1);
	dms_assert_applied(&m);
	m = dms_config(1, DDF_RAID1, 0, "v3 2,0"); /* it has its records: what comes now is another matter */
	dms_assert_refused(&m, -EBUSY);
}

static void test_new_records_are_kept_as_they_are(void **state)
{
	struct message m = dms_config(1, DDF_RAID1, 0, "v3 2,3@77");

	(void)state;
	dms_small_container();
	dms_send_create(1);
	memset(dms_record(&m, 0)->reserved3, 0x77, 64);
	dms_assert_applied(&m);
	assert_non_null(dfx.volume[1].records);
	assert_memory_equal(dfx_record(&dfx, 1, 0), m.bytes, DMS_RECORD);
	dfx_check_vd(1, "00/00 v3 2,3@77");
	dfx_check_vd(0, "00/02 v3 0,1");
	dfx_check_pds("0:03/01 1:03/01 2:03/01 3:03/01");
}

static void test_new_records_come_in_any_order(void **state)
{
	struct message m = dms_config(1, DDF_RAID1, 0, "v3 2,3 v4 0@16384,1@16384");
	uint8_t first[DMS_RECORD];

	(void)state;
	dms_small_container();
	dms_send_create(1);
	memcpy(first, m.bytes, DMS_RECORD);
	memcpy(m.bytes, m.bytes + DMS_RECORD, DMS_RECORD);
	memcpy(m.bytes + DMS_RECORD, first, DMS_RECORD);
	dms_assert_applied(&m);
	dfx_check_vd(1, "00/00 v3 2,3 v4 0@16384,1@16384");
}

/* 15, item 9. */
static void test_members_of_a_new_degraded_virtual_disk_are_not_rebuilding(void **state)
{
	static const struct {
		const char *records, *pds, *vd;
	} rows[] = {
		{ "v2 2,-", "0:03/01 1:03/01 2:03/01 3:05/01", "01/00 v2 2,-" },
		{ "v2 -,3", "0:03/01 1:03/01 2:05/01 3:03/01", "01/00 v2 -,3" },
		{ "v2 2,_", "0:03/01 1:03/01 2:03/01 3:05/01", "01/00 v2 2,_" },
	};

	(void)state;
	for (unsigned i = 0; i < COUNT(rows); i++) {
		struct message m = dms_config(1, DDF_RAID1, 0, rows[i].records);

		dms_small_container();
		dms_send_create(1);
		dms_assert_applied(&m);
		dfx_check_pds(rows[i].pds);
		dfx_check_vd(1, rows[i].vd);
		dfx_free(&dfx);
	}
}

/* mdadm does not learn that it was too late; md is told when the array is opened. */
static void test_new_virtual_disk_on_a_disk_that_has_just_failed(void **state)
{
	struct message m = dms_config(1, DDF_RAID1, 0, "v3 2,3");

	(void)state;
	dms_start("0:03/01 1:03/01 2:05/01 3:05/03");
	dfx_volume(&dfx, 0, DDF_RAID1, 0, "00/02 v3 0,1");
	dms_send_create(1);
	dms_assert_applied(&m);
	dfx_check_vd(1, "01/00 v3 2,3");
	dfx_check_pds("0:03/01 1:03/01 2:03/01 3:03/03");
}

/*
 * "Rebuilding" would be true for the new one, too: readers would leave the disk out of it. The rebuild goes on, and no
 * record tells of it any more.
 */
static void test_new_virtual_disk_on_a_disk_that_is_rebuilt(void **state)
{
	struct message m = dms_config(1, DDF_RAID1, 0, "v3 1@16384,2");
	struct md_member rebuilt = { .dev = dfx_dev(1), .slot = 1, .state = MEMBER_IN_SYNC };

	(void)state;
	dms_start("0:03/01 1:03/05 2:05/01");
	dfx_volume(&dfx, 0, DDF_RAID1, 0, "01/02 v3 0,1");
	dfx.volume[0].live = true;
	dms_send_create(1);
	dms_assert_applied(&m);
	dfx_check_pds("0:03/01 1:03/01 2:03/01");
	dfx_check_vd(0, "01/02 v4 0,_");
	dfx_check_vd(1, "00/00 v3 1@16384,2");
	assert_true(ddf_rebuilds_disk(&dfx.c, dfx_ref(1)));
	assert_false(ddf_is_free(&dfx.c, dfx_ref(1), 0, 1)); /* its room is kept */
	ddf_set_disk(&dfx.c, 0, 1, &rebuilt);
	dfx_check_vd(0, "00/02 v5 0,1");
	dfx_check_pds("0:03/01 1:03/01 2:03/01");
}

/* It does not run: its rebuild begins anew whenever it does. A RAID0 cannot be rebuilt. */
static void test_new_virtual_disk_on_a_disk_whose_rebuild_was_interrupted(void **state)
{
	struct message m = dms_config(2, DDF_RAID1, 0, "v3 1@32768,2");

	(void)state;
	dms_start("0:03/01 1:03/05 2:05/01");
	dfx_volume(&dfx, 0, DDF_RAID1, 0, "01/02 v3 0,1");
	dfx_volume(&dfx, 1, DDF_RAID0, 0, "04/02 v3 0@16384,1@16384");
	dms_send_create(2);
	dms_assert_applied(&m);
	dfx_check_pds("0:03/01 1:03/01 2:03/01");
	dfx_check_vd(0, "01/02 v4 0,_");
	dfx_check_vd(1, "00/02 v3 0@16384,1@16384");
	assert_false(ddf_rebuilds_disk(&dfx.c, dfx_ref(1)));
}

/* The power failed when the mark was on the disks, and the record was not. */
static void test_new_virtual_disk_on_a_disk_whose_rebuild_no_record_has(void **state)
{
	struct message m = dms_config(1, DDF_RAID1, 0, "v3 1,2");

	(void)state;
	dms_start("0:03/01 1:05/05 2:05/01");
	dfx_volume(&dfx, 0, DDF_RAID1, 0, "01/02 v3 0,_");
	dms_send_create(1);
	dms_assert_applied(&m);
	dfx_check_pds("0:03/01 1:03/01 2:03/01");
	dfx_check_vd(1, "00/00 v3 1,2");
}

static void test_records_without_entry_are_refused(void **state)
{
	struct message m = dms_config(1, DDF_RAID1, 0, "v3 2,3");

	(void)state;
	dms_small_container();
	dms_assert_refused(&m, -ENOENT);
}

static void test_new_records_that_cannot_be_are_refused(void **state)
{
	static const struct {
		const char *records;
		int err;
	} rows[] = {
		{ "v3 2,9", -EINVAL },        /* not in the container */
		{ "v3 2,0", -ENOSPC },        /* where another one is */
		{ "v3 2,0@16383", -ENOSPC },
		{ "v3 2,3@49153", -ENOSPC },  /* beyond what arrays may use */
		{ "v3 2,3@16384", -ENOSPC },  /* room that is kept for a rebuild */
		{ "v3 2,3@49151", -ENOSPC },
		{ "v3 2,3 v3 0@16384,1", -ENOSPC },
	};
	struct message m;

	(void)state;
	dms_small_container();
	entry_without_records(1);
	dms_keep_room(0, 1, 3, 32767, 1);
	dms_keep_room(0, 1, 3, 65534, 1);
	for (unsigned i = 0; i < COUNT(rows); i++) {
		m = dms_config(1, DDF_RAID1, 0, rows[i].records);
		dms_assert_refused(&m, rows[i].err);
	}
	m = dms_config(1, DDF_RAID1, 0, "v3 2@49152,3@16383");
	dms_assert_applied(&m);
}

static void fill_record_slots(unsigned n)
{
	for (unsigned i = 0; i + 1 < FX_RECORDS; i++)
		memcpy(dfx.config[n] + i * DMS_RECORD, "\x88\x88\x88\x88", 4);
}

/* 15, item 17. */
static void test_new_records_without_room_on_a_disk_are_refused(void **state)
{
	struct message m = dms_config(1, DDF_RAID1, 0, "v3 2,3");

	(void)state;
	dms_small_container();
	entry_without_records(1);
	fill_record_slots(3);
	dms_assert_refused(&m, -ENOSPC);
}

/* ---- what contradicts itself (15, item 18) ---- */

static void set_byte(struct message *m, unsigned record, size_t at, uint8_t value)
{
	m->bytes[record * DMS_RECORD + at] = value;
}

static void test_contradictions_are_refused(void **state)
{
	static const struct {
		unsigned record;
		size_t at;
		uint8_t value;
	} rows[] = {
		{ 1, 0, 0x88 },  /* another kind of record */
		{ 1, 8, 'X' },   /* of another virtual disk */
		{ 0, 65, 0 },    /* no disks */
		{ 0, 65, 17 },   /* more than there is room for */
		{ 1, 65, 1 },    /* another number of disks */
		{ 1, 66, 8 },    /* another strip */
		{ 0, 66, 23 },   /* an impossible one */
		{ 1, 67, 5 },    /* another level */
		{ 1, 68, 1 },
		{ 0, 69, 0 },    /* no records at all */
		{ 0, 69, 1 },
		{ 1, 69, 3 },
		{ 1, 70, 0 },    /* the same number */
		{ 1, 70, 2 },    /* none that counts */
		{ 1, 71, 0 },
		{ 1, 79, 1 },    /* another number of blocks */
		{ 1, 87, 1 },    /* another size */
		{ 0, 512 + 7, 0 },  /* disk 0 instead of 1: twice */
		{ 1, 512 + 3, 1 },  /* disk 1 in both records */
		{ 1, 512 + 15, 9 }, /* a disk that is not counted; see below */
	};
	struct message m;

	(void)state;
	dms_start("0:05/01 1:05/01 2:05/01 3:05/01");
	dms_send_create(1);
	for (unsigned i = 0; i < COUNT(rows); i++) {
		const char *why;
		void *space;

		m = dms_config(1, DDF_RAID1, 0, "v3 0,1 v3 2,3");
		set_byte(&m, rows[i].record, rows[i].at, rows[i].value);
		assert_true(ddf_prepare_message(&dfx.c.layout, m.bytes, m.len, &space, &why) < 0);
		dms_assert_refused(&m, ddf_prepare_message(&dfx.c.layout, m.bytes, m.len, &space, &why));
	}
	m = dms_config(1, DDF_RAID1, 0, "v3 0,1 v3 2,3");
	for (unsigned i = 0; i < 2; i++)
		dms_record(&m, i)->block_count = be64_make(0);
	dms_assert_refused_early(&m, -EINVAL);
	m = dms_config(1, DDF_RAID1, 0, "v3 0,1 v3 2,3");
	ddf_set_element_ref(dms_record(&m, 1), FX_MPPE - 1, DDF_REF_MISSING);
	dms_assert_applied(&m);
}

/* ---- other disks for a virtual disk that is known ---- */

/* T3, samples C. */
static void test_spare_by_message(void **state)
{
	struct message m = dms_config(0, DDF_RAID1, 0, "v3 0,2");

	(void)state;
	dms_start("0:03/01 1:03/03 2:05/01");
	dfx_volume(&dfx, 0, DDF_RAID1, 0, "01/02 v4 0,1");
	dfx.volume[0].live = true;
	dms_assert_applied(&m);
	dfx_check_pds("0:03/01 1:05/0b 2:03/05");
	dfx_check_vd(0, "01/02 v5 0,2");
	assert_int_equal(be32_get(dfx_record(&dfx, 0, 0)->timestamp), FX_NOW);
}

/* T1, when disk 3 was added. */
static void test_spare_by_message_lets_lost_disks_go(void **state)
{
	struct message m = dms_config(1, DDF_RAID5, 3, "v5 0,3,2");

	(void)state;
	dms_start("0:03/01 1:03/43? 2:03/01 3:05/01");
	dfx_volume(&dfx, 0, DDF_RAID1, 0, "00/02 v5 0@16384,2@16384");
	dfx_volume(&dfx, 1, DDF_RAID5, 3, "01/02 v5 0,1,2");
	dms_assert_applied(&m);
	dfx_check_pds("0:03/01 2:03/01 3:03/05");
	assert_int_equal(dms_used(dfx.pd), 3);
	dfx_check_vd(1, "01/02 v6 0,3,2");
	dfx_check_vd(0, "00/02 v5 0@16384,2@16384");
}

static void test_lost_disk_stays_while_somebody_names_it(void **state)
{
	struct message m = dms_config(1, DDF_RAID5, 3, "v5 0,3,2");

	(void)state;
	dms_start("0:03/01 1:03/43? 2:03/01 3:05/01");
	dfx_volume(&dfx, 0, DDF_RAID1, 0, "01/02 v4 0@16384,1@16384");
	dfx_volume(&dfx, 1, DDF_RAID5, 3, "01/02 v5 0,1,2");
	dms_assert_applied(&m);
	dfx_check_pds("0:03/01 1:03/43? 2:03/01 3:03/05");
}

/* 15, item 13. */
static void test_only_records_that_change_are_stamped(void **state)
{
	struct message m = dms_config(0, DDF_RAID1, 0, "v1 0,1 v1 2,4");
	uint32_t timestamp;

	(void)state;
	dms_start("0:03/01 1:03/01 2:03/01 3:03/03 4:05/01");
	dfx_volume(&dfx, 0, DDF_RAID1, 0, "01/02 v7 0,1 v8 2,3");
	timestamp = be32_get(dfx_record(&dfx, 0, 0)->timestamp);
	dms_assert_applied(&m);
	dfx_check_vd(0, "01/02 v7 0,1 v9 2,4");
	assert_int_equal(be32_get(dfx_record(&dfx, 0, 0)->timestamp), timestamp);
	assert_int_equal(be32_get(dfx_record(&dfx, 0, 1)->timestamp), FX_NOW);
}

static void test_the_same_records_again_change_nothing(void **state)
{
	struct message m = dms_config(0, DDF_RAID1, 0, "v9 0,1");

	(void)state;
	dms_small_container();
	dfx_save(&dfx, &before);
	dms_assert_applied(&m);
	dfx_assert_unchanged(&dfx, &before);
}

static void test_only_members_and_their_places_are_taken(void **state)
{
	struct message m = dms_config(0, DDF_RAID1, 0, "v9 0,2@5");
	uint8_t head[512];

	(void)state;
	dms_start("0:03/01 1:03/03 2:05/01");
	dfx_volume(&dfx, 0, DDF_RAID1, 0, "01/02 v4 0,1");
	memset(dfx_record(&dfx, 0, 0)->reserved3, 0x44, 100);
	memset((uint8_t *)dfx_record(&dfx, 0, 0) + 512 + 12 * FX_MPPE, 0x45, DMS_RECORD - 512 - 12 * FX_MPPE);
	memcpy(head, dfx_record(&dfx, 0, 0), 512);
	memset(dms_record(&m, 0)->cache_policy, 9, 8);
	dms_assert_applied(&m);
	dfx_check_vd(0, "01/02 v5 0,2@5");
	assert_memory_equal(head, dfx_record(&dfx, 0, 0), 32);
	assert_memory_equal(head + 40, (uint8_t *)dfx_record(&dfx, 0, 0) + 40, 512 - 40);
	assert_int_equal(((uint8_t *)dfx_record(&dfx, 0, 0))[DMS_RECORD - 1], 0x45);
}

/* 15, item 4. */
static void test_records_are_matched_by_their_number(void **state)
{
	struct message m = dms_config(0, DDF_RAID1, 0, "v1 0,4 v1 2,3");
	uint8_t first[DMS_RECORD];

	(void)state;
	dms_start("0:03/01 1:03/03 2:03/01 3:03/01 4:05/01");
	dfx_volume(&dfx, 0, DDF_RAID1, 0, "01/02 v7 0,1 v8 2,3");
	memcpy(first, m.bytes, DMS_RECORD);
	memcpy(m.bytes, m.bytes + DMS_RECORD, DMS_RECORD);
	memcpy(m.bytes + DMS_RECORD, first, DMS_RECORD);
	dms_assert_applied(&m);
	dfx_check_vd(0, "01/02 v8 0,4 v8 2,3");
}

static void test_records_that_are_not_known_stay_so(void **state)
{
	struct message m = dms_config(0, DDF_RAID1, 0, "v1 0,4 v1 9,3");

	(void)state;
	dms_start("0:03/01 1:03/03 2:03/01 3:03/01 4:05/01");
	dfx_volume(&dfx, 0, DDF_RAID1, 0, "04/02 v7 0,1 ?");
	dms_assert_applied(&m);
	dfx_check_vd(0, "04/02 v8 0,4 ?");
}

/* 15, item 33. */
static void test_another_number_of_members_is_refused(void **state)
{
	struct message m;

	(void)state;
	dms_small_container();
	m = dms_config(0, DDF_RAID1, 0, "v9 0,1 v9 2,3");
	dms_assert_refused(&m, -EINVAL);
	m = dms_config(0, DDF_RAID1, 0, "v9 0,1,2");
	dms_assert_refused(&m, -EINVAL);
	m = dms_config(0, DDF_RAID1, 0, "v9 0");
	dms_assert_refused(&m, -EINVAL);
	dfx_volume(&dfx, 1, DDF_RAID1, 0, "00/02 v3 0@16384,1@16384 v3 2,3");
	m = dms_config(1, DDF_RAID1, 0, "v3 0@16384,1@16384");
	dms_assert_refused(&m, -EINVAL);
}

static void test_new_members_that_cannot_be_are_refused(void **state)
{
	static const struct {
		const char *records;
		int err;
	} rows[] = {
		{ "v3 0,9", -EINVAL },       /* not in the container */
		{ "v3 0,3", -EINVAL },       /* failed */
		{ "v3 0,4", -EINVAL },       /* missing */
		{ "v3 0,5", -EINVAL },       /* offline */
		{ "v3 0,8", -EINVAL },       /* not there, though nobody says so */
		{ "v3 0,6", -EBUSY },        /* somebody else's (15, item 6) */
		{ "v3 0,6@16384", -EBUSY },
		{ "v3 0,7@100", -EBUSY },    /* being rebuilt for somebody already, wherever */
		{ "v3 0,7@32768", -EBUSY },
		{ "v3 1,0", -EINVAL },       /* places change */
		{ "v3 0@1,1", -EINVAL },
		{ "v3 0,1@1", -EINVAL },
	};
	struct message m;

	(void)state;
	dms_start("0:03/01 1:03/01 2:03/01 3:05/03 4:05/41 5:05/00 6:03/01 7:05/01 8:05/01?");
	dfx_volume(&dfx, 0, DDF_RAID1, 0, "00/02 v3 0,1");
	dfx_volume(&dfx, 1, DDF_RAID1, 0, "00/02 v3 2,6");
	dms_keep_room(1, 1, 7, 16384, 100);
	for (unsigned i = 0; i < COUNT(rows); i++) {
		m = dms_config(0, DDF_RAID1, 0, rows[i].records);
		dms_assert_refused(&m, rows[i].err);
	}
	dfx.c.rebuild[0].used = false;
	m = dms_config(0, DDF_RAID1, 0, "v3 0,7@49153"); /* beyond its end */
	dms_assert_refused(&m, -ENOSPC);
	m = dms_config(0, DDF_RAID1, 0, "v3 0,7");
	fill_record_slots(7);
	dms_assert_refused(&m, -ENOSPC);
	memset(dfx.config[7], 0xff, DMS_RECORD);
	dms_assert_applied(&m);
}

static void test_monitor_believes_nothing_either(void **state)
{
	struct message m = dms_delete(0);
	const char *why = NULL;
	void *space = NULL;

	(void)state;
	dms_small_container();
	dfx_save(&dfx, &before);
	assert_int_equal(ddf_apply_message(&dfx.c, m.bytes, m.len - 1, &space, &why), -EINVAL);
	assert_non_null(why);
	dfx_assert_unchanged(&dfx, &before);
}

/* Only places are taken from the message: how much room there must be is said by what is known. */
static void test_room_for_a_new_member_is_that_of_the_virtual_disk(void **state)
{
	struct message m = dms_config(0, DDF_RAID1, 0, "v3 0,2");

	(void)state;
	dms_start("0:03/01 1:03/03 2:05/01");
	dfx_volume(&dfx, 0, DDF_RAID1, 0, "01/02 v3 0,1");
	dfx_pd_of(&dfx, 2)->configured_size = be64_make(FX_BLOCKS - 1);
	dms_record(&m, 0)->block_count = be64_make(1);
	dms_assert_refused(&m, -ENOSPC);
}

/* One record would do, the other not: nothing is done. */
static void test_half_of_a_message_is_not_applied(void **state)
{
	struct message m = dms_config(0, DDF_RAID1, 0, "v1 0,4 v1 2,9");

	(void)state;
	dms_start("0:03/01 1:03/03 2:03/01 3:03/03 4:05/01");
	dfx_volume(&dfx, 0, DDF_RAID1, 0, "01/02 v7 0,1 v8 2,3");
	dms_assert_refused(&m, -EINVAL);
}

static void test_new_member_is_not_in_sync(void **state)
{
	struct message m = dms_config(0, DDF_RAID1, 0, "v1 0,1 v1 2,4");

	(void)state;
	dms_start("0:03/01 1:03/01 2:03/01 3:03/03 4:05/01");
	dfx_volume(&dfx, 0, DDF_RAID1, 0, "01/02 v7 0,1 v8 2,3");
	dfx.volume[0].synced[0] = 0xf;
	dms_assert_applied(&m);
	assert_int_equal(dfx.volume[0].synced[0], 0x7);
	dfx_check_pds("0:03/01 1:03/01 2:03/01 3:05/0b 4:03/05");
}

static void test_member_can_be_taken_away(void **state)
{
	struct message m = dms_config(0, DDF_RAID1, 0, "v1 0,_");

	(void)state;
	dms_small_container();
	dms_assert_applied(&m);
	dfx_check_vd(0, "01/02 v4 0,_");
	dfx_check_pds("0:03/01 1:05/01 2:05/01 3:05/01");
}

/* What was known of the slots would count for other disks. */
static void test_slots_do_not_shift_when_a_member_is_taken_away(void **state)
{
	struct message m = dms_config(0, DDF_RAID1, 0, "v1 -,1");

	(void)state;
	dms_small_container();
	assert_int_equal(ddf_slot_of(&dfx.c, 0, dfx_ref(1)), 1);
	dms_assert_applied(&m);
	dfx_check_vd(0, "01/02 v4 _,1");
	assert_int_equal(ddf_slot_of(&dfx.c, 0, dfx_ref(1)), 1);
}

#define T(f) cmocka_unit_test_teardown(f, dms_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_new_records_are_kept_as_they_are),
		T(test_new_records_come_in_any_order),
		T(test_members_of_a_new_degraded_virtual_disk_are_not_rebuilding),
		T(test_new_virtual_disk_on_a_disk_that_has_just_failed),
		T(test_new_virtual_disk_on_a_disk_that_is_rebuilt),
		T(test_new_virtual_disk_on_a_disk_whose_rebuild_was_interrupted),
		T(test_new_virtual_disk_on_a_disk_whose_rebuild_no_record_has),
		T(test_records_without_entry_are_refused),
		T(test_creation_that_is_refused_leaves_nothing),
		T(test_new_records_that_cannot_be_are_refused),
		T(test_new_records_without_room_on_a_disk_are_refused),
		T(test_contradictions_are_refused),
		T(test_spare_by_message),
		T(test_spare_by_message_lets_lost_disks_go),
		T(test_lost_disk_stays_while_somebody_names_it),
		T(test_only_records_that_change_are_stamped),
		T(test_the_same_records_again_change_nothing),
		T(test_only_members_and_their_places_are_taken),
		T(test_records_are_matched_by_their_number),
		T(test_records_that_are_not_known_stay_so),
		T(test_another_number_of_members_is_refused),
		T(test_new_members_that_cannot_be_are_refused),
		T(test_monitor_believes_nothing_either),
		T(test_room_for_a_new_member_is_that_of_the_virtual_disk),
		T(test_half_of_a_message_is_not_applied),
		T(test_new_member_is_not_in_sync),
		T(test_member_can_be_taken_away),
		T(test_slots_do_not_shift_when_a_member_is_taken_away),
	};

	return cmocka_run_group_tests_name("ddf/messages-config", tests, NULL, NULL);
}
