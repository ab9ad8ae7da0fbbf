/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The IMSM handler from end to end: the disks are files, and what counts is what is in them
 * afterwards. Everything that the monitor calls must get by without memory of its own.
 */
#include "tests/unit/support/apply-update.h"
#include "tests/unit/support/imsm-fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <libaio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "metadata/metaio.h"
#include "tests/unit/support/count-allocations.h"
#include "tests/unit/support/one-aio.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define MAX_DISKS 10
#define DEVICE_SIZE ((uint64_t)FX_DISK_BLOCKS * 512)
#define TAIL (64 * 1024) /* more than the metadata ever takes */
#define GENERATION 100u

/* ---- writes in flight ---- */

static unsigned in_flight, most_in_flight;
static void (*before_write)(uint64_t offset); /* NULL: nobody wants to know */

int __real_io_submit(io_context_t ctx, long nr, struct iocb *ios[]);
int __wrap_io_submit(io_context_t ctx, long nr, struct iocb *ios[]);
int __wrap_io_submit(io_context_t ctx, long nr, struct iocb *ios[])
{
	int n;

	for (long i = 0; before_write && i < nr; i++)
		before_write((uint64_t)ios[i]->u.c.offset);
	n = __real_io_submit(ctx, nr, ios);
	in_flight += n > 0 ? (unsigned)n : 0;
	if (in_flight > most_in_flight)
		most_in_flight = in_flight;
	return n;
}

int __real_io_getevents(io_context_t ctx, long min_nr, long nr, struct io_event *events, struct timespec *timeout);
int __wrap_io_getevents(io_context_t ctx, long min_nr, long nr, struct io_event *events, struct timespec *timeout);
int __wrap_io_getevents(io_context_t ctx, long min_nr, long nr, struct io_event *events, struct timespec *timeout)
{
	int n = __real_io_getevents(ctx, min_nr, nr, events, timeout);

	in_flight -= n > 0 ? (unsigned)n : 0;
	return n;
}

/* ---- the disks ---- */

/*
 * A container on files. The first disks are members, with the metadata that the test composes in `fx`; the others are
 * empty until they are given a spare record or are added.
 */
struct rig {
	struct fixture fx; /* composes the metadata; its disks are not those on the files */
	struct fixture got; /* what was read back */
	struct supertype st;
	unsigned disks;
	uint32_t sector_size, physical_size;
	struct disk *disk[MAX_DISKS]; /* owned by the handler once loaded */
	int rw[MAX_DISKS], ro[MAX_DISKS];
	uint8_t tail[MAX_DISKS][TAIL]; /* as remembered by remember() */

	struct array_watch watch;
	struct active_array *array;
	struct mdinfo member[MAX_DISKS];
	struct spare_request spares;
	struct sync_result res; /* of the last sync */
};

static int open_direct(const char *path, int flags)
{
	int fd = open(path, flags | O_DIRECT | O_CLOEXEC);

	return fd >= 0 ? fd : open(path, flags | O_CLOEXEC);
}

static struct disk *disk_new(const struct rig *r, unsigned n)
{
	struct disk *d = calloc(1, sizeof(*d));

	assert_non_null(d);
	d->dev = ifx_dev(n);
	snprintf(d->name, sizeof(d->name), "sd%c", 'a' + n);
	d->fd = fcntl(r->rw[n], F_DUPFD_CLOEXEC, 0);
	assert_true(d->fd >= 0);
	d->size = DEVICE_SIZE;
	d->sector_size = r->sector_size;
	d->physical_size = r->physical_size;
	d->physical_aligned = true;
	d->serial_count = 1;
	d->serial[0].len = (size_t)snprintf((char *)d->serial[0].bytes, DISK_SERIAL_MAX, "  DISK%u ", n);
	return d;
}

static void make_file(struct rig *r, unsigned n)
{
	const char *dir = getenv("TMPDIR");
	char path[256];
	int fd;

	if (!dir)
		dir = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
	snprintf(path, sizeof(path), "%s/mdmon-imsm-XXXXXX", dir);
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)DEVICE_SIZE), 0);
	close(fd);
	r->rw[n] = open_direct(path, O_RDWR);
	r->ro[n] = open_direct(path, O_RDONLY);
	unlink(path);
	assert_true(r->rw[n] >= 0 && r->ro[n] >= 0);
	r->disk[n] = disk_new(r, n);
}

/* Members and more disks; the metadata has no volume yet. */
static struct rig *rig_new(uint32_t sector_size, uint32_t physical_size, unsigned members, unsigned others)
{
	struct rig *r = calloc(1, sizeof(*r));

	assert_non_null(r);
	r->sector_size = sector_size;
	r->physical_size = physical_size;
	ifx_init(&r->fx, members);
	r->fx.c.meta.header.generation_num = le32_make(GENERATION);
	memcpy(r->fx.c.meta.header.version, IMSM_VERSION_WRITTEN, sizeof(IMSM_VERSION_WRITTEN));
	r->disks = members + others;
	assert_true(r->disks <= MAX_DISKS);
	for (unsigned n = 0; n < r->disks; n++)
		make_file(r, n);
	snprintf(r->st.container, sizeof(r->st.container), "md127");
	r->st.ss = &super_imsm;
	return r;
}

static void rig_free(struct rig *r)
{
	super_imsm.free_super(&r->st);
	for (unsigned n = 0; n < r->disks; n++) {
		close(r->rw[n]);
		close(r->ro[n]);
	}
	free(r->array);
	free(r);
}

static uint8_t *buffer(void)
{
	uint8_t *p = aligned_alloc(METAIO_ALIGN, TAIL);

	assert_non_null(p);
	memset(p, 0, TAIL);
	return p;
}

static void read_tail(const struct rig *r, unsigned n, uint8_t tail[TAIL])
{
	uint8_t *p = buffer();

	assert_int_equal(pread(r->ro[n], p, TAIL, (off_t)(DEVICE_SIZE - TAIL)), TAIL);
	memcpy(tail, p, TAIL);
	free(p);
}

static void write_at(const struct rig *r, unsigned n, const void *data, size_t len, uint64_t offset)
{
	uint8_t *p = buffer();

	memcpy(p, data, len);
	assert_int_equal(pwrite(r->rw[n], p, len, (off_t)offset), (ssize_t)len);
	free(p);
}

static void remember(struct rig *r)
{
	for (unsigned n = 0; n < r->disks; n++)
		read_tail(r, n, r->tail[n]);
}

static bool is_untouched(const struct rig *r, unsigned n)
{
	static uint8_t now[TAIL];

	read_tail(r, n, now);
	return memcmp(now, r->tail[n], TAIL) == 0;
}

/* The member's copy of what `fx` says. */
static void write_member_metadata(struct rig *r, unsigned n)
{
	static uint8_t mpb[IMSM_MPB_MAX], image[IMSM_MPB_MAX];
	ssize_t len = imsm_encode(&r->fx.c.meta, r->sector_size, mpb, sizeof(mpb));

	assert_true(len > 0);
	imsm_disk_order(mpb, (size_t)len, r->sector_size, image);
	write_at(r, n, image, (size_t)len,
		 imsm_anchor_offset(DEVICE_SIZE, r->sector_size) + r->sector_size - (size_t)len);
}

static void write_spare_record(struct rig *r, unsigned n)
{
	uint8_t sector[4096];
	struct imsm_disk d = { .status = le32_make(IMSM_DISK_SPARE) };

	ifx_serial(d.serial, n);
	imsm_disk_set_blocks(&d, FX_DISK_BLOCKS);
	imsm_encode_spare(&d, r->sector_size, sector);
	write_at(r, n, sector, r->sector_size, imsm_anchor_offset(DEVICE_SIZE, r->sector_size));
}

/* Something that only mdadm may change. */
static void fill_migration_record(struct rig *r, unsigned n)
{
	uint8_t sector[4096];

	memset(sector, 0x5a, sizeof(sector));
	write_at(r, n, sector, r->sector_size, imsm_migr_record_offset(DEVICE_SIZE, r->sector_size));
}

static bool migration_record_is(const struct rig *r, unsigned n, uint8_t byte)
{
	static uint8_t tail[TAIL];

	read_tail(r, n, tail);
	for (unsigned i = 0; i < r->sector_size; i++)
		if (tail[TAIL - 1 - i] != byte)
			return false;
	return true;
}

/* Decodes what is on the disk; NULL if it is no metadata. Also puts it into r->got for got_text(). */
static const struct imsm_meta *read_back(struct rig *r, unsigned n)
{
	static uint8_t tail[TAIL], mpb[TAIL];
	const uint32_t sector = r->sector_size;
	uint8_t *anchor = tail + TAIL - 2 * sector;
	uint32_t size, sectors;

	read_tail(r, n, tail);
	if (imsm_probe_anchor(anchor, sector, &size, &sectors))
		return NULL;
	memcpy(mpb, anchor, sector);
	if (sectors > 1)
		memcpy(mpb + sector, tail + TAIL - (size_t)(sectors + 1) * sector, (sectors - 1) * sector);
	r->got = r->fx;
	if (imsm_decode(mpb, sectors * sector, sector, &r->got.c.meta, NULL))
		return NULL;
	return &r->got.c.meta;
}

static uint32_t generation_on(struct rig *r, unsigned n)
{
	const struct imsm_meta *m = read_back(r, n);

	return m ? le32_get(m->header.generation_num) : 0;
}

static const struct imsm_volume *volume_on(struct rig *r, unsigned n, unsigned volume)
{
	const struct imsm_meta *m = read_back(r, n);

	assert_non_null(m);
	assert_true(volume < m->num_volumes);
	return &m->volume[volume];
}

/* As ifx_text(), of the volume as it is on disk n. Every disk of the table counts as present. */
static const char *text_on(struct rig *r, unsigned n, unsigned volume)
{
	const struct imsm_meta *m = read_back(r, n);

	assert_non_null(m);
	r->got.c.disks = NULL;
	for (unsigned i = 0; i < m->num_disks; i++) {
		r->got.dl[i].index = (int)i;
		r->got.dl[i].next = r->got.c.disks;
		r->got.c.disks = &r->got.dl[i];
	}
	return ifx_text(&r->got, volume);
}

static bool same_on(struct rig *r, unsigned a, unsigned b)
{
	static uint8_t ta[TAIL], tb[TAIL];

	read_tail(r, a, ta);
	read_tail(r, b, tb);
	return memcmp(ta, tb, TAIL - r->sector_size) == 0; /* but for the migration record */
}

static bool is_dirty_on(struct rig *r, unsigned n)
{
	return volume_on(r, n, 0)->head.dirty & IMSM_DIRTY;
}

/* The descriptor stays the same number, but takes no writes any more; or does so again. */
static void break_disk(struct rig *r, unsigned n)
{
	assert_int_equal(dup3(r->ro[n], r->disk[n]->fd, O_CLOEXEC), r->disk[n]->fd);
}

static void mend_disk(struct rig *r, unsigned n)
{
	assert_int_equal(dup3(r->rw[n], r->disk[n]->fd, O_CLOEXEC), r->disk[n]->fd);
}

/* ---- loading ---- */

/* Loads the disks that are not NULL; all of them must be kept. */
static void load(struct rig *r)
{
	struct disk *disks[MAX_DISKS];
	size_t count = 0;

	for (unsigned n = 0; n < r->disks; n++)
		if (r->disk[n])
			disks[count++] = r->disk[n];
	assert_int_equal(super_imsm.load_container(&r->st, disks, count), 0);
	for (size_t i = 0; i < count; i++)
		assert_null(disks[i]);
}

static void drop_disk(struct rig *r, unsigned n)
{
	disk_close(r->disk[n]);
	r->disk[n] = NULL;
}

/* md's view of volume `volume`: `members` disks in their slots, all in sync. */
static void make_array(struct rig *r, int volume, int level, unsigned members)
{
	struct active_array *a = calloc(1, sizeof(*a) + MAX_DISKS * sizeof(a->disks[0]));

	assert_non_null(a);
	r->watch.curr_state = r->watch.prev_state = ARRAY_CLEAN;
	r->watch.curr_action = r->watch.prev_action = SYNC_IDLE;
	r->watch.resync_start = SECTORS_NONE;
	a->container = &r->st;
	a->watch = &r->watch;
	a->member = volume;
	a->level = level;
	a->raid_disks = (int)members;
	a->layout = level == 10 ? 0x102 : 0;
	a->component_size = FX_PER_DEV;
	for (unsigned n = 0; n < members; n++) {
		r->member[n].dev = ifx_dev(n);
		r->member[n].slot = (int)n;
		r->member[n].curr_state = MEMBER_IN_SYNC;
		r->member[n].recovery_start = SECTORS_NONE;
		a->disks[a->disk_count++] = &r->member[n];
	}
	r->array = a;
}

static struct rig *new_raid5(uint32_t sector_size, uint32_t physical_size, unsigned spares)
{
	struct rig *r = rig_new(sector_size, physical_size, 3, spares);

	ifx_volume(&r->fx, 5, "N 0,1,2");
	for (unsigned n = 0; n < 3; n++)
		write_member_metadata(r, n);
	for (unsigned n = 3; n < r->disks; n++)
		write_spare_record(r, n);
	for (unsigned n = 0; n < r->disks; n++)
		fill_migration_record(r, n);
	make_array(r, 0, 5, 3);
	return r;
}

/* ---- what the monitor calls: without any allocation ---- */

static void begin_monitor(void)
{
	allocations = 0;
	counting_allocations = true;
}

static void end_monitor(void)
{
	counting_allocations = false;
	assert_int_equal(allocations, 0);
}

static int open_array(struct rig *r)
{
	int err;

	begin_monitor();
	err = super_imsm.open_new(r->array);
	end_monitor();
	return err;
}

static enum consistency tell_state(struct rig *r, enum consistency c)
{
	enum consistency got;

	begin_monitor();
	got = super_imsm.set_array_state(r->array, c);
	end_monitor();
	return got;
}

static void tell_disk(struct rig *r, int slot, unsigned state)
{
	begin_monitor();
	super_imsm.set_disk(r->array, NULL, slot, state);
	end_monitor();
}

static int sync_with(struct rig *r, bool retry)
{
	int n;

	r->res = (struct sync_result){ .retry = retry };
	most_in_flight = 0;
	begin_monitor();
	n = super_imsm.sync_metadata(&r->st, &r->res);
	end_monitor();
	return n;
}

static int sync_now(struct rig *r)
{
	return sync_with(r, false);
}

static int apply(struct rig *r, struct metadata_update *u)
{
	int err;

	begin_monitor();
	err = apply_update(&r->st, u);
	end_monitor();
	return err;
}

static void find_spares(struct rig *r)
{
	r->spares = (struct spare_request){ .watch = &r->watch, .member = r->array->member, .random = 0x1234567 };
	begin_monitor();
	super_imsm.activate_spare(r->array, &r->spares);
	end_monitor();
}

static int send_message(struct rig *r, const void *buf, size_t len)
{
	struct metadata_update u = { .op = UPDATE_MESSAGE, .buf = (void *)(uintptr_t)buf, .len = len };
	int err = super_imsm.prepare_update(&r->st, &u);

	if (!err)
		err = apply(r, &u);
	free(u.space);
	return err;
}

/* ---- loading ---- */

static void test_load(void **state)
{
	struct rig *r = new_raid5(512, 4096, 1);

	(void)state;
	remember(r);
	load(r);
	assert_int_equal(open_array(r), 0);
	for (unsigned n = 0; n < 3; n++)
		assert_int_equal(super_imsm.find_slot(r->array, ifx_dev(n)), n);
	assert_int_equal(super_imsm.find_slot(r->array, ifx_dev(3)), -1);
	assert_int_equal(super_imsm.find_slot(r->array, ifx_dev(99)), -1);
	assert_int_equal(sync_now(r), 0);
	assert_int_equal(sync_with(r, true), 0);
	for (unsigned n = 0; n < 4; n++)
		assert_true(is_untouched(r, n));
	rig_free(r);
}

/* What is not used stays with the caller. */
static void test_load_leaves_strangers_alone(void **state)
{
	struct rig *r = new_raid5(512, 4096, 0);
	struct disk *disks[4];

	(void)state;
	r->disks = 4;
	make_file(r, 3);
	for (unsigned n = 0; n < 4; n++)
		disks[n] = r->disk[n];
	assert_int_equal(super_imsm.load_container(&r->st, disks, 4), 0);
	assert_null(disks[0]);
	assert_ptr_equal(disks[3], r->disk[3]);
	drop_disk(r, 3);
	rig_free(r);
}

/*
 * Power was cut while a disk wrote: its extended sectors are new, its anchor is old. It costs that disk, and
 * nobody else.
 */
static void test_half_written_copy(void **state)
{
	struct rig *r = rig_new(512, 512, 3, 0);
	struct disk *disks[3];

	(void)state;
	ifx_volume(&r->fx, 5, "N 0,1,2");
	ifx_volume(&r->fx, 5, "N 0,1,2");
	make_array(r, 0, 5, 3);
	for (unsigned n = 0; n < 3; n++)
		write_member_metadata(r, n);
	remember(r);
	r->fx.c.meta.header.generation_num = le32_make(GENERATION + 1);
	r->fx.c.meta.volume[1].head.dirty = IMSM_DIRTY;
	write_member_metadata(r, 1);
	write_at(r, 1, r->tail[1] + TAIL - 1024, 512, DEVICE_SIZE - 1024);
	assert_null(read_back(r, 1));
	remember(r);
	for (unsigned n = 0; n < 3; n++)
		disks[n] = r->disk[n];
	assert_int_equal(super_imsm.load_container(&r->st, disks, 3), 0);
	assert_null(disks[0]);
	assert_ptr_equal(disks[1], r->disk[1]);
	assert_int_equal(open_array(r), 0);
	tell_state(r, MARK_DIRTY);
	assert_int_equal(sync_now(r), 1);
	assert_int_equal(r->res.written, 2);
	assert_true(is_dirty_on(r, 0) && is_dirty_on(r, 2));
	assert_true(is_untouched(r, 1));
	drop_disk(r, 1);
	rig_free(r);
}

static void test_load_without_metadata(void **state)
{
	struct rig *r = rig_new(512, 4096, 0, 2);
	struct disk *disks[2] = { r->disk[0], r->disk[1] };

	(void)state;
	assert_int_equal(super_imsm.load_container(&r->st, disks, 2), -ENOENT);
	assert_ptr_equal(disks[0], r->disk[0]);
	assert_ptr_equal(disks[1], r->disk[1]);
	assert_null(r->st.sb);
	assert_true(super_imsm.load_container(&r->st, disks, 0) < 0);
	drop_disk(r, 0);
	drop_disk(r, 1);
	rig_free(r);
}

/* The disks are not taken over, not written, and the administrator is told why. */
static void assert_refused(struct rig *r, int err)
{
	struct disk *disks[MAX_DISKS];

	remember(r);
	for (unsigned n = 0; n < r->disks; n++)
		disks[n] = r->disk[n];
	assert_int_equal(super_imsm.load_container(&r->st, disks, r->disks), err);
	assert_null(r->st.sb);
	for (unsigned n = 0; n < r->disks; n++) {
		assert_true(is_untouched(r, n));
		if (disks[n])
			drop_disk(r, n);
		r->disk[n] = NULL;
	}
	rig_free(r);
}

static void set_attributes(struct rig *r, uint32_t attributes)
{
	r->fx.c.meta.header.attributes = le32_make(attributes);
	for (unsigned n = 0; n < 3; n++)
		write_member_metadata(r, n);
}

static void test_unknown_attributes_are_refused(void **state)
{
	struct rig *r = new_raid5(512, 4096, 1);

	(void)state;
	set_attributes(r, IMSM_ATTR_CHECKSUM_VERIFY | 0x10000100);
	assert_refused(r, -EOPNOTSUPP);
}

static void test_supported_attributes_are_kept(void **state)
{
	struct rig *r = new_raid5(512, 4096, 0);
	const uint32_t all = IMSM_ATTR_SUPPORTED & ~IMSM_ATTR_BBM;

	(void)state;
	set_attributes(r, all);
	load(r);
	assert_int_equal(open_array(r), 0);
	assert_int_equal(tell_state(r, MARK_DIRTY), MARK_DIRTY);
	assert_int_equal(sync_now(r), 1);
	assert_int_equal(le32_get(read_back(r, 0)->header.attributes), all);
	rig_free(r);
}

static void begin_reshape(struct rig *r)
{
	struct imsm_volume *v = &r->fx.c.meta.volume[0];

	v->head.migr_state = 1;
	v->map[1] = v->map[0];
	imsm_volume_set_migr_type(v, IMSM_MIGR_GENERAL);
	for (unsigned n = 0; n < 3; n++)
		write_member_metadata(r, n);
}

static void write_migr_record(struct rig *r, unsigned n, const struct imsm_migr_record *record)
{
	uint8_t sector[4096];

	imsm_encode_migr_record(record, r->sector_size, sector);
	write_at(r, n, sector, r->sector_size, imsm_migr_record_offset(DEVICE_SIZE, r->sector_size));
}

static void test_reshape_that_cannot_be_gone_on_with(void **state)
{
	static const struct imsm_migr_record descending = { .dest_depth_per_unit = { { 0, 8 } } };
	struct rig *r = new_raid5(4096, 4096, 0);

	(void)state;
	begin_reshape(r);
	for (unsigned n = 0; n < 2; n++)
		write_migr_record(r, n, &descending);
	assert_refused(r, -EOPNOTSUPP);
}

static void test_reshape_is_loaded(void **state)
{
	const struct imsm_migr_record record = {
		.ascending_migr = le32_make(1),
		.dest_depth_per_unit = le32_make(2048),
	};
	struct rig *r = new_raid5(4096, 4096, 0);

	(void)state;
	begin_reshape(r);
	for (unsigned n = 0; n < 2; n++)
		write_migr_record(r, n, &record);
	load(r);
	rig_free(r);
}

static struct rig *watched;

/* What a power cut just before this write would leave. */
static void check_order(uint64_t offset)
{
	unsigned ended = 0, zeroed = 0;

	counting_allocations = false;
	for (unsigned n = 0; n < 4; n++) {
		ended += strcmp(text_on(watched, n, 0), "N 0,1,2,3") == 0;
		zeroed += migration_record_is(watched, n, 0);
	}
	if (offset == imsm_migr_record_offset(DEVICE_SIZE, watched->sector_size)) {
		assert_int_equal(ended, 4);
		for (unsigned n = 0; n < 4; n++)
			assert_string_equal(text_on(watched, n, 1), "N 0,1,2");
	} else {
		assert_true(zeroed == 0 || zeroed == 4);
	}
	counting_allocations = true;
}

/*
 * First that the volume has its new shape, then the records of its reshape, then that the next volume begins: each on
 * all disks before anything of what follows. A reader that found one with the other would move data that has been moved.
 */
static void test_end_of_reshape_is_written_in_order(void **state)
{
	const struct imsm_migr_record record = { .ascending_migr = le32_make(1), .curr_migr_unit_lo = le32_make(9) };
	struct rig *r = rig_new(512, 512, 4, 0);

	(void)state;
	ifx_volume(&r->fx, 5, "N<GEN<N 0,1,2,3/0,1,2 u9");
	ifx_volume(&r->fx, 0, "N 0,1,2");
	for (unsigned n = 0; n < 4; n++) {
		write_member_metadata(r, n);
		write_migr_record(r, n, &record);
	}
	make_array(r, 0, 5, 4);
	load(r);
	assert_int_equal(open_array(r), 0);
	r->watch.reshape_done = true;
	tell_state(r, MARK_CLEAN);
	watched = r;
	before_write = check_order;
	assert_int_equal(sync_now(r), 1);
	before_write = NULL;
	for (unsigned n = 0; n < 4; n++) {
		assert_string_equal(text_on(r, n, 0), "N 0,1,2,3");
		assert_string_equal(text_on(r, n, 1), "N<GEN<N 0,1,2,3/0,1,2 u0");
		assert_true(migration_record_is(r, n, 0));
		assert_int_equal(generation_on(r, n), GENERATION + 2);
	}
	assert_int_equal(sync_now(r), 0);
	rig_free(r);
}

static void test_open_new(void **state)
{
	struct rig *r = new_raid5(512, 4096, 0);

	(void)state;
	load(r);
	r->array->member = 1;
	assert_int_equal(open_array(r), -ENODEV);
	r->array->member = -1;
	assert_int_equal(open_array(r), -ENODEV);
	r->array->member = 0;
	assert_int_equal(open_array(r), 0);
	assert_int_equal(open_array(r), -EBUSY);
	super_imsm.close_array(r->array);
	assert_int_equal(open_array(r), 0);
	rig_free(r);
}

/* ---- dirty and clean ---- */

static void check_dirty_and_clean(uint32_t sector_size, uint32_t physical_size)
{
	struct rig *r = new_raid5(sector_size, physical_size, 1);

	load(r);
	open_array(r);
	remember(r);
	assert_int_equal(tell_state(r, MARK_DIRTY), MARK_DIRTY);
	assert_int_equal(sync_now(r), 1);
	assert_int_equal(r->res.written, 3);
	assert_int_equal(r->res.failed + r->res.reports, 0);
	for (unsigned n = 0; n < 3; n++) {
		assert_int_equal(generation_on(r, n), GENERATION + 1);
		assert_true(is_dirty_on(r, n));
		assert_string_equal(text_on(r, n, 0), "N 0,1,2");
		assert_true(migration_record_is(r, n, 0x5a));
	}
	assert_true(same_on(r, 0, 1) && same_on(r, 1, 2));
	assert_true(is_untouched(r, 3));

	/* told again and again: nothing to write */
	remember(r);
	assert_int_equal(tell_state(r, MARK_DIRTY), MARK_DIRTY);
	assert_int_equal(sync_now(r), 0);
	for (unsigned n = 0; n < 4; n++)
		assert_true(is_untouched(r, n));

	assert_int_equal(tell_state(r, MARK_CLEAN), MARK_CLEAN);
	assert_int_equal(sync_now(r), 1);
	for (unsigned n = 0; n < 3; n++) {
		assert_int_equal(generation_on(r, n), GENERATION + 2);
		assert_false(is_dirty_on(r, n));
		assert_true(migration_record_is(r, n, 0x5a));
	}
	assert_true(is_untouched(r, 3));
	rig_free(r);
}

static void test_dirty_and_clean(void **state)
{
	(void)state;
	check_dirty_and_clean(512, 4096);
}

static void test_dirty_and_clean_512n(void **state)
{
	(void)state;
	check_dirty_and_clean(512, 512);
}

static void test_dirty_and_clean_4kn(void **state)
{
	(void)state;
	check_dirty_and_clean(4096, 4096);
}

/* Nothing but the sectors of the metadata changes. */
static void test_neighbours_are_not_overwritten(void **state)
{
	struct rig *r = new_raid5(512, 4096, 0);
	static uint8_t pattern[TAIL - 4096], tail[TAIL];

	(void)state;
	memset(pattern, 0xa5, sizeof(pattern));
	for (unsigned n = 0; n < 3; n++)
		write_at(r, n, pattern, sizeof(pattern), DEVICE_SIZE - TAIL);
	load(r);
	open_array(r);
	tell_state(r, MARK_DIRTY);
	assert_int_equal(sync_now(r), 1);
	for (unsigned n = 0; n < 3; n++) {
		read_tail(r, n, tail);
		assert_memory_equal(tail, pattern, sizeof(pattern));
	}
	rig_free(r);
}

/* A write within one physical block cannot be torn; others never go to two disks at once. */
static void test_torn_writes(void **state)
{
	static const struct {
		uint32_t sector, physical;
		unsigned in_flight;
	} cases[] = { { 512, 4096, 3 }, { 512, 512, 1 }, { 4096, 4096, 3 } };

	(void)state;
	for (unsigned i = 0; i < COUNT(cases); i++) {
		struct rig *r = new_raid5(cases[i].sector, cases[i].physical, 0);

		load(r);
		open_array(r);
		tell_state(r, MARK_DIRTY);
		assert_int_equal(sync_now(r), 1);
		if (most_in_flight) /* else there is no AIO here */
			assert_int_equal(most_in_flight, cases[i].in_flight);
		rig_free(r);
	}
}

static void test_readonly_array_is_decided_upon(void **state)
{
	struct rig *r = new_raid5(512, 4096, 0);

	(void)state;
	load(r);
	open_array(r);
	r->watch.curr_state = ARRAY_READONLY;
	assert_int_equal(tell_state(r, MARK_DECIDE), MARK_CLEAN);
	assert_int_equal(sync_now(r), 0);
	r->watch.resync_start = 1000; /* md has a resync to do */
	assert_int_equal(tell_state(r, MARK_DECIDE), MARK_DIRTY);
	assert_int_equal(sync_now(r), 1);
	assert_string_equal(text_on(r, 0, 0), "N<REPAIR<N 0,1,2/0,1,2 u0");
	rig_free(r);
}

/* A disk is missing at start-up: before the array is written to, that is on record. */
static void test_missing_disk_is_recorded_at_the_start(void **state)
{
	struct rig *r = new_raid5(512, 4096, 0);

	(void)state;
	drop_disk(r, 1);
	remember(r);
	load(r);
	r->array->disks[1] = r->array->disks[2];
	r->array->disk_count = 2;
	open_array(r);
	r->watch.curr_state = ARRAY_READONLY;
	assert_int_equal(tell_state(r, MARK_DECIDE), MARK_DIRTY);
	assert_int_equal(sync_now(r), 1);
	assert_int_equal(r->res.written, 2);
	assert_string_equal(text_on(r, 0, 0), "D 0,1x!,2 f1");
	assert_true(is_untouched(r, 1));
	rig_free(r);
}

/* ---- failures ---- */

static void fail_member(struct rig *r, unsigned n)
{
	r->member[n].curr_state = MEMBER_FAULTY | MEMBER_BLOCKED;
	r->watch.curr_state = ARRAY_WRITE_PENDING;
	tell_state(r, MARK_DIRTY);
	tell_disk(r, (int)n, r->member[n].curr_state);
}

static void test_failed_disk_is_not_written(void **state)
{
	struct rig *r = new_raid5(512, 4096, 0);

	(void)state;
	load(r);
	open_array(r);
	remember(r);
	fail_member(r, 1);
	assert_int_equal(sync_now(r), 1);
	assert_int_equal(r->res.written, 2);
	assert_true(is_untouched(r, 1));
	assert_true(same_on(r, 0, 2));
	assert_int_equal(generation_on(r, 0), GENERATION + 1);
	assert_string_equal(text_on(r, 0, 0), "D 0,1x!,2 f1");
	assert_true(ifx_table_serial_is(&r->got, 1, "DISK1:0"));
	assert_true(is_dirty_on(r, 2));
	/* reported in every pass until it is gone */
	tell_disk(r, 1, MEMBER_FAULTY);
	assert_int_equal(sync_now(r), 0);
	rig_free(r);
}

/* It holds an older generation, and says there that all is well: it must not be believed. */
static void test_failed_disk_is_not_believed_at_the_next_start(void **state)
{
	struct rig *r = new_raid5(512, 4096, 0);

	(void)state;
	load(r);
	open_array(r);
	fail_member(r, 1);
	assert_int_equal(sync_now(r), 1);
	super_imsm.free_super(&r->st);
	for (unsigned n = 0; n < 3; n++)
		r->disk[n] = disk_new(r, n);
	remember(r);
	assert_int_equal(super_imsm.load_container(&r->st, (struct disk *[]){ r->disk[1], r->disk[0], r->disk[2] }, 3), 0);
	drop_disk(r, 1); /* it was left to us */
	assert_int_equal(open_array(r), 0);
	assert_int_equal(super_imsm.find_slot(r->array, ifx_dev(1)), -1);
	assert_int_equal(tell_state(r, MARK_CLEAN), MARK_CLEAN);
	assert_int_equal(sync_now(r), 1);
	assert_true(is_untouched(r, 1));
	assert_string_equal(text_on(r, 0, 0), "D 0,1x!,2 f1");
	rig_free(r);
}

/* ---- disks that do not take the metadata ---- */

static void test_write_error_is_reported_once(void **state)
{
	struct rig *r = new_raid5(512, 4096, 0);

	(void)state;
	load(r);
	open_array(r);
	remember(r);
	break_disk(r, 1);
	tell_state(r, MARK_DIRTY);
	assert_int_equal(sync_now(r), 1);
	assert_int_equal(r->res.written, 2);
	assert_int_equal(r->res.failed, 1);
	assert_int_equal(r->res.reports, 1);
	assert_int_equal(r->res.report[0].dev, ifx_dev(1));
	assert_int_equal(r->res.report[0].error, -EBADF);
	assert_true(is_dirty_on(r, 0) && is_dirty_on(r, 2));
	assert_true(is_untouched(r, 1));
	tell_state(r, MARK_CLEAN);
	assert_int_equal(sync_now(r), 1);
	assert_int_equal(r->res.reports, 0);
	assert_int_equal(r->res.written, 2);
	rig_free(r);
}

/* It is tried again only when there is time for it, and then gets what the others have. */
static void test_stale_disk_is_made_up_for(void **state)
{
	struct rig *r = new_raid5(512, 4096, 1);

	(void)state;
	load(r);
	open_array(r);
	break_disk(r, 1);
	tell_state(r, MARK_DIRTY);
	assert_int_equal(sync_now(r), 1);
	remember(r);
	assert_int_equal(sync_now(r), 0);

	/* still broken: nobody is held up, nothing is reported again */
	assert_int_equal(sync_with(r, true), 1);
	assert_int_equal(r->res.written + r->res.reports, 0);
	assert_int_equal(r->res.failed, 1);

	mend_disk(r, 1);
	assert_int_equal(sync_now(r), 0);
	assert_true(is_untouched(r, 1));
	assert_int_equal(sync_with(r, true), 1);
	assert_int_equal(r->res.written, 1);
	assert_true(same_on(r, 0, 1));
	assert_true(is_untouched(r, 0) && is_untouched(r, 2) && is_untouched(r, 3));
	assert_int_equal(sync_with(r, true), 0);

	/* it fails once more: that is news */
	break_disk(r, 1);
	tell_state(r, MARK_CLEAN);
	assert_int_equal(sync_now(r), 1);
	assert_int_equal(r->res.reports, 1);
	rig_free(r);
}

/* A disk that takes seconds to fail does so once in a while, not at each change. */
static void test_stale_disk_holds_up_nobody(void **state)
{
	struct rig *r = new_raid5(512, 4096, 0);

	(void)state;
	load(r);
	open_array(r);
	break_disk(r, 1);
	tell_state(r, MARK_DIRTY);
	assert_int_equal(sync_now(r), 1);
	assert_int_equal(r->res.failed, 1);
	mend_disk(r, 1);
	remember(r);
	tell_state(r, MARK_CLEAN);
	assert_int_equal(sync_now(r), 1);
	assert_int_equal(r->res.written, 2);
	assert_int_equal(r->res.failed, 0);
	assert_true(is_untouched(r, 1));

	/* time for it, and a change as well */
	tell_state(r, MARK_DIRTY);
	assert_int_equal(sync_with(r, true), 1);
	assert_int_equal(r->res.written, 3);
	assert_true(same_on(r, 0, 1) && same_on(r, 0, 2));
	rig_free(r);
}

/* Those that failed before are asked at once when nobody else takes the change. */
static void test_stale_disk_is_the_last_hope(void **state)
{
	struct rig *r = new_raid5(512, 4096, 0);

	(void)state;
	load(r);
	open_array(r);
	break_disk(r, 1);
	tell_state(r, MARK_DIRTY);
	assert_int_equal(sync_now(r), 1);
	mend_disk(r, 1);
	break_disk(r, 0);
	break_disk(r, 2);
	tell_state(r, MARK_CLEAN);
	assert_int_equal(sync_now(r), 1);
	assert_int_equal(r->res.written, 1);
	assert_int_equal(r->res.failed, 2);
	assert_false(is_dirty_on(r, 1));
	rig_free(r);
}

static void test_no_disk_takes_it(void **state)
{
	struct rig *r = new_raid5(512, 4096, 0);

	(void)state;
	load(r);
	open_array(r);
	remember(r);
	for (unsigned n = 0; n < 3; n++)
		break_disk(r, n);
	tell_state(r, MARK_DIRTY);
	assert_int_equal(sync_now(r), -EIO);
	assert_int_equal(r->res.failed, 3);
	assert_int_equal(r->res.reports, 3);
	assert_int_equal(r->res.written, 0);
	/* the change stays pending, without being told of again */
	assert_int_equal(sync_now(r), -EIO);
	assert_int_equal(r->res.reports, 0);
	for (unsigned n = 0; n < 3; n++)
		assert_true(is_untouched(r, n));
	mend_disk(r, 2);
	assert_int_equal(sync_now(r), 1);
	assert_true(is_dirty_on(r, 2));
	assert_true(generation_on(r, 2) > GENERATION);
	mend_disk(r, 0);
	mend_disk(r, 1);
	assert_int_equal(sync_with(r, true), 1);
	assert_true(same_on(r, 0, 2) && same_on(r, 1, 2));
	assert_int_equal(sync_with(r, true), 0);
	rig_free(r);
}

static void test_many_write_errors(void **state)
{
	struct rig *r = rig_new(512, 4096, MAX_DISKS, 0);

	(void)state;
	_Static_assert(MAX_DISKS > MAX_SYNC_REPORTS, "or they cannot be too many");
	ifx_volume(&r->fx, 5, "N 0,1,2,3,4,5,6,7,8,9");
	for (unsigned n = 0; n < MAX_DISKS; n++)
		write_member_metadata(r, n);
	make_array(r, 0, 5, MAX_DISKS);
	load(r);
	open_array(r);
	for (unsigned n = 0; n < MAX_DISKS; n++)
		break_disk(r, n);
	tell_state(r, MARK_DIRTY);
	assert_int_equal(sync_now(r), -EIO);
	assert_int_equal(r->res.failed, MAX_DISKS);
	assert_int_equal(r->res.reports, MAX_SYNC_REPORTS);
	rig_free(r);
}

/* ---- disks that come and go ---- */

static int add_disk(struct rig *r, unsigned n)
{
	struct metadata_update u = { .op = UPDATE_ADD_DISK };
	int err = super_imsm.add_to_super(&r->st, r->disk[n], &u);

	if (err) {
		drop_disk(r, n);
		return err;
	}
	assert_ptr_equal(u.disk, r->disk[n]);
	err = apply(r, &u);
	if (err)
		r->disk[n] = NULL;
	disk_close(u.disk);
	free(u.space);
	return err;
}

static int remove_disk(struct rig *r, unsigned n)
{
	struct metadata_update u = { .op = UPDATE_REMOVE_DISK, .dev = ifx_dev(n) };
	int err = apply(r, &u);

	assert_ptr_equal(u.disk, r->disk[n]); /* for the manager to close */
	disk_close(u.disk);
	free(u.space);
	r->disk[n] = NULL;
	return err;
}

static void test_added_disk_gets_a_spare_record(void **state)
{
	struct rig *r = new_raid5(512, 4096, 1);
	struct disk *new = r->disk[3];
	const struct imsm_meta *m;

	(void)state;
	r->disk[3] = NULL;
	load(r);
	open_array(r);
	r->disk[3] = new;
	remember(r);
	assert_int_equal(add_disk(r, 3), 0);
	assert_int_equal(sync_now(r), 1);
	assert_int_equal(r->res.written, 1);
	m = read_back(r, 3);
	assert_non_null(m);
	assert_int_equal(m->num_disks, 1);
	assert_int_equal(m->num_volumes, 0);
	assert_int_equal(le32_get(m->disk[0].status), IMSM_DISK_SPARE);
	assert_int_equal(imsm_disk_blocks(&m->disk[0]), FX_DISK_BLOCKS);
	assert_true(ifx_table_serial_is(&r->got, 0, "DISK3"));
	assert_true(migration_record_is(r, 3, 0));
	for (unsigned n = 0; n < 3; n++)
		assert_true(is_untouched(r, n));
	assert_int_equal(sync_with(r, true), 0);
	rig_free(r);
}

/* Of several serial numbers the spare keeps the one under which mdadm has recorded it, else it gets the first. */
static void test_added_disk_keeps_its_serial(void **state)
{
	static const char *const expected[] = { "DISK3", "devsdd" };
	static const uint8_t zero[512];

	(void)state;
	for (unsigned bare = 0; bare < 2; bare++) {
		struct rig *r = new_raid5(512, 4096, 1);
		struct disk *new = r->disk[3];

		r->disk[3] = NULL;
		load(r);
		r->disk[3] = new;
		new->serial[1] = new->serial[0];
		new->serial[0].len = (size_t)snprintf((char *)new->serial[0].bytes, DISK_SERIAL_MAX, "devsdd");
		new->serial_count = 2;
		if (bare)
			write_at(r, 3, zero, sizeof(zero), imsm_anchor_offset(DEVICE_SIZE, r->sector_size));
		assert_int_equal(add_disk(r, 3), 0);
		assert_int_equal(sync_now(r), 1);
		assert_non_null(read_back(r, 3));
		assert_true(ifx_table_serial_is(&r->got, 0, expected[bare]));
		rig_free(r);
	}
}

/* Its record is in its own units, and where its own sectors put it. */
static void test_added_disk_with_other_sectors(void **state)
{
	static const uint32_t sizes[] = { 512, 4096 };

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct rig *r = new_raid5(sizes[i], 4096, 1);
		struct disk *new = r->disk[3];

		r->disk[3] = NULL;
		load(r);
		open_array(r);
		r->disk[3] = new;
		new->sector_size = sizes[!i];
		assert_int_equal(add_disk(r, 3), 0);
		assert_int_equal(sync_now(r), 1);
		r->sector_size = sizes[!i];
		assert_non_null(read_back(r, 3));
		assert_int_equal(imsm_disk_blocks(&r->got.c.meta.disk[0]), FX_DISK_BLOCKS);
		assert_int_equal(r->got.c.meta.num_volumes, 0);
		rig_free(r);
	}
}

static void test_spare_that_takes_no_record(void **state)
{
	struct rig *r = new_raid5(512, 4096, 1);
	struct disk *new = r->disk[3];

	(void)state;
	r->disk[3] = NULL;
	load(r);
	open_array(r);
	r->disk[3] = new;
	assert_int_equal(add_disk(r, 3), 0);
	break_disk(r, 3);
	/* the arrays do not depend on it */
	tell_state(r, MARK_DIRTY);
	assert_int_equal(sync_now(r), 1);
	assert_int_equal(r->res.written, 3);
	assert_int_equal(r->res.failed, 1);
	assert_int_equal(r->res.reports, 1);
	assert_int_equal(sync_now(r), 0);
	mend_disk(r, 3);
	assert_int_equal(sync_with(r, true), 1);
	assert_int_equal(r->res.written, 1);
	assert_int_equal(read_back(r, 3)->num_volumes, 0);
	rig_free(r);
}

static void test_disks_that_cannot_be_added(void **state)
{
	struct rig *r = new_raid5(512, 4096, 4);
	struct disk *new[4];

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		new[i] = r->disk[3 + i];
		r->disk[3 + i] = NULL;
	}
	load(r);
	for (unsigned i = 0; i < 4; i++)
		r->disk[3 + i] = new[i];
	remember(r);
	r->disk[3]->partition = true;
	r->disk[4]->serial_count = 0;
	r->disk[5]->size = 512;
	r->disk[6]->dev = ifx_dev(0); /* known already */
	for (unsigned n = 3; n < 6; n++)
		assert_true(add_disk(r, n) < 0);
	assert_int_equal(add_disk(r, 6), -EEXIST);
	for (unsigned n = 0; n < 6; n++)
		assert_true(is_untouched(r, n));
	assert_int_equal(sync_with(r, true), 0);
	rig_free(r);
}

static void test_removed_disks(void **state)
{
	struct rig *r = new_raid5(512, 4096, 1);

	(void)state;
	load(r);
	open_array(r);
	remember(r);
	assert_int_equal(remove_disk(r, 3), 0);
	assert_int_equal(remove_disk(r, 3), 0);
	assert_int_equal(sync_now(r), 0);
	fail_member(r, 1);
	assert_int_equal(sync_now(r), 1);
	assert_int_equal(remove_disk(r, 1), 0);
	assert_int_equal(super_imsm.find_slot(r->array, ifx_dev(1)), -1);
	sync_now(r);
	assert_true(is_untouched(r, 1) && is_untouched(r, 3));
	assert_string_equal(text_on(r, 0, 0), "D 0,1x!,2 f1");
	rig_free(r);
}

/* ---- messages ---- */

static size_t put_word(uint8_t *buf, size_t at, uint32_t v)
{
	memcpy(buf + at, &v, sizeof(v));
	return at + sizeof(v);
}

/* A second RAID5 volume on the first three disks, behind the first one. As mdadm would send it. */
static size_t create_message(uint8_t *buf, unsigned number, unsigned place, unsigned first_disk)
{
	static struct fixture f;
	struct imsm_volume *v = &f.c.meta.volume[0];
	size_t at = put_word(buf, 0, IMSM_UPDATE_CREATE_ARRAY), ords;

	ifx_init(&f, 3);
	ifx_volume(&f, 5, "N 0,1,2");
	imsm_map_set_pba(&v->map[0], (uint64_t)place * (FX_PER_DEV + FX_GAP));
	snprintf((char *)v->head.name, sizeof(v->head.name), "new%u", number);
	at = put_word(buf, at, number);
	memcpy(buf + at, &v->head, sizeof(v->head));
	at += sizeof(v->head);
	memcpy(buf + at, &v->map[0].head, sizeof(v->map[0].head));
	ords = at + sizeof(v->map[0].head);
	at = ords;
	for (unsigned slot = 0; slot < 3; slot++)
		at = put_word(buf, at, slot);
	for (unsigned slot = 0; slot < 3; slot++, at += IMSM_SERIAL_LEN)
		ifx_serial(buf + at, first_disk + slot);
	return at;
}

static void test_create(void **state)
{
	struct rig *r = new_raid5(512, 4096, 1);
	uint8_t buf[1024];

	(void)state;
	load(r);
	open_array(r);
	remember(r);
	assert_true(send_message(r, buf, create_message(buf, 1, 0, 0)) < 0); /* overlaps */
	assert_true(send_message(r, buf, create_message(buf, 2, 1, 0)) < 0); /* not the next number */
	assert_true(send_message(r, buf, create_message(buf, 1, 1, 5)) < 0); /* no such disks */
	assert_true(send_message(r, buf, create_message(buf, 1, 1, 0) - 1) < 0);
	assert_int_equal(sync_with(r, true), 0);
	/* on the disks 1 to 3: the spare becomes a member */
	assert_int_equal(send_message(r, buf, create_message(buf, 1, 1, 1)), 0);
	assert_int_equal(sync_now(r), 1);
	assert_int_equal(r->res.written, 4);
	for (unsigned n = 0; n < 4; n++) {
		assert_int_equal(generation_on(r, n), GENERATION + 1);
		assert_int_equal(read_back(r, n)->num_disks, 4);
		assert_string_equal(text_on(r, n, 0), "N 0,1,2");
		assert_string_equal(text_on(r, n, 1), "N 1,2,3");
		assert_memory_equal(volume_on(r, n, 1)->head.name, "new1", 5);
	}
	assert_true(same_on(r, 0, 3));
	rig_free(r);
}

static void test_kill_and_rename(void **state)
{
	struct rig *r = rig_new(512, 4096, 2, 0);
	uint8_t kill[8], rename[24];

	(void)state;
	ifx_volume(&r->fx, 1, "N 0,1");
	ifx_volume(&r->fx, 1, "N 1,0");
	write_member_metadata(r, 0);
	write_member_metadata(r, 1);
	make_array(r, 0, 1, 2);
	load(r);
	open_array(r);
	put_word(rename, 0, IMSM_UPDATE_RENAME_ARRAY);
	memcpy(rename + 4, "other\0\0\0\0\0\0\0\0\0\0", 16);
	put_word(kill, 0, IMSM_UPDATE_KILL_ARRAY);

	put_word(rename, 20, 0);
	assert_true(send_message(r, rename, sizeof(rename)) < 0); /* in use */
	put_word(rename, 20, 2);
	assert_true(send_message(r, rename, sizeof(rename)) < 0);
	put_word(kill, 4, 0);
	assert_true(send_message(r, kill, sizeof(kill)) < 0);
	put_word(kill, 4, 0xffffffff);
	assert_true(send_message(r, kill, sizeof(kill)) < 0);
	assert_int_equal(sync_with(r, true), 0);

	put_word(rename, 20, 1);
	assert_int_equal(send_message(r, rename, sizeof(rename)), 0);
	assert_int_equal(sync_now(r), 1);
	assert_memory_equal(volume_on(r, 1, 1)->head.name, "other\0\0\0\0\0\0\0\0\0\0", 16);
	assert_memory_equal(volume_on(r, 1, 0)->head.name, "vol0", 5);

	put_word(kill, 4, 1);
	assert_int_equal(send_message(r, kill, sizeof(kill)), 0);
	assert_int_equal(sync_now(r), 1);
	assert_int_equal(read_back(r, 0)->num_volumes, 1);
	assert_true(same_on(r, 0, 1));
	assert_int_equal(generation_on(r, 0), GENERATION + 2);
	/* the last one has to stay */
	super_imsm.close_array(r->array);
	put_word(kill, 4, 0);
	assert_true(send_message(r, kill, sizeof(kill)) < 0);
	rig_free(r);
}

/* ---- spares ---- */

/* As the manager does it: md has the disk, and now the metadata is told. */
static int commit(struct rig *r)
{
	struct metadata_update u = { .op = UPDATE_COMMIT_SPARES, .spares = &r->spares };

	return apply(r, &u);
}

/* The failed member has been removed from md. */
static void take_out(struct rig *r, unsigned n)
{
	struct active_array *a = r->array;

	for (unsigned i = 0; i < a->disk_count; i++)
		if (a->disks[i] == &r->member[n])
			a->disks[i--] = a->disks[--a->disk_count];
}

static void put_in(struct rig *r, unsigned n, int slot)
{
	r->member[n] = (struct mdinfo){ .dev = ifx_dev(n), .slot = slot, .curr_state = MEMBER_SPARE };
	r->array->disks[r->array->disk_count++] = &r->member[n];
}

static void check_rebuild(uint32_t sector_size, uint32_t physical_size)
{
	struct rig *r = new_raid5(sector_size, physical_size, 1);
	uint32_t family;

	load(r);
	open_array(r);
	find_spares(r);
	assert_int_equal(r->spares.count, 0); /* it is in good health */
	family = le32_get(read_back(r, 0)->header.family_num);
	remember(r);

	fail_member(r, 1);
	assert_int_equal(sync_now(r), 1);
	find_spares(r);
	assert_int_equal(r->spares.count, 0); /* the failed one must go first */
	take_out(r, 1);
	find_spares(r);
	assert_int_equal(r->spares.count, 1);
	assert_int_equal(r->spares.pick[0].dev, ifx_dev(3));
	assert_int_equal(r->spares.pick[0].slot, 1);
	assert_int_equal(r->spares.pick[0].data_offset, 0);
	assert_int_equal(r->spares.pick[0].component_size, FX_PER_DEV);
	assert_false(r->spares.pick[0].in_array);
	assert_int_equal(sync_now(r), 0); /* choosing changes nothing */
	assert_true(is_untouched(r, 3));

	/* md has it, and the metadata is told: before the rebuild begins all of it is on the disks */
	put_in(r, 3, 1);
	assert_int_equal(commit(r), 0);
	assert_int_equal(sync_now(r), 1);
	assert_int_equal(r->res.written, 3);
	assert_string_equal(text_on(r, 3, 0), "N<REBUILD<D 0,2,1/0,2!,1 f1 u0");
	assert_true(same_on(r, 0, 3) && same_on(r, 2, 3));
	assert_int_not_equal(le32_get(read_back(r, 0)->header.family_num), family);
	assert_int_equal(read_back(r, 0)->num_disks, 3);
	assert_true(ifx_table_serial_is(&r->got, 2, "DISK3"));
	assert_true(is_untouched(r, 1));
	assert_int_equal(commit(r), -EBUSY); /* done already: refused, and nothing changes */
	assert_int_equal(sync_now(r), 0);

	/* md has rebuilt it */
	r->member[3].curr_state = MEMBER_IN_SYNC;
	r->member[3].recovery_start = SECTORS_NONE;
	r->watch.prev_action = SYNC_RECOVER;
	r->watch.last_checkpoint = FX_PER_DEV;
	for (unsigned i = 0; i < r->array->disk_count; i++)
		tell_disk(r, r->array->disks[i]->slot, r->array->disks[i]->curr_state);
	assert_int_equal(sync_now(r), 1);
	assert_string_equal(text_on(r, 3, 0), "N 0,2,1");
	assert_int_equal(r->watch.last_checkpoint, 0); /* the next rebuild begins at its own beginning */
	r->watch.curr_state = ARRAY_CLEAN;
	assert_int_equal(tell_state(r, MARK_CLEAN), MARK_CLEAN);
	assert_int_equal(sync_now(r), 1);
	assert_false(is_dirty_on(r, 3));
	assert_int_equal(generation_on(r, 3), GENERATION + 4);

	/* and the next daemon finds a healthy array, with the failed disk being a stranger */
	super_imsm.free_super(&r->st);
	for (unsigned n = 0; n < 4; n++)
		r->disk[n] = disk_new(r, n);
	assert_int_equal(super_imsm.load_container(&r->st, (struct disk *[]){ r->disk[0], r->disk[2], r->disk[3] }, 3), 0);
	drop_disk(r, 1);
	assert_int_equal(open_array(r), 0);
	assert_int_equal(super_imsm.find_slot(r->array, ifx_dev(3)), 1);
	assert_int_equal(sync_now(r), 0);
	rig_free(r);
}

static void test_rebuild(void **state)
{
	(void)state;
	check_rebuild(512, 4096);
}

static void test_rebuild_4kn(void **state)
{
	(void)state;
	check_rebuild(4096, 4096);
}

/* The spare left the container while md was being told of it. */
static void test_commit_without_the_disk(void **state)
{
	struct rig *r = new_raid5(512, 4096, 1);

	(void)state;
	load(r);
	open_array(r);
	fail_member(r, 1);
	assert_int_equal(sync_now(r), 1);
	take_out(r, 1);
	find_spares(r);
	assert_int_equal(r->spares.count, 1);
	assert_int_equal(remove_disk(r, 3), 0);
	sync_now(r);
	remember(r);
	assert_int_equal(commit(r), -ENODEV);
	assert_int_equal(sync_now(r), 0);
	for (unsigned n = 0; n < 4; n++)
		assert_true(is_untouched(r, n));
	rig_free(r);
}

static void test_checkpoint_of_a_rebuild(void **state)
{
	struct rig *r = new_raid5(512, 4096, 1);
	uint64_t unit;

	(void)state;
	load(r);
	open_array(r);
	fail_member(r, 1);
	sync_now(r);
	take_out(r, 1);
	find_spares(r);
	put_in(r, 3, 1);
	assert_int_equal(commit(r), 0);
	assert_int_equal(sync_now(r), 1);
	r->watch.curr_state = ARRAY_ACTIVE;
	r->watch.curr_action = r->watch.prev_action = SYNC_RECOVER;
	r->watch.last_checkpoint = FX_PER_DEV / 2;
	tell_state(r, MARK_DIRTY);
	assert_int_equal(sync_now(r), 1);
	unit = imsm_volume_unit(volume_on(r, 0, 0));
	assert_true(unit > 0);
	assert_int_equal(unit * imsm_blocks_per_unit(volume_on(r, 0, 0)), FX_PER_DEV / 2);
	tell_state(r, MARK_DIRTY);
	assert_int_equal(sync_now(r), 0);
	rig_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_load),
		cmocka_unit_test(test_load_leaves_strangers_alone),
		cmocka_unit_test(test_half_written_copy),
		cmocka_unit_test(test_load_without_metadata),
		cmocka_unit_test(test_unknown_attributes_are_refused),
		cmocka_unit_test(test_supported_attributes_are_kept),
		cmocka_unit_test(test_reshape_that_cannot_be_gone_on_with),
		cmocka_unit_test(test_reshape_is_loaded),
		cmocka_unit_test(test_end_of_reshape_is_written_in_order),
		cmocka_unit_test(test_open_new),
		cmocka_unit_test(test_dirty_and_clean),
		cmocka_unit_test(test_dirty_and_clean_512n),
		cmocka_unit_test(test_dirty_and_clean_4kn),
		cmocka_unit_test(test_neighbours_are_not_overwritten),
		cmocka_unit_test(test_torn_writes),
		cmocka_unit_test(test_readonly_array_is_decided_upon),
		cmocka_unit_test(test_missing_disk_is_recorded_at_the_start),
		cmocka_unit_test(test_failed_disk_is_not_written),
		cmocka_unit_test(test_failed_disk_is_not_believed_at_the_next_start),
		cmocka_unit_test(test_write_error_is_reported_once),
		cmocka_unit_test(test_stale_disk_is_made_up_for),
		cmocka_unit_test(test_stale_disk_holds_up_nobody),
		cmocka_unit_test(test_stale_disk_is_the_last_hope),
		cmocka_unit_test(test_no_disk_takes_it),
		cmocka_unit_test(test_many_write_errors),
		cmocka_unit_test(test_added_disk_gets_a_spare_record),
		cmocka_unit_test(test_added_disk_keeps_its_serial),
		cmocka_unit_test(test_added_disk_with_other_sectors),
		cmocka_unit_test(test_spare_that_takes_no_record),
		cmocka_unit_test(test_disks_that_cannot_be_added),
		cmocka_unit_test(test_removed_disks),
		cmocka_unit_test(test_create),
		cmocka_unit_test(test_kill_and_rename),
		cmocka_unit_test(test_rebuild),
		cmocka_unit_test(test_rebuild_4kn),
		cmocka_unit_test(test_commit_without_the_disk),
		cmocka_unit_test(test_checkpoint_of_a_rebuild),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
