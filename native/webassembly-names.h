/* What the C libraries of WebAssembly have beside the standard's names, and the end of threads. */
#pragma once

#if PTHREADS
/* A thread leaves when it ends, by a key's destructor. What is freed after that, by who clears up behind it, gives the worker a
 * heap again, which stays for the next thread that the worker is used for: so each thread sets its key by itself. The first thread
 * never ends, and asks for memory before there are keys. */
static pthread_key_t exit_key;
static pthread_once_t exit_once = PTHREAD_ONCE_INIT;
static bool exit_key_ready;
static void leave(void *unused) { hk_thread_exit(); }
static void make_exit_key(void) { exit_key_ready = pthread_key_create(&exit_key, leave) == 0; }

static SLOW void platform_started(u32 id) {
#ifdef __EMSCRIPTEN__
  if (emscripten_is_main_runtime_thread()) return;
#endif
  pthread_once(&exit_once, make_exit_key);
  watch_thread();
}

static inline void watch_thread(void) {
  if (exit_key_ready && !pthread_getspecific(exit_key)) pthread_setspecific(exit_key, &exit_key);
}
#else
static void platform_started(u32 id) {}
static inline void watch_thread(void) {}
#endif

#ifdef __EMSCRIPTEN__
/* Under these names Emscripten's own code takes memory. */
void *emscripten_builtin_malloc(size_t size) ALIAS(malloc);
void emscripten_builtin_free(void *pointer) ALIAS(free);
void *emscripten_builtin_calloc(size_t count, size_t size) ALIAS(calloc);
void *emscripten_builtin_realloc(void *pointer, size_t size) ALIAS(realloc);
void *emscripten_builtin_memalign(size_t alignment, size_t size) ALIAS(memalign);

PUBLIC void *valloc(size_t size) { return memalign(PAGE, size); }
PUBLIC void *pvalloc(size_t size) { return memalign(PAGE, size > -PAGE ? size : size ? (size + PAGE - 1) & -PAGE : PAGE); }
PUBLIC int mallopt(int parameter, int value) { return 1; }
PUBLIC void malloc_stats(void) {
  say("profile %s: committed %u, live %u, cached %u bytes", HAKMEM_PROFILE, hakmem_stat(HAKMEM_COMMITTED), hakmem_stat(HAKMEM_LIVE), hakmem_stat(HAKMEM_CACHED));
}

PUBLIC struct mallinfo mallinfo(void) {
  size_t arena = hakmem_stat(HAKMEM_COMMITTED), live = hakmem_stat(HAKMEM_LIVE);
  return (struct mallinfo){.arena = arena, .uordblks = live, .fordblks = arena - live, .fsmblks = hakmem_stat(HAKMEM_CACHED), .keepcost = hakmem_stat(HAKMEM_FREE)};
}
#endif

#if !HOSTED
/* Compilers call these, also where there is no C library to have them. Not to be made of calls of themselves. */
#ifdef __clang__
#define PLAINLY __attribute__((weak, no_builtin))
#else
#define PLAINLY __attribute__((weak))
#endif
PLAINLY void *memset(void *to, int value, size_t bytes) {
  for (u8 *at = to, *end = at + bytes; at < end; at++) *at = (u8)value;
  return to;
}
PLAINLY void *memmove(void *to, const void *from, size_t bytes) {
  u8 *out = to;
  const u8 *in = from;
  if (out <= in) for (size_t n = 0; n < bytes; n++) out[n] = in[n];
  else while (bytes--) out[bytes] = in[bytes];
  return to;
}
#ifdef __wasm64__
/* The low 128 bits of a product: a check for overflow is compiled to it. */
PLAINLY __int128 __multi3(__int128 a, __int128 b) {
  u64 x = (u64)a, y = (u64)b, low = (x & UINT32_MAX) * (y & UINT32_MAX);
  u64 mid = (x >> 32) * (y & UINT32_MAX) + (low >> 32), cross = (x & UINT32_MAX) * (y >> 32) + (mid & UINT32_MAX);
  u64 high = (x >> 32) * (y >> 32) + (mid >> 32) + (cross >> 32) + x * (u64)((unsigned __int128)b >> 64) + (u64)((unsigned __int128)a >> 64) * y;
  return (__int128)(((unsigned __int128)high << 64) | (cross << 32) | (low & UINT32_MAX));
}
#endif
#else
void *__libc_malloc(size_t size) ALIAS(malloc);
void __libc_free(void *pointer) ALIAS(free);
void *__libc_calloc(size_t count, size_t size) ALIAS(calloc);
void *__libc_realloc(void *pointer, size_t size) ALIAS(realloc);
#endif

#ifdef HAKMEM_FOR_JAVASCRIPT
/* What the JavaScript library attaches to. */
#define EXPORTED(result, name, parameters, arguments) \
  __attribute__((export_name("hakmem_" #name), used)) result hakmem_export_##name parameters { return hk_##name arguments; }
EXPORTED(word, malloc, (word size), (size))
EXPORTED(void, free, (word block), (block))
EXPORTED(word, calloc, (word count, word size), (count, size))
EXPORTED(word, realloc, (word block, word size), (block, size))
EXPORTED(word, aligned_alloc, (word alignment, word size), (alignment, size))
EXPORTED(word, malloc_usable_size, (word block), (block))
EXPORTED(u32, malloc_trim, (word pad), (pad))
EXPORTED(word, malloc_prewarm, (word size, word count), (size, count))
EXPORTED(word, thread_init, (word control), (control))
EXPORTED(u32, thread_id, (void), ())
EXPORTED(u32, thread_reclaim, (u32 id), (id))
EXPORTED(word, heap_stat, (u32 what), (what))
EXPORTED(word, class_stat, (u32 index, u32 what), (index, what))
__attribute__((export_name("hakmem_profile"), used)) const char *hakmem_export_profile(void) { return HAKMEM_PROFILE; }
#ifdef HAKMEM_OBSERVE
/* What this thread does is told from now on: 1 a sample, the first one in `left` bytes; 2 every call; 0 no more. Blocks of before are not known. */
__attribute__((export_name("hakmem_observe"), used)) void hakmem_export_observe(u32 how, word left) {
  if ((how == TOLD_ALL) != (told == TOLD_ALL)) __atomic_fetch_add(&recorders, how == TOLD_ALL ? 1 : -1, __ATOMIC_RELAXED);
  told = how;
  unsampled = how == TOLD_NOTHING ? UNSEEN : how == TOLD_A_SAMPLE ? left : 0;
}
#endif
#endif
