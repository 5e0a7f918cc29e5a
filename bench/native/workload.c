/* Runs a workload of bench/workloads natively, over whatever malloc the process has.
 *
 *   workload NAME THREADS RING A B C D [TRACE]
 *
 * Every line on standard input is a number of steps; each thread does as many, and
 * a line of JSON answers with the time from the first start to the last end. A to D
 * are the workload's own arguments. RING is the size of the null allocator's ring
 * in bytes, a power of two; others ignore it. TRACE is a file of decoded events, for
 * the workload "trace", whose A is their number and B the number of slots.
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

#define THREAD_LOCAL static __thread
#include "resident.h"
#include "runtime.h"

#define MAX_THREADS 64
#define ARENA_BYTES ((size_t)1 << 30) /* reserved; what a workload does not touch takes no memory */
#define LARGEST_BLOCK ((size_t)1 << 21) /* room behind the ring */

static struct { const char *name; void (*begin)(u32, u32, u32, u32); u32 (*run)(u32); u32 argument[4]; size_t ring; int threads; const char *trace; void *arena; } job;

static void *zeroed(size_t bytes) {
  void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (at == MAP_FAILED) { perror("workload: no memory for its own tables"); exit(1); }
  return at;
}

#ifdef NULL_PEER
#include "null.gen.h"
static void allocator_start(void) { hk_null_begin((u64)zeroed(job.ring + (job.ring > LARGEST_BLOCK ? job.ring : LARGEST_BLOCK)), job.ring); }
static __attribute__((noinline)) u64 allocator_malloc(u64 size) { return hk_malloc(size); }
static __attribute__((noinline)) void allocator_free(u64 block) { __asm__ volatile("" ::"r"(block)); }
static __attribute__((noinline)) u64 allocator_realloc(u64 block, u64 size) { return hk_realloc(block, size); }
#else
static void allocator_start(void) {}
static inline u64 allocator_malloc(u64 size) { return (u64)malloc(size); }
static inline void allocator_free(u64 block) { free((void *)block); }
static inline u64 allocator_realloc(u64 block, u64 size) { return (u64)realloc((void *)block, size); }
#endif
#include "workload.gen.h"

#define CASE(workload) {#workload, hk_##workload##_begin, hk_##workload##_run},
static const struct { const char *name; void (*begin)(u32, u32, u32, u32); u32 (*run)(u32); } workloads[] = { WORKLOADS(CASE) };

static struct { struct timespec from, to; u64 checksum; s64 live, peak; u64 operations; } result[MAX_THREADS];
static u32 steps; /* 0: end */
static pthread_barrier_t gate;

static void begin(int index) {
  allocator_start();
  hk_arena_shared((u64)job.arena, ARENA_BYTES, (u32)index, (u32)job.threads);
  if (job.begin) { job.begin(job.argument[0], job.argument[1], job.argument[2], job.argument[3]); return; }
  u64 to = hk_trace_begin(job.argument[0], job.argument[1]);
  FILE *file = fopen(job.trace, "rb");
  if (!file || fread((void *)to, 8, job.argument[0], file) != job.argument[0]) { fprintf(stderr, "workload: cannot read %u events from %s\n", job.argument[0], job.trace); exit(1); }
  fclose(file);
}

static void *thread(void *number) {
  int index = (int)(intptr_t)number;
  begin(index);
  for (;;) {
    pthread_barrier_wait(&gate); /* steps are set */
    if (!steps) return NULL;
    clock_gettime(CLOCK_MONOTONIC, &result[index].from);
    result[index].operations = job.run(steps);
    clock_gettime(CLOCK_MONOTONIC, &result[index].to);
    result[index].checksum = hk_ledger_checksum();
    result[index].live = (s64)hk_ledger_live();
    result[index].peak = (s64)hk_ledger_peak();
    pthread_barrier_wait(&gate); /* results are there */
  }
}

/* Bytes of the workload's own tables, recorded events among them, which are not the allocator's. They only grow. */
static size_t own_resident(void) {
  static unsigned char page[65536];
  size_t size = (size_t)sysconf(_SC_PAGESIZE), count = 0;
  for (char *from = job.arena, *end = from + ARENA_BYTES; from < end; from += sizeof page * size) {
    size_t bytes = (size_t)(end - from) < sizeof page * size ? (size_t)(end - from) : sizeof page * size;
    if (mincore(from, bytes, page)) { perror("workload: cannot count its own memory"); exit(1); }
    for (size_t i = 0; i < bytes / size; i++) count += page[i] & 1;
  }
  return count * size;
}

static s64 nanoseconds(struct timespec time) { return time.tv_sec * 1000000000LL + time.tv_nsec; }

static void report(void) {
  s64 from = nanoseconds(result[0].from), to = nanoseconds(result[0].to), live = 0, peak = 0;
  u64 checksum = 0, operations = 0;
  for (int i = 0; i < job.threads; i++) {
    if (nanoseconds(result[i].from) < from) from = nanoseconds(result[i].from);
    if (nanoseconds(result[i].to) > to) to = nanoseconds(result[i].to);
    checksum += result[i].checksum, operations += result[i].operations, live += result[i].live, peak += result[i].peak;
  }
  printf("{\"nanoseconds\":%" PRId64 ",\"operations\":%" PRIu64 ",\"checksum\":\"%016" PRIx64 "\",\"liveBytes\":%" PRId64 ",\"peakLiveBytes\":%" PRId64 ",\"peakResidentBytes\":%lu}\n",
         to - from, operations, checksum, live, peak, peak_resident() - own_resident());
  fflush(stdout);
}

int main(int count, char **arguments) {
  static char in[4096], out[4096];
  setvbuf(stdin, in, _IOFBF, sizeof in);
  setvbuf(stdout, out, _IOFBF, sizeof out);
  if (count < 8) { fprintf(stderr, "usage: workload NAME THREADS RING A B C D [TRACE]\n"); return 2; }
  job.name = arguments[1];
  job.threads = atoi(arguments[2]);
  job.ring = strtoul(arguments[3], NULL, 10);
  job.arena = zeroed(ARENA_BYTES);
  for (int i = 0; i < 4; i++) job.argument[i] = (u32)strtoul(arguments[4 + i], NULL, 10);
  for (size_t i = 0; i < sizeof workloads / sizeof *workloads; i++)
    if (!strcmp(workloads[i].name, job.name)) job.begin = workloads[i].begin, job.run = workloads[i].run;
  if (!strcmp(job.name, "trace") && count > 8) job.run = hk_trace_run, job.trace = arguments[8];
  if (!job.run || job.threads < 1 || job.threads > MAX_THREADS) { fprintf(stderr, "workload: cannot run '%s' in %s threads\n", job.name, arguments[2]); return 2; }
  pthread_barrier_init(&gate, NULL, (unsigned)job.threads + 1);
  pthread_t threads[MAX_THREADS];
  for (int i = 0; i < job.threads; i++) pthread_create(&threads[i], NULL, thread, (void *)(intptr_t)i);
  for (char line[32]; fgets(line, sizeof line, stdin) && (steps = (u32)strtoul(line, NULL, 10)) > 0; report()) {
    pthread_barrier_wait(&gate);
    pthread_barrier_wait(&gate);
  }
  steps = 0;
  pthread_barrier_wait(&gate);
  for (int i = 0; i < job.threads; i++) pthread_join(threads[i], NULL);
  return 0;
}
