/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finding and reading the sample images; README.md tells what they are. */
#ifndef SAMPLE_H
#define SAMPLE_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "imsm/format.h"

#define SAMPLE_TAIL 16384 /* bytes of each device that are kept */

struct sample {
	const char *name;
	unsigned disks;
	uint64_t size;        /* of each device, bytes */
	uint32_t sector_size; /* bytes */
};

static const struct sample samples[] = {
	{ "r5-clean-46", 3, 20480000, 512 },
	{ "r5-clean-42", 3, 20480000, 512 },
	{ "r1-rebuild-42", 3, 33554432, 512 },
	{ "r1-rebuild-46", 3, 33554432, 512 },
	{ "r10-r5-matrix-46", 5, 67108864, 512 },
	{ "r5-reshape-46", 5, 67108864, 512 },
	{ "r5-bbm-46", 3, 33554432, 512 },
	{ "r5-bbm-4kn-46", 3, 33554432, 4096 },
};

#define SAMPLE_COUNT (sizeof(samples) / sizeof(samples[0]))

static inline const struct sample *sample_named(const char *name)
{
	for (size_t i = 0; i < SAMPLE_COUNT; i++)
		if (strcmp(samples[i].name, name) == 0)
			return &samples[i];
	fail_msg("no sample %s", name);
	return NULL;
}

static inline FILE *sample_open(const struct sample *s, unsigned disk, const char *suffix)
{
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/imsm/%s.disk%u.%s", SAMPLES, s->name, disk, suffix);
	f = fopen(path, "rb");
	if (!f)
		fail_msg("%s: %m", path);
	return f;
}

/* The last SAMPLE_TAIL bytes of the device. */
static inline void sample_read_tail(const struct sample *s, unsigned disk, uint8_t tail[SAMPLE_TAIL])
{
	FILE *f = sample_open(s, disk, "bin");

	assert_int_equal(fread(tail, 1, SAMPLE_TAIL, f), SAMPLE_TAIL);
	fclose(f);
}

/* The MPB in its logical order, malloc'd and exactly mpb_size long, so that a sanitizer sees each overread. */
static inline uint8_t *sample_read_mpb(const struct sample *s, unsigned disk, size_t *size)
{
	uint8_t tail[SAMPLE_TAIL];
	const uint8_t *anchor = tail + SAMPLE_TAIL - 2 * s->sector_size;
	size_t head;
	uint32_t mpb_size, sectors;
	uint8_t *mpb;

	sample_read_tail(s, disk, tail);
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

static inline void sample_decode(const struct sample *s, unsigned disk, struct imsm_meta *m)
{
	const char *why;
	size_t size;
	uint8_t *mpb = sample_read_mpb(s, disk, &size);

	if (imsm_decode(mpb, size, s->sector_size, m, &why) != 0)
		fail_msg("%s disk %u: %s", s->name, disk, why);
	assert_null(why);
	free(mpb);
}

#endif
