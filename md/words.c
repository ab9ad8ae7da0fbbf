/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See md/words.h. What the kernel prints is input: a text that is cut off, a number that does not fit and a word that
 * a newer kernel has invented must each give an answer that is safe.
 */
#include "md/words.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/sysmacros.h>

static bool at_end(const char *p)
{
	if (*p == '\n')
		p++;
	return *p == '\0';
}

bool sysfs_is_word(const char *text, const char *word)
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
};

static const char *const sync_actions[] = {
	[SYNC_IDLE] = "idle",
	[SYNC_RESYNC] = "resync",
	[SYNC_RECOVER] = "recover",
	[SYNC_CHECK] = "check",
	[SYNC_REPAIR] = "repair",
	[SYNC_RESHAPE] = "reshape",
	[SYNC_FROZEN] = "frozen",
};

enum array_state sysfs_parse_array_state(const char *text)
{
	for (enum array_state s = ARRAY_CLEAR; s <= ARRAY_BROKEN; s++)
		if (sysfs_is_word(text, array_states[s]))
			return s;
	return ARRAY_UNKNOWN;
}

enum sync_action sysfs_parse_sync_action(const char *text)
{
	for (enum sync_action a = SYNC_IDLE; a <= SYNC_FROZEN; a++)
		if (sysfs_is_word(text, sync_actions[a]))
			return a;
	return SYNC_UNKNOWN;
}

bool sync_action_runs(enum sync_action a)
{
	switch (a) {
	case SYNC_RESYNC:
	case SYNC_RECOVER:
	case SYNC_CHECK:
	case SYNC_REPAIR:
	case SYNC_RESHAPE:
		return true;
	case SYNC_NONE:
	case SYNC_IDLE:
	case SYNC_FROZEN:
	case SYNC_UNKNOWN:
		return false;
	}
	return false;
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

int sysfs_parse_sectors(const char *text, uint64_t *sectors)
{
	uint64_t n;

	if (sysfs_is_word(text, "none")) {
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

	if (sysfs_is_word(text, "none") || sysfs_is_word(text, "delayed")) {
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
		if (sysfs_is_word(text, levels[i].word))
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
	/* Its bytes must be countable, too. */
	return r->length && r->sector <= UINT64_MAX / 512 && r->length <= UINT64_MAX / 512 - r->sector;
}

unsigned sysfs_parse_bad_ranges(const char *text, size_t len, struct bad_range *range, bool *complete)
{
	const char *end = text + len;
	unsigned n = 0;

	/* The kernel cuts a longer list after PAGE - 1 bytes, within a line; sysfs_read_fd() cuts a newline, too. */
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
 * "/CONT/N": the index follows the last slash. The kernel keeps 16 characters: with a long name the index is cut off,
 * and what is left is the name of the container.
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
	/* Without the prefix, "1.2" and "none" are the kernel's own formats. */
	if (!prefixed && (len == 0 || is_digit(*text) || sysfs_is_word(text, "none")))
		return;
	v->external = true;
	if (*text == '/' || *text == '-')
		parse_member_of(text, len, v);
	else
		copy_name(v->name, text, len);
}
