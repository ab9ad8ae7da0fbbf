/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a disk may hold: any bytes with the right signature, size and checksum. What can be loaded can be written,
 * and is the same when it is loaded again.
 */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "imsm/imsm.h"

static uint8_t mpb[IMSM_MPB_MAX], image[IMSM_MPB_MAX], again[IMSM_MPB_MAX];
static struct imsm_meta first, second;

static size_t dress_up(const uint8_t *data, size_t size)
{
	struct imsm_header *h = (struct imsm_header *)(void *)mpb;
	size_t len = size & ~(size_t)3;

	memset(mpb, 0, sizeof(mpb));
	memcpy(mpb, data, size < sizeof(mpb) ? size : sizeof(mpb));
	if (len < IMSM_HEADER_SIZE)
		len = IMSM_HEADER_SIZE;
	memcpy(h->sig, IMSM_SIGNATURE, IMSM_SIGNATURE_LEN);
	h->mpb_size = le32_make((uint32_t)len);
	h->check_sum = le32_make(imsm_checksum(mpb, len));
	return len;
}

static void load(size_t len, uint32_t sector_size)
{
	ssize_t written, rewritten;

	if (imsm_decode(mpb, len, sector_size, &first, NULL))
		return;
	written = imsm_encode(&first, sector_size, image, sizeof(image));
	if (written < 0)
		return; /* with its padding it is too long */
	MUST(imsm_decode(image, (size_t)written, sector_size, &second, NULL) == 0);
	rewritten = imsm_encode(&second, sector_size, again, sizeof(again));
	MUST(rewritten == written && memcmp(image, again, (size_t)written) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint32_t mpb_size, sectors;
	size_t len;

	if (size > sizeof(mpb))
		return 0;
	len = dress_up(data, size);
	MUST(imsm_probe_anchor(mpb, 512, &mpb_size, &sectors) == 0 && sectors * 512 >= len);
	load(len, 512);
	load(len, 4096);
	return 0;
}
