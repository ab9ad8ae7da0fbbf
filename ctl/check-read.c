/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading the disks: ctl/check-gather.h. Whoever asks what is wrong may do so because a disk hangs, and must get an answer: each
 * disk is tried by a process of its own first, which waits in the kernel for as long as the disk takes, and cannot even be killed
 * then. Those that answer are read by one more process, for they may cease to.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ctl/check-gather.h"
#include "ctl/examine.h"
#include "lib/clock.h"
#include "metadata/disk.h"

bool check_reading_init(struct check_reading *r, const struct ctl_paths *p, const struct check_facts *f)
{
	memset(r, 0, sizeof(*r));
	r->path = calloc(f->disks + 1, sizeof(r->path[0]));
	r->disk = calloc(f->disks + 1, sizeof(r->disk[0]));
	r->late = calloc(f->disks + 1, sizeof(r->late[0]));
	if (!r->path || !r->disk || !r->late)
		return false;
	for (int here = 1; here >= 0; here--) {
		for (size_t i = 0; i < f->disks; i++) {
			if (!f->disk[i].name[0] || check_is_here(f, &f->disk[i]) != here)
				continue;
			snprintf(r->path[r->count], sizeof(r->path[0]), "%.128s/%s", p->dev, f->disk[i].name);
			for (char *c = r->path[r->count] + strlen(p->dev); (c = strchr(c, '!')); )
				*c = '/';
			r->late[r->count] = f->disk[i].hangs;
			r->disk[r->count++] = i;
		}
		if (here)
			r->together = r->count;
	}
	return true;
}

void check_reading_free(struct check_reading *r)
{
	free(r->path);
	free(r->disk);
	free(r->late);
	memset(r, 0, sizeof(*r));
}

/* ---- processes ---- */

struct helper {
	pid_t pid;
	int fd; /* what it writes; ends with it. -1: there is none */
};

/* Keeps nothing open that somebody waits for the end of. */
static void leave_files(int keep)
{
	int null = open("/dev/null", O_RDWR);

	for (int fd = 0; fd <= 2 && null >= 0; fd++)
		dup2(null, fd);
	for (int fd = 3; fd < 1024; fd++)
		if (fd != keep)
			close(fd);
}

static struct helper start(void (*work)(const void *arg, int fd), const void *arg)
{
	struct helper h = { .fd = -1 };
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return h;
	fflush(NULL);
	h.pid = fork();
	if (h.pid == 0) {
		leave_files(fds[1]);
		work(arg, fds[1]);
		_exit(0);
	}
	close(fds[1]);
	if (h.pid < 0)
		close(fds[0]);
	else
		h.fd = fds[0];
	return h;
}

/* One that waits for a disk goes when the disk lets it. */
static void stop(struct helper *h)
{
	if (h->fd < 0)
		return;
	close(h->fd);
	h->fd = -1;
	kill(h->pid, SIGKILL);
	for (int i = 0; i < 20 && waitpid(h->pid, NULL, WNOHANG) == 0; i++)
		usleep(1000);
}

static int left_ms(uint64_t end_ns)
{
	uint64_t now = clock_now_ns();

	return now < end_ns ? (int)((end_ns - now) / NS_PER_MS) + 1 : 0;
}

/* Everything it writes, with a NUL behind it; NULL: it does not end in time, or memory ran out. */
static char *hear(const struct helper *h, uint64_t end_ns)
{
	size_t have = 0, size = 4096;
	char *text = malloc(size), *larger;
	struct pollfd p = { .fd = h->fd, .events = POLLIN };
	ssize_t n;

	while (text && h->fd >= 0 && poll(&p, 1, left_ms(end_ns)) > 0) {
		n = read(h->fd, text + have, size - have - 1);
		if (n == 0) {
			text[have] = '\0';
			return text;
		}
		if (n < 0)
			break;
		have += (size_t)n;
		if (have + 1 < size)
			continue;
		larger = realloc(text, size *= 2);
		if (!larger)
			break;
		text = larger;
	}
	free(text);
	return NULL;
}

/* ---- what they do ---- */

static void try(const void *arg, int fd)
{
	struct disk *d = disk_open_to_look(arg);

	(void)fd;
	if (d)
		disk_can_be_read(d);
}

static void try_all(struct check_reading *r, int timeout_ms)
{
	uint64_t end = clock_now_ns() + (uint64_t)timeout_ms * NS_PER_MS;
	struct helper *h = calloc(r->count + 1, sizeof(*h));
	char *text;

	for (size_t i = 0; h && i < r->count; i++) {
		h[i].fd = -1;
		if (!r->late[i])
			h[i] = start(try, r->path[i]);
	}
	for (size_t i = 0; h && i < r->count; i++) {
		if (h[i].fd < 0)
			continue;
		text = hear(&h[i], end);
		r->late[i] = !text;
		free(text);
		stop(&h[i]);
	}
	free(h);
}

struct job {
	const struct check_reading *r;
	const struct ctl_paths *p;
};

static void read_all(const void *arg, int fd)
{
	const struct job *j = arg;
	const struct check_reading *r = j->r;
	const char **name = calloc(r->count + 1, sizeof(*name));
	json_t *list = json_array();
	size_t n = 0;

	for (size_t i = 0; name && i < r->together; i++)
		if (!r->late[i])
			name[n++] = r->path[i];
	json_array_append_new(list, name ? examine_devices(j->p, name, n) : NULL);
	for (size_t i = r->together; name && i < r->count; i++)
		if (!r->late[i]) {
			name[0] = r->path[i];
			json_array_append_new(list, examine_devices(j->p, name, 1));
		}
	json_dumpfd(list, fd, JSON_COMPACT);
}

json_t *check_read(struct check_reading *r, const struct ctl_paths *p, int timeout_ms)
{
	const struct job j = { r, p };
	struct helper h;
	json_t *read = NULL;
	char *text;

	try_all(r, timeout_ms);
	h = start(read_all, &j);
	text = hear(&h, clock_now_ns() + 2 * (uint64_t)timeout_ms * NS_PER_MS);
	if (!text)
		snprintf(r->problem, sizeof(r->problem), "reading them did not end in time");
	else if (!(read = json_loads(text, 0, NULL)))
		snprintf(r->problem, sizeof(r->problem), "the process that read them has died");
	free(text);
	stop(&h);
	return read;
}
