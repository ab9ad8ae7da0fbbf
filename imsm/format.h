/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * IMSM (Intel Matrix Storage Manager) metadata on disk.
 *
 * One copy (the MPB) lies at the end of each disk: sector 0 of it, the anchor, in
 * the last but one sector, its further sectors in ascending order just below the
 * anchor, and a migration record in the very last sector.
 *
 * What is declared here is pure: bytes in, struct imsm_meta or an error out. Nothing
 * of it knows threads, the kernel or devices. All block counts in struct imsm_meta
 * are 512-byte sectors, whatever the disk's sector size; disks with 4096-byte
 * sectors are converted while decoding and encoding.
 *
 * Fields that this program does not understand are kept as they are.
 */
#ifndef IMSM_H
#define IMSM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/byteorder.h"

#define IMSM_SIGNATURE "Intel Raid ISM Cfg Sig. "
#define IMSM_SIGNATURE_LEN 24
#define IMSM_VERSION_LEN 8
#define IMSM_VERSION_WRITTEN "1.3.00"
#define IMSM_SERIAL_LEN 16
#define IMSM_NAME_LEN 16
#define IMSM_HEADER_SIZE 216      /* before the disk table */
#define IMSM_SPARE_MPB_SIZE 264
#define IMSM_MPB_MAX 65536        /* bytes; longer would reach into the copy area */
#define IMSM_MAX_DISKS 255
#define IMSM_MAX_VOLUMES 8        /* the platform allows 2 */
#define IMSM_MAX_MEMBERS 255
#define IMSM_BBM_MAX 254
#define IMSM_BLOCKS_MAX (INT64_C(1) << 54) /* sectors; more, and an offset in bytes would not fit into off_t */
#define IMSM_BBM_SIGNATURE 0xabadb10cu

/* imsm_header.attributes */
#define IMSM_ATTR_RAID0 0x00000001u
#define IMSM_ATTR_RAID1 0x00000002u
#define IMSM_ATTR_RAID10 0x00000004u
#define IMSM_ATTR_RAID5 0x00000010u
#define IMSM_ATTR_EXP_STRIPE_SIZE 0x00000040u
#define IMSM_ATTR_RAID10_EXT 0x00000080u
#define IMSM_ATTR_2TB_DISK 0x04000000u
#define IMSM_ATTR_BBM 0x08000000u
#define IMSM_ATTR_2TB 0x20000000u
#define IMSM_ATTR_NEVER_USED 0x40000000u /* historic; means nothing where it is set */
#define IMSM_ATTR_CHECKSUM_VERIFY 0x80000000u
/* What we, and mdadm, can do justice to. */
#define IMSM_ATTR_SUPPORTED                                                                                          \
	(IMSM_ATTR_RAID0 | IMSM_ATTR_RAID1 | IMSM_ATTR_RAID10 | IMSM_ATTR_RAID5 | IMSM_ATTR_EXP_STRIPE_SIZE |        \
	 IMSM_ATTR_RAID10_EXT | IMSM_ATTR_2TB_DISK | IMSM_ATTR_BBM | IMSM_ATTR_2TB | IMSM_ATTR_NEVER_USED |          \
	 IMSM_ATTR_CHECKSUM_VERIFY)

/* imsm_disk.status */
#define IMSM_DISK_SPARE 0x01u
#define IMSM_DISK_CONFIGURED 0x02u
#define IMSM_DISK_FAILED 0x04u
#define IMSM_DISK_JOURNAL 0x02000000u
#define IMSM_SCSI_ID_MISSING 0xffffffffu

/* imsm_dev_head.status */
#define IMSM_VOL_VERIFY_AND_FIX 0x80u

/* imsm_dev_head.dirty */
#define IMSM_DIRTY 0x1u
#define IMSM_DSRECORD_VALID 0x2u

#define IMSM_ORD_REBUILD 0x01000000u
#define IMSM_ORD_INDEX_MASK 0x00ffffffu

/* imsm_map_head.failed_disk_num */
#define IMSM_NO_FAILED_SLOT 0xff

enum imsm_map_state {
	IMSM_NORMAL = 0,
	IMSM_UNINITIALIZED = 1,
	IMSM_DEGRADED = 2,
	IMSM_FAILED = 3,
};

enum imsm_migr_type {
	IMSM_MIGR_INIT = 0,
	IMSM_MIGR_REBUILD = 1,
	IMSM_MIGR_VERIFY = 2,
	IMSM_MIGR_GENERAL = 3,
	IMSM_MIGR_STATE_CHANGE = 4,
	IMSM_MIGR_REPAIR = 5, /* on disk: VERIFY with IMSM_VOL_VERIFY_AND_FIX */
};

enum imsm_rwh_policy {
	IMSM_RWH_OFF = 0,
	IMSM_RWH_DISTRIBUTED = 1,
	IMSM_RWH_JOURNALING_DRIVE = 2,
	IMSM_RWH_MULTIPLE_DISTRIBUTED = 3,
	IMSM_RWH_MULTIPLE_PPLS_JOURNALING_DRIVE = 4,
	IMSM_RWH_MULTIPLE_OFF = 5,
	IMSM_RWH_BITMAP = 6,
};

enum imsm_level { IMSM_RAID0 = 0, IMSM_RAID1 = 1, IMSM_RAID5 = 5, IMSM_RAID10 = 10 };
#define IMSM_LEVEL_UNKNOWN (-1)

/* ---- on disk; offsets in the comments, asserted in imsm/format.c ---- */

struct imsm_header {
	uint8_t sig[IMSM_SIGNATURE_LEN]; /* 0x00 */
	uint8_t version[IMSM_VERSION_LEN]; /* 0x18 */
	le32 check_sum;             /* 0x20 */
	le32 mpb_size;              /* 0x24 bytes */
	le32 family_num;            /* 0x28 */
	le32 generation_num;        /* 0x2c */
	le32 error_log_size;        /* 0x30 */
	le32 attributes;            /* 0x34 */
	uint8_t num_disks;          /* 0x38 */
	uint8_t num_raid_devs;      /* 0x39 */
	uint8_t error_log_pos;      /* 0x3a */
	uint8_t fill;               /* 0x3b */
	le32 cache_size;            /* 0x3c */
	le32 orig_family_num;       /* 0x40 */
	le32 pwr_cycle_count;       /* 0x44 */
	le32 bbm_log_size;          /* 0x48 bytes */
	le16 num_raid_devs_created; /* 0x4c */
	le16 filler1;               /* 0x4e */
	le64 creation_time;         /* 0x50 */
	uint8_t filler[128];        /* 0x58 */
};

struct imsm_disk {
	uint8_t serial[IMSM_SERIAL_LEN]; /* 0 */
	le32 total_blocks_lo;            /* 16 */
	le32 scsi_id;                    /* 20 */
	le32 status;                     /* 24 */
	le32 owner_cfg_num;              /* 28 */
	le32 total_blocks_hi;            /* 32 */
	uint8_t filler[12];              /* 36 */
};

struct imsm_map_head {
	le32 pba_of_lba0_lo;       /* 0 */
	le32 blocks_per_member_lo; /* 4 */
	le32 num_data_stripes_lo;  /* 8 */
	le16 blocks_per_strip;     /* 12 */
	uint8_t map_state;         /* 14 */
	uint8_t raid_level;        /* 15 as stored: 1 also means RAID10 */
	uint8_t num_members;       /* 16 */
	uint8_t num_domains;       /* 17 */
	uint8_t failed_disk_num;   /* 18 slot, or IMSM_NO_FAILED_SLOT */
	uint8_t ddf;               /* 19 */
	le32 pba_of_lba0_hi;       /* 20 */
	le32 blocks_per_member_hi; /* 24 */
	le32 num_data_stripes_hi;  /* 28 */
	uint8_t filler[16];        /* 32 */
};

struct imsm_dev_head {
	uint8_t name[IMSM_NAME_LEN]; /* 0 zero padded, 16 characters are not terminated */
	le32 size_low;               /* 16 sectors */
	le32 size_high;              /* 20 */
	le32 status;                 /* 24 */
	le32 reserved_blocks;        /* 28 */
	uint8_t migr_priority;       /* 32 */
	uint8_t num_sub_vols;        /* 33 */
	uint8_t tid;                 /* 34 */
	uint8_t cng_master_disk;     /* 35 */
	le16 cache_policy;           /* 36 */
	uint8_t cng_state;           /* 38 */
	uint8_t cng_sub_state;       /* 39 */
	le16 my_vol_raid_dev_num;    /* 40 */
	uint8_t nv_cache_mode;       /* 42 */
	uint8_t nv_cache_flags;      /* 43 */
	le32 nvc_vol_orig_family_num; /* 44 */
	le16 nvc_vol_raid_dev_num;   /* 48 */
	uint8_t rwh_policy;          /* 50 */
	uint8_t jd_serial[IMSM_SERIAL_LEN]; /* 51 */
	uint8_t filler1;             /* 67 */
	uint8_t filler[12];          /* 68 */
	/* struct imsm_vol of the field's vocabulary begins here */
	le32 curr_migr_unit_lo; /* 80 */
	le32 checkpoint_id;     /* 84 */
	uint8_t migr_state;     /* 88 */
	uint8_t migr_type;      /* 89 as stored: REPAIR is VERIFY + status bit */
	uint8_t dirty;          /* 90 */
	uint8_t fs_state;       /* 91 */
	le16 verify_errors;     /* 92 */
	le16 bad_blocks;        /* 94 */
	le32 curr_migr_unit_hi; /* 96 */
	uint8_t vol_filler[12]; /* 100 */
};

/* Head of the bad block log, which lies at the end of the MPB; the entries follow. */
struct imsm_bbm_head {
	le32 signature;   /* 0 */
	le32 entry_count; /* 4 */
};

struct imsm_bbm_entry {
	uint8_t marked_count; /* 0 sectors - 1 */
	uint8_t disk_ordinal; /* 1 disk index */
	uint8_t start[6];     /* 2 48-bit LE sector */
};

/* Migration record: the last sector. Owned by mdadm during a reshape. */
struct imsm_migr_record {
	le32 rec_status;            /* 0 */
	le32 curr_migr_unit_lo;     /* 4 */
	le32 family_num;            /* 8 */
	le32 ascending_migr;        /* 12 */
	le32 blocks_per_unit;       /* 16 */
	le32 dest_depth_per_unit;   /* 20 */
	le32 ckpt_area_pba_lo;      /* 24 */
	le32 dest_1st_member_lba_lo; /* 28 */
	le32 num_migr_units_lo;     /* 32 */
	le32 post_migr_vol_cap_lo;  /* 36 */
	le32 post_migr_vol_cap_hi;  /* 40 */
	le32 ckpt_read_disk_num;    /* 44 */
	le32 curr_migr_unit_hi;     /* 48 */
	le32 ckpt_area_pba_hi;      /* 52 */
	le32 dest_1st_member_lba_hi; /* 56 */
	le32 num_migr_units_hi;     /* 60 */
	uint8_t filler[64];         /* 64 */
};

/* ---- decoded ---- */

struct imsm_map {
	struct imsm_map_head head;
	uint32_t ord[IMSM_MAX_MEMBERS]; /* host order, head.num_members of them */
};

struct imsm_volume {
	struct imsm_dev_head head;
	struct imsm_map map[2]; /* map[1] is valid while head.migr_state is non-zero */
};

struct imsm_bad_range {
	uint64_t sector;
	uint16_t length; /* sectors: 1..256 blocks of the disk's sector size */
	uint8_t disk;    /* disk index */
};

/* A whole MPB. Fixed size, plain data: may be copied with '='. */
struct imsm_meta {
	struct imsm_header header; /* num_disks, num_raid_devs, mpb_size ... are set by encode */
	unsigned num_disks;
	struct imsm_disk disk[IMSM_MAX_DISKS];
	unsigned num_volumes;
	struct imsm_volume volume[IMSM_MAX_VOLUMES];
	unsigned num_bad;
	struct imsm_bad_range bad[IMSM_BBM_MAX];
};

/* ---- imsm/format.c: where it lies ---- */

/* 512 or 4096: others are not in use. */
bool imsm_sector_size_known(uint32_t sector_size);

/* Byte offset of the anchor, 0 if the device is too small. */
uint64_t imsm_anchor_offset(uint64_t device_size, uint32_t sector_size);
uint64_t imsm_migr_record_offset(uint64_t device_size, uint32_t sector_size);

/* Sum of all 32-bit words, check_sum taken as zero (imsm.md 1.3). len >= IMSM_HEADER_SIZE. */
uint32_t imsm_checksum(const void *mpb, size_t len);

/* ---- imsm/decode.c ---- */

/*
 * Looks at the anchor sector alone: *mpb_size in bytes and *sectors, the MPB's length in sectors.
 * -EINVAL: no IMSM signature. -EBADMSG: signature, but impossible sizes.
 */
int imsm_probe_anchor(const void *anchor, uint32_t sector_size, uint32_t *mpb_size, uint32_t *sectors);

/*
 * `mpb` is the MPB in its logical order (anchor sector first), `len` bytes of it.
 * Everything is checked: lengths, counts, offsets, checksum, values that later arithmetic divides by.
 * `why` (may be NULL) receives a static text that names the field at fault. On success it receives NULL,
 * or what was left out: entries of the bad block log that lie on no disk.
 * -EINVAL no signature, -EBADMSG checksum or contents; *m is undefined then. Any thread.
 */
int imsm_decode(const void *mpb, size_t len, uint32_t sector_size, struct imsm_meta *m, const char **why);

/*
 * One volume record as it stands in an MPB or in a create_array message (512-byte units). Returns the
 * bytes used or -EBADMSG. `num_disks`: bound for the ords; 0: do not check them (message).
 */
ssize_t imsm_decode_volume(const void *p, size_t len, unsigned num_disks, struct imsm_volume *v, const char **why);

/*
 * The migration record, at the start of the disk's last sector (`sector`: all of it). All sizes and addresses in *r are
 * in 512-byte sectors, whatever the sector size; unit numbers are what they are. There is neither a signature nor
 * a checksum: any bytes are a record, and zeros mean that there is none. mdadm alone writes it.
 */
void imsm_decode_migr_record(const void *sector, uint32_t sector_size, struct imsm_migr_record *r);

/* ---- imsm/encode.c ---- */

/*
 * Encodes into buf (size bytes, at least IMSM_MPB_MAX) in logical order, the last sector padded with
 * zeros. Sets header.mpb_size, num_disks, num_raid_devs, bbm_log_size, the BBM attribute and check_sum
 * in the output only. Returns the length in bytes, a multiple of sector_size, or -E2BIG: buf is too small,
 * or a count or a bad range is outside what the format can hold.
 * Decoding what it wrote gives the same struct; encoding what was decoded gives the same bytes up to mpb_size.
 * Not kept: the unused hi halves without 2TB_DISK, a foreign writer's slack before the bad block log, and entries
 * of that log that decoding left out. With 4096-byte sectors what is no multiple of 8
 * sectors is rounded down (imsm.md 1.13), bad ranges outwards.
 */
ssize_t imsm_encode(const struct imsm_meta *m, uint32_t sector_size, void *buf, size_t size);

/*
 * Rearranges an encoded MPB for one contiguous write: extended sectors first, the anchor last.
 * `out` may not overlap `mpb`. The write goes to anchor offset - (len - sector_size).
 */
void imsm_disk_order(const void *mpb, size_t len, uint32_t sector_size, void *out);

/*
 * The one-sector record of a spare disk: `d` with status SPARE. Returns its length (one sector of
 * sector_size) in buf. total_blocks is converted for the disk's own sector size.
 */
size_t imsm_encode_spare(const struct imsm_disk *d, uint32_t sector_size, void *buf);

/* Bytes that the volume takes in an MPB. */
size_t imsm_volume_size(const struct imsm_volume *v);

/* ---- imsm/mixture.c ---- */

/*
 * `new` is about to be written where `old` lies, each as it lies on the disk, with the anchor at its end. `old` has all that
 * is overwritten, and all that its own anchor counts. True: if only some of the sectors arrive, and what is there then is
 * neither the one nor the other, its checksum may be right.
 */
bool imsm_may_be_mixed(const void *old, size_t old_len, const void *new, size_t new_len, uint32_t sector_size);
/* Bytes that the anchor says the copy has, in whole sectors; 0: it is none. */
size_t imsm_told_length(const void *anchor, uint32_t sector_size);
/* One that no reader takes, whatever lies beside it. `out`: one sector. */
void imsm_close_anchor(const void *anchor, uint32_t sector_size, void *out);
/* It is such a one. */
bool imsm_is_closed(const void *anchor, uint32_t sector_size);

/* ---- imsm/fields.c: fields that are more than one word ---- */

uint64_t imsm_disk_blocks(const struct imsm_disk *d); /* sectors */
void imsm_disk_set_blocks(struct imsm_disk *d, uint64_t sectors);
uint64_t imsm_volume_blocks(const struct imsm_volume *v); /* sectors */
void imsm_volume_set_blocks(struct imsm_volume *v, uint64_t sectors);
uint64_t imsm_volume_unit(const struct imsm_volume *v); /* checkpoint in migration units */
void imsm_volume_set_unit(struct imsm_volume *v, uint64_t unit);
enum imsm_migr_type imsm_volume_migr_type(const struct imsm_volume *v); /* REPAIR decoded */
void imsm_volume_set_migr_type(struct imsm_volume *v, enum imsm_migr_type t);
uint64_t imsm_map_pba(const struct imsm_map *m);
void imsm_map_set_pba(struct imsm_map *m, uint64_t sectors);
uint64_t imsm_map_blocks_per_member(const struct imsm_map *m);
void imsm_map_set_blocks_per_member(struct imsm_map *m, uint64_t sectors);
uint64_t imsm_map_stripes(const struct imsm_map *m);
void imsm_map_set_stripes(struct imsm_map *m, uint64_t stripes);
unsigned imsm_map_chunk(const struct imsm_map *m); /* sectors, > 0 */

/* Effective level (imsm.md 1.8): an enum imsm_level, or IMSM_LEVEL_UNKNOWN. */
int imsm_map_level(const struct imsm_map *m);

/* ---- imsm/fields.c: serial numbers (imsm.md 1.17) ---- */

/* Raw bytes from the disk -> 16 bytes, zero padded. False if nothing printable is left. */
bool imsm_normalise_serial(const void *raw, size_t len, uint8_t out[IMSM_SERIAL_LEN]);
bool imsm_serial_equal(const uint8_t a[IMSM_SERIAL_LEN], const uint8_t b[IMSM_SERIAL_LEN]);
/* Appends ":0". */
void imsm_serial_mark_failed(uint8_t serial[IMSM_SERIAL_LEN]);
/* For messages: terminated, at most 17 bytes. Returns out. */
const char *imsm_serial_text(const uint8_t serial[IMSM_SERIAL_LEN], char out[IMSM_SERIAL_LEN + 1]);

/* ---- imsm/fields.c: 4096-byte sectors (imsm.md 1.13); for decoding and encoding only ---- */

/* From what such a disk holds to 512-byte sectors, or back. */
enum imsm_scaling { IMSM_FROM_4K, IMSM_TO_4K };

void imsm_scale_disk(struct imsm_disk *d, enum imsm_scaling dir);
void imsm_scale_volume(struct imsm_volume *v, enum imsm_scaling dir);
void imsm_scale_migr_record(struct imsm_migr_record *r); /* from, only */

#endif
