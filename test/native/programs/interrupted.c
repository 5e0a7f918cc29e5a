/* Interrupts every kind of operation before every one of its instructions, for good.
 *
 *   interrupted jump    a signal handler leaves it by siglongjmp
 *   interrupted fork    a process forks while one of its threads stands there; the child goes on without that thread
 *
 * Afterwards no block may be handed out twice, what the program holds must be intact, and no more may be lost than the
 * block in hand, one slab's blocks and a growth step.
 */
#include "step.h"
#include <malloc.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>
#include "../../../native/hakmem.h"

#define KIB 1024
#define MANY 3000
#define SLAB (256 * KIB) /* the largest */

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
    for (size_t at = 0; at < held[i].size; at += held[i].size > 4096 ? 509 : 1) CHECK(held[i].block[at] == held[i].fill);
}

/* Takes blocks of many sizes, fills them, and finds each as it was filled: none overlaps another or what is held. */
static void exercise(void) {
  static struct held fresh[400];
  static const size_t sizes[] = {16, 100, 100, 100, 112, 300, 1000, 4000, 9000, 20000, 40000, 100000, 700000};
  int count = 0;
  for (int round = 0; round < 30; round++)
    for (unsigned i = 0; i < sizeof sizes / sizeof *sizes && count < 390; i++) {
      fresh[count] = (struct held){malloc(sizes[i]), sizes[i], (unsigned char)(count * 91 + 5)};
      CHECK(fresh[count].block);
      memset(fresh[count].block, fresh[count].fill, sizes[i] > 5000 ? 5000 : sizes[i]);
      count++;
    }
  for (int i = 0; i < count; i++) {
    for (size_t at = 0; at < fresh[i].size && at < 5000; at += 7) CHECK(fresh[i].block[at] == fresh[i].fill);
    free(fresh[i].block);
  }
  check_held();
}

/* ---- operations, and what must be so before each ---- */

static void *volatile hand; /* what an operation works on */
static void *kept[MANY];    /* blocks that the preparation made; freed again by `undo` */
static int kept_count;

static void keep(size_t size, int count) { while (count--) CHECK(kept[kept_count++] = malloc(size)); }
static void undo(void) { while (kept_count) free(kept[--kept_count]); }

/* A thread that makes blocks for others to free, and has exited or not. */
static pthread_t other;
static sem_t other_made, other_may_end;
static void *make_blocks(void *unused) {
  (void)unused;
  keep(9000, 80);
  sem_post(&other_made);
  sem_wait(&other_may_end);
  free(malloc(100));
  return NULL;
}
static void start_other(void) { CHECK(pthread_create(&other, NULL, make_blocks, NULL) == 0); sem_wait(&other_made); }
static void end_other(void) { sem_post(&other_may_end); pthread_join(other, NULL); }

static void none(void) {}
static void take_hand(void) { hand = malloc(100); }
static void give_hand(void) { void *block = hand; hand = NULL; free(block); }
static void no_slab(void) { malloc_trim(0); }
static void free_half(void) { malloc_trim(0); keep(100, 1200); for (int i = 0; i < kept_count; i++) if (i % 3) free(kept[i]), kept[i] = NULL; malloc_trim(0); }
static void full_cache(void) {
  keep(9000, 60);
  hand = malloc(9000);
  undo();
}
static void full_of_others(void) { malloc_trim(0); start_other(); while (kept_count > 46) free(kept[--kept_count]); }
static void free_others(void) { while (kept_count > 10) { void *block = kept[--kept_count]; free(block); } }
static void stop_other(void) { end_other(); undo(); }
static void abandoned(void) { malloc_trim(0); start_other(); end_other(); }
static void take_many(void) { for (int i = 0; i < 20; i++) { void *block = malloc(9000); kept[kept_count++] = block; } }
static void large_in_hand(void) { hand = malloc(100000); }
static void take_large(void) { hand = malloc(100000); }
static void huge_in_hand(void) { hand = malloc(900000); }
static void take_huge(void) { hand = malloc(900000); }
static void take_aligned(void) { hand = memalign(1 << 18, 50000); }
static void grow_hand(void) { void *block = hand; hand = NULL; hand = realloc(block, 1500000); }
static void grow_pool(void) { hand = malloc(40 << 20); }
static void trim(void) { malloc_trim(0); }
static void prewarm(void) { hakmem_prewarm(240, 30); }
static void zeros(void) { hand = calloc(1, 40000); }

static const struct operation {
  const char *name;
  void (*before)(void), (*run)(void), (*after)(void);
  long stride;      /* instructions from one interruption to the next */
  size_t in_hand;   /* bytes that the thread has in its own hands at most, beside the blocks of one slab */
} operations[] = {
  {"malloc that takes a new slab", no_slab, take_hand, none, 1, 100},
  {"malloc that takes what was freed", free_half, take_hand, none, 1, 100},
  {"free that sends blocks home", full_cache, give_hand, none, 1, 9000},
  {"frees of another thread's blocks", full_of_others, free_others, stop_other, 5, 9000},
  {"malloc that takes over what a thread has left", abandoned, take_many, none, 31, 9000},
  {"malloc of a large block", none, take_large, none, 1, 100000},
  {"free of a large block", large_in_hand, give_hand, none, 1, 100000},
  {"malloc of a huge block", none, take_huge, none, 149, 900000},
  {"free of a huge block", huge_in_hand, give_hand, none, 1, 900000},
  {"memalign", none, take_aligned, none, 1, 300000},
  {"realloc of a huge block", huge_in_hand, grow_hand, none, 3, 2400000},
  {"malloc that makes memory grow", none, grow_pool, none, 149, 84 << 20},
  {"calloc of a large block", none, zeros, none, 499, 40000},
  {"malloc_trim", free_half, trim, none, 499, 0},
  {"hakmem_prewarm", no_slab, prewarm, none, 3, 240 * 31},
};

/* ---- leaving by a jump ---- */

static sigjmp_buf back;
static void jump(void) { siglongjmp(back, 1); }

/* Bytes of blocks that are not free, without those that are held. */
static size_t lost(void) {
  malloc_trim(0);
  return hakmem_stat(HAKMEM_LIVE);
}

static long jump_out_of(const struct operation *operation) {
  size_t before = lost();
  volatile long n = 1, points = 0;
  for (volatile bool ended = false; !ended; n += operation->stride) {
    operation->before();
    if (sigsetjmp(back, 1) == 0) {
      ended = step_run(operation->run, n);
      if (ended && hand) free(hand); /* else it may have been freed, or not */
    } else if (points++, hand) free(hand); /* it was there before, or stored: ours in both cases */
    hand = NULL;
    operation->after();
    undo();
    exercise();
  }
  size_t more = lost() - before;
  if (more > (size_t)points * (operation->in_hand + SLAB)) { fprintf(stderr, "%s: %zu KiB are lost after %ld jumps\n", operation->name, more >> 10, points); _Exit(1); }
  fprintf(stderr, "%s: %ld jumps, %zu bytes lost in each\n", operation->name, points, points ? more / (size_t)points : 0);
  return points;
}

/* ---- forking ---- */

static sem_t reached, go_on;
static volatile bool ended_by_itself;
static const struct operation *forked_operation;
static volatile long forked_at;

static void stand_still(void) { sem_post(&reached); sem_wait(&go_on); }

static void *step_thread(void *unused) {
  (void)unused;
  forked_operation->before();
  ended_by_itself = step_run(forked_operation->run, forked_at);
  if (ended_by_itself) sem_post(&reached);
  free(hand);
  hand = NULL;
  forked_operation->after();
  undo();
  return NULL;
}

static long fork_in(const struct operation *operation) {
  forked_operation = operation;
  long points = 0;
  ended_by_itself = false;
  for (forked_at = 1; !ended_by_itself; forked_at += operation->stride * 5) {
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, step_thread, NULL) == 0);
    while (sem_wait(&reached)) {}
    if (!ended_by_itself) {
      pid_t child = fork();
      CHECK(child >= 0);
      if (child == 0) {
        alarm(60);
        exercise();
        exercise();
        CHECK(hakmem_stat(HAKMEM_THREADS) == 1);
        /* What the thread was working on is in its hands; all else can be freed. */
        for (int i = 0; i < holding; i++) free(held[i].block);
        holding = 0;
        exercise();
        _exit(0);
      }
      int status;
      CHECK(waitpid(child, &status, 0) == child);
      if (status) { fprintf(stderr, "%s: the child of a fork before instruction %ld failed (%d)\n", operation->name, forked_at, status); _Exit(1); }
      points++;
      sem_post(&go_on);
    }
    pthread_join(thread, NULL);
    exercise();
  }
  fprintf(stderr, "%s: %ld forks\n", operation->name, points);
  return points;
}

int main(int count, char **arguments) {
  CHECK(count >= 2);
  bool forks = !strcmp(arguments[1], "fork");
  sem_init(&other_made, 0, 0), sem_init(&other_may_end, 0, 0), sem_init(&reached, 0, 0), sem_init(&go_on, 0, 0);
  step_prepare(forks ? stand_still : jump);
  for (int i = 0; i < 500; i++) hold(malloc(16 + (size_t)i * 7), 16 + (size_t)i * 7);
  for (int i = 0; i < 8; i++) hold(malloc((size_t)(i + 1) * 60000), (size_t)(i + 1) * 60000);
  long points = 0;
  for (unsigned i = 0; i < sizeof operations / sizeof *operations; i++)
    if (count < 3 || atoi(arguments[2]) == (int)i) points += forks ? fork_in(&operations[i]) : jump_out_of(&operations[i]);
  check_held();
  CHECK(points > 0);
  puts("done");
  return 0;
}
