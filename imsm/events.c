/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What happens to the metadata of an IMSM volume when something happens to its array
 * (imsm.md 3, 5 and 6).
 *
 * Every rule looks at what md has now and at what the metadata says now, never at an
 * edge between two passes: being told the same thing again changes nothing, and an event
 * that nobody saw (because the daemon was not there) is made up for by the next look.
 *
 * While a migration runs map 0 is where the volume is going and map 1 where it comes
 * from. IMSM_ORD_REBUILD in map 0 means that the slot will have no data in the end, in
 * map 1 that it has none now.
 */
#include "imsm/imsm.h"

#include <string.h>

#define NO_FAILED_SLOT 0xff
#define MD_RAID5_LEFT_ASYMMETRIC 0 /* layout of all IMSM RAID5 */

/* ---- finding things ---- */

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

bool imsm_dl_is_member(const struct imsm_volume *v, const struct imsm_dl *dl)
{
	return dl->index >= 0 && imsm_slot_of(&v->map[0], (uint32_t)dl->index) >= 0;
}

bool imsm_dl_failed(const struct imsm_container *c, const struct imsm_dl *dl)
{
	if (dl->index >= 0)
		return imsm_disk_failed(c, (uint32_t)dl->index);
	return dl->index == IMSM_INDEX_UNRELATED || (le32_get(dl->record.status) & IMSM_DISK_FAILED);
}

bool imsm_disk_present(const struct imsm_container *c, uint32_t index)
{
	return index < c->meta.num_disks && imsm_dl_by_index(c, (int)index);
}

bool imsm_disk_failed(const struct imsm_container *c, uint32_t index)
{
	return index >= c->meta.num_disks || (le32_get(c->meta.disk[index].status) & IMSM_DISK_FAILED);
}

bool imsm_slot_bad(const struct imsm_container *c, const struct imsm_volume *v, unsigned slot)
{
	uint32_t ord = v->map[0].ord[slot];

	return (ord & IMSM_ORD_REBUILD) || imsm_disk_failed(c, imsm_ord_index(ord)) ||
	       !imsm_disk_present(c, imsm_ord_index(ord));
}

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

/* ---- derived quantities of a map ---- */

bool imsm_map_is_mirror(const struct imsm_map *m)
{
	int level = imsm_map_level(m);

	return level == IMSM_RAID1 || level == IMSM_RAID10;
}

unsigned imsm_map_data_members(const struct imsm_map *m)
{
	unsigned members = m->head.num_members;

	switch (imsm_map_level(m)) {
	case IMSM_RAID0:
		return members;
	case IMSM_RAID1:
	case IMSM_RAID10:
		return members / 2;
	case IMSM_RAID5:
		return members ? members - 1 : 0;
	}
	return 0;
}

/* num_data_stripes of a mirror is stored divided by its two domains. */
uint64_t imsm_map_per_dev(const struct imsm_map *m)
{
	return imsm_map_stripes(m) * imsm_map_chunk(m) * (imsm_map_is_mirror(m) ? 2 : 1);
}

void imsm_map_update_stripes(struct imsm_map *m, uint64_t volume_sectors)
{
	unsigned data = imsm_map_data_members(m);

	if (data && m->head.num_domains && imsm_map_chunk(m))
		imsm_map_set_stripes(m, volume_sectors / data / m->head.num_domains / imsm_map_chunk(m));
}

/* ---- what is bad ---- */

/*
 * A volume, and what md says of its members. Metadata of a disk that we could not read
 * counts as missing; but while md works with that disk the volume has lost nothing. Without
 * an event only the metadata counts.
 */
struct view {
	const struct imsm_container *c;
	const struct imsm_volume *v;
	const struct imsm_event *ev; /* may be NULL */
};

static bool md_in_sync(const struct imsm_event *ev, unsigned slot)
{
	for (unsigned i = 0; ev && i < ev->disk_count; i++)
		if (ev->disk[i].slot == (int)slot && !(ev->disk[i].state & MEMBER_FAULTY))
			return ev->disk[i].state & MEMBER_IN_SYNC;
	return false;
}

static bool disk_bad(const struct view *w, unsigned slot, uint32_t index)
{
	if (imsm_disk_failed(w->c, index))
		return true;
	return !imsm_disk_present(w->c, index) && !md_in_sync(w->ev, slot);
}

static bool ord_bad(const struct view *w, unsigned slot, uint32_t ord)
{
	return (ord & IMSM_ORD_REBUILD) || disk_bad(w, slot, imsm_ord_index(ord));
}

static unsigned count_bad_in(const struct view *w, const struct imsm_map *m)
{
	unsigned bad = 0;

	for (unsigned slot = 0; slot < m->head.num_members; slot++)
		bad += ord_bad(w, slot, m->ord[slot]);
	return bad;
}

/* Slots of map 0 that are bad and hold another disk than map 1. */
static unsigned count_bad_replaced(const struct view *w, const struct imsm_map *m0, const struct imsm_map *m1)
{
	unsigned bad = 0;

	for (unsigned slot = 0; slot < m0->head.num_members; slot++) {
		uint32_t ord = m0->ord[slot];

		if (slot < m1->head.num_members && imsm_ord_index(m1->ord[slot]) == imsm_ord_index(ord))
			continue;
		bad += ord_bad(w, slot, ord);
	}
	return bad;
}

static unsigned count_bad(const struct view *w, enum imsm_which which)
{
	const struct imsm_map *m0 = &w->v->map[0];
	const struct imsm_map *m1 = imsm_which_map(w->v, IMSM_M1);

	if (which == IMSM_M1)
		return m1 ? count_bad_in(w, m1) : 0;
	if (which == IMSM_M0 || !m1)
		return count_bad_in(w, m0);
	return count_bad_in(w, m1) + count_bad_replaced(w, m0, m1);
}

/* Of each mirrored pair one slot must be good; one under rebuild is not. */
static bool pair_lost(const struct view *w, const struct imsm_map *m)
{
	for (unsigned slot = 0; slot + 1 < m->head.num_members; slot += 2)
		if (ord_bad(w, slot, imsm_ord(w->v, slot, IMSM_MX)) &&
		    ord_bad(w, slot + 1, imsm_ord(w->v, slot + 1, IMSM_MX)))
			return true;
	return false;
}

static enum imsm_map_state check_degraded(const struct view *w, unsigned failed, enum imsm_which which)
{
	const struct imsm_map *m = imsm_which_map(w->v, which);

	if (!m)
		m = &w->v->map[0];
	if (failed == 0)
		return m->head.map_state == IMSM_UNINITIALIZED ? IMSM_UNINITIALIZED : IMSM_NORMAL;
	switch (imsm_map_level(m)) {
	case IMSM_RAID0:
		return IMSM_FAILED;
	case IMSM_RAID1:
		return failed < m->head.num_members ? IMSM_DEGRADED : IMSM_FAILED;
	case IMSM_RAID5:
		return failed < 2 ? IMSM_DEGRADED : IMSM_FAILED;
	case IMSM_RAID10:
		return pair_lost(w, m) ? IMSM_FAILED : IMSM_DEGRADED;
	}
	return (enum imsm_map_state)m->head.map_state;
}

unsigned imsm_count_failed(const struct imsm_container *c, const struct imsm_volume *v, enum imsm_which which)
{
	struct view w = { .c = c, .v = v };

	return count_bad(&w, which);
}

enum imsm_map_state imsm_check_degraded(const struct imsm_container *c, const struct imsm_volume *v, unsigned failed,
					enum imsm_which which)
{
	struct view w = { .c = c, .v = v };

	return check_degraded(&w, failed, which);
}

/* ---- what is going on ---- */

static bool migrating(const struct imsm_volume *v, enum imsm_migr_type type)
{
	return v->head.migr_state && imsm_volume_migr_type(v) == type;
}

bool imsm_rebuilding(const struct imsm_volume *v)
{
	return migrating(v, IMSM_MIGR_REBUILD) && v->map[1].head.map_state == IMSM_DEGRADED;
}

bool imsm_initializing(const struct imsm_volume *v)
{
	return migrating(v, IMSM_MIGR_INIT) && v->map[1].head.map_state == IMSM_UNINITIALIZED;
}

bool imsm_resyncing(const struct imsm_volume *v)
{
	if (migrating(v, IMSM_MIGR_INIT) || migrating(v, IMSM_MIGR_REPAIR))
		return true;
	return v->head.migr_state && !imsm_general_migration(v) && v->map[1].head.map_state == IMSM_NORMAL;
}

bool imsm_general_migration(const struct imsm_volume *v)
{
	return migrating(v, IMSM_MIGR_GENERAL);
}

bool imsm_container_reshaping(const struct imsm_container *c)
{
	for (unsigned i = 0; i < c->meta.num_volumes; i++)
		if (imsm_general_migration(&c->meta.volume[i]))
			return true;
	return false;
}

/* A rebuild is not done with this slot: it has no data yet, but is going to. */
static bool slot_pending(const struct view *w, unsigned slot)
{
	uint32_t to = imsm_ord(w->v, slot, IMSM_M0), from = imsm_ord(w->v, slot, IMSM_M1);

	if (!imsm_rebuilding(w->v) || to == UINT32_MAX || from == UINT32_MAX || ord_bad(w, slot, to))
		return false;
	/* Firmware may leave the replaced disk in map 1. */
	return (from & IMSM_ORD_REBUILD) || imsm_ord_index(from) != imsm_ord_index(to);
}

static bool rebuild_pending(const struct view *w)
{
	for (unsigned slot = 0; slot < w->v->map[0].head.num_members; slot++)
		if (slot_pending(w, slot))
			return true;
	return false;
}

/* ---- checkpoints (imsm.md 5.4) ---- */

static unsigned at_least_1(unsigned n)
{
	return n ? n : 1;
}

/*
 * Where array block `block` lies within a member of map `m`. Asked for RAID1 only: with the other levels a unit is
 * a whole number of stripes.
 */
static uint64_t block_in_member(const struct imsm_map *m, uint64_t block)
{
	unsigned chunk = imsm_map_chunk(m);

	if (!imsm_map_is_mirror(m))
		return 0;
	return (block / chunk * m->head.num_domains + 1) / m->head.num_members * chunk + block % chunk;
}

static uint64_t resync_unit(const struct imsm_map *m0, const struct imsm_map *m1)
{
	unsigned chunk = imsm_map_chunk(m0);
	int level = imsm_map_level(m0);
	uint64_t stripe = (uint64_t)chunk * imsm_map_data_members(m0);
	uint64_t unit_chunk = level == IMSM_RAID5 || level == IMSM_RAID10 ? chunk : 256;
	uint64_t blocks = at_least_1(imsm_map_chunk(m1) / chunk) * unit_chunk * imsm_map_data_members(m0);
	uint64_t depth = chunk;

	if (!stripe)
		return 0;
	if (imsm_map_is_mirror(m0))
		depth *= m0->head.num_domains;
	else if (level == IMSM_RAID5)
		depth *= m0->head.num_members;
	return block_in_member(m1, blocks % stripe) + depth * (blocks / stripe);
}

static uint64_t rebuild_unit(const struct imsm_map *m0, const struct imsm_map *m1)
{
	unsigned chunk = imsm_map_chunk(m1);
	uint64_t unit = 256;

	if (imsm_map_level(m1) == IMSM_RAID5)
		unit = chunk > 128 ? chunk : 128;
	return unit * (imsm_map_is_mirror(m0) ? m1->head.num_domains : at_least_1(chunk / imsm_map_chunk(m0)));
}

uint64_t imsm_blocks_per_unit(const struct imsm_volume *v)
{
	const struct imsm_map *m0 = &v->map[0], *m1 = &v->map[1];

	if (!v->head.migr_state || !imsm_map_chunk(m0) || !imsm_map_chunk(m1) || !m1->head.num_members)
		return 0;
	switch (imsm_volume_migr_type(v)) {
	case IMSM_MIGR_INIT:
	case IMSM_MIGR_VERIFY:
	case IMSM_MIGR_REPAIR:
		return resync_unit(m0, m1);
	case IMSM_MIGR_REBUILD:
		return rebuild_unit(m0, m1);
	case IMSM_MIGR_GENERAL: /* mdadm sends it */
	case IMSM_MIGR_STATE_CHANGE:
		break;
	}
	return 0;
}

void imsm_store_unit(struct imsm_container *c, struct imsm_volume *v, uint64_t unit)
{
	if (imsm_volume_unit(v) == unit)
		return;
	imsm_volume_set_unit(v, unit);
	c->write_due = true;
}

static bool is_resync(enum sync_action a)
{
	return a == SYNC_RESYNC || a == SYNC_CHECK || a == SYNC_REPAIR;
}

/*
 * Whether last_checkpoint tells of the recorded migration. After assembly it means nothing until a sync has
 * been seen running; and the position of a check says nothing about a rebuild. When a sync
 * is interrupted the action before tells.
 */
static bool checkpoint_counts(const struct imsm_volume *v, const struct imsm_event *ev)
{
	enum sync_action a = ev->action;

	if (ev->prev_action == SYNC_NONE || ev->prev_action == SYNC_IDLE)
		return false;
	if (a != SYNC_RECOVER && !is_resync(a))
		a = ev->prev_action;
	return migrating(v, IMSM_MIGR_REBUILD) ? a == SYNC_RECOVER : is_resync(a);
}

/* Zero is no progress: it must not wipe out what an earlier run of the same sync achieved. */
static void save_checkpoint(struct imsm_container *c, struct imsm_volume *v, const struct imsm_event *ev)
{
	uint64_t bpu = imsm_blocks_per_unit(v);

	if (bpu && ev->last_checkpoint / bpu && checkpoint_counts(v, ev))
		imsm_store_unit(c, v, ev->last_checkpoint / bpu);
}

/* ---- transitions (imsm.md 3.5 to 3.11) ---- */

void imsm_migrate(struct imsm_volume *v, enum imsm_map_state to, enum imsm_migr_type type)
{
	struct imsm_map *m0 = &v->map[0];

	v->head.migr_state = 1;
	imsm_volume_set_migr_type(v, type);
	imsm_volume_set_unit(v, 0);
	v->map[1] = *m0; /* with its flags: a reshape gives no slot data that it has not */
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
 * What a migration did not finish stays unfinished: map 0 inherits the flags of map 1. True if that
 * changed it. (Also when the state does not change: a rebuild that was given up while another
 * slot had failed would otherwise leave its slot looking good.)
 */
static bool inherit_flags(struct imsm_volume *v)
{
	struct imsm_map *m0 = &v->map[0];
	const struct imsm_map *m1 = &v->map[1];
	bool rebuild = migrating(v, IMSM_MIGR_REBUILD);
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
	if (v->head.migr_state && !imsm_general_migration(v) && v->map[1].head.map_state != IMSM_UNINITIALIZED &&
	    inherit_flags(v))
		state = imsm_check_degraded(c, v, imsm_count_failed(c, v, IMSM_M0), IMSM_M0);
	v->head.migr_state = 0;
	imsm_volume_set_migr_type(v, IMSM_MIGR_INIT);
	imsm_volume_set_unit(v, 0);
	v->map[0].head.map_state = (uint8_t)state;
}

/*
 * The lowest failed slot. During a rebuild the number keeps naming the slot under rebuild. One that names
 * a good slot is a leftover.
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

/* The mark keeps the disk from being recognised when it comes back with what it holds now. */
static void mark_record_failed(struct imsm_disk *d)
{
	uint32_t status = le32_get(d->status);

	if (status & IMSM_DISK_FAILED)
		return;
	imsm_serial_mark_failed(d->serial);
	d->status = le32_make(status | IMSM_DISK_FAILED);
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
	note_failed_slot(v, (unsigned)slot);
	flag_slot(m0, slot);
	if (v->head.migr_state)
		flag_slot(&v->map[1], imsm_slot_of(&v->map[1], index));
	drop_bad_blocks(&c->meta, index);
	c->write_due = true;
	return true;
}

void imsm_mark_missing(struct imsm_container *c, struct imsm_volume *v, uint32_t index)
{
	struct imsm_disk *d = &c->meta.disk[index];

	imsm_mark_failure(c, v, index);
	if (imsm_disk_present(c, index) || le32_get(d->scsi_id) == IMSM_SCSI_ID_MISSING)
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

/*
 * A disk vanished, came back and became a spare. Whatever it held is out of date, and no serial may stand
 * in the table twice: its old entry is that of a failed disk.
 */
static void disown_serial(struct imsm_container *c, const uint8_t serial[IMSM_SERIAL_LEN])
{
	for (uint32_t i = 0; i < c->meta.num_disks; i++) {
		if (imsm_disk_failed(c, i) || !imsm_serial_equal(c->meta.disk[i].serial, serial))
			continue;
		for (unsigned k = 0; k < c->meta.num_volumes; k++)
			if (imsm_mark_failure(c, &c->meta.volume[k], i))
				imsm_update_state(c, &c->meta.volume[k]);
		mark_record_failed(&c->meta.disk[i]);
	}
}

void imsm_enlist_disk(struct imsm_container *c, struct imsm_dl *dl)
{
	struct imsm_disk *d = &c->meta.disk[c->meta.num_disks];

	disown_serial(c, dl->serial);
	*d = dl->record;
	memcpy(d->serial, dl->serial, IMSM_SERIAL_LEN);
	d->status = le32_make((le32_get(d->status) & ~IMSM_DISK_SPARE) | IMSM_DISK_CONFIGURED);
	dl->index = (int)c->meta.num_disks++;
	dl->spare_record_due = false;
	c->write_due = true;
}

/* Its entry is about to go: a good disk becomes a spare, a failed one is never written again. */
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

/* ---- events: common parts ---- */

static void set_map_state(struct imsm_container *c, struct imsm_map *m, enum imsm_map_state state)
{
	if (m->head.map_state == state)
		return;
	m->head.map_state = (uint8_t)state;
	c->write_due = true;
}

static void set_failed_slot(struct imsm_container *c, struct imsm_map *m, int slot)
{
	uint8_t number = slot < 0 ? NO_FAILED_SLOT : (uint8_t)slot;

	if (m->head.failed_disk_num == number)
		return;
	m->head.failed_disk_num = number;
	c->write_due = true;
}

static void finish_migration(struct imsm_container *c, struct imsm_volume *v, struct imsm_event *ev,
			     enum imsm_map_state state)
{
	if (!v->head.migr_state && v->map[0].head.map_state == state)
		return;
	imsm_end_migration(c, v, state);
	ev->last_checkpoint = 0;
	c->write_due = true;
}

/* ---- events: a member (imsm.md 6) ---- */

static bool all_recovered(const struct imsm_event *ev, int faulty_slot)
{
	for (unsigned i = 0; i < ev->disk_count; i++)
		if (ev->disk[i].recovery_start != SECTORS_NONE && !(ev->disk[i].state & MEMBER_FAULTY) &&
		    ev->disk[i].slot != faulty_slot)
			return false;
	return true;
}

/* md says that the slot's data is good. That counts for a slot under rebuild only. */
static void note_in_sync(const struct view *w, struct imsm_container *c, struct imsm_volume *v, unsigned slot)
{
	if (!slot_pending(w, slot))
		return;
	v->map[1].ord[slot] = imsm_ord_index(v->map[0].ord[slot]);
	c->write_due = true;
}

/* How far md itself says the rebuild has come; it never goes back. */
static void note_recovery(const struct view *w, struct imsm_container *c, struct imsm_volume *v, struct imsm_event *ev)
{
	uint64_t reached = SECTORS_NONE, bpu = imsm_blocks_per_unit(v);

	for (unsigned i = 0; i < ev->disk_count; i++)
		if (ev->disk[i].slot >= 0 && slot_pending(w, (unsigned)ev->disk[i].slot) &&
		    ev->disk[i].recovery_start < reached)
			reached = ev->disk[i].recovery_start;
	if (reached == SECTORS_NONE)
		return;
	if (ev->last_checkpoint < reached)
		ev->last_checkpoint = reached;
	if (bpu && reached / bpu > imsm_volume_unit(v))
		imsm_store_unit(c, v, reached / bpu);
}

/*
 * The state that map 0 should have. While a rebuild runs its slots have no data yet: with one more failure
 * everything may be lost although map 0, which tells of the end of the rebuild, would still do.
 */
static enum imsm_map_state state_of(const struct view *w)
{
	enum imsm_map_state state = check_degraded(w, count_bad(w, IMSM_M0), IMSM_M0);
	unsigned bad = 0;

	if (!imsm_rebuilding(w->v))
		return state;
	for (unsigned slot = 0; slot < w->v->map[0].head.num_members; slot++)
		bad += ord_bad(w, slot, w->v->map[0].ord[slot]) || slot_pending(w, slot);
	return check_degraded(w, bad, IMSM_M0) == IMSM_FAILED ? IMSM_FAILED : state;
}

static void normal(const struct view *w, struct imsm_container *c, struct imsm_volume *v, struct imsm_event *ev)
{
	if (imsm_rebuilding(v)) {
		if (rebuild_pending(w) || !all_recovered(ev, -1))
			return;
		finish_migration(c, v, ev, IMSM_NORMAL);
		set_failed_slot(c, &v->map[0], -1);
	} else if (imsm_general_migration(v)) {
		if (ev->reshape_done)
			finish_migration(c, v, ev, IMSM_NORMAL);
		else
			set_map_state(c, &v->map[0], IMSM_NORMAL);
		set_failed_slot(c, &v->map[0], -1);
	}
}

static int highest_flagged_slot(const struct imsm_map *m)
{
	int slot = m->head.num_members;

	while (--slot >= 0 && !(m->ord[slot] & IMSM_ORD_REBUILD))
		;
	return slot;
}

/*
 * Over when no slot is left that could still become good. If it ended because its disk died, the number of the
 * failed slot already names that one; else the next one to be rebuilt.
 */
static void degraded_rebuild(const struct view *w, struct imsm_container *c, struct imsm_volume *v,
			     struct imsm_event *ev, int faulty_slot)
{
	struct imsm_map *m0 = &v->map[0];

	set_map_state(c, m0, IMSM_DEGRADED);
	if (rebuild_pending(w) || !all_recovered(ev, faulty_slot))
		return;
	finish_migration(c, v, ev, IMSM_DEGRADED);
	if (faulty_slot < 0)
		set_failed_slot(c, m0, highest_flagged_slot(m0));
}

static void degraded_reshape(const struct view *w, struct imsm_container *c, struct imsm_volume *v,
			     struct imsm_event *ev)
{
	if (ev->reshape_done) {
		finish_migration(c, v, ev, IMSM_DEGRADED);
		return;
	}
	set_map_state(c, &v->map[0], IMSM_DEGRADED);
	set_map_state(c, &v->map[1], check_degraded(w, count_bad(w, IMSM_M1), IMSM_M1));
}

static void degraded(const struct view *w, struct imsm_container *c, struct imsm_volume *v, struct imsm_event *ev,
		     int faulty_slot)
{
	if (!v->head.migr_state)
		finish_migration(c, v, ev, IMSM_DEGRADED);
	else if (imsm_rebuilding(v))
		degraded_rebuild(w, c, v, ev, faulty_slot);
	else if (imsm_general_migration(v))
		degraded_reshape(w, c, v, ev);
	else if (imsm_initializing(v))
		set_map_state(c, &v->map[0], IMSM_DEGRADED);
	/* A resync ends when md declares it complete: imsm_set_array_state() does the rest. */
}

static void failed(struct imsm_container *c, struct imsm_volume *v, struct imsm_event *ev)
{
	if (imsm_general_migration(v))
		set_map_state(c, &v->map[0], IMSM_FAILED);
	else if (v->map[0].head.map_state != IMSM_FAILED)
		finish_migration(c, v, ev, IMSM_FAILED);
}

/*
 * A takeover has been recorded, but md has not followed yet: until then its slots are not ours.
 */
static bool md_lags_behind(const struct imsm_volume *v, const struct imsm_event *ev)
{
	return imsm_map_level(&v->map[0]) == IMSM_RAID0 && (ev->level == 1 || ev->level == 10);
}

void imsm_set_disk(struct imsm_container *c, unsigned volume, int slot, unsigned state, struct imsm_event *ev)
{
	struct imsm_volume *v = volume < c->meta.num_volumes ? &c->meta.volume[volume] : NULL;
	struct view w = { .c = c, .v = v, .ev = ev };
	bool faulty = state & MEMBER_FAULTY;
	uint32_t ord;

	if (!v || slot < 0 || md_lags_behind(v, ev))
		return;
	/* map 0: where they differ it is the one that names the disk that md has. */
	ord = imsm_ord(v, (unsigned)slot, IMSM_M0);
	if (ord == UINT32_MAX)
		return;
	if (faulty)
		imsm_mark_failure(c, v, imsm_ord_index(ord));
	else if (state & MEMBER_IN_SYNC)
		note_in_sync(&w, c, v, (unsigned)slot);
	note_recovery(&w, c, v, ev);
	switch (state_of(&w)) {
	case IMSM_NORMAL:
		normal(&w, c, v, ev);
		break;
	case IMSM_DEGRADED:
		degraded(&w, c, v, ev, faulty ? slot : -1);
		break;
	case IMSM_FAILED:
		failed(c, v, ev);
		break;
	case IMSM_UNINITIALIZED:
		break;
	}
}

/* ---- events: disks that are not there (imsm.md 3.9) ---- */

/* The slot's disk is absent or failed, and md does not work with it. */
static bool slot_lost(const struct view *w, unsigned slot)
{
	return disk_bad(w, slot, imsm_ord_index(w->v->map[0].ord[slot])) && !md_in_sync(w->ev, slot);
}

static bool flagged_in_both(const struct imsm_volume *v)
{
	for (unsigned slot = 0; v->head.migr_state && slot < v->map[0].head.num_members; slot++) {
		uint32_t from = imsm_ord(v, slot, IMSM_M1);

		if ((v->map[0].ord[slot] & IMSM_ORD_REBUILD) && from != UINT32_MAX && (from & IMSM_ORD_REBUILD))
			return true;
	}
	return false;
}

/*
 * Before the array is written to: what an absent disk holds is about to become out of date, and that must be
 * on record. A migration of whose slots none was known to be bad cannot go on as it was
 * recorded; but a disk that merely stands in the table (a firmware that started a rebuild leaves the replaced one
 * there) is no reason to end one.
 */
static void record_lost_disks(struct imsm_container *c, struct imsm_volume *v, struct imsm_event *ev)
{
	struct view w = { .c = c, .v = v, .ev = ev };
	unsigned bad = count_bad(&w, IMSM_M0);
	bool any = false;

	for (unsigned slot = 0; slot < v->map[0].head.num_members; slot++)
		any |= slot_lost(&w, slot);
	if (!any)
		return;
	if (!imsm_general_migration(v) && bad && !flagged_in_both(v))
		finish_migration(c, v, ev, check_degraded(&w, bad, IMSM_M0));
	for (unsigned slot = 0; slot < v->map[0].head.num_members; slot++)
		if (slot_lost(&w, slot))
			imsm_mark_missing(c, v, imsm_ord_index(v->map[0].ord[slot]));
}

/* ---- events: the array (imsm.md 5) ---- */

/* RAID10: md counts the sectors of the array, each once. */
static bool resync_complete(const struct imsm_event *ev)
{
	uint64_t end = 0;
	unsigned copies = ((unsigned)ev->layout & 0xff) * ((unsigned)ev->layout >> 8 & 0xff);

	switch (ev->level) {
	case 1:
	case 4:
	case 5:
	case 6:
		end = ev->component_size;
		break;
	case 10:
		end = ev->component_size * (unsigned)ev->raid_disks / at_least_1(copies);
		break;
	}
	return ev->resync_start >= end;
}

/*
 * A resync is never recorded over another migration (a rebuild would be forgotten), nor for an array that has
 * just ended.
 */
static bool resync_to_be_recorded(const struct imsm_container *c, const struct imsm_volume *v,
				  const struct imsm_event *ev, unsigned bad)
{
	return !v->head.migr_state && bad == 0 && !imsm_container_reshaping(c) && ev->state > ARRAY_INACTIVE;
}

/* True if a resync was begun: then there is no progress to be saved yet. */
static bool follow_resync(struct imsm_container *c, struct imsm_volume *v, struct imsm_event *ev, unsigned bad,
			  enum imsm_map_state state)
{
	if (resync_complete(ev)) {
		if (imsm_resyncing(v))
			finish_migration(c, v, ev, state == IMSM_UNINITIALIZED ? IMSM_NORMAL : state);
		return false;
	}
	if (!resync_to_be_recorded(c, v, ev, bad))
		return false;
	imsm_migrate(v, IMSM_NORMAL,
		     v->map[0].head.map_state == IMSM_UNINITIALIZED ? IMSM_MIGR_INIT : IMSM_MIGR_REPAIR);
	c->write_due = true;
	return true;
}

static enum consistency record_dirty(struct imsm_container *c, struct imsm_volume *v, enum consistency want)
{
	uint8_t policy = v->head.rwh_policy;
	bool ppl = policy == IMSM_RWH_DISTRIBUTED || policy == IMSM_RWH_MULTIPLE_DISTRIBUTED;
	bool dirty = want == MARK_DIRTY;

	if (dirty != !!(v->head.dirty & IMSM_DIRTY)) {
		v->head.dirty = !dirty ? 0 : ppl ? IMSM_DIRTY | IMSM_DSRECORD_VALID : IMSM_DIRTY;
		c->write_due = true;
	}
	return dirty ? MARK_DIRTY : MARK_CLEAN;
}

/* md has the shape that the volume is to have in the end. Level 4: mdadm reshapes a RAID0 as that. */
static bool shape_reached(const struct imsm_volume *v, const struct imsm_event *ev)
{
	const struct imsm_map *m0 = &v->map[0];
	bool raid0 = imsm_map_level(m0) == IMSM_RAID0;

	/* A RAID0 that is to become a RAID5 is one from the beginning, but with all parity on the last disk. */
	if (imsm_map_level(m0) == IMSM_RAID5 && ev->layout != MD_RAID5_LEFT_ASYMMETRIC)
		return false;
	return ev->level == (raid0 ? 4 : imsm_map_level(m0)) && ev->raid_disks == m0->head.num_members + raid0 &&
	       ev->chunk == imsm_map_chunk(m0);
}

/* Also when nobody saw it end. */
static bool reshape_is_over(const struct imsm_volume *v, const struct imsm_event *ev)
{
	return imsm_general_migration(v) && (ev->reshape_done || (ev->reshape_idle && shape_reached(v, ev)));
}

enum consistency imsm_set_array_state(struct imsm_container *c, unsigned volume, struct imsm_event *ev,
				      enum consistency want)
{
	struct imsm_volume *v = volume < c->meta.num_volumes ? &c->meta.volume[volume] : NULL;
	struct view w = { .c = c, .v = v, .ev = ev };
	enum imsm_map_state state;
	unsigned bad;

	if (!v)
		return want == MARK_DIRTY ? MARK_DIRTY : MARK_CLEAN;
	/* mdadm drives a reshape and records it. */
	if (md_lags_behind(v, ev) || (imsm_general_migration(v) && ev->action == SYNC_RESHAPE))
		return record_dirty(c, v, want);
	bad = count_bad(&w, IMSM_M0);
	state = check_degraded(&w, bad, IMSM_M0);
	ev->reshape_done = reshape_is_over(v, ev);
	if (ev->reshape_done)
		imsm_finish_reshape(c, volume, ev);
	else if (ev->reshape_idle && !v->head.migr_state)
		ev->custom_array_size = imsm_volume_blocks(v); /* a daemon that died may not have come to that */
	if (want != MARK_CLEAN)
		record_lost_disks(c, v, ev);
	if (want == MARK_DECIDE && (!resync_complete(ev) || state != IMSM_NORMAL || v->head.migr_state))
		want = MARK_DIRTY;
	if (!follow_resync(c, v, ev, bad, state))
		save_checkpoint(c, v, ev);
	return record_dirty(c, v, want);
}
