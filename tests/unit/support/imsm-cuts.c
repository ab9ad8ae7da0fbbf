/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See imsm-cuts.h. */
#include "tests/unit/support/imsm-cuts.h"

#include <stdlib.h>
#include <string.h>

#define STATES 65536

static struct cuts *recording;

/* ---- recording ---- */

static int disk_of(const struct imsm_rig *r, int fd)
{
	for (unsigned n = 0; n < r->disks; n++)
		if (r->disk[n] && r->disk[n]->fd == fd)
			return (int)n;
	return -1;
}

static void note_begin(const struct iocb *cb)
{
	int disk = disk_of(recording->r, cb->aio_fildes);
	struct cut_write *w = &recording->write[recording->writes++];

	assert_true(recording->writes <= CUT_WRITES && disk >= 0 && cb->u.c.nbytes <= CUT_TAIL);
	assert_true((uint64_t)cb->u.c.offset >= DEVICE_SIZE - CUT_TAIL);
	w->disk = (unsigned)disk;
	w->offset = (uint64_t)cb->u.c.offset;
	w->len = (uint32_t)cb->u.c.nbytes;
	memcpy(w->data, cb->u.c.buf, w->len);
	w->begun = recording->moment++;
	w->ended = UINT32_MAX;
}

static void note_end(const struct iocb *cb)
{
	int disk = disk_of(recording->r, cb->aio_fildes);

	for (unsigned i = 0; i < recording->writes; i++) {
		struct cut_write *w = &recording->write[i];

		if (w->ended == UINT32_MAX && (int)w->disk == disk && w->offset == (uint64_t)cb->u.c.offset) {
			w->ended = recording->moment++;
			return;
		}
	}
	fail_msg("an unknown write has ended");
}

bool cuts_possible(void)
{
	io_context_t ctx = NULL;

	if (io_setup(1, &ctx))
		return false;
	io_destroy(ctx);
	return true;
}

struct cuts *cuts_start(struct imsm_rig *r)
{
	static uint8_t tail[TAIL];
	struct cuts *c = calloc(1, sizeof(*c));

	assert_non_null(c);
	c->r = r;
	for (unsigned n = 0; n < r->disks; n++) {
		ir_read_tail(r, n, tail);
		memcpy(c->before[n], tail + TAIL - CUT_TAIL, CUT_TAIL);
	}
	recording = c;
	ir_write_begins = note_begin;
	ir_write_ends = note_end;
	return c;
}

void cuts_stop(struct cuts *c)
{
	assert_ptr_equal(recording, c);
	recording = NULL;
	ir_write_begins = ir_write_ends = NULL;
	for (unsigned i = 0; i < c->writes; i++)
		assert_int_not_equal(c->write[i].ended, UINT32_MAX);
}

void cuts_free(struct cuts *c)
{
	free(c);
}

/* ---- states ---- */

struct walk {
	struct cuts *c;
	void (*look)(const struct cut_state *s, void *ctx);
	void *ctx;
	uint8_t now[MAX_DISKS][CUT_TAIL];
	uint64_t seen[STATES];
	unsigned states;
};

static uint64_t sum_of(const struct walk *w)
{
	uint64_t sum = 0xcbf29ce484222325u, word;

	for (unsigned n = 0; n < w->c->r->disks; n++)
		for (unsigned i = 0; i < CUT_TAIL; i += sizeof(word)) {
			memcpy(&word, w->now[n] + i, sizeof(word));
			sum = (sum ^ word) * 0x9e3779b97f4a7c15u;
			sum ^= sum >> 29;
		}
	return sum;
}

static bool is_new(struct walk *w)
{
	uint64_t sum = sum_of(w);

	for (unsigned i = 0; i < w->states; i++)
		if (w->seen[i] == sum)
			return false;
	assert_true(w->states < STATES);
	w->seen[w->states++] = sum;
	return true;
}

static void put_part(struct walk *w, const struct cut_write *cw, uint32_t from, uint32_t to)
{
	memcpy(w->now[cw->disk] + (cw->offset - (DEVICE_SIZE - CUT_TAIL)) + from, cw->data + from, to - from);
}

static unsigned blocks_of(const struct walk *w, const struct cut_write *cw)
{
	uint32_t size = w->c->r->physical_size;

	return (unsigned)((cw->offset + cw->len - 1) / size - cw->offset / size + 1);
}

/* Those blocks of the write that `mask` names. */
static void put_blocks(struct walk *w, const struct cut_write *cw, unsigned mask)
{
	uint32_t size = w->c->r->physical_size;

	for (uint32_t at = 0, block = 0; at < cw->len; block++) {
		uint32_t end = (uint32_t)(((cw->offset + at) / size + 1) * size - cw->offset);

		if (end > cw->len)
			end = cw->len;
		if (mask >> block & 1)
			put_part(w, cw, at, end);
		at = end;
	}
}

static void show(struct walk *w, const struct cut_state *s)
{
	if (!is_new(w))
		return;
	for (unsigned n = 0; n < w->c->r->disks; n++)
		ir_write_at(w->c->r, n, w->now[n], CUT_TAIL, DEVICE_SIZE - CUT_TAIL);
	w->look(s, w->ctx);
}

static bool on_its_way(const struct cut_write *cw, unsigned moment)
{
	return cw->begun <= moment && moment < cw->ended;
}

/* What has been written at that moment, and of what is on its way write i if bit i of `mask` is set. */
static void put_state(struct walk *w, unsigned moment, uint32_t mask, struct cut_state *s)
{
	unsigned flying = 0;

	*s = (struct cut_state){ .complete = true, .torn = -1 };
	memcpy(w->now, w->c->before, sizeof(w->now));
	for (unsigned i = 0; i < w->c->writes; i++) {
		const struct cut_write *cw = &w->c->write[i];
		bool there = cw->ended <= moment || (on_its_way(cw, moment) && (mask >> flying & 1));

		flying += on_its_way(cw, moment);
		s->begun += cw->begun <= moment;
		s->done += there;
		s->complete &= there;
		if (there)
			put_part(w, cw, 0, cw->len);
	}
}

/* With that, each write that has not reached its disk, but is on its way, torn. */
static void tear(struct walk *w, unsigned moment, uint32_t mask)
{
	struct cut_state s;
	unsigned flying = 0;

	for (unsigned i = 0; i < w->c->writes; i++) {
		const struct cut_write *cw = &w->c->write[i];
		unsigned blocks = blocks_of(w, cw);
		bool there;

		if (!on_its_way(cw, moment))
			continue;
		there = mask >> flying++ & 1;
		for (unsigned part = 1; !there && blocks <= 6 && part + 1 < 1u << blocks; part++) {
			put_state(w, moment, mask, &s);
			s.torn = (int)cw->disk;
			put_blocks(w, cw, part);
			show(w, &s);
		}
	}
}

static void look_at_moment(struct walk *w, unsigned moment)
{
	struct cut_state s;
	unsigned flying = 0;

	for (unsigned i = 0; i < w->c->writes; i++)
		flying += on_its_way(&w->c->write[i], moment);
	for (uint32_t mask = 0; mask < 1u << flying; mask++) {
		put_state(w, moment, mask, &s);
		show(w, &s);
		tear(w, moment, mask);
	}
}

unsigned cuts_each(struct cuts *c, void (*look)(const struct cut_state *s, void *ctx), void *ctx)
{
	struct walk *w = calloc(1, sizeof(*w));
	unsigned states;

	assert_non_null(w);
	w->c = c;
	w->look = look;
	w->ctx = ctx;
	for (unsigned moment = 0; moment <= c->moment; moment++)
		look_at_moment(w, moment);
	states = w->states;
	free(w);
	return states;
}

/* ---- orders ---- */

static void swap(unsigned *a, unsigned *b)
{
	unsigned t = *a;

	*a = *b;
	*b = t;
}

static void permute(unsigned *order, unsigned count, unsigned from, void (*look)(const unsigned *order, void *ctx),
		    void *ctx)
{
	if (from + 1 >= count) {
		look(order, ctx);
		return;
	}
	for (unsigned i = from; i < count; i++) {
		swap(&order[from], &order[i]);
		permute(order, count, from + 1, look, ctx);
		swap(&order[from], &order[i]);
	}
}

void cuts_each_order(const unsigned *disk, unsigned count, void (*look)(const unsigned *order, void *ctx), void *ctx)
{
	unsigned order[MAX_DISKS];

	memcpy(order, disk, count * sizeof(*disk));
	if (count <= 4) {
		permute(order, count, 0, look, ctx);
		return;
	}
	for (unsigned i = 0; i < 2 * count; i++) {
		for (unsigned k = 0; k < count; k++)
			order[k] = disk[i < count ? (i + k) % count : (i - k + count) % count];
		look(order, ctx);
	}
}
