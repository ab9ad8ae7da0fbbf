/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every field that is decoded from the samples, against what mdadm -E said of them. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "imsm/imsm.h"
#include "tests/unit/support/imsm-samples.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum section { IN_HEADER, IN_DISK, IN_VOLUME, IN_LOG, IN_RECORD };

struct examined {
	const struct imsm_sample *s;
	unsigned disk; /* which disk was examined */
	struct imsm_meta m;
	struct imsm_migr_record record;
	enum section section;
	unsigned table_index;       /* IN_DISK */
	const struct imsm_volume *v; /* IN_VOLUME */
	const struct imsm_map *map0, *map1; /* map1 NULL: no migration */
	unsigned fields;            /* compared */
};

static unsigned sectors_per_block(const struct examined *x)
{
	return x->s->sector_size / 512;
}

static const struct imsm_disk *current_disk(const struct examined *x)
{
	return &x->m.disk[x->table_index];
}

static unsigned own_index(const struct examined *x)
{
	char name[32];

	snprintf(name, sizeof(name), "/dev/loop%u", x->disk);
	for (unsigned i = 0; i < x->m.num_disks; i++)
		if (strcmp(name, (const char *)x->m.disk[i].serial) == 0)
			return i;
	fail_msg("%s is not in its own table", name);
	return 0;
}

static void number(const char *value, uint64_t expected, int base)
{
	assert_int_equal(strtoull(value, NULL, base), expected);
}

static void hex(const char *value, uint64_t expected)
{
	number(value, expected, 16);
}

static void decimal(const char *value, uint64_t expected)
{
	number(value, expected, 10);
}

/* "new <-- old" while a migration runs, else "new". */
static void both(const struct examined *x, const char *value, const char *new, const char *old)
{
	char text[256];

	if (x->map1)
		snprintf(text, sizeof(text), "%s <-- %s", new, old);
	else
		snprintf(text, sizeof(text), "%s", new);
	assert_string_equal(value, text);
}

static void both_numbers(const struct examined *x, const char *value, unsigned new, unsigned old, const char *unit)
{
	char a[32], b[32];

	snprintf(a, sizeof(a), "%u%s", new, unit);
	snprintf(b, sizeof(b), "%u%s", old, unit);
	both(x, value, a, b);
}

static void is_magic(const struct examined *x, const char *value)
{
	char text[IMSM_SIGNATURE_LEN + 1] = "";

	memcpy(text, x->m.header.sig, IMSM_SIGNATURE_LEN);
	text[IMSM_SIGNATURE_LEN - 1] = '\0'; /* it ends with a space, which the text does not show */
	assert_string_equal(value, text);
}

static void is_version(const struct examined *x, const char *value)
{
	assert_string_equal(value, (const char *)x->m.header.version);
}

static void is_orig_family(const struct examined *x, const char *value)
{
	hex(value, le32_get(x->m.header.orig_family_num));
}

static void is_family(const struct examined *x, const char *value)
{
	hex(value, le32_get(x->m.header.family_num));
}

static void is_generation(const struct examined *x, const char *value)
{
	hex(value, le32_get(x->m.header.generation_num));
}

static void is_creation_time(const struct examined *x, const char *value)
{
	time_t t = (time_t)le64_get(x->m.header.creation_time);
	char text[64] = "Unknown";

	if (t)
		strftime(text, sizeof(text), "%a %b %d %H:%M:%S %Y", gmtime(&t));
	assert_string_equal(value, text);
}

static void is_attributes(const struct examined *x, const char *value)
{
	const uint32_t plain = IMSM_ATTR_CHECKSUM_VERIFY | IMSM_ATTR_2TB_DISK | IMSM_ATTR_BBM;

	if (strcmp(value, "All supported") == 0) /* 4.2 tells no more */
		assert_int_equal(le32_get(x->m.header.attributes) & ~plain, 0);
	else
		hex(value, le32_get(x->m.header.attributes));
}

static void is_checksum(const struct examined *x, const char *value)
{
	assert_non_null(strstr(value, " correct"));
	/* With 4096-byte sectors mdadm sums up what it has converted, not what is on disk. */
	if (x->s->sector_size == 512)
		hex(value, le32_get(x->m.header.check_sum));
}

static void is_mpb_sectors(const struct examined *x, const char *value)
{
	uint32_t size = le32_get(x->m.header.mpb_size);

	decimal(value, (size + x->s->sector_size - 1) / x->s->sector_size);
}

static void is_disks(const struct examined *x, const char *value)
{
	decimal(value, x->m.num_disks);
}

static void is_raid_devices(const struct examined *x, const char *value)
{
	decimal(value, x->m.num_volumes);
}

static void is_serial(const struct examined *x, const char *value)
{
	char text[IMSM_SERIAL_LEN + 1];

	assert_string_equal(value, imsm_serial_text(current_disk(x)->serial, text));
}

static void is_disk_state(const struct examined *x, const char *value)
{
	uint32_t status = le32_get(current_disk(x)->status);

	if (strcmp(value, "active") == 0)
		assert_int_equal(status, IMSM_DISK_CONFIGURED);
	else if (strcmp(value, "spare") == 0)
		assert_int_equal(status, IMSM_DISK_SPARE);
	else
		fail_msg("disk state %s", value);
}

static void is_id(const struct examined *x, const char *value)
{
	hex(value, le32_get(current_disk(x)->scsi_id));
}

/* What remains after the reservations: 2210 sectors on each disk, and 8192 more on a member. */
static void is_usable_size(const struct examined *x, const char *value)
{
	uint64_t reserved = le32_get(current_disk(x)->status) & IMSM_DISK_SPARE ? 2210 : 2210 + 8192;

	decimal(value, (imsm_disk_blocks(current_disk(x)) - reserved) / sectors_per_block(x));
}

static void is_subarray(const struct examined *x, const char *value)
{
	decimal(value, (uint64_t)(x->v - x->m.volume));
}

static void is_level(const struct examined *x, const char *value)
{
	both_numbers(x, value, (unsigned)imsm_map_level(x->map0), x->map1 ? (unsigned)imsm_map_level(x->map1) : 0, "");
}

static void is_members(const struct examined *x, const char *value)
{
	both_numbers(x, value, x->map0->head.num_members, x->map1 ? x->map1->head.num_members : 0, "");
}

static void slots_text(const struct imsm_meta *m, const struct imsm_map *map, char *out)
{
	*out++ = '[';
	for (unsigned i = 0; map && i < map->head.num_members; i++) {
		const struct imsm_disk *d = &m->disk[map->ord[i] & IMSM_ORD_INDEX_MASK];
		bool bad = (map->ord[i] & IMSM_ORD_REBUILD) || (le32_get(d->status) & IMSM_DISK_FAILED);

		*out++ = bad ? '_' : 'U';
	}
	*out++ = ']';
	*out = '\0';
}

static void is_slots(const struct examined *x, const char *value)
{
	char a[IMSM_MAX_MEMBERS + 3], b[IMSM_MAX_MEMBERS + 3];
	char text[sizeof(a) + sizeof(b) + 8];

	slots_text(&x->m, x->map0, a);
	slots_text(&x->m, x->map1, b);
	snprintf(text, sizeof(text), x->map1 ? "%s <-- %s" : "%s", a, b);
	assert_string_equal(value, text);
}

static void is_failed_disk(const struct examined *x, const char *value)
{
	if (strcmp(value, "none") == 0)
		assert_int_equal(x->map0->head.failed_disk_num, IMSM_NO_FAILED_SLOT);
	else
		decimal(value, x->map0->head.failed_disk_num);
}

static void is_this_slot(const struct examined *x, const char *value)
{
	unsigned slot = (unsigned)strtoul(value, NULL, 10);
	uint32_t ord = (x->map1 && slot < x->map1->head.num_members ? x->map1 : x->map0)->ord[slot];

	assert_int_equal(x->map0->ord[slot], own_index(x));
	assert_int_equal(!!(ord & IMSM_ORD_REBUILD), !!strstr(value, "(out-of-sync)"));
}

static void is_sector_size(const struct examined *x, const char *value)
{
	decimal(value, x->s->sector_size);
}

static void is_array_size(const struct examined *x, const char *value)
{
	decimal(value, imsm_volume_blocks(x->v) / sectors_per_block(x));
}

static void is_per_dev_size(const struct examined *x, const char *value)
{
	decimal(value, imsm_map_blocks_per_member(x->map0) / sectors_per_block(x));
}

static void is_sector_offset(const struct examined *x, const char *value)
{
	decimal(value, imsm_map_pba(x->map0) / sectors_per_block(x));
}

static void is_num_stripes(const struct examined *x, const char *value)
{
	decimal(value, imsm_map_stripes(x->map0));
}

static void is_chunk(const struct examined *x, const char *value)
{
	both_numbers(x, value, imsm_map_chunk(x->map0) / 2, x->map1 ? imsm_map_chunk(x->map1) / 2 : 0, " KiB");
}

static void is_reserved(const struct examined *x, const char *value)
{
	decimal(value, le32_get(x->v->head.reserved_blocks));
}

static void is_migrate_state(const struct examined *x, const char *value)
{
	static const char *const text[] = {
		[IMSM_MIGR_INIT] = "initialize", [IMSM_MIGR_REBUILD] = "rebuild",
		[IMSM_MIGR_VERIFY] = "check",    [IMSM_MIGR_GENERAL] = "general migration",
		[IMSM_MIGR_STATE_CHANGE] = "state change", [IMSM_MIGR_REPAIR] = "repair",
	};

	assert_string_equal(value, x->map1 ? text[imsm_volume_migr_type(x->v)] : "idle");
}

static void is_map_state(const struct examined *x, const char *value)
{
	static const char *const text[] = {
		[IMSM_NORMAL] = "normal", [IMSM_UNINITIALIZED] = "uninitialized",
		[IMSM_DEGRADED] = "degraded", [IMSM_FAILED] = "failed",
	};

	both(x, value, text[x->map0->head.map_state], x->map1 ? text[x->map1->head.map_state] : "");
}

static void is_checkpoint(const struct examined *x, const char *value)
{
	decimal(value, imsm_volume_unit(x->v));
}

static void is_dirty_state(const struct examined *x, const char *value)
{
	assert_string_equal(value, x->v->head.dirty & IMSM_DIRTY ? "dirty" : "clean");
}

static void is_rwh_policy(const struct examined *x, const char *value)
{
	assert_string_equal(value, "off");
	assert_true(x->v->head.rwh_policy == IMSM_RWH_OFF || x->v->head.rwh_policy == IMSM_RWH_MULTIPLE_OFF);
}

static void is_volume_id(const struct examined *x, const char *value)
{
	decimal(value, le16_get(x->v->head.my_vol_raid_dev_num));
}

static void is_log_size(const struct examined *x, const char *value)
{
	decimal(value, le32_get(x->m.header.bbm_log_size));
	decimal(value, 8 + 8 * x->m.num_bad);
}

static void is_log_signature(const struct examined *x, const char *value)
{
	(void)x;
	hex(value, IMSM_BBM_SIGNATURE);
}

static void is_entry_count(const struct examined *x, const char *value)
{
	decimal(value, x->m.num_bad);
}

static void is_rec_status(const struct examined *x, const char *value)
{
	assert_string_equal(value, "Contains Data");
	assert_int_equal(le32_get(x->record.rec_status), 1);
}

static uint64_t wide(le32 lo, le32 hi)
{
	return (uint64_t)le32_get(hi) << 32 | le32_get(lo);
}

static void is_current_unit(const struct examined *x, const char *value)
{
	decimal(value, wide(x->record.curr_migr_unit_lo, x->record.curr_migr_unit_hi));
}

static void is_record_family(const struct examined *x, const char *value)
{
	decimal(value, le32_get(x->record.family_num));
}

static void is_ascending(const struct examined *x, const char *value)
{
	decimal(value, le32_get(x->record.ascending_migr));
}

static void is_blocks_per_unit(const struct examined *x, const char *value)
{
	decimal(value, le32_get(x->record.blocks_per_unit));
}

static void is_dest_depth(const struct examined *x, const char *value)
{
	decimal(value, le32_get(x->record.dest_depth_per_unit));
}

static void is_ckpt_area(const struct examined *x, const char *value)
{
	decimal(value, wide(x->record.ckpt_area_pba_lo, x->record.ckpt_area_pba_hi));
}

static void is_first_member_lba(const struct examined *x, const char *value)
{
	decimal(value, wide(x->record.dest_1st_member_lba_lo, x->record.dest_1st_member_lba_hi));
}

static void is_total_units(const struct examined *x, const char *value)
{
	decimal(value, wide(x->record.num_migr_units_lo, x->record.num_migr_units_hi));
}

static void is_final_size(const struct examined *x, const char *value)
{
	decimal(value, wide(x->record.post_migr_vol_cap_lo, x->record.post_migr_vol_cap_hi));
}

static void is_read_disk(const struct examined *x, const char *value)
{
	decimal(value, le32_get(x->record.ckpt_read_disk_num));
}

/* mdadm shows each four bytes of it as a little-endian number. */
static void is_volume_uuid(const struct examined *x, const char *value)
{
	uint32_t word[4], shown[4];

	imsm_volume_uuid(&x->m, (unsigned)(x->v - x->m.volume), (uint8_t *)word);
	assert_int_equal(sscanf(value, "%8x:%8x:%8x:%8x", &shown[0], &shown[1], &shown[2], &shown[3]), 4);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(shown[i], le32toh(word[i]));
}

static void is_ignored(const struct examined *x, const char *value)
{
	(void)x;
	(void)value;
}

static const struct {
	enum section section;
	const char *key;
	void (*check)(const struct examined *x, const char *value);
} fields[] = {
	{ IN_HEADER, "Magic", is_magic },
	{ IN_HEADER, "Version", is_version },
	{ IN_HEADER, "Orig Family", is_orig_family },
	{ IN_HEADER, "Family", is_family },
	{ IN_HEADER, "Generation", is_generation },
	{ IN_HEADER, "Creation Time", is_creation_time },
	{ IN_HEADER, "Attributes", is_attributes },
	{ IN_HEADER, "UUID", is_ignored },
	{ IN_HEADER, "Checksum", is_checksum },
	{ IN_HEADER, "MPB Sectors", is_mpb_sectors },
	{ IN_HEADER, "Disks", is_disks },
	{ IN_HEADER, "RAID Devices", is_raid_devices },
	{ IN_DISK, "Serial", is_serial },
	{ IN_DISK, "State", is_disk_state },
	{ IN_DISK, "Id", is_id },
	{ IN_DISK, "Usable Size", is_usable_size },
	{ IN_VOLUME, "Subarray", is_subarray },
	{ IN_VOLUME, "UUID", is_volume_uuid },
	{ IN_VOLUME, "RAID Level", is_level },
	{ IN_VOLUME, "Members", is_members },
	{ IN_VOLUME, "Slots", is_slots },
	{ IN_VOLUME, "Failed disk", is_failed_disk },
	{ IN_VOLUME, "This Slot", is_this_slot },
	{ IN_VOLUME, "Sector Size", is_sector_size },
	{ IN_VOLUME, "Array Size", is_array_size },
	{ IN_VOLUME, "Per Dev Size", is_per_dev_size },
	{ IN_VOLUME, "Sector Offset", is_sector_offset },
	{ IN_VOLUME, "Num Stripes", is_num_stripes },
	{ IN_VOLUME, "Chunk Size", is_chunk },
	{ IN_VOLUME, "Reserved", is_reserved },
	{ IN_VOLUME, "Migrate State", is_migrate_state },
	{ IN_VOLUME, "Map State", is_map_state },
	{ IN_VOLUME, "Checkpoint", is_checkpoint },
	{ IN_VOLUME, "Dirty State", is_dirty_state },
	{ IN_VOLUME, "RWH Policy", is_rwh_policy },
	{ IN_VOLUME, "Volume ID", is_volume_id },
	{ IN_LOG, "Log Size", is_log_size },
	{ IN_LOG, "Signature", is_log_signature },
	{ IN_LOG, "Entry Count", is_entry_count },
	{ IN_RECORD, "Status", is_rec_status },
	{ IN_RECORD, "Current Unit", is_current_unit },
	{ IN_RECORD, "Family", is_record_family },
	{ IN_RECORD, "Ascending", is_ascending },
	{ IN_RECORD, "Blocks Per Unit", is_blocks_per_unit },
	{ IN_RECORD, "Dest. Depth Per Unit", is_dest_depth },
	{ IN_RECORD, "Checkpoint Area pba", is_ckpt_area },
	{ IN_RECORD, "First member lba", is_first_member_lba },
	{ IN_RECORD, "Total Number of Units", is_total_units },
	{ IN_RECORD, "Size of volume", is_final_size },
	{ IN_RECORD, "Record was read from", is_read_disk },
};

static void compare_field(struct examined *x, const char *key, const char *value)
{
	for (size_t i = 0; i < COUNT(fields); i++) {
		if (fields[i].section != x->section || strcmp(fields[i].key, key) != 0)
			continue;
		fields[i].check(x, value);
		x->fields++;
		return;
	}
	fail_msg("%s disk %u: unknown field '%s : %s'", x->s->name, x->disk, key, value);
}

static void enter_volume(struct examined *x, const char *name)
{
	const struct imsm_volume *v = x->v ? x->v + 1 : x->m.volume;

	assert_true((size_t)(v - x->m.volume) < x->m.num_volumes);
	assert_memory_equal(name, v->head.name, strlen((const char *)v->head.name));
	assert_int_equal(name[strnlen((const char *)v->head.name, IMSM_NAME_LEN)], ']');
	x->section = IN_VOLUME;
	x->v = v;
	x->map0 = &v->map[0];
	x->map1 = v->head.migr_state ? &v->map[1] : NULL;
}

/* True if the line begins a section (and holds nothing else to compare). */
static bool enter_section(struct examined *x, const char *line)
{
	if (line[0] == '[') {
		enter_volume(x, line + 1);
	} else if (strncmp(line, "Bad Block Management Log:", 25) == 0) {
		x->section = IN_LOG;
	} else if (strncmp(line, "Migration Record Information: Empty", 35) == 0) {
		static const struct imsm_migr_record empty;

		assert_memory_equal(&x->record, &empty, sizeof(empty));
		x->section = IN_RECORD;
	} else if (strncmp(line, "Migration Record Information:", 29) == 0) {
		x->section = IN_RECORD;
	} else {
		return strncmp(line, "/dev/", 5) == 0 || strstr(line, "Examine one of first two disks");
	}
	return true;
}

static void compare_line(struct examined *x, char *line)
{
	char *key = line, *value;

	while (isspace((unsigned char)*key))
		key++;
	if (*key == '\0' || enter_section(x, key))
		return;
	value = strstr(key, " : ");
	if (!value)
		fail_msg("%s disk %u: cannot parse '%s'", x->s->name, x->disk, line);
	*value = '\0';
	value += 3;
	if (sscanf(key, "Disk%2u Serial", &x->table_index) == 1) {
		x->section = IN_DISK;
		key = strchr(key, ' ') + 1;
	} else if (strcmp(key, "Disk Serial") == 0) { /* a spare shows its own record once more */
		x->section = IN_DISK;
		x->table_index = own_index(x);
		key += 5;
	}
	compare_field(x, key, value);
}

static void compare_with_examine(const struct imsm_sample *s, unsigned disk, unsigned least)
{
	struct examined x = { .s = s, .disk = disk };
	uint8_t tail[SAMPLE_TAIL];
	FILE *f = imsm_sample_open(s, disk, "E.txt");
	char line[512];

	imsm_sample_decode(s, disk, &x.m);
	imsm_sample_read_tail(s, disk, tail);
	imsm_decode_migr_record(tail + SAMPLE_TAIL - s->sector_size, s->sector_size, &x.record);
	while (fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		compare_line(&x, line);
	}
	fclose(f);
	assert_true(x.fields >= least);
	if (x.m.num_volumes)
		assert_int_equal(x.v - x.m.volume, x.m.num_volumes - 1);
}

static void test_fields_are_those_of_examine(void **state)
{
	(void)state;
	for (size_t i = 0; i < IMSM_SAMPLE_COUNT; i++)
		for (unsigned disk = 0; disk < imsm_samples[i].disks; disk++)
			compare_with_examine(&imsm_samples[i], disk, disk == 4 ? 20 : 39);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields_are_those_of_examine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
