/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The manager thread: everything that may block, allocate, open files or talk. All of it runs in the process's main
 * thread.
 */
#ifndef MANAGEMON_H
#define MANAGEMON_H

#include "manager/manager.h"

/*
 * Start-up: handlers for SIGUSR1 and SIGTERM, which stay blocked except while a thread waits. Before
 * the monitor starts.
 */
void manager_block_signals(void);

/* Runs until there is nothing more to do. The monitor must run; after MANAGER_HANDED_OVER it has ended. */
enum manager_end manager_run(struct manager *mgr);

#endif
