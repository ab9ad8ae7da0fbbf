/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The UUIDs are compared with what mdadm says of the samples in tests/unit/imsm/examine.c. */
#include "tests/unit/support/imsm-fixture.h"

#define BITS_SIZE 1036288


static void fill(struct spare_pick *p, uint64_t volume_sectors)
{
	ifx_init(&ifx, 3);
	ifx_volume(&ifx, 5, "N 0,1,2");
	imsm_volume_set_blocks(&ifx.c.meta.volume[0], volume_sectors);
	*p = (struct spare_pick){ .data_offset = 4096, .component_size = 20480 };
	imsm_fill_bitmap(&ifx.c.meta, 0, p);
}

/* Written by mdadm 4.2 for a volume of 20 MiB, but for the UUID. */
static void test_header(void **state)
{
	static const uint8_t expected[SPARE_BITMAP_HEADER] = {
		[0] = 'b', 'i', 't', 'm', 4, [40] = 0x00, 0xd0, 0x0f, [55] = 4, [56] = 5,
	};
	uint8_t uuid[16];
	struct spare_pick p;

	(void)state;
	fill(&p, 40960);
	imsm_volume_uuid(&ifx.c.meta, 0, uuid);
	assert_memory_equal(p.bitmap_header + 8, uuid, sizeof(uuid));
	memset(p.bitmap_header + 8, 0, sizeof(uuid));
	assert_memory_equal(p.bitmap_header, expected, sizeof(expected));
	assert_int_equal(p.bitmap_sector, 4096 + 20480 + 16);
	assert_int_equal(p.bitmap_size, BITS_SIZE);
}

static uint32_t chunk_for(uint64_t volume_sectors)
{
	struct spare_pick p;
	le32 chunk;

	fill(&p, volume_sectors);
	memcpy(&chunk, p.bitmap_header + 52, sizeof(chunk));
	return le32_get(chunk);
}

static void test_chunk_grows_with_the_volume(void **state)
{
	const uint64_t most = (uint64_t)BITS_SIZE * 512 * 131072; /* that 64 MiB are enough for */

	(void)state;
	assert_int_equal(chunk_for(1), 64u << 20);
	assert_int_equal(chunk_for(most - 1), 64u << 20);
	assert_int_equal(chunk_for(most), 128u << 20);
	assert_int_equal(chunk_for(UINT64_MAX), 1u << 31);
}

static void test_uuid_depends_on(void **state)
{
	struct imsm_meta *m = &ifx.c.meta;
	uint8_t uuid[6][16];

	(void)state;
	ifx_init(&ifx, 3);
	ifx_volume(&ifx, 5, "N 0,1,2");
	ifx_volume(&ifx, 5, "N 0,1,2");
	imsm_volume_uuid(m, 0, uuid[0]);
	m->header.family_num = le32_make(7); /* changes with each spare */
	imsm_volume_uuid(m, 0, uuid[1]);
	assert_memory_equal(uuid[0], uuid[1], 16);
	memcpy(m->volume[1].head.name, m->volume[0].head.name, IMSM_NAME_LEN);
	imsm_volume_uuid(m, 1, uuid[2]);
	m->volume[0].head.name[15] = 'x';
	imsm_volume_uuid(m, 0, uuid[3]);
	m->header.orig_family_num = le32_make(7);
	imsm_volume_uuid(m, 0, uuid[4]);
	for (unsigned i = 0; i < 5; i++)
		for (unsigned k = i + 1; k < 5; k++)
			assert_int_equal(memcmp(uuid[i], uuid[k], 16) == 0, i == 0 && k == 1);
	m->header.orig_family_num = le32_make(0); /* as long as nobody has set it */
	imsm_volume_uuid(m, 0, uuid[5]);
	assert_memory_equal(uuid[4], uuid[5], 16);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_header),
		cmocka_unit_test(test_chunk_grows_with_the_volume),
		cmocka_unit_test(test_uuid_depends_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
