/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What `mdmonctl examine` may find on disks. The first byte of an input is the format. IMSM: the second byte says how the first disk
 * is spoilt, the other bytes are its metadata, with the right signature, size and checksum; the second disk has the same but for the
 * last bytes of them, the third has them as they are. DDF: as tests/fuzz/ddf-disks.h has it. Whatever is there is told as JSON and as
 * text, nothing is written, and nothing in it steers a terminal.
 */
#include <stdint.h>

static const uint8_t *disk_bytes(int fd);
#define DISK_BYTES(fd) disk_bytes(fd)

#include "tests/fuzz/ddf-disks.h"

#include <jansson.h>

#include "ctl/examine-view.h"
#include "ctl/examine.h"
#include "imsm/imsm.h"

#define IMSM_IMAGE (18 * 4096u)
#define TAIL 8 /* bytes in which the second disk differs */

enum { LARGE_SECTORS = 1, WRONG_SUM = 2, CLOSED = 4, NEWER = 8, ONE_DISK = 16, CUT = 32 };

static uint8_t imsm[DISKS][IMSM_IMAGE], mpb[IMSM_MPB_MAX], lying[IMSM_MPB_MAX];
static bool is_imsm;
static uint64_t imsm_size;

static const uint8_t *disk_bytes(int fd)
{
	return fd < DISKS ? image[fd] : imsm[fd - DISKS];
}

/* ---- disks by name: "0", "1" and "2" ---- */

struct disk *disk_open_to_look(const char *path)
{
	struct disk *d = calloc(1, sizeof(*d));

	MUST(d && path[0] >= '0' && path[0] < '0' + DISKS);
	d->fd = path[0] - '0' + (is_imsm ? DISKS : 0);
	snprintf(d->name, sizeof(d->name), "%s", path);
	d->size = is_imsm ? imsm_size : sizeof(image[0]);
	d->sector_size = 512;
	return d;
}

int disk_write(const struct disk *d, const void *buf, size_t len, uint64_t offset)
{
	(void)d;
	(void)buf;
	(void)len;
	(void)offset;
	abort();
}

/* ---- IMSM ---- */

static size_t dress_up(const uint8_t *data, size_t size, unsigned how)
{
	struct imsm_header *h = (struct imsm_header *)(void *)mpb;
	size_t len = size & ~(size_t)3;

	memset(mpb, 0, sizeof(mpb));
	memcpy(mpb, data, size);
	if (len < IMSM_HEADER_SIZE)
		len = IMSM_HEADER_SIZE;
	memcpy(h->sig, IMSM_SIGNATURE, IMSM_SIGNATURE_LEN);
	if (how & NEWER)
		imsm_pass_generations(h, 1);
	h->mpb_size = le32_make((uint32_t)len);
	h->check_sum = le32_make(imsm_checksum(mpb, len) + (how & WRONG_SUM ? 1 : 0));
	return len;
}

static void put_mpb(unsigned disk, size_t len, uint32_t sector_size, bool closed)
{
	size_t whole = (len + sector_size - 1) / sector_size * sector_size;

	if (closed)
		imsm_close_anchor(mpb, sector_size, mpb);
	imsm_disk_order(mpb, whole, sector_size, lying);
	memcpy(imsm[disk] + IMSM_IMAGE - sector_size - whole, lying, whole);
}

static void make_imsm(const uint8_t *data, size_t size)
{
	const unsigned how = size ? data[0] : 0;
	const uint32_t sector_size = how & LARGE_SECTORS ? 4096 : 512;
	size_t len = size ? size - 1 : 0, same = len > TAIL ? len - TAIL : 0;

	memset(imsm, 0, sizeof(imsm));
	data += size ? 1 : 0;
	put_mpb(0, dress_up(data, len, how), sector_size, how & CLOSED);
	put_mpb(1, dress_up(data, same, 0), sector_size, false);
	memcpy(imsm[2] + IMSM_IMAGE - sector_size - len, data, len);
	/* A migration record. */
	memcpy(imsm[0] + IMSM_IMAGE - sector_size, data, len < 128 ? len : 128);
	imsm_size = how & CUT ? IMSM_IMAGE - 512 : IMSM_IMAGE;
}

/* ---- what comes out ---- */

static void check_text(const json_t *set, const json_t *devices, unsigned width)
{
	const struct view_options opt = { .width = width };
	char *text = examine_view(set, devices, &opt);
	unsigned column = 0;

	MUST(text);
	for (const char *s = text; *s; s++) {
		MUST(*s == '\n' || (*s >= ' ' && *s < 0x7f));
		column = *s == '\n' ? 0 : column + 1;
		MUST(column <= width);
	}
	free(text);
}

static void check_set(const json_t *set, const json_t *devices)
{
	const json_t *copy;
	size_t i;

	MUST(json_is_array(json_object_get(set, "problems")) && json_is_array(json_object_get(set, "differs")));
	MUST(json_is_object(json_object_get(set, "choice")));
	json_array_foreach (json_object_get(set, "copies"), i, copy) {
		bool right = strcmp(json_string_value(json_object_get(copy, "status")), "right") == 0;

		MUST(right == json_is_null(json_object_get(copy, "fault")));
		MUST(right || json_array_size(json_object_get(set, "problems")) > 0);
	}
	check_text(set, devices, 20);
	check_text(set, devices, 100);
}

static void check(const json_t *object)
{
	const json_t *devices = json_object_get(object, "devices"), *set, *device;
	bool healthy = true;
	size_t i;

	json_array_foreach (devices, i, device)
		healthy &= json_is_null(json_object_get(device, "problem"));
	json_array_foreach (json_object_get(object, "sets"), i, set) {
		check_set(set, devices);
		healthy &= json_array_size(json_object_get(set, "problems")) + json_array_size(json_object_get(set, "differs")) == 0;
	}
	MUST(healthy == json_is_true(json_object_get(object, "healthy")));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[DISKS] = { "0", "1", "2" };
	static const struct ctl_paths nowhere = { "/nowhere", "/nowhere", "/nowhere", "/nowhere" };
	size_t count = DISKS;
	json_t *object;
	char *text;

	if (size < 2 || size > 8192)
		return 0;
	is_imsm = data[0] & 1;
	if (is_imsm)
		make_imsm(data + 1, size - 1);
	else
		make_disks(data + 1, size - 1);
	if (is_imsm && data[1] & ONE_DISK)
		count = 1;
	object = examine_devices(&nowhere, names, count);
	MUST(object);
	check(object);
	text = json_dumps(object, JSON_ENSURE_ASCII);
	MUST(text);
	free(text);
	json_decref(object);
	return 0;
}
