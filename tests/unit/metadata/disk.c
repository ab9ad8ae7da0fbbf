/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <glob.h>

/* The whole file, to reach what is static in it. */
#include "metadata/disk.c"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "tests/unit/support/tree.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define NO_DEVICE makedev(4095, 1048575)
#define DEVNAME_VARIABLE "IMSM_DEVNAME_AS_SERIAL"

static void assert_serial(const struct disk *d, unsigned i, const char *text)
{
	assert_true(i < d->serial_count);
	assert_int_equal(d->serial[i].len, strlen(text));
	assert_memory_equal(d->serial[i].bytes, text, strlen(text));
}

static void test_scsi_address(void **state)
{
	static const struct {
		const char *text;
		bool ok;
		uint32_t id;
	} t[] = {
		{ "0:0:0:0", true, 0 }, { "2:1:3:4", true, 0x02010304 }, { "255:0:255:1", true, 0xff00ff01 },
		{ "256:0:1:0", true, 0x00000100 }, { "1:0:0:4611686018427387904", true, 0x01000000 },
		{ "2:0:0", false, 7 }, { "2:0:0:0:0", false, 7 }, { "2:0:0:0x", false, 7 }, { "", false, 7 },
		{ ".", false, 7 }, { "power", false, 7 }, { "-1:0:0:0", false, 7 }, { " 1:0:0:0", false, 7 },
		{ "a:b:c:d", false, 7 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++) {
		uint32_t id = 7;

		assert_int_equal(parse_scsi_address(t[i].text, &id), t[i].ok);
		assert_int_equal(id, t[i].id);
	}
}

/* ---- a directory tree that looks like /sys/dev/block/M:m ---- */

static int disk_tree_setup(void **state)
{
	unsetenv(DEVNAME_VARIABLE);
	return tree_setup(state);
}

/* A disk that answers nothing itself: only what the tree says. */
static void identify_below(const struct tree *t, const char *path, struct disk *d, const char *name)
{
	int dir = openat(t->dir, path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	assert_true(dir >= 0);
	memset(d, 0, sizeof(*d));
	strcpy(d->name, name);
	d->dev = NO_DEVICE;
	d->fd = -1;
	identify_in(d, dir);
	close(dir);
}

static void test_identify_scsi(void **state)
{
	const struct tree *t = *state;
	struct disk d;

	tree_make_dir(t, "device");
	tree_make_dir(t, "device/scsi_device");
	tree_make_dir(t, "device/scsi_device/3:0:2:0");
	tree_put_bytes(t, "device/vpd_pg80", "\0\x80\0\x8  PN1234", 12);
	identify_below(t, ".", &d, "sdb");
	assert_int_equal(d.scsi_id, 0x03000200);
	assert_false(d.partition);
	assert_int_equal(d.serial_count, 1);
	assert_serial(&d, 0, "  PN1234");

	/* the name comes first, but the others stay known */
	setenv(DEVNAME_VARIABLE, "1", 1);
	identify_below(t, ".", &d, "sdb");
	assert_int_equal(d.serial_count, 2);
	assert_serial(&d, 0, "/dev/sdb");
	assert_serial(&d, 1, "  PN1234");
}

static void test_identify_partition(void **state)
{
	const struct tree *t = *state;
	struct disk d;

	tree_make_dir(t, "sdb1");
	tree_put(t, "sdb1/partition", "1\n");
	tree_make_dir(t, "device");
	tree_make_dir(t, "device/scsi_device");
	tree_make_dir(t, "device/scsi_device/3:0:2:0");
	identify_below(t, "sdb1", &d, "sdb1");
	assert_true(d.partition);
	assert_int_equal(d.scsi_id, 0x03000200);
}

static void test_identify_virtual(void **state)
{
	const struct tree *t = *state;
	struct disk d;

	identify_below(t, ".", &d, "loop0");
	assert_false(d.partition);
	assert_int_equal(d.scsi_id, 0);
	assert_int_equal(d.serial_count, 0);
}

static void test_identify_nvme(void **state)
{
	const struct tree *t = *state;
	struct disk d;

	tree_make_dir(t, "device");
	tree_make_dir(t, "device/nvme0n1"); /* the namespace itself, not a controller */
	tree_put(t, "device/serial", "PHMB7456              \n");
	identify_below(t, ".", &d, "nvme0n1");
	assert_int_equal(d.serial_count, 1);
	assert_serial(&d, 0, "PHMB7456              ");
	/* the same attribute of another kind of disk means nothing to us */
	identify_below(t, ".", &d, "sda");
	assert_int_equal(d.serial_count, 0);
}

/* Several controllers: `device` is the subsystem. */
static void test_identify_nvme_multipath(void **state)
{
	const struct tree *t = *state;
	struct disk d;

	tree_make_dir(t, "device");
	tree_make_dir(t, "device/nvme10");
	tree_make_dir(t, "device/nvme2");
	tree_make_dir(t, "device/nvme1n1");
	tree_put(t, "device/nvme10/serial", "TEN\n");
	tree_put(t, "device/nvme2/serial", "TWO\n");
	identify_below(t, ".", &d, "nvme1n1");
	assert_int_equal(d.serial_count, 1);
	assert_serial(&d, 0, "TWO");
}

/* ---- nodes ---- */

static void test_open_node_errors(void **state)
{
	const struct tree *t = *state;
	char file[128];
	glob_t left;

	tree_put(t, "file", "no device");
	snprintf(file, sizeof(file), "%s/file", t->path);
	assert_int_equal(open_if_device(file, NO_DEVICE, O_RDONLY), -ENODEV);
	assert_int_equal(open_if_device("/dev/null", makedev(1, 3), O_RDONLY), -ENODEV);
	strcat(file, "s");
	assert_int_equal(open_if_device(file, NO_DEVICE, O_RDONLY), -ENOENT);
	/* Without root the node cannot be made; with it, there is nothing behind it. */
	assert_true(disk_open_node(NO_DEVICE, "null", O_RDONLY) < 0);
	assert_true(disk_open_node(NO_DEVICE, NULL, O_RDONLY) < 0);
	assert_int_equal(glob("/dev/.mdmon.*.4095.1048575", 0, NULL, &left), GLOB_NOMATCH);
	errno = 0;
	assert_null(disk_open(NO_DEVICE));
	assert_int_equal(errno, ENOENT);
	disk_close(NULL);
}

/* ---- I/O ---- */

/* A disk whose sectors lie in a file of that size; skips the test where O_DIRECT does not work. */
static void make_disk(const struct tree *t, struct disk *d, size_t size)
{
	memset(d, 0, sizeof(*d));
	d->sector_size = 512;
	d->size = size;
	d->fd = openat(t->dir, "disk", O_RDWR | O_CREAT | O_DIRECT | O_CLOEXEC, 0600);
	if (d->fd < 0) {
		print_message("SKIPPED: no O_DIRECT on the file system of /tmp\n");
		skip();
	}
	assert_int_equal(ftruncate(d->fd, (off_t)size), 0);
}

/* Nothing that repeats where buffers do. */
static void fill_pattern(unsigned char *p, size_t n, unsigned seed)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (unsigned char)((i * 2654435761u + seed * 40503u) >> 16 & 0xff);
}

/* Odd addresses, lengths below, at and above the size of a piece. */
static void test_read_and_write(void **state)
{
	static const size_t lens[] = { 512, 4096, BOUNCE_SIZE, BOUNCE_SIZE + 4096, 3 * BOUNCE_SIZE + 8192 };
	const struct tree *t = *state;
	struct disk d;

	make_disk(t, &d, 8 * BOUNCE_SIZE);
	for (size_t i = 0; i < COUNT(lens); i++) {
		unsigned char *out = malloc(lens[i] + 1), *in = calloc(1, lens[i] + 3);
		uint64_t offset = 4096 * (i + 1);

		fill_pattern(out + 1, lens[i], (unsigned)i);
		assert_int_equal(disk_write(&d, out + 1, lens[i], offset), 0);
		assert_int_equal(disk_read(&d, in + 1, lens[i], offset), 0);
		assert_memory_equal(in + 1, out + 1, lens[i]);
		assert_int_equal(in[0], 0);
		assert_int_equal(in[lens[i] + 1], 0);
		free(out);
		free(in);
	}
	close(d.fd);
}

static void test_transfer_errors(void **state)
{
	const struct tree *t = *state;
	unsigned char buf[8192] = { 0 };
	struct disk d;

	make_disk(t, &d, 8192);
	assert_int_equal(disk_read(&d, buf, 0, 0), 0);
	assert_int_equal(disk_write(&d, buf, 0, 512), 0);
	assert_int_equal(disk_read(&d, buf, 100, 0), -EINVAL);
	assert_int_equal(disk_read(&d, buf, 512, 100), -EINVAL);
	assert_int_equal(disk_write(&d, buf, 513, 0), -EINVAL);
	assert_int_equal(disk_write(&d, buf, 512, 511), -EINVAL);
	assert_int_equal(disk_read(&d, buf, 512, UINT64_C(1) << 63), -EINVAL);
	assert_int_equal(disk_read(&d, buf, 8192, 4096), -EIO); /* half of it is beyond the end */
	assert_int_equal(disk_read(&d, buf, 4096, 8192), -EIO);
	assert_int_equal(disk_read(&d, buf, 8192, 0), 0);
	d.sector_size = 4096;
	assert_int_equal(disk_read(&d, buf, 512, 0), -EINVAL);
	close(d.fd);
	d.fd = -1;
	assert_int_equal(disk_read(&d, buf, 4096, 0), -EBADF);
	assert_int_equal(disk_write(&d, buf, 4096, 0), -EBADF);
}

static void test_geometry_of_a_file(void **state)
{
	const struct tree *t = *state;
	struct disk d;

	tree_put(t, "file", "no device");
	memset(&d, 0, sizeof(d));
	d.fd = openat(t->dir, "file", O_RDONLY);
	assert_int_equal(read_geometry(&d), -ENOTTY);
	close(d.fd);
}

#define TREE_TEST(f) cmocka_unit_test_setup_teardown(f, disk_tree_setup, tree_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scsi_address),
		TREE_TEST(test_identify_scsi),
		TREE_TEST(test_identify_partition),
		TREE_TEST(test_identify_virtual),
		TREE_TEST(test_identify_nvme),
		TREE_TEST(test_identify_nvme_multipath),
		TREE_TEST(test_open_node_errors),
		TREE_TEST(test_read_and_write),
		TREE_TEST(test_transfer_errors),
		TREE_TEST(test_geometry_of_a_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
