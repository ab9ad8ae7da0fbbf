/* SPDX-License-Identifier: GPL-2.0-or-later */
/* imsm/messages.c: a new volume. */
#include "tests/unit/support/imsm-message.h"

#include <errno.h>

/* ---- applying ---- */

/* ... and the manager, who has no metadata, sees it already. */
static void assert_refused_early(const void *msg, size_t len, int expected)
{
	const char *why = NULL;

	assert_int_equal(imsm_check_message(msg, len, &why), expected);
	message_assert_refused(msg, len, expected);
}

/* ---- messages ---- */

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
	message_put(m, &map->head, sizeof(map->head));
	for (unsigned i = 0; i < map->head.num_members; i++) {
		le32 ord = le32_make(map->ord[i]);

		message_put(m, &ord, sizeof(ord));
	}
}

static struct message create(int32_t index, const struct imsm_volume *v, const unsigned *disks, unsigned members)
{
	struct message m = { .len = 0 };

	message_put_word(&m, IMSM_UPDATE_CREATE_ARRAY);
	message_put_word(&m, index);
	message_put(&m, &v->head, sizeof(v->head));
	put_map(&m, &v->map[0]);
	if (v->head.migr_state)
		put_map(&m, &v->map[1]);
	for (unsigned i = 0; i < members; i++) {
		uint8_t serial[IMSM_SERIAL_LEN];

		ifx_serial(serial, disks[i]);
		message_put(&m, serial, sizeof(serial));
	}
	return m;
}

static struct message create_on(int level, const unsigned *disks, unsigned members)
{
	struct imsm_volume v = new_volume(level, members);

	return create(1, &v, disks, members);
}

/* ---- create ---- */

static const unsigned same_disks[] = { 2, 0, 1 };
static const unsigned with_spares[] = { 4, 1, 3 };

static void test_create_on_members(void **state)
{
	struct message m;

	(void)state;
	message_container();
	m = create_on(5, same_disks, 3);
	assert_int_equal(m.len, 228); /* as captured on the wire */
	message_assert_applied(m.bytes, m.len);
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
	message_container();
	message_assert_applied(msg, sizeof(msg));
	assert_string_equal(ifx_text(&ifx, 1), "U 0,1,2");
	assert_int_equal(imsm_volume_blocks(&ifx.c.meta.volume[1]), 32768);
	assert_int_equal(imsm_map_pba(&ifx.c.meta.volume[1].map[0]), 0x20000);
	message_assert_refused_at_every_length(msg, sizeof(msg));
}

static void test_create_takes_spares(void **state)
{
	struct message m;

	(void)state;
	message_container();
	memset(ifx.c.meta.header.version, 'x', sizeof(ifx.c.meta.header.version));
	ifx.c.meta.disk[1].status = le32_make(0x100); /* in no volume, until now; an unknown bit */
	m = create_on(5, with_spares, 3);
	message_assert_applied(m.bytes, m.len);
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
	message_container();
	m = create_on(5, same_disks, 3);
	message_assert_applied(m.bytes, m.len);
	message_assert_refused(m.bytes, m.len, -EINVAL);
}

static void test_create_index(void **state)
{
	static const int32_t bad[] = { -1, 0, 2, 7, 8, 255, 256, 257, INT32_MAX, INT32_MIN };
	struct imsm_volume v = new_volume(5, 3);

	(void)state;
	message_container();
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct message m = create(bad[i], &v, same_disks, 3);

		if (bad[i] < 0 || bad[i] >= IMSM_MAX_VOLUMES)
			assert_refused_early(m.bytes, m.len, -EINVAL);
		else
			message_assert_refused(m.bytes, m.len, -EINVAL);
	}
}

static void test_create_truncated(void **state)
{
	struct message m;

	(void)state;
	message_container();
	m = create_on(5, with_spares, 3);
	message_assert_refused_at_every_length(m.bytes, m.len);
	message_assert_applied(m.bytes, m.len);
}

static void test_create_bad_volume(void **state)
{
	(void)state;
	message_container();
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
		message_assert_refused(m.bytes, m.len, -EINVAL);
	}
}

static void test_create_disks(void **state)
{
	static const unsigned twice[] = { 0, 1, 0 }, unknown[] = { 0, 1, 9 };
	struct message m;

	(void)state;
	message_container();
	m = create_on(5, twice, 3);
	message_assert_refused(m.bytes, m.len, -EINVAL);
	m = create_on(5, unknown, 3);
	message_assert_refused(m.bytes, m.len, -EINVAL);

	m = create_on(5, same_disks, 3);
	ifx_fail_disk(&ifx, 0);
	message_assert_refused(m.bytes, m.len, -EINVAL);
	m = create_on(5, with_spares, 3);

	message_container();
	ifx_unlink(&ifx, 1); /* missing */
	message_assert_refused(m.bytes, m.len, -EINVAL);

	message_container();
	ifx.disk[3].sector_size = 4096;
	message_assert_refused(m.bytes, m.len, -EINVAL);

	message_container();
	ifx.dl[4].index = IMSM_INDEX_UNRELATED;
	message_assert_refused(m.bytes, m.len, -EINVAL);

	message_container();
	memcpy(ifx.dl[0].serial, "DISK4", 6); /* a member and a spare that cannot be told apart */
	message_assert_refused(m.bytes, m.len, -EINVAL);

	message_container();
	ifx.c.meta.num_disks = IMSM_MAX_DISKS - 1; /* room for one of the two */
	message_assert_refused(m.bytes, m.len, -EINVAL);
	ifx.c.meta.num_disks = IMSM_MAX_DISKS - 2;
	message_assert_applied(m.bytes, m.len);
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
	message_container();
	ifx_spare(&ifx);
	m = create_at(0, with_disk_0, 3);
	message_assert_refused(m.bytes, m.len, -EINVAL);
	m = create_at(0, same_disks, 3);
	message_assert_refused(m.bytes, m.len, -EINVAL);
	m = create_at(FX_PER_DEV - 1, same_disks, 3);
	message_assert_refused(m.bytes, m.len, -EINVAL);
	m = create_at(FX_PER_DEV, same_disks, 3); /* touches */
	message_assert_refused(m.bytes, m.len, -EINVAL);
	m = create_at(0, with_spares, 3); /* one common disk */
	message_assert_refused(m.bytes, m.len, -EINVAL);
	m = create_at(0, others, 3);
	message_assert_applied(m.bytes, m.len);

	message_container();
	m = create_at(FX_PER_DEV + 1, same_disks, 3);
	message_assert_applied(m.bytes, m.len);

	/* From below. */
	message_container();
	imsm_map_set_pba(&ifx.c.meta.volume[0].map[0], 2 * FX_PER_DEV);
	m = create_at(FX_PER_DEV + 1, same_disks, 3);
	message_assert_refused(m.bytes, m.len, -EINVAL);
	m = create_at(FX_PER_DEV, same_disks, 3);
	message_assert_refused(m.bytes, m.len, -EINVAL);
	m = create_at(FX_PER_DEV - 1, same_disks, 3);
	message_assert_applied(m.bytes, m.len);
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
	message_assert_applied(m.bytes, m.len);
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
	message_assert_refused(m.bytes, m.len, -EINVAL);
}

/* On disks with 4096-byte sectors nothing may be recorded as something else than was asked for. */
static void test_create_in_whole_sectors(void **state)
{
	(void)state;
	for (unsigned what = 0; what < 5; what++) {
		struct imsm_volume v = new_volume(5, 3);
		struct imsm_map *m0 = &v.map[0];
		struct message m;

		message_container();
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
			message_assert_refused(m.bytes, m.len, -EINVAL);
		ifx.c.sector_size = what > 0 ? 512 : 4096;
		for (unsigned i = 0; i < FX_DISKS; i++)
			ifx.disk[i].sector_size = ifx.c.sector_size;
		message_assert_applied(m.bytes, m.len);
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

		message_container();
		ifx_spare(&ifx);
		ifx.c.meta.header.attributes = le32_make(0x40000000);
		if (rows[i].blocks)
			imsm_volume_set_blocks(&v, rows[i].blocks);
		m = create(1, &v, disks, rows[i].members);
		message_assert_applied(m.bytes, m.len);
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
	message_container();
	ifx.c.meta.header.num_raid_devs_created = le16_make(9);
	m = create_on(5, same_disks, 3);
	message_assert_applied(m.bytes, m.len);
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
	message_assert_applied(m.bytes, m.len);
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
	message_assert_refused(m.bytes, m.len, -EINVAL);
	m = create(0, &v, large, 3);
	message_assert_applied(m.bytes, m.len);
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
	message_assert_refused(m.bytes, m.len, -EINVAL);
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
	};

	return cmocka_run_group_tests_name("imsm-messages-create", tests, NULL, NULL);
}
