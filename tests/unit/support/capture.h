/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the code under test prints to stdout or stderr. */
#ifndef CAPTURE_H
#define CAPTURE_H

#include <stdio.h>

struct capture {
	int saved; /* descriptor of the real stream */
	FILE *file;
	char text[2048];
};

void begin_capture(struct capture *c, FILE *stream);

/* The real stream is back, and what has gone astray is in c->text. */
void end_capture(struct capture *c, FILE *stream);

#endif
