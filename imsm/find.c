/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finding one's way in an IMSM container: which entry of the disk table is which disk, which slot of which volume
 * names it, and whether it is there.
 */
#include "imsm/imsm.h"

/* ---- disks ---- */

struct imsm_dl *imsm_dl_by_index(const struct imsm_container *c, int index)
{
	struct imsm_dl *dl = index < 0 ? NULL : c->disks;

	while (dl && dl->index != index)
		dl = dl->next;
	return dl;
}

struct imsm_dl *imsm_dl_by_dev(const struct imsm_container *c, dev_t dev)
{
	struct imsm_dl *dl = c->disks;

	while (dl && dl->dev != dev)
		dl = dl->next;
	return dl;
}

struct imsm_dl *imsm_dl_by_serial(const struct imsm_container *c, const uint8_t serial[IMSM_SERIAL_LEN])
{
	struct imsm_dl *dl = c->disks;

	while (dl && !imsm_serial_equal(dl->serial, serial))
		dl = dl->next;
	return dl;
}

bool imsm_serial_ambiguous(const struct imsm_container *c, const struct imsm_dl *dl)
{
	for (const struct imsm_dl *other = c->disks; other; other = other->next)
		if (other != dl && other->index >= 0 && imsm_serial_equal(other->serial, dl->serial))
			return true;
	return false;
}

/* ---- slots of a volume ---- */

const struct imsm_map *imsm_which_map(const struct imsm_volume *v, enum imsm_which which)
{
	const struct imsm_map *m1 = v->head.migr_state ? &v->map[1] : NULL;

	switch (which) {
	case IMSM_M0:
		return &v->map[0];
	case IMSM_M1:
		return m1;
	case IMSM_MX:
		return m1 ? m1 : &v->map[0];
	}
	return NULL;
}

/* A slot that a reshape adds is in map 0 only. */
uint32_t imsm_ord(const struct imsm_volume *v, unsigned slot, enum imsm_which which)
{
	const struct imsm_map *m = imsm_which_map(v, which);

	if (which == IMSM_MX && slot >= m->head.num_members)
		m = &v->map[0];
	return m && slot < m->head.num_members ? m->ord[slot] : UINT32_MAX;
}

int imsm_slot_of(const struct imsm_map *m, uint32_t index)
{
	for (unsigned slot = 0; slot < m->head.num_members; slot++)
		if (imsm_ord_index(m->ord[slot]) == index)
			return (int)slot;
	return -1;
}

bool imsm_volume_names(const struct imsm_volume *v, uint32_t index)
{
	return imsm_slot_of(&v->map[0], index) >= 0 || (v->head.migr_state && imsm_slot_of(&v->map[1], index) >= 0);
}

bool imsm_disk_named(const struct imsm_container *c, uint32_t index)
{
	for (unsigned i = 0; i < c->meta.num_volumes; i++)
		if (imsm_volume_names(&c->meta.volume[i], index))
			return true;
	return false;
}

bool imsm_dl_is_member(const struct imsm_volume *v, const struct imsm_dl *dl)
{
	return dl->index >= 0 && imsm_slot_of(&v->map[0], (uint32_t)dl->index) >= 0;
}

/* ---- entries of the disk table ---- */

int imsm_serial_in_table(const struct imsm_meta *m, const uint8_t serial[IMSM_SERIAL_LEN])
{
	for (unsigned i = 0; i < m->num_disks; i++)
		if (imsm_serial_equal(m->disk[i].serial, serial))
			return (int)i;
	return -1;
}

bool imsm_disk_present(const struct imsm_container *c, uint32_t index)
{
	return index < c->meta.num_disks && imsm_dl_by_index(c, (int)index);
}

bool imsm_disk_failed(const struct imsm_container *c, uint32_t index)
{
	return index >= c->meta.num_disks || (le32_get(c->meta.disk[index].status) & IMSM_DISK_FAILED);
}

bool imsm_disk_absent(const struct imsm_container *c, uint32_t index)
{
	return !imsm_disk_present(c, index) && !imsm_disk_failed(c, index);
}

bool imsm_any_absent(const struct imsm_container *c)
{
	for (uint32_t i = 0; i < c->meta.num_disks; i++)
		if (imsm_disk_absent(c, i))
			return true;
	return false;
}

int imsm_half_written_entry(const struct imsm_container *c, const uint8_t serial[IMSM_SERIAL_LEN], uint32_t family)
{
	const uint32_t mask = IMSM_DISK_CONFIGURED | IMSM_DISK_FAILED | IMSM_DISK_SPARE | IMSM_DISK_JOURNAL;
	int index = imsm_serial_in_table(&c->meta, serial);

	if (family != le32_get(c->meta.header.family_num) || index < 0 || imsm_disk_present(c, (uint32_t)index))
		return -1;
	return (le32_get(c->meta.disk[index].status) & mask) == IMSM_DISK_CONFIGURED ? index : -1;
}

bool imsm_dl_failed(const struct imsm_container *c, const struct imsm_dl *dl)
{
	if (dl->index >= 0)
		return imsm_disk_failed(c, (uint32_t)dl->index);
	return dl->index == IMSM_INDEX_UNRELATED || (le32_get(dl->record.status) & IMSM_DISK_FAILED);
}

bool imsm_slot_bad(const struct imsm_container *c, const struct imsm_volume *v, unsigned slot)
{
	uint32_t ord = v->map[0].ord[slot];

	return (ord & IMSM_ORD_REBUILD) || imsm_disk_failed(c, imsm_ord_index(ord)) ||
	       !imsm_disk_present(c, imsm_ord_index(ord));
}

/* ---- marks in serials ---- */

/* mdadm's daemon marks a serial once for each volume (1.17). */
#define MOST_MARKS IMSM_MAX_VOLUMES

static void shift_serial(uint8_t serial[IMSM_SERIAL_LEN])
{
	memmove(serial, serial + 1, IMSM_SERIAL_LEN - 1);
}

/* `marked` is the serial with the mark of a failure, once or more often, and that of a missing disk behind one of them. */
static bool is_marked_missing(const uint8_t marked[IMSM_SERIAL_LEN], const uint8_t serial[IMSM_SERIAL_LEN])
{
	uint8_t first[IMSM_SERIAL_LEN], last[IMSM_SERIAL_LEN];

	memcpy(last, serial, IMSM_SERIAL_LEN);
	memcpy(first, serial, IMSM_SERIAL_LEN);
	imsm_serial_mark_failed(first);
	shift_serial(first);
	for (unsigned i = 0; i < MOST_MARKS; i++) {
		uint8_t shifted[IMSM_SERIAL_LEN];

		imsm_serial_mark_failed(last);
		memcpy(shifted, last, IMSM_SERIAL_LEN);
		shift_serial(shifted);
		if (imsm_serial_equal(marked, first) || imsm_serial_equal(marked, shifted))
			return true;
		imsm_serial_mark_failed(first);
	}
	return false;
}

bool imsm_is_marked_failed(const uint8_t marked[IMSM_SERIAL_LEN], const uint8_t serial[IMSM_SERIAL_LEN])
{
	uint8_t with[IMSM_SERIAL_LEN];

	memcpy(with, serial, IMSM_SERIAL_LEN);
	for (unsigned i = 0; i < MOST_MARKS; i++) {
		imsm_serial_mark_failed(with);
		if (imsm_serial_equal(marked, with))
			return true;
	}
	return false;
}

bool imsm_only_missing(const struct imsm_disk *d)
{
	return (le32_get(d->status) & IMSM_DISK_FAILED) && le32_get(d->scsi_id) == IMSM_SCSI_ID_MISSING;
}

/* Marks cut a long serial: what stands for two disks stands for none. */
int imsm_missing_entry_of(const struct imsm_container *c, const uint8_t serial[IMSM_SERIAL_LEN])
{
	int found = -1;

	for (unsigned i = 0; i < c->meta.num_disks; i++) {
		const struct imsm_disk *d = &c->meta.disk[i];

		if (!imsm_only_missing(d) || !is_marked_missing(d->serial, serial))
			continue;
		if (found >= 0)
			return -1;
		found = (int)i;
	}
	return found;
}
