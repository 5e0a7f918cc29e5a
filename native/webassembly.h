/* The WebAssembly side of assembly/platform/native.ts, which says what each function promises, for programs that are linked by
 * wasm-ld. Read `platform_grow` first.
 *
 * A program has threads when it is compiled with atomics (-pthread): then each is an instance of the module on one memory, and its
 * globals are the thread's own. Nothing interrupts WebAssembly, so an operation that has not ended never will.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#ifdef HAKMEM_HARDENED
#define HAKMEM_IS_HARDENED 1
#else
#define HAKMEM_IS_HARDENED 0
#endif

#if defined(__EMSCRIPTEN__) || defined(__wasi__)
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#ifdef __EMSCRIPTEN__
#include <emscripten/em_js.h>
#include <emscripten.h>
#include <emscripten/threading.h>
#include <malloc.h>
#endif
#define HOSTED 1
#else
#define HOSTED 0 /* no C library: nothing to write to, and no errno */
#define EINVAL 22
#define ENOMEM 12
#endif
#if defined(__wasm_atomics__) && (defined(__EMSCRIPTEN__) || defined(_REENTRANT))
#include <pthread.h>
#define PTHREADS 1
#elif defined(__wasm_atomics__) && defined(__wasi__)
#error "hakmem.c: threads of WASI need -pthread, by which their ends are known"
#else
#define PTHREADS 0
#endif

#if HOSTED
static inline void set_error(int code) { errno = code; }
#else
static inline void set_error(int code) {}
#endif

#define PAGE ((word)65536) /* what `grow` deals in, and memories grow by */

/* A thread's variable is a global of its instance: such a one cannot start as anything but 0, which stands for the heap of nobody.
 * Thread-local storage would not do: memory is asked for before there is any. */
#ifdef __wasm_atomics__
#define THREAD_LOCAL static __attribute__((address_space(1)))
#else
#define THREAD_LOCAL static
#endif
THREAD_LOCAL word thread_heap, thread_working, region_map;

/* The heap of nobody: bins without blocks or room, one for each kind of page that a byte can tell, and the gate, which leads back
 * to it (assembly/bin.ts). */
#define BIN_BYTES (sizeof(word) == 8 || HAKMEM_IS_HARDENED ? 16 : 8)
static word platform_nothing[256 * BIN_BYTES / sizeof(word)] __attribute__((aligned(16)));
#define NOTHING_GATE (15 * BIN_BYTES / sizeof(word))
static word control_block;

static inline word platform_empty(void) { return (word)platform_nothing; }
static inline word platform_heap(void) { return (word)platform_nothing + thread_heap; }
static inline void platform_setHeap(word heap) { thread_heap = heap - (word)platform_nothing; }
static inline void watch_thread(void);
/* At the end of every operation, with the thread's heap: a worker that is used again for another thread may have one already. */
static inline word platform_exchangeHeap(word heap) {
  word before = platform_heap();
  if (heap != platform_empty()) watch_thread();
  platform_setHeap(heap);
  return before;
}
static inline word platform_working(void) { return thread_working; }
static inline void platform_setWorking(word heap) { thread_working = heap; }
static inline u32 platform_replaceWorking(word expected, word heap) {
  if (thread_working != expected) return false;
  thread_working = heap;
  return true;
}
static inline word platform_frame(void) { return 0; }
static inline u32 platform_ended(word frame) { return true; } /* nothing that an operation calls calls the allocator */
#define platform_order() __asm__ volatile("" ::: "memory")
static inline void platform_increment(word address) { ++*(any_u32 *)address; }

/* The instance's own, and 0 before it has seen the heap: then bytes of the program are looked up, to no effect (`freeSlow`). */
static inline word platform_regions(void) { return region_map; }
static inline void platform_setRegions(word map) { region_map = map; }
static inline word platform_control(void) { return __atomic_load_n(&control_block, __ATOMIC_ACQUIRE); }
static inline word platform_publish(word address) {
  word expected = 0;
  platform_nothing[NOTHING_GATE] = platform_empty(); /* whoever finds the control block finds this */
  __atomic_compare_exchange_n(&control_block, &expected, address, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
  return platform_control();
}

/* ---- memory ---- */

/* Where the memory ends; the end of 4 GiB would wrap to 0, so the last page of them counts as none. */
static inline word end_of(word pages) {
  word most = ~(word)0 / PAGE;
  return (pages < most ? pages : most) * PAGE;
}
static inline word memory_end(void) { return end_of((word)__builtin_wasm_memory_size(0)); }

/* So that this instance sees what others have grown the memory by. Where there are no others it must not grow: even by nothing, that
 * detaches JavaScript's views. */
static inline word platform_renew(void) {
#ifdef __wasm_atomics__
  return end_of((word)__builtin_wasm_memory_grow(0, 0));
#else
  return memory_end();
#endif
}

#ifdef __EMSCRIPTEN__
/* The memory is shared with others who call sbrk, and JavaScript must learn of its growth: what they took lies in between.
 * A call that cannot be served may end the program, if it is built so: only what is needed is worth that. */
void emscripten_notify_memory_growth(size_t memory);

static word platform_grow(word bytes, u32 spare) {
  for (word extra = 0; bytes + extra <= PTRDIFF_MAX - PAGE; extra = PAGE) {
    word end = (word)sbrk(0), asked = bytes + (extra ? extra : -end & (PAGE - 1)), left = memory_end() - end;
    if (left < asked) { /* sbrk would grow it by a fifth at least, of which the allocator's own steps make no use */
      if (spare) break;
      __builtin_wasm_memory_grow(0, (asked - left) / PAGE);
      emscripten_notify_memory_growth(0);
    }
    int before = errno;
    word at = (word)sbrk((ptrdiff_t)asked), start = (at + PAGE - 1) & -PAGE;
    errno = before;
    if (at == ~(word)0) break;
    if (start + bytes <= at + asked) return start; /* otherwise another thread was faster: once more, with room for any start */
  }
  return ~(word)0;
}
static inline word frontier(void) { return (word)sbrk(0); }
static inline u32 platform_continues(word bytes) { return true; }
#else
/* First what the linker left behind the program's data, up to where the memory ends then: newer linkers say where, with others it
 * is where it ends at the first call. Later the memory grows. */
extern u8 __heap_base;
extern u8 __heap_end __attribute__((weak));
static word first_end, first_next;

static inline bool exchange(word *place, word *expected, word value) {
  return __atomic_compare_exchange_n(place, expected, value, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

static inline word first_left(word *at) {
  word none = 0, next = 0, start = ((word)&__heap_base + PAGE - 1) & -PAGE;
  if (!__atomic_load_n(&first_end, __ATOMIC_RELAXED)) exchange(&first_end, &none, &__heap_end ? (word)&__heap_end & -PAGE : memory_end());
  exchange(&first_next, &next, start);
  *at = next ? next : start;
  return first_end > *at ? first_end - *at : 0;
}

static inline word grow_memory(word bytes) {
  word pages = (word)__builtin_wasm_memory_grow(0, bytes / PAGE);
  return pages == ~(word)0 ? ~(word)0 : pages * PAGE;
}

static word platform_grow(word bytes, u32 spare) {
  for (word at, left; (left = first_left(&at));) {
    bool enough = left >= bytes;
    if (!exchange(&first_next, &at, enough ? at + bytes : first_end)) continue;
    if (enough) return at;
    /* All that was left, and what is missing behind it. */
    word more = first_end == memory_end() ? grow_memory(bytes - left) : ~(word)0, all = first_end;
    if (more == first_end) return at;
    if (more == ~(word)0 && first_end == memory_end()) return exchange(&first_next, &all, at), ~(word)0;
    break; /* somebody else has grown the memory: what was left is lost */
  }
  return grow_memory(bytes);
}
static inline word frontier(void) {
  word at;
  return first_left(&at) ? at : memory_end();
}
static inline u32 platform_continues(word bytes) {
  word at, left = first_left(&at);
  return !left || left >= bytes || first_end == memory_end();
}
#endif

static inline word platform_endPage(word shift) {
  word at = frontier(), pages = at / PAGE + (at % PAGE != 0);
  return pages << (16 - shift);
}

/* ---- who cannot be told otherwise ---- */

static inline void platform_rest(void) {}
static inline word platform_random(void) { return (word)0x9e3779b97f4a7c15 ^ (word)&control_block; }
static inline void platform_foreign(word pointer) {}

#ifdef HAKMEM_STATISTICS
static inline u64 platform_nanoseconds(void) {
#ifdef __EMSCRIPTEN__
  return (u64)(emscripten_get_now() * 1e6);
#elif HOSTED
  struct timespec time;
  return clock_gettime(CLOCK_MONOTONIC, &time) ? 0 : (u64)time.tv_sec * 1000000000 + (u64)time.tv_nsec;
#else
  return 0; /* nobody to ask */
#endif
}
#endif

static SLOW word platform_outOfMemory(void) { return set_error(ENOMEM), 0; }

#if HOSTED
static void write_message(const char *text, size_t length) { (void)!write(2, text, length); }
#else
static void write_message(const char *text, size_t length) {}
#endif
static void say_backtrace(void) {}
#ifndef HAKMEM_OBSERVE
static void say_origin(word block) {}
#endif
static void end_program(void) { __builtin_trap(); } /* the engine shows where */

static void platform_started(u32 id); /* it calls back into the allocator */
