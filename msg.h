/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages on the control socket (mdmon.md 7): which there are, and how they are framed. Pure.
 *
 *   socket/server.h   the daemon's side
 *   socket/client.h   the other side
 *   socket/rundir.h   the files in RUNDIR, and who runs there
 */
#ifndef MSG_H
#define MSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MSG_START 0x5a5aa5a5u
#define MSG_END 0xa5a55a5au
#define MSG_FRAME_SIZE 12 /* bytes of a message besides its data */
#define MSG_LEN_MAX (4 * 1024 * 1024)
#define MSG_PING_MONITOR 0    /* LEN 0 */
#define MSG_PING_MANAGER (-1) /* LEN -1 */
/* Ours; other daemons answer any negative length with LEN 0. */
#define MSG_STATUS (-100)   /* answered with the status as JSON (docs/status.md) */
#define MSG_HANDOVER (-101) /* a successor asks us to leave now, our arrays as they are */
#define MSG_WRITING (-102)  /* answered with data (ms, as text) while metadata are being written, else with LEN 0 */

enum msg_parse_status {
	MSG_INCOMPLETE, /* feed more */
	MSG_COMPLETE,   /* one message is in len/data; call msg_parser_reset before the next */
	MSG_MALFORMED,  /* wrong magic or oversize: the connection is beyond repair */
	MSG_NOMEM,
};

struct msg_parser {
	unsigned char head[8];
	unsigned char tail[4];
	size_t have;        /* bytes of the message taken so far */
	int32_t len;        /* valid once the head is complete */
	unsigned char *data; /* malloc'd, len bytes, grown as data arrives; NULL if len <= 0 */
	size_t data_size;   /* allocated */
};

void msg_parser_init(struct msg_parser *p);
void msg_parser_reset(struct msg_parser *p); /* frees data, ready for the next message */

/* Bytes of data between head and tail; valid once the head is complete. */
size_t msg_parser_data_length(const struct msg_parser *p);

/*
 * Takes bytes of the stream; sets *used to how many belong to this message (the rest
 * belongs to the next one).
 */
enum msg_parse_status msg_parser_feed(struct msg_parser *p, const void *bytes, size_t n, size_t *used);

/* Frames len data bytes into buf (size >= len + MSG_FRAME_SIZE; negative len carries no data). Returns the size. */
size_t msg_encode(void *buf, int32_t len, const void *data);

/* The text that answers ping_monitor, with newline; its length includes the NUL (7.5). */
extern const char msg_version_string[];
size_t msg_version_length(void);

struct sockaddr_un;

/* The address of the socket at `path`. 0 or -ENAMETOOLONG. */
int msg_address(struct sockaddr_un *sa, const char *path);

#endif
