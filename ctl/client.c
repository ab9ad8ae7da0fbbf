/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See ctl/client.h. Each question has a connection of its own: the daemon ends those that are silent for 3 seconds. */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/client.h"
#include "ctl/text.h"
#include "lib/clock.h"
#include "msg.h"
#include "socket/client.h"

#define US_PER_MS 1000

static void explain(int err, int timeout_ms, char *to)
{
	switch (err) {
	case -ENOENT:
		snprintf(to, CLIENT_TEXT_MAX, "no mdmon runs for it");
		return;
	case -ECONNREFUSED:
		snprintf(to, CLIENT_TEXT_MAX, "no mdmon runs for it any more: nobody listens at its socket");
		return;
	case -EACCES:
	case -EPERM:
		snprintf(to, CLIENT_TEXT_MAX, "its socket may not be opened: only root may ask");
		return;
	case -ETIMEDOUT:
		snprintf(to, CLIENT_TEXT_MAX, "its mdmon did not answer within %g s", timeout_ms / 1000.0);
		return;
	case -ECONNRESET:
	case -EPIPE:
		snprintf(to, CLIENT_TEXT_MAX, "its mdmon closed the connection instead of answering");
		return;
	case -EPROTO:
		snprintf(to, CLIENT_TEXT_MAX, "what answered at its socket does not speak the protocol of mdmon");
		return;
	}
	snprintf(to, CLIENT_TEXT_MAX, "its mdmon cannot be asked: %s", strerror(-err));
}

/* 0 or -errno. */
static int ask(const struct ctl_paths *p, const char *container, int32_t kind, int timeout_ms, unsigned char **data,
	       size_t *len)
{
	char path[PATH_MAX];
	int fd, r;

	*data = NULL;
	*len = 0;
	if (!ctl_container_socket(p, container, path, sizeof(path)))
		return -ENAMETOOLONG;
	fd = msg_connect(path);
	if (fd < 0)
		return fd;
	r = msg_ask(fd, kind, timeout_ms, data, len);
	close(fd);
	return r;
}

/* The text ends in a newline, perhaps with a NUL behind it. */
static void take_version(const unsigned char *data, char *version)
{
	char *line = data ? strdup((const char *)data) : NULL;

	version[0] = '\0';
	if (!line)
		return;
	line[strcspn(line, "\n")] = '\0';
	text_sanitize(version, CLIENT_TEXT_MAX, line);
	free(line);
}

void client_ping(const struct ctl_paths *p, const char *container, int32_t kind, int timeout_ms,
		 struct client_ping *ping)
{
	uint64_t start = clock_now_ns();
	unsigned char *data;
	size_t len;

	memset(ping, 0, sizeof(*ping));
	ping->err = ask(p, container, kind, timeout_ms, &data, &len);
	ping->took_us = (clock_now_ns() - start) * US_PER_MS / NS_PER_MS;
	if (ping->err)
		explain(ping->err, timeout_ms, ping->problem);
	else
		take_version(data, ping->version);
	free(data);
}

/* ---- status ---- */

static void not_understood(struct client_status *status, const char *why)
{
	char text[CLIENT_TEXT_MAX];

	snprintf(text, sizeof(text), "the answer of its mdmon is not understood: %s", why);
	text_sanitize(status->problem, sizeof(status->problem), text);
}

static void check_schema(struct client_status *status)
{
	const json_t *schema = json_object_get(status->object, "schema");

	if (!json_is_integer(schema))
		not_understood(status, "it does not say of which schema it is");
	else if (json_integer_value(schema) != CLIENT_SCHEMA)
		snprintf(status->problem, sizeof(status->problem),
			 "its mdmon answers with schema %" PRId64 ", but this mdmonctl knows only %d: use the one that "
			 "belongs to that mdmon", (int64_t)json_integer_value(schema), CLIENT_SCHEMA);
}

void client_status_parse(const void *data, size_t len, struct client_status *status)
{
	json_error_t error;

	memset(status, 0, sizeof(*status));
	if (!len) {
		status->mute = true;
		snprintf(status->problem, sizeof(status->problem), "runs the mdmon of mdadm, which cannot tell more");
		return;
	}
	status->object = json_loadb(data, len, 0, &error);
	if (!status->object) {
		not_understood(status, error.text);
	} else if (!json_is_object(status->object)) {
		not_understood(status, "it is no JSON object");
		json_decref(status->object);
		status->object = NULL;
	} else {
		check_schema(status);
	}
}

void client_status(const struct ctl_paths *p, const char *container, int timeout_ms, struct client_status *status)
{
	unsigned char *data;
	size_t len;
	int r = ask(p, container, MSG_STATUS, timeout_ms, &data, &len);

	memset(status, 0, sizeof(*status));
	status->err = r;
	if (r)
		explain(r, timeout_ms, status->problem);
	else
		client_status_parse(data, len, status);
	free(data);
}

void client_status_free(struct client_status *status)
{
	json_decref(status->object);
	status->object = NULL;
}
