/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What mdadm's configuration may say, and what lies near the end of a disk whose anchor is not in its last sector
 * (ddf/probe.c). The first byte says which: a text for one of the files, or bytes of the disk and where they lie.
 */
#include "tests/fuzz/fuzz.h"

#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ddf/ddf.h"
#include "lib/log.h"

#define SIZE ((uint64_t)DDF_PROBED_BYTES + (1u << 20))

static const char *const files[] = { "mdadm/mdadm.conf", "mdadm.conf", "mdadm.conf.d/a.conf", "mdadm/mdadm.conf.d/b.conf",
				     "mdadm/mdadm.conf.d/.hidden.conf" };
static char etc[64];

void log_warning(const char *fmt, ...)
{
	(void)fmt;
}

static const char *path_of(const char *name)
{
	static char path[160];

	snprintf(path, sizeof(path), "%s/%s", etc, name);
	return path;
}

static void remove_all(void)
{
	for (unsigned i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		unlink(path_of(files[i]));
		rmdir(path_of(files[i]));
	}
}

static void remove_etc(void)
{
	remove_all();
	rmdir(path_of("mdadm/mdadm.conf.d"));
	rmdir(path_of("mdadm.conf.d"));
	rmdir(path_of("mdadm"));
	rmdir(etc);
}

static void make_etc(void)
{
	snprintf(etc, sizeof(etc), "/tmp/fuzz-probe-XXXXXX");
	MUST(mkdtemp(etc));
	MUST(mkdir(path_of("mdadm"), 0700) == 0 && mkdir(path_of("mdadm.conf.d"), 0700) == 0 &&
	     mkdir(path_of("mdadm/mdadm.conf.d"), 0700) == 0);
	atexit(remove_etc);
}

static void configure(uint8_t which, const uint8_t *text, size_t size)
{
	const char *path;
	int fd;

	if (!etc[0])
		make_etc();
	remove_all();
	path = path_of(files[which % 5]);
	if (which & 0x40) {
		MUST(mkdir(path, 0700) == 0); /* it cannot be read */
	} else {
		fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
		MUST(fd >= 0 && write(fd, text, size) == (ssize_t)size);
		close(fd);
	}
	MUST(ddf_probe_wanted(etc) || !(which % 5 == 0 && size == 22 && !(which & 0x40) &&
					memcmp(text, "PROBING ddf_extended\n\n", 22) == 0));
}

/* `at`: from the start of what is searched, in 16 KiB. */
static void probe(uint8_t at, uint8_t how, const uint8_t *bytes, size_t size)
{
	static int fd;
	struct ddf_header h, *made = &h;
	struct disk d = { .name = "sda", .size = SIZE, .sector_size = DDF_SECTOR };
	uint64_t offset = SIZE - DDF_PROBED_BYTES - 4096 + (uint64_t)at * (DDF_PROBED_BYTES / 256) + (how & 0x1c);

	if (!fd)
		fd = memfd_create("disk", MFD_CLOEXEC);
	MUST(ftruncate(fd, 0) == 0 && ftruncate(fd, (off_t)SIZE) == 0);
	memset(made, 0xff, sizeof(*made));
	made->magic = be32_make(DDF_HEADER_MAGIC);
	memcpy(made->revision, "01.02.00", sizeof(made->revision));
	made->type = DDF_ANCHOR;
	for (size_t i = 0; i + 2 <= size; i += 2)
		((uint8_t *)made)[bytes[i] * 2u % DDF_SECTOR] = bytes[i + 1];
	if (how & 1)
		ddf_seal(made, DDF_SECTOR);
	if (offset + DDF_SECTOR <= SIZE)
		MUST(pwrite(fd, made, DDF_SECTOR, (off_t)offset) == DDF_SECTOR);
	d.fd = how & 0x80 ? -1 : fd;
	ddf_probe_anchor(&d, &h);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 3)
		return 0;
	if (data[0] & 1)
		configure(data[1], data + 2, size - 2);
	else
		probe(data[1], data[2], data + 3, size - 3);
	return 0;
}
