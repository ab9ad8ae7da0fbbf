/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading both copies of the metadata on a disk, and choosing between them (ddf.md 2.1).
 *
 * A copy that was closed and whose checksums are all right is what we look for. If a disk has none, mdadm's own rule
 * decides, which looks at the headers only: some firmware leaves wrong checksums, and a container that mdadm starts
 * must not be without its daemon.
 */
#include "ddf/read.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "lib/log.h"

#define READ_TRIES 4
#define READ_RETRY_MS 3

/* ---- reading ---- */

static uint64_t sectors_of(const struct disk *disk)
{
	return disk->size / DDF_SECTOR;
}

static uint64_t lba_of_copy(const struct ddf_header *anchor, int which)
{
	return be64_get(which == DDF_FIRST_COPY ? anchor->primary_lba : anchor->secondary_lba);
}

bool ddf_image_closed(const struct image *m)
{
	return m->header.open_flag == DDF_CLOSED;
}

uint32_t ddf_image_seq(const struct image *m)
{
	return be32_get(m->header.seq);
}

const struct ddf_extent *ddf_extent_of(const struct ddf_layout *l, int section)
{
	const struct ddf_extent *const extent[SECTIONS] = { &l->controller, &l->pd, &l->vd, &l->config, &l->disk_data };

	return extent[section];
}

static int read_sections(const struct disk *disk, uint64_t lba, struct image *m)
{
	size_t total = 0, at = 0;

	for (int i = 0; i < SECTIONS; i++) {
		m->size[i] = (size_t)ddf_extent_of(&m->at, i)->length * DDF_SECTOR;
		total += m->size[i];
	}
	m->bytes = malloc(total);
	if (!m->bytes)
		return -ENOMEM;
	for (int i = 0; i < SECTIONS; i++) {
		uint64_t offset = (lba + ddf_extent_of(&m->at, i)->offset) * DDF_SECTOR;
		int err = disk_read(disk, m->bytes + at, m->size[i], offset);

		if (err)
			return err;
		m->section[i] = m->bytes + at;
		at += m->size[i];
	}
	return 0;
}

#define NO_PHYSICAL "the table of physical disks is not there"
#define NO_VIRTUAL "the table of virtual disks is not there"
#define NO_DISK_DATA "the data of the disk are not there"

/* A copy without these tables is of no use, whatever its checksums are. */
static const char *missing_signature(const struct image *m)
{
	if (ddf_magic_of(m->section[PHYSICAL]) != DDF_PD_MAGIC)
		return NO_PHYSICAL;
	if (ddf_magic_of(m->section[VIRTUAL]) != DDF_VD_MAGIC)
		return NO_VIRTUAL;
	if (ddf_magic_of(m->section[DISK_DATA]) != DDF_DISK_DATA_MAGIC)
		return NO_DISK_DATA;
	return NULL;
}

const uint8_t *ddf_image_record(const struct image *m, unsigned i)
{
	return m->section[CONFIG] + i * ddf_record_bytes(&m->at);
}

/* Records of other types belong to vendors: their checksums are not looked at. */
static bool records_ok(const struct image *m)
{
	for (unsigned i = 0; i < m->at.records; i++) {
		const uint8_t *r = ddf_image_record(m, i);
		uint32_t magic = ddf_magic_of(r);

		if ((magic == DDF_VDC_MAGIC || magic == DDF_SPARE_MAGIC) && !ddf_crc_ok(r, ddf_record_bytes(&m->at)))
			return false;
	}
	return true;
}

/* A structure of one sector, or of a table. */
static const char *fault_of_section(const struct image *m, int section, size_t len, const char *gone, uint32_t magic,
				    const char *wrong)
{
	if (ddf_magic_of(m->section[section]) != magic)
		return gone;
	return ddf_crc_ok(m->section[section], len) ? NULL : wrong;
}

const char *ddf_section_fault(const struct image *m, int section)
{
	switch (section) {
	case CONTROLLER:
		return fault_of_section(m, section, DDF_SECTOR, "the controller data are not there", DDF_CONTROLLER_MAGIC,
					"the controller data have a wrong checksum");
	case PHYSICAL:
		return fault_of_section(m, section, m->size[section], NO_PHYSICAL, DDF_PD_MAGIC,
					"the table of physical disks has a wrong checksum");
	case VIRTUAL:
		return fault_of_section(m, section, m->size[section], NO_VIRTUAL, DDF_VD_MAGIC,
					"the table of virtual disks has a wrong checksum");
	case CONFIG:
		return records_ok(m) ? NULL : "a configuration record has a wrong checksum";
	case DISK_DATA:
		return fault_of_section(m, section, DDF_SECTOR, NO_DISK_DATA, DDF_DISK_DATA_MAGIC,
					"the data of the disk have a wrong checksum");
	}
	return NULL;
}

static const char *fault_of(const struct image *m)
{
	const char *fault = ddf_image_closed(m) ? NULL : "it was not written completely";

	for (int i = 0; i < SECTIONS && !fault; i++)
		fault = ddf_section_fault(m, i);
	return fault;
}

/* NULL: it can be worked with. */
static const char *read_usable(const struct disk *disk, const struct ddf_header *anchor, int which, struct image *m)
{
	const uint64_t lba = lba_of_copy(anchor, which), sectors = sectors_of(disk);
	const char *why;
	int err;

	if (lba >= sectors - 1)
		return "it is not within the disk";
	m->unreadable = disk_read(disk, &m->header, sizeof(m->header), lba * DDF_SECTOR) != 0;
	if (m->unreadable)
		return "its header cannot be read";
	if (ddf_check_header(&m->header, which == DDF_FIRST_COPY ? DDF_PRIMARY : DDF_SECONDARY, &why) != 0)
		return why;
	if (!ddf_header_matches(anchor, &m->header))
		return "the header does not match the one at the end of the disk";
	if (ddf_check_layout(&m->header, sectors, &m->at, &why) != 0)
		return why;
	err = read_sections(disk, lba, m);
	m->unreadable = err && err != -ENOMEM;
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

bool ddf_image_complete(const struct image *m)
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
		if (ddf_image_complete(&cand->copy[DDF_FIRST_COPY]) || ddf_image_complete(&cand->copy[DDF_SECOND_COPY]))
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

/* An anchor that cannot be read counts as none, as with mdadm. */
const char *ddf_read_anchor(struct candidate *cand)
{
	const struct disk *disk = cand->disk;
	const char *why;
	int err;

	if (disk->sector_size != DDF_SECTOR)
		return "its sectors are not of 512 bytes, and DDF can use no others";
	if (sectors_of(disk) < 2)
		return "it is too small for metadata";
	err = read_last_sector(disk, &cand->anchor, &why);
	cand->unreadable = err == -EIO;
	if (!err)
		return NULL;
	if (err == -EBADMSG || disk->size <= DDF_PROBED_BYTES)
		return why;
	cand->unsought = !cand->search && !ddf_probe_wanted("/etc");
	if (cand->unsought)
		return why;
	cand->anchor_elsewhere = true;
	return ddf_probe_anchor(disk, &cand->anchor);
}

/* ---- choosing ---- */

struct image *ddf_choose_by_header(struct candidate *cand)
{
	struct image *primary = &cand->copy[DDF_FIRST_COPY], *secondary = &cand->copy[DDF_SECOND_COPY];

	if (!secondary->usable)
		return primary->usable ? primary : NULL;
	if (!primary->usable)
		return secondary;
	if (!ddf_image_closed(secondary) || ddf_image_seq(primary) > ddf_image_seq(secondary))
		return primary;
	return ddf_image_seq(primary) < ddf_image_seq(secondary) || !ddf_image_closed(primary) ? secondary : primary;
}

static struct image *choose_copy(struct candidate *cand)
{
	struct image *primary = &cand->copy[DDF_FIRST_COPY], *secondary = &cand->copy[DDF_SECOND_COPY];

	if (ddf_image_complete(primary) && ddf_image_complete(secondary))
		return ddf_image_seq(secondary) > ddf_image_seq(primary) ? secondary : primary;
	if (ddf_image_complete(primary))
		return primary;
	return ddf_image_complete(secondary) ? secondary : ddf_choose_by_header(cand);
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

void ddf_look_at(struct candidate *cand)
{
	cand->why = ddf_read_anchor(cand);
	if (cand->why)
		return;
	read_copies(cand);
	cand->chosen = choose_copy(cand);
	if (!cand->chosen)
		cand->why = "no copy of its metadata can be used";
	cand->unreadable = cand->copy[DDF_FIRST_COPY].unreadable || cand->copy[DDF_SECOND_COPY].unreadable;
}

void ddf_read_candidate(struct candidate *cand, const char *container)
{
	ddf_look_at(cand);
	if (cand->anchor_elsewhere && !cand->why)
		log_debug("%s: disk %s: the anchor is not in the last sector", container, cand->disk->name);
	report_copies(cand, container);
}

/* ---- which disk is newer (2.2) ---- */

int32_t ddf_rank_of(const struct image *m)
{
	return ddf_rank(ddf_image_seq(m) - !ddf_image_closed(m));
}

int ddf_compare_rank(const struct candidate *a, const struct candidate *b)
{
	int32_t ra = ddf_rank_of(a->chosen), rb = ddf_rank_of(b->chosen);

	if (ra != rb)
		return ra > rb ? 1 : -1;
	return ddf_image_complete(a->chosen) - ddf_image_complete(b->chosen);
}

/* ---- what was read ---- */

/*
 * One that was found elsewhere stays where it is, and nothing is ever written to the last sector, as mdadm would: the
 * controller may keep something of its own there.
 */
bool ddf_is_anchor_due(const struct candidate *cand)
{
	if (cand->anchor_elsewhere)
		return false;
	return cand->anchor.type != DDF_ANCHOR || !ddf_same_rest(&cand->anchor, &cand->chosen->header);
}

const struct ddf_disk_data *ddf_data_of(const struct candidate *cand)
{
	return (const struct ddf_disk_data *)(const void *)cand->chosen->section[DISK_DATA];
}
