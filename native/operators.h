/* C++'s operator new and delete, by their mangled names.
 *
 * A program may replace one operator new and one operator delete, and all other
 * forms then mean these: so a form calls the one that the process has, the
 * program's or ours, as the standard library's does. What is weak is bound to
 * nothing when it is compiled. Where it is ours, nothing is asked but by the
 * guard build, for which each form is another.
 */
#pragma once

/* Blocks of new and of new[] are the same but for the guard build, which wants each back by its own delete. */
enum maker { OBJECT = 1, ARRAY = 2 };
#define ANY_SIZE SIZE_MAX
#define UNALIGNED 16 /* __STDCPP_DEFAULT_NEW_ALIGNMENT__: a block of aligned new must not come there */
#define HIDDEN __attribute__((visibility("hidden")))

extern void throw_bad_alloc(void) __asm__("_ZSt17__throw_bad_allocv") __attribute__((weak));
extern void (*get_new_handler(void))(void) __asm__("_ZSt15get_new_handlerv") __attribute__((weak));

static void *find(void *known, const char *name) { return known ? known : dlsym(RTLD_DEFAULT, name); }

#ifdef HAKMEM_GUARD
#define new_block hk_guard_new
#define hk_malloc_cached(size) 0
#else
#define new_block(size, alignment, maker) ((alignment) ? hk_memalign(alignment, size) : hk_malloc(size))
#endif

/* Asks the program's new handler until it gives up: then throws, or returns null. */
static SLOW void *new_failed(size_t size, size_t alignment, enum maker maker, bool throws) {
  void (*(*handler_of)(void))(void) = (void (*(*)(void))(void))find((void *)get_new_handler, "_ZSt15get_new_handlerv");
  void (*raise_it)(void) = (void (*)(void))find((void *)throw_bad_alloc, "_ZSt17__throw_bad_allocv");
  for (void (*handler)(void); handler_of && (handler = handler_of());) {
    handler();
    u64 address = new_block(size, alignment, maker);
    if (address) return (void *)address;
  }
  if (!throws) return NULL;
  if (raise_it) raise_it();
  say("operator new: out of memory for %u bytes", (u64)size);
  abort();
}

static void *new_object(size_t size, size_t alignment, enum maker maker, bool throws) {
  u64 address = new_block(size, alignment, maker);
  return __builtin_expect(address != 0, 1) ? (void *)address : new_failed(size, alignment, maker, throws);
}

static SLOW void *new_slow(size_t size) { return new_object(size, 0, OBJECT, true); }

/* The forms that a program replaces. Those below go by way of them, and know ours by other names. */
HIDDEN void *own_Znwm(size_t size) {
  u64 block = hk_malloc_cached(size);
  return block ? (void *)block : new_slow(size); /* a jump: the block at hand needs no frame */
}
HIDDEN void *own_ZnwmSt11align_val_t(size_t size, size_t align) { return new_object(size, align, OBJECT, true); }
WEAK void *_Znwm(size_t size) __attribute__((alias("own_Znwm")));
WEAK void *_ZnwmSt11align_val_t(size_t size, size_t align) __attribute__((alias("own_ZnwmSt11align_val_t")));
#ifdef HAKMEM_GUARD
static void delete_object(void *pointer, size_t size, size_t align, enum maker maker) { hk_guard_delete((u64)pointer, size, align, maker); }
HIDDEN void own_ZdlPv(void *pointer) { delete_object(pointer, ANY_SIZE, UNALIGNED, OBJECT); }
HIDDEN void own_ZdlPvSt11align_val_t(void *pointer, size_t align) { delete_object(pointer, ANY_SIZE, align, OBJECT); }
WEAK void _ZdlPv(void *pointer) __attribute__((alias("own_ZdlPv")));
WEAK void _ZdlPvSt11align_val_t(void *pointer, size_t align) __attribute__((alias("own_ZdlPvSt11align_val_t")));
#else
WEAK void _ZdlPv(void *pointer) __attribute__((alias("free")));
WEAK void _ZdlPvSt11align_val_t(void *pointer, size_t align) __attribute__((alias("free_sized")));
#endif

#ifdef HAKMEM_GUARD
#define CHECKED(by, call) if (by == own##by) return call
#else
#define CHECKED(by, call)
#endif

WEAK void *_Znam(size_t size) {
  CHECKED(_Znwm, new_object(size, 0, ARRAY, true));
  return _Znwm(size);
}
WEAK void *_ZnamSt11align_val_t(size_t size, size_t align) {
  CHECKED(_ZnwmSt11align_val_t, new_object(size, align, ARRAY, true));
  return _ZnwmSt11align_val_t(size, align);
}

/* One of the program's may throw, and does so through these. */
#define NOTHROW(symbol, arguments, by, align, maker, call) \
  WEAK void *symbol arguments { return by == own##by ? new_object(size, align, maker, false) : call; }
NOTHROW(_ZnwmRKSt9nothrow_t, (size_t size, const void *nothrow), _Znwm, 0, OBJECT, _Znwm(size))
NOTHROW(_ZnamRKSt9nothrow_t, (size_t size, const void *nothrow), _Znwm, 0, ARRAY, _Znam(size))
NOTHROW(_ZnwmSt11align_val_tRKSt9nothrow_t, (size_t size, size_t align, const void *nothrow), _ZnwmSt11align_val_t, align, OBJECT, _ZnwmSt11align_val_t(size, align))
NOTHROW(_ZnamSt11align_val_tRKSt9nothrow_t, (size_t size, size_t align, const void *nothrow), _ZnwmSt11align_val_t, align, ARRAY, _ZnamSt11align_val_t(size, align))

#define DELETE(symbol, arguments, by, size, align, maker, call) \
  WEAK void symbol arguments { \
    CHECKED(by, delete_object(pointer, size, align, maker)); \
    call; \
  }
#define ALIGNED _ZdlPvSt11align_val_t
DELETE(_ZdaPv, (void *pointer), _ZdlPv, ANY_SIZE, UNALIGNED, ARRAY, _ZdlPv(pointer))
DELETE(_ZdlPvRKSt9nothrow_t, (void *pointer, const void *nothrow), _ZdlPv, ANY_SIZE, UNALIGNED, OBJECT, _ZdlPv(pointer))
DELETE(_ZdaPvRKSt9nothrow_t, (void *pointer, const void *nothrow), _ZdlPv, ANY_SIZE, UNALIGNED, ARRAY, _ZdaPv(pointer))
DELETE(_ZdlPvm, (void *pointer, size_t size), _ZdlPv, size, UNALIGNED, OBJECT, _ZdlPv(pointer))
DELETE(_ZdaPvm, (void *pointer, size_t size), _ZdlPv, size, UNALIGNED, ARRAY, _ZdaPv(pointer))
DELETE(_ZdaPvSt11align_val_t, (void *pointer, size_t align), _ZdlPvSt11align_val_t, ANY_SIZE, align, ARRAY, ALIGNED(pointer, align))
DELETE(_ZdlPvSt11align_val_tRKSt9nothrow_t, (void *pointer, size_t align, const void *nothrow), _ZdlPvSt11align_val_t, ANY_SIZE, align, OBJECT, ALIGNED(pointer, align))
DELETE(_ZdaPvSt11align_val_tRKSt9nothrow_t, (void *pointer, size_t align, const void *nothrow), _ZdlPvSt11align_val_t, ANY_SIZE, align, ARRAY, _ZdaPvSt11align_val_t(pointer, align))
DELETE(_ZdlPvmSt11align_val_t, (void *pointer, size_t size, size_t align), _ZdlPvSt11align_val_t, size, align, OBJECT, ALIGNED(pointer, align))
DELETE(_ZdaPvmSt11align_val_t, (void *pointer, size_t size, size_t align), _ZdlPvSt11align_val_t, size, align, ARRAY, _ZdaPvSt11align_val_t(pointer, align))
