/* SPDX-License-Identifier: GPL-2.0-or-later */
/* imsm/encode.c: what was decoded gives the same bytes again; what does not fit is refused; spare records. */
#include "tests/unit/support/imsm-bytes.h"

#include <errno.h>
#include <stdlib.h>

/* ---- re-encoding ---- */

static void check_reencoding(const struct imsm_sample *s, unsigned disk)
{
	struct imsm_meta m;
	uint8_t *buf = malloc(IMSM_MPB_MAX);
	size_t size;
	uint8_t *mpb = imsm_sample_read_mpb(s, disk, &size);
	ssize_t len;

	assert_int_equal(imsm_decode(mpb, size, s->sector_size, &m, NULL), 0);
	memset(buf, 0xaa, IMSM_MPB_MAX);
	len = imsm_encode(&m, s->sector_size, buf, IMSM_MPB_MAX);
	assert_true(len >= (ssize_t)size && len < (ssize_t)(size + s->sector_size));
	assert_int_equal(len % s->sector_size, 0);
	assert_memory_equal(buf, mpb, size);
	for (ssize_t i = (ssize_t)size; i < len; i++)
		assert_int_equal(buf[i], 0);
	assert_int_equal(buf[len], 0xaa);
	free(mpb);
	free(buf);
}

static void test_reencoding_gives_the_same_bytes(void **state)
{
	(void)state;
	for (size_t i = 0; i < IMSM_SAMPLE_COUNT; i++)
		for (unsigned disk = 0; disk < imsm_samples[i].disks; disk++)
			check_reencoding(&imsm_samples[i], disk);
}

static void test_disk_order(void **state)
{
	const struct imsm_sample *s = imsm_sample_named("r10-r5-matrix-46");
	struct imsm_meta m;
	uint8_t mpb[2048], out[2048], tail[SAMPLE_TAIL];
	size_t size;
	ssize_t len;

	(void)state;
	imsm_sample_decode(s, 0, &m);
	size = le32_get(m.header.mpb_size);
	len = imsm_encode(&m, 512, mpb, sizeof(mpb));
	assert_int_equal(len, 1024);
	imsm_disk_order(mpb, (size_t)len, 512, out);
	imsm_sample_read_tail(s, 0, tail);
	assert_memory_equal(out + 512, tail + SAMPLE_TAIL - 1024, 512);       /* anchor */
	assert_memory_equal(out, tail + SAMPLE_TAIL - 1536, size - 512); /* what follows is of no meaning */

	imsm_disk_order(mpb, 512, 512, out);
	assert_memory_equal(out, mpb, 512);
}

static void test_encode_refuses_what_does_not_fit(void **state)
{
	struct imsm_meta m;
	uint8_t *buf = malloc(IMSM_MPB_MAX);

	(void)state;
	imsm_sample_decode(imsm_sample_named("r5-clean-46"), 0, &m);
	assert_int_equal(imsm_encode(&m, 512, buf, 1023), -E2BIG);
	assert_int_equal(imsm_encode(&m, 512, buf, 1024), 1024);
	assert_int_equal(imsm_encode(&m, 4096, buf, 4095), -E2BIG);
	assert_int_equal(imsm_encode(&m, 520, buf, IMSM_MPB_MAX), -E2BIG);
	m.num_volumes = IMSM_MAX_VOLUMES + 1;
	assert_int_equal(imsm_encode(&m, 512, buf, IMSM_MPB_MAX), -E2BIG);
	m.num_volumes = 1;
	m.num_disks = IMSM_MAX_DISKS + 1;
	assert_int_equal(imsm_encode(&m, 512, buf, IMSM_MPB_MAX), -E2BIG);
	m.num_disks = 3;
	m.num_bad = IMSM_BBM_MAX + 1;
	assert_int_equal(imsm_encode(&m, 512, buf, IMSM_MPB_MAX), -E2BIG);
	m.num_bad = 1;
	m.bad[0] = (struct imsm_bad_range){ .sector = 1, .length = 0 };
	assert_int_equal(imsm_encode(&m, 512, buf, IMSM_MPB_MAX), -E2BIG);
	m.bad[0].length = 257;
	assert_int_equal(imsm_encode(&m, 512, buf, IMSM_MPB_MAX), -E2BIG);
	m.bad[0].length = 256;
	assert_int_equal(imsm_encode(&m, 512, buf, IMSM_MPB_MAX), 1024);
	m.bad[0].sector = UINT64_C(1) << 48;
	assert_int_equal(imsm_encode(&m, 512, buf, IMSM_MPB_MAX), -E2BIG);
	free(buf);
}

static void fill_map(struct imsm_map *map, unsigned members)
{
	memset(map, 0, sizeof(*map));
	map->head.raid_level = IMSM_RAID5;
	map->head.num_members = (uint8_t)members;
	map->head.num_domains = 1;
	map->head.failed_disk_num = IMSM_NO_FAILED_SLOT;
	map->head.blocks_per_strip = le16_make(256);
	imsm_map_set_pba(map, UINT64_C(0x123456789a));
	imsm_map_set_blocks_per_member(map, UINT64_C(0x2233445566));
	imsm_map_set_stripes(map, UINT64_C(0x1122334));
	for (unsigned i = 0; i < members; i++)
		map->ord[i] = i | (i % 2 ? IMSM_ORD_REBUILD : 0);
}

/* Everything at its maximum: the largest MPB there can be. */
static void test_largest(void **state)
{
	struct imsm_meta *m = calloc(1, sizeof(*m)), *back = malloc(sizeof(*back));
	uint8_t *buf = malloc(IMSM_MPB_MAX);
	const char *why;
	ssize_t len;

	(void)state;
	memcpy(m->header.sig, IMSM_SIGNATURE, IMSM_SIGNATURE_LEN);
	m->header.attributes = le32_make(IMSM_ATTR_2TB_DISK | IMSM_ATTR_BBM);
	m->num_disks = IMSM_MAX_DISKS;
	for (unsigned i = 0; i < m->num_disks; i++) {
		snprintf((char *)m->disk[i].serial, IMSM_SERIAL_LEN, "disk%u", i);
		imsm_disk_set_blocks(&m->disk[i], UINT64_C(1) << 53);
	}
	m->num_volumes = IMSM_MAX_VOLUMES;
	for (unsigned i = 0; i < m->num_volumes; i++) {
		imsm_volume_set_blocks(&m->volume[i], UINT64_C(1) << 50);
		m->volume[i].head.migr_state = 1;
		fill_map(&m->volume[i].map[0], IMSM_MAX_MEMBERS);
		fill_map(&m->volume[i].map[1], IMSM_MAX_MEMBERS);
	}
	m->num_bad = IMSM_BBM_MAX;
	for (unsigned i = 0; i < m->num_bad; i++) {
		m->bad[i].sector = (UINT64_C(1) << 48) - 1 - i;
		m->bad[i].length = 256;
		m->bad[i].disk = (uint8_t)i;
	}
	len = imsm_encode(m, 512, buf, IMSM_MPB_MAX);
	assert_true(len > 0);
	if (imsm_decode(buf, (size_t)len, 512, back, &why) != 0)
		fail_msg("%s", why);
	assert_null(why);
	memcpy(&m->header, &back->header, sizeof(m->header));
	assert_memory_equal(m, back, sizeof(*m));
	free(buf);
	free(back);
	free(m);
}

/* ---- spare record ---- */

static void test_spare_is_that_of_the_sample(void **state)
{
	const struct imsm_sample *s = imsm_sample_named(MATRIX);
	struct imsm_meta sample, ours;
	uint8_t *buf = malloc(512);
	size_t size;
	uint8_t *mpb = imsm_sample_read_mpb(s, 4, &size);

	(void)state;
	imsm_sample_decode(s, 4, &sample);
	assert_int_equal(size, IMSM_SPARE_MPB_SIZE);
	memset(buf, 0xaa, 512);
	assert_int_equal(imsm_encode_spare(&sample.disk[0], 512, buf), 512);
	for (size_t i = size; i < 512; i++)
		assert_int_equal(buf[i], 0);
	assert_int_equal(imsm_decode(buf, 512, 512, &ours, NULL), 0);
	assert_int_equal(le32_get(ours.header.attributes), IMSM_ATTR_CHECKSUM_VERIFY);

	/* The same bytes but for the attribute, and the family that depends on it. */
	ours.header.attributes = sample.header.attributes;
	ours.header.family_num = sample.header.family_num;
	ours.header.check_sum = sample.header.check_sum;
	assert_memory_equal(&ours, &sample, sizeof(ours));
	free(mpb);
	free(buf);
}

static void test_spare_family_is_its_sum(void **state)
{
	struct imsm_disk d = { .serial = "S1", .scsi_id = le32_make(7), .status = le32_make(0x6) };
	uint8_t a[512], b[512];
	struct imsm_meta m;

	(void)state;
	imsm_disk_set_blocks(&d, 1000);
	imsm_encode_spare(&d, 512, a);
	imsm_encode_spare(&d, 512, b);
	assert_memory_equal(a, b, 512); /* stable */
	assert_int_equal(imsm_decode(a, 512, 512, &m, NULL), 0);
	assert_int_equal(le32_get(m.disk[0].status), IMSM_DISK_SPARE);
	assert_int_equal(le32_get(m.disk[0].scsi_id), 7);
	mpb_poke(b, HEADER(family_num), 4, 0);
	assert_int_equal(le32_get(m.header.family_num), imsm_checksum(b, IMSM_SPARE_MPB_SIZE));
}

static void test_spare_large_and_4kn(void **state)
{
	struct imsm_disk d = { .serial = "S1" };
	uint8_t buf[4096];
	struct imsm_meta m;

	(void)state;
	imsm_disk_set_blocks(&d, UINT64_C(0x300000000));
	assert_int_equal(imsm_encode_spare(&d, 512, buf), 512);
	assert_int_equal(imsm_decode(buf, 512, 512, &m, NULL), 0);
	assert_int_equal(le32_get(m.header.attributes), IMSM_ATTR_CHECKSUM_VERIFY | IMSM_ATTR_2TB_DISK);
	assert_true(imsm_disk_blocks(&m.disk[0]) == UINT64_C(0x300000000));
	assert_int_equal(imsm_encode_spare(&d, 4096, buf), 4096);
	mpb_assert_bytes(buf + DISK(0, total_blocks_lo), "00 00 00 60");
	assert_int_equal(imsm_decode(buf, 4096, 4096, &m, NULL), 0);
	assert_int_equal(le32_get(m.header.attributes), IMSM_ATTR_CHECKSUM_VERIFY | IMSM_ATTR_2TB_DISK);
	assert_true(imsm_disk_blocks(&m.disk[0]) == UINT64_C(0x300000000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reencoding_gives_the_same_bytes),
		cmocka_unit_test(test_disk_order),
		cmocka_unit_test(test_encode_refuses_what_does_not_fit),
		cmocka_unit_test(test_largest),
		cmocka_unit_test(test_spare_is_that_of_the_sample),
		cmocka_unit_test(test_spare_family_is_its_sum),
		cmocka_unit_test(test_spare_large_and_4kn),
	};

	return cmocka_run_group_tests_name("imsm-encode", tests, NULL, NULL);
}
