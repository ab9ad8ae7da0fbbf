/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a status request is told about a container, as text. Disks:
 *
 *   "700 DISK0 member!"   device number in hex, serial, state, and ! if it is not writable
 *
 * Volumes, with a letter for each slot: + in sync, ~ rebuilding, x failed, - missing; and the disk there, if any:
 *
 *   "0 vol0 raid5 131072 degraded dirty 0+ 1~ -"
 */
#include "tests/unit/support/imsm-samples.h"
#include "tests/unit/support/imsm-fixture.h"
#include "tests/unit/support/report-text.h"


static void report_of(const struct imsm_container *c)
{
	memset(&report, 0xee, sizeof(report)); /* the room for it holds what was there before */
	imsm_report(c, &report);
}

/* ---- what mdadm wrote; the numbers are those of its "mdadm -E" ---- */

/* The disks whose serials the table of that disk's copy names are there, but for those in `absent`. */
static void load_sample(struct imsm_container *c, struct imsm_dl dl[8], const char *name, unsigned disk,
			unsigned absent)
{
	memset(c, 0, sizeof(*c));
	memset(dl, 0, 8 * sizeof(*dl));
	imsm_sample_decode(imsm_sample_named(name), disk, &c->meta);
	for (unsigned i = 0; i < c->meta.num_disks; i++) {
		const uint8_t *serial = c->meta.disk[i].serial;

		if (absent & 1u << i)
			continue;
		dl[i].index = (int)i;
		memcpy(dl[i].serial, serial, IMSM_SERIAL_LEN);
		dl[i].dev = (dev_t)(0x700 + serial[strlen("/dev/loop")] - '0');
		dl[i].next = c->disks;
		c->disks = &dl[i];
	}
}

static const struct {
	const char *name;
	unsigned disk, absent;
	uint64_t generation;
	const char *disks[5], *volumes[3];
} sample_reports[] = {
	{ "r5-clean-46", 0, 0, 0x08,
	  { "700 /dev/loop0 member", "701 /dev/loop1 member", "702 /dev/loop2 member" },
	  { "0 vol0 raid5 32768 normal 0+ 1+ 2+" } },
	{ "r5-clean-42", 2, 0, 0x0a,
	  { "700 /dev/loop0 member", "701 /dev/loop1 member", "702 /dev/loop2 member" },
	  { "0 vol0 raid5 32768 normal 0+ 1+ 2+" } },
	{ "r5-clean-46", 0, 1u << 1, 0x08,
	  { "700 /dev/loop0 member", "0 /dev/loop1 missing", "702 /dev/loop2 member" },
	  { "0 vol0 raid5 32768 normal 0+ - 2+" } },
	{ "r1-rebuild-42", 0, 0, 0x1b,
	  { "700 /dev/loop0 member", "702 /dev/loop2 member" },
	  { "0 vol0 raid1 40960 degraded 0+ 1~" } },
	{ "r1-rebuild-46", 2, 0, 0x1b,
	  { "700 /dev/loop0 member", "702 /dev/loop2 member" },
	  { "0 vol0 raid1 40960 degraded 0+ 1~" } },
	/* what the failed disk still believes */
	{ "r1-rebuild-46", 1, 0, 0x0f,
	  { "700 /dev/loop0 member", "701 /dev/loop1 member" },
	  { "0 vol0 raid1 40960 normal 0+ 1+" } },
	{ "r10-r5-matrix-46", 3, 0, 0x19,
	  { "700 /dev/loop0 member", "701 /dev/loop1 member", "702 /dev/loop2 member",
	    "703 /dev/loop3 member" },
	  { "0 vol0 raid10 81920 normal 0+ 1+ 2+ 3+", "1 vol1 raid5 98304 normal 0+ 1+ 2+ 3+" } },
	/* the spare's own record */
	{ "r10-r5-matrix-46", 4, 0, 0x01, { "704 /dev/loop4 member" }, { NULL } },
	/* the slot that a reshape adds takes part in it */
	{ "r5-reshape-46", 0, 0, 0x20,
	  { "700 /dev/loop0 member", "701 /dev/loop1 member", "702 /dev/loop2 member",
	    "703 /dev/loop3 member" },
	  { "0 vol0 raid5 122880 normal 0+ 1+ 2+ 3+" } },
	{ "r5-bbm-46", 0, 0, 0x15,
	  { "700 /dev/loop0 member", "701 /dev/loop1 member", "702 /dev/loop2 member" },
	  { "0 vol0 raid5 81920 normal 0+ 1+ 2+" } },
	/* mdadm says 10240 blocks of 4096 bytes */
	{ "r5-bbm-4kn-46", 1, 0, 0x17,
	  { "700 /dev/loop0 member", "701 /dev/loop1 member", "702 /dev/loop2 member" },
	  { "0 vol0 raid5 81920 normal 0+ 1+ 2+" } },
};

static void test_samples(void **state)
{
	static struct imsm_container c;
	struct imsm_dl dl[8];

	(void)state;
	for (size_t i = 0; i < COUNT(sample_reports); i++) {
		unsigned n;

		load_sample(&c, dl, sample_reports[i].name, sample_reports[i].disk, sample_reports[i].absent);
		report_of(&c);
		assert_int_equal(report.generation, sample_reports[i].generation);
		for (n = 0; sample_reports[i].disks[n]; n++)
			assert_string_equal(disk_text(n), sample_reports[i].disks[n]);
		assert_int_equal(report.disk_count, n);
		for (n = 0; sample_reports[i].volumes[n]; n++)
			assert_string_equal(volume_text(n), sample_reports[i].volumes[n]);
		assert_int_equal(report.volume_count, n);
	}
}

/* ---- volumes ---- */

/* 65536 sectors of each member, and the text of tests/unit/support/imsm-fixture.h. */
static void test_volumes(void **state)
{
	static const struct {
		unsigned disks;
		int level;
		const char *meta, *want;
	} t[] = {
		{ 2, 0, "N 0,1", "0 vol0 raid0 131072 normal 0+ 1+" },
		{ 2, 1, "N 0,1", "0 vol0 raid1 65536 normal 0+ 1+" },
		{ 3, 5, "N 0,1,2", "0 vol0 raid5 131072 normal 0+ 1+ 2+" },
		{ 4, 10, "N 0,1,2,3", "0 vol0 raid10 131072 normal 0+ 1+ 2+ 3+" },
		/* slots in another order than the disks */
		{ 3, 5, "N 2,0,1", "0 vol0 raid5 131072 normal 2+ 0+ 1+" },
		/* failed, and still there; failed and gone; gone */
		{ 2, 1, "D 0,1x! f1", "0 vol0 raid1 65536 degraded 0+ 1x" },
		{ 3, 5, "D 0x!,1,2 f0", "0 vol0 raid5 131072 degraded 0x 1+ 2+" },
		{ 2, 1, "D 0,1x?! f1", "0 vol0 raid1 65536 degraded 0+ x" },
		{ 2, 1, "D 0,1?! f1", "0 vol0 raid1 65536 degraded 0+ -" },
		{ 3, 5, "N 0,1?,2", "0 vol0 raid5 131072 normal 0+ - 2+" },
		{ 3, 5, "F 0x!,1x!,2 f0", "0 vol0 raid5 131072 failed 0x 1x 2+" },
		{ 4, 10, "F 0x!,1x!,2,3 f0", "0 vol0 raid10 131072 failed 0x 1x 2+ 3+" },
		/* flagged without a rebuild: a disk that has not been rebuilt yet */
		{ 3, 5, "D 0,1,2! f2", "0 vol0 raid5 131072 degraded 0+ 1+ 2~" },
		/* rebuilding: the state is what it is now, not what it will be */
		{ 3, 1, "N<REBUILD<D 0,2/0,2! f1 u7", "0 vol0 raid1 65536 degraded 0+ 2~" },
		{ 4, 5, "N<REBUILD<D 0,3,2/0,3!,2 f1 u7", "0 vol0 raid5 131072 degraded 0+ 3~ 2+" },
		/* the old map may still name the disk that was there before */
		{ 3, 1, "N<REBUILD<D 0,2/0,1x! f1 u7", "0 vol0 raid1 65536 degraded 0+ 2~" },
		/* the flag may be in either map */
		{ 3, 1, "D<REBUILD<D 0,2!/0,2 f1 u0", "0 vol0 raid1 65536 degraded 0+ 2~" },
		/* the one that is rebuilt fails; it goes; another is missing meanwhile */
		{ 4, 5, "D<REBUILD<D 0,3x!,2/0,3x!,2 f1 u0", "0 vol0 raid5 131072 degraded 0+ 3x 2+" },
		{ 4, 5, "D<REBUILD<D 0,3?!,2/0,3?!,2 f1 u0", "0 vol0 raid5 131072 degraded 0+ - 2+" },
		{ 4, 5, "N<REBUILD<D 0?,3,2/0?,3!,2 f1 u0", "0 vol0 raid5 131072 degraded - 3~ 2+" },
		/* never written completely */
		{ 3, 5, "U 0,1,2", "0 vol0 raid5 131072 uninitialized 0+ 1+ 2+" },
		{ 3, 5, "N<INIT<U 0,1,2/0,1,2 u9", "0 vol0 raid5 131072 uninitialized 0+ 1+ 2+" },
		/* resync, check, repair */
		{ 2, 1, "N<REPAIR<N 0,1/0,1 u3", "0 vol0 raid1 65536 normal 0+ 1+" },
		{ 2, 1, "N<VERIFY<N 0,1/0,1 u3", "0 vol0 raid1 65536 normal 0+ 1+" },
		/* reshape: the members of the new shape, the state of the old */
		{ 4, 5, "N<GEN<N 0,1,2,3/0,1,2 u2", "0 vol0 raid5 196608 normal 0+ 1+ 2+ 3+" },
		{ 4, 5, "N<GEN<D 0,1,2,3/0,1,2! f2 u2", "0 vol0 raid5 196608 degraded 0+ 1+ 2~ 3+" },
	};
	static struct fixture f;

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++) {
		ifx_init(&f, t[i].disks);
		ifx_volume(&f, t[i].level, t[i].meta);
		report_of(&f.c);
		assert_int_equal(report.volume_count, 1);
		assert_string_equal(volume_text(0), t[i].want);
	}
}

static void test_several_volumes(void **state)
{
	static struct fixture f;

	(void)state;
	ifx_init(&f, 4);
	ifx_volume(&f, 1, "D 0,1x! f1");
	ifx_volume(&f, 5, "F 0,1x!,2,3? f1");
	ifx_volume(&f, 0, "N 2,3?");
	f.c.meta.volume[1].head.dirty = IMSM_DIRTY;
	report_of(&f.c);
	assert_int_equal(report.volume_count, 3);
	assert_string_equal(volume_text(0), "0 vol0 raid1 65536 degraded 0+ 1x");
	assert_string_equal(volume_text(1), "1 vol1 raid5 196608 failed dirty 0+ 1x 2+ -");
	assert_string_equal(volume_text(2), "2 vol2 raid0 131072 normal 2+ -");
}

static void test_dirty(void **state)
{
	static const struct {
		uint8_t byte;
		bool dirty;
	} t[] = {
		{ 0, false }, { IMSM_DIRTY, true }, { IMSM_DSRECORD_VALID, false },
		{ IMSM_DIRTY | IMSM_DSRECORD_VALID, true },
	};
	static struct fixture f;

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++) {
		ifx_init(&f, 2);
		ifx_volume(&f, 1, "N 0,1");
		f.c.meta.volume[0].head.dirty = t[i].byte;
		report_of(&f.c);
		assert_int_equal(report.volume[0].dirty, t[i].dirty);
	}
}

/* 16 characters are not terminated, and no character of what follows belongs to them. */
static void test_names(void **state)
{
	static const char *const names[] = { "0123456789abcdef", "0123456789abcde", "a", "" };
	static struct fixture f;

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		struct imsm_dev_head *head = &f.c.meta.volume[0].head;

		ifx_init(&f, 2);
		ifx_volume(&f, 1, "N 0,1");
		imsm_volume_set_blocks(&f.c.meta.volume[0], 0x4141414141414141u); /* lies behind the name */
		memset(head->name, 0, sizeof(head->name));
		memcpy(head->name, names[i], strlen(names[i]));
		report_of(&f.c);
		assert_string_equal(report.volume[0].name, names[i]);
		assert_true(report.volume[0].size == 0x4141414141414141u);
	}
}

static void test_no_volumes(void **state)
{
	static struct fixture f;

	(void)state;
	ifx_init(&f, 0);
	f.c.meta.header.generation_num = le32_make(0xfffffffeu);
	report_of(&f.c);
	assert_true(report.generation == 0xfffffffeu);
	assert_int_equal(report.disk_count, 0);
	assert_int_equal(report.volume_count, 0);
	ifx_spare(&f);
	report_of(&f.c);
	assert_int_equal(report.disk_count, 1);
	assert_string_equal(disk_text(0), "800 DISK0 spare");
}

/* ---- disks ---- */

static void test_disks(void **state)
{
	static struct fixture f;

	(void)state;
	ifx_init(&f, 4);
	ifx_volume(&f, 5, "F 0,1x!,2x?!,3? f1");
	ifx_spare(&f);
	ifx_spare(&f)->index = IMSM_INDEX_UNRELATED;
	report_of(&f.c);
	assert_int_equal(report.disk_count, 6);
	/* the table in its order, so that members can name its entries */
	assert_string_equal(disk_text(0), "800 DISK0 member");
	assert_string_equal(disk_text(1), "801 DISK1:0 failed");
	assert_string_equal(disk_text(2), "0 DISK2:0 failed");
	assert_string_equal(disk_text(3), "0 DISK3 missing");
	/* then who is not in it, the one that came last first */
	assert_string_equal(disk_text(4), "805 DISK5 failed");
	assert_string_equal(disk_text(5), "804 DISK4 spare");
	assert_string_equal(volume_text(0), "0 vol0 raid5 196608 failed 0+ 1x x -");
}

static void test_unwritable_disks(void **state)
{
	static struct fixture f;
	struct imsm_dl *spare;

	(void)state;
	ifx_init(&f, 2);
	ifx_volume(&f, 1, "N 0,1");
	spare = ifx_spare(&f);
	f.dl[1].stale = spare->stale = true;
	report_of(&f.c);
	assert_string_equal(disk_text(0), "800 DISK0 member");
	assert_string_equal(disk_text(1), "801 DISK1 member!");
	assert_string_equal(disk_text(2), "802 DISK2 spare!");
	assert_string_equal(volume_text(0), "0 vol0 raid1 65536 normal 0+ 1+");
	f.dl[1].stale = spare->stale = false;
	report_of(&f.c);
	assert_string_equal(disk_text(1), "801 DISK1 member");
	assert_string_equal(disk_text(2), "802 DISK2 spare");
}

/* A serial of all 16 bytes. */
static void test_long_serials(void **state)
{
	static struct fixture f;

	(void)state;
	ifx_init(&f, 2);
	ifx_volume(&f, 1, "N 0,1");
	memset(f.c.meta.disk[0].serial, 'S', IMSM_SERIAL_LEN);
	memset(ifx_spare(&f)->serial, 'T', IMSM_SERIAL_LEN);
	report_of(&f.c);
	assert_string_equal(disk_text(0), "800 SSSSSSSSSSSSSSSS member");
	assert_string_equal(disk_text(2), "802 TTTTTTTTTTTTTTTT spare");
}

/* More than there is room for: the table comes first, and as many others as fit. */
static void test_more_disks_than_fit(void **state)
{
	static struct fixture f;
	static struct imsm_dl others[REPORT_DISKS];

	(void)state;
	ifx_init(&f, 2);
	ifx_volume(&f, 1, "N 0,1");
	for (unsigned i = 0; i < REPORT_DISKS; i++) {
		others[i] = (struct imsm_dl){ .next = f.c.disks, .dev = 0x1000 + i, .index = IMSM_INDEX_SPARE };
		snprintf((char *)others[i].serial, IMSM_SERIAL_LEN, "X%u", i);
		f.c.disks = &others[i];
	}
	report_of(&f.c);
	assert_int_equal(report.disk_count, REPORT_DISKS);
	assert_string_equal(disk_text(0), "800 DISK0 member");
	assert_string_equal(disk_text(1), "801 DISK1 member");
	assert_string_equal(disk_text(2), "10ff X255 spare");
	assert_string_equal(disk_text(REPORT_DISKS - 1), "1002 X2 spare");
	assert_string_equal(volume_text(0), "0 vol0 raid1 65536 normal 0+ 1+");
}

/* What the monitor itself measures is not ours. */
static void test_the_rest_is_left_alone(void **state)
{
	static struct fixture f;

	(void)state;
	ifx_init(&f, 2);
	ifx_volume(&f, 1, "N 0,1");
	memset(&report, 0, sizeof(report));
	report.write.count = 7;
	report.write_stalls.count = 8;
	report.failure_stalls.max_us = 9;
	imsm_report(&f.c, &report);
	assert_int_equal(report.write.count, 7);
	assert_int_equal(report.write_stalls.count, 8);
	assert_int_equal(report.failure_stalls.max_us, 9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_samples),
		cmocka_unit_test(test_volumes),
		cmocka_unit_test(test_several_volumes),
		cmocka_unit_test(test_dirty),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_no_volumes),
		cmocka_unit_test(test_disks),
		cmocka_unit_test(test_unwritable_disks),
		cmocka_unit_test(test_long_serials),
		cmocka_unit_test(test_more_disks_than_fit),
		cmocka_unit_test(test_the_rest_is_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
