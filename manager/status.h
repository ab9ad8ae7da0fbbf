/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MANAGE_STATUS_H
#define MANAGE_STATUS_H

#include <stddef.h>

#include "manager/manager.h"

/* manager: the answer to a status request (docs/status.md), malloc'd; NULL: no memory. Never waits. */
char *manager_status(struct manager *mgr);

/* manager: one line for systemctl status. */
void manager_status_line(struct manager *mgr, char *line, size_t size);

#endif
