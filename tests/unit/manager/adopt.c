/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Taking on an array that runs: what is opened, what the monitor gets, what a daemon that died has left behind, and
 * what becomes of arrays that cannot be taken on.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/unit/support/manager-rig.h"
#include "threads/handoff.h"

/* ---- what the monitor gets ---- */

static void test_an_array(void **state)
{
	const struct active_array *a;

	(void)state;
	mgr_has_md126();
	kmd_says("md126/raid_disks", "3");
	kmd_says("md126/component_size", "123456");
	kmd_says("md126/layout", "2");
	kmd_says("md126/chunk_size", "65536");
	kmd_says("md126/metadata_version", "external:/md127/1");
	mgr_start();
	assert_steps("md126: published sda[0] sdb[1]\n");
	mgr_settle();
	assert_steps("ready\n");
	a = mgr_array("md126");
	assert_int_equal(a->level, 1);
	assert_int_equal(a->member, 1);
	assert_int_equal(a->raid_disks, 3);
	assert_int_equal(a->layout, 2);
	assert_int_equal(a->chunk, 128);
	assert_int_equal(a->component_size, 246912);
	assert_int_equal(a->watch->resync_start, SECTORS_NONE);
	assert_null(a->replaces);
	assert_said("array-adopted: md126: serving volume 1 of md127 (raid1, 3 disks)\n");
	assert_true(mgr_wait_ms() == MGR_FOR_EVER);
}

static void assert_opened(int fd, const char *attribute, int access)
{
	assert_string_equal(kmd_attribute_of(fd), attribute);
	assert_int_equal(fcntl(fd, F_GETFL) & O_ACCMODE, access);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
}

/* The monitor opens nothing: all that it will ever read or write is open. */
static void test_files_of_the_array(void **state)
{
	const struct active_array *a;

	(void)state;
	mgr_start_with_md126();
	a = mgr_array("md126");
	assert_opened(a->array_state_fd, "md126/array_state", O_RDWR);
	assert_opened(a->sync_action_fd, "md126/sync_action", O_RDONLY);
	assert_opened(a->sync_completed_fd, "md126/sync_completed", O_RDONLY);
	assert_opened(a->resync_start_fd, "md126/resync_start", O_RDONLY);
	assert_opened(a->metadata_version_fd, "md126/metadata_version", O_RDONLY);
	assert_opened(a->reshape_position_fd, "md126/reshape_position", O_RDONLY);
}

/* Two threads must not meet at one descriptor, nor two kinds of slow writes (kernel-md.md 3.2). */
static void test_files_of_a_member(void **state)
{
	const struct mdinfo *d;

	(void)state;
	mgr_start_with_md126();
	d = mgr_member("md126", 'b');
	assert_opened(d->state_fd, "md126/dev-sdb/state", O_RDONLY);
	assert_opened(d->recovery_start_fd, "md126/dev-sdb/recovery_start", O_RDONLY);
	assert_opened(d->bad_blocks_fd, "md126/dev-sdb/bad_blocks", O_RDONLY);
	assert_opened(d->unacknowledged_fd, "md126/dev-sdb/unacknowledged_bad_blocks", O_RDONLY);
	assert_opened(d->acknowledge_fd, "md126/dev-sdb/bad_blocks", O_RDWR);
	assert_opened(d->manager_fd, "md126/dev-sdb/state", O_RDWR);
	assert_opened(d->remove_fd, "md126/dev-sdb/state", O_RDWR);
	assert_true(d->acknowledge_fd != d->bad_blocks_fd && d->manager_fd != d->remove_fd);
}

static void test_members(void **state)
{
	const struct mdinfo *d;

	(void)state;
	mgr_has_md126();
	kmd_says("md126/dev-sdb/offset", "2048");
	mgr_start();
	mgr_settle();
	d = mgr_member("md126", 'b');
	assert_string_equal(d->name, "dev-sdb");
	assert_int_equal(d->dev, disk_number('b'));
	assert_int_equal(d->slot, 1);
	assert_int_equal(d->meta_slot, -1);
	assert_int_equal(d->data_offset, 2048);
	assert_int_equal(d->recovery_start, SECTORS_NONE);
}

/* Its failure may not be on record: md has taken the slot away, but somebody has to tell the metadata. */
static void test_failed_member_without_a_slot(void **state)
{
	(void)state;
	mgr_has_md126();
	kmd_has_member("md126", 'c', -1);
	kmd_says("md126/dev-sdc/state", "faulty,blocked");
	mgr_start();
	assert_steps("md126: published sda[0] sdb[1] sdc[-1]\n");
}

/* Without them bad blocks cost the member, and nobody sees how far a reshape has come. */
static void test_attributes_of_newer_kernels(void **state)
{
	(void)state;
	mgr_has_md126();
	kmd_hides("md126/reshape_position");
	kmd_hides("md126/dev-sda/bad_blocks");
	kmd_hides("md126/dev-sda/unacknowledged_bad_blocks");
	mgr_start();
	mgr_settle();
	assert_true(mgr_array("md126")->reshape_position_fd < 0);
	assert_true(mgr_member("md126", 'a')->bad_blocks_fd < 0);
	assert_true(mgr_member("md126", 'a')->unacknowledged_fd < 0);
	assert_true(mgr_member("md126", 'b')->bad_blocks_fd >= 0);
}

/* ---- the safe mode delay ---- */

static void test_safe_mode_delay_is_kept(void **state)
{
	(void)state;
	mgr_has_md126();
	kmd_says("md126/safe_mode_delay", "0.050");
	mgr_start();
	assert_steps("md126: published sda[0] sdb[1]\n");
}

/* What the predecessor has left, who let go of his arrays. */
static void test_safe_mode_delay_is_mended(void **state)
{
	(void)state;
	mgr_has_md126();
	kmd_says("md126/safe_mode_delay", "0.001");
	mgr_start();
	assert_steps("md126/safe_mode_delay <- 5.000\n"
		     "md126: published sda[0] sdb[1]\n");
}

/* ---- what a daemon that died has left ---- */

/* The daemon had given the disk to md, and no slot yet. To remove it may take long, so the helper does it. */
static void test_leftover(void **state)
{
	(void)state;
	mgr_has_md126();
	kmd_has_member("md126", 'c', -1);
	mgr_start();
	assert_steps("md126: published sda[0] sdb[1]\n"
		     "helper has a job\n");
	mgr_helper();
	assert_steps("md126/dev-sdc/state <- remove\n");
	assert_said("leftover-removed: md126: sdc was left without a slot by an earlier daemon: removed\n");
}

static void test_leftover_stays(void **state)
{
	(void)state;
	mgr_has_md126();
	kmd_has_member("md126", 'c', -1);
	kmd_refuses("md126/dev-sdc/state", "remove", EBUSY);
	mgr_start();
	mgr_helper();
	assert_said("leftover-removed: md126: sdc was left without a slot by an earlier daemon: "
		    "Device or resource busy\n");
}

/* mdadm is putting it in just now, and has said so with the '-'. */
static void test_no_leftover_of_mdadm(void **state)
{
	(void)state;
	mgr_has_md126();
	kmd_says("md126/metadata_version", "external:-md127/0");
	kmd_has_member("md126", 'c', -1);
	mgr_start();
	assert_steps("md126: published sda[0] sdb[1]\n");
	assert_false(mgr_helper());
}

/* Frozen without the '-': a daemon died while it put a spare in. If there is no spare any more, the array is thawed. */
static void test_left_frozen(void **state)
{
	(void)state;
	mgr_has_md126();
	kmd_says("md126/sync_action", "frozen");
	mgr_start();
	mgr_settle();
	forget_steps();
	mgr_asks("md126", ARRAY_WANT_SPARE_CHECK);
	mgr_settle();
	assert_steps("update: find spares for volume 0\n"
		     "md126/sync_action <- idle\n");
}

static void test_frozen_by_mdadm(void **state)
{
	(void)state;
	mgr_has_md126();
	kmd_says("md126/metadata_version", "external:-md127/0");
	kmd_says("md126/sync_action", "frozen");
	mgr_start();
	mgr_settle();
	kmd_says("md126/metadata_version", "external:/md127/0");
	forget_steps();
	mgr_asks("md126", ARRAY_WANT_SPARE_CHECK);
	mgr_settle();
	assert_steps("");
}

/* ---- arrays that are not taken on ---- */

static void test_none_of_ours(void **state)
{
	(void)state;
	mgr_has_md126();
	kmd_has_array("md125", "external:/md124/0", "raid1");
	kmd_has_array("md123", "1.2", "raid1");
	mgr_start();
	assert_steps("md126: published sda[0] sdb[1]\n");
}

static void test_without_redundancy(void **state)
{
	(void)state;
	mgr_has_md126();
	kmd_has_array("md125", "external:/md127/1", "raid0");
	mgr_start();
	assert_steps("md126: published sda[0] sdb[1]\n");
}

static void test_not_running(void **state)
{
	(void)state;
	mgr_has_md126();
	kmd_has_array("md125", "external:/md127/1", "raid1");
	kmd_runs("md125", false);
	mgr_start();
	mgr_settle();
	assert_steps("md126: published sda[0] sdb[1]\n"
		     "ready\n");
	kmd_runs("md125", true);
	mgr_run();
	assert_steps("md125: published\n");
}

/* From now on so many more files can be opened. */
static void leave_files(unsigned more)
{
	struct rlimit l;
	int fd = 0;

	for (; more; fd++)
		more -= fcntl(fd, F_GETFD) < 0;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &l), 0);
	l.rlim_cur = (rlim_t)fd;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &l), 0);
}

/* Said once, named in the status, tried again less and less often; and the start is not over. */
static void test_no_files_left(void **state)
{
	const char *said;
	struct rlimit l;

	(void)state;
	mgr_has_md126();
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &l), 0);
	leave_files(12);
	mgr_start();
	mgr_settle();
	assert_steps("");
	assert_int_equal(mgr_wait_ms(), 200);
	mgr_time_passes(200);
	assert_int_equal(mgr_wait_ms(), 400);
	mgr_time_passes(400);
	mgr_settle();
	assert_steps("");
	said = strstr(mgr_messages(), "array-unserved: md126: cannot be served: Too many open files; its writes wait\n");
	assert_non_null(said);
	assert_null(strstr(said + 1, "array-unserved"));
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &l), 0);
	mgr_time_passes(800);
	assert_steps("md126: published sda[0] sdb[1]\n");
	mgr_settle();
	assert_steps("ready\n");
	assert_int_equal(mgr_wait_ms(), MGR_FOR_EVER);
}

/* Whatever there is no room for: the array is taken on with all that it has, or not at all. */
static void test_not_enough_files(void **state)
{
	struct rlimit l;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &l), 0);
	for (unsigned more = 6; more < 40; more++) {
		const struct mdinfo *d;

		mgr_has_md126();
		leave_files(more);
		mgr_start();
		mgr_settle();
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &l), 0);
		d = mgr_array("md126") ? mgr_member("md126", 'b') : NULL;
		if (d)
			assert_true(d->bad_blocks_fd >= 0 && d->unacknowledged_fd >= 0 && d->acknowledge_fd >= 0);
		else
			assert_said("array-unserved: md126");
		forget_steps();
		mgr_tear_down(state);
		mgr_set_up(state);
	}
}

/* The array is on its way in or out. */
static void test_half_there(void **state)
{
	(void)state;
	mgr_has_md126();
	kmd_hides("md126/raid_disks");
	mgr_start();
	assert_steps("");
	assert_int_equal(mgr_wait_ms(), 200);
	kmd_says("md126/raid_disks", "2");
	assert_true(mgr_time_passes(200));
	assert_steps("md126: published sda[0] sdb[1]\n");
}

static void test_sizes_beyond_reason(void **state)
{
	(void)state;
	mgr_has_md126();
	kmd_says("md126/raid_disks", "257");
	mgr_start();
	assert_steps("");
	kmd_says("md126/raid_disks", "0");
	mgr_time_passes(200);
	assert_steps("");
	kmd_says("md126/raid_disks", "256");
	mgr_time_passes(200);
	assert_steps("md126: published sda[0] sdb[1]\n");
}

/* A wrong offset would cost a disk its data. */
static void test_member_without_an_offset(void **state)
{
	(void)state;
	mgr_has_md126();
	kmd_hides("md126/dev-sdb/offset");
	mgr_start();
	assert_steps("");
	assert_int_equal(mgr_wait_ms(), 200);
}

static void test_no_number_of_a_volume(void **state)
{
	(void)state;
	mgr_has_md126();
	kmd_has_array("md125", "external:/md127/data", "raid1");
	mgr_start();
	assert_steps("md126: published sda[0] sdb[1]\n");
	assert_said("array-refused: md125: md127 has no such volume (Invalid argument); not monitored\n");
}

/* ---- arrays that the metadata do not know ---- */

/* A daemon without arrays leaves, unless somebody counts on it. */
static void refused(void)
{
	mgr_has_md126();
	fakes.container_held = true;
	fakes.array_error = -ENODEV;
	mgr_start();
	mgr_settle();
	forget_steps();
}

/* Once, and not again each time that something happens somewhere. */
static void test_refused(void **state)
{
	const char *text = "array-refused: md126: md127 has no such volume (No such device); not monitored\n";

	(void)state;
	refused();
	assert_non_null(strstr(mgr_messages(), text));
	mdstat_changes();
	mgr_settle();
	assert_null(strstr(strstr(mgr_messages(), text) + 1, text));
}

/* mdadm creates the array first and the volume later. */
static void test_refused_and_taken_later(void **state)
{
	(void)state;
	refused();
	fakes.array_error = 0;
	mdstat_changes();
	mgr_settle();
	assert_steps("md126: published sda[0] sdb[1]\n");
	assert_non_null(mgr_array("md126"));
}

/* The volume is bound to an array that has not ended completely: soon, and nobody needs to hear of it. */
static void test_busy(void **state)
{
	(void)state;
	mgr_has_md126();
	fakes.array_error = -EBUSY;
	mgr_start();
	mgr_monitor();
	fakes.array_error = 0;
	mgr_run();
	assert_not_said("array-refused");
	assert_int_equal(mgr_wait_ms(), 20);
	forget_steps();
	mgr_time_passes(20);
	assert_steps("md126: published sda[0] sdb[1]\n");
}

static void test_refused_and_gone(void **state)
{
	(void)state;
	refused();
	kmd_forgets("md126");
	mgr_settle();
	kmd_has_array("md126", "external:/md127/0", "raid1");
	mgr_settle();
	assert_said("array-refused: md126: md127 has no such volume (No such device); not monitored\n"
		    "array-adopted: md126");
}

/* The helper thread has the array as long as it removes what was left in it, whatever becomes of it meanwhile. */
static void test_refused_while_the_helper_has_it(void **state)
{
	(void)state;
	mgr_has_md126();
	kmd_has_member("md126", 'c', -1);
	kmd_refuses("md126/dev-sdc/state", "remove", EBUSY); /* so mdstat does not change either */
	fakes.container_held = true;
	fakes.array_error = -ENODEV;
	mgr_start();
	mgr_settle();
	forget_steps();
	fakes.array_error = 0;
	mdstat_changes();
	mgr_settle();
	assert_null(mgr_array("md126"));
	assert_true(mgr_helper());
	mgr_settle();
	assert_non_null(mgr_array("md126"));
}

static void test_gone_while_the_helper_has_it(void **state)
{
	(void)state;
	mgr_has_md126();
	kmd_has_member("md126", 'c', -1);
	fakes.container_held = true;
	fakes.array_error = -ENODEV;
	mgr_start();
	mgr_settle();
	kmd_forgets("md126");
	mgr_settle();
	assert_true(mgr_helper());
	mgr_settle();
	assert_null(mgr_array("md126"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		mgr_test(test_an_array),
		mgr_test(test_files_of_the_array),
		mgr_test(test_files_of_a_member),
		mgr_test(test_members),
		mgr_test(test_failed_member_without_a_slot),
		mgr_test(test_attributes_of_newer_kernels),
		mgr_test(test_safe_mode_delay_is_kept),
		mgr_test(test_safe_mode_delay_is_mended),
		mgr_test(test_leftover),
		mgr_test(test_leftover_stays),
		mgr_test(test_no_leftover_of_mdadm),
		mgr_test(test_left_frozen),
		mgr_test(test_frozen_by_mdadm),
		mgr_test(test_none_of_ours),
		mgr_test(test_without_redundancy),
		mgr_test(test_not_running),
		mgr_test(test_no_files_left),
		mgr_test(test_not_enough_files),
		mgr_test(test_half_there),
		mgr_test(test_sizes_beyond_reason),
		mgr_test(test_member_without_an_offset),
		mgr_test(test_no_number_of_a_volume),
		mgr_test(test_refused),
		mgr_test(test_refused_and_taken_later),
		mgr_test(test_busy),
		mgr_test(test_refused_and_gone),
		mgr_test(test_refused_while_the_helper_has_it),
		mgr_test(test_gone_while_the_helper_has_it),
	};

	return cmocka_run_group_tests(tests, mgr_begin, mgr_end);
}
