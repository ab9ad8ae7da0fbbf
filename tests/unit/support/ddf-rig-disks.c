/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What lies on the disks of tests/unit/support/ddf-rig.h, read and judged without the handler: see there. */
#include "tests/unit/support/ddf-rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/unit/support/ddf-samples.h"
#include "tests/unit/support/text.h"

/* ---- what lies on the disks ---- */

uint8_t *drig_section(const struct rig_copy *m, const struct ddf_extent *e)
{
	assert_true((uint64_t)e->offset + e->length <= RIG_COPY_SECTORS);
	return (uint8_t *)(uintptr_t)m->bytes + (size_t)e->offset * DDF_SECTOR;
}

struct ddf_pd_entry *drig_pd(const struct rig_copy *m, unsigned i)
{
	return (struct ddf_pd_entry *)(void *)(drig_section(m, &m->at.pd) + 64) + i;
}

struct ddf_vd_entry *drig_vd(const struct rig_copy *m, unsigned i)
{
	return (struct ddf_vd_entry *)(void *)(drig_section(m, &m->at.vd) + 64) + i;
}

struct ddf_vdc *drig_record(const struct rig_copy *m, unsigned i)
{
	return (struct ddf_vdc *)(void *)(drig_section(m, &m->at.config) + i * ddf_record_bytes(&m->at));
}

struct ddf_disk_data *drig_data(const struct rig_copy *m)
{
	return (struct ddf_disk_data *)(void *)drig_section(m, &m->at.disk_data);
}

void drig_anchor(const struct rig *r, unsigned n, struct ddf_header *h)
{
	ddf_read_sectors(&r->file[n], r->file[n].size / DDF_SECTOR - 1, h, 1);
}

static uint64_t drig_lba(const struct ddf_header *anchor, unsigned copy)
{
	return be64_get(copy == DDF_FIRST_COPY ? anchor->primary_lba : anchor->secondary_lba);
}

bool drig_read_copy(struct rig *r, unsigned n, unsigned copy)
{
	struct rig_copy *m = &r->copy[n][copy];
	struct ddf_header anchor;
	uint64_t lba;

	drig_anchor(r, n, &anchor);
	lba = drig_lba(&anchor, copy);
	m->exists = lba != DDF_NO_LBA;
	if (!m->exists)
		return false;
	ddf_read_sectors(&r->file[n], lba, m->bytes, RIG_COPY_SECTORS);
	memcpy(&m->header, m->bytes, sizeof(m->header));
	assert_int_equal(ddf_check_layout(&m->header, r->file[n].size / DDF_SECTOR, &m->at, NULL), 0);
	return true;
}

void drig_write_copy(struct rig *r, unsigned n, unsigned copy)
{
	struct ddf_header anchor;

	drig_anchor(r, n, &anchor);
	ddf_write_sectors(&r->file[n], drig_lba(&anchor, copy), r->copy[n][copy].bytes, RIG_COPY_SECTORS);
}

void drig_seal(struct rig_copy *m)
{
	ddf_seal(m->bytes, DDF_SECTOR);
	memcpy(&m->header, m->bytes, sizeof(m->header));
	ddf_seal(drig_section(m, &m->at.controller), DDF_SECTOR);
	ddf_seal(drig_section(m, &m->at.pd), (size_t)m->at.pd.length * DDF_SECTOR);
	ddf_seal(drig_section(m, &m->at.vd), (size_t)m->at.vd.length * DDF_SECTOR);
	ddf_seal(drig_data(m), DDF_SECTOR);
	for (unsigned i = 0; i < m->at.records; i++) {
		uint32_t magic = be32_get(drig_record(m, i)->magic);

		if (magic == DDF_VDC_MAGIC || magic == DDF_SPARE_MAGIC)
			ddf_seal(drig_record(m, i), ddf_record_bytes(&m->at));
	}
}

void drig_edit(struct rig *r, unsigned n, void (*edit)(struct rig_copy *m))
{
	for (unsigned i = 0; i < DDF_COPIES; i++) {
		if (!drig_read_copy(r, n, i))
			continue;
		edit(&r->copy[n][i]);
		drig_seal(&r->copy[n][i]);
		drig_write_copy(r, n, i);
	}
}

void drig_edit_all(struct rig *r, void (*edit)(struct rig_copy *m))
{
	for (unsigned n = 0; n < r->disks; n++)
		drig_edit(r, n, edit);
}

/* ---- examination ---- */

bool drig_all_ones(const void *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (((const uint8_t *)p)[i] != 0xff)
			return false;
	return true;
}

static void drig_check_header(const struct rig *r, unsigned n, unsigned copy)
{
	const struct rig_copy *m = &r->copy[n][copy];
	struct ddf_header anchor;

	drig_anchor(r, n, &anchor);
	assert_int_equal(ddf_check_header(&anchor, DDF_ANCHOR, NULL), 0);
	assert_int_equal(anchor.type, DDF_ANCHOR);
	assert_int_equal(anchor.open_flag, DDF_ANCHOR_OPEN_FLAG);
	assert_int_equal(be32_get(anchor.seq), DDF_ANCHOR_SEQ);
	assert_int_equal(ddf_check_header(&m->header, copy == DDF_FIRST_COPY ? DDF_PRIMARY : DDF_SECONDARY, NULL), 0);
	assert_int_equal(m->header.open_flag, DDF_CLOSED);
	assert_int_equal(be32_get(m->header.seq), r->seq);
	assert_memory_equal(m->header.guid, r->any->header.guid, DDF_GUID_LEN);
	assert_memory_equal((const uint8_t *)&m->header + 113, (const uint8_t *)&anchor + 113, 512 - 113);
}

static void drig_check_table(const uint8_t *table, size_t bytes, unsigned max)
{
	unsigned used = 0;

	assert_true(ddf_crc_ok(table, bytes));
	for (unsigned i = 0; i < max; i++) {
		const uint8_t *e = table + 64 + 64 * i;

		if (drig_all_ones(e, DDF_GUID_LEN))
			assert_true(drig_all_ones(e, 64)); /* no ghosts (15, items 7 and 8) */
		else
			used++;
	}
	assert_int_equal(be16_get(((const struct ddf_table_head *)(const void *)table)->populated), used);
}

static void drig_check_records(const struct rig_copy *m)
{
	for (unsigned i = 0; i < m->at.records; i++) {
		const struct ddf_vdc *v = drig_record(m, i);
		uint32_t magic = be32_get(v->magic);

		if (magic == DDF_VDC_MAGIC || magic == DDF_SPARE_MAGIC)
			assert_true(ddf_crc_ok(v, ddf_record_bytes(&m->at)));
	}
}

static void drig_check_copy(const struct rig *r, unsigned n, unsigned copy)
{
	const struct rig_copy *m = &r->copy[n][copy], *a = r->any;
	size_t pd = (size_t)m->at.pd.length * DDF_SECTOR, vd = (size_t)m->at.vd.length * DDF_SECTOR;
	size_t config = (size_t)m->at.config.length * DDF_SECTOR;

	drig_check_header(r, n, copy);
	assert_true(ddf_crc_ok(drig_section(m, &m->at.controller), DDF_SECTOR));
	assert_true(ddf_crc_ok(drig_data(m), DDF_SECTOR));
	drig_check_table(drig_section(m, &m->at.pd), pd, m->at.max_pd);
	drig_check_table(drig_section(m, &m->at.vd), vd, m->at.max_vd);
	drig_check_records(m);
	assert_memory_equal(drig_section(m, &m->at.controller), drig_section(a, &a->at.controller), DDF_SECTOR);
	assert_memory_equal(drig_section(m, &m->at.pd), drig_section(a, &a->at.pd), pd);
	assert_memory_equal(drig_section(m, &m->at.vd), drig_section(a, &a->at.vd), vd);
	if (copy == DDF_FIRST_COPY)
		return;
	a = &r->copy[n][DDF_FIRST_COPY];
	assert_memory_equal(drig_section(m, &m->at.config), drig_section(a, &a->at.config), config);
	assert_memory_equal(drig_data(m), drig_data(a), DDF_SECTOR);
}

static int drig_vd_by_guid(const struct rig *r, const uint8_t *guid)
{
	for (unsigned i = 0; i < r->any->at.max_vd; i++)
		if (memcmp(drig_vd(r->any, i)->guid, guid, DDF_GUID_LEN) == 0)
			return (int)i;
	return -1;
}

static bool drig_is_record_of(const struct rig *r, const struct ddf_vdc *v, unsigned vd, unsigned bvd)
{
	return be32_get(v->magic) == DDF_VDC_MAGIC && drig_vd_by_guid(r, v->guid) == (int)vd && v->secondary_seq == bvd;
}

const struct ddf_vdc *drig_record_on(const struct rig *r, unsigned n, unsigned vd, unsigned bvd)
{
	const struct rig_copy *m = &r->copy[n][DDF_FIRST_COPY];

	for (unsigned i = 0; i < m->at.records; i++)
		if (drig_is_record_of(r, drig_record(m, i), vd, bvd))
			return drig_record(m, i);
	return NULL;
}

const struct ddf_vdc *drig_newest(const struct rig *r, unsigned vd, unsigned bvd)
{
	const struct ddf_vdc *newest = NULL;

	for (unsigned n = 0; n < r->disks; n++) {
		const struct ddf_vdc *v = r->in[n] ? drig_record_on(r, n, vd, bvd) : NULL;

		if (v && (!newest || be32_get(v->seq) > be32_get(newest->seq)))
			newest = v;
	}
	return newest;
}

static bool drig_names(const struct rig *r, const struct ddf_vdc *v, unsigned n)
{
	for (unsigned i = 0; i < r->any->at.mppe; i++)
		if (ddf_element_ref(v, i) == r->ref[n])
			return true;
	return false;
}

/* All disks that a record names have it, and whoever has one that was named before has the newest one (ddf.md 7). */
static void drig_check_membership(const struct rig *r)
{
	size_t len = ddf_record_bytes(&r->any->at);

	for (unsigned vd = 0; vd < RIG_VDS; vd++)
		for (unsigned bvd = 0; bvd < RIG_MEMBERS; bvd++) {
			const struct ddf_vdc *newest = drig_newest(r, vd, bvd);

			for (unsigned n = 0; newest && n < r->disks; n++) {
				const struct ddf_vdc *v = r->in[n] ? drig_record_on(r, n, vd, bvd) : NULL;

				assert_true(v || !r->in[n] || !drig_names(r, newest, n));
				if (v)
					assert_memory_equal(v, newest, len);
			}
		}
}

void drig_examine(struct rig *r)
{
	r->any = NULL;
	for (unsigned n = 0; n < r->disks; n++) {
		if (!r->in[n])
			continue;
		for (unsigned i = 0; i < DDF_COPIES; i++)
			drig_read_copy(r, n, i);
		r->ref[n] = be32_get(drig_data(&r->copy[n][DDF_FIRST_COPY])->refnum);
		if (!r->any)
			r->any = &r->copy[n][DDF_FIRST_COPY];
	}
	assert_non_null(r->any);
	r->seq = be32_get(r->any->header.seq);
	for (unsigned n = 0; n < r->disks; n++)
		for (unsigned i = 0; i < DDF_COPIES; i++)
			if (r->in[n] && r->copy[n][i].exists)
				drig_check_copy(r, n, i);
	drig_check_membership(r);
}

/* ---- as text ---- */

static void drig_put_ref(const struct rig *r, char **p, uint32_t refnum)
{
	for (unsigned n = 0; n < r->disks; n++)
		if (r->ref[n] == refnum) {
			text_put(p, "%u", n);
			return;
		}
	text_put(p, "#%x", refnum);
}

static bool drig_is_in(const struct rig *r, uint32_t refnum)
{
	for (unsigned n = 0; n < r->disks; n++)
		if (r->in[n] && r->ref[n] == refnum)
			return true;
	return false;
}

const char *drig_pd_text(const struct rig *r)
{
	static char text[1024];
	unsigned last = r->any->at.max_pd;
	char *p = text;

	*p = '\0';
	while (last && be32_get(drig_pd(r->any, last - 1)->refnum) == DDF_REF_NONE)
		last--;
	for (unsigned i = 0; i < last; i++) {
		const struct ddf_pd_entry *e = drig_pd(r->any, i);

		text_put(&p, "%s", i ? " " : "");
		if (be32_get(e->refnum) == DDF_REF_NONE) {
			text_put(&p, "-");
			continue;
		}
		drig_put_ref(r, &p, be32_get(e->refnum));
		text_put(&p, ":%02x/%02x%s", be16_get(e->type), be16_get(e->state),
			drig_is_in(r, be32_get(e->refnum)) ? "" : "?");
	}
	return text;
}

static void drig_put_record(const struct rig *r, char **p, const struct ddf_vdc *v)
{
	text_put(p, " v%u ", be32_get(v->seq));
	for (unsigned i = 0; i < be16_get(v->primary_count); i++) {
		uint32_t refnum = ddf_element_ref(v, i);
		uint64_t start = ddf_element_start(v, r->any->at.mppe, i);

		text_put(p, "%s", i ? "," : "");
		if (refnum == DDF_REF_NONE)
			text_put(p, "-");
		else if (refnum == DDF_REF_MISSING)
			text_put(p, "_");
		else
			drig_put_ref(r, p, refnum);
		if (start && refnum != DDF_REF_NONE && refnum != DDF_REF_MISSING)
			text_put(p, "@%llu", (unsigned long long)start);
	}
}

const char *drig_vd_text(const struct rig *r, unsigned vd)
{
	static char text[1024];
	const struct ddf_vd_entry *e = drig_vd(r->any, vd);
	const struct ddf_vdc *some = NULL;
	char *p = text;

	*p = '\0';
	if (drig_all_ones(e->guid, DDF_GUID_LEN))
		return text;
	text_put(&p, "%02x/%02x", e->state, e->init_state);
	for (unsigned bvd = 0; !some && bvd < RIG_MEMBERS; bvd++)
		some = drig_newest(r, vd, bvd);
	for (unsigned bvd = 0; some && bvd < some->secondary_count; bvd++) {
		const struct ddf_vdc *v = drig_newest(r, vd, bvd);

		if (v)
			drig_put_record(r, &p, v);
		else
			text_put(&p, " ?");
	}
	return text;
}

/* ---- what the monitor calls: without any allocation ---- */

const char *drig_report_text(const struct report *report)
{
	static const char disk_state[] = { [REPORT_DISK_MEMBER] = 'M', [REPORT_DISK_SPARE] = 'S',
					   [REPORT_DISK_FAILED] = 'F', [REPORT_DISK_MISSING] = '-' };
	static const char *const volume_state[] = { [REPORT_VOLUME_NORMAL] = "normal",
						    [REPORT_VOLUME_DEGRADED] = "degraded",
						    [REPORT_VOLUME_FAILED] = "failed",
						    [REPORT_VOLUME_UNINITIALIZED] = "uninitialized" };
	static const char member_state[] = { [REPORT_IN_SYNC] = '+', [REPORT_REBUILDING] = '~',
					     [REPORT_FAILED_MEMBER] = 'x', [REPORT_MISSING] = '-' };
	static char text[4096];
	char *p = text;

	text_put(&p, "%llu ", (unsigned long long)report->generation);
	for (unsigned i = 0; i < report->disk_count; i++)
		text_put(&p, "%c%s", disk_state[report->disk[i].state], report->disk[i].unwritable ? "!" : "");
	for (unsigned i = 0; i < report->volume_count; i++) {
		const struct report_volume *v = &report->volume[i];

		text_put(&p, "; %d %s raid%d %llu %s%s", v->index, v->name, v->level, (unsigned long long)v->size,
			volume_state[v->state], v->dirty ? " dirty" : "");
		for (unsigned k = 0; k < v->member_count; k++)
			text_put(&p, " %d%c", v->member[k].disk, member_state[v->member[k].state]);
	}
	return text;
}

/* ---- what changes on the disks ---- */

void drig_copy_data(const struct disk *from, const struct disk *to)
{
	static uint8_t buf[64 * DDF_SECTOR];
	off_t at = 0;

	while ((at = lseek(from->fd, at, SEEK_DATA)) >= 0) {
		ssize_t n = pread(from->fd, buf, sizeof(buf), at);

		assert_true(n > 0);
		assert_int_equal(pwrite(to->fd, buf, (size_t)n, at), n);
		at += n;
	}
}

void drig_remember(const struct rig *r, struct snapshot *s)
{
	s->disks = r->disks;
	for (unsigned n = 0; n < r->disks; n++) {
		s->disk[n] = r->file[n];
		s->disk[n].fd = memfd_create("snapshot", MFD_CLOEXEC);
		assert_int_equal(ftruncate(s->disk[n].fd, (off_t)s->disk[n].size), 0);
		drig_copy_data(&r->file[n], &s->disk[n]);
	}
}

void drig_forget(struct snapshot *s)
{
	for (unsigned n = 0; n < s->disks; n++)
		close(s->disk[n].fd);
}

bool drig_sector_changed(const struct rig *r, const struct snapshot *s, unsigned n, uint64_t sector)
{
	uint8_t now[DDF_SECTOR], then[DDF_SECTOR];

	ddf_read_sectors(&r->file[n], sector, now, 1);
	ddf_read_sectors(&s->disk[n], sector, then, 1);
	return memcmp(now, then, DDF_SECTOR) != 0;
}

static void drig_put_range(char **p, uint64_t first, uint64_t last)
{
	char what = first == SAMPLE_ANCHOR ? 'A' : first >= SAMPLE_PRIMARY ? 'P' : first >= SAMPLE_SECONDARY ? 'S' : 'D';
	uint64_t base = what == 'P' ? SAMPLE_PRIMARY : what == 'S' ? SAMPLE_SECONDARY : what == 'A' ? first : 0;

	text_put(p, " %c%llu", what, (unsigned long long)(first - base));
	if (last != first)
		text_put(p, "-%llu", (unsigned long long)(last - base));
}

const char *drig_changes(const struct rig *r, const struct snapshot *s, unsigned n)
{
	static char text[4096];
	uint64_t first = UINT64_MAX;
	char *p = text;

	*p = '\0';
	for (uint64_t i = 0; i <= SAMPLE_SECTORS; i++) {
		/* Holes are as they always were. */
		off_t data = i < SAMPLE_SECTORS && i % 8 == 0 && first == UINT64_MAX ?
				     lseek(r->file[n].fd, (off_t)(i * DDF_SECTOR), SEEK_DATA) : 0;

		if (data < 0)
			break;
		if ((uint64_t)data / DDF_SECTOR > i)
			i = (uint64_t)data / DDF_SECTOR;
		if (i < SAMPLE_SECTORS && drig_sector_changed(r, s, n, i)) {
			first = first == UINT64_MAX ? i : first;
		} else if (first != UINT64_MAX) {
			drig_put_range(&p, first, i - 1);
			first = UINT64_MAX;
		}
	}
	return *text ? text + 1 : text;
}
