/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rules about disks: ctl/check.h. Each disk gets at most one finding that says why it is not used, the one that names the
 * cause: a disk that failed has an old copy, too. Pure.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ctl/check.h"
#include "ctl/units.h"

/* Takes it out of where it is, and puts it in as a new one. What is on it is lost. */
static void advise_renewal(const struct check_facts *f, const struct check_disk *d, struct check_finding *n)
{
	if (check_any_lost(f)) {
		check_say(n, ". Not now: a volume has lost too many disks, and what is on this one may be needed to rescue it");
		return;
	}
	if (d->holder[0])
		check_advise(n, "mdadm --remove /dev/%s /dev/%s && ", d->holder, d->name);
	check_advise(n, "mdadm --zero-superblock /dev/%s && ", d->name);
	check_advise_add(n, f, d->name);
}

static void show_place(const struct check_facts *f, const struct check_disk *d, struct check_finding *n)
{
	if (check_is_here(f, d))
		return;
	if (d->holder[0])
		check_show(n, "%s has it", d->holder);
	else
		check_show(n, "no array has it");
}

static void show_age(const struct check_disk *d, struct check_finding *n)
{
	if (d->behind > 0)
		check_show(n, "its copy of the metadata is %" PRId64 " generation%s older than that of the others", d->behind, d->behind == 1 ? "" : "s");
}

/* ---- a disk that is there and not used ---- */

static void failed(const struct check_facts *f, const struct check_disk *d, struct check_findings *list)
{
	struct check_finding *n = check_find(list, f, CHECK_WARNING, "disk-failed", d->name);

	check_say(n, "%s is not used: it is on record as failed. Replace it, or, if it is sound (smartctl -a), take it out, empty it "
		  "and put it in", d->name);
	check_show(n, "the metadata call it failed");
	show_place(f, d, n);
	show_age(d, n);
	advise_renewal(f, d, n);
}

static void foreign(const struct check_facts *f, const struct check_disk *d, struct check_findings *list)
{
	struct check_finding *n = check_find(list, f, CHECK_WARNING, "disk-foreign", d->name);

	check_say(n, "%s is not used: its metadata are those of another RAID. Take it out; what it holds stays", d->name);
	check_show(n, "the copy on it names another container");
	check_advise(n, "mdadm --remove /dev/%s /dev/%s", f->container, d->name);
}

static void elsewhere(const struct check_facts *f, const struct check_disk *d, struct check_findings *list)
{
	bool old = d->behind > 0;
	struct check_finding *n = check_find(list, f, CHECK_WARNING, old ? "disk-older" : "disk-left-out", d->name);

	check_say(n, "%s belongs to this container, but is not in it", d->name);
	if (old)
		check_say(n, ": its copy of the metadata is older, so that it cannot be used as it is. It can be emptied, put in and "
			  "rebuilt");
	show_place(f, d, n);
	show_age(d, n);
	if (old)
		advise_renewal(f, d, n);
	else if (d->holder[0])
		check_advise(n, "mdadm --remove /dev/%s /dev/%s && mdadm -I /dev/%s", d->holder, d->name, d->name);
	else
		check_advise(n, "mdadm -I /dev/%s", d->name);
}

static void unused(const struct check_facts *f, const struct check_disk *d, struct check_findings *list)
{
	struct check_finding *n;

	if (d->own && d->behind > 0) {
		n = check_find(list, f, CHECK_WARNING, "disk-older", d->name);
		check_say(n, "%s is not used: its copy of the metadata is older. It can be emptied, put in anew and rebuilt", d->name);
		show_age(d, n);
	} else {
		n = check_find(list, f, CHECK_WARNING, "disk-unused", d->name);
		check_say(n, "%s is in the container, but its metadata do not name it", d->name);
		if (d->copy == CHECK_COPY_NONE) {
			/* Who knows what it holds. */
			check_say(n, ", and neither has it any of this format. Take it out; what it holds stays");
			check_show(n, "%s", d->fault[0] ? d->fault : "it has metadata of another format");
			check_advise(n, "mdadm --remove /dev/%s /dev/%s", f->container, d->name);
			return;
		}
		check_say(n, ". It can be emptied and put in anew");
		check_show(n, "its own copy is right");
	}
	advise_renewal(f, d, n);
}

/* ---- spares ---- */

static void too_small(const struct check_facts *f, const struct check_disk *d, struct check_findings *list)
{
	uint64_t lack = check_lack(f, d);
	char size[UNITS_MAX];
	struct check_finding *n;

	if (d->use != CHECK_USE_SPARE || !lack)
		return;
	n = check_find(list, f, CHECK_WARNING, "spare-too-small", d->name);
	check_say(n, "the spare %s is of no use: it is too small for the volumes, by %s", d->name,
		  units_size(size, (lack + 1) / 2));
	check_show(n, "it has room for %" PRIu64 " KiB, %" PRIu64 " KiB are needed", d->room / 2, (check_need(f) + 1) / 2);
	check_advise(n, "mdadm --remove /dev/%s /dev/%s", f->container, d->name);
}

/* ---- a disk that does not do what it should ---- */

static void hangs(const struct check_facts *f, const struct check_disk *d, struct check_findings *list)
{
	struct check_finding *n = check_find(list, f, CHECK_CRITICAL, "disk-hangs", d->name);
	char span[UNITS_MAX];

	check_say(n, "%s does not answer", d->name);
	if (d->hangs_ms)
		check_show(n, "a write of the metadata to it has waited for %s", units_short(span, d->hangs_ms * 1000));
	else
		check_show(n, "a read of its last sector does not come back");
	check_advise(n, "journalctl -k -g %s", d->name);
}

static void refuses(const struct check_facts *f, const struct check_disk *d, struct check_findings *list)
{
	struct check_finding *n = check_find(list, f, CHECK_CRITICAL, "metadata-refused", d->name);

	check_say(n, "%s does not take the metadata: fewer disks have them than should", d->name);
	check_show(n, "the last write of them to it failed");
	show_age(d, n);
	if (d->use == CHECK_USE_MEMBER)
		check_advise(n, "journalctl -k -g %s", d->name);
	else
		check_advise(n, "mdadm --remove /dev/%s /dev/%s", f->container, d->name);
}

static const struct check_volume *volume_of(const struct check_facts *f, const char *disk)
{
	for (size_t i = 0; i < f->volumes; i++)
		for (unsigned k = 0; k < f->volume[i].raid_disks; k++)
			if (f->volume[i].slot[k].in_sync && strcmp(f->volume[i].slot[k].disk, disk) == 0)
				return &f->volume[i];
	return NULL;
}

static const char *state_of_copy(enum check_copy copy)
{
	switch (copy) {
	case CHECK_COPY_INCOMPLETE:
		return "was not written completely";
	case CHECK_COPY_UNREADABLE:
		return "cannot be read";
	case CHECK_COPY_NONE:
		return "is gone";
	case CHECK_COPY_NOT_READ:
	case CHECK_COPY_RIGHT:
	case CHECK_COPY_DAMAGED:
		break;
	}
	return "is damaged";
}

/*
 * IMSM is written whole each time, DDF only where it has changed, unless the daemon has seen at its start that a copy is bad. A
 * disk without a copy that it could read then it leaves alone.
 */
static void advise_writing(const struct check_facts *f, const struct check_disk *d, const struct check_volume *v,
			   struct check_finding *n)
{
	bool known = v && d->use == CHECK_USE_MEMBER && check_daemon_answers(f);

	if (known && check_is_ddf(f) && d->own) {
		check_say(n, ". A daemon that sees this when it starts writes it anew with the next change, such as the start of a check");
		check_advise_daemon(n, f);
		check_advise(n, " && mdadm --action=check /dev/%s", v->device);
	} else if (known && !check_is_ddf(f)) {
		check_say(n, ". The next change of the metadata writes it anew, such as the start of a check");
		check_advise(n, "mdadm --action=check /dev/%s", v->device);
	} else {
		check_say(n, ". It is right again when the disk is taken out, emptied and put in");
		if (v && !check_any_lost(f))
			check_advise(n, "mdadm --fail /dev/%s /dev/%s && ", v->device, d->name);
		advise_renewal(f, d, n);
	}
}

static void bad_copy(const struct check_facts *f, const struct check_disk *d, struct check_findings *list)
{
	const struct check_volume *v = volume_of(f, d->name);
	struct check_finding *n = check_find(list, f, CHECK_WARNING, "copy-damaged", d->name);

	if (d->own)
		check_say(n, "one copy of the metadata on %s %s: there is only one more", d->name, state_of_copy(d->copy));
	else
		check_say(n, "the copy of the metadata on %s %s: after the next start the disk would not be used", d->name,
			  state_of_copy(d->copy));
	if (d->fault[0])
		check_show(n, "%s", d->fault);
	advise_writing(f, d, v, n);
}

static void behind(const struct check_facts *f, const struct check_disk *d, struct check_findings *list)
{
	const struct check_volume *v = volume_of(f, d->name);
	struct check_finding *n = check_find(list, f, CHECK_WARNING, "copy-older", d->name);

	check_say(n, "the copy of the metadata on %s is older than that on the others: fewer disks have them than should", d->name);
	show_age(d, n);
	advise_writing(f, d, v, n);
}

/* ---- one after the other ---- */

static bool is_bad(enum check_copy copy)
{
	switch (copy) {
	case CHECK_COPY_NONE:
	case CHECK_COPY_INCOMPLETE:
	case CHECK_COPY_DAMAGED:
	case CHECK_COPY_UNREADABLE:
		return true;
	case CHECK_COPY_NOT_READ:
	case CHECK_COPY_RIGHT:
		break;
	}
	return false;
}

/* It has nothing that could be damaged. */
static bool is_stranger(const struct check_facts *f, const struct check_disk *d)
{
	return d->use == CHECK_USE_UNUSED && d->copy == CHECK_COPY_NONE && !volume_of(f, d->name);
}

static void check_disk_here(const struct check_facts *f, const struct check_disk *d, struct check_findings *list)
{
	if (d->hangs)
		hangs(f, d, list);
	else if (d->use == CHECK_USE_FAILED)
		failed(f, d, list);
	else if (d->foreign)
		foreign(f, d, list);
	else if (d->refuses)
		refuses(f, d, list);
	else if (is_bad(d->copy) && !is_stranger(f, d))
		bad_copy(f, d, list);
	else if (d->use == CHECK_USE_UNUSED)
		unused(f, d, list);
	else if (d->compared && d->own && d->behind > 0)
		behind(f, d, list);
	too_small(f, d, list);
}

static void twice(const struct check_facts *f, size_t i, struct check_findings *list)
{
	const struct check_disk *d = &f->disk[i];

	for (size_t k = 0; k < i; k++) {
		const struct check_disk *other = &f->disk[k];
		struct check_finding *n;

		if (!d->serial[0] || !check_is_here(f, d) || !check_is_here(f, other) || strcmp(d->serial, other->serial) != 0)
			continue;
		n = check_find(list, f, CHECK_CRITICAL, "serial-twice", d->name);
		check_say(n, "%s and %s have one serial number: nobody can tell which of them the metadata mean", other->name, d->name);
		check_show(n, "serial number %s", d->serial);
		check_advise(n, "mdadm --remove /dev/%s /dev/%s", f->container, d->use == CHECK_USE_MEMBER ? other->name : d->name);
		return;
	}
}

void check_disks(const struct check_facts *f, struct check_findings *list)
{
	for (size_t i = 0; i < f->disks; i++) {
		const struct check_disk *d = &f->disk[i];

		if (check_is_here(f, d))
			check_disk_here(f, d, list);
		else if (d->name[0] && d->own && check_needs_disks(f))
			elsewhere(f, d, list);
		twice(f, i, list);
	}
}
