/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a format can tell of the metadata on some disks to somebody who only wants to look (mdmonctl examine). The daemon has no
 * use for it. Nothing here writes, and nothing needs an md array.
 *
 * What is told is a tree of named values. The handlers know the names and the values, and not what becomes of them: docs/examine.md
 * is the schema, ctl/facts.c makes JSON of it.
 */
#ifndef EXAMINE_H
#define EXAMINE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FACTS_LINE_MAX 256

struct disk;

/* Where it goes. `key` is a literal, or NULL in a list, or is copied. */
struct facts {
	void (*begin)(struct facts *f, const char *key, bool list);
	void (*end)(struct facts *f);
	void (*number)(struct facts *f, const char *key, uint64_t n);
	void (*flag)(struct facts *f, const char *key, bool b);
	/* Bytes of any kind, up to a NUL or so many; NULL: there is no value. */
	void (*text)(struct facts *f, const char *key, const char *s, size_t max);
	/* The name of the device that was given as the ith; -1: none. */
	void (*device)(struct facts *f, const char *key, int i);
	/* Something is not as it should be with that device (-1: with all of them together). Not a part of the tree. */
	void (*problem)(struct facts *f, int device, const char *line);
};

static inline void facts_object(struct facts *f, const char *key)
{
	f->begin(f, key, false);
}

static inline void facts_list(struct facts *f, const char *key)
{
	f->begin(f, key, true);
}

static inline void facts_end(struct facts *f)
{
	f->end(f);
}

static inline void facts_number(struct facts *f, const char *key, uint64_t n)
{
	f->number(f, key, n);
}

static inline void facts_flag(struct facts *f, const char *key, bool b)
{
	f->flag(f, key, b);
}

static inline void facts_text(struct facts *f, const char *key, const char *s)
{
	f->text(f, key, s, SIZE_MAX);
}

/* "9a36a0aa" */
void facts_hex32(struct facts *f, const char *key, uint32_t n);
/* "4c696e75..." */
void facts_bytes(struct facts *f, const char *key, const uint8_t *bytes, size_t len);
/* As mdadm writes it: four groups, each the number that its bytes are, little-endian. */
void facts_uuid(struct facts *f, const char *key, const uint8_t uuid[16]);
void facts_problem(struct facts *f, int device, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* "taken_by": who takes this copy when he reads the disk. */
void facts_taken_by(struct facts *f, bool mdmon, bool mdadm);
/* In "choice": the device whose copy is taken for the truth by one who reads all, which copy, and why; device -1: none. */
void facts_choice(struct facts *f, const char *who, int device, const char *copy, const char *why);

struct examiner {
	const char *name; /* "imsm" */

	/*
	 * The disk has this format's signature where its anchor is looked for. 0: it has not, 1: it has, -errno: its end cannot
	 * be read. *why says why it has not, or NULL if there is just nothing.
	 */
	int (*present)(const struct disk *d, const char **why);

	/*
	 * Tells of disks for each of which present() said 1: the values of one object. Fields that every format has are
	 * "uuid", "generation", "copies" and "choice". -ENOMEM or 0.
	 */
	int (*examine)(struct disk *const *disks, size_t count, struct facts *f);
};

extern const struct examiner examine_imsm, examine_ddf;

#endif
