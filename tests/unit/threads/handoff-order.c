/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * In which order the hand-over writes what belongs together: whoever sees that something is asked for must find what it
 * is. Two threads would have to meet within nanoseconds to show it; here the source is included, and each request bit
 * that it sets is looked at from outside at that very moment.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdatomic.h>

static void (*about_to_set)(const atomic_uint *bits);

static unsigned set_bits(atomic_uint *bits, unsigned more, memory_order order)
{
	if (about_to_set)
		about_to_set(bits);
	return atomic_fetch_or_explicit(bits, more, order);
}

#undef atomic_fetch_or_explicit
#define atomic_fetch_or_explicit set_bits

#include "threads/handoff.c"

static struct array_watch watch;
static struct active_array array = { .watch = &watch };
static struct mdinfo member;
static unsigned looks;

static int reset(void **state)
{
	(void)state;
	handoff_reset();
	about_to_set = NULL;
	looks = 0;
	watch = (struct array_watch){ 0 };
	member = (struct mdinfo){ 0 };
	return 0;
}

/* The manager looks at the members of those arrays only that say so, and once. */
static void the_member_knows(const atomic_uint *bits)
{
	if (bits != &watch.requests)
		return;
	looks++;
	assert_int_equal(atomic_load(&member.requests), MEMBER_WANT_UNBLOCK | MEMBER_WANT_REMOVE);
}

static void test_the_member_before_the_array(void **state)
{
	(void)state;
	about_to_set = the_member_knows;
	handoff_request_member(&array, &member, MEMBER_WANT_UNBLOCK | MEMBER_WANT_REMOVE);
	assert_int_equal(looks, 1);
}

static void the_size_is_known(const atomic_uint *bits)
{
	assert_ptr_equal(bits, &watch.requests);
	looks++;
	assert_int_equal(handoff_new_size(&array), 4096);
}

static void test_the_size_before_the_request(void **state)
{
	(void)state;
	about_to_set = the_size_is_known;
	handoff_request_size(&array, 4096);
	assert_int_equal(looks, 1);
}

static void the_ranges_are_there(const atomic_uint *bits)
{
	unsigned count;

	if (bits != &member.requests)
		return;
	looks++;
	assert_int_equal(handoff_take_bad_ranges(&member, &count)[1].sector, 200);
	assert_int_equal(count, 2);
}

static void test_the_ranges_before_the_request(void **state)
{
	struct bad_range *room;

	(void)state;
	about_to_set = the_ranges_are_there;
	room = handoff_bad_range_room(&member);
	room[0] = (struct bad_range){ 100, 8 };
	room[1] = (struct bad_range){ 200, 8 };
	handoff_bad_ranges(&array, &member, 2);
	assert_int_equal(looks, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_the_member_before_the_array, reset),
		cmocka_unit_test_setup(test_the_size_before_the_request, reset),
		cmocka_unit_test_setup(test_the_ranges_before_the_request, reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
