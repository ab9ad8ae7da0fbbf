/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a disk holds that is not ours: said instead of "nothing". mdmonctl only. */
#ifndef CTL_OTHER_FORMATS_H
#define CTL_OTHER_FORMATS_H

struct disk;

/* Pure but for reading. "metadata of Linux md (version 1.2)" and the like; NULL: nothing that is known. */
const char *other_format(const struct disk *d);

#endif
