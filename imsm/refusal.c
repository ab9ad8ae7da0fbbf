/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How what is refused because of a disk names it: as the kernel does, and by the serial number that the metadata have. */
#include "imsm/imsm.h"

#include <stdio.h>
#include <sys/sysmacros.h>

#include "lib/refuse.h"

struct serial_text {
	char text[IMSM_SERIAL_LEN + 1];
};

/* Serials come from messages and from disks: nothing in them may end a line of the log. */
static struct serial_text printable(const uint8_t serial[IMSM_SERIAL_LEN])
{
	struct serial_text s = { "" };

	for (unsigned i = 0; i < IMSM_SERIAL_LEN && serial[i]; i++)
		s.text[i] = (char)(serial[i] > ' ' && serial[i] < 0x7f ? serial[i] : '?');
	return s;
}

int imsm_refuse_disk(const char **why, int err, const char *request, const struct imsm_dl *dl, const char *reason)
{
	char number[24];

	snprintf(number, sizeof(number), "%u:%u", major(dl->dev), minor(dl->dev));
	return refuse_because(why, err, "%s: disk %s (serial %s) %s", request, dl->disk ? dl->disk->name : number,
			      printable(dl->serial).text, reason);
}

int imsm_refuse_serial(const char **why, int err, const char *request, const uint8_t serial[IMSM_SERIAL_LEN],
		       const char *reason)
{
	return refuse_because(why, err, "%s: the disk with the serial %s %s", request, printable(serial).text, reason);
}
