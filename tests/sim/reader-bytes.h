/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Numbers out of bytes, for the readers of the simulated world. Nothing of the daemon's own is used here: the two must
 * not agree by being the same code.
 */
#ifndef SIM_READER_BYTES_H
#define SIM_READER_BYTES_H

#include <stdint.h>

static inline uint16_t bytes_le16(const unsigned char *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t bytes_le32(const unsigned char *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline uint16_t bytes_be16(const unsigned char *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t bytes_be32(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline uint64_t bytes_be64(const unsigned char *p)
{
	return (uint64_t)bytes_be32(p) << 32 | bytes_be32(p + 4);
}

#endif
