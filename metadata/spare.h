/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What handlers do alike with a spare_request (metadata/superswitch.h): a search fills it, and when md has the disks it
 * is checked once more, for meanwhile anything may have happened. What a disk has to be like is up to the handler.
 *
 * monitor. Pure.
 */
#ifndef SPARE_H
#define SPARE_H

#include <stdbool.h>
#include <sys/types.h>

#include "metadata/superswitch.h"

/* The disk is picked for some slot already. */
bool spare_is_picked(const struct spare_request *req, dev_t dev);

/* There are picks, and no more than there is room for. */
bool spare_has_picks(const struct spare_request *req);

/* What the metadata say now of a disk and the slot that it was picked for. */
enum spare_verdict {
	SPARE_FITS,
	SPARE_NO_SLOT,           /* -EINVAL */
	SPARE_LEFT,              /* the container: -ENODEV */
	SPARE_UNFIT,             /* -ESTALE, as the following */
	SPARE_SLOT_TAKEN,        /* by a disk that has its data */
	SPARE_KEPT_FOR_OTHERS,
};

typedef enum spare_verdict spare_judge(const void *metadata, const struct spare_pick *p);

/*
 * Judges the picks one after the other. None may name a disk or a slot that one before it names. 0 if all fit, else the
 * -errno of the first that does not, and *why. `metadata` is for the judge.
 */
int spare_check_picks(const struct spare_request *req, spare_judge *judge, const void *metadata, const char **why);

#endif
