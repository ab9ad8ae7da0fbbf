/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Disks as the kernel and sysfs may show them (metadata/disk.c): nodes that cannot be made or are something else, sizes
 * of any kind, addresses and partitions; and what is read from and written to them, at any offset. A disk that is opened
 * has a size of sector and a name that the rest of the program can work with.
 *
 * The calls are those of the program, by the linker (tests/flags.mk): FUZZ_LDFLAGS_disk.
 */
#include "tests/fuzz/fuzz.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "lib/log.h"
#include "metadata/disk.h"
#include "metadata/metaio.h"

#define FILE_SIZE (4u << 20)
#define DEV makedev(8, 16)

static struct {
	const uint8_t *p;
	size_t left;
} input;
static int file;
static bool running; /* else who calls is the fuzzer */
static bool looking; /* an input that ends with an L is about disk_open_to_look(), which takes whatever the name leads to */
static char sysfs[64];

static uint8_t take_byte(void)
{
	if (!input.left)
		return 0;
	input.left--;
	return *input.p++;
}

/* Mostly all is well. */
static bool fails(void)
{
	uint8_t how = take_byte();
	static const int errors[] = { EROFS, EACCES, ENODEV, EIO };

	errno = errors[how % 4];
	return how >= 0xc0;
}

void log_warning(const char *fmt, ...)
{
	(void)fmt;
}

/* ---- nodes ---- */

int __wrap_mknod(const char *path, mode_t mode, dev_t dev);
int __wrap_mknod(const char *path, mode_t mode, dev_t dev)
{
	MUST(S_ISBLK(mode) && dev == DEV && path[0] == '/');
	return fails() ? -1 : 0;
}

int __real_unlink(const char *path);
int __wrap_unlink(const char *path);
int __wrap_unlink(const char *path)
{
	if (!running)
		return __real_unlink(path);
	if (!fails())
		errno = ENOENT;
	return -1;
}

static void fill(struct stat *st)
{
	uint8_t how = take_byte();

	memset(st, 0, sizeof(*st));
	st->st_mode = how == 255 ? S_IFREG : S_IFBLK;
	st->st_rdev = how == 254 ? DEV + 1 : DEV;
}

int __real_stat64(const char *path, struct stat *st);
int __wrap_stat64(const char *path, struct stat *st);
int __wrap_stat64(const char *path, struct stat *st)
{
	if (!running)
		return __real_stat64(path, st);
	fill(st);
	return fails() ? -1 : 0;
}

int __real_fstat64(int fd, struct stat *st);
int __wrap_fstat64(int fd, struct stat *st);
int __wrap_fstat64(int fd, struct stat *st)
{
	if (!running)
		return __real_fstat64(fd, st);
	fill(st);
	return fails() ? -1 : 0;
}

static int open_file(void)
{
	return fails() ? -1 : fcntl(file, F_DUPFD_CLOEXEC, 3);
}

int __real_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...)
{
	return running ? open_file() : __real_open64(path, flags, 0600);
}

int __real___open64_2(const char *path, int flags);
int __wrap___open64_2(const char *path, int flags);
int __wrap___open64_2(const char *path, int flags)
{
	return running ? open_file() : __real___open64_2(path, flags);
}

int __wrap_ioctl(int fd, unsigned long request, ...);
int __wrap_ioctl(int fd, unsigned long request, ...)
{
	static const int sector[] = { 512, 4096, 512, 0, 513, -1, 65536, 1 << 30 };
	uint8_t how = take_byte();
	va_list args;
	void *value;

	(void)fd;
	va_start(args, request);
	value = va_arg(args, void *);
	va_end(args);
	if (request == BLKGETSIZE64)
		*(uint64_t *)value = how < 0xf0 ? FILE_SIZE : (uint64_t)how << 50;
	else if (request == BLKSSZGET)
		*(int *)value = sector[how < 0x80 ? how % 2 : how % 8];
	else if (request == BLKPBSZGET)
		*(unsigned *)value = how & 1 ? 4096 : how;
	else if (request == BLKALIGNOFF)
		*(int *)value = how & 1 ? 0 : (int)how - 128;
	return fails() ? -1 : 0;
}

/* ---- sysfs ---- */

static void remove_path(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", sysfs, name);
	rmdir(path);
}

/* A directory stands for a file just as well. */
static void add_path(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", sysfs, name);
	mkdir(path, 0700);
}

static const char *const addresses[] = { "0:0:1:0", "255:1:2:3", "0:0:1", "x", "1:2:3:4x", "9:9:9:18446744073709551616" };

static void clear_tree(void)
{
	char name[128];

	remove_path("block/partition");
	for (unsigned up = 0; up < 2; up++) {
		const char *device = up ? "device" : "block/device";

		for (unsigned i = 0; i < 6; i++) {
			snprintf(name, sizeof(name), "%s/scsi_device/%s", device, addresses[i]);
			remove_path(name);
		}
		snprintf(name, sizeof(name), "%s/scsi_device", device);
		remove_path(name);
		remove_path(device);
	}
}

static void remove_tree(void)
{
	clear_tree();
	remove_path("block");
	rmdir(sysfs);
}

static void make_tree(uint8_t how)
{
	const char *device = how & 1 ? "device" : "block/device";
	char name[128];

	if (!sysfs[0]) {
		snprintf(sysfs, sizeof(sysfs), "/tmp/fuzz-disk-XXXXXX");
		MUST(mkdtemp(sysfs));
		add_path("block");
		atexit(remove_tree);
	}
	clear_tree();
	if (how & 1)
		add_path("block/partition");
	if (how & 2)
		add_path(device);
	snprintf(name, sizeof(name), "%s/scsi_device", device);
	if (how & 4)
		add_path(name);
	snprintf(name, sizeof(name), "%s/scsi_device/%s", device, addresses[(how >> 3) % 6]);
	if (how & 4)
		add_path(name);
}

int __wrap_sysfs_open_block_dir(dev_t dev);
int __wrap_sysfs_open_block_dir(dev_t dev)
{
	char path[256];

	MUST(dev == DEV || looking);
	make_tree(take_byte());
	snprintf(path, sizeof(path), "%s/block", sysfs);
	return fails() ? -errno : openat(AT_FDCWD, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

int __wrap_sysfs_block_name(dev_t dev, char *name, size_t size);
int __wrap_sysfs_block_name(dev_t dev, char *name, size_t size)
{
	MUST(dev == DEV || looking);
	snprintf(name, size, "%s", take_byte() & 0x80 ? "nvme0n1" : "sdb");
	return fails() ? -errno : 0;
}

void __wrap_disk_read_serials(struct disk *d, int device_dir);
void __wrap_disk_read_serials(struct disk *d, int device_dir)
{
	MUST(device_dir >= -1);
	d->serial_count = 0;
}

/* ---- what may be done with it ---- */

static void transfer(const struct disk *d)
{
	static uint8_t out[3 << 20], in[3 << 20];
	uint64_t offset = (uint64_t)take_byte() * (take_byte() & 1 ? d->sector_size : 100);
	size_t len = (size_t)take_byte() << (take_byte() & 1 ? 9 : 14);
	int err;

	if (len > sizeof(out))
		len = sizeof(out);
	memset(out, take_byte(), len);
	err = disk_write(d, out, len, offset);
	if (err || offset + len > FILE_SIZE)
		return;
	MUST(disk_read(d, in, len, offset) == 0);
	MUST(memcmp(in, out, len) == 0);
}

/* Without asynchronous I/O. */
static void write_in_turn(const struct disk *d)
{
	static uint8_t sector[4096] __attribute__((aligned(METAIO_ALIGN)));
	struct metaio *m = metaio_open(1);
	struct metaio_plan *p = metaio_plan_new(1);
	struct metaio_disk *pd;

	MUST(m && p);
	if (take_byte() & 1)
		metaio_force_sequential(m);
	pd = metaio_plan_add(p, d);
	MUST(pd && !metaio_plan_add(p, d));
	for (unsigned i = take_byte() % 16; i; i--)
		metaio_disk_step_together(pd, sector, (uint64_t)i * sizeof(sector), sizeof(sector));
	metaio_run(m, p);
	MUST(pd->error || pd->done == pd->steps);
	metaio_is_atomic(d, take_byte() * 512u, take_byte() * 512u);
	metaio_plan_free(p);
	metaio_close(m);
}

static void use(void)
{
	struct disk *d = disk_open(DEV);
	int fd;

	if (!d) {
		MUST(errno);
		fd = disk_open_node(DEV, take_byte() & 1 ? "sdb" : NULL, O_RDONLY);
		if (fd >= 0)
			close(fd);
		return;
	}
	MUST(d->name[0] && d->sector_size >= 512 && !(d->sector_size & (d->sector_size - 1)));
	MUST(d->physical_size >= d->sector_size);
	transfer(d);
	if (take_byte() & 1)
		write_in_turn(d);
	disk_close(d);
}

static void look(void)
{
	static const char *const paths[] = {
		"/dev/sdb",
		"image",
		"/a/longer/name-than-the-field-has-room-for-0123456789012345678901234567890123456789012345",
	};
	struct disk *d = disk_open_to_look(paths[take_byte() % 3]);

	if (!d) {
		MUST(errno);
		return;
	}
	MUST(d->name[0] && strlen(d->name) < sizeof(d->name) && d->sector_size >= 512);
	MUST((fcntl(d->fd, F_GETFD) & FD_CLOEXEC) && !d->lane);
	disk_close(d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	input.p = data;
	input.left = size;
	if (!file)
		file = memfd_create("disk", MFD_CLOEXEC);
	MUST(file > 0 && ftruncate(file, FILE_SIZE) == 0);
	looking = size && data[size - 1] == 'L';
	running = true;
	if (looking)
		look();
	else
		use();
	running = false;
	return 0;
}
