/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ddf/state.c: the states of virtual disks (ddf.md 3.2 to 3.4). */
#include "tests/unit/support/ddf-steps.h"

#include <string.h>

#include "tests/unit/support/text.h"

static void an_element_works_if_its_disk_is_online_and_has_its_data(void **state)
{
	static const struct {
		unsigned state;
		bool works;
	} row[] = {
		{ 0x01, true }, { 0x11, true }, { 0x29, true }, { 0x00, false }, { 0x03, false },
		{ 0x05, false }, { 0x41, false }, { 0x43, false }, { 0x42, false }, { 0x02, false },
	};

	(void)state;
	assert_false(ddf_pd_working(NULL));
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct ddf_pd_entry e = { .state = be16_make((uint16_t)row[i].state) };

		assert_int_equal(ddf_pd_working(&e), row[i].works);
	}
}

/* Disks 0 to 7, as the letters say: w works, anything else does not. */
static void some_disks_work(const char *letters)
{
	for (unsigned n = 0; letters[n]; n++)
		dfx_pd_entry(&dfx, n, n, 0x03, letters[n] == 'w' ? 0x01 : 0x03);
}

/* The level, the disks that work (w), the record, and the state that it has with them. */
static const struct {
	unsigned prl, rlq;
	const char *disks;
	const char *vd;
	unsigned expected;
} bvd_states[] = {
	{ DDF_RAID0, 0, "ww", "00/02 v1 0,1", 0 },
	{ DDF_RAID0, 0, "w-", "00/02 v1 0,1", 4 },
	{ DDF_CONCAT, 0, "w-", "00/02 v1 0,1", 4 },
	{ DDF_JBOD, 0, "-", "00/02 v1 0", 4 },
	{ DDF_RAID1, 0, "ww", "00/02 v1 0,1", 0 },
	{ DDF_RAID1, 0, "w-", "00/02 v1 0,1", 1 },
	{ DDF_RAID1, 0, "--", "00/02 v1 0,1", 4 },
	{ DDF_RAID1, 1, "www", "00/02 v1 0,1,2", 0 },
	{ DDF_RAID1, 1, "w-w", "00/02 v1 0,1,2", 5 },
	{ DDF_RAID1, 1, "-w-", "00/02 v1 0,1,2", 1 },
	{ DDF_RAID1, 1, "---", "00/02 v1 0,1,2", 4 },
	{ DDF_RAID1, 0, "-", "00/02 v1 0", 4 },
	{ DDF_RAID4, 1, "www", "00/02 v1 0,1,2", 0 },
	{ DDF_RAID4, 1, "w-w", "00/02 v1 0,1,2", 1 },
	{ DDF_RAID4, 1, "w--", "00/02 v1 0,1,2", 4 },
	{ DDF_RAID5, 3, "www", "00/02 v1 0,1,2", 0 },
	{ DDF_RAID5, 3, "-ww", "00/02 v1 0,1,2", 1 },
	{ DDF_RAID5, 3, "--w", "00/02 v1 0,1,2", 4 },
	{ DDF_RAID6, 3, "wwww", "00/02 v1 0,1,2,3", 0 },
	{ DDF_RAID6, 3, "w-ww", "00/02 v1 0,1,2,3", 5 },
	{ DDF_RAID6, 3, "w--w", "00/02 v1 0,1,2,3", 1 },
	{ DDF_RAID6, 3, "---w", "00/02 v1 0,1,2,3", 4 },
	{ DDF_RAID3, 0, "www", "00/02 v1 0,1,2", 0 },
	{ DDF_RAID3, 0, "---", "00/02 v1 0,1,2", 1 },
	{ DDF_RAID5E, 0, "w-w", "00/02 v1 0,1,2", 1 },
	/* Adjacent: 0 and 1, 2 and 0, 1 and 2 hold the same. */
	{ DDF_RAID1E, 0, "www", "00/02 v1 0,1,2", 0 },
	{ DDF_RAID1E, 0, "w-w", "00/02 v1 0,1,2", 1 },
	{ DDF_RAID1E, 0, "w--", "00/02 v1 0,1,2", 4 },
	{ DDF_RAID1E, 0, "-w-ww", "00/02 v1 0,1,2,3,4", 1 },
	{ DDF_RAID1E, 0, "-ww-w", "00/02 v1 0,1,2,3,4", 1 },
	{ DDF_RAID1E, 0, "w--ww", "00/02 v1 0,1,2,3,4", 4 },
	/* Adjacent with an even count: pairs. */
	{ DDF_RAID1E, 0, "w--w", "00/02 v1 0,1,2,3", 1 },
	{ DDF_RAID1E, 0, "--ww", "00/02 v1 0,1,2,3", 4 },
	/* Far: each with the next. */
	{ DDF_RAID1E, 1, "w-w-", "00/02 v1 0,1,2,3", 1 },
	{ DDF_RAID1E, 1, "w--w", "00/02 v1 0,1,2,3", 4 },
	{ DDF_RAID1E, 1, "-ww-", "00/02 v1 0,1,2,3", 4 },
	/* Whatever is not a disk of the table does not work. */
	{ DDF_RAID6, 3, "www", "00/02 v1 0,1,2,9", 5 },
	{ DDF_RAID6, 3, "www", "00/02 v1 0,1,2,_", 5 },
	{ DDF_RAID6, 3, "www", "00/02 v1 0,1,2,-", 5 },
	{ DDF_RAID6, 3, "www", "00/02 v1 -,0,1,2", 5 },
	{ DDF_RAID6, 3, "www", "00/02 v1 0,-,_,2", 1 },
};

static void state_of_a_bvd(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bvd_states) / sizeof(bvd_states[0]); i++) {
		enum ddf_vd_state got;

		dfx_again();
		some_disks_work(bvd_states[i].disks);
		dfx_volume(&dfx, 0, bvd_states[i].prl, bvd_states[i].rlq, bvd_states[i].vd);
		got = ddf_bvd_state(&dfx.c, dfx_record(&dfx, 0, 0));
		if (got != bvd_states[i].expected)
			fail_msg("row %zu: level %x, %s, %s: state %u", i, bvd_states[i].prl, bvd_states[i].disks,
				 bvd_states[i].vd, got);
	}
}

/* By the states of mirrors of two: o optimal, d degraded, f failed; of three: p partially optimal; ? not known. */
static void a_bvd_in_state(char **p, unsigned *disk, char letter)
{
	static const char *const working[] = { ['o'] = "www", ['p'] = "w-w", ['d'] = "-w-", ['f'] = "---" };

	if (letter == '?') {
		text_put(p, " ?");
		return;
	}
	text_put(p, " v1 %u,%u,%u", *disk, *disk + 1, *disk + 2);
	for (const char *w = working[(unsigned char)letter]; *w; w++, ++*disk)
		dfx_pd_entry(&dfx, *disk, *disk, 0x03, *w == 'w' ? 0x01 : 0x03);
}

static void state_of_several_bvds(void **state)
{
	static const struct {
		unsigned srl;
		const char *bvds;
		unsigned expected;
	} row[] = {
		{ 3, "oo", 0 }, { 3, "op", 5 }, { 3, "po", 5 }, { 3, "pp", 5 }, { 3, "od", 1 }, { 3, "do", 1 },
		{ 3, "pd", 1 }, { 3, "dp", 1 }, { 3, "dd", 1 }, { 3, "of", 4 }, { 3, "fo", 4 }, { 3, "df", 4 },
		{ 3, "pf", 4 }, { 3, "fd", 4 }, { 3, "ooo", 0 }, { 3, "opo", 5 }, { 3, "odp", 1 }, { 3, "ofo", 4 },
		{ 0, "oo", 0 }, { 0, "od", 1 }, { 0, "ff", 4 }, { 2, "op", 5 }, { 2, "fo", 4 },
		{ 1, "oo", 0 }, { 1, "od", 5 }, { 1, "do", 5 }, { 1, "of", 5 }, { 1, "fo", 5 }, { 1, "op", 5 },
		{ 1, "pp", 1 }, { 1, "pd", 1 }, { 1, "pf", 1 }, { 1, "df", 1 }, { 1, "ff", 4 }, { 1, "ooo", 0 },
		{ 1, "fff", 4 }, { 1, "ffo", 5 },
		/* A record that was not found (15, item 25). */
		{ 3, "o?", 4 }, { 3, "?o", 4 }, { 1, "o?", 5 }, { 1, "?f", 4 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		char text[256], *p = text;
		unsigned disk = 0;

		dfx_again();
		text_put(&p, "00/02");
		for (const char *b = row[i].bvds; *b; b++)
			a_bvd_in_state(&p, &disk, *b);
		dfx_volume(&dfx, 0, DDF_RAID1, 1, text);
		for (unsigned seq = 0; seq < strlen(row[i].bvds); seq++)
			if (dfx_record(&dfx, 0, seq))
				dfx_record(&dfx, 0, seq)->srl = (uint8_t)row[i].srl;
		if (ddf_vd_state(&dfx.c, 0) != row[i].expected)
			fail_msg("%s, srl %u: state %u", row[i].bvds, row[i].srl, ddf_vd_state(&dfx.c, 0));
	}
}

static void an_update_changes_the_low_three_bits_only(void **state)
{
	(void)state;
	dfx_disks(&dfx, "0:03/01 1:03/03");
	dfx_volume(&dfx, 0, DDF_RAID1, 0, "18/42 v1 0,1");
	assert_true(ddf_update_state(&dfx.c, 0));
	dfx_check_vd(0, "19/42 v1 0,1");
	assert_false(ddf_update_state(&dfx.c, 0));
	dfx_pd_state(&dfx, 1, 0x01);
	assert_true(ddf_update_state(&dfx.c, 0));
	dfx_check_vd(0, "18/42 v1 0,1");
}

static void a_virtual_disk_without_records_keeps_its_state(void **state)
{
	(void)state;
	dfx_volume(&dfx, 0, DDF_RAID1, 0, "05/02");
	dfx_volume(&dfx, 1, DDF_RAID1, 0, "00/02 ? ?");
	assert_false(ddf_update_state(&dfx.c, 0));
	assert_false(ddf_update_state(&dfx.c, 1));
	assert_false(ddf_update_state(&dfx.c, 2));
	dfx_check_vd(0, "05/02");
	dfx_check_vd(1, "00/02 ? ?");
	dfx_check_vd(2, "none");
}

/* 15, item 31 */
static void all_virtual_disks_of_a_disk_are_updated(void **state)
{
	(void)state;
	dfx_disks(&dfx, "0:03/01 1:03/03 2:03/01");
	dfx_volume(&dfx, 0, DDF_RAID1, 0, "00/02 v1 0,1");
	dfx_volume(&dfx, 1, DDF_RAID1, 0, "05/02 v1 0,2");
	dfx_volume(&dfx, 14, DDF_RAID0, 0, "00/02 v1 2,1@16384");
	ddf_update_states_of(&dfx.c, dfx_ref(1));
	dfx_check_vd(0, "01/02 v1 0,1");
	dfx_check_vd(1, "05/02 v1 0,2");
	dfx_check_vd(14, "04/02 v1 2,1@16384");
}

static void a_stamp_is_a_new_number_and_the_time(void **state)
{
	(void)state;
	dfx_volume(&dfx, 0, DDF_RAID1, 0, "00/02 v7 0,1");
	ddf_stamp(&dfx.c, dfx_record(&dfx, 0, 0));
	dfx_check_vd(0, "00/02 v8 0,1");
	assert_int_equal(be32_get(dfx_record(&dfx, 0, 0)->timestamp), FX_NOW);
}

/* Of two records mdadm takes the one with the greater number: after the last one there is none that is greater. */
static void the_last_number_of_a_record_stays(void **state)
{
	(void)state;
	dfx_disks(&dfx, "0:03/01 1:03/01");
	dfx_volume(&dfx, 0, DDF_RAID1, 0, "00/02 v3 0,1");
	dfx_record(&dfx, 0, 0)->seq = be32_make(0xfffffffe);
	for (int i = 0; i < 2; i++) {
		ddf_stamp(&dfx.c, dfx_record(&dfx, 0, 0));
		assert_int_equal(be32_get(dfx_record(&dfx, 0, 0)->seq), 0xffffffff);
	}
	assert_int_equal(be32_get(dfx_record(&dfx, 0, 0)->timestamp), FX_NOW);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, dfx_setup, dfx_teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(an_element_works_if_its_disk_is_online_and_has_its_data),
		TEST(state_of_a_bvd),
		TEST(state_of_several_bvds),
		TEST(an_update_changes_the_low_three_bits_only),
		TEST(a_virtual_disk_without_records_keeps_its_state),
		TEST(all_virtual_disks_of_a_disk_are_updated),
		TEST(a_stamp_is_a_new_number_and_the_time),
		TEST(the_last_number_of_a_record_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
