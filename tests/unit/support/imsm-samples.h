/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finding and reading the sample images of tests/samples/imsm, whose README.md tells what they are. */
#ifndef IMSM_SAMPLES_H
#define IMSM_SAMPLES_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "imsm/format.h"

#define SAMPLE_TAIL 16384 /* bytes of each device that are kept */
#define IMSM_SAMPLE_COUNT 8

struct imsm_sample {
	const char *name;
	unsigned disks;
	uint64_t size;        /* of each device, bytes */
	uint32_t sector_size; /* bytes */
};

extern const struct imsm_sample imsm_samples[IMSM_SAMPLE_COUNT];

const struct imsm_sample *imsm_sample_named(const char *name);
FILE *imsm_sample_open(const struct imsm_sample *s, unsigned disk, const char *suffix);
/* The last SAMPLE_TAIL bytes of the device. */
void imsm_sample_read_tail(const struct imsm_sample *s, unsigned disk, uint8_t tail[SAMPLE_TAIL]);
/* The MPB in its logical order, malloc'd and exactly mpb_size long, so that a sanitizer sees each overread. */
uint8_t *imsm_sample_read_mpb(const struct imsm_sample *s, unsigned disk, size_t *size);
void imsm_sample_decode(const struct imsm_sample *s, unsigned disk, struct imsm_meta *m);

#endif
