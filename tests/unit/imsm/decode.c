/* SPDX-License-Identifier: GPL-2.0-or-later */
/* imsm/decode.c: values that must be refused or are kept, the bad block log, and whatever else may come. */
#include "tests/unit/support/imsm-bytes.h"

#include <errno.h>
#include <stdlib.h>

/* ---- hi halves ---- */

static void test_hi_halves_need_the_attribute(void **state)
{
	size_t size;
	uint8_t *mpb = imsm_sample_read_mpb(imsm_sample_named("r1-rebuild-46"), 0, &size);
	struct imsm_meta m;

	(void)state;
	mpb_poke(mpb, DISK(1, total_blocks_hi), 4, 1);
	mpb_poke(mpb, MAP0(2, pba_of_lba0_hi), 4, 2);
	mpb_poke(mpb, MAP0(2, blocks_per_member_hi), 4, 3);
	mpb_poke(mpb, MAP0(2, num_data_stripes_hi), 4, 4);
	mpb_poke(mpb, MAP1(2, 2, pba_of_lba0_hi), 4, 5);
	mpb_poke(mpb, MAP1(2, 2, blocks_per_member_hi), 4, 6);
	mpb_poke(mpb, MAP1(2, 2, num_data_stripes_hi), 4, 7);
	mpb_poke(mpb, VOLUME(2, size_high), 4, 8);
	mpb_poke(mpb, VOLUME(2, curr_migr_unit_hi), 4, 1);
	mpb_fix_checksum(mpb, size);
	assert_int_equal(imsm_decode(mpb, size, 512, &m, NULL), 0);
	assert_int_equal(imsm_disk_blocks(&m.disk[1]), 65536);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(imsm_map_pba(&m.volume[0].map[i]), 0);
		assert_int_equal(imsm_map_blocks_per_member(&m.volume[0].map[i]), 43008);
		assert_int_equal(imsm_map_stripes(&m.volume[0].map[i]), 160);
	}
	assert_true(imsm_volume_blocks(&m.volume[0]) == (UINT64_C(8) << 32) + 40960);
	assert_true(imsm_volume_unit(&m.volume[0]) == (UINT64_C(1) << 32) + 40);

	mpb_poke(mpb, HEADER(attributes), 4, IMSM_ATTR_2TB_DISK);
	mpb_fix_checksum(mpb, size);
	assert_int_equal(imsm_decode(mpb, size, 512, &m, NULL), 0);
	assert_true(imsm_disk_blocks(&m.disk[1]) == (UINT64_C(1) << 32) + 65536);
	assert_true(imsm_map_pba(&m.volume[0].map[0]) == UINT64_C(2) << 32);
	assert_true(imsm_map_blocks_per_member(&m.volume[0].map[0]) == (UINT64_C(3) << 32) + 43008);
	assert_true(imsm_map_stripes(&m.volume[0].map[0]) == (UINT64_C(4) << 32) + 160);
	assert_true(imsm_map_pba(&m.volume[0].map[1]) == UINT64_C(5) << 32);
	assert_true(imsm_map_blocks_per_member(&m.volume[0].map[1]) == (UINT64_C(6) << 32) + 43008);
	assert_true(imsm_map_stripes(&m.volume[0].map[1]) == (UINT64_C(7) << 32) + 160);
	free(mpb);
}

/* ---- values that must be refused ---- */

static const struct {
	const char *sample;
	const char *why;
	struct mpb_poke poke[3];
} refused[] = {
	{ R5, "no IMSM signature", { { HEADER(sig), 1, 'i' } } },
	{ R5, "no IMSM signature", { { HEADER(sig) + 23, 1, 0 } } },
	{ R5, "mpb_size is out of range", { { HEADER(mpb_size), 4, 0 } } },
	{ R5, "mpb_size is out of range", { { HEADER(mpb_size), 4, 212 } } },
	{ R5, "mpb_size is out of range", { { HEADER(mpb_size), 4, 530 } } },
	{ R5, "mpb_size is out of range", { { HEADER(mpb_size), 4, 0x80000000 } } },
	{ R5, "mpb_size is more than there is", { { HEADER(mpb_size), 4, 536 } } },
	{ R5, "mpb_size is more than there is", { { HEADER(mpb_size), 4, 65536 } } },
	{ R5, "num_disks is zero", { { HEADER(num_disks), 1, 0 } } },
	{ R5, "the disk table reaches beyond", { { HEADER(num_disks), 1, 7 } } },
	{ R5, "the disk table reaches beyond", { { HEADER(num_disks), 1, 255 } } },
	{ R5, "num_raid_devs is out of range", { { HEADER(num_raid_devs), 1, 9 } } },
	{ R5, "num_raid_devs is out of range", { { HEADER(num_raid_devs), 1, 255 } } },
	{ R5, "a volume reaches beyond", { { HEADER(num_raid_devs), 1, 2 } } },
	{ R5, "a map reaches beyond", { { HEADER(mpb_size), 4, R5_VOLUMES + 112 + 44 } } },
	{ R5, "disk_ord_tbl reaches beyond", { { MAP0(3, num_members), 1, 4 } } },
	{ R5, "disk_ord_tbl reaches beyond", { { MAP0(3, num_members), 1, 255 } } },
	{ R5, "num_members is zero", { { MAP0(3, num_members), 1, 0 } } },
	{ R5, "num_members does not fit", { { MAP0(3, num_members), 1, 2 } } },
	{ R5, "raid_level is unknown", { { MAP0(3, raid_level), 1, 2 } } },
	{ R5, "raid_level is unknown", { { MAP0(3, raid_level), 1, 6 } } },
	{ R5, "raid_level is unknown", { { MAP0(3, raid_level), 1, 255 } } },
	{ R5, "num_members does not fit", { { MAP0(3, raid_level), 1, IMSM_RAID10 } } },
	{ R5, "num_members does not fit", { { MAP0(3, raid_level), 1, IMSM_RAID1 } } },
	{ MATRIX, "num_members does not fit", { { MAP0(4, num_members), 1, 3 } } },
	{ MATRIX, "num_members does not fit", { { MAP0(4, num_members), 1, 5 } } },
	{ MATRIX, "num_members does not fit", { { MAP0(4, num_members), 1, 2 }, { MAP0(4, raid_level), 1, 10 } } },
	{ R5, "blocks_per_strip", { { MAP0(3, blocks_per_strip), 2, 0 } } },
	{ R5, "blocks_per_strip", { { MAP0(3, blocks_per_strip), 2, 96 } } },
	{ R5, "blocks_per_strip", { { MAP0(3, blocks_per_strip), 2, 0xffff } } },
	{ BBM4, "blocks_per_strip", { { MAP0(3, blocks_per_strip), 2, 8192 } } }, /* 65536 sectors */
	{ BBM4, "blocks_per_strip", { { MAP0(3, blocks_per_strip), 2, 0x2001 } } }, /* 8, in 16 bits */
	{ R5, "num_domains", { { MAP0(3, num_domains), 1, 0 } } },
	{ MATRIX, "num_domains", { { MAP0(4, num_domains), 1, 1 } } },
	{ R1, "num_domains", { { MAP0(2, num_domains), 1, 3 } } },
	{ R5, "map_state", { { MAP0(3, map_state), 1, 4 } } },
	{ R5, "map_state", { { MAP0(3, map_state), 1, 255 } } },
	{ R5, "failed_disk_num", { { MAP0(3, map_state), 1, IMSM_DEGRADED }, { MAP0(3, failed_disk_num), 1, 3 } } },
	{ R5, "outside the disk table", { { ORD0(3, 2), 4, 3 } } },
	{ R5, "outside the disk table", { { ORD0(3, 0), 4, 0x01000003 } } },
	{ R5, "outside the disk table", { { ORD0(3, 0), 4, 0xffffffff } } },
	{ R5, "names a disk twice", { { ORD0(3, 2), 4, 1 } } },
	{ R5, "names a disk twice", { { ORD0(3, 2), 4, 0x01000001 } } },
	{ R5, "volume's size", { { VOLUME(3, size_low), 4, 0 } } },
	{ R5, "volume's size", { { VOLUME(3, size_high), 4, 0x80000000 } } },
	{ BBM4, "volume's size", { { VOLUME(3, size_high), 4, 0xffffffff } } },
	{ BBM4, "volume's size", { { VOLUME(3, size_high), 4, 0x20000000 } } }, /* times 8 is 2^64 */
	{ R1, "migr_state", { { VOLUME(2, migr_state), 1, 2 } } },
	{ R1, "migr_state", { { VOLUME(2, migr_state), 1, 255 } } },
	{ R1, "migr_type", { { VOLUME(2, migr_type), 1, 6 } } },
	{ R5, "migr_type", { { VOLUME(3, migr_type), 1, 255 } } },
	{ R5, "a map reaches beyond", { { VOLUME(3, migr_state), 1, 1 } } },
	{ R1, "curr_migr_unit", { { VOLUME(2, curr_migr_unit_lo), 4, 40961 } } },
	{ R1, "curr_migr_unit", { { VOLUME(2, curr_migr_unit_hi), 4, 1 } } },
	{ R1, "num_members is zero", { { MAP1(2, 2, num_members), 1, 0 } } },
	{ R1, "disk_ord_tbl reaches beyond", { { MAP1(2, 2, num_members), 1, 3 } } },
	{ R1, "raid_level is unknown", { { MAP1(2, 2, raid_level), 1, 7 } } },
	{ R1, "blocks_per_strip", { { MAP1(2, 2, blocks_per_strip), 2, 0 } } },
	{ R1, "map_state", { { MAP1(2, 2, map_state), 1, 4 } } },
	{ R1, "failed_disk_num", { { MAP1(2, 2, failed_disk_num), 1, 2 } } },
	{ R1, "outside the disk table", { { ORD1(2, 2, 1), 4, 0x01000002 } } },
	{ R1, "names a disk twice", { { ORD1(2, 2, 1), 4, 0x01000000 } } },
	{ RESHAPE, "the maps differ in num_members", { { VOLUME(4, migr_type), 1, IMSM_MIGR_REBUILD } } },
	{ R5, "pba_of_lba0", { WITH_HI, { MAP0(3, pba_of_lba0_hi), 4, 0x00400001 } } },
	{ R5, "blocks_per_member", { WITH_HI, { MAP0(3, blocks_per_member_hi), 4, 0xffffffff } } },
	{ R5, "num_data_stripes", { WITH_HI, { MAP0(3, num_data_stripes_hi), 4, 0x00010000 } } },
	{ R5, "num_data_stripes", { WITH_HI, { MAP0(3, num_data_stripes_hi), 4, 0x02000000 } } }, /* times 128: 2^64 */
	{ R5, "num_data_stripes", { WITH_HI, { MAP0(3, num_data_stripes_hi), 4, 0xffffffff } } },
	{ R5, "total_blocks", { WITH_HI, { DISK(1, total_blocks_hi), 4, 0x00400000 } } },
	{ R5, "two disks have the same serial", { { DISK(1, serial) + 9, 1, '0' } } },
	{ MATRIX, "raid_level is unknown", { { SECOND_MAP0(raid_level), 1, 9 } } },
};

static void test_refused(void **state)
{
	struct imsm_meta m;

	(void)state;
	for (size_t i = 0; i < COUNT(refused); i++) {
		const char *why = NULL;
		size_t size;
		uint8_t *mpb = mpb_poked(refused[i].sample, refused[i].poke, &size);
		int err = imsm_decode(mpb, size, imsm_sample_named(refused[i].sample)->sector_size, &m, &why);
		int expected = refused[i].poke[0].offset < IMSM_SIGNATURE_LEN ? -EINVAL : -EBADMSG;

		if (err != expected || !why || !strstr(why, refused[i].why))
			fail_msg("case %zu (%s): %d, %s", i, refused[i].why, err, why ? why : "no reason");
		free(mpb);
	}
}

/* Odd, but no reason to lose a volume. */
static const struct {
	const char *sample;
	struct mpb_poke poke[3];
} accepted[] = {
	{ R5, { { 0 } } },
	{ R5, { { HEADER(version), 4, 0xffffffff } } },
	{ R5, { { HEADER(attributes), 4, 0x7bffffff } } },
	{ R5, { { HEADER(error_log_size), 4, 0xffffffff } } },
	{ R5, { { HEADER(num_raid_devs), 1, 0 } } }, /* slack up to the end */
	{ R5, { { DISK(0, status), 4, 0xffffffff } } },
	{ R5, { { DISK(0, total_blocks_lo), 4, 0xffffffff } } },
	{ R5, { { DISK(1, serial) + 9, 1, '0' }, { DISK(1, status), 1, 6 } } },
	{ R5, { { VOLUME(3, name), 8, 0xffffffffffffffff } } },
	{ R5, { { VOLUME(3, dirty), 1, 0xff }, { VOLUME(3, rwh_policy), 1, 0xff } } },
	{ R5, { { VOLUME(3, curr_migr_unit_hi), 4, 0xffffffff } } }, /* no migration: of no meaning */
	{ R5, { { MAP0(3, failed_disk_num), 1, 77 } } },            /* not degraded: of no meaning */
	{ R5, { { MAP0(3, raid_level), 1, IMSM_RAID0 } } },
	{ R5, { { MAP0(3, num_data_stripes_lo), 4, 0xffffffff } } },
	{ R5, { { MAP0(3, blocks_per_strip), 2, 0x8000 } } },
	{ R5, { { ORD0(3, 1), 4, 0xff000001 } } },
	{ R1, { { VOLUME(2, curr_migr_unit_lo), 4, 40960 } } },
	{ R1, { { VOLUME(2, migr_type), 1, IMSM_MIGR_REPAIR } } },
	{ R1, { { ORD0(2, 1), 4, 0 }, { ORD0(2, 0), 4, 1 } } },
	{ MATRIX, { { MAP0(4, raid_level), 1, IMSM_RAID10 } } },
	{ BBM4, { { MAP0(3, blocks_per_strip), 2, 4096 } } },
	{ BBM4, { { VOLUME(3, curr_migr_unit_hi), 4, 0xffffffff } } },
};

static void test_accepted_and_kept(void **state)
{
	struct imsm_meta m;

	(void)state;
	for (size_t i = 0; i < COUNT(accepted); i++) {
		uint32_t sector_size = imsm_sample_named(accepted[i].sample)->sector_size;
		uint8_t *buf = malloc(IMSM_MPB_MAX);
		const char *why;
		size_t size;
		uint8_t *mpb = mpb_poked(accepted[i].sample, accepted[i].poke, &size);

		if (imsm_decode(mpb, size, sector_size, &m, &why) != 0 || why)
			fail_msg("case %zu: %s", i, why);
		assert_true(imsm_encode(&m, sector_size, buf, IMSM_MPB_MAX) > 0);
		if (m.num_volumes && !(le32_get(m.header.attributes) & IMSM_ATTR_BBM) && sector_size == 512)
			assert_memory_equal(buf, mpb, size);
		free(mpb);
		free(buf);
	}
}

static void test_wrong_checksum(void **state)
{
	struct imsm_meta m;
	const char *why;
	size_t size;
	uint8_t *mpb = imsm_sample_read_mpb(imsm_sample_named(R5), 0, &size);

	(void)state;
	for (size_t i = IMSM_SIGNATURE_LEN; i < size; i++) {
		if (i >= HEADER(mpb_size) && i < HEADER(family_num))
			continue;
		mpb[i] ^= 0x10;
		assert_int_equal(imsm_decode(mpb, size, 512, &m, &why), -EBADMSG);
		assert_string_equal(why, "the checksum is wrong");
		mpb[i] ^= 0x10;
	}
	assert_int_equal(imsm_decode(mpb, size, 520, &m, NULL), -EBADMSG);
	assert_int_equal(imsm_decode(mpb, size, 512, &m, NULL), 0);
	free(mpb);
}

static uint8_t *copy_of(const uint8_t *p, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);

	memcpy(copy, p, len);
	return copy;
}

/* Cut off anywhere, first as it is, then with mpb_size and checksum set to fit. */
static void check_truncation(const struct imsm_sample *s)
{
	struct imsm_meta m;
	size_t size;
	uint8_t *mpb = imsm_sample_read_mpb(s, 0, &size);

	for (size_t len = 0; len < size; len++) {
		uint8_t *cut = malloc(len); /* exactly; for 0 nothing may be read at all */

		memcpy(cut, mpb, len);
		assert_int_equal(imsm_decode(cut, len, s->sector_size, &m, NULL), -EBADMSG);
		if (len >= IMSM_HEADER_SIZE && len % 4 == 0) {
			mpb_poke(cut, HEADER(mpb_size), 4, len);
			mpb_fix_checksum(cut, len);
			assert_int_equal(imsm_decode(cut, len, s->sector_size, &m, NULL), -EBADMSG);
		}
		free(cut);
	}
	free(mpb);
}

static void test_truncated(void **state)
{
	static const char *const names[] = { R5, "r5-clean-42", R1, MATRIX, RESHAPE };

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++)
		check_truncation(imsm_sample_named(names[i]));
}

/* ---- bad block log ---- */

static const struct {
	const char *why;
	int left; /* entries that remain, or -EBADMSG: the copy is refused */
	struct mpb_poke poke[3];
} logs[] = {
	{ NULL, 2, { { 0 } } },
	{ NULL, 0, { { HEADER(bbm_log_size), 4, 0 } } },
	{ NULL, 2, { { HEADER(attributes), 4, 0 } } },
	{ NULL, 2, { { LOG + 8, 1, 255 } } },
	{ "bbm_log_size", -EBADMSG, { { HEADER(bbm_log_size), 4, 7 } } },
	{ "bbm_log_size", -EBADMSG, { { HEADER(bbm_log_size), 4, 28 } } }, /* reaches into the volume */
	{ "bbm_log_size", -EBADMSG, { { HEADER(bbm_log_size), 4, 0xffffffff } } },
	{ "signature", -EBADMSG, { { HEADER(bbm_log_size), 4, 16 } } },
	{ "signature", -EBADMSG, { { LOG, 4, 0xabadb10d } } },
	{ "entry_count", -EBADMSG, { { LOG + 4, 4, 1 } } },
	{ "entry_count", -EBADMSG, { { LOG + 4, 4, 3 } } },
	{ "entry_count", -EBADMSG, { { LOG + 4, 4, 0x20000002 } } }, /* times 8 is 16 again */
	{ "lie on no disk", 1, { { LOG + 9, 1, 3 } } },
	{ "lie on no disk", 1, { { LOG + 9, 1, 255 } } },
	{ "lie on no disk", 1, { { LOG + 10, 4, 65536 } } },
	{ "lie on no disk", 1, { { LOG + 10, 4, 65521 } } },
	{ NULL, 2, { { LOG + 10, 4, 65520 } } }, /* the last sector */
	{ "lie on no disk", 1, { { LOG + 10, 6, 0xffffffffffff } } },
	{ "lie on no disk", 0, { { LOG + 9, 1, 3 }, { LOG + 17, 1, 9 } } },
};

static void check_log(size_t i)
{
	const int expected = logs[i].left < 0 ? logs[i].left : 0;
	struct imsm_meta m;
	const char *why;
	size_t size;
	uint8_t *mpb = mpb_poked(BBM, logs[i].poke, &size);

	assert_int_equal(imsm_decode(mpb, size, 512, &m, &why), expected);
	free(mpb);
	if (!!why != !!logs[i].why || (why && !strstr(why, logs[i].why)))
		fail_msg("case %zu: %s", i, why ? why : "no reason");
	if (expected)
		return;
	assert_int_equal(m.num_bad, logs[i].left);
	assert_int_equal(m.num_volumes, 1);
	assert_int_equal(m.volume[0].map[0].ord[2], 2);
}

/* The next write would erase it. */
static void test_log_that_cannot_be_read_costs_the_copy(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(logs); i++)
		check_log(i);
}

static void test_log_entries(void **state)
{
	struct imsm_meta m;

	(void)state;
	imsm_sample_decode(imsm_sample_named(BBM), 0, &m);
	assert_int_equal(m.num_bad, 2);
	assert_int_equal(m.bad[0].sector, 2048);
	assert_int_equal(m.bad[0].length, 16);
	assert_int_equal(m.bad[0].disk, 2);
	assert_int_equal(m.bad[1].sector, 1024);
	assert_int_equal(m.bad[1].length, 8);
	assert_int_equal(m.bad[1].disk, 0);
}

/* No entry, no log, no attribute; and back. */
static void test_log_comes_and_goes(void **state)
{
	struct imsm_meta m;

	(void)state;
	imsm_sample_decode(imsm_sample_named(BBM), 0, &m);
	m.num_bad = 0;
	mpb_recode(&m, 512);
	assert_int_equal(le32_get(m.header.bbm_log_size), 0);
	assert_int_equal(le32_get(m.header.attributes), 0x80000010);
	assert_int_equal(le32_get(m.header.mpb_size), LOG);
	m.num_bad = 1;
	m.bad[0] = (struct imsm_bad_range){ .sector = 65280, .length = 256, .disk = 1 };
	mpb_recode(&m, 512);
	assert_int_equal(le32_get(m.header.attributes), 0x88000010);
	assert_int_equal(le32_get(m.header.bbm_log_size), 16);
	assert_int_equal(m.num_bad, 1);
	assert_int_equal(m.bad[0].sector, 65280);
	assert_int_equal(m.bad[0].length, 256);
	assert_int_equal(m.bad[0].disk, 1);
}

/* Foreign writers leave slack between the last volume and the log. */
static void test_slack_before_the_log(void **state)
{
	struct imsm_meta m;
	const char *why;
	size_t size;
	uint8_t *mpb = imsm_sample_read_mpb(imsm_sample_named(BBM), 0, &size);
	uint8_t *wide_mpb = malloc(size + 64);

	(void)state;
	memcpy(wide_mpb, mpb, LOG);
	memset(wide_mpb + LOG, 0x5a, 64);
	memcpy(wide_mpb + LOG + 64, mpb + LOG, size - LOG);
	mpb_poke(wide_mpb, HEADER(mpb_size), 4, size + 64);
	mpb_fix_checksum(wide_mpb, size + 64);
	assert_int_equal(imsm_decode(wide_mpb, size + 64, 512, &m, &why), 0);
	assert_null(why);
	assert_int_equal(m.num_bad, 2);
	mpb_recode(&m, 512);
	assert_int_equal(le32_get(m.header.mpb_size), size);
	free(wide_mpb);
	free(mpb);
}

/* ---- whatever else may come ---- */

static uint32_t random_state;

static uint32_t next_random(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 17;
	random_state ^= random_state << 5;
	return random_state;
}

static void mutate(uint8_t *mpb, size_t size)
{
	static const uint8_t edges[] = { 0, 1, 2, 3, 4, 5, 0x7f, 0x80, 0xfe, 0xff };

	for (unsigned n = 1 + next_random() % 4; n > 0; n--) {
		/* Half of them near the end: maps, disk_ord_tbl and the bad block log. */
		size_t range = next_random() % 2 ? size : 128, at = size - 1 - next_random() % range;

		if (at < IMSM_SIGNATURE_LEN || (at >= HEADER(mpb_size) && at < HEADER(family_num)))
			continue;
		mpb[at] = next_random() % 2 ? edges[next_random() % COUNT(edges)] : (uint8_t)next_random();
	}
}

/* What was accepted must be possible to write, and reading it back must change nothing any more. */
static void check_stable(struct imsm_meta *m, uint32_t sector_size)
{
	static struct imsm_meta again;
	static uint8_t first[IMSM_MPB_MAX], second[IMSM_MPB_MAX];
	const char *why;
	ssize_t len = imsm_encode(m, sector_size, first, sizeof(first));

	assert_true(len > 0);
	if (imsm_decode(first, (size_t)len, sector_size, &again, &why) != 0 || why)
		fail_msg("not readable again: %s", why);
	memcpy(&m->header, &again.header, sizeof(m->header)); /* counts and sums are new */
	assert_memory_equal(m, &again, sizeof(again));
	assert_int_equal(imsm_encode(&again, sector_size, second, sizeof(second)), len);
	assert_memory_equal(first, second, (size_t)len);
}

static void test_random_mutations(void **state)
{
	struct imsm_meta m;
	unsigned good = 0, bad = 0;

	(void)state;
	random_state = 20260101;
	for (unsigned i = 0; i < 6000; i++) {
		const struct imsm_sample *s = &imsm_samples[next_random() % IMSM_SAMPLE_COUNT];
		size_t size;
		uint8_t *mpb = imsm_sample_read_mpb(s, next_random() % s->disks, &size);

		mutate(mpb, size);
		mpb_fix_checksum(mpb, size);
		if (imsm_decode(mpb, size, s->sector_size, &m, NULL) == 0) {
			good++;
			check_stable(&m, s->sector_size);
		} else {
			bad++;
		}
		free(mpb);
	}
	assert_true(good > 1000);
	assert_true(bad > 1000);
}

/* Nothing but noise behind a header with a right size and checksum. */
static void test_random_noise(void **state)
{
	struct imsm_meta m;

	(void)state;
	random_state = 4711;
	for (unsigned i = 0; i < 2000; i++) {
		size_t size = IMSM_HEADER_SIZE + next_random() % 400 * 4;
		uint8_t *mpb = malloc(size);

		for (size_t k = 0; k < size; k++)
			mpb[k] = (uint8_t)next_random();
		memcpy(mpb, IMSM_SIGNATURE, IMSM_SIGNATURE_LEN);
		mpb_poke(mpb, HEADER(mpb_size), 4, size);
		mpb[HEADER(num_disks)] %= 8;
		mpb[HEADER(num_raid_devs)] %= 3;
		mpb_fix_checksum(mpb, size);
		if (imsm_decode(mpb, size, i % 2 ? 512 : 4096, &m, NULL) == 0)
			check_stable(&m, i % 2 ? 512 : 4096);
		free(mpb);
	}
}

/* ---- one volume by itself ---- */

static void test_decode_volume(void **state)
{
	struct imsm_volume v;
	const char *why;
	size_t size;
	uint8_t *mpb = imsm_sample_read_mpb(imsm_sample_named(R1), 0, &size);
	size_t at = VOLUME(2, name), len = size - at;
	uint8_t *record = copy_of(mpb + at, len);

	(void)state;
	assert_int_equal(len, 112 + 2 * 56);
	assert_int_equal(imsm_decode_volume(record, len, 2, &v, &why), len);
	assert_null(why);
	assert_int_equal(imsm_volume_size(&v), len);
	assert_int_equal(imsm_decode_volume(mpb + at, len, 2, &v, NULL), len);
	assert_int_equal(v.map[1].ord[1], 0x01000001);
	assert_int_equal(imsm_decode_volume(record, len, 1, &v, &why), -EBADMSG);
	assert_non_null(strstr(why, "outside the disk table"));
	assert_int_equal(imsm_decode_volume(record, len, 256, &v, &why), -EBADMSG);
	mpb_poke(record, 160, 4, 0x00ffffff); /* ord 0: what a message says there does not matter */
	assert_int_equal(imsm_decode_volume(record, len, 0, &v, NULL), len);
	for (size_t n = 0; n < len; n++) {
		uint8_t *cut = malloc(n);

		memcpy(cut, record, n);
		assert_int_equal(imsm_decode_volume(cut, n, 0, &v, &why), -EBADMSG);
		assert_non_null(strstr(why, "beyond the end"));
		free(cut);
	}
	free(record);
	free(mpb);
}

static void test_decode_volume_leaves_what_follows(void **state)
{
	struct imsm_volume v;
	size_t size;
	uint8_t *mpb = imsm_sample_read_mpb(imsm_sample_named(MATRIX), 0, &size);

	(void)state;
	assert_int_equal(imsm_decode_volume(mpb + VOLUME(4, name), size - VOLUME(4, name), 4, &v, NULL), 112 + 64);
	free(mpb);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hi_halves_need_the_attribute),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_accepted_and_kept),
		cmocka_unit_test(test_wrong_checksum),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_log_that_cannot_be_read_costs_the_copy),
		cmocka_unit_test(test_log_entries),
		cmocka_unit_test(test_log_comes_and_goes),
		cmocka_unit_test(test_slack_before_the_log),
		cmocka_unit_test(test_random_mutations),
		cmocka_unit_test(test_random_noise),
		cmocka_unit_test(test_decode_volume),
		cmocka_unit_test(test_decode_volume_leaves_what_follows),
	};

	return cmocka_run_group_tests_name("imsm-decode", tests, NULL, NULL);
}
