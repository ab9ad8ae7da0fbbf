/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See ctl/container.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "ctl/container.h"
#include "mdstat.h"
#include "sysfs.h"

#define SOCKET_SUFFIX ".sock"

/* ---- names ---- */

static bool is_name(const char *s, size_t len)
{
	return len > 0 && len < MD_NAME_MAX && s[0] != '.' && !memchr(s, '/', len);
}

static bool join(char *path, size_t size, const char *dir, const char *name, const char *end)
{
	return snprintf(path, size, "%s/%s%s", dir, name, end) < (int)size;
}

bool ctl_container_socket(const struct ctl_paths *p, const char *name, char *path, size_t size)
{
	return join(path, size, p->run, name, SOCKET_SUFFIX);
}

static bool exists(const char *path)
{
	return access(path, F_OK) == 0;
}

static bool has_socket(const struct ctl_paths *p, const char *name)
{
	char path[PATH_MAX];

	return ctl_container_socket(p, name, path, sizeof(path)) && exists(path);
}

static bool is_block_device_name(const struct ctl_paths *p, const char *name)
{
	char path[PATH_MAX];

	return snprintf(path, sizeof(path), "%s/block/%s", p->sys, name) < (int)sizeof(path) && exists(path);
}

/* The kernel's name is the last part of what /sys/dev/block/MAJOR:MINOR points to. */
static int name_of_device(const struct ctl_paths *p, dev_t dev, char *name)
{
	char path[PATH_MAX], target[PATH_MAX];
	const char *base;
	ssize_t n;

	snprintf(path, sizeof(path), "%s/dev/block/%u:%u", p->sys, major(dev), minor(dev));
	n = readlink(path, target, sizeof(target) - 1);
	if (n < 0)
		return -errno;
	target[n] = '\0';
	base = strrchr(target, '/');
	base = base ? base + 1 : target;
	if (!is_name(base, strlen(base)))
		return -ENODEV;
	strcpy(name, base);
	return 0;
}

static int name_of_path(const struct ctl_paths *p, const char *path, char *name)
{
	struct stat sb;

	if (stat(path, &sb) < 0)
		return -errno;
	if (!S_ISBLK(sb.st_mode))
		return -ENOTBLK;
	return name_of_device(p, sb.st_rdev, name);
}

static int name_below(const struct ctl_paths *p, const char *dir, const char *arg, char *name)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s%s/%s", p->dev, dir, arg) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	return name_of_path(p, path, name);
}

/* The socket counts before sysfs: a daemon may run for a device that is not visible here (a container, a chroot). */
static int name_of_word(const struct ctl_paths *p, const char *arg, char *name)
{
	if (is_name(arg, strlen(arg)) && (has_socket(p, arg) || is_block_device_name(p, arg))) {
		strcpy(name, arg);
		return 0;
	}
	return name_below(p, "/md", arg, name);
}

static int name_of_argument(const struct ctl_paths *p, const char *arg, char *name)
{
	if (!*arg)
		return -ENOENT;
	if (arg[0] == '/')
		return name_of_path(p, arg, name);
	if (strncmp(arg, "md/", 3) == 0)
		return name_below(p, "", arg, name);
	return name_of_word(p, arg, name);
}

/* ---- arrays and their container ---- */

/* Reads a small file whole, without the newline at its end. */
static int read_file(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = sysfs_read_fd(fd, buf, size);
	close(fd);
	return n < 0 ? (int)n : 0;
}

/* The name of an array stands for the container that it lies in. */
static int container_of_array(const struct ctl_paths *p, char *name)
{
	char path[PATH_MAX], text[SYSFS_WORD_MAX];
	struct metadata_version version;
	int r;

	snprintf(path, sizeof(path), "%s/block/%s/md/metadata_version", p->sys, name);
	r = read_file(path, text, sizeof(text));
	if (r < 0)
		return r == -ENOENT ? -ENODEV : r;
	sysfs_parse_metadata_version(text, &version);
	if (version.is_member && is_name(version.name, strlen(version.name)))
		strcpy(name, version.name);
	return 0;
}

int ctl_container_resolve(const struct ctl_paths *p, const char *arg, char *name)
{
	int r = name_of_argument(p, arg, name);

	if (r < 0)
		return r == -ENOTDIR ? -ENOENT : r;
	return has_socket(p, name) ? 0 : container_of_array(p, name);
}

const char *ctl_container_error(int err)
{
	switch (err) {
	case -ENOENT:
		return "there is no such md device";
	case -ENOTBLK:
		return "that is not a block device";
	case -ENODEV:
		return "that is not an md device";
	}
	return strerror(-err);
}

/* ---- the list ---- */

static int add_name(struct ctl_containers *list, const char *name, size_t len)
{
	void *larger;

	if (!is_name(name, len))
		return 0;
	larger = realloc(list->name, (list->count + 1) * sizeof(list->name[0]));
	if (!larger)
		return -ENOMEM;
	list->name = larger;
	memcpy(list->name[list->count], name, len);
	list->name[list->count++][len] = '\0';
	return 0;
}

static int add_sockets(const struct ctl_paths *p, struct ctl_containers *list)
{
	const size_t suffix = sizeof(SOCKET_SUFFIX) - 1;
	DIR *dir = opendir(p->run);
	struct dirent *d;
	int r = 0;

	if (!dir)
		return errno == ENOENT ? 0 : -errno;
	while (!r && (d = readdir(dir))) {
		size_t len = strlen(d->d_name);

		if (len > suffix && strcmp(d->d_name + len - suffix, SOCKET_SUFFIX) == 0)
			r = add_name(list, d->d_name, len - suffix);
	}
	closedir(dir);
	return r;
}

static bool needs_daemon(const struct mdstat_entry *e)
{
	int level = sysfs_parse_level(e->level);

	/* external:-md127/0: mdadm has asked for no daemon. */
	return e->running && e->external && e->metadata[0] == '/' && level > 0;
}

static int add_needed(const struct ctl_paths *p, struct ctl_containers *list)
{
	int fd = open(p->mdstat, O_RDONLY | O_CLOEXEC), r;
	struct mdstat m;

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	r = mdstat_read(fd, &m);
	close(fd);
	if (r < 0)
		return r;
	for (size_t i = 0; !r && i < m.count; i++) {
		const char *container = m.entry[i].metadata + 1;

		if (needs_daemon(&m.entry[i]))
			r = add_name(list, container, strcspn(container, "/"));
	}
	mdstat_free(&m);
	return r;
}

static int compare_names(const void *a, const void *b)
{
	return strverscmp(a, b);
}

static void sort_and_unite(struct ctl_containers *list)
{
	size_t kept = 0;

	if (list->count)
		qsort(list->name, list->count, sizeof(list->name[0]), compare_names);
	for (size_t i = 0; i < list->count; i++) {
		if (kept && strcmp(list->name[kept - 1], list->name[i]) == 0)
			continue;
		memmove(list->name[kept++], list->name[i], sizeof(list->name[0]));
	}
	list->count = kept;
}

int ctl_containers_read(const struct ctl_paths *p, struct ctl_containers *list)
{
	int r;

	memset(list, 0, sizeof(*list));
	r = add_sockets(p, list);
	if (!r)
		r = add_needed(p, list);
	if (r < 0)
		ctl_containers_free(list);
	sort_and_unite(list);
	return r;
}

void ctl_containers_free(struct ctl_containers *list)
{
	free(list->name);
	memset(list, 0, sizeof(*list));
}
