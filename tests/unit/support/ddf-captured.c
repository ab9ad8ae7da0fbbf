/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/support/ddf-captured.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

void captured_hex(uint8_t *at, const char *hex)
{
	unsigned byte;

	for (; *hex; hex += *hex == ' ')
		for (; *hex && *hex != ' '; hex += 2) {
			assert_int_equal(sscanf(hex, "%2x", &byte), 1);
			*at++ = (uint8_t)byte;
		}
}

void captured_record(uint8_t at[CAPTURED_RECORD], const char *shape, const char *elements)
{
	memset(at, 0xff, CAPTURED_RECORD);
	captured_hex(at, "eeee eeee 64b2 8fda");
	captured_hex(at + 8, CAPTURED_GUID);
	captured_hex(at + 0x20, "5834 604d 0000 0003");
	captured_hex(at + 0x40, shape);
	captured_hex(at + 0x48, "0000 0000 0000 4000 0000 0000 0000 8000");
	captured_hex(at + 0x80, "0000 0000 0000 0000 80");
	captured_hex(at + 0x200, elements);
	memset(at + 0x600, 0, 2048);
}
