/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text for a terminal: lines that never exceed a width, wrapped between words, in colour or not. Whatever is put in
 * may come from anywhere: what could steer the terminal becomes '?', and width is what the terminal shows, not bytes.
 * Which characters exist is LC_CTYPE's say: call setlocale() before. mdmonctl only.
 */
#ifndef CTL_TEXT_H
#define CTL_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum style { STYLE_PLAIN, STYLE_BOLD, STYLE_DIM, STYLE_GOOD, STYLE_WARN, STYLE_BAD };

struct text {
	FILE *out;        /* memory stream behind buf; NULL: out of memory, everything is ignored */
	char *buf;
	size_t len;
	unsigned width;   /* columns, at least TEXT_WIDTH_MIN */
	bool colour;
	unsigned column;  /* where the line is, spaces that are owed included */
	unsigned written; /* the same without those: no line ends in a space */
	unsigned indent;  /* where wrapped lines begin */
};

#define TEXT_WIDTH_MIN 20

void text_init(struct text *t, unsigned width, bool colour);

/* What was put in, the caller's to free; NULL if memory ran out. */
char *text_finish(struct text *t);

/* Begins a line at this column; what is wrapped continues there, too. Ends the line before, if there is one. */
void text_line(struct text *t, unsigned indent);

/* Continues wrapped lines at the current column from now on. */
void text_indent_here(struct text *t);

/* Puts it where the line is; what does not fit into the line is cut, and ends in "..". */
void text_put(struct text *t, enum style style, const char *s);

/* The same, cut or padded to exactly `columns`. */
void text_cell(struct text *t, enum style style, unsigned columns, const char *s);

/* Puts it after a space, on a line of its own if it does not fit. Is not broken up itself. */
void text_word(struct text *t, enum style style, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

void text_space(struct text *t, unsigned columns);

/* Columns that text_put would take. */
unsigned text_columns(const char *s);

/* Copies s as it may go to a terminal, on one line. */
void text_sanitize(char *to, size_t size, const char *s);

#endif
