/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ddf/write.c: disks that do not take what is written, and power cuts (ddf.md 7). */
#include "tests/unit/support/ddf-bench.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- disks that do not take it ---- */

static void test_torn_copy_is_left_open(void **state)
{
	struct bench *b = *state;
	struct ddf_header h;

	dwb_break_disk(b, 0, SECONDARY + 4, SECONDARY + 5);
	dwb_set_dirty(b, true);
	assert_int_equal(dwb_write_once(b, false), 1);
	assert_true(dwb_header_ok(dwb_fd_of(b, 0), SECONDARY, DDF_SECONDARY, &h));
	assert_int_equal(h.open_flag, DDF_OPEN);
	/* The disk has it all the same. */
	assert_string_equal(dwb_trace(b, 0), "s0 p0 p4 p0");
	assert_int_equal(b->res.written, DISKS);
	assert_int_equal(b->res.failed, 1);
	assert_int_equal(b->res.reports, 1);
	assert_int_equal(b->res.report[0].error, -EIO);
	assert_int_equal(dwb_readers_choice(dwb_fd_of(b, 0), &h), PRIMARY);
	dwb_assert_disk_complete(b, 1);
}

/* ... before the kernel gets its answer: what comes after it is too late for a power cut. */
static void test_other_copy_is_written_before_the_answer(void **state)
{
	struct bench *b = *state;
	struct ddf_header h;

	dwb_break_disk(b, 0, SECONDARY, SECONDARY + 100);
	dwb_set_dirty(b, true);
	assert_int_equal(ddf_write(b->w, &b->f.c, &b->res), 1);
	assert_string_equal(dwb_trace(b, 0), "p0 p4 p0");
	assert_string_equal(dwb_trace(b, 1), "s0 s4 s0");
	assert_int_equal(b->res.written, DISKS);
	for (unsigned n = 0; n < DISKS; n++)
		assert_int_equal(dwb_vd_state_at(b, dwb_fd_of(b, n), dwb_readers_choice(dwb_fd_of(b, n), &h)),
				 DDF_VD_INCONSISTENT);
}

static void test_failed_copy_is_tried_again_in_time(void **state)
{
	struct bench *b = *state;

	dwb_break_disk(b, 0, SECONDARY, SECONDARY + 100);
	dwb_set_dirty(b, true);
	dwb_write_once(b, false);
	dwb_set_dirty(b, false);
	assert_int_equal(dwb_write_once(b, false), 1); /* nobody waits for what failed */
	assert_string_equal(dwb_trace(b, 0), "p0 p4 p0");
	assert_int_equal(b->res.failed, 0);
	assert_int_equal(dwb_write_once(b, true), 0);
	assert_int_equal(b->res.failed, 1);
	assert_int_equal(b->res.reports, 0); /* said once */
	dwb_seen.broken_fd = -1;
	dwb_write_once(b, true);
	assert_string_equal(dwb_trace(b, 0), "s0 s1 s2+2 s4+2 s6+18 s24 s0");
	dwb_assert_all_complete(b);
	assert_int_equal(dwb_write_once(b, true), 0);
	assert_int_equal(dwb_seen.count, 0);
}

static void test_disk_that_takes_nothing_holds_up_nobody(void **state)
{
	struct bench *b = *state;

	dwb_break_disk(b, 1, 0, FX_SECTORS);
	dwb_fail_disk(b);
	assert_int_equal(dwb_write_once(b, false), 1);
	assert_int_equal(b->res.written, DISKS - 1);
	dwb_assert_disk_complete(b, 0);
	dwb_assert_disk_complete(b, 2);
	/* It has failed: it is not tried again. */
	assert_true(b->f.dl[1].given_up);
	assert_int_equal(dwb_write_once(b, true), 0);
	assert_int_equal(b->res.failed, 0);
}

/* A disk that has failed may take long: it comes when the kernel has its answer. */
static void test_failed_disks_come_last(void **state)
{
	struct bench *b = *state;

	dwb_fail_disk(b);
	assert_int_equal(ddf_write(b->w, &b->f.c, &b->res), 1);
	assert_string_equal(dwb_trace(b, 1), "");
	ddf_write_rest(b->w, &b->f.c, &b->res);
	assert_string_equal(dwb_trace(b, 1), "s0 s2 s4 s6+2 s0 p0 p2 p4 p6+2 p0");
	dwb_assert_all_complete(b);
}

static void test_only_failed_disks_are_left(void **state)
{
	struct bench *b = *state;

	dwb_fail_disk(b);
	dfx_fail_disk(&b->f, 0);
	dfx_fail_disk(&b->f, 2);
	assert_int_equal(dwb_write_once(b, false), 1);
	dwb_assert_all_complete(b);
}

/* As long as an array is served somebody may wait for an answer that nothing stands behind. */
static void test_there_is_no_disk_left(void **state)
{
	struct bench *b = *state;
	struct ddf_dl *disks = b->f.c.disks;

	dwb_set_dirty(b, true);
	b->f.c.disks = NULL;
	b->f.c.volume[0].live = true;
	assert_int_equal(dwb_write_once(b, false), -EIO);
	b->f.c.volume[0].live = false;
	assert_int_equal(dwb_write_once(b, false), 0);
	b->f.c.volume[0].live = true; /* once more, and nothing has changed */
	assert_int_equal(dwb_write_once(b, false), -EIO);
	b->f.c.disks = disks;
	assert_int_equal(dwb_write_once(b, false), 1);
	dwb_assert_all_complete(b);
}

static unsigned writes_to_disk(const struct bench *b, unsigned n)
{
	unsigned count = 0;

	for (unsigned i = 0; i < dwb_seen.count; i++)
		count += dwb_seen.write[i].fd == dwb_fd_of(b, n);
	return count;
}

/*
 * A record is on its members alone. If none of them takes it, what it says is nowhere, although others have the tables.
 */
static void test_no_member_takes_the_record(void **state)
{
	struct bench *b = *state;

	dfx_unlink(&b->f, 1);
	dwb_break_disk(b, 0, 0, FX_SECTORS);
	ddf_set_element_ref(dfx_record(&b->f, 0, 0), 1, DDF_REF_MISSING);
	ddf_stamp(&b->f.c, dfx_record(&b->f, 0, 0));
	assert_int_equal(dwb_write_once(b, false), -EIO);
	assert_int_equal(dwb_write_once(b, true), -EIO);
	dwb_set_dirty(b, true); /* what came before is not there yet */
	assert_int_equal(dwb_write_once(b, true), -EIO);
	/* What has failed does not count: the table says so. */
	dfx_fail_disk(&b->f, 0);
	assert_int_equal(dwb_write_once(b, true), 1);
	/* And it is over when the disk takes it. */
	dfx_pd_of(&b->f, 0)->state = be16_make(DDF_PD_ONLINE);
	b->f.dl[0].given_up = false;
	assert_int_equal(dwb_write_once(b, true), -EIO);
	dwb_seen.broken_fd = -1;
	assert_int_equal(dwb_write_once(b, true), 1);
	dwb_assert_disk_complete(b, 0);
}

/* What the tables say on a disk. */
static unsigned pd_state_on(const struct bench *b, unsigned n, unsigned of)
{
	struct ddf_header h;
	uint64_t at = dwb_readers_choice(dwb_fd_of(b, n), &h);
	uint8_t table[FX_TABLE_BYTES];

	dwb_read_sectors(dwb_fd_of(b, n), at + b->f.c.layout.pd.offset, FX_TABLE_BYTES / 512, table);
	return be16_get(((struct ddf_pd_entry *)(void *)(table + sizeof(struct ddf_table_head)))[of].state);
}

/* Disk 1 is being rebuilt, is not to be a member any more, and is a good disk then. */
static void stop_rebuild(struct bench *b)
{
	dfx_pd_of(&b->f, 1)->state = be16_make(DDF_PD_ONLINE | DDF_PD_REBUILDING);
	dwb_write_all(b);
	dfx_pd_of(&b->f, 1)->state = be16_make(DDF_PD_ONLINE);
	ddf_set_element_ref(dfx_record(&b->f, 0, 0), 1, DDF_REF_MISSING);
	ddf_stamp(&b->f.c, dfx_record(&b->f, 0, 0));
}

/* Who has the tables, but not the record yet, would take the disk for a member that has its data. */
static void test_disk_is_not_good_before_its_record_is_gone(void **state)
{
	struct bench *b = *state;
	uint32_t seq;

	stop_rebuild(b);
	dfx_unlink(&b->f, 1); /* what is on it names it */
	seq = b->f.c.seq;
	dwb_break_disk(b, 0, 0, FX_SECTORS); /* the only one with the record */
	assert_int_equal(dwb_write_once(b, false), -EIO);
	assert_int_equal(pd_state_on(b, 2, 1), 0x05);
	assert_int_equal(dwb_write_once(b, true), -EIO);
	assert_int_equal(pd_state_on(b, 2, 1), 0x05);
	dwb_seen.broken_fd = -1;
	assert_int_equal(dwb_write_once(b, true), 1);
	assert_int_equal(pd_state_on(b, 2, 1), 0x01);
	assert_int_equal(pd_state_on(b, 0, 1), 0x01);
	assert_int_equal(b->f.c.seq, seq + 2);
}

/* Who is named no more says so itself, where it is: nobody waits for those that are named. */
static void test_disk_that_is_named_no_more_has_the_record(void **state)
{
	struct bench *b = *state;
	struct ddf_vdc *r = (struct ddf_vdc *)(void *)b->f.config[1];

	stop_rebuild(b);
	dwb_break_disk(b, 0, 0, FX_SECTORS);
	assert_int_equal(dwb_write_once(b, false), 1);
	assert_int_equal(pd_state_on(b, 2, 1), 0x01);
	dwb_seen.broken_fd = -1;
	assert_int_equal(dwb_write_once(b, true), 1);
	assert_int_equal(be32_get(r->magic), DDF_VDC_MAGIC);
	assert_int_equal(ddf_element_ref(r, 1), DDF_REF_MISSING);
	dwb_assert_all_complete(b);
}

/* Nor is a virtual disk clean with what nobody has compared. */
static void test_nothing_is_clean_before_its_record_has_arrived(void **state)
{
	struct bench *b = *state;

	dwb_set_dirty(b, true);
	dwb_write_all(b);
	dwb_set_dirty(b, false);
	ddf_set_element_ref(dfx_record(&b->f, 0, 0), 1, DDF_REF_MISSING);
	ddf_stamp(&b->f.c, dfx_record(&b->f, 0, 0));
	dfx_unlink(&b->f, 1);
	dwb_break_disk(b, 0, 0, FX_SECTORS);
	assert_int_equal(dwb_write_once(b, false), -EIO);
	assert_int_equal(dwb_vd_state_on(b, 2), DDF_VD_OPTIMAL | DDF_VD_INCONSISTENT);
	dwb_seen.broken_fd = -1;
	assert_int_equal(dwb_write_once(b, true), 1);
	assert_int_equal(dwb_vd_state_on(b, 2), DDF_VD_OPTIMAL);
}

/* The only one that is named refuses: who was named before has the record. Who has failed needs none any more. */
static void test_record_is_kept_while_its_member_refuses(void **state)
{
	struct bench *b = *state;
	struct ddf_vdc *r;

	dwb_break_disk(b, 0, 0, FX_SECTORS);
	dwb_set_dirty(b, true);
	assert_int_equal(dwb_write_once(b, false), 1);
	ddf_set_element_ref(dfx_record(&b->f, 0, 0), 1, DDF_REF_MISSING);
	ddf_stamp(&b->f.c, dfx_record(&b->f, 0, 0));
	assert_int_equal(dwb_write_once(b, false), 1);
	r = (struct ddf_vdc *)(void *)b->f.config[1];
	assert_int_equal(be32_get(r->magic), DDF_VDC_MAGIC);
	assert_int_equal(ddf_element_ref(r, 1), DDF_REF_MISSING);
	dwb_fail_disk(b);
	dwb_write_once(b, false);
	assert_int_equal(be32_get(r->magic), DDF_VDC_MAGIC);
	dwb_seen.broken_fd = -1;
	assert_int_equal(dwb_write_once(b, true), 1);
	dwb_set_dirty(b, false);
	assert_int_equal(dwb_write_once(b, false), 1);
	assert_int_equal(be32_get(r->magic), DDF_NO_RECORD);
	dwb_assert_all_complete(b);
}

/* It has that record itself, and refuses to give it up: to readers without disk 0 it would be a member that is good. */
static void test_disk_is_not_good_while_it_keeps_its_record(void **state)
{
	struct bench *b = *state;

	stop_rebuild(b);
	dwb_break_disk(b, 1, 0, FX_SECTORS);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(dwb_write_once(b, i), 1);
		assert_int_equal(pd_state_on(b, 0, 1), 0x05);
		assert_int_equal(pd_state_on(b, 2, 1), 0x05);
		assert_true(b->f.dl[1].record_due);
		dwb_set_dirty(b, !i);
	}
	dwb_seen.broken_fd = -1;
	assert_int_equal(dwb_write_once(b, true), 1);
	assert_int_equal(dwb_write_once(b, false), 0);
	assert_int_equal(pd_state_on(b, 0, 1), 0x01);
	assert_false(b->f.dl[1].record_due);
	dwb_assert_all_complete(b);
}

/* Another virtual disk is made on it meanwhile: that has the disk when it takes its record. */
static void test_disk_with_an_old_record_is_not_good_for_others(void **state)
{
	struct bench *b = *state;

	stop_rebuild(b);
	dfx_volume(&b->f, 1, DDF_RAID0, 0, "00/02 v3 1,2");
	dwb_break_disk(b, 1, 0, FX_SECTORS);
	assert_int_equal(dwb_write_once(b, false), 1);
	assert_int_equal(pd_state_on(b, 2, 1), 0x05);
	dwb_seen.broken_fd = -1;
	dwb_write_once(b, true);
	dwb_write_once(b, false);
	assert_int_equal(pd_state_on(b, 2, 1), 0x01);
}

/* Both copies were refused. When one is taken the other one is older, and readers would find it during the next write. */
static void test_disk_that_takes_a_copy_again_gets_the_other_one(void **state)
{
	struct bench *b = *state;

	dfx_unlink(&b->f, 1);
	dfx_unlink(&b->f, 2);
	dwb_break_disk(b, 0, 0, FX_SECTORS);
	dwb_set_dirty(b, true);
	assert_int_equal(dwb_write_once(b, false), -EIO);
	dwb_seen.broken_fd = -1;
	assert_int_equal(dwb_write_once(b, false), 1);
	dwb_assert_disk_complete(b, 0);
}

/* The only disk has its first copy like that, and refuses a change. When it takes it again the first copy is written first. */
static void assert_first_comes_first(struct bench *b, struct ddf_copy first)
{
	dfx_unlink(&b->f, 1);
	dfx_unlink(&b->f, 2);
	b->f.dl[0].copy[DDF_FIRST_COPY] = first;
	b->f.dl[0].copy[DDF_SECOND_COPY].closed = true;
	dwb_break_disk(b, 0, 0, FX_SECTORS);
	dwb_set_dirty(b, true);
	assert_int_equal(dwb_write_once(b, false), -EIO);
	dwb_seen.broken_fd = -1;
	dwb_forget_writes();
	b->res = (struct sync_result){ .retry = true };
	assert_int_equal(ddf_write(b->w, &b->f.c, &b->res), 1);
	assert_int_equal(dwb_trace(b, 0)[0], 'p');
}

static void test_open_copy_comes_first_when_both_were_refused(void **state)
{
	assert_first_comes_first(*state, (struct ddf_copy){ .exists = true });
}

/* A daemon was killed between the two copies. */
static void test_older_copy_comes_first_when_both_were_refused(void **state)
{
	struct bench *b = *state;

	assert_first_comes_first(b, (struct ddf_copy){ .exists = true, .closed = true, .seq = b->f.c.seq - 1 });
}

/* Loaded by a daemon that does not know yet that disk 0 refuses: its generation is an old one. */
static void test_record_is_not_entrusted_to_a_disk_that_is_behind(void **state)
{
	struct bench *b = *state;
	struct ddf_vdc *r = (struct ddf_vdc *)(void *)b->f.config[1];

	dwb_break_disk(b, 0, 0, FX_SECTORS);
	dwb_set_dirty(b, true);
	dwb_write_once(b, false);
	ddf_set_element_ref(dfx_record(&b->f, 0, 0), 1, DDF_REF_MISSING);
	ddf_stamp(&b->f.c, dfx_record(&b->f, 0, 0));
	dwb_write_once(b, false);
	assert_int_equal(be32_get(r->magic), DDF_VDC_MAGIC);
	b->f.dl[0].copy[0].failed = b->f.dl[0].copy[1].failed = false;
	b->f.dl[0].copy[0].good = b->f.dl[0].copy[1].good = true;
	dwb_set_dirty(b, false);
	dwb_write_once(b, false);
	assert_int_equal(be32_get(r->magic), DDF_VDC_MAGIC);
}

/* Who answers the kernel must know that readers will find what was written: a new disk needs its anchor first. */
static void test_disk_without_an_anchor_is_found_by_nobody(void **state)
{
	struct bench *b = *state;
	struct ddf_header h;

	dfx_unlink(&b->f, 0);
	dfx_unlink(&b->f, 1);
	b->f.dl[2].anchor_due = true;
	memset(b->f.dl[2].copy, 0, sizeof(b->f.dl[2].copy));
	b->f.dl[2].copy[0].exists = b->f.dl[2].copy[1].exists = true;
	assert_int_equal(ftruncate(dwb_fd_of(b, 2), 0), 0);
	assert_int_equal(ftruncate(dwb_fd_of(b, 2), (off_t)FX_SECTORS * 512), 0);
	dwb_set_dirty(b, true);
	assert_int_equal(ddf_write(b->w, &b->f.c, &b->res), 1);
	assert_true(dwb_header_ok(dwb_fd_of(b, 2), FX_SECTORS - 1, DDF_ANCHOR, &h));
}

/* ... or what is written is nowhere. */
static void test_only_disk_refuses_its_anchor(void **state)
{
	struct bench *b = *state;

	dfx_unlink(&b->f, 0);
	dfx_unlink(&b->f, 1);
	b->f.dl[2].anchor_due = true;
	dfx_vd(&b->f, 0)->state |= DDF_VD_INCONSISTENT;
	b->f.c.volume[0].live = true;
	dwb_break_disk(b, 2, FX_SECTORS - 1, FX_SECTORS);
	assert_int_equal(dwb_write_once(b, false), -EIO);
	dwb_seen.broken_fd = -1;
	assert_int_equal(dwb_write_once(b, true), 1);
	dwb_assert_disk_complete(b, 2);
}

/* Of what goes the other way nothing is put off: a failure is one generation. */
static void test_failure_with_a_new_record_is_one_generation(void **state)
{
	struct bench *b = *state;
	uint32_t seq = b->f.c.seq;

	dwb_fail_disk(b);
	ddf_set_element_ref(dfx_record(&b->f, 0, 0), 1, DDF_REF_MISSING);
	assert_int_equal(dwb_write_once(b, false), 1);
	assert_int_equal(b->f.c.seq, seq + 1);
}

/* A member is not named any more, and the table calls it good: whoever has only the table must come second. */
static void test_members_with_a_new_record_come_first(void **state)
{
	struct bench *b = *state;
	unsigned first;

	dwb_set_dirty(b, true);
	ddf_set_element_ref(dfx_record(&b->f, 0, 0), 1, DDF_REF_MISSING);
	ddf_stamp(&b->f.c, dfx_record(&b->f, 0, 0));
	assert_int_equal(ddf_write(b->w, &b->f.c, &b->res), 1);
	first = writes_to_disk(b, 0) + writes_to_disk(b, 1);
	assert_true(first > 0);
	for (unsigned i = 0; i < first; i++)
		assert_int_not_equal(dwb_seen.write[i].fd, dwb_fd_of(b, 2));
}

/* The tables alone are another matter. */
static void test_tables_do_not_need_the_members(void **state)
{
	struct bench *b = *state;

	dwb_break_disk(b, 0, 0, FX_SECTORS);
	dfx_unlink(&b->f, 1);
	dwb_set_dirty(b, true);
	assert_int_equal(dwb_write_once(b, false), 1);
	assert_int_equal(b->res.written, 1);
}

static void test_no_disk_takes_it(void **state)
{
	struct bench *b = *state;

	for (unsigned n = 1; n < DISKS; n++)
		dfx_unlink(&b->f, n);
	dwb_break_disk(b, 0, 0, FX_SECTORS);
	dwb_set_dirty(b, true);
	assert_int_equal(dwb_write_once(b, false), -EIO);
	assert_int_equal(b->res.written, 0);
	/* The change stays due, though nothing has changed since. */
	assert_int_equal(dwb_write_once(b, false), -EIO);
	assert_int_equal(dwb_write_once(b, true), -EIO);
	dwb_seen.broken_fd = -1;
	assert_int_equal(dwb_write_once(b, false), 1);
	assert_int_equal(dwb_vd_state_at(b, dwb_fd_of(b, 0), SECONDARY), DDF_VD_INCONSISTENT);
	dwb_write_once(b, true);
	dwb_assert_disk_complete(b, 0);
}

/* Somebody asked for it, and waits: the first answer is that it is nowhere. */
static void test_what_was_asked_for_is_written_nowhere(void **state)
{
	struct bench *b = *state;

	for (unsigned n = 0; n < DISKS; n++)
		dfx_unlink(&b->f, n);
	dwb_set_dirty(b, true);
	b->f.c.asked = true;
	assert_int_equal(dwb_write_once(b, false), -EIO);
	assert_int_equal(dwb_write_once(b, false), 0);
	dwb_set_dirty(b, false);
	assert_int_equal(dwb_write_once(b, false), 0);
}

/* ---- power cuts ---- */

#define COPY_SECTORS 25

/* The part of a disk where its metadata are. */
struct picture {
	uint8_t primary[COPY_SECTORS * 512], secondary[COPY_SECTORS * 512], anchor[512];
};

static void take_picture(int fd, struct picture *p)
{
	dwb_read_sectors(fd, PRIMARY, COPY_SECTORS, p->primary);
	dwb_read_sectors(fd, SECONDARY, COPY_SECTORS, p->secondary);
	dwb_read_sectors(fd, FX_SECTORS - 1, 1, p->anchor);
}

static void put_sectors(int fd, uint64_t at, unsigned count, const void *buf)
{
	assert_int_equal(pwrite(fd, buf, count * 512, (off_t)at * 512), (int)(count * 512));
}

static void put_picture(int fd, const struct picture *p)
{
	put_sectors(fd, PRIMARY, COPY_SECTORS, p->primary);
	put_sectors(fd, SECONDARY, COPY_SECTORS, p->secondary);
	put_sectors(fd, FX_SECTORS - 1, 1, p->anchor);
}

/* The first `whole` writes to the disk, and of the next one every other sector. */
static void cut(const struct bench *b, unsigned n, unsigned first, unsigned whole, bool torn)
{
	for (unsigned i = first; i < dwb_seen.count; i++) {
		const struct write *w = &dwb_seen.write[i];

		if (w->fd != dwb_fd_of(b, n))
			continue;
		if (whole) {
			put_sectors(w->fd, w->at, w->count, w->data);
			whole--;
			continue;
		}
		for (unsigned k = 1; torn && k < w->count; k += 2)
			put_sectors(w->fd, w->at + k, 1, w->data + (size_t)k * 512);
		return;
	}
}

static unsigned writes_to(const struct bench *b, unsigned n, unsigned from, unsigned to)
{
	unsigned count = 0;

	for (unsigned i = from; i < to; i++)
		count += dwb_seen.write[i].fd == dwb_fd_of(b, n);
	return count;
}

/* A reader takes a closed, right copy of the disk: the state of before, or the new one. */
static void assert_readable(const struct bench *b, unsigned n, unsigned before, unsigned after)
{
	struct ddf_header h;
	uint64_t at = dwb_readers_choice(dwb_fd_of(b, n), &h);
	unsigned vd;

	assert_true(at != 0);
	dwb_assert_copy_right(b, dwb_fd_of(b, n), at, &h);
	vd = dwb_vd_state_at(b, dwb_fd_of(b, n), at);
	assert_int_equal(vd, be32_get(h.seq) == b->f.c.seq ? after : before);
}

/* Our own loader finds a container, too, and the newest state that any disk has. */
static void assert_loads(const struct bench *b, unsigned before, unsigned after)
{
	struct ddf_container c = { 0 };
	struct disk *disks[DISKS];
	bool newest = false;
	unsigned vd;

	for (unsigned n = 0; n < DISKS; n++) {
		struct ddf_header h;

		dwb_readers_choice(dwb_fd_of(b, n), &h);
		newest |= be32_get(h.seq) == b->f.c.seq;
		disks[n] = malloc(sizeof(*disks[n]));
		assert_non_null(disks[n]);
		*disks[n] = b->f.disk[n];
		disks[n]->fd = dup(dwb_fd_of(b, n));
	}
	assert_int_equal(ddf_load(&c, disks, DISKS, "md127"), 0);
	for (unsigned n = 0; n < DISKS; n++)
		assert_null(disks[n]);
	vd = ((struct ddf_vd_entry *)(void *)(c.vd + 64))->state;
	assert_int_equal(vd, newest ? after : before);
	ddf_free(&c);
}

/* All moments of one write, from `first` to `last` (of seen.write): the disks are independent of each other. */
static void cut_everywhere(const struct bench *b, const struct picture *base, unsigned first, unsigned last,
			   unsigned before, unsigned after)
{
	unsigned steps[DISKS], at[DISKS] = { 0 };

	for (unsigned n = 0; n < DISKS; n++)
		steps[n] = writes_to(b, n, first, last);
	for (at[0] = 0; at[0] <= steps[0]; at[0]++)
		for (at[1] = 0; at[1] <= steps[1]; at[1]++)
			for (at[2] = 0; at[2] <= steps[2]; at[2] += 2) {
				for (unsigned n = 0; n < DISKS; n++) {
					put_picture(dwb_fd_of(b, n), &base[n]);
					cut(b, n, first, at[n], (at[0] + at[1] + n) % 2);
					assert_readable(b, n, before, after);
				}
				assert_loads(b, before, after);
			}
}

static void power_cuts(struct bench *b, void (*change)(struct bench *))
{
	struct picture base[DISKS], middle[DISKS];
	unsigned before = dfx_vd(&b->f, 0)->state, after, first_copies;

	for (unsigned n = 0; n < DISKS; n++)
		take_picture(dwb_fd_of(b, n), &base[n]);
	change(b);
	after = dfx_vd(&b->f, 0)->state;
	assert_int_not_equal(before, after);
	dwb_forget_writes();
	b->res = (struct sync_result){ 0 };
	assert_int_equal(ddf_write(b->w, &b->f.c, &b->res), 1);
	first_copies = dwb_seen.count;
	for (unsigned n = 0; n < DISKS; n++)
		take_picture(dwb_fd_of(b, n), &middle[n]);
	ddf_write_rest(b->w, &b->f.c, &b->res);
	cut_everywhere(b, base, 0, first_copies, before, after);
	/* From here on the kernel has its answer: all disks that work say so, whatever happens. */
	cut_everywhere(b, middle, first_copies, dwb_seen.count, before, after);
	for (unsigned n = 0; n < DISKS; n++)
		assert_true(writes_to(b, n, 0, dwb_seen.count) > 0);
}

static void make_dirty(struct bench *b)
{
	dwb_set_dirty(b, true);
}

static void test_power_cut_while_a_bit_is_written(void **state)
{
	power_cuts(*state, make_dirty);
}

static void test_power_cut_while_a_failure_is_written(void **state)
{
	power_cuts(*state, dwb_fail_disk);
}

/* The primary copy of a disk had been lost: it is the secondary one that must survive. */
static void test_power_cut_while_a_copy_is_repaired(void **state)
{
	struct bench *b = *state;
	uint8_t junk[COPY_SECTORS * 512];

	memset(junk, 0x5a, sizeof(junk));
	put_sectors(dwb_fd_of(b, 0), PRIMARY, COPY_SECTORS, junk);
	dwb_damage(b, 0, DDF_FIRST_COPY);
	put_sectors(dwb_fd_of(b, 1), SECONDARY + 4, 1, junk);
	dwb_damage(b, 1, DDF_SECOND_COPY);
	power_cuts(b, make_dirty);
}

/* The cut comes after a cut: the copies of a disk are of different age. */
static void test_power_cut_after_an_unfinished_write(void **state)
{
	struct bench *b = *state;

	dfx_vd(&b->f, 0)->init_state = 1;
	assert_int_equal(ddf_write(b->w, &b->f.c, &b->res), 1);
	for (unsigned n = 0; n < DISKS; n++)
		dwb_damage(b, n, DDF_FIRST_COPY);
	power_cuts(b, make_dirty);
}

/* ---- generations at the end of their numbers ---- */

static void set_generation(struct bench *b, uint32_t seq)
{
	b->f.c.seq = seq - 2;
	dwb_set_dirty(b, true);
	assert_int_equal(dwb_write_once(b, false), 1);
	dwb_set_dirty(b, false);
	assert_int_equal(dwb_write_once(b, false), 1);
	assert_int_equal(b->f.c.seq, seq);
}

static void assert_readers_find(const struct bench *b, unsigned vd_state)
{
	struct ddf_header h;

	for (unsigned n = 0; n < DISKS; n++)
		assert_int_equal(dwb_vd_state_at(b, dwb_fd_of(b, n), dwb_readers_choice(dwb_fd_of(b, n), &h)),
				 vd_state);
}

/* Of the copies of a disk readers take the one with the greater number: 0 is not greater than the one before it. */
static void test_generation_behind_the_last_number(void **state)
{
	static const uint32_t last[] = { 0x7fffffff, 0xfffffffe, 0xffffffff };
	struct bench *b = *state;

	for (size_t i = 0; i < sizeof(last) / sizeof(last[0]); i++) {
		set_generation(b, last[i]);
		assert_readers_find(b, 0);
		dwb_forget_writes();
		dwb_set_dirty(b, true);
		assert_int_equal(ddf_write(b->w, &b->f.c, &b->res), 1);
		assert_readers_find(b, DDF_VD_INCONSISTENT); /* the kernel is answered now */
		assert_int_equal(b->res.written, DISKS);
		assert_string_equal(dwb_trace(b, 0), last[i] == UINT32_MAX ? "s0 s4 s0 p0 p4 p0" : "s0 s4 s0");
		ddf_write_rest(b->w, &b->f.c, &b->res);
		dwb_assert_all_complete(b);
		dwb_set_dirty(b, false);
		assert_int_equal(dwb_write_once(b, false), 1);
		assert_readers_find(b, 0);
	}
}

/* A disk that cannot say more than the old state to readers has not taken the new one. */
static void test_other_copy_hides_the_new_one(void **state)
{
	struct bench *b = *state;

	set_generation(b, 0xffffffff);
	dwb_break_disk(b, 0, PRIMARY, PRIMARY + 100);
	dwb_set_dirty(b, true);
	b->res = (struct sync_result){ 0 };
	assert_int_equal(ddf_write(b->w, &b->f.c, &b->res), 1);
	assert_int_equal(b->res.written, DISKS - 1);
	assert_int_equal(b->res.failed, 1);
}

static void test_power_cut_at_the_last_number(void **state)
{
	struct bench *b = *state;

	set_generation(b, 0xffffffff);
	dwb_forget_writes();
	power_cuts(b, make_dirty);
}

#define T(t) cmocka_unit_test_setup_teardown(t, dwb_setup, dwb_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_torn_copy_is_left_open),
		T(test_other_copy_is_written_before_the_answer),
		T(test_failed_copy_is_tried_again_in_time),
		T(test_disk_that_takes_nothing_holds_up_nobody),
		T(test_failed_disks_come_last),
		T(test_only_failed_disks_are_left),
		T(test_there_is_no_disk_left),
		T(test_no_member_takes_the_record),
		T(test_disk_is_not_good_before_its_record_is_gone),
		T(test_disk_that_is_named_no_more_has_the_record),
		T(test_nothing_is_clean_before_its_record_has_arrived),
		T(test_record_is_kept_while_its_member_refuses),
		T(test_disk_is_not_good_while_it_keeps_its_record),
		T(test_disk_with_an_old_record_is_not_good_for_others),
		T(test_disk_that_takes_a_copy_again_gets_the_other_one),
		T(test_open_copy_comes_first_when_both_were_refused),
		T(test_older_copy_comes_first_when_both_were_refused),
		T(test_record_is_not_entrusted_to_a_disk_that_is_behind),
		T(test_disk_without_an_anchor_is_found_by_nobody),
		T(test_only_disk_refuses_its_anchor),
		T(test_failure_with_a_new_record_is_one_generation),
		T(test_members_with_a_new_record_come_first),
		T(test_tables_do_not_need_the_members),
		T(test_no_disk_takes_it),
		T(test_what_was_asked_for_is_written_nowhere),
		T(test_power_cut_while_a_bit_is_written),
		T(test_power_cut_while_a_failure_is_written),
		T(test_power_cut_while_a_copy_is_repaired),
		T(test_power_cut_after_an_unfinished_write),
		T(test_generation_behind_the_last_number),
		T(test_other_copy_hides_the_new_one),
		T(test_power_cut_at_the_last_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
