/* A sample of the blocks in use, and where they were asked for: one in so many bytes, at random, as a Poisson process, which is what tcmalloc, Go and V8
 * do. So a call site's share of the samples is its share of the bytes, whatever the sizes and the order of calls.
 *
 * The file, which packages/tools/src/observe/raw-profile.ts reads:
 *
 *   ├ struct profile, a page ┼ modules: text ┼ stacks: words ┼ sites ┼ live: blocks ┤
 *
 * All of it is written under one lock; counts in `struct profile` grow after what they count is there.
 */
#pragma once

#include <link.h>
#include <unwind.h>

#define DEFAULT_RATE (512 * KIB)
#define MODULES_BYTES (1 * MIB)
#define MOST_FRAMES 128

struct profile {
  char magic[8]; /* "HKPROF1" */
  u64 pid, rate, started, latest; /* bytes; ns of a steady clock */
  u64 modules_at, modules_bytes, stacks_at, stacks_words, sites_at, sites, live_at, live_slots;
  u64 samples, lost, ended;
};

/* Of one stack: a sample stands for `weight` bytes, and for as many objects as these are of its size. */
struct site { u64 hash, stack, frames, bytes, live_bytes; double objects, live_objects; u64 samples; };
struct live { u64 block, size, weight, site, born; }; /* block 0: free, `site` the next one + 1 */

/* Where the last blocks were freed that had been sampled, for the messages of guard builds: by the hash of the block, the last one of each. */
struct ended { u64 block, site, freed; };
#define ENDED 16384

static char profile_file[4096];
static struct ended *ended;
static u64 profile_rate, stacks_most, sites_most, live_most;
static u32 profile_lock;
static u32 *site_index, *live_index; /* open addressing; number + 1 */
static u64 live_free;                /* number + 1 */
static u8 sampled[1 << 16];          /* how many of the sampled blocks have this hash; 255 is for ever */

THREAD_LOCAL u64 unsampled; /* bytes until the next sample, with one more for each block; 0: the next one, and all while there is a recording */
THREAD_LOCAL u64 sampling_random, sampling_interval;

static inline u64 hash_of(u64 value) { return (value >> 4) * 0x9e3779b97f4a7c15; }
/* Large blocks, of which most samples are, have few of the values: so the others are hardly ever taken for one. */
static inline u8 *sampled_at(u64 block) { return &sampled[block >> 4 & 0xffff]; }
static inline bool may_be_sampled(u64 block) { return __atomic_load_n(sampled_at(block), __ATOMIC_RELAXED) != 0; }

static void lock_profile(void) { while (__atomic_exchange_n(&profile_lock, 1, __ATOMIC_ACQUIRE)) sched_yield(); }
static void unlock_profile(void) { __atomic_store_n(&profile_lock, 0, __ATOMIC_RELEASE); }

static u64 *stacks(void) { return (u64 *)((char *)observing.profile + observing.profile->stacks_at); }
static struct site *site_at(u64 number) { return (struct site *)((char *)observing.profile + observing.profile->sites_at) + number; }
static struct live *live_at(u64 number) { return (struct live *)((char *)observing.profile + observing.profile->live_at) + number; }

/* xorshift64* */
static u32 random_bits(void) {
  u64 x = sampling_random;
  x ^= x >> 12, x ^= x << 25, x ^= x >> 27;
  sampling_random = x;
  return (u32)((x * 0x2545f4914f6cdd1d) >> 32);
}

/* Exponentially distributed, of mean `mean`, by comparing uniform numbers only: von Neumann, "Various techniques used in connection with
 * random digits" (1951). */
static u64 exponential(u64 mean) {
  for (u64 whole = 0;; whole++) {
    u32 first = random_bits(), last = first, next;
    unsigned run = 1;
    for (; (next = random_bits()) < last; run++) last = next;
    if (run & 1) return whole * mean + (u64)(((__uint128_t)first * mean) >> 32);
  }
}

struct walk { u64 *to; u32 frames; };

static _Unwind_Reason_Code note_frame(struct _Unwind_Context *context, void *at) {
  struct walk *walk = at;
  u64 address = _Unwind_GetIP(context);
  if (!address || walk->frames == MOST_FRAMES) return _URC_END_OF_STACK;
  walk->to[walk->frames++] = address;
  return _URC_NO_REASON;
}

/* ---- which code lies where: a line for each part of a program or library that can run, `start end offset path` ---- */

static u64 modules_seen; /* how many have ever been loaded, when they were last noted */

static int count_modules(struct dl_phdr_info *info, size_t size, void *count) { return *(u64 *)count = info->dlpi_adds, 1; }

static int note_module(struct dl_phdr_info *info, size_t size, void *unused) {
  char line[4096 + 64], own[4096];
  const char *path = info->dlpi_name;
  if (!path || !*path) {
    ssize_t length = readlink("/proc/self/exe", own, sizeof own - 1);
    if (length <= 0) return 0;
    own[length] = 0, path = own;
  }
  for (int i = 0; i < info->dlpi_phnum; i++) {
    const ElfW(Phdr) *part = &info->dlpi_phdr[i];
    if (part->p_type != PT_LOAD || !(part->p_flags & PF_X)) continue;
    u64 start = info->dlpi_addr + part->p_vaddr;
    char *to = put_text(put_number(line, start, 16), " ", 1);
    to = put_text(put_number(to, start + part->p_memsz, 16), " ", 1);
    to = put_text(put_number(to, part->p_offset, 16), " ", 1);
    to = put_text(put_number(to, info->dlpi_addr, 16), " ", 1);
    to = put_text(put_text(to, path, 4096), "\n", 1);
    u64 bytes = (u64)(to - line), before = observing.profile->modules_bytes;
    char *text = (char *)observing.profile + observing.profile->modules_at;
    if (memmem(text, before, line, bytes) || before + bytes > MODULES_BYTES) continue;
    memcpy(text + before, line, bytes);
    observing.profile->modules_bytes = before + bytes;
  }
  return 0;
}

/* The loader has a lock of its own, which a thread may hold that waits for ours: so this comes before it. */
static void note_modules(void) {
  u64 count = 0;
  dl_iterate_phdr(count_modules, &count);
  if (__atomic_exchange_n(&modules_seen, count, __ATOMIC_ACQ_REL) != count) {
    static u32 noting; /* by several threads at once the text would be damaged; who comes second has its module noted by the next */
    if (__atomic_exchange_n(&noting, 1, __ATOMIC_ACQUIRE)) __atomic_store_n(&modules_seen, 0, __ATOMIC_RELAXED);
    else dl_iterate_phdr(note_module, NULL), __atomic_store_n(&noting, 0, __ATOMIC_RELEASE);
  }
}

/* ---- tables, under the lock ---- */

/* The site of a stack: found or made. `sites_most` when there is no more room. */
static u64 site_of(const u64 *stack, u64 frames) {
  u64 hash = frames;
  for (u64 i = 0; i < frames; i++) hash = (hash ^ stack[i]) * 0x9e3779b97f4a7c15, hash ^= hash >> 29;
  u64 mask = 2 * sites_most - 1, at = hash & mask;
  for (; site_index[at]; at = (at + 1) & mask) {
    struct site *site = site_at(site_index[at] - 1);
    if (site->hash == hash && site->frames == frames && !memcmp(stacks() + site->stack, stack, frames * sizeof *stack)) return site_index[at] - 1;
  }
  u64 number = observing.profile->sites, start = observing.profile->stacks_words;
  if (number == sites_most || start + frames > stacks_most) return sites_most;
  memcpy(stacks() + start, stack, frames * sizeof *stack);
  observing.profile->stacks_words = start + frames;
  *site_at(number) = (struct site){.hash = hash, .stack = start, .frames = frames};
  __atomic_store_n(&observing.profile->sites, number + 1, __ATOMIC_RELEASE);
  site_index[at] = (u32)number + 1;
  return number;
}

static u64 live_place(u64 block) {
  u64 mask = 2 * live_most - 1, at = hash_of(block) >> 20 & mask;
  while (live_index[at] && live_at(live_index[at] - 1)->block != block) at = (at + 1) & mask;
  return at;
}

/* What comes behind in the same run of entries moves up, as if the removed one had never been. */
static void remove_live(u64 place) {
  u64 mask = 2 * live_most - 1, number = live_index[place] - 1, hole = place;
  struct live *live = live_at(number);
  struct site *site = site_at(live->site);
  u8 *count = sampled_at(live->block);
  if (*count != 255) __atomic_store_n(count, *count - 1, __ATOMIC_RELAXED);
  site->live_bytes -= live->weight;
  site->live_objects -= (double)live->weight / (double)(live->size + 1);
  for (u64 at = (hole + 1) & mask; live_index[at]; at = (at + 1) & mask) {
    u64 home = hash_of(live_at(live_index[at] - 1)->block) >> 20 & mask;
    if (((at - home) & mask) >= ((at - hole) & mask)) live_index[hole] = live_index[at], hole = at;
  }
  live_index[hole] = 0;
  *live = (struct live){.site = live_free};
  live_free = number + 1;
}

static void add_sample(u64 block, u64 size, u64 weight, const u64 *stack, u64 frames) {
  u64 place = live_place(block), number = live_free ? live_free - 1 : observing.profile->live_slots, site = site_of(stack, frames);
  if (live_index[place]) { /* its end was not seen: a signal handler freed it while its thread was here */
    remove_live(place);
    place = live_place(block), number = live_free - 1;
  }
  observing.profile->samples++;
  observing.profile->latest = observed_now();
  if (site == sites_most) { observing.profile->lost++; return; }
  double objects = (double)weight / (double)(size + 1);
  struct site *at = site_at(site);
  at->samples++, at->bytes += weight, at->objects += objects;
  if (number == live_most) { observing.profile->lost++; return; }
  if (live_free) live_free = live_at(number)->site;
  *live_at(number) = (struct live){block, size, weight, site, observing.profile->latest};
  if (number == observing.profile->live_slots) __atomic_store_n(&observing.profile->live_slots, number + 1, __ATOMIC_RELEASE);
  live_index[place] = (u32)number + 1;
  at->live_bytes += weight, at->live_objects += objects;
  u8 *count = sampled_at(block);
  if (*count != 255) __atomic_store_n(count, *count + 1, __ATOMIC_RELAXED);
}

/* ---- what observe.h calls ---- */

static void next_sample(void) {
  sampling_interval = profile_rate == 1 ? 0 : exponential(profile_rate);
  unsampled = sampling_interval;
}

/* The bytes until the next sample have been asked for: this block is it. Its weight is all that was asked for since the one before (as tcmalloc has
 * it): the sum of all weights is what the program has allocated, but for what each thread has since its last one. */
static SLOW void sample(u64 block, u64 size) {
  if (!__atomic_load_n(&observing.profile, __ATOMIC_ACQUIRE)) {
    unsampled = MIB; /* not yet, or not at all: to be asked again later */
    return;
  }
  if (busy || !block) return;
  busy = true;
  int saved = errno;
  if (!sampling_random) {
    sampling_random = platform_random() | 1;
    next_sample();
  }
  if (size < unsampled) unsampled -= size + 1;
  else {
    u64 weight = sampling_interval - unsampled + size + 1, stack[MOST_FRAMES];
    struct walk walk = {stack, 0};
    next_sample();
    _Unwind_Backtrace(note_frame, &walk);
    note_modules();
    lock_profile();
    add_sample(block, size, weight, stack, walk.frames);
    unlock_profile();
  }
  errno = saved;
  busy = false;
}

/* The sample of a block; with `born` only the one that began then: another may have taken its place. */
static SLOW void forget_sample(u64 block, u64 born) {
  if (busy || !observing.profile) return;
  busy = true;
  u64 stack[MOST_FRAMES];
  struct walk walk = {stack, 0};
  if (ended) _Unwind_Backtrace(note_frame, &walk);
  lock_profile();
  u64 place = live_place(block);
  if (live_index[place] && (!born || live_at(live_index[place] - 1)->born == born)) {
    if (ended) ended[hash_of(block) / (~(u64)0 / ENDED + 1)] = (struct ended){block, live_at(live_index[place] - 1)->site, site_of(stack, walk.frames)};
    remove_live(place);
  }
  unlock_profile();
  busy = false;
}

#ifdef HAKMEM_GUARD
static void say_stack(const char *what, u64 number) {
  if (number >= observing.profile->sites) return;
  struct site *site = site_at(number);
  say(what);
  void *frames[MOST_FRAMES];
  for (u64 i = 0; i < site->frames; i++) frames[i] = (void *)stacks()[site->stack + i];
#ifdef __GLIBC__
  backtrace_symbols_fd(frames, (int)site->frames, message_file);
#else
  for (u64 i = 0; i < site->frames; i++) say("  %x", (u64)frames[i]);
#endif
}
#endif

/* Where a block was asked for, and where it was freed, as far as the sample has it. */
static SLOW void say_origin(u64 block) {
#ifdef HAKMEM_GUARD
  if (busy || !observing.profile) return;
  busy = true;
  lock_profile();
  u64 place = live_place(block);
  struct ended *end = ended ? &ended[hash_of(block) / (~(u64)0 / ENDED + 1)] : NULL;
  if (live_index[place]) say_stack("the block was allocated by", live_at(live_index[place] - 1)->site);
  else if (end && end->block == block) {
    say_stack("the block was allocated by", end->site);
    say_stack("and freed by", end->freed);
  } else say("where it was allocated is not in the sample");
  unlock_profile();
  busy = false;
#endif
}

/* What is known of a block; its `block` is 0 when it is not in the sample. */
static SLOW struct live sampled_block(u64 block) {
  if (busy || !observing.profile) return (struct live){0};
  busy = true;
  lock_profile();
  u64 place = live_place(block);
  struct live found = live_index[place] ? *live_at(live_index[place] - 1) : (struct live){0};
  unlock_profile();
  busy = false;
  return found;
}

static void stop_profile(void) { __atomic_store_n(&observing.profile, NULL, __ATOMIC_RELEASE); }

/* HAKMEM_HEAP_PROFILE: the file, to whose name the process's number is added. HAKMEM_SAMPLE_BYTES: the mean distance of samples; 1 takes every block. */
static SLOW void begin_profile(void) {
  const char *file = observed_setting("HAKMEM_HEAP_PROFILE"), *distance = observed_setting("HAKMEM_SAMPLE_BYTES");
  if (!file) return;
  if (observing.recording) {
    say("HAKMEM_HEAP_PROFILE: a process is recorded or sampled, not both; it is recorded");
    return;
  }
  profile_rate = DEFAULT_RATE;
  if (distance && (!parse_number(distance, &profile_rate) || !profile_rate || profile_rate > GIB)) {
    say("HAKMEM_SAMPLE_BYTES is '%s', which is not a number of bytes from 1 to 1g; ignored", distance);
    profile_rate = DEFAULT_RATE;
  }
  bool many = profile_rate < 64 * KIB;
  stacks_most = many ? 4 * MIB : 512 * KIB, sites_most = many ? 128 * KIB : 32 * KIB, live_most = many ? 2 * MIB : 128 * KIB;
  u64 modules_at = 4096, stacks_at = modules_at + MODULES_BYTES, sites_at = stacks_at + stacks_most * sizeof(u64), live_start = sites_at + sites_most * sizeof(struct site);
  strncpy(profile_file, file, sizeof profile_file - 1);
  struct profile *made = map_observed(profile_file, 0, live_start + live_most * sizeof(struct live), true);
  site_index = (u32 *)map(2 * sites_most * sizeof *site_index, PROT_READ | PROT_WRITE);
  live_index = (u32 *)map(2 * live_most * sizeof *live_index, PROT_READ | PROT_WRITE);
#ifdef HAKMEM_GUARD
  ended = (struct ended *)map(ENDED * sizeof *ended, PROT_READ | PROT_WRITE);
#endif
  if (!made || !site_index || !live_index) return;
  *made = (struct profile){"HKPROF1", (u64)getpid(), profile_rate, observed_now(), observed_now(), modules_at, 0, stacks_at, 0, sites_at, 0, live_start, 0, 0, 0, 0};
  __atomic_store_n(&observing.profile, made, __ATOMIC_RELEASE);
}

/* The tables have room for a long life: of a program that ends what it has not used goes back to the disk. */
static void punch(int file, u64 from, u64 to) {
#ifdef FALLOC_FL_PUNCH_HOLE
  if (to > from) (void)!fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)from, (off_t)(to - from));
#endif
}

static void end_profile(void) {
  if (!observing.profile) return;
  observing.profile->ended = observed_now();
  char name[4096 + 32];
  int file = open_observed(profile_file, 0, name);
  if (file < 0) return;
  if (!__atomic_exchange_n(&profile_lock, 1, __ATOMIC_ACQUIRE)) { /* once: who has it may have jumped away */
    punch(file, observing.profile->stacks_at + observing.profile->stacks_words * sizeof(u64), observing.profile->sites_at);
    punch(file, observing.profile->sites_at + observing.profile->sites * sizeof(struct site), observing.profile->live_at);
    punch(file, observing.profile->live_at + observing.profile->live_slots * sizeof(struct live), observing.profile->live_at + live_most * sizeof(struct live));
    unlock_profile();
  }
  close(file);
}
