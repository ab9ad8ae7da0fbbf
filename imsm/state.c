/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an IMSM volume is, as far as it follows from its maps, its disks and what md says of them (imsm.md 3): its size,
 * the features that it needs, what is bad of it, the state that it should have, what goes on with it.
 *
 * While a migration runs map 0 is where the volume is going and map 1 where it comes
 * from. IMSM_ORD_REBUILD in map 0 means that the slot will have no data in the end, in
 * map 1 that it has none now.
 */
#include "imsm/imsm.h"

#include <string.h>

#include "metadata/left-out.h"

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

int imsm_map_highest_flagged(const struct imsm_map *m)
{
	int slot = m->head.num_members;

	while (--slot >= 0 && !(m->ord[slot] & IMSM_ORD_REBUILD))
		;
	return slot;
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

/* Volume sizes are whole MiB on each data member. */
uint64_t imsm_round_to_mib(uint64_t sectors, unsigned data_members)
{
	return data_members ? sectors / data_members / IMSM_SECTORS_PER_MIB * IMSM_SECTORS_PER_MIB * data_members : 0;
}

/* The size that follows from the shape in map 0. */
uint64_t imsm_natural_size(const struct imsm_volume *v)
{
	unsigned data = imsm_map_data_members(&v->map[0]);

	return imsm_round_to_mib(imsm_map_per_dev(&v->map[0]) * data, data);
}

/* ---- what the volumes ask of those who read them (imsm.md 1.15) ---- */

static uint32_t level_attribute(const struct imsm_map *m)
{
	switch (imsm_map_level(m)) {
	case IMSM_RAID0:
		return IMSM_ATTR_RAID0;
	case IMSM_RAID1:
		return IMSM_ATTR_RAID1;
	case IMSM_RAID5:
		return IMSM_ATTR_RAID5;
	case IMSM_RAID10:
		return m->head.num_members > 4 ? IMSM_ATTR_RAID10 | IMSM_ATTR_RAID10_EXT : IMSM_ATTR_RAID10;
	}
	return 0;
}

void imsm_update_version_info(struct imsm_meta *meta)
{
	uint32_t attributes = le32_get(meta->header.attributes) | IMSM_ATTR_CHECKSUM_VERIFY;

	for (unsigned i = 0; i < meta->num_volumes; i++) {
		const struct imsm_volume *v = &meta->volume[i];

		if (le32_get(v->head.size_high))
			attributes |= IMSM_ATTR_2TB;
		attributes |= level_attribute(&v->map[0]);
	}
	meta->header.attributes = le32_make(attributes);
	memset(meta->header.version, 0, sizeof(meta->header.version));
	memcpy(meta->header.version, IMSM_VERSION_WRITTEN, sizeof(IMSM_VERSION_WRITTEN));
}

/* ---- what is bad ---- */

/* md has data in the slot, and not on another disk that we know. */
static bool md_in_sync(const struct imsm_view *w, unsigned slot, uint32_t index)
{
	for (unsigned i = 0; w->ev && i < w->ev->disk_count; i++) {
		const struct md_member *m = &w->ev->disk[i];
		const struct imsm_dl *dl = imsm_dl_by_dev(w->c, m->dev);

		if (m->slot == (int)slot && !(m->state & MEMBER_FAULTY))
			return (m->state & MEMBER_IN_SYNC) && (!dl || dl->index == (int)index);
	}
	return false;
}

static bool md_had(const struct imsm_view *w, unsigned slot, uint32_t index)
{
	for (unsigned i = 0; i < w->ev->disk_count; i++) {
		const struct md_member *m = &w->ev->disk[i];
		const struct imsm_dl *dl = imsm_dl_by_dev(w->c, m->dev);

		if (m->slot == (int)slot && m->state & (MEMBER_IN_SYNC | MEMBER_FAULTY) && (!dl || dl->index == (int)index))
			return true;
	}
	return false;
}

static bool disk_bad(const struct imsm_view *w, unsigned slot, uint32_t index)
{
	if (w->md_had && md_had(w, slot, index))
		return false;
	if (imsm_disk_failed(w->c, index))
		return true;
	if (w->awaited == index + 1)
		return false;
	if (w->md_counts && imsm_md_keeps(w->c, (unsigned)(w->v - w->c->meta.volume), index))
		return false;
	return !imsm_disk_present(w->c, index) && !md_in_sync(w, slot, index);
}

bool imsm_view_slot_lost(const struct imsm_view *w, unsigned slot)
{
	uint32_t index = imsm_ord_index(w->v->map[0].ord[slot]);

	return disk_bad(w, slot, index) && !md_in_sync(w, slot, index);
}

static bool ord_bad(const struct imsm_view *w, unsigned slot, uint32_t ord)
{
	return (ord & IMSM_ORD_REBUILD) || disk_bad(w, slot, imsm_ord_index(ord));
}

static unsigned count_bad_in(const struct imsm_view *w, const struct imsm_map *m)
{
	unsigned bad = 0;

	for (unsigned slot = 0; slot < m->head.num_members; slot++)
		bad += ord_bad(w, slot, m->ord[slot]);
	return bad;
}

/* Slots of map 0 that are bad and hold another disk than map 1. */
static unsigned count_bad_replaced(const struct imsm_view *w, const struct imsm_map *m0, const struct imsm_map *m1)
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

unsigned imsm_view_count_bad(const struct imsm_view *w, enum imsm_which which)
{
	const struct imsm_map *m0 = &w->v->map[0];
	const struct imsm_map *m1 = imsm_which_map(w->v, IMSM_M1);

	if (which == IMSM_M1)
		return m1 ? count_bad_in(w, m1) : 0;
	if (which == IMSM_M0 || !m1)
		return count_bad_in(w, m0);
	return count_bad_in(w, m1) + count_bad_replaced(w, m0, m1);
}

/* Both slots of a mirrored pair are bad. A slot under rebuild is. */
static bool pair_lost(const struct imsm_view *w, const struct imsm_map *m)
{
	for (unsigned slot = 0; slot + 1 < m->head.num_members; slot += 2)
		if (ord_bad(w, slot, imsm_ord(w->v, slot, IMSM_MX)) &&
		    ord_bad(w, slot + 1, imsm_ord(w->v, slot + 1, IMSM_MX)))
			return true;
	return false;
}

enum imsm_map_state imsm_view_check_degraded(const struct imsm_view *w, unsigned failed, enum imsm_which which)
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
	struct imsm_view w = { .c = c, .v = v, .md_counts = true };

	return imsm_view_count_bad(&w, which);
}

enum imsm_map_state imsm_check_degraded(const struct imsm_container *c, const struct imsm_volume *v, unsigned failed,
					enum imsm_which which)
{
	struct imsm_view w = { .c = c, .v = v, .md_counts = true };

	return imsm_view_check_degraded(&w, failed, which);
}

/* ---- what is going on ---- */

bool imsm_migrating(const struct imsm_volume *v, enum imsm_migr_type type)
{
	return v->head.migr_state && imsm_volume_migr_type(v) == type;
}

bool imsm_rebuilding(const struct imsm_volume *v)
{
	return imsm_migrating(v, IMSM_MIGR_REBUILD);
}

bool imsm_general_migration(const struct imsm_volume *v)
{
	return imsm_migrating(v, IMSM_MIGR_GENERAL);
}

bool imsm_initializing(const struct imsm_volume *v)
{
	return imsm_migrating(v, IMSM_MIGR_INIT) && v->map[1].head.map_state == IMSM_UNINITIALIZED;
}

bool imsm_resyncing(const struct imsm_volume *v)
{
	return v->head.migr_state && !imsm_general_migration(v) && !imsm_rebuilding(v);
}

bool imsm_uses_ppl(const struct imsm_volume *v)
{
	return v->head.rwh_policy == IMSM_RWH_DISTRIBUTED || v->head.rwh_policy == IMSM_RWH_MULTIPLE_DISTRIBUTED;
}

bool imsm_container_reshaping(const struct imsm_container *c)
{
	for (unsigned i = 0; i < c->meta.num_volumes; i++)
		if (imsm_general_migration(&c->meta.volume[i]))
			return true;
	return false;
}

/* ---- with a rebuild in view ---- */

enum imsm_slot imsm_view_slot(const struct imsm_view *w, unsigned slot)
{
	uint32_t to = imsm_ord(w->v, slot, IMSM_M0), from = imsm_ord(w->v, slot, IMSM_M1);

	if (to == UINT32_MAX || (to & IMSM_ORD_REBUILD))
		return IMSM_SLOT_BAD;
	if (!imsm_rebuilding(w->v) || from == UINT32_MAX)
		return ord_bad(w, slot, to) ? IMSM_SLOT_BAD : IMSM_SLOT_GOOD;
	/* Firmware may leave the replaced disk in map 1. */
	if ((from & IMSM_ORD_REBUILD) || imsm_ord_index(from) != imsm_ord_index(to))
		return ord_bad(w, slot, to) ? IMSM_SLOT_BAD : IMSM_SLOT_REBUILDING;
	/* Failed in another volume, but md still has it: it may be what md rebuilds from. */
	return imsm_view_slot_lost(w, slot) ? IMSM_SLOT_BAD : IMSM_SLOT_GOOD;
}

unsigned imsm_view_count(const struct imsm_view *w, enum imsm_slot what)
{
	unsigned n = 0;

	for (unsigned slot = 0; slot < w->v->map[0].head.num_members; slot++)
		n += imsm_view_slot(w, slot) == what;
	return n;
}

enum imsm_map_state imsm_view_state(const struct imsm_view *w)
{
	unsigned bad = imsm_view_count(w, IMSM_SLOT_BAD);
	unsigned without_data = bad + imsm_view_count(w, IMSM_SLOT_REBUILDING);

	/* Map 0 tells of the end of a rebuild. Until then one more failure may cost everything. */
	if (imsm_view_check_degraded(w, without_data, IMSM_M0) == IMSM_FAILED)
		return IMSM_FAILED;
	return imsm_view_check_degraded(w, bad, IMSM_M0);
}

/* ---- disks that md runs without ---- */

/* A reshape adds members: md has them when mdadm has given them to it. */
static bool slot_may_be_left_out(const struct imsm_view *w, unsigned slot)
{
	return slot < (unsigned)w->ev->raid_disks &&
	       !(imsm_general_migration(w->v) && slot >= w->v->map[1].head.num_members);
}

/*
 * A rebuild that begins at the start goes over everything again. Its record also comes before md's member: only at the
 * first word of the array is it sure that md was started without the disk.
 */
static bool rebuild_is_lost(const struct imsm_view *w)
{
	return w->ev->first || imsm_volume_unit(w->v);
}

bool imsm_view_left_out(const struct imsm_view *w, unsigned slot)
{
	const struct md_members members = { w->ev->disk, w->ev->disk_count };
	uint32_t index = imsm_ord_index(w->v->map[0].ord[slot]);
	const struct imsm_dl *dl = imsm_dl_by_index(w->c, (int)index);
	enum imsm_slot has = imsm_view_slot(w, slot);

	if (has == IMSM_SLOT_BAD || !dl || !slot_may_be_left_out(w, slot))
		return false;
	if (has == IMSM_SLOT_GOOD)
		return disk_is_left_out(&members, dl->dev, SLOT_HAS_DATA);
	return rebuild_is_lost(w) && disk_is_left_out(&members, dl->dev, SLOT_IS_REBUILT);
}

/* ---- what md has ---- */

bool imsm_depends_on(struct imsm_container *c, unsigned volume, uint32_t index)
{
	struct imsm_volume v = c->meta.volume[volume];
	const struct imsm_view w = { .c = c, .v = &v, .awaited = imsm_md_keeps(c, volume, index) ? index + 1 : 0 };
	le32 *status = &c->meta.disk[index].status;
	const le32 before = *status;
	bool depends;

	for (unsigned slot = 0; slot < v.map[0].head.num_members; slot++)
		if (imsm_md_lacks(c, volume, slot))
			v.map[0].ord[slot] |= IMSM_ORD_REBUILD;
	depends = imsm_view_state(&w) != IMSM_FAILED;
	*status = le32_make(le32_get(before) | IMSM_DISK_FAILED);
	depends &= imsm_view_state(&w) == IMSM_FAILED;
	*status = before;
	return depends;
}
