/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages of mdadm to the container of tests/unit/support/ddf-rig.h. */
#include "tests/unit/support/ddf-rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- messages ---- */

int drig_send_message(struct rig *r, struct message *m)
{
	struct metadata_update u = { .op = UPDATE_MESSAGE, .buf = m->bytes, .len = m->len };
	int err = super_ddf.prepare_update(&r->st, &u);

	if (!err)
		err = drig_apply(r, &u);
	free(u.space);
	return err;
}

static void drig_vd_guid(uint8_t guid[DDF_GUID_LEN], unsigned n)
{
	char text[DDF_GUID_LEN + 1];

	snprintf(text, sizeof(text), "VIRT%020u", n);
	memcpy(guid, text, DDF_GUID_LEN);
}

static struct ddf_vd_entry *drig_message_entry(struct message *m)
{
	return (struct ddf_vd_entry *)(void *)(m->bytes + 64);
}

void drig_entry_message(struct message *m, unsigned vd, uint8_t vd_state)
{
	struct ddf_vd_entry *e = drig_message_entry(m);

	m->len = 128;
	memset(m->bytes, 0xff, m->len);
	*(be32 *)(void *)m->bytes = be32_make(DDF_VD_MAGIC);
	*(be16 *)(void *)(m->bytes + 8) = be16_make((uint16_t)vd);
	drig_vd_guid(e->guid, vd);
	e->unit = be16_make((uint16_t)(126 - vd));
	e->type = be16_make(0);
	e->state = vd_state;
	e->init_state = DDF_INITIALISED;
	memset(e->name, 0, sizeof(e->name));
	snprintf(e->name, sizeof(e->name), "vol%u", vd);
}

const struct shape drig_raid0 = { DDF_RAID0, 0, 0 };
const struct shape drig_raid1 = { DDF_RAID1, 0, 1 }, drig_raid1_3 = { DDF_RAID1, 1, 1 };
const struct shape drig_raid5 = { DDF_RAID5, 3, 2 }, drig_raid6 = { DDF_RAID6, 3, 2 };

static const char *drig_put_elements(const struct rig *r, struct ddf_vdc *v, const char *text)
{
	unsigned i = 0;

	for (; *text && *text != ' '; i++, text += *text == ',') {
		char *end;

		ddf_set_element_ref(v, i, *text == '_' ? DDF_REF_MISSING : DDF_REF_NONE);
		if (*text == '-' || *text == '_') {
			text++;
			continue;
		}
		ddf_set_element_ref(v, i, r->ref[strtoul(text, &end, 10)]);
		if (*end == '@')
			ddf_set_element_start(v, RIG_MPPE, i, strtoul(end + 1, &end, 10));
		text = end;
	}
	v->primary_count = be16_make((uint16_t)i);
	return text;
}

static void drig_fill_record(struct ddf_vdc *v, unsigned vd, const struct shape *shape)
{
	memset(v, 0xff, 1536);
	memset((uint8_t *)v + 1536, 0, RIG_RECORD - 1536);
	v->magic = be32_make(DDF_VDC_MAGIC);
	drig_vd_guid(v->guid, vd);
	v->timestamp = be32_make(0x58345fe5);
	v->strip_exponent = shape->prl == DDF_RAID1 ? 0xff : 7;
	v->prl = shape->prl;
	v->rlq = shape->rlq;
	v->block_count = be64_make(RIG_BLOCKS);
	memset(v->cache_policy, 0, sizeof(v->cache_policy));
	v->bg_rate = 0x80;
}

void drig_config_message(const struct rig *r, struct message *m, unsigned vd, const struct shape *shape,
			 const char *text)
{
	struct ddf_vdc *first = (struct ddf_vdc *)(void *)m->bytes;
	uint8_t count = 0;

	for (m->len = 0; *text; text += *text == ' ', count++, m->len += RIG_RECORD) {
		struct ddf_vdc *v = (struct ddf_vdc *)(void *)(m->bytes + m->len);
		char *end;

		assert_true(m->len < sizeof(m->bytes) && *text == 'v');
		drig_fill_record(v, vd, shape);
		v->seq = be32_make((uint32_t)strtoul(text + 1, &end, 10));
		v->secondary_seq = count;
		text = drig_put_elements(r, v, end + 1);
	}
	for (unsigned i = 0; i < count; i++) {
		struct ddf_vdc *v = (struct ddf_vdc *)(void *)(m->bytes + i * RIG_RECORD);
		unsigned data = shape->data ? shape->data : be16_get(first->primary_count);

		v->secondary_count = count;
		v->srl = count > 1 ? DDF_2SPANNED : 0xff;
		v->vd_size = be64_make((uint64_t)RIG_BLOCKS * data * count);
	}
}

void drig_delete_message(struct message *m, unsigned vd)
{
	m->len = 128;
	memset(m->bytes, 0, m->len);
	*(be32 *)(void *)m->bytes = be32_make(DDF_VD_MAGIC);
	drig_vd_guid(drig_message_entry(m)->guid, vd);
	drig_message_entry(m)->state = DDF_VD_DELETED;
}

void drig_create(struct rig *r, unsigned vd, const struct shape *shape, const char *records)
{
	struct message m;

	drig_entry_message(&m, vd, DDF_VD_OPTIMAL);
	assert_int_equal(drig_send_message(r, &m), 0);
	drig_config_message(r, &m, vd, shape, records);
	assert_int_equal(drig_send_message(r, &m), 0);
	assert_synced(r);
}

struct rig *drig_two_pairs(unsigned disks)
{
	struct rig *r = drig_bare(disks);

	drig_create(r, 0, &drig_raid1, "v3 0,1");
	drig_create(r, 1, &drig_raid1, "v3 2,3");
	drig_create(r, 2, &drig_raid0, "v3 2@16384,3@16384");
	return r;
}
