/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ddf/messages.c: messages as mdadm sends them, and as it does not; virtual disks are created and deleted. */
#include "tests/unit/support/ddf-messages.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/support/ddf-captured.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* ---- what comes from outside at all ---- */

static void test_unknown_messages_are_refused(void **state)
{
	static const uint32_t magics[] = { DDF_PD_MAGIC, DDF_SPARE_MAGIC, DDF_VENDOR_MAGIC, DDF_HEADER_MAGIC, 0,
					   0xffffffff };
	struct message m = { .len = 128 };

	(void)state;
	dms_small_container();
	for (unsigned i = 0; i < COUNT(magics); i++) {
		*(be32 *)m.bytes = be32_make(magics[i]);
		dms_assert_refused_early(&m, -EINVAL);
	}
}

static void test_short_messages_are_refused(void **state)
{
	struct message vd = dms_create(1, 1), vdc = dms_config(0, DDF_RAID1, 0, "v3 0,1");

	(void)state;
	dms_small_container();
	for (vd.len = 0; vd.len < 128; vd.len++)
		dms_assert_refused_early(&vd, -EINVAL);
	for (vdc.len = 0; vdc.len < DMS_RECORD; vdc.len++)
		dms_assert_refused_early(&vdc, -EINVAL);
}

static void test_long_messages_are_refused(void **state)
{
	struct message vd = dms_create(1, 1), vdc = dms_config(0, DDF_RAID1, 0, "v3 0,1");

	(void)state;
	dms_small_container();
	vd.len++;
	dms_assert_refused_early(&vd, -EINVAL);
	for (vdc.len = DMS_RECORD + 1; vdc.len <= 3 * DMS_RECORD; vdc.len++)
		dms_assert_refused_early(&vdc, -EINVAL);
}

static void test_manager_allocates_room_for_records_only(void **state)
{
	struct message vd = dms_create(1, 1), vdc = dms_config(1, DDF_RAID1, 0, "v1 0,1 v1 2,3");
	const char *why = NULL;
	void *space = &dfx;
	struct ddf_records *r;

	(void)state;
	dms_small_container();
	assert_int_equal(ddf_prepare_message(&dfx.c.layout, vd.bytes, vd.len, &space, &why), 0);
	assert_null(space);
	assert_int_equal(ddf_prepare_message(&dfx.c.layout, vdc.bytes, vdc.len, &space, &why), 0);
	r = space;
	assert_non_null(r);
	assert_int_equal(r->count, 2);
	assert_int_equal(r->record_bytes, DMS_RECORD);
	for (size_t i = 0; i < sizeof(r->present); i++)
		assert_int_equal(r->present[i], 0);
	for (size_t i = 0; i < 2 * DMS_RECORD; i++)
		assert_int_equal(r->bytes[i], 0);
	free(r);
}

/* ---- a virtual disk is created ---- */

static void test_create_takes_the_entry_that_mdadm_chose(void **state)
{
	struct message m = dms_create(1, 5);

	(void)state;
	dms_small_container();
	dms_assert_applied(&m);
	assert_memory_equal(dfx_vd(&dfx, 5), dms_entry(&m), sizeof(struct ddf_vd_entry));
	assert_int_equal(dms_used(dfx.vd), 2);
	dfx_check_vd(0, "00/02 v3 0,1");
	dfx_check_vd(1, "none");
	dfx_check_pds("0:03/01 1:03/01 2:05/01 3:05/01");
}

static void test_create_takes_another_entry_if_that_is_in_use(void **state)
{
	static const unsigned wanted[] = { 0, FX_VDS, 0xffff };

	(void)state;
	for (unsigned i = 0; i < COUNT(wanted); i++) {
		struct message m = dms_create(1, wanted[i]);

		dms_small_container();
		dms_assert_applied(&m);
		dfx_check_vd(1, "00/00");
		assert_int_equal(dms_used(dfx.vd), 2);
		dfx_free(&dfx);
	}
}

static void test_create_counts_the_entries(void **state)
{
	struct message m = dms_create(1, 9);

	(void)state;
	dms_small_container();
	((struct ddf_table_head *)dfx.vd)->populated = be16_make(11);
	dms_assert_applied(&m);
	assert_int_equal(dms_used(dfx.vd), 2);
}

static void test_create_repeated_changes_nothing(void **state)
{
	struct message m = dms_create(0, 1);

	(void)state;
	dms_small_container();
	dms_assert_refused(&m, -EEXIST);
}

static void test_create_with_a_full_table_is_refused(void **state)
{
	struct message m;

	(void)state;
	dms_small_container();
	for (unsigned n = 1; n < FX_VDS; n++) {
		m = dms_create(n, 0);
		dms_assert_applied(&m);
	}
	assert_int_equal(dms_used(dfx.vd), FX_VDS);
	m = dms_create(99, 1);
	dms_assert_refused(&m, -ENOSPC);
}

static void test_messages_without_guid_are_refused(void **state)
{
	struct message vd = dms_create(1, 1), gone = dms_delete(1), vdc = dms_config(1, DDF_RAID1, 0, "v1 2,3");

	(void)state;
	dms_small_container();
	memset(dms_entry(&vd)->guid, 0xff, DDF_GUID_LEN);
	dms_assert_refused_early(&vd, -EINVAL);
	memset(dms_entry(&gone)->guid, 0xff, DDF_GUID_LEN);
	dms_assert_refused_early(&gone, -EINVAL);
	memset(dms_record(&vdc, 0)->guid, 0xff, DDF_GUID_LEN);
	dms_assert_refused_early(&vdc, -EINVAL);
}

/* ---- a virtual disk is deleted ---- */

/* 15, item 8. */
static void test_delete_leaves_nothing_of_the_entry(void **state)
{
	struct message m = dms_delete(0);

	(void)state;
	dms_small_container();
	dms_assert_applied(&m);
	assert_true(dms_all_ones(dfx_vd(&dfx, 0), 64));
	assert_int_equal(dms_used(dfx.vd), 0);
	assert_null(dfx.volume[0].records);
	dfx_check_pds("0:05/01 1:05/01 2:05/01 3:05/01");
}

static void test_delete_hands_the_records_back(void **state)
{
	struct message m = dms_delete(0);
	const char *why = NULL;
	void *space = NULL, *records;

	(void)state;
	dms_small_container();
	records = dfx.volume[0].records;
	assert_int_equal(ddf_apply_message(&dfx.c, m.bytes, m.len, &space, &why), 0);
	assert_ptr_equal(space, records);
	free(space);
}

static void test_delete_leaves_disks_to_others_that_use_them(void **state)
{
	struct message m = dms_delete(0);

	(void)state;
	dms_small_container();
	dfx_volume(&dfx, 1, DDF_RAID1, 0, "00/02 v3 1@16384,0@16384");
	dms_assert_applied(&m);
	dfx_check_vd(0, "none");
	dfx_check_vd(1, "00/02 v3 1@16384,0@16384");
	assert_int_equal(dms_used(dfx.vd), 1);
	dfx_check_pds("0:03/01 1:03/01 2:05/01 3:05/01");
}

static void test_delete_without_records(void **state)
{
	struct message m = dms_delete(1);

	(void)state;
	dms_small_container();
	dfx_volume(&dfx, 1, 0, 0, "00/00");
	dms_assert_applied(&m);
	dfx_check_vd(1, "none");
	assert_int_equal(dms_used(dfx.vd), 1);
}

static void test_delete_of_what_is_in_use_is_refused(void **state)
{
	struct message m = dms_delete(0);

	(void)state;
	dms_small_container();
	dfx.volume[0].live = true;
	dms_assert_refused(&m, -EBUSY);
}

static void test_delete_of_the_unknown_is_refused(void **state)
{
	struct message m = dms_delete(1);

	(void)state;
	dms_small_container();
	dms_assert_refused(&m, -ENOENT);
}

/* Only that very byte makes it a deletion. */
static void test_other_states_do_not_delete(void **state)
{
	struct message m = dms_delete(0);

	(void)state;
	dms_small_container();
	for (unsigned i = 0; i < 256; i++) {
		dms_entry(&m)->state = (uint8_t)i;
		if (i != DDF_VD_DELETED)
			dms_assert_refused(&m, -EEXIST);
	}
}

static void test_delete_forgets_its_rebuilds_only(void **state)
{
	struct message m = dms_delete(0);

	(void)state;
	dms_small_container();
	dfx_volume(&dfx, 1, DDF_RAID1, 0, "00/02 v3 2,3");
	dms_keep_room(0, 1, 2, 16384, FX_BLOCKS);
	dms_keep_room(1, 1, 0, 16384, FX_BLOCKS);
	dms_assert_applied(&m);
	assert_false(dfx.c.rebuild[0].used);
	assert_true(dfx.c.rebuild[1].used);
}

static void test_delete_forgets_what_was_known_of_its_members(void **state)
{
	struct message gone = dms_delete(0), again = dms_create(0, 0);

	(void)state;
	dms_small_container();
	dfx.volume[0].synced[0] = 3;
	dms_assert_applied(&gone);
	dms_assert_applied(&again);
	assert_int_equal(dfx.volume[0].synced[0], 0);
}

static void test_delete_drops_lost_disks_that_only_it_named(void **state)
{
	struct message m = dms_delete(0);

	(void)state;
	dms_start("0:03/03? 1:03/03 2:03/01 3:03/05");
	dfx_volume(&dfx, 0, DDF_RAID5, 3, "04/02 v3 0,1,2,3");
	dms_assert_applied(&m);
	dfx_check_pds("1:05/0b 2:05/01 3:05/01");
	assert_int_equal(dms_used(dfx.pd), 3);
}

/* ---- as captured (18.8) ---- */

static void captured_container(void)
{
	static const uint32_t refnum[] = { 0xd56d9349, 0x0456ddfc, 0x1f6e75e1, 0x5f7325e9 };

	dfx_init(&dfx);
	dfx_disks(&dfx, "0:05/01 1:05/01 2:05/01 3:05/01");
	dfx.c.layout.mppe = 256;
	dfx.c.layout.record_sectors = 7;
	dfx.c.layout.records = 2;
	for (unsigned i = 0; i < 4; i++) {
		dfx.dl[i].refnum = refnum[i];
		dfx_pd(&dfx, i)->refnum = be32_make(refnum[i]);
	}
}

static void test_captured_create_and_delete(void **state)
{
	struct message vd = { .len = 128 }, vdc = { .len = 7168 }, gone = { .len = 128 };

	(void)state;
	captured_container();
	memset(vd.bytes, 0xff, 128);
	captured_hex(vd.bytes, "dddd dddd aab8 46dd 0000 00ff");
	captured_hex(vd.bytes + 64, CAPTURED_GUID);
	captured_hex(vd.bytes + 88, "007e ffff 107b 0000 0000");
	captured_hex(vd.bytes + 112, "7231 3000 0000 0000 0000 0000 0000 0000");
	captured_record(vdc.bytes, "0002 0701 0002 0003", "d56d 9349 0456 ddfc");
	captured_record(vdc.bytes + 3584, "0002 0701 0002 0103", "1f6e 75e1 5f73 25e9");
	dms_assert_applied(&vd);
	assert_memory_equal(dfx_vd(&dfx, 0), vd.bytes + 64, 64);
	dms_assert_applied(&vdc);
	assert_int_equal(dfx.volume[0].records->count, 2);
	assert_memory_equal(dfx.volume[0].records->bytes, vdc.bytes, vdc.len);
	assert_memory_equal(dfx_vd(&dfx, 0), vd.bytes + 64, 64);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(be16_get(dfx_pd(&dfx, i)->type), 0x03);
		assert_int_equal(be16_get(dfx_pd(&dfx, i)->state), 0x01);
	}

	captured_hex(gone.bytes, "dddd dddd");
	captured_hex(gone.bytes + 64, CAPTURED_GUID);
	captured_hex(gone.bytes + 96, "02");
	dms_assert_applied(&gone);
	assert_true(dms_all_ones(dfx_vd(&dfx, 0), 64));
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(be16_get(dfx_pd(&dfx, i)->type), 0x05);
}

#define T(f) cmocka_unit_test_teardown(f, dms_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_unknown_messages_are_refused),
		T(test_short_messages_are_refused),
		T(test_long_messages_are_refused),
		T(test_manager_allocates_room_for_records_only),
		T(test_create_takes_the_entry_that_mdadm_chose),
		T(test_create_takes_another_entry_if_that_is_in_use),
		T(test_create_counts_the_entries),
		T(test_create_repeated_changes_nothing),
		T(test_create_with_a_full_table_is_refused),
		T(test_messages_without_guid_are_refused),
		T(test_delete_leaves_nothing_of_the_entry),
		T(test_delete_hands_the_records_back),
		T(test_delete_leaves_disks_to_others_that_use_them),
		T(test_delete_without_records),
		T(test_delete_of_what_is_in_use_is_refused),
		T(test_delete_of_the_unknown_is_refused),
		T(test_other_states_do_not_delete),
		T(test_delete_forgets_its_rebuilds_only),
		T(test_delete_forgets_what_was_known_of_its_members),
		T(test_delete_drops_lost_disks_that_only_it_named),
		T(test_captured_create_and_delete),
	};

	return cmocka_run_group_tests_name("ddf/messages", tests, NULL, NULL);
}
