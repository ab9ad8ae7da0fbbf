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
#include <unistd.h>

#include "mdstat.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#define HEAD "Personalities : [raid0] [raid1] [raid10] [raid6] [raid5] [raid4] \n"
#define FOOT "unused devices: <none>\n"

/* What kernels printed, and what it means. */
static const struct sample {
	const char *text;
	struct mdstat_entry e;
} samples[] = {
	{ "md127 : inactive loop2[2](S) loop1[1](S) loop0[0](S)\n"
	  "      3315 blocks super external:imsm\n"
	  "       \n",
	  { "md127", false, "", true, "imsm" } },
	{ "md126 : inactive loop1[1] loop0[0]\n"
	  "      8192 blocks super external:/md127/0\n"
	  "       \n",
	  { "md126", false, "", true, "/md127/0" } },
	{ "md126 : active (read-only) raid1 loop1[1] loop0[0]\n"
	  "      4096 blocks super external:/md127/0 [2/2] [UU]\n"
	  "      \n",
	  { "md126", true, "raid1", true, "/md127/0" } },
	{ "md126 : active (auto-read-only) raid1 loop1[1] loop0[0]\n"
	  "      4096 blocks super external:/md127/0 [2/2] [UU]\n"
	  "      \n",
	  { "md126", true, "raid1", true, "/md127/0" } },
	{ "md126 : active raid1 loop1[1] loop0[0]\n"
	  "      4096 blocks super external:-md127/0 [2/2] [UU]\n"
	  "      \n",
	  { "md126", true, "raid1", true, "-md127/0" } },
	{ "md126 : active raid1 loop1[1](F) loop0[0]\n"
	  "      4096 blocks super external:/md127/0 [2/1] [U_]\n"
	  "      \n",
	  { "md126", true, "raid1", true, "/md127/0" } },
	{ "md126 : active raid1 loop2[2](S) loop0[0]\n"
	  "      4096 blocks super external:/md127/0 [2/1] [U_]\n"
	  "      \n",
	  { "md126", true, "raid1", true, "/md127/0" } },
	{ "md126 : active raid1 loop2[2] loop0[0]\n"
	  "      4096 blocks super external:/md127/0 [2/1] [U_]\n"
	  "      [====>................]  recovery = 22.2% (1408/4096) finish=0.0min speed=1408K/sec\n"
	  "      \n",
	  { "md126", true, "raid1", true, "/md127/0" } },
	{ "md125 : active (read-only) raid5 loop5[2] loop4[1] loop3[0]\n"
	  "      16384 blocks super external:/md127/1 level 5, 64k chunk, algorithm 2 [3/3] [UUU]\n"
	  "      \tresync=PENDING\n"
	  "      \n",
	  { "md125", true, "raid5", true, "/md127/1" } },
	{ "md124 : active raid10 loop9[3] loop8[2] loop7[1] loop6[0]\n"
	  "      16384 blocks super external:/md127/2 64K chunks 2 near-copies [4/4] [UUUU]\n"
	  "      [=>...................]  check =  6.0% (1152/16384) finish=0.2min speed=1152K/sec\n"
	  "      \n",
	  { "md124", true, "raid10", true, "/md127/2" } },
	{ "md123 : active raid0 loop11[1] loop10[0]\n"
	  "      16384 blocks super external:/md127/3 64k chunks\n"
	  "      \n",
	  { "md123", true, "raid0", true, "/md127/3" } },
	/* a running array that lost too many disks, newer kernels */
	{ "md126 : broken raid5 loop2[2](F) loop1[1](F) loop0[0]\n"
	  "      16384 blocks super external:/md127/0 level 5, 64k chunk, algorithm 2 [3/1] [U__]\n"
	  "      \n",
	  { "md126", true, "raid5", true, "/md127/0" } },
	{ "md126 : broken (read-only) raid0 loop1[1](F) loop0[0]\n"
	  "      16384 blocks super external:/md127/0 64k chunks\n"
	  "      \n",
	  { "md126", true, "raid0", true, "/md127/0" } },
	/* flags of devices */
	{ "md1 : active raid5 sdd1[3](W)(J) sdc1[5](R) sdb1[1](W)(F) nvme0n1p1[0](S)(R) cciss/c0d0[7]\n"
	  "      16384 blocks level 5, 64k chunk, algorithm 2 [3/2] [UU_]\n"
	  "      \n",
	  { "md1", true, "raid5", false, "" } },
	/* formats of the kernel's own */
	{ "md2 : active raid1 sdb1[1] sda1[0]\n"
	  "      4096 blocks super 1.2 [2/2] [UU]\n"
	  "      bitmap: 0/1 pages [0KB], 65536KB chunk\n"
	  "      \n",
	  { "md2", true, "raid1", false, "" } },
	{ "md3 : active linear sdb1[1] sda1[0]\n"
	  "      4096 blocks super non-persistent 0k rounding\n"
	  "      \n",
	  { "md3", true, "linear", false, "" } },
	/* what follows "bitmap:" is not the metadata, whatever it looks like */
	{ "md4 : active raid0 sdb1[1] sda1[0]\n"
	  "      4096 blocks super external:/md127/0 64k chunks\n"
	  "      bitmap: 0/1 pages [7/7], 65536KB chunk, file: super external:imsm [9/9]\n"
	  "      \n",
	  { "md4", true, "raid0", true, "/md127/0" } },
	{ "md126 : active raid5 loop2[2] loop1[1] loop0[0]\n"
	  "      16384 blocks super external:/md127/0 level 5, 64k chunk, algorithm 2 [3/3] [UUU]\n"
	  "      [>....................]  resync =  0.0% (4/8192) finish=1.1min speed=4K/sec\n"
	  "      bitmap: 1/1 pages [4KB], 65536KB chunk\n"
	  "\n",
	  { "md126", true, "raid5", true, "/md127/0" } },
	{ "md126 : active raid5 loop2[2] loop1[1] loop0[0]\n"
	  "      16384 blocks super external:/md127/0 level 5, 64k chunk, algorithm 2 [4/3] [UUU_]\n"
	  "      [====================>]  reshape =100.0% (8192/8192) finish=0.0min speed=4K/sec\n"
	  "      \n",
	  { "md126", true, "raid5", true, "/md127/0" } },
	{ "md126 : active raid1 loop1[1] loop0[0]\n"
	  "      4096 blocks super external:/md127/0 [2/2] [UU]\n"
	  "      \tresync=DELAYED\n"
	  "      \n",
	  { "md126", true, "raid1", true, "/md127/0" } },
	/* names that are text */
	{ "md_my-array : active raid1 loop1[1] loop0[0]\n"
	  "      4096 blocks super external:/md_imsm0/0 [2/2] [UU]\n"
	  "      \n",
	  { "md_my-array", true, "raid1", true, "/md_imsm0/0" } },
	{ "md_012345678901234567890123456 : inactive\n"
	  "      0 blocks super external:ddf\n"
	  "       \n",
	  { "md_012345678901234567890123456", false, "", true, "ddf" } },
	/* no level where one is due */
	{ "md5 : active loop1[1] loop0[0]\n", { "md5", true, "", false, "" } },
	{ "md6 : whatever raid1 loop1[1]\n", { "md6", false, "", false, "" } },
	{ "md7 :\n      8 blocks super external:imsm\n", { "md7", false, "", true, "imsm" } },
};

static void assert_entry(const struct mdstat_entry *got, const struct mdstat_entry *want)
{
	assert_string_equal(got->name, want->name);
	assert_int_equal(got->running, want->running);
	assert_string_equal(got->level, want->level);
	assert_int_equal(got->external, want->external);
	assert_string_equal(got->metadata, want->metadata);
}

static void test_each_sample(void **state)
{
	char text[1024];

	(void)state;
	for (size_t i = 0; i < COUNT(samples); i++) {
		struct mdstat m;

		snprintf(text, sizeof(text), "%s%s%s", HEAD, samples[i].text, FOOT);
		assert_int_equal(mdstat_parse(text, &m), 0);
		assert_int_equal(m.count, 1);
		assert_entry(&m.entry[0], &samples[i].e);
		mdstat_free(&m);
		assert_null(m.entry);
	}
}

/* All samples, `times` over: malloc'd. */
static char *all_samples(size_t times)
{
	size_t size = 0;
	char *text;
	FILE *f = open_memstream(&text, &size);

	assert_non_null(f);
	fputs(HEAD, f);
	while (times--)
		for (size_t i = 0; i < COUNT(samples); i++)
			fputs(samples[i].text, f);
	fputs(FOOT, f);
	fclose(f);
	return text;
}

static void test_many_arrays(void **state)
{
	char *text = all_samples(400); /* over a megabyte */
	struct mdstat m;

	(void)state;
	assert_true(strlen(text) > 1024 * 1024);
	assert_int_equal(mdstat_parse(text, &m), 0);
	assert_int_equal(m.count, 400 * COUNT(samples));
	for (size_t i = 0; i < m.count; i++)
		assert_entry(&m.entry[i], &samples[i % COUNT(samples)].e);
	mdstat_free(&m);
	free(text);
}

/* A read may end anywhere. Whole arrays before the cut are intact; nothing is invented. */
static void test_truncated_anywhere(void **state)
{
	char *text = all_samples(1);
	size_t len = strlen(text);

	(void)state;
	for (size_t cut = 0; cut <= len; cut++) {
		char *part = strndup(text, cut); /* its own block, for the address sanitizer */
		struct mdstat m;

		assert_int_equal(mdstat_parse(part, &m), 0);
		assert_true(m.count <= COUNT(samples));
		for (size_t i = 0; i + 1 < m.count; i++)
			assert_entry(&m.entry[i], &samples[i].e);
		mdstat_free(&m);
		free(part);
	}
	free(text);
}

static void test_no_arrays(void **state)
{
	static const char *const t[] = {
		"", "\n", "\n\n\n", HEAD, FOOT, HEAD FOOT, " ", "\t", ":", " : ", "md", "md127", "md127:", "md127 ",
		"md127 active raid1", "sda : active raid1 sda[0]\n", "      4096 blocks super external:imsm\n",
		"Personalities : [md1]\n      [2/2]\n",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++) {
		struct mdstat m;

		assert_int_equal(mdstat_parse(t[i], &m), 0);
		assert_int_equal(m.count, 0);
		assert_null(m.entry);
		mdstat_free(&m);
	}
}

/* A name we cannot hold is left out, and its lines are nobody else's. */
static void test_name_too_long(void **state)
{
	struct mdstat m;

	(void)state;
	assert_int_equal(mdstat_parse("md126 : active raid1 sda[0]\n"
				      "      8 blocks super external:/md127/0 [2/1] [U_]\n"
				      "md_0123456789012345678901234567890 : active raid5 sdb[0](F)\n"
				      "      8 blocks super external:imsm [3/3] [UUU]\n", &m), 0);
	assert_int_equal(m.count, 1);
	assert_string_equal(m.entry[0].name, "md126");
	assert_string_equal(m.entry[0].metadata, "/md127/0");
	mdstat_free(&m);
}

static void test_find(void **state)
{
	char *text = all_samples(1);
	struct mdstat m;

	(void)state;
	assert_int_equal(mdstat_parse(text, &m), 0);
	free(text);
	assert_string_equal(mdstat_find(&m, "md127")->metadata, "imsm");
	assert_string_equal(mdstat_find(&m, "md124")->level, "raid10");
	assert_null(mdstat_find(&m, "md12"));
	assert_null(mdstat_find(&m, "md1270"));
	assert_null(mdstat_find(&m, ""));
	mdstat_free(&m);
	assert_null(mdstat_find(&m, "md127"));
}

static void test_member_of(void **state)
{
	static const struct {
		bool external;
		const char *metadata;
		bool is_member;
	} t[] = {
		{ true, "/md127/0", true }, { true, "-md127/0", true }, { true, "/md127/12", true },
		{ true, "/md1270/0", false }, { true, "/md12/0", false }, { true, "imsm", false },
		{ true, "md127/0", false }, { true, "md127", false }, { true, "", false }, { true, "/", false },
		{ false, "/md127/0", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++) {
		struct mdstat_entry e = { .external = t[i].external };

		strcpy(e.metadata, t[i].metadata);
		assert_int_equal(mdstat_is_member_of(&e, "md127"), t[i].is_member);
	}
}

static FILE *file_with(const char *text)
{
	FILE *f = tmpfile();

	assert_non_null(f);
	fputs(text, f);
	fflush(f);
	return f;
}

/* From the start each time, to the end, however long. */
static void test_read(void **state)
{
	static const size_t times[] = { 1, 3, 4, 200 };

	(void)state;
	for (size_t i = 0; i < COUNT(times); i++) {
		char *text = all_samples(times[i]);
		FILE *f = file_with(text);

		for (int again = 0; again < 3; again++) {
			struct mdstat m;

			assert_int_equal(mdstat_read(fileno(f), &m), 0);
			assert_int_equal(m.count, times[i] * COUNT(samples));
			assert_entry(&m.entry[m.count - 1], &samples[COUNT(samples) - 1].e);
			mdstat_free(&m);
		}
		fclose(f);
		free(text);
	}
}

static void test_read_errors(void **state)
{
	struct mdstat m;
	int fds[2];

	(void)state;
	assert_int_equal(mdstat_read(-1, &m), -EBADF);
	assert_int_equal(m.count, 0);
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(mdstat_read(fds[0], &m), -ESPIPE);
	assert_null(m.entry);
	close(fds[0]);
	close(fds[1]);
}

static void test_real_file(void **state)
{
	struct mdstat m;
	int fd = mdstat_open();

	(void)state;
	if (fd < 0) {
		assert_int_equal(fd, -ENOENT);
		print_message("SKIPPED: no /proc/mdstat here\n");
		skip();
	}
	assert_int_equal(mdstat_read(fd, &m), 0);
	mdstat_free(&m);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_sample),
		cmocka_unit_test(test_many_arrays),
		cmocka_unit_test(test_truncated_anywhere),
		cmocka_unit_test(test_no_arrays),
		cmocka_unit_test(test_name_too_long),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_member_of),
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_read_errors),
		cmocka_unit_test(test_real_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
