/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which members of an array may be missing.
 */
#include "metadata/redundancy.h"

bool enough_copies(unsigned near, unsigned far, const bool *has_data, unsigned disks)
{
	unsigned copies = near * far, start = 0;

	if (!copies || !disks)
		return false;
	do {
		bool left = false;

		for (unsigned i = 0; i < copies; i++)
			left |= has_data[(start + i) % disks];
		if (!left)
			return false;
		start = (start + near) % disks;
	} while (start);
	return true;
}

bool enough_left(int level, int layout, unsigned disks, const bool *has_data)
{
	unsigned lost = 0;

	for (unsigned slot = 0; slot < disks; slot++)
		lost += !has_data[slot];
	switch (level) {
	case 1:
		return lost < disks;
	case 4:
	case 5:
		return lost <= 1;
	case 6:
		return lost <= 2;
	case 10:
		return enough_copies((unsigned)layout & 0xff, (unsigned)layout >> 8 & 0xff, has_data, disks);
	}
	return false;
}
