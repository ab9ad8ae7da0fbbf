/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ddf/find.c: slots (ddf.md 3.1), and disks that may lack records (10.5). */
#include "tests/unit/support/ddf-steps.h"

#include <stdio.h>
#include <string.h>

static void place_text(char *text, unsigned vd, unsigned slot)
{
	struct ddf_place p;

	if (ddf_place_of_slot(&dfx.c, vd, slot, &p))
		sprintf(text, "%u.%u", p.record->secondary_seq, p.index);
	else
		strcpy(text, "-");
}

static void a_slot_is_found_in_the_record_of_its_bvd(void **state)
{
	static const struct {
		const char *vd;
		const char *places; /* by slot: BVD.element */
	} row[] = {
		{ "00/02 v1 0,1,2", "0.0 0.1 0.2 - - -" },
		{ "00/02 v1 0", "0.0 - -" },
		{ "00/02 v1 0,1 v1 2,3", "0.0 0.1 1.0 1.1 - - -" },             /* P=2 S=2 */
		{ "00/02 v1 0,1 v1 2,3 v1 4,5", "0.0 0.1 1.0 1.1 2.0 2.1 - -" }, /* P=2 S=3 */
		{ "00/02 v1 0,1,2 v1 3,4,5", "0.0 0.1 0.2 1.0 1.1 1.2 - -" },   /* P=3 S=2 */
		{ "00/02 v1 0,1 ? v1 4,5", "0.0 0.1 - - 2.0 2.1 -" },
		{ "00/02 ? v1 2,3", "- - 1.0 1.1 -" },
		/* What was never filled does not count; it is a slot if nothing else is. */
		{ "00/02 v1 -,1,2", "0.1 0.2 - -" },
		{ "00/02 v1 0,-,2", "0.0 0.2 - -" },
		{ "00/02 v1 0,1,-", "0.0 0.1 0.2 -" },
		{ "00/02 v1 -,-,2", "0.2 0.1 - -" },
		{ "00/02 v1 -,-,-", "0.0 0.1 0.2 -" },
		/* What was found missing does. */
		{ "00/02 v1 _,1,2", "0.0 0.1 0.2 -" },
		{ "00/02 v1 0,_,2", "0.0 0.1 0.2 -" },
		{ "00/02 v1 0,1 v1 -,3", "0.0 0.1 1.1 - -" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		char text[64] = "", one[16];

		dfx_again();
		dfx_volume(&dfx, 3, DDF_RAID1, 0, row[i].vd);
		for (unsigned slot = 0; strlen(text) < strlen(row[i].places); slot++) {
			place_text(one, 3, slot);
			sprintf(text + strlen(text), "%s%s", slot ? " " : "", one);
		}
		assert_string_equal(text, row[i].places);
	}
}

static void a_disk_is_found_in_whatever_record_names_it(void **state)
{
	static const struct {
		const char *vd;
		int slot[6]; /* of disks 0 to 5 */
	} row[] = {
		{ "00/02 v1 2,1,0", { 2, 1, 0, -1, -1, -1 } },
		{ "00/02 v1 0,1 v1 2,3 v1 4,5", { 0, 1, 2, 3, 4, 5 } },
		{ "00/02 v1 0,1,2 v1 3,4,5", { 0, 1, 2, 3, 4, 5 } },
		{ "00/02 ? v1 2,3", { -1, -1, 2, 3, -1, -1 } },
		{ "00/02 v1 _,-,2,1", { -1, 2, 1, -1, -1, -1 } },
		{ "00/02 v1 0,- v1 -,3", { 0, -1, -1, 2, -1, -1 } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		dfx_again();
		dfx_volume(&dfx, 0, DDF_RAID1, 0, row[i].vd);
		for (unsigned n = 0; n < 6; n++) {
			struct ddf_place p;
			bool found = ddf_place_of(&dfx.c, 0, dfx_ref(n), &p);

			assert_int_equal(ddf_slot_of(&dfx.c, 0, dfx_ref(n)), row[i].slot[n]);
			assert_int_equal(found, row[i].slot[n] >= 0);
			if (found)
				assert_int_equal(ddf_element_ref(p.record, p.index), dfx_ref(n));
		}
	}
}

static void special_references_name_no_disk(void **state)
{
	struct ddf_place p;

	(void)state;
	dfx_volume(&dfx, 0, DDF_RAID5, 3, "00/02 v1 _,-,2");
	assert_false(ddf_place_of(&dfx.c, 0, DDF_REF_MISSING, &p));
	assert_false(ddf_place_of(&dfx.c, 0, DDF_REF_NONE, &p));
	assert_int_equal(ddf_slot_of(&dfx.c, 0, DDF_REF_MISSING), -1);
}

static void a_disk_rebuilt_in_memory_has_a_slot(void **state)
{
	(void)state;
	dfx_volume(&dfx, 0, DDF_RAID1, 0, "01/02 v1 0,1");
	dfx.c.rebuild[5] = (struct ddf_rebuild){ .used = true, .vd = 0, .slot = 1, .refnum = dfx_ref(2) };
	dfx.c.rebuild[6] = (struct ddf_rebuild){ .used = true, .vd = 1, .slot = 0, .refnum = dfx_ref(3) };
	assert_int_equal(ddf_slot_of(&dfx.c, 0, dfx_ref(2)), 1);
	assert_int_equal(ddf_slot_of(&dfx.c, 0, dfx_ref(3)), -1);
	assert_int_equal(ddf_slot_of(&dfx.c, 0, dfx_ref(0)), 0);
}

static void without_records_there_are_no_slots(void **state)
{
	struct ddf_place p;

	(void)state;
	dfx_volume(&dfx, 0, DDF_RAID1, 0, "00/02");
	dfx_volume(&dfx, 1, DDF_RAID1, 0, "00/02 v1 0,1");
	assert_false(ddf_place_of_slot(&dfx.c, 0, 0, &p));
	assert_false(ddf_place_of(&dfx.c, 0, dfx_ref(0), &p));
	assert_int_equal(ddf_slot_of(&dfx.c, 0, dfx_ref(0)), -1);
}

/* A record that names it may have been refused by a disk that is older than others, or of which nothing says what it is for. */
static void which_disk_may_lack_records(void **state)
{
	static const struct {
		const char *pds;
		bool has_record, behind, may_lack;
	} row[] = {
		{ "0:03/01", false, false, true },
		{ "0:03/01", true, false, false },
		{ "0:03/01", true, true, true },
		{ "0:05/01", false, false, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		dfx_again();
		dfx_disks(&dfx, row[i].pds);
		dfx_volume(&dfx, 0, DDF_RAID1, 0, "00/02 v1 0,1");
		if (row[i].has_record)
			memcpy(dfx.config[0], ddf_any_record(&dfx.c, 0), ddf_record_bytes(&dfx.c.layout));
		ddf_note_lacking(&dfx.c, &dfx.dl[0], row[i].behind);
		assert_int_equal(dfx.dl[0].may_lack_records, row[i].may_lack);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, dfx_setup, dfx_teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(a_slot_is_found_in_the_record_of_its_bvd),
		TEST(a_disk_is_found_in_whatever_record_names_it),
		TEST(special_references_name_no_disk),
		TEST(a_disk_rebuilt_in_memory_has_a_slot),
		TEST(which_disk_may_lack_records),
		TEST(without_records_there_are_no_slots),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
