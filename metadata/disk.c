/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See metadata/disk.h. Disks are opened by number, because the array knows them by number, and a daemon that
 * was started in an initramfs cannot count on the nodes in /dev.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libudev.h>
#include <linux/fs.h>
#include <scsi/sg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "metadata/disk.h"
#include "sysfs.h"

#ifndef RUNDIR
#define RUNDIR "/run/mdadm"
#endif

/* ---- nodes ---- */

static bool is_block_device(const struct stat *st, dev_t dev)
{
	return S_ISBLK(st->st_mode) && st->st_rdev == dev;
}

/* The node may be replaced between a look and the open, so look at what was opened. */
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

/* Opens a node that exists only for this moment. */
static int open_temporary(const char *directory, dev_t dev, int flags)
{
	char path[128];
	int r;

	snprintf(path, sizeof(path), "%s/.mdmon.%d.%u.%u", directory, (int)getpid(), major(dev), minor(dev));
	/* A leftover of a process that had our pid. */
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

static int open_named(dev_t dev, const char *kernel_name, int flags)
{
	char path[MEMBER_NAME_MAX + sizeof("/dev/")];

	if (strlen(kernel_name) >= MEMBER_NAME_MAX)
		return -ENAMETOOLONG;
	snprintf(path, sizeof(path), "/dev/%s", kernel_name);
	return open_if_device(path, dev, flags);
}

int disk_open_node(dev_t dev, const char *kernel_name, int flags)
{
	int r;

	if (kernel_name) {
		r = open_named(dev, kernel_name, flags);
		if (r >= 0)
			return r;
	}
	r = open_temporary("/dev", dev, flags);
	if (r < 0 && try_elsewhere(r))
		r = open_temporary(RUNDIR, dev, flags);
	return r;
}

/* ---- serial numbers ---- */

/* Sources pad with blanks, each in its own way: equal but for blanks is equal. */
static bool same_serial(const unsigned char *a, size_t a_len, const unsigned char *b, size_t b_len)
{
	size_t i = 0, j = 0;

	for (;;) {
		while (i < a_len && a[i] <= ' ')
			i++;
		while (j < b_len && b[j] <= ' ')
			j++;
		if (i == a_len || j == b_len)
			return i == a_len && j == b_len;
		if (a[i++] != b[j++])
			return false;
	}
}

/* Lists a serial number unless it is blank, known, or one too many. */
static void add_serial(struct disk *d, const void *bytes, size_t len)
{
	if (len > DISK_SERIAL_MAX)
		len = DISK_SERIAL_MAX;
	if (d->serial_count == DISK_SERIALS || same_serial(bytes, len, NULL, 0))
		return;
	for (unsigned i = 0; i < d->serial_count; i++)
		if (same_serial(d->serial[i].bytes, d->serial[i].len, bytes, len))
			return;
	memcpy(d->serial[d->serial_count].bytes, bytes, len);
	d->serial[d->serial_count++].len = len;
}

/* A variable is on if it parses as the number 1. */
static bool env_is_on(const char *name)
{
	const char *value = getenv(name);
	char *end;

	return value && strtol(value, &end, 10) == 1 && *end == '\0';
}

#define DEVNAME_SERIAL_LEN 15

static void serial_from_name(struct disk *d)
{
	char path[MEMBER_NAME_MAX + sizeof("/dev/")];

	if (!env_is_on("IMSM_DEVNAME_AS_SERIAL"))
		return;
	snprintf(path, sizeof(path), "/dev/%s", d->name);
	add_serial(d, path, strnlen(path, DEVNAME_SERIAL_LEN));
}

/* "nvme0", but not the namespace "nvme0n1". */
static bool is_nvme_controller(const char *name)
{
	return strncmp(name, "nvme", 4) == 0 && name[4] && name[4 + strspn(name + 4, "0123456789")] == '\0';
}

/*
 * A namespace that can be reached over several controllers hangs below the subsystem, which names
 * its controllers. The one with the lowest name will do: all have the serial number of the subsystem.
 */
static int nvme_controller(int device_dir, char *name, size_t size)
{
	int fd = sysfs_open_attr(device_dir, ".", O_RDONLY | O_DIRECTORY);
	const struct dirent *e;
	DIR *d;

	if (fd < 0)
		return fd;
	d = fdopendir(fd);
	if (!d) {
		close(fd);
		return -ENOMEM;
	}
	name[0] = '\0';
	while ((e = readdir(d)) != NULL)
		if (is_nvme_controller(e->d_name) && strlen(e->d_name) < size &&
		    (!name[0] || strverscmp(e->d_name, name) < 0))
			strcpy(name, e->d_name);
	closedir(d);
	return name[0] ? 0 : -ENOENT;
}

static ssize_t read_nvme_serial(int device_dir, char *text, size_t size)
{
	char controller[64], path[sizeof(controller) + sizeof("/serial")];

	if (nvme_controller(device_dir, controller, sizeof(controller)) < 0)
		return sysfs_read_attr(device_dir, "serial", text, size);
	snprintf(path, sizeof(path), "%s/serial", controller);
	return sysfs_read_attr(device_dir, path, text, size);
}

static void serial_from_nvme(struct disk *d, int device_dir)
{
	char text[DISK_SERIAL_MAX];
	ssize_t n;

	if (strncmp(d->name, "nvme", 4) != 0)
		return;
	n = read_nvme_serial(device_dir, text, sizeof(text));
	if (n > 0)
		add_serial(d, text, (size_t)n);
}

#define PAGE80 0x80
#define PAGE80_HEADER 4
#define PAGE80_ALLOCATION 255
#define PAGE80_SERIAL_MAX 50

/* The SCSI page "unit serial number": type, page, length (16 bits, the upper 0), text. */
static void serial_from_page80(struct disk *d, const unsigned char *page, size_t size)
{
	size_t len;

	if (size < PAGE80_HEADER || page[1] != PAGE80)
		return;
	len = page[3];
	if (len < 1 || len > PAGE80_SERIAL_MAX || len > size - PAGE80_HEADER)
		return;
	add_serial(d, page + PAGE80_HEADER, len);
}

static void serial_from_inquiry(struct disk *d)
{
	unsigned char page[PAGE80_ALLOCATION] = { 0 }, sense[32];
	unsigned char command[] = { 0x12 /* INQUIRY */, 1 /* EVPD */, PAGE80, 0, PAGE80_ALLOCATION, 0 };
	struct sg_io_hdr io = {
		.interface_id = 'S',
		.dxfer_direction = SG_DXFER_FROM_DEV,
		.cmd_len = sizeof(command),
		.cmdp = command,
		.mx_sb_len = sizeof(sense),
		.sbp = sense,
		.dxfer_len = sizeof(page),
		.dxferp = page,
		.timeout = 5000,
	};

	if (ioctl(d->fd, SG_IO, &io) < 0 || (io.info & SG_INFO_OK_MASK) != SG_INFO_OK)
		return;
	if (io.resid < 0 || (size_t)io.resid > sizeof(page))
		return;
	serial_from_page80(d, page, sizeof(page) - (size_t)io.resid);
}

/* What the kernel read when it found the disk: still there when the disk no longer answers. */
static void serial_from_vpd(struct disk *d, int device_dir)
{
	unsigned char page[PAGE80_ALLOCATION];
	int fd = sysfs_open_attr(device_dir, "vpd_pg80", O_RDONLY);
	ssize_t n;

	if (fd < 0)
		return;
	n = pread(fd, page, sizeof(page), 0);
	close(fd);
	if (n > 0)
		serial_from_page80(d, page, (size_t)n);
}

static void serial_from_udev(struct disk *d)
{
	static const char *const properties[] = { "ID_SCSI_SERIAL", "ID_SERIAL_SHORT" };
	struct udev *udev = udev_new();
	struct udev_device *device = udev ? udev_device_new_from_devnum(udev, 'b', d->dev) : NULL;

	for (size_t i = 0; device && i < sizeof(properties) / sizeof(properties[0]); i++) {
		const char *value = udev_device_get_property_value(device, properties[i]);

		if (value)
			add_serial(d, value, strlen(value));
	}
	udev_device_unref(device);
	udev_unref(udev);
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

/*
 * block_dir: /sys/dev/block/M:m. A partition has no "device" of its own, its disk, one directory up, has.
 */
static void identify_in(struct disk *d, int block_dir)
{
	int device_dir;

	d->partition = faccessat(block_dir, "partition", F_OK, 0) == 0;
	device_dir = sysfs_open_attr(block_dir, d->partition ? "../device" : "device", O_PATH | O_DIRECTORY);
	if (device_dir < 0)
		device_dir = -1; /* virtual: the readers below fail. Not -errno, one of which is AT_FDCWD */
	d->scsi_id = read_scsi_id(device_dir);
	serial_from_name(d);
	serial_from_nvme(d, device_dir);
	serial_from_inquiry(d);
	serial_from_vpd(d, device_dir);
	serial_from_udev(d);
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
	/* What cannot be found out counts as the worse: no block larger than a sector is atomic. */
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
	r = open_and_identify(d);
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

int disk_read(const struct disk *d, void *buf, size_t len, uint64_t offset)
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
