/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Has the handler write the metadata, once in each pass, and keeps account of how that went. Nothing is acknowledged
 * that no disk has taken.
 */
#include "monitor/pass.h"

#include <string.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "metadata/metaio.h"
#include "threads/handoff.h"

#define RETRY_SYNC_NS (1000 * NS_PER_MS) /* after a metadata write that reached no disk */
#define RETRY_PAUSE 20 /* times as long as it took to ask disks whose last write failed once more */
/* So long clients and stopped arrays wait for metadata that no disk takes. */
#define PATIENCE_NS (5000 * NS_PER_MS)

static void note_write(struct monitor *mon, const struct sync_result *res, uint64_t began_ns)
{
	struct report_write *w = &mon->write;

	w->count++;
	w->errors += res->failed > 0;
	w->end_ms = clock_wall_ms();
	w->duration_us = (clock_now_ns() - began_ns) / 1000;
	w->disks = res->written;
	w->failed_count = res->failed < REPORT_FAILED ? res->failed : REPORT_FAILED;
	memcpy(w->failed, res->failed_dev, w->failed_count * sizeof(w->failed[0]));
	mon->report_due = true;
	mon_log_event(LOG_LEVEL_DEBUG, ABOUT("metadata-written", NULL, NULL),
		      "%s: metadata written to %u disks in %llu us", mon->st->container, res->written,
		      (unsigned long long)w->duration_us);
}

static void note_refusal(struct refusals *r, dev_t dev)
{
	if (!monitor_refused(r, dev) && r->count < REPORT_FAILED)
		r->dev[r->count++] = dev;
}

/* One that hangs has not refused. */
static void add_refusals(struct monitor *mon, const struct sync_result *res)
{
	for (unsigned i = 0; i < res->failed && i < REPORT_FAILED; i++)
		if (!monitor_disk_hangs(mon, res->failed_dev[i]))
			note_refusal(&mon->refusals, res->failed_dev[i]);
}

/* A disk that has refused is asked again by a retry only, as are all. Until then it counts as one that refuses. */
static void note_refusals(struct monitor *mon, const struct sync_result *res)
{
	if (res->retry)
		mon->refusals.count = 0;
	add_refusals(mon, res);
}

static void log_write_error(struct monitor *mon, const char *disk, int error)
{
	if (error == METAIO_HANGS)
		mon_log_event(LOG_LEVEL_ERROR, ABOUT("disk-hangs", NULL, disk),
			      "%s: disk %s does not answer: what can do without it goes on", mon->st->container, disk);
	else
		mon_log_event(LOG_LEVEL_ERROR, ABOUT("metadata-write-failed", NULL, disk),
			      "%s: writing metadata to disk %s failed: %s", mon->st->container, disk, mon_error(error));
}

static void log_write_errors(struct monitor *mon, const struct sync_result *res, bool none)
{
	for (unsigned i = 0; i < res->reports; i++)
		log_write_error(mon, res->report[i].name, res->report[i].error);
	if (none && !mon->sync_failed)
		mon_log_event(LOG_LEVEL_ERROR, ABOUT("metadata-not-written", NULL, NULL),
			      "%s: no disk took the metadata; writes to its arrays wait", mon->st->container);
	if (!none && mon->sync_failed)
		mon_log_event(LOG_LEVEL_WARNING, ABOUT("metadata-written-again", NULL, NULL),
			      "%s: disks take the metadata again", mon->st->container);
}

/* `patient`: an array waits for disks that hung. */
static void sync_with(struct monitor *mon, bool retry, bool patient)
{
	struct sync_result res = { .retry = retry, .patient = patient };
	uint64_t began = clock_now_ns();
	bool none;
	int r;

	handoff_note_writing(began);
	r = mon->st->ss->sync_metadata(mon->st, &res);
	handoff_note_writing(0);
	none = r < 0;
	if (r)
		note_write(mon, &res, began);
	monitor_look_for_hanging(mon);
	note_refusals(mon, &res);
	mon->spare_check_all |= res.more_disks;
	log_write_errors(mon, &res, none);
	if (none && !mon->sync_failed)
		mon->sync_failed_ns = clock_now_ns();
	mon->sync_failed = none;
	mon->retry_sync_ns = none ? clock_now_ns() + RETRY_SYNC_NS : 0;
	mon->wake_manager |= res.reports > 0 || none;
}

void monitor_sync(struct monitor *mon, bool retry)
{
	sync_with(mon, retry, false);
}

/* A successor would be kept waiting by what is sent to a disk that hangs again. */
void monitor_catch_up(struct monitor *mon)
{
	bool any = false;

	if (!monitor_any_answers(mon) || mon->sync_failed || handoff_monitor_must_stop())
		return;
	for (struct active_array *a = mon->arrays; a; a = a->next)
		any |= a->watch->look && monitor_waits_for_hanging(mon, a);
	if (any)
		sync_with(mon, true, true);
}

static void note_rest(struct monitor *mon, const struct sync_result *res)
{
	struct report_write *w = &mon->write;

	if (!res->failed)
		return;
	/* Who hung when all were asked again may have refused now. */
	if (res->retry)
		add_refusals(mon, res);
	w->errors += !w->failed_count;
	for (unsigned i = 0; i < res->failed && i < REPORT_FAILED && w->failed_count < REPORT_FAILED; i++)
		w->failed[w->failed_count++] = res->failed_dev[i];
	mon->report_due = true;
}

/* What the manager has been asked for must not wait for it. */
void monitor_finish_sync(struct monitor *mon, bool retry)
{
	struct sync_result res = { .retry = retry };

	if (!mon->st->ss->finish_sync || mon->sync_failed)
		return;
	if (mon->wake_manager)
		handoff_wake_manager();
	mon->wake_manager = false;
	handoff_note_writing(clock_now_ns());
	mon->st->ss->finish_sync(mon->st, &res);
	handoff_note_writing(0);
	monitor_look_for_hanging(mon);
	note_rest(mon, &res);
	log_write_errors(mon, &res, false);
	mon->wake_manager |= res.reports > 0;
}

/*
 * A disk may need many seconds to say no once more, and writes that come meanwhile wait for the next pass: for all of
 * the time that this takes, twenty times as much is left to them.
 */
void monitor_retry_sync(struct monitor *mon)
{
	const unsigned refused = mon->refusals.count;
	uint64_t began = clock_now_ns(), end;

	if (mon->sync_failed || began < mon->next_retry_ns || (mon->hanging.count && handoff_monitor_must_stop())) {
		monitor_put_off_catching_up(mon);
		return;
	}
	mon->wake_manager = false;
	monitor_sync(mon, true);
	/* Who takes again what is written may be a spare that was passed over. */
	mon->spare_check_all |= mon->refusals.count < refused;
	monitor_request_spare_checks(mon);
	monitor_finish_sync(mon, true);
	monitor_publish_report(mon, false);
	if (mon->wake_manager)
		handoff_wake_manager();
	end = clock_now_ns();
	mon->next_retry_ns = end + RETRY_PAUSE * (end - began);
	monitor_put_off_catching_up(mon);
}

/* What this pass changed is not on disk, and there is still hope that it will be. */
bool monitor_not_durable(const struct monitor *mon)
{
	return mon->sync_failed && clock_now_ns() < mon->sync_failed_ns + PATIENCE_NS;
}

/* Never between noticing and answering: nobody waits for it. */
void monitor_publish_report(struct monitor *mon, bool timer)
{
	struct report *r;

	if (!mon->report_due && !timer)
		return;
	mon->report_due = false;
	r = handoff_report_room();
	mon->st->ss->report(mon->st, r);
	monitor_report_hanging(mon, r);
	r->write = mon->write;
	r->write_stalls = mon->write_stalls;
	r->failure_stalls = mon->failure_stalls;
	handoff_publish_report();
}
