/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See mdstat.h. The file is for people: there is no grammar that the kernel keeps to for ever.
 * So the parser goes by lines and words and takes only what it is sure of.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mdstat.h"
#include "sysfs.h"

struct word {
	const char *s;
	size_t len;
};

/* State of the parser between lines. */
struct mdstat_parser {
	struct mdstat *out;
	size_t capacity;
	struct mdstat_entry *entry; /* NULL: these lines are nobody's */
	bool bitmap_seen;           /* the word "bitmap:": what follows may be the name of a file, "super" too */
};

/* Takes the next word of the line, which ends at `end`; false if there is none. */
static bool next_word(const char **p, const char *end, struct word *w)
{
	const char *s = *p;

	while (s < end && (*s == ' ' || *s == '\t'))
		s++;
	w->s = s;
	while (s < end && *s != ' ' && *s != '\t')
		s++;
	w->len = (size_t)(s - w->s);
	*p = s;
	return w->len > 0;
}

static bool word_is(const struct word *w, const char *text)
{
	return w->len == strlen(text) && memcmp(w->s, text, w->len) == 0;
}

static bool word_begins(const struct word *w, const char *text)
{
	size_t len = strlen(text);

	return w->len >= len && memcmp(w->s, text, len) == 0;
}

static void copy_word(char *dest, size_t size, const char *s, size_t len)
{
	if (len >= size)
		len = size - 1;
	memcpy(dest, s, len);
	dest[len] = '\0';
}

static int append_entry(struct mdstat_parser *p)
{
	struct mdstat *out = p->out;

	if (out->count == p->capacity) {
		size_t capacity = p->capacity ? p->capacity * 2 : 8;
		struct mdstat_entry *entry = reallocarray(out->entry, capacity, sizeof(*entry));

		if (!entry)
			return -ENOMEM;
		out->entry = entry;
		p->capacity = capacity;
	}
	p->entry = &out->entry[out->count++];
	memset(p->entry, 0, sizeof(*p->entry));
	return 0;
}

/* The rest of "md126 : active (read-only) raid5 sdb[1] sda[0]", from "active" on. */
static void parse_activity(struct mdstat_entry *e, const char *p, const char *end)
{
	struct word w;

	if (!next_word(&p, end, &w))
		return;
	e->running = word_is(&w, "active") || word_is(&w, "broken");
	if (!e->running)
		return;
	do
		if (!next_word(&p, end, &w))
			return;
	while (word_begins(&w, "("));
	if (!memchr(w.s, '[', w.len)) /* "sda[0]" would be a device: no level is shown */
		copy_word(e->level, sizeof(e->level), w.s, w.len);
}

/* A line that begins in the first column. */
static int parse_head(struct mdstat_parser *p, const char *line, const char *end)
{
	struct word name, colon;
	int r;

	p->entry = NULL;
	p->bitmap_seen = false;
	if (!next_word(&line, end, &name) || !next_word(&line, end, &colon))
		return 0;
	/* "Personalities :" has the colon, too. */
	if (!word_begins(&name, "md") || !word_is(&colon, ":") || name.len >= MD_NAME_MAX)
		return 0;
	r = append_entry(p);
	if (r < 0)
		return r;
	copy_word(p->entry->name, sizeof(p->entry->name), name.s, name.len);
	parse_activity(p->entry, line, end);
	return 0;
}

static void parse_super(struct mdstat_entry *e, const struct word *w)
{
	static const char prefix[] = "external:";
	size_t skip = sizeof(prefix) - 1;

	if (!word_begins(w, prefix))
		return;
	e->external = true;
	copy_word(e->metadata, sizeof(e->metadata), w->s + skip, w->len - skip);
}

/* An indented line: size, metadata, geometry, progress, bitmap. */
static void parse_detail(struct mdstat_parser *p, const char *line, const char *end)
{
	struct word w, last = { "", 0 };

	while (!p->bitmap_seen && next_word(&line, end, &w)) {
		if (word_is(&w, "bitmap:"))
			p->bitmap_seen = true;
		else if (word_is(&last, "super"))
			parse_super(p->entry, &w);
		last = w;
	}
}

int mdstat_parse(const char *text, struct mdstat *out)
{
	struct mdstat_parser p = { .out = out };
	int r;

	memset(out, 0, sizeof(*out));
	while (*text) {
		const char *end = strchrnul(text, '\n');

		if (*text != ' ' && *text != '\t') {
			r = parse_head(&p, text, end);
			if (r < 0) {
				mdstat_free(out);
				return r;
			}
		} else if (p.entry) {
			parse_detail(&p, text, end);
		}
		text = *end ? end + 1 : end;
	}
	return 0;
}

void mdstat_free(struct mdstat *m)
{
	free(m->entry);
	memset(m, 0, sizeof(*m));
}

int mdstat_open(void)
{
	int fd = open("/proc/mdstat", O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* Appends what one read returns to *text, of which `have` bytes are used; grows it when it is full. */
static ssize_t read_some(int fd, char **text, size_t *size, size_t have)
{
	ssize_t n;

	if (have == *size - 1) {
		char *bigger = realloc(*text, *size * 2);

		if (!bigger)
			return -ENOMEM;
		*text = bigger;
		*size *= 2;
	}
	do
		n = read(fd, *text + have, *size - 1 - have);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

int mdstat_read(int fd, struct mdstat *out)
{
	size_t size = 16 * 1024, have = 0;
	char *text = malloc(size);
	ssize_t n;

	memset(out, 0, sizeof(*out));
	if (!text)
		return -ENOMEM;
	/* Only a read from offset 0 acknowledges the event. */
	n = lseek(fd, 0, SEEK_SET) < 0 ? -errno : 1;
	while (n > 0) {
		n = read_some(fd, &text, &size, have);
		if (n > 0)
			have += (size_t)n;
	}
	text[have] = '\0';
	if (n == 0)
		n = mdstat_parse(text, out);
	free(text);
	return (int)n;
}

const struct mdstat_entry *mdstat_find(const struct mdstat *m, const char *name)
{
	for (size_t i = 0; i < m->count; i++)
		if (strcmp(m->entry[i].name, name) == 0)
			return &m->entry[i];
	return NULL;
}

bool mdstat_is_member_of(const struct mdstat_entry *e, const char *container)
{
	struct metadata_version v;

	if (!e->external)
		return false;
	sysfs_parse_metadata_version(e->metadata, &v);
	return v.is_member && strcmp(v.name, container) == 0;
}
