/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See monitor-rig.h. */
#include "tests/unit/support/monitor-rig.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "lib/log.h"
#include "threads/handoff.h"

#define MAX_RIG_ARRAYS 8
#define MAX_RIG_UPDATES 16

struct monitor rig_monitor;

static struct rig_array *arrays[MAX_RIG_ARRAYS];
static unsigned array_count;
static struct metadata_update *updates[MAX_RIG_UPDATES];
static unsigned update_count;
static char messages[32 * 1024];

/* ---- start and end ---- */

int rig_set_up(void **state)
{
	(void)state;
	handoff_reset();
	md_reset();
	fake_handler_reset();
	forget_steps();
	rig_forget_messages();
	memset(&rig_monitor, 0, sizeof(rig_monitor));
	rig_monitor.st = &handler.st;
	return 0;
}

int rig_tear_down(void **state)
{
	(void)state;
	handoff_reset(); /* while what is in its lists is still there */
	for (unsigned i = 0; i < array_count; i++) {
		for (unsigned k = 0; k < arrays[i]->copies; k++)
			free(arrays[i]->copy[k]);
		free(arrays[i]);
	}
	array_count = 0;
	while (update_count)
		free(updates[--update_count]);
	return 0;
}

/* ---- arrays ---- */

static int attribute(const char *array, const char *attr, const char *text)
{
	char name[256];

	snprintf(name, sizeof(name), "%s/%s", array, attr);
	return md_attribute(name, text);
}

static int member_attribute(const char *array, const struct mdinfo *d, const char *attr, const char *text)
{
	char name[128];

	snprintf(name, sizeof(name), "%s/%s", d->name, attr);
	return attribute(array, name, text);
}

static void make_member(struct mdinfo *d, const char *array, unsigned i)
{
	snprintf(d->name, sizeof(d->name), "dev-sd%c", 'a' + i);
	d->dev = makedev(8, 16 * i);
	d->slot = (int)i;
	d->meta_slot = -1;
	d->state_fd = member_attribute(array, d, "state", "in_sync");
	d->recovery_start_fd = member_attribute(array, d, "recovery_start", "none");
	d->bad_blocks_fd = member_attribute(array, d, "bad_blocks", "");
	d->unacknowledged_fd = member_attribute(array, d, "unacknowledged_bad_blocks", "");
}

static struct active_array *add_copy(struct rig_array *ra)
{
	struct active_array *a = calloc(1, sizeof(*a) + RIG_MEMBERS * sizeof(a->disks[0]));

	if (!a || ra->copies == sizeof(ra->copy) / sizeof(ra->copy[0]))
		abort();
	ra->copy[ra->copies++] = a;
	a->container = &handler.st;
	a->watch = &ra->watch;
	return a;
}

static void open_attributes(struct active_array *a)
{
	a->array_state_fd = attribute(a->name, "array_state", "clean");
	a->sync_action_fd = attribute(a->name, "sync_action", "idle");
	a->sync_completed_fd = attribute(a->name, "sync_completed", "none");
	a->resync_start_fd = attribute(a->name, "resync_start", "none");
	a->metadata_version_fd = attribute(a->name, "metadata_version", "external:/md127/0");
	a->reshape_position_fd = attribute(a->name, "reshape_position", "none");
}

struct rig_array *rig_array(const char *name, unsigned members)
{
	struct rig_array *ra = calloc(1, sizeof(*ra));
	struct active_array *a;

	if (!ra || array_count == MAX_RIG_ARRAYS || members > RIG_MEMBERS)
		abort();
	arrays[array_count++] = ra;
	a = add_copy(ra);
	snprintf(a->name, sizeof(a->name), "%s", name);
	a->member = 126 - atoi(name + strlen("md"));
	a->level = 1;
	a->raid_disks = (int)members;
	a->component_size = RIG_SIZE;
	open_attributes(a);
	a->disk_count = members;
	for (unsigned i = 0; i < members; i++) {
		make_member(&ra->member[i], name, i);
		a->disks[i] = &ra->member[i];
	}
	return ra;
}

struct active_array *rig_copy(const struct rig_array *ra)
{
	return ra->copy[ra->copies - 1];
}

struct active_array *rig_duplicate(struct rig_array *ra)
{
	struct active_array *old = rig_copy(ra), *new = add_copy(ra);

	memcpy(new, old, sizeof(*new) + RIG_MEMBERS * sizeof(new->disks[0]));
	new->replaces = old;
	new->next = NULL;
	return new;
}

struct rig_array *rig_adopted(const char *name, unsigned members)
{
	struct rig_array *ra = rig_array(name, members);

	handoff_publish(rig_copy(ra));
	rig_signal();
	forget_steps();
	rig_forget_messages();
	handler.syncs = handler.retries = 0;
	return ra;
}

struct metadata_update *rig_update(enum update_op op, uint64_t id)
{
	struct metadata_update *u = calloc(1, sizeof(*u));

	if (!u || update_count == MAX_RIG_UPDATES)
		abort();
	updates[update_count++] = u;
	u->op = op;
	u->owner_id = id;
	handoff_queue_update(u);
	return u;
}

/* ---- the monitor's thread ---- */

unsigned rig_next(void)
{
	sigset_t none;
	bool timer;

	sigemptyset(&none);
	timer = monitor_wait(&rig_monitor, &none);
	monitor_pass(&rig_monitor, timer);
	return (unsigned)md_waited_ms();
}

void rig_signal(void)
{
	md_interrupt();
	rig_next();
}

/* ---- what it does towards the manager ---- */

static const char *const array_words[] = { "read-auto", "active", "spares", "reshape", "members", "size" };
static const char *const member_words[] = { "unblock", "remove", "fail", "bbl-off", "bad-blocks", "give-up" };

static const char *words(unsigned bits, const char *const *word, unsigned n)
{
	static _Thread_local char text[128];

	text[0] = '\0';
	for (unsigned i = 0; i < n; i++)
		if (bits & 1u << i)
			snprintf(text + strlen(text), sizeof(text) - strlen(text), " %s", word[i]);
	return text;
}

void __real_handoff_request_array(struct active_array *a, unsigned bits);
void __wrap_handoff_request_array(struct active_array *a, unsigned bits);
void __wrap_handoff_request_array(struct active_array *a, unsigned bits)
{
	if (bits)
		step("ask %s:%s", a->name, words(bits, array_words, 6));
	__real_handoff_request_array(a, bits);
}

void __real_handoff_request_member(struct active_array *a, struct mdinfo *d, unsigned bits);
void __wrap_handoff_request_member(struct active_array *a, struct mdinfo *d, unsigned bits);
void __wrap_handoff_request_member(struct active_array *a, struct mdinfo *d, unsigned bits)
{
	step("ask %s/%s:%s", a->name, d->name + strlen("dev-"), words(bits, member_words, 6));
	__real_handoff_request_member(a, d, bits);
}

void __real_handoff_request_size(struct active_array *a, uint64_t sectors);
void __wrap_handoff_request_size(struct active_array *a, uint64_t sectors);
void __wrap_handoff_request_size(struct active_array *a, uint64_t sectors)
{
	step("ask %s: size %llu", a->name, (unsigned long long)sectors);
	__real_handoff_request_size(a, sectors);
}

void __real_handoff_bad_ranges(struct active_array *a, struct mdinfo *d, unsigned n);
void __wrap_handoff_bad_ranges(struct active_array *a, struct mdinfo *d, unsigned n);
void __wrap_handoff_bad_ranges(struct active_array *a, struct mdinfo *d, unsigned n)
{
	step("ask %s/%s: bad-blocks (%u)", a->name, d->name + strlen("dev-"), n);
	__real_handoff_bad_ranges(a, d, n);
}

void __real_handoff_discard(struct active_array *a);
void __wrap_handoff_discard(struct active_array *a);
void __wrap_handoff_discard(struct active_array *a)
{
	if (a->discard_error)
		step("%s: given back (error %d)", a->name, a->discard_error);
	else
		step("%s: given back", a->name);
	__real_handoff_discard(a);
}

void __real_handoff_return_update(struct metadata_update *u);
void __wrap_handoff_return_update(struct metadata_update *u);
void __wrap_handoff_return_update(struct metadata_update *u)
{
	char status[32] = "";

	if (u->status)
		snprintf(status, sizeof(status), " (status %d)", u->status);
	step("update %llu returned%s%s", (unsigned long long)u->owner_id, status, u->durable ? "" : " (not durable)");
	__real_handoff_return_update(u);
}

void __real_handoff_wake_manager(void);
void __wrap_handoff_wake_manager(void);
void __wrap_handoff_wake_manager(void)
{
	step("manager woken");
	__real_handoff_wake_manager();
}

void __real_handoff_pass_end(unsigned seen, bool wake);
void __wrap_handoff_pass_end(unsigned seen, bool wake);
void __wrap_handoff_pass_end(unsigned seen, bool wake)
{
	if (seen != handoff_last_honoured())
		step("ticket %u honoured", seen);
	if (wake)
		step("manager woken");
	__real_handoff_pass_end(seen, wake);
}

/* ---- messages ---- */

static void keep(const char *fmt, va_list ap) __attribute__((format(printf, 1, 0)));

static void keep(const char *fmt, va_list ap)
{
	size_t len = strlen(messages);

	if (sizeof(messages) - len < 1024)
		return;
	vsnprintf(messages + len, 1023, fmt, ap);
	strcat(messages, "\n");
}

void __wrap_mon_log(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void __wrap_mon_log(enum log_level level, const char *fmt, ...)
{
	va_list ap;

	(void)level;
	va_start(ap, fmt);
	keep(fmt, ap);
	va_end(ap);
}

void __wrap_mon_log_event(enum log_level level, const struct log_event *about, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void __wrap_mon_log_event(enum log_level level, const struct log_event *about, const char *fmt, ...)
{
	va_list ap;

	(void)level;
	(void)about;
	va_start(ap, fmt);
	keep(fmt, ap);
	va_end(ap);
}

const char *rig_messages(void)
{
	return messages;
}

void rig_forget_messages(void)
{
	messages[0] = '\0';
}
