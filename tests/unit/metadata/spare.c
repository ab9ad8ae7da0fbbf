/* SPDX-License-Identifier: GPL-2.0-or-later */
/* metadata/spare.c: which requests for spares are refused whatever the format, and what is said of them. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "metadata/spare.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* What the judge says of each pick, in the order in which it is asked. */
struct bench {
	enum spare_verdict verdict[MAX_SPARE_PICKS];
	struct spare_request req;
};

static struct bench bench;
static unsigned asked;

static enum spare_verdict judge(const void *metadata, const struct spare_pick *p)
{
	const struct bench *b = metadata;

	assert_ptr_equal(p, &b->req.pick[asked]);
	return b->verdict[asked++];
}

static int check(const char **why)
{
	asked = 0;
	*why = NULL;
	return spare_check_picks(&bench.req, judge, &bench, why);
}

/* Picks for the slots 0 and on: disks 100 and on, all of which fit. */
static void pick(unsigned count)
{
	bench = (struct bench){ .req.count = count };
	for (unsigned i = 0; i < count && i < MAX_SPARE_PICKS; i++) {
		bench.verdict[i] = SPARE_FITS;
		bench.req.pick[i] = (struct spare_pick){ .dev = 100 + i, .slot = (int)i };
	}
}

static void a_request_has_picks_and_no_more_than_there_is_room_for(void **state)
{
	static const struct {
		unsigned count;
		bool has;
	} row[] = { { 0, false }, { 1, true }, { MAX_SPARE_PICKS, true }, { MAX_SPARE_PICKS + 1, false } };

	(void)state;
	for (size_t i = 0; i < COUNT(row); i++) {
		pick(row[i].count);
		assert_int_equal(spare_has_picks(&bench.req), row[i].has);
	}
}

static void a_disk_is_picked_as_long_as_the_request_counts_it(void **state)
{
	(void)state;
	pick(3);
	assert_true(spare_is_picked(&bench.req, 100));
	assert_true(spare_is_picked(&bench.req, 102));
	assert_false(spare_is_picked(&bench.req, 103));
	bench.req.count = 2;
	assert_false(spare_is_picked(&bench.req, 102));
}

static void all_picks_are_judged(void **state)
{
	const char *why;

	(void)state;
	pick(MAX_SPARE_PICKS);
	assert_int_equal(check(&why), 0);
	assert_int_equal(asked, MAX_SPARE_PICKS);
	assert_null(why);
}

static void the_first_that_does_not_fit_is_refused(void **state)
{
	static const struct {
		enum spare_verdict verdict;
		int err;
		const char *why;
	} row[] = {
		{ SPARE_NO_SLOT, -EINVAL, "disk 0:102: there is no slot 2, or one is named twice" },
		{ SPARE_LEFT, -ENODEV, "disk 0:102 has left the container" },
		{ SPARE_UNFIT, -ESTALE, "disk 0:102 has failed or has no room any more" },
		{ SPARE_SLOT_TAKEN, -ESTALE, "disk 0:102: slot 2 is in use again" },
		{ SPARE_KEPT_FOR_OTHERS, -ESTALE, "disk 0:102 is kept for others" },
	};
	const char *why;

	(void)state;
	for (size_t i = 0; i < COUNT(row); i++) {
		pick(4);
		bench.verdict[2] = row[i].verdict;
		bench.verdict[3] = row[i].verdict == SPARE_LEFT ? SPARE_UNFIT : SPARE_LEFT;
		assert_int_equal(check(&why), row[i].err);
		assert_string_equal(why, row[i].why);
		assert_int_equal(asked, 3);
	}
}

static void nothing_is_named_twice(void **state)
{
	const char *why;

	(void)state;
	pick(3);
	bench.req.pick[2].dev = bench.req.pick[0].dev;
	assert_int_equal(check(&why), -EINVAL);
	assert_string_equal(why, "disk 0:100: there is no slot 2, or one is named twice");
	assert_int_equal(asked, 2);
	pick(3);
	bench.req.pick[2].slot = bench.req.pick[1].slot;
	assert_int_equal(check(&why), -EINVAL);
	assert_int_equal(asked, 2);
	/* The first of the two is judged as any other pick. */
	pick(3);
	bench.req.pick[1].slot = bench.req.pick[0].slot;
	bench.verdict[0] = SPARE_LEFT;
	assert_int_equal(check(&why), -ENODEV);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_has_picks_and_no_more_than_there_is_room_for),
		cmocka_unit_test(a_disk_is_picked_as_long_as_the_request_counts_it),
		cmocka_unit_test(all_picks_are_judged),
		cmocka_unit_test(the_first_that_does_not_fit_is_refused),
		cmocka_unit_test(nothing_is_named_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
