/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See metadata/serial.h. Which of its serial numbers is in the metadata depends on who wrote them, with which driver:
 * all that can be found out are listed.
 */
#include "metadata/serial.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libudev.h>
#include <scsi/sg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "metadata/disk.h"
#include "sysfs.h"

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

void disk_read_serials(struct disk *d, int device_dir)
{
	serial_from_name(d);
	serial_from_nvme(d, device_dir);
	serial_from_inquiry(d);
	serial_from_vpd(d, device_dir);
	serial_from_udev(d);
}
