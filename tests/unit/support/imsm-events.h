/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * md as the monitor sees it, told to the state machine of IMSM (imsm/events.c). The container is the fixture ifx; the
 * array is that of volume 0.
 */
#ifndef IMSM_EVENTS_H
#define IMSM_EVENTS_H

#include "tests/unit/support/imsm-fixture.h"

#define EV_DISKS 6

/* One volume as ifx_volume() has it, in a container of EV_DISKS disks. Returns its index: 0. */
unsigned ev_container(int level, const char *text);
/* md has all members of the volume (by map 0), in sync; nothing runs. */
void ev_md_reset(unsigned volume, int md_level);
void ev_md_remove(unsigned slot);
void ev_md_set(unsigned slot, unsigned state, uint64_t recovery_start);
/*
 * Each tells twice: the second time must not change a byte. What comes of it must be such that it can be written.
 * ev_tell_disk() returns whether a write was asked for, and so does *due.
 */
bool ev_tell_disk(int slot);
enum consistency ev_tell_array(enum consistency want, bool *due);

#endif
