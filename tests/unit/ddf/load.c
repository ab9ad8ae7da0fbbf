/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "ddf/ddf.h"
#include "tests/unit/support/capture.h"
#include "tests/unit/support/ddf-samples.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define FIELD(type, field) offsetof(struct type, field), sizeof(((struct type *)0)->field)

/* Sectors of a copy of the samples. */
#define CONTROLLER_AT 1
#define PD_AT 2
#define VD_AT 130
#define RECORD_AT(i) (162 + 7 * (i))
#define DATA_AT 617

enum { PRIMARY_BIT = 1, SECONDARY_BIT = 2, BOTH = 3 };

/* ---- disks that can be read, or not ---- */

static uint64_t bad_sector; /* reading it fails; 0: none */
static const struct disk *bad_disk; /* of this disk; its reads all fail if bad_sector is 0 */

int disk_read(const struct disk *d, void *buf, size_t len, uint64_t offset)
{
	assert_int_equal(offset % d->sector_size, 0);
	assert_int_equal(len % d->sector_size, 0);
	assert_true(len <= d->size && offset <= d->size - len);
	if (d == bad_disk && (!bad_sector || (bad_sector * DDF_SECTOR >= offset && bad_sector * DDF_SECTOR < offset + len)))
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

/* Looking for anchors elsewhere: tests/unit/ddf/probe.c. */
bool __wrap_ddf_probe_wanted(const char *etc);
bool __wrap_ddf_probe_wanted(const char *etc)
{
	assert_string_equal(etc, "/etc");
	return false;
}

/* ---- a container ---- */

struct rig {
	struct disk *disk[SAMPLE_DISKS_MAX + 1]; /* as given; NULL once taken over */
	struct disk *all[SAMPLE_DISKS_MAX + 1];
	size_t count;
	struct ddf_container c;
	struct capture log;
};

static int setup(void **state)
{
	*state = calloc(1, sizeof(struct rig));
	return *state ? 0 : -1;
}

static void clear(struct rig *r)
{
	ddf_free(&r->c);
	for (size_t i = 0; i < r->count; i++)
		disk_close(r->disk[i]);
	memset(r, 0, sizeof(*r));
	bad_disk = NULL;
	bad_sector = 0;
}

static int teardown(void **state)
{
	clear(*state);
	free(*state);
	return 0;
}

static void add(struct rig *r, const char *name, unsigned n)
{
	r->disk[r->count] = r->all[r->count] = ddf_sample_disk(name, n);
	r->count++;
}

static void add_all(struct rig *r, const char *name)
{
	for (unsigned n = 0; n < ddf_sample_named(name)->disks; n++)
		add(r, name, n);
}

static int load(struct rig *r)
{
	int err;

	begin_capture(&r->log, stderr);
	err = ddf_load(&r->c, r->disk, r->count, "md127");
	end_capture(&r->log, stderr);
	return err;
}

static void assert_logged(const struct rig *r, const char *text)
{
	if (!strstr(r->log.text, text))
		fail_msg("not logged: %s\nbut: %s", text, r->log.text);
}

static void load_silently(struct rig *r)
{
	assert_int_equal(load(r), 0);
	assert_string_equal(r->log.text, "");
}

/* Loads without a disk: it stays with the caller, and one line says why. */
static void load_without(struct rig *r, size_t n, const char *why)
{
	char line[256];

	snprintf(line, sizeof(line), "mdmon: md127: disk %s is not used: %s\n", r->all[n]->name, why);
	assert_int_equal(load(r), 0);
	assert_logged(r, line);
	for (size_t i = 0; i < r->count; i++)
		assert_ptr_equal(r->disk[i], i == n ? r->all[i] : NULL);
	assert_null(ddf_dl_by_dev(&r->c, r->all[n]->dev));
}

static struct ddf_dl *dl_of(const struct rig *r, size_t n)
{
	struct ddf_dl *dl = ddf_dl_by_dev(&r->c, r->all[n]->dev);

	assert_non_null(dl);
	assert_ptr_equal(dl->disk, r->all[n]);
	return dl;
}

static void assert_good(const struct rig *r, size_t n, bool first, bool second)
{
	const struct ddf_dl *dl = dl_of(r, n);

	assert_int_equal(dl->copy[DDF_FIRST_COPY].good, first);
	assert_int_equal(dl->copy[DDF_SECOND_COPY].good, second);
	if (first)
		assert_int_equal(dl->copy[DDF_FIRST_COPY].seq, r->c.seq);
	if (second)
		assert_int_equal(dl->copy[DDF_SECOND_COPY].seq, r->c.seq);
}

/* ---- changing what is on a disk ---- */

/* In the copies of `copies`: `width` bytes at `offset` of the structure of `sectors` at `at`, sealed if wanted. */
static void poke(const struct rig *r, size_t n, unsigned copies, unsigned at, unsigned sectors, size_t offset,
		 size_t width, uint64_t value, bool seal)
{
	static const uint64_t lba[] = { SAMPLE_PRIMARY, SAMPLE_SECONDARY };
	static uint8_t buf[128 * DDF_SECTOR];

	for (int copy = 0; copy < 2; copy++) {
		if (!(copies & 1u << copy))
			continue;
		ddf_read_sectors(r->all[n], lba[copy] + at, buf, sectors);
		for (size_t i = 0; i < width; i++)
			buf[offset + i] = (uint8_t)(value >> 8 * (width - 1 - i));
		if (seal)
			ddf_seal(buf, sectors * DDF_SECTOR);
		ddf_write_sectors(r->all[n], lba[copy] + at, buf, sectors);
	}
}

static void poke_header(const struct rig *r, size_t n, unsigned copies, size_t offset, size_t width, uint64_t value)
{
	poke(r, n, copies, 0, 1, offset, width, value, true);
}

static void set_seq(const struct rig *r, size_t n, unsigned copies, uint32_t seq)
{
	poke_header(r, n, copies, FIELD(ddf_header, seq), seq);
}

static void set_open(const struct rig *r, size_t n, unsigned copies)
{
	poke_header(r, n, copies, FIELD(ddf_header, open_flag), DDF_OPEN);
}

/* A change that the checksum does not follow. */
static void corrupt(const struct rig *r, size_t n, unsigned copies, unsigned at)
{
	poke(r, n, copies, at, 1, 100, 1, 0x5a, false);
}

static void poke_pd(const struct rig *r, size_t n, unsigned copies, unsigned entry, size_t offset, size_t width,
		    uint64_t value)
{
	poke(r, n, copies, PD_AT, 128, 64 + 64 * entry + offset, width, value, true);
}

/* What tells which disk's or copy's table was taken: the type in an unused entry of physical disks. */
static void mark(const struct rig *r, size_t n, unsigned copies, unsigned value)
{
	poke_pd(r, n, copies, 100, FIELD(ddf_pd_entry, type), value);
}

static unsigned mark_found(const struct rig *r)
{
	return be16_get(ddf_pd(&r->c, 100)->type);
}

static void poke_record(const struct rig *r, size_t n, unsigned record, size_t offset, size_t width, uint64_t value)
{
	poke(r, n, BOTH, RECORD_AT(record), 7, offset, width, value, true);
}

static void poke_anchor(const struct rig *r, size_t n, size_t offset, size_t width, uint64_t value, bool seal)
{
	struct ddf_header h;

	ddf_read_sectors(r->all[n], SAMPLE_ANCHOR, &h, 1);
	for (size_t i = 0; i < width; i++)
		((uint8_t *)&h)[offset + i] = (uint8_t)(value >> 8 * (width - 1 - i));
	if (seal)
		ddf_seal(&h, sizeof(h));
	ddf_write_sectors(r->all[n], SAMPLE_ANCHOR, &h, 1);
}

/* ---- samples ---- */

static void assert_bytes(const struct rig *r, size_t n, unsigned at, unsigned sectors, const void *bytes)
{
	static uint8_t buf[455 * DDF_SECTOR];

	ddf_read_sectors(r->all[n], SAMPLE_PRIMARY + at, buf, sectors);
	assert_memory_equal(bytes, buf, sectors * DDF_SECTOR);
	ddf_read_sectors(r->all[n], SAMPLE_SECONDARY + at, buf, sectors);
	assert_memory_equal(bytes, buf, sectors * DDF_SECTOR);
}

static void check_disk(const struct rig *r, size_t n)
{
	const struct ddf_dl *dl = dl_of(r, n);
	struct ddf_header h;

	assert_bytes(r, n, CONTROLLER_AT, 1, r->c.controller);
	assert_bytes(r, n, PD_AT, 128, r->c.pd);
	assert_bytes(r, n, VD_AT, 32, r->c.vd);
	assert_bytes(r, n, RECORD_AT(0), 455, dl->config);
	assert_bytes(r, n, DATA_AT, 1, dl->disk_data);
	ddf_read_sectors(r->all[n], SAMPLE_PRIMARY, &h, 1);
	assert_memory_equal(&dl->header, &h, sizeof(h));
	assert_int_equal(dl->at.primary_lba, SAMPLE_PRIMARY);
	assert_int_equal(dl->at.secondary_lba, SAMPLE_SECONDARY);
	assert_true(dl->copy[DDF_FIRST_COPY].exists && dl->copy[DDF_SECOND_COPY].exists);
	assert_good(r, n, true, true);
	assert_false(dl->anchor_due || dl->given_up);
	assert_ptr_equal(ddf_dl_by_ref(&r->c, dl->refnum), dl);
	assert_true(ddf_guid_equal(ddf_pd_by_ref(&r->c, dl->refnum)->guid, dl->guid));
}

static void test_samples(void **state)
{
	struct rig *r = *state;

	for (size_t s = 0; s < DDF_SAMPLE_COUNT; s++) {
		add_all(r, ddf_samples[s].name);
		load_silently(r);
		for (size_t n = 0; n < r->count; n++) {
			assert_null(r->disk[n]);
			check_disk(r, n);
		}
		assert_memory_equal(r->c.pd_written, r->c.pd, 128 * DDF_SECTOR);
		assert_memory_equal(r->c.vd_written, r->c.vd, 32 * DDF_SECTOR);
		assert_int_equal(r->c.layout.max_pd, 1023);
		assert_int_equal(r->c.seq, be32_get(r->c.header.seq));
		clear(r);
	}
}

static void test_worked_example(void **state)
{
	struct rig *r = *state;
	const struct ddf_vdc *v;
	char name[17];

	add_all(r, "A");
	load_silently(r);
	assert_int_equal(r->c.seq, 8);
	assert_string_equal(ddf_vd_name(ddf_vd(&r->c, 0), name), "r5");
	assert_int_equal(r->c.volume[0].records->count, 1);
	assert_false(r->c.volume[0].live);
	v = ddf_any_record(&r->c, 0);
	assert_int_equal(be32_get(v->seq), 4);
	assert_int_equal(ddf_element_ref(v, 0), 0x5a0418cb);
	assert_int_equal(dl_of(r, 1)->refnum, 0x5a0418cb);
	assert_ptr_equal(ddf_record(r->c.volume[0].records, 0), v);
	assert_null(ddf_record(r->c.volume[0].records, 1));
	for (unsigned vd = 1; vd < r->c.layout.max_vd; vd++)
		assert_null(r->c.volume[vd].records);
	assert_true(ddf_vd_names(&r->c, 0, 0x34d9a354));
	assert_false(ddf_vd_names(&r->c, 0, 0x34d9a355));
	assert_false(ddf_vd_names(&r->c, 0, DDF_REF_NONE));
	assert_null(ddf_pd_by_ref(&r->c, DDF_REF_NONE));
	assert_int_equal(ddf_vd_by_guid(&r->c, v->guid), 0);
}

static void test_records_of_two_mirrors(void **state)
{
	struct rig *r = *state;
	const struct ddf_records *records;

	add_all(r, "B");
	load_silently(r);
	records = r->c.volume[0].records;
	assert_int_equal(records->count, 2);
	assert_int_equal(ddf_element_ref(ddf_record(records, 0), 0), 0x9ce41e21);
	assert_int_equal(ddf_element_ref(ddf_record(records, 1), 0), 0xc5073722);
	assert_int_equal(r->c.volume[1].records->count, 1);
	clear(r);
	add(r, "B", 2);
	load_silently(r);
	records = r->c.volume[0].records;
	assert_int_equal(records->count, 2);
	assert_null(ddf_record(records, 0));
	assert_ptr_equal(ddf_any_record(&r->c, 0), ddf_record(records, 1));
	assert_null(r->c.volume[1].records);
	assert_null(ddf_any_record(&r->c, 1));
}

static void test_latest_disk_comes_first(void **state)
{
	struct rig *r = *state;
	const struct ddf_dl *dl;

	add_all(r, "A");
	load_silently(r);
	dl = r->c.disks;
	for (size_t n = r->count; n-- > 0; dl = dl->next)
		assert_ptr_equal(dl->disk, r->all[n]);
	assert_null(dl);
}

/* ---- what mdadm -E says ---- */

static const char *const state_names[] = {
	"Optimal", "Degraded", "Deleted", "Missing", "Failed", "Partially Optimal", "-reserved-", "-reserved-",
};

static void check_vd_line(const struct rig *r, const char *line)
{
	char expected[128], name[17];
	const char *value = strstr(line, " : ");
	const struct ddf_vd_entry *vd;
	unsigned i;

	if (!value || sscanf(line, "%*[^[][%u]", &i) != 1)
		return;
	vd = ddf_vd(&r->c, i);
	if (strstr(line, "unit[")) {
		snprintf(expected, sizeof(expected), "%u", be16_get(vd->unit));
	} else if (strstr(line, " Name[")) {
		snprintf(expected, sizeof(expected), "%s", ddf_vd_name(vd, name));
	} else if (strstr(line, " state[") && !strstr(line, "init")) {
		snprintf(expected, sizeof(expected), "%s, %s", state_names[vd->state & DDF_VD_STATE_MASK],
			 vd->state & DDF_VD_INCONSISTENT ? "Not Consistent" : "Consistent");
	} else if (strstr(line, "init state[")) {
		snprintf(expected, sizeof(expected), "%s",
			 (vd->init_state & DDF_INIT_MASK) == DDF_INITIALISED ? "Fully Initialised" : "?");
	} else {
		return;
	}
	assert_string_equal(value + 3, expected);
}

static unsigned pd_index(const struct rig *r, uint32_t refnum)
{
	const struct ddf_pd_entry *e = ddf_pd_by_ref(&r->c, refnum);

	assert_non_null(e);
	return (unsigned)(e - ddf_pd(&r->c, 0));
}

/* " Raid Devices[0] : 3 (1@0K 0@0K 2@0K)": of the BVD that the disk is in. */
static void check_elements_line(const struct rig *r, size_t n, const char *line)
{
	const struct ddf_vdc *v = NULL;
	char expected[128];
	size_t len;
	unsigned i;

	if (sscanf(line, " Raid Devices[%u]", &i) != 1)
		return;
	for (unsigned seq = 0; seq < r->c.volume[i].records->count; seq++) {
		const struct ddf_vdc *s = ddf_record(r->c.volume[i].records, seq);

		if (s && ddf_record_names(&r->c, s, dl_of(r, n)->refnum))
			v = s;
	}
	assert_non_null(v);
	len = (size_t)snprintf(expected, sizeof(expected), "%u (", be16_get(v->primary_count));
	for (unsigned e = 0; e < be16_get(v->primary_count); e++)
		len += (size_t)snprintf(expected + len, sizeof(expected) - len, "%s%u@%lluK", e ? " " : "",
					pd_index(r, ddf_element_ref(v, e)),
					(unsigned long long)ddf_element_start(v, r->c.layout.mppe, e) / 2);
	snprintf(expected + len, sizeof(expected) - len, ")");
	assert_string_equal(strstr(line, " : ") + 3, expected);
}

static void check_container_line(const struct rig *r, const char *line)
{
	unsigned value;

	if (sscanf(line, " Seq : %x", &value) == 1)
		assert_int_equal(r->c.seq, value);
	else if (sscanf(line, " Physical Disks : %u", &value) == 1)
		assert_int_equal(r->c.layout.max_pd, value);
	else if (sscanf(line, " Virtual Disks : %u", &value) == 1)
		assert_int_equal(be16_get(((struct ddf_table_head *)(void *)r->c.vd)->populated), value);
}

/* "         1    d87921d5     32768K /dev/loop1      Global-Spare/Offline, Failed" */
static bool check_pd_line(const struct rig *r, const char *line)
{
	unsigned i, refnum, type, state;
	unsigned long long size;
	const struct ddf_pd_entry *e;

	if (sscanf(line, " %u %x %lluK", &i, &refnum, &size) != 3)
		return false;
	e = ddf_pd(&r->c, i);
	type = be16_get(e->type);
	state = be16_get(e->state);
	assert_int_equal(be32_get(e->refnum), refnum);
	assert_int_equal(be64_get(e->configured_size) / 2, size);
	assert_int_equal(!!(type & DDF_PD_ACTIVE), !!strstr(line, "active"));
	assert_int_equal(!!(type & DDF_PD_GLOBAL_SPARE), !!strstr(line, "Global-Spare"));
	assert_int_equal(!!(type & DDF_PD_SPARE), !!strstr(line, " spare/"));
	assert_int_equal(!!(state & DDF_PD_FAILED), !!strstr(line, "Failed"));
	assert_int_equal((state & DDF_PD_ONLINE) && !(state & DDF_PD_FAILED), !!strstr(line, "/Online"));
	assert_int_equal((state & DDF_PD_REBUILDING) && !(state & DDF_PD_FAILED), !!strstr(line, "Rebuilding"));
	assert_int_equal(!!(state & DDF_PD_MISSING), !!strstr(line, "Missing"));
	return true;
}

static void check_text(const struct rig *r, const char *name, size_t n)
{
	char path[512], line[256];
	unsigned disks = 0;
	FILE *f;

	ddf_sample_path(path, sizeof(path), name, (unsigned)n, "E.txt");
	f = fopen(path, "r");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		check_vd_line(r, line);
		check_elements_line(r, n, line);
		check_container_line(r, line);
		disks += check_pd_line(r, line);
	}
	fclose(f);
	assert_int_equal(disks, be16_get(((struct ddf_table_head *)(void *)r->c.pd)->populated));
}

static void test_as_mdadm_sees_it(void **state)
{
	struct rig *r = *state;

	for (size_t s = 0; s < DDF_SAMPLE_COUNT; s++) {
		add_all(r, ddf_samples[s].name);
		load_silently(r);
		for (size_t n = 0; n < r->count; n++)
			check_text(r, ddf_samples[s].name, n);
		clear(r);
	}
}

/* ---- the copies of a disk ---- */

enum damage { WHOLE, OPENED, WRONG_TABLE, WRONG_HEADER };

static void damage(const struct rig *r, unsigned copy, enum damage what)
{
	switch (what) {
	case WHOLE:
		break;
	case OPENED:
		set_open(r, 0, copy);
		break;
	case WRONG_TABLE:
		corrupt(r, 0, copy, VD_AT);
		break;
	case WRONG_HEADER:
		corrupt(r, 0, copy, 0);
		break;
	}
}

/* One disk: generation and condition of both copies, and which one must be used. */
static const struct {
	uint32_t first_seq;
	enum damage first;
	uint32_t second_seq;
	enum damage second;
	unsigned used; /* 0: none */
} copy_cases[] = {
	{ 8, WHOLE, 8, WHOLE, PRIMARY_BIT },
	{ 9, WHOLE, 8, WHOLE, PRIMARY_BIT },
	{ 8, WHOLE, 9, WHOLE, SECONDARY_BIT },
	{ 0x7fffffff, WHOLE, 0x80000000, WHOLE, SECONDARY_BIT },
	{ 0xffffffff, WHOLE, 0, WHOLE, PRIMARY_BIT },
	/* a write was interrupted: mdadm would use the torn primary */
	{ 9, OPENED, 8, WHOLE, SECONDARY_BIT },
	{ 8, WHOLE, 9, OPENED, PRIMARY_BIT },
	{ 9, OPENED, 9, WHOLE, SECONDARY_BIT },
	{ 9, WRONG_TABLE, 8, WHOLE, SECONDARY_BIT },
	{ 8, WHOLE, 9, WRONG_TABLE, PRIMARY_BIT },
	{ 9, WRONG_HEADER, 8, WHOLE, SECONDARY_BIT },
	{ 8, WHOLE, 9, WRONG_HEADER, PRIMARY_BIT },
	/* none is right: as mdadm does */
	{ 8, WRONG_TABLE, 8, WRONG_TABLE, PRIMARY_BIT },
	{ 8, WRONG_TABLE, 9, WRONG_TABLE, SECONDARY_BIT },
	{ 9, WRONG_TABLE, 8, WRONG_TABLE, PRIMARY_BIT },
	{ 8, OPENED, 8, WRONG_TABLE, SECONDARY_BIT },
	{ 9, OPENED, 8, WRONG_TABLE, PRIMARY_BIT },
	{ 8, OPENED, 9, OPENED, PRIMARY_BIT },
	{ 8, WRONG_TABLE, 9, OPENED, PRIMARY_BIT },
	{ 8, WRONG_HEADER, 9, OPENED, SECONDARY_BIT },
	{ 9, OPENED, 8, WRONG_HEADER, PRIMARY_BIT },
	{ 8, WRONG_HEADER, 9, WRONG_TABLE, SECONDARY_BIT },
	{ 8, WRONG_HEADER, 8, WRONG_HEADER, 0 },
};

static void check_choice(struct rig *r, size_t i)
{
	const bool first_right = copy_cases[i].first == WHOLE, second_right = copy_cases[i].second == WHOLE;
	const unsigned used = copy_cases[i].used;
	uint32_t seq = used == PRIMARY_BIT ? copy_cases[i].first_seq : copy_cases[i].second_seq;

	assert_int_equal(mark_found(r), used);
	assert_good(r, 0, used == PRIMARY_BIT && first_right && r->c.seq == seq,
		    used == SECONDARY_BIT && second_right && r->c.seq == seq);
	assert_int_equal(be32_get(r->c.header.seq), seq);
	assert_int_equal(!!strstr(r->log.text, "disk sda: the primary copy of the metadata is damaged"), !first_right);
	assert_int_equal(!!strstr(r->log.text, "disk sda: the secondary copy of the metadata is damaged"),
			 !second_right);
}

static void test_choice_of_the_copy(void **state)
{
	struct rig *r = *state;

	for (size_t i = 0; i < COUNT(copy_cases); i++) {
		add(r, "A", 0);
		mark(r, 0, PRIMARY_BIT, PRIMARY_BIT);
		mark(r, 0, SECONDARY_BIT, SECONDARY_BIT);
		set_seq(r, 0, PRIMARY_BIT, copy_cases[i].first_seq);
		set_seq(r, 0, SECONDARY_BIT, copy_cases[i].second_seq);
		damage(r, PRIMARY_BIT, copy_cases[i].first);
		damage(r, SECONDARY_BIT, copy_cases[i].second);
		if (copy_cases[i].used) {
			assert_int_equal(load(r), 0);
			check_choice(r, i);
		} else {
			assert_int_equal(load(r), -ENODEV);
			assert_logged(r, "disk sda is not used: no copy of its metadata can be used\n");
			assert_logged(r, "Cannot load metadata for md127: ");
			assert_non_null(r->disk[0]);
		}
		clear(r);
	}
}

/* The generation that mdadm could take for finished is not given again; a torn one may be. */
static void test_generation_on_the_disks(void **state)
{
	struct rig *r = *state;

	add(r, "A", 0);
	set_seq(r, 0, PRIMARY_BIT, 9);
	set_open(r, 0, PRIMARY_BIT);
	assert_int_equal(load(r), 0);
	assert_int_equal(r->c.seq, 8);
	assert_good(r, 0, false, true);
	clear(r);
	add(r, "A", 0);
	set_seq(r, 0, PRIMARY_BIT, 9);
	corrupt(r, 0, PRIMARY_BIT, VD_AT);
	assert_int_equal(load(r), 0);
	assert_int_equal(r->c.seq, 9);
	assert_good(r, 0, false, false);
}

/* What is wrong with the primary copy while the secondary is right, one thing at a time. */
static const struct {
	unsigned at, sectors;
	size_t offset, width;
	uint64_t value;
	bool seal;
	const char *why;
} copy_faults[] = {
	{ 0, 1, FIELD(ddf_header, magic), 0, true, "no DDF signature" },
	{ 0, 1, FIELD(ddf_header, crc), 0, false, "the header has a wrong checksum" },
	{ 0, 1, offsetof(struct ddf_header, revision) + 1, 1, '3', true, "the revision of the format is not known" },
	{ 0, 1, FIELD(ddf_header, type), DDF_SECONDARY, true, "the header is of another type" },
	{ 0, 1, offsetof(struct ddf_header, guid) + 20, 4, 1, true,
	  "the header does not match the one at the end of the disk" },
	{ 0, 1, FIELD(ddf_header, primary_lba), 5, true, "the header does not match the one at the end of the disk" },
	{ 0, 1, FIELD(ddf_header, reserved2), 5, true, "the header does not match the one at the end of the disk" },
	{ 0, 1, FIELD(ddf_header, record_len), 0, true, "the length of configuration records is out of range" },
	{ 0, 1, FIELD(ddf_header, open_flag), 1, true, "it was not written completely" },
	{ 0, 1, FIELD(ddf_header, open_flag), 15, true, "it was not written completely" },
	{ CONTROLLER_AT, 1, 0, 4, 0, true, "the controller data are not there" },
	{ CONTROLLER_AT, 1, 64, 4, 0, false, "the controller data have a wrong checksum" },
	{ PD_AT, 128, FIELD(ddf_table_head, magic), DDF_VD_MAGIC, true, "the table of physical disks is not there" },
	{ PD_AT, 128, FIELD(ddf_table_head, crc), 0, false, "the table of physical disks has a wrong checksum" },
	{ PD_AT, 128, 65535, 1, 0, false, "the table of physical disks has a wrong checksum" },
	{ VD_AT, 32, FIELD(ddf_table_head, magic), DDF_PD_MAGIC, true, "the table of virtual disks is not there" },
	{ VD_AT, 32, 16383, 1, 0, false, "the table of virtual disks has a wrong checksum" },
	{ RECORD_AT(0), 7, FIELD(ddf_vdc, crc), 0, false, "a configuration record has a wrong checksum" },
	{ RECORD_AT(0), 7, 3583, 1, 7, false, "a configuration record has a wrong checksum" },
	{ RECORD_AT(1), 7, 0, 4, DDF_VDC_MAGIC, false, "a configuration record has a wrong checksum" },
	{ RECORD_AT(64), 7, 0, 4, DDF_SPARE_MAGIC, false, "a configuration record has a wrong checksum" },
	{ DATA_AT, 1, FIELD(ddf_disk_data, magic), 0, true, "the data of the disk are not there" },
	{ DATA_AT, 1, 511, 1, 0, false, "the data of the disk have a wrong checksum" },
};

static void test_faults_of_a_copy(void **state)
{
	struct rig *r = *state;
	char line[256];

	for (size_t i = 0; i < COUNT(copy_faults); i++) {
		add_all(r, "A");
		poke(r, 1, PRIMARY_BIT, copy_faults[i].at, copy_faults[i].sectors, copy_faults[i].offset,
		     copy_faults[i].width, copy_faults[i].value, copy_faults[i].seal);
		assert_int_equal(load(r), 0);
		snprintf(line, sizeof(line), "mdmon: md127: disk sdb: the primary copy of the metadata is damaged: %s\n",
			 copy_faults[i].why);
		assert_string_equal(r->log.text, line);
		assert_good(r, 0, true, true);
		assert_good(r, 1, false, true);
		assert_true(dl_of(r, 1)->copy[DDF_FIRST_COPY].exists);
		assert_int_equal(r->c.seq, 8);
		clear(r);
	}
}

/* Things that are not ours to judge. */
static void test_not_a_fault(void **state)
{
	struct rig *r = *state;

	add_all(r, "A");
	poke(r, 0, BOTH, RECORD_AT(3), 1, 0, 4, DDF_VENDOR_MAGIC, false);
	poke(r, 0, BOTH, RECORD_AT(5), 1, 0, 4, 0, false);
	poke(r, 0, BOTH, RECORD_AT(6), 1, 0, 4, 0x12345678, false);
	load_silently(r);
	assert_good(r, 0, true, true);
	assert_bytes(r, 0, RECORD_AT(0), 455, dl_of(r, 0)->config);
}

static void test_copy_that_cannot_be_read(void **state)
{
	static const unsigned sector[] = { 0, 1, 50, 150, 500, 617 };
	struct rig *r = *state;

	for (size_t i = 0; i < COUNT(sector); i++) {
		add_all(r, "A");
		bad_disk = r->all[2];
		bad_sector = SAMPLE_PRIMARY + sector[i];
		assert_int_equal(load(r), 0);
		assert_logged(r, "disk sdc: the primary copy of the metadata is damaged: it");
		assert_logged(r, "cannot be read");
		assert_good(r, 2, false, true);
		clear(r);
	}
}

/* The copies are right in themselves, but not alike: the second is brought up to date. */
static void test_copies_that_differ(void **state)
{
	struct rig *r = *state;

	for (int i = 0; i < 5; i++) {
		add_all(r, "A");
		switch (i) {
		case 0:
			mark(r, 0, SECONDARY_BIT, 1);
			break;
		case 1:
			poke(r, 0, SECONDARY_BIT, VD_AT, 32, 16000, 1, 0, true);
			break;
		case 2:
			poke(r, 0, SECONDARY_BIT, RECORD_AT(9), 7, 0, 4, DDF_VENDOR_MAGIC, true);
			break;
		case 3:
			poke(r, 0, SECONDARY_BIT, DATA_AT, 1, 300, 1, 0, true);
			break;
		default:
			poke_header(r, 0, SECONDARY_BIT, FIELD(ddf_header, workspace_len), 5);
		}
		load_silently(r);
		assert_good(r, 0, true, false);
		assert_good(r, 1, true, true);
		clear(r);
	}
}

static void no_secondary(const struct rig *r, size_t n)
{
	poke_header(r, n, PRIMARY_BIT, FIELD(ddf_header, secondary_lba), DDF_NO_LBA);
	poke_anchor(r, n, FIELD(ddf_header, secondary_lba), DDF_NO_LBA, true);
}

static void test_one_copy_only(void **state)
{
	struct rig *r = *state;

	add_all(r, "A");
	no_secondary(r, 0);
	load_silently(r);
	assert_true(dl_of(r, 0)->copy[DDF_FIRST_COPY].exists);
	assert_false(dl_of(r, 0)->copy[DDF_SECOND_COPY].exists);
	assert_good(r, 0, true, false);
	clear(r);
	add_all(r, "A");
	no_secondary(r, 0);
	corrupt(r, 0, PRIMARY_BIT, 0);
	load_without(r, 0, "no copy of its metadata can be used");
}

/* ---- the anchor ---- */

static void test_anchor_that_differs(void **state)
{
	struct rig *r = *state;

	add_all(r, "A");
	poke_anchor(r, 0, FIELD(ddf_header, type), DDF_PRIMARY, true);
	poke_anchor(r, 1, FIELD(ddf_header, workspace_len), 5, true);
	load_silently(r);
	assert_true(dl_of(r, 0)->anchor_due);
	assert_true(dl_of(r, 1)->anchor_due);
	assert_false(dl_of(r, 2)->anchor_due);
}

/* mdadm makes a disk blank by clearing its anchor: the copies that are left must not be found. */
static void test_no_anchor(void **state)
{
	struct rig *r = *state;

	add_all(r, "A");
	poke_anchor(r, 1, FIELD(ddf_header, magic), 0, true);
	load_without(r, 1, "no DDF signature");
	clear(r);
	add_all(r, "A");
	poke_anchor(r, 1, FIELD(ddf_header, crc), 0, false);
	load_without(r, 1, "the header has a wrong checksum");
}

/* ---- disks that are left alone ---- */

static void test_other_container(void **state)
{
	struct rig *r = *state;

	add_all(r, "B");
	add(r, "A", 2);
	r->all[5]->dev = makedev(9, 9);
	load_without(r, 5, "it belongs to another container");
	for (size_t n = 0; n < 5; n++)
		assert_good(r, n, true, true);
}

static void test_other_shape(void **state)
{
	struct rig *r = *state;

	add_all(r, "A");
	poke_header(r, 1, BOTH, FIELD(ddf_header, max_partitions), 63);
	poke_anchor(r, 1, FIELD(ddf_header, max_partitions), 63, true);
	load_without(r, 1, "its tables have other sizes than those of the other disks");
}

static void test_disk_that_the_table_does_not_list(void **state)
{
	struct rig *r = *state;

	for (int i = 0; i < 3; i++) {
		add_all(r, "A");
		if (i == 0) /* the table has forgotten it */
			for (size_t n = 0; n < 3; n++)
				poke_pd(r, n, BOTH, 1, FIELD(ddf_pd_entry, refnum), DDF_REF_NONE);
		else if (i == 1)
			poke(r, 1, BOTH, DATA_AT, 1, FIELD(ddf_disk_data, refnum), 0x11111111, true);
		else
			poke(r, 1, BOTH, DATA_AT, 1, offsetof(struct ddf_disk_data, guid), 4, 0x11111111, true);
		load_without(r, 1, "it is not in the container's table of disks");
		clear(r);
	}
}

static void test_special_reference_numbers(void **state)
{
	struct rig *r = *state;

	add_all(r, "A");
	for (size_t n = 0; n < 3; n++)
		poke_pd(r, n, BOTH, 1, FIELD(ddf_pd_entry, refnum), DDF_REF_MISSING);
	poke(r, 1, BOTH, DATA_AT, 1, FIELD(ddf_disk_data, refnum), DDF_REF_MISSING, true);
	load_without(r, 1, "it is not in the container's table of disks");
	assert_logged(r, "md127: physical disk 1 has no valid reference number");
}

static void test_same_disk_twice(void **state)
{
	struct rig *r = *state;

	add_all(r, "A");
	add(r, "A", 1);
	r->all[3]->dev = makedev(9, 9);
	load_without(r, 3, "another disk has the same reference number");
	assert_good(r, 1, true, true);
}

/* Of two disks with one number it is the newer one that belongs here, in whatever order they come. */
static void test_stale_twin(void **state)
{
	struct rig *r = *state;

	add(r, "A", 1);
	set_seq(r, 0, BOTH, 7);
	r->all[0]->dev = makedev(9, 9);
	add_all(r, "A");
	load_without(r, 0, "another disk has the same reference number");
	assert_int_equal(r->c.seq, 8);
}

static void test_disk_that_cannot_be_read(void **state)
{
	struct rig *r = *state;

	add_all(r, "A");
	bad_disk = r->all[0];
	load_without(r, 0, "its last sector cannot be read");
	assert_good(r, 1, true, true);
}

static void test_other_sector_size(void **state)
{
	struct rig *r = *state;

	add_all(r, "A");
	r->all[2]->sector_size = 4096;
	load_without(r, 2, "its sectors are not of 512 bytes, and DDF can use no others");
}

static void test_disk_that_is_too_small(void **state)
{
	struct rig *r = *state;

	for (uint64_t size = 0; size < 1024; size += 511) {
		add_all(r, "A");
		r->all[2]->size = size;
		load_without(r, 2, "it is too small for metadata");
		clear(r);
	}
}

static void test_no_disks(void **state)
{
	struct rig *r = *state;

	assert_int_equal(load(r), -ENODEV);
	assert_string_equal(r->log.text,
			    "mdmon: Cannot load metadata for md127: no disk has DDF metadata that can be used\n");
	r->disk[0] = r->all[0] = ddf_blank_disk(0, SAMPLE_SECTORS);
	r->count = 1;
	assert_int_equal(load(r), -ENODEV);
	assert_logged(r, "disk sda is not used: no DDF signature\n");
	assert_non_null(r->disk[0]);
	assert_null(r->c.disks);
}

/* ---- disks that disagree ---- */

static void test_newest_disk_decides(void **state)
{
	struct rig *r = *state;

	for (size_t newest = 0; newest < 3; newest++) {
		add_all(r, "A");
		for (size_t n = 0; n < 3; n++)
			mark(r, n, BOTH, (unsigned)n);
		set_seq(r, newest, BOTH, 0x80000000); /* as a signed number it would be old */
		load_silently(r);
		assert_int_equal(mark_found(r), newest);
		assert_int_equal(r->c.seq, 0x80000000);
		assert_int_equal(be32_get(r->c.header.seq), 0x80000000);
		for (size_t n = 0; n < 3; n++)
			assert_good(r, n, n == newest, n == newest);
		clear(r);
	}
}

static void test_open_copy_counts_one_less(void **state)
{
	struct rig *r = *state;

	add_all(r, "A");
	for (size_t n = 0; n < 3; n++)
		mark(r, n, BOTH, (unsigned)n);
	set_seq(r, 0, BOTH, 9);
	set_open(r, 0, BOTH);
	assert_int_equal(load(r), 0);
	assert_int_equal(mark_found(r), 1);
	assert_int_equal(r->c.seq, 9);
	clear(r);
	add_all(r, "A");
	for (size_t n = 0; n < 3; n++)
		mark(r, n, BOTH, (unsigned)n);
	set_seq(r, 2, BOTH, 10);
	set_open(r, 2, BOTH);
	assert_int_equal(load(r), 0);
	assert_int_equal(mark_found(r), 2);
}

/* A crash while the disks were written one after the other. */
static void test_disks_of_two_generations(void **state)
{
	struct rig *r = *state;

	add_all(r, "A");
	for (size_t n = 0; n < 2; n++) {
		mark(r, n, PRIMARY_BIT, 5);
		set_seq(r, n, PRIMARY_BIT, 9);
	}
	set_open(r, 1, PRIMARY_BIT);
	assert_int_equal(load(r), 0);
	assert_int_equal(mark_found(r), 5);
	assert_int_equal(r->c.seq, 9);
	assert_good(r, 0, true, false);
	assert_good(r, 1, false, false);
	assert_good(r, 2, false, false);
}

static void test_equally_new_but_damaged(void **state)
{
	struct rig *r = *state;

	add_all(r, "A");
	for (size_t n = 0; n < 3; n++)
		mark(r, n, BOTH, (unsigned)n + 1);
	corrupt(r, 0, BOTH, PD_AT + 5);
	assert_int_equal(load(r), 0);
	assert_int_equal(mark_found(r), 2);
	assert_logged(r, "disk sda: the primary copy of the metadata is damaged, but used: the table of physical");
	assert_logged(r, "disk sda: the secondary copy of the metadata is damaged: the table of physical");
	assert_good(r, 0, false, false);
}

/* Firmware that leaves wrong checksums everywhere: mdadm starts such containers. */
static void test_wrong_checksums_everywhere(void **state)
{
	struct rig *r = *state;

	add_all(r, "A");
	for (size_t n = 0; n < 3; n++) {
		poke(r, n, BOTH, CONTROLLER_AT, 1, 4, 4, 1, false);
		poke(r, n, BOTH, PD_AT, 1, 4, 4, 1, false);
		poke(r, n, BOTH, VD_AT, 1, 4, 4, 1, false);
		poke(r, n, BOTH, DATA_AT, 1, 4, 4, 1, false);
	}
	assert_int_equal(load(r), 0);
	for (size_t n = 0; n < 3; n++)
		assert_good(r, n, false, false);
	assert_non_null(ddf_any_record(&r->c, 0));
	assert_int_equal(r->c.seq, 8);
}

/* ---- the tables ---- */

static void test_table_with_doubles(void **state)
{
	struct rig *r = *state;

	add_all(r, "A");
	for (size_t n = 0; n < 3; n++) {
		poke_pd(r, n, BOTH, 7, FIELD(ddf_pd_entry, refnum), 0x5a0418cb);
		poke_pd(r, n, BOTH, 7, offsetof(struct ddf_pd_entry, guid), 4, 0);
	}
	assert_int_equal(load(r), 0);
	assert_string_equal(r->log.text, "mdmon: md127: physical disk 7 is ignored: it is the same as 1\n");
	assert_ptr_equal(ddf_pd_by_ref(&r->c, 0x5a0418cb), ddf_pd(&r->c, 1));
	assert_non_null(dl_of(r, 1));
}

static void test_virtual_disk_twice(void **state)
{
	static uint8_t vd[32 * DDF_SECTOR];
	struct rig *r = *state;

	add_all(r, "A");
	for (size_t n = 0; n < 3; n++) {
		ddf_read_sectors(r->all[n], SAMPLE_PRIMARY + VD_AT, vd, 32);
		memcpy(vd + 64 + 64 * 9, vd + 64, 64);
		ddf_seal(vd, sizeof(vd));
		ddf_write_sectors(r->all[n], SAMPLE_PRIMARY + VD_AT, vd, 32);
		ddf_write_sectors(r->all[n], SAMPLE_SECONDARY + VD_AT, vd, 32);
	}
	assert_int_equal(load(r), 0);
	assert_string_equal(r->log.text, "mdmon: md127: virtual disk 9 is ignored: it is the same as 0\n");
	assert_non_null(r->c.volume[0].records);
	assert_null(r->c.volume[9].records);
}

/* What the tables say of their sizes themselves, and what of it counts: they may be shorter than the header says. */
static const struct {
	unsigned pd, vd, max_pd, max_vd;
} table_sizes[] = {
	{ 15, 4, 15, 4 },
	{ 1024, 256, 1023, 255 },
	{ 0xffff, 0xffff, 1023, 255 },
	{ 0, 0, 1023, 255 }, /* not said */
};

static void test_tables_that_tell_their_sizes(void **state)
{
	struct rig *r = *state;

	for (size_t i = 0; i < COUNT(table_sizes); i++) {
		add_all(r, "A");
		for (size_t n = 0; n < 3; n++) {
			poke(r, n, BOTH, PD_AT, 128, FIELD(ddf_table_head, max), table_sizes[i].pd, true);
			poke(r, n, BOTH, VD_AT, 32, FIELD(ddf_table_head, max), table_sizes[i].vd, true);
		}
		load_silently(r);
		assert_int_equal(r->c.layout.max_pd, table_sizes[i].max_pd);
		assert_int_equal(r->c.layout.max_vd, table_sizes[i].max_vd);
		clear(r);
	}
}

/* ---- configuration records ---- */

static void test_newest_record_counts(void **state)
{
	struct rig *r = *state;

	for (size_t newest = 0; newest < 3; newest++) {
		add_all(r, "A");
		for (size_t n = 0; n < 3; n++)
			poke_record(r, n, 0, offsetof(struct ddf_vdc, bg_rate), 1, n);
		poke_record(r, newest, 0, FIELD(ddf_vdc, seq), 0x80000000);
		load_silently(r);
		assert_int_equal(ddf_any_record(&r->c, 0)->bg_rate, newest);
		clear(r);
	}
}

/* Of equally new records, that of the newest disk. */
static void test_record_of_the_newest_disk(void **state)
{
	struct rig *r = *state;

	for (size_t newest = 0; newest < 3; newest++) {
		add_all(r, "A");
		for (size_t n = 0; n < 3; n++)
			poke_record(r, n, 0, offsetof(struct ddf_vdc, bg_rate), 1, n);
		set_seq(r, newest, BOTH, 9);
		load_silently(r);
		assert_int_equal(ddf_any_record(&r->c, 0)->bg_rate, newest);
		clear(r);
	}
}

static const struct {
	size_t offset, width;
	uint64_t value;
	bool seal;
	const char *why; /* NULL: nothing is said */
} record_faults[] = {
	{ FIELD(ddf_vdc, crc), 0, false, "its checksum is wrong" },
	{ FIELD(ddf_vdc, primary_count), 0, true, "its number of disks is out of range" },
	{ FIELD(ddf_vdc, secondary_count), 0, true, "its number of basic virtual disks is out of range" },
	{ FIELD(ddf_vdc, secondary_seq), 1, true, "its place among the basic virtual disks is out of range" },
	{ FIELD(ddf_vdc, strip_exponent), 40, true, "its strip size is out of range" },
	{ FIELD(ddf_vdc, secondary_count), 2, true, "it contradicts the record of a newer disk" },
	{ FIELD(ddf_vdc, primary_count), 4, true, "it contradicts the record of a newer disk" },
	{ FIELD(ddf_vdc, prl), DDF_RAID6, true, "it contradicts the record of a newer disk" },
	{ FIELD(ddf_vdc, srl), DDF_2SPANNED, true, "it contradicts the record of a newer disk" },
	{ offsetof(struct ddf_vdc, guid), 4, 0, true, NULL }, /* of a virtual disk that was deleted */
	{ FIELD(ddf_vdc, magic), DDF_VENDOR_MAGIC, false, NULL },
};

/* Disk 1 has a record that is bad, though it says that it is the newest. */
static void test_records_that_are_ignored(void **state)
{
	struct rig *r = *state;
	char line[256];

	for (size_t i = 0; i < COUNT(record_faults); i++) {
		add_all(r, "A");
		poke_record(r, 1, 0, FIELD(ddf_vdc, seq), 99);
		poke(r, 1, BOTH, RECORD_AT(0), 7, record_faults[i].offset, record_faults[i].width,
		     record_faults[i].value, record_faults[i].seal);
		assert_int_equal(load(r), 0);
		snprintf(line, sizeof(line), "mdmon: md127: disk sdb: configuration record 0 is ignored: %s\n",
			 record_faults[i].why);
		if (record_faults[i].why)
			assert_logged(r, line);
		else
			assert_string_equal(r->log.text, "");
		assert_int_equal(be32_get(ddf_any_record(&r->c, 0)->seq), 4);
		assert_int_equal(r->c.volume[0].records->count, 1);
		assert_bytes(r, 1, RECORD_AT(0), 455, dl_of(r, 1)->config);
		clear(r);
	}
}

static void test_room_that_is_not_there(void **state)
{
	struct rig *r = *state;

	add_all(r, "A");
	for (size_t n = 0; n < 3; n++)
		poke_pd(r, n, BOTH, 0, FIELD(ddf_pd_entry, configured_size), 32768);
	load_silently(r);
	clear(r);
	add_all(r, "A");
	for (size_t n = 0; n < 3; n++)
		poke_pd(r, n, BOTH, 0, FIELD(ddf_pd_entry, configured_size), 32767);
	assert_int_equal(load(r), 0);
	assert_string_equal(r->log.text, "mdmon: md127: disk sda: virtual disk 0 reaches beyond the room for data\n");
	clear(r);
	/* The RAID1 on disks 1 and 3, behind the RAID10: one sector further forward on disk 3. */
	add_all(r, "B");
	for (size_t n = 1; n <= 3; n += 2)
		poke_record(r, n, 0, 512 + 4 * 256 + 8, 8, 16383);
	assert_int_equal(load(r), 0);
	assert_string_equal(r->log.text, "mdmon: md127: disk sdd: virtual disks 0 and 1 overlap\n");
}

/* A disk that is full of virtual disks, each of which says that it has 255 parts. */
static void test_records_do_not_use_up_the_memory(void **state)
{
	static uint8_t vd[32 * DDF_SECTOR], config[455 * DDF_SECTOR];
	static const uint64_t lba[] = { SAMPLE_PRIMARY, SAMPLE_SECONDARY };
	struct rig *r = *state;
	size_t bytes = 0, known = 0;

	add(r, "A", 0);
	ddf_read_sectors(r->all[0], SAMPLE_PRIMARY + VD_AT, vd, 32);
	ddf_read_sectors(r->all[0], SAMPLE_PRIMARY + RECORD_AT(0), config, 455);
	for (unsigned i = 0; i < 65; i++) {
		uint8_t *entry = vd + 64 + 64 * i, *record = config + 3584 * i;
		struct ddf_vdc *v = (struct ddf_vdc *)(void *)record;

		if (i) {
			memcpy(record, config, 3584);
			memcpy(entry, vd + 64, 64);
		}
		v->primary_count = be16_make(1);
		v->secondary_count = 255;
		entry[20] = v->guid[20] = (uint8_t)i;
		ddf_seal(record, 3584);
	}
	ddf_seal(vd, sizeof(vd));
	for (int copy = 0; copy < 2; copy++) {
		ddf_write_sectors(r->all[0], lba[copy] + VD_AT, vd, 32);
		ddf_write_sectors(r->all[0], lba[copy] + RECORD_AT(0), config, 455);
	}
	assert_int_equal(load(r), 0);
	assert_logged(r, "is ignored: there are too many virtual disks\n");
	for (unsigned i = 0; i < 65; i++)
		if (r->c.volume[i].records) {
			bytes += r->c.volume[i].records->count * r->c.volume[i].records->record_bytes;
			known++;
		}
	assert_true(known > 30 && bytes < 34u << 20);
}

/* ---- a disk that is new ---- */

static void test_new_disk(void **state)
{
	struct rig *r = *state;
	struct ddf_dl *dl;

	add_all(r, "A");
	load_silently(r);
	dl = ddf_dl_new(r->all[0], &r->c.layout);
	assert_non_null(dl);
	assert_ptr_equal(dl->disk, r->all[0]);
	assert_int_equal(dl->dev, r->all[0]->dev);
	assert_false(dl->copy[DDF_FIRST_COPY].exists || dl->copy[DDF_SECOND_COPY].good || dl->anchor_due);
	for (size_t i = 0; i < 455 * DDF_SECTOR; i++)
		assert_int_equal(dl->config[i], 0xff);
	for (size_t i = 0; i < DDF_SECTOR; i++)
		assert_int_equal(dl->disk_data[i], 0xff);
	free(dl);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_samples),
		TEST(test_worked_example),
		TEST(test_records_of_two_mirrors),
		TEST(test_latest_disk_comes_first),
		TEST(test_as_mdadm_sees_it),
		TEST(test_choice_of_the_copy),
		TEST(test_generation_on_the_disks),
		TEST(test_faults_of_a_copy),
		TEST(test_not_a_fault),
		TEST(test_copy_that_cannot_be_read),
		TEST(test_copies_that_differ),
		TEST(test_one_copy_only),
		TEST(test_anchor_that_differs),
		TEST(test_no_anchor),
		TEST(test_other_container),
		TEST(test_other_shape),
		TEST(test_disk_that_the_table_does_not_list),
		TEST(test_special_reference_numbers),
		TEST(test_same_disk_twice),
		TEST(test_stale_twin),
		TEST(test_disk_that_cannot_be_read),
		TEST(test_other_sector_size),
		TEST(test_disk_that_is_too_small),
		TEST(test_no_disks),
		TEST(test_newest_disk_decides),
		TEST(test_open_copy_counts_one_less),
		TEST(test_disks_of_two_generations),
		TEST(test_equally_new_but_damaged),
		TEST(test_wrong_checksums_everywhere),
		TEST(test_table_with_doubles),
		TEST(test_virtual_disk_twice),
		TEST(test_tables_that_tell_their_sizes),
		TEST(test_newest_record_counts),
		TEST(test_record_of_the_newest_disk),
		TEST(test_records_that_are_ignored),
		TEST(test_room_that_is_not_there),
		TEST(test_records_do_not_use_up_the_memory),
		TEST(test_new_disk),
	};

	return cmocka_run_group_tests_name("ddf-load", tests, NULL, NULL);
}
