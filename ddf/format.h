/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The SNIA DDF on-disk format (ddf.md 1): structures as they lie on the disk, finding and
 * checking them. Everything that comes from a disk is checked here.
 *
 * All numbers are big-endian. Sizes and positions are in sectors of 512 bytes, whatever the
 * sector size of the disk. A disk carries an anchor (its last sector), and one or two copies
 * of everything else, each of which begins with a header.
 *
 * The metadata are kept as the bytes that were read: what we do not know survives.
 */
#ifndef DDF_H
#define DDF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>

#include "lib/byteorder.h"

#define DDF_SECTOR 512u
#define DDF_GUID_LEN 24u
#define DDF_EPOCH 315532800u /* 1980-01-01, as seconds of Unix time */

#define DDF_HEADER_MAGIC 0xde11de11u
#define DDF_CONTROLLER_MAGIC 0xad111111u
#define DDF_PD_MAGIC 0x22222222u
#define DDF_DISK_DATA_MAGIC 0x33333333u
#define DDF_VD_MAGIC 0xddddddddu
#define DDF_VDC_MAGIC 0xeeeeeeeeu
#define DDF_SPARE_MAGIC 0x55555555u
#define DDF_VENDOR_MAGIC 0x88888888u
#define DDF_NO_RECORD 0xffffffffu /* first word of an empty configuration record */

/* Sane bounds, beyond which metadata are taken for broken. */
#define DDF_TABLE_ENTRIES_MAX 4095u
#define DDF_SECTION_SECTORS_MAX 1024u /* but for the configuration section: */
#define DDF_CONFIG_SECTORS_MAX 65536u
#define DDF_RECORD_SECTORS_MAX 97u
#define DDF_MAX_BVDS 255u
#define DDF_MAX_SLOTS 256u /* of a virtual disk, numbered as in md */

/* Where mdadm puts things, in sectors from the end of the disk (1.3). */
#define DDF_RESERVED_SECTORS 65536u
#define DDF_PRIMARY_FROM_END 32768u
#define DDF_SECONDARY_FROM_END 65536u

enum ddf_header_type { DDF_ANCHOR = 0, DDF_PRIMARY = 1, DDF_SECONDARY = 2 };

#define DDF_CLOSED 0x00u
#define DDF_OPEN 0x01u
#define DDF_ANCHOR_OPEN_FLAG 0xffu
#define DDF_ANCHOR_SEQ 0xffffffffu
#define DDF_NO_LBA UINT64_MAX /* no secondary copy */

struct ddf_section {
	be32 offset; /* sectors from the header of the copy; 0xffffffff: none */
	be32 length; /* sectors */
};

/* Anchor, primary and secondary header (1.4). */
struct ddf_header {
	be32 magic;
	be32 crc;                   /* 4 */
	uint8_t guid[DDF_GUID_LEN]; /* 8 */
	char revision[8];           /* 32 */
	be32 seq;                   /* 40 */
	be32 timestamp;             /* 44 */
	uint8_t open_flag;          /* 48 */
	uint8_t foreign_flag;       /* 49 */
	uint8_t grouping;           /* 50 */
	uint8_t reserved1[13];      /* 51 */
	uint8_t ext[32];            /* 64 */
	be64 primary_lba;           /* 96 */
	be64 secondary_lba;         /* 104 */
	uint8_t type;               /* 112 */
	uint8_t reserved2[3];       /* 113 */
	be32 workspace_len;         /* 116 */
	be64 workspace_lba;         /* 120 */
	be16 max_pd_entries;        /* 128 */
	be16 max_vd_entries;        /* 130 */
	be16 max_partitions;        /* 132 */
	be16 record_len;            /* 134 sectors */
	be16 max_primary_elements;  /* 136 */
	uint8_t reserved3[54];      /* 138 */
	struct ddf_section controller; /* 192 */
	struct ddf_section pd;         /* 200 */
	struct ddf_section vd;         /* 208 */
	struct ddf_section config;     /* 216 */
	struct ddf_section disk_data;  /* 224 */
	struct ddf_section bbm;        /* 232 */
	struct ddf_section diagnostic; /* 240 */
	struct ddf_section vendor;     /* 248 */
	uint8_t reserved4[256];        /* 256 */
};

/* Head of the sections of physical disks and of virtual disks (1.6, 1.7). */
struct ddf_table_head {
	be32 magic;
	be32 crc;       /* 4 */
	be16 populated; /* 8 used entries */
	be16 max;       /* 10 */
	uint8_t reserved[52]; /* 12 */
};

struct ddf_pd_entry {
	uint8_t guid[DDF_GUID_LEN]; /* all ones: unused */
	be32 refnum;                /* 24 all ones: unused */
	be16 type;                  /* 28 DDF_PD_* */
	be16 state;                 /* 30 DDF_PD_* */
	be64 configured_size;       /* 32 sectors that arrays may use */
	uint8_t path[18];           /* 40 */
	uint8_t reserved[6];        /* 58 */
};

enum ddf_pd_type {
	DDF_PD_FORCED_GUID = 0x01,
	DDF_PD_ACTIVE = 0x02,
	DDF_PD_GLOBAL_SPARE = 0x04,
	DDF_PD_SPARE = 0x08, /* has a spare assignment record */
	DDF_PD_FOREIGN = 0x10,
	DDF_PD_LEGACY = 0x20,
};

enum ddf_pd_state {
	DDF_PD_ONLINE = 0x01,
	DDF_PD_FAILED = 0x02,
	DDF_PD_REBUILDING = 0x04,
	DDF_PD_TRANSITION = 0x08,
	DDF_PD_SMART = 0x10,
	DDF_PD_READ_ERRORS = 0x20,
	DDF_PD_MISSING = 0x40,
};

struct ddf_vd_entry {
	uint8_t guid[DDF_GUID_LEN]; /* all ones: unused */
	be16 unit;                  /* 24 */
	uint8_t reserved1[2];       /* 26 */
	uint8_t guid_crc[2];        /* 28 */
	be16 type;                  /* 30 */
	uint8_t state;              /* 32 enum ddf_vd_state, DDF_VD_* */
	uint8_t init_state;         /* 33 enum ddf_init_state and access bits */
	uint8_t reserved2[14];      /* 34 */
	char name[16];              /* 48 ends at a NUL or a space */
};

enum ddf_vd_state {
	DDF_VD_OPTIMAL = 0,
	DDF_VD_DEGRADED = 1,
	DDF_VD_DELETED = 2,
	DDF_VD_MISSING = 3,
	DDF_VD_FAILED = 4,
	DDF_VD_PARTIALLY_OPTIMAL = 5,
};

#define DDF_VD_STATE_MASK 0x07u
#define DDF_VD_MORPHING 0x08u
#define DDF_VD_INCONSISTENT 0x10u

enum ddf_init_state { DDF_NOT_INITIALISED = 0, DDF_QUICK_INIT = 1, DDF_INITIALISED = 2 };

#define DDF_INIT_MASK 0x03u

/* A virtual disk configuration record describes one basic virtual disk (BVD) of a virtual disk (1.8). */
struct ddf_vdc {
	be32 magic;
	be32 crc;                   /* 4 */
	uint8_t guid[DDF_GUID_LEN]; /* 8 of the virtual disk */
	be32 timestamp;             /* 32 */
	be32 seq;                   /* 36 generation of this record */
	uint8_t reserved1[24];      /* 40 */
	be16 primary_count;         /* 64 disks in this BVD */
	uint8_t strip_exponent;     /* 66 strip = 512 << n bytes, 0xff = none */
	uint8_t prl;                /* 67 primary level, enum ddf_prl */
	uint8_t rlq;                /* 68 its qualifier */
	uint8_t secondary_count;    /* 69 BVDs of the virtual disk */
	uint8_t secondary_seq;      /* 70 which one this is */
	uint8_t srl;                /* 71 secondary level, enum ddf_srl */
	be64 block_count;           /* 72 sectors of each disk */
	be64 vd_size;               /* 80 sectors of the whole virtual disk */
	uint8_t reserved2[8];       /* 88 */
	be32 spares[8];             /* 96 */
	uint8_t cache_policy[8];    /* 128 */
	uint8_t bg_rate;            /* 136 */
	uint8_t reserved3[375];     /* 137 */
	/* be32 refnum[mppe] and be64 start[mppe] follow */
};

#define DDF_REF_NONE 0xffffffffu /* never filled; does not count as a position */
#define DDF_REF_MISSING 0u       /* the disk was found missing; counts */

/* The number stands for a disk. */
static inline bool ddf_is_disk(uint32_t refnum)
{
	return refnum != DDF_REF_NONE && refnum != DDF_REF_MISSING;
}

enum ddf_prl {
	DDF_RAID0 = 0x00,
	DDF_RAID1 = 0x01,
	DDF_RAID3 = 0x03,
	DDF_RAID4 = 0x04,
	DDF_RAID5 = 0x05,
	DDF_RAID6 = 0x06,
	DDF_JBOD = 0x0f,
	DDF_RAID1E = 0x11,
	DDF_RAID5E = 0x15,
	DDF_CONCAT = 0x1f,
	DDF_RAID5EE = 0x25,
};

enum ddf_srl { DDF_2STRIPED = 0, DDF_2MIRRORED = 1, DDF_2CONCAT = 2, DDF_2SPANNED = 3 };

struct ddf_spare_entry {
	uint8_t guid[DDF_GUID_LEN]; /* the virtual disk that it may serve */
	be16 secondary_element;     /* 24 */
	uint8_t reserved[6];        /* 26 */
};

/* Spare assignment record (1.8). */
struct ddf_spare {
	be32 magic;
	be32 crc;            /* 4 */
	be32 timestamp;      /* 8 */
	uint8_t reserved1[7]; /* 12 */
	uint8_t type;        /* 19 DDF_SPARE_* */
	be16 populated;      /* 20 */
	be16 max;            /* 22 */
	uint8_t reserved2[8]; /* 24 */
	struct ddf_spare_entry entry[]; /* 32 */
};

#define DDF_SPARE_DEDICATED 0x01u

struct ddf_disk_data {
	be32 magic;
	be32 crc;                   /* 4 */
	uint8_t guid[DDF_GUID_LEN]; /* 8 */
	be32 refnum;                /* 32 */
	uint8_t forced_ref;         /* 36 */
	uint8_t forced_guid;        /* 37 */
	uint8_t vendor[32];         /* 38 */
	uint8_t reserved[442];      /* 70 */
};

#define DDF_ASSERT_AT(s, f, at) _Static_assert(offsetof(struct s, f) == (at), #s "." #f)
_Static_assert(sizeof(struct ddf_header) == 512, "a header is one sector");
_Static_assert(sizeof(struct ddf_table_head) == 64, "head of a table");
_Static_assert(sizeof(struct ddf_pd_entry) == 64, "entry of a physical disk");
_Static_assert(sizeof(struct ddf_vd_entry) == 64, "entry of a virtual disk");
_Static_assert(sizeof(struct ddf_vdc) == 512, "fixed part of a configuration record");
_Static_assert(sizeof(struct ddf_spare) == 32, "head of a spare assignment record");
_Static_assert(sizeof(struct ddf_spare_entry) == 32, "entry of a spare assignment record");
_Static_assert(sizeof(struct ddf_disk_data) == 512, "disk data are one sector");
DDF_ASSERT_AT(ddf_header, seq, 40);
DDF_ASSERT_AT(ddf_header, primary_lba, 96);
DDF_ASSERT_AT(ddf_header, type, 112);
DDF_ASSERT_AT(ddf_header, workspace_lba, 120);
DDF_ASSERT_AT(ddf_header, max_primary_elements, 136);
DDF_ASSERT_AT(ddf_header, controller, 192);
DDF_ASSERT_AT(ddf_header, disk_data, 224);
DDF_ASSERT_AT(ddf_header, reserved4, 256);
DDF_ASSERT_AT(ddf_pd_entry, configured_size, 32);
DDF_ASSERT_AT(ddf_vd_entry, state, 32);
DDF_ASSERT_AT(ddf_vd_entry, name, 48);
DDF_ASSERT_AT(ddf_vdc, primary_count, 64);
DDF_ASSERT_AT(ddf_vdc, srl, 71);
DDF_ASSERT_AT(ddf_vdc, block_count, 72);
DDF_ASSERT_AT(ddf_vdc, spares, 96);
DDF_ASSERT_AT(ddf_vdc, bg_rate, 136);
DDF_ASSERT_AT(ddf_spare, type, 19);
DDF_ASSERT_AT(ddf_disk_data, refnum, 32);

/* ---- checksums (1.2). All of them: any thread, pure. ---- */

/* CRC of `len` bytes (at least 8) of a structure, whose own CRC field (bytes 4 to 7) counts as all ones. */
uint32_t ddf_crc(const void *structure, size_t len);
void ddf_seal(void *structure, size_t len);      /* stores it */
bool ddf_crc_ok(const void *structure, size_t len);

/* ---- headers ---- */

/* A header's contents, checked. Everything that later arithmetic relies on is within bounds. */
struct ddf_layout {
	uint64_t primary_lba, secondary_lba, workspace_lba; /* sectors; secondary may be DDF_NO_LBA */
	unsigned max_pd, max_vd;    /* entries that have room in their sections */
	unsigned records;           /* record slots in the configuration section, the last one for a spare record */
	unsigned record_sectors;    /* sectors of each */
	unsigned mppe;              /* elements that fit into a record */
	/* Sections of a copy: sectors from its header. */
	struct ddf_extent {
		uint32_t offset, length;
	} controller, pd, vd, config, disk_data;
};

/*
 * A header sector by itself: magic, CRC, revision, type (DDF_ANCHOR: any type, an anchor may be a copied header).
 * 0, -EINVAL: no magic, -EBADMSG. `why` as in ddf_check_layout.
 */
int ddf_check_header(const struct ddf_header *h, enum ddf_header_type type, const char **why);

/* Fills *l. `sectors`: size of the disk. -EBADMSG: impossible; *why (may be NULL) is a static text. */
int ddf_check_layout(const struct ddf_header *h, uint64_t sectors, struct ddf_layout *l, const char **why);

/*
 * Of two disks, the one whose generation is greater as a signed number is newer, as with mdadm (2.2). Of the two copies
 * of a disk, that whose generation is greater as it stands, without a sign (2.1).
 */
static inline int32_t ddf_rank(uint32_t seq)
{
	return (int32_t)seq;
}

/* The header belongs to this anchor (2.1 step 3): GUID, revision, LBAs and bytes 113 to 115. */
bool ddf_header_matches(const struct ddf_header *anchor, const struct ddf_header *h);

/* mdadm demands of all headers of a disk that they are the same from byte 113 on (1.4). */
bool ddf_same_rest(const struct ddf_header *a, const struct ddf_header *b);

/* Sizes of tables and records, which DDF wants to be the same on all disks of a container. */
bool ddf_same_shape(const struct ddf_layout *a, const struct ddf_layout *b);

/* ---- records ---- */

static inline size_t ddf_record_bytes(const struct ddf_layout *l)
{
	return (size_t)l->record_sectors * DDF_SECTOR;
}

/* Elements of a record; i < mppe. */
uint32_t ddf_element_ref(const struct ddf_vdc *v, unsigned i);
void ddf_set_element_ref(struct ddf_vdc *v, unsigned i, uint32_t refnum);
int ddf_find_element(const struct ddf_vdc *v, unsigned mppe, uint32_t refnum); /* -1: it names no such disk */
uint64_t ddf_element_start(const struct ddf_vdc *v, unsigned mppe, unsigned i);
void ddf_set_element_start(struct ddf_vdc *v, unsigned mppe, unsigned i, uint64_t sector);

/*
 * A configuration record of l->record_sectors: counts and levels that later arithmetic relies on (16). The CRC is
 * not looked at: messages have none. False: *why is a static text.
 */
bool ddf_check_vdc(const struct ddf_vdc *v, const struct ddf_layout *l, const char **why);

/* Of the `most` entries that the layout allows a table, as many as the table says itself that it has. */
unsigned ddf_entries_of(unsigned most, const uint8_t *table);

/* Entries of a spare record that fit into it. */
unsigned ddf_spare_entries(const struct ddf_spare *s, const struct ddf_layout *l);

/* md's level and layout of a BVD record (1.9). False: md has none. *level may be 0, 1, 4, 5, 6, 10 or -1 (linear). */
bool ddf_md_level(const struct ddf_vdc *v, int *level, int *layout, unsigned *raid_disks);

/* ---- small things ---- */

/* The word that every structure, and every message, begins with. */
static inline uint32_t ddf_magic_of(const void *structure)
{
	be32 magic;

	memcpy(&magic, structure, sizeof(magic));
	return be32_get(magic);
}

bool ddf_guid_unused(const uint8_t guid[DDF_GUID_LEN]);
static inline bool ddf_guid_equal(const uint8_t a[DDF_GUID_LEN], const uint8_t b[DDF_GUID_LEN])
{
	return memcmp(a, b, DDF_GUID_LEN) == 0;
}
/* For messages: the name as text, ends at a NUL or a space. `out`: 17 bytes. Returns out. */
const char *ddf_vd_name(const struct ddf_vd_entry *vd, char out[17]);

#endif
