/* SPDX-License-Identifier: GPL-2.0-or-later */
/* imsm/disks.c: disks that come into the container in memory and leave it. */
#include "tests/unit/support/imsm-message.h"

#include <string.h>

static void test_add_disk(void **state)
{
	struct imsm_dl *dl;

	(void)state;
	message_container();
	dl = ifx_new_disk(&ifx);
	memset(dl->record.serial, 0, IMSM_SERIAL_LEN);
	dl->index = 99;
	dl->clear_migr_record_due = true;
	dl->record.status = le32_make(IMSM_DISK_CONFIGURED);
	imsm_add_disk(&ifx.c, dl, NULL);
	assert_ptr_equal(ifx.c.disks, dl);
	assert_ptr_equal(dl->next, &ifx.dl[4]);
	assert_int_equal(dl->index, IMSM_INDEX_SPARE);
	assert_int_equal(le32_get(dl->record.status), IMSM_DISK_SPARE);
	assert_memory_equal(dl->record.serial, "DISK5", 6);
	assert_true(dl->spare_record_due);
	assert_true(dl->clear_migr_record_due); /* as it was prepared */
	assert_false(ifx.c.write_due); /* nothing that the members hold has changed */
	assert_int_equal(ifx.c.meta.num_disks, 3);

	/* The first one above 2 TiB changes an attribute of the container. */
	dl = ifx_new_disk(&ifx);
	imsm_disk_set_blocks(&dl->record, 1ull << 33);
	imsm_add_disk(&ifx.c, dl, NULL);
	assert_int_equal(le32_get(ifx.c.meta.header.attributes), IMSM_ATTR_2TB_DISK);
	assert_true(ifx.c.write_due);
	ifx.c.write_due = false;
	dl = ifx_new_disk(&ifx);
	imsm_disk_set_blocks(&dl->record, 1ull << 33);
	imsm_add_disk(&ifx.c, dl, NULL);
	assert_false(ifx.c.write_due);
}

static void test_remove_spare(void **state)
{
	struct imsm_dl *dl;

	(void)state;
	message_container();
	dl = imsm_remove_disk(&ifx.c, ifx_dev(3));
	assert_ptr_equal(dl, &ifx.dl[3]);
	assert_null(dl->next);
	assert_null(imsm_dl_by_dev(&ifx.c, ifx_dev(3)));
	assert_ptr_equal(imsm_dl_by_dev(&ifx.c, ifx_dev(4)), &ifx.dl[4]);
	assert_ptr_equal(imsm_dl_by_dev(&ifx.c, ifx_dev(0)), &ifx.dl[0]);
	assert_false(ifx.c.write_due);
	assert_null(imsm_remove_disk(&ifx.c, ifx_dev(3)));
}

static void test_remove_member(void **state)
{
	(void)state;
	message_container();
	assert_ptr_equal(imsm_remove_disk(&ifx.c, ifx_dev(1)), &ifx.dl[1]);
	/* The entry of the disk stays: the volume names it. */
	assert_string_equal(ifx_text(&ifx, 0), "N 0,1?,2");
	assert_int_equal(ifx.c.meta.num_disks, 3);
	assert_false(ifx.c.write_due);
}

static void test_remove_failed_member(void **state)
{
	(void)state;
	ifx_init(&ifx, MEMBERS);
	ifx_volume(&ifx, 5, "D 0x!,1,2 f0");
	assert_ptr_equal(imsm_remove_disk(&ifx.c, ifx_dev(0)), &ifx.dl[0]);
	assert_string_equal(ifx_text(&ifx, 0), "D 0x?!,1,2 f0");
}

static void test_remove_disk_of_no_volume(void **state)
{
	(void)state;
	ifx_init(&ifx, 4);
	ifx_volume(&ifx, 5, "N 0,2,3");
	assert_ptr_equal(imsm_remove_disk(&ifx.c, ifx_dev(1)), &ifx.dl[1]);
	assert_string_equal(ifx_text(&ifx, 0), "N 0,1,2");
	assert_int_equal(ifx.c.meta.num_disks, 3);
	assert_true(ifx.c.write_due);
	ifx_assert_writable(&ifx);
	/* The old disk of a slot under rebuild is named by map 1 only. */
	ifx_init(&ifx, MEMBERS);
	ifx_volume(&ifx, 1, "N<REBUILD<D 0,2/0,1 u0");
	imsm_remove_disk(&ifx.c, ifx_dev(1));
	assert_int_equal(ifx.c.meta.num_disks, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_add_disk),
		cmocka_unit_test(test_remove_spare),
		cmocka_unit_test(test_remove_member),
		cmocka_unit_test(test_remove_failed_member),
		cmocka_unit_test(test_remove_disk_of_no_volume),
	};

	return cmocka_run_group_tests_name("imsm-disks", tests, NULL, NULL);
}
