/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What formats tell as JSON, and where copies differ. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "ctl/facts.h"

static void assert_json(json_t *value, const char *expected)
{
	json_t *other = json_loads(expected, JSON_DECODE_ANY, NULL);
	char *text = json_dumps(value, JSON_ENCODE_ANY);

	assert_non_null(other);
	if (!json_equal(value, other))
		fail_msg("%s", text);
	free(text);
	json_decref(other);
	json_decref(value);
}

static void test_tree(void **state)
{
	static const char *const names[] = { "/dev/sda", "/dev/sdb" };
	const uint8_t uuid[16] = { 1, 2, 3, 4, 0xff };
	struct json_facts j;

	(void)state;
	json_facts_init(&j, names, 2);
	facts_number(&j.f, "n", 7);
	facts_number(&j.f, "large", UINT64_MAX);
	facts_flag(&j.f, "yes", true);
	facts_text(&j.f, "none", NULL);
	j.f.text(&j.f, "cut", "abcdef", 3);
	j.f.device(&j.f, "device", 1);
	j.f.device(&j.f, "nobody", -1);
	facts_hex32(&j.f, "hex", 0xab);
	facts_uuid(&j.f, "uuid", uuid);
	facts_bytes(&j.f, "bytes", uuid, 5);
	facts_list(&j.f, "list");
	facts_number(&j.f, NULL, 1);
	facts_object(&j.f, NULL);
	facts_end(&j.f);
	facts_end(&j.f);
	facts_problem(&j.f, 0, "%d of them", 3);
	facts_problem(&j.f, -1, "all");
	assert_false(j.failed);
	assert_json(j.object, "{\"n\":7,\"large\":\"18446744073709551615\",\"yes\":true,\"none\":null,\"cut\":\"abc\","
		    "\"device\":\"/dev/sdb\",\"nobody\":null,\"hex\":\"000000ab\","
		    "\"uuid\":\"04030201:000000ff:00000000:00000000\",\"bytes\":\"01020304ff\",\"list\":[1,{}]}");
	assert_json(j.problems, "[{\"device\":\"/dev/sda\",\"text\":\"3 of them\"},{\"device\":null,\"text\":\"all\"}]");
}

/* Deeper than anything is: refused, not written beyond. */
static void test_depth(void **state)
{
	struct json_facts j;

	(void)state;
	json_facts_init(&j, NULL, 0);
	for (int i = 0; i < 2 * FACTS_DEPTH_MAX; i++)
		facts_object(&j.f, "x");
	facts_number(&j.f, "n", 1);
	for (int i = 0; i < 3 * FACTS_DEPTH_MAX; i++)
		facts_end(&j.f);
	assert_true(j.failed);
	json_decref(j.object);
	json_decref(j.problems);
}

static void test_any_text(void **state)
{
	(void)state;
	assert_json(json_any_text("a\xff" "b", 99), "\"a?b\"");
	assert_json(json_any_text("\xc3\xa9", 99), "\"\xc3\xa9\"");
	assert_json(json_any_text("\xc3\xa9", 1), "\"?\"");
	assert_json(json_any_text("a\033b", 99), "\"a\\u001bb\"");
	assert_json(json_any_text("", 0), "\"\"");
}

/* ---- differences ---- */

static json_t *differences(const char *copies)
{
	json_t *list = json_loads(copies, 0, NULL), *result;

	assert_non_null(list);
	result = facts_differences(list);
	json_decref(list);
	return result;
}

#define COPY(device, metadata) "{\"device\":\"" device "\",\"compared\":true,\"metadata\":" metadata "}"

static void test_same(void **state)
{
	(void)state;
	assert_json(differences("[]"), "[]");
	assert_json(differences("[" COPY("a", "{\"x\":1}") "]"), "[]");
	assert_json(differences("[" COPY("a", "{\"x\":1}") "," COPY("b", "{\"x\":1}") "]"), "[]");
}

static void test_differs(void **state)
{
	(void)state;
	assert_json(differences("[" COPY("a", "{\"x\":1,\"y\":{\"z\":[1,2]}}") "," COPY("b", "{\"x\":2,\"y\":{\"z\":[1,3]}}") "]"),
		    "[\"x\",\"y.z[1]\"]");
	/* Another type, or another length. */
	assert_json(differences("[" COPY("a", "{\"x\":null}") "," COPY("b", "{\"x\":2}") "]"), "[\"x\"]");
	assert_json(differences("[" COPY("a", "{\"x\":[1]}") "," COPY("b", "{\"x\":[1,2]}") "]"), "[\"x\"]");
	/* Each once, whoever it is that differs. */
	assert_json(differences("[" COPY("a", "{\"x\":1}") "," COPY("b", "{\"x\":2}") "," COPY("c", "{\"x\":3}") "]"), "[\"x\"]");
	assert_json(differences("[" COPY("a", "{\"x\":1}") "," COPY("b", "{\"x\":1}") "," COPY("c", "{\"x\":3}") "]"), "[\"x\"]");
}

/* Disks have records of their own; the copies of one disk have the same. */
static void test_members(void **state)
{
	(void)state;
	assert_json(differences("[" COPY("a", "{\"x\":1}") "," COPY("b", "{\"y\":2}") "]"), "[]");
	assert_json(differences("[" COPY("a", "{\"x\":1}") "," COPY("a", "{\"y\":2}") "]"), "[\"x\",\"y\"]");
	assert_json(differences("[" COPY("a", "{\"x\":1}") "," COPY("b", "{\"x\":1}") "," COPY("b", "{}") "]"), "[\"x\"]");
	/* The second copy of the second disk is compared with both. */
	assert_json(differences("[" COPY("a", "{\"x\":1}") "," COPY("b", "{\"y\":1}") "," COPY("b", "{\"x\":2,\"y\":1}") "]"),
		    "[\"x\"]");
}

static void test_not_compared(void **state)
{
	(void)state;
	assert_json(differences("[" COPY("a", "{\"x\":1}") ",{\"device\":\"a\",\"compared\":false,\"metadata\":{\"x\":2}}]"), "[]");
}

static void test_at(void **state)
{
	json_t *o = json_loads("{\"a\":[{\"b\":5},{\"c/0\":{\"d\":6}}]}", 0, NULL);

	(void)state;
	assert_int_equal(json_integer_value(facts_at(o, "a[0].b")), 5);
	assert_int_equal(json_integer_value(facts_at(o, "a[1].c/0.d")), 6);
	assert_ptr_equal(facts_at(o, ""), o);
	assert_null(facts_at(o, "a[2].b"));
	assert_null(facts_at(o, "a[0"));
	assert_null(facts_at(o, "b.c[0]"));
	assert_null(facts_at(NULL, "b"));
	json_decref(o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tree),    cmocka_unit_test(test_depth),   cmocka_unit_test(test_any_text),
		cmocka_unit_test(test_same),    cmocka_unit_test(test_differs), cmocka_unit_test(test_members),
		cmocka_unit_test(test_not_compared), cmocka_unit_test(test_at),
	};

	return cmocka_run_group_tests_name("ctl-facts", tests, NULL, NULL);
}
