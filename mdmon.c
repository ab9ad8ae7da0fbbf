/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Start and end of the daemon: options, the container's name, becoming a daemon, taking the
 * place of another one, and the order of it all.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "disk.h"
#include "handoff.h"
#include "log.h"
#include "managemon.h"
#include "monitor.h"
#include "pidfile.h"
#include "sysfs.h"
#include "worker.h"

#ifndef PR_SET_IO_FLUSHER
#define PR_SET_IO_FLUSHER 57
#endif

/* Exit codes that callers know (mdmon.md 2.4). */
enum { EXIT_READY = 0, EXIT_NAME = 1, EXIT_USAGE = 2, EXIT_REFUSED = 3 };

struct options {
	bool all;
	bool takeover;
	bool foreground;
	bool offroot;
	const char *container;
	char *all_word;      /* the word of the command line that selected all containers */
	size_t all_word_len; /* room there */
};

/* One container on its way from a name to a running daemon. */
struct start {
	const struct options *opt;
	char name[MD_NAME_MAX]; /* kernel name */
	dev_t dev;
	int md_dir;
	int status_fd; /* pipe to the parent; -1 in the foreground */
	struct supertype st;
	struct manager mgr;
	struct rundir run;
};

/* ---- options ------------------------------------------------------------------------ */

static void usage(FILE *to)
{
	fputs("Usage: mdmon [options] CONTAINER\n"
	      "\n"
	      "Keeps the metadata of an md container (Intel IMSM) in step with its arrays.\n"
	      "\n"
	      "Options:\n"
	      "  --help        -h   this text\n"
	      "  --version          version of this program\n"
	      "  --all         -a   one daemon for each container in /proc/mdstat\n"
	      "  --foreground  -F   do not become a daemon; messages go to stderr\n"
	      "  --takeover    -t   replace a running daemon\n"
	      "\n"
	      "CONTAINER is a name like md127, /dev/md127 or /dev/md/imsm0.\n",
	      to);
}

static void note_all_word(int argc, char **argv, struct options *opt)
{
	for (int i = 1; opt->all && i < argc; i++) {
		if (strncmp(argv[i], "--al", 4) != 0 && strcmp(argv[i], "/proc/mdstat") != 0)
			continue;
		opt->all_word = argv[i];
		opt->all_word_len = strlen(argv[i]);
	}
}

static void parse_options(int argc, char **argv, struct options *opt)
{
	static const struct option longopts[] = {
		{ "all", no_argument, NULL, 'a' },	{ "all-active-arrays", no_argument, NULL, 'a' },
		{ "takeover", no_argument, NULL, 't' }, { "foreground", no_argument, NULL, 'F' },
		{ "help", no_argument, NULL, 'h' },	{ "version", no_argument, NULL, 'V' },
		{ "offroot", no_argument, NULL, 'o' },	{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "atFh", longopts, NULL)) != -1) {
		switch (c) {
		case 'a':
			opt->all = true;
			break;
		case 't':
			opt->takeover = true;
			break;
		case 'F':
			opt->foreground = true;
			break;
		case 'o':
			opt->offroot = true;
			break;
		case 'V':
			printf("mdmon %s\n", MDMON_VERSION);
			exit(EXIT_READY);
		case 'h':
			usage(stdout);
			exit(EXIT_READY);
		default:
			usage(stderr);
			exit(EXIT_USAGE);
		}
	}
	if (optind < argc && strcmp(argv[optind], "/proc/mdstat") == 0)
		opt->all = true;
	if (!opt->all && argc - optind != 1) {
		log_error(optind == argc ? "no container named" : "more than one container named");
		usage(stderr);
		exit(EXIT_USAGE);
	}
	note_all_word(argc, argv, opt);
	opt->container = opt->all ? NULL : argv[optind];
}

/* systemd spares processes whose name begins with '@' when it ends all others. */
static bool in_initrd(void)
{
	struct statfs fs;

	if (access("/etc/initrd-release", F_OK) == 0)
		return true;
	return statfs("/", &fs) == 0 && (fs.f_type == 0x01021994 /* tmpfs */ || fs.f_type == (__typeof__(fs.f_type))0x858458f6 /* ramfs */);
}

/* ---- the container's name -------------------------------------------------------------- */

static int dev_of_kernel_name(const char *name, dev_t *dev)
{
	char path[PATH_MAX], buf[SYSFS_WORD_MAX];
	ssize_t n;
	int fd;

	if (strchr(name, '/') || snprintf(path, sizeof(path), "/sys/block/%s/dev", name) >= (int)sizeof(path))
		return -EINVAL;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = sysfs_read_fd(fd, buf, sizeof(buf));
	close(fd);
	return n < 0 ? (int)n : sysfs_parse_dev(buf, dev);
}

static int dev_of_path(const char *prefix, const char *name, dev_t *dev)
{
	char path[PATH_MAX];
	struct stat sb;

	if (snprintf(path, sizeof(path), "%s%s", prefix, name) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	if (stat(path, &sb))
		return -errno;
	if (!S_ISBLK(sb.st_mode))
		return -ENOTBLK;
	*dev = sb.st_rdev;
	return 0;
}

/* All the forms that any mdadm uses: md127, md/NAME, a path, and "initrd/" before each. */
static int resolve(const char *arg, struct start *s)
{
	const char *name = arg;
	int err;

	if (strncmp(name, "initrd/", 7) == 0)
		name += 7;
	if (name[0] == '/')
		err = dev_of_path("", name, &s->dev);
	else if (strncmp(name, "md/", 3) == 0)
		err = dev_of_path("/dev/", name, &s->dev);
	else
		err = dev_of_kernel_name(name, &s->dev);
	if (!err)
		err = sysfs_block_name(s->dev, s->name, sizeof(s->name));
	if (!err) {
		s->md_dir = sysfs_open_md_dir(s->name);
		err = s->md_dir < 0 ? s->md_dir : 0;
	}
	if (err)
		log_error("%s is not a valid md device name: %s", arg,
			  err == -ENOENT ? "no such md device" : strerror(-err));
	return err;
}

/* ---- what kind of container ---------------------------------------------------------------- */

const struct superswitch *find_superswitch(const char *metadata)
{
	static const struct superswitch *const known[] = { &super_imsm };

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(known[i]->name, metadata) == 0)
			return known[i];
	return NULL;
}

static bool check_container(struct start *s)
{
	char buf[SYSFS_WORD_MAX];
	struct metadata_version v;

	if (sysfs_read_attr(s->md_dir, "level", buf, sizeof(buf)) < 0) {
		log_error("failed to load sysfs info for %s", s->name);
		return false;
	}
	if (buf[0]) {
		log_error("%s is not a container - cannot monitor", s->name);
		return false;
	}
	if (sysfs_read_attr(s->md_dir, "metadata_version", buf, sizeof(buf)) < 0) {
		log_error("failed to load sysfs info for %s", s->name);
		return false;
	}
	sysfs_parse_metadata_version(buf, &v);
	if (!v.external || v.is_member) {
		log_error("%s does not use external metadata - cannot monitor", s->name);
		return false;
	}
	s->st.ss = find_superswitch(v.name);
	if (!s->st.ss) {
		log_error("%s uses unsupported metadata: %s", s->name, v.name);
		return false;
	}
	snprintf(s->st.container, sizeof(s->st.container), "%s", s->name);
	return true;
}

/* ---- loading ---------------------------------------------------------------------------------- */

static struct disk *open_component(const struct start *s, const struct sysfs_member *m)
{
	struct disk *d;

	if (!m->dev || m->offline)
		return NULL;
	d = disk_open(m->dev);
	if (!d)
		log_warning("%s: cannot open %s: %m", s->name, m->name + strlen("dev-"));
	return d;
}

static int load_disks(struct start *s, const struct sysfs_member *list, size_t count, struct disk **disks)
{
	size_t n = 0;
	int err;

	for (size_t i = 0; i < count; i++) {
		err = manager_note_disk(&s->mgr, list[i].dev, list[i].inode);
		if (err)
			return err;
		disks[n] = open_component(s, &list[i]);
		n += disks[n] != NULL;
	}
	err = s->st.ss->load_container(&s->st, disks, n);
	for (size_t i = 0; i < n; i++)
		disk_close(disks[i]); /* those that were not wanted */
	return err;
}

static bool load(struct start *s)
{
	struct sysfs_member *list = NULL;
	struct disk **disks;
	size_t count = 0;
	int err = sysfs_list_members(s->md_dir, &list, &count);

	if (err) {
		log_error("failed to load sysfs info for %s: %s", s->name, strerror(-err));
		return false;
	}
	disks = calloc(count + 1, sizeof(*disks));
	err = disks ? load_disks(s, list, count, disks) : -ENOMEM;
	free(disks);
	free(list);
	return !err;
}

/* ---- becoming a daemon -------------------------------------------------------------------------- */

static void lock_memory(void)
{
	/* One arena, and nothing given back: memory that is locked once stays what it is. */
	mallopt(M_ARENA_MAX, 1);
	mallopt(M_TRIM_THRESHOLD, 256 * 1024);
	mallopt(M_MMAP_THRESHOLD, 128 * 1024);
	if (mlockall(MCL_CURRENT | MCL_FUTURE))
		log_warning("cannot lock memory: %m");
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
	struct start *s = arg;
	int status = EXIT_READY;

	log_info("%s: ready", s->name);
	if (s->status_fd < 0)
		return;
	log_flush();
	log_to_background();
	detach_stdio();
	if (write(s->status_fd, &status, sizeof(status)) != sizeof(status))
		log_warning("%s: nobody waits for the start to complete", s->name);
	close(s->status_fd);
	s->status_fd = -1;
}

/* Called by the manager, at the moment when it is certain that nobody needs us. */
static void remove_pid_file(void *arg)
{
	rundir_remove_pid_file(&((struct start *)arg)->run);
}

static void forget_disks(struct start *s)
{
	while (s->mgr.disks) {
		struct container_disk *next = s->mgr.disks->next;

		free(s->mgr.disks);
		s->mgr.disks = next;
	}
}

static void clean_up(struct start *s)
{
	msg_server_close(s->mgr.server);
	if (s->mgr.mdstat_fd >= 0)
		close(s->mgr.mdstat_fd);
	s->st.ss->free_super(&s->st);
	forget_disks(s);
	close(s->md_dir);
}

static int run(struct start *s)
{
	int err, drained;

	s->mgr.st = &s->st;
	s->mgr.container_dev = s->dev;
	s->mgr.container_md_dir = s->md_dir;
	s->mgr.ready = report_ready;
	s->mgr.leave = remove_pid_file;
	s->mgr.arg = s;
	s->mgr.mdstat_fd = mdstat_open();
	if (s->mgr.mdstat_fd < 0) {
		log_error("cannot open /proc/mdstat: %s", strerror(-s->mgr.mdstat_fd));
		return EXIT_REFUSED;
	}
	lock_memory();
	/* Failed members wait for the manager's "-blocked": it must not wait for memory to be written to them. */
	prctl(PR_SET_IO_FLUSHER, 1, 0, 0, 0);
	handoff_set_manager(getpid());
	err = worker_start();
	if (!err)
		err = monitor_start(&s->st);
	if (err) {
		log_error("failed to start monitor process: %s", strerror(-err));
		return EXIT_USAGE;
	}
	drained = manager_run(&s->mgr);
	/* After SIGTERM the files may be a successor's. */
	if (!drained)
		rundir_remove_socket(&s->run);
	monitor_stop();
	worker_stop();
	manager_serve_last_clients(&s->mgr);
	log_flush();
	return EXIT_READY;
}

/* Before the predecessor is ended: could we take its place at all? What it wrote last is loaded afterwards. */
static bool make_way(struct start *s)
{
	if (s->run.victim <= 0)
		return true;
	if (!load(s))
		return false;
	s->st.ss->free_super(&s->st);
	forget_disks(s);
	return rundir_evict(&s->run);
}

/* The child, or the only process in the foreground. */
static int daemon_main(struct start *s)
{
	int status = EXIT_REFUSED;

	if (!check_container(s))
		return EXIT_REFUSED;
	manager_block_signals();
	umask(077);
	if (s->status_fd >= 0)
		setsid();
	if (chdir("/"))
		log_warning("cannot change to the root directory: %m");
	s->mgr.mdstat_fd = -1;
	if (!rundir_claim(&s->run, s->name, s->opt->takeover, s->md_dir) || !make_way(s)) {
		rundir_unlock(&s->run);
		return EXIT_REFUSED;
	}
	if (load(s) && rundir_create_files(&s->run, &s->mgr.server)) {
		rundir_unlock(&s->run);
		status = run(s);
		if (status != EXIT_READY) {
			rundir_remove_pid_file(&s->run);
			rundir_remove_socket(&s->run);
		}
		clean_up(s);
	}
	rundir_unlock(&s->run);
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

static int start_daemon(struct start *s)
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
	static struct start s; /* too big for a locked stack; each daemon is a process of its own */

	memset(&s, 0, sizeof(s));
	s.opt = opt;
	s.status_fd = -1;
	s.md_dir = -1;
	if (resolve(name, &s))
		return EXIT_NAME;
	return foreground ? daemon_main(&s) : start_daemon(&s);
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
	struct options opt = { 0 };
	int err;

	parse_options(argc, argv, &opt);
	if (opt.offroot || in_initrd())
		argv[0][0] = '@';
	err = sysfs_init();
	if (err) {
		log_error("cannot open /sys/block: %s", strerror(-err));
		return EXIT_NAME;
	}
	return opt.all ? start_all(&opt) : start_one(&opt, opt.container, opt.foreground);
}
