/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the daemon says of itself when disks say strange things: any bytes, numbers of any size, counts beyond bounds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "tests/unit/support/status-rig.h"

#define FFFD "\xef\xbf\xbd"

/* ---- text that comes from disks ---- */

/* What a serial looks like in the line itself. */
static void assert_written(struct status_rig *f, const char *serial, const char *want)
{
	char field[300], *line;

	memset(f->report.disk[0].serial, 0, REPORT_NAME);
	memcpy(f->report.disk[0].serial, serial, strlen(serial));
	json_decref(status_of(&f->s));
	line = status_to_json(&f->s);
	snprintf(field, sizeof(field), "\"serial\":\"%s\",", want);
	if (!strstr(line, field))
		fail_msg("no %s in %s", field, line);
	free(line);
}

static void test_escapes(void **state)
{
	static const struct {
		const char *serial, *written;
	} t[] = {
		{ "", "" }, { "a\"b", "a\\u0022b" }, { "a\\b", "a\\u005cb" }, { "\\", "\\u005c" }, { "\"", "\\u0022" },
		{ "a\nb\r\t", "a\\u000ab\\u000d\\u0009" }, { "\1\x1f\x7f", "\\u0001\\u001f\\u007f" },
		{ "\xc2\x80\xc2\x9b\xc2\x9f\xc2\xa0", "\\u0080\\u009b\\u009f\xc2\xa0" },
		{ " ~/'", " ~/'" }, { "\",\"state\":\"x", "\\u0022,\\u0022state\\u0022:\\u0022x" },
	};

	for (size_t i = 0; i < COUNT(t); i++)
		assert_written(*state, t[i].serial, t[i].written);
}

static void test_each_control_character(void **state)
{
	struct status_rig *f = *state;

	for (int c = 1; c < 0x20; c++) {
		char serial[2] = { (char)c }, written[8];

		snprintf(written, sizeof(written), "\\u%04x", (unsigned)c);
		assert_written(f, serial, written);
	}
}

static void test_valid_utf8_stays(void **state)
{
	static const char *const t[] = {
		"\xc2\xa0", "\xc3\xa9", "\xdf\xbf", "\xe0\xa0\x80", "\xe2\x82\xac", "\xed\x9f\xbf", "\xee\x80\x80",
		"\xef\xbf\xbf", FFFD, "\xf0\x90\x80\x80", "\xf0\x9f\x92\xbe", "\xf4\x8f\xbf\xbf", "a\xc3\xa9z",
	};

	for (size_t i = 0; i < COUNT(t); i++)
		assert_written(*state, t[i], t[i]);
}

static void test_invalid_utf8_is_replaced(void **state)
{
	static const struct {
		const char *serial, *written;
	} t[] = {
		{ "a\xff" "b", "a" FFFD "b" }, { "\xfe", FFFD }, { "\x80", FFFD }, { "\xbf", FFFD },
		{ "\xc3", FFFD }, { "\xc3z", FFFD "z" }, { "\xe2\x82", FFFD FFFD }, { "\xe2\x82z", FFFD FFFD "z" },
		{ "\xf0\x9f\x92", FFFD FFFD FFFD }, { "\xc3\xc3\xa9", FFFD "\xc3\xa9" },
		{ "\xe2\xc3\xa9", FFFD "\xc3\xa9" }, { "\xc3\"", FFFD "\\u0022" },
		/* overlong */
		{ "\xc0\x80", FFFD FFFD }, { "\xc0\xa2", FFFD FFFD }, { "\xc1\xbf", FFFD FFFD },
		{ "\xe0\x9f\xbf", FFFD FFFD FFFD }, { "\xf0\x8f\xbf\xbf", FFFD FFFD FFFD FFFD },
		/* surrogates, beyond the last character, longer than there is */
		{ "\xed\xa0\x80", FFFD FFFD FFFD }, { "\xed\xbf\xbf", FFFD FFFD FFFD },
		{ "\xf4\x90\x80\x80", FFFD FFFD FFFD FFFD }, { "\xf5\x80\x80\x80", FFFD FFFD FFFD FFFD },
		{ "\xf9\x80\x80\x80", FFFD FFFD FFFD FFFD },
		{ "\xf8\x88\x80\x80\x80", FFFD FFFD FFFD FFFD FFFD },
	};

	for (size_t i = 0; i < COUNT(t); i++)
		assert_written(*state, t[i].serial, t[i].written);
}

/* Whatever two bytes follow each other, the answer can be read. */
static void test_any_bytes(void **state)
{
	struct status_rig *f = *state;

	for (unsigned a = 1; a < 256; a++) {
		for (unsigned b = 1; b < 256; b += 16)
			for (unsigned i = 0; i < 16; i++) {
				f->report.disk[0].serial[2 * i] = (char)a;
				f->report.disk[0].serial[2 * i + 1] = (char)(b + i < 256 ? b + i : 'x');
			}
		memcpy(f->report.volume[0].name, f->report.disk[0].serial, REPORT_NAME);
		json_decref(status_of(&f->s));
	}
}

/* The arrays that hold names need not end with a zero. The next field is not looked at. */
static void test_names_that_fill_their_place(void **state)
{
	struct status_rig *f = *state;
	const json_t *v;
	json_t *root;

	memset(f->report.disk[0].serial, 's', REPORT_NAME);
	f->report.disk[0].state = REPORT_DISK_SPARE; /* no zero there either */
	memset(f->report.volume[0].name, 'n', REPORT_NAME);
	f->report.volume[0].name[REPORT_NAME - 1] = '\xc3'; /* cut in the middle of a character, */
	f->report.volume[0].level = 0xa9;                 /* that what follows would complete */
	memset(f->array[0].device, 'd', MD_NAME_MAX);
	memset(f->array[0].array_state, 'a', REPORT_NAME);
	memset(f->array[0].action, 'x', REPORT_NAME);
	f->array[0].done = UINT64_MAX;
	root = status_of(&f->s);
	v = status_at(root, "volumes", 0);
	assert_int_equal(strlen(status_text(status_at(root, "disks", 0), "serial")), REPORT_NAME);
	assert_int_equal(strlen(status_text(v, "name")), REPORT_NAME - 1 + strlen(FFFD));
	assert_int_equal(strlen(status_text(v, "device")), MD_NAME_MAX);
	assert_int_equal(strlen(status_text(v, "array_state")), REPORT_NAME);
	assert_int_equal(strlen(status_text(status_get(v, "sync"), "action")), REPORT_NAME);
	json_decref(root);
}

/* Also what does not come from disks. */
static void test_other_text_is_escaped(void **state)
{
	struct status_rig *f = *state;
	json_t *root;

	f->s.container = "a\"\n\xff";
	f->s.metadata = "\\";
	strcpy(f->array[0].device, "\"\x80");
	strcpy(f->array[0].array_state, "\t");
	strcpy(f->array[0].action, "\x1b[2J");
	root = status_of(&f->s);
	assert_string_equal(status_text(root, "container"), "a\"\n" FFFD);
	assert_string_equal(status_text(root, "metadata"), "\\");
	assert_string_equal(status_text(status_at(root, "volumes", 0), "device"), "\"" FFFD);
	assert_string_equal(status_text(status_get(status_at(root, "volumes", 0), "sync"), "action"), "\x1b[2J");
	json_decref(root);
}

/* ---- bounds ---- */

static void test_huge_numbers(void **state)
{
	struct status_rig *f = *state;
	const json_t *v;
	json_t *root;

	f->report.generation = UINT64_MAX;
	f->report.volume[0].size = UINT64_MAX;
	f->report.write.count = INT64_MAX;
	f->report.write.duration_us = (uint64_t)INT64_MAX + 1;
	f->report.write.disks = UINT_MAX;
	f->array[0].done = f->array[0].total = f->array[0].speed_kib = UINT64_MAX;
	f->s.time_ms = f->s.uptime_ms = f->s.lost_messages = UINT64_MAX;
	root = status_of(&f->s);
	assert_true(status_number(root, "generation") == INT64_MAX);
	assert_true(status_number(status_get(root, "last_write"), "count") == INT64_MAX);
	assert_true(status_number(status_get(root, "last_write"), "duration_us") == INT64_MAX);
	assert_true(status_number(status_get(root, "last_write"), "disks") == UINT_MAX);
	v = status_at(root, "volumes", 0);
	assert_true(status_number(v, "size_kib") == INT64_MAX);
	assert_true(status_number(status_get(v, "sync"), "done_kib") == INT64_MAX);
	assert_true(status_number(status_get(v, "sync"), "speed_kib") == INT64_MAX);
	json_decref(root);
}

/* A report of its own size in memory: the address sanitizer sees a step beyond. */
static void test_counts_beyond_the_arrays(void **state)
{
	struct status_rig *f = *state;
	struct report *r = calloc(1, sizeof(*r));
	json_t *root;

	r->disk_count = r->volume_count = UINT_MAX;
	r->write.count = 1;
	r->write.failed_count = UINT_MAX;
	for (unsigned i = 0; i < REPORT_VOLUMES; i++)
		r->volume[i].member_count = UINT_MAX;
	f->s.report = r;
	root = status_of(&f->s);
	assert_int_equal(status_size_of(root, "disks"), REPORT_DISKS + 3);
	assert_int_equal(status_size_of(root, "volumes"), REPORT_VOLUMES);
	assert_int_equal(status_size_of(status_at(root, "volumes", REPORT_VOLUMES - 1), "members"), REPORT_MEMBERS);
	assert_int_equal(status_size_of(status_get(root, "last_write"), "failed"), REPORT_FAILED);
	json_decref(root);
	free(r);
}

static void test_member_disk_out_of_range(void **state)
{
	static const int16_t out[] = { -1, -2, INT16_MIN, 4, 5, 255, 256, INT16_MAX };
	struct status_rig *f = *state;

	/* what is beyond disk_count is left over from something else */
	status_set_disk(&f->report.disk[4], makedev(8, 48), "old", REPORT_DISK_MEMBER);
	for (size_t i = 0; i < COUNT(out); i++) {
		json_t *root;

		f->report.volume[0].member[1].disk = out[i];
		root = status_of(&f->s);
		assert_true(status_is_null(status_at(status_at(root, "volumes", 0), "members", 1), "disk"));
		assert_string_equal(status_text(status_at(status_at(root, "volumes", 0), "members", 0), "disk"), "sda");
		json_decref(root);
	}
}

static void test_largest_report(void **state)
{
	struct status_rig *f = *state;
	const json_t *v;
	json_t *root;

	status_fill_report(&f->report);
	root = status_of(&f->s);
	assert_int_equal(status_size_of(root, "disks"), REPORT_DISKS);
	assert_string_equal(status_text(status_at(root, "disks", 255), "name"), "sd-255");
	assert_int_equal(status_size_of(root, "volumes"), REPORT_VOLUMES);
	for (size_t i = 0; i < REPORT_VOLUMES; i++) {
		v = status_at(root, "volumes", i);
		assert_int_equal(status_number(v, "index"), i);
		assert_int_equal(status_size_of(v, "members"), REPORT_MEMBERS);
		assert_string_equal(status_text(status_at(v, "members", 0), "disk"), "sd-255");
		assert_string_equal(status_text(status_at(v, "members", 255), "disk"), "sda");
	}
	/* looking a name up is work for the kernel: once for each disk, not for each member */
	assert_int_equal(status_names_asked, REPORT_DISKS);
	json_decref(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		status_test(test_escapes),
		status_test(test_each_control_character),
		status_test(test_valid_utf8_stays),
		status_test(test_invalid_utf8_is_replaced),
		status_test(test_any_bytes),
		status_test(test_names_that_fill_their_place),
		status_test(test_other_text_is_escaped),
		status_test(test_huge_numbers),
		status_test(test_counts_beyond_the_arrays),
		status_test(test_member_disk_out_of_range),
		status_test(test_largest_report),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
