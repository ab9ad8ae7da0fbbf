/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See sysfs-tree.h. */
#include "tests/unit/support/sysfs-tree.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "mdstat.h"
#include "tests/unit/support/steps.h"

#define MAX_ARRAYS 8
#define MAX_REFUSALS 16
#define PATH_ROOM 512

static char root[64];
static atomic_bool changed;
static atomic_int read_error;

static struct listed {
	char name[32], metadata[64], level[16];
	bool runs;
} listed[MAX_ARRAYS];
static unsigned count;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct refusal {
	char attribute[80], word[32];
	int err;
} refusal[MAX_REFUSALS];
static unsigned refusals;

static struct {
	char attribute[80], array[32], disk;
} bound_again;

static void die(const char *what, const char *name)
{
	fprintf(stderr, "sysfs tree: %s: %s: %s\n", name, what, strerror(errno));
	abort();
}

/* ---- the directory ---- */

const char *sysfs_tree_path(const char *name)
{
	static _Thread_local char path[PATH_ROOM];

	snprintf(path, sizeof(path), "%s/%s", root, name);
	return path;
}

static void make_directory(const char *path)
{
	if (mkdir(path, 0700) && errno != EEXIST)
		die("cannot be made", path);
}

/* `end` comes behind the text. */
static void put_file(const char *path, const char *text, const char *end)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || dprintf(fd, "%s%s", text, end) < 0)
		die("cannot be written", path);
	close(fd);
}

static int remove_entry(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	return ftw->level ? remove(path) : 0;
}

/* The directory stays: somebody may have it open. */
static void empty_directory(const char *path)
{
	nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static void remove_directory(const char *path)
{
	empty_directory(path);
	if (rmdir(path))
		die("cannot be removed", path);
}

int sysfs_tree_begin(void **state)
{
	(void)state;
	strcpy(root, "/tmp/mdmon-test.XXXXXX");
	if (!mkdtemp(root))
		return -1;
	make_directory(sysfs_tree_path("block"));
	make_directory(sysfs_tree_path("dev"));
	make_directory(sysfs_tree_path("dev/block"));
	put_file(sysfs_tree_path("mdstat"), "", "");
	return 0;
}

int sysfs_tree_end(void **state)
{
	(void)state;
	remove_directory(root);
	root[0] = '\0';
	return 0;
}

/* ---- names ---- */

/* "md126/dev-sda/state" lies in block/md126/md/dev-sda/state. */
static const char *attribute_path(const char *attribute)
{
	const char *rest = strchr(attribute, '/');
	char name[PATH_ROOM / 2];

	snprintf(name, sizeof(name), "block/%.*s/md%s", (int)(rest ? rest - attribute : 40), attribute,
		 rest ? rest : "");
	return sysfs_tree_path(name);
}

/* The attribute that a descriptor was opened for. False: none of these. */
static bool attribute_of(int fd, char *attribute, size_t size)
{
	char link[40], path[PATH_ROOM], *at;
	size_t prefix = strlen(root) + strlen("/block/");
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	if (n < 0)
		return false;
	path[n] = '\0';
	if (!root[0] || strncmp(path, sysfs_tree_path("block/"), prefix) != 0)
		return false;
	at = strstr(path + prefix, "/md/");
	if (!at)
		return false;
	snprintf(attribute, size, "%.*s%s", (int)(at - path - (ssize_t)prefix), path + prefix, at + strlen("/md"));
	return true;
}

dev_t disk_number(char disk)
{
	return makedev(8, 16 * (unsigned)(disk - 'a'));
}

char disk_letter(dev_t dev)
{
	return (char)('a' + minor(dev) / 16);
}

/* ---- attributes ---- */

void kmd_says(const char *attribute, const char *text)
{
	put_file(attribute_path(attribute), text, "\n");
}

const char *kmd_reads(const char *attribute)
{
	static _Thread_local char text[4096];
	int fd = open(attribute_path(attribute), O_RDONLY);
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	if (n > 0 && text[n - 1] == '\n')
		n--;
	text[n > 0 ? n : 0] = '\0';
	return text;
}

const char *kmd_attribute_of(int fd)
{
	static _Thread_local char name[PATH_ROOM];

	return attribute_of(fd, name, sizeof(name)) ? name : "";
}

void kmd_hides(const char *attribute)
{
	if (unlink(attribute_path(attribute)))
		die("cannot be removed", attribute);
}

void kmd_refuses(const char *attribute, const char *word, int err)
{
	struct refusal *r = refusal;

	pthread_mutex_lock(&lock);
	while (r < refusal + refusals && (strcmp(r->attribute, attribute) != 0 || strcmp(r->word, word) != 0))
		r++;
	if (r == refusal + MAX_REFUSALS)
		die("no room", attribute);
	if (r == refusal + refusals)
		refusals++;
	snprintf(r->attribute, sizeof(r->attribute), "%s", attribute);
	snprintf(r->word, sizeof(r->word), "%s", word);
	r->err = err;
	pthread_mutex_unlock(&lock);
}

static int refused(const char *attribute, const char *word)
{
	int err = 0;

	pthread_mutex_lock(&lock);
	for (const struct refusal *r = refusal; r < refusal + refusals; r++)
		if (strcmp(r->attribute, attribute) == 0 && (strcmp(r->word, "*") == 0 || strcmp(r->word, word) == 0))
			err = err ? err : r->err;
	pthread_mutex_unlock(&lock);
	return err;
}

/* ---- /proc/mdstat ---- */

static void write_mdstat(void)
{
	char text[4096] = "Personalities : [raid1]\n";

	for (const struct listed *l = listed; l < listed + count; l++) {
		size_t n = strlen(text);

		if (l->runs)
			snprintf(text + n, sizeof(text) - n, "%s : active %s\n      1000 blocks super %s\n\n", l->name,
				 l->level, l->metadata);
		else
			snprintf(text + n, sizeof(text) - n, "%s : inactive\n      1000 blocks super %s\n\n", l->name,
				 l->metadata);
	}
	put_file(sysfs_tree_path("mdstat"), text, "");
	changed = true;
}

static struct listed *find_listed(const char *name)
{
	for (struct listed *l = listed; l < listed + count; l++)
		if (strcmp(l->name, name) == 0)
			return l;
	errno = ENOENT;
	die("no such array", name);
	return NULL;
}

static void list_array(const char *name, const char *metadata, const char *level, bool runs)
{
	struct listed *l = &listed[count++];

	if (count > MAX_ARRAYS)
		die("no room", name);
	snprintf(l->name, sizeof(l->name), "%s", name);
	snprintf(l->metadata, sizeof(l->metadata), "%s", metadata);
	snprintf(l->level, sizeof(l->level), "%s", level);
	l->runs = runs;
	write_mdstat();
}

void mdstat_changes(void)
{
	changed = true;
}

bool mdstat_has_event(void)
{
	return changed;
}

void mdstat_fails(int err)
{
	read_error = err;
	changed = true;
}

int mdstat_tree_open(void)
{
	return open(sysfs_tree_path("mdstat"), O_RDONLY | O_CLOEXEC);
}

int __real_mdstat_read(int fd, struct mdstat *out);
int __wrap_mdstat_read(int fd, struct mdstat *out);
int __wrap_mdstat_read(int fd, struct mdstat *out)
{
	if (read_error)
		return -read_error;
	changed = false;
	return __real_mdstat_read(fd, out);
}

/* ---- arrays ---- */

void sysfs_tree_clear(void)
{
	empty_directory(sysfs_tree_path("block"));
	empty_directory(sysfs_tree_path("dev/block"));
	count = 0;
	refusals = 0;
	bound_again.attribute[0] = '\0';
	read_error = 0;
	write_mdstat();
	changed = false;
}

static void attribute(const char *array, const char *name, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", array, name);
	kmd_says(path, text);
}

static void make_array(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "block/%s", name);
	make_directory(sysfs_tree_path(path));
	make_directory(attribute_path(name));
}

void kmd_has_container(const char *name)
{
	make_array(name);
	attribute(name, "metadata_version", "external:imsm");
	attribute(name, "array_state", "inactive");
	attribute(name, "level", "");
	list_array(name, "external:imsm", "", false);
}

void kmd_has_array(const char *name, const char *metadata_version, const char *level)
{
	static const char *const begins_with[][2] = {
		{ "array_state", "clean" }, { "sync_action", "idle" }, { "sync_completed", "none" },
		{ "resync_start", "none" }, { "reshape_position", "none" }, { "raid_disks", "2" },
		{ "component_size", "50000" }, { "layout", "0" }, { "chunk_size", "0" },
		{ "safe_mode_delay", "0.200" }, { "array_size", "default" }, { "new_dev", "" },
	};

	make_array(name);
	for (size_t i = 0; i < sizeof(begins_with) / sizeof(begins_with[0]); i++)
		attribute(name, begins_with[i][0], begins_with[i][1]);
	attribute(name, "metadata_version", metadata_version);
	attribute(name, "level", level);
	list_array(name, metadata_version, level, true);
}

void kmd_forgets(const char *name)
{
	struct listed *l = find_listed(name);
	char path[64];

	snprintf(path, sizeof(path), "block/%s", name);
	remove_directory(sysfs_tree_path(path));
	*l = listed[--count];
	write_mdstat();
}

void kmd_changes_level(const char *name, const char *level)
{
	struct listed *l = find_listed(name);

	snprintf(l->level, sizeof(l->level), "%s", level);
	attribute(name, "level", level);
	write_mdstat();
}

void kmd_runs(const char *name, bool on)
{
	find_listed(name)->runs = on;
	write_mdstat();
}

/* ---- members ---- */

static void member_attribute(const char *array, char disk, const char *name, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/dev-sd%c/%s", array, disk, name);
	kmd_says(path, text);
}

void kmd_has_disk(char disk)
{
	char path[64], text[64];

	snprintf(path, sizeof(path), "dev/block/%u:%u", major(disk_number(disk)), minor(disk_number(disk)));
	make_directory(sysfs_tree_path(path));
	strcat(path, "/uevent");
	snprintf(text, sizeof(text), "MAJOR=8\nDEVNAME=sd%c\nDEVTYPE=disk\n", disk);
	put_file(sysfs_tree_path(path), text, "");
}

void kmd_has_member(const char *array, char disk, int slot)
{
	char path[128], number[32];

	kmd_has_disk(disk);
	snprintf(path, sizeof(path), "%s/dev-sd%c", array, disk);
	make_directory(attribute_path(path));
	strcat(path, "/block");
	make_directory(attribute_path(path));
	snprintf(number, sizeof(number), "%u:%u", major(disk_number(disk)), minor(disk_number(disk)));
	member_attribute(array, disk, "block/dev", number);
	member_attribute(array, disk, "state", slot < 0 ? "spare" : "in_sync");
	snprintf(number, sizeof(number), "%d", slot);
	member_attribute(array, disk, "slot", slot < 0 ? "none" : number);
	member_attribute(array, disk, "offset", "0");
	member_attribute(array, disk, "size", "50000");
	member_attribute(array, disk, "recovery_start", "none");
	member_attribute(array, disk, "bad_blocks", "");
	member_attribute(array, disk, "unacknowledged_bad_blocks", "");
	member_attribute(array, disk, "ppl_sector", "0");
	member_attribute(array, disk, "ppl_size", "0");
}

void kmd_is_offline(const char *array, char disk, bool on)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/dev-sd%c/block/device", array, disk);
	make_directory(attribute_path(path));
	member_attribute(array, disk, "block/device/state", on ? "offline" : "running");
}

void kmd_drops_member(const char *array, char disk)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/dev-sd%c", array, disk);
	remove_directory(attribute_path(path));
}

/* While the old directory is still there the new one cannot get its inode. */
void kmd_binds_again(const char *array, char disk)
{
	char path[128], old[PATH_ROOM];

	snprintf(old, sizeof(old), "%s", sysfs_tree_path("old"));
	snprintf(path, sizeof(path), "%s/dev-sd%c", array, disk);
	if (rename(attribute_path(path), old))
		die("cannot be renamed", path);
	kmd_has_member(array, disk, -1);
	remove_directory(old);
}

void kmd_binds_again_after(const char *attribute, const char *array, char disk)
{
	snprintf(bound_again.attribute, sizeof(bound_again.attribute), "%s", attribute);
	snprintf(bound_again.array, sizeof(bound_again.array), "%s", array);
	bound_again.disk = disk;
}

static void bind_again_after(const char *attribute)
{
	if (strcmp(bound_again.attribute, attribute) != 0)
		return;
	bound_again.attribute[0] = '\0';
	step("%s: sd%c bound again", bound_again.array, bound_again.disk);
	kmd_binds_again(bound_again.array, bound_again.disk);
}

/* ---- what md does with what is written ---- */

static bool ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);

	return n >= m && strcmp(text + n - m, end) == 0;
}

static void take_word(const char *attribute, const char *word)
{
	char list[256], rest[256] = "", *save, *w;

	snprintf(list, sizeof(list), "%s", kmd_reads(attribute));
	for (w = strtok_r(list, ",", &save); w; w = strtok_r(NULL, ",", &save))
		if (strcmp(w, word) != 0)
			snprintf(rest + strlen(rest), sizeof(rest) - strlen(rest), "%s%s", rest[0] ? "," : "", w);
	kmd_says(attribute, rest);
}

static void add_word(const char *attribute, const char *word)
{
	char list[512];

	take_word(attribute, word);
	snprintf(list, sizeof(list), "%s,%s", kmd_reads(attribute), word);
	kmd_says(attribute, list);
}

static void array_name(const char *attribute, char *name, size_t size)
{
	snprintf(name, size, "%.*s", (int)strcspn(attribute, "/"), attribute);
}

static void change_member_state(const char *attribute, const char *word)
{
	char name[32];

	array_name(attribute, name, sizeof(name));
	if (strcmp(word, "remove") == 0) {
		kmd_drops_member(name, attribute[strlen(name) + strlen("/dev-sd")]);
		changed = true;
	} else if (strcmp(word, "faulty") == 0) {
		kmd_says(attribute, "faulty,blocked");
	} else if (word[0] == '-') {
		take_word(attribute, word + 1);
	} else {
		add_word(attribute, word);
	}
}

static void bind_disk(const char *attribute, const char *number)
{
	char name[32];
	unsigned maj, min;

	if (sscanf(number, "%u:%u", &maj, &min) != 2)
		return;
	array_name(attribute, name, sizeof(name));
	kmd_has_member(name, disk_letter(makedev(maj, min)), -1);
	changed = true;
}

static void add_line(const char *attribute, const char *line)
{
	int fd = open(attribute_path(attribute), O_WRONLY | O_APPEND);

	if (fd < 0 || dprintf(fd, "%s\n", line) < 0)
		die("cannot be written", attribute);
	close(fd);
}

static void obey(const char *attribute, const char *word)
{
	if (ends_with(attribute, "/new_dev"))
		bind_disk(attribute, word);
	else if (ends_with(attribute, "/state"))
		change_member_state(attribute, word);
	else if (ends_with(attribute, "/bad_blocks"))
		add_line(attribute, word);
	else
		kmd_says(attribute, word);
}

ssize_t __real_write(int fd, const void *buf, size_t n);
ssize_t __wrap_write(int fd, const void *buf, size_t n);
ssize_t __wrap_write(int fd, const void *buf, size_t n)
{
	char attribute_name[PATH_ROOM], word[256];
	bool gone;
	int err;

	if (!attribute_of(fd, attribute_name, sizeof(attribute_name)) || n >= sizeof(word))
		return __real_write(fd, buf, n);
	snprintf(word, sizeof(word), "%.*s", (int)n, (const char *)buf);
	word[strcspn(word, "\n")] = '\0';
	gone = ends_with(attribute_name, " (deleted)");
	if (gone)
		attribute_name[strlen(attribute_name) - strlen(" (deleted)")] = '\0';
	err = gone ? ENODEV : refused(attribute_name, word);
	if (err) {
		step("%s <- %s (%s)", attribute_name, word, strerrorname_np(err));
		errno = err;
		return -1;
	}
	step("%s <- %s", attribute_name, word);
	obey(attribute_name, word);
	bind_again_after(attribute_name);
	return (ssize_t)n;
}

/* ---- what is opened ---- */

int __real_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list ap;

	if (flags & O_CREAT) {
		va_start(ap, flags);
		mode = va_arg(ap, mode_t);
		va_end(ap);
	}
	return __real_open64(root[0] && strcmp(path, "/sys/block") == 0 ? sysfs_tree_path("block") : path, flags, mode);
}

int __wrap___open64_2(const char *path, int flags);
int __wrap___open64_2(const char *path, int flags)
{
	return __wrap_open64(path, flags);
}
