/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See log-sockets.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/support/log-sockets.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include "lib/log.h"

/* Where the sockets of the journal and of syslog are while a test runs. */
static char dir[] = "/tmp/test-log-XXXXXX";
size_t log_longest_datagram;
void (*log_sink)(const char *data, size_t len);

static struct sockaddr_un address(const char *name)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };

	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/%s", dir, name);
	return sa;
}

/* Real datagrams to real sockets; only the names of these are others. */
ssize_t __real_sendto(int fd, const void *buf, size_t len, int flags, const struct sockaddr *to, socklen_t tolen);
ssize_t __wrap_sendto(int fd, const void *buf, size_t len, int flags, const struct sockaddr *to, socklen_t tolen);
ssize_t __wrap_sendto(int fd, const void *buf, size_t len, int flags, const struct sockaddr *to, socklen_t tolen)
{
	const char *path = ((const struct sockaddr_un *)(const void *)to)->sun_path;
	bool journal = !strcmp(path, "/run/systemd/journal/socket");
	struct sockaddr_un sa = address(journal ? JOURNAL : SYSLOG);

	assert_true(journal || !strcmp(path, "/dev/log"));
	assert_int_equal(tolen, sizeof(sa));
	assert_true(flags & MSG_NOSIGNAL);
	if (log_longest_datagram && len > log_longest_datagram)
		return errno = EMSGSIZE, -1;
	if (log_sink)
		return log_sink(buf, len), (ssize_t)len;
	return __real_sendto(fd, buf, len, flags, (const struct sockaddr *)&sa, sizeof(sa));
}

int log_serve(const char *name)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un sa = address(name);

	unlink(sa.sun_path);
	assert_int_equal(bind(fd, (const struct sockaddr *)&sa, sizeof(sa)), 0);
	return fd;
}

void log_die(int fd)
{
	close(fd);
}

void log_vanish(int fd, const char *name)
{
	close(fd);
	unlink(address(name).sun_path);
}

bool log_next_datagram(int fd, char *buf, size_t room, size_t *len)
{
	ssize_t n = recv(fd, buf, room, 0);

	*len = n < 0 ? 0 : (size_t)n;
	return n >= 0;
}

void log_assert_nothing(int fd)
{
	char buf[1];
	size_t len;

	assert_false(log_next_datagram(fd, buf, sizeof(buf), &len));
}

static void assert_datagram(int fd, const void *want, size_t want_len)
{
	char got[4096];
	size_t len;

	assert_true(log_next_datagram(fd, got, sizeof(got), &len));
	assert_int_equal(len, want_len);
	assert_memory_equal(got, want, len);
}

void log_assert_syslog(int fd, int severity, const char *text)
{
	char want[2048];

	snprintf(want, sizeof(want), "<%d>mdmon[%d]: %s", LOG_DAEMON | severity, (int)getpid(), text);
	assert_datagram(fd, want, strlen(want));
}

void log_assert_journal_bytes(int fd, int severity, const void *rest, size_t rest_len)
{
	char want[4096];
	int n = snprintf(want, sizeof(want),
			 "PRIORITY=%d\nSYSLOG_FACILITY=3\nSYSLOG_IDENTIFIER=mdmon\nSYSLOG_PID=%d\n", severity,
			 (int)getpid());

	memcpy(want + n, rest, rest_len);
	assert_datagram(fd, want, (size_t)n + rest_len);
}

void log_assert_journal(int fd, int severity, const char *rest)
{
	log_assert_journal_bytes(fd, severity, rest, strlen(rest));
}

/* stderr becomes a datagram socket: one write is one packet, so that it can be seen how many there were. */
static int saved_stderr, packets;

int log_sockets_open(void **state)
{
	int pair[2], size = 1 << 20;

	(void)state;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -1;
	setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	saved_stderr = dup(STDERR_FILENO);
	dup2(pair[1], STDERR_FILENO);
	close(pair[1]);
	packets = pair[0];
	fcntl(packets, F_SETFL, O_NONBLOCK);
	memcpy(dir + strlen(dir) - 6, "XXXXXX", 6);
	if (!mkdtemp(dir))
		return -1;
	unsetenv("JOURNAL_STREAM");
	log_longest_datagram = 0;
	log_sink = NULL;
	log_set_level(LOG_LEVEL_INFO);
	log_set_container(NULL);
	log_open();
	alarm(60); /* for what must not block */
	return 0;
}

int log_sockets_close(void **state)
{
	(void)state;
	alarm(0);
	dup2(saved_stderr, STDERR_FILENO);
	close(saved_stderr);
	close(packets);
	unlink(address(JOURNAL).sun_path);
	unlink(address(SYSLOG).sun_path);
	return rmdir(dir);
}

const char *log_next_line(void)
{
	static char line[4096];
	ssize_t n = recv(packets, line, sizeof(line) - 1, 0);

	line[n < 0 ? 0 : n] = '\0';
	return line;
}
