/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a status request is told about an IMSM container. Pure; monitor thread.
 */
#include <stdio.h>
#include <string.h>

#include "imsm/imsm.h"

_Static_assert(IMSM_MAX_VOLUMES <= REPORT_VOLUMES, "all volumes find room");
_Static_assert(IMSM_MAX_MEMBERS <= REPORT_MEMBERS, "all members find room");
_Static_assert(IMSM_MAX_DISKS <= REPORT_DISKS, "all entries of the disk table find room");

static enum report_disk_state entry_state(const struct imsm_container *c, uint32_t index)
{
	if (imsm_disk_failed(c, index))
		return REPORT_DISK_FAILED;
	return imsm_disk_present(c, index) ? REPORT_DISK_MEMBER : REPORT_DISK_MISSING;
}

/* A failed disk that is still there has lost its place in the table, not its entry. */
static const struct imsm_dl *present(const struct imsm_container *c, unsigned i)
{
	const struct imsm_dl *dl = imsm_dl_by_index(c, (int)i);

	for (const struct imsm_dl *other = c->disks; other && !dl; other = other->next)
		if (other->index == IMSM_INDEX_UNRELATED && imsm_serial_equal(other->serial, c->meta.disk[i].serial))
			dl = other;
	return dl;
}

static bool is_in_table(const struct imsm_container *c, const struct imsm_dl *dl)
{
	for (unsigned i = 0; i < c->meta.num_disks; i++)
		if (present(c, i) == dl)
			return true;
	return false;
}

/* The disk table first: members of volumes name its entries by number. */
static void report_table(const struct imsm_container *c, struct report *r)
{
	for (unsigned i = 0; i < c->meta.num_disks; i++) {
		const struct imsm_dl *dl = present(c, i);
		struct report_disk *d = &r->disk[r->disk_count++];

		d->dev = dl ? dl->dev : 0;
		imsm_serial_text(c->meta.disk[i].serial, d->serial);
		d->state = entry_state(c, i);
		d->unwritable = dl && dl->stale;
	}
}

/* Spares, and failed disks that no volume names any more. */
static void report_others(const struct imsm_container *c, struct report *r)
{
	for (const struct imsm_dl *dl = c->disks; dl && r->disk_count < REPORT_DISKS; dl = dl->next) {
		struct report_disk *d = &r->disk[r->disk_count];

		if (is_in_table(c, dl))
			continue;
		r->disk_count++;
		d->dev = dl->dev;
		imsm_serial_text(dl->serial, d->serial);
		d->state = dl->index == IMSM_INDEX_SPARE ? REPORT_DISK_SPARE : REPORT_DISK_FAILED;
		d->unwritable = dl->stale;
	}
}

static enum report_volume_state volume_state(const struct imsm_volume *v)
{
	switch ((enum imsm_map_state)imsm_which_map(v, IMSM_MX)->head.map_state) {
	case IMSM_NORMAL:
		return REPORT_VOLUME_NORMAL;
	case IMSM_UNINITIALIZED:
		return REPORT_VOLUME_UNINITIALIZED;
	case IMSM_DEGRADED:
		return REPORT_VOLUME_DEGRADED;
	case IMSM_FAILED:
		break;
	}
	return REPORT_VOLUME_FAILED;
}

static void report_member(const struct imsm_container *c, const struct imsm_volume *v, unsigned slot,
			  struct report_member *m)
{
	uint32_t index = imsm_ord_index(imsm_ord(v, slot, IMSM_M0));
	bool flagged = (imsm_ord(v, slot, IMSM_M0) | imsm_ord(v, slot, IMSM_MX)) & IMSM_ORD_REBUILD;

	m->disk = imsm_disk_present(c, index) ? (int16_t)index : -1;
	if (imsm_disk_failed(c, index))
		m->state = REPORT_FAILED_MEMBER;
	else if (m->disk < 0)
		m->state = REPORT_MISSING;
	else
		m->state = flagged ? REPORT_REBUILDING : REPORT_IN_SYNC;
}

static void report_volume(const struct imsm_container *c, const struct imsm_volume *v, struct report_volume *out)
{
	memcpy(out->name, v->head.name, IMSM_NAME_LEN);
	out->name[IMSM_NAME_LEN] = '\0';
	out->level = imsm_map_level(&v->map[0]);
	out->size = imsm_volume_blocks(v);
	out->state = volume_state(v);
	out->dirty = v->head.dirty & IMSM_DIRTY;
	out->member_count = v->map[0].head.num_members;
	for (unsigned slot = 0; slot < out->member_count; slot++)
		report_member(c, v, slot, &out->member[slot]);
}

void imsm_report(const struct imsm_container *c, struct report *r)
{
	r->generation = le32_get(c->meta.header.generation_num);
	r->disk_count = 0;
	report_table(c, r);
	report_others(c, r);
	r->volume_count = c->meta.num_volumes;
	for (unsigned i = 0; i < c->meta.num_volumes; i++) {
		r->volume[i].index = (int)i;
		report_volume(c, &c->meta.volume[i], &r->volume[i]);
	}
}
