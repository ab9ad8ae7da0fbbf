/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The IMSM handler from end to end, on the samples of tests/samples/imsm: see handler.h. */
#include "tests/fuzz/handler.h"

#include "imsm/imsm.h"

#define TAIL 16384u

static const struct {
	const char *name;
	unsigned disks;
	uint64_t size;
	uint32_t sector_size;
} samples[] = {
	{ "r5-clean-46", 3, 20480000, 512 },	  { "r1-rebuild-46", 3, 33554432, 512 },
	{ "r10-r5-matrix-46", 5, 67108864, 512 }, { "r5-reshape-46", 5, 67108864, 512 },
	{ "r5-bbm-46", 3, 33554432, 512 },	  { "r5-bbm-4kn-46", 3, 33554432, 4096 },
};

/* The handler's own struct begins with it (super-imsm.c). */
static const struct imsm_container *metadata_of(const struct supertype *s)
{
	return s->sb;
}

static void put_sample(const char *name, unsigned n)
{
	static uint8_t tail[TAIL];
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/imsm/%s.disk%u.bin", SAMPLES, name, n);
	f = fopen(path, "rb");
	MUST(f && fread(tail, 1, sizeof(tail), f) == sizeof(tail));
	fclose(f);
	write_disk(n, tail, sizeof(tail), fuzz_disk[n].size - TAIL);
}

/* A blank disk or two beside those of the sample. */
static void set_up(unsigned which)
{
	unsigned s = which % (sizeof(samples) / sizeof(samples[0])), disks = samples[s].disks;

	for (unsigned n = 0; n < disks + 2 && n < DISKS; n++) {
		make_blank(n, samples[s].size, n < disks || which & 0x40 ? samples[s].sector_size : 512);
		if (n < disks)
			put_sample(samples[s].name, n);
	}
}

static void name_disk(struct disk *d, unsigned n)
{
	d->serial_count = 1;
	d->serial[0].len = (size_t)snprintf((char *)d->serial[0].bytes, DISK_SERIAL_MAX, "/dev/loop%u", n);
}

/* 0: there is no MPB. */
static uint32_t read_mpb(unsigned n, uint8_t *mpb)
{
	const struct fuzz_disk *f = &fuzz_disk[n];
	uint64_t anchor = imsm_anchor_offset(f->size, f->sector_size), rest;
	uint32_t size, sectors;

	read_disk(n, mpb, f->sector_size, anchor);
	if (imsm_probe_anchor(mpb, f->sector_size, &size, &sectors))
		return 0;
	rest = (uint64_t)(sectors - 1) * f->sector_size;
	if (rest > anchor || rest + f->sector_size > IMSM_MPB_MAX)
		return 0;
	read_disk(n, mpb + f->sector_size, rest, anchor - rest);
	return size;
}

/* From 0xf0 on the copy is left half written, as a daemon leaves it that dies behind the first sector (imsm.md 7.3). */
static void seal(unsigned n, uint8_t what)
{
	static uint8_t mpb[IMSM_MPB_MAX + 4096];
	struct imsm_header *h = (struct imsm_header *)(void *)mpb;
	uint32_t size = read_mpb(n, mpb);
	uint8_t anchor[4096];

	if (!size || (what & 1 && what < 0xf0))
		return;
	memcpy(anchor, mpb, sizeof(anchor));
	if (what >= 0xf0)
		imsm_close_anchor(anchor, fuzz_disk[n].sector_size, mpb);
	else
		h->check_sum = le32_make(imsm_checksum(mpb, size));
	write_disk(n, mpb, fuzz_disk[n].sector_size, imsm_anchor_offset(fuzz_disk[n].size, fuzz_disk[n].sector_size));
}

/* A byte of the MPB in its logical order, or of the migration record. */
static uint64_t place(unsigned n, struct bytes *b)
{
	const struct fuzz_disk *f = &fuzz_disk[n];
	unsigned at = take_byte(b) * 256u % 2048 + take_byte(b), sector = at / f->sector_size;
	uint64_t anchor = imsm_anchor_offset(f->size, f->sector_size);
	uint8_t mpb[4096];
	uint32_t size, sectors = 1;

	read_disk(n, mpb, f->sector_size, anchor);
	if (imsm_probe_anchor(mpb, f->sector_size, &size, &sectors) || sector == 0)
		return anchor + at % f->sector_size;
	if (sector >= sectors)
		return imsm_migr_record_offset(f->size, f->sector_size) + at % 128;
	return anchor - (uint64_t)(sectors - sector) * f->sector_size + at % f->sector_size;
}

static bool shape(const struct supertype *s, struct active_array *a)
{
	const struct imsm_container *c = metadata_of(s);
	const struct imsm_map *m;

	if ((unsigned)a->member >= c->meta.num_volumes)
		return false;
	m = &c->meta.volume[a->member].map[0];
	a->level = imsm_map_level(m);
	a->raid_disks = m->head.num_members;
	a->layout = a->level == 10 ? 0x102 : 0;
	a->chunk = imsm_map_chunk(m);
	a->component_size = imsm_map_per_dev(m);
	return true;
}

/* A volume like the first one, behind all others, on the same disks or on others. */
static size_t create_message(const struct imsm_meta *meta, struct bytes *b, uint8_t *text)
{
	struct imsm_volume v = meta->volume[0];
	unsigned members = v.map[0].head.num_members;
	struct imsm_map_head *m = (struct imsm_map_head *)(void *)(text + 8 + sizeof(v.head));
	int32_t head[2] = { IMSM_UPDATE_CREATE_ARRAY, (int32_t)meta->num_volumes };
	size_t at = 8 + sizeof(v.head) + sizeof(*m) + members * sizeof(le32);

	v.head.migr_state = take_byte(b) == 255;
	v.head.name[0] = take_byte(b);
	imsm_map_set_pba(&v.map[0], imsm_map_pba(&v.map[0]) + ((uint64_t)take_byte(b) << 10));
	imsm_map_set_stripes(&v.map[0], imsm_map_stripes(&v.map[0]) / (1 + take_byte(b) % 16));
	memcpy(text, head, sizeof(head));
	memcpy(text + 8, &v.head, sizeof(v.head));
	memcpy(m, &v.map[0].head, sizeof(*m));
	for (unsigned i = 0; i < members && at + IMSM_SERIAL_LEN < MESSAGE_MAX; i++, at += IMSM_SERIAL_LEN) {
		uint8_t other = take_byte(b);

		snprintf((char *)text + at, IMSM_SERIAL_LEN, "/dev/loop%u", other & 0x80 ? other % DISKS : i);
	}
	return at - (take_byte(b) == 255);
}

/* What is short enough to come about by chance gets likely values. */
static void make_plausible(int32_t *word, struct bytes *b)
{
	if (word[0] == IMSM_UPDATE_RWH_POLICY) {
		word[1] = take_byte(b) % 8;
		word[2] = take_byte(b) % 2;
	} else if (word[0] == IMSM_UPDATE_RENAME_ARRAY) {
		memset(&word[1], 0, 20);
		word[1] = 'a' + take_byte(b) % 26;
		word[5] = take_byte(b) % 3;
	} else if (word[0] == IMSM_UPDATE_KILL_ARRAY) {
		word[1] = take_byte(b) % 3;
	}
}

static size_t message(const struct supertype *s, struct bytes *b, uint8_t text[MESSAGE_MAX])
{
	static const int32_t types[] = { 2, 3, 5, 6, 7, 8, 9, 11, 1, 11, 2, 3, 0, 4, 10, 12 };
	const struct imsm_meta *meta = &metadata_of(s)->meta;
	uint8_t which = take_byte(b);
	int32_t word[8] = { types[which % 16] };
	size_t len = take_byte(b) % 48;

	if (word[0] == IMSM_UPDATE_CREATE_ARRAY && meta->num_volumes)
		return create_message(meta, b, text);
	for (unsigned i = 1; i < 8; i++)
		word[i] = (int32_t)take_number(b);
	if (word[0] == IMSM_UPDATE_RESHAPE_CONTAINER_DISKS) {
		word[1] = (int32_t)meta->num_disks;
		word[2] = word[1] + 1;
		word[3] = (int32_t)dev_of(take_byte(b) % DISKS);
	}
	if (!(which & 0x80))
		make_plausible(word, b);
	memcpy(text, word, sizeof(word));
	return len;
}

static const struct format imsm = {
	.ss = &super_imsm,
	.set_up = set_up,
	.seal = seal,
	.shape = shape,
	.message = message,
	.place = place,
	.name = name_disk,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return live(&imsm, data, size);
}
