/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What mdmonctl check makes of a daemon's answer, which may be anything. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "ctl/check-gather.h"
#include "tests/unit/support/quoted-json.h"

#define STALLS "{'count':1,'total_us':9,'max_us':2410,'buckets':[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]}"
#define STATUS                                                                                                            \
	"{'schema':1,'version':'0.1.0','pid':412,'container':'md127','metadata':'imsm','time_ms':1763841234567,"         \
	"'uptime_ms':86400123,'draining':true,'unserved':['md125'],'generation':17,'writing_ms':7000,"                   \
	"'last_write':{'time_ms':1763841230000,'duration_us':1843,'disks':3,'failed':[],'count':12,'errors':0},"         \
	"'queues':{'updates':0,'pings':0,'clients':1,'lost_messages':0},"                                                \
	"'stalls':{'write':" STALLS ",'failure':" STALLS "},"                                                             \
	"'disks':[{'name':'sda','dev':'8:0','serial':'S1','state':'member','writable':false,'hangs_ms':1500},"           \
	"{'name':null,'dev':null,'serial':'S4','state':'missing','writable':true,'hangs_ms':null}],"                     \
	"'volumes':[{'index':0,'name':'Volume0','device':'md126','level':'raid1','size_kib':10240,'state':'degraded',"   \
	"'dirty':true,'array_state':'active','sync':null,'members':[{'slot':0,'disk':'sda','state':'in_sync'},"          \
	"{'slot':1,'disk':null,'state':'missing'}]}]}"

static struct check_facts facts;

static json_t *status(void)
{
	return quoted_json(STATUS);
}

static void take(const json_t *o)
{
	check_facts_free(&facts);
	facts = (struct check_facts){ .container = "md127", .pid = 412 };
	check_take_status(&facts, o);
}

static void test_all(void **state)
{
	json_t *o = status();

	(void)state;
	take(o);
	assert_int_equal(facts.daemon, CHECK_DAEMON_OURS);
	assert_string_equal(facts.format, "imsm");
	assert_int_equal(facts.generation, 17);
	assert_int_equal(facts.writing_ms, 7000);
	assert_int_equal(facts.written_ms, 1763841230000);
	assert_int_equal(facts.stall_us, 2410);
	assert_true(facts.draining);
	assert_int_equal(facts.disks, 2);
	assert_string_equal(facts.disk[0].name, "sda");
	assert_int_equal(facts.disk[0].use, CHECK_USE_MEMBER);
	assert_true(facts.disk[0].refuses);
	assert_true(facts.disk[0].hangs);
	assert_int_equal(facts.disk[0].hangs_ms, 1500);
	assert_int_equal(facts.disk[1].use, CHECK_USE_MISSING);
	assert_false(facts.disk[1].hangs);
	assert_int_equal(facts.volumes, 2); /* one that cannot be served, by its device */
	assert_string_equal(facts.volume[0].told_state, "degraded");
	assert_true(facts.volume[0].redundant);
	assert_int_equal(facts.volume[0].raid_disks, 2);
	assert_string_equal(facts.volume[0].slot[0].told_disk, "sda");
	assert_string_equal(facts.volume[0].slot[1].told_state, "missing");
	assert_true(facts.volume[1].unserved);
	json_decref(o);
}

static void assert_not_believed(const char *key)
{
	if (facts.daemon != CHECK_DAEMON_UNCLEAR)
		fail_msg("believed, though %s is not right", key);
	assert_string_equal(facts.container, "md127");
	assert_int_equal(facts.disks, 0);
	assert_int_equal(facts.volumes, 0);
	assert_int_equal(facts.generation, 0);
	if (!strstr(facts.daemon_problem, key))
		fail_msg("no %s in: %s", key, facts.daemon_problem);
}

/* Fields that are of no use here. */
static bool is_unread(const char *key, const json_t *value)
{
	static const char *const keys[] = { "schema",  "version", "pid",    "container", "duration_us", "failed",	   "count",
					    "errors",  "queues",  "dev",    "device",	 "size_kib",	"dirty",	   "array_state",
					    "sync",    "total_us", "buckets", "updates",	 "pings",	"clients", "lost_messages" };

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (strcmp(key, keys[i]) == 0)
			return true;
	return strcmp(key, "disks") == 0 && json_is_integer(value); /* of last_write */
}

static void spoil_each(json_t *top, json_t *o);

static void spoil(json_t *top, json_t *o, const char *key, json_t *value)
{
	static const char *const wrong[] = { "[]", "{}", "\"?\"", "-1", "true", "1.5" };
	/* In its place these are right, or as good as that. */
	bool known;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		json_t *bad = json_loads(wrong[i], JSON_DECODE_ANY, NULL);

		known = (json_typeof(bad) == json_typeof(value) && !json_is_integer(bad)) ||
			(json_is_boolean(bad) && json_is_boolean(value)) || (json_is_string(bad) && json_is_null(value));
		json_object_set(o, key, bad);
		take(top);
		if (!known && !is_unread(key, value) && strcmp(key, "hangs_ms") != 0)
			assert_not_believed(key);
		json_decref(bad);
	}
	json_object_del(o, key);
	take(top);
	if (!is_unread(key, value) && strcmp(key, "hangs_ms") != 0)
		assert_not_believed(key);
	json_object_set(o, key, value);
}

static void spoil_each(json_t *top, json_t *o)
{
	json_t *copy = json_copy(o), *value, *element;
	const char *key;
	size_t i;

	json_object_foreach (copy, key, value) {
		spoil(top, o, key, value);
		if (json_is_object(value) && !is_unread(key, value))
			spoil_each(top, value);
		json_array_foreach (value, i, element)
			if (json_is_object(element))
				spoil_each(top, element);
	}
	json_decref(copy);
}

static void test_spoilt(void **state)
{
	json_t *o = status();

	(void)state;
	spoil_each(o, o);
	take(o);
	assert_int_equal(facts.daemon, CHECK_DAEMON_OURS);
	json_decref(o);
}

static void test_words_and_numbers(void **state)
{
	json_t *o = status(), *volume = json_array_get(json_object_get(o, "volumes"), 0);

	(void)state;
	json_object_set_new(json_array_get(json_object_get(o, "disks"), 0), "state", json_string("weird"));
	take(o);
	assert_not_believed("state");
	json_decref(o);
	o = status();
	volume = json_array_get(json_object_get(o, "volumes"), 0);
	json_object_set_new(volume, "index", json_integer(INT64_MAX));
	take(o);
	assert_not_believed("too much");
	json_object_set_new(volume, "index", json_integer(0));
	json_object_set_new(json_array_get(json_object_get(volume, "members"), 0), "slot", json_integer(INT64_MAX));
	take(o);
	assert_int_equal(facts.daemon, CHECK_DAEMON_OURS);
	assert_int_equal(facts.volume[0].raid_disks, 2);
	json_decref(o);
	o = json_array();
	take(o);
	assert_not_believed("metadata");
	json_decref(o);
}

static int teardown(void **state)
{
	(void)state;
	check_facts_free(&facts);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all),
		cmocka_unit_test(test_spoilt),
		cmocka_unit_test(test_words_and_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, teardown);
}
