/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The simulated world with IMSM: containers and messages as mdadm makes them (imsm.md 1, 8). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "imsm/imsm.h"
#include "tests/sim/world.h"

#define RESERVED 2048u /* sectors of a member behind a volume's data that belong to it */

/* ---- a container ---- */

static struct imsm_meta meta;

static void put_disk(struct imsm_disk *d, unsigned disk, uint32_t status)
{
	memset(d, 0, sizeof(*d));
	imsm_normalise_serial(sim_serial(disk), strlen(sim_serial(disk)), d->serial);
	imsm_disk_set_blocks(d, sim_disk_size(disk) / 512);
	d->status = le32_make(status);
}

static unsigned index_of(unsigned disk)
{
	struct imsm_disk d;
	int index;

	put_disk(&d, disk, IMSM_DISK_CONFIGURED);
	index = imsm_serial_in_table(&meta, d.serial);
	if (index >= 0)
		return (unsigned)index;
	meta.disk[meta.num_disks] = d;
	return meta.num_disks++;
}

static unsigned data_members(const struct sim_volume *v)
{
	return v->level == 1 ? 1 : v->level == 5 ? v->members - 1 : v->level == 10 ? v->members / 2 : v->members;
}

static void put_map(struct imsm_map *m, const struct sim_volume *v)
{
	m->head.raid_level = v->level == 10 ? 1 : (uint8_t)v->level;
	m->head.num_members = (uint8_t)v->members;
	m->head.num_domains = v->level == 1 || v->level == 10 ? 2 : 1;
	m->head.failed_disk_num = IMSM_NO_FAILED_SLOT;
	m->head.ddf = 1;
	m->head.blocks_per_strip = le16_make(SIM_CHUNK);
	imsm_map_set_pba(m, v->offset);
	imsm_map_set_blocks_per_member(m, v->component_size + RESERVED);
	imsm_map_set_stripes(m, v->component_size / SIM_CHUNK / m->head.num_domains);
}

/* imsm.md 1.6. `number` as mdadm counts volumes that were ever made. */
static void put_volume(struct imsm_volume *v, const struct sim_volume *plan, unsigned number)
{
	memset(v, 0, sizeof(*v));
	snprintf((char *)v->head.name, sizeof(v->head.name), "%s", plan->name);
	imsm_volume_set_blocks(v, plan->component_size * data_members(plan));
	v->head.status = le32_make(0x0c);
	v->head.my_vol_raid_dev_num = le16_make((uint16_t)number);
	v->head.rwh_policy = IMSM_RWH_MULTIPLE_OFF;
	put_map(&v->map[0], plan);
	if (!plan->initialized) {
		v->map[0].head.map_state = plan->level == 0 ? IMSM_NORMAL : IMSM_UNINITIALIZED;
	}
}

static uint32_t attribute_of(int level)
{
	return level == 0   ? IMSM_ATTR_RAID0
	       : level == 1 ? IMSM_ATTR_RAID1
	       : level == 5 ? IMSM_ATTR_RAID5
			    : IMSM_ATTR_RAID10;
}

static void write_copy(unsigned disk)
{
	static uint8_t mpb[IMSM_MPB_MAX], image[IMSM_MPB_MAX];
	uint32_t sector = sim_sector_size(disk);
	ssize_t len = imsm_encode(&meta, sector, mpb, sizeof(mpb));

	if (len < 0)
		abort();
	imsm_disk_order(mpb, (size_t)len, sector, image);
	sim_disk_write(disk, image, (size_t)len,
		       imsm_anchor_offset(sim_disk_size(disk), sector) + sector - (size_t)len);
}

static void write_spare(unsigned disk)
{
	uint8_t sector[IMSM_SECTOR_MAX];
	struct imsm_disk d;
	size_t len;

	put_disk(&d, disk, IMSM_DISK_SPARE);
	len = imsm_encode_spare(&d, sim_sector_size(disk), sector);
	sim_disk_write(disk, sector, len, imsm_anchor_offset(sim_disk_size(disk), sim_sector_size(disk)));
}

static void create_container(const struct sim_volume *volume, unsigned volumes, unsigned disks)
{
	uint32_t attributes = IMSM_ATTR_CHECKSUM_VERIFY;

	memset(&meta, 0, sizeof(meta));
	memcpy(meta.header.sig, IMSM_SIGNATURE, IMSM_SIGNATURE_LEN);
	memcpy(meta.header.version, IMSM_VERSION_WRITTEN, sizeof(IMSM_VERSION_WRITTEN));
	meta.header.family_num = meta.header.orig_family_num = le32_make(0x12345678);
	meta.header.generation_num = le32_make(1);
	meta.header.pwr_cycle_count = le32_make(1);
	meta.num_volumes = volumes;
	for (unsigned i = 0; i < volumes; i++) {
		put_volume(&meta.volume[i], &volume[i], i + 1);
		attributes |= attribute_of(volume[i].level);
		for (unsigned s = 0; s < volume[i].members; s++)
			meta.volume[i].map[0].ord[s] = index_of(volume[i].disk[s]);
	}
	meta.header.attributes = le32_make(attributes);
	meta.header.num_raid_devs_created = le16_make((uint16_t)volumes);
	for (unsigned n = 0; n < disks; n++) {
		struct imsm_disk d;

		put_disk(&d, n, 0);
		if (imsm_serial_in_table(&meta, d.serial) >= 0)
			write_copy(n);
		else
			write_spare(n);
	}
}

/* ---- messages ---- */

static size_t put(uint8_t *buf, size_t at, const void *p, size_t len)
{
	memcpy(buf + at, p, len);
	return at + len;
}

static size_t put_word(uint8_t *buf, size_t at, int32_t word)
{
	return put(buf, at, &word, sizeof(word));
}

static size_t create(uint8_t *buf, const struct reader_result *now, const struct sim_volume *volume)
{
	static struct imsm_volume v;
	size_t at = put_word(buf, 0, IMSM_UPDATE_CREATE_ARRAY);

	at = put_word(buf, at, (int32_t)now->volumes);
	put_volume(&v, volume, now->volumes + 1);
	at = put(buf, at, &v.head, sizeof(v.head));
	at = put(buf, at, &v.map[0].head, sizeof(v.map[0].head));
	for (unsigned s = 0; s < volume->members; s++)
		at = put_word(buf, at, (int32_t)s); /* the daemon goes by the serials */
	for (unsigned s = 0; s < volume->members; s++) {
		struct imsm_disk d;

		put_disk(&d, volume->disk[s], 0);
		at = put(buf, at, d.serial, sizeof(d.serial));
	}
	return at;
}

static size_t remove_volume(uint8_t *buf, const struct reader_result *now, unsigned number)
{
	(void)now;
	return put_word(buf, put_word(buf, 0, IMSM_UPDATE_KILL_ARRAY), (int32_t)number);
}

static size_t rename_volume(uint8_t *buf, const struct reader_result *now, unsigned number, const char *name)
{
	char field[IMSM_NAME_LEN] = { 0 };

	(void)now;
	snprintf(field, sizeof(field), "%s", name);
	return put_word(buf, put(buf, put_word(buf, 0, IMSM_UPDATE_RENAME_ARRAY), field, sizeof(field)),
			(int32_t)number);
}

static size_t widen(uint8_t *buf, const struct reader_result *now, const unsigned *disk, unsigned count)
{
	size_t at = put_word(buf, 0, IMSM_UPDATE_RESHAPE_CONTAINER_DISKS);

	at = put_word(buf, at, (int32_t)now->volume[0].members);
	at = put_word(buf, at, (int32_t)(now->volume[0].members + count));
	for (unsigned i = 0; i < count; i++)
		at = put_word(buf, at, (int32_t)(major(sim_dev(disk[i])) << 8 | minor(sim_dev(disk[i]))));
	return at;
}

/* imsm.md 8.8. `chunk`: sectors; 0: as before */
static size_t migrate(uint8_t *buf, const struct reader_volume *rv, int level, unsigned chunk)
{
	size_t at = put_word(buf, 0, IMSM_UPDATE_RESHAPE_MIGRATION);

	at = put_word(buf, at, (int32_t)rv->members);
	at = put_word(buf, at, (int32_t)rv->members);
	at = put_word(buf, at, (int32_t)rv->number);
	at = put_word(buf, at, level);
	at = put_word(buf, at, 0);
	at = put_word(buf, at, chunk ? (int32_t)chunk / 2 : -1);
	return put_word(buf, at, -1);
}

static size_t relevel(uint8_t *buf, const struct reader_result *now, unsigned number)
{
	return migrate(buf, &now->volume[number], 5, 0);
}

static size_t rechunk(uint8_t *buf, const struct reader_result *now, unsigned number, unsigned chunk)
{
	return migrate(buf, &now->volume[number], now->volume[number].level, chunk);
}

static size_t checkpoint(uint8_t *buf, unsigned unit)
{
	uint64_t number = unit;

	return put(buf, put_word(buf, put_word(buf, 0, IMSM_UPDATE_GENERAL_MIGRATION_CHECKPOINT), 0), &number, sizeof(number));
}

/* ---- mdadm's record of a reshape (imsm.md 1.14) ---- */

static uint64_t record_offset(unsigned disk)
{
	return sim_disk_size(disk) - sim_sector_size(disk);
}

static void put_record(unsigned disk, const struct sim_record *r)
{
	uint32_t per = sim_sector_size(disk) / 512; /* imsm.md 1.13 */
	uint32_t depth = r->depth / per, data = r->data_members;
	const le32 word[] = {
		le32_make(r->copied),
		le32_make(r->unit),
		le32_make(0x12345678),
		le32_make(1), /* upwards */
		le32_make(depth * data),
		le32_make(depth),
		le32_make(((uint32_t)(sim_disk_size(disk) / 512) - 2209) / per),
		le32_make(depth * r->unit),
		le32_make(r->units),
		le32_make(depth * r->units * data),
	};
	uint8_t sector[IMSM_SECTOR_MAX] = { 0 };

	memcpy(sector, word, sizeof(word));
	sim_disk_write(disk, sector, sim_sector_size(disk), record_offset(disk));
}

static bool has_record(unsigned disk)
{
	uint8_t sector[IMSM_SECTOR_MAX], zero[4] = { 0 };

	sim_disk_read(disk, sector, sim_sector_size(disk), record_offset(disk));
	return memcmp(sector + 16, zero, sizeof(zero)) != 0;
}

/* ---- comparing ---- */

/* As if it had the generation of `like`. */
static ssize_t encoded(const struct supertype *st, const struct supertype *like, uint8_t *buf)
{
	static struct imsm_meta m;
	const struct imsm_container *c = st->sb, *d = like->sb; /* its first field */

	m = c->meta;
	m.header.generation_num = d->meta.header.generation_num;
	return imsm_encode(&m, c->sector_size, buf, IMSM_MPB_MAX);
}

/*
 * A disk with data of its own is left alone for as long as the daemon runs; the next one takes it if what contradicted it
 * has been replaced (imsm.md 10.4, 2).
 */
static bool takes_one_turned_down(const struct imsm_container *before, const struct imsm_container *after)
{
	for (const struct imsm_dl *dl = after->disks; dl; dl = dl->next) {
		const struct imsm_dl *waits = before->waiting;

		while (waits && waits->dev != dl->dev)
			waits = waits->next;
		if (dl->index >= 0 && !waits && !imsm_dl_by_dev(before, dl->dev))
			return true;
	}
	return false;
}

static const char *differ(const struct supertype *in_memory, const struct supertype *loaded)
{
	static uint8_t a[IMSM_MPB_MAX], b[IMSM_MPB_MAX];
	const struct imsm_container *c = in_memory->sb, *d = loaded->sb;
	ssize_t len = encoded(in_memory, loaded, a);

	/* Refused messages use up some: a disk that was to join may have a newer copy, which is passed over by the next write (imsm/join.c). */
	if ((int32_t)(le32_get(c->meta.header.generation_num) - le32_get(d->meta.header.generation_num)) < 0)
		return "the generation";
	if (takes_one_turned_down(c, d))
		return NULL;
	if (len != encoded(loaded, loaded, b) || memcmp(a, b, (size_t)len) != 0)
		return "the metadata";
	for (const struct imsm_dl *dl = c->disks; dl; dl = dl->next) {
		const struct imsm_dl *other = imsm_dl_by_dev(d, dl->dev);

		if (dl->index >= 0 && !imsm_disk_failed(c, (uint32_t)dl->index) &&
		    (!other || other->index != dl->index))
			return "the place of a member";
		if (dl->index == IMSM_INDEX_SPARE && (!other || other->index != IMSM_INDEX_SPARE))
			return "a spare";
	}
	return NULL;
}

static const int levels[] = { 1, 5, 10, 0 };

static const struct sim_adapter adapter = {
	.name = "imsm",
	.ss = &super_imsm,
	.level = levels,
	.levels = sizeof(levels) / sizeof(levels[0]),
	.volumes = 3,
	.tail = 64 * 1024,
	.weak_checksum = true, /* the sum of all words */
	.raid5_layout = SIM_MD_RAID5_LEFT_ASYMMETRIC,
	.read_as_mdadm = imsm_read_as_mdadm,
	.create_container = create_container,
	.prepare_spare = write_spare,
	.adds_again = true,
	.big_sectors = true,
	.create = create,
	.remove = remove_volume,
	.rename = rename_volume,
	.widen = widen,
	.relevel = relevel,
	.rechunk = rechunk,
	.checkpoint = checkpoint,
	.put_record = put_record,
	.has_record = has_record,
	.differ = differ,
};

int main(int argc, char **argv)
{
	return sim_main(&adapter, argc, argv);
}
