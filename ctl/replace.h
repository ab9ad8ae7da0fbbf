/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files that others read while they are written anew. mdmonctl only. */
#ifndef CTL_REPLACE_H
#define CTL_REPLACE_H

/*
 * The file at `path` has this text, durably, and everybody may read it; or it is as it was, and there is none beside it. Whoever
 * reads it sees the one or the other. 0 or -errno.
 */
int replace_file(const char *path, const char *text);

#endif
