/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the code under test prints to stdout or stderr. Include after cmocka.h. */
#ifndef CAPTURE_H
#define CAPTURE_H

#include <stdio.h>
#include <unistd.h>

struct capture {
	int saved; /* descriptor of the real stream */
	FILE *file;
	char text[2048];
};

static inline void begin_capture(struct capture *c, FILE *stream)
{
	fflush(stream);
	c->file = tmpfile();
	assert_non_null(c->file);
	c->saved = dup(fileno(stream));
	assert_true(c->saved >= 0);
	assert_true(dup2(fileno(c->file), fileno(stream)) >= 0);
}

/* The real stream is back, and what has gone astray is in c->text. */
static inline void end_capture(struct capture *c, FILE *stream)
{
	size_t n;

	fflush(stream);
	assert_true(dup2(c->saved, fileno(stream)) >= 0);
	close(c->saved);
	rewind(c->file);
	n = fread(c->text, 1, sizeof(c->text) - 1, c->file);
	c->text[n] = '\0';
	fclose(c->file);
}

#endif
