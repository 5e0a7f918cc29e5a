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

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

static void put_json(struct text *text) {
  put_line(text, "{\"version\":1,\"process\":%u,\"profile\":\"%s\",\"peakResident\":%u", (word)getpid(), HAKMEM_PROFILE, (word)peak_resident());
  for (size_t i = 0; i < COUNT_OF(heap_figures); i++) put_line(text, ",\"%s\":%u", heap_figures[i].name, hk_heap_stat(heap_figures[i].what));
  put_line(text, ",\"classes\":[");
  for (u32 index = 0; hk_class_stat(index, 0); index++) {
    put_line(text, "%s{\"blockSize\":%u", index ? "," : "", hk_class_stat(index, 0));
    for (size_t i = 0; i < COUNT_OF(class_figures); i++) put_line(text, ",\"%s\":%u", class_figures[i].name, hk_class_stat(index, class_figures[i].what));
    put_line(text, "}");
  }
  put_line(text, "]}\n");
}

static void put_metric(struct text *text, const char *metric, const char *help) {
  put_line(text, "# HELP hakmem_%s %s\n# TYPE hakmem_%s gauge\n", metric, help, metric);
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
  char beside[sizeof stats_file + 32], *end = put_number(put_text(put_text(beside, stats_file, sizeof stats_file), ".", 1), (word)getpid(), 10);
  *end = 0;
  int saved = errno, file = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644), code = file < 0 ? errno : hakmem_write_stats(file, stats_format);
  if (file >= 0) close(file);
  if (!code && rename(beside, stats_file)) code = errno;
  if (code) {
    say("HAKMEM_STATS_FILE: %s cannot be written (error %u)", stats_file, (word)code);
    unlink(beside);
  }
  errno = saved;
}

static void on_stats_signal(int number) { write_stats_file(); }

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
