/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See log.h. The monitor's lines pass through a ring with one producer and one consumer. The manager
 * writes them out, and never waits for it: whoever reads them may wait for one of our arrays.
 */
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include "log.h"

#define LINE_MAX_BYTES 1024
#define RING_SLOTS 256 /* a power of two, so that the counters may wrap */
#define RING_TEXT 200

static const char prefix[] = "mdmon: ";

static atomic_bool use_syslog;
static int syslog_fd = -1;
static atomic_int max_level = LOG_LEVEL_INFO;

/* `head` counts the lines put in (monitor), `tail` those taken out (manager). */
static struct {
	struct {
		enum log_level level;
		char text[RING_TEXT];
	} slot[RING_SLOTS];
	atomic_uint head, tail;
	atomic_uint lost;
} ring;

_Static_assert((RING_SLOTS & (RING_SLOTS - 1)) == 0, "ring counters wrap");

void log_open(void)
{
}

void log_set_container(const char *name)
{
	(void)name;
}

void log_to_background(void)
{
	syslog_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	atomic_store(&use_syslog, true);
}

void log_set_level(enum log_level max)
{
	atomic_store(&max_level, (int)max);
}

static bool is_wanted(enum log_level level)
{
	return (int)level <= atomic_load_explicit(&max_level, memory_order_relaxed);
}

static int syslog_priority(enum log_level level)
{
	switch (level) {
	case LOG_LEVEL_ERROR:
		return LOG_ERR;
	case LOG_LEVEL_WARNING:
		return LOG_WARNING;
	case LOG_LEVEL_INFO:
		return LOG_INFO;
	case LOG_LEVEL_DEBUG:
		break;
	}
	return LOG_DEBUG;
}

/* One write, so that lines of several processes do not mix. */
static void write_stderr(const char *text)
{
	char line[sizeof(prefix) + LINE_MAX_BYTES + 1];
	int len = snprintf(line, sizeof(line), "%s%s\n", prefix, text);
	struct pollfd p = { .fd = STDERR_FILENO, .events = POLLOUT };

	/* A reader that does not read must not stop us. */
	if (poll(&p, 1, 0) == 0)
		return;
	/* There is nobody left to tell if this fails. */
	if (write(STDERR_FILENO, line, (size_t)len) < 0)
		return;
}

/*
 * Not syslog(3): that one waits when the log daemon does not read, perhaps because it waits itself for one of
 * our arrays, and reads files. A message that finds no room is lost.
 */
static void send_syslog(enum log_level level, const char *text)
{
	static const struct sockaddr_un log_socket = { .sun_family = AF_UNIX, .sun_path = "/dev/log" };
	char line[LINE_MAX_BYTES + 64];
	int len = snprintf(line, sizeof(line), "<%d>mdmon[%d]: %s", LOG_DAEMON | syslog_priority(level), (int)getpid(),
			   text);

	if (sendto(syslog_fd, line, (size_t)len, MSG_DONTWAIT | MSG_NOSIGNAL, (const struct sockaddr *)&log_socket,
		   sizeof(log_socket)) < 0)
		return;
}

static void emit(enum log_level level, const char *text)
{
	if (atomic_load(&use_syslog))
		send_syslog(level, text);
	else
		write_stderr(text);
}

static void vlog(enum log_level level, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));

/* errno: vsnprintf takes it for %m, and the caller may still want it. */
static void vlog(enum log_level level, const char *fmt, va_list ap)
{
	char text[LINE_MAX_BYTES];
	int saved = errno;

	if (!is_wanted(level))
		return;
	if (vsnprintf(text, sizeof(text), fmt, ap) >= 0)
		emit(level, text);
	errno = saved;
}

void log_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vlog(LOG_LEVEL_ERROR, fmt, ap);
	va_end(ap);
}

void log_warning(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vlog(LOG_LEVEL_WARNING, fmt, ap);
	va_end(ap);
}

void log_info(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vlog(LOG_LEVEL_INFO, fmt, ap);
	va_end(ap);
}

void log_debug(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vlog(LOG_LEVEL_DEBUG, fmt, ap);
	va_end(ap);
}

void mon_log(enum log_level level, const char *fmt, ...)
{
	unsigned head = atomic_load_explicit(&ring.head, memory_order_relaxed);
	unsigned tail = atomic_load_explicit(&ring.tail, memory_order_acquire);
	int saved = errno;
	va_list ap;

	if (!is_wanted(level))
		return;
	if (head - tail == RING_SLOTS) {
		atomic_fetch_add_explicit(&ring.lost, 1, memory_order_relaxed);
		return;
	}
	va_start(ap, fmt);
	ring.slot[head % RING_SLOTS].level = level;
	vsnprintf(ring.slot[head % RING_SLOTS].text, RING_TEXT, fmt, ap);
	va_end(ap);
	atomic_store_explicit(&ring.head, head + 1, memory_order_release);
	errno = saved;
}

void log_flush(void)
{
	unsigned tail = atomic_load_explicit(&ring.tail, memory_order_relaxed);
	unsigned head = atomic_load_explicit(&ring.head, memory_order_acquire);
	unsigned lost;

	for (; tail != head; tail++) {
		emit(ring.slot[tail % RING_SLOTS].level, ring.slot[tail % RING_SLOTS].text);
		atomic_store_explicit(&ring.tail, tail + 1, memory_order_release);
	}
	lost = atomic_exchange_explicit(&ring.lost, 0, memory_order_relaxed);
	if (lost)
		log_warning("%u messages of the monitor were lost", lost);
}
