/*
 * The cache of large blocks: slots that hold a block whole or not at all, and the memory behind them. assembly/big-cache.ts,
 * and `allocateBig` and `freeBig` of assembly/malloc.ts.
 *
 * A block is one of BLOCKS places, all of one size, which may be cached in either of two rows, by what it was last asked for
 * as. A row has WAYS slots. The pool is a word of bits, as in pool.pml, and can not grow.
 */

#include "common.pml"

#ifndef OPS
#define OPS 1
#endif
#ifndef OPS1
#define OPS1 OPS
#endif
#ifndef OPS2
#define OPS2 OPS
#endif
#ifndef BLOCKS
#define BLOCKS 2
#endif
#ifndef WAYS
#define WAYS 1
#endif
/* Looks after which a block is freed. */
#define LOOKS 1
/*
 * Whose the blocks are at first, a digit each, block 0 last: 0 for nobody's, a thread's number from 1 on, 7 for what the
 * program keeps, 8 and 9 for the cache's row 0 and 1.
 */
#ifndef HELD
#define HELD 0
#endif
/* Whether threads look at the age of what is cached, as on native. */
#ifndef AGES
#define AGES 0
#endif

#define ROWS 2
#define SLOTS (ROWS * WAYS)
#define AGE 16

/* big-cache.ts: 0, or AGE times the age, plus the block plus 1. */
byte slot[SLOTS];
#define BLOCK_OF(word) ((word) % AGE - 1)
/* large.ts: the bits of free granules, and the length of a block, a plain byte. pool.ts: the counts. */
byte free;
bool length[BLOCKS];
byte changes;
byte claims;

/* What is true, as in pool.pml; a cached block is nobody's. */
#define IN_HAND 8
byte owner[BLOCKS];
byte living;
bool wanted[THREADS];
bool lacking[THREADS];
/* Slots that a thread has been to in the flush that it is at. */
byte passed[THREADS];
byte i, j, k;

inline look() {
  for (i : 0 .. THREADS - 1) {
    if
    :: wanted[i] && !lacking[i] ->
      lacking[i] = true;
      for (j : 0 .. BLOCKS - 1) {
        lacking[i] = lacking[i] && owner[j] && owner[j] < IN_HAND
      }
    :: else
    fi
  }
  i = 0; j = 0
}

inline noteChange() {
  STEP changes++ END
}
inline beginClaim() {
  STEP claims++; living++; mine++ END
}
inline endClaim() {
  STEP claims--; living--; mine-- END
}

/* large.ts: freeLarge; what is in large.pml is one step here. */
inline freeLarge(whose) {
  beginClaim();
  STEP
    assert(!(free & (1 << block)) && owner[block] == whose && !length[block]);
    owner[block] = 0;
    free = free | (1 << block)
  END;
  noteChange();
  endClaim()
}

/* flushBig */
inline flushBig() {
#ifndef MUTATION_flush_not_announced
  beginClaim();
#endif
  index = 0;
  do
  :: DEATH
  :: d_step {
      /* atomicExchange */
      index < SLOTS ->
      word = slot[index];
#ifdef MUTATION_flush_leaves_slot
      slot[index] = slot[index];
#else
      slot[index] = 0;
#endif
      block = (word -> BLOCK_OF(word) : 0);
      if
      :: word -> assert(owner[block] == 0); owner[block] = me + 1 + IN_HAND
      :: else
      fi;
      index++;
      passed[me] = index
    };
    if
    :: word -> freeLarge(me + 1 + IN_HAND)
    :: !word
    fi
  :: index >= SLOTS -> index = 0; break
  od;
#ifndef MUTATION_flush_not_announced
  endClaim();
#endif
  ALONE word = 0; block = 0; passed[me] = 0 END
}

#define OPERATIONS (me == 0 -> OPS : (me == 1 -> OPS1 : OPS2))

proctype Thread(byte me) {
  byte ops, row, since, block, index, word, mine;
  byte held = NONE;
  bool got, collected, kept;

  ALONE
    for (i : 0 .. BLOCKS - 1) {
      held = (owner[i] == me + 1 -> i : held)
    }
    i = 0
  END;

  do
  :: ops < OPERATIONS && held == NONE ->
    /* malloc.ts: allocateBig */
    if
    :: row = 0
    :: row = 1
    fi;
    ALONE wanted[me] = true; look(); index = row * WAYS END;
    /* takeBig */
    do
    :: DEATH
    :: d_step { index < (row + 1) * WAYS && !word -> word = slot[index]; index = (word -> index : index + 1) }
    :: d_step {
        word ->
        if
#ifdef MUTATION_taken_by_store
        :: true ->
#else
        :: slot[index] == word ->
#endif
          block = BLOCK_OF(word);
          slot[index] = 0;
          assert(owner[block] == 0);
          owner[block] = me + 1;
          look();
          got = true
        :: else -> index++
        fi;
        word = 0
      };
      if
      :: got -> break
      :: !got
      fi
    :: index >= (row + 1) * WAYS && !word -> break
    od;
    index = 0;
    if
    :: got ->
      /* setLargeSize */
      STEP length[block] = true; held = block END
    :: !got ->
      do
      :: true ->
        /* What was cached after the flush is a change, too. */
        if
#ifdef MUTATION_flushed_once
        :: true ->
#else
        :: collected
        :: !collected ->
#endif
          STEP since = changes END
        fi;
        /* allocateLarge; finish */
        STEP
          block = 0;
          do
          :: block < BLOCKS && !(free & (1 << block)) -> block++
          :: else -> break
          od;
          got = (block < BLOCKS);
          if
          :: got ->
            free = free & ~(1 << block);
            assert(owner[block] == 0);
            owner[block] = me + 1;
            look()
          :: else -> block = 0
          fi
        END;
        if
        :: got -> STEP length[block] = true; held = block END; break
        :: !got && !collected ->
          /* thread-cache.ts: collect */
          flushBig();
          collected = true
        :: !got && collected ->
          /* pool.ts: growPool, where there is no more */
          if
          :: changes != since || claims == 0 || living == 0
          fi;
          STEP got = (changes != since) END;
          if
          :: !got -> assert(lacking[me]); break
          :: got ->
#ifdef MUTATION_flushed_once
            got = false
#else
            got = false; collected = false
#endif
          fi
        fi
      od
    fi;
    if
    :: DEATH
    :: d_step { held != NONE -> assert(length[held] && owner[held] == me + 1) }
    :: held == NONE
    fi;
    ALONE wanted[me] = false; lacking[me] = false; got = false; collected = false; block = 0; since = 0; ops++ END
  :: ops < OPERATIONS && held != NONE ->
    /* malloc.ts: freeBig. keepBig of a block that was asked for in `row` */
    ALONE block = held; held = NONE; index = row * WAYS END;
#ifndef MUTATION_length_after_slot
    STEP assert(length[block]); length[block] = false END;
#endif
    do
    :: DEATH
    :: d_step { index < (row + 1) * WAYS && !got -> got = (slot[index] == 0); index = (got -> index : index + 1) }
    :: d_step {
        got ->
        if
#ifdef MUTATION_put_by_store
        :: true ->
#else
        :: slot[index] == 0 ->
#endif
          slot[index] = block + 1;
          assert(owner[block] == me + 1);
          owner[block] = 0;
          kept = true;
          /* Putting a block here is not announced, for its price: who has just been here in its flush may miss it. */
          for (i : 0 .. THREADS - 1) {
            lacking[i] = lacking[i] || (wanted[i] && passed[i] > index)
          }
          i = 0
        :: else -> index++
        fi;
        got = false
      };
      if
      :: kept -> break
      :: !kept
      fi
    :: index >= (row + 1) * WAYS && !got -> break
    od;
#ifdef MUTATION_length_after_slot
    STEP length[block] = false END;
#endif
    if
    :: !kept -> freeLarge(me + 1)
    :: kept
    fi;
    ALONE block = 0; index = 0; kept = false; ops++ END
  :: ops < OPERATIONS && held == NONE && (ops > 0 || me > 0) ->
    /* malloc_trim */
    flushBig();
    ops++
#if AGES
  :: ops < OPERATIONS ->
    /* retention.ts: relax. ageBig */
    beginClaim();
    index = 0;
    do
    :: DEATH
    :: d_step { index < SLOTS && !word -> word = slot[index]; index = (word -> index : index + 1) }
    :: d_step {
        word && word / AGE < LOOKS ->
        if
        :: slot[index] == word -> slot[index] = word + AGE
        :: else
        fi;
        word = 0; index++
      }
    :: d_step {
        word && word / AGE >= LOOKS ->
        if
        :: slot[index] == word ->
          block = BLOCK_OF(word);
          slot[index] = 0;
          assert(owner[block] == 0);
          owner[block] = me + 1 + IN_HAND;
          got = true
        :: else
        fi;
        word = 0; index++
      };
      if
      :: got -> got = false; freeLarge(me + 1 + IN_HAND)
      :: !got
      fi
    :: index >= SLOTS && !word -> index = 0; break
    od;
    endClaim();
    ALONE block = 0; ops++ END
#endif
  :: ops >= OPERATIONS -> break
  od;
  ALONE running--; ops = 0; row = 0; held = NONE END;
  goto finished;

gone:
  ALONE
    living = living - mine;
    for (i : 0 .. BLOCKS - 1) {
      owner[i] = (owner[i] == me + 1 + IN_HAND -> me + 1 : owner[i])
    }
    wanted[me] = false; lacking[me] = false; passed[me] = 0;
    look();
    /* As in pool.pml. */
    for (i : 0 .. THREADS - 1) {
      lacking[i] = (wanted[i] && mine -> true : lacking[i])
    }
    i = 0;
    ops = 0; row = 0; since = 0; block = 0; index = 0; word = 0; mine = 0; held = NONE; got = false; collected = false;
    kept = false;
    running--
  END;
finished: skip
}

init {
  int digits = HELD;
  atomic {
    for (i : 0 .. BLOCKS - 1) {
      if
      :: digits % 10 == 0 -> free = free | (1 << i)
      :: digits % 10 == 8 -> slot[0] = i + 1
      :: digits % 10 == 9 -> slot[WAYS] = i + 1
      :: else -> owner[i] = digits % 10; length[i] = true
      fi;
      digits = digits / 10
    }
    running = THREADS;
    for (j : 0 .. THREADS - 1) { run Thread(j) }
    i = 0; j = 0
  }
  /* A block is nobody's, and then free or in one slot; or somebody's. */
  d_step {
    running == 0 ->
    for (i : 0 .. BLOCKS - 1) {
      assert(owner[i] < IN_HAND);
      k = (free >> i) & 1;
      for (j : 0 .. SLOTS - 1) {
        k = (slot[j] && BLOCK_OF(slot[j]) == i -> k + 1 : k)
      }
      assert(k == (owner[i] == 0));
      assert(!k || !length[i])
    }
  }
}
