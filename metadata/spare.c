/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests for spares, as far as they do not depend on the format: metadata/spare.h. */
#include "metadata/spare.h"

#include <errno.h>

#include "lib/refuse.h"

bool spare_is_picked(const struct spare_request *req, dev_t dev)
{
	for (unsigned i = 0; i < req->count; i++)
		if (req->pick[i].dev == dev)
			return true;
	return false;
}

bool spare_has_picks(const struct spare_request *req)
{
	return req->count > 0 && req->count <= MAX_SPARE_PICKS;
}

static bool is_named_before(const struct spare_request *req, unsigned i)
{
	for (unsigned k = 0; k < i; k++)
		if (req->pick[k].dev == req->pick[i].dev || req->pick[k].slot == req->pick[i].slot)
			return true;
	return false;
}

static int refuse_pick(enum spare_verdict verdict, const char **why)
{
	switch (verdict) {
	case SPARE_FITS:
		break;
	case SPARE_NO_SLOT:
		return refuse(why, -EINVAL, "no such slot, or one is named twice");
	case SPARE_LEFT:
		return refuse(why, -ENODEV, "the disk has left the container");
	case SPARE_UNFIT:
		return refuse(why, -ESTALE, "the disk has failed or has no room any more");
	case SPARE_SLOT_TAKEN:
		return refuse(why, -ESTALE, "the slot is in use again");
	case SPARE_KEPT_FOR_OTHERS:
		return refuse(why, -ESTALE, "the disk is kept for others");
	}
	return 0;
}

int spare_check_picks(const struct spare_request *req, spare_judge *judge, const void *metadata, const char **why)
{
	for (unsigned i = 0; i < req->count; i++) {
		int err = refuse_pick(is_named_before(req, i) ? SPARE_NO_SLOT : judge(metadata, &req->pick[i]), why);

		if (err)
			return err;
	}
	return 0;
}
