/* SPDX-License-Identifier: GPL-2.0-or-later */
/* metadata/redundancy.c */
#include "metadata/redundancy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void copies(void **state)
{
	static const struct {
		unsigned near, far;
		const char *disks;
		bool enough;
	} row[] = {
		{ 2, 1, "ww", true },    { 2, 1, "w-", true },    { 2, 1, "--", false },
		{ 2, 1, "w--w", true },  { 2, 1, "ww--", false }, { 3, 1, "w----w", true },
		{ 3, 1, "www---", false }, { 1, 2, "w-w-", true }, { 1, 2, "w--w", false },
		{ 1, 2, "-ww", true },   { 1, 2, "w--", false },  { 1, 1, "www", true },
		{ 1, 1, "ww-", false },  { 2, 1, "w-w-w", true }, { 2, 1, "-www-", false },
		{ 0, 1, "ww", false },   { 2, 0, "ww", false },   { 2, 1, "", false },
		{ 2, 2, "---w", true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		unsigned n = (unsigned)strlen(row[i].disks);
		bool *working = calloc(n + 1, sizeof(*working)); /* so that a read too far is seen */

		for (unsigned k = 0; k < n; k++)
			working[k] = row[i].disks[k] == 'w';
		if (enough_copies(row[i].near, row[i].far, working, n) != row[i].enough)
			fail_msg("row %zu: %u near, %u far, %s", i, row[i].near, row[i].far, row[i].disks);
		free(working);
	}
}

static void levels(void **state)
{
	static const struct {
		int level, layout;
		const char *disks;
		bool enough;
	} row[] = {
		{ 1, 0, "ww", true },    { 1, 0, "w-", true },     { 1, 0, "--", false },     { 1, 0, "--w", true },
		{ 4, 0, "www", true },   { 4, 0, "ww-", true },    { 4, 0, "-w-", false },
		{ 5, 2, "www", true },   { 5, 2, "-ww", true },    { 5, 2, "-w-", false },
		{ 6, 8, "ww--", true },  { 6, 8, "w---", false },  { 10, 0x102, "w--w", true }, { 10, 0x102, "--ww", false },
		{ 10, 0x201, "w-w-", true }, { 10, 0x201, "w--w", false }, { 0, 0, "ww", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		unsigned n = (unsigned)strlen(row[i].disks);
		bool *has_data = calloc(n, sizeof(*has_data));

		for (unsigned k = 0; k < n; k++)
			has_data[k] = row[i].disks[k] == 'w';
		if (enough_left(row[i].level, row[i].layout, n, has_data) != row[i].enough)
			fail_msg("row %zu: level %d, %s", i, row[i].level, row[i].disks);
		free(has_data);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(copies),
		cmocka_unit_test(levels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
