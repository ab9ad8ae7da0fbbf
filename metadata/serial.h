/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The serial numbers of a disk (imsm.md 1.17). manager and start-up. */
#ifndef SERIAL_H
#define SERIAL_H

struct disk;

/*
 * Fills d->serial: needs its name, number and descriptor. device_dir: the directory "device" of the disk in sysfs, -1
 * if there is none. A source that does not answer is left out.
 */
void disk_read_serials(struct disk *d, int device_dir);

#endif
