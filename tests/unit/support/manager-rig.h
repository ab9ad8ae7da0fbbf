/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The manager, with an md that is a directory (sysfs-tree.h), a monitor that is the test, and a clock that the test
 * moves. manager_run() runs in a thread of its own, which goes on only when the test says so, and only until there is
 * nothing more to do: then it stands still where it would wait. It goes on if something has woken it that would wake it
 * in the program: a signal, a client, mdstat, or its own timer. So a wake-up that is forgotten is seen.
 *
 * What the manager does is noted as steps (steps.h), each in its place in the order. Besides what it writes to md:
 *
 *	md126: published sda[0] sdb[1]     an array, or with "again" a copy that replaces another
 *	update: find spares for volume 0   queued; or: commit sdc[1], add sdc, remove sdc, message of 3 bytes
 *	helper has a job                   what it does is noted when it does it
 *	sdc: opened                        and what else is done to disks: closed, written at 512 ...
 *	ready                              the start is over
 *	alive                              systemd is told so
 *	pid file removed                   and others of socket/rundir.h, and of the monitor's start and end
 *
 * For programs that are linked with $(MANAGER_RIG) (tests/flags.mk).
 */
#ifndef MANAGER_RIG_H
#define MANAGER_RIG_H

#include "manager/manager.h"
#include "tests/unit/support/steps.h"
#include "tests/unit/support/sysfs-tree.h"

/* What the fakes answer. Set by the test; mgr_set_up() makes all of it harmless. */
struct manager_fakes {
	/* the monitor */
	int array_error;      /* new arrays are refused, for this reason (-errno) */
	int update_error;     /* so are updates */
	bool not_durable;     /* no disk takes the metadata */
	unsigned pick_count;  /* spares that it chooses */
	struct spare_pick pick[4];
	int start_error;      /* monitor_start() */
	void (*while_stopping)(void); /* called by monitor_stop(); once */

	/* the handler, on the manager's side */
	int prepare_error, add_error;

	/* disks */
	int open_error;       /* errno of disk_open() */
	bool container_held;  /* somebody has opened the container exclusively */
	void (*while_opening)(void); /* called when the manager opens it; once */

	/* systemd */
	unsigned watchdog_ms; /* how often it wants to hear that we are alive; 0: never */

	/* socket/rundir.h */
	bool replaced;        /* the pid file names another daemon */
};

extern struct manager_fakes fakes;

/* For cmocka: around a group of tests, and around each test. There is md127, an IMSM container with sda and sdb. */
int mgr_begin(void **state);
int mgr_end(void **state);
int mgr_set_up(void **state);
int mgr_tear_down(void **state);

#define mgr_test(f) cmocka_unit_test_setup_teardown(f, mgr_set_up, mgr_tear_down)

/* md126, RAID 1 of sda and sdb, volume 0 of md127; not yet known to the manager. */
void mgr_has_md126(void);

/* md125, volume 1 of md127, without members. */
void mgr_has_md125(void);

/* ---- the manager's thread ---- */

/* Starts it, and lets it go on until it waits. */
void mgr_start(void);

/* The same with md126: it has been adopted, the start is over, and all steps are forgotten. */
void mgr_start_with_md126(void);

/* Lets the manager go on until it waits. False: nothing had woken it. */
bool mgr_run(void);

/* For how many ms it would wait now. */
#define MGR_FOR_EVER UINT64_MAX
uint64_t mgr_wait_ms(void);

/* The clock. */
uint64_t mgr_now_ns(void);

/* The clock moves on, and the manager runs. */
bool mgr_time_passes(unsigned ms);

/* SIGTERM. The manager runs. */
void mgr_sigterm(void);

/* How the manager has come to its end. MANAGER_GOES_ON: it has not. */
enum manager_end mgr_ended(void);

/* The manager has also done with the last clients. */
bool mgr_is_over(void);

/* ---- the monitor ---- */

/*
 * Makes a pass if the manager has woken the monitor, and wakes the manager if it is owed that. False: it was not
 * woken. What it does with updates and arrays is what threads/handoff.h asks for, and no more.
 */
bool mgr_monitor(void);

/* The manager and the monitor run, in turn, until both wait. */
void mgr_settle(void);

/* The copy that the monitor has of this array; NULL: none. */
struct active_array *mgr_array(const char *name);
struct mdinfo *mgr_member(const char *name, char disk);

/* The monitor asks for something (ARRAY_WANT_*, MEMBER_WANT_*), and ends its pass; the manager has not run yet. */
void mgr_asks(const char *name, unsigned bits);
void mgr_asks_for_member(const char *name, char disk, unsigned bits);

/* The monitor has seen the end of the array, and gives it back; the manager has not run yet. */
void mgr_gives_back(const char *name);

/* Makes a pass, whether the monitor has been woken or not. */
void mgr_monitor_pass(void);

/* The monitor has ended, as it was told to, and the manager runs. */
void mgr_monitor_ends(void);

/* ---- the helper thread ---- */

/* The helper does what it was given, and the manager runs. False: there was nothing. */
bool mgr_helper(void);

/* ---- clients ---- */

/* A new connection. */
int mgr_client(void);

/* Sends a message: what has no data has a length of 0 or less. The manager runs. */
void mgr_client_sends(int client, int32_t len, const void *data);

void mgr_client_leaves(int client);

/* What the client has got: "nothing", "closed", or "LEN n", with ": text" if there are data. */
const char *mgr_client_gets(int client);

/* The same, with the descriptor that came along; -1: none did. The caller closes it. */
const char *mgr_client_gets_socket(int client, int *fd);

/* ---- messages ---- */

/* All that was logged, a line each, with the event in front: "array-adopted: md126: serving ...". */
const char *mgr_messages(void);

/* Include cmocka.h and string.h before. */
#define assert_said(text) assert_non_null(strstr(mgr_messages(), (text)))
#define assert_not_said(text) assert_null(strstr(mgr_messages(), (text)))

#endif
