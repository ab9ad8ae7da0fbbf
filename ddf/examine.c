/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What DDF metadata say, to somebody who only looks at the disks: metadata/examine.h. They are read, checked and chosen by what
 * the daemon itself uses (ddf/read.h); nothing is written, and no disk need be complete. Each disk has up to three pieces: the
 * anchor, a header alone, and one or two copies of everything.
 */
#include "ddf/read.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "metadata/examine.h"

struct examination {
	struct candidate *cand; /* as they were given */
	size_t count;
	int best;       /* what the daemon takes, -1: nothing */
	int best_mdadm; /* what mdadm takes, which does not look at checksums behind the header */
};

/* ---- is there any? ---- */

static bool has_magic(const struct disk *d, uint64_t sector)
{
	uint8_t buf[DDF_SECTOR];

	return disk_read(d, buf, sizeof(buf), sector * DDF_SECTOR) == 0 && ddf_magic_of(buf) == DDF_HEADER_MAGIC;
}

static int ddf_present(const struct disk *d, const char **why)
{
	struct disk copy = *d;
	struct candidate cand = { .disk = &copy };
	const char *fault = ddf_read_anchor(&cand);
	uint64_t sectors = d->size / DDF_SECTOR;

	*why = NULL;
	if (!fault || ddf_magic_of(&cand.anchor) == DDF_HEADER_MAGIC)
		return 1;
	if (cand.unreadable)
		return -EIO;
	if (d->sector_size == DDF_SECTOR && sectors > DDF_SECONDARY_FROM_END &&
	    (has_magic(d, sectors - DDF_PRIMARY_FROM_END) || has_magic(d, sectors - DDF_SECONDARY_FROM_END)))
		*why = "its last sector is no DDF anchor, though there is a copy where mdadm puts one; mdadm takes it for blank";
	return 0;
}

/* ---- choosing ---- */

static void read_all(struct examination *x, struct disk *const *disks)
{
	for (size_t i = 0; i < x->count; i++) {
		x->cand[i].disk = disks[i];
		ddf_look_at(&x->cand[i]);
	}
}

/* The first of the newest, as each of the two reads the disks. */
static void choose(struct examination *x)
{
	int32_t rank = 0;

	x->best = x->best_mdadm = -1;
	for (size_t i = 0; i < x->count; i++) {
		struct candidate *cand = &x->cand[i];
		const struct image *m = cand->why ? NULL : ddf_choose_by_header(cand);

		if (!cand->why && (x->best < 0 || ddf_compare_rank(cand, &x->cand[x->best]) > 0))
			x->best = (int)i;
		if (m && (x->best_mdadm < 0 || ddf_rank_of(m) > rank)) {
			x->best_mdadm = (int)i;
			rank = ddf_rank_of(m);
		}
	}
}

static const char *name_of(const struct candidate *cand, const struct image *m)
{
	return NAME_OF_COPY(m - cand->copy);
}

static const char *why_disk(const struct examination *x, int best)
{
	bool others = false, older = false;

	for (size_t i = 0; i < x->count; i++) {
		if ((int)i == best || x->cand[i].why)
			continue;
		others = true;
		older |= ddf_rank_of(x->cand[i].chosen) != ddf_rank_of(x->cand[best].chosen);
	}
	if (older)
		return "its generation is the highest";
	return others ? "all disks that can be used are of this generation" : "it is the only disk that can be used";
}

static void tell_choice(const struct examination *x, struct facts *f)
{
	const char *none = "no copy can be used";

	facts_object(f, "choice");
	if (x->best < 0)
		facts_choice(f, "mdmon", -1, NULL, none);
	else
		facts_choice(f, "mdmon", x->best, name_of(&x->cand[x->best], x->cand[x->best].chosen), why_disk(x, x->best));
	if (x->best_mdadm < 0)
		facts_choice(f, "mdadm", -1, NULL, none);
	else
		facts_choice(f, "mdadm", x->best_mdadm,
			     name_of(&x->cand[x->best_mdadm], ddf_choose_by_header(&x->cand[x->best_mdadm])),
			     why_disk(x, x->best_mdadm));
	facts_end(f);
}

/* ---- what a disk is to the container ---- */

static bool is_named(const struct image *m, uint32_t refnum)
{
	for (unsigned i = 0; i < m->at.records; i++) {
		const struct ddf_vdc *v = (const struct ddf_vdc *)(const void *)ddf_image_record(m, i);

		if (be32_get(v->magic) == DDF_VDC_MAGIC && ddf_crc_ok(v, ddf_record_bytes(&m->at)) &&
		    ddf_find_element(v, m->at.mppe, refnum) >= 0)
			return true;
	}
	return false;
}

static bool named_by_any(const struct examination *x, uint32_t refnum)
{
	for (size_t i = 0; i < x->count; i++)
		if (!x->cand[i].why && is_named(x->cand[i].chosen, refnum))
			return true;
	return false;
}

static uint32_t refnum_of(const struct candidate *cand)
{
	return be32_get(ddf_data_of(cand)->refnum);
}

static const char *why_foreign(const struct examination *x, size_t i)
{
	const struct ddf_container c = ddf_shallow(x->cand[x->best].chosen);
	const char *why = ddf_why_foreign(&c, &x->cand[i], &x->cand[x->best]);

	for (size_t k = 0; k < i && !why; k++)
		if (!x->cand[k].why && refnum_of(&x->cand[k]) == refnum_of(&x->cand[i]))
			why = "another disk has the same reference number";
	return why;
}

static const char *use_of(const struct examination *x, size_t i)
{
	struct ddf_container c;

	if (x->best < 0 || x->cand[i].why || why_foreign(x, i))
		return NULL;
	c = ddf_shallow(x->cand[x->best].chosen);
	if (ddf_pd_failed(ddf_pd_by_ref(&c, refnum_of(&x->cand[i]))))
		return "failed";
	return named_by_any(x, refnum_of(&x->cand[i])) ? "member" : "spare";
}

/* ---- what is not as it should be ---- */

static bool is_open(const struct image *m)
{
	return m->usable && !ddf_image_closed(m);
}

static void complain_of_copy(const struct image *m, const char *name, int i, struct facts *f)
{
	if (is_open(m))
		facts_problem(f, i, "its %s copy was not written completely: the power failed meanwhile, or it is being written",
			      name);
	else if (m->exists && m->fault)
		facts_problem(f, i, "its %s copy is damaged: %s", name, m->fault);
}

static void complain_of_disk(struct candidate *cand, int i, struct facts *f)
{
	const struct image *first = &cand->copy[DDF_FIRST_COPY], *second = &cand->copy[DDF_SECOND_COPY];

	complain_of_copy(first, "primary", i, f);
	complain_of_copy(second, "secondary", i, f);
	if (ddf_image_complete(first) && ddf_image_complete(second) && ddf_image_seq(first) != ddf_image_seq(second))
		facts_problem(f, i, "its primary copy is of generation %u, its secondary copy of %u", ddf_image_seq(first),
			      ddf_image_seq(second));
	if (!cand->anchor_elsewhere && !ddf_same_rest(&cand->anchor, &cand->chosen->header))
		facts_problem(f, i, "its anchor and its copies describe different layouts");
	if (ddf_choose_by_header(cand) != cand->chosen)
		facts_problem(f, i, "mdadm takes its %s copy, which mdmon does not",
			      name_of(cand, ddf_choose_by_header(cand)));
}

static void complain_of_place(const struct examination *x, size_t i, struct facts *f)
{
	const char *foreign = why_foreign(x, i);
	int64_t behind = (int64_t)ddf_rank_of(x->cand[x->best].chosen) - ddf_rank_of(x->cand[i].chosen);

	if (foreign)
		facts_problem(f, (int)i, "is not used: %s", foreign);
	else if (behind > 0)
		facts_problem(f, (int)i, "what it has is %lld generation%s older than what counts: the power failed, or it was away",
			      (long long)behind, behind == 1 ? "" : "s");
}

static void complain(const struct examination *x, struct facts *f)
{
	for (size_t i = 0; i < x->count; i++) {
		struct candidate *cand = &x->cand[i];
		char revision[sizeof(cand->anchor.revision) + 1] = "";

		if (!cand->why) {
			complain_of_disk(cand, (int)i, f);
			complain_of_place(x, i, f);
			continue;
		}
		memcpy(revision, cand->anchor.revision, sizeof(cand->anchor.revision));
		complain_of_copy(&cand->copy[DDF_FIRST_COPY], "primary", (int)i, f);
		complain_of_copy(&cand->copy[DDF_SECOND_COPY], "secondary", (int)i, f);
		if (cand->copy[DDF_FIRST_COPY].exists)
			facts_problem(f, (int)i, "%s", cand->why);
		else
			facts_problem(f, (int)i, "its anchor cannot be used: %s (revision %s)", cand->why, revision);
	}
}

/* ---- telling ---- */

static void tell_sections(const struct image *m, struct facts *f)
{
	static const char *const name[SECTIONS] = { "controller", "disks", "volumes", "configs", "disk_data" };

	facts_object(f, "sections");
	for (int i = 0; i < SECTIONS; i++) {
		facts_object(f, name[i]);
		facts_number(f, "offset", ddf_extent_of(&m->at, i)->offset);
		facts_number(f, "length", ddf_extent_of(&m->at, i)->length);
		facts_text(f, "fault", ddf_section_fault(m, i));
		facts_end(f);
	}
	facts_end(f);
}

/* What each disk, or each copy, has for itself. */
static void tell_local(const struct image *m, struct facts *f)
{
	const struct ddf_disk_data *data = (const struct ddf_disk_data *)(const void *)m->section[DISK_DATA];

	facts_object(f, "local");
	facts_number(f, "primary_lba", m->at.primary_lba);
	if (m->at.secondary_lba == DDF_NO_LBA)
		facts_text(f, "secondary_lba", NULL);
	else
		facts_number(f, "secondary_lba", m->at.secondary_lba);
	facts_number(f, "workspace_lba", m->at.workspace_lba);
	facts_hex32(f, "refnum", be32_get(data->refnum));
	facts_bytes(f, "guid", data->guid, sizeof(data->guid));
	ddf_tell_spare_record(m, f);
	tell_sections(m, f);
	facts_end(f);
}

static void begin_copy(int i, const char *name, const char *status, const char *fault, struct facts *f)
{
	facts_object(f, NULL);
	f->device(f, "device", i);
	facts_text(f, "copy", name);
	facts_text(f, "status", status);
	facts_text(f, "fault", fault);
}

static const char *status_of(const struct image *m)
{
	if (ddf_image_complete(m))
		return "right";
	if (is_open(m))
		return "incomplete";
	return m->unreadable ? "unreadable" : "damaged";
}

static void tell_anchor(const struct examination *x, size_t i, struct facts *f)
{
	const struct candidate *cand = &x->cand[i];
	bool right = cand->copy[DDF_FIRST_COPY].exists;

	begin_copy((int)i, "anchor", right ? "right" : cand->unreadable ? "unreadable" : "damaged", right ? NULL : cand->why,
		   f);
	facts_text(f, "use", use_of(x, i));
	facts_taken_by(f, right, right);
	facts_flag(f, "compared", false);
	facts_object(f, "local");
	facts_flag(f, "elsewhere", cand->anchor_elsewhere);
	facts_end(f);
	facts_object(f, "metadata");
	if (ddf_magic_of(&cand->anchor) == DDF_HEADER_MAGIC)
		ddf_tell_header(&cand->anchor, f);
	facts_end(f);
	facts_end(f);
}

static void tell_copy(const struct examination *x, size_t i, int which, struct facts *f)
{
	struct candidate *cand = &x->cand[i];
	const struct image *m = &cand->copy[which];

	begin_copy((int)i, NAME_OF_COPY(which), status_of(m), m->fault, f);
	facts_text(f, "use", use_of(x, i));
	facts_taken_by(f, m == cand->chosen, m == ddf_choose_by_header(cand));
	facts_flag(f, "compared", m->usable);
	if (m->usable)
		tell_local(m, f);
	facts_object(f, "metadata");
	if (be32_get(m->header.magic) == DDF_HEADER_MAGIC)
		ddf_tell_header(&m->header, f);
	if (m->usable)
		ddf_tell_contents(m, f);
	facts_end(f);
	facts_end(f);
}

static void tell(const struct examination *x, struct facts *f)
{
	if (x->best >= 0) {
		ddf_tell_uuid(x->cand[x->best].chosen->header.guid, f);
		facts_number(f, "generation", ddf_image_seq(x->cand[x->best].chosen));
	} else {
		facts_text(f, "uuid", NULL);
		facts_text(f, "generation", NULL);
	}
	facts_list(f, "copies");
	for (size_t i = 0; i < x->count; i++) {
		tell_anchor(x, i, f);
		for (int k = 0; k < DDF_COPIES; k++)
			if (x->cand[i].copy[k].exists)
				tell_copy(x, i, k, f);
	}
	facts_end(f);
	tell_choice(x, f);
	complain(x, f);
}

static int ddf_examine(struct disk *const *disks, size_t count, struct facts *f)
{
	struct examination x = { .count = count, .cand = calloc(count + 1, sizeof(*x.cand)) };

	if (!x.cand)
		return -ENOMEM;
	read_all(&x, disks);
	choose(&x);
	tell(&x, f);
	for (size_t i = 0; i < count; i++)
		for (int k = 0; k < DDF_COPIES; k++)
			free(x.cand[i].copy[k].bytes);
	free(x.cand);
	return 0;
}

const struct examiner examine_ddf = { .name = "ddf", .present = ddf_present, .examine = ddf_examine };
