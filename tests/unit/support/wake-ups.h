/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One thread wakes another by SIGUSR1 (threads/handoff.h): taking it, and waiting for it as the program does. */
#ifndef WAKE_UPS_H
#define WAKE_UPS_H

#include <stdbool.h>

/* For cmocka, before a group of tests: SIGUSR1 is blocked, as in the program, and harmless. */
int block_signal(void **state);

/* Whether a wake-up is pending, which is so no longer. */
bool take_signal(void);

/*
 * Whoever waits here is owed a wake-up, so a wait that runs into its limit has lost one. The limit
 * is far above what a loaded machine needs, and is reached only if the test is going to fail. False: it was.
 */
#define LIMIT_MS 5000
bool wait_for_signal(void);

/* The calling thread is the one that is woken. */
void be_the_monitor(void);
void be_the_manager(void);

/* Threads that race take turns under these tools: fewer rounds will do. */
#ifdef __SANITIZE_THREAD__
#define SLOWER 8
#else
#define SLOWER 1
#endif

#endif
