/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A handler's report as lines of text. The fixture, with text_put(), comes before. */
#ifndef REPORT_TEXT_H
#define REPORT_TEXT_H

#include "tests/unit/support/text.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct report report;

static inline const char *disk_text(unsigned i)
{
	static const char *const states[] = {
		[REPORT_DISK_MEMBER] = "member", [REPORT_DISK_SPARE] = "spare",
		[REPORT_DISK_FAILED] = "failed", [REPORT_DISK_MISSING] = "missing",
	};
	static char text[128];
	const struct report_disk *d = &report.disk[i];

	assert_true(i < report.disk_count);
	assert_true(d->state < COUNT(states));
	snprintf(text, sizeof(text), "%llx %s %s%s", (unsigned long long)d->dev, d->serial, states[d->state],
		 d->unwritable ? "!" : "");
	return text;
}

static inline void put_members(char **p, const struct report_volume *v)
{
	static const char letters[] = { [REPORT_IN_SYNC] = '+', [REPORT_REBUILDING] = '~',
					[REPORT_FAILED_MEMBER] = 'x', [REPORT_MISSING] = '-' };

	for (unsigned slot = 0; slot < v->member_count; slot++) {
		const struct report_member *m = &v->member[slot];

		assert_true(m->state < sizeof(letters));
		assert_true(m->disk >= -1 && m->disk < (int)report.disk_count);
		if (m->disk >= 0)
			text_put(p, " %d%c", m->disk, letters[m->state]);
		else
			text_put(p, " %c", letters[m->state]);
	}
}

static inline const char *volume_text(unsigned i)
{
	static const char *const states[] = {
		[REPORT_VOLUME_NORMAL] = "normal", [REPORT_VOLUME_DEGRADED] = "degraded",
		[REPORT_VOLUME_FAILED] = "failed", [REPORT_VOLUME_UNINITIALIZED] = "uninitialized",
	};
	static char text[4096];
	const struct report_volume *v = &report.volume[i];
	char *p = text;

	assert_true(i < report.volume_count);
	assert_true(v->state < COUNT(states));
	text_put(&p, "%d %s raid%d %llu %s%s", v->index, v->name, v->level, (unsigned long long)v->size,
		 states[v->state], v->dirty ? " dirty" : "");
	put_members(&p, v);
	return text;
}

#endif
