/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ddf/messages.c: messages as mdadm sends them, and as it does not; disks that come and go. */
#include "tests/unit/support/ddf-fixture.h"

#include <errno.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define RECORD (FX_RECORD_SECTORS * DDF_SECTOR)
#define INITIALISED DDF_INITIALISED

static struct fixture fx;
static struct fx_snapshot before;

/* ---- sending ---- */

struct message {
	uint8_t bytes[16384];
	size_t len;
};

/* As the daemon does it: the manager prepares, the monitor applies, the manager frees what comes back. */
static int send_message(const struct message *m, const char **why)
{
	uint8_t *copy = malloc(m->len ? m->len : 1); /* whoever reads beyond it is caught */
	void *space = NULL;
	int err;

	assert_non_null(copy);
	memcpy(copy, m->bytes, m->len);
	*why = NULL;
	err = ddf_prepare_message(&fx.c.layout, copy, m->len, &space, why);
	if (err)
		assert_null(space);
	else
		err = ddf_apply_message(&fx.c, copy, m->len, &space, why);
	free(space);
	free(copy);
	return err;
}

static void assert_applied(const struct message *m)
{
	const char *why;

	if (send_message(m, &why))
		fail_msg("refused: %s", why);
}

static void assert_refused(const struct message *m, int expected)
{
	const char *why;

	fx_save(&fx, &before);
	assert_int_equal(send_message(m, &why), expected);
	assert_non_null(why);
	fx_assert_unchanged(&fx, &before);
}

/* ... and the manager, who has no metadata, sees it already. */
static void assert_refused_early(const struct message *m, int expected)
{
	const char *why = NULL;
	void *space = NULL;

	assert_int_equal(ddf_prepare_message(&fx.c.layout, m->bytes, m->len, &space, &why), expected);
	assert_non_null(why);
	assert_null(space);
	assert_refused(m, expected);
}

/* ---- messages ---- */

static struct ddf_vd_entry *entry_in(struct message *m)
{
	return (struct ddf_vd_entry *)(m->bytes + 64);
}

static struct ddf_vdc *record_in(struct message *m, unsigned i)
{
	return (struct ddf_vdc *)(m->bytes + i * RECORD);
}

/* A new virtual disk of the GUID number `n`, for the entry `index`. */
static struct message create(unsigned n, unsigned index)
{
	struct message m = { .len = 128 };
	struct ddf_vd_entry *e = entry_in(&m);

	memset(m.bytes, 0xff, 128);
	*(be32 *)m.bytes = be32_make(DDF_VD_MAGIC);
	*(be16 *)(m.bytes + 8) = be16_make((uint16_t)index);
	fx_vd_guid(e->guid, n);
	e->unit = be16_make(126);
	e->type = be16_make(0);
	e->state = e->init_state = 0;
	memset(e->name, 0, sizeof(e->name));
	snprintf(e->name, sizeof(e->name), "new%u", n);
	return m;
}

static struct message delete(unsigned n)
{
	struct message m = { .len = 128 };

	*(be32 *)m.bytes = be32_make(DDF_VD_MAGIC);
	fx_vd_guid(entry_in(&m)->guid, n);
	entry_in(&m)->state = DDF_VD_DELETED;
	return m;
}

/* The records of the virtual disk `n`, as fx_volume() writes them: "v1 0,1 v1 2,3". */
static struct message config(unsigned n, unsigned prl, unsigned rlq, const char *text)
{
	struct message m = { .len = 0 };
	unsigned bvds = 0;

	for (const char *q = text; *q; q++)
		bvds += *q == 'v';
	for (unsigned i = 0; i < bvds; i++, m.len += RECORD) {
		struct ddf_vdc *v = record_in(&m, i);

		fx_vdc_head(v, n, prl, rlq, i, bvds);
		assert_int_equal(*text++, 'v');
		v->seq = be32_make((uint32_t)fx_get_number(&text, 10));
		assert_int_equal(*text++, ' ');
		v->primary_count = be16_make((uint16_t)fx_get_elements(&text, v));
		text += *text == ' ';
	}
	return m;
}

/* ---- containers ---- */

static void start(const char *disks)
{
	fx_init(&fx);
	fx_disks(&fx, disks);
}

static int end(void **state)
{
	(void)state;
	fx_free(&fx);
	return 0;
}

/* A RAID1 of two disks, and two spares. */
static void small_container(void)
{
	start("0:03/01 1:03/01 2:05/01 3:05/01");
	fx_volume(&fx, 0, DDF_RAID1, 0, "00/02 v3 0,1");
}

static void assert_pds(const char *text)
{
	assert_string_equal(fx_pd_text(&fx), text);
}

static void assert_vd(unsigned vd, const char *text)
{
	assert_string_equal(fx_vd_text(&fx, vd), text);
}

static unsigned used_in(const uint8_t *table)
{
	return be16_get(((const struct ddf_table_head *)table)->populated);
}

static bool all_ones(const void *p, size_t n)
{
	const uint8_t *b = p;

	while (n && b[n - 1] == 0xff)
		n--;
	return n == 0;
}

static void keep_room(unsigned vd, unsigned slot, unsigned n, uint64_t from, uint64_t length)
{
	unsigned i = 0;

	while (fx.c.rebuild[i].used)
		i++;
	fx.c.rebuild[i] = (struct ddf_rebuild){
		.used = true, .vd = vd, .slot = slot, .refnum = fx_ref(n), .start = from, .length = length,
	};
}

/* ---- what comes from outside at all ---- */

static void test_unknown_messages_are_refused(void **state)
{
	static const uint32_t magics[] = { DDF_PD_MAGIC, DDF_SPARE_MAGIC, DDF_VENDOR_MAGIC, DDF_HEADER_MAGIC, 0,
					   0xffffffff };
	struct message m = { .len = 128 };

	(void)state;
	small_container();
	for (unsigned i = 0; i < COUNT(magics); i++) {
		*(be32 *)m.bytes = be32_make(magics[i]);
		assert_refused_early(&m, -EINVAL);
	}
}

static void test_short_messages_are_refused(void **state)
{
	struct message vd = create(1, 1), vdc = config(0, DDF_RAID1, 0, "v3 0,1");

	(void)state;
	small_container();
	for (vd.len = 0; vd.len < 128; vd.len++)
		assert_refused_early(&vd, -EINVAL);
	for (vdc.len = 0; vdc.len < RECORD; vdc.len++)
		assert_refused_early(&vdc, -EINVAL);
}

static void test_long_messages_are_refused(void **state)
{
	struct message vd = create(1, 1), vdc = config(0, DDF_RAID1, 0, "v3 0,1");

	(void)state;
	small_container();
	vd.len++;
	assert_refused_early(&vd, -EINVAL);
	for (vdc.len = RECORD + 1; vdc.len <= 3 * RECORD; vdc.len++)
		assert_refused_early(&vdc, -EINVAL);
}

static void test_manager_allocates_room_for_records_only(void **state)
{
	struct message vd = create(1, 1), vdc = config(1, DDF_RAID1, 0, "v1 0,1 v1 2,3");
	const char *why = NULL;
	void *space = &fx;
	struct ddf_records *r;

	(void)state;
	small_container();
	assert_int_equal(ddf_prepare_message(&fx.c.layout, vd.bytes, vd.len, &space, &why), 0);
	assert_null(space);
	assert_int_equal(ddf_prepare_message(&fx.c.layout, vdc.bytes, vdc.len, &space, &why), 0);
	r = space;
	assert_non_null(r);
	assert_int_equal(r->count, 2);
	assert_int_equal(r->record_bytes, RECORD);
	for (size_t i = 0; i < sizeof(r->present); i++)
		assert_int_equal(r->present[i], 0);
	for (size_t i = 0; i < 2 * RECORD; i++)
		assert_int_equal(r->bytes[i], 0);
	free(r);
}

/* ---- a virtual disk is created ---- */

static void test_create_takes_the_entry_that_mdadm_chose(void **state)
{
	struct message m = create(1, 5);

	(void)state;
	small_container();
	assert_applied(&m);
	assert_memory_equal(fx_vd(&fx, 5), entry_in(&m), sizeof(struct ddf_vd_entry));
	assert_int_equal(used_in(fx.vd), 2);
	assert_vd(0, "00/02 v3 0,1");
	assert_vd(1, "none");
	assert_pds("0:03/01 1:03/01 2:05/01 3:05/01");
}

static void test_create_takes_another_entry_if_that_is_in_use(void **state)
{
	static const unsigned wanted[] = { 0, FX_VDS, 0xffff };

	(void)state;
	for (unsigned i = 0; i < COUNT(wanted); i++) {
		struct message m = create(1, wanted[i]);

		small_container();
		assert_applied(&m);
		assert_vd(1, "00/00");
		assert_int_equal(used_in(fx.vd), 2);
		fx_free(&fx);
	}
}

static void test_create_counts_the_entries(void **state)
{
	struct message m = create(1, 9);

	(void)state;
	small_container();
	((struct ddf_table_head *)fx.vd)->populated = be16_make(11);
	assert_applied(&m);
	assert_int_equal(used_in(fx.vd), 2);
}

static void test_create_repeated_changes_nothing(void **state)
{
	struct message m = create(0, 1);

	(void)state;
	small_container();
	assert_refused(&m, -EEXIST);
}

static void test_create_with_a_full_table_is_refused(void **state)
{
	struct message m;

	(void)state;
	small_container();
	for (unsigned n = 1; n < FX_VDS; n++) {
		m = create(n, 0);
		assert_applied(&m);
	}
	assert_int_equal(used_in(fx.vd), FX_VDS);
	m = create(99, 1);
	assert_refused(&m, -ENOSPC);
}

static void test_messages_without_guid_are_refused(void **state)
{
	struct message vd = create(1, 1), gone = delete(1), vdc = config(1, DDF_RAID1, 0, "v1 2,3");

	(void)state;
	small_container();
	memset(entry_in(&vd)->guid, 0xff, DDF_GUID_LEN);
	assert_refused_early(&vd, -EINVAL);
	memset(entry_in(&gone)->guid, 0xff, DDF_GUID_LEN);
	assert_refused_early(&gone, -EINVAL);
	memset(record_in(&vdc, 0)->guid, 0xff, DDF_GUID_LEN);
	assert_refused_early(&vdc, -EINVAL);
}

/* ---- a virtual disk is deleted ---- */

/* 15, item 8. */
static void test_delete_leaves_nothing_of_the_entry(void **state)
{
	struct message m = delete(0);

	(void)state;
	small_container();
	assert_applied(&m);
	assert_true(all_ones(fx_vd(&fx, 0), 64));
	assert_int_equal(used_in(fx.vd), 0);
	assert_null(fx.volume[0].records);
	assert_pds("0:05/01 1:05/01 2:05/01 3:05/01");
}

static void test_delete_hands_the_records_back(void **state)
{
	struct message m = delete(0);
	const char *why = NULL;
	void *space = NULL, *records;

	(void)state;
	small_container();
	records = fx.volume[0].records;
	assert_int_equal(ddf_apply_message(&fx.c, m.bytes, m.len, &space, &why), 0);
	assert_ptr_equal(space, records);
	free(space);
}

static void test_delete_leaves_disks_to_others_that_use_them(void **state)
{
	struct message m = delete(0);

	(void)state;
	small_container();
	fx_volume(&fx, 1, DDF_RAID1, 0, "00/02 v3 1@16384,0@16384");
	assert_applied(&m);
	assert_vd(0, "none");
	assert_vd(1, "00/02 v3 1@16384,0@16384");
	assert_int_equal(used_in(fx.vd), 1);
	assert_pds("0:03/01 1:03/01 2:05/01 3:05/01");
}

static void test_delete_without_records(void **state)
{
	struct message m = delete(1);

	(void)state;
	small_container();
	fx_volume(&fx, 1, 0, 0, "00/00");
	assert_applied(&m);
	assert_vd(1, "none");
	assert_int_equal(used_in(fx.vd), 1);
}

static void test_delete_of_what_is_in_use_is_refused(void **state)
{
	struct message m = delete(0);

	(void)state;
	small_container();
	fx.volume[0].live = true;
	assert_refused(&m, -EBUSY);
}

static void test_delete_of_the_unknown_is_refused(void **state)
{
	struct message m = delete(1);

	(void)state;
	small_container();
	assert_refused(&m, -ENOENT);
}

/* Only that very byte makes it a deletion. */
static void test_other_states_do_not_delete(void **state)
{
	struct message m = delete(0);

	(void)state;
	small_container();
	for (unsigned i = 0; i < 256; i++) {
		entry_in(&m)->state = (uint8_t)i;
		if (i != DDF_VD_DELETED)
			assert_refused(&m, -EEXIST);
	}
}

static void test_delete_forgets_its_rebuilds_only(void **state)
{
	struct message m = delete(0);

	(void)state;
	small_container();
	fx_volume(&fx, 1, DDF_RAID1, 0, "00/02 v3 2,3");
	keep_room(0, 1, 2, 16384, FX_BLOCKS);
	keep_room(1, 1, 0, 16384, FX_BLOCKS);
	assert_applied(&m);
	assert_false(fx.c.rebuild[0].used);
	assert_true(fx.c.rebuild[1].used);
}

static void test_delete_forgets_what_was_known_of_its_members(void **state)
{
	struct message gone = delete(0), again = create(0, 0);

	(void)state;
	small_container();
	fx.volume[0].synced[0] = 3;
	assert_applied(&gone);
	assert_applied(&again);
	assert_int_equal(fx.volume[0].synced[0], 0);
}

static void test_delete_drops_lost_disks_that_only_it_named(void **state)
{
	struct message m = delete(0);

	(void)state;
	start("0:03/03? 1:03/03 2:03/01 3:03/05");
	fx_volume(&fx, 0, DDF_RAID5, 3, "04/02 v3 0,1,2,3");
	assert_applied(&m);
	assert_pds("1:05/0b 2:05/01 3:05/01");
	assert_int_equal(used_in(fx.pd), 3);
}

/* ---- order among the disks (8.4) ---- */

static void test_disks_are_put_in_order(void **state)
{
	static const struct {
		const char *before, *records, *after;
		unsigned used;
	} rows[] = {
		/* what is named is active, the others are spares */
		{ "0:05/01 1:05/01 2:03/01", "v1 0,1", "0:03/01 1:03/01 2:05/01", 3 },
		{ "0:02/01 1:1007/01 2:1000/01", "v1 0,1", "0:02/01 1:1003/01 2:1004/01", 3 },
		{ "0:03/01 1:03/01 2:09/01", "v1 0,1", "0:03/01 1:03/01 2:05/01", 3 },
		/* named, but absent */
		{ "0:03/01 1:05/01? 2:03/41?", "v1 0,1", "0:03/01 1:05/01? 2:03/41?", 3 },
		/* failed */
		{ "0:03/01 1:03/03 2:05/01", "v1 0,1", "0:03/01 1:03/03 2:05/01", 3 },
		{ "0:03/01 1:03/0b 2:05/01", "v1 0,1", "0:03/01 1:03/03 2:05/01", 3 },
		{ "0:03/01 1:03/03 2:05/01", "v1 0,2", "0:03/01 1:05/0b 2:03/01", 3 },
		{ "0:03/01 1:03/43? 2:05/01", "v1 0,1", "0:03/01 1:03/43? 2:05/01", 3 },
		{ "0:03/01 1:03/43? 2:05/01", "v1 0,2", "0:03/01 2:03/01", 2 },
		{ "0:03/42? 1:03/42? 2:05/01", "v1 _,2", "2:03/01", 1 },
		/* Transition is ours only with Failed */
		{ "0:03/09 1:03/01 2:05/09", "v1 0,1", "0:03/09 1:03/01 2:05/09", 3 },
		/* nobody rebuilds it */
		{ "0:03/01 1:03/05 2:05/05", "v1 0,1", "0:03/01 1:03/05 2:05/01", 3 },
		/* holes stay if nothing is dropped */
		{ "0:03/01 - 1:03/01 - 2:05/01", "v1 0,1", "0:03/01 - 1:03/01 - 2:05/01", 3 },
		{ "- 0:03/01 - 1:05/42? - 2:05/01", "v1 0,2", "0:03/01 2:03/01", 2 },
	};

	(void)state;
	for (unsigned i = 0; i < COUNT(rows); i++) {
		char volume[64];

		start(rows[i].before);
		snprintf(volume, sizeof(volume), "00/02 %s", rows[i].records);
		fx_volume(&fx, 0, DDF_RAID1, 0, volume);
		fx_count(fx.pd, 3);
		ddf_tidy_disks(&fx.c);
		assert_pds(rows[i].after);
		assert_int_equal(used_in(fx.pd), rows[i].used);
		assert_vd(0, volume);
		fx_free(&fx);
	}
}

/* 15, item 7: mdadm lists whatever has a reference number. */
static void test_dropped_entries_leave_nothing(void **state)
{
	(void)state;
	start("0:03/42? 1:03/01 2:03/01");
	fx_volume(&fx, 0, DDF_RAID1, 0, "00/02 v1 1,2");
	memcpy(fx_pd(&fx, 7), fx_pd(&fx, 0), 64);
	memset(fx_pd(&fx, 7)->guid, 0xff, DDF_GUID_LEN); /* so was an entry dropped before */
	ddf_tidy_disks(&fx.c);
	assert_pds("1:03/01 2:03/01");
	assert_int_equal(used_in(fx.pd), 2);
	assert_true(all_ones(fx_pd(&fx, 2), (FX_PDS - 2) * 64));
}

static void test_entries_move_whole(void **state)
{
	struct ddf_pd_entry moved;

	(void)state;
	start("0:03/42? 1:03/01 2:03/01");
	fx_volume(&fx, 0, DDF_RAID1, 0, "00/02 v1 1,2");
	memset(fx_pd(&fx, 1)->path, 0x5a, 18);
	fx_pd(&fx, 1)->configured_size = be64_make(4711);
	moved = *fx_pd(&fx, 1);
	ddf_tidy_disks(&fx.c);
	assert_memory_equal(fx_pd(&fx, 0), &moved, sizeof(moved));
}

static void test_disks_with_a_spare_record_are_no_global_spares(void **state)
{
	(void)state;
	small_container();
	fx_spare_record(&fx, 1, true, 0, NULL);
	fx_spare_record(&fx, 2, true, 0, NULL);
	fx_pd_of(&fx, 1)->type = be16_make(0x07);
	fx_pd_of(&fx, 2)->type = be16_make(0x07);
	ddf_tidy_disks(&fx.c);
	assert_pds("0:03/01 1:0b/01 2:09/01 3:05/01");
}

static void test_spare_record_that_is_broken_does_not_count(void **state)
{
	(void)state;
	small_container();
	fx_spare_record(&fx, 2, true, 0, NULL)->type ^= 4;
	ddf_tidy_disks(&fx.c);
	assert_pds("0:03/01 1:03/01 2:05/01 3:05/01");
}

static void test_spare_record_counts_in_any_slot(void **state)
{
	(void)state;
	small_container();
	memcpy(fx.config[2], fx_spare_record(&fx, 2, true, 0, NULL), RECORD);
	memset(fx.config[2] + (FX_RECORDS - 1) * RECORD, 0xff, RECORD);
	ddf_tidy_disks(&fx.c);
	assert_pds("0:03/01 1:03/01 2:09/01 3:05/01");
}

/* ---- a new virtual disk gets its records ---- */

static void send_create(unsigned n)
{
	struct message m = create(n, n);

	assert_applied(&m);
}

/* The entry was there when the daemon started, and no record of it was found. */
static void entry_without_records(unsigned n)
{
	send_create(n);
	fx.c.volume[n].announced = false;
}

/* mdadm gives up when the second half fails: what the first one made must not stay. */
static void test_creation_that_is_refused_leaves_nothing(void **state)
{
	struct message m = config(1, DDF_RAID1, 0, "v3 2,0");
	const char *why;

	(void)state;
	small_container();
	fx_save(&fx, &before);
	send_create(1);
	assert_int_equal(send_message(&m, &why), -ENOSPC);
	fx_assert_unchanged(&fx, &before);
	m = config(1, DDF_RAID1, 0, "v3 2,3");
	assert_refused(&m, -ENOENT);
	send_create(1);
	assert_applied(&m);
	m = config(1, DDF_RAID1, 0, "v3 2,0"); /* it has its records: what comes now is another matter */
	assert_refused(&m, -EBUSY);
}

static void test_new_records_are_kept_as_they_are(void **state)
{
	struct message m = config(1, DDF_RAID1, 0, "v3 2,3@77");

	(void)state;
	small_container();
	send_create(1);
	memset(record_in(&m, 0)->reserved3, 0x77, 64);
	assert_applied(&m);
	assert_non_null(fx.volume[1].records);
	assert_memory_equal(fx_record(&fx, 1, 0), m.bytes, RECORD);
	assert_vd(1, "00/00 v3 2,3@77");
	assert_vd(0, "00/02 v3 0,1");
	assert_pds("0:03/01 1:03/01 2:03/01 3:03/01");
}

static void test_new_records_come_in_any_order(void **state)
{
	struct message m = config(1, DDF_RAID1, 0, "v3 2,3 v4 0@16384,1@16384");
	uint8_t first[RECORD];

	(void)state;
	small_container();
	send_create(1);
	memcpy(first, m.bytes, RECORD);
	memcpy(m.bytes, m.bytes + RECORD, RECORD);
	memcpy(m.bytes + RECORD, first, RECORD);
	assert_applied(&m);
	assert_vd(1, "00/00 v3 2,3 v4 0@16384,1@16384");
}

/* 15, item 9. */
static void test_members_of_a_new_degraded_virtual_disk_are_not_rebuilding(void **state)
{
	static const struct {
		const char *records, *pds, *vd;
	} rows[] = {
		{ "v2 2,-", "0:03/01 1:03/01 2:03/01 3:05/01", "01/00 v2 2,-" },
		{ "v2 -,3", "0:03/01 1:03/01 2:05/01 3:03/01", "01/00 v2 -,3" },
		{ "v2 2,_", "0:03/01 1:03/01 2:03/01 3:05/01", "01/00 v2 2,_" },
	};

	(void)state;
	for (unsigned i = 0; i < COUNT(rows); i++) {
		struct message m = config(1, DDF_RAID1, 0, rows[i].records);

		small_container();
		send_create(1);
		assert_applied(&m);
		assert_pds(rows[i].pds);
		assert_vd(1, rows[i].vd);
		fx_free(&fx);
	}
}

/* mdadm does not learn that it was too late; md is told when the array is opened. */
static void test_new_virtual_disk_on_a_disk_that_has_just_failed(void **state)
{
	struct message m = config(1, DDF_RAID1, 0, "v3 2,3");

	(void)state;
	start("0:03/01 1:03/01 2:05/01 3:05/03");
	fx_volume(&fx, 0, DDF_RAID1, 0, "00/02 v3 0,1");
	send_create(1);
	assert_applied(&m);
	assert_vd(1, "01/00 v3 2,3");
	assert_pds("0:03/01 1:03/01 2:03/01 3:03/03");
}

static void test_records_without_entry_are_refused(void **state)
{
	struct message m = config(1, DDF_RAID1, 0, "v3 2,3");

	(void)state;
	small_container();
	assert_refused(&m, -ENOENT);
}

static void test_new_records_that_cannot_be_are_refused(void **state)
{
	static const struct {
		const char *records;
		int err;
	} rows[] = {
		{ "v3 2,9", -EINVAL },        /* not in the container */
		{ "v3 2,0", -ENOSPC },        /* where another one is */
		{ "v3 2,0@16383", -ENOSPC },
		{ "v3 2,3@49153", -ENOSPC },  /* beyond what arrays may use */
		{ "v3 2,3@16384", -ENOSPC },  /* room that is kept for a rebuild */
		{ "v3 2,3@49151", -ENOSPC },
		{ "v3 2,3 v3 0@16384,1", -ENOSPC },
	};
	struct message m;

	(void)state;
	small_container();
	entry_without_records(1);
	keep_room(0, 1, 3, 32767, 1);
	keep_room(0, 1, 3, 65534, 1);
	for (unsigned i = 0; i < COUNT(rows); i++) {
		m = config(1, DDF_RAID1, 0, rows[i].records);
		assert_refused(&m, rows[i].err);
	}
	m = config(1, DDF_RAID1, 0, "v3 2@49152,3@16383");
	assert_applied(&m);
}

static void fill_record_slots(unsigned n)
{
	for (unsigned i = 0; i + 1 < FX_RECORDS; i++)
		memcpy(fx.config[n] + i * RECORD, "\x88\x88\x88\x88", 4);
}

/* 15, item 17. */
static void test_new_records_without_room_on_a_disk_are_refused(void **state)
{
	struct message m = config(1, DDF_RAID1, 0, "v3 2,3");

	(void)state;
	small_container();
	entry_without_records(1);
	fill_record_slots(3);
	assert_refused(&m, -ENOSPC);
}

/* ---- what contradicts itself (15, item 18) ---- */

static void set_byte(struct message *m, unsigned record, size_t at, uint8_t value)
{
	m->bytes[record * RECORD + at] = value;
}

static void test_contradictions_are_refused(void **state)
{
	static const struct {
		unsigned record;
		size_t at;
		uint8_t value;
	} rows[] = {
		{ 1, 0, 0x88 },  /* another kind of record */
		{ 1, 8, 'X' },   /* of another virtual disk */
		{ 0, 65, 0 },    /* no disks */
		{ 0, 65, 17 },   /* more than there is room for */
		{ 1, 65, 1 },    /* another number of disks */
		{ 1, 66, 8 },    /* another strip */
		{ 0, 66, 23 },   /* an impossible one */
		{ 1, 67, 5 },    /* another level */
		{ 1, 68, 1 },
		{ 0, 69, 0 },    /* no records at all */
		{ 0, 69, 1 },
		{ 1, 69, 3 },
		{ 1, 70, 0 },    /* the same number */
		{ 1, 70, 2 },    /* none that counts */
		{ 1, 71, 0 },
		{ 1, 79, 1 },    /* another number of blocks */
		{ 1, 87, 1 },    /* another size */
		{ 0, 512 + 7, 0 },  /* disk 0 instead of 1: twice */
		{ 1, 512 + 3, 1 },  /* disk 1 in both records */
		{ 1, 512 + 15, 9 }, /* a disk that is not counted; see below */
	};
	struct message m;

	(void)state;
	start("0:05/01 1:05/01 2:05/01 3:05/01");
	send_create(1);
	for (unsigned i = 0; i < COUNT(rows); i++) {
		const char *why;
		void *space;

		m = config(1, DDF_RAID1, 0, "v3 0,1 v3 2,3");
		set_byte(&m, rows[i].record, rows[i].at, rows[i].value);
		assert_true(ddf_prepare_message(&fx.c.layout, m.bytes, m.len, &space, &why) < 0);
		assert_refused(&m, ddf_prepare_message(&fx.c.layout, m.bytes, m.len, &space, &why));
	}
	m = config(1, DDF_RAID1, 0, "v3 0,1 v3 2,3");
	for (unsigned i = 0; i < 2; i++)
		record_in(&m, i)->block_count = be64_make(0);
	assert_refused_early(&m, -EINVAL);
	m = config(1, DDF_RAID1, 0, "v3 0,1 v3 2,3");
	ddf_set_element_ref(record_in(&m, 1), FX_MPPE - 1, DDF_REF_MISSING);
	assert_applied(&m);
}

/* ---- other disks for a virtual disk that is known ---- */

/* T3, samples C. */
static void test_spare_by_message(void **state)
{
	struct message m = config(0, DDF_RAID1, 0, "v3 0,2");

	(void)state;
	start("0:03/01 1:03/03 2:05/01");
	fx_volume(&fx, 0, DDF_RAID1, 0, "01/02 v4 0,1");
	fx.volume[0].live = true;
	assert_applied(&m);
	assert_pds("0:03/01 1:05/0b 2:03/05");
	assert_vd(0, "01/02 v5 0,2");
	assert_int_equal(be32_get(fx_record(&fx, 0, 0)->timestamp), FX_NOW);
}

/* T1, when disk 3 was added. */
static void test_spare_by_message_lets_lost_disks_go(void **state)
{
	struct message m = config(1, DDF_RAID5, 3, "v5 0,3,2");

	(void)state;
	start("0:03/01 1:03/43? 2:03/01 3:05/01");
	fx_volume(&fx, 0, DDF_RAID1, 0, "00/02 v5 0@16384,2@16384");
	fx_volume(&fx, 1, DDF_RAID5, 3, "01/02 v5 0,1,2");
	assert_applied(&m);
	assert_pds("0:03/01 2:03/01 3:03/05");
	assert_int_equal(used_in(fx.pd), 3);
	assert_vd(1, "01/02 v6 0,3,2");
	assert_vd(0, "00/02 v5 0@16384,2@16384");
}

static void test_lost_disk_stays_while_somebody_names_it(void **state)
{
	struct message m = config(1, DDF_RAID5, 3, "v5 0,3,2");

	(void)state;
	start("0:03/01 1:03/43? 2:03/01 3:05/01");
	fx_volume(&fx, 0, DDF_RAID1, 0, "01/02 v4 0@16384,1@16384");
	fx_volume(&fx, 1, DDF_RAID5, 3, "01/02 v5 0,1,2");
	assert_applied(&m);
	assert_pds("0:03/01 1:03/43? 2:03/01 3:03/05");
}

/* 15, item 13. */
static void test_only_records_that_change_are_stamped(void **state)
{
	struct message m = config(0, DDF_RAID1, 0, "v1 0,1 v1 2,4");
	uint32_t timestamp;

	(void)state;
	start("0:03/01 1:03/01 2:03/01 3:03/03 4:05/01");
	fx_volume(&fx, 0, DDF_RAID1, 0, "01/02 v7 0,1 v8 2,3");
	timestamp = be32_get(fx_record(&fx, 0, 0)->timestamp);
	assert_applied(&m);
	assert_vd(0, "01/02 v7 0,1 v9 2,4");
	assert_int_equal(be32_get(fx_record(&fx, 0, 0)->timestamp), timestamp);
	assert_int_equal(be32_get(fx_record(&fx, 0, 1)->timestamp), FX_NOW);
}

static void test_the_same_records_again_change_nothing(void **state)
{
	struct message m = config(0, DDF_RAID1, 0, "v9 0,1");

	(void)state;
	small_container();
	fx_save(&fx, &before);
	assert_applied(&m);
	fx_assert_unchanged(&fx, &before);
}

static void test_only_members_and_their_places_are_taken(void **state)
{
	struct message m = config(0, DDF_RAID1, 0, "v9 0,2@5");
	uint8_t head[512];

	(void)state;
	start("0:03/01 1:03/03 2:05/01");
	fx_volume(&fx, 0, DDF_RAID1, 0, "01/02 v4 0,1");
	memset(fx_record(&fx, 0, 0)->reserved3, 0x44, 100);
	memset((uint8_t *)fx_record(&fx, 0, 0) + 512 + 12 * FX_MPPE, 0x45, RECORD - 512 - 12 * FX_MPPE);
	memcpy(head, fx_record(&fx, 0, 0), 512);
	memset(record_in(&m, 0)->cache_policy, 9, 8);
	assert_applied(&m);
	assert_vd(0, "01/02 v5 0,2@5");
	assert_memory_equal(head, fx_record(&fx, 0, 0), 32);
	assert_memory_equal(head + 40, (uint8_t *)fx_record(&fx, 0, 0) + 40, 512 - 40);
	assert_int_equal(((uint8_t *)fx_record(&fx, 0, 0))[RECORD - 1], 0x45);
}

/* 15, item 4. */
static void test_records_are_matched_by_their_number(void **state)
{
	struct message m = config(0, DDF_RAID1, 0, "v1 0,4 v1 2,3");
	uint8_t first[RECORD];

	(void)state;
	start("0:03/01 1:03/03 2:03/01 3:03/01 4:05/01");
	fx_volume(&fx, 0, DDF_RAID1, 0, "01/02 v7 0,1 v8 2,3");
	memcpy(first, m.bytes, RECORD);
	memcpy(m.bytes, m.bytes + RECORD, RECORD);
	memcpy(m.bytes + RECORD, first, RECORD);
	assert_applied(&m);
	assert_vd(0, "01/02 v8 0,4 v8 2,3");
}

static void test_records_that_are_not_known_stay_so(void **state)
{
	struct message m = config(0, DDF_RAID1, 0, "v1 0,4 v1 9,3");

	(void)state;
	start("0:03/01 1:03/03 2:03/01 3:03/01 4:05/01");
	fx_volume(&fx, 0, DDF_RAID1, 0, "04/02 v7 0,1 ?");
	assert_applied(&m);
	assert_vd(0, "04/02 v8 0,4 ?");
}

/* 15, item 33. */
static void test_another_number_of_members_is_refused(void **state)
{
	struct message m;

	(void)state;
	small_container();
	m = config(0, DDF_RAID1, 0, "v9 0,1 v9 2,3");
	assert_refused(&m, -EINVAL);
	m = config(0, DDF_RAID1, 0, "v9 0,1,2");
	assert_refused(&m, -EINVAL);
	m = config(0, DDF_RAID1, 0, "v9 0");
	assert_refused(&m, -EINVAL);
	fx_volume(&fx, 1, DDF_RAID1, 0, "00/02 v3 0@16384,1@16384 v3 2,3");
	m = config(1, DDF_RAID1, 0, "v3 0@16384,1@16384");
	assert_refused(&m, -EINVAL);
}

static void test_new_members_that_cannot_be_are_refused(void **state)
{
	static const struct {
		const char *records;
		int err;
	} rows[] = {
		{ "v3 0,9", -EINVAL },       /* not in the container */
		{ "v3 0,3", -EINVAL },       /* failed */
		{ "v3 0,4", -EINVAL },       /* missing */
		{ "v3 0,5", -EINVAL },       /* offline */
		{ "v3 0,8", -EINVAL },       /* not there, though nobody says so */
		{ "v3 0,6", -EBUSY },        /* somebody else's (15, item 6) */
		{ "v3 0,6@16384", -EBUSY },
		{ "v3 0,7@100", -EBUSY },    /* being rebuilt for somebody already, wherever */
		{ "v3 0,7@32768", -EBUSY },
		{ "v3 1,0", -EINVAL },       /* places change */
		{ "v3 0@1,1", -EINVAL },
		{ "v3 0,1@1", -EINVAL },
	};
	struct message m;

	(void)state;
	start("0:03/01 1:03/01 2:03/01 3:05/03 4:05/41 5:05/00 6:03/01 7:05/01 8:05/01?");
	fx_volume(&fx, 0, DDF_RAID1, 0, "00/02 v3 0,1");
	fx_volume(&fx, 1, DDF_RAID1, 0, "00/02 v3 2,6");
	keep_room(1, 1, 7, 16384, 100);
	for (unsigned i = 0; i < COUNT(rows); i++) {
		m = config(0, DDF_RAID1, 0, rows[i].records);
		assert_refused(&m, rows[i].err);
	}
	fx.c.rebuild[0].used = false;
	m = config(0, DDF_RAID1, 0, "v3 0,7@49153"); /* beyond its end */
	assert_refused(&m, -ENOSPC);
	m = config(0, DDF_RAID1, 0, "v3 0,7");
	fill_record_slots(7);
	assert_refused(&m, -ENOSPC);
	memset(fx.config[7], 0xff, RECORD);
	assert_applied(&m);
}

static void test_monitor_believes_nothing_either(void **state)
{
	struct message m = delete(0);
	const char *why = NULL;
	void *space = NULL;

	(void)state;
	small_container();
	fx_save(&fx, &before);
	assert_int_equal(ddf_apply_message(&fx.c, m.bytes, m.len - 1, &space, &why), -EINVAL);
	assert_non_null(why);
	fx_assert_unchanged(&fx, &before);
}

/* Only places are taken from the message: how much room there must be is said by what is known. */
static void test_room_for_a_new_member_is_that_of_the_virtual_disk(void **state)
{
	struct message m = config(0, DDF_RAID1, 0, "v3 0,2");

	(void)state;
	start("0:03/01 1:03/03 2:05/01");
	fx_volume(&fx, 0, DDF_RAID1, 0, "01/02 v3 0,1");
	fx_pd_of(&fx, 2)->configured_size = be64_make(FX_BLOCKS - 1);
	record_in(&m, 0)->block_count = be64_make(1);
	assert_refused(&m, -ENOSPC);
}

/* One record would do, the other not: nothing is done. */
static void test_half_of_a_message_is_not_applied(void **state)
{
	struct message m = config(0, DDF_RAID1, 0, "v1 0,4 v1 2,9");

	(void)state;
	start("0:03/01 1:03/03 2:03/01 3:03/03 4:05/01");
	fx_volume(&fx, 0, DDF_RAID1, 0, "01/02 v7 0,1 v8 2,3");
	assert_refused(&m, -EINVAL);
}

static void test_new_member_is_not_in_sync(void **state)
{
	struct message m = config(0, DDF_RAID1, 0, "v1 0,1 v1 2,4");

	(void)state;
	start("0:03/01 1:03/01 2:03/01 3:03/03 4:05/01");
	fx_volume(&fx, 0, DDF_RAID1, 0, "01/02 v7 0,1 v8 2,3");
	fx.volume[0].synced[0] = 0xf;
	assert_applied(&m);
	assert_int_equal(fx.volume[0].synced[0], 0x7);
	assert_pds("0:03/01 1:03/01 2:03/01 3:05/0b 4:03/05");
}

static void test_member_can_be_taken_away(void **state)
{
	struct message m = config(0, DDF_RAID1, 0, "v1 0,_");

	(void)state;
	small_container();
	assert_applied(&m);
	assert_vd(0, "01/02 v4 0,_");
	assert_pds("0:03/01 1:05/01 2:05/01 3:05/01");
}

/* What was known of the slots would count for other disks. */
static void test_slots_do_not_shift_when_a_member_is_taken_away(void **state)
{
	struct message m = config(0, DDF_RAID1, 0, "v1 -,1");

	(void)state;
	small_container();
	assert_int_equal(ddf_slot_of(&fx.c, 0, fx_ref(1)), 1);
	assert_applied(&m);
	assert_vd(0, "01/02 v4 _,1");
	assert_int_equal(ddf_slot_of(&fx.c, 0, fx_ref(1)), 1);
}

/* ---- as captured (18.8) ---- */

static void captured_container(void)
{
	static const uint32_t refnum[] = { 0xd56d9349, 0x0456ddfc, 0x1f6e75e1, 0x5f7325e9 };

	fx_init(&fx);
	fx_disks(&fx, "0:05/01 1:05/01 2:05/01 3:05/01");
	fx.c.layout.mppe = 256;
	fx.c.layout.record_sectors = 7;
	fx.c.layout.records = 2;
	for (unsigned i = 0; i < 4; i++) {
		fx.dl[i].refnum = refnum[i];
		fx_pd(&fx, i)->refnum = be32_make(refnum[i]);
	}
}

static void put_hex(uint8_t *at, const char *hex)
{
	unsigned byte;

	for (; *hex; hex += *hex == ' ')
		for (; *hex && *hex != ' '; hex += 2) {
			assert_int_equal(sscanf(hex, "%2x", &byte), 1);
			*at++ = (uint8_t)byte;
		}
}

#define CAPTURED_GUID "4c69 6e75 782d 4d44 dead beef 0000 0000 5834 604d 1b53 0bd7"

static void captured_record(uint8_t *at, const char *shape, const char *elements)
{
	memset(at, 0xff, 3584);
	put_hex(at, "eeee eeee 64b2 8fda");
	put_hex(at + 8, CAPTURED_GUID);
	put_hex(at + 0x20, "5834 604d 0000 0003");
	put_hex(at + 0x40, shape);
	put_hex(at + 0x48, "0000 0000 0000 4000 0000 0000 0000 8000");
	put_hex(at + 0x80, "0000 0000 0000 0000 80");
	put_hex(at + 0x200, elements);
	memset(at + 0x600, 0, 2048);
}

static void test_captured_create_and_delete(void **state)
{
	struct message vd = { .len = 128 }, vdc = { .len = 7168 }, gone = { .len = 128 };

	(void)state;
	captured_container();
	memset(vd.bytes, 0xff, 128);
	put_hex(vd.bytes, "dddd dddd aab8 46dd 0000 00ff");
	put_hex(vd.bytes + 64, CAPTURED_GUID);
	put_hex(vd.bytes + 88, "007e ffff 107b 0000 0000");
	put_hex(vd.bytes + 112, "7231 3000 0000 0000 0000 0000 0000 0000");
	captured_record(vdc.bytes, "0002 0701 0002 0003", "d56d 9349 0456 ddfc");
	captured_record(vdc.bytes + 3584, "0002 0701 0002 0103", "1f6e 75e1 5f73 25e9");
	assert_applied(&vd);
	assert_memory_equal(fx_vd(&fx, 0), vd.bytes + 64, 64);
	assert_applied(&vdc);
	assert_int_equal(fx.volume[0].records->count, 2);
	assert_memory_equal(fx.volume[0].records->bytes, vdc.bytes, vdc.len);
	assert_memory_equal(fx_vd(&fx, 0), vd.bytes + 64, 64);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(be16_get(fx_pd(&fx, i)->type), 0x03);
		assert_int_equal(be16_get(fx_pd(&fx, i)->state), 0x01);
	}

	put_hex(gone.bytes, "dddd dddd");
	put_hex(gone.bytes + 64, CAPTURED_GUID);
	put_hex(gone.bytes + 96, "02");
	assert_applied(&gone);
	assert_true(all_ones(fx_vd(&fx, 0), 64));
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(be16_get(fx_pd(&fx, i)->type), 0x05);
}

/* ---- a disk comes (10.1) ---- */

/* As the manager hands it over: with a GUID and a random reference number. */
static struct ddf_dl *new_disk(unsigned n, uint64_t sectors)
{
	struct ddf_dl *dl = fx_new_disk(&fx, n);

	fx_pd_guid(dl->guid, n);
	dl->refnum = fx_ref(n);
	fx.disk[n].size = sectors * 512;
	memset(fx.config[n], 0x11, FX_CONFIG_BYTES);
	memset(fx.disk_data[n], 0x11, DDF_SECTOR);
	return dl;
}

static void assert_added(struct ddf_dl *dl)
{
	const char *why = NULL;

	if (ddf_add_disk(&fx.c, dl, &why))
		fail_msg("not added: %s", why);
}

static void assert_not_added(struct ddf_dl *dl, int expected)
{
	struct fx_snapshot after;
	const char *why = NULL;

	fx_save(&fx, &before);
	assert_int_equal(ddf_add_disk(&fx.c, dl, &why), expected);
	assert_non_null(why);
	fx_save(&fx, &after);
	assert_memory_equal(before.pd, after.pd, sizeof(after.pd));
	assert_memory_equal(before.vd, after.vd, sizeof(after.vd));
	assert_ptr_equal(before.disks, after.disks);
}

static void test_new_disk_is_a_global_spare(void **state)
{
	struct ddf_dl *dl;
	uint8_t entry[64];

	(void)state;
	small_container();
	dl = new_disk(4, 200000);
	memset((uint8_t *)fx_pd(&fx, 4) + DDF_GUID_LEN, 0, 64 - DDF_GUID_LEN); /* its GUID says that it is unused */
	assert_added(dl);
	assert_pds("0:03/01 1:03/01 2:05/01 3:05/01 4:05/01");
	assert_int_equal(used_in(fx.pd), 5);
	assert_vd(0, "00/02 v3 0,1");

	memset(entry, 0xff, sizeof(entry));
	fx_pd_guid(entry, 4);
	put_hex(entry + 24, "0000 0104 0005 0001");
	put_hex(entry + 32, "0000 0000 0002 0d40"); /* 200000 - 65536 */
	memcpy(entry + 40, " Information: nil", 18);
	assert_memory_equal(fx_pd(&fx, 4), entry, sizeof(entry));
}

static void test_new_disk_is_written_from_scratch(void **state)
{
	uint8_t data[DDF_SECTOR];
	struct ddf_dl *dl;

	(void)state;
	small_container();
	dl = new_disk(4, 200000);
	dl->given_up = true;
	dl->copy[0].good = dl->copy[1].good = dl->copy[0].failed = true;
	assert_added(dl);
	assert_ptr_equal(fx.c.disks, dl);
	assert_ptr_equal(dl->next, &fx.dl[3]);
	assert_true(all_ones(dl->config, FX_CONFIG_BYTES));
	assert_true(dl->copy[0].exists && dl->copy[1].exists);
	assert_false(dl->copy[0].good || dl->copy[1].good || dl->copy[0].failed || dl->given_up);
	assert_true(dl->anchor_due);
	assert_int_equal(be64_get(dl->header.primary_lba), 200000 - 32768);
	assert_int_equal(be64_get(dl->header.secondary_lba), 200000 - 65536);
	assert_int_equal(be64_get(dl->header.workspace_lba), 200000 - 65536);
	assert_int_equal(dl->at.primary_lba, 200000 - 32768);
	assert_int_equal(dl->at.secondary_lba, 200000 - 65536);
	assert_true(ddf_same_shape(&dl->at, &fx.c.layout));
	assert_memory_equal(&dl->header.guid, fx.c.header.guid, DDF_GUID_LEN);

	memset(data, 0xff, sizeof(data));
	put_hex(data, "3333 3333");
	fx_pd_guid(data + 8, 4);
	put_hex(data + 32, "0000 0104 0101");
	memset(data + 38, ' ', 32);
	memcpy(data + 38, "Linux", 5);
	ddf_seal(data, sizeof(data));
	assert_memory_equal(dl->disk_data, data, sizeof(data));
}

/* 15, item 2. */
static void test_disks_that_come_together_get_an_entry_each(void **state)
{
	(void)state;
	start("0:03/01 - 1:03/01");
	assert_added(new_disk(4, FX_SECTORS));
	assert_added(new_disk(5, FX_SECTORS));
	assert_pds("0:03/01 4:05/01 1:03/01 5:05/01");
	assert_int_equal(used_in(fx.pd), 4);
	assert_ptr_equal(ddf_dl_by_ref(&fx.c, fx_ref(4)), &fx.dl[4]);
	assert_ptr_equal(ddf_dl_by_ref(&fx.c, fx_ref(5)), &fx.dl[5]);
}

static void test_reference_numbers_are_unique(void **state)
{
	static const struct {
		uint32_t random, used;
	} rows[] = {
		{ 0x100, 0x105 },      /* 0 to 3 are listed, a record names 4 */
		{ 0x102, 0x105 },
		{ 0x104, 0x105 },
		{ 0x106, 0x107 },      /* half an entry has it */
		{ 0, 1 },
		{ 0xffffffff, 1 },
		{ 0xfffffffe, 0xfffffffe },
		{ 0x77777777, 0x77777777 },
	};

	(void)state;
	for (unsigned i = 0; i < COUNT(rows); i++) {
		struct ddf_dl *dl;

		small_container();
		fx_volume(&fx, 1, DDF_RAID1, 0, "01/02 v3 2,4");
		fx_pd(&fx, 9)->refnum = be32_make(0x106);
		dl = new_disk(8, FX_SECTORS);
		dl->refnum = rows[i].random;
		assert_added(dl);
		assert_int_equal(dl->refnum, rows[i].used);
		assert_int_equal(be32_get(fx_pd(&fx, 4)->refnum), rows[i].used);
		assert_int_equal(be32_get(((struct ddf_disk_data *)dl->disk_data)->refnum), rows[i].used);
		fx_free(&fx);
	}
}

/* 15, item 30. */
static void test_disk_that_is_there_is_not_added_again(void **state)
{
	struct ddf_dl *dl;

	(void)state;
	small_container();
	dl = new_disk(4, FX_SECTORS);
	dl->dev = fx_dev(2);
	assert_not_added(dl, -EEXIST);
}

static void test_disk_without_room_in_the_table_is_not_added(void **state)
{
	(void)state;
	start("0:05/01 1:05/01? 2:05/01? 3:05/01? 4:05/01? 5:05/01? 6:05/01? 7:05/01? 8:05/01? 9:05/01? 10:05/01? "
	      "11:05/01? 12:05/01? 13:05/01?");
	assert_added(new_disk(14, FX_SECTORS));
	assert_int_equal(used_in(fx.pd), FX_PDS);
	assert_not_added(new_disk(15, FX_SECTORS), -ENOSPC);
}

static void test_more_disks_than_are_managed_are_not_added(void **state)
{
	static struct ddf_dl others[DDF_MAX_DISKS];
	struct ddf_dl *dl;

	(void)state;
	small_container();
	dl = new_disk(4, FX_SECTORS);
	for (unsigned i = 4; i < DDF_MAX_DISKS; i++) {
		others[i] = fx.dl[0];
		others[i].dev = (dev_t)(0x10000 + i);
		others[i].next = fx.c.disks;
		fx.c.disks = &others[i];
	}
	assert_not_added(dl, -ENOSPC);
	fx.c.disks = others[DDF_MAX_DISKS - 1].next;
	assert_added(dl);
}

static void test_disks_that_are_too_small_are_not_added(void **state)
{
	(void)state;
	small_container();
	assert_not_added(new_disk(4, 0), -ENOSPC);
	assert_not_added(new_disk(4, 1), -ENOSPC);
	assert_not_added(new_disk(4, 65535), -ENOSPC);
	assert_not_added(new_disk(4, 65536), -ENOSPC);
	assert_added(new_disk(4, 65537));
	assert_int_equal(be64_get(fx_pd(&fx, 4)->configured_size), 1);
	fx.c.disks = NULL; /* nor if there is no other to compare it with */
	assert_not_added(new_disk(5, 65536), -ENOSPC);
}

/* 15, item 12. */
static void test_disks_with_other_sectors_are_not_added(void **state)
{
	struct ddf_dl *dl;

	(void)state;
	small_container();
	dl = new_disk(4, FX_SECTORS);
	fx.disk[4].sector_size = 4096;
	assert_not_added(dl, -EINVAL);
}

static void test_first_disk_is_laid_out_as_mdadm_does(void **state)
{
	struct ddf_dl *dl;

	(void)state;
	start("0:05/01?");
	fx.c.header.secondary_lba = be64_make(DDF_NO_LBA);
	dl = new_disk(4, 200000);
	assert_added(dl);
	assert_int_equal(dl->at.primary_lba, 200000 - 32768);
	assert_int_equal(dl->at.secondary_lba, 200000 - 65536);
	assert_int_equal(dl->at.workspace_lba, 200000 - 65536);
}

#define NONE DDF_NO_LBA

/* Places on a disk of 131072 sectors, and where they are on a new one. */
static void test_new_disk_is_laid_out_as_the_others_are(void **state)
{
	static const struct {
		uint64_t primary, secondary, workspace;
		uint64_t sectors;
		uint64_t new_primary, new_secondary, new_workspace; /* 0: too small */
		uint64_t configured;
	} rows[] = {
		{ 131000, NONE, 130000, 131072, 131000, NONE, 130000, 65536 },
		{ 131000, NONE, 130000, 100000, 99928, NONE, 98928, 34464 },
		{ 30000, 130000, 130000, 131072, 30000, 130000, 130000, 30000 },
		{ 130000, 30000, 130000, 200000, 198928, 98928, 198928, 98928 },
		{ 130000, 30000, 130000, 101073, 100001, 1, 100001, 1 },
		{ 130000, 30000, 130000, 101072, 0, 0, 0, 0 },
		{ 30000, 130000, 130000, 101072, 0, 0, 0, 0 },
		{ 131060, NONE, 130000, 131072, 0, 0, 0, 0 }, /* the sections would not fit */
		/* the workspace is allowed not to be there */
		{ 131000, NONE, 5000, 100000, 99928, NONE, 34464, 34464 },
		{ 131000, NONE, NONE, 100000, 99928, NONE, 34464, 34464 },
		{ 131000, NONE, 131072, 100000, 99928, NONE, 34464, 34464 },
		/* ... and what is between it and the rest counts */
		{ 131000, NONE, 31072, 131072, 131000, NONE, 31072, 31072 },
		{ 131000, NONE, 31072, 4000000, 3999928, NONE, 3900000, 3900000 },
	};

	(void)state;
	for (unsigned i = 0; i < COUNT(rows); i++) {
		struct ddf_dl *dl;

		small_container();
		fx.dl[3].at.primary_lba = rows[i].primary;
		fx.dl[3].at.secondary_lba = rows[i].secondary;
		fx.dl[3].at.workspace_lba = rows[i].workspace;
		dl = new_disk(4, rows[i].sectors);
		if (!rows[i].new_primary) {
			assert_not_added(dl, -ENOSPC);
			fx_free(&fx);
			continue;
		}
		assert_added(dl);
		assert_int_equal(dl->at.primary_lba, rows[i].new_primary);
		assert_int_equal(dl->at.secondary_lba, rows[i].new_secondary);
		assert_int_equal(dl->at.workspace_lba, rows[i].new_workspace);
		assert_int_equal(be64_get(dl->header.primary_lba), rows[i].new_primary);
		assert_int_equal(be64_get(dl->header.secondary_lba), rows[i].new_secondary);
		assert_int_equal(dl->copy[DDF_SECOND_COPY].exists, rows[i].new_secondary != NONE);
		assert_int_equal(be64_get(fx_pd(&fx, 4)->configured_size), rows[i].configured);
		fx_free(&fx);
	}
}

/* All on disks of 40000000 sectors; the reserved part begins at 39934464. */
static void test_workspace_that_takes_too_much_does_not_count(void **state)
{
	static const struct {
		uint64_t workspace, configured;
	} rows[] = {
		{ 39934463, 39934463 },
		{ 39934464 - 2097152, 39934464 - 2097152 },
		{ 39934464 - 2097153, 39934464 - 2097153 }, /* over 1 GiB, but not 1/16 of the disk */
		{ 39934464 - 2500000, 39934464 - 2500000 }, /* 1/16 */
		{ 39934464 - 2500001, 39934464 },
		{ 1, 39934464 },
	};

	(void)state;
	for (unsigned i = 0; i < COUNT(rows); i++) {
		small_container();
		fx.disk[3].size = (uint64_t)40000000 * 512;
		fx.dl[3].at.primary_lba = 40000000 - 32768;
		fx.dl[3].at.secondary_lba = 40000000 - 65536;
		fx.dl[3].at.workspace_lba = rows[i].workspace;
		assert_added(new_disk(4, 40000000));
		assert_int_equal(be64_get(fx_pd(&fx, 4)->configured_size), rows[i].configured);
		fx_free(&fx);
	}
}

/* ---- a disk goes (10.2) ---- */

static void test_disk_that_goes_is_missing(void **state)
{
	static const struct {
		const char *pds, *vd;
		bool live;
		unsigned n;
		const char *pds_after, *vd_after;
	} rows[] = {
		{ "0:03/01 1:03/03 2:05/01", "01/02 v4 0,1", true, 1, "0:03/01 1:03/43? 2:05/01", "01/02 v4 0,1" },
		{ "0:03/01 1:03/01 2:05/01", "00/02 v4 0,1", true, 2, "0:03/01 1:03/01 2:05/41?", "00/02 v4 0,1" },
		{ "0:03/01 1:03/01 2:05/0b", "00/02 v4 0,1", true, 2, "0:03/01 1:03/01 2:05/4b?", "00/02 v4 0,1" },
		/* 15, item 24: md has not said that it failed */
		{ "0:03/01 1:03/01 2:05/01", "00/02 v4 0,1", true, 1, "0:03/01 1:03/43? 2:05/01", "01/02 v4 0,1" },
		{ "0:03/01 1:03/01 2:05/01", "00/02 v4 0,1", false, 1, "0:03/01 1:03/41? 2:05/01", "01/02 v4 0,1" },
		{ "0:03/01 1:03/03? 2:05/01", "11/02 v4 0,1", true, 0, "0:03/43? 1:03/03? 2:05/01", "14/02 v4 0,1" },
	};

	(void)state;
	for (unsigned i = 0; i < COUNT(rows); i++) {
		start(rows[i].pds);
		fx_volume(&fx, 0, DDF_RAID1, 0, rows[i].vd);
		fx.volume[0].live = rows[i].live;
		assert_ptr_equal(ddf_remove_disk(&fx.c, fx_dev(rows[i].n)), &fx.dl[rows[i].n]);
		assert_pds(rows[i].pds_after);
		assert_vd(0, rows[i].vd_after);
		assert_int_equal(used_in(fx.pd), 3);
		assert_null(ddf_dl_by_dev(&fx.c, fx_dev(rows[i].n)));
		assert_null(fx.dl[rows[i].n].next);
		fx_free(&fx);
	}
}

/* 15, item 31. */
static void test_all_that_name_a_lost_disk_are_degraded(void **state)
{
	(void)state;
	small_container();
	fx_volume(&fx, 1, DDF_RAID0, 0, "00/02 v4 1@16384,2@16384");
	fx_volume(&fx, 2, DDF_RAID1, 0, "00/02 v4 2@32768,3@32768");
	fx.volume[0].live = true;
	assert_non_null(ddf_remove_disk(&fx.c, fx_dev(1)));
	assert_vd(0, "01/02 v3 0,1");
	assert_vd(1, "04/02 v4 1@16384,2@16384");
	assert_vd(2, "00/02 v4 2@32768,3@32768");
}

static void test_rebuilds_onto_a_disk_that_goes_are_forgotten(void **state)
{
	(void)state;
	small_container();
	keep_room(0, 1, 2, 16384, FX_BLOCKS);
	keep_room(0, 1, 3, 16384, FX_BLOCKS);
	assert_non_null(ddf_remove_disk(&fx.c, fx_dev(2)));
	assert_false(fx.c.rebuild[0].used);
	assert_true(fx.c.rebuild[1].used);
}

static void test_unknown_disk_that_goes_changes_nothing(void **state)
{
	(void)state;
	small_container();
	fx_save(&fx, &before);
	assert_null(ddf_remove_disk(&fx.c, fx_dev(9)));
	fx_assert_unchanged(&fx, &before);
}

static void test_disk_without_entry_goes(void **state)
{
	(void)state;
	small_container();
	fx_present(&fx, 9);
	assert_ptr_equal(ddf_remove_disk(&fx.c, fx_dev(9)), &fx.dl[9]);
	assert_pds("0:03/01 1:03/01 2:05/01 3:05/01");
}

/* What is on it is not looked at. */
static void test_disk_that_comes_back_is_a_new_one(void **state)
{
	struct ddf_dl *dl;

	(void)state;
	small_container();
	fx.volume[0].live = true;
	ddf_remove_disk(&fx.c, fx_dev(1));
	dl = new_disk(1, FX_SECTORS);
	fx_pd_guid(dl->guid, 7);
	assert_added(dl);
	assert_int_equal(dl->refnum, 0x104);
	assert_pds("0:03/01 1:03/43? 2:05/01 3:05/01 4:05/01");
	assert_vd(0, "01/02 v3 0,1");
}

/* ---- whole lives (19) ---- */

/* md tells of all members. */
static void tell(unsigned vd, int level, int layout, const char *members)
{
	fx_md(&fx, level, layout, members);
	for (unsigned i = 0; i < fx.members; i++)
		ddf_set_disk(&fx.c, vd, (unsigned)fx.member[i].slot, &fx.member[i]);
}

/* The array of a virtual disk begins: what md has of it. */
static void open_array(unsigned vd, int level, int layout, const char *members)
{
	bool broken[FX_DISKS];

	fx_md(&fx, level, layout, members);
	assert_int_equal(ddf_open_array(&fx.c, vd, fx.member, fx.members, broken), 0);
	for (unsigned i = 0; i < fx.members; i++)
		assert_false(broken[i]);
	ddf_set_array_state(&fx.c, vd, &fx.md, MARK_DECIDE);
	tell(vd, level, layout, members);
}

static void take_spare(unsigned vd, int level, int layout, const char *members, unsigned expected)
{
	struct spare_request req = { .member = (int)vd };
	const char *why = NULL;

	fx_md(&fx, level, layout, members);
	ddf_find_spares(&fx.c, vd, &fx.md, fx.member, fx.members, &req);
	assert_int_equal(req.count, 1);
	assert_int_equal(req.pick[0].dev, fx_dev(expected));
	if (ddf_commit_spares(&fx.c, vd, &req, &why))
		fail_msg("not recorded: %s", why);
}

static void make_by_message(unsigned n, unsigned prl, unsigned rlq, const char *records)
{
	struct message vd = create(n, n), vdc = config(n, prl, rlq, records);

	assert_applied(&vd);
	assert_applied(&vdc);
}

/*
 * T1. Not as there: a disk that serves another one is recorded when it has been rebuilt (15, item 6), so that the lost
 * one keeps its entry until then; records get new numbers with new members (item 13), and types follow a deletion
 * (item 8).
 */
static void test_life_of_two_virtual_disks(void **state)
{
	struct message m = delete(1);
	struct ddf_dl *again;

	(void)state;
	start("0:05/01 1:05/01 2:05/01");
	make_by_message(0, DDF_RAID1, 0, "v3 0,1");
	open_array(0, 1, 0, "0,1");
	assert_pds("0:03/01 1:03/01 2:05/01");
	assert_vd(0, "00/02 v3 0,1");
	ddf_set_array_state(&fx.c, 0, &fx.md, MARK_DIRTY);
	assert_vd(0, "10/02 v3 0,1");
	ddf_set_array_state(&fx.c, 0, &fx.md, MARK_CLEAN);
	assert_vd(0, "00/02 v3 0,1");

	make_by_message(1, DDF_RAID5, 3, "v4 0@16384,1@16384,2");
	open_array(1, 5, 2, "0@16384,1@16384,2");
	assert_pds("0:03/01 1:03/01 2:03/01");
	assert_vd(1, "00/02 v4 0@16384,1@16384,2");

	tell(0, 1, 0, "0,1x");
	tell(1, 5, 2, "0@16384,1x@16384,2");
	assert_pds("0:03/01 1:03/03 2:03/01");
	take_spare(0, 1, 0, "0,-", 2);
	assert_vd(0, "01/02 v4 0,1");
	assert_vd(1, "01/02 v5 0@16384,1@16384,2");

	assert_non_null(ddf_remove_disk(&fx.c, fx_dev(1)));
	assert_pds("0:03/01 1:03/43? 2:03/01");
	assert_added(new_disk(3, FX_SECTORS));
	take_spare(1, 5, 2, "0@16384,-,2", 3);
	assert_pds("0:03/01 1:03/43? 2:03/01 3:03/05");
	assert_vd(0, "01/02 v4 0,1");
	assert_vd(1, "01/02 v6 0@16384,3,2");

	tell(0, 1, 0, "0,2@16384");
	assert_pds("0:03/01 2:03/01 3:03/05");
	assert_vd(0, "00/02 v5 0,2@16384");
	tell(1, 5, 2, "0@16384,3,2");
	assert_pds("0:03/01 2:03/01 3:03/01");
	assert_int_equal(used_in(fx.pd), 3);
	assert_vd(1, "00/02 v7 0@16384,3,2");

	again = new_disk(1, FX_SECTORS);
	fx_pd_guid(again->guid, 9);
	assert_added(again);
	assert_pds("0:03/01 2:03/01 3:03/01 1:05/01");
	assert_int_equal(used_in(fx.pd), 4);
	assert_refused(&m, -EBUSY);
	ddf_close_array(&fx.c, 1);
	assert_applied(&m);
	assert_pds("0:03/01 2:03/01 3:05/01 1:05/01");
	assert_vd(0, "00/02 v5 0,2@16384");
	assert_true(all_ones(fx_vd(&fx, 1), 64));
	assert_int_equal(used_in(fx.vd), 1);
}

/* T2 */
static void test_life_with_a_disk_that_was_absent_at_the_start(void **state)
{
	(void)state;
	start("0:03/01 1:03/01?");
	fx_volume(&fx, 0, DDF_RAID1, 0, "00/02 v3 0,1");
	open_array(0, 1, 0, "0,-");
	assert_pds("0:03/01 1:03/42?");
	assert_vd(0, "01/02 v5 0,_");
	assert_added(new_disk(2, FX_SECTORS));
	assert_pds("0:03/01 1:03/42? 2:05/01");
	take_spare(0, 1, 0, "0,-", 2);
	assert_pds("0:03/01 2:03/05");
	assert_int_equal(used_in(fx.pd), 2);
	tell(0, 1, 0, "0,2");
	assert_pds("0:03/01 2:03/01");
	assert_vd(0, "00/02 v7 0,2");
}

/* T3: samples C, then Cdone. */
static void test_life_with_a_spare(void **state)
{
	(void)state;
	start("0:03/01 1:03/01 2:05/01");
	fx_volume(&fx, 0, DDF_RAID1, 0, "00/02 v3 0,1");
	open_array(0, 1, 0, "0,1");
	tell(0, 1, 0, "0,1x");
	assert_pds("0:03/01 1:03/03 2:05/01");
	assert_vd(0, "01/02 v4 0,1");
	take_spare(0, 1, 0, "0,-", 2);
	assert_pds("0:03/01 1:05/0b 2:03/05");
	assert_vd(0, "01/02 v5 0,2");
	tell(0, 1, 0, "0,2");
	assert_pds("0:03/01 1:05/0b 2:03/01");
	assert_vd(0, "00/02 v6 0,2");
}

#define T(f) cmocka_unit_test_teardown(f, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_unknown_messages_are_refused),
		T(test_short_messages_are_refused),
		T(test_long_messages_are_refused),
		T(test_manager_allocates_room_for_records_only),
		T(test_create_takes_the_entry_that_mdadm_chose),
		T(test_create_takes_another_entry_if_that_is_in_use),
		T(test_create_counts_the_entries),
		T(test_create_repeated_changes_nothing),
		T(test_create_with_a_full_table_is_refused),
		T(test_messages_without_guid_are_refused),
		T(test_delete_leaves_nothing_of_the_entry),
		T(test_delete_hands_the_records_back),
		T(test_delete_leaves_disks_to_others_that_use_them),
		T(test_delete_without_records),
		T(test_delete_of_what_is_in_use_is_refused),
		T(test_delete_of_the_unknown_is_refused),
		T(test_other_states_do_not_delete),
		T(test_delete_forgets_its_rebuilds_only),
		T(test_delete_forgets_what_was_known_of_its_members),
		T(test_delete_drops_lost_disks_that_only_it_named),
		T(test_disks_are_put_in_order),
		T(test_dropped_entries_leave_nothing),
		T(test_entries_move_whole),
		T(test_disks_with_a_spare_record_are_no_global_spares),
		T(test_spare_record_that_is_broken_does_not_count),
		T(test_spare_record_counts_in_any_slot),
		T(test_new_records_are_kept_as_they_are),
		T(test_new_records_come_in_any_order),
		T(test_members_of_a_new_degraded_virtual_disk_are_not_rebuilding),
		T(test_new_virtual_disk_on_a_disk_that_has_just_failed),
		T(test_records_without_entry_are_refused),
		T(test_creation_that_is_refused_leaves_nothing),
		T(test_new_records_that_cannot_be_are_refused),
		T(test_new_records_without_room_on_a_disk_are_refused),
		T(test_contradictions_are_refused),
		T(test_spare_by_message),
		T(test_spare_by_message_lets_lost_disks_go),
		T(test_lost_disk_stays_while_somebody_names_it),
		T(test_only_records_that_change_are_stamped),
		T(test_the_same_records_again_change_nothing),
		T(test_only_members_and_their_places_are_taken),
		T(test_records_are_matched_by_their_number),
		T(test_records_that_are_not_known_stay_so),
		T(test_another_number_of_members_is_refused),
		T(test_new_members_that_cannot_be_are_refused),
		T(test_monitor_believes_nothing_either),
		T(test_room_for_a_new_member_is_that_of_the_virtual_disk),
		T(test_half_of_a_message_is_not_applied),
		T(test_new_member_is_not_in_sync),
		T(test_member_can_be_taken_away),
		T(test_slots_do_not_shift_when_a_member_is_taken_away),
		T(test_captured_create_and_delete),
		T(test_new_disk_is_a_global_spare),
		T(test_new_disk_is_written_from_scratch),
		T(test_disks_that_come_together_get_an_entry_each),
		T(test_reference_numbers_are_unique),
		T(test_disk_that_is_there_is_not_added_again),
		T(test_disk_without_room_in_the_table_is_not_added),
		T(test_more_disks_than_are_managed_are_not_added),
		T(test_disks_that_are_too_small_are_not_added),
		T(test_disks_with_other_sectors_are_not_added),
		T(test_first_disk_is_laid_out_as_mdadm_does),
		T(test_new_disk_is_laid_out_as_the_others_are),
		T(test_workspace_that_takes_too_much_does_not_count),
		T(test_disk_that_goes_is_missing),
		T(test_all_that_name_a_lost_disk_are_degraded),
		T(test_rebuilds_onto_a_disk_that_goes_are_forgotten),
		T(test_unknown_disk_that_goes_changes_nothing),
		T(test_disk_without_entry_goes),
		T(test_disk_that_comes_back_is_a_new_one),
		T(test_life_of_two_virtual_disks),
		T(test_life_with_a_disk_that_was_absent_at_the_start),
		T(test_life_with_a_spare),
	};

	return cmocka_run_group_tests_name("ddf-updates", tests, NULL, NULL);
}
