/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * IMSM metadata: bytes -> struct imsm_meta. See imsm/format.h and imsm.md 1.
 *
 * The bytes come from disks that anybody may have written. Hence two passes: the
 * first walks the MPB with take(), which alone decides whether bytes may be read;
 * the second refuses values that later arithmetic relies on. Everything else is
 * kept as it is, so that what we do not understand survives being rewritten.
 */
#include "imsm/format.h"

#include <errno.h>
#include <string.h>

#include "lib/refuse.h"

/* At least IMSM_HEADER_SIZE bytes at p. */
static int check_sizes(const void *p, uint32_t sector_size, const char **why)
{
	const struct imsm_header *h = p;
	uint32_t size = le32_get(h->mpb_size);

	if (memcmp(h->sig, IMSM_SIGNATURE, IMSM_SIGNATURE_LEN) != 0)
		return refuse(why, -EINVAL, "no IMSM signature");
	if (!imsm_sector_size_known(sector_size))
		return refuse(why, -EBADMSG, "the sector size is neither 512 nor 4096");
	if (size < IMSM_HEADER_SIZE || size > IMSM_MPB_MAX || size % 4)
		return refuse(why, -EBADMSG, "mpb_size is out of range");
	return 0;
}

int imsm_probe_anchor(const void *anchor, uint32_t sector_size, uint32_t *mpb_size, uint32_t *sectors)
{
	const struct imsm_header *h = anchor;
	const char *why;
	int err = check_sizes(anchor, sector_size, &why);

	if (err)
		return err;
	*mpb_size = le32_get(h->mpb_size);
	*sectors = (*mpb_size + sector_size - 1) / sector_size;
	return 0;
}

/* ---- the walk ---- */

struct cursor {
	const uint8_t *p;
	size_t left;
};

/* The next n bytes, or NULL if there are not so many. */
static const void *take(struct cursor *c, size_t n)
{
	const uint8_t *p = c->p;

	if (n > c->left)
		return NULL;
	c->p += n;
	c->left -= n;
	return p;
}

static int parse_map(struct cursor *c, struct imsm_map *m, const char **why)
{
	const void *head = take(c, sizeof(m->head));
	const le32 *ord;

	if (!head)
		return refuse(why, -EBADMSG, "a map reaches beyond the end");
	memcpy(&m->head, head, sizeof(m->head));
	if (m->head.num_members == 0)
		return refuse(why, -EBADMSG, "num_members is zero");
	ord = take(c, m->head.num_members * sizeof(*ord));
	if (!ord)
		return refuse(why, -EBADMSG, "disk_ord_tbl reaches beyond the end");
	for (unsigned i = 0; i < m->head.num_members; i++)
		m->ord[i] = le32_get(ord[i]);
	return 0;
}

static int parse_volume(struct cursor *c, struct imsm_volume *v, const char **why)
{
	const void *head = take(c, sizeof(v->head));
	int err;

	if (!head)
		return refuse(why, -EBADMSG, "a volume reaches beyond the end");
	memcpy(&v->head, head, sizeof(v->head));
	err = parse_map(c, &v->map[0], why);
	if (!err && v->head.migr_state)
		err = parse_map(c, &v->map[1], why);
	return err;
}

/* ---- the values ---- */

static bool is_mirror(int level)
{
	return level == IMSM_RAID1 || level == IMSM_RAID10;
}

static bool members_fit(int level, unsigned members)
{
	switch ((enum imsm_level)level) {
	case IMSM_RAID0:
		return members >= 1;
	case IMSM_RAID1:
		return members == 2;
	case IMSM_RAID5:
		return members >= 3;
	case IMSM_RAID10:
		return members >= 4 && members % 2 == 0;
	}
	return false;
}

static int check_geometry(const struct imsm_map *m, const char **why)
{
	int level = imsm_map_level(m);
	unsigned chunk = imsm_map_chunk(m);

	if (level == IMSM_LEVEL_UNKNOWN)
		return refuse(why, -EBADMSG, "raid_level is unknown");
	if (!members_fit(level, m->head.num_members))
		return refuse(why, -EBADMSG, "num_members does not fit raid_level");
	if (chunk == 0 || (chunk & (chunk - 1)))
		return refuse(why, -EBADMSG, "blocks_per_strip is no power of two");
	if (m->head.num_domains == 0 || (is_mirror(level) && m->head.num_domains != 2))
		return refuse(why, -EBADMSG, "num_domains does not fit raid_level");
	return 0;
}

static int check_map_state(const struct imsm_map *m, const char **why)
{
	if (m->head.map_state > IMSM_FAILED)
		return refuse(why, -EBADMSG, "map_state is unknown");
	/* Elsewhere a stale number does no harm: it is only ever compared with slots. */
	if (m->head.map_state == IMSM_DEGRADED && m->head.failed_disk_num != IMSM_NO_FAILED_SLOT &&
	    m->head.failed_disk_num >= m->head.num_members)
		return refuse(why, -EBADMSG, "failed_disk_num is no slot");
	return 0;
}

static int check_extent(const struct imsm_map *m, const char **why)
{
	unsigned copies = is_mirror(imsm_map_level(m)) ? 2 : 1;
	uint64_t total;

	if (imsm_map_pba(m) > IMSM_BLOCKS_MAX)
		return refuse(why, -EBADMSG, "pba_of_lba0 is out of range");
	if (imsm_map_blocks_per_member(m) > IMSM_BLOCKS_MAX)
		return refuse(why, -EBADMSG, "blocks_per_member is out of range");
	if (__builtin_mul_overflow(imsm_map_stripes(m), (uint64_t)imsm_map_chunk(m) * copies, &total) ||
	    __builtin_mul_overflow(total, (uint64_t)m->head.num_members, &total) || total > IMSM_BLOCKS_MAX)
		return refuse(why, -EBADMSG, "num_data_stripes is out of range");
	return 0;
}

/*
 * An index outside the disk table could be read as "missing", but then every later look at the table would have to
 * check it. Nothing sane writes one.
 */
static int check_ords(const struct imsm_map *m, unsigned num_disks, const char **why)
{
	bool seen[IMSM_MAX_DISKS] = { false };

	for (unsigned i = 0; i < m->head.num_members; i++) {
		uint32_t index = m->ord[i] & IMSM_ORD_INDEX_MASK;

		if (index >= num_disks)
			return refuse(why, -EBADMSG, "disk_ord_tbl names a disk outside the disk table");
		if (seen[index])
			return refuse(why, -EBADMSG, "disk_ord_tbl names a disk twice");
		seen[index] = true;
	}
	return 0;
}

static int check_map(const struct imsm_map *m, unsigned num_disks, const char **why)
{
	int err = check_geometry(m, why);

	if (!err)
		err = check_map_state(m, why);
	if (!err)
		err = check_extent(m, why);
	if (!err && num_disks)
		err = check_ords(m, num_disks, why);
	return err;
}

static int check_migration(const struct imsm_volume *v, const char **why)
{
	if (v->head.migr_state > 1)
		return refuse(why, -EBADMSG, "migr_state is unknown");
	if (v->head.migr_type > IMSM_MIGR_REPAIR)
		return refuse(why, -EBADMSG, "migr_type is unknown");
	if (v->head.migr_state == 0)
		return 0;
	if (imsm_volume_unit(v) > imsm_volume_blocks(v))
		return refuse(why, -EBADMSG, "curr_migr_unit lies outside the volume");
	if (v->head.migr_type != IMSM_MIGR_GENERAL && v->map[0].head.num_members != v->map[1].head.num_members)
		return refuse(why, -EBADMSG, "the maps differ in num_members without a general migration");
	return 0;
}

static int check_volume(const struct imsm_volume *v, unsigned num_disks, const char **why)
{
	uint64_t blocks = imsm_volume_blocks(v);
	int err;

	if (blocks == 0 || blocks > IMSM_BLOCKS_MAX)
		return refuse(why, -EBADMSG, "the volume's size is out of range");
	err = check_migration(v, why);
	if (!err)
		err = check_map(&v->map[0], num_disks, why);
	if (!err && v->head.migr_state)
		err = check_map(&v->map[1], num_disks, why);
	return err;
}

ssize_t imsm_decode_volume(const void *p, size_t len, unsigned num_disks, struct imsm_volume *v, const char **why)
{
	struct cursor c = { .p = p, .left = len };
	const char *unused;
	int err;

	if (!why)
		why = &unused;
	*why = NULL;
	if (num_disks > IMSM_MAX_DISKS)
		return refuse(why, -EBADMSG, "the disk table is too long");
	err = parse_volume(&c, v, why);
	if (!err)
		err = check_volume(v, num_disks, why);
	return err ? err : (ssize_t)(len - c.left);
}

/* ---- the whole MPB ---- */

static int decode_header(const void *mpb, size_t len, uint32_t sector_size, struct imsm_meta *m, const char **why)
{
	uint32_t size;
	int err;

	if (len < sizeof(m->header))
		return refuse(why, -EBADMSG, "the header is cut off");
	err = check_sizes(mpb, sector_size, why);
	if (err)
		return err;
	memcpy(&m->header, mpb, sizeof(m->header));
	size = le32_get(m->header.mpb_size);
	if (size > len)
		return refuse(why, -EBADMSG, "mpb_size is more than there is");
	if (imsm_checksum(mpb, size) != le32_get(m->header.check_sum))
		return refuse(why, -EBADMSG, "the checksum is wrong");
	m->num_disks = m->header.num_disks;
	m->num_volumes = m->header.num_raid_devs;
	if (m->num_disks == 0)
		return refuse(why, -EBADMSG, "num_disks is zero");
	if (m->num_volumes > IMSM_MAX_VOLUMES)
		return refuse(why, -EBADMSG, "num_raid_devs is out of range");
	return 0;
}

/* Old firmware left garbage in the hi halves (imsm.md 1.10). */
static bool hi_halves_valid(const struct imsm_meta *m)
{
	return le32_get(m->header.attributes) & IMSM_ATTR_2TB_DISK;
}

/*
 * Failed and missing disks may share a serial: the marks cut characters off. But no
 * serial may stand for two disks that could be present.
 */
static bool serials_unique(const struct imsm_meta *m)
{
	const struct imsm_disk *d = m->disk;

	for (unsigned i = 0; i < m->num_disks; i++) {
		if (!d[i].serial[0] || (le32_get(d[i].status) & IMSM_DISK_FAILED))
			continue;
		for (unsigned k = 0; k < i; k++)
			if (!(le32_get(d[k].status) & IMSM_DISK_FAILED) && imsm_serial_equal(d[i].serial, d[k].serial))
				return false;
	}
	return true;
}

static int decode_disks(struct cursor *c, uint32_t sector_size, struct imsm_meta *m, const char **why)
{
	const void *table = take(c, m->num_disks * sizeof(m->disk[0]));

	if (!table)
		return refuse(why, -EBADMSG, "the disk table reaches beyond the end");
	memcpy(m->disk, table, m->num_disks * sizeof(m->disk[0]));
	for (unsigned i = 0; i < m->num_disks; i++) {
		if (!hi_halves_valid(m))
			m->disk[i].total_blocks_hi = le32_make(0);
		if (sector_size == 4096)
			imsm_scale_disk(&m->disk[i], IMSM_FROM_4K);
		if (imsm_disk_blocks(&m->disk[i]) > IMSM_BLOCKS_MAX)
			return refuse(why, -EBADMSG, "total_blocks is out of range");
	}
	if (!serials_unique(m))
		return refuse(why, -EBADMSG, "two disks have the same serial");
	return 0;
}

static void clear_hi_halves(struct imsm_map *m)
{
	m->head.pba_of_lba0_hi = le32_make(0);
	m->head.blocks_per_member_hi = le32_make(0);
	m->head.num_data_stripes_hi = le32_make(0);
}

static int decode_volumes(struct cursor *c, uint32_t sector_size, struct imsm_meta *m, const char **why)
{
	for (unsigned i = 0; i < m->num_volumes; i++) {
		struct imsm_volume *v = &m->volume[i];
		int err = parse_volume(c, v, why);

		if (err)
			return err;
		if (!hi_halves_valid(m)) {
			clear_hi_halves(&v->map[0]);
			clear_hi_halves(&v->map[1]);
		}
		if (sector_size == 4096)
			imsm_scale_volume(v, IMSM_FROM_4K);
		err = check_volume(v, m->num_disks, why);
		if (err)
			return err;
	}
	return 0;
}

/* False: the range does not lie on a disk of the table. */
static bool decode_bad_range(const struct imsm_bbm_entry *e, uint32_t sector_size, struct imsm_meta *m)
{
	unsigned unit = sector_size / 512, length = (e->marked_count + 1u) * unit;
	struct imsm_bad_range *r = &m->bad[m->num_bad];
	uint64_t start = 0;

	for (unsigned i = sizeof(e->start); i-- > 0;)
		start = start << 8 | e->start[i];
	start *= unit;
	if (e->disk_ordinal >= m->num_disks || start + length > imsm_disk_blocks(&m->disk[e->disk_ordinal]))
		return false;
	r->sector = start;
	r->length = (uint16_t)length;
	r->disk = e->disk_ordinal;
	m->num_bad++;
	return true;
}

/*
 * The log lies at the end; between it and the volumes a foreign writer may have left slack. Who cannot read it must not
 * write: the next write would erase what it says, and with it which data are on other members only. An entry that lies on
 * no disk says nothing that could be lost.
 */
static int decode_bbm_log(struct cursor *c, uint32_t sector_size, struct imsm_meta *m, const char **why)
{
	uint32_t size = le32_get(m->header.bbm_log_size);
	const struct imsm_bbm_head *head;
	const struct imsm_bbm_entry *entry;
	uint32_t count;

	if (size == 0)
		return 0;
	if (size < sizeof(*head) || size > c->left)
		return refuse(why, -EBADMSG, "bbm_log_size is out of range");
	take(c, c->left - size);
	head = take(c, sizeof(*head));
	count = le32_get(head->entry_count);
	if (le32_get(head->signature) != IMSM_BBM_SIGNATURE)
		return refuse(why, -EBADMSG, "the bad block log has no signature");
	if (count > IMSM_BBM_MAX || c->left != count * sizeof(*entry))
		return refuse(why, -EBADMSG, "the bad block log has a wrong entry_count");
	entry = take(c, c->left);
	for (uint32_t i = 0; i < count; i++)
		if (!decode_bad_range(&entry[i], sector_size, m))
			*why = "entries of its bad block log that lie on no disk are left out";
	return 0;
}

int imsm_decode(const void *mpb, size_t len, uint32_t sector_size, struct imsm_meta *m, const char **why)
{
	struct cursor c = { .p = mpb };
	const char *unused;
	int err;

	if (!why)
		why = &unused;
	*why = NULL;
	memset(m, 0, sizeof(*m));
	err = decode_header(mpb, len, sector_size, m, why);
	if (err)
		return err;
	c.left = le32_get(m->header.mpb_size);
	take(&c, sizeof(m->header));
	err = decode_disks(&c, sector_size, m, why);
	if (!err)
		err = decode_volumes(&c, sector_size, m, why);
	if (!err)
		err = decode_bbm_log(&c, sector_size, m, why);
	return err;
}

/* ---- the migration record ---- */

void imsm_decode_migr_record(const void *sector, uint32_t sector_size, struct imsm_migr_record *r)
{
	memcpy(r, sector, sizeof(*r));
	if (sector_size == 4096)
		imsm_scale_migr_record(r);
}
