/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * md without md: the attributes of arrays are texts in memory, and time passes only when somebody waits.
 *
 * For programs that are linked with $(FAKE_MD) (tests/flags.mk): their pread(), write(), ppoll() and clock_gettime()
 * come here. An attribute has a name, "md126/array_state", and a descriptor of its own, which no real call would accept. As
 * in sysfs (kernel-md.md 3.1) an event is reported until the attribute is read again, and one that is dead (ENODEV)
 * reports events for ever. Events are what a test says they are; only an accepted write of `array_state` makes one of
 * itself, as md does.
 *
 * Any thread.
 */
#ifndef FAKE_MD_H
#define FAKE_MD_H

#include <stdbool.h>
#include <stdint.h>

/* No attributes are left, no time has passed, nothing is traced. */
void md_reset(void);

/* A new attribute that reads `text`; its descriptor. */
int md_attribute(const char *name, const char *text);

/* It reads `text` from now on. The first one notifies those that poll. */
void md_says(const char *name, const char *text);
void md_says_silently(const char *name, const char *text);

/* What it reads now. */
const char *md_reads(const char *name);

/* Reading and polling, or writing, fail with this errno from now on; 0: they do not. */
void md_fails_reading(const char *name, int err);
void md_fails_writing(const char *name, int err);

/* Called in the middle of a read of this attribute, before the text is taken; once. */
void md_while_reading(const char *name, void (*happens)(void));

/* Notes a step "read NAME" for each read. (A write is always one: "NAME <- word".) */
void md_trace_reads(bool on);

/* ---- time, and ppoll() ---- */

void md_time_passes(unsigned ms);

/* How long the last ppoll() waited, in ms; 0 if there was an event, or a signal. */
uint64_t md_waited_ms(void);

/* Whether the last ppoll() was asked about this attribute. */
bool md_is_polled(const char *name);

/* The next ppoll() ends at once as if by a signal. */
void md_interrupt(void);

/* Time is that of the real clocks, and ppoll() waits for signals only, for as long as it says. Until md_reset(). */
void md_in_real_time(void);

#endif
