/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What happened, in order, as lines of text: fakes note it, tests compare it with what should have happened.
 * Any thread.
 */
#ifndef STEPS_H
#define STEPS_H

/* Notes one line. */
void step(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* What has been noted since the last forget_steps(), a newline behind each. Changes with the next call. */
const char *steps(void);
void forget_steps(void);

/* Include after cmocka.h and string.h. All of them forget what has been noted. */
#define assert_steps(expected)                             \
	do {                                               \
		assert_string_equal(steps(), (expected));  \
		forget_steps();                            \
	} while (0)

/* Of the first of them, and of some of them, only. */
#define assert_first_steps(expected)                                             \
	do {                                                                     \
		assert_int_equal(strncmp(steps(), (expected), strlen(expected)), 0); \
		forget_steps();                                                  \
	} while (0)

#define assert_among_steps(expected)                           \
	do {                                                   \
		assert_non_null(strstr(steps(), (expected)));  \
		forget_steps();                                \
	} while (0)

#endif
