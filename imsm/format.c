/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How IMSM metadata lie on a disk (imsm/format.h, imsm.md 1): that the structs have the layout of the format,
 * where the metadata are found, and their checksum.
 */
#include "imsm/format.h"

#define HAS_LAYOUT(type, field, at) _Static_assert(offsetof(struct type, field) == (at), #type "." #field)
#define HAS_SIZE(type, size) _Static_assert(sizeof(struct type) == (size) && _Alignof(struct type) == 1, #type)

HAS_SIZE(imsm_header, IMSM_HEADER_SIZE);
HAS_LAYOUT(imsm_header, sig, 0x00);
HAS_LAYOUT(imsm_header, version, 0x18);
HAS_LAYOUT(imsm_header, check_sum, 0x20);
HAS_LAYOUT(imsm_header, mpb_size, 0x24);
HAS_LAYOUT(imsm_header, family_num, 0x28);
HAS_LAYOUT(imsm_header, generation_num, 0x2c);
HAS_LAYOUT(imsm_header, error_log_size, 0x30);
HAS_LAYOUT(imsm_header, attributes, 0x34);
HAS_LAYOUT(imsm_header, num_disks, 0x38);
HAS_LAYOUT(imsm_header, num_raid_devs, 0x39);
HAS_LAYOUT(imsm_header, error_log_pos, 0x3a);
HAS_LAYOUT(imsm_header, fill, 0x3b);
HAS_LAYOUT(imsm_header, cache_size, 0x3c);
HAS_LAYOUT(imsm_header, orig_family_num, 0x40);
HAS_LAYOUT(imsm_header, pwr_cycle_count, 0x44);
HAS_LAYOUT(imsm_header, bbm_log_size, 0x48);
HAS_LAYOUT(imsm_header, num_raid_devs_created, 0x4c);
HAS_LAYOUT(imsm_header, filler1, 0x4e);
HAS_LAYOUT(imsm_header, creation_time, 0x50);
HAS_LAYOUT(imsm_header, filler, 0x58);

HAS_SIZE(imsm_disk, 48);
HAS_LAYOUT(imsm_disk, serial, 0);
HAS_LAYOUT(imsm_disk, total_blocks_lo, 16);
HAS_LAYOUT(imsm_disk, scsi_id, 20);
HAS_LAYOUT(imsm_disk, status, 24);
HAS_LAYOUT(imsm_disk, owner_cfg_num, 28);
HAS_LAYOUT(imsm_disk, total_blocks_hi, 32);
HAS_LAYOUT(imsm_disk, filler, 36);
_Static_assert(IMSM_HEADER_SIZE + sizeof(struct imsm_disk) == IMSM_SPARE_MPB_SIZE, "spare record");

HAS_SIZE(imsm_map_head, 48);
HAS_LAYOUT(imsm_map_head, pba_of_lba0_lo, 0);
HAS_LAYOUT(imsm_map_head, blocks_per_member_lo, 4);
HAS_LAYOUT(imsm_map_head, num_data_stripes_lo, 8);
HAS_LAYOUT(imsm_map_head, blocks_per_strip, 12);
HAS_LAYOUT(imsm_map_head, map_state, 14);
HAS_LAYOUT(imsm_map_head, raid_level, 15);
HAS_LAYOUT(imsm_map_head, num_members, 16);
HAS_LAYOUT(imsm_map_head, num_domains, 17);
HAS_LAYOUT(imsm_map_head, failed_disk_num, 18);
HAS_LAYOUT(imsm_map_head, ddf, 19);
HAS_LAYOUT(imsm_map_head, pba_of_lba0_hi, 20);
HAS_LAYOUT(imsm_map_head, blocks_per_member_hi, 24);
HAS_LAYOUT(imsm_map_head, num_data_stripes_hi, 28);
HAS_LAYOUT(imsm_map_head, filler, 32);

HAS_SIZE(imsm_dev_head, 112);
HAS_LAYOUT(imsm_dev_head, name, 0);
HAS_LAYOUT(imsm_dev_head, size_low, 16);
HAS_LAYOUT(imsm_dev_head, size_high, 20);
HAS_LAYOUT(imsm_dev_head, status, 24);
HAS_LAYOUT(imsm_dev_head, reserved_blocks, 28);
HAS_LAYOUT(imsm_dev_head, migr_priority, 32);
HAS_LAYOUT(imsm_dev_head, num_sub_vols, 33);
HAS_LAYOUT(imsm_dev_head, tid, 34);
HAS_LAYOUT(imsm_dev_head, cng_master_disk, 35);
HAS_LAYOUT(imsm_dev_head, cache_policy, 36);
HAS_LAYOUT(imsm_dev_head, cng_state, 38);
HAS_LAYOUT(imsm_dev_head, cng_sub_state, 39);
HAS_LAYOUT(imsm_dev_head, my_vol_raid_dev_num, 40);
HAS_LAYOUT(imsm_dev_head, nv_cache_mode, 42);
HAS_LAYOUT(imsm_dev_head, nv_cache_flags, 43);
HAS_LAYOUT(imsm_dev_head, nvc_vol_orig_family_num, 44);
HAS_LAYOUT(imsm_dev_head, nvc_vol_raid_dev_num, 48);
HAS_LAYOUT(imsm_dev_head, rwh_policy, 50);
HAS_LAYOUT(imsm_dev_head, jd_serial, 51);
HAS_LAYOUT(imsm_dev_head, filler1, 67);
HAS_LAYOUT(imsm_dev_head, filler, 68);
HAS_LAYOUT(imsm_dev_head, curr_migr_unit_lo, 80);
HAS_LAYOUT(imsm_dev_head, checkpoint_id, 84);
HAS_LAYOUT(imsm_dev_head, migr_state, 88);
HAS_LAYOUT(imsm_dev_head, migr_type, 89);
HAS_LAYOUT(imsm_dev_head, dirty, 90);
HAS_LAYOUT(imsm_dev_head, fs_state, 91);
HAS_LAYOUT(imsm_dev_head, verify_errors, 92);
HAS_LAYOUT(imsm_dev_head, bad_blocks, 94);
HAS_LAYOUT(imsm_dev_head, curr_migr_unit_hi, 96);
HAS_LAYOUT(imsm_dev_head, vol_filler, 100);

HAS_SIZE(imsm_bbm_entry, 8);
HAS_LAYOUT(imsm_bbm_entry, marked_count, 0);
HAS_LAYOUT(imsm_bbm_entry, disk_ordinal, 1);
HAS_LAYOUT(imsm_bbm_entry, start, 2);

HAS_SIZE(imsm_bbm_head, 8);
HAS_LAYOUT(imsm_bbm_head, signature, 0);
HAS_LAYOUT(imsm_bbm_head, entry_count, 4);

HAS_SIZE(imsm_migr_record, 128);
HAS_LAYOUT(imsm_migr_record, rec_status, 0);
HAS_LAYOUT(imsm_migr_record, curr_migr_unit_lo, 4);
HAS_LAYOUT(imsm_migr_record, family_num, 8);
HAS_LAYOUT(imsm_migr_record, ascending_migr, 12);
HAS_LAYOUT(imsm_migr_record, blocks_per_unit, 16);
HAS_LAYOUT(imsm_migr_record, dest_depth_per_unit, 20);
HAS_LAYOUT(imsm_migr_record, ckpt_area_pba_lo, 24);
HAS_LAYOUT(imsm_migr_record, dest_1st_member_lba_lo, 28);
HAS_LAYOUT(imsm_migr_record, num_migr_units_lo, 32);
HAS_LAYOUT(imsm_migr_record, post_migr_vol_cap_lo, 36);
HAS_LAYOUT(imsm_migr_record, post_migr_vol_cap_hi, 40);
HAS_LAYOUT(imsm_migr_record, ckpt_read_disk_num, 44);
HAS_LAYOUT(imsm_migr_record, curr_migr_unit_hi, 48);
HAS_LAYOUT(imsm_migr_record, ckpt_area_pba_hi, 52);
HAS_LAYOUT(imsm_migr_record, dest_1st_member_lba_hi, 56);
HAS_LAYOUT(imsm_migr_record, num_migr_units_hi, 60);
HAS_LAYOUT(imsm_migr_record, filler, 64);

bool imsm_sector_size_known(uint32_t sector_size)
{
	return sector_size == 512 || sector_size == 4096;
}

static uint64_t offset_from_end(uint64_t device_size, uint32_t sector_size, unsigned sectors)
{
	uint64_t back = (uint64_t)sectors * sector_size;

	if (!imsm_sector_size_known(sector_size) || device_size % sector_size || device_size <= back)
		return 0;
	return device_size - back;
}

uint64_t imsm_anchor_offset(uint64_t device_size, uint32_t sector_size)
{
	return offset_from_end(device_size, sector_size, 2);
}

uint64_t imsm_migr_record_offset(uint64_t device_size, uint32_t sector_size)
{
	return offset_from_end(device_size, sector_size, 1);
}

uint32_t imsm_checksum(const void *mpb, size_t len)
{
	const struct imsm_header *h = mpb;
	const le32 *word = mpb;
	uint32_t sum = 0;

	for (size_t i = 0; i < len / sizeof(*word); i++)
		sum += le32_get(word[i]);
	return sum - le32_get(h->check_sum);
}
