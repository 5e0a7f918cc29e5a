/* The forms of operator new and delete that go by way of others.
 *
 * A program may replace one operator new and one operator delete, and all other
 * forms then mean these: so a form here calls the one that the process has, the
 * program's or ours, as the standard library's does. Compiled by itself: nothing
 * here may be bound to this library's own. Where it is ours, nothing is asked
 * but by the guard build, for which each form is another.
 */
#include "operators.h"

#define PUBLIC __attribute__((visibility("default"), weak))

/* Weak, since compilers may take two strong names for two functions. */
PUBLIC extern void *_Znwm(size_t), *_ZnwmSt11align_val_t(size_t, size_t);
PUBLIC extern void _ZdlPv(void *), _ZdlPvSt11align_val_t(void *, size_t);
HIDDEN extern void *own_Znwm(size_t), *own_ZnwmSt11align_val_t(size_t, size_t);
HIDDEN extern void own_ZdlPv(void *), own_ZdlPvSt11align_val_t(void *, size_t);

#ifdef HAKMEM_GUARD
#define CHECKED(by, call) if (by == own##by) return call
#else
#define CHECKED(by, call)
#endif

PUBLIC void *_Znam(size_t size) {
  CHECKED(_Znwm, hakmem_new(size, 0, ARRAY, true));
  return _Znwm(size);
}
PUBLIC void *_ZnamSt11align_val_t(size_t size, size_t align) {
  CHECKED(_ZnwmSt11align_val_t, hakmem_new(size, align, ARRAY, true));
  return _ZnwmSt11align_val_t(size, align);
}

/* One of the program's may throw, and does so through these. */
#define NOTHROW(symbol, arguments, by, align, maker, call) \
  PUBLIC void *symbol arguments { return by == own##by ? hakmem_new(size, align, maker, false) : call; }
NOTHROW(_ZnwmRKSt9nothrow_t, (size_t size, const void *nothrow), _Znwm, 0, OBJECT, _Znwm(size))
NOTHROW(_ZnamRKSt9nothrow_t, (size_t size, const void *nothrow), _Znwm, 0, ARRAY, _Znam(size))
NOTHROW(_ZnwmSt11align_val_tRKSt9nothrow_t, (size_t size, size_t align, const void *nothrow), _ZnwmSt11align_val_t, align, OBJECT, _ZnwmSt11align_val_t(size, align))
NOTHROW(_ZnamSt11align_val_tRKSt9nothrow_t, (size_t size, size_t align, const void *nothrow), _ZnwmSt11align_val_t, align, ARRAY, _ZnamSt11align_val_t(size, align))

#define DELETE(symbol, arguments, by, size, align, maker, call) \
  PUBLIC void symbol arguments { \
    CHECKED(by, hakmem_delete(pointer, size, align, maker)); \
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
