/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See imsm-fixture.h. */
#include "tests/unit/support/imsm-fixture.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/support/text.h"

struct fixture ifx;

dev_t ifx_dev(unsigned n)
{
	return (dev_t)(0x800 + n);
}

void ifx_serial(uint8_t serial[IMSM_SERIAL_LEN], unsigned n)
{
	memset(serial, 0, IMSM_SERIAL_LEN);
	snprintf((char *)serial, IMSM_SERIAL_LEN, "DISK%u", n);
}

struct imsm_dl *ifx_new_disk(struct fixture *f)
{
	unsigned n = f->used++;
	struct imsm_dl *dl = &f->dl[n];

	assert_true(n < FX_DISKS);
	f->disk[n].dev = dl->dev = ifx_dev(n);
	f->disk[n].sector_size = 512;
	f->disk[n].size = (uint64_t)FX_DISK_BLOCKS * 512;
	dl->disk = &f->disk[n];
	dl->index = IMSM_INDEX_SPARE;
	ifx_serial(dl->serial, n);
	ifx_serial(dl->record.serial, n);
	dl->record.status = le32_make(IMSM_DISK_SPARE);
	imsm_disk_set_blocks(&dl->record, FX_DISK_BLOCKS);
	return dl;
}

struct imsm_dl *ifx_spare(struct fixture *f)
{
	struct imsm_dl *dl = ifx_new_disk(f);

	dl->next = f->c.disks;
	f->c.disks = dl;
	return dl;
}

void ifx_init(struct fixture *f, unsigned members)
{
	memset(f, 0, sizeof(*f));
	f->c.sector_size = 512;
	memcpy(f->c.meta.header.sig, IMSM_SIGNATURE, IMSM_SIGNATURE_LEN);
	f->c.meta.header.family_num = le32_make(0x1000);
	f->c.meta.header.orig_family_num = le32_make(0x1000);
	for (unsigned i = 0; i < members; i++) {
		struct imsm_dl *dl = ifx_spare(f);

		dl->index = (int)i;
		dl->record.status = le32_make(IMSM_DISK_CONFIGURED);
		f->c.meta.disk[f->c.meta.num_disks++] = dl->record;
	}
}

void ifx_unlink(struct fixture *f, unsigned n)
{
	struct imsm_dl **link = &f->c.disks;

	while (*link && *link != &f->dl[n])
		link = &(*link)->next;
	if (*link)
		*link = (*link)->next;
}

void ifx_fail_disk(struct fixture *f, unsigned index)
{
	struct imsm_disk *d = &f->c.meta.disk[index];

	if (imsm_disk_failed(&f->c, index))
		return;
	d->status = le32_make(le32_get(d->status) | IMSM_DISK_FAILED);
	imsm_serial_mark_failed(d->serial);
}

/* ---- volumes as text ---- */

static const char ifx_state_letter[] = "NUDF";
static const char *const ifx_migr_name[] = { "INIT", "REBUILD", "VERIFY", "GEN", "CHANGE", "REPAIR" };

static void ifx_put_ords(const struct fixture *f, char **p, const struct imsm_map *m)
{
	for (unsigned slot = 0; slot < m->head.num_members; slot++) {
		uint32_t index = imsm_ord_index(m->ord[slot]);

		text_put(p, "%s%u%s%s%s", slot ? "," : "", index, imsm_disk_failed(&f->c, index) ? "x" : "",
		       imsm_disk_present(&f->c, index) ? "" : "?", m->ord[slot] & IMSM_ORD_REBUILD ? "!" : "");
	}
}

const char *ifx_text(const struct fixture *f, unsigned volume)
{
	static char text[2048];
	const struct imsm_volume *v = &f->c.meta.volume[volume];
	bool migr = v->head.migr_state;
	char *p = text;

	text_put(&p, "%c", ifx_state_letter[v->map[0].head.map_state]);
	if (migr)
		text_put(&p, "<%s<%c", ifx_migr_name[imsm_volume_migr_type(v)],
		       ifx_state_letter[v->map[1].head.map_state]);
	text_put(&p, " ");
	ifx_put_ords(f, &p, &v->map[0]);
	if (migr) {
		text_put(&p, "/");
		ifx_put_ords(f, &p, &v->map[1]);
	}
	if (v->map[0].head.failed_disk_num != IMSM_NO_FAILED_SLOT)
		text_put(&p, " f%u", v->map[0].head.failed_disk_num);
	if (migr)
		text_put(&p, " u%llu", (unsigned long long)imsm_volume_unit(v));
	return text;
}

static uint8_t ifx_state_number(char letter)
{
	const char *at = strchr(ifx_state_letter, letter);

	assert_non_null(at);
	return (uint8_t)(at - ifx_state_letter);
}

static const char *ifx_get_ords(struct fixture *f, const char *p, struct imsm_map *m)
{
	for (m->head.num_members = 0; isdigit((unsigned char)*p); p += *p == ',') {
		char *end;
		uint32_t index = (uint32_t)strtoul(p, &end, 10);
		uint32_t *ord = &m->ord[m->head.num_members++];

		assert_true(index < f->c.meta.num_disks);
		*ord = index;
		for (p = end; *p && strchr("x?!", *p); p++) {
			if (*p == 'x')
				ifx_fail_disk(f, index);
			else if (*p == '?')
				ifx_unlink(f, index);
			else
				*ord |= IMSM_ORD_REBUILD;
		}
	}
	return p;
}

static enum imsm_migr_type ifx_migr_number(const char *p, size_t len)
{
	for (unsigned i = 0; i < 6; i++)
		if (strlen(ifx_migr_name[i]) == len && memcmp(p, ifx_migr_name[i], len) == 0)
			return (enum imsm_migr_type)i;
	fail_msg("no such migration: %.*s", (int)len, p);
	return IMSM_MIGR_INIT;
}

void ifx_geometry(struct imsm_volume *v, struct imsm_map *m, int level, unsigned number)
{
	bool mirror = level == 1 || level == 10;

	m->head.raid_level = (uint8_t)level;
	m->head.num_domains = mirror ? 2 : 1;
	m->head.failed_disk_num = IMSM_NO_FAILED_SLOT;
	m->head.ddf = 1;
	m->head.blocks_per_strip = le16_make(FX_CHUNK);
	imsm_map_set_pba(m, (uint64_t)number * (FX_PER_DEV + FX_GAP));
	imsm_map_set_blocks_per_member(m, FX_PER_DEV + 2048);
	imsm_map_set_stripes(m, FX_PER_DEV / FX_CHUNK / (mirror ? 2 : 1));
	imsm_volume_set_blocks(v, (uint64_t)FX_PER_DEV * imsm_map_data_members(m));
}

/* A number after `key`, which may be absent. */
static const char *ifx_get_number(const char *p, const char *key, unsigned long *number)
{
	char *end;

	if (strncmp(p, key, strlen(key)) != 0)
		return p;
	*number = strtoul(p + strlen(key), &end, 10);
	return end;
}

unsigned ifx_volume(struct fixture *f, int level, const char *text)
{
	unsigned number = f->c.meta.num_volumes++;
	struct imsm_volume *v = &f->c.meta.volume[number];
	unsigned long failed_slot = IMSM_NO_FAILED_SLOT, unit = 0;
	const char *p = text, *q;

	v->map[0].head.map_state = ifx_state_number(*p++);
	if (*p == '<') {
		q = strchr(++p, '<');
		assert_non_null(q);
		v->head.migr_state = 1;
		imsm_volume_set_migr_type(v, ifx_migr_number(p, (size_t)(q - p)));
		v->map[1].head.map_state = ifx_state_number(q[1]);
		p = q + 2;
	}
	assert_int_equal(*p, ' ');
	p = ifx_get_ords(f, p + 1, &v->map[0]);
	if (*p == '/') {
		p = ifx_get_ords(f, p + 1, &v->map[1]);
		ifx_geometry(v, &v->map[1], level, number);
	}
	ifx_geometry(v, &v->map[0], level, number);
	p = ifx_get_number(p, " f", &failed_slot);
	p = ifx_get_number(p, " u", &unit);
	v->map[0].head.failed_disk_num = v->map[1].head.failed_disk_num = (uint8_t)failed_slot;
	imsm_volume_set_unit(v, unit);
	assert_int_equal(*p, '\0');
	snprintf((char *)v->head.name, sizeof(v->head.name), "vol%u", number);
	v->head.my_vol_raid_dev_num = le16_make((uint16_t)(number + 1));
	v->head.rwh_policy = IMSM_RWH_MULTIPLE_OFF;
	f->c.live_volumes |= 1u << number;
	assert_string_equal(ifx_text(f, number), text);
	return number;
}

/* ---- checks ---- */

void ifx_assert_writable(const struct fixture *f)
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

void ifx_save(const struct fixture *f, struct ifx_snapshot *s)
{
	s->c = f->c;
	memcpy(s->dl, f->dl, sizeof(s->dl));
}

void ifx_assert_unchanged(const struct fixture *f, const struct ifx_snapshot *s)
{
	assert_memory_equal(&s->c, &f->c, sizeof(f->c));
	assert_memory_equal(s->dl, f->dl, sizeof(f->dl));
}

/* ---- messages ---- */

/* In a buffer of just that size, so that a read beyond it is seen. */
static int ifx_apply_message(struct fixture *f, const void *msg, size_t len, const char **why)
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

void ifx_assert_message_refused(struct fixture *f, const void *msg, size_t len, int expected)
{
	static struct ifx_snapshot before;
	const char *why;

	f->c.write_due = false;
	ifx_save(f, &before);
	assert_int_equal(ifx_apply_message(f, msg, len, &why), expected);
	assert_non_null(why);
	ifx_assert_unchanged(f, &before);
}

void ifx_assert_message_applied(struct fixture *f, const void *msg, size_t len)
{
	const char *why;
	int err = ifx_apply_message(f, msg, len, &why);

	if (err)
		fail_msg("refused (%d): %s", err, why ? why : "?");
	ifx_assert_writable(f);
}

bool ifx_table_serial_is(const struct fixture *f, unsigned index, const char *serial)
{
	char text[IMSM_SERIAL_LEN + 1];

	return strcmp(imsm_serial_text(f->c.meta.disk[index].serial, text), serial) == 0;
}
