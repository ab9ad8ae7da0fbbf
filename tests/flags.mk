# SPDX-License-Identifier: GPL-2.0-or-later
#
# Calls that single unit tests reach through the linker.

# With 64-bit offsets glibc calls these two by other names.
TEST_LDFLAGS_metaio := $(addprefix -Wl$(comma)--wrap=,io_submit io_getevents pwritev64v2 pwritev64 fdatasync \
	malloc calloc realloc aligned_alloc posix_memalign free)
TEST_LDFLAGS_super-imsm := $(addprefix -Wl$(comma)--wrap=,io_submit pwritev64v2 \
	malloc calloc realloc aligned_alloc posix_memalign free)
