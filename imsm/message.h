/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What all messages of mdadm are made of (imsm.md 8.0): words of 32 bits in host byte order. A message is a raw
 * C struct of another process.
 */
#ifndef IMSM_MESSAGE_H
#define IMSM_MESSAGE_H

#include <string.h>

#include "imsm/imsm.h"

/* A word; the caller knows that it lies within the message. */
static inline int32_t imsm_word(const void *buf, size_t offset)
{
	int32_t v;

	memcpy(&v, (const uint8_t *)buf + offset, sizeof(v));
	return v;
}

/* A volume index that might exist; and one that does. */
static inline bool imsm_volume_possible(int32_t index)
{
	return index >= 0 && index < IMSM_MAX_VOLUMES;
}

static inline bool imsm_volume_exists(const struct imsm_container *c, int32_t index)
{
	return index >= 0 && index < (int32_t)c->meta.num_volumes;
}

#endif
