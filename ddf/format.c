/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The DDF structures: checksums, and the checks that decide what of a disk may be believed. See ddf/format.h, ddf.md 1
 * and 16.
 *
 * Later arithmetic relies on what is checked here; everything else is kept as it is.
 */
#include "ddf/format.h"

#include <errno.h>
#include <string.h>
#include <zlib.h>

#include "lib/refuse.h"

#define CRC_OFFSET 4
#define CRC_END 8
#define MPPE_UNKNOWN 0xffffu /* some firmware does not say how many elements a record has */
#define STRIP_NONE 0xffu
#define STRIP_EXPONENT_MAX 22u
#define MAX_SECTORS (UINT64_MAX / DDF_SECTOR) /* of a disk or an extent: their bytes fit into 64 bits */

/* ---- checksums ---- */

/* zlib inverts the register before and after; DDF does neither. */
uint32_t ddf_crc(const void *structure, size_t len)
{
	static const uint8_t ones[CRC_END - CRC_OFFSET] = { 0xff, 0xff, 0xff, 0xff };
	const uint8_t *p = structure;
	unsigned long crc = crc32_z(0xffffffff, p, CRC_OFFSET);

	crc = crc32_z(crc, ones, sizeof(ones));
	crc = crc32_z(crc, p + CRC_END, len - CRC_END);
	return ~(uint32_t)crc;
}

void ddf_seal(void *structure, size_t len)
{
	be32 crc = be32_make(ddf_crc(structure, len));

	memcpy((uint8_t *)structure + CRC_OFFSET, &crc, sizeof(crc));
}

bool ddf_crc_ok(const void *structure, size_t len)
{
	be32 crc;

	memcpy(&crc, (const uint8_t *)structure + CRC_OFFSET, sizeof(crc));
	return be32_get(crc) == ddf_crc(structure, len);
}

/* ---- headers ---- */

int ddf_check_header(const struct ddf_header *h, enum ddf_header_type type, const char **why)
{
	if (be32_get(h->magic) != DDF_HEADER_MAGIC)
		return refuse(why, -EINVAL, "no DDF signature");
	if (!ddf_crc_ok(h, sizeof(*h)))
		return refuse(why, -EBADMSG, "the header has a wrong checksum");
	if (memcmp(h->revision, "01.02.00", sizeof(h->revision)) != 0 &&
	    memcmp(h->revision, "01.00.00", sizeof(h->revision)) != 0)
		return refuse(why, -EBADMSG, "the revision of the format is not known");
	if (type != DDF_ANCHOR && h->type != type)
		return refuse(why, -EBADMSG, "the header is of another type");
	return 0;
}

bool ddf_header_matches(const struct ddf_header *anchor, const struct ddf_header *h)
{
	return ddf_guid_equal(anchor->guid, h->guid) &&
	       memcmp(anchor->revision, h->revision, sizeof(h->revision)) == 0 &&
	       be64_get(anchor->primary_lba) == be64_get(h->primary_lba) &&
	       be64_get(anchor->secondary_lba) == be64_get(h->secondary_lba) &&
	       memcmp(anchor->reserved2, h->reserved2, sizeof(h->reserved2)) == 0;
}

static struct ddf_extent extent_of(const struct ddf_section *s)
{
	return (struct ddf_extent){ .offset = be32_get(s->offset), .length = be32_get(s->length) };
}

static uint64_t end_of(const struct ddf_extent *e)
{
	return (uint64_t)e->offset + e->length;
}

/* `end`: sectors that a copy reaches. */
static int check_sections(const struct ddf_layout *l, uint64_t *end, const char **why)
{
	const struct ddf_extent *const section[] = { &l->controller, &l->pd, &l->vd, &l->config, &l->disk_data };
	const size_t count = sizeof(section) / sizeof(section[0]);

	*end = 1;
	for (size_t i = 0; i < count; i++) {
		const struct ddf_extent *s = section[i];

		if (s->offset == 0 || s->length == 0)
			return refuse(why, -EBADMSG, "a section is missing");
		if (s->length > (s == &l->config ? DDF_CONFIG_SECTORS_MAX : DDF_SECTION_SECTORS_MAX))
			return refuse(why, -EBADMSG, "a section is too long");
		for (size_t k = 0; k < i; k++)
			if (s->offset < end_of(section[k]) && section[k]->offset < end_of(s))
				return refuse(why, -EBADMSG, "sections overlap");
		if (end_of(s) > *end)
			*end = end_of(s);
	}
	return 0;
}

/* The last sector of the disk is the anchor's. */
static bool copy_fits(uint64_t lba, uint64_t length, uint64_t sectors)
{
	return lba < sectors && length < sectors - lba;
}

static int check_places(const struct ddf_layout *l, uint64_t length, uint64_t sectors, const char **why)
{
	if (!copy_fits(l->primary_lba, length, sectors))
		return refuse(why, -EBADMSG, "the primary copy is not within the disk");
	if (l->secondary_lba == DDF_NO_LBA)
		return 0;
	if (!copy_fits(l->secondary_lba, length, sectors))
		return refuse(why, -EBADMSG, "the secondary copy is not within the disk");
	if (l->primary_lba < l->secondary_lba + length && l->secondary_lba < l->primary_lba + length)
		return refuse(why, -EBADMSG, "the copies overlap");
	return 0;
}

/* As many entries as the header promises, or as fit into the section. */
static unsigned table_entries(unsigned promised, const struct ddf_extent *section)
{
	size_t bytes = (size_t)section->length * DDF_SECTOR - sizeof(struct ddf_table_head);
	size_t room = bytes / sizeof(struct ddf_pd_entry);

	_Static_assert(sizeof(struct ddf_pd_entry) == sizeof(struct ddf_vd_entry), "the tables are alike");
	if (promised > DDF_TABLE_ENTRIES_MAX)
		promised = DDF_TABLE_ENTRIES_MAX;
	return promised < room ? promised : (unsigned)room;
}

unsigned ddf_entries_of(unsigned most, const uint8_t *table)
{
	unsigned max = be16_get(((const struct ddf_table_head *)(const void *)table)->max);

	return max && max < most ? max : most;
}

static int check_tables(const struct ddf_header *h, struct ddf_layout *l, const char **why)
{
	l->max_pd = table_entries(be16_get(h->max_pd_entries), &l->pd);
	l->max_vd = table_entries(be16_get(h->max_vd_entries), &l->vd);
	if (l->max_pd == 0 || l->max_vd == 0)
		return refuse(why, -EBADMSG, "a table has no room for entries");
	return 0;
}

static int check_records(const struct ddf_header *h, struct ddf_layout *l, const char **why)
{
	unsigned slots = be16_get(h->max_partitions) + 1u, fit, room;

	l->record_sectors = be16_get(h->record_len);
	if (l->record_sectors < 2 || l->record_sectors > DDF_RECORD_SECTORS_MAX)
		return refuse(why, -EBADMSG, "the length of configuration records is out of range");
	fit = l->config.length / l->record_sectors;
	l->records = slots < fit ? slots : fit;
	if (l->records == 0)
		return refuse(why, -EBADMSG, "there is no room for configuration records");
	room = (unsigned)((ddf_record_bytes(l) - sizeof(struct ddf_vdc)) / (sizeof(be32) + sizeof(be64)));
	l->mppe = be16_get(h->max_primary_elements);
	if (l->mppe == MPPE_UNKNOWN)
		l->mppe = l->max_pd < room ? l->max_pd : room;
	if (l->mppe == 0 || l->mppe > room)
		return refuse(why, -EBADMSG, "the number of elements does not fit into a configuration record");
	return 0;
}

int ddf_check_layout(const struct ddf_header *h, uint64_t sectors, struct ddf_layout *l, const char **why)
{
	uint64_t length;
	int err;

	*l = (struct ddf_layout){
		.primary_lba = be64_get(h->primary_lba),
		.secondary_lba = be64_get(h->secondary_lba),
		.workspace_lba = be64_get(h->workspace_lba),
		.controller = extent_of(&h->controller),
		.pd = extent_of(&h->pd),
		.vd = extent_of(&h->vd),
		.config = extent_of(&h->config),
		.disk_data = extent_of(&h->disk_data),
	};
	err = check_sections(l, &length, why);
	if (!err)
		err = check_places(l, length, sectors, why);
	if (!err)
		err = check_tables(h, l, why);
	if (!err)
		err = check_records(h, l, why);
	return err;
}

bool ddf_same_rest(const struct ddf_header *a, const struct ddf_header *b)
{
	const size_t from = offsetof(struct ddf_header, reserved2);

	return memcmp((const uint8_t *)a + from, (const uint8_t *)b + from, sizeof(*a) - from) == 0;
}

bool ddf_same_shape(const struct ddf_layout *a, const struct ddf_layout *b)
{
	return a->max_pd == b->max_pd && a->max_vd == b->max_vd && a->records == b->records &&
	       a->record_sectors == b->record_sectors && a->mppe == b->mppe &&
	       a->controller.length == b->controller.length && a->pd.length == b->pd.length &&
	       a->vd.length == b->vd.length && a->config.length == b->config.length &&
	       a->disk_data.length == b->disk_data.length;
}

/* ---- records ---- */

static be32 *refs_of(const struct ddf_vdc *v)
{
	return (be32 *)(uintptr_t)(v + 1);
}

static be64 *starts_of(const struct ddf_vdc *v, unsigned mppe)
{
	return (be64 *)(void *)(refs_of(v) + mppe);
}

uint32_t ddf_element_ref(const struct ddf_vdc *v, unsigned i)
{
	return be32_get(refs_of(v)[i]);
}

/* Asked for each record and each disk at every write: the bytes are compared as they are. */
int ddf_find_element(const struct ddf_vdc *v, unsigned mppe, uint32_t refnum)
{
	const be32 *ref = refs_of(v), wanted = be32_make(refnum);

	for (unsigned i = 0; i < mppe && ddf_is_disk(refnum); i++)
		if (memcmp(&ref[i], &wanted, sizeof(wanted)) == 0)
			return (int)i;
	return -1;
}

void ddf_set_element_ref(struct ddf_vdc *v, unsigned i, uint32_t refnum)
{
	refs_of(v)[i] = be32_make(refnum);
}

uint64_t ddf_element_start(const struct ddf_vdc *v, unsigned mppe, unsigned i)
{
	return be64_get(starts_of(v, mppe)[i]);
}

void ddf_set_element_start(struct ddf_vdc *v, unsigned mppe, unsigned i, uint64_t sector)
{
	starts_of(v, mppe)[i] = be64_make(sector);
}

static const char *fault_of_counts(const struct ddf_vdc *v, const struct ddf_layout *l)
{
	unsigned disks = be16_get(v->primary_count);

	if (be32_get(v->magic) != DDF_VDC_MAGIC)
		return "it is not the configuration of a virtual disk";
	if (disks == 0 || disks > l->mppe)
		return "its number of disks is out of range";
	if (v->secondary_count == 0 || disks * v->secondary_count > DDF_MAX_SLOTS)
		return "its number of basic virtual disks is out of range";
	if (v->secondary_seq >= v->secondary_count)
		return "its place among the basic virtual disks is out of range";
	if (v->strip_exponent > STRIP_EXPONENT_MAX && v->strip_exponent != STRIP_NONE)
		return "its strip size is out of range";
	return NULL;
}

static const char *fault_of_extents(const struct ddf_vdc *v, const struct ddf_layout *l)
{
	uint64_t blocks = be64_get(v->block_count);

	if (blocks > MAX_SECTORS || be64_get(v->vd_size) > MAX_SECTORS)
		return "its size is out of range";
	for (unsigned i = 0; i < l->mppe; i++)
		if (ddf_is_disk(ddf_element_ref(v, i)) && ddf_element_start(v, l->mppe, i) > MAX_SECTORS - blocks)
			return "an extent is out of range";
	return NULL;
}

bool ddf_check_vdc(const struct ddf_vdc *v, const struct ddf_layout *l, const char **why)
{
	const char *fault = fault_of_counts(v, l);

	if (!fault)
		fault = fault_of_extents(v, l);
	if (fault)
		refuse(why, -EBADMSG, fault);
	return !fault;
}

unsigned ddf_spare_entries(const struct ddf_spare *s, const struct ddf_layout *l)
{
	size_t room = (ddf_record_bytes(l) - sizeof(*s)) / sizeof(s->entry[0]);
	unsigned populated = be16_get(s->populated);

	return populated < room ? populated : (unsigned)room;
}

/* ---- levels (1.9) ---- */

#define LINEAR (-1)
#define ANY_RLQ (-1)
#define NEAR(n) (0x100 | (n))

/* Levels of a virtual disk that is one BVD. */
static const struct level_row {
	uint8_t prl;
	int rlq;
	int level, layout;
} level_table[] = {
	{ DDF_RAID0, ANY_RLQ, 0, 0 },
	{ DDF_RAID1, ANY_RLQ, 1, 0 },
	{ DDF_RAID4, 1, 4, 0 },
	{ DDF_RAID5, 0, 5, 1 },
	{ DDF_RAID5, 2, 5, 0 },
	{ DDF_RAID5, 3, 5, 2 },
	{ DDF_RAID6, 1, 6, 8 },
	{ DDF_RAID6, 2, 6, 9 },
	{ DDF_RAID6, 3, 6, 10 },
	{ DDF_RAID1E, 0, 10, NEAR(2) },
	{ DDF_RAID1E, 1, 10, 0x201 }, /* the standard means "offset", mdadm makes it "far" */
	{ DDF_CONCAT, ANY_RLQ, LINEAR, 0 },
};

static bool single_level(const struct ddf_vdc *v, int *level, int *layout)
{
	for (size_t i = 0; i < sizeof(level_table) / sizeof(level_table[0]); i++) {
		const struct level_row *row = &level_table[i];

		if (row->prl != v->prl || (row->rlq != ANY_RLQ && row->rlq != v->rlq))
			continue;
		*level = row->level;
		*layout = row->layout;
		return true;
	}
	return false;
}

/* Mirrors under a stripe are all that md can do of two levels. */
static bool two_levels(const struct ddf_vdc *v, int *level, int *layout)
{
	unsigned copies = be16_get(v->primary_count);

	if (v->prl != DDF_RAID1 || (v->srl != DDF_2STRIPED && v->srl != DDF_2SPANNED))
		return false;
	if (!(copies == 2 && v->rlq == 0) && !(copies == 3 && v->rlq == 1))
		return false;
	*level = 10;
	*layout = NEAR((int)copies);
	return true;
}

bool ddf_md_level(const struct ddf_vdc *v, int *level, int *layout, unsigned *raid_disks)
{
	*raid_disks = be16_get(v->primary_count) * v->secondary_count;
	return v->secondary_count > 1 ? two_levels(v, level, layout) : single_level(v, level, layout);
}

/* ---- small things ---- */

bool ddf_guid_unused(const uint8_t guid[DDF_GUID_LEN])
{
	for (unsigned i = 0; i < DDF_GUID_LEN; i++)
		if (guid[i] != 0xff)
			return false;
	return true;
}

const char *ddf_vd_name(const struct ddf_vd_entry *vd, char out[17])
{
	size_t len;

	for (len = 0; len < sizeof(vd->name); len++) {
		char ch = vd->name[len];

		if (ch == '\0' || ch == ' ')
			break;
		out[len] = ch < ' ' || ch > '~' ? '?' : ch;
	}
	out[len] = '\0';
	return out;
}
