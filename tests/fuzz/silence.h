/* SPDX-License-Identifier: GPL-2.0-or-later */
/* No log, and no pauses: in the place of lib/log.c's functions that the handlers use, and of poll(). */
#ifndef FUZZ_SILENCE_H
#define FUZZ_SILENCE_H

#include <poll.h>
#include <stdarg.h>

#include "lib/log.h"

void log_error(const char *fmt, ...)
{
	(void)fmt;
}

void log_warning(const char *fmt, ...)
{
	(void)fmt;
}

void log_info(const char *fmt, ...)
{
	(void)fmt;
}

void log_debug(const char *fmt, ...)
{
	(void)fmt;
}

void log_event(enum log_level level, const struct log_event *about, const char *fmt, ...)
{
	(void)level;
	(void)about;
	(void)fmt;
}

void mon_log(enum log_level level, const char *fmt, ...)
{
	(void)level;
	(void)fmt;
}

void mon_log_event(enum log_level level, const struct log_event *about, const char *fmt, ...)
{
	(void)level;
	(void)about;
	(void)fmt;
}

const char *mon_error(int err)
{
	(void)err;
	return "";
}

int poll(struct pollfd *fds, nfds_t count, int timeout)
{
	(void)fds;
	(void)count;
	(void)timeout;
	return 0;
}

#endif
