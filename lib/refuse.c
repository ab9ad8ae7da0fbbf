/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reasons that name what they are about: each thread has room for one. The monitor refuses, too, and does not allocate. */
#include "lib/refuse.h"

#include <stdarg.h>
#include <stdio.h>

static _Thread_local char reason[160];

int refuse_because(const char **why, int err, const char *format, ...)
{
	va_list ap;

	if (!why)
		return err;
	va_start(ap, format);
	vsnprintf(reason, sizeof(reason), format, ap);
	va_end(ap);
	*why = reason;
	return err;
}
