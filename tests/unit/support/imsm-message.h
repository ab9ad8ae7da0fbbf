/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages as mdadm sends them, given to the fixture ifx. */
#ifndef IMSM_MESSAGE_H
#define IMSM_MESSAGE_H

#include "tests/unit/support/imsm-fixture.h"

#define MEMBERS 3
/* Where a volume may begin on the disks of message_container(). */
#define NEXT_PBA (FX_PER_DEV + FX_GAP)

/* As ifx_assert_message_applied() and ifx_assert_message_refused(). */
void message_assert_applied(const void *msg, size_t len);
void message_assert_refused(const void *msg, size_t len, int expected);
/* Cut off at any place it is refused, with -EINVAL. */
void message_assert_refused_at_every_length(const void *msg, size_t len);
/* One watched volume on disks 0, 1, 2; two spares, DISK3 and DISK4. */
void message_container(void);

struct message {
	uint8_t bytes[1024];
	size_t len;
};

/* Append to it. */
void message_put(struct message *m, const void *p, size_t n);
void message_put_word(struct message *m, int32_t v);
struct message message_words(const int32_t *w, size_t n);

#define WORDS(...) \
	message_words((const int32_t[]){ __VA_ARGS__ }, sizeof((const int32_t[]){ __VA_ARGS__ }) / sizeof(int32_t))

#endif
