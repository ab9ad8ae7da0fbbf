/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See ctl/other-formats.h. Only signatures are looked at: whoever has given the wrong device, or one of another maker's RAID, is to
 * learn which it is. The places are those at which each format's own programs look.
 */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "ctl/other-formats.h"
#include "metadata/disk.h"

#define BLOCK 4096u /* a multiple of all sector sizes */
#define SIGNATURE_MAX 24

static const struct other {
	const char *name;
	bool from_end;
	uint64_t at; /* bytes, from the start or from the end */
	size_t len;
	const char *signature;
} others[] = {
	{ "metadata of Linux md (version 1.2)", false, 4096, 4, "\xfc\x4e\x2b\xa9" },
	{ "metadata of Linux md (version 1.1)", false, 0, 4, "\xfc\x4e\x2b\xa9" },
	{ "an Adaptec HostRAID signature", true, 512, 4, "DPTM" },
	{ "a JMicron RAID signature", true, 512, 2, "JM" },
	{ "an NVIDIA RAID signature", true, 1024, 8, "NVIDIA  " },
	{ "a Promise FastTrak signature", true, 63 * 512, 24, "Promise Technology, Inc." },
	{ "a Highpoint RAID signature", false, 9 * 512 + 32, 4, "\xf0\x16\x78\x5a" },
	{ "a LUKS header", false, 0, 6, "LUKS\xba\xbe" },
	{ "an LVM physical volume", false, 512, 8, "LABELONE" },
	{ "a GPT partition table", false, 512, 8, "EFI PART" },
};

static bool has_bytes(const struct disk *d, uint64_t at, const char *bytes, size_t len)
{
	_Alignas(DISK_ALIGN) uint8_t block[2 * BLOCK];
	uint64_t start = at / BLOCK * BLOCK;
	size_t have;

	if (at > d->size || d->size - at < len)
		return false;
	have = d->size - start < sizeof(block) ? (size_t)(d->size - start) : sizeof(block);
	if (disk_read(d, block, have, start) != 0)
		return false;
	return memcmp(block + (at - start), bytes, len) == 0;
}

const char *other_format(const struct disk *d)
{
	static const char md[] = "\xfc\x4e\x2b\xa9";

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		const struct other *o = &others[i];

		if ((!o->from_end || d->size >= o->at) &&
		    has_bytes(d, o->from_end ? d->size - o->at : o->at, o->signature, o->len))
			return o->name;
	}
	/* Where these two have theirs depends on the size. */
	if (d->size >= 128 * 1024 && has_bytes(d, d->size / 65536 * 65536 - 65536, md, 4))
		return "metadata of Linux md (version 0.90)";
	if (d->size >= 16 * 1024 && has_bytes(d, (d->size / 512 - 16) / 8 * 8 * 512, md, 4))
		return "metadata of Linux md (version 1.0)";
	return NULL;
}
