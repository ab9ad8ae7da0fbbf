/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Start and end of the daemon: becoming a daemon, taking the place of another one, and the order of it all.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "lib/notify.h"
#include "managemon.h"
#include "md/members.h"
#include "mdstat.h"
#include "metadata/disk.h"
#include "metadata/superswitch.h"
#include "monitor.h"
#include "socket/rundir.h"
#include "socket/server.h"
#include "start/container.h"
#include "start/disks.h"
#include "start/options.h"
#include "sysfs.h"
#include "threads/handoff.h"
#include "threads/thread.h"

/* One container on its way from a name to a running daemon. */
struct startup {
	const struct options *opt;
	struct container cont;
	int status_fd; /* pipe to the parent; -1 in the foreground */
	struct supertype st;
	struct manager *mgr;
	struct start_disk *disk; /* as they were found last */
	size_t disk_count;
	struct rundir run;
	struct msg_server *server;
	int mdstat_fd;
};

/* systemd spares processes whose name begins with '@' when it ends all others. */
static bool in_initrd(void)
{
	struct statfs fs;

	if (access("/etc/initrd-release", F_OK) == 0)
		return true;
	return statfs("/", &fs) == 0 &&
	       (fs.f_type == TMPFS_MAGIC || fs.f_type == (__typeof__(fs.f_type))RAMFS_MAGIC);
}

/* ---- loading ---- */

/* mdadm, which has read these disks a moment ago, waits until we are ready, and udev for mdadm. */
static const struct start_patience patience = { .some_ns = 5 * NS_PER_S, .most_ns = 60 * NS_PER_S };

/* The second time, when the predecessor is gone, nobody waits again for a disk that did not answer the first time. */
static bool was_late(const struct startup *s, dev_t dev)
{
	for (size_t i = 0; i < s->disk_count; i++)
		if (s->disk[i].dev == dev)
			return s->disk[i].late;
	return false;
}

static int out_of_memory(const struct startup *s)
{
	log_error("Cannot load metadata for %s: out of memory", s->cont.name);
	return -ENOMEM;
}

static int list_disks(struct startup *s, const struct sysfs_member *list, size_t count)
{
	struct start_disk *disk = calloc(count + 1, sizeof(*disk));
	size_t n = 0;

	if (!disk)
		return out_of_memory(s);
	for (size_t i = 0; i < count; i++)
		if (list[i].dev && !list[i].offline)
			disk[n++] = (struct start_disk){
				.dev = list[i].dev,
				.inode = list[i].inode,
				.late = was_late(s, list[i].dev),
			};
	free(s->disk);
	s->disk = disk;
	s->disk_count = n;
	return 0;
}

static void log_unopened(const struct startup *s, const struct start_disk *d)
{
	char name[LOG_NAME_MAX];

	if (d->disk)
		return;
	sysfs_name_or_number(d->dev, name, sizeof(name));
	if (d->late)
		log_warning("%s: disk %s does not answer, and has to wait until later", s->cont.name, name);
	else
		log_warning("%s: cannot open %s: %s", s->cont.name, name, strerror(-d->error));
}

/* The handler takes what it wants of them. What could not be opened or read comes later, for the manager. */
static int load_disks(struct startup *s)
{
	struct disk **disks = calloc(s->disk_count + 1, sizeof(*disks));
	size_t n = 0;
	int err;

	if (!disks)
		return out_of_memory(s);
	err = start_open_disks(s->disk, s->disk_count, &patience) ? out_of_memory(s) : 0;
	for (size_t i = 0; !err && i < s->disk_count; i++) {
		log_unopened(s, &s->disk[i]);
		if (s->disk[i].disk)
			disks[n++] = s->disk[i].disk;
	}
	if (!err)
		err = s->st.ss->load_container(&s->st, disks, n);
	n = 0;
	for (size_t i = 0; i < s->disk_count; i++) {
		struct start_disk *d = &s->disk[i];

		if (!d->disk)
			continue;
		if (!err && (!disks[n] || d->readable))
			err = manager_note_disk(s->mgr, d->dev, d->inode) ? out_of_memory(s) : 0;
		disk_close(disks[n++]); /* if it was not wanted */
		d->disk = NULL;
	}
	free(disks);
	return err;
}

static bool load_container(struct startup *s)
{
	struct sysfs_member *list = NULL;
	size_t count = 0;
	int err = sysfs_list_members(s->cont.md_dir, &list, &count);

	if (err) {
		log_error("failed to load sysfs info for %s: %s", s->cont.name, strerror(-err));
		return false;
	}
	err = list_disks(s, list, count);
	free(list);
	return !err && !load_disks(s);
}

/*
 * When the predecessor has been ended nobody serves the arrays, and a write to them waits: what fails now, for want of memory or
 * descriptors, or because no disk can be read just then, is tried again. Nothing else runs yet that a pause could hold up.
 */
#define PERSIST_NS (60 * NS_PER_S)
#define PERSIST_PAUSE_MS 20
#define PERSIST_PAUSE_MAX_MS 2000

static bool persist(struct startup *s, bool (*step)(struct startup *s))
{
	uint64_t until = clock_now_ns() + PERSIST_NS;

	for (int pause = PERSIST_PAUSE_MS; !step(s); pause = pause < PERSIST_PAUSE_MAX_MS ? 2 * pause : pause) {
		if (!s->run.victim || clock_now_ns() >= until)
			return false;
		poll(NULL, 0, pause);
	}
	return true;
}

static void unload_container(struct startup *s)
{
	s->st.ss->free_super(&s->st);
	manager_forget_disks(s->mgr);
}

static bool load_afresh(struct startup *s)
{
	unload_container(s);
	return load_container(s);
}

/* ---- becoming a daemon ---- */

static void lock_memory(void)
{
	/* One arena, and nothing given back: memory that is locked once stays what it is. */
	mallopt(M_ARENA_MAX, 1);
	mallopt(M_TRIM_THRESHOLD, 256 * 1024);
	mallopt(M_MMAP_THRESHOLD, 128 * 1024);
	if (mlockall(MCL_CURRENT | MCL_FUTURE))
		log_warning("cannot lock memory: %m");
}

/*
 * Each member of an array needs seven descriptors. The limit that a process gets without asking is a good deal lower than what it
 * may have.
 */
static void raise_descriptor_limit(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) || l.rlim_cur == l.rlim_max)
		return;
	l.rlim_cur = l.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &l))
		log_warning("cannot raise the limit of open files: %m");
}

/* What we open must not get a number that somebody writes messages to. */
static void ensure_stdio(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

static void detach_stdio(void)
{
	int fd = open("/dev/null", O_RDWR);

	if (fd < 0)
		return;
	dup2(fd, STDIN_FILENO);
	dup2(fd, STDOUT_FILENO);
	dup2(fd, STDERR_FILENO);
	if (fd > STDERR_FILENO)
		close(fd);
}

/* Called by the manager when all arrays have been taken on: only now the caller may go on. */
static void report_ready(void *arg)
{
	struct startup *s = arg;
	int status = EXIT_READY;

	log_event(LOG_LEVEL_INFO, ABOUT("ready", NULL, NULL), "%s: ready", s->cont.name);
	notify_ready(NULL);
	if (s->status_fd < 0)
		return;
	log_flush();
	log_to_background();
	detach_stdio();
	if (write(s->status_fd, &status, sizeof(status)) != sizeof(status))
		log_warning("%s: nobody waits for the start to complete", s->cont.name);
	close(s->status_fd);
	s->status_fd = -1;
}

static bool start_monitor(struct startup *s)
{
	int err;

	handoff_set_manager(getpid());
	err = monitor_start(&s->st);
	if (err)
		log_error("failed to start monitor process: %s", strerror(-err));
	return !err;
}

static void end_threads(struct startup *s, enum manager_end end)
{
	switch (end) {
	case MANAGER_HANDED_OVER: /* helpers may be inside calls that take long: the process takes them along */
		break;
	case MANAGER_NO_ARRAYS:
		notify_stopping();
		rundir_remove_socket(&s->run);
		monitor_stop();
		manager_serve_last(s->mgr);
		break;
	case MANAGER_DRAINED:
		notify_stopping(); /* not before: letting go may take for ever, and systemd would lose its patience */
		monitor_stop();
		manager_serve_last(s->mgr);
		break;
	case MANAGER_GOES_ON:
		break;
	}
	log_flush();
}

static int run_threads(struct startup *s)
{
	if (!persist(s, start_monitor))
		return EXIT_USAGE;
	end_threads(s, manager_run(s->mgr, s->server, s->mdstat_fd));
	return EXIT_READY;
}

/*
 * What can well fail is tried before the predecessor is ended: could we take its place at all? What it wrote
 * last is loaded afterwards.
 */
static bool make_way(struct startup *s)
{
	bool possible = true;

	s->mdstat_fd = mdstat_open();
	if (s->mdstat_fd < 0) {
		log_error("cannot open /proc/mdstat: %s", strerror(-s->mdstat_fd));
		return false;
	}
	if (s->run.victim) {
		log_set_level(LOG_LEVEL_ERROR); /* the second time is soon enough for warnings */
		possible = load_container(s);
		unload_container(s);
		log_set_level(s->opt->verbose ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO);
	}
	if (!possible || !rundir_prepare(&s->run))
		return false;
	/* From when the predecessor is asked to leave nobody serves the arrays, and no memory may have to be written to them. */
	lock_memory();
	thread_is_io_flusher();
	return !s->run.victim || rundir_evict(&s->run);
}

static bool publish(struct startup *s)
{
	s->server = rundir_publish(&s->run);
	return s->server != NULL;
}

static bool take_place(struct startup *s)
{
	if (!rundir_claim(&s->run, s->cont.name, s->opt->takeover, s->cont.md_dir))
		return false;
	if (!make_way(s) || !persist(s, load_afresh) || !persist(s, publish)) {
		rundir_abandon(&s->run);
		return false;
	}
	return true;
}

static int serve(struct startup *s)
{
	int status = run_threads(s);

	if (status != EXIT_READY) {
		rundir_remove_pid_file(&s->run);
		rundir_remove_socket(&s->run);
	}
	msg_server_close(s->server);
	if (!manager_disk_is_coming(s->mgr))
		unload_container(s); /* else a helper may still look at it */
	return status;
}

static struct manager *make_manager(struct startup *s)
{
	struct manager_setup setup = {
		.st = &s->st,
		.run = &s->run,
		.container_dev = s->cont.dev,
		.container_md_dir = s->cont.md_dir,
		.ready = report_ready,
		.arg = s,
	};

	return manager_new(&setup);
}

/* The child, or the only process in the foreground. */
static int daemon_main(struct startup *s)
{
	int status = EXIT_REFUSED;
	bool placed;

	log_set_container(s->cont.name);
	if (!container_identify(&s->cont, &s->st))
		return EXIT_REFUSED;
	manager_block_signals(s->status_fd >= 0);
	raise_descriptor_limit();
	umask(077);
	if (s->status_fd >= 0)
		setsid();
	if (chdir("/"))
		log_warning("cannot change to the root directory: %m");
	s->mdstat_fd = -1;
	s->mgr = make_manager(s);
	if (!s->mgr) {
		log_error("%s: %s", s->cont.name, strerror(ENOMEM));
		return EXIT_REFUSED;
	}
	placed = take_place(s);
	rundir_unlock(&s->run);
	if (placed)
		status = serve(s);
	if (s->mdstat_fd >= 0)
		close(s->mdstat_fd);
	manager_free(s->mgr);
	free(s->disk);
	close(s->cont.md_dir);
	return status;
}

static int wait_for_child(int fd, pid_t pid)
{
	int status = 0;
	ssize_t n;

	do {
		n = read(fd, &status, sizeof(status));
	} while (n < 0 && errno == EINTR);
	if (n == sizeof(status))
		return status;
	if (waitpid(pid, &status, 0) == pid && WIFEXITED(status))
		return WEXITSTATUS(status);
	log_error("the daemon ended unexpectedly while it started");
	return EXIT_REFUSED;
}

static int start_daemon(struct startup *s)
{
	int fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC)) {
		log_error("failed to create pipe: %m");
		return EXIT_NAME;
	}
	pid = fork();
	if (pid < 0) {
		log_error("failed to fork: %m");
		return EXIT_NAME;
	}
	if (pid == 0) {
		close(fds[0]);
		s->status_fd = fds[1];
		exit(daemon_main(s));
	}
	close(fds[1]);
	return wait_for_child(fds[0], pid);
}

static int start_one(const struct options *opt, const char *name, bool foreground)
{
	static struct startup s; /* too big for a locked stack; each daemon is a process of its own */
	int status;

	memset(&s, 0, sizeof(s));
	s.opt = opt;
	s.status_fd = -1;
	if (container_resolve(name, &s.cont))
		return EXIT_NAME;
	if (foreground)
		return daemon_main(&s);
	status = start_daemon(&s);
	close(s.cont.md_dir);
	return status;
}

static int start_all(const struct options *opt)
{
	struct mdstat m;
	int status = 0, fd = mdstat_open();

	if (fd < 0 || mdstat_read(fd, &m)) {
		log_error("cannot read /proc/mdstat");
		return EXIT_NAME;
	}
	close(fd);
	for (size_t i = 0; i < m.count; i++) {
		const struct mdstat_entry *e = &m.entry[i];

		if (!e->external || e->metadata[0] == '/' || e->metadata[0] == '-')
			continue;
		/* ps, and whoever wants to know whose daemon this is, shall see the container. */
		if (opt->all_word && strlen(e->name) <= opt->all_word_len) {
			memset(opt->all_word, 0, opt->all_word_len);
			memcpy(opt->all_word, e->name, strlen(e->name));
		}
		status |= start_one(opt, e->name, false);
	}
	mdstat_free(&m);
	return status;
}

int main(int argc, char **argv)
{
	struct options opt;
	int code, err;

	ensure_stdio();
	log_open();
	code = options_parse(argc, argv, &opt);
	if (code >= 0)
		return code;
	if (opt.verbose)
		log_set_level(LOG_LEVEL_DEBUG);
	if (opt.offroot || in_initrd())
		argv[0][0] = '@';
	err = sysfs_init();
	if (err) {
		log_error("cannot open /sys/block: %s", strerror(-err));
		return EXIT_NAME;
	}
	notify_open();
	return opt.all ? start_all(&opt) : start_one(&opt, opt.container, opt.foreground);
}
