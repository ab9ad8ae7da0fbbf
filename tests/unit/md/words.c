/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "md/words.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void test_array_state(void **state)
{
	static const struct {
		const char *text;
		enum array_state s;
	} t[] = {
		{ "clear\n", ARRAY_CLEAR }, { "inactive\n", ARRAY_INACTIVE }, { "suspended", ARRAY_SUSPENDED },
		{ "readonly\n", ARRAY_READONLY }, { "read-auto\n", ARRAY_READ_AUTO }, { "clean\n", ARRAY_CLEAN },
		{ "active\n", ARRAY_ACTIVE }, { "write-pending\n", ARRAY_WRITE_PENDING },
		{ "active-idle\n", ARRAY_ACTIVE_IDLE }, { "broken\n", ARRAY_BROKEN }, { "broken", ARRAY_BROKEN },
		{ "", ARRAY_UNKNOWN }, { "\n", ARRAY_UNKNOWN }, { "cleaner", ARRAY_UNKNOWN },
		{ "activ", ARRAY_UNKNOWN }, { "active ", ARRAY_UNKNOWN }, { " active", ARRAY_UNKNOWN },
		{ "active\n\n", ARRAY_UNKNOWN }, { "active\nclean", ARRAY_UNKNOWN }, { "gone", ARRAY_UNKNOWN },
		{ "unknown", ARRAY_UNKNOWN }, { "ACTIVE", ARRAY_UNKNOWN }, { "active-idl\xff", ARRAY_UNKNOWN },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++)
		assert_int_equal(sysfs_parse_array_state(t[i].text), t[i].s);
}

static void test_sync_action(void **state)
{
	static const struct {
		const char *text;
		enum sync_action a;
	} t[] = {
		{ "idle\n", SYNC_IDLE }, { "resync\n", SYNC_RESYNC }, { "recover\n", SYNC_RECOVER },
		{ "check\n", SYNC_CHECK }, { "repair\n", SYNC_REPAIR }, { "reshape\n", SYNC_RESHAPE },
		{ "frozen\n", SYNC_FROZEN }, { "frozen", SYNC_FROZEN }, { "", SYNC_UNKNOWN },
		{ "none", SYNC_UNKNOWN }, { "recovery", SYNC_UNKNOWN }, { "unknown", SYNC_UNKNOWN },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++)
		assert_int_equal(sysfs_parse_sync_action(t[i].text), t[i].a);
}

/* The one action that is said to be running is the one whose position counts. */
static void test_actions_that_run(void **state)
{
	(void)state;
	assert_true(sync_action_runs(SYNC_RESYNC));
	assert_true(sync_action_runs(SYNC_RECOVER));
	assert_true(sync_action_runs(SYNC_CHECK));
	assert_true(sync_action_runs(SYNC_REPAIR));
	assert_true(sync_action_runs(SYNC_RESHAPE));
	assert_false(sync_action_runs(SYNC_NONE));
	assert_false(sync_action_runs(SYNC_IDLE));
	assert_false(sync_action_runs(SYNC_FROZEN));
	assert_false(sync_action_runs(SYNC_UNKNOWN));
}

static void test_member_state(void **state)
{
	static const struct {
		const char *text;
		unsigned bits;
	} t[] = {
		{ "in_sync\n", MEMBER_IN_SYNC },
		{ "spare", MEMBER_SPARE },
		{ "faulty,blocked\n", MEMBER_FAULTY | MEMBER_BLOCKED },
		{ "in_sync,write_mostly,blocked,write_error,want_replacement,external_bbl,failfast\n",
		  MEMBER_IN_SYNC | MEMBER_WRITE_MOSTLY | MEMBER_BLOCKED | MEMBER_EXTERNAL_BBL },
		{ "spare,external_bbl\n", MEMBER_SPARE | MEMBER_EXTERNAL_BBL },
		{ "journal\n", 0 }, { "", 0 }, { "\n", 0 }, { ",,,\n", 0 }, { "fault\n", 0 }, { "faultyy\n", 0 },
		{ ",faulty,", MEMBER_FAULTY }, { "in_sync\nfaulty", MEMBER_IN_SYNC }, { "faulty blocked", 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++)
		assert_int_equal(sysfs_parse_member_state(t[i].text), t[i].bits);
}

static void test_member_disk(void **state)
{
	(void)state;
	assert_string_equal(member_disk("dev-sda"), "sda");
	assert_string_equal(member_disk("dev-dev-0"), "dev-0");
}

static void test_sectors(void **state)
{
	static const struct {
		const char *text;
		int result;
		uint64_t value;
	} t[] = {
		{ "none\n", 0, SECTORS_NONE }, { "none", 0, SECTORS_NONE }, { "0\n", 0, 0 }, { "8192", 0, 8192 },
		{ "18446744073709551614\n", 0, UINT64_MAX - 1 }, { "18446744073709551615", 0, UINT64_MAX },
		{ "18446744073709551616", -EINVAL, 7 }, { "99999999999999999999999", -EINVAL, 7 },
		{ "", -EINVAL, 7 }, { "\n", -EINVAL, 7 }, { "-1", -EINVAL, 7 }, { "+1", -EINVAL, 7 },
		{ " 1", -EINVAL, 7 }, { "1 ", -EINVAL, 7 }, { "0x10", -EINVAL, 7 }, { "nonesuch", -EINVAL, 7 },
		{ "12\n3", -EINVAL, 7 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++) {
		uint64_t value = 7;

		assert_int_equal(sysfs_parse_sectors(t[i].text, &value), t[i].result);
		assert_true(value == t[i].value);
	}
}

static void test_sync_completed(void **state)
{
	static const struct {
		const char *text;
		int result;
		uint64_t value;
	} t[] = {
		{ "none\n", 0, 0 }, { "delayed\n", 0, 0 }, { "2816 / 8192\n", 0, 2816 }, { "0 / 0", 0, 0 },
		{ "8192 / 8192", 0, 8192 }, { "", -EINVAL, 7 }, { "12", -EINVAL, 7 }, { "12/34", -EINVAL, 7 },
		{ "12 / ", -EINVAL, 7 }, { "12 / x", -EINVAL, 7 }, { "/ 12", -EINVAL, 7 },
		{ "12 / 34 / 56", -EINVAL, 7 }, { "idle", -EINVAL, 7 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++) {
		uint64_t value = 7;

		assert_int_equal(sysfs_parse_sync_completed(t[i].text, &value), t[i].result);
		assert_true(value == t[i].value);
	}
}

static void test_level(void **state)
{
	static const struct {
		const char *text;
		int level;
	} t[] = {
		{ "raid0\n", 0 }, { "raid1\n", 1 }, { "raid4", 4 }, { "raid5\n", 5 }, { "raid6\n", 6 },
		{ "raid10\n", 10 }, { "linear\n", LEVEL_LINEAR }, { "", LEVEL_CONTAINER }, { "\n", LEVEL_CONTAINER },
		{ "raid", LEVEL_UNKNOWN }, { "raid7", LEVEL_UNKNOWN }, { "raid100", LEVEL_UNKNOWN },
		{ "raid1x", LEVEL_UNKNOWN }, { "5", LEVEL_UNKNOWN }, { "faulty", LEVEL_UNKNOWN },
		{ "multipath", LEVEL_UNKNOWN }, { "raid-1", LEVEL_UNKNOWN },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++)
		assert_int_equal(sysfs_parse_level(t[i].text), t[i].level);
}

static void test_dev(void **state)
{
	static const char *const bad[] = {
		"", "8", "8:", ":16", "8:16:1", "8-16", "a:b", " 8:16", "8: 16", "8:16 ", "-8:16",
		"4294967296:0", "0:99999999999999999999",
	};
	dev_t dev = 0;

	(void)state;
	assert_int_equal(sysfs_parse_dev("8:16\n", &dev), 0);
	assert_true(dev == makedev(8, 16));
	assert_int_equal(sysfs_parse_dev("259:1048575", &dev), 0);
	assert_true(dev == makedev(259, 1048575));
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_int_equal(sysfs_parse_dev(bad[i], &dev), -EINVAL);
	assert_true(dev == makedev(259, 1048575));
}

static void test_delay(void **state)
{
	static const struct {
		const char *text;
		int result;
		unsigned ms;
	} t[] = {
		{ "0.201\n", 0, 201 }, { "0.210", 0, 210 }, { "0.000\n", 0, 0 }, { "0", 0, 0 }, { "5\n", 0, 5000 },
		{ "1.5", 0, 1500 }, { "1.05", 0, 1050 }, { "0.0009", 0, 0 }, { "0.2019999\n", 0, 201 },
		{ "4294966.999", 0, 4294966999u }, { "4294967.0", -EINVAL, 7 }, { "99999999999999", -EINVAL, 7 },
		{ "", -EINVAL, 7 }, { ".5", -EINVAL, 7 }, { "1.", -EINVAL, 7 }, { "1.x", -EINVAL, 7 },
		{ "-1", -EINVAL, 7 }, { "1.5 ", -EINVAL, 7 }, { "1.2.3", -EINVAL, 7 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++) {
		unsigned ms = 7;

		assert_int_equal(sysfs_parse_delay_ms(t[i].text, &ms), t[i].result);
		assert_int_equal(ms, t[i].ms);
	}
}

static void test_number(void **state)
{
	static const struct {
		const char *text;
		int result;
		int64_t n;
	} t[] = {
		{ "3\n", 0, 3 }, { "4 (3)\n", 0, 4 }, { "65536 (131072)", 0, 65536 }, { "-1\n", 0, -1 },
		{ "9223372036854775807", 0, INT64_MAX }, { "9223372036854775808", -EINVAL, 7 },
		{ "", -EINVAL, 7 }, { "none", -EINVAL, 7 }, { "3x", -EINVAL, 7 }, { "-", -EINVAL, 7 },
		{ "--1", -EINVAL, 7 }, { " 3", -EINVAL, 7 }, { "(3)", -EINVAL, 7 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++) {
		int64_t n = 7;

		assert_int_equal(sysfs_parse_number(t[i].text, &n), t[i].result);
		assert_true(n == t[i].n);
	}
}

static struct bad_range ranges[SYSFS_BAD_RANGES];

static void assert_bad_ranges(const char *text, unsigned expected, bool expect_complete)
{
	bool complete = !expect_complete;
	unsigned n = sysfs_parse_bad_ranges(text, strlen(text), ranges, &complete);

	if (n != expected || complete != expect_complete)
		fail_msg("\"%s\": %u ranges, %scomplete", text, n, complete ? "" : "in");
}

static void test_bad_ranges(void **state)
{
	(void)state;
	assert_bad_ranges("", 0, true);
	assert_bad_ranges("\n", 0, false);
	assert_bad_ranges("2048 8", 1, true);
	assert_int_equal(ranges[0].sector, 2048);
	assert_int_equal(ranges[0].length, 8);
	assert_bad_ranges("2048 8\n", 1, true);
	assert_bad_ranges("300 1\n100 512\n0 7", 3, true);
	assert_int_equal(ranges[0].sector, 300);
	assert_int_equal(ranges[1].sector, 100);
	assert_int_equal(ranges[1].length, 512);
	assert_int_equal(ranges[2].sector, 0);
	assert_int_equal(ranges[2].length, 7);
}

/* What is not understood is left out, and then nobody may think that the list is complete. */
static void test_bad_ranges_with_garbage(void **state)
{
	static const char *const none[] = {
		"8", "8 ", " 8 8", "8  8", "8 8 ", "8 8 8", "x 8", "8 x", "-8 8", "8 -8", "8 0", "8\t8",
		"18446744073709551616 8", "18446744073709551615 1", "8 18446744073709551615",
		"36028797018963967 1",
	};
	char with_nul[] = "8 8\n16 8\n24 8";
	bool complete;

	(void)state;
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		char text[100];

		assert_bad_ranges(none[i], 0, false);
		snprintf(text, sizeof(text), "1 2\n%s\n3 4", none[i]);
		assert_bad_ranges(text, 2, false);
		assert_int_equal(ranges[1].sector, 3);
	}
	assert_bad_ranges("36028797018963966 1", 1, true);
	with_nul[5] = '\0';
	assert_int_equal(sysfs_parse_bad_ranges(with_nul, sizeof(with_nul) - 1, ranges, &complete), 2);
	assert_false(complete);
}

/* A list of `size` bytes as the kernel made it, before its last newline is cut. */
static unsigned parse_page(size_t size, const char *line, bool *complete)
{
	static char page[SYSFS_PAGE + 1];
	size_t len = strlen(line), n;

	for (size_t i = 0; i < size; i++)
		page[i] = line[i % len];
	n = page[size - 1] == '\n' ? size - 1 : size;
	page[n] = '\0';
	return sysfs_parse_bad_ranges(page, n, ranges, complete);
}

/* The kernel cuts what is longer than 4095 bytes: half a number must not pass for a number. */
static void test_bad_ranges_of_a_full_page(void **state)
{
	bool complete;

	(void)state;
	assert_int_equal(parse_page(4090, "1234567 8\n", &complete), 409);
	assert_true(complete);
	/* In the middle of a line, or, as if it were the whole of one. */
	assert_int_equal(parse_page(4095, "1234567 8\n", &complete), 409);
	assert_false(complete);
	assert_int_equal(parse_page(4095, "12345678 512\n", &complete), 314);
	assert_false(complete);
	assert_int_equal(ranges[313].length, 512);
	assert_int_equal(parse_page(4095, "123456789012 512\n", &complete), 240);
	assert_false(complete);
	/* A kernel with larger pages fills our buffer. */
	assert_int_equal(parse_page(4096, "1 1\n", &complete), 1023);
	assert_false(complete);
	assert_int_equal(parse_page(4088, "1 1\n", &complete), 1022);
	assert_true(complete);
	/* All in one line. */
	assert_int_equal(parse_page(4095, "1", &complete), 0);
	assert_false(complete);
}

/* No kernel shows so many: the memory for them has an end all the same. */
static void test_more_bad_ranges_than_fit(void **state)
{
	static char text[4 * SYSFS_BAD_RANGES + sizeof("9 9\n")];
	struct {
		struct bad_range range[SYSFS_BAD_RANGES], after[2];
	} *list = calloc(1, sizeof(*list));
	bool complete;

	(void)state;
	assert_non_null(list);
	for (unsigned i = 0; i < SYSFS_BAD_RANGES; i++)
		memcpy(text + 4 * i, "1 1\n", 4);
	strcpy(text + 4 * SYSFS_BAD_RANGES, "9 9\n");
	assert_int_equal(sysfs_parse_bad_ranges(text, sizeof(text) - 1, list->range, &complete), SYSFS_BAD_RANGES);
	assert_false(complete);
	assert_int_equal(list->range[SYSFS_BAD_RANGES - 1].length, 1);
	assert_int_equal(list->after[0].length, 0);
	free(list);
}

static void test_metadata_version(void **state)
{
	static const struct {
		const char *text;
		bool external, member, blocked;
		const char *name;
		int index;
	} t[] = {
		{ "external:imsm\n", true, false, false, "imsm", -1 },
		{ "external:ddf", true, false, false, "ddf", -1 },
		{ "imsm", true, false, false, "imsm", -1 },
		{ "external:/md127/0\n", true, true, false, "md127", 0 },
		{ "external:-md127/12\n", true, true, true, "md127", 12 },
		{ "/md127/3", true, true, false, "md127", 3 },
		{ "-md127/3", true, true, true, "md127", 3 },
		{ "external:/md_my-box/1", true, true, false, "md_my-box", 1 },
		{ "external:--odd/1", true, true, true, "-odd", 1 },
		{ "external:/md/imsm0/2", true, true, false, "md/imsm0", 2 },
		/* what the kernel leaves of /md_verylongname/12 and /md_averylongna/12 */
		{ "external:/md_verylongname", true, true, false, "md_verylongname", -1 },
		{ "external:/md_averylongna/", true, true, false, "md_averylongna", -1 },
		{ "external:/md127/x", true, true, false, "md127", -1 },
		{ "external:/md127/1x", true, true, false, "md127", -1 },
		{ "external:/md127/-1", true, true, false, "md127", -1 },
		{ "external:/md127/99999999999", true, true, false, "md127", -1 },
		{ "external:/", true, true, false, "", -1 },
		{ "external:-", true, true, true, "", -1 },
		{ "external://", true, true, false, "", -1 },
		{ "external://0", true, true, false, "", 0 },
		{ "external:", true, false, false, "", -1 },
		{ "external:1.2", true, false, false, "1.2", -1 },
		{ "1.2\n", false, false, false, "", -1 },
		{ "0.90", false, false, false, "", -1 },
		{ "none\n", false, false, false, "", -1 },
		{ "", false, false, false, "", -1 },
		{ "\n", false, false, false, "", -1 },
		{ "external:/abcdefghijklmnopqrstuvwxyz0123456789/5", true, true, false,
		  "abcdefghijklmnopqrstuvwxyz01234", 5 },
		{ "external:abcdefghijklmnopqrstuvwxyz0123456789", true, false, false,
		  "abcdefghijklmnopqrstuvwxyz01234", -1 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++) {
		struct metadata_version v;

		memset(&v, 0xff, sizeof(v));
		sysfs_parse_metadata_version(t[i].text, &v);
		assert_int_equal(v.external, t[i].external);
		assert_int_equal(v.is_member, t[i].member);
		assert_int_equal(v.blocked, t[i].blocked);
		assert_string_equal(v.name, t[i].name);
		assert_int_equal(v.index, t[i].index);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_array_state),
		cmocka_unit_test(test_sync_action),
		cmocka_unit_test(test_actions_that_run),
		cmocka_unit_test(test_member_state),
		cmocka_unit_test(test_member_disk),
		cmocka_unit_test(test_sectors),
		cmocka_unit_test(test_sync_completed),
		cmocka_unit_test(test_level),
		cmocka_unit_test(test_dev),
		cmocka_unit_test(test_delay),
		cmocka_unit_test(test_number),
		cmocka_unit_test(test_bad_ranges),
		cmocka_unit_test(test_bad_ranges_with_garbage),
		cmocka_unit_test(test_bad_ranges_of_a_full_page),
		cmocka_unit_test(test_more_bad_ranges_than_fit),
		cmocka_unit_test(test_metadata_version),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
