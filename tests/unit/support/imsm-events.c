/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See imsm-events.h. */
#include "tests/unit/support/imsm-events.h"

unsigned ev_container(int level, const char *text)
{
	ifx_init(&ifx, EV_DISKS);
	return ifx_volume(&ifx, level, text);
}

void ev_md_reset(unsigned volume, int md_level)
{
	const struct imsm_volume *v = &ifx.c.meta.volume[volume];

	ifx.ev = (struct imsm_event){
		.state = ARRAY_CLEAN,
		.action = SYNC_IDLE,
		.prev_action = SYNC_IDLE,
		.resync_start = SECTORS_NONE,
		.component_size = FX_PER_DEV,
		.level = md_level,
		.raid_disks = v->map[0].head.num_members,
		.layout = md_level == 10 ? 0x102 : 0,
	};
	for (unsigned slot = 0; slot < v->map[0].head.num_members; slot++)
		ifx.ev.disk[ifx.ev.disk_count++] = (struct md_member){
			.dev = ifx_dev(imsm_ord_index(v->map[0].ord[slot])),
			.slot = (int)slot,
			.state = MEMBER_IN_SYNC,
			.recovery_start = SECTORS_NONE,
		};
}

void ev_md_remove(unsigned slot)
{
	for (unsigned i = 0; i < ifx.ev.disk_count; i++)
		if (ifx.ev.disk[i].slot == (int)slot)
			ifx.ev.disk[i--] = ifx.ev.disk[--ifx.ev.disk_count];
}

void ev_md_set(unsigned slot, unsigned state, uint64_t recovery_start)
{
	ifx.ev.disk[slot].state = state;
	ifx.ev.disk[slot].recovery_start = recovery_start;
}

static void assert_again_nothing(void (*fire)(const void *), const void *arg)
{
	static struct ifx_snapshot before;

	ifx.c.write_due = false;
	ifx_save(&ifx, &before);
	fire(arg);
	if (ifx.c.write_due)
		fail_msg("not idempotent: %s", ifx_text(&ifx, 0));
	ifx_assert_unchanged(&ifx, &before);
}

static void fire_disk(const void *arg)
{
	int slot = *(const int *)arg;

	for (unsigned i = 0; i < ifx.ev.disk_count; i++)
		if (ifx.ev.disk[i].slot == slot)
			imsm_set_disk(&ifx.c, 0, slot, ifx.ev.disk[i].state, &ifx.ev);
}

bool ev_tell_disk(int slot)
{
	bool due;

	ifx.c.write_due = false;
	fire_disk(&slot);
	due = ifx.c.write_due;
	ifx_assert_writable(&ifx);
	assert_again_nothing(fire_disk, &slot);
	return due;
}

static void fire_array(const void *arg)
{
	imsm_set_array_state(&ifx.c, 0, &ifx.ev, *(const enum consistency *)arg);
}

enum consistency ev_tell_array(enum consistency want, bool *due)
{
	enum consistency got;

	ifx.c.write_due = false;
	got = imsm_set_array_state(&ifx.c, 0, &ifx.ev, want);
	*due = ifx.c.write_due;
	ifx_assert_writable(&ifx);
	/* Not `want`: a decision may be another one when the migration has ended. */
	assert_again_nothing(fire_array, &got);
	return got;
}
