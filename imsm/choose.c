/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Choosing among the disks' copies of IMSM metadata that disagree (imsm.md 2.3, 2.4). No I/O.
 *
 * The choice must be the one that mdadm makes from the same disks, or the two would
 * work on different configurations. That is why its rules are followed to the letter,
 * including that the order of the disks decides between two families that are both
 * consistent in themselves. Which disks are spares is the daemon's own business.
 */
#include "imsm/imsm.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define OWNER_UNKNOWN (-1)

/* One distinct family_num and the copy that speaks for it. */
struct family {
	uint32_t number;
	struct imsm_candidate *cand;
};

/* A serial that some copy names. */
struct known_disk {
	uint8_t serial[IMSM_SERIAL_LEN];
	int owner; /* index of the family whose disk it is, or OWNER_UNKNOWN */
};

struct choice {
	struct family *family;
	unsigned families;
	struct known_disk *known;
	unsigned knowns;
};

static uint32_t family_num(const struct imsm_candidate *cand)
{
	return le32_get(cand->meta->header.family_num);
}

static uint32_t own_status(const struct imsm_candidate *cand)
{
	return cand->own_index < 0 ? 0 : le32_get(cand->meta->disk[cand->own_index].status);
}

static struct known_disk *find_known(const struct choice *ch, const uint8_t serial[IMSM_SERIAL_LEN])
{
	for (unsigned i = 0; i < ch->knowns; i++)
		if (imsm_serial_equal(ch->known[i].serial, serial))
			return &ch->known[i];
	return NULL;
}

static int find_family(const struct choice *ch, uint32_t number)
{
	for (unsigned i = 0; i < ch->families; i++)
		if (ch->family[i].number == number)
			return (int)i;
	return -1;
}

static void merge_disk(struct choice *ch, const struct imsm_disk *d)
{
	struct known_disk *k;

	if (find_known(ch, d->serial))
		return;
	k = &ch->known[ch->knowns++];
	*k = (struct known_disk){ .owner = OWNER_UNKNOWN };
	memcpy(k->serial, d->serial, sizeof(k->serial));
}

static void merge_table(struct choice *ch, const struct imsm_candidate *cand, int family)
{
	for (unsigned i = 0; i < cand->meta->num_disks; i++)
		merge_disk(ch, &cand->meta->disk[i]);
	if (cand->own_index >= 0)
		find_known(ch, cand->serial)->owner = family;
}

/* Does `cand` speak for the family rather than `old`, which came before it? */
static bool takes_over(const struct imsm_candidate *cand, const struct imsm_candidate *old)
{
	const struct imsm_header *h = &cand->meta->header, *old_h = &old->meta->header;
	bool configured = own_status(cand) & IMSM_DISK_CONFIGURED;
	bool old_configured = own_status(old) & IMSM_DISK_CONFIGURED;

	if (le32_get(h->check_sum) == le32_get(old_h->check_sum))
		return true;
	return configured >= old_configured && le32_get(old_h->generation_num) < le32_get(h->generation_num);
}

/* An older copy of a known family: only its own disk is taken note of, not its table. */
static void merge_outdated(struct choice *ch, const struct imsm_candidate *cand, int family)
{
	struct known_disk *k = find_known(ch, cand->serial);

	if (k && cand->own_index >= 0)
		k->owner = family;
}

static void merge_candidate(struct choice *ch, struct imsm_candidate *cand)
{
	int f = find_family(ch, family_num(cand));

	if (f < 0) {
		f = (int)ch->families++;
		ch->family[f] = (struct family){ .number = family_num(cand), .cand = cand };
	} else if (takes_over(cand, ch->family[f].cand)) {
		ch->family[f].cand = cand;
	} else {
		merge_outdated(ch, cand, f);
		return;
	}
	merge_table(ch, cand, f);
}

/*
 * A family may win only if no newer one owns a disk that it names. So the copy on a disk that was replaced and has come
 * back is turned down.
 */
static bool is_consistent(const struct choice *ch, int family)
{
	const struct imsm_candidate *cand = ch->family[family].cand;

	if (cand->own_index < 0)
		return false;
	for (unsigned i = 0; i < cand->meta->num_disks; i++) {
		int owner = find_known(ch, cand->meta->disk[i].serial)->owner;

		if (owner != family && owner != OWNER_UNKNOWN)
			return false;
	}
	return true;
}

static struct imsm_candidate *find_champion(const struct choice *ch)
{
	struct imsm_candidate *spare = NULL;

	for (unsigned i = 0; i < ch->families; i++) {
		if (!is_consistent(ch, (int)i))
			continue;
		if (ch->family[i].cand->meta->num_volumes)
			return ch->family[i].cand;
		spare = ch->family[i].cand;
	}
	return spare;
}

static int drop(struct imsm_candidate *cand, const char *why)
{
	cand->why = why;
	return IMSM_DROPPED;
}

static bool names_itself(const struct imsm_candidate *cand)
{
	for (unsigned i = 0; i < cand->meta->num_volumes; i++)
		if (imsm_volume_names(&cand->meta->volume[i], (uint32_t)cand->own_index))
			return true;
	return false;
}

/*
 * Whoever made a spare of the disk has written that to it, and what it held before is gone. A copy that still calls it a
 * member is older than that: it lies on a disk that has been away, or has been turned down. mdadm would drop the spare
 * because of it, and the daemon is the only one that uses spares.
 */
static bool calls_itself_spare(const struct imsm_candidate *cand, const struct imsm_container *c)
{
	uint32_t status = own_status(cand);

	if (!(status & IMSM_DISK_SPARE) || (status & IMSM_DISK_FAILED))
		return false;
	/* It was about to join this family (imsm/join.c), which has gone on without it. */
	if (status & IMSM_DISK_CONFIGURED)
		return family_num(cand) == le32_get(c->meta.header.family_num) && !names_itself(cand);
	return true;
}

/* The place of a disk that the champion does not know. */
static int index_of_stranger(struct imsm_candidate *cand, const struct imsm_container *c)
{
	if (calls_itself_spare(cand, c))
		return IMSM_INDEX_SPARE;
	return drop(cand, "it is neither a member nor a spare of this container");
}

/* `taken`: the places in the disk table that are given away. */
static int index_of(struct imsm_candidate *cand, const struct imsm_container *c, bool *taken)
{
	int index;
	uint32_t status;

	if (!cand->meta)
		return IMSM_DROPPED; /* cand->why tells */
	index = imsm_serial_in_table(&c->meta, cand->serial);
	if (index < 0)
		return index_of_stranger(cand, c);
	status = le32_get(c->meta.disk[index].status);
	if (status & IMSM_DISK_FAILED)
		return IMSM_INDEX_UNRELATED;
	if (status & (IMSM_DISK_SPARE | IMSM_DISK_JOURNAL))
		return IMSM_INDEX_SPARE;
	if (cand->sector_size != c->sector_size)
		return drop(cand, "its sector size differs from that of the other members");
	if (taken[index])
		return drop(cand, "another disk has the same serial");
	taken[index] = true;
	return index;
}

static void place_disks(struct imsm_candidate *cand, size_t count, const struct imsm_candidate *champion,
			struct imsm_container *c, int *index)
{
	bool taken[IMSM_MAX_DISKS] = { false };
	size_t first = (size_t)(champion - cand);

	index[first] = index_of(&cand[first], c, taken); /* whatever has the same serial comes second */
	for (size_t i = 0; i < count; i++)
		if (i != first)
			index[i] = index_of(&cand[i], c, taken);
}

static void adopt(const struct imsm_candidate *champion, const struct imsm_candidate *cand, size_t count,
		  struct imsm_container *c)
{
	uint32_t attributes = 0;

	for (size_t i = 0; i < count; i++)
		if (cand[i].meta)
			attributes |= le32_get(cand[i].meta->header.attributes) & IMSM_ATTR_2TB_DISK;
	c->meta = *champion->meta;
	attributes |= le32_get(c->meta.header.attributes);
	c->meta.header.attributes = le32_make(attributes);
	c->sector_size = champion->sector_size;
}

static const char *reason_for_nothing(const struct imsm_candidate *cand, size_t count)
{
	const char *why = "there are no disks";

	for (size_t i = count; i-- > 0;) {
		if (cand[i].meta)
			return "no disk's metadata agrees with that of the others";
		if (cand[i].why)
			why = cand[i].why;
	}
	return why;
}

static int alloc_choice(struct choice *ch, const struct imsm_candidate *cand, size_t count)
{
	size_t entries = 0;

	for (size_t i = 0; i < count; i++)
		if (cand[i].meta)
			entries += cand[i].meta->num_disks;
	ch->family = calloc(count + 1, sizeof(*ch->family));
	ch->known = calloc(entries + 1, sizeof(*ch->known));
	return ch->family && ch->known ? 0 : -ENOMEM;
}

int imsm_choose(struct imsm_candidate *cand, size_t count, struct imsm_container *c, int *index, const char **why)
{
	struct choice ch = { 0 };
	const struct imsm_candidate *champion;
	int err = alloc_choice(&ch, cand, count);

	if (err) {
		*why = "out of memory";
		goto out;
	}
	for (size_t i = 0; i < count; i++)
		if (cand[i].meta)
			merge_candidate(&ch, &cand[i]);
	champion = find_champion(&ch);
	if (!champion) {
		*why = reason_for_nothing(cand, count);
		err = -ENOENT;
		goto out;
	}
	adopt(champion, cand, count, c);
	place_disks(cand, count, champion, c, index);
out:
	free(ch.family);
	free(ch.known);
	return err;
}
