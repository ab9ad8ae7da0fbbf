/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading metadata for an administrator: IMSM samples against what mdadm -E said of them, and everything that may be wrong. */
#include "tests/unit/support/examined.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

static void compare_imsm(unsigned i, uint32_t sector_size, FILE *f)
{
	unsigned volumes = (unsigned)strtoul(said(f, "RAID Devices", 0), NULL, 10);
	char path[64];

	assert_string_equal(text_at(i, "metadata.header.family_num"), said(f, "Family", 0));
	assert_string_equal(text_at(i, "metadata.header.orig_family_num"), said(f, "Orig Family", 0));
	assert_int_equal(number_at(i, "metadata.header.generation_num"), strtoull(said(f, "Generation", 0), NULL, 16));
	assert_string_equal(text_at(i, "metadata.header.version"), said(f, "Version", 0));
	if (strcmp(said(f, "Attributes", 0), "All") != 0) /* mdadm 4.2: "All supported" */
		assert_string_equal(text_at(i, "metadata.header.attributes"), said(f, "Attributes", 0));
	if (sector_size == 512) /* of others mdadm tells the sum of what it has made of them */
		assert_string_equal(text_at(i, "metadata.header.check_sum"), said(f, "Checksum", 0));
	assert_int_equal(json_array_size(at(i, "metadata.disks")), strtoul(said(f, "Disks", 0), NULL, 10));
	assert_int_equal(json_array_size(at(i, "metadata.volumes")), volumes);
	for (unsigned v = 0; v < volumes; v++) {
		snprintf(path, sizeof(path), "metadata.volumes[%u].size", v);
		/* mdadm counts in sectors of the disk. */
		assert_int_equal(number_at(i, path), strtoull(said(f, "Array Size", v), NULL, 10) * (sector_size / 512));
		snprintf(path, sizeof(path), "metadata.volumes[%u].uuid", v);
		assert_string_equal(text_at(i, path), said(f, "UUID", v + 1));
		snprintf(path, sizeof(path), "metadata.volumes[%u].maps[0].num_members", v);
		assert_int_equal(number_at(i, path), strtoull(said(f, "Members", v), NULL, 10));
		snprintf(path, sizeof(path), "metadata.volumes[%u].maps[0].level", v);
		assert_string_equal(text_at(i, path) + strlen("raid"), said(f, "RAID Level", v));
	}
}

static void test_imsm_samples(void **state)
{
	(void)state;
	for (size_t k = 0; k < IMSM_SAMPLE_COUNT; k++) {
		const struct imsm_sample *s = &imsm_samples[k];
		bool replaced = strncmp(s->name, "r1-rebuild", 10) == 0; /* disk 1 was */

		for (unsigned i = 0; i < s->disks; i++)
			image_of_imsm(i, s->name, i);
		examine(s->disks);
		assert_int_equal(healthy(), !replaced);
		assert_int_equal(json_integer_value(json_object_get(json_array_get(json_object_get(got, "devices"), 0),
								    "sector_size")), s->sector_size);
		for (unsigned i = 0; i < s->disks; i++) {
			FILE *f = imsm_sample_open(s, i, "E.txt");

			compare_imsm(i, s->sector_size, f);
			if (i == 0)
				assert_string_equal(json_string_value(json_object_get(set(0), "uuid")), said(f, "UUID", 0));
			fclose(f);
		}
		if (replaced)
			assert_problem(1, "is neither a member nor a spare");
	}
}

/* ---- IMSM ---- */

static struct imsm_header header;

static uint64_t anchor_of(const struct image_file *i)
{
	return i->disk->size - 1024;
}

/* Of a disk of r5-clean-46, whose metadata take two sectors: the second lies before the first. */
static void change_imsm(const struct image_file *i, void (*change)(uint8_t *mpb))
{
	uint8_t mpb[1024] = { 0 };
	struct imsm_header *h = (struct imsm_header *)(void *)mpb;

	image_read(i, anchor_of(i), mpb, 512);
	image_read(i, anchor_of(i) - 512, mpb + 512, 512);
	change(mpb);
	h->check_sum = le32_make(imsm_checksum(mpb, le32_get(h->mpb_size)));
	image_write(i, anchor_of(i), mpb, 512);
	image_write(i, anchor_of(i) - 512, mpb + 512, 512);
}

static void r5_clean(unsigned disks)
{
	for (unsigned i = 0; i < disks; i++)
		image_of_imsm(i, "r5-clean-46", i);
}

static void test_imsm_details(void **state)
{
	(void)state;
	r5_clean(3);
	examine(3);
	assert_true(healthy());
	for (unsigned i = 0; i < 3; i++) {
		assert_string_equal(text_at(i, "status"), "right");
		assert_string_equal(text_at(i, "use"), "member");
		assert_true(json_is_true(at(i, "local.serial_assumed")));
		assert_int_equal(number_at(i, "local.own_index"), i);
		assert_true(is_taken_by(i, "mdmon") && is_taken_by(i, "mdadm"));
	}
	assert_string_equal(text_at(1, "local.serial"), "/dev/loop1");
	assert_string_equal(text_at(0, "metadata.disks[2].serial"), "/dev/loop2");
	assert_string_equal(text_at(0, "metadata.disks[2].state[0]"), "configured");
	assert_choice("mdmon", 0, "only");
	assert_choice("mdadm", 0, "only");
}

static void test_imsm_records(void **state)
{
	(void)state;
	image_of_imsm(0, "r5-reshape-46", 0);
	image_of_imsm(1, "r5-reshape-46", 4);
	image_of_imsm(2, "r5-reshape-46", 2);
	examine(3);
	assert_true(healthy());
	assert_int_equal(number_at(0, "local.migration_record.curr_migr_unit"), 2);
	assert_int_equal(number_at(0, "local.migration_record.blocks_per_unit"), 6144);
	assert_int_equal(number_at(0, "local.migration_record.num_migr_units"), 20);
	assert_string_equal(text_at(0, "metadata.volumes[0].migration"), "general migration");
	assert_int_equal(number_at(0, "metadata.volumes[0].maps[1].num_members"), 3);
	assert_true(json_is_null(at(2, "local.migration_record")));
	/* A spare's record is its own. */
	assert_true(json_is_true(at(1, "local.spare_record")));
	assert_string_equal(text_at(1, "use"), "spare");
	assert_string_equal(text_at(1, "local.serial"), "/dev/loop4");
	assert_choice("mdmon", 0, "only");
}

static void test_imsm_spare_first(void **state)
{
	(void)state;
	image_of_imsm(0, "r5-reshape-46", 4);
	examine(1);
	assert_true(healthy());
	assert_choice("mdmon", 0, "only");
	assert_string_equal(text_at(0, "use"), "spare");
}

static void test_imsm_bad_blocks(void **state)
{
	static const char *const samples[] = { "r5-bbm-46", "r5-bbm-4kn-46" };
	struct imsm_meta m;

	(void)state;
	for (unsigned k = 0; k < 2; k++) {
		imsm_sample_decode(imsm_sample_named(samples[k]), 0, &m);
		image_of_imsm(0, samples[k], 0);
		examine(1);
		assert_true(m.num_bad > 0);
		assert_int_equal(json_array_size(at(0, "metadata.bad_blocks")), m.num_bad);
		assert_int_equal(number_at(0, "metadata.bad_blocks[0].sector"), m.bad[0].sector);
		assert_int_equal(number_at(0, "metadata.bad_blocks[0].sectors"), m.bad[0].length);
		assert_int_equal(number_at(0, "metadata.bad_blocks[0].disk"), m.bad[0].disk);
	}
}

static void test_imsm_torn(void **state)
{
	uint8_t byte = 0xa5;

	(void)state;
	r5_clean(3);
	image_write(image_at(0), anchor_of(image_at(0)) - 512 + 8, &byte, 1);
	examine(3);
	assert_problem(0, "the checksum is wrong");
	assert_string_equal(text_at(0, "status"), "damaged");
	/* What can be read of it is told nevertheless. */
	assert_int_equal(number_at(0, "metadata.header.generation_num"), 8);
	assert_false(is_taken_by(0, "mdmon"));
	assert_choice("mdmon", 1, "only");
	assert_int_equal(json_array_size(json_object_get(set(0), "differs")), 0);
}

/* The daemon's mark of a copy that is being written (imsm.md 7.3). */
static void test_imsm_not_complete(void **state)
{
	uint8_t anchor[512], closed[512];

	(void)state;
	r5_clean(2);
	image_read(image_at(1), anchor_of(image_at(1)), anchor, 512);
	imsm_close_anchor(anchor, 512, closed);
	image_write(image_at(1), anchor_of(image_at(1)), closed, 512);
	examine(2);
	assert_problem(1, "was not written completely");
	assert_string_equal(text_at(1, "status"), "incomplete");
	assert_choice("mdmon", 0, "only");
}

static void next_generation(uint8_t *mpb)
{
	struct imsm_header *h = (struct imsm_header *)(void *)mpb;

	h->generation_num = le32_make(le32_get(h->generation_num) + 1);
}

/* Whichever comes first: the newest counts. */
static void test_imsm_generations(void **state)
{
	(void)state;
	for (unsigned newest = 0; newest < 3; newest++) {
		r5_clean(3);
		change_imsm(image_at(newest), next_generation);
		examine(3);
		assert_choice("mdmon", (int)newest, "only");
		assert_choice("mdadm", (int)newest, "only");
		assert_int_equal(json_integer_value(json_object_get(set(0), "generation")), 9);
		assert_differs("header.generation_num", true);
		assert_differs("header.check_sum", true);
		assert_differs("header.family_num", false);
		assert_problem((newest + 1) % 3, "1 generation older");
		assert_problem((newest + 2) % 3, "1 generation older");
		assert_false(has_problem(image_path(newest), ""));
	}
}

static void mark_dirty(uint8_t *mpb)
{
	/* Three disks stand between the header and the volume. */
	mpb[IMSM_HEADER_SIZE + 3 * sizeof(struct imsm_disk) + offsetof(struct imsm_dev_head, dirty)] = 1;
}

static void test_imsm_field_differs(void **state)
{
	(void)state;
	r5_clean(2);
	change_imsm(image_at(1), mark_dirty);
	examine(2);
	assert_differs("volumes[0].dirty", true);
	assert_true(json_is_true(at(1, "metadata.volumes[0].dirty")));
	assert_false(healthy());
}

static void need_the_future(uint8_t *mpb)
{
	struct imsm_header *h = (struct imsm_header *)(void *)mpb;

	h->attributes = le32_make(le32_get(h->attributes) | 0x02000000);
}

static void be_of_the_future(uint8_t *mpb)
{
	memcpy(mpb + offsetof(struct imsm_header, version), "2.0.00", 6);
}

static void test_imsm_newer(void **state)
{
	(void)state;
	r5_clean(1);
	change_imsm(image_at(0), need_the_future);
	examine(1);
	assert_problem(0, "features that are not known (attributes 0x2000000)");
	r5_clean(1);
	change_imsm(image_at(0), be_of_the_future);
	examine(1);
	assert_problem(0, "version 2.0.00; the newest that is known is 1.3.00");
}

static void test_imsm_sizes(void **state)
{
	(void)state;
	r5_clean(1);
	image_read(image_at(0), anchor_of(image_at(0)), &header, sizeof(header));
	header.mpb_size = le32_make(0xfffffffc);
	image_write(image_at(0), anchor_of(image_at(0)), &header, sizeof(header));
	examine(1);
	assert_problem(0, "mpb_size is out of range");
	assert_choice("mdmon", -1, NULL);
	assert_true(json_is_null(json_object_get(set(0), "uuid")));
}

/* The same image twice would be two disks with one serial. */
static void test_imsm_too_many(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4; i++)
		image_of_imsm(i, "r5-clean-46", i % 3);
	examine(4);
	assert_problem(3, "names no disk that it could be");
}

/* ---- what is none of ours ---- */

static void test_both_formats(void **state)
{
	(void)state;
	image_of_imsm(0, "r5-clean-46", 0);
	image_of_ddf(1, "A", 0);
	examine(2);
	assert_true(healthy());
	assert_int_equal(json_array_size(json_object_get(got, "sets")), 2);
	assert_string_equal(json_string_value(json_object_get(set(0), "format")), "imsm");
	assert_string_equal(json_string_value(json_object_get(set(1), "format")), "ddf");
}

static void test_nothing(void **state)
{
	static const char md[] = "\xfc\x4e\x2b\xa9";

	(void)state;
	image_of_zeros(0, 1 << 20);
	examine(1);
	assert_nothing("no IMSM or DDF metadata at its end (an image that was cut off has none)");
	image_write(image_at(0), 4096, md, 4);
	examine(1);
	assert_nothing("Linux md (version 1.2)");
	image_of_zeros(0, 1 << 20);
	image_write(image_at(0), (1 << 20) - 1024, "NVIDIA  ", 8);
	examine(1);
	assert_nothing("NVIDIA RAID");
	image_of_zeros(0, 1 << 20);
	image_write(image_at(0), (1 << 20) - 65536, md, 4);
	examine(1);
	assert_nothing("Linux md (version 0.90)");
}

static void test_cut(void **state)
{
	static const uint64_t sizes[] = { 0, 1, 511, 512, 1024, 1536, 4096, 8192, 20480000 - 512, 20480000 - 1 };

	(void)state;
	for (size_t k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++) {
		r5_clean(1);
		image_cut(image_at(0), sizes[k]);
		examine(1);
		assert_nothing(sizes[k] % 512 ? "is no multiple of 512" : sizes[k] < 1024 ? "too small" : "no IMSM or DDF");
		image_of_ddf(0, "A", 0);
		image_cut(image_at(0), sizes[k]);
		examine(1);
		assert_nothing(sizes[k] % 512 ? "is no multiple of 512" : sizes[k] < 1024 ? "too small" : "no IMSM or DDF");
	}
}

static void test_no_disk(void **state)
{
	(void)state;
	examine_named("/dev/null");
	assert_nothing("neither a block device nor a file");
	examine_named("/nowhere/at/all");
	assert_nothing("No such file or directory");
}

/* One that is fine counts, whatever is wrong with another. */
static void test_some(void **state)
{
	(void)state;
	image_of_zeros(0, 1 << 20);
	image_of_imsm(1, "r5-clean-46", 0);
	examine(2);
	assert_false(healthy());
	assert_int_equal(json_array_size(json_object_get(got, "sets")), 1);
	assert_string_equal(text_at(0, "device"), image_path(1));
	assert_int_equal(json_array_size(json_object_get(set(0), "problems")), 0);
}

static void test_reads_only(void **state)
{
	struct disk *d;

	(void)state;
	r5_clean(1);
	d = disk_open_to_look(image_path(0));
	assert_non_null(d);
	assert_int_equal(fcntl(d->fd, F_GETFL) & O_ACCMODE, O_RDONLY);
	assert_int_equal(d->size, 20480000);
	disk_close(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_imsm_samples),
		cmocka_unit_test(test_imsm_details),
		cmocka_unit_test(test_imsm_records),
		cmocka_unit_test(test_imsm_spare_first),
		cmocka_unit_test(test_imsm_bad_blocks),
		cmocka_unit_test(test_imsm_torn),
		cmocka_unit_test(test_imsm_not_complete),
		cmocka_unit_test(test_imsm_generations),
		cmocka_unit_test(test_imsm_field_differs),
		cmocka_unit_test(test_imsm_newer),
		cmocka_unit_test(test_imsm_sizes),
		cmocka_unit_test(test_imsm_too_many),
		cmocka_unit_test(test_both_formats),
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_no_disk),
		cmocka_unit_test(test_some),
		cmocka_unit_test(test_reads_only),
	};

	return cmocka_run_group_tests_name("ctl-examine", tests, NULL, release_examined);
}
