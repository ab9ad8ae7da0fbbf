/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages: how they are framed, whatever arrives in whichever pieces. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "msg.h"
#include "tests/unit/support/socket-rig.h"

static void test_wire_format(void **state)
{
	unsigned char buf[32];
	uint32_t word;

	(void)state;
	assert_int_equal(msg_encode(buf, 3, "abc"), 15);
	memcpy(&word, buf, 4);
	assert_int_equal(word, 0x5a5aa5a5u);
	memcpy(&word, buf + 4, 4);
	assert_int_equal(word, 3);
	assert_memory_equal(buf + 8, "abc", 3);
	memcpy(&word, buf + 11, 4);
	assert_int_equal(word, 0xa5a55a5au);
	assert_int_equal(msg_encode(buf, 0, NULL), 12);
	assert_int_equal(msg_encode(buf, -1, NULL), 12);
	memcpy(&word, buf + 4, 4);
	assert_int_equal(word, 0xffffffffu);
}

/* Feeds in steps of `step` bytes. */
static void feed_in_steps(int32_t len, size_t step)
{
	size_t data_len = len > 0 ? (size_t)len : 0, size = data_len + 12, pos = 0, used;
	unsigned char *data = malloc(data_len + 1), *frame = malloc(size);
	enum msg_parse_status status = MSG_INCOMPLETE;
	struct msg_parser p;

	fill_pattern(data, data_len, 5);
	assert_int_equal(msg_encode(frame, len, data), size);
	msg_parser_init(&p);
	while (pos < size) {
		size_t n = size - pos < step ? size - pos : step;

		assert_int_equal(status, MSG_INCOMPLETE);
		status = msg_parser_feed(&p, frame + pos, n, &used);
		assert_int_equal(used, n);
		pos += n;
	}
	assert_int_equal(status, MSG_COMPLETE);
	assert_int_equal(p.len, len);
	if (data_len)
		assert_memory_equal(p.data, data, data_len);
	else
		assert_null(p.data);
	/* it takes no more until it is reset */
	assert_int_equal(msg_parser_feed(&p, "x", 1, &used), MSG_COMPLETE);
	assert_int_equal(used, 0);
	msg_parser_reset(&p);
	assert_null(p.data);
	assert_int_equal(msg_parser_feed(&p, NULL, 0, &used), MSG_INCOMPLETE);
	free(data);
	free(frame);
}

static void test_parser_steps(void **state)
{
	static const int32_t lens[] = { 0, -1, -2, INT32_MIN, 1, 3, 4, 5, 100, 5000 };

	(void)state;
	for (size_t i = 0; i < COUNT(lens); i++)
		for (size_t step = 1; step < 20; step++)
			feed_in_steps(lens[i], step);
	feed_in_steps(MSG_LEN_MAX, 4096);
	feed_in_steps(MSG_LEN_MAX, MSG_LEN_MAX + 12);
}

static void test_parser_several_at_once(void **state)
{
	unsigned char stream[200];
	struct msg_parser p;
	size_t n = 0, used;

	(void)state;
	n += msg_encode(stream, 2, "ab");
	n += msg_encode(stream + n, -1, NULL);
	n += msg_encode(stream + n, 0, NULL);
	stream[n++] = 0xa5;
	msg_parser_init(&p);
	assert_int_equal(msg_parser_feed(&p, stream, n, &used), MSG_COMPLETE);
	assert_int_equal(used, 14);
	assert_int_equal(p.len, 2);
	msg_parser_reset(&p);
	assert_int_equal(msg_parser_feed(&p, stream + 14, n - 14, &used), MSG_COMPLETE);
	assert_int_equal(used, 12);
	assert_int_equal(p.len, -1);
	msg_parser_reset(&p);
	assert_int_equal(msg_parser_feed(&p, stream + 26, n - 26, &used), MSG_COMPLETE);
	assert_int_equal(used, 12);
	assert_int_equal(p.len, 0);
	msg_parser_reset(&p);
	assert_int_equal(msg_parser_feed(&p, stream + 38, n - 38, &used), MSG_INCOMPLETE);
	assert_int_equal(used, 1);
	msg_parser_reset(&p);
}

static void test_parser_malformed(void **state)
{
	unsigned char good[15], bad[15];
	size_t used;

	(void)state;
	msg_encode(good, 3, "abc");
	/* Each bit of both magic numbers counts; data may be anything. */
	for (size_t bit = 0; bit < sizeof(good) * 8; bit++) {
		size_t byte = bit / 8;
		struct msg_parser p;

		if (byte >= 4 && byte < 8)
			continue;
		memcpy(bad, good, sizeof(bad));
		bad[byte] ^= (unsigned char)(1u << bit % 8);
		msg_parser_init(&p);
		assert_int_equal(msg_parser_feed(&p, bad, sizeof(bad), &used),
				 byte < 4 || byte >= 11 ? MSG_MALFORMED : MSG_COMPLETE);
		if (byte < 4)
			assert_int_equal(used, 4); /* as early as can be */
		if (byte < 4 || byte >= 11) /* and for ever */
			assert_int_equal(msg_parser_feed(&p, good, sizeof(good), &used), MSG_MALFORMED);
		msg_parser_reset(&p);
	}
}

static void test_parser_lengths(void **state)
{
	static const struct {
		uint32_t len;
		enum msg_parse_status status;
	} t[] = {
		{ MSG_LEN_MAX, MSG_INCOMPLETE }, { MSG_LEN_MAX + 1, MSG_MALFORMED }, { INT32_MAX, MSG_MALFORMED },
		{ 1, MSG_INCOMPLETE }, { 0, MSG_INCOMPLETE }, { 0x80000000u, MSG_INCOMPLETE },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++) {
		unsigned char head[8];
		struct msg_parser p;
		size_t used;

		put_u32(head, MSG_START);
		put_u32(head + 4, t[i].len);
		msg_parser_init(&p);
		assert_int_equal(msg_parser_feed(&p, head, 8, &used), t[i].status);
		assert_int_equal(p.data_size, 0); /* announced is not arrived */
		msg_parser_reset(&p);
	}
}

/* Memory follows what arrives. */
static void test_parser_memory(void **state)
{
	unsigned char head[8], bytes[1000] = { 0 };
	struct msg_parser p;
	size_t used;

	(void)state;
	put_u32(head, MSG_START);
	put_u32(head + 4, MSG_LEN_MAX);
	msg_parser_init(&p);
	assert_int_equal(msg_parser_feed(&p, head, 8, &used), MSG_INCOMPLETE);
	for (size_t sent = 0; sent < 100000; sent += sizeof(bytes)) {
		assert_int_equal(msg_parser_feed(&p, bytes, sizeof(bytes), &used), MSG_INCOMPLETE);
		assert_true(p.data_size <= 2 * (sent + sizeof(bytes)));
	}
	msg_parser_reset(&p);
}

#define STREAM_MESSAGES 200

/* Messages of random length in chunks of random length come out as they went in. */
static void test_parser_random_streams(void **state)
{
	(void)state;
	for (uint32_t seed = 1; seed <= 20; seed++) {
		int32_t lens[STREAM_MESSAGES];
		unsigned char *stream = malloc(STREAM_MESSAGES * 1100), data[1024];
		size_t size = 0, pos = 0, used;
		unsigned got = 0;
		struct msg_parser p;

		random_state = seed;
		for (unsigned i = 0; i < STREAM_MESSAGES; i++) {
			lens[i] = (int32_t)(random_u32() % 1030) - 6;
			fill_pattern(data, sizeof(data), i);
			size += msg_encode(stream + size, lens[i], data);
		}
		msg_parser_init(&p);
		while (pos < size) {
			size_t n = random_u32() % 700;

			if (n > size - pos)
				n = size - pos;
			if (msg_parser_feed(&p, stream + pos, n, &used) == MSG_COMPLETE) {
				assert_int_equal(p.len, lens[got]);
				fill_pattern(data, sizeof(data), got++);
				if (p.len > 0)
					assert_memory_equal(p.data, data, (size_t)p.len);
				msg_parser_reset(&p);
			}
			pos += used;
		}
		assert_int_equal(got, STREAM_MESSAGES);
		msg_parser_reset(&p);
		free(stream);
	}
}

/* Noise, half of it behind a good head. It must not crash, and must not take what it was not given. */
static void test_parser_noise(void **state)
{
	(void)state;
	random_state = 4711;
	for (unsigned round = 0; round < 5000; round++) {
		unsigned char noise[64];
		struct msg_parser p;
		size_t used, n = random_u32() % sizeof(noise);
		enum msg_parse_status status;

		for (size_t i = 0; i < sizeof(noise); i++)
			noise[i] = (unsigned char)random_u32();
		if (round % 2) {
			put_u32(noise, MSG_START);
			put_u32(noise + 4, random_u32() % 40);
		}
		msg_parser_init(&p);
		status = msg_parser_feed(&p, noise, n, &used);
		assert_true(used <= n);
		assert_int_not_equal(status, MSG_COMPLETE); /* the end would have to be right by chance */
		if (status == MSG_INCOMPLETE)
			assert_int_equal(used, n);
		msg_parser_reset(&p);
	}
}

/* What clients do with it: the text after the first '-' is " vMAJOR.MINOR", then a blank or '-'. */
static void test_version_string(void **state)
{
	const char *dash = strchr(msg_version_string, '-');
	unsigned major_nr, minor_nr;
	int end = 0;

	(void)state;
	assert_non_null(dash);
	assert_int_equal(sscanf(dash + 1, " v%u.%u%n", &major_nr, &minor_nr, &end), 2);
	assert_int_equal(dash[1], ' ');
	assert_int_equal(dash[2], 'v');
	assert_true(dash[1 + end] == ' ' || dash[1 + end] == '-');
	assert_true(major_nr * 1000000 + minor_nr * 1000 >= 3002000);
	assert_int_equal(msg_version_length(), strlen(msg_version_string) + 1);
	assert_int_equal(msg_version_string[msg_version_length() - 2], '\n');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wire_format),
		cmocka_unit_test(test_parser_steps),
		cmocka_unit_test(test_parser_several_at_once),
		cmocka_unit_test(test_parser_malformed),
		cmocka_unit_test(test_parser_lengths),
		cmocka_unit_test(test_parser_memory),
		cmocka_unit_test(test_parser_random_streams),
		cmocka_unit_test(test_parser_noise),
		cmocka_unit_test(test_version_string),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
