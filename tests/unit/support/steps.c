/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See steps.h. */
#include "tests/unit/support/steps.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char noted[64 * 1024], shown[sizeof(noted)];
static size_t length;

void step(const char *fmt, ...)
{
	va_list ap;
	int n;

	pthread_mutex_lock(&lock);
	va_start(ap, fmt);
	n = vsnprintf(noted + length, sizeof(noted) - length, fmt, ap);
	va_end(ap);
	if (n < 0 || length + (size_t)n + 2 > sizeof(noted)) {
		fprintf(stderr, "too many steps are noted\n");
		abort();
	}
	length += (size_t)n;
	noted[length++] = '\n';
	noted[length] = '\0';
	pthread_mutex_unlock(&lock);
}

const char *steps(void)
{
	pthread_mutex_lock(&lock);
	memcpy(shown, noted, length + 1);
	pthread_mutex_unlock(&lock);
	return shown;
}

void forget_steps(void)
{
	pthread_mutex_lock(&lock);
	length = 0;
	noted[0] = '\0';
	pthread_mutex_unlock(&lock);
}
