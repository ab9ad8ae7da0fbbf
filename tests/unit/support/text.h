/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text that a test puts together piece by piece. */
#ifndef TEXT_H
#define TEXT_H

/* Appends to the text at *p, where there must be room, and moves *p to its end. */
void text_put(char **p, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
