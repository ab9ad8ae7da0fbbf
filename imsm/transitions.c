/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Changes to IMSM metadata that several events and messages have in common (imsm.md 3.5 to 3.11): a migration begins or
 * ends, a disk fails or is missing, an entry of the disk table comes or goes.
 */
#include "imsm/imsm.h"

#include <string.h>

/* ---- migrations ---- */

void imsm_migrate(struct imsm_volume *v, enum imsm_map_state to, enum imsm_migr_type type)
{
	struct imsm_map *m0 = &v->map[0];

	v->head.migr_state = 1;
	imsm_volume_set_migr_type(v, type);
	imsm_volume_set_unit(v, 0);
	v->map[1] = *m0; /* flags included: a reshape gives no slot data that it lacks */
	m0->head.map_state = to;
}

static bool flag_slot(struct imsm_map *m, int slot)
{
	if (slot < 0 || (m->ord[slot] & IMSM_ORD_REBUILD))
		return false;
	m->ord[slot] |= IMSM_ORD_REBUILD;
	return true;
}

/*
 * What a migration did not finish stays unfinished: map 0 inherits the flags of map 1. True if that changed map 0.
 * Without it the slot of a rebuild that was given up because another slot failed would look good.
 */
static bool inherit_flags(struct imsm_volume *v)
{
	struct imsm_map *m0 = &v->map[0];
	const struct imsm_map *m1 = &v->map[1];
	bool rebuild = imsm_migrating(v, IMSM_MIGR_REBUILD);
	bool changed = false;

	for (unsigned slot = 0; slot < m1->head.num_members; slot++)
		if (m1->ord[slot] & IMSM_ORD_REBUILD)
			changed |= flag_slot(m0, imsm_slot_of(m0, imsm_ord_index(m1->ord[slot])));
	for (unsigned slot = 0; rebuild && slot < m0->head.num_members; slot++)
		if (imsm_slot_of(m1, imsm_ord_index(m0->ord[slot])) < 0)
			changed |= flag_slot(m0, (int)slot);
	return changed;
}

void imsm_end_migration(const struct imsm_container *c, struct imsm_volume *v, enum imsm_map_state state)
{
	if (v->head.migr_state && inherit_flags(v))
		state = imsm_check_degraded(c, v, imsm_count_failed(c, v, IMSM_M0), IMSM_M0);
	v->head.migr_state = 0;
	imsm_volume_set_migr_type(v, IMSM_MIGR_INIT);
	imsm_volume_set_unit(v, 0);
	v->map[0].head.map_state = (uint8_t)state;
}

/* ---- failures ---- */

/*
 * failed_disk_num names the lowest failed slot; during a rebuild it goes on naming the slot under rebuild. A number
 * that names a good slot is a leftover.
 */
static void note_failed_slot(struct imsm_volume *v, unsigned slot)
{
	struct imsm_map *m0 = &v->map[0];
	unsigned current = m0->head.failed_disk_num;
	bool valid = current < m0->head.num_members && (imsm_ord(v, current, IMSM_MX) & IMSM_ORD_REBUILD);

	if (!valid || (!imsm_rebuilding(v) && current > slot))
		m0->head.failed_disk_num = (uint8_t)slot;
}

static void drop_bad_blocks(struct imsm_meta *meta, uint32_t index)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < meta->num_bad; i++)
		if (meta->bad[i].disk != index)
			meta->bad[kept++] = meta->bad[i];
	meta->num_bad = kept;
}

/* The mark in the serial keeps the disk from being recognised when it comes back with outdated contents. */
static void mark_record_failed(struct imsm_disk *d)
{
	uint32_t status = le32_get(d->status);

	if (status & IMSM_DISK_FAILED)
		return;
	imsm_serial_mark_failed(d->serial);
	d->status = le32_make(status | IMSM_DISK_FAILED);
}

void imsm_flag_slot(struct imsm_container *c, struct imsm_volume *v, unsigned slot)
{
	struct imsm_map *m0 = &v->map[0];

	note_failed_slot(v, slot);
	flag_slot(m0, (int)slot);
	if (v->head.migr_state)
		flag_slot(&v->map[1], imsm_slot_of(&v->map[1], imsm_ord_index(m0->ord[slot])));
	imsm_store_unit(c, v, imsm_volume_unit(v)); /* may count no more */
	c->write_due = true;
}

bool imsm_mark_failure(struct imsm_container *c, struct imsm_volume *v, uint32_t index)
{
	struct imsm_map *m0 = &v->map[0];
	int slot = imsm_slot_of(m0, index);

	if (slot < 0 || index >= c->meta.num_disks)
		return false;
	if (imsm_disk_failed(c, index) && (m0->ord[slot] & IMSM_ORD_REBUILD))
		return false;
	mark_record_failed(&c->meta.disk[index]);
	imsm_flag_slot(c, v, (unsigned)slot);
	drop_bad_blocks(&c->meta, index);
	return true;
}

void imsm_unmark_failure(struct imsm_container *c, uint32_t index, const uint8_t serial[IMSM_SERIAL_LEN])
{
	struct imsm_disk *d = &c->meta.disk[index];

	memcpy(d->serial, serial, IMSM_SERIAL_LEN);
	d->status = le32_make(le32_get(d->status) & ~IMSM_DISK_FAILED);
	/* Beside a rebuild of another slot its own one may be taken for that (imsm/checkpoint.c). */
	for (unsigned i = 0; i < c->meta.num_volumes; i++)
		imsm_store_unit(c, &c->meta.volume[i], imsm_volume_unit(&c->meta.volume[i]));
	c->write_due = true;
}

void imsm_mark_missing(struct imsm_container *c, struct imsm_volume *v, uint32_t index)
{
	bool had_failed = imsm_disk_failed(c, index);
	struct imsm_disk *d = &c->meta.disk[index];

	imsm_mark_failure(c, v, index);
	if (had_failed || imsm_disk_present(c, index) || le32_get(d->scsi_id) == IMSM_SCSI_ID_MISSING)
		return;
	d->scsi_id = le32_make(IMSM_SCSI_ID_MISSING);
	memmove(d->serial, d->serial + 1, IMSM_SERIAL_LEN - 1);
	c->write_due = true;
}

void imsm_update_state(struct imsm_container *c, struct imsm_volume *v)
{
	enum imsm_map_state state = imsm_check_degraded(c, v, imsm_count_failed(c, v, IMSM_M0), IMSM_M0);

	if (v->head.migr_state || v->map[0].head.map_state == state)
		return;
	v->map[0].head.map_state = (uint8_t)state;
	c->write_due = true;
}

/* ---- entries of the disk table ---- */

/* The disk is a new one now. If that fails, nobody may take it for the one that was missing. */
static void disown_missing(struct imsm_container *c, const uint8_t serial[IMSM_SERIAL_LEN])
{
	int index = imsm_missing_entry_of(c, serial);

	if (index < 0)
		return;
	c->meta.disk[index].scsi_id = le32_make(0);
	c->write_due = true;
}

void imsm_disown_serial(struct imsm_container *c, const uint8_t serial[IMSM_SERIAL_LEN])
{
	disown_missing(c, serial);
	for (uint32_t i = 0; i < c->meta.num_disks; i++) {
		if (!imsm_disk_absent(c, i) || !imsm_serial_equal(c->meta.disk[i].serial, serial))
			continue;
		for (unsigned k = 0; k < c->meta.num_volumes; k++)
			if (imsm_mark_failure(c, &c->meta.volume[k], i))
				imsm_update_state(c, &c->meta.volume[k]);
		mark_record_failed(&c->meta.disk[i]);
		c->write_due = true;
	}
}

void imsm_relist_disk(struct imsm_container *c, struct imsm_dl *dl)
{
	int index = imsm_serial_in_table(&c->meta, dl->serial);

	if (index < 0 || imsm_disk_failed(c, (uint32_t)index))
		return;
	dl->index = index;
	dl->record = c->meta.disk[index];
	dl->spare_record_due = dl->clear_migr_record_due = dl->after_members = false;
	c->write_due = true;
}

void imsm_enlist_disk(struct imsm_container *c, struct imsm_dl *dl)
{
	struct imsm_disk *d = &c->meta.disk[c->meta.num_disks];

	imsm_disown_serial(c, dl->serial);
	*d = dl->record;
	memcpy(d->serial, dl->serial, IMSM_SERIAL_LEN);
	d->status = le32_make((le32_get(d->status) & ~IMSM_DISK_SPARE) | IMSM_DISK_CONFIGURED);
	dl->index = (int)c->meta.num_disks++;
	dl->spare_record_due = false;
	c->write_due = true;
}

/* The entry of the disk is about to go: a good disk becomes a spare, a failed one is never written again. */
static void dismiss(struct imsm_container *c, struct imsm_dl *dl)
{
	if (imsm_disk_failed(c, (uint32_t)dl->index)) {
		dl->index = IMSM_INDEX_UNRELATED;
		return;
	}
	dl->record = c->meta.disk[dl->index];
	dl->record.status = le32_make(IMSM_DISK_SPARE);
	dl->index = IMSM_INDEX_SPARE;
	dl->spare_record_due = true;
}

static void shift_ords(struct imsm_map *m, uint32_t above)
{
	for (unsigned slot = 0; slot < m->head.num_members; slot++)
		if (imsm_ord_index(m->ord[slot]) > above)
			m->ord[slot]--;
}

void imsm_delete_disk(struct imsm_container *c, uint32_t index)
{
	struct imsm_meta *meta = &c->meta;
	struct imsm_dl *dl = imsm_dl_by_index(c, (int)index);

	if (index >= meta->num_disks)
		return;
	if (dl)
		dismiss(c, dl);
	for (dl = c->disks; dl; dl = dl->next)
		dl->index -= dl->index > (int)index;
	for (unsigned i = 0; i < meta->num_volumes; i++) {
		shift_ords(&meta->volume[i].map[0], index);
		if (meta->volume[i].head.migr_state)
			shift_ords(&meta->volume[i].map[1], index);
	}
	drop_bad_blocks(meta, index);
	for (unsigned i = 0; i < meta->num_bad; i++)
		meta->bad[i].disk -= meta->bad[i].disk > index;
	meta->num_disks--;
	memmove(&meta->disk[index], &meta->disk[index + 1], (meta->num_disks - index) * sizeof(meta->disk[0]));
	c->write_due = true;
}

static void make_room_in_map(struct imsm_map *m, uint32_t index)
{
	for (unsigned slot = 0; slot < m->head.num_members; slot++)
		if (imsm_ord_index(m->ord[slot]) >= index)
			m->ord[slot]++;
}

void imsm_insert_disk(struct imsm_container *c, uint32_t index, const struct imsm_disk *d)
{
	struct imsm_meta *meta = &c->meta;

	for (struct imsm_dl *dl = c->disks; dl; dl = dl->next)
		dl->index += dl->index >= (int)index;
	for (unsigned i = 0; i < meta->num_volumes; i++) {
		make_room_in_map(&meta->volume[i].map[0], index);
		if (meta->volume[i].head.migr_state)
			make_room_in_map(&meta->volume[i].map[1], index);
	}
	for (unsigned i = 0; i < meta->num_bad; i++)
		meta->bad[i].disk += meta->bad[i].disk >= index;
	memmove(&meta->disk[index + 1], &meta->disk[index], (meta->num_disks - index) * sizeof(meta->disk[0]));
	meta->disk[index] = *d;
	meta->num_disks++;
	c->write_due = true;
}
