/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SHA-1 (FIPS 180-4), for names that other programs derive with it. It protects nothing.
 *
 * A library would have to be locked into memory with the rest of the daemon: 300 KiB for what fits on a page.
 */
#ifndef SHA1_H
#define SHA1_H

#include <stddef.h>
#include <stdint.h>

#define SHA1_SIZE 20
#define SHA1_MESSAGE_MAX 119 /* two blocks */

/* Any thread. len <= SHA1_MESSAGE_MAX. */
void sha1(const void *message, size_t len, uint8_t digest[SHA1_SIZE]);

#endif
