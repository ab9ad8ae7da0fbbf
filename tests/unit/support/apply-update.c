/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See apply-update.h. */
#include "tests/unit/support/apply-update.h"

#include <errno.h>

int apply_update(struct supertype *st, struct metadata_update *u)
{
	switch (u->op) {
	case UPDATE_MESSAGE:
		return st->ss->apply_message(st, u);
	case UPDATE_ADD_DISK:
		return st->ss->add_disk(st, u);
	case UPDATE_REMOVE_DISK:
		return st->ss->remove_disk(st, u);
	case UPDATE_COMMIT_SPARES:
		return st->ss->commit_spares(st, u);
	case UPDATE_FIND_SPARES:
		break;
	}
	return -EINVAL;
}
