/* What library.c and operators.c share of C++'s operator new and delete. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Blocks of new and of new[] are the same but for the guard build, which wants each back by its own delete. */
enum maker { OBJECT = 1, ARRAY = 2 };
#define ANY_SIZE SIZE_MAX
#define UNALIGNED 16 /* __STDCPP_DEFAULT_NEW_ALIGNMENT__: a block of aligned new must not come there */

#define HIDDEN __attribute__((visibility("hidden")))
HIDDEN void *hakmem_new(size_t size, size_t alignment, enum maker maker, bool throws);
HIDDEN void hakmem_delete(void *pointer, size_t size, size_t align, enum maker maker); /* guard builds */
