/* The host of bench/workloads/soak natively, over whatever malloc the process has.
 *
 *   soak THREADS OPERATIONS SEED BYTES SLOTS
 *
 * OPERATIONS are checked, by all threads together, which hold BYTES together at most
 * while none of them exhausts memory (HAKMEM_LIMIT says when it is exhausted). A thread
 * lives for some hundred thousand operations; the next one goes on with its blocks.
 *
 * Prints lines of JSON: {"done": operations so far} now and then, and in the end {"result": …}
 * or {"fault": …}, with exit code 1; see packages/tools/src/proof/soak/protocol.ts. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <inttypes.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define THREAD_LOCAL static __thread
#include "resident.h"
#include "runtime.h"

#define MAX_THREADS 64
#define ADDRESSES ((u64)1 << 47)
#define STACK ((size_t)256 << 10)
#define SHORTEST_LIFE ((u64)1 << 15)
#define LONGEST_LIFE ((u64)1 << 19)
/* What threads and the C library itself may keep. */
#define OWN_BLOCKS ((size_t)64 << 10)
enum { STAT_COMMITTED, STAT_LIVE };

static struct { u32 threads, seed, bytes, slots; u64 operations; } job;
static u64 arena;
static size_t (*stat_of)(int), (*prewarm)(size_t, size_t);
static void (*sized)(void *, size_t), (*aligned_sized)(void *, size_t, size_t);
static __thread u32 index_of_thread;

static inline u64 allocator_malloc(u64 size) { return (u64)malloc(size); }
static inline u64 allocator_calloc(u64 count, u64 size) { return (u64)calloc(count, size); }
static inline u64 allocator_realloc(u64 block, u64 size) { return (u64)realloc((void *)block, size); }
static inline u64 allocator_reallocarray(u64 block, u64 count, u64 size) { return (u64)reallocarray((void *)block, count, size); }
static inline u64 allocator_memalign(u64 align, u64 size) { return (u64)memalign(align, size); }
static inline u64 allocator_aligned_alloc(u64 align, u64 size) { return (u64)aligned_alloc(align, size); }
static inline u32 allocator_posix_memalign(u64 out, u64 align, u64 size) { return (u32)posix_memalign((void **)out, align, size); }
static inline void allocator_free(u64 block) { free((void *)block); }
static inline void allocator_free_sized(u64 block, u64 size) { sized ? sized((void *)block, size) : free((void *)block); }
static inline void allocator_free_aligned_sized(u64 block, u64 align, u64 size) { aligned_sized ? aligned_sized((void *)block, align, size) : free((void *)block); }
static inline u64 allocator_malloc_usable_size(u64 block) { return malloc_usable_size((void *)block); }
static inline u32 allocator_malloc_trim(u64 pad) { return malloc_trim(pad), 1; } /* of other allocators, it may tell something else */
static inline u64 allocator_malloc_prewarm(u64 size, u64 count) { return prewarm ? prewarm(size, count) : 0; }
static inline u64 allocator_heap_stat(u32 what) { return stat_of ? stat_of((int)what) : 0; }
static void host_fail(u32 kind, u64 block, u64 size, u64 at, u64 expected, u64 found);
#include "soak.gen.h"

static void host_fail(u32 kind, u64 block, u64 size, u64 at, u64 expected, u64 found) {
  dprintf(1, "{\"fault\":{\"kind\":%u,\"thread\":%u,\"operation\":%" PRIu64 ",\"block\":\"%" PRIx64 "\",\"size\":\"%" PRIx64 "\",\"at\":\"%" PRIx64 "\",\"expected\":\"%" PRIx64 "\",\"found\":\"%" PRIx64 "\"}}\n",
          kind, index_of_thread, hk_soak_operations(index_of_thread), block, size, at, expected, found);
  _exit(1);
}

/* A signal that ends the program: says where it was. */
static void crashed(int number) {
  dprintf(1, "{\"fault\":{\"thread\":%u,\"operation\":%" PRIu64 ",\"message\":\"%s\"}}\n", index_of_thread, hk_soak_operations(index_of_thread), strsignal(number));
  _exit(1);
}

static void fail(const char *message, u64 value) {
  dprintf(1, "{\"fault\":{\"thread\":%u,\"operation\":%" PRIu64 ",\"message\":\"%s: %" PRIu64 "\"}}\n", index_of_thread, hk_soak_operations(index_of_thread), message, value);
  _exit(1);
}

static u64 board(u64 at) { return hk_soak_board(at, job.threads, job.slots, 0, ADDRESSES, job.bytes); }

static u64 goal(u32 thread) { return job.operations / job.threads + (thread < job.operations % job.threads); }

static int ended[2]; /* a pipe: numbers of threads whose life is over */

/* How long the next life of a thread is. */
static u64 life(u64 operations) {
  u64 random = (operations + job.seed) * 0x9e3779b97f4a7c15 >> 32;
  return SHORTEST_LIFE + (random * (LONGEST_LIFE - SHORTEST_LIFE) >> 32);
}

static void *live(void *number) {
  u32 thread = index_of_thread = (u32)(uintptr_t)number;
  board(arena);
  hk_soak_begin(thread, job.seed);
  u64 end = hk_soak_operations(thread), last = goal(thread);
  end += life(end);
  hk_soak_run(end < last ? end : last);
  if (hk_soak_operations(thread) >= last) hk_soak_finish();
  unsigned char byte = (unsigned char)thread;
  if (write(ended[1], &byte, 1) != 1) abort();
  return NULL;
}

static void *nothing(void *unused) { return unused; }

static pthread_t start(void *(*function)(void *), u32 thread) {
  pthread_attr_t attributes;
  pthread_t id;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, STACK);
  /* While others exhaust memory there may be none for a thread. */
  while (pthread_create(&id, &attributes, function, (void *)(uintptr_t)thread)) usleep(1000);
  pthread_attr_destroy(&attributes);
  return id;
}

int main(int count, char **arguments) {
  static char out[4096];
  setvbuf(stdout, out, _IOLBF, sizeof out);
  if (count != 6) { fprintf(stderr, "usage: soak THREADS OPERATIONS SEED BYTES SLOTS\n"); return 2; }
  job.threads = (u32)strtoul(arguments[1], NULL, 10);
  job.operations = strtoull(arguments[2], NULL, 10);
  job.seed = (u32)strtoul(arguments[3], NULL, 10);
  job.bytes = (u32)strtoul(arguments[4], NULL, 10);
  job.slots = (u32)strtoul(arguments[5], NULL, 10);
  if (job.threads < 1 || job.threads > MAX_THREADS) { fprintf(stderr, "soak: %s threads; it must be 1 to %d\n", arguments[1], MAX_THREADS); return 2; }
  stat_of = (size_t (*)(int))dlsym(RTLD_DEFAULT, "hakmem_stat");
  prewarm = (size_t (*)(size_t, size_t))dlsym(RTLD_DEFAULT, "hakmem_prewarm");
  sized = (void (*)(void *, size_t))dlsym(RTLD_DEFAULT, "free_sized");
  aligned_sized = (void (*)(void *, size_t, size_t))dlsym(RTLD_DEFAULT, "free_aligned_sized");
  const char *(*profile)(void) = (const char *(*)(void))dlsym(RTLD_DEFAULT, "hakmem_profile");

  /* A bit for every 16 bytes of the address space: reserved, and touched only where there are blocks. */
  u64 bytes = board(0);
  arena = (u64)mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (arena == (u64)MAP_FAILED) { perror("soak: no addresses for its own tables"); return 2; }
  board(arena);
  hk_soak_lay_out();
  signal(SIGSEGV, crashed), signal(SIGBUS, crashed), signal(SIGILL, crashed), signal(SIGABRT, crashed);
  if (pipe(ended)) { perror("soak: pipe"); return 2; }

  pthread_t threads[MAX_THREADS];
  /* The first thread makes the C library allocate what it keeps. */
  pthread_join(start(nothing, 0), NULL);
  size_t own = stat_of ? stat_of(STAT_LIVE) : 0;
  for (u32 i = 0; i < job.threads; i++) threads[i] = start(live, i);
  u64 lives = job.threads;
  for (u32 left = job.threads; left;) {
    unsigned char thread;
    if (read(ended[0], &thread, 1) != 1) { perror("soak: read"); return 2; }
    pthread_join(threads[thread], NULL);
    u64 done = 0;
    for (u32 i = 0; i < job.threads; i++) done += hk_soak_operations(i);
    printf("{\"done\":%" PRIu64 "}\n", done);
    if (hk_soak_operations(thread) >= goal(thread)) left--;
    else threads[thread] = start(live, thread), lives++;
  }

  index_of_thread = job.threads;
  hk_soak_begin(job.threads, job.seed);
  hk_soak_drain();
  malloc_trim(0);
  u64 operations = 0, refused = 0, received = 0, claimed = 0;
  for (u32 i = 0; i <= job.threads; i++) {
    operations += hk_soak_operations(i), refused += hk_soak_refused(i);
    received += hk_soak_received(i), claimed += hk_soak_claimed(i);
  }
  if (claimed) fail("16-byte units that somebody still has at the end", claimed);
  size_t live = stat_of ? stat_of(STAT_LIVE) : 0;
  if (live > own + OWN_BLOCKS) fail("bytes that are live at the end", live - own);
  printf("{\"result\":{\"operations\":%" PRIu64 ",\"refused\":%" PRIu64 ",\"received\":%" PRIu64 ",\"lives\":%" PRIu64 ",\"peakBytes\":%zu,\"profile\":\"%s\"}}\n",
         operations, refused, received, lives, stat_of ? stat_of(STAT_COMMITTED) : (size_t)peak_resident(), profile ? profile() : "");
  return 0;
}
