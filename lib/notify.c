/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See lib/notify.h. What is to be said and what has been said are kept apart: a datagram that finds no room is lost, but
 * readiness and status then go with the next one.
 */
#include "lib/notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/log.h"

#define STATUS_MAX 512

static struct {
	int fd; /* -1: nobody wants to know */
	struct sockaddr_un to;
	socklen_t to_len;
	uint64_t watchdog_ns; /* systemd acts if it hears nothing for so long; 0: it does not watch us */
	bool ready_due;       /* "READY=1" is yet to be said */
	bool trouble_logged;
	char status[STATUS_MAX]; /* the one that holds */
	char told[STATUS_MAX];   /* the one that systemd knows */
} notify = { .fd = -1 };

/* ---- environment ---- */

/*
 * The length counts: with one byte more or less an abstract name is another name. A path has a NUL at its end, an
 * abstract name has one at its beginning, where "@" stands for it.
 */
static bool parse_address(const char *name, struct sockaddr_un *sa, socklen_t *len)
{
	size_t n = strlen(name);

	if ((name[0] != '/' && name[0] != '@') || n < 2)
		return false;
	if (name[0] == '/')
		n++;
	if (n > sizeof(sa->sun_path))
		return false;
	memset(sa, 0, sizeof(*sa));
	sa->sun_family = AF_UNIX;
	memcpy(sa->sun_path, name, n);
	if (name[0] == '@')
		sa->sun_path[0] = '\0';
	*len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
	return true;
}

/* Decimal digits and nothing else; 1..max. 0: it is something else. */
static uint64_t parse_number(const char *text, uint64_t max)
{
	unsigned long long n;

	if (!*text || strspn(text, "0123456789") != strlen(text))
		return 0;
	n = strtoull(text, NULL, 10); /* ULLONG_MAX if it does not fit, and no `max` is that large */
	return n > max ? 0 : n;
}

static bool is_for_us(const char *pid)
{
	uint64_t n;

	if (!pid)
		return true;
	n = parse_number(pid, INT32_MAX);
	if (!n)
		log_warning("WATCHDOG_PID=%s makes no sense", pid);
	return n == (uint64_t)getpid();
}

static uint64_t watchdog_ns(const char *usec, const char *pid)
{
	uint64_t n;

	if (!usec || !is_for_us(pid))
		return 0;
	n = parse_number(usec, UINT64_MAX / 1000);
	if (!n)
		log_warning("WATCHDOG_USEC=%s makes no sense", usec);
	return n * 1000;
}

static void open_socket(const char *name)
{
	if (!parse_address(name, &notify.to, &notify.to_len)) {
		log_warning("NOTIFY_SOCKET=%s makes no sense", name);
		return;
	}
	notify.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (notify.fd < 0) {
		log_warning("cannot create a socket to notify systemd: %m");
		return;
	}
	connect(notify.fd, (const struct sockaddr *)&notify.to, notify.to_len); /* else with the first message */
}

void notify_open(void)
{
	const char *name = getenv("NOTIFY_SOCKET");

	notify_close();
	if (name && *name)
		open_socket(name);
	if (notify.fd >= 0)
		notify.watchdog_ns = watchdog_ns(getenv("WATCHDOG_USEC"), getenv("WATCHDOG_PID"));
	/* A program started by the daemon is not the service. */
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
}

void notify_close(void)
{
	if (notify.fd >= 0)
		close(notify.fd);
	memset(&notify, 0, sizeof(notify));
	notify.fd = -1;
}

/* ---- messages ---- */

/*
 * To the one who was there at the start, if possible: after switch-root nothing leads to the old /run. Who has gone may
 * have come again under the same name.
 */
static bool deliver(const char *text)
{
	const int flags = MSG_DONTWAIT | MSG_NOSIGNAL;

	if (send(notify.fd, text, strlen(text), flags) >= 0)
		return true;
	if (errno != ECONNREFUSED && errno != ENOTCONN && errno != ECONNRESET)
		return false;
	return connect(notify.fd, (const struct sockaddr *)&notify.to, notify.to_len) == 0 &&
	       send(notify.fd, text, strlen(text), flags) >= 0;
}

/* No room is nothing unusual, and what matters is said again. Anything else is logged, once. */
static bool send_datagram(const char *text)
{
	if (deliver(text)) {
		notify.trouble_logged = false;
		return true;
	}
	if (errno != EAGAIN && errno != ENOBUFS && !notify.trouble_logged) {
		log_warning("cannot notify systemd: %m");
		notify.trouble_logged = true;
	}
	return false;
}

/* Says what is due, and `more` ("KEY=value" or ""). Lines are separated, not ended, by newlines. */
static void say(const char *more)
{
	const char *ready = notify.ready_due ? "READY=1\n" : "";
	bool news = strcmp(notify.status, notify.told) != 0;
	char text[STATUS_MAX + 64];
	size_t len;

	if (notify.fd < 0)
		return;
	snprintf(text, sizeof(text), "%s%s%s%s%s", ready, news ? "STATUS=" : "", news ? notify.status : "",
		 news ? "\n" : "", more);
	len = strlen(text);
	if (!len)
		return;
	if (text[len - 1] == '\n')
		text[len - 1] = '\0';
	if (!send_datagram(text))
		return;
	notify.ready_due = false;
	memcpy(notify.told, notify.status, sizeof(notify.told));
}

/*
 * A newline would begin another field; and what else controls a terminal has no business on that of whoever asks for
 * the status. A text that is cut is cut between characters: systemd ignores what is not UTF-8.
 */
static void set_status(const char *status)
{
	size_t len = strnlen(status, STATUS_MAX);

	if (len == STATUS_MAX) {
		len--;
		while (len && ((unsigned char)status[len] & 0xc0) == 0x80)
			len--;
	}
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)status[i];

		notify.status[i] = c < ' ' || c == 0x7f ? ' ' : status[i];
	}
	notify.status[len] = '\0';
}

void notify_ready(const char *status)
{
	notify.ready_due = true;
	if (status)
		set_status(status);
	say("");
}

void notify_status(const char *status)
{
	set_status(status);
	say("");
}

void notify_stopping(void)
{
	say("STOPPING=1");
}

void notify_more_time(unsigned seconds)
{
	char text[64];

	snprintf(text, sizeof(text), "EXTEND_TIMEOUT_USEC=%llu", seconds * 1000000ULL);
	say(text);
}

void notify_watchdog(void)
{
	say("WATCHDOG=1");
}

uint64_t notify_watchdog_interval_ns(void)
{
	return notify.watchdog_ns / 2;
}
