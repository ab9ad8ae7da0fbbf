/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See ctl/complain.h. */
#include <stdio.h>

#include "ctl/client.h"
#include "ctl/complain.h"
#include "ctl/text.h"

void complain(const char *about, const char *what)
{
	char name[CLIENT_TEXT_MAX];

	text_sanitize(name, sizeof(name), about);
	fflush(stdout); /* keeps the order where both go to the same place */
	fprintf(stderr, "mdmonctl: %s: %s\n", name, what);
}
