/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rules about the daemon and the container as a whole, and all rules one after the other: ctl/check.h. Pure. */
#include <inttypes.h>

#include "ctl/check.h"
#include "ctl/units.h"

/* The first volume that needs a daemon. */
static const struct check_volume *served(const struct check_facts *f)
{
	for (size_t i = 0; i < f->volumes; i++)
		if (f->volume[i].device[0] && f->volume[i].redundant && !f->volume[i].blocked)
			return &f->volume[i];
	return NULL;
}

static void no_daemon(const struct check_facts *f, struct check_findings *list)
{
	const struct check_volume *v = served(f);
	struct check_finding *n;

	if (!v)
		return;
	n = check_find(list, f, CHECK_CRITICAL, "no-daemon", f->container);
	check_say(n, "no mdmon runs for it: writes to %s wait, and no failed disk is replaced", v->device);
	check_show(n, "%s is %s, %s", v->device, v->level, v->array_state);
	if (f->pid && !f->pid_runs)
		check_show(n, "its pid file names process %d, which is no mdmon any more", (int)f->pid);
	else if (f->pid)
		check_show(n, "process %d is an mdmon, but its socket does not answer", (int)f->pid);
	if (f->other_run[0])
		check_show(n, "there is a pid file in %s: a daemon from before the root was mounted", f->other_run);
	check_advise_daemon(n, f);
}

static void other_daemon(const struct check_facts *f, struct check_findings *list)
{
	struct check_finding *n = check_find(list, f, CHECK_WARNING, "other-daemon", f->container);

	check_say(n, "the mdmon of mdadm runs instead of this one: it serves the arrays, but cannot tell how they are");
	check_show(n, "it answers, but knows no status request");
	if (f->pid)
		check_show(n, "process %d", (int)f->pid);
	check_advise_daemon(n, f);
}

static void silent_daemon(const struct check_facts *f, struct check_findings *list)
{
	struct check_finding *n = check_find(list, f, CHECK_CRITICAL, "daemon-silent", f->container);

	check_say(n, "mdmon runs, but does not answer: writes may be waiting");
	check_show(n, "%s", f->daemon_problem);
	if (f->pid)
		check_show(n, "process %d", (int)f->pid);
	check_advise_daemon(n, f);
}

static void unclear(const struct check_facts *f, struct check_findings *list, const char *name, const char *text)
{
	struct check_finding *n = check_find(list, f, CHECK_UNKNOWN, name, f->container);

	check_say(n, "%s", text);
	check_show(n, "%s", f->daemon_problem);
}

static void check_daemon(const struct check_facts *f, struct check_findings *list)
{
	switch (f->daemon) {
	case CHECK_DAEMON_OURS:
		break;
	case CHECK_DAEMON_OTHER:
		other_daemon(f, list);
		break;
	case CHECK_DAEMON_NONE:
		no_daemon(f, list);
		break;
	case CHECK_DAEMON_SILENT:
		silent_daemon(f, list);
		break;
	case CHECK_DAEMON_FORBIDDEN:
		unclear(f, list, "not-root", "only root may ask its mdmon: run this as root");
		break;
	case CHECK_DAEMON_UNCLEAR:
		unclear(f, list, "answer-unclear", "what its mdmon answers is not understood, so nothing is known from it");
		break;
	}
}

/* ---- what the daemon says of itself ---- */

static bool any_hangs(const struct check_facts *f)
{
	for (size_t i = 0; i < f->disks; i++)
		if (f->disk[i].hangs)
			return true;
	return false;
}

static void check_work(const struct check_facts *f, struct check_findings *list)
{
	struct check_finding *n;
	char span[UNITS_MAX], up[UNITS_MAX];

	if (f->writing_ms >= CHECK_WRITING_MS && !any_hangs(f)) {
		n = check_find(list, f, CHECK_CRITICAL, "metadata-stuck", f->container);
		check_say(n, "a write of the metadata does not end: writes to the volumes may be waiting");
		check_show(n, "for %s by now", units_long(span, f->writing_ms / 1000));
		check_advise(n, "journalctl -k");
	}
	if (f->stall_us >= CHECK_STALL_US) {
		n = check_find(list, f, CHECK_WARNING, "stalls", f->container);
		check_say(n, "writes have waited long for its mdmon: a disk is slow, or the machine was");
		check_show(n, "%s at most, since it started %s ago", units_short(span, f->stall_us),
			   units_coarse(up, f->uptime_ms / 1000));
		check_advise(n, "journalctl -t mdmon -t kernel");
	}
	if (f->draining) {
		n = check_find(list, f, CHECK_WARNING, "daemon-leaves", f->container);
		check_say(n, "its mdmon was told to end, and lets go of the volumes as they become idle");
		check_show(n, "it has got SIGTERM");
		check_advise_daemon(n, f);
	}
}

/* ---- time and generations ---- */

static void check_clock(const struct check_facts *f, struct check_findings *list)
{
	struct check_finding *n;
	char span[UNITS_MAX];

	if (!f->written_ms || f->written_ms <= f->now_ms + CHECK_CLOCK_MS)
		return;
	n = check_find(list, f, CHECK_WARNING, "clock-back", f->container);
	check_say(n, "the clock of this machine has gone back: times in logs and metadata are not in order");
	check_show(n, "the last metadata write was %s after now", units_long(span, (f->written_ms - f->now_ms) / 1000));
	check_advise(n, "timedatectl");
}

/* The daemon writes a higher one each time: nobody else may. */
static void check_generation(const struct check_facts *f, struct check_findings *list)
{
	struct check_finding *n;

	if (!check_daemon_answers(f) || !f->read || !f->read_generation || f->read_generation <= f->generation)
		return;
	n = check_find(list, f, CHECK_CRITICAL, "written-by-others", f->container);
	check_say(n, "somebody else than its mdmon has written the metadata on its disks");
	check_show(n, "the disks have generation %" PRIu64 ", mdmon wrote %" PRIu64 " last", f->read_generation, f->generation);
	check_advise_daemon(n, f);
}

static void check_reading(const struct check_facts *f, struct check_findings *list)
{
	struct check_finding *n;

	if (!f->read_problem[0] || f->daemon == CHECK_DAEMON_FORBIDDEN)
		return;
	n = check_find(list, f, CHECK_UNKNOWN, "disks-not-read", f->container);
	check_say(n, "the metadata on its disks could not be looked at");
	check_show(n, "%s", f->read_problem);
}

/* Files of a container that is no more. */
static void left_over(const struct check_facts *f, struct check_findings *list)
{
	struct check_finding *n = check_find(list, f, CHECK_WARNING, "left-over-files", f->container);

	check_say(n, "there is no such array any more, but the files of its mdmon are still there");
	check_show(n, "%s", f->daemon_problem);
	check_advise(n, "rm -f " RUNDIR "/%s.sock " RUNDIR "/%s.pid", f->container, f->container);
}

void check_container(const struct check_facts *f, struct check_findings *list)
{
	if (!f->exists && f->daemon == CHECK_DAEMON_NONE) {
		left_over(f, list);
		return;
	}
	check_daemon(f, list);
	/* A daemon may serve arrays that cannot be seen from here (a chroot). */
	if (f->exists)
		check_volumes(f, list);
	check_disks(f, list);
	check_work(f, list);
	check_clock(f, list);
	check_generation(f, list);
	check_reading(f, list);
}
