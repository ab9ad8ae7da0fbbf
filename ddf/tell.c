/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The fields of DDF metadata by name, for ddf/examine.c. Pure. The names are the format's (ddf.md 1.4 to 1.10). */
#include "ddf/read.h"

#include <nettle/sha1.h>
#include <stdio.h>

#include "metadata/examine.h"

#define CONTROLLER_GUID_AT 8
#define PRODUCT_AT 40
#define PRODUCT_LEN 16
#define KEY_MAX 64
#define STRIP_NONE 0xffu
#define RECORDS_TOLD_MAX 1024u /* of a copy; a disk may say that it has more than anybody would read, or has memory for */

struct word {
	unsigned bit;
	const char *text;
};

static void tell_words(struct facts *f, const char *key, unsigned bits, const struct word *word, size_t count)
{
	facts_list(f, key);
	for (size_t i = 0; i < count; i++)
		if (bits & word[i].bit)
			facts_text(f, NULL, word[i].text);
	facts_end(f);
}

static void tell_guid(struct facts *f, const char *key, const uint8_t guid[DDF_GUID_LEN])
{
	facts_bytes(f, key, guid, DDF_GUID_LEN);
}

void ddf_tell_uuid(const uint8_t guid[DDF_GUID_LEN], struct facts *f)
{
	struct sha1_ctx sha;
	uint8_t uuid[16];

	sha1_init(&sha);
	sha1_update(&sha, DDF_GUID_LEN, guid);
	sha1_digest(&sha, sizeof(uuid), uuid);
	facts_uuid(f, "uuid", uuid);
}

/* ---- the header ---- */

void ddf_tell_header(const struct ddf_header *h, struct facts *f)
{
	facts_object(f, "header");
	tell_guid(f, "guid", h->guid);
	f->text(f, "revision", h->revision, sizeof(h->revision));
	facts_number(f, "sequence_number", be32_get(h->seq));
	facts_flag(f, "open", h->open_flag != DDF_CLOSED);
	facts_number(f, "timestamp", be32_get(h->timestamp));
	facts_flag(f, "foreign", h->foreign_flag);
	facts_number(f, "max_pd_entries", be16_get(h->max_pd_entries));
	facts_number(f, "max_vd_entries", be16_get(h->max_vd_entries));
	facts_number(f, "max_partitions", be16_get(h->max_partitions));
	facts_number(f, "config_record_length", be16_get(h->record_len));
	facts_number(f, "max_primary_elements", be16_get(h->max_primary_elements));
	facts_end(f);
}

/* ---- the tables ---- */

static void tell_controller(const uint8_t *section, struct facts *f)
{
	facts_object(f, "controller");
	tell_guid(f, "guid", section + CONTROLLER_GUID_AT);
	f->text(f, "product", (const char *)section + PRODUCT_AT, PRODUCT_LEN);
	facts_end(f);
}

static void tell_pd(const struct ddf_pd_entry *e, unsigned i, struct facts *f)
{
	static const struct word types[] = {
		{ DDF_PD_FORCED_GUID, "forced-guid" }, { DDF_PD_ACTIVE, "active" },   { DDF_PD_GLOBAL_SPARE, "global-spare" },
		{ DDF_PD_SPARE, "spare" },             { DDF_PD_FOREIGN, "foreign" }, { DDF_PD_LEGACY, "legacy" },
	};
	static const struct word states[] = {
		{ DDF_PD_ONLINE, "online" },         { DDF_PD_FAILED, "failed" }, { DDF_PD_REBUILDING, "rebuilding" },
		{ DDF_PD_TRANSITION, "transition" }, { DDF_PD_SMART, "smart" },   { DDF_PD_READ_ERRORS, "read-errors" },
		{ DDF_PD_MISSING, "missing" },
	};

	facts_object(f, NULL);
	facts_number(f, "entry", i);
	tell_guid(f, "guid", e->guid);
	facts_hex32(f, "refnum", be32_get(e->refnum));
	tell_words(f, "type", be16_get(e->type), types, sizeof(types) / sizeof(types[0]));
	tell_words(f, "state", be16_get(e->state), states, sizeof(states) / sizeof(states[0]));
	facts_number(f, "configured_size", be64_get(e->configured_size));
	f->text(f, "path", (const char *)e->path, sizeof(e->path));
	facts_end(f);
}

static const char *vd_state_word(unsigned state)
{
	switch (state & DDF_VD_STATE_MASK) {
	case DDF_VD_OPTIMAL:
		return "optimal";
	case DDF_VD_DEGRADED:
		return "degraded";
	case DDF_VD_DELETED:
		return "deleted";
	case DDF_VD_MISSING:
		return "missing";
	case DDF_VD_FAILED:
		return "failed";
	case DDF_VD_PARTIALLY_OPTIMAL:
		return "partially optimal";
	}
	return NULL;
}

static const char *init_word(unsigned state)
{
	switch (state & DDF_INIT_MASK) {
	case DDF_NOT_INITIALISED:
		return "not initialised";
	case DDF_QUICK_INIT:
		return "quick initialisation";
	case DDF_INITIALISED:
		return "fully initialised";
	}
	return NULL;
}

static void tell_vd(const struct ddf_vd_entry *e, unsigned i, struct facts *f)
{
	char name[17];

	facts_object(f, NULL);
	facts_number(f, "entry", i);
	facts_text(f, "name", ddf_vd_name(e, name));
	tell_guid(f, "guid", e->guid);
	if (memcmp(e->guid, "LSI     ", 8) == 0)
		facts_text(f, "uuid", NULL); /* mdadm makes it of other things (ddf.md 1.12) */
	else
		ddf_tell_uuid(e->guid, f);
	facts_number(f, "unit", be16_get(e->unit));
	facts_number(f, "type", be16_get(e->type));
	facts_text(f, "state", vd_state_word(e->state));
	facts_flag(f, "dirty", e->state & DDF_VD_INCONSISTENT);
	facts_flag(f, "morphing", e->state & DDF_VD_MORPHING);
	facts_text(f, "init_state", init_word(e->init_state));
	facts_end(f);
}

static unsigned populated(const uint8_t *table)
{
	return be16_get(((const struct ddf_table_head *)(const void *)table)->populated);
}

struct ddf_container ddf_shallow(const struct image *m)
{
	struct ddf_container c = { .header = m->header, .layout = m->at, .pd = m->section[PHYSICAL], .vd = m->section[VIRTUAL] };

	c.layout.max_pd = ddf_entries_of(m->at.max_pd, c.pd);
	c.layout.max_vd = ddf_entries_of(m->at.max_vd, c.vd);
	return c;
}

static void tell_tables(const struct image *m, struct facts *f)
{
	const struct ddf_container c = ddf_shallow(m);

	facts_number(f, "populated_disks", populated(c.pd));
	facts_list(f, "disks");
	for (unsigned i = 0; i < c.layout.max_pd; i++)
		if (ddf_pd_used(ddf_pd(&c, i)))
			tell_pd(ddf_pd(&c, i), i, f);
	facts_end(f);
	facts_number(f, "populated_volumes", populated(c.vd));
	facts_list(f, "volumes");
	for (unsigned i = 0; i < c.layout.max_vd; i++)
		if (!ddf_guid_unused(ddf_vd(&c, i)->guid))
			tell_vd(ddf_vd(&c, i), i, f);
	facts_end(f);
}

/* ---- records ---- */

static void tell_level(const struct ddf_vdc *v, struct facts *f)
{
	int level, layout;
	unsigned disks;
	char text[16] = "linear";
	bool known = ddf_md_level(v, &level, &layout, &disks);

	if (known && level >= 0)
		snprintf(text, sizeof(text), "raid%d", level);
	facts_text(f, "level", known ? text : NULL);
	if (known)
		facts_number(f, "layout", (uint64_t)layout);
	else
		facts_text(f, "layout", NULL);
	facts_number(f, "raid_disks", disks);
}

/* Positions that were never filled are not told, nor more than can be slots. */
static void tell_elements(const struct ddf_vdc *v, unsigned mppe, struct facts *f)
{
	unsigned told = 0;

	facts_list(f, "elements");
	for (unsigned i = 0; i < mppe && told < DDF_MAX_SLOTS; i++) {
		uint32_t refnum = ddf_element_ref(v, i);

		if (refnum == DDF_REF_NONE)
			continue;
		told++;
		facts_object(f, NULL);
		facts_hex32(f, "refnum", refnum);
		facts_number(f, "start", ddf_element_start(v, mppe, i));
		facts_end(f);
	}
	facts_end(f);
}

static void tell_vdc(const struct ddf_vdc *v, const struct ddf_layout *l, struct facts *f)
{
	const char *why = NULL;
	bool right = ddf_check_vdc(v, l, &why);

	facts_flag(f, "checksum_right", ddf_crc_ok(v, ddf_record_bytes(l)));
	facts_text(f, "fault", right ? NULL : why);
	facts_number(f, "sequence_number", be32_get(v->seq));
	facts_number(f, "timestamp", be32_get(v->timestamp));
	facts_number(f, "primary_element_count", be16_get(v->primary_count));
	facts_number(f, "secondary_element_count", v->secondary_count);
	facts_number(f, "secondary_element_seq", v->secondary_seq);
	if (v->strip_exponent == STRIP_NONE || !right)
		facts_text(f, "strip_size", NULL);
	else
		facts_number(f, "strip_size", UINT64_C(1) << v->strip_exponent);
	facts_number(f, "prl", v->prl);
	facts_number(f, "rlq", v->rlq);
	facts_number(f, "srl", v->srl);
	tell_level(v, f);
	facts_number(f, "block_count", be64_get(v->block_count));
	facts_number(f, "vd_size", be64_get(v->vd_size));
	tell_elements(v, l->mppe, f);
}

/* By GUID and number of the basic virtual disk: each disk has its own selection of them. */
static void tell_configs(const struct image *m, struct facts *f)
{
	unsigned records = 0;

	facts_object(f, "configs");
	for (unsigned i = 0; i < m->at.records; i++) {
		const struct ddf_vdc *v = (const struct ddf_vdc *)(const void *)ddf_image_record(m, i);
		char key[KEY_MAX] = "";

		if (be32_get(v->magic) != DDF_VDC_MAGIC || ++records > RECORDS_TOLD_MAX)
			continue;
		for (unsigned k = 0; k < DDF_GUID_LEN; k++)
			snprintf(key + 2 * k, 3, "%02x", v->guid[k]);
		snprintf(key + 2 * DDF_GUID_LEN, sizeof(key) - 2 * DDF_GUID_LEN, "/%u", v->secondary_seq);
		facts_object(f, key);
		tell_vdc(v, &m->at, f);
		facts_end(f);
	}
	facts_end(f);
	facts_number(f, "configs_left_out", records > RECORDS_TOLD_MAX ? records - RECORDS_TOLD_MAX : 0);
}

void ddf_tell_contents(const struct image *m, struct facts *f)
{
	tell_controller(m->section[CONTROLLER], f);
	tell_tables(m, f);
	tell_configs(m, f);
}

static void tell_spare(const struct ddf_spare *s, const struct ddf_layout *l, struct facts *f)
{
	unsigned count = ddf_spare_entries(s, l);

	facts_object(f, "spare_record");
	facts_flag(f, "dedicated", s->type & DDF_SPARE_DEDICATED);
	facts_number(f, "timestamp", be32_get(s->timestamp));
	facts_list(f, "for");
	for (unsigned i = 0; i < count; i++) {
		facts_object(f, NULL);
		tell_guid(f, "guid", s->entry[i].guid);
		facts_number(f, "secondary_element", be16_get(s->entry[i].secondary_element));
		facts_end(f);
	}
	facts_end(f);
	facts_end(f);
}

void ddf_tell_spare_record(const struct image *m, struct facts *f)
{
	for (unsigned i = 0; i < m->at.records; i++) {
		const struct ddf_spare *s = (const struct ddf_spare *)(const void *)ddf_image_record(m, i);

		if (be32_get(s->magic) == DDF_SPARE_MAGIC && ddf_crc_ok(s, ddf_record_bytes(&m->at))) {
			tell_spare(s, &m->at, f);
			return;
		}
	}
	facts_text(f, "spare_record", NULL);
}
