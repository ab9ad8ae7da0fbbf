/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See lib/log.h. The monitor's lines pass through a ring with one producer and one consumer. The manager
 * writes them out, and never waits for it: whoever reads them may wait for one of our arrays.
 */
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include "lib/byteorder.h"
#include "lib/clock.h"
#include "lib/events.h"
#include "lib/log.h"

#define LINE_MAX_BYTES 1024
#define RING_SLOTS 256 /* a power of two, so that the counters may wrap */
#define RING_TEXT 200
#define DATAGRAM_MAX 2048
#define SHORT_TEXT 256 /* what remains of a text when the datagram is too long for the socket */

static const char prefix[] = "mdmon: ";

/* Where messages go. The journal is tried first, for each message anew: it may come, go and be restarted. */
enum target {
	TO_STDERR,
	TO_JOURNAL_OR_STDERR, /* foreground, and stderr is a stream of the journal */
	TO_JOURNAL_OR_SYSLOG, /* background */
};

static atomic_int target = TO_STDERR;
static int socket_fd = -1;            /* for journal and syslog; set before `target` */
static char container[LOG_NAME_MAX]; /* set at start-up; "": none */
static atomic_int max_level = LOG_LEVEL_INFO;

struct ring_slot {
	enum log_level level;
	uint64_t time_ms;
	const char *event;
	char array[LOG_NAME_MAX], disk[LOG_NAME_MAX]; /* "": none */
	char text[RING_TEXT];
};

static struct {
	struct ring_slot slot[RING_SLOTS];
	atomic_uint head;    /* counts the lines put in (monitor) */
	atomic_uint tail;    /* counts the lines taken out (manager) */
	atomic_uint lost;    /* counts those that found no room (monitor). Narrow, so that it is lock-free everywhere */
	unsigned lost_seen;  /* `lost` as it was last read (manager) */
	uint64_t lost_total; /* the same without wrapping around (manager) */
	uint64_t lost_told;  /* how many of those have been reported (manager) */
} ring;

_Static_assert((RING_SLOTS & (RING_SLOTS - 1)) == 0, "ring counters wrap");
_Static_assert(ATOMIC_INT_LOCK_FREE == 2, "the monitor takes no lock");

/* ---- start-up ---- */

static void open_socket(void)
{
	if (socket_fd < 0)
		socket_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

/*
 * JOURNAL_STREAM is "DEVICE:INODE" of the stream that systemd made stderr (systemd.exec(5)). It is inherited, also by
 * programs whose stderr somebody has redirected since: hence the comparison.
 */
static bool is_journal_stream(const char *name, int fd)
{
	unsigned long long dev, ino;
	struct stat st;
	char *end;

	/* strtoull() would skip blanks and take signs */
	if (!name || strspn(name, "0123456789:") != strlen(name))
		return false;
	dev = strtoull(name, &end, 10);
	if (end == name || *end != ':')
		return false;
	name = end + 1;
	ino = strtoull(name, &end, 10);
	if (end == name || *end)
		return false;
	return fstat(fd, &st) == 0 && st.st_dev == dev && st.st_ino == ino;
}

void log_open(void)
{
	bool journal = is_journal_stream(getenv("JOURNAL_STREAM"), STDERR_FILENO);

	if (journal)
		open_socket();
	atomic_store(&target, journal ? TO_JOURNAL_OR_STDERR : TO_STDERR);
}

void log_to_background(void)
{
	open_socket();
	atomic_store(&target, TO_JOURNAL_OR_SYSLOG);
}

void log_set_level(enum log_level max)
{
	atomic_store(&max_level, (int)max);
}

static void copy_name(char to[LOG_NAME_MAX], const char *from)
{
	size_t len = from ? strnlen(from, LOG_NAME_MAX - 1) : 0;

	if (len)
		memcpy(to, from, len);
	to[len] = '\0';
}

void log_set_container(const char *name)
{
	copy_name(container, name);
}

/* ---- ways out ---- */

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
	/* A failure cannot be reported anywhere. */
	if (write(STDERR_FILENO, line, (size_t)len) < 0)
		return;
}

static int send_datagram(const char *path, const void *data, size_t len)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };

	memcpy(sa.sun_path, path, strlen(path));
	if (sendto(socket_fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL, (const struct sockaddr *)&sa, sizeof(sa)) < 0)
		return -errno;
	return 0;
}

/*
 * Not syslog(3): that one waits when the log daemon does not read, perhaps because it waits itself for one of
 * our arrays, and reads files. A message that finds no room is lost.
 */
static void send_syslog(enum log_level level, const char *text)
{
	char line[LINE_MAX_BYTES + 64];
	int len = snprintf(line, sizeof(line), "<%d>mdmon[%d]: %s", LOG_DAEMON | syslog_priority(level), (int)getpid(),
			   text);

	(void)send_datagram("/dev/log", line, (size_t)len);
}

struct datagram {
	size_t len;
	char data[DATAGRAM_MAX];
};

static void put(struct datagram *d, const void *data, size_t len)
{
	memcpy(d->data + d->len, data, len);
	d->len += len;
}

/*
 * A field of the journal's protocol (https://systemd.io/JOURNAL_NATIVE_PROTOCOL): "KEY=value\n"; or, for values with
 * newlines in them, "KEY\n", the length, value, "\n". NULL and "" make no field, nor does what finds no room.
 */
static void put_field(struct datagram *d, const char *key, const char *value, size_t max)
{
	size_t len = value ? strnlen(value, max) : 0;
	le64 size = le64_make(len);

	if (!len || d->len + strlen(key) + 1 + sizeof(size) + len + 1 > sizeof(d->data))
		return;
	put(d, key, strlen(key));
	if (memchr(value, '\n', len)) {
		put(d, "\n", 1);
		put(d, &size, sizeof(size));
	} else {
		put(d, "=", 1);
	}
	put(d, value, len);
	put(d, "\n", 1);
}

static void put_number(struct datagram *d, const char *key, int value)
{
	char digits[16];

	snprintf(digits, sizeof(digits), "%d", value);
	put_field(d, key, digits, sizeof(digits));
}

static int send_journal_text(enum log_level level, const struct log_event *about, const char *text, size_t max_text)
{
	struct datagram d;

	d.len = 0;
	put_number(&d, "PRIORITY", syslog_priority(level));
	put_number(&d, "SYSLOG_FACILITY", LOG_FAC(LOG_DAEMON));
	put_field(&d, "SYSLOG_IDENTIFIER", "mdmon", LOG_NAME_MAX);
	put_number(&d, "SYSLOG_PID", (int)getpid());
	put_field(&d, "MDMON_CONTAINER", container, LOG_NAME_MAX - 1);
	put_field(&d, "MDMON_EVENT", about->event, LOG_NAME_MAX - 1);
	put_field(&d, "MDMON_ARRAY", about->array, LOG_NAME_MAX - 1);
	put_field(&d, "MDMON_DISK", about->disk, LOG_NAME_MAX - 1);
	put_field(&d, "MESSAGE", text, max_text);
	return send_datagram("/run/systemd/journal/socket", d.data, d.len);
}

/* False: there is no journal. One that is there but has no room loses the message. */
static bool send_journal(enum log_level level, const struct log_event *about, const char *text)
{
	int err = send_journal_text(level, about, text, LINE_MAX_BYTES);

	if (err == -EMSGSIZE)
		err = send_journal_text(level, about, text, SHORT_TEXT);
	return !err || err == -EAGAIN || err == -ENOBUFS;
}

static void emit(enum log_level level, const struct log_event *about, const char *text)
{
	int to = atomic_load(&target);

	if (to != TO_STDERR && send_journal(level, about, text))
		return;
	if (to == TO_JOURNAL_OR_SYSLOG)
		send_syslog(level, text);
	else
		write_stderr(text);
}

/* ---- any thread but the monitor ---- */

/* Kept at the level at which everybody has them: with --verbose others would soon be pushed out. */
static void keep(enum log_level level, const struct log_event *about, uint64_t time_ms, const char *text)
{
	if (level <= LOG_LEVEL_INFO)
		events_keep(level, about, time_ms, text);
}

static void vlog(enum log_level level, const struct log_event *about, const char *fmt, va_list ap)
	__attribute__((format(printf, 3, 0)));

/* errno: vsnprintf takes it for %m, and the caller may still want it. */
static void vlog(enum log_level level, const struct log_event *about, const char *fmt, va_list ap)
{
	char text[LINE_MAX_BYTES];
	int saved = errno;

	if (!is_wanted(level))
		return;
	if (vsnprintf(text, sizeof(text), fmt, ap) >= 0) {
		keep(level, about, clock_wall_ms(), text);
		emit(level, about, text);
	}
	errno = saved;
}

static const struct log_event no_event;

void log_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vlog(LOG_LEVEL_ERROR, &no_event, fmt, ap);
	va_end(ap);
}

void log_warning(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vlog(LOG_LEVEL_WARNING, &no_event, fmt, ap);
	va_end(ap);
}

void log_info(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vlog(LOG_LEVEL_INFO, &no_event, fmt, ap);
	va_end(ap);
}

void log_debug(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vlog(LOG_LEVEL_DEBUG, &no_event, fmt, ap);
	va_end(ap);
}

void log_event(enum log_level level, const struct log_event *about, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vlog(level, about, fmt, ap);
	va_end(ap);
}

/* ---- the monitor, and its ring ---- */

static void fill_slot(struct ring_slot *s, enum log_level level, const struct log_event *about, const char *fmt,
		      va_list ap) __attribute__((format(printf, 4, 0)));

static void fill_slot(struct ring_slot *s, enum log_level level, const struct log_event *about, const char *fmt,
		      va_list ap)
{
	int saved = errno;

	s->level = level;
	s->time_ms = clock_wall_ms();
	s->event = about->event;
	copy_name(s->array, about->array);
	copy_name(s->disk, about->disk);
	if (vsnprintf(s->text, sizeof(s->text), fmt, ap) < 0)
		s->text[0] = '\0';
	errno = saved;
}

static void mon_vlog(enum log_level level, const struct log_event *about, const char *fmt, va_list ap)
	__attribute__((format(printf, 3, 0)));

static void mon_vlog(enum log_level level, const struct log_event *about, const char *fmt, va_list ap)
{
	unsigned head = atomic_load_explicit(&ring.head, memory_order_relaxed);
	unsigned tail = atomic_load_explicit(&ring.tail, memory_order_acquire);

	if (!is_wanted(level))
		return;
	if (head - tail == RING_SLOTS) {
		atomic_fetch_add_explicit(&ring.lost, 1, memory_order_relaxed);
		return;
	}
	fill_slot(&ring.slot[head % RING_SLOTS], level, about, fmt, ap);
	atomic_store_explicit(&ring.head, head + 1, memory_order_release);
}

void mon_log(enum log_level level, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	mon_vlog(level, &no_event, fmt, ap);
	va_end(ap);
}

void mon_log_event(enum log_level level, const struct log_event *about, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	mon_vlog(level, about, fmt, ap);
	va_end(ap);
}

const char *mon_error(int err)
{
	const char *text = strerrordesc_np(-err);

	return text ? text : "unknown error";
}

/* ---- the manager's end of the ring ---- */

uint64_t log_lost(void)
{
	unsigned lost = atomic_load_explicit(&ring.lost, memory_order_relaxed);

	ring.lost_total += lost - ring.lost_seen;
	ring.lost_seen = lost;
	return ring.lost_total;
}

static void report_loss(void)
{
	uint64_t lost = log_lost();

	if (lost != ring.lost_told)
		log_warning("%llu messages of the monitor were lost", (unsigned long long)(lost - ring.lost_told));
	ring.lost_told = lost;
}

void log_flush(void)
{
	unsigned tail = atomic_load_explicit(&ring.tail, memory_order_relaxed);
	unsigned head = atomic_load_explicit(&ring.head, memory_order_acquire);

	for (; tail != head; tail++) {
		const struct ring_slot *s = &ring.slot[tail % RING_SLOTS];
		const struct log_event about = { .event = s->event, .array = s->array, .disk = s->disk };

		keep(s->level, &about, s->time_ms, s->text);
		emit(s->level, &about, s->text);
		atomic_store_explicit(&ring.tail, tail + 1, memory_order_release);
	}
	report_loss();
}
