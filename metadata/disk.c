/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See metadata/disk.h. Disks are opened by number, because the array knows them by number, and a daemon that
 * was started in an initramfs cannot count on the nodes in /dev.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "lib/log.h"
#include "metadata/disk.h"
#include "metadata/lane.h"
#include "metadata/serial.h"
#include "sysfs.h"

#ifndef RUNDIR
#define RUNDIR "/run/mdadm"
#endif

/* ---- nodes ---- */

static bool is_block_device(const struct stat *st, dev_t dev)
{
	return S_ISBLK(st->st_mode) && st->st_rdev == dev;
}

/* The node may be replaced between stat() and open(): what was opened is checked again. */
static int open_if_device(const char *path, dev_t dev, int flags)
{
	struct stat st;
	int fd;

	if (stat(path, &st) < 0)
		return -errno;
	if (!is_block_device(&st, dev))
		return -ENODEV;
	fd = open(path, flags | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0 || !is_block_device(&st, dev)) {
		close(fd);
		return -ENODEV;
	}
	return fd;
}

/* Opens the device through a node that exists only for this moment. mknod() follows no link and replaces nothing. */
static int open_temporary(const char *directory, dev_t dev, int flags)
{
	char path[128];
	int r;

	snprintf(path, sizeof(path), "%s/.mdmon.%d.%u.%u", directory, (int)gettid(), major(dev), minor(dev));
	/* A leftover of a thread that had our number. */
	if (unlink(path) < 0 && errno != ENOENT)
		return -errno;
	if (mknod(path, S_IFBLK | 0600, dev) < 0)
		return -errno;
	r = open_if_device(path, dev, flags);
	unlink(path);
	return r;
}

/* The directory is to blame, not the device: read-only, missing, or mounted "nodev". */
static bool try_elsewhere(int error)
{
	return error == -EROFS || error == -ENOENT || error == -EACCES || error == -EPERM || error == -ENOSPC;
}

static int open_own_node(dev_t dev, int flags)
{
	int r = open_temporary("/dev", dev, flags);

	return r < 0 && try_elsewhere(r) ? open_temporary(RUNDIR, dev, flags) : r;
}

static int open_named(dev_t dev, const char *kernel_name, int flags)
{
	char path[MEMBER_NAME_MAX + sizeof("/dev/")];

	if (strlen(kernel_name) >= MEMBER_NAME_MAX)
		return -ENAMETOOLONG;
	snprintf(path, sizeof(path), "/dev/%s", kernel_name);
	return open_if_device(path, dev, flags);
}

static int open_for_reading(dev_t dev, const char *kernel_name, int flags)
{
	int r = kernel_name ? open_named(dev, kernel_name, flags) : -ENOENT;

	return r < 0 ? open_own_node(dev, flags) : r;
}

/* udev watches the inode of the ordinary node: whoever closes that after writing makes it look at the disk again. */
static int open_for_writing(dev_t dev, const char *kernel_name, int flags)
{
	int own = open_own_node(dev, flags), r;

	if (own >= 0 || !kernel_name || !try_elsewhere(own))
		return own;
	r = open_named(dev, kernel_name, flags);
	if (r < 0)
		return own;
	errno = -own;
	log_warning("cannot make a node for %s: %m: /dev/%s is used; when it is closed udev may have it assembled again",
		    kernel_name, kernel_name);
	return r;
}

int disk_open_node(dev_t dev, const char *kernel_name, int flags)
{
	return (flags & O_ACCMODE) == O_RDONLY ? open_for_reading(dev, kernel_name, flags) :
						 open_for_writing(dev, kernel_name, flags);
}

/* ---- identity ---- */

/* "0:0:1:0" as one number; each part has a byte, as in the metadata. False if it is something else. */
static bool parse_scsi_address(const char *text, uint32_t *id)
{
	unsigned host, channel, target;
	unsigned long long lun;
	int end = 0;

	if (!isdigit((unsigned char)*text) ||
	    sscanf(text, "%u:%u:%u:%llu%n", &host, &channel, &target, &lun, &end) != 4 || text[end])
		return false;
	*id = (host & 0xff) << 24 | (channel & 0xff) << 16 | (target & 0xff) << 8 | (uint32_t)(lun & 0xff);
	return true;
}

/* The name of the directory device/scsi_device/H:C:T:L is the address; 0 if there is none. */
static uint32_t read_scsi_id(int device_dir)
{
	int fd = sysfs_open_attr(device_dir, "scsi_device", O_RDONLY | O_DIRECTORY);
	const struct dirent *e;
	uint32_t id = 0;
	DIR *d;

	if (fd < 0)
		return 0;
	d = fdopendir(fd);
	if (!d) {
		close(fd);
		return 0;
	}
	while ((e = readdir(d)) != NULL && !parse_scsi_address(e->d_name, &id))
		;
	closedir(d);
	return id;
}

/* block_dir: /sys/dev/block/M:m. For a partition "device" is one directory up, at its disk. */
static void identify_in(struct disk *d, int block_dir)
{
	int device_dir;

	d->partition = faccessat(block_dir, "partition", F_OK, 0) == 0;
	device_dir = sysfs_open_attr(block_dir, d->partition ? "../device" : "device", O_PATH | O_DIRECTORY);
	if (device_dir < 0)
		device_dir = -1; /* virtual: the readers below fail. Not -errno, one of which is AT_FDCWD */
	d->scsi_id = read_scsi_id(device_dir);
	disk_read_serials(d, device_dir);
	if (device_dir >= 0)
		close(device_dir);
}

static int identify(struct disk *d)
{
	int block_dir = sysfs_open_block_dir(d->dev);

	if (block_dir < 0)
		return block_dir;
	identify_in(d, block_dir);
	close(block_dir);
	return 0;
}

static int read_geometry(struct disk *d)
{
	int sector = 0, offset = 0;
	unsigned physical = 0;

	if (ioctl(d->fd, BLKGETSIZE64, &d->size) < 0 || ioctl(d->fd, BLKSSZGET, &sector) < 0)
		return -errno;
	if (sector < 512 || (sector & (sector - 1)) != 0)
		return -EINVAL;
	d->sector_size = (uint32_t)sector;
	/* Unknown counts as the worst case: no block larger than a sector is atomic. */
	if (ioctl(d->fd, BLKPBSZGET, &physical) < 0 || physical < d->sector_size)
		physical = d->sector_size;
	d->physical_size = physical;
	d->physical_aligned = ioctl(d->fd, BLKALIGNOFF, &offset) == 0 && offset == 0;
	return 0;
}

static int open_and_identify(struct disk *d)
{
	int r = sysfs_block_name(d->dev, d->name, sizeof(d->name));

	if (r < 0)
		return r;
	d->fd = disk_open_node(d->dev, d->name, O_RDWR | O_DIRECT);
	if (d->fd < 0)
		return d->fd;
	r = read_geometry(d);
	return r < 0 ? r : identify(d);
}

struct disk *disk_open(dev_t dev)
{
	struct disk *d = calloc(1, sizeof(*d));
	int r;

	if (!d)
		return NULL;
	d->dev = dev;
	d->fd = -1;
	d->lane = lane_new(dev);
	r = d->lane ? open_and_identify(d) : -ENOMEM;
	if (r < 0) {
		disk_close(d);
		errno = -r;
		return NULL;
	}
	return d;
}

/* Of a file. */
static void be_image(struct disk *d, const char *path, uint64_t size)
{
	const char *slash = strrchr(path, '/');

	snprintf(d->name, sizeof(d->name), "%s", slash ? slash + 1 : path);
	d->size = size;
	d->sector_size = d->physical_size = 512;
}

/* What is no disk is not even opened: that may wait, or do something. */
static int open_to_look(struct disk *d, const char *path)
{
	struct stat st;
	int r;

	if (stat(path, &st) < 0)
		return -errno;
	if (!S_ISBLK(st.st_mode) && !S_ISREG(st.st_mode))
		return -ENOTBLK;
	d->fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | (S_ISBLK(st.st_mode) ? O_DIRECT : 0));
	if (d->fd < 0 || fstat(d->fd, &st) < 0)
		return -errno;
	if (S_ISREG(st.st_mode)) {
		be_image(d, path, (uint64_t)st.st_size);
		return 0;
	}
	if (!S_ISBLK(st.st_mode))
		return -ENOTBLK;
	d->dev = st.st_rdev;
	r = sysfs_block_name(d->dev, d->name, sizeof(d->name));
	if (r == 0)
		r = read_geometry(d);
	return r < 0 ? r : identify(d);
}

struct disk *disk_open_to_look(const char *path)
{
	struct disk *d = calloc(1, sizeof(*d));
	int r;

	if (!d)
		return NULL;
	d->fd = -1;
	r = open_to_look(d, path);
	if (r < 0) {
		disk_close(d);
		errno = -r;
		return NULL;
	}
	return d;
}

void disk_close(struct disk *d)
{
	if (!d)
		return;
	if (d->fd >= 0)
		close(d->fd);
	lane_free(d->lane);
	free(d);
}

/* ---- blocking I/O ---- */

#define BOUNCE_SIZE (1024u * 1024)
#define BOUNCE_ALIGN 4096u

/* A multiple of every sector size there is, so that each piece stays aligned. */
_Static_assert(BOUNCE_SIZE % BOUNCE_ALIGN == 0, "pieces must be aligned");

static int check_aligned(const struct disk *d, size_t len, uint64_t offset)
{
	return len % d->sector_size || offset % d->sector_size || offset > INT64_MAX - len ? -EINVAL : 0;
}

static void *bounce_new(const struct disk *d, size_t len)
{
	size_t align = d->sector_size > BOUNCE_ALIGN ? d->sector_size : BOUNCE_ALIGN;
	void *bounce = NULL;

	if (posix_memalign(&bounce, align, len < BOUNCE_SIZE ? len : BOUNCE_SIZE) != 0)
		return NULL;
	return bounce;
}

static int transfer_result(ssize_t n, size_t expected)
{
	if (n < 0)
		return -errno;
	return (size_t)n == expected ? 0 : -EIO;
}

static int read_piece(const struct disk *d, void *bounce, size_t len, uint64_t offset)
{
	ssize_t n;

	do
		n = pread(d->fd, bounce, len, (off_t)offset);
	while (n < 0 && errno == EINTR);
	return transfer_result(n, len);
}

static int write_piece(const struct disk *d, const void *bounce, size_t len, uint64_t offset)
{
	ssize_t n;

	do
		n = pwrite(d->fd, bounce, len, (off_t)offset);
	while (n < 0 && errno == EINTR);
	return transfer_result(n, len);
}

/* Into a buffer that is fit for it. */
static int read_directly(const struct disk *d, char *buf, size_t len, uint64_t offset)
{
	int r = 0;

	for (size_t done = 0, piece; r == 0 && done < len; done += piece) {
		piece = len - done < BOUNCE_SIZE ? len - done : BOUNCE_SIZE;
		r = read_piece(d, buf + done, piece, offset + done);
	}
	return r;
}

int disk_read(const struct disk *d, void *buf, size_t len, uint64_t offset)
{
	int r = check_aligned(d, len, offset);
	void *bounce;

	if (r < 0 || len == 0)
		return r;
	if ((uintptr_t)buf % DISK_ALIGN == 0)
		return read_directly(d, buf, len, offset);
	bounce = bounce_new(d, len);
	if (!bounce)
		return -ENOMEM;
	for (size_t done = 0, piece; r == 0 && done < len; done += piece) {
		piece = len - done < BOUNCE_SIZE ? len - done : BOUNCE_SIZE;
		r = read_piece(d, bounce, piece, offset + done);
		if (r == 0)
			memcpy((char *)buf + done, bounce, piece);
	}
	free(bounce);
	return r;
}

int disk_write(const struct disk *d, const void *buf, size_t len, uint64_t offset)
{
	int r = check_aligned(d, len, offset);
	void *bounce;

	if (r < 0 || len == 0)
		return r;
	bounce = bounce_new(d, len);
	if (!bounce)
		return -ENOMEM;
	for (size_t done = 0, piece; r == 0 && done < len; done += piece) {
		piece = len - done < BOUNCE_SIZE ? len - done : BOUNCE_SIZE;
		memcpy(bounce, (const char *)buf + done, piece);
		r = write_piece(d, bounce, piece, offset + done);
	}
	free(bounce);
	/* O_DIRECT leaves the data in the disk's cache. */
	if (r == 0 && fdatasync(d->fd) < 0)
		r = -errno;
	return r;
}
