/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See sha1.h. The names are those of FIPS 180-4. */
#include "sha1.h"

#include <endian.h>
#include <string.h>

#define BLOCK 64
#define LENGTH_SIZE 8 /* of the field at the end of the last block */

_Static_assert(SHA1_MESSAGE_MAX == 2 * BLOCK - LENGTH_SIZE - 1, "message, a bit, its length");

static uint32_t rotl(uint32_t x, unsigned n)
{
	return x << n | x >> (32 - n);
}

/* f and K of round t. */
static uint32_t f_plus_k(unsigned t, uint32_t b, uint32_t c, uint32_t d)
{
	if (t < 20)
		return ((b & c) ^ (~b & d)) + 0x5a827999;
	if (t < 40)
		return (b ^ c ^ d) + 0x6ed9eba1;
	if (t < 60)
		return ((b & c) ^ (b & d) ^ (c & d)) + 0x8f1bbcdc;
	return (b ^ c ^ d) + 0xca62c1d6;
}

static void expand(const uint8_t block[BLOCK], uint32_t w[80])
{
	for (unsigned t = 0; t < 16; t++) {
		memcpy(&w[t], block + 4 * t, 4);
		w[t] = be32toh(w[t]);
	}
	for (unsigned t = 16; t < 80; t++)
		w[t] = rotl(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1);
}

static void add_block(uint32_t h[5], const uint8_t block[BLOCK])
{
	uint32_t w[80], a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];

	expand(block, w);
	for (unsigned t = 0; t < 80; t++) {
		uint32_t next = rotl(a, 5) + f_plus_k(t, b, c, d) + e + w[t];

		e = d;
		d = c;
		c = rotl(b, 30);
		b = a;
		a = next;
	}
	h[0] += a;
	h[1] += b;
	h[2] += c;
	h[3] += d;
	h[4] += e;
}

void sha1(const void *message, size_t len, uint8_t digest[SHA1_SIZE])
{
	uint32_t h[5] = { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0 };
	uint8_t padded[2 * BLOCK] = { 0 };
	size_t end = len + 1 + LENGTH_SIZE <= BLOCK ? BLOCK : 2 * BLOCK;
	uint64_t bits = htobe64((uint64_t)len * 8);

	memcpy(padded, message, len);
	padded[len] = 0x80;
	memcpy(padded + end - LENGTH_SIZE, &bits, LENGTH_SIZE);
	for (size_t at = 0; at < end; at += BLOCK)
		add_block(h, padded + at);
	for (unsigned i = 0; i < 5; i++) {
		uint32_t word = htobe32(h[i]);

		memcpy(digest + 4 * i, &word, 4);
	}
}
