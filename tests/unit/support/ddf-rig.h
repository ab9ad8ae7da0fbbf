/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A DDF container whose disks are files in memory, driven through its superswitch, and read from the disks without the
 * handler's help. Include after cmocka.h.
 *
 * After each sync the disks are examined: both copies of all of them are closed, complete and the same, unused
 * entries are empty, records are on the disks that they name and nowhere else, and a second handler that loads them
 * reports what the first one does. The text forms are those of tests/unit/support/ddf-fixture.h:
 *
 *   disks            "0:03/01 1:03/42? 2:05/01"    number of the disk, type/state, "?" if it is not there
 *   virtual disks    "01/02 v4 0,2@16384"          state/init state, for each BVD its sequence number and elements
 *   members of md    "0,1!@16384,2x,-"             "!" not in sync, "x" faulty, "@" data offset, "-" an empty slot
 */
#ifndef DDF_RIG_H
#define DDF_RIG_H

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>

#include "ddf/ddf.h"
#include "tests/unit/support/apply-update.h"
#include "tests/unit/support/count-allocations.h"
#include "tests/unit/support/ddf-samples.h"
#include "tests/unit/support/one-aio.h"

#define RIG_DISKS 10
#define RIG_ARRAYS 3
#define RIG_MEMBERS 8
#define RIG_BLOCKS 16384u      /* that a virtual disk uses of each disk */
#define RIG_COPY_SECTORS 1024u /* more than any copy takes */
#define RIG_RECORD 3584u       /* bytes of a record, as mdadm makes them */
#define RIG_MPPE 256u
#define RIG_VDS 8

/* One of md's arrays. */
struct rig_array {
	struct array_watch watch;
	struct active_array *a; /* NULL: not watched */
	struct mdinfo member[RIG_MEMBERS];
	struct spare_request spares;
};

/* A copy as it lies on a disk. */
struct rig_copy {
	bool exists;
	struct ddf_header header;
	struct ddf_layout at;
	uint8_t bytes[RIG_COPY_SECTORS * DDF_SECTOR];
};

struct rig {
	struct supertype st;
	unsigned disks;
	struct disk file[RIG_DISKS]; /* the test's own view */
	struct disk *disk[RIG_DISKS]; /* the handler's */
	bool in[RIG_DISKS];          /* it is in the container */
	uint32_t ref[RIG_DISKS];     /* of the disk; 0: none yet */
	struct rig_array array[RIG_ARRAYS];
	struct sync_result res;      /* of the last sync */
	struct sync_result rest;     /* of what followed it */
	bool new_disk;               /* one was added since */
	bool in_memory;              /* a spare is being rebuilt that no record names yet: another daemon cannot know */

	/* as found by examine() */
	uint32_t seq;
	struct rig_copy copy[RIG_DISKS][DDF_COPIES];
	const struct rig_copy *any;  /* one of them */
};

static inline void rig_put(char **p, const char *format, ...) __attribute__((format(printf, 2, 3)));
static inline void rig_put(char **p, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	*p += vsprintf(*p, format, ap);
	va_end(ap);
}

static inline dev_t rig_dev(unsigned n)
{
	return makedev(8, 16 * n);
}

/* ---- the disks ---- */

/* `d` is used up. */
static inline void rig_take_file(struct rig *r, unsigned n, struct disk *d)
{
	assert_true(n < RIG_DISKS);
	r->file[n] = *d;
	free(d);
	if (n >= r->disks)
		r->disks = n + 1;
}

static inline struct rig *rig_new(void)
{
	struct rig *r = calloc(1, sizeof(*r));

	assert_non_null(r);
	for (unsigned n = 0; n < RIG_DISKS; n++)
		r->file[n].fd = -1;
	snprintf(r->st.container, sizeof(r->st.container), "md127");
	r->st.ss = &super_ddf;
	return r;
}

/* What the handler gets; the file stays ours. */
static inline struct disk *rig_disk(const struct rig *r, unsigned n)
{
	struct disk *d = malloc(sizeof(*d));

	assert_non_null(d);
	*d = r->file[n];
	d->fd = fcntl(r->file[n].fd, F_DUPFD_CLOEXEC, 0);
	assert_true(d->fd >= 0);
	return d;
}

static inline void rig_close_arrays(struct rig *r)
{
	for (unsigned i = 0; i < RIG_ARRAYS; i++) {
		free(r->array[i].a);
		r->array[i].a = NULL;
	}
}

static inline void rig_free(struct rig *r)
{
	super_ddf.free_super(&r->st);
	rig_close_arrays(r);
	for (unsigned n = 0; n < r->disks; n++)
		if (r->file[n].fd >= 0)
			close(r->file[n].fd);
	free(r);
}

/* ---- what lies on the disks ---- */

static inline uint8_t *rig_section(const struct rig_copy *m, const struct ddf_extent *e)
{
	assert_true((uint64_t)e->offset + e->length <= RIG_COPY_SECTORS);
	return (uint8_t *)(uintptr_t)m->bytes + (size_t)e->offset * DDF_SECTOR;
}

static inline struct ddf_pd_entry *rig_pd(const struct rig_copy *m, unsigned i)
{
	return (struct ddf_pd_entry *)(void *)(rig_section(m, &m->at.pd) + 64) + i;
}

static inline struct ddf_vd_entry *rig_vd(const struct rig_copy *m, unsigned i)
{
	return (struct ddf_vd_entry *)(void *)(rig_section(m, &m->at.vd) + 64) + i;
}

static inline struct ddf_vdc *rig_record(const struct rig_copy *m, unsigned i)
{
	return (struct ddf_vdc *)(void *)(rig_section(m, &m->at.config) + i * ddf_record_bytes(&m->at));
}

static inline struct ddf_disk_data *rig_data(const struct rig_copy *m)
{
	return (struct ddf_disk_data *)(void *)rig_section(m, &m->at.disk_data);
}

static inline void rig_anchor(const struct rig *r, unsigned n, struct ddf_header *h)
{
	ddf_read_sectors(&r->file[n], r->file[n].size / DDF_SECTOR - 1, h, 1);
}

static inline uint64_t rig_lba(const struct ddf_header *anchor, unsigned copy)
{
	return be64_get(copy == DDF_FIRST_COPY ? anchor->primary_lba : anchor->secondary_lba);
}

/* False: there is no such copy. */
static inline bool rig_read_copy(struct rig *r, unsigned n, unsigned copy)
{
	struct rig_copy *m = &r->copy[n][copy];
	struct ddf_header anchor;
	uint64_t lba;

	rig_anchor(r, n, &anchor);
	lba = rig_lba(&anchor, copy);
	m->exists = lba != DDF_NO_LBA;
	if (!m->exists)
		return false;
	ddf_read_sectors(&r->file[n], lba, m->bytes, RIG_COPY_SECTORS);
	memcpy(&m->header, m->bytes, sizeof(m->header));
	assert_int_equal(ddf_check_layout(&m->header, r->file[n].size / DDF_SECTOR, &m->at, NULL), 0);
	return true;
}

static inline void rig_write_copy(struct rig *r, unsigned n, unsigned copy)
{
	struct ddf_header anchor;

	rig_anchor(r, n, &anchor);
	ddf_write_sectors(&r->file[n], rig_lba(&anchor, copy), r->copy[n][copy].bytes, RIG_COPY_SECTORS);
}

/* All checksums, of what was changed by hand. The headers' are made, too. */
static inline void rig_seal(struct rig_copy *m)
{
	ddf_seal(m->bytes, DDF_SECTOR);
	memcpy(&m->header, m->bytes, sizeof(m->header));
	ddf_seal(rig_section(m, &m->at.controller), DDF_SECTOR);
	ddf_seal(rig_section(m, &m->at.pd), (size_t)m->at.pd.length * DDF_SECTOR);
	ddf_seal(rig_section(m, &m->at.vd), (size_t)m->at.vd.length * DDF_SECTOR);
	ddf_seal(rig_data(m), DDF_SECTOR);
	for (unsigned i = 0; i < m->at.records; i++) {
		uint32_t magic = be32_get(rig_record(m, i)->magic);

		if (magic == DDF_VDC_MAGIC || magic == DDF_SPARE_MAGIC)
			ddf_seal(rig_record(m, i), ddf_record_bytes(&m->at));
	}
}

/* Changes both copies of a disk by hand. */
static inline void rig_edit(struct rig *r, unsigned n, void (*edit)(struct rig_copy *m))
{
	for (unsigned i = 0; i < DDF_COPIES; i++) {
		if (!rig_read_copy(r, n, i))
			continue;
		edit(&r->copy[n][i]);
		rig_seal(&r->copy[n][i]);
		rig_write_copy(r, n, i);
	}
}

static inline void rig_edit_all(struct rig *r, void (*edit)(struct rig_copy *m))
{
	for (unsigned n = 0; n < r->disks; n++)
		rig_edit(r, n, edit);
}

/* ---- examination ---- */

static inline bool rig_all_ones(const void *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (((const uint8_t *)p)[i] != 0xff)
			return false;
	return true;
}

static inline void rig_check_header(const struct rig *r, unsigned n, unsigned copy)
{
	const struct rig_copy *m = &r->copy[n][copy];
	struct ddf_header anchor;

	rig_anchor(r, n, &anchor);
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

static inline void rig_check_table(const uint8_t *table, size_t bytes, unsigned max)
{
	unsigned used = 0;

	assert_true(ddf_crc_ok(table, bytes));
	for (unsigned i = 0; i < max; i++) {
		const uint8_t *e = table + 64 + 64 * i;

		if (rig_all_ones(e, DDF_GUID_LEN))
			assert_true(rig_all_ones(e, 64)); /* no ghosts (15, items 7 and 8) */
		else
			used++;
	}
	assert_int_equal(be16_get(((const struct ddf_table_head *)(const void *)table)->populated), used);
}

static inline void rig_check_records(const struct rig_copy *m)
{
	for (unsigned i = 0; i < m->at.records; i++) {
		const struct ddf_vdc *v = rig_record(m, i);
		uint32_t magic = be32_get(v->magic);

		if (magic == DDF_VDC_MAGIC || magic == DDF_SPARE_MAGIC)
			assert_true(ddf_crc_ok(v, ddf_record_bytes(&m->at)));
	}
}

static inline void rig_check_copy(const struct rig *r, unsigned n, unsigned copy)
{
	const struct rig_copy *m = &r->copy[n][copy], *a = r->any;
	size_t pd = (size_t)m->at.pd.length * DDF_SECTOR, vd = (size_t)m->at.vd.length * DDF_SECTOR;
	size_t config = (size_t)m->at.config.length * DDF_SECTOR;

	rig_check_header(r, n, copy);
	assert_true(ddf_crc_ok(rig_section(m, &m->at.controller), DDF_SECTOR));
	assert_true(ddf_crc_ok(rig_data(m), DDF_SECTOR));
	rig_check_table(rig_section(m, &m->at.pd), pd, m->at.max_pd);
	rig_check_table(rig_section(m, &m->at.vd), vd, m->at.max_vd);
	rig_check_records(m);
	assert_memory_equal(rig_section(m, &m->at.controller), rig_section(a, &a->at.controller), DDF_SECTOR);
	assert_memory_equal(rig_section(m, &m->at.pd), rig_section(a, &a->at.pd), pd);
	assert_memory_equal(rig_section(m, &m->at.vd), rig_section(a, &a->at.vd), vd);
	if (copy == DDF_FIRST_COPY)
		return;
	a = &r->copy[n][DDF_FIRST_COPY];
	assert_memory_equal(rig_section(m, &m->at.config), rig_section(a, &a->at.config), config);
	assert_memory_equal(rig_data(m), rig_data(a), DDF_SECTOR);
}

static inline int rig_vd_by_guid(const struct rig *r, const uint8_t *guid)
{
	for (unsigned i = 0; i < r->any->at.max_vd; i++)
		if (memcmp(rig_vd(r->any, i)->guid, guid, DDF_GUID_LEN) == 0)
			return (int)i;
	return -1;
}

static inline bool rig_is_record_of(const struct rig *r, const struct ddf_vdc *v, unsigned vd, unsigned bvd)
{
	return be32_get(v->magic) == DDF_VDC_MAGIC && rig_vd_by_guid(r, v->guid) == (int)vd && v->secondary_seq == bvd;
}

static inline const struct ddf_vdc *rig_record_on(const struct rig *r, unsigned n, unsigned vd, unsigned bvd)
{
	const struct rig_copy *m = &r->copy[n][DDF_FIRST_COPY];

	for (unsigned i = 0; i < m->at.records; i++)
		if (rig_is_record_of(r, rig_record(m, i), vd, bvd))
			return rig_record(m, i);
	return NULL;
}

/* The newest record; NULL: no disk has one. */
static inline const struct ddf_vdc *rig_newest(const struct rig *r, unsigned vd, unsigned bvd)
{
	const struct ddf_vdc *newest = NULL;

	for (unsigned n = 0; n < r->disks; n++) {
		const struct ddf_vdc *v = r->in[n] ? rig_record_on(r, n, vd, bvd) : NULL;

		if (v && (!newest || be32_get(v->seq) > be32_get(newest->seq)))
			newest = v;
	}
	return newest;
}

static inline bool rig_names(const struct rig *r, const struct ddf_vdc *v, unsigned n)
{
	for (unsigned i = 0; i < r->any->at.mppe; i++)
		if (ddf_element_ref(v, i) == r->ref[n])
			return true;
	return false;
}

/* All disks that a record names have it, the newest one, and no others have any. */
static inline void rig_check_membership(const struct rig *r)
{
	size_t len = ddf_record_bytes(&r->any->at);

	for (unsigned vd = 0; vd < RIG_VDS; vd++)
		for (unsigned bvd = 0; bvd < RIG_MEMBERS; bvd++) {
			const struct ddf_vdc *newest = rig_newest(r, vd, bvd);

			for (unsigned n = 0; newest && n < r->disks; n++) {
				const struct ddf_vdc *v = r->in[n] ? rig_record_on(r, n, vd, bvd) : NULL;

				assert_int_equal(!!v, r->in[n] && rig_names(r, newest, n));
				if (v)
					assert_memory_equal(v, newest, len);
			}
		}
}

/* Reads all disks that are in the container, and checks that they agree. */
static inline void examine(struct rig *r)
{
	r->any = NULL;
	for (unsigned n = 0; n < r->disks; n++) {
		if (!r->in[n])
			continue;
		for (unsigned i = 0; i < DDF_COPIES; i++)
			rig_read_copy(r, n, i);
		r->ref[n] = be32_get(rig_data(&r->copy[n][DDF_FIRST_COPY])->refnum);
		if (!r->any)
			r->any = &r->copy[n][DDF_FIRST_COPY];
	}
	assert_non_null(r->any);
	r->seq = be32_get(r->any->header.seq);
	for (unsigned n = 0; n < r->disks; n++)
		for (unsigned i = 0; i < DDF_COPIES; i++)
			if (r->in[n] && r->copy[n][i].exists)
				rig_check_copy(r, n, i);
	rig_check_membership(r);
}

/* ---- as text ---- */

static inline void rig_put_ref(const struct rig *r, char **p, uint32_t refnum)
{
	for (unsigned n = 0; n < r->disks; n++)
		if (r->ref[n] == refnum) {
			rig_put(p, "%u", n);
			return;
		}
	rig_put(p, "#%x", refnum);
}

static inline bool rig_is_in(const struct rig *r, uint32_t refnum)
{
	for (unsigned n = 0; n < r->disks; n++)
		if (r->in[n] && r->ref[n] == refnum)
			return true;
	return false;
}

/* The table of disks as of the last examination; an unused entry between others is "-". */
static inline const char *pd_text(const struct rig *r)
{
	static char text[1024];
	unsigned last = r->any->at.max_pd;
	char *p = text;

	*p = '\0';
	while (last && be32_get(rig_pd(r->any, last - 1)->refnum) == DDF_REF_NONE)
		last--;
	for (unsigned i = 0; i < last; i++) {
		const struct ddf_pd_entry *e = rig_pd(r->any, i);

		rig_put(&p, "%s", i ? " " : "");
		if (be32_get(e->refnum) == DDF_REF_NONE) {
			rig_put(&p, "-");
			continue;
		}
		rig_put_ref(r, &p, be32_get(e->refnum));
		rig_put(&p, ":%02x/%02x%s", be16_get(e->type), be16_get(e->state),
			rig_is_in(r, be32_get(e->refnum)) ? "" : "?");
	}
	return text;
}

static inline void rig_put_record(const struct rig *r, char **p, const struct ddf_vdc *v)
{
	rig_put(p, " v%u ", be32_get(v->seq));
	for (unsigned i = 0; i < be16_get(v->primary_count); i++) {
		uint32_t refnum = ddf_element_ref(v, i);
		uint64_t start = ddf_element_start(v, r->any->at.mppe, i);

		rig_put(p, "%s", i ? "," : "");
		if (refnum == DDF_REF_NONE)
			rig_put(p, "-");
		else if (refnum == DDF_REF_MISSING)
			rig_put(p, "_");
		else
			rig_put_ref(r, p, refnum);
		if (start && refnum != DDF_REF_NONE && refnum != DDF_REF_MISSING)
			rig_put(p, "@%llu", (unsigned long long)start);
	}
}

/* "" is an unused entry. */
static inline const char *vd_text(const struct rig *r, unsigned vd)
{
	static char text[1024];
	const struct ddf_vd_entry *e = rig_vd(r->any, vd);
	const struct ddf_vdc *some = NULL;
	char *p = text;

	*p = '\0';
	if (rig_all_ones(e->guid, DDF_GUID_LEN))
		return text;
	rig_put(&p, "%02x/%02x", e->state, e->init_state);
	for (unsigned bvd = 0; !some && bvd < RIG_MEMBERS; bvd++)
		some = rig_newest(r, vd, bvd);
	for (unsigned bvd = 0; some && bvd < some->secondary_count; bvd++) {
		const struct ddf_vdc *v = rig_newest(r, vd, bvd);

		if (v)
			rig_put_record(r, &p, v);
		else
			rig_put(&p, " ?");
	}
	return text;
}

#define assert_pds(r, text) assert_string_equal(pd_text(r), text)
#define assert_vd(r, vd, text) assert_string_equal(vd_text(r, vd), text)

/* ---- what the monitor calls: without any allocation ---- */

static inline void begin_monitor(void)
{
	allocations = 0;
	counting_allocations = true;
}

static inline void end_monitor(void)
{
	counting_allocations = false;
	assert_int_equal(allocations, 0);
}

static inline void make_report(const struct supertype *st, struct report *report)
{
	memset(report, 0, sizeof(*report));
	begin_monitor();
	super_ddf.report(st, report);
	end_monitor();
}

/* A report as text: the disks and what they are, then the virtual disks. */
static inline const char *report_text(const struct report *report)
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

	rig_put(&p, "%llu ", (unsigned long long)report->generation);
	for (unsigned i = 0; i < report->disk_count; i++)
		rig_put(&p, "%c%s", disk_state[report->disk[i].state], report->disk[i].unwritable ? "!" : "");
	for (unsigned i = 0; i < report->volume_count; i++) {
		const struct report_volume *v = &report->volume[i];

		rig_put(&p, "; %d %s raid%d %llu %s%s", v->index, v->name, v->level, (unsigned long long)v->size,
			volume_state[v->state], v->dirty ? " dirty" : "");
		for (unsigned k = 0; k < v->member_count; k++)
			rig_put(&p, " %d%c", v->member[k].disk, member_state[v->member[k].state]);
	}
	return text;
}

/* ---- loading ---- */

/* The last disk comes first: the order must not matter. kept[n] may be used after a success. */
static inline int rig_load_into(const struct rig *r, struct supertype *st, struct disk *kept[RIG_DISKS])
{
	struct disk *disks[RIG_DISKS];
	size_t count = 0;
	int err;

	for (unsigned n = r->disks; n-- > 0;)
		if (r->in[n])
			disks[count++] = kept[n] = rig_disk(r, n);
	err = super_ddf.load_container(st, disks, count);
	for (size_t i = 0; i < count; i++) {
		if (!err)
			assert_null(disks[i]);
		disk_close(disks[i]);
	}
	return err;
}

/* All disks that are in the container must be kept. */
static inline void load(struct rig *r)
{
	assert_int_equal(rig_load_into(r, &r->st, r->disk), 0);
}

/* Another daemon that starts now sees what this one does. */
static inline void assert_same_after_reload(const struct rig *r)
{
	static struct report mine, other;
	struct disk *kept[RIG_DISKS];
	struct supertype st = r->st;
	char text[4096];

	st.sb = NULL;
	assert_int_equal(rig_load_into(r, &st, kept), 0);
	make_report(&r->st, &mine);
	make_report(&st, &other);
	if (!r->in_memory) {
		snprintf(text, sizeof(text), "%s", report_text(&mine));
		assert_string_equal(report_text(&other), text);
		assert_memory_equal(&mine, &other, sizeof(mine));
	}
	super_ddf.free_super(&st);
}

/* The daemon is killed, and another one starts. */
static inline void restart(struct rig *r)
{
	super_ddf.free_super(&r->st);
	rig_close_arrays(r);
	r->in_memory = false;
	load(r);
}

/* The first disks of a sample, not loaded yet. */
static inline struct rig *rig_sample(const char *name)
{
	struct rig *r = rig_new();

	for (unsigned n = 0; n < ddf_sample_named(name)->disks; n++) {
		rig_take_file(r, n, ddf_sample_disk(name, n));
		r->in[n] = true;
	}
	examine(r);
	return r;
}

static inline struct rig *rig_loaded_sample(const char *name)
{
	struct rig *r = rig_sample(name);

	load(r);
	return r;
}

/* ---- syncs ---- */

static inline int sync_with(struct rig *r, bool retry)
{
	int n;

	r->res = (struct sync_result){ .retry = retry };
	begin_monitor();
	n = super_ddf.sync_metadata(&r->st, &r->res);
	end_monitor();
	return n;
}

static inline void finish(struct rig *r)
{
	r->rest = (struct sync_result){ .retry = r->res.retry };
	begin_monitor();
	super_ddf.finish_sync(&r->st, &r->rest);
	end_monitor();
}

/* A sync that all disks take: one more generation if there was something to write. */
static inline int sync_now(struct rig *r)
{
	uint32_t before = r->seq;
	int n = sync_with(r, false);

	/* The kernel gets its answer now. A disk that is new has no anchor before its second copy. */
	if (n == 1 && !r->new_disk)
		assert_same_after_reload(r);
	r->new_disk = false;
	finish(r);
	examine(r);
	assert_int_equal(r->res.failed + r->rest.failed, 0);
	assert_int_equal(r->seq, before + (n == 1));
	assert_same_after_reload(r);
	return n;
}

#define assert_synced(r) assert_int_equal(sync_now(r), 1)
#define assert_nothing_to_sync(r) assert_int_equal(sync_now(r), 0)

/* ---- arrays ---- */

static inline struct mdinfo *rig_member(struct rig_array *a, unsigned slot, const char **text)
{
	struct mdinfo *m = &a->member[slot];
	char *end;

	*m = (struct mdinfo){ .dev = rig_dev((unsigned)strtoul(*text, &end, 10)), .slot = (int)slot,
			      .curr_state = MEMBER_IN_SYNC, .recovery_start = SECTORS_NONE };
	*text = end;
	for (; **text == '!' || **text == 'x' || **text == '?'; (*text)++)
		m->curr_state = **text == '!' ? MEMBER_SPARE : **text == 'x' ? MEMBER_FAULTY : MEMBER_GONE;
	if (**text == '@') {
		m->data_offset = strtoul(*text + 1, &end, 10);
		*text = end;
	}
	return m;
}

/* What md has from now on. */
static inline void set_members(struct rig_array *a, const char *text)
{
	unsigned slot = 0;

	a->a->disk_count = 0;
	for (; *text; text += *text == ',', slot++) {
		assert_true(slot < RIG_MEMBERS);
		if (*text == '-')
			text++;
		else
			a->a->disks[a->a->disk_count++] = rig_member(a, slot, &text);
	}
	a->a->raid_disks = (int)slot;
}

/* An array of virtual disk `vd` that is clean and complete, not bound yet. */
static inline struct rig_array *make_array(struct rig *r, int vd, int level, int layout, const char *members)
{
	const struct ddf_vdc *v = vd < 0 ? NULL : rig_newest(r, (unsigned)vd, 0);
	struct rig_array *a = r->array;

	while (a->a)
		a++;
	assert_true(a < r->array + RIG_ARRAYS);
	memset(a, 0, sizeof(*a));
	a->a = calloc(1, sizeof(*a->a) + RIG_MEMBERS * sizeof(a->a->disks[0]));
	assert_non_null(a->a);
	a->watch.curr_state = a->watch.prev_state = ARRAY_CLEAN;
	a->watch.curr_action = a->watch.prev_action = SYNC_IDLE;
	a->watch.resync_start = SECTORS_NONE;
	a->a->container = &r->st;
	a->a->watch = &a->watch;
	a->a->member = vd;
	a->a->level = level;
	a->a->layout = layout;
	a->a->component_size = v ? be64_get(v->block_count) : RIG_BLOCKS;
	set_members(a, members);
	return a;
}

static inline int open_new(struct rig_array *a)
{
	int err;

	begin_monitor();
	err = super_ddf.open_new(a->a);
	end_monitor();
	return err;
}

static inline enum consistency tell_state(struct rig_array *a, enum consistency want)
{
	enum consistency got;

	begin_monitor();
	got = super_ddf.set_array_state(a->a, want);
	end_monitor();
	return got;
}

static inline int find_slot(struct rig_array *a, unsigned n)
{
	int slot;

	begin_monitor();
	slot = super_ddf.find_slot(a->a, rig_dev(n));
	end_monitor();
	return slot;
}

/* `slot`: what the monitor takes for the member's. */
static inline void tell_member(struct rig_array *a, const struct mdinfo *m, int slot, unsigned member_state)
{
	begin_monitor();
	super_ddf.set_disk(a->a, m, slot, member_state);
	end_monitor();
}

/* md's members are these from now on, and each is told of. */
static inline void tell(struct rig_array *a, const char *members)
{
	set_members(a, members);
	for (unsigned i = 0; i < a->a->disk_count; i++) {
		const struct mdinfo *m = a->a->disks[i];

		tell_member(a, m, m->slot, m->curr_state);
	}
}

/* An array that is found running, as the monitor begins with it. */
static inline struct rig_array *open_array(struct rig *r, int vd, int level, int layout, const char *members)
{
	struct rig_array *a = make_array(r, vd, level, layout, members);

	assert_int_equal(open_new(a), 0);
	tell_state(a, MARK_DECIDE);
	tell(a, members);
	return a;
}

static inline void close_array(struct rig_array *a)
{
	begin_monitor();
	super_ddf.close_array(a->a);
	end_monitor();
	free(a->a);
	a->a = NULL;
}

/* ---- spares ---- */

/* Slot, disk and first sector of each pick: "1:2@16384". */
static inline const char *find_spares(struct rig_array *a, const char *members)
{
	static char text[256];
	char *p = text;

	set_members(a, members);
	a->spares = (struct spare_request){ .watch = &a->watch, .member = a->a->member };
	begin_monitor();
	super_ddf.activate_spare(a->a, &a->spares);
	end_monitor();
	*p = '\0';
	for (unsigned i = 0; i < a->spares.count; i++) {
		const struct spare_pick *k = &a->spares.pick[i];

		assert_int_equal(k->component_size, a->a->component_size);
		rig_put(&p, "%s%d:%u", i ? " " : "", k->slot, minor(k->dev) / 16);
		if (k->data_offset)
			rig_put(&p, "@%llu", (unsigned long long)k->data_offset);
	}
	return text;
}

static inline int rig_apply(struct rig *r, struct metadata_update *u)
{
	int err;

	begin_monitor();
	err = apply_update(&r->st, u);
	end_monitor();
	return err;
}

static inline int commit(struct rig *r, struct rig_array *a)
{
	struct metadata_update u = { .op = UPDATE_COMMIT_SPARES, .spares = &a->spares };

	return rig_apply(r, &u);
}

/* The spares that are expected are found and recorded. */
#define assert_taken(r, a, members, picks) \
	do { \
		assert_string_equal(find_spares(a, members), picks); \
		assert_int_equal(commit(r, a), 0); \
	} while (0)

/* ---- disks that come and go ---- */

static inline void rig_blank(struct rig *r, unsigned n)
{
	rig_take_file(r, n, ddf_blank_disk(n, SAMPLE_SECTORS));
}

/* The manager's part. */
static inline int prepare_disk(struct rig *r, unsigned n, struct metadata_update *u)
{
	struct disk *d;
	int err;

	if (n >= r->disks || r->file[n].fd < 0)
		rig_blank(r, n);
	d = rig_disk(r, n);
	*u = (struct metadata_update){ .op = UPDATE_ADD_DISK };
	err = super_ddf.add_to_super(&r->st, d, u);
	if (err)
		disk_close(d);
	return err;
}

static inline int apply_disk(struct rig *r, unsigned n, struct metadata_update *u)
{
	struct disk *d = u->disk;
	int err = rig_apply(r, u);

	disk_close(u->disk);
	free(u->space);
	r->in[n] |= !err;
	if (!err) {
		r->disk[n] = d;
		r->new_disk = true;
	}
	return err;
}

static inline int add_disk(struct rig *r, unsigned n)
{
	struct metadata_update u;
	int err = prepare_disk(r, n, &u);

	return err ? err : apply_disk(r, n, &u);
}

static inline int remove_disk(struct rig *r, unsigned n)
{
	struct metadata_update u = { .op = UPDATE_REMOVE_DISK, .dev = rig_dev(n) };
	int err = rig_apply(r, &u);

	/* what was used comes back to be closed and freed */
	assert_int_equal(!!u.disk, r->in[n]);
	assert_int_equal(!!u.space, r->in[n]);
	disk_close(u.disk);
	free(u.space);
	r->in[n] = false;
	return err;
}

/* ---- messages ---- */

struct message {
	size_t len;
	uint8_t bytes[RIG_MEMBERS * RIG_RECORD];
};

static inline int send_message(struct rig *r, struct message *m)
{
	struct metadata_update u = { .op = UPDATE_MESSAGE, .buf = m->bytes, .len = m->len };
	int err = super_ddf.prepare_update(&r->st, &u);

	if (!err)
		err = rig_apply(r, &u);
	free(u.space);
	return err;
}

static inline void rig_vd_guid(uint8_t guid[DDF_GUID_LEN], unsigned n)
{
	char text[DDF_GUID_LEN + 1];

	snprintf(text, sizeof(text), "VIRT%020u", n);
	memcpy(guid, text, DDF_GUID_LEN);
}

static inline struct ddf_vd_entry *rig_message_entry(struct message *m)
{
	return (struct ddf_vd_entry *)(void *)(m->bytes + 64);
}

/* As mdadm --assume-clean has it: the test is about what comes later. */
static inline void entry_message(struct message *m, unsigned vd, uint8_t vd_state)
{
	struct ddf_vd_entry *e = rig_message_entry(m);

	m->len = 128;
	memset(m->bytes, 0xff, m->len);
	*(be32 *)(void *)m->bytes = be32_make(DDF_VD_MAGIC);
	*(be16 *)(void *)(m->bytes + 8) = be16_make((uint16_t)vd);
	rig_vd_guid(e->guid, vd);
	e->unit = be16_make((uint16_t)(126 - vd));
	e->type = be16_make(0);
	e->state = vd_state;
	e->init_state = DDF_INITIALISED;
	memset(e->name, 0, sizeof(e->name));
	snprintf(e->name, sizeof(e->name), "vol%u", vd);
}

struct shape {
	uint8_t prl, rlq;
	unsigned data; /* disks' worth of data in a BVD; 0: all */
};

static const struct shape raid0 = { DDF_RAID0, 0, 0 }, raid1 = { DDF_RAID1, 0, 1 }, raid1_3 = { DDF_RAID1, 1, 1 },
			  raid5 = { DDF_RAID5, 3, 2 }, raid6 = { DDF_RAID6, 3, 2 };

static inline const char *rig_put_elements(const struct rig *r, struct ddf_vdc *v, const char *text)
{
	unsigned i = 0;

	for (; *text && *text != ' '; i++, text += *text == ',') {
		char *end;

		ddf_set_element_ref(v, i, *text == '_' ? DDF_REF_MISSING : DDF_REF_NONE);
		if (*text == '-' || *text == '_') {
			text++;
			continue;
		}
		ddf_set_element_ref(v, i, r->ref[strtoul(text, &end, 10)]);
		if (*end == '@')
			ddf_set_element_start(v, RIG_MPPE, i, strtoul(end + 1, &end, 10));
		text = end;
	}
	v->primary_count = be16_make((uint16_t)i);
	return text;
}

static inline void rig_fill_record(struct ddf_vdc *v, unsigned vd, const struct shape *shape)
{
	memset(v, 0xff, 1536);
	memset((uint8_t *)v + 1536, 0, RIG_RECORD - 1536);
	v->magic = be32_make(DDF_VDC_MAGIC);
	rig_vd_guid(v->guid, vd);
	v->timestamp = be32_make(0x58345fe5);
	v->strip_exponent = shape->prl == DDF_RAID1 ? 0xff : 7;
	v->prl = shape->prl;
	v->rlq = shape->rlq;
	v->block_count = be64_make(RIG_BLOCKS);
	memset(v->cache_policy, 0, sizeof(v->cache_policy));
	v->bg_rate = 0x80;
}

/* The records of a virtual disk: "v3 0,1 v3 2,3@16384". */
static inline void config_message(const struct rig *r, struct message *m, unsigned vd, const struct shape *shape,
				  const char *text)
{
	struct ddf_vdc *first = (struct ddf_vdc *)(void *)m->bytes;
	uint8_t count = 0;

	for (m->len = 0; *text; text += *text == ' ', count++, m->len += RIG_RECORD) {
		struct ddf_vdc *v = (struct ddf_vdc *)(void *)(m->bytes + m->len);
		char *end;

		assert_true(m->len < sizeof(m->bytes) && *text == 'v');
		rig_fill_record(v, vd, shape);
		v->seq = be32_make((uint32_t)strtoul(text + 1, &end, 10));
		v->secondary_seq = count;
		text = rig_put_elements(r, v, end + 1);
	}
	for (unsigned i = 0; i < count; i++) {
		struct ddf_vdc *v = (struct ddf_vdc *)(void *)(m->bytes + i * RIG_RECORD);
		unsigned data = shape->data ? shape->data : be16_get(first->primary_count);

		v->secondary_count = count;
		v->srl = count > 1 ? DDF_2SPANNED : 0xff;
		v->vd_size = be64_make((uint64_t)RIG_BLOCKS * data * count);
	}
}

static inline void delete_message(struct message *m, unsigned vd)
{
	m->len = 128;
	memset(m->bytes, 0, m->len);
	*(be32 *)(void *)m->bytes = be32_make(DDF_VD_MAGIC);
	rig_vd_guid(rig_message_entry(m)->guid, vd);
	rig_message_entry(m)->state = DDF_VD_DELETED;
}

/* mdadm creates a virtual disk. */
static inline void create(struct rig *r, unsigned vd, const struct shape *shape, const char *records)
{
	struct message m;

	entry_message(&m, vd, DDF_VD_OPTIMAL);
	assert_int_equal(send_message(r, &m), 0);
	config_message(r, &m, vd, shape, records);
	assert_int_equal(send_message(r, &m), 0);
	assert_synced(r);
}

/* ---- a container without arrays ---- */

static inline void rig_make_disk_data(struct rig_copy *m, const struct ddf_pd_entry *e)
{
	struct ddf_disk_data *d = rig_data(m);

	memcpy(d->guid, e->guid, DDF_GUID_LEN);
	d->refnum = e->refnum;
}

/* As mdadm leaves it behind: made of a disk of sample A, whose virtual disk goes. */
static inline void rig_strip(struct rig_copy *m, unsigned disks)
{
	struct ddf_pd_entry model = *rig_pd(m, 0);

	((struct ddf_header *)(void *)m->bytes)->seq = be32_make(2);
	memset(rig_pd(m, 0), 0xff, 3 * sizeof(model));
	for (unsigned n = 0; n < disks; n++) {
		struct ddf_pd_entry *e = rig_pd(m, n);

		*e = model;
		e->guid[DDF_GUID_LEN - 1] = (uint8_t)n;
		e->refnum = be32_make(0x1000 + n);
		e->type = be16_make(DDF_PD_FORCED_GUID | DDF_PD_GLOBAL_SPARE);
	}
	((struct ddf_table_head *)(void *)rig_section(m, &m->at.pd))->populated = be16_make((uint16_t)disks);
	memset(rig_vd(m, 0), 0xff, sizeof(struct ddf_vd_entry));
	((struct ddf_table_head *)(void *)rig_section(m, &m->at.vd))->populated = be16_make(0);
	memset(rig_record(m, 0), 0xff, ddf_record_bytes(&m->at));
}

/* `disks` of them, not loaded yet. */
static inline struct rig *rig_bare_files(unsigned disks)
{
	struct rig *r = rig_new();

	for (unsigned n = 0; n < disks; n++) {
		struct disk *d = ddf_sample_disk("A", 0);

		d->dev = rig_dev(n);
		d->name[2] = (char)('a' + n);
		rig_take_file(r, n, d);
		r->in[n] = true;
		for (unsigned i = 0; i < DDF_COPIES; i++) {
			struct rig_copy *m = &r->copy[n][i];

			rig_read_copy(r, n, i);
			rig_strip(m, disks);
			rig_make_disk_data(m, rig_pd(m, n));
			rig_seal(m);
			rig_write_copy(r, n, i);
		}
	}
	examine(r);
	return r;
}

static inline struct rig *rig_bare(unsigned disks)
{
	struct rig *r = rig_bare_files(disks);

	load(r);
	return r;
}

/* ---- what changes on the disks ---- */

/* The disks as they were. */
struct snapshot {
	unsigned disks; /* that there were */
	struct disk disk[RIG_DISKS];
};

static inline void rig_copy_data(const struct disk *from, const struct disk *to)
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

static inline void remember(const struct rig *r, struct snapshot *s)
{
	s->disks = r->disks;
	for (unsigned n = 0; n < r->disks; n++) {
		s->disk[n] = r->file[n];
		s->disk[n].fd = memfd_create("snapshot", MFD_CLOEXEC);
		assert_int_equal(ftruncate(s->disk[n].fd, (off_t)s->disk[n].size), 0);
		rig_copy_data(&r->file[n], &s->disk[n]);
	}
}

static inline void forget(struct snapshot *s)
{
	for (unsigned n = 0; n < s->disks; n++)
		close(s->disk[n].fd);
}

static inline bool sector_changed(const struct rig *r, const struct snapshot *s, unsigned n, uint64_t sector)
{
	uint8_t now[DDF_SECTOR], then[DDF_SECTOR];

	ddf_read_sectors(&r->file[n], sector, now, 1);
	ddf_read_sectors(&s->disk[n], sector, then, 1);
	return memcmp(now, then, DDF_SECTOR) != 0;
}

static inline void rig_put_range(char **p, uint64_t first, uint64_t last)
{
	char what = first == SAMPLE_ANCHOR ? 'A' : first >= SAMPLE_PRIMARY ? 'P' : first >= SAMPLE_SECONDARY ? 'S' : 'D';
	uint64_t base = what == 'P' ? SAMPLE_PRIMARY : what == 'S' ? SAMPLE_SECONDARY : what == 'A' ? first : 0;

	rig_put(p, " %c%llu", what, (unsigned long long)(first - base));
	if (last != first)
		rig_put(p, "-%llu", (unsigned long long)(last - base));
}

/* Ranges of sectors, counted from the header of the secondary (S) or primary copy (P); A: the anchor, D: data. */
static inline const char *changes(const struct rig *r, const struct snapshot *s, unsigned n)
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
		if (i < SAMPLE_SECTORS && sector_changed(r, s, n, i)) {
			first = first == UINT64_MAX ? i : first;
		} else if (first != UINT64_MAX) {
			rig_put_range(&p, first, i - 1);
			first = UINT64_MAX;
		}
	}
	return *text ? text + 1 : text;
}

#endif
