/* SPDX-License-Identifier: GPL-2.0-or-later */
/* imsm/refusal.c: what is refused because of a disk names it, and says why, in the messages of mdadm, too. */
#include "tests/unit/support/imsm-shape.h"

#include <errno.h>
#include <string.h>

#include "imsm/imsm.h"
#include "lib/refuse.h"

static const char *reason_of(const struct shape_message *m)
{
	const char *why = NULL;

	assert_int_not_equal(imsm_apply_message(&ifx.c, &ifx.scratch, m->word, m->len, &why), 0);
	assert_non_null(why);
	return why;
}

static void test_disk_has_name_and_serial(void **state)
{
	struct disk d = { .name = "sdb" };
	struct imsm_dl dl = { .disk = &d, .serial = "WD-12345" };
	const char *why;

	(void)state;
	assert_int_equal(imsm_refuse_disk(&why, -ENOSPC, "more disks", &dl, "is too small"), -ENOSPC);
	assert_string_equal(why, "more disks: disk sdb (serial WD-12345) is too small");
	/* All 16 characters, without an end */
	memcpy(dl.serial, "0123456789abcdef", IMSM_SERIAL_LEN);
	imsm_refuse_disk(&why, -EINVAL, "create", &dl, "has failed");
	assert_string_equal(why, "create: disk sdb (serial 0123456789abcdef) has failed");
	assert_int_equal(imsm_refuse_disk(NULL, -EINVAL, "create", &dl, "has failed"), -EINVAL);
}

static void test_disk_without_a_name_has_its_number(void **state)
{
	struct imsm_dl dl = { .dev = ifx_dev(17), .serial = "X" };
	const char *why;

	(void)state;
	imsm_refuse_disk(&why, -EINVAL, "create", &dl, "has failed");
	assert_string_equal(why, "create: disk 8:17 (serial X) has failed");
}

/* It would begin a line of its own in the log. */
static void test_serial_is_made_printable(void **state)
{
	static const uint8_t serial[IMSM_SERIAL_LEN] = "a\nb\x80 c";
	const char *why;

	(void)state;
	imsm_refuse_serial(&why, -EINVAL, "create", serial, "is not in the container");
	assert_string_equal(why, "create: the disk with the serial a?b??c is not in the container");
}

static void test_grow_names_the_disk(void **state)
{
	static const struct {
		struct shape_message m;
		const char *why;
	} rows[] = {
		{ GROW(3, 4, 0x80f), "more disks: disk 8:15 is not in the container" },
		{ GROW(3, 4, 0x801), "more disks: disk sdx (serial DISK1) is a member already" },
		{ GROW(3, 5, 0x803, 0x803), "more disks: disk sdx (serial DISK3) is named twice" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		shape_ordinary();
		for (struct imsm_dl *dl = ifx.c.disks; dl; dl = dl->next)
			strcpy(dl->disk->name, "sdx");
		assert_string_equal(reason_of(&rows[i].m), rows[i].why);
	}
}

static void test_disk_that_is_too_small_is_named(void **state)
{
	static const struct shape_message grow = GROW(3, 5, 0x803, 0x804), size = RESIZE(0, FX_DISK_BLOCKS * 2 + 4 * MIB);

	(void)state;
	shape_ordinary();
	strcpy(ifx.dl[4].disk->name, "sde");
	ifx.dl[4].disk->size = 4096;
	imsm_disk_set_blocks(&ifx.dl[4].record, 8);
	assert_string_equal(reason_of(&grow), "more disks: disk sde (serial DISK4) is too small");
	shape_ordinary();
	strcpy(ifx.dl[2].disk->name, "sdc");
	assert_string_equal(reason_of(&size), "size change: disk sdc (serial DISK2) has no room");
}

static void test_takeover_names_what_is_missing(void **state)
{
	static const struct shape_message up = TAKEOVER(0, TO_RAID10), down = TAKEOVER(0, TO_RAID0);

	(void)state;
	ifx_init(&ifx, 3);
	ifx_volume(&ifx, 0, "N 0,1?,2");
	assert_string_equal(reason_of(&up),
			    "takeover: the disk with the serial DISK1 is missing, or has failed");
	ifx_init(&ifx, 4);
	ifx_volume(&ifx, 10, "D 0,1x!,2,3 f1");
	assert_string_equal(reason_of(&down), "takeover: not exactly one of slots 2 and 3 is left");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_disk_has_name_and_serial),
		cmocka_unit_test(test_disk_without_a_name_has_its_number),
		cmocka_unit_test(test_serial_is_made_printable),
		cmocka_unit_test(test_grow_names_the_disk),
		cmocka_unit_test(test_disk_that_is_too_small_is_named),
		cmocka_unit_test(test_takeover_names_what_is_missing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
