/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who runs for this container, and how one daemon follows another (mdmon.md 5, 6).
 *
 * Daemons of one container start one after the other, under a lock, so that two that start at the
 * same moment can neither kill each other nor end up with mixed files. What a start, and then a daemon, has in RUNDIR:
 *
 *	from                  by                         to
 *	NOTHING               rundir_prepare             PREPARED
 *	PREPARED              rundir_evict               ANNOUNCED; PREPARED if nobody is there, or cannot be ended
 *	PREPARED, ANNOUNCED   rundir_publish             SERVING
 *	any of these three    rundir_abandon             NOTHING: the start failed
 *	SERVING               rundir_restore_pid_file    SERVING: a successor had put its own pid there, and died
 *	                                                 NOTHING if it cannot be written again
 *	SERVING               rundir_remove_pid_file     LEAVING; NOTHING if the files are a successor's by now
 *	LEAVING               rundir_remove_socket       NOTHING
 *
 * rundir_claim comes before, and looks who is there. The lock is held from then to rundir_unlock.
 */
#include "socket/rundir.h"

#include <dirent.h>
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

#include "lib/clock.h"
#include "lib/log.h"
#include "lib/notify.h"
#include "msg.h"
#include "socket/client.h"

#define PING_TIMEOUT_MS 20000
#define WRITING_MS 2000      /* ours answers at once */
#define HANDOVER_MS 3000     /* ours takes milliseconds, unless it waits for a disk */
#define FLUSH_MS 2000        /* for another one to write what clients have asked for */
#define TERM_MS 1000         /* for another one to leave when its arrays become clean */
#define KILL_MS 10000        /* a killed process ends when the disks have taken its last write: then it is waited for anew */
#define SAY_AGAIN_NS (30 * NS_PER_S)
#define MORE_TIME_S 60

pid_t rundir_parse_pid(const char *text)
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

bool rundir_is_mdmon(const char *cmdline, size_t len, const char *container)
{
	bool program = false, named = !container;

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
			named |= container && strcmp(last_component(word), container) == 0;
	}
	return program && named;
}

/*
 * A daemon from the initramfs keeps that as its root, and what was mounted there is mounted elsewhere by then: the paths lead
 * nowhere, but the directories are the same. The path comes first, since RUNDIR may have been deleted and made again.
 */
static int open_file(const struct rundir *r, const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0600);

	return fd < 0 && errno == ENOENT ? openat(r->dir, last_component(path), flags | O_CLOEXEC, 0600) : fd;
}

static void unlink_file(const struct rundir *r, const char *path)
{
	if (unlink(path) && errno == ENOENT)
		unlinkat(r->dir, last_component(path), 0);
}

static int rename_file(const struct rundir *r, const char *from, const char *to)
{
	int err = rename(from, to);

	if (!err || errno != ENOENT)
		return err;
	return renameat(r->dir, last_component(from), r->dir, last_component(to));
}

static pid_t read_pid(const struct rundir *r)
{
	char buf[32];
	ssize_t n;
	int fd = open_file(r, r->pid_path, O_RDONLY);

	if (fd < 0)
		return -1;
	n = read(fd, buf, sizeof(buf) - 1);
	close(fd);
	if (n < 0)
		return -1;
	buf[n] = '\0';
	return rundir_parse_pid(buf);
}

static bool is_mdmon_of(const struct rundir *r, pid_t pid, const char *container)
{
	char path[64], buf[1024];
	ssize_t n;
	int fd;

	if (pid == getpid())
		return false; /* a stale file from before a reboot may name us */
	snprintf(path, sizeof(path), "%d/cmdline", (int)pid);
	fd = openat(r->proc, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, buf, sizeof(buf));
	close(fd);
	return n > 0 && rundir_is_mdmon(buf, (size_t)n, container);
}

/* One of ours that is alive, and writing all the time: a successor would have to wait for the same disk. */
static bool waits_for_disk(const struct rundir *r)
{
	int fd = msg_connect(r->sock_path);
	unsigned char *text = NULL;
	size_t len = 0;
	bool writes;

	if (fd < 0)
		return false;
	writes = !msg_ask(fd, MSG_WRITING, WRITING_MS, &text, &len) && len;
	free(text);
	close(fd);
	return writes;
}

static bool answers(const struct rundir *r)
{
	int fd = msg_connect(r->sock_path);
	bool ok;

	if (fd < 0)
		return false;
	ok = msg_ping(fd, MSG_PING_MONITOR, PING_TIMEOUT_MS) == 0;
	close(fd);
	return ok || waits_for_disk(r);
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
	return pid > 0 && pid != getpid() && (listener(r) == pid || is_mdmon_of(r, pid, r->container));
}

static bool ends_within(int pidfd, int ms)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };

	return poll(&p, 1, ms) > 0;
}

static bool write_pid(const struct rundir *r, const char *path, pid_t pid)
{
	char text[32];
	int len = snprintf(text, sizeof(text), "%d\n", (int)pid);
	int fd;
	bool ok;

	unlink_file(r, path);
	fd = open_file(r, path, O_WRONLY | O_CREAT | O_EXCL);
	if (fd < 0) {
		log_error("cannot create %s: %m", path);
		return false;
	}
	ok = write(fd, text, (size_t)len) == len;
	if (close(fd))
		ok = false;
	if (!ok) {
		log_error("cannot write %s: %m", path);
		unlink_file(r, path);
	}
	return ok;
}

/* In one step: there is no moment without the file. */
static bool rename_pid(const struct rundir *r, const char *from, const char *to)
{
	if (rename_file(r, from, to) == 0)
		return true;
	log_error("cannot create %s: %m", to);
	return false;
}

static bool announce(struct rundir *r)
{
	bool ok = rename_pid(r, r->new_pid_path, r->pid_path);

	r->state = ok ? RUNDIR_ANNOUNCED : RUNDIR_PREPARED;
	return ok;
}

/* The file of a daemon that goes on must name it. */
static void give_back_pid_file(struct rundir *r)
{
	if (write_pid(r, r->new_pid_path, r->victim))
		rename_pid(r, r->new_pid_path, r->pid_path);
}

void rundir_restore_pid_file(struct rundir *r)
{
	char path[sizeof(r->pid_path) + 8];

	if (rundir_replaced(r) || read_pid(r) == getpid())
		return; /* it lives, and only stopped waiting: it will send SIGTERM */
	/* Without the lock: a name that no start uses. */
	snprintf(path, sizeof(path), "%s.old", r->pid_path);
	if (!write_pid(r, path, getpid()) || !rename_pid(r, path, r->pid_path))
		r->state = RUNDIR_NOTHING;
}

/* What takes as long as a disk does. `said_ns`: when that was logged last. */
static void wait_on(const struct rundir *r, uint64_t *said_ns, const char *what)
{
	uint64_t now = clock_now_ns();

	notify_more_time(MORE_TIME_S);
	if (*said_ns && now - *said_ns < SAY_AGAIN_NS)
		return;
	*said_ns = now;
	log_event(LOG_LEVEL_WARNING, ABOUT("takeover-waits", NULL, NULL), "%s: process %d %s; waiting for it", r->container,
		  (int)r->victim, what);
	log_flush();
}

/*
 * Whoever writes to a disk that does not answer is not replaced: the successor would wait for the same disk, and meanwhile
 * nobody would serve the other arrays. The request stays open; it is granted as soon as the disk has answered.
 */
static int await_handover(struct rundir *r, int fd)
{
	int err = msg_ask_handover(fd, HANDOVER_MS, &r->inherited);
	uint64_t said = 0;

	while (err == -ETIMEDOUT && waits_for_disk(r)) {
		wait_on(r, &said, "waits for a disk to take its metadata");
		err = msg_await_handover(fd, HANDOVER_MS, &r->inherited);
	}
	return err;
}

/* One of ours lets go of its arrays and hands over its socket. False: SIGTERM has to say it. */
static bool ask_handover(struct rundir *r, int pidfd)
{
	int fd = msg_connect(r->sock_path);
	int err = fd < 0 ? fd : await_handover(r, fd);

	if (err == -EOPNOTSUPP) {
		/* What it has acknowledged it may not have written yet. */
		msg_ping(fd, MSG_PING_MONITOR, FLUSH_MS);
	}
	if (fd >= 0)
		close(fd);
	/* The victim has let go of everything. A thread of it may be inside the kernel for long: that harms nobody. */
	if (!err)
		ends_within(pidfd, TERM_MS);
	return !err;
}

/* One that has been killed serves nobody any more: whoever has done so takes its place, however long it takes to end. */
static bool terminate(const struct rundir *r, int pidfd)
{
	uint64_t said = 0;

	syscall(SYS_pidfd_send_signal, pidfd, SIGTERM, NULL, 0);
	if (ends_within(pidfd, TERM_MS))
		return true;
	log_info("%s: process %d does not end; killing it", r->container, (int)r->victim);
	if (syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0) < 0 && errno != ESRCH)
		return false;
	while (!ends_within(pidfd, KILL_MS))
		wait_on(r, &said, "has been killed, and ends when a disk answers");
	return true;
}

static void log_takeover(const struct rundir *r, uint64_t began_ns)
{
	log_event(LOG_LEVEL_INFO, ABOUT("takeover", NULL, NULL), "%s: took over from process %d in %llu ms",
		  r->container, (int)r->victim, (unsigned long long)((clock_now_ns() - began_ns) / NS_PER_MS));
}

bool rundir_evict(struct rundir *r)
{
	uint64_t began = clock_now_ns();
	int pidfd = (int)syscall(SYS_pidfd_open, r->victim, 0);
	bool gone;

	if (pidfd < 0 && errno == ESRCH)
		return true;
	if (pidfd < 0) {
		log_error("%s: cannot watch process %d: %m", r->container, (int)r->victim);
		return false;
	}
	/* The pid may have changed its owner before we had the descriptor; it cannot any more. */
	gone = !is_daemon(r, r->victim);
	if (!gone && announce(r)) {
		gone = ask_handover(r, pidfd) || terminate(r, pidfd);
		if (gone) {
			log_takeover(r, began);
		} else {
			give_back_pid_file(r);
			r->state = RUNDIR_PREPARED;
		}
	}
	if (!gone)
		log_error("%s: process %d cannot be ended", r->container, (int)r->victim);
	close(pidfd);
	return gone;
}

static bool take_lock(struct rundir *r, int md_dir)
{
	r->lock = openat(md_dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (r->lock >= 0 && flock(r->lock, LOCK_EX | LOCK_NB) == 0)
		return true;
	if (r->lock >= 0 && errno == EWOULDBLOCK) {
		log_info("%s: waiting for another start to end", r->container);
		if (flock(r->lock, LOCK_EX) == 0)
			return true;
	}
	log_error("%s: cannot take the lock for starting: %m", r->container);
	return false;
}

static void name_paths(struct rundir *r)
{
	snprintf(r->pid_path, sizeof(r->pid_path), "%s/%s.pid", RUNDIR, r->container);
	snprintf(r->sock_path, sizeof(r->sock_path), "%s/%s.sock", RUNDIR, r->container);
	snprintf(r->new_pid_path, sizeof(r->new_pid_path), "%s/%s.pid.new", RUNDIR, r->container);
	snprintf(r->new_sock_path, sizeof(r->new_sock_path), "%s/%s.sock.new", RUNDIR, r->container);
}

/* A daemon has threads. Another start, which waits for the lock, and the one that waits for its child have none. */
static bool has_threads(pid_t pid)
{
	char path[64];
	struct stat sb;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	return stat(path, &sb) == 0 && sb.st_nlink > 3; /* ".", the entry itself, and each thread */
}

/* RUNDIR may have been emptied under a daemon that runs. */
static pid_t find_in_proc(const struct rundir *r)
{
	struct dirent *e;
	DIR *proc = opendir("/proc");
	pid_t found = 0;

	while (proc && !found && (e = readdir(proc))) {
		pid_t pid = rundir_parse_pid(e->d_name);

		if (pid > 0 && has_threads(pid) && is_mdmon_of(r, pid, r->container))
			found = pid;
	}
	if (proc)
		closedir(proc);
	return found;
}

/* The process that the pid file names; if that is no daemon, the one that listens; or one that has no files. */
static pid_t find_victim(const struct rundir *r)
{
	pid_t pid = read_pid(r);

	if (is_daemon(r, pid))
		return pid;
	pid = listener(r);
	return is_daemon(r, pid) ? pid : find_in_proc(r);
}

/* The umask may take more than we like. */
static bool make_rundir(struct rundir *r)
{
	bool ok = mkdir(RUNDIR, 0755) == 0 ? chmod(RUNDIR, 0755) == 0 : errno == EEXIST;

	if (!ok) {
		log_error("cannot create %s: %m", RUNDIR);
		return false;
	}
	r->dir = open(RUNDIR, O_PATH | O_DIRECTORY | O_CLOEXEC);
	r->proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return true;
}

static void forget_dirs(struct rundir *r)
{
	if (r->dir >= 0)
		close(r->dir);
	if (r->proc >= 0)
		close(r->proc);
	r->dir = r->proc = -1;
}

bool rundir_claim(struct rundir *r, const char *container, bool takeover, int md_dir)
{
	pid_t again;

	*r = (struct rundir){ .dir = -1, .proc = -1, .lock = -1, .inherited = -1 };
	snprintf(r->container, sizeof(r->container), "%s", container);
	name_paths(r);
	if (!make_rundir(r) || !take_lock(r, md_dir))
		return false;
	r->victim = find_victim(r);
	if (!r->victim || takeover || !answers(r))
		return true;
	again = find_victim(r);
	if (again != r->victim) { /* it answered while it was leaving */
		r->victim = again;
		return true;
	}
	log_error("%s already managed", container);
	/* A start that was killed half way may have left its own pid there. */
	if (read_pid(r) != r->victim)
		give_back_pid_file(r);
	return false;
}

void rundir_unlock(struct rundir *r)
{
	if (r->lock >= 0)
		close(r->lock);
	r->lock = -1;
}

bool rundir_prepare(struct rundir *r)
{
	if (!write_pid(r, r->new_pid_path, getpid()))
		return false;
	r->server = msg_server_open(r->new_sock_path);
	if (!r->server) {
		log_error("cannot create socket %s: %m", r->sock_path);
		unlink_file(r, r->new_pid_path);
		unlink_file(r, r->new_sock_path);
		return false;
	}
	r->state = RUNDIR_PREPARED;
	return true;
}

static struct msg_server *take_inherited(struct rundir *r)
{
	struct msg_server *s = msg_server_adopt(r->inherited);

	r->inherited = -1;
	if (!s)
		log_warning("%s: cannot use the socket handed over: %m", r->container);
	return s;
}

/* The victim may have removed the file, or put its own pid there again, at its last moment: look at what is. */
static bool own_pid_file(struct rundir *r)
{
	if (r->state == RUNDIR_PREPARED)
		return announce(r);
	return read_pid(r) == getpid() || (write_pid(r, r->new_pid_path, getpid()) && announce(r));
}

struct msg_server *rundir_publish(struct rundir *r)
{
	struct msg_server *s;

	if (!own_pid_file(r))
		return NULL;
	s = r->inherited >= 0 ? take_inherited(r) : NULL;
	if (s) {
		unlink_file(r, r->new_sock_path);
		msg_server_close(r->server);
	} else if (rename(r->new_sock_path, r->sock_path) == 0) {
		s = r->server;
	} else {
		log_error("cannot create socket %s: %m", r->sock_path);
		return NULL;
	}
	r->server = NULL;
	r->state = RUNDIR_SERVING;
	return s;
}

void rundir_abandon(struct rundir *r)
{
	if (r->state != RUNDIR_NOTHING) {
		unlink_file(r, r->new_pid_path);
		unlink_file(r, r->new_sock_path);
	}
	msg_server_close(r->server);
	if (r->inherited >= 0)
		close(r->inherited);
	r->server = NULL;
	r->inherited = -1;
	if (r->state == RUNDIR_PREPARED)
		r->state = RUNDIR_NOTHING;
	rundir_remove_pid_file(r);
	rundir_remove_socket(r);
}

bool rundir_replaced(const struct rundir *r)
{
	pid_t pid = read_pid(r);

	return pid > 0 && pid != getpid() && is_mdmon_of(r, pid, NULL);
}

void rundir_remove_pid_file(struct rundir *r)
{
	if (r->state != RUNDIR_ANNOUNCED && r->state != RUNDIR_SERVING)
		return;
	r->state = RUNDIR_NOTHING;
	if (read_pid(r) != getpid())
		return;
	unlink_file(r, r->pid_path);
	r->state = RUNDIR_LEAVING;
}

void rundir_remove_socket(struct rundir *r)
{
	if (r->state == RUNDIR_LEAVING)
		unlink_file(r, r->sock_path);
	r->state = RUNDIR_NOTHING;
	forget_dirs(r);
}
