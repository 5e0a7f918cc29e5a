/* On the way to the allocator: what observers are told of the calls of a program. A platform's own header, before this one, says what they do:
 *
 *   unsampled                  bytes until the next block that is told of, with one more for each block; thread-local
 *   may_be_sampled(block)      whether the end of a block is told of
 *   seen_new, seen_end         what is told: seen_new returns the block
 *   seen_malloc, seen_free     the call, and what is told
 *   seen_realloc
 */
#pragma once

/* Whether the block is to be seen; otherwise its bytes are counted. */
static inline bool is_next(word size) {
  word left = unsampled;
  if (__builtin_expect(size >= left, 0)) return true;
  unsampled = left - size - 1;
  return false;
}

static inline word observed_malloc(word size) { return is_next(size) ? seen_malloc(size) : hk_malloc(size); }

static inline word observed_calloc(word count, word size) {
  word block = hk_calloc(count, size);
  return is_next(count * size) ? seen_new(block, count * size, 0) : block;
}

static inline word observed_memalign(word alignment, word size) {
  word block = hk_memalign(alignment, size);
  return is_next(size) ? seen_new(block, size, (unsigned)__builtin_ctzl(alignment)) : block;
}

static inline u32 observed_posix_memalign(word out, word alignment, word size) {
  u32 code = hk_posix_memalign(out, alignment, size);
  if (!code && is_next(size)) {
    word block;
    __builtin_memcpy(&block, (void *)out, sizeof block);
    seen_new(block, size, (unsigned)__builtin_ctzl(alignment));
  }
  return code;
}

static inline word observed_realloc(word block, word size) {
  if (!block) return observed_malloc(size);
  bool next = is_next(size);
  return (next | may_be_sampled(block)) ? seen_realloc(block, 1, size, next) : hk_realloc(block, size);
}

static inline word observed_reallocarray(word block, word count, word size) {
  bool next = is_next(count * size);
  if (block) return (next | may_be_sampled(block)) ? seen_realloc(block, count, size, next) : hk_reallocarray(block, count, size);
  block = hk_reallocarray(0, count, size);
  return next ? seen_new(block, count * size, 0) : block;
}

#define ENDING(block) (__builtin_expect(may_be_sampled(block), 0) ? seen_end(block) : (void)0)
static inline void observed_free(word block) { __builtin_expect(may_be_sampled(block), 0) ? seen_free(block) : hk_free(block); }
static inline void observed_free_sized(word block, word size) { ENDING(block), hk_free_sized(block, size); }
static inline void observed_free_aligned_sized(word block, word alignment, word size) { ENDING(block), hk_free_aligned_sized(block, alignment, size); }

#define hk_malloc observed_malloc
#define hk_calloc observed_calloc
#define hk_memalign observed_memalign
#define hk_posix_memalign observed_posix_memalign
#define hk_realloc observed_realloc
#define hk_reallocarray observed_reallocarray
#define hk_free observed_free
#define hk_free_sized observed_free_sized
#define hk_free_aligned_sized observed_free_aligned_sized

#if !defined(HAKMEM_GUARD)
/* Without a block at hand, new goes on to malloc, which counts. */
static inline word observed_malloc_cached(word size) {
  word left = unsampled, block = size >= left ? 0 : hk_malloc_cached(size);
  if (block) unsampled = left - size - 1;
  return block;
}
#define hk_malloc_cached observed_malloc_cached
#elif !defined(__wasm__)
static inline word observed_guard_new(word size, word alignment, u32 maker) {
  word block = hk_guard_new(size, alignment, maker);
  return is_next(size) ? seen_new(block, size, alignment ? (unsigned)__builtin_ctzl(alignment) : 0) : block;
}
static inline void observed_guard_delete(word block, word size, word alignment, u32 maker) { ENDING(block), hk_guard_delete(block, size, alignment, maker); }
#define hk_guard_new observed_guard_new
#define hk_guard_delete observed_guard_delete
#endif
