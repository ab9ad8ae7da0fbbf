// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Whether `mdadm -I` with --run begins to start volumes of a container at all (docs/imsm.md, 2.7): one of them must
 * have what its level needs by map 0, and no volume that is being reshaped may lack a disk that its map calls good.
 */
#include "imsm-reader.h"

static bool is_bad(const struct imsm_view *view, uint32_t ord)
{
	return (ord & IMSM_ORD_REBUILD) || rd_imsm_listed_as(view, ord & IMSM_ORD_INDEX) < 0;
}

static unsigned count_bad(const struct imsm_view *view, const struct imsm_map_view *map)
{
	unsigned slot, n = 0;

	for (slot = 0; slot < map->members; slot++)
		n += is_bad(view, rd_imsm_ord(map, slot));
	return n;
}

/* A slot that is good, but whose disk is in the table and not there. */
static bool lacks_a_good_one(const struct imsm_view *view, const struct imsm_map_view *map)
{
	unsigned slot;
	uint32_t ord;

	for (slot = 0; slot < map->members; slot++) {
		ord = rd_imsm_ord(map, slot);
		if (!(ord & IMSM_ORD_REBUILD) && rd_imsm_listed_as(view, ord & IMSM_ORD_INDEX) < 0)
			return true;
	}
	return false;
}

/* 3.3: by the map that is valid now */
static bool mirror_lost(const struct imsm_view *view, const struct imsm_volume_view *volume)
{
	const struct imsm_map_view *map = &volume->map[volume->migrating];
	unsigned slot;

	for (slot = 0; slot + 1 < map->members; slot += 2)
		if (is_bad(view, rd_imsm_ord(map, slot)) && is_bad(view, rd_imsm_ord(map, slot + 1)))
			return true;
	return false;
}

static bool is_lost(const struct imsm_view *view, const struct imsm_volume_view *volume)
{
	const struct imsm_map_view *map = &volume->map[0];
	unsigned bad = count_bad(view, map);

	if (bad == 0)
		return false;
	switch (rd_imsm_effective_level(map)) {
	case 0:
		return true;
	case 1:
		return bad >= map->members;
	case 5:
		return bad > 1;
	case 10:
		return mirror_lost(view, volume);
	}
	return map->state == IMSM_MAP_FAILED;
}

bool rd_imsm_enough(const struct imsm_view *view)
{
	struct imsm_volume_view volume;
	bool enough = false;
	unsigned i;

	for (i = 0; i < view->champion->volumes; i++) {
		rd_imsm_volume_decode(view, i, &volume);
		if (rd_imsm_is_gen_migration(&volume) && lacks_a_good_one(view, &volume.map[0]))
			return false;
		if (!is_lost(view, &volume))
			enough = true;
	}
	return enough;
}
