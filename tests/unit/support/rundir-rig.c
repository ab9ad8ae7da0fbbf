/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See rundir-rig.h. This is socket/rundir.c, too, so that nothing has to be different in the program. */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <unistd.h>

#undef RUNDIR
#define RUNDIR "run"

#include "socket/client.h"

bool rundir_no_signals;

/* The source waits for the end of processes and for answers: less patiently here. */
static int wait_less(struct pollfd *p, nfds_t n, int ms);
static int ping_less(int fd, int kind, int ms);
#define poll(fds, count, ms) wait_less(fds, count, ms)
#define msg_ping(fd, kind, ms) ping_less(fd, kind, ms)
#define syscall(number, ...) \
	((number) == SYS_pidfd_send_signal && rundir_no_signals ? (errno = EPERM, -1L) : syscall(number, __VA_ARGS__))
#define msg_ask_handover(fd, ms, listener) msg_ask_handover(fd, (ms) / 20, listener)
#define msg_await_handover(fd, ms, listener) msg_await_handover(fd, (ms) / 20, listener)
#include "socket/rundir.c"
#undef syscall
#undef msg_ask_handover
#undef msg_await_handover
#undef poll
#undef msg_ping

#include "tests/unit/support/rundir-rig.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/prctl.h>
#include <sys/wait.h>

_Static_assert(sizeof(RUNDIR) == sizeof(RUNDIR_OF_TEST), "the same directory");

static char temp_dir[] = "/tmp/mdmon-rundir-XXXXXX";
int rundir_md_dir;
unsigned rundir_unseen;

static int wait_less(struct pollfd *p, nfds_t n, int ms)
{
	if (rundir_unseen) {
		rundir_unseen--;
		return 0;
	}
	return poll(p, n, ms / 25);
}

static int ping_less(int fd, int kind, int ms)
{
	return msg_ping(fd, kind, ms / 100);
}

/* ---- the directory ---- */

int rundir_begin(void **state)
{
	(void)state;
	umask(022);
	log_set_level(LOG_LEVEL_ERROR);
	if (!mkdtemp(temp_dir) || chdir(temp_dir) || mkdir("md", 0755))
		return -1;
	rundir_md_dir = open("md", O_PATH | O_DIRECTORY | O_CLOEXEC);
	alarm(10); /* a test that fails may leave the lock behind */
	return rundir_md_dir >= 0 ? 0 : -1;
}

int rundir_end(void **state)
{
	(void)state;
	close(rundir_md_dir);
	return rmdir("md") == 0 && chdir("/") == 0 && rmdir(temp_dir) == 0 ? 0 : -1;
}

int rundir_clean(void **state)
{
	(void)state;
	rundir_unseen = 0;
	rundir_no_signals = false;
	unlink(PID_FILE);
	unlink(SOCK_FILE);
	return rmdir(RUNDIR) == 0 || errno == ENOENT ? 0 : -1;
}

/* ---- files ---- */

void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

void put_pid(pid_t pid)
{
	char text[32];

	snprintf(text, sizeof(text), "%d\n", (int)pid);
	write_file(PID_FILE, text);
}

pid_t pid_in_file(void)
{
	struct rundir r = { .dir = -1, .pid_path = PID_FILE };

	return read_pid(&r);
}

bool exists(const char *path)
{
	return access(path, F_OK) == 0;
}

struct msg_server *create_files(struct rundir *r)
{
	return rundir_prepare(r) ? rundir_publish(r) : NULL;
}

unsigned files_in_rundir(void)
{
	DIR *d = opendir(RUNDIR);
	unsigned n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n - 2; /* . and .. */
}

bool is_unlocked(void)
{
	int dir = open("md", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool ok = dir >= 0 && flock(dir, LOCK_EX | LOCK_NB) == 0;

	close(dir);
	return ok;
}

/* ---- processes ---- */

/* Until it has become what it is called it is a copy of us. */
static void wait_for_exec(pid_t pid)
{
	char path[64], comm[32] = "";

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	for (int i = 0; i < 2000 && strcmp(comm, "sh\n") != 0; i++) {
		FILE *f = fopen(path, "r");

		if (f && !fgets(comm, sizeof(comm), f))
			comm[0] = '\0';
		if (f)
			fclose(f);
		poll(NULL, 0, 1);
	}
}

struct process start_process(const char *name, const char *argument)
{
	struct process p;
	int fd[2];

	assert_int_equal(pipe2(fd, O_CLOEXEC), 0);
	p.pid = fork();
	assert_true(p.pid >= 0);
	if (!p.pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(fd[0], STDIN_FILENO);
		execl("/bin/sh", name, "-c", "read x", argument, NULL);
		_exit(1);
	}
	close(fd[0]);
	p.hold = fd[1];
	wait_for_exec(p.pid);
	return p;
}

int finish_process(struct process *p)
{
	int status;

	close(p->hold);
	assert_int_equal(waitpid(p->pid, &status, 0), p->pid);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

bool is_alive(const struct process *p)
{
	return waitpid(p->pid, NULL, WNOHANG) == 0;
}

void need_pidfd(void)
{
	int fd = (int)syscall(SYS_pidfd_open, getpid(), 0);

	if (fd < 0 && errno == ENOSYS) {
		print_message("SKIPPED: no pidfd_open() here\n");
		skip();
	}
	close(fd);
}

pid_t who_listens(void)
{
	const struct rundir r = { .sock_path = SOCK_FILE };

	return listener(&r);
}

/* It says that it is writing, and when it has said so twice it hands over. */
static void hand_over_late(struct msg_server *s, const struct msg_request *req)
{
	static uint64_t successor;
	static unsigned asked;

	if (req->kind == MSG_REQ_HANDOVER)
		successor = req->client;
	if (req->kind != MSG_REQ_WRITING)
		return;
	msg_server_reply(s, req->client, "7000", 5, 0);
	if (++asked == 2)
		_exit(msg_server_hand_over(s, successor) ? 0 : 1);
}

static void answer(struct msg_server *s, const struct msg_request *req, enum daemon_kind kind)
{
	switch (kind) {
	case DAEMON_OF_OURS:
		if (req->kind == MSG_REQ_HANDOVER)
			_exit(msg_server_hand_over(s, req->client) ? 0 : 1);
		break;
	case DAEMON_THAT_WAITS:
		if (req->kind == MSG_REQ_WRITING)
			msg_server_reply(s, req->client, "7000", 5, 0);
		return;
	case DAEMON_THAT_IS_LATE:
		hand_over_late(s, req);
		return;
	case DAEMON_THAT_HANGS:
		return;
	case DAEMON_OF_MDADM:
		break;
	}
	msg_server_reply(s, req->client, msg_version_string,
			 req->kind == MSG_REQ_PING_MONITOR ? (int32_t)msg_version_length() : 0, 0);
}

static void serve(enum daemon_kind kind)
{
	struct msg_server *s = msg_server_open(SOCK_FILE);
	struct pollfd pfds[MSG_SERVER_MAX_POLLFDS];
	struct msg_request req;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (s) {
		size_t n = msg_server_pollfds(s, pfds, MSG_SERVER_MAX_POLLFDS);

		poll(pfds, n, -1);
		msg_server_run(s, pfds, n, 0);
		while (msg_server_next(s, &req))
			answer(s, &req, kind);
	}
	_exit(1);
}

pid_t start_server(enum daemon_kind kind)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid)
		serve(kind);
	for (int i = 0; i < 2000 && who_listens() != pid; i++)
		poll(NULL, 0, 1);
	assert_int_equal(who_listens(), pid);
	return pid;
}

void assert_ends_by(pid_t pid, int sig)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), sig);
}
