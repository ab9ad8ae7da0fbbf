/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/support/ddf-messages.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int dms_send(const struct message *m, const char **why)
{
	uint8_t *copy = malloc(m->len ? m->len : 1); /* whoever reads beyond it is caught */
	void *space = NULL;
	int err;

	assert_non_null(copy);
	memcpy(copy, m->bytes, m->len);
	*why = NULL;
	err = ddf_prepare_message(&dfx.c.layout, copy, m->len, &space, why);
	if (err)
		assert_null(space);
	else
		err = ddf_apply_message(&dfx.c, copy, m->len, &space, why);
	free(space);
	free(copy);
	return err;
}

void dms_assert_applied(const struct message *m)
{
	const char *why;

	if (dms_send(m, &why))
		fail_msg("refused: %s", why);
}

static struct dfx_snapshot before;

void dms_assert_refused(const struct message *m, int expected)
{
	const char *why;

	dfx_save(&dfx, &before);
	assert_int_equal(dms_send(m, &why), expected);
	assert_non_null(why);
	dfx_assert_unchanged(&dfx, &before);
}

void dms_assert_refused_early(const struct message *m, int expected)
{
	const char *why = NULL;
	void *space = NULL;

	assert_int_equal(ddf_prepare_message(&dfx.c.layout, m->bytes, m->len, &space, &why), expected);
	assert_non_null(why);
	assert_null(space);
	dms_assert_refused(m, expected);
}

struct ddf_vd_entry *dms_entry(struct message *m)
{
	return (struct ddf_vd_entry *)(m->bytes + 64);
}

struct ddf_vdc *dms_record(struct message *m, unsigned i)
{
	return (struct ddf_vdc *)(m->bytes + i * DMS_RECORD);
}

struct message dms_create(unsigned n, unsigned index)
{
	struct message m = { .len = 128 };
	struct ddf_vd_entry *e = dms_entry(&m);

	memset(m.bytes, 0xff, 128);
	*(be32 *)m.bytes = be32_make(DDF_VD_MAGIC);
	*(be16 *)(m.bytes + 8) = be16_make((uint16_t)index);
	dfx_vd_guid(e->guid, n);
	e->unit = be16_make(126);
	e->type = be16_make(0);
	e->state = e->init_state = 0;
	memset(e->name, 0, sizeof(e->name));
	snprintf(e->name, sizeof(e->name), "new%u", n);
	return m;
}

struct message dms_delete(unsigned n)
{
	struct message m = { .len = 128 };

	*(be32 *)m.bytes = be32_make(DDF_VD_MAGIC);
	dfx_vd_guid(dms_entry(&m)->guid, n);
	dms_entry(&m)->state = DDF_VD_DELETED;
	return m;
}

struct message dms_config(unsigned n, unsigned prl, unsigned rlq, const char *text)
{
	struct message m = { .len = 0 };
	unsigned bvds = 0;

	for (const char *q = text; *q; q++)
		bvds += *q == 'v';
	for (unsigned i = 0; i < bvds; i++, m.len += DMS_RECORD) {
		struct ddf_vdc *v = dms_record(&m, i);

		dfx_vdc_head(v, n, prl, rlq, i, bvds);
		assert_int_equal(*text++, 'v');
		v->seq = be32_make((uint32_t)dfx_get_number(&text, 10));
		assert_int_equal(*text++, ' ');
		v->primary_count = be16_make((uint16_t)dfx_get_elements(&text, v));
		text += *text == ' ';
	}
	return m;
}

void dms_send_create(unsigned n)
{
	struct message m = dms_create(n, n);

	dms_assert_applied(&m);
}

void dms_start(const char *disks)
{
	dfx_init(&dfx);
	dfx_disks(&dfx, disks);
}

int dms_end(void **state)
{
	(void)state;
	dfx_free(&dfx);
	return 0;
}

void dms_small_container(void)
{
	dms_start("0:03/01 1:03/01 2:05/01 3:05/01");
	dfx_volume(&dfx, 0, DDF_RAID1, 0, "00/02 v3 0,1");
}

unsigned dms_used(const uint8_t *table)
{
	return be16_get(((const struct ddf_table_head *)table)->populated);
}

bool dms_all_ones(const void *p, size_t n)
{
	const uint8_t *b = p;

	while (n && b[n - 1] == 0xff)
		n--;
	return n == 0;
}

void dms_keep_room(unsigned vd, unsigned slot, unsigned n, uint64_t from, uint64_t length)
{
	unsigned i = 0;

	while (dfx.c.rebuild[i].used)
		i++;
	dfx.c.rebuild[i] = (struct ddf_rebuild){
		.used = true, .vd = vd, .slot = slot, .refnum = dfx_ref(n), .start = from, .length = length,
	};
}

struct ddf_dl *dms_new_disk(unsigned n, uint64_t sectors)
{
	struct ddf_dl *dl = dfx_new_disk(&dfx, n);

	dfx_pd_guid(dl->guid, n);
	dl->refnum = dfx_ref(n);
	dfx.disk[n].size = sectors * 512;
	memset(dfx.config[n], 0x11, FX_CONFIG_BYTES);
	memset(dfx.disk_data[n], 0x11, DDF_SECTOR);
	return dl;
}

void dms_assert_added(struct ddf_dl *dl)
{
	const char *why = NULL;

	if (ddf_add_disk(&dfx.c, dl, &why))
		fail_msg("not added: %s", why);
}
