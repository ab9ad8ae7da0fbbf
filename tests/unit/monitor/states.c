/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a pass does about each word that array_state may read: what the metadata say, whether and when they are written,
 * what md is answered, what the manager is asked for. From docs/design.md ("The life of a write to a clean array"),
 * docs/mdmon.md 11.3 and docs/kernel-md.md 4.1, 6.1, 6.2, 6.8, 6.9.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/support/monitor-rig.h"
#include "threads/handoff.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#define ENDED "md126: let go\nmd126: given back\nmanager woken\n"

/* The array was clean or active, so were the metadata, and then md says something else. */
static const struct rule {
	const char *before, *word;
	int read_error; /* instead of the word */
	const char *version;
	enum consistency decides;
	const char *steps;
} rules[] = {
	/* running read-write */
	{ "clean", "write-pending", 0, NULL, 0, "md126: dirty\nmetadata written\nmd126/array_state <- active\n" },
	{ "active", "write-pending", 0, NULL, 0, "md126/array_state <- active\n" },
	{ "clean", "active", 0, NULL, 0, "md126: dirty\nmetadata written\n" },
	/* md first, the metadata afterwards: nothing is written before md has agreed */
	{ "active", "active-idle", 0, NULL, 0, "md126/array_state <- clean\n" },
	{ "active", "clean", 0, NULL, 0, "md126: clean\nmetadata written\n" },
	{ "active", "broken", 0, NULL, 0, "md126: clean\nmetadata written\n" },
	{ "clean", "broken", 0, NULL, 0, "" },
	{ "clean", "suspended", 0, NULL, 0, "" },
	{ "active", "suspended", 0, NULL, 0, "" },
	{ "clean", "a-word-of-tomorrow", 0, NULL, 0, "" },
	{ "active", "a-word-of-tomorrow", 0, NULL, 0, "" },
	{ "active", "", EIO, NULL, 0, "" },

	/* read-only: is there anything to be done before it may be written to? */
	{ "clean", "readonly", 0, NULL, MARK_CLEAN, "ask md126: read-auto\nmanager woken\n" },
	{ "clean", "readonly", 0, NULL, MARK_DIRTY, "md126: dirty\nmetadata written\nask md126: active\nmanager woken\n" },
	{ "active", "readonly", 0, NULL, MARK_CLEAN,
	  "md126: clean\nmetadata written\nask md126: read-auto\nmanager woken\n" },
	{ "clean", "readonly", 0, "external:-md127/0", MARK_CLEAN, "" },
	{ "active", "readonly", 0, "external:-md127/0", MARK_DIRTY, "" },
	{ "clean", "read-auto", 0, NULL, 0, "" },
	{ "active", "read-auto", 0, NULL, 0, "" },

	/* over: what cannot be read is gone and clean, never dirty */
	{ "clean", "inactive", 0, NULL, 0, ENDED },
	{ "active", "inactive", 0, NULL, 0, "md126: clean\nmetadata written\n" ENDED },
	{ "active", "clear", 0, NULL, 0, "md126: clean\nmetadata written\n" ENDED },
	{ "active", "", ENODEV, NULL, 0, "md126: clean\nmetadata written\n" ENDED },
	{ "active", "", EBUSY, NULL, 0, "md126: clean\nmetadata written\n" ENDED },
};

static void begin_with(const char *word)
{
	rig_adopted("md126", 2);
	if (strcmp(word, "active") == 0) {
		md_says("md126/array_state", "active");
		rig_next();
	}
	forget_steps();
}

static void test_each_word(void **state)
{
	for (unsigned i = 0; i < COUNT(rules); i++) {
		const struct rule *r = &rules[i];

		rig_set_up(state);
		begin_with(r->before);
		handler.decides = r->decides;
		if (r->version)
			md_says_silently("md126/metadata_version", r->version);
		md_says("md126/array_state", r->word);
		md_fails_reading("md126/array_state", r->read_error);
		rig_next();
		if (strcmp(steps(), r->steps) != 0)
			print_error("%s, then \"%s\" %d:\n", r->before, r->word, r->read_error);
		assert_steps(r->steps);
		rig_tear_down(state);
	}
}

/* The same once more changes nothing, and is not written again. */
static void test_each_word_twice(void **state)
{
	static const char *const words[] = { "active", "clean", "broken", "suspended", "read-auto", "unheard-of" };

	for (unsigned i = 0; i < COUNT(words); i++) {
		rig_set_up(state);
		begin_with("clean");
		md_says("md126/array_state", words[i]);
		rig_next();
		forget_steps();
		md_says("md126/array_state", words[i]);
		rig_next();
		assert_steps("");
		rig_tear_down(state);
	}
}

/* What an array is found in, by a daemon that has just started. */
static void test_each_word_at_first_sight(void **state)
{
#define FOUND "md126: bound\n"
#define MEMBERS "md126[0]: in sync\nmd126[1]: in sync\nmetadata written\n"
	static const struct {
		const char *word, *steps;
	} found[] = {
		{ "clean", FOUND "md126: clean\n" MEMBERS },
		{ "active", FOUND "md126: dirty\n" MEMBERS },
		{ "write-pending", FOUND "md126: dirty\n" MEMBERS "md126/array_state <- active\n" },
		{ "active-idle", FOUND "md126: dirty\n" MEMBERS "md126/array_state <- clean\n" },
		{ "readonly", FOUND "md126: clean\n" MEMBERS "ask md126: read-auto\nmanager woken\n" },
		{ "read-auto", FOUND MEMBERS },
		/* it never ran under this daemon: what the metadata say of it stays */
		{ "inactive", FOUND ENDED },
		{ "clear", FOUND ENDED },
	};

	for (unsigned i = 0; i < COUNT(found); i++) {
		struct rig_array *ra;

		rig_set_up(state);
		ra = rig_array("md126", 2);
		md_says("md126/array_state", found[i].word);
		handoff_publish(rig_copy(ra));
		rig_signal();
		if (strcmp(steps(), found[i].steps) != 0)
			print_error("found \"%s\":\n", found[i].word);
		assert_steps(found[i].steps);
		rig_tear_down(state);
	}
}

/* ---- the life of a write ---- */

static void test_a_write_from_begin_to_end(void **state)
{
	(void)state;
	rig_adopted("md126", 2);
	md_says("md126/array_state", "write-pending");
	assert_int_equal(rig_next(), 0);
	assert_steps("md126: dirty\nmetadata written\nmd126/array_state <- active\n");
	/* md notifies of what was written to it */
	assert_int_equal(rig_next(), 0);
	assert_steps("");
	md_says("md126/array_state", "active-idle");
	assert_int_equal(rig_next(), 0);
	assert_steps("md126/array_state <- clean\n");
	assert_int_equal(rig_next(), 0);
	assert_steps("md126: clean\nmetadata written\n");
	assert_int_equal(rig_next(), 5000);
	assert_steps("");
}

/* A write comes between "clean" and the metadata: it is answered, and they have never been clean. */
static void test_a_write_behind_clean(void **state)
{
	(void)state;
	begin_with("active");
	md_says("md126/array_state", "active-idle");
	rig_next();
	assert_steps("md126/array_state <- clean\n");
	md_says("md126/array_state", "write-pending");
	rig_next();
	assert_steps("md126/array_state <- active\n");
}

/* A write was faster than "clean". md does not say so; the idle timer may be off, so the word is repeated. */
static void test_clean_is_refused(void **state)
{
	(void)state;
	begin_with("active");
	md_says("md126/array_state", "active-idle");
	md_fails_writing("md126/array_state", EBUSY);
	rig_next();
	assert_steps("md126/array_state <- clean (refused)\n");
	assert_no_message("cannot write"); /* that is how it should be */
	md_says_silently("md126/array_state", "active");
	assert_int_equal(rig_next(), 5000);
	assert_steps("md126/array_state <- clean (refused)\n");
	/* no event of the array, no reason to try */
	rig_signal();
	md_says("md126/array_state", "active");
	rig_next();
	assert_steps("");
	md_fails_writing("md126/array_state", 0);
	assert_int_equal(rig_next(), 5000);
	assert_steps("md126/array_state <- clean\n");
	rig_next();
	assert_steps("md126: clean\nmetadata written\n");
}

/* Nothing was refused: a busy array is left alone. */
static void test_an_active_array_is_not_made_clean(void **state)
{
	(void)state;
	begin_with("active");
	for (int i = 0; i < 3; i++)
		assert_int_equal(rig_next(), 5000);
	assert_steps("");
	assert_string_equal(md_reads("md126/array_state"), "active");
}

/* If in doubt, mdadm is at work on it. */
static void test_nobody_knows_whose_it_is(void **state)
{
	(void)state;
	rig_adopted("md126", 2);
	md_fails_reading("md126/metadata_version", EIO);
	md_says("md126/array_state", "readonly");
	rig_next();
	assert_steps("");
}

static void test_an_answer_that_md_refuses(void **state)
{
	(void)state;
	rig_adopted("md126", 2);
	md_fails_writing("md126/array_state", EACCES);
	md_says("md126/array_state", "write-pending");
	rig_next();
	assert_message("md126: cannot write \"active\" to array_state: Permission denied\n");
	/* an array that is taken apart needs no answer, and nobody has to know */
	rig_forget_messages();
	md_fails_writing("md126/array_state", ENODEV);
	md_says("md126/array_state", "write-pending");
	rig_next();
	assert_no_message("cannot write");
	forget_steps();
}

/* Two arrays: each has its own answer, the metadata are written once for both. */
static void test_two_arrays_in_one_pass(void **state)
{
	(void)state;
	rig_adopted("md126", 2);
	rig_adopted("md125", 2);
	md_says("md126/array_state", "write-pending");
	md_says("md125/array_state", "write-pending");
	rig_next();
	assert_steps("md125: dirty\nmd126: dirty\nmetadata written\n"
		     "md125/array_state <- active\nmd126/array_state <- active\n");
	rig_next();
	assert_int_equal(handler.retries, 0);
	assert_steps("");
	/* what happens to one is no business of the other */
	md_says_silently("md125/array_state", "clean");
	md_says("md126/array_state", "clean");
	rig_next();
	assert_steps("md126: clean\nmetadata written\n");
}

/* "clean" takes long, and a writer waits for "active": it has its turn first, whichever array is which. */
static void test_the_writer_comes_first(void **state)
{
	static const char *const idle[] = { "md126", "md125" };

	(void)state;
	rig_adopted("md126", 2);
	rig_adopted("md125", 2);
	for (unsigned i = 0; i < 2; i++) {
		const char *const writer = idle[!i];
		char attribute[32], expected[80];

		snprintf(attribute, sizeof(attribute), "%s/array_state", idle[i]);
		md_says(attribute, "active-idle");
		snprintf(attribute, sizeof(attribute), "%s/array_state", writer);
		md_says(attribute, "write-pending");
		forget_steps();
		rig_next();
		snprintf(expected, sizeof(expected), "%s/array_state <- active\n%s/array_state <- clean\n", writer,
			 idle[i]);
		assert_non_null(strstr(steps(), expected));
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_set_up, rig_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_word),
		cmocka_unit_test(test_each_word_twice),
		cmocka_unit_test(test_each_word_at_first_sight),
		TEST(test_a_write_from_begin_to_end),
		TEST(test_a_write_behind_clean),
		TEST(test_clean_is_refused),
		TEST(test_an_active_array_is_not_made_clean),
		TEST(test_nobody_knows_whose_it_is),
		TEST(test_an_answer_that_md_refuses),
		TEST(test_two_arrays_in_one_pass),
		TEST(test_the_writer_comes_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
