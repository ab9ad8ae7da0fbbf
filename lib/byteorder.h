/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Integers as they lie on disk. They are structs, so that the compiler refuses
 * a missing conversion; and unaligned, so that they may stand anywhere.
 */
#ifndef BYTEORDER_H
#define BYTEORDER_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

/* For ORDER le or be: the type, e.g. le16, and le16_get(), le16_make(). */
#define DISK_INTEGER(order, bits) \
	typedef struct { \
		uint8_t b[bits / 8]; \
	} order##bits; \
\
	static inline uint##bits##_t order##bits##_get(order##bits x) \
	{ \
		uint##bits##_t v; \
\
		memcpy(&v, x.b, sizeof(v)); \
		return order##bits##toh(v); \
	} \
\
	static inline order##bits order##bits##_make(uint##bits##_t v) \
	{ \
		order##bits x; \
\
		v = hto##order##bits(v); \
		memcpy(x.b, &v, sizeof(v)); \
		return x; \
	}

DISK_INTEGER(le, 16)
DISK_INTEGER(le, 32)
DISK_INTEGER(le, 64)
DISK_INTEGER(be, 16)
DISK_INTEGER(be, 32)
DISK_INTEGER(be, 64)

#undef DISK_INTEGER

#endif
