/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checks of metadata, messages and requests say in one line what they return and why:
 *
 *	return refuse(why, -EINVAL, "it has the wrong length");
 *	return refuse_because(why, -ENOSPC, "disk %s is too small", name);
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

/* The same with a text that is put together. It stays valid until the next one of the same thread. */
int refuse_because(const char **why, int err, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
