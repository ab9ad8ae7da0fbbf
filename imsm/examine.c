/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What IMSM metadata say, to somebody who only looks at the disks: metadata/examine.h. They are read, decoded and chosen by what
 * the daemon itself uses; nothing is written, and no disk need be complete.
 *
 * A copy does not say on which of its disks it lies: that is the serial number's business, which an image has not. There it is
 * assumed, so that a choice can be made, and said to be.
 */
#include "imsm/imsm.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "metadata/examine.h"

#define NEWEST_VERSION "1.3.00"

/* A disk, beside its candidate. In the order in which they were given; candidates are in the reverse one, as imsm_load() has them. */
struct seen {
	struct imsm_candidate *cand;
	int index; /* of imsm_choose() */
	bool assumed;     /* which disk of its table it is */
	bool has_header;  /* its signature is there: */
	struct imsm_header header;
	bool has_record;  /* its last sector could be read: */
	struct imsm_migr_record record;
};

struct examination {
	struct seen *seen;
	size_t count;
	struct imsm_candidate *cand;
	int *index;
	struct imsm_container *c; /* meta, and sector_size; no disks */
	int champion;             /* index in seen, -1: nothing can be chosen */
	const char *why_none;
};

/* ---- reading ---- */

static int imsm_present(const struct disk *d, const char **why)
{
	uint64_t anchor = imsm_anchor_offset(d->size, d->sector_size);
	uint32_t mpb_size, sectors;
	uint8_t *sector;
	int err;

	*why = NULL;
	if (!anchor)
		return 0;
	sector = malloc(d->sector_size);
	err = sector ? disk_read(d, sector, d->sector_size, anchor) : -ENOMEM;
	if (!err)
		err = imsm_probe_anchor(sector, d->sector_size, &mpb_size, &sectors) == -EINVAL ? 0 : 1;
	free(sector);
	return err;
}

static void read_header(const struct disk *d, struct seen *s)
{
	uint8_t *sector = malloc(d->sector_size);

	if (sector && disk_read(d, sector, d->sector_size, imsm_anchor_offset(d->size, d->sector_size)) == 0) {
		memcpy(&s->header, sector, sizeof(s->header));
		s->has_header = memcmp(s->header.sig, IMSM_SIGNATURE, IMSM_SIGNATURE_LEN) == 0;
	}
	free(sector);
}

static void read_record(const struct disk *d, struct seen *s)
{
	uint8_t *sector = malloc(d->sector_size);

	if (sector && disk_read(d, sector, d->sector_size, imsm_migr_record_offset(d->size, d->sector_size)) == 0) {
		imsm_decode_migr_record(sector, d->sector_size, &s->record);
		s->has_record = true;
	}
	free(sector);
}

static void look_at(struct disk *d, struct seen *s)
{
	imsm_read_copy(d, s->cand);
	if (s->cand->meta) {
		s->header = s->cand->meta->header;
		s->has_header = true;
	} else {
		read_header(d, s);
	}
	read_record(d, s);
}

/* ---- which disk of the table it is ---- */

static bool is_spare_record(const struct imsm_meta *m)
{
	return m->num_volumes == 0 && m->num_disks == 1;
}

static bool is_claimed(const struct examination *x, const uint8_t serial[IMSM_SERIAL_LEN])
{
	for (size_t i = 0; i < x->count; i++)
		if (x->seen[i].cand->own_index >= 0 && imsm_serial_equal(x->seen[i].cand->serial, serial))
			return true;
	return false;
}

/* The first entry of its table that nobody else is. */
static void assume_serial(const struct examination *x, struct seen *s)
{
	const struct imsm_meta *m = s->cand->meta;

	for (unsigned i = 0; i < m->num_disks; i++)
		if (!(le32_get(m->disk[i].status) & IMSM_DISK_FAILED) && !is_claimed(x, m->disk[i].serial)) {
			memcpy(s->cand->serial, m->disk[i].serial, IMSM_SERIAL_LEN);
			s->cand->own_index = (int)i;
			s->assumed = true;
			return;
		}
}

/* A spare's record names the spare alone: those come first. */
static void find_serials(struct examination *x)
{
	for (size_t i = 0; i < x->count; i++)
		imsm_find_own_serial(x->seen[i].cand);
	for (int spares = 1; spares >= 0; spares--)
		for (size_t i = 0; i < x->count; i++) {
			struct seen *s = &x->seen[i];

			if (!s->cand->disk->serial_count && s->cand->meta && is_spare_record(s->cand->meta) == spares)
				assume_serial(x, s);
		}
}

/* ---- choosing ---- */

static bool same_copy(const struct imsm_header *a, const struct imsm_header *b)
{
	return le32_get(a->family_num) == le32_get(b->family_num) &&
	       le32_get(a->generation_num) == le32_get(b->generation_num) &&
	       le32_get(a->check_sum) == le32_get(b->check_sum);
}

/* Of several disks with the chosen copy, the one that imsm_choose() sees last. */
static int find_champion(const struct examination *x)
{
	for (size_t i = 0; i < x->count; i++) {
		const struct imsm_candidate *cand = x->seen[i].cand;

		if (cand->meta && cand->own_index >= 0 && same_copy(&cand->meta->header, &x->c->meta.header))
			return (int)i;
	}
	return -1;
}

static int choose(struct examination *x)
{
	int err = imsm_choose(x->cand, x->count, x->c, x->index, &x->why_none);

	if (err)
		return err == -ENOENT ? 0 : err;
	x->champion = find_champion(x);
	for (size_t i = 0; i < x->count; i++)
		x->seen[i].index = x->index[x->count - 1 - i];
	return 0;
}

static bool counts(const struct seen *s)
{
	return s->cand->meta && !is_spare_record(s->cand->meta);
}

/* What distinguishes the chosen copy. */
static const char *why_chosen(const struct examination *x)
{
	const struct imsm_header *best = &x->seen[x->champion].header;
	bool others = false, families = false, generations = false;

	if (!counts(&x->seen[x->champion]))
		return "there are spares only";
	for (size_t i = 0; i < x->count; i++) {
		const struct imsm_header *h = &x->seen[i].header;

		if (!counts(&x->seen[i]) || (int)i == x->champion)
			continue;
		others = true;
		families |= le32_get(h->family_num) != le32_get(best->family_num);
		generations |= le32_get(h->generation_num) != le32_get(best->generation_num);
	}
	if (families)
		return "no copy of another family owns a disk that it names";
	if (generations)
		return "of its family it has the highest generation";
	return others ? "all copies that can be used are of this generation" : "it is the only copy that can be used";
}

/* ---- what is not as it should be ---- */

/* By the first two numbers: "1.3.00" and what came before it are known. */
static bool version_is_newer(const struct imsm_header *h)
{
	char text[IMSM_VERSION_LEN + 1] = "";
	unsigned major, minor;

	memcpy(text, h->version, IMSM_VERSION_LEN);
	return sscanf(text, "%u.%u", &major, &minor) != 2 || major > 1 || (major == 1 && minor > 3);
}

static void complain_of_features(const struct seen *s, int i, struct facts *f)
{
	uint32_t unknown = imsm_unknown_attributes(s->cand->meta);
	char version[IMSM_VERSION_LEN + 1] = "";

	memcpy(version, s->header.version, IMSM_VERSION_LEN);
	if (version_is_newer(&s->header))
		facts_problem(f, i, "its metadata are of version %s; the newest that is known is " NEWEST_VERSION, version);
	if (unknown)
		facts_problem(f, i, "its metadata need features that are not known (attributes 0x%x)", unknown);
}

static void complain_of_damage(const struct seen *s, int i, struct facts *f)
{
	const struct imsm_candidate *cand = s->cand;

	if (cand->closed)
		facts_problem(f, i, "its copy was not written completely: the power failed meanwhile, or it is being written");
	else if (cand->error)
		facts_problem(f, i, "%s: %s", cand->why, strerror(-cand->error));
	else
		facts_problem(f, i, "its copy is damaged: %s", cand->why);
}

static void complain_of_age(const struct examination *x, const struct seen *s, int i, struct facts *f)
{
	const struct imsm_header *best = x->champion < 0 ? NULL : &x->seen[x->champion].header;
	int32_t behind;

	if (!best || !counts(s) || le32_get(best->family_num) != le32_get(s->header.family_num))
		return;
	behind = (int32_t)(le32_get(best->generation_num) - le32_get(s->header.generation_num));
	if (behind > 0)
		facts_problem(f, i, "its copy is %d generation%s older than the one that counts: the power failed, or it was away",
			      behind, behind == 1 ? "" : "s");
}

static void complain(const struct examination *x, struct facts *f)
{
	for (size_t i = 0; i < x->count; i++) {
		const struct seen *s = &x->seen[i];

		if (!s->cand->meta) {
			complain_of_damage(s, (int)i, f);
			continue;
		}
		if (s->cand->why && s->index != IMSM_DROPPED)
			facts_problem(f, (int)i, "%s", s->cand->why);
		complain_of_features(s, (int)i, f);
		complain_of_age(x, s, (int)i, f);
		if (s->cand->own_index < 0)
			facts_problem(f, (int)i, "%s", s->cand->disk->serial_count ?
				      "its own copy does not name it: no serial number of the disk is in the table" :
				      "its copy names no disk that it could be");
		else if (s->index == IMSM_DROPPED && x->champion >= 0)
			facts_problem(f, (int)i, "is not used: %s", s->cand->why);
		else if (s->index == IMSM_INDEX_UNRELATED)
			facts_problem(f, (int)i, "is not used: it was replaced or failed earlier");
	}
	if (x->champion < 0)
		facts_problem(f, -1, "no copy can be chosen: %s", x->why_none);
}

/* ---- telling ---- */

static const char *status_of(const struct imsm_candidate *cand)
{
	if (cand->meta)
		return "right";
	if (cand->closed)
		return "incomplete";
	return cand->error ? "unreadable" : "damaged";
}

static const char *use_of(const struct examination *x, const struct seen *s)
{
	if (x->champion < 0 || s->index == IMSM_DROPPED)
		return NULL;
	if (s->index == IMSM_INDEX_SPARE)
		return "spare";
	return s->index == IMSM_INDEX_UNRELATED ? "failed" : "member";
}

static void tell_local(const struct seen *s, struct facts *f)
{
	static const struct imsm_migr_record none;
	const struct imsm_candidate *cand = s->cand;

	facts_object(f, "local");
	if (cand->serial[0])
		f->text(f, "serial", (const char *)cand->serial, IMSM_SERIAL_LEN);
	else
		facts_text(f, "serial", NULL);
	facts_flag(f, "serial_assumed", s->assumed);
	if (cand->own_index >= 0)
		facts_number(f, "own_index", (uint64_t)cand->own_index);
	else
		facts_text(f, "own_index", NULL);
	facts_flag(f, "spare_record", cand->meta && is_spare_record(cand->meta));
	facts_number(f, "anchor_offset", imsm_anchor_offset(cand->disk->size, cand->sector_size));
	if (s->has_record && memcmp(&s->record, &none, sizeof(none)) != 0)
		imsm_tell_migration(&s->record, f);
	else
		facts_text(f, "migration_record", NULL);
	facts_end(f);
}

static void tell_copy(const struct examination *x, size_t i, struct facts *f)
{
	const struct seen *s = &x->seen[i];

	facts_object(f, NULL);
	f->device(f, "device", (int)i);
	facts_text(f, "copy", "only");
	facts_text(f, "status", status_of(s->cand));
	facts_text(f, "fault", s->cand->meta ? NULL : s->cand->why);
	facts_text(f, "use", use_of(x, s));
	facts_taken_by(f, s->cand->meta, s->cand->meta);
	facts_flag(f, "compared", counts(s));
	tell_local(s, f);
	facts_object(f, "metadata");
	if (s->has_header)
		imsm_tell_header(&s->header, f);
	if (s->cand->meta)
		imsm_tell_contents(s->cand->meta, f);
	facts_end(f);
	facts_end(f);
}

/* imsm_choose() follows mdadm's rules: both take the same. */
static void tell_choice(const struct examination *x, struct facts *f)
{
	const char *why = x->champion < 0 ? x->why_none : why_chosen(x);

	facts_object(f, "choice");
	facts_choice(f, "mdmon", x->champion, "only", why);
	facts_choice(f, "mdadm", x->champion, "only", why);
	facts_end(f);
}

static void tell(const struct examination *x, struct facts *f)
{
	uint8_t uuid[16];

	if (x->champion >= 0) {
		imsm_container_uuid(&x->c->meta.header, uuid);
		facts_uuid(f, "uuid", uuid);
		facts_number(f, "generation", le32_get(x->c->meta.header.generation_num));
	} else {
		facts_text(f, "uuid", NULL);
		facts_text(f, "generation", NULL);
	}
	facts_list(f, "copies");
	for (size_t i = 0; i < x->count; i++)
		tell_copy(x, i, f);
	facts_end(f);
	tell_choice(x, f);
	complain(x, f);
}

/* ---- all of it ---- */

static int examine_disks(struct examination *x, struct disk *const *disks, struct facts *f)
{
	int err;

	for (size_t i = 0; i < x->count; i++) {
		x->seen[i] = (struct seen){ .cand = &x->cand[x->count - 1 - i], .index = IMSM_DROPPED };
		look_at(disks[i], &x->seen[i]);
	}
	find_serials(x);
	err = choose(x);
	if (!err)
		tell(x, f);
	return err;
}

static int imsm_examine(struct disk *const *disks, size_t count, struct facts *f)
{
	struct examination x = {
		.count = count,
		.seen = calloc(count + 1, sizeof(*x.seen)),
		.cand = calloc(count + 1, sizeof(*x.cand)),
		.index = calloc(count + 1, sizeof(*x.index)),
		.c = calloc(1, sizeof(*x.c)),
		.champion = -1,
	};
	int err = -ENOMEM;

	if (x.seen && x.cand && x.index && x.c)
		err = examine_disks(&x, disks, f);
	for (size_t i = 0; x.cand && i < count; i++)
		free(x.cand[i].meta);
	free(x.seen);
	free(x.cand);
	free(x.index);
	free(x.c);
	return err;
}

const struct examiner examine_imsm = { .name = "imsm", .present = imsm_present, .examine = imsm_examine };
