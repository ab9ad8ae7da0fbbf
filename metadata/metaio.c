/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The first write to an idle array, and every failure of a disk, hold up all I/O of the array until the metadata are
 * on disk. Written one disk after the other that costs the sum of all disks; here it costs the slowest one.
 *
 * Linux native AIO (libaio) needs no helper threads and allocates nothing. RWF_DSYNC makes each write durable when it
 * completes. Where there is no AIO, pwritev2() writes the disks in turn.
 *
 * Most disks have a lane (metadata/lane.h), and what they are to take is copied into it: one that does not answer then
 * need not be waited for.
 */
#include "metadata/metaio.h"

#include <errno.h>
#include <libaio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/uio.h>
#include <unistd.h>

#include "lib/log.h"
#include "metadata/disk.h"
#include "metadata/lane.h"

#ifndef RWF_DSYNC
#define RWF_DSYNC 0x00000002
#endif

struct metaio {
	io_context_t aio;
	bool use_aio;
	unsigned max_requests; /* in flight; those that nobody waits for any more are not among them */
	unsigned requests;
	int event_fd;          /* counts the answers */
	unsigned hanging;      /* lanes */
	struct io_event *event;
	struct request {
		struct iocb cb;
		struct request *next;     /* unused ones */
		struct metaio_disk *disk; /* NULL: nobody waits for it any more */
		struct lane *lane;        /* NULL: the disk has none */
		uint32_t len;
	} *request, *unused;
};

/* A run of a plan. */
struct run {
	struct metaio *m;
	struct metaio_plan *p;
	unsigned in_flight; /* requests of this plan */
	unsigned torn;      /* disks that a power cut might leave half written just now */
};

/* The kernel does not have it any more. */
static void return_request(struct metaio *m, struct request *r)
{
	struct lane *l = r->lane;

	r->lane = NULL;
	r->disk = NULL;
	r->next = m->unused;
	m->unused = r;
	/* Whoever closes the disk may free the lane from here on. */
	if (l)
		atomic_fetch_sub_explicit(&l->out, 1, memory_order_release);
}

/* Without it all is as safe, and the slower the more disks there are. */
static void begin_aio(struct metaio *m)
{
	int err = io_setup((int)m->requests, &m->aio);

	m->use_aio = !err;
	if (err)
		log_warning("disks are written one after the other: io_setup: %s (fs.aio-max-nr?)", strerror(-err));
}

struct metaio *metaio_open(unsigned max_requests)
{
	struct metaio *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->max_requests = max_requests < METAIO_TOGETHER ? METAIO_TOGETHER : max_requests;
	/* As many again may be out to disks that hang. */
	m->requests = 2 * m->max_requests;
	m->event = calloc(m->requests, sizeof(*m->event));
	m->request = calloc(m->requests, sizeof(*m->request));
	m->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (!m->event || !m->request || m->event_fd < 0) {
		metaio_close(m);
		errno = ENOMEM;
		return NULL;
	}
	for (unsigned i = 0; i < m->requests; i++)
		return_request(m, &m->request[i]);
	begin_aio(m);
	return m;
}

void metaio_close(struct metaio *m)
{
	if (!m)
		return;
	if (m->use_aio)
		io_destroy(m->aio); /* waits for what is out */
	for (unsigned i = 0; m->request && i < m->requests; i++)
		return_request(m, &m->request[i]);
	if (m->event_fd >= 0)
		close(m->event_fd);
	free(m->event);
	free(m->request);
	free(m);
}

bool metaio_uses_aio(const struct metaio *m)
{
	return m->use_aio;
}

void metaio_force_sequential(struct metaio *m)
{
	if (m->use_aio)
		io_destroy(m->aio);
	m->use_aio = false;
}

struct metaio_plan *metaio_plan_new(unsigned capacity)
{
	struct metaio_plan *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->disk = calloc(capacity, sizeof(*p->disk));
	if (!p->disk) {
		free(p);
		return NULL;
	}
	p->capacity = capacity;
	p->max_torn = 1;
	return p;
}

void metaio_plan_free(struct metaio_plan *p)
{
	if (!p)
		return;
	free(p->disk);
	free(p);
}

void metaio_plan_clear(struct metaio_plan *p)
{
	p->disks = 0;
	p->max_torn = 1;
	p->stored = p->patient = false;
}

struct metaio_disk *metaio_plan_add(struct metaio_plan *p, const struct disk *d)
{
	struct metaio_disk *pd;

	if (p->disks == p->capacity)
		return NULL;
	pd = &p->disk[p->disks++];
	*pd = (struct metaio_disk){ .disk = d };
	return pd;
}

bool metaio_disk_step(struct metaio_disk *pd, const void *buf, uint64_t offset, uint32_t len)
{
	if (pd->steps == METAIO_STEPS)
		return false;
	pd->step[pd->steps++] = (struct metaio_step){ .buf = buf, .offset = offset, .len = len };
	return true;
}

bool metaio_disk_step_together(struct metaio_disk *pd, const void *buf, uint64_t offset, uint32_t len)
{
	unsigned before = pd->steps, group = 1;

	if (!metaio_disk_step(pd, buf, offset, len))
		return false;
	while (group < before && pd->step[before - group].together)
		group++;
	pd->step[before].together = before && group < METAIO_TOGETHER;
	return true;
}

void metaio_note_failure(struct sync_result *res, const struct disk *d, int error, bool again)
{
	if (res->failed < REPORT_FAILED)
		res->failed_dev[res->failed] = d->dev;
	res->failed++;
	if (again || error == METAIO_NOT_ASKED || res->reports == MAX_SYNC_REPORTS)
		return;
	res->report[res->reports].dev = d->dev;
	res->report[res->reports].name = d->name;
	res->report[res->reports++].error = error;
}

bool metaio_is_atomic(const struct disk *d, uint64_t offset, uint32_t len)
{
	uint32_t block = d->physical_size > d->sector_size ? d->physical_size : d->sector_size;

	if (!block || !len)
		return false;
	/* With an odd alignment it is unknown where the physical blocks begin. */
	if (block > d->sector_size && !d->physical_aligned)
		return false;
	return offset / block == (offset + len - 1) / block;
}

static void *unconst(const void *p)
{
	/* libaio and iovec have no const; the data is only read. */
	return (void *)(uintptr_t)p;
}

/* The steps from `done` up to this one go together. */
static unsigned group_end(const struct metaio_disk *pd)
{
	unsigned end = pd->done + 1;

	while (end < pd->steps && pd->step[end].together)
		end++;
	return end;
}

/* All that was sent has been answered: what was done counts, group by group. */
static void burst_ended(struct metaio_disk *pd)
{
	struct lane *l = pd->disk->lane;

	if (l)
		l->used = 0;
	if (!pd->error && pd->next_step == group_end(pd))
		pd->done = pd->next_step;
}

/* The result of one piece: how many bytes reached the disk, or -errno. */
static void piece_finished(struct metaio_disk *pd, uint32_t len, long result)
{
	if (result != (long)len && !pd->error)
		pd->error = result < 0 ? (int)result : -EIO;
	if (--pd->in_flight == 0)
		burst_ended(pd);
}

static bool disk_finished(const struct metaio_disk *pd)
{
	return pd->error || pd->done == pd->steps;
}

/* For kernels and file systems without RWF_DSYNC. */
static ssize_t write_and_sync(int fd, const struct iovec *iov, off_t offset)
{
	ssize_t n;
	int err;

	do {
		n = pwritev(fd, iov, 1, offset);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return n;
	do {
		err = fdatasync(fd);
	} while (err && errno == EINTR);
	return err ? -1 : n;
}

/* Bytes of a step that go to the disk in one write. */
struct piece {
	const void *buf;
	uint64_t offset;
	uint32_t len;
};

static void write_now(struct metaio_disk *pd, const struct piece *p)
{
	struct iovec iov = { .iov_base = unconst(p->buf), .iov_len = p->len };
	ssize_t n;

	do {
		n = pwritev2(pd->disk->fd, &iov, 1, (off_t)p->offset, RWF_DSYNC);
	} while (n < 0 && errno == EINTR);
	if (n < 0 && (errno == EOPNOTSUPP || errno == ENOSYS))
		n = write_and_sync(pd->disk->fd, &iov, (off_t)p->offset);
	piece_finished(pd, p->len, n < 0 ? -errno : n);
}

/* As much of the step as finds room in the lane: it is copied there. */
static void put_into_lane(struct lane *l, struct piece *p)
{
	uint8_t *room = l->buf + l->used;

	if (p->len > LANE_BYTES - l->used)
		p->len = LANE_BYTES - l->used;
	memcpy(room, p->buf, p->len);
	p->buf = room;
	l->used += p->len;
}

/* What is sent next along with what is on its way. False: first of all that has to be durable. */
static bool next_piece(struct metaio_disk *pd, struct piece *p)
{
	const struct metaio_step *s = &pd->step[pd->next_step];

	if (pd->next_step == group_end(pd))
		return false;
	*p = (struct piece){ (const uint8_t *)s->buf + pd->next_byte, s->offset + pd->next_byte, s->len - pd->next_byte };
	if (pd->disk->lane && p->len) {
		put_into_lane(pd->disk->lane, p);
		if (!p->len)
			return false;
	}
	pd->next_byte += p->len;
	if (pd->next_byte == s->len) {
		pd->next_step++;
		pd->next_byte = 0;
	}
	return true;
}

static struct request *take_request(struct metaio *m, struct metaio_disk *pd, const struct piece *p)
{
	struct request *r = m->unused;

	m->unused = r->next;
	r->disk = pd;
	r->lane = pd->disk->lane;
	r->len = p->len;
	io_prep_pwrite(&r->cb, pd->disk->fd, unconst(p->buf), p->len, (long long)p->offset);
	r->cb.aio_rw_flags = RWF_DSYNC;
	if (r->lane) {
		io_set_eventfd(&r->cb, m->event_fd);
		atomic_fetch_add_explicit(&r->lane->out, 1, memory_order_relaxed);
	}
	r->cb.data = r;
	return r;
}

/* True if the kernel took it. Otherwise the piece has been written here and now. */
static bool submit(struct metaio *m, struct metaio_disk *pd, const struct piece *p)
{
	struct request *r = m->unused ? take_request(m, pd, p) : NULL;
	struct iocb *cb;

	if (!r) {
		write_now(pd, p);
		return false;
	}
	cb = &r->cb;
	if (io_submit(m->aio, 1, &cb) == 1)
		return true;
	return_request(m, r);
	write_now(pd, p);
	return false;
}

/* Sends what comes next, as much as may go together. Returns how much of it is in flight. */
static unsigned submit_burst(struct metaio *m, struct metaio_disk *pd)
{
	unsigned in_flight = 0;
	struct piece p;

	if (pd->disk->lane)
		pd->disk->lane->since_ns = clock_now_ns();
	pd->in_flight = 1; /* not over before all of it was sent */
	while (next_piece(pd, &p)) {
		pd->in_flight++;
		in_flight += submit(m, pd, &p);
	}
	piece_finished(pd, 0, 0);
	return in_flight;
}

/* A disk counts from its first step to its last one: in between it is half written. */
static void count_torn(struct run *r, struct metaio_disk *pd)
{
	bool now = (pd->torn_risk || metaio_is_torn(pd->disk)) && !(disk_finished(pd) && !pd->in_flight);

	r->torn += now;
	r->torn -= pd->torn;
	pd->torn = now;
}

/* Starts the next steps of each disk that has some, within the limits for requests and for writes that could be torn. */
static void submit_ready(struct run *r)
{
	for (unsigned i = 0; i < r->p->disks; i++) {
		struct metaio_disk *pd = &r->p->disk[i];

		while (!pd->in_flight && !disk_finished(pd)) {
			if (pd->torn_risk && !pd->torn && r->torn >= r->p->max_torn)
				break;
			if (r->in_flight + group_end(pd) - pd->done > r->m->max_requests)
				break;
			r->in_flight += submit_burst(r->m, pd);
			count_torn(r, pd);
		}
	}
}

/* ---- disks that hang ---- */

bool metaio_hangs(const struct disk *d)
{
	return d->lane && d->lane->hanging;
}

static void lane_hangs(struct metaio *m, const struct metaio_disk *pd)
{
	struct lane *l = pd->disk->lane;
	uint64_t answers;

	l->hanging = l->behind = true;
	l->last = pd->next_step == pd->steps && !pd->error;
	l->failed = l->landed = false;
	l->torn |= pd->torn_risk;
	m->hanging++;
	/* From now on they are news. */
	if (read(m->event_fd, &answers, sizeof(answers)) < 0)
		errno = 0; /* none yet */
}

/* One request of it was answered: if that was the last one the disk may be asked again. */
static void lane_answered(struct metaio *m, struct lane *l, bool carried_out)
{
	l->failed |= !carried_out;
	if (atomic_load_explicit(&l->out, memory_order_relaxed) > 1)
		return;
	l->hanging = false;
	l->landed = l->last && !l->failed;
	l->used = 0;
	m->hanging--;
}

/* Nobody waits for the disk any more: the plan is used for others soon. */
static void leave(struct run *r, struct metaio_disk *pd)
{
	for (unsigned i = 0; i < r->m->requests; i++) {
		struct request *q = &r->m->request[i];

		r->in_flight -= q->disk == pd;
		if (q->disk == pd)
			q->disk = NULL;
	}
	lane_hangs(r->m, pd);
	pd->error = METAIO_HANGS;
	pd->in_flight = 0;
}

static bool may_be_left(const struct metaio_disk *pd)
{
	return pd->in_flight && pd->disk->lane;
}

static uint64_t patience(const struct metaio_plan *p)
{
	return p->patient ? LANE_LONG_PATIENCE_NS : LANE_PATIENCE_NS;
}

static void leave_hanging(struct run *r)
{
	uint64_t now = clock_now_ns();

	for (unsigned i = 0; i < r->p->disks; i++) {
		struct metaio_disk *pd = &r->p->disk[i];

		if (may_be_left(pd) && now >= pd->disk->lane->since_ns + patience(r->p))
			leave(r, pd);
	}
}

static bool any_written(const struct metaio_plan *p)
{
	for (unsigned i = 0; i < p->disks; i++)
		if (!p->disk[i].error && p->disk[i].done == p->disk[i].steps)
			return true;
	return false;
}

/* Nothing of it was sent yet, for another disk that may be torn is to be durable first. */
static bool any_held_back(const struct metaio_plan *p)
{
	for (unsigned i = 0; i < p->disks; i++)
		if (!disk_finished(&p->disk[i]) && !p->disk[i].in_flight)
			return true;
	return false;
}

/* Until when those that are in flight are waited for. 0: as long as it takes. */
static uint64_t patience_ends(const struct metaio_plan *p)
{
	uint64_t end = 0;

	if (!(p->stored || any_written(p)) || any_held_back(p))
		return 0;
	for (unsigned i = 0; i < p->disks; i++) {
		const struct lane *l = p->disk[i].disk->lane;

		if (may_be_left(&p->disk[i]) && (!end || l->since_ns + patience(p) < end))
			end = l->since_ns + patience(p);
	}
	return end;
}

static void take_answer(struct run *r, const struct io_event *e)
{
	struct request *q = e->data;
	struct metaio_disk *pd = q->disk;

	if (pd) {
		r->in_flight--;
		piece_finished(pd, q->len, (long)e->res);
		count_torn(r, pd);
	} else {
		lane_answered(r->m, q->lane, (long)e->res == (long)q->len);
	}
	return_request(r->m, q);
}

/* `least`: that many are waited for, until `end_ns`, 0: without end. False: that was too long. */
static bool take_answers(struct run *r, long least, uint64_t end_ns)
{
	struct metaio *m = r->m;
	struct timespec left = end_ns ? clock_until(end_ns) : (struct timespec){ 0 };
	int n;

	do {
		n = io_getevents(m->aio, least, (long)m->requests, m->event, end_ns || !least ? &left : NULL);
	} while (n == -EINTR && !least);

	for (int i = 0; i < n; i++)
		take_answer(r, &m->event[i]);
	return n != 0;
}

void metaio_look_for_hanging(struct metaio *m, struct hanging_disks *h)
{
	struct run none = { .m = m }; /* whoever answers now was left by its plan */
	uint64_t answers;

	h->event_fd = m->event_fd;
	h->count = 0;
	/* Before the answers: what comes after them is news. */
	if (m->hanging && read(m->event_fd, &answers, sizeof(answers)) < 0)
		errno = 0;
	if (m->hanging)
		take_answers(&none, 0, 0);
}

void metaio_list_hanging(struct hanging_disks *h, const struct disk *d)
{
	const struct lane *l = d->lane;

	if (!l || !(l->hanging || l->behind) || h->count == MAX_HANGING)
		return;
	h->disk[h->count].dev = d->dev;
	h->disk[h->count++].since_ns = l->hanging ? l->since_ns : 0;
}

bool metaio_is_torn(const struct disk *d)
{
	return d->lane && d->lane->torn;
}

bool metaio_has_landed(const struct disk *d)
{
	bool landed = d->lane && d->lane->landed;

	if (landed)
		d->lane->landed = false;
	return landed;
}

void metaio_is_current(const struct disk *d)
{
	if (d->lane)
		d->lane->behind = d->lane->torn = d->lane->landed = false;
}

/* ---- the run ---- */

/* The disk was taken out of the container and put in again, and what was out to it still is. */
static bool hangs_from_before(const struct metaio *m, const struct disk *d)
{
	for (unsigned i = 0; m->hanging && i < m->requests; i++) {
		const struct request *q = &m->request[i];

		if (q->lane && !q->disk && q->lane != d->lane && q->lane->dev == d->dev)
			return true;
	}
	return false;
}

static void begin_disk(struct run *r, struct metaio_disk *pd)
{
	pd->error = metaio_hangs(pd->disk) || hangs_from_before(r->m, pd->disk) ? METAIO_NOT_ASKED : 0;
	pd->done = pd->next_step = 0;
	pd->next_byte = 0;
	pd->in_flight = 0;
	pd->torn = metaio_is_torn(pd->disk);
	r->torn += pd->torn;
}

/* It refuses: that is another matter. */
static void end_disk(const struct metaio_disk *pd)
{
	if (pd->error && pd->error != METAIO_HANGS && pd->error != METAIO_NOT_ASKED)
		metaio_is_current(pd->disk);
}

/* A disk for which others wait, since it may be half written, has answered: it is written to, too. */
static void ask_after_all(struct run *r)
{
	for (unsigned i = 0; i < r->p->disks; i++) {
		struct metaio_disk *pd = &r->p->disk[i];

		if (pd->error == METAIO_NOT_ASKED && pd->torn && !metaio_hangs(pd->disk) && any_held_back(r->p))
			pd->error = 0;
	}
}

static void run_aio(struct run *r)
{
	for (;;) {
		ask_after_all(r);
		submit_ready(r);
		if (!r->in_flight && !(r->m->hanging && any_held_back(r->p)))
			return;
		if (!take_answers(r, 1, patience_ends(r->p)))
			leave_hanging(r);
	}
}

static void write_burst_now(struct metaio_disk *pd)
{
	struct piece p;

	pd->in_flight = 1;
	while (next_piece(pd, &p)) {
		pd->in_flight++;
		write_now(pd, &p);
	}
	piece_finished(pd, 0, 0);
}

unsigned metaio_run(struct metaio *m, struct metaio_plan *p)
{
	struct run r = { .m = m, .p = p };
	unsigned written = 0;

	for (unsigned i = 0; i < p->disks; i++)
		begin_disk(&r, &p->disk[i]);
	if (m->use_aio)
		run_aio(&r);
	/* Without AIO all of it; otherwise nothing is left. */
	for (unsigned i = 0; i < p->disks; i++)
		while (!disk_finished(&p->disk[i]))
			write_burst_now(&p->disk[i]);
	for (unsigned i = 0; i < p->disks; i++) {
		end_disk(&p->disk[i]);
		written += !p->disk[i].error;
	}
	return written;
}
