/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages that mdadm sends over the control socket about DDF metadata (ddf.md 8): virtual disks are created and
 * deleted, and get other disks.
 *
 * A message is bytes from another process: nothing in it is believed. Each one is checked completely before the first
 * byte of the metadata changes.
 */
#include "ddf/ddf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/refuse.h"

/* A message about a virtual disk: the head of a table, with an index instead of a count, and one entry (8.2). */
#define VD_MESSAGE_SIZE 128
#define VD_MESSAGE_INDEX 8
#define VD_MESSAGE_ENTRY 64

/* ---- messages about a virtual disk (8.2) ---- */

static const struct ddf_vd_entry *entry_of(const void *buf)
{
	return (const struct ddf_vd_entry *)(const void *)((const uint8_t *)buf + VD_MESSAGE_ENTRY);
}

static int check_vd_message(const void *buf, size_t len, const char **why)
{
	if (len != VD_MESSAGE_SIZE)
		return refuse(why, -EINVAL, "virtual disk: wrong length");
	if (ddf_guid_unused(entry_of(buf)->guid))
		return refuse(why, -EINVAL, "virtual disk: no GUID");
	return 0;
}

/* The entry that the sender chose, or, as that is taken, the first unused one; -1: none. */
static int entry_for(const struct ddf_container *c, const void *buf)
{
	unsigned wanted;
	be16 index;

	memcpy(&index, (const uint8_t *)buf + VD_MESSAGE_INDEX, sizeof(index));
	wanted = be16_get(index);
	if (wanted < c->layout.max_vd && ddf_guid_unused(ddf_vd(c, wanted)->guid))
		return (int)wanted;
	for (unsigned i = 0; i < c->layout.max_vd; i++)
		if (ddf_guid_unused(ddf_vd(c, i)->guid))
			return (int)i;
	return -1;
}

static int apply_create(struct ddf_container *c, const void *buf, const char **why)
{
	int vd = entry_for(c, buf);

	if (ddf_vd_by_guid(c, entry_of(buf)->guid) >= 0)
		return refuse(why, -EEXIST, "create: the virtual disk is there already");
	if (vd < 0)
		return refuse(why, -ENOSPC, "create: the table of virtual disks is full");
	*ddf_vd(c, (unsigned)vd) = *entry_of(buf);
	c->volume[vd].announced = true;
	ddf_count_vds(c);
	return 0;
}

/*
 * A disk that is absent may have been left out by others that started without it, and was not called failed because this
 * virtual disk named it (5.1). Nobody does now.
 */
static void give_up_absent(struct ddf_container *c, const struct ddf_records *r)
{
	for (unsigned i = 0; i < c->layout.max_pd; i++) {
		struct ddf_pd_entry *e = ddf_pd(c, i);
		uint32_t refnum = be32_get(e->refnum);
		bool named = !r; /* or may be */

		for (unsigned seq = 0; r && seq < r->count; seq++)
			named |= !ddf_record(r, seq) || ddf_record_names(c, ddf_record(r, seq), refnum);
		if (!named || !ddf_pd_used(e) || !(be16_get(e->state) & DDF_PD_ONLINE) ||
		    be16_get(e->state) & DDF_PD_FAILED || ddf_dl_by_ref(c, refnum) ||
		    ddf_other_may_name(c, c->layout.max_vd, refnum))
			continue;
		e->state = be16_make((uint16_t)((be16_get(e->state) & ~DDF_PD_ONLINE) | DDF_PD_FAILED | DDF_PD_MISSING));
	}
}

static int apply_delete(struct ddf_container *c, const void *buf, void **space, const char **why)
{
	int vd = ddf_vd_by_guid(c, entry_of(buf)->guid);
	const struct ddf_records *records = vd < 0 ? NULL : c->volume[vd].records;

	if (vd < 0)
		return refuse(why, -ENOENT, "delete: no such virtual disk");
	if (c->volume[vd].live)
		return refuse(why, -EBUSY, "delete: the virtual disk is in use");
	if (c->volume[vd].records && !c->volume[vd].records->part_of_arrival)
		*space = c->volume[vd].records;
	memset(&c->volume[vd], 0, sizeof(c->volume[vd]));
	for (struct ddf_dl *dl = c->disks; dl && vd < (int)DDF_NOTED_VDS; dl = dl->next)
		dl->no_more[vd / 64] &= ~(UINT64_C(1) << vd % 64);
	ddf_clear_entry(ddf_vd(c, (unsigned)vd));
	ddf_close_array(c, (unsigned)vd);
	ddf_count_vds(c);
	give_up_absent(c, records);
	ddf_tidy_disks(c);
	return 0;
}

static int apply_vd_message(struct ddf_container *c, const void *buf, void **space, const char **why)
{
	if (entry_of(buf)->state == DDF_VD_DELETED)
		return apply_delete(c, buf, space, why);
	return apply_create(c, buf, why);
}

/* ---- config messages: what can be said without the metadata (8.3) ---- */

static const struct ddf_vdc *message_record(const struct ddf_layout *l, const void *buf, unsigned i)
{
	return (const struct ddf_vdc *)(const void *)((const uint8_t *)buf + i * ddf_record_bytes(l));
}

/* The records of a virtual disk differ in their elements only. */
static bool same_virtual_disk(const struct ddf_vdc *a, const struct ddf_vdc *b)
{
	return ddf_guid_equal(a->guid, b->guid) && a->secondary_count == b->secondary_count &&
	       be16_get(a->primary_count) == be16_get(b->primary_count) && a->prl == b->prl && a->rlq == b->rlq &&
	       a->srl == b->srl && a->strip_exponent == b->strip_exponent &&
	       be64_get(a->block_count) == be64_get(b->block_count) && be64_get(a->vd_size) == be64_get(b->vd_size);
}

static int check_record(const struct ddf_layout *l, const struct ddf_vdc *v, const struct ddf_vdc *first,
			const char **why)
{
	if (!ddf_check_vdc(v, l, why))
		return -EINVAL;
	if (!same_virtual_disk(v, first))
		return refuse(why, -EINVAL, "config: the records do not belong together");
	if (ddf_guid_unused(v->guid))
		return refuse(why, -EINVAL, "config: no GUID");
	if (!be64_get(v->block_count))
		return refuse(why, -EINVAL, "config: no blocks");
	for (unsigned i = be16_get(v->primary_count); i < l->mppe; i++)
		if (ddf_is_disk(ddf_element_ref(v, i)))
			return refuse(why, -EINVAL, "config: more disks than the record counts");
	return 0;
}

static int check_sequence(const struct ddf_layout *l, const void *buf, unsigned count, const char **why)
{
	for (unsigned i = 0; i < count; i++)
		for (unsigned k = 0; k < i; k++)
			if (message_record(l, buf, i)->secondary_seq == message_record(l, buf, k)->secondary_seq)
				return refuse(why, -EINVAL, "config: two records have the same number");
	return 0;
}

static int check_named_once(const struct ddf_layout *l, const void *buf, unsigned primary, unsigned slots,
			    const char **why)
{
	for (unsigned i = 0; i < slots; i++) {
		uint32_t refnum = ddf_element_ref(message_record(l, buf, i / primary), i % primary);

		for (unsigned k = 0; k < i && ddf_is_disk(refnum); k++)
			if (ddf_element_ref(message_record(l, buf, k / primary), k % primary) == refnum)
				return refuse_because(why, -EINVAL, "config: disk %08x is named twice", refnum);
	}
	return 0;
}

static int check_config(const struct ddf_layout *l, const void *buf, size_t len, const char **why)
{
	const struct ddf_vdc *first = buf;
	size_t bytes = ddf_record_bytes(l);
	unsigned primary, count;
	int err = 0;

	if (len < bytes || len % bytes || len / bytes != first->secondary_count)
		return refuse(why, -EINVAL, "config: wrong length");
	count = first->secondary_count;
	primary = be16_get(first->primary_count);
	for (unsigned i = 0; i < count && !err; i++)
		err = check_record(l, message_record(l, buf, i), first, why);
	if (!err)
		err = check_sequence(l, buf, count, why);
	return err ? err : check_named_once(l, buf, primary, primary * count, why);
}

/* ---- config messages: the records of a new virtual disk ---- */

static int refuse_disk(const char **why, int err, const struct ddf_container *c, uint32_t refnum, const char *reason)
{
	const struct ddf_dl *dl = ddf_dl_by_ref(c, refnum);

	if (dl && dl->disk)
		return refuse_because(why, err, "config: disk %s (%08x) %s", dl->disk->name, refnum, reason);
	return refuse_because(why, err, "config: disk %08x %s", refnum, reason);
}

/* `v` says where, `blocks` how much. */
static int check_new_extent(const struct ddf_container *c, const struct ddf_vdc *v, unsigned element, uint64_t blocks,
			    const char **why)
{
	uint32_t refnum = ddf_element_ref(v, element);
	const struct ddf_dl *dl = ddf_dl_by_ref(c, refnum);

	if (!ddf_pd_by_ref(c, refnum))
		return refuse_disk(why, -EINVAL, c, refnum, "is not in the container");
	if (dl && !ddf_any_names(c, refnum) && ddf_may_serve_unknown(c, dl))
		return refuse_disk(why, -EBUSY, c, refnum, "may have data of a virtual disk that absent disks know");
	if (!ddf_is_free(c, refnum, ddf_element_start(v, c->layout.mppe, element), blocks))
		return refuse_disk(why, -ENOSPC, c, refnum, "has something else at this place");
	if (dl && !ddf_has_record_slot(c, dl))
		return refuse_disk(why, -ENOSPC, c, refnum, "has no room for another record");
	return 0;
}

static int check_create(const struct ddf_container *c, const void *buf, unsigned count, const char **why)
{
	unsigned rebuilds = 0;

	for (unsigned i = 0; i < count; i++) {
		const struct ddf_vdc *v = message_record(&c->layout, buf, i);

		for (unsigned k = 0; k < be16_get(v->primary_count); k++) {
			int err = 0;

			if (ddf_is_disk(ddf_element_ref(v, k)))
				err = check_new_extent(c, v, k, be64_get(v->block_count), why);
			if (err)
				return err;
			rebuilds += ddf_recorded_rebuilds(c, ddf_element_ref(v, k));
		}
	}
	return rebuilds <= ddf_free_rebuilds(c) ? 0 : refuse(why, -ENOSPC, "config: too many rebuilds at a time");
}

/* The mark that a disk is being rebuilt for another virtual disk would be true for this one, too. */
static void unmark_members(struct ddf_container *c, const void *buf, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		const struct ddf_vdc *v = message_record(&c->layout, buf, i);

		for (unsigned k = 0; k < be16_get(v->primary_count); k++)
			ddf_take_off_record(c, ddf_element_ref(v, k));
	}
}

static void store_records(struct ddf_container *c, unsigned vd, const void *buf, struct ddf_records *r)
{
	for (unsigned i = 0; i < r->count; i++)
		ddf_put_record(r, message_record(&c->layout, buf, i));
	c->volume[vd].records = r;
}

/* The virtual disk was announced, but its records are refused: its entry goes, too. */
static void withdraw(struct ddf_container *c, unsigned vd)
{
	if (!c->volume[vd].announced)
		return;
	c->volume[vd].announced = false;
	ddf_clear_entry(ddf_vd(c, vd));
	ddf_count_vds(c);
}

/*
 * The members of a new virtual disk are in sync, even if others are missing: none is marked as rebuilding (15, item 9).
 * A failed disk is taken, too: md has it already, and is told when the array is opened.
 */
static int apply_first_config(struct ddf_container *c, unsigned vd, const void *buf, void **space, const char **why)
{
	const struct ddf_vdc *first = buf;
	int err = check_create(c, buf, first->secondary_count, why);

	if (err) {
		withdraw(c, vd);
		return err;
	}
	c->volume[vd].announced = false;
	unmark_members(c, buf, first->secondary_count);
	store_records(c, vd, buf, *space);
	*space = NULL;
	ddf_tidy_disks(c);
	ddf_update_state(c, vd);
	return 0;
}

/* ---- config messages: other disks for a virtual disk that is known ---- */

static const struct ddf_vdc *message_of_bvd(const struct ddf_container *c, const void *buf, unsigned seq)
{
	unsigned i = 0;

	while (message_record(&c->layout, buf, i)->secondary_seq != seq)
		i++;
	return message_record(&c->layout, buf, i);
}

/*
 * A disk that becomes a member has everything still to be written. Only the Rebuilding of its entry can say so, and
 * that counts for all its virtual disks: it must not serve another one (15, item 6).
 */
static int check_new_member(const struct ddf_container *c, unsigned vd, const struct ddf_vdc *v, unsigned element,
			    uint64_t blocks, const char **why)
{
	uint32_t refnum = ddf_element_ref(v, element);
	const struct ddf_pd_entry *e = ddf_pd_by_ref(c, refnum);
	unsigned state = e ? be16_get(e->state) : 0;

	if (e && (!ddf_dl_by_ref(c, refnum) || !(state & DDF_PD_ONLINE) ||
		  state & (DDF_PD_FAILED | DDF_PD_MISSING)))
		return refuse_disk(why, -EINVAL, c, refnum, "is missing, or has failed");
	if (ddf_other_names(c, vd, refnum) || ddf_rebuilds_disk(c, refnum))
		return refuse_disk(why, -EBUSY, c, refnum, "serves already");
	return check_new_extent(c, v, element, blocks, why);
}

/* The size that counts is that of the record that is kept. */
static int check_element(const struct ddf_container *c, unsigned vd, const struct ddf_vdc *stored,
			 const struct ddf_vdc *v, unsigned i, const char **why)
{
	unsigned mppe = c->layout.mppe;
	uint32_t refnum = ddf_element_ref(v, i);

	if (!ddf_is_disk(refnum))
		return 0;
	if (!ddf_vd_names(c, vd, refnum))
		return check_new_member(c, vd, v, i, be64_get(stored->block_count), why);
	if (ddf_element_ref(stored, i) != refnum ||
	    ddf_element_start(stored, mppe, i) != ddf_element_start(v, mppe, i))
		return refuse_disk(why, -EINVAL, c, refnum, "has another place on record");
	return 0;
}

static int check_assign(const struct ddf_container *c, unsigned vd, const void *buf, const char **why)
{
	const struct ddf_records *r = c->volume[vd].records;
	const struct ddf_vdc *first = buf;

	if (first->secondary_count != r->count)
		return refuse(why, -EINVAL, "config: another number of mirrors");
	for (unsigned seq = 0; seq < r->count; seq++) {
		const struct ddf_vdc *stored = ddf_record(r, seq), *v = message_of_bvd(c, buf, seq);

		if (stored && be16_get(v->primary_count) != be16_get(stored->primary_count))
			return refuse(why, -EINVAL, "config: another number of members");
		for (unsigned i = 0; stored && i < be16_get(v->primary_count); i++) {
			int err = check_element(c, vd, stored, v, i, why);

			if (err)
				return err;
		}
	}
	return 0;
}

/* The disk has none of the data yet. */
static void mark_new_member(struct ddf_container *c, unsigned vd, unsigned slot, uint32_t refnum)
{
	struct ddf_pd_entry *e = ddf_pd_by_ref(c, refnum);

	c->volume[vd].synced[slot / 64] &= ~(UINT64_C(1) << slot % 64);
	if (e)
		e->state = be16_make(be16_get(e->state) | DDF_PD_REBUILDING);
}

static void assign_bvd(struct ddf_container *c, unsigned vd, struct ddf_vdc *stored, const struct ddf_vdc *v)
{
	size_t tables = c->layout.mppe * (sizeof(be32) + sizeof(be64));
	unsigned primary = be16_get(v->primary_count);
	bool counts[DDF_MAX_SLOTS];

	if (memcmp(stored + 1, v + 1, tables) == 0)
		return;
	for (unsigned i = 0; i < primary; i++) {
		uint32_t refnum = ddf_element_ref(v, i);

		counts[i] = ddf_element_ref(stored, i) != DDF_REF_NONE;
		if (ddf_element_ref(stored, i) != refnum)
			mark_new_member(c, vd, v->secondary_seq * primary + i, refnum);
	}
	memcpy(stored + 1, v + 1, tables);
	/* A position that counted goes on counting (3.1): the slots of those behind it do not shift. */
	for (unsigned i = 0; i < primary; i++)
		if (counts[i] && ddf_element_ref(stored, i) == DDF_REF_NONE)
			ddf_set_element_ref(stored, i, DDF_REF_MISSING);
	ddf_stamp(c, stored);
}

/* A BVD whose record is not known here is left out. */
static int apply_assign(struct ddf_container *c, unsigned vd, const void *buf, const char **why)
{
	const struct ddf_records *r = c->volume[vd].records;
	int err = check_assign(c, vd, buf, why);

	if (err)
		return err;
	for (unsigned seq = 0; seq < r->count; seq++) {
		struct ddf_vdc *stored = ddf_record(r, seq);

		if (stored)
			assign_bvd(c, vd, stored, message_of_bvd(c, buf, seq));
	}
	ddf_tidy_disks(c);
	ddf_update_state(c, vd);
	return 0;
}

static int apply_config(struct ddf_container *c, const void *buf, void **space, const char **why)
{
	int vd = ddf_vd_by_guid(c, ((const struct ddf_vdc *)buf)->guid);

	if (vd < 0)
		return refuse(why, -ENOENT, "config: no such virtual disk");
	if (c->volume[vd].records)
		return apply_assign(c, (unsigned)vd, buf, why);
	return apply_first_config(c, (unsigned)vd, buf, space, why);
}

/* ---- all messages ---- */

static int check_message(const struct ddf_layout *l, const void *buf, size_t len, const char **why)
{
	if (len < sizeof(be32))
		return refuse(why, -EINVAL, "message too short");
	switch (ddf_magic_of(buf)) {
	case DDF_VD_MAGIC:
		return check_vd_message(buf, len, why);
	case DDF_VDC_MAGIC:
		return check_config(l, buf, len, why);
	case DDF_PD_MAGIC:
	case DDF_SPARE_MAGIC:
		return refuse(why, -EINVAL, "message type not accepted from outside");
	}
	return refuse(why, -EINVAL, "unknown message type");
}

int ddf_prepare_message(const struct ddf_layout *l, const void *buf, size_t len, void **space, const char **why)
{
	int err = check_message(l, buf, len, why);
	struct ddf_records *r;

	*space = NULL;
	if (err || ddf_magic_of(buf) != DDF_VDC_MAGIC)
		return err;
	r = calloc(1, sizeof(*r) + len);
	if (!r)
		return refuse(why, -ENOMEM, "out of memory");
	r->count = ((const struct ddf_vdc *)buf)->secondary_count;
	r->record_bytes = ddf_record_bytes(l);
	*space = r;
	return 0;
}

int ddf_apply_message(struct ddf_container *c, const void *buf, size_t len, void **space, const char **why)
{
	int err = check_message(&c->layout, buf, len, why);

	if (err)
		return err;
	if (ddf_magic_of(buf) == DDF_VD_MAGIC)
		return apply_vd_message(c, buf, space, why);
	return apply_config(c, buf, space, why);
}
