/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * imsm/migration.c: messages in general, checkpoints and another size (imsm.md 8.10, 8.11).
 *
 * Sizes are worked out by hand from the formulas of imsm.md 3.1. Unless a row says otherwise each member gives
 * 65536 sectors = 512 strips of 128 = 32 MiB to a volume, and the next volume begins 8192 sectors behind.
 */
#include "tests/unit/support/imsm-shape.h"

#include <errno.h>
#include <stdio.h>
#include <sys/sysmacros.h>

/* ---- messages: 32-bit words, as mdadm sends them (imsm.md 8.0) ---- */

/* The manager, who has no metadata, sees it. */
static void assert_refused_early(const void *msg, size_t len)
{
	const char *why = NULL;

	assert_int_equal(imsm_check_message(msg, len, &why), -EINVAL);
	assert_non_null(why);
	ifx_assert_message_refused(&ifx, msg, len, -EINVAL);
}

/* ---- malformed: refused without a look at the metadata ---- */

static const struct shape_message out_of_range[] = {
	/* more disks: old, new */
	GROW(0, 4, 0x803),
	GROW(0, 1, 0x803),
	GROW(-1, 4, 0x803),
	GROW(INT32_MIN, 4, 0x803),
	GROW(3, 3, 0x803),
	GROW(3, 2, 0x803),
	GROW(3, 0, 0x803),
	GROW(3, -1, 0x803),
	GROW(3, INT32_MIN, 0x803),
	GROW(254, 256, 0x803, 0x804),
	GROW(255, 256, 0x803),
	GROW(INT32_MAX - 1, INT32_MAX, 0x803),
	GROW(INT32_MAX, INT32_MIN, 0x803),
	GROW(1, INT32_MAX, 0x803),
	/* migration: old, new, volume, level, chunk */
	MIGRATE(0, 3, 0, 5, 256),
	MIGRATE(-1, 3, 0, 5, 256),
	MIGRATE(INT32_MIN, 3, 0, 5, 256),
	MIGRATE(256, 3, 0, 5, 256),
	MIGRATE(INT32_MAX, 3, 0, 5, 256),
	MIGRATE(3, 0, 0, 5, 256),
	MIGRATE(3, -1, 0, 5, 256),
	MIGRATE(3, 256, 0, 5, 256),
	MIGRATE(3, INT32_MAX, 0, 5, 256),
	MIGRATE(3, 3, -1, 5, 256),
	MIGRATE(3, 3, IMSM_MAX_VOLUMES, 5, 256),
	MIGRATE(3, 3, 256, 5, 256), /* not narrowed to 0 */
	MIGRATE(3, 3, INT32_MIN, 5, 256),
	MIGRATE(3, 3, 0, -2, 256),
	MIGRATE(3, 3, 0, 2, 256),
	MIGRATE(3, 3, 0, 4, 256),
	MIGRATE(3, 3, 0, 6, 256),
	MIGRATE(3, 3, 0, 255, 256),
	MIGRATE(3, 3, 0, 261, 256), /* not narrowed to 5 */
	MIGRATE(3, 3, 0, 5, 1),
	MIGRATE(3, 3, 0, 5, 2),
	MIGRATE(3, 3, 0, 5, 3),
	MIGRATE(3, 3, 0, 5, 5),
	MIGRATE(3, 3, 0, 5, 96),
	MIGRATE(3, 3, 0, 5, 16383),
	MIGRATE(3, 3, 0, 5, 32768), /* would be zero in 16 bits */
	MIGRATE(3, 3, 0, 5, 1 << 30),
	MIGRATE(3, 3, 0, 5, INT32_MAX),
	/* takeover: volume, direction */
	TAKEOVER(-1, TO_RAID0),
	TAKEOVER(IMSM_MAX_VOLUMES, TO_RAID0),
	TAKEOVER(256, TO_RAID0),
	TAKEOVER(INT32_MIN, TO_RAID0),
	TAKEOVER(0, -1),
	TAKEOVER(0, 2),
	TAKEOVER(0, 256),
	/* checkpoint */
	CHECKPOINT(-1),
	CHECKPOINT(INT64_MIN),
	/* size: volume, sectors */
	RESIZE(-1, 122880),
	RESIZE(IMSM_MAX_VOLUMES, 122880),
	RESIZE(256, 122880),
	RESIZE(INT32_MIN, 122880),
	RESIZE(0, 0),
	RESIZE(0, -1),
	RESIZE(0, INT64_MIN),
	RESIZE(0, IMSM_BLOCKS_MAX + 1),
	RESIZE(0, INT64_MAX),
};

static void test_field_out_of_range(void **state)
{
	(void)state;
	shape_ordinary();
	for (size_t i = 0; i < sizeof(out_of_range) / sizeof(out_of_range[0]); i++) {
		print_message("  %zu: type %d\n", i, out_of_range[i].word[0]);
		assert_refused_early(out_of_range[i].word, out_of_range[i].len);
	}
}

/* What lies behind the last volume is of no meaning: here one that was deleted. */
static void test_volume_that_is_gone(void **state)
{
	static const struct {
		struct shape_message m;
		int level;
		const char *text;
	} rows[] = {
		{ MIGRATE(3, 3, 1, 5, 256), 5, "N 0,1,2" },
		{ TAKEOVER(1, TO_RAID0), 1, "D 0,1! f1" },
		{ TAKEOVER(1, TO_RAID10), 0, "N 0,1,2" },
		{ RESIZE(1, 122880), 5, "N 0,1,2" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		shape_ordinary();
		ifx_volume(&ifx, rows[i].level, rows[i].text);
		ifx.c.meta.num_volumes--;
		shape_assert_refused(&rows[i].m, -EINVAL);
	}
}

/* Nor does it hold what others are to have. */
static void test_volume_that_is_gone_does_not_count(void **state)
{
	static const struct shape_message takeover = TAKEOVER(0, TO_RAID0), checkpoint = CHECKPOINT(100000);

	(void)state;
	ifx_init(&ifx, 4);
	ifx_volume(&ifx, 10, "D 0,1x!,2,3x! f1");
	ifx_volume(&ifx, 0, "N 0,1x,2");
	ifx.c.meta.num_volumes--;
	shape_assert_applied(&takeover);
	assert_int_equal(ifx.c.meta.num_disks, 2);

	ifx_init(&ifx, 4);
	ifx_volume(&ifx, 5, "N<GEN<N 0,1,2,3/0,1,2 u2");
	ifx_volume(&ifx, 0, "N<GEN<N 0/0 u2");
	ifx.c.meta.num_volumes--;
	shape_assert_applied(&checkpoint);
	assert_int_equal(imsm_volume_unit(VOL(0)), 100000);
	assert_int_equal(imsm_volume_unit(VOL(1)), 2);
}

/* The limits themselves pass the check that needs no metadata. */
static void test_field_at_its_limit(void **state)
{
	static const struct shape_message good[] = {
		GROW(254, 255, 0x803),
		GROW(1, 2, 0x803),
		MIGRATE(1, 255, IMSM_MAX_VOLUMES - 1, LEVEL_KEPT, 4),
		MIGRATE(255, 1, 0, 0, 16384),
		MIGRATE(3, 3, 0, 1, 0),
		MIGRATE(3, 3, 0, 10, INT32_MIN),
		TAKEOVER(IMSM_MAX_VOLUMES - 1, TO_RAID10),
		CHECKPOINT(0),
		CHECKPOINT(INT64_MAX),
		RESIZE(IMSM_MAX_VOLUMES - 1, IMSM_BLOCKS_MAX),
		RESIZE(0, 1),
	};
	const char *why = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (imsm_check_message(good[i].word, good[i].len, &why))
			fail_msg("%zu: %s", i, why);
}

/* One of each type, as captured (imsm.md 8.0), and a container in which it can be done. */
static const struct {
	struct shape_row r;
	const char *hex;
} captured[] = {
	{ { "more disks", 3, { { 5, "N 0,1,2" } }, 1, GROW(3, 4, 0x703), 0, { "N<GEN<N 0,1,2,3/0,1,2 u0" }, { 0 } },
	  "05000000 03000000 04000000 03070000" },
	{ { "chunk", 3, { { 5, "N 0,1,2" } }, 0, MIGRATE(3, 3, 0, 5, 128), 0, { "N<GEN<N 0,1,2/0,1,2 u0" },
	    { .blocks = 131072, .stripes = 256, .per_member = 67584, .chunk = 256, 5, 1 } },
	  "06000000 03000000 03000000 00000000 05000000 00000000 80000000 ffffffff" },
	{ { "takeover", 4, { { 10, "D 0,1x!,2,3x! f1" } }, 0, TAKEOVER(0, TO_RAID0), 0, { "N 0,1" }, { 0 } },
	  "07000000 00000000 00000000" },
	{ { "checkpoint", 4, { { 5, "N<GEN<N 0,1,2,3/0,1,2 u1" } }, 0, CHECKPOINT(2), 0,
	    { "N<GEN<N 0,1,2,3/0,1,2 u2" }, { 0 } },
	  "08000000 00000000 02000000 00000000" },
	/* per member 61440 = 480 strips = 30 MiB, and 2048 behind it */
	{ { "size", 3, { { 5, "N 0,1,2" } }, 0, RESIZE(0, 122880), 0, { "N 0,1,2" },
	    { .blocks = 122880, .stripes = 480, .per_member = 63488, .chunk = 128, 5, 1 } },
	  "09000000 00000000 00e00100 00000000" },
};

#define CAPTURED (sizeof(captured) / sizeof(captured[0]))

static struct shape_message from_hex(const char *hex)
{
	struct shape_message m = { .len = 0 };
	uint8_t *bytes = (uint8_t *)m.word;
	unsigned value;
	int used;

	for (; sscanf(hex, "%2x%n", &value, &used) == 1; hex += used)
		bytes[m.len++] = (uint8_t)value;
	return m;
}

static void test_captured_messages(void **state)
{
	(void)state;
	for (size_t i = 0; i < CAPTURED; i++) {
		struct shape_row r = captured[i].r;
		struct shape_message m = from_hex(captured[i].hex);

		assert_int_equal(m.len, r.m.len);
		assert_memory_equal(m.word, r.m.word, m.len);
		if (m.word[0] == 5) { /* its disk is 7:3 */
			shape_given(&r);
			ifx.dl[3].dev = makedev(7, 3);
			shape_assert_applied(&m);
			assert_string_equal(ifx_text(&ifx, 0), r.after[0]);
			assert_int_equal(ifx.dl[3].index, 3);
			continue;
		}
		shape_check_row(&r);
	}
}

static void test_length(void **state)
{
	(void)state;
	for (size_t i = 0; i < CAPTURED; i++) {
		struct shape_row r = captured[i].r;

		shape_given(&r);
		ifx.dl[3].dev = makedev(7, 3);
		for (size_t n = 0; n < r.m.len; n++)
			assert_refused_early(r.m.word, n);
		memset((uint8_t *)r.m.word + r.m.len, 0xff, 8);
		r.m.len += 8;
		shape_assert_applied(&r.m);
		assert_string_equal(ifx_text(&ifx, 0), r.after[0]);
	}
}

/* A device number for each added disk; what stands behind them is not looked at. */
static void test_grow_length_follows_count(void **state)
{
	static const struct shape_message m = GROW(3, 5, 0x803, 0x804);

	(void)state;
	shape_ordinary();
	for (size_t n = 0; n < 20; n++)
		assert_refused_early(m.word, n);
	shape_assert_applied(&m);
	assert_string_equal(ifx_text(&ifx, 0), "N<GEN<N 0,1,2,3,4/0,1,2 u0");
}

/* ---- checkpoints ---- */

static void test_checkpoint(void **state)
{
	static const struct shape_row rows[] = {
		{ "forward", 4, { { 5, "N<GEN<N 0,1,2,3/0,1,2 u1" } }, 0, CHECKPOINT(7), 0,
		  { "N<GEN<N 0,1,2,3/0,1,2 u7" }, { 0 } },
		{ "back", 4, { { 5, "N<GEN<N 0,1,2,3/0,1,2 u7" } }, 0, CHECKPOINT(0), 0,
		  { "N<GEN<N 0,1,2,3/0,1,2 u0" }, { 0 } },
		{ "to the end", 4, { { 5, "N<GEN<N 0,1,2,3/0,1,2 u7" } }, 0, CHECKPOINT(3 * 65536), 0,
		  { "N<GEN<N 0,1,2,3/0,1,2 u196608" }, { 0 } },
		{ "beyond", 4, { { 5, "N<GEN<N 0,1,2,3/0,1,2 u7" } }, 0, CHECKPOINT(3 * 65536 + 1), -EINVAL, { NULL },
		  { 0 } },
		{ "far beyond", 4, { { 5, "N<GEN<N 0,1,2,3/0,1,2 u7" } }, 0, CHECKPOINT(INT64_MAX), -EINVAL, { NULL },
		  { 0 } },
		{ "32 bits would be enough", 4, { { 5, "N<GEN<N 0,1,2,3/0,1,2 u7" } }, 0, CHECKPOINT(1ll << 32),
		  -EINVAL, { NULL }, { 0 } },
		{ "degraded", 4, { { 5, "D<GEN<D 0,1x!,2,3/0,1x!,2 f1 u2" } }, 0, CHECKPOINT(3), 0,
		  { "D<GEN<D 0,1x!,2,3/0,1x!,2 f1 u3" }, { 0 } },
		{ "of the second volume", 3, { { 5, "N 0,1,2" }, { 5, "N<GEN<N 0,1,2/0,1,2 u2" } }, 0, CHECKPOINT(4),
		  0, { "N 0,1,2", "N<GEN<N 0,1,2/0,1,2 u4" }, { 0 } },
		{ "a rebuild has its own", 3,
		  { { 5, "N<REBUILD<D 0,1,2/0,1,2! f2 u2" }, { 5, "N<GEN<N 0,1,2/0,1,2 u2" } }, 0, CHECKPOINT(4), 0,
		  { "N<REBUILD<D 0,1,2/0,1,2! f2 u2", "N<GEN<N 0,1,2/0,1,2 u4" }, { 0 } },
		{ "of each volume that reshapes", 3,
		  { { 5, "N<GEN<N 0,1,2/0,1,2 u2" }, { 0, "N<GEN<N 0,1,2/0,1,2 u1" } }, 0, CHECKPOINT(4), 0,
		  { "N<GEN<N 0,1,2/0,1,2 u4", "N<GEN<N 0,1,2/0,1,2 u4" }, { 0 } },
		{ "beyond the end of one", 3,
		  { { 0, "N<GEN<N 0,1,2/0,1,2 u2" }, { 5, "N<GEN<N 0,1,2/0,1,2 u1" } }, 0, CHECKPOINT(2 * 65536 + 1),
		  -EINVAL, { NULL }, { 0 } },
		{ "beyond the end of one that does not reshape", 4,
		  { { 5, "N<GEN<N 0,1,2,3/0,1,2 u2" }, { 1, "N 0,1" } }, 0, CHECKPOINT(100000), 0,
		  { "N<GEN<N 0,1,2,3/0,1,2 u100000", "N 0,1" }, { 0 } },
	};

	(void)state;
	CHECK_ROWS(rows);
}

/* The last one comes after the end has been noticed. */
static void test_checkpoint_when_nothing_reshapes(void **state)
{
	static const struct shape_message m = CHECKPOINT(2);
	static const char *const text[] = { "N 0,1,2", "N<REBUILD<D 0,1,2/0,1,2! f2 u5" };

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		ifx_init(&ifx, 3);
		ifx_volume(&ifx, 5, text[i]);
		shape_assert_applied(&m);
		assert_string_equal(ifx_text(&ifx, 0), text[i]);
		assert_false(ifx.c.write_due);
	}
	/* a volume that was deleted does not count */
	shape_ordinary();
	ifx_volume(&ifx, 5, "N<GEN<N 0,1,2/0,1,2 u1");
	ifx.c.meta.num_volumes--;
	shape_assert_applied(&m);
	assert_int_equal(imsm_volume_unit(VOL(1)), 1);
}

/* mdadm sends each unit twice: the second time there is nothing to write. */
static void test_same_checkpoint_again(void **state)
{
	static const struct shape_message m = CHECKPOINT(2);

	(void)state;
	ifx_init(&ifx, 4);
	ifx_volume(&ifx, 5, "N<GEN<N 0,1,2,3/0,1,2 u1");
	shape_assert_applied(&m);
	assert_true(ifx.c.write_due);
	shape_assert_applied(&m);
	assert_false(ifx.c.write_due);
	assert_false(shape_migr_record_cleared()); /* it is mdadm's now */
}

static void test_checkpoint_of_64_bits(void **state)
{
	static const struct shape_message m = CHECKPOINT(0x123456789ll);

	(void)state;
	ifx_init(&ifx, 4);
	ifx_volume(&ifx, 5, "N<GEN<N 0,1,2,3/0,1,2 u1");
	imsm_volume_set_blocks(VOL(0), 1ull << 40);
	shape_assert_applied(&m);
	assert_int_equal(imsm_volume_unit(VOL(0)), 0x123456789ull);
}

/* ---- another size ---- */

static void test_resize(void **state)
{
	static const struct shape_row rows[] = {
		/* per member 50000: 390 strips (49920 sectors), 24 MiB (49152) */
		{ "RAID0", 2, { { 0, "N 0,1" } }, 0, RESIZE(0, 100000), 0, { "N 0,1" },
		  { 2 * 24 * MIB, 390, 50000 + 2048, 128, 0, 1 } },
		/* 40960 / 1 / 2 / 128 */
		{ "RAID1", 2, { { 1, "N 0,1" } }, 0, RESIZE(0, 40960), 0, { "N 0,1" },
		  { 40960, 160, 43008, 128, 1, 2 } },
		/* 81920 / 2 / 2 / 128, as in imsm.md 3.1 */
		{ "RAID10", 4, { { 10, "N 0,1,2,3" } }, 0, RESIZE(0, 81920), 0, { "N 0,1,2,3" },
		  { 81920, 160, 43008, 128, 10, 2 } },
		{ "RAID10 stored as 1", 4, { { 1, "N 0,1,2,3" } }, 0, RESIZE(0, 81920), 0, { "N 0,1,2,3" },
		  { 81920, 160, 43008, 128, 1, 2 } },
		{ "RAID5 larger", 3, { { 5, "N 0,1,2" } }, 0, RESIZE(0, 2 * 100 * MIB), 0, { "N 0,1,2" },
		  { 2 * 100 * MIB, 1600, 101 * MIB, 128, 5, 1 } },
		{ "RAID5, no multiple of 8 sectors", 3, { { 5, "N 0,1,2" } }, 0, RESIZE(0, 122887), 0, { "N 0,1,2" },
		  { 122880, 480, 61443 + 2048, 128, 5, 1 } },
		{ "RAID0 on one disk", 1, { { 0, "N 0" } }, 0, RESIZE(0, 40960), 0, { "N 0" },
		  { 40960, 320, 43008, 128, 0, 1 } },
		{ "one MiB of each member", 3, { { 5, "N 0,1,2" } }, 0, RESIZE(0, 2 * MIB), 0, { "N 0,1,2" },
		  { 2 * MIB, 16, 2 * MIB, 128, 5, 1 } },
		{ "a sector less", 3, { { 5, "N 0,1,2" } }, 0, RESIZE(0, 2 * MIB - 1), -EINVAL, { NULL }, { 0 } },
		{ "RAID1, a sector less", 2, { { 1, "N 0,1" } }, 0, RESIZE(0, MIB - 1), -EINVAL, { NULL }, { 0 } },
		{ "one sector", 3, { { 5, "N 0,1,2" } }, 0, RESIZE(0, 1), -EINVAL, { NULL }, { 0 } },
		{ "huge", 3, { { 5, "N 0,1,2" } }, 0, RESIZE(0, IMSM_BLOCKS_MAX), -ENOSPC, { NULL }, { 0 } },
		{ "above 2 TiB", 3, { { 5, "N 0,1,2" } }, 0, RESIZE(0, 1ll << 33), -ENOSPC, { NULL }, { 0 } },
		{ "no such volume", 3, { { 5, "N 0,1,2" } }, 0, RESIZE(1, 122880), -EINVAL, { NULL }, { 0 } },
		{ "the same size", 3, { { 5, "N 0,1,2" } }, 0, RESIZE(0, 131072), 0, { "N 0,1,2" },
		  { 131072, 512, 67584, 128, 5, 1 } },
		/* The next volume begins at 65536 + 8192. */
		{ "up to the volume behind", 3, { { 5, "N 0,1,2" }, { 0, "N 0,1,2" } }, 0, RESIZE(0, 2 * 73728), 0,
		  { "N 0,1,2" }, { 2 * 73728, 576, 73728 + 2048, 128, 5, 1 } },
		{ "a stripe into the volume behind", 3, { { 5, "N 0,1,2" }, { 0, "N 0,1,2" } }, 0,
		  RESIZE(0, 2 * (73728 + 128)), -ENOSPC, { NULL }, { 0 } },
		{ "into one on a single common disk", 3, { { 1, "N 0,1" }, { 1, "N 1,2" } }, 0, RESIZE(0, 80000),
		  -ENOSPC, { NULL }, { 0 } },
		{ "beside one on other disks", 4, { { 1, "N 0,1" }, { 1, "N 2,3" } }, 0, RESIZE(0, 40 * MIB), 0,
		  { "N 0,1" }, { 40 * MIB, 320, 41 * MIB, 128, 1, 2 } },
		{ "the volume behind", 3, { { 5, "N 0,1,2" }, { 0, "N 0,1,2" } }, 0, RESIZE(1, 3 * 40 * MIB), 0,
		  { NULL }, { 131072, 512, 67584, 128, 5, 1 } },
		{ "the volume behind, beyond the disk", 3, { { 5, "N 0,1,2" }, { 0, "N 0,1,2" } }, 0,
		  RESIZE(1, 3 * (1000000 - 73728 + 128)), -ENOSPC, { NULL }, { 0 } },
		/* mdadm's "fix size mismatch" */
		{ "while it reshapes", 4, { { 5, "N<GEN<N 0,1,2,3/0,1,2 u2" } }, 0, RESIZE(0, 3 * 30 * MIB), 0,
		  { "N<GEN<N 0,1,2,3/0,1,2 u2" }, { 3 * 30 * MIB, 480, 31 * MIB, 128, 5, 1 } },
		{ "its checkpoint would lie outside", 4, { { 5, "N<GEN<N 0,1,2,3/0,1,2 u6145" } }, 0,
		  RESIZE(0, 3 * MIB), -EINVAL, { NULL }, { 0 } },
		{ "its checkpoint lies just within", 4, { { 5, "N<GEN<N 0,1,2,3/0,1,2 u6144" } }, 0,
		  RESIZE(0, 3 * MIB), 0, { "N<GEN<N 0,1,2,3/0,1,2 u6144" }, { 3 * MIB, 16, 2 * MIB, 128, 5, 1 } },
	};

	(void)state;
	CHECK_ROWS(rows);
}

/* Only where the volume goes: map 1 is what it was. */
static void test_resize_leaves_map_1(void **state)
{
	static const struct shape_message m = RESIZE(0, 3 * 30 * MIB);
	static struct imsm_map before;

	(void)state;
	ifx_init(&ifx, 4);
	ifx_volume(&ifx, 5, "N<GEN<N 0,1,2,3/0,1,2 u2");
	before = VOL(0)->map[1];
	shape_assert_applied(&m);
	assert_memory_equal(&before, &VOL(0)->map[1], sizeof(before));
	assert_false(shape_migr_record_cleared());
}

/* Nobody looks at the checkpoint of a volume that does not migrate. */
static void test_resize_beside_old_checkpoint(void **state)
{
	static const struct shape_message m = RESIZE(0, 2 * MIB);

	(void)state;
	shape_ordinary();
	imsm_volume_set_unit(VOL(0), 100000);
	shape_assert_applied(&m);
}

static void test_resize_needs_a_whole_chunk(void **state)
{
	static const struct shape_message one_chunk = RESIZE(0, 2 * 32768), less = RESIZE(0, 2 * 31744);

	(void)state;
	shape_ordinary();
	shape_chunk_is(32768, 2, 131072);
	shape_assert_refused(&less, -EINVAL);
	shape_assert_applied(&one_chunk);
	shape_assert(VOL(0), &(struct shape){ 65536, 1, 32768 + 2048, 32768, 5, 1 });
}

/* The metadata stands at the end; 2572 bytes at most with three disks, this volume and a full bad block log. */
static void test_resize_up_to_the_metadata(void **state)
{
	static const struct shape_message m = RESIZE(0, 2 * 100 * MIB);

	(void)state;
	shape_ordinary();
	imsm_disk_set_blocks(&ifx.c.meta.disk[1], 100 * MIB + 5);
	shape_assert_refused(&m, -ENOSPC);
	imsm_disk_set_blocks(&ifx.c.meta.disk[1], 100 * MIB - 1);
	shape_assert_refused(&m, -ENOSPC);
	imsm_disk_set_blocks(&ifx.c.meta.disk[1], 100 * MIB + 7);
	shape_assert_applied(&m);
	/* Disks that the volume does not use do not matter. */
	shape_ordinary();
	imsm_disk_set_blocks(&ifx.dl[3].record, 1000);
	shape_assert_applied(&m);
}

static void test_resize_above_2_tib(void **state)
{
	static const struct shape_message m = RESIZE(0, 5ll << 32);

	(void)state;
	ifx_init(&ifx, 2);
	ifx_volume(&ifx, 1, "N 0,1");
	ifx.c.meta.header.attributes = le32_make(IMSM_ATTR_2TB_DISK);
	imsm_disk_set_blocks(&ifx.c.meta.disk[0], 6ull << 32);
	imsm_disk_set_blocks(&ifx.c.meta.disk[1], 6ull << 32);
	shape_assert_applied(&m);
	shape_assert(VOL(0), &(struct shape){ 5ull << 32, (5ull << 32) / 256, (5ull << 32) + 2048, 128, 1, 2 });
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_field_out_of_range),
		cmocka_unit_test(test_volume_that_is_gone),
		cmocka_unit_test(test_volume_that_is_gone_does_not_count),
		cmocka_unit_test(test_field_at_its_limit),
		cmocka_unit_test(test_captured_messages),
		cmocka_unit_test(test_length),
		cmocka_unit_test(test_grow_length_follows_count),
		cmocka_unit_test(test_checkpoint),
		cmocka_unit_test(test_checkpoint_when_nothing_reshapes),
		cmocka_unit_test(test_same_checkpoint_again),
		cmocka_unit_test(test_checkpoint_of_64_bits),
		cmocka_unit_test(test_resize),
		cmocka_unit_test(test_resize_leaves_map_1),
		cmocka_unit_test(test_resize_beside_old_checkpoint),
		cmocka_unit_test(test_resize_needs_a_whole_chunk),
		cmocka_unit_test(test_resize_up_to_the_metadata),
		cmocka_unit_test(test_resize_above_2_tib),
	};

	return cmocka_run_group_tests_name("imsm-migration", tests, NULL, NULL);
}
