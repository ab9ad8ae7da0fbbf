/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/support/ddf-spares.h"

#include <string.h>

#include "tests/unit/support/text.h"

struct spare_request dsp_req;

void dsp_extent(unsigned i, unsigned n, uint64_t start, uint64_t length)
{
	dfx.c.rebuild[i] = (struct ddf_rebuild){
		.used = true, .vd = 9, .slot = i, .refnum = dfx_ref(n), .start = start, .length = length,
	};
}

const char *dsp_picks(void)
{
	static char text[512];
	char *p = text;

	*p = '\0';
	for (unsigned i = 0; i < dsp_req.count; i++) {
		const struct spare_pick *k = &dsp_req.pick[i];

		text_put(&p, "%s%d:%u@%llu%s", i ? " " : "", k->slot, (unsigned)(k->dev - dfx_dev(0)),
		       (unsigned long long)k->data_offset, k->in_array ? "+" : "");
	}
	return text;
}

const char *dsp_find(unsigned vd)
{
	static struct dfx_snapshot before;

	memset(&dsp_req, 0xa5, sizeof(dsp_req));
	dfx_save(&dfx, &before);
	ddf_find_spares(&dfx.c, vd, &dfx.md, &dsp_req);
	dfx_assert_unchanged(&dfx, &before);
	assert_int_equal(dsp_req.bad_count, 0);
	for (unsigned i = 0; i < dsp_req.count; i++) {
		assert_int_equal(dsp_req.pick[i].component_size, dfx.md.component_size);
		assert_int_equal(dsp_req.pick[i].ppl_size, 0);
		assert_int_equal(dsp_req.pick[i].bitmap_size, 0);
		assert_false(dsp_req.pick[i].bad_block_log);
	}
	return dsp_picks();
}

void dsp_commit(unsigned vd)
{
	const char *why = NULL;
	int err = ddf_commit_spares(&dfx.c, vd, &dsp_req, &why);

	if (err)
		fail_msg("refused (%d): %s", err, why ? why : "?");
}

void dsp_refused(unsigned vd, int expected)
{
	static struct dfx_snapshot before;
	const char *why = NULL;

	dfx_save(&dfx, &before);
	assert_int_equal(ddf_commit_spares(&dfx.c, vd, &dsp_req, &why), expected);
	assert_non_null(why);
	dfx_assert_unchanged(&dfx, &before);
}

uint8_t *dsp_record_slot(unsigned n, unsigned i)
{
	return dfx.config[n] + i * FX_RECORD_SECTORS * DDF_SECTOR;
}

void dsp_one_slot_is_empty(const char *pds, const char *vd)
{
	dfx_again();
	dfx_disks(&dfx, pds);
	dfx_volume(&dfx, 0, DDF_RAID1, 0, vd);
	dfx_volume(&dfx, 5, DDF_RAID1, 0, "00/02 v1 6,7");
	dfx_md(&dfx, 1, 0, "0,-");
}
