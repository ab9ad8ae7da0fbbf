/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The answer to a status request grows as it needs to, and is left out when there is no memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "tests/unit/support/status-rig.h"

#define NEVER UINT_MAX

/* ---- allocations of the code under test (tests/flags.mk) ---- */

static unsigned fail_after = NEVER; /* that many more succeed */
static int live;

static bool may_allocate(void)
{
	if (!fail_after)
		return false;
	fail_after -= fail_after != NEVER;
	return true;
}

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_malloc(size_t size)
{
	void *p = may_allocate() ? __real_malloc(size) : NULL;

	live += p != NULL;
	return p;
}

void *__real_realloc(void *old, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_realloc(void *old, size_t size)
{
	void *p = may_allocate() ? __real_realloc(old, size) : NULL;

	live += p && !old;
	return p;
}

void __real_free(void *p);
void __wrap_free(void *p);
void __wrap_free(void *p)
{
	live -= p != NULL;
	__real_free(p);
}

/* ---- tests ---- */

/* Whichever allocation fails, there is no answer, and nothing is left behind. */
static void test_no_memory(void **state)
{
	struct status_rig *f = *state;
	unsigned failures = 0;
	char *line;

	status_fill_report(&f->report);
	live = 0;
	for (;;) {
		fail_after = failures;
		line = status_to_json(&f->s);
		fail_after = NEVER;
		if (line)
			break;
		assert_int_equal(live, 0);
		failures++;
	}
	assert_true(failures >= 3); /* it has grown */
	assert_int_equal(live, 1);
	free(line);
	assert_int_equal(live, 0);
}

/* Wherever the end of the buffer falls, byte by byte. */
static void test_length_of_any_size(void **state)
{
	struct status_rig *f = *state;
	char container[6000];
	size_t shortest = 0;

	for (size_t n = 0; n < sizeof(container); n += 1 + (n % 7 == 0 && n < 2000)) {
		char *line;

		memset(container, 'c', n);
		container[n] = '\0';
		f->s.container = container;
		line = status_to_json(&f->s);
		if (!n)
			shortest = strlen(line);
		assert_int_equal(strlen(line), shortest + n);
		assert_string_equal(line + strlen(line) - 4, "\"}]}");
		free(line);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		status_test(test_no_memory),
		status_test(test_length_of_any_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
