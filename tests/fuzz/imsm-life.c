/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A container lives through whatever the bytes say: messages of mdadm, failures, syncs that begin and end, spares, disks
 * that come and go, in any order and with any values. After each step the metadata must be such that they can be
 * written and loaded again, a reader by mdadm's rules (tests/sim/reader.h) must trust the disks that the handler trusts, and a
 * message that was refused must have changed nothing.
 */
#include "tests/fuzz/fuzz.h"

#include <errno.h>
#include <string.h>

#include "imsm/imsm.h"
#include "tests/sim/reader.h"

#define DISKS 12
#define DISK_BLOCKS 400000u
#define MESSAGE_MAX 512

struct bytes {
	const uint8_t *p;
	size_t left;
};

static struct world {
	struct imsm_container c;
	struct imsm_dl dl[DISKS];
	struct disk disk[DISKS];
	bool listed[DISKS];
	struct imsm_event ev;
} world, before;
static struct imsm_meta scratch, copy;
static struct report report;
static uint8_t image[IMSM_MPB_MAX];
static size_t image_size;

static uint8_t take_byte(struct bytes *b)
{
	if (!b->left)
		return 0;
	b->left--;
	return *b->p++;
}

/* Mostly what could be meant, sometimes anything. */
static int64_t take_number(struct bytes *b)
{
	static const int64_t odd[] = { -1, INT32_MIN, INT32_MAX, 256, 65536, 1 << 24, INT64_MAX, 0x10000000 };
	uint8_t kind = take_byte(b);

	if (kind < 0xe0)
		return kind % 32;
	if (kind < 0xf0)
		return odd[kind % 8];
	if (kind < 0xf8)
		return (int64_t)take_byte(b) << 10;
	return (int64_t)((uint64_t)take_byte(b) << 24 | (uint64_t)take_byte(b) << 12 | take_byte(b));
}

static void reset_disk(unsigned n)
{
	struct imsm_dl *dl = &world.dl[n];

	memset(dl, 0, sizeof(*dl));
	world.disk[n].dev = dl->dev = (dev_t)(0x800 + n);
	world.disk[n].sector_size = world.c.sector_size;
	world.disk[n].size = (uint64_t)DISK_BLOCKS * 512;
	dl->disk = &world.disk[n];
	dl->index = IMSM_INDEX_SPARE;
	snprintf((char *)dl->serial, sizeof(dl->serial), "DISK%u", n);
	memcpy(dl->record.serial, dl->serial, IMSM_SERIAL_LEN);
	dl->record.status = le32_make(IMSM_DISK_SPARE);
	imsm_disk_set_blocks(&dl->record, DISK_BLOCKS);
}

static void list_disk(unsigned n)
{
	reset_disk(n);
	imsm_add_disk(&world.c, &world.dl[n], NULL);
	world.listed[n] = true;
}

static void make_volume(int level, unsigned members, unsigned chunk, uint64_t per_dev)
{
	unsigned number = world.c.meta.num_volumes++;
	struct imsm_volume *v = &world.c.meta.volume[number];
	struct imsm_map *m = &v->map[0];
	bool mirror = level == IMSM_RAID1 || level == IMSM_RAID10;

	m->head.raid_level = (uint8_t)level;
	m->head.num_members = (uint8_t)members;
	m->head.num_domains = mirror ? 2 : 1;
	m->head.failed_disk_num = IMSM_NO_FAILED_SLOT;
	m->head.map_state = level == IMSM_RAID0 ? IMSM_NORMAL : IMSM_UNINITIALIZED;
	m->head.blocks_per_strip = le16_make((uint16_t)chunk);
	imsm_map_set_pba(m, number * (per_dev + 16384));
	imsm_map_set_blocks_per_member(m, per_dev + 2048);
	imsm_map_set_stripes(m, per_dev / chunk / (mirror ? 2 : 1));
	for (unsigned slot = 0; slot < members; slot++)
		m->ord[slot] = slot;
	imsm_volume_set_blocks(v, per_dev * imsm_map_data_members(m));
	snprintf((char *)v->head.name, sizeof(v->head.name), "vol%u", number);
	world.c.live_volumes |= 1u << number;
}

static void set_up(struct bytes *b)
{
	static const struct {
		int level;
		unsigned members;
	} shapes[] = { { 0, 2 }, { 0, 4 }, { 1, 2 }, { 5, 3 }, { 5, 4 }, { 10, 4 }, { 1, 4 }, { 10, 6 } };
	unsigned shape = take_byte(b) % 8, spares = take_byte(b) % 4, second = take_byte(b) % 3;
	unsigned members = shapes[shape].members;

	memset(&world, 0, sizeof(world));
	world.c.sector_size = take_byte(b) & 1 ? 4096 : 512;
	memcpy(world.c.meta.header.sig, IMSM_SIGNATURE, IMSM_SIGNATURE_LEN);
	world.c.meta.header.family_num = le32_make(77);
	for (unsigned i = 0; i < members + spares; i++) {
		list_disk(i);
		if (i < members)
			imsm_enlist_disk(&world.c, &world.dl[i]);
	}
	make_volume(shapes[shape].level, members, 128, 65536);
	if (second)
		make_volume(second == 1 ? 0 : shapes[shape].level, members, 256, 32768);
}

/* ---- what happens ---- */

/* Messages that make sense are found too rarely by chance. */
static void make_plausible(struct bytes *b, int32_t type, uint8_t *text)
{
	const struct imsm_meta *m = &world.c.meta;

	if (type == IMSM_UPDATE_RESHAPE_CONTAINER_DISKS) {
		int32_t words[] = { (int32_t)m->num_disks, (int32_t)m->num_disks + 1 + (take_byte(b) & 1),
				    0x800 + take_byte(b) % DISKS, 0x800 + take_byte(b) % DISKS };

		memcpy(text + 4, words, sizeof(words));
	} else if (type == IMSM_UPDATE_RESHAPE_MIGRATION) {
		static const int32_t level[] = { -1, 0, 5, 5 }, chunk[] = { 0, 64, 128, 256 };
		int32_t volume = take_byte(b) % (int32_t)m->num_volumes, members = m->volume[volume].map[0].head.num_members;
		int32_t words[] = { members, members, volume, level[take_byte(b) % 4], 0, chunk[take_byte(b) % 4], -1 };

		memcpy(text + 4, words, sizeof(words));
	}
}

static void send_message(struct bytes *b)
{
	uint8_t text[MESSAGE_MAX] = { 0 };
	size_t len = 4 + take_byte(b) % (MESSAGE_MAX - 4);
	int32_t type = take_byte(b) % 13;
	const char *why = NULL;

	memcpy(text, &type, sizeof(type));
	for (size_t at = 4; at + 8 <= len && b->left; at += 4) {
		int32_t word = (int32_t)take_number(b);

		memcpy(text + at, &word, sizeof(word));
	}
	if (len >= 32 && (take_byte(b) & 3))
		make_plausible(b, type, text);
	before = world;
	if (imsm_check_message(text, len, &why) == 0 &&
	    imsm_apply_message(&world.c, &scratch, text, len, &why) == 0)
		return;
	MUST(why);
	MUST(memcmp(&before, &world, sizeof(world)) == 0);
}

static void make_event(struct bytes *b, unsigned volume)
{
	struct imsm_event *ev = &world.ev;
	const struct imsm_map *m = &world.c.meta.volume[volume].map[0];
	uint8_t flags = take_byte(b);

	memset(ev, 0, sizeof(*ev));
	ev->state = take_byte(b) % (ARRAY_UNKNOWN + 1);
	ev->action = take_byte(b) % (SYNC_UNKNOWN + 1);
	ev->prev_action = take_byte(b) % (SYNC_UNKNOWN + 1);
	ev->component_size = imsm_map_per_dev(m);
	ev->resync_start = flags & 1 ? SECTORS_NONE : (uint64_t)take_byte(b) << 8;
	ev->last_checkpoint = (uint64_t)take_byte(b) << 8;
	ev->reshape_done = flags & 2;
	ev->reshape_idle = flags & 4;
	ev->level = imsm_map_level(m) == 0 ? 4 : imsm_map_level(m);
	ev->raid_disks = m->head.num_members + (ev->level == 4);
	ev->chunk = imsm_map_chunk(m);
	ev->layout = 0x102;
	for (unsigned slot = 0; slot < m->head.num_members; slot++) {
		static const unsigned states[] = { MEMBER_IN_SYNC, MEMBER_IN_SYNC, MEMBER_SPARE, MEMBER_FAULTY };
		uint8_t how = take_byte(b);

		if (how & 0x40)
			continue;
		ev->disk[ev->disk_count++] = (struct md_member){
			.dev = (dev_t)(0x800 + imsm_ord_index(m->ord[slot])),
			.slot = (int)slot,
			.state = states[how % 4],
			.recovery_start = how % 4 < 2 ? SECTORS_NONE : (uint64_t)how << 6,
		};
	}
}

static void happen(struct bytes *b, unsigned volume)
{
	make_event(b, volume);
	if (take_byte(b) & 1)
		imsm_set_array_state(&world.c, volume, &world.ev, take_byte(b) % 3);
	for (unsigned i = 0; i < world.ev.disk_count; i++)
		imsm_set_disk(&world.c, volume, world.ev.disk[i].slot, world.ev.disk[i].state, &world.ev);
}

static void rebuild(struct bytes *b, unsigned volume)
{
	struct md_member member[IMSM_MAX_MEMBERS];
	struct spare_request req = { .member = (int)volume };
	const struct imsm_map *m = &world.c.meta.volume[volume].map[0];
	uint8_t missing = take_byte(b);
	const char *why = NULL;
	unsigned n = 0;

	for (unsigned slot = 0; slot < m->head.num_members; slot++) {
		const struct imsm_dl *dl = imsm_dl_by_index(&world.c, (int)imsm_ord_index(m->ord[slot]));

		if (dl && !imsm_slot_bad(&world.c, &world.c.meta.volume[volume], slot) && !(missing >> (slot % 8) & 1))
			member[n++] = (struct md_member){
				.slot = (int)slot, .dev = dl->dev, .state = MEMBER_IN_SYNC,
			};
	}
	imsm_find_spares(&world.c, volume, imsm_map_level(m), imsm_map_per_dev(m), member, n, m->head.num_members, &req);
	if (take_byte(b) & 1) { /* time has passed: another pick */
		req.pick[0].dev = (dev_t)(0x800 + take_byte(b) % DISKS);
		req.pick[0].slot = take_byte(b) % 8;
		req.count = 1;
	}
	before = world;
	if (imsm_commit_spares(&world.c, volume, &req, &why))
		MUST(memcmp(&before, &world, sizeof(world)) == 0);
}

static void go_bad(struct bytes *b, unsigned volume)
{
	struct bad_range known[4];
	struct bad_range_changes changes;
	uint8_t flags = take_byte(b);
	int slot = take_byte(b) % 8;
	unsigned n = 0;

	while (n < 4 && (n == 0 || (flags >> n & 1))) {
		known[n].sector = (uint64_t)take_byte(b) << (flags & 1 ? 9 : 3);
		known[n].length = 1 + (uint32_t)take_byte(b) * 5;
		n++;
	}
	before = world;
	if (flags & 0x40) {
		imsm_compare_bad_ranges(&world.c, volume, slot, known, n, flags & 0x80, &changes);
	} else if (imsm_record_bad_range(&world.c, volume, slot, known) < 0) {
		MUST(memcmp(&before, &world, sizeof(world)) == 0);
	}
}

static void plug(unsigned n)
{
	if (world.listed[n]) {
		imsm_remove_disk(&world.c, world.dl[n].dev);
		world.listed[n] = false;
	} else {
		list_disk(n);
	}
}

/* ---- what must always hold ---- */

static void check_disks(void)
{
	for (const struct imsm_dl *dl = world.c.disks; dl; dl = dl->next) {
		MUST(dl->index >= IMSM_INDEX_UNRELATED && dl->index < (int)world.c.meta.num_disks);
		for (const struct imsm_dl *other = dl->next; other; other = other->next)
			MUST(dl->index < 0 || dl->index != other->index);
	}
}

static void check_writable(void)
{
	const char *why;
	ssize_t len = imsm_encode(&world.c.meta, world.c.sector_size, image, sizeof(image));

	MUST(len > 0);
	image_size = (size_t)len;
	if (imsm_decode(image, (size_t)len, world.c.sector_size, &copy, &why)) {
		fprintf(stderr, "cannot be loaded: %s\n", why);
		abort();
	}
	MUST(copy.num_disks == world.c.meta.num_disks && copy.num_volumes == world.c.meta.num_volumes &&
	     copy.num_bad == world.c.meta.num_bad);
	imsm_report(&world.c, &report);
}

/* ---- what mdadm would make of it ---- */

/* Where byte 0 of a sector of the copy lies on a disk, in sectors of 512 bytes (imsm.md 1.2). */
static uint64_t place_of(unsigned sector)
{
	unsigned unit = world.c.sector_size / 512, sectors = (unsigned)((image_size - 1) / world.c.sector_size + 1);
	uint64_t anchor = DISK_BLOCKS - 2 * unit;

	return sector ? anchor - (uint64_t)(sectors - sector) * unit : anchor;
}

static void put_overlap(uint8_t *buf, uint64_t at, unsigned count, unsigned sector)
{
	uint64_t from = place_of(sector);
	unsigned unit = world.c.sector_size / 512;

	for (unsigned i = 0; i < unit; i++) {
		size_t offset = (size_t)sector * world.c.sector_size + i * 512, len = image_size - offset;

		if (from + i < at || from + i >= at + count || offset >= image_size)
			continue;
		memcpy(buf + (from + i - at) * 512, image + offset, len < 512 ? len : 512);
	}
}

/* A disk of the table has the copy, any other is blank. */
static void read_disk(const void *ctx, uint64_t at, void *buf, unsigned count)
{
	const struct imsm_dl *dl = ctx;

	memset(buf, 0, (size_t)count * 512);
	if (dl->index < 0)
		return;
	for (unsigned i = 0; i * world.c.sector_size < image_size; i++)
		put_overlap(buf, at, count, i);
}

static void check_volume(const struct reader_volume *rv, const struct imsm_volume *v, const struct imsm_dl *const *dl)
{
	const struct imsm_view w = { .c = &world.c, .v = v };
	const struct imsm_map *m = &v->map[0];

	MUST(rv->members == m->head.num_members);
	for (unsigned slot = 0; slot < rv->members; slot++) {
		const struct reader_member *member = &rv->member[slot];
		bool good = imsm_view_slot(&w, slot) == IMSM_SLOT_GOOD;

		if (member->disk < 0)
			continue;
		MUST(dl[member->disk]->index == (int)imsm_ord_index(m->ord[slot]));
		MUST((member->recovery_start == READER_IN_SYNC) == good);
	}
}

/* Not of a volume that is reshaped: that needs the record of it, which mdadm writes. */
static void check_with_reader(void)
{
	static struct reader_result result;
	static char serial[READER_DISKS][IMSM_SERIAL_LEN + 1];
	struct reader_disk disk[READER_DISKS];
	const struct imsm_dl *dl[READER_DISKS];
	unsigned n = 0;

	for (unsigned i = 0; i < world.c.meta.num_volumes; i++)
		if (imsm_migrating(&world.c.meta.volume[i], IMSM_MIGR_GENERAL))
			return;
	for (const struct imsm_dl *d = world.c.disks; d && n < READER_DISKS; d = d->next, n++) {
		memcpy(serial[n], d->serial, IMSM_SERIAL_LEN);
		dl[n] = d;
		disk[n] = (struct reader_disk){ DISK_BLOCKS, world.c.sector_size, serial[n], read_disk, d };
	}
	imsm_read_as_mdadm(disk, n, &result);
	if (!result.loads)
		return;
	for (unsigned i = 0; i < result.volumes; i++) {
		const struct reader_volume *rv = &result.volume[i];

		MUST(rv->number < world.c.meta.num_volumes);
		check_volume(rv, &world.c.meta.volume[rv->number], dl);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes b = { data, size };

	set_up(&b);
	check_writable();
	while (b.left) {
		unsigned volume = take_byte(&b) % world.c.meta.num_volumes;

		switch (take_byte(&b) % 9) {
		case 0:
		case 1:
		case 2:
			send_message(&b);
			break;
		case 3:
		case 4:
			happen(&b, volume);
			break;
		case 5:
			rebuild(&b, volume);
			break;
		case 6:
			plug(take_byte(&b) % DISKS);
			break;
		case 7:
			world.c.live_volumes ^= 1u << volume;
			break;
		case 8:
			go_bad(&b, volume);
			break;
		}
		check_disks();
		check_writable();
		check_with_reader();
	}
	return 0;
}
