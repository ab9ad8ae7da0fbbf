/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Many lives, and what is said of them (world.h, sim_main()). */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "lib/log.h"
#include "tests/sim/sim.h"

#define HITS_MAX 24
#define SECONDS 60
#define HANGS 4
#define KEPT_BYTES (64 << 20)

static unsigned hits_wanted = HITS_MAX;

static char seen[HITS_MAX][TEXT_MAX];
static unsigned hits;

/* ---- what the program says ---- */

static void tell(const char *fmt, va_list ap) __attribute__((format(printf, 1, 0)));

static void tell(const char *fmt, va_list ap)
{
	if (!world.verbose)
		return;
	printf("  | ");
	vprintf(fmt, ap);
	putchar('\n');
}

#define LOGS(name)                                                                      \
	void __wrap_##name(const char *fmt, ...) __attribute__((format(printf, 1, 2))); \
	void __wrap_##name(const char *fmt, ...)                                        \
	{                                                                               \
		va_list ap;                                                             \
		va_start(ap, fmt);                                                      \
		tell(fmt, ap);                                                          \
		va_end(ap);                                                             \
	}

LOGS(log_error)
LOGS(log_warning)
LOGS(log_info)

void __wrap_mon_log(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void __wrap_mon_log(enum log_level level, const char *fmt, ...)
{
	va_list ap;

	(void)level;
	va_start(ap, fmt);
	tell(fmt, ap);
	va_end(ap);
}

#define LOGS_EVENT(name)                                                                              \
	void __wrap_##name(enum log_level level, const struct log_event *about, const char *fmt, ...) \
		__attribute__((format(printf, 3, 4)));                                                \
	void __wrap_##name(enum log_level level, const struct log_event *about, const char *fmt, ...) \
	{                                                                                             \
		va_list ap;                                                                           \
		(void)level;                                                                          \
		(void)about;                                                                          \
		va_start(ap, fmt);                                                                    \
		tell(fmt, ap);                                                                        \
		va_end(ap);                                                                           \
	}

LOGS_EVENT(log_event)
LOGS_EVENT(mon_log_event)

/* ---- hits ---- */

static char ignored[HITS_MAX][TEXT_MAX];
static unsigned ignoreds;

/* The file that SIM_KINDS names: kinds that are known, a line each. New ones are added. */
static void read_known(void)
{
	const char *path = getenv("SIM_KINDS");
	FILE *f = path ? fopen(path, "r") : NULL;

	while (f && ignoreds < HITS_MAX && fgets(ignored[ignoreds], TEXT_MAX, f)) {
		ignored[ignoreds][strcspn(ignored[ignoreds], "\n")] = '\0';
		ignoreds++;
	}
	if (f)
		fclose(f);
}

static void note_known(const char *kind)
{
	const char *path = getenv("SIM_KINDS");
	FILE *f = path ? fopen(path, "a") : NULL;

	if (!f)
		return;
	fprintf(f, "%s\n", kind);
	fclose(f);
}

static bool is_new(void)
{
	char kind[TEXT_MAX];

	life_kind(world.hit, kind);
	for (unsigned i = 0; i < ignoreds; i++)
		if (strcmp(ignored[i], kind) == 0)
			return false;
	for (unsigned i = 0; i < hits; i++)
		if (strcmp(seen[i], kind) == 0)
			return false;
	return true;
}

static void report(struct life *l, const char *who, double after)
{
	char text[8192];

	life_kind(world.hit, seen[hits]);
	note_known(seen[hits++]);
	life_shrink(l);
	life_print(l, text, sizeof(text));
	printf("HIT after %.1f s, seed %s: %s\n  %s --events \"%s\"\n", after, who, world.hit, world.ad->name, text);
	fflush(stdout);
}

static double now(void)
{
	struct timeval tv;

	gettimeofday(&tv, NULL);
	return (double)tv.tv_sec + (double)tv.tv_usec / 1e6;
}

/* ---- the ways to run it ---- */

static int tell_one(const char *text)
{
	static struct life l;

	if (!life_parse(text, &l)) {
		fprintf(stderr, "%s: not a life: %s\n", world.ad->name, text);
		return 2;
	}
	world.verbose = true;
	world.thorough = getenv("SIM_THOROUGH") ? (unsigned)atoi(getenv("SIM_THOROUGH")) : 1;
	life_live(&l);
	for (unsigned n = 0; world.ad->print_disk && n < world.disks; n++)
		world.ad->print_disk(n);
	if (!world.hit[0]) {
		judge_all();
		judge_print();
	}
	printf("%s\n", world.hit[0] ? world.hit : "no hit");
	return world.hit[0] != '\0';
}

/* Until `count` lives (0: any number, every other one with reshapes) were lived or the time is up. */
static int live(uint64_t seed, uint64_t count, double seconds)
{
	static struct life l;
	double begin = now(), took;
	bool mixed = !count && world.ad->widen;
	uint64_t lives = 0, events = 0;

	world.thorough = getenv("SIM_THOROUGH") ? (unsigned)atoi(getenv("SIM_THOROUGH")) : 4;
	while ((!count || lives < count) && hits < hits_wanted && (count || now() - begin < seconds)) {
		uint64_t n = mixed ? seed + lives / 2 + lives % 2 * SIM_RESHAPES : seed + lives;
		char who[32];

		life_live_random(&l, n);
		lives++;
		events += l.events;
		snprintf(who, sizeof(who), "%llu", (unsigned long long)n);
		if (world.hit[0] && is_new())
			report(&l, who, now() - begin);
	}
	took = now() - begin;
	printf("%s: seed %llu: %llu lives (%.0f a second), %llu events, %llu points, %llu judged, "
	       "%llu power cuts, %llu kills, %u kinds of hits\n",
	       world.ad->name, (unsigned long long)seed, (unsigned long long)lives, (double)lives / took,
	       (unsigned long long)events, (unsigned long long)world.points, (unsigned long long)world.judged,
	       (unsigned long long)world.cuts, (unsigned long long)world.kills, hits);
	return hits > 0;
}

int sim_main(const struct sim_adapter *adapter, int argc, char **argv)
{
	const char *seconds = getenv("SIM_SECONDS"), *seed = getenv("SIM_SEED"), *wanted = getenv("SIM_HITS"), *hangs = getenv("SIM_HANGS");
	uint64_t first = seed ? strtoull(seed, NULL, 0) : (uint64_t)(now() * 1000) % 1000000000 * 1000;

	mallopt(M_TRIM_THRESHOLD, KEPT_BYTES); /* daemons come and go */
	mallopt(M_MMAP_THRESHOLD, KEPT_BYTES);
	world.ad = adapter;
	read_known();
	world.mixtures = getenv("SIM_MIXTURES");
	world.hang_share = hangs ? (unsigned)atoi(hangs) : HANGS;
	if (argc == 3 && strcmp(argv[1], "--events") == 0)
		return tell_one(argv[2]);
	if (argc > 1)
		return live(strtoull(argv[1], NULL, 0), argc > 2 ? strtoull(argv[2], NULL, 0) : 1, 0);
	if (wanted && atoi(wanted) > 0 && atoi(wanted) < HITS_MAX)
		hits_wanted = (unsigned)atoi(wanted);
	return live(first, 0, seconds ? atof(seconds) : SECONDS);
}
