/* All figures, as JSON or as Prometheus' text: in the shape of HeapStats (packages/hakmem/src/heap/stats.ts), where the words are explained. No stdio, no
 * lock, no allocation: a signal handler may write them, in the middle of malloc. */
#pragma once

#include <stdio.h> /* rename */

struct text { int file; size_t used; bool failed; char bytes[2048]; };

static void flush_text(struct text *text) {
  for (size_t done = 0; done < text->used && !text->failed;) {
    ssize_t written = write(text->file, text->bytes + done, text->used - done);
    if (written > 0) done += (size_t)written;
    else if (written == 0 || errno != EINTR) text->failed = true;
  }
  text->used = 0;
}

/* %s and %u, as `say` has them. */
static SLOW void put_line(struct text *text, const char *format, ...) {
  if (sizeof text->bytes - text->used < 512) flush_text(text);
  char *to = text->bytes + text->used;
  va_list arguments;
  va_start(arguments, format);
  for (; *format; format++) {
    if (*format != '%') *to++ = *format;
    else if (*++format == 's') to = put_text(to, va_arg(arguments, const char *), 200);
    else to = put_number(to, va_arg(arguments, word), 10);
  }
  va_end(arguments);
  text->used = (size_t)(to - text->bytes);
}

static const struct { u32 what; const char *name, *metric, *help; } heap_figures[] = {
  {HAKMEM_LIVE, "live", "live_bytes", "In blocks that were handed out and not freed."},
  {HAKMEM_COMMITTED, "committed", "committed_bytes", "Taken from the system by the heap, what was given back included."},
  {HAKMEM_CACHED, "cached", "cached_bytes", "In blocks that threads keep at hand."},
  {HAKMEM_FREE, "free", "free_bytes", "In pages that hold no block."},
  {HAKMEM_METADATA, "metadata", "metadata_bytes", "Used by the allocator's own structures."},
  {HAKMEM_THREADS, "threads", "threads", "Threads that have a heap."},
};

static const struct { u32 what; const char *name, *metric, *help; } class_figures[] = {
  {1, "slabs", "class_slabs", "Slabs of a size class."},
  {2, "live", "class_live_blocks", "Blocks of a size class that were handed out and not freed."},
  {3, "cached", "class_cached_blocks", "Blocks of a size class that threads keep at hand."},
};

#ifdef HAKMEM_STATISTICS
/* By the numbers of assembly/counters.ts and inspect.ts. */
#define OF_HEAP 0xffffffffu
static const struct { u32 what; const char *name, *metric, *help; } heap_counters[] = {
  {0, "bigAllocated", "big_allocations_total", "Blocks handed out that come from no cache."},
  {1, "bigRequested", "big_requested_bytes_total", "Bytes that were asked for in such calls."},
  {2, "bigFreed", "big_frees_total", "Such blocks that were freed."},
  {3, "growths", "growths_total", "Times that memory was taken from the system."},
  {4, "purges", "purges_total", "Times that memory was given back to the system."},
  {5, "purgedBytes", "purged_bytes_total", "Bytes that were given back to the system."},
  {6, "retirements", "retirements_total", "Slabs that went back to the pool."},
};
static const struct { u32 what; const char *name, *metric, *help; } class_counters[] = {
  {16, "allocated", "class_allocations_total", "Blocks of a size class that were handed out."},
  {17, "requested", "class_requested_bytes_total", "Bytes that were asked for in calls that got a block of a size class."},
  {18, "freed", "class_frees_total", "Blocks of a size class that were freed."},
  {0, "refills", "class_refills_total", "Times that a thread's cache of a size class was filled from a slab."},
  {1, "sentHome", "class_sent_home_total", "Blocks of a size class that a thread's cache sent back to their slabs."},
  {2, "remote", "class_remote_frees_total", "Blocks of a size class that went to a slab of another thread."},
  {3, "slabsMade", "class_slabs_made_total", "Slabs of a size class that were taken from the pool."},
  {4, "slabsRetired", "class_slabs_retired_total", "Slabs of a size class that went back to the pool."},
  {20, "slabsFull", "class_slabs_full", "Slabs of a size class none of whose blocks is free."},
  {21, "slabsPartial", "class_slabs_partial", "Slabs of a size class some of whose blocks are free."},
  {22, "slabsEmpty", "class_slabs_empty", "Slabs of a size class all of whose blocks are free."},
  {5, "retireRatio", "class_retire_ratio_thousandths", "Of the slabs made lately, how many were retired, in thousandths."},
  {6, "freeHits", "class_free_hits_thousandths", "Of the blocks freed lately, how many stayed at hand, in thousandths."},
  {7, "utilisation", "class_utilisation_thousandths", "Of slabs retired lately, how much had been in use, in thousandths."},
};
#endif

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

#ifdef HAKMEM_OBSERVE
static bool stats_watch; /* HAKMEM_STATS_WATCH */

/* The map of pages, for who watches: of each a state of packages/tools/src/view/data.ts and the share that is in use, of 255, in two digits each. */
static void put_pages(struct text *text) {
  enum { SUPERSLAB_PAGES = 32, SLAB = 1, SLAB_STATE = 8, MOST = 128 };
  static const u8 states[] = {0, SLAB_STATE, 4, 3, 2, 1};
  static const char digits[] = "0123456789abcdef";
  u64 sizes[MOST], bytes = hk_page_stat(0, 5), end = hk_page_bound(1);
  u32 classes = 0;
  while (classes < MOST && (sizes[classes] = hk_class_stat(classes, 0))) classes++;
  put_line(text, ",\"pageBytes\":%u,\"superslabs\":[", bytes);
  const char *comma = "";
  for (u64 first = hk_page_bound(0); first < end; first += SUPERSLAB_PAGES) {
    char pages[4 * SUPERSLAB_PAGES + 1] = "";
    bool any = false;
    for (u64 n = 0; n < SUPERSLAB_PAGES; n++) {
      u64 kind = hk_page_stat(first + n, 0), state = states[kind], share = state > 1 ? 255 : 0;
      if (kind == SLAB) {
        u64 size = hk_page_stat(first + n, 1), used = hk_page_stat(first + n, 2), capacity = hk_page_stat(first + n, 3);
        for (u32 i = 0; i < classes; i++)
          if (sizes[i] == size) state = SLAB_STATE + i;
        share = used < capacity ? used * 255 / capacity : 255; /* while others go on, any number may come */
      }
      any |= state != 0;
      char *to = pages + 4 * n;
      to[0] = digits[state >> 4 & 15], to[1] = digits[state & 15], to[2] = digits[share >> 4], to[3] = digits[share & 15];
    }
    if (any) put_line(text, "%s{\"at\":%u,\"pages\":\"%s\"}", comma, first * bytes, pages), comma = ",";
  }
  put_line(text, "]");
}
#endif

static void put_json(struct text *text) {
  put_line(text, "{\"version\":1,\"process\":%u,\"profile\":\"%s\",\"peakResident\":%u", (word)getpid(), HAKMEM_PROFILE, (word)peak_resident());
  for (size_t i = 0; i < COUNT_OF(heap_figures); i++) put_line(text, ",\"%s\":%u", heap_figures[i].name, hk_heap_stat(heap_figures[i].what));
  put_line(text, ",\"classes\":[");
  for (u32 index = 0; hk_class_stat(index, 0); index++) {
    put_line(text, "%s{\"blockSize\":%u", index ? "," : "", hk_class_stat(index, 0));
    for (size_t i = 0; i < COUNT_OF(class_figures); i++) put_line(text, ",\"%s\":%u", class_figures[i].name, hk_class_stat(index, class_figures[i].what));
#ifdef HAKMEM_STATISTICS
    for (size_t i = 0; i < COUNT_OF(class_counters); i++) put_line(text, ",\"%s\":%u", class_counters[i].name, hk_counter(index, class_counters[i].what));
#endif
    put_line(text, "}");
  }
  put_line(text, "]");
#ifdef HAKMEM_STATISTICS
  for (size_t i = 0; i < COUNT_OF(heap_counters); i++) put_line(text, ",\"%s\":%u", heap_counters[i].name, hk_counter(OF_HEAP, heap_counters[i].what));
  put_line(text, ",\"retired\":[");
  for (u32 back = 0; hk_retirement(back, 0); back++)
    put_line(text, "%s{\"time\":%u,\"age\":%u,\"blockSize\":%u,\"used\":%u,\"page\":%u}", back ? "," : "", hk_retirement(back, 0), hk_retirement(back, 1),
             hk_retirement(back, 2), hk_retirement(back, 3), hk_retirement(back, 4));
  put_line(text, "]");
#endif
#ifdef HAKMEM_OBSERVE
  if (stats_watch) put_pages(text);
#endif
  put_line(text, "}\n");
}

static void put_metric(struct text *text, const char *metric, const char *help) {
  size_t length = strlen(metric);
  const char *type = length > 6 && !strcmp(metric + length - 6, "_total") ? "counter" : "gauge";
  put_line(text, "# HELP hakmem_%s %s\n# TYPE hakmem_%s %s\n", metric, help, metric, type);
}

static void put_prometheus(struct text *text) {
  for (size_t i = 0; i < COUNT_OF(heap_figures); i++) {
    put_metric(text, heap_figures[i].metric, heap_figures[i].help);
    put_line(text, "hakmem_%s %u\n", heap_figures[i].metric, hk_heap_stat(heap_figures[i].what));
  }
  put_metric(text, "peak_resident_bytes", "Most memory that the process has had resident.");
  put_line(text, "hakmem_peak_resident_bytes %u\n", (word)peak_resident());
  for (size_t i = 0; i < COUNT_OF(class_figures); i++) {
    put_metric(text, class_figures[i].metric, class_figures[i].help);
    for (u32 index = 0; hk_class_stat(index, 0); index++)
      put_line(text, "hakmem_%s{size=\"%u\"} %u\n", class_figures[i].metric, hk_class_stat(index, 0), hk_class_stat(index, class_figures[i].what));
  }
#ifdef HAKMEM_STATISTICS
  for (size_t i = 0; i < COUNT_OF(heap_counters); i++) {
    put_metric(text, heap_counters[i].metric, heap_counters[i].help);
    put_line(text, "hakmem_%s %u\n", heap_counters[i].metric, hk_counter(OF_HEAP, heap_counters[i].what));
  }
  for (size_t i = 0; i < COUNT_OF(class_counters); i++) {
    put_metric(text, class_counters[i].metric, class_counters[i].help);
    for (u32 index = 0; hk_class_stat(index, 0); index++)
      put_line(text, "hakmem_%s{size=\"%u\"} %u\n", class_counters[i].metric, hk_class_stat(index, 0), hk_counter(index, class_counters[i].what));
  }
#endif
}

PUBLIC int hakmem_write_stats(int file, enum hakmem_format format) {
  struct text text = {.file = file};
  int saved = errno;
  if (format != HAKMEM_JSON && format != HAKMEM_PROMETHEUS) return EINVAL;
  errno = EIO;
  (format == HAKMEM_JSON ? put_json : put_prometheus)(&text);
  flush_text(&text);
  int code = text.failed ? errno : 0;
  errno = saved;
  return code;
}

/* ---- a file that is always whole: written beside it, and put in its place ---- */

static char stats_file[4096]; /* empty: none */
static enum hakmem_format stats_format;

static void write_stats_file(void) {
  static u32 written; /* threads, and handlers of signals in them, write at the same time: each has a file of its own until it is whole */
  char beside[sizeof stats_file + 32], *end = put_number(put_text(put_text(beside, stats_file, sizeof stats_file), ".", 1), (word)getpid(), 10);
  *put_number(put_text(end, "-", 1), (word)__atomic_add_fetch(&written, 1, __ATOMIC_RELAXED), 10) = 0;
  int saved = errno, file = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644), code = file < 0 ? errno : hakmem_write_stats(file, stats_format);
  if (file >= 0) close(file);
  if (!code && rename(beside, stats_file)) code = errno;
  if (code) {
    say("HAKMEM_STATS_FILE: %s cannot be written (error %u)", stats_file, (word)code);
    unlink(beside);
  }
  errno = saved;
}

static void on_stats_signal(int number) { (void)UNCANCELLED((write_stats_file(), 0)); } /* which may have come in malloc */

/* HAKMEM_STATS_FILE: a path that ends in .json or .prom, written at the end, and when the signal comes that HAKMEM_STATS_SIGNAL numbers. */
static SLOW void begin_stats_file(const char *file) {
  size_t length = strlen(file), number = settings[STATS_SIGNAL].value;
  bool json = length > 5 && !strcmp(file + length - 5, ".json"), prometheus = length > 5 && !strcmp(file + length - 5, ".prom");
  if (*file != '/' || length >= sizeof stats_file || (!json && !prometheus)) {
    say("HAKMEM_STATS_FILE is '%s', which is not an absolute path that ends in .json or .prom; ignored", file);
    return;
  }
  stats_format = json ? HAKMEM_JSON : HAKMEM_PROMETHEUS;
  memcpy(stats_file, file, length + 1);
  struct sigaction action = {.sa_handler = on_stats_signal, .sa_flags = SA_RESTART | SA_ONSTACK};
  sigfillset(&action.sa_mask);
  if (number && sigaction((int)number, &action, NULL)) say("HAKMEM_STATS_SIGNAL is %u, which is no signal that can be handled; ignored", (word)number);
}
