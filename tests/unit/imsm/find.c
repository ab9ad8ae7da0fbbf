/* SPDX-License-Identifier: GPL-2.0-or-later */
/* imsm/find.c: disks, slots and entries of the disk table. */
#include "tests/unit/support/imsm-events.h"

/* ---- derived quantities ---- */

static void test_ord_of_slots(void **state)
{
	const struct imsm_volume *v = &ifx.c.meta.volume[0];

	(void)state;
	ev_container(5, "N<GEN<N 0,1,2,3/0,1,2! u0");
	assert_int_equal(imsm_ord(v, 2, IMSM_M0), 2);
	assert_int_equal(imsm_ord(v, 2, IMSM_M1), 2 | IMSM_ORD_REBUILD);
	assert_int_equal(imsm_ord(v, 2, IMSM_MX), 2 | IMSM_ORD_REBUILD);
	assert_int_equal(imsm_ord(v, 3, IMSM_M1), UINT32_MAX);
	assert_int_equal(imsm_ord(v, 3, IMSM_MX), 3); /* added by the reshape */
	assert_int_equal(imsm_ord(v, 4, IMSM_MX), UINT32_MAX);
	ev_container(5, "N 0,1,2");
	assert_int_equal(imsm_check_degraded(&ifx.c, v, 1, IMSM_M1), IMSM_DEGRADED); /* no map 1: map 0 */
	assert_int_equal(imsm_ord(v, 0, IMSM_M1), UINT32_MAX);
	assert_int_equal(imsm_slot_of(&v->map[0], 2), 2);
	assert_int_equal(imsm_slot_of(&v->map[0], 3), -1);
}

/* ---- the end of a reshape ---- */

static void test_finding(void **state)
{
	const uint8_t serial[IMSM_SERIAL_LEN] = "DISK2";
	const uint8_t unknown[IMSM_SERIAL_LEN] = "DISK";

	(void)state;
	ev_container(5, "N 0,1?,2");
	ifx_spare(&ifx);
	assert_ptr_equal(imsm_dl_by_index(&ifx.c, 2), &ifx.dl[2]);
	assert_null(imsm_dl_by_index(&ifx.c, 1));
	assert_null(imsm_dl_by_index(&ifx.c, -1));
	assert_ptr_equal(imsm_dl_by_dev(&ifx.c, ifx_dev(2)), &ifx.dl[2]);
	assert_null(imsm_dl_by_dev(&ifx.c, 1));
	assert_ptr_equal(imsm_dl_by_serial(&ifx.c, serial), &ifx.dl[2]);
	assert_null(imsm_dl_by_serial(&ifx.c, unknown));
	assert_true(imsm_disk_present(&ifx.c, 2));
	assert_false(imsm_disk_present(&ifx.c, 1));
	assert_false(imsm_disk_present(&ifx.c, UINT32_MAX));
	assert_false(imsm_disk_failed(&ifx.c, 2));
	assert_true(imsm_disk_failed(&ifx.c, EV_DISKS)); /* outside the table */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ord_of_slots),
		cmocka_unit_test(test_finding),
	};

	return cmocka_run_group_tests_name("imsm-find", tests, NULL, NULL);
}
