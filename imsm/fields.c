/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fields of IMSM metadata that are more than one word, or another number than the one that is stored: sizes and
 * places in two halves, the effective level, the kind of migration, serial numbers, and everything that is counted in
 * 4096-byte sectors on disks that have them.
 */
#include "imsm/format.h"

#include <string.h>

#define SECTORS_PER_4K 8

/* ---- two halves ---- */

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

/* ---- not as stored ---- */

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

/*
 * What is too large for 64 bits becomes the largest multiple of 8: the checks after decoding see and refuse it, and
 * what nobody looks at is written back unchanged.
 */
static uint64_t scale(uint64_t v, enum imsm_scaling dir)
{
	if (dir == IMSM_TO_4K)
		return v / SECTORS_PER_4K;
	if (v > UINT64_MAX / SECTORS_PER_4K)
		v = UINT64_MAX / SECTORS_PER_4K;
	return v * SECTORS_PER_4K;
}

void imsm_scale_disk(struct imsm_disk *d, enum imsm_scaling dir)
{
	imsm_disk_set_blocks(d, scale(imsm_disk_blocks(d), dir));
}

static void scale_map(struct imsm_map *m, enum imsm_scaling dir)
{
	uint64_t chunk = scale(imsm_map_chunk(m), dir);

	m->head.blocks_per_strip = le16_make(chunk > UINT16_MAX ? UINT16_MAX : (uint16_t)chunk);
	imsm_map_set_pba(m, scale(imsm_map_pba(m), dir));
	imsm_map_set_blocks_per_member(m, scale(imsm_map_blocks_per_member(m), dir));
}

void imsm_scale_volume(struct imsm_volume *v, enum imsm_scaling dir)
{
	imsm_volume_set_blocks(v, scale(imsm_volume_blocks(v), dir));
	imsm_volume_set_unit(v, scale(imsm_volume_unit(v), dir)); /* a count, yet converted */
	scale_map(&v->map[0], dir);
	if (v->head.migr_state)
		scale_map(&v->map[1], dir);
}

static le32 scale_word(le32 v)
{
	uint64_t scaled = scale(le32_get(v), IMSM_FROM_4K);

	return le32_make(scaled > UINT32_MAX ? UINT32_MAX & ~(SECTORS_PER_4K - 1u) : (uint32_t)scaled);
}

static void scale_words(le32 *lo, le32 *hi)
{
	split(scale(join(*lo, *hi), IMSM_FROM_4K), lo, hi);
}

void imsm_scale_migr_record(struct imsm_migr_record *r)
{
	r->blocks_per_unit = scale_word(r->blocks_per_unit);
	r->dest_depth_per_unit = scale_word(r->dest_depth_per_unit);
	scale_words(&r->post_migr_vol_cap_lo, &r->post_migr_vol_cap_hi);
	scale_words(&r->ckpt_area_pba_lo, &r->ckpt_area_pba_hi);
	scale_words(&r->dest_1st_member_lba_lo, &r->dest_1st_member_lba_hi);
}
