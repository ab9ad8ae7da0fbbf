// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Physical and virtual disk records, as the disk that is believed has them (docs/ddf.md, 1.6 and 1.7). They are read a
 * part at a time; only used entries are kept. What is used is told by the refnum of a disk, and the GUID of a volume.
 */
#include <string.h>

#include "ddf-reader.h"
#include "reader-bytes.h"

enum { PART = 8 /* sectors read at a time; 2 divides all legal lengths, and 8 all but that one */, ENTRY = 64 };

typedef void take_entry(struct ddf_view *view, unsigned index, const unsigned char *p);

static bool all_ones(const unsigned char *p, unsigned bytes)
{
	while (bytes && *p == 0xff)
		p++, bytes--;
	return bytes == 0;
}

static void take_pd(struct ddf_view *view, unsigned index, const unsigned char *p)
{
	struct ddf_pd *pd = &view->pd[view->pds];

	pd->refnum = bytes_be32(p + 24);
	if (pd->refnum == DDF_NOBODY || view->pds == DDF_TABLE - 1)
		return;
	pd->index = index;
	memcpy(pd->guid, p, DDF_GUID);
	pd->state = bytes_be16(p + 30);
	view->pds++;
}

static void take_vd(struct ddf_view *view, unsigned index, const unsigned char *p)
{
	struct ddf_vd *vd = &view->vd[view->vds];
	unsigned i;

	if (all_ones(p, DDF_GUID) || view->vds == DDF_TABLE - 1)
		return;
	vd->index = index;
	memcpy(vd->guid, p, DDF_GUID);
	vd->state = p[32];
	vd->init = p[33];
	memset(vd->name, 0, sizeof(vd->name));
	for (i = 0; i < 16 && p[48 + i] && p[48 + i] != ' '; i++)
		vd->name[i] = (char)p[48 + i];
	view->vds++;
}

/* The head of a section has the length of an entry. */
static void read_table(struct ddf_view *view, uint32_t at, uint32_t sectors, take_entry *take)
{
	const struct reader_disk *disk = view->best->disk;
	unsigned char part[PART * 512];
	unsigned entries = 0, k, n = 0, i;
	uint32_t done;

	for (done = 0; done < sectors; done += n) {
		n = sectors - done < PART ? sectors - done : PART;
		disk->read(disk->ctx, view->best->lba + at + done, part, n);
		for (i = 0; i < n * 512 / ENTRY; i++) {
			k = done * 512 / ENTRY + i;
			if (k == 0)
				entries = bytes_be16(part + 10);
			else if (k <= entries)
				take(view, k - 1, part + i * ENTRY);
		}
	}
}

void rd_ddf_read_tables(struct ddf_view *view)
{
	view->pds = 0;
	view->vds = 0;
	read_table(view, view->best->pd_at, view->best->pd_sectors, take_pd);
	read_table(view, view->best->vd_at, view->best->vd_sectors, take_vd);
}

const struct ddf_pd *rd_ddf_find_refnum(const struct ddf_view *view, uint32_t refnum)
{
	unsigned i;

	for (i = 0; i < view->pds; i++)
		if (view->pd[i].refnum == refnum)
			return &view->pd[i];
	return NULL;
}
