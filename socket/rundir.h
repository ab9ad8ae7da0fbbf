/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon's files in RUNDIR (CONT.pid, CONT.sock) and the one that had them before.
 * Start-up and end of a daemon, and a successor that came to nothing.
 */
#ifndef SOCKET_RUNDIR_H
#define SOCKET_RUNDIR_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "md/words.h"
#include "socket/server.h"

/* What there is of ours in RUNDIR. The head of socket/rundir.c says how one follows another. */
enum rundir_state {
	RUNDIR_NOTHING,
	RUNDIR_PREPARED,  /* our files, under names that only a start uses */
	RUNDIR_ANNOUNCED, /* CONT.pid names us; the socket is not ours yet */
	RUNDIR_SERVING,   /* CONT.pid names us, and CONT.sock leads to us */
	RUNDIR_LEAVING,   /* CONT.sock only: who has it waits for an answer, and nobody else shall count on us */
};

struct rundir {
	enum rundir_state state;
	int dir, proc;  /* RUNDIR and /proc as they were at the start: after switch-root no path leads there */
	int lock;       /* locked while a daemon of this container starts; -1: not */
	pid_t victim;   /* the daemon that is there now; 0: none */
	int inherited;  /* the victim's listening socket, handed over; -1: none */
	struct msg_server *server; /* prepared and not published yet */
	char container[MD_NAME_MAX];
	char pid_path[256], new_pid_path[256];
	char sock_path[256], new_sock_path[256];
};

/*
 * Takes the lock (on md_dir, the container's directory in sysfs: no further file is needed and other containers
 * do not wait) and looks who is there: r->victim. False if a daemon of this container answers and
 * `takeover` is not set, or for want of RUNDIR: a message has been logged.
 */
bool rundir_claim(struct rundir *r, const char *container, bool takeover, int md_dir);

/*
 * Creates what could fail to be created: pid file and socket, under names of their own. False: logged, and nothing of
 * ours is left behind.
 */
bool rundir_prepare(struct rundir *r);

/*
 * Ends the victim. One of ours hands over at once: its arrays as they are, and its socket with the clients that wait
 * there. Another one is sent SIGTERM and has a second, in which its arrays may become clean. One that does not
 * answer, or does not end, is killed: two daemons that write the same metadata are worse. All of them are as good as
 * a crash, which loses nothing. One of ours that says that it waits for a disk is waited for, and so is one that has been
 * killed until it has ended: as long as the disk takes; that is logged, and systemd told. False: it cannot be ended
 * (logged); it keeps its files.
 */
bool rundir_evict(struct rundir *r);

/* Puts the prepared files in their places, whatever is there. NULL: logged; it can be tried again, or abandoned. */
struct msg_server *rundir_publish(struct rundir *r);

/* The start failed: removes what rundir_prepare made, and our pid file if it is in its place. */
void rundir_abandon(struct rundir *r);

/* Other starts may go on. Harmless if called twice. */
void rundir_unlock(struct rundir *r);

/* The pid file names another daemon, which runs: we have a successor. */
bool rundir_replaced(const struct rundir *r);

/* The successor died before it had taken our place. */
void rundir_restore_pid_file(struct rundir *r);

/*
 * Removes our files, unless somebody else has replaced them. First the pid file, by which clients tell whether
 * they may count on us; as long as the socket is there they wait for an answer.
 */
void rundir_remove_pid_file(struct rundir *r);
void rundir_remove_socket(struct rundir *r);

/* Pure: the text of a pid file. -1 if it holds no sensible pid. */
pid_t rundir_parse_pid(const char *text);

/* Pure: the NUL-separated words of a command line belong to an mdmon of this container; NULL: of any. */
bool rundir_is_mdmon(const char *cmdline, size_t len, const char *container);

#endif
