/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a status request is told about a container, as text. Disks:
 *
 *   "800 00000100 member!"   device number in hex, serial, state, and ! if it is not writable
 *
 * Virtual disks, with a letter for each slot: + in sync, ~ rebuilding, x failed, - missing; and the disk there, if any:
 *
 *   "0 vd0 raid5 131072 degraded dirty 0+ 1~ -"
 */
#include <stdio.h>
#include <string.h>

#include "tests/unit/support/ddf-fixture.h"
#include "tests/unit/support/report-text.h"

static int end(void **state)
{
	(void)state;
	dfx_free(&dfx);
	return 0;
}

static void make_report(void)
{
	memset(&report, 0xee, sizeof(report)); /* the room for it holds what was there before */
	ddf_report(&dfx.c, &report);
}

/* ---- disks ---- */

static void test_disks(void **state)
{
	static const struct {
		const char *pds, *disks[6];
	} t[] = {
		{ "0:03/01 1:03/01 2:05/01",
		  { "800 00000100 member", "801 00000101 member", "802 00000102 spare" } },
		/* samples C: the failed disk is there, and no member any more */
		{ "0:03/01 3:05/0b 1:03/05",
		  { "800 00000100 member", "803 00000103 failed", "801 00000101 member" } },
		{ "0:03/01 1:03/03", { "800 00000100 member", "801 00000101 failed" } },
		/* what is absent comes last */
		{ "3:05/41? - 0:03/01 2:05/01? 1:03/43?",
		  { "800 00000100 member", "0 00000103 missing", "0 00000102 missing", "0 00000101 failed" } },
		{ "0:03/01 1:03/01?", { "800 00000100 member", "0 00000101 missing" } },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++) {
		unsigned n;

		dfx_init(&dfx);
		dfx_disks(&dfx, t[i].pds);
		dfx_volume(&dfx, 0, DDF_RAID1, 0, "00/02 v4 0,1");
		make_report();
		for (n = 0; t[i].disks[n]; n++)
			assert_string_equal(disk_text(n), t[i].disks[n]);
		assert_int_equal(report.disk_count, n);
		dfx_free(&dfx);
	}
}

static void test_disks_that_do_not_take_writes(void **state)
{
	(void)state;
	dfx_init(&dfx);
	dfx_disks(&dfx, "0:05/01 1:05/01 2:05/01 3:05/01");
	dfx.dl[0].copy[DDF_FIRST_COPY].failed = true;
	dfx.dl[1].copy[DDF_SECOND_COPY].failed = true;
	dfx.dl[2].given_up = true;
	make_report();
	assert_string_equal(disk_text(0), "800 00000100 spare!");
	assert_string_equal(disk_text(1), "801 00000101 spare!");
	assert_string_equal(disk_text(2), "802 00000102 spare!");
	assert_string_equal(disk_text(3), "803 00000103 spare");
}

/* Tables of hardware may be long: those that are present find room. */
static void test_more_disks_than_fit(void **state)
{
	static uint8_t table[64 + 300 * 64];

	(void)state;
	dfx_init(&dfx);
	memset(table, 0xff, sizeof(table));
	dfx.c.pd = table;
	dfx.c.layout.max_pd = 300;
	for (unsigned i = 0; i < 300; i++) {
		struct ddf_pd_entry *e = ddf_pd(&dfx.c, i);

		dfx_pd_guid(e->guid, i);
		e->refnum = be32_make(dfx_ref(299 - i));
		e->type = be16_make(5);
		e->state = be16_make(1);
	}
	dfx_present(&dfx, 0);
	make_report();
	assert_int_equal(report.disk_count, REPORT_DISKS);
	assert_string_equal(disk_text(0), "800 00000100 spare");
	assert_string_equal(disk_text(1), "0 0000022b missing");
	assert_string_equal(disk_text(REPORT_DISKS - 1), "0 0000012d missing");
}

static void test_empty_container(void **state)
{
	(void)state;
	dfx_init(&dfx);
	dfx.c.seq = 0xfffffffe;
	make_report();
	assert_true(report.generation == 0xfffffffe);
	assert_int_equal(report.disk_count, 0);
	assert_int_equal(report.volume_count, 0);
}

/* ---- virtual disks ---- */

static void test_states(void **state)
{
	static const struct {
		unsigned byte;
		const char *want;
	} t[] = {
		{ 0x00, "normal" }, { 0x01, "degraded" }, { 0x05, "degraded" }, { 0x04, "failed" },
		{ 0x10, "normal dirty" }, { 0x11, "degraded dirty" }, { 0x14, "failed dirty" },
		{ 0x08, "normal" }, { 0xe0, "normal" },
		/* what should not be there */
		{ 0x02, "failed" }, { 0x03, "failed" }, { 0x06, "failed" }, { 0x07, "failed" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++)
		for (unsigned init = 0; init < 3; init++) {
			char want[64];

			dfx_init(&dfx);
			dfx_disks(&dfx, "0:03/01 1:03/01");
			dfx_volume(&dfx, 0, DDF_RAID1, 0, "00/02 v4 0,1");
			dfx_vd(&dfx, 0)->state = (uint8_t)t[i].byte;
			dfx_vd(&dfx, 0)->init_state = (uint8_t)init;
			make_report();
			snprintf(want, sizeof(want), "0 vd0 raid1 16384 %s 0+ 1+", t[i].want);
			assert_string_equal(volume_text(0), want);
			dfx_free(&dfx);
		}
}

/* The disks of a row in the order of the report; entries of absent ones come last there. */
static void test_members(void **state)
{
	static const struct {
		unsigned prl, rlq;
		const char *pds, *vd, *want;
	} t[] = {
		{ DDF_RAID0, 0, "0:03/01 1:03/01", "00/02 v1 0,1", "0 vd0 raid0 16384 normal 0+ 1+" },
		{ DDF_RAID4, 1, "0:03/01 1:03/01", "00/02 v1 0,1", "0 vd0 raid4 16384 normal 0+ 1+" },
		{ DDF_RAID5, 3, "0:03/01 1:03/01 2:03/01", "00/02 v1 1,0,2", "0 vd0 raid5 16384 normal 1+ 0+ 2+" },
		{ DDF_RAID6, 3, "0:03/01 1:03/01 2:03/01", "00/02 v1 1,0,2", "0 vd0 raid6 16384 normal 1+ 0+ 2+" },
		{ DDF_RAID1E, 0, "0:03/01 1:03/01 2:03/01", "00/02 v1 1,0,2", "0 vd0 raid10 16384 normal 1+ 0+ 2+" },
		{ DDF_RAID1, 0, "0:03/01 1:03/01 2:03/01 3:03/01", "00/02 v1 0,1 v1 3,2",
		  "0 vd0 raid10 32768 normal 0+ 1+ 3+ 2+" },
		/* no such level in md, or none that we name */
		{ DDF_RAID5EE, 0, "0:03/01 1:03/01", "00/02 v1 0,1", "0 vd0 raid0 16384 normal 0+ 1+" },
		{ DDF_CONCAT, 0, "0:03/01 1:03/01", "00/02 v1 0,1", "0 vd0 raid0 16384 normal 0+ 1+" },
		/* samples C */
		{ DDF_RAID1, 0, "0:03/01 1:05/0b 2:03/05", "01/02 v4 0,2", "0 vd0 raid1 16384 degraded 0+ 2~" },
		/* failed; failed and gone; gone; offline; forgotten; missing at the start; never there */
		{ DDF_RAID1, 0, "0:03/01 1:03/03", "01/02 v4 0,1", "0 vd0 raid1 16384 degraded 0+ 1x" },
		{ DDF_RAID1, 0, "0:03/01 1:03/43?", "01/02 v4 0,1", "0 vd0 raid1 16384 degraded 0+ x" },
		{ DDF_RAID1, 0, "0:03/01 1:03/01?", "00/02 v4 0,1", "0 vd0 raid1 16384 normal 0+ -" },
		{ DDF_RAID1, 0, "0:03/01 1:03/41", "01/02 v4 0,1", "0 vd0 raid1 16384 degraded 0+ 1-" },
		{ DDF_RAID1, 0, "0:03/01 1:03/00", "01/02 v4 0,1", "0 vd0 raid1 16384 degraded 0+ 1x" },
		{ DDF_RAID1, 0, "0:03/01", "01/02 v4 0,1", "0 vd0 raid1 16384 degraded 0+ -" },
		{ DDF_RAID1, 0, "0:03/01 1:03/42?", "01/02 v6 0,_", "0 vd0 raid1 16384 degraded 0+ -" },
		{ DDF_RAID1, 0, "0:03/01", "01/02 v6 0,-", "0 vd0 raid1 16384 degraded 0+ -" },
		{ DDF_RAID1, 0, "0:03/07 1:03/45", "04/02 v4 0,1", "0 vd0 raid1 16384 failed 0x 1-" },
		/* a record that nobody has */
		{ DDF_RAID1, 0, "0:03/01 1:03/01", "04/02 v1 0,1 ?", "0 vd0 raid10 32768 failed 0+ 1+ - -" },
		{ DDF_RAID1, 0, "0:03/01 1:03/01", "00/00", "0 vd0 raid0 0 normal" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++) {
		dfx_init(&dfx);
		dfx_disks(&dfx, t[i].pds);
		dfx_volume(&dfx, 0, t[i].prl, t[i].rlq, t[i].vd);
		make_report();
		assert_int_equal(report.volume_count, 1);
		assert_string_equal(volume_text(0), t[i].want);
		dfx_free(&dfx);
	}
}

/* Nothing on the disks says so yet. */
static void test_rebuild_that_is_not_recorded(void **state)
{
	(void)state;
	dfx_init(&dfx);
	dfx_disks(&dfx, "0:03/01 1:03/03 2:03/01 3:03/01");
	dfx_volume(&dfx, 0, DDF_RAID1, 0, "01/02 v4 0,1");
	dfx_volume(&dfx, 1, DDF_RAID1, 0, "00/02 v4 2,3");
	dfx.c.rebuild[5] = (struct ddf_rebuild){ .used = true, .vd = 0, .slot = 1, .refnum = dfx_ref(3) };
	make_report();
	assert_string_equal(volume_text(0), "0 vd0 raid1 16384 degraded 0+ 3~");
	assert_string_equal(volume_text(1), "1 vd1 raid1 16384 normal 2+ 3+");
	dfx_fail_disk(&dfx, 3);
	make_report();
	assert_string_equal(volume_text(0), "0 vd0 raid1 16384 degraded 0+ 3x");
}

static void test_index_is_that_of_the_table(void **state)
{
	(void)state;
	dfx_init(&dfx);
	dfx_disks(&dfx, "0:03/01 1:03/01");
	dfx_volume(&dfx, 3, DDF_RAID1, 0, "00/02 v4 0,1");
	dfx_volume(&dfx, 7, DDF_RAID1, 0, "11/02 v4 0,_");
	make_report();
	assert_int_equal(report.volume_count, 2);
	assert_string_equal(volume_text(0), "3 vd3 raid1 16384 normal 0+ 1+");
	assert_string_equal(volume_text(1), "7 vd7 raid1 16384 degraded dirty 0+ -");
}

static void test_names(void **state)
{
	static const struct {
		const char *bytes, *name;
	} t[] = {
		{ "0123456789abcdef", "0123456789abcdef" },
		{ "name", "name" },
		{ "padded          ", "padded" },
		{ "", "" },
	};

	(void)state;
	dfx_init(&dfx);
	dfx_disks(&dfx, "0:03/01 1:03/01");
	dfx_volume(&dfx, 0, DDF_RAID1, 0, "00/02 v4 0,1");
	for (size_t i = 0; i < COUNT(t); i++) {
		memset(dfx_vd(&dfx, 0)->name, 0, 16);
		memcpy(dfx_vd(&dfx, 0)->name, t[i].bytes, strlen(t[i].bytes));
		make_report();
		assert_string_equal(report.volume[0].name, t[i].name);
	}
}

static void test_more_virtual_disks_than_fit(void **state)
{
	static uint8_t table[64 + 40 * 64];
	static struct ddf_volume volume[40];

	(void)state;
	dfx_init(&dfx);
	memset(table, 0, sizeof(table));
	dfx.c.vd = table;
	dfx.c.volume = volume;
	dfx.c.layout.max_vd = 40;
	make_report();
	assert_int_equal(report.volume_count, REPORT_VOLUMES);
	assert_int_equal(report.volume[REPORT_VOLUMES - 1].index, REPORT_VOLUMES - 1);
}

/* What the monitor itself measures is not ours. */
static void test_the_rest_is_left_alone(void **state)
{
	(void)state;
	dfx_init(&dfx);
	memset(&report, 0, sizeof(report));
	report.write.count = 7;
	report.write_stalls.count = 8;
	report.failure_stalls.max_us = 9;
	ddf_report(&dfx.c, &report);
	assert_int_equal(report.write.count, 7);
	assert_int_equal(report.write_stalls.count, 8);
	assert_int_equal(report.failure_stalls.max_us, 9);
}

#define T(f) cmocka_unit_test_teardown(f, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_disks),
		T(test_disks_that_do_not_take_writes),
		T(test_more_disks_than_fit),
		T(test_empty_container),
		T(test_states),
		T(test_members),
		T(test_rebuild_that_is_not_recorded),
		T(test_index_is_that_of_the_table),
		T(test_names),
		T(test_more_virtual_disks_than_fit),
		T(test_the_rest_is_left_alone),
	};

	return cmocka_run_group_tests_name("ddf-report", tests, NULL, NULL);
}
