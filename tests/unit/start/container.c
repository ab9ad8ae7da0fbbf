/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names of containers, and which containers are served. /sys and /dev are a tree of files in a temporary directory,
 * which open() and stat() are led to; in its dev a block device is a file "block MAJOR:MINOR".
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "start/container.h"
#include "tests/unit/support/capture.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* ---- the tree ---- */

static char root[] = "/tmp/test-container-XXXXXX";

/* Where a path of the kernel's lies in our tree. */
static const char *led(const char *path, char buf[PATH_MAX + sizeof(root)])
{
	if (strncmp(path, "/sys/", 5) != 0 && strncmp(path, "/dev/", 5) != 0)
		return path;
	sprintf(buf, "%s%s", root, path);
	return buf;
}

int __real_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...)
{
	char buf[PATH_MAX + sizeof(root)];
	mode_t mode = 0;
	va_list ap;

	if (flags & O_CREAT) {
		va_start(ap, flags);
		mode = va_arg(ap, mode_t);
		va_end(ap);
	}
	return __real_open64(led(path, buf), flags, mode);
}

/* What open() becomes with clang and _FORTIFY_SOURCE in newer releases of glibc (2.41 of Debian 13, not 2.36 of 12). */
int __wrap___open64_2(const char *path, int flags);
int __wrap___open64_2(const char *path, int flags)
{
	return __wrap_open64(path, flags);
}

/* "block 9:127" is a device of that number. */
static void disguise(const char *path, struct stat *sb)
{
	unsigned major_nr, minor_nr;
	FILE *f = S_ISREG(sb->st_mode) ? fopen(path, "re") : NULL;

	if (!f)
		return;
	if (fscanf(f, "block %u:%u", &major_nr, &minor_nr) == 2) {
		sb->st_mode = S_IFBLK | 0660;
		sb->st_rdev = makedev(major_nr, minor_nr);
	}
	fclose(f);
}

int __real_stat64(const char *path, struct stat *sb);
int __wrap_stat64(const char *path, struct stat *sb);
int __wrap_stat64(const char *path, struct stat *sb)
{
	char buf[PATH_MAX + sizeof(root)];
	int r = __real_stat64(led(path, buf), sb);

	if (!r)
		disguise(led(path, buf), sb);
	return r;
}

static void make_parents(char *path)
{
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		assert_true(mkdir(path, 0700) == 0 || errno == EEXIST);
		*slash = '/';
	}
}

static void put(const char *path, const char *text)
{
	char buf[PATH_MAX + sizeof(root)];
	FILE *f;

	sprintf(buf, "%s%s", root, path);
	make_parents(buf);
	f = fopen(buf, "we");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void put_link(const char *path, const char *target)
{
	char buf[PATH_MAX + sizeof(root)];

	sprintf(buf, "%s%s", root, path);
	make_parents(buf);
	assert_int_equal(symlink(target, buf), 0);
}

/* A block device that the kernel knows. */
static void put_device(const char *name, const char *dev)
{
	char path[256], text[256];

	snprintf(path, sizeof(path), "/sys/block/%s/dev", name);
	snprintf(text, sizeof(text), "%s\n", dev);
	put(path, text);
	snprintf(path, sizeof(path), "/sys/block/%s/uevent", name);
	snprintf(text, sizeof(text), "MAJOR=9\nDEVNAME=%s\nDEVTYPE=disk\n", name);
	put(path, text);
	snprintf(path, sizeof(path), "/sys/dev/block/%s", dev);
	snprintf(text, sizeof(text), "../../block/%s", name);
	put_link(path, text);
}

static void put_attr(const char *name, const char *attr, const char *text)
{
	char path[256];

	snprintf(path, sizeof(path), "/sys/block/%s/md/%s", name, attr);
	put(path, text);
}

static void put_md(const char *name, const char *dev, const char *level, const char *version)
{
	put_device(name, dev);
	put_attr(name, "level", level);
	put_attr(name, "metadata_version", version);
}

static void put_node(const char *path, const char *dev)
{
	char text[64];

	snprintf(text, sizeof(text), "block %s\n", dev);
	put(path, text);
}

static int make_tree(void **state)
{
	(void)state;
	if (!mkdtemp(root))
		return -1;
	put_md("md127", "9:127", "\n", "external:imsm\n");
	put_node("/dev/md127", "9:127");
	put_link("/dev/md/imsm0", "../md127");
	put_link("/dev/disk/by-id/md-uuid-x", "../../md127");
	put_md("md126", "9:126", "raid1\n", "external:/md127/0\n");
	put_node("/dev/md126", "9:126");
	put_link("/dev/md/vol0", "../md126");
	put_link("/dev/md/md9", "../md127"); /* its name looks like the kernel's */

	/* no node: udev has not come yet, or the array is being taken apart */
	put_md("md120", "9:120", "\n", "external:imsm\n");
	/* the node is another's */
	put_md("md121", "9:121", "\n", "external:imsm\n");
	put_node("/dev/md121", "9:126");
	/* a stale node */
	put_node("/dev/md122", "9:122");
	put_link("/dev/md/stale", "../md122");
	put_link("/dev/md/dangling", "../md999");
	put_md("md_home", "9:300", "\n", "external:imsm\n");
	put_md("md_my-raid", "9:301", "\n", "external:imsm\n");

	/* not of md */
	put_device("sda", "8:0");
	put_node("/dev/sda", "8:0");
	put_node("/dev/mapper/lv", "8:0");
	put_node("/dev/md127p1", "259:1");
	put_link("/sys/dev/block/259:1", "../../block/md127/md127p1");
	put("/sys/block/md127/md127p1/uevent", "DEVNAME=md127p1\n");
	put("/dev/null", "");

	/* the kernel would have to be out of its mind */
	put("/sys/block/md130/dev", "nonsense\n");
	put_device("md131", "9:131");
	put("/sys/block/md131/md", "not a directory");
	return 0;
}

static int remove_one(const char *path, const struct stat *sb, int flag, struct FTW *ftw)
{
	(void)sb;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static int remove_tree(void **state)
{
	(void)state;
	return nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* ---- names ---- */

static unsigned open_descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;

	if (!d)
		return 0;
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static int resolve(const char *arg, struct container *c, struct capture *err)
{
	int r;

	memset(c, 0xff, sizeof(*c));
	begin_capture(err, stderr);
	r = container_resolve(arg, c);
	end_capture(err, stderr);
	return r;
}

static void test_forms(void **state)
{
	static const struct {
		const char *arg, *name;
		unsigned minor_nr;
	} t[] = {
		{ "md127", "md127", 127 },
		{ "/dev/md127", "md127", 127 },
		{ "/dev/md/imsm0", "md127", 127 },
		{ "md/imsm0", "md127", 127 },
		{ "initrd/md127", "md127", 127 },
		{ "initrd/md/imsm0", "md127", 127 },
		{ "initrd//dev/md127", "md127", 127 },
		{ "initrd//dev/md/imsm0", "md127", 127 },
		/* any other path to the device */
		{ "/dev/disk/by-id/md-uuid-x", "md127", 127 },
		{ "disk/by-id/md-uuid-x", "md127", 127 },
		{ "/dev/md/../md127", "md127", 127 },
		{ "/dev//md127", "md127", 127 },
		/* without a node */
		{ "md120", "md120", 120 },
		{ "initrd/md120", "md120", 120 },
		{ "md_home", "md_home", 300 },
		/* what systemd makes of md_my-raid, and of initrd-md_my-raid */
		{ "md_my/raid", "md_my-raid", 301 },
		{ "initrd/md_my/raid", "md_my-raid", 301 },
		{ "md_my-raid", "md_my-raid", 301 },
		/* the kernel's name comes before what is in /dev, a path is what its device number says */
		{ "md121", "md121", 121 },
		{ "/dev/md121", "md126", 126 },
		{ "md/md9", "md127", 127 },
		/* whether it is a container is asked later */
		{ "md126", "md126", 126 },
		{ "md/vol0", "md126", 126 },
	};
	struct capture err;
	struct container c;

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++) {
		int r = resolve(t[i].arg, &c, &err);
		char path[64];

		if (r)
			fail_msg("%s: %d %s", t[i].arg, r, err.text);
		assert_string_equal(err.text, "");
		assert_string_equal(c.name, t[i].name);
		assert_int_equal(c.dev, makedev(9, t[i].minor_nr));
		/* an md directory, and that one */
		assert_int_equal(faccessat(c.md_dir, "metadata_version", R_OK, 0), 0);
		snprintf(path, sizeof(path), "../../%s/md", t[i].name);
		assert_int_equal(faccessat(c.md_dir, path, R_OK, 0), 0);
		close(c.md_dir);
	}
}

#define INVALID " is not a valid md device name: "
#define NO_SUCH INVALID "no such md device"
#define NOT_MD INVALID "it is a block device, but not one of md"

static char too_long[PATH_MAX + 10];

static void test_refused_names(void **state)
{
	static const struct {
		const char *arg, *message;
		int err;
	} t[] = {
		{ "md99", NO_SUCH, -ENOENT },
		{ "/dev/md99", NO_SUCH, -ENOENT },
		{ "md/none", NO_SUCH, -ENOENT },
		{ "/dev/md/none", NO_SUCH, -ENOENT },
		{ "/dev/md/dangling", NO_SUCH, -ENOENT },
		{ "initrd/md99", NO_SUCH, -ENOENT },
		{ "md127/x", INVALID "Not a directory", -ENOTDIR },
		/* a node that outlived its array */
		{ "md122", NO_SUCH, -ENOENT },
		{ "/dev/md122", NO_SUCH, -ENOENT },
		{ "md/stale", NO_SUCH, -ENOENT },
		/* other devices */
		{ "sda", NOT_MD, -ENOTTY },
		{ "/dev/sda", NOT_MD, -ENOTTY },
		{ "mapper/lv", NOT_MD, -ENOTTY },
		{ "md127p1", NOT_MD, -ENOTTY },
		{ "/dev/null", INVALID "Block device required", -ENOTBLK },
		{ "null", INVALID "Block device required", -ENOTBLK },
		{ "/dev/md", INVALID "Block device required", -ENOTBLK },
		{ "md", INVALID "Block device required", -ENOTBLK },
		{ "initrd/", INVALID "Block device required", -ENOTBLK },
		/* a prefix only as a prefix, and once */
		{ "/initrd/md127", NO_SUCH, -ENOENT },
		{ "initrd/initrd/md127", NO_SUCH, -ENOENT },
		{ "initrdmd127", NO_SUCH, -ENOENT },
		{ "INITRD/md127", NO_SUCH, -ENOENT },
		/* the kernel's names are no paths */
		{ "../block/md127", NO_SUCH, -ENOENT },
		{ "md127/../md127", INVALID "Not a directory", -ENOTDIR },
		{ "..", INVALID "Is a directory", -EISDIR },
		/* what makes no sense */
		{ "md130", INVALID "Invalid argument", -EINVAL },
		{ "md131", INVALID "Not a directory", -ENOTDIR },
		{ too_long, INVALID "File name too long", -ENAMETOOLONG },
		{ "MD127", NO_SUCH, -ENOENT },
		{ "md127 ", NO_SUCH, -ENOENT },
	};
	struct capture err;
	struct container c;
	unsigned before;

	(void)state;
	memset(too_long, 'x', sizeof(too_long) - 1);
	resolve("md99", &c, &err); /* sysfs_init() keeps a descriptor */
	before = open_descriptors();
	for (size_t i = 0; i < COUNT(t); i++) {
		char want[sizeof(err.text)];
		int r = resolve(t[i].arg, &c, &err);

		snprintf(want, sizeof(want), "mdmon: %s%s\n", t[i].arg, t[i].message);
		/* the log cuts what is too long */
		if (r != t[i].err || (strcmp(err.text, want) != 0 && t[i].arg != too_long))
			fail_msg("%.100s: %d, %s", t[i].arg, r, err.text);
		assert_true(c.md_dir < 0);
	}
	assert_int_equal(open_descriptors(), before);
}

/* "imsm0" alone is none of the forms, but we can say what is meant. */
static void test_suggestion(void **state)
{
	static const struct {
		const char *arg, *message;
	} t[] = {
		{ "imsm0", "mdmon: imsm0" INVALID "perhaps /dev/md/imsm0 is meant\n" },
		{ "initrd/imsm0", "mdmon: initrd/imsm0" INVALID "perhaps /dev/md/imsm0 is meant\n" },
		{ "md9", "mdmon: md9" INVALID "perhaps /dev/md/md9 is meant\n" },
		{ "dangling", "mdmon: dangling" NO_SUCH "\n" },
		{ "imsm1", "mdmon: imsm1" NO_SUCH "\n" },
		{ "/imsm0", "mdmon: /imsm0" NO_SUCH "\n" },
		{ "x/imsm0", "mdmon: x/imsm0" NO_SUCH "\n" },
	};
	struct capture err;
	struct container c;

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++) {
		assert_int_equal(resolve(t[i].arg, &c, &err), -ENOENT);
		assert_string_equal(err.text, t[i].message);
	}
}

/* ---- containers ---- */

/* An array of its own for each row. NULL: there is no such attribute. */
static bool identify(unsigned number, const char *level, const char *version, struct supertype *st,
		     struct capture *err)
{
	char name[32], dev[32];
	struct container c;
	bool ok;

	snprintf(name, sizeof(name), "md%u", number);
	snprintf(dev, sizeof(dev), "9:%u", number);
	put_device(name, dev);
	put_attr(name, "array_state", "inactive\n");
	if (level)
		put_attr(name, "level", level);
	if (version)
		put_attr(name, "metadata_version", version);
	assert_int_equal(resolve(name, &c, err), 0);
	memset(st, 0, sizeof(*st));
	begin_capture(err, stderr);
	ok = container_identify(&c, st);
	end_capture(err, stderr);
	close(c.md_dir);
	return ok;
}

static void test_served_containers(void **state)
{
	static const struct {
		const char *level, *version;
		const struct superswitch *ss;
	} t[] = {
		{ "\n", "external:imsm\n", &super_imsm },
		{ "", "external:imsm", &super_imsm },
		{ "\n", "external:ddf\n", &super_ddf },
		{ "", "external:ddf", &super_ddf },
	};
	struct supertype st;
	struct capture err;

	(void)state;
	for (unsigned i = 0; i < COUNT(t); i++) {
		char name[32];

		snprintf(name, sizeof(name), "md%u", 200 + i);
		assert_true(identify(200 + i, t[i].level, t[i].version, &st, &err));
		assert_string_equal(err.text, "");
		assert_ptr_equal(st.ss, t[i].ss);
		assert_string_equal(st.container, name);
	}
}


static void test_refused_containers(void **state)
{
	static const struct {
		const char *level, *version, *before, *behind; /* of the name */
	} t[] = {
		/* members: they have a level, except while they are put together */
		{ "raid1\n", "external:/md127/0\n", "", " is not a container - cannot monitor" },
		{ "raid5\n", "external:-md127/0\n", "", " is not a container - cannot monitor" },
		{ "\n", "external:/md127/0\n", "", " does not use external metadata - cannot monitor" },
		{ "\n", "external:-md127/0\n", "", " does not use external metadata - cannot monitor" },
		/* the level is looked at first */
		{ "raid1\n", "1.2\n", "", " is not a container - cannot monitor" },
		{ "raid1\n", "external:ddf\n", "", " is not a container - cannot monitor" },
		{ "container\n", "external:imsm\n", "", " is not a container - cannot monitor" },
		/* the kernel's own formats */
		{ "\n", "1.2\n", "", " does not use external metadata - cannot monitor" },
		{ "\n", "0.90\n", "", " does not use external metadata - cannot monitor" },
		{ "\n", "none\n", "", " does not use external metadata - cannot monitor" },
		{ "\n", "\n", "", " does not use external metadata - cannot monitor" },
		/* others */
		{ "\n", "external:foo\n", "", " uses unsupported metadata: foo" },
		{ "\n", "external:ddf1\n", "", " uses unsupported metadata: ddf1" },
		{ "\n", "external:dd\n", "", " uses unsupported metadata: dd" },
		{ "\n", "external:DDF\n", "", " uses unsupported metadata: DDF" },
		{ "\n", "external:imsm2\n", "", " uses unsupported metadata: imsm2" },
		{ "\n", "external:ims\n", "", " uses unsupported metadata: ims" },
		{ "\n", "external:IMSM\n", "", " uses unsupported metadata: IMSM" },
		{ "\n", "external:\n", "", " uses unsupported metadata: " },
		/* not to be read */
		{ NULL, "external:imsm\n", "failed to load sysfs info for ", "" },
		{ "\n", NULL, "failed to load sysfs info for ", "" },
		{ NULL, NULL, "failed to load sysfs info for ", "" },
	};
	struct supertype st;
	struct capture err;

	(void)state;
	for (unsigned i = 0; i < COUNT(t); i++) {
		char want[256];

		assert_false(identify(220 + i, t[i].level, t[i].version, &st, &err));
		snprintf(want, sizeof(want), "mdmon: %smd%u%s\n", t[i].before, 220 + i, t[i].behind);
		assert_string_equal(err.text, want);
		assert_null(st.ss);
	}
}

/* The array went away between the two calls. */
static void test_vanished_container(void **state)
{
	struct supertype st = { .ss = NULL };
	struct container c = { .name = "md127", .md_dir = -1 };
	struct capture err;

	(void)state;
	begin_capture(&err, stderr);
	assert_false(container_identify(&c, &st));
	end_capture(&err, stderr);
	assert_string_equal(err.text, "mdmon: failed to load sysfs info for md127\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_refused_names),
		cmocka_unit_test(test_suggestion),
		cmocka_unit_test(test_served_containers),
		cmocka_unit_test(test_refused_containers),
		cmocka_unit_test(test_vanished_container),
	};

	return cmocka_run_group_tests(tests, make_tree, remove_tree);
}
