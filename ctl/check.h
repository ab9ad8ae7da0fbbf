/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is wrong with a container, and what mends it: docs/check.md. Pure: facts that others have gathered go in, findings come out.
 * mdmonctl only.
 *
 *   check.c            the daemon, and all rules one after the other
 *   check-volume.c     rules about volumes
 *   check-disk.c       rules about disks
 *   check-findings.c   the list
 *   check-view.c       text and JSON
 *
 * Who gathers the facts: ctl/check-gather.h.
 */
#ifndef CTL_CHECK_H
#define CTL_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "md/words.h"

#define CHECK_SCHEMA 1
#define CHECK_TEXT_MAX 512
#define CHECK_NAME_MAX 128
#define CHECK_STALL_US 5000000   /* longer ones are a finding */
#define CHECK_WRITING_MS 5000    /* and so is a metadata write that takes so long */
#define CHECK_CLOCK_MS 60000     /* times of day that differ by more */
#define CHECK_BAD_LOG_FULL 254   /* entries that the log of IMSM has room for */
#define CHECK_BAD_LOG_NEAR 200

/* Values are exit statuses of monitoring plugins. */
enum check_severity { CHECK_OK = 0, CHECK_WARNING = 1, CHECK_CRITICAL = 2, CHECK_UNKNOWN = 3 };

/* ---- facts ---- */

enum check_daemon {
	CHECK_DAEMON_OURS,
	CHECK_DAEMON_OTHER,     /* mdadm's: answers, but tells nothing */
	CHECK_DAEMON_NONE,
	CHECK_DAEMON_SILENT,    /* its socket is there, and no answer comes */
	CHECK_DAEMON_FORBIDDEN, /* only root may ask */
	CHECK_DAEMON_UNCLEAR,   /* its answer is not understood */
};

/* For the metadata: by the daemon; without one of ours, by the disks themselves. */
enum check_use {
	CHECK_USE_NOT_SAID,
	CHECK_USE_MEMBER,
	CHECK_USE_SPARE,
	CHECK_USE_FAILED,
	CHECK_USE_MISSING,
	CHECK_USE_UNUSED, /* the container has it, and the metadata do not name it */
};

enum check_copy {
	CHECK_COPY_NOT_READ,
	CHECK_COPY_NONE, /* no metadata of the container's format */
	CHECK_COPY_RIGHT,
	CHECK_COPY_INCOMPLETE,
	CHECK_COPY_DAMAGED,
	CHECK_COPY_UNREADABLE,
};

struct check_disk {
	char name[MEMBER_NAME_MAX];    /* kernel name; "": the metadata name it, and it is not there */
	char serial[CHECK_NAME_MAX];   /* as the daemon says; may be empty */
	char holder[MD_NAME_MAX];      /* the container that md has it in, this one or another; "": none */
	enum check_use use;
	bool refuses;                  /* the last metadata write to it failed */
	bool hangs;                    /* a metadata write has not been answered, */
	uint64_t hangs_ms;             /* for so long; 0: a read of ours has not */
	enum check_copy copy;
	char fault[CHECK_TEXT_MAX];    /* of a copy that is not right, or why there is none */
	bool foreign;                  /* its copy is of another container */
	bool own;                      /* its copy is of this container */
	bool compared;                 /* its copy should be like that of the others: not a spare's own record */
	int64_t behind;                /* generations, own copies only */
	uint64_t room;                 /* sectors that volumes can have, from its start; 0: not known */
};

struct check_slot {
	char disk[MEMBER_NAME_MAX];    /* that md has there; "": none */
	bool in_sync;
	bool told;                     /* the daemon says: */
	char told_disk[MEMBER_NAME_MAX];
	char told_state[16];           /* docs/status.md */
	unsigned bad_blocks;           /* ranges that md has on record */
};

struct check_volume {
	int index;
	char name[CHECK_NAME_MAX];     /* in the metadata; may be empty */
	char device[MD_NAME_MAX];      /* "": md does not run it */
	char level[16];                /* md's word; of one that does not run, the metadata's */
	bool redundant;
	char array_state[SYSFS_WORD_MAX];
	char sync_action[SYSFS_WORD_MAX]; /* "": none can be */
	bool sync_delayed;             /* it waits for another one */
	uint64_t sync_done, sync_total;
	bool reshaping;                /* md has a position of a reshape */
	unsigned missing;              /* md's count, "degraded" */
	unsigned raid_disks;
	bool blocked;                  /* metadata_version has the dash by which mdadm asks for no daemon */
	uint64_t need;                 /* sectors that a disk must have room for; 0: not known */
	char told_state[16];           /* the daemon's word; "": it says nothing of it */
	bool unserved;                 /* the daemon could not take it on */
	struct check_slot *slot;       /* raid_disks of them */
};

struct check_facts {
	char container[MD_NAME_MAX];
	char format[8];                /* "imsm", "ddf", "": not known */
	bool exists;                   /* md has it */
	enum check_daemon daemon;
	char daemon_problem[CHECK_TEXT_MAX];
	pid_t pid;                     /* of its pid file; 0: none */
	bool pid_runs;                 /* and it is an mdmon */
	char other_run[CHECK_NAME_MAX]; /* another directory in which there is a pid file for it; "": none */
	bool systemd;
	pid_t tool;                    /* an mdadm that may be at work on arrays; 0: none */
	char tool_words[CHECK_NAME_MAX];
	uint64_t now_ms;
	/* the daemon says: */
	uint64_t told_time_ms, uptime_ms, written_ms; /* 0: not said */
	bool draining;
	uint64_t writing_ms;           /* 0: no write is under way */
	uint64_t stall_us;             /* the longest of all */
	uint64_t generation;
	/* the disks say: */
	bool read;                     /* their copies have been compared */
	char read_problem[CHECK_TEXT_MAX]; /* why not */
	uint64_t read_generation;      /* of the copy that counts; 0: none does */
	unsigned bad_log;              /* entries of its bad block log, IMSM */
	struct check_disk *disk;
	size_t disks;
	struct check_volume *volume;
	size_t volumes;
};

/* ---- findings ---- */

struct check_finding {
	enum check_severity severity;
	const char *name;              /* a literal, for programs */
	char container[MD_NAME_MAX];
	char subject[MEMBER_NAME_MAX]; /* kernel name of a disk, an array or the container */
	char text[CHECK_TEXT_MAX];
	char evidence[CHECK_TEXT_MAX];
	char advice[CHECK_TEXT_MAX];   /* a shell command; "": there is none */
};

struct check_findings {
	struct check_finding *finding; /* malloc'd */
	size_t count;
	bool failed;                   /* memory ran out: some are missing */
};

/* Adds what there is to say of one container. */
void check_container(const struct check_facts *f, struct check_findings *list);

/* The parts of that. */
void check_volumes(const struct check_facts *f, struct check_findings *list);
void check_disks(const struct check_facts *f, struct check_findings *list);

/* A new one, at the end, for check_say() and check_advise(); NULL: memory ran out. Valid until the next one. */
struct check_finding *check_find(struct check_findings *list, const struct check_facts *f, enum check_severity severity,
				 const char *name, const char *subject);
void check_say(struct check_finding *n, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void check_show(struct check_finding *n, const char *fmt, ...) __attribute__((format(printf, 2, 3))); /* evidence */
void check_advise(struct check_finding *n, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The worst first, otherwise in their order. */
void check_sort(struct check_findings *list);
/* Those of another list go behind these, which is empty then. */
void check_take(struct check_findings *list, struct check_findings *from);
enum check_severity check_worst(const struct check_findings *list);
const char *check_severity_word(enum check_severity severity); /* "CRITICAL" */
void check_findings_free(struct check_findings *list);

/* What several rules ask. */
bool check_is_ddf(const struct check_facts *f);
bool check_daemon_answers(const struct check_facts *f); /* ours, and it is understood */
const struct check_disk *check_disk_named(const struct check_facts *f, const char *name); /* NULL: none */
bool check_is_here(const struct check_facts *f, const struct check_disk *d); /* the container has it */
/* Sectors that a disk must have room for to be of use to all volumes; 0: not known. */
uint64_t check_need(const struct check_facts *f);
bool check_is_lost(const struct check_volume *v); /* it has fewer disks than it can do without */
bool check_any_lost(const struct check_facts *f);
bool check_needs_disks(const struct check_facts *f); /* a volume runs with fewer than it should have */
/* Sectors that the disk lacks for check_need(); 0: none, or it is not known. */
uint64_t check_lack(const struct check_facts *f, const struct check_disk *d);
/* Puts a disk into the container. */
void check_advise_add(struct check_finding *n, const struct check_facts *f, const char *disk);
/* Starts the daemon, or another one in its place. */
void check_advise_daemon(struct check_finding *n, const struct check_facts *f);

#endif
