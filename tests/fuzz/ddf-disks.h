/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Three small disks of a DDF container in memory, which an input changes: each change is five bytes, the disk, the position (2),
 * the value, and what is to be sealed again afterwards; the first byte of the input says which copies are left open.
 * Serves disk_read().
 */
#ifndef DDF_DISKS_H
#define DDF_DISKS_H

#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "ddf/ddf.h"
#include "tests/fuzz/silence.h"

#define DISKS 3
#define MPPE 16
#define RECORD (2 * DDF_SECTOR)
#define RECORDS 5
#define COPY_SECTORS (1 + 1 + 2 + 2 + 2 * RECORDS + 1)
#define SECTORS (2 * COPY_SECTORS + 3)
#define PRIMARY_LBA 1
#define SECONDARY_LBA (1 + COPY_SECTORS + 1)

/* Byte positions in a copy. */
#define CONTROLLER_AT (1 * DDF_SECTOR)
#define PD_AT (2 * DDF_SECTOR)
#define VD_AT (4 * DDF_SECTOR)
#define CONFIG_AT (6 * DDF_SECTOR)
#define DATA_AT (CONFIG_AT + RECORDS * RECORD)

/* Of a descriptor. A target that has other disks, too, says otherwise. */
#ifndef DISK_BYTES
#define DISK_BYTES(fd) image[fd]
#endif

static uint8_t image[DISKS][SECTORS * DDF_SECTOR];

/* ---- what reading needs: disks in memory ---- */

int disk_read(const struct disk *d, void *buf, size_t len, uint64_t offset)
{
	MUST(offset % DDF_SECTOR == 0 && len % DDF_SECTOR == 0 && len > 0);
	MUST(len <= d->size && offset <= d->size - len);
	memcpy(buf, DISK_BYTES(d->fd) + offset, len);
	return 0;
}

void disk_close(struct disk *d)
{
	free(d);
}

/* ---- a container ---- */

static void set_section(struct ddf_section *s, size_t at, unsigned sectors)
{
	s->offset = be32_make((uint32_t)(at / DDF_SECTOR));
	s->length = be32_make(sectors);
}

static void make_header(uint8_t *p, enum ddf_header_type type)
{
	struct ddf_header *h = (struct ddf_header *)(void *)p;

	memset(h, 0xff, sizeof(*h));
	h->magic = be32_make(DDF_HEADER_MAGIC);
	memset(h->guid, 1, sizeof(h->guid));
	memcpy(h->revision, "01.02.00", sizeof(h->revision));
	h->seq = be32_make(type == DDF_ANCHOR ? DDF_ANCHOR_SEQ : 7);
	h->open_flag = type == DDF_ANCHOR ? DDF_ANCHOR_OPEN_FLAG : DDF_CLOSED;
	h->type = (uint8_t)type;
	h->primary_lba = be64_make(PRIMARY_LBA);
	h->secondary_lba = be64_make(SECONDARY_LBA);
	h->max_pd_entries = be16_make(15);
	h->max_vd_entries = be16_make(15);
	h->max_partitions = be16_make(RECORDS - 1);
	h->record_len = be16_make(RECORD / DDF_SECTOR);
	h->max_primary_elements = be16_make(MPPE);
	set_section(&h->controller, CONTROLLER_AT, 1);
	set_section(&h->pd, PD_AT, 2);
	set_section(&h->vd, VD_AT, 2);
	set_section(&h->config, CONFIG_AT, 2 * RECORDS);
	set_section(&h->disk_data, DATA_AT, 1);
}

static void make_tables(uint8_t *copy)
{
	struct ddf_table_head *pd = (struct ddf_table_head *)(void *)(copy + PD_AT);
	struct ddf_table_head *vd = (struct ddf_table_head *)(void *)(copy + VD_AT);
	struct ddf_pd_entry *p = (struct ddf_pd_entry *)(void *)(pd + 1);
	struct ddf_vd_entry *v = (struct ddf_vd_entry *)(void *)(vd + 1);

	pd->magic = be32_make(DDF_PD_MAGIC);
	vd->magic = be32_make(DDF_VD_MAGIC);
	for (unsigned i = 0; i < DISKS; i++) {
		memset(p[i].guid, (int)(10 + i), sizeof(p[i].guid));
		p[i].refnum = be32_make(10 + i);
		p[i].state = be16_make(DDF_PD_ONLINE);
		p[i].configured_size = be64_make(1000);
	}
	for (unsigned i = 0; i < 2; i++) {
		memset(v[i].guid, (int)(20 + i), sizeof(v[i].guid));
		v[i].state = DDF_VD_OPTIMAL;
	}
}

static void make_record(uint8_t *p, unsigned vd, unsigned count, unsigned seq)
{
	struct ddf_vdc *v = (struct ddf_vdc *)(void *)p;

	v->magic = be32_make(DDF_VDC_MAGIC);
	memset(v->guid, (int)(20 + vd), sizeof(v->guid));
	v->seq = be32_make(3);
	v->primary_count = be16_make(3);
	v->prl = DDF_RAID1;
	v->rlq = 1;
	v->secondary_count = (uint8_t)count;
	v->secondary_seq = (uint8_t)seq;
	v->srl = DDF_2SPANNED;
	v->block_count = be64_make(100);
	v->vd_size = be64_make(100);
	for (unsigned i = 0; i < DISKS; i++) {
		ddf_set_element_ref(v, i, 10 + i);
		ddf_set_element_start(v, MPPE, i, 100 * vd);
	}
}

static void make_copy(uint8_t *copy, unsigned disk, enum ddf_header_type type)
{
	struct ddf_disk_data *data = (struct ddf_disk_data *)(void *)(copy + DATA_AT);
	struct ddf_spare *spare = (struct ddf_spare *)(void *)(copy + CONFIG_AT + (RECORDS - 1) * RECORD);
	be32 magic = be32_make(DDF_CONTROLLER_MAGIC);

	memset(copy, 0xff, COPY_SECTORS * DDF_SECTOR);
	make_header(copy, type);
	memcpy(copy + CONTROLLER_AT, &magic, sizeof(magic));
	make_tables(copy);
	make_record(copy + CONFIG_AT, 0, 1, 0);
	make_record(copy + CONFIG_AT + RECORD, 1, 3, disk);
	spare->magic = be32_make(DDF_SPARE_MAGIC);
	data->magic = be32_make(DDF_DISK_DATA_MAGIC);
	memset(data->guid, (int)(10 + disk), sizeof(data->guid));
	data->refnum = be32_make(10 + disk);
}

/* As far as `what` has a bit for it: changes that no checksum hides, and such that one does. */
static void seal_copy(uint8_t *copy, unsigned what)
{
	if (what & 1)
		ddf_seal(copy, DDF_SECTOR);
	if (what & 2)
		ddf_seal(copy + CONTROLLER_AT, DDF_SECTOR);
	if (what & 4)
		ddf_seal(copy + PD_AT, 2 * DDF_SECTOR);
	if (what & 8)
		ddf_seal(copy + VD_AT, 2 * DDF_SECTOR);
	for (unsigned i = 0; i < RECORDS; i++) {
		uint8_t *r = copy + CONFIG_AT + i * RECORD;

		if ((what & 16) && memcmp(r, "\xff\xff\xff\xff", 4) != 0)
			ddf_seal(r, RECORD);
	}
	if (what & 32)
		ddf_seal(copy + DATA_AT, DDF_SECTOR);
}

static uint8_t *copy_at(unsigned disk, unsigned lba)
{
	return image[disk] + lba * DDF_SECTOR;
}

static void seal_disk(unsigned disk, unsigned what)
{
	seal_copy(copy_at(disk, PRIMARY_LBA), what);
	seal_copy(copy_at(disk, SECONDARY_LBA), what);
	if (what & 1)
		ddf_seal(copy_at(disk, SECTORS - 1), DDF_SECTOR);
}

static void make_disk(unsigned disk)
{
	memset(image[disk], 0, sizeof(image[disk]));
	make_copy(copy_at(disk, PRIMARY_LBA), disk, DDF_PRIMARY);
	make_copy(copy_at(disk, SECONDARY_LBA), disk, DDF_SECONDARY);
	make_header(copy_at(disk, SECTORS - 1), DDF_ANCHOR);
	seal_disk(disk, 63);
}

/*
 * Position, value and seals of one change. Bit 6 of the seals: the same in both copies, and, if it lies in the header,
 * in the anchor too, so that the header still fits it.
 */
static void change(const uint8_t in[5])
{
	const unsigned disk = in[0] % DISKS, at = (in[1] * 256u + in[2]) % sizeof(image[0]);
	const unsigned in_copy = at % (COPY_SECTORS * DDF_SECTOR);

	if (in[4] & 64) {
		copy_at(disk, PRIMARY_LBA)[in_copy] = in[3];
		copy_at(disk, SECONDARY_LBA)[in_copy] = in[3];
		if (in_copy < DDF_SECTOR && in_copy != offsetof(struct ddf_header, type))
			copy_at(disk, SECTORS - 1)[in_copy] = in[3];
	} else {
		image[disk][at] = in[3];
	}
	seal_disk(disk, in[4]);
}

/* The disks that an input stands for. */
static void make_disks(const uint8_t *data, size_t size)
{
	for (unsigned i = 0; i < DISKS; i++)
		make_disk(i);
	for (unsigned i = 0; size && i < 2 * DISKS; i++)
		if (data[0] & 1u << i) {
			uint8_t *copy = copy_at(i / 2, i % 2 ? SECONDARY_LBA : PRIMARY_LBA);

			copy[offsetof(struct ddf_header, open_flag)] = DDF_OPEN;
			ddf_seal(copy, DDF_SECTOR);
		}
	for (size_t i = 1; i + 5 <= size; i += 5)
		change(data + i);
}

#endif
