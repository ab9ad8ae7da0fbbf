/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ddf/marks.c, ddf/write.c: marks that are written in place (ddf.md 7.5). */
#include "tests/unit/support/ddf-bench.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "metadata/lane.h"
#include "metadata/metaio.h"

#define WRITES (2 * DISKS)
#define DIRTY DDF_VD_INCONSISTENT

/* What the kernel is answered with. */
static int write_first(struct bench *b)
{
	dwb_forget_writes();
	b->res = (struct sync_result){ 0 };
	return ddf_write(b->w, &b->f.c, &b->res);
}

static void assert_in_place(struct bench *b, bool expected)
{
	uint32_t seq = b->f.c.seq;

	dwb_mark(b, !(dfx_vd(&b->f, 0)->state & DIRTY));
	assert_int_equal(write_first(b), 1);
	assert_int_equal(b->f.c.seq != seq, !expected);
	ddf_write_rest(b->w, &b->f.c, &b->res);
}

static void test_one_sector_on_each_copy(void **state)
{
	struct bench *b = *state;

	for (int dirty = 1; dirty >= 0; dirty--) {
		dwb_mark(b, dirty);
		assert_int_equal(write_first(b), 1);
		assert_int_equal(b->res.written, DISKS);
		for (unsigned n = 0; n < DISKS; n++) {
			assert_string_equal(dwb_trace(b, n), "p4 s4");
			assert_int_equal(dwb_vd_state_on(b, n), dirty ? DIRTY : 0);
		}
		assert_int_equal(b->f.c.seq, 8);
		dwb_assert_all_complete(b);
		dwb_forget_writes();
		ddf_write_rest(b->w, &b->f.c, &b->res);
		assert_int_equal(dwb_seen.count, 0);
	}
}

/* ---- the power fails ---- */

static void reload(const struct bench *b, struct ddf_container *c)
{
	struct disk *disks[DISKS];

	for (unsigned n = 0; n < DISKS; n++) {
		disks[n] = malloc(sizeof(*disks[n]));
		assert_non_null(disks[n]);
		*disks[n] = b->f.disk[n];
		disks[n]->fd = dup(dwb_fd_of(b, n));
	}
	*c = (struct ddf_container){ 0 };
	assert_int_equal(ddf_load(c, disks, DISKS, "md127"), 0);
}

static unsigned loaded_state(const struct ddf_container *c)
{
	return ((const struct ddf_vd_entry *)(const void *)(c->vd + sizeof(struct ddf_table_head)))->state;
}

/* What the next daemon has loaded counts as written, for it says so to the kernel: then no reader may find anything else. */
static void goes_on(struct bench *b, struct ddf_container *c, unsigned set)
{
	const bool differ = set && set != (1u << WRITES) - 1;
	struct ddf_writer *w = ddf_writer_new();
	struct sync_result res = { 0 };

	assert_non_null(w);
	assert_true(ddf_write(w, c, &res) >= 0);
	assert_int_equal(c->seq, c->loaded_seq + differ);
	for (unsigned n = 0; n < DISKS; n++)
		assert_int_equal(dwb_vd_state_on(b, n), loaded_state(c));
	ddf_write_rest(w, c, &res);
	for (unsigned n = 0; n < DISKS; n++) {
		assert_int_equal(dwb_vd_state_at(b, dwb_fd_of(b, n), PRIMARY), loaded_state(c));
		assert_int_equal(dwb_vd_state_at(b, dwb_fd_of(b, n), SECONDARY), loaded_state(c));
	}
	ddf_writer_free(w);
}

/* Any of the sectors have arrived. */
static void test_power_cut(void **state)
{
	static uint8_t before[8192], data[WRITES][DDF_SECTOR];
	struct bench *b = *state;
	unsigned at[WRITES];
	int fd[WRITES];

	memcpy(before, b->f.c.vd_written, DDF_SECTOR);
	dwb_mark(b, true);
	assert_int_equal(write_first(b), 1);
	assert_int_equal(dwb_seen.count, WRITES);
	for (unsigned i = 0; i < WRITES; i++) {
		at[i] = dwb_seen.write[i].at;
		fd[i] = dwb_seen.write[i].fd;
		memcpy(data[i], dwb_seen.write[i].data, DDF_SECTOR);
	}
	for (unsigned set = 0; set < 1u << WRITES; set++) {
		struct ddf_container c;
		struct ddf_header h;

		for (unsigned i = 0; i < WRITES; i++)
			assert_int_equal(pwrite(fd[i], set >> i & 1 ? data[i] : before, DDF_SECTOR,
						(off_t)at[i] * DDF_SECTOR),
					 DDF_SECTOR);
		for (unsigned n = 0; n < DISKS; n++) {
			uint64_t copy = dwb_readers_choice(dwb_fd_of(b, n), &h);

			assert_true(copy);
			dwb_assert_copy_right(b, dwb_fd_of(b, n), copy, &h);
			assert_int_equal(dwb_vd_state_at(b, dwb_fd_of(b, n), copy) & ~DIRTY, 0);
		}
		dwb_forget_writes();
		reload(b, &c);
		goes_on(b, &c, set);
		ddf_free(&c);
	}
}

/* ---- a disk does not take it ---- */

/* The others are newer then: whatever it has is old. */
static void test_disk_that_refuses(void **state)
{
	struct bench *b = *state;

	dwb_break_disk(b, 1, 0, FX_SECTORS - 1);
	dwb_mark(b, true);
	assert_int_equal(write_first(b), 1);
	assert_int_equal(b->f.c.seq, 9);
	assert_int_equal(b->res.written, DISKS - 1);
	assert_true(b->res.failed);
	for (unsigned n = 0; n < DISKS; n += 2) {
		struct ddf_header h;

		assert_int_equal(dwb_vd_state_on(b, n), DIRTY);
		dwb_readers_choice(dwb_fd_of(b, n), &h);
		assert_int_equal(be32_get(h.seq), 9);
	}
}

static void test_disk_that_hangs(void **state)
{
	struct bench *b = *state;
	struct lane lane = { .hanging = true };

	b->f.disk[0].lane = &lane;
	assert_in_place(b, false);
	b->f.disk[0].lane = NULL;
	assert_in_place(b, false); /* it is brought up to date */
	b->res.retry = true;
	ddf_write_rest(b->w, &b->f.c, &b->res);
	assert_in_place(b, true);
}

/* ---- when it may not be done ---- */

static void test_something_else_has_changed(void **state)
{
	struct bench *b = *state;
	struct ddf_vd_entry *e = dfx_vd(&b->f, 0);

	e->init_state ^= 1;
	assert_in_place(b, false);
	e->state ^= DDF_VD_MORPHING;
	assert_in_place(b, false);
	b->f.c.skips = true;
	assert_in_place(b, false);
	ddf_stamp(&b->f.c, dfx_record(&b->f, 0, 0));
	assert_in_place(b, false);
	assert_in_place(b, true);
	dwb_fail_disk(b);
	assert_in_place(b, false);
}

/* One that is not here may have the generation that we have begun with. */
static void test_absent_disk(void **state)
{
	struct bench *b = *state;

	dfx_pd_entry(&b->f, 3, 3, 0x05, 0x01);
	dwb_write_all(b);
	b->f.c.loaded_seq = b->f.c.seq;
	assert_in_place(b, false);
	assert_in_place(b, true);
}

/* It has failed, took the last generation all the same, and is pulled: nothing in the tables says that anything has changed. */
static void test_failed_disk_that_leaves(void **state)
{
	struct bench *b = *state;

	dfx_pd_entry(&b->f, 1, 1, 0x03, 0x43);
	ddf_update_states_of(&b->f.c, dfx_ref(1));
	dwb_write_all(b);
	assert_ptr_equal(ddf_remove_disk(&b->f.c, b->f.dl[1].dev), &b->f.dl[1]);
	assert_in_place(b, false);
	assert_in_place(b, true);
}

/* Of each kind of disk that does not have this generation, or not for long. */
static void test_disks_are_not_alike(void **state)
{
	struct bench *b = *state;
	struct ddf_dl *dl = &b->f.dl[2];
	bool *const flag[] = { &dl->late, &dl->anchor_due, &dl->copy[1].failed, &dl->copy[0].left, &dl->copy[1].opened };

	for (size_t i = 0; i < sizeof(flag) / sizeof(flag[0]); i++) {
		assert_in_place(b, true);
		*flag[i] = true;
		assert_in_place(b, false);
		*flag[i] = false;
		dwb_set_dirty(b, false);
		dwb_write_all(b);
	}
	dl->copy[DDF_FIRST_COPY].good = false;
	assert_in_place(b, false);
	assert_in_place(b, true);
}

/* It is not written to, and stays behind: or it is to be brought up to date. */
static void test_failed_disk(void **state)
{
	struct bench *b = *state;

	dwb_fail_disk(b);
	dwb_write_all(b);
	assert_in_place(b, false);
	b->f.dl[1].given_up = true;
	b->f.dl[1].copy[DDF_FIRST_COPY].seq = b->f.dl[1].copy[DDF_SECOND_COPY].seq = b->f.c.seq - 1;
	b->f.dl[1].asked_seq = b->f.c.seq; /* it may have taken that, and told nobody */
	assert_in_place(b, false);
	assert_in_place(b, true);
	assert_string_equal(dwb_trace(b, 1), "");
}

#define T(t) cmocka_unit_test_setup_teardown(t, dwb_setup, dwb_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_one_sector_on_each_copy), T(test_power_cut),
		T(test_disk_that_refuses),       T(test_disk_that_hangs),
		T(test_something_else_has_changed),
		T(test_absent_disk),             T(test_disks_are_not_alike),
		T(test_failed_disk),             T(test_failed_disk_that_leaves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
