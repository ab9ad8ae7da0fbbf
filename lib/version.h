/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The version that the daemon and its client name (CHANGELOG.md). */
#ifndef VERSION_H
#define VERSION_H

#define MDMON_VERSION "0.1.0"

#endif
