/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The file of the control socket: nobody else may connect, at no moment. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "msg.h"
#include "socket/client.h"
#include "socket/server.h"
#include "tests/unit/support/socket-rig.h"

/*
 * Stands in for the libc's, to see the mode that the socket has between bind() and chmod(): not even for
 * that moment may others connect.
 */
static mode_t mode_before_chmod;

int chmod(const char *path, mode_t mode)
{
	mode_before_chmod = mode_of(path);
	return fchmodat(AT_FDCWD, path, mode, 0);
}

static void test_socket_mode(void **state)
{
	static const mode_t umasks[] = { 0, 022, 077, 0177, 0777 };
	struct server_rig *f = *state;

	for (size_t i = 0; i < COUNT(umasks); i++) {
		mode_t old = umask(umasks[i]);
		struct msg_server *s = msg_server_open(f->path);

		umask(old);
		assert_non_null(s);
		assert_int_equal(mode_of(f->path), 0700);
		assert_int_equal(mode_before_chmod & ~(mode_t)0700, 0);
		msg_server_close(s);
	}
}

static void test_old_file_replaced(void **state)
{
	struct server_rig *f = *state;
	struct msg_server *s;
	int fd;

	/* a socket that somebody still holds: f->server */
	s = msg_server_open(f->path);
	assert_non_null(s);
	msg_server_close(s);
	assert_int_equal(unlink(f->path), 0);
	/* any file */
	fd = open(f->path, O_CREAT | O_WRONLY, 0644);
	assert_true(fd >= 0);
	close(fd);
	s = msg_server_open(f->path);
	assert_non_null(s);
	fd = srv_client(f);
	close(fd);
	msg_server_close(s);
	assert_int_equal(mode_of(f->path), 0700); /* closing leaves it */
}

static void test_open_errors(void **state)
{
	struct server_rig *f = *state;
	char path[300];

	snprintf(path, sizeof(path), "%s/none/md127.sock", f->dir);
	assert_null(msg_server_open(path));
	assert_int_equal(errno, ENOENT);
	assert_int_equal(msg_connect(path), -ENOENT);
	memset(path, 'x', sizeof(path));
	memcpy(path, "/tmp/", 5);
	path[sizeof(((struct sockaddr_un *)NULL)->sun_path)] = '\0';
	assert_null(msg_server_open(path));
	assert_int_equal(errno, ENAMETOOLONG);
	assert_int_equal(msg_connect(path), -ENAMETOOLONG);
	/* something that cannot be replaced */
	assert_null(msg_server_open(f->dir));
	assert_int_not_equal(errno, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		srv_test(test_socket_mode),
		srv_test(test_old_file_replaced),
		srv_test(test_open_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
