/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rules of mdmonctl check: a healthy container, in which one thing after another is not as it should be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/check.h"

#define DISKS 5
#define MEMBERS 3
#define NEED 20480u

/* A RAID 5 on sda, sdb and sdc; sdd is a spare; sde is not there unless a test says so. */
static struct check_slot slot[MEMBERS];
static struct check_volume volume;
static struct check_disk disk[DISKS];
static struct check_facts facts;
static struct check_findings found;

static const char *name_of(unsigned i)
{
	static char name[4] = "sda";

	name[2] = (char)('a' + i);
	return name;
}

static void place(struct check_disk *d, enum check_use use)
{
	d->use = use;
	d->copy = CHECK_COPY_RIGHT;
	d->own = true;
	d->compared = use == CHECK_USE_MEMBER;
	d->room = NEED;
	strcpy(d->holder, "md127");
}

static int setup(void **state)
{
	(void)state;
	memset(slot, 0, sizeof(slot));
	memset(disk, 0, sizeof(disk));
	volume = (struct check_volume){ .name = "Data", .device = "md126", .level = "raid5", .redundant = true,
					.array_state = "clean", .sync_action = "idle", .raid_disks = MEMBERS, .need = NEED,
					.told_state = "normal", .slot = slot };
	for (unsigned i = 0; i < MEMBERS; i++) {
		slot[i] = (struct check_slot){ .in_sync = true, .told = true, .told_state = "in_sync" };
		strcpy(slot[i].disk, name_of(i));
		strcpy(slot[i].told_disk, name_of(i));
	}
	for (unsigned i = 0; i < DISKS; i++) {
		strcpy(disk[i].name, name_of(i));
		snprintf(disk[i].serial, sizeof(disk[i].serial), "S%u", i);
		place(&disk[i], i < MEMBERS ? CHECK_USE_MEMBER : CHECK_USE_SPARE);
	}
	facts = (struct check_facts){ .container = "md127", .format = "imsm", .exists = true, .pid = 412, .pid_runs = true,
				      .now_ms = 1000000000, .told_time_ms = 1000000000, .written_ms = 999990000,
				      .generation = 17, .read = true, .read_generation = 17, .disk = disk, .disks = 4,
				      .volume = &volume, .volumes = 1 };
	check_findings_free(&found);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	check_findings_free(&found);
	return 0;
}

/* ---- what a test does to it, and expects ---- */

static void look(void)
{
	check_findings_free(&found);
	check_container(&facts, &found);
	check_sort(&found);
}

static const struct check_finding *finding(const char *name, const char *subject)
{
	for (size_t i = 0; i < found.count; i++)
		if (strcmp(found.finding[i].name, name) == 0 && strcmp(found.finding[i].subject, subject) == 0)
			return &found.finding[i];
	return NULL;
}

static void assert_count(size_t count)
{
	if (found.count != count)
		for (size_t i = 0; i < found.count; i++)
			print_message("%s of %s: %s\n", found.finding[i].name, found.finding[i].subject, found.finding[i].text);
	assert_int_equal(found.count, count);
}

/* "words" are in its text or evidence, advice is all of that, NULL: any. */
static void assert_finds(enum check_severity severity, const char *name, const char *subject, const char *words,
			 const char *advice)
{
	const struct check_finding *n;

	look();
	n = finding(name, subject);
	if (!n)
		fail_msg("no %s of %s", name, subject);
	assert_int_equal(n->severity, severity);
	if (!strstr(n->text, words) && !strstr(n->evidence, words))
		fail_msg("no \"%s\" in: %s (%s)", words, n->text, n->evidence);
	if (advice)
		assert_string_equal(n->advice, advice);
}

static void assert_finds_not(const char *name)
{
	look();
	for (size_t i = 0; i < found.count; i++)
		assert_string_not_equal(found.finding[i].name, name);
}

static void lose(unsigned i)
{
	slot[i] = (struct check_slot){ .told = true, .told_state = "failed" };
	volume.missing++;
	strcpy(volume.told_state, "degraded");
	disk[i].use = CHECK_USE_FAILED;
	disk[i].behind = 2;
}

static void no_spare(void)
{
	facts.disks = MEMBERS;
}

/* ---- all is well ---- */

static void test_healthy(void **state)
{
	(void)state;
	look();
	assert_count(0);
	assert_int_equal(check_worst(&found), CHECK_OK);
}

/* ---- the daemon ---- */

#define START "mdmon --takeover --offroot md127"

static void test_no_daemon(void **state)
{
	(void)state;
	facts.daemon = CHECK_DAEMON_NONE;
	facts.pid_runs = false;
	assert_finds(CHECK_CRITICAL, "no-daemon", "md127", "writes to md126 wait", START);
	assert_finds(CHECK_CRITICAL, "no-daemon", "md127", "process 412, which is no mdmon any more", NULL);
	facts.systemd = true;
	assert_finds(CHECK_CRITICAL, "no-daemon", "md127", "raid5, clean", "systemctl restart mdmon@md127.service");
	strcpy(facts.other_run, "/dev/.mdadm");
	assert_finds(CHECK_CRITICAL, "no-daemon", "md127", "/dev/.mdadm", NULL);
	/* None is needed. */
	volume.redundant = false;
	assert_finds_not("no-daemon");
	volume.redundant = true;
	volume.device[0] = '\0';
	assert_finds_not("no-daemon");
	strcpy(volume.device, "md126");
	volume.blocked = true;
	assert_finds_not("no-daemon");
}

static void test_other_daemons(void **state)
{
	(void)state;
	facts.daemon = CHECK_DAEMON_OTHER;
	assert_finds(CHECK_WARNING, "other-daemon", "md127", "process 412", START);
	assert_count(1);
	facts.daemon = CHECK_DAEMON_SILENT;
	strcpy(facts.daemon_problem, "it did not answer within 3 s");
	assert_finds(CHECK_CRITICAL, "daemon-silent", "md127", "within 3 s", START);
	facts.daemon = CHECK_DAEMON_FORBIDDEN;
	assert_finds(CHECK_UNKNOWN, "not-root", "md127", "as root", "");
	assert_count(1);
	facts.daemon = CHECK_DAEMON_UNCLEAR;
	assert_finds(CHECK_UNKNOWN, "answer-unclear", "md127", "not understood", "");
	assert_count(1);
	assert_int_equal(check_worst(&found), CHECK_UNKNOWN);
}

static void test_left_over(void **state)
{
	(void)state;
	facts.exists = false;
	facts.daemon = CHECK_DAEMON_NONE;
	assert_finds(CHECK_WARNING, "left-over-files", "md127", "no such array", NULL);
	assert_count(1);
}

static void test_daemon_says(void **state)
{
	(void)state;
	facts.writing_ms = CHECK_WRITING_MS - 1;
	facts.stall_us = CHECK_STALL_US - 1;
	assert_finds_not("metadata-stuck");
	assert_count(0);
	facts.writing_ms++;
	assert_finds(CHECK_CRITICAL, "metadata-stuck", "md127", "5 s", "journalctl -k");
	facts.stall_us++;
	assert_finds(CHECK_WARNING, "stalls", "md127", "5.0 s at most", NULL);
	facts.draining = true;
	assert_finds(CHECK_WARNING, "daemon-leaves", "md127", "SIGTERM", START);
	assert_count(3);
	/* The disk that hangs is the cause. */
	disk[1].hangs = true;
	assert_finds_not("metadata-stuck");
}

static void test_time_and_generation(void **state)
{
	(void)state;
	facts.written_ms = facts.now_ms + CHECK_CLOCK_MS;
	facts.read_generation = 16;
	assert_finds_not("clock-back");
	assert_count(0);
	facts.written_ms++;
	assert_finds(CHECK_WARNING, "clock-back", "md127", "1 min after now", "timedatectl");
	facts.read_generation = 18;
	assert_finds(CHECK_CRITICAL, "written-by-others", "md127", "generation 18", START);
	facts.daemon = CHECK_DAEMON_OTHER;
	assert_finds_not("written-by-others");
}

static void test_bad_log(void **state)
{
	(void)state;
	facts.bad_log = CHECK_BAD_LOG_NEAR - 1;
	assert_finds_not("bad-block-log-full");
	facts.bad_log++;
	assert_finds(CHECK_CRITICAL, "bad-block-log-full", "md127", "200 of 254", "");
	slot[0].bad_blocks = 80;
	slot[1].bad_blocks = 120;
	assert_finds(CHECK_CRITICAL, "bad-block-log-full", "md127", "120 of them for sdb", "mdadm --fail /dev/md126 /dev/sdb");
	no_spare();
	assert_finds(CHECK_CRITICAL, "bad-block-log-full", "md127", "120 of them", "mdadm --add /dev/md127 /dev/DISK");
}

static void test_not_read(void **state)
{
	(void)state;
	strcpy(facts.read_problem, "reading them did not end in time");
	assert_finds(CHECK_UNKNOWN, "disks-not-read", "md127", "in time", "");
	facts.daemon = CHECK_DAEMON_FORBIDDEN;
	assert_finds_not("disks-not-read");
}

/* ---- a volume that lacks a disk ---- */

#define RENEW "mdadm --remove /dev/md127 /dev/sda && mdadm --zero-superblock /dev/sda && mdadm --add /dev/md127 /dev/sda"

static void test_no_spare(void **state)
{
	(void)state;
	no_spare();
	lose(0);
	assert_finds(CHECK_CRITICAL, "degraded", "md126", "Data (raid5) lacks 1 of its 3 disks, and no rebuild runs: there is no spare, "
		     "but see sda", "mdadm --add /dev/md127 /dev/DISK");
	assert_finds(CHECK_CRITICAL, "degraded", "md126", "10.0 MiB (10240 KiB)", NULL);
	assert_finds(CHECK_CRITICAL, "degraded", "md126", "slot 0: empty, on record as failed", NULL);
	assert_finds(CHECK_WARNING, "disk-failed", "sda", "2 generations older", RENEW);
	assert_count(2);
	assert_string_equal(found.finding[0].name, "degraded");
	/* Without it. */
	disk[0].holder[0] = '\0';
	disk[0].name[0] = '\0';
	disk[0].use = CHECK_USE_MISSING;
	assert_finds(CHECK_CRITICAL, "degraded", "md126", "there is no spare", NULL);
	assert_null(strstr(finding("degraded", "md126")->text, "but see"));
	assert_count(1);
	strcpy(facts.format, "ddf");
	assert_finds(CHECK_CRITICAL, "degraded", "md126", "", "cat /sys/block/DISK/dev >/sys/block/md127/md/new_dev");
}

static void test_rebuild(void **state)
{
	(void)state;
	lose(0);
	strcpy(slot[0].disk, "sdd");
	strcpy(slot[0].told_state, "rebuilding");
	strcpy(volume.sync_action, "recover");
	volume.sync_done = 1;
	volume.sync_total = 3;
	assert_finds(CHECK_WARNING, "rebuilding", "md126", "33 % are done", "mdmonctl watch md127");
	assert_finds(CHECK_WARNING, "rebuilding", "md126", "slot 0: sdd, not in sync", NULL);
	assert_finds_not("degraded");
	volume.sync_delayed = true;
	assert_finds(CHECK_WARNING, "rebuilding", "md126", "another volume", NULL);
	strcpy(volume.sync_action, "resync");
	assert_finds(CHECK_CRITICAL, "degraded", "md126", "a resync runs first", "");
	strcpy(volume.sync_action, "reshape");
	assert_finds(CHECK_CRITICAL, "degraded", "md126", "shape", "");
}

static void test_spares(void **state)
{
	(void)state;
	lose(0);
	assert_finds(CHECK_CRITICAL, "degraded", "md126", "the spare sdd is not put in", "mdmonctl ping md127; journalctl -t mdmon");
	disk[3].room = NEED - 2048;
	assert_finds(CHECK_CRITICAL, "degraded", "md126", "the spare sdd is too small, by 1.0 MiB, but see sda",
		     "mdadm --add /dev/md127 /dev/DISK");
	assert_finds(CHECK_WARNING, "spare-too-small", "sdd", "9216 KiB, 10240 KiB are needed",
		     "mdadm --remove /dev/md127 /dev/sdd");
	/* The largest one counts. */
	facts.disks = 5;
	assert_finds(CHECK_CRITICAL, "degraded", "md126", "the spare sde is not put in", NULL);
	/* Where nothing is known of sizes, nothing is said of them. */
	disk[3].room = disk[4].room = 0;
	assert_finds_not("spare-too-small");
	disk[3].room = NEED - 1;
	volume.need = 0;
	assert_finds_not("spare-too-small");
}

static void test_why_no_rebuild(void **state)
{
	(void)state;
	lose(0);
	strcpy(volume.array_state, "read-auto");
	assert_finds(CHECK_CRITICAL, "degraded", "md126", "waits for the first write", "mdadm --readwrite /dev/md126");
	strcpy(volume.array_state, "readonly");
	assert_finds(CHECK_CRITICAL, "degraded", "md126", "it is read-only", "mdadm --readwrite /dev/md126");
	strcpy(volume.sync_action, "frozen");
	assert_finds(CHECK_CRITICAL, "degraded", "md126", "a tool holds it", "echo idle >/sys/block/md126/md/sync_action && "
		     "mdmonctl ping md127");
	facts.daemon = CHECK_DAEMON_NONE;
	assert_finds(CHECK_CRITICAL, "degraded", "md126", "no mdmon runs that could", START);
	volume.redundant = false;
	assert_finds_not("degraded");
}

static void test_held(void **state)
{
	(void)state;
	strcpy(volume.sync_action, "frozen");
	volume.blocked = true;
	assert_finds(CHECK_WARNING, "frozen", "md126", "no mdadm runs",
		     "echo external:/md127/0 >/sys/block/md126/md/metadata_version && "
		     "echo idle >/sys/block/md126/md/sync_action && mdmonctl ping md127");
	/* Whoever holds it is still there. */
	facts.tool = 99;
	strcpy(facts.tool_words, "mdadm --grow /dev/md126 -n 4");
	assert_finds(CHECK_WARNING, "frozen", "md126", "process 99 runs: mdadm --grow", "");
	strcpy(volume.sync_action, "idle");
	facts.tool = 0;
	assert_finds(CHECK_WARNING, "blocked", "md126", "the dash",
		     "echo external:/md127/0 >/sys/block/md126/md/metadata_version && mdmonctl ping md127");
}

/* ---- volumes otherwise ---- */

/* Nobody is told to empty a disk from which something may be rescued. */
static void test_lost(void **state)
{
	(void)state;
	no_spare();
	lose(0);
	lose(1);
	strcpy(volume.told_state, "failed");
	assert_finds(CHECK_CRITICAL, "failed", "md126", "more disks than it can do without", "");
	assert_finds(CHECK_WARNING, "disk-failed", "sda", "Not now", "");
	assert_finds(CHECK_WARNING, "disk-failed", "sdb", "Not now", "");
	assert_count(3);
	disk[0].use = CHECK_USE_UNUSED;
	disk[1].holder[0] = '\0';
	assert_finds(CHECK_WARNING, "disk-older", "sda", "Not now", "");
	assert_finds(CHECK_WARNING, "disk-older", "sdb", "Not now", "");
}

static void test_volume_states(void **state)
{
	(void)state;
	strcpy(volume.array_state, "readonly");
	assert_finds(CHECK_WARNING, "read-only", "md126", "nothing can be written", "mdadm --readwrite /dev/md126");
	strcpy(volume.array_state, "clean");
	volume.unserved = true;
	assert_finds(CHECK_CRITICAL, "unserved", "md126", "files or memory", START);
	volume.unserved = false;
	volume.reshaping = true;
	assert_finds(CHECK_CRITICAL, "reshape-stands", "md126", "nobody drives it", "mdadm --grow --continue /dev/md126");
	facts.tool = 99;
	assert_finds_not("reshape-stands");
	facts.tool = 0;
	volume.reshaping = false;
	strcpy(volume.told_state, "failed");
	assert_finds(CHECK_CRITICAL, "failed", "md126", "backup", "");
	assert_count(1);
	strcpy(volume.told_state, "normal");
	strcpy(volume.array_state, "broken");
	assert_finds(CHECK_CRITICAL, "failed", "md126", "md calls it broken", "");
	volume.device[0] = volume.array_state[0] = '\0';
	assert_finds(CHECK_WARNING, "not-running", "md127", "the volume Data (raid5)", "mdadm -IR /dev/md127");
	assert_count(1);
	volume.redundant = false;
	look();
	assert_count(0);
}

static void test_md_differs(void **state)
{
	(void)state;
	strcpy(slot[1].told_disk, "sde");
	assert_finds(CHECK_CRITICAL, "md-differs", "md126", "slot 1: md has sdb in sync, the metadata have sde, in_sync", NULL);
	assert_count(1);
	strcpy(slot[1].told_state, "missing");
	slot[1].told_disk[0] = '\0';
	assert_finds(CHECK_CRITICAL, "md-differs", "md126", "the metadata have nothing, missing", NULL);
	strcpy(slot[1].told_state, "in_sync");
	strcpy(slot[1].told_disk, "sdb");
	slot[1].in_sync = false;
	assert_finds(CHECK_CRITICAL, "md-differs", "md126", "md has sdb, the metadata have sdb, in_sync", NULL);
	facts.tool = 99;
	assert_finds_not("md-differs");
	facts.tool = 0;
	/* A disk whose copy the daemon could not read. */
	disk[1].use = CHECK_USE_UNUSED;
	assert_finds_not("md-differs");
	disk[1].use = CHECK_USE_MEMBER;
	slot[1].told = false;
	assert_finds_not("md-differs");
}

static void test_bad_blocks(void **state)
{
	(void)state;
	slot[2].bad_blocks = 3;
	assert_finds(CHECK_WARNING, "bad-blocks", "sdc", "3 on record", "mdadm --fail /dev/md126 /dev/sdc");
	assert_count(1);
	disk[3].room = NEED - 1;
	assert_finds(CHECK_WARNING, "bad-blocks", "sdc", "should be replaced", "mdadm --add /dev/md127 /dev/DISK");
	no_spare();
	assert_finds(CHECK_WARNING, "bad-blocks", "sdc", "should be replaced", "mdadm --add /dev/md127 /dev/DISK");
}

/* ---- disks ---- */

static void test_hanging_and_refusing(void **state)
{
	(void)state;
	disk[1].hangs = true;
	disk[1].refuses = true;
	assert_finds(CHECK_CRITICAL, "disk-hangs", "sdb", "a read of its last sector", "journalctl -k -g sdb");
	disk[1].hangs_ms = 1500;
	assert_finds(CHECK_CRITICAL, "disk-hangs", "sdb", "waited for 1.5", NULL);
	assert_count(1);
	disk[1].hangs = false;
	assert_finds(CHECK_CRITICAL, "metadata-refused", "sdb", "fewer disks", "journalctl -k -g sdb");
	disk[1].use = CHECK_USE_SPARE;
	assert_finds(CHECK_CRITICAL, "metadata-refused", "sdb", "fewer disks", "mdadm --remove /dev/md127 /dev/sdb");
	/* What is on record explains it. */
	disk[1].use = CHECK_USE_FAILED;
	assert_finds_not("metadata-refused");
}

static void test_copies(void **state)
{
	static const enum check_copy bad[] = { CHECK_COPY_NONE, CHECK_COPY_INCOMPLETE, CHECK_COPY_DAMAGED, CHECK_COPY_UNREADABLE };

	(void)state;
	strcpy(disk[0].fault, "the checksum is wrong");
	disk[0].copy = CHECK_COPY_DAMAGED;
	assert_finds(CHECK_WARNING, "copy-damaged", "sda", "there is only one more", NULL);
	disk[0].own = false;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		disk[0].copy = bad[i];
		assert_finds(CHECK_WARNING, "copy-damaged", "sda", "the checksum is wrong", "mdadm --action=check /dev/md126");
		assert_count(1);
	}
	strcpy(facts.format, "ddf");
	disk[0].own = true;
	assert_finds(CHECK_WARNING, "copy-damaged", "sda", "there is only one more", START " && mdadm --action=check /dev/md126");
	disk[0].own = false;
	assert_finds(CHECK_WARNING, "copy-damaged", "sda", "would not be used", "mdadm --fail /dev/md126 /dev/sda && "
		     "mdadm --remove /dev/md127 /dev/sda && mdadm --zero-superblock /dev/sda && "
		     "cat /sys/block/sda/dev >/sys/block/md127/md/new_dev");
	strcpy(facts.format, "imsm");
	/* The daemon has not read it, and will not write it. */
	disk[0].use = CHECK_USE_UNUSED;
	assert_finds(CHECK_WARNING, "copy-damaged", "sda", "cannot be read", "mdadm --fail /dev/md126 /dev/sda && " RENEW);
	slot[0].in_sync = slot[0].told = false;
	slot[0].disk[0] = '\0';
	assert_finds(CHECK_WARNING, "copy-damaged", "sda", "cannot be read", RENEW);
	/* Nobody says that there has ever been one. */
	disk[0].copy = CHECK_COPY_NONE;
	assert_finds(CHECK_WARNING, "disk-unused", "sda", "Take it out", "mdadm --remove /dev/md127 /dev/sda");
	assert_finds_not("copy-damaged");
	disk[0].copy = CHECK_COPY_NOT_READ;
	disk[0].use = CHECK_USE_MEMBER;
	assert_finds_not("copy-damaged");
}

static void test_older(void **state)
{
	(void)state;
	disk[0].behind = 1;
	assert_finds(CHECK_WARNING, "copy-older", "sda", "1 generation older", "mdadm --action=check /dev/md126");
	assert_count(1);
	/* A spare's own record has generations of its own. */
	disk[0].compared = false;
	assert_finds_not("copy-older");
}

static void test_unused(void **state)
{
	(void)state;
	facts.disks = 5;
	disk[4].use = CHECK_USE_UNUSED;
	disk[4].compared = true;
	disk[4].behind = 3;
	assert_finds(CHECK_WARNING, "disk-older", "sde", "3 generations older", "mdadm --remove /dev/md127 /dev/sde && "
		     "mdadm --zero-superblock /dev/sde && mdadm --add /dev/md127 /dev/sde");
	disk[4].behind = 0;
	assert_finds(CHECK_WARNING, "disk-unused", "sde", "do not name it", NULL);
	disk[4].foreign = true;
	disk[4].own = false;
	assert_finds(CHECK_WARNING, "disk-foreign", "sde", "another RAID", "mdadm --remove /dev/md127 /dev/sde");
	assert_count(1);
}

static void test_elsewhere(void **state)
{
	(void)state;
	lose(0);
	no_spare();
	disk[0].use = CHECK_USE_NOT_SAID;
	disk[0].holder[0] = '\0';
	assert_finds(CHECK_WARNING, "disk-older", "sda", "no array has it",
		     "mdadm --zero-superblock /dev/sda && mdadm --add /dev/md127 /dev/sda");
	assert_finds(CHECK_CRITICAL, "degraded", "md126", "but see sda", NULL);
	strcpy(disk[0].holder, "md9");
	assert_finds(CHECK_WARNING, "disk-older", "sda", "md9 has it", "mdadm --remove /dev/md9 /dev/sda && "
		     "mdadm --zero-superblock /dev/sda && mdadm --add /dev/md127 /dev/sda");
	disk[0].behind = 0;
	assert_finds(CHECK_WARNING, "disk-left-out", "sda", "is not in it", "mdadm --remove /dev/md9 /dev/sda && mdadm -I /dev/sda");
	disk[0].holder[0] = '\0';
	assert_finds(CHECK_WARNING, "disk-left-out", "sda", "no array has it", "mdadm -I /dev/sda");
	/* Another RAID's disk is nobody's business, and neither is one while nothing is missing. */
	disk[0].own = false;
	look();
	assert_count(1);
	disk[0].own = true;
	volume.missing = 0;
	assert_finds_not("disk-left-out");
}

static void test_serials(void **state)
{
	(void)state;
	strcpy(disk[3].serial, "S1");
	assert_finds(CHECK_CRITICAL, "serial-twice", "sdd", "sdb and sdd", "mdadm --remove /dev/md127 /dev/sdd");
	assert_count(1);
	disk[3].serial[0] = disk[1].serial[0] = '\0';
	assert_finds_not("serial-twice");
	strcpy(disk[3].serial, "S1");
	strcpy(disk[1].serial, "S1");
	disk[3].holder[0] = '\0';
	assert_finds_not("serial-twice");
}

/* ---- the list ---- */

static void test_order(void **state)
{
	(void)state;
	facts.daemon = CHECK_DAEMON_UNCLEAR;
	lose(0);
	look();
	assert_int_equal(found.finding[0].severity, CHECK_CRITICAL);
	assert_int_equal(found.finding[1].severity, CHECK_UNKNOWN);
	assert_int_equal(found.finding[2].severity, CHECK_WARNING);
	assert_int_equal(check_worst(&found), CHECK_CRITICAL);
	found.failed = true;
	found.count = 0;
	assert_int_equal(check_worst(&found), CHECK_UNKNOWN);
	found.failed = false;
}

/* Text that does not fit is cut. */
static void test_long(void **state)
{
	(void)state;
	lose(0);
	memset(volume.name, 'x', sizeof(volume.name) - 1);
	memset(facts.tool_words, 'y', sizeof(facts.tool_words) - 1);
	look();
	for (int i = 0; i < 20; i++)
		check_show(&found.finding[0], "%s", volume.name);
	assert_true(strlen(found.finding[0].evidence) < CHECK_TEXT_MAX);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_healthy), TEST(test_no_daemon), TEST(test_other_daemons), TEST(test_left_over), TEST(test_daemon_says),
		TEST(test_time_and_generation), TEST(test_bad_log), TEST(test_not_read), TEST(test_no_spare), TEST(test_rebuild),
		TEST(test_spares), TEST(test_why_no_rebuild), TEST(test_held), TEST(test_lost), TEST(test_volume_states), TEST(test_md_differs),
		TEST(test_bad_blocks), TEST(test_hanging_and_refusing), TEST(test_copies), TEST(test_older), TEST(test_unused),
		TEST(test_elsewhere), TEST(test_serials), TEST(test_order), TEST(test_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
