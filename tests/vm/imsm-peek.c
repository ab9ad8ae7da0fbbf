// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Shows what IMSM metadata one disk really holds; usage: see peek.h. A decoder
 * of its own, on purpose: it shares nothing with the daemon whose work it judges.
 */
#define _GNU_SOURCE
#include <linux/fs.h>
#include <sys/ioctl.h>

#include "peek.h"

#define MAX_MPB 65536

static uint32_t u32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint64_t u64(const uint8_t *lo, const uint8_t *hi)
{
	return u32(lo) | (uint64_t)u32(hi) << 32;
}

/* 16 bytes of text that need not end with NUL; anything odd becomes '?'. */
static const char *text16(const uint8_t *p)
{
	static char out[17];
	int i;

	for (i = 0; i < 16 && p[i]; i++)
		out[i] = p[i] > 0x20 && p[i] < 0x7f ? (char)p[i] : '?';
	out[i] = '\0';
	return out;
}

static uint32_t checksum(const uint8_t *mpb, uint32_t size)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i + 4 <= size; i += 4)
		sum += u32(mpb + i);
	return sum - u32(mpb + 0x20);
}

static const char *name_of(const char *const *names, unsigned int n, unsigned int value)
{
	static char number[16];

	if (value < n)
		return names[value];
	snprintf(number, sizeof(number), "%u", value);
	return number;
}

static unsigned int effective_level(unsigned int level, unsigned int members)
{
	return level == 1 && members != 2 ? 10 : level;
}

/* Returns the size of the map, 0 if it runs over the end. */
static uint32_t show_map(const char *prefix, const uint8_t *map, const uint8_t *end)
{
	static const char *const states[] = { "NORMAL", "UNINITIALIZED", "DEGRADED", "FAILED" };
	char key[48], ords[128] = "";

	if (end - map < 48 || end - map < 48 + 4 * map[16])
		return 0;
#define SAY(field, ...) (snprintf(key, sizeof(key), "%s." field, prefix), say(key, __VA_ARGS__))
	SAY("state", "%s", name_of(states, 4, map[14]));
	SAY("level", "%u", effective_level(map[15], map[16]));
	SAY("stored_level", "%u", map[15]);
	SAY("members", "%u", map[16]);
	SAY("domains", "%u", map[17]);
	SAY("failed", "%u", map[18]);
	SAY("pba", "%llu", (unsigned long long)u64(map, map + 20));
	SAY("blocks", "%llu", (unsigned long long)u64(map + 4, map + 24));
	SAY("stripes", "%llu", (unsigned long long)u64(map + 8, map + 28));
	SAY("strip", "%u", map[12] | map[13] << 8);
	for (unsigned int i = 0; i < map[16]; i++) {
		uint32_t ord = u32(map + 48 + 4 * i);
		size_t used = strlen(ords);

		snprintf(ords + used, sizeof(ords) - used, "%s%u%s", i ? "," : "", ord & 0xFFFFFF,
			 ord >> 24 == 0 ? "" : ord >> 24 == 1 ? "R" : "?");
	}
	SAY("ords", "%s", ords);
	return 48u + 4u * map[16];
}

static const char *migr_name(const uint8_t *dev)
{
	static const char *const types[] = { "INIT", "REBUILD", "VERIFY", "GEN_MIGR", "STATE_CHANGE", "REPAIR" };

	if (dev[89] == 2 && u32(dev + 24) & 0x80)
		return "REPAIR";
	return name_of(types, 6, dev[89]);
}

/* Returns the size of the volume, 0 if it runs over the end. */
static uint32_t show_volume(unsigned int index, const uint8_t *dev, const uint8_t *end)
{
	char prefix[16], map[24], key[48];
	uint32_t size = 112, map_size;

	if (end - dev < 112)
		return 0;
	snprintf(prefix, sizeof(prefix), "vol%u", index);
	SAY("name", "%s", text16(dev));
	SAY("size", "%llu", (unsigned long long)u64(dev + 16, dev + 20));
	SAY("status", "0x%x", u32(dev + 24));
	SAY("number", "%u", dev[40] | dev[41] << 8);
	SAY("rwh_policy", "%u", dev[50]);
	SAY("curr_migr_unit", "%llu", (unsigned long long)u64(dev + 80, dev + 96));
	SAY("migr_state", "%u", dev[88]);
	SAY("migr_type", "%s", dev[88] ? migr_name(dev) : "none");
	SAY("dirty", "%u", dev[90]);
	for (unsigned int m = 0; m < (dev[88] ? 2u : 1u); m++) {
		snprintf(map, sizeof(map), "vol%u.map%u", index, m);
		map_size = show_map(map, dev + size, end);
		if (!map_size)
			return 0;
		size += map_size;
	}
	return size;
}

/* As "DISK:SECTOR+LENGTH", in sectors of the disk. */
static const char *show_bad_blocks(const uint8_t *log, uint32_t size)
{
	uint32_t count = size ? u32(log + 4) : 0;
	char key[16];

	if (size && (size < 8 || u32(log) != 0xABADB10C || count > 254 || size != 8 + 8 * count))
		return "bad block log without a signature or with a wrong size";
	say("bad_count", "%u", count);
	for (uint32_t i = 0; i < count; i++) {
		const uint8_t *e = log + 8 + 8 * i;

		snprintf(key, sizeof(key), "bad%u", i);
		say(key, "%u:%llu+%u", e[1], (unsigned long long)(e[2] | e[3] << 8 | (uint64_t)u32(e + 4) << 16),
		    e[0] + 1u);
	}
	return NULL;
}

static const char *show_mpb(const uint8_t *mpb, uint32_t size)
{
	const uint8_t *end = mpb + size - u32(mpb + 0x48);
	const uint8_t *p = mpb + 216;
	char prefix[16], key[48];

	say("version", "%.7s", (const char *)mpb + 24);
	say("checksum", "%s", checksum(mpb, size) == u32(mpb + 0x20) ? "ok" : "bad");
	say("mpb_size", "%u", size);
	say("family", "0x%08x", u32(mpb + 0x28));
	say("generation", "%u", u32(mpb + 0x2C));
	say("attributes", "0x%08x", u32(mpb + 0x34));
	say("orig_family", "0x%08x", u32(mpb + 0x40));
	say("bbm_log_size", "%u", u32(mpb + 0x48));
	say("num_disks", "%u", mpb[0x38]);
	say("num_volumes", "%u", mpb[0x39]);
	say("volumes_created", "%u", mpb[0x4C] | mpb[0x4D] << 8);
	if (u32(mpb + 0x48) > size - 216)
		return "bad block log larger than the metadata";
	for (unsigned int i = 0; i < mpb[0x38]; i++, p += 48) {
		if (end - p < 48)
			return "disk table runs over the end";
		snprintf(prefix, sizeof(prefix), "disk%u", i);
		SAY("serial", "%s", text16(p));
		SAY("status", "0x%x", u32(p + 24));
		SAY("scsi_id", "0x%x", u32(p + 20));
		SAY("blocks", "%llu", (unsigned long long)u64(p + 16, p + 32));
	}
	for (unsigned int i = 0; i < mpb[0x39]; i++) {
		uint32_t used = show_volume(i, p, end);

		if (!used)
			return "volume runs over the end";
		p += used;
	}
	return show_bad_blocks(end, u32(mpb + 0x48));
}

/* The record of mdadm about a reshape, in the last sector of a disk; nothing if it is empty. */
static void show_migration(int fd, uint64_t size, int sector)
{
	static uint8_t record[4096] __attribute__((aligned(4096)));

	if (pread(fd, record, (size_t)sector, (off_t)(size - (uint64_t)sector)) != sector || !u32(record + 8))
		return;
	say("migration.status", "%u", u32(record));
	say("migration.unit", "%llu", (unsigned long long)u64(record + 4, record + 48));
	say("migration.units", "%llu", (unsigned long long)u64(record + 32, record + 60));
}

/* NULL if all is well, else the reason. */
static const char *show_disk(int fd)
{
	static uint8_t mpb[MAX_MPB] __attribute__((aligned(4096)));
	uint64_t size = (uint64_t)lseek(fd, 0, SEEK_END);
	int sector;

	if (ioctl(fd, BLKSSZGET, &sector))
		sector = 512; /* an image in a file */
	if (pread(fd, mpb, (size_t)sector, (off_t)(size - 2 * (uint64_t)sector)) != sector)
		return "cannot read the anchor";
	if (memcmp(mpb, "Intel Raid ISM Cfg Sig. ", 24))
		return "no signature";

	uint32_t mpb_size = u32(mpb + 0x24);
	uint32_t sectors = (mpb_size + (uint32_t)sector - 1) / (uint32_t)sector;

	if (mpb_size < 216 || mpb_size > MAX_MPB)
		return "impossible size";

	ssize_t rest = (ssize_t)(sectors - 1) * sector;

	if (rest && pread(fd, mpb + sector, (size_t)rest, (off_t)(size - (uint64_t)(sectors + 1) * (uint64_t)sector)) != rest)
		return "cannot read the extended part";

	const char *reason = show_mpb(mpb, mpb_size);

	if (!reason && checksum(mpb, mpb_size) != u32(mpb + 0x20))
		reason = "checksum";
	if (!reason)
		show_migration(fd, size, sector);
	return reason;
}

int main(int argc, char **argv)
{
	return peek_main(argc, argv);
}
