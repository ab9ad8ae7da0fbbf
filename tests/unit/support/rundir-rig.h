/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * socket/rundir.c with a RUNDIR of the test's own, in a directory of its own, and with less patience; and processes
 * that are taken for daemons, or are not. Include cmocka.h before.
 */
#ifndef RUNDIR_RIG_H
#define RUNDIR_RIG_H

#include <stdbool.h>
#include <sys/types.h>

#include "socket/rundir.h"

#define RUNDIR_OF_TEST "run"
#define PID_FILE RUNDIR_OF_TEST "/md127.pid"
#define SOCK_FILE RUNDIR_OF_TEST "/md127.sock"

/* For cmocka: around a group of tests; after each test, which has left nothing but the two files. */
int rundir_begin(void **state);
int rundir_end(void **state);
int rundir_clean(void **state);

#define rundir_test(f) cmocka_unit_test_teardown(f, rundir_clean)

/* Stands for the container's directory in sysfs. */
extern int rundir_md_dir;

/* So often no process is seen to end, whatever happens to it. */
extern unsigned rundir_unseen;

/* We may not send it any. Until rundir_clean(). */
extern bool rundir_no_signals;

/* ---- files ---- */

void write_file(const char *path, const char *text);
void put_pid(pid_t pid);
pid_t pid_in_file(void); /* -1: there is none */
bool exists(const char *path);
unsigned files_in_rundir(void);

/* Somebody else could take the lock. */
bool is_unlocked(void);

/* As a start without a predecessor does it. */
struct msg_server *create_files(struct rundir *r);

/* ---- predecessors ---- */

/* A shell that is called what it should be taken for. */
struct process {
	pid_t pid;
	int hold; /* it ends when this is closed */
};

struct process start_process(const char *name, const char *argument);
int finish_process(struct process *p); /* how it ended: 0, or the signal */
bool is_alive(const struct process *p);

/* Who listens at the socket, -1: nobody. */
pid_t who_listens(void);

/* Daemons, whatever they are called, that answer on the socket until they are ended. */
enum daemon_kind {
	DAEMON_OF_MDADM, /* answers every message as a ping */
	DAEMON_OF_OURS,  /* and hands over its socket when it is asked to, and ends */
	DAEMON_THAT_HANGS, /* answers nothing */
	DAEMON_THAT_WAITS, /* the same, but says that it is writing metadata */
	DAEMON_THAT_IS_LATE, /* says so twice, and hands over then */
};

pid_t start_server(enum daemon_kind kind);
void assert_ends_by(pid_t pid, int sig);

/* Skips the test where there is no pidfd_open(): valgrind 3.19. */
void need_pidfd(void);

#endif
