/* Interrupts every kind of operation before every one of its instructions.  interrupted MODE EVERY [FIRST [LAST]]
 *
 *   jump                 a signal handler leaves it for good by siglongjmp
 *   fork                 the process forks while a thread stands there; the child goes on without that thread
 *   exit                 a signal handler ends the thread
 *   handler              a signal handler calls malloc, calloc, realloc and free, and returns
 *   handler-jump         the same, and later another signal handler leaves it for good
 *   jump-alternate, handler-alternate    with the handler on a stack of its own
 *
 * EVERY: before each so many of its instructions; 0: as the table below says. FIRST and LAST: the kinds, from 0. A process of its
 * own goes on from each interruption: afterwards no block may be handed out twice, what the program holds must be intact, and no
 * more may be lost than the operation had in hand and the pages of a slab: lines with "failed" on standard error tell where it was
 * otherwise. HAKMEM_LIMIT must be set, for the malloc that is refused.
 */
#include "step.h"
#include <dlfcn.h>
#include <link.h>
#include <malloc.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include "hakmem.h"
#pragma weak hakmem_stat
#pragma weak hakmem_prewarm

#define KIB 1024
#define MIB (KIB * KIB)
#define MANY 3000
#define FAILURES 64
/* Exit codes: the operation ended before it was interrupted; more is lost than may be. */
#define NOT_REACHED 2
#define LOST 3
#define LOST_BESIDE (256 * KIB) /* pages of the largest slab */

/* ---- blocks that are held, each filled with its own byte ---- */

struct held { unsigned char *block; size_t size; unsigned char fill; };
static struct held held[MANY];
static int holding;

static void hold(unsigned char *block, size_t size) {
  CHECK(block && holding < MANY);
  held[holding] = (struct held){block, size, (unsigned char)(holding * 37 + 11)};
  memset(block, held[holding].fill, size);
  holding++;
}

static void check_held(void) {
  for (int i = 0; i < holding; i++)
    for (size_t at = 0; at < held[i].size; at += held[i].size > 4096 ? 509 : 13) CHECK(held[i].block[at] == held[i].fill);
}

static void free_held(void) { check_held(); while (holding) free(held[--holding].block); }

/* Takes blocks of many sizes, fills them, and finds each as it was filled: none overlaps another or what is held. */
static void exercise(void) {
  static struct held fresh[400];
  static const size_t sizes[] = {16, 100, 100, 100, 112, 300, 1000, 4000, 9000, 20000, 40000, 100000, 700000};
  int count = 0;
  for (int round = 0; round < 12; round++)
    for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
      fresh[count] = (struct held){malloc(sizes[i]), sizes[i], (unsigned char)(count * 91 + 5)};
      CHECK(fresh[count].block);
      memset(fresh[count].block, fresh[count].fill, sizes[i] > 2000 ? 2000 : sizes[i]);
      count++;
    }
  for (int i = 0; i < count; i++) {
    for (size_t at = 0; at < fresh[i].size && at < 2000; at += 7) CHECK(fresh[i].block[at] == fresh[i].fill);
    free(fresh[i].block);
  }
  check_held();
}

/* ---- operations, and what must be so before each ---- */

static void *volatile hand;      /* what an operation works on */
static void *volatile kept[MANY]; /* blocks that the preparation made; freed again by `undo` */
static volatile int kept_count;

static void keep(size_t size, int count) { while (count--) { void *block = malloc(size); CHECK(block); kept[kept_count++] = block; } }
static void undo(void) { while (kept_count) { void *block = kept[--kept_count]; kept[kept_count] = NULL; free(block); } }

/* A thread that makes blocks for others to free, and has exited or not. */
static pthread_t other;
static sem_t other_made, other_may_end;
static void *make_blocks(void *unused) {
  (void)unused;
  keep(9000, 80);
  sem_post(&other_made);
  sem_wait(&other_may_end);
  void *volatile block = malloc(100);
  free(block);
  return NULL;
}
static void start_other(void) { CHECK(pthread_create(&other, NULL, make_blocks, NULL) == 0); sem_wait(&other_made); }
static void end_other(void) { sem_post(&other_may_end); pthread_join(other, NULL); }

static void none(void) {}
static void take_hand(void) { hand = malloc(100); }
static void give_hand(void) { void *block = hand; hand = NULL; free(block); }
static void no_slab(void) { malloc_trim(0); }
static void in_cache(void) { keep(100, 10); undo(); }
static void hand_of_cache(void) { keep(100, 10); hand = malloc(100); undo(); }
static void free_half(void) { malloc_trim(0); keep(100, 1200); for (int i = 0; i < kept_count; i++) if (i % 3) { void *block = kept[i]; kept[i] = NULL; free(block); } malloc_trim(0); }
static void full_cache(void) { keep(9000, 60); hand = malloc(9000); undo(); }
static void full_of_others(void) { malloc_trim(0); start_other(); while (kept_count > 46) free(kept[--kept_count]); }
static void two_magazines(void) { keep(9000, 60); undo(); }
static void take_magazines(void) { for (int i = 0; i < 40; i++) { void *block = malloc(9000); kept[kept_count++] = block; } }
static void forty_in_hand(void) { malloc_trim(0); keep(9000, 40); }
static void free_others(void) { for (int last = kept_count > 10 ? kept_count - 10 : 0; kept_count > last;) { void *block = kept[--kept_count]; free(block); } }
static void abandoned(void) { malloc_trim(0); start_other(); end_other(); }
static void take_many(void) { for (int i = 0; i < 3; i++) { void *block = malloc(9000); kept[kept_count++] = block; } }
static void large_in_hand(void) { hand = malloc(100000); }
static void take_large(void) { hand = malloc(100000); }
static void huge_in_hand(void) { hand = malloc(900000); }
static void take_huge(void) { hand = malloc(900000); }
static void take_aligned(void) { hand = memalign(1 << 18, 50000); }
static void grow_hand(void) { void *block = hand; hand = NULL; hand = realloc(block, 1500000); }
static void copy_hand(void) { void *block = hand; hand = NULL; hand = realloc(block, 300); }
static void grow_pool(void) { hand = malloc(40 << 20); }
static void take_too_much(void) { hand = malloc((size_t)1 << 40); }
static void trim(void) { malloc_trim(0); }
static void prewarm(void) { hakmem_prewarm(240, 30); }
static void dirty_large(void) { keep(40000, 1); memset(kept[0], 1, 40000); undo(); }
static void zeros(void) { hand = calloc(1, 40000); }

static const struct operation {
  const char *name;
  void (*before)(void), (*run)(void);
  long stride;      /* instructions from one interruption to the next, where not all are tried */
  size_t in_hand;   /* bytes that the operation has in its hands at most */
} operations[] = {
  {"malloc of what is cached", in_cache, take_hand, 1, 100},
  {"free to the cache", hand_of_cache, give_hand, 1, 100},
  {"mallocs that use up the cache", two_magazines, take_magazines, 211, 9000 * 40},
  {"frees that fill the cache", forty_in_hand, undo, 97, 9000 * 40},
  {"malloc that takes a new slab", no_slab, take_hand, 31, 100},
  {"malloc that takes what was freed", free_half, take_hand, 7, 100},
  {"free that sends blocks home", full_cache, give_hand, 13, 9000},
  {"frees of another thread's blocks", full_of_others, free_others, 13, 9000 * 20},
  {"malloc that takes over what a thread has left", abandoned, take_many, 127, 9000 * 3},
  {"malloc of a large block", none, take_large, 37, 106496},
  {"free of a large block", large_in_hand, give_hand, 17, 106496},
  {"malloc of a huge block", none, take_huge, 97, 15 << 16},
  {"free of a huge block", huge_in_hand, give_hand, 19, 15 << 16},
  {"memalign", none, take_aligned, 29, 5 << 16},
  {"realloc of a huge block", huge_in_hand, grow_hand, 31, 38 << 16},
  {"realloc that copies", hand_of_cache, copy_hand, 23, 100 + 320},
  {"malloc that makes memory grow", none, grow_pool, 211, 41 << 20},
  {"malloc that is refused", none, take_too_much, 83, 0},
  {"calloc of a large block", dirty_large, zeros, 17, 40960},
  {"malloc_trim", free_half, trim, 89, 0},
  {"hakmem_prewarm", no_slab, prewarm, 71, 256 * 32},
};
#define OPERATIONS ((int)(sizeof operations / sizeof *operations))

/* ---- interruptions ---- */

/* What the processes share. */
static struct {
  size_t usual, most;
  long points, failed;
  unsigned long failed_at[FAILURES]; /* not tried again: what has failed there can take long to end */
} *report;

static const struct mode *mode;
static size_t handlers_heap; /* what the heap that a handler has got may hold, where it may be lost, too */
static const struct operation *operation;
static volatile bool interrupted; /* this is a process that goes on from an interruption */

/* Bytes that are neither free nor metadata, after all that is idle has been given up. */
static size_t bytes_held(void) {
  malloc_trim(0);
  return hakmem_stat(HAKMEM_COMMITTED) - hakmem_stat(HAKMEM_FREE) - hakmem_stat(HAKMEM_METADATA);
}

static bool failed_here(void) {
  for (int i = 0; i < FAILURES; i++) if (report->failed_at[i] == step_at) return true;
  return false;
}

/* Waits for the process of an interruption, and counts it. */
static int count(pid_t child, unsigned long at) {
  int status;
  CHECK(child > 0 && waitpid(child, &status, 0) == child);
  if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_REACHED) return status;
  report->points++;
  if (!status) return 0;
  report->failed_at[report->failed++ % FAILURES] = at;
  Dl_info in = {0};
  dladdr((void *)at, &in);
  fprintf(stderr, "%s: failed before %s+%#lx (%s %d)\n", operation->name, in.dli_fname, at - (unsigned long)in.dli_fbase,
          WIFSIGNALED(status) ? "signal" : "exit code", WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
  return status;
}

/* Frees what the operation has left, and finds everything in order. */
static void put_right(void) {
  free(hand); /* it was there before, or stored: ours in both cases */
  hand = NULL;
  undo();
  exercise();
  exercise();
  free_held();
  size_t now = bytes_held();
  size_t lost = interrupted && now > report->usual ? now - report->usual : 0;
  if (!interrupted) report->usual = now;
  if (lost > operation->in_hand + LOST_BESIDE + handlers_heap) _exit(LOST);
  if (lost > report->most) report->most = lost;
}

/* Runs the operation, with an interruption before every `every`-th instruction; with none for 0. */
static void run_stepped(long every) {
  if (every) step_run(operation->run, every);
  else operation->run();
}

/* A signal handler leaves the operation. */
static sigjmp_buf back;

static bool jump(void) {
  if (failed_here()) return true;
  pid_t child = _Fork(); /* without handlers: the child stands where its parent does */
  if (child) return count(child, step_at), true;
  alarm(20);
  interrupted = true;
  siglongjmp(back, 1);
}

static void walk_and_jump(long every) {
  operation->before();
  if (sigsetjmp(back, 1) == 0) run_stepped(every);
  put_right();
}

/* The process forks while a thread is in the operation. */
static sem_t reached, go_on;
static volatile bool thread_ended;
static long thread_every;
static unsigned long stood_at;

static bool stand_still(void) {
  if (failed_here()) return true;
  stood_at = step_at;
  sem_post(&reached);
  while (sem_wait(&go_on)) {}
  return true;
}

static void *step_in_thread(void *unused) {
  (void)unused;
  operation->before();
  run_stepped(thread_every);
  thread_ended = true;
  sem_post(&reached);
  return NULL;
}

static void walk_and_fork(long every) {
  pthread_t thread;
  thread_every = every;
  CHECK(pthread_create(&thread, NULL, step_in_thread, NULL) == 0);
  while (sem_wait(&reached), !thread_ended) {
    pid_t child = fork();
    if (child == 0) {
      alarm(20);
      interrupted = true;
      exercise();
      CHECK(hakmem_stat(HAKMEM_THREADS) == 1);
      put_right();
      _exit(0);
    }
    count(child, stood_at);
    sem_post(&go_on);
  }
  pthread_join(thread, NULL);
  put_right();
}

/* A signal handler ends the thread. */
static bool end_thread(void) { pthread_exit(NULL); }
static void *end_at_once(void *unused) { (void)unused; pthread_exit(NULL); }

static void walk_and_end(long every) {
  for (long n = every; n; n += every) {
    pid_t child = fork();
    if (child == 0) {
      pthread_t thread;
      alarm(20);
      interrupted = true;
      thread_every = n;
      CHECK(pthread_create(&thread, NULL, step_in_thread, NULL) == 0);
      pthread_join(thread, NULL);
      if (thread_ended) _exit(NOT_REACHED);
      put_right();
      _exit(0);
    }
    if (count(child, (unsigned long)n)) break;
  }
  if (every) return;
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, step_in_thread, NULL) == 0);
  pthread_join(thread, NULL);
  put_right();
}

/* A signal handler allocates and frees, and returns. It keeps some blocks, and frees some that it finds. */
static struct held handled[64], stock[64];
static int handled_count, stock_count;

static void take_in_handler(size_t size, bool zeros) {
  unsigned char *block = zeros ? calloc(1, size) : malloc(size);
  CHECK(block);
  for (size_t at = 0; zeros && at < size; at += 61) CHECK(block[at] == 0);
  handled[handled_count] = (struct held){block, size, (unsigned char)(handled_count * 53 + 7)};
  memset(block, handled[handled_count].fill, size);
  handled_count++;
}

static void use_heap_in_handler(void) {
  static const size_t sizes[] = {100, 100, 9000, 100000, 900000, 240};
  while (stock_count) {
    struct held *found = &stock[--stock_count];
    CHECK(found->block[0] == found->fill && found->block[found->size - 1] == found->fill);
    free(found->block);
  }
  for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) take_in_handler(sizes[i], false), take_in_handler(sizes[i], true);
  struct held *last = &handled[handled_count - 1];
  last->block = realloc(last->block, 400);
  CHECK(last->block);
}

static bool handle(void) {
  if (failed_here()) return true;
  pid_t child = _Fork();
  if (child) return count(child, step_at), true;
  alarm(20);
  interrupted = true;
  use_heap_in_handler();
  return false;
}

/* What a handler that has allocated is behind, in instructions, when another one leaves. */
static const long later[] = {1, 7, 50};

static bool handle_and_jump(void) {
  if (interrupted) siglongjmp(back, 1);
  for (unsigned i = 0; i < sizeof later / sizeof *later && !failed_here(); i++) {
    pid_t child = _Fork();
    if (child) { count(child, step_at); continue; }
    alarm(20);
    interrupted = true;
    use_heap_in_handler();
    step_every = later[i];
    break;
  }
  return true;
}

static void walk_and_handle(long every) {
  static const size_t sizes[] = {100, 9000, 100000};
  for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    stock[stock_count] = (struct held){malloc(sizes[i]), sizes[i], (unsigned char)(i + 1)};
    memset(stock[stock_count].block, stock[stock_count].fill, sizes[i]);
    stock_count++;
  }
  operation->before();
  if (sigsetjmp(back, 1) == 0) run_stepped(every);
  if (!interrupted) while (stock_count) free(stock[--stock_count].block);
  if (hand) memset(hand, 0xee, 100);
  exercise();
  while (handled_count--) {
    struct held *block = &handled[handled_count];
    for (size_t at = 0; at < block->size; at += 11) CHECK(block->block[at] == block->fill);
    free(block->block);
  }
  put_right();
}

static const struct mode {
  const char *name;
  bool (*callback)(void);
  void (*walk)(long every);
  int flags;
  long sparse; /* of the places in the table only so many, because there is more to do at each */
  size_t heap; /* see handlers_heap */
} modes[] = {
  {"jump", jump, walk_and_jump, 0, 1, 0},
  {"jump-alternate", jump, walk_and_jump, SA_ONSTACK, 1, 0},
  {"fork", stand_still, walk_and_fork, 0, 1, 0},
  {"exit", end_thread, walk_and_end, 0, 5, 0},
  {"handler", handle, walk_and_handle, 0, 1, 0},
  {"handler-jump", handle_and_jump, walk_and_handle, 0, 3, 512 * KIB},
  {"handler-alternate", handle, walk_and_handle, SA_ONSTACK, 1, 0},
};

/* Runs the operation from end to end in a process of its own. */
static void walk(long every) {
  pid_t child = fork();
  if (child == 0) {
    mode->walk(every);
    _exit(0);
  }
  int status;
  CHECK(child > 0 && waitpid(child, &status, 0) == child);
  if (status) report->failed++, fprintf(stderr, "%s: failed by itself (%x)\n", operation->name, status);
}

/* Of interest is the code of what malloc is in. */
static int note_code(struct dl_phdr_info *module, size_t size, void *unused) {
  (void)size, (void)unused;
  unsigned long known = (unsigned long)dlsym(RTLD_DEFAULT, "malloc");
  for (int i = 0; i < module->dlpi_phnum; i++) {
    const ElfW(Phdr) *part = &module->dlpi_phdr[i];
    unsigned long from = module->dlpi_addr + part->p_vaddr;
    if (part->p_type == PT_LOAD && known - from < part->p_memsz) step_from = from, step_bytes = part->p_memsz;
  }
  return 0;
}

int main(int count, char **arguments) {
  CHECK(count >= 3);
  for (mode = modes; strcmp(mode->name, arguments[1]);) CHECK(++mode < modes + sizeof modes / sizeof *modes);
  sem_init(&other_made, 0, 0), sem_init(&other_may_end, 0, 0), sem_init(&reached, 0, 0), sem_init(&go_on, 0, 0);
  report = mmap(NULL, sizeof *report, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  static char alternate[1 << 18];
  stack_t stack = {.ss_sp = alternate, .ss_size = sizeof alternate};
  handlers_heap = mode->heap;
  if (mode->flags & SA_ONSTACK) CHECK(sigaltstack(&stack, NULL) == 0);
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, end_at_once, NULL) == 0); /* loads what pthread_exit needs, for good */
  pthread_join(thread, NULL);
  dl_iterate_phdr(note_code, NULL);
  prctl(PR_SET_DUMPABLE, 0); /* what fails here need not leave a file */
  step_prepare(mode->callback, mode->flags);
  for (int i = 0; i < 300; i++) hold(malloc(16 + (size_t)i * 7), 16 + (size_t)i * 7);
  for (int i = 0; i < 8; i++) hold(malloc((size_t)(i + 1) * 60000), (size_t)(i + 1) * 60000);
  long points = 0, every = atol(arguments[2]);
  int first = count > 3 ? atoi(arguments[3]) : 0, last = count > 4 ? atoi(arguments[4]) : OPERATIONS;
  for (int i = 0; i < OPERATIONS; i++) {
    if (i < first || i > last) continue;
    operation = &operations[i];
    memset(report, 0, sizeof *report);
    walk(0);
    walk(every ? every : operation->stride * mode->sparse);
    fprintf(stderr, "%s: %ld interruptions, at most %zu KiB lost\n", operation->name, report->points, report->most / KIB);
    points += report->points;
  }
  CHECK(points > 0);
  puts("done");
  return 0;
}
