/* Guard builds: what is said of a block beyond what is wrong with it, and of a crash inside the library. Nothing here changes anything. */
#pragma once

#ifndef HAKMEM_GUARD
static void say_report(word block) {}
#else
#define MOST_OPERATIONS 64

static SLOW void say_block(const char *what, word block, u32 step) {
  static const char *const states[] = {"never used", "in use", "freed, in quarantine", "freed, and given back"};
  word pointer = (word)hk_guard_block(block, step, 0);
  if (pointer) say("  %s: %x, %u bytes, %s", what, pointer, (word)hk_guard_block(block, step, 1), states[hk_guard_block(block, step, 2) & 3]);
}

/* The block's slab, its neighbours, and what has been done with the blocks of its page. */
static SLOW void say_report(word block) {
  word bytes = (word)hk_guard_block(block, 0, 3);
  if (bytes) say("it lies in a slab of blocks of %u bytes, checks included, which is thread %u's; this is thread %u", bytes, (word)hk_guard_block(block, 0, 4), (word)hk_thread_id());
  say_block("the block before it", block, (u32)-1);
  say_block("the block itself", block, 0);
  say_block("the block behind it", block, 1);
  static const char *const operations[] = {"", "allocated", "freed", "given back", "resized"};
  if (hk_guard_history(block, 0, 0)) say("the last operations on blocks of its page, the latest first:");
  for (u32 back = 0; back < MOST_OPERATIONS && hk_guard_history(block, back, 0); back++)
    say("  %s: %x, %u bytes, by thread %u", operations[hk_guard_history(block, back, 0) % 5], (word)hk_guard_history(block, back, 1),
        (word)hk_guard_history(block, back, 2), (word)hk_guard_history(block, back, 3));
#if defined(__linux__) && !defined(HAKMEM_OBSERVE)
  say("for who allocated and who freed it: hakmem run --profile guard --leaks -- PROGRAM");
#endif
}

#if defined(__linux__) && defined(__GLIBC__)
#include <dlfcn.h>
#include <sys/auxv.h>
#include <ucontext.h>

static const int crashes[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE};

/* Where the processor was. */
static void *crashed_at(ucontext_t *context) {
#ifdef __x86_64__
  return (void *)context->uc_mcontext.gregs[REG_RIP];
#else
  return (void *)context->uc_mcontext.pc;
#endif
}

/* A crash is the program's, unless it happened in the library: in its code, or in an operation on a heap. Then it comes again, and ends the program. */
static SLOW void on_crash(int number, siginfo_t *info, void *context) {
  Dl_info there, here, program;
  void *at = crashed_at(context);
  bool ours = dladdr(at, &there) && dladdr((void *)on_crash, &here) && there.dli_fbase == here.dli_fbase;
  /* Of a program that is linked with the library the code alone does not tell. */
  bool apart = dladdr((void *)getauxval(AT_ENTRY), &program) && program.dli_fbase != here.dli_fbase;
  signal(number, SIG_DFL);
  if (!platform_working() && !(ours && apart)) return;
  say("crash inside the library (signal %u) at address %x, by code at %x: something has written over the heap", (word)number, (word)info->si_addr, (word)at);
  say_backtrace();
  say_report((word)info->si_addr);
}

/* Programs that have handlers of their own, now or later, keep them. */
static SLOW void watch_for_crashes(void) {
  for (size_t i = 0; i < sizeof crashes / sizeof *crashes; i++) {
    struct sigaction before, action = {.sa_sigaction = on_crash, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    if (!sigaction(crashes[i], NULL, &before) && before.sa_handler == SIG_DFL) sigaction(crashes[i], &action, NULL);
  }
}
#else
static void watch_for_crashes(void) {}
#endif
#endif
