/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See imsm-spares.h. */
#include "tests/unit/support/imsm-spares.h"

#include <string.h>

struct spare_request sp_req;

void sp_md_add(int slot, dev_t dev, unsigned state)
{
	sp_md[sp_md_count++] = (struct md_member){ .slot = slot, .dev = dev, .state = state };
}

void sp_md_from(unsigned volume)
{
	const struct imsm_map *m = &ifx.c.meta.volume[volume].map[0];

	sp_md_count = 0;
	for (unsigned slot = 0; slot < m->head.num_members; slot++) {
		const struct imsm_dl *dl = imsm_dl_by_index(&ifx.c, (int)imsm_ord_index(m->ord[slot]));

		if (dl && !(m->ord[slot] & IMSM_ORD_REBUILD) && !imsm_disk_failed(&ifx.c, imsm_ord_index(m->ord[slot])))
			sp_md_add((int)slot, dl->dev, MEMBER_IN_SYNC);
	}
}

void sp_find_with(unsigned volume, int md_level, unsigned raid_disks)
{
	static struct ifx_snapshot before;

	ifx_save(&ifx, &before);
	memset(&sp_req, 0x55, sizeof(sp_req));
	imsm_find_spares(&ifx.c, volume, md_level, FX_PER_DEV, sp_md, sp_md_count, raid_disks, &sp_req);
	ifx_assert_unchanged(&ifx, &before);
}

void sp_find(unsigned volume)
{
	const struct imsm_map *m = &ifx.c.meta.volume[volume].map[0];

	sp_find_with(volume, imsm_map_level(m), m->head.num_members);
}

int sp_commit(unsigned volume)
{
	const char *why = NULL;
	int err;

	ifx.c.write_due = false;
	err = imsm_commit_spares(&ifx.c, volume, &sp_req, &why);
	if (err)
		assert_non_null(why);
	else
		assert_true(ifx.c.write_due);
	ifx_assert_writable(&ifx);
	return err;
}

void sp_degraded_raid5(void)
{
	ifx_init(&ifx, 3);
	ifx_volume(&ifx, 5, "D 0,1x!,2 f1");
	ifx_spare(&ifx);
	ifx_spare(&ifx);
	sp_md_from(0);
}

void sp_assert_picked(unsigned i, int slot, unsigned disk, bool in_array)
{
	assert_true(i < sp_req.count);
	assert_int_equal(sp_req.pick[i].slot, slot);
	assert_int_equal(sp_req.pick[i].dev, ifx_dev(disk));
	assert_int_equal(sp_req.pick[i].in_array, in_array);
}

void sp_assert_one(int slot, unsigned disk)
{
	assert_int_equal(sp_req.count, 1);
	sp_assert_picked(0, slot, disk, false);
}

void sp_pick(unsigned i, unsigned disk, int slot)
{
	sp_req.pick[i] = (struct spare_pick){ .dev = ifx_dev(disk), .slot = slot };
	sp_req.count = i + 1;
}

struct md_member sp_md[32];
unsigned sp_md_count;
