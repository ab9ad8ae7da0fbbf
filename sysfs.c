/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See sysfs.h. All paths are resolved from one descriptor of /sys/block: the daemon may
 * outlive the root it was started in, where /sys is no longer where it was.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "sysfs.h"

/* O_PATH of /sys/block; set once at start-up, before there is a second thread. */
static int block_fd = -1;

/* ---- parsers ---- */

static bool at_end(const char *p)
{
	if (*p == '\n')
		p++;
	return *p == '\0';
}

static bool is_word(const char *text, const char *word)
{
	size_t n = strlen(word);

	return strncmp(text, word, n) == 0 && at_end(text + n);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Takes decimal digits, at least one; false if there is none or the number does not fit. */
static bool take_u64(const char **p, uint64_t *value)
{
	const char *s = *p;
	uint64_t v = 0;

	if (!is_digit(*s))
		return false;
	for (; is_digit(*s); s++) {
		unsigned digit = (unsigned)(*s - '0');

		if (v > (UINT64_MAX - digit) / 10)
			return false;
		v = v * 10 + digit;
	}
	*p = s;
	*value = v;
	return true;
}

static const char *const array_states[] = {
	[ARRAY_GONE] = "gone",
	[ARRAY_CLEAR] = "clear",
	[ARRAY_INACTIVE] = "inactive",
	[ARRAY_SUSPENDED] = "suspended",
	[ARRAY_READONLY] = "readonly",
	[ARRAY_READ_AUTO] = "read-auto",
	[ARRAY_CLEAN] = "clean",
	[ARRAY_ACTIVE] = "active",
	[ARRAY_WRITE_PENDING] = "write-pending",
	[ARRAY_ACTIVE_IDLE] = "active-idle",
	[ARRAY_BROKEN] = "broken",
	[ARRAY_UNKNOWN] = "unknown",
};

static const char *const sync_actions[] = {
	[SYNC_NONE] = "none",
	[SYNC_IDLE] = "idle",
	[SYNC_RESYNC] = "resync",
	[SYNC_RECOVER] = "recover",
	[SYNC_CHECK] = "check",
	[SYNC_REPAIR] = "repair",
	[SYNC_RESHAPE] = "reshape",
	[SYNC_FROZEN] = "frozen",
	[SYNC_UNKNOWN] = "unknown",
};

/* "gone", "none" and "unknown" are names of ours, not words of the kernel. */
enum array_state sysfs_parse_array_state(const char *text)
{
	for (enum array_state s = ARRAY_CLEAR; s <= ARRAY_BROKEN; s++)
		if (is_word(text, array_states[s]))
			return s;
	return ARRAY_UNKNOWN;
}

enum sync_action sysfs_parse_sync_action(const char *text)
{
	for (enum sync_action a = SYNC_IDLE; a <= SYNC_FROZEN; a++)
		if (is_word(text, sync_actions[a]))
			return a;
	return SYNC_UNKNOWN;
}

static unsigned member_state_bit(const char *word, size_t len)
{
	static const struct {
		const char *word;
		unsigned bit;
	} words[] = {
		{ "faulty", MEMBER_FAULTY },
		{ "in_sync", MEMBER_IN_SYNC },
		{ "write_mostly", MEMBER_WRITE_MOSTLY },
		{ "spare", MEMBER_SPARE },
		{ "blocked", MEMBER_BLOCKED },
		{ "external_bbl", MEMBER_EXTERNAL_BBL },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strlen(words[i].word) == len && memcmp(words[i].word, word, len) == 0)
			return words[i].bit;
	return 0;
}

unsigned sysfs_parse_member_state(const char *text)
{
	unsigned state = 0;

	for (;;) {
		size_t len = strcspn(text, ",\n");

		state |= member_state_bit(text, len);
		if (text[len] != ',')
			return state;
		text += len + 1;
	}
}

const char *sysfs_array_state_word(enum array_state s)
{
	switch (s) {
	case ARRAY_CLEAR:
	case ARRAY_INACTIVE:
	case ARRAY_READONLY:
	case ARRAY_READ_AUTO:
	case ARRAY_CLEAN:
	case ARRAY_ACTIVE:
		return array_states[s];
	case ARRAY_GONE:
	case ARRAY_SUSPENDED:
	case ARRAY_WRITE_PENDING:
	case ARRAY_ACTIVE_IDLE:
	case ARRAY_BROKEN:
	case ARRAY_UNKNOWN:
		break;
	}
	return NULL;
}

const char *array_state_name(enum array_state s)
{
	return s <= ARRAY_UNKNOWN ? array_states[s] : array_states[ARRAY_UNKNOWN];
}

const char *sync_action_name(enum sync_action a)
{
	return a <= SYNC_UNKNOWN ? sync_actions[a] : sync_actions[SYNC_UNKNOWN];
}

int sysfs_parse_sectors(const char *text, uint64_t *sectors)
{
	uint64_t n;

	if (is_word(text, "none")) {
		*sectors = SECTORS_NONE;
		return 0;
	}
	if (!take_u64(&text, &n) || !at_end(text))
		return -EINVAL;
	*sectors = n;
	return 0;
}

int sysfs_parse_sync_completed(const char *text, uint64_t *done)
{
	uint64_t n, total;

	if (is_word(text, "none") || is_word(text, "delayed")) {
		*done = 0;
		return 0;
	}
	if (!take_u64(&text, &n) || strncmp(text, " / ", 3) != 0)
		return -EINVAL;
	text += 3;
	if (!take_u64(&text, &total) || !at_end(text))
		return -EINVAL;
	*done = n;
	return 0;
}

int sysfs_parse_level(const char *text)
{
	static const struct {
		const char *word;
		int level;
	} levels[] = {
		{ "", LEVEL_CONTAINER }, { "linear", LEVEL_LINEAR }, { "raid0", 0 }, { "raid1", 1 },
		{ "raid4", 4 }, { "raid5", 5 }, { "raid6", 6 }, { "raid10", 10 },
	};

	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++)
		if (is_word(text, levels[i].word))
			return levels[i].level;
	return LEVEL_UNKNOWN;
}

int sysfs_parse_dev(const char *text, dev_t *dev)
{
	uint64_t major_nr, minor_nr;

	if (!take_u64(&text, &major_nr) || *text++ != ':')
		return -EINVAL;
	if (!take_u64(&text, &minor_nr) || !at_end(text))
		return -EINVAL;
	if (major_nr > UINT_MAX || minor_nr > UINT_MAX)
		return -EINVAL;
	*dev = makedev((unsigned)major_nr, (unsigned)minor_nr);
	return 0;
}

int sysfs_parse_delay_ms(const char *text, unsigned *ms)
{
	uint64_t value;
	unsigned scale = 1000;

	if (!take_u64(&text, &value) || value > (UINT_MAX - 999) / 1000)
		return -EINVAL;
	value *= 1000;
	if (*text == '.' && is_digit(text[1]))
		for (text++; is_digit(*text); text++) {
			scale /= 10;
			value += (uint64_t)(*text - '0') * scale;
		}
	if (!at_end(text))
		return -EINVAL;
	*ms = (unsigned)value;
	return 0;
}

int sysfs_parse_number(const char *text, int64_t *n)
{
	bool negative = *text == '-';
	uint64_t value;

	if (negative)
		text++;
	if (!take_u64(&text, &value) || value > INT64_MAX)
		return -EINVAL;
	if (*text != ' ' && !at_end(text))
		return -EINVAL;
	*n = negative ? -(int64_t)value : (int64_t)value;
	return 0;
}

/* Takes "SECTOR LENGTH"; false if it is something else. */
static bool take_bad_range(const char **text, struct bad_range *r)
{
	const char *p = *text;

	if (!take_u64(&p, &r->sector) || *p++ != ' ' || !take_u64(&p, &r->length) || (*p != '\n' && *p != '\0'))
		return false;
	*text = p;
	/* In bytes it has to be a number, too. */
	return r->length && r->sector <= UINT64_MAX / 512 && r->length <= UINT64_MAX / 512 - r->sector;
}

unsigned sysfs_parse_bad_ranges(const char *text, size_t len, struct bad_range *range, bool *complete)
{
	const char *end = text + len;
	unsigned n = 0;

	/* The kernel cuts a longer list after PAGE - 1 bytes, in the middle of a line; the last newline is cut by us. */
	*complete = len < SYSFS_PAGE - 2;
	if (!*complete)
		while (end > text && end[-1] != '\n')
			end--;
	while (text < end) {
		if (n == SYSFS_BAD_RANGES || !take_bad_range(&text, &range[n]))
			*complete = false;
		else
			n++;
		text = memchr(text, '\n', (size_t)(end - text));
		if (!text)
			break;
		text++;
	}
	return n;
}

static void copy_name(char dest[MD_NAME_MAX], const char *text, size_t len)
{
	if (len >= MD_NAME_MAX)
		len = MD_NAME_MAX - 1;
	memcpy(dest, text, len);
	dest[len] = '\0';
}

static int parse_member_index(const char *text)
{
	uint64_t n;

	if (!take_u64(&text, &n) || !at_end(text) || n > INT_MAX)
		return -1;
	return (int)n;
}

/*
 * "/CONT/N": the index follows the last slash. The kernel keeps 16 characters, so that
 * the index of a long name may be cut off; what is left is the container's name.
 */
static void parse_member_of(const char *text, size_t len, struct metadata_version *v)
{
	const char *slash = memrchr(text + 1, '/', len - 1);

	v->is_member = true;
	v->blocked = text[0] == '-';
	if (slash) {
		v->index = parse_member_index(slash + 1);
		len = (size_t)(slash - text);
	}
	copy_name(v->name, text + 1, len - 1);
}

void sysfs_parse_metadata_version(const char *text, struct metadata_version *v)
{
	static const char prefix[] = "external:";
	bool prefixed = strncmp(text, prefix, sizeof(prefix) - 1) == 0;
	size_t len;

	memset(v, 0, sizeof(*v));
	v->index = -1;
	if (prefixed)
		text += sizeof(prefix) - 1;
	len = strcspn(text, "\n");
	/* Without the prefix "1.2" and "none" are the kernel's own formats. */
	if (!prefixed && (len == 0 || is_digit(*text) || is_word(text, "none")))
		return;
	v->external = true;
	if (*text == '/' || *text == '-')
		parse_member_of(text, len, v);
	else
		copy_name(v->name, text, len);
}

/* ---- descriptors ---- */

int sysfs_init(void)
{
	if (block_fd >= 0)
		return 0;
	block_fd = open("/sys/block", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return block_fd < 0 ? -errno : 0;
}

int sysfs_open_attr(int dir, const char *path, int flags)
{
	int fd = openat(dir, path, flags | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int sysfs_open_md_dir(const char *array)
{
	char path[MD_NAME_MAX + sizeof("/md")];
	int r = sysfs_init();

	if (r < 0)
		return r;
	/* The name may come from a command line: it must not lead elsewhere. */
	if (array[0] == '\0' || array[0] == '.' || strchr(array, '/') || strlen(array) >= MD_NAME_MAX)
		return -EINVAL;
	snprintf(path, sizeof(path), "%s/md", array);
	return sysfs_open_attr(block_fd, path, O_PATH | O_DIRECTORY);
}

int sysfs_open_block_dir(dev_t dev)
{
	char path[64];
	int r = sysfs_init();

	if (r < 0)
		return r;
	snprintf(path, sizeof(path), "../dev/block/%u:%u", major(dev), minor(dev));
	return sysfs_open_attr(block_fd, path, O_PATH | O_DIRECTORY);
}

ssize_t sysfs_read_fd(int fd, char *buf, size_t size)
{
	ssize_t n;

	if (size == 0)
		return -EINVAL;
	do
		n = pread(fd, buf, size - 1, 0);
	while (n < 0 && errno == EINTR);
	if (n < 0) {
		buf[0] = '\0';
		return -errno;
	}
	if (n > 0 && buf[n - 1] == '\n')
		n--;
	buf[n] = '\0';
	return n;
}

/* EINTR: the kernel was waiting for its reconfiguration lock and has done nothing yet. */
int sysfs_write_fd(int fd, const char *word)
{
	size_t len = strlen(word);
	ssize_t n;

	do
		n = write(fd, word, len);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -EIO;
}

int sysfs_write_bad_range(int fd, const struct bad_range *r)
{
	char line[48];

	snprintf(line, sizeof(line), "%" PRIu64 " %" PRIu64 "\n", r->sector, r->length);
	return sysfs_write_fd(fd, line);
}

ssize_t sysfs_read_attr(int dir, const char *path, char *buf, size_t size)
{
	int fd = sysfs_open_attr(dir, path, O_RDONLY);
	ssize_t n;

	if (fd < 0) {
		if (size > 0)
			buf[0] = '\0';
		return fd;
	}
	n = sysfs_read_fd(fd, buf, size);
	close(fd);
	return n;
}

int sysfs_write_attr(int dir, const char *path, const char *word)
{
	int fd = sysfs_open_attr(dir, path, O_WRONLY);
	int r;

	if (fd < 0)
		return fd;
	r = sysfs_write_fd(fd, word);
	close(fd);
	return r;
}

int sysfs_write_attr_u64(int dir, const char *path, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	return sysfs_write_attr(dir, path, text);
}

/*
 * Errors that mean "it is not there any more". The distinction matters: running out of
 * descriptors must not look as if a disk had been pulled.
 */
static bool has_vanished(ssize_t error)
{
	return error == -ENOENT || error == -ENODEV || error == -ENXIO || error == -ENOTDIR || error == -EBUSY;
}

static int parse_slot(const char *text)
{
	int64_t n;

	if (sysfs_parse_number(text, &n) < 0 || n < 0 || n > INT_MAX)
		return -1;
	return (int)n;
}

/* The disk itself may be gone while md still lists it. */
static int read_member_dev(int dir, dev_t *dev)
{
	char text[SYSFS_WORD_MAX];
	ssize_t n = sysfs_read_attr(dir, "block/dev", text, sizeof(text));

	*dev = 0;
	if (n < 0)
		return has_vanished(n) ? 0 : (int)n;
	return sysfs_parse_dev(text, dev);
}

static int fill_member(int dir, struct sysfs_member *m)
{
	char text[SYSFS_STATE_MAX];
	struct stat st;
	ssize_t n;

	if (fstat(dir, &st) < 0)
		return -errno;
	m->inode = st.st_ino;
	n = sysfs_read_attr(dir, "slot", text, sizeof(text));
	if (n < 0)
		return (int)n;
	m->slot = parse_slot(text);
	n = sysfs_read_attr(dir, "state", text, sizeof(text));
	if (n < 0)
		return (int)n;
	m->state = sysfs_parse_member_state(text);
	n = sysfs_read_attr(dir, "block/device/state", text, sizeof(text));
	m->offline = n > 0 && is_word(text, "offline");
	return read_member_dev(dir, &m->dev);
}

static int read_member(int md_dir, const char *name, struct sysfs_member *m)
{
	int dir = sysfs_open_attr(md_dir, name, O_PATH | O_DIRECTORY);
	int r;

	if (dir < 0)
		return dir;
	memset(m, 0, sizeof(*m));
	snprintf(m->name, sizeof(m->name), "%s", name);
	r = fill_member(dir, m);
	close(dir);
	return r;
}

struct member_list {
	struct sysfs_member *entry;
	size_t count, capacity;
};

static int append_member(struct member_list *l, const struct sysfs_member *m)
{
	if (l->count == l->capacity) {
		size_t capacity = l->capacity ? l->capacity * 2 : 8;
		struct sysfs_member *entry = reallocarray(l->entry, capacity, sizeof(*entry));

		if (!entry)
			return -ENOMEM;
		l->entry = entry;
		l->capacity = capacity;
	}
	l->entry[l->count++] = *m;
	return 0;
}

static bool is_member_name(const char *name)
{
	return strncmp(name, "dev-", 4) == 0 && strlen(name) < MEMBER_NAME_MAX;
}

static int collect_members(int md_dir, DIR *d, struct member_list *l)
{
	const struct dirent *e;
	struct sysfs_member m;
	int r;

	while (errno = 0, (e = readdir(d)) != NULL) {
		if (!is_member_name(e->d_name))
			continue;
		r = read_member(md_dir, e->d_name, &m);
		if (r == 0)
			r = append_member(l, &m);
		else if (has_vanished(r))
			r = 0;
		if (r < 0)
			return r;
	}
	return -errno;
}

static DIR *open_dir_for_listing(int md_dir)
{
	int fd = sysfs_open_attr(md_dir, ".", O_RDONLY | O_DIRECTORY); /* O_PATH cannot be listed */
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (fd < 0)
		errno = -fd;
	else if (!d)
		close(fd);
	return d;
}

int sysfs_list_members(int md_dir, struct sysfs_member **list, size_t *count)
{
	struct member_list l = { 0 };
	DIR *d = open_dir_for_listing(md_dir);
	int r;

	*list = NULL;
	*count = 0;
	if (!d)
		return -errno;
	r = collect_members(md_dir, d, &l);
	closedir(d);
	if (r < 0) {
		free(l.entry);
		return r;
	}
	*list = l.entry;
	*count = l.count;
	return 0;
}

/* FNV-1a of one entry. */
static uint64_t hash_entry(const struct dirent *e)
{
	uint64_t h = 0xcbf29ce484222325ull ^ (uint64_t)e->d_ino;

	for (const char *c = e->d_name; *c; c++)
		h = (h ^ (unsigned char)*c) * 0x100000001b3ull;
	return h;
}

int sysfs_members_fingerprint(int md_dir, uint64_t *print)
{
	DIR *d = open_dir_for_listing(md_dir);
	const struct dirent *e;
	uint64_t sum = 1;
	int err;

	if (!d)
		return -errno;
	while (errno = 0, (e = readdir(d)) != NULL)
		if (is_member_name(e->d_name))
			sum += hash_entry(e); /* whatever the order */
	err = errno;
	closedir(d);
	*print = sum;
	return -err;
}

/* The value of DEVNAME= in the text of a uevent attribute, or NULL. */
static const char *uevent_devname(const char *text, size_t *len)
{
	static const char key[] = "DEVNAME=";

	while (text && strncmp(text, key, sizeof(key) - 1) != 0) {
		text = strchr(text, '\n');
		if (text)
			text++;
	}
	if (!text)
		return NULL;
	text += sizeof(key) - 1;
	*len = strcspn(text, "\n");
	return *len ? text : NULL;
}

/* Fallback: the last component of where the link leads; directories have '!' for '/'. */
static int name_from_link(dev_t dev, char *name, size_t size)
{
	char path[64], target[PATH_MAX];
	const char *base;
	ssize_t n;

	snprintf(path, sizeof(path), "../dev/block/%u:%u", major(dev), minor(dev));
	n = readlinkat(block_fd, path, target, sizeof(target) - 1);
	if (n < 0)
		return -errno;
	target[n] = '\0';
	base = strrchr(target, '/');
	base = base ? base + 1 : target;
	if (strlen(base) >= size)
		return -ENAMETOOLONG;
	strcpy(name, base);
	for (char *bang = name; (bang = strchr(bang, '!')) != NULL;)
		*bang = '/';
	return 0;
}

int sysfs_block_name(dev_t dev, char *name, size_t size)
{
	char text[SYSFS_PAGE];
	const char *devname = NULL;
	size_t len = 0;
	int dir = sysfs_open_block_dir(dev);
	ssize_t n;

	if (dir < 0)
		return dir;
	n = sysfs_read_attr(dir, "uevent", text, sizeof(text));
	close(dir);
	if (n > 0)
		devname = uevent_devname(text, &len);
	if (!devname)
		return name_from_link(dev, name, size);
	if (len >= size)
		return -ENAMETOOLONG;
	memcpy(name, devname, len);
	name[len] = '\0';
	return 0;
}

void sysfs_name_or_number(dev_t dev, char *name, size_t size)
{
	if (sysfs_block_name(dev, name, size))
		snprintf(name, size, "%u:%u", major(dev), minor(dev));
}
