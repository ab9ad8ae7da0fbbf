/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <dirent.h>

/* The whole file, to reach what is static in it. */
#include "../../sysfs.c"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "tests/unit/support/tree.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void test_uevent_devname(void **state)
{
	static const struct {
		const char *text, *name;
	} t[] = {
		{ "MAJOR=8\nMINOR=0\nDEVNAME=sda\nDEVTYPE=disk\n", "sda" }, { "DEVNAME=cciss/c0d0", "cciss/c0d0" },
		{ "DEVNAME=\n", NULL }, { "XDEVNAME=sda\n", NULL }, { "DEVNAM", NULL }, { "", NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++) {
		size_t len = 0;
		const char *name = uevent_devname(t[i].text, &len);

		if (!t[i].name) {
			assert_null(name);
			continue;
		}
		assert_non_null(name);
		assert_int_equal(len, strlen(t[i].name));
		assert_memory_equal(name, t[i].name, len);
	}
}

static void test_read_and_write(void **state)
{
	const struct tree *t = *state;
	char buf[8];
	int fd;

	tree_put(t, "a", "clean\n");
	assert_int_equal(sysfs_read_attr(t->dir, "a", buf, sizeof(buf)), 5);
	assert_string_equal(buf, "clean");
	tree_put(t, "a", "");
	assert_int_equal(sysfs_read_attr(t->dir, "a", buf, sizeof(buf)), 0);
	assert_string_equal(buf, "");
	tree_put(t, "a", "0123456789\n");
	assert_int_equal(sysfs_read_attr(t->dir, "a", buf, sizeof(buf)), 7);
	assert_string_equal(buf, "0123456");
	tree_put(t, "a", "two\n\n");
	assert_int_equal(sysfs_read_attr(t->dir, "a", buf, sizeof(buf)), 4);
	assert_int_equal(sysfs_read_attr(t->dir, "none", buf, sizeof(buf)), -ENOENT);
	assert_string_equal(buf, "");
	assert_int_equal(sysfs_read_attr(t->dir, "a", buf, 0), -EINVAL);
	assert_int_equal(sysfs_read_attr(t->dir, "none", buf, 0), -ENOENT);

	tree_put(t, "b", "");
	assert_int_equal(sysfs_write_attr(t->dir, "b", "active"), 0);
	assert_int_equal(sysfs_read_attr(t->dir, "b", buf, sizeof(buf)), 6);
	assert_string_equal(buf, "active");
	tree_put(t, "b", "");
	assert_int_equal(sysfs_write_attr_u64(t->dir, "b", 4096), 0);
	assert_int_equal(sysfs_read_attr(t->dir, "b", buf, sizeof(buf)), 4);
	assert_string_equal(buf, "4096");
	assert_int_equal(sysfs_write_attr(t->dir, "none", "x"), -ENOENT);

	fd = sysfs_open_attr(t->dir, "b", O_RDONLY);
	assert_true(fd >= 0);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(sysfs_write_fd(fd, "x"), -EBADF);
	/* again from the start, as a poller must */
	assert_int_equal(sysfs_read_fd(fd, buf, sizeof(buf)), 4);
	assert_int_equal(sysfs_read_fd(fd, buf, sizeof(buf)), 4);
	close(fd);
	assert_int_equal(sysfs_read_fd(-1, buf, sizeof(buf)), -EBADF);
}

/* ---- the system's own /sys ---- */

static void test_open_md_dir(void **state)
{
	static const char *const bad[] = { "", ".", "..", "md127/..", "/etc", "a/b",
					   "md_12345678901234567890123456789" };

	(void)state;
	if (sysfs_init() < 0) {
		print_message("SKIPPED: no /sys/block here\n");
		skip();
	}
	assert_int_equal(sysfs_init(), 0);
	assert_int_equal(sysfs_open_md_dir("md_no_such_array"), -ENOENT);
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_int_equal(sysfs_open_md_dir(bad[i]), -EINVAL);
}

static void test_block_name(void **state)
{
	char text[64], name[64], small[2], path[PATH_MAX];
	const struct dirent *e;
	DIR *d = opendir("/sys/block");
	unsigned seen = 0;
	dev_t dev;

	(void)state;
	while (d && (e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.' || strchr(e->d_name, '!'))
			continue;
		snprintf(path, sizeof(path), "/sys/block/%s/dev", e->d_name);
		if (sysfs_read_attr(AT_FDCWD, path, text, sizeof(text)) <= 0)
			continue;
		assert_int_equal(sysfs_parse_dev(text, &dev), 0);
		assert_int_equal(sysfs_block_name(dev, name, sizeof(name)), 0);
		assert_string_equal(name, e->d_name);
		assert_int_equal(name_from_link(dev, name, sizeof(name)), 0);
		assert_string_equal(name, e->d_name);
		assert_int_equal(sysfs_block_name(dev, small, sizeof(small)), -ENAMETOOLONG);
		assert_int_equal(name_from_link(dev, small, sizeof(small)), -ENAMETOOLONG);
		seen++;
	}
	if (d)
		closedir(d);
	if (!seen) {
		print_message("SKIPPED: no block device here\n");
		skip();
	}
	assert_int_equal(sysfs_block_name(makedev(4095, 1048575), name, sizeof(name)), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_uevent_devname),
		cmocka_unit_test_setup_teardown(test_read_and_write, tree_setup, tree_teardown),
		cmocka_unit_test(test_open_md_dir),
		cmocka_unit_test(test_block_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
