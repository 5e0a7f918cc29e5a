/* The Linux side of assembly/platform/native.ts, which says what each function
 * promises. Read `platform_grow` first.
 *
 * Nothing here allocates or takes a lock, and errno is left as it was found:
 * free() may come through here.
 */
#pragma once

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#if defined(HAKMEM_GUARD) && defined(__GLIBC__)
#include <execinfo.h>
#endif

#define THREAD_LOCAL static __thread __attribute__((tls_model("initial-exec")))
#define KIB ((u64)1 << 10)
#define MIB ((u64)1 << 20)
#define GIB ((u64)1 << 30)
#define SPAN_FIRST (8 * GIB)
#define SPAN_MOST (4096 * GIB)
#define PAGE (64 * KIB)     /* what `grow` deals in */
#define SEGMENT (2 * MIB)   /* where the arena starts, so that its first superslab is aligned */

static u8 const platform_nothing[8192] __attribute__((aligned(64)));
THREAD_LOCAL u64 thread_heap = (u64)platform_nothing;
THREAD_LOCAL u64 thread_working;
static u64 region_map = (u64)platform_nothing, control_block;
static inline u64 platform_heap(void) { return thread_heap; }
static inline void platform_setHeap(u64 heap) { thread_heap = heap; }
static inline u64 platform_working(void) { return thread_working; }
static inline void platform_setWorking(u64 heap) { thread_working = heap; }
/* On fast paths, therefore relaxed: whoever needs the new map has found another global set after it. */
static inline u64 platform_regions(void) { return __atomic_load_n(&region_map, __ATOMIC_RELAXED); }
static inline void platform_setRegions(u64 map) { __atomic_store_n(&region_map, map, __ATOMIC_RELAXED); }

/* ---- what the operator set; see docs/native.md ---- */

enum { RETAIN_COUNT, RETAIN_BYTES, RETAIN_MS, LIMIT, VERBOSE, STATS, STATS_SIGNAL, KEEP_DEEPBIND, PURGE_THREAD, SETTINGS };
static struct { const char *name; u64 value; bool given; } settings[SETTINGS] = {
  {.name = "HAKMEM_RETAIN_COUNT"}, {.name = "HAKMEM_RETAIN_BYTES"}, {.name = "HAKMEM_PURGE_DELAY"},
  {.name = "HAKMEM_LIMIT"}, {.name = "HAKMEM_VERBOSE"}, {.name = "HAKMEM_STATS"},
  {.name = "HAKMEM_STATS_SIGNAL"}, {.name = "HAKMEM_KEEP_DEEPBIND"},
  {.name = "HAKMEM_PURGE_THREAD"},
};

static inline u64 platform_setting(u32 what, u64 otherwise) {
  return what < SETTINGS && settings[what].given ? settings[what].value : otherwise;
}

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

/* The value of an expression, with errno as it was before. */
#define KEEPING_ERRNO(expression) ({ int saved_ = errno; __auto_type value_ = (expression); errno = saved_; value_; })

/* The value of an expression that calls what the C library makes a cancellation point, which malloc and free are not. */
#define UNCANCELLED(expression) ({ int state_; pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state_); __auto_type result_ = (expression); pthread_setcancelstate(state_, NULL); result_; })

static int message_file = 2; /* a duplicate for statistics: programs close theirs before they end */
static void write_message(const char *text, size_t length) { (void)UNCANCELLED(KEEPING_ERRNO(write(message_file, text, length))); }

static void end_program(void) { abort(); }

/* Where the program stands, a line each. The first backtrace loads a library, which allocates: not in the middle of a call,
 * but when the process starts, in builds that are for finding mistakes. */
static SLOW void say_backtrace(void) {
#if defined(HAKMEM_GUARD) && defined(__GLIBC__)
  void *frames[64];
  backtrace_symbols_fd(frames, backtrace(frames, 64), message_file);
#endif
}

#ifndef HAKMEM_OBSERVE /* observe.h knows more */
static void say_origin(u64 block) {}
#endif

static SLOW void platform_foreign(u64 pointer) {
  static u32 said;
  if (settings[VERBOSE].value && first_time(&said))
    say("free or realloc of %x, which this heap does not own; ignored (said once)", pointer);
}

/* ---- memory ---- */

static inline bool swap(u64 *place, u64 expected, u64 value) {
  return __atomic_compare_exchange_n(place, &expected, value, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

static u64 map(u64 bytes, int protection) {
  void *at = KEEPING_ERRNO(mmap(NULL, bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
  return at == MAP_FAILED ? 0 : (u64)at;
}

static bool commit(u64 at, u64 bytes) { return KEEPING_ERRNO(mprotect((void *)at, bytes, PROT_READ | PROT_WRITE)) == 0; }

/* A write to a table takes a page and no more: huge pages would make each of them 2 MiB. */
static inline u64 platform_table(u64 bytes) {
  u64 at = map(bytes, PROT_READ | PROT_WRITE);
  static u32 said;
  if (at) (void)KEEPING_ERRNO(madvise((void *)at, bytes, MADV_NOHUGEPAGE));
  if (!at && first_time(&said))
    say("the system refused %u MiB of address space for a table: raise the limit (ulimit -v) or the memory that may be promised (vm.overcommit_memory)", bytes / MIB);
  return at;
}

/* The arena: a chain of reservations, the newest first. A reservation without access costs
 * nothing; the part below `next` is committed. Its description is its own first page:
 *
 *   | this struct | ...  up to a segment boundary | committed ... next | no access ... end |
 */
struct span { u64 next, end; };
static u64 span_now; /* address of the newest span, 0 before the first */

/* Each reservation is twice the last one: a small program stays small to tools that list or emulate mappings. */
static u64 span_bytes(struct span *full, u64 least) {
  struct rlimit limit;
  u64 bytes = full ? 2 * (full->end - (u64)full) : SPAN_FIRST;
  if (getrlimit(RLIMIT_AS, &limit) == 0)
    while (bytes > limit.rlim_cur / 8) bytes /= 2; /* leave the rest to stacks and mappings */
  if (bytes > SPAN_MOST) bytes = SPAN_MOST;
  return bytes < least ? least : bytes;
}

static SLOW bool span_add(struct span *full, u64 least) {
  u64 bytes = span_bytes(full, least + 2 * SEGMENT), at;
  while (!(at = map(bytes, PROT_NONE)))
    if ((bytes /= 2) < least + 2 * SEGMENT) return false;
  u64 start = (at + PAGE + SEGMENT - 1) & -SEGMENT;
  struct span *span = (struct span *)(start - PAGE);
  bool done = commit((u64)span, PAGE);
  if (done) *span = (struct span){start, (at + bytes) & -PAGE};
  if (!done || !swap(&span_now, (u64)full, (u64)span)) munmap((void *)at, bytes); /* another thread was faster */
  return done;
}

static u64 committed;

static inline u64 limit_left(u64 used) {
  u64 limit = settings[LIMIT].value ? settings[LIMIT].value : ~(u64)0;
  return used < limit ? limit - used : 0;
}

/* Counts bytes that are committed, where the limit allows it. What is counted is there: it is nobody's reason to be refused untruly. */
static bool count_committed(u64 bytes) {
  u64 before = __atomic_load_n(&committed, __ATOMIC_RELAXED);
  while (bytes <= limit_left(before))
    if (__atomic_compare_exchange_n(&committed, &before, before + bytes, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) return true;
  return false;
}

static inline u64 platform_grow(u64 bytes, u32 spare) {
  static u32 said;
  bool possible = bytes <= 16 * SPAN_MOST;
  while (possible && bytes <= limit_left(__atomic_load_n(&committed, __ATOMIC_RELAXED))) {
    struct span *span = (struct span *)__atomic_load_n(&span_now, __ATOMIC_SEQ_CST);
    u64 at = span ? __atomic_load_n(&span->next, __ATOMIC_SEQ_CST) : 0;
    if (!span || span->end - at < bytes) possible = span_add(span, bytes);
    else if (swap(&span->next, at, at + bytes)) {
      possible = commit(at, bytes);
      if (possible && count_committed(bytes)) return at;
      if (possible) (void)KEEPING_ERRNO(mprotect((void *)at, bytes, PROT_NONE));
      swap(&span->next, at + bytes, at); /* the addresses back, if nobody came behind */
    }
  }
  if (settings[VERBOSE].value && first_time(&said)) say("no more memory: %u KiB refused (said once)", bytes / KIB);
  return ~(u64)0;
}

static inline u64 platform_endPage(u64 shift) {
  struct span *span = (struct span *)__atomic_load_n(&span_now, __ATOMIC_SEQ_CST);
  return span ? __atomic_load_n(&span->next, __ATOMIC_SEQ_CST) >> shift : 0;
}

static inline u32 platform_continues(u64 bytes) {
  struct span *span = (struct span *)__atomic_load_n(&span_now, __ATOMIC_SEQ_CST);
  return span && span->end - __atomic_load_n(&span->next, __ATOMIC_SEQ_CST) >= bytes;
}

/* The whole system pages of a range; true when they are all of it. */
static bool purge(u64 address, u64 bytes) {
  u64 mask = (u64)sysconf(_SC_PAGESIZE) - 1, from = (address + mask) & ~mask, to = (address + bytes) & ~mask;
  return from < to && KEEPING_ERRNO(madvise((void *)from, to - from, MADV_DONTNEED)) == 0 && from == address && to == address + bytes;
}

/* Whether pages are zero after that, as promised: under qemu-user they are not. Tried until it is known, on pages made like the arena's. */
static bool promises_kept(void) {
  static enum { UNKNOWN, KEPT, BROKEN } known; /* several threads may find it out */
  u32 state = __atomic_load_n(&known, __ATOMIC_RELAXED);
  if (state == UNKNOWN) {
    u64 at = map(PAGE, PROT_NONE);
    volatile u64 *page = (u64 *)at;
    if (at && commit(at, PAGE) && (*page = 1) && purge(at, PAGE)) __atomic_store_n(&known, state = *page ? BROKEN : KEPT, __ATOMIC_RELAXED);
    if (at) munmap((void *)at, PAGE);
  }
  return state == KEPT;
}

static inline u32 platform_purge(u64 address, u64 bytes) { return promises_kept() && purge(address, bytes); }

static inline u64 platform_random(void) {
  u64 value = 0;
  (void)UNCANCELLED(KEEPING_ERRNO(getrandom(&value, sizeof value, GRND_NONBLOCK)));
  return value ^ (u64)&span_now;
}

static inline u64 platform_nanoseconds(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (u64)time.tv_sec * 1000000000 + (u64)time.tv_nsec;
}

static inline u64 platform_now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC_COARSE, &time);
  return (u64)time.tv_sec * 1000 + (u64)time.tv_nsec / 1000000;
}

/* ---- operations that never end; see assembly/thread.ts ---- */

#define platform_order() __asm__ volatile("" ::: "memory")

static inline void platform_increment(u64 address) {
#ifdef __x86_64__
  __asm__("addl $1, %0" : "+m"(*(any_u32 *)address) : : "cc"); /* compilers make it of plain accesses alone */
#else
  i32_store_shared(global_env_memory, address, i32_load_shared(global_env_memory, address) + 1);
#endif
}

static inline void platform_rest(void) { sched_yield(); }
static inline u64 platform_frame(void) { return (u64)__builtin_frame_address(0); }
static inline u64 platform_exchangeHeap(u64 heap) { return __atomic_exchange_n(&thread_heap, heap, __ATOMIC_RELAXED); }
static inline u32 platform_replaceWorking(u64 expected, u64 heap) {
  return __atomic_compare_exchange_n(&thread_working, &expected, heap, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

/* More than the frames between a call of the library and the function that notes its frame, less than what the kernel puts
 * on the stack for a signal, with the 128 bytes of the red zone. */
#define FRAMES 1024

/* On an alternate stack addresses say nothing: then an operation that has ended counts as one that has not. */
static SLOW u32 platform_ended(u64 frame) {
  stack_t stack;
  bool alternate = KEEPING_ERRNO(sigaltstack(NULL, &stack)) != 0 || stack.ss_flags & SS_ONSTACK;
  return !alternate && platform_frame() + FRAMES >= frame;
}

static inline void set_error(int code) { errno = code; }
static SLOW u64 platform_outOfMemory(void) { return set_error(ENOMEM), 0; }
static inline u64 platform_empty(void) { return (u64)platform_nothing; }

static inline u64 platform_control(void) { return __atomic_load_n(&control_block, __ATOMIC_ACQUIRE); }

static inline u64 platform_publish(u64 address) { return swap(&control_block, 0, address) ? address : platform_control(); }

static void platform_started(u32 id); /* in threads.h: it calls back into the allocator */

/* What the thread that looks after memory does, if there is one; see threads.h. Its word is a futex. */
enum { NOBODY, RESTS, WANTED, LOOKS, LOOKS_ON };
enum { WAIT_HERE = 128, WAKE_HERE = 129 }; /* FUTEX_WAIT and FUTEX_WAKE of this process; musl comes without the kernel's headers */
static u32 keeper;
static inline bool change_keeper(u32 from, u32 to) {
  return __atomic_compare_exchange_n(&keeper, &from, to, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

static inline void platform_watch(void) {
  u32 state = __atomic_load_n(&keeper, __ATOMIC_RELAXED);
  if (state == RESTS && change_keeper(RESTS, WANTED)) (void)KEEPING_ERRNO(syscall(SYS_futex, &keeper, WAKE_HERE, 1, NULL, NULL, 0));
  if (state == LOOKS) change_keeper(LOOKS, LOOKS_ON); /* so that it does not rest just now */
}
