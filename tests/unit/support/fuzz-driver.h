/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Gives a fuzz target (tests/fuzz) the inputs of its corpus, among them all that have ever found something, and
 * some thousands that are made up here, always the same. FUZZ_EVERY=N in the environment: only every Nth of them.
 */
#ifndef FUZZ_DRIVER_H
#define FUZZ_DRIVER_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"

#define FUZZ_MAX 4096

static inline unsigned fuzz_every(void)
{
	const char *every = getenv("FUZZ_EVERY");
	int n = every ? atoi(every) : 1;

	return n > 0 ? (unsigned)n : 1;
}

static inline void fuzz_file(const char *dir, const char *name)
{
	static uint8_t data[65536];
	char path[512];
	size_t size;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "rb");
	assert_non_null(f);
	size = fread(data, 1, sizeof(data), f);
	fclose(f);
	LLVMFuzzerTestOneInput(data, size);
}

static inline void fuzz_corpus(const char *dir)
{
	DIR *d = opendir(dir);
	const struct dirent *e;
	unsigned n = 0;

	assert_non_null(d);
	while ((e = readdir(d)))
		if (e->d_name[0] != '.' && n++ % fuzz_every() == 0)
			fuzz_file(dir, e->d_name);
	closedir(d);
	assert_true(n > 0);
}

static inline void fuzz_random(unsigned runs, size_t max)
{
	static uint8_t data[FUZZ_MAX];
	uint32_t x = 2463534242u;

	assert_true(max <= sizeof(data));
	for (unsigned run = 0; run < runs; run++) {
		size_t size = run % max;

		for (size_t i = 0; i < size; i++) {
			x ^= x << 13;
			x ^= x >> 17;
			x ^= x << 5;
			data[i] = (uint8_t)x;
		}
		if (run % fuzz_every() == 0)
			LLVMFuzzerTestOneInput(data, size);
	}
}

#endif
