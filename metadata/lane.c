/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See metadata/lane.h. A disk that hangs may be pulled, or taken out of the container: what the kernel was to write to it
 * stays where it is until the kernel has given it up.
 */
#include "metadata/lane.h"

#include <stdlib.h>
#include <string.h>

static struct lane *_Atomic closed; /* with requests out */

struct lane *lane_new(dev_t dev)
{
	struct lane *l = aligned_alloc(LANE_ALIGN, sizeof(*l));

	if (l) {
		memset(l, 0, sizeof(*l));
		l->dev = dev;
	}
	return l;
}

static bool is_in_use(const struct lane *l)
{
	return atomic_load_explicit(&l->out, memory_order_acquire) > 0;
}

static void keep(struct lane *l)
{
	l->next = atomic_load(&closed);
	while (!atomic_compare_exchange_weak(&closed, &l->next, l))
		;
}

static void free_or_keep(struct lane *l)
{
	if (is_in_use(l)) {
		keep(l);
		return;
	}
	free(l);
}

void lane_free(struct lane *l)
{
	struct lane *before = atomic_exchange(&closed, NULL), *next;

	if (l)
		free_or_keep(l);
	for (; before; before = next) {
		next = before->next;
		free_or_keep(before);
	}
}
