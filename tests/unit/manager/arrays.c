/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An array from the manager's point of view: mdstat says that there is one, that it has changed, that it has gone. What
 * the monitor has is never changed: it gets another copy.
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

/* ---- arrays come ---- */

static void test_a_second_array(void **state)
{
	(void)state;
	mgr_start_with_md126();
	kmd_has_array("md125", "external:/md127/1", "raid1");
	kmd_has_member("md125", 'a', 0);
	assert_true(mgr_run());
	assert_steps("md125: published sda[0]\n");
	mgr_settle();
	assert_int_equal(mgr_array("md125")->member, 1);
	assert_int_equal(mgr_array("md126")->member, 0);
}

/* Nothing of it is of interest to us. */
static void test_mdstat_changes_for_others(void **state)
{
	(void)state;
	mgr_start_with_md126();
	kmd_has_array("md1", "1.2", "raid1");
	assert_true(mgr_run());
	assert_steps("");
	assert_false(mgr_run());
}

static void test_mdstat_cannot_be_read(void **state)
{
	const char *text = "error: cannot read /proc/mdstat: Input/output error\n";

	(void)state;
	mgr_start_with_md126();
	mdstat_fails(EIO);
	assert_true(mgr_run());
	assert_int_equal(mgr_wait_ms(), 200);
	assert_true(mgr_time_passes(200));
	assert_int_equal(mgr_wait_ms(), 200);
	assert_non_null(strstr(mgr_messages(), text));
	assert_null(strstr(strstr(mgr_messages(), text) + 1, text));
	kmd_has_array("md125", "external:/md127/1", "raid1");
	mdstat_fails(0);
	mgr_time_passes(200);
	assert_steps("md125: published\n");
}

/* ---- arrays change ---- */

/* The monitor may be reading what it has: that stays as it is. */
static void test_a_changed_array_is_another_copy(void **state)
{
	const struct active_array *before, *now;

	(void)state;
	mgr_start_with_md126();
	before = mgr_array("md126");
	kmd_says("md126/raid_disks", "3");
	kmd_says("md126/component_size", "70000");
	mdstat_changes();
	mgr_run();
	assert_steps("md126: published again sda[0] sdb[1]\n");
	assert_int_equal(before->raid_disks, 2);
	assert_int_equal(before->component_size, 100000);
	mgr_monitor();
	now = mgr_array("md126");
	assert_ptr_not_equal(now, before);
	assert_ptr_equal(now->replaces, before);
	assert_ptr_equal(now->watch, before->watch);
	assert_int_equal(now->raid_disks, 3);
	assert_int_equal(now->component_size, 140000);
}

static void test_what_is_a_change(void **state)
{
	static const char *const change[][2] = {
		{ "md126/raid_disks", "4" }, { "md126/component_size", "1000" }, { "md126/layout", "7" },
		{ "md126/chunk_size", "4096" },
	};

	(void)state;
	mgr_start_with_md126();
	mdstat_changes();
	mgr_settle();
	assert_steps("");
	for (size_t i = 0; i < sizeof(change) / sizeof(change[0]); i++) {
		kmd_says(change[i][0], change[i][1]);
		mdstat_changes();
		mgr_settle();
		assert_steps("md126: published again sda[0] sdb[1]\n");
	}
	kmd_changes_level("md126", "raid5");
	mgr_settle();
	assert_steps("md126: published again sda[0] sdb[1]\n");
	assert_int_equal(mgr_array("md126")->level, 5);
}

/* The monitor would have to choose between two copies: the first one comes back first. */
static void test_one_change_after_the_other(void **state)
{
	(void)state;
	mgr_start_with_md126();
	kmd_says("md126/raid_disks", "3");
	mdstat_changes();
	mgr_run();
	kmd_says("md126/raid_disks", "4");
	mdstat_changes();
	mgr_run();
	assert_steps("md126: published again sda[0] sdb[1]\n");
	assert_int_equal(mgr_wait_ms(), 20);
	mgr_monitor();
	mgr_run();
	mgr_time_passes(20);
	assert_steps("md126: published again sda[0] sdb[1]\n");
	mgr_settle();
	assert_int_equal(mgr_array("md126")->raid_disks, 4);
}

static void test_half_gone(void **state)
{
	(void)state;
	mgr_start_with_md126();
	kmd_hides("md126/raid_disks");
	mdstat_changes();
	mgr_settle();
	assert_steps("");
}

/* A level that we have no name for: the array stays what it was to us. */
static void test_unknown_level(void **state)
{
	(void)state;
	mgr_start_with_md126();
	kmd_changes_level("md126", "raid77");
	mgr_settle();
	assert_steps("");
}

/* ---- an array that needs no monitoring any more ---- */

/* mdadm turns it into a RAID 0. It goes on, so nothing is cleared. */
static void test_raid0(void **state)
{
	(void)state;
	mgr_start_with_md126();
	fakes.container_held = true;
	kmd_changes_level("md126", "raid0");
	mgr_run();
	assert_steps("md126: published again sda[0] sdb[1]\n");
	mgr_settle();
	assert_null(mgr_array("md126"));
	mgr_time_passes(500);
	assert_steps("md127: opened exclusively\n");
	assert_said("array-left: md126: is raid0 now and needs no monitoring\n");
	assert_not_said("array-stopped");
}

/* For a reshape it becomes a RAID 4. */
static void test_raid0_and_back(void **state)
{
	(void)state;
	mgr_start_with_md126();
	fakes.container_held = true;
	kmd_changes_level("md126", "raid0");
	mgr_settle();
	forget_steps();
	kmd_changes_level("md126", "raid4");
	mgr_run();
	assert_steps("md126: published sda[0] sdb[1]\n");
	mgr_settle();
	assert_int_equal(mgr_array("md126")->level, 4);
}

/* ---- arrays end ---- */

/* Stopped by mdadm: the kernel waits for us to clear it. The metadata were written before the monitor gave it back. */
static void stop(void)
{
	mgr_start_with_md126();
	fakes.container_held = true;
	mgr_array("md126")->watch->seen_running = true;
	kmd_says("md126/array_state", "inactive");
	kmd_runs("md126", false);
	mgr_run();
	mgr_gives_back("md126");
	mgr_run();
}

static void test_the_end(void **state)
{
	(void)state;
	stop();
	assert_steps("md126/array_state <- clear\n");
	assert_said("array-stopped: md126: stopped\n");
}

/* It has a name, and whoever stopped it looks for it by that once more, when the ping is answered. */
static void stop_named(void)
{
	kmd_has_array("md_v", "external:/md127/0", "raid1");
	kmd_has_member("md_v", 'a', 0);
	kmd_has_member("md_v", 'b', 1);
	mgr_start();
	mgr_settle();
	forget_steps();
	fakes.container_held = true;
	mgr_array("md_v")->watch->seen_running = true;
	kmd_says("md_v/array_state", "inactive");
	kmd_runs("md_v", false);
	mgr_run();
	mgr_gives_back("md_v");
	mgr_run();
}

static void test_the_end_of_a_named_array(void **state)
{
	int c;

	(void)state;
	stop_named();
	c = mgr_client();
	mgr_client_sends(c, 0, NULL);
	mgr_settle();
	assert_non_null(strstr(mgr_client_gets(c), "LEN "));
	assert_steps("");
	assert_true(mgr_time_passes(900));
	assert_steps("");
	assert_true(mgr_time_passes(200));
	assert_steps("md_v/array_state <- clear\n");
}

static void test_a_named_array_is_stopped_by_others(void **state)
{
	(void)state;
	stop_named();
	kmd_forgets("md_v");
	mgr_time_passes(20);
	mgr_time_passes(500);
	assert_steps("md127: opened exclusively\n");
}

/* The array became inactive for another reason, or the device is gone already. */
static void test_nothing_to_clear(void **state)
{
	(void)state;
	mgr_start_with_md126();
	mgr_array("md126")->watch->seen_running = true;
	fakes.container_held = true;
	kmd_forgets("md126");
	mgr_run();
	mgr_gives_back("md126");
	mgr_run();
	mgr_time_passes(500);
	assert_steps("md127: opened exclusively\n");
	assert_said("array-stopped: md126: stopped\n");
}

/* The array never ran while we were there: whoever is assembling it will start it, perhaps. */
static void test_never_started(void **state)
{
	(void)state;
	mgr_start_with_md126();
	fakes.container_held = true;
	kmd_says("md126/array_state", "inactive");
	kmd_runs("md126", false);
	mgr_gives_back("md126");
	mgr_run();
	mgr_time_passes(500);
	assert_steps("md127: opened exclusively\n");
}

/* The kernel takes the device apart after the answer: until then an open fails, and clients are not told "done". */
static void test_clients_wait_for_the_device(void **state)
{
	int c;

	(void)state;
	stop();
	c = mgr_client();
	mgr_client_sends(c, 0, NULL);
	mgr_settle();
	assert_string_equal(mgr_client_gets(c), "nothing");
	assert_int_equal(mgr_wait_ms(), 5);
	kmd_forgets("md126");
	mgr_time_passes(5);
	mgr_settle();
	assert_non_null(strstr(mgr_client_gets(c), "LEN "));
}

static void test_clients_do_not_wait_for_ever(void **state)
{
	int c;

	(void)state;
	stop();
	c = mgr_client();
	mgr_client_sends(c, 0, NULL);
	mgr_time_passes(1995);
	mgr_settle();
	assert_string_equal(mgr_client_gets(c), "nothing");
	mgr_time_passes(5);
	mgr_settle();
	assert_non_null(strstr(mgr_client_gets(c), "LEN "));
}

/* The name is in use again before we have done with the array that had it. */
static void test_the_next_of_that_name(void **state)
{
	(void)state;
	stop();
	kmd_forgets("md126");
	mgr_has_md126();
	mgr_settle();
	mgr_time_passes(2000);
	mgr_settle();
	assert_non_null(strstr(steps(), "md126: published sda[0] sdb[1]\n"));
	assert_non_null(mgr_array("md126"));
}

/* A copy was on its way when the array ended: both come back, and then it is over, once. */
static void test_ended_while_a_copy_was_on_its_way(void **state)
{
	const char *text = "array-stopped: md126: stopped\n";

	(void)state;
	mgr_start_with_md126();
	fakes.container_held = true;
	kmd_says("md126/raid_disks", "3");
	mdstat_changes();
	mgr_run();
	kmd_runs("md126", false);
	mgr_gives_back("md126");
	mgr_run();
	assert_not_said(text);
	mgr_settle();
	assert_null(mgr_array("md126"));
	assert_non_null(strstr(mgr_messages(), text));
	assert_null(strstr(strstr(mgr_messages(), text) + 1, text));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		mgr_test(test_a_second_array),
		mgr_test(test_mdstat_changes_for_others),
		mgr_test(test_mdstat_cannot_be_read),
		mgr_test(test_a_changed_array_is_another_copy),
		mgr_test(test_what_is_a_change),
		mgr_test(test_one_change_after_the_other),
		mgr_test(test_half_gone),
		mgr_test(test_unknown_level),
		mgr_test(test_raid0),
		mgr_test(test_raid0_and_back),
		mgr_test(test_the_end),
		mgr_test(test_the_end_of_a_named_array),
		mgr_test(test_a_named_array_is_stopped_by_others),
		mgr_test(test_nothing_to_clear),
		mgr_test(test_never_started),
		mgr_test(test_clients_wait_for_the_device),
		mgr_test(test_clients_do_not_wait_for_ever),
		mgr_test(test_the_next_of_that_name),
		mgr_test(test_ended_while_a_copy_was_on_its_way),
	};

	return cmocka_run_group_tests(tests, mgr_begin, mgr_end);
}
