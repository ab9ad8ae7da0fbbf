/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From what the caller calls a container to the container: the forms of its name (mdmon.md 2.2), and whether it is one
 * that can be served (2.4). Start-up only.
 */
#ifndef START_CONTAINER_H
#define START_CONTAINER_H

#include <stdbool.h>
#include <sys/types.h>

#include "metadata/superswitch.h"

struct container {
	char name[MD_NAME_MAX]; /* kernel name, "md127" */
	dev_t dev;
	int md_dir; /* descriptor of its md directory in sysfs */
};

/*
 * All the forms that any mdadm uses: md127 (no node needed), md/NAME and whatever else is under /dev, a path to the
 * block device, and "initrd/" before each. 0 or -errno, having logged why.
 */
int container_resolve(const char *arg, struct container *c);

/* Whether it is a container with external metadata of a type that we know: fills *st. False: logged. */
bool container_identify(const struct container *c, struct supertype *st);

#endif
