/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests for spares, as far as they do not depend on the format: metadata/spare.h. */
#include "metadata/spare.h"

#include <errno.h>
#include <sys/sysmacros.h>

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

static int refuse_pick(const struct spare_pick *p, enum spare_verdict verdict, const char **why)
{
	unsigned ma = major(p->dev), mi = minor(p->dev);

	switch (verdict) {
	case SPARE_FITS:
		break;
	case SPARE_NO_SLOT:
		return refuse_because(why, -EINVAL, "disk %u:%u: there is no slot %d, or one is named twice", ma, mi, p->slot);
	case SPARE_LEFT:
		return refuse_because(why, -ENODEV, "disk %u:%u has left the container", ma, mi);
	case SPARE_UNFIT:
		return refuse_because(why, -ESTALE, "disk %u:%u has failed or has no room any more", ma, mi);
	case SPARE_SLOT_TAKEN:
		return refuse_because(why, -ESTALE, "disk %u:%u: slot %d is in use again", ma, mi, p->slot);
	case SPARE_KEPT_FOR_OTHERS:
		return refuse_because(why, -ESTALE, "disk %u:%u is kept for others", ma, mi);
	}
	return 0;
}

int spare_check_picks(const struct spare_request *req, spare_judge *judge, const void *metadata, const char **why)
{
	for (unsigned i = 0; i < req->count; i++) {
		int err = refuse_pick(&req->pick[i],
				      is_named_before(req, i) ? SPARE_NO_SLOT : judge(metadata, &req->pick[i]), why);

		if (err)
			return err;
	}
	return 0;
}
