/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Images of disks, under names in a directory, for what reads them by name. */
#ifndef IMAGES_H
#define IMAGES_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/support/ddf-samples.h"
#include "tests/unit/support/imsm-samples.h"

#define IMAGES_MAX 8

struct image_file {
	char path[64];
	struct disk *disk; /* to change it */
};

/* Image `n` becomes that disk of the sample, or `bytes` zeros. Its path is short: "/tmp/images-XXXXXX/n". */
const struct image_file *image_of_imsm(unsigned n, const char *sample, unsigned disk);
const struct image_file *image_of_ddf(unsigned n, const char *sample, unsigned disk);
const struct image_file *image_of_zeros(unsigned n, uint64_t bytes);
const struct image_file *image_at(unsigned n);
const char *image_path(unsigned n);
void images_remove(void);

void image_read(const struct image_file *i, uint64_t at, void *buf, size_t len);
void image_write(const struct image_file *i, uint64_t at, const void *buf, size_t len);
void image_cut(const struct image_file *i, uint64_t bytes);

#endif
