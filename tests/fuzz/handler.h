/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The whole handler of a format, through its superswitch, on disks that are files in memory: what a sample container
 * holds, changed by the input, is loaded, and lives through what the input says: passes of the monitor, failed writes,
 * spares, messages, disks that come and go, restarts of the daemon, and bytes that change on the disks meanwhile.
 *
 * A target gives `struct format`, and includes this once.
 */
#ifndef FUZZ_HANDLER_H
#define FUZZ_HANDLER_H

#include "tests/fuzz/fuzz.h"

#include <errno.h>
#include <fcntl.h>
#include <libaio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "mdmon.h"
#include "metadata/disk.h"
#include "metadata/superswitch.h"
#include "tests/fuzz/silence.h"
#include "threads/report.h"

#ifndef SAMPLES
#define SAMPLES "tests/samples" /* from the root of the source */
#endif

#define DISKS 8
#define ARRAYS 2
#define MEMBERS 16
#define MESSAGE_MAX 8192

struct bytes {
	const uint8_t *p;
	size_t left;
};

struct fuzz_disk {
	int rw, ro, wo;    /* of the file: without writing, without reading */
	bool unreadable;
	int given;         /* the handler's, -1: it has not got the disk */
	uint64_t size;
	uint32_t sector_size;
};

static struct fuzz_disk fuzz_disk[DISKS];

/* What differs between the formats. */
struct format {
	const struct superswitch *ss;
	/* Puts sample `which` on the disks, and says in fuzz_disk[] how large they are. */
	void (*set_up)(unsigned which);
	/* Mends the checksums on the disk. `what` says which. */
	void (*seal)(unsigned n, uint8_t what);
	/* The level, layout and number of members of the array's volume. False: there is no such volume. */
	bool (*shape)(const struct supertype *st, struct active_array *a);
	/* Fills in a message, and returns its length. */
	size_t (*message)(const struct supertype *st, struct bytes *b, uint8_t text[MESSAGE_MAX]);
	/* Where on the disk the metadata lie: a byte of them, any. */
	uint64_t (*place)(unsigned n, struct bytes *b);
	void (*name)(struct disk *d, unsigned n);
};

static const struct format *format;
static struct supertype st;
static struct active_array *arrays[ARRAYS];
static struct array_watch watch[ARRAYS];
static struct mdinfo member[ARRAYS][MEMBERS];
static struct spare_request spares;
static struct report report;

/* ---- the rest of the log: all of it is replaced, or none ---- */

void log_flush(void)
{
}
void log_open(void)
{
}
uint64_t log_lost(void)
{
	return 0;
}
void log_to_background(void)
{
}
void log_set_level(enum log_level max)
{
	(void)max;
}
void log_set_container(const char *name)
{
	(void)name;
}

/*
 * ---- asynchronous I/O: done at once, told later (the kernel takes tens of milliseconds to give a context back) ----
 *
 * `io_trouble`: 1 there is none; 2 the kernel takes no request; 3 a write is cut short; 4 there is none, and no durable
 * writes either.
 */

#define EVENTS_MAX 256

static unsigned io_trouble;
static struct io_event io_told[EVENTS_MAX];
static unsigned io_count;

int io_setup(int max, io_context_t *ctx)
{
	(void)max;
	*ctx = NULL;
	io_count = 0;
	return io_trouble == 1 || io_trouble == 4 ? -EAGAIN : 0;
}

ssize_t pwritev2(int fd, const struct iovec *iov, int count, off_t offset, int flags)
{
	(void)flags;
	if (io_trouble == 4) {
		errno = EOPNOTSUPP;
		return -1;
	}
	return pwritev(fd, iov, count, offset);
}

int io_destroy(io_context_t ctx)
{
	(void)ctx;
	return 0;
}

int io_submit(io_context_t ctx, long count, struct iocb *ios[])
{
	(void)ctx;
	if (io_trouble == 2 || io_count == EVENTS_MAX)
		return -EAGAIN;
	for (long i = 0; i < count; i++) {
		const struct iocb *cb = ios[i];
		size_t len = io_trouble == 3 ? cb->u.c.nbytes / 2 : cb->u.c.nbytes;
		ssize_t n = pwrite(cb->aio_fildes, cb->u.c.buf, len, (off_t)cb->u.c.offset);

		io_told[io_count++] = (struct io_event){ .data = cb->data, .res = (unsigned long)(n < 0 ? -errno : n) };
	}
	return (int)count;
}

int io_getevents(io_context_t ctx, long least, long most, struct io_event *events, struct timespec *timeout)
{
	int n = 0;

	(void)ctx;
	(void)least;
	(void)timeout;
	while (n < most && io_count)
		events[n++] = io_told[--io_count];
	return n;
}

/* ---- the input ---- */

static uint8_t take_byte(struct bytes *b)
{
	if (!b->left)
		return 0;
	b->left--;
	return *b->p++;
}

/* Mostly what could be meant, sometimes anything. */
static uint64_t take_number(struct bytes *b)
{
	uint8_t kind = take_byte(b);

	if (kind < 0xe0)
		return kind % 32;
	if (kind < 0xf0)
		return (uint64_t)take_byte(b) << 10;
	return (uint64_t)take_byte(b) << (kind & 15) * 4;
}

/* ---- disks ---- */

static dev_t dev_of(unsigned n)
{
	return (dev_t)(0x800 + 16 * n);
}

static void make_blank(unsigned n, uint64_t size, uint32_t sector_size)
{
	struct fuzz_disk *f = &fuzz_disk[n];

	if (!f->rw) {
		char path[64];

		f->rw = memfd_create("disk", MFD_CLOEXEC);
		MUST(f->rw > 0);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", f->rw);
		f->ro = open(path, O_RDONLY | O_CLOEXEC);
		f->wo = open(path, O_WRONLY | O_CLOEXEC);
		MUST(f->ro > 0 && f->wo > 0);
	}
	f->given = -1;
	f->unreadable = false;
	f->size = size;
	f->sector_size = sector_size;
	MUST(ftruncate(f->rw, 0) == 0 && ftruncate(f->rw, (off_t)size) == 0);
}

static void write_disk(unsigned n, const void *buf, size_t len, uint64_t offset)
{
	MUST(pwrite(fuzz_disk[n].rw, buf, len, (off_t)offset) == (ssize_t)len);
}

static void read_disk(unsigned n, void *buf, size_t len, uint64_t offset)
{
	MUST(pread(fuzz_disk[n].rw, buf, len, (off_t)offset) == (ssize_t)len);
}

static struct disk *give_disk(unsigned n)
{
	const struct fuzz_disk *f = &fuzz_disk[n];
	struct disk *d = calloc(1, sizeof(*d));

	MUST(d);
	d->dev = dev_of(n);
	snprintf(d->name, sizeof(d->name), "sd%c", 'a' + n);
	d->fd = fcntl(f->unreadable ? f->wo : f->rw, F_DUPFD_CLOEXEC, 3);
	MUST(d->fd >= 0);
	d->size = f->size;
	d->sector_size = d->physical_size = f->sector_size;
	d->physical_aligned = true;
	format->name(d, n);
	return d;
}

/* Writes to it fail from now on, or do so no more. */
static void break_or_mend(unsigned n, bool broken)
{
	const struct fuzz_disk *f = &fuzz_disk[n];

	if (f->given >= 0)
		MUST(dup3(broken ? f->ro : f->rw, f->given, O_CLOEXEC) == f->given);
}

static void poke(struct bytes *b, unsigned n)
{
	uint64_t at = format->place(n, b);
	uint8_t byte = take_byte(b);

	write_disk(n, &byte, 1, at);
	format->seal(n, take_byte(b));
}

/* ---- arrays ---- */

static void make_array(unsigned i)
{
	struct active_array *a = arrays[i];

	if (!a)
		a = arrays[i] = calloc(1, sizeof(*a) + MEMBERS * sizeof(a->disks[0]));
	MUST(a);
	memset(a, 0, sizeof(*a));
	memset(&watch[i], 0, sizeof(watch[i]));
	memset(member[i], 0, sizeof(member[i]));
	a->container = &st;
	a->watch = &watch[i];
	a->member = (int)i;
	snprintf(a->name, sizeof(a->name), "md%u", 126 - i);
}

static void add_member(unsigned i, unsigned slot, dev_t dev, unsigned state)
{
	struct active_array *a = arrays[i];
	struct mdinfo *m = &member[i][a->disk_count];

	if (a->disk_count == MEMBERS)
		return;
	*m = (struct mdinfo){ .dev = dev, .slot = (int)slot, .meta_slot = -1, .curr_state = state,
			      .recovery_start = state & MEMBER_IN_SYNC ? SECTORS_NONE : 0 };
	a->disks[a->disk_count++] = m;
}

/* md has a disk there, whatever the metadata say. */
static void add_any_member(struct bytes *b, unsigned i)
{
	unsigned n = take_byte(b) % DISKS, slot = take_byte(b) % (unsigned)arrays[i]->raid_disks;

	if (fuzz_disk[n].given >= 0)
		add_member(i, slot, dev_of(n), MEMBER_IN_SYNC);
}

static void open_array(struct bytes *b, unsigned i, bool any)
{
	struct active_array *a = arrays[i];
	uint8_t without = take_byte(b);

	if (watch[i].adopted)
		return;
	make_array(i);
	if (!format->shape(&st, a))
		return;
	for (unsigned n = 0; n < DISKS; n++) {
		int slot = fuzz_disk[n].given < 0 ? -1 : format->ss->find_slot(a, dev_of(n));

		if (slot >= 0 && slot < a->raid_disks && !(without >> n & 1))
			add_member(i, (unsigned)slot, dev_of(n), MEMBER_IN_SYNC);
	}
	if (any)
		add_any_member(b, i);
	watch[i].adopted = watch[i].first = format->ss->open_new(a) == 0;
}

static void close_array(unsigned i)
{
	if (watch[i].adopted)
		format->ss->close_array(arrays[i]);
	watch[i].adopted = false;
}

/* ---- the monitor ---- */

static int sync_now(bool retry)
{
	struct sync_result res = { .retry = retry };
	int err = format->ss->sync_metadata(&st, &res);

	MUST(err == 0 || err == 1 || err == -EIO);
	if (err >= 0 && format->ss->finish_sync)
		format->ss->finish_sync(&st, &res);
	return err;
}

static void read_md(struct bytes *b, unsigned i)
{
	static const unsigned states[] = { MEMBER_IN_SYNC, MEMBER_IN_SYNC, MEMBER_SPARE, MEMBER_FAULTY };
	struct array_watch *w = &watch[i];
	uint8_t flags = take_byte(b);

	w->prev_action = w->curr_action;
	w->curr_state = (enum array_state)(take_byte(b) % (ARRAY_UNKNOWN + 1));
	w->curr_action = (enum sync_action)(take_byte(b) % (SYNC_UNKNOWN + 1));
	w->resync_start = flags & 1 ? SECTORS_NONE : (uint64_t)take_byte(b) << 8;
	w->last_checkpoint = (uint64_t)take_byte(b) << 8;
	w->reshape_done = flags & 2;
	w->reshape_idle = flags & 4;
	for (unsigned k = 0; k < arrays[i]->disk_count; k++) {
		uint8_t how = flags & 8 ? take_byte(b) : 0;

		member[i][k].curr_state = states[how % 4];
		member[i][k].recovery_start = how % 4 < 2 ? SECTORS_NONE : (uint64_t)how << 6;
	}
}

static void note_slots(unsigned i)
{
	bool has_data[MAX_SLOTS] = { false };

	for (unsigned k = 0; k < arrays[i]->disk_count; k++)
		if (member[i][k].slot >= 0)
			has_data[member[i][k].slot] |= member_has_data(member[i][k].curr_state);
	if (format->ss->note_slots)
		format->ss->note_slots(arrays[i], has_data);
}

static void pass(struct bytes *b, unsigned i)
{
	if (!watch[i].adopted)
		return;
	read_md(b, i);
	note_slots(i);
	format->ss->set_array_state(arrays[i], (enum consistency)(take_byte(b) % 3));
	for (unsigned k = 0; k < arrays[i]->disk_count; k++)
		if (member[i][k].slot >= 0)
			format->ss->set_disk(arrays[i], &member[i][k], member[i][k].slot, member[i][k].curr_state);
	watch[i].first = false;
	sync_now(false);
}

static void go_bad(struct bytes *b, unsigned i)
{
	struct bad_range known[3];
	struct bad_range_changes changes;
	uint8_t flags = take_byte(b);
	int slot = take_byte(b) % 6;

	if (!format->ss->record_bad_block || !watch[i].adopted)
		return;
	for (unsigned k = 0; k < 3; k++)
		known[k] = (struct bad_range){ (uint64_t)take_byte(b) << 5, 1u + take_byte(b) };
	if (flags & 1)
		format->ss->record_bad_block(arrays[i], slot, known);
	else
		format->ss->compare_bad_blocks(arrays[i], slot, known, 3, flags & 2, &changes);
}

static void commit(unsigned i)
{
	struct metadata_update u = { .op = UPDATE_COMMIT_SPARES, .spares = &spares };

	if (format->ss->commit_spares(&st, &u))
		return;
	for (unsigned k = 0; k < spares.count; k++)
		if (!spares.pick[k].in_array)
			add_member(i, (unsigned)spares.pick[k].slot, spares.pick[k].dev, MEMBER_SPARE);
}

static void find_spares(struct bytes *b, unsigned i)
{
	uint8_t flags = take_byte(b);

	if (!watch[i].adopted)
		return;
	spares = (struct spare_request){ .watch = &watch[i], .member = (int)i };
	format->ss->activate_spare(arrays[i], &spares);
	if (flags & 1 && spares.count) { /* time has passed */
		spares.pick[0].dev = dev_of(take_byte(b) % DISKS);
		spares.pick[0].slot = take_byte(b) % 6;
	}
	commit(i);
}

/* ---- the manager ---- */

static void free_update(struct metadata_update *u)
{
	if (u->disk)
		disk_close(u->disk);
	free(u->space);
	free(u->buf);
}

/* What no handler may take. */
static void make_odd(struct disk *d, unsigned how)
{
	if (how == 1)
		d->partition = true;
	else if (how == 2)
		d->sector_size = 1024;
	else if (how == 3)
		d->size = 512;
	else if (how == 4)
		d->serial_count = 0;
	else if (how == 5)
		dup3(fuzz_disk[d->dev / 16 % DISKS].wo, d->fd, O_CLOEXEC);
	else if (how == 6)
		dup3(fuzz_disk[d->dev / 16 % DISKS].ro, d->fd, O_CLOEXEC);
	else if (how == 7)
		d->size = 3 * (d->size / 4) / 4096 * 4096;
}

static void come(unsigned n, unsigned how)
{
	struct metadata_update u = { .op = UPDATE_ADD_DISK, .dev = dev_of(n) };
	struct disk *d = give_disk(n);
	int fd = d->fd;

	if (how < 8)
		make_odd(d, how);
	if (format->ss->add_to_super(&st, d, &u)) {
		disk_close(d);
		return;
	}
	if (!format->ss->add_disk(&st, &u))
		fuzz_disk[n].given = fd;
	free_update(&u);
}

static void leave(unsigned n)
{
	struct metadata_update u = { .op = UPDATE_REMOVE_DISK, .dev = dev_of(n) };

	MUST(format->ss->remove_disk(&st, &u) == 0);
	fuzz_disk[n].given = -1;
	free_update(&u);
}

static void send_message(struct bytes *b)
{
	struct metadata_update u = { .op = UPDATE_MESSAGE };
	uint8_t text[MESSAGE_MAX] = { 0 };

	u.len = format->message(&st, b, text);
	u.buf = malloc(u.len ? u.len : 1); /* so long that a read beyond it is seen */
	MUST(u.buf);
	memcpy(u.buf, text, u.len);
	if (!format->ss->prepare_update(&st, &u))
		format->ss->apply_message(&st, &u);
	free_update(&u);
}

/* ---- the daemon ---- */

/* False: the container was refused; then the disks are still ours. */
static bool start(uint8_t absent)
{
	struct disk *disks[DISKS] = { NULL };
	unsigned which[DISKS] = { 0 };
	size_t count = 0;
	int err;

	for (unsigned n = 0; n < DISKS; n++)
		if (fuzz_disk[n].size && !(absent >> n & 1)) {
			which[count] = n;
			disks[count++] = give_disk(n);
		}
	for (size_t i = 0; i < count; i++)
		fuzz_disk[which[i]].given = disks[i]->fd;
	err = format->ss->load_container(&st, disks, count);
	MUST(!err == !!st.sb);
	for (size_t i = 0; i < count; i++)
		if (disks[i] || err)
			fuzz_disk[which[i]].given = -1;
	for (size_t i = 0; i < count; i++)
		disk_close(disks[i]);
	return !err;
}

static void stop(void)
{
	for (unsigned i = 0; i < ARRAYS; i++)
		close_array(i);
	if (st.sb)
		format->ss->free_super(&st);
	for (unsigned n = 0; n < DISKS; n++)
		fuzz_disk[n].given = -1;
}

static void end_of_input(void)
{
	stop();
	for (unsigned i = 0; i < ARRAYS; i++) {
		free(arrays[i]);
		arrays[i] = NULL;
	}
}

static bool happen(struct bytes *b)
{
	uint8_t what = take_byte(b), about = take_byte(b);
	unsigned i = about % ARRAYS, n = about % DISKS;

	switch (what % 13) {
	case 0:
	case 1:
		pass(b, i);
		break;
	case 2:
		open_array(b, i, about >> 4 == 14);
		break;
	case 3:
		close_array(i);
		break;
	case 4:
		sync_now(about & 1);
		break;
	case 5:
		break_or_mend(n, about & 0x80);
		if (about & 0x40)
			io_trouble = io_trouble == 1 || io_trouble == 4 ? io_trouble : about >> 3 & 3;
		break;
	case 6:
		if (fuzz_disk[n].given < 0 && fuzz_disk[n].size)
			come(n, about >> 3);
		break;
	case 7:
		leave(n);
		break;
	case 8:
		find_spares(b, i);
		break;
	case 9:
	case 10:
		send_message(b);
		break;
	case 11:
		go_bad(b, i);
		break;
	case 12:
		stop();
		if (about & 0x40 && fuzz_disk[n].size)
			poke(b, n);
		if (!start(about & 0x80 ? take_byte(b) : 0))
			return false;
		break;
	}
	format->ss->report(&st, &report);
	return true;
}

static int live(const struct format *f, const uint8_t *data, size_t size)
{
	struct bytes b = { data, size };
	uint8_t how;
	unsigned pokes;

	format = f;
	st = (struct supertype){ .ss = f->ss, .container = "md127" };
	for (unsigned n = 0; n < DISKS; n++)
		fuzz_disk[n].size = 0;
	for (unsigned i = 0; i < ARRAYS; i++)
		make_array(i);
	f->set_up(take_byte(&b));
	how = take_byte(&b);
	io_trouble = how >> 3 < 5 ? how >> 3 : 0;
	if (how >> 3 == 5)
		fuzz_disk[take_byte(&b) % DISKS].unreadable = true;
	for (pokes = how % 4; pokes; pokes--) {
		unsigned n = take_byte(&b) % DISKS;

		if (fuzz_disk[n].size)
			poke(&b, n);
	}
	if (start(how & 4 ? take_byte(&b) : 0))
		while (b.left && happen(&b))
			;
	end_of_input();
	return 0;
}

#endif
