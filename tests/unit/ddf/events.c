/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ddf/events.c: slots, states, and what events make of the metadata (ddf.md 3 to 6, 15 and 19). */
#include "tests/unit/support/ddf-steps.h"

#include <errno.h>

/* ... and being told again changes nothing. */
static void tell_twice(unsigned vd, int level, const char *members)
{
	static struct fx_snapshot before;

	tell(vd, level, members);
	fx_save(&f, &before);
	tell(vd, level, members);
	fx_assert_unchanged(&f, &before);
}

/* ---- slots ---- */

static void place_text(char *text, unsigned vd, unsigned slot)
{
	struct ddf_place p;

	if (ddf_place_of_slot(&f.c, vd, slot, &p))
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

		again();
		fx_volume(&f, 3, DDF_RAID1, 0, row[i].vd);
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
		again();
		fx_volume(&f, 0, DDF_RAID1, 0, row[i].vd);
		for (unsigned n = 0; n < 6; n++) {
			struct ddf_place p;
			bool found = ddf_place_of(&f.c, 0, fx_ref(n), &p);

			assert_int_equal(ddf_slot_of(&f.c, 0, fx_ref(n)), row[i].slot[n]);
			assert_int_equal(found, row[i].slot[n] >= 0);
			if (found)
				assert_int_equal(ddf_element_ref(p.record, p.index), fx_ref(n));
		}
	}
}

static void special_references_name_no_disk(void **state)
{
	struct ddf_place p;

	(void)state;
	fx_volume(&f, 0, DDF_RAID5, 3, "00/02 v1 _,-,2");
	assert_false(ddf_place_of(&f.c, 0, DDF_REF_MISSING, &p));
	assert_false(ddf_place_of(&f.c, 0, DDF_REF_NONE, &p));
	assert_int_equal(ddf_slot_of(&f.c, 0, DDF_REF_MISSING), -1);
}

static void a_disk_rebuilt_in_memory_has_a_slot(void **state)
{
	(void)state;
	fx_volume(&f, 0, DDF_RAID1, 0, "01/02 v1 0,1");
	f.c.rebuild[5] = (struct ddf_rebuild){ .used = true, .vd = 0, .slot = 1, .refnum = fx_ref(2) };
	f.c.rebuild[6] = (struct ddf_rebuild){ .used = true, .vd = 1, .slot = 0, .refnum = fx_ref(3) };
	assert_int_equal(ddf_slot_of(&f.c, 0, fx_ref(2)), 1);
	assert_int_equal(ddf_slot_of(&f.c, 0, fx_ref(3)), -1);
	assert_int_equal(ddf_slot_of(&f.c, 0, fx_ref(0)), 0);
}

static void without_records_there_are_no_slots(void **state)
{
	struct ddf_place p;

	(void)state;
	fx_volume(&f, 0, DDF_RAID1, 0, "00/02");
	fx_volume(&f, 1, DDF_RAID1, 0, "00/02 v1 0,1");
	assert_false(ddf_place_of_slot(&f.c, 0, 0, &p));
	assert_false(ddf_place_of(&f.c, 0, fx_ref(0), &p));
	assert_int_equal(ddf_slot_of(&f.c, 0, fx_ref(0)), -1);
}

/* ---- states ---- */

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
		fx_pd_entry(&f, n, n, 0x03, letters[n] == 'w' ? 0x01 : 0x03);
}

static void state_of_a_bvd(void **state)
{
	static const struct {
		unsigned prl, rlq;
		const char *disks;
		const char *vd;
		unsigned expected;
	} row[] = {
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

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		enum ddf_vd_state got;

		again();
		some_disks_work(row[i].disks);
		fx_volume(&f, 0, row[i].prl, row[i].rlq, row[i].vd);
		got = ddf_bvd_state(&f.c, fx_record(&f, 0, 0));
		if (got != row[i].expected)
			fail_msg("row %zu: level %x, %s, %s: state %u", i, row[i].prl, row[i].disks, row[i].vd, got);
	}
}

static void enough_copies(void **state)
{
	static const struct {
		unsigned near, far;
		const char *disks;
		bool enough;
	} row[] = {
		{ 2, 1, "ww", true },    { 2, 1, "w-", true },    { 2, 1, "--", false },
		{ 2, 1, "w--w", true },  { 2, 1, "ww--", false }, { 3, 1, "w----w", true },
		{ 3, 1, "www---", false }, { 1, 2, "w-w-", true }, { 1, 2, "w--w", false },
		{ 1, 2, "-ww", true },   { 1, 2, "w--", false },  { 1, 1, "www", true },
		{ 1, 1, "ww-", false },  { 2, 1, "w-w-w", true }, { 2, 1, "-www-", false },
		{ 0, 1, "ww", false },   { 2, 0, "ww", false },   { 2, 1, "", false },
		{ 2, 2, "---w", true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		unsigned n = (unsigned)strlen(row[i].disks);
		bool *working = calloc(n + 1, sizeof(*working)); /* so that a read too far is seen */

		for (unsigned k = 0; k < n; k++)
			working[k] = row[i].disks[k] == 'w';
		if (ddf_enough_copies(row[i].near, row[i].far, working, n) != row[i].enough)
			fail_msg("row %zu: %u near, %u far, %s", i, row[i].near, row[i].far, row[i].disks);
		free(working);
	}
}

/* By the states of mirrors of two: o optimal, d degraded, f failed; of three: p partially optimal; ? not known. */
static void a_bvd_in_state(char **p, unsigned *disk, char letter)
{
	static const char *const working[] = { ['o'] = "www", ['p'] = "w-w", ['d'] = "-w-", ['f'] = "---" };

	if (letter == '?') {
		fx_put(p, " ?");
		return;
	}
	fx_put(p, " v1 %u,%u,%u", *disk, *disk + 1, *disk + 2);
	for (const char *w = working[(unsigned char)letter]; *w; w++, ++*disk)
		fx_pd_entry(&f, *disk, *disk, 0x03, *w == 'w' ? 0x01 : 0x03);
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

		again();
		fx_put(&p, "00/02");
		for (const char *b = row[i].bvds; *b; b++)
			a_bvd_in_state(&p, &disk, *b);
		fx_volume(&f, 0, DDF_RAID1, 1, text);
		for (unsigned seq = 0; seq < strlen(row[i].bvds); seq++)
			if (fx_record(&f, 0, seq))
				fx_record(&f, 0, seq)->srl = (uint8_t)row[i].srl;
		if (ddf_vd_state(&f.c, 0) != row[i].expected)
			fail_msg("%s, srl %u: state %u", row[i].bvds, row[i].srl, ddf_vd_state(&f.c, 0));
	}
}

static void an_update_changes_the_low_three_bits_only(void **state)
{
	(void)state;
	fx_disks(&f, "0:03/01 1:03/03");
	fx_volume(&f, 0, DDF_RAID1, 0, "18/42 v1 0,1");
	assert_true(ddf_update_state(&f.c, 0));
	check_vd(0, "19/42 v1 0,1");
	assert_false(ddf_update_state(&f.c, 0));
	fx_pd_state(&f, 1, 0x01);
	assert_true(ddf_update_state(&f.c, 0));
	check_vd(0, "18/42 v1 0,1");
}

static void a_virtual_disk_without_records_keeps_its_state(void **state)
{
	(void)state;
	fx_volume(&f, 0, DDF_RAID1, 0, "05/02");
	fx_volume(&f, 1, DDF_RAID1, 0, "00/02 ? ?");
	assert_false(ddf_update_state(&f.c, 0));
	assert_false(ddf_update_state(&f.c, 1));
	assert_false(ddf_update_state(&f.c, 2));
	check_vd(0, "05/02");
	check_vd(1, "00/02 ? ?");
	check_vd(2, "none");
}

/* 15, item 31 */
static void all_virtual_disks_of_a_disk_are_updated(void **state)
{
	(void)state;
	fx_disks(&f, "0:03/01 1:03/03 2:03/01");
	fx_volume(&f, 0, DDF_RAID1, 0, "00/02 v1 0,1");
	fx_volume(&f, 1, DDF_RAID1, 0, "05/02 v1 0,2");
	fx_volume(&f, 14, DDF_RAID0, 0, "00/02 v1 2,1@16384");
	ddf_update_states_of(&f.c, fx_ref(1));
	check_vd(0, "01/02 v1 0,1");
	check_vd(1, "05/02 v1 0,2");
	check_vd(14, "04/02 v1 2,1@16384");
}

static void a_stamp_is_a_new_number_and_the_time(void **state)
{
	(void)state;
	fx_volume(&f, 0, DDF_RAID1, 0, "00/02 v4294967295 0,1");
	ddf_stamp(&f.c, fx_record(&f, 0, 0));
	check_vd(0, "00/02 v0 0,1");
	assert_int_equal(be32_get(fx_record(&f, 0, 0)->timestamp), FX_NOW);
}

/* ---- open ---- */

static void an_array_is_bound_to_a_virtual_disk_that_is_known(void **state)
{
	bool broken[FX_DISKS];

	(void)state;
	fx_disks(&f, "0:03/01 1:03/01");
	fx_volume(&f, 0, DDF_RAID1, 0, "00/02 v1 0,1");
	fx_volume(&f, 1, DDF_RAID1, 0, "00/02");
	fx_volume(&f, 2, DDF_RAID1, 0, "00/02 ? ?");
	fx_md(&f, 1, 0, "0,1");
	assert_int_equal(ddf_open_array(&f.c, 1, f.member, f.members, broken), -ENODEV);
	assert_int_equal(ddf_open_array(&f.c, 2, f.member, f.members, broken), -ENODEV);
	assert_int_equal(ddf_open_array(&f.c, 3, f.member, f.members, broken), -ENODEV);
	assert_int_equal(ddf_open_array(&f.c, FX_VDS, f.member, f.members, broken), -ENODEV);
	assert_int_equal(ddf_open_array(&f.c, UINT32_MAX, f.member, f.members, broken), -ENODEV);
	assert_false(f.volume[1].live || f.volume[2].live || f.volume[3].live);
	f.c.layout.max_vd = 0;
	assert_int_equal(ddf_open_array(&f.c, 0, f.member, f.members, broken), -ENODEV);
	f.c.layout.max_vd = FX_VDS;
	assert_int_equal(ddf_open_array(&f.c, 0, f.member, f.members, broken), 0);
	assert_true(f.volume[0].live);
	assert_int_equal(ddf_open_array(&f.c, 0, f.member, f.members, broken), -EBUSY);
	ddf_close_array(&f.c, 0);
	assert_int_equal(ddf_open_array(&f.c, 0, f.member, f.members, broken), 0);
}

static void a_member_that_has_failed_on_record_is_broken(void **state)
{
	static const unsigned pd_state[] = { 0x01, 0x05, 0x03, 0x41, 0x00, 0x31, 0x02 };
	static const bool expected[] = { false, false, true, true, true, false, true, false, false };
	bool broken[9];

	(void)state;
	for (unsigned n = 0; n < 7; n++)
		fx_pd_entry(&f, n, n, 0x03, pd_state[n]);
	for (unsigned n = 0; n < 8; n++)
		fx_present(&f, n); /* disk 7 is not in the table, disk 8 not in the container */
	fx_volume(&f, 0, DDF_RAID5, 3, "00/02 v1 0,1,2,3,4,5,6,7,8");
	fx_md(&f, 5, 0, "0,1,2,3,4,5,6,7,8");
	memset(broken, 0xff, sizeof(broken));
	assert_int_equal(ddf_open_array(&f.c, 0, f.member, f.members, broken), 0);
	for (unsigned n = 0; n < 9; n++)
		assert_int_equal(broken[n], expected[n]);
}

/* 15, item 10 */
static void positions_never_filled_become_slots(void **state)
{
	static const struct {
		unsigned prl;
		const char *before, *members, *after;
	} row[] = {
		{ DDF_RAID5, "01/00 v2 0,1,-", "0,1,-", "01/00 v3 0,1,_" },
		{ DDF_RAID5, "01/00 v2 0,-,2", "0,-,2", "01/00 v3 0,_,2" },
		{ DDF_RAID5, "01/00 v2 -,1,2", "-,1,2", "01/00 v3 _,1,2" },
		{ DDF_RAID6, "01/00 v2 0,-,2,-", "0,-,2,-", "01/00 v3 0,_,2,_" },
		{ DDF_RAID1, "01/00 v2 0,- v2 -,3", "0,-,-,3", "01/00 v3 0,_ v3 _,3" },
		{ DDF_RAID1, "01/00 v2 0,1 v2 -,3", "0,1,-,3", "01/00 v2 0,1 v3 _,3" },
		{ DDF_RAID1, "04/00 v2 0,- ?", "0,-,-,-", "04/00 v3 0,_ ?" },
		{ DDF_RAID5, "01/00 v2 0,1,_", "0,1,-", "01/00 v2 0,1,_" },
		/* One more member, which the records do not name (a rebuild in memory), says nothing. */
		{ DDF_RAID5, "01/00 v2 0,1,-", "0,1,5", "01/00 v3 0,1,_" },
		/* md has slots that were counted: it stays so. */
		{ DDF_RAID5, "01/00 v2 0,-,2", "0,2,-", "01/00 v2 0,-,2" },
		{ DDF_RAID5, "01/00 v2 -,1,2", "1,2,-", "01/00 v2 -,1,2" },
		{ DDF_RAID1, "01/00 v2 0,1 v2 -,3", "0,1,3,-", "01/00 v2 0,1 v2 -,3" },
		/* Nobody can say. */
		{ DDF_RAID5, "01/00 v2 0,1,-", "8,9,-", "01/00 v2 0,1,-" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		again();
		fx_disks(&f, "0:03/01 1:03/01 2:03/01 3:03/01 4:03/01 5:03/01");
		fx_volume(&f, 0, row[i].prl, 3, row[i].before);
		fx_md(&f, 5, 0, row[i].members);
		open_array(0);
		check_vd(0, row[i].after);
		ddf_close_array(&f.c, 0);
		open_array(0);
		check_vd(0, row[i].after);
	}
}

/* A member without a slot in md says nothing of positions. */
static void a_member_that_was_taken_away_does_not_keep_holes_from_being_filled(void **state)
{
	(void)state;
	fx_disks(&f, "0:03/01 1:03/01 2:03/03");
	fx_volume(&f, 0, DDF_RAID6, 3, "01/00 v2 0,1,2,-");
	fx_md(&f, 6, 0, "0,1,2,-");
	f.member[2].slot = -1;
	open_array(0);
	check_vd(0, "01/00 v3 0,1,2,_");
}

static void what_was_rebuilt_in_memory_is_forgotten_when_the_array_ends(void **state)
{
	(void)state;
	fx_disks(&f, "0:03/01 1:03/01 2:03/01");
	fx_volume(&f, 0, DDF_RAID1, 0, "00/02 v1 0,1");
	fx_volume(&f, 1, DDF_RAID1, 0, "00/02 v1 0,1");
	f.c.rebuild[3] = (struct ddf_rebuild){ .used = true, .vd = 0, .slot = 1, .refnum = fx_ref(2) };
	f.c.rebuild[4] = (struct ddf_rebuild){ .used = true, .vd = 1, .slot = 1, .refnum = fx_ref(2) };
	watch(0, 1, "0,1");
	ddf_close_array(&f.c, 0);
	assert_false(f.volume[0].live);
	assert_false(f.c.rebuild[3].used);
	assert_true(f.c.rebuild[4].used);
}

/* ---- an array's state ---- */

static void consistency_and_init_state(void **state)
{
	static const struct {
		enum consistency want;
		uint64_t resync_start;
		const char *after;
		enum consistency got;
	} row[] = {
		{ MARK_DIRTY, SECTORS_NONE, "10/02", MARK_DIRTY },
		{ MARK_DIRTY, FX_BLOCKS, "10/02", MARK_DIRTY },
		{ MARK_DIRTY, 0, "10/00", MARK_DIRTY },
		{ MARK_DIRTY, 1, "10/01", MARK_DIRTY },
		{ MARK_DIRTY, FX_BLOCKS - 1, "10/01", MARK_DIRTY },
		{ MARK_CLEAN, SECTORS_NONE, "00/02", MARK_CLEAN },
		{ MARK_CLEAN, 0, "00/00", MARK_CLEAN },
		{ MARK_CLEAN, 5, "00/01", MARK_CLEAN },
		{ MARK_DECIDE, SECTORS_NONE, "00/02", MARK_CLEAN },
		{ MARK_DECIDE, 0, "10/00", MARK_DIRTY },
		{ MARK_DECIDE, 5, "10/01", MARK_DIRTY },
	};
	static const unsigned before[] = { 0x00, 0x10 };

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(row) / sizeof(row[0]); i++) {
		char text[64];

		again();
		fx_disks(&f, "0:03/01 1:03/01");
		sprintf(text, "%02x/%02x v1 0,1", before[i % 2], i % 3 ? 3u : 0u);
		fx_volume(&f, 0, DDF_RAID1, 0, text);
		watch(0, 1, "0,1");
		f.md.resync_start = row[i / 2].resync_start;
		for (unsigned twice = 0; twice < 2; twice++) {
			assert_int_equal(ddf_set_array_state(&f.c, 0, &f.md, row[i / 2].want), row[i / 2].got);
			sprintf(text, "%s v1 0,1", row[i / 2].after);
			check_vd(0, text);
		}
	}
}

static void other_bits_of_state_and_init_state_stay(void **state)
{
	(void)state;
	fx_disks(&f, "0:03/01 1:03/03");
	fx_volume(&f, 0, DDF_RAID1, 0, "09/c1 v1 0,1");
	fx_md(&f, 1, 0, "0,-");
	open_array(0);
	ddf_set_array_state(&f.c, 0, &f.md, MARK_DIRTY);
	check_vd(0, "19/c2 v1 0,1");
	ddf_set_array_state(&f.c, 0, &f.md, MARK_CLEAN);
	check_vd(0, "09/c2 v1 0,1");
}

static void a_resync_goes_over_what_its_level_says(void **state)
{
	static const struct {
		int level, layout, disks;
		uint64_t size; /* sectors */
	} row[] = {
		{ 1, 0, 2, FX_BLOCKS },           { 4, 0, 3, FX_BLOCKS },          { 5, 2, 4, FX_BLOCKS },
		{ 6, 10, 5, FX_BLOCKS },          { 10, 0x102, 4, FX_BLOCKS * 2 }, { 10, 0x102, 6, FX_BLOCKS * 3 },
		{ 10, 0x103, 6, FX_BLOCKS * 2 },  { 10, 0x201, 4, FX_BLOCKS * 2 }, { 10, 0x102, 3, FX_BLOCKS * 3 / 2 },
		{ 10, 0x202, 4, FX_BLOCKS },      { 10, 0, 4, 0 },                 { 0, 0, 2, 0 },
	};

	(void)state;
	fx_volume(&f, 0, DDF_RAID1, 0, "00/02 v1 0,1");
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct ddf_md_array md = {
			.level = row[i].level, .layout = row[i].layout, .raid_disks = row[i].disks,
			.component_size = FX_BLOCKS, .resync_start = row[i].size,
		};

		ddf_set_array_state(&f.c, 0, &md, MARK_CLEAN);
		assert_int_equal(fx_vd(&f, 0)->init_state, DDF_INITIALISED);
		if (!row[i].size)
			continue;
		md.resync_start--;
		ddf_set_array_state(&f.c, 0, &md, MARK_CLEAN);
		assert_int_equal(fx_vd(&f, 0)->init_state, DDF_QUICK_INIT);
	}
}

/* ---- disks that are missing when an array starts ---- */

static void a_disk_that_is_missing_at_the_start_is_lost(void **state)
{
	static const struct {
		unsigned prl;
		const char *pds, *vd, *pds_after, *vd_after;
	} row[] = {
		/* 19, T2 */
		{ DDF_RAID1, "0:03/01 1:03/01?", "00/02 v3 0,1", "0:03/01 1:03/42?", "01/02 v5 0,_" },
		{ DDF_RAID1, "0:03/01? 1:03/01", "00/02 v3 0,1", "0:03/42? 1:03/01", "01/02 v5 _,1" },
		/* Known to have failed: the state does not change. */
		{ DDF_RAID1, "0:03/01 1:03/03?", "01/02 v3 0,1", "0:03/01 1:03/42?", "01/02 v4 0,_" },
		{ DDF_RAID1, "0:03/01 1:03/43?", "01/02 v3 0,1", "0:03/01 1:03/42?", "01/02 v4 0,_" },
		{ DDF_RAID1, "0:03/01 1:03/05?", "01/02 v3 0,1", "0:03/01 1:03/46?", "01/02 v4 0,_" },
		/* Not online, not in the table, or there: left alone. */
		{ DDF_RAID1, "0:03/01 1:03/42?", "01/02 v3 0,1", "0:03/01 1:03/42?", "01/02 v3 0,1" },
		{ DDF_RAID1, "0:03/01", "01/02 v3 0,1", "0:03/01", "01/02 v3 0,1" },
		{ DDF_RAID1, "0:03/01 1:03/03", "01/02 v3 0,1", "0:03/01 1:03/03", "01/02 v3 0,1" },
		{ DDF_RAID1, "0:03/01", "01/02 v3 0,-", "0:03/01", "01/02 v3 0,-" },
		{ DDF_RAID6, "0:03/01? 1:03/01 2:03/01? 3:03/01", "00/02 v3 0,1,2,3",
		  "0:03/42? 1:03/01 2:03/42? 3:03/01", "01/02 v6 _,1,_,3" },
		/* Only the records concerned. */
		{ DDF_RAID1, "0:03/01 1:03/01 2:03/01 3:03/01?", "00/02 v3 0,1 v7 2,3",
		  "0:03/01 1:03/01 2:03/01 3:03/42?", "01/02 v3 0,1 v9 2,_" },
		{ DDF_RAID1, "0:03/01 1:03/01? 2:03/01? 3:03/01", "00/02 v3 0,1 v7 2,3",
		  "0:03/01 1:03/42? 2:03/42? 3:03/01", "01/02 v5 0,_ v9 _,3" },
		/* The state is brought up to date whatever was lost. */
		{ DDF_RAID1, "0:03/01 1:03/03", "00/02 v3 0,1", "0:03/01 1:03/03", "01/02 v3 0,1" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		again();
		fx_disks(&f, row[i].pds);
		fx_volume(&f, 0, row[i].prl, 3, row[i].vd);
		fx_md(&f, 1, 0, "-,-");
		open_array(0);
		for (unsigned twice = 0; twice < 2; twice++) {
			ddf_set_array_state(&f.c, 0, &f.md, MARK_DECIDE);
			check_pds(row[i].pds_after);
			check_vd(0, row[i].vd_after);
		}
	}
}

static void missing_disks_are_looked_for_at_the_start_only(void **state)
{
	(void)state;
	fx_disks(&f, "0:03/01 1:03/01?");
	fx_volume(&f, 0, DDF_RAID1, 0, "00/02 v3 0,1");
	fx_md(&f, 1, 0, "0,-");
	open_array(0);
	ddf_set_array_state(&f.c, 0, &f.md, MARK_CLEAN);
	ddf_set_array_state(&f.c, 0, &f.md, MARK_DIRTY);
	check_pds("0:03/01 1:03/01?");
	check_vd(0, "10/02 v3 0,1");
}

static void a_disk_that_is_missing_is_lost_for_all_its_virtual_disks(void **state)
{
	(void)state;
	fx_disks(&f, "0:03/01 1:03/01?");
	fx_volume(&f, 0, DDF_RAID1, 0, "00/02 v3 0,1");
	fx_volume(&f, 1, DDF_RAID0, 0, "00/02 v3 0@16384,1@16384");
	fx_md(&f, 1, 0, "0,-");
	open_array(0);
	ddf_set_array_state(&f.c, 0, &f.md, MARK_DECIDE);
	check_vd(0, "01/02 v5 0,_");
	check_vd(1, "04/02 v3 0@16384,1@16384");
}

/* ---- a member fails ---- */

static void a_member_that_fails_is_marked(void **state)
{
	static const struct {
		unsigned prl, rlq;
		const char *vd, *members, *after;
	} row[] = {
		{ DDF_RAID1, 0, "00/02 v3 0,1", "0,1x", "01/02 v4 0,1" },
		{ DDF_RAID1, 0, "00/02 v3 0,1", "0x,1", "01/02 v4 0,1" },
		{ DDF_RAID1, 0, "00/02 v3 0,1", "0,1?", "01/02 v4 0,1" },
		{ DDF_RAID1, 0, "00/02 v3 1,0", "1x,0", "01/02 v4 1,0" },
		{ DDF_RAID1, 1, "00/02 v3 0,1,2", "0,1x,2", "05/02 v4 0,1,2" }, /* 19, T4 */
		{ DDF_RAID1, 1, "00/02 v3 0,1,2", "0x,1x,2", "01/02 v5 0,1,2" },
		{ DDF_RAID5, 3, "00/02 v3 0,1,2", "0,1x,2", "01/02 v4 0,1,2" },
		{ DDF_RAID5, 3, "00/02 v3 0,1,2", "0x,1x,2", "04/02 v5 0,1,2" },
		{ DDF_RAID6, 3, "00/02 v3 0,1,2,3", "0,1x,2,3", "05/02 v4 0,1,2,3" },
		{ DDF_RAID6, 3, "00/02 v3 0,1,2,3", "0,1x,2x,3", "01/02 v5 0,1,2,3" },
		{ DDF_RAID1, 0, "00/02 v3 0,1 v3 2,3", "0,1,2,3x", "01/02 v3 0,1 v4 2,3" },
		/* 15, item 3 */
		{ DDF_RAID1, 0, "00/02 v1 0,1 v2 2,3 v3 4,5", "0x,1,2,3,4,5", "01/02 v2 0,1 v2 2,3 v3 4,5" },
		{ DDF_RAID1, 0, "00/02 v1 0,1 v2 2,3 v3 4,5", "0,1,2x,3,4,5", "01/02 v1 0,1 v3 2,3 v3 4,5" },
		{ DDF_RAID1, 0, "00/02 v1 0,1 v2 2,3 v3 4,5", "0,1,2,3,4x,5", "01/02 v1 0,1 v2 2,3 v4 4,5" },
		{ DDF_RAID1, 0, "00/02 v1 0,1 v2 2,3 v3 4,5", "0,1,2,3,4,5x", "01/02 v1 0,1 v2 2,3 v4 4,5" },
		{ DDF_RAID1, 1, "00/02 v1 0,1,2 v2 3,4,5", "0,1,2,3x,4,5", "05/02 v1 0,1,2 v3 3,4,5" },
		{ DDF_RAID1, 1, "00/02 v1 0,1,2 v2 3,4,5", "0,1,2,3,4,5x", "05/02 v1 0,1,2 v3 3,4,5" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		again();
		fx_disks(&f, "0:03/01 1:03/01 2:03/01 3:03/01 4:03/01 5:03/01");
		fx_volume(&f, 0, row[i].prl, row[i].rlq, row[i].vd);
		fx_md(&f, 1, 0, row[i].members);
		open_array(0);
		tell_twice(0, 1, row[i].members);
		check_vd(0, row[i].after);
		for (unsigned k = 0; k < f.members; k++) {
			unsigned n = (unsigned)(f.member[k].dev - fx_dev(0));

			assert_int_equal(be16_get(fx_pd_of(&f, n)->state),
					 f.member[k].state & MEMBER_FAULTY ? 0x03 : 0x01);
		}
	}
}

/* The slot that md had taken away before anybody looked does not matter. */
static void a_failed_member_is_found_by_its_disk(void **state)
{
	(void)state;
	fx_disks(&f, "0:03/01 1:03/01 2:03/01");
	fx_volume(&f, 0, DDF_RAID5, 3, "01/00 v2 -,1,2");
	watch(0, 5, "1,2,-");
	tell_twice(0, 5, "1,2x,-");
	check_pds("0:03/01 1:03/01 2:03/03");
	check_vd(0, "04/00 v3 -,1,2");
}

static void being_in_sync_changes_nothing_of_a_good_array(void **state)
{
	static struct fx_snapshot before;

	(void)state;
	fx_disks(&f, "0:03/01 1:03/01 2:03/31");
	fx_volume(&f, 0, DDF_RAID5, 3, "00/02 v4 0,1,2");
	watch(0, 5, "0,1,2");
	fx_save(&f, &before);
	memset(before.volume[0].synced, 0, sizeof(before.volume[0].synced));
	before.volume[0].synced[0] = 7;
	fx_assert_unchanged(&f, &before);
	check_vd(0, "00/02 v4 0,1,2");
	check_pds("0:03/01 1:03/01 2:03/31");
}

/* 15, item 24 */
static void a_failure_counts_even_if_the_disk_has_left_the_container(void **state)
{
	(void)state;
	fx_disks(&f, "0:03/01 1:03/41? 2:03/01 3:03/01");
	fx_volume(&f, 0, DDF_RAID1, 0, "01/02 v3 0,1 v3 2,3");
	fx_md(&f, 10, 0x102, "0,1,2,3");
	open_array(0);
	tell_twice(0, 10, "0,1x,2,3");
	check_pds("0:03/01 1:03/43? 2:03/01 3:03/01");
	check_vd(0, "01/02 v4 0,1 v3 2,3");
}

static void a_member_that_is_not_known_is_not_taken_for_the_one_that_is_there(void **state)
{
	(void)state;
	fx_disks(&f, "0:03/01 1:03/01");
	fx_volume(&f, 0, DDF_RAID1, 0, "00/02 v3 0,1");
	watch(0, 1, "0,1");
	tell_twice(0, 1, "0,9x");
	tell_twice(0, 1, "0,9");
	tell_twice(0, 1, "0,9!");
	check_pds("0:03/01 1:03/01");
	check_vd(0, "00/02 v3 0,1");
}

/* ... nor does it count as failed because md says that it is well. */
static void a_member_that_is_not_known_is_left_alone_while_it_works(void **state)
{
	(void)state;
	fx_disks(&f, "0:03/01 1:03/01?");
	fx_volume(&f, 0, DDF_RAID1, 0, "00/02 v3 0,1");
	watch(0, 1, "0,1");
	tell_twice(0, 1, "0,1");
	tell_twice(0, 1, "0,1!");
	check_pds("0:03/01 1:03/01?");
	check_vd(0, "00/02 v3 0,1");
}

static void a_slot_that_does_not_exist_is_ignored(void **state)
{
	struct md_member m = { .dev = fx_dev(2), .slot = 7, .state = MEMBER_IN_SYNC };

	(void)state;
	fx_disks(&f, "0:03/01 1:03/03 2:05/01");
	fx_volume(&f, 0, DDF_RAID1, 0, "01/02 v3 0,1");
	watch(0, 1, "0,-");
	ddf_set_disk(&f.c, 0, 7, &m);
	ddf_set_disk(&f.c, 5, 0, &m);
	check_vd(0, "01/02 v3 0,1");
	check_pds("0:03/01 1:03/03 2:05/01");
}

/* 19, T1: one number more in each array's record, at the report of that array. */
static void a_disk_fails_in_two_arrays(void **state)
{
	(void)state;
	fx_disks(&f, "0:03/01 1:03/01 2:03/01");
	fx_volume(&f, 0, DDF_RAID1, 0, "00/02 v3 0,1");
	fx_volume(&f, 1, DDF_RAID5, 3, "00/02 v4 0@16384,1@16384,2");
	watch(0, 1, "0,1");
	watch(1, 5, "0,1,2");
	tell_twice(0, 1, "0,1x");
	check_pds("0:03/01 1:03/03 2:03/01");
	check_vd(0, "01/02 v4 0,1");
	check_vd(1, "01/02 v4 0@16384,1@16384,2");
	tell_twice(1, 5, "0,1x,2");
	tell_twice(0, 1, "0,1x");
	check_vd(0, "01/02 v4 0,1");
	check_vd(1, "01/02 v5 0@16384,1@16384,2");
	assert_int_equal(be32_get(fx_record(&f, 1, 0)->timestamp), FX_NOW);
}

/* 15, item 31: what nobody watches has lost the disk, too. */
static void arrays_that_are_not_watched_learn_of_a_failure(void **state)
{
	(void)state;
	fx_disks(&f, "0:03/01 1:03/01");
	fx_volume(&f, 0, DDF_RAID1, 0, "00/02 v3 0,1");
	fx_volume(&f, 1, DDF_RAID0, 0, "00/02 v2 0@16384,1@16384");
	watch(0, 1, "0,1");
	tell_twice(0, 1, "0,1x");
	check_vd(1, "04/02 v2 0@16384,1@16384");
}

/* ---- a member has been rebuilt ---- */

static void a_rebuilt_member_works_again(void **state)
{
	(void)state;
	fx_disks(&f, "0:03/01 1:05/0b 2:03/05");
	fx_volume(&f, 0, DDF_RAID1, 0, "01/02 v4 0,2");
	fx_md(&f, 1, 0, "0,2!");
	open_array(0);
	tell_twice(0, 1, "0,2!");
	check_pds("0:03/01 1:05/0b 2:03/05");
	check_vd(0, "01/02 v4 0,2");
	tell_twice(0, 1, "0,2");
	check_pds("0:03/01 1:05/0b 2:03/01"); /* 19, T3 */
	check_vd(0, "00/02 v5 0,2");
}

static void a_disk_that_failed_is_not_well_because_an_array_has_not_noticed_yet(void **state)
{
	(void)state;
	fx_disks(&f, "0:03/01 1:03/07 2:03/45");
	fx_volume(&f, 0, DDF_RAID1, 1, "01/02 v4 0,1,2");
	fx_md(&f, 1, 0, "0,1,2");
	open_array(0);
	tell_twice(0, 1, "0,1,2");
	check_pds("0:03/01 1:03/07 2:03/45");
	check_vd(0, "01/02 v4 0,1,2");
}

static void a_member_in_sync_is_online(void **state)
{
	(void)state;
	fx_disks(&f, "0:03/01 1:03/10");
	fx_volume(&f, 0, DDF_RAID1, 0, "01/02 v4 0,1");
	watch(0, 1, "0,1");
	check_pds("0:03/01 1:03/11");
	check_vd(0, "00/02 v5 0,1");
}

/* 15, item 34 */
static void a_disk_is_rebuilding_until_all_its_arrays_are(void **state)
{
	(void)state;
	fx_disks(&f, "0:03/01 1:03/05");
	fx_volume(&f, 0, DDF_RAID1, 0, "01/02 v4 0,1");
	fx_volume(&f, 1, DDF_RAID1, 0, "01/02 v6 1@16384,0@16384");
	fx_md(&f, 1, 0, "0,1!");
	open_array(0);
	tell_twice(0, 1, "0,1!");
	fx_md(&f, 1, 0, "1!,0");
	open_array(1);
	tell_twice(1, 1, "1!,0");
	tell_twice(0, 1, "0,1");
	check_pds("0:03/01 1:03/05");
	check_vd(0, "01/02 v4 0,1");
	check_vd(1, "01/02 v6 1@16384,0@16384");
	tell_twice(1, 1, "1,0");
	check_pds("0:03/01 1:03/01");
	check_vd(0, "00/02 v4 0,1");
	check_vd(1, "00/02 v7 1@16384,0@16384");
}

static void who_else_keeps_a_disk_rebuilding(void **state)
{
	static const struct {
		unsigned prl, rlq;
		const char *other;
		bool keeps;
	} row[] = {
		{ DDF_RAID1, 0, "01/02 v1 0@16384,1@16384", true },
		{ DDF_RAID5, 3, "01/02 v1 0@16384,1@16384,2", true },
		{ DDF_RAID1E, 0, "01/02 v1 0@16384,1@16384,2", true },
		{ DDF_RAID1, 0, "01/02 v1 0@16384,2 v1 3,1@16384", true },
		/* Has nothing that could be rebuilt, or md cannot. */
		{ DDF_RAID0, 0, "04/02 v1 0@16384,1@16384", false },
		{ DDF_CONCAT, 0, "04/02 v1 0@16384,1@16384", false },
		{ DDF_RAID5E, 0, "01/02 v1 0@16384,1@16384,2", false },
		/* Does not name the disk. */
		{ DDF_RAID1, 0, "00/02 v1 0@16384,2", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		again();
		fx_disks(&f, "0:03/01 1:03/05 2:03/01 3:03/01");
		fx_volume(&f, 0, DDF_RAID1, 0, "01/02 v4 0,1");
		fx_volume(&f, 7, row[i].prl, row[i].rlq, row[i].other);
		watch(0, 1, "0,1");
		if ((be16_get(fx_pd_of(&f, 1)->state) == 0x05) != row[i].keeps)
			fail_msg("row %zu", i);
	}
}

/* An array that ended with all its data need not be there. */
static void an_array_that_ended_in_sync_does_not_keep_a_disk_rebuilding(void **state)
{
	(void)state;
	fx_disks(&f, "0:03/01 1:03/05");
	fx_volume(&f, 0, DDF_RAID1, 0, "01/02 v4 0,1");
	fx_volume(&f, 1, DDF_RAID1, 0, "01/02 v6 0@16384,1@16384");
	watch(0, 1, "0,1!");
	watch(1, 1, "0,1");
	ddf_close_array(&f.c, 1);
	tell_twice(0, 1, "0,1");
	check_pds("0:03/01 1:03/01");
}

/* But when it starts anew nobody knows. */
static void an_array_that_starts_has_to_be_seen_in_sync(void **state)
{
	(void)state;
	fx_disks(&f, "0:03/01 1:03/05");
	fx_volume(&f, 0, DDF_RAID1, 0, "01/02 v4 0,1");
	fx_volume(&f, 1, DDF_RAID1, 0, "01/02 v6 0@16384,1@16384");
	watch(1, 1, "0,1");
	ddf_close_array(&f.c, 1);
	open_array(1);
	watch(0, 1, "0,1");
	check_pds("0:03/01 1:03/05");
	tell_twice(1, 1, "0,1");
	check_pds("0:03/01 1:03/01");
}

static void a_failed_member_is_not_in_sync_any_more(void **state)
{
	(void)state;
	fx_disks(&f, "0:03/01 1:03/01");
	fx_volume(&f, 0, DDF_RAID1, 0, "00/02 v4 0,1");
	fx_volume(&f, 1, DDF_RAID1, 0, "00/02 v6 0@16384,1@16384");
	watch(0, 1, "0,1");
	watch(1, 1, "0,1");
	tell(1, 1, "0,1x");
	fx_pd_state(&f, 1, 0x05);
	tell_twice(0, 1, "0,1");
	check_pds("0:03/01 1:03/05");
}

/* ---- a member that the metadata do not name ---- */

/* 15, item 6 */
static void a_disk_of_other_arrays_is_named_when_it_has_its_data(void **state)
{
	(void)state;
	fx_disks(&f, "0:03/01 1:03/43? 2:03/01 3:03/01");
	fx_volume(&f, 0, DDF_RAID1, 0, "01/02 v4 0,1");
	fx_volume(&f, 1, DDF_RAID1, 0, "00/02 v6 2,3");
	fx_volume(&f, 2, DDF_RAID0, 0, "04/02 v6 0@16384,1@16384");
	f.c.rebuild[9] = (struct ddf_rebuild){
		.used = true, .vd = 0, .slot = 1, .refnum = fx_ref(2), .start = 16384, .length = FX_BLOCKS,
	};
	watch(0, 1, "0,2!@16384");
	check_vd(0, "01/02 v4 0,1");
	assert_true(f.c.rebuild[9].used);
	tell_twice(0, 1, "0,2@16384");
	check_vd(0, "00/02 v5 0,2@16384");
	assert_false(f.c.rebuild[9].used);
	check_pds("0:03/01 1:03/43? 2:03/01 3:03/01");
}

static void whom_a_member_in_sync_replaces(void **state)
{
	static const struct {
		const char *pds, *vd, *pds_after, *after;
	} row[] = {
		{ "0:03/01 1:03/03 2:05/01", "01/02 v4 0,1", "0:03/01 1:05/0b 2:03/01", "00/02 v5 0,2@5" },
		{ "0:03/01 1:03/43? 2:05/01", "01/02 v4 0,1", "0:03/01 2:03/01", "00/02 v5 0,2@5" },
		{ "0:03/01 1:03/41? 2:05/01", "01/02 v4 0,1", "0:03/01 1:03/41? 2:03/01", "00/02 v5 0,2@5" },
		{ "0:03/01 2:05/01", "01/02 v4 0,_", "0:03/01 2:03/01", "00/02 v5 0,2@5" },
		{ "0:03/01 2:05/01", "01/02 v4 0,9", "0:03/01 2:03/01", "00/02 v5 0,2@5" },
		{ "0:03/01 2:41/01", "01/02 v4 0,9", "0:03/01 2:43/01", "00/02 v5 0,2@5" },
		/* A disk that works, but that md has no use for. */
		{ "0:03/01 1:03/01 2:05/01", "00/02 v4 0,1", "0:03/01 1:05/01 2:03/01", "00/02 v6 0,2@5" },
		/* Nobody knows what became of it. */
		{ "0:03/01 1:03/01? 2:05/01", "00/02 v4 0,1", "0:03/01 1:03/01? 2:05/01", "00/02 v4 0,1" },
		/* Itself it must not have failed. */
		{ "0:03/01 1:03/03 2:05/03", "01/02 v4 0,1", "0:03/01 1:03/03 2:05/03", "01/02 v4 0,1" },
		{ "0:03/01 1:03/03 2:05/41", "01/02 v4 0,1", "0:03/01 1:03/03 2:05/41", "01/02 v4 0,1" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		again();
		fx_disks(&f, row[i].pds);
		fx_volume(&f, 0, DDF_RAID1, 0, row[i].vd);
		fx_md(&f, 1, 0, "0,2@5");
		open_array(0);
		tell_twice(0, 1, "0,2@5");
		check_vd(0, row[i].after);
		check_pds(row[i].pds_after);
	}
}

/* 15, item 10 */
static void a_member_in_sync_fills_a_position_never_filled(void **state)
{
	(void)state;
	fx_disks(&f, "0:03/01 1:03/01 2:05/01");
	fx_volume(&f, 0, DDF_RAID5, 3, "01/00 v2 0,1,-");
	fx_md(&f, 5, 0, "9,9,2@7");
	open_array(0);
	tell_twice(0, 5, "0,1,2@7");
	check_vd(0, "00/00 v3 0,1,2@7");
}

/* 15, item 4 */
static void a_member_in_sync_goes_into_its_own_mirror(void **state)
{
	(void)state;
	fx_disks(&f, "0:03/01 1:03/01 2:03/01 3:03/03 4:03/01 5:03/01 6:05/01");
	fx_volume(&f, 0, DDF_RAID1, 0, "01/02 v1 0,1 v1 2,3 v1 4,5");
	fx_md(&f, 10, 0x102, "0,1,2,6@8,4,5");
	open_array(0);
	tell_twice(0, 10, "0,1,2,6@8,4,5");
	check_vd(0, "00/02 v1 0,1 v2 2,6@8 v1 4,5");
}

static void a_disk_without_an_entry_is_not_named(void **state)
{
	(void)state;
	fx_disks(&f, "0:03/01 1:03/03");
	fx_present(&f, 2);
	fx_volume(&f, 0, DDF_RAID1, 0, "01/02 v4 0,1");
	watch(0, 1, "0,-");
	tell_twice(0, 1, "0,2");
	check_vd(0, "01/02 v4 0,1");
}

static void a_member_that_is_rebuilt_keeps_its_room_after_a_restart(void **state)
{
	const struct ddf_rebuild *b;

	(void)state;
	fx_disks(&f, "0:03/01 1:03/43? 2:03/01 3:03/01");
	fx_volume(&f, 0, DDF_RAID1, 0, "01/02 v4 0,1");
	fx_volume(&f, 1, DDF_RAID1, 0, "00/02 v6 2,3");
	f.c.rebuild[0] = (struct ddf_rebuild){ .used = true, .vd = 5, .slot = 1, .refnum = fx_ref(2) };
	fx_md(&f, 1, 0, "0,2!@16384");
	open_array(0);
	tell_twice(0, 1, "0,2!@16384");
	b = ddf_rebuild_of(&f.c, 0, fx_ref(2));
	assert_ptr_equal(b, &f.c.rebuild[1]);
	assert_int_equal(b->slot, 1);
	assert_int_equal(b->start, 16384);
	assert_int_equal(b->length, FX_BLOCKS);
	check_vd(0, "01/02 v4 0,1");
	check_pds("0:03/01 1:03/43? 2:03/01 3:03/01");
}

static void with_too_many_rebuilds_one_is_not_kept(void **state)
{
	(void)state;
	fx_disks(&f, "0:03/01 1:03/43? 2:03/01");
	fx_volume(&f, 0, DDF_RAID1, 0, "01/02 v4 0,1");
	for (unsigned i = 0; i < DDF_MAX_REBUILDS; i++)
		f.c.rebuild[i] = (struct ddf_rebuild){ .used = true, .vd = 5, .slot = i, .refnum = fx_ref(3) };
	watch(0, 1, "0,2!@16384");
	assert_null(ddf_rebuild_of(&f.c, 0, fx_ref(2)));
	assert_int_equal(f.c.rebuild[DDF_MAX_REBUILDS - 1].vd, 5);
	for (unsigned i = 0; i < sizeof(f.controller); i++) /* what comes behind the rebuilds */
		assert_int_equal(f.controller[i], 0xff);
}

static void a_slot_with_a_member_that_is_rebuilt_is_not_in_sync(void **state)
{
	(void)state;
	fx_disks(&f, "0:03/01 1:03/01 2:05/01");
	fx_volume(&f, 0, DDF_RAID1, 0, "00/02 v4 0,1");
	watch(0, 1, "0,1");
	assert_int_equal(f.volume[0].synced[0], 3);
	tell(0, 1, "0,2!");
	assert_int_equal(f.volume[0].synced[0], 1);
}

static void a_named_disk_without_an_entry_changes_nothing(void **state)
{
	(void)state;
	fx_disks(&f, "0:03/01");
	fx_present(&f, 1);
	fx_volume(&f, 0, DDF_RAID1, 1, "01/02 v4 0,1,2");
	watch(0, 1, "0,1,2");
	tell_twice(0, 1, "0,1!,2!");
	tell_twice(0, 1, "0,1x,2x");
	check_vd(0, "01/02 v4 0,1,2");
	check_pds("0:03/01");
}

/* Should md have been given a place that another virtual disk has: that one's data are there. */
static void a_place_that_another_virtual_disk_has_is_not_named(void **state)
{
	static const struct {
		const char *members, *vd;
	} row[] = {
		{ "0,2@16383", "01/02 v4 0,1" },
		{ "0,2@0", "01/02 v4 0,1" },
		{ "0,2@49153", "01/02 v4 0,1" }, /* nobody's, but not for arrays */
		{ "0,2@16384", "00/02 v5 0,2@16384" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		again();
		fx_disks(&f, "0:03/01 1:03/03 2:03/01 3:03/01");
		fx_volume(&f, 0, DDF_RAID1, 0, "01/02 v4 0,1");
		fx_volume(&f, 1, DDF_RAID1, 0, "00/02 v6 2,3");
		watch(0, 1, "0,-");
		tell_twice(0, 1, row[i].members);
		check_vd(0, row[i].vd);
	}
}

static void a_member_not_named_that_fails_is_no_failure_of_the_array(void **state)
{
	static const struct {
		const char *members, *pds, *other;
	} row[] = {
		{ "0,2x", "0:03/01 1:03/03 2:03/03 3:03/01", "01/02 v6 2,3" },
		{ "0,2?", "0:03/01 1:03/03 2:03/01 3:03/01", "00/02 v6 2,3" }, /* it was taken away */
	};

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		again();
		fx_disks(&f, "0:03/01 1:03/03 2:03/01 3:03/01");
		fx_volume(&f, 0, DDF_RAID1, 0, "01/02 v4 0,1");
		fx_volume(&f, 1, DDF_RAID1, 0, "00/02 v6 2,3");
		watch(0, 1, "0,2!@16384");
		assert_non_null(ddf_rebuild_of(&f.c, 0, fx_ref(2)));
		tell_twice(0, 1, row[i].members);
		assert_null(ddf_rebuild_of(&f.c, 0, fx_ref(2)));
		check_vd(0, "01/02 v4 0,1");
		check_vd(1, row[i].other);
		check_pds(row[i].pds);
	}
}

static void a_member_not_named_that_left_the_container_does_not_take_another_with_it(void **state)
{
	(void)state;
	fx_disks(&f, "0:03/01 1:03/01? 2:03/01? 3:03/01");
	fx_volume(&f, 0, DDF_RAID1, 0, "00/02 v4 0,1");
	f.c.rebuild[2] = (struct ddf_rebuild){ .used = true, .vd = 1, .slot = 1, .refnum = fx_ref(2) };
	f.c.rebuild[3] = (struct ddf_rebuild){ .used = true, .vd = 0, .slot = 0, .refnum = fx_ref(2) };
	f.c.rebuild[4] = (struct ddf_rebuild){ .used = true, .vd = 0, .slot = 1, .refnum = fx_ref(3) };
	f.c.rebuild[5] = (struct ddf_rebuild){ .used = true, .vd = 0, .slot = 1, .refnum = fx_ref(2) };
	fx_md(&f, 1, 0, "0,9x");
	open_array(0);
	tell(0, 1, "0,9x");
	assert_false(f.c.rebuild[5].used);
	assert_true(f.c.rebuild[2].used && f.c.rebuild[3].used && f.c.rebuild[4].used);
	check_pds("0:03/01 1:03/01? 2:03/01? 3:03/01");
	check_vd(0, "00/02 v4 0,1");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(a_slot_is_found_in_the_record_of_its_bvd),
		TEST(a_disk_is_found_in_whatever_record_names_it),
		TEST(special_references_name_no_disk),
		TEST(a_disk_rebuilt_in_memory_has_a_slot),
		TEST(without_records_there_are_no_slots),
		TEST(an_element_works_if_its_disk_is_online_and_has_its_data),
		TEST(state_of_a_bvd),
		TEST(enough_copies),
		TEST(state_of_several_bvds),
		TEST(an_update_changes_the_low_three_bits_only),
		TEST(a_virtual_disk_without_records_keeps_its_state),
		TEST(all_virtual_disks_of_a_disk_are_updated),
		TEST(a_stamp_is_a_new_number_and_the_time),
		TEST(an_array_is_bound_to_a_virtual_disk_that_is_known),
		TEST(a_member_that_has_failed_on_record_is_broken),
		TEST(positions_never_filled_become_slots),
		TEST(a_member_that_was_taken_away_does_not_keep_holes_from_being_filled),
		TEST(what_was_rebuilt_in_memory_is_forgotten_when_the_array_ends),
		TEST(consistency_and_init_state),
		TEST(other_bits_of_state_and_init_state_stay),
		TEST(a_resync_goes_over_what_its_level_says),
		TEST(a_disk_that_is_missing_at_the_start_is_lost),
		TEST(missing_disks_are_looked_for_at_the_start_only),
		TEST(a_disk_that_is_missing_is_lost_for_all_its_virtual_disks),
		TEST(a_member_that_fails_is_marked),
		TEST(a_failed_member_is_found_by_its_disk),
		TEST(being_in_sync_changes_nothing_of_a_good_array),
		TEST(a_failure_counts_even_if_the_disk_has_left_the_container),
		TEST(a_member_that_is_not_known_is_not_taken_for_the_one_that_is_there),
		TEST(a_member_that_is_not_known_is_left_alone_while_it_works),
		TEST(a_slot_that_does_not_exist_is_ignored),
		TEST(a_disk_fails_in_two_arrays),
		TEST(arrays_that_are_not_watched_learn_of_a_failure),
		TEST(a_rebuilt_member_works_again),
		TEST(a_disk_that_failed_is_not_well_because_an_array_has_not_noticed_yet),
		TEST(a_member_in_sync_is_online),
		TEST(a_disk_is_rebuilding_until_all_its_arrays_are),
		TEST(who_else_keeps_a_disk_rebuilding),
		TEST(an_array_that_ended_in_sync_does_not_keep_a_disk_rebuilding),
		TEST(an_array_that_starts_has_to_be_seen_in_sync),
		TEST(a_failed_member_is_not_in_sync_any_more),
		TEST(a_disk_of_other_arrays_is_named_when_it_has_its_data),
		TEST(whom_a_member_in_sync_replaces),
		TEST(a_member_in_sync_fills_a_position_never_filled),
		TEST(a_member_in_sync_goes_into_its_own_mirror),
		TEST(a_disk_without_an_entry_is_not_named),
		TEST(a_member_that_is_rebuilt_keeps_its_room_after_a_restart),
		TEST(with_too_many_rebuilds_one_is_not_kept),
		TEST(a_slot_with_a_member_that_is_rebuilt_is_not_in_sync),
		TEST(a_named_disk_without_an_entry_changes_nothing),
		TEST(a_place_that_another_virtual_disk_has_is_not_named),
		TEST(a_member_not_named_that_fails_is_no_failure_of_the_array),
		TEST(a_member_not_named_that_left_the_container_does_not_take_another_with_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
