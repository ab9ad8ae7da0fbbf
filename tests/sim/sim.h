/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the world share (world.h is what adapters see):
 *
 *	disks.c     disks in memory; the handler's reads and writes; power cuts in the middle of them
 *	truth.c     which disk really holds which data of which volume
 *	md.c        the kernel: arrays, their members, their files
 *	daemon.c    the monitor, which is the real one, and an imitation of the manager
 *	judge.c     what a reader would make of the disks now, against the truth
 *	events.c    what may happen, as text; what is random in it
 *	life.c      one life; the shortest that still has the same hit
 *	main.c      many lives
 *
 * One world at a time, in `world`. All of it is forgotten when a life begins.
 */
#ifndef SIM_SIM_H
#define SIM_SIM_H

#include <stdarg.h>

#include "mdmon.h"
#include "tests/sim/world.h"

#define REGIONS 4            /* in which the component of each member is counted */
#define ARRAYS 96            /* that may run in one life, one after the other or together */
#define ARRAY_MEMBERS 24     /* that one of them may ever have had */
#define EVENTS_MAX 96        /* of one life */
#define TEXT_MAX 240

/* ---- disks.c ---- */

struct sim_disk {
	bool exists;       /* in this life */
	bool attached;     /* plugged in; the others may come, or come back */
	bool in_container; /* md has it in the container */
	bool refuses;      /* fails to take metadata */
	bool refused;      /* it has, since it was plugged in */
	bool torn;         /* its copy of the metadata, when the power failed last (note_torn()) */
	bool changed;      /* its bytes, since the judge looked last */
	bool written;      /* since that was noted (judge_note_written) */
	uint8_t *tail;     /* adapter->tail bytes */
	bool *touched;     /* by blocks of 4096 bytes */
	char serial[20];
};

/* ---- truth.c ---- */

/* Versions of data count up; 0: what was there before the volume was first written. */
struct truth {
	bool exists;              /* and that has been acknowledged to who asked for it */
	bool unsure;              /* it is being created, deleted or renamed: a reader may say either */
	struct sim_volume plan;
	char other_name[16];      /* while it is renamed */
	uint32_t acked[REGIONS];  /* the newest whose write was acknowledged */
	uint32_t newest[REGIONS]; /* the newest that was begun */
	uint32_t held[SIM_DISKS][REGIONS];
	uint64_t begins[SIM_DISKS]; /* sectors: where it is on the disk */
	bool unequal[REGIONS];    /* the copies may differ: no resync has been here since the volume was made */
	int entitled[SIM_MEMBERS]; /* by slot: the disk that has all data, as the daemon was able to note; -1: none */
	bool failed[SIM_DISKS];   /* its failure in this volume has been acknowledged */
	int array;                /* md's array that runs it; -1 */
	bool sync_due;            /* when it ran last (md_sync_is_due()) */
};

/* ---- md.c ---- */

struct md_disk {
	bool there;          /* its directory exists */
	unsigned disk;
	int slot;            /* -1: taken away */
	bool in_sync, faulty, blocked;
	unsigned progress;   /* regions that were recovered */
	bool recorded;       /* as one that is rebuilt; without that its end cannot be recorded either */
};

struct md_array {
	bool there;          /* its files can be read */
	bool event;          /* since they were last looked at */
	unsigned volume;     /* of truth */
	unsigned number;     /* in the metadata when it was started */
	enum { MD_STOPPED, MD_READONLY, MD_READ_AUTO, MD_READ_WRITE } mode;
	bool clean;          /* no write is out */
	bool pending;        /* a change waits for the daemon's "active" */
	bool idle;           /* nobody has written lately */
	enum sync_action action;   /* SYNC_IDLE while it is frozen, too */
	bool frozen;
	unsigned resync_from; /* regions that agree; REGIONS: all */
	unsigned sync_done;   /* regions of the sync that runs */
	bool waiting;         /* a write to `region` waits for "active" */
	bool in_flight;       /* one is being made */
	unsigned region;
	unsigned members;
	struct md_disk member[ARRAY_MEMBERS];
};

/* ---- the world ---- */

struct sim_world {
	const struct sim_adapter *ad;
	bool verbose;
	bool mixtures; /* SIM_MIXTURES */
	uint64_t random;
	uint64_t now_ns;

	uint32_t sector_size, physical_size;
	struct sim_disk disk[SIM_DISKS];
	unsigned disks; /* numbers given away */
	struct truth volume[SIM_VOLUMES];
	struct md_array array[ARRAYS];
	unsigned arrays;
	bool md_refuses_spares;

	bool split;      /* the machine was started from an old half of the container: the life ends */
	bool power;      /* it is on */
	bool alive;      /* the daemon is, and the power is on */
	bool loaded;     /* it has its metadata */
	int countdown;   /* points until `doom`; -1: nothing is planned */
	enum { DOOM_KILL, DOOM_CUT } doom;

	uint64_t generation; /* of the newest metadata that are durable */
	bool truth_changed; /* since the judge looked last */
	unsigned thorough;  /* 1 of so many points is judged; 1: all */
	char hit[TEXT_MAX]; /* what went wrong; "": nothing */
	uint64_t points, judged, cuts, kills;
};

extern struct sim_world world;

/* [0, n) */
unsigned sim_pick(unsigned n);
static inline bool sim_chance(unsigned of)
{
	return sim_pick(of) == 0;
}

/* If the life is told: a line. */
void sim_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Something is wrong that must never be. The first one counts. */
void sim_hit(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * A place at which the power may fail or the daemon may die, between two steps of it. Returns whether it goes on. The
 * judge looks at what a failure here would leave behind.
 */
bool sim_point(void);

/* disks.c */
void disks_forget(void);
void disk_make(unsigned n);
int disk_of_dev(dev_t dev);
/* Writes on their way: what becomes of them when the power fails (any part), or the daemon dies (they arrive). */
void disks_power_fails(void);
void disks_daemon_dies(void);
/* Puts a random part of what is on its way onto the disks, calls judge(), and takes it back. */
void disks_with_some_in_flight(void (*judge)(void));
bool disks_any_in_flight(void);
void disks_note_judged(void);
bool disks_changed(void);
/* Since this was asked last. */
bool disks_written(void);
/* A disk opened for the handler. */
struct disk *disk_for_handler(unsigned n);
void disks_reader(uint32_t set, struct reader_disk *out, unsigned *count, unsigned *number);

/* truth.c */
unsigned truth_new_version(struct truth *t, unsigned region);
/* The slots in this set are enough for the level to have all data. */
bool truth_enough(const struct truth *t, const bool *slot);
/* It is somewhere else on the disk now, where none of its data are. */
void truth_begins(unsigned volume, unsigned disk, uint64_t sector);
/* No other volume has data there that count. */
bool truth_is_free(unsigned volume, unsigned disk, uint64_t sector);
void truth_init(struct truth *t, const struct sim_volume *plan);
/* The disks may be told from each other in this region. `slot`: of those to be compared. */
bool truth_differ(const struct truth *t, unsigned region, const int *disk_of_slot);
/* Its copy of the metadata is torn: it is as good as lost. */
void truth_torn(unsigned disk);
struct truth *truth_by_name(const char *name);

/* md.c */
int md_start(unsigned volume, const struct reader_volume *rv, const unsigned *disk_number);
struct md_array *md_of(unsigned volume);
/*
 * md has a resync or rebuild of it to go through, or had when it ran last. (The disk that is rebuilt, or without which
 * nothing is compared, may be missing.)
 */
bool md_sync_is_due(const struct truth *t);
/* There are arrays that one is for. Without any mdadm starts none, and one that runs ends. */
bool md_needs_daemon(void);
/* In one volume or the other; what holds of the others' data is not to be relied on. */
bool md_failed_somewhere(unsigned disk);
bool md_writable(const struct md_array *a);
bool md_runs(const struct md_array *a);
/* It runs, and the disks that have its data are plugged in. */
bool md_serves(const struct md_array *a);
void md_write(struct md_array *a, unsigned region);
void md_finish(struct md_array *a);
void md_idle(struct md_array *a);
void md_sync(struct md_array *a, unsigned steps);
bool md_fail(struct md_array *a, unsigned member);
int md_unblock(struct md_array *a, unsigned member);
int md_remove(struct md_array *a, unsigned member);
int md_insert(struct md_array *a, unsigned disk, int slot);
void md_freeze(struct md_array *a, bool freeze);
void md_stop(struct md_array *a);
void md_clear(struct md_array *a);
void md_forget(void);
int md_array_state(struct md_array *a, const char *word);
int md_fd(unsigned array, unsigned member, unsigned file);
bool md_has_slots(const struct md_array *a, bool *slot);
uint64_t md_region_sectors(const struct truth *t, unsigned regions); /* of a component */
uint64_t md_resync_sectors(const struct truth *t, unsigned regions); /* a RAID10 counts the array's */

enum { FILE_STATE, FILE_ACTION, FILE_COMPLETED, FILE_RESYNC_START, FILE_VERSION, FILE_RESHAPE,
       FILE_MEMBER_STATE, FILE_RECOVERY_START, FILE_BAD, FILE_UNACKNOWLEDGED };

/* daemon.c */
void daemon_start(void);
void daemon_end(void);
void daemon_pass(void);
void daemon_manage(void);
/* The daemon gets it as from mdadm. Takes effect with the passes that follow. `volume`: whose change it is. */
void daemon_message(const uint8_t *buf, size_t len, unsigned volume, void (*done)(unsigned volume, int status));
bool daemon_idle(void);

/* judge.c */
void judge_now(void);
void judge_all(void);
void judge_note_written(void);
/* These disks have among them what was written last. */
bool judge_knows_newest(uint32_t set);
/* To stdout: what the reader made of the disks that were judged last, and the truth. */
void judge_print(void);
void judge_set(uint32_t set, const char *which, bool claims);
bool judge_read(uint32_t set, struct reader_result *r, unsigned *number);
uint32_t set_of_all(void), set_of_container(void);

/* events.c */
struct event {
	uint8_t op;
	uint8_t a, b;
	uint16_t seed; /* of what is random in it */
};

struct life {
	uint32_t sectors;  /* 512 or 4096 */
	uint32_t physical;
	unsigned disks;    /* of the container at first */
	uint32_t boot;     /* set of disks that are there at the first start */
	unsigned volumes;
	struct sim_volume volume[SIM_VOLUMES];
	unsigned events;
	struct event event[EVENTS_MAX];
};

void event_choose(struct event *e);
void event_apply(const struct event *e);
void event_print(const struct event *e, char *text, size_t size);
bool event_parse(const char *text, struct event *e);

/* life.c */
void life_choose(struct life *l, uint64_t seed);
/* Lives it; world.hit says whether something went wrong. */
void life_live(const struct life *l);
/* Lives a random one, whose events are noted. */
void life_live_random(struct life *l, uint64_t seed);
void life_shrink(struct life *l);
/* Hits are of one kind if their words and the level are the same. */
void life_kind(const char *hit, char kind[TEXT_MAX]);
void life_print(const struct life *l, char *text, size_t size);
bool life_parse(const char *text, struct life *l);

#endif
