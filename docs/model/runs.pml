/*
 * Runs of free pages that are kept out of the pool: how they are taken, cut, joined and given back to it, and whether a refusal is true.
 * assembly/runs.ts, and `allocateHuge`, `freeHuge` and `resizeHuge` of assembly/large.ts, over assembly/pool.ts.
 *
 * One SuperSlab of PAGES pages at the limit of memory, and two slots, for runs of one page and for longer ones. A thread takes a run,
 * makes it longer, gives it back, or gives all that is kept back to the pool. The hint of `runEdge` may name any slot here.
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
#ifndef PAGES
#define PAGES 4
#endif
#ifndef LONGEST
#define LONGEST 3
#endif
/*
 * Whose the pages are at first, a digit each, page 0 last: 0 for nobody's, in the pool; 5 or 6 for kept in the first or second slot; a
 * thread's number from 1 on; or 7 for what the program keeps. Those of a thread or a slot lie together.
 */
#ifndef HELD
#define HELD 0
#endif

#define SLOTS 2
#define KEPT 5
#define ROW_OF(run) (LENGTH(run) > 1)
/* A run is the bits of its pages. */
#define BITS(count) ((1 << (count)) - 1)
#define LENGTH(run) (((run) & 1) + ((run) >> 1 & 1) + ((run) >> 2 & 1) + ((run) >> 3 & 1) + ((run) >> 4 & 1))
#define FIRST(run) ((run) & (~(run) + 1))
#define BEGINS_WITH(run, bit) ((run) && FIRST(run) == (bit))
/* Whether the page before the run of which `bit` is the first is the last one of `run`. */
#define ENDS_BEFORE(run, bit) (((run) & (bit) >> 1) != 0 && ((run) & ~((bit) - 1)) == 0)

/* The table; pool.ts: the word of the SuperSlab, the count of changes, as whether it is another than each thread has read, and the claims
   of those that live. */
byte slot[SLOTS];
byte available;
bool changed[THREADS];
byte living;

/* What is true, as in pool.pml. */
#define IN_HAND 8
byte owner[PAGES];
byte wanted[THREADS];
bool lacking[THREADS];
byte i, j, k;

#define WITHIN_REACH(page) (owner[page] == 0 || owner[page] >= IN_HAND)

/* To be called whenever pages become somebody's. */
inline look() {
  for (i : 0 .. THREADS - 1) {
    if
    :: wanted[i] && !lacking[i] ->
      k = 0;
      lacking[i] = true;
      for (j : 0 .. PAGES - 1) {
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

/* The pages of `pages`, which are nobody's, come into the thread's hands. */
inline take(pages) {
  for (i : 0 .. PAGES - 1) {
    if
    :: (pages) & (1 << i) -> assert(owner[i] == 0); owner[i] = me + 1 + IN_HAND
    :: else
    fi
  }
  i = 0
}

/* Those of `pages`, which are in the thread's hands or its program's, become `whose`. */
inline give(pages, whose) {
  for (i : 0 .. PAGES - 1) {
    if
    :: (pages) & (1 << i) -> assert(owner[i] == me + 1 || owner[i] == me + 1 + IN_HAND); owner[i] = whose
    :: else
    fi
  }
  i = 0
}

inline note() {
  for (i : 0 .. THREADS - 1) { changed[i] = true }
  i = 0
}

/* pool.ts: beginClaim, endClaim */
inline beginClaim() {
  STEP living++; mine++ END
}
inline endClaim(change) {
  STEP
    living--; mine--;
    if
    :: change -> note()
    :: else
    fi
  END
}
/* What is done instead where a claim is not begun. */
inline noteChange(change) {
  STEP
    if
    :: change -> note()
    :: else
    fi
  END
}

/* pool.ts: acquirePages; sets `claimed` and `got`. A search and a compare-and-swap in one: pool.pml has them apart. */
inline acquirePages() {
  STEP
    for (i : 0 .. PAGES - 1) {
      if
      :: !got && ((available >> i) & BITS(count)) == BITS(count) -> got = BITS(count) << i
      :: else
      fi
    }
    i = 0;
    claimed = (got != 0);
    available = available & ~got;
    take(got); give(got, me + 1); look()
  END
}

/* runs.ts: keep of `pages`; pool.ts: putPages, of one word */
inline keep(pages) {
  STEP
    assert(((pages) & ((pages) + FIRST(pages))) == 0);
#ifdef MUTATION_kept_over_another
    if
    :: true -> slot[ROW_OF(pages)] = pages
#else
    if
    :: slot[ROW_OF(pages)] == 0 -> slot[ROW_OF(pages)] = pages
    :: slot[ROW_OF(pages)] -> assert((available & (pages)) == 0); available = available | (pages)
#endif
    fi;
    give(pages, 0)
  END
}

/* The compare-and-swap by which `found` is taken out of slot `at`; sets `claimed`. */
inline emptySlot() {
#ifdef MUTATION_emptied_by_store
  claimed = true;
#else
  claimed = (slot[at] == found);
#endif
  if
  :: claimed -> slot[at] = 0; take(found)
  :: else
  fi
}

/* runs.ts: cut; sets `claimed` and `got`, the first pages of `found`, and takes the rest out of it. */
inline cut() {
#ifndef MUTATION_cut_not_announced
  beginClaim();
#endif
  STEP
    emptySlot();
    if
    :: claimed -> got = BITS(count) * FIRST(found); found = found & ~got; give(got, me + 1); look()
    :: else -> found = 0
    fi
  END;
  if
  :: found -> keep(found)
  :: !found
  fi;
#ifdef MUTATION_cut_not_announced
  noteChange(found != 0);
#elif defined(MUTATION_rest_not_noted)
  endClaim(false);
#else
  endClaim(found != 0);
#endif
  ALONE found = 0 END
}

/* runs.ts: takeRun, findRun; sets `claimed` and `got`. */
inline takeRun() {
  ALONE at = (count > 1); claimed = false END;
  do
  :: DEATH
  :: d_step { at < SLOTS && !found -> found = slot[at]; if :: LENGTH(found) < count -> found = 0; at++ :: else fi }
  :: at < SLOTS && found ->
    cut();
    if
    :: claimed -> break
    /* Somebody was faster: searched again. */
    :: d_step { !claimed -> at = (count > 1) }
    fi
  :: at >= SLOTS -> break
  od;
  ALONE at = 0 END
}

/* runs.ts: releaseRuns; sets `any`. */
inline releaseRuns() {
#ifndef MUTATION_release_not_announced
  beginClaim();
#endif
  ALONE at = 0; any = false END;
  do
  :: at < SLOTS ->
    STEP found = slot[at] END;
    if
    :: found ->
      STEP emptySlot(); found = (claimed -> found : 0) END;
      if
      :: found ->
        STEP assert((available & found) == 0); available = available | found; give(found, 0); any = true; found = 0 END
      :: !found
      fi
    :: !found
    fi;
    ALONE at++ END
  :: at >= SLOTS -> break
  od;
#ifdef MUTATION_release_not_announced
  noteChange(any);
#elif defined(MUTATION_release_not_noted)
  endClaim(false);
#else
  endClaim(any);
#endif
  ALONE at = 0; claimed = false END
}

/* runs.ts: takeFrom and takeBefore of a slot; `next` is whether `found` is the neighbour. Sets `found`, which is the thread's then. */
inline takeKept(next) {
  if
  :: at = 0
  :: at = 1
  fi;
  STEP
    found = slot[at];
    if
#ifdef MUTATION_hint_trusted
    :: found
#else
    :: next
#endif
    :: else -> found = 0
    fi
  END;
  if
  :: found -> STEP emptySlot(); found = (claimed -> found : 0) END
  :: !found
  fi;
  ALONE at = 0; claimed = false END
}

/* runs.ts: keepRun of `held`, the program's */
inline keepRun() {
#ifndef MUTATION_keep_not_announced
  beginClaim();
#endif
  do
  :: true ->
    takeKept(BEGINS_WITH(found, FIRST(held) << LENGTH(held)));
    if
    :: found
    :: !found ->
      /* freeFrom, claimPages */
      STEP
        i = 0;
        do
        :: available & (FIRST(held) << (LENGTH(held) + i)) -> found = found | (FIRST(held) << (LENGTH(held) + i)); i++
        :: else -> break
        od;
        i = 0
      END;
      STEP
        if
        :: (available & found) == found -> available = available & ~found; take(found)
        :: else -> found = 0
        fi
      END
    fi;
    if
    :: d_step { found -> held = held | found; found = 0 }
    :: !found -> break
    fi
  od;
  do
  :: true ->
    takeKept(ENDS_BEFORE(found, FIRST(held)));
    if
    :: found
    :: !found ->
      /* freeBefore, claimPages */
      STEP
        i = 1;
        do
        :: available & (FIRST(held) >> i) -> found = found | (FIRST(held) >> i); i++
        :: else -> break
        od;
        i = 0
      END;
      STEP
        if
        :: (available & found) == found -> available = available & ~found; take(found)
        :: else -> found = 0
        fi
      END
    fi;
    if
    :: d_step { found -> held = held | found; found = 0 }
    :: !found -> break
    fi
  od;
  keep(held);
#ifdef MUTATION_keep_not_announced
  noteChange(true)
#elif defined(MUTATION_keep_not_noted)
  endClaim(false)
#else
  endClaim(true)
#endif
}

#define OPERATIONS (me == 0 -> OPS : (me == 1 -> OPS1 : OPS2))

proctype Thread(byte me) {
  byte ops, count, at, found, got, mine;
  /* The run that the program holds. */
  byte held;
  bool claimed, any;

  d_step {
    for (i : 0 .. PAGES - 1) { held = held | (owner[i] == me + 1 -> 1 << i : 0) }
    i = 0
  }

  do
  :: ops < OPERATIONS && !held ->
    /* malloc.ts: allocateBig; large.ts: allocateHuge */
    if
    :: count = 1
    :: count = LONGEST
    fi;
    ALONE wanted[me] = count; look() END;
    do
    :: true ->
      STEP changed[me] = false END;
      takeRun();
      if
      :: claimed -> break
      :: !claimed
      fi;
      /* acquireAny */
      acquirePages();
      if
      :: claimed -> break
      :: !claimed
      fi;
#ifndef MUTATION_kept_is_refused
      releaseRuns();
      if
      :: any -> acquirePages()
      :: !any
      fi;
      if
      :: claimed -> break
      :: !claimed
      fi;
#endif
      /* growPool, which the platform refuses; changedSince */
#ifndef MUTATION_claims_not_awaited
      if
      :: changed[me] || living == 0
      fi;
#endif
      if
      :: changed[me]
      :: !changed[me] -> assert(lacking[me]); break
      fi
    od;
    ALONE held = got; got = 0; wanted[me] = 0; lacking[me] = false; count = 0; claimed = false; any = false; ops++ END
  :: ops < OPERATIONS && held ->
    if
    :: keepRun();
      ALONE held = 0 END
    :: /* large.ts: resizeHuge; runs.ts: takeRunAt */
      if
      :: at = 0
      :: at = 1
      fi;
      ALONE count = 1 END;
      STEP
        found = slot[at];
        if
        :: BEGINS_WITH(found, FIRST(held) << LENGTH(held))
        :: else -> found = 0
        fi
      END;
      if
      :: found -> cut()
      :: !found
      fi;
      ALONE held = held | got; got = 0; at = 0; count = 0; claimed = false END
    :: /* retention.ts: purgeIdle; host.ts: malloc_trim */
      releaseRuns();
      ALONE any = false END
    fi;
    ALONE ops++ END
  :: ops >= OPERATIONS -> break
  od;
  ALONE running--; held = 0; ops = 0 END;
  goto finished;

gone:
  /* What it had in its hands nobody gets any more, and nobody waits for it. */
  ALONE
    living = living - mine;
    for (i : 0 .. PAGES - 1) {
      if
      :: owner[i] == me + 1 + IN_HAND -> owner[i] = me + 1
      :: else
      fi
    }
    wanted[me] = 0; lacking[me] = false;
    look();
    /* Memory that it had given back without a note of it may be missed by those who search now. */
    for (i : 0 .. THREADS - 1) {
      lacking[i] = (wanted[i] && mine -> true : lacking[i])
    }
    i = 0;
    ops = 0; count = 0; at = 0; found = 0; got = 0; mine = 0; held = 0; claimed = false; any = false;
    running--
  END;
finished: skip
}

init {
  int digits = HELD;
  atomic {
    for (i : 0 .. PAGES - 1) {
      owner[i] = digits % 10;
      digits = digits / 10;
      if
      :: owner[i] == 0 -> available = available | (1 << i)
      :: owner[i] >= KEPT && owner[i] < KEPT + SLOTS -> slot[owner[i] - KEPT] = slot[owner[i] - KEPT] | (1 << i); owner[i] = 0
      :: else
      fi
    }
    running = THREADS;
    for (j : 0 .. THREADS - 1) { run Thread(j) }
    i = 0; j = 0
  }
  /* Every page is somebody's, or free: in the pool or in one slot. */
  d_step {
    running == 0 ->
    assert((slot[0] & slot[1]) == 0 && ((slot[0] | slot[1]) & available) == 0);
    for (i : 0 .. PAGES - 1) {
      assert(owner[i] < IN_HAND);
      assert((owner[i] == 0) == (((slot[0] | slot[1] | available) >> i) & 1))
    }
  }
}
