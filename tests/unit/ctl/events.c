/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which of the events that daemons tell are new, in which order they are shown, and following them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ctl/events.h"
#include "lib/clock.h"
#include "socket/server.h"
#include "tests/unit/support/quoted-json.h"
#include "tests/unit/support/tree.h"

static struct told_events told;
static struct events_seen seen;
static uint64_t missed;

static int tear_down(void **state)
{
	(void)state;
	events_free(&told);
	seen = (struct events_seen){ 0 };
	return 0;
}

/* A daemon of this pid that tells events of these numbers, at ten times that many milliseconds. */
static json_t *status_with(int pid, int first, int last)
{
	json_t *events = json_array(), *status;

	for (int i = first; i <= last; i++)
		json_array_append_new(events, json_pack("{s:i, s:i, s:s, s:s, s:n, s:s, s:s}", "number", i, "time_ms", 10 * i,
							"priority", "info", "event", "ready", "array", "disk", "sda", "text", "t"));
	status = json_pack("{s:i, s:i, s:o}", "schema", 1, "pid", pid, "events", events);
	assert_non_null(status);
	return status;
}

static int take(const char *container, json_t *status)
{
	int r = events_take(&told, &seen, container, status, &missed);

	json_decref(status);
	return r;
}

/* So many are told by now, and the last one has this number. */
static void assert_told(size_t count, int last)
{
	assert_int_equal(told.count, count);
	assert_int_equal(json_integer_value(json_object_get(told.event[count - 1].object, "number")), last);
}

static void test_new_ones(void **state)
{
	(void)state;
	assert_int_equal(take("md127", status_with(7, 1, 3)), 0);
	assert_told(3, 3);
	assert_int_equal(missed, 0);
	/* Nothing new, then two, then some after others that are not kept any more. */
	assert_int_equal(take("md127", status_with(7, 1, 3)), 0);
	assert_told(3, 3);
	assert_int_equal(take("md127", status_with(7, 1, 5)), 0);
	assert_told(5, 5);
	assert_int_equal(missed, 0);
	assert_int_equal(take("md127", status_with(7, 9, 10)), 0);
	assert_told(7, 10);
	assert_int_equal(missed, 3);
}

/* It counts from 1 again; one with the same process number is known by having told fewer. */
static void test_another_daemon(void **state)
{
	(void)state;
	assert_int_equal(take("md127", status_with(7, 1, 5)), 0);
	assert_int_equal(take("md127", status_with(8, 1, 6)), 0);
	assert_told(11, 6);
	assert_int_equal(take("md127", status_with(8, 1, 2)), 0);
	assert_told(13, 2);
	assert_int_equal(take("md127", status_with(8, 1, 0)), 0);
	assert_int_equal(take("md127", status_with(8, 1, 1)), 0);
	assert_told(14, 1);
	assert_int_equal(missed, 0);
}

static void assert_refused(const char *key, json_t *value)
{
	json_t *status = status_with(7, 1, 3);

	json_object_set_new(json_array_get(json_object_get(status, "events"), 1), key, value);
	assert_int_equal(take("md127", status), -EPROTO);
	assert_int_equal(told.count, 0);
	assert_int_equal(seen.last, 0);
}

static void test_not_as_promised(void **state)
{
	static const char *const keys[] = { "number", "time_ms", "priority", "event", "array", "disk", "text" };

	(void)state;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		assert_refused(keys[i], json_true());
	assert_refused("time_ms", json_integer(-1));
	assert_refused("number", json_integer(0));
	assert_refused("number", json_integer(1));
	assert_refused("number", json_integer(3));
	assert_int_equal(take("md127", quoted_json("{'pid':7}")), -ENODATA);
	assert_int_equal(take("md127", quoted_json("{'pid':7,'events':{}}")), -EPROTO);
	assert_int_equal(take("md127", quoted_json("{'pid':'x','events':[]}")), 0);
	assert_int_equal(told.count, 0);
}

/* By time over all containers. */
static void test_order(void **state)
{
	static const char *const wanted[] = { "md125", "md127", "md125", "md127" };

	(void)state;
	assert_int_equal(take("md127", status_with(7, 1, 2)), 0);
	seen = (struct events_seen){ 0 };
	assert_int_equal(take("md125", status_with(8, 1, 2)), 0);
	events_sort(&told);
	for (size_t i = 0; i < 4; i++)
		assert_string_equal(told.event[i].container, wanted[i]);
}

static void test_line(void **state)
{
	char *line;

	(void)state;
	setenv("TZ", "UTC", 1);
	take("md\033127", quoted_json("{'pid':7,'events':[{'number':1,'time_ms':1001,'priority':'err','event':'a\\u001b','array':null,"
				      "'disk':null,'text':'b\\nc'}]}"));
	assert_int_equal(told.count, 1);
	line = events_line(&told.event[0], false);
	assert_string_equal(line, "1970-01-01 00:00:01.001 md?127 a?                      b?c");
	free(line);
	line = events_line(&told.event[0], true);
	assert_non_null(strstr(line, "\033["));
	free(line);
}

/* ---- following ---- */

/* What it says of itself the first time, the second ...; the last text stays. */
static void serve(struct msg_server *s, const char *const *texts)
{
	struct pollfd pfds[MSG_SERVER_MAX_POLLFDS];
	struct msg_request req;

	for (;;) {
		size_t n = msg_server_pollfds(s, pfds, MSG_SERVER_MAX_POLLFDS);

		poll(pfds, n, 100);
		msg_server_run(s, pfds, n, clock_now_ns());
		while (msg_server_next(s, &req)) {
			msg_server_reply(s, req.client, *texts, (int32_t)strlen(*texts), clock_now_ns());
			texts += texts[1] != NULL;
		}
	}
}

static pid_t start_server(const char *path, const char *const *texts)
{
	struct msg_server *s = msg_server_open(path);
	pid_t pid;

	assert_non_null(s);
	pid = fork();
	if (!pid)
		serve(s, texts);
	msg_server_close(s);
	return pid;
}

static void follow(const struct events_request *r, char *out, char *err, size_t size)
{
	int fds[2] = { memfd_create("out", 0), memfd_create("err", 0) }, status;
	char *const texts[2] = { out, err };
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (!pid) {
		dup2(fds[0], STDOUT_FILENO);
		dup2(fds[1], STDERR_FILENO);
		_exit(events_run(r));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	for (unsigned i = 0; i < 2; i++) {
		ssize_t n = pread(fds[i], texts[i], size - 1, 0);

		texts[i][n > 0 ? n : 0] = '\0';
		close(fds[i]);
	}
}

static char *text_of(json_t *status)
{
	char *text = json_dumps(status, JSON_COMPACT);

	json_decref(status);
	return text;
}

static unsigned count_lines(const char *text)
{
	unsigned n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

/* Each once, whoever tells it; and what is wrong once, as long as it lasts. */
static void test_follow(void **state)
{
	const struct tree *t = *state;
	const struct ctl_paths paths = { t->path, "/nowhere", "/nowhere", "/nowhere" };
	const char *texts[] = { text_of(status_with(7, 1, 2)), text_of(status_with(7, 1, 2)), text_of(status_with(7, 1, 3)), "", "",
				text_of(status_with(8, 2, 3)), NULL };
	const struct events_request r = {
		.paths = &paths, .timeout_ms = 2000, .follow = true, .interval_ms = 1, .rounds = 8, .json = true,
	};
	char path[128], out[8192], err[8192];
	pid_t server;

	snprintf(path, sizeof(path), "%s/md127.sock", t->path);
	server = start_server(path, texts);
	follow(&r, out, err, sizeof(out));
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	assert_int_equal(count_lines(out), 5);
	assert_non_null(strstr(out, "{\"container\": \"md127\", \"number\": 1,"));
	assert_string_equal(err, "mdmonctl: md127: runs the mdmon of mdadm, which cannot tell more\n"
				 "mdmonctl: md127: some were missed (1): journalctl -t mdmon MDMON_CONTAINER=md127\n");
	/* One that is not there is waited for. */
	unlink(path);
	follow(&r, out, err, sizeof(out));
	assert_string_equal(out, "");
	assert_string_equal(err, "");
	for (size_t i = 0; texts[i]; i++)
		if (*texts[i])
			free((void *)(uintptr_t)texts[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_new_ones, tear_down),
		cmocka_unit_test_teardown(test_another_daemon, tear_down),
		cmocka_unit_test_teardown(test_not_as_promised, tear_down),
		cmocka_unit_test_teardown(test_order, tear_down),
		cmocka_unit_test_teardown(test_line, tear_down),
		cmocka_unit_test_setup_teardown(test_follow, tree_setup, tree_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
