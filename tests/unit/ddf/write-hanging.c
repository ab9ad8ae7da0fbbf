/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ddf/write.c: a disk that does not answer (docs/design.md, "A disk that hangs"). */
#include "tests/unit/support/ddf-bench.h"

#include "metadata/lane.h"
#include "metadata/metaio.h"

/* What is out to it may open the copy still: of the two it is the one to be written first. */
static void test_disk_begins_to_hang(void **state)
{
	struct bench *b = *state;

	dwb_break_disk(b, 0, SECONDARY, SECONDARY + 1);
	dwb_seen.broken_errno = -METAIO_HANGS;
	dwb_set_dirty(b, true);
	assert_int_equal(ddf_write(b->w, &b->f.c, &b->res), 1);
	assert_true(b->f.dl[0].copy[DDF_SECOND_COPY].opened);
	assert_true(b->f.dl[0].copy[DDF_SECOND_COPY].failed);
	assert_int_equal(b->res.report[0].error, METAIO_HANGS);
}

/* Its copies are as they were, and due when it answers; one that was whole is. */
static void test_disk_that_hangs_is_not_asked(void **state)
{
	struct bench *b = *state;
	struct lane lane = { .hanging = true };
	const struct ddf_copy *copy = b->f.dl[0].copy;
	uint32_t seq = copy[DDF_FIRST_COPY].seq;

	b->f.disk[0].lane = &lane;
	for (unsigned round = 0; round < 3; round++) {
		dwb_set_dirty(b, !(round & 1));
		assert_int_equal(dwb_write_once(b, round == 1), 1);
		assert_string_equal(dwb_trace(b, 0), "");
		assert_int_equal(b->res.written, DISKS - 1);
		for (unsigned i = 0; i < 2; i++) {
			assert_true(copy[i].good && copy[i].closed && !copy[i].opened && copy[i].failed);
			assert_int_equal(copy[i].seq, seq);
		}
	}
	b->f.disk[0].lane = NULL;
	dwb_write_once(b, true);
	dwb_assert_all_complete(b);
}

/* The copy that was given up may be open: while the other one is opened readers would find none on this disk. */
static void test_what_was_left_open_comes_first(void **state)
{
	struct bench *b = *state;

	dwb_break_disk(b, 0, PRIMARY + 4, PRIMARY + 5);
	dwb_seen.broken_errno = -METAIO_HANGS;
	dwb_set_dirty(b, true);
	dwb_write_once(b, false);
	assert_string_equal(dwb_trace(b, 0), "s0 s4 s0 p0");
	assert_true(b->f.dl[0].copy[DDF_FIRST_COPY].opened);
	dwb_seen.broken_fd = -1;
	dwb_set_dirty(b, false);
	dwb_write_once(b, false);
	assert_int_equal(dwb_trace(b, 0)[0], 'p');
	dwb_assert_all_complete(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_disk_begins_to_hang, dwb_setup, dwb_teardown),
		cmocka_unit_test_setup_teardown(test_disk_that_hangs_is_not_asked, dwb_setup, dwb_teardown),
		cmocka_unit_test_setup_teardown(test_what_was_left_open_comes_first, dwb_setup, dwb_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
