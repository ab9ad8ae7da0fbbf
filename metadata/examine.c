/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values of some kinds that several formats have, as text: metadata/examine.h. */
#include <stdio.h>
#include <string.h>

#include "lib/byteorder.h"
#include "metadata/examine.h"

void facts_hex32(struct facts *f, const char *key, uint32_t n)
{
	char text[16];

	snprintf(text, sizeof(text), "%08x", n);
	facts_text(f, key, text);
}

void facts_bytes(struct facts *f, const char *key, const uint8_t *bytes, size_t len)
{
	char text[128] = "";

	for (size_t i = 0; i < len && 2 * i + 2 < sizeof(text); i++)
		snprintf(text + 2 * i, 3, "%02x", bytes[i]);
	facts_text(f, key, text);
}

void facts_uuid(struct facts *f, const char *key, const uint8_t uuid[16])
{
	char text[40];
	le32 group[4];

	memcpy(group, uuid, sizeof(group));
	snprintf(text, sizeof(text), "%08x:%08x:%08x:%08x", le32_get(group[0]), le32_get(group[1]), le32_get(group[2]),
		 le32_get(group[3]));
	facts_text(f, key, text);
}

void facts_problem(struct facts *f, int device, const char *fmt, ...)
{
	char line[FACTS_LINE_MAX];
	va_list args;

	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	f->problem(f, device, line);
}

void facts_choice(struct facts *f, const char *who, int device, const char *copy, const char *why)
{
	facts_object(f, who);
	f->device(f, "device", device);
	facts_text(f, "copy", device < 0 ? NULL : copy);
	facts_text(f, "why", why);
	facts_end(f);
}

void facts_taken_by(struct facts *f, bool mdmon, bool mdadm)
{
	facts_list(f, "taken_by");
	if (mdmon)
		facts_text(f, NULL, "mdmon");
	if (mdadm)
		facts_text(f, NULL, "mdadm");
	facts_end(f);
}
