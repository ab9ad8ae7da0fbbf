/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * imsm/migration.c: changes of shape (imsm.md 8.7 to 8.11), and what is recorded when a reshape has ended (5.5).
 *
 * Sizes are worked out by hand from the formulas of imsm.md 3.1. Unless a row says otherwise each member gives
 * 65536 sectors = 512 strips of 128 = 32 MiB to a volume, and the next volume begins 8192 sectors behind.
 */
#include "tests/unit/support/imsm-fixture.h"

#include <errno.h>
#include <sys/sysmacros.h>

#include "tests/samples/imsm/sample.h"

#define MIB 2048        /* sectors */
#define LEVEL_KEPT (-1)
#define TO_RAID0 0
#define TO_RAID10 1
#define VOL(i) (&ifx.c.meta.volume[i])
#define MAP0(i) (&ifx.c.meta.volume[i].map[0])


/* ---- messages: 32-bit words, as mdadm sends them (imsm.md 8.0) ---- */

struct message {
	int32_t word[16];
	size_t len; /* bytes */
};

#define MESSAGE(...) { { __VA_ARGS__ }, sizeof((const int32_t[]){ __VA_ARGS__ }) }
/* The fixture's disk N is device 8:N, in a message 0x800 + N. */
#define GROW(old, new, ...) MESSAGE(5, old, new, __VA_ARGS__)
#define MIGRATE(old, new, volume, level, chunk_kib) MESSAGE(6, old, new, volume, level, 0, chunk_kib, -1)
#define TAKEOVER(volume, direction) MESSAGE(7, volume, direction)
#define CHECKPOINT(unit) MESSAGE(8, 0, (int32_t)(unit), (int32_t)((uint64_t)(unit) >> 32))
#define RESIZE(volume, sectors) MESSAGE(9, volume, (int32_t)(sectors), (int32_t)((uint64_t)(sectors) >> 32))

static void assert_refused(const struct message *m, int expected)
{
	ifx_assert_message_refused(&ifx, m->word, m->len, expected);
}

/* The manager, who has no metadata, sees it. */
static void assert_refused_early(const void *msg, size_t len)
{
	const char *why = NULL;

	assert_int_equal(imsm_check_message(msg, len, &why), -EINVAL);
	assert_non_null(why);
	ifx_assert_message_refused(&ifx, msg, len, -EINVAL);
}

/* ---- what was written can be read ---- */

static void assert_same_disk(const struct imsm_disk *a, const struct imsm_disk *b, unsigned unit)
{
	assert_memory_equal(a->serial, b->serial, IMSM_SERIAL_LEN);
	assert_int_equal(le32_get(a->status), le32_get(b->status));
	assert_int_equal(le32_get(a->scsi_id), le32_get(b->scsi_id));
	assert_int_equal(imsm_disk_blocks(a) / unit, imsm_disk_blocks(b) / unit);
}

static void assert_same_map(const struct imsm_map *a, const struct imsm_map *b, unsigned unit)
{
	assert_int_equal(a->head.num_members, b->head.num_members);
	assert_memory_equal(a->ord, b->ord, a->head.num_members * sizeof(a->ord[0]));
	assert_int_equal(a->head.raid_level, b->head.raid_level);
	assert_int_equal(a->head.num_domains, b->head.num_domains);
	assert_int_equal(a->head.map_state, b->head.map_state);
	assert_int_equal(a->head.failed_disk_num, b->head.failed_disk_num);
	assert_int_equal(imsm_map_chunk(a), imsm_map_chunk(b));
	assert_int_equal(imsm_map_stripes(a), imsm_map_stripes(b));
	assert_int_equal(imsm_map_pba(a) / unit, imsm_map_pba(b) / unit);
	assert_int_equal(imsm_map_blocks_per_member(a) / unit, imsm_map_blocks_per_member(b) / unit);
}

static void assert_same_volume(const struct imsm_volume *a, const struct imsm_volume *b, unsigned unit)
{
	assert_int_equal(a->head.migr_state, b->head.migr_state);
	assert_int_equal(imsm_volume_migr_type(a), imsm_volume_migr_type(b));
	assert_int_equal(imsm_volume_unit(a) / unit, imsm_volume_unit(b) / unit);
	assert_int_equal(imsm_volume_blocks(a) / unit, imsm_volume_blocks(b) / unit);
	assert_same_map(&a->map[0], &b->map[0], unit);
	if (a->head.migr_state)
		assert_same_map(&a->map[1], &b->map[1], unit);
}

/* With 4096-byte sectors what is no multiple of 8 is rounded down, and nothing else is lost. */
static void assert_round_trip(uint32_t sector_size)
{
	static uint8_t buf[IMSM_MPB_MAX];
	static struct imsm_meta copy;
	const struct imsm_meta *m = &ifx.c.meta;
	unsigned unit = sector_size / 512;
	const char *why = NULL;
	ssize_t len = imsm_encode(m, sector_size, buf, sizeof(buf));

	assert_true(len > 0);
	if (imsm_decode(buf, (size_t)len, sector_size, &copy, &why))
		fail_msg("metadata that cannot be loaded: %s", why);
	assert_null(why);
	assert_int_equal(copy.num_disks, m->num_disks);
	assert_int_equal(copy.num_volumes, m->num_volumes);
	assert_int_equal(copy.num_bad, m->num_bad);
	for (unsigned i = 0; i < m->num_disks; i++)
		assert_same_disk(&copy.disk[i], &m->disk[i], unit);
	for (unsigned i = 0; i < m->num_volumes; i++)
		assert_same_volume(&copy.volume[i], &m->volume[i], unit);
}

/* Each listed disk is the one that the table has at its index; spares are in the table no more. */
static void assert_table_consistent(void)
{
	for (const struct imsm_dl *dl = ifx.c.disks; dl; dl = dl->next) {
		char serial[IMSM_SERIAL_LEN + 1];
		bool listed = false;

		imsm_serial_text(dl->serial, serial);
		for (unsigned i = 0; i < ifx.c.meta.num_disks; i++)
			listed |= ifx_table_serial_is(&ifx, i, serial);
		if (dl->index < 0)
			assert_false(listed);
		else if (!imsm_disk_failed(&ifx.c, (uint32_t)dl->index))
			assert_true(ifx_table_serial_is(&ifx, (unsigned)dl->index, serial));
	}
}

static void assert_applied(const struct message *m)
{
	ifx_assert_message_applied(&ifx, m->word, m->len);
	assert_round_trip(512);
	assert_round_trip(4096);
	assert_table_consistent();
}

static bool migr_record_cleared(void)
{
	bool any = false, all = true;

	for (const struct imsm_dl *dl = ifx.c.disks; dl; dl = dl->next) {
		any |= dl->clear_migr_record_due;
		all &= dl->clear_migr_record_due == (dl->index >= 0);
	}
	if (any)
		assert_true(all); /* the members, and only they */
	return any;
}

/* Those of whom a reshape has left one, after that has been recorded. */
static bool migr_record_to_be_cleared;

/* ---- rows: a container, a message, and what becomes of it ---- */

/* What map 0 and the volume say of their size. */
struct shape {
	uint64_t blocks, stripes, per_member; /* per_member: with the area behind the data */
	unsigned chunk;
	uint8_t stored_level, domains;
};

struct row {
	const char *name;
	unsigned members;
	struct {
		int level;
		const char *text; /* NULL: there is no such volume */
	} volume[3];
	unsigned spares;
	struct message m;
	int err;
	const char *after[3];
	struct shape shape; /* of the first volume */
};

static void given(const struct row *r)
{
	ifx_init(&ifx, r->members);
	for (unsigned i = 0; i < 3 && r->volume[i].text; i++)
		ifx_volume(&ifx, r->volume[i].level, r->volume[i].text);
	for (unsigned i = 0; i < r->spares; i++)
		ifx_spare(&ifx);
}

static void assert_shape(const struct imsm_volume *v, const struct shape *s)
{
	const struct imsm_map *m = &v->map[0];

	assert_int_equal(imsm_volume_blocks(v), s->blocks);
	assert_int_equal(imsm_map_stripes(m), s->stripes);
	assert_int_equal(imsm_map_blocks_per_member(m), s->per_member);
	assert_int_equal(imsm_map_chunk(m), s->chunk);
	assert_int_equal(m->head.raid_level, s->stored_level);
	assert_int_equal(m->head.num_domains, s->domains);
}

static void check_row(const struct row *r)
{
	static struct imsm_volume before[3];

	print_message("  %s\n", r->name);
	given(r);
	memcpy(before, ifx.c.meta.volume, sizeof(before));
	if (r->err) {
		assert_refused(&r->m, r->err);
		return;
	}
	assert_applied(&r->m);
	assert_true(ifx.c.write_due);
	for (unsigned i = 0; i < ifx.c.meta.num_volumes; i++)
		assert_string_equal(ifx_text(&ifx, i), r->after[i] ? r->after[i] : r->volume[i].text);
	if (r->shape.blocks)
		assert_shape(VOL(0), &r->shape);
	/* A reshape keeps what the volume was. */
	if (VOL(0)->head.migr_state && !before[0].head.migr_state) {
		assert_memory_equal(&VOL(0)->map[1].head, &before[0].map[0].head, sizeof(before[0].map[0].head));
		assert_int_equal(imsm_map_pba(MAP0(0)), imsm_map_pba(&before[0].map[0]));
	}
}

#define CHECK_ROWS(rows) \
	for (size_t row_ = 0; row_ < sizeof(rows) / sizeof((rows)[0]); row_++) \
	check_row(&(rows)[row_])

/* ---- malformed: refused without a look at the metadata ---- */

static void ordinary(void)
{
	ifx_init(&ifx, 3);
	ifx_volume(&ifx, 5, "N 0,1,2");
	ifx_spare(&ifx);
	ifx_spare(&ifx);
}

static void test_field_out_of_range(void **state)
{
	static const struct message bad[] = {
		/* more disks: old, new */
		GROW(0, 4, 0x803),
		GROW(0, 1, 0x803),
		GROW(-1, 4, 0x803),
		GROW(INT32_MIN, 4, 0x803),
		GROW(3, 3, 0x803),
		GROW(3, 2, 0x803),
		GROW(3, 0, 0x803),
		GROW(3, -1, 0x803),
		GROW(3, INT32_MIN, 0x803),
		GROW(254, 256, 0x803, 0x804),
		GROW(255, 256, 0x803),
		GROW(INT32_MAX - 1, INT32_MAX, 0x803),
		GROW(INT32_MAX, INT32_MIN, 0x803),
		GROW(1, INT32_MAX, 0x803),
		/* migration: old, new, volume, level, chunk */
		MIGRATE(0, 3, 0, 5, 256),
		MIGRATE(-1, 3, 0, 5, 256),
		MIGRATE(INT32_MIN, 3, 0, 5, 256),
		MIGRATE(256, 3, 0, 5, 256),
		MIGRATE(INT32_MAX, 3, 0, 5, 256),
		MIGRATE(3, 0, 0, 5, 256),
		MIGRATE(3, -1, 0, 5, 256),
		MIGRATE(3, 256, 0, 5, 256),
		MIGRATE(3, INT32_MAX, 0, 5, 256),
		MIGRATE(3, 3, -1, 5, 256),
		MIGRATE(3, 3, IMSM_MAX_VOLUMES, 5, 256),
		MIGRATE(3, 3, 256, 5, 256), /* not narrowed to 0 */
		MIGRATE(3, 3, INT32_MIN, 5, 256),
		MIGRATE(3, 3, 0, -2, 256),
		MIGRATE(3, 3, 0, 2, 256),
		MIGRATE(3, 3, 0, 4, 256),
		MIGRATE(3, 3, 0, 6, 256),
		MIGRATE(3, 3, 0, 255, 256),
		MIGRATE(3, 3, 0, 261, 256), /* not narrowed to 5 */
		MIGRATE(3, 3, 0, 5, 1),
		MIGRATE(3, 3, 0, 5, 2),
		MIGRATE(3, 3, 0, 5, 3),
		MIGRATE(3, 3, 0, 5, 5),
		MIGRATE(3, 3, 0, 5, 96),
		MIGRATE(3, 3, 0, 5, 16383),
		MIGRATE(3, 3, 0, 5, 32768), /* would be zero in 16 bits */
		MIGRATE(3, 3, 0, 5, 1 << 30),
		MIGRATE(3, 3, 0, 5, INT32_MAX),
		/* takeover: volume, direction */
		TAKEOVER(-1, TO_RAID0),
		TAKEOVER(IMSM_MAX_VOLUMES, TO_RAID0),
		TAKEOVER(256, TO_RAID0),
		TAKEOVER(INT32_MIN, TO_RAID0),
		TAKEOVER(0, -1),
		TAKEOVER(0, 2),
		TAKEOVER(0, 256),
		/* checkpoint */
		CHECKPOINT(-1),
		CHECKPOINT(INT64_MIN),
		/* size: volume, sectors */
		RESIZE(-1, 122880),
		RESIZE(IMSM_MAX_VOLUMES, 122880),
		RESIZE(256, 122880),
		RESIZE(INT32_MIN, 122880),
		RESIZE(0, 0),
		RESIZE(0, -1),
		RESIZE(0, INT64_MIN),
		RESIZE(0, IMSM_BLOCKS_MAX + 1),
		RESIZE(0, INT64_MAX),
	};

	(void)state;
	ordinary();
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		print_message("  %zu: type %d\n", i, bad[i].word[0]);
		assert_refused_early(bad[i].word, bad[i].len);
	}
}

/* What lies behind the last volume is of no meaning: here one that was deleted. */
static void test_volume_that_is_gone(void **state)
{
	static const struct {
		struct message m;
		int level;
		const char *text;
	} rows[] = {
		{ MIGRATE(3, 3, 1, 5, 256), 5, "N 0,1,2" },
		{ TAKEOVER(1, TO_RAID0), 1, "D 0,1! f1" },
		{ TAKEOVER(1, TO_RAID10), 0, "N 0,1,2" },
		{ RESIZE(1, 122880), 5, "N 0,1,2" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ordinary();
		ifx_volume(&ifx, rows[i].level, rows[i].text);
		ifx.c.meta.num_volumes--;
		assert_refused(&rows[i].m, -EINVAL);
	}
}

/* Nor does it hold what others are to have. */
static void test_volume_that_is_gone_does_not_count(void **state)
{
	static const struct message takeover = TAKEOVER(0, TO_RAID0), checkpoint = CHECKPOINT(100000);

	(void)state;
	ifx_init(&ifx, 4);
	ifx_volume(&ifx, 10, "D 0,1x!,2,3x! f1");
	ifx_volume(&ifx, 0, "N 0,1x,2");
	ifx.c.meta.num_volumes--;
	assert_applied(&takeover);
	assert_int_equal(ifx.c.meta.num_disks, 2);

	ifx_init(&ifx, 4);
	ifx_volume(&ifx, 5, "N<GEN<N 0,1,2,3/0,1,2 u2");
	ifx_volume(&ifx, 0, "N<GEN<N 0/0 u2");
	ifx.c.meta.num_volumes--;
	assert_applied(&checkpoint);
	assert_int_equal(imsm_volume_unit(VOL(0)), 100000);
	assert_int_equal(imsm_volume_unit(VOL(1)), 2);
}

/* The limits themselves pass the check that needs no metadata. */
static void test_field_at_its_limit(void **state)
{
	static const struct message good[] = {
		GROW(254, 255, 0x803),
		GROW(1, 2, 0x803),
		MIGRATE(1, 255, IMSM_MAX_VOLUMES - 1, LEVEL_KEPT, 4),
		MIGRATE(255, 1, 0, 0, 16384),
		MIGRATE(3, 3, 0, 1, 0),
		MIGRATE(3, 3, 0, 10, INT32_MIN),
		TAKEOVER(IMSM_MAX_VOLUMES - 1, TO_RAID10),
		CHECKPOINT(0),
		CHECKPOINT(INT64_MAX),
		RESIZE(IMSM_MAX_VOLUMES - 1, IMSM_BLOCKS_MAX),
		RESIZE(0, 1),
	};
	const char *why = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (imsm_check_message(good[i].word, good[i].len, &why))
			fail_msg("%zu: %s", i, why);
}

/* One of each type, as captured (imsm.md 8.0), and a container in which it can be done. */
static const struct {
	struct row r;
	const char *hex;
} captured[] = {
	{ { "more disks", 3, { { 5, "N 0,1,2" } }, 1, GROW(3, 4, 0x703), 0, { "N<GEN<N 0,1,2,3/0,1,2 u0" }, { 0 } },
	  "05000000 03000000 04000000 03070000" },
	{ { "chunk", 3, { { 5, "N 0,1,2" } }, 0, MIGRATE(3, 3, 0, 5, 128), 0, { "N<GEN<N 0,1,2/0,1,2 u0" },
	    { .blocks = 131072, .stripes = 256, .per_member = 67584, .chunk = 256, 5, 1 } },
	  "06000000 03000000 03000000 00000000 05000000 00000000 80000000 ffffffff" },
	{ { "takeover", 4, { { 10, "D 0,1x!,2,3x! f1" } }, 0, TAKEOVER(0, TO_RAID0), 0, { "N 0,1" }, { 0 } },
	  "07000000 00000000 00000000" },
	{ { "checkpoint", 4, { { 5, "N<GEN<N 0,1,2,3/0,1,2 u1" } }, 0, CHECKPOINT(2), 0,
	    { "N<GEN<N 0,1,2,3/0,1,2 u2" }, { 0 } },
	  "08000000 00000000 02000000 00000000" },
	/* per member 61440 = 480 strips = 30 MiB, and 2048 behind it */
	{ { "size", 3, { { 5, "N 0,1,2" } }, 0, RESIZE(0, 122880), 0, { "N 0,1,2" },
	    { .blocks = 122880, .stripes = 480, .per_member = 63488, .chunk = 128, 5, 1 } },
	  "09000000 00000000 00e00100 00000000" },
};

#define CAPTURED (sizeof(captured) / sizeof(captured[0]))

static struct message from_hex(const char *hex)
{
	struct message m = { .len = 0 };
	uint8_t *bytes = (uint8_t *)m.word;
	unsigned value;
	int used;

	for (; sscanf(hex, "%2x%n", &value, &used) == 1; hex += used)
		bytes[m.len++] = (uint8_t)value;
	return m;
}

static void test_captured_messages(void **state)
{
	(void)state;
	for (size_t i = 0; i < CAPTURED; i++) {
		struct row r = captured[i].r;
		struct message m = from_hex(captured[i].hex);

		assert_int_equal(m.len, r.m.len);
		assert_memory_equal(m.word, r.m.word, m.len);
		if (m.word[0] == 5) { /* its disk is 7:3 */
			given(&r);
			ifx.dl[3].dev = makedev(7, 3);
			assert_applied(&m);
			assert_string_equal(ifx_text(&ifx, 0), r.after[0]);
			assert_int_equal(ifx.dl[3].index, 3);
			continue;
		}
		check_row(&r);
	}
}

static void test_length(void **state)
{
	(void)state;
	for (size_t i = 0; i < CAPTURED; i++) {
		struct row r = captured[i].r;

		given(&r);
		ifx.dl[3].dev = makedev(7, 3);
		for (size_t n = 0; n < r.m.len; n++)
			assert_refused_early(r.m.word, n);
		memset((uint8_t *)r.m.word + r.m.len, 0xff, 8);
		r.m.len += 8;
		assert_applied(&r.m);
		assert_string_equal(ifx_text(&ifx, 0), r.after[0]);
	}
}

/* A device number for each added disk; what stands behind them is not looked at. */
static void test_grow_length_follows_count(void **state)
{
	static const struct message m = GROW(3, 5, 0x803, 0x804);

	(void)state;
	ordinary();
	for (size_t n = 0; n < 20; n++)
		assert_refused_early(m.word, n);
	assert_applied(&m);
	assert_string_equal(ifx_text(&ifx, 0), "N<GEN<N 0,1,2,3,4/0,1,2 u0");
}

/* ---- more disks ---- */

static void test_grow(void **state)
{
	static const struct row rows[] = {
		{ "RAID0, 2 to 3", 2, { { 0, "N 0,1" } }, 1, GROW(2, 3, 0x802), 0, { "N<GEN<N 0,1,2/0,1 u0" },
		  { 3 * 65536, 512, 67584, 128, 0, 1 } },
		{ "RAID0, 1 to 2", 1, { { 0, "N 0" } }, 1, GROW(1, 2, 0x801), 0, { "N<GEN<N 0,1/0 u0" },
		  { 2 * 65536, 512, 67584, 128, 0, 1 } },
		{ "RAID0, 3 to 4", 3, { { 0, "N 0,1,2" } }, 1, GROW(3, 4, 0x803), 0, { "N<GEN<N 0,1,2,3/0,1,2 u0" },
		  { 4 * 65536, 512, 67584, 128, 0, 1 } },
		{ "RAID5, 3 to 4", 3, { { 5, "N 0,1,2" } }, 1, GROW(3, 4, 0x803), 0, { "N<GEN<N 0,1,2,3/0,1,2 u0" },
		  { 3 * 65536, 512, 67584, 128, 5, 1 } },
		{ "RAID5, 3 to 5, a spare is left", 3, { { 5, "N 0,1,2" } }, 3, GROW(3, 5, 0x804, 0x805), 0,
		  { "N<GEN<N 0,1,2,3,4/0,1,2 u0" }, { 4 * 65536, 512, 67584, 128, 5, 1 } },
		{ "slots in another order", 3, { { 5, "N 2,0,1" } }, 1, GROW(3, 4, 0x803), 0,
		  { "N<GEN<N 2,0,1,3/2,0,1 u0" }, { 3 * 65536, 512, 67584, 128, 5, 1 } },
		{ "the volumes behind wait", 3, { { 5, "N 0,1,2" }, { 0, "N 2,1,0" }, { 5, "U 0,1,2" } }, 1,
		  GROW(3, 4, 0x803), 0, { "N<GEN<N 0,1,2,3/0,1,2 u0" }, { 3 * 65536, 512, 67584, 128, 5, 1 } },
		{ "flags and states are kept", 3, { { 5, "D 0,1x!,2 f1" } }, 1, GROW(3, 4, 0x803), 0,
		  { "D<GEN<D 0,1x!,2,3/0,1x!,2 f1 u0" }, { 3 * 65536, 512, 67584, 128, 5, 1 } },
	};

	(void)state;
	CHECK_ROWS(rows);
}

/* In the order of the message, not of the list. */
static void test_grow_takes_disks_in_order(void **state)
{
	static const struct message m = GROW(3, 5, 0x805, 0x803);

	(void)state;
	ordinary();
	ifx_spare(&ifx);
	imsm_volume_set_unit(VOL(0), 7);
	VOL(0)->head.status = le32_make(IMSM_VOL_VERIFY_AND_FIX);
	VOL(0)->head.dirty = IMSM_DIRTY;
	assert_applied(&m);
	assert_int_equal(ifx.dl[5].index, 3);
	assert_int_equal(ifx.dl[3].index, 4);
	assert_int_equal(ifx.dl[4].index, IMSM_INDEX_SPARE);
	assert_int_equal(le32_get(ifx.dl[4].record.status), IMSM_DISK_SPARE);
	assert_true(ifx_table_serial_is(&ifx, 3, "DISK5"));
	assert_true(ifx_table_serial_is(&ifx, 4, "DISK3"));
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(le32_get(ifx.c.meta.disk[i].status), IMSM_DISK_CONFIGURED);
	assert_string_equal(ifx_text(&ifx, 0), "N<GEN<N 0,1,2,3,4/0,1,2 u0");
	assert_int_equal(le32_get(VOL(0)->head.status), 0);
	assert_int_equal(VOL(0)->head.dirty, IMSM_DIRTY);
	assert_int_equal(le32_get(ifx.c.meta.header.family_num), 0x1000);
	assert_true(migr_record_cleared());
}

/* 100 strips of 128 = 12800 sectors are 6 whole MiB of each of three data members. */
static void test_grow_whole_mib(void **state)
{
	static const struct message m = GROW(3, 4, 0x803);

	(void)state;
	ordinary();
	imsm_map_set_stripes(MAP0(0), 100);
	imsm_map_set_blocks_per_member(MAP0(0), 12800 + 2048);
	imsm_volume_set_blocks(VOL(0), 2 * 6 * MIB);
	assert_applied(&m);
	assert_int_equal(imsm_volume_blocks(VOL(0)), 3 * 6 * MIB);
	assert_int_equal(imsm_map_stripes(MAP0(0)), 100);
	assert_int_equal(imsm_map_blocks_per_member(MAP0(0)), 12800 + 2048);
}

static void test_grow_above_2_tib(void **state)
{
	static const struct message m = GROW(3, 4, 0x803);

	(void)state;
	ordinary();
	ifx.c.meta.header.attributes = le32_make(IMSM_ATTR_2TB_DISK);
	imsm_map_set_stripes(MAP0(0), 3ull << 25); /* of 128: 3 << 32 sectors */
	imsm_volume_set_blocks(VOL(0), 6ull << 32);
	assert_refused(&m, -ENOSPC); /* the new disk is too small */
	imsm_disk_set_blocks(&ifx.dl[3].record, 4ull << 32);
	assert_applied(&m);
	assert_int_equal(imsm_volume_blocks(VOL(0)), 9ull << 32);
	assert_true(le32_get(ifx.c.meta.header.attributes) & IMSM_ATTR_2TB);
}

/* 8.1: minor 0..7, major 8..19, minor 8..19 at 20..31. */
static void test_device_numbers(void **state)
{
	static const struct {
		unsigned major_number, minor_number;
		uint32_t word;
	} rows[] = {
		{ 7, 3, 0x00000703 },
		{ 8, 255, 0x000008ff },
		{ 8, 256, 0x00100800 },
		{ 259, 300, 0x0011032c },
		{ 65, 0x12345, 0x12304145 },
		{ 4095, 0, 0x000fff00 },
		{ 0, 0xfff00, 0xfff00000 },
		{ 4095, 0xfffff, 0xffffffff },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct message m = GROW(3, 4, (int32_t)rows[i].word);

		ordinary(); /* the last bits of the minor number alone would name another spare */
		ifx.dl[3].dev = makedev(rows[i].major_number, rows[i].minor_number);
		ifx.dl[4].dev = makedev(rows[i].major_number, rows[i].minor_number ^ 0x100);
		assert_applied(&m);
		assert_int_equal(ifx.dl[3].index, 3);
		assert_int_equal(ifx.dl[4].index, IMSM_INDEX_SPARE);
	}
}

static void test_grow_contradictions(void **state)
{
	static const struct row rows[] = {
		{ "no volume", 3, { { 0, NULL } }, 1, GROW(3, 4, 0x803), -EINVAL, { NULL }, { 0 } },
		{ "old is less", 3, { { 5, "N 0,1,2" } }, 2, GROW(2, 4, 0x803, 0x804), -EINVAL, { NULL }, { 0 } },
		{ "old is more", 3, { { 5, "N 0,1,2" } }, 1, GROW(4, 5, 0x803), -EINVAL, { NULL }, { 0 } },
		{ "a disk of no volume", 4, { { 5, "N 0,1,2" } }, 1, GROW(4, 5, 0x804), -EINVAL, { NULL }, { 0 } },
		{ "the same", 4, { { 5, "N 0,1,2" } }, 1, GROW(3, 4, 0x804), -EINVAL, { NULL }, { 0 } },
		{ "a volume on fewer disks", 3, { { 5, "N 0,1,2" }, { 0, "N 0,1" } }, 1, GROW(3, 4, 0x803), -EINVAL,
		  { NULL }, { 0 } },
		{ "RAID1", 2, { { 1, "N 0,1" } }, 1, GROW(2, 3, 0x802), -EINVAL, { NULL }, { 0 } },
		{ "RAID10", 4, { { 10, "N 0,1,2,3" } }, 2, GROW(4, 6, 0x804, 0x805), -EINVAL, { NULL }, { 0 } },
		{ "RAID10 behind", 4, { { 0, "N 0,1,2,3" }, { 10, "N 0,1,2,3" } }, 1, GROW(4, 5, 0x804), -EINVAL,
		  { NULL }, { 0 } },
		{ "reshaping", 4, { { 5, "N<GEN<N 0,1,2,3/0,1,2 u2" } }, 1, GROW(4, 5, 0x804), -EBUSY, { NULL },
		  { 0 } },
		{ "rebuilding", 3, { { 5, "N<REBUILD<D 0,1,2/0,1,2! f2 u2" } }, 1, GROW(3, 4, 0x803), -EBUSY,
		  { NULL }, { 0 } },
		{ "the second resyncs", 3, { { 5, "N 0,1,2" }, { 5, "N<REPAIR<N 0,1,2/0,1,2 u2" } }, 1,
		  GROW(3, 4, 0x803), -EBUSY, { NULL }, { 0 } },
		{ "lost", 3, { { 5, "F 0x!,1x!,2 f0" } }, 1, GROW(3, 4, 0x803), -EINVAL, { NULL }, { 0 } },
		{ "the RAID0 behind is lost", 3, { { 5, "D 0x!,1,2 f0" }, { 0, "N 0x,1,2" } }, 1, GROW(3, 4, 0x803),
		  -EINVAL, { NULL }, { 0 } },
		{ "a disk of the RAID0 is missing", 2, { { 0, "N 0,1?" } }, 1, GROW(2, 3, 0x802), -EINVAL, { NULL },
		  { 0 } },
		{ "unknown device", 3, { { 5, "N 0,1,2" } }, 1, GROW(3, 4, 0x80f), -ENODEV, { NULL }, { 0 } },
		{ "the second is unknown", 3, { { 5, "N 0,1,2" } }, 1, GROW(3, 5, 0x803, 0x80f), -ENODEV, { NULL },
		  { 0 } },
		{ "a member", 3, { { 5, "N 0,1,2" } }, 1, GROW(3, 4, 0x802), -EBUSY, { NULL }, { 0 } },
		{ "member 0", 3, { { 5, "N 0,1,2" } }, 1, GROW(3, 4, 0x800), -EBUSY, { NULL }, { 0 } },
		{ "the second is a member", 3, { { 5, "N 0,1,2" } }, 1, GROW(3, 5, 0x803, 0x802), -EBUSY, { NULL },
		  { 0 } },
		{ "twice", 3, { { 5, "N 0,1,2" } }, 2, GROW(3, 5, 0x803, 0x803), -EINVAL, { NULL }, { 0 } },
		{ "twice among three", 3, { { 5, "N 0,1,2" } }, 2, GROW(3, 6, 0x803, 0x804, 0x803), -EINVAL,
		  { NULL }, { 0 } },
	};

	(void)state;
	CHECK_ROWS(rows);
}

static void test_grow_unfit_disk(void **state)
{
	static const struct message m = GROW(3, 5, 0x803, 0x804);

	(void)state;
	ordinary();
	ifx.dl[4].index = IMSM_INDEX_UNRELATED;
	assert_refused(&m, -EINVAL);
	ordinary();
	ifx.dl[4].record.status = le32_make(IMSM_DISK_SPARE | IMSM_DISK_FAILED);
	assert_refused(&m, -EINVAL);
	ordinary();
	ifx.disk[4].sector_size = 4096;
	assert_refused(&m, -EINVAL);
	ordinary();
	memcpy(ifx.dl[4].serial, ifx.dl[1].serial, IMSM_SERIAL_LEN);
	assert_refused(&m, -EINVAL);
}

static void test_grow_4kn(void **state)
{
	static const struct message m = GROW(3, 5, 0x803, 0x804);

	(void)state;
	ordinary();
	ifx.c.sector_size = 4096;
	assert_refused(&m, -EINVAL);
	ifx.disk[3].sector_size = ifx.disk[4].sector_size = 4096;
	assert_applied(&m);
	assert_int_equal(imsm_volume_blocks(VOL(0)), 4 * 65536);
}

/* ---- another chunk size or level ---- */

static void test_migrate(void **state)
{
	static const struct row rows[] = {
		/* 131072 / 2 / 1 / 512 = 128 stripes */
		{ "RAID5, 64 to 256 KiB", 3, { { 5, "N 0,1,2" } }, 0, MIGRATE(3, 3, 0, 5, 256), 0,
		  { "N<GEN<N 0,1,2/0,1,2 u0" }, { 131072, 128, 67584, 512, 5, 1 } },
		{ "RAID5, 64 to 4 KiB", 3, { { 5, "N 0,1,2" } }, 0, MIGRATE(3, 3, 0, LEVEL_KEPT, 4), 0,
		  { "N<GEN<N 0,1,2/0,1,2 u0" }, { 131072, 8192, 67584, 8, 5, 1 } },
		{ "RAID5, 64 KiB to 16 MiB", 3, { { 5, "N 0,1,2" } }, 0, MIGRATE(3, 3, 0, 5, 16384), 0,
		  { "N<GEN<N 0,1,2/0,1,2 u0" }, { 131072, 2, 67584, 32768, 5, 1 } },
		/* 196608 / 3 / 1 / 512 */
		{ "RAID0 on three disks", 3, { { 0, "N 0,1,2" } }, 0, MIGRATE(3, 3, 0, 0, 256), 0,
		  { "N<GEN<N 0,1,2/0,1,2 u0" }, { 196608, 128, 67584, 512, 0, 1 } },
		{ "RAID0 to 5", 2, { { 0, "N 0,1" } }, 1, MIGRATE(2, 3, 0, 5, 0), 0, { "N<GEN<N 0,1,2/0,1 u0" },
		  { 131072, 512, 67584, 128, 5, 1 } },
		{ "RAID0 to 5, four disks", 3, { { 0, "N 2,0,1" } }, 1, MIGRATE(3, 4, 0, 5, -1), 0,
		  { "N<GEN<N 2,0,1,3/2,0,1 u0" }, { 196608, 512, 67584, 128, 5, 1 } },
		{ "RAID0 to 5, the old state does not matter", 2, { { 0, "F 0,1" } }, 1, MIGRATE(2, 3, 0, 5, 0), 0,
		  { "N<GEN<F 0,1,2/0,1 u0" }, { 131072, 512, 67584, 128, 5, 1 } },
		{ "RAID0 to 5, with another chunk", 2, { { 0, "N 0,1" } }, 1, MIGRATE(2, 3, 0, 5, 256), 0,
		  { "N<GEN<N 0,1,2/0,1 u0" }, { 131072, 128, 67584, 512, 5, 1 } },
		{ "beside another volume", 3, { { 5, "N 0,1,2" }, { 0, "N 0,1,2" } }, 0, MIGRATE(3, 3, 0, 5, 256), 0,
		  { "N<GEN<N 0,1,2/0,1,2 u0" }, { 131072, 128, 67584, 512, 5, 1 } },
		{ "beside one that rebuilds", 3, { { 0, "N 0,1,2" }, { 5, "N<REBUILD<D 0,1,2/0,1,2! f2 u2" } }, 0,
		  MIGRATE(3, 3, 0, 0, 256), 0, { "N<GEN<N 0,1,2/0,1,2 u0" }, { 196608, 128, 67584, 512, 0, 1 } },
		{ "the second volume", 3, { { 5, "N 0,1,2" }, { 0, "N 0,1" } }, 1, MIGRATE(2, 3, 1, 5, 0), 0,
		  { NULL, "N<GEN<N 0,1,3/0,1 u0" }, { 0 } },
		{ "degraded", 3, { { 5, "D 0,1x!,2 f1" } }, 0, MIGRATE(3, 3, 0, 5, 256), 0,
		  { "D<GEN<D 0,1x!,2/0,1x!,2 f1 u0" }, { 131072, 128, 67584, 512, 5, 1 } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		check_row(&rows[i]);
		assert_true(migr_record_cleared());
	}
}

static void chunk_is(unsigned chunk, uint64_t stripes, uint64_t volume_sectors)
{
	MAP0(0)->head.blocks_per_strip = le16_make((uint16_t)chunk);
	imsm_map_set_stripes(MAP0(0), stripes);
	imsm_map_set_blocks_per_member(MAP0(0), stripes * chunk + 2048);
	imsm_volume_set_blocks(VOL(0), volume_sectors);
}

static void test_smaller_chunk(void **state)
{
	static const struct message m = MIGRATE(3, 3, 0, 5, 64);

	(void)state;
	ordinary();
	chunk_is(512, 128, 131072);
	assert_applied(&m);
	assert_shape(VOL(0), &(struct shape){ 131072, 512, 67584, 128, 5, 1 });
	assert_int_equal(imsm_map_chunk(&VOL(0)->map[1]), 512);
	assert_int_equal(imsm_map_stripes(&VOL(0)->map[1]), 128);
}

/* The stripes follow from the volume's size, and its new size from the stripes, in whole MiB of each member. */
static void test_chunk_that_does_not_fit_evenly(void **state)
{
	static const struct message to_256k = MIGRATE(3, 3, 0, 5, 256), to_4m = MIGRATE(3, 3, 0, 5, 4096);

	(void)state;
	/* 24576 / 2 / 512 = 24 stripes: 12288 sectors, 512 less than before */
	ordinary();
	chunk_is(128, 100, 2 * 6 * MIB);
	assert_applied(&to_256k);
	assert_shape(VOL(0), &(struct shape){ 24576, 24, 12288 + 2048, 512, 5, 1 });
	/* 31 MiB are 7 chunks of 4 MiB: 28 MiB */
	ordinary();
	chunk_is(128, 496, 2 * 31 * MIB);
	assert_applied(&to_4m);
	assert_shape(VOL(0), &(struct shape){ 2 * 28 * MIB, 7, 28 * MIB + 2048, 8192, 5, 1 });
	/* 5 MiB and 512 KiB, as long as whole MiB are what counts: 21 chunks of 256 KiB are 5.25 MiB */
	ordinary();
	chunk_is(128, 84, 2 * 84 * 128);
	assert_applied(&to_256k);
	assert_shape(VOL(0), &(struct shape){ 2 * 5 * MIB, 21, 21 * 512 + 2048, 512, 5, 1 });
}

/* The size on record is more than the map has: the stripes that follow from it would lie in the next volume. */
static void test_chunk_of_a_volume_with_a_wrong_size(void **state)
{
	static const struct message m = MIGRATE(3, 3, 0, 5, 256);

	(void)state;
	ordinary();
	ifx_volume(&ifx, 0, "N 0,1,2");
	imsm_volume_set_blocks(VOL(0), 2 * 73728);
	assert_applied(&m);
	ordinary();
	ifx_volume(&ifx, 0, "N 0,1,2");
	imsm_volume_set_blocks(VOL(0), 2 * (73728 + 512));
	assert_refused(&m, -ENOSPC);
}

/* Not one chunk on each member, or not one MiB: such a volume could not be loaded again. */
static void test_chunk_larger_than_member(void **state)
{
	static const struct message to_16m = MIGRATE(3, 3, 0, 5, 16384);
	static const struct message to_256k = MIGRATE(3, 3, 0, 5, 256);

	(void)state;
	ordinary();
	chunk_is(128, 128, 32768); /* 8 MiB */
	assert_refused(&to_16m, -EINVAL);
	ordinary();
	chunk_is(128, 15, 2 * 15 * 128);
	assert_refused(&to_256k, -EINVAL);
	ordinary();
	chunk_is(128, 16, 2 * MIB);
	assert_applied(&to_256k);
	assert_shape(VOL(0), &(struct shape){ 2 * MIB, 4, 2 * MIB, 512, 5, 1 });
}

static void test_grow_of_less_than_a_mib(void **state)
{
	static const struct message m = GROW(3, 4, 0x803);

	(void)state;
	ordinary();
	chunk_is(128, 15, 2 * 15 * 128);
	assert_refused(&m, -EINVAL);
	ordinary();
	chunk_is(128, 16, 2 * MIB);
	assert_applied(&m);
	assert_int_equal(imsm_volume_blocks(VOL(0)), 3 * MIB);
}

/* Also the 4.2 style gets what 4.6 writes, and RAID5 its attribute (which the reference forgot). */
static void test_parity_disk(void **state)
{
	static const struct message m = MIGRATE(2, 3, 0, 5, 0);

	(void)state;
	ifx_init(&ifx, 2);
	ifx_volume(&ifx, 0, "N 0,1");
	for (int i = 0; i < 3; i++)
		ifx_spare(&ifx);
	ifx.c.meta.header.attributes = le32_make(0x40000000);
	assert_applied(&m);
	assert_int_equal(ifx.dl[2].index, 2); /* the last one in the list */
	assert_int_equal(ifx.dl[3].index, IMSM_INDEX_SPARE);
	assert_int_equal(ifx.dl[4].index, IMSM_INDEX_SPARE);
	assert_true(ifx_table_serial_is(&ifx, 2, "DISK2"));
	assert_int_equal(le32_get(ifx.c.meta.disk[2].status), IMSM_DISK_CONFIGURED);
	assert_int_equal(VOL(0)->map[1].head.raid_level, 0);
	assert_int_equal(VOL(0)->map[0].head.failed_disk_num, 0xff);
	assert_int_equal(le32_get(ifx.c.meta.header.attributes),
			 0x40000000 | IMSM_ATTR_CHECKSUM_VERIFY | IMSM_ATTR_RAID5);
	assert_memory_equal(ifx.c.meta.header.version, "1.3.00\0", 8);
}

static void raid0_and_spares(void)
{
	ifx_init(&ifx, 2);
	ifx_volume(&ifx, 0, "N 0,1");
	ifx_spare(&ifx);
	ifx_spare(&ifx);
}

/* DISK2 would be taken; each of these leaves it out, and DISK3 is. */
static void test_parity_disk_that_fits(void **state)
{
	static const struct message m = MIGRATE(2, 3, 0, 5, 0);

	(void)state;
	for (unsigned what = 0; what < 8; what++) {
		print_message("  %u\n", what);
		raid0_and_spares();
		switch (what) {
		case 0: ifx.dl[2].index = IMSM_INDEX_UNRELATED; break;
		case 1: ifx.dl[2].record.status = le32_make(IMSM_DISK_FAILED); break;
		case 2: ifx.disk[2].sector_size = 4096; break;
		/* the volume, and 4258 behind it */
		case 3: ifx.disk[2].size = (65536 + 4258 - 1) * 512ull; break;
		case 4: ifx.dl[2].disk = NULL; break;
		case 5: memcpy(ifx.dl[2].serial, ifx.dl[0].serial, IMSM_SERIAL_LEN); break;
		/* What the first good member has on it counts: a second volume. */
		case 6:
			ifx_volume(&ifx, 0, "N 1,0");
			ifx.disk[2].size = (FX_PER_DEV + FX_GAP + 65536 + 4258 - 1) * 512ull;
			break;
		/* At the end of the smallest member there is less. */
		case 7:
			imsm_disk_set_blocks(&ifx.c.meta.disk[0], 65536 + 1000);
			ifx.disk[2].size = (65536 + 1000 - 1) * 512ull;
			break;
		}
		assert_int_equal(imsm_apply_message(&ifx.c, &ifx.scratch, m.word, m.len, &(const char *){ NULL }), 0);
		assert_int_equal(ifx.dl[3].index, 2);
		assert_true(ifx.dl[2].index < 0);
	}
	raid0_and_spares();
	ifx.disk[2].size = (65536 + 4258) * 512ull;
	assert_applied(&m);
	assert_int_equal(ifx.dl[2].index, 2);
	raid0_and_spares();
	imsm_disk_set_blocks(&ifx.c.meta.disk[0], 65536 + 1000);
	ifx.disk[2].size = (65536 + 1000) * 512ull;
	assert_applied(&m);
	assert_int_equal(ifx.dl[2].index, 2);
}

/* How much room is needed the first good member in the list tells: not DISK3, on which the second volume lies. */
static void test_parity_disk_beside_failed_disk(void **state)
{
	static const struct message m = MIGRATE(2, 3, 0, 5, 0);

	(void)state;
	ifx_init(&ifx, 4);
	ifx_volume(&ifx, 0, "N 0,2");
	ifx_volume(&ifx, 1, "D 1,3x! f1");
	ifx_spare(&ifx);
	ifx.disk[4].size = (65536 + 4258 - 1) * 512ull;
	assert_refused(&m, -ENODEV);
	ifx.disk[4].size += 512;
	assert_applied(&m);
	assert_string_equal(ifx_text(&ifx, 0), "N<GEN<N 0,2,4/0,2 u0");
}

static void test_migrate_contradictions(void **state)
{
	static const struct row rows[] = {
		{ "no such volume", 3, { { 5, "N 0,1,2" } }, 0, MIGRATE(3, 3, 1, 5, 256), -EINVAL, { NULL }, { 0 } },
		{ "no volume at all", 3, { { 0, NULL } }, 0, MIGRATE(3, 3, 0, 5, 256), -EINVAL, { NULL }, { 0 } },
		{ "nothing is to change", 3, { { 5, "N 0,1,2" } }, 0, MIGRATE(3, 3, 0, LEVEL_KEPT, 0), -EINVAL,
		  { NULL }, { 0 } },
		{ "the same level and chunk", 3, { { 5, "N 0,1,2" } }, 0, MIGRATE(3, 3, 0, 5, 64), -EINVAL,
		  { NULL }, { 0 } },
		{ "reshaping", 3, { { 5, "N<GEN<N 0,1,2/0,1,2 u2" } }, 0, MIGRATE(3, 3, 0, 5, 256), -EBUSY,
		  { NULL }, { 0 } },
		{ "rebuilding", 3, { { 5, "N<REBUILD<D 0,1,2/0,1,2! f2 u2" } }, 0, MIGRATE(3, 3, 0, 5, 256), -EBUSY,
		  { NULL }, { 0 } },
		{ "another volume reshapes", 3, { { 5, "N 0,1,2" }, { 5, "N<GEN<N 0,1,2/0,1,2 u2" } }, 0,
		  MIGRATE(3, 3, 0, 5, 256), -EBUSY, { NULL }, { 0 } },
		{ "RAID1", 2, { { 1, "N 0,1" } }, 1, MIGRATE(2, 2, 0, 1, 256), -EINVAL, { NULL }, { 0 } },
		{ "RAID1 to 5", 2, { { 1, "N 0,1" } }, 1, MIGRATE(2, 3, 0, 5, 0), -EINVAL, { NULL }, { 0 } },
		{ "RAID10", 4, { { 10, "N 0,1,2,3" } }, 0, MIGRATE(4, 4, 0, 10, 256), -EINVAL, { NULL }, { 0 } },
		{ "RAID5 to 0", 3, { { 5, "N 0,1,2" } }, 0, MIGRATE(3, 3, 0, 0, 0), -EINVAL, { NULL }, { 0 } },
		{ "RAID5 to 1", 3, { { 5, "N 0,1,2" } }, 0, MIGRATE(3, 3, 0, 1, 0), -EINVAL, { NULL }, { 0 } },
		{ "RAID0 to 1", 2, { { 0, "N 0,1" } }, 1, MIGRATE(2, 2, 0, 1, 0), -EINVAL, { NULL }, { 0 } },
		{ "RAID0 to 10", 2, { { 0, "N 0,1" } }, 2, MIGRATE(2, 4, 0, 10, 0), -EINVAL, { NULL }, { 0 } },
		{ "RAID0 on one disk to 5", 1, { { 0, "N 0" } }, 1, MIGRATE(1, 2, 0, 5, 0), -EINVAL, { NULL }, { 0 } },
		{ "no spare for the parity", 2, { { 0, "N 0,1" } }, 0, MIGRATE(2, 3, 0, 5, 0), -ENODEV, { NULL },
		  { 0 } },
		{ "the same, a member of another volume", 3, { { 0, "N 0,1" }, { 0, "N 2" } }, 0,
		  MIGRATE(2, 3, 0, 5, 0), -ENODEV, { NULL }, { 0 } },
		{ "lost", 3, { { 5, "F 0x!,1x!,2 f0" } }, 0, MIGRATE(3, 3, 0, 5, 256), -EINVAL, { NULL }, { 0 } },
		/* Nothing is there from which the parity could be made. */
		{ "RAID0 has failed", 2, { { 0, "F 0,1x! f1" } }, 1, MIGRATE(2, 3, 0, 5, 0), -EINVAL, { NULL },
		  { 0 } },
		{ "a disk of the RAID0 is missing", 2, { { 0, "N 0,1?" } }, 1, MIGRATE(2, 3, 0, 5, 0), -EINVAL,
		  { NULL }, { 0 } },
	};
	static const struct message m = MIGRATE(2, 3, 0, 5, 0);

	(void)state;
	CHECK_ROWS(rows);
	raid0_and_spares();
	ifx.c.meta.num_disks = IMSM_MAX_DISKS;
	assert_refused(&m, -EINVAL);
	ifx.c.meta.num_disks = IMSM_MAX_DISKS - 1;
	assert_applied(&m);
	assert_string_equal(ifx_text(&ifx, 0), "N<GEN<N 0,1,254/0,1 u0");
}

/* ---- takeover to RAID0 ---- */

enum lost { FAILED_THERE, FAILED_MISSING, MISSING, FLAGGED, KINDS_LOST };

static const char *const lost_mark[KINDS_LOST] = { "x!", "x?!", "?", "!" };

/* Of each of the mirrors 0,1 and 2,3 the half that the bit of `keep` names stays. */
static void check_survivors(unsigned keep, enum lost lost)
{
	static const struct message m = TAKEOVER(0, TO_RAID0);
	unsigned stays[2] = { keep & 1, 2 + (keep >> 1) }, gone[2] = { stays[0] ^ 1, stays[1] ^ 1 };
	char text[64], serial[8], *p = text + sprintf(text, "D ");

	for (unsigned i = 0; i < 4; i++)
		p += sprintf(p, "%s%u%s", i ? "," : "", i, i == gone[0] || i == gone[1] ? lost_mark[lost] : "");
	sprintf(p, " f%u", gone[0]);
	print_message("  %s\n", text);
	ifx_init(&ifx, 4);
	ifx_volume(&ifx, 10, text);
	assert_applied(&m);
	assert_string_equal(ifx_text(&ifx, 0), "N 0,1");
	/* 131072 / 2 / 1 / 128 stripes */
	assert_shape(VOL(0), &(struct shape){ 131072, 512, 67584, 128, 0, 1 });
	assert_int_equal(ifx.c.meta.num_disks, 2);
	for (unsigned i = 0; i < 2; i++) {
		const struct imsm_dl *dl = &ifx.dl[gone[i]];

		sprintf(serial, "DISK%u", stays[i]);
		assert_true(ifx_table_serial_is(&ifx, i, serial));
		assert_int_equal(ifx.dl[stays[i]].index, i);
		assert_int_equal(le32_get(ifx.c.meta.disk[i].status), IMSM_DISK_CONFIGURED);
		if (lost == FAILED_MISSING || lost == MISSING)
			continue;
		assert_int_equal(dl->index, IMSM_INDEX_SPARE);
		assert_true(dl->spare_record_due);
		assert_int_equal(le32_get(dl->record.status), IMSM_DISK_SPARE);
		assert_memory_equal(dl->record.serial, dl->serial, IMSM_SERIAL_LEN);
		assert_int_equal(imsm_disk_blocks(&dl->record), FX_DISK_BLOCKS);
		assert_false(imsm_dl_failed(&ifx.c, dl));
	}
}

static void test_raid10_to_raid0_survivors(void **state)
{
	(void)state;
	for (unsigned keep = 0; keep < 4; keep++)
		for (enum lost lost = 0; lost < KINDS_LOST; lost++)
			check_survivors(keep, lost);
}

static void test_takeover_to_raid0(void **state)
{
	static const struct row rows[] = {
		{ "RAID1", 2, { { 1, "D 0,1x! f1" } }, 0, TAKEOVER(0, TO_RAID0), 0, { "N 0" },
		  { 65536, 512, 67584, 128, 0, 1 } },
		{ "RAID1, the other half", 2, { { 1, "D 0x!,1 f0" } }, 0, TAKEOVER(0, TO_RAID0), 0, { "N 0" },
		  { 65536, 512, 67584, 128, 0, 1 } },
		{ "slots in another order", 4, { { 10, "D 3x!,1,0,2?! f0" } }, 0, TAKEOVER(0, TO_RAID0), 0,
		  { "N 1,0" }, { 131072, 512, 67584, 128, 0, 1 } },
		{ "RAID10 stored as 1", 4, { { 1, "D 0x!,1,2x!,3 f0" } }, 0, TAKEOVER(0, TO_RAID0), 0, { "N 0,1" },
		  { 131072, 512, 67584, 128, 0, 1 } },
		{ "six disks", 6, { { 10, "D 0x!,1,2,3x!,4?,5 f0" } }, 0, TAKEOVER(0, TO_RAID0), 0, { "N 0,1,2" },
		  { 3 * 65536, 512, 67584, 128, 0, 1 } },
		{ "the second volume", 4, { { 5, "N 0,1,2" }, { 1, "D 2,3x! f1" } }, 0, TAKEOVER(1, TO_RAID0), 0,
		  { NULL, "N 2" }, { 0 } },
		{ "a disk of another volume", 5, { { 10, "D 0,1x!,2,3x! f1" }, { 5, "N 0,2,4" } }, 0,
		  TAKEOVER(0, TO_RAID0), 0, { "N 0,1", "N 0,1,2" }, { 131072, 512, 67584, 128, 0, 1 } },
		{ "the volume before names it", 3, { { 1, "D 0,1x! f1" }, { 1, "D 2,1x! f1" } }, 0,
		  TAKEOVER(1, TO_RAID0), 0, { "D 0,1x! f1", "N 2" }, { 0 } },
		{ "another volume names both", 4, { { 10, "D 0x!,1,2,3x! f0" }, { 5, "F 0x!,1,2,3x! f0" } }, 0,
		  TAKEOVER(0, TO_RAID0), 0, { "N 1,2" }, { 131072, 512, 67584, 128, 0, 1 } },
		{ "another volume names one", 4, { { 10, "D 0x!,1,2x!,3 f0" }, { 1, "D 0x!,3 f0" } }, 0,
		  TAKEOVER(0, TO_RAID0), 0, { "N 1,2", "D 0x!,2 f0" }, { 131072, 512, 67584, 128, 0, 1 } },
		{ "another volume is being rebuilt from one", 4,
		  { { 10, "D 0,1x!,2,3x! f1" }, { 1, "N<REBUILD<D 0,2/0,3x! f1 u2" } }, 0, TAKEOVER(0, TO_RAID0), 0,
		  { "N 0,1", "N<REBUILD<D 0,1/0,2x! f1 u2" }, { 131072, 512, 67584, 128, 0, 1 } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		check_row(&rows[i]);
		assert_false(migr_record_cleared());
	}
}

/* One that belonged to a volume which was deleted. */
static void test_disk_of_no_volume_stays(void **state)
{
	static const struct message m = TAKEOVER(0, TO_RAID0);

	(void)state;
	ifx_init(&ifx, 5);
	ifx_volume(&ifx, 10, "D 0,2x!,3,4x! f1");
	assert_applied(&m);
	assert_string_equal(ifx_text(&ifx, 0), "N 0,2");
	assert_int_equal(ifx.c.meta.num_disks, 3);
	assert_int_equal(ifx.dl[1].index, 1);
}

/* Its entry stays for the other volume, and so does its mark: it holds nothing that this one could use. */
static void test_dropped_half_of_two_volumes(void **state)
{
	static const struct message m = TAKEOVER(0, TO_RAID0);

	(void)state;
	ifx_init(&ifx, 4);
	ifx_volume(&ifx, 10, "D 0x!,1,2x!,3 f0");
	ifx_volume(&ifx, 1, "D 0x!,3 f0");
	assert_applied(&m);
	assert_int_equal(ifx.c.meta.num_disks, 3);
	assert_int_equal(ifx.dl[0].index, 0);
	assert_true(ifx_table_serial_is(&ifx, 0, "DISK0:0"));
	assert_int_equal(le32_get(ifx.c.meta.disk[0].status), IMSM_DISK_CONFIGURED | IMSM_DISK_FAILED);
	assert_int_equal(ifx.dl[2].index, IMSM_INDEX_SPARE);
	assert_int_equal(ifx.dl[3].index, 2);
}

static void test_takeover_moves_bad_blocks(void **state)
{
	static const struct message down = TAKEOVER(0, TO_RAID0), up = TAKEOVER(0, TO_RAID10);
	static const struct imsm_bad_range bad[] = { { 8, 8, 0 }, { 16, 8, 1 }, { 24, 8, 3 } };

	(void)state;
	ifx_init(&ifx, 4);
	ifx_volume(&ifx, 10, "D 0,1!,2!,3 f1");
	memcpy(ifx.c.meta.bad, bad, sizeof(bad));
	ifx.c.meta.num_bad = 3;
	assert_applied(&down);
	assert_int_equal(ifx.c.meta.num_bad, 2);
	assert_int_equal(ifx.c.meta.bad[0].disk, 0);
	assert_int_equal(ifx.c.meta.bad[0].sector, 8);
	assert_int_equal(ifx.c.meta.bad[1].disk, 1);
	assert_int_equal(ifx.c.meta.bad[1].sector, 24);
	assert_applied(&up);
	assert_int_equal(ifx.c.meta.num_bad, 2);
	assert_int_equal(ifx.c.meta.bad[0].disk, 0);
	assert_int_equal(ifx.c.meta.bad[1].disk, 2);
}

static void test_takeover_to_raid0_contradictions(void **state)
{
	static const struct row rows[] = {
		{ "no such volume", 4, { { 10, "D 0,1x!,2,3x! f1" } }, 0, TAKEOVER(1, TO_RAID0), -EINVAL, { NULL },
		  { 0 } },
		{ "all good", 4, { { 10, "N 0,1,2,3" } }, 0, TAKEOVER(0, TO_RAID0), -EINVAL, { NULL }, { 0 } },
		{ "RAID1, all good", 2, { { 1, "N 0,1" } }, 0, TAKEOVER(0, TO_RAID0), -EINVAL, { NULL }, { 0 } },
		{ "RAID1, nothing left", 2, { { 1, "F 0x!,1? f0" } }, 0, TAKEOVER(0, TO_RAID0), -EINVAL, { NULL },
		  { 0 } },
		{ "one mirror is whole", 4, { { 10, "D 0,1x!,2,3 f1" } }, 0, TAKEOVER(0, TO_RAID0), -EINVAL,
		  { NULL }, { 0 } },
		{ "the first mirror is whole", 4, { { 10, "D 0,1,2x!,3 f2" } }, 0, TAKEOVER(0, TO_RAID0), -EINVAL,
		  { NULL }, { 0 } },
		{ "half of the disks, but one mirror is lost", 4, { { 10, "F 0x!,1x!,2,3 f0" } }, 0,
		  TAKEOVER(0, TO_RAID0), -EINVAL, { NULL }, { 0 } },
		{ "the other mirror is lost", 4, { { 10, "F 0,1,2x!,3? f2" } }, 0, TAKEOVER(0, TO_RAID0), -EINVAL,
		  { NULL }, { 0 } },
		{ "three are gone", 4, { { 10, "F 0x!,1x!,2,3x! f0" } }, 0, TAKEOVER(0, TO_RAID0), -EINVAL, { NULL },
		  { 0 } },
		{ "RAID5", 3, { { 5, "D 0,1x!,2 f1" } }, 0, TAKEOVER(0, TO_RAID0), -EINVAL, { NULL }, { 0 } },
		{ "RAID0 already", 2, { { 0, "F 0,1x! f1" } }, 0, TAKEOVER(0, TO_RAID0), -EINVAL, { NULL }, { 0 } },
		{ "rebuilding", 2, { { 1, "N<REBUILD<D 0,1/0,1! f1 u2" } }, 0, TAKEOVER(0, TO_RAID0), -EBUSY,
		  { NULL }, { 0 } },
		{ "resyncing", 2, { { 1, "N<REPAIR<N 0,1x!/0,1x! f1 u2" } }, 0, TAKEOVER(0, TO_RAID0), -EBUSY,
		  { NULL }, { 0 } },
	};

	(void)state;
	CHECK_ROWS(rows);
}

/* ---- takeover to RAID10 ---- */

static void test_takeover_to_raid10(void **state)
{
	static const struct row rows[] = {
		/* 131072 / 2 / 2 / 128; four disks are "RAID1" to the firmware */
		{ "two disks", 2, { { 0, "N 0,1" } }, 0, TAKEOVER(0, TO_RAID10), 0, { "D 0,1x?!,2,3x?! f1" },
		  { 131072, 256, 67584, 128, 1, 2 } },
		{ "three disks", 3, { { 0, "N 0,1,2" } }, 0, TAKEOVER(0, TO_RAID10), 0,
		  { "D 0,1x?!,2,3x?!,4,5x?! f1" }, { 196608, 256, 67584, 128, 10, 2 } },
		{ "slots in another order", 2, { { 0, "N 1,0" } }, 0, TAKEOVER(0, TO_RAID10), 0,
		  { "D 2,3x?!,0,1x?! f1" }, { 131072, 256, 67584, 128, 1, 2 } },
		{ "spares stay", 2, { { 0, "N 0,1" } }, 2, TAKEOVER(0, TO_RAID10), 0, { "D 0,1x?!,2,3x?! f1" },
		  { 131072, 256, 67584, 128, 1, 2 } },
		{ "a second volume", 3, { { 0, "N 0,1,2" }, { 5, "N 2,0,1" } }, 0, TAKEOVER(0, TO_RAID10), 0,
		  { "D 0,1x?!,2,3x?!,4,5x?! f1", "N 4,0,2" }, { 196608, 256, 67584, 128, 10, 2 } },
		{ "a second volume that rebuilds", 2, { { 0, "N 0,1" }, { 1, "N<REBUILD<D 0,1/0,1! f1 u2" } }, 0,
		  TAKEOVER(0, TO_RAID10), 0, { "D 0,1x?!,2,3x?! f1", "N<REBUILD<D 0,2/0,2! f1 u2" },
		  { 131072, 256, 67584, 128, 1, 2 } },
		{ "a disk of another volume", 4, { { 0, "N 0,2" }, { 1, "D 1,3x! f1" } }, 0, TAKEOVER(0, TO_RAID10),
		  0, { "D 0,1x?!,3,4x?! f1", "D 2,5x! f1" }, { 131072, 256, 67584, 128, 1, 2 } },
		{ "the second volume", 2, { { 1, "N 0,1" }, { 0, "N 0,1" } }, 0, TAKEOVER(1, TO_RAID10), 0,
		  { "N 0,2", "D 0,1x?!,2,3x?! f1" }, { 0 } },
	};

	(void)state;
	CHECK_ROWS(rows);
}

/* imsm.md 1.17: named after their place in the table, with both marks. */
static void test_missing_partners(void **state)
{
	static const struct message m = TAKEOVER(0, TO_RAID10);
	static const char *const texts[] = { "N 0,1,2", "N 2,1,0", "N 2,0,1" };
	char serial[IMSM_SERIAL_LEN];

	(void)state;
	for (size_t t = 0; t < sizeof(texts) / sizeof(texts[0]); t++) {
		ifx_init(&ifx, 3);
		ifx_volume(&ifx, 0, texts[t]);
		imsm_disk_set_blocks(&ifx.c.meta.disk[1], 700000);
		assert_applied(&m);
		assert_int_equal(ifx.c.meta.num_disks, 6);
		for (unsigned i = 0; i < 3; i++) {
			assert_int_equal(ifx.dl[i].index, 2 * i);
			snprintf(serial, sizeof(serial), "MISSING_%u:0", 2 * i + 1);
			assert_true(ifx_table_serial_is(&ifx, 2 * i + 1, serial));
			assert_int_equal(le32_get(ifx.c.meta.disk[2 * i + 1].status),
					 IMSM_DISK_CONFIGURED | IMSM_DISK_FAILED);
			assert_int_equal(le32_get(ifx.c.meta.disk[2 * i + 1].scsi_id), IMSM_SCSI_ID_MISSING);
			assert_int_equal(imsm_disk_blocks(&ifx.c.meta.disk[2 * i + 1]),
					 imsm_disk_blocks(&ifx.c.meta.disk[2 * i]));
		}
		assert_int_equal(le32_get(ifx.c.meta.header.attributes),
				 IMSM_ATTR_CHECKSUM_VERIFY | IMSM_ATTR_RAID10 | IMSM_ATTR_RAID10_EXT);
	}
}

/* Flags other than IMSM_ORD_REBUILD mean nothing to us, and are no part of a disk's number. */
static void test_unknown_ord_flags(void **state)
{
	static const struct message up = TAKEOVER(0, TO_RAID10), down = TAKEOVER(0, TO_RAID0);

	(void)state;
	ifx_init(&ifx, 2);
	ifx_volume(&ifx, 0, "N 0,1");
	MAP0(0)->ord[0] |= 0x02000000;
	MAP0(0)->ord[1] |= 0x80000000;
	assert_applied(&up);
	assert_string_equal(ifx_text(&ifx, 0), "D 0,1x?!,2,3x?! f1");
	MAP0(0)->ord[0] |= 0x02000000;
	MAP0(0)->ord[3] |= 0x80000000;
	assert_applied(&down);
	assert_string_equal(ifx_text(&ifx, 0), "N 0,1");
}

static void test_up_and_down(void **state)
{
	static const struct message up = TAKEOVER(0, TO_RAID10), down = TAKEOVER(0, TO_RAID0);
	static struct imsm_map_head before;

	(void)state;
	ifx_init(&ifx, 3);
	ifx_volume(&ifx, 0, "N 1,2,0");
	before = MAP0(0)->head;
	assert_applied(&up);
	assert_applied(&down);
	assert_string_equal(ifx_text(&ifx, 0), "N 1,2,0");
	assert_memory_equal(&before, &MAP0(0)->head, sizeof(before));
	assert_int_equal(ifx.c.meta.num_disks, 3);
}

static void test_takeover_to_raid10_contradictions(void **state)
{
	static const struct row rows[] = {
		{ "no such volume", 2, { { 0, "N 0,1" } }, 0, TAKEOVER(1, TO_RAID10), -EINVAL, { NULL }, { 0 } },
		{ "RAID1", 2, { { 1, "N 0,1" } }, 0, TAKEOVER(0, TO_RAID10), -EINVAL, { NULL }, { 0 } },
		{ "RAID5", 3, { { 5, "N 0,1,2" } }, 0, TAKEOVER(0, TO_RAID10), -EINVAL, { NULL }, { 0 } },
		{ "RAID10 already", 4, { { 10, "N 0,1,2,3" } }, 0, TAKEOVER(0, TO_RAID10), -EINVAL, { NULL }, { 0 } },
		{ "one disk", 1, { { 0, "N 0" } }, 0, TAKEOVER(0, TO_RAID10), -EINVAL, { NULL }, { 0 } },
		{ "a disk has failed", 2, { { 0, "F 0,1x! f1" } }, 0, TAKEOVER(0, TO_RAID10), -EINVAL, { NULL },
		  { 0 } },
		{ "a disk is missing", 2, { { 0, "N 0?,1" } }, 0, TAKEOVER(0, TO_RAID10), -EINVAL, { NULL }, { 0 } },
		{ "reshaping", 3, { { 0, "N<GEN<N 0,1,2/0,1 u1" } }, 0, TAKEOVER(0, TO_RAID10), -EBUSY, { NULL },
		  { 0 } },
	};
	static const struct message m = TAKEOVER(0, TO_RAID10);

	(void)state;
	CHECK_ROWS(rows);
	raid0_and_spares();
	ifx.c.meta.num_disks = IMSM_MAX_DISKS - 1; /* room for one of the two */
	assert_refused(&m, -EINVAL);
	ifx.c.meta.num_disks = IMSM_MAX_DISKS - 2;
	assert_applied(&m);
	assert_int_equal(ifx.c.meta.num_disks, IMSM_MAX_DISKS);
}

/* The numbers of a reshaping container's disks are agreed with mdadm, and its volumes follow each other. */
static void test_no_takeover_beside_a_reshape(void **state)
{
	static const struct row rows[] = {
		{ "to RAID10", 4, { { 5, "N<GEN<N 0,1,2,3/0,1,2 u1" }, { 0, "N 0,1,2" } }, 0, TAKEOVER(1, TO_RAID10),
		  -EBUSY, { NULL }, { 0 } },
		{ "to RAID0", 4, { { 5, "N<GEN<N 0,2,3/0,2,3 u1" }, { 1, "D 0,1x! f1" } }, 0, TAKEOVER(1, TO_RAID0),
		  -EBUSY, { NULL }, { 0 } },
	};

	(void)state;
	CHECK_ROWS(rows);
}

/* ---- checkpoints ---- */

static void test_checkpoint(void **state)
{
	static const struct row rows[] = {
		{ "forward", 4, { { 5, "N<GEN<N 0,1,2,3/0,1,2 u1" } }, 0, CHECKPOINT(7), 0,
		  { "N<GEN<N 0,1,2,3/0,1,2 u7" }, { 0 } },
		{ "back", 4, { { 5, "N<GEN<N 0,1,2,3/0,1,2 u7" } }, 0, CHECKPOINT(0), 0,
		  { "N<GEN<N 0,1,2,3/0,1,2 u0" }, { 0 } },
		{ "to the end", 4, { { 5, "N<GEN<N 0,1,2,3/0,1,2 u7" } }, 0, CHECKPOINT(3 * 65536), 0,
		  { "N<GEN<N 0,1,2,3/0,1,2 u196608" }, { 0 } },
		{ "beyond", 4, { { 5, "N<GEN<N 0,1,2,3/0,1,2 u7" } }, 0, CHECKPOINT(3 * 65536 + 1), -EINVAL, { NULL },
		  { 0 } },
		{ "far beyond", 4, { { 5, "N<GEN<N 0,1,2,3/0,1,2 u7" } }, 0, CHECKPOINT(INT64_MAX), -EINVAL, { NULL },
		  { 0 } },
		{ "32 bits would be enough", 4, { { 5, "N<GEN<N 0,1,2,3/0,1,2 u7" } }, 0, CHECKPOINT(1ll << 32),
		  -EINVAL, { NULL }, { 0 } },
		{ "degraded", 4, { { 5, "D<GEN<D 0,1x!,2,3/0,1x!,2 f1 u2" } }, 0, CHECKPOINT(3), 0,
		  { "D<GEN<D 0,1x!,2,3/0,1x!,2 f1 u3" }, { 0 } },
		{ "of the second volume", 3, { { 5, "N 0,1,2" }, { 5, "N<GEN<N 0,1,2/0,1,2 u2" } }, 0, CHECKPOINT(4),
		  0, { "N 0,1,2", "N<GEN<N 0,1,2/0,1,2 u4" }, { 0 } },
		{ "a rebuild has its own", 3,
		  { { 5, "N<REBUILD<D 0,1,2/0,1,2! f2 u2" }, { 5, "N<GEN<N 0,1,2/0,1,2 u2" } }, 0, CHECKPOINT(4), 0,
		  { "N<REBUILD<D 0,1,2/0,1,2! f2 u2", "N<GEN<N 0,1,2/0,1,2 u4" }, { 0 } },
		{ "of each volume that reshapes", 3,
		  { { 5, "N<GEN<N 0,1,2/0,1,2 u2" }, { 0, "N<GEN<N 0,1,2/0,1,2 u1" } }, 0, CHECKPOINT(4), 0,
		  { "N<GEN<N 0,1,2/0,1,2 u4", "N<GEN<N 0,1,2/0,1,2 u4" }, { 0 } },
		{ "beyond the end of one", 3,
		  { { 0, "N<GEN<N 0,1,2/0,1,2 u2" }, { 5, "N<GEN<N 0,1,2/0,1,2 u1" } }, 0, CHECKPOINT(2 * 65536 + 1),
		  -EINVAL, { NULL }, { 0 } },
		{ "beyond the end of one that does not reshape", 4,
		  { { 5, "N<GEN<N 0,1,2,3/0,1,2 u2" }, { 1, "N 0,1" } }, 0, CHECKPOINT(100000), 0,
		  { "N<GEN<N 0,1,2,3/0,1,2 u100000", "N 0,1" }, { 0 } },
	};

	(void)state;
	CHECK_ROWS(rows);
}

/* mdadm sends each unit twice: the second time there is nothing to write. */
/* The last one comes after the end has been noticed. */
static void test_checkpoint_when_nothing_reshapes(void **state)
{
	static const struct message m = CHECKPOINT(2);
	static const char *const text[] = { "N 0,1,2", "N<REBUILD<D 0,1,2/0,1,2! f2 u5" };

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		ifx_init(&ifx, 3);
		ifx_volume(&ifx, 5, text[i]);
		assert_applied(&m);
		assert_string_equal(ifx_text(&ifx, 0), text[i]);
		assert_false(ifx.c.write_due);
	}
	/* a volume that was deleted does not count */
	ordinary();
	ifx_volume(&ifx, 5, "N<GEN<N 0,1,2/0,1,2 u1");
	ifx.c.meta.num_volumes--;
	assert_applied(&m);
	assert_int_equal(imsm_volume_unit(VOL(1)), 1);
}

static void test_same_checkpoint_again(void **state)
{
	static const struct message m = CHECKPOINT(2);

	(void)state;
	ifx_init(&ifx, 4);
	ifx_volume(&ifx, 5, "N<GEN<N 0,1,2,3/0,1,2 u1");
	assert_applied(&m);
	assert_true(ifx.c.write_due);
	assert_applied(&m);
	assert_false(ifx.c.write_due);
	assert_false(migr_record_cleared()); /* it is mdadm's now */
}

static void test_checkpoint_of_64_bits(void **state)
{
	static const struct message m = CHECKPOINT(0x123456789ll);

	(void)state;
	ifx_init(&ifx, 4);
	ifx_volume(&ifx, 5, "N<GEN<N 0,1,2,3/0,1,2 u1");
	imsm_volume_set_blocks(VOL(0), 1ull << 40);
	assert_applied(&m);
	assert_int_equal(imsm_volume_unit(VOL(0)), 0x123456789ull);
}

/* ---- another size ---- */

static void test_resize(void **state)
{
	static const struct row rows[] = {
		/* per member 50000: 390 strips (49920 sectors), 24 MiB (49152) */
		{ "RAID0", 2, { { 0, "N 0,1" } }, 0, RESIZE(0, 100000), 0, { "N 0,1" },
		  { 2 * 24 * MIB, 390, 50000 + 2048, 128, 0, 1 } },
		/* 40960 / 1 / 2 / 128 */
		{ "RAID1", 2, { { 1, "N 0,1" } }, 0, RESIZE(0, 40960), 0, { "N 0,1" },
		  { 40960, 160, 43008, 128, 1, 2 } },
		/* 81920 / 2 / 2 / 128, as in imsm.md 3.1 */
		{ "RAID10", 4, { { 10, "N 0,1,2,3" } }, 0, RESIZE(0, 81920), 0, { "N 0,1,2,3" },
		  { 81920, 160, 43008, 128, 10, 2 } },
		{ "RAID10 stored as 1", 4, { { 1, "N 0,1,2,3" } }, 0, RESIZE(0, 81920), 0, { "N 0,1,2,3" },
		  { 81920, 160, 43008, 128, 1, 2 } },
		{ "RAID5 larger", 3, { { 5, "N 0,1,2" } }, 0, RESIZE(0, 2 * 100 * MIB), 0, { "N 0,1,2" },
		  { 2 * 100 * MIB, 1600, 101 * MIB, 128, 5, 1 } },
		{ "RAID5, no multiple of 8 sectors", 3, { { 5, "N 0,1,2" } }, 0, RESIZE(0, 122887), 0, { "N 0,1,2" },
		  { 122880, 480, 61443 + 2048, 128, 5, 1 } },
		{ "RAID0 on one disk", 1, { { 0, "N 0" } }, 0, RESIZE(0, 40960), 0, { "N 0" },
		  { 40960, 320, 43008, 128, 0, 1 } },
		{ "one MiB of each member", 3, { { 5, "N 0,1,2" } }, 0, RESIZE(0, 2 * MIB), 0, { "N 0,1,2" },
		  { 2 * MIB, 16, 2 * MIB, 128, 5, 1 } },
		{ "a sector less", 3, { { 5, "N 0,1,2" } }, 0, RESIZE(0, 2 * MIB - 1), -EINVAL, { NULL }, { 0 } },
		{ "RAID1, a sector less", 2, { { 1, "N 0,1" } }, 0, RESIZE(0, MIB - 1), -EINVAL, { NULL }, { 0 } },
		{ "one sector", 3, { { 5, "N 0,1,2" } }, 0, RESIZE(0, 1), -EINVAL, { NULL }, { 0 } },
		{ "huge", 3, { { 5, "N 0,1,2" } }, 0, RESIZE(0, IMSM_BLOCKS_MAX), -ENOSPC, { NULL }, { 0 } },
		{ "above 2 TiB", 3, { { 5, "N 0,1,2" } }, 0, RESIZE(0, 1ll << 33), -ENOSPC, { NULL }, { 0 } },
		{ "no such volume", 3, { { 5, "N 0,1,2" } }, 0, RESIZE(1, 122880), -EINVAL, { NULL }, { 0 } },
		{ "the same size", 3, { { 5, "N 0,1,2" } }, 0, RESIZE(0, 131072), 0, { "N 0,1,2" },
		  { 131072, 512, 67584, 128, 5, 1 } },
		/* The next volume begins at 65536 + 8192. */
		{ "up to the volume behind", 3, { { 5, "N 0,1,2" }, { 0, "N 0,1,2" } }, 0, RESIZE(0, 2 * 73728), 0,
		  { "N 0,1,2" }, { 2 * 73728, 576, 73728 + 2048, 128, 5, 1 } },
		{ "a stripe into the volume behind", 3, { { 5, "N 0,1,2" }, { 0, "N 0,1,2" } }, 0,
		  RESIZE(0, 2 * (73728 + 128)), -ENOSPC, { NULL }, { 0 } },
		{ "into one on a single common disk", 3, { { 1, "N 0,1" }, { 1, "N 1,2" } }, 0, RESIZE(0, 80000),
		  -ENOSPC, { NULL }, { 0 } },
		{ "beside one on other disks", 4, { { 1, "N 0,1" }, { 1, "N 2,3" } }, 0, RESIZE(0, 40 * MIB), 0,
		  { "N 0,1" }, { 40 * MIB, 320, 41 * MIB, 128, 1, 2 } },
		{ "the volume behind", 3, { { 5, "N 0,1,2" }, { 0, "N 0,1,2" } }, 0, RESIZE(1, 3 * 40 * MIB), 0,
		  { NULL }, { 131072, 512, 67584, 128, 5, 1 } },
		{ "the volume behind, beyond the disk", 3, { { 5, "N 0,1,2" }, { 0, "N 0,1,2" } }, 0,
		  RESIZE(1, 3 * (1000000 - 73728 + 128)), -ENOSPC, { NULL }, { 0 } },
		/* mdadm's "fix size mismatch" */
		{ "while it reshapes", 4, { { 5, "N<GEN<N 0,1,2,3/0,1,2 u2" } }, 0, RESIZE(0, 3 * 30 * MIB), 0,
		  { "N<GEN<N 0,1,2,3/0,1,2 u2" }, { 3 * 30 * MIB, 480, 31 * MIB, 128, 5, 1 } },
		{ "its checkpoint would lie outside", 4, { { 5, "N<GEN<N 0,1,2,3/0,1,2 u6145" } }, 0,
		  RESIZE(0, 3 * MIB), -EINVAL, { NULL }, { 0 } },
		{ "its checkpoint lies just within", 4, { { 5, "N<GEN<N 0,1,2,3/0,1,2 u6144" } }, 0,
		  RESIZE(0, 3 * MIB), 0, { "N<GEN<N 0,1,2,3/0,1,2 u6144" }, { 3 * MIB, 16, 2 * MIB, 128, 5, 1 } },
	};

	(void)state;
	CHECK_ROWS(rows);
}

/* Only where the volume goes: map 1 is what it was. */
static void test_resize_leaves_map_1(void **state)
{
	static const struct message m = RESIZE(0, 3 * 30 * MIB);
	static struct imsm_map before;

	(void)state;
	ifx_init(&ifx, 4);
	ifx_volume(&ifx, 5, "N<GEN<N 0,1,2,3/0,1,2 u2");
	before = VOL(0)->map[1];
	assert_applied(&m);
	assert_memory_equal(&before, &VOL(0)->map[1], sizeof(before));
	assert_false(migr_record_cleared());
}

/* Nobody looks at the checkpoint of a volume that does not migrate. */
static void test_resize_beside_old_checkpoint(void **state)
{
	static const struct message m = RESIZE(0, 2 * MIB);

	(void)state;
	ordinary();
	imsm_volume_set_unit(VOL(0), 100000);
	assert_applied(&m);
}

static void test_resize_needs_a_whole_chunk(void **state)
{
	static const struct message one_chunk = RESIZE(0, 2 * 32768), less = RESIZE(0, 2 * 31744);

	(void)state;
	ordinary();
	chunk_is(32768, 2, 131072);
	assert_refused(&less, -EINVAL);
	assert_applied(&one_chunk);
	assert_shape(VOL(0), &(struct shape){ 65536, 1, 32768 + 2048, 32768, 5, 1 });
}

/* The metadata stands at the end; 2572 bytes at most with three disks, this volume and a full bad block log. */
static void test_resize_up_to_the_metadata(void **state)
{
	static const struct message m = RESIZE(0, 2 * 100 * MIB);

	(void)state;
	ordinary();
	imsm_disk_set_blocks(&ifx.c.meta.disk[1], 100 * MIB + 5);
	assert_refused(&m, -ENOSPC);
	imsm_disk_set_blocks(&ifx.c.meta.disk[1], 100 * MIB - 1);
	assert_refused(&m, -ENOSPC);
	imsm_disk_set_blocks(&ifx.c.meta.disk[1], 100 * MIB + 7);
	assert_applied(&m);
	/* Disks that the volume does not use do not matter. */
	ordinary();
	imsm_disk_set_blocks(&ifx.dl[3].record, 1000);
	assert_applied(&m);
}

static void test_resize_above_2_tib(void **state)
{
	static const struct message m = RESIZE(0, 5ll << 32);

	(void)state;
	ifx_init(&ifx, 2);
	ifx_volume(&ifx, 1, "N 0,1");
	ifx.c.meta.header.attributes = le32_make(IMSM_ATTR_2TB_DISK);
	imsm_disk_set_blocks(&ifx.c.meta.disk[0], 6ull << 32);
	imsm_disk_set_blocks(&ifx.c.meta.disk[1], 6ull << 32);
	assert_applied(&m);
	assert_shape(VOL(0), &(struct shape){ 5ull << 32, (5ull << 32) / 256, (5ull << 32) + 2048, 128, 1, 2 });
}

/* ---- metadata as mdadm and its daemon wrote it ---- */

/* As disk 0 of the sample has it; all disks of its table are there. */
static void given_sample(const char *name)
{
	const struct sample *s = sample_named(name);

	memset(&ifx, 0, sizeof(ifx));
	sample_decode(s, 0, &ifx.c.meta);
	ifx.c.sector_size = s->sector_size;
	for (unsigned i = 0; i < s->disks; i++) {
		struct imsm_dl *dl = ifx_spare(&ifx);

		ifx.disk[i].size = s->size;
		ifx.disk[i].sector_size = s->sector_size;
		snprintf((char *)dl->serial, IMSM_SERIAL_LEN, "/dev/loop%u", i);
		memcpy(dl->record.serial, dl->serial, IMSM_SERIAL_LEN);
		imsm_disk_set_blocks(&dl->record, s->size / 512);
		if (i < ifx.c.meta.num_disks)
			dl->index = (int)i;
	}
}

struct sample_row {
	const char *name, *sample;
	struct message m;
	unsigned volume;
	const char *after;
	struct shape shape;
};

static void test_samples(void **state)
{
	static const struct sample_row rows[] = {
		/* 8 MiB per member, 128 strips of 128 */
		{ "chunk 64 to 256 KiB", "r5-clean-46", MIGRATE(3, 3, 0, 5, 256), 0, "N<GEN<N 0,1,2/0,1,2 u0",
		  { 32768, 32, 18432, 512, 5, 1 } },
		{ "chunk, written by 4.2", "r5-clean-42", MIGRATE(3, 3, 0, 5, 4), 0, "N<GEN<N 0,1,2/0,1,2 u0",
		  { 32768, 2048, 18432, 8, 5, 1 } },
		{ "size", "r5-clean-46", RESIZE(0, 2 * 7 * MIB), 0, "N 0,1,2",
		  { 2 * 7 * MIB, 112, 8 * MIB, 128, 5, 1 } },
		/* 20 MiB per member, 320 strips of 128 */
		{ "chunk on 4Kn", "r5-bbm-4kn-46", MIGRATE(3, 3, 0, 5, 128), 0, "N<GEN<N 0,1,2/0,1,2 u0",
		  { 81920, 160, 43008, 256, 5, 1 } },
		{ "larger chunk on 4Kn", "r5-bbm-4kn-46", MIGRATE(3, 3, 0, 5, 4096), 0, "N<GEN<N 0,1,2/0,1,2 u0",
		  { 81920, 5, 43008, 8192, 5, 1 } },
		{ "size on 4Kn, no multiple of a block", "r5-bbm-4kn-46", RESIZE(0, 61455), 0, "N 0,1,2",
		  { 2 * 15 * MIB, 240, 30727 + 2048, 128, 5, 1 } },
		/* 20 MiB per member; vol1 (16 MiB per member) begins at 49152 */
		{ "size beside a volume", "r10-r5-matrix-46", RESIZE(0, 81920), 0, "N 0,1,2,3",
		  { 81920, 160, 43008, 128, 1, 2 } },
		{ "chunk of the second volume", "r10-r5-matrix-46", MIGRATE(4, 4, 1, 5, 64), 1,
		  "N<GEN<N 0,1,2,3/0,1,2,3 u0", { 98304, 256, 34816, 128, 5, 1 } },
		{ "checkpoint", "r5-reshape-46", CHECKPOINT(3), 0, "N<GEN<N 0,1,2,3/0,1,2 u3",
		  { 122880, 320, 43008, 128, 5, 1 } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		print_message("  %s\n", rows[i].name);
		given_sample(rows[i].sample);
		assert_applied(&rows[i].m);
		assert_string_equal(ifx_text(&ifx, rows[i].volume), rows[i].after);
		assert_shape(VOL(rows[i].volume), &rows[i].shape);
	}
}

/* r5-reshape-46 is what the reference made of the same message, two units later. */
static void test_grow_as_the_reference(void **state)
{
	static const struct message m = GROW(3, 4, 0x803);
	static struct imsm_meta reference;
	struct imsm_volume *v = VOL(0);

	(void)state;
	given_sample("r5-reshape-46");
	reference = ifx.c.meta;
	ifx.c.meta.num_disks = 3;
	ifx.dl[3].index = IMSM_INDEX_SPARE;
	v->map[0] = v->map[1];
	v->head.migr_state = v->head.migr_type = 0;
	imsm_volume_set_unit(v, 0);
	imsm_volume_set_blocks(v, 2 * 320 * 128);
	assert_applied(&m);
	assert_int_equal(ifx.c.meta.num_disks, reference.num_disks);
	for (unsigned i = 0; i < reference.num_disks; i++)
		assert_memory_equal(&ifx.c.meta.disk[i], &reference.disk[i], sizeof(reference.disk[i]));
	imsm_volume_set_unit(v, 2);
	assert_memory_equal(&v->head, &reference.volume[0].head, sizeof(v->head));
	assert_memory_equal(&v->map[0].head, &reference.volume[0].map[0].head, sizeof(v->map[0].head));
	assert_memory_equal(&v->map[1].head, &reference.volume[0].map[1].head, sizeof(v->map[1].head));
	assert_string_equal(ifx_text(&ifx, 0), "N<GEN<N 0,1,2,3/0,1,2 u2");
}

/* imsm.md 14: 160 stripes of a RAID10 stored as level 1; as RAID0 320. */
static void test_sample_takeover(void **state)
{
	static const struct message down = TAKEOVER(0, TO_RAID0);

	(void)state;
	given_sample("r10-r5-matrix-46");
	imsm_mark_failure(&ifx.c, VOL(0), 1);
	imsm_mark_failure(&ifx.c, VOL(0), 2);
	assert_applied(&down);
	assert_string_equal(ifx_text(&ifx, 0), "N 0,3"); /* vol1 names the others */
	assert_shape(VOL(0), &(struct shape){ 81920, 320, 43008, 128, 0, 1 });
	assert_int_equal(ifx.c.meta.num_disks, 4);
}

/* ---- the end of a reshape ---- */

struct end_row {
	const char *name;
	unsigned members;
	struct {
		int level;
		const char *text;
	} volume[3];
	unsigned ended; /* volume */
	const char *after[3];
	uint64_t array_size;
};

static void reshape_ended(unsigned volume)
{
	const struct imsm_map *m = MAP0(volume);

	memset(&ifx.ev, 0, sizeof(ifx.ev));
	ifx.ev.level = imsm_map_level(m);
	ifx.ev.reshape_done = true;
	for (unsigned slot = 0; slot < m->head.num_members; slot++) {
		struct imsm_event_disk *d = &ifx.ev.disk[ifx.ev.disk_count++];

		d->slot = (int)slot;
		d->recovery_start = SECTORS_NONE;
		d->state = imsm_slot_bad(&ifx.c, VOL(volume), slot) ? MEMBER_FAULTY : MEMBER_IN_SYNC;
	}
	ifx.c.write_due = false;
	imsm_finish_reshape(&ifx.c, volume, &ifx.ev);
	migr_record_to_be_cleared = ifx.c.reshape_ended;
	if (ifx.c.reshape_ended)
		imsm_after_reshape(&ifx.c);
	assert_false(ifx.c.reshape_ended);
}

static void test_end_of_reshape(void **state)
{
	static const struct end_row rows[] = {
		{ "RAID5 widened", 4, { { 5, "N<GEN<N 0,1,2,3/0,1,2 u2" } }, 0, { "N 0,1,2,3" }, 3 * 65536 },
		{ "RAID0 widened", 3, { { 0, "N<GEN<N 0,1,2/0,1 u2" } }, 0, { "N 0,1,2" }, 3 * 65536 },
		{ "chunk", 3, { { 5, "N<GEN<N 0,1,2/0,1,2 u2" } }, 0, { "N 0,1,2" }, 2 * 65536 },
		{ "degraded", 4, { { 5, "D<GEN<D 0,1x!,2,3/0,1x!,2 f1 u2" } }, 0, { "D 0,1x!,2,3 f1" }, 3 * 65536 },
		{ "failed meanwhile", 4, { { 5, "N<GEN<N 0,1x,2,3/0,1x,2 u2" } }, 0, { "D 0,1x!,2,3 f1" },
		  3 * 65536 },
		{ "failed meanwhile, the first one", 4, { { 5, "N<GEN<N 0x,1,2,3/0x,1,2 u2" } }, 0,
		  { "D 0x!,1,2,3 f0" }, 3 * 65536 },
		{ "too many are gone: the record stays", 4, { { 5, "D<GEN<D 0x!,1x!,2,3/0x!,1x!,2 f0 u2" } }, 0,
		  { "F<GEN<D 0x!,1x!,2,3/0x!,1x!,2 f0 u2" }, 3 * 65536 },
		{ "the next volume begins", 4, { { 5, "N<GEN<N 0,1,2,3/0,1,2 u2" }, { 0, "N 0,1,2" } }, 0,
		  { "N 0,1,2,3", "N<GEN<N 0,1,2,3/0,1,2 u0" }, 3 * 65536 },
		{ "one after the other", 4, { { 5, "N<GEN<N 0,1,2,3/0,1,2 u2" }, { 0, "N 2,1,0" }, { 5, "N 0,1,2" } },
		  0, { "N 0,1,2,3", "N<GEN<N 2,1,0,3/2,1,0 u0", "N 0,1,2" }, 3 * 65536 },
		{ "the third one", 4, { { 5, "N 0,1,2,3" }, { 0, "N<GEN<N 0,1,2,3/0,1,2 u5" }, { 5, "N 0,1,2" } }, 1,
		  { "N 0,1,2,3", "N 0,1,2,3", "N<GEN<N 0,1,2,3/0,1,2 u0" }, 4 * 65536 },
		{ "all done", 4, { { 5, "N 0,1,2,3" }, { 0, "N<GEN<N 0,1,2,3/0,1,2 u5" } }, 1,
		  { "N 0,1,2,3", "N 0,1,2,3" }, 4 * 65536 },
		{ "the second disk to be added follows, too", 5,
		  { { 5, "N<GEN<N 0,1,2,3,4/0,1,2 u2" }, { 5, "N 0,1,2" } }, 0,
		  { "N 0,1,2,3,4", "N<GEN<N 0,1,2,3,4/0,1,2 u0" }, 4 * 65536 },
		{ "degraded, and the next one begins", 4,
		  { { 5, "D<GEN<D 0,1x!,2,3/0,1x!,2 f1 u2" }, { 5, "D 0,1x!,2 f1" } }, 0,
		  { "D 0,1x!,2,3 f1", "D<GEN<D 0,1x!,2,3/0,1x!,2 f1 u0" }, 3 * 65536 },
		{ "nothing begins while another one migrates", 4,
		  { { 5, "N<GEN<N 0,1,2,3/0,1,2 u2" }, { 0, "N 0,1,2" }, { 5, "N<REPAIR<N 0,1,2/0,1,2 u3" } }, 0,
		  { "N 0,1,2,3", "N 0,1,2", "N<REPAIR<N 0,1,2/0,1,2 u3" }, 3 * 65536 },
		{ "nor while one before it migrates", 4,
		  { { 5, "N<REPAIR<N 0,1,2,3/0,1,2,3 u3" }, { 5, "N<GEN<N 0,1,2,3/0,1,2 u2" }, { 0, "N 0,1,2" } }, 1,
		  { "N<REPAIR<N 0,1,2,3/0,1,2,3 u3", "N 0,1,2,3", "N 0,1,2" }, 3 * 65536 },
		{ "one before it may be the next", 4, { { 0, "N 0,1,2" }, { 5, "N<GEN<N 0,1,2,3/0,1,2 u2" } }, 1,
		  { "N<GEN<N 0,1,2,3/0,1,2 u0", "N 0,1,2,3" }, 3 * 65536 },
		{ "too many are gone: nothing begins", 4,
		  { { 5, "D<GEN<D 0x!,1x!,2,3/0x!,1x!,2 f0 u2" }, { 0, "N 2" } }, 0,
		  { "F<GEN<D 0x!,1x!,2,3/0x!,1x!,2 f0 u2", "N 2" }, 3 * 65536 },
		{ "a chunk is no matter of others", 3, { { 5, "N<GEN<N 0,1,2/0,1,2 u2" }, { 0, "N 0,1" } }, 0,
		  { "N 0,1,2", "N 0,1" }, 2 * 65536 },
		{ "a mirror cannot follow", 4, { { 0, "N<GEN<N 0,1,2,3/0,1 u2" }, { 1, "N 0,1" } }, 0,
		  { "N 0,1,2,3", "N 0,1" }, 4 * 65536 },
		/* Its new slot 3 would hold disk 3 twice. */
		{ "one on other disks cannot follow", 4, { { 5, "N<GEN<N 0,1,2,3/0,1,2 u2" }, { 5, "N 0,1,3" } }, 0,
		  { "N 0,1,2,3", "N 0,1,3" }, 3 * 65536 },
		{ "disks that are not there cannot be added", 3, { { 5, "N<GEN<N 0,1,2/0,1 u2" }, { 0, "N 0,1" } }, 0,
		  { "N 0,1,2", "N<GEN<N 0,1,2/0,1 u0" }, 2 * 65536 },
		{ "nor if it is in the first slot", 4, { { 5, "N<GEN<N 0,1,2,3/0,1,2 u2" }, { 5, "N 3,0,1" } }, 0,
		  { "N 0,1,2,3", "N 3,0,1" }, 3 * 65536 },
		/* It could never end, and with a reshape on record no spare is activated for the first. */
		{ "a RAID0 that is lost cannot follow", 4,
		  { { 5, "D<GEN<D 0,1x!,2,3/0,1x!,2 f1 u2" }, { 0, "F 0,1x!,2 f1" } }, 0,
		  { "D 0,1x!,2,3 f1", "F 0,1x!,2 f1" }, 3 * 65536 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct end_row *r = &rows[i];

		print_message("  %s\n", r->name);
		ifx_init(&ifx, r->members);
		for (unsigned k = 0; k < 3 && r->volume[k].text; k++)
			ifx_volume(&ifx, r->volume[k].level, r->volume[k].text);
		reshape_ended(r->ended);
		for (unsigned k = 0; k < ifx.c.meta.num_volumes; k++)
			assert_string_equal(ifx_text(&ifx, k), r->after[k]);
		assert_int_equal(ifx.ev.custom_array_size, r->array_size);
		assert_int_equal(migr_record_to_be_cleared, !VOL(r->ended)->head.migr_state);
		assert_false(migr_record_cleared()); /* by then */
		assert_true(ifx.c.write_due);
		ifx_assert_writable(&ifx);
		assert_round_trip(4096);
	}
}

static void test_end_of_level_change(void **state)
{
	(void)state;
	ifx_init(&ifx, 3);
	ifx_volume(&ifx, 5, "N<GEN<N 0,1,2/0,1 u2");
	ifx_volume(&ifx, 0, "N 0,1");
	VOL(0)->map[1].head.raid_level = IMSM_RAID0;
	reshape_ended(0);
	assert_string_equal(ifx_text(&ifx, 0), "N 0,1,2");
	assert_string_equal(ifx_text(&ifx, 1), "N 0,1");
	assert_int_equal(ifx.ev.custom_array_size, 2 * 65536);
}

/* Recorded with the size it is going to have, in whole MiB of each member, beside what it is. */
static void test_shape_of_the_next_volume(void **state)
{
	static struct imsm_map before;

	(void)state;
	ifx_init(&ifx, 4);
	ifx_volume(&ifx, 5, "N<GEN<N 0,1,2,3/0,1,2 u2");
	ifx_volume(&ifx, 0, "N 0,1,2");
	imsm_volume_set_unit(VOL(1), 9);
	imsm_map_set_stripes(MAP0(1), 100);
	before = *MAP0(1);
	reshape_ended(0);
	assert_shape(VOL(1), &(struct shape){ 4 * 6 * MIB, 100, 67584, 128, 0, 1 });
	assert_memory_equal(&before, &VOL(1)->map[1], sizeof(before));
	assert_int_equal(imsm_volume_unit(VOL(1)), 0);
}

/* One that is less than a MiB would have no size. */
static void test_tiny_volume_does_not_follow(void **state)
{
	(void)state;
	ifx_init(&ifx, 4);
	ifx_volume(&ifx, 5, "N<GEN<N 0,1,2,3/0,1,2 u2");
	ifx_volume(&ifx, 0, "N 0,1,2");
	imsm_map_set_stripes(MAP0(1), 15);
	imsm_volume_set_blocks(VOL(1), 3 * 15 * 128);
	reshape_ended(0);
	assert_string_equal(ifx_text(&ifx, 1), "N 0,1,2");
	ifx_assert_writable(&ifx);
	ifx_init(&ifx, 4);
	ifx_volume(&ifx, 5, "N<GEN<N 0,1,2,3/0,1,2 u2");
	ifx_volume(&ifx, 0, "N 0,1,2");
	imsm_map_set_stripes(MAP0(1), 16);
	reshape_ended(0);
	assert_string_equal(ifx_text(&ifx, 1), "N<GEN<N 0,1,2,3/0,1,2 u0");
	assert_int_equal(imsm_volume_blocks(VOL(1)), 4 * MIB);
}

/* A volume that was deleted is neither waited for nor begun. */
static void test_gone_volume_does_not_follow(void **state)
{
	(void)state;
	ifx_init(&ifx, 4);
	ifx_volume(&ifx, 5, "N<GEN<N 0,1,2,3/0,1,2 u2");
	ifx_volume(&ifx, 0, "N 0,1,2");
	ifx_volume(&ifx, 5, "N<REPAIR<N 0,1,2/0,1,2 u3");
	ifx.c.meta.num_volumes = 2;
	reshape_ended(0);
	assert_string_equal(ifx_text(&ifx, 1), "N<GEN<N 0,1,2,3/0,1,2 u0");
	ifx_init(&ifx, 4);
	ifx_volume(&ifx, 5, "N<GEN<N 0,1,2,3/0,1,2 u2");
	ifx_volume(&ifx, 0, "N 0,1,2");
	ifx.c.meta.num_volumes = 1;
	reshape_ended(0);
	assert_string_equal(ifx_text(&ifx, 1), "N 0,1,2");
}

static void test_array_size_in_whole_mib(void **state)
{
	(void)state;
	ifx_init(&ifx, 4);
	ifx_volume(&ifx, 5, "N<GEN<N 0,1,2,3/0,1,2 u2");
	imsm_map_set_stripes(MAP0(0), 100); /* 6.25 MiB */
	reshape_ended(0);
	assert_int_equal(ifx.ev.custom_array_size, 3 * 6 * MIB);
}

/* ---- imsm/events.c: entries of the disk table ---- */

static void test_insert_disk(void **state)
{
	static const struct imsm_bad_range bad[] = { { 8, 8, 0 }, { 16, 8, 1 }, { 24, 8, 2 } };
	static const struct imsm_disk d = { .serial = "NEW" };

	(void)state;
	for (uint32_t at = 0; at <= 3; at++) {
		static const char *const after[] = { "N 3,1!,2", "N 3,0!,2", "N 3,0!,1", "N 2,0!,1" };
		static const char *const after1[] = { "N<REBUILD<D 1,2/1,3! u4", "N<REBUILD<D 0,2/0,3! u4",
						      "N<REBUILD<D 0,1/0,3! u4", "N<REBUILD<D 0,1/0,2! u4" };

		ifx_init(&ifx, 3);
		ifx_spare(&ifx);
		ifx_volume(&ifx, 5, "N 2,0!,1");
		ifx_volume(&ifx, 1, "N<REBUILD<D 0,1/0,2! u4");
		memcpy(ifx.c.meta.bad, bad, sizeof(bad));
		ifx.c.meta.num_bad = 3;
		ifx.c.write_due = false;
		imsm_insert_disk(&ifx.c, at, &d);
		assert_string_equal(ifx_text(&ifx, 0), after[at]);
		assert_string_equal(ifx_text(&ifx, 1), after1[at]);
		assert_int_equal(ifx.c.meta.num_disks, 4);
		assert_true(ifx_table_serial_is(&ifx, at, "NEW"));
		for (unsigned i = 0; i < 3; i++) {
			unsigned moved = i + (i >= at);
			char serial[8];

			snprintf(serial, sizeof(serial), "DISK%u", i);
			assert_true(ifx_table_serial_is(&ifx, moved, serial));
			assert_int_equal(ifx.dl[i].index, moved);
			assert_int_equal(ifx.c.meta.bad[i].disk, moved);
		}
		assert_int_equal(ifx.dl[3].index, IMSM_INDEX_SPARE);
		assert_true(ifx.c.write_due);
		/* The other way round. */
		imsm_delete_disk(&ifx.c, at);
		assert_string_equal(ifx_text(&ifx, 0), "N 2,0!,1");
		assert_string_equal(ifx_text(&ifx, 1), "N<REBUILD<D 0,1/0,2! u4");
		assert_memory_equal(ifx.c.meta.bad, bad, sizeof(bad));
	}
}

/* The maps of a volume that does not migrate end with map 0: what lies in map 1 is not looked at. */
static void test_insert_disk_leaves_old_map_1(void **state)
{
	static const struct imsm_disk d = { .serial = "NEW" };

	(void)state;
	ifx_init(&ifx, 3);
	ifx_volume(&ifx, 5, "N 0,1,2");
	VOL(0)->map[1] = VOL(0)->map[0];
	imsm_insert_disk(&ifx.c, 1, &d);
	assert_string_equal(ifx_text(&ifx, 0), "N 0,2,3");
	assert_int_equal(VOL(0)->map[1].ord[1], 1);
}

static void test_mark_missing(void **state)
{
	(void)state;
	ifx_init(&ifx, 3);
	ifx_volume(&ifx, 5, "N 0,1?,2");
	imsm_mark_missing(&ifx.c, VOL(0), 1);
	assert_string_equal(ifx_text(&ifx, 0), "N 0,1x?!,2 f1");
	assert_true(ifx_table_serial_is(&ifx, 1, "ISK1:0"));
	assert_int_equal(le32_get(ifx.c.meta.disk[1].scsi_id), IMSM_SCSI_ID_MISSING);
	assert_true(ifx.c.write_due);
	/* Once is enough. */
	ifx.c.write_due = false;
	imsm_mark_missing(&ifx.c, VOL(0), 1);
	assert_true(ifx_table_serial_is(&ifx, 1, "ISK1:0"));
	assert_false(ifx.c.write_due);
	/* One that is there is marked as failed only. */
	ifx_init(&ifx, 3);
	ifx_volume(&ifx, 5, "N 0,1,2");
	imsm_mark_missing(&ifx.c, VOL(0), 1);
	assert_string_equal(ifx_text(&ifx, 0), "N 0,1x!,2 f1");
	assert_true(ifx_table_serial_is(&ifx, 1, "DISK1:0"));
	assert_int_equal(le32_get(ifx.c.meta.disk[1].scsi_id), 0);
	/* It had failed before it went: the mark of a failure is there already. */
	ifx_init(&ifx, 3);
	ifx_volume(&ifx, 5, "D 0,1x?!,2 f1");
	imsm_mark_missing(&ifx.c, VOL(0), 1);
	assert_true(ifx_table_serial_is(&ifx, 1, "ISK1:0"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_field_out_of_range),
		cmocka_unit_test(test_volume_that_is_gone),
		cmocka_unit_test(test_volume_that_is_gone_does_not_count),
		cmocka_unit_test(test_field_at_its_limit),
		cmocka_unit_test(test_captured_messages),
		cmocka_unit_test(test_length),
		cmocka_unit_test(test_grow_length_follows_count),
		cmocka_unit_test(test_grow),
		cmocka_unit_test(test_grow_takes_disks_in_order),
		cmocka_unit_test(test_grow_whole_mib),
		cmocka_unit_test(test_grow_above_2_tib),
		cmocka_unit_test(test_device_numbers),
		cmocka_unit_test(test_grow_contradictions),
		cmocka_unit_test(test_grow_unfit_disk),
		cmocka_unit_test(test_grow_4kn),
		cmocka_unit_test(test_migrate),
		cmocka_unit_test(test_smaller_chunk),
		cmocka_unit_test(test_chunk_that_does_not_fit_evenly),
		cmocka_unit_test(test_chunk_of_a_volume_with_a_wrong_size),
		cmocka_unit_test(test_chunk_larger_than_member),
		cmocka_unit_test(test_grow_of_less_than_a_mib),
		cmocka_unit_test(test_parity_disk),
		cmocka_unit_test(test_parity_disk_that_fits),
		cmocka_unit_test(test_parity_disk_beside_failed_disk),
		cmocka_unit_test(test_migrate_contradictions),
		cmocka_unit_test(test_raid10_to_raid0_survivors),
		cmocka_unit_test(test_takeover_to_raid0),
		cmocka_unit_test(test_disk_of_no_volume_stays),
		cmocka_unit_test(test_dropped_half_of_two_volumes),
		cmocka_unit_test(test_takeover_moves_bad_blocks),
		cmocka_unit_test(test_takeover_to_raid0_contradictions),
		cmocka_unit_test(test_takeover_to_raid10),
		cmocka_unit_test(test_missing_partners),
		cmocka_unit_test(test_unknown_ord_flags),
		cmocka_unit_test(test_up_and_down),
		cmocka_unit_test(test_takeover_to_raid10_contradictions),
		cmocka_unit_test(test_no_takeover_beside_a_reshape),
		cmocka_unit_test(test_checkpoint),
		cmocka_unit_test(test_checkpoint_when_nothing_reshapes),
		cmocka_unit_test(test_same_checkpoint_again),
		cmocka_unit_test(test_checkpoint_of_64_bits),
		cmocka_unit_test(test_resize),
		cmocka_unit_test(test_resize_leaves_map_1),
		cmocka_unit_test(test_resize_beside_old_checkpoint),
		cmocka_unit_test(test_resize_needs_a_whole_chunk),
		cmocka_unit_test(test_resize_up_to_the_metadata),
		cmocka_unit_test(test_resize_above_2_tib),
		cmocka_unit_test(test_samples),
		cmocka_unit_test(test_grow_as_the_reference),
		cmocka_unit_test(test_sample_takeover),
		cmocka_unit_test(test_end_of_reshape),
		cmocka_unit_test(test_end_of_level_change),
		cmocka_unit_test(test_shape_of_the_next_volume),
		cmocka_unit_test(test_tiny_volume_does_not_follow),
		cmocka_unit_test(test_gone_volume_does_not_follow),
		cmocka_unit_test(test_array_size_in_whole_mib),
		cmocka_unit_test(test_insert_disk),
		cmocka_unit_test(test_insert_disk_leaves_old_map_1),
		cmocka_unit_test(test_mark_missing),
	};

	return cmocka_run_group_tests_name("imsm-migration", tests, NULL, NULL);
}
