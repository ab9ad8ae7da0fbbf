/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The manager thread: everything that may block, allocate, open files or talk. All of it runs in the process's main
 * thread.
 */
#ifndef MANAGEMON_H
#define MANAGEMON_H

#include <stdbool.h>
#include <sys/types.h>

struct manager;
struct msg_server;
struct rundir;
struct supertype;

/* What the start gives to the manager. All of it stays the caller's, and must outlive the manager. */
struct manager_setup {
	struct supertype *st;
	struct rundir *run;
	dev_t container_dev;
	int container_md_dir;     /* O_PATH descriptor of its md directory */
	void (*ready)(void *arg); /* called once when the first look is complete */
	void *arg;
};

/* How the manager's work ended. */
enum manager_end {
	MANAGER_GOES_ON,
	MANAGER_NO_ARRAYS,   /* no array is left: our files go */
	MANAGER_DRAINED,     /* SIGTERM: all arrays have been let go; a successor may own our files already */
	MANAGER_HANDED_OVER, /* a successor has everything; leave at once, the arrays as they are */
};

/* start-up. NULL: no memory. */
struct manager *manager_new(const struct manager_setup *setup);
void manager_free(struct manager *mgr);

/* start-up: what load_container saw; any other disk comes later. manager_note_disk: 0 or -errno. */
int manager_note_disk(struct manager *mgr, dev_t dev, ino_t inode);
void manager_forget_disks(struct manager *mgr);

/* A helper thread is looking at a disk, and may be reading the handler's container. */
bool manager_disk_is_coming(const struct manager *mgr);

/*
 * start-up: handlers for SIGUSR1 and SIGTERM, which stay blocked except while a thread waits. Before the monitor
 * starts. A terminal that goes away (SIGHUP) ends no daemon, and in the background neither does SIGINT: nobody would be
 * there for the arrays.
 */
void manager_block_signals(bool background);

/*
 * Runs until there is nothing more to do. The monitor must run; after MANAGER_HANDED_OVER it has ended. The server and
 * the descriptor of /proc/mdstat stay the caller's.
 */
enum manager_end manager_run(struct manager *mgr, struct msg_server *server, int mdstat_fd);

/*
 * After manager_run, when the socket's file is gone: answers the clients that are connected still, until they leave
 * or their deadlines are over. A client whose daemon vanishes while it asks may die of SIGPIPE, half way.
 */
void manager_serve_last(struct manager *mgr);

#endif
