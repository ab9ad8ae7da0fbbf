// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * IMSM, as a reader by mdadm's rules sees a set of disks after a boot (reader.h; docs/imsm.md, 1 and 2).
 *
 * What no bytes can say, and what is taken for granted here:
 *
 *   - All disks are there before the first volume is started.
 *   - The disks are given in the order in which mdadm looks at them. Only between two families that each stand for
 *     themselves the order decides (2.3); then the first one wins.
 *   - Of copies with different original families (other containers) the family that most disks have is meant.
 *   - A spare that no copy names has been put into the container, as udev's rules do in the end.
 *   - A resync that mdadm would begin has no disk to write to if one is missing: a volume that is not dirty is then
 *     taken as equal (clean).
 *
 * The buffers are static: one caller at a time. An anchor is read of every disk, the sectors below it where the copy is
 * longer, and the migration record of one disk if a reshape is recorded.
 */
#include <string.h>

#include "imsm-reader.h"

static struct imsm_view view;

static void refuse(struct reader_result *result, const char *why)
{
	result->loads = false;
	result->why_not = why;
}

static void read_copies(const struct reader_disk *disk, struct reader_result *result)
{
	bool signature;
	unsigned i;

	for (i = 0; i < view.count; i++) {
		view.copy[i].loaded = rd_imsm_copy_read(&view.copy[i], &disk[i], &signature);
		result->role[i] = signature ? READER_DAMAGED : READER_BLANK;
	}
}

static uint32_t origin(const struct imsm_copy *copy)
{
	return copy->orig_family ? copy->orig_family : copy->family;
}

static unsigned count_kin(const struct imsm_copy *copy)
{
	unsigned i, n = 0;

	for (i = 0; i < view.count; i++)
		n += view.copy[i].loaded && view.copy[i].volumes && origin(&view.copy[i]) == origin(copy);
	return n;
}

/* Leaves the copies of one container, and the spares. */
static void drop_other_containers(struct reader_result *result)
{
	const struct imsm_copy *most = NULL;
	unsigned i, best = 0;

	for (i = 0; i < view.count; i++) {
		if (view.copy[i].loaded && view.copy[i].volumes && count_kin(&view.copy[i]) > best) {
			most = &view.copy[i];
			best = count_kin(most);
		}
	}
	for (i = 0; i < view.count; i++) {
		if (!view.copy[i].loaded)
			continue;
		result->role[i] = READER_FOREIGN;
		if (view.copy[i].volumes && origin(&view.copy[i]) != origin(most))
			view.copy[i].loaded = false;
	}
}

static bool any_loaded(void)
{
	unsigned i;

	for (i = 0; i < view.count; i++)
		if (view.copy[i].loaded)
			return true;
	return false;
}

static void tell_roles(struct reader_result *result)
{
	unsigned i;

	for (i = 0; i < view.count; i++) {
		if (!view.copy[i].loaded)
			continue;
		result->table_index[i] = rd_imsm_copy_find(view.champion, view.copy[i].serial);
		if (!view.listed[i].listed)
			continue;
		if (view.listed[i].index >= 0)
			result->role[i] = READER_MEMBER;
		else
			result->role[i] = view.listed[i].index == -1 ? READER_SPARE : READER_FAILED;
	}
}

static void tell_volumes(const struct imsm_migration *migration, struct reader_result *result)
{
	unsigned i;

	view.enough = rd_imsm_enough(&view);
	result->volumes = view.champion->volumes;
	for (i = 0; i < result->volumes; i++)
		rd_imsm_read_volume(&view, i, migration, &result->volume[i]);
}

void imsm_read_as_mdadm(const struct reader_disk *disk, unsigned count, struct reader_result *result)
{
	struct imsm_migration migration;
	const char *why;
	unsigned i;

	memset(result, 0, sizeof(*result));
	for (i = 0; i < READER_DISKS; i++)
		result->table_index[i] = -1;
	result->champion = -1;
	view.count = count < READER_DISKS ? count : READER_DISKS;
	read_copies(disk, result);
	if (!any_loaded()) {
		refuse(result, "no disk has metadata that can be read");
		return;
	}
	drop_other_containers(result);
	rd_imsm_choose_champion(&view);
	if (!view.champion) {
		refuse(result, "each family names a disk that belongs to another one");
		return;
	}
	result->champion = (int)(view.champion - view.copy);
	result->generation = view.champion->generation;
	tell_roles(result);
	why = rd_imsm_check_migrations(&view, &migration);
	if (why) {
		refuse(result, why);
		return;
	}
	result->loads = true;
	tell_volumes(&migration, result);
}
