/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/text.h"
#include "ctl/units.h"
#include "ctl/view.h"
#include "tests/unit/support/quoted-json.h"

#define ZEROES "[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]"
#define NO_STALLS "{'count':0,'total_us':0,'max_us':0,'buckets':" ZEROES "}"
#define HEAD                                                                                                    \
	"{'schema':1,'version':'0.1.0','pid':412,'container':'md127','metadata':'imsm','time_ms':1763841234567," \
	"'uptime_ms':93784000,'draining':false,'unserved':[],'generation':17,'queues':{'updates':0,'pings':0,'clients':1,"     \
	"'lost_messages':0},"
#define WRITTEN                                                                                             \
	"'writing_ms':null,'last_write':{'time_ms':1763841230000,'duration_us':1843,'disks':2,'failed':[]," \
	"'count':12,'errors':0},"
#define DISKS                                                                                 \
	"'disks':[{'name':'sda','dev':'8:0','serial':'S1','state':'member','writable':true}," \
	"{'name':'sdb','dev':'8:16','serial':'S2','state':'member','writable':true}],"
#define QUIET "'stalls':{'write':" NO_STALLS ",'failure':" NO_STALLS "},"
#define VOLUME(name, state, sync, member)                                                                        \
	"{'index':0,'name':" name ",'device':'md126','level':'raid1','size_kib':10240,'state':'" state "',"      \
	"'dirty':false,'array_state':'clean','sync':" sync ",'members':[{'slot':0,'disk':'sda','state':'in_sync'}," \
	member "]}"
#define SDB "{'slot':1,'disk':'sdb','state':'in_sync'}"
#define HEALTHY HEAD WRITTEN DISKS QUIET "'volumes':[" VOLUME("'Volume0'", "normal", "null", SDB) "]}"

static const struct view_options plain = { .width = 80 };

static char *view(const char *text, const struct view_options *opt)
{
	json_t *o = quoted_json(text);
	char *shown = view_status("md127", o, opt);

	assert_non_null(shown);
	json_decref(o);
	return shown;
}

static void assert_shows(const char *text, const char *part)
{
	char *shown = view(text, &plain);

	if (!strstr(shown, part))
		fail_msg("no \"%s\" in:\n%s", part, shown);
	free(shown);
}

/* No line is wider, ends in a space or has bytes that steer a terminal. */
static void assert_fits(const char *shown, unsigned width)
{
	while (*shown) {
		int n = (int)strcspn(shown, "\n");
		char line[1024];

		assert_true((size_t)n < sizeof(line));
		snprintf(line, sizeof(line), "%.*s", n, shown);
		if (text_columns(line) > width)
			fail_msg("wider than %u: %s", width, line);
		assert_true(n == 0 || line[n - 1] != ' ');
		for (int i = 0; i < n; i++)
			assert_true((unsigned char)line[i] >= ' ' && line[i] != 0x7f);
		shown += n + 1;
	}
}

static void test_healthy(void **state)
{
	char *shown = view(HEALTHY, &plain);

	(void)state;
	assert_string_equal(shown, "md127 (imsm): healthy\n"
				   "  Volume0  md126  raid1  10.0 MiB  normal, clean; kernel: clean\n"
				   "    in sync    sda sdb\n"
				   "  Disks     sda  member  S1\n"
				   "            sdb  member  S2\n"
				   "  Metadata  generation 17, written 4 s ago in 1.84 ms to 2 disks\n"
				   "            12 writes since the start, all without errors\n"
				   "  Stalls    none for writes\n"
				   "            none for failures\n"
				   "  Daemon    mdmon 0.1.0, process 412, up 1 d 2 h\n");
	free(shown);
}

/* What changes by itself would have the screen redrawn all the time. */
static void test_live(void **state)
{
	const struct view_options live = { .width = 80, .live = true };
	json_t *o = quoted_json(HEALTHY);
	char *before = view_status("md127", o, &live), *after;

	(void)state;
	json_object_set_new(o, "time_ms", json_integer(1763841236567));
	json_object_set_new(o, "uptime_ms", json_integer(93786000));
	after = view_status("md127", o, &live);
	assert_string_equal(before, after);
	free(before);
	free(after);
	json_decref(o);
}

#define REBUILD "{'action':'recover','done_kib':2048,'total_kib':10240,'speed_kib':1000}"
#define REBUILDING                \
	HEAD WRITTEN DISKS QUIET  \
		"'volumes':[" VOLUME("'V'", "degraded", REBUILD, "{'slot':1,'disk':'sdb','state':'rebuilding'}") "]}"

static void test_rebuild(void **state)
{
	(void)state;
	assert_shows(REBUILDING, "md127 (imsm): degraded, rebuild running\n");
	assert_shows(REBUILDING, "rebuild [=====>......................] 20.0% 1000 KiB/s, 8 s left\n");
	assert_shows(REBUILDING, "    in sync    sda\n    rebuilding sdb (slot 1)\n");
}

/* Not 100 % before it is done, whatever the numbers. */
static void test_almost_done(void **state)
{
#define SYNC(done, total, speed) \
	HEAD WRITTEN DISKS QUIET "'volumes':[" VOLUME("'V'", "normal", "{'action':'check','done_kib':" done \
	",'total_kib':" total ",'speed_kib':" speed "}", SDB) "]}"
	(void)state;
	assert_shows(SYNC("999999", "1000000", "0"), ">] 99.9% standing still");
	assert_shows(SYNC("2000000", "1000000", "1"), "=] 100.0% 1 KiB/s, 0 s left");
	assert_shows(SYNC("0", "0", "1"), "[>...........................] 0.0%");
}

static void test_failed_disk(void **state)
{
	const char *text = HEAD
		"'writing_ms':3456,'last_write':{'time_ms':1763841230000,'duration_us':1843,'disks':1,"
		"'failed':['sdb'],'count':12,'errors':2},"
		"'disks':[{'name':'sda','dev':'8:0','serial':'S1','state':'member','writable':true},"
		"{'name':'sdb','dev':'8:16','serial':'S2','state':'failed','writable':false,'hangs_ms':12345},"
		"{'name':null,'dev':null,'serial':'S3','state':'missing','writable':true}]," QUIET
		"'volumes':[" VOLUME("'V'", "degraded", "null", "{'slot':1,'disk':null,'state':'missing'}") "]}";

	(void)state;
	assert_shows(text, "degraded, 1 disk failed, 1 disk missing, 1 disk refuses metadata\n");
	assert_shows(text, "    missing    slot 1\n");
	assert_shows(text, "            -    missing  S3\n");
	assert_shows(text, "metadata not taken by sdb\n");
	assert_shows(text, "sdb has not answered for 12.3 s\n");
	assert_shows(text, "to 1 disk, not to sdb\n");
	assert_shows(text, "12 writes since the start, 2 of them not to all disks\n");
	assert_shows(text, "being written for 3.5 s\n");
}

static void test_empty(void **state)
{
	const char *text = HEAD "'writing_ms':null,'last_write':null," DISKS QUIET "'volumes':[]}";

	(void)state;
	assert_shows(text, "md127 (imsm): no volumes\n");
	assert_shows(text, "generation 17, not written since the start\n");
}

static void test_stalls(void **state)
{
	const char *text = HEAD WRITTEN DISKS
		"'stalls':{'write':{'count':200,'total_us':300000,'max_us':2500000,"
		"'buckets':[100,50,40,7,0,0,0,0,0,0,0,2,1,0,0,0]},"
		"'failure':{'count':2,'total_us':40000000,'max_us':20000000,"
		"'buckets':[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,2]}},'volumes':[]}";

	(void)state;
	assert_shows(text, "200 for writes: 1.50 ms on average, half under 1 ms, 99% under 2 s,\n"
			   "            longest 2.5 s");
	assert_shows(text, "2 for failures: 20.0 s on average, half over 16 s, longest 20.0 s\n");
}

/* Each field of an answer in turn missing, null, or of each wrong type: shown somehow, and said so. */
static void spoil_each(json_t *top, json_t *o);

/* Fields that this view has no use for, those of stalls because there were none. */
static bool is_unread(const char *key)
{
	static const char *const unread[] = { "schema", "container", "dev", "index", "total_us", "max_us", "buckets" };

	for (size_t i = 0; i < sizeof(unread) / sizeof(unread[0]); i++)
		if (strcmp(key, unread[i]) == 0)
			return true;
	return false;
}

static void try_with(json_t *top, json_t *o, const char *key, json_t *value)
{
	char *shown;

	if (value)
		json_object_set_new(o, key, value);
	else
		json_object_del(o, key);
	shown = view_status("md127", top, &plain);
	assert_non_null(shown);
	assert_fits(shown, 80);
	if (!value && !is_unread(key) && !strstr(shown, "missing or not understood:"))
		fail_msg("nothing said about the missing %s:\n%s", key, shown);
	free(shown);
}

static void spoil_field(json_t *top, json_t *o, const char *key)
{
	json_t *saved = json_incref(json_object_get(o, key));

	try_with(top, o, key, NULL);
	try_with(top, o, key, json_null());
	try_with(top, o, key, json_integer(-1));
	try_with(top, o, key, json_integer(INT64_MAX));
	try_with(top, o, key, json_string("\033[31m\xc2\x9b" "x"));
	try_with(top, o, key, json_object());
	try_with(top, o, key, json_pack("[n, i, s, {}, []]", 1, "x"));
	json_object_set(o, key, saved);
	spoil_each(top, saved);
	json_decref(saved);
}

static void spoil_each(json_t *top, json_t *o)
{
	json_t *names = json_array(), *value;
	const char *key;
	size_t i;

	/* Spoiling changes the order, so the names are taken before. */
	json_object_foreach (o, key, value)
		json_array_append_new(names, json_string(key));
	json_array_foreach (names, i, value)
		spoil_field(top, o, json_string_value(value));
	json_decref(names);
	json_array_foreach (o, i, value)
		spoil_each(top, value);
}

static void test_negative_number(void **state)
{
	json_t *o = quoted_json(HEALTHY);
	char *shown;

	(void)state;
	json_object_set_new(o, "pid", json_integer(-1));
	shown = view_status("md127", o, &plain);
	assert_non_null(strstr(shown, "process 0,"));
	assert_non_null(strstr(shown, "  Answer    missing or not understood: pid\n"));
	free(shown);
	json_decref(o);
}

static void test_names_that_steer(void **state)
{
	const char *text = HEAD WRITTEN
		"'disks':[{'name':'s\\u001b[2Ja','dev':'8:0','serial':'\\u0007\\u009b',"
		"'state':'member','writable':true}],"
		QUIET "'volumes':[" VOLUME("'\\u001b]0;x\\u0007\\u202eB\\u00fcro'", "normal", "null", SDB) "]}";
	char *shown = view(text, &plain);

	(void)state;
	assert_fits(shown, 80);
	assert_non_null(strstr(shown, "  ?]0;x??B\xc3\xbcro  md126"));
	assert_non_null(strstr(shown, "s?[2Ja  member  ??\n"));
	free(shown);
}

/* At any width, with names of characters that take two columns and of bytes without end. */
static void test_widths(void **state)
{
	const char *text = HEAD WRITTEN DISKS QUIET
		"'volumes':[" VOLUME("'\\u65e5\\u672c\\u8a9e\\u65e5\\u672c\\u8a9e"
				     "\\u65e5\\u672c\\u8a9e\\u65e5\\u672c\\u8a9e\\u65e5\\u672c'",
				     "degraded", REBUILD,
				     "{'slot':1,'disk':'a-very-long-name-of-a-disk-a-very-long-name','state':'other'}") "]}";

	(void)state;
	for (unsigned width = 0; width < 200; width++) {
		const struct view_options opt = { .width = width };
		char *shown = view(text, &opt);

		assert_fits(shown, width < TEXT_WIDTH_MIN ? TEXT_WIDTH_MIN : width);
		free(shown);
	}
}

static void test_colour(void **state)
{
	const struct view_options opt = { .width = 80, .colour = true };
	char *shown = view(HEALTHY, &opt);

	(void)state;
	assert_non_null(strstr(shown, "\033[1mmd127\033[0m (imsm): \033[32mhealthy\033[0m\n"));
	free(shown);
}

static void test_problem(void **state)
{
	const struct view_options opt = { .width = 30 };
	char *shown = view_problem("md127", "no mdmon runs for it any more", &opt);

	(void)state;
	assert_string_equal(shown, "md127: no mdmon runs for it\n       any more\n");
	free(shown);
}

/* Without a locale there is no character beyond ASCII. */
static void test_ascii_locale(void **state)
{
	char to[16];

	(void)state;
	setlocale(LC_CTYPE, "C");
	text_sanitize(to, sizeof(to), "B\xc3\xbcro\xff\x9b");
	setlocale(LC_CTYPE, "C.UTF-8");
	assert_string_equal(to, "B?ro?");
	text_sanitize(to, 4, "B\xc3\xbcro");
	assert_string_equal(to, "B\xc3\xbc");
}

static void test_units(void **state)
{
	char buf[UNITS_MAX];

	(void)state;
	assert_string_equal(units_size(buf, 0), "0 KiB");
	assert_string_equal(units_size(buf, 1023), "1023 KiB");
	assert_string_equal(units_size(buf, 1024), "1.0 MiB");
	assert_string_equal(units_size(buf, 1048575), "1.0 GiB");
	assert_string_equal(units_size(buf, UINT64_MAX), "16.0 ZiB");
	assert_string_equal(units_short(buf, 999), "999 us");
	assert_string_equal(units_short(buf, 9994), "9.99 ms");
	assert_string_equal(units_short(buf, 9995), "10 ms");
	assert_string_equal(units_short(buf, 999500), "1.0 s");
	assert_string_equal(units_short(buf, 59950000), "59 s");
	assert_string_equal(units_long(buf, 3599), "59 min 59 s");
	assert_string_equal(units_long(buf, 3660), "1 h 1 min");
	assert_string_equal(units_coarse(buf, 59), "under 1 min");
	assert_string_equal(units_coarse(buf, 119), "1 min");
	units_long(buf, UINT64_MAX);
	units_time(buf, UINT64_MAX);
}

static void test_spoiled(void **state)
{
	json_t *o = quoted_json(REBUILDING);

	(void)state;
	spoil_each(o, o);
	json_decref(o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_healthy),		cmocka_unit_test(test_live),
		cmocka_unit_test(test_rebuild),		cmocka_unit_test(test_almost_done),
		cmocka_unit_test(test_failed_disk),	cmocka_unit_test(test_empty),
		cmocka_unit_test(test_stalls),		cmocka_unit_test(test_spoiled),
		cmocka_unit_test(test_names_that_steer), cmocka_unit_test(test_widths),
		cmocka_unit_test(test_colour),		cmocka_unit_test(test_problem),
		cmocka_unit_test(test_ascii_locale),	cmocka_unit_test(test_units),
		cmocka_unit_test(test_negative_number),
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
