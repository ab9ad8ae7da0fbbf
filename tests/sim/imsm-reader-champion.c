// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which copy is believed when disks disagree (docs/imsm.md, 2.3), and which disks take part then (2.4).
 *
 * A family is the set of copies with one family number; the best copy of each is its candidate. What the copies say of
 * disks goes into one list, in which a disk belongs to the family of its own copy. A candidate that names a disk of
 * another family falls.
 */
#include <string.h>

#include "imsm-reader.h"

enum { NOBODY = -1 };

struct disk_fact {
	const unsigned char *serial;
	uint32_t status;
	int owner; /* number of a family, or NOBODY */
};

/* One entry for each serial that any copy names; all tables full are READER_DISKS * IMSM_COPY_DISKS. */
static struct disk_fact facts[READER_DISKS * IMSM_COPY_DISKS];
static unsigned fact_count;
static struct imsm_copy *candidate[READER_DISKS];
static unsigned families;

static struct disk_fact *find_fact(const void *serial)
{
	unsigned i;

	for (i = 0; i < fact_count; i++)
		if (rd_imsm_same_serial(facts[i].serial, serial))
			return &facts[i];
	return NULL;
}

static int find_family(uint32_t number)
{
	unsigned i;

	for (i = 0; i < families; i++)
		if (candidate[i]->family == number)
			return (int)i;
	return NOBODY;
}

static bool is_better(const struct imsm_copy *copy, const struct imsm_copy *than)
{
	bool configured = copy->own_status & IMSM_CONFIGURED, other = than->own_status & IMSM_CONFIGURED;

	return (configured || !other) && than->generation < copy->generation;
}

/* The copy is older than its family's candidate: only what it says of its own disk counts. */
static void note_older(struct imsm_copy *copy, int family)
{
	struct disk_fact *fact = find_fact(copy->serial);

	if (!fact)
		return;
	fact->owner = family;
	fact->status |= copy->own_status & IMSM_CONFIGURED;
}

static void merge_record(const struct imsm_copy *copy, const unsigned char *record, int family)
{
	struct disk_fact *fact = find_fact(record);

	if (!fact) {
		fact = &facts[fact_count++];
		*fact = (struct disk_fact){ .serial = record, .status = rd_imsm_record_status(record), .owner = NOBODY };
	} else {
		fact->status |= rd_imsm_record_status(record);
		if (fact->status & (IMSM_CONFIGURED | IMSM_FAILED))
			fact->status &= ~(uint32_t)IMSM_SPARE;
	}
	if (rd_imsm_same_serial(record, copy->serial))
		fact->owner = family;
}

static void consider(struct imsm_copy *copy)
{
	int family = find_family(copy->family);
	unsigned i;

	if (family == NOBODY)
		family = (int)families++;
	else if (candidate[family]->check_sum != copy->check_sum && !is_better(copy, candidate[family])) {
		note_older(copy, family);
		return;
	}
	candidate[family] = copy;
	for (i = 0; i < copy->disks; i++)
		merge_record(copy, rd_imsm_copy_record(copy, i), family);
}

static bool stands(int family)
{
	const struct imsm_copy *copy = candidate[family];
	const struct disk_fact *fact = copy->knows_itself ? find_fact(copy->serial) : NULL;
	unsigned i;

	if (!fact || fact->owner != family)
		return false;
	for (i = 0; i < copy->disks; i++) {
		fact = find_fact(rd_imsm_copy_record(copy, i));
		if (!fact || (fact->owner != family && fact->owner != NOBODY))
			return false;
	}
	return true;
}

/* The first one with volumes; if none has any the last one. */
static const struct imsm_copy *choose(void)
{
	const struct imsm_copy *chosen = NULL;
	unsigned i;

	for (i = 0; i < families; i++) {
		if (!stands((int)i))
			continue;
		if (candidate[i]->volumes)
			return candidate[i];
		chosen = candidate[i];
	}
	return chosen;
}

static struct imsm_listed list(const struct imsm_copy *champion, const struct imsm_copy *copy)
{
	int index = rd_imsm_copy_find(champion, copy->serial);
	const struct disk_fact *fact = find_fact(copy->serial);
	uint32_t status;

	if (index >= 0) {
		status = rd_imsm_record_status(rd_imsm_copy_record(champion, (unsigned)index));
		if (status & IMSM_FAILED)
			index = -2;
		else if (status & (IMSM_SPARE | IMSM_JOURNAL))
			index = -1;
		return (struct imsm_listed){ .listed = true, .index = index };
	}
	if (fact && (fact->status & (IMSM_SPARE | IMSM_FAILED | IMSM_CONFIGURED)) == IMSM_SPARE)
		return (struct imsm_listed){ .listed = true, .index = -1 };
	return (struct imsm_listed){ .listed = false, .index = -2 };
}

void rd_imsm_choose_champion(struct imsm_view *view)
{
	unsigned i;

	fact_count = 0;
	families = 0;
	for (i = 0; i < view->count; i++)
		if (view->copy[i].loaded)
			consider(&view->copy[i]);
	view->champion = choose();
	if (!view->champion)
		return;
	view->attributes = view->champion->attributes;
	for (i = 0; i < view->count; i++) {
		view->listed[i] = (struct imsm_listed){ .listed = false, .index = -2 };
		if (!view->copy[i].loaded)
			continue;
		view->listed[i] = list(view->champion, &view->copy[i]);
		view->attributes |= view->copy[i].attributes & IMSM_ATTRIBUTE_2TB_DISK;
	}
}
