/* Seeing what a program that is linked for WebAssembly asks for: JavaScript samples it, or writes it down (packages/hakmem/src/observe), because it alone
 * can see the stack. Nobody is called but for what is to be seen.
 *
 * With HAKMEM_OBSERVE alone. In Emscripten `hakmem_seen` calls what the library has put into the Module. Elsewhere a host provides it as an import:
 * it returns the bytes until the next block that it is to be told of, less than 0 when it does not care; of an end, whether it knew the block.
 */
#pragma once

enum seen { SEEN_NEW, SEEN_END, SEEN_RESIZED, SEEN_WRONG };

/* `left`: what was left of the bytes until this block; `more`: an alignment, or the old block. */
#ifdef __EMSCRIPTEN__
EM_JS(double, hakmem_seen, (int kind, double block, double size, double more, double left), {
  var observer = Module["hakmemObserver"];
  return observer ? observer(kind, block, size, more, left) : -1;
});
#else
__attribute__((import_module("env"), import_name("hakmem_seen"))) double hakmem_seen(int kind, double block, double size, double more, double left);
#endif

#define UNSEEN (1 << 20) /* bytes after which a host that did not care is asked again */
#define ALWAYS 255
enum { TOLD_NOTHING, TOLD_A_SAMPLE, TOLD_ALL };

THREAD_LOCAL word unsampled;
THREAD_LOCAL u32 told;
static u32 recorders;       /* threads that are told all: blocks go from thread to thread, and so every thread's host is asked then */
static u8 sampled[1 << 16]; /* how many of the sampled blocks of all threads have such an address; 255 is for ever */

static inline u8 *sampled_at(word block) { return &sampled[block >> 4 & 0xffff]; }
static inline bool may_be_sampled(word block) { return (__atomic_load_n(&recorders, __ATOMIC_RELAXED) | __atomic_load_n(sampled_at(block), __ATOMIC_RELAXED)) != 0; }
static void count_sampled(word block, int by) {
  u8 *count = sampled_at(block), now = __atomic_load_n(count, __ATOMIC_RELAXED);
  while (now != ALWAYS && !__atomic_compare_exchange_n(count, &now, (u8)(now + by), false, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {}
}

static void be_told(double next, word block) {
  unsampled = next < 0 ? UNSEEN : (word)next;
  if (next >= 0 && told != TOLD_ALL) count_sampled(block, 1);
}

static SLOW word seen_new(word block, word size, unsigned alignment) {
  if (block) be_told(hakmem_seen(SEEN_NEW, (double)block, (double)size, alignment ? (double)((word)1 << alignment) : 0, (double)unsampled), block);
  return block;
}
static SLOW word seen_malloc(word size) { return seen_new(hk_malloc(size), size, 0); }

static SLOW void seen_end(word block) {
  if (block && hakmem_seen(SEEN_END, (double)block, 0, 0, 0) > 0 && told != TOLD_ALL) count_sampled(block, -1);
}

/* What a guard build has freed is in quarantine: it is told afterwards, when nothing was found wrong with it. */
#ifdef HAKMEM_GUARD
static SLOW void seen_free(word block) { hk_free(block), seen_end(block); }
#else
static SLOW void seen_free(word block) { seen_end(block), hk_free(block); }
#endif

/* Who asked for a block that was used wrong, and who freed it: the host says it, where it knows. */
static SLOW void say_origin(word block) {
  if (told) hakmem_seen(SEEN_WRONG, (double)block, 0, 0, 0);
}

/* Who samples tells apart what became longer from what became shorter where it lies. */
static SLOW word seen_realloc(word old, word count, word size, bool is_next) {
  word block = hk_reallocarray(old, count, size);
  if (!block) return 0;
  if (told == TOLD_ALL) hakmem_seen(SEEN_RESIZED, (double)block, (double)(count * size), (double)old, (double)unsampled);
  else {
    if (may_be_sampled(old) && old != block) seen_end(old);
    if (is_next) seen_new(block, count * size, 0);
  }
  return block;
}
