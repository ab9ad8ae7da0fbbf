/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What md, the pid files and the processes of the machine say, as facts: ctl/check-gather.h. */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/check-gather.h"
#include "md/members.h"
#include "socket/rundir.h"
#include "sysfs.h"

/* ---- files ---- */

/* A small file whole, without the newline; "" if it cannot be read. */
static bool read_text(char *to, size_t size, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static bool read_text(char *to, size_t size, const char *fmt, ...)
{
	char path[PATH_MAX];
	va_list args;
	ssize_t n;
	int fd;

	to[0] = '\0';
	va_start(args, fmt);
	vsnprintf(path, sizeof(path), fmt, args);
	va_end(args);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = sysfs_read_fd(fd, to, size);
	close(fd);
	if (n < 0)
		to[0] = '\0';
	return n >= 0;
}

static bool array_text(const struct ctl_paths *p, const char *array, const char *attribute, char *to, size_t size)
{
	return read_text(to, size, "%s/block/%s/md/%s", p->sys, array, attribute);
}

static uint64_t array_number(const struct ctl_paths *p, const char *array, const char *attribute)
{
	char text[SYSFS_WORD_MAX];
	int64_t n;

	if (!array_text(p, array, attribute, text, sizeof(text)) || sysfs_parse_number(text, &n) < 0 || n < 0)
		return 0;
	return (uint64_t)n;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strverscmp((*a)->d_name, (*b)->d_name);
}

static int is_shown(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

/* Calls back with each name in a directory, in order. */
static void each_entry(const struct ctl_paths *p, struct check_facts *f, const char *path,
		       void (*take)(const struct ctl_paths *p, struct check_facts *f, const char *name))
{
	struct dirent **list;
	int n = scandir(path, &list, is_shown, by_name);

	for (int i = 0; i < n; i++) {
		take(p, f, list[i]->d_name);
		free(list[i]);
	}
	if (n >= 0)
		free(list);
}

/* ---- arrays ---- */

static int list_members(const struct ctl_paths *p, const char *array, struct sysfs_member **list, size_t *count)
{
	char path[PATH_MAX];
	int fd, r;

	*list = NULL;
	*count = 0;
	snprintf(path, sizeof(path), "%s/block/%s/md", p->sys, array);
	fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	r = sysfs_list_members(fd, list, count);
	close(fd);
	return r;
}

static void take_container(const struct ctl_paths *p, struct check_facts *f)
{
	char text[SYSFS_WORD_MAX];
	struct metadata_version version;
	struct sysfs_member *list;
	struct check_disk *d;
	size_t count;

	f->exists = array_text(p, f->container, "metadata_version", text, sizeof(text));
	sysfs_parse_metadata_version(text, &version);
	if (!f->format[0] && version.external && !version.is_member)
		snprintf(f->format, sizeof(f->format), "%.7s", version.name);
	if (list_members(p, f->container, &list, &count) < 0)
		return;
	for (size_t i = 0; i < count; i++) {
		d = check_add_disk(f, member_disk(list[i].name));
		if (d)
			snprintf(d->holder, sizeof(d->holder), "%s", f->container);
	}
	free(list);
}

static unsigned count_bad(const struct ctl_paths *p, const char *array, const char *member)
{
	char text[SYSFS_PAGE + 1];
	unsigned n = 0;

	read_text(text, sizeof(text), "%s/block/%s/md/%s/bad_blocks", p->sys, array, member);
	for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n')
		n += isdigit((unsigned char)*line) != 0;
	return n;
}

/* Up to where another disk must reach. With DDF a volume may begin anywhere on each disk: it must have room at least. */
static uint64_t end_of_member(const struct ctl_paths *p, const char *array, const char *member, bool anywhere)
{
	char attribute[MEMBER_NAME_MAX + 16];
	uint64_t offset;

	snprintf(attribute, sizeof(attribute), "%s/offset", member);
	offset = anywhere ? 0 : array_number(p, array, attribute);
	snprintf(attribute, sizeof(attribute), "%s/size", member);
	return offset + 2 * array_number(p, array, attribute);
}

static void take_members(const struct ctl_paths *p, const struct check_facts *f, struct check_volume *v)
{
	struct sysfs_member *list;
	size_t count;

	if (list_members(p, v->device, &list, &count) < 0)
		return;
	for (size_t i = 0; i < count; i++) {
		const struct sysfs_member *m = &list[i];
		struct check_slot *s = m->slot >= 0 && m->slot < (int)v->raid_disks ? &v->slot[m->slot] : NULL;
		uint64_t end = end_of_member(p, v->device, m->name, check_is_ddf(f));

		if (!s)
			continue;
		snprintf(s->disk, sizeof(s->disk), "%s", member_disk(m->name));
		s->in_sync = member_has_data(m->state);
		s->bad_blocks = count_bad(p, v->device, m->name);
		if (end > v->need)
			v->need = end;
	}
	free(list);
}

static void take_sync(const struct ctl_paths *p, struct check_volume *v)
{
	char text[SYSFS_WORD_MAX];
	unsigned long long done, total;

	array_text(p, v->device, "sync_action", v->sync_action, sizeof(v->sync_action));
	array_text(p, v->device, "sync_completed", text, sizeof(text));
	v->sync_delayed = sysfs_is_word(text, "delayed");
	if (sscanf(text, "%llu / %llu", &done, &total) == 2 && done <= total) {
		v->sync_done = done;
		v->sync_total = total;
	}
	array_text(p, v->device, "reshape_position", text, sizeof(text));
	v->reshaping = isdigit((unsigned char)text[0]);
}

static void take_array(const struct ctl_paths *p, const struct check_facts *f, struct check_volume *v)
{
	uint64_t disks = array_number(p, v->device, "raid_disks");

	array_text(p, v->device, "level", v->level, sizeof(v->level));
	v->redundant = sysfs_parse_level(v->level) > 0;
	array_text(p, v->device, "array_state", v->array_state, sizeof(v->array_state));
	v->missing = (unsigned)array_number(p, v->device, "degraded");
	if (disks)
		check_add_slot(v, disks - 1);
	take_sync(p, v);
	take_members(p, f, v);
}

/* Gives the marks of arrays that were named by their device to the volumes that have it. */
static void unite_unserved(struct check_facts *f, struct check_volume *v)
{
	for (size_t i = 0; i < f->volumes; i++)
		if (f->volume[i].index < 0 && strcmp(f->volume[i].device, v->device) == 0)
			v->unserved = true;
}

static void drop_unserved(struct check_facts *f)
{
	size_t kept = 0;

	for (size_t i = 0; i < f->volumes; i++) {
		if (f->volume[i].index < 0)
			free(f->volume[i].slot);
		else
			f->volume[kept++] = f->volume[i];
	}
	f->volumes = kept;
}

static bool is_running(const char *array_state)
{
	return sysfs_parse_array_state(array_state) > ARRAY_INACTIVE;
}

static void take_md(const struct ctl_paths *p, struct check_facts *f, const char *name)
{
	char text[SYSFS_WORD_MAX], state[SYSFS_WORD_MAX];
	struct metadata_version version;
	struct check_volume *v;

	if (strncmp(name, "md", 2) != 0 || !array_text(p, name, "metadata_version", text, sizeof(text)))
		return;
	sysfs_parse_metadata_version(text, &version);
	array_text(p, name, "array_state", state, sizeof(state));
	if (!version.is_member || strcmp(version.name, f->container) != 0 || version.index < 0 || !is_running(state))
		return;
	v = check_add_volume(f, version.index);
	if (!v)
		return;
	snprintf(v->device, sizeof(v->device), "%.31s", name);
	v->blocked = version.blocked;
	unite_unserved(f, v);
	take_array(p, f, v);
}

/* ---- processes ---- */

/* The words of a process, each with a NUL behind it. 0: it is gone, or has none. */
static size_t read_command(const char *pid, char *to, size_t size)
{
	char path[64];
	ssize_t n;
	int fd;

	to[0] = '\0';
	snprintf(path, sizeof(path), "/proc/%.20s/cmdline", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	n = read(fd, to, size - 1);
	close(fd);
	to[n > 0 ? n : 0] = '\0';
	return n > 0 ? (size_t)n : 0;
}

static void put_spaces(char *words, size_t len)
{
	for (size_t i = 0; i + 1 < len; i++)
		if (!words[i])
			words[i] = ' ';
}

/* mdadm watches arrays in the background, too, which touches none. */
static bool is_watching(const char *words)
{
	return strstr(words, " --monitor") || strstr(words, " --follow") || strstr(words, " -F");
}

static void take_process(const struct ctl_paths *p, struct check_facts *f, const char *pid)
{
	char words[CHECK_NAME_MAX], name[32];

	(void)p;
	if (f->tool || !isdigit((unsigned char)pid[0]) || !read_text(name, sizeof(name), "/proc/%s/comm", pid) ||
	    strcmp(name, "mdadm") != 0)
		return;
	put_spaces(words, read_command(pid, words, sizeof(words)));
	if (!words[0] || is_watching(words))
		return;
	f->tool = (pid_t)strtol(pid, NULL, 10);
	snprintf(f->tool_words, sizeof(f->tool_words), "%s", words);
}

static void take_pid_files(const struct ctl_paths *p, struct check_facts *f)
{
	char text[SYSFS_WORD_MAX], pid[16], words[PATH_MAX];

	if (read_text(text, sizeof(text), "%s/%s.pid", p->run, f->container))
		f->pid = rundir_parse_pid(text);
	if (f->pid < 0)
		f->pid = 0;
	snprintf(pid, sizeof(pid), "%d", (int)f->pid);
	f->pid_runs = f->pid && rundir_is_mdmon(words, read_command(pid, words, sizeof(words)), NULL);
	if (read_text(text, sizeof(text), "%s/.mdadm/%s.pid", p->dev, f->container))
		snprintf(f->other_run, sizeof(f->other_run), "%.100s/.mdadm", p->dev);
}

void check_gather_md(const struct ctl_paths *p, struct check_facts *f)
{
	char path[PATH_MAX];

	take_container(p, f);
	snprintf(path, sizeof(path), "%s/block", p->sys);
	each_entry(p, f, path, take_md);
	drop_unserved(f);
	take_pid_files(p, f);
	each_entry(p, f, "/proc", take_process);
	f->systemd = access("/run/systemd/system", F_OK) == 0;
}

/* ---- disks that nobody uses ---- */

/* The only holder, or the container among them; false: something else has the disk. */
static bool holder_of(const struct ctl_paths *p, const struct check_facts *f, const char *disk, char *holder, size_t size)
{
	char path[PATH_MAX], text[SYSFS_WORD_MAX];
	struct metadata_version version;
	bool fine = true;
	struct dirent *e;
	DIR *dir;

	holder[0] = '\0';
	snprintf(path, sizeof(path), "%s/block/%s/holders", p->sys, disk);
	dir = opendir(path);
	while (dir && fine && (e = readdir(dir))) {
		if (e->d_name[0] == '.')
			continue;
		array_text(p, e->d_name, "metadata_version", text, sizeof(text));
		sysfs_parse_metadata_version(text, &version);
		fine = version.external && (version.is_member || strcmp(version.name, f->format) == 0);
		if (!version.is_member)
			snprintf(holder, size, "%.31s", e->d_name);
	}
	if (dir)
		closedir(dir);
	return fine;
}

static bool is_no_disk(const char *name)
{
	static const char *const kinds[] = { "md", "sr", "fd", "zram", "nbd" };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strncmp(name, kinds[i], strlen(kinds[i])) == 0)
			return true;
	return false;
}

static void take_loose(const struct ctl_paths *p, struct check_facts *f, const char *name)
{
	char text[SYSFS_WORD_MAX], holder[MD_NAME_MAX];
	struct check_disk *d;

	if (is_no_disk(name) || strlen(name) >= MEMBER_NAME_MAX || check_disk_named(f, name))
		return;
	if (!read_text(text, sizeof(text), "%s/block/%s/size", p->sys, name) || strcmp(text, "0") == 0 ||
	    !holder_of(p, f, name, holder, sizeof(holder)))
		return;
	d = check_add_disk(f, name);
	if (d)
		snprintf(d->holder, sizeof(d->holder), "%s", holder);
}

void check_gather_loose(const struct ctl_paths *p, struct check_facts *f)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/block", p->sys);
	each_entry(p, f, path, take_loose);
}
