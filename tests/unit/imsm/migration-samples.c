/* SPDX-License-Identifier: GPL-2.0-or-later */
/* imsm/migration.c: metadata as mdadm and its daemon wrote it. */
#include "tests/unit/support/imsm-samples.h"
#include "tests/unit/support/imsm-shape.h"

#include <errno.h>

/* As disk 0 of the sample has it; all disks of its table are there. */
static void given_sample(const char *name)
{
	const struct imsm_sample *s = imsm_sample_named(name);

	memset(&ifx, 0, sizeof(ifx));
	imsm_sample_decode(s, 0, &ifx.c.meta);
	ifx.c.sector_size = s->sector_size;
	for (unsigned i = 0; i < s->disks; i++) {
		struct imsm_dl *dl = ifx_spare(&ifx);

		ifx.disk[i].size = s->size;
		ifx.disk[i].sector_size = s->sector_size;
		snprintf((char *)dl->serial, IMSM_SERIAL_LEN, "/dev/loop%hhu", (unsigned char)i);
		memcpy(dl->record.serial, dl->serial, IMSM_SERIAL_LEN);
		imsm_disk_set_blocks(&dl->record, s->size / 512);
		if (i < ifx.c.meta.num_disks)
			dl->index = (int)i;
	}
}

struct sample_row {
	const char *name, *sample;
	struct shape_message m;
	unsigned volume;
	const char *after;
	struct shape shape;
};

static void test_samples(void **state)
{
	static const struct sample_row rows[] = {
		/* 8 MiB per member, 128 strips of 128 */
		{ "chunk 64 to 256 KiB", "r5-clean-46", MIGRATE(3, 3, 0, 5, 256), 0, "N<GEN<N 0,1,2/0,1,2 u0",
		  { 32768, 32, 18432, 512, 5, 1 } },
		{ "chunk, written by 4.2", "r5-clean-42", MIGRATE(3, 3, 0, 5, 4), 0, "N<GEN<N 0,1,2/0,1,2 u0",
		  { 32768, 2048, 18432, 8, 5, 1 } },
		{ "size", "r5-clean-46", RESIZE(0, 2 * 7 * MIB), 0, "N 0,1,2",
		  { 2 * 7 * MIB, 112, 8 * MIB, 128, 5, 1 } },
		/* 20 MiB per member, 320 strips of 128 */
		{ "chunk on 4Kn", "r5-bbm-4kn-46", MIGRATE(3, 3, 0, 5, 128), 0, "N<GEN<N 0,1,2/0,1,2 u0",
		  { 81920, 160, 43008, 256, 5, 1 } },
		{ "larger chunk on 4Kn", "r5-bbm-4kn-46", MIGRATE(3, 3, 0, 5, 4096), 0, "N<GEN<N 0,1,2/0,1,2 u0",
		  { 81920, 5, 43008, 8192, 5, 1 } },
		{ "size on 4Kn, no multiple of a block", "r5-bbm-4kn-46", RESIZE(0, 61455), 0, "N 0,1,2",
		  { 2 * 15 * MIB, 240, 30727 + 2048, 128, 5, 1 } },
		/* 20 MiB per member; vol1 (16 MiB per member) begins at 49152 */
		{ "size beside a volume", "r10-r5-matrix-46", RESIZE(0, 81920), 0, "N 0,1,2,3",
		  { 81920, 160, 43008, 128, 1, 2 } },
		{ "chunk of the second volume", "r10-r5-matrix-46", MIGRATE(4, 4, 1, 5, 64), 1,
		  "N<GEN<N 0,1,2,3/0,1,2,3 u0", { 98304, 256, 34816, 128, 5, 1 } },
		{ "checkpoint", "r5-reshape-46", CHECKPOINT(3), 0, "N<GEN<N 0,1,2,3/0,1,2 u3",
		  { 122880, 320, 43008, 128, 5, 1 } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		print_message("  %s\n", rows[i].name);
		given_sample(rows[i].sample);
		shape_assert_applied(&rows[i].m);
		assert_string_equal(ifx_text(&ifx, rows[i].volume), rows[i].after);
		shape_assert(VOL(rows[i].volume), &rows[i].shape);
	}
}

/* r5-reshape-46 is what the reference made of the same message, two units later. */
static void test_grow_as_the_reference(void **state)
{
	static const struct shape_message m = GROW(3, 4, 0x803);
	static struct imsm_meta reference;
	struct imsm_volume *v = VOL(0);

	(void)state;
	given_sample("r5-reshape-46");
	reference = ifx.c.meta;
	ifx.c.meta.num_disks = 3;
	ifx.dl[3].index = IMSM_INDEX_SPARE;
	v->map[0] = v->map[1];
	v->head.migr_state = v->head.migr_type = 0;
	imsm_volume_set_unit(v, 0);
	imsm_volume_set_blocks(v, 2 * 320 * 128);
	shape_assert_applied(&m);
	assert_int_equal(ifx.c.meta.num_disks, reference.num_disks);
	for (unsigned i = 0; i < reference.num_disks; i++)
		assert_memory_equal(&ifx.c.meta.disk[i], &reference.disk[i], sizeof(reference.disk[i]));
	imsm_volume_set_unit(v, 2);
	assert_memory_equal(&v->head, &reference.volume[0].head, sizeof(v->head));
	assert_memory_equal(&v->map[0].head, &reference.volume[0].map[0].head, sizeof(v->map[0].head));
	assert_memory_equal(&v->map[1].head, &reference.volume[0].map[1].head, sizeof(v->map[1].head));
	assert_string_equal(ifx_text(&ifx, 0), "N<GEN<N 0,1,2,3/0,1,2 u2");
}

/* imsm.md 14: 160 stripes of a RAID10 stored as level 1; as RAID0 320. */
static void test_sample_takeover(void **state)
{
	static const struct shape_message down = TAKEOVER(0, TO_RAID0);

	(void)state;
	given_sample("r10-r5-matrix-46");
	imsm_mark_failure(&ifx.c, VOL(0), 1);
	imsm_mark_failure(&ifx.c, VOL(0), 2);
	shape_assert_applied(&down);
	assert_string_equal(ifx_text(&ifx, 0), "N 0,3"); /* vol1 names the others */
	shape_assert(VOL(0), &(struct shape){ 81920, 320, 43008, 128, 0, 1 });
	assert_int_equal(ifx.c.meta.num_disks, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_samples),
		cmocka_unit_test(test_grow_as_the_reference),
		cmocka_unit_test(test_sample_takeover),
	};

	return cmocka_run_group_tests_name("imsm-migration-samples", tests, NULL, NULL);
}
