/* SPDX-License-Identifier: GPL-2.0-or-later */
/* imsm/mixture.c: which half written copies would pass for complete ones, beside trying all of them. */
#include "tests/unit/support/imsm-fixture.h"

#include <string.h>

#define SECTOR 512u
#define SECTORS_MAX 4
#define ROOM (SECTORS_MAX * SECTOR)

static uint32_t random_state;

static uint32_t pick(uint32_t n)
{
	random_state = random_state * 1664525u + 1013904223u;
	return (random_state >> 16) % n;
}

static void put_word(uint8_t *p, uint32_t v)
{
	le32 word = le32_make(v);

	memcpy(p, &word, sizeof(word));
}

/* A copy of so many bytes, as it lies at the end of `area`; words are few, so that sums are often equal. */
static void make_copy(uint8_t area[ROOM], uint32_t size, uint32_t generation)
{
	uint8_t mpb[ROOM] = { 0 };
	struct imsm_header h = { .mpb_size = le32_make(size), .generation_num = le32_make(generation) };
	uint32_t len = (size + SECTOR - 1) / SECTOR * SECTOR;

	memcpy(h.sig, IMSM_SIGNATURE, IMSM_SIGNATURE_LEN);
	memcpy(mpb, &h, sizeof(h));
	for (uint32_t at = sizeof(h); at + 4 <= size; at += 4)
		put_word(mpb + at, pick(8) ? 0 : pick(3));
	h.check_sum = le32_make(imsm_checksum(mpb, size));
	memcpy(mpb, &h, sizeof(h));
	imsm_disk_order(mpb, len, SECTOR, area + ROOM - len);
}

/* The sum is right. `mpb`: what a reader would put together. */
static bool passes(const uint8_t area[ROOM], uint8_t mpb[ROOM], uint32_t *size)
{
	const uint8_t *anchor = area + ROOM - SECTOR;
	struct imsm_header h;
	uint32_t len;

	memcpy(&h, anchor, sizeof(h));
	*size = le32_get(h.mpb_size);
	len = (*size + SECTOR - 1) / SECTOR * SECTOR;
	memset(mpb, 0, ROOM);
	memcpy(mpb, anchor, SECTOR);
	memcpy(mpb + SECTOR, area + ROOM - len, len - SECTOR);
	return imsm_checksum(mpb, *size) == le32_get(h.check_sum);
}

static bool reads_as(const uint8_t area[ROOM], const uint8_t mpb[ROOM], uint32_t size)
{
	uint8_t other[ROOM];
	uint32_t others;

	return passes(area, other, &others) && others == size && memcmp(other, mpb, size) == 0;
}

/* The same by trying: any of the sectors that are written arrive. */
static bool any_mixture(const uint8_t old[ROOM], const uint8_t new[ROOM], uint32_t written)
{
	for (unsigned set = 0; set < 1u << written; set++) {
		uint8_t area[ROOM], mpb[ROOM];
		uint32_t size;

		memcpy(area, old, ROOM);
		for (unsigned i = 0; i < written; i++)
			if (set >> i & 1)
				memcpy(area + ROOM - (i + 1) * SECTOR, new + ROOM - (i + 1) * SECTOR, SECTOR);
		if (passes(area, mpb, &size) && !reads_as(old, mpb, size) && !reads_as(new, mpb, size))
			return true;
	}
	return false;
}

static uint32_t random_size(void)
{
	return (uint32_t)sizeof(struct imsm_header) + 4 * pick((ROOM - (uint32_t)sizeof(struct imsm_header)) / 4);
}

static void test_as_by_trying(void **state)
{
	unsigned mixed = 0, clean = 0;

	(void)state;
	random_state = 1;
	for (unsigned i = 0; i < 4000; i++) {
		uint8_t old[ROOM] = { 0 }, new[ROOM] = { 0 };
		uint32_t before = random_size(), after = pick(2) ? before : random_size(), len;
		bool any, told;

		make_copy(old, before, 1);
		make_copy(new, after, 2);
		if (pick(2)) /* most of it is as it was */
			for (unsigned k = 0; before == after && k < 2; k++)
				memcpy(new + k * SECTOR, old + k * SECTOR, SECTOR);
		len = (after + SECTOR - 1) / SECTOR;
		{ /* the sum of what it has become */
			uint8_t mpb[ROOM];
			struct imsm_header h;
			uint32_t size;

			passes(new, mpb, &size);
			memcpy(&h, mpb, sizeof(h));
			h.check_sum = le32_make(imsm_checksum(mpb, size));
			memcpy(new + ROOM - SECTOR, &h, sizeof(h));
		}
		any = any_mixture(old, new, len);
		told = imsm_may_be_mixed(old, ROOM, new + ROOM - len * SECTOR, len * SECTOR, SECTOR);
		assert_int_equal(told, any);
		mixed += any;
		clean += !any;
	}
	assert_true(mixed > 100 && clean > 100);
}

/* A copy of 20 sectors: what each of the first `changed` begins with is a number of its own. */
static void make_long(uint8_t copy[20 * SECTOR], unsigned changed)
{
	struct imsm_header h = { .mpb_size = le32_make(20 * SECTOR) };
	uint32_t sum;

	memset(copy, 0, 20 * SECTOR);
	memcpy(h.sig, IMSM_SIGNATURE, IMSM_SIGNATURE_LEN);
	for (unsigned i = 0; i < changed; i++)
		put_word(copy + i * SECTOR, 1u << i);
	memcpy(copy + 19 * SECTOR, &h, sizeof(h));
	sum = imsm_checksum(copy + 19 * SECTOR, SECTOR) + (1u << changed) - 1;
	h.check_sum = le32_make(sum);
	memcpy(copy + 19 * SECTOR, &h, sizeof(h));
}

/* Of more changed sectors than so many not every choice is looked at. */
static void test_too_many_to_be_sure(void **state)
{
	static uint8_t old[20 * SECTOR], new[20 * SECTOR];

	(void)state;
	make_long(old, 0);
	make_long(new, 12);
	assert_false(imsm_may_be_mixed(old, sizeof(old), new, sizeof(new), SECTOR));
	make_long(new, 13);
	assert_true(imsm_may_be_mixed(old, sizeof(old), new, sizeof(new), SECTOR));
	/* less is known of what is there than will be written */
	assert_true(imsm_may_be_mixed(old + SECTOR, sizeof(old) - SECTOR, old, sizeof(old), SECTOR));
}

static void test_closed(void **state)
{
	uint8_t copy[ROOM] = { 0 }, closed[SECTOR];
	const uint8_t *anchor = copy + ROOM - SECTOR;
	uint32_t size, sectors;

	(void)state;
	random_state = 5;
	make_copy(copy, 1200, 7);
	assert_int_equal(imsm_told_length(anchor, SECTOR), 3 * SECTOR);
	assert_false(imsm_is_closed(anchor, SECTOR));
	imsm_close_anchor(anchor, SECTOR, closed);
	assert_true(imsm_is_closed(closed, SECTOR));
	assert_int_equal(imsm_probe_anchor(closed, SECTOR, &size, &sectors), 0);
	assert_int_equal(sectors, 1); /* whatever lies beside it */
	assert_int_not_equal(imsm_checksum(closed, size), le32_get(((struct imsm_header *)(void *)closed)->check_sum));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_as_by_trying),
		cmocka_unit_test(test_too_many_to_be_sure),
		cmocka_unit_test(test_closed),
	};

	return cmocka_run_group_tests_name("imsm-mixture", tests, NULL, NULL);
}
