/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writing plans to disks that answer late, never or with an error, take nothing or part of it (metadata/metaio.c). Every plan
 * writes its own number, from memory that the next plan changes. Whatever happens: what reaches a disk is of one plan and
 * as it was planned; no plan overtakes an older one; steps keep their order; of disks that a power cut could leave half written
 * no more are so at a time than may be; a plan that says that a disk was written has written all of it; nobody waits
 * for an answer that cannot come.
 */
#include "tests/fuzz/fuzz.h"

#include <errno.h>
#include <libaio.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "lib/log.h"
#include "metadata/disk.h"
#include "metadata/lane.h"
#include "metadata/metaio.h"

#define DISKS 4
#define FIRST_FD 1000
#define STEP_BYTES (40 * 1024)
#define MAX_OUT 64

static struct {
	const uint8_t *p;
	size_t left;
} input;
static bool running; /* else who calls is the fuzzer */
static uint64_t passed_ns;

static uint8_t take_byte(void)
{
	if (!input.left)
		return 0;
	input.left--;
	return *input.p++;
}

/* ---- disks ---- */

static struct state {
	struct disk disk;
	bool hangs;
	bool risk, torn;   /* of this plan; it may be half written now, or was left half written */
	unsigned out;      /* requests */
	unsigned plan;     /* the newest of which something was written */
	unsigned step;     /* the last one of it that was written */
	uint32_t written;  /* bytes of that plan */
	bool failed;       /* something of this plan was refused */
} world[DISKS];

static unsigned plan_number, max_torn;
/* The same for all plans of an input. */
static unsigned steps;
static uint32_t step_len[METAIO_STEPS], total_len;
static unsigned group_of[METAIO_STEPS]; /* steps of one group may go in any order */

void log_warning(const char *fmt, ...)
{
	(void)fmt;
}

static struct state *state_of(int fd)
{
	MUST(fd >= FIRST_FD && fd < FIRST_FD + DISKS);
	return &world[fd - FIRST_FD];
}

static void may_begin(const struct state *s)
{
	unsigned others = 0;

	for (unsigned i = 0; i < DISKS; i++)
		others += &world[i] != s && world[i].torn;
	MUST(!s->risk || s->torn || others < max_torn); /* which is half written already may go on */
}

/* Nothing is on its way, and what was written is whole, or was refused, or nobody waits for it. */
static void note_torn(struct state *s)
{
	bool whole = s->plan == plan_number && s->written == total_len;

	/* What is out of an older plan makes nothing whole. */
	if (!s->out && (whole || (s->failed && !metaio_hangs(&s->disk))))
		s->torn = false;
}

/* Takes what was sent, or a part of it. The number of bytes or -errno. */
static long carry_out(struct state *s, const uint8_t *buf, size_t len, uint64_t offset)
{
	uint8_t how = take_byte();
	unsigned step = (unsigned)(offset / STEP_BYTES), plan = buf[0];

	MUST(len && offset % STEP_BYTES + len <= step_len[step]);
	if (how >= 0xf8) {
		s->failed |= plan == plan_number;
		return how & 1 ? -EIO : (long)len / 2;
	}
	for (size_t i = 0; i < len; i++)
		MUST(buf[i] == plan);
	MUST(plan >= s->plan);
	if (plan > s->plan) {
		s->written = 0;
		s->step = 0;
	}
	MUST(group_of[step] >= group_of[s->step]);
	s->plan = plan;
	s->step = step;
	s->written += (uint32_t)len;
	return (long)len;
}

/* ---- the kernel ---- */

static struct iocb *out[MAX_OUT];
static unsigned outs;
static struct io_event told[MAX_OUT];
static unsigned tolds;

static void answer(unsigned i)
{
	const struct iocb *cb = out[i];
	struct state *s = state_of((int)cb->aio_fildes);
	uint64_t one = 1;

	out[i] = out[--outs];
	told[tolds++] = (struct io_event){
		.data = cb->data,
		.res = (unsigned long)carry_out(s, cb->u.c.buf, cb->u.c.nbytes, (uint64_t)cb->u.c.offset),
	};
	s->out--;
	note_torn(s);
	if (cb->u.c.flags & 1)
		MUST(write((int)cb->u.c.resfd, &one, sizeof(one)) == sizeof(one));
}

/* In any order. `all`: also of disks that hang. */
static void answer_some(bool all)
{
	for (unsigned i = outs; i--;)
		if (all || !state_of((int)out[i]->aio_fildes)->hangs)
			answer(i);
}

int io_setup(int max, io_context_t *ctx)
{
	MUST(max > 0);
	*ctx = NULL;
	return take_byte() >= 0xf0 ? -EAGAIN : 0;
}

/* Waits for what is out. */
int io_destroy(io_context_t ctx)
{
	(void)ctx;
	answer_some(true);
	tolds = 0;
	return 0;
}

int io_submit(io_context_t ctx, long count, struct iocb *ios[])
{
	struct state *s;

	(void)ctx;
	MUST(count == 1);
	if (outs + tolds == MAX_OUT || take_byte() >= 0xf8)
		return -EAGAIN;
	s = state_of((int)ios[0]->aio_fildes);
	may_begin(s);
	s->out++;
	s->torn |= s->risk;
	out[outs++] = ios[0];
	return 1;
}

int io_getevents(io_context_t ctx, long least, long most, struct io_event *events, struct timespec *timeout)
{
	int n = 0;

	(void)ctx;
	if (take_byte() >= 0xf0)
		return -EINTR;
	answer_some(take_byte() >= 0xe0);
	if (!tolds && least && !timeout) {
		MUST(outs); /* else for ever */
		answer_some(true);
	}
	if (!tolds && least)
		passed_ns += (uint64_t)timeout->tv_sec * NS_PER_S + (uint64_t)timeout->tv_nsec;
	while (n < most && tolds)
		events[n++] = told[--tolds];
	return n;
}

ssize_t pwritev2(int fd, const struct iovec *iov, int count, off_t offset, int flags)
{
	struct state *s = state_of(fd);
	long n;

	(void)flags;
	MUST(count == 1);
	may_begin(s);
	s->torn |= s->risk;
	n = carry_out(s, iov->iov_base, iov->iov_len, (uint64_t)offset);
	note_torn(s);
	if (n >= 0)
		return n;
	errno = (int)-n;
	return -1;
}

int clock_gettime(clockid_t clock, struct timespec *ts)
{
	int r = (int)syscall(SYS_clock_gettime, clock, ts);

	if (running) {
		ts->tv_sec = (time_t)(1000 + passed_ns / NS_PER_S);
		ts->tv_nsec = (long)(passed_ns % NS_PER_S);
	}
	return r;
}

/* ---- plans ---- */

static uint8_t source[STEP_BYTES] __attribute__((aligned(METAIO_ALIGN)));

/* What a format does is the same for all plans. */
static void choose_steps(void)
{
	max_torn = 1 + take_byte() % DISKS;
	steps = 1 + take_byte() % METAIO_STEPS;
	total_len = 0;
	for (unsigned k = 0; k < steps; k++) {
		uint8_t how = take_byte();

		step_len[k] = how & 0x80 ? (1 + how % 80) * 512u : (1 + how % 4) * 512u;
		group_of[k] = k && (how & 0x40) ? group_of[k - 1] : k;
		total_len += step_len[k];
	}
}

static void add_disk(struct metaio_plan *p, struct state *s)
{
	struct metaio_disk *pd = metaio_plan_add(p, &s->disk);

	MUST(pd);
	pd->torn_risk = s->risk;
	for (unsigned k = 0; k < steps; k++) {
		uint64_t at = (uint64_t)k * STEP_BYTES;

		if (k && group_of[k] == group_of[k - 1])
			MUST(metaio_disk_step_together(pd, source, at, step_len[k]));
		else
			MUST(metaio_disk_step(pd, source, at, step_len[k]));
	}
}

static void check_disk(const struct metaio_disk *pd, const struct state *s, unsigned out_before)
{
	switch (pd->error) {
	case 0:
		MUST(!s->failed && !s->out && s->plan == plan_number && s->written == total_len && pd->done == steps);
		metaio_is_current(&s->disk);
		MUST(!metaio_is_torn(&s->disk));
		return;
	case METAIO_NOT_ASKED:
		MUST(s->disk.lane && out_before && s->plan != plan_number);
		return;
	case METAIO_HANGS:
		MUST(s->disk.lane);
		return;
	}
	MUST(s->failed && !metaio_is_torn(&s->disk));
}

static void run_plan(struct metaio *m, struct metaio_plan *p)
{
	uint8_t which = take_byte(), risk = take_byte(), hang = take_byte();
	unsigned out_before[DISKS];

	plan_number++;
	memset(source, (int)plan_number, sizeof(source));
	metaio_plan_clear(p);
	p->max_torn = max_torn;
	for (unsigned i = 0; i < DISKS; i++) {
		struct state *s = &world[i];

		s->hangs = hang >> i & 1;
		out_before[i] = s->out + tolds; /* it may not have been told yet */
		/* What is out has the risk that it had. */
		if (!s->out)
			s->risk = risk >> i & 1;
		s->failed = false;
		if (!(which >> i & 1) || metaio_is_torn(&s->disk))
			add_disk(p, s);
	}
	metaio_run(m, p);
	memset(source, 0, sizeof(source));
	for (unsigned i = 0; i < p->disks; i++) {
		const struct state *s = state_of(p->disk[i].disk->fd);

		check_disk(&p->disk[i], s, out_before[s - world]);
	}
}

/* Who hangs is listed, with a request out. */
static void look(struct metaio *m)
{
	struct hanging_disks h;
	metaio_look_for_hanging(m, &h);
	MUST(h.event_fd >= 0 && !h.count);
	for (unsigned i = 0; i < DISKS; i++) {
		unsigned before = h.count;

		metaio_list_hanging(&h, &world[i].disk);
		MUST(!metaio_hangs(&world[i].disk) || (h.count > before && h.disk[before].since_ns));
		MUST(!metaio_hangs(&world[i].disk) || world[i].out || tolds);
	}
}

/* All disks answer and take everything. */
static void settle(struct metaio *m, struct metaio_plan *p)
{
	input.left = 0;
	answer_some(true);
	look(m);
	for (unsigned i = 0; i < DISKS; i++)
		MUST(!metaio_hangs(&world[i].disk));
	run_plan(m, p);
	for (unsigned i = 0; i < DISKS; i++)
		MUST(p->disk[i].error == 0);
}

static void make_disks(void)
{
	uint8_t without = take_byte();

	for (unsigned i = 0; i < DISKS; i++) {
		world[i] = (struct state){ .disk = { .dev = i, .fd = FIRST_FD + (int)i, .sector_size = 512 } };
		/* Mostly all have one. */
		if (without < 0xe0 || !(without >> i & 1))
			MUST(world[i].disk.lane = lane_new(i));
	}
}

/* Some are closed while something is out to them, and the engine goes before or after. */
static void close_all(struct metaio *m, struct metaio_plan *p, bool disks_first)
{
	if (!disks_first)
		metaio_close(m);
	for (unsigned i = 0; i < DISKS; i++)
		lane_free(world[i].disk.lane);
	if (disks_first)
		metaio_close(m);
	metaio_plan_free(p);
	lane_free(NULL);
}

static void use(void)
{
	bool disks_first = take_byte() & 1, settled = take_byte() < 0xc0;
	struct metaio *m = metaio_open(1 + take_byte() % 32);
	struct metaio_plan *p = metaio_plan_new(DISKS);

	MUST(m && p);
	make_disks();
	choose_steps();
	for (unsigned n = 0; n < 60 && input.left; n++) {
		run_plan(m, p);
		if (take_byte() & 1)
			answer_some(take_byte() & 1);
		look(m);
	}
	if (settled)
		settle(m, p);
	close_all(m, p, disks_first);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	input.p = data;
	input.left = size;
	plan_number = outs = tolds = 0;
	passed_ns = 0;
	running = true;
	use();
	running = false;
	return 0;
}
