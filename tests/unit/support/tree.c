/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See tree.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/support/tree.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int tree_setup(void **state)
{
	struct tree *t = calloc(1, sizeof(*t));

	strcpy(t->path, "/tmp/mdmon-test.XXXXXX");
	if (!mkdtemp(t->path))
		return -1;
	t->dir = open(t->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	*state = t;
	return t->dir < 0 ? -1 : 0;
}

static int tree_remove_entry(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

int tree_teardown(void **state)
{
	struct tree *t = *state;

	close(t->dir);
	nftw(t->path, tree_remove_entry, 8, FTW_DEPTH | FTW_PHYS);
	free(t);
	return 0;
}

void tree_make_dir(const struct tree *t, const char *path)
{
	assert_int_equal(mkdirat(t->dir, path, 0700), 0);
}

void tree_put_bytes(const struct tree *t, const char *path, const void *bytes, size_t n)
{
	int fd = openat(t->dir, path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, n), (ssize_t)n);
	close(fd);
}

void tree_put(const struct tree *t, const char *path, const char *text)
{
	tree_put_bytes(t, path, text, strlen(text));
}
