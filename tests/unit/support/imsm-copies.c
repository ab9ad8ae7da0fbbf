/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See imsm-copies.h. */
#include "tests/unit/support/imsm-copies.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int __wrap_disk_read(const struct disk *d, void *buf, size_t len, uint64_t offset);
int __wrap_disk_read(const struct disk *d, void *buf, size_t len, uint64_t offset)
{
	struct fake_disk *f = (struct fake_disk *)(uintptr_t)d;
	uint64_t first = d->size - SAMPLE_TAIL;

	f->reads++;
	assert_int_equal(offset % d->sector_size, 0);
	assert_int_equal(len % d->sector_size, 0);
	assert_true(offset + len <= d->size);
	if (f->read_error)
		return f->read_error;
	if (offset < first)
		return -EIO;
	memcpy(buf, f->tail + (offset - first), len);
	if (f->torn_reads > 0 && f->torn_at >= offset - first && f->torn_at < offset - first + len) {
		((uint8_t *)buf)[f->torn_at - (offset - first)] ^= 1;
		f->torn_reads--;
	}
	return 0;
}

void copies_add_serial(struct fake_disk *f, const char *text)
{
	struct disk *d = &f->disk;

	d->serial[d->serial_count].len = strlen(text);
	memcpy(d->serial[d->serial_count++].bytes, text, strlen(text));
}

void copies_make_disk(struct fake_disk *f, const struct imsm_sample *s, unsigned disk)
{
	memset(f, 0, sizeof(*f));
	f->disk.fd = -1;
	f->disk.size = s->size;
	f->disk.sector_size = s->sector_size;
	imsm_sample_read_tail(s, disk, f->tail);
}

void copies_make_named_disk(struct fake_disk *f, const char *sample, unsigned disk)
{
	char serial[32];

	copies_make_disk(f, imsm_sample_named(sample), disk);
	snprintf(serial, sizeof(serial), "/dev/loop%u", disk);
	copies_add_serial(f, serial);
}

int copies_setup(void **state)
{
	*state = calloc(1, sizeof(struct copies));
	return *state ? 0 : -1;
}

int copies_teardown(void **state)
{
	struct copies *x = *state;

	for (size_t i = 0; i < MAX_DISKS; i++)
		free(x->cand[i].meta);
	free(x);
	return 0;
}

struct imsm_meta *copies_add(struct copies *x, const char *sample, unsigned disk)
{
	size_t i = x->count++;

	assert_true(i < MAX_DISKS);
	copies_make_named_disk(&x->disk[i], sample, disk);
	imsm_read_candidate(&x->disk[i].disk, &x->cand[i]);
	return x->cand[i].meta;
}

void copies_add_all(struct copies *x, const char *sample, const char *order)
{
	for (; *order; order++)
		assert_non_null(copies_add(x, sample, (unsigned)(*order - '0')));
}

void copies_clear(struct copies *x)
{
	for (size_t i = 0; i < x->count; i++)
		free(x->cand[i].meta);
	memset(x, 0, sizeof(*x));
}

int copies_choose(struct copies *x)
{
	for (size_t i = 0; i < x->count; i++)
		x->index[i] = 99;
	memset(&x->c, 0, sizeof(x->c));
	x->why = NULL;
	return imsm_choose(x->cand, x->count, &x->c, x->index, &x->why);
}

void copies_touch(struct imsm_meta *m, uint32_t generations)
{
	m->header.generation_num = le32_make(le32_get(m->header.generation_num) + generations);
	m->header.check_sum = le32_make(le32_get(m->header.check_sum) + generations);
}

void copies_set_serial(struct imsm_meta *m, unsigned index, const char *serial)
{
	memset(m->disk[index].serial, 0, IMSM_SERIAL_LEN);
	memcpy(m->disk[index].serial, serial, strlen(serial));
}

void copies_set_status(struct imsm_meta *m, unsigned index, uint32_t status)
{
	m->disk[index].status = le32_make(status);
}
