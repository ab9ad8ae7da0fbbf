/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the manager calls besides md, as manager-rig.c needs it. See manager-rig.h. */
#ifndef MANAGER_FAKES_H
#define MANAGER_FAKES_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "metadata/superswitch.h"

extern const struct superswitch mgr_handler;

/* Time begins anew, no jobs are left, no messages. */
void mgr_reset_fakes(void);

void mgr_advance_clock(unsigned ms);

int mgr_real_ppoll(struct pollfd *fds, nfds_t n, const struct timespec *time, const sigset_t *sigs);

/* Of the helper thread: runs all jobs that have been submitted. False: there were none. */
bool mgr_run_jobs(void);

/* manager-rig.c: the calling thread is the manager's; it would wait now. */
bool mgr_is_manager(void);
int mgr_manager_waits(struct pollfd *fds, nfds_t n, const struct timespec *time, const sigset_t *sigs);

#endif
