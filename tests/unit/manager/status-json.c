/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the daemon says of itself: the example of docs/status.md letter by letter, what is not there, and the words.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "tests/unit/support/status-rig.h"

/* ---- the example of docs/status.md ---- */

/* Takes the blanks out that stand outside of strings. */
static void compact(char *json)
{
	bool quoted = false;
	char *to = json;

	for (const char *c = json; *c; c++) {
		quoted ^= *c == '"';
		if (quoted || (*c != ' ' && *c != '\n'))
			*to++ = *c;
	}
	*to = '\0';
}

/* What stands between the lines "```json" and "```". */
static void read_example(char *json, size_t size)
{
	FILE *f = fopen(SAMPLES "/../../docs/status.md", "r");
	bool inside = false;
	char line[512];

	assert_non_null(f);
	json[0] = '\0';
	while (fgets(line, sizeof(line), f) && !(inside && strcmp(line, "```\n") == 0)) {
		if (inside)
			strncat(json, line, size - strlen(json) - 1);
		inside |= strcmp(line, "```json\n") == 0;
	}
	fclose(f);
	assert_true(inside);
	compact(json);
}

static void test_example_of_the_documentation(void **state)
{
	const struct status_rig *f = *state;
	char want[4096], *got = status_to_json(&f->s);
	json_t *root = status_of(&f->s);

	read_example(want, sizeof(want));
	assert_string_equal(got, want);
	json_decref(root);
	free(got);
}

/* What the example has no instance of. */
static void test_all_fields_with_other_values(void **state)
{
	struct status_rig *f = *state;
	const json_t *v;
	json_t *root;

	f->s.draining = true;
	f->s.writing = true;
	f->s.writing_ms = 31;
	f->s.updates = 2;
	f->s.pings = 3;
	f->s.clients = 4;
	f->s.lost_messages = 5;
	f->report.write.failed_count = 2;
	f->report.write.failed[0] = makedev(8, 16);
	f->report.write.failed[1] = makedev(259, 7);
	f->report.write.errors = 6;
	f->report.disk[1].unwritable = true;
	f->report.disk[1].hangs_since_ns = 4000000;
	f->s.now_ns = 1504000000;
	f->report.volume[0].dirty = false;
	f->report.failure_stalls = (struct stall_stats){ .count = 7, .total_us = 8, .max_us = 9 };
	f->report.failure_stalls.bucket[STALL_BUCKETS - 1] = UINT32_MAX;
	root = status_of(&f->s);
	assert_true(json_is_true(status_get(root, "draining")));
	assert_int_equal(status_number(root, "writing_ms"), 31);
	v = status_get(root, "queues");
	assert_int_equal(status_number(v, "updates"), 2);
	assert_int_equal(status_number(v, "pings"), 3);
	assert_int_equal(status_number(v, "clients"), 4);
	assert_int_equal(status_number(v, "lost_messages"), 5);
	v = status_get(root, "last_write");
	assert_int_equal(status_size_of(v, "failed"), 2);
	assert_string_equal(json_string_value(status_at(v, "failed", 0)), "sdb");
	assert_string_equal(json_string_value(status_at(v, "failed", 1)), "259:7");
	assert_int_equal(status_number(v, "errors"), 6);
	assert_true(json_is_null(status_get(status_at(root, "disks", 0), "hangs_ms")));
	assert_int_equal(status_number(status_at(root, "disks", 1), "hangs_ms"), 1500);
	assert_true(json_is_true(status_get(status_at(root, "disks", 0), "writable")));
	assert_true(json_is_false(status_get(status_at(root, "disks", 1), "writable")));
	assert_true(json_is_false(status_get(status_at(root, "volumes", 0), "dirty")));
	v = status_get(status_get(root, "stalls"), "failure");
	assert_int_equal(status_number(v, "count"), 7);
	assert_int_equal(status_number(v, "total_us"), 8);
	assert_int_equal(status_number(v, "max_us"), 9);
	assert_int_equal(json_integer_value(status_at(v, "buckets", STALL_BUCKETS - 1)), UINT32_MAX);
	json_decref(root);
}

/* A time of 0 ms is a time. */
static void test_writing_since_just_now(void **state)
{
	struct status_rig *f = *state;
	json_t *root;

	f->s.writing = true;
	root = status_of(&f->s);
	assert_int_equal(status_number(root, "writing_ms"), 0);
	json_decref(root);
	f->s.writing = false;
	f->s.writing_ms = 5;
	root = status_of(&f->s);
	assert_true(status_is_null(root, "writing_ms"));
	json_decref(root);
}

/* ---- what is not there ---- */

static void test_no_report_yet(void **state)
{
	struct status_rig *f = *state;
	json_t *root;

	f->s.report = NULL;
	root = status_of(&f->s);
	assert_int_equal(status_number(root, "generation"), 0);
	assert_true(status_is_null(root, "last_write"));
	assert_int_equal(status_number(status_get(status_get(root, "stalls"), "write"), "count"), 0);
	assert_int_equal(status_size_of(root, "volumes"), 0);
	assert_int_equal(status_size_of(root, "disks"), 3);
	for (size_t i = 0; i < 3; i++)
		assert_string_equal(status_text(status_at(root, "disks", i), "state"), "unused");
	assert_string_equal(status_text(status_at(root, "disks", 2), "name"), "sdc");
	json_decref(root);
}

static bool no_event(uint64_t after, struct event *e)
{
	(void)after;
	(void)e;
	return false;
}

static void test_nothing_at_all(void **state)
{
	struct status_rig *f = *state;
	json_t *root;

	f->s = (struct status){
		.container = "", .metadata = "", .disk_name = status_disk_name, .next_event = no_event,
	};
	root = status_of(&f->s);
	assert_int_equal(status_size_of(root, "disks"), 0);
	assert_string_equal(status_text(root, "container"), "");
	json_decref(root);
	memset(&f->report, 0, sizeof(f->report));
	f->s.report = &f->report;
	root = status_of(&f->s);
	assert_true(status_is_null(root, "last_write"));
	assert_int_equal(status_size_of(root, "disks") + status_size_of(root, "volumes") + status_size_of(root, "events"), 0);
	json_decref(root);
	assert_int_equal(status_names_asked, 0);
}

static void test_disk_that_is_not_there(void **state)
{
	struct status_rig *f = *state;
	const json_t *d;
	json_t *root;

	f->report.volume[0].member[1].disk = 3;
	root = status_of(&f->s);
	d = status_at(root, "disks", 3);
	assert_true(status_is_null(d, "name"));
	assert_true(status_is_null(d, "dev"));
	assert_string_equal(status_text(d, "serial"), "S4");
	assert_true(status_is_null(status_at(status_at(root, "volumes", 0), "members", 1), "disk"));
	assert_int_equal(status_names_asked, 3);
	json_decref(root);
}

/* After those of the report, in their order, and each disk once. */
static void test_unused_disks(void **state)
{
	static const char *const names[] = { "sda", "sdb", "sdc", NULL, "sde", "7:3" };
	struct status_rig *f = *state;
	const json_t *d;
	json_t *root;

	f->disk[0] = makedev(8, 64);
	f->disk[2] = makedev(7, 3);
	root = status_of(&f->s);
	assert_int_equal(status_size_of(root, "disks"), COUNT(names));
	for (size_t i = 0; i < COUNT(names); i++) {
		d = status_at(root, "disks", i);
		if (names[i])
			assert_string_equal(status_text(d, "name"), names[i]);
		assert_int_equal(strcmp(status_text(d, "state"), "unused") == 0, i >= 4);
	}
	d = status_at(root, "disks", 4);
	assert_string_equal(status_text(d, "dev"), "8:64");
	assert_string_equal(status_text(d, "serial"), "");
	assert_true(json_is_true(status_get(d, "writable")));
	assert_string_equal(status_text(status_at(root, "disks", 5), "dev"), "7:3");
	json_decref(root);
}

static void test_disk_without_a_name(void **state)
{
	struct status_rig *f = *state;
	json_t *root;

	f->report.disk[1].dev = f->disk[1] = makedev(4095, 1048575);
	root = status_of(&f->s);
	assert_string_equal(status_text(status_at(root, "disks", 1), "name"), "4095:1048575");
	assert_string_equal(status_text(status_at(root, "disks", 1), "dev"), "4095:1048575");
	assert_string_equal(status_text(status_at(status_at(root, "volumes", 0), "members", 1), "disk"),
			    "4095:1048575");
	assert_int_equal(status_size_of(root, "disks"), 4);
	json_decref(root);
}

static void test_volume_that_does_not_run(void **state)
{
	struct status_rig *f = *state;
	const json_t *v;
	json_t *root;

	f->array[0].index = 1;
	root = status_of(&f->s);
	v = status_at(root, "volumes", 0);
	assert_true(status_is_null(v, "device"));
	assert_true(status_is_null(v, "array_state"));
	assert_true(status_is_null(v, "sync"));
	assert_int_equal(status_size_of(v, "members"), 2);
	json_decref(root);
}

static void test_kernel_says_nothing(void **state)
{
	struct status_rig *f = *state;
	const json_t *v;
	json_t *root;

	f->array[0].array_state[0] = '\0';
	f->array[0].action[0] = '\0';
	root = status_of(&f->s);
	v = status_at(root, "volumes", 0);
	assert_string_equal(status_text(v, "device"), "md126");
	assert_true(status_is_null(v, "array_state"));
	assert_true(status_is_null(v, "sync"));
	json_decref(root);
}

/* By index, not by position; what the metadata do not name is left out. */
static void test_arrays_belong_to_volumes_by_index(void **state)
{
	struct status_rig *f = *state;
	json_t *root;

	f->report.volume_count = 2;
	f->report.volume[1] = f->report.volume[0];
	f->report.volume[1].index = 5;
	f->array[1] = f->array[0];
	strcpy(f->array[1].device, "md125");
	f->array[0].index = 5;
	f->s.array_count = 2;
	root = status_of(&f->s);
	assert_string_equal(status_text(status_at(root, "volumes", 0), "device"), "md125");
	assert_int_equal(status_number(status_at(root, "volumes", 1), "index"), 5);
	assert_string_equal(status_text(status_at(root, "volumes", 1), "device"), "md126");
	f->array[0].index = 9;
	json_decref(root);
	root = status_of(&f->s);
	assert_int_equal(status_size_of(root, "volumes"), 2);
	assert_true(status_is_null(status_at(root, "volumes", 1), "device"));
	json_decref(root);
}

/* ---- words ---- */

static void test_words_of_disks(void **state)
{
	static const char *const words[] = {
		[REPORT_DISK_MEMBER] = "member", [REPORT_DISK_SPARE] = "spare",
		[REPORT_DISK_FAILED] = "failed", [REPORT_DISK_MISSING] = "missing",
		[REPORT_DISK_MISSING + 1] = "failed", /* no such state */
	};
	struct status_rig *f = *state;

	for (size_t i = 0; i < COUNT(words); i++) {
		json_t *root;

		f->report.disk[0].state = (enum report_disk_state)i;
		root = status_of(&f->s);
		assert_string_equal(status_text(status_at(root, "disks", 0), "state"), words[i]);
		json_decref(root);
	}
}

static void test_words_of_volumes(void **state)
{
	static const char *const words[] = {
		[REPORT_VOLUME_NORMAL] = "normal", [REPORT_VOLUME_DEGRADED] = "degraded",
		[REPORT_VOLUME_FAILED] = "failed", [REPORT_VOLUME_UNINITIALIZED] = "uninitialized",
		[REPORT_VOLUME_UNINITIALIZED + 1] = "failed",
	};
	struct status_rig *f = *state;

	for (size_t i = 0; i < COUNT(words); i++) {
		json_t *root;

		f->report.volume[0].state = (enum report_volume_state)i;
		root = status_of(&f->s);
		assert_string_equal(status_text(status_at(root, "volumes", 0), "state"), words[i]);
		json_decref(root);
	}
}

static void test_words_of_members(void **state)
{
	static const struct {
		uint8_t state;
		const char *word;
	} t[] = {
		{ REPORT_IN_SYNC, "in_sync" }, { REPORT_REBUILDING, "rebuilding" },
		{ REPORT_FAILED_MEMBER, "failed" }, { REPORT_MISSING, "missing" },
		{ REPORT_MISSING + 1, "failed" }, { 255, "failed" },
	};
	struct status_rig *f = *state;

	for (size_t i = 0; i < COUNT(t); i++) {
		json_t *root;

		f->report.volume[0].member[0].state = t[i].state;
		root = status_of(&f->s);
		assert_string_equal(status_text(status_at(status_at(root, "volumes", 0), "members", 0), "state"),
				    t[i].word);
		json_decref(root);
	}
}

/* ---- events ---- */

/* There are always more. Its text is as long as it may be, and nothing that may stand in a string. */
static bool endless(uint64_t after, struct event *e)
{
	*e = (struct event){ .number = after + 1, .time_ms = UINT64_MAX, .level = LOG_LEVEL_ERROR };
	memset(e->text, '"', sizeof(e->text) - 1);
	memset(e->name, 'n', sizeof(e->name) - 1);
	memset(e->array, 0xff, sizeof(e->array) - 1);
	return true;
}

static void test_events(void **state)
{
	struct status_rig *f = *state;
	json_t *root = status_of(&f->s);
	const json_t *e = status_at(root, "events", 0);

	assert_int_equal(status_size_of(root, "events"), 2);
	assert_true(status_is_null(e, "array"));
	assert_true(status_is_null(e, "disk"));
	json_decref(root);
	f->s.next_event = endless;
	root = status_of(&f->s);
	assert_int_equal(status_size_of(root, "events"), EVENTS_KEPT);
	e = status_at(root, "events", EVENTS_KEPT - 1);
	assert_int_equal(status_number(e, "number"), EVENTS_KEPT);
	assert_string_equal(status_text(e, "priority"), "err");
	assert_int_equal(strlen(status_text(e, "text")), EVENT_TEXT - 1);
	assert_int_equal(strlen(status_text(e, "event")), EVENT_NAME - 1);
	json_decref(root);
}

static void test_levels(void **state)
{
	static const struct {
		int level;
		const char *word;
	} t[] = {
		{ 0, "raid0" }, { 1, "raid1" }, { 4, "raid4" }, { 5, "raid5" }, { 6, "raid6" }, { 10, "raid10" },
	};
	struct status_rig *f = *state;

	for (size_t i = 0; i < COUNT(t); i++) {
		json_t *root;

		f->report.volume[0].level = t[i].level;
		root = status_of(&f->s);
		assert_string_equal(status_text(status_at(root, "volumes", 0), "level"), t[i].word);
		json_decref(root);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		status_test(test_example_of_the_documentation),
		status_test(test_all_fields_with_other_values),
		status_test(test_writing_since_just_now),
		status_test(test_no_report_yet),
		status_test(test_nothing_at_all),
		status_test(test_disk_that_is_not_there),
		status_test(test_unused_disks),
		status_test(test_disk_without_a_name),
		status_test(test_volume_that_does_not_run),
		status_test(test_kernel_says_nothing),
		status_test(test_arrays_belong_to_volumes_by_index),
		status_test(test_words_of_disks),
		status_test(test_words_of_volumes),
		status_test(test_words_of_members),
		status_test(test_levels),
		status_test(test_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
