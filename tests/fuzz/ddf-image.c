/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the disks of a DDF container may hold (tests/fuzz/ddf-disks.h). What can be loaded keeps the promises of ddf/ddf.h,
 * and is the same when it is loaded again.
 */
#include "tests/fuzz/ddf-disks.h"

#include <errno.h>

/* ---- loading ---- */

static size_t load(struct ddf_container *c, int *err)
{
	struct disk *disks[DISKS];
	size_t taken = 0;

	for (int i = 0; i < DISKS; i++) {
		disks[i] = calloc(1, sizeof(*disks[i]));
		MUST(disks[i]);
		disks[i]->fd = i;
		disks[i]->dev = (dev_t)(i + 1);
		disks[i]->size = sizeof(image[i]);
		disks[i]->sector_size = DDF_SECTOR;
	}
	memset(c, 0, sizeof(*c));
	*err = ddf_load(c, disks, DISKS, "md127");
	for (int i = 0; i < DISKS; i++) {
		taken += !disks[i];
		free(disks[i]);
	}
	return taken;
}

static void check_layout(const struct ddf_layout *l)
{
	MUST(l->max_pd > 0 && 64 + 64 * (size_t)l->max_pd <= (size_t)l->pd.length * DDF_SECTOR);
	MUST(l->max_vd > 0 && 64 + 64 * (size_t)l->max_vd <= (size_t)l->vd.length * DDF_SECTOR);
	MUST(l->records > 0 && (size_t)l->records * l->record_sectors <= l->config.length);
	MUST(l->mppe > 0 && sizeof(struct ddf_vdc) + 12 * (size_t)l->mppe <= ddf_record_bytes(l));
}

static void check_copy(const struct ddf_container *c, const struct ddf_dl *dl, unsigned which)
{
	uint64_t lba = which == DDF_FIRST_COPY ? dl->at.primary_lba : dl->at.secondary_lba;
	const uint8_t *copy;

	if (!dl->copy[which].good)
		return;
	MUST(dl->copy[which].exists && dl->copy[which].seq == c->seq && lba < SECTORS);
	copy = image[dl->disk->fd] + lba * DDF_SECTOR;
	MUST(ddf_crc_ok(copy, DDF_SECTOR));
	MUST(memcmp(copy + dl->at.pd.offset * DDF_SECTOR, c->pd, dl->at.pd.length * DDF_SECTOR) == 0);
	MUST(memcmp(copy + dl->at.config.offset * DDF_SECTOR, dl->config, dl->at.config.length * DDF_SECTOR) == 0);
}

static void check_disk(const struct ddf_container *c, const struct ddf_dl *dl)
{
	const struct ddf_pd_entry *e = ddf_pd_by_ref(c, dl->refnum);

	MUST(e && ddf_guid_equal(e->guid, dl->guid));
	MUST(ddf_dl_by_ref(c, dl->refnum) == dl && ddf_dl_by_dev(c, dl->dev) == dl);
	check_layout(&dl->at);
	check_copy(c, dl, DDF_FIRST_COPY);
	check_copy(c, dl, DDF_SECOND_COPY);
	MUST(dl->at.config.length == c->layout.config.length);
}

static void check_record(const struct ddf_container *c, unsigned vd, unsigned seq)
{
	const struct ddf_records *r = c->volume[vd].records;
	const struct ddf_vdc *v = ddf_record(r, seq);
	int level, layout;
	unsigned disks;

	if (!v)
		return;
	MUST(r->record_bytes == ddf_record_bytes(&c->layout));
	MUST(ddf_crc_ok(v, r->record_bytes) && ddf_check_vdc(v, &c->layout, NULL));
	MUST(ddf_vd_by_guid(c, v->guid) == (int)vd);
	MUST(v->secondary_count == r->count && v->secondary_seq == seq);
	if (ddf_md_level(v, &level, &layout, &disks))
		MUST(disks > 0 && disks <= DDF_MAX_SLOTS && level >= -1 && level <= 10);
}

static void check_spares(const struct ddf_container *c, const struct ddf_dl *dl)
{
	for (unsigned i = 0; i < c->layout.records; i++) {
		const struct ddf_spare *s = (const struct ddf_spare *)(const void *)
			(dl->config + i * ddf_record_bytes(&c->layout));

		MUST(sizeof(*s) + ddf_spare_entries(s, &c->layout) * sizeof(s->entry[0]) <= ddf_record_bytes(&c->layout));
	}
}

static void check(const struct ddf_container *c, size_t taken)
{
	size_t disks = 0;
	char name[17];

	check_layout(&c->layout);
	for (const struct ddf_dl *dl = c->disks; dl; dl = dl->next, disks++) {
		check_disk(c, dl);
		check_spares(c, dl);
	}
	MUST(disks > 0 && disks == taken);
	for (unsigned vd = 0; vd < c->layout.max_vd; vd++) {
		const struct ddf_records *r = c->volume[vd].records;

		MUST(!r || (r->count > 0 && r->count <= DDF_MAX_BVDS && ddf_any_record(c, vd)));
		for (unsigned seq = 0; r && seq < r->count; seq++)
			check_record(c, vd, seq);
		MUST(strlen(ddf_vd_name(ddf_vd(c, vd), name)) <= 16);
	}
}

static void check_same(const struct ddf_container *a, const struct ddf_container *b)
{
	MUST(a->seq == b->seq && ddf_same_shape(&a->layout, &b->layout));
	MUST(memcmp(a->pd, b->pd, a->layout.pd.length * DDF_SECTOR) == 0);
	MUST(memcmp(a->vd, b->vd, a->layout.vd.length * DDF_SECTOR) == 0);
	for (unsigned vd = 0; vd < a->layout.max_vd; vd++) {
		const struct ddf_records *x = a->volume[vd].records, *y = b->volume[vd].records;

		MUST(!x == !y);
		MUST(!x || (x->count == y->count && memcmp(x->bytes, y->bytes, x->count * x->record_bytes) == 0));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ddf_container first, second;
	int err, again;
	size_t taken;

	make_disks(data, size);
	taken = load(&first, &err);
	MUST(err == 0 || err == -ENODEV);
	MUST(!err || taken == 0);
	if (!err)
		check(&first, taken);
	load(&second, &again);
	MUST(again == err);
	if (!err)
		check_same(&first, &second);
	ddf_free(&first);
	ddf_free(&second);
	return 0;
}
