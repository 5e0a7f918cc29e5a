/* What Linux's C libraries have beside the standard's names, C++'s operators, and the start and end of the process. */
#pragma once

#include <dlfcn.h>
#include <malloc.h>
#include <sys/auxv.h>

#include "resident.h"
#include "threads.h"

#define SYSTEM_PAGE ((size_t)sysconf(_SC_PAGESIZE))

PUBLIC void *valloc(size_t size) { return memalign(SYSTEM_PAGE, size); }

PUBLIC void *pvalloc(size_t size) {
  size_t page = SYSTEM_PAGE, whole = (size + page - 1) & -page;
  return whole < size ? (errno = ENOMEM, NULL) : memalign(page, whole ? whole : page);
}

#ifdef __GLIBC__
/* Callers of glibc's old and internal names. */
void cfree(void *pointer) ALIAS(free);
void __libc_free(void *pointer) ALIAS(free);
void *__libc_malloc(size_t size) ALIAS(malloc);
void *__libc_calloc(size_t count, size_t size) ALIAS(calloc);
void *__libc_realloc(void *pointer, size_t size) ALIAS(realloc);
void *__libc_memalign(size_t alignment, size_t size) ALIAS(memalign);
void *__libc_valloc(size_t size) ALIAS(valloc);
void *__libc_pvalloc(size_t size) ALIAS(pvalloc);
int __posix_memalign(void **out, size_t alignment, size_t size) ALIAS(posix_memalign);
#endif

#include "operators.h"

/* ---- figures ---- */

#ifdef __GLIBC__
PUBLIC int mallopt(int parameter, int value) { return 1; } /* glibc's tunables do not apply */

PUBLIC struct mallinfo2 mallinfo2(void) {
  size_t arena = hakmem_stat(HAKMEM_COMMITTED), live = hakmem_stat(HAKMEM_LIVE);
  return (struct mallinfo2){.arena = arena, .uordblks = live, .fordblks = arena - live, .fsmblks = hakmem_stat(HAKMEM_CACHED), .keepcost = hakmem_stat(HAKMEM_FREE)};
}

PUBLIC struct mallinfo mallinfo(void) {
  struct mallinfo2 wide = mallinfo2();
  return (struct mallinfo){.arena = (int)wide.arena, .uordblks = (int)wide.uordblks, .fordblks = (int)wide.fordblks, .fsmblks = (int)wide.fsmblks, .keepcost = (int)wide.keepcost};
}
#endif

PUBLIC void malloc_stats(void) {
  say("process %u, profile %s: committed %u KiB, live %u KiB, cached %u KiB, free %u KiB, metadata %u KiB, threads %u, peak resident %u KiB",
      (u64)getpid(), HAKMEM_PROFILE, hakmem_stat(HAKMEM_COMMITTED) / KIB, hakmem_stat(HAKMEM_LIVE) / KIB, hakmem_stat(HAKMEM_CACHED) / KIB,
      hakmem_stat(HAKMEM_FREE) / KIB, hakmem_stat(HAKMEM_METADATA) / KIB, hakmem_stat(HAKMEM_THREADS), (u64)peak_resident() / KIB);
}

#include "statistics.h"

/* ---- start and end of the process ---- */

enum { AS_SUMMARY = 1, AS_JSON, AS_PROMETHEUS }; /* HAKMEM_STATS */
static const char *stats_setting; /* HAKMEM_STATS_FILE */

/* Names of files: see heap-profile.h and recording.h. */
static bool is_observers(const char *entry, size_t name_length) {
  static const char *const names[] = {"HAKMEM_HEAP_PROFILE", "HAKMEM_SAMPLE_BYTES", "HAKMEM_RECORD", "HAKMEM_STATS_WATCH"};
  for (int i = 0; i < 4; i++)
    if (strlen(names[i]) == name_length && !memcmp(entry, names[i], name_length)) return true;
  return false;
}

static SLOW void read_setting(const char *entry, size_t name_length) {
  const char *value = entry + name_length + 1;
  for (int i = 0; i < SETTINGS; i++) {
    if (strlen(settings[i].name) != name_length || memcmp(entry, settings[i].name, name_length)) continue;
    bool flag = i >= VERBOSE && i != STATS_SIGNAL;
    u64 number;
    if (i == STATS && (!strcmp(value, "json") || !strcmp(value, "prometheus"))) settings[i].value = *value == 'j' ? AS_JSON : AS_PROMETHEUS;
    else
    if (!parse_number(value, &number) || (flag && number > 1))
      say("%s is '%s', which is not %s; ignored", settings[i].name, value, flag ? "0 or 1" : "a whole number, with k, m, g or t for powers of 1024");
    else settings[i].value = number, settings[i].given = true;
    return;
  }
  if (name_length == 14 && !memcmp(entry, "HAKMEM_PROFILE", 14)) {
    if (strcmp(value, HAKMEM_PROFILE))
      say("HAKMEM_PROFILE is '%s', but this library was built with profile '" HAKMEM_PROFILE "': build the other with hakmem build-native --profile %s", value, value);
  } else if (name_length == 17 && !memcmp(entry, "HAKMEM_STATS_FILE", 17)) stats_setting = value;
  else if (is_observers(entry, name_length)) {
#ifdef HAKMEM_OBSERVE
    if (!strcmp(entry, "HAKMEM_STATS_WATCH=1")) stats_watch = true;
#else
    say("%s: this library cannot observe; hakmem run and hakmem record load one that can, and hakmem.c is one with -DHAKMEM_OBSERVE", entry);
#endif
  } else if (strncmp(entry, "HAKMEM_CACHE=", 13) && strncmp(entry, "HAKMEM_TEST", 11)) say("%s: there is no such setting; ignored", entry); /* the tools' */
}

bool hakmem_keeps_deepbind; /* for deepbind.c */

__attribute__((destructor(101))) static void end(void) {
  if (settings[STATS].value == AS_SUMMARY) malloc_stats();
  else if (settings[STATS].value) hakmem_write_stats(message_file, settings[STATS].value == AS_JSON ? HAKMEM_JSON : HAKMEM_PROMETHEUS);
  if (*stats_file) write_stats_file();
#ifdef HAKMEM_OBSERVE
  end_profile(), end_recording();
#endif
#ifdef HAKMEM_GUARD
  hk_heap_check();
#endif
}

#ifdef HAKMEM_OBSERVE
/* With HAKMEM_STATS_WATCH=1: figures for who watches the program while it runs. He asks by a file, whose name is that of the figures with .ask. and
 * the process's number behind it: a signal would make the program's sleeps end early, and end another program that takes its place. */
static void *watch(void *unused) {
  char ask[sizeof stats_file + 32], *end = put_number(put_text(put_text(ask, stats_file, sizeof stats_file), ".ask.", 5), (word)getpid(), 10);
  *end = 0;
  for (struct timespec pause = {0, 20 * 1000 * 1000};; nanosleep(&pause, NULL))
    if (unlink(ask) == 0) write_stats_file();
  return unused;
}
#endif

#ifdef __GLIBC__
__attribute__((constructor(101))) static void start(int argc, char **argv, char **environment) {
#else /* constructors get no arguments, and the environment is there before them */
__attribute__((constructor(101))) static void start(void) {
  char **environment = environ;
#endif
  for (; environment && *environment; environment++) {
    const char *equals = strchr(*environment, '=');
    if (equals && !strncmp(*environment, "HAKMEM_", 7)) read_setting(*environment, (size_t)(equals - *environment));
  }
  if (stats_setting) begin_stats_file(stats_setting);
  hakmem_keeps_deepbind = settings[KEEP_DEEPBIND].value;
  int file = settings[STATS].value ? fcntl(message_file, F_DUPFD_CLOEXEC, 100) : -1;
  if (file >= 0) message_file = file;
  hk_thread_init(0); /* from here on a foreign pointer is told apart, too */
  watch_threads();
#if defined(HAKMEM_GUARD) && defined(__GLIBC__)
  void *frame; /* see say_backtrace; a static program loads nothing, and is not ready for it yet */
  if (getauxval(AT_BASE)) (void)backtrace(&frame, 1);
#endif
#ifdef HAKMEM_OBSERVE
  begin_observing();
  if (stats_watch && *stats_file) begin_thread(watch);
#endif
#ifdef HAKMEM_GUARD
  watch_for_crashes();
  at_quick_exit(end);
#else
  if (settings[STATS].value || *stats_file) at_quick_exit(end);
#endif
  if (settings[VERBOSE].value) say("process %u uses profile %s", (u64)getpid(), HAKMEM_PROFILE);
}
