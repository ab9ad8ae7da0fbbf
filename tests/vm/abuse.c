// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Clients that no server deserves, many at once, until SIGTERM:
 *
 *   abuse SOCKET SILENT SLOW DEAF BAD STORM
 *
 *   SILENT  connections that never say anything
 *   SLOW    send one byte every 100 ms: every other one pings, the rest an update of 4 MiB that never ends
 *   DEAF    send pings as fast as they can and never read an answer
 *   BAD     send garbage, oversize, negative and truncated messages, updates full of noise, and hang up
 *   STORM   connections made and dropped at once, per 10 ms
 *
 * Whoever is thrown out connects again. At the end prints what happened:
 *	connected N busy N thrown-out N answered N sent BYTES
 * Exit 1 if nobody was ever connected.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define START 0x5a5aa5a5u
#define END 0xa5a55a5au
#define TICK_MS 10
#define SLOW_TICKS 10
#define MAX_CLIENTS 1000

enum kind { SILENT, SLOW, DEAF, BAD };

struct client {
	enum kind kind;
	int fd; /* -1: not connected */
	size_t sent;
	unsigned int tick; /* when it sends next */
};

static struct client client[MAX_CLIENTS];
static size_t count;
static struct sockaddr_un addr = { .sun_family = AF_UNIX };
static unsigned long connected, busy, thrown_out, answered, sent_bytes;
static unsigned int seed = 1;
static volatile sig_atomic_t stop;

static void on_term(int sig)
{
	(void)sig;
	stop = 1;
}

static int try_connect(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -1;
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0) {
		busy++;
		close(fd);
		return -1;
	}
	connected++;
	return fd;
}

/* False if the other side has gone. A full buffer is no reason. */
static bool put(struct client *c, const void *bytes, size_t n)
{
	ssize_t got = send(c->fd, bytes, n, MSG_NOSIGNAL);

	if (got > 0)
		sent_bytes += (unsigned long)got;
	return got >= 0 || errno == EAGAIN;
}

static bool drip(struct client *c, unsigned int tick, bool endless)
{
	const uint32_t ping[3] = { START, 0, END };
	const uint32_t update[2] = { START, 4 * 1024 * 1024 };
	const unsigned char *bytes = endless ? (const void *)update : (const void *)ping;
	unsigned char byte = 0x5a;

	if (tick < c->tick)
		return true;
	c->tick = tick + SLOW_TICKS;
	if (!endless)
		byte = bytes[c->sent % sizeof(ping)];
	else if (c->sent < sizeof(update))
		byte = bytes[c->sent];
	c->sent++;
	return put(c, &byte, 1);
}

static bool shout(struct client *c)
{
	uint32_t pings[30];

	for (size_t i = 0; i < 30; i += 3) {
		pings[i] = START;
		pings[i + 1] = 0;
		pings[i + 2] = END;
	}
	return put(c, pings, sizeof(pings));
}

/* One piece of nonsense; always false, so that it hangs up at once. */
static bool misbehave(struct client *c)
{
	uint32_t msg[20];
	size_t words = 20;

	for (size_t i = 0; i < 20; i++)
		msg[i] = (uint32_t)rand_r(&seed);
	msg[0] = START;
	switch (rand_r(&seed) % 7) {
	case 0: /* garbage */
		msg[0] = 0x12345678;
		break;
	case 1: /* oversize */
		msg[1] = 4 * 1024 * 1024 + 1;
		break;
	case 2: /* huge */
		msg[1] = 0x7fffffff;
		break;
	case 3: /* negative */
		msg[1] = (uint32_t)-2 - (uint32_t)rand_r(&seed) % 90;
		msg[2] = END;
		words = 3;
		break;
	case 4: /* the most negative */
		msg[1] = 0x80000000u;
		msg[2] = END;
		words = 3;
		break;
	case 5: /* truncated */
		msg[1] = 1000;
		break;
	case 6: /* an update full of noise */
		msg[1] = 17 * 4;
		msg[2] %= 16;
		msg[19] = END;
		break;
	}
	put(c, msg, words * sizeof(msg[0]));
	return false;
}

/* Reads answers (not DEAF). False when the server has closed. */
static bool listen_to(struct client *c)
{
	char buf[4096];
	ssize_t n = 0;

	if (c->kind == DEAF)
		return true;
	while ((n = recv(c->fd, buf, sizeof(buf), MSG_DONTWAIT)) > 0)
		answered++;
	return n < 0 && errno == EAGAIN;
}

static void step(size_t i, unsigned int tick)
{
	struct client *c = &client[i];
	bool stays = true;

	if (c->fd < 0) {
		c->fd = try_connect();
		c->sent = 0;
		return;
	}
	switch (c->kind) {
	case SILENT:
		break;
	case SLOW:
		stays = drip(c, tick, i % 2);
		break;
	case DEAF:
		stays = shout(c);
		break;
	case BAD:
		stays = misbehave(c);
		break;
	}
	if (stays && listen_to(c))
		return;
	if (c->kind != BAD)
		thrown_out++;
	close(c->fd);
	c->fd = -1;
}

static void storm(int n)
{
	while (n-- > 0) {
		int fd = try_connect();

		if (fd >= 0)
			close(fd);
	}
}

static void recruit(enum kind kind, const char *number)
{
	for (int n = atoi(number); n > 0 && count < MAX_CLIENTS; n--)
		client[count++] = (struct client){ .kind = kind, .fd = -1 };
}

int main(int argc, char **argv)
{
	if (argc != 7) {
		fprintf(stderr, "usage: abuse SOCKET SILENT SLOW DEAF BAD STORM\n");
		return 2;
	}
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", argv[1]);
	recruit(SILENT, argv[2]);
	recruit(SLOW, argv[3]);
	recruit(DEAF, argv[4]);
	recruit(BAD, argv[5]);
	signal(SIGTERM, on_term);
	for (unsigned int tick = 0; !stop; tick++) {
		for (size_t i = 0; i < count; i++)
			step(i, tick);
		storm(atoi(argv[6]));
		poll(NULL, 0, TICK_MS);
	}
	printf("connected %lu busy %lu thrown-out %lu answered %lu sent %lu\n", connected, busy, thrown_out, answered,
	       sent_bytes);
	return connected ? 0 : 1;
}
