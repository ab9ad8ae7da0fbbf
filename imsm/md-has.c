/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * In which slots md has a volume's data, as it said at the last look: the metadata may trust more than that, or less. Pure.
 */
#include "imsm/imsm.h"

#include <string.h>

void imsm_note_slots(struct imsm_container *c, unsigned volume, const bool has_data[MAX_SLOTS])
{
	memcpy(c->md_has[volume], has_data, sizeof(c->md_has[volume]));
	c->noted_volumes |= 1u << volume;
}

void imsm_forget_slots(struct imsm_container *c, unsigned volume)
{
	c->noted_volumes &= ~(1u << volume);
}

static bool is_reshaped(const struct imsm_volume *v)
{
	return v->head.migr_state && imsm_volume_migr_type(v) == IMSM_MIGR_GENERAL;
}

/* md's slots are those of map 0, but not while the volume is to get another shape. */
static bool slots_are_known(const struct imsm_container *c, unsigned volume)
{
	const struct imsm_volume *v = &c->meta.volume[volume];

	_Static_assert(IMSM_MAX_MEMBERS <= MAX_SLOTS, "each slot has its place");
	return volume < c->meta.num_volumes && (c->noted_volumes >> volume & 1) && !is_reshaped(v) &&
	       imsm_map_level(&v->map[0]) != IMSM_RAID0;
}

bool imsm_md_lacks(const struct imsm_container *c, unsigned volume, unsigned slot)
{
	return slots_are_known(c, volume) && !c->md_has[volume][slot];
}

bool imsm_md_keeps(const struct imsm_container *c, unsigned volume, uint32_t index)
{
	int slot = imsm_slot_of(&c->meta.volume[volume].map[0], index);

	return slot >= 0 && slots_are_known(c, volume) && c->md_has[volume][slot];
}
