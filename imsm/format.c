/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * IMSM metadata: bytes <-> struct imsm_meta. See imsm/format.h and imsm.md 1.
 *
 * The bytes come from disks that anybody may have written. Hence two passes: the
 * first walks the MPB with take(), which alone decides whether bytes may be read;
 * the second refuses values that later arithmetic relies on. Everything else is
 * kept as it is, so that what we do not understand survives being rewritten.
 */
#include "imsm/format.h"

#include <errno.h>
#include <string.h>

#define SECTORS_PER_4K 8

#define HAS_LAYOUT(type, field, at) _Static_assert(offsetof(struct type, field) == (at), #type "." #field)
#define HAS_SIZE(type, size) _Static_assert(sizeof(struct type) == (size) && _Alignof(struct type) == 1, #type)

HAS_SIZE(imsm_header, IMSM_HEADER_SIZE);
HAS_LAYOUT(imsm_header, sig, 0x00);
HAS_LAYOUT(imsm_header, version, 0x18);
HAS_LAYOUT(imsm_header, check_sum, 0x20);
HAS_LAYOUT(imsm_header, mpb_size, 0x24);
HAS_LAYOUT(imsm_header, family_num, 0x28);
HAS_LAYOUT(imsm_header, generation_num, 0x2c);
HAS_LAYOUT(imsm_header, error_log_size, 0x30);
HAS_LAYOUT(imsm_header, attributes, 0x34);
HAS_LAYOUT(imsm_header, num_disks, 0x38);
HAS_LAYOUT(imsm_header, num_raid_devs, 0x39);
HAS_LAYOUT(imsm_header, error_log_pos, 0x3a);
HAS_LAYOUT(imsm_header, fill, 0x3b);
HAS_LAYOUT(imsm_header, cache_size, 0x3c);
HAS_LAYOUT(imsm_header, orig_family_num, 0x40);
HAS_LAYOUT(imsm_header, pwr_cycle_count, 0x44);
HAS_LAYOUT(imsm_header, bbm_log_size, 0x48);
HAS_LAYOUT(imsm_header, num_raid_devs_created, 0x4c);
HAS_LAYOUT(imsm_header, filler1, 0x4e);
HAS_LAYOUT(imsm_header, creation_time, 0x50);
HAS_LAYOUT(imsm_header, filler, 0x58);

HAS_SIZE(imsm_disk, 48);
HAS_LAYOUT(imsm_disk, serial, 0);
HAS_LAYOUT(imsm_disk, total_blocks_lo, 16);
HAS_LAYOUT(imsm_disk, scsi_id, 20);
HAS_LAYOUT(imsm_disk, status, 24);
HAS_LAYOUT(imsm_disk, owner_cfg_num, 28);
HAS_LAYOUT(imsm_disk, total_blocks_hi, 32);
HAS_LAYOUT(imsm_disk, filler, 36);
_Static_assert(IMSM_HEADER_SIZE + sizeof(struct imsm_disk) == IMSM_SPARE_MPB_SIZE, "spare record");

HAS_SIZE(imsm_map_head, 48);
HAS_LAYOUT(imsm_map_head, pba_of_lba0_lo, 0);
HAS_LAYOUT(imsm_map_head, blocks_per_member_lo, 4);
HAS_LAYOUT(imsm_map_head, num_data_stripes_lo, 8);
HAS_LAYOUT(imsm_map_head, blocks_per_strip, 12);
HAS_LAYOUT(imsm_map_head, map_state, 14);
HAS_LAYOUT(imsm_map_head, raid_level, 15);
HAS_LAYOUT(imsm_map_head, num_members, 16);
HAS_LAYOUT(imsm_map_head, num_domains, 17);
HAS_LAYOUT(imsm_map_head, failed_disk_num, 18);
HAS_LAYOUT(imsm_map_head, ddf, 19);
HAS_LAYOUT(imsm_map_head, pba_of_lba0_hi, 20);
HAS_LAYOUT(imsm_map_head, blocks_per_member_hi, 24);
HAS_LAYOUT(imsm_map_head, num_data_stripes_hi, 28);
HAS_LAYOUT(imsm_map_head, filler, 32);

HAS_SIZE(imsm_dev_head, 112);
HAS_LAYOUT(imsm_dev_head, name, 0);
HAS_LAYOUT(imsm_dev_head, size_low, 16);
HAS_LAYOUT(imsm_dev_head, size_high, 20);
HAS_LAYOUT(imsm_dev_head, status, 24);
HAS_LAYOUT(imsm_dev_head, reserved_blocks, 28);
HAS_LAYOUT(imsm_dev_head, migr_priority, 32);
HAS_LAYOUT(imsm_dev_head, num_sub_vols, 33);
HAS_LAYOUT(imsm_dev_head, tid, 34);
HAS_LAYOUT(imsm_dev_head, cng_master_disk, 35);
HAS_LAYOUT(imsm_dev_head, cache_policy, 36);
HAS_LAYOUT(imsm_dev_head, cng_state, 38);
HAS_LAYOUT(imsm_dev_head, cng_sub_state, 39);
HAS_LAYOUT(imsm_dev_head, my_vol_raid_dev_num, 40);
HAS_LAYOUT(imsm_dev_head, nv_cache_mode, 42);
HAS_LAYOUT(imsm_dev_head, nv_cache_flags, 43);
HAS_LAYOUT(imsm_dev_head, nvc_vol_orig_family_num, 44);
HAS_LAYOUT(imsm_dev_head, nvc_vol_raid_dev_num, 48);
HAS_LAYOUT(imsm_dev_head, rwh_policy, 50);
HAS_LAYOUT(imsm_dev_head, jd_serial, 51);
HAS_LAYOUT(imsm_dev_head, filler1, 67);
HAS_LAYOUT(imsm_dev_head, filler, 68);
HAS_LAYOUT(imsm_dev_head, curr_migr_unit_lo, 80);
HAS_LAYOUT(imsm_dev_head, checkpoint_id, 84);
HAS_LAYOUT(imsm_dev_head, migr_state, 88);
HAS_LAYOUT(imsm_dev_head, migr_type, 89);
HAS_LAYOUT(imsm_dev_head, dirty, 90);
HAS_LAYOUT(imsm_dev_head, fs_state, 91);
HAS_LAYOUT(imsm_dev_head, verify_errors, 92);
HAS_LAYOUT(imsm_dev_head, bad_blocks, 94);
HAS_LAYOUT(imsm_dev_head, curr_migr_unit_hi, 96);
HAS_LAYOUT(imsm_dev_head, vol_filler, 100);

HAS_SIZE(imsm_bbm_entry, 8);
HAS_LAYOUT(imsm_bbm_entry, marked_count, 0);
HAS_LAYOUT(imsm_bbm_entry, disk_ordinal, 1);
HAS_LAYOUT(imsm_bbm_entry, start, 2);

HAS_SIZE(imsm_migr_record, 128);
HAS_LAYOUT(imsm_migr_record, rec_status, 0);
HAS_LAYOUT(imsm_migr_record, curr_migr_unit_lo, 4);
HAS_LAYOUT(imsm_migr_record, family_num, 8);
HAS_LAYOUT(imsm_migr_record, ascending_migr, 12);
HAS_LAYOUT(imsm_migr_record, blocks_per_unit, 16);
HAS_LAYOUT(imsm_migr_record, dest_depth_per_unit, 20);
HAS_LAYOUT(imsm_migr_record, ckpt_area_pba_lo, 24);
HAS_LAYOUT(imsm_migr_record, dest_1st_member_lba_lo, 28);
HAS_LAYOUT(imsm_migr_record, num_migr_units_lo, 32);
HAS_LAYOUT(imsm_migr_record, post_migr_vol_cap_lo, 36);
HAS_LAYOUT(imsm_migr_record, post_migr_vol_cap_hi, 40);
HAS_LAYOUT(imsm_migr_record, ckpt_read_disk_num, 44);
HAS_LAYOUT(imsm_migr_record, curr_migr_unit_hi, 48);
HAS_LAYOUT(imsm_migr_record, ckpt_area_pba_hi, 52);
HAS_LAYOUT(imsm_migr_record, dest_1st_member_lba_hi, 56);
HAS_LAYOUT(imsm_migr_record, num_migr_units_hi, 60);
HAS_LAYOUT(imsm_migr_record, filler, 64);

/* Head of the bad block log; the entries follow. */
struct bbm_head {
	le32 signature;   /* 0 */
	le32 entry_count; /* 4 */
};

HAS_SIZE(bbm_head, 8);

/* ---- fields that are more than one word ---- */

static uint64_t join(le32 lo, le32 hi)
{
	return (uint64_t)le32_get(hi) << 32 | le32_get(lo);
}

static void split(uint64_t v, le32 *lo, le32 *hi)
{
	*lo = le32_make((uint32_t)v);
	*hi = le32_make((uint32_t)(v >> 32));
}

uint64_t imsm_disk_blocks(const struct imsm_disk *d)
{
	return join(d->total_blocks_lo, d->total_blocks_hi);
}

void imsm_disk_set_blocks(struct imsm_disk *d, uint64_t sectors)
{
	split(sectors, &d->total_blocks_lo, &d->total_blocks_hi);
}

uint64_t imsm_volume_blocks(const struct imsm_volume *v)
{
	return join(v->head.size_low, v->head.size_high);
}

void imsm_volume_set_blocks(struct imsm_volume *v, uint64_t sectors)
{
	split(sectors, &v->head.size_low, &v->head.size_high);
}

uint64_t imsm_volume_unit(const struct imsm_volume *v)
{
	return join(v->head.curr_migr_unit_lo, v->head.curr_migr_unit_hi);
}

void imsm_volume_set_unit(struct imsm_volume *v, uint64_t unit)
{
	split(unit, &v->head.curr_migr_unit_lo, &v->head.curr_migr_unit_hi);
}

enum imsm_migr_type imsm_volume_migr_type(const struct imsm_volume *v)
{
	if (v->head.migr_type == IMSM_MIGR_VERIFY && (le32_get(v->head.status) & IMSM_VOL_VERIFY_AND_FIX))
		return IMSM_MIGR_REPAIR;
	return (enum imsm_migr_type)v->head.migr_type;
}

void imsm_volume_set_migr_type(struct imsm_volume *v, enum imsm_migr_type t)
{
	uint32_t status = le32_get(v->head.status) & ~IMSM_VOL_VERIFY_AND_FIX;

	if (t == IMSM_MIGR_REPAIR) {
		status |= IMSM_VOL_VERIFY_AND_FIX;
		t = IMSM_MIGR_VERIFY;
	}
	v->head.status = le32_make(status);
	v->head.migr_type = (uint8_t)t;
}

uint64_t imsm_map_pba(const struct imsm_map *m)
{
	return join(m->head.pba_of_lba0_lo, m->head.pba_of_lba0_hi);
}

void imsm_map_set_pba(struct imsm_map *m, uint64_t sectors)
{
	split(sectors, &m->head.pba_of_lba0_lo, &m->head.pba_of_lba0_hi);
}

uint64_t imsm_map_blocks_per_member(const struct imsm_map *m)
{
	return join(m->head.blocks_per_member_lo, m->head.blocks_per_member_hi);
}

void imsm_map_set_blocks_per_member(struct imsm_map *m, uint64_t sectors)
{
	split(sectors, &m->head.blocks_per_member_lo, &m->head.blocks_per_member_hi);
}

uint64_t imsm_map_stripes(const struct imsm_map *m)
{
	return join(m->head.num_data_stripes_lo, m->head.num_data_stripes_hi);
}

void imsm_map_set_stripes(struct imsm_map *m, uint64_t stripes)
{
	split(stripes, &m->head.num_data_stripes_lo, &m->head.num_data_stripes_hi);
}

unsigned imsm_map_chunk(const struct imsm_map *m)
{
	return le16_get(m->head.blocks_per_strip);
}

int imsm_map_level(const struct imsm_map *m)
{
	switch (m->head.raid_level) {
	case IMSM_RAID0:
		return IMSM_RAID0;
	case IMSM_RAID1:
		return m->head.num_members == 2 ? IMSM_RAID1 : IMSM_RAID10;
	case IMSM_RAID5:
		return IMSM_RAID5;
	case IMSM_RAID10:
		return IMSM_RAID10;
	default:
		return IMSM_LEVEL_UNKNOWN;
	}
}

/* ---- serial numbers ---- */

bool imsm_normalise_serial(const void *raw, size_t len, uint8_t out[IMSM_SERIAL_LEN])
{
	const uint8_t *p = raw;
	size_t kept = 0;

	memset(out, 0, IMSM_SERIAL_LEN);
	for (size_t i = 0; i < len && p[i]; i++) {
		if (p[i] <= ' ' || p[i] >= 0x80)
			continue;
		if (kept == IMSM_SERIAL_LEN)
			memmove(out, out + 1, --kept);
		out[kept++] = p[i] == ':' ? ';' : p[i]; /* ':' begins the failure mark */
	}
	return kept > 0;
}

bool imsm_serial_equal(const uint8_t a[IMSM_SERIAL_LEN], const uint8_t b[IMSM_SERIAL_LEN])
{
	return strncmp((const char *)a, (const char *)b, IMSM_SERIAL_LEN) == 0;
}

void imsm_serial_mark_failed(uint8_t serial[IMSM_SERIAL_LEN])
{
	static const char mark[] = ":0";
	const size_t mark_len = sizeof(mark) - 1;
	uint8_t text[IMSM_SERIAL_LEN + sizeof(mark)] = { 0 };
	size_t len = strnlen((const char *)serial, IMSM_SERIAL_LEN);
	size_t skip = 0;

	memcpy(text, serial, len);
	memcpy(text + len, mark, mark_len);
	len += mark_len;
	if (len >= IMSM_SERIAL_LEN)
		skip = len - (IMSM_SERIAL_LEN - 1); /* the mark keeps its terminating zero */
	memset(serial, 0, IMSM_SERIAL_LEN);
	memcpy(serial, text + skip, len - skip);
}

const char *imsm_serial_text(const uint8_t serial[IMSM_SERIAL_LEN], char out[IMSM_SERIAL_LEN + 1])
{
	size_t len = strnlen((const char *)serial, IMSM_SERIAL_LEN);

	for (size_t i = 0; i < len; i++)
		out[i] = serial[i] < ' ' || serial[i] >= 0x7f ? '?' : (char)serial[i];
	out[len] = '\0';
	return out;
}

/* ---- 4096-byte sectors (imsm.md 1.13) ---- */

enum direction { FROM_4K, TO_4K };

/*
 * Saturates, so that the checks after decoding see and refuse what is too large; to a
 * multiple of 8, so that what is not looked at comes back the same.
 */
static uint64_t scale(uint64_t v, enum direction dir)
{
	if (dir == TO_4K)
		return v / SECTORS_PER_4K;
	if (v > UINT64_MAX / SECTORS_PER_4K)
		v = UINT64_MAX / SECTORS_PER_4K;
	return v * SECTORS_PER_4K;
}

static void scale_disk(struct imsm_disk *d, enum direction dir)
{
	imsm_disk_set_blocks(d, scale(imsm_disk_blocks(d), dir));
}

static void scale_map(struct imsm_map *m, enum direction dir)
{
	uint64_t chunk = scale(imsm_map_chunk(m), dir);

	m->head.blocks_per_strip = le16_make(chunk > UINT16_MAX ? UINT16_MAX : (uint16_t)chunk);
	imsm_map_set_pba(m, scale(imsm_map_pba(m), dir));
	imsm_map_set_blocks_per_member(m, scale(imsm_map_blocks_per_member(m), dir));
}

static void scale_volume(struct imsm_volume *v, enum direction dir)
{
	imsm_volume_set_blocks(v, scale(imsm_volume_blocks(v), dir));
	imsm_volume_set_unit(v, scale(imsm_volume_unit(v), dir)); /* a count, yet converted */
	scale_map(&v->map[0], dir);
	if (v->head.migr_state)
		scale_map(&v->map[1], dir);
}

static le32 scale_word(le32 v, enum direction dir)
{
	uint64_t scaled = scale(le32_get(v), dir);

	return le32_make(scaled > UINT32_MAX ? UINT32_MAX & ~(SECTORS_PER_4K - 1u) : (uint32_t)scaled);
}

static void scale_words(le32 *lo, le32 *hi, enum direction dir)
{
	split(scale(join(*lo, *hi), dir), lo, hi);
}

static void scale_migr_record(struct imsm_migr_record *r, enum direction dir)
{
	r->blocks_per_unit = scale_word(r->blocks_per_unit, dir);
	r->dest_depth_per_unit = scale_word(r->dest_depth_per_unit, dir);
	scale_words(&r->post_migr_vol_cap_lo, &r->post_migr_vol_cap_hi, dir);
	scale_words(&r->ckpt_area_pba_lo, &r->ckpt_area_pba_hi, dir);
	scale_words(&r->dest_1st_member_lba_lo, &r->dest_1st_member_lba_hi, dir);
}

/* ---- finding it ---- */

static bool sector_size_known(uint32_t sector_size)
{
	return sector_size == 512 || sector_size == 4096;
}

static uint64_t offset_from_end(uint64_t device_size, uint32_t sector_size, unsigned sectors)
{
	uint64_t back = (uint64_t)sectors * sector_size;

	if (!sector_size_known(sector_size) || device_size % sector_size || device_size <= back)
		return 0;
	return device_size - back;
}

uint64_t imsm_anchor_offset(uint64_t device_size, uint32_t sector_size)
{
	return offset_from_end(device_size, sector_size, 2);
}

uint64_t imsm_migr_record_offset(uint64_t device_size, uint32_t sector_size)
{
	return offset_from_end(device_size, sector_size, 1);
}

static int refuse(const char **why, const char *text)
{
	*why = text;
	return -EBADMSG;
}

/* At least IMSM_HEADER_SIZE bytes at p. */
static int check_sizes(const void *p, uint32_t sector_size, const char **why)
{
	const struct imsm_header *h = p;
	uint32_t size = le32_get(h->mpb_size);

	if (memcmp(h->sig, IMSM_SIGNATURE, IMSM_SIGNATURE_LEN) != 0) {
		*why = "no IMSM signature";
		return -EINVAL;
	}
	if (!sector_size_known(sector_size))
		return refuse(why, "the sector size is neither 512 nor 4096");
	if (size < IMSM_HEADER_SIZE || size > IMSM_MPB_MAX || size % 4)
		return refuse(why, "mpb_size is out of range");
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

uint32_t imsm_checksum(const void *mpb, size_t len)
{
	const struct imsm_header *h = mpb;
	const le32 *word = mpb;
	uint32_t sum = 0;

	for (size_t i = 0; i < len / sizeof(*word); i++)
		sum += le32_get(word[i]);
	return sum - le32_get(h->check_sum);
}

/* ---- decoding: the walk ---- */

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
		return refuse(why, "a map reaches beyond the end");
	memcpy(&m->head, head, sizeof(m->head));
	if (m->head.num_members == 0)
		return refuse(why, "num_members is zero");
	ord = take(c, m->head.num_members * sizeof(*ord));
	if (!ord)
		return refuse(why, "disk_ord_tbl reaches beyond the end");
	for (unsigned i = 0; i < m->head.num_members; i++)
		m->ord[i] = le32_get(ord[i]);
	return 0;
}

static int parse_volume(struct cursor *c, struct imsm_volume *v, const char **why)
{
	const void *head = take(c, sizeof(v->head));
	int err;

	if (!head)
		return refuse(why, "a volume reaches beyond the end");
	memcpy(&v->head, head, sizeof(v->head));
	err = parse_map(c, &v->map[0], why);
	if (!err && v->head.migr_state)
		err = parse_map(c, &v->map[1], why);
	return err;
}

/* ---- decoding: the values ---- */

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
		return refuse(why, "raid_level is unknown");
	if (!members_fit(level, m->head.num_members))
		return refuse(why, "num_members does not fit raid_level");
	if (chunk == 0 || (chunk & (chunk - 1)))
		return refuse(why, "blocks_per_strip is no power of two");
	if (m->head.num_domains == 0 || (is_mirror(level) && m->head.num_domains != 2))
		return refuse(why, "num_domains does not fit raid_level");
	return 0;
}

static int check_map_state(const struct imsm_map *m, const char **why)
{
	if (m->head.map_state > IMSM_FAILED)
		return refuse(why, "map_state is unknown");
	/* Elsewhere a stale number does no harm: it is only ever compared with slots. */
	if (m->head.map_state == IMSM_DEGRADED && m->head.failed_disk_num != 0xff &&
	    m->head.failed_disk_num >= m->head.num_members)
		return refuse(why, "failed_disk_num is no slot");
	return 0;
}

static int check_extent(const struct imsm_map *m, const char **why)
{
	unsigned copies = is_mirror(imsm_map_level(m)) ? 2 : 1;
	uint64_t total;

	if (imsm_map_pba(m) > IMSM_BLOCKS_MAX)
		return refuse(why, "pba_of_lba0 is out of range");
	if (imsm_map_blocks_per_member(m) > IMSM_BLOCKS_MAX)
		return refuse(why, "blocks_per_member is out of range");
	if (__builtin_mul_overflow(imsm_map_stripes(m), (uint64_t)imsm_map_chunk(m) * copies, &total) ||
	    __builtin_mul_overflow(total, (uint64_t)m->head.num_members, &total) || total > IMSM_BLOCKS_MAX)
		return refuse(why, "num_data_stripes is out of range");
	return 0;
}

/*
 * An index outside the disk table could be read as "missing", but every later look
 * at the table would depend on somebody remembering that. Nothing sane writes one.
 */
static int check_ords(const struct imsm_map *m, unsigned num_disks, const char **why)
{
	bool seen[IMSM_MAX_DISKS] = { false };

	for (unsigned i = 0; i < m->head.num_members; i++) {
		uint32_t index = m->ord[i] & IMSM_ORD_INDEX_MASK;

		if (index >= num_disks)
			return refuse(why, "disk_ord_tbl names a disk outside the disk table");
		if (seen[index])
			return refuse(why, "disk_ord_tbl names a disk twice");
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
		return refuse(why, "migr_state is unknown");
	if (v->head.migr_type > IMSM_MIGR_REPAIR)
		return refuse(why, "migr_type is unknown");
	if (v->head.migr_state == 0)
		return 0;
	if (imsm_volume_unit(v) > imsm_volume_blocks(v))
		return refuse(why, "curr_migr_unit lies outside the volume");
	if (v->head.migr_type != IMSM_MIGR_GENERAL && v->map[0].head.num_members != v->map[1].head.num_members)
		return refuse(why, "the maps differ in num_members without a general migration");
	return 0;
}

static int check_volume(const struct imsm_volume *v, unsigned num_disks, const char **why)
{
	uint64_t blocks = imsm_volume_blocks(v);
	int err;

	if (blocks == 0 || blocks > IMSM_BLOCKS_MAX)
		return refuse(why, "the volume's size is out of range");
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
		return refuse(why, "the disk table is too long");
	err = parse_volume(&c, v, why);
	if (!err)
		err = check_volume(v, num_disks, why);
	return err ? err : (ssize_t)(len - c.left);
}

/* ---- decoding: the whole MPB ---- */

static int decode_header(const void *mpb, size_t len, uint32_t sector_size, struct imsm_meta *m, const char **why)
{
	uint32_t size;
	int err;

	if (len < sizeof(m->header))
		return refuse(why, "the header is cut off");
	err = check_sizes(mpb, sector_size, why);
	if (err)
		return err;
	memcpy(&m->header, mpb, sizeof(m->header));
	size = le32_get(m->header.mpb_size);
	if (size > len)
		return refuse(why, "mpb_size is more than there is");
	if (imsm_checksum(mpb, size) != le32_get(m->header.check_sum))
		return refuse(why, "the checksum is wrong");
	m->num_disks = m->header.num_disks;
	m->num_volumes = m->header.num_raid_devs;
	if (m->num_disks == 0)
		return refuse(why, "num_disks is zero");
	if (m->num_volumes > IMSM_MAX_VOLUMES)
		return refuse(why, "num_raid_devs is out of range");
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
		return refuse(why, "the disk table reaches beyond the end");
	memcpy(m->disk, table, m->num_disks * sizeof(m->disk[0]));
	for (unsigned i = 0; i < m->num_disks; i++) {
		if (!hi_halves_valid(m))
			m->disk[i].total_blocks_hi = le32_make(0);
		if (sector_size == 4096)
			scale_disk(&m->disk[i], FROM_4K);
		if (imsm_disk_blocks(&m->disk[i]) > IMSM_BLOCKS_MAX)
			return refuse(why, "total_blocks is out of range");
	}
	if (!serials_unique(m))
		return refuse(why, "two disks have the same serial");
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
			scale_volume(v, FROM_4K);
		err = check_volume(v, m->num_disks, why);
		if (err)
			return err;
	}
	return 0;
}

/* False if it does not lie on a disk that we know. */
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
 * The log lies at the end; between it and the volumes a foreign writer may have left
 * slack. A log that makes no sense is left out: losing it costs less than the volumes.
 */
static void decode_bbm_log(struct cursor *c, uint32_t sector_size, struct imsm_meta *m, const char **why)
{
	uint32_t size = le32_get(m->header.bbm_log_size);
	const struct bbm_head *head;
	const struct imsm_bbm_entry *entry;
	uint32_t count;

	if (size == 0)
		return;
	if (size < sizeof(*head) || size > c->left) {
		*why = "bbm_log_size is out of range: bad block log ignored";
		return;
	}
	take(c, c->left - size);
	head = take(c, sizeof(*head));
	count = le32_get(head->entry_count);
	if (le32_get(head->signature) != IMSM_BBM_SIGNATURE || count > IMSM_BBM_MAX ||
	    c->left != count * sizeof(*entry)) {
		*why = "bad block log ignored: no signature, or a wrong entry_count";
		return;
	}
	entry = take(c, c->left);
	for (uint32_t i = 0; i < count; i++)
		if (!decode_bad_range(&entry[i], sector_size, m))
			*why = "bad block log: entries outside the disks ignored";
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
		decode_bbm_log(&c, sector_size, m, why);
	return err;
}

/* ---- encoding ---- */

static uint8_t *put(uint8_t *p, const void *src, size_t n)
{
	memcpy(p, src, n);
	return p + n;
}

static size_t map_size(const struct imsm_map *m)
{
	return sizeof(m->head) + m->head.num_members * sizeof(le32);
}

size_t imsm_volume_size(const struct imsm_volume *v)
{
	return sizeof(v->head) + map_size(&v->map[0]) + (v->head.migr_state ? map_size(&v->map[1]) : 0);
}

static size_t bbm_log_size(const struct imsm_meta *m)
{
	return m->num_bad ? sizeof(struct bbm_head) + m->num_bad * sizeof(struct imsm_bbm_entry) : 0;
}

static size_t mpb_size(const struct imsm_meta *m)
{
	size_t size = sizeof(m->header) + m->num_disks * sizeof(m->disk[0]) + bbm_log_size(m);

	for (unsigned i = 0; i < m->num_volumes; i++)
		size += imsm_volume_size(&m->volume[i]);
	return size;
}

static uint8_t *put_disk(uint8_t *p, const struct imsm_disk *d, uint32_t sector_size)
{
	struct imsm_disk disk = *d;

	if (sector_size == 4096)
		scale_disk(&disk, TO_4K);
	return put(p, &disk, sizeof(disk));
}

static uint8_t *put_map(uint8_t *p, const struct imsm_map *m)
{
	p = put(p, &m->head, sizeof(m->head));
	for (unsigned i = 0; i < m->head.num_members; i++) {
		le32 ord = le32_make(m->ord[i]);

		p = put(p, &ord, sizeof(ord));
	}
	return p;
}

static uint8_t *put_volume(uint8_t *p, const struct imsm_volume *v, uint32_t sector_size)
{
	struct imsm_volume volume = *v;

	if (sector_size == 4096)
		scale_volume(&volume, TO_4K);
	p = put(p, &volume.head, sizeof(volume.head));
	p = put_map(p, &volume.map[0]);
	return volume.head.migr_state ? put_map(p, &volume.map[1]) : p;
}

/* The blocks of `unit` sectors that the range touches. */
static uint64_t bad_range_blocks(const struct imsm_bad_range *r, unsigned unit)
{
	return (r->sector + r->length + unit - 1) / unit - r->sector / unit;
}

static uint8_t *put_bad_range(uint8_t *p, const struct imsm_bad_range *r, unsigned unit)
{
	struct imsm_bbm_entry e = {
		.marked_count = (uint8_t)(bad_range_blocks(r, unit) - 1),
		.disk_ordinal = r->disk,
	};
	uint64_t start = r->sector / unit;

	for (unsigned i = 0; i < sizeof(e.start); i++, start >>= 8)
		e.start[i] = (uint8_t)start;
	return put(p, &e, sizeof(e));
}

static uint8_t *put_bbm_log(uint8_t *p, const struct imsm_meta *m, uint32_t sector_size)
{
	struct bbm_head head = {
		.signature = le32_make(IMSM_BBM_SIGNATURE),
		.entry_count = le32_make(m->num_bad),
	};

	if (m->num_bad == 0)
		return p;
	p = put(p, &head, sizeof(head));
	for (unsigned i = 0; i < m->num_bad; i++)
		p = put_bad_range(p, &m->bad[i], sector_size / 512);
	return p;
}

static void put_header(uint8_t *mpb, const struct imsm_meta *m, size_t size)
{
	struct imsm_header h = m->header;
	uint32_t attributes = le32_get(h.attributes) & ~IMSM_ATTR_BBM;

	if (m->num_bad)
		attributes |= IMSM_ATTR_BBM;
	h.attributes = le32_make(attributes);
	h.mpb_size = le32_make((uint32_t)size);
	h.num_disks = (uint8_t)m->num_disks;
	h.num_raid_devs = (uint8_t)m->num_volumes;
	h.bbm_log_size = le32_make((uint32_t)bbm_log_size(m));
	put(mpb, &h, sizeof(h));
	h.check_sum = le32_make(imsm_checksum(mpb, size));
	put(mpb, &h, sizeof(h));
}

static bool counts_fit(const struct imsm_meta *m, uint32_t sector_size)
{
	if (m->num_disks > IMSM_MAX_DISKS || m->num_volumes > IMSM_MAX_VOLUMES || m->num_bad > IMSM_BBM_MAX)
		return false;
	for (unsigned i = 0; i < m->num_bad; i++)
		if (m->bad[i].length == 0 || m->bad[i].sector >> 48 ||
		    bad_range_blocks(&m->bad[i], sector_size / 512) > 256)
			return false;
	return true;
}

ssize_t imsm_encode(const struct imsm_meta *m, uint32_t sector_size, void *buf, size_t size)
{
	uint8_t *p = buf;
	size_t used, len;

	if (!sector_size_known(sector_size) || !counts_fit(m, sector_size))
		return -E2BIG;
	used = mpb_size(m);
	len = (used + sector_size - 1) / sector_size * sector_size;
	if (used > IMSM_MPB_MAX || len > size)
		return -E2BIG;
	memset(p + used, 0, len - used);
	p += sizeof(m->header);
	for (unsigned i = 0; i < m->num_disks; i++)
		p = put_disk(p, &m->disk[i], sector_size);
	for (unsigned i = 0; i < m->num_volumes; i++)
		p = put_volume(p, &m->volume[i], sector_size);
	put_bbm_log(p, m, sector_size);
	put_header(buf, m, used);
	return (ssize_t)len;
}

void imsm_disk_order(const void *mpb, size_t len, uint32_t sector_size, void *out)
{
	const uint8_t *anchor = mpb;

	put(put(out, anchor + sector_size, len - sector_size), anchor, sector_size);
}

size_t imsm_encode_spare(const struct imsm_disk *d, uint32_t sector_size, void *buf)
{
	struct imsm_disk disk = *d;
	struct imsm_header h = {
		.version = IMSM_VERSION_WRITTEN,
		.mpb_size = le32_make(IMSM_SPARE_MPB_SIZE),
		.generation_num = le32_make(1),
		.num_disks = 1,
		.pwr_cycle_count = le32_make(1),
	};
	uint32_t attributes = IMSM_ATTR_CHECKSUM_VERIFY;

	if (le32_get(d->total_blocks_hi))
		attributes |= IMSM_ATTR_2TB_DISK;
	h.attributes = le32_make(attributes);
	disk.status = le32_make(IMSM_DISK_SPARE);
	memcpy(h.sig, IMSM_SIGNATURE, IMSM_SIGNATURE_LEN);
	memset(buf, 0, sector_size);
	put_disk(put(buf, &h, sizeof(h)), &disk, sector_size);

	/* The record's own sum is its family: as good as random, and the same whenever it is rewritten. */
	h.family_num = le32_make(imsm_checksum(buf, IMSM_SPARE_MPB_SIZE));
	put(buf, &h, sizeof(h));
	h.check_sum = le32_make(imsm_checksum(buf, IMSM_SPARE_MPB_SIZE));
	put(buf, &h, sizeof(h));
	return sector_size;
}

/* ---- the migration record ---- */

void imsm_decode_migr_record(const void *sector, uint32_t sector_size, struct imsm_migr_record *r)
{
	memcpy(r, sector, sizeof(*r));
	if (sector_size == 4096)
		scale_migr_record(r, FROM_4K);
}

void imsm_encode_migr_record(const struct imsm_migr_record *r, uint32_t sector_size, void *sector)
{
	struct imsm_migr_record record = *r;

	if (sector_size == 4096)
		scale_migr_record(&record, TO_4K);
	memset(sector, 0, sector_size);
	put(sector, &record, sizeof(record));
}
