/* SPDX-License-Identifier: GPL-2.0-or-later */
/* imsm/messages.c: a volume is deleted or renamed or gets another policy; messages that are not for us. */
#include "tests/unit/support/imsm-message.h"

#include <errno.h>

/* ---- messages ---- */

static struct message rename_to(int32_t index, const char *name)
{
	struct message m = { .len = 0 };
	char field[IMSM_NAME_LEN] = { 0 };

	memcpy(field, name, strnlen(name, sizeof(field)));
	message_put_word(&m, IMSM_UPDATE_RENAME_ARRAY);
	message_put(&m, field, sizeof(field));
	message_put_word(&m, index);
	return m;
}

/* ---- kill ---- */

static void three_volumes(unsigned live)
{
	ifx_init(&ifx, MEMBERS);
	ifx_volume(&ifx, 5, "N 0,1,2");
	ifx_volume(&ifx, 5, "U 2,0,1");
	ifx_volume(&ifx, 5, "N 1,2,0");
	ifx.c.live_volumes = live;
}

static void test_kill_captured(void **state)
{
	static const uint8_t msg[] = { 2, 0, 0, 0, 1, 0, 0, 0 };

	(void)state;
	three_volumes(1);
	message_assert_refused_at_every_length(msg, sizeof(msg));
	message_assert_applied(msg, sizeof(msg));
	assert_true(ifx.c.write_due);
	assert_int_equal(ifx.c.meta.num_volumes, 2);
	assert_string_equal(ifx_text(&ifx, 0), "N 0,1,2");
	assert_string_equal(ifx_text(&ifx, 1), "N 1,2,0");
	assert_int_equal(ifx.c.meta.num_disks, 3); /* nobody becomes a spare */
	assert_int_equal(le32_get(ifx.c.meta.disk[0].status), IMSM_DISK_CONFIGURED);
}

static void test_kill_first(void **state)
{
	struct message m = WORDS(IMSM_UPDATE_KILL_ARRAY, 0);

	(void)state;
	three_volumes(0);
	message_assert_applied(m.bytes, m.len);
	assert_string_equal(ifx_text(&ifx, 0), "U 2,0,1");
	assert_string_equal(ifx_text(&ifx, 1), "N 1,2,0");
}

/* A RAID0 kept the entry of the disk that it had lost. */
static void test_kill_drops_lost_disks(void **state)
{
	struct message m = WORDS(IMSM_UPDATE_KILL_ARRAY, 1);

	(void)state;
	ifx_init(&ifx, 4);
	ifx_volume(&ifx, 1, "N 0,3");
	ifx_volume(&ifx, 0, "F 0,1x?! f1"); /* disk 2 is good, and in no volume */
	ifx.c.live_volumes = 1;
	message_assert_applied(m.bytes, m.len);
	assert_int_equal(ifx.c.meta.num_disks, 3);
	assert_string_equal(ifx_text(&ifx, 0), "N 0,2");
	assert_true(ifx_table_serial_is(&ifx, 1, "DISK2"));
}

static void test_kill_refused(void **state)
{
	static const int32_t bad[] = { -1, INT32_MIN, 3, 8, 256, INT32_MAX };
	struct message m;

	(void)state;
	three_volumes(0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		m = WORDS(IMSM_UPDATE_KILL_ARRAY, bad[i]);
		message_assert_refused(m.bytes, m.len, -EINVAL);
	}
	m = WORDS(IMSM_UPDATE_KILL_ARRAY, 1);
	three_volumes(1u << 1); /* it is in use */
	message_assert_refused(m.bytes, m.len, -EBUSY);
	three_volumes(1u << 2); /* one behind it, whose index would change */
	message_assert_refused(m.bytes, m.len, -EBUSY);
	message_container(); /* the only one */
	ifx.c.live_volumes = 0;
	m = WORDS(IMSM_UPDATE_KILL_ARRAY, 0);
	message_assert_refused(m.bytes, m.len, -EINVAL);
}

/* ---- rename ---- */

static void test_rename_captured(void **state)
{
	static const uint8_t msg[] = { 3, 0, 0, 0, 0x6e, 0x65, 0x77, 0x6e, 0x61, 0x6d, 0x65, 0,
				       0, 0, 0, 0, 0,    0,    0,    0,    1,    0,    0,    0 };

	(void)state;
	three_volumes(1);
	message_assert_refused_at_every_length(msg, sizeof(msg));
	message_assert_applied(msg, sizeof(msg));
	assert_true(ifx.c.write_due);
	assert_memory_equal(ifx.c.meta.volume[1].head.name, "newname\0\0\0\0\0\0\0\0", 16);
	assert_memory_equal(ifx.c.meta.volume[0].head.name, "vol0", 5);
}

static void test_rename_names(void **state)
{
	static const struct {
		const char *name;
		int err;
	} rows[] = {
		{ "a", 0 },
		{ "Az09._-", 0 },
		{ "_x", 0 },
		{ "vol", 0 },
		{ "123456789012345", 0 },
		{ "", -EINVAL },
		{ ".x", -EINVAL },
		{ "-x", -EINVAL },
		{ "a b", -EINVAL },
		{ "a/b", -EINVAL },
		{ "a\n", -EINVAL },
		{ "a\xe4", -EINVAL },
		{ "vol0", -EEXIST },
		{ "vol1", -EEXIST }, /* its own */
		{ "vol2", -EEXIST },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct message m = rename_to(1, rows[i].name);

		three_volumes(0);
		if (rows[i].err) {
			message_assert_refused(m.bytes, m.len, rows[i].err);
			continue;
		}
		message_assert_applied(m.bytes, m.len);
		assert_string_equal((const char *)ifx.c.meta.volume[1].head.name, rows[i].name);
	}
}

/* 16 characters without an end: the last one is dropped. And nothing of a longer old name remains. */
static void test_rename_full_field(void **state)
{
	struct message m = rename_to(1, "abcdefghijklmnop");

	(void)state;
	three_volumes(0);
	message_assert_applied(m.bytes, m.len);
	assert_memory_equal(ifx.c.meta.volume[1].head.name, "abcdefghijklmno", 16);
	m = rename_to(1, "x");
	message_assert_applied(m.bytes, m.len);
	assert_memory_equal(ifx.c.meta.volume[1].head.name, "x\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16);
}

static void test_rename_refused(void **state)
{
	static const int32_t bad[] = { -1, INT32_MIN, 3, 8, 256, INT32_MAX };
	struct message m;

	(void)state;
	three_volumes(0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		m = rename_to(bad[i], "x");
		message_assert_refused(m.bytes, m.len, -EINVAL);
	}
	three_volumes(1u << 1);
	m = rename_to(1, "x");
	message_assert_refused(m.bytes, m.len, -EBUSY);
	m = rename_to(2, "x"); /* its index does not matter */
	message_assert_applied(m.bytes, m.len);
}

/* ---- policy ---- */

static void test_policy_captured(void **state)
{
	static const uint8_t ppl[] = { 0x0b, 0, 0, 0, 3, 0, 0, 0, 1, 0, 0, 0 };
	static const uint8_t bitmap[] = { 0x0b, 0, 0, 0, 6, 0, 0, 0, 1, 0, 0, 0 };
	struct message m;

	(void)state;
	three_volumes(0);
	message_assert_refused_at_every_length(ppl, sizeof(ppl));
	message_assert_applied(ppl, sizeof(ppl));
	assert_true(ifx.c.write_due);
	assert_int_equal(ifx.c.meta.volume[1].head.rwh_policy, 3);
	assert_int_equal(ifx.c.meta.volume[0].head.rwh_policy, 5);
	message_assert_applied(ppl, sizeof(ppl));
	assert_false(ifx.c.write_due);
	message_assert_applied(bitmap, sizeof(bitmap));
	assert_int_equal(ifx.c.meta.volume[1].head.rwh_policy, 6);
	m = WORDS(IMSM_UPDATE_RWH_POLICY, 0, 0);
	message_assert_applied(m.bytes, m.len);
	assert_int_equal(ifx.c.meta.volume[0].head.rwh_policy, 0);
}

static void test_policy_refused(void **state)
{
	static const int32_t index[] = { -1, INT32_MIN, 3, 8, 256, INT32_MAX };
	static const int32_t value[] = { -1, 7, 256, 259, INT32_MAX, INT32_MIN };
	struct message m;

	(void)state;
	three_volumes(0);
	for (size_t i = 0; i < sizeof(index) / sizeof(index[0]); i++) {
		m = WORDS(IMSM_UPDATE_RWH_POLICY, 3, index[i]);
		message_assert_refused(m.bytes, m.len, -EINVAL);
		m = WORDS(IMSM_UPDATE_RWH_POLICY, value[i], 1);
		message_assert_refused(m.bytes, m.len, -EINVAL);
	}
}

/* ---- other types ---- */

static void test_other_types(void **state)
{
	static const struct {
		int32_t type;
		int err;
	} rows[] = {
		{ 0, -EINVAL },   { 4, -EINVAL },   { 10, -EINVAL },        { 12, -EINVAL },
		{ -1, -EINVAL },  { 256, -EINVAL }, { 257, -EINVAL },
		{ INT32_MIN, -EINVAL }, { INT32_MAX, -EINVAL },
	};

	(void)state;
	message_container();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct message m = WORDS(rows[i].type, 0, 0, 0, 0, 0, 0, 0);

		message_assert_refused(m.bytes, m.len, rows[i].err);
		message_assert_refused(m.bytes, 4, rows[i].err);
	}
	message_assert_refused("", 0, -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kill_captured),
		cmocka_unit_test(test_kill_first),
		cmocka_unit_test(test_kill_drops_lost_disks),
		cmocka_unit_test(test_kill_refused),
		cmocka_unit_test(test_rename_captured),
		cmocka_unit_test(test_rename_names),
		cmocka_unit_test(test_rename_full_field),
		cmocka_unit_test(test_rename_refused),
		cmocka_unit_test(test_policy_captured),
		cmocka_unit_test(test_policy_refused),
		cmocka_unit_test(test_other_types),
	};

	return cmocka_run_group_tests_name("imsm-messages", tests, NULL, NULL);
}
