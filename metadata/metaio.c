/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The first write to an idle array, and every failure of a disk, hold up all I/O of the array until the metadata are
 * on disk. Written one disk after the other that costs the sum of all disks; here it costs the slowest one.
 *
 * Linux native AIO (libaio) needs no helper threads and allocates nothing. RWF_DSYNC makes each write durable when it
 * completes. Where there is no AIO, pwritev2() writes the disks in turn.
 */
#include "metadata/metaio.h"

#include <errno.h>
#include <libaio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "lib/log.h"
#include "metadata/disk.h"

#ifndef RWF_DSYNC
#define RWF_DSYNC 0x00000002
#endif

struct metaio {
	io_context_t aio;
	bool use_aio;
	unsigned max_requests;
	struct io_event *event;
	struct request {
		struct iocb cb;
		struct request *next; /* unused ones */
		struct metaio_disk *disk;
		const struct metaio_step *step;
	} *request, *unused;
};

/* Without it all is as safe, and the slower the more disks there are. */
static void begin_aio(struct metaio *m)
{
	int err = io_setup((int)m->max_requests, &m->aio);

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
	m->event = calloc(m->max_requests, sizeof(*m->event));
	m->request = calloc(m->max_requests, sizeof(*m->request));
	if (!m->event || !m->request) {
		metaio_close(m);
		errno = ENOMEM;
		return NULL;
	}
	for (unsigned i = 0; i < m->max_requests; i++) {
		m->request[i].next = m->unused;
		m->unused = &m->request[i];
	}
	begin_aio(m);
	return m;
}

void metaio_close(struct metaio *m)
{
	if (!m)
		return;
	if (m->use_aio)
		io_destroy(m->aio);
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
	if (again || res->reports == MAX_SYNC_REPORTS)
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

/* The result of one step: how many bytes reached the disk, or -errno. */
static void step_finished(struct metaio_disk *pd, const struct metaio_step *s, long result)
{
	if (result != (long)s->len && !pd->error)
		pd->error = result < 0 ? (int)result : -EIO;
	if (--pd->in_flight == 0 && !pd->error)
		pd->done = group_end(pd);
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

static void write_step_now(struct metaio_disk *pd, const struct metaio_step *s)
{
	struct iovec iov = { .iov_base = unconst(s->buf), .iov_len = s->len };
	ssize_t n;

	do {
		n = pwritev2(pd->disk->fd, &iov, 1, (off_t)s->offset, RWF_DSYNC);
	} while (n < 0 && errno == EINTR);
	if (n < 0 && (errno == EOPNOTSUPP || errno == ENOSYS))
		n = write_and_sync(pd->disk->fd, &iov, (off_t)s->offset);
	step_finished(pd, s, n < 0 ? -errno : n);
}

static struct request *take_request(struct metaio *m, struct metaio_disk *pd, const struct metaio_step *s)
{
	struct request *r = m->unused;

	m->unused = r->next;
	r->disk = pd;
	r->step = s;
	io_prep_pwrite(&r->cb, pd->disk->fd, unconst(s->buf), s->len, (long long)s->offset);
	r->cb.aio_rw_flags = RWF_DSYNC;
	r->cb.data = r;
	return r;
}

static void return_request(struct metaio *m, struct request *r)
{
	r->next = m->unused;
	m->unused = r;
}

/* True if the kernel took it. Otherwise the step has been written here and now. */
static bool submit(struct metaio *m, struct metaio_disk *pd, const struct metaio_step *s)
{
	struct request *r = take_request(m, pd, s);
	struct iocb *cb = &r->cb;

	if (io_submit(m->aio, 1, &cb) == 1)
		return true;
	return_request(m, r);
	write_step_now(pd, s);
	return false;
}

/* Starts the disk's next group of steps. Returns how many of them are in flight now. */
static unsigned submit_group(struct metaio *m, struct metaio_disk *pd)
{
	unsigned first = pd->done, end = group_end(pd), in_flight = 0;

	pd->in_flight = end - first;
	for (unsigned i = first; i < end; i++)
		in_flight += submit(m, pd, &pd->step[i]);
	return in_flight;
}

/* A disk counts from its first step to its last one: in between it is half written. */
static void count_torn(struct metaio_disk *pd, unsigned *torn)
{
	bool now = pd->torn_risk && !(disk_finished(pd) && !pd->in_flight);

	*torn += now;
	*torn -= pd->torn;
	pd->torn = now;
}

/*
 * Starts the next steps of each disk that has some, within the limit for writes that
 * could be torn. Returns how many are in flight.
 */
static unsigned submit_ready(struct metaio *m, struct metaio_plan *p, unsigned in_flight, unsigned *torn)
{
	for (unsigned i = 0; i < p->disks; i++) {
		struct metaio_disk *pd = &p->disk[i];

		while (!pd->in_flight && !disk_finished(pd)) {
			if (pd->torn_risk && !pd->torn && *torn >= p->max_torn)
				break;
			if (in_flight + group_end(pd) - pd->done > m->max_requests)
				break;
			in_flight += submit_group(m, pd);
			count_torn(pd, torn);
		}
	}
	return in_flight;
}

static void run_aio(struct metaio *m, struct metaio_plan *p)
{
	unsigned in_flight = 0, torn = 0;

	while ((in_flight = submit_ready(m, p, in_flight, &torn)) > 0) {
		int n = io_getevents(m->aio, 1, (long)in_flight, m->event, NULL);

		for (int i = 0; i < n; i++) {
			struct request *r = m->event[i].data;

			in_flight--;
			step_finished(r->disk, r->step, (long)m->event[i].res);
			count_torn(r->disk, &torn);
			return_request(m, r);
		}
	}
}

static void write_group_now(struct metaio_disk *pd)
{
	unsigned first = pd->done, end = group_end(pd);

	pd->in_flight = end - first;
	for (unsigned i = first; i < end; i++)
		write_step_now(pd, &pd->step[i]);
}

unsigned metaio_run(struct metaio *m, struct metaio_plan *p)
{
	unsigned written = 0;

	for (unsigned i = 0; i < p->disks; i++) {
		p->disk[i].error = 0;
		p->disk[i].done = 0;
		p->disk[i].in_flight = 0;
		p->disk[i].torn = false;
	}
	if (m->use_aio)
		run_aio(m, p);
	/* Without AIO all of it; otherwise nothing is left. */
	for (unsigned i = 0; i < p->disks; i++)
		while (!disk_finished(&p->disk[i]))
			write_group_now(&p->disk[i]);
	for (unsigned i = 0; i < p->disks; i++)
		written += !p->disk[i].error;
	return written;
}
