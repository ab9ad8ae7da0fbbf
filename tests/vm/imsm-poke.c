// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Puts a migration on record that nothing here would record, into IMSM metadata that nobody uses:
 *
 *   imsm-poke TYPE STATE0 STATE1 DISK...
 *
 * Volume 0, which has no migration, gets one: TYPE is check, repair, rebuild, init or change, the states those of the
 * two maps, as numbers. Map 1 is otherwise what map 0 was. The disks must have the same metadata, of one volume.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/fs.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define MAX_MPB 8192
#define HEADER 216
#define DISK 48
#define VOLUME_HEAD 112
#define MAP_HEAD 48

static uint8_t *mpb;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static uint32_t get(size_t offset)
{
	const uint8_t *p = mpb + offset;

	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void put(size_t offset, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		mpb[offset + i] = (uint8_t)(value >> (8 * i));
}

/* The anchor is the last sector but one; what does not fit into it lies before it. */
static void transfer(ssize_t (*how)(int, uint8_t *, size_t, off_t), int fd, off_t anchor, size_t sectors, size_t size)
{
	if (sectors > 1 && how(fd, mpb + size, (sectors - 1) * size, anchor - (off_t)((sectors - 1) * size)) < 0)
		die("extended sectors");
	if (how(fd, mpb, size, anchor) < 0)
		die("anchor");
}

static ssize_t reading(int fd, uint8_t *p, size_t len, off_t at)
{
	return pread(fd, p, len, at);
}

static ssize_t writing(int fd, uint8_t *p, size_t len, off_t at)
{
	return pwrite(fd, p, len, at);
}

static uint8_t type_number(const char *name)
{
	static const char *const names[] = { "init", "rebuild", "check", "", "change", "repair" };

	for (uint8_t i = 0; i < 6; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	fprintf(stderr, "imsm-poke: no such type: %s\n", name);
	exit(2);
}

static void put_migration(uint8_t type, uint8_t state0, uint8_t state1)
{
	size_t volume = HEADER + DISK * mpb[0x38], map0 = volume + VOLUME_HEAD;
	size_t map_size = MAP_HEAD + 4u * mpb[map0 + 16], size = get(0x24), bbm = get(0x48);
	uint32_t sum = 0;

	if (mpb[0x39] != 1 || mpb[volume + 88] || size + map_size > MAX_MPB || map0 + map_size + bbm > size) {
		fprintf(stderr, "imsm-poke: not one volume without a migration\n");
		exit(1);
	}
	memmove(mpb + map0 + 2 * map_size, mpb + map0 + map_size, size - map0 - map_size);
	memcpy(mpb + map0 + map_size, mpb + map0, map_size);
	mpb[map0 + 14] = state0;
	mpb[map0 + map_size + 14] = state1;
	mpb[volume + 88] = 1;
	mpb[volume + 89] = type == 5 ? 2 : type;
	if (type == 5)
		put(volume + 24, get(volume + 24) | 0x80);
	size += map_size;
	put(0x24, (uint32_t)size);
	put(0x20, 0);
	for (size_t i = 0; i + 4 <= size; i += 4)
		sum += get(i);
	put(0x20, sum);
}

static void poke(const char *path, uint8_t type, uint8_t state0, uint8_t state1)
{
	int fd = open(path, O_RDWR | O_DIRECT), sector = 512;
	off_t anchor;

	if (fd < 0 || ioctl(fd, BLKSSZGET, &sector) < 0)
		die(path);
	memset(mpb, 0, MAX_MPB);
	anchor = lseek(fd, 0, SEEK_END) - 2 * sector;
	transfer(reading, fd, anchor, 1, (size_t)sector);
	transfer(reading, fd, anchor, (get(0x24) + (size_t)sector - 1) / (size_t)sector, (size_t)sector);
	put_migration(type, state0, state1);
	transfer(writing, fd, anchor, (get(0x24) + (size_t)sector - 1) / (size_t)sector, (size_t)sector);
	close(fd);
}

int main(int argc, char **argv)
{
	if (argc < 5 || posix_memalign((void **)&mpb, 4096, MAX_MPB)) {
		fprintf(stderr, "usage: imsm-poke TYPE STATE0 STATE1 DISK...\n");
		return 2;
	}
	for (int i = 4; i < argc; i++)
		poke(argv[i], type_number(argv[1]), (uint8_t)atoi(argv[2]), (uint8_t)atoi(argv[3]));
	return 0;
}
