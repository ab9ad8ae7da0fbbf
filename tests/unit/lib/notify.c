/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/log.h"
#include "lib/notify.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* ---- systemd's end ---- */

static char dir[] = "/tmp/test-notify-XXXXXX";
static char path[sizeof(dir) + 16];

/* `name` as in NOTIFY_SOCKET. Bound independently of what is tested: an abstract name has no NUL at its end. */
static int serve(const char *name)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name) + (name[0] == '/'));

	memcpy(sa.sun_path, name, strlen(name));
	if (name[0] == '@')
		sa.sun_path[0] = '\0';
	else
		unlink(name);
	assert_int_equal(bind(fd, (const struct sockaddr *)&sa, len), 0);
	return fd;
}

/* The next datagram; "(nothing)" if there is none. */
static const char *next(int fd)
{
	static char buf[4096];
	ssize_t n = recv(fd, buf, sizeof(buf) - 1, 0);

	if (n < 0)
		return "(nothing)";
	buf[n] = '\0';
	assert_int_equal(strlen(buf), n);
	return buf;
}

/* How many there are. */
static unsigned drain(int fd)
{
	unsigned n = 0;

	while (strcmp(next(fd), "(nothing)"))
		n++;
	return n;
}

/* ---- what is logged ---- */

static int saved_stderr, logged;

static const char *next_log(void)
{
	return next(logged);
}

static int setup(void **state)
{
	int pair[2];

	(void)state;
	memcpy(dir + strlen(dir) - 6, "XXXXXX", 6);
	if (!mkdtemp(dir) || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair))
		return -1;
	snprintf(path, sizeof(path), "%s/notify", dir);
	saved_stderr = dup(STDERR_FILENO);
	dup2(pair[1], STDERR_FILENO);
	close(pair[1]);
	logged = pair[0];
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	alarm(60); /* for what must not block */
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	alarm(0);
	notify_close();
	dup2(saved_stderr, STDERR_FILENO);
	close(saved_stderr);
	close(logged);
	unlink(path);
	return rmdir(dir);
}

static int open_with(const char *name)
{
	int fd = serve(name);

	setenv("NOTIFY_SOCKET", name, 1);
	notify_open();
	assert_string_equal(next_log(), "(nothing)");
	return fd;
}

/* ---- messages ---- */

static void test_words(void **state)
{
	int fd = open_with(path);

	(void)state;
	notify_ready(NULL);
	assert_string_equal(next(fd), "READY=1");
	notify_status("2 arrays");
	assert_string_equal(next(fd), "STATUS=2 arrays");
	notify_watchdog();
	assert_string_equal(next(fd), "WATCHDOG=1");
	notify_watchdog();
	assert_string_equal(next(fd), "WATCHDOG=1");
	notify_stopping();
	assert_string_equal(next(fd), "STOPPING=1");
	assert_string_equal(next(fd), "(nothing)");
	close(fd);
}

static void test_ready_with_status(void **state)
{
	int fd = open_with(path);

	(void)state;
	notify_ready("1 array");
	assert_string_equal(next(fd), "READY=1\nSTATUS=1 array");
	notify_status("1 array");
	assert_string_equal(next(fd), "(nothing)");
	close(fd);
}

static void test_same_status(void **state)
{
	int fd = open_with(path);
	char text[] = "a";

	(void)state;
	notify_status(text);
	assert_string_equal(next(fd), "STATUS=a");
	notify_status("a");
	assert_string_equal(next(fd), "(nothing)");
	text[0] = 'b';
	notify_status(text);
	assert_string_equal(next(fd), "STATUS=b");
	notify_status("a");
	assert_string_equal(next(fd), "STATUS=a");
	notify_status("");
	assert_string_equal(next(fd), "STATUS=");
	notify_status("");
	assert_string_equal(next(fd), "(nothing)");
	close(fd);
}

/* Names of volumes come from disks. */
static void test_no_field_is_injected(void **state)
{
	int fd = open_with(path);

	(void)state;
	notify_status("a\nSTOPPING=1\n\r\t\033[31m\177b");
	assert_string_equal(next(fd), "STATUS=a STOPPING=1    [31m b");
	notify_status("a STOPPING=1    [31m b");
	assert_string_equal(next(fd), "(nothing)");
	notify_ready("caf\303\251\n");
	assert_string_equal(next(fd), "READY=1\nSTATUS=caf\303\251 ");
	close(fd);
}

static void test_long_status(void **state)
{
	int fd = open_with(path);
	char text[2000], want[2000];

	(void)state;
	memset(text, 'x', sizeof(text));
	text[511] = '\0';
	snprintf(want, sizeof(want), "STATUS=%.511s", text);
	notify_status(text);
	assert_string_equal(next(fd), want);
	text[511] = 'y';
	text[sizeof(text) - 1] = '\0';
	notify_status(text); /* what is shown of it is the same */
	assert_string_equal(next(fd), "(nothing)");

	memcpy(text + 509, "\342\202\254", 3); /* this character does not fit */
	notify_ready(text);
	snprintf(want, sizeof(want), "READY=1\nSTATUS=%.509s", text);
	assert_string_equal(next(fd), want);
	memcpy(text + 508, "\342\202\254x", 4); /* this one does */
	notify_status(text);
	snprintf(want, sizeof(want), "STATUS=%.511s", text);
	assert_string_equal(next(fd), want);
	close(fd);
}

/* ---- where to ---- */

static void test_abstract(void **state)
{
	char name[64], longer[66], shorter[64];
	int fd, other, third;

	(void)state;
	snprintf(name, sizeof(name), "@test-notify/%d", (int)getpid());
	snprintf(longer, sizeof(longer), "%sx", name);
	snprintf(shorter, sizeof(shorter), "%.*s", (int)strlen(name) - 1, name);
	other = serve(longer);
	third = serve(shorter);
	fd = open_with(name);
	notify_ready("x");
	assert_string_equal(next(fd), "READY=1\nSTATUS=x");
	assert_string_equal(next(other), "(nothing)");
	assert_string_equal(next(third), "(nothing)");
	close(fd);
	close(other);
	close(third);
}

/* An abstract name may fill the address to its last byte; a path needs one for its NUL. */
static void test_longest_names(void **state)
{
	const size_t room = sizeof(((struct sockaddr_un *)NULL)->sun_path);
	char name[256];
	int fd;

	(void)state;
	memset(name, 'x', sizeof(name));
	snprintf(name, sizeof(name), "@test-notify-%d", (int)getpid());
	name[strlen(name)] = 'x';
	name[room] = '\0';
	assert_int_equal(strlen(name), room);
	fd = open_with(name);
	notify_ready(NULL);
	assert_string_equal(next(fd), "READY=1");
	close(fd);

	memset(name, '/', room);
	memcpy(name, dir, strlen(dir));
	memcpy(name + room - 1 - strlen("/notify"), "/notify", strlen("/notify") + 1);
	assert_int_equal(strlen(name), room - 1);
	fd = open_with(name);
	notify_ready(NULL);
	assert_string_equal(next(fd), "READY=1");
	close(fd);
}

static void say_everything(void)
{
	notify_ready("x");
	notify_status("y");
	notify_watchdog();
	notify_stopping();
}

static void test_not_a_service(void **state)
{
	(void)state;
	say_everything(); /* not even opened */
	setenv("WATCHDOG_USEC", "1000000", 1);
	notify_open();
	say_everything();
	assert_int_equal(notify_watchdog_interval_ns(), 0);
	assert_null(getenv("WATCHDOG_USEC"));
	setenv("NOTIFY_SOCKET", "", 1);
	notify_open();
	say_everything();
	assert_string_equal(next_log(), "(nothing)");
}

static void test_bad_names(void **state)
{
	char longer[109 + 1], longest_path[108 + 1];
	const char *bad[] = { "notify", "/", "@", "vsock:2:1234", longer, longest_path };
	char want[256];

	(void)state;
	memset(longer, 'x', 109);
	longer[0] = '@';
	longer[109] = '\0';
	memset(longest_path, '/', 108);
	longest_path[108] = '\0';
	for (size_t i = 0; i < COUNT(bad); i++) {
		setenv("NOTIFY_SOCKET", bad[i], 1);
		setenv("WATCHDOG_USEC", "1000000", 1);
		notify_open();
		snprintf(want, sizeof(want), "mdmon: NOTIFY_SOCKET=%s makes no sense\n", bad[i]);
		assert_string_equal(next_log(), want);
		assert_null(getenv("NOTIFY_SOCKET"));
		assert_int_equal(notify_watchdog_interval_ns(), 0);
		say_everything();
		assert_string_equal(next_log(), "(nothing)");
	}
}

/* Nobody listens: that is said once, and again if somebody has listened in between. What holds is made up for. */
static void test_nobody_there(void **state)
{
	static const char gone[] = "mdmon: cannot notify systemd: No such file or directory\n";
	int fd = open_with(path);

	(void)state;
	close(fd);
	unlink(path);
	say_everything();
	assert_string_equal(next_log(), gone);
	assert_string_equal(next_log(), "(nothing)");
	fd = serve(path);
	notify_status("y");
	assert_string_equal(next(fd), "READY=1\nSTATUS=y");
	assert_string_equal(next(fd), "(nothing)");
	close(fd);
	notify_watchdog();
	assert_string_equal(next_log(), "mdmon: cannot notify systemd: Connection refused\n");
	notify_watchdog();
	assert_string_equal(next_log(), "(nothing)");
}

/* As after switch-root: the path is gone, the socket is not. */
static void test_path_gone(void **state)
{
	int fd = open_with(path);

	(void)state;
	unlink(path);
	notify_ready(NULL);
	assert_string_equal(next(fd), "READY=1");
	notify_watchdog();
	assert_string_equal(next(fd), "WATCHDOG=1");
	assert_string_equal(next_log(), "(nothing)");
	close(fd);
}

static void test_another_in_its_place(void **state)
{
	int fd = open_with(path), again;

	(void)state;
	close(fd);
	again = serve(path);
	notify_ready(NULL);
	assert_string_equal(next(again), "READY=1");
	notify_watchdog();
	assert_string_equal(next(again), "WATCHDOG=1");
	assert_string_equal(next_log(), "(nothing)");
	close(again);
}

static void test_no_room(void **state)
{
	int fd = open_with(path);
	unsigned got;

	(void)state;
	for (unsigned i = 0; i < 5000; i++)
		notify_watchdog();
	notify_ready("a");
	notify_status("b");
	got = drain(fd);
	assert_true(got >= 1 && got <= 4999);
	assert_string_equal(next_log(), "(nothing)");
	notify_watchdog();
	assert_string_equal(next(fd), "READY=1\nSTATUS=b\nWATCHDOG=1");
	notify_status("b");
	notify_watchdog();
	assert_string_equal(next(fd), "WATCHDOG=1");
	assert_string_equal(next(fd), "(nothing)");
	close(fd);
}

static void test_close(void **state)
{
	int fd = open_with(path), before, after;

	(void)state;
	before = dup(STDERR_FILENO);
	close(before);
	setenv("WATCHDOG_USEC", "1000000", 1);
	notify_open(); /* without a socket, instead of the old one */
	after = dup(STDERR_FILENO);
	close(after);
	assert_true(after < before); /* that one is closed */
	say_everything();
	assert_string_equal(next(fd), "(nothing)");
	setenv("NOTIFY_SOCKET", path, 1);
	setenv("WATCHDOG_USEC", "1000000", 1);
	notify_open();
	assert_int_equal(notify_watchdog_interval_ns(), 500000000);
	notify_status("a");
	assert_string_equal(next(fd), "STATUS=a");
	notify_close();
	say_everything();
	assert_string_equal(next(fd), "(nothing)");
	assert_int_equal(notify_watchdog_interval_ns(), 0);
	close(fd);
}

/* ---- environment ---- */

/* What we start is not the service; nor is it given our socket. */
static void test_nothing_is_inherited(void **state)
{
	int fd;

	(void)state;
	setenv("WATCHDOG_USEC", "1000000", 1);
	setenv("WATCHDOG_PID", "1", 1);
	fd = open_with(path);
	assert_null(getenv("NOTIFY_SOCKET"));
	assert_null(getenv("WATCHDOG_USEC"));
	assert_null(getenv("WATCHDOG_PID"));
	for (int i = STDERR_FILENO + 1; i < 64; i++) {
		int type, flags = fcntl(i, F_GETFD);
		socklen_t len = sizeof(type);

		if (flags >= 0 && !getsockopt(i, SOL_SOCKET, SO_TYPE, &type, &len) && type == SOCK_DGRAM)
			assert_true(flags & FD_CLOEXEC);
	}
	close(fd);
}

static void test_watchdog_interval(void **state)
{
	static const struct {
		const char *usec;
		uint64_t want;
		const char *log;
	} cases[] = {
		{ "30000000", UINT64_C(15000000000), NULL },
		{ "1", 500, NULL },
		{ "18446744073709551", UINT64_C(9223372036854775500), NULL },
		{ "18446744073709552", 0, "mdmon: WATCHDOG_USEC=18446744073709552 makes no sense\n" },
		{ "18446744073709551616", 0, "mdmon: WATCHDOG_USEC=18446744073709551616 makes no sense\n" },
		{ "0", 0, "mdmon: WATCHDOG_USEC=0 makes no sense\n" },
		{ "", 0, "mdmon: WATCHDOG_USEC= makes no sense\n" },
		{ "-1", 0, "mdmon: WATCHDOG_USEC=-1 makes no sense\n" },
		{ "1s", 0, "mdmon: WATCHDOG_USEC=1s makes no sense\n" },
		{ " 1", 0, "mdmon: WATCHDOG_USEC= 1 makes no sense\n" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		setenv("NOTIFY_SOCKET", path, 1);
		setenv("WATCHDOG_USEC", cases[i].usec, 1);
		notify_open();
		assert_int_equal(notify_watchdog_interval_ns(), cases[i].want);
		assert_string_equal(next_log(), cases[i].log ? cases[i].log : "(nothing)");
	}
}

static uint64_t interval_for(const char *pid)
{
	setenv("NOTIFY_SOCKET", path, 1);
	setenv("WATCHDOG_USEC", "2000000", 1);
	setenv("WATCHDOG_PID", pid, 1);
	notify_open();
	return notify_watchdog_interval_ns();
}

static void test_watchdog_pid(void **state)
{
	char pid[16];

	(void)state;
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	assert_int_equal(interval_for(pid), 1000000000);
	snprintf(pid, sizeof(pid), "%d", (int)getppid());
	assert_int_equal(interval_for(pid), 0); /* inherited from a service: not ours, nor wrong */
	assert_string_equal(next_log(), "(nothing)");
	assert_int_equal(interval_for("self"), 0);
	assert_string_equal(next_log(), "mdmon: WATCHDOG_PID=self makes no sense\n");
	assert_int_equal(interval_for(""), 0);
	assert_string_equal(next_log(), "mdmon: WATCHDOG_PID= makes no sense\n");
}

/* As documented: who is forked after notify_open() goes on. */
static void test_fork(void **state)
{
	int fd, status = -1;
	pid_t pid;

	(void)state;
	setenv("WATCHDOG_USEC", "1000000", 1);
	fd = open_with(path);
	pid = fork();
	if (pid == 0) {
		notify_ready("child");
		_exit(notify_watchdog_interval_ns() == 500000000 ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_string_equal(next(fd), "READY=1\nSTATUS=child");
	close(fd);
}

#define NOTIFY_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		NOTIFY_TEST(test_words),
		NOTIFY_TEST(test_ready_with_status),
		NOTIFY_TEST(test_same_status),
		NOTIFY_TEST(test_no_field_is_injected),
		NOTIFY_TEST(test_long_status),
		NOTIFY_TEST(test_abstract),
		NOTIFY_TEST(test_longest_names),
		NOTIFY_TEST(test_not_a_service),
		NOTIFY_TEST(test_bad_names),
		NOTIFY_TEST(test_nobody_there),
		NOTIFY_TEST(test_path_gone),
		NOTIFY_TEST(test_another_in_its_place),
		NOTIFY_TEST(test_no_room),
		NOTIFY_TEST(test_close),
		NOTIFY_TEST(test_nothing_is_inherited),
		NOTIFY_TEST(test_watchdog_interval),
		NOTIFY_TEST(test_watchdog_pid),
		NOTIFY_TEST(test_fork),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
