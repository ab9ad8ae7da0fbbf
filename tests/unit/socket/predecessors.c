/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who runs already for the container: recognized, asked, ended, or left alone. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/log.h"
#include "socket/client.h"
#include "socket/rundir.h"
#include "socket/server.h"
#include "tests/unit/support/rundir-rig.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Its pid is all that it has in common with a daemon of this container. */
static void test_foreign_process_is_no_victim(void **state)
{
	static const char *const names[][2] = { { "vim", "md127" }, { "mdmon", "md126" } };
	struct rundir r;

	(void)state;
	mkdir(RUNDIR_OF_TEST, 0755);
	for (size_t i = 0; i < COUNT(names); i++) {
		struct process p = start_process(names[i][0], names[i][1]);

		put_pid(p.pid);
		assert_true(rundir_claim(&r, "md127", true, rundir_md_dir));
		assert_int_equal(r.victim, 0);
		rundir_unlock(&r);
		assert_int_equal(finish_process(&p), 0);
	}
}

/* The pid has changed hands between the claim and the eviction. */
static void test_foreign_process_is_not_ended(void **state)
{
	struct process p;
	struct rundir r;

	(void)state;
	need_pidfd();
	p = start_process("vim", "md127");
	assert_true(rundir_claim(&r, "md127", true, rundir_md_dir));
	r.victim = p.pid;
	assert_true(rundir_prepare(&r));
	assert_true(rundir_evict(&r));
	assert_true(is_alive(&p));
	assert_int_equal(finish_process(&p), 0);
	r.victim = p.pid; /* there is no such process any more */
	assert_true(rundir_evict(&r));
	rundir_abandon(&r);
	rundir_unlock(&r);
}

/* A daemon without a socket cannot be asked: it makes way, takeover or not. */
static void test_silent_predecessor_is_ended(void **state)
{
	struct rundir r;

	(void)state;
	need_pidfd();
	mkdir(RUNDIR_OF_TEST, 0755);
	for (int takeover = 0; takeover < 2; takeover++) {
		struct process p = start_process("@sbin/mdmon", "md127");

		put_pid(p.pid);
		assert_true(rundir_claim(&r, "md127", takeover, rundir_md_dir));
		assert_int_equal(r.victim, p.pid);
		assert_true(is_alive(&p));
		assert_true(rundir_prepare(&r));
		assert_true(rundir_evict(&r));
		assert_int_equal(finish_process(&p), SIGTERM);
		assert_int_equal(pid_in_file(), getpid());
		rundir_abandon(&r);
		rundir_unlock(&r);
	}
}

static void test_stubborn_predecessor_is_killed(void **state)
{
	struct process p;
	struct rundir r;

	(void)state;
	need_pidfd();
	mkdir(RUNDIR_OF_TEST, 0755);
	signal(SIGTERM, SIG_IGN); /* which the child inherits */
	p = start_process("mdmon", "md127");
	signal(SIGTERM, SIG_DFL);
	put_pid(p.pid);
	assert_true(rundir_claim(&r, "md127", true, rundir_md_dir));
	assert_true(rundir_prepare(&r));
	assert_true(rundir_evict(&r));
	assert_int_equal(finish_process(&p), SIGKILL);
	rundir_abandon(&r);
	rundir_unlock(&r);
}

/* Started with --all, or by another name of the container: its command line does not tell, its socket does. */
static void test_answering_predecessor_refuses_us(void **state)
{
	struct rundir r;
	pid_t daemon;

	(void)state;
	need_pidfd();
	mkdir(RUNDIR_OF_TEST, 0755);
	daemon = start_server(DAEMON_OF_MDADM);
	put_pid(daemon);
	assert_false(rundir_claim(&r, "md127", false, rundir_md_dir));
	rundir_unlock(&r);
	assert_true(is_unlocked());
	assert_int_equal(pid_in_file(), daemon);
	assert_true(exists(SOCK_FILE));
	assert_true(rundir_claim(&r, "md127", true, rundir_md_dir));
	assert_int_equal(r.victim, daemon);
	assert_int_equal(waitpid(daemon, NULL, WNOHANG), 0);
	assert_true(rundir_prepare(&r));
	assert_true(rundir_evict(&r));
	assert_ends_by(daemon, SIGTERM);
	rundir_abandon(&r);
	rundir_unlock(&r);
}

/* A daemon that does not answer, and does not say why, is as good as dead. */
static void test_a_daemon_that_hangs(void **state)
{
	struct rundir r;
	pid_t daemon;

	(void)state;
	need_pidfd();
	mkdir(RUNDIR_OF_TEST, 0755);
	daemon = start_server(DAEMON_THAT_HANGS);
	put_pid(daemon);
	assert_true(rundir_claim(&r, "md127", false, rundir_md_dir));
	assert_int_equal(r.victim, daemon);
	rundir_unlock(&r);
	kill(daemon, SIGKILL);
	assert_ends_by(daemon, SIGKILL);
}

/* A daemon that answers no ping because a disk does not answer: we would wait for the same disk. */
static void test_a_daemon_that_waits_for_a_disk(void **state)
{
	struct rundir r;
	pid_t daemon;

	(void)state;
	need_pidfd();
	mkdir(RUNDIR_OF_TEST, 0755);
	daemon = start_server(DAEMON_THAT_WAITS);
	put_pid(daemon);
	log_set_level((enum log_level)-1);
	assert_false(rundir_claim(&r, "md127", false, rundir_md_dir));
	log_set_level(LOG_LEVEL_ERROR);
	assert_int_equal(pid_in_file(), daemon);
	rundir_unlock(&r);
	/* Unless that is what the caller wants. */
	assert_true(rundir_claim(&r, "md127", true, rundir_md_dir));
	assert_int_equal(r.victim, daemon);
	rundir_unlock(&r);
	kill(daemon, SIGKILL);
	assert_ends_by(daemon, SIGKILL);
}

/* The pid file names somebody else, who is no mdmon: the daemon is the one who listens. */
static void test_listener_is_the_victim(void **state)
{
	struct process p;
	struct rundir r;
	pid_t server;

	(void)state;
	need_pidfd();
	mkdir(RUNDIR_OF_TEST, 0755);
	server = start_server(DAEMON_OF_MDADM);
	p = start_process("vim", "md127");
	put_pid(p.pid);
	assert_true(rundir_claim(&r, "md127", true, rundir_md_dir));
	assert_int_equal(r.victim, server);
	rundir_unlock(&r);
	assert_int_equal(finish_process(&p), 0);
	kill(server, SIGKILL);
	assert_ends_by(server, SIGKILL);
}

/* A start that was killed half way left its own pid there: refused, and the file is put right. */
static void test_pid_file_of_a_daemon_is_put_right(void **state)
{
	struct rundir r;
	pid_t daemon;

	(void)state;
	need_pidfd();
	mkdir(RUNDIR_OF_TEST, 0755);
	daemon = start_server(DAEMON_OF_MDADM);
	put_pid(4194303);
	log_set_level((enum log_level)-1);
	assert_false(rundir_claim(&r, "md127", false, rundir_md_dir));
	log_set_level(LOG_LEVEL_ERROR);
	assert_int_equal(pid_in_file(), daemon);
	rundir_unlock(&r);
	kill(daemon, SIGKILL);
	assert_ends_by(daemon, SIGKILL);
}

static void test_socket_is_handed_over(void **state)
{
	struct msg_server *server;
	struct rundir r;
	int status, waiting;
	pid_t daemon;

	(void)state;
	need_pidfd();
	mkdir(RUNDIR_OF_TEST, 0755);
	daemon = start_server(DAEMON_OF_OURS);
	put_pid(daemon);
	assert_true(rundir_claim(&r, "md127", true, rundir_md_dir));
	assert_int_equal(r.victim, daemon);
	assert_true(rundir_prepare(&r));
	assert_true(rundir_evict(&r));
	assert_true(r.inherited >= 0);
	assert_int_equal(waitpid(daemon, &status, 0), daemon);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	assert_int_equal(pid_in_file(), getpid());
	/* Nobody serves at this moment, and still nobody is refused. */
	waiting = msg_connect(SOCK_FILE);
	assert_true(waiting >= 0);
	server = rundir_publish(&r);
	assert_non_null(server);
	assert_int_equal(who_listens(), getpid());
	msg_server_run(server, NULL, 0, 0);
	assert_int_equal(msg_server_clients(server), 1); /* the other one has left again */
	close(waiting);
	rundir_unlock(&r);
	assert_int_equal(files_in_rundir(), 2);
	rundir_remove_pid_file(&r);
	rundir_remove_socket(&r);
	assert_int_equal(files_in_rundir(), 0);
	msg_server_close(server);
}

/* The disk that it writes to is slow: as long as it runs, somebody serves the arrays. */
static void test_a_daemon_that_is_late_hands_over(void **state)
{
	struct rundir r;
	pid_t daemon;
	int status;

	(void)state;
	need_pidfd();
	mkdir(RUNDIR_OF_TEST, 0755);
	daemon = start_server(DAEMON_THAT_IS_LATE);
	put_pid(daemon);
	assert_true(rundir_claim(&r, "md127", true, rundir_md_dir));
	assert_true(rundir_prepare(&r));
	assert_true(rundir_evict(&r));
	assert_true(r.inherited >= 0);
	assert_int_equal(waitpid(daemon, &status, 0), daemon);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	assert_int_equal(pid_in_file(), getpid());
	close(r.inherited);
	rundir_abandon(&r);
	rundir_unlock(&r);
}

/* SIGKILL ends nobody who is inside the kernel. But it ends in time, and then nobody else would be there. */
static void test_whoever_was_killed_is_waited_for(void **state)
{
	struct process p;
	struct rundir r;

	(void)state;
	need_pidfd();
	mkdir(RUNDIR_OF_TEST, 0755);
	p = start_process("mdmon", "md127");
	put_pid(p.pid);
	assert_true(rundir_claim(&r, "md127", true, rundir_md_dir));
	assert_true(rundir_prepare(&r));
	rundir_unseen = 100;
	assert_true(rundir_evict(&r));
	assert_int_equal(rundir_unseen, 0);
	assert_int_equal(r.state, RUNDIR_ANNOUNCED);
	assert_int_equal(pid_in_file(), getpid());
	assert_int_not_equal(finish_process(&p), 0);
	rundir_abandon(&r);
	rundir_unlock(&r);
}

/* Nothing can be done about this process: it may not be ended by us. */
static void test_daemon_that_goes_on_keeps_its_files(void **state)
{
	struct process p;
	struct rundir r;

	(void)state;
	need_pidfd();
	mkdir(RUNDIR_OF_TEST, 0755);
	p = start_process("mdmon", "md127");
	put_pid(p.pid);
	assert_true(rundir_claim(&r, "md127", true, rundir_md_dir));
	assert_true(rundir_prepare(&r));
	rundir_no_signals = true;
	log_set_level((enum log_level)-1);
	assert_false(rundir_evict(&r));
	log_set_level(LOG_LEVEL_ERROR);
	assert_int_equal(r.state, RUNDIR_PREPARED);
	rundir_abandon(&r);
	assert_int_equal(pid_in_file(), p.pid);
	assert_int_equal(files_in_rundir(), 1);
	rundir_unlock(&r);
	finish_process(&p);
}

/* At its last moment a victim that lost its successor's sight put its own pid there, or removed the file. */
static void test_pid_file_is_ours_when_we_are_ready(void **state)
{
	struct msg_server *server;
	struct process p;
	struct rundir r;

	(void)state;
	need_pidfd();
	mkdir(RUNDIR_OF_TEST, 0755);
	for (int removed = 0; removed < 2; removed++) {
		p = start_process("mdmon", "md127");
		put_pid(p.pid);
		assert_true(rundir_claim(&r, "md127", true, rundir_md_dir));
		assert_true(rundir_prepare(&r));
		assert_true(rundir_evict(&r));
		assert_int_equal(r.state, RUNDIR_ANNOUNCED);
		assert_int_equal(finish_process(&p), SIGTERM);
		if (removed)
			assert_int_equal(unlink(PID_FILE), 0);
		else
			put_pid(4711);
		server = rundir_publish(&r);
		assert_non_null(server);
		assert_int_equal(pid_in_file(), getpid());
		rundir_unlock(&r);
		rundir_remove_pid_file(&r);
		rundir_remove_socket(&r);
		msg_server_close(server);
	}
}

static void test_successor_is_recognized(void **state)
{
	struct rundir r;
	struct process p;

	(void)state;
	assert_true(rundir_claim(&r, "md127", true, rundir_md_dir));
	assert_false(rundir_replaced(&r)); /* no file */
	put_pid(getpid());
	assert_false(rundir_replaced(&r));
	put_pid(4194303);
	assert_false(rundir_replaced(&r));
	p = start_process("vim", "md127");
	put_pid(p.pid);
	assert_false(rundir_replaced(&r));
	finish_process(&p);
	p = start_process("mdmon", "--all");
	put_pid(p.pid);
	assert_true(rundir_replaced(&r));
	rundir_restore_pid_file(&r);
	assert_int_equal(pid_in_file(), p.pid); /* it lives */
	/* The successor dies, and we go on. */
	finish_process(&p);
	rundir_restore_pid_file(&r);
	assert_int_equal(pid_in_file(), getpid());
	rundir_unlock(&r);
}

/*
 * After switch-root: started in the initramfs, whose root is left to us, empty. mdadm's mdmon has put its files into the
 * directory that is mounted elsewhere now, and tells us with SIGTERM; or dies, and we go on.
 */
static void test_successor_after_switch_root(void **state)
{
	struct msg_server *server;
	struct process p;
	struct rundir r;

	(void)state;
	assert_true(rundir_claim(&r, "md127", false, rundir_md_dir));
	server = create_files(&r);
	assert_non_null(server);
	rundir_unlock(&r);
	p = start_process("mdmon", "md127");
	put_pid(p.pid);
	assert_int_equal(mkdir("old-root", 0755), 0);
	assert_int_equal(chdir("old-root"), 0);
	assert_true(rundir_replaced(&r));
	finish_process(&p);
	assert_false(rundir_replaced(&r));
	rundir_restore_pid_file(&r);
	assert_int_equal(chdir(".."), 0);
	assert_int_equal(pid_in_file(), getpid());
	assert_int_equal(files_in_rundir(), 2);
	assert_int_equal(chdir("old-root"), 0);
	rundir_remove_pid_file(&r);
	rundir_remove_socket(&r);
	assert_int_equal(chdir(".."), 0);
	assert_int_equal(files_in_rundir(), 0);
	assert_int_equal(rmdir("old-root"), 0);
	msg_server_close(server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		rundir_test(test_foreign_process_is_no_victim),
		rundir_test(test_foreign_process_is_not_ended),
		rundir_test(test_silent_predecessor_is_ended),
		rundir_test(test_stubborn_predecessor_is_killed),
		rundir_test(test_answering_predecessor_refuses_us),
		rundir_test(test_a_daemon_that_hangs),
		rundir_test(test_a_daemon_that_waits_for_a_disk),
		rundir_test(test_listener_is_the_victim),
		rundir_test(test_pid_file_of_a_daemon_is_put_right),
		rundir_test(test_socket_is_handed_over),
		rundir_test(test_a_daemon_that_is_late_hands_over),
		rundir_test(test_whoever_was_killed_is_waited_for),
		rundir_test(test_daemon_that_goes_on_keeps_its_files),
		rundir_test(test_pid_file_is_ours_when_we_are_ready),
		rundir_test(test_successor_is_recognized),
		rundir_test(test_successor_after_switch_root),
	};

	return cmocka_run_group_tests(tests, rundir_begin, rundir_end);
}
