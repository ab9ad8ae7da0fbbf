/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Anchors that are not in the last sector: who asks for them, where they are found, and that they stay there. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ddf/ddf.h"
#include "tests/unit/support/capture.h"
#include "tests/unit/support/ddf-samples.h"
#include "tests/unit/support/tree.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define LINE "PROBING ddf_extended\n"
#define MIB (1u << 20)
#define SECTORS (33u * MIB / DDF_SECTOR + 3) /* of disks that are made here; pieces are not of whole MiB */
#define END ((uint64_t)SECTORS * DDF_SECTOR)
#define BEGIN (END - DDF_PROBED_BYTES) /* of what is searched */

static uint64_t bad_byte; /* a read of it fails; 0: none */
static unsigned reads;
static size_t longest_read;

int disk_read(const struct disk *d, void *buf, size_t len, uint64_t offset)
{
	assert_int_equal(offset % d->sector_size, 0);
	assert_int_equal(len % d->sector_size, 0);
	assert_true(len <= d->size && offset <= d->size - len);
	reads++;
	if (len > longest_read)
		longest_read = len;
	if (bad_byte && bad_byte >= offset && bad_byte < offset + len)
		return -EIO;
	return pread(d->fd, buf, len, (off_t)offset) == (ssize_t)len ? 0 : -EIO;
}

void disk_close(struct disk *d)
{
	if (!d)
		return;
	close(d->fd);
	free(d);
}

/* What loading takes for /etc. */
static const struct tree *etc;
static unsigned asked;

bool __real_ddf_probe_wanted(const char *path);
bool __wrap_ddf_probe_wanted(const char *path);
bool __wrap_ddf_probe_wanted(const char *path)
{
	assert_string_equal(path, "/etc");
	asked++;
	return __real_ddf_probe_wanted(etc->path);
}

static int setup(void **state)
{
	int r = tree_setup(state);

	etc = *state;
	bad_byte = asked = reads = 0;
	longest_read = 0;
	return r;
}

/* ---- the configuration ---- */

static bool wanted(const struct tree *t)
{
	return __real_ddf_probe_wanted(t->path);
}

static void assert_text(const struct tree *t, const char *text, bool yes)
{
	tree_put(t, "mdadm.conf", text);
	if (wanted(t) != yes)
		fail_msg("%s: %s", yes ? "not understood" : "taken for a request", text);
}

static void test_lines_that_ask_for_a_search(void **state)
{
	static const char *const texts[] = {
		LINE, "PROBING ddf_extended", "probing DDF_EXTENDED\n", "PROB ddf_extended\n", "Probin ddf_extended\n",
		"PROBING\n ddf_extended\n", "PROBING\n\n\t\tddf_extended\n", "PROBING\n# a comment\n ddf_extended\n",
		"PROBING # a comment\n ddf_extended\n", "PROBING other ddf_extended # a comment\n",
		"DEVICE partitions\n" LINE, "# a comment\n" LINE, "#\n\n#\n" LINE, LINE "MAILADDR root\n",
		"  PROBING ddf_extended\n", "# a comment\n PROBING ddf_extended\n", "\"PROBING\" 'ddf_extended'\n",
		"PROB\"ING\" ddf_'extended'\n", "PROBING\tddf_extended\r\n", "PROGRAM \"/bin/x\n" LINE,
		"PROBING other\n" LINE, "MAILADDR 'a\" b'\n" LINE, "MAILADDR a#'\n" LINE, "PROBING ''\n ddf_extended",
		"DEVICE aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n" LINE,
	};

	for (size_t i = 0; i < COUNT(texts); i++)
		assert_text(*state, texts[i], true);
}

static void test_lines_that_do_not(void **state)
{
	static const char *const texts[] = {
		"", "\n", "#", "# PROBING ddf_extended\n", "#PROBING ddf_extended\n", "PROBING\n",
		"PROBING ddf\n", "PROBING ddf_extended2\n", "PROBING ddf_extended#\n",
		"PROBING # ddf_extended\n", "PROBING #\n#ddf_extended\n", "PROBING\nddf_extended\n",
		"PROBINGS ddf_extended\n", "DEVICE PROBING ddf_extended\n",
		"DEVICE partitions\n PROBING ddf_extended\n", "PROBING\nDEVICE ddf_extended\n",
		"'' PROBING ddf_extended\n", "PROBING 'ddf_extended '\n", "'PROBING ddf_extended'\n",
		"'#' PROBING ddf_extended\n", "ddf_extended PROBING\n", "PRO ddf_extended\n",
		"PR ddf_extended\n", "PROBING-ddf_extended\n", "PROBING 'x\" ddf_extended\n",
	};

	for (size_t i = 0; i < COUNT(texts); i++)
		assert_text(*state, texts[i], false);
}

/* As mdadm 4.2 does it, but for the order, on which nothing depends. */
static void test_files_that_are_read(void **state)
{
	const struct tree *t = *state;

	assert_false(wanted(t));
	tree_put(t, "mdadm.conf", LINE);
	assert_true(wanted(t));
	tree_make_dir(t, "mdadm");
	assert_true(wanted(t));
	tree_put(t, "mdadm/mdadm.conf", "# nothing\n");
	assert_false(wanted(t));
	tree_put(t, "mdadm/mdadm.conf", LINE);
	assert_true(wanted(t));
}

static void test_files_in_directories(void **state)
{
	const struct tree *t = *state;

	tree_make_dir(t, "mdadm");
	tree_make_dir(t, "mdadm/mdadm.conf.d");
	tree_make_dir(t, "mdadm.conf.d");
	tree_put(t, "mdadm.conf.d/a.conf", LINE);
	assert_false(wanted(t)); /* the other directory is the one that is read if there is no file */
	tree_put(t, "mdadm.conf", "");
	assert_true(wanted(t));
	tree_put(t, "mdadm/mdadm.conf", "");
	assert_false(wanted(t));
	tree_put(t, "mdadm/mdadm.conf.d/a.txt", LINE);
	tree_put(t, "mdadm/mdadm.conf.d/.a.conf", LINE);
	tree_put(t, "mdadm/mdadm.conf.d/aconf", LINE);
	tree_put(t, "mdadm/mdadm.conf.d/a.conf~", LINE);
	assert_false(wanted(t));
	tree_put(t, "mdadm/mdadm.conf.d/b.x.conf", LINE);
	tree_put(t, "mdadm/mdadm.conf.d/c.conf", "DEVICE partitions\n");
	assert_true(wanted(t));
	assert_int_equal(unlinkat(t->dir, "mdadm/mdadm.conf", 0), 0);
	assert_int_equal(unlinkat(t->dir, "mdadm.conf", 0), 0);
	assert_true(wanted(t));
}

static void test_file_that_cannot_be_read_is_named(void **state)
{
	const struct tree *t = *state;
	struct capture log;

	tree_make_dir(t, "mdadm.conf");
	begin_capture(&log, stderr);
	assert_false(wanted(t));
	end_capture(&log, stderr);
	assert_non_null(strstr(log.text, "Cannot read /tmp/"));
	assert_non_null(strstr(log.text, "/mdadm.conf: Is a directory"));
}

/* ---- the search ---- */

static void put_header(const struct disk *d, uint64_t at, struct ddf_header *h)
{
	*h = (struct ddf_header){ .magic = be32_make(DDF_HEADER_MAGIC) };
	memcpy(h->revision, "01.02.00", sizeof(h->revision));
	h->primary_lba = be64_make(at);
	ddf_seal(h, sizeof(*h));
	assert_int_equal(pwrite(d->fd, h, sizeof(*h), (off_t)at), sizeof(*h));
}

static void assert_found(uint64_t at)
{
	struct disk *d = ddf_blank_disk(0, SECTORS);
	struct ddf_header h, found;

	put_header(d, at, &h);
	assert_null(ddf_probe_anchor(d, &found));
	assert_memory_equal(&found, &h, sizeof(h));
	disk_close(d);
}

static void assert_nothing(const struct disk *d, const char *text)
{
	struct ddf_header h;
	const char *why = ddf_probe_anchor(d, &h);

	assert_non_null(why);
	assert_string_equal(why, text);
}

static void test_anchor_is_found_near_the_end(void **state)
{
	static const uint64_t at[] = {
		BEGIN, BEGIN + 4, BEGIN + MIB - 4, BEGIN + MIB - 512, BEGIN + MIB - 508, BEGIN + MIB,
		END - MIB - 4, END - 1024, END - 516, END - 512,
	};

	(void)state;
	for (size_t i = 0; i < COUNT(at); i++)
		assert_found(at[i]);
	assert_int_equal(longest_read, MIB);
}

static void test_anchor_is_not_found_elsewhere(void **state)
{
	static const uint64_t at[] = { 0, BEGIN - 4, BEGIN - 512, BEGIN + 2, BEGIN + 1027, END - 514 };

	(void)state;
	for (size_t i = 0; i < COUNT(at); i++) {
		struct disk *d = ddf_blank_disk(0, SECTORS);
		struct ddf_header h;

		put_header(d, at[i], &h);
		assert_nothing(d, "no DDF signature near its end");
		disk_close(d);
	}
	assert_int_equal(reads, COUNT(at) * (DDF_PROBED_BYTES / MIB));
}

static void test_small_disk_is_not_searched(void **state)
{
	struct disk *d = ddf_blank_disk(0, DDF_PROBED_BYTES / DDF_SECTOR);
	struct ddf_header h;

	(void)state;
	put_header(d, 8192, &h);
	assert_nothing(d, "no DDF signature near its end");
	assert_int_equal(reads, 0);
	disk_close(d);
}

/* What begins in the last sector, but not with it, does not fit on the disk. */
static void test_signature_that_is_cut_off(void **state)
{
	struct disk *d = ddf_blank_disk(0, SECTORS);
	be32 signature = be32_make(DDF_HEADER_MAGIC);

	(void)state;
	assert_int_equal(pwrite(d->fd, &signature, 4, (off_t)END - 4), 4);
	assert_nothing(d, "the sectors near its end cannot be read");
	disk_close(d);
}

static void test_first_signature_counts(void **state)
{
	struct disk *d = ddf_blank_disk(0, SECTORS);
	struct ddf_header h, found;

	(void)state;
	put_header(d, BEGIN + 5 * MIB + 2048, &h);
	put_header(d, BEGIN + 5 * MIB + 1024, &h);
	put_header(d, END - 1024, &found);
	assert_null(ddf_probe_anchor(d, &found));
	assert_memory_equal(&found, &h, sizeof(h));
	h.workspace_len = be32_make(7);
	assert_int_equal(pwrite(d->fd, &h, sizeof(h), (off_t)(BEGIN + 5 * MIB + 1024)), sizeof(h));
	assert_nothing(d, "the header has a wrong checksum");
	disk_close(d);
}

static void test_search_goes_on_after_what_cannot_be_read(void **state)
{
	(void)state;
	bad_byte = BEGIN + 3 * MIB;
	assert_found(BEGIN + 2 * MIB);
	assert_found(BEGIN + 4 * MIB);
}

static void test_anchor_that_cannot_be_read(void **state)
{
	struct disk *d = ddf_blank_disk(0, SECTORS);
	struct ddf_header h;

	(void)state;
	put_header(d, BEGIN + MIB - 8, &h);
	bad_byte = BEGIN + MIB;
	assert_nothing(d, "the sectors near its end cannot be read");
	bad_byte = BEGIN + 1;
	assert_nothing(d, "the sectors near its end cannot be read");
	disk_close(d);
}

/* ---- loading ---- */

struct rig {
	struct disk *disk[3], *all[3];
	struct ddf_container c;
	struct capture log;
};

/* Sample A; the controller keeps something of its own in the last sector of disk 1. */
static void make_rig(struct rig *r, uint8_t *own)
{
	*r = (struct rig){ 0 };
	for (unsigned n = 0; n < 3; n++)
		r->disk[n] = r->all[n] = ddf_sample_disk("A", n);
	memset(own, 0xa5, DDF_SECTOR);
	ddf_write_sectors(r->all[1], SAMPLE_ANCHOR, own, 1);
}

static void load(struct rig *r)
{
	begin_capture(&r->log, stderr);
	assert_int_equal(ddf_load(&r->c, r->disk, 3, "md127"), 0);
	end_capture(&r->log, stderr);
}

static void clear(struct rig *r)
{
	ddf_free(&r->c);
	for (size_t n = 0; n < 3; n++)
		disk_close(r->disk[n]);
}

static void assert_last_sector(const struct rig *r, const void *bytes)
{
	uint8_t sector[DDF_SECTOR];

	ddf_read_sectors(r->all[1], SAMPLE_ANCHOR, sector, 1);
	assert_memory_equal(sector, bytes, sizeof(sector));
}

static void test_nothing_is_searched_unasked(void **state)
{
	uint8_t own[DDF_SECTOR];
	struct rig r;

	tree_put(*state, "mdadm.conf", "PROBING something_else\n");
	make_rig(&r, own);
	load(&r);
	assert_string_equal(r.log.text, "mdmon: md127: disk sdb is not used: no DDF signature\n");
	assert_ptr_equal(r.disk[1], r.all[1]);
	assert_int_equal(asked, 1);
	assert_true(longest_read < MIB);
	clear(&r);
}

static void spoil_anchors(const struct rig *r, const uint8_t *own)
{
	for (unsigned n = 0; n < 3; n++)
		ddf_write_sectors(r->all[n], SAMPLE_ANCHOR, own, 1);
}

static void assert_all_loaded(struct rig *r)
{
	for (unsigned n = 0; n < 3; n++) {
		const struct ddf_dl *dl = ddf_dl_by_dev(&r->c, r->all[n]->dev);

		assert_non_null(dl);
		assert_true(dl->copy[DDF_FIRST_COPY].good && dl->copy[DDF_SECOND_COPY].good);
		assert_false(dl->anchor_due);
	}
}

/* mdadm 4.5 asks nobody. That there is a container shows that it has found them. */
static void test_container_without_anchors_is_searched(void **state)
{
	uint8_t own[DDF_SECTOR];
	struct rig r;

	tree_put(*state, "mdadm.conf", "");
	make_rig(&r, own);
	spoil_anchors(&r, own);
	load(&r);
	assert_non_null(strstr(r.log.text, "md127: no disk has its anchor in the last sector"));
	assert_true(r.c.searched);
	assert_all_loaded(&r);
	assert_last_sector(&r, own);
	clear(&r);
}

/* The proof is the same; a disk that is too small for the search has nothing to say. */
static void test_disk_without_anything_is_no_obstacle(void **state)
{
	uint8_t own[DDF_SECTOR];
	struct rig r;

	tree_put(*state, "mdadm.conf", "");
	make_rig(&r, own);
	spoil_anchors(&r, own);
	disk_close(r.disk[0]);
	r.disk[0] = r.all[0] = ddf_blank_disk(0, SECTORS);
	disk_close(r.disk[2]);
	r.disk[2] = r.all[2] = ddf_blank_disk(2, DDF_PROBED_BYTES / DDF_SECTOR);
	load(&r);
	assert_non_null(ddf_dl_by_dev(&r.c, r.all[1]->dev));
	assert_ptr_equal(r.disk[0], r.all[0]);
	assert_ptr_equal(r.disk[2], r.all[2]);
	clear(&r);
}

static void assert_not_searched(struct rig *r)
{
	begin_capture(&r->log, stderr);
	assert_int_equal(ddf_load(&r->c, r->disk, 3, "md127"), -ENODEV);
	end_capture(&r->log, stderr);
	clear(r);
}

/* mdadm does not look behind an anchor that it can see is damaged, not in 4.5 either. */
static void test_damaged_anchors_are_not_searched(void **state)
{
	struct ddf_header h;
	uint8_t own[DDF_SECTOR];
	struct rig r;

	tree_put(*state, "mdadm.conf", "");
	make_rig(&r, own);
	ddf_read_sectors(r.all[0], SAMPLE_ANCHOR, &h, 1);
	h.crc = be32_make(0);
	spoil_anchors(&r, (const uint8_t *)&h);
	assert_not_searched(&r);
}

/* A disk that comes is read as those were that were there; blank to mdadm 4.4 is blank. */
static void assert_arrival(const struct rig *r, bool search, bool known)
{
	struct ddf_arrival *a;
	int err;

	a = ddf_read_arrival(r->all[1], &r->c.layout, search, "md127", &err);
	assert_int_equal(err, 0);
	assert_int_equal(a != NULL, known);
	if (a)
		assert_false(a->anchor_due);
	free(a);
}

static void test_disk_that_comes_is_searched_as_the_others(void **state)
{
	uint8_t own[DDF_SECTOR];
	struct rig r;

	tree_put(*state, "mdadm.conf", "");
	make_rig(&r, own);
	load(&r);
	assert_false(r.c.searched);
	assert_arrival(&r, false, false);
	assert_arrival(&r, true, true);
	clear(&r);
}

/* For a disk that is too small for a search the configuration does not matter. */
static void test_small_disk_asks_for_nothing(void **state)
{
	struct disk *d = ddf_blank_disk(0, DDF_PROBED_BYTES / DDF_SECTOR);
	struct ddf_container c = { 0 };
	struct capture log;

	(void)state;
	begin_capture(&log, stderr);
	assert_int_equal(ddf_load(&c, &d, 1, "md127"), -ENODEV);
	end_capture(&log, stderr);
	assert_int_equal(asked, 0);
	ddf_free(&c);
	disk_close(d);
}

/* Not even the configuration is looked at. */
static void test_right_or_damaged_anchor_is_not_looked_for(void **state)
{
	struct ddf_header h;
	struct rig r;

	tree_put(*state, "mdadm.conf", LINE);
	make_rig(&r, (uint8_t *)&h);
	ddf_read_sectors(r.all[0], SAMPLE_ANCHOR, &h, 1);
	h.crc = be32_make(0);
	ddf_write_sectors(r.all[1], SAMPLE_ANCHOR, &h, 1);
	load(&r);
	assert_string_equal(r.log.text, "mdmon: md127: disk sdb is not used: the header has a wrong checksum\n");
	assert_int_equal(asked, 0);
	clear(&r);
}

static void load_with_search(struct rig *r, const struct tree *t)
{
	tree_put(t, "mdadm.conf", LINE);
	load(r);
	assert_string_equal(r->log.text, "");
	assert_all_loaded(r);
}

static void test_asked_for_it_is_found(void **state)
{
	uint8_t own[DDF_SECTOR];
	struct rig r;

	make_rig(&r, own);
	load_with_search(&r, *state);
	assert_int_equal(asked, 1);
	assert_last_sector(&r, own);
	clear(&r);
}

static void test_last_sector_that_cannot_be_read(void **state)
{
	uint8_t own[DDF_SECTOR];
	struct rig r;

	make_rig(&r, own);
	disk_close(r.disk[0]);
	disk_close(r.disk[2]);
	r.disk[0] = r.disk[1];
	bad_byte = (uint64_t)SAMPLE_ANCHOR * DDF_SECTOR;
	tree_put(*state, "mdadm.conf", LINE);
	begin_capture(&r.log, stderr);
	assert_int_equal(ddf_load(&r.c, r.disk, 1, "md127"), 0);
	end_capture(&r.log, stderr);
	assert_string_equal(r.log.text, "");
	assert_false(r.c.disks->anchor_due);
	ddf_free(&r.c);
}

static uint32_t seq_at(const struct disk *d, uint64_t lba)
{
	struct ddf_header h;

	ddf_read_sectors(d, lba, &h, 1);
	return be32_get(h.seq);
}

/* Both copies are brought up to date, and the last sector stays what it is. */
static void test_last_sector_is_not_written(void **state)
{
	struct ddf_writer *w = ddf_writer_new();
	struct sync_result res = { 0 };
	uint8_t own[DDF_SECTOR];
	struct rig r;

	assert_non_null(w);
	make_rig(&r, own);
	load_with_search(&r, *state);
	ddf_vd(&r.c, 0)->state ^= DDF_VD_INCONSISTENT;
	assert_int_equal(ddf_write(w, &r.c, &res), 1);
	ddf_write_rest(w, &r.c, &res);
	assert_int_equal(res.failed, 0);
	assert_int_equal(seq_at(r.all[1], SAMPLE_PRIMARY), r.c.seq);
	assert_int_equal(seq_at(r.all[1], SAMPLE_SECONDARY), r.c.seq);
	assert_last_sector(&r, own);
	for (unsigned n = 0; n < 3; n++)
		r.disk[n] = r.all[n];
	for (struct ddf_dl *dl = r.c.disks; dl; dl = dl->next)
		dl->disk = NULL; /* loaded again */
	ddf_free(&r.c);
	memset(&r.c, 0, sizeof(r.c));
	load_with_search(&r, *state);
	clear(&r);
	ddf_writer_free(w);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, tree_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_lines_that_ask_for_a_search),
		TEST(test_lines_that_do_not),
		TEST(test_files_that_are_read),
		TEST(test_files_in_directories),
		TEST(test_file_that_cannot_be_read_is_named),
		TEST(test_anchor_is_found_near_the_end),
		TEST(test_anchor_is_not_found_elsewhere),
		TEST(test_small_disk_is_not_searched),
		TEST(test_signature_that_is_cut_off),
		TEST(test_first_signature_counts),
		TEST(test_search_goes_on_after_what_cannot_be_read),
		TEST(test_anchor_that_cannot_be_read),
		TEST(test_nothing_is_searched_unasked),
		TEST(test_container_without_anchors_is_searched),
		TEST(test_disk_without_anything_is_no_obstacle),
		TEST(test_damaged_anchors_are_not_searched),
		TEST(test_disk_that_comes_is_searched_as_the_others),
		TEST(test_small_disk_asks_for_nothing),
		TEST(test_right_or_damaged_anchor_is_not_looked_for),
		TEST(test_asked_for_it_is_found),
		TEST(test_last_sector_that_cannot_be_read),
		TEST(test_last_sector_is_not_written),
	};

	return cmocka_run_group_tests_name("ddf-probe", tests, NULL, NULL);
}
