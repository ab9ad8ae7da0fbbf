/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Findings as text and as JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "ctl/check-view.h"

static const struct check_facts facts = { .container = "md127" };
static struct check_findings list;
static const struct check_seen seen = { 1, 2, 3 };
static char *text;

static void show(unsigned width)
{
	const struct view_options opt = { .width = width };

	free(text);
	text = check_view(&list, &seen, &opt);
	assert_non_null(text);
}

static int teardown(void **state)
{
	(void)state;
	check_findings_free(&list);
	free(text);
	text = NULL;
	return 0;
}

static void add(enum check_severity severity, const char *name, const char *subject, const char *words, const char *evidence,
		const char *advice)
{
	struct check_finding *n = check_find(&list, &facts, severity, name, subject);

	check_say(n, "%s", words);
	if (evidence)
		check_show(n, "%s", evidence);
	if (advice)
		check_advise(n, "%s", advice);
	check_sort(&list);
}

static void test_nothing(void **state)
{
	const struct check_seen none = { 0 }, one = { 1, 1, 1 };
	const struct view_options opt = { 0 };

	(void)state;
	show(0);
	assert_string_equal(text, "MDMON OK - nothing is wrong with 1 container, 2 volumes, 3 disks\n");
	free(text);
	text = check_view(&list, &one, &opt);
	assert_string_equal(text, "MDMON OK - nothing is wrong with 1 container, 1 volume, 1 disk\n");
	free(text);
	text = check_view(&list, &none, &opt);
	assert_string_equal(text, "MDMON OK - no mdmon runs, and none is needed\n");
}

/* One line each; the worst one is the summary. */
static void test_lines(void **state)
{
	(void)state;
	add(CHECK_WARNING, "read-only", "md126", "Data is read-only", NULL, "mdadm --readwrite /dev/md126");
	add(CHECK_CRITICAL, "no-daemon", "md127", "no mdmon runs", "md126 is raid5; it is clean", NULL);
	show(0);
	assert_string_equal(text, "MDMON CRITICAL - md127: no mdmon runs; 2 findings\n"
				  "CRITICAL [no-daemon] md127: no mdmon runs (md126 is raid5; it is clean).\n"
				  "WARNING [read-only] md127 md126: Data is read-only To do: mdadm --readwrite /dev/md126\n");
}

static void test_wrapped(void **state)
{
	(void)state;
	add(CHECK_WARNING, "read-only", "md126", "Data is read-only: nothing can be written", "as md says", "mdadm -w /dev/md126");
	show(40);
	assert_string_equal(text, "MDMON WARNING - md127: Data is\n"
				  "read-only: nothing can be written; 1\n"
				  "finding\n"
				  "WARNING [read-only] md127 md126: Data is\n"
				  "  read-only: nothing can be written (as\n"
				  "  md says).\n"
				  "  To do: mdadm -w /dev/md126\n");
}

/* A bar would begin data of another kind, and escapes could steer a terminal. */
static void test_hostile(void **state)
{
	(void)state;
	add(CHECK_CRITICAL, "failed", "md1\033", "a|b\033[31m\nc", "d|e", "f");
	show(0);
	assert_null(strchr(text, '|'));
	assert_null(strchr(text, '\033'));
	assert_ptr_equal(strchr(strchr(text, '\n') + 1, '\n'), text + strlen(text) - 1);
	assert_non_null(strstr(text, "a/b?[31m?c"));
}

static void test_json(void **state)
{
	const json_t *first;
	json_t *o;

	(void)state;
	add(CHECK_UNKNOWN, "not-root", "md127", "only root", NULL, NULL);
	add(CHECK_WARNING, "disk-older", "sda", "\xff", "it is old", "true");
	o = check_json(&list, &seen);
	assert_int_equal(json_integer_value(json_object_get(o, "schema")), 1);
	assert_string_equal(json_string_value(json_object_get(o, "severity")), "unknown");
	assert_string_equal(json_string_value(json_object_get(o, "summary")), "MDMON UNKNOWN - md127: only root; 2 findings");
	assert_int_equal(json_integer_value(json_object_get(o, "disks")), 3);
	assert_int_equal(json_array_size(json_object_get(o, "findings")), 2);
	first = json_array_get(json_object_get(o, "findings"), 0);
	assert_string_equal(json_string_value(json_object_get(first, "name")), "not-root");
	assert_true(json_is_null(json_object_get(first, "advice")));
	assert_true(json_is_null(json_object_get(first, "evidence")));
	assert_string_equal(json_string_value(json_object_get(json_array_get(json_object_get(o, "findings"), 1), "advice")), "true");
	json_decref(o);
}

static void test_no_memory(void **state)
{
	(void)state;
	list.failed = true;
	show(0);
	assert_string_equal(text, "MDMON UNKNOWN - not enough memory to look at everything\n");
	list.failed = false;
}

#define TEST(name) cmocka_unit_test_teardown(name, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_nothing), TEST(test_lines), TEST(test_wrapped), TEST(test_hostile), TEST(test_json), TEST(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
