/* Runs a function and calls back before its n-th instruction, by the processor's trap flag. x86-64 only. */
#ifndef STEP_H
#define STEP_H
#define _GNU_SOURCE
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include "check.h"

#define TRAP_FLAG "0x100"

static __thread volatile long step_left; /* instructions until the callback; 0: not stepping */
static void (*volatile step_callback)(void);

static void step_trap(int number, siginfo_t *info, void *context) {
  (void)number, (void)info;
  if (step_left > 0 && --step_left == 0) {
    ((ucontext_t *)context)->uc_mcontext.gregs[REG_EFL] &= ~0x100L;
    step_callback();
  } else if (step_left <= 0) ((ucontext_t *)context)->uc_mcontext.gregs[REG_EFL] &= ~0x100L;
}

static inline void step_prepare(void (*callback)(void)) {
  struct sigaction action = {.sa_sigaction = step_trap, .sa_flags = SA_SIGINFO};
  step_callback = callback;
  CHECK(sigaction(SIGTRAP, &action, NULL) == 0);
}

/* Returns true when the function ended before the callback was due. */
static inline bool step_run(void (*function)(void), long instructions) {
  step_left = instructions;
  __asm__ volatile("pushfq; orq $" TRAP_FLAG ", (%%rsp); popfq" ::: "memory", "cc");
  function();
  __asm__ volatile("pushfq; andq $~" TRAP_FLAG ", (%%rsp); popfq" ::: "memory", "cc");
  bool ended = step_left > 0;
  step_left = 0;
  return ended;
}
#endif
