/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The whole client, in a process of its own, against a server in another one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ctl/command.h"
#include "ctl/watch.h"
#include "lib/clock.h"
#include "lib/version.h"
#include "msg.h"
#include "socket/client.h"
#include "socket/server.h"
#include "tests/unit/support/images.h"

static char dir[] = "/tmp/test-ctl-command-XXXXXX";
static struct ctl_paths paths = { dir, "/nowhere", "/nowhere", "/nowhere" };
static pid_t server;

/* ---- the server ---- */

/* What it does with a status message: answers this; NULL: closes the connection. */
static void answer(struct msg_server *s, const struct msg_request *req, const char *status)
{
	uint64_t now = clock_now_ns();

	if (req->kind == MSG_REQ_PING_MONITOR)
		msg_server_reply(s, req->client, msg_version_string, (int32_t)msg_version_length(), now);
	else if (req->kind == MSG_REQ_STATUS && status)
		msg_server_reply(s, req->client, status, (int32_t)strlen(status), now);
	else if (req->kind == MSG_REQ_STATUS)
		msg_server_drop(s, req->client);
	else
		msg_server_reply(s, req->client, NULL, 0, now);
}

static void serve(struct msg_server *s, const char *status)
{
	struct pollfd pfds[MSG_SERVER_MAX_POLLFDS];
	struct msg_request req;

	for (;;) {
		size_t n = msg_server_pollfds(s, pfds, MSG_SERVER_MAX_POLLFDS);

		poll(pfds, n, 100);
		msg_server_run(s, pfds, n, clock_now_ns());
		while (msg_server_next(s, &req))
			answer(s, &req, status);
	}
}

static const char *socket_path(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s.sock", dir, name);
	return path;
}

static void start_server(const char *status)
{
	struct msg_server *s = msg_server_open(socket_path("md127"));

	assert_non_null(s);
	server = fork();
	if (!server)
		serve(s, status);
	msg_server_close(s);
}

static int stop_server(void **state)
{
	(void)state;
	if (server > 0) {
		kill(server, SIGKILL);
		waitpid(server, NULL, 0);
	}
	server = 0;
	unlink(socket_path("md127"));
	return 0;
}

/* ---- the client ---- */

static char out[65536], err[4096];

static void read_back(int fd, char *buf, size_t size)
{
	ssize_t n = pread(fd, buf, size - 1, 0);

	buf[n > 0 ? n : 0] = '\0';
	close(fd);
}

/* Runs it with these words, the last one NULL; returns the exit code and fills out and err. */
static int client(char *first, ...)
{
	char *argv[16] = { strdup("mdmonctl"), first };
	int argc = first ? 2 : 1, status, fds[2] = { memfd_create("out", 0), memfd_create("err", 0) };
	va_list args;
	pid_t pid;

	va_start(args, first);
	while (argc > 1 && (argv[argc] = va_arg(args, char *)))
		argc++;
	va_end(args);
	fflush(NULL);
	pid = fork();
	if (!pid) {
		dup2(fds[0], STDOUT_FILENO);
		dup2(fds[1], STDERR_FILENO);
		status = ctl_main(&paths, argc, argv);
		fflush(NULL);
		_exit(status);
	}
	free(argv[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	read_back(fds[0], out, sizeof(out));
	read_back(fds[1], err, sizeof(err));
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void assert_in(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("no \"%s\" in: %s", part, text);
}

#define SMALL "{\"schema\":1,\"volumes\":[],\"later\":{\"x\":[1,\"\\u009b\"]}}"

static void test_ping(void **state)
{
	(void)state;
	start_server(SMALL);
	assert_int_equal(client("ping", "md127", NULL), 0);
	assert_in(out, "md127: answered in ");
	assert_in(out, " ms (mdadm - v");
	assert_int_equal(client("ping", "--man", "md127", NULL), 0);
	assert_null(strchr(out, '('));
	assert_in(out, " ms\n");
}

static void test_status(void **state)
{
	(void)state;
	start_server(SMALL);
	assert_int_equal(client("status", NULL), 0);
	assert_in(out, "md127 (?): no volumes\n");
	assert_string_equal(err, "");
	assert_null(strchr(out, '\033'));
}

/* Unknown fields go through. */
static void test_json(void **state)
{
	json_t *sent = json_pack("[o]", json_loads(SMALL, 0, NULL)), *got;

	(void)state;
	start_server(SMALL);
	assert_int_equal(client("status", "md127", "--json", NULL), 0);
	got = json_loads(out, 0, NULL);
	assert_true(json_equal(sent, got));
	assert_null(strstr(out, "\xc2\x9b"));
	json_decref(sent);
	json_decref(got);
}

static void test_mute(void **state)
{
	json_t *got;

	(void)state;
	start_server("");
	assert_int_equal(client("status", "md127", NULL), 0);
	assert_string_equal(out, "md127: runs the mdmon of mdadm, which cannot tell more\n");
	assert_int_equal(client("status", "--json", NULL), 0);
	got = json_loads(out, 0, NULL);
	assert_true(json_is_null(json_object_get(json_array_get(got, 0), "version")));
	assert_string_equal(json_string_value(json_object_get(json_array_get(got, 0), "container")), "md127");
	json_decref(got);
}

static void assert_no_status(const char *why)
{
	assert_int_equal(client("status", "md127", NULL), 1);
	assert_string_equal(out, "");
	assert_in(err, why);
}

static void test_bad_answers(void **state)
{
	static const char *const bad[][2] = {
		{ NULL, "closed the connection" },
		{ "{\"schema\":\033[31m}", "is not understood: " },
		{ "[1]", "no JSON object" },
		{ "{}", "of which schema" },
		{ "{\"schema\":\"1\"}", "of which schema" },
		{ "{\"schema\":2}", "answers with schema 2" },
		{ "{\"schema\":1", "is not understood: " },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		start_server(bad[i][0]);
		assert_no_status(bad[i][1]);
		assert_null(strchr(err, '\033'));
		stop_server(state);
	}
	start_server("{\"schema\":2}");
	assert_int_equal(client("status", "--json", NULL), 0);
	assert_in(out, "\"schema\": 2");
}

/* One line says so, and the status is that of "unknown". */
static void test_check(void **state)
{
	static const char *const bad[][2] = {
		{ NULL, "closed the connection" }, { "{\"schema\":\033[31m}", "is not understood: " },
		{ "[1]", "no JSON object" },	   { "{}", "of which schema" },
		{ "{\"schema\":2}", "schema 2" },  { "{\"schema\":1", "is not understood: " },
		{ SMALL, "missing, or of another type than promised: " },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		start_server(bad[i][0]);
		assert_int_equal(client("check", NULL), 3);
		assert_in(out, "MDMON UNKNOWN - md127: what its mdmon answers is not understood");
		assert_in(out, "; 1 finding\nUNKNOWN [answer-unclear] md127: ");
		assert_in(out, bad[i][1]);
		assert_ptr_equal(strchr(strchr(out, '\n') + 1, '\n'), out + strlen(out) - 1);
		assert_null(strchr(out, '\033'));
		assert_string_equal(err, "");
		stop_server(state);
	}
	start_server("");
	assert_int_equal(client("check", "--json", "md127", NULL), 1);
	assert_in(out, "\"name\": \"other-daemon\"");
	stop_server(state);
	assert_int_equal(client("check", NULL), 0);
	assert_string_equal(out, "MDMON OK - no mdmon runs, and none is needed\n");
	assert_int_equal(client("check", "md|127\033", NULL), 3);
	assert_in(out, "MDMON UNKNOWN - md/127?: there is no such md device; 1 finding\n");
	assert_int_equal(client("check", "--frob", NULL), 3);
	assert_int_equal(client("check", "-h", NULL), 0);
	assert_in(out, "Usage: mdmonctl check");
	msg_server_close(msg_server_open(socket_path("md127")));
	assert_int_equal(client("check", NULL), 1);
	assert_in(out, "[left-over-files] md127: ");
}

/* As somebody who is not root, if this is: the directory is for its owner only, and then the socket. */
static void test_check_not_root(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	start_server(SMALL);
	assert_int_equal(seteuid(65534), 0);
	assert_int_equal(client("check", NULL), 3);
	assert_in(out, "only root may look there");
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(chmod(dir, 0755), 0);
	assert_int_equal(seteuid(65534), 0);
	assert_int_equal(client("check", NULL), 3);
	assert_in(out, "[not-root] md127: only root may ask its mdmon: run this as root");
	assert_in(out, "; 1 finding\n");
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(chmod(dir, 0700), 0);
}

static void test_check_silent(void **state)
{
	struct msg_server *s = msg_server_open(socket_path("md127"));

	(void)state;
	assert_int_equal(client("check", "-t0.05", NULL), 2);
	assert_in(out, "did not answer within 0.05 s");
	msg_server_close(s);
}

/* That a daemon is not there, is mdadm's, does not answer or answers nonsense is what is asked for, and no failure. */
static void test_metrics(void **state)
{
	static const char *const answers[][2] = { { "", "mdadm" }, { "{\"schema\":2}", "unclear" }, { SMALL, "unclear" } };
	char wanted[128];

	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		start_server(answers[i][0]);
		assert_int_equal(client("metrics", i ? NULL : "md127", NULL), 0);
		assert_in(out, "mdmonctl_build_info{version=\"");
		assert_in(out, "\nmdmon_up{container=\"md127\"} 0\n");
		snprintf(wanted, sizeof(wanted), "\nmdmon_daemon{container=\"md127\",daemon=\"%s\"} 1\n", answers[i][1]);
		assert_in(out, wanted);
		assert_null(strstr(out, "mdmon_check"));
		stop_server(state);
	}
	assert_int_equal(client("metrics", NULL), 0);
	assert_string_equal(err, "");
	assert_null(strstr(out, "mdmon_up"));
	assert_in(out, "\n# EOF\n");
	assert_int_equal(client("metrics", "--prometheus", NULL), 0);
	assert_null(strstr(out, "EOF"));
	msg_server_close(msg_server_open(socket_path("md127")));
	assert_int_equal(client("metrics", "-c", NULL), 0);
	assert_in(out, "daemon=\"none\"} 1");
	assert_in(out, "\nmdmon_check_findings{container=\"md127\",severity=\"warning\"} 1\n");
	assert_in(out, "name=\"left-over-files\",subject=\"md127\"} 1\n");
}

/* Static: the client is a child, and valgrind does not look into its parent's registers there. */
static struct msg_server *s;

/* One that is not known is complained of in one line, and the others are told. */
static void test_metrics_incomplete(void **state)
{
	char *text;

	(void)state;
	s = msg_server_open(socket_path("md127"));
	assert_int_equal(client("metrics", "-t0.05", "md9", "md127", NULL), 1);
	assert_string_equal(err, "mdmonctl: md9: there is no such md device\n");
	assert_in(out, "daemon=\"silent\"} 1");
	if (geteuid() == 0) {
		assert_int_equal(chmod(dir, 0755), 0);
		assert_int_equal(seteuid(65534), 0);
		assert_int_equal(client("metrics", NULL), 1);
		assert_string_equal(err, "mdmonctl: md127: its socket may not be opened: only root may ask\n");
		assert_null(strstr(out, "mdmon_up"));
		assert_int_equal(seteuid(0), 0);
		assert_int_equal(chmod(dir, 0700), 0);
	}
	msg_server_close(s);
	assert_int_equal(client("metrics", "--output=", NULL), 2);
	assert_int_equal(client("metrics", "--output=/nowhere/x.prom", NULL), 1);
	assert_string_equal(err, "mdmonctl: /nowhere/x.prom: No such file or directory\n");
	assert_true(asprintf(&text, "--output=%s/x.prom", dir) > 0);
	assert_int_equal(client("metrics", text, NULL), 0);
	assert_string_equal(out, "");
	assert_int_equal(unlink(strchr(text, '/')), 0);
	free(text);
}

#define EVENT "{\"number\":%d,\"time_ms\":1763841229990,\"priority\":\"warning\",\"event\":\"member-failed\"," \
	"\"array\":\"md126\",\"disk\":\"sdb\",\"text\":\"md126: member sdb failed\\n\\u009b\"}"

static void test_events(void **state)
{
	static const char *const bad[][2] = {
		{ "", "md127: runs the mdmon of mdadm, which cannot tell more\n" },
		{ SMALL, "md127: its mdmon is an older one, which tells no events\n" },
		{ "{\"schema\":1,\"events\":7}", "md127: the answer of its mdmon is not understood: events are not as promised\n" },
		{ "{\"schema\":1,\"events\":[{}]}", "events are not as promised\n" },
		{ "{\"schema\":2,\"events\":[]}", "answers with schema 2" },
		{ NULL, "closed the connection" },
	};
	char text[1024];

	setenv("TZ", "UTC", 1);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		start_server(bad[i][0]);
		assert_int_equal(client("events", i ? NULL : "md127", NULL), 1);
		assert_string_equal(out, "");
		assert_in(err, bad[i][1]);
		assert_ptr_equal(strchr(err, '\n'), err + strlen(err) - 1);
		stop_server(state);
	}
	assert_int_equal(client("events", NULL), 0);
	assert_string_equal(out, "");
	assert_int_equal(client("events", "md127", NULL), 1);
	assert_string_equal(err, "mdmonctl: md127: there is no such md device\n");
	snprintf(text, sizeof(text), "{\"schema\":1,\"pid\":5,\"events\":[" EVENT "," EVENT "]}", 3, 4);
	start_server(text);
	assert_int_equal(client("events", "md127", NULL), 0);
	assert_string_equal(err, "mdmonctl: md127: earlier ones are not kept any more (2): journalctl -t mdmon MDMON_CONTAINER=md127\n");
	assert_string_equal(out, "2025-11-22 19:53:49.990 md127 member-failed           md126: member sdb failed??\n"
				 "2025-11-22 19:53:49.990 md127 member-failed           md126: member sdb failed??\n");
	assert_int_equal(client("events", "--json", NULL), 0);
	assert_in(out, "[\n  {\n    \"container\": \"md127\",\n    \"number\": 3,");
	assert_null(strstr(out, "\xc2\x9b"));
	assert_int_equal(client("events", "--interval", "x", NULL), 2);
}

static void test_nobody(void **state)
{
	(void)state;
	assert_no_status("no such md device");
	assert_int_equal(client("status", NULL), 0);
	assert_in(out, "No mdmon runs");
	assert_int_equal(client("status", "--json", NULL), 0);
	assert_string_equal(out, "[]\n");
	assert_int_equal(client("ping", "md127", NULL), 1);
	msg_server_close(msg_server_open(socket_path("md127")));
	assert_no_status("nobody listens");
	assert_int_equal(client("status", NULL), 1);
	assert_int_equal(client("ping", "md127", NULL), 1);
}

static void test_silent(void **state)
{
	(void)state;
	s = msg_server_open(socket_path("md127"));
	assert_int_equal(client("ping", "-t0.05", "md127", NULL), 1);
	assert_in(err, "did not answer within 0.05 s");
	assert_int_equal(client("status", "--timeout", "0.05", NULL), 1);
	assert_in(err, "did not answer within 0.05 s");
	msg_server_close(s);
}

static void test_usage(void **state)
{
	(void)state;
	assert_int_equal(client(NULL), 2);
	assert_in(err, "ping, status, watch, check, events, metrics and examine");
	assert_int_equal(client("frob\033", NULL), 2);
	assert_in(err, "no command frob?");
	assert_int_equal(client("ping", NULL), 2);
	assert_in(err, "which container");
	assert_int_equal(client("ping", "a", "b", NULL), 2);
	assert_int_equal(client("ping", "--json", "a", NULL), 2);
	assert_in(err, "mdmonctl ping --help");
	assert_int_equal(client("watch", "--interval=0", NULL), 2);
	assert_in(err, "0.001 to 86400, not '0'");
	assert_int_equal(client("status", "--timeout", "nan", NULL), 2);
	assert_int_equal(client("--json", "status", NULL), 2);
}

/* One line for each device that holds nothing, and the others nevertheless. */
static void test_examine(void **state)
{
	char path[3][64];
	json_t *got;

	(void)state;
	image_of_imsm(0, "r5-clean-46", 0);
	image_of_imsm(1, "r5-clean-46", 1);
	image_of_zeros(2, 1 << 20);
	for (unsigned i = 0; i < 3; i++)
		snprintf(path[i], sizeof(path[i]), "%s", image_path(i));
	assert_int_equal(client("examine", path[0], path[1], NULL), 0);
	assert_in(out, "generation 8, healthy\n");
	assert_string_equal(err, "");
	assert_int_equal(client("examine", path[0], path[2], NULL), 1);
	assert_in(out, "generation 8, healthy\n");
	assert_in(err, "mdmonctl: /tmp/images-");
	assert_in(err, ": no IMSM or DDF metadata at its end");
	assert_ptr_equal(strchr(err, '\n'), err + strlen(err) - 1);
	assert_int_equal(client("examine", "--json", path[2], "/nowhere\033", NULL), 1);
	got = json_loads(out, 0, NULL);
	assert_int_equal(json_integer_value(json_object_get(got, "schema")), 1);
	assert_int_equal(json_array_size(json_object_get(got, "devices")), 2);
	assert_null(strchr(err, '\033'));
	json_decref(got);
	/* What was read is not right. */
	image_write(image_at(0), 20480000 - 1024 + 0x2c, "\xff", 1);
	assert_int_equal(client("examine", path[0], NULL), 1);
	assert_in(out, "its copy is damaged: the checksum is wrong");
	assert_int_equal(client("examine", NULL), 2);
	assert_in(err, "which disks?");
	assert_int_equal(client("examine", "-h", NULL), 0);
	assert_in(out, "Usage: mdmonctl examine");
	images_remove();
}

static void test_help(void **state)
{
	(void)state;
	assert_int_equal(client("--help", NULL), 0);
	assert_in(out, "Usage: mdmonctl COMMAND");
	assert_int_equal(client("--vers", NULL), 0);
	assert_string_equal(out, "mdmonctl " MDMON_VERSION "\n");
	assert_int_equal(client("ping", "--help", NULL), 0);
	assert_in(out, "Usage: mdmonctl ping");
	assert_int_equal(client("status", "-h", NULL), 0);
	assert_in(out, "Usage: mdmonctl status");
	assert_int_equal(client("watch", "--he", NULL), 0);
	assert_in(out, "Usage: mdmonctl watch");
	assert_string_equal(err, "");
}

static void assert_watched(char *name, const char *part)
{
	const struct watch w = { .paths = &paths, .name = &name, .names = 1 };
	char *text = watch_text(&w, 80);

	assert_non_null(text);
	assert_in(text, part);
	free(text);
}

/* A daemon that goes away and comes back. */
static void test_watch(void **state)
{
	static char name[] = "md127";

	assert_watched(name, "md127: there is no such md device\n");
	start_server(SMALL);
	assert_watched(name, "md127 (?): no volumes\n");
	stop_server(state);
	assert_watched(name, "md127: there is no such md device\n");
	start_server("");
	assert_watched(name, "runs the mdmon of mdadm");
}

static void assert_crop(const char *text, unsigned rows, const char *expected)
{
	char *cropped = watch_crop(text, rows);

	assert_string_equal(cropped, expected);
	free(cropped);
}

static void test_crop(void **state)
{
	(void)state;
	assert_crop("a\nb\nc\n", 3, "a\nb\nc\n");
	assert_crop("a\nb\nc\n", 2, "a\n... 2 more lines\n");
	assert_crop("a\nb\nc\n", 1, "... 3 more lines\n");
	assert_crop("", 0, "");
}

static int setup(void **state)
{
	(void)state;
	return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	return rmdir(dir);
}

#define TEST(f) cmocka_unit_test_teardown(f, stop_server)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_ping),   TEST(test_status), TEST(test_json),	TEST(test_mute),  TEST(test_bad_answers),
		TEST(test_metrics), TEST(test_metrics_incomplete), TEST(test_events),
		TEST(test_nobody), TEST(test_silent), TEST(test_usage), TEST(test_help), TEST(test_watch),
		TEST(test_crop),   TEST(test_examine), TEST(test_check), TEST(test_check_not_root), TEST(test_check_silent),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
