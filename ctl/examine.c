/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See ctl/examine.h. This opens the devices, finds out which format each has, and who holds it; the formats tell what is in the
 * metadata (metadata/examine.h), and ctl/facts.c where copies differ.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <time.h>

#include "ctl/examine.h"
#include "ctl/facts.h"
#include "ctl/other-formats.h"
#include "metadata/disk.h"
#include "metadata/examine.h"

#define SYSFS_PATH_MAX 512
#define WHY_MAX 160
#define TRIES 4          /* of disks that a daemon may be writing to */
#define PAUSE_MS 50

static const struct examiner *const formats[] = { &examine_imsm, &examine_ddf };
#define FORMATS (sizeof(formats) / sizeof(formats[0]))

struct subject {
	const char *name;   /* as it was given */
	struct disk *disk;  /* NULL: it cannot be opened */
	bool image;
	bool has[FORMATS];
	json_t *held_by;    /* names of md devices */
	bool changing;      /* one of those is a container of external metadata, or in one */
	char why[WHY_MAX];  /* there is nothing to read; "": there is */
};

/* ---- who holds it ---- */

static bool is_external(const struct ctl_paths *p, const char *md)
{
	char path[SYSFS_PATH_MAX], version[32] = "";
	FILE *f;

	snprintf(path, sizeof(path), "%s/block/%s/md/metadata_version", p->sys, md);
	f = fopen(path, "re");
	if (!f)
		return false;
	if (!fgets(version, sizeof(version), f))
		version[0] = '\0';
	fclose(f);
	return strncmp(version, "external:", 9) == 0;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_md(const struct dirent *e)
{
	return strncmp(e->d_name, "md", 2) == 0;
}

/* Sysfs that does not tell means that nobody holds it. */
static void find_holders(const struct ctl_paths *p, struct subject *s)
{
	char path[SYSFS_PATH_MAX];
	struct dirent **list;
	int n;

	s->held_by = json_array();
	if (s->image)
		return;
	snprintf(path, sizeof(path), "%s/dev/block/%u:%u/holders", p->sys, major(s->disk->dev), minor(s->disk->dev));
	n = scandir(path, &list, is_md, by_name);
	for (int i = 0; i < n; i++) {
		json_array_append_new(s->held_by, json_any_text(list[i]->d_name, SIZE_MAX));
		s->changing |= is_external(p, list[i]->d_name);
		free(list[i]);
	}
	if (n >= 0)
		free(list);
}

/* ---- which format it has ---- */

static void find_formats(struct subject *s)
{
	for (size_t i = 0; i < FORMATS; i++) {
		const char *why;
		int r = formats[i]->present(s->disk, &why);

		s->has[i] = r > 0;
		if (r < 0)
			snprintf(s->why, sizeof(s->why), "its end cannot be read: %s", strerror(-r));
		else if (why)
			snprintf(s->why, sizeof(s->why), "%s", why);
	}
}

static bool has_any(const struct subject *s)
{
	for (size_t i = 0; i < FORMATS; i++)
		if (s->has[i])
			return true;
	return false;
}

static void explain_nothing(struct subject *s)
{
	const char *other = other_format(s->disk);

	if (s->disk->size < 1024)
		snprintf(s->why, sizeof(s->why), "it is too small for metadata: %llu bytes", (unsigned long long)s->disk->size);
	else if (!s->image && strncmp(s->disk->name, "md", 2) == 0)
		snprintf(s->why, sizeof(s->why), "it is an md array: the metadata are on its disks");
	else if (other)
		snprintf(s->why, sizeof(s->why), "no IMSM or DDF metadata at its end, but %s", other);
	else
		snprintf(s->why, sizeof(s->why), "no IMSM or DDF metadata at its end%s",
			 s->image ? " (an image that was cut off has none)" : "");
}

/* A file does not say how large the sectors of its disk were. */
static void identify(struct subject *s)
{
	if (s->image && s->disk->size % 512) {
		snprintf(s->why, sizeof(s->why), "it is no complete image: its size, %llu bytes, is no multiple of 512",
			 (unsigned long long)s->disk->size);
		return;
	}
	find_formats(s);
	if (s->image && !has_any(s) && s->disk->size % 4096 == 0) {
		s->disk->sector_size = s->disk->physical_size = 4096;
		find_formats(s);
		if (!has_any(s))
			s->disk->sector_size = s->disk->physical_size = 512;
	}
	if (has_any(s))
		s->why[0] = '\0';
	else if (!s->why[0])
		explain_nothing(s);
}

static void open_subject(const struct ctl_paths *p, const char *name, struct subject *s)
{
	*s = (struct subject){ .name = name, .disk = disk_open_to_look(name) };
	if (!s->disk) {
		snprintf(s->why, sizeof(s->why), "%s", errno == ENOTBLK ? "it is neither a block device nor a file" :
			 strerror(errno));
		return;
	}
	s->image = s->disk->dev == 0;
	find_holders(p, s);
	identify(s);
}

/* ---- what is told ---- */

/* The set of disks of one format: takes over its object. */
static json_t *finish_set(const char *format, struct json_facts *j)
{
	json_t *differs = facts_differences(json_object_get(j->object, "copies"));

	if (j->failed || !differs) {
		json_decref(differs);
		json_decref(j->object);
		json_decref(j->problems);
		return NULL;
	}
	json_object_set_new(j->object, "format", json_string(format));
	json_object_set_new(j->object, "differs", differs);
	json_object_set_new(j->object, "problems", j->problems);
	return j->object;
}

static json_t *examine_set(const struct subject *s, size_t count, size_t format)
{
	const char **name = calloc(count + 1, sizeof(*name));
	struct disk **disk = calloc(count + 1, sizeof(*disk));
	struct json_facts j;
	json_t *set = NULL;
	size_t n = 0;

	for (size_t i = 0; name && disk && i < count; i++)
		if (s[i].has[format]) {
			name[n] = s[i].name;
			disk[n++] = s[i].disk;
		}
	if (name && disk) {
		json_facts_init(&j, name, n);
		if (formats[format]->examine(disk, n, &j.f) != 0)
			j.failed = true;
		set = finish_set(formats[format]->name, &j);
	}
	free(name);
	free(disk);
	return set;
}

static bool is_healthy(const json_t *set)
{
	return json_array_size(json_object_get(set, "problems")) == 0 && json_array_size(json_object_get(set, "differs")) == 0;
}

static bool any_changing(const struct subject *s, size_t count, size_t format)
{
	for (size_t i = 0; i < count; i++)
		if (s[i].has[format] && s[i].changing)
			return true;
	return false;
}

/* What differs because somebody was just writing is read again. */
static json_t *examine_until_still(const struct subject *s, size_t count, size_t format)
{
	const struct timespec pause = { .tv_nsec = PAUSE_MS * 1000000L };
	json_t *set = examine_set(s, count, format);

	for (int i = 1; i < TRIES && set && !is_healthy(set) && any_changing(s, count, format); i++) {
		nanosleep(&pause, NULL);
		json_decref(set);
		set = examine_set(s, count, format);
	}
	return set;
}

static json_t *format_names(const struct subject *s)
{
	json_t *list = json_array();

	for (size_t i = 0; i < FORMATS; i++)
		if (s->has[i])
			json_array_append_new(list, json_string(formats[i]->name));
	return list;
}

static json_t *device_object(const struct subject *s)
{
	const struct disk *d = s->disk;

	return json_pack("{s:o, s:o, s:b, s:o, s:o, s:o, s:b, s:o, s:o}",
			 "name", json_any_text(s->name, SIZE_MAX),
			 "kernel_name", d && !s->image ? json_any_text(d->name, sizeof(d->name)) : json_null(),
			 "image", s->image,
			 "size", d ? json_integer((json_int_t)d->size) : json_null(),
			 "sector_size", d ? json_integer(d->sector_size) : json_null(),
			 "held_by", s->held_by ? json_incref(s->held_by) : json_array(),
			 "changing", s->changing,
			 "formats", format_names(s),
			 "problem", s->why[0] ? json_any_text(s->why, SIZE_MAX) : json_null());
}

/* NULL: memory ran out. */
static json_t *tell(const struct subject *s, size_t count)
{
	json_t *devices = json_array(), *sets = json_array();
	bool healthy = true, failed = false;

	for (size_t i = 0; i < count; i++) {
		failed |= json_array_append_new(devices, device_object(&s[i])) < 0;
		healthy &= !s[i].why[0];
	}
	for (size_t k = 0; k < FORMATS; k++) {
		bool any = false;
		json_t *set;

		for (size_t i = 0; i < count; i++)
			any |= s[i].has[k];
		if (!any)
			continue;
		set = examine_until_still(s, count, k);
		healthy &= set && is_healthy(set);
		failed |= json_array_append_new(sets, set) < 0;
	}
	if (!failed)
		return json_pack("{s:i, s:b, s:o, s:o}", "schema", EXAMINE_SCHEMA, "healthy", healthy, "devices", devices, "sets",
				 sets);
	json_decref(devices);
	json_decref(sets);
	return NULL;
}

json_t *examine_devices(const struct ctl_paths *p, const char *const *name, size_t count)
{
	struct subject *s = calloc(count + 1, sizeof(*s));
	json_t *object = NULL;

	if (!s)
		return NULL;
	for (size_t i = 0; i < count; i++)
		open_subject(p, name[i], &s[i]);
	object = tell(s, count);
	for (size_t i = 0; i < count; i++) {
		disk_close(s[i].disk);
		json_decref(s[i].held_by);
	}
	free(s);
	return object;
}
