/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See md/members.h. Disks come and go while a directory is read: what vanishes on the way is no error, and everything
 * else is, since a disk that is left out looks as if it had been pulled.
 */
#include "md/members.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sysfs.h"

/* Errors that mean that the disk has gone. Running out of descriptors must not look as if a disk had been pulled. */
static bool has_vanished(ssize_t error)
{
	return error == -ENOENT || error == -ENODEV || error == -ENXIO || error == -ENOTDIR || error == -EBUSY;
}

static int parse_slot(const char *text)
{
	int64_t n;

	if (sysfs_parse_number(text, &n) < 0 || n < 0 || n > INT_MAX)
		return -1;
	return (int)n;
}

/* 0 as the number: the disk has gone while md still lists it. */
static int read_member_dev(int dir, dev_t *dev)
{
	char text[SYSFS_WORD_MAX];
	ssize_t n = sysfs_read_attr(dir, "block/dev", text, sizeof(text));

	*dev = 0;
	if (n < 0)
		return has_vanished(n) ? 0 : (int)n;
	return sysfs_parse_dev(text, dev);
}

static int fill_member(int dir, struct sysfs_member *m)
{
	char text[SYSFS_STATE_MAX];
	struct stat st;
	ssize_t n;

	if (fstat(dir, &st) < 0)
		return -errno;
	m->inode = st.st_ino;
	n = sysfs_read_attr(dir, "slot", text, sizeof(text));
	if (n < 0)
		return (int)n;
	m->slot = parse_slot(text);
	n = sysfs_read_attr(dir, "state", text, sizeof(text));
	if (n < 0)
		return (int)n;
	m->state = sysfs_parse_member_state(text);
	n = sysfs_read_attr(dir, "block/device/state", text, sizeof(text));
	m->offline = n > 0 && sysfs_is_word(text, "offline");
	return read_member_dev(dir, &m->dev);
}

static int read_member_dir(int md_dir, const char *name, struct sysfs_member *m)
{
	int dir = sysfs_open_attr(md_dir, name, O_PATH | O_DIRECTORY);
	int r;

	if (dir < 0)
		return dir;
	memset(m, 0, sizeof(*m));
	strcpy(m->name, name); /* is_member_name(): it fits */
	r = fill_member(dir, m);
	close(dir);
	return r;
}

struct member_list {
	struct sysfs_member *entry;
	size_t count, capacity;
};

static int append_member(struct member_list *l, const struct sysfs_member *m)
{
	if (l->count == l->capacity) {
		size_t capacity = l->capacity ? l->capacity * 2 : 8;
		struct sysfs_member *entry = reallocarray(l->entry, capacity, sizeof(*entry));

		if (!entry)
			return -ENOMEM;
		l->entry = entry;
		l->capacity = capacity;
	}
	l->entry[l->count++] = *m;
	return 0;
}

static bool is_member_name(const char *name)
{
	return strncmp(name, MEMBER_PREFIX, strlen(MEMBER_PREFIX)) == 0 && strlen(name) < MEMBER_NAME_MAX;
}

static int collect_members(int md_dir, DIR *d, struct member_list *l)
{
	const struct dirent *e;
	struct sysfs_member m;
	int r;

	while (errno = 0, (e = readdir(d)) != NULL) {
		if (!is_member_name(e->d_name))
			continue;
		r = read_member_dir(md_dir, e->d_name, &m);
		if (r == 0)
			r = append_member(l, &m);
		else if (has_vanished(r))
			r = 0;
		if (r < 0)
			return r;
	}
	return -errno;
}

static DIR *open_dir_for_listing(int md_dir)
{
	int fd = sysfs_open_attr(md_dir, ".", O_RDONLY | O_DIRECTORY); /* O_PATH cannot be listed */
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (fd < 0)
		errno = -fd;
	else if (!d)
		close(fd);
	return d;
}

int sysfs_list_members(int md_dir, struct sysfs_member **list, size_t *count)
{
	struct member_list l = { 0 };
	DIR *d = open_dir_for_listing(md_dir);
	int r;

	*list = NULL;
	*count = 0;
	if (!d)
		return -errno;
	r = collect_members(md_dir, d, &l);
	closedir(d);
	if (r < 0) {
		free(l.entry);
		return r;
	}
	*list = l.entry;
	*count = l.count;
	return 0;
}

/*
 * When a member leaves, md takes its "block" link away at once, tells of the change in mdstat, and removes the directory
 * some time later, without a word (kernel-md.md 5.1).
 */
static bool has_block_link(int md_dir, const char *name)
{
	char path[MEMBER_NAME_MAX + sizeof("/block")];

	if (snprintf(path, sizeof(path), "%s/block", name) >= (int)sizeof(path))
		return false;
	return faccessat(md_dir, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* FNV-1a of one entry. */
static uint64_t hash_entry(int md_dir, const struct dirent *e)
{
	uint64_t h = 0xcbf29ce484222325ull ^ (uint64_t)e->d_ino ^ has_block_link(md_dir, e->d_name);

	for (const char *c = e->d_name; *c; c++)
		h = (h ^ (unsigned char)*c) * 0x100000001b3ull;
	return h;
}

int sysfs_members_fingerprint(int md_dir, uint64_t *print)
{
	DIR *d = open_dir_for_listing(md_dir);
	const struct dirent *e;
	uint64_t sum = 1;
	int err;

	if (!d)
		return -errno;
	while (errno = 0, (e = readdir(d)) != NULL)
		if (is_member_name(e->d_name))
			sum += hash_entry(md_dir, e); /* whatever the order */
	err = errno;
	closedir(d);
	*print = sum;
	return -err;
}
