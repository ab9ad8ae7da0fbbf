/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How many members md's levels can do without. Any thread. Pure.
 */
#ifndef REDUNDANCY_H
#define REDUNDANCY_H

#include <stdbool.h>

/* Near and far copies on so many disks: of each block one is left. has_data[i]: disk i has its data. */
bool enough_copies(unsigned near, unsigned far, const bool *has_data, unsigned disks);

/* An array of that level and layout, as md has them, has all of its data on the disks that have theirs. */
bool enough_left(int level, int layout, unsigned disks, const bool *has_data);

#endif
