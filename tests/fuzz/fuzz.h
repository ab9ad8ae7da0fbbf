/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A fuzz target: what any bytes may be given to. It aborts when something is not as it must be. libFuzzer calls
 * it (make fuzz), and tests/unit/fuzz with bytes of its own and with tests/fuzz/corpus (make check-unit).
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(condition)                                                              \
	do {                                                                         \
		if (!(condition)) {                                                  \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
			abort();                                                     \
		}                                                                    \
	} while (0)

#endif
