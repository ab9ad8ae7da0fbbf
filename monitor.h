/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MONITOR_H
#define MONITOR_H

#include "metadata/superswitch.h"

/*
 * manager: starts the monitor thread for the container. Everything it will need is allocated
 * here. 0 or -errno. SIGUSR1 must be blocked. After monitor_stop() it goes on where it was.
 */
int monitor_start(struct supertype *st);

/* manager: tell it to end and wait until it has. */
void monitor_stop(void);

#endif
