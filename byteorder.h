/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Integers as they lie on disk. They are structs, so that the compiler refuses
 * a missing conversion; and unaligned, so that they may stand anywhere.
 */
#ifndef BYTEORDER_H
#define BYTEORDER_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

typedef struct {
	uint8_t b[2];
} le16;

typedef struct {
	uint8_t b[4];
} le32;

typedef struct {
	uint8_t b[8];
} le64;

static inline uint16_t le16_get(le16 x)
{
	uint16_t v;

	memcpy(&v, x.b, sizeof(v));
	return le16toh(v);
}

static inline uint32_t le32_get(le32 x)
{
	uint32_t v;

	memcpy(&v, x.b, sizeof(v));
	return le32toh(v);
}

static inline uint64_t le64_get(le64 x)
{
	uint64_t v;

	memcpy(&v, x.b, sizeof(v));
	return le64toh(v);
}

static inline le16 le16_make(uint16_t v)
{
	le16 x;

	v = htole16(v);
	memcpy(x.b, &v, sizeof(v));
	return x;
}

static inline le32 le32_make(uint32_t v)
{
	le32 x;

	v = htole32(v);
	memcpy(x.b, &v, sizeof(v));
	return x;
}

static inline le64 le64_make(uint64_t v)
{
	le64 x;

	v = htole64(v);
	memcpy(x.b, &v, sizeof(v));
	return x;
}

typedef struct {
	uint8_t b[2];
} be16;

typedef struct {
	uint8_t b[4];
} be32;

typedef struct {
	uint8_t b[8];
} be64;

static inline uint16_t be16_get(be16 x)
{
	uint16_t v;

	memcpy(&v, x.b, sizeof(v));
	return be16toh(v);
}

static inline uint32_t be32_get(be32 x)
{
	uint32_t v;

	memcpy(&v, x.b, sizeof(v));
	return be32toh(v);
}

static inline uint64_t be64_get(be64 x)
{
	uint64_t v;

	memcpy(&v, x.b, sizeof(v));
	return be64toh(v);
}

static inline be16 be16_make(uint16_t v)
{
	be16 x;

	v = htobe16(v);
	memcpy(x.b, &v, sizeof(v));
	return x;
}

static inline be32 be32_make(uint32_t v)
{
	be32 x;

	v = htobe32(v);
	memcpy(x.b, &v, sizeof(v));
	return x;
}

static inline be64 be64_make(uint64_t v)
{
	be64 x;

	v = htobe64(v);
	memcpy(x.b, &v, sizeof(v));
	return x;
}

#endif
