/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <limits.h>

#include "lib/clock.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void test_now_goes_forward(void **state)
{
	uint64_t before = clock_now_ns();
	struct timespec pause = { .tv_nsec = 2 * NS_PER_MS };

	(void)state;
	nanosleep(&pause, NULL);
	assert_true(clock_now_ns() >= before + 2 * NS_PER_MS);
}

static void test_until(void **state)
{
	struct timespec t = clock_until(clock_now_ns() + 1000 * NS_PER_S);

	(void)state;
	assert_true(t.tv_sec >= 990 && t.tv_sec <= 1000);
	assert_true(t.tv_nsec >= 0 && t.tv_nsec < (long)NS_PER_S);
	t = clock_until(0);
	assert_int_equal(t.tv_sec, 0);
	assert_int_equal(t.tv_nsec, 0);
	t = clock_until(clock_now_ns() - 1);
	assert_int_equal(t.tv_sec, 0);
	assert_int_equal(t.tv_nsec, 0);
}

/* Each pause twice the one before, up to the longest, also one that is no power of two. */
static void test_back_off(void **state)
{
	static const unsigned want[] = { 20, 40, 80, 160, 320, 500, 500, 500 };
	unsigned pause = 0;

	(void)state;
	for (int again = 0; again < 2; again++) {
		for (size_t i = 0; i < COUNT(want); i++) {
			assert_int_equal(clock_back_off(&pause, 20, 500, 7 * NS_PER_S), 7 * NS_PER_S + want[i] * NS_PER_MS);
			assert_int_equal(pause, want[i]);
		}
		pause = 0; /* it has worked: from the start */
	}
}

static void test_back_off_limits(void **state)
{
	static const struct {
		unsigned pause, min, max, want;
	} t[] = {
		{ 0, 50, 50, 50 }, { 50, 50, 50, 50 }, { 25, 25, 50, 50 }, { 25, 25, 51, 50 }, { 24, 24, 49, 48 },
		{ 80, 20, 50, 50 }, /* the limit has come down */
		{ UINT_MAX / 2 + 1, 1, UINT_MAX, UINT_MAX }, { UINT_MAX, 1, UINT_MAX, UINT_MAX },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++) {
		unsigned pause = t[i].pause;

		assert_int_equal(clock_back_off(&pause, t[i].min, t[i].max, 1), 1 + t[i].want * NS_PER_MS);
		assert_int_equal(pause, t[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_now_goes_forward),
		cmocka_unit_test(test_until),
		cmocka_unit_test(test_back_off),
		cmocka_unit_test(test_back_off_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
