/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counts what the code under test allocates and frees while `counting_allocations` is set. For programs that are
 * linked with COUNT_ALLOCATIONS (tests/flags.mk).
 */
#ifndef COUNT_ALLOCATIONS_H
#define COUNT_ALLOCATIONS_H

#include <stdbool.h>

extern bool counting_allocations;
extern unsigned allocations;

#endif
