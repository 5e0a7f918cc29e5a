/* Sequences of calls from bytes, for libFuzzer, with a map of the live blocks as the judge. Read `perform` first.
 *
 * packages/tools/src/proof/fuzz.ts builds it: library.c whole, with its public functions renamed to hk_…, and what it asks of the
 * system (below, "The system") taken from here. So every input begins with a process that has no heap yet, at the
 * same addresses, with its own settings and clock; it runs on real threads, of which one at a time has its turn.
 * The n-th question to the system from now on may be refused, or be the moment in which a signal handler allocates,
 * or jumps out of the call.
 *
 * FUZZ_PRINT=1 prints the calls; FUZZ_FAULT=name puts a fault behind some of them, for fuzz.c's own test.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>
#include "hakmem.h"

#define hk(name) __asm__("hk_" #name)
void *hk_malloc(size_t), *hk_calloc(size_t, size_t), *hk_realloc(void *, size_t), *hk_reallocarray(void *, size_t, size_t);
void *hk_memalign(size_t, size_t), *hk_aligned_alloc(size_t, size_t), *hk_valloc(size_t), *hk_pvalloc(size_t);
int hk_posix_memalign(void **, size_t, size_t), hk_malloc_trim(size_t);
void hk_free(void *), hk_free_sized(void *, size_t), hk_free_aligned_sized(void *, size_t, size_t);
size_t hk_malloc_usable_size(void *);
void *hk_new(size_t) hk(_ZnwmRKSt9nothrow_t), *hk_new_array(size_t) hk(_ZnamRKSt9nothrow_t);
void *hk_new_aligned(size_t, size_t) hk(_ZnwmSt11align_val_tRKSt9nothrow_t);
void hk_delete(void *) hk(_ZdlPv), hk_delete_sized(void *, size_t) hk(_ZdlPvm), hk_delete_array(void *, size_t) hk(_ZdaPvm);
void hk_delete_aligned(void *, size_t, size_t) hk(_ZdlPvmSt11align_val_t);
void hk_start(int, char **, char **), hk_end(void); /* the constructor and the destructor of library.c */

#ifdef HAKMEM_GUARD
enum { GUARD = true };
#else
enum { GUARD = false };
#endif
enum { HARDENED = FUZZ_HARDENED };
#define STRICT (GUARD || HARDENED) /* a pointer that is not a block's ends the process */

#define KIB ((size_t)1 << 10)
#define MIB ((size_t)1 << 20)
#define GIB ((size_t)1 << 30)

static bool printing;
static const char *fault;
#define PRINT(...) do { if (printing) fprintf(stderr, __VA_ARGS__); } while (0)
#define CHECK(condition, ...) \
  do { if (!(condition)) { fprintf(stderr, "fuzz.c:%d: not true: %s: ", __LINE__, #condition); give_up(__VA_ARGS__); } } while (0)

static __attribute__((noreturn, format(printf, 1, 2))) void give_up(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vfprintf(stderr, format, arguments);
  va_end(arguments);
  fputc('\n', stderr);
  __builtin_trap();
}

/* ---- the input ---- */

static const uint8_t *input, *input_end;
static uint8_t byte(void) { return input < input_end ? *input++ : 0; }
static unsigned word(void) { unsigned low = byte(); return low | (unsigned)byte() << 8; }

/* Sizes of all kinds, which three bits choose; guard builds fill their blocks, so not as often very long ones. */
static size_t a_size(void) {
  unsigned w = word();
  size_t n = w >> 3;
  switch (w & 7) {
    case 0: return n % 256;
    case 1: return n % 2048;
    case 2: return n * 8;
    case 3: return n * 128;
    case 4: return ((size_t)1 << n % 25) + n / 32 % 3 - 1;
    case 5: return n % (GUARD ? 1024 : 8192) * KIB;
    case 6: return n % 64 || GUARD ? n % (GUARD ? 32 : 256) * 64 * KIB + n / 256 % 3 - 1 : n % 2048 * MIB;
    default: return n % 4 ? n % 40000 : n % 8 ? SIZE_MAX - n : ((size_t)1 << (GUARD || n & 64 ? 47 : 31) << n / 8 % 4) - n / 256;
  }
}

/* What the fuzzer is to look for beside new code: each kind of misuse, and each kind of event in each kind of call. */
#define CALLS 32
#define QUESTIONS 5
#define MISUSES 7
#define DETAILS 32
static volatile struct {
  uint8_t events[5][CALLS][QUESTIONS], misuses[MISUSES][DETAILS];
} tried __attribute__((section("__libfuzzer_extra_counters")));
static int calling; /* the kind of call that is being performed */

/* ---- the system, as library.c sees it ---- */

#define MAPPINGS 512
static struct { char *at; size_t bytes; } mappings[MAPPINGS];
static char *next_mapping;
static uint64_t now_ms;

enum event { NOTHING, REFUSE, REFUSE_ALL, INTERRUPT, JUMP };
static enum event event;      /* what happens at a question to the system … */
static unsigned event_in;     /* … after so many others */
static bool refused;          /* since the input began */
static bool leaking;          /* a call was left by a jump: what it had in hand may be lost */
static sigjmp_buf *landing;   /* where a jump out of the call leads; NULL outside of calls */
static void interrupt(void);
void __sanitizer_print_stack_trace(void);

static const char *const questions[QUESTIONS] = {"mmap", "mprotect", "madvise", "clock_gettime", "sched_yield"};

/* True when the question that is being asked is to be refused. */
static bool asked(int question) {
  if (event == NOTHING || event_in-- != 0) return false;
  const char *what = questions[question];
  enum event due = event;
  tried.events[due][calling][question] = 1;
  event = NOTHING;
  if (due == REFUSE_ALL) event = REFUSE_ALL, event_in = 0;
  if (due == REFUSE || due == REFUSE_ALL) { PRINT("  %s is refused\n", what); return refused = true; }
  if (due == INTERRUPT) { PRINT("  %s is interrupted\n", what); if (printing) __sanitizer_print_stack_trace(); interrupt(); }
  if (due == JUMP && landing) { PRINT("  %s is left\n", what); leaking = true; siglongjmp(*landing, 1); }
  return false;
}

/* What a process may map, as a user's limit says it; reservations are as small as that calls
 * for. It is much more than the blocks need, so it is no reason to refuse any but the longest. */
static size_t most_addresses;
int fuzz_getrlimit(int what, struct rlimit *most) {
  (void)what;
  most->rlim_cur = most->rlim_max = most_addresses ? most_addresses : RLIM_INFINITY;
  return 0;
}

void *fuzz_mmap(void *at, size_t bytes, int protection, int flags, int file, off_t offset) {
  (void)at, (void)file, (void)offset;
  if (asked(0) || (most_addresses && bytes > 64 * GIB)) return errno = ENOMEM, MAP_FAILED;
  int i = 0;
  while (i < MAPPINGS && mappings[i].at) i++;
  CHECK(i < MAPPINGS, "too many mappings");
  char *got = mmap(next_mapping, bytes, protection, flags | MAP_FIXED_NOREPLACE, -1, 0);
  if (got == MAP_FAILED) return got;
  mappings[i].at = got, mappings[i].bytes = bytes;
  next_mapping += (bytes + 5 * 64 * KIB) & -(64 * KIB); /* not at the start of a SuperSlab */
  return got;
}

int fuzz_munmap(void *at, size_t bytes) {
  for (int i = 0; i < MAPPINGS; i++)
    if (mappings[i].at == at) { CHECK(mappings[i].bytes == bytes, "a part is unmapped"); mappings[i].at = NULL; }
  return munmap(at, bytes);
}

int fuzz_mprotect(void *at, size_t bytes, int protection) {
  return asked(1) ? (errno = ENOMEM, -1) : mprotect(at, bytes, protection);
}

int fuzz_madvise(void *at, size_t bytes, int advice) { return asked(2) ? (errno = EINVAL, -1) : madvise(at, bytes, advice); }
int fuzz_sched_yield(void) { return (void)asked(4), 0; } /* all others wait for their turn */
int fuzz_pthread_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void)) {
  return (void)prepare, (void)parent, (void)child, 0;
}
int fuzz_backtrace(void **frames, int most) { return (void)frames, (void)most, 0; }
void fuzz_backtrace_symbols_fd(void *const *frames, int count, int file) { (void)frames, (void)count, (void)file; }

int fuzz_clock_gettime(clockid_t clock, struct timespec *time) {
  (void)clock;
  (void)asked(3);
  *time = (struct timespec){.tv_sec = (time_t)(now_ms / 1000), .tv_nsec = (long)(now_ms % 1000) * 1000000};
  return 0;
}

static uint64_t randomness;
ssize_t fuzz_getrandom(void *to, size_t bytes, unsigned flags) {
  (void)flags;
  randomness = (randomness + 1) * 0x9e3779b97f4a7c15;
  memcpy(to, &randomness, bytes < 8 ? bytes : 8);
  return (ssize_t)bytes;
}

/* One key for all inputs: there are not enough for one each. */
static void (*at_thread_end)(void *);
static bool dead; /* the library has ended the process; nothing of it may run again */
static void thread_end(void *value) { if (!dead) at_thread_end(value); }
int fuzz_pthread_key_create(pthread_key_t *key, void (*function)(void *)) {
  static pthread_key_t only;
  static bool made;
  if (!made) CHECK(pthread_key_create(&only, thread_end) == 0, "no key");
  made = true;
  at_thread_end = function;
  *key = only;
  return 0;
}

/* What the library says before it ends the process, which must be what the misuse of the moment calls for. */
static char said[1 << 15];
static size_t said_bytes;
static const char *expected_message, *or_message; /* the first NULL: the program is right */
static sigjmp_buf *after_abort;

ssize_t fuzz_write(int file, const void *text, size_t bytes) {
  (void)file;
  if (!expected_message) said_bytes = 0;
  size_t room = sizeof said - 1 - said_bytes, taken = bytes < room ? bytes : room; /* a report has many lines */
  memcpy(said + said_bytes, text, taken);
  said[said_bytes += taken] = 0;
  PRINT("  it says: %s", said + said_bytes - taken);
  return (ssize_t)bytes;
}

__attribute__((noreturn)) void fuzz_abort(void) {
  CHECK(expected_message, "a right program was ended: %s", said);
  bool right = strstr(said, expected_message) || (or_message && strstr(said, or_message));
  CHECK(right, "%s, but it should say: %s", said, expected_message);
  dead = true;
  siglongjmp(*after_abort, 1);
}

/* ---- the blocks that the program holds ---- */

enum maker { BY_MALLOC, BY_NEW, BY_NEW_ARRAY, BY_NEW_ALIGNED };
struct block { uint8_t *at; size_t size, usable, align; uint64_t mark; enum maker maker; };

#define SLOTS 52
#define OWN_SLOTS 4 /* the last ones are for interruptions, which may come while another is being filled */
static struct block slots[SLOTS];

/* Many blocks of one size, which say by their content which ones they are. */
#define BULKS 6
#define BULK_MOST 2500
static struct { uint8_t *at[BULK_MOST]; unsigned count; size_t size, usable; /* of each, and of all */ } bulks[BULKS];
static uint64_t last_mark;

/* Short blocks are written whole; of long ones both ends, and a word at the start of each page, at the same addresses whatever the
 * block, so that old data in recycled memory is seen. */
#define WHOLE (4 * KIB)
#define PAGE 4096
#define END 64
#define PAGES_AT_END 64 /* of very long blocks only so many pages at each end */

/* What is written to a block follows from its mark and the address that the byte had then. */
static uint8_t mark_at(uint64_t mark, const uint8_t *at) { return (uint8_t)(mark >> (uintptr_t)at % 8 * 8); }
typedef void visit(uint8_t *at, const uint8_t *then, size_t bytes, uint64_t mark);

static void write_mark(uint8_t *at, const uint8_t *then, size_t bytes, uint64_t mark) {
  for (size_t i = 0; i < bytes; i++) at[i] = mark_at(mark, then + i);
}

static void check_mark(uint8_t *at, const uint8_t *then, size_t bytes, uint64_t mark) {
  for (size_t i = 0; i < bytes; i++)
    CHECK(at[i] == mark_at(mark, then + i), "the byte at %p is %02x, of mark %016lx", (void *)(at + i), at[i], mark);
}

/* Visits what is written of a block of `whole` bytes that was at `then`, as far as it lies in the first `upto` bytes. */
static void visit_block(visit *each, uint8_t *at, const uint8_t *then, size_t whole, size_t upto, uint64_t mark) {
  if (whole <= WHOLE) { each(at, then, upto, mark); return; }
  each(at, then, upto < END ? upto : END, mark);
  size_t first = END + PAGE - ((uintptr_t)then + END) % PAGE, count = (whole - END - first) / PAGE;
  for (size_t n = 0; n < count; n++) {
    if (n == PAGES_AT_END && count > 2 * PAGES_AT_END) n = count - PAGES_AT_END;
    if (first + n * PAGE + 8 <= upto) each(at + first + n * PAGE, then + first + n * PAGE, 8, mark);
  }
  if (upto == whole) each(at + whole - END, then + whole - END, END, mark);
}

static void mark_block(struct block *b) {
  b->mark = ++last_mark * 0x9e3779b97f4a7c15 | 0x0101010101010101;
  visit_block(write_mark, b->at, b->at, b->usable, b->usable, b->mark);
}

static void check_block(const struct block *b) { visit_block(check_mark, b->at, b->at, b->usable, b->usable, b->mark); }

/* Takes what a call returned into the map. */
static void hold(struct block *b, void *at, size_t size, size_t align, enum maker maker, bool zero) {
  if (!at) { b->at = NULL; return; }
  uintptr_t start = (uintptr_t)at;
  CHECK(start % (align > 16 ? align : 16) == 0, "%p for alignment %zu", at, align);
  size_t usable = hk_malloc_usable_size(at);
  CHECK(GUARD ? usable == size : usable >= size && usable > 0, "%zu bytes of %zu", usable, size);
  CHECK(hakmem_owns(at), "%p", at);
  for (int i = 0; i < SLOTS; i++) {
    const struct block *other = &slots[i];
    if (other == b || !other->at) continue;
    bool apart = start + usable <= (uintptr_t)other->at || start >= (uintptr_t)other->at + other->usable;
    CHECK(apart, "%p of %zu bytes lies on %p of %zu", at, usable, (void *)other->at, other->usable);
  }
  if (zero) visit_block(check_mark, at, at, size, size, 0);
  *b = (struct block){.at = at, .size = size, .usable = usable, .align = align, .maker = maker};
  mark_block(b);
}

/* Bytes of all blocks as the figures count them. */
static size_t held_bytes(void) {
  size_t bytes = 0;
  for (int i = 0; i < SLOTS; i++) bytes += slots[i].at ? slots[i].usable : 0;
  for (int i = 0; i < BULKS; i++) bytes += bulks[i].usable;
  return bytes;
}

/* A refusal must have a reason. */
static uint64_t limit;
static void check_refusal(size_t size, size_t align) {
  CHECK(errno == ENOMEM, "errno is %d after a refusal", errno);
  if (refused || limit || leaking) return;
  bool much = size > 4 * GIB || align > 4 * GIB || held_bytes() > 64 * GIB;
  CHECK(much, "%zu bytes at a multiple of %zu are refused for no reason", size, align);
}

/* ---- faults, as an allocator may have them ---- */

/* Every third time that it could come. */
static bool faulty(const char *name) {
  static unsigned asked;
  return fault && !strcmp(fault, name) && ++asked % 3 == 0;
}

static struct block *any_other(const struct block *b, size_t least) {
  for (int i = 0; i < SLOTS; i++)
    if (&slots[i] != b && slots[i].at && slots[i].usable >= least) return &slots[i];
  return NULL;
}

/* A new block that is not right. */
static uint8_t *spoiled(const struct block *b, uint8_t *at, size_t size) {
  struct block *other = any_other(b, size ? size : 1);
  if (faulty("refused")) return errno = ENOMEM, NULL;
  if (faulty("unaligned")) return at + 8;
  if (size && faulty("dirty")) *at = 1;
  if (size > 256 && faulty("short")) return hk_malloc(size / 4);
  if (other && faulty("twice")) return other->at;
  if (other && faulty("scribble")) other->at[other->usable - 1] ^= 1;
  return at;
}

/* ---- calls ---- */

#define KEPT 12345 /* an errno that nobody sets */

/* Runs `call`, out of which an event may jump; then `left` is true. */
#define CALL(left, call) \
  bool left; \
  do { \
    sigjmp_buf here_; \
    landing = &here_, errno = KEPT; \
    left = sigsetjmp(here_, 0) != 0; \
    if (!left) { call; } \
    landing = NULL; \
  } while (0)

static void free_block(struct block *volatile b, unsigned how) {
  struct block was = *b;
  if (!was.at) return;
  check_block(&was);
  b->at = NULL;
  PRINT("free %p (%zu bytes), variant %u of maker %d\n", (void *)was.at, was.size, how % 3, was.maker);
  if (faulty("lost")) return;
  CALL(left,
    switch (was.maker) {
      case BY_MALLOC:
        if (how % 3 == 1 && was.align <= 16) hk_free_sized(was.at, was.size);
        else if (how % 3 == 2 && was.align > 16) hk_free_aligned_sized(was.at, was.align, was.size);
        else hk_free(was.at);
        break;
      case BY_NEW: if (how % 2) hk_delete(was.at); else hk_delete_sized(was.at, was.size); break;
      case BY_NEW_ARRAY: hk_delete_array(was.at, was.size); break;
      case BY_NEW_ALIGNED: hk_delete_aligned(was.at, was.size, was.align);
    });
  if (faulty("errno")) errno = 0;
  CHECK(left || errno == KEPT, "free set errno to %d", errno);
}

enum way { MALLOC, CALLOC, MEMALIGN, POSIX, VALLOC, PVALLOC, NEW, NEW_ARRAY, NEW_ALIGNED, REALLOC_NULL, WAYS };
static const char *const way_names[WAYS] = {
  "malloc", "calloc", "memalign", "posix_memalign", "valloc", "pvalloc", "new", "new[]", "new aligned", "realloc(null)"};

/* The alignment that a way to make blocks is asked for, or gives. */
static size_t an_alignment(enum way way, unsigned detail) {
  if (way == VALLOC || way == PVALLOC) return 4096;
  if (way != MEMALIGN && way != POSIX && way != NEW_ALIGNED) return 16;
  size_t align = (size_t)8 << detail % (!(detail & 64) ? 14 : GUARD ? 18 : 30);
  return way == NEW_ALIGNED && align < 32 ? 32 : align;
}

static void make_block(struct block *volatile b, enum way way, size_t size, unsigned detail) {
  free_block(b, detail);
  size_t align = an_alignment(way, detail);
  size_t count = way == CALLOC ? detail % 5 * detail % 7 + 1 : 1;
  /* What calloc has to clear itself takes memory, all of it. */
  size_t cleared = (GUARD ? 2 : 64) * MIB;
  if (way == CALLOC && size > cleared && size <= 256 * GIB) size %= cleared;
  void *volatile at = NULL;
  volatile int error = 0;
  enum maker maker = way == NEW ? BY_NEW : way == NEW_ARRAY ? BY_NEW_ARRAY : way == NEW_ALIGNED ? BY_NEW_ALIGNED : BY_MALLOC;
  PRINT("%s of %zu × %zu bytes, align %zu:", way_names[way], count, size, align);
  CALL(left,
    switch (way) {
      case CALLOC: at = hk_calloc(count, size); break;
      case MEMALIGN: at = detail & 128 ? hk_aligned_alloc(align, size) : hk_memalign(align, size); break;
      case POSIX: { void *out = (void *)&slots; error = hk_posix_memalign(&out, align, size); at = error ? NULL : out; break; }
      case VALLOC: at = hk_valloc(size); break;
      case PVALLOC: at = hk_pvalloc(size); break;
      case NEW: at = hk_new(size); break;
      case NEW_ARRAY: at = hk_new_array(size); break;
      case NEW_ALIGNED: at = hk_new_aligned(size, align); break;
      case REALLOC_NULL: at = hk_realloc(NULL, size); break;
      default: at = hk_malloc(size);
    });
  PRINT(" %p\n", at);
  if (left) return;
  size_t whole;
  if (__builtin_mul_overflow(count, size, &whole)) { CHECK(!at && errno == ENOMEM, "%zu × %zu bytes", count, size); return; }
  if (way == PVALLOC && size <= SIZE_MAX / 2) whole = size ? (size + 4095) & ~(size_t)4095 : 4096;
  if (at && fault) at = spoiled(b, at, whole);
  if (!at) {
    if (way == POSIX) { CHECK(error == ENOMEM, "posix_memalign returned %d", error); errno = ENOMEM; }
    if (way < NEW || way > NEW_ALIGNED) check_refusal(whole, align);
    return;
  }
  hold(b, at, whole, align, maker, way == CALLOC);
}

static void resize_block(struct block *volatile b, size_t size, unsigned detail) {
  struct block was = *b;
  if (!was.at || was.maker != BY_MALLOC || was.usable > 64 * MIB) return; /* longer ones take too long to copy */
  check_block(&was);
  bool array = detail & 1;
  void *volatile at = NULL;
  b->at = NULL; /* should it be left, nobody knows which block there is */
  PRINT("realloc of %p from %zu to %zu bytes:", (void *)was.at, was.size, size);
  CALL(left, at = array ? hk_reallocarray(was.at, size, 1) : hk_realloc(was.at, size));
  PRINT(" %p\n", at);
  if (left || (size == 0 && !at)) return; /* realloc to 0 frees */
  if (!at) { *b = was; check_block(b); check_refusal(size, 16); return; }
  size_t kept = was.usable < size ? was.usable : size;
  if (kept && faulty("moved")) *(uint8_t *)at ^= 1;
  visit_block(check_mark, at, was.at, was.usable, kept, was.mark);
  hold(b, at, size, 16, BY_MALLOC, false);
}

/* ---- many blocks at once ---- */

static void bulk_make(unsigned n, size_t size, unsigned count) {
  if (bulks[n].count) size = bulks[n].size;
  bulks[n].size = size = size < 8 ? 8 : size > 4 * MIB ? size % (4 * MIB) + 8 : size;
  if (size > 64 * KIB) count %= 32;
  PRINT("bulk %u: %u more blocks of %zu bytes\n", n, count, size);
  while (count-- && bulks[n].count < BULK_MOST && bulks[n].count * size < (GUARD ? 16 : 256) * MIB) {
    uint8_t *at = hk_malloc(size);
    if (!at) { check_refusal(size, 16); return; }
    size_t usable = hk_malloc_usable_size(at);
    CHECK((uintptr_t)at % (size < 16 ? 8 : 16) == 0 && (GUARD ? usable == size : usable >= size), "%p of %zu bytes", (void *)at, usable);
    bulks[n].usable += usable;
    uint64_t mark = (uint64_t)n << 32 | bulks[n].count;
    memcpy(at, &mark, 8);
    memcpy(at + size - 8, &mark, size < 16 ? 0 : 8);
    bulks[n].at[bulks[n].count++] = at;
  }
}

static void bulk_free(unsigned n, unsigned count, unsigned order) {
  PRINT("bulk %u: %u of %u blocks go, in order %u\n", n, count, bulks[n].count, order % 3);
  while (count-- && bulks[n].count) {
    unsigned last = bulks[n].count - 1, any = (order * 7919u + count * 31u) % bulks[n].count;
    unsigned i = order % 3 == 0 ? last : order % 3 == 1 ? 0 : any;
    uint8_t *at = bulks[n].at[i];
    uint64_t mark = 0, tail = 0;
    memcpy(&mark, at, 8);
    memcpy(&tail, at + bulks[n].size - 8, 8);
    bool kept = mark == ((uint64_t)n << 32 | i) && (bulks[n].size < 16 || mark == tail);
    CHECK(kept, "block %u of bulk %u at %p was written to: %lx, %lx", i, n, (void *)at, mark, tail);
    /* The last one takes its place, and says so. */
    uint8_t *other = bulks[n].at[last];
    mark = (uint64_t)n << 32 | i;
    if (i != last) {
      uint64_t had;
      memcpy(&had, other, 8);
      CHECK(had == ((uint64_t)n << 32 | last), "block %u of bulk %u at %p was written to: %lx", last, n, (void *)other, had);
      memcpy(other, &mark, 8);
      memcpy(other + bulks[n].size - 8, &mark, bulks[n].size < 16 ? 0 : 8);
    }
    bulks[n].at[i] = other;
    bulks[n].count--;
    bulks[n].usable -= hk_malloc_usable_size(at);
    errno = KEPT;
    hk_free(at);
    CHECK(errno == KEPT, "free set errno to %d", errno);
  }
}

/* ---- what a signal handler does in the middle of a call ---- */

static void interrupt(void) {
  char stack[16 * KIB]; /* as far down as a signal's frame would be */
  __asm__ volatile("" : : "r"(stack) : "memory");
  sigjmp_buf *outer = landing;
  int saved = errno;
  landing = NULL;
  uint8_t what = byte(), which = byte();
  struct block *b = &slots[which % SLOTS];
  if (what & 1) free_block(b, what >> 1);
  if (what & 2) make_block(&slots[SLOTS - 1 - which % OWN_SLOTS], (enum way)((what >> 2) % WAYS), a_size(), what);
  landing = outer, errno = saved;
  __asm__ volatile("" : : "r"(stack) : "memory");
}

/* ---- what programs must not do ---- */

/* Pointers that are not of the heap, and into the middle of blocks that are not small: left alone, but for strict builds. */
static void hostile(unsigned what, unsigned which) {
  static char object[64] __attribute__((aligned(64)));
  struct block *b = &slots[which % SLOTS];
  char *volatile pointer = NULL;
  switch (what % 4) {
    case 0: pointer = object + which % 64; break;
    case 1: pointer = (char *)&b + which % 2 * 16; break;
    case 2: pointer = (char *)(((uintptr_t)1 << which % 47) | (which & 16)); break;
    default:
      if (!b->at || b->usable <= 64 * KIB) return;
      pointer = (char *)b->at + (which & 128 ? (b->usable - 1) & ~(size_t)4095 : which % 3 ? 4096 : 16);
  }
  if (hakmem_owns(pointer) && what % 4 != 3) return;
  if (!GUARD && !hakmem_stat(HAKMEM_COMMITTED)) return; /* without a heap there is no map to look at */
  PRINT("%s of %p, which is %s\n", what & 4 ? "realloc" : "free", (void *)pointer, what % 4 == 3 ? "inside of a block" : "foreign");
  if (STRICT) expected_message = GUARD ? "free of" : "not the start of a block";
  void *got = NULL;
  errno = KEPT;
  if (what & 4) got = hk_realloc(pointer, 100); else hk_free(pointer);
  CHECK(!STRICT, "it was let pass");
  CHECK(!got && ((what & 4) || errno == KEPT), "%p, errno %d", got, errno);
}

/* Freed twice, with nothing between. */
static void free_twice(struct block *b) {
  struct block was = *b;
  if (!was.at || was.maker != BY_MALLOC || (!STRICT && was.usable <= 64 * KIB)) return;
  event = NOTHING;
  free_block(b, 0);
  PRINT("free %p again\n", (void *)was.at);
  if (STRICT) expected_message = "double free";
  if (HARDENED) or_message = "not the start of a block";
  hk_free(was.at);
  CHECK(!STRICT, "it was let pass");
}

/* Only guard builds find these; the first ends the process. */
static void misuse(unsigned what, struct block *b, unsigned detail) {
  struct block was = *b;
  if (!GUARD || !was.at || was.maker != BY_MALLOC) return;
  event = NOTHING;
  tried.misuses[what % MISUSES][detail % DETAILS] = 1;
  PRINT("misuse %u of %p (%zu bytes), detail %u\n", what % MISUSES, (void *)was.at, was.size, detail);
  switch (what % MISUSES) {
    case 0: expected_message = "write beyond the end"; was.at[was.size + detail % 32] ^= 0x55; break;
    case 1: expected_message = "write before the start"; was.at[-1 - (int)(detail % 16)] ^= 0x55; break;
    case 2:
      expected_message = "write after free";
      free_block(b, 0);
      was.at[was.size ? detail % was.size : 0] ^= 0x55;
      break;
    case 3: expected_message = "wrong size"; hk_free_sized(was.at, was.size + 1 + detail); break;
    case 4: expected_message = "wrong alignment"; hk_free_aligned_sized(was.at, was.align * 2 << detail % 4 | 32, was.size); break;
    case 5: expected_message = "was not made by"; if (detail & 1) hk_delete(was.at); else hk_delete_array(was.at, was.size); break;
    default:
      if (was.size < 2) return;
      expected_message = "free of";
      hk_free(was.at + 1 + detail % (was.size - 1));
  }
  /* Found at once, or when it is looked at. */
  if (what % MISUSES < 2 && detail & 128) hk_free(was.at);
  else if (detail & 64) hk_malloc_trim(0);
  hk_end();
  CHECK(false, "guard let it pass");
}

static void ask_size(const struct block *b) {
  if (!b->at) return;
  PRINT("usable size of %p\n", (void *)b->at);
  check_block(b);
  CHECK(hk_malloc_usable_size(b->at) == b->usable, "it was %zu", b->usable);
}

static void trim(size_t pad) {
  PRINT("malloc_trim\n");
  CALL(left, hk_malloc_trim(pad));
}

static void prewarm(size_t size, size_t count) {
  PRINT("prewarm %zu × %zu\n", count, size);
  CALL(left, hakmem_prewarm(size, count));
}

static void expect_event(unsigned kind, unsigned after) {
  static const enum event kinds[] = {NOTHING, REFUSE, REFUSE_ALL, INTERRUPT, INTERRUPT, JUMP, JUMP, REFUSE};
  event = kinds[kind % 8], event_in = after;
  PRINT("-- event %d after %u questions to the system\n", event, after);
}

/* ---- figures ---- */

static void check_figures(bool quiet) {
  size_t figure[HAKMEM_METADATA + 1];
  for (int i = 0; i <= HAKMEM_METADATA; i++) figure[i] = hakmem_stat((enum hakmem_stat)i);
  PRINT("committed %zu, live %zu, cached %zu, threads %zu, free %zu, metadata %zu\n",
        figure[0], figure[1], figure[2], figure[3], figure[4], figure[5]);
  CHECK(figure[HAKMEM_FREE] + figure[HAKMEM_METADATA] <= figure[HAKMEM_COMMITTED], "more free than committed");
  CHECK(!limit || figure[HAKMEM_COMMITTED] <= limit, "beyond the limit");
  static int nowhere = -1;
  if (nowhere < 0) CHECK((nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC)) >= 0, "no /dev/null");
  if (quiet) CHECK(!hakmem_write_stats(nowhere, HAKMEM_JSON) && !hakmem_write_stats(nowhere, HAKMEM_PROMETHEUS), "figures cannot be written");
  if (leaking) return;
  size_t held = held_bytes();
  CHECK(figure[HAKMEM_LIVE] == held, "%zu bytes are live, but %zu are held", figure[HAKMEM_LIVE], held);
  if (!quiet) return;
  CHECK(figure[HAKMEM_LIVE] == 0, "after all was freed");
  CHECK(figure[HAKMEM_CACHED] == 0, "after all was given up");
  CHECK(figure[HAKMEM_FREE] + figure[HAKMEM_METADATA] == figure[HAKMEM_COMMITTED], "pages are lost");
}

/* ---- threads: one at a time has its turn ---- */

#define THREADS 3
static struct { pthread_t id; sem_t turn; bool alive; } threads[THREADS];
static sem_t director; /* posted by a thread that is about to end */
static int leaver, heir; /* which one that is, and who has the turn after it */
static bool ending; /* the input is at its end: whoever gets the turn ends */

static void *live(void *number);

static void give_turn(int to) {
  if (threads[to].alive) { sem_post(&threads[to].turn); return; }
  threads[to].alive = true;
  CHECK(pthread_create(&threads[to].id, NULL, live, (void *)(intptr_t)to) == 0, "no thread");
}

static void wait_for(sem_t *turn) { while (sem_wait(turn) != 0) {} }

/* Gives the turn to another thread; false when this one is to end when it gets it back. */
static bool change_turn(int self, int to) {
  if (to == self) return true;
  PRINT("-- thread %d\n", to);
  give_turn(to);
  wait_for(&threads[self].turn);
  return !ending;
}

/* Performs the next call; false when this thread is to end. */
static bool perform(int self) {
  if (input >= input_end) return false;
  uint8_t what = byte(), group = what >> 5;
  struct block *b = &slots[group * 6 + byte() % 6];
  switch (calling = what % CALLS) {
    case 0: case 1: case 2: case 3: make_block(b, MALLOC, a_size(), 0); break;
    case 4: case 5: { size_t size = a_size(); make_block(b, CALLOC, size, byte()); break; }
    case 6: case 7: case 8: { unsigned way = byte() % WAYS; size_t size = a_size(); make_block(b, (enum way)way, size, byte()); break; }
    case 9: case 10: case 11: { size_t size = a_size(); resize_block(b, size, byte()); break; }
    case 12: case 13: case 14: case 15: free_block(b, byte()); break;
    case 16: case 17: { size_t size = a_size(); bulk_make(group % BULKS, size, 4u * byte()); break; }
    case 18: case 19: { unsigned count = 10u * byte(); bulk_free(group % BULKS, count, byte()); break; }
    case 20: trim(byte()); break;
    case 21: { size_t size = a_size(); prewarm(size, word() % 4096); break; }
    case 22: check_figures(false); break;
    case 23: case 24: return change_turn(self, byte() % THREADS);
    case 25: PRINT("-- thread %d ends\n", self); heir = byte() % THREADS; return false;
    case 26: now_ms += (uint64_t)1 << byte() % 18; PRINT("-- it is %lu ms\n", now_ms); break;
    case 27: { unsigned kind = byte(); hostile(kind, byte()); break; }
    case 28: free_twice(b); break;
    case 29: { unsigned kind = byte(); misuse(kind, b, byte()); break; }
    case 30: { unsigned kind = byte(); expect_event(kind, byte() % 16); break; }
    default: ask_size(b);
  }
  return true;
}

static void *live(void *number) {
  int self = (int)(intptr_t)number;
  sigjmp_buf here;
  heir = self;
  if (sigsetjmp(here, 0) == 0)
    do after_abort = &here; /* the others had the turn meanwhile */
    while (perform(self));
  leaver = self;
  sem_post(&director);
  return NULL;
}

static char *environment[4];

/* The first thread of the process, before its turn. */
static void *begin(void *unused) { hk_start(0, NULL, environment); return unused; }

/* All goes back; then nothing may be left. */
static void *finish(void *unused) {
  for (int i = 0; i < SLOTS; i++) free_block(&slots[i], (unsigned)i);
  for (unsigned i = 0; i < BULKS; i++) bulk_free(i, BULK_MOST, i);
  if (GUARD) hk_end();
  PRINT("malloc_trim\n");
  if (hk_malloc_trim(0)) check_figures(!leaking);
  return unused;
}

static void on_a_thread(void *function(void *)) {
  pthread_t id;
  CHECK(pthread_create(&id, NULL, function, NULL) == 0 && pthread_join(id, NULL) == 0, "no thread");
}

/* Settings that make a difference within a short life. */
static void choose_settings(uint8_t choice) {
  static char limit_8m[] = "HAKMEM_LIMIT=8m", limit_64m[] = "HAKMEM_LIMIT=64m";
  static char no_delay[] = "HAKMEM_PURGE_DELAY=0", delay[] = "HAKMEM_PURGE_DELAY=50";
  static char keep_none[] = "HAKMEM_RETAIN_COUNT=0", keep_one[] = "HAKMEM_RETAIN_COUNT=1";
  int n = 0;
  limit = choice % 8 == 1 ? 8 * MIB : choice % 8 == 2 ? 64 * MIB : 0;
  if (limit) environment[n++] = limit == 8 * MIB ? limit_8m : limit_64m;
  if (choice >> 3 & 1) environment[n++] = choice >> 4 & 1 ? no_delay : delay;
  if (choice >> 5 & 1) environment[n++] = choice >> 6 & 1 ? keep_none : keep_one;
  environment[n] = NULL;
  if (choice % 8 == 3) event = REFUSE_ALL, event_in = 0; /* a system without memory, until the next event is chosen */
  most_addresses = choice >> 7 ? GIB : 0;
  if (most_addresses) PRINT("addresses are limited\n");
  for (int i = 0; i < n; i++) PRINT("%s\n", environment[i]);
}

extern char __start_hakmem_bss[], __stop_hakmem_bss[], __start_hakmem_data[], __stop_hakmem_data[];
static char *variables_before;

int LLVMFuzzerInitialize(int *count, char ***arguments) {
  (void)count, (void)arguments;
  printing = getenv("FUZZ_PRINT"), fault = getenv("FUZZ_FAULT");
  variables_before = malloc((size_t)(__stop_hakmem_data - __start_hakmem_data));
  memcpy(variables_before, __start_hakmem_data, (size_t)(__stop_hakmem_data - __start_hakmem_data));
  sem_init(&director, 0, 0);
  for (int i = 0; i < THREADS; i++) sem_init(&threads[i].turn, 0, 0);
  return 0;
}

/* A process that has not called the library yet. */
static void begin_anew(void) {
  memset(__start_hakmem_bss, 0, (size_t)(__stop_hakmem_bss - __start_hakmem_bss));
  memcpy(__start_hakmem_data, variables_before, (size_t)(__stop_hakmem_data - __start_hakmem_data));
  for (int i = 0; i < MAPPINGS; i++)
    if (mappings[i].at) munmap(mappings[i].at, mappings[i].bytes), mappings[i].at = NULL;
  next_mapping = (char *)0x200000000000 + 3 * 64 * KIB;
  memset(slots, 0, sizeof slots);
  for (int i = 0; i < BULKS; i++) bulks[i].count = 0, bulks[i].usable = 0;
  now_ms = 1000000, last_mark = 0, event = NOTHING, expected_message = or_message = NULL;
  refused = leaking = dead = ending = false, calling = 0, randomness = 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  begin_anew();
  input = data, input_end = data + size;
  choose_settings(byte());
  on_a_thread(begin);
  for (heir = 0;;) {
    give_turn(heir);
    wait_for(&director);
    pthread_join(threads[leaver].id, NULL);
    threads[leaver].alive = false;
    ending = dead || input >= input_end;
    if (!ending) continue;
    for (heir = 0; heir < THREADS && !threads[heir].alive; heir++) {}
    if (heir == THREADS) break;
  }
  event = NOTHING;
  if (!dead) on_a_thread(finish);
  return 0;
}
