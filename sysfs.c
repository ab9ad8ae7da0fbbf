/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See sysfs.h. All paths are resolved from one descriptor of /sys/block: the daemon may
 * outlive the root it was started in, where /sys is no longer where it was.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "sysfs.h"

/* O_PATH of /sys/block; set once at start-up, before there is a second thread. */
static int block_fd = -1;

int sysfs_init(void)
{
	if (block_fd >= 0)
		return 0;
	block_fd = open("/sys/block", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return block_fd < 0 ? -errno : 0;
}

int sysfs_open_attr(int dir, const char *path, int flags)
{
	int fd = openat(dir, path, flags | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int sysfs_open_md_dir(const char *array)
{
	char path[MD_NAME_MAX + sizeof("/md")];
	int r = sysfs_init();

	if (r < 0)
		return r;
	/* The name may come from a command line: it must not lead elsewhere. */
	if (array[0] == '\0' || array[0] == '.' || strchr(array, '/') || strlen(array) >= MD_NAME_MAX)
		return -EINVAL;
	snprintf(path, sizeof(path), "%s/md", array);
	return sysfs_open_attr(block_fd, path, O_PATH | O_DIRECTORY);
}

int sysfs_open_block_dir(dev_t dev)
{
	char path[64];
	int r = sysfs_init();

	if (r < 0)
		return r;
	snprintf(path, sizeof(path), "../dev/block/%u:%u", major(dev), minor(dev));
	return sysfs_open_attr(block_fd, path, O_PATH | O_DIRECTORY);
}

ssize_t sysfs_read_fd(int fd, char *buf, size_t size)
{
	ssize_t n;

	if (size == 0)
		return -EINVAL;
	do
		n = pread(fd, buf, size - 1, 0);
	while (n < 0 && errno == EINTR);
	if (n < 0) {
		buf[0] = '\0';
		return -errno;
	}
	if (n > 0 && buf[n - 1] == '\n')
		n--;
	buf[n] = '\0';
	return n;
}

/* EINTR: the kernel was waiting for its reconfiguration lock and has done nothing yet. */
int sysfs_write_fd(int fd, const char *word)
{
	size_t len = strlen(word);
	ssize_t n;

	do
		n = write(fd, word, len);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -EIO;
}

int sysfs_write_bad_range(int fd, const struct bad_range *r)
{
	char line[48];

	snprintf(line, sizeof(line), "%" PRIu64 " %" PRIu64 "\n", r->sector, r->length);
	return sysfs_write_fd(fd, line);
}

ssize_t sysfs_read_attr(int dir, const char *path, char *buf, size_t size)
{
	int fd = sysfs_open_attr(dir, path, O_RDONLY);
	ssize_t n;

	if (fd < 0) {
		if (size > 0)
			buf[0] = '\0';
		return fd;
	}
	n = sysfs_read_fd(fd, buf, size);
	close(fd);
	return n;
}

int sysfs_write_attr(int dir, const char *path, const char *word)
{
	int fd = sysfs_open_attr(dir, path, O_WRONLY);
	int r;

	if (fd < 0)
		return fd;
	r = sysfs_write_fd(fd, word);
	close(fd);
	return r;
}

int sysfs_write_attr_u64(int dir, const char *path, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	return sysfs_write_attr(dir, path, text);
}

/* The value of DEVNAME= in the text of a uevent attribute, or NULL. */
static const char *uevent_devname(const char *text, size_t *len)
{
	static const char key[] = "DEVNAME=";

	while (text && strncmp(text, key, sizeof(key) - 1) != 0) {
		text = strchr(text, '\n');
		if (text)
			text++;
	}
	if (!text)
		return NULL;
	text += sizeof(key) - 1;
	*len = strcspn(text, "\n");
	return *len ? text : NULL;
}

/* Fallback: the last component of where the link leads; directories have '!' for '/'. */
static int name_from_link(dev_t dev, char *name, size_t size)
{
	char path[64], target[PATH_MAX];
	const char *base;
	ssize_t n;

	snprintf(path, sizeof(path), "../dev/block/%u:%u", major(dev), minor(dev));
	n = readlinkat(block_fd, path, target, sizeof(target) - 1);
	if (n < 0)
		return -errno;
	target[n] = '\0';
	base = strrchr(target, '/');
	base = base ? base + 1 : target;
	if (strlen(base) >= size)
		return -ENAMETOOLONG;
	strcpy(name, base);
	for (char *bang = name; (bang = strchr(bang, '!')) != NULL;)
		*bang = '/';
	return 0;
}

int sysfs_block_name(dev_t dev, char *name, size_t size)
{
	char text[SYSFS_PAGE];
	const char *devname = NULL;
	size_t len = 0;
	int dir = sysfs_open_block_dir(dev);
	ssize_t n;

	if (dir < 0)
		return dir;
	n = sysfs_read_attr(dir, "uevent", text, sizeof(text));
	close(dir);
	if (n > 0)
		devname = uevent_devname(text, &len);
	if (!devname)
		return name_from_link(dev, name, size);
	if (len >= size)
		return -ENAMETOOLONG;
	memcpy(name, devname, len);
	name[len] = '\0';
	return 0;
}

void sysfs_name_or_number(dev_t dev, char *name, size_t size)
{
	if (sysfs_block_name(dev, name, size))
		snprintf(name, size, "%u:%u", major(dev), minor(dev));
}
