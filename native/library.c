/* libhakmem: the generated allocator under the names that programs call.
 *
 * Everything is one translation unit, so that malloc and free are a thread-local
 * load, a few instructions of the allocator, and a return.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <malloc.h>
#include <sys/auxv.h>

#include "hakmem.h"
#include "operators.h"
#include "platform.h"
#include "resident.h"
#include "allocator.gen.h" /* written by packages/tools/src/build/native-source.ts */
#include "threads.h"

#define PUBLIC __attribute__((visibility("default")))
#define WEAK PUBLIC __attribute__((weak))
#define ALIAS(of) PUBLIC __attribute__((alias(#of)))
#define SYSTEM_PAGE ((size_t)sysconf(_SC_PAGESIZE))

static inline void *or_errno(u64 address) { return (void *)(address ? address : platform_outOfMemory()); }

/* ---- C ---- */

#ifdef HAKMEM_GUARD
PUBLIC void *malloc(size_t size) { return or_errno(hk_malloc(size)); }
#else
PUBLIC void *malloc(size_t size) { return (void *)hk_malloc(size); } /* its fallbacks set errno */
#endif
PUBLIC void free(void *pointer) { hk_free((u64)pointer); }
PUBLIC void *calloc(size_t count, size_t size) { return or_errno(hk_calloc(count, size)); }

PUBLIC void *realloc(void *pointer, size_t size) {
  if (size || !pointer) return or_errno(hk_realloc((u64)pointer, size));
  return free(pointer), NULL; /* as in glibc, which programs for Linux rely on */
}

PUBLIC void *reallocarray(void *pointer, size_t count, size_t size) {
  return count && size ? or_errno(hk_reallocarray((u64)pointer, count, size)) : realloc(pointer, 0);
}

PUBLIC void *memalign(size_t alignment, size_t size) {
  if (!alignment || alignment & (alignment - 1)) return errno = EINVAL, NULL;
  return or_errno(hk_memalign(alignment, size));
}

PUBLIC void *aligned_alloc(size_t alignment, size_t size) __attribute__((alias("memalign")));
PUBLIC int posix_memalign(void **out, size_t alignment, size_t size) { return (int)hk_posix_memalign((u64)out, alignment, size); }
PUBLIC void *valloc(size_t size) { return memalign(SYSTEM_PAGE, size); }

PUBLIC void *pvalloc(size_t size) {
  size_t page = SYSTEM_PAGE, whole = (size + page - 1) & -page;
  return whole < size ? (errno = ENOMEM, NULL) : memalign(page, whole ? whole : page);
}

PUBLIC size_t malloc_usable_size(void *pointer) { return hk_malloc_usable_size((u64)pointer); }
PUBLIC void free_sized(void *pointer, size_t size) { hk_free_sized((u64)pointer, size); }
PUBLIC void free_aligned_sized(void *pointer, size_t alignment, size_t size) { hk_free_aligned_sized((u64)pointer, alignment, size); }

/* Callers of glibc's old and internal names. */
void cfree(void *pointer) ALIAS(free);
void __libc_free(void *pointer) ALIAS(free);
void *__libc_malloc(size_t size) ALIAS(malloc);
void *__libc_calloc(size_t count, size_t size) ALIAS(calloc);
void *__libc_realloc(void *pointer, size_t size) ALIAS(realloc);
void *__libc_memalign(size_t alignment, size_t size) ALIAS(memalign);
void *__libc_valloc(size_t size) ALIAS(valloc);
void *__libc_pvalloc(size_t size) ALIAS(pvalloc);
int __posix_memalign(void **out, size_t alignment, size_t size) ALIAS(posix_memalign);

/* ---- C++: operator new and delete by their mangled names ---- */

extern void throw_bad_alloc(void) __asm__("_ZSt17__throw_bad_allocv") __attribute__((weak));
extern void (*get_new_handler(void))(void) __asm__("_ZSt15get_new_handlerv") __attribute__((weak));

static void *find(void *known, const char *name) { return known ? known : dlsym(RTLD_DEFAULT, name); }

static inline u64 new_block(size_t size, size_t alignment, enum maker maker) {
#ifdef HAKMEM_GUARD
  return hk_guard_new(size, alignment, maker);
#else
  return alignment ? hk_memalign(alignment, size) : hk_malloc(size);
#endif
}

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

void *hakmem_new(size_t size, size_t alignment, enum maker maker, bool throws) {
  u64 address = new_block(size, alignment, maker);
  return __builtin_expect(address != 0, 1) ? (void *)address : new_failed(size, alignment, maker, throws);
}

/* The forms that a program replaces; operators.c has those that go by way of them, and knows ours by other names. */
HIDDEN void *own_Znwm(size_t size) { return hakmem_new(size, 0, OBJECT, true); }
HIDDEN void *own_ZnwmSt11align_val_t(size_t size, size_t align) { return hakmem_new(size, align, OBJECT, true); }
WEAK void *_Znwm(size_t size) __attribute__((alias("own_Znwm")));
WEAK void *_ZnwmSt11align_val_t(size_t size, size_t align) __attribute__((alias("own_ZnwmSt11align_val_t")));
#ifdef HAKMEM_GUARD
void hakmem_delete(void *pointer, size_t size, size_t align, enum maker maker) { hk_guard_delete((u64)pointer, size, align, maker); }
HIDDEN void own_ZdlPv(void *pointer) { hakmem_delete(pointer, ANY_SIZE, UNALIGNED, OBJECT); }
HIDDEN void own_ZdlPvSt11align_val_t(void *pointer, size_t align) { hakmem_delete(pointer, ANY_SIZE, align, OBJECT); }
WEAK void _ZdlPv(void *pointer) __attribute__((alias("own_ZdlPv")));
WEAK void _ZdlPvSt11align_val_t(void *pointer, size_t align) __attribute__((alias("own_ZdlPvSt11align_val_t")));
#else
WEAK void _ZdlPv(void *pointer) __attribute__((alias("free")));
WEAK void _ZdlPvSt11align_val_t(void *pointer, size_t align) __attribute__((alias("free_sized")));
#endif

/* ---- figures ---- */

PUBLIC size_t hakmem_stat(enum hakmem_stat what) { return hk_heap_stat((u32)what); }
PUBLIC size_t hakmem_prewarm(size_t size, size_t count) { return hk_malloc_prewarm(size, count); }
PUBLIC int hakmem_owns(const void *pointer) { return hk_region_kind((u64)pointer) != 0; }
PUBLIC const char *hakmem_profile(void) { return HAKMEM_PROFILE; }
PUBLIC int malloc_trim(size_t pad) { return (int)hk_malloc_trim(pad); }
PUBLIC int mallopt(int parameter, int value) { return 1; } /* glibc's tunables do not apply */

PUBLIC struct mallinfo2 mallinfo2(void) {
  size_t arena = hakmem_stat(HAKMEM_COMMITTED), live = hakmem_stat(HAKMEM_LIVE);
  return (struct mallinfo2){.arena = arena, .uordblks = live, .fordblks = arena - live, .fsmblks = hakmem_stat(HAKMEM_CACHED), .keepcost = hakmem_stat(HAKMEM_FREE)};
}

PUBLIC struct mallinfo mallinfo(void) {
  struct mallinfo2 wide = mallinfo2();
  return (struct mallinfo){.arena = (int)wide.arena, .uordblks = (int)wide.uordblks, .fordblks = (int)wide.fordblks, .fsmblks = (int)wide.fsmblks, .keepcost = (int)wide.keepcost};
}

PUBLIC void malloc_stats(void) {
  say("process %u, profile %s: committed %u KiB, live %u KiB, cached %u KiB, free %u KiB, metadata %u KiB, threads %u, peak resident %u KiB",
      (u64)getpid(), HAKMEM_PROFILE, hakmem_stat(HAKMEM_COMMITTED) / KIB, hakmem_stat(HAKMEM_LIVE) / KIB, hakmem_stat(HAKMEM_CACHED) / KIB,
      hakmem_stat(HAKMEM_FREE) / KIB, hakmem_stat(HAKMEM_METADATA) / KIB, hakmem_stat(HAKMEM_THREADS), (u64)peak_resident() / KIB);
}

/* ---- start and end of the process ---- */

/* A whole number, with k, m, g or t for powers of 1024. */
static bool parse_number(const char *text, u64 *value) {
  static const char suffixes[] = "kmgt";
  if (*text < '0' || *text > '9') return false;
  u64 number = 0;
  for (; *text >= '0' && *text <= '9'; text++)
    if (__builtin_mul_overflow(number, 10, &number) || __builtin_add_overflow(number, (u64)(*text - '0'), &number)) return false;
  const char *suffix = *text ? strchr(suffixes, *text | 0x20) : NULL;
  if (*text && (!suffix || text[1])) return false;
  unsigned shift = suffix ? 10 * (unsigned)(suffix - suffixes + 1) : 0;
  *value = number << shift;
  return *value >> shift == number;
}

static SLOW void read_setting(const char *entry, size_t name_length) {
  const char *value = entry + name_length + 1;
  for (int i = 0; i < SETTINGS; i++) {
    if (strlen(settings[i].name) != name_length || memcmp(entry, settings[i].name, name_length)) continue;
    bool flag = i >= VERBOSE;
    u64 number;
    if (!parse_number(value, &number) || (flag && number > 1))
      say("%s is '%s', which is not %s; ignored", settings[i].name, value, flag ? "0 or 1" : "a whole number, with k, m, g or t for powers of 1024");
    else settings[i].value = number, settings[i].given = true;
    return;
  }
  if (name_length == 14 && !memcmp(entry, "HAKMEM_PROFILE", 14)) {
    if (strcmp(value, HAKMEM_PROFILE))
      say("HAKMEM_PROFILE is '%s', but this library was built with profile '" HAKMEM_PROFILE "': build the other with hakmem build-native --profile %s", value, value);
  } else if (strncmp(entry, "HAKMEM_CACHE=", 13) && strncmp(entry, "HAKMEM_TEST", 11)) say("%s: there is no such setting; ignored", entry); /* the tools' */
}

bool hakmem_keeps_deepbind; /* for deepbind.c */

__attribute__((destructor(101))) static void end(void) {
  if (settings[STATS].value) malloc_stats();
#ifdef HAKMEM_GUARD
  hk_heap_check();
#endif
}

__attribute__((constructor(101))) static void start(int argc, char **argv, char **environment) {
  for (; environment && *environment; environment++) {
    const char *equals = strchr(*environment, '=');
    if (equals && !strncmp(*environment, "HAKMEM_", 7)) read_setting(*environment, (size_t)(equals - *environment));
  }
  hakmem_keeps_deepbind = settings[KEEP_DEEPBIND].value;
  int file = settings[STATS].value ? fcntl(message_file, F_DUPFD_CLOEXEC, 100) : -1;
  if (file >= 0) message_file = file;
  hk_thread_init(0); /* from here on a foreign pointer is told apart, too */
  watch_threads();
#ifdef HAKMEM_GUARD
  void *frame; /* see say_backtrace; a static program loads nothing, and is not ready for it yet */
  if (getauxval(AT_BASE)) (void)backtrace(&frame, 1);
  at_quick_exit(end);
#else
  if (settings[STATS].value) at_quick_exit(end);
#endif
  if (settings[VERBOSE].value) say("process %u uses profile %s", (u64)getpid(), HAKMEM_PROFILE);
}
