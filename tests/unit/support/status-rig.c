/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See status-rig.h. */
#include "tests/unit/support/status-rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

/* ---- the schema ---- */

/* "name:type ...", in their order: s string, i integer, b boolean, o object, a array; "?": or null. */
#define TOP "schema:i version:s pid:i container:s metadata:s time_ms:i uptime_ms:i draining:b unserved:a generation:i " \
	"writing_ms:i? last_write:o? queues:o stalls:o disks:a volumes:a events:a"
#define LAST_WRITE "time_ms:i duration_us:i disks:i failed:a count:i errors:i"
#define QUEUES "updates:i pings:i clients:i lost_messages:i"
#define STALLS "write:o failure:o"
#define STALL "count:i total_us:i max_us:i buckets:a"
#define DISK "name:s? dev:s? serial:s state:s writable:b hangs_ms:i?"
#define VOLUME "index:i name:s device:s? level:s size_kib:i state:s dirty:b array_state:s? sync:o? members:a"
#define SYNC "action:s done_kib:i total_kib:i speed_kib:i"
#define EVENT "number:i time_ms:i priority:s event:s array:s? disk:s? text:s"
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

const json_t *status_get(const json_t *object, const char *key)
{
	const json_t *v = json_object_get(object, key);

	assert_non_null(v);
	return v;
}

const char *status_text(const json_t *object, const char *key)
{
	return json_string_value(status_get(object, key));
}

json_int_t status_number(const json_t *object, const char *key)
{
	assert_true(json_is_integer(status_get(object, key)));
	return json_integer_value(status_get(object, key));
}

bool status_is_null(const json_t *object, const char *key)
{
	return json_is_null(status_get(object, key));
}

/* One of the words, which are separated by blanks. */
void assert_word(const json_t *object, const char *key, const char *words)
{
	char word[64], all[128];

	snprintf(word, sizeof(word), " %s ", status_text(object, key));
	snprintf(all, sizeof(all), " %s ", words);
	assert_non_null(strstr(all, word));
}

static void assert_stall(const json_t *stall)
{
	assert_fields(stall, STALL);
	assert_int_equal(json_array_size(status_get(stall, "buckets")), 16);
}

static void assert_volume(const json_t *volume)
{
	const json_t *m;
	size_t i;

	assert_fields(volume, VOLUME);
	assert_word(volume, "state", "normal degraded failed uninitialized");
	if (!status_is_null(volume, "sync"))
		assert_fields(status_get(volume, "sync"), SYNC);
	json_array_foreach(status_get(volume, "members"), i, m) {
		assert_fields(m, MEMBER);
		assert_int_equal(status_number(m, "slot"), i);
		assert_word(m, "state", "in_sync rebuilding failed missing");
	}
}

static void assert_schema(const json_t *root)
{
	const json_t *v;
	size_t i;

	assert_fields(root, TOP);
	if (!status_is_null(root, "last_write")) {
		assert_fields(status_get(root, "last_write"), LAST_WRITE);
		json_array_foreach(status_get(status_get(root, "last_write"), "failed"), i, v)
			assert_true(json_is_string(v));
	}
	assert_fields(status_get(root, "queues"), QUEUES);
	assert_fields(status_get(root, "stalls"), STALLS);
	assert_stall(status_get(status_get(root, "stalls"), "write"));
	assert_stall(status_get(status_get(root, "stalls"), "failure"));
	json_array_foreach(status_get(root, "disks"), i, v) {
		assert_fields(v, DISK);
		assert_word(v, "state", "member spare failed missing unused");
	}
	json_array_foreach(status_get(root, "volumes"), i, v)
		assert_volume(v);
	json_array_foreach(status_get(root, "events"), i, v) {
		assert_fields(v, EVENT);
		assert_word(v, "priority", "err warning info");
	}
}

/* One line, for those who escape nothing themselves. */
static void assert_printable(const char *line)
{
	for (const unsigned char *c = (const unsigned char *)line; *c; c++)
		assert_true(*c >= 0x20 && *c != 0x7f);
}

json_t *status_of(const struct status *s)
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

const json_t *status_at(const json_t *root, const char *list, size_t i)
{
	const json_t *v = json_array_get(status_get(root, list), i);

	assert_non_null(v);
	return v;
}

size_t status_size_of(const json_t *root, const char *list)
{
	return json_array_size(status_get(root, list));
}

/* ---- the example of docs/status.md ---- */

unsigned status_names_asked;

/* 8:0 is sda, 8:16 is sdb ...; disks of other kinds have gone. */
int status_disk_name(dev_t dev, char *name, size_t size)
{
	status_names_asked++;
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

bool status_next_event(uint64_t after, struct event *e)
{
	static const struct event events[] = {
		{ 1, 1763754834444, LOG_LEVEL_INFO, "ready", "", "", "md127: ready" },
		{ 2, 1763841229990, LOG_LEVEL_WARNING, "member-failed", "md126", "sdb", "md126: member sdb failed" },
	};

	if (after >= COUNT(events))
		return false;
	*e = events[after];
	return true;
}

void status_set_disk(struct report_disk *d, dev_t dev, const char *serial, enum report_disk_state state)
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
	status_set_disk(&r->disk[0], makedev(8, 0), "S1", REPORT_DISK_MEMBER);
	status_set_disk(&r->disk[1], makedev(8, 16), "S2", REPORT_DISK_MEMBER);
	status_set_disk(&r->disk[2], makedev(8, 32), "S3", REPORT_DISK_SPARE);
	status_set_disk(&r->disk[3], 0, "S4", REPORT_DISK_MISSING);
	r->volume_count = 1;
	set_volume(&r->volume[0]);
	r->write = (struct report_write){
		.count = 12, .end_ms = 1763841230000, .duration_us = 1843, .disks = 3,
	};
	r->write_stalls = (struct stall_stats){ .count = 5, .total_us = 9211, .max_us = 2410, .bucket = { 1, 2, 2 } };
}

static void set_status(struct status_rig *f)
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
		.disks = f->disk, .disk_count = 3, .disk_name = status_disk_name,
		.next_event = status_next_event,
	};
}

int status_set_up(void **state)
{
	struct status_rig *f = calloc(1, sizeof(*f));

	set_report(&f->report);
	set_status(f);
	status_names_asked = 0;
	*state = f;
	return 0;
}

int status_tear_down(void **state)
{
	free(*state);
	return 0;
}

/* ---- a full report ---- */

void status_fill_report(struct report *r)
{
	r->disk_count = REPORT_DISKS;
	r->volume_count = REPORT_VOLUMES;
	for (unsigned i = 0; i < REPORT_DISKS; i++)
		status_set_disk(&r->disk[i], makedev(8, 16 * i), "0123456789ABCDEF", REPORT_DISK_MEMBER);
	for (unsigned i = 0; i < REPORT_VOLUMES; i++) {
		set_volume(&r->volume[i]);
		r->volume[i].index = (int)i;
		r->volume[i].member_count = REPORT_MEMBERS;
		for (unsigned k = 0; k < REPORT_MEMBERS; k++)
			r->volume[i].member[k].disk = (int16_t)(REPORT_DISKS - 1 - k);
	}
}
