// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Edits DDF metadata that nobody uses, in both copies, so that the CRCs are right:
 *
 *   ddf-poke SECTOR SECTORS OFFSET HEX DISK...
 *
 * puts the bytes HEX at OFFSET into the structure that has SECTORS sectors and
 * begins SECTOR sectors after the header. For what mdadm cannot make, such as
 * records of other vendors.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_SECTORS 1024

static uint8_t *buf;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static uint64_t b64(const uint8_t *p)
{
	uint64_t value = 0;

	for (int i = 0; i < 8; i++)
		value = value << 8 | p[i];
	return value;
}

/* Reflected CRC-32 that starts with 0 and is not inverted at the end, its own field taken as ones */
static void put_crc(size_t len)
{
	uint32_t crc = 0;

	memset(buf + 4, 0xFF, 4);
	for (size_t i = 0; i < len; i++) {
		crc ^= buf[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320 : 0);
	}
	for (int i = 0; i < 4; i++)
		buf[4 + i] = (uint8_t)(crc >> (24 - 8 * i));
}

static void put_hex(size_t offset, const char *hex)
{
	unsigned int byte;

	for (; sscanf(hex, "%2x", &byte) == 1; hex += 2)
		buf[offset++] = (uint8_t)byte;
}

static void poke(const char *path, uint64_t sector, size_t len, size_t offset, const char *hex)
{
	int fd = open(path, O_RDWR | O_DIRECT);
	off_t size = fd < 0 ? 0 : lseek(fd, 0, SEEK_END), at;
	uint64_t lba[2];

	if (fd < 0 || pread(fd, buf, 512, size - 512) != 512)
		die(path);
	for (int copy = 0; copy < 2; copy++)
		lba[copy] = b64(buf + 96 + 8 * copy);
	for (int copy = 0; copy < 2; copy++) {
		at = (off_t)((lba[copy] + sector) * 512);
		if (pread(fd, buf, len, at) != (ssize_t)len)
			die(path);
		put_hex(offset, hex);
		put_crc(len);
		if (pwrite(fd, buf, len, at) != (ssize_t)len)
			die(path);
	}
	close(fd);
}

int main(int argc, char **argv)
{
	size_t len, offset;

	if (argc < 6) {
		fprintf(stderr, "usage: ddf-poke SECTOR SECTORS OFFSET HEX DISK...\n");
		return 2;
	}
	len = strtoul(argv[2], NULL, 0) * 512;
	offset = strtoul(argv[3], NULL, 0);
	if (len > MAX_SECTORS * 512 || offset + strlen(argv[4]) / 2 > len ||
	    posix_memalign((void **)&buf, 4096, MAX_SECTORS * 512))
		return 2;
	for (int i = 5; i < argc; i++)
		poke(argv[i], strtoul(argv[1], NULL, 0), len, offset, argv[4]);
	return 0;
}
