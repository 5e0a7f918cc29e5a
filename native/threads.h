/* The end of threads, and forks. Included behind the generated allocator.
 *
 * A thread's heap is left to the others by a pthread key's destructor. Destructors
 * that run later, and glibc itself, may still free: the thread then gets a heap
 * again, and with it another round of destructors, up to glibc's limit. What is
 * left after the last round is noted as a straggler, and taken over by a thread
 * that starts when the straggler is gone.
 */
#pragma once

#include <limits.h>

static pthread_key_t exit_key;
static bool exit_key_ready;
THREAD_LOCAL u32 exits; /* how often this thread has left */

#define STRAGGLERS 64
static u64 stragglers[STRAGGLERS]; /* system thread id << 32 | allocator's thread id; 0 free */

static SLOW void leave(void *unused) {
  u32 id = hk_thread_id();
  if (!id) return;
  for (int i = 0; exits && i < STRAGGLERS; i++) {
    u64 straggler = __atomic_load_n(&stragglers[i], __ATOMIC_RELAXED);
    if ((u32)straggler == id) swap(&stragglers[i], straggler, 0);
  }
  exits++;
  hk_thread_exit();
}

static SLOW void platform_started(u32 id) {
  int saved = errno;
  if (exit_key_ready) pthread_setspecific(exit_key, &exit_key);
  for (int i = 0; i < STRAGGLERS; i++) {
    u64 straggler = __atomic_load_n(&stragglers[i], __ATOMIC_RELAXED);
    if (straggler && syscall(SYS_tgkill, getpid(), (pid_t)(straggler >> 32), 0) != 0 && errno == ESRCH && swap(&stragglers[i], straggler, 0))
      hk_thread_reclaim((u32)straggler);
  }
  u64 self = (u64)syscall(SYS_gettid) << 32 | id;
  for (int i = 0; exits && i < STRAGGLERS && !swap(&stragglers[i], 0, self); i++) {}
  errno = saved;
}

/* A thread that gives back what has been free for HAKMEM_PURGE_DELAY while the program sleeps, or lives in its caches: with
 * HAKMEM_PURGE_THREAD=1, from the start. To begin it when it is wanted would be to create a thread in the middle of free, which the C
 * library calls with locks of its own. It has no heap, and no signal reaches it. */
static void *keep(void *unused) {
  for (;;) {
    while (!change_keeper(WANTED, LOOKS)) syscall(SYS_futex, &keeper, WAIT_HERE, RESTS, NULL, NULL, 0);
    bool much;
    do {
      u64 ms = hk_purge_pause();
      struct timespec time = {(time_t)(ms / 1000), (long)(ms % 1000) * 1000000};
      while (nanosleep(&time, &time) != 0) {}
      change_keeper(LOOKS_ON, LOOKS);
      much = hk_purge_look();
    } while (much || !change_keeper(LOOKS, RESTS));
  }
  return unused;
}

/* A thread of the library's own, which no signal reaches; false when there is none to be had. */
static SLOW bool begin_thread(void *(*run)(void *)) {
  pthread_t thread;
  pthread_attr_t attributes;
  sigset_t all, before;
  sigfillset(&all);
  if (pthread_attr_init(&attributes) != 0) return false;
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&attributes, 64 * KIB + PTHREAD_STACK_MIN);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  bool begun = pthread_create(&thread, &attributes, run, NULL) == 0;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  pthread_attr_destroy(&attributes);
  return begun;
}

static SLOW void begin_keeper(void) {
  keeper = WANTED; /* to look once, at what there was before a fork */
  if (!begin_thread(keep)) keeper = NOBODY;
}

/* In the child of a fork only the calling thread lives. */
static SLOW void forked(void) {
  memset(stragglers, 0, sizeof stragglers);
  hk_thread_reclaim(0);
  if (keeper) begin_keeper();
}

static SLOW void watch_threads(void) {
  exit_key_ready = pthread_key_create(&exit_key, leave) == 0;
  if (exit_key_ready && platform_heap() != platform_empty()) pthread_setspecific(exit_key, &exit_key);
  pthread_atfork(NULL, NULL, forked);
  if (settings[PURGE_THREAD].value) begin_keeper();
}
