/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ddf/load.c: samples as mdadm left them, and what its -E said of them. */
#include "tests/unit/support/ddf-loading.h"

#include <stdio.h>
#include <string.h>

/* ---- samples ---- */

static void check_disk(const struct rig *r, size_t n)
{
	const struct ddf_dl *dl = dld_dl_of(r, n);
	struct ddf_header h;

	dld_assert_bytes(r, n, CONTROLLER_AT, 1, r->c.controller);
	dld_assert_bytes(r, n, PD_AT, 128, r->c.pd);
	dld_assert_bytes(r, n, VD_AT, 32, r->c.vd);
	dld_assert_bytes(r, n, RECORD_AT(0), 455, dl->config);
	dld_assert_bytes(r, n, DATA_AT, 1, dl->disk_data);
	ddf_read_sectors(r->all[n], SAMPLE_PRIMARY, &h, 1);
	assert_memory_equal(&dl->header, &h, sizeof(h));
	assert_int_equal(dl->at.primary_lba, SAMPLE_PRIMARY);
	assert_int_equal(dl->at.secondary_lba, SAMPLE_SECONDARY);
	assert_true(dl->copy[DDF_FIRST_COPY].exists && dl->copy[DDF_SECOND_COPY].exists);
	dld_assert_good(r, n, true, true);
	assert_false(dl->anchor_due || dl->given_up);
	assert_ptr_equal(ddf_dl_by_ref(&r->c, dl->refnum), dl);
	assert_true(ddf_guid_equal(ddf_pd_by_ref(&r->c, dl->refnum)->guid, dl->guid));
}

static void test_samples(void **state)
{
	struct rig *r = *state;

	for (size_t s = 0; s < DDF_SAMPLE_COUNT; s++) {
		dld_add_all(r, ddf_samples[s].name);
		dld_load_silently(r);
		for (size_t n = 0; n < r->count; n++) {
			assert_null(r->disk[n]);
			check_disk(r, n);
		}
		assert_memory_equal(r->c.pd_written, r->c.pd, 128 * DDF_SECTOR);
		assert_memory_equal(r->c.vd_written, r->c.vd, 32 * DDF_SECTOR);
		assert_int_equal(r->c.layout.max_pd, 1023);
		assert_int_equal(r->c.seq, be32_get(r->c.header.seq));
		dld_clear(r);
	}
}

static void test_worked_example(void **state)
{
	struct rig *r = *state;
	const struct ddf_vdc *v;
	char name[17];

	dld_add_all(r, "A");
	dld_load_silently(r);
	assert_int_equal(r->c.seq, 8);
	assert_string_equal(ddf_vd_name(ddf_vd(&r->c, 0), name), "r5");
	assert_int_equal(r->c.volume[0].records->count, 1);
	assert_false(r->c.volume[0].live);
	v = ddf_any_record(&r->c, 0);
	assert_int_equal(be32_get(v->seq), 4);
	assert_int_equal(ddf_element_ref(v, 0), 0x5a0418cb);
	assert_int_equal(dld_dl_of(r, 1)->refnum, 0x5a0418cb);
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

	dld_add_all(r, "B");
	dld_load_silently(r);
	records = r->c.volume[0].records;
	assert_int_equal(records->count, 2);
	assert_int_equal(ddf_element_ref(ddf_record(records, 0), 0), 0x9ce41e21);
	assert_int_equal(ddf_element_ref(ddf_record(records, 1), 0), 0xc5073722);
	assert_int_equal(r->c.volume[1].records->count, 1);
	dld_clear(r);
	dld_add(r, "B", 2);
	dld_load_silently(r);
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

	dld_add_all(r, "A");
	dld_load_silently(r);
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

		if (s && ddf_record_names(&r->c, s, dld_dl_of(r, n)->refnum))
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
		dld_add_all(r, ddf_samples[s].name);
		dld_load_silently(r);
		for (size_t n = 0; n < r->count; n++)
			check_text(r, ddf_samples[s].name, n);
		dld_clear(r);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, dld_setup, dld_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_samples),
		TEST(test_worked_example),
		TEST(test_records_of_two_mirrors),
		TEST(test_latest_disk_comes_first),
		TEST(test_as_mdadm_sees_it),
	};

	return cmocka_run_group_tests_name("ddf-load-samples", tests, NULL, NULL);
}
