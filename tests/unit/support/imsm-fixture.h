/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An IMSM container in memory, and volumes as one line of text, for the tests of
 * imsm/events.c, imsm/messages.c and imsm/spare.c.
 *
 *   "D 0,1x!,2 f1"               degraded, slot 1: disk 1 has failed and is flagged, failed_disk_num 1
 *   "N<REBUILD<D 0,3/0,3! f1 u7" from map 1 (after the slash) to map 0, checkpoint 7
 *
 * After a disk's index: x it has failed, ? it is missing, ! the slot has IMSM_ORD_REBUILD.
 */
#ifndef IMSM_FIXTURE_H
#define IMSM_FIXTURE_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "imsm/imsm.h"

#define FX_DISKS 16
#define FX_DISK_BLOCKS 1000000u
#define FX_CHUNK 128u
#define FX_PER_DEV 65536u /* sectors of each member that a volume uses */
#define FX_GAP 8192u      /* between volumes */

struct fixture {
	struct imsm_container c;
	struct imsm_meta scratch;
	struct imsm_dl dl[FX_DISKS];
	struct disk disk[FX_DISKS];
	unsigned used;
	struct imsm_event ev;
};

static inline dev_t fx_dev(unsigned n)
{
	return (dev_t)(0x800 + n);
}

static inline void fx_serial(uint8_t serial[IMSM_SERIAL_LEN], unsigned n)
{
	memset(serial, 0, IMSM_SERIAL_LEN);
	snprintf((char *)serial, IMSM_SERIAL_LEN, "DISK%u", n);
}

/* A disk that is not listed yet. Each has the number, serial and device number of its turn. */
static inline struct imsm_dl *fx_new_disk(struct fixture *f)
{
	unsigned n = f->used++;
	struct imsm_dl *dl = &f->dl[n];

	assert_true(n < FX_DISKS);
	f->disk[n].dev = dl->dev = fx_dev(n);
	f->disk[n].sector_size = 512;
	f->disk[n].size = (uint64_t)FX_DISK_BLOCKS * 512;
	dl->disk = &f->disk[n];
	dl->index = IMSM_INDEX_SPARE;
	fx_serial(dl->serial, n);
	fx_serial(dl->record.serial, n);
	dl->record.status = le32_make(IMSM_DISK_SPARE);
	imsm_disk_set_blocks(&dl->record, FX_DISK_BLOCKS);
	return dl;
}

static inline struct imsm_dl *fx_spare(struct fixture *f)
{
	struct imsm_dl *dl = fx_new_disk(f);

	dl->next = f->c.disks;
	f->c.disks = dl;
	return dl;
}

/* `members` disks with the indices 0, 1, ...; the list has the last one in front. */
static inline void fx_init(struct fixture *f, unsigned members)
{
	memset(f, 0, sizeof(*f));
	f->c.sector_size = 512;
	memcpy(f->c.meta.header.sig, IMSM_SIGNATURE, IMSM_SIGNATURE_LEN);
	f->c.meta.header.family_num = le32_make(0x1000);
	f->c.meta.header.orig_family_num = le32_make(0x1000);
	for (unsigned i = 0; i < members; i++) {
		struct imsm_dl *dl = fx_spare(f);

		dl->index = (int)i;
		dl->record.status = le32_make(IMSM_DISK_CONFIGURED);
		f->c.meta.disk[f->c.meta.num_disks++] = dl->record;
	}
}

static inline void fx_unlink(struct fixture *f, unsigned n)
{
	struct imsm_dl **link = &f->c.disks;

	while (*link && *link != &f->dl[n])
		link = &(*link)->next;
	if (*link)
		*link = (*link)->next;
}

static inline void fx_fail_disk(struct fixture *f, unsigned index)
{
	struct imsm_disk *d = &f->c.meta.disk[index];

	if (imsm_disk_failed(&f->c, index))
		return;
	d->status = le32_make(le32_get(d->status) | IMSM_DISK_FAILED);
	imsm_serial_mark_failed(d->serial);
}

/* ---- volumes as text ---- */

static const char fx_state_letter[] = "NUDF";
static const char *const fx_migr_name[] = { "INIT", "REBUILD", "VERIFY", "GEN", "CHANGE", "REPAIR" };

static inline void fx_put(char **p, const char *format, ...) __attribute__((format(printf, 2, 3)));
static inline void fx_put(char **p, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	*p += vsprintf(*p, format, ap);
	va_end(ap);
}

static inline void fx_put_ords(const struct fixture *f, char **p, const struct imsm_map *m)
{
	for (unsigned slot = 0; slot < m->head.num_members; slot++) {
		uint32_t index = imsm_ord_index(m->ord[slot]);

		fx_put(p, "%s%u%s%s%s", slot ? "," : "", index, imsm_disk_failed(&f->c, index) ? "x" : "",
		       imsm_disk_present(&f->c, index) ? "" : "?", m->ord[slot] & IMSM_ORD_REBUILD ? "!" : "");
	}
}

static inline const char *fx_text(const struct fixture *f, unsigned volume)
{
	static char text[2048];
	const struct imsm_volume *v = &f->c.meta.volume[volume];
	bool migr = v->head.migr_state;
	char *p = text;

	fx_put(&p, "%c", fx_state_letter[v->map[0].head.map_state]);
	if (migr)
		fx_put(&p, "<%s<%c", fx_migr_name[imsm_volume_migr_type(v)],
		       fx_state_letter[v->map[1].head.map_state]);
	fx_put(&p, " ");
	fx_put_ords(f, &p, &v->map[0]);
	if (migr) {
		fx_put(&p, "/");
		fx_put_ords(f, &p, &v->map[1]);
	}
	if (v->map[0].head.failed_disk_num != 0xff)
		fx_put(&p, " f%u", v->map[0].head.failed_disk_num);
	if (migr)
		fx_put(&p, " u%llu", (unsigned long long)imsm_volume_unit(v));
	return text;
}

static inline uint8_t fx_state_number(char letter)
{
	const char *at = strchr(fx_state_letter, letter);

	assert_non_null(at);
	return (uint8_t)(at - fx_state_letter);
}

static inline const char *fx_get_ords(struct fixture *f, const char *p, struct imsm_map *m)
{
	for (m->head.num_members = 0; isdigit((unsigned char)*p); p += *p == ',') {
		char *end;
		uint32_t index = (uint32_t)strtoul(p, &end, 10);
		uint32_t *ord = &m->ord[m->head.num_members++];

		assert_true(index < f->c.meta.num_disks);
		*ord = index;
		for (p = end; *p && strchr("x?!", *p); p++) {
			if (*p == 'x')
				fx_fail_disk(f, index);
			else if (*p == '?')
				fx_unlink(f, index);
			else
				*ord |= IMSM_ORD_REBUILD;
		}
	}
	return p;
}

static inline enum imsm_migr_type fx_migr_number(const char *p, size_t len)
{
	for (unsigned i = 0; i < 6; i++)
		if (strlen(fx_migr_name[i]) == len && memcmp(p, fx_migr_name[i], len) == 0)
			return (enum imsm_migr_type)i;
	fail_msg("no such migration: %.*s", (int)len, p);
	return IMSM_MIGR_INIT;
}

static inline void fx_geometry(struct imsm_volume *v, struct imsm_map *m, int level, unsigned number)
{
	bool mirror = level == 1 || level == 10;

	m->head.raid_level = (uint8_t)level;
	m->head.num_domains = mirror ? 2 : 1;
	m->head.failed_disk_num = 0xff;
	m->head.ddf = 1;
	m->head.blocks_per_strip = le16_make(FX_CHUNK);
	imsm_map_set_pba(m, (uint64_t)number * (FX_PER_DEV + FX_GAP));
	imsm_map_set_blocks_per_member(m, FX_PER_DEV + 2048);
	imsm_map_set_stripes(m, FX_PER_DEV / FX_CHUNK / (mirror ? 2 : 1));
	imsm_volume_set_blocks(v, (uint64_t)FX_PER_DEV * imsm_map_data_members(m));
}

/* A number after `key`, which may be absent. */
static inline const char *fx_get_number(const char *p, const char *key, unsigned long *number)
{
	char *end;

	if (strncmp(p, key, strlen(key)) != 0)
		return p;
	*number = strtoul(p + strlen(key), &end, 10);
	return end;
}

/* Appends a volume of that level as the text says. Its array is watched. Returns its index. */
static inline unsigned fx_volume(struct fixture *f, int level, const char *text)
{
	unsigned number = f->c.meta.num_volumes++;
	struct imsm_volume *v = &f->c.meta.volume[number];
	unsigned long failed_slot = 0xff, unit = 0;
	const char *p = text, *q;

	v->map[0].head.map_state = fx_state_number(*p++);
	if (*p == '<') {
		q = strchr(++p, '<');
		assert_non_null(q);
		v->head.migr_state = 1;
		imsm_volume_set_migr_type(v, fx_migr_number(p, (size_t)(q - p)));
		v->map[1].head.map_state = fx_state_number(q[1]);
		p = q + 2;
	}
	assert_int_equal(*p, ' ');
	p = fx_get_ords(f, p + 1, &v->map[0]);
	if (*p == '/') {
		p = fx_get_ords(f, p + 1, &v->map[1]);
		fx_geometry(v, &v->map[1], level, number);
	}
	fx_geometry(v, &v->map[0], level, number);
	p = fx_get_number(p, " f", &failed_slot);
	p = fx_get_number(p, " u", &unit);
	v->map[0].head.failed_disk_num = v->map[1].head.failed_disk_num = (uint8_t)failed_slot;
	imsm_volume_set_unit(v, unit);
	assert_int_equal(*p, '\0');
	snprintf((char *)v->head.name, sizeof(v->head.name), "vol%u", number);
	v->head.my_vol_raid_dev_num = le16_make((uint16_t)(number + 1));
	v->head.rwh_policy = IMSM_RWH_MULTIPLE_OFF;
	f->c.live_volumes |= 1u << number;
	assert_string_equal(fx_text(f, number), text);
	return number;
}

/* ---- checks ---- */

/* What a loader would refuse must never be produced. */
static inline void fx_assert_writable(const struct fixture *f)
{
	static uint8_t buf[IMSM_MPB_MAX];
	static struct imsm_meta copy;
	const char *why = NULL;
	ssize_t len = imsm_encode(&f->c.meta, 512, buf, sizeof(buf));
	int err;

	assert_true(len > 0);
	err = imsm_decode(buf, (size_t)len, 512, &copy, &why);
	if (err)
		fail_msg("metadata that cannot be loaded: %s", why);
	assert_int_equal(copy.num_disks, f->c.meta.num_disks);
	assert_int_equal(copy.num_volumes, f->c.meta.num_volumes);
}

/* Everything that an update or an event may change. */
struct fx_snapshot {
	struct imsm_container c;
	struct imsm_dl dl[FX_DISKS];
};

static inline void fx_save(const struct fixture *f, struct fx_snapshot *s)
{
	s->c = f->c;
	memcpy(s->dl, f->dl, sizeof(s->dl));
}

static inline void fx_assert_unchanged(const struct fixture *f, const struct fx_snapshot *s)
{
	assert_memory_equal(&s->c, &f->c, sizeof(f->c));
	assert_memory_equal(s->dl, f->dl, sizeof(f->dl));
}

/* ---- messages ---- */

/* In a buffer of just that size, so that a read beyond it is seen. */
static inline int fx_apply_message(struct fixture *f, const void *msg, size_t len, const char **why)
{
	void *buf = malloc(len ? len : 1);
	int err, checked;

	assert_non_null(buf);
	memcpy(buf, msg, len);
	*why = NULL;
	checked = imsm_check_message(buf, len, why);
	f->c.write_due = false;
	err = imsm_apply_message(&f->c, &f->scratch, buf, len, why);
	free(buf);
	/* What the manager refuses the monitor refuses as well. */
	if (checked)
		assert_int_equal(err, checked);
	return err;
}

/* ... and nothing has changed. */
static inline void fx_assert_message_refused(struct fixture *f, const void *msg, size_t len, int expected)
{
	static struct fx_snapshot before;
	const char *why;

	f->c.write_due = false;
	fx_save(f, &before);
	assert_int_equal(fx_apply_message(f, msg, len, &why), expected);
	assert_non_null(why);
	fx_assert_unchanged(f, &before);
}

static inline void fx_assert_message_applied(struct fixture *f, const void *msg, size_t len)
{
	const char *why;
	int err = fx_apply_message(f, msg, len, &why);

	if (err)
		fail_msg("refused (%d): %s", err, why ? why : "?");
	fx_assert_writable(f);
}

static inline bool fx_table_serial_is(const struct fixture *f, unsigned index, const char *serial)
{
	char text[IMSM_SERIAL_LEN + 1];

	return strcmp(imsm_serial_text(f->c.meta.disk[index].serial, text), serial) == 0;
}

#endif
