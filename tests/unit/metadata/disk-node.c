/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Through which node a disk is opened. udev looks at a disk again whenever somebody closes its ordinary node after
 * writing, so the daemon uses one of its own. The calls of the libc are replaced by a small world of nodes.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "metadata/disk.h"

#define DISK makedev(8, 16)
#define OTHER makedev(8, 32)
#define NODES 8

static struct world {
	struct {
		char path[128]; /* "": the place is free */
		dev_t dev;
		mode_t mode;
	} node[NODES];
	int mknod_dev, mknod_run; /* errno of mknod below /dev and elsewhere; 0: it works */
	int open_own, open_ordinary; /* errno of open */
	bool swap; /* the node is another device between the look at it and its opening */
	char opened[128]; /* the node that was opened last with success */
	int opened_flags;
	dev_t opened_dev;
	unsigned made; /* nodes, with mknod */
	unsigned warnings;
	char warning[256];
} w;

static bool is_own(const char *path)
{
	return strstr(path, "/.mdmon.") != NULL;
}

static int find(const char *path)
{
	for (int i = 0; i < NODES; i++)
		if (w.node[i].path[0] && strcmp(w.node[i].path, path) == 0)
			return i;
	return -1;
}

static void put(const char *path, mode_t mode, dev_t dev)
{
	for (int i = 0; i < NODES; i++)
		if (!w.node[i].path[0]) {
			snprintf(w.node[i].path, sizeof(w.node[i].path), "%s", path);
			w.node[i].mode = mode;
			w.node[i].dev = dev;
			return;
		}
	fail();
}

static unsigned count_nodes(void)
{
	unsigned n = 0;

	for (int i = 0; i < NODES; i++)
		n += w.node[i].path[0] != '\0';
	return n;
}

static int fail_with(int error)
{
	errno = error;
	return -1;
}

int __wrap_mknod(const char *path, mode_t mode, dev_t dev);
int __wrap_mknod(const char *path, mode_t mode, dev_t dev)
{
	int error = strncmp(path, "/dev/", 5) == 0 ? w.mknod_dev : w.mknod_run;

	if (error)
		return fail_with(error);
	if (find(path) >= 0)
		return fail_with(EEXIST);
	put(path, mode, dev);
	w.made++;
	return 0;
}

int __real_unlink(const char *path);
int __wrap_unlink(const char *path);
int __wrap_unlink(const char *path)
{
	int i = find(path);

	if (!is_own(path))
		return __real_unlink(path);
	if (i < 0)
		return fail_with(ENOENT);
	w.node[i].path[0] = '\0';
	return 0;
}

static void look(struct stat *st, mode_t mode, dev_t dev)
{
	memset(st, 0, sizeof(*st));
	st->st_mode = mode;
	st->st_rdev = dev;
}

int __wrap_stat64(const char *path, struct stat *st);
int __wrap_stat64(const char *path, struct stat *st)
{
	int i = find(path);

	if (i < 0)
		return fail_with(ENOENT);
	look(st, w.node[i].mode, w.node[i].dev);
	return 0;
}

int __wrap_fstat64(int fd, struct stat *st);
int __wrap_fstat64(int fd, struct stat *st)
{
	(void)fd;
	look(st, S_IFBLK | 0600, w.opened_dev);
	return 0;
}

int __real_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...)
{
	int i = find(path), error = is_own(path) ? w.open_own : w.open_ordinary;

	if (i < 0)
		return fail_with(ENOENT);
	if (error)
		return fail_with(error);
	snprintf(w.opened, sizeof(w.opened), "%s", path);
	w.opened_flags = flags;
	w.opened_dev = w.swap ? OTHER : w.node[i].dev;
	return __real_open64("/dev/null", O_RDWR | O_CLOEXEC);
}

/* What open() becomes with clang and _FORTIFY_SOURCE. */
int __wrap___open64_2(const char *path, int flags);
int __wrap___open64_2(const char *path, int flags)
{
	return __wrap_open64(path, flags);
}

void __wrap_log_warning(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void __wrap_log_warning(const char *fmt, ...)
{
	va_list ap;

	w.warnings++;
	va_start(ap, fmt);
	vsnprintf(w.warning, sizeof(w.warning), fmt, ap);
	va_end(ap);
}

/* /dev/sdb is the disk, as on every machine. */
static int set_up(void **state)
{
	(void)state;
	memset(&w, 0, sizeof(w));
	put("/dev/sdb", S_IFBLK | 0660, DISK);
	return 0;
}

/* Opens the disk; what is left must be the ordinary node alone. */
static int open_disk(int flags)
{
	int fd = disk_open_node(DISK, "sdb", flags);

	if (fd >= 0)
		close(fd);
	for (int i = 0; i < NODES; i++)
		assert_false(w.node[i].path[0] && is_own(w.node[i].path));
	return fd < 0 ? fd : 0;
}

static void test_writing_opens_a_node_of_our_own(void **state)
{
	(void)state;
	assert_int_equal(open_disk(O_RDWR | O_DIRECT), 0);
	assert_true(strncmp(w.opened, "/dev/.mdmon.", strlen("/dev/.mdmon.")) == 0);
	assert_int_equal(w.opened_flags, O_RDWR | O_DIRECT | O_CLOEXEC);
	assert_int_equal(w.made, 1);
	assert_int_equal(w.warnings, 0);
	assert_int_equal(open_disk(O_WRONLY), 0);
	assert_true(is_own(w.opened));
}

/* Closing what was open for reading is no event. */
static void test_reading_opens_the_ordinary_node(void **state)
{
	(void)state;
	assert_int_equal(open_disk(O_RDONLY | O_EXCL), 0);
	assert_string_equal(w.opened, "/dev/sdb");
	assert_int_equal(w.made, 0);
}

static void test_reading_without_the_ordinary_node(void **state)
{
	(void)state;
	w.node[0].path[0] = '\0';
	assert_int_equal(open_disk(O_RDONLY), 0);
	assert_true(is_own(w.opened));
}

/* An initramfs whose /dev is read-only or mounted "nodev". */
static void test_no_node_in_dev(void **state)
{
	(void)state;
	w.mknod_dev = EROFS;
	assert_int_equal(open_disk(O_RDWR), 0);
	assert_true(is_own(w.opened));
	assert_true(strncmp(w.opened, "/dev/", 5) != 0);
	assert_int_equal(w.warnings, 0);
}

static void test_no_node_anywhere(void **state)
{
	static const int errors[] = { EROFS, EPERM, EACCES, ENOSPC };

	(void)state;
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		set_up(NULL);
		w.mknod_dev = w.mknod_run = errors[i];
		assert_int_equal(open_disk(O_RDWR), 0);
		assert_string_equal(w.opened, "/dev/sdb");
		assert_int_equal(w.warnings, 1);
		assert_non_null(strstr(w.warning, strerror(errors[i])));
		assert_non_null(strstr(w.warning, "sdb"));
	}
}

/* A device that cannot be opened is not opened by another way, and nothing is said of nodes. */
static void test_a_device_that_is_gone(void **state)
{
	(void)state;
	w.open_own = ENXIO;
	assert_int_equal(open_disk(O_RDWR), -ENXIO);
	assert_string_equal(w.opened, "");
	assert_int_equal(w.warnings, 0);
	assert_int_equal(count_nodes(), 1);
}

/* The kernel's answer for a disk that is write-protected is the same as for a "nodev" directory. */
static void test_a_write_protected_disk(void **state)
{
	(void)state;
	w.open_own = w.open_ordinary = EACCES;
	assert_int_equal(open_disk(O_RDWR), -EACCES);
	assert_int_equal(w.made, 2);
	assert_int_equal(w.warnings, 0);
}

static void test_another_device_is_refused(void **state)
{
	(void)state;
	w.swap = true;
	assert_int_equal(open_disk(O_RDWR), -ENODEV);
	assert_true(is_own(w.opened));
	assert_int_equal(open_disk(O_RDONLY), -ENODEV);
}

static void test_an_ordinary_node_of_another_device(void **state)
{
	(void)state;
	w.mknod_dev = w.mknod_run = EPERM;
	w.node[0].dev = OTHER;
	assert_int_equal(open_disk(O_RDWR), -EPERM);
	assert_string_equal(w.opened, "");
	w.node[0].dev = DISK;
	w.node[0].mode = S_IFCHR | 0600;
	assert_int_equal(open_disk(O_RDWR), -EPERM);
	assert_string_equal(w.opened, "");
}

/* Left by a process that had our pid, and killed between two calls. */
static void test_a_leftover_is_replaced(void **state)
{
	char path[128];

	(void)state;
	snprintf(path, sizeof(path), "/dev/.mdmon.%d.8.16", (int)gettid());
	put(path, S_IFBLK | 0600, OTHER);
	assert_int_equal(open_disk(O_RDWR), 0);
	assert_string_equal(w.opened, path);
	assert_int_equal(w.opened_dev, DISK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_writing_opens_a_node_of_our_own, set_up),
		cmocka_unit_test_setup(test_reading_opens_the_ordinary_node, set_up),
		cmocka_unit_test_setup(test_reading_without_the_ordinary_node, set_up),
		cmocka_unit_test_setup(test_no_node_in_dev, set_up),
		cmocka_unit_test_setup(test_no_node_anywhere, set_up),
		cmocka_unit_test_setup(test_a_device_that_is_gone, set_up),
		cmocka_unit_test_setup(test_a_write_protected_disk, set_up),
		cmocka_unit_test_setup(test_another_device_is_refused, set_up),
		cmocka_unit_test_setup(test_an_ordinary_node_of_another_device, set_up),
		cmocka_unit_test_setup(test_a_leftover_is_replaced, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
