/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One context for all containers of a test, since closing one takes the kernel tens of milliseconds. For programs that
 * are linked with --wrap=io_setup and --wrap=io_destroy.
 */
#ifndef ONE_AIO_H
#define ONE_AIO_H

#include <libaio.h>

int __real_io_setup(int maxevents, io_context_t *ctx);
int __wrap_io_setup(int maxevents, io_context_t *ctx);
int __wrap_io_setup(int maxevents, io_context_t *ctx)
{
	static io_context_t only;
	int err = only ? 0 : __real_io_setup(maxevents, &only);

	*ctx = only;
	return err;
}

int __wrap_io_destroy(io_context_t ctx);
int __wrap_io_destroy(io_context_t ctx)
{
	(void)ctx;
	return 0;
}

#endif
