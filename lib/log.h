/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages. To stderr in the foreground, until log_to_background(); then to the journal, by its native datagram
 * protocol, or to syslog where there is no journal. If stderr is a stream of the journal (a service of systemd in the
 * foreground) the native protocol is used at once, and stderr only where the journal's socket cannot be reached. Lines
 * on stderr are prefixed "mdmon: ". Nobody is waited for: a message that finds no room is lost.
 *
 * A message can carry an event: a fixed word for what happened, and the array and disk that it is about. The journal
 * gets them, and the container, as fields of their own: MDMON_EVENT, MDMON_CONTAINER, MDMON_ARRAY, MDMON_DISK. The last ones but
 * those of LOG_LEVEL_DEBUG are kept, too: lib/events.h.
 *
 * The monitor thread calls only mon_log() and mon_log_event(): they format into a preallocated ring that the
 * manager empties with log_flush(). They neither allocate nor block; when the ring is full
 * lines are counted and the loss is reported.
 */
#ifndef LOG_H
#define LOG_H

#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

#define LOG_NAME_MAX 64

/* What a message is about. NULL or "": no such field. What does not fit into LOG_NAME_MAX is cut. */
struct log_event {
	const char *event; /* a string literal like "member-failed"; see mdmon(8), MESSAGES */
	const char *array; /* "md126"; copied */
	const char *disk;  /* "sda"; copied */
};

/* For log_event(LOG_LEVEL_INFO, ABOUT("array-adopted", ma->name, NULL), ...) and the like. */
#define ABOUT(what, array_name, disk_name) \
	(&(struct log_event){ .event = (what), .array = (array_name), .disk = (disk_name) })

/* start-up: looks what stderr is. Before the first message; without it, stderr is taken for a terminal or file. */
void log_open(void);

/* start-up: stderr is about to go. */
void log_to_background(void);
void log_set_level(enum log_level max);

/* start-up: the field MDMON_CONTAINER of all messages from now on. Copied. */
void log_set_container(const char *name);

/* Any thread but the monitor. `%m` is understood. */
void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_event(enum log_level level, const struct log_event *about, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* monitor only. Use only %s %d %u %x %lu %llu and the like: nothing that allocates, no %m. */
void mon_log(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void mon_log_event(enum log_level level, const struct log_event *about, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* monitor: what an error (-errno) means, for the above. Constant text; nothing is allocated, as strerror() might. */
const char *mon_error(int err);

/* manager: writes out what the monitor logged. */
void log_flush(void);

/* manager: how many of the monitor's messages found no room so far. */
uint64_t log_lost(void);

#endif
