/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The bytes of the sample images, changed where a test wants to. */
#ifndef IMSM_BYTES_H
#define IMSM_BYTES_H

#include "tests/unit/support/imsm-samples.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
/* Offsets in an MPB: of fields, in volumes behind so many disks, in maps of the first volume. */
#define HEADER(field) offsetof(struct imsm_header, field)
#define DISK(n, field) (IMSM_HEADER_SIZE + 48u * (n) + offsetof(struct imsm_disk, field))
#define VOLUME(disks, field) (IMSM_HEADER_SIZE + 48u * (disks) + offsetof(struct imsm_dev_head, field))
#define MAP0(disks, field) (IMSM_HEADER_SIZE + 48u * (disks) + 112u + offsetof(struct imsm_map_head, field))
#define ORD0(disks, slot) (IMSM_HEADER_SIZE + 48u * (disks) + 160u + 4u * (slot))
#define MAP1(disks, members, field) (ORD0(disks, members) + offsetof(struct imsm_map_head, field))
#define ORD1(disks, members, slot) (ORD0(disks, members) + 48u + 4u * (slot))

/* Samples, with what their first disk has. */
#define R5 "r5-clean-46"       /* 3 disks */
#define R1 "r1-rebuild-46"     /* 2 disks, 2 maps of 2 members */
#define MATRIX "r10-r5-matrix-46" /* 4 disks, RAID10 of 4, RAID5 of 4 */
#define RESHAPE "r5-reshape-46" /* 4 disks, maps of 4 and 3 members */
#define BBM "r5-bbm-46"        /* 3 disks, log at the end */
#define BBM4 "r5-bbm-4kn-46"
#define R5_VOLUMES (IMSM_HEADER_SIZE + 48u * 3)
#define LOG ((size_t)ORD0(3, 3))
#define SECOND_MAP0(field) (ORD0(4, 4) + 112u + offsetof(struct imsm_map_head, field)) /* MATRIX */
#define WITH_HI { HEADER(attributes), 4, IMSM_ATTR_2TB_DISK }

struct mpb_poke {
	size_t offset;
	unsigned width; /* bytes, 0: none */
	uint64_t value;
};

/* A value of `width` bytes, little-endian. */
void mpb_poke(uint8_t *mpb, size_t offset, unsigned width, uint64_t value);
void mpb_fix_checksum(uint8_t *mpb, size_t len);
/* The bytes are those of the text: "0a 1b". */
void mpb_assert_bytes(const uint8_t *at, const char *hex);
/* Encodes and decodes again. */
void mpb_recode(struct imsm_meta *m, uint32_t sector_size);
/* The MPB of the sample's first disk with three changes and a right checksum, malloc'd. */
uint8_t *mpb_poked(const char *name, const struct mpb_poke *p, size_t *size);

#endif
