/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which container is meant, and which have a daemon or need one. mdmonctl only. */
#ifndef CTL_CONTAINER_H
#define CTL_CONTAINER_H

#include <stdbool.h>
#include <stddef.h>

#include "md/words.h"

/* Where to look. Tests have directories of their own. */
struct ctl_paths {
	const char *run;    /* RUNDIR */
	const char *sys;    /* "/sys" */
	const char *dev;    /* "/dev" */
	const char *mdstat; /* "/proc/mdstat" */
};

/*
 * Kernel name of the container in name (MD_NAME_MAX bytes). Understands "md127", "/dev/md127", "/dev/md/imsm0",
 * "md/imsm0", "imsm0", and any of these for an array in it. 0 or -errno: -ENOENT no such device, -ENOTBLK no block
 * device, -ENODEV no md device.
 */
int ctl_container_resolve(const struct ctl_paths *p, const char *arg, char *name);

/* One sentence for what ctl_container_resolve returned; never NULL. */
const char *ctl_container_error(int err);

struct ctl_containers {
	size_t count;
	char (*name)[MD_NAME_MAX]; /* malloc'd, sorted, each once */
};

/*
 * All containers that have a socket in p->run, and those in /proc/mdstat of which a redundant array runs: they need a
 * daemon, whether there is one or not. 0 or -errno; a directory or file that does not exist is no error.
 */
int ctl_containers_read(const struct ctl_paths *p, struct ctl_containers *list);
void ctl_containers_free(struct ctl_containers *list);

/* Path of the control socket into path; false if it is too long. */
bool ctl_container_socket(const struct ctl_paths *p, const char *name, char *path, size_t size);

#endif
