/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The files of a daemon that has no predecessor: made, published, removed, and left alone if they are others'. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/log.h"
#include "socket/rundir.h"
#include "socket/server.h"
#include "tests/unit/support/rundir-rig.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* A whole life: ours from the claim to the end. */
static void test_claim_create_remove(void **state)
{
	struct msg_server *server = NULL;
	struct rundir r;
	struct stat st;

	(void)state;
	assert_true(rundir_claim(&r, "md127", false, rundir_md_dir));
	assert_int_equal(stat(RUNDIR_OF_TEST, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0755);
	assert_false(is_unlocked());
	server = create_files(&r);
	assert_non_null(server);
	assert_int_equal(files_in_rundir(), 2); /* none under another name is left */
	assert_int_equal(pid_in_file(), getpid());
	assert_int_equal(stat(PID_FILE, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(stat(SOCK_FILE, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 07777, 0700);
	rundir_unlock(&r);
	assert_true(is_unlocked());
	rundir_unlock(&r);
	rundir_remove_pid_file(&r);
	rundir_remove_socket(&r);
	assert_false(exists(PID_FILE) || exists(SOCK_FILE));
	rundir_remove_pid_file(&r);
	rundir_remove_socket(&r);
	msg_server_close(server);
}

static void test_stale_files_are_replaced(void **state)
{
	static const char *const stale[] = { "4194303\n", "", "0\n", "garbage", "-1\n" };
	struct msg_server *server;
	struct rundir r;

	(void)state;
	mkdir(RUNDIR_OF_TEST, 0755);
	for (size_t i = 0; i < COUNT(stale); i++) {
		write_file(PID_FILE, stale[i]);
		write_file(SOCK_FILE, "no socket");
		assert_true(rundir_claim(&r, "md127", i % 2, rundir_md_dir));
		server = create_files(&r);
		assert_non_null(server);
		assert_int_equal(pid_in_file(), getpid());
		rundir_unlock(&r);
		rundir_remove_pid_file(&r);
		rundir_remove_socket(&r);
		msg_server_close(server);
	}
}

static char *program_name; /* argv[0]: what is written here is seen in /proc */

/* From before a reboot: our own pid. We must not end ourselves. */
static void test_stale_file_may_name_ourselves(void **state)
{
	static const char as_daemon[] = "mdmon\0md127";
	char saved[sizeof(as_daemon)];
	struct rundir r;

	(void)state;
	assert_true(strlen(program_name) >= sizeof(as_daemon));
	memcpy(saved, program_name, sizeof(saved));
	memcpy(program_name, as_daemon, sizeof(as_daemon));
	mkdir(RUNDIR_OF_TEST, 0755);
	put_pid(getpid());
	assert_true(rundir_claim(&r, "md127", true, rundir_md_dir));
	memcpy(program_name, saved, sizeof(saved));
	assert_int_equal(r.victim, 0);
	rundir_unlock(&r);
}

/* A successor has taken the files over: they are not ours to remove. */
static void test_files_of_a_successor_stay(void **state)
{
	struct msg_server *server;
	struct rundir r;

	(void)state;
	assert_true(rundir_claim(&r, "md127", false, rundir_md_dir));
	server = create_files(&r);
	assert_non_null(server);
	rundir_unlock(&r);
	put_pid(1);
	rundir_remove_pid_file(&r);
	rundir_remove_socket(&r);
	assert_true(exists(PID_FILE) && exists(SOCK_FILE));
	msg_server_close(server);
}

static void test_nothing_is_removed_that_was_not_created(void **state)
{
	struct rundir r;

	(void)state;
	mkdir(RUNDIR_OF_TEST, 0755);
	put_pid(getpid());
	assert_true(rundir_claim(&r, "md127", false, rundir_md_dir));
	rundir_remove_pid_file(&r);
	rundir_remove_socket(&r);
	assert_true(exists(PID_FILE));
	rundir_unlock(&r);
}

/* Nothing is left of a start that fails, and what was there before is there still. */
static void test_no_socket_no_pid_file(void **state)
{
	struct rundir r;

	(void)state;
	log_set_level((enum log_level)-1);
	mkdir(RUNDIR_OF_TEST, 0755);
	put_pid(1);
	assert_true(rundir_claim(&r, "md127", false, rundir_md_dir));
	assert_int_equal(mkdir(SOCK_FILE ".new", 0755), 0);
	assert_false(rundir_prepare(&r));
	assert_int_equal(rmdir(SOCK_FILE ".new"), 0);
	assert_int_equal(mkdir(SOCK_FILE, 0755), 0);
	write_file(SOCK_FILE "/x", "");
	assert_true(rundir_prepare(&r));
	assert_null(rundir_publish(&r));
	log_set_level(LOG_LEVEL_ERROR);
	rundir_abandon(&r);
	assert_false(exists(PID_FILE));
	rundir_unlock(&r);
	unlink(SOCK_FILE "/x");
	rmdir(SOCK_FILE);
	assert_int_equal(files_in_rundir(), 0);
}

/* Who has ended a predecessor does not give up: nobody else serves the arrays. */
static void test_published_at_the_second_try(void **state)
{
	struct msg_server *server;
	struct rundir r;

	(void)state;
	log_set_level((enum log_level)-1);
	mkdir(RUNDIR_OF_TEST, 0755);
	assert_true(rundir_claim(&r, "md127", false, rundir_md_dir));
	assert_true(rundir_prepare(&r));
	assert_int_equal(mkdir(SOCK_FILE, 0755), 0);
	write_file(SOCK_FILE "/x", "");
	assert_null(rundir_publish(&r));
	log_set_level(LOG_LEVEL_ERROR);
	unlink(SOCK_FILE "/x");
	rmdir(SOCK_FILE);
	server = rundir_publish(&r);
	assert_non_null(server);
	assert_int_equal(pid_in_file(), getpid());
	assert_int_equal(files_in_rundir(), 2);
	rundir_remove_pid_file(&r);
	rundir_remove_socket(&r);
	msg_server_close(server);
	rundir_unlock(&r);
	assert_int_equal(files_in_rundir(), 0);
}

static void test_abandoned_start_leaves_nothing(void **state)
{
	struct rundir r;

	(void)state;
	mkdir(RUNDIR_OF_TEST, 0755);
	put_pid(1);
	assert_true(rundir_claim(&r, "md127", false, rundir_md_dir));
	assert_true(rundir_prepare(&r));
	assert_int_equal(pid_in_file(), 1);
	rundir_abandon(&r);
	rundir_unlock(&r);
	assert_int_equal(pid_in_file(), 1);
	assert_int_equal(files_in_rundir(), 1);
}

static void test_other_containers_are_left_alone(void **state)
{
	struct msg_server *server;
	struct rundir r;

	(void)state;
	mkdir(RUNDIR_OF_TEST, 0755);
	write_file(RUNDIR_OF_TEST "/md126.pid", "1\n");
	write_file(RUNDIR_OF_TEST "/map", "");
	assert_true(rundir_claim(&r, "md127", true, rundir_md_dir));
	server = create_files(&r);
	assert_non_null(server);
	rundir_unlock(&r);
	rundir_remove_pid_file(&r);
	rundir_remove_socket(&r);
	assert_int_equal(unlink(RUNDIR_OF_TEST "/md126.pid"), 0);
	assert_int_equal(unlink(RUNDIR_OF_TEST "/map"), 0);
	msg_server_close(server);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		rundir_test(test_claim_create_remove),
		rundir_test(test_stale_files_are_replaced),
		rundir_test(test_stale_file_may_name_ourselves),
		rundir_test(test_files_of_a_successor_stay),
		rundir_test(test_nothing_is_removed_that_was_not_created),
		rundir_test(test_no_socket_no_pid_file),
		rundir_test(test_published_at_the_second_try),
		rundir_test(test_abandoned_start_leaves_nothing),
		rundir_test(test_other_containers_are_left_alone),
	};

	if (argc < 1)
		return 1;
	program_name = argv[0];
	return cmocka_run_group_tests(tests, rundir_begin, rundir_end);
}
