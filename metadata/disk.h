/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A component disk of the container: opened for metadata, identified.
 * Opening, probing and closing: start-up, manager and helper. The fields are constant
 * afterwards, so that the monitor may read them and use the descriptor.
 */
#ifndef DISK_H
#define DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/types.h>

#include "md/words.h"

#define DISK_SERIAL_MAX 256
#define DISK_SERIALS 4

struct lane;

struct disk {
	dev_t dev;
	char name[MEMBER_NAME_MAX]; /* kernel name, "sda" */
	int fd;                     /* O_RDWR | O_DIRECT | O_CLOEXEC, never O_EXCL; but for disk_open_to_look() */
	uint64_t size;              /* bytes (BLKGETSIZE64) */
	uint32_t sector_size;       /* bytes, logical (BLKSSZGET) */
	uint32_t physical_size;     /* bytes, physical block (BLKPBSZGET) */
	bool physical_aligned;      /* physical blocks start at offset 0 (BLKALIGNOFF is 0) */
	uint32_t scsi_id;           /* host<<24 | channel<<16 | target<<8 | lun; 0 if not SCSI */
	bool partition;             /* it is a partition, not a whole disk */
	struct lane *lane;          /* metadata/lane.h; NULL: what is written to the disk is waited for */

	/*
	 * Raw serial numbers, best source first (imsm.md 1.17): the device name if
	 * IMSM_DEVNAME_AS_SERIAL=1, NVMe attribute, SCSI page 0x80 (SG_IO, then sysfs), udev.
	 * Not normalised; bytes, not text.
	 */
	unsigned serial_count;
	struct {
		unsigned char bytes[DISK_SERIAL_MAX];
		size_t len;
	} serial[DISK_SERIALS];
};

/*
 * Opens the block device by number, for reading and writing (disk_open_node). Fills everything above. NULL with
 * errno set.
 */
struct disk *disk_open(dev_t dev);
/*
 * mdmonctl. A block device or a file with an image of one, for reading only; sectors of a file count as of 512 bytes until the
 * caller says otherwise. NULL with errno set: ENOTBLK if it is neither.
 */
struct disk *disk_open_to_look(const char *path);
void disk_close(struct disk *d); /* closes and frees; NULL is fine */

/*
 * O_DIRECT read or write of `len` bytes at `offset`, any buffer alignment (copies through an aligned
 * buffer); `len` and `offset` are multiples of the sector size (else -EINVAL). What was written is durable.
 * Blocking: manager and start-up only. 0 or -errno (-EIO on a short transfer). But into a buffer that is aligned to
 * DISK_ALIGN is read without a copy and without memory: that the monitor may do, too.
 */
#define DISK_ALIGN 4096
int disk_read(const struct disk *d, void *buf, size_t len, uint64_t offset);
int disk_write(const struct disk *d, const void *buf, size_t len, uint64_t offset);

/* Start-up, helpers, mdmonctl; blocking, allocates. Its last sector, without which neither format finds anything. */
static inline bool disk_can_be_read(const struct disk *d)
{
	uint8_t *sector = d->size < d->sector_size ? NULL : malloc(d->sector_size);
	bool ok = sector && !disk_read(d, sector, d->sector_size, (d->size / d->sector_size - 1) * d->sector_size);

	free(sector);
	return ok;
}

/*
 * Opens a block device by number with `flags`. For writing: through a node that is made for this alone, under /dev or
 * in RUNDIR, and is unlinked at once, so that udev sees no close of a node that it watches (mdmon.md 4.3); where no
 * node can be made, through /dev/NAME, with a warning in the log. For reading only: through /dev/NAME first.
 * Whatever was opened is checked to be the device. kernel_name ("sda") may be NULL if it is not known.
 * Manager and start-up. Descriptor or -errno. Also used for the container itself.
 */
int disk_open_node(dev_t dev, const char *kernel_name, int flags);

#endif
