/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What mdmonctl check gathers from md and from disks: files that look like those of sysfs, and images of a captured container. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/check-gather.h"
#include "tests/unit/support/imsm-samples.h"
#include "tests/unit/support/tree.h"

#define SAMPLE "r5-clean-46"
#define GENERATION 8
#define TIMEOUT_MS 5000

static const struct tree *tree;
static char run[80], sys[80], dev[80];
static const struct ctl_paths paths = { run, sys, dev, "/nowhere" };
static struct check_facts facts;
static struct check_reading reading;
static struct check_findings found;

/* ---- a small system ---- */

static void make_dirs(const char *path)
{
	char dir[160];

	for (const char *slash = path; (slash = strchr(slash, '/')); slash++) {
		snprintf(dir, sizeof(dir), "%s/%.*s", tree->path, (int)(slash - path), path);
		mkdir(dir, 0700);
	}
}

static void put(const char *path, const char *text)
{
	make_dirs(path);
	tree_put(tree, path, text);
}

static void array(const char *name, const char *attribute, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), "sys/block/%s/md/%s", name, attribute);
	put(path, text);
}

static void member(const char *name, char letter, const char *slot, const char *state)
{
	const char *const texts[][2] = { { "slot", slot }, { "state", state }, { "offset", "0" }, { "size", "8192" },
					 { "bad_blocks", letter == 'b' ? "2048 8\n4096 16\n" : "" } };
	char attribute[64], number[16];

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		snprintf(attribute, sizeof(attribute), "dev-sd%c/%s", letter, texts[i][0]);
		array(name, attribute, texts[i][1]);
	}
	snprintf(attribute, sizeof(attribute), "dev-sd%c/block/dev", letter);
	snprintf(number, sizeof(number), "8:%d", 16 * (letter - 'a'));
	array(name, attribute, number);
}

/* A disk as it was captured. */
static void disk(char letter, unsigned of_sample)
{
	const struct imsm_sample *s = imsm_sample_named(SAMPLE);
	uint8_t tail[SAMPLE_TAIL];
	char path[160];
	int fd;

	snprintf(path, sizeof(path), "sys/block/sd%c/holders/", letter);
	make_dirs(path);
	snprintf(path, sizeof(path), "sys/block/sd%c/size", letter);
	put(path, "40000\n");
	snprintf(path, sizeof(path), "dev/sd%c", letter);
	put(path, "");
	snprintf(path, sizeof(path), "%s/sd%c", dev, letter);
	fd = open(path, O_WRONLY);
	assert_int_equal(ftruncate(fd, (off_t)s->size), 0);
	imsm_sample_read_tail(s, of_sample, tail);
	assert_int_equal(pwrite(fd, tail, sizeof(tail), (off_t)(s->size - sizeof(tail))), sizeof(tail));
	close(fd);
}

static void change(char letter, uint64_t from_end, const char *bytes)
{
	char path[160];
	int fd;

	snprintf(path, sizeof(path), "%s/sd%c", dev, letter);
	fd = open(path, O_WRONLY);
	assert_int_equal(pwrite(fd, bytes, strlen(bytes), (off_t)(imsm_sample_named(SAMPLE)->size - from_end)), strlen(bytes));
	close(fd);
}

/* md127 with sda, sdb and sdc; md126, a RAID 5 on them. */
static int setup(void **state)
{
	tree_setup(state);
	tree = *state;
	snprintf(run, sizeof(run), "%s/run", tree->path);
	snprintf(sys, sizeof(sys), "%s/sys", tree->path);
	snprintf(dev, sizeof(dev), "%s/dev", tree->path);
	array("md127", "metadata_version", "external:imsm\n");
	array("md126", "metadata_version", "external:/md127/0\n");
	array("md126", "array_state", "clean\n");
	array("md126", "sync_action", "idle\n");
	array("md126", "level", "raid5\n");
	array("md126", "raid_disks", "3\n");
	array("md126", "degraded", "0\n");
	array("md126", "reshape_position", "none\n");
	/* Others, which do not count. */
	array("md3", "metadata_version", "1.2\n");
	array("md4", "metadata_version", "external:/md5/0\n");
	array("md6", "metadata_version", "external:/md127/1\n");
	array("md6", "array_state", "inactive\n");
	for (int i = 0; i < 3; i++) {
		char slot[2] = { (char)('0' + i), '\0' };

		disk((char)('a' + i), (unsigned)i);
		member("md127", (char)('a' + i), "none", "spare");
		member("md126", (char)('a' + i), slot, "in_sync");
	}
	return 0;
}

static int teardown(void **state)
{
	check_facts_free(&facts);
	check_reading_free(&reading);
	check_findings_free(&found);
	return tree_teardown(state);
}

/* Without a daemon. */
static void gather(void)
{
	check_facts_free(&facts);
	check_reading_free(&reading);
	facts = (struct check_facts){ .container = "md127", .daemon = CHECK_DAEMON_NONE };
	check_gather_md(&paths, &facts);
	if (check_needs_disks(&facts))
		check_gather_loose(&paths, &facts);
}

static void read_all(void)
{
	json_t *read;

	gather();
	assert_true(check_reading_init(&reading, &paths, &facts));
	read = check_read(&reading, &paths, TIMEOUT_MS);
	check_take_copies(&facts, &reading, read);
	json_decref(read);
	check_findings_free(&found);
	check_container(&facts, &found);
}

static const struct check_disk *sd(char letter)
{
	const char name[] = { 's', 'd', letter, '\0' };
	const struct check_disk *d = check_disk_named(&facts, name);

	assert_non_null(d);
	return d;
}

static void assert_found(const char *name, const char *subject)
{
	for (size_t i = 0; i < found.count; i++)
		if (strcmp(found.finding[i].name, name) == 0 && strcmp(found.finding[i].subject, subject) == 0)
			return;
	fail_msg("no %s of %s", name, subject);
}

/* ---- md ---- */

static void test_md(void **state)
{
	const struct check_volume *v;

	(void)state;
	gather();
	assert_true(facts.exists);
	assert_string_equal(facts.format, "imsm");
	assert_int_equal(facts.disks, 3);
	assert_string_equal(sd('b')->holder, "md127");
	assert_int_equal(facts.volumes, 1);
	v = &facts.volume[0];
	assert_string_equal(v->device, "md126");
	assert_true(v->redundant);
	assert_false(v->blocked);
	assert_false(v->reshaping);
	assert_int_equal(v->raid_disks, 3);
	assert_int_equal(v->need, 16384);
	for (unsigned i = 0; i < 3; i++)
		assert_true(v->slot[i].in_sync);
	assert_string_equal(v->slot[1].disk, "sdb");
	assert_int_equal(v->slot[1].bad_blocks, 2);
	assert_int_equal(v->slot[2].bad_blocks, 0);
	assert_int_equal(facts.pid, 0);
}

static void test_md_in_trouble(void **state)
{
	(void)state;
	array("md126", "metadata_version", "external:-md127/0\n");
	array("md126", "sync_action", "recover\n");
	array("md126", "sync_completed", "512 / 2048\n");
	array("md126", "reshape_position", "4096\n");
	array("md126", "degraded", "1\n");
	array("md126", "dev-sda/state", "faulty,blocked\n");
	put("run/md127.pid", "1\n");
	put("dev/.mdadm/md127.pid", "1\n");
	gather();
	assert_true(facts.volume[0].blocked);
	assert_true(facts.volume[0].reshaping);
	assert_int_equal(facts.volume[0].sync_done, 512);
	assert_int_equal(facts.volume[0].sync_total, 2048);
	assert_int_equal(facts.volume[0].missing, 1);
	assert_false(facts.volume[0].slot[0].in_sync);
	assert_int_equal(facts.pid, 1);
	assert_false(facts.pid_runs);
	assert_true(facts.other_run[0]);
	array("md126", "sync_completed", "delayed\n");
	gather();
	assert_true(facts.volume[0].sync_delayed);
}

/* A member of DDF begins anywhere. */
static void test_need(void **state)
{
	(void)state;
	array("md126", "dev-sdc/offset", "4096\n");
	gather();
	assert_int_equal(facts.volume[0].need, 16384 + 4096);
	array("md127", "metadata_version", "external:ddf\n");
	gather();
	assert_int_equal(facts.volume[0].need, 16384);
}

/* Files of sysfs may say anything. */
static void test_md_nonsense(void **state)
{
	static const char *const nonsense[] = { "", "\n", "-1\n", "99999999999999999999\n", "x / y\n", "external:/md127/999999999999\n" };
	static const char *const attributes[] = { "array_state", "sync_action", "sync_completed", "level", "raid_disks", "degraded",
						  "reshape_position", "dev-sda/slot", "dev-sda/size", "dev-sda/bad_blocks" };

	(void)state;
	for (size_t a = 0; a < sizeof(attributes) / sizeof(attributes[0]); a++)
		for (size_t n = 0; n < sizeof(nonsense) / sizeof(nonsense[0]); n++) {
			array("md126", attributes[a], nonsense[n]);
			gather();
			check_container(&facts, &found);
		}
	check_facts_free(&facts);
	facts = (struct check_facts){ .container = "md99", .daemon = CHECK_DAEMON_NONE };
	check_gather_md(&paths, &facts);
	assert_false(facts.exists);
	assert_int_equal(facts.disks + facts.volumes, 0);
}

/* ---- disks ---- */

static void test_copies(void **state)
{
	(void)state;
	read_all();
	assert_true(facts.read);
	assert_int_equal(facts.read_generation, GENERATION);
	assert_string_equal(facts.read_problem, "");
	assert_string_equal(facts.volume[0].name, "vol0");
	for (char c = 'a'; c <= 'c'; c++) {
		assert_int_equal(sd(c)->copy, CHECK_COPY_RIGHT);
		assert_int_equal(sd(c)->use, CHECK_USE_MEMBER);
		assert_true(sd(c)->own);
		assert_false(sd(c)->foreign);
		assert_int_equal(sd(c)->behind, 0);
		assert_true(sd(c)->room >= facts.volume[0].need);
	}
	assert_found("no-daemon", "md127");
	assert_found("bad-blocks", "sdb");
	assert_int_equal(found.count, 2);
}

static void test_bad_copies(void **state)
{
	(void)state;
	change('a', 1024, "XXXX");         /* the signature */
	change('b', 1024 - 100, "\xff"); /* the checksum is wrong then */
	read_all();
	assert_int_equal(sd('a')->copy, CHECK_COPY_NONE);
	assert_true(sd('a')->fault[0]);
	assert_int_equal(sd('b')->copy, CHECK_COPY_DAMAGED);
	assert_int_equal(sd('c')->copy, CHECK_COPY_RIGHT);
	assert_found("copy-damaged", "sda");
	assert_found("copy-damaged", "sdb");
}

static void test_loose_disk(void **state)
{
	char path[160];

	(void)state;
	snprintf(path, sizeof(path), "rm -r %s/block/md12[67]/md/dev-sda", sys);
	assert_int_equal(system(path), 0);
	read_all();
	assert_int_equal(facts.disks, 2); /* nothing is missing: nobody looks for disks */
	array("md126", "degraded", "1\n");
	put("sys/block/sdz/size", "0\n");
	put("sys/block/sr0/size", "8\n");
	put("sys/block/sdy/size", "8\n");
	put("sys/block/sdy/holders/dm-0", "");
	read_all();
	assert_int_equal(facts.disks, 3);
	assert_true(sd('a')->own);
	assert_string_equal(sd('a')->holder, "");
	assert_found("disk-left-out", "sda");
	/* Another container has it. */
	put("sys/block/sda/holders/md9", "");
	array("md9", "metadata_version", "external:imsm\n");
	read_all();
	assert_string_equal(sd('a')->holder, "md9");
	/* Something else has it. */
	array("md9", "metadata_version", "1.2\n");
	read_all();
	assert_int_equal(facts.disks, 2);
}

/* One of which the daemon says that it hangs is left alone. */
static void test_late_disk(void **state)
{
	json_t *read;

	(void)state;
	gather();
	check_add_disk(&facts, "sda")->hangs = true;
	assert_true(check_reading_init(&reading, &paths, &facts));
	read = check_read(&reading, &paths, TIMEOUT_MS);
	check_take_copies(&facts, &reading, read);
	json_decref(read);
	assert_true(sd('a')->hangs);
	assert_int_equal(sd('a')->copy, CHECK_COPY_NOT_READ);
	assert_false(sd('b')->hangs);
	assert_int_equal(sd('b')->copy, CHECK_COPY_RIGHT);
	check_container(&facts, &found);
	assert_found("disk-hangs", "sda");
}

static void test_nothing_read(void **state)
{
	(void)state;
	gather();
	assert_true(check_reading_init(&reading, &paths, &facts));
	strcpy(reading.problem, "no");
	check_take_copies(&facts, &reading, NULL);
	assert_false(facts.read);
	check_container(&facts, &found);
	assert_found("disks-not-read", "md127");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_md), TEST(test_md_in_trouble), TEST(test_md_nonsense), TEST(test_need), TEST(test_copies),
		TEST(test_bad_copies), TEST(test_loose_disk), TEST(test_late_disk), TEST(test_nothing_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
