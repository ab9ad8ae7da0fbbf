/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A journal and a syslog that listen where a test lets them, and a stderr that shows what was written to it. The
 * linker leads sendto() here (tests/flags.mk): the datagrams are real, only the names of the sockets are others.
 */
#ifndef LOG_SOCKETS_H
#define LOG_SOCKETS_H

#include <stdbool.h>
#include <stddef.h>

#define JOURNAL "journal"
#define SYSLOG "syslog"

extern size_t log_longest_datagram; /* 0: the socket takes any */
extern void (*log_sink)(const char *data, size_t len); /* takes any number, which sockets do not; NULL: sockets */

/* Someone who listens. */
int log_serve(const char *name);

/* As it is while the server is restarted: the file is there, but nobody listens. */
void log_die(int fd);
void log_vanish(int fd, const char *name);

bool log_next_datagram(int fd, char *buf, size_t room, size_t *len);
void log_assert_nothing(int fd);
void log_assert_syslog(int fd, int severity, const char *text);

/* `rest`: the fields after those that every message has. */
void log_assert_journal_bytes(int fd, int severity, const void *rest, size_t rest_len);
void log_assert_journal(int fd, int severity, const char *rest);

/* The next line as written to stderr, "" if there is none. */
const char *log_next_line(void);

int log_sockets_open(void **state);
int log_sockets_close(void **state);

#define LOG_TEST(f) cmocka_unit_test_setup_teardown(f, log_sockets_open, log_sockets_close)

#endif
