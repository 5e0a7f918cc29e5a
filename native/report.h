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
#include <link.h>
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

/* Code of the program, and of the library; the same where they are linked together. Known before there is a crash, in which no lock can be taken. */
static struct code { word from, to; } program_code, library_code;

static bool is_in(struct code code, word at) { return at >= code.from && at < code.to; }

static int note_code(struct dl_phdr_info *info, size_t size, void *unused) {
  struct code code = {~(word)0, 0};
  for (int i = 0; i < info->dlpi_phnum; i++) {
    word from = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
    if (info->dlpi_phdr[i].p_type != PT_LOAD) continue;
    if (from < code.from) code.from = from;
    if (from + info->dlpi_phdr[i].p_memsz > code.to) code.to = from + info->dlpi_phdr[i].p_memsz;
  }
  if (!program_code.to) program_code = code;
  if (is_in(code, (word)note_code)) library_code = code;
  return 0;
}

/* A crash is the program's, unless it happened in the library: in its code, or in what it calls in an operation on a heap. Then it comes again, and ends
 * the program. */
static SLOW void on_crash(int number, siginfo_t *info, void *context) {
  word at = (word)crashed_at(context);
  bool apart = library_code.from != program_code.from;
  signal(number, SIG_DFL);
  /* What was sent does not come again by itself. */
  if (info->si_code <= 0) raise(number);
  if (info->si_code <= 0 || !(apart ? is_in(library_code, at) || (platform_working() && !is_in(program_code, at)) : platform_working())) return;
  say("crash inside the library (signal %u) at address %x, by code at %x: something has written over the heap, or an argument was no address", (word)number, (word)info->si_addr, at);
  say_backtrace();
  say_report((word)info->si_addr);
}

/* Programs that have handlers of their own, now or later, keep them. */
static SLOW void watch_for_crashes(void) {
  dl_iterate_phdr(note_code, NULL);
  for (size_t i = 0; i < sizeof crashes / sizeof *crashes; i++) {
    struct sigaction before, action = {.sa_sigaction = on_crash, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    if (!sigaction(crashes[i], NULL, &before) && before.sa_handler == SIG_DFL) sigaction(crashes[i], &action, NULL);
  }
}
#else
static void watch_for_crashes(void) {}
#endif
#endif
