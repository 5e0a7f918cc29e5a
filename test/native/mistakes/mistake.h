/* What the small wrong programs share. Each is started as
 *
 *   program wrong|right HOW SIZE AMOUNT
 *
 * and makes its mistake only when it is to be wrong; the right one is the same program without it. One that lives to its end says
 * by its exit code what came of the mistake.
 */
#ifndef MISTAKE_H
#define MISTAKE_H
#define _GNU_SOURCE
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
  UNHARMED = 0,  /* it went by, and did no harm that the program could see */
  HARMED = 3,    /* it went by, and data of the program or the heap was damaged */
  VISIBLE = 4,   /* the program computed something else than it would have without a guard: its test would fail */
  REFUSED = 5,   /* the call said no, as it should */
  ABSENT = 77,   /* the allocator has no such function */
  USAGE = 78
};

static int wrong;
static const char *how;
static size_t size;
static long amount;

static void begin(int argc, char **argv) {
  if (argc != 5) exit(USAGE);
  wrong = !strcmp(argv[1], "wrong");
  how = argv[2];
  size = strtoul(argv[3], NULL, 10);
  amount = strtol(argv[4], NULL, 10);
}

static int is(const char *name) { return !strcmp(how, name); }

/* Writes without the compiler's knowledge of whose memory it is. */
static void scribble(void *at, size_t bytes) {
  volatile char *to = (volatile char *)at;
  for (size_t i = 0; i < bytes; i++) to[i] = 'A';
}

/* A block of the program's own, with a pattern that `kept` looks for. */
static char *taken(size_t bytes) { return (char *)memset(malloc(bytes), 'n', bytes); }

static int kept(const char *block, size_t bytes) {
  for (size_t i = 0; i < bytes; i++)
    if (block[i] != 'n') return 0;
  return 1;
}

/* Whether the heap still hands out blocks that are apart from each other and from `held`, if that is one. */
static int sound(const char *held) {
  enum { BLOCKS = 8 };
  char *blocks[BLOCKS + 1];
  for (int i = 0; i < BLOCKS; i++) blocks[i] = taken(size);
  blocks[BLOCKS] = (char *)held;
  for (int i = 0; i <= BLOCKS; i++)
    for (int j = 0; j < i; j++)
      if (blocks[i] && blocks[i] < blocks[j] + size && blocks[j] < blocks[i] + size) return 0;
  return 1;
}

static int outcome(int unharmed) { return unharmed ? UNHARMED : HARMED; }
#endif
