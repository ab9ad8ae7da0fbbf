/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Facts that grow while they are gathered from several sources: ctl/check-gather.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/check-gather.h"

struct check_disk *check_add_disk(struct check_facts *f, const char *name)
{
	const struct check_disk *known = check_disk_named(f, name);
	struct check_disk *larger;

	if (known)
		return &f->disk[known - f->disk];
	larger = realloc(f->disk, (f->disks + 1) * sizeof(*larger));
	if (!larger)
		return NULL;
	f->disk = larger;
	memset(&larger[f->disks], 0, sizeof(*larger));
	snprintf(larger[f->disks].name, sizeof(larger[f->disks].name), "%s", name);
	return &larger[f->disks++];
}

struct check_volume *check_add_volume(struct check_facts *f, int index)
{
	struct check_volume *larger;

	for (size_t i = 0; i < f->volumes; i++)
		if (f->volume[i].index == index)
			return &f->volume[i];
	larger = realloc(f->volume, (f->volumes + 1) * sizeof(*larger));
	if (!larger)
		return NULL;
	f->volume = larger;
	memset(&larger[f->volumes], 0, sizeof(*larger));
	larger[f->volumes].index = index;
	return &larger[f->volumes++];
}

struct check_slot *check_add_slot(struct check_volume *v, uint64_t slot)
{
	struct check_slot *larger;

	if (slot >= MAX_SLOTS)
		return NULL;
	if (slot < v->raid_disks)
		return &v->slot[slot];
	larger = realloc(v->slot, (slot + 1) * sizeof(*larger));
	if (!larger)
		return NULL;
	memset(&larger[v->raid_disks], 0, (slot + 1 - v->raid_disks) * sizeof(*larger));
	v->slot = larger;
	v->raid_disks = (unsigned)slot + 1;
	return &larger[slot];
}

void check_facts_free(struct check_facts *f)
{
	for (size_t i = 0; i < f->volumes; i++)
		free(f->volume[i].slot);
	free(f->volume);
	free(f->disk);
	f->volume = NULL;
	f->disk = NULL;
	f->volumes = f->disks = 0;
}
