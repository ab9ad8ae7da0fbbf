/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See imsm-message.h. */
#include "tests/unit/support/imsm-message.h"

#include <errno.h>
#include <string.h>

void message_assert_applied(const void *msg, size_t len)
{
	ifx_assert_message_applied(&ifx, msg, len);
}

void message_assert_refused(const void *msg, size_t len, int expected)
{
	ifx_assert_message_refused(&ifx, msg, len, expected);
}

void message_assert_refused_at_every_length(const void *msg, size_t len)
{
	for (size_t n = 0; n < len; n++)
		message_assert_refused(msg, n, -EINVAL);
}

void message_container(void)
{
	ifx_init(&ifx, MEMBERS);
	ifx_volume(&ifx, 5, "N 0,1,2");
	ifx_spare(&ifx);
	ifx_spare(&ifx);
}

void message_put(struct message *m, const void *p, size_t n)
{
	memcpy(m->bytes + m->len, p, n);
	m->len += n;
}

void message_put_word(struct message *m, int32_t v)
{
	message_put(m, &v, sizeof(v));
}

struct message message_words(const int32_t *w, size_t n)
{
	struct message m = { .len = 0 };

	message_put(&m, w, n * sizeof(*w));
	return m;
}
