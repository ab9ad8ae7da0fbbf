// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * DDF, as a reader by mdadm's rules sees a set of disks after a boot (reader.h; docs/ddf.md, 1 and 2).
 *
 * What no bytes can say, and what is taken for granted here:
 *
 *   - All disks are there before the first volume is started.
 *   - The disks are given in the order in which mdadm looks at them: of equally new copies the first one is believed.
 *   - Of copies with different header GUIDs (other containers) the one that most disks have is meant.
 *   - `mdadm -I`, which compares each disk that comes with those before, is not played: see 2.6 for what it refuses.
 *   - Volumes that no configuration record describes are not listed; mdadm does not start them.
 *
 * The buffers are static: one caller at a time. Read are: anchor, both headers, disk data and the heads of the
 * configuration records of each disk, the records that describe volumes, and both tables of one disk.
 */
#include <string.h>

#include "ddf-reader.h"

static struct ddf_view view;

static void refuse(struct reader_result *result, const char *why)
{
	result->loads = false;
	result->why_not = why;
}

static void read_copies(const struct reader_disk *disk, struct reader_result *result)
{
	bool anchor;
	unsigned i;

	for (i = 0; i < view.count; i++) {
		view.copy[i].loaded = rd_ddf_copy_read(&view.copy[i], &disk[i], &anchor);
		result->role[i] = anchor ? READER_DAMAGED : READER_BLANK;
	}
}

static bool same_container(const struct ddf_copy *a, const struct ddf_copy *b)
{
	return memcmp(a->guid, b->guid, DDF_GUID) == 0;
}

static unsigned count_kin(const struct ddf_copy *copy)
{
	unsigned i, n = 0;

	for (i = 0; i < view.count; i++)
		n += view.copy[i].loaded && same_container(&view.copy[i], copy);
	return n;
}

static void drop_other_containers(struct reader_result *result)
{
	const struct ddf_copy *most = NULL;
	unsigned i, best = 0;

	for (i = 0; i < view.count; i++) {
		if (view.copy[i].loaded && count_kin(&view.copy[i]) > best) {
			most = &view.copy[i];
			best = count_kin(most);
		}
	}
	for (i = 0; i < view.count; i++) {
		if (!view.copy[i].loaded)
			continue;
		result->role[i] = READER_FOREIGN;
		view.copy[i].loaded = same_container(&view.copy[i], most);
	}
}

/* 2.2: one less while it is open; compared as signed numbers */
static int32_t rank(const struct ddf_copy *copy)
{
	return (int32_t)(copy->seq - copy->open);
}

static const struct ddf_copy *choose(void)
{
	const struct ddf_copy *best = NULL;
	unsigned i;

	for (i = 0; i < view.count; i++)
		if (view.copy[i].loaded && (!best || rank(&view.copy[i]) > rank(best)))
			best = &view.copy[i];
	return best;
}

/* The last entry with the disk's GUID */
static const struct ddf_pd *entry_of(const struct ddf_copy *copy)
{
	unsigned i;

	for (i = view.pds; i-- > 0;)
		if (memcmp(view.pd[i].guid, copy->pd_guid, DDF_GUID) == 0)
			return &view.pd[i];
	return NULL;
}

static void tell_roles(struct reader_result *result)
{
	const struct ddf_pd *pd;
	unsigned i;

	for (i = 0; i < view.count; i++) {
		pd = view.copy[i].loaded ? entry_of(&view.copy[i]) : NULL;
		if (!pd)
			continue;
		result->table_index[i] = (int)pd->index;
		if (pd->state & (DDF_FAILED | DDF_MISSING))
			result->role[i] = READER_FAILED;
		else
			result->role[i] = rd_ddf_is_named(&view, pd->refnum) ? READER_MEMBER : READER_SPARE;
	}
}

static const struct ddf_config *config_of(const struct ddf_vd *vd)
{
	unsigned i;

	for (i = 0; i < view.configs; i++)
		if (memcmp(view.config[i].guid, vd->guid, DDF_GUID) == 0)
			return &view.config[i];
	return NULL;
}

static void tell_volumes(struct reader_result *result)
{
	const struct ddf_config *config;
	unsigned i;

	for (i = 0; i < view.vds && result->volumes < READER_VOLUMES; i++) {
		config = config_of(&view.vd[i]);
		if (config)
			rd_ddf_read_volume(&view, config, &view.vd[i], &result->volume[result->volumes++]);
	}
}

void ddf_read_as_mdadm(const struct reader_disk *disk, unsigned count, struct reader_result *result)
{
	unsigned i;

	memset(result, 0, sizeof(*result));
	for (i = 0; i < READER_DISKS; i++)
		result->table_index[i] = -1;
	result->champion = -1;
	view.count = count < READER_DISKS ? count : READER_DISKS;
	read_copies(disk, result);
	drop_other_containers(result);
	view.best = choose();
	if (!view.best) {
		refuse(result, "no disk has metadata that can be read");
		return;
	}
	result->champion = (int)(view.best - view.copy);
	result->generation = view.best->seq;
	rd_ddf_read_tables(&view);
	view.configs = 0;
	for (i = 0; i < view.count; i++)
		if (view.copy[i].loaded)
			rd_ddf_read_records(&view, &view.copy[i]);
	tell_roles(result);
	tell_volumes(result);
	result->loads = true;
}
