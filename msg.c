/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See msg.h. Each field of a message is judged before the next one is taken.
 */
#include "msg.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "lib/version.h"

#define HEAD_SIZE 8
#define TAIL_SIZE 4

_Static_assert(MSG_FRAME_SIZE == HEAD_SIZE + TAIL_SIZE, "what a message has besides its data");

void msg_parser_init(struct msg_parser *p)
{
	memset(p, 0, sizeof(*p));
}

void msg_parser_reset(struct msg_parser *p)
{
	free(p->data);
	msg_parser_init(p);
}

static uint32_t get_u32(const unsigned char *bytes)
{
	uint32_t v;

	memcpy(&v, bytes, sizeof(v));
	return v;
}

size_t msg_parser_data_length(const struct msg_parser *p)
{
	return p->len > 0 ? (size_t)p->len : 0;
}

/* Judges what is there so far. */
static enum msg_parse_status parser_check(struct msg_parser *p)
{
	if (p->have >= 4 && get_u32(p->head) != MSG_START)
		return MSG_MALFORMED;
	if (p->have < HEAD_SIZE)
		return MSG_INCOMPLETE;
	p->len = (int32_t)get_u32(p->head + 4);
	if (p->len > MSG_LEN_MAX)
		return MSG_MALFORMED;
	if (p->have < MSG_FRAME_SIZE + msg_parser_data_length(p))
		return MSG_INCOMPLETE;
	return get_u32(p->tail) == MSG_END ? MSG_COMPLETE : MSG_MALFORMED;
}

/*
 * Makes room for data[0..need). Grows with what arrives, not with what is announced:
 * an announcement of 4 MiB costs its sender nothing.
 */
static bool parser_reserve(struct msg_parser *p, size_t need)
{
	size_t size = p->data_size * 2;
	unsigned char *data;

	if (need <= p->data_size)
		return true;
	if (size < need)
		size = need;
	if (size > msg_parser_data_length(p))
		size = msg_parser_data_length(p);
	data = realloc(p->data, size);
	if (!data)
		return false;
	p->data = data;
	p->data_size = size;
	return true;
}

/*
 * Where the next byte goes and how many may follow it: up to the end of the
 * field, so that each field is judged before the next one is taken.
 */
static unsigned char *parser_room(struct msg_parser *p, size_t available, size_t *room)
{
	size_t data_end = HEAD_SIZE + msg_parser_data_length(p);

	if (p->have < HEAD_SIZE) {
		*room = 4 - p->have % 4;
		return p->head + p->have;
	}
	if (p->have >= data_end) {
		*room = TAIL_SIZE - (p->have - data_end);
		return p->tail + (p->have - data_end);
	}
	*room = data_end - p->have;
	if (*room > available)
		*room = available;
	if (!parser_reserve(p, p->have - HEAD_SIZE + *room))
		return NULL;
	return p->data + (p->have - HEAD_SIZE);
}

enum msg_parse_status msg_parser_feed(struct msg_parser *p, const void *bytes, size_t n, size_t *used)
{
	const unsigned char *in = bytes;
	enum msg_parse_status status;

	*used = 0;
	while ((status = parser_check(p)) == MSG_INCOMPLETE && *used < n) {
		size_t room;
		unsigned char *to = parser_room(p, n - *used, &room);

		if (!to)
			return MSG_NOMEM;
		if (room > n - *used)
			room = n - *used;
		memcpy(to, in + *used, room);
		p->have += room;
		*used += room;
	}
	return status;
}

size_t msg_encode(void *buf, int32_t len, const void *data)
{
	const uint32_t start = MSG_START, end = MSG_END;
	size_t data_len = len > 0 ? (size_t)len : 0;
	unsigned char *out = buf;

	memcpy(out, &start, 4);
	memcpy(out + 4, &len, 4);
	if (data && data_len)
		memcpy(out + HEAD_SIZE, data, data_len);
	memcpy(out + HEAD_SIZE + data_len, &end, 4);
	return MSG_FRAME_SIZE + data_len;
}

/* Clients read the number after the first '-', and ask for at least 3.2. */
const char msg_version_string[] = "mdadm - v4.6 - 2026-11-22 - mdmon " MDMON_VERSION "\n";

size_t msg_version_length(void)
{
	return sizeof(msg_version_string);
}

int msg_address(struct sockaddr_un *sa, const char *path)
{
	memset(sa, 0, sizeof(*sa));
	sa->sun_family = AF_UNIX;
	if (strlen(path) >= sizeof(sa->sun_path))
		return -ENAMETOOLONG;
	strcpy(sa->sun_path, path);
	return 0;
}
