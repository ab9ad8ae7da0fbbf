/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The IMSM handler from end to end: loading, the end of a reshape, messages. What counts is what is in the files
 * afterwards.
 */
#include "tests/unit/support/imsm-rig.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- what the monitor calls: without any allocation ---- */

/* ---- loading ---- */

static struct mdinfo *member_in(struct imsm_rig *r, unsigned n, int slot, unsigned state)
{
	struct mdinfo *m = &r->member[n];

	m->slot = slot;
	m->curr_state = state;
	return m;
}

/* Life: a daemon without the disk ends the record of its rebuild and is killed, md finishes the rebuild, a daemon has the disk. */
static void test_what_is_not_on_record(void **state)
{
	struct imsm_rig *r = ir_new(512, 4096, 3, 0);

	(void)state;
	ifx_volume(&r->fx, IMSM_RAID5, "D 0,1!,2 f1");
	for (unsigned n = 0; n < 3; n++)
		ir_write_member_metadata(r, n);
	ir_load(r);
	ir_make_array(r, 0, 5, 3);
	assert_int_equal(ir_open_array(r), 0);
	assert_true(super_imsm.is_unrecorded(r->array, member_in(r, 1, 1, MEMBER_IN_SYNC)));
	assert_false(super_imsm.is_unrecorded(r->array, member_in(r, 1, 1, MEMBER_SPARE)));
	assert_false(super_imsm.is_unrecorded(r->array, member_in(r, 2, 2, MEMBER_IN_SYNC)));
	assert_true(super_imsm.is_unrecorded(r->array, member_in(r, 2, 1, MEMBER_SPARE)));
	ir_free(r);
}

static void test_load(void **state)
{
	struct imsm_rig *r = ir_new_raid5(512, 4096, 1);

	(void)state;
	ir_remember(r);
	ir_load(r);
	assert_int_equal(ir_open_array(r), 0);
	for (unsigned n = 0; n < 3; n++)
		assert_int_equal(super_imsm.find_slot(r->array, ifx_dev(n)), n);
	assert_int_equal(super_imsm.find_slot(r->array, ifx_dev(3)), -1);
	assert_int_equal(super_imsm.find_slot(r->array, ifx_dev(99)), -1);
	assert_int_equal(ir_sync_now(r), 0);
	assert_int_equal(ir_sync_with(r, true), 0);
	for (unsigned n = 0; n < 4; n++)
		assert_true(ir_is_untouched(r, n));
	ir_free(r);
}

/* What is not used stays with the caller. */
static void test_load_leaves_strangers_alone(void **state)
{
	struct imsm_rig *r = ir_new_raid5(512, 4096, 0);
	struct disk *disks[4];

	(void)state;
	r->disks = 4;
	ir_make_file(r, 3);
	for (unsigned n = 0; n < 4; n++)
		disks[n] = r->disk[n];
	assert_int_equal(super_imsm.load_container(&r->st, disks, 4), 0);
	assert_null(disks[0]);
	assert_ptr_equal(disks[3], r->disk[3]);
	ir_drop_disk(r, 3);
	ir_free(r);
}

/*
 * Power was cut while a disk wrote: its extended sectors are new, its anchor is old. It costs that disk, and
 * nobody else.
 */
static void test_half_written_copy(void **state)
{
	struct imsm_rig *r = ir_new(512, 512, 3, 0);
	struct disk *disks[3];

	(void)state;
	ifx_volume(&r->fx, 5, "N 0,1,2");
	ifx_volume(&r->fx, 5, "N 0,1,2");
	ir_make_array(r, 0, 5, 3);
	for (unsigned n = 0; n < 3; n++)
		ir_write_member_metadata(r, n);
	ir_remember(r);
	r->fx.c.meta.header.generation_num = le32_make(GENERATION + 1);
	r->fx.c.meta.volume[1].head.dirty = IMSM_DIRTY;
	ir_write_member_metadata(r, 1);
	ir_write_at(r, 1, r->tail[1] + TAIL - 1024, 512, DEVICE_SIZE - 1024);
	assert_null(ir_read_back(r, 1));
	ir_remember(r);
	for (unsigned n = 0; n < 3; n++)
		disks[n] = r->disk[n];
	assert_int_equal(super_imsm.load_container(&r->st, disks, 3), 0);
	assert_null(disks[0]);
	assert_ptr_equal(disks[1], r->disk[1]);
	assert_int_equal(ir_open_array(r), 0);
	ir_tell_state(r, MARK_DIRTY);
	assert_int_equal(ir_sync_now(r), 1);
	assert_int_equal(r->res.written, 2);
	assert_true(ir_is_dirty_on(r, 0) && ir_is_dirty_on(r, 2));
	assert_true(ir_is_untouched(r, 1));
	ir_drop_disk(r, 1);
	ir_free(r);
}

/* Disk 1 has a change that the daemon before has not told the others, and not all disks of the table are here. */
static struct imsm_rig *load_change_on_one(unsigned disks)
{
	struct imsm_rig *r = ir_new(512, 512, 3, 0);

	ifx_volume(&r->fx, 5, "N 0,1,2");
	ir_make_array(r, 0, 5, 3);
	for (unsigned n = 0; n < 3; n++)
		ir_write_member_metadata(r, n);
	r->fx.c.meta.header.generation_num = le32_make(GENERATION + 1);
	r->fx.c.meta.volume[0].head.dirty = 0;
	ir_write_member_metadata(r, 1);
	for (unsigned n = disks; n < 3; n++)
		ir_drop_disk(r, n);
	ir_load(r);
	return r;
}

/* Killed in the middle of a write: what one disk alone knows must not stay there until something else happens. */
static void test_change_that_one_disk_has(void **state)
{
	struct imsm_rig *r = load_change_on_one(3);

	(void)state;
	assert_int_equal(ir_sync_now(r), 1);
	assert_int_equal(r->res.written, 3);
	assert_int_equal(ir_sync_now(r), 0);
	ir_free(r);
}

/* A disk that is not here may have something newer, and what is written now would be newer still. */
static void test_change_that_one_disk_has_while_another_is_absent(void **state)
{
	struct imsm_rig *r = load_change_on_one(2);

	(void)state;
	assert_int_equal(ir_sync_now(r), 0);
	ir_free(r);
}

static void test_load_without_metadata(void **state)
{
	struct imsm_rig *r = ir_new(512, 4096, 0, 2);
	struct disk *disks[2] = { r->disk[0], r->disk[1] };

	(void)state;
	assert_int_equal(super_imsm.load_container(&r->st, disks, 2), -ENOENT);
	assert_ptr_equal(disks[0], r->disk[0]);
	assert_ptr_equal(disks[1], r->disk[1]);
	assert_null(r->st.sb);
	assert_true(super_imsm.load_container(&r->st, disks, 0) < 0);
	ir_drop_disk(r, 0);
	ir_drop_disk(r, 1);
	ir_free(r);
}

/* The disks are not taken over, not written, and the administrator is told why. */
static void assert_refused(struct imsm_rig *r, int err)
{
	struct disk *disks[MAX_DISKS];

	ir_remember(r);
	for (unsigned n = 0; n < r->disks; n++)
		disks[n] = r->disk[n];
	assert_int_equal(super_imsm.load_container(&r->st, disks, r->disks), err);
	assert_null(r->st.sb);
	for (unsigned n = 0; n < r->disks; n++) {
		assert_true(ir_is_untouched(r, n));
		if (disks[n])
			ir_drop_disk(r, n);
		r->disk[n] = NULL;
	}
	ir_free(r);
}

static void set_attributes(struct imsm_rig *r, uint32_t attributes)
{
	r->fx.c.meta.header.attributes = le32_make(attributes);
	for (unsigned n = 0; n < 3; n++)
		ir_write_member_metadata(r, n);
}

static void test_unknown_attributes_are_refused(void **state)
{
	struct imsm_rig *r = ir_new_raid5(512, 4096, 1);

	(void)state;
	set_attributes(r, IMSM_ATTR_CHECKSUM_VERIFY | 0x10000100);
	assert_refused(r, -EOPNOTSUPP);
}

static void test_supported_attributes_are_kept(void **state)
{
	struct imsm_rig *r = ir_new_raid5(512, 4096, 0);
	const uint32_t all = IMSM_ATTR_SUPPORTED & ~IMSM_ATTR_BBM;

	(void)state;
	set_attributes(r, all);
	ir_load(r);
	assert_int_equal(ir_open_array(r), 0);
	assert_int_equal(ir_tell_state(r, MARK_DIRTY), MARK_DIRTY);
	assert_int_equal(ir_sync_now(r), 1);
	assert_int_equal(le32_get(ir_read_back(r, 0)->header.attributes), all);
	ir_free(r);
}

static void begin_reshape(struct imsm_rig *r)
{
	struct imsm_volume *v = &r->fx.c.meta.volume[0];

	v->head.migr_state = 1;
	v->map[1] = v->map[0];
	imsm_volume_set_migr_type(v, IMSM_MIGR_GENERAL);
	for (unsigned n = 0; n < 3; n++)
		ir_write_member_metadata(r, n);
}

/* As mdadm does: in the units of the disk. */
static void write_migr_record(struct imsm_rig *r, unsigned n, const struct imsm_migr_record *record)
{
	uint8_t sector[4096] = { 0 };

	memcpy(sector, record, sizeof(*record));
	ir_write_at(r, n, sector, r->sector_size, imsm_migr_record_offset(DEVICE_SIZE, r->sector_size));
}

static void test_reshape_that_cannot_be_gone_on_with(void **state)
{
	static const struct imsm_migr_record descending = { .dest_depth_per_unit = { { 0, 8 } } };
	struct imsm_rig *r = ir_new_raid5(4096, 4096, 0);

	(void)state;
	begin_reshape(r);
	for (unsigned n = 0; n < 2; n++)
		write_migr_record(r, n, &descending);
	assert_refused(r, -EOPNOTSUPP);
}

static void test_reshape_is_loaded(void **state)
{
	const struct imsm_migr_record record = {
		.ascending_migr = le32_make(1),
		.dest_depth_per_unit = le32_make(2048),
	};
	struct imsm_rig *r = ir_new_raid5(4096, 4096, 0);

	(void)state;
	begin_reshape(r);
	for (unsigned n = 0; n < 2; n++)
		write_migr_record(r, n, &record);
	ir_load(r);
	ir_free(r);
}

static struct imsm_rig *watched;

/* What a power cut just before this write would leave. */
static void check_order(uint64_t offset)
{
	unsigned ended = 0, zeroed = 0;

	counting_allocations = false;
	for (unsigned n = 0; n < 4; n++) {
		ended += strcmp(ir_text_on(watched, n, 0), "N 0,1,2,3") == 0;
		zeroed += ir_migration_record_is(watched, n, 0);
	}
	if (offset == imsm_migr_record_offset(DEVICE_SIZE, watched->sector_size)) {
		assert_int_equal(ended, 4);
		for (unsigned n = 0; n < 4; n++)
			assert_string_equal(ir_text_on(watched, n, 1), "N 0,1,2");
	} else {
		assert_true(zeroed == 0 || zeroed == 4);
	}
	counting_allocations = true;
}

/*
 * First that the volume has its new shape, then the records of its reshape, then that the next volume begins: each on
 * all disks before anything of what follows. A reader that found one with the other would move data again that has
 * been moved.
 */
static void test_end_of_reshape_is_written_in_order(void **state)
{
	const struct imsm_migr_record record = { .ascending_migr = le32_make(1), .curr_migr_unit_lo = le32_make(9) };
	struct imsm_rig *r = ir_new(512, 512, 4, 0);

	(void)state;
	ifx_volume(&r->fx, 5, "N<GEN<N 0,1,2,3/0,1,2 u9");
	ifx_volume(&r->fx, 0, "N 0,1,2");
	for (unsigned n = 0; n < 4; n++) {
		ir_write_member_metadata(r, n);
		write_migr_record(r, n, &record);
	}
	ir_make_array(r, 0, 5, 4);
	ir_load(r);
	assert_int_equal(ir_open_array(r), 0);
	r->watch.reshape_done = true;
	ir_tell_state(r, MARK_CLEAN);
	watched = r;
	ir_before_write = check_order;
	assert_int_equal(ir_sync_now(r), 1);
	ir_before_write = NULL;
	for (unsigned n = 0; n < 4; n++) {
		assert_string_equal(ir_text_on(r, n, 0), "N 0,1,2,3");
		assert_string_equal(ir_text_on(r, n, 1), "N<GEN<N 0,1,2,3/0,1,2 u0");
		assert_true(ir_migration_record_is(r, n, 0));
		assert_int_equal(ir_generation_on(r, n), NEXT_GENERATION + 1);
	}
	assert_int_equal(ir_sync_now(r), 0);
	ir_free(r);
}

static void test_open_new(void **state)
{
	struct imsm_rig *r = ir_new_raid5(512, 4096, 0);

	(void)state;
	ir_load(r);
	r->array->member = 1;
	assert_int_equal(ir_open_array(r), -ENODEV);
	r->array->member = -1;
	assert_int_equal(ir_open_array(r), -ENODEV);
	r->array->member = 0;
	assert_int_equal(ir_open_array(r), 0);
	assert_int_equal(ir_open_array(r), -EBUSY);
	super_imsm.close_array(r->array);
	assert_int_equal(ir_open_array(r), 0);
	ir_free(r);
}

/* A volume was created on a disk whose failure in another one had not reached it: md has to be told. */
static void test_failed_members_of_new_arrays_are_told_of(void **state)
{
	struct imsm_rig *r = ir_new_raid5(512, 4096, 0);

	(void)state;
	ir_load(r);
	ir_open_array(r);
	ir_fail_member(r, 1);
	super_imsm.close_array(r->array);
	for (unsigned n = 0; n < 3; n++)
		assert_false(r->member[n].failed_elsewhere);
	assert_int_equal(ir_open_array(r), 0);
	assert_false(r->member[0].failed_elsewhere || r->member[2].failed_elsewhere);
	assert_true(r->member[1].failed_elsewhere);
	ir_free(r);
}

/* ---- messages ---- */

static size_t ir_put_word(uint8_t *buf, size_t at, uint32_t v)
{
	memcpy(buf + at, &v, sizeof(v));
	return at + sizeof(v);
}

/* A second RAID5 volume on the first three disks, behind the first one. As mdadm would send it. */
static size_t create_message(uint8_t *buf, unsigned number, unsigned place, unsigned first_disk)
{
	static struct fixture f;
	struct imsm_volume *v = &f.c.meta.volume[0];
	size_t at = ir_put_word(buf, 0, IMSM_UPDATE_CREATE_ARRAY), ords;

	ifx_init(&f, 3);
	ifx_volume(&f, 5, "N 0,1,2");
	imsm_map_set_pba(&v->map[0], (uint64_t)place * (FX_PER_DEV + FX_GAP));
	snprintf((char *)v->head.name, sizeof(v->head.name), "new%u", number);
	at = ir_put_word(buf, at, number);
	memcpy(buf + at, &v->head, sizeof(v->head));
	at += sizeof(v->head);
	memcpy(buf + at, &v->map[0].head, sizeof(v->map[0].head));
	ords = at + sizeof(v->map[0].head);
	at = ords;
	for (unsigned slot = 0; slot < 3; slot++)
		at = ir_put_word(buf, at, slot);
	for (unsigned slot = 0; slot < 3; slot++, at += IMSM_SERIAL_LEN)
		ifx_serial(buf + at, first_disk + slot);
	return at;
}

static void test_create(void **state)
{
	struct imsm_rig *r = ir_new_raid5(512, 4096, 1);
	uint8_t buf[1024];

	(void)state;
	ir_load(r);
	ir_open_array(r);
	ir_remember(r);
	assert_true(ir_send_message(r, buf, create_message(buf, 1, 0, 0)) < 0); /* overlaps */
	assert_true(ir_send_message(r, buf, create_message(buf, 2, 1, 0)) < 0); /* not the next number */
	assert_true(ir_send_message(r, buf, create_message(buf, 1, 1, 5)) < 0); /* no such disks */
	assert_true(ir_send_message(r, buf, create_message(buf, 1, 1, 0) - 1) < 0);
	assert_int_equal(ir_sync_with(r, true), 0);
	/* on the disks 1 to 3: the spare becomes a member */
	assert_int_equal(ir_send_message(r, buf, create_message(buf, 1, 1, 1)), 0);
	assert_int_equal(ir_sync_now(r), 1);
	assert_int_equal(r->res.written, 4);
	for (unsigned n = 0; n < 4; n++) {
		assert_int_equal(ir_generation_on(r, n), NEXT_GENERATION + 1);
		assert_int_equal(ir_read_back(r, n)->num_disks, 4);
		assert_string_equal(ir_text_on(r, n, 0), "N 0,1,2");
		assert_string_equal(ir_text_on(r, n, 1), "N 1,2,3");
		assert_memory_equal(ir_volume_on(r, n, 1)->head.name, "new1", 5);
	}
	assert_true(ir_same_on(r, 0, 3));
	ir_free(r);
}

static void test_kill_and_rename(void **state)
{
	struct imsm_rig *r = ir_new(512, 4096, 2, 0);
	uint8_t kill[8], rename[24];

	(void)state;
	ifx_volume(&r->fx, 1, "N 0,1");
	ifx_volume(&r->fx, 1, "N 1,0");
	ir_write_member_metadata(r, 0);
	ir_write_member_metadata(r, 1);
	ir_make_array(r, 0, 1, 2);
	ir_load(r);
	ir_open_array(r);
	ir_put_word(rename, 0, IMSM_UPDATE_RENAME_ARRAY);
	memcpy(rename + 4, "other\0\0\0\0\0\0\0\0\0\0", 16);
	ir_put_word(kill, 0, IMSM_UPDATE_KILL_ARRAY);

	ir_put_word(rename, 20, 0);
	assert_true(ir_send_message(r, rename, sizeof(rename)) < 0); /* in use */
	ir_put_word(rename, 20, 2);
	assert_true(ir_send_message(r, rename, sizeof(rename)) < 0);
	ir_put_word(kill, 4, 0);
	assert_true(ir_send_message(r, kill, sizeof(kill)) < 0);
	ir_put_word(kill, 4, 0xffffffff);
	assert_true(ir_send_message(r, kill, sizeof(kill)) < 0);
	assert_int_equal(ir_sync_with(r, true), 0);

	ir_put_word(rename, 20, 1);
	assert_int_equal(ir_send_message(r, rename, sizeof(rename)), 0);
	assert_int_equal(ir_sync_now(r), 1);
	assert_memory_equal(ir_volume_on(r, 1, 1)->head.name, "other\0\0\0\0\0\0\0\0\0\0", 16);
	assert_memory_equal(ir_volume_on(r, 1, 0)->head.name, "vol0", 5);

	ir_put_word(kill, 4, 1);
	assert_int_equal(ir_send_message(r, kill, sizeof(kill)), 0);
	assert_int_equal(ir_sync_now(r), 1);
	assert_int_equal(ir_read_back(r, 0)->num_volumes, 1);
	assert_true(ir_same_on(r, 0, 1));
	assert_int_equal(ir_generation_on(r, 0), NEXT_GENERATION + 1);
	/* the last one has to stay */
	super_imsm.close_array(r->array);
	ir_put_word(kill, 4, 0);
	assert_true(ir_send_message(r, kill, sizeof(kill)) < 0);
	ir_free(r);
}

/* Nobody is left who could take it, and no array is served: who has asked for it is told, and the daemon may end. */
static void test_rename_without_disks(void **state)
{
	struct imsm_rig *r = ir_new_raid5(512, 4096, 0);
	uint8_t rename[24] = { 0 };

	(void)state;
	ir_load(r);
	for (unsigned n = 0; n < 3; n++) {
		struct metadata_update u = { .op = UPDATE_REMOVE_DISK, .dev = ifx_dev(n) };

		assert_int_equal(ir_apply(r, &u), 0);
		disk_close(u.disk);
		free(u.space);
		r->disk[n] = NULL;
	}
	assert_int_equal(ir_sync_now(r), 0);
	ir_put_word(rename, 0, IMSM_UPDATE_RENAME_ARRAY);
	memcpy(rename + 4, "other", 5);
	assert_int_equal(ir_send_message(r, rename, sizeof(rename)), 0);
	assert_int_equal(ir_sync_now(r), -EIO);
	assert_true(ir_sync_with(r, true) >= 0);
	ir_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_not_on_record),
		cmocka_unit_test(test_load),
		cmocka_unit_test(test_load_leaves_strangers_alone),
		cmocka_unit_test(test_half_written_copy),
		cmocka_unit_test(test_change_that_one_disk_has),
		cmocka_unit_test(test_change_that_one_disk_has_while_another_is_absent),
		cmocka_unit_test(test_load_without_metadata),
		cmocka_unit_test(test_unknown_attributes_are_refused),
		cmocka_unit_test(test_supported_attributes_are_kept),
		cmocka_unit_test(test_reshape_that_cannot_be_gone_on_with),
		cmocka_unit_test(test_reshape_is_loaded),
		cmocka_unit_test(test_end_of_reshape_is_written_in_order),
		cmocka_unit_test(test_open_new),
		cmocka_unit_test(test_failed_members_of_new_arrays_are_told_of),
		cmocka_unit_test(test_create),
		cmocka_unit_test(test_kill_and_rename),
		cmocka_unit_test(test_rename_without_disks),
	};

	return cmocka_run_group_tests_name("super-imsm", tests, NULL, NULL);
}
