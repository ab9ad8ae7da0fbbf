/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See text.h. */
#include "tests/unit/support/text.h"

#include <stdarg.h>
#include <stdio.h>

void text_put(char **p, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	*p += vsprintf(*p, format, ap);
	va_end(ap);
}
