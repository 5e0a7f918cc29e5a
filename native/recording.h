/* Writing down every call: what size, when, by which thread, and which block; never what is in a block.
 *
 * The file consists of chunks, each of one thread's events, which packages/tools/src/observe/raw-recording.ts reads:
 *
 *   ├ struct chunk ┼ events: struct chunk's `used` bytes ┼ nothing ┤
 *
 *   event    varint: ticks since the thread's last event << 2 | kind
 *     NEW      varint: size       zigzag: address
 *     END      zigzag: address
 *     RESIZED  varint: size       zigzag: old address       zigzag: new address       varint: how many ticks it took
 *     ALIGNED  varint: size       zigzag: address           byte: binary logarithm of the alignment
 *
 * Addresses are in units of 8 bytes, and differences from the last one of the same chunk. A tick is 16 of the processor's clock. An event's time
 * is when the block was there, and before it is not: so the events of all threads, sorted by time, never have one block in use twice.
 * `used` grows after each event: what a program that is killed has done is there.
 */
#pragma once

#define CHUNK (64 * KIB)
#define MOST_OF_EVENT 64
#define LONG_AGO 14 /* binary logarithm of ticks: a tenth of a millisecond */
enum event_kind { NEW, END, RESIZED, ALIGNED_NEW };

struct chunk {
  char magic[8]; /* "HKCALLS2" */
  u64 pid, thread, number, ticks, ns, used;
  u64 later_ticks, later_ns; /* a second moment, by which the length of a tick is known; 0: not yet */
  char program[24];
  u8 events[];
};

static u64 next_chunk;
static pthread_key_t chunk_key;

THREAD_LOCAL struct chunk *chunk;
THREAD_LOCAL bool chunk_closed;
THREAD_LOCAL u64 last_ticks, last_address;

static inline u64 ticks_now(void) {
#ifdef __x86_64__
  return __builtin_ia32_rdtsc() >> 4;
#else
  u64 ticks;
  __asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks));
  return ticks;
#endif
}

static void stop_recording(void) { __atomic_store_n(&observing.recording, NULL, __ATOMIC_RELAXED); }

/* What the C library frees of a thread behind all destructors goes by unseen: nobody would close a chunk for it. */
static void close_chunk(void *last) {
  if (last) munmap(last, CHUNK);
  chunk = NULL, chunk_closed = true;
}

static SLOW bool open_chunk(void) {
  const char *file = observing.recording;
  if (busy || !file || chunk_closed) return false;
  busy = true;
  u64 number = __atomic_fetch_add(&next_chunk, 1, __ATOMIC_RELAXED);
  struct chunk *made = map_observed(file, number * CHUNK, CHUNK, number == 0);
  if (!made) stop_recording();
  else {
    if (chunk) munmap(chunk, CHUNK);
    last_ticks = ticks_now(), last_address = 0;
    *made = (struct chunk){"HKCALLS2", (u64)getpid(), (u64)syscall(SYS_gettid), number, last_ticks, observed_now(), 0, 0, 0, ""};
    strncpy(made->program, program_invocation_short_name, sizeof made->program - 1);
    chunk = made;
    pthread_setspecific(chunk_key, made);
  }
  busy = false;
  return made != NULL;
}

static inline u8 *put_varint(u8 *to, u64 value) {
  for (; value >= 128; value >>= 7) *to++ = (u8)(value | 128);
  *to++ = (u8)value;
  return to;
}

static inline u8 *put_address(u8 *to, u64 address) {
  s64 difference = (s64)((address >> 3) - last_address);
  last_address = address >> 3;
  return put_varint(to, (u64)difference << 1 ^ (u64)(difference >> 63));
}

static __attribute__((noinline, cold)) void note_moment(void) {
  chunk->later_ticks = ticks_now(), chunk->later_ns = observed_now();
}

/* The place of an event, with its time; null when there is none. What a signal handler does until the event's end goes by unseen. */
static inline u8 *begin_event(enum event_kind kind, u64 ticks) {
  if (busy || ((!chunk || sizeof *chunk + chunk->used + MOST_OF_EVENT > CHUNK) && !open_chunk())) return NULL;
  busy = true;
  u64 passed = ticks > last_ticks ? ticks - last_ticks : 0;
  last_ticks += passed;
  if (passed >> LONG_AGO) note_moment();
  return put_varint(chunk->events + chunk->used, passed << 2 | kind);
}

static inline void end_event(u8 *to) {
  __atomic_store_n(&chunk->used, (u64)(to - chunk->events), __ATOMIC_RELEASE);
  busy = false;
}

static __attribute__((noinline)) void record_new(u64 block, u64 size, unsigned alignment) {
  u8 *to = begin_event(alignment ? ALIGNED_NEW : NEW, ticks_now());
  if (!to) return;
  to = put_address(put_varint(to, size), block);
  if (alignment) *to++ = (u8)alignment;
  end_event(to);
}

static __attribute__((noinline)) void record_free(u64 block) {
  u8 *to = begin_event(END, ticks_now());
  if (to) end_event(put_address(to, block));
}

static __attribute__((noinline)) void record_resized(u64 old, u64 block, u64 size, u64 began) {
  u64 ended = ticks_now();
  u8 *to = begin_event(RESIZED, began);
  if (!to) return;
  to = put_address(put_address(put_varint(to, size), old), block);
  end_event(put_varint(to, ended > began ? ended - began : 0));
}

static void end_recording(void) {
  if (observing.recording && chunk) note_moment();
}

/* HAKMEM_RECORD: the file, to whose name the process's number is added. */
static SLOW void begin_recording(void) {
  const char *file = observed_setting("HAKMEM_RECORD");
  static char name[4096];
  if (!file) return;
  if (*file != '/' || strlen(file) >= sizeof name) say("HAKMEM_RECORD is '%s', which is not an absolute path of less than 4096 bytes; ignored", file);
  else if (pthread_key_create(&chunk_key, close_chunk) == 0) {
    observing.recording = strcpy(name, file);
    open_chunk(); /* makes the file, before other threads write to it */
  }
}
