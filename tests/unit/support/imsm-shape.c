/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See imsm-shape.h. */
#include "tests/unit/support/imsm-shape.h"

void shape_assert_refused(const struct shape_message *m, int expected)
{
	ifx_assert_message_refused(&ifx, m->word, m->len, expected);
}

static void assert_same_disk(const struct imsm_disk *a, const struct imsm_disk *b, unsigned unit)
{
	assert_memory_equal(a->serial, b->serial, IMSM_SERIAL_LEN);
	assert_int_equal(le32_get(a->status), le32_get(b->status));
	assert_int_equal(le32_get(a->scsi_id), le32_get(b->scsi_id));
	assert_int_equal(imsm_disk_blocks(a) / unit, imsm_disk_blocks(b) / unit);
}

static void assert_same_map(const struct imsm_map *a, const struct imsm_map *b, unsigned unit)
{
	assert_int_equal(a->head.num_members, b->head.num_members);
	assert_memory_equal(a->ord, b->ord, a->head.num_members * sizeof(a->ord[0]));
	assert_int_equal(a->head.raid_level, b->head.raid_level);
	assert_int_equal(a->head.num_domains, b->head.num_domains);
	assert_int_equal(a->head.map_state, b->head.map_state);
	assert_int_equal(a->head.failed_disk_num, b->head.failed_disk_num);
	assert_int_equal(imsm_map_chunk(a), imsm_map_chunk(b));
	assert_int_equal(imsm_map_stripes(a), imsm_map_stripes(b));
	assert_int_equal(imsm_map_pba(a) / unit, imsm_map_pba(b) / unit);
	assert_int_equal(imsm_map_blocks_per_member(a) / unit, imsm_map_blocks_per_member(b) / unit);
}

static void assert_same_volume(const struct imsm_volume *a, const struct imsm_volume *b, unsigned unit)
{
	assert_int_equal(a->head.migr_state, b->head.migr_state);
	assert_int_equal(imsm_volume_migr_type(a), imsm_volume_migr_type(b));
	assert_int_equal(imsm_volume_unit(a) / unit, imsm_volume_unit(b) / unit);
	assert_int_equal(imsm_volume_blocks(a) / unit, imsm_volume_blocks(b) / unit);
	assert_same_map(&a->map[0], &b->map[0], unit);
	if (a->head.migr_state)
		assert_same_map(&a->map[1], &b->map[1], unit);
}

void shape_assert_round_trip(uint32_t sector_size)
{
	static uint8_t buf[IMSM_MPB_MAX];
	static struct imsm_meta copy;
	const struct imsm_meta *m = &ifx.c.meta;
	unsigned unit = sector_size / 512;
	const char *why = NULL;
	ssize_t len = imsm_encode(m, sector_size, buf, sizeof(buf));

	assert_true(len > 0);
	if (imsm_decode(buf, (size_t)len, sector_size, &copy, &why))
		fail_msg("metadata that cannot be loaded: %s", why);
	assert_null(why);
	assert_int_equal(copy.num_disks, m->num_disks);
	assert_int_equal(copy.num_volumes, m->num_volumes);
	assert_int_equal(copy.num_bad, m->num_bad);
	for (unsigned i = 0; i < m->num_disks; i++)
		assert_same_disk(&copy.disk[i], &m->disk[i], unit);
	for (unsigned i = 0; i < m->num_volumes; i++)
		assert_same_volume(&copy.volume[i], &m->volume[i], unit);
}

/* Each listed disk is the one that the table has at its index; spares are in the table no more. */
static void assert_table_consistent(void)
{
	for (const struct imsm_dl *dl = ifx.c.disks; dl; dl = dl->next) {
		char serial[IMSM_SERIAL_LEN + 1];
		bool listed = false;

		imsm_serial_text(dl->serial, serial);
		for (unsigned i = 0; i < ifx.c.meta.num_disks; i++)
			listed |= ifx_table_serial_is(&ifx, i, serial);
		if (dl->index < 0)
			assert_false(listed);
		else if (!imsm_disk_failed(&ifx.c, (uint32_t)dl->index))
			assert_true(ifx_table_serial_is(&ifx, (unsigned)dl->index, serial));
	}
}

void shape_assert_applied(const struct shape_message *m)
{
	ifx_assert_message_applied(&ifx, m->word, m->len);
	shape_assert_round_trip(512);
	shape_assert_round_trip(4096);
	assert_table_consistent();
}

bool shape_migr_record_cleared(void)
{
	bool any = false, all = true;

	for (const struct imsm_dl *dl = ifx.c.disks; dl; dl = dl->next) {
		any |= dl->clear_migr_record_due;
		all &= dl->clear_migr_record_due == (dl->index >= 0);
	}
	if (any)
		assert_true(all); /* the members, and only they */
	return any;
}

void shape_given(const struct shape_row *r)
{
	ifx_init(&ifx, r->members);
	for (unsigned i = 0; i < 3 && r->volume[i].text; i++)
		ifx_volume(&ifx, r->volume[i].level, r->volume[i].text);
	for (unsigned i = 0; i < r->spares; i++)
		ifx_spare(&ifx);
}

void shape_assert(const struct imsm_volume *v, const struct shape *s)
{
	const struct imsm_map *m = &v->map[0];

	assert_int_equal(imsm_volume_blocks(v), s->blocks);
	assert_int_equal(imsm_map_stripes(m), s->stripes);
	assert_int_equal(imsm_map_blocks_per_member(m), s->per_member);
	assert_int_equal(imsm_map_chunk(m), s->chunk);
	assert_int_equal(m->head.raid_level, s->stored_level);
	assert_int_equal(m->head.num_domains, s->domains);
}

void shape_check_row(const struct shape_row *r)
{
	static struct imsm_volume before[3];

	print_message("  %s\n", r->name);
	shape_given(r);
	memcpy(before, ifx.c.meta.volume, sizeof(before));
	if (r->err) {
		shape_assert_refused(&r->m, r->err);
		return;
	}
	shape_assert_applied(&r->m);
	assert_true(ifx.c.write_due);
	for (unsigned i = 0; i < ifx.c.meta.num_volumes; i++)
		assert_string_equal(ifx_text(&ifx, i), r->after[i] ? r->after[i] : r->volume[i].text);
	if (r->shape.blocks)
		shape_assert(VOL(0), &r->shape);
	/* A reshape keeps what the volume was. */
	if (VOL(0)->head.migr_state && !before[0].head.migr_state) {
		assert_memory_equal(&VOL(0)->map[1].head, &before[0].map[0].head, sizeof(before[0].map[0].head));
		assert_int_equal(imsm_map_pba(MAP0(0)), imsm_map_pba(&before[0].map[0]));
	}
}

void shape_ordinary(void)
{
	ifx_init(&ifx, 3);
	ifx_volume(&ifx, 5, "N 0,1,2");
	ifx_spare(&ifx);
	ifx_spare(&ifx);
}

void shape_chunk_is(unsigned chunk, uint64_t stripes, uint64_t volume_sectors)
{
	MAP0(0)->head.blocks_per_strip = le16_make((uint16_t)chunk);
	imsm_map_set_stripes(MAP0(0), stripes);
	imsm_map_set_blocks_per_member(MAP0(0), stripes * chunk + 2048);
	imsm_volume_set_blocks(VOL(0), volume_sectors);
}

void shape_raid0_and_spares(void)
{
	ifx_init(&ifx, 2);
	ifx_volume(&ifx, 0, "N 0,1");
	ifx_spare(&ifx);
	ifx_spare(&ifx);
}
