/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who runs for a container. The files live in a directory of their own: the source is included with
 * another RUNDIR. Predecessors are shells that are called what they should be taken for.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/prctl.h>
#include <sys/wait.h>

#include <dirent.h>
#include <poll.h>

#undef RUNDIR
#define RUNDIR "run"

/* The source waits for nothing but the end of processes: less patiently here. */
#define poll(fds, count, ms) poll(fds, count, (ms) / 25)
#include "socket/rundir.c"
#undef poll

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define PID_FILE RUNDIR "/md127.pid"
#define SOCK_FILE RUNDIR "/md127.sock"

/* ---- the text of a pid file ---- */

static const struct {
	const char *text;
	pid_t pid;
} pid_texts[] = {
	{ "1234\n", 1234 },
	{ "1234", 1234 },
	{ "1\n", 1 },
	{ "4194304\n", 4194304 }, /* the largest that Linux gives */
	{ "  77\n", 77 },
	{ "12\n34\n", 12 },
	{ "", -1 },
	{ "\n", -1 },
	{ "0\n", -1 },
	{ "-1\n", -1 }, /* kill(-1) would hit everybody */
	{ "-1234\n", -1 },
	{ "4194305\n", -1 },
	{ "4294967297\n", -1 }, /* 1 in 32 bits */
	{ "18446744073709551617\n", -1 },
	{ "99999999999999999999999999\n", -1 },
	{ "mdmon\n", -1 },
	{ "12x\n", -1 },
	{ "12 34\n", -1 },
	{ "0x10\n", -1 },
	{ "1e3\n", -1 },
};

static void test_pid_texts(void **state)
{
	unsigned wrong = 0;

	(void)state;
	for (size_t i = 0; i < COUNT(pid_texts); i++) {
		if (pidfile_parse(pid_texts[i].text) == pid_texts[i].pid)
			continue;
		print_error("\"%s\" gives %d\n", pid_texts[i].text, (int)pidfile_parse(pid_texts[i].text));
		wrong++;
	}
	assert_int_equal(wrong, 0);
}

/* ---- command lines ---- */

#define LINE(text) text, sizeof(text) - 1 /* without the last NUL: it may be cut off anywhere */

static const struct {
	const char *line;
	size_t len;
	bool ours;
} command_lines[] = {
	{ LINE("mdmon\0md127\0"), true },
	{ LINE("mdmon\0md127"), true },
	{ LINE("/sbin/mdmon\0md127\0"), true },
	{ LINE("/usr/sbin/mdmon\0--foreground\0--offroot\0--takeover\0md127\0"), true },
	{ LINE("mdmon\0md127\0--takeover\0"), true },
	{ LINE("mdmon\0/dev/md127\0"), true },
	{ LINE("mdmon\0initrd/md127\0"), true },
	/* the first character gives way to the '@' that makes systemd spare it */
	{ LINE("@dmon\0md127\0"), true },
	{ LINE("@sbin/mdmon\0--offroot\0md127\0"), true },
	{ LINE("@usr/sbin/mdmon\0md127\0"), true },
	/* the pid has got another owner */
	{ LINE("mdmon\0md126\0"), false },
	{ LINE("mdmon\0md1\0"), false },
	{ LINE("mdmon\0md1270\0"), false },
	{ LINE("mdmon\0/dev/md126\0"), false },
	{ LINE("/usr/bin/vim\0md127\0"), false },
	{ LINE("mdadm\0--wait-clean\0md127\0"), false },
	{ LINE("md127\0mdmon\0"), false },
	{ LINE("vi\0/etc/mdmon\0md127\0"), false },
	{ LINE("@sbin/plymouthd\0md127\0"), false },
	/* nothing at all: a kernel thread, or a process that has just died */
	{ LINE(""), false },
	{ LINE("\0"), false },
	{ LINE("\0\0\0"), false },
	{ LINE("\0md127\0"), false },
	{ LINE("mdmon\0"), false },
	/* cut off */
	{ LINE("mdmon\0md12"), false },
	{ LINE("mdm"), false },
};

static void test_command_lines(void **state)
{
	unsigned wrong = 0;

	(void)state;
	for (size_t i = 0; i < COUNT(command_lines); i++) {
		/* A copy of its own on the heap: what reads past its end is seen by the address sanitizer. */
		size_t len = command_lines[i].len;
		char *line = malloc(len ? len : 1);

		assert_non_null(line);
		memcpy(line, command_lines[i].line, len);
		if (cmdline_is_mdmon(line, len, "md127") != command_lines[i].ours) {
			print_error("line %zu: %s ...\n", i, command_lines[i].line);
			wrong++;
		}
		free(line);
	}
	assert_int_equal(wrong, 0);
}

/* Words longer than any that we look for are passed over, not cut. */
static void test_command_line_with_long_words(void **state)
{
	char line[1024];
	size_t n = 0;

	(void)state;
	n += (size_t)snprintf(line + n, sizeof(line) - n, "mdmon") + 1;
	memset(line + n, 'x', 600);
	line[n + 600] = '\0';
	n += 601;
	n += (size_t)snprintf(line + n, sizeof(line) - n, "md127") + 1;
	assert_true(cmdline_is_mdmon(line, n, "md127"));
	memset(line, 'x', 600);
	memcpy(line + 590, "md127", 6);
	assert_false(cmdline_is_mdmon(line, 600, "md127"));
}

/* ---- files ---- */

static char temp_dir[] = "/tmp/mdmon-pidfile-XXXXXX";
static int md_dir; /* stands for the container's directory in sysfs */

static int enter_temp_dir(void **state)
{
	(void)state;
	log_set_level(LOG_LEVEL_ERROR);
	if (!mkdtemp(temp_dir) || chdir(temp_dir) || mkdir("md", 0755))
		return -1;
	md_dir = open("md", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return md_dir >= 0 ? 0 : -1;
}

static int leave_temp_dir(void **state)
{
	(void)state;
	close(md_dir);
	return rmdir("md") == 0 && chdir("/") == 0 && rmdir(temp_dir) == 0 ? 0 : -1;
}

static int clean_rundir(void **state)
{
	(void)state;
	unlink(PID_FILE);
	unlink(SOCK_FILE);
	return rmdir(RUNDIR) == 0 || errno == ENOENT ? 0 : -1;
}

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

static void put_pid(pid_t pid)
{
	char text[32];

	snprintf(text, sizeof(text), "%d\n", (int)pid);
	write_file(PID_FILE, text);
}

static pid_t pid_in_file(void)
{
	struct rundir r = { .pid_path = PID_FILE };

	return read_pid(&r);
}

static bool exists(const char *path)
{
	return access(path, F_OK) == 0;
}

/* As a start without a predecessor does it. */
static struct msg_server *create_files(struct rundir *r)
{
	return rundir_prepare(r) ? rundir_publish(r) : NULL;
}

static unsigned files_in_rundir(void)
{
	DIR *d = opendir(RUNDIR);
	unsigned n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n - 2; /* . and .. */
}

/* Somebody else could take the lock. */
static bool is_unlocked(void)
{
	int dir = open("md", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool ok = dir >= 0 && flock(dir, LOCK_EX | LOCK_NB) == 0;

	close(dir);
	return ok;
}

/* A whole life: ours from the claim to the end. */
static void test_claim_create_remove(void **state)
{
	struct msg_server *server = NULL;
	struct rundir r;
	struct stat st;

	(void)state;
	assert_true(rundir_claim(&r, "md127", false, md_dir));
	assert_int_equal(stat(RUNDIR, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0755);
	assert_false(is_unlocked());
	server = create_files(&r);
	assert_non_null(server);
	assert_int_equal(files_in_rundir(), 2); /* none under another name is left */
	assert_int_equal(pid_in_file(), getpid());
	assert_int_equal(stat(PID_FILE, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(stat(SOCK_FILE, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 07777, 0700);
	rundir_unlock(&r);
	assert_true(is_unlocked());
	rundir_unlock(&r);
	rundir_remove_pid_file(&r);
	rundir_remove_socket(&r);
	assert_false(exists(PID_FILE) || exists(SOCK_FILE));
	rundir_remove_pid_file(&r);
	rundir_remove_socket(&r);
	msg_server_close(server);
}

static void test_stale_files_are_replaced(void **state)
{
	static const char *const stale[] = { "4194303\n", "", "0\n", "garbage", "-1\n" };
	struct msg_server *server;
	struct rundir r;

	(void)state;
	mkdir(RUNDIR, 0755);
	for (size_t i = 0; i < COUNT(stale); i++) {
		write_file(PID_FILE, stale[i]);
		write_file(SOCK_FILE, "no socket");
		assert_true(rundir_claim(&r, "md127", i % 2, md_dir));
		server = create_files(&r);
		assert_non_null(server);
		assert_int_equal(pid_in_file(), getpid());
		rundir_unlock(&r);
		rundir_remove_pid_file(&r);
		rundir_remove_socket(&r);
		msg_server_close(server);
	}
}

static char *program_name; /* argv[0]: what is written here is seen in /proc */

/* From before a reboot: our own pid. We must not end ourselves. */
static void test_stale_file_may_name_ourselves(void **state)
{
	static const char as_daemon[] = "mdmon\0md127";
	char saved[sizeof(as_daemon)];
	struct rundir r;

	(void)state;
	assert_true(strlen(program_name) >= sizeof(as_daemon));
	memcpy(saved, program_name, sizeof(saved));
	memcpy(program_name, as_daemon, sizeof(as_daemon));
	mkdir(RUNDIR, 0755);
	put_pid(getpid());
	assert_true(rundir_claim(&r, "md127", true, md_dir));
	memcpy(program_name, saved, sizeof(saved));
	assert_int_equal(r.victim, 0);
	rundir_unlock(&r);
}

/* A successor has taken the files over: they are not ours to remove. */
static void test_files_of_a_successor_stay(void **state)
{
	struct msg_server *server;
	struct rundir r;

	(void)state;
	assert_true(rundir_claim(&r, "md127", false, md_dir));
	server = create_files(&r);
	assert_non_null(server);
	rundir_unlock(&r);
	put_pid(1);
	rundir_remove_pid_file(&r);
	rundir_remove_socket(&r);
	assert_true(exists(PID_FILE) && exists(SOCK_FILE));
	msg_server_close(server);
}

static void test_nothing_is_removed_that_was_not_created(void **state)
{
	struct rundir r;

	(void)state;
	mkdir(RUNDIR, 0755);
	put_pid(getpid());
	assert_true(rundir_claim(&r, "md127", false, md_dir));
	rundir_remove_pid_file(&r);
	rundir_remove_socket(&r);
	assert_true(exists(PID_FILE));
	rundir_unlock(&r);
}

/* Nothing is left of a start that fails, and what was there before is there still. */
static void test_no_socket_no_pid_file(void **state)
{
	struct rundir r;

	(void)state;
	log_set_level((enum log_level)-1);
	mkdir(RUNDIR, 0755);
	put_pid(1);
	assert_true(rundir_claim(&r, "md127", false, md_dir));
	assert_int_equal(mkdir(SOCK_FILE ".new", 0755), 0);
	assert_false(rundir_prepare(&r));
	assert_int_equal(rmdir(SOCK_FILE ".new"), 0);
	assert_int_equal(mkdir(SOCK_FILE, 0755), 0);
	write_file(SOCK_FILE "/x", "");
	assert_true(rundir_prepare(&r));
	assert_null(rundir_publish(&r));
	log_set_level(LOG_LEVEL_ERROR);
	assert_false(exists(PID_FILE));
	rundir_unlock(&r);
	unlink(SOCK_FILE "/x");
	rmdir(SOCK_FILE);
	assert_int_equal(files_in_rundir(), 0);
}

static void test_abandoned_start_leaves_nothing(void **state)
{
	struct rundir r;

	(void)state;
	mkdir(RUNDIR, 0755);
	put_pid(1);
	assert_true(rundir_claim(&r, "md127", false, md_dir));
	assert_true(rundir_prepare(&r));
	assert_int_equal(pid_in_file(), 1);
	rundir_abandon(&r);
	rundir_unlock(&r);
	assert_int_equal(pid_in_file(), 1);
	assert_int_equal(files_in_rundir(), 1);
}

static void test_other_containers_are_left_alone(void **state)
{
	struct msg_server *server;
	struct rundir r;

	(void)state;
	mkdir(RUNDIR, 0755);
	write_file(RUNDIR "/md126.pid", "1\n");
	write_file(RUNDIR "/map", "");
	assert_true(rundir_claim(&r, "md127", true, md_dir));
	server = create_files(&r);
	assert_non_null(server);
	rundir_unlock(&r);
	rundir_remove_pid_file(&r);
	rundir_remove_socket(&r);
	assert_int_equal(unlink(RUNDIR "/md126.pid"), 0);
	assert_int_equal(unlink(RUNDIR "/map"), 0);
	msg_server_close(server);
}

/* ---- predecessors ---- */

struct process {
	pid_t pid;
	int hold; /* it ends when this is closed */
};

/* A process with this program name and last argument. */
static struct process start(const char *name, const char *argument)
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
	/* Until it has become what it is called it is a copy of us. */
	for (int i = 0; i < 2000; i++) {
		char path[64], comm[32] = "";
		FILE *f;

		snprintf(path, sizeof(path), "/proc/%d/comm", (int)p.pid);
		f = fopen(path, "r");
		if (f && fgets(comm, sizeof(comm), f) && strcmp(comm, "sh\n") == 0)
			i = 2000;
		if (f)
			fclose(f);
		poll(NULL, 0, 1);
	}
	return p;
}

/* Returns how it ended: 0, or the signal. */
static int finish(struct process *p)
{
	int status;

	close(p->hold);
	assert_int_equal(waitpid(p->pid, &status, 0), p->pid);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static bool is_alive(const struct process *p)
{
	return waitpid(p->pid, NULL, WNOHANG) == 0;
}

/* Its pid is all that it has in common with a daemon of this container. */
static void test_foreign_process_is_no_victim(void **state)
{
	static const char *const names[][2] = { { "vim", "md127" }, { "mdmon", "md126" } };
	struct rundir r;

	(void)state;
	mkdir(RUNDIR, 0755);
	for (size_t i = 0; i < COUNT(names); i++) {
		struct process p = start(names[i][0], names[i][1]);

		put_pid(p.pid);
		assert_true(rundir_claim(&r, "md127", true, md_dir));
		assert_int_equal(r.victim, 0);
		rundir_unlock(&r);
		assert_int_equal(finish(&p), 0);
	}
}

/* valgrind 3.19 knows no pidfd_open(). */
static void need_pidfd(void)
{
	int fd = (int)syscall(SYS_pidfd_open, getpid(), 0);

	if (fd < 0 && errno == ENOSYS) {
		print_message("SKIPPED: no pidfd_open() here\n");
		skip();
	}
	close(fd);
}

/* The pid has changed hands between the claim and the eviction. */
static void test_foreign_process_is_not_ended(void **state)
{
	struct process p;
	struct rundir r;

	(void)state;
	need_pidfd();
	p = start("vim", "md127");
	assert_true(rundir_claim(&r, "md127", true, md_dir));
	r.victim = p.pid;
	assert_true(rundir_prepare(&r));
	assert_true(rundir_evict(&r));
	assert_true(is_alive(&p));
	assert_int_equal(finish(&p), 0);
	r.victim = p.pid; /* there is no such process any more */
	assert_true(rundir_evict(&r));
	rundir_abandon(&r);
	rundir_unlock(&r);
}

/* It has no socket, so it cannot be asked: it makes way, takeover or not. */
static void test_silent_predecessor_is_ended(void **state)
{
	struct rundir r;

	(void)state;
	need_pidfd();
	mkdir(RUNDIR, 0755);
	for (int takeover = 0; takeover < 2; takeover++) {
		struct process p = start("@sbin/mdmon", "md127");

		put_pid(p.pid);
		assert_true(rundir_claim(&r, "md127", takeover, md_dir));
		assert_int_equal(r.victim, p.pid);
		assert_true(is_alive(&p));
		assert_true(rundir_prepare(&r));
		assert_true(rundir_evict(&r));
		assert_int_equal(finish(&p), SIGTERM);
		assert_int_equal(pid_in_file(), getpid());
		rundir_abandon(&r);
		rundir_unlock(&r);
	}
}

static void test_stubborn_predecessor_is_killed(void **state)
{
	struct process p;
	struct rundir r;

	(void)state;
	need_pidfd();
	mkdir(RUNDIR, 0755);
	signal(SIGTERM, SIG_IGN); /* which the child inherits */
	p = start("mdmon", "md127");
	signal(SIGTERM, SIG_DFL);
	put_pid(p.pid);
	assert_true(rundir_claim(&r, "md127", true, md_dir));
	assert_true(rundir_prepare(&r));
	assert_true(rundir_evict(&r));
	assert_int_equal(finish(&p), SIGKILL);
	rundir_abandon(&r);
	rundir_unlock(&r);
}

/* A daemon, whatever it is called: it answers pings on the socket until it is ended. */
static pid_t start_server(void)
{
	struct pollfd pfds[MSG_SERVER_MAX_POLLFDS];
	struct msg_request req;
	struct msg_server *s;
	pid_t pid = fork();
	int fd;

	assert_true(pid >= 0);
	for (int i = 0; pid && i < 2000; i++) {
		fd = msg_connect(SOCK_FILE);
		if (fd >= 0)
			break;
		poll(NULL, 0, 1);
	}
	if (pid) {
		assert_true(fd >= 0);
		close(fd);
		return pid;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	s = msg_server_open(SOCK_FILE);
	while (s) {
		size_t n = msg_server_pollfds(s, pfds, COUNT(pfds));

		poll(pfds, n, -1);
		msg_server_run(s, pfds, n, 0);
		while (msg_server_next(s, &req))
			msg_server_reply(s, req.client, msg_version_string, (int32_t)msg_version_length(), 0);
	}
	_exit(1);
}

static void assert_ends_by(pid_t pid, int sig)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), sig);
}

/* Started with --all, or by another name of the container: its command line does not tell, its socket does. */
static void test_answering_predecessor_refuses_us(void **state)
{
	struct rundir r;
	pid_t daemon;

	(void)state;
	need_pidfd();
	mkdir(RUNDIR, 0755);
	daemon = start_server();
	put_pid(daemon);
	assert_false(rundir_claim(&r, "md127", false, md_dir));
	rundir_unlock(&r);
	assert_true(is_unlocked());
	assert_int_equal(pid_in_file(), daemon);
	assert_true(exists(SOCK_FILE));
	assert_true(rundir_claim(&r, "md127", true, md_dir));
	assert_int_equal(r.victim, daemon);
	assert_int_equal(waitpid(daemon, NULL, WNOHANG), 0);
	assert_true(rundir_prepare(&r));
	assert_true(rundir_evict(&r));
	assert_ends_by(daemon, SIGTERM);
	rundir_abandon(&r);
	rundir_unlock(&r);
}

/* A start that was killed half way left its own pid there: refused, and the file is put right. */
static void test_pid_file_of_a_daemon_is_put_right(void **state)
{
	struct rundir r;
	pid_t daemon;

	(void)state;
	need_pidfd();
	mkdir(RUNDIR, 0755);
	daemon = start_server();
	put_pid(4194303);
	log_set_level((enum log_level)-1);
	assert_false(rundir_claim(&r, "md127", false, md_dir));
	log_set_level(LOG_LEVEL_ERROR);
	assert_int_equal(pid_in_file(), daemon);
	rundir_unlock(&r);
	kill(daemon, SIGKILL);
	assert_ends_by(daemon, SIGKILL);
}

/* One of ours: it hands over its socket, with those who wait there, and leaves. */
static void serve_until_handover(struct msg_server *s)
{
	struct pollfd pfds[MSG_SERVER_MAX_POLLFDS];
	struct msg_request req;

	for (;;) {
		size_t n = msg_server_pollfds(s, pfds, COUNT(pfds));

		poll(pfds, n, -1);
		msg_server_run(s, pfds, n, 0);
		if (!msg_server_next(s, &req))
			continue;
		if (req.kind == MSG_REQ_HANDOVER)
			_exit(msg_server_hand_over(s, req.client) ? 0 : 1);
		msg_server_reply(s, req.client, NULL, 0, 0);
	}
}

static pid_t start_own_server(void)
{
	const struct rundir r = { .sock_path = SOCK_FILE };
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		serve_until_handover(msg_server_open(SOCK_FILE));
	}
	for (int i = 0; i < 2000 && listener(&r) != pid; i++)
		poll(NULL, 0, 25);
	return pid;
}

static void test_socket_is_handed_over(void **state)
{
	struct msg_server *server;
	struct rundir r;
	int status, waiting;
	pid_t daemon;

	(void)state;
	need_pidfd();
	mkdir(RUNDIR, 0755);
	daemon = start_own_server();
	put_pid(daemon);
	assert_true(rundir_claim(&r, "md127", true, md_dir));
	assert_int_equal(r.victim, daemon);
	assert_true(rundir_prepare(&r));
	assert_true(rundir_evict(&r));
	assert_true(r.inherited >= 0);
	assert_int_equal(waitpid(daemon, &status, 0), daemon);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	assert_int_equal(pid_in_file(), getpid());
	/* Nobody serves at this moment, and still nobody is refused. */
	waiting = msg_connect(SOCK_FILE);
	assert_true(waiting >= 0);
	server = rundir_publish(&r);
	assert_non_null(server);
	assert_int_equal(listener(&r), getpid());
	msg_server_run(server, NULL, 0, 0);
	assert_int_equal(msg_server_clients(server), 1); /* the other one has left again */
	close(waiting);
	rundir_unlock(&r);
	assert_int_equal(files_in_rundir(), 2);
	rundir_remove_pid_file(&r);
	rundir_remove_socket(&r);
	assert_int_equal(files_in_rundir(), 0);
	msg_server_close(server);
}

/* At its last moment a victim that lost its successor's sight put its own pid there, or removed the file. */
static void test_pid_file_is_ours_when_we_are_ready(void **state)
{
	struct msg_server *server;
	struct rundir r;

	(void)state;
	for (int removed = 0; removed < 2; removed++) {
		assert_true(rundir_claim(&r, "md127", true, md_dir));
		assert_true(rundir_prepare(&r));
		assert_true(announce(&r));
		if (removed)
			assert_int_equal(unlink(PID_FILE), 0);
		else
			put_pid(4711);
		server = rundir_publish(&r);
		assert_non_null(server);
		assert_int_equal(pid_in_file(), getpid());
		rundir_unlock(&r);
		rundir_remove_pid_file(&r);
		rundir_remove_socket(&r);
		msg_server_close(server);
	}
}

/* Nothing can be done about this process. */
static void test_daemon_that_goes_on_keeps_its_files(void **state)
{
	struct rundir r;

	(void)state;
	assert_true(rundir_claim(&r, "md127", true, md_dir));
	assert_true(rundir_prepare(&r));
	assert_true(announce(&r));
	assert_int_equal(pid_in_file(), getpid());
	r.victim = 4711;
	give_back_pid_file(&r);
	rundir_abandon(&r);
	assert_int_equal(pid_in_file(), 4711);
	assert_int_equal(files_in_rundir(), 1);
	rundir_unlock(&r);
}

static void test_successor_is_recognized(void **state)
{
	struct rundir r;
	struct process p;

	(void)state;
	assert_true(rundir_claim(&r, "md127", true, md_dir));
	assert_false(rundir_replaced(&r)); /* no file */
	put_pid(getpid());
	assert_false(rundir_replaced(&r));
	put_pid(4194303);
	assert_false(rundir_replaced(&r));
	p = start("vim", "md127");
	put_pid(p.pid);
	assert_false(rundir_replaced(&r));
	finish(&p);
	p = start("mdmon", "--all");
	put_pid(p.pid);
	assert_true(rundir_replaced(&r));
	rundir_restore_pid_file(&r);
	assert_int_equal(pid_in_file(), p.pid); /* it lives */
	/* It dies, and we go on. */
	finish(&p);
	rundir_restore_pid_file(&r);
	assert_int_equal(pid_in_file(), getpid());
	rundir_unlock(&r);
}

/* The pid file names somebody else, who is no mdmon: the daemon is the one who listens. */
static void test_listener_is_the_victim(void **state)
{
	struct process p;
	struct rundir r;
	pid_t server;

	(void)state;
	need_pidfd();
	mkdir(RUNDIR, 0755);
	server = start_server();
	p = start("vim", "md127");
	put_pid(p.pid);
	assert_true(rundir_claim(&r, "md127", true, md_dir));
	assert_int_equal(r.victim, server);
	rundir_unlock(&r);
	assert_int_equal(finish(&p), 0);
	kill(server, SIGKILL);
	assert_ends_by(server, SIGKILL);
}

#define FILES(t) cmocka_unit_test_teardown(t, clean_rundir)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pid_texts),
		cmocka_unit_test(test_command_lines),
		cmocka_unit_test(test_command_line_with_long_words),
		FILES(test_claim_create_remove),
		FILES(test_stale_files_are_replaced),
		FILES(test_stale_file_may_name_ourselves),
		FILES(test_files_of_a_successor_stay),
		FILES(test_nothing_is_removed_that_was_not_created),
		FILES(test_no_socket_no_pid_file),
		FILES(test_abandoned_start_leaves_nothing),
		FILES(test_other_containers_are_left_alone),
		FILES(test_foreign_process_is_no_victim),
		FILES(test_foreign_process_is_not_ended),
		FILES(test_silent_predecessor_is_ended),
		FILES(test_stubborn_predecessor_is_killed),
		FILES(test_answering_predecessor_refuses_us),
		FILES(test_listener_is_the_victim),
		FILES(test_pid_file_of_a_daemon_is_put_right),
		FILES(test_socket_is_handed_over),
		FILES(test_daemon_that_goes_on_keeps_its_files),
		FILES(test_pid_file_is_ours_when_we_are_ready),
		FILES(test_successor_is_recognized),
	};

	if (argc < 1)
		return 1;
	program_name = argv[0];
	umask(022);
	alarm(10); /* a test that fails may leave the lock behind */
	return cmocka_run_group_tests(tests, enter_temp_dir, leave_temp_dir);
}
