/* SPDX-License-Identifier: GPL-2.0-or-later */
/* imsm/transitions.c: what events and messages have in common. */
#include "tests/unit/support/imsm-events.h"
#include "tests/unit/support/imsm-shape.h"

#include <stdio.h>

static void test_migrate(void **state)
{
	struct imsm_volume *v = &ifx.c.meta.volume[0];

	(void)state;
	ev_container(5, "D 0,1x!,2 f1");
	imsm_volume_set_unit(v, 77);
	imsm_migrate(v, IMSM_NORMAL, IMSM_MIGR_REPAIR);
	assert_string_equal(ifx_text(&ifx, 0), "N<REPAIR<D 0,1x!,2/0,1x!,2 f1 u0");
	assert_int_equal(v->head.migr_type, IMSM_MIGR_VERIFY);
	ev_container(5, "D 0,1x!,2 f1");
	imsm_migrate(v, IMSM_DEGRADED, IMSM_MIGR_GENERAL);
	assert_string_equal(ifx_text(&ifx, 0), "D<GEN<D 0,1x!,2/0,1x!,2 f1 u0");
}

static void test_end_migration(void **state)
{
	static const struct {
		const char *before;
		enum imsm_map_state to;
		const char *after;
	} rows[] = {
		{ "N<REPAIR<N 0,1,2/0,1,2 u5", IMSM_NORMAL, "N 0,1,2" },
		{ "N<REPAIR<N 0,1x!,2/0,1x!,2 u5", IMSM_DEGRADED, "D 0,1x!,2" },
		/* flags of what was not finished are inherited, and decide */
		{ "N<REBUILD<D 0,1,2x!/0,1!,2x! u5", IMSM_DEGRADED, "F 0,1!,2x!" },
		{ "D<REBUILD<D 0,1,2/0,1!,2 u5", IMSM_DEGRADED, "D 0,1!,2" },
		{ "N<REBUILD<D 0,3,2/0,1,2 u5", IMSM_DEGRADED, "D 0,3!,2" },
		/* the slot is another one in map 0 */
		{ "N<REBUILD<D 1,0,2/0,1!,2 u5", IMSM_DEGRADED, "D 1!,0,2" },
		/* whoever recorded them: for an uninitialised map, for a reshape that Debian's daemon began degraded */
		{ "D<INIT<U 0,1,2/0!,1,2 u5", IMSM_DEGRADED, "D 0!,1,2" },
		{ "N<GEN<D 0,1,2,3/0,1!,2 u5", IMSM_NORMAL, "D 0,1!,2,3" },
		{ "N 0,1,2", IMSM_FAILED, "F 0,1,2" },
		/* nothing to inherit: as the caller says */
		{ "N<REPAIR<N 0,1x!,2/0,1x!,2 u5", IMSM_FAILED, "F 0,1x!,2" },
		{ "N<REBUILD<D 0,1x!,2/0,1x!,2 u5", IMSM_FAILED, "F 0,1x!,2" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ev_container(5, rows[i].before);
		imsm_end_migration(&ifx.c, &ifx.c.meta.volume[0], rows[i].to);
		assert_string_equal(ifx_text(&ifx, 0), rows[i].after);
		assert_int_equal(ifx.c.meta.volume[0].head.migr_type, 0);
		assert_int_equal(le32_get(ifx.c.meta.volume[0].head.status), 0);
		assert_int_equal(imsm_volume_unit(&ifx.c.meta.volume[0]), 0);
	}
}

static void test_delete_disk(void **state)
{
	struct imsm_meta *meta = &ifx.c.meta;

	(void)state;
	ev_container(1, "N<REBUILD<D 0,3/0,3! f1 u0");
	ifx_volume(&ifx, 5, "D 3,4,2! f2");
	ifx_fail_disk(&ifx, 1);
	meta->num_bad = 3;
	meta->bad[0] = (struct imsm_bad_range){ 10, 8, 1 };
	meta->bad[1] = (struct imsm_bad_range){ 20, 8, 4 };
	meta->bad[2] = (struct imsm_bad_range){ 30, 8, 0 };
	imsm_delete_disk(&ifx.c, 1);
	assert_string_equal(ifx_text(&ifx, 0), "N<REBUILD<D 0,2/0,2! f1 u0");
	assert_string_equal(ifx_text(&ifx, 1), "D 2,3,1! f2");
	assert_int_equal(meta->num_disks, EV_DISKS - 1);
	assert_true(ifx_table_serial_is(&ifx, 1, "DISK2"));
	assert_true(ifx_table_serial_is(&ifx, 4, "DISK5"));
	assert_int_equal(ifx.dl[0].index, 0);
	assert_int_equal(ifx.dl[1].index, IMSM_INDEX_UNRELATED);
	assert_int_equal(ifx.dl[5].index, 4);
	assert_int_equal(meta->num_bad, 2);
	assert_int_equal(meta->bad[0].disk, 3);
	assert_int_equal(meta->bad[1].disk, 0);
	assert_true(ifx.c.write_due);
	ifx_assert_writable(&ifx);
	/* A good disk becomes a spare. */
	ifx.c.meta.disk[4].scsi_id = le32_make(0x1234);
	imsm_delete_disk(&ifx.c, 4);
	assert_int_equal(le32_get(ifx.dl[5].record.scsi_id), 0x1234);
	assert_int_equal(ifx.dl[5].index, IMSM_INDEX_SPARE);
	assert_int_equal(le32_get(ifx.dl[5].record.status), IMSM_DISK_SPARE);
	assert_true(ifx.dl[5].spare_record_due);
	/* No such entry. */
	imsm_delete_disk(&ifx.c, 4);
	assert_int_equal(meta->num_disks, 4);
}

static void test_enlist_returning_disk(void **state)
{
	struct imsm_dl *back;

	(void)state;
	ev_container(5, "N 0,1?,2");
	back = ifx_spare(&ifx);
	memcpy(back->serial, "DISK1", 6);
	back->spare_record_due = true;
	ifx.c.write_due = false;
	imsm_enlist_disk(&ifx.c, back);
	assert_true(ifx.c.write_due);
	assert_false(back->spare_record_due);
	assert_int_equal(back->index, EV_DISKS);
	assert_true(ifx_table_serial_is(&ifx, EV_DISKS, "DISK1"));
	assert_true(ifx_table_serial_is(&ifx, 1, "DISK1:0"));
	assert_string_equal(ifx_text(&ifx, 0), "D 0,1x?!,2 f1");
	ifx_assert_writable(&ifx);
}

/* ... also when no volume has it. */
static void test_enlist_returning_disk_of_no_volume(void **state)
{
	struct imsm_dl *back;

	(void)state;
	ev_container(5, "N 0,1,2");
	ifx_unlink(&ifx, 4);
	back = ifx_spare(&ifx);
	memcpy(back->serial, "DISK4", 6);
	imsm_enlist_disk(&ifx.c, back);
	assert_true(ifx_table_serial_is(&ifx, 4, "DISK4:0"));
	ifx_assert_writable(&ifx);
}

/* ... also when it was recorded as missing: it has an entry of its own now, and can fail for good. */
static void test_enlist_missing_disk(void **state)
{
	struct imsm_dl *back;

	(void)state;
	ev_container(5, "N 0,1?,2");
	imsm_mark_missing(&ifx.c, &ifx.c.meta.volume[0], 1);
	back = ifx_spare(&ifx);
	memcpy(back->serial, "DISK1", 6);
	assert_int_equal(imsm_missing_entry_of(&ifx.c, back->serial), 1);
	imsm_enlist_disk(&ifx.c, back);
	assert_int_equal(imsm_missing_entry_of(&ifx.c, back->serial), -1);
	assert_int_not_equal(le32_get(ifx.c.meta.disk[1].scsi_id), IMSM_SCSI_ID_MISSING);
	ifx_assert_writable(&ifx);
}

static void test_update_state(void **state)
{
	(void)state;
	ev_container(5, "N 0,1x,2");
	imsm_update_state(&ifx.c, &ifx.c.meta.volume[0]);
	assert_string_equal(ifx_text(&ifx, 0), "D 0,1x,2");
	assert_true(ifx.c.write_due);
	ifx.c.write_due = false;
	imsm_update_state(&ifx.c, &ifx.c.meta.volume[0]);
	assert_false(ifx.c.write_due);
	ev_container(5, "N<REPAIR<N 0,1x,2/0,1x,2 u0");
	imsm_update_state(&ifx.c, &ifx.c.meta.volume[0]);
	assert_string_equal(ifx_text(&ifx, 0), "N<REPAIR<N 0,1x,2/0,1x,2 u0");
}

/* ---- entries of the disk table ---- */

static void test_insert_disk(void **state)
{
	static const struct imsm_bad_range bad[] = { { 8, 8, 0 }, { 16, 8, 1 }, { 24, 8, 2 } };
	static const struct imsm_disk d = { .serial = "NEW" };

	(void)state;
	for (uint32_t at = 0; at <= 3; at++) {
		static const char *const after[] = { "N 3,1!,2", "N 3,0!,2", "N 3,0!,1", "N 2,0!,1" };
		static const char *const after1[] = { "N<REBUILD<D 1,2/1,3! u4", "N<REBUILD<D 0,2/0,3! u4",
						      "N<REBUILD<D 0,1/0,3! u4", "N<REBUILD<D 0,1/0,2! u4" };

		ifx_init(&ifx, 3);
		ifx_spare(&ifx);
		ifx_volume(&ifx, 5, "N 2,0!,1");
		ifx_volume(&ifx, 1, "N<REBUILD<D 0,1/0,2! u4");
		memcpy(ifx.c.meta.bad, bad, sizeof(bad));
		ifx.c.meta.num_bad = 3;
		ifx.c.write_due = false;
		imsm_insert_disk(&ifx.c, at, &d);
		assert_string_equal(ifx_text(&ifx, 0), after[at]);
		assert_string_equal(ifx_text(&ifx, 1), after1[at]);
		assert_int_equal(ifx.c.meta.num_disks, 4);
		assert_true(ifx_table_serial_is(&ifx, at, "NEW"));
		for (unsigned i = 0; i < 3; i++) {
			unsigned moved = i + (i >= at);
			char serial[8];

			snprintf(serial, sizeof(serial), "DISK%u", i);
			assert_true(ifx_table_serial_is(&ifx, moved, serial));
			assert_int_equal(ifx.dl[i].index, moved);
			assert_int_equal(ifx.c.meta.bad[i].disk, moved);
		}
		assert_int_equal(ifx.dl[3].index, IMSM_INDEX_SPARE);
		assert_true(ifx.c.write_due);
		/* The other way round. */
		imsm_delete_disk(&ifx.c, at);
		assert_string_equal(ifx_text(&ifx, 0), "N 2,0!,1");
		assert_string_equal(ifx_text(&ifx, 1), "N<REBUILD<D 0,1/0,2! u4");
		assert_memory_equal(ifx.c.meta.bad, bad, sizeof(bad));
	}
}

/* The maps of a volume that does not migrate end with map 0: what lies in map 1 is not looked at. */
static void test_insert_disk_leaves_old_map_1(void **state)
{
	static const struct imsm_disk d = { .serial = "NEW" };

	(void)state;
	ifx_init(&ifx, 3);
	ifx_volume(&ifx, 5, "N 0,1,2");
	VOL(0)->map[1] = VOL(0)->map[0];
	imsm_insert_disk(&ifx.c, 1, &d);
	assert_string_equal(ifx_text(&ifx, 0), "N 0,2,3");
	assert_int_equal(VOL(0)->map[1].ord[1], 1);
}

static void test_mark_missing(void **state)
{
	(void)state;
	ifx_init(&ifx, 3);
	ifx_volume(&ifx, 5, "N 0,1?,2");
	imsm_mark_missing(&ifx.c, VOL(0), 1);
	assert_string_equal(ifx_text(&ifx, 0), "N 0,1x?!,2 f1");
	assert_true(ifx_table_serial_is(&ifx, 1, "ISK1:0"));
	assert_int_equal(le32_get(ifx.c.meta.disk[1].scsi_id), IMSM_SCSI_ID_MISSING);
	assert_true(ifx.c.write_due);
	/* Once is enough. */
	ifx.c.write_due = false;
	imsm_mark_missing(&ifx.c, VOL(0), 1);
	assert_true(ifx_table_serial_is(&ifx, 1, "ISK1:0"));
	assert_false(ifx.c.write_due);
	/* One that is there is marked as failed only. */
	ifx_init(&ifx, 3);
	ifx_volume(&ifx, 5, "N 0,1,2");
	imsm_mark_missing(&ifx.c, VOL(0), 1);
	assert_string_equal(ifx_text(&ifx, 0), "N 0,1x!,2 f1");
	assert_true(ifx_table_serial_is(&ifx, 1, "DISK1:0"));
	assert_int_equal(le32_get(ifx.c.meta.disk[1].scsi_id), 0);
	/* The disk had failed before it went: that is what must be known of it when it comes back. */
	ifx_init(&ifx, 3);
	ifx_volume(&ifx, 5, "D 0,1x?!,2 f1");
	imsm_mark_missing(&ifx.c, VOL(0), 1);
	assert_true(ifx_table_serial_is(&ifx, 1, "DISK1:0"));
	assert_int_not_equal(le32_get(ifx.c.meta.disk[1].scsi_id), IMSM_SCSI_ID_MISSING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_migrate),
		cmocka_unit_test(test_end_migration),
		cmocka_unit_test(test_delete_disk),
		cmocka_unit_test(test_enlist_returning_disk),
		cmocka_unit_test(test_update_state),
		cmocka_unit_test(test_enlist_returning_disk_of_no_volume),
		cmocka_unit_test(test_enlist_missing_disk),
		cmocka_unit_test(test_insert_disk),
		cmocka_unit_test(test_insert_disk_leaves_old_map_1),
		cmocka_unit_test(test_mark_missing),
	};

	return cmocka_run_group_tests_name("imsm-transitions", tests, NULL, NULL);
}
