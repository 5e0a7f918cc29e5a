/* Runs a function and calls back before its instructions, by the processor's trap flag. x86-64 only.
 * An instruction that repeats itself counts once, and so does a call out of the code that is of interest. The kernel's own code
 * (the clock) does not count: it begins anew when the time goes on meanwhile. */
#ifndef STEP_H
#define STEP_H
#define _GNU_SOURCE
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/auxv.h>
#include "check.h"

#define TRAP_FLAG 0x100
#define VDSO_BYTES (4 << 12)

static __thread volatile long step_every, step_left; /* instructions from one call to the next, and until the next one */
static __thread volatile unsigned long step_at;             /* address of the instruction that comes next */
static unsigned long step_vdso, step_from, step_bytes = -1ul; /* what is of interest: everything, unless set */
static __thread volatile bool step_outside;
static bool (*volatile step_callback)(void);         /* false ends the stepping */

/* Where a call out of the code of interest returns to, by a way round: meanwhile nothing is stepped. */
static volatile unsigned long step_return __attribute__((used));
__attribute__((naked, used)) static void step_resume(void) {
  __asm__("pushq step_return(%rip); pushfq; orq $0x100, (%rsp); popfq; ret");
}

static void step_trap(int number, siginfo_t *info, void *context) {
  (void)number, (void)info;
  greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
  unsigned long at = (unsigned long)registers[REG_RIP], *top = (unsigned long *)registers[REG_RSP];
  bool was_outside = step_outside, calls_out;
  step_outside = at - step_from >= step_bytes;
  calls_out = step_outside && !was_outside && *top - step_from < step_bytes;
  if (at == step_at || at - step_vdso < VDSO_BYTES || (was_outside && step_outside)) return;
  step_at = at;
  if (--step_left <= 0) {
    bool more = step_callback();
    step_left = step_every;
    if (!more) {
      registers[REG_EFL] &= ~TRAP_FLAG;
      return;
    }
  }
  if (!calls_out) return;
  step_return = *top;
  *top = (unsigned long)step_resume;
  registers[REG_EFL] &= ~TRAP_FLAG;
}

/* `flags`: for sigaction, beside SA_SIGINFO. */
static inline void step_prepare(bool (*callback)(void), int flags) {
  struct sigaction action = {.sa_sigaction = step_trap, .sa_flags = SA_SIGINFO | flags};
  step_callback = callback;
  step_vdso = getauxval(AT_SYSINFO_EHDR);
  CHECK(sigaction(SIGTRAP, &action, NULL) == 0);
}

/* From here on, and up to here. Calls back before instruction `every`, 2 · every, … */
static inline void step_begin(long every) {
  step_every = step_left = every;
  step_outside = false;
  __asm__ volatile("lea -128(%%rsp), %%rsp; pushfq; orq $0x100, (%%rsp); popfq; lea 128(%%rsp), %%rsp" ::: "memory", "cc");
}
static inline void step_end(void) { __asm__ volatile("lea -128(%%rsp), %%rsp; pushfq; andq $~0x100, (%%rsp); popfq; lea 128(%%rsp), %%rsp" ::: "memory", "cc"); }

static inline void step_run(void (*function)(void), long every) {
  step_begin(every);
  function();
  step_end();
}
#endif
