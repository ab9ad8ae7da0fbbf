/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The same as ctl/examine.c for DDF. */
#include "tests/unit/support/examined.h"

#include <stdlib.h>
#include <string.h>

static void test_ddf_samples(void **state)
{
	char path[512];

	(void)state;
	for (size_t k = 0; k < DDF_SAMPLE_COUNT; k++) {
		const struct ddf_sample *s = &ddf_samples[k];

		for (unsigned i = 0; i < s->disks; i++)
			image_of_ddf(i, s->name, i);
		examine(s->disks);
		if (!healthy())
			fail_msg("%s: %s", s->name, json_dumps(json_object_get(set(0), "problems"), 0));
		assert_int_equal(json_array_size(json_object_get(set(0), "copies")), 3 * s->disks);
		for (unsigned i = 0; i < s->disks; i++) {
			FILE *f;

			ddf_sample_path(path, sizeof(path), s->name, i, "E.txt");
			f = fopen(path, "r");
			assert_non_null(f);
			for (unsigned c = 1; c <= 2; c++) {
				assert_int_equal(number_at(3 * i + c, "metadata.header.sequence_number"),
						 strtoull(said(f, "Seq", 0), NULL, 16));
				assert_int_equal(json_array_size(at(3 * i + c, "metadata.volumes")),
						 strtoull(said(f, "Virtual Disks", 0), NULL, 10));
				assert_string_equal(text_at(3 * i + c, "metadata.volumes[0].name"), said(f, "Name[0]", 0));
				assert_int_equal(number_at(3 * i + c, "metadata.volumes[0].unit"),
						 strtoull(said(f, "unit[0]", 0), NULL, 10));
			}
			fclose(f);
		}
	}
}

/* ---- DDF ---- */

#define BYTES(sector) ((uint64_t)(sector) * DDF_SECTOR)

static void change_header(const struct image_file *i, unsigned sector, void (*change)(struct ddf_header *h))
{
	struct ddf_header h;

	image_read(i, BYTES(sector), &h, sizeof(h));
	change(&h);
	ddf_seal(&h, sizeof(h));
	image_write(i, BYTES(sector), &h, sizeof(h));
}

static void ddf_a(unsigned disks)
{
	for (unsigned i = 0; i < disks; i++)
		image_of_ddf(i, "A", i);
}

static void leave_open(struct ddf_header *h)
{
	h->open_flag = DDF_OPEN;
}

static void move_on(struct ddf_header *h)
{
	h->seq = be32_make(be32_get(h->seq) + 1);
}

static void leave_open_and_move_on(struct ddf_header *h)
{
	leave_open(h);
	move_on(h);
}

static void test_ddf_details(void **state)
{
	static const char *const names[] = { "anchor", "primary", "secondary" };

	(void)state;
	ddf_a(1);
	examine(1);
	assert_true(healthy());
	for (unsigned i = 0; i < 3; i++)
		assert_string_equal(text_at(i, "copy"), names[i]);
	assert_true(is_taken_by(1, "mdmon") && is_taken_by(1, "mdadm"));
	assert_false(is_taken_by(2, "mdmon") || is_taken_by(2, "mdadm"));
	assert_int_equal(number_at(1, "local.primary_lba"), SAMPLE_PRIMARY);
	assert_int_equal(number_at(2, "local.secondary_lba"), SAMPLE_SECONDARY);
	assert_string_equal(text_at(1, "metadata.disks[0].state[0]"), "online");
	assert_int_equal(number_at(1, "metadata.populated_disks"), 3);
	assert_choice("mdmon", 0, "primary");
}

static void test_ddf_configs(void **state)
{
	const json_t *config;
	const char *key;

	(void)state;
	ddf_a(1);
	examine(1);
	json_object_foreach ((json_t *)(uintptr_t)at(1, "metadata.configs"), key, config) {
		assert_memory_equal(key, text_at(1, "metadata.volumes[0].guid"), 2 * DDF_GUID_LEN);
		assert_string_equal(key + 2 * DDF_GUID_LEN, "/0");
		assert_true(json_is_true(json_object_get(config, "checksum_right")));
		assert_int_equal(json_array_size(json_object_get(config, "elements")),
				 json_integer_value(json_object_get(config, "raid_disks")));
		assert_true(json_is_string(json_object_get(config, "level")));
	}
}

/* Cut off while the primary copy was written: both take the other one. */
static void test_ddf_open(void **state)
{
	(void)state;
	ddf_a(2);
	change_header(image_at(1), SAMPLE_PRIMARY, leave_open);
	examine(2);
	assert_problem(1, "its primary copy was not written completely");
	assert_string_equal(text_at(4, "status"), "incomplete");
	assert_string_equal(text_at(5, "status"), "right");
	assert_true(is_taken_by(5, "mdmon") && is_taken_by(5, "mdadm"));
	assert_differs("header.open", true);
	assert_choice("mdmon", 0, "primary");
}

/* mdadm goes by the number, though the copy is not complete. */
static void test_ddf_open_and_newer(void **state)
{
	(void)state;
	ddf_a(1);
	change_header(image_at(0), SAMPLE_PRIMARY, leave_open_and_move_on);
	examine(1);
	assert_problem(0, "mdadm takes its primary copy, which mdmon does not");
	assert_choice("mdmon", 0, "secondary");
	assert_choice("mdadm", 0, "primary");
	assert_true(is_taken_by(1, "mdadm") && !is_taken_by(1, "mdmon"));
}

static void test_ddf_generations(void **state)
{
	(void)state;
	ddf_a(3);
	change_header(image_at(2), SAMPLE_PRIMARY, move_on);
	examine(3);
	assert_problem(2, "its primary copy is of generation 9, its secondary copy of 8");
	assert_problem(0, "1 generation older");
	assert_problem(1, "1 generation older");
	assert_choice("mdmon", 2, "primary");
	assert_differs("header.sequence_number", true);
	assert_int_equal(json_integer_value(json_object_get(set(0), "generation")), 9);
}

/* Which section it is, and that the others are right. */
static void test_ddf_sections(void **state)
{
	static const char *const section[] = { "controller", "disks", "volumes", "disk_data" };
	char path[64];

	(void)state;
	for (unsigned k = 0; k < 4; k++) {
		uint8_t byte = 0xa5;

		ddf_a(1);
		examine(1);
		snprintf(path, sizeof(path), "local.sections.%s.offset", section[k]);
		/* byte 400 of a section is behind its signature and checksum */
		image_write(image_at(0), BYTES(SAMPLE_SECONDARY + number_at(2, path)) + 400, &byte, 1);
		examine(1);
		assert_problem(0, "its secondary copy is damaged");
		assert_string_equal(text_at(2, "status"), "damaged");
		snprintf(path, sizeof(path), "local.sections.%s.fault", section[k]);
		assert_non_null(strstr(text_at(2, path), "checksum"));
		assert_true(json_is_null(at(1, path)));
		assert_true(json_is_null(at(2, "local.sections.configs.fault")));
		assert_choice("mdmon", 0, "primary");
	}
}

static void test_ddf_record_damaged(void **state)
{
	uint64_t offset;
	uint8_t byte = 0xa5;

	(void)state;
	ddf_a(1);
	examine(1);
	offset = number_at(1, "local.sections.configs.offset");
	image_write(image_at(0), BYTES(SAMPLE_PRIMARY + offset) + 200, &byte, 1);
	examine(1);
	assert_problem(0, "a configuration record has a wrong checksum");
	assert_string_equal(text_at(1, "local.sections.configs.fault"), "a configuration record has a wrong checksum");
}

static void have_another_revision(struct ddf_header *h)
{
	memcpy(h->revision, "02.00.00", sizeof(h->revision));
}

static void test_ddf_newer(void **state)
{
	(void)state;
	ddf_a(1);
	change_header(image_at(0), SAMPLE_ANCHOR, have_another_revision);
	examine(1);
	assert_problem(0, "the revision of the format is not known (revision 02.00.00)");
	assert_string_equal(text_at(0, "status"), "damaged");
	assert_string_equal(text_at(0, "metadata.header.revision"), "02.00.00");
	assert_choice("mdmon", -1, NULL);
}

static void test_ddf_anchor_gone(void **state)
{
	const uint8_t zeros[DDF_SECTOR] = { 0 };

	(void)state;
	ddf_a(1);
	image_write(image_at(0), BYTES(SAMPLE_ANCHOR), zeros, sizeof(zeros));
	examine(1);
	assert_nothing("its last sector is no DDF anchor");
}

static void describe_another_layout(struct ddf_header *h)
{
	h->max_partitions = be16_make(be16_get(h->max_partitions) - 1);
}

static void test_ddf_anchor_differs(void **state)
{
	(void)state;
	ddf_a(1);
	change_header(image_at(0), SAMPLE_ANCHOR, describe_another_layout);
	examine(1);
	assert_problem(0, "its anchor and its copies describe different layouts");
}

static void test_ddf_others(void **state)
{
	(void)state;
	image_of_ddf(0, "A", 0);
	image_of_ddf(1, "B", 1);
	examine(2);
	assert_false(healthy());
	assert_true(has_problem(image_path(0), "it belongs to another container") ||
		    has_problem(image_path(1), "it belongs to another container"));
	image_of_ddf(1, "A", 0);
	examine(2);
	assert_problem(1, "another disk has the same reference number");
}

#define MANY 1100u
#define RECORDS_AT 700u

static void have_many_records(struct ddf_header *h)
{
	h->record_len = be16_make(2);
	h->max_partitions = be16_make(MANY - 1);
	h->max_primary_elements = be16_make(16);
	h->config.offset = be32_make(RECORDS_AT);
	h->config.length = be32_make(2 * MANY);
}

/* More records than anybody would read: the first are told, the others counted. */
static void test_ddf_many_records(void **state)
{
	uint8_t bytes[2 * DDF_SECTOR];
	struct ddf_vdc *v = (struct ddf_vdc *)(void *)bytes;

	(void)state;
	ddf_a(1);
	change_header(image_at(0), SAMPLE_ANCHOR, have_many_records);
	change_header(image_at(0), SAMPLE_PRIMARY, have_many_records);
	change_header(image_at(0), SAMPLE_SECONDARY, have_many_records);
	memset(bytes, 0xff, sizeof(bytes));
	v->magic = be32_make(DDF_VDC_MAGIC);
	for (unsigned i = 0; i < MANY; i++) {
		memcpy(v->guid, &i, sizeof(i));
		ddf_seal(bytes, sizeof(bytes));
		image_write(image_at(0), BYTES(SAMPLE_PRIMARY + RECORDS_AT + 2 * i), bytes, sizeof(bytes));
	}
	examine(1);
	assert_int_equal(json_object_size(at(1, "metadata.configs")), 1024);
	assert_int_equal(number_at(1, "metadata.configs_left_out"), MANY - 1024);
	assert_int_equal(number_at(2, "metadata.configs_left_out"), 0);
}

static void move_out_of_the_disk(struct ddf_header *h)
{
	h->primary_lba = be64_make(UINT64_MAX - 3);
	h->secondary_lba = be64_make(UINT64_MAX - 1);
}

static void test_ddf_outside(void **state)
{
	(void)state;
	ddf_a(1);
	change_header(image_at(0), SAMPLE_ANCHOR, move_out_of_the_disk);
	examine(1);
	assert_problem(0, "no copy of its metadata can be used");
	assert_problem(0, "its primary copy is damaged: it is not within the disk");
	assert_choice("mdadm", -1, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ddf_samples),
		cmocka_unit_test(test_ddf_details),
		cmocka_unit_test(test_ddf_configs),
		cmocka_unit_test(test_ddf_open),
		cmocka_unit_test(test_ddf_open_and_newer),
		cmocka_unit_test(test_ddf_generations),
		cmocka_unit_test(test_ddf_sections),
		cmocka_unit_test(test_ddf_record_damaged),
		cmocka_unit_test(test_ddf_newer),
		cmocka_unit_test(test_ddf_anchor_gone),
		cmocka_unit_test(test_ddf_anchor_differs),
		cmocka_unit_test(test_ddf_others),
		cmocka_unit_test(test_ddf_many_records),
		cmocka_unit_test(test_ddf_outside),
	};

	return cmocka_run_group_tests_name("ctl-examine-ddf", tests, NULL, release_examined);
}
