/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Queued updates of DDF metadata (ddf.md 8 and 10): what mdadm sends over the control socket, and disks that come
 * and go.
 *
 * A message is bytes from another process: nothing in it is believed. Each one is checked completely before the first
 * byte of the metadata changes.
 */
#include "ddf/ddf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A message about a virtual disk: the head of a table, with an index instead of a count, and one entry (8.2). */
#define VD_MESSAGE_SIZE 128
#define VD_MESSAGE_INDEX 8
#define VD_MESSAGE_ENTRY 64

static int refuse(const char **why, int err, const char *text)
{
	*why = text;
	return err;
}

static uint32_t magic_of(const void *buf)
{
	be32 magic;

	memcpy(&magic, buf, sizeof(magic));
	return be32_get(magic);
}

/* ---- counts and entries ---- */

static void count_pds(struct ddf_container *c)
{
	struct ddf_table_head *head = (struct ddf_table_head *)c->pd;
	uint16_t n = 0;

	for (unsigned i = 0; i < c->layout.max_pd; i++)
		n += ddf_pd_used(ddf_pd(c, i));
	head->populated = be16_make(n);
}

static void count_vds(struct ddf_container *c)
{
	struct ddf_table_head *head = (struct ddf_table_head *)c->vd;
	uint16_t n = 0;

	for (unsigned i = 0; i < c->layout.max_vd; i++)
		n += !ddf_guid_unused(ddf_vd(c, i)->guid);
	head->populated = be16_make(n);
}

/* Some who read the tables ask for the GUID, some for the reference number: all of it must say "unused" (1.6). */
static void clear_entry(void *entry)
{
	_Static_assert(sizeof(struct ddf_pd_entry) == sizeof(struct ddf_vd_entry), "both tables have such entries");
	memset(entry, 0xff, sizeof(struct ddf_pd_entry));
}

/* It will be named when it has been rebuilt. */
static bool is_rebuilt_unnamed(const struct ddf_container *c, uint32_t refnum)
{
	for (unsigned i = 0; i < DDF_MAX_REBUILDS; i++)
		if (c->rebuild[i].used && c->rebuild[i].refnum == refnum)
			return true;
	return false;
}

static bool named_by_live(const struct ddf_container *c, uint32_t refnum)
{
	for (unsigned i = 0; i < c->layout.max_vd; i++)
		if (c->volume[i].live && ddf_vd_names(c, i, refnum))
			return true;
	return false;
}

/* ---- order after a change of configuration records (8.4) ---- */

static unsigned tidy_type(unsigned type, bool named, bool spare_record)
{
	type &= ~(unsigned)(DDF_PD_GLOBAL_SPARE | DDF_PD_ACTIVE);
	if (named)
		type |= DDF_PD_ACTIVE;
	if (spare_record)
		return type | DDF_PD_SPARE;
	return named ? type : (type & ~(unsigned)DDF_PD_SPARE) | DDF_PD_GLOBAL_SPARE;
}

/* Transition tells apart the failed disks that nobody names. What nobody names is not being rebuilt either. */
static unsigned tidy_state(unsigned state, bool named)
{
	if (!named)
		state &= ~(unsigned)DDF_PD_REBUILDING;
	if (!(state & DDF_PD_FAILED))
		return state;
	return named ? state & ~(unsigned)DDF_PD_TRANSITION : state | DDF_PD_TRANSITION;
}

static void tidy_disk(const struct ddf_container *c, struct ddf_pd_entry *e)
{
	uint32_t refnum = be32_get(e->refnum);
	const struct ddf_dl *dl = ddf_dl_by_ref(c, refnum);
	bool named = ddf_any_names(c, refnum);

	e->state = be16_make((uint16_t)tidy_state(be16_get(e->state), named));
	if (dl)
		e->type = be16_make((uint16_t)tidy_type(be16_get(e->type), named, ddf_spare_record(c, dl)));
}

/* It has failed, is gone, and nobody names it. */
static bool is_forgotten(const struct ddf_container *c, const struct ddf_pd_entry *e)
{
	uint32_t refnum = be32_get(e->refnum);

	return be16_get(e->state) & DDF_PD_FAILED && !ddf_dl_by_ref(c, refnum) && !ddf_any_names(c, refnum);
}

/* Entries move only if one is dropped. */
static void drop_forgotten(struct ddf_container *c)
{
	unsigned kept = 0;
	bool dropped = false;

	for (unsigned i = 0; i < c->layout.max_pd; i++) {
		struct ddf_pd_entry *e = ddf_pd(c, i);

		if (ddf_pd_used(e) && is_forgotten(c, e)) {
			clear_entry(e);
			dropped = true;
		}
	}
	for (unsigned i = 0; dropped && i < c->layout.max_pd; i++)
		if (ddf_pd_used(ddf_pd(c, i)))
			*ddf_pd(c, kept++) = *ddf_pd(c, i);
	while (dropped && kept < c->layout.max_pd)
		clear_entry(ddf_pd(c, kept++));
}

void ddf_tidy_disks(struct ddf_container *c)
{
	for (unsigned i = 0; i < c->layout.max_pd; i++)
		if (ddf_pd_used(ddf_pd(c, i)))
			tidy_disk(c, ddf_pd(c, i));
	drop_forgotten(c);
	count_pds(c);
}

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
	count_vds(c);
	return 0;
}

static int apply_delete(struct ddf_container *c, const void *buf, void **space, const char **why)
{
	int vd = ddf_vd_by_guid(c, entry_of(buf)->guid);

	if (vd < 0)
		return refuse(why, -ENOENT, "delete: no such virtual disk");
	if (c->volume[vd].live)
		return refuse(why, -EBUSY, "delete: the virtual disk is in use");
	*space = c->volume[vd].records;
	memset(&c->volume[vd], 0, sizeof(c->volume[vd]));
	clear_entry(ddf_vd(c, (unsigned)vd));
	ddf_close_array(c, (unsigned)vd);
	count_vds(c);
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
				return refuse(why, -EINVAL, "config: a disk is named twice");
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

/* `v` says where, `blocks` how much. */
static int check_new_extent(const struct ddf_container *c, const struct ddf_vdc *v, unsigned element, uint64_t blocks,
			    const char **why)
{
	uint32_t refnum = ddf_element_ref(v, element);
	const struct ddf_dl *dl = ddf_dl_by_ref(c, refnum);

	if (!ddf_pd_by_ref(c, refnum))
		return refuse(why, -EINVAL, "config: no such disk in the container");
	if (!ddf_is_free(c, refnum, ddf_element_start(v, c->layout.mppe, element), blocks))
		return refuse(why, -ENOSPC, "config: the place on a disk is not free");
	if (dl && !ddf_has_record_slot(c, dl))
		return refuse(why, -ENOSPC, "config: a disk has no room for another record");
	return 0;
}

static int check_create(const struct ddf_container *c, const void *buf, unsigned count, const char **why)
{
	for (unsigned i = 0; i < count; i++) {
		const struct ddf_vdc *v = message_record(&c->layout, buf, i);

		for (unsigned k = 0; k < be16_get(v->primary_count); k++) {
			int err = 0;

			if (ddf_is_disk(ddf_element_ref(v, k)))
				err = check_new_extent(c, v, k, be64_get(v->block_count), why);
			if (err)
				return err;
		}
	}
	return 0;
}

static void store_records(struct ddf_container *c, unsigned vd, const void *buf, struct ddf_records *r)
{
	for (unsigned i = 0; i < r->count; i++) {
		const struct ddf_vdc *v = message_record(&c->layout, buf, i);

		memcpy(r->bytes + v->secondary_seq * r->record_bytes, v, r->record_bytes);
		r->present[v->secondary_seq / 8] |= (uint8_t)(1u << v->secondary_seq % 8);
	}
	c->volume[vd].records = r;
}

/* It was announced, and cannot be: nothing of it shall stay. */
static void withdraw(struct ddf_container *c, unsigned vd)
{
	if (!c->volume[vd].announced)
		return;
	c->volume[vd].announced = false;
	clear_entry(ddf_vd(c, vd));
	count_vds(c);
}

/*
 * Its members are as good as new, whatever is missing beside them: none is marked as rebuilding (15, item 9). A failed
 * disk is taken, too: md has it already, and is told when the array is opened.
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
		return refuse(why, -EINVAL, "config: a disk is missing or has failed");
	if (ddf_other_names(c, vd, refnum) || is_rebuilt_unnamed(c, refnum))
		return refuse(why, -EBUSY, "config: a disk serves already");
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
		return refuse(why, -EINVAL, "config: a member's place changes");
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

/* Nothing of it is known to be in sync. */
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

/* What the message says of a BVD whose record is not known here is left out. */
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
	switch (magic_of(buf)) {
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
	if (err || magic_of(buf) != DDF_VDC_MAGIC)
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
	if (magic_of(buf) == DDF_VD_MAGIC)
		return apply_vd_message(c, buf, space, why);
	return apply_config(c, buf, space, why);
}

/* ---- disks that come (10.1) ---- */

/* Also what stands for nothing, and what somebody remembers of a disk that is listed no more. */
static bool refnum_taken(const struct ddf_container *c, uint32_t refnum)
{
	if (!ddf_is_disk(refnum) || ddf_dl_by_ref(c, refnum) || ddf_any_names(c, refnum))
		return true;
	for (unsigned i = 0; i < c->layout.max_pd; i++)
		if (be32_get(ddf_pd(c, i)->refnum) == refnum)
			return true;
	return false;
}

static struct ddf_pd_entry *unused_pd(const struct ddf_container *c)
{
	for (unsigned i = 0; i < c->layout.max_pd; i++)
		if (!ddf_pd_used(ddf_pd(c, i)))
			return ddf_pd(c, i);
	return NULL;
}

static unsigned count_present(const struct ddf_container *c)
{
	unsigned n = 0;

	for (const struct ddf_dl *dl = c->disks; dl; dl = dl->next)
		n++;
	return n;
}

/* As far from the end as it is on a disk of that size. False: the new disk is too small for it. */
static bool same_distance(uint64_t lba, uint64_t model_sectors, uint64_t sectors, be64 *out)
{
	uint64_t distance = model_sectors - lba;

	if (lba >= model_sectors || distance >= sectors)
		return false;
	*out = be64_make(sectors - distance);
	return true;
}

/* Where the metadata go: as on a disk that is there, else as mdadm has it. */
static bool place_copies(const struct ddf_dl *model, uint64_t sectors, struct ddf_header *h)
{
	uint64_t model_sectors = model ? model->disk->size / DDF_SECTOR : 0;

	h->primary_lba = be64_make(sectors - DDF_PRIMARY_FROM_END);
	h->secondary_lba = h->workspace_lba = be64_make(sectors - DDF_SECONDARY_FROM_END);
	if (!model)
		return true;
	/* Not all of them mean something by it. */
	same_distance(model->at.workspace_lba, model_sectors, sectors, &h->workspace_lba);
	if (!same_distance(model->at.primary_lba, model_sectors, sectors, &h->primary_lba))
		return false;
	h->secondary_lba = be64_make(DDF_NO_LBA);
	return model->at.secondary_lba == DDF_NO_LBA ||
	       same_distance(model->at.secondary_lba, model_sectors, sectors, &h->secondary_lba);
}

/* Before everything that is reserved. A workspace that takes too much is no workspace (10.1, step 5). */
static uint64_t room_for_arrays(const struct ddf_layout *at, uint64_t sectors)
{
	uint64_t room = sectors - DDF_RESERVED_SECTORS, workspace;

	if (at->primary_lba < room)
		room = at->primary_lba;
	if (at->secondary_lba < room) /* not so if there is none */
		room = at->secondary_lba;
	if (at->workspace_lba >= room)
		return room;
	workspace = room - at->workspace_lba;
	return workspace > 2097152 && workspace > sectors / 16 ? room : at->workspace_lba;
}

static int make_room(const struct ddf_container *c, struct ddf_dl *dl, const char **why)
{
	uint64_t sectors = dl->disk->size / DDF_SECTOR;

	if (dl->disk->sector_size != DDF_SECTOR)
		return refuse(why, -EINVAL, "its sectors do not have 512 bytes");
	dl->header = c->header;
	if (sectors <= DDF_RESERVED_SECTORS || !place_copies(c->disks, sectors, &dl->header))
		return refuse(why, -ENOSPC, "it is too small");
	return ddf_check_layout(&dl->header, sectors, &dl->at, why) ? -ENOSPC : 0;
}

static void make_disk_data(const struct ddf_container *c, struct ddf_dl *dl)
{
	struct ddf_disk_data *d = (struct ddf_disk_data *)dl->disk_data;

	memset(dl->disk_data, 0xff, (size_t)c->layout.disk_data.length * DDF_SECTOR);
	d->magic = be32_make(DDF_DISK_DATA_MAGIC);
	memcpy(d->guid, dl->guid, DDF_GUID_LEN);
	d->refnum = be32_make(dl->refnum);
	d->forced_ref = d->forced_guid = 1;
	memset(d->vendor, ' ', sizeof(d->vendor));
	memcpy(d->vendor, "Linux", 5);
	ddf_seal(d, sizeof(*d));
}

static void make_entry(const struct ddf_dl *dl, struct ddf_pd_entry *e)
{
	static const char path[sizeof(e->path)] = " Information: nil";

	clear_entry(e);
	memcpy(e->guid, dl->guid, DDF_GUID_LEN);
	e->refnum = be32_make(dl->refnum);
	e->type = be16_make(DDF_PD_FORCED_GUID | DDF_PD_GLOBAL_SPARE);
	e->state = be16_make(DDF_PD_ONLINE);
	e->configured_size = be64_make(room_for_arrays(&dl->at, dl->disk->size / DDF_SECTOR));
	memcpy(e->path, path, sizeof(e->path));
}

int ddf_add_disk(struct ddf_container *c, struct ddf_dl *dl, const char **why)
{
	struct ddf_pd_entry *e = unused_pd(c);
	int err;

	if (ddf_dl_by_dev(c, dl->dev))
		return refuse(why, -EEXIST, "it is there already");
	if (!e || count_present(c) >= DDF_MAX_DISKS)
		return refuse(why, -ENOSPC, "the table of disks is full");
	err = make_room(c, dl, why);
	if (err)
		return err;
	while (refnum_taken(c, dl->refnum))
		dl->refnum++;
	make_disk_data(c, dl);
	make_entry(dl, e);
	count_pds(c);
	memset(dl->config, 0xff, (size_t)c->layout.config.length * DDF_SECTOR);
	memset(dl->copy, 0, sizeof(dl->copy));
	dl->copy[DDF_FIRST_COPY].exists = true;
	dl->copy[DDF_SECOND_COPY].exists = dl->at.secondary_lba != DDF_NO_LBA;
	dl->anchor_due = true;
	dl->given_up = false;
	dl->next = c->disks;
	c->disks = dl;
	return 0;
}

/* ---- disks that go (10.2) ---- */

/*
 * An array in use goes on without it, and what it has gets old: it has failed, also if md did not get to say so (15,
 * item 24). Of the others the next start decides (5.1).
 */
static void mark_missing(struct ddf_container *c, uint32_t refnum)
{
	struct ddf_pd_entry *e = ddf_pd_by_ref(c, refnum);

	if (!e)
		return;
	e->state = be16_make(be16_get(e->state) | DDF_PD_MISSING);
	if (named_by_live(c, refnum))
		e->state = be16_make(be16_get(e->state) | DDF_PD_FAILED);
}

struct ddf_dl *ddf_remove_disk(struct ddf_container *c, dev_t dev)
{
	struct ddf_dl **link = &c->disks, *dl;

	while (*link && (*link)->dev != dev)
		link = &(*link)->next;
	dl = *link;
	if (!dl)
		return NULL;
	*link = dl->next;
	dl->next = NULL;
	for (unsigned i = 0; i < DDF_MAX_REBUILDS; i++)
		if (c->rebuild[i].used && c->rebuild[i].refnum == dl->refnum)
			c->rebuild[i].used = false;
	mark_missing(c, dl->refnum);
	ddf_update_states_of(c, dl->refnum);
	return dl;
}
