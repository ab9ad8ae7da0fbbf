/* SPDX-License-Identifier: GPL-2.0-or-later */
/* imsm/messages.c: messages as mdadm sends them, and as it does not; disks that come and go. */
#include "tests/unit/support/imsm-fixture.h"

#include <errno.h>

#define MEMBERS 3
#define NEXT_PBA (FX_PER_DEV + FX_GAP)


/* ---- applying ---- */

static void assert_applied(const void *msg, size_t len)
{
	ifx_assert_message_applied(&ifx, msg, len);
}

static void assert_refused(const void *msg, size_t len, int expected)
{
	ifx_assert_message_refused(&ifx, msg, len, expected);
}

/* ... and the manager, who has no metadata, sees it already. */
static void assert_refused_early(const void *msg, size_t len, int expected)
{
	const char *why = NULL;

	assert_int_equal(imsm_check_message(msg, len, &why), expected);
	assert_refused(msg, len, expected);
}

static void assert_refused_at_every_length(const void *msg, size_t len)
{
	for (size_t n = 0; n < len; n++)
		assert_refused(msg, n, -EINVAL);
}

/* One watched volume on disks 0, 1, 2; two spares, DISK3 and DISK4. */
static void container(void)
{
	ifx_init(&ifx, MEMBERS);
	ifx_volume(&ifx, 5, "N 0,1,2");
	ifx_spare(&ifx);
	ifx_spare(&ifx);
}

/* ---- messages ---- */

struct message {
	uint8_t bytes[1024];
	size_t len;
};

static void put(struct message *m, const void *p, size_t n)
{
	memcpy(m->bytes + m->len, p, n);
	m->len += n;
}

static void put_word(struct message *m, int32_t v)
{
	put(m, &v, sizeof(v));
}

static struct message words(const int32_t *w, size_t n)
{
	struct message m = { .len = 0 };

	put(&m, w, n * sizeof(*w));
	return m;
}

#define WORDS(...) \
	words((const int32_t[]){ __VA_ARGS__ }, sizeof((const int32_t[]){ __VA_ARGS__ }) / sizeof(int32_t))

/* The volume that the create messages carry; what a test wants otherwise it changes. */
static struct imsm_volume new_volume(int level, unsigned members)
{
	struct imsm_volume v = { .head = { .name = "vol1", .migr_state = 0 } };

	v.map[0].head.num_members = (uint8_t)members;
	v.map[0].head.map_state = IMSM_UNINITIALIZED;
	ifx_geometry(&v, &v.map[0], level, 1);
	v.head.my_vol_raid_dev_num = le16_make(2);
	v.head.rwh_policy = IMSM_RWH_MULTIPLE_OFF;
	for (unsigned i = 0; i < members; i++)
		v.map[0].ord[i] = i + 40; /* of the sender's table */
	return v;
}

static void put_map(struct message *m, const struct imsm_map *map)
{
	put(m, &map->head, sizeof(map->head));
	for (unsigned i = 0; i < map->head.num_members; i++) {
		le32 ord = le32_make(map->ord[i]);

		put(m, &ord, sizeof(ord));
	}
}

static struct message create(int32_t index, const struct imsm_volume *v, const unsigned *disks, unsigned members)
{
	struct message m = { .len = 0 };

	put_word(&m, IMSM_UPDATE_CREATE_ARRAY);
	put_word(&m, index);
	put(&m, &v->head, sizeof(v->head));
	put_map(&m, &v->map[0]);
	if (v->head.migr_state)
		put_map(&m, &v->map[1]);
	for (unsigned i = 0; i < members; i++) {
		uint8_t serial[IMSM_SERIAL_LEN];

		ifx_serial(serial, disks[i]);
		put(&m, serial, sizeof(serial));
	}
	return m;
}

static struct message create_on(int level, const unsigned *disks, unsigned members)
{
	struct imsm_volume v = new_volume(level, members);

	return create(1, &v, disks, members);
}

static struct message rename_to(int32_t index, const char *name)
{
	struct message m = { .len = 0 };
	char field[IMSM_NAME_LEN] = { 0 };

	memcpy(field, name, strnlen(name, sizeof(field)));
	put_word(&m, IMSM_UPDATE_RENAME_ARRAY);
	put(&m, field, sizeof(field));
	put_word(&m, index);
	return m;
}

/* ---- create ---- */

static const unsigned same_disks[] = { 2, 0, 1 };
static const unsigned with_spares[] = { 4, 1, 3 };

static void test_create_on_members(void **state)
{
	struct message m;

	(void)state;
	container();
	m = create_on(5, same_disks, 3);
	assert_int_equal(m.len, 228); /* as captured on the wire */
	assert_applied(m.bytes, m.len);
	assert_true(ifx.c.write_due);
	assert_int_equal(ifx.c.meta.num_volumes, 2);
	assert_int_equal(ifx.c.meta.num_disks, 3);
	assert_string_equal(ifx_text(&ifx, 1), "U 2,0,1");
	assert_memory_equal(ifx.c.meta.volume[1].head.name, "vol1", 5);
	assert_int_equal(imsm_map_pba(&ifx.c.meta.volume[1].map[0]), NEXT_PBA);
	assert_int_equal(le16_get(ifx.c.meta.header.num_raid_devs_created), 2);
	assert_memory_equal(ifx.c.meta.header.version, "1.3.00\0", 8);
	assert_int_equal(le32_get(ifx.c.meta.header.attributes), IMSM_ATTR_CHECKSUM_VERIFY | IMSM_ATTR_RAID5);
	assert_int_equal(ifx.c.live_volumes, 1);
}

/* A message as it was captured: the volume of imsm.md 14, renamed and moved. */
static void test_create_captured(void **state)
{
	static const uint8_t head[] = { 1, 0, 0, 0, 1, 0, 0, 0, 'v', 'o', 'l', '1' };
	uint8_t msg[228] = { 0 };
	uint8_t *map = msg + 8 + 112;

	(void)state;
	memcpy(msg, head, sizeof(head));
	msg[8 + 0x11] = 0x80;                            /* size 32768 */
	msg[8 + 0x18] = 0x0c;                            /* status */
	msg[8 + 0x28] = 2;                               /* my_vol_raid_dev_num */
	msg[8 + 0x32] = 5;                               /* rwh_policy */
	memcpy(map, "\0\0\x02\0\0\x48\0\0\x80\0\0\0\x80\0\x01\x05\x03\x01\xff\x01", 20);
	memcpy(map + 48, "\0\0\0\0\x01\0\0\0\x02\0\0\0", 12);
	for (unsigned i = 0; i < 3; i++)
		ifx_serial(map + 60 + 16 * i, i);
	container();
	assert_applied(msg, sizeof(msg));
	assert_string_equal(ifx_text(&ifx, 1), "U 0,1,2");
	assert_int_equal(imsm_volume_blocks(&ifx.c.meta.volume[1]), 32768);
	assert_int_equal(imsm_map_pba(&ifx.c.meta.volume[1].map[0]), 0x20000);
	assert_refused_at_every_length(msg, sizeof(msg));
}

static void test_create_takes_spares(void **state)
{
	struct message m;

	(void)state;
	container();
	memset(ifx.c.meta.header.version, 'x', sizeof(ifx.c.meta.header.version));
	ifx.c.meta.disk[1].status = le32_make(0x100); /* in no volume, until now; an unknown bit */
	m = create_on(5, with_spares, 3);
	assert_applied(m.bytes, m.len);
	assert_memory_equal(ifx.c.meta.header.version, "1.3.00\0", 8);
	assert_string_equal(ifx_text(&ifx, 1), "U 3,1,4");
	assert_int_equal(ifx.c.meta.num_disks, 5);
	assert_int_equal(ifx.dl[4].index, 3);
	assert_int_equal(ifx.dl[3].index, 4);
	assert_true(ifx_table_serial_is(&ifx, 3, "DISK4"));
	assert_int_equal(le32_get(ifx.c.meta.disk[3].status), IMSM_DISK_CONFIGURED);
	assert_int_equal(imsm_disk_blocks(&ifx.c.meta.disk[3]), FX_DISK_BLOCKS);
	assert_int_equal(le32_get(ifx.c.meta.disk[1].status), IMSM_DISK_CONFIGURED | 0x100);
	assert_int_equal(le32_get(ifx.c.meta.header.family_num), 0x1000);
}

static void test_create_second_creator_loses(void **state)
{
	struct message m;

	(void)state;
	container();
	m = create_on(5, same_disks, 3);
	assert_applied(m.bytes, m.len);
	assert_refused(m.bytes, m.len, -EINVAL);
}

static void test_create_index(void **state)
{
	static const int32_t bad[] = { -1, 0, 2, 7, 8, 255, 256, 257, INT32_MAX, INT32_MIN };
	struct imsm_volume v = new_volume(5, 3);

	(void)state;
	container();
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct message m = create(bad[i], &v, same_disks, 3);

		if (bad[i] < 0 || bad[i] >= IMSM_MAX_VOLUMES)
			assert_refused_early(m.bytes, m.len, -EINVAL);
		else
			assert_refused(m.bytes, m.len, -EINVAL);
	}
}

static void test_create_truncated(void **state)
{
	struct message m;

	(void)state;
	container();
	m = create_on(5, with_spares, 3);
	assert_refused_at_every_length(m.bytes, m.len);
	assert_applied(m.bytes, m.len);
}

static void test_create_bad_volume(void **state)
{
	(void)state;
	container();
	for (unsigned what = 0; what < 14; what++) {
		struct imsm_volume v = new_volume(5, 3);
		struct imsm_map_head *h = &v.map[0].head;
		struct message m;

		switch (what) {
		case 0: h->raid_level = 7; break;
		case 1: h->num_members = 0; break;
		case 2: h->num_members = 2; break;   /* RAID5 on two disks */
		case 3: h->num_members = 255; break; /* more than there are serials for */
		case 4: h->blocks_per_strip = le16_make(0); break;
		case 5: h->blocks_per_strip = le16_make(100); break;
		case 6: h->num_domains = 0; break;
		case 7: h->map_state = 4; break;
		case 8: h->num_data_stripes_hi = le32_make(0xffffffff); break;
		case 9: h->pba_of_lba0_hi = le32_make(0xffffffff); break;
		case 10: v.head.migr_type = 6; break;
		case 11: v.head.size_high = le32_make(0xffffffff); break;
		case 12: imsm_volume_set_blocks(&v, 0); break;
		case 13: v.head.migr_state = 1; v.map[1] = v.map[0]; break;
		}
		m = create(1, &v, same_disks, 3);
		assert_refused(m.bytes, m.len, -EINVAL);
	}
}

static void test_create_disks(void **state)
{
	static const unsigned twice[] = { 0, 1, 0 }, unknown[] = { 0, 1, 9 };
	struct message m;

	(void)state;
	container();
	m = create_on(5, twice, 3);
	assert_refused(m.bytes, m.len, -EINVAL);
	m = create_on(5, unknown, 3);
	assert_refused(m.bytes, m.len, -EINVAL);

	m = create_on(5, same_disks, 3);
	ifx_fail_disk(&ifx, 0);
	assert_refused(m.bytes, m.len, -EINVAL);
	m = create_on(5, with_spares, 3);

	container();
	ifx_unlink(&ifx, 1); /* missing */
	assert_refused(m.bytes, m.len, -EINVAL);

	container();
	ifx.disk[3].sector_size = 4096;
	assert_refused(m.bytes, m.len, -EINVAL);

	container();
	ifx.dl[4].index = IMSM_INDEX_UNRELATED;
	assert_refused(m.bytes, m.len, -EINVAL);

	container();
	memcpy(ifx.dl[0].serial, "DISK4", 6); /* a member and a spare that cannot be told apart */
	assert_refused(m.bytes, m.len, -EINVAL);

	container();
	ifx.c.meta.num_disks = IMSM_MAX_DISKS - 1; /* room for one of the two */
	assert_refused(m.bytes, m.len, -EINVAL);
	ifx.c.meta.num_disks = IMSM_MAX_DISKS - 2;
	assert_applied(m.bytes, m.len);
}

static struct message create_at(uint64_t pba, const unsigned *disks, unsigned members)
{
	struct imsm_volume v = new_volume(5, members);

	imsm_map_set_pba(&v.map[0], pba);
	return create(1, &v, disks, members);
}

static void test_create_overlap(void **state)
{
	static const unsigned others[] = { 3, 4, 5 };
	static const unsigned with_disk_0[] = { 3, 0, 4 };
	struct message m;

	(void)state;
	container();
	ifx_spare(&ifx);
	m = create_at(0, with_disk_0, 3);
	assert_refused(m.bytes, m.len, -EINVAL);
	m = create_at(0, same_disks, 3);
	assert_refused(m.bytes, m.len, -EINVAL);
	m = create_at(FX_PER_DEV - 1, same_disks, 3);
	assert_refused(m.bytes, m.len, -EINVAL);
	m = create_at(FX_PER_DEV, same_disks, 3); /* touches */
	assert_refused(m.bytes, m.len, -EINVAL);
	m = create_at(0, with_spares, 3); /* one common disk */
	assert_refused(m.bytes, m.len, -EINVAL);
	m = create_at(0, others, 3);
	assert_applied(m.bytes, m.len);

	container();
	m = create_at(FX_PER_DEV + 1, same_disks, 3);
	assert_applied(m.bytes, m.len);

	/* From below. */
	container();
	imsm_map_set_pba(&ifx.c.meta.volume[0].map[0], 2 * FX_PER_DEV);
	m = create_at(FX_PER_DEV + 1, same_disks, 3);
	assert_refused(m.bytes, m.len, -EINVAL);
	m = create_at(FX_PER_DEV, same_disks, 3);
	assert_refused(m.bytes, m.len, -EINVAL);
	m = create_at(FX_PER_DEV - 1, same_disks, 3);
	assert_applied(m.bytes, m.len);
}

/* A slot of another volume whose disk is missing is no obstacle (the reference crashed). */
static void test_create_beside_missing_disk(void **state)
{
	static const unsigned disks[] = { 3, 4, 5 };
	struct message m;

	(void)state;
	ifx_init(&ifx, MEMBERS);
	ifx_volume(&ifx, 5, "D 0,1x?!,2 f1");
	for (int i = 0; i < 3; i++)
		ifx_spare(&ifx);
	m = create_at(0, disks, 3);
	assert_applied(m.bytes, m.len);
	assert_string_equal(ifx_text(&ifx, 1), "U 3,4,5");
}

static void test_create_overlap_while_reshaping(void **state)
{
	static const unsigned disks[] = { 3, 4, 5 };
	struct message m;

	(void)state;
	ifx_init(&ifx, 4);
	ifx_volume(&ifx, 5, "N<GEN<N 0,1,2,3/0,1,2 u0");
	ifx_spare(&ifx);
	ifx_spare(&ifx);
	m = create_at(0, disks, 3); /* disk 3 is in map 0 only */
	assert_refused(m.bytes, m.len, -EINVAL);
}

/* On disks with 4096-byte sectors nothing may be recorded as something else than was asked for. */
static void test_create_in_whole_sectors(void **state)
{
	(void)state;
	for (unsigned what = 0; what < 5; what++) {
		struct imsm_volume v = new_volume(5, 3);
		struct imsm_map *m0 = &v.map[0];
		struct message m;

		container();
		switch (what) {
		case 0: break;
		case 1: imsm_map_set_pba(m0, imsm_map_pba(m0) + 4); break;
		case 2: imsm_map_set_blocks_per_member(m0, imsm_map_blocks_per_member(m0) + 1); break;
		case 3: imsm_volume_set_blocks(&v, imsm_volume_blocks(&v) - 7); break;
		case 4: m0->head.blocks_per_strip = le16_make(4); break;
		}
		m = create(1, &v, same_disks, 3);
		ifx.c.sector_size = 4096;
		for (unsigned i = 0; i < FX_DISKS; i++)
			ifx.disk[i].sector_size = 4096;
		if (what > 0)
			assert_refused(m.bytes, m.len, -EINVAL);
		ifx.c.sector_size = what > 0 ? 512 : 4096;
		for (unsigned i = 0; i < FX_DISKS; i++)
			ifx.disk[i].sector_size = ifx.c.sector_size;
		assert_applied(m.bytes, m.len);
	}
}

static void test_create_attributes(void **state)
{
	static const struct {
		int level;
		unsigned members;
		uint64_t blocks;
		uint32_t attributes;
	} rows[] = {
		{ 0, 2, 0, IMSM_ATTR_RAID0 },
		{ 1, 2, 0, IMSM_ATTR_RAID1 },
		{ 5, 3, 0, 0 },
		{ 1, 4, 0, IMSM_ATTR_RAID10 },
		{ 10, 4, 0, IMSM_ATTR_RAID10 },
		{ 10, 6, 0, IMSM_ATTR_RAID10 | IMSM_ATTR_RAID10_EXT },
		{ 5, 3, 1ull << 33, IMSM_ATTR_2TB },
	};
	static const unsigned disks[] = { 0, 1, 2, 3, 4, 5 };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct imsm_volume v = new_volume(rows[i].level, rows[i].members);
		struct message m;

		container();
		ifx_spare(&ifx);
		ifx.c.meta.header.attributes = le32_make(0x40000000);
		if (rows[i].blocks)
			imsm_volume_set_blocks(&v, rows[i].blocks);
		m = create(1, &v, disks, rows[i].members);
		assert_applied(m.bytes, m.len);
		assert_int_equal(le32_get(ifx.c.meta.header.attributes),
				 0x40000000 | IMSM_ATTR_CHECKSUM_VERIFY | IMSM_ATTR_RAID5 | rows[i].attributes);
		/* The level is stored as the sender gave it. */
		assert_int_equal(ifx.c.meta.volume[1].map[0].head.raid_level, rows[i].level);
	}
}

static void test_create_keeps_higher_counter(void **state)
{
	struct message m;

	(void)state;
	container();
	ifx.c.meta.header.num_raid_devs_created = le16_make(9);
	m = create_on(5, same_disks, 3);
	assert_applied(m.bytes, m.len);
	assert_int_equal(le16_get(ifx.c.meta.header.num_raid_devs_created), 9);
}

/* A container of spares was loaded with one spare's own table. */
static void test_create_first_volume(void **state)
{
	static const unsigned disks[] = { 2, 1, 0 };
	struct imsm_volume v = new_volume(5, 3);
	struct message m;

	(void)state;
	ifx_init(&ifx, 0);
	for (int i = 0; i < 3; i++)
		ifx_spare(&ifx);
	ifx.c.meta.disk[ifx.c.meta.num_disks++] = ifx.dl[1].record;
	m = create(0, &v, disks, 3);
	assert_applied(m.bytes, m.len);
	assert_int_equal(ifx.c.meta.num_disks, 3);
	assert_string_equal(ifx_text(&ifx, 0), "U 0,1,2");
	assert_true(ifx_table_serial_is(&ifx, 0, "DISK2"));
}

/* Spares of two sector sizes; the record that happened to be loaded is one of the other size. */
static void test_create_first_volume_among_mixed_spares(void **state)
{
	static const unsigned large[] = { 2, 1, 0 }, mixed[] = { 2, 3, 0 };
	struct imsm_volume v = new_volume(5, 3);
	struct message m;

	(void)state;
	ifx_init(&ifx, 0);
	for (unsigned i = 0; i < 4; i++) {
		ifx_spare(&ifx);
		ifx.disk[i].sector_size = i < 3 ? 4096 : 512;
	}
	ifx.c.meta.disk[ifx.c.meta.num_disks++] = ifx.dl[3].record;
	m = create(0, &v, mixed, 3);
	assert_refused(m.bytes, m.len, -EINVAL);
	m = create(0, &v, large, 3);
	assert_applied(m.bytes, m.len);
	assert_int_equal(ifx.c.sector_size, 4096);
}

static void test_create_no_more_volumes(void **state)
{
	struct imsm_volume v = new_volume(5, 3);
	struct message m;

	(void)state;
	ifx_init(&ifx, MEMBERS);
	for (int i = 0; i < IMSM_MAX_VOLUMES; i++)
		ifx_volume(&ifx, 5, "N 0,1,2");
	m = create(IMSM_MAX_VOLUMES, &v, same_disks, 3);
	assert_refused(m.bytes, m.len, -EINVAL);
}

/* ---- kill ---- */

static void three_volumes(unsigned live)
{
	ifx_init(&ifx, MEMBERS);
	ifx_volume(&ifx, 5, "N 0,1,2");
	ifx_volume(&ifx, 5, "U 2,0,1");
	ifx_volume(&ifx, 5, "N 1,2,0");
	ifx.c.live_volumes = live;
}

static void test_kill_captured(void **state)
{
	static const uint8_t msg[] = { 2, 0, 0, 0, 1, 0, 0, 0 };

	(void)state;
	three_volumes(1);
	assert_refused_at_every_length(msg, sizeof(msg));
	assert_applied(msg, sizeof(msg));
	assert_true(ifx.c.write_due);
	assert_int_equal(ifx.c.meta.num_volumes, 2);
	assert_string_equal(ifx_text(&ifx, 0), "N 0,1,2");
	assert_string_equal(ifx_text(&ifx, 1), "N 1,2,0");
	assert_int_equal(ifx.c.meta.num_disks, 3); /* nobody becomes a spare */
	assert_int_equal(le32_get(ifx.c.meta.disk[0].status), IMSM_DISK_CONFIGURED);
}

static void test_kill_first(void **state)
{
	struct message m = WORDS(IMSM_UPDATE_KILL_ARRAY, 0);

	(void)state;
	three_volumes(0);
	assert_applied(m.bytes, m.len);
	assert_string_equal(ifx_text(&ifx, 0), "U 2,0,1");
	assert_string_equal(ifx_text(&ifx, 1), "N 1,2,0");
}

/* A RAID0 kept the entry of the disk that it had lost. */
static void test_kill_drops_lost_disks(void **state)
{
	struct message m = WORDS(IMSM_UPDATE_KILL_ARRAY, 1);

	(void)state;
	ifx_init(&ifx, 4);
	ifx_volume(&ifx, 1, "N 0,3");
	ifx_volume(&ifx, 0, "F 0,1x?! f1"); /* disk 2 is good, and in no volume */
	ifx.c.live_volumes = 1;
	assert_applied(m.bytes, m.len);
	assert_int_equal(ifx.c.meta.num_disks, 3);
	assert_string_equal(ifx_text(&ifx, 0), "N 0,2");
	assert_true(ifx_table_serial_is(&ifx, 1, "DISK2"));
}

static void test_kill_refused(void **state)
{
	static const int32_t bad[] = { -1, INT32_MIN, 3, 8, 256, INT32_MAX };
	struct message m;

	(void)state;
	three_volumes(0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		m = WORDS(IMSM_UPDATE_KILL_ARRAY, bad[i]);
		assert_refused(m.bytes, m.len, -EINVAL);
	}
	m = WORDS(IMSM_UPDATE_KILL_ARRAY, 1);
	three_volumes(1u << 1); /* it is in use */
	assert_refused(m.bytes, m.len, -EBUSY);
	three_volumes(1u << 2); /* one behind it, whose index would change */
	assert_refused(m.bytes, m.len, -EBUSY);
	container(); /* the only one */
	ifx.c.live_volumes = 0;
	m = WORDS(IMSM_UPDATE_KILL_ARRAY, 0);
	assert_refused(m.bytes, m.len, -EINVAL);
}

/* ---- rename ---- */

static void test_rename_captured(void **state)
{
	static const uint8_t msg[] = { 3, 0, 0, 0, 0x6e, 0x65, 0x77, 0x6e, 0x61, 0x6d, 0x65, 0,
				       0, 0, 0, 0, 0,    0,    0,    0,    1,    0,    0,    0 };

	(void)state;
	three_volumes(1);
	assert_refused_at_every_length(msg, sizeof(msg));
	assert_applied(msg, sizeof(msg));
	assert_true(ifx.c.write_due);
	assert_memory_equal(ifx.c.meta.volume[1].head.name, "newname\0\0\0\0\0\0\0\0", 16);
	assert_memory_equal(ifx.c.meta.volume[0].head.name, "vol0", 5);
}

static void test_rename_names(void **state)
{
	static const struct {
		const char *name;
		int err;
	} rows[] = {
		{ "a", 0 },
		{ "Az09._-", 0 },
		{ "_x", 0 },
		{ "vol", 0 },
		{ "123456789012345", 0 },
		{ "", -EINVAL },
		{ ".x", -EINVAL },
		{ "-x", -EINVAL },
		{ "a b", -EINVAL },
		{ "a/b", -EINVAL },
		{ "a\n", -EINVAL },
		{ "a\xe4", -EINVAL },
		{ "vol0", -EEXIST },
		{ "vol1", -EEXIST }, /* its own */
		{ "vol2", -EEXIST },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct message m = rename_to(1, rows[i].name);

		three_volumes(0);
		if (rows[i].err) {
			assert_refused(m.bytes, m.len, rows[i].err);
			continue;
		}
		assert_applied(m.bytes, m.len);
		assert_string_equal((const char *)ifx.c.meta.volume[1].head.name, rows[i].name);
	}
}

/* 16 characters without an end: the last one is dropped. And nothing of a longer old name remains. */
static void test_rename_full_field(void **state)
{
	struct message m = rename_to(1, "abcdefghijklmnop");

	(void)state;
	three_volumes(0);
	assert_applied(m.bytes, m.len);
	assert_memory_equal(ifx.c.meta.volume[1].head.name, "abcdefghijklmno", 16);
	m = rename_to(1, "x");
	assert_applied(m.bytes, m.len);
	assert_memory_equal(ifx.c.meta.volume[1].head.name, "x\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16);
}

static void test_rename_refused(void **state)
{
	static const int32_t bad[] = { -1, INT32_MIN, 3, 8, 256, INT32_MAX };
	struct message m;

	(void)state;
	three_volumes(0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		m = rename_to(bad[i], "x");
		assert_refused(m.bytes, m.len, -EINVAL);
	}
	three_volumes(1u << 1);
	m = rename_to(1, "x");
	assert_refused(m.bytes, m.len, -EBUSY);
	m = rename_to(2, "x"); /* its index does not matter */
	assert_applied(m.bytes, m.len);
}

/* ---- policy ---- */

static void test_policy_captured(void **state)
{
	static const uint8_t ppl[] = { 0x0b, 0, 0, 0, 3, 0, 0, 0, 1, 0, 0, 0 };
	static const uint8_t bitmap[] = { 0x0b, 0, 0, 0, 6, 0, 0, 0, 1, 0, 0, 0 };
	struct message m;

	(void)state;
	three_volumes(0);
	assert_refused_at_every_length(ppl, sizeof(ppl));
	assert_applied(ppl, sizeof(ppl));
	assert_true(ifx.c.write_due);
	assert_int_equal(ifx.c.meta.volume[1].head.rwh_policy, 3);
	assert_int_equal(ifx.c.meta.volume[0].head.rwh_policy, 5);
	assert_applied(ppl, sizeof(ppl));
	assert_false(ifx.c.write_due);
	assert_applied(bitmap, sizeof(bitmap));
	assert_int_equal(ifx.c.meta.volume[1].head.rwh_policy, 6);
	m = WORDS(IMSM_UPDATE_RWH_POLICY, 0, 0);
	assert_applied(m.bytes, m.len);
	assert_int_equal(ifx.c.meta.volume[0].head.rwh_policy, 0);
}

static void test_policy_refused(void **state)
{
	static const int32_t index[] = { -1, INT32_MIN, 3, 8, 256, INT32_MAX };
	static const int32_t value[] = { -1, 7, 256, 259, INT32_MAX, INT32_MIN };
	struct message m;

	(void)state;
	three_volumes(0);
	for (size_t i = 0; i < sizeof(index) / sizeof(index[0]); i++) {
		m = WORDS(IMSM_UPDATE_RWH_POLICY, 3, index[i]);
		assert_refused(m.bytes, m.len, -EINVAL);
		m = WORDS(IMSM_UPDATE_RWH_POLICY, value[i], 1);
		assert_refused(m.bytes, m.len, -EINVAL);
	}
}

/* ---- other types ---- */

static void test_other_types(void **state)
{
	static const struct {
		int32_t type;
		int err;
	} rows[] = {
		{ 0, -EINVAL },   { 4, -EINVAL },   { 10, -EINVAL },        { 12, -EINVAL },
		{ -1, -EINVAL },  { 256, -EINVAL }, { 257, -EINVAL },
		{ INT32_MIN, -EINVAL }, { INT32_MAX, -EINVAL },
	};

	(void)state;
	container();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct message m = WORDS(rows[i].type, 0, 0, 0, 0, 0, 0, 0);

		assert_refused(m.bytes, m.len, rows[i].err);
		assert_refused(m.bytes, 4, rows[i].err);
	}
	assert_refused("", 0, -EINVAL);
}

/* ---- disks ---- */

static void test_add_disk(void **state)
{
	struct imsm_dl *dl;

	(void)state;
	container();
	dl = ifx_new_disk(&ifx);
	memset(dl->record.serial, 0, IMSM_SERIAL_LEN);
	dl->index = 99;
	dl->clear_migr_record_due = true;
	dl->record.status = le32_make(IMSM_DISK_CONFIGURED);
	imsm_add_disk(&ifx.c, dl);
	assert_ptr_equal(ifx.c.disks, dl);
	assert_ptr_equal(dl->next, &ifx.dl[4]);
	assert_int_equal(dl->index, IMSM_INDEX_SPARE);
	assert_int_equal(le32_get(dl->record.status), IMSM_DISK_SPARE);
	assert_memory_equal(dl->record.serial, "DISK5", 6);
	assert_true(dl->spare_record_due);
	assert_false(dl->clear_migr_record_due);
	assert_false(ifx.c.write_due); /* nothing that the members hold has changed */
	assert_int_equal(ifx.c.meta.num_disks, 3);

	/* The first one above 2 TiB changes an attribute of the container. */
	dl = ifx_new_disk(&ifx);
	imsm_disk_set_blocks(&dl->record, 1ull << 33);
	imsm_add_disk(&ifx.c, dl);
	assert_int_equal(le32_get(ifx.c.meta.header.attributes), IMSM_ATTR_2TB_DISK);
	assert_true(ifx.c.write_due);
	ifx.c.write_due = false;
	dl = ifx_new_disk(&ifx);
	imsm_disk_set_blocks(&dl->record, 1ull << 33);
	imsm_add_disk(&ifx.c, dl);
	assert_false(ifx.c.write_due);
}

static void test_remove_spare(void **state)
{
	struct imsm_dl *dl;

	(void)state;
	container();
	dl = imsm_remove_disk(&ifx.c, ifx_dev(3));
	assert_ptr_equal(dl, &ifx.dl[3]);
	assert_null(dl->next);
	assert_null(imsm_dl_by_dev(&ifx.c, ifx_dev(3)));
	assert_ptr_equal(imsm_dl_by_dev(&ifx.c, ifx_dev(4)), &ifx.dl[4]);
	assert_ptr_equal(imsm_dl_by_dev(&ifx.c, ifx_dev(0)), &ifx.dl[0]);
	assert_false(ifx.c.write_due);
	assert_null(imsm_remove_disk(&ifx.c, ifx_dev(3)));
}

static void test_remove_member(void **state)
{
	(void)state;
	container();
	assert_ptr_equal(imsm_remove_disk(&ifx.c, ifx_dev(1)), &ifx.dl[1]);
	/* Its entry stays: the volume names it. */
	assert_string_equal(ifx_text(&ifx, 0), "N 0,1?,2");
	assert_int_equal(ifx.c.meta.num_disks, 3);
	assert_false(ifx.c.write_due);
}

static void test_remove_failed_member(void **state)
{
	(void)state;
	ifx_init(&ifx, MEMBERS);
	ifx_volume(&ifx, 5, "D 0x!,1,2 f0");
	assert_ptr_equal(imsm_remove_disk(&ifx.c, ifx_dev(0)), &ifx.dl[0]);
	assert_string_equal(ifx_text(&ifx, 0), "D 0x?!,1,2 f0");
}

static void test_remove_disk_of_no_volume(void **state)
{
	(void)state;
	ifx_init(&ifx, 4);
	ifx_volume(&ifx, 5, "N 0,2,3");
	assert_ptr_equal(imsm_remove_disk(&ifx.c, ifx_dev(1)), &ifx.dl[1]);
	assert_string_equal(ifx_text(&ifx, 0), "N 0,1,2");
	assert_int_equal(ifx.c.meta.num_disks, 3);
	assert_true(ifx.c.write_due);
	ifx_assert_writable(&ifx);
	/* The old disk of a slot under rebuild is named by map 1 only. */
	ifx_init(&ifx, MEMBERS);
	ifx_volume(&ifx, 1, "N<REBUILD<D 0,2/0,1 u0");
	imsm_remove_disk(&ifx.c, ifx_dev(1));
	assert_int_equal(ifx.c.meta.num_disks, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_create_on_members),
		cmocka_unit_test(test_create_captured),
		cmocka_unit_test(test_create_takes_spares),
		cmocka_unit_test(test_create_second_creator_loses),
		cmocka_unit_test(test_create_index),
		cmocka_unit_test(test_create_truncated),
		cmocka_unit_test(test_create_bad_volume),
		cmocka_unit_test(test_create_disks),
		cmocka_unit_test(test_create_overlap),
		cmocka_unit_test(test_create_beside_missing_disk),
		cmocka_unit_test(test_create_overlap_while_reshaping),
		cmocka_unit_test(test_create_in_whole_sectors),
		cmocka_unit_test(test_create_attributes),
		cmocka_unit_test(test_create_keeps_higher_counter),
		cmocka_unit_test(test_create_first_volume),
		cmocka_unit_test(test_create_first_volume_among_mixed_spares),
		cmocka_unit_test(test_create_no_more_volumes),
		cmocka_unit_test(test_kill_captured),
		cmocka_unit_test(test_kill_first),
		cmocka_unit_test(test_kill_drops_lost_disks),
		cmocka_unit_test(test_kill_refused),
		cmocka_unit_test(test_rename_captured),
		cmocka_unit_test(test_rename_names),
		cmocka_unit_test(test_rename_full_field),
		cmocka_unit_test(test_rename_refused),
		cmocka_unit_test(test_policy_captured),
		cmocka_unit_test(test_policy_refused),
		cmocka_unit_test(test_other_types),
		cmocka_unit_test(test_add_disk),
		cmocka_unit_test(test_remove_spare),
		cmocka_unit_test(test_remove_member),
		cmocka_unit_test(test_remove_failed_member),
		cmocka_unit_test(test_remove_disk_of_no_volume),
	};

	return cmocka_run_group_tests_name("imsm-updates", tests, NULL, NULL);
}
