/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See ctl/units.h. */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "ctl/units.h"

const char *units_size(char *buf, uint64_t kib)
{
	static const char *const unit[] = { "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB" };
	double n = (double)kib;
	unsigned i = 0;

	/* 1023.95 would be shown as 1024.0 */
	for (; n >= 1023.95; i++)
		n /= 1024;
	snprintf(buf, UNITS_MAX, i ? "%.1f %s" : "%.0f %s", n, unit[i]);
	return buf;
}

const char *units_short(char *buf, uint64_t us)
{
	if (us < 1000)
		snprintf(buf, UNITS_MAX, "%u us", (unsigned)us);
	else if (us < 9995)
		snprintf(buf, UNITS_MAX, "%.2f ms", (double)us / 1e3);
	else if (us < 999500)
		snprintf(buf, UNITS_MAX, "%.0f ms", (double)us / 1e3);
	else if (us < 59950000)
		snprintf(buf, UNITS_MAX, "%.1f s", (double)us / 1e6);
	else
		units_long(buf, us / 1000000);
	return buf;
}

/* The largest two units that are worth saying. */
static const char *two_units(char *buf, uint64_t n, const char *unit, uint64_t rest, const char *rest_unit)
{
	if (rest)
		snprintf(buf, UNITS_MAX, "%" PRIu64 " %s %u %s", n, unit, (unsigned)rest, rest_unit);
	else
		snprintf(buf, UNITS_MAX, "%" PRIu64 " %s", n, unit);
	return buf;
}

const char *units_long(char *buf, uint64_t seconds)
{
	const uint64_t minute = 60, hour = 60 * minute, day = 24 * hour;

	if (seconds < minute)
		return two_units(buf, seconds, "s", 0, "");
	if (seconds < hour)
		return two_units(buf, seconds / minute, "min", seconds % minute, "s");
	if (seconds < day)
		return two_units(buf, seconds / hour, "h", seconds % hour / minute, "min");
	return two_units(buf, seconds / day, "d", seconds % day / hour, "h");
}

const char *units_coarse(char *buf, uint64_t seconds)
{
	if (seconds < 60) {
		snprintf(buf, UNITS_MAX, "under 1 min");
		return buf;
	}
	return units_long(buf, seconds - seconds % 60);
}

const char *units_time(char *buf, uint64_t ms)
{
	time_t then = (time_t)(ms / 1000), now = time(NULL);
	struct tm tm, today;

	if (!localtime_r(&then, &tm) || !localtime_r(&now, &today)) {
		snprintf(buf, UNITS_MAX, "?");
		return buf;
	}
	strftime(buf, UNITS_MAX, tm.tm_yday == today.tm_yday && tm.tm_year == today.tm_year ? "%T" : "%F %T", &tm);
	return buf;
}
