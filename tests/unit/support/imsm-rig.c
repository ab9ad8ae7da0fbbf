/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See imsm-rig.h. */
#include "tests/unit/support/imsm-rig.h"

#include <errno.h>
#include <fcntl.h>
#include <libaio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "metadata/metaio.h"
#include "tests/unit/support/apply-update.h"
#include "tests/unit/support/one-aio.h"

int __real_io_submit(io_context_t ctx, long nr, struct iocb *ios[]);
int __wrap_io_submit(io_context_t ctx, long nr, struct iocb *ios[]);
int __wrap_io_submit(io_context_t ctx, long nr, struct iocb *ios[])
{
	int n;

	for (long i = 0; ir_before_write && i < nr; i++)
		ir_before_write((uint64_t)ios[i]->u.c.offset);
	n = __real_io_submit(ctx, nr, ios);
	for (int i = 0; ir_write_begins && i < n; i++)
		ir_write_begins(ios[i]);
	ir_in_flight += n > 0 ? (unsigned)n : 0;
	if (ir_in_flight > ir_most_in_flight)
		ir_most_in_flight = ir_in_flight;
	return n;
}

int __real_io_getevents(io_context_t ctx, long min_nr, long nr, struct io_event *events, struct timespec *timeout);
int __wrap_io_getevents(io_context_t ctx, long min_nr, long nr, struct io_event *events, struct timespec *timeout);
int __wrap_io_getevents(io_context_t ctx, long min_nr, long nr, struct io_event *events, struct timespec *timeout)
{
	int n = __real_io_getevents(ctx, min_nr, nr, events, timeout);

	ir_in_flight -= n > 0 ? (unsigned)n : 0;
	for (int i = 0; ir_write_ends && i < n; i++)
		ir_write_ends(events[i].obj);
	return n;
}

static int open_direct(const char *path, int flags)
{
	int fd = open(path, flags | O_DIRECT | O_CLOEXEC);

	return fd >= 0 ? fd : open(path, flags | O_CLOEXEC);
}

struct disk *ir_disk_new(const struct imsm_rig *r, unsigned n)
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

void ir_make_file(struct imsm_rig *r, unsigned n)
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
	r->disk[n] = ir_disk_new(r, n);
}

struct imsm_rig *ir_new(uint32_t sector_size, uint32_t physical_size, unsigned members, unsigned others)
{
	struct imsm_rig *r = calloc(1, sizeof(*r));

	assert_non_null(r);
	r->sector_size = sector_size;
	r->physical_size = physical_size;
	ifx_init(&r->fx, members);
	r->fx.c.meta.header.generation_num = le32_make(GENERATION);
	memcpy(r->fx.c.meta.header.version, IMSM_VERSION_WRITTEN, sizeof(IMSM_VERSION_WRITTEN));
	r->disks = members + others;
	assert_true(r->disks <= MAX_DISKS);
	for (unsigned n = 0; n < r->disks; n++)
		ir_make_file(r, n);
	snprintf(r->st.container, sizeof(r->st.container), "md127");
	r->st.ss = &super_imsm;
	return r;
}

void ir_free(struct imsm_rig *r)
{
	super_imsm.free_super(&r->st);
	for (unsigned n = 0; n < r->disks; n++) {
		close(r->rw[n]);
		close(r->ro[n]);
	}
	free(r->array);
	free(r);
}

uint8_t *ir_buffer(void)
{
	uint8_t *p = aligned_alloc(METAIO_ALIGN, TAIL);

	assert_non_null(p);
	memset(p, 0, TAIL);
	return p;
}

void ir_read_tail(const struct imsm_rig *r, unsigned n, uint8_t tail[TAIL])
{
	uint8_t *p = ir_buffer();

	assert_int_equal(pread(r->ro[n], p, TAIL, (off_t)(DEVICE_SIZE - TAIL)), TAIL);
	memcpy(tail, p, TAIL);
	free(p);
}

void ir_write_at(const struct imsm_rig *r, unsigned n, const void *data, size_t len, uint64_t offset)
{
	uint8_t *p = ir_buffer();

	memcpy(p, data, len);
	assert_int_equal(pwrite(r->rw[n], p, len, (off_t)offset), (ssize_t)len);
	free(p);
}

void ir_remember(struct imsm_rig *r)
{
	for (unsigned n = 0; n < r->disks; n++)
		ir_read_tail(r, n, r->tail[n]);
}

bool ir_is_untouched(const struct imsm_rig *r, unsigned n)
{
	static uint8_t now[TAIL];

	ir_read_tail(r, n, now);
	return memcmp(now, r->tail[n], TAIL) == 0;
}

void ir_write_member_metadata(struct imsm_rig *r, unsigned n)
{
	static uint8_t mpb[IMSM_MPB_MAX], image[IMSM_MPB_MAX];
	ssize_t len = imsm_encode(&r->fx.c.meta, r->sector_size, mpb, sizeof(mpb));

	assert_true(len > 0);
	imsm_disk_order(mpb, (size_t)len, r->sector_size, image);
	ir_write_at(r, n, image, (size_t)len,
		 imsm_anchor_offset(DEVICE_SIZE, r->sector_size) + r->sector_size - (size_t)len);
}

void ir_write_spare_record(struct imsm_rig *r, unsigned n)
{
	uint8_t sector[4096];
	struct imsm_disk d = { .status = le32_make(IMSM_DISK_SPARE) };

	ifx_serial(d.serial, n);
	imsm_disk_set_blocks(&d, FX_DISK_BLOCKS);
	imsm_encode_spare(&d, r->sector_size, sector);
	ir_write_at(r, n, sector, r->sector_size, imsm_anchor_offset(DEVICE_SIZE, r->sector_size));
}

void ir_fill_migration_record(struct imsm_rig *r, unsigned n)
{
	uint8_t sector[4096];

	memset(sector, 0x5a, sizeof(sector));
	ir_write_at(r, n, sector, r->sector_size, imsm_migr_record_offset(DEVICE_SIZE, r->sector_size));
}

bool ir_migration_record_is(const struct imsm_rig *r, unsigned n, uint8_t byte)
{
	static uint8_t tail[TAIL];

	ir_read_tail(r, n, tail);
	for (unsigned i = 0; i < r->sector_size; i++)
		if (tail[TAIL - 1 - i] != byte)
			return false;
	return true;
}

const struct imsm_meta *ir_read_back(struct imsm_rig *r, unsigned n)
{
	static uint8_t tail[TAIL], mpb[TAIL];
	const uint32_t sector = r->sector_size;
	uint8_t *anchor = tail + TAIL - 2 * sector;
	uint32_t size, sectors;

	ir_read_tail(r, n, tail);
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

uint32_t ir_generation_on(struct imsm_rig *r, unsigned n)
{
	const struct imsm_meta *m = ir_read_back(r, n);

	return m ? le32_get(m->header.generation_num) : 0;
}

const struct imsm_volume *ir_volume_on(struct imsm_rig *r, unsigned n, unsigned volume)
{
	const struct imsm_meta *m = ir_read_back(r, n);

	assert_non_null(m);
	assert_true(volume < m->num_volumes);
	return &m->volume[volume];
}

const char *ir_text_on(struct imsm_rig *r, unsigned n, unsigned volume)
{
	const struct imsm_meta *m = ir_read_back(r, n);

	assert_non_null(m);
	r->got.c.disks = NULL;
	for (unsigned i = 0; i < m->num_disks; i++) {
		r->got.dl[i].index = (int)i;
		r->got.dl[i].next = r->got.c.disks;
		r->got.c.disks = &r->got.dl[i];
	}
	return ifx_text(&r->got, volume);
}

bool ir_same_on(struct imsm_rig *r, unsigned a, unsigned b)
{
	static uint8_t ta[TAIL], tb[TAIL];

	ir_read_tail(r, a, ta);
	ir_read_tail(r, b, tb);
	return memcmp(ta, tb, TAIL - r->sector_size) == 0; /* but for the migration record */
}

bool ir_is_dirty_on(struct imsm_rig *r, unsigned n)
{
	return ir_volume_on(r, n, 0)->head.dirty & IMSM_DIRTY;
}

void ir_break_disk(struct imsm_rig *r, unsigned n)
{
	assert_int_equal(dup3(r->ro[n], r->disk[n]->fd, O_CLOEXEC), r->disk[n]->fd);
}

void ir_mend_disk(struct imsm_rig *r, unsigned n)
{
	assert_int_equal(dup3(r->rw[n], r->disk[n]->fd, O_CLOEXEC), r->disk[n]->fd);
}

void ir_load(struct imsm_rig *r)
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

void ir_drop_disk(struct imsm_rig *r, unsigned n)
{
	disk_close(r->disk[n]);
	r->disk[n] = NULL;
}

void ir_make_array(struct imsm_rig *r, int volume, int level, unsigned members)
{
	struct active_array *a = calloc(1, sizeof(*a) + MAX_DISKS * sizeof(a->disks[0]));

	assert_non_null(a);
	free(r->array); /* of before */
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

struct imsm_rig *ir_new_raid5(uint32_t sector_size, uint32_t physical_size, unsigned spares)
{
	struct imsm_rig *r = ir_new(sector_size, physical_size, 3, spares);

	ifx_volume(&r->fx, 5, "N 0,1,2");
	for (unsigned n = 0; n < 3; n++)
		ir_write_member_metadata(r, n);
	for (unsigned n = 3; n < r->disks; n++)
		ir_write_spare_record(r, n);
	for (unsigned n = 0; n < r->disks; n++)
		ir_fill_migration_record(r, n);
	ir_make_array(r, 0, 5, 3);
	return r;
}

void ir_begin_monitor(void)
{
	allocations = 0;
	counting_allocations = true;
}

void ir_end_monitor(void)
{
	counting_allocations = false;
	assert_int_equal(allocations, 0);
}

int ir_open_array(struct imsm_rig *r)
{
	int err;

	ir_begin_monitor();
	err = super_imsm.open_new(r->array);
	ir_end_monitor();
	return err;
}

enum consistency ir_tell_state(struct imsm_rig *r, enum consistency c)
{
	enum consistency got;

	ir_begin_monitor();
	got = super_imsm.set_array_state(r->array, c);
	ir_end_monitor();
	return got;
}

void ir_tell_disk(struct imsm_rig *r, int slot, unsigned state)
{
	ir_begin_monitor();
	super_imsm.set_disk(r->array, NULL, slot, state);
	ir_end_monitor();
}

int ir_sync_with(struct imsm_rig *r, bool retry)
{
	int n;

	r->res = (struct sync_result){ .retry = retry };
	ir_most_in_flight = 0;
	ir_begin_monitor();
	n = super_imsm.sync_metadata(&r->st, &r->res);
	ir_end_monitor();
	return n;
}

int ir_sync_now(struct imsm_rig *r)
{
	return ir_sync_with(r, false);
}

int ir_apply(struct imsm_rig *r, struct metadata_update *u)
{
	int err;

	ir_begin_monitor();
	err = apply_update(&r->st, u);
	ir_end_monitor();
	return err;
}

void ir_fail_member(struct imsm_rig *r, unsigned n)
{
	r->member[n].curr_state = MEMBER_FAULTY | MEMBER_BLOCKED;
	r->watch.curr_state = ARRAY_WRITE_PENDING;
	ir_tell_state(r, MARK_DIRTY);
	ir_tell_disk(r, (int)n, r->member[n].curr_state);
}

unsigned ir_in_flight, ir_most_in_flight;
void (*ir_before_write)(uint64_t offset);
void (*ir_write_begins)(const struct iocb *cb);
void (*ir_write_ends)(const struct iocb *cb);

int ir_send_message(struct imsm_rig *r, const void *buf, size_t len)
{
	struct metadata_update u = { .op = UPDATE_MESSAGE, .buf = (void *)(uintptr_t)buf, .len = len };
	int err = super_imsm.prepare_update(&r->st, &u);

	if (!err)
		err = ir_apply(r, &u);
	free(u.space);
	return err;
}
