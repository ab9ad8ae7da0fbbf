/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See start/container.h. */
#include "start/container.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/log.h"
#include "sysfs.h"

static int dev_of_kernel_name(const char *name, dev_t *dev)
{
	char path[PATH_MAX], buf[SYSFS_WORD_MAX];
	ssize_t n;
	int fd;

	if (strchr(name, '/') || snprintf(path, sizeof(path), "/sys/block/%s/dev", name) >= (int)sizeof(path))
		return -ENOENT;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = sysfs_read_fd(fd, buf, sizeof(buf));
	close(fd);
	return n < 0 ? (int)n : sysfs_parse_dev(buf, dev);
}

static int dev_of_path(const char *prefix, const char *name, dev_t *dev)
{
	char path[PATH_MAX];
	struct stat sb;

	if (snprintf(path, sizeof(path), "%s%s", prefix, name) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	if (stat(path, &sb))
		return -errno;
	if (!S_ISBLK(sb.st_mode))
		return -ENOTBLK;
	*dev = sb.st_rdev;
	return 0;
}

/* mdadm starts mdmon@md_my-raid.service, and of that systemd's %I makes md_my/raid. */
static int dev_of_instance(const char *name, dev_t *dev)
{
	char kernel_name[NAME_MAX + 1];

	if (!strchr(name, '/') || snprintf(kernel_name, sizeof(kernel_name), "%s", name) >= (int)sizeof(kernel_name))
		return -ENOENT;
	for (char *slash = kernel_name; (slash = strchr(slash, '/'));)
		*slash = '-';
	return dev_of_kernel_name(kernel_name, dev);
}

/* An array that is being taken apart is still in /sys/block, so the kernel's name comes first. */
static int dev_of_name(const char *name, dev_t *dev)
{
	int err;

	if (name[0] == '/')
		return dev_of_path("", name, dev);
	err = dev_of_kernel_name(name, dev);
	if (err == -ENOENT)
		err = dev_of_path("/dev/", name, dev);
	if ((err == -ENOENT || err == -ENOTDIR) && dev_of_instance(name, dev) == 0)
		err = 0;
	return err;
}

static void explain(const char *arg, const char *name, int err)
{
	char path[PATH_MAX];
	dev_t dev;

	if (err == -ENOENT && !strchr(name, '/') &&
	    snprintf(path, sizeof(path), "/dev/md/%s", name) < (int)sizeof(path) && !dev_of_path("", path, &dev))
		log_error("%s is not a valid md device name: perhaps %s is meant", arg, path);
	else if (err == -ENOENT)
		log_error("%s is not a valid md device name: no such md device", arg);
	else if (err == -ENOTTY)
		log_error("%s is not a valid md device name: it is a block device, but not one of md", arg);
	else
		log_error("%s is not a valid md device name: %s", arg, strerror(-err));
}

int container_resolve(const char *arg, struct container *c)
{
	const char *name = strncmp(arg, "initrd/", 7) == 0 ? arg + 7 : arg;
	int err = dev_of_name(name, &c->dev);

	c->md_dir = -1;
	if (!err)
		err = sysfs_block_name(c->dev, c->name, sizeof(c->name));
	if (!err) {
		c->md_dir = sysfs_open_md_dir(c->name);
		if (c->md_dir < 0)
			err = c->md_dir == -ENOENT ? -ENOTTY : c->md_dir;
	}
	if (err)
		explain(arg, name, err);
	return err;
}

/* The handler for the text after "external:". */
static const struct superswitch *find_superswitch(const char *metadata)
{
	static const struct superswitch *const known[] = { &super_imsm, &super_ddf };

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(known[i]->name, metadata) == 0)
			return known[i];
	return NULL;
}

bool container_identify(const struct container *c, struct supertype *st)
{
	char level[SYSFS_WORD_MAX], version[SYSFS_WORD_MAX];
	struct metadata_version v;

	if (sysfs_read_attr(c->md_dir, "level", level, sizeof(level)) < 0 ||
	    sysfs_read_attr(c->md_dir, "metadata_version", version, sizeof(version)) < 0) {
		log_error("failed to load sysfs info for %s", c->name);
		return false;
	}
	if (level[0]) {
		log_error("%s is not a container - cannot monitor", c->name);
		return false;
	}
	sysfs_parse_metadata_version(version, &v);
	if (!v.external || v.is_member) {
		log_error("%s does not use external metadata - cannot monitor", c->name);
		return false;
	}
	st->ss = find_superswitch(v.name);
	if (!st->ss) {
		log_error("%s uses unsupported metadata: %s", c->name, v.name);
		return false;
	}
	snprintf(st->container, sizeof(st->container), "%s", c->name);
	return true;
}
