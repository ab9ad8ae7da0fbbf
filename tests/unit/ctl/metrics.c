/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What mdmonctl metrics makes of what is known, against tests/samples/metrics: tests/metrics/check shows those to Prometheus.
 * REWRITE=1 in the environment writes them anew.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/check-gather.h"
#include "ctl/metrics.h"
#include "ctl/replace.h"
#include "lib/version.h"
#include "tests/unit/support/quoted-json.h"
#include "tests/unit/support/tree.h"

#define WRITES "{'count':8,'total_us':17011,'max_us':16400000,'buckets':[1,2,2,0,0,0,0,0,0,0,0,0,0,0,0,3]}"
#define FAILURES "{'count':0,'total_us':0,'max_us':0,'buckets':[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]}"
#define STATUS                                                                                                            \
	"{'schema':1,'version':'0.1.0','pid':412,'container':'md127','metadata':'imsm','time_ms':1763841234567,"         \
	"'uptime_ms':86400123,'draining':false,'unserved':[],'generation':17,'writing_ms':7000,"                         \
	"'last_write':{'time_ms':1763841230000,'duration_us':1843,'disks':3,'failed':[],'count':12,'errors':1},"         \
	"'queues':{'updates':0,'pings':2,'clients':1,'lost_messages':0},"                                                \
	"'stalls':{'write':" WRITES ",'failure':" FAILURES "},"                                                           \
	"'disks':[{'name':'sda','dev':'8:0','serial':'S1','state':'member','writable':false,'hangs_ms':null},"           \
	"{'name':'sdb','dev':'8:16','serial':'S\\\\2','state':'member','writable':true,'hangs_ms':1500},"                 \
	"{'name':null,'dev':null,'serial':'S4','state':'missing','writable':true,'hangs_ms':null}],"                     \
	"'volumes':[{'index':0,'name':'Volume0','device':'md126','level':'raid1','size_kib':10240,'state':'degraded',"   \
	"'dirty':true,'array_state':'active','sync':{'action':'recover','done_kib':1,'total_kib':4,'speed_kib':1000},"   \
	"'members':[{'slot':0,'disk':'sda','state':'in_sync'},{'slot':1,'disk':'sdb','state':'rebuilding'}]},"           \
	"{'index':1,'name':'Sp\u00e4t\\n\\u009b','device':null,'level':'raid5','size_kib':4,'state':'normal',"            \
	"'dirty':false,'array_state':null,'sync':null,'members':[]}],"                                                    \
	"'events':[{'number':300},{'number':301}]}"

static struct check_facts facts;
static struct metrics metrics;
static char why[CHECK_TEXT_MAX];

static int tear_down(void **state)
{
	(void)state;
	check_facts_free(&facts);
	metrics_free(&metrics);
	return 0;
}

/* What md says of the volume that runs. */
static void add_md(void)
{
	struct check_volume *v = check_add_volume(&facts, 0);

	strcpy(v->device, "md126");
	strcpy(v->level, "raid1");
	strcpy(v->sync_action, "recover");
	v->redundant = true;
	v->missing = 1;
	v->sync_done = 2;
	v->sync_total = 8;
	strcpy(check_add_slot(v, 0)->disk, "sda");
	strcpy(check_add_slot(v, 1)->disk, "sdb");
	v->slot[1].bad_blocks = 3;
}

static void add_copy(unsigned disk, int64_t behind)
{
	facts.read = true;
	facts.disk[disk].own = facts.disk[disk].compared = true;
	facts.disk[disk].behind = behind;
}

static void find(struct check_findings *list, enum check_severity severity, const char *name, const char *subject)
{
	assert_non_null(check_find(list, &facts, severity, name, subject));
}

/* ---- samples ---- */

static char *read_sample(const char *path)
{
	char *text = calloc(1, 65536);
	int fd = open(path, O_RDONLY);

	assert_non_null(text);
	if (fd < 0 || read(fd, text, 65535) <= 0)
		text[0] = '\0';
	if (fd >= 0)
		close(fd);
	return text;
}

/* And a newline is the last thing in each. */
static void assert_sample(const char *name, enum metrics_format format)
{
	char path[512], *text = metrics_text(&metrics, format), *sample;

	assert_non_null(text);
	assert_int_equal(text[strlen(text) - 1], '\n');
	snprintf(path, sizeof(path), "%s/metrics/%s", SAMPLES, name);
	if (getenv("REWRITE"))
		assert_int_equal(replace_file(path, text), 0);
	sample = read_sample(path);
	assert_string_equal(text, sample);
	free(sample);
	free(text);
}

static void test_daemon(void **state)
{
	json_t *status = quoted_json(STATUS);
	struct check_findings found = { 0 };

	(void)state;
	facts = (struct check_facts){ .container = "md127" };
	check_take_status(&facts, status);
	assert_int_equal(facts.daemon, CHECK_DAEMON_OURS);
	add_md();
	add_copy(0, 2);
	add_copy(1, 0);
	find(&found, CHECK_CRITICAL, "disk-hangs", "sdb");
	find(&found, CHECK_WARNING, "copy-older", "sda");
	assert_true(metrics_take(&metrics, &facts, status, &found, why));
	/* The same once more changes nothing: no series may be there twice. */
	assert_true(metrics_take(&metrics, &facts, status, &found, why));
	assert_sample("daemon.om", METRICS_OPENMETRICS);
	assert_sample("daemon.prom", METRICS_PROMETHEUS);
	check_findings_free(&found);
	json_decref(status);
}

/* A redundant array has none, another container mdadm's: what md says is told all the same. */
static void test_no_daemon(void **state)
{
	(void)state;
	facts = (struct check_facts){ .container = "md127", .daemon = CHECK_DAEMON_NONE };
	add_md();
	assert_true(metrics_take(&metrics, &facts, NULL, NULL, why));
	check_facts_free(&facts);
	facts = (struct check_facts){ .container = "md125", .daemon = CHECK_DAEMON_OTHER };
	assert_true(metrics_take(&metrics, &facts, NULL, NULL, why));
	assert_sample("no-daemon.om", METRICS_OPENMETRICS);
	assert_sample("no-daemon.prom", METRICS_PROMETHEUS);
}

/* ---- answers that are not as promised ---- */

static void assert_odd(json_t *status, const char *key)
{
	char *text;

	facts = (struct check_facts){ .container = "md127" };
	check_take_status(&facts, status);
	/* What check does not read is noticed here, what it reads there. */
	assert_false(facts.daemon == CHECK_DAEMON_OURS && metrics_take(&metrics, &facts, status, NULL, why));
	if (!strstr(facts.daemon == CHECK_DAEMON_OURS ? why : facts.daemon_problem, key))
		fail_msg("no %s in: %s", key, why);
	text = metrics_text(&metrics, METRICS_OPENMETRICS);
	assert_string_equal(text, "# EOF\n");
	free(text);
	check_facts_free(&facts);
	json_decref(status);
}

static void test_odd(void **state)
{
	static const char *const keys[] = { "version", "time_ms", "queues", "stalls", "generation", "writing_ms", "last_write",
					    "draining", "unserved", "uptime_ms" };
	static const char *const in_event = "number";
	static const char *const in_volume[] = { "size_kib", "dirty", "sync" };
	json_t *status, *list;

	(void)state;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		status = quoted_json(STATUS);
		json_object_del(status, keys[i]);
		assert_odd(status, keys[i]);
	}
	for (size_t i = 0; i < sizeof(in_volume) / sizeof(in_volume[0]); i++) {
		status = quoted_json(STATUS);
		json_object_del(json_array_get(json_object_get(status, "volumes"), 1), in_volume[i]);
		assert_odd(status, in_volume[i]);
	}
	status = quoted_json(STATUS);
	json_object_del(json_array_get(json_object_get(status, "events"), 1), in_event);
	assert_odd(status, in_event);
	for (int i = 0; i < 3; i++) {
		status = quoted_json(STATUS);
		list = json_object_get(json_object_get(json_object_get(status, "stalls"), "write"), "buckets");
		if (i == 0)
			json_array_append_new(list, json_integer(0));
		else
			json_array_set_new(list, 3, i == 1 ? json_integer(-1) : json_string("1"));
		assert_odd(status, "buckets");
	}
}

/* ---- text ---- */

static void test_escaping(void **state)
{
	const struct labels l = labels_with((struct labels){ 0 }, "container", "a\"b\\c\nd\033\xc2\x9b\x80\xc3\xa4\xed\xa0\x80");
	char *text;

	(void)state;
	metrics_put(&metrics, METRIC_UP, &l, 1e15);
	metrics_put(&metrics, METRIC_DRAINING, &(struct labels){ 0 }, 0.25);
	text = metrics_text(&metrics, METRICS_PROMETHEUS);
	assert_non_null(strstr(text, "\nmdmon_up{container=\"a\\\"b\\\\c\\nd????\xc3\xa4???\"} 1000000000000000\n"));
	assert_non_null(strstr(text, "\nmdmon_draining 0.25\n"));
	free(text);
}

static void test_program(void **state)
{
	char *text;

	(void)state;
	metrics_take_program(&metrics);
	text = metrics_text(&metrics, METRICS_OPENMETRICS);
	assert_string_equal(text, "# HELP mdmonctl_build The mdmonctl that wrote this.\n# TYPE mdmonctl_build info\n"
				  "mdmonctl_build_info{version=\"" MDMON_VERSION "\"} 1\n# EOF\n");
	free(text);
}

static void test_no_memory(void **state)
{
	(void)state;
	metrics_take_program(&metrics);
	metrics.failed = true;
	assert_null(metrics_text(&metrics, METRICS_OPENMETRICS));
}

/* ---- files ---- */

static void test_replace(void **state)
{
	const struct tree *t = *state;
	char path[128];
	struct stat st;
	char *text;

	snprintf(path, sizeof(path), "%s/x.prom", t->path);
	umask(077);
	assert_int_equal(replace_file(path, "old and long\n"), 0);
	assert_int_equal(replace_file(path, "new\n"), 0);
	umask(022);
	text = read_sample(path);
	assert_string_equal(text, "new\n");
	free(text);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	assert_int_equal(chdir(t->path), 0);
	assert_int_equal(replace_file("x.prom", "here\n"), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, 5);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(chdir("/"), 0);
	assert_int_equal(rmdir(t->path), 0); /* nothing else was left */
	assert_int_equal(mkdir(t->path, 0700), 0);
}

static void test_replace_impossible(void **state)
{
	const struct tree *t = *state;
	char path[128];

	snprintf(path, sizeof(path), "%s/none/x.prom", t->path);
	assert_int_equal(replace_file(path, "x"), -2);
	snprintf(path, sizeof(path), "%s/", t->path);
	assert_int_equal(replace_file(path, "x"), -21);
	tree_make_dir(t, "dir");
	snprintf(path, sizeof(path), "%s/dir", t->path);
	assert_int_equal(replace_file(path, "x"), -21);
	/* It was empty, and nothing was left in it or beside it. */
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(rmdir(t->path), 0);
	assert_int_equal(mkdir(t->path, 0700), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_daemon, tear_down),
		cmocka_unit_test_teardown(test_no_daemon, tear_down),
		cmocka_unit_test_teardown(test_odd, tear_down),
		cmocka_unit_test_teardown(test_escaping, tear_down),
		cmocka_unit_test_teardown(test_program, tear_down),
		cmocka_unit_test_teardown(test_no_memory, tear_down),
		cmocka_unit_test_setup_teardown(test_replace, tree_setup, tree_teardown),
		cmocka_unit_test_setup_teardown(test_replace_impossible, tree_setup, tree_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
