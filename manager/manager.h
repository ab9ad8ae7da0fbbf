/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The manager from inside:
 *
 *   managemon.c            the loop: what to wait for, and the order of work in a round
 *   manager/arrays.c       the list of arrays: mdstat, and what is done for each in a round
 *   manager/disks.c        the disks of the container: which have come, which have left
 *   manager/updates.c      changes of the metadata: queued for the monitor, and taken back
 *   manager/adopt.c        taking on an array that runs
 *   manager/array.c        the life of one array: changes, requests of the monitor, its end
 *   manager/spare.c        putting spares into a degraded array
 *   manager/copy.c         what the monitor gets of an array: its files, its members, the copies
 *   manager/clients.c      the clients of the control socket: pings, updates, status
 *   manager/end.c          the end: no array left, SIGTERM, a successor
 *   manager/status.c       what the manager knows for a status
 *   manager/status-json.c  a status as JSON
 *
 * All of it runs in the manager thread, except what is said to run in a helper thread (threads/worker.h).
 */
#ifndef MANAGER_H
#define MANAGER_H

#include "lib/clock.h"
#include "managemon.h"
#include "mdmon.h"
#include "mdstat.h"
#include "metadata/superswitch.h"
#include "socket/rundir.h"
#include "socket/server.h"
#include "threads/worker.h"

/* Between two tries to look at something that could not be read. */
#define LOOK_RETRY_MS 200

/* When something that did not work is tried again: after pauses that grow, until it works. */
struct retry {
	uint64_t at_ns;    /* CLOCK_MONOTONIC: it is put off until then; 0: it is not */
	unsigned pause_ms; /* the last pause; 0: it has not failed lately */
};

static inline void retry_later(struct retry *r, unsigned min_ms, unsigned max_ms)
{
	uint64_t now = clock_now_ns();

	r->at_ns = clock_back_off(&r->pause_ms, min_ms, max_ms, now);
}

/* Something has changed, so it may work now. The timer has to run out: the work of this round may be over already. */
static inline void retry_now(struct retry *r)
{
	if (r->at_ns)
		r->at_ns = 1;
}

/* Its time has come: it is not put off any more. */
static inline void retry_check(struct retry *r, uint64_t now_ns)
{
	if (now_ns >= r->at_ns)
		r->at_ns = 0;
}

enum spare_step {
	SPARE_IDLE,
	SPARE_FINDING,    /* the monitor is choosing */
	SPARE_INSERTING,  /* the helper thread puts them into md */
	SPARE_COMMITTING, /* md has the spares; the metadata is being told */
	SPARE_TAKING_OUT, /* it was not; the helper thread takes them out of md */
};

/* The attributes of an array that the monitor needs. */
enum array_file {
	FILE_ARRAY_STATE,
	FILE_SYNC_ACTION,
	FILE_SYNC_COMPLETED,
	FILE_RESYNC_START,
	FILE_METADATA_VERSION,
	FILE_RESHAPE_POSITION,
	ARRAY_FILES
};

/* What the manager knows of one member array. */
struct managed_array {
	struct managed_array *next;
	struct manager *mgr;
	char name[MD_NAME_MAX];
	int md_dir;                   /* O_PATH descriptor of its md directory */
	struct array_watch *watch;
	struct active_array *current; /* the copy published last */
	unsigned copies;              /* published and not yet discarded */
	int fds[ARRAY_FILES];         /* shared by all copies */
	unsigned wants;               /* ARRAY_WANT_*: asked for and not done yet */
	bool refused;                 /* the metadata knows no such volume; tried again when mdstat changes */
	bool leftovers;               /* md had devices without a slot when we came */
	bool let_go;                  /* it became a RAID 0: when its last copy comes back, nothing is to be done */
	bool frozen_by_us;            /* sync_action is frozen for a spare activation, ours or a dead daemon's */
	bool complained;              /* a write that is being retried has been logged */
	uint64_t clear_at_ns;         /* it has stopped, and is left to whoever stopped it until then; 0 = it is not */
	uint64_t clearing_until_ns;   /* its device is being taken apart: wait for that until then; 0 = no */
	uint64_t members_until_ns;    /* the monitor has asked for something to be done to members: pings wait until then; 0 = no */
	struct retry retry;           /* of `wants`, spares apart; and of looking whether the device is gone */

	struct worker_lane lane;
	unsigned jobs;                    /* of the lane that are out */
	struct worker_job leftover_job;   /* removes what a dead daemon left */
	struct worker_job spare_job;      /* owns spares and with_spares while SPARE_INSERTING or SPARE_TAKING_OUT */
	enum spare_step spare_step;
	struct spare_request spares;
	bool spare_complained; /* a spare that could not be put in has been logged; false again when that worked */
	struct retry spare_retry;
	struct active_array *with_spares; /* duplicate to be published when the commit is durable */
	unsigned first_spare;             /* the first of its disks that was put in; those before it were there */
};

/* A disk in the container, whether its metadata is used or not. */
struct container_disk {
	struct container_disk *next;
	dev_t dev;
	ino_t inode; /* of its directory in sysfs: a disk that was removed and added again has another */
	bool seen;
	bool taken;  /* the handler has it, or does not want it */
	struct arrival *arrival; /* a helper is looking at it; NULL: none is */
	struct retry retry; /* it is tried again then */
	unsigned refused;   /* how often the handler could not take it */
	struct metadata_update *leaving; /* for when it leaves; NULL: it has */
};

/* Somebody waits until all that was asked for before is done. */
struct waiter {
	struct waiter *next;
	uint64_t client; /* 0: the start-up */
	bool ping_monitor;
	bool has_ticket;
	unsigned ticket;
	bool done; /* the ticket is honoured; answer at the end of this round */
};

#define UNSERVED_MAX 8

/* Arrays of ours that run and cannot be taken on, for want of files or memory: their writes wait. */
struct unserved {
	unsigned count; /* the first of them are kept */
	char name[UNSERVED_MAX][MD_NAME_MAX];
};

struct manager {
	struct supertype *st;
	struct rundir *run;
	dev_t container_dev;
	int container_md_dir;
	int mdstat_fd;
	struct msg_server *server;
	struct managed_array *arrays;
	struct container_disk *disks;
	unsigned arrivals;          /* disks that helpers are looking at, those that have left since among them */
	struct waiter *waiters;
	struct waiter start;        /* one of them */
	unsigned updates_out;       /* queued and not yet handled */
	uint64_t container_print;   /* sysfs_members_fingerprint when its disks were looked at last; 0 = never */
	struct unserved unserved;   /* at the last look */
	struct unserved unserved_before; /* at the one before: they have been logged */
	struct retry adopt_retry;   /* they are tried again then */
	bool look_due;              /* read mdstat and manage in this round */
	uint64_t look_again_ns;     /* something could not be read: look again then; 0 = no */
	uint64_t disk_again_ns;     /* a disk could not be opened: the same, but nobody has to wait for it */
	struct retry exit_retry;
	uint64_t empty_since_ns;    /* since when nothing has kept the daemon; 0: something does */
	bool mdstat_failed;         /* logged already */
	uint64_t ready_ns;          /* since when we serve; 0: not yet */
	uint64_t successor;         /* client that asked us to hand over; 0: nobody did */
	bool handing_over;
	bool monitor_stopping;      /* it has been told to end, for that */
	uint64_t hand_over_by_ns;   /* then we go, whatever is half done */
	uint64_t alive_ns;          /* when systemd has to be told next that we are alive; 0: it does not watch us */
	unsigned alive_ticket;
	bool alive_asked;           /* alive_ticket has been drawn */
	void (*ready)(void *arg);   /* called once when the first look is complete */
	void *arg;
};

/* ---- manager/updates.c ---- */

/* Queues the update. manager_take_handled() gets it back, calls its `done` and frees it. */
void manager_queue_update(struct manager *mgr, struct metadata_update *u);

/* One that was never queued. */
void manager_free_update(struct metadata_update *u);

/* Takes back the updates that the monitor has handled: calls `done` of each. */
void manager_take_handled(struct manager *mgr);

/* ---- manager/disks.c ---- */

/* Looks which disks have come and which have left: the monitor is told. */
void manager_look_at_disks(struct manager *mgr);

/*
 * A disk has come, and is being looked at: whoever pings because of it waits until that is done, but not for one that takes
 * longer than other disks. When that will be (CLOCK_MONOTONIC); 0: nobody has to wait.
 */
uint64_t manager_disk_patience_ns(const struct manager *mgr);

/* ---- manager/arrays.c ---- */

/* Reads mdstat and does what follows from it. */
void manager_look(struct manager *mgr);

/* Takes back the copies that the monitor has done with. */
void manager_take_discarded(void);

/* Does for all arrays what is asked for and possible now. Those that have ended are freed. */
void manager_work_on_arrays(struct manager *mgr);

/* Something failed: try it again at once. */
void manager_retry_now(struct manager *mgr);

/* A spare is half way in, an array half way out, or a failed member in an array that lets it go. */
bool manager_is_half_done(const struct manager *mgr);

/* No array that we serve is left. */
bool manager_has_no_arrays(const struct manager *mgr);

/* ---- manager/clients.c ---- */

/* The start-up waits like a client that pings. */
void clients_add_start(struct manager *mgr);

/* At the beginning of a round: which pings are honoured. */
void clients_note_honoured(struct manager *mgr);
/* At its end: takes requests, answers pings. */
void clients_serve(struct manager *mgr);

/* ---- manager/end.c ---- */

/* Acts on SIGTERM; `seen`: one has come. */
void end_take_sigterm(struct manager *mgr, bool seen);

/* A successor (a client; 0: one that has sent SIGTERM) wants to go on in our place. */
void end_start_handover(struct manager *mgr, uint64_t successor);

/* May we leave now, and how? */
enum manager_end end_check(struct manager *mgr);

/* ---- manager/copy.c ---- */

/* -errno: no files or no memory left, which says nothing about what was to be opened. */
bool array_is_shortage(int err);

/* With room for so many disks, all zero. NULL: no memory. */
struct active_array *array_copy_alloc(unsigned disks);

/* A copy of ma->current without the members marked as removed; room for `more` members. NULL: no memory. */
struct active_array *array_duplicate(const struct managed_array *ma, unsigned more);
void array_publish(struct managed_array *ma, struct active_array *a);
void array_release(struct active_array *a); /* a copy that was never published, or was discarded */

/* Opens the attributes of md/NAME for the monitor. NULL with errno set. */
struct mdinfo *member_open(int md_dir, const char *name, dev_t dev, int slot);

/* The same below a descriptor of md/NAME, which the caller keeps. */
struct mdinfo *member_open_in(int member_dir, const char *name, dev_t dev, int slot);
void member_release(struct mdinfo *d); /* one reference less; closes and frees with the last one */

/* No other copy and no spare is on its way, so the one published last may be replaced. */
bool array_may_replace(const struct managed_array *ma);

/* Opens the attributes of the array, for all its copies; *a is the first one. 0 or -errno. */
int array_open_attrs(struct managed_array *ma, struct active_array *a);

/* An array that nobody uses any more. */
void array_free(struct managed_array *ma);

/* raid_disks, component_size and layout, from sysfs into *a. 0 or -errno. */
int array_read_geometry(const struct managed_array *ma, struct active_array *a);

/* metadata_version has the '-' prefix (or cannot be read): mdadm wants the array left alone. */
bool array_is_blocked(const struct managed_array *ma);

/*
 * Somebody is at work on the array: mdadm, which has frozen it or marked it with '-', or md, with a sync. An array
 * that we have frozen ourselves is not busy.
 */
bool array_is_busy(const struct managed_array *ma);

/*
 * Devices with a slot in md that we do not know (put in by mdadm for a reshape, or by a daemon that died): hands
 * them to the monitor. 1: published, 0: there are none, -EAGAIN: not now, or another -errno.
 */
int array_pick_up_members(struct managed_array *ma);

/* ---- manager/adopt.c ---- */

/*
 * Adopts a running array that we do not know yet. If that fails it is tried again later; `again`: it was
 * refused before and has been logged.
 */
void array_adopt(struct manager *mgr, const struct mdstat_entry *e, bool again);

/* The metadata has no such volume: logged once, and left alone. */
void array_refuse(struct managed_array *ma, int error);

/* ---- manager/array.c ---- */

/* Compares a known array with mdstat: level and geometry changes. */
void array_update(struct managed_array *ma, const struct mdstat_entry *e);

/* Takes the monitor's requests, and does at once those that writers wait for (unblocking). */
void array_take_requests(struct managed_array *ma);

/* Does what is asked for and possible now. */
void array_work(struct managed_array *ma, uint64_t now_ns);

/* The monitor gave a copy back. If it was the last one the array has ended. */
void array_discarded(struct active_array *a);

/* The array has stopped, but the kernel has not finished taking its device apart. */
bool array_is_clearing(struct managed_array *ma);

/* SIGTERM: make it become clean soon. */
void array_start_drain(struct managed_array *ma);

/* ---- manager/spare.c ---- */

/* Looks for spares for a degraded array: the monitor is asked to choose, and the rest follows from its answer. */
void spare_check(struct managed_array *ma);

/* ---- manager/status.c ---- */

/* The answer to a status request (docs/status.md), malloc'd; NULL: no memory. Never waits. */
char *manager_status(struct manager *mgr);

/* One line for systemctl status. */
void manager_status_line(struct manager *mgr, char *line, size_t size);

#endif
