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

/* A copy without these tables is of no use, whatever its checksums are. */
static const char *missing_signature(const struct image *m)
{
	if (ddf_magic_of(m->section[PHYSICAL]) != DDF_PD_MAGIC)
		return "the table of physical disks is not there";
	if (ddf_magic_of(m->section[VIRTUAL]) != DDF_VD_MAGIC)
		return "the table of virtual disks is not there";
	if (ddf_magic_of(m->section[DISK_DATA]) != DDF_DISK_DATA_MAGIC)
		return "the data of the disk are not there";
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

static const char *fault_of(const struct image *m)
{
	if (!ddf_image_closed(m))
		return "it was not written completely";
	if (ddf_magic_of(m->section[CONTROLLER]) != DDF_CONTROLLER_MAGIC)
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

/* An anchor that cannot be read counts as none, as with mdadm. NULL, or why the disk has no metadata. */
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
	cand->unreadable = err == -EIO;
	if (!err)
		return NULL;
	if (err == -EBADMSG || disk->size <= DDF_PROBED_BYTES || !ddf_probe_wanted("/etc"))
		return why;
	cand->anchor_elsewhere = true;
	return ddf_probe_anchor(disk, &cand->anchor);
}

/* ---- choosing ---- */

/* mdadm's rule, which believes the headers. */
static struct image *choose_by_header(struct image *primary, struct image *secondary)
{
	if (!secondary->usable)
		return primary->usable ? primary : NULL;
	if (!primary->usable)
		return secondary;
	if (!ddf_image_closed(secondary) || ddf_image_seq(primary) > ddf_image_seq(secondary))
		return primary;
	return ddf_image_seq(primary) < ddf_image_seq(secondary) || !ddf_image_closed(primary) ? secondary : primary;
}

static struct image *choose_copy(struct image *primary, struct image *secondary)
{
	if (ddf_image_complete(primary) && ddf_image_complete(secondary))
		return ddf_image_seq(secondary) > ddf_image_seq(primary) ? secondary : primary;
	if (ddf_image_complete(primary))
		return primary;
	return ddf_image_complete(secondary) ? secondary : choose_by_header(primary, secondary);
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

void ddf_read_candidate(struct candidate *cand, const char *container)
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
	cand->unreadable = cand->copy[DDF_FIRST_COPY].unreadable || cand->copy[DDF_SECOND_COPY].unreadable;
	report_copies(cand, container);
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
