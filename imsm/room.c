/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where IMSM volumes lie on a disk, and what room there is for others (imsm.md 1.19, 9.3).
 */
#include "imsm/imsm.h"

/* Sectors at the end of each disk that volumes leave alone (imsm.md 1.19, 9.3). */
#define RESERVED_MPB 2210
#define RESERVED_FULL (RESERVED_MPB + 8192)
#define RESERVED_MIN_LIMIT (RESERVED_MPB + 2048)

#define BBM_HEAD_SIZE 8

struct extent {
	uint64_t start, end; /* sectors, end exclusive */
};

static uint64_t blocks_of(const struct imsm_container *c, const struct imsm_dl *dl)
{
	return imsm_disk_blocks(imsm_dl_record(c, dl));
}

/* What the volumes occupy on the disk, in ascending order. */
static unsigned extents_of(const struct imsm_container *c, const struct imsm_dl *dl, struct extent *e)
{
	unsigned n = 0;

	for (unsigned i = 0; i < c->meta.num_volumes; i++) {
		const struct imsm_volume *v = &c->meta.volume[i];
		uint64_t start = imsm_map_pba(&v->map[0]);
		unsigned at = n;

		if (!imsm_dl_is_member(v, dl))
			continue;
		for (; at > 0 && e[at - 1].start > start; at--)
			e[at] = e[at - 1];
		e[at] = (struct extent){ start, start + imsm_map_per_dev(&v->map[0]) };
		n++;
	}
	return n;
}

/* The most that the metadata may grow to with the disks and volumes it has. */
static uint64_t metadata_sectors(const struct imsm_container *c)
{
	size_t size = IMSM_HEADER_SIZE + c->meta.num_disks * sizeof(struct imsm_disk) + BBM_HEAD_SIZE +
		      IMSM_BBM_MAX * sizeof(struct imsm_bbm_entry);

	for (unsigned i = 0; i < c->meta.num_volumes; i++)
		size += imsm_volume_size(&c->meta.volume[i]);
	return (size + 511) / 512;
}

/* First sector of the reserved end. Volumes made by others may reach into `reservation`: then it is smaller. */
static uint64_t reserved_start(const struct imsm_container *c, const struct imsm_dl *dl, uint64_t reservation)
{
	struct extent e[IMSM_MAX_VOLUMES];
	unsigned n = extents_of(c, dl, e);
	uint64_t blocks = blocks_of(c, dl);

	if (n > 0) {
		uint64_t rest = blocks > e[n - 1].end ? (blocks - e[n - 1].end) & ~UINT64_C(1) : 0;

		if (rest < metadata_sectors(c))
			rest = metadata_sectors(c);
		if (rest < reservation)
			reservation = rest;
	}
	return blocks > reservation ? blocks - reservation : 0;
}

/* What the smallest member has left at its end is enough for a new one. */
uint64_t imsm_min_reservation(const struct imsm_container *c)
{
	const struct imsm_dl *smallest = NULL;
	uint64_t reservation;

	for (const struct imsm_dl *dl = c->disks; dl; dl = dl->next)
		if (dl->index >= 0 && (!smallest || blocks_of(c, dl) < blocks_of(c, smallest)))
			smallest = dl;
	if (!smallest)
		return RESERVED_FULL;
	reservation = blocks_of(c, smallest) - reserved_start(c, smallest, RESERVED_FULL);
	return reservation < RESERVED_MIN_LIMIT ? reservation : RESERVED_MIN_LIMIT;
}

static bool extent_free(const struct imsm_container *c, const struct imsm_dl *dl, uint64_t start, uint64_t end)
{
	struct extent e[IMSM_MAX_VOLUMES];
	unsigned n = extents_of(c, dl, e);

	for (unsigned i = 0; i < n; i++)
		if (start < e[i].end && e[i].start < end)
			return false;
	return end <= reserved_start(c, dl, imsm_min_reservation(c));
}

/* Each volume of the container will need its place on the disk, not only the one that is repaired now. */
bool imsm_room_for_all(const struct imsm_container *c, const struct imsm_dl *dl)
{
	for (unsigned i = 0; i < c->meta.num_volumes; i++) {
		const struct imsm_map *m = &c->meta.volume[i].map[0];
		uint64_t start = imsm_map_pba(m);

		if (!imsm_dl_is_member(&c->meta.volume[i], dl) &&
		    !extent_free(c, dl, start, start + imsm_map_per_dev(m)))
			return false;
	}
	return true;
}

/* What the metadata and the migration record need, in whole sectors of the disk. */
static uint64_t needed_at_end(const struct imsm_container *c)
{
	unsigned unit = c->sector_size / 512;

	return (metadata_sectors(c) + unit - 1) / unit * unit + unit;
}

/* Only what the metadata need is kept free at the end: mdadm has worked out the size by its own rules. */
static bool may_reach(const struct imsm_container *c, unsigned volume, const struct imsm_dl *dl, uint64_t start,
		      uint64_t end)
{
	for (unsigned i = 0; i < c->meta.num_volumes; i++) {
		const struct imsm_map *m = &c->meta.volume[i].map[0];
		uint64_t other = imsm_map_pba(m);

		if (i != volume && imsm_dl_is_member(&c->meta.volume[i], dl) && other >= start && other < end)
			return false;
	}
	return end + needed_at_end(c) <= blocks_of(c, dl);
}

const struct imsm_dl *imsm_no_room_to_resize(const struct imsm_container *c, unsigned volume, uint64_t per_dev)
{
	const struct imsm_volume *v = &c->meta.volume[volume];
	uint64_t start = imsm_map_pba(&v->map[0]);

	for (const struct imsm_dl *dl = c->disks; dl; dl = dl->next)
		if (imsm_dl_is_member(v, dl) && !may_reach(c, volume, dl, start, start + per_dev))
			return dl;
	return NULL;
}

bool imsm_room_to_join(const struct imsm_container *c, const struct imsm_dl *dl)
{
	for (unsigned i = 0; i < c->meta.num_volumes; i++) {
		const struct imsm_map *m = &c->meta.volume[i].map[0];

		if (imsm_map_pba(m) + imsm_map_per_dev(m) + needed_at_end(c) > blocks_of(c, dl))
			return false;
	}
	return true;
}

uint64_t imsm_occupied(const struct imsm_container *c, const struct imsm_dl *dl)
{
	struct extent e[IMSM_MAX_VOLUMES];
	unsigned n = extents_of(c, dl, e);

	return n ? e[n - 1].end : 0;
}
