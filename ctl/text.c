/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See ctl/text.h. Names of volumes and serial numbers come from the disks, through the daemon: an escape sequence in
 * one of them must not reach the terminal of the administrator.
 */
#include <langinfo.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

#include "ctl/text.h"

#define CUT ".."

/* One character as it is shown. */
struct glyph {
	char bytes[MB_LEN_MAX + 1];
	size_t len;
	unsigned columns;
};

static bool locale_is_utf8(void)
{
	return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

/* Invisible characters that reorder or hide others: a name could be made to look like another one. */
static bool is_deceptive(wchar_t c)
{
	return (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) ||
	       c == 0x00ad || c == 0x061c || c == 0xfeff || (c >= 0xfff9 && c <= 0xfffb) || c >= 0xe0000;
}

/* Bytes of s that make one character that may be shown, or 0. */
static size_t decode(const char *s, wchar_t *c)
{
	mbstate_t state = { 0 };
	size_t n = mbrtowc(c, s, strlen(s), &state);

	if (n == (size_t)-1 || n == (size_t)-2 || !iswprint((wint_t)*c) || is_deceptive(*c))
		return 0;
	return n;
}

/* Bytes that are left out with a character that is not shown: all of a UTF-8 sequence, one otherwise. */
static size_t skip(const char *s)
{
	size_t n = 1;

	while (((unsigned char)s[0] & 0x80) && ((unsigned char)s[n] & 0xc0) == 0x80)
		n++;
	return n;
}

static const char *unknown_glyph(const char *s, struct glyph *g)
{
	g->len = g->columns = 1;
	g->bytes[0] = '?';
	return s + skip(s);
}

/* The first character of s, which is not empty; returns what follows it. */
static const char *next_glyph(const char *s, struct glyph *g)
{
	bool ascii = (unsigned char)s[0] < 0x80;
	wchar_t c;
	size_t n;
	int columns;

	if (!ascii && !locale_is_utf8())
		return unknown_glyph(s, g);
	n = decode(s, &c);
	columns = n ? wcwidth(c) : -1;
	if (columns < 0)
		return unknown_glyph(s, g);
	memcpy(g->bytes, s, n);
	g->len = n;
	g->columns = (unsigned)columns;
	return s + n;
}

unsigned text_columns(const char *s)
{
	unsigned columns = 0;
	struct glyph g;

	while (*s) {
		s = next_glyph(s, &g);
		columns += g.columns;
	}
	return columns;
}

void text_sanitize(char *to, size_t size, const char *s)
{
	struct glyph g;
	size_t have = 0;

	while (*s) {
		s = next_glyph(s, &g);
		if (have + g.len >= size)
			break;
		memcpy(to + have, g.bytes, g.len);
		have += g.len;
	}
	to[have] = '\0';
}

void text_init(struct text *t, unsigned width, bool colour)
{
	memset(t, 0, sizeof(*t));
	t->width = width < TEXT_WIDTH_MIN ? TEXT_WIDTH_MIN : width;
	t->colour = colour;
	t->out = open_memstream(&t->buf, &t->len);
}

static void end_line(struct text *t)
{
	if (t->written && t->out)
		fputc('\n', t->out);
	t->column = t->written = 0;
}

char *text_finish(struct text *t)
{
	bool failed;

	end_line(t);
	if (!t->out)
		return NULL;
	failed = ferror(t->out);
	failed |= fclose(t->out) != 0;
	if (!failed)
		return t->buf;
	free(t->buf);
	return NULL;
}

void text_line(struct text *t, unsigned indent)
{
	end_line(t);
	t->indent = indent;
	text_space(t, indent);
}

void text_space(struct text *t, unsigned columns)
{
	unsigned room = t->width - t->column;

	t->column += columns < room ? columns : room;
}

void text_indent_here(struct text *t)
{
	/* A long text before it leaves what is wrapped half of the line. */
	t->indent = t->column < t->width / 2 ? t->column : t->width / 2;
}

static const char *style_on(enum style style)
{
	switch (style) {
	case STYLE_PLAIN:
		break;
	case STYLE_BOLD:
		return "\033[1m";
	case STYLE_DIM:
		return "\033[2m";
	case STYLE_GOOD:
		return "\033[32m";
	case STYLE_WARN:
		return "\033[33m";
	case STYLE_BAD:
		return "\033[1;31m";
	}
	return "";
}

static void pay_spaces(struct text *t)
{
	for (; t->written < t->column; t->written++)
		fputc(' ', t->out);
}

/* As much of s as fits into `room` columns; returns what that took. */
static unsigned put_glyphs(FILE *out, const char *s, unsigned room)
{
	unsigned columns = 0;
	struct glyph g;

	while (*s) {
		s = next_glyph(s, &g);
		if (columns + g.columns > room)
			break;
		columns += g.columns;
		fwrite(g.bytes, 1, g.len, out);
	}
	return columns;
}

static unsigned put_cut(FILE *out, const char *s, unsigned room)
{
	const unsigned mark = sizeof(CUT) - 1;

	if (text_columns(s) <= room)
		return put_glyphs(out, s, room);
	if (room < mark)
		return put_glyphs(out, CUT, room);
	return put_glyphs(out, s, room - mark) + put_glyphs(out, CUT, mark);
}

static void put_at_most(struct text *t, enum style style, const char *s, unsigned room)
{
	bool styled = t->colour && style != STYLE_PLAIN;

	if (!t->out || !*s || !room)
		return;
	pay_spaces(t);
	if (styled)
		fputs(style_on(style), t->out);
	t->written += put_cut(t->out, s, room);
	if (styled)
		fputs("\033[0m", t->out);
	t->column = t->written;
}

void text_put(struct text *t, enum style style, const char *s)
{
	put_at_most(t, style, s, t->width - t->column);
}

void text_cell(struct text *t, enum style style, unsigned columns, const char *s)
{
	unsigned room = t->width - t->column, end;

	if (columns > room)
		columns = room;
	end = t->column + columns;
	put_at_most(t, style, s, columns);
	t->column = end;
}

void text_word(struct text *t, enum style style, const char *fmt, ...)
{
	char *word;
	va_list args;
	int n;

	va_start(args, fmt);
	n = vasprintf(&word, fmt, args);
	va_end(args);
	if (n < 0)
		return;
	if (t->column > t->indent) {
		if (t->column + 1 + text_columns(word) > t->width)
			text_line(t, t->indent);
		else
			text_space(t, 1);
	}
	text_put(t, style, word);
	free(word);
}
