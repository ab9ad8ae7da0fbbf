/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See images.h. A name is a link to a file in memory. */
#include "tests/unit/support/images.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char dir[] = "/tmp/images-XXXXXX";
static bool made;
static struct image_file image[IMAGES_MAX];

static void forget(unsigned n)
{
	if (!image[n].disk)
		return;
	unlink(image[n].path);
	disk_close(image[n].disk);
	image[n].disk = NULL;
}

static const struct image_file *become(unsigned n, struct disk *d)
{
	char target[32];

	assert_true(n < IMAGES_MAX);
	if (!made)
		assert_non_null(mkdtemp(dir));
	made = true;
	forget(n);
	image[n].disk = d;
	snprintf(image[n].path, sizeof(image[n].path), "%s/%u", dir, n);
	snprintf(target, sizeof(target), "/proc/self/fd/%d", d->fd);
	assert_int_equal(symlink(target, image[n].path), 0);
	return &image[n];
}

const struct image_file *image_of_zeros(unsigned n, uint64_t bytes)
{
	struct disk *d = ddf_blank_disk(n, 1);

	assert_int_equal(ftruncate(d->fd, (off_t)bytes), 0);
	d->size = bytes;
	return become(n, d);
}

const struct image_file *image_of_imsm(unsigned n, const char *sample, unsigned disk)
{
	const struct imsm_sample *s = imsm_sample_named(sample);
	const struct image_file *i = image_of_zeros(n, s->size);
	uint8_t tail[SAMPLE_TAIL];

	imsm_sample_read_tail(s, disk, tail);
	image_write(i, s->size - SAMPLE_TAIL, tail, SAMPLE_TAIL);
	return i;
}

const struct image_file *image_of_ddf(unsigned n, const char *sample, unsigned disk)
{
	return become(n, ddf_sample_disk(sample, disk));
}

const struct image_file *image_at(unsigned n)
{
	assert_true(n < IMAGES_MAX && image[n].disk);
	return &image[n];
}

const char *image_path(unsigned n)
{
	return image_at(n)->path;
}

void images_remove(void)
{
	for (unsigned n = 0; n < IMAGES_MAX; n++)
		forget(n);
	if (made)
		rmdir(dir);
}

void image_read(const struct image_file *i, uint64_t at, void *buf, size_t len)
{
	assert_int_equal(pread(i->disk->fd, buf, len, (off_t)at), len);
}

void image_write(const struct image_file *i, uint64_t at, const void *buf, size_t len)
{
	assert_int_equal(pwrite(i->disk->fd, buf, len, (off_t)at), len);
}

void image_cut(const struct image_file *i, uint64_t bytes)
{
	assert_int_equal(ftruncate(i->disk->fd, (off_t)bytes), 0);
}
