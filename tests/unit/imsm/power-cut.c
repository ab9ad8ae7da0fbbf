/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The power fails while disks come into an IMSM volume or leave it: whatever has reached the disks, in whatever order they
 * are found, the container is loaded, with all disks, as it was or as it was to be. By our handler, and by a reader that
 * was written from the rules of mdadm alone (tests/sim/reader.h).
 */
#include "tests/sim/reader.h"
#include "tests/unit/support/imsm-cuts.h"
#include "tests/unit/support/imsm-message.h"
#include "tests/unit/support/imsm-shape.h"

#include <stdio.h>
#include <stdlib.h>

#define TEXTS 4

/* A container, what is done with it, and what may come of it. */
struct life {
	void (*given)(struct imsm_rig *r);
	void (*act)(struct imsm_rig *r); /* told to the handler; written after that */
	unsigned members, others;
	unsigned stale;           /* bit per disk: what it holds is out of date, nobody may want it */
	unsigned late;            /* bit per disk: added to the container only then */
	unsigned leaving;         /* bit per disk: becomes a spare */
	unsigned blank;           /* bit per disk: has no metadata to begin with */
	bool again;               /* what was not done can be asked for again */
	int resumed;              /* where this came of it the next daemon goes on to the last; 0: nowhere */
	const char *text[TEXTS];  /* all volumes; the first: before, the last: what has been acknowledged */
};

struct trial {
	const struct life *life;
	struct imsm_rig *r;
	const struct cut_state *s;
	unsigned texts;
	int config; /* of those in life->text */
	bool repaired;
};

/* ---- looking at what a cut has left ---- */

static const char *config_text(struct imsm_rig *r, const struct imsm_container *c)
{
	static char text[4096];

	text[0] = 0;
	r->got.c = *c;
	for (unsigned i = 0; i < c->meta.num_volumes; i++) {
		strcat(text, i ? "; " : "");
		strcat(text, ifx_text(&r->got, i));
	}
	return text;
}

static void free_container(struct imsm_container *c)
{
	for (struct imsm_dl *dl = c->disks, *next; dl; dl = next) {
		next = dl->next;
		disk_close(dl->disk);
		free(dl);
	}
}

static const char *order_text(const struct trial *t, const unsigned *order)
{
	static char text[256];
	char *p = text;

	for (unsigned i = 0; i < t->r->disks; i++)
		p += sprintf(p, "%u", order[i]);
	sprintf(p, ", %u of %u writes, torn: %d%s", t->s->done, t->s->begun, t->s->torn, t->repaired ? ", repaired" : "");
	return text;
}

static void check_disks(const struct trial *t, const struct imsm_container *c, const unsigned *order)
{
	for (unsigned n = 0; n < t->r->disks; n++) {
		const struct imsm_dl *dl = imsm_dl_by_dev(c, ifx_dev(n));

		if ((int)n == t->s->torn)
			continue;
		if (t->life->stale >> n & 1) {
			if (dl && dl->index >= 0)
				fail_msg("disk %u is believed (order %s)", n, order_text(t, order));
		} else if ((t->life->late | t->life->leaving) >> n & 1 && !t->s->complete) {
			continue;
		} else if (!dl || dl->index == IMSM_INDEX_UNRELATED) {
			fail_msg("disk %u is not used (order %s)", n, order_text(t, order));
		}
	}
}

static int find_config(const struct trial *t, const char *text)
{
	for (unsigned i = 0; i < t->texts; i++)
		if (!strcmp(text, t->life->text[i]))
			return (int)i;
	return -1;
}

/* ---- what mdadm would make of it ---- */

struct tail {
	const uint8_t *bytes; /* TAIL of them */
};

static void read_tail(const void *ctx, uint64_t sector, void *buf, unsigned count)
{
	const uint64_t first = (DEVICE_SIZE - TAIL) / 512;
	const struct tail *t = ctx;

	memset(buf, 0, (size_t)count * 512);
	for (unsigned i = 0; i < count; i++)
		if (sector + i >= first && sector + i < DEVICE_SIZE / 512)
			memcpy((uint8_t *)buf + (size_t)i * 512, t->bytes + (sector + i - first) * 512, 512);
}

static void check_role(const struct trial *t, const unsigned *order, unsigned n, enum reader_role role)
{
	bool wanted = !(t->life->stale >> n & 1) && (int)n != t->s->torn;

	if ((t->life->late | t->life->leaving) >> n & 1 && !t->s->complete)
		wanted = false;
	if (wanted && role != READER_MEMBER && role != READER_SPARE)
		fail_msg("mdadm does not use disk %u (order %s)", n, order_text(t, order));
	if (t->life->stale >> n & 1 && role == READER_MEMBER)
		fail_msg("mdadm believes disk %u (order %s)", n, order_text(t, order));
}

static void read_in_order(struct trial *t, const unsigned *order)
{
	static uint8_t bytes[MAX_DISKS][TAIL];
	static char serial[MAX_DISKS][8];
	static struct reader_result result;
	struct reader_disk disk[MAX_DISKS];
	struct tail tail[MAX_DISKS];

	for (unsigned i = 0; i < t->r->disks; i++) {
		ir_read_tail(t->r, order[i], bytes[i]);
		snprintf(serial[i], sizeof(serial[i]), "DISK%u", order[i]);
		tail[i].bytes = bytes[i];
		disk[i] = (struct reader_disk){ DEVICE_SIZE / 512, t->r->sector_size, serial[i], read_tail, &tail[i] };
	}
	imsm_read_as_mdadm(disk, t->r->disks, &result);
	if (!result.loads)
		fail_msg("mdadm does not load it: %s (order %s)", result.why_not, order_text(t, order));
	for (unsigned i = 0; i < t->r->disks; i++)
		check_role(t, order, order[i], result.role[i]);
	for (unsigned i = 0; i < result.volumes; i++)
		if (t->s->torn < 0 && !t->life->blank && !result.volume[i].can_start &&
		    !result.volume[i].recorded_failed)
			fail_msg("mdadm does not start volume %u: %s (order %s)", i, result.volume[i].why_not,
				 order_text(t, order));
}

static void load_in_order(const unsigned *order, void *ctx)
{
	struct trial *t = ctx;
	static struct imsm_container c;
	struct disk *disks[MAX_DISKS];
	int config;

	memset(&c, 0, sizeof(c));
	for (unsigned i = 0; i < t->r->disks; i++)
		disks[i] = ir_disk_new(t->r, order[i]);
	if (imsm_load(&c, "md127", disks, t->r->disks))
		fail_msg("not loaded (order %s)", order_text(t, order));
	check_disks(t, &c, order);
	config = find_config(t, config_text(t->r, &c));
	if (t->s->torn < 0 && config < 0)
		fail_msg("loaded as %s (order %s)", config_text(t->r, &c), order_text(t, order));
	if (t->s->torn < 0 && t->config >= 0 && config != t->config)
		fail_msg("loaded as %s, else as %s (order %s)", t->life->text[config], t->life->text[t->config],
			 order_text(t, order));
	if (t->s->complete && config >= 0 && (unsigned)config + 1 != t->texts)
		fail_msg("loaded as %s (order %s)", t->life->text[config], order_text(t, order));
	t->config = config;
	read_in_order(t, order);
	free_container(&c);
	for (unsigned i = 0; i < t->r->disks; i++)
		disk_close(disks[i]);
}

static void load_in_all_orders(struct trial *t)
{
	static const unsigned order[] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 };

	cuts_each_order(order, t->r->disks, load_in_order, t);
}

static void load_handler(struct imsm_rig *r)
{
	struct disk *disks[MAX_DISKS];

	super_imsm.free_super(&r->st);
	for (unsigned n = 0; n < r->disks; n++)
		disks[n] = r->disk[n] = ir_disk_new(r, n);
	assert_int_equal(super_imsm.load_container(&r->st, disks, r->disks), 0);
	for (unsigned n = 0; n < r->disks; n++)
		if (disks[n])
			ir_drop_disk(r, n);
}

/* A disk whose copy has been closed while it is written is as one whose copy is torn. */
static int closed_disk(struct imsm_rig *r)
{
	static uint8_t tail[TAIL];

	for (unsigned n = 0; n < r->disks; n++) {
		ir_read_tail(r, n, tail);
		if (imsm_is_closed(tail + TAIL - 2 * r->sector_size, r->sector_size))
			return (int)n;
	}
	return -1;
}

static void look_after_repair(const struct cut_state *s, void *ctx)
{
	struct trial t = *(struct trial *)ctx;
	struct cut_state state = *s;

	/* What has been put in order stays as it was found, unless it is to go on. */
	if (t.life->resumed && t.config == t.life->resumed)
		t.config = s->complete ? (int)t.texts - 1 : -1;
	state.complete = false;
	if (state.torn < 0)
		state.torn = closed_disk(t.r);
	t.s = &state;
	t.repaired = true;
	load_in_all_orders(&t);
}

/* The next daemon may have something to put in order; it is cut off as well. */
static void repair(struct trial *t)
{
	const struct cut_state unchanged = { .complete = true, .torn = -1 };
	struct cuts *c;

	load_handler(t->r);
	c = cuts_start(t->r);
	ir_sync_now(t->r);
	ir_sync_with(t->r, true);
	cuts_stop(c);
	if (c->writes)
		cuts_each(c, look_after_repair, t);
	else
		look_after_repair(&unchanged, t);
	cuts_free(c);
}

static void look(const struct cut_state *cut, void *ctx)
{
	struct trial *t = ctx;
	struct cut_state state = *cut, *s = &state;

	if (s->torn < 0)
		s->torn = closed_disk(t->r);
	t->s = s;
	t->config = -1;
	t->repaired = false;
	load_in_all_orders(t);
	if (s->torn >= 0)
		return;
	repair(t);
	if (t->life->again && t->config == 0) {
		load_handler(t->r);
		t->life->act(t->r);
	}
}

/* ---- a life ---- */

/* The copy that a failed disk has kept: older, and all is well in it. */
static void write_old_copy(struct imsm_rig *r, unsigned n)
{
	static struct imsm_meta now;
	struct imsm_meta *m = &r->fx.c.meta;

	now = *m;
	m->header.generation_num = le32_make(GENERATION - 10);
	for (unsigned i = 0; i < m->num_disks; i++) {
		ifx_serial(m->disk[i].serial, i);
		m->disk[i].status = le32_make(IMSM_DISK_CONFIGURED);
	}
	for (unsigned i = 0; i < m->num_volumes; i++) {
		struct imsm_map *map = &m->volume[i].map[0];

		map->head.map_state = IMSM_NORMAL;
		map->head.failed_disk_num = IMSM_NO_FAILED_SLOT;
		for (unsigned slot = 0; slot < map->head.num_members; slot++)
			map->ord[slot] = imsm_ord_index(map->ord[slot]);
	}
	ir_write_member_metadata(r, n);
	*m = now;
}

static void make_disks(struct imsm_rig *r, const struct life *l)
{
	for (unsigned n = 0; n < l->members; n++)
		if (l->blank >> n & 1)
			continue;
		else if (l->stale >> n & 1)
			write_old_copy(r, n);
		else
			ir_write_member_metadata(r, n);
	for (unsigned n = l->members; n < r->disks; n++)
		ir_write_spare_record(r, n);
}

static void live(const struct life *l, uint32_t sector_size, uint32_t physical_size)
{
	struct imsm_rig *r = ir_new(sector_size, physical_size, l->members, l->others);
	struct trial t = { .life = l, .r = r };
	struct disk *late[MAX_DISKS] = { NULL };
	struct cuts *c;

	while (t.texts < TEXTS && l->text[t.texts])
		t.texts++;
	l->given(r);
	make_disks(r, l);
	for (unsigned n = 0; n < r->disks; n++)
		if ((l->late | l->stale) >> n & 1) {
			late[n] = r->disk[n];
			r->disk[n] = NULL;
		}
	ir_load(r);
	for (unsigned n = 0; n < r->disks; n++)
		if (late[n])
			r->disk[n] = late[n];
	c = cuts_start(r);
	l->act(r);
	assert_int_equal(ir_sync_now(r), 1);
	cuts_stop(c);
	for (unsigned n = 0; n < r->disks; n++)
		if (l->stale >> n & 1)
			ir_drop_disk(r, n);
	print_message("%u states\n", cuts_each(c, look, &t));
	cuts_free(c);
	ir_free(r);
}

static void live_everywhere(const struct life *l)
{
	if (!cuts_possible())
		skip();
	live(l, 512, 4096);
	live(l, 512, 512);
	live(l, 4096, 4096);
}

/* ---- spares ---- */

static void commit(struct imsm_rig *r)
{
	struct metadata_update u = { .op = UPDATE_COMMIT_SPARES, .spares = &r->spares };

	if (!r->array)
		ir_make_array(r, 0, 1, 2);
	assert_int_equal(ir_open_array(r), 0); /* the container was loaded anew */
	assert_int_equal(ir_apply(r, &u), 0);
}

static void pick(struct imsm_rig *r, unsigned i, unsigned disk, int slot)
{
	r->spares.pick[i] = (struct spare_pick){ .dev = ifx_dev(disk), .slot = slot };
	r->spares.count = i + 1;
}

static void degraded_raid1(struct imsm_rig *r)
{
	ifx_volume(&r->fx, 1, "D 0,1x! f1");
}

static void spare_2_for_slot_1(struct imsm_rig *r)
{
	pick(r, 0, 2, 1);
	commit(r);
}

static void test_spare_raid1(void **state)
{
	static const struct life life = { degraded_raid1, spare_2_for_slot_1, 2, 1, .stale = 2, .again = true,
					  .text = { "D 0,1x?! f1", "N<REBUILD<D 0,1/0,1! f1 u0" } };

	(void)state;
	live_everywhere(&life);
}

static void degraded_raid5(struct imsm_rig *r)
{
	ifx_volume(&r->fx, 5, "D 0,1x!,2 f1");
}

static void spare_3_for_slot_1(struct imsm_rig *r)
{
	pick(r, 0, 3, 1);
	commit(r);
}

static void test_spare_raid5(void **state)
{
	static const struct life life = { degraded_raid5, spare_3_for_slot_1, 3, 1, .stale = 2, .again = true,
					  .text = { "D 0,1x?!,2 f1", "N<REBUILD<D 0,2,1/0,2!,1 f1 u0" } };

	(void)state;
	live_everywhere(&life);
}

static void degraded_raid10(struct imsm_rig *r)
{
	ifx_volume(&r->fx, 10, "D 0,1x!,2,3x! f1");
}

static void two_spares(struct imsm_rig *r)
{
	pick(r, 0, 5, 3);
	pick(r, 1, 4, 1);
	commit(r);
}

static void test_two_spares_raid10(void **state)
{
	static const struct life life = { degraded_raid10, two_spares, 4, 2, .stale = 0xa, .again = true,
					  .text = { "D 0,1x?!,2,3x?! f1", "N<REBUILD<D 0,3,1,2/0,3!,1,2! f1 u0" } };

	(void)state;
	live_everywhere(&life);
}

/* ---- volumes that change their shape ---- */

static void send(struct imsm_rig *r, const struct shape_message *m)
{
	assert_int_equal(ir_send_message(r, m->word, m->len), 0);
}

static void two_disks_raid0(struct imsm_rig *r)
{
	ifx_volume(&r->fx, 0, "N 0,1");
}

static void grow_2_to_3(struct imsm_rig *r)
{
	static const struct shape_message grow = GROW(2, 3, 0x802);

	send(r, &grow);
}

static void grow_2_to_4(struct imsm_rig *r)
{
	static const struct shape_message grow = GROW(2, 4, 0x802, 0x803);

	send(r, &grow);
}

static void test_grow_raid0(void **state)
{
	static const struct life lives[] = {
		{ two_disks_raid0, grow_2_to_3, 2, 1, .again = true, .text = { "N 0,1", "N<GEN<N 0,1,2/0,1 u0" } },
		{ two_disks_raid0, grow_2_to_4, 2, 2, .again = true, .text = { "N 0,1", "N<GEN<N 0,1,2,3/0,1 u0" } },
	};

	(void)state;
	live_everywhere(&lives[0]);
	live_everywhere(&lives[1]);
}

static void two_volumes(struct imsm_rig *r)
{
	ifx_volume(&r->fx, 5, "N 0,1,2");
	ifx_volume(&r->fx, 0, "N 0,1,2");
}

static void grow_3_to_5(struct imsm_rig *r)
{
	static const struct shape_message grow = GROW(3, 5, 0x803, 0x804);

	send(r, &grow);
}

static void test_grow_raid5(void **state)
{
	static const struct life life = { two_volumes, grow_3_to_5, 3, 2, .again = true,
					  .text = { "N 0,1,2; N 0,1,2", "N<GEN<N 0,1,2,3,4/0,1,2 u0; N 0,1,2" } };

	(void)state;
	live_everywhere(&life);
}

static void add_parity(struct imsm_rig *r)
{
	static const struct shape_message migrate = MIGRATE(2, 3, 0, 5, 0);

	send(r, &migrate);
}

static void test_raid0_to_raid5(void **state)
{
	static const struct life life = { two_disks_raid0, add_parity, 2, 1, .again = true,
					  .text = { "N 0,1", "N<GEN<N 0,1,2/0,1 u0" } };

	(void)state;
	live_everywhere(&life);
}

/* ---- volumes that are created ---- */

static void create_mirror(struct imsm_rig *r, unsigned volume, unsigned first)
{
	struct message m = { .len = 0 };
	struct imsm_volume v = { 0 };
	uint8_t serial[IMSM_SERIAL_LEN];

	v.map[0].head.num_members = 2;
	ifx_geometry(&v, &v.map[0], 1, volume);
	snprintf((char *)v.head.name, sizeof(v.head.name), "vol%u", volume);
	v.head.my_vol_raid_dev_num = le16_make((uint16_t)(volume + 1));
	message_put_word(&m, IMSM_UPDATE_CREATE_ARRAY);
	message_put_word(&m, (int32_t)volume);
	message_put(&m, &v.head, sizeof(v.head));
	message_put(&m, &v.map[0].head, sizeof(v.map[0].head));
	message_put_word(&m, 0);
	message_put_word(&m, 1);
	for (unsigned i = 0; i < 2; i++) {
		ifx_serial(serial, first + i);
		message_put(&m, serial, sizeof(serial));
	}
	assert_int_equal(ir_send_message(r, m.bytes, m.len), 0);
}

static void one_mirror(struct imsm_rig *r)
{
	ifx_volume(&r->fx, 1, "N 0,1");
}

static void second_mirror(struct imsm_rig *r)
{
	create_mirror(r, 1, 2);
}

static void test_volume_on_spares(void **state)
{
	static const struct life life = { one_mirror, second_mirror, 2, 2, .again = true,
					  .text = { "N 0,1", "N 0,1; N 2,3" } };

	(void)state;
	live_everywhere(&life);
}

static void nothing(struct imsm_rig *r)
{
	(void)r;
}

static void first_mirror(struct imsm_rig *r)
{
	create_mirror(r, 0, 0);
}

static void mirror_beside_a_spare(struct imsm_rig *r)
{
	create_mirror(r, 0, 1);
}

static void test_first_volume(void **state)
{
	static const struct life lives[] = {
		{ nothing, first_mirror, 0, 2, .again = true, .text = { "", "N 0,1" } },
		{ nothing, first_mirror, 0, 3, .again = true, .text = { "", "N 0,1" } },
		{ nothing, mirror_beside_a_spare, 0, 3, .again = true, .text = { "", "N 0,1" } },
	};

	(void)state;
	for (unsigned i = 0; i < COUNT(lives); i++)
		live_everywhere(&lives[i]);
}

/* ---- disks that come back, and go ---- */

static void add_disk(struct imsm_rig *r, unsigned n)
{
	struct metadata_update u = { .op = UPDATE_ADD_DISK };

	assert_int_equal(super_imsm.add_to_super(&r->st, r->disk[n], &u), 0);
	assert_int_equal(ir_apply(r, &u), 0);
	free(u.buf);
}

static void add_disk_1(struct imsm_rig *r)
{
	add_disk(r, 1);
}

/*
 * It was not there when the container was loaded, its failure is not on record, and what it was has been wiped off: it
 * comes as a spare.
 */
static void test_member_that_comes_back(void **state)
{
	static const struct life lives[] = {
		{ one_mirror, add_disk_1, 2, 0, .late = 2, .blank = 2, .text = { "N 0,1?", "D 0,1x?! f1" } },
		{ two_volumes, add_disk_1, 3, 0, .late = 2, .blank = 2,
		  .text = { "N 0,1?,2; N 0,1?,2", "D 0,1x?!,2 f1; F 0,1x?!,2 f1" } },
	};

	(void)state;
	for (unsigned i = 0; i < COUNT(lives); i++)
		live_everywhere(&lives[i]);
}

static void half_raid10(struct imsm_rig *r)
{
	ifx_volume(&r->fx, 10, "D 0,1!,2,3! f1");
}

static void to_raid0(struct imsm_rig *r)
{
	static const struct shape_message takeover = TAKEOVER(0, TO_RAID0);

	send(r, &takeover);
}

/* The other halves of the mirrors become spares. */
static void test_members_that_become_spares(void **state)
{
	static const struct life life = { half_raid10, to_raid0, 4, 0, .leaving = 0xa,
					  .text = { "D 0,1!,2,3! f1", "N 0,1" } };

	(void)state;
	live_everywhere(&life);
}

/* ---- one volume after the other ---- */

static void first_widened(struct imsm_rig *r)
{
	ifx_volume(&r->fx, 5, "N<GEN<N 0,1,2,3/0,1,2 u8");
	ifx_volume(&r->fx, 0, "N 0,1,2");
}

static void end_reshape(struct imsm_rig *r)
{
	ir_make_array(r, 0, 5, 4);
	assert_int_equal(ir_open_array(r), 0);
	r->watch.reshape_done = true;
	ir_tell_state(r, MARK_CLEAN);
}

static void test_second_volume_is_widened(void **state)
{
	static const struct life life = { first_widened, end_reshape, 4, 0, .resumed = 1,
					  .text = { "N<GEN<N 0,1,2,3/0,1,2 u8; N 0,1,2", "N 0,1,2,3; N 0,1,2",
						    "N 0,1,2,3; N<GEN<N 0,1,2,3/0,1,2 u0" } };

	(void)state;
	live_everywhere(&life);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_spare_raid1),
		cmocka_unit_test(test_spare_raid5),
		cmocka_unit_test(test_two_spares_raid10),
		cmocka_unit_test(test_grow_raid0),
		cmocka_unit_test(test_grow_raid5),
		cmocka_unit_test(test_raid0_to_raid5),
		cmocka_unit_test(test_volume_on_spares),
		cmocka_unit_test(test_first_volume),
		cmocka_unit_test(test_member_that_comes_back),
		cmocka_unit_test(test_members_that_become_spares),
		cmocka_unit_test(test_second_volume_is_widened),
	};

	return cmocka_run_group_tests_name("imsm-power-cut", tests, NULL, NULL);
}
