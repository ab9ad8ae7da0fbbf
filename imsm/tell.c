/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The decoded fields of IMSM metadata by name, for imsm/examine.c. Pure. The names are the format's (imsm.md 1.4 to 1.14). */
#include "imsm/imsm.h"

#include <stdio.h>

#include "metadata/examine.h"

/* ---- words ---- */

static const char *state_word(enum imsm_map_state state)
{
	switch (state) {
	case IMSM_NORMAL:
		return "normal";
	case IMSM_UNINITIALIZED:
		return "uninitialized";
	case IMSM_DEGRADED:
		return "degraded";
	case IMSM_FAILED:
		return "failed";
	}
	return NULL;
}

static const char *migration_word(enum imsm_migr_type type)
{
	switch (type) {
	case IMSM_MIGR_INIT:
		return "initialize";
	case IMSM_MIGR_REBUILD:
		return "rebuild";
	case IMSM_MIGR_VERIFY:
		return "verify";
	case IMSM_MIGR_GENERAL:
		return "general migration";
	case IMSM_MIGR_STATE_CHANGE:
		return "state change";
	case IMSM_MIGR_REPAIR:
		return "repair";
	}
	return NULL;
}

static const char *policy_word(uint8_t policy)
{
	switch ((enum imsm_rwh_policy)policy) {
	case IMSM_RWH_OFF:
	case IMSM_RWH_MULTIPLE_OFF:
		return "off";
	case IMSM_RWH_DISTRIBUTED:
	case IMSM_RWH_MULTIPLE_DISTRIBUTED:
		return "ppl";
	case IMSM_RWH_JOURNALING_DRIVE:
	case IMSM_RWH_MULTIPLE_PPLS_JOURNALING_DRIVE:
		return "journaling drive";
	case IMSM_RWH_BITMAP:
		return "bitmap";
	}
	return NULL;
}

/* ---- the header ---- */

void imsm_tell_header(const struct imsm_header *h, struct facts *f)
{
	facts_object(f, "header");
	f->text(f, "version", (const char *)h->version, sizeof(h->version));
	facts_hex32(f, "check_sum", le32_get(h->check_sum));
	facts_number(f, "mpb_size", le32_get(h->mpb_size));
	facts_hex32(f, "family_num", le32_get(h->family_num));
	facts_number(f, "generation_num", le32_get(h->generation_num));
	facts_hex32(f, "orig_family_num", le32_get(h->orig_family_num));
	facts_hex32(f, "attributes", le32_get(h->attributes));
	facts_number(f, "num_disks", h->num_disks);
	facts_number(f, "num_raid_devs", h->num_raid_devs);
	facts_number(f, "num_raid_devs_created", le16_get(h->num_raid_devs_created));
	facts_number(f, "creation_time", le64_get(h->creation_time));
	facts_number(f, "bbm_log_size", le32_get(h->bbm_log_size));
	facts_number(f, "error_log_size", le32_get(h->error_log_size));
	facts_number(f, "cache_size", le32_get(h->cache_size));
	facts_number(f, "pwr_cycle_count", le32_get(h->pwr_cycle_count));
	facts_end(f);
}

/* ---- disks ---- */

static void tell_status(uint32_t status, struct facts *f)
{
	static const struct {
		uint32_t bit;
		const char *word;
	} bits[] = {
		{ IMSM_DISK_SPARE, "spare" },
		{ IMSM_DISK_CONFIGURED, "configured" },
		{ IMSM_DISK_FAILED, "failed" },
		{ IMSM_DISK_JOURNAL, "journal" },
	};

	facts_hex32(f, "status", status);
	facts_list(f, "state");
	for (size_t i = 0; i < sizeof(bits) / sizeof(bits[0]); i++)
		if (status & bits[i].bit)
			facts_text(f, NULL, bits[i].word);
	facts_end(f);
}

static void tell_disk(const struct imsm_disk *d, struct facts *f)
{
	facts_object(f, NULL);
	f->text(f, "serial", (const char *)d->serial, sizeof(d->serial));
	tell_status(le32_get(d->status), f);
	facts_hex32(f, "scsi_id", le32_get(d->scsi_id));
	facts_number(f, "total_blocks", imsm_disk_blocks(d));
	facts_end(f);
}

/* ---- volumes ---- */

static void tell_slots(const struct imsm_map *m, struct facts *f)
{
	facts_list(f, "slots");
	for (unsigned i = 0; i < m->head.num_members; i++) {
		facts_object(f, NULL);
		facts_number(f, "disk", imsm_ord_index(m->ord[i]));
		facts_flag(f, "rebuild", m->ord[i] & IMSM_ORD_REBUILD);
		facts_end(f);
	}
	facts_end(f);
}

static void tell_map(const struct imsm_map *m, struct facts *f)
{
	char level[16];

	snprintf(level, sizeof(level), "raid%d", imsm_map_level(m));
	facts_object(f, NULL);
	facts_text(f, "level", level);
	facts_text(f, "map_state", state_word((enum imsm_map_state)m->head.map_state));
	facts_number(f, "num_members", m->head.num_members);
	facts_number(f, "num_domains", m->head.num_domains);
	if (m->head.failed_disk_num == IMSM_NO_FAILED_SLOT)
		facts_text(f, "failed_slot", NULL);
	else
		facts_number(f, "failed_slot", m->head.failed_disk_num);
	facts_number(f, "pba_of_lba0", imsm_map_pba(m));
	facts_number(f, "blocks_per_member", imsm_map_blocks_per_member(m));
	facts_number(f, "num_data_stripes", imsm_map_stripes(m));
	facts_number(f, "blocks_per_strip", imsm_map_chunk(m));
	tell_slots(m, f);
	facts_end(f);
}

static void tell_volume(const struct imsm_meta *m, unsigned i, struct facts *f)
{
	const struct imsm_volume *v = &m->volume[i];
	uint8_t uuid[16];

	imsm_volume_uuid(m, i, uuid);
	facts_object(f, NULL);
	f->text(f, "name", (const char *)v->head.name, sizeof(v->head.name));
	facts_uuid(f, "uuid", uuid);
	facts_number(f, "size", imsm_volume_blocks(v));
	facts_flag(f, "dirty", v->head.dirty & IMSM_DIRTY);
	facts_hex32(f, "status", le32_get(v->head.status));
	facts_text(f, "rwh_policy", policy_word(v->head.rwh_policy));
	facts_text(f, "migration", v->head.migr_state ? migration_word(imsm_volume_migr_type(v)) : NULL);
	facts_number(f, "curr_migr_unit", imsm_volume_unit(v));
	facts_number(f, "volume_id", le16_get(v->head.my_vol_raid_dev_num));
	facts_list(f, "maps");
	tell_map(&v->map[0], f);
	if (v->head.migr_state)
		tell_map(&v->map[1], f);
	facts_end(f);
	facts_end(f);
}

void imsm_tell_contents(const struct imsm_meta *m, struct facts *f)
{
	facts_list(f, "disks");
	for (unsigned i = 0; i < m->num_disks; i++)
		tell_disk(&m->disk[i], f);
	facts_end(f);
	facts_list(f, "volumes");
	for (unsigned i = 0; i < m->num_volumes; i++)
		tell_volume(m, i, f);
	facts_end(f);
	facts_list(f, "bad_blocks");
	for (unsigned i = 0; i < m->num_bad; i++) {
		facts_object(f, NULL);
		facts_number(f, "disk", m->bad[i].disk);
		facts_number(f, "sector", m->bad[i].sector);
		facts_number(f, "sectors", m->bad[i].length);
		facts_end(f);
	}
	facts_end(f);
}

/* ---- the migration record ---- */

static uint64_t join(le32 lo, le32 hi)
{
	return (uint64_t)le32_get(hi) << 32 | le32_get(lo);
}

void imsm_tell_migration(const struct imsm_migr_record *r, struct facts *f)
{
	facts_object(f, "migration_record");
	facts_number(f, "rec_status", le32_get(r->rec_status));
	facts_number(f, "curr_migr_unit", join(r->curr_migr_unit_lo, r->curr_migr_unit_hi));
	facts_hex32(f, "family_num", le32_get(r->family_num));
	facts_flag(f, "ascending", le32_get(r->ascending_migr));
	facts_number(f, "blocks_per_unit", le32_get(r->blocks_per_unit));
	facts_number(f, "dest_depth_per_unit", le32_get(r->dest_depth_per_unit));
	facts_number(f, "ckpt_area_pba", join(r->ckpt_area_pba_lo, r->ckpt_area_pba_hi));
	facts_number(f, "dest_1st_member_lba", join(r->dest_1st_member_lba_lo, r->dest_1st_member_lba_hi));
	facts_number(f, "num_migr_units", join(r->num_migr_units_lo, r->num_migr_units_hi));
	facts_number(f, "post_migr_vol_cap", join(r->post_migr_vol_cap_lo, r->post_migr_vol_cap_hi));
	facts_number(f, "ckpt_read_disk_num", le32_get(r->ckpt_read_disk_num));
	facts_end(f);
}
