/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a service tells systemd: ready, a line of status, alive (sd_notify(3), documented datagram protocol). Without
 * NOTIFY_SOCKET in the environment all of it does nothing. manager and start-up only; never blocks.
 */
#ifndef NOTIFY_H
#define NOTIFY_H

#include <stdbool.h>
#include <stdint.h>

/*
 * start-up, before fork: takes NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID out of the environment. A path and an
 * abstract name ("@...") are understood; what makes no sense is logged and ignored. The socket is looked up here, and
 * once more only if nobody answers: from then on the path may be gone (switch-root).
 *
 * A WATCHDOG_PID that is not ours means that another process is watched. It is compared here, once: a child that is
 * forked later goes on as what its parent was. That is the way of Type=forking, where systemd normally does not set
 * NOTIFY_SOCKET; where it does (NotifyAccess=), it listens to the main process, which then is the child.
 */
void notify_open(void);

/*
 * "READY=1" with STATUS=... if `status` is not NULL. If that finds no room, it goes before what is said next; so does
 * a status.
 */
void notify_ready(const char *status);

/*
 * "STATUS=..."; nothing is sent if it is the same text as the last time. Newlines and other control characters become
 * spaces; what is beyond 511 bytes is cut.
 */
void notify_status(const char *status);
void notify_stopping(void); /* "STOPPING=1" */

/* The start takes longer than systemd would wait, and it is known why: at least so long from now. "EXTEND_TIMEOUT_USEC=..." */
void notify_more_time(unsigned seconds);
void notify_watchdog(void); /* "WATCHDOG=1" */

/* How often notify_watchdog() must be called (half of what systemd waits), in ns; 0: systemd does not watch us. */
uint64_t notify_watchdog_interval_ns(void);

void notify_close(void);

#endif
