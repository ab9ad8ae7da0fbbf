/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who runs for this container, and how one daemon follows another (mdmon.md 5, 6).
 *
 * Daemons of one container start one after the other, under a lock, so that two that start at the
 * same moment can neither kill each other nor end up with mixed files.
 */
#include "pidfile.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "log.h"

#define PING_TIMEOUT_MS 20000
#define VICTIM_WAIT_MS 5000

pid_t pidfile_parse(const char *text)
{
	char *end;
	long v;

	errno = 0;
	v = strtol(text, &end, 10);
	if (end == text || errno || v < 1 || v > 4194304 || (*end && *end != '\n'))
		return -1;
	return (pid_t)v;
}

static const char *last_component(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

bool cmdline_is_mdmon(const char *cmdline, size_t len, const char *container)
{
	bool program = false, named = false;

	for (size_t at = 0; at < len; at += strnlen(cmdline + at, len - at) + 1) {
		char word[256];
		size_t n = strnlen(cmdline + at, len - at);

		if (n >= sizeof(word))
			continue;
		memcpy(word, cmdline + at, n);
		word[n] = '\0';
		/* "@dmon" if it was started as "mdmon", "@sbin/mdmon" if by path. */
		if (!at)
			program = strcmp(last_component(word), "mdmon") == 0 || strcmp(word, "@dmon") == 0;
		else
			named |= strcmp(last_component(word), container) == 0;
	}
	return program && named;
}

static pid_t read_pid(const struct rundir *r)
{
	char buf[32];
	ssize_t n;
	int fd = open(r->pid_path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -1;
	n = read(fd, buf, sizeof(buf) - 1);
	close(fd);
	if (n < 0)
		return -1;
	buf[n] = '\0';
	return pidfile_parse(buf);
}

static bool is_mdmon_of(pid_t pid, const char *container)
{
	char path[64], buf[1024];
	ssize_t n;
	int fd;

	if (pid == getpid())
		return false; /* a stale file from before a reboot may name us */
	snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, buf, sizeof(buf));
	close(fd);
	return n > 0 && cmdline_is_mdmon(buf, (size_t)n, container);
}

static bool answers(const struct rundir *r)
{
	int fd = msg_connect(r->sock_path);
	bool ok;

	if (fd < 0)
		return false;
	ok = msg_ping(fd, MSG_PING_MONITOR, PING_TIMEOUT_MS) == 0;
	close(fd);
	return ok;
}

/* The process that listens on the container's socket is its daemon, whatever its command line says. */
static pid_t listener(const struct rundir *r)
{
	struct ucred c = { .pid = -1 };
	socklen_t len = sizeof(c);
	int fd = msg_connect(r->sock_path);

	if (fd < 0)
		return -1;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &c, &len))
		c.pid = -1;
	close(fd);
	return c.pid;
}

static bool is_daemon(const struct rundir *r, pid_t pid)
{
	return pid > 0 && pid != getpid() && (listener(r) == pid || is_mdmon_of(pid, r->container));
}

static bool ends_within(int pidfd, int ms)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };

	return poll(&p, 1, ms) > 0;
}

bool rundir_evict(struct rundir *r)
{
	int fd = (int)syscall(SYS_pidfd_open, r->victim, 0);
	bool gone;

	if (fd < 0 && errno == ESRCH)
		return true;
	if (fd < 0) {
		log_error("%s: cannot watch process %d: %m", r->container, (int)r->victim);
		return false;
	}
	/* The pid may have changed its owner before we had the descriptor; it cannot any more. */
	if (!is_daemon(r, r->victim)) {
		close(fd);
		return true;
	}
	log_info("%s: taking over from process %d", r->container, (int)r->victim);
	syscall(SYS_pidfd_send_signal, fd, SIGTERM, NULL, 0);
	gone = ends_within(fd, VICTIM_WAIT_MS);
	if (!gone) {
		log_warning("%s: process %d does not end; killing it", r->container, (int)r->victim);
		syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0);
		gone = ends_within(fd, VICTIM_WAIT_MS);
	}
	if (!gone)
		log_error("%s: process %d cannot be ended", r->container, (int)r->victim);
	close(fd);
	return gone;
}

static bool take_lock(struct rundir *r, int md_dir)
{
	r->lock = openat(md_dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (r->lock >= 0 && flock(r->lock, LOCK_EX) == 0)
		return true;
	log_error("%s: cannot take the lock for starting: %m", r->container);
	return false;
}

bool rundir_claim(struct rundir *r, const char *container, bool takeover, int md_dir)
{
	pid_t pid;

	*r = (struct rundir){ .lock = -1 };
	snprintf(r->container, sizeof(r->container), "%s", container);
	snprintf(r->pid_path, sizeof(r->pid_path), "%s/%s.pid", RUNDIR, container);
	snprintf(r->sock_path, sizeof(r->sock_path), "%s/%s.sock", RUNDIR, container);
	if (mkdir(RUNDIR, 0755) && errno != EEXIST) {
		log_error("cannot create %s: %m", RUNDIR);
		return false;
	}
	if (!take_lock(r, md_dir))
		return false;
	pid = read_pid(r);
	if (pid < 0) /* no file or nonsense in it; but who listens is there */
		pid = listener(r);
	if (!is_daemon(r, pid))
		return true;
	r->victim = pid;
	if (takeover || !answers(r))
		return true;
	log_error("%s already managed", container);
	return false;
}

void rundir_unlock(struct rundir *r)
{
	if (r->lock >= 0)
		close(r->lock);
	r->lock = -1;
}

static bool write_pid_file(const struct rundir *r)
{
	char text[32];
	int len = snprintf(text, sizeof(text), "%d\n", (int)getpid());
	int fd = open(r->pid_path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	bool ok;

	if (fd < 0) {
		log_error("cannot create %s: %m", r->pid_path);
		return false;
	}
	ok = write(fd, text, (size_t)len) == len;
	if (close(fd))
		ok = false;
	if (!ok) {
		log_error("cannot write %s: %m", r->pid_path);
		unlink(r->pid_path);
	}
	return ok;
}

bool rundir_create_files(struct rundir *r, struct msg_server **server)
{
	unlink(r->pid_path);
	unlink(r->sock_path);
	if (!write_pid_file(r))
		return false;
	*server = msg_server_open(r->sock_path);
	if (!*server) {
		log_error("cannot create socket %s: %m", r->sock_path);
		unlink(r->pid_path);
		return false;
	}
	r->created = true;
	return true;
}

void rundir_remove_pid_file(struct rundir *r)
{
	if (read_pid(r) != getpid())
		r->created = false;
	if (r->created)
		unlink(r->pid_path);
}

void rundir_remove_socket(struct rundir *r)
{
	if (r->created)
		unlink(r->sock_path);
	r->created = false;
}
