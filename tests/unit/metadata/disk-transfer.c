/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a read and a write of metadata promise: past the page cache, aligned, whole, and on the platter when a write has
 * returned. The calls of the libc lead to a disk in memory that has a write cache and is as strict as O_DIRECT.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

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

#include "metadata/disk.h"
#include "metadata/serial.h"
#include "sysfs.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define DISK makedev(8, 16)
#define SIZE (4u << 20)
#define MEBIBYTE (1u << 20)

static struct world {
	unsigned char cache[SIZE], platter[SIZE];
	int fd;    /* the one descriptor of the disk */
	int flags; /* with which it was opened */
	int sector, misaligned;
	unsigned physical;             /* 0: the disk does not tell */
	unsigned interrupted, cut;     /* so many of the next transfers are */
	unsigned working;              /* so many transfers before the next failure */
	unsigned failed_reads, failed_writes, failed_syncs;
	unsigned transfers, syncs;
} w;

static int fail_with(int error)
{
	errno = error;
	return -1;
}

static bool take(unsigned *left)
{
	if (!*left)
		return false;
	--*left;
	return true;
}

/* ---- the node ---- */

int __wrap_sysfs_block_name(dev_t dev, char *name, size_t size);
int __wrap_sysfs_block_name(dev_t dev, char *name, size_t size)
{
	assert_int_equal(dev, DISK);
	snprintf(name, size, "sdb");
	return 0;
}

int __wrap_sysfs_open_block_dir(dev_t dev);
int __wrap_sysfs_open_block_dir(dev_t dev)
{
	assert_int_equal(dev, DISK);
	return open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
}

void __wrap_disk_read_serials(struct disk *d, int device_dir);
void __wrap_disk_read_serials(struct disk *d, int device_dir)
{
	assert_int_equal(d->fd, w.fd);
	assert_int_equal(device_dir, -1);
}

int __wrap_mknod(const char *path, mode_t mode, dev_t dev);
int __wrap_mknod(const char *path, mode_t mode, dev_t dev)
{
	(void)path;
	(void)mode;
	assert_int_equal(dev, DISK);
	return 0;
}

int __wrap_unlink(const char *path);
int __wrap_unlink(const char *path)
{
	(void)path;
	return 0;
}

static int look(struct stat *st)
{
	memset(st, 0, sizeof(*st));
	st->st_mode = S_IFBLK | 0600;
	st->st_rdev = DISK;
	return 0;
}

int __wrap_stat64(const char *path, struct stat *st);
int __wrap_stat64(const char *path, struct stat *st)
{
	(void)path;
	return look(st);
}

int __wrap_fstat64(int fd, struct stat *st);
int __wrap_fstat64(int fd, struct stat *st)
{
	(void)fd;
	return look(st);
}

int __real_open64(const char *path, int flags, ...);
static int open_disk(const char *path, int flags)
{
	if (strncmp(path, "/dev/", 5) != 0)
		return __real_open64(path, flags);
	w.flags = flags;
	w.fd = __real_open64("/dev/null", O_RDWR | O_CLOEXEC);
	return w.fd;
}

int __wrap_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...)
{
	return open_disk(path, flags);
}

/* The name of open() where the hardening flags have it check the mode. */
int __wrap___open64_2(const char *path, int flags);
int __wrap___open64_2(const char *path, int flags)
{
	return open_disk(path, flags);
}

int __wrap_ioctl(int fd, unsigned long request, ...);
int __wrap_ioctl(int fd, unsigned long request, ...)
{
	va_list ap;
	void *value;

	va_start(ap, request);
	value = va_arg(ap, void *);
	va_end(ap);
	assert_int_equal(fd, w.fd);
	switch (request) {
	case BLKGETSIZE64:
		return *(uint64_t *)value = SIZE, 0;
	case BLKSSZGET:
		return *(int *)value = w.sector, 0;
	case BLKPBSZGET:
		return w.physical ? *(unsigned *)value = w.physical, 0 : fail_with(ENOTTY);
	case BLKALIGNOFF:
		return *(int *)value = w.misaligned, 0;
	}
	return fail_with(ENOTTY);
}

/* ---- transfers ---- */

static ssize_t transfer(int fd, const void *buf, size_t len, off_t offset, unsigned *failing)
{
	size_t sector = (size_t)w.sector;

	assert_int_equal(fd, w.fd);
	if ((uintptr_t)buf % sector || len % sector || (size_t)offset % sector || (size_t)offset + len > SIZE)
		return fail_with(EINVAL);
	if (take(&w.interrupted))
		return fail_with(EINTR);
	if (!take(&w.working) && take(failing))
		return fail_with(EIO);
	w.transfers++;
	return (ssize_t)(take(&w.cut) ? len - sector : len);
}

ssize_t __wrap_pread64(int fd, void *buf, size_t len, off_t offset);
ssize_t __wrap_pread64(int fd, void *buf, size_t len, off_t offset)
{
	ssize_t n = transfer(fd, buf, len, offset, &w.failed_reads);

	if (n > 0)
		memcpy(buf, w.cache + offset, (size_t)n);
	return n;
}

ssize_t __wrap_pwrite64(int fd, const void *buf, size_t len, off_t offset);
ssize_t __wrap_pwrite64(int fd, const void *buf, size_t len, off_t offset)
{
	ssize_t n = transfer(fd, buf, len, offset, &w.failed_writes);

	if (n > 0)
		memcpy(w.cache + offset, buf, (size_t)n);
	return n;
}

static int sync_cache(int fd)
{
	assert_int_equal(fd, w.fd);
	if (take(&w.failed_syncs))
		return fail_with(EIO);
	w.syncs++;
	memcpy(w.platter, w.cache, SIZE);
	return 0;
}

int __wrap_fdatasync(int fd);
int __wrap_fdatasync(int fd)
{
	return sync_cache(fd);
}

int __wrap_fsync(int fd);
int __wrap_fsync(int fd)
{
	return sync_cache(fd);
}

/* ---- tests; the state is the open disk ---- */

static unsigned char *data;

static int setup(void **state)
{
	memset(&w, 0, sizeof(w));
	w.sector = 512;
	w.physical = 4096;
	data = malloc(SIZE);
	if (!data)
		return -1;
	for (size_t i = 0; i < SIZE; i++)
		data[i] = (unsigned char)((i * 2654435761u) >> 16 & 0xff);
	*state = disk_open(DISK);
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	disk_close(*state);
	free(data);
	return 0;
}

static void test_opened_past_the_page_cache(void **state)
{
	(void)state;
	assert_int_equal(w.flags & O_ACCMODE, O_RDWR);
	assert_true(w.flags & O_DIRECT);
	assert_true(w.flags & O_CLOEXEC);
	assert_false(w.flags & (O_EXCL | O_CREAT));
}

static struct disk *open_with(struct disk *old, int sector, unsigned physical, int misaligned)
{
	disk_close(old);
	w.sector = sector;
	w.physical = physical;
	w.misaligned = misaligned;
	return disk_open(DISK);
}

static void test_geometry(void **state)
{
	static const struct {
		int sector;
		unsigned physical;
		int misaligned;
		unsigned want; /* physical */
	} t[] = {
		{ 512, 512, 0, 512 }, { 512, 4096, 0, 4096 }, { 4096, 4096, 0, 4096 }, { 512, 4096, 512, 4096 },
		{ 512, 4096, -1, 4096 },
		/* what cannot be found out, or is nonsense */
		{ 512, 0, 0, 512 }, { 4096, 0, 0, 4096 }, { 4096, 512, 0, 4096 },
	};
	struct disk *d = *state;

	for (size_t i = 0; i < COUNT(t); i++) {
		d = open_with(d, t[i].sector, t[i].physical, t[i].misaligned);
		assert_non_null(d);
		assert_int_equal(d->size, SIZE);
		assert_int_equal(d->sector_size, t[i].sector);
		assert_int_equal(d->physical_size, t[i].want);
		assert_int_equal(d->physical_aligned, !t[i].misaligned);
	}
	*state = d;
}

static void test_impossible_sectors(void **state)
{
	static const int sectors[] = { 0, -512, 256, 520, 1000, 4097 };

	for (size_t i = 0; i < COUNT(sectors); i++) {
		*state = open_with(*state, sectors[i], 0, 0);
		assert_null(*state);
		assert_int_equal(errno, EINVAL);
	}
}

/* `from` may lie at any address, and the length be longer than the copy in between. */
static void test_written_is_on_the_platter(void **state)
{
	static const unsigned lens[] = { 512, 4096, MEBIBYTE - 512, MEBIBYTE, MEBIBYTE + 512, 3 * MEBIBYTE };
	const struct disk *d = *state;

	for (size_t i = 0; i < COUNT(lens); i++) {
		unsigned offset = 512 * (unsigned)(i + 1);

		memset(w.platter, 0, SIZE);
		assert_int_equal(disk_write(d, data + i, lens[i], offset), 0);
		assert_memory_equal(w.platter + offset, data + i, lens[i]);
	}
	assert_int_equal(w.syncs, COUNT(lens));
}

static void test_read(void **state)
{
	struct disk *d = open_with(*state, 4096, 4096, 0);
	unsigned char *buf = malloc(2 * MEBIBYTE + 3);

	*state = d;
	assert_non_null(buf);
	memcpy(w.cache, data, SIZE);
	assert_int_equal(disk_read(d, buf + 3, 2 * MEBIBYTE, 4096), 0);
	assert_memory_equal(buf + 3, data + 4096, 2 * MEBIBYTE);
	assert_int_equal(w.syncs, 0);
	free(buf);
}

static void test_interrupted_transfers_are_repeated(void **state)
{
	unsigned char buf[512];

	w.interrupted = 3;
	assert_int_equal(disk_write(*state, data, 512, 0), 0);
	assert_memory_equal(w.platter, data, 512);
	w.interrupted = 3;
	assert_int_equal(disk_read(*state, buf, 512, 0), 0);
	assert_memory_equal(buf, data, 512);
}

static void test_errors_are_told(void **state)
{
	unsigned char buf[1024];

	w.failed_writes = 1;
	assert_int_equal(disk_write(*state, data, 1024, 0), -EIO);
	w.cut = 1;
	assert_int_equal(disk_write(*state, data, 1024, 0), -EIO);
	assert_int_equal(w.syncs, 0);
	w.failed_syncs = 1;
	assert_int_equal(disk_write(*state, data, 1024, 0), -EIO);
	w.failed_reads = 1;
	assert_int_equal(disk_read(*state, buf, 1024, 0), -EIO);
	w.cut = 1;
	assert_int_equal(disk_read(*state, buf, 1024, 0), -EIO);
}

/* The second piece fails: the third is not written, and nothing is said to be durable. */
static void test_first_error_ends_a_write(void **state)
{
	w.working = 1;
	w.failed_writes = 1;
	assert_int_equal(disk_write(*state, data, 3 * MEBIBYTE, 0), -EIO);
	assert_int_equal(w.transfers, 1);
	assert_int_equal(w.syncs, 0);
}

/* The same for a read, into a buffer that is fit for it and into one that is not. */
static void test_first_error_ends_a_read(void **state)
{
	unsigned char *buf = aligned_alloc(4096, 4 * MEBIBYTE);

	assert_non_null(buf);
	for (unsigned skip = 0; skip < 2; skip++) {
		w.transfers = 0;
		w.working = 1;
		w.failed_reads = 1;
		assert_int_equal(disk_read(*state, buf + skip, 3 * MEBIBYTE, 0), -EIO);
		assert_int_equal(w.transfers, 1);
	}
	free(buf);
}

static void test_unaligned_is_refused(void **state)
{
	unsigned char buf[1024];

	assert_int_equal(disk_write(*state, data, 511, 0), -EINVAL);
	assert_int_equal(disk_write(*state, data, 512, 1), -EINVAL);
	assert_int_equal(disk_write(*state, data, 512, (uint64_t)INT64_MAX + 1), -EINVAL);
	assert_int_equal(disk_read(*state, buf, 513, 0), -EINVAL);
	assert_int_equal(disk_read(*state, buf, 512, 256), -EINVAL);
	assert_int_equal(disk_read(*state, buf, 512, UINT64_MAX - 511), -EINVAL);
	assert_int_equal(w.transfers, 0);
}

#define DISK_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		DISK_TEST(test_opened_past_the_page_cache),
		DISK_TEST(test_geometry),
		DISK_TEST(test_impossible_sectors),
		DISK_TEST(test_written_is_on_the_platter),
		DISK_TEST(test_read),
		DISK_TEST(test_interrupted_transfers_are_repeated),
		DISK_TEST(test_errors_are_told),
		DISK_TEST(test_first_error_ends_a_write),
		DISK_TEST(test_first_error_ends_a_read),
		DISK_TEST(test_unaligned_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
