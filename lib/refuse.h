/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checks of metadata, messages and requests say in one line what they return and why:
 *
 *	return refuse(why, -EINVAL, "it has the wrong length");
 *
 * Any thread.
 */
#ifndef REFUSE_H
#define REFUSE_H

/* Returns `err`, with the reason in *why unless `why` is NULL. `text` must stay valid: a literal. */
static inline int refuse(const char **why, int err, const char *text)
{
	if (why)
		*why = text;
	return err;
}

#endif
