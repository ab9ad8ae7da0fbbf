/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon's files in RUNDIR (CONT.pid, CONT.sock) and the one that had them before.
 * Start-up and end only.
 */
#ifndef PIDFILE_H
#define PIDFILE_H

#include <stdbool.h>
#include <sys/types.h>

#include "mdmon.h"
#include "msg.h"

struct rundir {
	int lock;       /* locked while a daemon of this container starts; -1: not */
	pid_t victim;   /* the daemon that is there now; 0: none */
	bool created;   /* the files there are ours */
	char container[MD_NAME_MAX];
	char pid_path[256];
	char sock_path[256];
};

/*
 * Takes the lock (on md_dir, the container's directory in sysfs: no further file is needed and other containers
 * do not wait) and looks who is there: r->victim. False if a daemon of this container answers and
 * `takeover` is not set, or for want of RUNDIR: a message has been logged.
 */
bool rundir_claim(struct rundir *r, const char *container, bool takeover, int md_dir);

/*
 * Ends the victim: SIGTERM lets it finish and let its arrays go; if it does not get there within some seconds it
 * is killed, since two daemons that write the same metadata are worse. False: it cannot be ended (logged).
 */
bool rundir_evict(struct rundir *r);

/* Creates pid file and socket, replacing stale ones. False: logged, and nothing of ours is left behind. */
bool rundir_create_files(struct rundir *r, struct msg_server **server);

/* Other starts may go on. Harmless if called twice. */
void rundir_unlock(struct rundir *r);

/*
 * Removes our files, unless somebody else has replaced them. First the pid file, by which clients tell whether
 * they may count on us; as long as the socket is there they wait for an answer.
 */
void rundir_remove_pid_file(struct rundir *r);
void rundir_remove_socket(struct rundir *r);

/* Pure: the text of a pid file. -1 if it holds no sensible pid. */
pid_t pidfile_parse(const char *text);

/* Pure: the NUL-separated words of a command line belong to an mdmon of this container. */
bool cmdline_is_mdmon(const char *cmdline, size_t len, const char *container);

#endif
