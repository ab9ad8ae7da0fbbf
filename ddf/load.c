/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loading a DDF container: reading both copies on each disk, choosing among them and among the disks, and
 * collecting what each disk alone knows (ddf.md 2).
 *
 * A copy that was closed and whose checksums are all right is what we look for. If a disk has none, mdadm's own rule
 * decides, which looks at the headers only: some firmware leaves wrong checksums, and a container that mdadm starts
 * must not be without its daemon. Among the disks the newest decides, as with mdadm: else the two would work on
 * different configurations.
 */
#include "ddf/ddf.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "lib/log.h"

#define READ_TRIES 4
#define READ_RETRY_MS 3
#define RECORDS_MAX (32u << 20) /* bytes for all configuration records: a prepared disk must not use up the memory */
#define NAME_OF_COPY(which) ((which) == DDF_FIRST_COPY ? "primary" : "secondary")

enum { CONTROLLER, PHYSICAL, VIRTUAL, CONFIG, DISK_DATA, SECTIONS };

/* One of the copies on a disk, as it was read. */
struct image {
	struct ddf_header header;
	struct ddf_layout at;
	uint8_t *bytes; /* all sections, malloc'd */
	uint8_t *section[SECTIONS];
	size_t size[SECTIONS];
	bool exists;
	bool usable;       /* can be worked with, if need be */
	const char *fault; /* what is wrong, or why it is not usable; NULL: complete and right */
};

/* A disk that may belong to the container. */
struct candidate {
	struct disk *disk;
	struct ddf_header anchor;
	bool anchor_elsewhere; /* not in the last sector */
	struct image copy[DDF_COPIES];
	struct image *chosen; /* NULL: none is usable */
	struct ddf_dl *dl;    /* taken over into the container */
	const char *why;      /* why it is left alone; NULL: it is not */
};

/* ---- reading ---- */

static uint64_t sectors_of(const struct disk *disk)
{
	return disk->size / DDF_SECTOR;
}

static uint64_t lba_of_copy(const struct ddf_header *anchor, int which)
{
	return be64_get(which == DDF_FIRST_COPY ? anchor->primary_lba : anchor->secondary_lba);
}

static bool is_closed(const struct image *m)
{
	return m->header.open_flag == DDF_CLOSED;
}

static uint32_t seq_of(const struct image *m)
{
	return be32_get(m->header.seq);
}

static const struct ddf_extent *extent_of(const struct ddf_layout *l, int section)
{
	const struct ddf_extent *const extent[SECTIONS] = { &l->controller, &l->pd, &l->vd, &l->config, &l->disk_data };

	return extent[section];
}

static int read_sections(const struct disk *disk, uint64_t lba, struct image *m)
{
	size_t total = 0, at = 0;

	for (int i = 0; i < SECTIONS; i++) {
		m->size[i] = (size_t)extent_of(&m->at, i)->length * DDF_SECTOR;
		total += m->size[i];
	}
	m->bytes = malloc(total);
	if (!m->bytes)
		return -ENOMEM;
	for (int i = 0; i < SECTIONS; i++) {
		uint64_t offset = (lba + extent_of(&m->at, i)->offset) * DDF_SECTOR;
		int err = disk_read(disk, m->bytes + at, m->size[i], offset);

		if (err)
			return err;
		m->section[i] = m->bytes + at;
		at += m->size[i];
	}
	return 0;
}

static uint32_t magic_of(const void *structure)
{
	be32 magic;

	memcpy(&magic, structure, sizeof(magic));
	return be32_get(magic);
}

/* Without these it cannot be worked with, whatever the checksums are. */
static const char *missing_signature(const struct image *m)
{
	if (magic_of(m->section[PHYSICAL]) != DDF_PD_MAGIC)
		return "the table of physical disks is not there";
	if (magic_of(m->section[VIRTUAL]) != DDF_VD_MAGIC)
		return "the table of virtual disks is not there";
	if (magic_of(m->section[DISK_DATA]) != DDF_DISK_DATA_MAGIC)
		return "the data of the disk are not there";
	return NULL;
}

static const uint8_t *record_at(const struct image *m, unsigned i)
{
	return m->section[CONFIG] + i * ddf_record_bytes(&m->at);
}

/* What vendors put into records of their own is their business. */
static bool records_ok(const struct image *m)
{
	for (unsigned i = 0; i < m->at.records; i++) {
		const uint8_t *r = record_at(m, i);
		uint32_t magic = magic_of(r);

		if ((magic == DDF_VDC_MAGIC || magic == DDF_SPARE_MAGIC) && !ddf_crc_ok(r, ddf_record_bytes(&m->at)))
			return false;
	}
	return true;
}

static const char *fault_of(const struct image *m)
{
	if (!is_closed(m))
		return "it was not written completely";
	if (magic_of(m->section[CONTROLLER]) != DDF_CONTROLLER_MAGIC)
		return "the controller data are not there";
	if (!ddf_crc_ok(m->section[CONTROLLER], DDF_SECTOR))
		return "the controller data have a wrong checksum";
	if (!ddf_crc_ok(m->section[PHYSICAL], m->size[PHYSICAL]))
		return "the table of physical disks has a wrong checksum";
	if (!ddf_crc_ok(m->section[VIRTUAL], m->size[VIRTUAL]))
		return "the table of virtual disks has a wrong checksum";
	if (!records_ok(m))
		return "a configuration record has a wrong checksum";
	if (!ddf_crc_ok(m->section[DISK_DATA], DDF_SECTOR))
		return "the data of the disk have a wrong checksum";
	return NULL;
}

/* NULL: it can be worked with. */
static const char *read_usable(const struct disk *disk, const struct ddf_header *anchor, int which, struct image *m)
{
	const uint64_t lba = lba_of_copy(anchor, which), sectors = sectors_of(disk);
	const char *why;
	int err;

	if (lba >= sectors - 1)
		return "it is not within the disk";
	if (disk_read(disk, &m->header, sizeof(m->header), lba * DDF_SECTOR) != 0)
		return "its header cannot be read";
	if (ddf_check_header(&m->header, which == DDF_FIRST_COPY ? DDF_PRIMARY : DDF_SECONDARY, &why) != 0)
		return why;
	if (!ddf_header_matches(anchor, &m->header))
		return "the header does not match the one at the end of the disk";
	if (ddf_check_layout(&m->header, sectors, &m->at, &why) != 0)
		return why;
	err = read_sections(disk, lba, m);
	if (err)
		return err == -ENOMEM ? "out of memory" : "it cannot be read completely";
	return missing_signature(m);
}

static void read_copy(const struct disk *disk, const struct ddf_header *anchor, int which, struct image *m)
{
	free(m->bytes);
	*m = (struct image){ .exists = which == DDF_FIRST_COPY || lba_of_copy(anchor, which) != DDF_NO_LBA };
	if (!m->exists)
		return;
	m->fault = read_usable(disk, anchor, which, m);
	m->usable = !m->fault;
	if (m->usable)
		m->fault = fault_of(m);
}

static bool is_complete(const struct image *m)
{
	return m->usable && !m->fault;
}

/* Another mdmon or mdadm may be writing just now: what was read half old, half new is read again. */
static void read_copies(struct candidate *cand)
{
	for (int try = 0; try < READ_TRIES; try++) {
		if (try)
			poll(NULL, 0, READ_RETRY_MS);
		for (int i = 0; i < DDF_COPIES; i++)
			read_copy(cand->disk, &cand->anchor, i, &cand->copy[i]);
		if (is_complete(&cand->copy[DDF_FIRST_COPY]) || is_complete(&cand->copy[DDF_SECOND_COPY]))
			return;
	}
}

/* 0 or -errno and *why; -EBADMSG: there is an anchor, but it is not right. */
static int read_last_sector(const struct disk *disk, struct ddf_header *anchor, const char **why)
{
	*why = "its last sector cannot be read";
	if (disk_read(disk, anchor, sizeof(*anchor), (sectors_of(disk) - 1) * DDF_SECTOR) != 0)
		return -EIO;
	return ddf_check_header(anchor, DDF_ANCHOR, why);
}

/* What cannot be read counts as not there, as with mdadm. NULL or why the disk has no metadata. */
static const char *read_anchor(struct candidate *cand)
{
	const struct disk *disk = cand->disk;
	const char *why;
	int err;

	if (disk->sector_size != DDF_SECTOR)
		return "its sectors are not of 512 bytes, and DDF can use no others";
	if (sectors_of(disk) < 2)
		return "it is too small for metadata";
	err = read_last_sector(disk, &cand->anchor, &why);
	if (!err)
		return NULL;
	if (err == -EBADMSG || disk->size <= DDF_PROBED_BYTES || !ddf_probe_wanted("/etc"))
		return why;
	cand->anchor_elsewhere = true;
	return ddf_probe_anchor(disk, &cand->anchor);
}

/* ---- choosing among the copies of a disk (2.1) ---- */

/* mdadm's rule, which believes the headers. */
static struct image *choose_by_header(struct image *primary, struct image *secondary)
{
	if (!secondary->usable)
		return primary->usable ? primary : NULL;
	if (!primary->usable)
		return secondary;
	if (!is_closed(secondary) || seq_of(primary) > seq_of(secondary))
		return primary;
	return seq_of(primary) < seq_of(secondary) || !is_closed(primary) ? secondary : primary;
}

static struct image *choose_copy(struct image *primary, struct image *secondary)
{
	if (is_complete(primary) && is_complete(secondary))
		return seq_of(secondary) > seq_of(primary) ? secondary : primary;
	if (is_complete(primary))
		return primary;
	return is_complete(secondary) ? secondary : choose_by_header(primary, secondary);
}

static void report_copies(const struct candidate *cand, const char *container)
{
	for (int i = 0; i < DDF_COPIES; i++) {
		const struct image *m = &cand->copy[i];

		if (m->fault)
			log_warning("%s: disk %s: the %s copy of the metadata is damaged%s: %s", container,
				    cand->disk->name, NAME_OF_COPY(i), m == cand->chosen ? ", but used" : "", m->fault);
	}
}

static void read_candidate(struct candidate *cand, const char *container)
{
	cand->why = read_anchor(cand);
	if (cand->why)
		return;
	if (cand->anchor_elsewhere)
		log_debug("%s: disk %s: the anchor is not in the last sector", container, cand->disk->name);
	read_copies(cand);
	cand->chosen = choose_copy(&cand->copy[DDF_FIRST_COPY], &cand->copy[DDF_SECOND_COPY]);
	if (!cand->chosen)
		cand->why = "no copy of its metadata can be used";
	report_copies(cand, container);
}

/* ---- choosing among the disks (2.2) ---- */

/* What is being written is as old as what it replaces. */
static int64_t rank_of(const struct candidate *cand)
{
	return (int64_t)seq_of(cand->chosen) - !is_closed(cand->chosen);
}

/* Of two equally new ones, the one that nothing is wrong with. */
static int compare_rank(const struct candidate *a, const struct candidate *b)
{
	int64_t ra = rank_of(a), rb = rank_of(b);

	if (ra != rb)
		return ra > rb ? 1 : -1;
	return is_complete(a->chosen) - is_complete(b->chosen);
}

/* The newest first; of equals, the first. */
static int by_rank(const void *a, const void *b)
{
	const struct candidate *const *x = a, *const *y = b;
	int r = compare_rank(*y, *x);

	return r ? r : (*x > *y) - (*x < *y);
}

/* ---- the tables ---- */

/* Written from where they are. */
static uint8_t *copy_of(const uint8_t *bytes, size_t size)
{
	uint8_t *p = aligned_alloc(DDF_SECTOR, size);

	if (p)
		memcpy(p, bytes, size);
	return p;
}

/* The table says itself, too, how many entries it has. */
static unsigned fewer(unsigned entries, const uint8_t *table)
{
	unsigned max = be16_get(((const struct ddf_table_head *)(const void *)table)->max);

	return max && max < entries ? max : entries;
}

static int adopt_tables(struct ddf_container *c, const struct image *m)
{
	c->header = m->header;
	c->layout = m->at;
	c->layout.max_pd = fewer(m->at.max_pd, m->section[PHYSICAL]);
	c->layout.max_vd = fewer(m->at.max_vd, m->section[VIRTUAL]);
	c->controller = copy_of(m->section[CONTROLLER], m->size[CONTROLLER]);
	c->pd = copy_of(m->section[PHYSICAL], m->size[PHYSICAL]);
	c->vd = copy_of(m->section[VIRTUAL], m->size[VIRTUAL]);
	c->pd_written = copy_of(m->section[PHYSICAL], m->size[PHYSICAL]);
	c->vd_written = copy_of(m->section[VIRTUAL], m->size[VIRTUAL]);
	c->volume = calloc(c->layout.max_vd, sizeof(*c->volume));
	return c->controller && c->pd && c->vd && c->pd_written && c->vd_written && c->volume ? 0 : -ENOMEM;
}

static bool same_pd(const struct ddf_pd_entry *a, const struct ddf_pd_entry *b)
{
	return ddf_guid_equal(a->guid, b->guid) || be32_get(a->refnum) == be32_get(b->refnum);
}

/* The first of equal entries counts: all look-ups find it. */
static void report_pd_entry(const struct ddf_container *c, unsigned i, const char *container)
{
	const struct ddf_pd_entry *e = ddf_pd(c, i);

	if (!ddf_pd_used(e))
		return;
	if (be32_get(e->refnum) == DDF_REF_MISSING)
		log_warning("%s: physical disk %u has no valid reference number", container, i);
	for (unsigned k = 0; k < i; k++)
		if (ddf_pd_used(ddf_pd(c, k)) && same_pd(ddf_pd(c, k), e)) {
			log_warning("%s: physical disk %u is ignored: it is the same as %u", container, i, k);
			return;
		}
}

static void report_vd_entry(const struct ddf_container *c, unsigned i, const char *container)
{
	int first = ddf_vd_by_guid(c, ddf_vd(c, i)->guid);

	if (first >= 0 && (unsigned)first != i)
		log_warning("%s: virtual disk %u is ignored: it is the same as %d", container, i, first);
}

static void report_tables(const struct ddf_container *c, const char *container)
{
	for (unsigned i = 0; i < c->layout.max_pd; i++)
		report_pd_entry(c, i, container);
	for (unsigned i = 0; i < c->layout.max_vd; i++)
		report_vd_entry(c, i, container);
}

/* ---- which disks belong to it ---- */

static const struct ddf_disk_data *data_of(const struct candidate *cand)
{
	return (const struct ddf_disk_data *)(const void *)cand->chosen->section[DISK_DATA];
}

static const char *why_foreign(const struct ddf_container *c, const struct candidate *cand,
			       const struct candidate *best)
{
	const struct ddf_disk_data *data = data_of(cand);
	const struct ddf_pd_entry *e = ddf_pd_by_ref(c, be32_get(data->refnum));

	if (!ddf_guid_equal(cand->chosen->header.guid, c->header.guid))
		return "it belongs to another container";
	if (!ddf_same_shape(&cand->chosen->at, &best->chosen->at))
		return "its tables have other sizes than those of the other disks";
	if (!e || !ddf_guid_equal(e->guid, data->guid))
		return "it is not in the container's table of disks";
	return NULL;
}

/* One of the `count` disks that were taken over has its number. */
static bool is_taken(struct candidate *const *order, size_t count, const struct candidate *cand)
{
	for (size_t i = 0; i < count; i++)
		if (!order[i]->why && be32_get(data_of(order[i])->refnum) == be32_get(data_of(cand)->refnum))
			return true;
	return false;
}

/* `order`: of the disks with metadata, the best first. */
static void drop_foreign(const struct ddf_container *c, struct candidate *const *order, size_t count)
{
	size_t accepted = 0;

	for (size_t i = 0; i < count; i++) {
		struct candidate *cand = order[i];

		cand->why = why_foreign(c, cand, order[0]);
		if (!cand->why && is_taken(order, i, cand))
			cand->why = "another disk has the same reference number";
		if (!cand->why && accepted == DDF_MAX_DISKS)
			cand->why = "there are too many disks";
		accepted += !cand->why;
	}
}

static void report_unused(const struct candidate *cand, size_t count, const char *container)
{
	for (size_t i = 0; i < count; i++)
		if (cand[i].why)
			log_event(LOG_LEVEL_WARNING, ABOUT("disk-unused", NULL, cand[i].disk->name),
				  "%s: disk %s is not used: %s", container, cand[i].disk->name, cand[i].why);
}

/* ---- the disks ---- */

struct ddf_dl *ddf_dl_new(struct disk *disk, const struct ddf_layout *l)
{
	const size_t config = (size_t)l->config.length * DDF_SECTOR, data = (size_t)l->disk_data.length * DDF_SECTOR;
	struct ddf_dl *dl = aligned_alloc(DDF_SECTOR, sizeof(*dl) + config + data);

	if (!dl)
		return NULL;
	*dl = (struct ddf_dl){ .disk = disk, .dev = disk->dev };
	dl->config = (uint8_t *)(dl + 1);
	dl->disk_data = dl->config + config;
	memset(dl->config, 0xff, config + data);
	return dl;
}

/* mdadm demands of all headers of a disk that they are the same from here on. */
static bool same_rest(const struct ddf_header *a, const struct ddf_header *b)
{
	const size_t from = offsetof(struct ddf_header, reserved2);

	return memcmp((const uint8_t *)a + from, (const uint8_t *)b + from, sizeof(*a) - from) == 0;
}

/*
 * One that was found elsewhere stays where it is, and nothing is ever written to the last sector, as mdadm would: the
 * controller may keep something of its own there.
 */
static bool is_anchor_due(const struct candidate *cand)
{
	if (cand->anchor_elsewhere)
		return false;
	return cand->anchor.type != DDF_ANCHOR || !same_rest(&cand->anchor, &cand->chosen->header);
}

static struct ddf_dl *new_dl(const struct candidate *cand)
{
	const struct image *m = cand->chosen;
	struct ddf_dl *dl = ddf_dl_new(cand->disk, &m->at);

	if (!dl)
		return NULL;
	dl->refnum = be32_get(data_of(cand)->refnum);
	memcpy(dl->guid, data_of(cand)->guid, sizeof(dl->guid));
	dl->header = m->header;
	dl->at = m->at;
	memcpy(dl->config, m->section[CONFIG], m->size[CONFIG]);
	memcpy(dl->disk_data, m->section[DISK_DATA], m->size[DISK_DATA]);
	dl->anchor_due = is_anchor_due(cand);
	return dl;
}

/*
 * The chosen copies count, and whatever looks finished to mdadm: the next generation must not be taken for one that is
 * there already.
 */
static void raise_seq(struct ddf_container *c, const struct candidate *cand)
{
	for (int i = 0; i < DDF_COPIES; i++) {
		const struct image *m = &cand->copy[i];

		if ((m == cand->chosen || (m->usable && is_closed(m))) && seq_of(m) > c->seq)
			c->seq = seq_of(m);
	}
}

static int take_disks(struct ddf_container *c, struct candidate *cand, size_t count, struct disk **disks)
{
	for (size_t i = 0; i < count; i++) {
		if (cand[i].why)
			continue;
		cand[i].dl = new_dl(&cand[i]);
		if (!cand[i].dl)
			return -ENOMEM;
		cand[i].dl->next = c->disks;
		c->disks = cand[i].dl;
		disks[i] = NULL;
		raise_seq(c, &cand[i]);
	}
	return 0;
}

/* ---- which copies are up to date ---- */

static bool holds_the_same(const struct ddf_container *c, const struct ddf_dl *dl, const struct image *m)
{
	const uint8_t *const wanted[SECTIONS] = { c->controller, c->pd, c->vd, dl->config, dl->disk_data };

	if (!same_rest(&m->header, &dl->header))
		return false;
	for (int i = 0; i < SECTIONS; i++)
		if (memcmp(m->section[i], wanted[i], m->size[i]) != 0)
			return false;
	return true;
}

static void judge_copies(const struct ddf_container *c, const struct candidate *cand, const char *container)
{
	for (int i = 0; i < DDF_COPIES; i++) {
		const struct image *m = &cand->copy[i];
		struct ddf_copy *copy = &cand->dl->copy[i];

		copy->exists = m->exists;
		copy->good = is_complete(m) && seq_of(m) == c->seq && holds_the_same(c, cand->dl, m);
		copy->seq = copy->good ? seq_of(m) : 0;
		copy->chosen = m == cand->chosen;
		if (is_complete(m) && !copy->good)
			log_debug("%s: disk %s: the %s copy of the metadata is out of date", container,
				  cand->disk->name, NAME_OF_COPY(i));
	}
}

/* ---- the configuration of the virtual disks (2.3) ---- */

static struct ddf_records *new_records(const struct ddf_container *c, unsigned count)
{
	struct ddf_records *r = calloc(1, sizeof(*r) + count * ddf_record_bytes(&c->layout));

	if (r) {
		r->count = count;
		r->record_bytes = ddf_record_bytes(&c->layout);
	}
	return r;
}

static size_t bytes_of_records(const struct ddf_container *c)
{
	size_t bytes = 0;

	for (unsigned vd = 0; vd < c->layout.max_vd; vd++)
		if (c->volume[vd].records)
			bytes += c->volume[vd].records->count * c->volume[vd].records->record_bytes;
	return bytes;
}

/* What must be the same in all records of a virtual disk. */
static bool agree(const struct ddf_vdc *a, const struct ddf_vdc *b)
{
	return a->secondary_count == b->secondary_count &&
	       be16_get(a->primary_count) == be16_get(b->primary_count) && a->prl == b->prl && a->srl == b->srl;
}

/* The newest record of each basic virtual disk counts. */
static int add_record(struct ddf_container *c, unsigned vd, const struct ddf_vdc *v, const char **why)
{
	const struct ddf_vdc *other = ddf_any_record(c, vd), *old;
	struct ddf_records *r = c->volume[vd].records;

	if (other && !agree(v, other)) {
		*why = "it contradicts the record of a newer disk";
		return -EBADMSG;
	}
	if (!r && bytes_of_records(c) > RECORDS_MAX) {
		*why = "there are too many virtual disks";
		return -EBADMSG;
	}
	if (!r)
		r = c->volume[vd].records = new_records(c, v->secondary_count);
	if (!r) {
		*why = "out of memory";
		return -ENOMEM;
	}
	old = ddf_record(r, v->secondary_seq);
	if (old && be32_get(old->seq) >= be32_get(v->seq))
		return 0;
	memcpy(r->bytes + v->secondary_seq * r->record_bytes, v, r->record_bytes);
	r->present[v->secondary_seq / 8] |= (uint8_t)(1u << v->secondary_seq % 8);
	return 0;
}

/* 0; -EBADMSG: it is ignored, *why; -ENOMEM. */
static int load_record(struct ddf_container *c, const struct ddf_vdc *v, const char **why)
{
	int vd;

	if (!ddf_crc_ok(v, ddf_record_bytes(&c->layout))) {
		*why = "its checksum is wrong";
		return -EBADMSG;
	}
	if (!ddf_check_vdc(v, &c->layout, why))
		return -EBADMSG;
	vd = ddf_vd_by_guid(c, v->guid);
	return vd < 0 ? 0 : add_record(c, (unsigned)vd, v, why); /* deleted while the disk was away */
}

static int load_records(struct ddf_container *c, const struct candidate *cand, const char *container)
{
	for (unsigned i = 0; i < c->layout.records; i++) {
		const struct ddf_vdc *v = (const struct ddf_vdc *)(const void *)record_at(cand->chosen, i);
		const char *why = "";
		int err = be32_get(v->magic) == DDF_VDC_MAGIC ? load_record(c, v, &why) : 0;

		if (err == -ENOMEM)
			return err;
		if (err)
			log_warning("%s: disk %s: configuration record %u is ignored: %s", container, cand->disk->name,
				    i, why);
	}
	return 0;
}

/* ---- room that is used twice, or that is not there (16): said, but not ours to put right ---- */

struct use {
	unsigned vd;
	uint64_t start, end; /* sectors */
};

static unsigned uses_in_record(const struct ddf_container *c, const struct ddf_vdc *v, unsigned vd, uint32_t refnum,
			       struct use *use, unsigned max)
{
	unsigned n = 0;

	for (unsigned i = 0; i < c->layout.mppe && n < max; i++) {
		uint64_t start = ddf_element_start(v, c->layout.mppe, i);

		if (ddf_element_ref(v, i) == refnum)
			use[n++] = (struct use){ vd, start, start + be64_get(v->block_count) };
	}
	return n;
}

/* At most `max`: a disk has no more records. */
static unsigned uses_of(const struct ddf_container *c, uint32_t refnum, struct use *use, unsigned max)
{
	unsigned n = 0;

	for (unsigned vd = 0; vd < c->layout.max_vd; vd++) {
		const struct ddf_records *r = c->volume[vd].records;

		for (unsigned seq = 0; r && seq < r->count; seq++) {
			const struct ddf_vdc *v = ddf_record(r, seq);

			if (v)
				n += uses_in_record(c, v, vd, refnum, use + n, max - n);
		}
	}
	return n;
}

static void report_uses(const struct ddf_container *c, const struct ddf_dl *dl, struct use *use, const char *container)
{
	const uint64_t size = be64_get(ddf_pd_by_ref(c, dl->refnum)->configured_size);
	const unsigned n = uses_of(c, dl->refnum, use, c->layout.records);

	for (unsigned i = 0; i < n; i++) {
		if (use[i].end > size)
			log_warning("%s: disk %s: virtual disk %u reaches beyond the room for data", container,
				    dl->disk->name, use[i].vd);
		for (unsigned k = 0; k < i; k++)
			if (use[i].start < use[k].end && use[k].start < use[i].end) {
				log_warning("%s: disk %s: virtual disks %u and %u overlap", container, dl->disk->name,
					    use[k].vd, use[i].vd);
				break;
			}
	}
}

static int report_room(const struct ddf_container *c, const char *container)
{
	struct use *use = malloc(c->layout.records * sizeof(*use));

	if (!use)
		return -ENOMEM;
	for (const struct ddf_dl *dl = c->disks; dl; dl = dl->next)
		report_uses(c, dl, use, container);
	free(use);
	return 0;
}

/* ---- all of it ---- */

/* The candidates with metadata, the best first. */
static size_t sort_candidates(struct candidate *cand, size_t count, struct candidate **order)
{
	size_t n = 0;

	for (size_t i = 0; i < count; i++)
		if (!cand[i].why)
			order[n++] = &cand[i];
	qsort(order, n, sizeof(*order), by_rank);
	return n;
}

static int load_chosen(struct ddf_container *c, struct candidate *const *order, size_t n, const char *container)
{
	for (size_t i = 0; i < n; i++) {
		int err = 0;

		if (order[i]->why)
			continue;
		judge_copies(c, order[i], container);
		err = load_records(c, order[i], container);
		if (err)
			return err;
	}
	return 0;
}

static int load_from(struct ddf_container *c, struct candidate *cand, struct candidate **order, struct disk **disks,
		     size_t count, const char *container)
{
	size_t n;
	int err;

	for (size_t i = 0; i < count; i++) {
		cand[i].disk = disks[i];
		read_candidate(&cand[i], container);
	}
	n = sort_candidates(cand, count, order);
	if (n == 0) {
		report_unused(cand, count, container);
		return -ENODEV;
	}
	err = adopt_tables(c, order[0]->chosen);
	if (err)
		return err;
	drop_foreign(c, order, n);
	report_unused(cand, count, container);
	report_tables(c, container);
	err = take_disks(c, cand, count, disks);
	if (!err)
		err = load_chosen(c, order, n, container);
	if (!err)
		err = report_room(c, container);
	return err ? err : c->disks ? 0 : -ENODEV;
}

static void free_candidates(struct candidate *cand, size_t count)
{
	for (size_t i = 0; cand && i < count; i++)
		for (int k = 0; k < DDF_COPIES; k++)
			free(cand[i].copy[k].bytes);
	free(cand);
}

int ddf_load(struct ddf_container *c, struct disk **disks, size_t count, const char *container)
{
	struct candidate *cand = calloc(count + 1, sizeof(*cand));
	struct candidate **order = calloc(count + 1, sizeof(*order));
	int err = -ENOMEM;

	if (cand && order)
		err = load_from(c, cand, order, disks, count, container);
	if (err)
		log_error("Cannot load metadata for %s: %s", container,
			  err == -ENOMEM ? "out of memory" : "no disk has DDF metadata that can be used");
	free_candidates(cand, count);
	free(order);
	return err;
}

void ddf_free(struct ddf_container *c)
{
	struct ddf_dl *dl, *next;

	for (dl = c->disks; dl; dl = next) {
		next = dl->next;
		disk_close(dl->disk);
		free(dl);
	}
	for (unsigned i = 0; c->volume && i < c->layout.max_vd; i++)
		free(c->volume[i].records);
	free(c->volume);
	free(c->controller);
	free(c->pd);
	free(c->vd);
	free(c->pd_written);
	free(c->vd_written);
	*c = (struct ddf_container){ 0 };
}
