/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See lib/events.h. The lock is for manager and helpers, who log alike; it is held while a few hundred bytes are copied, and the
 * monitor never takes it.
 */
#include <pthread.h>
#include <string.h>

#include "lib/events.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct event ring[EVENTS_KEPT]; /* number n is at n % EVENTS_KEPT */
static uint64_t last;                  /* number of the newest one */

static void copy_text(char *to, size_t size, const char *from)
{
	size_t len = from ? strnlen(from, size - 1) : 0;

	if (len)
		memcpy(to, from, len);
	to[len] = '\0';
}

void events_keep(enum log_level level, const struct log_event *about, uint64_t time_ms, const char *text)
{
	struct event *e;

	if (!about->event || !about->event[0])
		return;
	pthread_mutex_lock(&lock);
	e = &ring[++last % EVENTS_KEPT];
	e->number = last;
	e->time_ms = time_ms;
	e->level = level;
	copy_text(e->name, sizeof(e->name), about->event);
	copy_text(e->array, sizeof(e->array), about->array);
	copy_text(e->disk, sizeof(e->disk), about->disk);
	copy_text(e->text, sizeof(e->text), text);
	pthread_mutex_unlock(&lock);
}

bool events_next(uint64_t after, struct event *e)
{
	uint64_t oldest;
	bool found;

	pthread_mutex_lock(&lock);
	oldest = last > EVENTS_KEPT ? last - EVENTS_KEPT + 1 : 1;
	if (after + 1 > oldest)
		oldest = after + 1;
	found = oldest <= last;
	if (found)
		*e = ring[oldest % EVENTS_KEPT];
	pthread_mutex_unlock(&lock);
	return found;
}

void events_reset(void)
{
	pthread_mutex_lock(&lock);
	last = 0;
	pthread_mutex_unlock(&lock);
}
