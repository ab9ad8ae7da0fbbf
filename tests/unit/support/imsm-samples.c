/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See imsm-samples.h. */
#include "tests/unit/support/imsm-samples.h"

#include <stdlib.h>
#include <string.h>

const struct imsm_sample imsm_samples[IMSM_SAMPLE_COUNT] = {
	{ "r5-clean-46", 3, 20480000, 512 },
	{ "r5-clean-42", 3, 20480000, 512 },
	{ "r1-rebuild-42", 3, 33554432, 512 },
	{ "r1-rebuild-46", 3, 33554432, 512 },
	{ "r10-r5-matrix-46", 5, 67108864, 512 },
	{ "r5-reshape-46", 5, 67108864, 512 },
	{ "r5-bbm-46", 3, 33554432, 512 },
	{ "r5-bbm-4kn-46", 3, 33554432, 4096 },
};

const struct imsm_sample *imsm_sample_named(const char *name)
{
	for (size_t i = 0; i < IMSM_SAMPLE_COUNT; i++)
		if (strcmp(imsm_samples[i].name, name) == 0)
			return &imsm_samples[i];
	fail_msg("no sample %s", name);
	return NULL;
}

FILE *imsm_sample_open(const struct imsm_sample *s, unsigned disk, const char *suffix)
{
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/imsm/%s.disk%u.%s", SAMPLES, s->name, disk, suffix);
	f = fopen(path, "rb");
	if (!f)
		fail_msg("%s: %m", path);
	return f;
}

void imsm_sample_read_tail(const struct imsm_sample *s, unsigned disk, uint8_t tail[SAMPLE_TAIL])
{
	FILE *f = imsm_sample_open(s, disk, "bin");

	assert_int_equal(fread(tail, 1, SAMPLE_TAIL, f), SAMPLE_TAIL);
	fclose(f);
}

uint8_t *imsm_sample_read_mpb(const struct imsm_sample *s, unsigned disk, size_t *size)
{
	uint8_t tail[SAMPLE_TAIL];
	const uint8_t *anchor = tail + SAMPLE_TAIL - 2 * s->sector_size;
	size_t head;
	uint32_t mpb_size, sectors;
	uint8_t *mpb;

	imsm_sample_read_tail(s, disk, tail);
	assert_int_equal(imsm_probe_anchor(anchor, s->sector_size, &mpb_size, &sectors), 0);
	mpb = malloc(mpb_size);
	assert_non_null(mpb);
	head = mpb_size < s->sector_size ? mpb_size : s->sector_size;
	memcpy(mpb, anchor, head);
	if (mpb_size > head)
		memcpy(mpb + head, tail + SAMPLE_TAIL - (size_t)(sectors + 1) * s->sector_size, mpb_size - head);
	*size = mpb_size;
	return mpb;
}

void imsm_sample_decode(const struct imsm_sample *s, unsigned disk, struct imsm_meta *m)
{
	const char *why;
	size_t size;
	uint8_t *mpb = imsm_sample_read_mpb(s, disk, &size);

	if (imsm_decode(mpb, size, s->sector_size, m, &why) != 0)
		fail_msg("%s disk %u: %s", s->name, disk, why);
	assert_null(why);
	free(mpb);
}
