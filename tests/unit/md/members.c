/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Against a directory tree that looks like md/. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "md/members.h"
#include "sysfs.h"
#include "tests/unit/support/tree.h"

static void put_in(const struct tree *t, const char *dir, const char *name, const char *text)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	tree_put(t, path, text);
}

static void make_member(const struct tree *t, const char *dir, const char *slot, const char *state, const char *block)
{
	char path[128];

	tree_make_dir(t, dir);
	put_in(t, dir, "slot", slot);
	put_in(t, dir, "state", state);
	snprintf(path, sizeof(path), "%s/block", dir);
	assert_int_equal(symlinkat(block, t->dir, path), 0);
}

static void make_block(const struct tree *t, const char *dir, const char *dev, const char *device_state)
{
	char path[128];

	tree_make_dir(t, dir);
	put_in(t, dir, "dev", dev);
	if (!device_state)
		return;
	snprintf(path, sizeof(path), "%s/device", dir);
	tree_make_dir(t, path);
	put_in(t, path, "state", device_state);
}

static const struct sysfs_member *find(const struct sysfs_member *list, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(list[i].name, name) == 0)
			return &list[i];
	fail_msg("no member %s", name);
	return NULL;
}

static void test_list_members(void **state)
{
	const struct tree *t = *state;
	struct sysfs_member *list;
	const struct sysfs_member *m;
	struct stat st;
	size_t count;

	make_block(t, "sda", "8:0\n", "running\n");
	make_block(t, "sdb", "8:16\n", "offline\n");
	make_block(t, "loop4", "7:4\n", NULL);
	make_member(t, "dev-sda", "0\n", "in_sync\n", "../sda");
	make_member(t, "dev-sdb", "none\n", "faulty,blocked\n", "../sdb");
	make_member(t, "dev-loop4", "12\n", "spare,external_bbl\n", "../loop4");
	make_member(t, "dev-sdc", "1\n", "faulty\n", "../pulled");
	make_member(t, "dev-journal", "journal\n", "journal\n", "../sda");
	tree_make_dir(t, "dev-half"); /* vanishes while we look: nothing in it any more */
	tree_make_dir(t, "bitmap");
	tree_put(t, "dev-file", "not a directory");
	tree_put(t, "array_state", "clean\n");
	assert_int_equal(symlinkat("dev-sda", t->dir, "rd0"), 0);

	assert_int_equal(sysfs_list_members(t->dir, &list, &count), 0);
	assert_int_equal(count, 5);
	m = find(list, count, "dev-sda");
	assert_true(m->dev == makedev(8, 0));
	assert_int_equal(m->slot, 0);
	assert_int_equal(m->state, MEMBER_IN_SYNC);
	assert_false(m->offline);
	assert_int_equal(fstatat(t->dir, "dev-sda", &st, 0), 0);
	assert_true(m->inode == st.st_ino);
	m = find(list, count, "dev-sdb");
	assert_true(m->dev == makedev(8, 16));
	assert_int_equal(m->slot, -1);
	assert_int_equal(m->state, MEMBER_FAULTY | MEMBER_BLOCKED);
	assert_true(m->offline);
	m = find(list, count, "dev-loop4");
	assert_int_equal(m->slot, 12);
	assert_false(m->offline);
	m = find(list, count, "dev-sdc");
	assert_true(m->dev == 0);
	assert_int_equal(m->slot, 1);
	assert_int_equal(find(list, count, "dev-journal")->slot, -1);
	free(list);
}

static void test_list_members_none(void **state)
{
	const struct tree *t = *state;
	struct sysfs_member *list = (struct sysfs_member *)1;
	size_t count = 1;

	tree_put(t, "array_state", "inactive\n");
	assert_int_equal(sysfs_list_members(t->dir, &list, &count), 0);
	assert_int_equal(count, 0);
	assert_null(list);
	assert_int_equal(sysfs_list_members(-1, &list, &count), -EBADF);
	assert_null(list);
}

/* A disk must not count as pulled because we ran out of descriptors. */
static void test_list_members_no_descriptors(void **state)
{
	const struct tree *t = *state;
	struct sysfs_member *list;
	size_t count;
	int spare[64], n = 0, r = -1;
	struct rlimit limit, few;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	few = limit;
	few.rlim_cur = 64;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	make_block(t, "sda", "8:0\n", NULL);
	make_member(t, "dev-sda", "0\n", "in_sync\n", "../sda");
	while (n < 64 && (spare[n] = dup(t->dir)) >= 0)
		n++;
	/* From no descriptor left to more than are needed: all or nothing. */
	for (int freed = 0; freed < 5 && n > 0; freed++) {
		r = sysfs_list_members(t->dir, &list, &count);
		if (r == 0) {
			assert_int_equal(count, 1);
			assert_true(list[0].dev == makedev(8, 0));
			free(list);
		} else {
			assert_int_equal(r, -EMFILE);
		}
		close(spare[--n]);
	}
	while (n > 0)
		close(spare[--n]);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_int_equal(r, 0);
}

/* Neither must it count as pulled because its number cannot be read for a reason of another kind. */
static void test_list_members_unreadable_dev(void **state)
{
	const struct tree *t = *state;
	struct sysfs_member *list;
	size_t count;

	make_member(t, "dev-sda", "0\n", "in_sync\n", "block"); /* a link to itself: ELOOP */
	assert_int_equal(sysfs_list_members(t->dir, &list, &count), -ELOOP);
	assert_null(list);
}

static void test_list_many_members(void **state)
{
	const struct tree *t = *state;
	struct sysfs_member *list;
	bool seen[100] = { false };
	size_t count;

	for (unsigned i = 0; i < 100; i++) {
		char name[32], slot[16];

		snprintf(name, sizeof(name), "dev-d%u", i);
		snprintf(slot, sizeof(slot), "%u\n", i);
		make_member(t, name, slot, "in_sync\n", "../nowhere");
	}
	assert_int_equal(sysfs_list_members(t->dir, &list, &count), 0);
	assert_int_equal(count, 100);
	for (size_t i = 0; i < count; i++) {
		assert_true(list[i].slot >= 0 && list[i].slot <= 99);
		seen[list[i].slot] = true;
	}
	for (unsigned i = 0; i < 100; i++)
		assert_true(seen[i]);
	free(list);
}

static uint64_t fingerprint(const struct tree *t)
{
	uint64_t print = 0;

	assert_int_equal(sysfs_members_fingerprint(t->dir, &print), 0);
	return print;
}

/* It changes with the members, and with nothing else. */
static void test_members_fingerprint(void **state)
{
	const struct tree *t = *state;
	uint64_t none = fingerprint(t), one, two, again;

	tree_make_dir(t, "dev-sda");
	one = fingerprint(t);
	assert_true(one != none);
	tree_make_dir(t, "dev-sdb");
	two = fingerprint(t);
	assert_true(two != one && two != none);
	tree_put(t, "array_state", "clean\n");
	put_in(t, "dev-sdb", "state", "spare\n");
	assert_true(fingerprint(t) == two);
	/* removed and added again: the same name, another directory */
	tree_make_dir(t, "new");
	assert_int_equal(unlinkat(t->dir, "dev-sda", AT_REMOVEDIR), 0);
	assert_int_equal(renameat(t->dir, "new", t->dir, "dev-sda"), 0);
	again = fingerprint(t);
	assert_true(again != two);
	assert_int_equal(sysfs_members_fingerprint(-1, &again), -EBADF);
}

/* md says that a member has left while its directory is still there; that it goes is not said any more. */
static void test_fingerprint_of_a_member_that_is_leaving(void **state)
{
	const struct tree *t = *state;
	uint64_t both;

	tree_make_dir(t, "dev-sda");
	tree_make_dir(t, "dev-sdb");
	assert_int_equal(symlinkat("../../../gone", t->dir, "dev-sda/block"), 0);
	assert_int_equal(symlinkat("../../../gone", t->dir, "dev-sdb/block"), 0);
	both = fingerprint(t);
	assert_int_equal(unlinkat(t->dir, "dev-sda/block", 0), 0);
	assert_true(fingerprint(t) != both);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_list_members, tree_setup, tree_teardown),
		cmocka_unit_test_setup_teardown(test_list_members_none, tree_setup, tree_teardown),
		cmocka_unit_test_setup_teardown(test_list_members_no_descriptors, tree_setup, tree_teardown),
		cmocka_unit_test_setup_teardown(test_list_members_unreadable_dev, tree_setup, tree_teardown),
		cmocka_unit_test_setup_teardown(test_list_many_members, tree_setup, tree_teardown),
		cmocka_unit_test_setup_teardown(test_members_fingerprint, tree_setup, tree_teardown),
		cmocka_unit_test_setup_teardown(test_fingerprint_of_a_member_that_is_leaving, tree_setup, tree_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
