/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Copies of the metadata that are refused, on real files: each is named with its reason, once; the disk is not written,
 * and the others are served.
 */
#include "tests/unit/support/capture.h"
#include "tests/unit/support/imsm-rig.h"

#include <stdlib.h>
#include <string.h>

#define MPB_MAX 2048
#define ANCHOR (DEVICE_SIZE - 1024)

static struct capture said;

static unsigned times_said(const char *text)
{
	unsigned n = 0;

	for (const char *p = said.text; (p = strstr(p, text)); p += strlen(text))
		n++;
	return n;
}

/* A RAID5 of three disks with an entry in its bad block log, in one sector for each copy and the rest. */
static struct imsm_rig *raid5_with_log(void)
{
	struct imsm_rig *r = ir_new(512, 512, 3, 0);

	ifx_volume(&r->fx, 5, "N 0,1,2");
	r->fx.c.meta.num_bad = 1;
	r->fx.c.meta.bad[0] = (struct imsm_bad_range){ .sector = 4096, .length = 8, .disk = 2 };
	ir_make_array(r, 0, 5, 3);
	for (unsigned n = 0; n < 3; n++)
		ir_write_member_metadata(r, n);
	return r;
}

/* Puts a byte into the log of the disk's copy, counted from its start, and mends the checksum. */
static void poke_log(struct imsm_rig *r, unsigned n, size_t at, uint8_t byte)
{
	uint8_t mpb[MPB_MAX], on_disk[MPB_MAX];
	ssize_t len = imsm_encode(&r->fx.c.meta, 512, mpb, sizeof(mpb));
	struct imsm_header *h = (struct imsm_header *)(void *)mpb;
	uint32_t size = le32_get(h->mpb_size);

	assert_true(len > 0);
	mpb[size - le32_get(h->bbm_log_size) + at] = byte;
	h->check_sum = le32_make(imsm_checksum(mpb, size));
	imsm_disk_order(mpb, (size_t)len, 512, on_disk);
	ir_write_at(r, n, on_disk, (size_t)len, ANCHOR - ((uint64_t)len - 512));
}

static int load(struct imsm_rig *r, struct disk *disks[3])
{
	int err;

	ir_remember(r);
	for (unsigned n = 0; n < 3; n++)
		disks[n] = r->disk[n];
	begin_capture(&said, stderr);
	err = super_imsm.load_container(&r->st, disks, 3);
	end_capture(&said, stderr);
	return err;
}

/* Its next write would have erased what the log says. */
static void test_log_that_cannot_be_read(void **state)
{
	struct imsm_rig *r = raid5_with_log();
	struct disk *disks[3];

	(void)state;
	poke_log(r, 1, 0, 0x77);
	assert_int_equal(load(r, disks), 0);
	assert_int_equal(times_said("disk sdb is not used: the bad block log has no signature\n"), 1);
	assert_int_equal(times_said("sdb"), 1);
	assert_int_equal(times_said("\n"), 1);
	assert_ptr_equal(disks[1], r->disk[1]);
	assert_int_equal(ir_open_array(r), 0);
	ir_tell_state(r, MARK_DIRTY);
	assert_int_equal(ir_sync_now(r), 1);
	assert_int_equal(r->res.written, 2);
	assert_true(ir_is_untouched(r, 1));
	assert_int_equal(ir_read_back(r, 0)->num_bad, 1);
	ir_drop_disk(r, 1);
	ir_free(r);
}

/* They say nothing that could be lost; but that they go is said. */
static void test_entries_that_lie_on_no_disk(void **state)
{
	struct imsm_rig *r = raid5_with_log();
	struct disk *disks[3];

	(void)state;
	poke_log(r, 2, 9, 7);
	assert_int_equal(load(r, disks), 0);
	assert_int_equal(times_said("disk sdc: entries of its bad block log that lie on no disk are left out\n"), 1);
	assert_int_equal(times_said("\n"), 1);
	ir_free(r);
}

/* No copy can be used: what is wrong with each. */
static void test_all_are_refused(void **state)
{
	struct imsm_rig *r = raid5_with_log();
	struct disk *disks[3];
	static const uint8_t nothing[512];

	(void)state;
	poke_log(r, 0, 0, 0x77);
	poke_log(r, 1, 4, 9);
	ir_write_at(r, 2, nothing, sizeof(nothing), ANCHOR);
	assert_true(load(r, disks) < 0);
	assert_int_equal(times_said("disk sda is not used: the bad block log has no signature\n"), 1);
	assert_int_equal(times_said("disk sdb is not used: the bad block log has a wrong entry_count\n"), 1);
	assert_int_equal(times_said("disk sdc is not used: no IMSM signature\n"), 1);
	assert_int_equal(times_said("Cannot load metadata for "), 1);
	assert_int_equal(times_said("no disk has IMSM metadata that can be used\n"), 1);
	assert_int_equal(times_said("\n"), 4);
	for (unsigned n = 0; n < 3; n++) {
		assert_true(ir_is_untouched(r, n));
		ir_drop_disk(r, n);
	}
	ir_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_log_that_cannot_be_read),
		cmocka_unit_test(test_entries_that_lie_on_no_disk),
		cmocka_unit_test(test_all_are_refused),
	};

	return cmocka_run_group_tests_name("imsm-load-refused", tests, NULL, NULL);
}
