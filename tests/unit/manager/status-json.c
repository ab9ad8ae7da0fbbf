/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the daemon says of itself. Each answer is parsed by a real JSON library, strictly, and held against the
 * schema of docs/status.md: the fields, their types, their words. The example there must come out letter by letter.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "manager/status-json.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define NEVER UINT_MAX
#define FFFD "\xef\xbf\xbd"

/* ---- allocations of the code under test (tests/flags.mk) ---- */

static unsigned fail_after = NEVER; /* that many more succeed */
static int live;

static bool may_allocate(void)
{
	if (!fail_after)
		return false;
	fail_after -= fail_after != NEVER;
	return true;
}

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_malloc(size_t size)
{
	void *p = may_allocate() ? __real_malloc(size) : NULL;

	live += p != NULL;
	return p;
}

void *__real_realloc(void *old, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_realloc(void *old, size_t size)
{
	void *p = may_allocate() ? __real_realloc(old, size) : NULL;

	live += p && !old;
	return p;
}

void __real_free(void *p);
void __wrap_free(void *p);
void __wrap_free(void *p)
{
	live -= p != NULL;
	__real_free(p);
}

/* ---- the schema ---- */

/* "name:type ...", in their order: s string, i integer, b boolean, o object, a array; "?": or null. */
#define TOP "schema:i version:s pid:i container:s metadata:s time_ms:i uptime_ms:i draining:b generation:i " \
	"writing_ms:i? last_write:o? queues:o stalls:o disks:a volumes:a"
#define LAST_WRITE "time_ms:i duration_us:i disks:i failed:a count:i errors:i"
#define QUEUES "updates:i pings:i clients:i lost_messages:i"
#define STALLS "write:o failure:o"
#define STALL "count:i total_us:i max_us:i buckets:a"
#define DISK "name:s? dev:s? serial:s state:s writable:b"
#define VOLUME "index:i name:s device:s? level:s size_kib:i state:s dirty:b array_state:s? sync:o? members:a"
#define SYNC "action:s done_kib:i total_kib:i speed_kib:i"
#define MEMBER "slot:i disk:s? state:s"

static char type_of(const json_t *v)
{
	switch (json_typeof(v)) {
	case JSON_OBJECT: return 'o';
	case JSON_ARRAY: return 'a';
	case JSON_STRING: return 's';
	case JSON_INTEGER: return 'i';
	case JSON_TRUE:
	case JSON_FALSE: return 'b';
	case JSON_NULL: return '?';
	case JSON_REAL: return 'r';
	}
	return 0;
}

static void assert_fields(const json_t *object, const char *fields)
{
	void *i = json_object_iter((json_t *)(uintptr_t)object);
	char name[32], type[4];
	int used;

	assert_true(json_is_object(object));
	for (; sscanf(fields, " %31[^:]:%3s%n", name, type, &used) == 2; fields += used) {
		assert_non_null(i);
		assert_string_equal(json_object_iter_key(i), name);
		assert_non_null(strchr(type, type_of(json_object_iter_value(i))));
		i = json_object_iter_next((json_t *)(uintptr_t)object, i);
	}
	assert_null(i);
}

static const json_t *get(const json_t *object, const char *key)
{
	const json_t *v = json_object_get(object, key);

	assert_non_null(v);
	return v;
}

static const char *text(const json_t *object, const char *key)
{
	return json_string_value(get(object, key));
}

static json_int_t number(const json_t *object, const char *key)
{
	assert_true(json_is_integer(get(object, key)));
	return json_integer_value(get(object, key));
}

static bool is_null(const json_t *object, const char *key)
{
	return json_is_null(get(object, key));
}

/* One of the words, which are separated by blanks. */
static void assert_word(const json_t *object, const char *key, const char *words)
{
	char word[64], all[128];

	snprintf(word, sizeof(word), " %s ", text(object, key));
	snprintf(all, sizeof(all), " %s ", words);
	assert_non_null(strstr(all, word));
}

static void assert_stall(const json_t *stall)
{
	assert_fields(stall, STALL);
	assert_int_equal(json_array_size(get(stall, "buckets")), 16);
}

static void assert_volume(const json_t *volume)
{
	const json_t *m;
	size_t i;

	assert_fields(volume, VOLUME);
	assert_word(volume, "state", "normal degraded failed uninitialized");
	if (!is_null(volume, "sync"))
		assert_fields(get(volume, "sync"), SYNC);
	json_array_foreach(get(volume, "members"), i, m) {
		assert_fields(m, MEMBER);
		assert_int_equal(number(m, "slot"), i);
		assert_word(m, "state", "in_sync rebuilding failed missing");
	}
}

static void assert_schema(const json_t *root)
{
	const json_t *v;
	size_t i;

	assert_fields(root, TOP);
	if (!is_null(root, "last_write")) {
		assert_fields(get(root, "last_write"), LAST_WRITE);
		json_array_foreach(get(get(root, "last_write"), "failed"), i, v)
			assert_true(json_is_string(v));
	}
	assert_fields(get(root, "queues"), QUEUES);
	assert_fields(get(root, "stalls"), STALLS);
	assert_stall(get(get(root, "stalls"), "write"));
	assert_stall(get(get(root, "stalls"), "failure"));
	json_array_foreach(get(root, "disks"), i, v) {
		assert_fields(v, DISK);
		assert_word(v, "state", "member spare failed missing unused");
	}
	json_array_foreach(get(root, "volumes"), i, v)
		assert_volume(v);
}

/* One line, for those who escape nothing themselves. */
static void assert_printable(const char *line)
{
	for (const unsigned char *c = (const unsigned char *)line; *c; c++)
		assert_true(*c >= 0x20 && *c != 0x7f);
}

static json_t *status_of(const struct status *s)
{
	char *line = status_to_json(s);
	json_error_t error;
	json_t *root;

	assert_non_null(line);
	assert_printable(line);
	root = json_loads(line, JSON_REJECT_DUPLICATES, &error);
	if (!root)
		fail_msg("%s at %d of %s", error.text, error.position, line);
	assert_schema(root);
	free(line);
	return root;
}

static const json_t *at(const json_t *root, const char *list, size_t i)
{
	const json_t *v = json_array_get(get(root, list), i);

	assert_non_null(v);
	return v;
}

static size_t size_of(const json_t *root, const char *list)
{
	return json_array_size(get(root, list));
}

/* ---- the example of docs/status.md ---- */

static unsigned names_asked;

/* 8:0 is sda, 8:16 is sdb ...; disks of other kinds have gone. */
static int disk_name(dev_t dev, char *name, size_t size)
{
	names_asked++;
	if (major(dev) != 8) {
		strcpy(name, "junk");
		return -ENOENT;
	}
	if (minor(dev) / 16 < 26)
		snprintf(name, size, "sd%c", 'a' + minor(dev) / 16);
	else
		snprintf(name, size, "sd-%u", minor(dev) / 16);
	return 0;
}

struct fixture {
	struct report report;
	struct status_array array[2];
	dev_t disk[4];
	struct status s;
};

static void set_disk(struct report_disk *d, dev_t dev, const char *serial, enum report_disk_state state)
{
	*d = (struct report_disk){ .dev = dev, .state = state };
	strcpy(d->serial, serial);
}

static void set_volume(struct report_volume *v)
{
	v->index = 0;
	strcpy(v->name, "Volume0");
	v->level = 1;
	v->size = 20480;
	v->state = REPORT_VOLUME_DEGRADED;
	v->dirty = true;
	v->member_count = 2;
	v->member[0] = (struct report_member){ .disk = 0, .state = REPORT_IN_SYNC };
	v->member[1] = (struct report_member){ .disk = 1, .state = REPORT_REBUILDING };
}

static void set_report(struct report *r)
{
	r->generation = 17;
	r->disk_count = 4;
	set_disk(&r->disk[0], makedev(8, 0), "S1", REPORT_DISK_MEMBER);
	set_disk(&r->disk[1], makedev(8, 16), "S2", REPORT_DISK_MEMBER);
	set_disk(&r->disk[2], makedev(8, 32), "S3", REPORT_DISK_SPARE);
	set_disk(&r->disk[3], 0, "S4", REPORT_DISK_MISSING);
	r->volume_count = 1;
	set_volume(&r->volume[0]);
	r->write = (struct report_write){
		.count = 12, .end_ms = 1763841230000, .duration_us = 1843, .disks = 3,
	};
	r->write_stalls = (struct stall_stats){ .count = 5, .total_us = 9211, .max_us = 2410, .bucket = { 1, 2, 2 } };
}

static void set_status(struct fixture *f)
{
	f->array[0] = (struct status_array){
		.index = 0, .device = "md126", .array_state = "active", .action = "recover",
		.done = 4096, .total = 20480, .speed_kib = 1000,
	};
	for (unsigned i = 0; i < 3; i++)
		f->disk[i] = makedev(8, 16 * i);
	f->s = (struct status){
		.pid = 412, .container = "md127", .metadata = "imsm", .time_ms = 1763841234567,
		.uptime_ms = 86400123, .clients = 1, .report = &f->report, .arrays = f->array, .array_count = 1,
		.disks = f->disk, .disk_count = 3, .disk_name = disk_name,
	};
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	set_report(&f->report);
	set_status(f);
	names_asked = 0;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	fail_after = NEVER;
	free(*state);
	return 0;
}

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
	const struct fixture *f = *state;
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
	struct fixture *f = *state;
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
	f->report.volume[0].dirty = false;
	f->report.failure_stalls = (struct stall_stats){ .count = 7, .total_us = 8, .max_us = 9 };
	f->report.failure_stalls.bucket[STALL_BUCKETS - 1] = UINT32_MAX;
	root = status_of(&f->s);
	assert_true(json_is_true(get(root, "draining")));
	assert_int_equal(number(root, "writing_ms"), 31);
	v = get(root, "queues");
	assert_int_equal(number(v, "updates"), 2);
	assert_int_equal(number(v, "pings"), 3);
	assert_int_equal(number(v, "clients"), 4);
	assert_int_equal(number(v, "lost_messages"), 5);
	v = get(root, "last_write");
	assert_int_equal(size_of(v, "failed"), 2);
	assert_string_equal(json_string_value(at(v, "failed", 0)), "sdb");
	assert_string_equal(json_string_value(at(v, "failed", 1)), "259:7");
	assert_int_equal(number(v, "errors"), 6);
	assert_true(json_is_true(get(at(root, "disks", 0), "writable")));
	assert_true(json_is_false(get(at(root, "disks", 1), "writable")));
	assert_true(json_is_false(get(at(root, "volumes", 0), "dirty")));
	v = get(get(root, "stalls"), "failure");
	assert_int_equal(number(v, "count"), 7);
	assert_int_equal(number(v, "total_us"), 8);
	assert_int_equal(number(v, "max_us"), 9);
	assert_int_equal(json_integer_value(at(v, "buckets", STALL_BUCKETS - 1)), UINT32_MAX);
	json_decref(root);
}

/* A time of 0 ms is a time. */
static void test_writing_since_just_now(void **state)
{
	struct fixture *f = *state;
	json_t *root;

	f->s.writing = true;
	root = status_of(&f->s);
	assert_int_equal(number(root, "writing_ms"), 0);
	json_decref(root);
	f->s.writing = false;
	f->s.writing_ms = 5;
	root = status_of(&f->s);
	assert_true(is_null(root, "writing_ms"));
	json_decref(root);
}

/* ---- what is not there ---- */

static void test_no_report_yet(void **state)
{
	struct fixture *f = *state;
	json_t *root;

	f->s.report = NULL;
	root = status_of(&f->s);
	assert_int_equal(number(root, "generation"), 0);
	assert_true(is_null(root, "last_write"));
	assert_int_equal(number(get(get(root, "stalls"), "write"), "count"), 0);
	assert_int_equal(size_of(root, "volumes"), 0);
	assert_int_equal(size_of(root, "disks"), 3);
	for (size_t i = 0; i < 3; i++)
		assert_string_equal(text(at(root, "disks", i), "state"), "unused");
	assert_string_equal(text(at(root, "disks", 2), "name"), "sdc");
	json_decref(root);
}

static void test_nothing_at_all(void **state)
{
	struct fixture *f = *state;
	json_t *root;

	f->s = (struct status){ .container = "", .metadata = "", .disk_name = disk_name };
	root = status_of(&f->s);
	assert_int_equal(size_of(root, "disks"), 0);
	assert_string_equal(text(root, "container"), "");
	json_decref(root);
	memset(&f->report, 0, sizeof(f->report));
	f->s.report = &f->report;
	root = status_of(&f->s);
	assert_true(is_null(root, "last_write"));
	assert_int_equal(size_of(root, "disks") + size_of(root, "volumes"), 0);
	json_decref(root);
	assert_int_equal(names_asked, 0);
}

static void test_disk_that_is_not_there(void **state)
{
	struct fixture *f = *state;
	const json_t *d;
	json_t *root;

	f->report.volume[0].member[1].disk = 3;
	root = status_of(&f->s);
	d = at(root, "disks", 3);
	assert_true(is_null(d, "name"));
	assert_true(is_null(d, "dev"));
	assert_string_equal(text(d, "serial"), "S4");
	assert_true(is_null(at(at(root, "volumes", 0), "members", 1), "disk"));
	assert_int_equal(names_asked, 3);
	json_decref(root);
}

/* After those of the report, in their order, and each disk once. */
static void test_unused_disks(void **state)
{
	static const char *const names[] = { "sda", "sdb", "sdc", NULL, "sde", "7:3" };
	struct fixture *f = *state;
	const json_t *d;
	json_t *root;

	f->disk[0] = makedev(8, 64);
	f->disk[2] = makedev(7, 3);
	root = status_of(&f->s);
	assert_int_equal(size_of(root, "disks"), COUNT(names));
	for (size_t i = 0; i < COUNT(names); i++) {
		d = at(root, "disks", i);
		if (names[i])
			assert_string_equal(text(d, "name"), names[i]);
		assert_int_equal(strcmp(text(d, "state"), "unused") == 0, i >= 4);
	}
	d = at(root, "disks", 4);
	assert_string_equal(text(d, "dev"), "8:64");
	assert_string_equal(text(d, "serial"), "");
	assert_true(json_is_true(get(d, "writable")));
	assert_string_equal(text(at(root, "disks", 5), "dev"), "7:3");
	json_decref(root);
}

static void test_disk_without_a_name(void **state)
{
	struct fixture *f = *state;
	json_t *root;

	f->report.disk[1].dev = f->disk[1] = makedev(4095, 1048575);
	root = status_of(&f->s);
	assert_string_equal(text(at(root, "disks", 1), "name"), "4095:1048575");
	assert_string_equal(text(at(root, "disks", 1), "dev"), "4095:1048575");
	assert_string_equal(text(at(at(root, "volumes", 0), "members", 1), "disk"), "4095:1048575");
	assert_int_equal(size_of(root, "disks"), 4);
	json_decref(root);
}

static void test_volume_that_does_not_run(void **state)
{
	struct fixture *f = *state;
	const json_t *v;
	json_t *root;

	f->array[0].index = 1;
	root = status_of(&f->s);
	v = at(root, "volumes", 0);
	assert_true(is_null(v, "device"));
	assert_true(is_null(v, "array_state"));
	assert_true(is_null(v, "sync"));
	assert_int_equal(size_of(v, "members"), 2);
	json_decref(root);
}

static void test_kernel_says_nothing(void **state)
{
	struct fixture *f = *state;
	const json_t *v;
	json_t *root;

	f->array[0].array_state[0] = '\0';
	f->array[0].action[0] = '\0';
	root = status_of(&f->s);
	v = at(root, "volumes", 0);
	assert_string_equal(text(v, "device"), "md126");
	assert_true(is_null(v, "array_state"));
	assert_true(is_null(v, "sync"));
	json_decref(root);
}

/* By index, not by position; what the metadata do not name is left out. */
static void test_arrays_belong_to_volumes_by_index(void **state)
{
	struct fixture *f = *state;
	json_t *root;

	f->report.volume_count = 2;
	f->report.volume[1] = f->report.volume[0];
	f->report.volume[1].index = 5;
	f->array[1] = f->array[0];
	strcpy(f->array[1].device, "md125");
	f->array[0].index = 5;
	f->s.array_count = 2;
	root = status_of(&f->s);
	assert_string_equal(text(at(root, "volumes", 0), "device"), "md125");
	assert_int_equal(number(at(root, "volumes", 1), "index"), 5);
	assert_string_equal(text(at(root, "volumes", 1), "device"), "md126");
	f->array[0].index = 9;
	json_decref(root);
	root = status_of(&f->s);
	assert_int_equal(size_of(root, "volumes"), 2);
	assert_true(is_null(at(root, "volumes", 1), "device"));
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
	struct fixture *f = *state;

	for (size_t i = 0; i < COUNT(words); i++) {
		json_t *root;

		f->report.disk[0].state = (enum report_disk_state)i;
		root = status_of(&f->s);
		assert_string_equal(text(at(root, "disks", 0), "state"), words[i]);
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
	struct fixture *f = *state;

	for (size_t i = 0; i < COUNT(words); i++) {
		json_t *root;

		f->report.volume[0].state = (enum report_volume_state)i;
		root = status_of(&f->s);
		assert_string_equal(text(at(root, "volumes", 0), "state"), words[i]);
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
	struct fixture *f = *state;

	for (size_t i = 0; i < COUNT(t); i++) {
		json_t *root;

		f->report.volume[0].member[0].state = t[i].state;
		root = status_of(&f->s);
		assert_string_equal(text(at(at(root, "volumes", 0), "members", 0), "state"), t[i].word);
		json_decref(root);
	}
}

static void test_levels(void **state)
{
	static const struct {
		int level;
		const char *word;
	} t[] = {
		{ 0, "raid0" }, { 1, "raid1" }, { 4, "raid4" }, { 5, "raid5" }, { 6, "raid6" }, { 10, "raid10" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < COUNT(t); i++) {
		json_t *root;

		f->report.volume[0].level = t[i].level;
		root = status_of(&f->s);
		assert_string_equal(text(at(root, "volumes", 0), "level"), t[i].word);
		json_decref(root);
	}
}

/* ---- text that comes from disks ---- */

/* What a serial looks like in the line itself. */
static void assert_written(struct fixture *f, const char *serial, const char *want)
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
	struct fixture *f = *state;

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
	struct fixture *f = *state;

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
	struct fixture *f = *state;
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
	v = at(root, "volumes", 0);
	assert_int_equal(strlen(text(at(root, "disks", 0), "serial")), REPORT_NAME);
	assert_int_equal(strlen(text(v, "name")), REPORT_NAME - 1 + strlen(FFFD));
	assert_int_equal(strlen(text(v, "device")), MD_NAME_MAX);
	assert_int_equal(strlen(text(v, "array_state")), REPORT_NAME);
	assert_int_equal(strlen(text(get(v, "sync"), "action")), REPORT_NAME);
	json_decref(root);
}

/* Also what does not come from disks. */
static void test_other_text_is_escaped(void **state)
{
	struct fixture *f = *state;
	json_t *root;

	f->s.container = "a\"\n\xff";
	f->s.metadata = "\\";
	strcpy(f->array[0].device, "\"\x80");
	strcpy(f->array[0].array_state, "\t");
	strcpy(f->array[0].action, "\x1b[2J");
	root = status_of(&f->s);
	assert_string_equal(text(root, "container"), "a\"\n" FFFD);
	assert_string_equal(text(root, "metadata"), "\\");
	assert_string_equal(text(at(root, "volumes", 0), "device"), "\"" FFFD);
	assert_string_equal(text(get(at(root, "volumes", 0), "sync"), "action"), "\x1b[2J");
	json_decref(root);
}

/* ---- bounds ---- */

static void test_huge_numbers(void **state)
{
	struct fixture *f = *state;
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
	assert_true(number(root, "generation") == INT64_MAX);
	assert_true(number(get(root, "last_write"), "count") == INT64_MAX);
	assert_true(number(get(root, "last_write"), "duration_us") == INT64_MAX);
	assert_true(number(get(root, "last_write"), "disks") == UINT_MAX);
	v = at(root, "volumes", 0);
	assert_true(number(v, "size_kib") == INT64_MAX);
	assert_true(number(get(v, "sync"), "done_kib") == INT64_MAX);
	assert_true(number(get(v, "sync"), "speed_kib") == INT64_MAX);
	json_decref(root);
}

/* A report of its own size in memory: the address sanitizer sees a step beyond. */
static void test_counts_beyond_the_arrays(void **state)
{
	struct fixture *f = *state;
	struct report *r = calloc(1, sizeof(*r));
	json_t *root;

	r->disk_count = r->volume_count = UINT_MAX;
	r->write.count = 1;
	r->write.failed_count = UINT_MAX;
	for (unsigned i = 0; i < REPORT_VOLUMES; i++)
		r->volume[i].member_count = UINT_MAX;
	f->s.report = r;
	root = status_of(&f->s);
	assert_int_equal(size_of(root, "disks"), REPORT_DISKS + 3);
	assert_int_equal(size_of(root, "volumes"), REPORT_VOLUMES);
	assert_int_equal(size_of(at(root, "volumes", REPORT_VOLUMES - 1), "members"), REPORT_MEMBERS);
	assert_int_equal(size_of(get(root, "last_write"), "failed"), REPORT_FAILED);
	json_decref(root);
	free(r);
}

static void test_member_disk_out_of_range(void **state)
{
	static const int16_t out[] = { -1, -2, INT16_MIN, 4, 5, 255, 256, INT16_MAX };
	struct fixture *f = *state;

	/* what is beyond disk_count is left over from something else */
	set_disk(&f->report.disk[4], makedev(8, 48), "old", REPORT_DISK_MEMBER);
	for (size_t i = 0; i < COUNT(out); i++) {
		json_t *root;

		f->report.volume[0].member[1].disk = out[i];
		root = status_of(&f->s);
		assert_true(is_null(at(at(root, "volumes", 0), "members", 1), "disk"));
		assert_string_equal(text(at(at(root, "volumes", 0), "members", 0), "disk"), "sda");
		json_decref(root);
	}
}

static void fill_report(struct report *r)
{
	r->disk_count = REPORT_DISKS;
	r->volume_count = REPORT_VOLUMES;
	for (unsigned i = 0; i < REPORT_DISKS; i++)
		set_disk(&r->disk[i], makedev(8, 16 * i), "0123456789ABCDEF", REPORT_DISK_MEMBER);
	for (unsigned i = 0; i < REPORT_VOLUMES; i++) {
		set_volume(&r->volume[i]);
		r->volume[i].index = (int)i;
		r->volume[i].member_count = REPORT_MEMBERS;
		for (unsigned k = 0; k < REPORT_MEMBERS; k++)
			r->volume[i].member[k].disk = (int16_t)(REPORT_DISKS - 1 - k);
	}
}

static void test_largest_report(void **state)
{
	struct fixture *f = *state;
	const json_t *v;
	json_t *root;

	fill_report(&f->report);
	root = status_of(&f->s);
	assert_int_equal(size_of(root, "disks"), REPORT_DISKS);
	assert_string_equal(text(at(root, "disks", 255), "name"), "sd-255");
	assert_int_equal(size_of(root, "volumes"), REPORT_VOLUMES);
	for (size_t i = 0; i < REPORT_VOLUMES; i++) {
		v = at(root, "volumes", i);
		assert_int_equal(number(v, "index"), i);
		assert_int_equal(size_of(v, "members"), REPORT_MEMBERS);
		assert_string_equal(text(at(v, "members", 0), "disk"), "sd-255");
		assert_string_equal(text(at(v, "members", 255), "disk"), "sda");
	}
	/* looking a name up is work for the kernel: once for each disk, not for each member */
	assert_int_equal(names_asked, REPORT_DISKS);
	json_decref(root);
}

/* ---- memory ---- */

/* Whichever allocation fails, there is no answer, and nothing is left behind. */
static void test_no_memory(void **state)
{
	struct fixture *f = *state;
	unsigned failures = 0;
	char *line;

	fill_report(&f->report);
	live = 0;
	for (;;) {
		fail_after = failures;
		line = status_to_json(&f->s);
		fail_after = NEVER;
		if (line)
			break;
		assert_int_equal(live, 0);
		failures++;
	}
	assert_true(failures >= 3); /* it has grown */
	assert_int_equal(live, 1);
	free(line);
	assert_int_equal(live, 0);
}

/* Wherever the end of the buffer falls, byte by byte. */
static void test_length_of_any_size(void **state)
{
	struct fixture *f = *state;
	char container[6000];
	size_t shortest = 0;

	for (size_t n = 0; n < sizeof(container); n += 1 + (n % 7 == 0 && n < 2000)) {
		char *line;

		memset(container, 'c', n);
		container[n] = '\0';
		f->s.container = container;
		line = status_to_json(&f->s);
		if (!n)
			shortest = strlen(line);
		assert_int_equal(strlen(line), shortest + n);
		assert_string_equal(line + strlen(line) - 4, "]}]}");
		free(line);
	}
}

#define STATUS_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STATUS_TEST(test_example_of_the_documentation),
		STATUS_TEST(test_all_fields_with_other_values),
		STATUS_TEST(test_writing_since_just_now),
		STATUS_TEST(test_no_report_yet),
		STATUS_TEST(test_nothing_at_all),
		STATUS_TEST(test_disk_that_is_not_there),
		STATUS_TEST(test_unused_disks),
		STATUS_TEST(test_disk_without_a_name),
		STATUS_TEST(test_volume_that_does_not_run),
		STATUS_TEST(test_kernel_says_nothing),
		STATUS_TEST(test_arrays_belong_to_volumes_by_index),
		STATUS_TEST(test_words_of_disks),
		STATUS_TEST(test_words_of_volumes),
		STATUS_TEST(test_words_of_members),
		STATUS_TEST(test_levels),
		STATUS_TEST(test_escapes),
		STATUS_TEST(test_each_control_character),
		STATUS_TEST(test_valid_utf8_stays),
		STATUS_TEST(test_invalid_utf8_is_replaced),
		STATUS_TEST(test_any_bytes),
		STATUS_TEST(test_names_that_fill_their_place),
		STATUS_TEST(test_other_text_is_escaped),
		STATUS_TEST(test_huge_numbers),
		STATUS_TEST(test_counts_beyond_the_arrays),
		STATUS_TEST(test_member_disk_out_of_range),
		STATUS_TEST(test_largest_report),
		STATUS_TEST(test_no_memory),
		STATUS_TEST(test_length_of_any_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
