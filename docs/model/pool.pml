/*
 * The pool: pages that are claimed and given back by compare-and-swap on one word a SuperSlab, the hint `low`, growth, what is
 * known to read as zero, and whether a refusal is true. assembly/pool.ts, and `purgeSuperslab` of assembly/retention.ts.
 *
 * A thread takes a run of pages, as the callers of `acquirePages` do, who search again after growth; gives its run back; or
 * purges a SuperSlab. A SuperSlab has 2 pages here, so that a run of 4 touches up to three of them.
 */

#include "common.pml"

/* Operations of each thread. */
#ifndef OPS
#define OPS 1
#endif
#ifndef OPS1
#define OPS1 OPS
#endif
#ifndef OPS2
#define OPS2 OPS
#endif
/* Pages that there are at first, that the platform gives at most, and by which memory grows if it can. */
#ifndef GROWN
#define GROWN 6
#endif
#ifndef LIMIT
#define LIMIT 6
#endif
#define GROW 2
/* Longest run that is asked for: 1, 2 or more. */
#ifndef LONGEST
#define LONGEST 2
#endif
/* Whose the pages are at first, a digit a page, page 0 last: 0 for nobody's, a thread's number from 1 on,
   or 7 for what the program keeps. A thread's lie together. */
#ifndef HELD
#define HELD 0
#endif
/* Whether threads purge. */
#ifndef PURGES
#define PURGES 0
#endif

#define BITS 2
#define SUPERSLABS ((LIMIT + BITS - 1) / BITS)
#define BITS_FROM(first, count) (((1 << (count)) - 1) << (first))

/* The words of the control block. */
byte available[SUPERSLABS];
byte dirty[SUPERSLABS];
byte low;
byte end;
byte changes;
byte claims;
/* The platform: pages that it has given. */
byte grown = GROWN;

/*
 * What is true, for the assertions alone. A page is nobody's, or a thread's (its number from 1 on), or in the hands of a
 * thread that may yet give it back unused: then IN_HAND is added.
 */
#define IN_HAND 8
byte owner[LIMIT];
bool zero[LIMIT];
/* Claims of threads that are alive. */
byte living;
/* What a thread asks for, 0 when nothing, and whether there was a moment since then at which there was no such run. */
byte wanted[THREADS];
bool whole[THREADS];
bool lacking[THREADS];
/* For loops in a step. */
byte i, j, k;

/* Free, or not yet grown, or in hands that may give it back. */
#define WITHIN_REACH(page) (owner[page] == 0 || owner[page] >= IN_HAND)

/* Notes for each thread whether what it asks for cannot be had now. To be called whenever pages become somebody's. */
inline look() {
  for (i : 0 .. THREADS - 1) {
    if
    :: wanted[i] && !lacking[i] ->
      k = 0;
      lacking[i] = true;
      for (j : 0 .. LIMIT - 1) {
        if
        :: whole[i] && j % BITS == 0 -> k = 0
        :: else
        fi;
        k = (WITHIN_REACH(j) -> k + 1 : 0);
        if
        :: k >= wanted[i] -> lacking[i] = false
        :: else
        fi
      }
    :: else
    fi
  }
  i = 0; j = 0; k = 0
}

/* The pages [page, page + count) become `whose`. */
inline give(page, count, whose) {
  for (i : page .. page + count - 1) {
    owner[i] = whose
  }
  i = 0
}

/* The part of the run [next, end of run) that lies in one SuperSlab. */
inline part(stop) {
  s = next / BITS;
  length = LEAST(BITS - next % BITS, stop - next);
  mask = BITS_FROM(next % BITS, length)
}

/* pool.ts: noteChange, beginClaim, endClaim */
inline noteChange() {
#ifdef MUTATION_change_not_noted
  skip
#else
  STEP changes++ END
#endif
}
inline beginClaim() {
  STEP claims++; living++; mine++ END
}
inline endClaim() {
  STEP claims--; living--; mine-- END
}

/* pool.ts: putPages; `old` when they may hold data. Nobody but who has a page touches its bit of `dirty`. */
inline putPages(page, count, old) {
  next = page;
  do
  :: DEATH
  :: d_step {
      /* dirtyPages and atomicOr of `dirty`, or of `available` */
      next < page + count && !half ->
      part(page + count);
#ifdef MUTATION_dirty_after_available
      if :: true
#else
      if :: !old
#endif
         -> putBits()
         :: else -> dirty[s] = dirty[s] | mask
      fi;
      half = true
    }
  :: d_step {
      /* atomicOr of `available` */
      next < page + count && half ->
      if
#ifdef MUTATION_dirty_after_available
      :: old -> dirty[s] = dirty[s] | mask
#else
      :: old -> putBits()
#endif
      :: else
      fi;
      half = false;
      next = next + length
    }
  :: d_step { next >= page + count && !half -> hint = low; half = true; next = 0; s = 0; length = 0; mask = 0 }; break
  od;
  /* lowerHint */
  do
  :: DEATH
  :: d_step { !half -> hint = low; half = true }
  :: d_step {
      half && page / BITS < hint ->
      if
      :: low == hint -> low = page / BITS; hint = 0
      :: else -> half = false
      fi
    }
  :: d_step { half && page / BITS >= hint -> half = false; hint = 0 }; break
  od
}

inline putBits() {
  assert((available[s] & mask) == 0);
  available[s] = available[s] | mask;
  for (i : next .. next + length - 1) {
    assert(owner[i] == me + 1 || owner[i] == me + 1 + IN_HAND);
    owner[i] = 0
  }
  i = 0
}

/* pool.ts: claimPages; sets `claimed` and `clean`. With `borrow`, to be given back unused whatever comes. */
inline claimPages(page, count, borrow) {
#ifndef MUTATION_claim_not_announced
  if
  :: page / BITS != (page + count - 1) / BITS -> beginClaim()
  :: page / BITS == (page + count - 1) / BITS
  fi;
#endif
  /* claimRuns */
  ALONE claimed = true; clean = true; next = page END
  do
  :: DEATH
  :: d_step {
      /* atomicLoad */
      claimed && !half && next < page + count ->
      part(page + count);
      bits = available[s];
      if
      :: (bits & mask) == mask -> half = true
      :: else -> claimed = false; bits = 0
      fi
    }
  :: d_step {
      /* atomicCas; who has the pages reads their bits of `dirty` whenever it likes. */
      claimed && half ->
      half = false;
      if
#ifdef MUTATION_claim_by_store
      :: true ->
#else
      :: available[s] == bits ->
#endif
        available[s] = bits & ~mask;
        for (i : next .. next + length - 1) {
          assert(owner[i] == 0);
          owner[i] = me + 1 + IN_HAND
        }
        clean = clean && (dirty[s] & mask) == 0;
        next = next + length;
        if
        :: !borrow && next == page + count -> give(page, count, me + 1); look()
        :: else
        fi
      :: else
      fi;
      bits = 0
    }
  :: d_step { claimed && !half && next >= page + count -> s = 0; length = 0; mask = 0; next = 0 }; break
  :: d_step { !claimed -> s = 0; length = 0; mask = 0; taken = next - page; clean = false };
#ifndef MUTATION_claim_kept
    /* returnPages */
    putPages(page, taken, false);
    noteChange();
#endif
    taken = 0;
    break
  od;
#ifndef MUTATION_claim_not_announced
  if
  :: page / BITS != (page + count - 1) / BITS -> endClaim()
  :: page / BITS == (page + count - 1) / BITS
  fi
#endif
}

/* pool.ts: acquirePages, whose part is scan; sets `claimed`, `clean` and `start`. `count` and `within` are the thread's. */
inline acquirePages() {
  STEP to = end END;
  STEP from = low; superslab = from; origin = from; streak = 0; claimed = false END;
  do
  :: DEATH
  :: d_step {
      /* availablePages, and the search in it */
      superslab < to && streak < count ->
      streak = (within -> 0 : streak);
      i = 0;
      do
      :: i < BITS && streak < count ->
        if
        :: available[superslab] & (1 << i) ->
          if
          :: streak == 0 -> start = superslab * BITS + i; origin = superslab
          :: else
          fi;
          streak++
        :: else -> streak = 0
        fi;
        i++
      :: else -> break
      od;
      i = 0;
      if
      :: streak < count -> superslab++
      :: else
      fi
    }
  :: superslab < to && streak == count ->
    claimPages(start, count, false);
    if
    :: claimed -> break
    /* Somebody was faster: all that the run lay in is looked at again. */
    :: d_step { !claimed -> streak = 0; superslab = origin; start = 0 }
    fi
  :: d_step {
      superslab >= to && !second && from > 0 ->
      /* The hint can be behind: everything is looked at. */
      second = true;
      superslab = 0; origin = 0; streak = 0;
#ifdef MUTATION_hint_trusted
      superslab = to;
#endif
#ifdef MUTATION_second_search_ends_at_hint
      to = LEAST(to, from + 1);
#endif
    }
  :: superslab >= to && (second || from == 0) -> break
  od;
  if
  :: DEATH
  :: d_step {
      claimed && !second && count == 1 && start / BITS > from ->
      if
      :: low == from -> low = start / BITS
      :: else
      fi
    }
  :: !(claimed && !second && count == 1 && start / BITS > from)
  fi;
  ALONE to = 0; from = 0; superslab = 0; second = false; streak = 0; origin = 0 END
}

/* pool.ts: addPages of `step` pages; sets `got`. */
inline addPages() {
#ifndef MUTATION_growth_not_announced
  beginClaim();
#endif
  STEP
    /* platform.grow */
    got = (grown + step <= LIMIT);
    if
    :: got -> to = grown; grown = grown + step; give(to, step, me + 1 + IN_HAND)
    :: else
    fi
  END;
  if
  :: got ->
    /* donatePages: widen, then returnPages */
    do
    :: DEATH
    :: d_step { !half -> superslab = end; half = true }
    :: d_step {
        half && (to + step - 1) / BITS >= superslab ->
        if
        :: end == superslab -> end = (to + step - 1) / BITS + 1; superslab = end
        :: else -> half = false
        fi
      }
    :: d_step { half && (to + step - 1) / BITS < superslab -> half = false; superslab = 0 }; break
    od;
    putPages(to, step, false);
    to = 0
  :: !got
  fi;
  if
#ifdef MUTATION_refusal_noted
  :: true -> noteChange()
#else
  :: got -> noteChange()
  :: !got
#endif
  fi;
#ifndef MUTATION_growth_not_announced
  endClaim()
#endif
}

/* pool.ts: growPool; sets `got`. */
inline growPool() {
  /* trailingPages */
  STEP to = grown; start = grown; half = true END;
  do
  :: DEATH
  :: d_step {
      half && start > 0 ->
      superslab = (start - 1) / BITS;
      do
      :: start > superslab * BITS && available[superslab] & (1 << ((start - 1) % BITS)) -> start--
      :: else -> break
      od;
      half = (start == superslab * BITS);
      superslab = 0
    }
  :: d_step {
      !half || start == 0 ->
      half = false;
      needed = count - LEAST(to - start, count - 1);
      step = MOST(GROW, needed);
      to = 0; start = 0
    };
    break
  od;
  do
  :: true ->
    addPages();
    if
    :: got -> break
    :: !got && step == needed ->
      /* changedSince: who lives comes to an end while it is waited for, the dead do not. */
#ifndef MUTATION_claims_not_awaited
      if
      :: changes != since || claims == 0 || living == 0
      fi;
#endif
      STEP got = (changes != since) END;
      break
    :: d_step { !got && step != needed -> step = MOST(needed, step / 2) }
    fi
  od;
  ALONE needed = 0; step = 0 END
}

#define OPERATIONS (me == 0 -> OPS : (me == 1 -> OPS1 : OPS2))

proctype Thread(byte me) {
  byte ops, count, start, since;
  bool within, got;
  /* The run that the program holds. */
  byte held, holding;
  /* Claims that it has begun. */
  byte mine;
  /* Of claimPages and putPages. */
  byte next, s, length, mask, bits, taken, hint;
  bool claimed, clean, half;
  /* Of acquirePages and growPool. */
  byte to, from, superslab, streak, origin, needed, step;
  bool second;

  d_step {
    for (i : 0 .. LIMIT - 1) {
      if
      :: owner[i] == me + 1 -> held = (holding -> held : i); holding++
      :: else
      fi
    }
    i = 0
  }

  do
  :: ops < OPERATIONS && holding == 0 ->
    /* malloc.ts: allocateBig; thread-cache.ts: slabWithRoom */
    if
    :: count = 1
#if LONGEST >= 2
    :: count = 2
    :: count = 2; within = true
#endif
#if LONGEST > 2
    :: count = LONGEST
#endif
    fi;
    ALONE wanted[me] = count; whole[me] = within; look() END;
    do
    :: true ->
#ifndef MUTATION_count_after_search
      STEP since = changes END;
#endif
      acquirePages();
#ifdef MUTATION_count_after_search
      STEP since = changes END;
#endif
      if
      :: d_step {
          claimed ->
          /* What is said to read as zero does. Then the program writes. */
          for (i : start .. start + count - 1) {
            assert(owner[i] == me + 1);
            assert(!clean || zero[i]);
            zero[i] = false
          }
          i = 0;
          held = start; holding = count
        };
        break
      :: !claimed ->
        growPool();
        if
        :: !got -> assert(lacking[me]); break
        :: got
        fi
      fi
    od;
    ALONE
      wanted[me] = 0; lacking[me] = false; whole[me] = false;
      start = 0; count = 0; since = 0; clean = false; claimed = false; got = false; within = false;
      ops++
    END
  :: ops < OPERATIONS && holding > 0 ->
    /* releasePages */
#ifndef MUTATION_release_not_announced
    beginClaim();
#endif
    putPages(held, holding, true);
    noteChange();
#ifndef MUTATION_release_not_announced
    endClaim();
#endif
    ALONE held = 0; holding = 0; ops++ END
#if PURGES
  :: ops < OPERATIONS ->
    /* retention.ts: purgeSuperslab, of the first run of any SuperSlab */
    select(superslab : 0 .. SUPERSLABS - 1);
    STEP streak = available[superslab] END;
    STEP
      streak = streak & dirty[superslab];
      start = superslab * BITS;
      do
      :: streak != 0 && (streak & 1) == 0 -> streak = streak >> 1; start++
      :: else -> break
      od;
      do
      :: streak & 1 -> streak = streak >> 1; count++
      :: else -> break
      od;
      superslab = 0; streak = 0
    END;
    if
    :: count > 0 ->
      beginClaim();
      claimPages(start, count, true);
      if
      :: claimed ->
        /* platform.purge */
        STEP
          for (i : start .. start + count - 1) {
            assert(owner[i] == me + 1 + IN_HAND);
            zero[i] = true
          }
          i = 0
        END;
#ifdef MUTATION_clean_after_return
        putPages(start, count, false);
#endif
        /* markClean */
        STEP dirty[start / BITS] = dirty[start / BITS] & ~(BITS_FROM(start % BITS, count)) END;
#ifndef MUTATION_clean_after_return
        putPages(start, count, false);
#endif
        noteChange()
      :: !claimed
      fi;
      endClaim()
    :: count == 0
    fi;
    ALONE start = 0; count = 0; claimed = false; clean = false; ops++ END
#endif
  :: ops >= OPERATIONS -> break
  od;
  ALONE running--; held = 0; holding = 0; ops = 0 END;
  goto finished;

gone:
  /* What it had in its hands nobody gets any more, and nobody waits for it. */
  ALONE
    living = living - mine;
    for (i : 0 .. LIMIT - 1) {
      if
      :: owner[i] == me + 1 + IN_HAND -> owner[i] = me + 1
      :: else
      fi
    }
    wanted[me] = 0; lacking[me] = false; whole[me] = false;
    look();
    /* Memory that it had given back without a note of it may be missed by those who search now. */
    for (i : 0 .. THREADS - 1) {
      lacking[i] = (wanted[i] && mine -> true : lacking[i])
    }
    i = 0;
    ops = 0; count = 0; start = 0; since = 0; within = false; got = false; held = 0; holding = 0; mine = 0;
    next = 0; s = 0; length = 0; mask = 0; bits = 0; taken = 0; hint = 0; claimed = false; clean = false; half = false;
    to = 0; from = 0; superslab = 0; streak = 0; origin = 0; needed = 0; step = 0; second = false;
    running--
  END;
finished: skip
}

init {
  int digits = HELD;
  atomic {
    for (i : 0 .. GROWN - 1) {
      owner[i] = digits % 10;
      digits = digits / 10;
      if
      :: owner[i] == 0 -> available[i / BITS] = available[i / BITS] | (1 << (i % BITS))
      :: else
      fi
    }
    end = (GROWN + BITS - 1) / BITS;
    /* A hint, which may be behind. */
    select(low : 0 .. SUPERSLABS - 1);
    /* All pages have been used before, or none has. */
    if
    :: for (i : 0 .. SUPERSLABS - 1) { dirty[i] = BITS_FROM(0, BITS) }
    :: for (i : 0 .. LIMIT - 1) { zero[i] = true }
    fi;
    running = THREADS;
    for (j : 0 .. THREADS - 1) { run Thread(j) }
    i = 0; j = 0
  }
  /* Every page is free and known to be, or somebody's. */
  d_step {
    running == 0 ->
    for (i : 0 .. grown - 1) {
      assert(owner[i] < IN_HAND);
      assert((owner[i] == 0) == ((available[i / BITS] >> (i % BITS)) & 1))
    }
  }
}
