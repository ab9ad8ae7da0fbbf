/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rules about volumes: ctl/check.h. Above all, why one that lacks a disk is not rebuilt: the first reason that holds is told,
 * with what ends it. What is wrong with a single disk is a finding of its own (ctl/check-disk.c). Pure.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ctl/check.h"
#include "ctl/units.h"

static bool is(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

static const char *title(const struct check_volume *v)
{
	return v->name[0] ? v->name : v->device;
}

static bool is_read_only(const struct check_volume *v)
{
	return is(v->array_state, "readonly");
}

static bool is_held(const struct check_volume *v)
{
	return v->blocked || is(v->sync_action, "frozen");
}

static bool syncs(const struct check_volume *v, const char *action)
{
	return is(v->sync_action, action);
}

/* ---- held by a tool ---- */

static void show_tool(const struct check_facts *f, struct check_finding *n)
{
	if (f->tool)
		check_show(n, "process %d runs: %s", (int)f->tool, f->tool_words);
	else
		check_show(n, "no mdadm runs that could be doing this");
}

/* What the tool would have done at its end. */
static void advise_release(const struct check_facts *f, const struct check_volume *v, struct check_finding *n)
{
	const char *between = "";

	if (v->blocked) {
		check_advise(n, "echo external:/%s/%d >/sys/block/%s/md/metadata_version", f->container, v->index, v->device);
		between = " && ";
	}
	if (is(v->sync_action, "frozen")) {
		check_advise(n, "%secho idle >/sys/block/%s/md/sync_action", between, v->device);
		between = " && ";
	}
	check_advise(n, "%smdmonctl ping %s", between, f->container);
}

static void held(const struct check_facts *f, const struct check_volume *v, struct check_findings *list)
{
	bool frozen = is(v->sync_action, "frozen");
	struct check_finding *n;

	n = check_find(list, f, CHECK_WARNING, frozen ? "frozen" : "blocked", v->device);
	check_say(n, "%s is held as it is, as a tool does for a moment: no rebuild and no check can start", title(v));
	if (frozen)
		check_show(n, "sync_action is frozen");
	if (v->blocked)
		check_show(n, "metadata_version has the dash by which mdadm keeps mdmon out");
	show_tool(f, n);
	if (!f->tool)
		advise_release(f, v, n);
}

/* ---- degraded ---- */

static const struct check_disk *a_spare(const struct check_facts *f)
{
	const struct check_disk *spare = NULL;

	for (size_t i = 0; i < f->disks; i++) {
		const struct check_disk *d = &f->disk[i];

		if (d->use == CHECK_USE_SPARE && check_is_here(f, d) && (!spare || d->room > spare->room))
			spare = d;
	}
	return spare;
}

static void show_size_needed(const struct check_facts *f, struct check_finding *n)
{
	char size[UNITS_MAX];

	if (check_need(f))
		check_show(n, "DISK must have room for %s (%" PRIu64 " KiB) and its metadata",
			   units_size(size, check_need(f) / 2), check_need(f) / 2);
}

static void no_good_spare(const struct check_facts *f, const struct check_disk *spare, struct check_finding *n)
{
	char size[UNITS_MAX];

	if (!spare) {
		check_say(n, "there is no spare");
	} else if (check_lack(f, spare)) {
		check_say(n, "the spare %s is too small, by %s", spare->name,
			  units_size(size, (check_lack(f, spare) + 1) / 2));
	} else {
		check_say(n, "the spare %s is not put in", spare->name);
		check_advise(n, "mdmonctl ping %s; journalctl -t mdmon", f->container);
		return;
	}
	show_size_needed(f, n);
	check_advise_add(n, f, "DISK");
}

/* A disk that is there and would do, if something was done about it: its own finding says what. */
static const struct check_disk *an_idle_disk(const struct check_facts *f)
{
	for (size_t i = 0; i < f->disks; i++) {
		const struct check_disk *d = &f->disk[i];

		if (!d->name[0] || d->hangs || d->foreign)
			continue;
		if (d->use == CHECK_USE_FAILED || (d->own && !check_is_here(f, d)) ||
		    (check_is_here(f, d) && d->use == CHECK_USE_UNUSED))
			return d;
	}
	return NULL;
}

static void why_no_rebuild(const struct check_facts *f, const struct check_volume *v, struct check_finding *n)
{
	const struct check_disk *spare = a_spare(f), *idle = an_idle_disk(f);

	if (f->daemon == CHECK_DAEMON_NONE) {
		check_say(n, "no mdmon runs that could put a disk in");
		check_advise_daemon(n, f);
	} else if (is_held(v)) {
		check_say(n, "a tool holds it");
		if (!f->tool)
			advise_release(f, v, n);
	} else if (is_read_only(v)) {
		check_say(n, "it is read-only");
		check_advise(n, "mdadm --readwrite /dev/%s", v->device);
	} else if (is(v->array_state, "read-auto")) {
		check_say(n, "it waits for the first write");
		check_advise(n, "mdadm --readwrite /dev/%s", v->device);
	} else {
		no_good_spare(f, spare, n);
		if (idle && (!spare || check_lack(f, spare)))
			check_say(n, ", but see %s", idle->name);
	}
}

static void show_slots(const struct check_volume *v, struct check_finding *n)
{
	for (unsigned i = 0; i < v->raid_disks; i++) {
		const struct check_slot *s = &v->slot[i];

		if (s->in_sync)
			continue;
		if (s->disk[0])
			check_show(n, "slot %u: %s, not in sync", i, s->disk);
		else
			check_show(n, "slot %u: empty%s%s", i, s->told ? ", on record as " : "", s->told ? s->told_state : "");
	}
}

static void rebuilding(const struct check_facts *f, const struct check_volume *v, struct check_findings *list)
{
	struct check_finding *n = check_find(list, f, CHECK_WARNING, "rebuilding", v->device);

	check_say(n, "%s (%s) lacks %u of its %u disks and is being rebuilt", title(v), v->level, v->missing, v->raid_disks);
	if (v->sync_delayed)
		check_show(n, "it waits until another volume on the same disks is done");
	else if (v->sync_total)
		check_show(n, "%u %% are done", (unsigned)(v->sync_done * 100 / v->sync_total));
	show_slots(v, n);
	check_advise(n, "mdmonctl watch %s", f->container);
}

static void degraded(const struct check_facts *f, const struct check_volume *v, struct check_findings *list)
{
	struct check_finding *n;

	if (!v->redundant || !v->missing || check_is_lost(v))
		return;
	if (syncs(v, "recover")) {
		rebuilding(f, v, list);
		return;
	}
	n = check_find(list, f, CHECK_CRITICAL, "degraded", v->device);
	check_say(n, "%s (%s) lacks %u of its %u disks, and no rebuild runs: ", title(v), v->level, v->missing, v->raid_disks);
	show_slots(v, n);
	if (syncs(v, "reshape"))
		check_say(n, "its shape is being changed, which must end first");
	else if (syncs(v, "resync"))
		check_say(n, "a resync runs first");
	else
		why_no_rebuild(f, v, n);
}

/* ---- what md does with it ---- */

static void reshape(const struct check_facts *f, const struct check_volume *v, struct check_findings *list)
{
	struct check_finding *n;

	if (!v->reshaping || f->tool)
		return;
	n = check_find(list, f, CHECK_CRITICAL, "reshape-stands", v->device);
	check_say(n, "the change of shape of %s has begun, and nobody drives it on: no mdadm runs", title(v));
	check_show(n, "md has the position of a reshape");
	check_advise(n, "mdadm --grow --continue /dev/%s", v->device);
}

static void read_only(const struct check_facts *f, const struct check_volume *v, struct check_findings *list)
{
	struct check_finding *n;

	if (!is_read_only(v))
		return;
	n = check_find(list, f, CHECK_WARNING, "read-only", v->device);
	check_say(n, "%s is read-only: nothing can be written to it", title(v));
	check_show(n, "array_state is readonly");
	check_advise(n, "mdadm --readwrite /dev/%s", v->device);
}

static void broken(const struct check_facts *f, const struct check_volume *v, struct check_findings *list)
{
	struct check_finding *n;

	if (!check_is_lost(v))
		return;
	n = check_find(list, f, CHECK_CRITICAL, "failed", v->device[0] ? v->device : f->container);
	check_say(n, "%s (%s) has lost more disks than it can do without: what was on it can only come from a backup, or from disks "
		  "that come back", title(v), v->level);
	if (v->told_state[0])
		check_show(n, "the metadata call it %s", v->told_state);
	if (v->array_state[0])
		check_show(n, "md calls it %s", v->array_state);
}

static void not_running(const struct check_facts *f, const struct check_volume *v, struct check_findings *list)
{
	struct check_finding *n;

	if (v->device[0] || !v->redundant || check_is_lost(v))
		return;
	n = check_find(list, f, CHECK_WARNING, "not-running", f->container);
	check_say(n, "the volume %s (%s) is not running", v->name, v->level);
	check_show(n, "the metadata name it as volume %d, and md has no such array", v->index);
	check_advise(n, "mdadm -IR /dev/%s", f->container);
}

static void unserved(const struct check_facts *f, const struct check_volume *v, struct check_findings *list)
{
	struct check_finding *n;

	if (!v->unserved)
		return;
	n = check_find(list, f, CHECK_CRITICAL, "unserved", v->device);
	check_say(n, "mdmon could not take %s on for want of files or memory: its writes wait", title(v));
	check_show(n, "the daemon says so");
	check_advise_daemon(n, f);
}

/* ---- md and the metadata ---- */

/* A disk that the daemon does not use has a finding of its own. */
static bool slot_differs(const struct check_facts *f, const struct check_slot *s)
{
	const struct check_disk *d = check_disk_named(f, s->disk);

	if (!s->told || (d && d->use == CHECK_USE_UNUSED))
		return false;
	if (s->in_sync)
		return !is(s->told_state, "in_sync") || !is(s->told_disk, s->disk);
	return is(s->told_state, "in_sync");
}

static void md_differs(const struct check_facts *f, const struct check_volume *v, struct check_findings *list)
{
	struct check_finding *n = NULL;

	/* While a tool holds it md goes ahead of the metadata. */
	if (v->reshaping || v->blocked || f->tool || !check_daemon_answers(f))
		return;
	for (unsigned i = 0; i < v->raid_disks; i++) {
		const struct check_slot *s = &v->slot[i];

		if (!slot_differs(f, s))
			continue;
		if (!n) {
			n = check_find(list, f, CHECK_CRITICAL, "md-differs", v->device);
			check_say(n, "md runs %s otherwise than the metadata say: after the next start it would be another one",
				  title(v));
			check_advise(n, "mdmonctl ping %s; mdmonctl status %s", f->container, f->container);
		}
		check_show(n, "slot %u: md has %s%s, the metadata have %s, %s", i, s->disk[0] ? s->disk : "nothing",
			   s->in_sync ? " in sync" : "", s->told_disk[0] ? s->told_disk : "nothing", s->told_state);
	}
}

/* A spare takes its place if there is one that can. */
static void advise_replacing(const struct check_facts *f, const struct check_volume *v, const char *disk, struct check_finding *n)
{
	const struct check_disk *spare = a_spare(f);

	if (spare && !check_lack(f, spare) && !v->missing)
		check_advise(n, "mdadm --fail /dev/%s /dev/%s", v->device, disk);
	else
		check_advise_add(n, f, "DISK");
}

static void bad_blocks(const struct check_facts *f, const struct check_volume *v, struct check_findings *list)
{
	for (unsigned i = 0; i < v->raid_disks; i++) {
		const struct check_slot *s = &v->slot[i];
		struct check_finding *n;

		if (!s->bad_blocks)
			continue;
		n = check_find(list, f, CHECK_WARNING, "bad-blocks", s->disk);
		check_say(n, "%s has places on which %s cannot keep data: it should be replaced", s->disk, title(v));
		check_show(n, "%u on record, in /sys/block/%s/md/dev-%s/bad_blocks", s->bad_blocks, v->device, s->disk);
		advise_replacing(f, v, s->disk, n);
	}
}

/* The disk that takes most places is the one to go. */
static void full_log(const struct check_facts *f, struct check_findings *list)
{
	const struct check_volume *worst = NULL;
	unsigned slot = 0;
	struct check_finding *n;

	if (f->bad_log < CHECK_BAD_LOG_NEAR)
		return;
	n = check_find(list, f, CHECK_CRITICAL, "bad-block-log-full", f->container);
	check_say(n, "the list of bad blocks in the metadata is nearly full: the next ones cost a whole disk");
	check_show(n, "%u of %u places are taken", f->bad_log, CHECK_BAD_LOG_FULL);
	for (size_t i = 0; i < f->volumes; i++)
		for (unsigned k = 0; k < f->volume[i].raid_disks; k++)
			if (f->volume[i].slot[k].bad_blocks > (worst ? worst->slot[slot].bad_blocks : 0)) {
				worst = &f->volume[i];
				slot = k;
			}
	if (!worst)
		return;
	check_show(n, "%u of them for %s", worst->slot[slot].bad_blocks, worst->slot[slot].disk);
	advise_replacing(f, worst, worst->slot[slot].disk, n);
}

void check_volumes(const struct check_facts *f, struct check_findings *list)
{
	for (size_t i = 0; i < f->volumes; i++) {
		const struct check_volume *v = &f->volume[i];

		not_running(f, v, list);
		broken(f, v, list);
		if (!v->device[0])
			continue;
		degraded(f, v, list);
		if (is_held(v))
			held(f, v, list);
		reshape(f, v, list);
		read_only(f, v, list);
		unserved(f, v, list);
		md_differs(f, v, list);
		bad_blocks(f, v, list);
	}
	full_log(f, list);
}
