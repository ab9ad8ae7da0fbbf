/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "ctl/container.h"

/* A small system below a directory of our own: md127 with the array md126, md20 with a daemon only, sda. */
static char root[] = "/tmp/test-ctl-container-XXXXXX";
static char run[64], sys[64], dev[64], mdstat[64];
static const struct ctl_paths paths = { run, sys, dev, mdstat };
static bool have_nodes;

static void shell(const char *command)
{
	char line[512];

	snprintf(line, sizeof(line), "cd %s && %s", root, command);
	assert_int_equal(system(line), 0);
}

static void make_node(const char *name, unsigned minor_number)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", dev, name);
	have_nodes = mknod(path, S_IFBLK | 0600, makedev(9, minor_number)) == 0;
}

static void write_mdstat(const char *text)
{
	FILE *f = fopen(mdstat, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static int setup(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(root));
	snprintf(run, sizeof(run), "%s/run", root);
	snprintf(sys, sizeof(sys), "%s/sys", root);
	snprintf(dev, sizeof(dev), "%s/dev", root);
	snprintf(mdstat, sizeof(mdstat), "%s/mdstat", root);
	shell("mkdir -p run dev/md sys/dev/block sys/block/md127/md sys/block/md126/md sys/block/sda");
	shell("echo external:imsm >sys/block/md127/md/metadata_version");
	shell("echo external:/md127/0 >sys/block/md126/md/metadata_version");
	shell("ln -s ../../block/md127 sys/dev/block/9:127; ln -s ../../block/md126 sys/dev/block/9:126");
	shell("touch run/md20.sock run/md3.sock run/md20.pid run/.sock run/.x.sock dev/file");
	make_node("md/imsm0", 127);
	make_node("md/Volume0", 126);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	shell("rm -r run dev sys; rm -f mdstat");
	return rmdir(root);
}

static void assert_resolves(const char *arg, const char *expected)
{
	char name[MD_NAME_MAX];
	int r = ctl_container_resolve(&paths, arg, name);

	if (r)
		fail_msg("%s: %s", arg, ctl_container_error(r));
	assert_string_equal(name, expected);
}

static void assert_fails(const char *arg, int err)
{
	char name[MD_NAME_MAX];

	assert_int_equal(ctl_container_resolve(&paths, arg, name), err);
}

static void test_kernel_names(void **state)
{
	(void)state;
	assert_resolves("md127", "md127");
	assert_resolves("md126", "md127");
	assert_resolves("md20", "md20");
	assert_fails("md1", -ENOENT);
	assert_fails("sda", -ENODEV);
	assert_fails("", -ENOENT);
	assert_fails("..", -ENOTBLK);
	assert_fails("../run/md20", -ENOENT);
	assert_fails("a-name-that-is-longer-than-any-md-device-may-have", -ENOENT);
}

static void test_paths(void **state)
{
	char path[128];

	(void)state;
	if (!have_nodes)
		skip();
	assert_resolves("imsm0", "md127");
	assert_resolves("md/imsm0", "md127");
	assert_resolves("Volume0", "md127");
	snprintf(path, sizeof(path), "%s/md/imsm0", dev);
	assert_resolves(path, "md127");
}

static void test_paths_to_other_things(void **state)
{
	char path[128];

	(void)state;
	snprintf(path, sizeof(path), "%s/file", dev);
	assert_fails(path, -ENOTBLK);
	snprintf(path, sizeof(path), "%s/file/below", dev);
	assert_fails(path, -ENOENT);
	assert_fails("/nowhere", -ENOENT);
	assert_fails("md/", -ENOTBLK);
}

static void test_list(void **state)
{
	struct ctl_containers list;

	(void)state;
	write_mdstat("md126 : active raid1 sda[1] sdb[0]\n"
		     "      4096 blocks super external:/md127/0 [2/2] [UU]\n\n"
		     "md125 : active raid5 sda[1] sdb[0]\n"
		     "      4096 blocks super external:/md3/0 [2/2] [UU]\n\n"
		     "md124 : active raid0 sda[1] sdb[0]\n"
		     "      4096 blocks super external:/md30/0 64k chunks\n\n"
		     "md123 : active raid1 sda[1] sdb[0]\n"
		     "      4096 blocks super external:-md31/0 [2/2] [UU]\n\n"
		     "md122 : inactive sda[1] sdb[0]\n"
		     "      4096 blocks super external:/md32/0\n\n");
	assert_int_equal(ctl_containers_read(&paths, &list), 0);
	assert_int_equal(list.count, 3);
	assert_string_equal(list.name[0], "md3");
	assert_string_equal(list.name[1], "md20");
	assert_string_equal(list.name[2], "md127");
	ctl_containers_free(&list);
}

static void test_list_of_nothing(void **state)
{
	static const struct ctl_paths nowhere = { "/nowhere/run", "/nowhere/sys", "/nowhere/dev", "/nowhere/mdstat" };
	struct ctl_containers list;

	(void)state;
	assert_int_equal(ctl_containers_read(&nowhere, &list), 0);
	assert_int_equal(list.count, 0);
	ctl_containers_free(&list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kernel_names),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_paths_to_other_things),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_list_of_nothing),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
