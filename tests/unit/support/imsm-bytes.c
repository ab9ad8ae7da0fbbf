/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See imsm-bytes.h. */
#include "tests/unit/support/imsm-bytes.h"

#include <stdlib.h>

void mpb_poke(uint8_t *mpb, size_t offset, unsigned width, uint64_t value)
{
	for (unsigned i = 0; i < width; i++)
		mpb[offset + i] = (uint8_t)(value >> 8 * i);
}

void mpb_fix_checksum(uint8_t *mpb, size_t len)
{
	mpb_poke(mpb, HEADER(check_sum), 4, imsm_checksum(mpb, len));
}

void mpb_assert_bytes(const uint8_t *at, const char *hex)
{
	unsigned byte;

	for (; *hex; hex++, at++) {
		while (*hex == ' ')
			hex++;
		assert_int_equal(sscanf(hex++, "%2x", &byte), 1);
		assert_int_equal(*at, byte);
	}
}

void mpb_recode(struct imsm_meta *m, uint32_t sector_size)
{
	uint8_t *buf = malloc(IMSM_MPB_MAX);
	ssize_t len = imsm_encode(m, sector_size, buf, IMSM_MPB_MAX);
	const char *why;

	assert_true(len > 0);
	if (imsm_decode(buf, (size_t)len, sector_size, m, &why) != 0)
		fail_msg("%s", why);
	free(buf);
}

uint8_t *mpb_poked(const char *name, const struct mpb_poke *p, size_t *size)
{
	uint8_t *mpb = imsm_sample_read_mpb(imsm_sample_named(name), 0, size);
	size_t summed;

	for (unsigned i = 0; i < 3; i++)
		mpb_poke(mpb, p[i].offset, p[i].width, p[i].value);
	summed = mpb[HEADER(mpb_size)] | (size_t)mpb[HEADER(mpb_size) + 1] << 8;
	if (summed >= IMSM_HEADER_SIZE && summed <= *size)
		mpb_fix_checksum(mpb, summed);
	return mpb;
}
