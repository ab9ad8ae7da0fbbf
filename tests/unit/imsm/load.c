/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "imsm/imsm.h"
#include "tests/samples/imsm/sample.h"

#define MAX_DISKS 6

/* ---- disks: the tail of a sample, behind a disk_read of its own ---- */

struct fake_disk {
	struct disk disk; /* first */
	uint8_t tail[SAMPLE_TAIL];
	int read_error;   /* what every read returns, if not 0 */
	int torn_reads;   /* so many reads of the sector below give something else than is there */
	size_t torn_at;   /* offset in the tail */
	unsigned reads;
};

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

static void add_serial(struct fake_disk *f, const char *text)
{
	struct disk *d = &f->disk;

	d->serial[d->serial_count].len = strlen(text);
	memcpy(d->serial[d->serial_count++].bytes, text, strlen(text));
}

static void make_disk(struct fake_disk *f, const struct sample *s, unsigned disk)
{
	memset(f, 0, sizeof(*f));
	f->disk.fd = -1;
	f->disk.size = s->size;
	f->disk.sector_size = s->sector_size;
	sample_read_tail(s, disk, f->tail);
}

static void make_named_disk(struct fake_disk *f, const char *sample, unsigned disk)
{
	char serial[32];

	make_disk(f, sample_named(sample), disk);
	snprintf(serial, sizeof(serial), "/dev/loop%u", disk);
	add_serial(f, serial);
}

/* ---- candidates ---- */

struct fixture {
	struct fake_disk disk[MAX_DISKS];
	struct imsm_candidate cand[MAX_DISKS];
	int index[MAX_DISKS];
	size_t count;
	struct imsm_container c;
	const char *why;
};

static int setup(void **state)
{
	*state = calloc(1, sizeof(struct fixture));
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	struct fixture *x = *state;

	for (size_t i = 0; i < MAX_DISKS; i++)
		free(x->cand[i].meta);
	free(x);
	return 0;
}

static struct imsm_meta *add(struct fixture *x, const char *sample, unsigned disk)
{
	size_t i = x->count++;

	assert_true(i < MAX_DISKS);
	make_named_disk(&x->disk[i], sample, disk);
	imsm_read_candidate(&x->disk[i].disk, &x->cand[i]);
	return x->cand[i].meta;
}

static void add_all(struct fixture *x, const char *sample, const char *order)
{
	for (; *order; order++)
		assert_non_null(add(x, sample, (unsigned)(*order - '0')));
}

static void clear(struct fixture *x)
{
	for (size_t i = 0; i < x->count; i++)
		free(x->cand[i].meta);
	memset(x, 0, sizeof(*x));
}

static int choose(struct fixture *x)
{
	for (size_t i = 0; i < x->count; i++)
		x->index[i] = 99;
	memset(&x->c, 0, sizeof(x->c));
	x->why = NULL;
	return imsm_choose(x->cand, x->count, &x->c, x->index, &x->why);
}

static void assert_family(const struct fixture *x, uint32_t family)
{
	assert_int_equal(le32_get(x->c.meta.header.family_num), family);
}

/* What a writer does to the header; the sum need not be right, only different. */
static void touch(struct imsm_meta *m, uint32_t generations)
{
	m->header.generation_num = le32_make(le32_get(m->header.generation_num) + generations);
	m->header.check_sum = le32_make(le32_get(m->header.check_sum) + generations);
}

static void set_family(struct imsm_meta *m, uint32_t family)
{
	m->header.family_num = le32_make(family);
	m->header.check_sum = le32_make(family ^ 0x5555);
}

static void set_serial(struct imsm_meta *m, unsigned index, const char *serial)
{
	memset(m->disk[index].serial, 0, IMSM_SERIAL_LEN);
	memcpy(m->disk[index].serial, serial, strlen(serial));
}

static void set_status(struct imsm_meta *m, unsigned index, uint32_t status)
{
	m->disk[index].status = le32_make(status);
}

/* ---- imsm_choose ---- */

static void test_agreement(void **state)
{
	static const char *const orders[] = { "012", "021", "102", "120", "201", "210" };
	struct fixture *x = *state;

	for (size_t i = 0; i < 6; i++) {
		add_all(x, "r5-clean-46", orders[i]);
		assert_int_equal(choose(x), 0);
		assert_family(x, 0x35d4aaf7);
		assert_int_equal(x->c.sector_size, 512);
		assert_int_equal(x->c.meta.num_volumes, 1);
		assert_null(x->c.disks);
		for (unsigned k = 0; k < 3; k++)
			assert_int_equal(x->index[k], orders[i][k] - '0');
		clear(x);
	}
}

static void test_4kn(void **state)
{
	struct fixture *x = *state;

	add_all(x, "r5-bbm-4kn-46", "210");
	assert_int_equal(choose(x), 0);
	assert_int_equal(x->c.sector_size, 4096);
	assert_int_equal(x->c.meta.num_bad, 2);
	assert_int_equal(x->index[0], 2);
}

static void test_newer_generation_wins(void **state)
{
	struct fixture *x = *state;

	for (size_t newest = 0; newest < 3; newest++) {
		add_all(x, "r5-clean-46", "012");
		touch(x->cand[newest].meta, 5);
		x->cand[newest].meta->volume[0].head.dirty = IMSM_DIRTY;
		assert_int_equal(choose(x), 0);
		assert_int_equal(le32_get(x->c.meta.header.generation_num), 8 + 5);
		assert_int_equal(x->c.meta.volume[0].head.dirty, IMSM_DIRTY);
		for (int k = 0; k < 3; k++)
			assert_int_equal(x->index[k], k);
		clear(x);
	}
}

/* A newer copy on a disk that is not configured does not replace one that is; being first, it stays. */
static void test_newer_copy_on_unconfigured_disk(void **state)
{
	struct fixture *x = *state;

	for (unsigned first = 0; first < 2; first++) {
		struct imsm_meta *m;

		add_all(x, "r5-clean-46", first ? "12" : "21");
		m = x->cand[first ? 1 : 0].meta; /* disk 2 */
		touch(m, 7);
		set_status(m, 2, 0);
		assert_int_equal(choose(x), 0);
		assert_int_equal(le32_get(x->c.meta.header.generation_num), first ? 8 : 8 + 7);
		clear(x);
	}
}

/* Of two copies of one family the second one speaks for it if ... (imsm.md 2.3, step 1). */
static void test_who_speaks_for_the_family(void **state)
{
	static const struct {
		bool first_configured, second_configured;
		int newer; /* generations that the second one is ahead */
		bool second;
	} rows[] = {
		{ true, true, 1, true },   { true, true, 0, false },   { true, true, -1, false },
		{ false, true, 1, true },  { false, true, 0, false },  { false, true, -1, false },
		{ true, false, 1, false }, { true, false, 0, false },  { true, false, -1, false },
		{ false, false, 1, true }, { false, false, 0, false }, { false, false, -1, false },
	};
	struct fixture *x = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		add_all(x, "r5-clean-46", "01");
		x->cand[1].meta->header.check_sum = le32_make(1); /* they differ in something */
		touch(x->cand[1].meta, (uint32_t)rows[i].newer);
		set_status(x->cand[0].meta, 0, rows[i].first_configured ? IMSM_DISK_CONFIGURED : 0);
		set_status(x->cand[1].meta, 1, rows[i].second_configured ? IMSM_DISK_CONFIGURED : 0);
		x->cand[1].meta->header.cache_size = le32_make(4711);
		assert_int_equal(choose(x), 0);
		assert_int_equal(le32_get(x->c.meta.header.cache_size) == 4711, rows[i].second);
		clear(x);
	}
}

static void test_failed_disk_is_dropped(void **state)
{
	static const char *const orders[] = { "012", "021", "102", "120", "201", "210" };
	static const struct {
		const char *name;
		uint32_t family;
	} sample[] = { { "r1-rebuild-42", 0xe905c8ce }, { "r1-rebuild-46", 0xa5cdd4d8 } };
	static const int index[] = { 0, IMSM_DROPPED, 1 };
	struct fixture *x = *state;

	for (size_t i = 0; i < 12; i++) {
		const char *order = orders[i % 6];

		add_all(x, sample[i / 6].name, order);
		assert_int_equal(choose(x), 0);
		assert_family(x, sample[i / 6].family);
		for (unsigned k = 0; k < 3; k++) {
			assert_int_equal(x->index[k], index[order[k] - '0']);
			if (order[k] == '1')
				assert_non_null(x->cand[k].why);
			else
				assert_null(x->cand[k].why);
		}
		clear(x);
	}
}

/* By itself it has nothing that contradicts it. */
static void test_failed_disk_alone(void **state)
{
	struct fixture *x = *state;

	add_all(x, "r1-rebuild-46", "1");
	assert_int_equal(choose(x), 0);
	assert_family(x, 0x638dc4aa);
	assert_int_equal(x->index[0], 1);
}

/* Each side has marked the other as failed. */
static void make_split_brain(struct fixture *x, bool swap)
{
	struct imsm_meta *a, *b;

	add_all(x, "r1-rebuild-46", "11");
	a = x->cand[swap ? 1 : 0].meta;
	b = x->cand[swap ? 0 : 1].meta;
	memset(x->cand[swap ? 1 : 0].serial, 0, IMSM_SERIAL_LEN);
	memcpy(x->cand[swap ? 1 : 0].serial, "/dev/loop0", 10);
	x->cand[swap ? 1 : 0].own_index = 0;
	set_family(a, 0xaaaa);
	set_serial(a, 1, "/dev/loop1:0");
	set_status(a, 1, IMSM_DISK_CONFIGURED | IMSM_DISK_FAILED);
	set_family(b, 0xbbbb);
	set_serial(b, 0, "/dev/loop0:0");
	set_status(b, 0, IMSM_DISK_CONFIGURED | IMSM_DISK_FAILED);
	touch(b, 100); /* does not matter */
}

static void test_split_brain_goes_by_order(void **state)
{
	struct fixture *x = *state;

	make_split_brain(x, false);
	assert_int_equal(choose(x), 0);
	assert_family(x, 0xaaaa);
	assert_int_equal(x->index[0], 0);
	assert_int_equal(x->index[1], IMSM_DROPPED);
	clear(x);
	make_split_brain(x, true);
	assert_int_equal(choose(x), 0);
	assert_family(x, 0xbbbb);
	assert_int_equal(x->index[0], 1);
	assert_int_equal(x->index[1], IMSM_DROPPED);
}

static void test_two_unrelated_families(void **state)
{
	static const char *const orders[2][2] = { { "r1-rebuild-46", "r10-r5-matrix-46" },
						  { "r10-r5-matrix-46", "r1-rebuild-46" } };
	static const uint32_t family[2] = { 0xa5cdd4d8, 0x85f93da1 };
	struct fixture *x = *state;

	for (unsigned i = 0; i < 2; i++) {
		for (unsigned k = 0; k < 2; k++) {
			struct imsm_meta *m = add(x, orders[i][k], 0);

			if (m->num_disks == 2)
				continue;
			for (unsigned d = 0; d < m->num_disks; d++) { /* different disks */
				char serial[] = "other0";

				serial[5] = (char)('0' + d);
				set_serial(m, d, serial);
			}
			memcpy(x->cand[k].serial, m->disk[0].serial, IMSM_SERIAL_LEN);
		}
		assert_int_equal(choose(x), 0);
		assert_family(x, family[i]);
		assert_int_equal(x->index[0], 0);
		assert_int_equal(x->index[1], IMSM_DROPPED);
		clear(x);
	}
}

static void test_matrix_with_spare(void **state)
{
	static const char *const orders[] = { "01234", "43210", "20413" };
	struct fixture *x = *state;

	for (unsigned i = 0; i < 3; i++) {
		add_all(x, "r10-r5-matrix-46", orders[i]);
		assert_int_equal(choose(x), 0);
		assert_family(x, 0x85f93da1);
		assert_int_equal(x->c.meta.num_volumes, 2);
		for (unsigned k = 0; k < 5; k++)
			assert_int_equal(x->index[k], orders[i][k] == '4' ? IMSM_INDEX_SPARE : orders[i][k] - '0');
		clear(x);
	}
}

static void test_reshape_loads(void **state)
{
	struct fixture *x = *state;

	add_all(x, "r5-reshape-46", "43210");
	assert_int_equal(choose(x), 0);
	assert_int_equal(imsm_volume_migr_type(&x->c.meta.volume[0]), IMSM_MIGR_GENERAL);
	assert_int_equal(x->index[0], IMSM_INDEX_SPARE);
	for (int k = 1; k < 5; k++)
		assert_int_equal(x->index[k], 4 - k);
}

static void test_spare_alone(void **state)
{
	struct fixture *x = *state;

	add_all(x, "r10-r5-matrix-46", "4");
	assert_int_equal(choose(x), 0);
	assert_family(x, 0xda60737b);
	assert_int_equal(x->c.meta.num_volumes, 0);
	assert_int_equal(x->index[0], IMSM_INDEX_SPARE);
}

static void test_of_spares_the_last_wins(void **state)
{
	struct fixture *x = *state;

	add_all(x, "r10-r5-matrix-46", "4");
	add_all(x, "r5-reshape-46", "4");
	set_serial(x->cand[1].meta, 0, "S2");
	memcpy(x->cand[1].serial, x->cand[1].meta->disk[0].serial, IMSM_SERIAL_LEN);
	assert_int_equal(choose(x), 0);
	assert_string_equal((const char *)x->c.meta.disk[0].serial, "S2");
	assert_int_equal(x->index[0], IMSM_INDEX_SPARE);
	assert_int_equal(x->index[1], IMSM_INDEX_SPARE);
}

static void test_corrupt_member_is_dropped(void **state)
{
	struct fixture *x = *state;

	add_all(x, "r5-clean-46", "012");
	free(x->cand[1].meta);
	x->cand[1].meta = NULL;
	x->cand[1].own_index = -1;
	x->cand[1].why = "it is broken";
	assert_int_equal(choose(x), 0);
	assert_int_equal(x->index[0], 0);
	assert_int_equal(x->index[1], IMSM_DROPPED);
	assert_string_equal(x->cand[1].why, "it is broken");
	assert_int_equal(x->index[2], 2);
	assert_int_equal(x->c.meta.num_disks, 3); /* its place remains */
}

static void test_nothing_usable(void **state)
{
	struct fixture *x = *state;

	assert_int_equal(choose(x), -ENOENT);
	assert_non_null(x->why);
	x->count = 2;
	x->cand[0].why = "first reason";
	x->cand[1].why = "second reason";
	assert_int_equal(choose(x), -ENOENT);
	assert_string_equal(x->why, "first reason");
}

/* A disk that its own table does not know speaks for nobody. */
static void test_own_serial_unknown(void **state)
{
	struct fixture *x = *state;

	add_all(x, "r5-clean-46", "01");
	for (unsigned i = 0; i < 2; i++) {
		memcpy(x->cand[i].serial, "unheard\0", 8);
		x->cand[i].serial[7] = (uint8_t)('0' + i);
		x->cand[i].own_index = -1;
	}
	assert_int_equal(choose(x), -ENOENT);
	assert_non_null(strstr(x->why, "agrees"));
	add_all(x, "r5-clean-46", "2");
	assert_int_equal(choose(x), 0);
	assert_int_equal(x->index[0], IMSM_DROPPED);
	assert_int_equal(x->index[1], IMSM_DROPPED);
	assert_int_equal(x->index[2], 2);
}

/* An outdated copy of the same family is not asked about other disks. */
static void test_outdated_table_is_not_merged(void **state)
{
	struct fixture *x = *state;
	struct imsm_meta *old;

	add_all(x, "r5-clean-46", "01");
	touch(x->cand[0].meta, 1);
	old = x->cand[1].meta;
	set_serial(old, 2, "S2");
	set_status(old, 2, IMSM_DISK_SPARE);
	add_all(x, "r10-r5-matrix-46", "4");
	set_serial(x->cand[2].meta, 0, "S2");
	memcpy(x->cand[2].serial, x->cand[2].meta->disk[0].serial, IMSM_SERIAL_LEN);
	assert_int_equal(choose(x), 0);
	assert_int_equal(x->index[0], 0);
	assert_int_equal(x->index[1], 1);
	assert_int_equal(x->index[2], IMSM_INDEX_SPARE);

	set_status(old, 2, IMSM_DISK_CONFIGURED); /* would make it no spare, if it were merged */
	assert_int_equal(choose(x), 0);
	assert_int_equal(x->index[2], IMSM_INDEX_SPARE);
}

/* One family calls a disk configured that calls itself a spare: it is not free. */
static void test_spare_that_another_family_uses(void **state)
{
	struct fixture *x = *state;
	struct imsm_meta *m;

	add_all(x, "r5-clean-46", "0");
	m = add(x, "r1-rebuild-46", 1);
	set_serial(m, 0, "/dev/loop4");
	set_serial(m, 1, "other");
	memcpy(x->cand[1].serial, m->disk[1].serial, IMSM_SERIAL_LEN);
	add_all(x, "r10-r5-matrix-46", "4");
	assert_int_equal(choose(x), 0);
	assert_family(x, 0x35d4aaf7);
	assert_int_equal(x->index[1], IMSM_DROPPED);
	assert_int_equal(x->index[2], IMSM_DROPPED);
	assert_non_null(strstr(x->cand[2].why, "neither"));
}

static void test_status_of_a_stranger(void **state)
{
	static const struct {
		uint32_t status;
		int index;
	} t[] = {
		{ IMSM_DISK_SPARE, IMSM_INDEX_SPARE },
		{ IMSM_DISK_SPARE | IMSM_DISK_CONFIGURED, IMSM_DROPPED },
		{ IMSM_DISK_SPARE | IMSM_DISK_FAILED, IMSM_DROPPED },
		{ IMSM_DISK_CONFIGURED, IMSM_DROPPED },
		{ 0, IMSM_DROPPED },
	};
	struct fixture *x = *state;

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		add_all(x, "r10-r5-matrix-46", "04");
		set_status(x->cand[1].meta, 0, t[i].status);
		assert_int_equal(choose(x), 0);
		assert_int_equal(x->index[1], t[i].index);
		clear(x);
	}
}

/* A family whose only copy is outdated still owns that disk: whoever else names it is wrong. */
static void test_outdated_copy_keeps_its_disk(void **state)
{
	struct fixture *x = *state;
	struct imsm_meta *other = add(x, "r1-rebuild-46", 1);

	set_serial(other, 0, "/dev/loop1");
	set_serial(other, 1, "other");
	memcpy(x->cand[0].serial, other->disk[1].serial, IMSM_SERIAL_LEN);
	assert_int_equal(choose(x), 0);
	assert_family(x, 0x638dc4aa);
	add_all(x, "r5-clean-46", "01");
	touch(x->cand[1].meta, 1);
	assert_int_equal(choose(x), 0);
	assert_family(x, 0x35d4aaf7);
	assert_int_equal(x->index[0], IMSM_DROPPED);
	assert_int_equal(x->index[2], 1);
}

/* Its own outdated copy calls it configured, the newer one of that family a spare. */
static void test_outdated_copy_says_configured(void **state)
{
	struct fixture *x = *state;

	for (unsigned configured = 0; configured < 2; configured++) {
		add_all(x, "r10-r5-matrix-46", "0");
		add_all(x, "r5-clean-46", "01");
		for (unsigned i = 1; i < 3; i++) {
			set_serial(x->cand[i].meta, 0, "t0");
			set_serial(x->cand[i].meta, 1, "t1");
			memcpy(x->cand[i].serial, x->cand[i].meta->disk[i - 1].serial, IMSM_SERIAL_LEN);
		}
		touch(x->cand[1].meta, 1);
		set_status(x->cand[1].meta, 1, IMSM_DISK_SPARE);
		set_status(x->cand[2].meta, 1, configured ? IMSM_DISK_CONFIGURED : IMSM_DISK_SPARE);
		assert_int_equal(choose(x), 0);
		assert_family(x, 0x85f93da1);
		assert_int_equal(x->index[1], IMSM_DROPPED);
		assert_int_equal(x->index[2], configured ? IMSM_DROPPED : IMSM_INDEX_SPARE);
		clear(x);
	}
}

static void test_status_in_the_champions_table(void **state)
{
	static const struct {
		uint32_t status;
		int index;
	} t[] = {
		{ IMSM_DISK_CONFIGURED, 1 },
		{ IMSM_DISK_CONFIGURED | IMSM_DISK_FAILED, IMSM_INDEX_UNRELATED },
		{ IMSM_DISK_SPARE | IMSM_DISK_FAILED, IMSM_INDEX_UNRELATED },
		{ IMSM_DISK_SPARE, IMSM_INDEX_SPARE },
		{ IMSM_DISK_JOURNAL, IMSM_INDEX_SPARE },
		{ 0, 1 },
	};
	struct fixture *x = *state;

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		add_all(x, "r5-clean-46", "012");
		touch(x->cand[0].meta, 1);
		set_status(x->cand[0].meta, 1, t[i].status);
		assert_int_equal(choose(x), 0);
		assert_int_equal(x->index[0], 0);
		assert_int_equal(x->index[1], t[i].index);
		clear(x);
	}
}

static void test_sector_sizes(void **state)
{
	struct fixture *x = *state;

	add_all(x, "r10-r5-matrix-46", "0124");
	x->cand[1].sector_size = 4096;
	x->cand[3].sector_size = 4096;
	assert_int_equal(choose(x), 0);
	assert_int_equal(x->c.sector_size, 512);
	assert_int_equal(x->index[0], 0);
	assert_int_equal(x->index[1], IMSM_DROPPED);
	assert_non_null(strstr(x->cand[1].why, "sector size"));
	assert_int_equal(x->index[2], 2);
	assert_int_equal(x->index[3], IMSM_INDEX_SPARE);
}

static void test_same_serial_twice(void **state)
{
	struct fixture *x = *state;

	add_all(x, "r5-clean-46", "0012");
	touch(x->cand[1].meta, 3); /* the champion comes first, wherever it stands */
	assert_int_equal(choose(x), 0);
	assert_int_equal(x->index[0], IMSM_DROPPED);
	assert_non_null(strstr(x->cand[0].why, "same serial"));
	assert_int_equal(x->index[1], 0);
	assert_int_equal(x->index[2], 1);
	assert_int_equal(x->index[3], 2);
}

static void test_large_disk_attribute_spreads(void **state)
{
	struct fixture *x = *state;

	add_all(x, "r10-r5-matrix-46", "01234");
	assert_int_equal(choose(x), 0);
	assert_int_equal(le32_get(x->c.meta.header.attributes), 0x80000014);
	x->cand[4].meta->header.attributes = le32_make(IMSM_ATTR_2TB_DISK | IMSM_ATTR_RAID1);
	assert_int_equal(choose(x), 0);
	assert_int_equal(le32_get(x->c.meta.header.attributes), 0x84000014);
}

/* ---- imsm_read_candidate ---- */

static void read_again(struct fixture *x)
{
	clear(x);
	x->count = 1;
}

static void test_reads_all_samples(void **state)
{
	struct fixture *x = *state;

	for (size_t i = 0; i < SAMPLE_COUNT; i++) {
		for (unsigned k = 0; k < samples[i].disks; k++) {
			char serial[32];

			assert_non_null(add(x, samples[i].name, k));
			assert_ptr_equal(x->cand[k].disk, &x->disk[k].disk);
			assert_null(x->cand[k].why);
			assert_int_equal(x->cand[k].sector_size, samples[i].sector_size);
			assert_true(x->cand[k].own_index >= 0);
			snprintf(serial, sizeof(serial), "/dev/loop%u", k);
			assert_string_equal((const char *)x->cand[k].serial, serial);
		}
		clear(x);
	}
}

#define EXTENDED (SAMPLE_TAIL - 3 * 512)
#define ANCHOR (SAMPLE_TAIL - 2 * 512)

static void test_torn_read_is_repeated(void **state)
{
	static const struct {
		const char *sample;
		size_t at;
		int torn;
		bool good;
	} t[] = {
		{ "r5-clean-46", EXTENDED + 16, 1, true },   { "r5-clean-46", EXTENDED + 16, 3, true },
		{ "r5-clean-46", EXTENDED + 16, 4, false },  { "r5-clean-46", ANCHOR + 0x2c, 3, true },
		{ "r5-clean-46", ANCHOR + 0x24, 3, true }, /* mpb_size is no multiple of 4 */
		{ "r10-r5-matrix-46", ANCHOR + 0x2c, 3, true }, { "r1-rebuild-46", ANCHOR + 0x2c, 4, false },
	};
	struct fixture *x = *state;

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		read_again(x);
		make_named_disk(&x->disk[0], t[i].sample, 1); /* r1-rebuild disk 1 has but one sector */
		x->disk[0].torn_at = t[i].at;
		x->disk[0].torn_reads = t[i].torn;
		imsm_read_candidate(&x->disk[0].disk, &x->cand[0]);
		assert_int_equal(x->cand[0].meta != NULL, t[i].good);
		assert_int_equal(x->cand[0].why == NULL, t[i].good);
		assert_int_equal(x->disk[0].torn_reads, 0);
		assert_string_equal((const char *)x->cand[0].serial, "/dev/loop1");
		assert_int_equal(x->cand[0].own_index, t[i].good ? 1 : -1);
	}
}

static void test_hopeless_disks_are_read_once(void **state)
{
	struct fixture *x = *state;

	read_again(x);
	make_named_disk(&x->disk[0], "r5-clean-46", 0);
	x->disk[0].read_error = -EIO;
	imsm_read_candidate(&x->disk[0].disk, &x->cand[0]);
	assert_null(x->cand[0].meta);
	assert_non_null(strstr(x->cand[0].why, "cannot be read"));
	assert_int_equal(x->disk[0].reads, 1);
	assert_string_equal((const char *)x->cand[0].serial, "/dev/loop0");

	read_again(x);
	make_named_disk(&x->disk[0], "r5-clean-46", 0);
	memset(x->disk[0].tail, 0, SAMPLE_TAIL);
	imsm_read_candidate(&x->disk[0].disk, &x->cand[0]);
	assert_null(x->cand[0].meta);
	assert_string_equal(x->cand[0].why, "no IMSM signature");
	assert_int_equal(x->disk[0].reads, 1);
}

static void test_no_place_for_metadata(void **state)
{
	static const struct {
		uint64_t size;
		uint32_t sector_size;
	} t[] = { { 0, 512 }, { 1024, 512 }, { 20480000, 520 }, { 20480000, 0 }, { 20480512, 4096 } };
	struct fixture *x = *state;

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		read_again(x);
		make_named_disk(&x->disk[0], "r5-clean-46", 0);
		x->disk[0].disk.size = t[i].size;
		x->disk[0].disk.sector_size = t[i].sector_size;
		imsm_read_candidate(&x->disk[0].disk, &x->cand[0]);
		assert_null(x->cand[0].meta);
		assert_non_null(x->cand[0].why);
		assert_int_equal(x->disk[0].reads, 0);
	}
}

/* 32 sectors, one of which is the migration record's: 31 of MPB just fit. */
static void test_mpb_larger_than_the_disk(void **state)
{
	struct fixture *x = *state;

	for (unsigned sectors = 32; sectors > 30; sectors--) {
		uint32_t mpb_size = sectors * 512;

		read_again(x);
		make_named_disk(&x->disk[0], "r5-clean-46", 0);
		x->disk[0].disk.size = SAMPLE_TAIL;
		memcpy(x->disk[0].tail + ANCHOR + 0x24, &mpb_size, 4);
		imsm_read_candidate(&x->disk[0].disk, &x->cand[0]);
		assert_null(x->cand[0].meta);
		assert_string_equal(x->cand[0].why, sectors == 32 ? "mpb_size is more than the disk holds"
								  : "the checksum is wrong");
	}
}

static void test_serial_of_its_own_table(void **state)
{
	struct fixture *x = *state;
	struct fake_disk *f = &x->disk[0];

	read_again(x);
	make_disk(f, sample_named("r5-clean-46"), 2);
	add_serial(f, " \n");
	add_serial(f, "WD-1234");
	add_serial(f, "/dev/ loop2 ");
	add_serial(f, "/dev/loop1");
	imsm_read_candidate(&f->disk, &x->cand[0]);
	assert_non_null(x->cand[0].meta);
	assert_int_equal(x->cand[0].own_index, 2);
	assert_string_equal((const char *)x->cand[0].serial, "/dev/loop2");
}

static void test_first_serial_if_its_table_names_none(void **state)
{
	struct fixture *x = *state;
	struct fake_disk *f = &x->disk[0];

	read_again(x);
	make_disk(f, sample_named("r5-clean-46"), 2);
	add_serial(f, "");
	add_serial(f, "WD:1234");
	add_serial(f, "other");
	imsm_read_candidate(&f->disk, &x->cand[0]);
	assert_non_null(x->cand[0].meta);
	assert_int_equal(x->cand[0].own_index, -1);
	assert_string_equal((const char *)x->cand[0].serial, "WD;1234");
}

static void test_no_serial(void **state)
{
	struct fixture *x = *state;
	struct fake_disk *f = &x->disk[0];

	read_again(x);
	make_disk(f, sample_named("r5-clean-46"), 0);
	imsm_read_candidate(&f->disk, &x->cand[0]);
	assert_null(x->cand[0].meta);
	assert_string_equal(x->cand[0].why, "it has no serial number");
}

/*
 * Old firmware left garbage where disks above 2 TiB have the upper half of their size. It stays without meaning though
 * another disk brings the attribute that gives it one.
 */
static void test_garbage_in_the_hi_halves(void **state)
{
	struct fixture *x = *state;
	struct fake_disk *f = &x->disk[0];
	le32 garbage = le32_make(1);

	read_again(x);
	make_named_disk(f, "r10-r5-matrix-46", 0);
	memcpy(f->tail + ANCHOR + IMSM_HEADER_SIZE + offsetof(struct imsm_disk, total_blocks_hi), &garbage,
	       sizeof(garbage));
	f->tail[ANCHOR + offsetof(struct imsm_header, check_sum)]++;
	imsm_read_candidate(&f->disk, &x->cand[0]);
	assert_non_null(x->cand[0].meta);
	assert_int_equal(imsm_disk_blocks(&x->cand[0].meta->disk[0]), 131072);
	add_all(x, "r10-r5-matrix-46", "4");
	x->cand[1].meta->header.attributes = le32_make(IMSM_ATTR_2TB_DISK);
	assert_int_equal(choose(x), 0);
	assert_true(le32_get(x->c.meta.header.attributes) & IMSM_ATTR_2TB_DISK);
	assert_int_equal(imsm_disk_blocks(&x->c.meta.disk[0]), 131072);
}

/* A broken bad block log is told, the volumes are there. */
static void test_warning_with_metadata(void **state)
{
	struct fixture *x = *state;
	struct fake_disk *f = &x->disk[0];
	uint8_t *anchor = f->tail + ANCHOR;

	read_again(x);
	make_named_disk(f, "r5-bbm-46", 0);
	f->tail[EXTENDED + 0x214 - 0x200] ^= 1; /* signature of the log: 0c -> 0d */
	anchor[0x20]++;                         /* checksum */
	imsm_read_candidate(&f->disk, &x->cand[0]);
	assert_non_null(x->cand[0].meta);
	assert_int_equal(x->cand[0].meta->num_volumes, 1);
	assert_int_equal(x->cand[0].meta->num_bad, 0);
	assert_non_null(strstr(x->cand[0].why, "bad block log"));
}

/* ---- may we work on it? ---- */

static void test_unknown_attributes(void **state)
{
	static const struct {
		uint32_t attributes, unknown;
	} t[] = {
		{ 0, 0 },
		{ 0xac0000d7, 0 }, /* all that mdadm supports */
		{ 0x40000000, 0 }, /* historic */
		{ 0x80000008, 0x8 }, /* RAID1E */
		{ 0x80000020, 0x20 }, /* RAIDCNG */
		{ 0x82000010, 0x02000000 }, /* NVM caching */
		{ 0x90000010, 0x10000000 },
		{ 0x80000110, 0x100 },
		{ 0xffffffff, 0x13ffff28 },
	};
	struct imsm_meta m = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		m.header.attributes = le32_make(t[i].attributes);
		assert_int_equal(imsm_unknown_attributes(&m), t[i].unknown);
	}
}

/* Chooses, and lists the disks that were kept as the handler would. dl: one for each candidate. */
static void load(struct fixture *x, struct imsm_dl *dl)
{
	assert_int_equal(choose(x), 0);
	for (size_t i = x->count; i-- > 0;) {
		if (x->index[i] == IMSM_DROPPED)
			continue;
		dl[i] = (struct imsm_dl){ .disk = &x->disk[i].disk, .index = x->index[i], .next = x->c.disks };
		x->c.disks = &dl[i];
	}
	for (size_t i = 0; i < x->count; i++)
		x->disk[i].reads = 0;
}

static void test_migration_record_is_read(void **state)
{
	static const char *const orders[] = { "01234", "43210", "2143" };
	struct fixture *x = *state;
	struct imsm_dl dl[MAX_DISKS];

	for (unsigned i = 0; i < 3; i++) {
		add_all(x, "r5-reshape-46", orders[i]);
		load(x, dl);
		assert_int_equal(imsm_read_migration(&x->c, &x->why), 0);
		assert_int_equal(le32_get(x->c.migration.curr_migr_unit_lo), 2);
		assert_int_equal(le32_get(x->c.migration.blocks_per_unit), 6144);
		for (size_t k = 0; k < x->count; k++)
			if (x->index[k] > 1 || x->index[k] < 0)
				assert_int_equal(x->disk[k].reads, 0);
		clear(x);
	}
}

/* Slot, not disk index, tells who has it. */
static void test_migration_record_goes_by_slot(void **state)
{
	struct fixture *x = *state;
	struct imsm_dl dl[MAX_DISKS];

	add_all(x, "r5-reshape-46", "01234");
	load(x, dl);
	for (unsigned k = 0; k < 4; k++)
		x->c.meta.volume[0].map[0].ord[k] = 3 - k;
	memcpy(x->disk[3].tail + SAMPLE_TAIL - 512 + 4, "\007", 1);
	x->disk[2].read_error = -EIO;
	assert_int_equal(imsm_read_migration(&x->c, &x->why), 0);
	assert_int_equal(le32_get(x->c.migration.curr_migr_unit_lo), 7);
	assert_int_equal(x->disk[0].reads + x->disk[1].reads, 0);
}

static void test_no_migration(void **state)
{
	struct fixture *x = *state;
	struct imsm_dl dl[MAX_DISKS];

	add_all(x, "r1-rebuild-46", "02"); /* another kind of migration */
	load(x, dl);
	x->c.migration.rec_status = le32_make(1);
	assert_int_equal(imsm_read_migration(&x->c, &x->why), 0);
	assert_int_equal(le32_get(x->c.migration.rec_status), 0);
	assert_int_equal(x->disk[0].reads + x->disk[1].reads, 0);
}

/* One of the two will do. */
static void test_unreadable_migration_record(void **state)
{
	struct fixture *x = *state;
	struct imsm_dl dl[MAX_DISKS];

	add_all(x, "r5-reshape-46", "0123");
	load(x, dl);
	x->disk[0].read_error = -EIO;
	assert_int_equal(imsm_read_migration(&x->c, &x->why), 0);
	assert_int_equal(le32_get(x->c.migration.curr_migr_unit_lo), 2);
	x->disk[1].read_error = -EIO;
	assert_int_equal(imsm_read_migration(&x->c, &x->why), -EIO);
	assert_non_null(strstr(x->why, "migration"));
	clear(x);

	add_all(x, "r5-reshape-46", "23");
	load(x, dl);
	assert_int_equal(imsm_read_migration(&x->c, &x->why), -EIO);
}

static void test_migrations_that_are_refused(void **state)
{
	struct fixture *x = *state;
	struct imsm_dl dl[MAX_DISKS];
	uint8_t *record = x->disk[0].tail + SAMPLE_TAIL - 512;

	add_all(x, "r5-reshape-46", "0123");
	load(x, dl);
	imsm_map_set_pba(&x->c.meta.volume[0].map[1], 8);
	assert_int_equal(imsm_read_migration(&x->c, &x->why), -EOPNOTSUPP);
	assert_non_null(strstr(x->why, "place"));
	imsm_map_set_pba(&x->c.meta.volume[0].map[1], 0);

	record[12] = 0; /* ascending_migr */
	assert_int_equal(imsm_read_migration(&x->c, &x->why), -EOPNOTSUPP);
	assert_non_null(strstr(x->why, "end"));
	memset(record, 0, 512); /* mdadm has recorded it, but not begun */
	assert_int_equal(imsm_read_migration(&x->c, &x->why), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_agreement),
		TEST(test_4kn),
		TEST(test_newer_generation_wins),
		TEST(test_newer_copy_on_unconfigured_disk),
		TEST(test_who_speaks_for_the_family),
		TEST(test_failed_disk_is_dropped),
		TEST(test_failed_disk_alone),
		TEST(test_split_brain_goes_by_order),
		TEST(test_two_unrelated_families),
		TEST(test_matrix_with_spare),
		TEST(test_reshape_loads),
		TEST(test_spare_alone),
		TEST(test_of_spares_the_last_wins),
		TEST(test_corrupt_member_is_dropped),
		TEST(test_nothing_usable),
		TEST(test_own_serial_unknown),
		TEST(test_outdated_table_is_not_merged),
		TEST(test_spare_that_another_family_uses),
		TEST(test_status_of_a_stranger),
		TEST(test_outdated_copy_keeps_its_disk),
		TEST(test_outdated_copy_says_configured),
		TEST(test_status_in_the_champions_table),
		TEST(test_sector_sizes),
		TEST(test_same_serial_twice),
		TEST(test_large_disk_attribute_spreads),
		TEST(test_reads_all_samples),
		TEST(test_torn_read_is_repeated),
		TEST(test_hopeless_disks_are_read_once),
		TEST(test_no_place_for_metadata),
		TEST(test_mpb_larger_than_the_disk),
		TEST(test_serial_of_its_own_table),
		TEST(test_first_serial_if_its_table_names_none),
		TEST(test_no_serial),
		TEST(test_garbage_in_the_hi_halves),
		TEST(test_warning_with_metadata),
		TEST(test_unknown_attributes),
		TEST(test_migration_record_is_read),
		TEST(test_migration_record_goes_by_slot),
		TEST(test_no_migration),
		TEST(test_unreadable_migration_record),
		TEST(test_migrations_that_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
