/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/support/fuzz-driver.h"

#include "tests/fuzz/check.c"

static void test_corpus(void **state)
{
	(void)state;
	fuzz_corpus(FUZZ_CORPUS "/check");
}

static void test_random(void **state)
{
	(void)state;
	fuzz_random(300, 300);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_corpus),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests_name("fuzz-check", tests, NULL, NULL);
}
