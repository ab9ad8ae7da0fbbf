/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was read from disks, as text: on any width, with any content. */
#include "tests/unit/support/images.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/examine-view.h"
#include "ctl/examine.h"

static const struct ctl_paths nowhere = { "/nowhere", "/nowhere", "/nowhere", "/nowhere" };
static char *text;

static void assert_shown(const char *part)
{
	if (!strstr(text, part))
		fail_msg("no \"%s\" in:\n%s", part, text);
}

static void assert_hidden(const char *part)
{
	if (strstr(text, part))
		fail_msg("\"%s\" in:\n%s", part, text);
}

/* No line is too long, ends in a space, or could steer the terminal. */
static void assert_fit(unsigned width)
{
	unsigned column = 0;

	for (const char *s = text; *s; s++) {
		if (*s == '\n') {
			assert_true(s == text || s[-1] != ' ');
			column = 0;
			continue;
		}
		assert_true((unsigned char)*s >= ' ' && (unsigned char)*s < 0x7f);
		assert_true(++column <= width);
	}
	assert_int_equal(column, 0);
}

static void show_json(const json_t *object, unsigned width)
{
	const struct view_options opt = { .width = width };

	free(text);
	text = examine_view(json_array_get(json_object_get(object, "sets"), 0), json_object_get(object, "devices"), &opt);
	assert_non_null(text);
	assert_fit(width < 20 ? 20 : width);
}

static void show(unsigned count, unsigned width)
{
	const char *name[IMAGES_MAX];
	json_t *object;

	for (unsigned i = 0; i < count; i++)
		name[i] = image_path(i);
	object = examine_devices(&nowhere, name, count);
	show_json(object, width);
	json_decref(object);
}

static void test_imsm(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 3; i++)
		image_of_imsm(i, "r5-clean-46", i);
	show(3, 100);
	assert_shown("imsm: UUID 6e79e82a:52cfc4a4:31cbf0b0:52bee548, generation 8, healthy\n");
	assert_shown("    generation_num          8 ");
	assert_shown("    serial                  /dev/loop0 (?)          /dev/loop1 (?)          /dev/loop2 (?)\n");
	assert_shown("which of the disks it is was assumed");
	assert_shown("mdmon and mdadm take the copy of 0:");
	assert_hidden("Problems");
	assert_hidden("Differences");
	assert_hidden(" *");
}

static void test_differences(void **state)
{
	uint8_t mpb[1024] = { 0 };
	struct imsm_header *h = (struct imsm_header *)(void *)mpb;
	const uint64_t at = 20480000 - 1024;

	(void)state;
	for (unsigned i = 0; i < 2; i++)
		image_of_imsm(i, "r5-clean-46", i);
	image_read(image_at(1), at, mpb, 512);
	image_read(image_at(1), at - 512, mpb + 512, 512);
	h->generation_num = le32_make(9);
	mpb[IMSM_HEADER_SIZE + 3 * sizeof(struct imsm_disk) + offsetof(struct imsm_dev_head, dirty)] = 1;
	h->check_sum = le32_make(imsm_checksum(mpb, le32_get(h->mpb_size)));
	image_write(image_at(1), at, mpb, 512);
	image_write(image_at(1), at - 512, mpb + 512, 512);
	show(2, 100);
	assert_shown("generation 9, 1 problem, 3 fields differ\n");
	assert_shown("    generation_num *        8                       9\n");
	assert_shown("    family_num              35d4aaf7                35d4aaf7\n");
	assert_shown("  Differences\n");
	assert_shown("    volumes[0].dirty\n                            no                      yes\n");
	assert_shown("    0: its copy is 1 generation older than the one that counts: the power failed, or it was away\n");
	assert_shown("What 1 says");
}

/* Columns that do not fit stand in a second block. */
static void test_ddf(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 3; i++)
		image_of_ddf(i, "E", i);
	show(3, 80);
	assert_shown("ddf: UUID c7126c7a:fe2a1858:28c8d9b1:83c6bdae, generation 20, healthy\n");
	assert_shown("                            anchor           primary          secondary\n");
	assert_shown("    sequence_number         4294967295       20               20\n");
	assert_shown("type=forced-guid active state=online failed");
	assert_shown("level=raid5");
	assert_shown("vd_size=32768 (16.0 MiB)");
	assert_hidden(" *");
}

static void test_widths(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 5; i++)
		image_of_imsm(i, "r5-reshape-46", i);
	for (unsigned width = 1; width < 140; width += 3)
		show(5, width);
	show(5, 1000);
	for (unsigned i = 0; i < 5; i++)
		image_of_ddf(i, "B", i);
	for (unsigned width = 1; width < 140; width += 3)
		show(5, width);
}

/* Names from disks are not to be trusted. */
static void test_hostile(void **state)
{
	static const char object[] =
		"{\"devices\":[{\"name\":\"\\u001b[2J\",\"changing\":true,\"held_by\":[\"md\\u0007\"]}],\"sets\":[{"
		"\"format\":\"imsm\",\"uuid\":null,\"generation\":\"\\n\",\"differs\":[\"a\\u001b\"],\"copies\":["
		"{\"device\":\"\\u001b[2J\",\"copy\":\"only\",\"compared\":true,\"status\":\"\\r\",\"local\":{\"serial\":\"\\u009b\"},"
		"\"metadata\":{\"header\":{\"ver\\u001bsion\":\"\\u001b\"},\"disks\":[{\"se\\u001brial\":\"\\u202e\"}]}}],"
		"\"problems\":[{\"device\":\"\\u001b\",\"text\":\"\\u001b \\u001b\"}],\"choice\":{\"mdmon\":{\"device\":\"\\u001b[2J\","
		"\"copy\":\"only\",\"why\":\"\\u001b\"}}}]}";
	json_t *o = json_loads(object, 0, NULL);

	(void)state;
	assert_non_null(o);
	show_json(o, 80);
	assert_shown("is held by md? and may be changing");
	json_decref(o);
	/* Nothing of what is expected. */
	o = json_loads("{\"sets\":[{\"copies\":[{},7,null]}]}", 0, NULL);
	show_json(o, 80);
	json_decref(o);
	o = json_loads("{}", 0, NULL);
	show_json(o, 80);
	json_decref(o);
}

static int release(void **state)
{
	(void)state;
	free(text);
	images_remove();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_imsm),   cmocka_unit_test(test_differences), cmocka_unit_test(test_ddf),
		cmocka_unit_test(test_widths), cmocka_unit_test(test_hostile),
	};

	return cmocka_run_group_tests_name("ctl-examine-view", tests, NULL, release);
}
