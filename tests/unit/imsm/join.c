/* SPDX-License-Identifier: GPL-2.0-or-later */
/* imsm/join.c: what is written to spares before they become members, and what becomes of it if they do not take it. */
#include "tests/unit/support/imsm-cuts.h"
#include "tests/unit/support/imsm-shape.h"

#include <errno.h>
#include <stdlib.h>

static const struct shape_message grow = GROW(2, 4, 0x802, 0x803);

/* A RAID0 of two disks, and two spares. */
static struct imsm_rig *new_raid0(void)
{
	struct imsm_rig *r = ir_new(512, 4096, 2, 2);

	ifx_volume(&r->fx, 0, "N 0,1");
	for (unsigned n = 0; n < 4; n++)
		if (n < 2)
			ir_write_member_metadata(r, n);
		else
			ir_write_spare_record(r, n);
	ir_load(r);
	return r;
}

static uint32_t status_on(struct imsm_rig *r, unsigned n, unsigned index)
{
	const struct imsm_meta *m = ir_read_back(r, n);

	assert_non_null(m);
	assert_true(index < m->num_disks);
	return le32_get(m->disk[index].status);
}

/* Loads the disks in that order: what it makes of each. */
static void load_in_order(struct imsm_rig *r, const unsigned *order, int index[MAX_DISKS])
{
	static struct imsm_container c;
	struct disk *disks[MAX_DISKS];

	memset(&c, 0, sizeof(c));
	for (unsigned i = 0; i < r->disks; i++)
		disks[i] = ir_disk_new(r, order[i]);
	assert_int_equal(imsm_load(&c, "md127", disks, r->disks), 0);
	assert_int_equal(c.meta.num_volumes, 1);
	assert_int_equal(c.meta.num_disks, 2);
	for (unsigned n = 0; n < r->disks; n++)
		index[n] = IMSM_DROPPED;
	for (struct imsm_dl *dl = c.disks, *next; dl; dl = next) {
		next = dl->next;
		index[dl->dev - ifx_dev(0)] = dl->index;
		disk_close(dl->disk);
		free(dl);
	}
	for (unsigned i = 0; i < r->disks; i++)
		disk_close(disks[i]);
}

/* ---- joining ---- */

/* One after the other: as the metadata are, with itself and those before it as spares. */
static void test_copies_are_written_one_by_one(void **state)
{
	struct imsm_rig *r = new_raid0();

	(void)state;
	ir_remember(r);
	ir_most_in_flight = 0;
	assert_int_equal(ir_send_message(r, grow.word, grow.len), 0);
	if (ir_most_in_flight) /* else there is no AIO here */
		assert_int_equal(ir_most_in_flight, 1);
	assert_string_equal(ir_text_on(r, 2, 0), "N 0,1");
	assert_string_equal(ir_text_on(r, 3, 0), "N 0,1");
	assert_int_equal(ir_read_back(r, 2)->num_disks, 3);
	assert_int_equal(ir_read_back(r, 3)->num_disks, 4);
	assert_int_equal(status_on(r, 3, 2), IMSM_DISK_SPARE | IMSM_DISK_CONFIGURED);
	assert_int_equal(status_on(r, 3, 3), IMSM_DISK_SPARE | IMSM_DISK_CONFIGURED);
	assert_int_equal(ir_generation_on(r, 2), GENERATION + 1);
	assert_int_equal(ir_generation_on(r, 3), GENERATION + 2);
	assert_int_equal(ir_generation_on(r, 0), GENERATION);
	assert_int_equal(ir_sync_now(r), 1);
	assert_int_equal(r->res.written, 4);
	assert_int_equal(ir_generation_on(r, 3), NEXT_GENERATION + 2); /* newer than those if they are not seen again */
	for (unsigned n = 1; n < 4; n++)
		assert_true(ir_same_on(r, 0, n));
	assert_int_equal(status_on(r, 0, 3), IMSM_DISK_CONFIGURED);
	ir_free(r);
}

static int rename_volume(struct imsm_rig *r)
{
	const struct shape_message renamed = { { IMSM_UPDATE_RENAME_ARRAY, 'n' | 'e' << 8 | 'w' << 16, 0, 0, 0, 0 }, 24 };

	return ir_send_message(r, renamed.word, renamed.len);
}

/*
 * What was changed in the same pass is on the members before anybody joins. Else the new disk alone would say so, and nobody
 * knows of it when the daemon dies then and the disk becomes a spare again.
 */
static void test_earlier_change_goes_to_the_members_first(void **state)
{
	struct imsm_rig *r = new_raid0();

	(void)state;
	assert_int_equal(rename_volume(r), 0);
	assert_int_equal(ir_send_message(r, grow.word, grow.len), 0);
	for (unsigned n = 0; n < 4; n++)
		assert_string_equal((const char *)ir_volume_on(r, n, 0)->head.name, "new");
	assert_true(ir_generation_on(r, 2) > ir_generation_on(r, 0));
	assert_int_equal(ir_sync_now(r), 1);
	assert_int_equal(r->res.written, 2 + 4);
	assert_string_equal(ir_text_on(r, 0, 0), "N<GEN<N 0,1,2,3/0,1 u0");
	ir_free(r);
}

/* Nothing that is refused is written. */
static void test_refused_message_writes_nothing(void **state)
{
	static const struct shape_message wrong = GROW(2, 4, 0x802, 0x801);
	struct imsm_rig *r = new_raid0();

	(void)state;
	ir_remember(r);
	assert_int_equal(ir_send_message(r, wrong.word, wrong.len), -EBUSY);
	assert_int_equal(ir_sync_now(r), 0);
	for (unsigned n = 0; n < 4; n++)
		assert_true(ir_is_untouched(r, n));
	ir_free(r);
}

static void all_are_found(const unsigned *order, void *ctx)
{
	int index[MAX_DISKS];

	load_in_order(ctx, order, index);
	for (int n = 0; n < 4; n++)
		assert_int_equal(index[n], n < 2 ? n : IMSM_INDEX_SPARE);
}

static void look_at_all(const struct cut_state *s, void *ctx)
{
	static const unsigned order[] = { 0, 1, 2, 3 };

	(void)s;
	cuts_each_order(order, 4, all_are_found, ctx);
}

/* Whatever part of its first copy is on the disk, it is a spare until the anchor is there. */
static void test_spare_stays_one_until_its_copy_is_complete(void **state)
{
	struct imsm_rig *r = new_raid0();
	struct cuts *c;

	(void)state;
	if (!cuts_possible())
		skip();
	r->physical_size = 512; /* what is longer may be torn */
	for (unsigned n = 0; n < 4; n++)
		r->disk[n]->physical_size = 512;
	c = cuts_start(r);
	assert_int_equal(ir_send_message(r, grow.word, grow.len), 0);
	cuts_stop(c);
	assert_true(cuts_each(c, look_at_all, r) > 4);
	cuts_free(c);
	ir_free(r);
}

/* ---- a disk that does not take its copy ---- */

static struct imsm_rig *breaking;

/* From the moment on when the record of former reshapes has been zeroed disk 3 takes nothing. */
static void break_after_zeros(const struct iocb *cb)
{
	bool zeros = (uint64_t)cb->u.c.offset == imsm_migr_record_offset(DEVICE_SIZE, breaking->sector_size);

	if (zeros && cb->aio_fildes == breaking->disk[3]->fd)
		ir_break_disk(breaking, 3);
}

static void grow_in_vain(struct imsm_rig *r)
{
	if (!cuts_possible())
		skip();
	breaking = r;
	ir_write_ends = break_after_zeros;
	assert_int_equal(ir_send_message(r, grow.word, grow.len), -EIO);
	ir_write_ends = NULL;
}

/* The second new disk reports an error: nothing has changed, the first one is a spare again. */
static void test_disk_that_takes_nothing(void **state)
{
	static const unsigned order[] = { 0, 1, 2, 3 };
	struct imsm_rig *r = new_raid0();
	int index[MAX_DISKS];

	(void)state;
	grow_in_vain(r);
	assert_int_equal(ir_read_back(r, 2)->num_disks, 3);
	assert_int_equal(ir_sync_now(r), 1);
	assert_string_equal(ir_text_on(r, 0, 0), "N 0,1");
	assert_int_equal(ir_read_back(r, 0)->num_disks, 2);
	assert_true(ir_same_on(r, 0, 1));
	assert_int_equal(ir_read_back(r, 2)->num_volumes, 0);
	load_in_order(r, order, index);
	assert_int_equal(index[2], IMSM_INDEX_SPARE);
	assert_int_equal(index[3], IMSM_INDEX_SPARE);
	/* it is asked again when there is time, and not before */
	assert_int_equal(ir_sync_now(r), 0);
	ir_mend_disk(r, 3);
	assert_int_equal(ir_sync_with(r, true), 1);
	assert_int_equal(ir_sync_with(r, true), 0);
	assert_int_equal(ir_send_message(r, grow.word, grow.len), 0);
	assert_int_equal(ir_sync_now(r), 1);
	assert_string_equal(ir_text_on(r, 3, 0), "N<GEN<N 0,1,2,3/0,1 u0");
	ir_free(r);
}

static void members_are_found(const unsigned *order, void *ctx)
{
	int index[MAX_DISKS];

	load_in_order(ctx, order, index);
	assert_int_equal(index[0], 0);
	assert_int_equal(index[1], 1);
}

static void look(const struct cut_state *s, void *ctx)
{
	static const unsigned order[] = { 0, 1, 2, 3 };

	(void)s;
	cuts_each_order(order, 4, members_are_found, ctx);
}

/* What the second new disk holds if it takes its copy. */
static void second_copy(uint8_t copy[TAIL])
{
	struct imsm_rig *r = new_raid0();

	assert_int_equal(ir_send_message(r, grow.word, grow.len), 0);
	ir_read_tail(r, 3, copy);
	ir_free(r);
}

/* It has taken its copy all the same, and the power fails while what has joined is made a spare again. */
static void test_disk_that_says_it_took_nothing(void **state)
{
	static uint8_t copy[TAIL];
	struct imsm_rig *r = new_raid0();
	struct cuts *c;

	(void)state;
	second_copy(copy);
	grow_in_vain(r);
	ir_write_at(r, 3, copy, TAIL, DEVICE_SIZE - TAIL);
	c = cuts_start(r);
	assert_int_equal(ir_sync_now(r), 1);
	cuts_stop(c);
	cuts_each(c, look, r);
	cuts_free(c);
	ir_free(r);
}

/* ---- what an earlier daemon has left ---- */

/* It was killed, or the power failed, when two disks had joined. */
static struct imsm_rig *left_behind(void)
{
	struct imsm_rig *r = new_raid0();

	assert_int_equal(ir_send_message(r, grow.word, grow.len), 0);
	super_imsm.free_super(&r->st);
	for (unsigned n = 0; n < 4; n++)
		r->disk[n] = ir_disk_new(r, n);
	ir_load(r);
	return r;
}

static void test_joined_disks_become_spares_again(void **state)
{
	struct imsm_rig *r = left_behind();

	(void)state;
	assert_int_equal(ir_sync_now(r), 1);
	for (unsigned n = 2; n < 4; n++)
		assert_int_equal(ir_read_back(r, n)->num_volumes, 0);
	assert_int_equal(ir_read_back(r, 0)->num_disks, 2);
	assert_true(ir_generation_on(r, 0) > NEXT_GENERATION + 1); /* newer than what a disk that was absent may hold */
	assert_true(ir_same_on(r, 0, 1));
	assert_int_equal(ir_sync_with(r, true), 0);
	ir_free(r);
}

/* The message comes before anything has been written. */
static void test_joined_disks_join_again(void **state)
{
	struct imsm_rig *r = left_behind();

	(void)state;
	assert_int_equal(ir_send_message(r, grow.word, grow.len), 0);
	assert_int_equal(ir_sync_now(r), 1);
	for (unsigned n = 0; n < 4; n++)
		assert_string_equal(ir_text_on(r, n, 0), "N<GEN<N 0,1,2,3/0,1 u0");
	ir_free(r);
}

/* The one that holds the newest copy cannot be written: the members get something newer before the other is a spare. */
static void test_joined_disk_that_cannot_be_undone(void **state)
{
	struct imsm_rig *r = left_behind();
	struct cuts *c;

	(void)state;
	if (!cuts_possible())
		skip();
	ir_break_disk(r, 3);
	c = cuts_start(r);
	assert_int_equal(ir_sync_now(r), 1);
	cuts_stop(c);
	cuts_each(c, look, r);
	cuts_free(c);
	assert_int_equal(ir_read_back(r, 2)->num_volumes, 0);
	ir_free(r);
}

/* It has left the container, and may come back: the same. */
static void test_joined_disk_that_has_left(void **state)
{
	struct metadata_update u = { .op = UPDATE_REMOVE_DISK, .dev = ifx_dev(3) };
	struct imsm_rig *r = left_behind();
	struct cuts *c;

	(void)state;
	if (!cuts_possible())
		skip();
	assert_int_equal(ir_apply(r, &u), 0);
	c = cuts_start(r);
	assert_int_equal(ir_sync_now(r), 1);
	cuts_stop(c);
	cuts_each(c, look, r);
	cuts_free(c);
	assert_int_equal(ir_read_back(r, 2)->num_volumes, 0);
	disk_close(u.disk);
	free(u.space);
	ir_free(r);
}

/* A start with all disks finds the volume. */
static void volume_is_found(const unsigned *order, void *ctx)
{
	static struct imsm_container c;
	struct imsm_rig *r = ctx;
	struct disk *disks[MAX_DISKS];

	memset(&c, 0, sizeof(c));
	for (unsigned i = 0; i < 4; i++)
		disks[i] = ir_disk_new(r, order[i]);
	assert_int_equal(imsm_load(&c, "md127", disks, 4), 0);
	assert_int_equal(c.meta.num_volumes, 1);
	for (struct imsm_dl *dl = c.disks, *next; dl; dl = next) {
		next = dl->next;
		disk_close(dl->disk);
		free(dl);
	}
	for (unsigned i = 0; i < 4; i++)
		disk_close(disks[i]);
}

static void look_for_volume(const struct cut_state *s, void *ctx)
{
	static const unsigned order[] = { 0, 1, 2, 3 };

	(void)s;
	cuts_each_order(order, 4, volume_is_found, ctx);
}

/* The change has reached `absent` alone, which is not here now, and names both disks as members. */
static struct imsm_rig *changed_elsewhere(unsigned absent)
{
	struct imsm_rig *r = new_raid0();

	assert_int_equal(ir_send_message(r, grow.word, grow.len), 0);
	for (unsigned n = 0; n < 4; n++)
		if (n != absent)
			ir_break_disk(r, n);
	assert_int_equal(ir_sync_now(r), 1);
	for (unsigned n = 0; n < 4; n++)
		if (n != absent)
			ir_mend_disk(r, n);
	super_imsm.free_super(&r->st);
	for (unsigned n = 0; n < 4; n++)
		r->disk[n] = ir_disk_new(r, n);
	ir_drop_disk(r, absent);
	ir_load(r);
	return r;
}

/* They are spares no sooner than a member holds something newer: else nothing is left that anybody would believe. */
static void go_on_without(unsigned absent)
{
	struct imsm_rig *r = changed_elsewhere(absent);
	uint32_t before = ir_generation_on(r, 3);
	struct cuts *c = cuts_start(r);

	assert_int_equal(ir_sync_now(r), 1);
	cuts_stop(c);
	/* The change may have been that spares were recorded. */
	assert_true(ir_generation_on(r, 1) - before > IMSM_LEAP_REPLACED);
	assert_true(cuts_each(c, look_for_volume, r) > 2);
	cuts_free(c);
	for (unsigned n = 2; n < 4; n++)
		assert_int_equal(ir_read_back(r, n)->num_volumes, n == absent);
	ir_free(r);
}

static void test_joined_disks_and_an_absent_member(void **state)
{
	(void)state;
	if (!cuts_possible())
		skip();
	go_on_without(0);
}

static void test_joined_disks_of_which_one_is_absent(void **state)
{
	(void)state;
	if (!cuts_possible())
		skip();
	go_on_without(2);
}

/* The one that is here joined before it, and its copy does not name it: but tells who was to be the next. */
static void test_joined_disks_of_which_the_last_is_absent(void **state)
{
	(void)state;
	if (!cuts_possible())
		skip();
	go_on_without(3);
}

static void close_copy(struct imsm_rig *r, unsigned n)
{
	static uint8_t tail[TAIL];
	uint8_t *anchor = tail + TAIL - 2 * r->sector_size;

	ir_read_tail(r, n, tail);
	imsm_close_anchor(anchor, r->sector_size, anchor);
	ir_write_at(r, n, tail, TAIL, DEVICE_SIZE - TAIL);
}

/* The daemon was killed while it wrote the members: what the spares have joined with is all that is whole. */
static void test_joined_disks_beside_half_written_members(void **state)
{
	struct imsm_rig *r = new_raid0();
	struct cuts *c;

	(void)state;
	if (!cuts_possible())
		skip();
	assert_int_equal(ir_send_message(r, grow.word, grow.len), 0);
	super_imsm.free_super(&r->st);
	for (unsigned n = 0; n < 2; n++)
		close_copy(r, n);
	for (unsigned n = 0; n < 4; n++)
		r->disk[n] = ir_disk_new(r, n);
	ir_load(r);
	c = cuts_start(r);
	assert_int_equal(ir_sync_now(r), 1);
	cuts_stop(c);
	assert_true(cuts_each(c, look_for_volume, r) > 2);
	cuts_free(c);
	for (unsigned n = 2; n < 4; n++)
		assert_int_equal(ir_read_back(r, n)->num_volumes, 0);
	assert_true(ir_same_on(r, 0, 1));
	ir_free(r);
}

/* No other member is here either: the disks that joined keep their copies until there is one. */
static void test_joined_disks_and_no_member(void **state)
{
	struct metadata_update u = { .op = UPDATE_ADD_DISK, .dev = ifx_dev(0) };
	static const unsigned order[] = { 0, 1, 2, 3 };
	struct imsm_rig *r = new_raid0();

	(void)state;
	assert_int_equal(ir_send_message(r, grow.word, grow.len), 0);
	for (unsigned n = 1; n < 4; n++)
		ir_break_disk(r, n);
	assert_int_equal(ir_sync_now(r), 1);
	for (unsigned n = 1; n < 4; n++)
		ir_mend_disk(r, n);
	super_imsm.free_super(&r->st);
	for (unsigned n = 0; n < 4; n++)
		r->disk[n] = ir_disk_new(r, n);
	ir_drop_disk(r, 0);
	ir_drop_disk(r, 1);
	ir_load(r);
	ir_remember(r);
	ir_sync_now(r);
	ir_sync_with(r, true);
	assert_true(ir_is_untouched(r, 2) && ir_is_untouched(r, 3));
	cuts_each_order(order, 4, volume_is_found, r);
	/* one that was not written comes */
	u.dev = ifx_dev(1);
	assert_int_equal(super_imsm.add_to_super(&r->st, ir_disk_new(r, 1), &u), 0);
	assert_int_equal(ir_apply(r, &u), 0);
	free(u.buf);
	assert_int_equal(ir_sync_now(r), 1);
	for (unsigned n = 2; n < 4; n++)
		assert_int_equal(ir_read_back(r, n)->num_volumes, 0);
	assert_true(ir_generation_on(r, 1) > ir_generation_on(r, 0));
	ir_free(r);
}

/* The family goes on without a disk that had joined, and the next daemon finds it: a spare, whose copy is old. */
static void test_joined_disk_that_stayed_behind(void **state)
{
	struct imsm_rig *r = left_behind();

	(void)state;
	super_imsm.free_super(&r->st);
	for (unsigned n = 0; n < 4; n++)
		r->disk[n] = ir_disk_new(r, n);
	ir_drop_disk(r, 3);
	ir_load(r);
	assert_int_equal(ir_sync_now(r), 1);
	assert_int_equal(ir_read_back(r, 2)->num_volumes, 0);
	super_imsm.free_super(&r->st);
	for (unsigned n = 0; n < 4; n++)
		r->disk[n] = ir_disk_new(r, n);
	ir_load(r);
	assert_int_equal(ir_sync_now(r), 1);
	assert_int_equal(ir_read_back(r, 3)->num_volumes, 0);
	assert_int_equal(status_on(r, 3, 0), IMSM_DISK_SPARE);
	assert_int_equal(ir_sync_now(r), 0);
	assert_int_equal(ir_send_message(r, grow.word, grow.len), 0);
	assert_int_equal(ir_sync_now(r), 1);
	assert_string_equal(ir_text_on(r, 3, 0), "N<GEN<N 0,1,2,3/0,1 u0");
	ir_free(r);
}

/* ---- spares ---- */

static void test_spare_that_takes_nothing(void **state)
{
	struct imsm_rig *r = ir_new_raid5(512, 4096, 1);
	struct metadata_update u = { .op = UPDATE_COMMIT_SPARES, .spares = &r->spares };

	(void)state;
	ir_load(r);
	ir_open_array(r);
	ir_fail_member(r, 1);
	assert_int_equal(ir_sync_now(r), 1);
	r->spares.pick[0] = (struct spare_pick){ .dev = ifx_dev(3), .slot = 1 };
	r->spares.count = 1;
	ir_break_disk(r, 3);
	assert_int_equal(ir_apply(r, &u), -EIO);
	for (unsigned n = 0; n < 3; n += 2) /* but for the word that a leap is to come */
		assert_string_equal(ir_text_on(r, n, 0), "D 0,1x!,2 f1");
	ir_sync_now(r);
	assert_string_equal(ir_text_on(r, 0, 0), "D 0,1x!,2 f1");
	ir_mend_disk(r, 3);
	assert_int_equal(ir_sync_with(r, true), 1); /* the spare's record alone */
	assert_memory_equal(((const struct imsm_container *)r->st.sb)->meta.header.filler, ir_read_back(r, 0)->header.filler,
			    sizeof(r->got.c.meta.header.filler));
	assert_int_equal(ir_apply(r, &u), 0);
	assert_int_equal(ir_sync_now(r), 1);
	assert_string_equal(ir_text_on(r, 3, 0), "N<REBUILD<D 0,2,1/0,2!,1 f1 u0");
	ir_free(r);
}

/*
 * The power fails when one member has the change, which is newer by a leap. That one and the spare are not there when the
 * others go on, and what these write is newer all the same: they had been told of the leap.
 */
static void test_recording_that_an_absent_member_alone_has(void **state)
{
	struct imsm_rig *r = ir_new_raid5(512, 4096, 1);
	struct metadata_update u = { .op = UPDATE_COMMIT_SPARES, .spares = &r->spares };

	(void)state;
	ir_load(r);
	ir_open_array(r);
	ir_fail_member(r, 1);
	assert_int_equal(ir_sync_now(r), 1);
	r->spares.pick[0] = (struct spare_pick){ .dev = ifx_dev(3), .slot = 1 };
	r->spares.count = 1;
	assert_int_equal(ir_apply(r, &u), 0);
	ir_break_disk(r, 2);
	ir_break_disk(r, 3);
	assert_int_equal(ir_sync_now(r), 1);
	assert_string_equal(ir_text_on(r, 0, 0), "N<REBUILD<D 0,2,1/0,2!,1 f1 u0");
	assert_string_equal(ir_text_on(r, 2, 0), "D 0,1x!,2 f1");
	super_imsm.free_super(&r->st);
	for (unsigned n = 0; n < 4; n++)
		r->disk[n] = n == 2 ? ir_disk_new(r, n) : NULL;
	ir_load(r);
	ir_open_array(r);
	ir_tell_state(r, MARK_CLEAN);
	assert_int_equal(ir_sync_now(r), 1);
	assert_true((int32_t)(ir_generation_on(r, 2) - ir_generation_on(r, 0)) > 0);
	/* Once: the mark does not stand for what is written from now on. */
	ir_tell_state(r, MARK_DIRTY);
	assert_int_equal(ir_sync_now(r), 1);
	assert_true(ir_generation_on(r, 2) - ir_generation_on(r, 0) < IMSM_LEAP_REPLACED);
	super_imsm.free_super(&r->st);
	r->disk[2] = ir_disk_new(r, 2);
	ir_load(r);
	ir_open_array(r);
	ir_tell_state(r, MARK_CLEAN);
	assert_int_equal(ir_sync_now(r), 1);
	assert_true(ir_generation_on(r, 2) - ir_generation_on(r, 0) < IMSM_LEAP_REPLACED);
	ir_free(r);
}

/* mdadm's daemon carries it on, with another generation. */
static void test_announced_leap_counts_with_its_generation(void **state)
{
	(void)state;
	for (unsigned more = 0; more < 2; more++) {
		ifx_init(&ifx, 3);
		ifx.c.leap_is_due = true;
		imsm_mark_leap(&ifx.c);
		imsm_pass_generations(&ifx.c.meta.header, more);
		ifx.c.loaded_generation = le32_get(ifx.c.meta.header.generation_num);
		imsm_find_leap(&ifx.c);
		assert_int_equal(ifx.c.change_may_be_out, !more);
	}
}

/* No member takes what was changed before in the same pass: nobody joins. */
static void test_spare_beside_a_change_that_no_member_takes(void **state)
{
	struct imsm_rig *r = ir_new_raid5(512, 4096, 1);
	struct metadata_update u = { .op = UPDATE_COMMIT_SPARES, .spares = &r->spares };

	(void)state;
	ir_load(r);
	ir_open_array(r);
	ir_fail_member(r, 1);
	ir_tell_state(r, MARK_DIRTY);
	assert_int_equal(ir_sync_now(r), 1);
	ir_tell_state(r, MARK_CLEAN);
	r->spares.pick[0] = (struct spare_pick){ .dev = ifx_dev(3), .slot = 1 };
	r->spares.count = 1;
	ir_remember(r);
	ir_break_disk(r, 0);
	ir_break_disk(r, 2);
	assert_int_equal(ir_apply(r, &u), -EIO);
	assert_true(ir_is_untouched(r, 3));
	assert_int_equal(ir_sync_now(r), -EIO);
	assert_int_equal(r->res.reports, 2);
	ir_mend_disk(r, 0);
	ir_mend_disk(r, 2);
	assert_int_equal(ir_sync_with(r, true), 1);
	assert_false(ir_is_dirty_on(r, 2));
	assert_int_equal(ir_apply(r, &u), 0);
	ir_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_copies_are_written_one_by_one),
		cmocka_unit_test(test_earlier_change_goes_to_the_members_first),
		cmocka_unit_test(test_refused_message_writes_nothing),
		cmocka_unit_test(test_spare_stays_one_until_its_copy_is_complete),
		cmocka_unit_test(test_disk_that_takes_nothing),
		cmocka_unit_test(test_disk_that_says_it_took_nothing),
		cmocka_unit_test(test_joined_disks_become_spares_again),
		cmocka_unit_test(test_joined_disks_join_again),
		cmocka_unit_test(test_joined_disk_that_cannot_be_undone),
		cmocka_unit_test(test_joined_disk_that_has_left),
		cmocka_unit_test(test_joined_disks_and_an_absent_member),
		cmocka_unit_test(test_joined_disks_of_which_one_is_absent),
		cmocka_unit_test(test_joined_disks_of_which_the_last_is_absent),
		cmocka_unit_test(test_joined_disks_beside_half_written_members),
		cmocka_unit_test(test_joined_disks_and_no_member),
		cmocka_unit_test(test_joined_disk_that_stayed_behind),
		cmocka_unit_test(test_spare_that_takes_nothing),
		cmocka_unit_test(test_recording_that_an_absent_member_alone_has),
		cmocka_unit_test(test_announced_leap_counts_with_its_generation),
		cmocka_unit_test(test_spare_beside_a_change_that_no_member_takes),
	};

	return cmocka_run_group_tests_name("imsm-join", tests, NULL, NULL);
}
