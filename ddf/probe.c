/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Anchors that are not in the last sector: some controllers put them elsewhere (ddf.md 12). Who asks mdadm to look for
 * them, with a line in its configuration, asks us, too: both must take the same disks for those of a container.
 * Nothing is looked for unasked, unless there is proof that mdadm has done so (ddf/load.c): mdadm makes a disk blank by
 * clearing the anchor, and only it, and any of the headers that stay on the disk would pass for one.
 */
#include "ddf/ddf.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/log.h"

#define WORD_SIZE 64 /* the words that matter are shorter */
#define PIECE (1u << 20)
#define STEP 4 /* bytes; the anchor may be at any multiple */

_Static_assert(DDF_PROBED_BYTES % PIECE == 0, "pieces of one size");
_Static_assert(DDF_SECTOR % STEP == 0 && PIECE % DDF_SECTOR == 0, "no signature lies across two pieces");

/* ---- words of a configuration file: mdadm.conf(5), and what mdadm makes of what that leaves open ---- */

struct reader {
	FILE *f;
	int last; /* the character that was read last; a new line at the beginning */
};

enum word { NO_WORD, FIRST_OF_LINE, OTHER_WORD };

static int next_char(struct reader *r)
{
	do
		r->last = getc(r->f);
	while (r->last == '\r');
	return r->last;
}

static bool is_blank(int c)
{
	return c == ' ' || c == '\t' || c == '\n';
}

static void skip_line(struct reader *r)
{
	while (r->last != '\n' && r->last != EOF)
		next_char(r);
}

/* To the first character of a word, or to the end of the file. True if nothing stands before it in its line. */
static bool skip_to_word(struct reader *r)
{
	int before;

	do {
		before = r->last;
		if (next_char(r) == '#')
			skip_line(r);
	} while (is_blank(r->last));
	return before == '\n';
}

/* Quotes are left out; they reach to the end of the line at most. A word that is too long is cut off. */
static enum word next_word(struct reader *r, char *word, size_t size)
{
	const bool first = skip_to_word(r);
	size_t n = 0;
	int quote = 0;

	if (r->last == EOF)
		return NO_WORD;
	for (int c = r->last; c != EOF && c != '\n' && (quote || !is_blank(c)); c = next_char(r)) {
		if (quote ? c == quote : c == '"' || c == '\'')
			quote = quote ? 0 : c;
		else if (n < size - 1)
			word[n++] = (char)c;
	}
	word[n] = '\0';
	return first ? FIRST_OF_LINE : OTHER_WORD;
}

/* ---- the configuration ---- */

/* Three letters would do for other keywords, but PRO has always been PROGRAM. */
static bool is_probing(const char *keyword)
{
	return strlen(keyword) >= strlen("PROB") && strncasecmp(keyword, "PROBING", strlen(keyword)) == 0;
}

static bool asks_for_it(FILE *f)
{
	struct reader r = { .f = f, .last = '\n' };
	bool in_line = false, probing = false;
	char word[WORD_SIZE];
	enum word kind;

	while ((kind = next_word(&r, word, sizeof(word))) != NO_WORD) {
		if (kind == FIRST_OF_LINE || !in_line)
			probing = is_probing(word);
		else if (probing && strcasecmp(word, "ddf_extended") == 0)
			return true;
		in_line = true; /* what comes first in a file needs not begin its line */
	}
	return false;
}

static void report_missing(const char *path)
{
	if (errno != ENOENT && errno != ENOTDIR)
		log_warning("Cannot open %s: %m", path);
}

/* True if it exists. */
static bool read_file(const char *path, bool *wanted)
{
	FILE *f = fopen(path, "re");

	if (!f) {
		report_missing(path);
		return false;
	}
	*wanted |= asks_for_it(f);
	if (ferror(f))
		log_warning("Cannot read %s: %m", path);
	fclose(f);
	return true;
}

static bool is_config_name(const char *name)
{
	const char *suffix = strrchr(name, '.');

	return name[0] != '.' && suffix && strcmp(suffix, ".conf") == 0;
}

/* In any order: no line takes back what another one says. */
static void read_directory(const char *path, bool *wanted)
{
	char file[PATH_MAX];
	const struct dirent *e;
	DIR *d = opendir(path);

	if (!d) {
		report_missing(path);
		return;
	}
	while ((e = readdir(d)) != NULL)
		if (is_config_name(e->d_name) &&
		    snprintf(file, sizeof(file), "%s/%s", path, e->d_name) < (int)sizeof(file))
			read_file(file, wanted);
	closedir(d);
}

/* The directory goes with the file that exists; with the first, if there is none. */
bool ddf_probe_wanted(const char *etc)
{
	static const char *const names[] = { "mdadm/mdadm.conf", "mdadm.conf" };
	char path[PATH_MAX];
	bool wanted = false;
	unsigned used = 0;

	snprintf(path, sizeof(path), "%s/%s", etc, names[0]);
	if (!read_file(path, &wanted)) {
		snprintf(path, sizeof(path), "%s/%s", etc, names[1]);
		used = read_file(path, &wanted);
	}
	snprintf(path, sizeof(path), "%s/%s.d", etc, names[used]);
	read_directory(path, &wanted);
	return wanted;
}

/* ---- the search ---- */

/* Position of the first signature in the bytes, or `len`. */
static size_t find_signature(const uint8_t *bytes, size_t len)
{
	const be32 signature = be32_make(DDF_HEADER_MAGIC);

	for (size_t i = 0; i < len; i += STEP)
		if (memcmp(bytes + i, &signature, sizeof(signature)) == 0)
			return i;
	return len;
}

/* Goes on after what cannot be read: what is found beyond it leads to the same copies. 0, -ENOENT or -EIO. */
static int find_in(const struct disk *disk, uint8_t *piece, uint64_t end, uint64_t *at)
{
	int err = -ENOENT;

	for (uint64_t start = end - DDF_PROBED_BYTES; start < end; start += PIECE) {
		if (disk_read(disk, piece, PIECE, start) != 0) {
			err = -EIO;
			continue;
		}
		*at = start + find_signature(piece, PIECE);
		if (*at < start + PIECE)
			return 0;
	}
	return err;
}

/* A header need not be where a sector begins. */
static int read_header(const struct disk *disk, uint64_t at, struct ddf_header *h)
{
	uint8_t sectors[2 * DDF_SECTOR];
	const size_t skip = at % DDF_SECTOR, len = skip ? sizeof(sectors) : DDF_SECTOR;

	if (at - skip + len > disk->size || disk_read(disk, sectors, len, at - skip) != 0)
		return -EIO;
	memcpy(h, sectors + skip, sizeof(*h));
	return 0;
}

const char *ddf_probe_anchor(const struct disk *disk, struct ddf_header *anchor)
{
	const char *why = "no DDF signature near its end";
	uint8_t *piece;
	uint64_t at;
	int err;

	if (disk->size <= DDF_PROBED_BYTES)
		return why;
	piece = malloc(PIECE);
	if (!piece)
		return "out of memory";
	err = find_in(disk, piece, disk->size / DDF_SECTOR * DDF_SECTOR, &at);
	free(piece);
	if (!err)
		err = read_header(disk, at, anchor);
	if (err == -EIO)
		return "the sectors near its end cannot be read";
	if (err)
		return why;
	return ddf_check_header(anchor, DDF_ANCHOR, &why) == 0 ? NULL : why;
}
