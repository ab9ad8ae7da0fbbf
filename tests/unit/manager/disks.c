/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The disks of the container: what comes is a new spare, what goes is told to the metadata (mdmon.md 10.3). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "msg.h"
#include "tests/unit/support/manager-rig.h"
#include "threads/handoff.h"

/* mdstat has changed; a disk that has come is looked at by a helper. Returns whether anything woke the manager. */
static bool look(void)
{
	bool woken;

	mdstat_changes();
	woken = mgr_run();
	return mgr_helper() || woken;
}

static void time_passes(unsigned ms)
{
	mgr_time_passes(ms);
	mgr_helper();
}

static void test_a_disk_comes(void **state)
{
	(void)state;
	mgr_start_with_md126();
	kmd_has_member("md127", 'c', -1);
	assert_true(look());
	assert_steps("helper has a job\n"
		     "sdc: opened\n"
		     "update: add sdc\n");
	mgr_settle();
	assert_said("disk-added: md127: sdc is a new spare\n");
	assert_steps("sdc: closed\n"); /* the metadata of the rig keep no disks */
	look();
	assert_steps("");
}

static void test_a_disk_leaves(void **state)
{
	(void)state;
	mgr_start_with_md126();
	kmd_drops_member("md127", 'b');
	look();
	assert_steps("update: remove sdb\n");
	assert_said("disk-left: md127: disk sdb left the container\n");
	look();
	assert_steps("");
}

/* As many as before (mdmon.md 10.3: a weakness of the reference). */
static void test_one_for_another(void **state)
{
	(void)state;
	mgr_start_with_md126();
	kmd_drops_member("md127", 'b');
	kmd_has_member("md127", 'c', -1);
	look();
	assert_steps("update: remove sdb\n"
		     "helper has a job\n"
		     "sdc: opened\n"
		     "update: add sdc\n");
}

/* Between two looks: its metadata may be others now. */
static void test_removed_and_added_again(void **state)
{
	(void)state;
	mgr_start_with_md126();
	kmd_binds_again("md127", 'b');
	look();
	assert_steps("update: remove sdb\n"
		     "helper has a job\n"
		     "sdb: opened\n"
		     "update: add sdb\n");
}

/* What is there at the start has been loaded already. */
static void test_disks_that_were_there(void **state)
{
	(void)state;
	mgr_has_md126();
	mgr_start();
	assert_steps("md126: published sda[0] sdb[1]\n");
}

/* A disk that is being pulled out is none. When it is back it is a new one. */
static void test_offline(void **state)
{
	(void)state;
	mgr_start_with_md126();
	kmd_has_member("md127", 'c', -1);
	kmd_is_offline("md127", 'c', true);
	look();
	assert_steps("");
	kmd_is_offline("md127", 'c', false);
	look();
	assert_steps("helper has a job\n"
		     "sdc: opened\n"
		     "update: add sdc\n");
}

static void test_a_member_goes_offline(void **state)
{
	(void)state;
	mgr_start_with_md126();
	kmd_is_offline("md127", 'b', true);
	kmd_has_member("md127", 'c', -1); /* its own state is no event: another disk makes us look */
	look();
	assert_steps("update: remove sdb\n"
		     "helper has a job\n"
		     "sdc: opened\n"
		     "update: add sdc\n");
}

static void test_without_a_number(void **state)
{
	(void)state;
	mgr_start_with_md126();
	kmd_has_member("md127", 'c', -1);
	kmd_hides("md127/dev-sdc/block/dev");
	look();
	assert_steps("");
}

static void test_it_cannot_be_opened(void **state)
{
	(void)state;
	mgr_start_with_md126();
	fakes.open_error = EACCES;
	kmd_has_member("md127", 'c', -1);
	look();
	assert_steps("helper has a job\n");
	assert_said("error: md127: cannot open sdc: Permission denied\n");
}

/* Busy for a moment: nothing else has to happen until it is tried again. */
static void test_it_can_be_opened_later(void **state)
{
	const char *said;

	(void)state;
	mgr_start_with_md126();
	fakes.open_error = EBUSY;
	kmd_has_member("md127", 'c', -1);
	look();
	assert_int_equal(mgr_wait_ms(), 200);
	time_passes(200);
	assert_int_equal(mgr_wait_ms(), 400);
	fakes.open_error = 0;
	forget_steps();
	look(); /* that mdstat has changed is no reason to try before its time */
	assert_steps("");
	time_passes(400);
	assert_steps("helper has a job\n"
		     "sdc: opened\n"
		     "update: add sdc\n");
	said = strstr(mgr_messages(), "cannot open sdc");
	assert_non_null(said);
	assert_null(strstr(said + 1, "cannot open sdc"));
	assert_int_equal(mgr_wait_ms(), MGR_FOR_EVER);
}

/* It goes before it could be opened: there is nothing left to try. */
static void test_it_goes_unopened(void **state)
{
	(void)state;
	mgr_start_with_md126();
	fakes.open_error = EBUSY;
	kmd_has_member("md127", 'c', -1);
	look();
	forget_steps();
	kmd_drops_member("md127", 'c');
	mdstat_changes();
	mgr_settle();
	assert_steps("update: remove sdc\n");
	assert_int_equal(mgr_wait_ms(), MGR_FOR_EVER);
}

/* The handler could not read it, or had no memory. */
static void test_it_could_not_be_prepared(void **state)
{
	static const int errors[] = { -ENOMEM, -EIO, -EBUSY };

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		mgr_start_with_md126();
		fakes.add_error = errors[i];
		kmd_has_member("md127", 'c', -1);
		look();
		assert_steps("helper has a job\n"
			     "sdc: opened\n"
			     "sdc: closed\n");
		fakes.add_error = 0;
		time_passes(200);
		assert_steps("helper has a job\n"
			     "sdc: opened\n"
			     "update: add sdc\n");
		if (i < 2) {
			mgr_tear_down(state);
			mgr_set_up(state);
		}
	}
}

/* Not for ever: the handler says each time what is wrong. */
static void test_it_cannot_be_prepared(void **state)
{
	unsigned tries = 1;

	(void)state;
	mgr_start_with_md126();
	fakes.add_error = -EIO;
	kmd_has_member("md127", 'c', -1);
	look();
	for (; mgr_wait_ms() != MGR_FOR_EVER; tries++)
		time_passes((unsigned)mgr_wait_ms());
	assert_int_equal(tries, 5);
}

/* The daemon ends all the same when nothing is left to serve. */
static void test_nobody_waits_for_a_disk(void **state)
{
	(void)state;
	fakes.open_error = EBUSY;
	mgr_start();
	mgr_settle();
	kmd_has_member("md127", 'c', -1);
	look();
	assert_said("cannot open sdc");
	time_passes(1000);
	assert_int_equal(mgr_ended(), MANAGER_NO_ARRAYS);
}

static void test_it_is_not_wanted(void **state)
{
	(void)state;
	mgr_start_with_md126();
	fakes.add_error = -EINVAL;
	kmd_has_member("md127", 'c', -1);
	look();
	assert_steps("helper has a job\n"
		     "sdc: opened\n"
		     "sdc: closed\n");
	assert_not_said("disk-added");
}

static void test_the_metadata_refuse_it(void **state)
{
	(void)state;
	mgr_start_with_md126();
	fakes.update_error = -ENOSPC;
	kmd_has_member("md127", 'c', -1);
	look();
	mgr_settle();
	assert_steps("helper has a job\n"
		     "sdc: opened\n"
		     "update: add sdc\n"
		     "sdc: closed\n");
	assert_not_said("sdc"); /* the handler has named it, and the reason */
}

/* Its metadata have a volume that those that were there did not have: the array, which runs, is served. */
static void test_an_array_is_served_with_the_disk(void **state)
{
	(void)state;
	mgr_has_md126();
	fakes.array_error = -ENODEV;
	mgr_start();
	mgr_settle();
	assert_said("array-refused: md126");
	forget_steps();
	kmd_has_member("md127", 'c', -1);
	mdstat_changes();
	mgr_settle();
	assert_null(mgr_array("md126"));
	fakes.array_error = 0;
	mgr_helper();
	mgr_settle();
	assert_non_null(strstr(steps(), "update: add sdc\n"));
	assert_non_null(mgr_array("md126"));
	forget_steps();
}

/* ---- what takes long ---- */

/* The rest of the container goes on meanwhile. */
static void test_a_slow_disk_keeps_nobody(void **state)
{
	(void)state;
	mgr_start_with_md126();
	kmd_has_member("md127", 'c', -1);
	mdstat_changes();
	mgr_run();
	assert_steps("helper has a job\n");
	kmd_drops_member("md127", 'b');
	mdstat_changes();
	mgr_run();
	assert_steps("update: remove sdb\n");
	kmd_has_member("md127", 'd', -1);
	mdstat_changes();
	mgr_run();
	assert_steps("helper has a job\n");
	mgr_helper();
	assert_non_null(strstr(steps(), "update: add sdc\n"));
	assert_non_null(strstr(steps(), "update: add sdd\n"));
	forget_steps();
}

/* "mdadm --add" pings so that the disk is known when it returns. */
static void test_a_ping_waits_for_a_disk(void **state)
{
	int c;

	(void)state;
	mgr_start_with_md126();
	c = mgr_client();
	kmd_has_member("md127", 'c', -1);
	mgr_client_sends(c, MSG_PING_MANAGER, NULL);
	mgr_settle();
	assert_string_equal(mgr_client_gets(c), "nothing");
	mgr_helper();
	mgr_settle();
	assert_string_equal(mgr_client_gets(c), "LEN 0");
	assert_said("disk-added");
	forget_steps();
}

static void test_a_ping_does_not_wait_for_ever(void **state)
{
	int c;

	(void)state;
	mgr_start_with_md126();
	c = mgr_client();
	kmd_has_member("md127", 'c', -1);
	mgr_client_sends(c, MSG_PING_MANAGER, NULL);
	mgr_settle();
	assert_int_equal(mgr_wait_ms(), 1000);
	mgr_time_passes(999);
	mgr_settle();
	assert_string_equal(mgr_client_gets(c), "nothing");
	mgr_time_passes(1);
	mgr_settle();
	assert_string_equal(mgr_client_gets(c), "LEN 0");
	forget_steps();
}

/* What a helper finds out about a disk that has gone meanwhile is of no use. */
static void test_it_goes_while_it_is_looked_at(void **state)
{
	(void)state;
	mgr_start_with_md126();
	kmd_has_member("md127", 'c', -1);
	mdstat_changes();
	mgr_run();
	kmd_drops_member("md127", 'c');
	mdstat_changes();
	mgr_run();
	assert_steps("helper has a job\n"
		     "update: remove sdc\n");
	mgr_helper();
	assert_steps("sdc: opened\n"
		     "sdc: closed\n");
	mgr_settle();
	assert_steps("");
}

/* It is bound anew while it is looked at: what counts is what it holds now. */
static void test_it_comes_again_while_it_is_looked_at(void **state)
{
	(void)state;
	mgr_start_with_md126();
	kmd_has_member("md127", 'c', -1);
	mdstat_changes();
	mgr_run();
	kmd_binds_again("md127", 'c');
	mdstat_changes();
	mgr_run();
	assert_steps("helper has a job\n"
		     "update: remove sdc\n"
		     "helper has a job\n");
	mgr_helper();
	mgr_settle();
	assert_non_null(strstr(steps(), "update: add sdc\n"));
	assert_null(strstr(strstr(steps(), "update: add sdc\n") + 1, "update: add"));
	forget_steps();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		mgr_test(test_a_disk_comes),
		mgr_test(test_a_disk_leaves),
		mgr_test(test_one_for_another),
		mgr_test(test_removed_and_added_again),
		mgr_test(test_disks_that_were_there),
		mgr_test(test_offline),
		mgr_test(test_a_member_goes_offline),
		mgr_test(test_without_a_number),
		mgr_test(test_it_cannot_be_opened),
		mgr_test(test_it_can_be_opened_later),
		mgr_test(test_it_goes_unopened),
		mgr_test(test_it_could_not_be_prepared),
		mgr_test(test_it_cannot_be_prepared),
		mgr_test(test_nobody_waits_for_a_disk),
		mgr_test(test_it_is_not_wanted),
		mgr_test(test_the_metadata_refuse_it),
		mgr_test(test_an_array_is_served_with_the_disk),
		mgr_test(test_a_slow_disk_keeps_nobody),
		mgr_test(test_a_ping_waits_for_a_disk),
		mgr_test(test_a_ping_does_not_wait_for_ever),
		mgr_test(test_it_goes_while_it_is_looked_at),
		mgr_test(test_it_comes_again_while_it_is_looked_at),
	};

	return cmocka_run_group_tests(tests, mgr_begin, mgr_end);
}
