// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Configuration records of all disks, merged (docs/ddf.md, 1.8 and 2.3): the first record of a virtual disk gives its
 * shape; of each of its mirrors the newest record counts. A record whose GUID is not in the table of virtual disks is
 * left out. Of each record one sector is read, the others where it describes a virtual disk.
 */
#include <string.h>

#include "ddf-reader.h"
#include "reader-bytes.h"

enum { RECORD_MAX = 128 * 512 /* bytes; the longest legal one has 97 sectors */ };

static bool in_table(const struct ddf_view *view, const unsigned char *guid)
{
	unsigned i;

	for (i = 0; i < view->vds; i++)
		if (memcmp(view->vd[i].guid, guid, DDF_GUID) == 0)
			return true;
	return false;
}

static struct ddf_config *find_config(struct ddf_view *view, const unsigned char *guid)
{
	unsigned i;

	for (i = 0; i < view->configs; i++)
		if (memcmp(view->config[i].guid, guid, DDF_GUID) == 0)
			return &view->config[i];
	return NULL;
}

static void decode_bvd(const unsigned char *p, unsigned mppe, struct ddf_bvd *bvd)
{
	unsigned i;
	uint32_t refnum;

	bvd->seq = bytes_be32(p + 36);
	bvd->place = p[70];
	bvd->elements = 0;
	for (i = 0; i < mppe && bvd->elements < READER_MEMBERS; i++) {
		refnum = bytes_be32(p + 512 + 4 * i);
		if (refnum == DDF_NOBODY)
			continue;
		bvd->refnum[bvd->elements] = refnum;
		bvd->start[bvd->elements] = bytes_be64(p + 512 + 4 * mppe + 8 * i);
		bvd->elements++;
	}
}

static void begin_config(struct ddf_view *view, const unsigned char *p)
{
	struct ddf_config *config;

	if (view->configs == READER_VOLUMES)
		return;
	config = &view->config[view->configs++];
	memcpy(config->guid, p + 8, DDF_GUID);
	config->p = bytes_be16(p + 64);
	config->prl = p[67];
	config->rlq = p[68];
	config->s = p[69];
	config->srl = p[71];
	config->blocks = bytes_be64(p + 72);
	config->bvds = 1;
	decode_bvd(p, view->best->mppe, &config->bvd[0]);
}

static void merge_config(struct ddf_config *config, const unsigned char *p, unsigned mppe)
{
	uint32_t seq = bytes_be32(p + 36);
	unsigned i;

	for (i = 0; i < config->bvds; i++) {
		if (config->s != 1 && config->bvd[i].place != p[70])
			continue;
		if (seq > config->bvd[i].seq) {
			decode_bvd(p, mppe, &config->bvd[i]);
			if (i == 0)
				config->blocks = bytes_be64(p + 72);
		}
		return;
	}
	if (config->bvds < config->s && config->bvds < READER_MEMBERS)
		decode_bvd(p, mppe, &config->bvd[config->bvds++]);
}

void rd_ddf_read_records(struct ddf_view *view, const struct ddf_copy *copy)
{
	static unsigned char record[RECORD_MAX];
	const struct reader_disk *disk = copy->disk;
	unsigned length = view->best->record_sectors;
	uint64_t at = copy->lba + copy->conf_at;
	struct ddf_config *config;
	uint32_t done;

	if (length * 512 > RECORD_MAX)
		return;
	for (done = 0; done + length <= copy->conf_sectors; done += length) {
		disk->read(disk->ctx, at + done, record, 1);
		if (bytes_be32(record) != 0xeeeeeeee || !in_table(view, record + 8))
			continue;
		disk->read(disk->ctx, at + done + 1, record + 512, length - 1);
		config = find_config(view, record + 8);
		if (config)
			merge_config(config, record, view->best->mppe);
		else
			begin_config(view, record);
	}
}

bool rd_ddf_is_named(const struct ddf_view *view, uint32_t refnum)
{
	const struct ddf_bvd *bvd;
	unsigned c, b, i;

	for (c = 0; c < view->configs; c++)
		for (b = 0; b < view->config[c].bvds; b++)
			for (bvd = &view->config[c].bvd[b], i = 0; i < bvd->elements; i++)
				if (bvd->refnum[i] == refnum)
					return true;
	return false;
}
