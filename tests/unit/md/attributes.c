/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads and writes of attributes that are interrupted, cut short or refused. The kernel interrupts a write while it
 * waits for its reconfiguration lock; the linker leads write() and pread() here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "sysfs.h"

#define ATTRIBUTE 1000 /* no descriptor of this process */

static struct {
	unsigned interrupted; /* so many of the next calls are */
	unsigned calls;
	int error;            /* of the calls after that; 0: they work */
	bool cut;             /* the last byte is not taken */
	char text[64];
} attribute;

static bool refused(void)
{
	attribute.calls++;
	errno = attribute.calls <= attribute.interrupted ? EINTR : attribute.error;
	return errno != 0;
}

ssize_t __real_write(int fd, const void *buf, size_t len);
ssize_t __wrap_write(int fd, const void *buf, size_t len);
ssize_t __wrap_write(int fd, const void *buf, size_t len)
{
	if (fd != ATTRIBUTE)
		return __real_write(fd, buf, len);
	if (refused())
		return -1;
	len -= attribute.cut;
	memset(attribute.text, 0, sizeof(attribute.text));
	memcpy(attribute.text, buf, len);
	return (ssize_t)len;
}

ssize_t __real_pread64(int fd, void *buf, size_t len, off_t offset);
ssize_t __wrap_pread64(int fd, void *buf, size_t len, off_t offset);
ssize_t __wrap_pread64(int fd, void *buf, size_t len, off_t offset)
{
	size_t n = strlen(attribute.text);

	if (fd != ATTRIBUTE)
		return __real_pread64(fd, buf, len, offset);
	assert_int_equal(offset, 0);
	if (refused())
		return -1;
	n = n < len ? n : len;
	memcpy(buf, attribute.text, n);
	return (ssize_t)n;
}

static int setup(void **state)
{
	(void)state;
	memset(&attribute, 0, sizeof(attribute));
	return 0;
}

static void test_interrupted_write_is_repeated(void **state)
{
	(void)state;
	attribute.interrupted = 3;
	assert_int_equal(sysfs_write_fd(ATTRIBUTE, "-blocked"), 0);
	assert_int_equal(attribute.calls, 4);
	assert_string_equal(attribute.text, "-blocked");
}

/* A refusal is an answer: the caller decides when to try again. */
static void test_refused_write_is_not_repeated(void **state)
{
	(void)state;
	attribute.error = EBUSY;
	assert_int_equal(sysfs_write_fd(ATTRIBUTE, "remove"), -EBUSY);
	assert_int_equal(attribute.calls, 1);
}

static void test_short_write_is_an_error(void **state)
{
	(void)state;
	attribute.cut = true;
	assert_int_equal(sysfs_write_fd(ATTRIBUTE, "active"), -EIO);
	assert_int_equal(attribute.calls, 1);
}

static void test_bad_range_is_one_line(void **state)
{
	const struct bad_range r = { .sector = 1024, .length = 8 };

	(void)state;
	attribute.interrupted = 1;
	assert_int_equal(sysfs_write_bad_range(ATTRIBUTE, &r), 0);
	assert_string_equal(attribute.text, "1024 8\n");
}

static void test_interrupted_read_is_repeated(void **state)
{
	char text[16] = "old";

	(void)state;
	attribute.interrupted = 3;
	strcpy(attribute.text, "clean\n");
	assert_int_equal(sysfs_read_fd(ATTRIBUTE, text, sizeof(text)), 5);
	assert_string_equal(text, "clean");
	assert_int_equal(attribute.calls, 4);
}

static void test_failed_read_leaves_no_text(void **state)
{
	char text[16] = "old";

	(void)state;
	attribute.error = ENODEV;
	assert_int_equal(sysfs_read_fd(ATTRIBUTE, text, sizeof(text)), -ENODEV);
	assert_string_equal(text, "");
}

/* What does not fit is cut, and the buffer's end is never passed. */
static void test_read_is_limited(void **state)
{
	struct {
		char text[4];
		char after;
	} b = { .after = 'x' };

	(void)state;
	strcpy(attribute.text, "active");
	assert_int_equal(sysfs_read_fd(ATTRIBUTE, b.text, sizeof(b.text)), 3);
	assert_string_equal(b.text, "act");
	assert_int_equal(b.after, 'x');
	assert_int_equal(sysfs_read_fd(ATTRIBUTE, b.text, 1), 0);
	assert_string_equal(b.text, "");
	assert_int_equal(sysfs_read_fd(ATTRIBUTE, b.text, 0), -EINVAL);
}

#define ATTRIBUTE_TEST(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ATTRIBUTE_TEST(test_interrupted_write_is_repeated),
		ATTRIBUTE_TEST(test_refused_write_is_not_repeated),
		ATTRIBUTE_TEST(test_short_write_is_an_error),
		ATTRIBUTE_TEST(test_bad_range_is_one_line),
		ATTRIBUTE_TEST(test_interrupted_read_is_repeated),
		ATTRIBUTE_TEST(test_failed_read_leaves_no_text),
		ATTRIBUTE_TEST(test_read_is_limited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
