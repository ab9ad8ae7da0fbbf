/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is on the disks (docs/examine.md), as facts: ctl/check-gather.h. Pure. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/check-gather.h"
#include "ctl/facts.h"

/* What an IMSM disk keeps free at its end at most, in sectors: imsm.md 9.3. */
#define IMSM_RESERVED 4258

struct taking {
	struct check_facts *f;
	const struct check_reading *r;
	const json_t *set;       /* of all disks of the container; NULL: none has the format */
	const json_t *reference; /* a copy to which the others are compared; NULL: there is none */
};

static const char *text_of(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

static bool is(const json_t *o, const char *key, const char *word)
{
	return strcmp(text_of(o, key), word) == 0;
}

static uint64_t number_at(const json_t *o, const char *path)
{
	const json_t *value = facts_at(o, path);
	json_int_t n = json_integer_value(value);

	return json_is_integer(value) && n > 0 ? (uint64_t)n : 0;
}

static const json_t *metadata_of(const json_t *copy)
{
	return json_object_get(copy, "metadata");
}

static uint64_t generation_of(const struct taking *t, const json_t *copy)
{
	return number_at(metadata_of(copy), check_is_ddf(t->f) ? "header.sequence_number" : "header.generation_num");
}

/* What all copies of one container have alike, for its whole life. */
static const char *family_of(const struct taking *t, const json_t *copy)
{
	const json_t *header = json_object_get(metadata_of(copy), "header");
	const char *first = text_of(header, check_is_ddf(t->f) ? "guid" : "orig_family_num");

	return check_is_ddf(t->f) || strcmp(first, "00000000") != 0 ? first : text_of(header, "family_num");
}

static bool is_compared(const json_t *copy)
{
	return json_is_true(json_object_get(copy, "compared"));
}

static const json_t *set_of(const struct check_facts *f, const json_t *examined)
{
	const json_t *set;
	size_t i;

	json_array_foreach (json_object_get(examined, "sets"), i, set)
		if (is(set, "format", f->format))
			return set;
	return NULL;
}

/* ---- the copy that counts ---- */

static struct check_disk *disk_at(const struct taking *t, const char *path, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		if (strcmp(t->r->path[i], path) == 0)
			return &t->f->disk[t->r->disk[i]];
	return NULL;
}

static struct check_disk *disk_of(const struct taking *t, const json_t *copy)
{
	return disk_at(t, text_of(copy, "device"), 0, t->r->together);
}

/* The newest of those that the daemon calls members: it knows who belongs to it. Without it, the one that would be chosen. */
static const json_t *find_reference(const struct taking *t)
{
	const json_t *choice = json_object_get(json_object_get(t->set, "choice"), "mdmon"), *copy, *best = NULL;
	bool told = t->f->daemon == CHECK_DAEMON_OURS;
	size_t i;

	json_array_foreach (json_object_get(t->set, "copies"), i, copy) {
		const struct check_disk *d = disk_of(t, copy);

		if (!is(copy, "status", "right") || !is_compared(copy) || !d)
			continue;
		if (told ? d->use != CHECK_USE_MEMBER :
			   !is(choice, "device", text_of(copy, "device")) || !is(choice, "copy", text_of(copy, "copy")))
			continue;
		if (!best || generation_of(t, copy) > generation_of(t, best))
			best = copy;
	}
	return best;
}

/* ---- each copy ---- */

static enum check_copy state_of(const json_t *copy)
{
	static const struct {
		const char *word;
		enum check_copy state;
	} words[] = {
		{ "right", CHECK_COPY_RIGHT },
		{ "incomplete", CHECK_COPY_INCOMPLETE },
		{ "damaged", CHECK_COPY_DAMAGED },
		{ "unreadable", CHECK_COPY_UNREADABLE },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (is(copy, "status", words[i].word))
			return words[i].state;
	return CHECK_COPY_NOT_READ;
}

static enum check_use use_of(const json_t *copy)
{
	if (is(copy, "use", "member"))
		return CHECK_USE_MEMBER;
	if (is(copy, "use", "spare"))
		return CHECK_USE_SPARE;
	return is(copy, "use", "failed") ? CHECK_USE_FAILED : CHECK_USE_UNUSED;
}

/* Of several copies on a disk, the worst. */
static void take_copy(const struct taking *t, struct check_disk *d, const json_t *copy)
{
	enum check_copy state = state_of(copy);
	int64_t behind;

	if (state > d->copy) {
		d->copy = state;
		snprintf(d->fault, sizeof(d->fault), "%s", text_of(copy, "fault"));
	}
	if (state != CHECK_COPY_RIGHT || !is_compared(copy) || !t->reference)
		return;
	d->compared = true;
	d->foreign = strcmp(family_of(t, copy), family_of(t, t->reference)) != 0;
	d->own = !d->foreign;
	behind = (int64_t)(generation_of(t, t->reference) - generation_of(t, copy));
	if (d->own && behind > d->behind)
		d->behind = behind;
}

static void take_set(const struct taking *t)
{
	const json_t *copy;
	size_t i;

	json_array_foreach (json_object_get(t->set, "copies"), i, copy) {
		struct check_disk *d = disk_of(t, copy);

		if (!d)
			continue;
		take_copy(t, d, copy);
		if (t->f->daemon != CHECK_DAEMON_OURS)
			d->use = use_of(copy);
	}
}

static void take_devices(const struct taking *t, const json_t *examined)
{
	const json_t *device;
	size_t i;

	json_array_foreach (json_object_get(examined, "devices"), i, device) {
		struct check_disk *d = disk_at(t, text_of(device, "name"), 0, t->r->together);

		if (!d || d->copy != CHECK_COPY_NOT_READ)
			continue;
		d->copy = json_is_null(json_object_get(device, "size")) ? CHECK_COPY_UNREADABLE : CHECK_COPY_NONE;
		snprintf(d->fault, sizeof(d->fault), "%s", text_of(device, "problem"));
	}
}

/* A disk that is not in the container. */
static void take_single(const struct taking *t, const json_t *examined)
{
	const json_t *device = json_array_get(json_object_get(examined, "devices"), 0), *copy;
	struct check_disk *d = disk_at(t, text_of(device, "name"), t->r->together, t->r->count);
	size_t i;

	if (d)
		json_array_foreach (json_object_get(set_of(t->f, examined), "copies"), i, copy)
			take_copy(t, d, copy);
}

/* ---- volumes, and room for them ---- */

static uint64_t end_of_volume(const json_t *volume)
{
	const json_t *map = facts_at(volume, "maps[0]");
	bool mirror = is(map, "level", "raid1") || is(map, "level", "raid10");

	return number_at(map, "pba_of_lba0") +
	       number_at(map, "num_data_stripes") * number_at(map, "blocks_per_strip") * (mirror ? 2 : 1);
}

static void take_imsm_volumes(const struct taking *t)
{
	const json_t *volume;
	size_t i;

	json_array_foreach (json_object_get(metadata_of(t->reference), "volumes"), i, volume) {
		struct check_volume *v = check_add_volume(t->f, (int)i);

		if (!v)
			return;
		v->need = end_of_volume(volume);
		if (!v->name[0])
			snprintf(v->name, sizeof(v->name), "%s", text_of(volume, "name"));
		if (!v->level[0])
			snprintf(v->level, sizeof(v->level), "%s", text_of(facts_at(volume, "maps[0]"), "level"));
		v->redundant = sysfs_parse_level(v->level) > 0;
	}
}

static uint64_t sectors_of(const json_t *device)
{
	return number_at(device, "size") / 512;
}

/* A new disk must leave as much at its end as the smallest member does. */
static uint64_t imsm_reserved(const struct taking *t, const json_t *devices)
{
	uint64_t reserved = IMSM_RESERVED, need = check_need(t->f);
	const json_t *device;
	size_t i;

	json_array_foreach (devices, i, device) {
		const struct check_disk *d = disk_at(t, text_of(device, "name"), 0, t->r->together);
		uint64_t size = sectors_of(device);

		if (d && d->use == CHECK_USE_MEMBER && size > need && size - need < reserved)
			reserved = size - need;
	}
	return reserved;
}

static void take_imsm_room(const struct taking *t, const json_t *examined)
{
	const json_t *devices = json_object_get(examined, "devices"), *device;
	uint64_t reserved = imsm_reserved(t, devices);
	size_t i;

	json_array_foreach (devices, i, device) {
		struct check_disk *d = disk_at(t, text_of(device, "name"), 0, t->r->together);

		if (d && sectors_of(device) > reserved)
			d->room = sectors_of(device) - reserved;
	}
}

static uint64_t configured_size(const struct taking *t, const char *refnum)
{
	const json_t *disk;
	size_t i;

	json_array_foreach (json_object_get(metadata_of(t->reference), "disks"), i, disk)
		if (*refnum && is(disk, "refnum", refnum))
			return number_at(disk, "configured_size");
	return 0;
}

static void take_ddf_room(const struct taking *t)
{
	const json_t *copy;
	size_t i;

	json_array_foreach (json_object_get(t->set, "copies"), i, copy) {
		struct check_disk *d = disk_of(t, copy);
		uint64_t size = configured_size(t, text_of(json_object_get(copy, "local"), "refnum"));

		if (d && size)
			d->room = size;
	}
}

static void take_late(const struct taking *t)
{
	for (size_t i = 0; i < t->r->count; i++)
		if (t->r->late[i])
			t->f->disk[t->r->disk[i]].hangs = true;
}

void check_take_copies(struct check_facts *f, const struct check_reading *r, const json_t *read)
{
	const json_t *together = json_array_get(read, 0);
	struct taking t = { .f = f, .r = r, .set = set_of(f, together) };

	snprintf(f->read_problem, sizeof(f->read_problem), "%s", r->problem);
	take_late(&t);
	if (!read)
		return;
	t.reference = find_reference(&t);
	take_set(&t);
	take_devices(&t, together);
	for (size_t i = 1; i < json_array_size(read); i++)
		take_single(&t, json_array_get(read, i));
	f->read = t.reference != NULL;
	if (!t.reference)
		return;
	f->read_generation = generation_of(&t, t.reference);
	if (check_is_ddf(f)) {
		take_ddf_room(&t);
		return;
	}
	take_imsm_volumes(&t);
	f->bad_log = (unsigned)json_array_size(json_object_get(metadata_of(t.reference), "bad_blocks"));
	take_imsm_room(&t, together);
}
