/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Putting spares into a degraded array (docs/design.md, "The life of a failure", step 5; kernel-md.md 6.4): frozen,
 * put in, recorded durably, rebuilt, in this order, and what becomes of it when one of the steps fails.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "tests/unit/support/manager-rig.h"
#include "threads/handoff.h"

/* So often the directory of sdc in md cannot be opened, or what the monitor needs in it, for want of descriptors. */
static unsigned opens_to_fail, member_opens_to_fail;

int __real_sysfs_open_attr(int dir_fd, const char *attr, int flags);
int __wrap_sysfs_open_attr(int dir_fd, const char *attr, int flags);
int __wrap_sysfs_open_attr(int dir_fd, const char *attr, int flags)
{
	if (opens_to_fail && strcmp(attr, "dev-sdc") == 0) {
		opens_to_fail--;
		return -EMFILE;
	}
	if (member_opens_to_fail && strcmp(attr, "recovery_start") == 0) {
		member_opens_to_fail--;
		return -EMFILE;
	}
	return __real_sysfs_open_attr(dir_fd, attr, flags);
}

/* md126 has lost sdb; sdc is in the container, and the monitor would choose it for slot 1. */
static void start_degraded(void)
{
	kmd_has_member("md127", 'c', -1);
	kmd_has_array("md126", "external:/md127/0", "raid1");
	kmd_has_member("md126", 'a', 0);
	fakes.pick_count = 1;
	fakes.pick[0] = (struct spare_pick){ .dev = disk_number('c'), .slot = 1, .data_offset = 2048,
					     .component_size = 100000 };
	mgr_start();
	mgr_settle();
	forget_steps();
}

/* The spare has been chosen; the helper has not begun yet. */
static void choose(void)
{
	start_degraded();
	mgr_asks("md126", ARRAY_WANT_SPARE_CHECK);
	mgr_settle();
}

/* ---- all goes well ---- */

static void test_a_spare(void **state)
{
	(void)state;
	choose();
	assert_steps("update: find spares for volume 0\n"
		     "helper has a job\n");
	mgr_helper();
	assert_steps("md126/sync_action <- frozen\n"
		     "md126/new_dev <- 8:32\n"
		     "md126/dev-sdc/offset <- 2048\n"
		     "md126/dev-sdc/size <- 50000\n"
		     "md126/dev-sdc/slot <- 1\n"
		     "update: commit sdc[1]\n");
	mgr_settle();
	assert_steps("md126: published again sda[0] sdc[1]\n"
		     "md126/sync_action <- recover\n");
	assert_said("spare-activated: md126: spare sdc takes slot 1 and is rebuilt\n");
	assert_int_equal(mgr_array("md126")->disk_count, 2);
	mgr_time_passes(20);
	assert_true(mgr_wait_ms() == MGR_FOR_EVER);
}

/* Neither the monitor nor md hear of the rebuild before the metadata have it. */
static void test_nothing_before_the_commit_is_back(void **state)
{
	(void)state;
	choose();
	mgr_helper();
	forget_steps();
	mdstat_changes();
	mgr_run();
	mgr_time_passes(10000);
	assert_steps("");
	mgr_settle();
	assert_steps("md126: published again sda[0] sdc[1]\n"
		     "md126/sync_action <- recover\n");
}

/* What the metadata say of the disk goes to md with it. */
static void test_what_is_set_up(void **state)
{
	(void)state;
	start_degraded();
	fakes.pick[0].component_size = 100001;
	fakes.pick[0].ppl_sector = 4096;
	fakes.pick[0].ppl_size = 128;
	fakes.pick[0].bad_block_log = true;
	mgr_asks("md126", ARRAY_WANT_SPARE_CHECK);
	mgr_settle();
	forget_steps();
	mgr_helper();
	assert_steps("md126/sync_action <- frozen\n"
		     "md126/new_dev <- 8:32\n"
		     "md126/dev-sdc/offset <- 2048\n"
		     "md126/dev-sdc/size <- 50001\n"
		     "md126/dev-sdc/ppl_sector <- 4096\n"
		     "md126/dev-sdc/ppl_size <- 128\n"
		     "md126/dev-sdc/slot <- 1\n"
		     "md126/dev-sdc/state <- external_bbl\n"
		     "update: commit sdc[1]\n");
}

/* The header comes last: a bitmap that is half there must not be one. Only then md gets the disk. */
static void test_a_bitmap_before_all(void **state)
{
	(void)state;
	start_degraded();
	fakes.pick[0].bitmap_sector = 1000;
	fakes.pick[0].bitmap_size = 512;
	fakes.pick[0].bitmap_header[0] = 0x62;
	mgr_asks("md126", ARRAY_WANT_SPARE_CHECK);
	mgr_settle();
	forget_steps();
	mgr_helper();
	assert_first_steps("md126/sync_action <- frozen\n"
			   "sdc: opened\n"
			   "sdc: written at 512000, 4096 bytes from 0x00\n"
			   "sdc: written at 516096, 512 bytes from 0xff\n"
			   "sdc: written at 512000, 4096 bytes from 0x62\n"
			   "sdc: closed\n"
			   "md126/new_dev <- 8:32\n");
}

static void test_two_spares(void **state)
{
	(void)state;
	start_degraded();
	kmd_says("md126/raid_disks", "3");
	kmd_has_disk('d');
	fakes.pick_count = 2;
	fakes.pick[1] = fakes.pick[0];
	fakes.pick[1].dev = disk_number('d');
	fakes.pick[1].slot = 2;
	mgr_asks("md126", ARRAY_WANT_SPARE_CHECK);
	mgr_settle();
	mgr_helper();
	forget_steps();
	mgr_settle();
	assert_steps("md126: published again sda[0] sdc[1] sdd[2]\n"
		     "md126/sync_action <- recover\n");
}

/* A daemon that died had put it in: it is recorded and rebuilt, not put in once more. */
static void test_it_is_in_the_array_already(void **state)
{
	(void)state;
	start_degraded();
	kmd_has_member("md126", 'c', 1);
	fakes.pick[0].in_array = true;
	fakes.pick[0].bad_block_log = true;
	mgr_asks("md126", ARRAY_WANT_SPARE_CHECK);
	mgr_settle();
	assert_steps("md126: published again sda[0] sdc[1]\n"
		     "update: find spares for volume 0\n"
		     "helper has a job\n");
	mgr_helper();
	assert_steps("md126/sync_action <- frozen\n"
		     "md126/dev-sdc/state <- external_bbl\n"
		     "update: commit sdc[1]\n");
	mgr_settle();
	assert_steps("md126: published again sda[0] sdc[1]\n"
		     "md126/sync_action <- recover\n");
}

/* ---- not now ---- */

static void test_none(void **state)
{
	(void)state;
	start_degraded();
	fakes.pick_count = 0;
	mgr_asks("md126", ARRAY_WANT_SPARE_CHECK);
	mgr_settle();
	assert_steps("update: find spares for volume 0\n");
	assert_true(mgr_wait_ms() == MGR_FOR_EVER);
}

/* mdadm is at work on it. The wish stays, and what ends mdadm's work wakes us (mdmon.md 12). */
static void test_mdadm_has_blocked_it(void **state)
{
	(void)state;
	start_degraded();
	kmd_says("md126/metadata_version", "external:-md127/0");
	mgr_asks("md126", ARRAY_WANT_SPARE_CHECK);
	mgr_settle();
	assert_steps("");
	kmd_says("md126/metadata_version", "external:/md127/0");
	mdstat_changes();
	mgr_settle();
	assert_steps("update: find spares for volume 0\n"
		     "helper has a job\n");
}

static void test_a_sync_runs(void **state)
{
	static const char *const action[] = { "recover", "resync", "reshape", "check", "frozen", "unheard-of" };

	(void)state;
	start_degraded();
	for (size_t i = 0; i < sizeof(action) / sizeof(action[0]); i++) {
		kmd_says("md126/sync_action", action[i]);
		mgr_asks("md126", ARRAY_WANT_SPARE_CHECK);
		mgr_settle();
		assert_steps("");
	}
	kmd_says("md126/sync_action", "idle");
	mdstat_changes();
	mgr_settle();
	assert_steps("update: find spares for volume 0\n"
		     "helper has a job\n");
}

/* While the monitor was choosing. */
static void test_mdadm_has_frozen_it_meanwhile(void **state)
{
	(void)state;
	start_degraded();
	mgr_asks("md126", ARRAY_WANT_SPARE_CHECK);
	mgr_run();
	kmd_says("md126/sync_action", "frozen");
	mgr_settle();
	assert_false(mgr_helper());
	kmd_says("md126/sync_action", "idle");
	mdstat_changes();
	mgr_settle();
	assert_true(mgr_helper());
}

/* "recover" would thaw what mdadm has frozen: its own "idle" starts the rebuild. */
static void test_mdadm_has_blocked_it_at_the_last_moment(void **state)
{
	(void)state;
	choose();
	mgr_helper();
	kmd_says("md126/metadata_version", "external:-md127/0");
	forget_steps();
	mgr_settle();
	assert_steps("md126: published again sda[0] sdc[1]\n");
}

/* The monitor would take a disk that is in the array for a spare: it has to see all members first. */
static void test_a_member_that_it_does_not_know(void **state)
{
	(void)state;
	start_degraded();
	kmd_has_member("md126", 'd', 1);
	mgr_asks("md126", ARRAY_WANT_SPARE_CHECK);
	mgr_run();
	assert_steps("md126: published again sda[0] sdd[1]\n");
	mgr_settle();
	assert_steps("update: find spares for volume 0\n"
		     "helper has a job\n");
}

/* Between the choice and its record nobody else knows that the disk is taken. */
static void test_one_array_after_the_other(void **state)
{
	(void)state;
	start_degraded();
	kmd_has_array("md125", "external:/md127/1", "raid1");
	kmd_has_member("md125", 'a', 0);
	mgr_settle();
	forget_steps();
	mgr_asks("md125", ARRAY_WANT_SPARE_CHECK);
	mgr_asks("md126", ARRAY_WANT_SPARE_CHECK);
	mgr_settle();
	assert_true(strstr(steps(), "find spares") == strstr(steps(), "find spares for volume 1") ||
		    strstr(steps(), "find spares") == strstr(steps(), "find spares for volume 0"));
	assert_null(strstr(strstr(steps(), "find spares") + 1, "find spares"));
	mgr_helper();
	assert_null(strstr(strstr(steps(), "find spares") + 1, "find spares"));
	mgr_settle();
	assert_non_null(strstr(strstr(steps(), "find spares") + 1, "find spares"));
}

/* The failed member has to be out of the array: md gives its slot to nobody else before. */
static void test_not_before_the_failed_one_is_out(void **state)
{
	(void)state;
	mgr_start_with_md126();
	kmd_refuses("md126/dev-sdb/state", "remove", EBUSY);
	mgr_asks_for_member("md126", 'b', MEMBER_WANT_REMOVE);
	mgr_asks("md126", ARRAY_WANT_SPARE_CHECK);
	mgr_settle();
	mgr_helper();
	mgr_settle();
	assert_null(strstr(steps(), "find spares"));
	kmd_refuses("md126/dev-sdb/state", "remove", 0);
	mgr_time_passes(20);
	mgr_helper();
	assert_null(strstr(steps(), "find spares"));
	forget_steps();
	mgr_settle();
	assert_steps("update: find spares for volume 0\n");
}

/* ---- it does not work ---- */

/* Tried again after 50 ms, then twice as long each time, 5 s at most; said once. The array is not left frozen. */
static void test_md_does_not_take_it(void **state)
{
	static const unsigned pause[] = { 50, 100, 200, 400, 800, 1600, 3200, 5000, 5000 };
	const char *text = "error: md126: cannot add 8:32 as a spare: Device or resource busy\n";

	(void)state;
	choose();
	kmd_refuses("md126/new_dev", "*", EBUSY);
	for (size_t i = 0; i < sizeof(pause) / sizeof(pause[0]); i++) {
		forget_steps();
		assert_true(mgr_helper());
		assert_steps("md126/sync_action <- frozen\n"
			     "md126/new_dev <- 8:32 (EBUSY)\n"
			     "md126/sync_action <- idle\n");
		assert_int_equal(mgr_wait_ms(), pause[i]);
		mgr_time_passes(pause[i]);
		mgr_settle();
	}
	assert_non_null(strstr(mgr_messages(), text));
	assert_null(strstr(strstr(mgr_messages(), text) + 1, text));
	kmd_refuses("md126/new_dev", "*", 0);
	mgr_helper();
	mgr_settle();
	assert_int_equal(mgr_array("md126")->disk_count, 2);
}

/* A disk without its slot would be left lying in the array. */
static void test_it_cannot_be_set_up(void **state)
{
	(void)state;
	choose();
	kmd_refuses("md126/dev-sdc/slot", "1", ENOSPC);
	forget_steps();
	mgr_helper();
	assert_steps("md126/sync_action <- frozen\n"
		     "md126/new_dev <- 8:32\n"
		     "md126/dev-sdc/offset <- 2048\n"
		     "md126/dev-sdc/size <- 50000\n"
		     "md126/dev-sdc/slot <- 1 (ENOSPC)\n"
		     "md126/dev-sdc/state <- remove\n"
		     "md126/sync_action <- idle\n");
	assert_said("error: md126: cannot set up spare sdc: No space left on device\n");
}

static void test_descriptors_are_short_for_a_moment(void **state)
{
	(void)state;
	choose();
	opens_to_fail = 2;
	mgr_helper();
	assert_string_equal(kmd_reads("md126/dev-sdc/slot"), "1");
	mgr_settle();
	assert_int_equal(mgr_array("md126")->disk_count, 2);
}

/* Thawed, md would rebuild onto it from sector 0. */
static void test_descriptors_are_short(void **state)
{
	(void)state;
	choose();
	opens_to_fail = 3;
	mgr_helper();
	assert_non_null(strstr(steps(), "md126/dev-sdc/state <- remove\n"));
	assert_said("error: md126: cannot set up spare sdc: Too many open files\n");
	opens_to_fail = 0;
}

/* It has its slot: thawed, md would rebuild onto it, and no metadata name it. */
static void test_it_cannot_be_monitored(void **state)
{
	(void)state;
	choose();
	kmd_refuses("md126/dev-sdc/state", "remove", EBUSY);
	member_opens_to_fail = 1;
	forget_steps();
	mgr_helper();
	assert_non_null(strstr(steps(), "md126/dev-sdc/state <- remove (EBUSY)\n"
					"md126/dev-sdc/state <- faulty\n"
					"md126/dev-sdc/state <- -blocked\n"
					"md126/dev-sdc/state <- remove"));
}

/*
 * The member that is there in the end would have a slot and begin at sector 0, in the middle of another volume. It is
 * not ours: nothing is written to it.
 */
static void is_bound_again_after(const char *attribute)
{
	choose();
	kmd_binds_again_after(attribute, "md126", 'c');
	mgr_helper();
	assert_string_equal(kmd_reads("md126/dev-sdc/slot"), "none");
	assert_string_equal(kmd_reads("md126/dev-sdc/offset"), "0");
	assert_string_equal(kmd_reads("md126/dev-sdc/state"), "spare");
	assert_non_null(strstr(mgr_messages(), "error: md126: cannot set up spare sdc: No such"));
	assert_int_equal(mgr_array("md126")->disk_count, 1);
}

static void test_mdadm_binds_it_again_after_its_offset(void **state)
{
	(void)state;
	is_bound_again_after("md126/dev-sdc/offset");
}

static void test_mdadm_binds_it_again_after_its_size(void **state)
{
	(void)state;
	is_bound_again_after("md126/dev-sdc/size");
}

static void test_mdadm_binds_it_again_after_its_slot(void **state)
{
	(void)state;
	is_bound_again_after("md126/dev-sdc/slot");
}

/* One of two: what md has is recorded, and nothing else. */
static void test_one_of_two(void **state)
{
	(void)state;
	start_degraded();
	kmd_has_disk('d');
	fakes.pick_count = 2;
	fakes.pick[1] = fakes.pick[0];
	fakes.pick[1].dev = disk_number('d');
	fakes.pick[1].slot = 2;
	kmd_refuses("md126/new_dev", "8:32", EBUSY);
	mgr_asks("md126", ARRAY_WANT_SPARE_CHECK);
	mgr_settle();
	mgr_helper();
	assert_non_null(strstr(steps(), "update: commit sdd[2]\n"));
	mgr_settle();
	assert_non_null(strstr(steps(), "md126: published again sda[0] sdd[2]\n"));
}

static void test_it_cannot_be_frozen(void **state)
{
	(void)state;
	choose();
	kmd_refuses("md126/sync_action", "frozen", EBUSY);
	forget_steps();
	mgr_helper();
	assert_null(strstr(steps(), "new_dev"));
	assert_int_equal(mgr_wait_ms(), 50);
}

/* md would trust the bitmap of the volume that the disk was in before. */
static void test_no_spare_without_its_bitmap(void **state)
{
	(void)state;
	start_degraded();
	fakes.pick[0].bitmap_size = 512;
	fakes.open_error = EACCES;
	mgr_asks("md126", ARRAY_WANT_SPARE_CHECK);
	mgr_settle();
	forget_steps();
	mgr_helper();
	assert_steps("md126/sync_action <- frozen\n"
		     "md126/sync_action <- idle\n");
	assert_said("error: md126: cannot write a bitmap to spare 8:32: Permission denied\n");
}

/* The metadata have changed meanwhile. md lets go of a disk that it could use only if it has failed. */
static void test_the_commit_is_refused(void **state)
{
	(void)state;
	choose();
	fakes.update_error = -EINVAL;
	mgr_helper();
	forget_steps();
	mgr_settle();
	assert_steps("helper has a job\n");
	mgr_helper();
	assert_steps("md126/dev-sdc/state <- faulty\n"
		     "md126/dev-sdc/state <- -blocked\n"
		     "md126/dev-sdc/state <- remove\n"
		     "md126/sync_action <- idle\n");
	assert_said("spare-refused: md126: spare sdc could not be recorded: Invalid argument\n");
	assert_int_equal(mgr_array("md126")->disk_count, 1);
	assert_int_equal(mgr_wait_ms(), 50);
}

/* Its I/O is not over yet. Nothing else is put in before it is out, for that might be the same disk. */
static void test_what_is_taken_out_is_busy(void **state)
{
	(void)state;
	choose();
	fakes.update_error = -EINVAL;
	kmd_refuses("md126/dev-sdc/state", "remove", EBUSY);
	mgr_helper();
	mgr_settle();
	mgr_helper();
	forget_steps();
	mgr_time_passes(49);
	assert_steps("");
	mgr_time_passes(1);
	assert_steps("helper has a job\n");
	kmd_refuses("md126/dev-sdc/state", "remove", 0);
	mgr_helper();
	assert_steps("md126/dev-sdc/state <- faulty\n"
		     "md126/dev-sdc/state <- -blocked\n"
		     "md126/dev-sdc/state <- remove\n"
		     "md126/sync_action <- idle\n");
	fakes.update_error = 0;
	mgr_time_passes(100);
	mgr_settle();
	mgr_helper();
	mgr_settle();
	assert_int_equal(mgr_array("md126")->disk_count, 2);
}

static void test_the_end_while_a_spare_is_still_to_be_taken_out(void **state)
{
	(void)state;
	choose();
	fakes.container_held = true;
	fakes.update_error = -EINVAL;
	kmd_refuses("md126/dev-sdc/state", "remove", EBUSY);
	mgr_helper();
	mgr_settle();
	mgr_helper();
	kmd_runs("md126", false);
	mgr_gives_back("md126");
	mgr_settle();
	assert_null(mgr_array("md126"));
}

/* No disk takes the metadata: after a crash they would not know of the rebuild. It waits, and so does the array. */
static void test_the_commit_is_not_durable(void **state)
{
	(void)state;
	choose();
	mgr_helper();
	forget_steps();
	fakes.not_durable = true;
	mgr_settle();
	assert_steps("md126: published again sda[0] sdc[1]\n");
	fakes.pick_count = 0; /* the metadata in memory have it */
	mgr_time_passes(50);
	mgr_settle();
	assert_steps("update: find spares for volume 0\n");
	assert_string_equal(kmd_reads("md126/sync_action"), "frozen");
	fakes.not_durable = false;
	mgr_time_passes(100);
	mgr_settle();
	assert_steps("update: find spares for volume 0\n"
		     "md126/sync_action <- idle\n");
}

/* ---- the array ends on the way ---- */

static void test_the_end_while_the_monitor_chooses(void **state)
{
	(void)state;
	start_degraded();
	fakes.container_held = true;
	mgr_asks("md126", ARRAY_WANT_SPARE_CHECK);
	mgr_run();
	kmd_runs("md126", false);
	mgr_gives_back("md126");
	mgr_settle();
	assert_false(mgr_helper());
	assert_null(mgr_array("md126"));
}

static void test_the_end_while_the_helper_works(void **state)
{
	(void)state;
	choose();
	fakes.container_held = true;
	kmd_runs("md126", false);
	mgr_gives_back("md126");
	mgr_settle();
	assert_true(mgr_helper());
	mgr_settle();
	assert_null(strstr(steps(), "commit"));
}

static void test_the_end_while_the_commit_is_out(void **state)
{
	(void)state;
	choose();
	fakes.container_held = true;
	mgr_helper();
	kmd_runs("md126", false);
	mgr_gives_back("md126");
	forget_steps();
	mgr_settle();
	assert_null(strstr(steps(), "published"));
	assert_null(strstr(steps(), "recover"));
}

/* ---- clients ---- */

/* Whoever was told that all is done must not find a spare half way in (mdmon.md 12). */
static void test_a_ping_waits_for_it(void **state)
{
	int c;

	(void)state;
	choose();
	c = mgr_client();
	mgr_client_sends(c, 0, NULL);
	mgr_settle();
	assert_string_equal(mgr_client_gets(c), "nothing");
	mgr_helper();
	assert_string_equal(mgr_client_gets(c), "nothing");
	mgr_settle();
	assert_non_null(strstr(mgr_client_gets(c), "LEN "));
	assert_int_equal(mgr_array("md126")->disk_count, 2);
}

/* The ping came first, but the pass that it waits for has chosen a spare. */
static void test_a_ping_waits_for_what_its_pass_began(void **state)
{
	int c;

	(void)state;
	start_degraded();
	mgr_asks("md126", ARRAY_WANT_SPARE_CHECK);
	mgr_run();
	c = mgr_client();
	mgr_client_sends(c, 0, NULL);
	mgr_settle();
	assert_string_equal(mgr_client_gets(c), "nothing");
	mgr_helper();
	mgr_settle();
	assert_non_null(strstr(mgr_client_gets(c), "LEN "));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		mgr_test(test_a_spare),
		mgr_test(test_nothing_before_the_commit_is_back),
		mgr_test(test_what_is_set_up),
		mgr_test(test_a_bitmap_before_all),
		mgr_test(test_two_spares),
		mgr_test(test_it_is_in_the_array_already),
		mgr_test(test_none),
		mgr_test(test_mdadm_has_blocked_it),
		mgr_test(test_a_sync_runs),
		mgr_test(test_mdadm_has_frozen_it_meanwhile),
		mgr_test(test_mdadm_has_blocked_it_at_the_last_moment),
		mgr_test(test_a_member_that_it_does_not_know),
		mgr_test(test_one_array_after_the_other),
		mgr_test(test_not_before_the_failed_one_is_out),
		mgr_test(test_md_does_not_take_it),
		mgr_test(test_it_cannot_be_set_up),
		mgr_test(test_descriptors_are_short_for_a_moment),
		mgr_test(test_descriptors_are_short),
		mgr_test(test_it_cannot_be_monitored),
		mgr_test(test_mdadm_binds_it_again_after_its_offset),
		mgr_test(test_mdadm_binds_it_again_after_its_size),
		mgr_test(test_mdadm_binds_it_again_after_its_slot),
		mgr_test(test_one_of_two),
		mgr_test(test_it_cannot_be_frozen),
		mgr_test(test_no_spare_without_its_bitmap),
		mgr_test(test_the_commit_is_refused),
		mgr_test(test_what_is_taken_out_is_busy),
		mgr_test(test_the_commit_is_not_durable),
		mgr_test(test_the_end_while_the_monitor_chooses),
		mgr_test(test_the_end_while_the_helper_works),
		mgr_test(test_the_end_while_the_commit_is_out),
		mgr_test(test_the_end_while_a_spare_is_still_to_be_taken_out),
		mgr_test(test_a_ping_waits_for_it),
		mgr_test(test_a_ping_waits_for_what_its_pass_began),
	};

	return cmocka_run_group_tests(tests, mgr_begin, mgr_end);
}
