/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Asking a daemon, and making sense of what it answers. mdmonctl only. */
#ifndef CTL_CLIENT_H
#define CTL_CLIENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ctl/container.h"

#define CLIENT_TEXT_MAX 256
#define CLIENT_TIMEOUT_MS 20000 /* how long mdadm waits for a daemon, too */
#define CLIENT_SCHEMA 1         /* of docs/status.md */

struct client_ping {
	int err;                       /* 0 or -errno */
	uint64_t took_us;              /* err 0: from the first attempt to connect */
	char version[CLIENT_TEXT_MAX]; /* what the daemon calls itself, fit for a terminal; may be empty */
	char problem[CLIENT_TEXT_MAX]; /* err: one sentence, the same */
};

/* kind: MSG_PING_MONITOR or MSG_PING_MANAGER. */
void client_ping(const struct ctl_paths *p, const char *container, int32_t kind, int timeout_ms,
		 struct client_ping *ping);

struct client_status {
	json_t *object; /* what was answered, also of another schema; NULL: nothing that is usable */
	int err;        /* 0 or -errno: no answer came */
	bool mute;      /* the daemon answers pings but knows no status: mdadm's mdmon */
	char problem[CLIENT_TEXT_MAX]; /* one sentence why there is nothing to show, fit for a terminal; else empty */
};

/* Free with client_status_free, whatever came out. */
void client_status(const struct ctl_paths *p, const char *container, int timeout_ms, struct client_status *status);
void client_status_free(struct client_status *status);

/* Pure: the same for an answer that has arrived; data may be NULL. */
void client_status_parse(const void *data, size_t len, struct client_status *status);

#endif
