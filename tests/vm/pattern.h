/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A block of data that can be recognised: every 64-bit word depends on a seed
 * and on its own offset, so that stale, torn or displaced data all show up.
 */
#ifndef VM_PATTERN_H
#define VM_PATTERN_H

#include <stddef.h>
#include <stdint.h>

static inline uint64_t pattern_word(uint64_t seed, uint64_t offset)
{
	uint64_t x = offset + seed * 0x9E3779B97F4A7C15u;

	x = (x ^ (x >> 31)) * 0xBF58476D1CE4E5B9u;
	return x ^ (x >> 29);
}

static inline void pattern_fill(uint64_t *buf, size_t len, uint64_t seed, uint64_t offset)
{
	for (size_t i = 0; i < len / 8; i++)
		buf[i] = pattern_word(seed, offset + i * 8);
}

#endif
