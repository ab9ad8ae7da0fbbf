/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the monitor tells about the metadata and about its own work. It fills one of these at the end of a pass and
 * publishes it (threads/handoff.h); the manager makes the answer to a status request of it (manager/status-json.h).
 */
#ifndef REPORT_H
#define REPORT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define REPORT_DISKS 256
#define REPORT_VOLUMES 32
#define REPORT_MEMBERS 256
#define REPORT_NAME 32
#define REPORT_FAILED 8
#define STALL_BUCKETS 16

enum report_disk_state { REPORT_DISK_MEMBER, REPORT_DISK_SPARE, REPORT_DISK_FAILED, REPORT_DISK_MISSING };

struct report_disk {
	dev_t dev; /* 0: it is not there */
	char serial[REPORT_NAME];
	enum report_disk_state state;
	bool unwritable; /* the last metadata write to it failed */
	uint64_t hangs_since_ns; /* a write to it has not been answered (CLOCK_MONOTONIC); 0: none is out. The monitor's */
};

enum report_volume_state {
	REPORT_VOLUME_NORMAL,
	REPORT_VOLUME_DEGRADED,
	REPORT_VOLUME_FAILED,
	REPORT_VOLUME_UNINITIALIZED,
};

enum report_member_state { REPORT_IN_SYNC, REPORT_REBUILDING, REPORT_FAILED_MEMBER, REPORT_MISSING };

struct report_member {
	int16_t disk;  /* index into the report's disks; -1: none */
	uint8_t state; /* enum report_member_state */
};

struct report_volume {
	int index;
	char name[REPORT_NAME];
	int level;     /* 0, 1, 4, 5, 6, 10 */
	uint64_t size; /* sectors that users see */
	enum report_volume_state state;
	bool dirty;
	unsigned member_count;
	struct report_member member[REPORT_MEMBERS];
};

/* Waits that arrays had for the daemon. Bucket i: less than 2^i ms, the last one: longer. */
struct stall_stats {
	uint64_t count;
	uint64_t total_us, max_us;
	uint32_t bucket[STALL_BUCKETS];
};

struct report_write {
	uint64_t count;       /* metadata writes so far; 0: none, and what follows means nothing */
	uint64_t errors;      /* of them, those that at least one disk did not take */
	uint64_t end_ms;      /* CLOCK_REALTIME, when the last one ended */
	uint64_t duration_us;
	unsigned disks;       /* that took it */
	unsigned failed_count;
	dev_t failed[REPORT_FAILED]; /* the first of those that did not */
};

struct report {
	uint64_t generation;
	unsigned disk_count;
	struct report_disk disk[REPORT_DISKS];
	unsigned volume_count;
	struct report_volume volume[REPORT_VOLUMES];
	struct report_write write;
	struct stall_stats write_stalls, failure_stalls;
};

#endif
