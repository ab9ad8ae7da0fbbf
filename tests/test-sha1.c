/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "sha1.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void assert_digest(const char *message, size_t len, const char *expected)
{
	uint8_t digest[SHA1_SIZE];
	char text[2 * SHA1_SIZE + 1];

	sha1(message, len, digest);
	for (unsigned i = 0; i < SHA1_SIZE; i++)
		snprintf(text + (size_t)2 * i, 3, "%02x", digest[i]);
	assert_string_equal(text, expected);
}

/* Among them the examples of the standard. */
static void test_known_messages(void **state)
{
	static const struct {
		const char *message, *digest;
	} rows[] = {
		{ "", "da39a3ee5e6b4b0d3255bfef95601890afd80709" },
		{ "abc", "a9993e364706816aba3e25717850c26c9cd0d89d" },
		{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", "84983e441c3bd26ebaae4aa1f95129e5e54670f1" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_digest(rows[i].message, strlen(rows[i].message), rows[i].digest);
}

/* The message and its length just fit into a block, or just do not. */
static void test_block_borders(void **state)
{
	static const struct {
		size_t len;
		const char *digest; /* of so many times "a" */
	} rows[] = {
		{ 55, "c1c8bbdc22796e28c0e15163d20899b65621d65a" },
		{ 56, "c2db330f6083854c99d4b5bfb6e8f29f201be699" },
		{ 63, "03f09f5b158a7a8cdad920bddc29b81c18a551f5" },
		{ 64, "0098ba824b5c16427bd7a1122a5a442a25ec644d" },
		{ 65, "11655326c708d70319be2610e8a57d9a5b959d3b" },
		{ 119, "ee971065aaa017e0632a8ca6c77bb3bf8b1dfc56" },
	};
	char a[SHA1_MESSAGE_MAX];

	(void)state;
	memset(a, 'a', sizeof(a));
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_digest(a, rows[i].len, rows[i].digest);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_messages),
		cmocka_unit_test(test_block_borders),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
