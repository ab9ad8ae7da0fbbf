/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See count-allocations.h. */
#include "tests/unit/support/count-allocations.h"

#include <stddef.h>

bool counting_allocations;
unsigned allocations;

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_malloc(size_t size)
{
	allocations += counting_allocations;
	return __real_malloc(size);
}

void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size)
{
	allocations += counting_allocations;
	return __real_calloc(n, size);
}

void *__real_realloc(void *p, size_t size);
void *__wrap_realloc(void *p, size_t size);
void *__wrap_realloc(void *p, size_t size)
{
	allocations += counting_allocations;
	return __real_realloc(p, size);
}

void *__real_aligned_alloc(size_t align, size_t size);
void *__wrap_aligned_alloc(size_t align, size_t size);
void *__wrap_aligned_alloc(size_t align, size_t size)
{
	allocations += counting_allocations;
	return __real_aligned_alloc(align, size);
}

int __real_posix_memalign(void **p, size_t align, size_t size);
int __wrap_posix_memalign(void **p, size_t align, size_t size);
int __wrap_posix_memalign(void **p, size_t align, size_t size)
{
	allocations += counting_allocations;
	return __real_posix_memalign(p, align, size);
}

void __real_free(void *p);
void __wrap_free(void *p);
void __wrap_free(void *p)
{
	allocations += counting_allocations;
	__real_free(p);
}
