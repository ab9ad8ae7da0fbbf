/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading one disk's copy of the metadata, its anchor and what lies before that (imsm.md 1). Start-up and manager. */
#include "imsm/imsm.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#define READ_TRIES 4
#define READ_RETRY_MS 3

/* Reads the MPB in its logical order. *buf is allocated, *len bytes. 0 or -errno; *why as in imsm_decode. */
static int read_mpb(const struct disk *disk, uint8_t **buf, size_t *len, const char **why)
{
	uint32_t sector_size = disk->sector_size, size, sectors;
	uint64_t anchor = imsm_anchor_offset(disk->size, sector_size);
	uint64_t extended;
	int err;

	*why = "its size and sector size leave no place for metadata";
	if (!anchor)
		return -EINVAL;
	*buf = malloc(IMSM_MPB_MAX);
	*why = "out of memory";
	if (!*buf)
		return -ENOMEM;
	*why = "its last sectors cannot be read";
	err = disk_read(disk, *buf, sector_size, anchor);
	if (err)
		return err;
	err = imsm_probe_anchor(*buf, sector_size, &size, &sectors);
	*why = err == -EINVAL ? "no IMSM signature" : "mpb_size is out of range";
	if (err)
		return err;
	*len = (size_t)sectors * sector_size;
	extended = *len - sector_size;
	*why = "mpb_size is more than the disk holds";
	if (extended > anchor)
		return -EBADMSG;
	*why = "the metadata cannot be read completely";
	return extended ? disk_read(disk, *buf + sector_size, extended, anchor - extended) : 0;
}

static const char not_complete[] = "it was not written completely";

static int read_meta(const struct disk *disk, struct imsm_meta *m, const char **why)
{
	uint8_t *buf = NULL;
	size_t len;
	int err = read_mpb(disk, &buf, &len, why);

	if (!err)
		err = imsm_decode(buf, len, disk->sector_size, m, why);
	if (err == -EBADMSG && imsm_is_closed(buf, disk->sector_size)) {
		memcpy(&m->header, buf, sizeof(m->header));
		*why = not_complete;
	}
	free(buf);
	return err;
}

/* Another mdmon or mdadm may be writing just now: what was read half old, half new is read again. */
static int read_meta_retry(const struct disk *disk, struct imsm_meta *m, const char **why)
{
	int err = read_meta(disk, m, why);

	for (int i = 1; i < READ_TRIES && err == -EBADMSG; i++) {
		poll(NULL, 0, READ_RETRY_MS);
		err = read_meta(disk, m, why);
	}
	return err;
}

bool imsm_find_own_serial(struct imsm_candidate *cand)
{
	const struct disk *disk = cand->disk;
	uint8_t serial[IMSM_SERIAL_LEN];
	bool found = false;

	for (unsigned i = 0; i < disk->serial_count && cand->own_index < 0; i++) {
		if (!imsm_normalise_serial(disk->serial[i].bytes, disk->serial[i].len, serial))
			continue;
		if (cand->meta)
			cand->own_index = imsm_serial_in_table(cand->meta, serial);
		if (!found || cand->own_index >= 0)
			memcpy(cand->serial, serial, sizeof(serial));
		found = true;
	}
	return found;
}

static void forget_meta(struct imsm_candidate *cand)
{
	free(cand->meta);
	cand->meta = NULL;
}

void imsm_read_copy(struct disk *disk, struct imsm_candidate *cand)
{
	int err;

	*cand = (struct imsm_candidate){
		.disk = disk,
		.own_index = -1,
		.sector_size = disk->sector_size,
		.why = "out of memory",
	};
	cand->meta = malloc(sizeof(*cand->meta));
	err = cand->meta ? read_meta_retry(disk, cand->meta, &cand->why) : -ENOMEM;
	cand->closed = err == -EBADMSG && cand->why == not_complete;
	if (cand->closed)
		cand->family = le32_get(cand->meta->header.family_num);
	if (err)
		forget_meta(cand);
	if (err != -EINVAL && err != -EBADMSG) /* that is what is wrong with what was read */
		cand->error = err;
}

void imsm_read_candidate(struct disk *disk, struct imsm_candidate *cand)
{
	imsm_read_copy(disk, cand);
	if (!imsm_find_own_serial(cand) && cand->meta) {
		cand->why = "it has no serial number";
		cand->own_index = -1;
		forget_meta(cand);
	}
}
