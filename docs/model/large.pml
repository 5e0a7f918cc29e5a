/*
 * Large blocks: granules that are claimed and freed by compare-and-swap on words of bits, pages that join for them and go
 * back to the pool when their last granule is free, and whether a refusal is true. assembly/large.ts over assembly/pool.ts.
 *
 * One SuperSlab of 2 pages (or more, PAGES) of 2 granules, at the limit of memory. A thread allocates a block, makes it
 * longer or shorter, frees it, or takes a page for itself and gives it back, as a slab does.
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
#define PAGES 2
#endif
#ifndef LONGEST
#define LONGEST 3
#endif
/*
 * Whose the granules are at first, a digit each, granule 0 last: 0 for nobody's, a thread's number from 1 on, or 7 for what
 * the program keeps. Pages of which all are nobody's are available.
 */
#ifndef HELD
#define HELD 0
#endif

#define PAGE 2
#define GRANULES (PAGES * PAGE)
#define BITS_FROM(first, count) (((1 << (count)) - 1) << (first))
#define WHOLE(p) BITS_FROM((p) * PAGE, PAGE)

/* pool.ts: the word of the SuperSlab, and the counts of the control block. */
byte available;
byte changes;
byte claims;
/* large.ts: the word of free granules. region.ts: whether a page is of kind LARGE; a plain byte. */
byte granules;
bool large[PAGES];

/* What is true, as in pool.pml. */
#define IN_HAND 8
byte owner[GRANULES];
byte living;
byte wanted[THREADS];
bool lacking[THREADS];
byte i, j, k;

#define WITHIN_REACH(granule) (owner[granule] == 0 || owner[granule] >= IN_HAND)

inline look() {
  for (i : 0 .. THREADS - 1) {
    if
    :: wanted[i] && !lacking[i] ->
      k = 0;
      lacking[i] = true;
      for (j : 0 .. GRANULES - 1) {
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

/* Those of `granuleBits` that have `was` become `whose`. */
inline give(granuleBits, was, whose) {
  for (i : 0 .. GRANULES - 1) {
    if
    :: (granuleBits) & (1 << i) -> assert(owner[i] == was); owner[i] = whose
    :: else
    fi
  }
  i = 0
}

/* The granules of the page that lie in [granule, granule + count). */
#define PART(p) (WHOLE(p) & BITS_FROM(granule, count))

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

/* pool.ts: putPages of one page, whose granules are `whose` */
inline putPage(p, whose) {
  STEP
    assert((available & (1 << (p))) == 0);
    give(WHOLE(p), whose, 0);
    available = available | (1 << (p))
  END
}

/* pool.ts: claimPages of one page, whose granules become `whose`; sets `claimed`. */
inline claimPage(p, whose) {
  do
  :: DEATH
  :: d_step { !half -> bits = available; half = true; claimed = true }
  :: d_step {
      half && bits & (1 << (p)) ->
      if
      :: available == bits ->
        available = available & ~(1 << (p));
        give(WHOLE(p), 0, whose);
        look()
      :: else -> claimed = false
      fi;
      half = false; bits = 0
    };
    if
    :: claimed -> break
    :: !claimed
    fi
  :: d_step { half && !(bits & (1 << (p))) -> claimed = false; half = false; bits = 0 }; break
  od
}

/* large.ts: takeBits; sets `claimed`. */
inline takeBits(taken) {
  do
  :: DEATH
  :: d_step { !half -> bits = granules; half = true; claimed = true }
  :: d_step {
      half && (bits & (taken)) == (taken) ->
      if
#ifdef MUTATION_take_by_store
      :: true ->
        granules = bits & ~(taken);
#else
      :: granules == bits ->
        granules = granules & ~(taken);
#endif
        give(taken, 0, me + 1 + IN_HAND)
      :: else -> claimed = false
      fi;
      half = false; bits = 0
    };
    if
    :: claimed -> break
    :: !claimed
    fi
  :: d_step { half && (bits & (taken)) != (taken) -> claimed = false; half = false; bits = 0 }; break
  od
}

/* large.ts: freePart of a page, of granules that are `whose` */
inline freePart(p, whose) {
  STEP
    assert((granules & PART(p)) == 0);
    give(PART(p), whose, 0);
    granules = granules | PART(p)
  END;
  takeBits(WHOLE(p));
  if
  :: claimed ->
    /* releaseQuietly: setKind, putPages */
#ifndef MUTATION_kind_left
    STEP large[p] = false END;
#endif
    putPage(p, me + 1 + IN_HAND)
  :: !claimed
  fi
}

/* large.ts: freeGranules */
inline freeGranules() {
#ifndef MUTATION_free_not_announced
  beginClaim();
#endif
  ALONE page = granule / PAGE END;
  do
  :: page * PAGE < granule + count ->
    freePart(page, me + 1);
    page++
  :: page * PAGE >= granule + count -> page = 0; break
  od;
  noteChange();
#ifndef MUTATION_free_not_announced
  endClaim();
#endif
  ALONE claimed = false END
}

/* large.ts: claimGranules, whose part is claimParts; sets `claimed`. */
inline claimGranules() {
#ifdef MUTATION_join_not_announced
  if
  :: granule / PAGE != (granule + count - 1) / PAGE -> beginClaim()
  :: granule / PAGE == (granule + count - 1) / PAGE
  fi;
#else
  beginClaim();
#endif
  ALONE page = granule / PAGE; claimed = true; joined = 0; rested = false END;
  do
  :: claimed && page * PAGE < granule + count ->
    /* kindOfPage */
    if
    :: DEATH
    :: d_step { large[page] -> known = true }
    :: d_step { !large[page] -> known = false }
    fi;
    if
    :: known -> takeBits(PART(page))
    :: !known ->
      claimPage(page, me + 1 + IN_HAND);
      if
      :: claimed -> joined = joined | (1 << page)
      :: !claimed
      fi
    fi;
    if
    :: claimed -> page++
    :: !claimed
    fi
  :: !claimed || page * PAGE >= granule + count -> break
  od;
  if
  :: d_step {
      claimed ->
      /* All is ours. */
      for (i : granule .. granule + count - 1) {
        assert(owner[i] == me + 1 + IN_HAND);
        owner[i] = me + 1
      }
      i = 0;
      look();
      failed = false
    }
  :: d_step { !claimed -> failed = true }
  fi;
  do
  :: page > granule / PAGE ->
    page--;
    if
    :: joined & (1 << page) ->
      if
      :: failed -> putPage(page, me + 1 + IN_HAND); noteChange()
      :: !failed ->
        /* joinPage: setKind, atomicOr */
#ifndef MUTATION_kind_after_granules
        STEP large[page] = true END;
#endif
#ifdef MUTATION_join_opens_all
        STEP granules = granules | WHOLE(page) END
#else
        if
        :: DEATH
        :: d_step {
            PART(page) != WHOLE(page) ->
            assert((granules & WHOLE(page)) == 0);
            give(WHOLE(page) & ~PART(page), me + 1 + IN_HAND, 0);
            granules = granules | (WHOLE(page) & ~PART(page));
            rested = true
          }
        :: PART(page) == WHOLE(page)
        fi;
#endif
#ifdef MUTATION_kind_after_granules
        STEP large[page] = true END;
#endif
      fi
    :: !(joined & (1 << page)) ->
      if
      :: failed ->
#ifdef MUTATION_parts_kept
        skip
#else
        freePart(page, me + 1 + IN_HAND)
#endif
      :: !failed
      fi
    fi
  :: page <= granule / PAGE -> page = 0; joined = 0; break
  od;
  if
#ifdef MUTATION_join_not_noted
  :: failed -> noteChange()
  :: !failed
#else
  :: failed || rested -> noteChange()
  :: !failed && !rested
#endif
  fi;
#ifdef MUTATION_join_not_announced
  if
  :: granule / PAGE != (granule + count - 1) / PAGE -> endClaim()
  :: granule / PAGE == (granule + count - 1) / PAGE
  fi;
#else
  endClaim();
#endif
  ALONE claimed = !failed; failed = false; rested = false; known = false END
}

/* large.ts: allocateLarge, of the second search, which is thorough; sets `claimed` and `granule`. */
inline allocateLarge() {
  do
  :: true ->
    /* availablePages, then fit, which reads the words one after the other */
    STEP seen = available; page = 0; free = 0 END;
    do
    :: DEATH
    :: d_step {
        page < PAGES ->
        free = free | (granules & WHOLE(page)) | ((seen & (1 << page)) -> WHOLE(page) : 0);
        page++
      }
    :: page >= PAGES -> break
    od;
    ALONE
      /* The first run or the last one: which one is best does not matter here. */
      granule = GRANULES;
      for (i : 0 .. GRANULES - count) {
        if
        :: ((free >> i) & BITS_FROM(0, count)) == BITS_FROM(0, count) && (granule == GRANULES || last) -> granule = i
        :: else
        fi
      }
      i = 0; page = 0; free = 0; seen = 0
    END;
    if
    :: granule == GRANULES -> claimed = false; break
    :: granule != GRANULES ->
      claimGranules();
      if
      :: claimed -> break
      :: !claimed
      fi
    fi
  od
}

#define OPERATIONS (me == 0 -> OPS : (me == 1 -> OPS1 : OPS2))

proctype Thread(byte me) {
  byte ops, count, granule, since;
  bool got, last;
  /* The block that the program holds, or the page that a slab takes. */
  byte held, holding;
  bool slab;
  byte mine;
  byte bits, page, joined, seen, free;
  bool half, claimed, known, failed, rested;

  ALONE
    for (i : 0 .. GRANULES - 1) {
      if
      :: owner[i] == me + 1 -> held = (holding -> held : i); holding++
      :: else
      fi
    }
    i = 0
  END;

  do
  :: ops < OPERATIONS && !holding ->
    /* malloc.ts: allocateBig, where the platform has no more */
    if
    :: count = 1
    :: count = 2
#if LONGEST > 2
    :: count = LONGEST
#endif
    fi;
    if
    :: last = false
    :: last = true
    fi;
    ALONE wanted[me] = count; look() END;
    do
    :: true ->
      STEP since = changes END;
      allocateLarge();
      if
      :: d_step { claimed -> held = granule; holding = count }; break
      :: !claimed ->
        /* pool.ts: changedSince */
#ifndef MUTATION_claims_not_awaited
        if
        :: changes != since || claims == 0 || living == 0
        fi;
#endif
        STEP got = (changes != since) END;
        if
        :: !got -> assert(lacking[me]); break
        :: got
        fi
      fi
    od;
    ALONE
      wanted[me] = 0; lacking[me] = false;
      count = 0; granule = 0; since = 0; got = false; claimed = false; last = false;
      ops++
    END
  :: ops < OPERATIONS && !holding ->
    /* slab.ts: newSlab */
#ifndef MUTATION_slab_not_announced
    beginClaim();
#endif
    claimPage(0, me + 1 + IN_HAND);
    if
    :: d_step {
        claimed ->
        for (i : 0 .. PAGE - 1) { owner[i] = me + 1 }
        i = 0;
        look();
        slab = true; held = 0; holding = PAGE
      }
    :: claimed ->
      /* There is no memory for its metadata. */
      putPage(0, me + 1 + IN_HAND);
      noteChange()
    :: !claimed
    fi;
#ifndef MUTATION_slab_not_announced
    endClaim();
#endif
    ALONE claimed = false; ops++ END
  :: ops < OPERATIONS && holding && slab ->
    /* slab.ts: releaseSlab */
    beginClaim();
    putPage(0, me + 1);
    noteChange();
    endClaim();
    ALONE slab = false; held = 0; holding = 0; ops++ END
  :: ops < OPERATIONS && holding && !slab ->
    /* malloc.ts: freeBig. large.ts: freeLarge */
    ALONE granule = held; count = holding END;
    freeGranules();
    ALONE held = 0; holding = 0; granule = 0; count = 0; ops++ END
  :: ops < OPERATIONS && holding > 1 && !slab ->
    /* large.ts: resizeLarge, one granule shorter */
    ALONE granule = held + holding - 1; count = 1 END;
    freeGranules();
    ALONE holding--; granule = 0; count = 0; ops++ END
  :: ops < OPERATIONS && holding && !slab && held + holding < GRANULES ->
    /* large.ts: resizeLarge, one granule longer */
    ALONE granule = held + holding; count = 1 END;
    claimGranules();
    ALONE holding = (claimed -> holding + 1 : holding); claimed = false; granule = 0; count = 0; ops++ END
  :: ops >= OPERATIONS -> break
  od;
  ALONE running--; held = 0; holding = 0; ops = 0; slab = false END;
  goto finished;

gone:
  ALONE
    living = living - mine;
    for (i : 0 .. GRANULES - 1) {
      if
      :: owner[i] == me + 1 + IN_HAND -> owner[i] = me + 1
      :: else
      fi
    }
    wanted[me] = 0; lacking[me] = false;
    look();
    /* As in pool.pml. */
    for (i : 0 .. THREADS - 1) {
      lacking[i] = (wanted[i] && mine -> true : lacking[i])
    }
    i = 0;
    ops = 0; count = 0; granule = 0; since = 0; got = false; last = false; held = 0; holding = 0; slab = false; mine = 0;
    bits = 0; page = 0; joined = 0; seen = 0; free = 0;
    half = false; claimed = false; known = false; failed = false; rested = false;
    running--
  END;
finished: skip
}

init {
  int digits = HELD;
  atomic {
    for (i : 0 .. GRANULES - 1) {
      owner[i] = digits % 10;
      digits = digits / 10
    }
    for (i : 0 .. PAGES - 1) {
      large[i] = owner[i * PAGE] || owner[i * PAGE + 1];
      if
      :: !large[i] -> available = available | (1 << i)
      :: else ->
        granules = granules | (owner[i * PAGE] -> 0 : 1 << (i * PAGE));
        granules = granules | (owner[i * PAGE + 1] -> 0 : 1 << (i * PAGE + 1))
      fi
    }
    running = THREADS;
    for (j : 0 .. THREADS - 1) { run Thread(j) }
    i = 0; j = 0
  }
  d_step {
    running == 0 ->
    for (i : 0 .. GRANULES - 1) {
      assert(owner[i] < IN_HAND);
      /* A granule that is nobody's is known to be free, as one of its own or in a page that is. */
      assert((owner[i] == 0) == (((granules >> i) & 1) + ((available >> (i / PAGE)) & 1) == 1));
      assert(deaths || !((available >> (i / PAGE)) & 1) || !large[i / PAGE])
    }
  }
}
