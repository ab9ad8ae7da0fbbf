/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A directory of a test's own under /tmp, which holds what looks like a part of /sys. tree_setup() and tree_teardown()
 * are for cmocka_unit_test_setup_teardown(); the state is the struct tree.
 */
#ifndef TREE_H
#define TREE_H

#include <stddef.h>

struct tree {
	char path[64];
	int dir; /* O_PATH, like the one of sysfs_open_md_dir */
};

int tree_setup(void **state);
int tree_teardown(void **state);

void tree_make_dir(const struct tree *t, const char *path);
void tree_put_bytes(const struct tree *t, const char *path, const void *bytes, size_t n);
void tree_put(const struct tree *t, const char *path, const char *text);

#endif
