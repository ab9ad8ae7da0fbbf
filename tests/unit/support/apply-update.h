/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One queued update given to a handler, as the monitor does it. */
#ifndef APPLY_UPDATE_H
#define APPLY_UPDATE_H

#include "mdmon.h"
#include "metadata/superswitch.h"

/* 0 or the handler's -errno; -EINVAL for UPDATE_FIND_SPARES, which is a question to an array. */
int apply_update(struct supertype *st, struct metadata_update *u);

#endif
