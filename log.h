/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages. To stderr until log_to_syslog(), then to syslog. Lines are prefixed "mdmon: ".
 *
 * The monitor thread calls only mon_log(): it formats into a preallocated ring that the
 * manager empties with log_flush(). It neither allocates nor blocks; when the ring is full
 * lines are counted and the loss is reported.
 */
#ifndef LOG_H
#define LOG_H

#include <stdbool.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

void log_to_syslog(void);
void log_set_level(enum log_level max);

/* Any thread but the monitor. `%m` is understood. */
void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* monitor only. Use only %s %d %u %x %lu %llu and the like: nothing that allocates, no %m. */
void mon_log(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* manager: writes out what the monitor logged. */
void log_flush(void);

#endif
