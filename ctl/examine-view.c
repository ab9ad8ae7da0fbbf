/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See ctl/examine-view.h. From the top: what is wrong, the copies side by side, what the copy that counts says, where others say
 * something else, who takes which copy and why. Everything is under the name that it has in the JSON, which is the format's.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/examine-view.h"
#include "ctl/facts.h"
#include "ctl/text.h"
#include "ctl/units.h"

#define LABEL_INDENT 2
#define ROW_INDENT 4
#define ROW_LABEL 24
#define COLUMN_MIN 14
#define COLUMN_MAX 24
#define VALUE_MAX 256
#define MARK "*"

struct view {
	struct text text;
	const json_t *set, *devices, *copies;
	size_t first, columns; /* copies that stand side by side just now */
	unsigned width;        /* of each */
};

/* ---- values ---- */

static bool is_size(const char *key)
{
	static const char *const keys[] = { "size", "total_blocks", "blocks_per_member", "configured_size", "block_count", "vd_size" };

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (strcmp(key, keys[i]) == 0)
			return true;
	return false;
}

/* Words of a list, one after the other; what does not fit is left out. */
static void words_of(const json_t *list, char *out, size_t size)
{
	size_t i, have = 0;
	const json_t *word;

	out[0] = '\0';
	json_array_foreach (list, i, word)
		if (json_is_string(word) && have < size)
			have += (size_t)snprintf(out + have, size - have, "%s%s", i ? " " : "", json_string_value(word));
	if (!out[0])
		snprintf(out, size, "none");
}

static const char *value_text(const json_t *v, char out[VALUE_MAX])
{
	if (json_is_string(v))
		snprintf(out, VALUE_MAX, "%s", json_string_length(v) ? json_string_value(v) : "\"\"");
	else if (json_is_integer(v))
		snprintf(out, VALUE_MAX, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
	else if (json_is_boolean(v))
		snprintf(out, VALUE_MAX, "%s", json_is_true(v) ? "yes" : "no");
	else if (json_is_array(v))
		words_of(v, out, VALUE_MAX);
	else
		snprintf(out, VALUE_MAX, "%s", v && json_is_null(v) ? "none" : "-");
	return out;
}

/* A list of words is a value, too. */
static bool is_plain(const json_t *v)
{
	return !json_is_object(v) && (!json_is_array(v) || json_array_size(v) == 0 || json_is_string(json_array_get(v, 0)));
}

static const char *string_of(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "-";
}

static void label(struct view *v, const char *text)
{
	text_line(&v->text, LABEL_INDENT);
	text_put(&v->text, STYLE_BOLD, text);
}

/* ---- side by side ---- */

static const char *short_name(const char *name)
{
	const char *slash = strrchr(name, '/');

	return slash && slash[1] ? slash + 1 : name;
}

static const json_t *copy_at(const struct view *v, size_t i)
{
	return json_array_get(v->copies, i);
}

static void row_label(struct view *v, const char *text, bool marked)
{
	char name[ROW_LABEL];

	snprintf(name, sizeof(name), "%s%s", text, marked ? " " MARK : "");
	text_line(&v->text, ROW_INDENT);
	text_cell(&v->text, marked ? STYLE_WARN : STYLE_PLAIN, ROW_LABEL, name);
}

static void cell(struct view *v, enum style style, const char *s)
{
	text_cell(&v->text, style, v->width - 1, s);
	text_space(&v->text, 1);
}

/* Of a name that is too long, its end. */
static const char *fit_name(const char *name, char *out, size_t size, unsigned columns)
{
	size_t len = strlen(name);

	if (len > columns && columns > 2)
		snprintf(out, size, "..%s", name + len - (columns - 2));
	else
		snprintf(out, size, "%s", name);
	return out;
}

static void heading(struct view *v, const char *title)
{
	bool several = strcmp(string_of(copy_at(v, 0), "copy"), "only") != 0;
	char name[VALUE_MAX];

	label(v, title);
	text_line(&v->text, ROW_INDENT);
	text_space(&v->text, ROW_LABEL);
	for (size_t i = v->first; i < v->first + v->columns; i++)
		cell(v, STYLE_BOLD, fit_name(short_name(string_of(copy_at(v, i), "device")), name, sizeof(name), v->width - 1));
	if (!several)
		return;
	text_line(&v->text, ROW_INDENT);
	text_space(&v->text, ROW_LABEL);
	for (size_t i = v->first; i < v->first + v->columns; i++)
		cell(v, STYLE_BOLD, string_of(copy_at(v, i), "copy"));
}

static enum style style_of_status(const char *status)
{
	if (strcmp(status, "right") == 0)
		return STYLE_GOOD;
	return strcmp(status, "incomplete") == 0 ? STYLE_WARN : STYLE_BAD;
}

static bool is_assumed(const json_t *copy)
{
	return json_is_true(json_object_get(json_object_get(copy, "local"), "serial_assumed"));
}

static void row_of_copies(struct view *v, const char *key)
{
	char value[VALUE_MAX];

	row_label(v, key, false);
	for (size_t i = v->first; i < v->first + v->columns; i++) {
		const json_t *copy = copy_at(v, i), *field = json_object_get(copy, key);

		if (!field)
			field = json_object_get(json_object_get(copy, "local"), key);
		value_text(field, value);
		if (strcmp(key, "serial") == 0 && is_assumed(copy))
			strncat(value, " (?)", sizeof(value) - strlen(value) - 1);
		cell(v, strcmp(key, "status") == 0 ? style_of_status(string_of(copy, key)) : STYLE_PLAIN, value);
	}
}

/* Something that should agree with the others: not a right copy that says other things by its nature. */
static bool is_comparable(const json_t *copy)
{
	return json_is_true(json_object_get(copy, "compared")) || strcmp(string_of(copy, "status"), "right") != 0;
}

static bool differs(const struct view *v, const char *path)
{
	const json_t *copy, *value, *first = NULL;
	size_t i;

	json_array_foreach (v->copies, i, copy) {
		value = facts_at(json_object_get(copy, "metadata"), path);
		if (!value || !is_comparable(copy))
			continue;
		if (first && !json_equal(first, value))
			return true;
		first = first ? first : value;
	}
	return false;
}

static void row_of_metadata(struct view *v, const char *path, const char *name)
{
	char value[VALUE_MAX];

	row_label(v, name, *name && differs(v, path));
	for (size_t i = v->first; i < v->first + v->columns; i++)
		cell(v, STYLE_PLAIN, value_text(facts_at(json_object_get(copy_at(v, i), "metadata"), path), value));
}

/* Of the first copy that has a header: all have the same fields. */
static const json_t *any_header(const struct view *v)
{
	const json_t *copy, *header;
	size_t i;

	json_array_foreach (v->copies, i, copy) {
		header = facts_at(json_object_get(copy, "metadata"), "header");
		if (header)
			return header;
	}
	return NULL;
}

/* A value that is longer than its column has a line of its own in the contents below. */
static void rows(struct view *v)
{
	static const char *const of_copies[] = { "status", "use", "taken_by", "serial", "refnum" };
	const char *key;
	json_t *value;
	char path[VALUE_MAX];

	heading(v, "Copies");
	for (size_t i = 0; i < sizeof(of_copies) / sizeof(of_copies[0]); i++) {
		bool ddf = strcmp(string_of(v->set, "format"), "ddf") == 0;

		if (strcmp(of_copies[i], ddf ? "serial" : "refnum") != 0)
			row_of_copies(v, of_copies[i]);
	}
	json_object_foreach ((json_t *)(uintptr_t)any_header(v), key, value) {
		snprintf(path, sizeof(path), "header.%s", key);
		row_of_metadata(v, path, key);
	}
}

/* As many as fit; then the others. */
static void side_by_side(struct view *v, void (*show)(struct view *v))
{
	size_t all = json_array_size(v->copies), fit = (v->text.width - ROW_INDENT - ROW_LABEL) / COLUMN_MIN;

	if (fit == 0)
		fit = 1;
	for (v->first = 0; v->first < all; v->first += fit) {
		v->columns = all - v->first < fit ? all - v->first : fit;
		v->width = (v->text.width - ROW_INDENT - ROW_LABEL) / (unsigned)(all < fit ? all : fit);
		if (v->width > COLUMN_MAX)
			v->width = COLUMN_MAX;
		if (v->width < 2)
			v->width = 2;
		show(v);
	}
}

/* Those of the headers have been marked there. */
static bool is_of_header(const json_t *path)
{
	return strncmp(json_string_value(path), "header.", 7) == 0;
}

static void difference_rows(struct view *v)
{
	const json_t *path;
	size_t i;

	heading(v, "Differences");
	json_array_foreach (json_object_get(v->set, "differs"), i, path) {
		if (is_of_header(path))
			continue;
		text_line(&v->text, ROW_INDENT);
		text_put(&v->text, STYLE_WARN, json_string_value(path));
		row_of_metadata(v, json_string_value(path), "");
	}
}

static bool any_difference(const struct view *v)
{
	const json_t *path;
	size_t i;

	json_array_foreach (json_object_get(v->set, "differs"), i, path)
		if (!is_of_header(path))
			return true;
	return false;
}

/* ---- what one copy says ---- */

static void tree(struct view *v, const char *name, const json_t *value, unsigned indent);

static void put_plain(struct view *v, const char *key, const json_t *value)
{
	char text[VALUE_MAX], size[UNITS_MAX];

	if (is_size(key) && json_is_integer(value))
		text_word(&v->text, STYLE_PLAIN, "%s=%" JSON_INTEGER_FORMAT " (%s)", key, json_integer_value(value),
			  units_size(size, (uint64_t)json_integer_value(value) / 2));
	else
		text_word(&v->text, STYLE_PLAIN, "%s=%s", key, value_text(value, text));
}

static void members(struct view *v, const json_t *object, unsigned indent)
{
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)(uintptr_t)object, key, value)
		if (is_plain(value))
			put_plain(v, key, value);
	json_object_foreach ((json_t *)(uintptr_t)object, key, value)
		if (!is_plain(value))
			tree(v, key, value, indent + 2);
}

static void list_of(struct view *v, const json_t *list, unsigned indent)
{
	const json_t *value;
	char number[24];
	size_t i;

	json_array_foreach (list, i, value) {
		snprintf(number, sizeof(number), "%zu", i);
		text_line(&v->text, indent);
		text_put(&v->text, STYLE_BOLD, number);
		text_space(&v->text, 1);
		text_indent_here(&v->text);
		members(v, value, indent);
	}
}

/* What is not plain, under a line with its name. */
static void tree(struct view *v, const char *name, const json_t *value, unsigned indent)
{
	text_line(&v->text, indent);
	text_put(&v->text, STYLE_BOLD, name);
	if (json_is_array(value)) {
		list_of(v, value, indent + 2);
		return;
	}
	text_line(&v->text, indent + 2);
	members(v, value, indent + 2);
}

static const json_t *chosen_copy(const struct view *v)
{
	const json_t *choice = facts_at(json_object_get(v->set, "choice"), "mdmon"), *copy;
	size_t i;

	json_array_foreach (v->copies, i, copy)
		if (json_equal(json_object_get(copy, "device"), json_object_get(choice, "device")) &&
		    json_equal(json_object_get(copy, "copy"), json_object_get(choice, "copy")))
			return copy;
	return NULL;
}

/* The one that counts; without one, each for itself. */
static void contents(struct view *v, const json_t *copy)
{
	const json_t *metadata = json_object_get(copy, "metadata");
	const char *key;
	json_t *value;
	char title[VALUE_MAX];

	snprintf(title, sizeof(title), "What %s says", short_name(string_of(copy, "device")));
	label(v, title);
	json_object_foreach ((json_t *)(uintptr_t)metadata, key, value) {
		if (strcmp(key, "header") == 0)
			continue;
		if (is_plain(value)) {
			text_line(&v->text, ROW_INDENT);
			put_plain(v, key, value);
		} else {
			tree(v, key, value, ROW_INDENT);
		}
	}
}

static void all_contents(struct view *v)
{
	const json_t *copy = chosen_copy(v);
	size_t i;

	if (copy) {
		contents(v, copy);
		return;
	}
	json_array_foreach (v->copies, i, copy)
		if (json_object_get(json_object_get(copy, "metadata"), "disks"))
			contents(v, copy);
}

/* What a disk has beside the metadata that all share. */
static void records(struct view *v)
{
	static const char *const keys[] = { "migration_record", "spare_record" };
	const json_t *copy;
	char title[VALUE_MAX];
	size_t i;

	json_array_foreach (v->copies, i, copy)
		for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++) {
			const json_t *record = json_object_get(json_object_get(copy, "local"), keys[k]);

			if (!json_is_object(record))
				continue;
			snprintf(title, sizeof(title), "%s of %s%s%s", keys[k], short_name(string_of(copy, "device")),
				 strcmp(string_of(copy, "copy"), "only") == 0 ? "" : " ",
				 strcmp(string_of(copy, "copy"), "only") == 0 ? "" : string_of(copy, "copy"));
			tree(v, title, record, LABEL_INDENT);
		}
}

/* ---- who takes what, and what is wrong ---- */

static void choice_line(struct view *v, const char *who, const json_t *choice)
{
	const char *copy = string_of(choice, "copy");

	text_line(&v->text, ROW_INDENT);
	text_put(&v->text, STYLE_PLAIN, who);
	if (json_is_string(json_object_get(choice, "device"))) {
		text_word(&v->text, STYLE_PLAIN, "take the copy of %s", short_name(string_of(choice, "device")));
		if (strcmp(copy, "only") != 0)
			text_word(&v->text, STYLE_PLAIN, "(%s)", copy);
	} else {
		text_word(&v->text, STYLE_BAD, "can use none");
	}
	text_put(&v->text, STYLE_PLAIN, ":");
	text_word(&v->text, STYLE_PLAIN, "%s", string_of(choice, "why"));
}

static void choices(struct view *v)
{
	const json_t *choice = json_object_get(v->set, "choice"), *ours = json_object_get(choice, "mdmon");

	label(v, "Choice");
	if (json_equal(ours, json_object_get(choice, "mdadm"))) {
		choice_line(v, "mdmon and mdadm", ours);
	} else {
		choice_line(v, "mdmon would", ours);
		choice_line(v, "mdadm would", json_object_get(choice, "mdadm"));
	}
}

/* Words of a sentence, each of which may go onto the next line. */
static void sentence(struct view *v, enum style style, const char *s)
{
	while (*s) {
		size_t len = strcspn(s, " ");

		if (len)
			text_word(&v->text, style, "%.*s", (int)len, s);
		s += len + (s[len] == ' ');
	}
}

static void problems(struct view *v)
{
	const json_t *problem;
	size_t i;

	if (json_array_size(json_object_get(v->set, "problems")))
		label(v, "Problems");
	json_array_foreach (json_object_get(v->set, "problems"), i, problem) {
		const char *device = json_string_value(json_object_get(problem, "device"));

		text_line(&v->text, ROW_INDENT);
		if (device) {
			text_put(&v->text, STYLE_WARN, short_name(device));
			text_put(&v->text, STYLE_WARN, ":");
		}
		sentence(v, STYLE_PLAIN, string_of(problem, "text"));
	}
}

static void assumptions(struct view *v)
{
	const json_t *copy;
	size_t i;

	json_array_foreach (v->copies, i, copy)
		if (is_assumed(copy)) {
			text_line(&v->text, LABEL_INDENT);
			sentence(v, STYLE_PLAIN, "(?) an image has no serial number: which of the disks it is was assumed");
			return;
		}
}

static bool is_of_set(const struct view *v, const json_t *device)
{
	const json_t *copy;
	size_t i;

	json_array_foreach (v->copies, i, copy)
		if (json_equal(json_object_get(copy, "device"), json_object_get(device, "name")))
			return true;
	return false;
}

static void holders(struct view *v)
{
	const json_t *device;
	char md[VALUE_MAX];
	size_t i;

	json_array_foreach (v->devices, i, device) {
		if (!json_is_true(json_object_get(device, "changing")) || !is_of_set(v, device))
			continue;
		text_line(&v->text, LABEL_INDENT);
		text_put(&v->text, STYLE_WARN, short_name(string_of(device, "name")));
		words_of(json_object_get(device, "held_by"), md, sizeof(md));
		sentence(v, STYLE_PLAIN, "is held by");
		sentence(v, STYLE_PLAIN, md);
		sentence(v, STYLE_PLAIN, "and may be changing while it is read");
	}
}

static void count_word(struct view *v, size_t n, const char *one, const char *many)
{
	if (!n)
		return;
	text_put(&v->text, STYLE_PLAIN, ",");
	text_word(&v->text, STYLE_WARN, "%zu %s", n, n == 1 ? one : many);
}

static void first_line(struct view *v)
{
	size_t bad = json_array_size(json_object_get(v->set, "problems")), differ = json_array_size(json_object_get(v->set, "differs"));
	char value[VALUE_MAX];

	text_line(&v->text, 0);
	text_put(&v->text, STYLE_BOLD, string_of(v->set, "format"));
	text_put(&v->text, STYLE_PLAIN, ":");
	text_word(&v->text, STYLE_PLAIN, "UUID %s,", value_text(json_object_get(v->set, "uuid"), value));
	text_word(&v->text, STYLE_PLAIN, "generation %s", value_text(json_object_get(v->set, "generation"), value));
	count_word(v, bad, "problem", "problems");
	count_word(v, differ, "field differs", "fields differ");
	if (!bad && !differ) {
		text_put(&v->text, STYLE_PLAIN, ",");
		text_word(&v->text, STYLE_GOOD, "healthy");
	}
}

char *examine_view(const json_t *set, const json_t *devices, const struct view_options *opt)
{
	struct view v = { .set = set, .devices = devices, .copies = json_object_get(set, "copies") };

	text_init(&v.text, opt->width, opt->colour);
	first_line(&v);
	side_by_side(&v, rows);
	all_contents(&v);
	records(&v);
	if (any_difference(&v))
		side_by_side(&v, difference_rows);
	choices(&v);
	problems(&v);
	assumptions(&v);
	holders(&v);
	return text_finish(&v.text);
}
