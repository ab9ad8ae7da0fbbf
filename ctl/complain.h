/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What goes wrong, on the standard error output. mdmonctl only. */
#ifndef CTL_COMPLAIN_H
#define CTL_COMPLAIN_H

/* One line: "mdmonctl: ABOUT: WHAT". `about` may be any text. */
void complain(const char *about, const char *what);

#endif
