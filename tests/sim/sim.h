/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the world share (world.h is what adapters see):
 *
 *	disks.c     disks in memory; the handler's reads and writes
 *	flight.c    writes that are on their way, and what becomes of them; disks that hang
 *	truth.c     which disk really holds which data of which volume
 *	md.c        the kernel: arrays, their members, their files
 *	reshape.c   reshapes: what md does, and where the data are meanwhile
 *	grow.c      mdadm --grow
 *	wait.c      time
 *	bay.c       somebody with disks
 *	daemon.c    the monitor, which is the real one, and an imitation of the manager
 *	claims.c    what the daemon may claim by what it has seen and written
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
#define SIM_RESHAPES UINT64_C(1000000000000) /* seeds from here on are lives with reshapes */

/* ---- disks.c ---- */

struct sim_disk {
	bool exists;       /* in this life */
	bool attached;     /* plugged in; the others may come, or come back */
	bool in_container; /* md has it in the container */
	bool shut;         /* a daemon that does not have it yet cannot open it */
	bool unreadable;   /* fails to be read */
	bool late;         /* the daemon began without it */
	bool refuses;      /* fails to take metadata */
	bool refused;      /* it has, since it was plugged in */
	bool hangs;        /* takes requests, and does not answer */
	unsigned hangs_in; /* when it has got so many more of them; 0: does not begin to */
	bool behind;       /* it has hung, not failed and with the newest metadata, and was not brought up to date since */
	bool torn;         /* its copy of the metadata, when the power failed last (note_torn()) */
	bool old_record;   /* mdadm has gone on with a reshape without it, and with the record on the other one */
	bool changed;      /* its bytes, since the judge looked last */
	bool written;      /* since that was noted (judge_note_written) */
	uint8_t *tail;     /* adapter->tail bytes */
	bool *touched;     /* by blocks of 4096 bytes */
	char serial[20];
};

/* A daemon that begins now has to do without it. */
static inline bool sim_is_closed(const struct sim_disk *d)
{
	return d->shut || d->unreadable;
}

/* ---- truth.c ---- */

/* Versions of data count up; 0: what was there before the volume was first written. */
struct truth {
	bool exists;              /* and that has been acknowledged to who asked for it */
	bool halved;              /* it was started without a disk that knows better: nothing is claimed of its data */
	bool announced;           /* an entry of it may be in a table, and no record: whoever reads that looks for one elsewhere */
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
	bool lost[SIM_DISKS];     /* its array ended before that, but it was on record */
	bool needless[SIM_DISKS]; /* failed, but nobody has gone on without it */
	uint32_t named;           /* disks that took the place of others, whether or not they have their data */
	bool unclear[SIM_DISKS];  /* absent, and others might have needed it: not called failed when it was left out */
	int array;                /* md's array that runs it; -1 */
	bool sync_due;            /* when it ran last (md_sync_is_due()) */

	/* A reshape (reshape.c). It moves the regions one after the other; unlike real ones they are as many before and after. */
	bool asked;               /* `next` may be on record any time: a grow has been asked for */
	struct sim_volume next;
	bool reshaping;           /* it is recorded: `plan` is what it is to become, `old` what it was */
	struct sim_volume old;
	unsigned moved;           /* regions that lie as in `plan` */
	bool moving;              /* the next one lies in neither way */
	int copied;               /* the region that is in the copy area; -1: none */
	uint32_t gone;            /* disks that have been absent since it was asked for */
};

/* ---- md.c ---- */

struct md_disk {
	bool there;          /* its directory exists */
	unsigned disk;
	int slot;            /* -1: taken away */
	bool in_sync, faulty, blocked;
	bool gone;           /* taken out; what is plugged in later is another device for md */
	unsigned progress;   /* regions that were recovered */
	bool recorded;       /* as one that is rebuilt; without that its end cannot be recorded either */
	unsigned calm;       /* turns of a daemon that could have recorded it */
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
	bool raid0;           /* that is its level now */
	bool as_raid4;        /* a RAID0 that is reshaped: a RAID4 that has no parity */
	unsigned raid_disks;
	bool reshaped;        /* its reshape_position is not "none" */
	bool held_by_mdadm;   /* the '-' in metadata_version */
	int suspended;        /* region; -1: none */
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
	unsigned hang_share; /* SIM_HANGS */
	uint64_t random;
	uint64_t now_ns;

	uint32_t sector_size, physical_size;
	struct sim_disk disk[SIM_DISKS];
	unsigned disks; /* numbers given away */
	struct truth volume[SIM_VOLUMES];
	struct md_array array[ARRAYS];
	unsigned arrays;
	bool md_refuses_spares;

	bool reshapes;   /* volumes are reshaped in this life, too */
	bool hangs;      /* disks hang in this life, too */
	bool calm;       /* none of the events below is chosen */
	bool hasty;      /* the first disk refuses metadata just before one */
	bool trouble;    /* a disk has failed, was absent, torn or refused: nobody promises that a reshape comes to its end */
	bool split;      /* the machine was started from an old half of the container: the life ends */
	bool power;      /* it is on */
	bool alive;      /* the daemon is, and the power is on */
	bool loaded;     /* it has its metadata */
	unsigned daemons; /* that have been started */
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
void disks_note_judged(void);
bool disks_changed(void);
/* Since this was asked last. */
bool disks_written(void);
/* A disk opened for the handler. */
struct disk *disk_for_handler(unsigned n);
void disks_reader(uint32_t set, struct reader_disk *out, unsigned *count, unsigned *number);

/* flight.c */
void flight_forget(void);
/* Writes on their way: what becomes of them when the power fails (any part), or the daemon dies (they arrive). */
void flight_power_fails(void);
void flight_daemon_dies(void);
/* Puts a random part of what is on its way onto the disks, calls judge(), and takes it back. */
void flight_with_some(void (*judge)(void));
bool flight_any(void);
bool flight_any_soon(void); /* to disks that do not hang */
bool flight_takes_writes(unsigned disk);
/* A disk that hangs: what is out to it ends, and it answers from now on. */
enum flight_answer { ANSWER_WELL, ANSWER_ERROR };
void flight_answer(unsigned disk, enum flight_answer how);
bool flight_is_out(unsigned disk); /* something that it has not answered */
/* Somebody has to wait for it. */
void flight_await(unsigned disk);
/* The daemon's eventfd is readable. */
bool flight_any_answer(void);
#define SIM_FIRST_DISK_FD (1 << 26)
#define SIM_EVENT_FD (1 << 28)

/* truth.c */
unsigned truth_new_version(struct truth *t, unsigned region);
/* The slots in this set are enough for the level to have all data. */
bool truth_enough(const struct truth *t, const bool *slot);
/* It is somewhere else on the disk now, where none of its data are. */
void truth_begins(unsigned volume, unsigned disk, uint64_t sector);
/* It becomes a spare of the volume. That another one has it as a member may be on record on disks only that are not there. */
void truth_taken(unsigned volume, unsigned disk);
/* No other volume has data there that count. */
bool truth_is_free(unsigned volume, unsigned disk, uint64_t sector);

/* Some other volume needs the disk, or may, for no disk of the container has its record. */
bool truth_others_may_need(const struct truth *t, unsigned disk);

/*
 * Another array has the disk there, also one that the daemon does not serve yet: md lets no second one begin (kernel-md.md 5.2,
 * "size").
 */
bool truth_md_has(unsigned volume, unsigned disk, uint64_t sector);
void truth_init(struct truth *t, const struct sim_volume *plan);
/* The disks may be told from each other in this region. `slot`: of those to be compared. */
bool truth_differ(const struct truth *t, unsigned region, const int *disk_of_slot);
/* Its copy of the metadata is torn: it is as good as lost. */
void truth_torn(unsigned disk);
/* The daemon died while it wrote the disk. If it leaves, or takes no metadata from now on, it is as good as lost, too. */
bool truth_left_torn(unsigned disk);
bool truth_has_name(const char *name); /* also one that is being made */
struct truth *truth_by_name(const char *name);
/* A reader has found a volume of that name; "": no. */
bool truth_is_on(const struct reader_result *r, const char *name);
/* It is plugged in no more. */
void truth_gone(unsigned disk);
/* It is about to be started without a disk that knows better. */
bool truth_is_halved(const struct truth *t);

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
void md_notify(struct md_array *a);
void md_hold(struct truth *t, unsigned disk, unsigned region, uint32_t version);
/* As the daemon reads it. */
int md_level(const struct md_array *a);
int md_layout(const struct md_array *a);
unsigned md_chunk(const struct md_array *a);
/* It runs, and the disks that have its data are plugged in. */
bool md_serves(const struct md_array *a);
void md_write(struct md_array *a, unsigned region);
void md_finish(struct md_array *a);
void md_idle(struct md_array *a);
void md_sync(struct md_array *a, unsigned steps);
bool md_fail(struct md_array *a, unsigned member);
/* Of all arrays. md keeps the last one that has their data, which serves no more even if it is plugged in again. */
void md_take_out(unsigned disk);
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

/* reshape.c: md's part, and what it does with data */
/* The region's data are on the disks of this slot. */
bool truth_holds(const struct truth *t, unsigned slot, unsigned region);
/* What a reader is to find if it says that the volume is (not) being reshaped. */
const struct sim_volume *truth_shape(const struct truth *t, bool reshaping);
void truth_begin_reshape(struct truth *t);
/* The daemon has chosen the disk for the parity. */
void truth_learn_shape(struct truth *t, const struct reader_volume *rv, const unsigned *number);
void truth_end_reshape(struct truth *t);
void truth_may_be_lost(const struct md_array *a, const struct md_disk *failed);
/* NULL, or what a reader would do wrong. */
const char *truth_misread(const struct truth *t, const struct reader_volume *rv);
/* Where a reader goes on, in regions. */
unsigned truth_position(const struct truth *t, const struct reader_volume *rv);
bool truth_any_reshape(const struct reader_result *r);
void md_change_shape(struct md_array *a);
bool md_add_new(struct md_array *a);
void md_begin_reshape(struct md_array *a);
/* Half of a region's way. False: not now. */
bool md_move(struct md_array *a);
void md_resume_reshape(struct md_array *a, const struct reader_volume *rv, const unsigned *disk_number);
/* A failure that the daemon has not noted yet. */
bool md_any_blocked(const struct md_array *a);
void md_back_to_raid0(struct md_array *a);
/* What a power cut has left unequal, where nobody will compare it. */
void md_make_equal(struct md_array *a);

/* grow.c: mdadm's part */
void grow_forget(void);
bool grow_is_at_work(void);
/* Or has been asked for, and may be on record. Nobody makes a volume then. */
bool grow_is_due(void);
/* A volume is being reshaped, by the disks of the container. */
bool grow_is_on_record(void);
/* All of a volume has been moved; what the daemon makes of that is not known yet. */
bool grow_is_at_its_end(void);
void grow_step(void);
bool grow_ask(unsigned what);
/* It is plugged in no more. */
void grow_gone(unsigned disk);
/* The volume is assembled in the middle of a reshape: the disks take the record. And it is written. */
bool grow_may_resume(const struct reader_volume *rv, const unsigned *number);
void grow_resumed(const struct truth *t, const struct reader_volume *rv, const unsigned *number);
/* Volumes were started: mdadm goes on with what it finds. */
void grow_found(void);
/* The array is stopped, and mdadm with it. */
void grow_stopped(unsigned volume);
/* Whatever has begun comes to its end if nothing more happens. */
void grow_settle(void);

/* wait.c */
extern bool sim_wake_up;
struct md_array *array_of_fd(int fd);

/* daemon.c */
void daemon_start(void);
void daemon_end(void);
void daemon_pass(void);
void daemon_manage(void);
/* The daemon gets it as from mdadm. Takes effect with the passes that follow. `volume`: whose change it is. */
void daemon_message(const uint8_t *buf, size_t len, unsigned volume, void (*done)(unsigned volume, int status));
bool daemon_idle(void);
/* It has taken the array on. */
bool daemon_watches(const struct md_array *a);
/* And what followed from that is durable. */
bool daemon_has_looked_at(const struct md_array *a);
/* It has the disk in the container still, or its monitor has not heard yet that it came or left. */
bool daemon_knows(unsigned disk);
/* Something that no disk has taken. */
bool daemon_knows_more(void);
/* Somebody has something for the monitor, or an array has. */
bool daemon_is_called(void);

/* claims.c. `known`: set of disks that the daemon has seen in the container */
struct monitor;
void claims_note_missing(uint32_t known);
void claims_note_entitled(const struct monitor *mon);
uint32_t claims_set_to_open(void);
bool claims_know_too_little(void);
void claims_compare_with_disks(const struct monitor *mon, uint32_t known);

/* judge.c */
void judge_now(void);
void judge_all(void);
void judge_note_written(void);
/* These disks have among them what was written last. */
bool judge_knows_newest(uint32_t set);
/* The disk alone says what all say. */
bool judge_is_newest(unsigned disk);
/* Some disk that is plugged in has, alone, a newer state than this one. */
bool judge_others_know_more(unsigned disk);
/* To stdout: what the reader made of the disks that were judged last, and the truth. */
void judge_print(void);
void judge_set(uint32_t set, const char *which, bool claims);
bool judge_read(uint32_t set, struct reader_result *r, unsigned *number);
void judge_note_given_up(void); /* the power fails */
uint64_t judge_generation(uint32_t set); /* 0: it does not load */
bool judge_says_failed(unsigned disk);
uint32_t set_of_all(void), set_of_container(void);

/* events.c */
struct event {
	uint8_t op;
	uint8_t a, b;
	uint16_t seed; /* of what is random in it */
};

/* bay.c: events */
void bay_pull(const struct event *e);
void bay_plug(const struct event *e);
void bay_blank(const struct event *e);
void bay_refuse(const struct event *e);
void bay_shut(const struct event *e);
void bay_dim(const struct event *e);
void bay_hang(const struct event *e);
void bay_answer(const struct event *e);
void bay_error(const struct event *e);
void bay_nospare(const struct event *e);
void bay_remove(const struct event *e);
void bay_add(const struct event *e);

struct life {
	uint32_t sectors;  /* 512 or 4096 */
	uint32_t physical;
	unsigned disks;    /* of the container at first */
	uint32_t boot;     /* set of disks that are there at the first start */
	unsigned volumes;
	struct sim_volume volume[SIM_VOLUMES];
	bool reshapes, calm, hasty, hangs;
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
