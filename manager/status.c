/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the manager knows of the daemon's state, for status requests and for systemd. It asks nobody: the monitor may
 * be waiting for a disk just now, and has said beforehand what it knows (threads/report.h).
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "manager/manager.h"
#include "manager/status-json.h"
#include "sysfs.h"
#include "threads/handoff.h"

static void read_word(const struct managed_array *ma, const char *attr, char *word, size_t size)
{
	char buf[SYSFS_WORD_MAX];

	word[0] = '\0';
	if (sysfs_read_attr(ma->md_dir, attr, buf, sizeof(buf)) >= 0)
		snprintf(word, size, "%.*s", (int)size - 1, buf);
}

/* "DONE / TOTAL", in sectors. */
static void read_progress(const struct managed_array *ma, struct status_array *sa)
{
	char buf[SYSFS_WORD_MAX];
	int64_t speed;

	if (sysfs_read_attr(ma->md_dir, "sync_completed", buf, sizeof(buf)) < 0 ||
	    sscanf(buf, "%" SCNu64 " / %" SCNu64, &sa->done, &sa->total) != 2)
		sa->done = sa->total = 0;
	if (sysfs_read_attr(ma->md_dir, "sync_speed", buf, sizeof(buf)) >= 0 && !sysfs_parse_number(buf, &speed) &&
	    speed > 0)
		sa->speed_kib = (uint64_t)speed;
}

static void describe_array(const struct managed_array *ma, struct status_array *sa)
{
	*sa = (struct status_array){ .index = ma->current ? ma->current->member : -1 };
	snprintf(sa->device, sizeof(sa->device), "%s", ma->name);
	read_word(ma, "array_state", sa->array_state, sizeof(sa->array_state));
	read_word(ma, "sync_action", sa->action, sizeof(sa->action));
	if (!sync_action_runs(sysfs_parse_sync_action(sa->action)))
		sa->action[0] = '\0';
	else
		read_progress(ma, sa);
}

static size_t count_arrays(const struct manager *mgr)
{
	size_t n = 0;

	for (const struct managed_array *ma = mgr->arrays; ma; ma = ma->next)
		n += ma->copies > 0;
	return n;
}

static struct status_array *describe_arrays(const struct manager *mgr, size_t *count)
{
	size_t n = 0;
	struct status_array *list = calloc(count_arrays(mgr) + 1, sizeof(*list));

	for (const struct managed_array *ma = mgr->arrays; list && ma; ma = ma->next)
		if (ma->copies)
			describe_array(ma, &list[n++]);
	*count = n;
	return list;
}

static dev_t *list_disks(const struct manager *mgr, size_t *count)
{
	size_t n = 0;
	dev_t *list;

	for (const struct container_disk *cd = mgr->disks; cd; cd = cd->next)
		n++;
	list = calloc(n + 1, sizeof(*list));
	n = 0;
	for (const struct container_disk *cd = mgr->disks; list && cd; cd = cd->next)
		list[n++] = cd->dev;
	*count = n;
	return list;
}

static unsigned count_waiters(const struct manager *mgr)
{
	unsigned n = 0;

	for (const struct waiter *w = mgr->waiters; w; w = w->next)
		n += w->client != 0;
	return n;
}

static void note_time(const struct manager *mgr, struct status *s)
{
	uint64_t now = clock_now_ns(), writing = handoff_writing_since();

	s->time_ms = clock_wall_ms();
	s->now_ns = now;
	s->uptime_ms = mgr->ready_ns ? (now - mgr->ready_ns) / NS_PER_MS : 0;
	s->writing = writing != 0;
	s->writing_ms = writing && now > writing ? (now - writing) / NS_PER_MS : 0;
}

char *manager_status(struct manager *mgr)
{
	struct status s = {
		.pid = getpid(),
		.container = mgr->st->container,
		.metadata = mgr->st->ss->name,
		.draining = handoff_draining(),
		.updates = mgr->updates_out,
		.pings = count_waiters(mgr),
		.clients = msg_server_clients(mgr->server),
		.lost_messages = log_lost(),
		.report = handoff_latest_report(),
		.disk_name = sysfs_block_name,
		.next_event = events_next,
	};
	struct status_array *arrays = describe_arrays(mgr, &s.array_count);
	dev_t *disks = list_disks(mgr, &s.disk_count);
	char *text = NULL;

	note_time(mgr, &s);
	s.arrays = arrays;
	s.unserved = mgr->unserved.name;
	s.unserved_count = mgr->unserved.count;
	s.disks = disks;
	if (arrays && disks)
		text = status_to_json(&s);
	free(arrays);
	free(disks);
	return text;
}

static unsigned count_troubled(const struct report *r)
{
	unsigned n = 0;

	for (unsigned i = 0; r && i < r->volume_count; i++)
		n += r->volume[i].state == REPORT_VOLUME_DEGRADED || r->volume[i].state == REPORT_VOLUME_FAILED;
	return n;
}

void manager_status_line(struct manager *mgr, char *line, size_t size)
{
	size_t arrays = count_arrays(mgr);
	unsigned troubled = count_troubled(handoff_latest_report());
	char more[48] = "";

	if (troubled)
		snprintf(more, sizeof(more), ", %u degraded or failed", troubled);
	snprintf(line, size, "%s: %s %zu array%s%s%s%s", mgr->st->container,
		 handoff_draining() ? "letting go of" : "serves", arrays, arrays == 1 ? "" : "s", more,
		 mgr->unserved.count ? ", cannot serve " : "", mgr->unserved.count ? mgr->unserved.name[0] : "");
}
