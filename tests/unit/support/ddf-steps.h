/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Steps that tests take with `dfx`, the container of tests/unit/support/ddf-fixture.h. */
#ifndef DDF_STEPS_H
#define DDF_STEPS_H

#include "tests/unit/support/ddf-fixture.h"

int dfx_setup(void **state);
int dfx_teardown(void **state);
/* In a loop over a table. */
void dfx_again(void);
void dfx_check_vd(unsigned vd, const char *expected);
void dfx_check_pds(const char *expected);
void dfx_open_array(unsigned vd);
/* Tells of all members, as the monitor does at its first pass and when members come or a rebuild ends. */
void dfx_tell(unsigned vd, int level, const char *members);
/* Somebody writes to the array, and stops. md is as it was told last. */
void dfx_write(unsigned vd);
/* A daemon finds the array running. */
void dfx_watch(unsigned vd, int level, const char *members);

#endif
