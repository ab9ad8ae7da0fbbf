/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See ctl/replace.h. The new file has another name until it is complete: one that begins with a dot and does not end as the old one. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/replace.h"

/* "DIR/.NAME.XXXXXX" */
static int name_beside(const char *path, char *name, size_t size)
{
	const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
	int n = snprintf(name, size, "%.*s.%s.XXXXXX", (int)(base - path), path, base);

	if (!*base)
		return -EISDIR;
	return n < (int)size ? 0 : -ENAMETOOLONG;
}

static int write_all(int fd, const char *text)
{
	size_t left = strlen(text);

	while (left) {
		ssize_t n = write(fd, text, left);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			text += n;
			left -= (size_t)n;
		}
	}
	/* A mode of its own: the umask is for files that are private unless somebody thinks otherwise. */
	return fchmod(fd, 0644) < 0 || fsync(fd) < 0 ? -errno : 0;
}

/* The new name, too, survives a power cut. */
static int sync_directory(const char *path)
{
	const char *slash = strrchr(path, '/');
	char dir[PATH_MAX];
	int fd, r;

	snprintf(dir, sizeof(dir), "%.*s", slash ? (int)(slash - path + 1) : 1, slash ? path : ".");
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = fsync(fd) < 0 ? -errno : 0;
	close(fd);
	return r;
}

int replace_file(const char *path, const char *text)
{
	char name[PATH_MAX];
	int fd, r = name_beside(path, name, sizeof(name));

	if (r)
		return r;
	fd = mkostemp(name, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = write_all(fd, text);
	if (close(fd) < 0 && !r)
		r = -errno;
	if (!r && rename(name, path) < 0)
		r = -errno;
	if (r) {
		unlink(name);
		return r;
	}
	return sync_directory(path);
}
