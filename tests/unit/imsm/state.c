/* SPDX-License-Identifier: GPL-2.0-or-later */
/* imsm/state.c: what follows from the maps, the disks and what md says of them. */
#include "tests/unit/support/imsm-events.h"

static void test_geometry(void **state)
{
	static const struct {
		int level;
		const char *volume;
		unsigned data;
		uint64_t blocks, stripes, per_dev;
	} rows[] = {
		/* the first two are the examples of imsm.md 3.1 */
		{ 5, "N 0,1,2", 2, 32768, 128, 16384 },
		{ 10, "N 0,1,2,3", 2, 81920, 160, 40960 },
		{ 1, "N 0,1", 1, 32768, 128, 32768 },
		{ 0, "N 0,1,2", 3, 98304, 256, 32768 },
		{ 1, "N 0,1,2,3", 2, 81920, 160, 40960 }, /* RAID10 as firmware wants it */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct imsm_map *m = &ifx.c.meta.volume[0].map[0];

		ev_container(rows[i].level, rows[i].volume);
		assert_int_equal(imsm_map_data_members(m), rows[i].data);
		imsm_map_update_stripes(m, rows[i].blocks);
		assert_int_equal(imsm_map_stripes(m), rows[i].stripes);
		assert_int_equal(imsm_map_per_dev(m), rows[i].per_dev);
	}
}

/* An independent statement of what each level survives. */
static enum imsm_map_state survives(int level, unsigned members, unsigned bad_slots)
{
	unsigned bad = (unsigned)__builtin_popcount(bad_slots);

	if (!bad)
		return IMSM_NORMAL;
	switch (level) {
	case 0:
		return IMSM_FAILED;
	case 1:
		return bad == members ? IMSM_FAILED : IMSM_DEGRADED;
	case 5:
		return bad > 1 ? IMSM_FAILED : IMSM_DEGRADED;
	}
	for (unsigned pair = 0; pair < members; pair += 2)
		if ((bad_slots >> pair & 3) == 3)
			return IMSM_FAILED;
	return IMSM_DEGRADED;
}

/* Every set of bad slots, each slot bad in one of three ways. */
static void check_degraded_of(int level, unsigned members, unsigned bad_slots, unsigned way)
{
	struct imsm_volume *v = &ifx.c.meta.volume[0];
	static const char *const all[] = { "", "", "N 0,1", "N 0,1,2", "N 0,1,2,3", "", "N 0,1,2,3,4,5" };
	unsigned failed;

	ev_container(level, all[members]);
	for (unsigned slot = 0; slot < members; slot++) {
		if (!(bad_slots >> slot & 1))
			continue;
		if (way == 0)
			v->map[0].ord[slot] |= IMSM_ORD_REBUILD;
		else if (way == 1)
			ifx_fail_disk(&ifx, slot);
		else
			ifx_unlink(&ifx, slot);
	}
	failed = imsm_count_failed(&ifx.c, v, IMSM_M0);
	assert_int_equal(failed, __builtin_popcount(bad_slots));
	assert_int_equal(imsm_count_failed(&ifx.c, v, IMSM_MX), failed);
	assert_int_equal(imsm_count_failed(&ifx.c, v, IMSM_M1), 0);
	assert_int_equal(imsm_check_degraded(&ifx.c, v, failed, IMSM_M0), survives(level, members, bad_slots));
	v->map[0].head.map_state = IMSM_UNINITIALIZED;
	assert_int_equal(imsm_check_degraded(&ifx.c, v, failed, IMSM_M0),
			 failed ? survives(level, members, bad_slots) : IMSM_UNINITIALIZED);
}

static void test_check_degraded(void **state)
{
	static const struct {
		int level;
		unsigned members;
	} rows[] = { { 0, 2 }, { 0, 3 }, { 1, 2 }, { 5, 3 }, { 5, 4 }, { 10, 4 }, { 10, 6 }, { 1, 4 } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int level = rows[i].level == 1 && rows[i].members == 4 ? 10 : rows[i].level;

		for (unsigned bad = 0; bad < 1u << rows[i].members; bad++)
			for (unsigned way = 0; way < 3; way++)
				check_degraded_of(level, rows[i].members, bad, way);
	}
}

static void test_count_failed_of_two_maps(void **state)
{
	const struct imsm_volume *v = &ifx.c.meta.volume[0];

	(void)state;
	ev_container(10, "D<REBUILD<D 0,4,2,3x!/0,4!,2,3x! f1 u0");
	assert_int_equal(imsm_count_failed(&ifx.c, v, IMSM_M0), 1);
	assert_int_equal(imsm_count_failed(&ifx.c, v, IMSM_M1), 2);
	assert_int_equal(imsm_count_failed(&ifx.c, v, IMSM_MX), 2);
	/* The slots of map 0 that hold another disk count in addition. */
	ev_container(1, "N<REBUILD<D 0,2!/0,1! u0");
	assert_int_equal(imsm_count_failed(&ifx.c, v, IMSM_MX), 2);
	ev_container(5, "N<GEN<N 0,1,2,3!/0,1!,2 u0");
	assert_int_equal(imsm_count_failed(&ifx.c, v, IMSM_M1), 1);
	assert_int_equal(imsm_count_failed(&ifx.c, v, IMSM_MX), 2);
	assert_int_equal(imsm_check_degraded(&ifx.c, v, 1, IMSM_M1), IMSM_DEGRADED);
}

static void test_predicates(void **state)
{
	static const struct {
		const char *volume;
		bool rebuilding, initializing, resyncing, reshaping;
	} rows[] = {
		{ "N 0,1,2", false, false, false, false },
		{ "N<INIT<U 0,1,2/0,1,2 u0", false, true, true, false },
		{ "N<INIT<N 0,1,2/0,1,2 u0", false, false, true, false },
		{ "N<REPAIR<N 0,1,2/0,1,2 u0", false, false, true, false },
		{ "N<REPAIR<D 0,1,2/0,1,2 u0", false, false, true, false },
		{ "N<VERIFY<N 0,1,2/0,1,2 u0", false, false, true, false },
		{ "N<VERIFY<D 0,1,2/0,1,2 u0", false, false, true, false },
		{ "N<REBUILD<D 0,1,2/0,1,2! u0", true, false, false, false },
		{ "N<REBUILD<N 0,1,2/0,1,2 u0", true, false, false, false },
		{ "N<GEN<N 0,1,2,3/0,1,2 u0", false, false, false, true },
		{ "N<CHANGE<N 0,1,2/0,1,2 u0", false, false, true, false },
		{ "N<CHANGE<F 0,1,2/0,1,2 u0", false, false, true, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct imsm_volume *v = &ifx.c.meta.volume[0];

		ev_container(5, rows[i].volume);
		assert_int_equal(imsm_rebuilding(v), rows[i].rebuilding);
		assert_int_equal(imsm_initializing(v), rows[i].initializing);
		assert_int_equal(imsm_resyncing(v), rows[i].resyncing);
		assert_int_equal(imsm_general_migration(v), rows[i].reshaping);
		assert_int_equal(imsm_container_reshaping(&ifx.c), rows[i].reshaping);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_geometry),
		cmocka_unit_test(test_check_degraded),
		cmocka_unit_test(test_count_failed_of_two_maps),
		cmocka_unit_test(test_predicates),
	};

	return cmocka_run_group_tests_name("imsm-state", tests, NULL, NULL);
}
