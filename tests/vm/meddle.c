// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Meddles with the system calls of a process (of all its threads, and of what it starts), for sweeps over all of them.
 *
 *	meddle kill N PID              kills it before its N-th call that anybody else could notice: between two of those it
 *	meddle kill N -- COMMAND...    does not matter when it dies
 *	meddle fail N PID              its N-th call that can fail does, with an errno that the call may well have
 *	meddle fail N -- COMMAND...
 *	meddle deafen 0 PID            the kernel's notifications of /sys and /proc/mdstat do not reach it: what polls for
 *	                               them sees nothing. Signals and sockets do. The calls that were meddled with count.
 *
 * Calls are counted over all threads, from 1. N 0: none is meddled with. Prints "ready" when every call counts, "killed at
 * CALL" or "failed CALL" when it has been done, and "COUNT calls" at the end: when the processes are gone, or at SIGTERM,
 * after which they go on without it.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/ptrace.h>

#define TASKS 64
#define OPTIONS (PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK)

enum {
	ALWAYS = 1, /* others notice it */
	FILES,      /* unless it goes to the log, or to a descriptor that only the process itself has */
	CREATES     /* if it makes a file, or claims a device */
};

static const struct call {
	long number;
	const char *name;
	int noticed;
	int fails; /* errno; 0: never */
	int path;  /* the argument that is one, counted from 1; -1: the first one is a descriptor */
} known[] = {
	{ SYS_write, "write", FILES, EIO, -1 },
	{ SYS_pwrite64, "pwrite64", FILES, EIO, -1 },
	{ SYS_writev, "writev", FILES, EIO, -1 },
	{ SYS_pwritev, "pwritev", FILES, EIO, -1 },
	{ SYS_pwritev2, "pwritev2", FILES, EIO, -1 },
	{ SYS_io_submit, "io_submit", ALWAYS, EAGAIN, 0 },
	{ SYS_sendto, "sendto", ALWAYS, ENOBUFS, -1 },
	{ SYS_sendmsg, "sendmsg", ALWAYS, ENOBUFS, -1 },
	{ SYS_unlink, "unlink", ALWAYS, EROFS, 1 },
	{ SYS_unlinkat, "unlinkat", ALWAYS, EROFS, 2 },
	{ SYS_rename, "rename", ALWAYS, ENOSPC, 1 },
	{ SYS_renameat, "renameat", ALWAYS, ENOSPC, 2 },
	{ SYS_renameat2, "renameat2", ALWAYS, ENOSPC, 2 },
	{ SYS_link, "link", ALWAYS, ENOSPC, 1 },
	{ SYS_linkat, "linkat", ALWAYS, ENOSPC, 2 },
	{ SYS_mkdir, "mkdir", ALWAYS, ENOSPC, 1 },
	{ SYS_mkdirat, "mkdirat", ALWAYS, ENOSPC, 2 },
	{ SYS_chmod, "chmod", ALWAYS, EROFS, 1 },
	{ SYS_fchmod, "fchmod", ALWAYS, EROFS, -1 },
	{ SYS_fchmodat, "fchmodat", ALWAYS, EROFS, 2 },
	{ SYS_ftruncate, "ftruncate", ALWAYS, ENOSPC, -1 },
	{ SYS_fsync, "fsync", ALWAYS, EIO, -1 },
	{ SYS_fdatasync, "fdatasync", ALWAYS, EIO, -1 },
	{ SYS_bind, "bind", ALWAYS, EADDRINUSE, -1 },
	{ SYS_listen, "listen", ALWAYS, EADDRINUSE, -1 },
	{ SYS_connect, "connect", ALWAYS, ECONNREFUSED, -1 },
	{ SYS_accept, "accept", ALWAYS, EMFILE, -1 },
	{ SYS_accept4, "accept4", ALWAYS, EMFILE, -1 },
	{ SYS_shutdown, "shutdown", ALWAYS, ENOTCONN, -1 },
	{ SYS_flock, "flock", ALWAYS, EINTR, -1 },
	{ SYS_ioctl, "ioctl", ALWAYS, EIO, -1 },
	{ SYS_kill, "kill", ALWAYS, EPERM, 0 },
	{ SYS_fork, "fork", ALWAYS, EAGAIN, 0 },
	{ SYS_vfork, "vfork", ALWAYS, EAGAIN, 0 },
	{ SYS_clone, "clone", ALWAYS, EAGAIN, 0 },
	{ SYS_clone3, "clone3", ALWAYS, EAGAIN, 0 },
	{ SYS_execve, "execve", ALWAYS, ENOMEM, 1 },
	{ SYS_open, "open", CREATES, EMFILE, 1 },
	{ SYS_openat, "openat", CREATES, EMFILE, 2 },
	{ SYS_read, "read", 0, EIO, -1 },
	{ SYS_pread64, "pread64", 0, EIO, -1 },
	{ SYS_readlink, "readlink", 0, EIO, 1 },
	{ SYS_readlinkat, "readlinkat", 0, EIO, 2 },
	{ SYS_getdents64, "getdents64", 0, EIO, -1 },
	{ SYS_newfstatat, "newfstatat", 0, EIO, 2 },
	{ SYS_recvfrom, "recvfrom", 0, ECONNRESET, -1 },
	{ SYS_recvmsg, "recvmsg", 0, ECONNRESET, -1 },
	{ SYS_socket, "socket", 0, EMFILE, 0 },
	{ SYS_mmap, "mmap", 0, ENOMEM, 0 },
	{ SYS_brk, "brk", 0, ENOMEM, 0 },
	{ SYS_mlockall, "mlockall", 0, ENOMEM, 0 },
	{ SYS_io_setup, "io_setup", 0, EAGAIN, 0 },
	{ SYS_eventfd2, "eventfd2", 0, EMFILE, 0 },
	{ SYS_epoll_create1, "epoll_create1", 0, EMFILE, 0 },
	{ SYS_epoll_ctl, "epoll_ctl", 0, ENOSPC, 0 },
	{ SYS_signalfd4, "signalfd4", 0, EMFILE, 0 },
	{ SYS_timerfd_create, "timerfd_create", 0, EMFILE, 0 },
	{ SYS_pipe2, "pipe2", 0, EMFILE, 0 },
	{ SYS_dup, "dup", 0, EMFILE, -1 },
	{ SYS_dup2, "dup2", 0, EMFILE, -1 },
	{ SYS_dup3, "dup3", 0, EMFILE, -1 },
	{ SYS_fcntl, "fcntl", 0, EMFILE, -1 },
	{ SYS_ppoll, "ppoll", 0, EINTR, 0 },
	{ SYS_epoll_pwait, "epoll_pwait", 0, EINTR, 0 },
	{ SYS_epoll_pwait2, "epoll_pwait2", 0, EINTR, 0 },
	{ SYS_io_getevents, "io_getevents", 0, EINTR, 0 },
	{ SYS_io_pgetevents, "io_pgetevents", 0, EINTR, 0 },
};

#define DEAF_MAX 128 /* descriptors of one poll */

static struct task {
	pid_t pid;
	int error; /* that the call which it is in is to end with; 0: as it does */
	unsigned long long fds; /* where the list is that it polls; 0: none that was changed */
	unsigned long count;    /* in that list */
	struct pollfd list[DEAF_MAX]; /* as it was */
} task[TASKS];

static enum { KILL, FAIL, DEAFEN, MODES } mode;
static const char *const mode_name[] = { "kill", "fail", "deafen" };
static unsigned long when, count;
static volatile sig_atomic_t stop;

static void on_term(int sig)
{
	(void)sig;
	stop = 1;
}

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "meddle: %s: %s\n", what, strerror(errno));
	exit(2);
}

static struct task *task_of(pid_t pid)
{
	for (unsigned i = 0; i < TASKS; i++)
		if (task[i].pid == pid || !task[i].pid) {
			task[i].pid = pid;
			return &task[i];
		}
	errno = ENOBUFS;
	die("too many threads");
}

static void forget(pid_t pid)
{
	for (unsigned i = 0; i < TASKS; i++)
		if (task[i].pid == pid) {
			memmove(&task[i], &task[i + 1], (TASKS - 1 - i) * sizeof(task[0]));
			memset(&task[TASKS - 1], 0, sizeof(task[0]));
			return;
		}
}

/* ---- what is called ---- */

static void name_of_descriptor(pid_t pid, unsigned long long fd, char *name, size_t size)
{
	char path[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/fd/%llu", (int)pid, fd);
	n = readlink(path, name, size - 1);
	name[n > 0 ? n : 0] = 0;
}

/* A page at a time: what lies behind it need not be there. */
static void path_at(pid_t pid, unsigned long long at, char *name, size_t size)
{
	size_t room = 4096 - at % 4096;
	struct iovec to = { name, room < size - 1 ? room : size - 1 }, from = { (void *)(uintptr_t)at, to.iov_len };
	ssize_t n = process_vm_readv(pid, &to, 1, &from, 1, 0);

	name[n > 0 ? n : 0] = 0;
}

static void describe(pid_t pid, const struct call *c, const struct ptrace_syscall_info *info, char *text, size_t size)
{
	char name[PATH_MAX] = "";

	if (c->path < 0)
		name_of_descriptor(pid, info->entry.args[0], name, sizeof(name));
	else if (c->path)
		path_at(pid, info->entry.args[c->path - 1], name, sizeof(name));
	snprintf(text, size, "%s(%.200s)", c->name, name);
}

static bool is_noticed(pid_t pid, const struct call *c, const struct ptrace_syscall_info *info)
{
	char name[PATH_MAX];
	int flags;

	switch (c->noticed) {
	case FILES:
		if (info->entry.args[0] <= 2)
			return false;
		name_of_descriptor(pid, info->entry.args[0], name, sizeof(name));
		return strncmp(name, "anon_inode:", 11) != 0;
	case CREATES:
		flags = (int)info->entry.args[c->path];
		return flags & (O_CREAT | O_EXCL);
	default:
		return c->noticed == ALWAYS;
	}
}

static const struct call *which(unsigned long long number)
{
	for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i].number == (long)number)
			return &known[i];
	return NULL;
}

/* ---- what is done ---- */

static pid_t process_of(pid_t thread)
{
	char path[64], line[256];
	pid_t pid = thread;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)thread);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (strncmp(line, "Tgid:", 5) == 0)
			pid = (pid_t)strtol(line + 5, NULL, 10);
	if (f)
		fclose(f);
	return pid;
}

#ifdef __x86_64__
static void change(pid_t pid, bool begins, int error)
{
	struct user_regs_struct regs;

	if (ptrace(PTRACE_GETREGS, pid, NULL, &regs))
		return;
	if (begins)
		regs.orig_rax = (unsigned long long)-1;
	else
		regs.rax = (unsigned long long)-error;
	ptrace(PTRACE_SETREGS, pid, NULL, &regs);
}

/* select() hears of them as exceptions. The registers of arguments need not survive a call. */
static void drop_exceptions(pid_t pid)
{
	struct user_regs_struct regs;

	if (ptrace(PTRACE_GETREGS, pid, NULL, &regs))
		return;
	regs.r10 = 0;
	ptrace(PTRACE_SETREGS, pid, NULL, &regs);
}
#else
static void change(pid_t pid, bool begins, int error)
{
	(void)pid, (void)begins, (void)error;
	errno = ENOSYS;
	die("calls can be made to fail on x86-64 only");
}

static void drop_exceptions(pid_t pid)
{
	change(pid, false, 0);
}
#endif

static void meddle(pid_t pid, const struct call *c, const struct ptrace_syscall_info *info)
{
	char text[512];

	describe(pid, c, info, text, sizeof(text));
	if (mode == FAIL) {
		printf("failed %s: %s\n", text, strerror(c->fails));
		task_of(pid)->error = c->fails;
		change(pid, true, 0);
		return;
	}
	printf("killed at %s\n", text);
	kill(process_of(pid), SIGKILL);
}

/* ---- notifications ---- */

/* What is polled for in files of /sys and /proc, and nowhere else, is taken out of the list. */
static void deafen(pid_t pid, struct task *t, unsigned long long at, unsigned long n)
{
	struct pollfd list[DEAF_MAX];
	struct iovec mine = { list, n * sizeof(list[0]) }, its = { (void *)(uintptr_t)at, n * sizeof(list[0]) };

	if (!n || n > DEAF_MAX || process_vm_readv(pid, &mine, 1, &its, 1, 0) < 0)
		return;
	memcpy(t->list, list, mine.iov_len);
	for (unsigned long i = 0; i < n; i++)
		if (!(list[i].events & (POLLIN | POLLOUT)))
			list[i].fd = -1;
	if (process_vm_writev(pid, &mine, 1, &its, 1, 0) < 0)
		die("process_vm_writev");
	t->fds = at;
	t->count = n;
	count++;
}

/* The list is as it was, with what the kernel has said of the rest. */
static void restore(pid_t pid, struct task *t)
{
	struct pollfd list[DEAF_MAX];
	struct iovec mine = { list, t->count * sizeof(list[0]) }, its = { (void *)(uintptr_t)t->fds, mine.iov_len };

	if (process_vm_readv(pid, &mine, 1, &its, 1, 0) >= 0) {
		for (unsigned long i = 0; i < t->count; i++)
			list[i].fd = t->list[i].fd;
		process_vm_writev(pid, &mine, 1, &its, 1, 0);
	}
	t->fds = 0;
}

static void on_poll(pid_t pid, struct task *t, const struct ptrace_syscall_info *info)
{
	switch (info->entry.nr) {
	case SYS_poll:
	case SYS_ppoll:
		deafen(pid, t, info->entry.args[0], info->entry.args[1]);
		break;
	case SYS_select:
	case SYS_pselect6:
		drop_exceptions(pid);
		count++;
		break;
	}
}

static void on_call(pid_t pid)
{
	struct ptrace_syscall_info info;
	const struct call *c;
	struct task *t;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) <= 0)
		return;
	t = task_of(pid);
	if (info.op == PTRACE_SYSCALL_INFO_EXIT && t->error) {
		change(pid, false, t->error);
		t->error = 0;
	}
	if (info.op == PTRACE_SYSCALL_INFO_EXIT && t->fds)
		restore(pid, t);
	if (info.op != PTRACE_SYSCALL_INFO_ENTRY)
		return;
	if (mode == DEAFEN) {
		on_poll(pid, t, &info);
		return;
	}
	c = which(info.entry.nr);
	if (c && (mode == FAIL ? c->fails != 0 : is_noticed(pid, c, &info)) && ++count == when)
		meddle(pid, c, &info);
}

/* ---- the processes ---- */

static void attach(pid_t pid)
{
	char path[64];
	struct dirent *e;
	bool more = true;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	while (more) { /* a thread may begin meanwhile */
		more = false;
		d = opendir(path);
		if (!d)
			die(path);
		while ((e = readdir(d))) {
			pid_t thread = (pid_t)strtol(e->d_name, NULL, 10);

			if (thread <= 0 || ptrace(PTRACE_SEIZE, thread, NULL, OPTIONS))
				continue;
			ptrace(PTRACE_INTERRUPT, thread, NULL, NULL);
			more = true;
		}
		closedir(d);
	}
}

static void start(char **command)
{
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (pid == 0) {
		raise(SIGSTOP);
		execvp(command[0], command);
		die(command[0]);
	}
	waitpid(pid, NULL, WUNTRACED);
	if (ptrace(PTRACE_SEIZE, pid, NULL, OPTIONS))
		die("ptrace");
	kill(pid, SIGCONT);
	ptrace(PTRACE_INTERRUPT, pid, NULL, NULL);
}

static void go_on(pid_t pid, int status)
{
	int sig = WSTOPSIG(status), event = status >> 16;

	if (sig == (SIGTRAP | 0x80)) {
		on_call(pid);
		sig = 0;
	} else if (event == PTRACE_EVENT_STOP && sig != SIGTRAP) {
		ptrace(PTRACE_LISTEN, pid, NULL, NULL); /* it stays stopped until SIGCONT */
		return;
	} else if (event) {
		sig = 0;
	}
	ptrace(PTRACE_SYSCALL, pid, NULL, (long)sig);
}

int main(int argc, char **argv)
{
	struct sigaction sa = { .sa_handler = on_term };
	int status;
	pid_t pid;

	while (mode < MODES && (argc < 4 || strcmp(argv[1], mode_name[mode]) != 0))
		mode++;
	if (mode == MODES) {
		fprintf(stderr, "usage: meddle kill|fail|deafen N PID|-- COMMAND...\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IONBF, 0);
	when = strtoul(argv[2], NULL, 10);
	sigaction(SIGTERM, &sa, NULL);
	if (strcmp(argv[3], "--") == 0)
		start(argv + 4);
	else
		attach((pid_t)strtol(argv[3], NULL, 10));
	printf("ready\n");
	while (!stop) {
		pid = waitpid(-1, &status, __WALL);
		if (pid < 0 && errno == ECHILD)
			break;
		if (pid > 0 && WIFSTOPPED(status))
			go_on(pid, status);
		else if (pid > 0)
			forget(pid);
	}
	printf("%lu calls\n", count);
	return 0;
}
