/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See capture.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/support/capture.h"

#include <unistd.h>

void begin_capture(struct capture *c, FILE *stream)
{
	fflush(stream);
	c->file = tmpfile();
	assert_non_null(c->file);
	c->saved = dup(fileno(stream));
	assert_true(c->saved >= 0);
	assert_true(dup2(fileno(c->file), fileno(stream)) >= 0);
}

void end_capture(struct capture *c, FILE *stream)
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
