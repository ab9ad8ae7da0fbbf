/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The write-intent bitmap of an IMSM volume: where it lies on each member and how it begins (imsm.md 1.20).
 *
 * md keeps the bitmap itself up to date on all members. What it does not do is to make one: a disk that comes new
 * into the volume must have it before it becomes a member. Pure.
 *
 * All places are in 512-byte sectors whatever those of the disk, as md counts them; they are multiples of 4096 bytes.
 */
#include "imsm/imsm.h"

#include <nettle/sha1.h>
#include <string.h>

/* The 1 MiB behind the volume's data on each member: a gap, the header's block, the bits. */
#define AREA_SIZE (1024u * 1024)
#define AREA_GAP 8192
#define BITS_SIZE (AREA_SIZE - AREA_GAP - SPARE_BITMAP_BLOCK)

#define CHUNK_MIN (64u << 20)
#define CHUNK_MAX (1u << 31)
#define DAEMON_SLEEP 5 /* seconds */

/* As md knows it, little-endian: beginning of the header's block. */
struct bitmap_header {
	le32 magic;        /* 0 */
	le32 version;      /* 4 */
	uint8_t uuid[16];  /* 8 */
	le64 events;       /* 24 */
	le64 events_cleared; /* 32 */
	le64 sync_size;    /* 40 */
	le32 state;        /* 48 */
	le32 chunksize;    /* 52 bytes */
	le32 daemon_sleep; /* 56 */
	le32 write_behind; /* 60 */
};

_Static_assert(sizeof(struct bitmap_header) == SPARE_BITMAP_HEADER, "there is room for it");
_Static_assert(offsetof(struct bitmap_header, chunksize) == 52, "bitmap_header.chunksize");

bool imsm_uses_bitmap(const struct imsm_volume *v)
{
	return v->head.rwh_policy == IMSM_RWH_BITMAP;
}

static void begin_uuid(struct sha1_ctx *sha, const struct imsm_header *h)
{
	le32 family = le32_get(h->orig_family_num) ? h->orig_family_num : h->family_num;

	sha1_init(sha);
	sha1_update(sha, IMSM_SIGNATURE_LEN, h->sig);
	sha1_update(sha, sizeof(family.b), family.b);
}

void imsm_container_uuid(const struct imsm_header *h, uint8_t uuid[16])
{
	struct sha1_ctx sha;

	begin_uuid(&sha, h);
	sha1_digest(&sha, 16, uuid);
}

void imsm_volume_uuid(const struct imsm_meta *m, unsigned volume, uint8_t uuid[16])
{
	le32 index = le32_make(volume);
	struct sha1_ctx sha;

	begin_uuid(&sha, &m->header);
	sha1_update(&sha, sizeof(index.b), index.b);
	sha1_update(&sha, IMSM_NAME_LEN, m->volume[volume].head.name);
	sha1_digest(&sha, 16, uuid);
}

/* The reference takes bytes for sectors here, and all members must have the same. The difference shows above 32 PiB. */
static uint32_t chunk_size(uint64_t volume_sectors)
{
	uint64_t bits = (uint64_t)BITS_SIZE * 512, chunk = CHUNK_MIN;

	while (chunk < CHUNK_MAX && volume_sectors / (chunk / 512) >= bits)
		chunk *= 2;
	return (uint32_t)chunk;
}

void imsm_fill_bitmap(const struct imsm_meta *m, unsigned volume, struct spare_pick *p)
{
	struct bitmap_header h = {
		.magic = le32_make(0x6d746962),
		.version = le32_make(4),
		.sync_size = le64_make(BITS_SIZE),
		.chunksize = le32_make(chunk_size(imsm_volume_blocks(&m->volume[volume]))),
		.daemon_sleep = le32_make(DAEMON_SLEEP),
	};

	imsm_volume_uuid(m, volume, h.uuid);
	memcpy(p->bitmap_header, &h, sizeof(h));
	p->bitmap_sector = p->data_offset + p->component_size + AREA_GAP / 512;
	p->bitmap_size = BITS_SIZE;
}
