/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether a copy that a power cut leaves half written may pass for a complete one (imsm.md 1.3, 7.3).
 *
 * The checksum is the sum of all words: what one sector has less another may have more. So the sectors that differ between
 * the old copy and the new one are looked at: if a choice of them sums up to the same before and after, a copy with just
 * those of the other kind has a right sum, whichever anchor it has. Pure.
 */
#include "imsm/format.h"

#include <stddef.h>
#include <string.h>

#define MOST_CHANGED 12 /* sectors of which every choice is looked at; of more it is taken for granted */

/* A copy as it lies on the disk, its end known: the anchor is the last sector. */
struct copy {
	const uint8_t *bytes;
	size_t len;
};

static uint32_t word(const uint8_t *p)
{
	le32 v;

	memcpy(&v, p, sizeof(v));
	return le32_get(v);
}

static uint32_t sum(const uint8_t *p, size_t size)
{
	uint32_t total = 0;

	for (size_t i = 0; i + 4 <= size; i += 4)
		total += word(p + i);
	return total;
}

static const uint8_t *anchor_of(const struct copy *c, uint32_t sector_size)
{
	return c->bytes + c->len - sector_size;
}

/* Bytes that the anchor says the metadata have; 0: no reader would go on. */
static size_t told_size(const uint8_t *anchor)
{
	struct imsm_header h;
	size_t size;

	memcpy(&h, anchor, sizeof(h));
	size = le32_get(h.mpb_size);
	if (memcmp(h.sig, IMSM_SIGNATURE, IMSM_SIGNATURE_LEN) != 0 || size < sizeof(h) || size > IMSM_MPB_MAX)
		return 0;
	return size;
}

/* The n-th sector before the anchor; NULL: it is further away than what is known. */
static const uint8_t *before_anchor(const struct copy *c, size_t n, uint32_t sector_size)
{
	return (n + 1) * sector_size <= c->len ? c->bytes + c->len - (n + 1) * sector_size : NULL;
}

/* Of the choices of differences, none left out, any has that sum; not that of nothing. */
static bool any_choice_sums_to(const uint32_t *differ, unsigned n, uint32_t wanted)
{
	for (unsigned choice = 1; choice < 1u << n; choice++) {
		uint32_t total = 0;

		for (unsigned i = 0; i < n; i++)
			total += choice >> i & 1 ? differ[i] : 0;
		if (total == wanted)
			return true;
	}
	return false;
}

/* With this anchor, beside sectors of either copy. `anchors`: the copy that it belongs to. */
static bool passes_with(const uint8_t *anchor, const struct copy *anchors, const struct copy *other, uint32_t sector_size)
{
	size_t size = told_size(anchor), sectors = (size + sector_size - 1) / sector_size;
	uint32_t differ[MOST_CHANGED], total = sum(anchor, size < sector_size ? size : sector_size);
	unsigned n = 0;

	if (sectors < 2)
		return false; /* nothing but the anchor counts, which is not torn */
	for (size_t k = 1; k < sectors; k++) {
		size_t counted = k + 1 < sectors ? sector_size : size - k * sector_size;
		const uint8_t *own = before_anchor(anchors, sectors - k, sector_size);
		const uint8_t *its = before_anchor(other, sectors - k, sector_size);

		if (!own)
			return true;
		total += sum(own, counted);
		if (!its || memcmp(own, its, counted) == 0)
			continue; /* what lies further away is not written */
		if (n == MOST_CHANGED)
			return true;
		differ[n++] = sum(its, counted) - sum(own, counted);
	}
	/* The right sum of all words, the one that is told among them, is twice the one that is told. */
	return any_choice_sums_to(differ, n, 2 * word(anchor + offsetof(struct imsm_header, check_sum)) - total);
}

bool imsm_may_be_mixed(const void *old, size_t old_len, const void *new, size_t new_len, uint32_t sector_size)
{
	const struct copy before = { old, old_len }, after = { new, new_len };

	if (old_len < new_len)
		return true;
	return passes_with(anchor_of(&after, sector_size), &after, &before, sector_size) ||
	       passes_with(anchor_of(&before, sector_size), &before, &after, sector_size);
}

size_t imsm_told_length(const void *anchor, uint32_t sector_size)
{
	return (told_size(anchor) + sector_size - 1) / sector_size * sector_size;
}

/*
 * It says that nothing belongs to it, and that with a wrong sum. So it does not matter what lies beside it, and nobody takes
 * it for anything else either.
 */
void imsm_close_anchor(const void *anchor, uint32_t sector_size, void *out)
{
	struct imsm_header h;

	memcpy(out, anchor, sector_size);
	memcpy(&h, out, sizeof(h));
	h.mpb_size = le32_make(sector_size);
	memcpy(out, &h, sizeof(h));
	h.check_sum = le32_make(imsm_checksum(out, sector_size) + 1);
	memcpy(out, &h, sizeof(h));
}

bool imsm_is_closed(const void *anchor, uint32_t sector_size)
{
	struct imsm_header h;

	memcpy(&h, anchor, sizeof(h));
	return told_size(anchor) == sector_size && le32_get(h.check_sum) == imsm_checksum(anchor, sector_size) + 1;
}
