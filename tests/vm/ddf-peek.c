// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Shows what DDF metadata one disk really holds; usage: see peek.h. A decoder
 * of its own, on purpose: it shares nothing with the daemon whose work it judges.
 *
 * Of each copy ("primary", "secondary"): .header=ok|missing|WHY, .seq, .open,
 * .bad=none or the structures whose CRC is wrong. Then "whole=yes" if both are
 * closed, have the same sequence number and contents, and all CRCs are right;
 * and what is in the copy that mdadm would read (copy=...):
 *
 *   self=REFNUM			the disk itself
 *   pd.REFNUM.state, .type, .index	physical disks
 *   vdI.name, .state, .dirty, .init	virtual disk I; state: see vd_states
 *   vdI.elements=REFNUM,...		from this disk's record of it; "hole": never filled, "lost": found missing
 *   vdI.starts, .slot (this disk's place in it), .bvd, .vdc_seq, .primary, .secondary, ...
 *   spare.type, spare.for, spare.sum	the spare assignment record
 *   global=...				a sum of all that must be the same on all disks
 */
#define _GNU_SOURCE
#include <stdbool.h>

#include "peek.h"

#define MAX_COPY (8192 * 512)

enum { CONTROLLER, PDS, VDS, CONFIG, DISK_DATA, SECTIONS };

struct copy {
	uint8_t *bytes; /* relative to the header */
	uint32_t size, seq;
	bool usable, open;
	char bad[256];
};

static struct copy copies[2];
static const char *const copy_names[] = { "primary", "secondary" };

static uint16_t b16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t b32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint64_t b64(const uint8_t *p)
{
	return (uint64_t)b32(p) << 32 | b32(p + 4);
}

/* Reflected CRC-32 that starts with 0 and is not inverted at the end. */
static uint32_t crc_add(uint32_t crc, const uint8_t *p, size_t len)
{
	while (len--) {
		crc ^= *p++;
		for (int i = 0; i < 8; i++)
			crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320 : 0);
	}
	return crc;
}

/* Of a structure: its own field counts as all ones. */
static bool crc_ok(const uint8_t *p, size_t len)
{
	static const uint8_t ones[4] = { 0xFF, 0xFF, 0xFF, 0xFF };

	return crc_add(crc_add(crc_add(0, p, 4), ones, 4), p + 8, len - 8) == b32(p + 4);
}

static bool all_ones(const uint8_t *p, size_t len)
{
	while (len && *p == 0xFF)
		p++, len--;
	return !len;
}

static const uint8_t *section(const struct copy *c, int which, uint32_t *len)
{
	const uint8_t *entry = c->bytes + 192 + 8 * which;
	uint64_t start = (uint64_t)b32(entry) * 512, size = (uint64_t)b32(entry + 4) * 512;

	*len = (uint32_t)size;
	return size && start + size <= c->size ? c->bytes + start : NULL;
}

static const char *header_fault(const uint8_t *h, const uint8_t *anchor, int type)
{
	if (b32(h) != 0xDE11DE11)
		return "missing";
	if (!crc_ok(h, 512))
		return "crc";
	if (h[112] != type)
		return "type";
	if (memcmp(h + 8, anchor + 8, 32) || memcmp(h + 96, anchor + 96, 16) || memcmp(h + 113, anchor + 113, 399))
		return "differs from the anchor";
	return NULL;
}

static void mark_bad(struct copy *c, const char *what, int index)
{
	size_t used = strlen(c->bad);

	if (index < 0)
		snprintf(c->bad + used, sizeof(c->bad) - used, "%s%s", used ? "," : "", what);
	else
		snprintf(c->bad + used, sizeof(c->bad) - used, "%s%s%d", used ? "," : "", what, index);
}

static void check_sections(struct copy *c)
{
	static const uint32_t magics[] = { 0xAD111111, 0x22222222, 0xDDDDDDDD, 0, 0x33333333 };
	static const char *const names[] = { "controller", "pds", "vds", "config", "disk" };
	uint32_t len, record = b16(c->bytes + 134) * 512u;

	for (int s = 0; s < SECTIONS; s++) {
		const uint8_t *p = section(c, s, &len);

		if (!p)
			mark_bad(c, names[s], -1);
		else if (s != CONFIG && (b32(p) != magics[s] || !crc_ok(p, len)))
			mark_bad(c, names[s], -1);
		for (uint32_t i = 0; p && s == CONFIG && record && (i + 1) * record <= len; i++)
			if (!all_ones(p + i * record, 4) && !crc_ok(p + i * record, record))
				mark_bad(c, "record", (int)i);
	}
}

/* The size of a copy: up to the end of its last section */
static uint32_t copy_size(const uint8_t *header)
{
	uint64_t end = 512;

	for (int s = 0; s < SECTIONS; s++) {
		uint64_t e = ((uint64_t)b32(header + 192 + 8 * s) + b32(header + 196 + 8 * s)) * 512;

		if (e > end)
			end = e;
	}
	return end > MAX_COPY ? 512 : (uint32_t)end;
}

static void load_copy(int fd, int i, const uint8_t *anchor)
{
	struct copy *c = &copies[i];
	uint64_t lba = b64(anchor + 96 + 8 * i);
	const char *fault = "unreadable";
	char key[48];

	free(c->bytes);
	memset(c, 0, sizeof(*c));
	c->size = copy_size(anchor);
	if (posix_memalign((void **)&c->bytes, 4096, c->size))
		exit(2);
	memset(c->bytes, 0, c->size);
	if (pread(fd, c->bytes, c->size, (off_t)(lba * 512)) == (ssize_t)c->size)
		fault = header_fault(c->bytes, anchor, i + 1);
	snprintf(key, sizeof(key), "%s.header", copy_names[i]);
	say(key, "%s", fault ? fault : "ok");
	if (fault)
		return;
	c->usable = true;
	c->seq = b32(c->bytes + 40);
	c->open = c->bytes[48] != 0;
	check_sections(c);
#define SAY_COPY(field, ...) (snprintf(key, sizeof(key), "%s." field, copy_names[i]), say(key, __VA_ARGS__))
	SAY_COPY("lba", "%llu", (unsigned long long)lba);
	SAY_COPY("seq", "%u", c->seq);
	SAY_COPY("open", "%d", c->open);
	SAY_COPY("bad", "%s", c->bad[0] ? c->bad : "none");
}

/* The copy that mdadm reads */
static const struct copy *active_copy(void)
{
	const struct copy *p = &copies[0], *s = &copies[1];

	if (!p->usable || !s->usable)
		return p->usable ? p : s->usable ? s : NULL;
	if (!s->open && (p->seq < s->seq || (p->seq == s->seq && p->open)))
		return s;
	return p;
}

static void show_whole(void)
{
	const struct copy *p = &copies[0], *s = &copies[1];
	const char *why = NULL;

	if (!p->usable || !s->usable)
		why = "a header is bad";
	else if (p->open || s->open)
		why = "open";
	else if (p->seq != s->seq)
		why = "sequence numbers differ";
	else if (p->bad[0] || s->bad[0])
		why = "bad crc";
	else if (memcmp(p->bytes + 512, s->bytes + 512, p->size - 512))
		why = "contents differ";
	say("whole", "%s", why ? why : "yes");
}

static void show_disks(const struct copy *c)
{
	uint32_t len;
	const uint8_t *pds = section(c, PDS, &len), *e;
	unsigned int used = 0;
	char key[48];

	if (!pds)
		return;
	say("pds", "%u", b16(pds + 8));
	for (unsigned int i = 0; 64 + 64 * (i + 1) <= len; i++) {
		e = pds + 64 + 64 * i;
		if (all_ones(e, 64))
			continue;
		used++;
#define SAY_PD(field, ...) (snprintf(key, sizeof(key), "pd.%08x." field, b32(e + 24)), say(key, __VA_ARGS__))
		SAY_PD("index", "%u", i);
		SAY_PD("type", "0x%02x", b16(e + 28));
		SAY_PD("state", "0x%02x", b16(e + 30));
		SAY_PD("size", "%llu", (unsigned long long)b64(e + 32));
	}
	say("pds_found", "%u", used);
}

static void list_elements(const uint8_t *record, unsigned int mppe, unsigned int count, char *refs, char *starts, size_t size)
{
	refs[0] = starts[0] = '\0';
	for (unsigned int i = 0; i < count && i < mppe; i++) {
		uint32_t ref = b32(record + 512 + 4 * i);
		size_t r = strlen(refs), s = strlen(starts);

		if (ref == 0 || ref == 0xFFFFFFFF)
			snprintf(refs + r, size - r, "%s%s", i ? "," : "", ref ? "hole" : "lost");
		else
			snprintf(refs + r, size - r, "%s%08x", i ? "," : "", ref);
		snprintf(starts + s, size - s, "%s%llu", i ? "," : "",
			 (unsigned long long)b64(record + 512 + 4 * mppe + 8 * i));
	}
}

/* What this disk's record says of virtual disk I */
static void show_record(const struct copy *c, unsigned int vd, const uint8_t *r, uint32_t self)
{
	static const char *const names[] = { "raid0", "raid1", "2", "raid3", "raid4", "raid5", "raid6" };
	unsigned int mppe = b16(c->bytes + 136), count = b16(r + 64);
	char refs[256], starts[256], key[48];
	int slot = -1;

#define SAY_VD(field, ...) (snprintf(key, sizeof(key), "vd%u." field, vd), say(key, __VA_ARGS__))
	if (512 + 12 * mppe > b16(c->bytes + 134) * 512u) {
		SAY_VD("record", "too small");
		return;
	}
	list_elements(r, mppe, count, refs, starts, sizeof(refs));
	for (unsigned int i = 0; i < count && i < mppe; i++)
		if (b32(r + 512 + 4 * i) == self)
			slot = (int)i;
	SAY_VD("vdc_seq", "%u", b32(r + 36));
	SAY_VD("elements", "%s", refs);
	SAY_VD("starts", "%s", starts);
	SAY_VD("slot", "%d", slot < 0 ? slot : slot + (r[69] > 1 ? r[70] * (int)count : 0));
	SAY_VD("count", "%u", count);
	if (r[67] < 7)
		SAY_VD("primary", "%s", names[r[67]]);
	else
		SAY_VD("primary", "0x%02x", r[67]);
	SAY_VD("qualifier", "%u", r[68]);
	SAY_VD("secondary", "%u", r[69]);
	SAY_VD("bvd", "%u", r[70]);
	SAY_VD("strip", "%u", r[66]);
	SAY_VD("blocks", "%llu", (unsigned long long)b64(r + 72));
	SAY_VD("size", "%llu", (unsigned long long)b64(r + 80));
}

static void show_volume(const struct copy *c, unsigned int vd, const uint8_t *e, uint32_t self)
{
	static const char *const vd_states[] = { "OPTIMAL", "DEGRADED", "DELETED", "MISSING", "FAILED", "PARTIAL", "6", "7" };
	uint32_t len, record = b16(c->bytes + 134) * 512u;
	const uint8_t *config = section(c, CONFIG, &len);
	unsigned int records = 0;
	char key[48], guid[49];

	guid[0] = '\0';
	for (int i = 0; i < 24; i++)
		snprintf(guid + 2 * i, 3, "%02x", e[i]);
	SAY_VD("guid", "%s", guid);
	SAY_VD("name", "%.*s", (int)strcspn((const char *)e + 48, " ") < 16 ? (int)strcspn((const char *)e + 48, " ") : 16,
	       (const char *)e + 48);
	SAY_VD("unit", "%u", b16(e + 24));
	SAY_VD("state", "%s", vd_states[e[32] & 7]);
	SAY_VD("dirty", "%d", e[32] >> 4 & 1);
	SAY_VD("flags", "0x%02x", e[32] & ~0x17);
	SAY_VD("init", "%d", e[33] & 3);
	for (uint32_t i = 0; config && record && (i + 1) * record <= len; i++) {
		const uint8_t *r = config + i * record;

		if (b32(r) == 0xEEEEEEEE && crc_ok(r, record) && !memcmp(r + 8, e, 24) && !records++)
			show_record(c, vd, r, self);
	}
	SAY_VD("records", "%u", records);
}

/* The index of the virtual disk with this GUID; -1: none */
static int volume_of(const uint8_t *vds, uint32_t len, const uint8_t *guid)
{
	for (unsigned int i = 0; vds && 64 + 64 * (i + 1) <= len; i++)
		if (!memcmp(vds + 64 + 64 * i, guid, 24))
			return (int)i;
	return -1;
}

/* Records that are no virtual disk's of the table: spares, strangers, left-overs */
static void show_other_records(const struct copy *c)
{
	uint32_t len, vds_len, record = b16(c->bytes + 134) * 512u;
	const uint8_t *config = section(c, CONFIG, &len), *vds = section(c, VDS, &vds_len);
	unsigned int orphans = 0, vendors = 0;
	char list[256];

	for (uint32_t i = 0; config && record && (i + 1) * record <= len; i++) {
		const uint8_t *r = config + i * record;

		if (b32(r) == 0xEEEEEEEE)
			orphans += volume_of(vds, vds_len, r + 8) < 0;
		if (b32(r) == 0x88888888)
			vendors++;
		if (b32(r) != 0x55555555)
			continue;
		list[0] = '\0';
		for (unsigned int k = 0; k < b16(r + 20) && 64 + 32 * k <= record; k++) {
			size_t used = strlen(list);

			snprintf(list + used, sizeof(list) - used, "%s%d", k ? "," : "", volume_of(vds, vds_len, r + 32 + 32 * k));
		}
		say("spare.type", "0x%02x", r[19]);
		say("spare.for", "%s", list);
		say("spare.record", "%u", i);
		say("spare.sum", "%08x", crc_add(0, r + 8, record - 8));
	}
	say("orphans", "%u", orphans);
	say("vendor_records", "%u", vendors);
}

/* The sequence number, and the CRCs as computed over both tables and the controller's data */
static void show_global(const struct copy *c)
{
	uint32_t sums[3] = { 0, 0, 0 }, len;

	for (int s = CONTROLLER; s <= VDS; s++) {
		const uint8_t *p = section(c, s, &len);

		if (p)
			sums[s] = crc_add(0, p + 8, len - 8);
	}
	say("global", "%u:%08x:%08x:%08x", c->seq, sums[0], sums[1], sums[2]);
}

static void show_copy(const struct copy *c)
{
	uint32_t len, self = 0xFFFFFFFF;
	const uint8_t *data = section(c, DISK_DATA, &len), *vds;

	if (data)
		self = b32(data + 32);
	say("copy", "%s", copy_names[c - copies]);
	say("seq", "%u", c->seq);
	say("self", "%08x", self);
	show_disks(c);
	vds = section(c, VDS, &len);
	if (vds)
		say("vds", "%u", b16(vds + 8));
	for (unsigned int i = 0; vds && 64 + 64 * (i + 1) <= len; i++)
		if (!all_ones(vds + 64 + 64 * i, 24))
			show_volume(c, i, vds + 64 + 64 * i, self);
	show_other_records(c);
	show_global(c);
}

static const char *show_disk(int fd)
{
	static uint8_t anchor[512] __attribute__((aligned(4096)));
	off_t size = lseek(fd, 0, SEEK_END);
	const struct copy *c;

	if (pread(fd, anchor, 512, size - 512) != 512)
		return "cannot read the anchor";
	if (b32(anchor) != 0xDE11DE11)
		return "no signature";
	if (!crc_ok(anchor, 512))
		return "checksum of the anchor";
	if (anchor[112] != 0 || anchor[48] != 0xFF || b32(anchor + 40) != 0xFFFFFFFF)
		return "the anchor is no anchor";
	for (int i = 0; i < 2; i++)
		load_copy(fd, i, anchor);
	c = active_copy();
	if (!c)
		return "no usable copy";
	say("guid", "%08x%08x%08x", b32(anchor + 8), b32(anchor + 24), b32(anchor + 28));
	show_whole();
	show_copy(c);
	return NULL;
}

int main(int argc, char **argv)
{
	return peek_main(argc, argv);
}
