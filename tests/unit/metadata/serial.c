/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The whole file, to reach what is static in it. */
#include "metadata/serial.c"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define DEVNAME_VARIABLE "IMSM_DEVNAME_AS_SERIAL"

static void assert_serial(const struct disk *d, unsigned i, const char *text)
{
	assert_true(i < d->serial_count);
	assert_int_equal(d->serial[i].len, strlen(text));
	assert_memory_equal(d->serial[i].bytes, text, strlen(text));
}

static int no_variable(void **state)
{
	(void)state;
	return unsetenv(DEVNAME_VARIABLE);
}

static void test_env(void **state)
{
	static const struct {
		const char *value;
		bool on;
	} t[] = {
		{ "1", true }, { "01", true }, { "+1", true }, { "0", false }, { "", false }, { "2", false },
		{ "11", false }, { "-1", false }, { "1x", false }, { "1 ", false }, { "yes", false },
		{ "0x1", false }, { "1.0", false }, { "18446744073709551617", false },
	};

	(void)state;
	assert_false(env_is_on(DEVNAME_VARIABLE));
	for (size_t i = 0; i < COUNT(t); i++) {
		setenv(DEVNAME_VARIABLE, t[i].value, 1);
		assert_int_equal(env_is_on(DEVNAME_VARIABLE), t[i].on);
	}
}

static void test_devname_as_serial(void **state)
{
	struct disk d = { .name = "loop1" };

	(void)state;
	serial_from_name(&d);
	assert_int_equal(d.serial_count, 0);
	setenv(DEVNAME_VARIABLE, "1", 1);
	serial_from_name(&d);
	assert_int_equal(d.serial_count, 1);
	assert_serial(&d, 0, "/dev/loop1");

	d = (struct disk){ .name = "nvme10n1p1" };
	serial_from_name(&d);
	assert_serial(&d, 0, "/dev/nvme10n1p1"); /* 15 fit */
	d = (struct disk){ .name = "nvme100n1p12" };
	serial_from_name(&d);
	assert_serial(&d, 0, "/dev/nvme100n1p");
	memset(d.name, 'x', sizeof(d.name) - 1);
	d.serial_count = 0;
	serial_from_name(&d);
	assert_serial(&d, 0, "/dev/xxxxxxxxxx");
}

static void add_text(struct disk *d, const char *text)
{
	add_serial(d, text, strlen(text));
}

static void test_add_serial(void **state)
{
	struct disk d = { 0 };
	char longest[400];

	(void)state;
	add_text(&d, "");
	add_text(&d, "   ");
	add_serial(&d, "\0\0\t ", 4);
	assert_int_equal(d.serial_count, 0);
	add_text(&d, "  WD-123  ");
	assert_serial(&d, 0, "  WD-123  "); /* raw */
	add_text(&d, "WD-123");
	add_text(&d, "WD-1 23\n");
	add_serial(&d, "WD-123\0\0", 8);
	assert_int_equal(d.serial_count, 1);
	add_text(&d, "WD-12");
	add_text(&d, "WD-1234");
	assert_int_equal(d.serial_count, 3);
	assert_serial(&d, 1, "WD-12");
	memset(longest, 'l', sizeof(longest));
	add_serial(&d, longest, sizeof(longest));
	assert_int_equal(d.serial_count, 4);
	assert_int_equal(d.serial[3].len, DISK_SERIAL_MAX);
	add_text(&d, "one too many");
	assert_int_equal(d.serial_count, DISK_SERIALS);
	assert_serial(&d, 0, "  WD-123  ");
}

static void test_page80(void **state)
{
	static const struct {
		const char *page;
		size_t size;
		const char *serial;
	} t[] = {
		{ "\0\x80\0\4WXYZ", 8, "WXYZ" },
		{ "\0\x80\0\4WXYZjunk", 12, "WXYZ" },
		{ "\0\x80\0\1W", 5, "W" },
		{ "\x60\x80\0\4 W Z", 8, " W Z" },
		{ "\0\x80\0\0WXYZ", 8, NULL },   /* no length */
		{ "\0\x80\0\5WXYZ", 8, NULL },   /* beyond the end */
		{ "\0\x80\0\x33" "0123456789012345678901234567890123456789012345678901", 56, NULL }, /* 51 */
		{ "\0\x83\0\4WXYZ", 8, NULL },   /* another page */
		{ "\0\x80\0\4", 4, NULL }, { "\0\x80\0", 3, NULL }, { "", 0, NULL },
		{ "\0\x80\0\4    ", 8, NULL },   /* blank */
	};

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++) {
		struct disk d = { 0 };
		unsigned char *page = malloc(t[i].size + !t[i].size); /* its own block, for the address sanitizer */

		memcpy(page, t[i].page, t[i].size);
		serial_from_page80(&d, page, t[i].size);
		assert_int_equal(d.serial_count, t[i].serial ? 1 : 0);
		if (t[i].serial)
			assert_serial(&d, 0, t[i].serial);
		free(page);
	}
}

static void test_page80_longest(void **state)
{
	unsigned char page[60] = { 0, 0x80, 0, 50 };
	struct disk d = { 0 };

	(void)state;
	memset(page + 4, 'S', 50);
	serial_from_page80(&d, page, sizeof(page));
	assert_int_equal(d.serial[0].len, 50);
}

static void test_inquiry_of_what_is_no_disk(void **state)
{
	struct disk d = { .fd = open("/dev/null", O_RDONLY | O_CLOEXEC) };

	(void)state;
	assert_true(d.fd >= 0);
	serial_from_inquiry(&d);
	assert_int_equal(d.serial_count, 0);
	close(d.fd);
}

static void test_nvme_controller_names(void **state)
{
	(void)state;
	assert_true(is_nvme_controller("nvme0"));
	assert_true(is_nvme_controller("nvme12"));
	assert_false(is_nvme_controller("nvme"));
	assert_false(is_nvme_controller("nvme0n1"));
	assert_false(is_nvme_controller("nvme0c1n1"));
	assert_false(is_nvme_controller("nvme-subsys0"));
	assert_false(is_nvme_controller("sda"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_env, no_variable, no_variable),
		cmocka_unit_test_setup_teardown(test_devname_as_serial, no_variable, no_variable),
		cmocka_unit_test(test_add_serial),
		cmocka_unit_test(test_page80),
		cmocka_unit_test(test_page80_longest),
		cmocka_unit_test(test_inquiry_of_what_is_no_disk),
		cmocka_unit_test(test_nvme_controller_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
