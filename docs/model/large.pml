/*
 * Large blocks: granules that are claimed and freed by compare-and-swap on words of bits, pages that join for them and stay
 * until somebody needs pages, what is known to read as zero, and whether a refusal is true. assembly/large.ts and
 * `acquireWithin` of assembly/superslab.ts over assembly/pool.ts.
 *
 * One SuperSlab of 2 pages (or more, PAGES) of 2 granules, at the limit of memory. A thread allocates a block, makes it
 * longer or shorter, frees it, or takes pages for itself and gives them back, as a slab and a huge block do.
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
/* Pages whose granules are the bits of one word. */
#ifndef WORD
#define WORD 1
#endif
#ifndef LONGEST
#define LONGEST 3
#endif
/* Whether threads take runs of two pages, too. */
#ifndef HUGE
#define HUGE 0
#endif
/* Searches that are repeated, at most; 0 for no bound. */
#ifndef RETRIES
#define RETRIES 0
#endif
#ifdef MUTATION_retried_for_ever
#undef RETRIES
#define RETRIES 0
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
#define WORDS ((PAGES + WORD - 1) / WORD)
#define WORD_GRANULES (WORD * PAGE)
#define WORD_OF(granule) ((granule) / WORD_GRANULES)
#define BITS_FROM(first, count) (((1 << (count)) - 1) << (first))
#define WORD_BITS(w) BITS_FROM((w) * WORD_GRANULES, WORD_GRANULES)
#define WHOLE(p) BITS_FROM((p) * PAGE, PAGE)
/* The bits of the granules [from, to) that lie in a word, and the pages in which granules lie. */
#define PART(w, from, to) (WORD_BITS(w) & BITS_FROM(from, (to) - (from)))
#define PAGES_AROUND(from, to) BITS_FROM((from) / PAGE, ((to) - 1) / PAGE - (from) / PAGE + 1)

/* pool.ts: the words of the SuperSlab. */
byte available;
byte dirty;
/* pool.ts: the count of changes, as whether it is another than each thread has read, and the claims of those that live. */
bool changed[THREADS];
byte living;
/* large.ts: the words of free granules, side by side. region.ts: the pages of kind LARGE; plain bytes. */
byte granules;
byte large;

/*
 * What is true, as in pool.pml. Granules that a thread has freed, but not yet noted as a change, are nobody's for who claims
 * them, and still the thread's for who is refused: `free` has not returned.
 */
#define IN_HAND 8
#define FREED 16
byte owner[GRANULES];
/* Granules that read as zero, as bits. */
byte zero;
#define ALL_ZERO(granuleBits) ((zero & (granuleBits)) == (granuleBits))
byte wanted[THREADS];
bool whole[THREADS];
bool lacking[THREADS];
byte i, j, k;

#define IS_FREE(granule) (owner[granule] == 0 || owner[granule] >= FREED)
#define WITHIN_REACH(granule) (owner[granule] == 0 || (owner[granule] >= IN_HAND && owner[granule] < FREED))

/* To be called whenever granules become somebody's. */
inline look() {
  for (i : 0 .. THREADS - 1) {
    if
    :: wanted[i] && !lacking[i] ->
      k = 0;
      lacking[i] = true;
      for (j : 0 .. GRANULES - 1) {
        /* A run of whole pages begins with a page. */
        k = (WITHIN_REACH(j) && !(whole[i] && k == 0 && j % PAGE) -> k + 1 : 0);
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

/* Those of `granuleBits`, which are nobody's, come into the thread's hands. */
inline take(granuleBits) {
  for (i : 0 .. GRANULES - 1) {
    if
    :: (granuleBits) & (1 << i) -> assert(IS_FREE(i)); owner[i] = me + 1 + IN_HAND
    :: else
    fi
  }
  i = 0
}

/* All that have `was` become `whose`. */
inline settle(was, whose) {
  for (i : 0 .. GRANULES - 1) {
    if
    :: owner[i] == was -> owner[i] = whose
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

/* pool.ts: acquirePages of a run; sets `claimed` and `page`. A search and a compare-and-swap in one: pool.pml has them apart. */
inline acquirePages(count, whose) {
  STEP
    page = PAGES;
    for (i : 0 .. PAGES - (count)) {
      if
      :: ((available >> i) & BITS_FROM(0, count)) == BITS_FROM(0, count) && (page == PAGES || last) -> page = i
      :: else
      fi
    }
    i = 0;
    claimed = (page != PAGES);
    if
    :: claimed ->
      available = available & ~BITS_FROM(page, count);
      /* acquiredClean */
      assert((dirty & BITS_FROM(page, count)) || ALL_ZERO(BITS_FROM(page * PAGE, (count) * PAGE)));
      give(BITS_FROM(page * PAGE, (count) * PAGE), 0, whose);
      look()
    :: else -> page = 0
    fi
  END
}

/* pool.ts: putPages, whose granules are `whose`; `old` when they may hold data */
inline putPages(first, count, whose, old) {
  if
  :: old -> STEP dirty = dirty | BITS_FROM(first, count) END
  :: !(old)
  fi;
  STEP
    assert((available & BITS_FROM(first, count)) == 0);
    give(BITS_FROM((first) * PAGE, (count) * PAGE), whose, 0);
    available = available | BITS_FROM(first, count)
  END
}

/*
 * large.ts: takeBits of one word; sets `claimed`. With `complete`, all of [granule, granule + count) is the thread's then, and the
 * program writes to it. The bits of `dirty` are read when they are least: others can only set them.
 */
inline takeBits(w, taken, complete) {
  do
  :: DEATH
  :: d_step { !half -> bits = granules & WORD_BITS(w); half = true; claimed = true }
  :: d_step {
      half && (bits & (taken)) == (taken) ->
      if
#ifdef MUTATION_take_by_store
      :: true ->
        granules = (granules & ~WORD_BITS(w)) | (bits & ~(taken));
#else
      :: (granules & WORD_BITS(w)) == bits ->
        granules = granules & ~(taken);
#endif
        take(taken);
        if
        :: complete ->
          give(BITS_FROM(granule, count), me + 1 + IN_HAND, me + 1);
          assert((large & PAGES_AROUND(granule, granule + count)) == PAGES_AROUND(granule, granule + count));
          /* blockClean */
          assert((dirty & PAGES_AROUND(granule, granule + count)) || ALL_ZERO(BITS_FROM(granule, count)));
          zero = zero & ~BITS_FROM(granule, count)
        :: else
        fi;
        look()
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

/* large.ts: putBits of [from, to), which have `was` and get `whose` */
inline putBits(from, to, was, whose) {
  ALONE word = WORD_OF(from) END;
  do
  :: DEATH
  :: d_step {
      word * WORD_GRANULES < (to) ->
      assert((granules & PART(word, from, to)) == 0);
      give(PART(word, from, to), was, whose);
      granules = granules | PART(word, from, to);
      word++
    }
  :: d_step { word * WORD_GRANULES >= (to) -> word = 0 }; break
  od
}

/* large.ts: claimGranules; sets `claimed`. */
inline claimGranules() {
#ifndef MUTATION_several_not_announced
  if
  :: WORD_OF(granule) != WORD_OF(granule + count - 1) -> beginClaim()
  :: WORD_OF(granule) == WORD_OF(granule + count - 1)
  fi;
#endif
  ALONE word = WORD_OF(granule); claimed = true END;
  do
  :: claimed && word <= WORD_OF(granule + count - 1) ->
    takeBits(word, PART(word, granule, granule + count), word == WORD_OF(granule + count - 1));
    if
    :: d_step { claimed -> word++ }
    :: !claimed
    fi
  :: !claimed || word > WORD_OF(granule + count - 1) -> break
  od;
  if
  :: d_step { !claimed && word > WORD_OF(granule) -> stop = word * WORD_GRANULES };
#ifndef MUTATION_parts_kept
    putBits(granule, stop, me + 1 + IN_HAND, 0);
#endif
    stop = 0
  :: claimed || word == WORD_OF(granule)
  fi;
  ALONE word = 0 END;
  if
  :: WORD_OF(granule) != WORD_OF(granule + count - 1) ->
#ifdef MUTATION_several_not_announced
    noteChange(!claimed)
#else
    endClaim(!claimed)
#endif
  :: WORD_OF(granule) == WORD_OF(granule + count - 1)
  fi
}

/* large.ts: freeGranules */
inline freeGranules() {
#ifndef MUTATION_dirty_after_free
  /* markDirty */
  STEP dirty = dirty | PAGES_AROUND(granule, granule + count) END;
#endif
#ifdef MUTATION_change_noted_first
  STEP note() END;
#endif
  putBits(granule, granule + count, me + 1, me + 1 + FREED);
#ifdef MUTATION_dirty_after_free
  STEP dirty = dirty | PAGES_AROUND(granule, granule + count) END;
#endif
  /* noteChange */
  STEP
#ifndef MUTATION_change_not_noted
#ifndef MUTATION_change_noted_first
    note();
#endif
#endif
    settle(me + 1 + FREED, 0)
  END
}

/* large.ts: join of [first, first + count) */
inline join(first, count) {
#ifndef MUTATION_kind_after_granules
  /* setKind */
  STEP large = large | BITS_FROM(first, count) END;
#endif
  putBits((first) * PAGE, ((first) + (count)) * PAGE, me + 1 + IN_HAND, 0);
#ifdef MUTATION_kind_after_granules
  STEP large = large | BITS_FROM(first, count) END;
#endif
}

/* large.ts: joinRun; sets `claimed`. superslab.ts: acquireWithin, of a SuperSlab that has metadata */
inline joinRun(length) {
  beginClaim();
  acquirePages(length, me + 1 + IN_HAND);
  if
  :: claimed ->
    join(page, length);
    ALONE page = 0 END
  :: !claimed
  fi;
#ifdef MUTATION_join_not_noted
  endClaim(false)
#else
  endClaim(claimed)
#endif
}

/* large.ts: joinAvailable of `pages`; sets `any`. */
inline joinAvailable(pages) {
  STEP seen = available & (pages); any = false; page = 0 END;
  do
  :: seen ->
    /* claimPages: one compare-and-swap */
    STEP
      do
      :: !(seen & (1 << page)) -> page++
      :: else -> break
      od;
      seen = seen & ~(1 << page);
#ifdef MUTATION_join_before_claim
      claimed = true
#else
      claimed = (available & (1 << page)) != 0;
      any = any || claimed;
      if
      :: claimed -> available = available & ~(1 << page); give(WHOLE(page), 0, me + 1 + IN_HAND)
      :: else
      fi
#endif
    END;
    if
    :: claimed -> join(page, 1)
    :: !claimed
    fi
  :: !seen -> break
  od;
  ALONE claimed = false; page = 0 END
}

/* large.ts: releaseJoined; sets `any`. */
inline releaseJoined() {
#ifndef MUTATION_release_not_announced
  beginClaim();
#endif
  ALONE any = false; page = 0 END;
  do
  :: page < PAGES ->
#ifdef MUTATION_release_looked_only
    STEP claimed = (granules & WHOLE(page)) == WHOLE(page) END;
    STEP
      if
      :: claimed -> granules = granules & ~WHOLE(page); take(WHOLE(page))
      :: else
      fi
    END;
#else
    takeBits(page / WORD, WHOLE(page), false);
#endif
    if
    :: claimed ->
      /* setKind */
#ifndef MUTATION_released_before_kind
      STEP large = large & ~(1 << page) END;
#endif
      putPages(page, 1, me + 1 + IN_HAND, false);
#ifdef MUTATION_released_before_kind
      STEP large = large & ~(1 << page) END
#endif
    :: !claimed
    fi;
    ALONE page++; any = any || claimed; claimed = false END
  :: page >= PAGES -> break
  od;
  ALONE page = 0 END;
#ifdef MUTATION_release_not_announced
  noteChange(any)
#else
#ifdef MUTATION_release_not_noted
  endClaim(false)
#else
  endClaim(any)
#endif
#endif
}

/* large.ts: search, whose part is fit; sets `claimed` and `granule`. */
inline search() {
  do
  :: true ->
    ALONE granule = GRANULES; word = 0; seen = 0; claimed = false END;
    do
    :: DEATH
    :: d_step {
        word < WORDS && granule == GRANULES ->
        seen = seen | (granules & WORD_BITS(word));
        word++;
        /* The first run or the last one: which one is best does not matter here. */
        for (i : 0 .. GRANULES - count) {
          if
          :: ((seen >> i) & BITS_FROM(0, count)) == BITS_FROM(0, count) &&
             (last -> word == WORDS : granule == GRANULES) -> granule = i
          :: else
          fi
        }
        i = 0
      }
    :: d_step { word == WORDS || granule != GRANULES -> word = 0; seen = 0 }; break
    od;
    if
    :: d_step { granule == GRANULES -> granule = 0 }; break
    :: granule != GRANULES ->
      claimGranules();
#ifdef MUTATION_beaten_once
      break
#else
      if
      :: claimed -> break
      :: !claimed
      fi
#endif
    fi
  od
}

/* large.ts: allocateLarge, of the thorough kind; sets `claimed` and `granule`. */
inline allocateLarge() {
  do
  :: true ->
    if
    :: search()
    /* The hints say that there is no room. */
    :: d_step { !thorough -> claimed = false }
    fi;
    if
    :: claimed || thorough -> break
    :: !claimed && !thorough ->
      joinRun((count + PAGE - 1) / PAGE);
      if
      :: claimed
      :: !claimed ->
#ifndef MUTATION_rest_not_joined
#ifndef MUTATION_join_not_announced
        beginClaim();
#endif
        joinAvailable(BITS_FROM(0, PAGES));
#ifdef MUTATION_join_not_announced
        noteChange(any);
#else
        endClaim(any);
#endif
#endif
        ALONE thorough = true; any = false END
      fi
    fi
  od;
  ALONE thorough = false END
}

/* superslab.ts: acquireWithin of a page, for a slab, or acquirePages of several; sets `claimed`, `page` and `refused`. */
inline takePages() {
  if
  :: count > 1 -> acquirePages(count, me + 1)
  :: count == 1 ->
#ifndef MUTATION_slab_not_announced
    beginClaim();
#endif
    acquirePages(1, me + 1 + IN_HAND);
    if
    :: d_step { claimed -> give(WHOLE(page), me + 1 + IN_HAND, me + 1); look() }
    :: d_step { claimed -> refused = true };
      /* There is no memory for its metadata. */
      putPages(page, 1, me + 1 + IN_HAND, false)
    :: !claimed
    fi;
#ifdef MUTATION_slab_not_announced
    noteChange(refused)
#else
    endClaim(refused)
#endif
  fi
}

/* pool.ts: isWorthRetrying, whose part is changedSince; sets `got`. */
inline retry() {
  if
#if RETRIES
  :: d_step { tries == RETRIES -> got = false }
#endif
  :: d_step {
#if RETRIES
      tries < RETRIES &&
#endif
#ifdef MUTATION_claims_not_awaited
      true ->
#else
      /* Who lives comes to an end while it is waited for, the dead do not. */
      (changed[me] || living == 0) ->
#endif
      got = changed[me];
      assert(got || lacking[me]);
#if RETRIES
      tries++
#endif
    }
  fi
}

#define OPERATIONS (me == 0 -> OPS : (me == 1 -> OPS1 : OPS2))

proctype Thread(byte me) {
  byte ops, count, granule, tries;
  bool got, last;
  /* The block that the program holds, or the pages that a slab or a huge block takes. */
  byte held, holding;
  bool paged;
  /* Claims that it has begun. */
  byte mine;
  byte bits, page, word, seen, stop;
  bool half, claimed, any, thorough, refused;

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
    /* malloc.ts: allocateBig of a large block, where the platform has no more */
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
      STEP changed[me] = false END;
      allocateLarge();
      if
      :: d_step { claimed -> held = granule; holding = count }; break
      :: !claimed ->
        retry();
        if
        :: !got -> break
        :: got
        fi
      fi
    od;
    ALONE
      wanted[me] = 0; lacking[me] = false; changed[me] = false;
      count = 0; granule = 0; tries = 0; got = false; claimed = false; last = false;
      ops++
    END
  :: ops < OPERATIONS && !holding ->
    /* slab.ts: newSlab, as thread-cache.ts: slabWithRoom calls it; large.ts: allocateHuge, as malloc.ts: allocateBig does */
    if
    :: count = 1
#if HUGE
    :: count = 2
#endif
    fi;
    ALONE wanted[me] = count * PAGE; whole[me] = true; look() END;
    do
    :: true ->
      STEP changed[me] = false END;
      takePages();
      if
      :: claimed
      :: !claimed ->
        releaseJoined();
        if
        :: any -> takePages()
        :: !any
        fi
      fi;
      if
      :: claimed -> break
      :: !claimed ->
        retry();
        if
        :: !got -> break
        :: got
        fi
      fi
    od;
    ALONE
      if
      :: claimed && !refused -> held = page * PAGE; holding = count * PAGE; paged = true; zero = zero & ~BITS_FROM(held, holding)
      :: else
      fi;
      wanted[me] = 0; lacking[me] = false; changed[me] = false; whole[me] = false;
      count = 0; page = 0; tries = 0; got = false; claimed = false; refused = false; any = false;
      ops++
    END
  :: ops < OPERATIONS && holding && paged ->
    /* pool.ts: releasePages */
    beginClaim();
    putPages(held / PAGE, holding / PAGE, me + 1, true);
    endClaim(true);
    ALONE paged = false; held = 0; holding = 0; ops++ END
  :: ops < OPERATIONS && holding && !paged ->
    /* large.ts: freeLarge */
    ALONE granule = held; count = holding END;
    freeGranules();
    ALONE held = 0; holding = 0; granule = 0; count = 0; ops++ END
  :: ops < OPERATIONS && holding > 1 && !paged ->
    /* large.ts: resizeLarge, one granule shorter */
    ALONE granule = held + holding - 1; count = 1 END;
    freeGranules();
    ALONE holding--; granule = 0; count = 0; ops++ END
  :: ops < OPERATIONS && holding && !paged && held + holding < GRANULES ->
    /* large.ts: resizeLarge, one granule longer */
    ALONE granule = held + holding; count = 1 END;
    claimGranules();
    if
    :: claimed
    :: !claimed ->
      beginClaim();
      joinAvailable(PAGES_AROUND(granule, granule + count));
      endClaim(true);
      claimGranules()
    fi;
    ALONE holding = (claimed -> holding + 1 : holding); claimed = false; any = false; granule = 0; count = 0; ops++ END
  :: ops < OPERATIONS ->
    /* retention.ts: purgeExcess */
    releaseJoined();
    ALONE any = false; ops++ END
  :: ops >= OPERATIONS -> break
  od;
  ALONE running--; held = 0; holding = 0; ops = 0; paged = false END;
  goto finished;

gone:
  ALONE
    living = living - mine;
    settle(me + 1 + IN_HAND, me + 1);
    wanted[me] = 0; lacking[me] = false; changed[me] = false; whole[me] = false;
    look();
    /* As in pool.pml. */
    for (i : 0 .. GRANULES - 1) {
      mine = (owner[i] == me + 1 + FREED -> 1 : mine)
    }
    for (i : 0 .. THREADS - 1) {
      lacking[i] = (wanted[i] && mine -> true : lacking[i])
    }
    settle(me + 1 + FREED, 0);
    i = 0;
    ops = 0; count = 0; granule = 0; tries = 0; got = false; last = false; held = 0; holding = 0; paged = false; mine = 0;
    bits = 0; page = 0; word = 0; seen = 0; stop = 0;
    half = false; claimed = false; any = false; thorough = false; refused = false;
    running--
  END;
finished: skip
}

init {
  int digits = HELD;
  atomic {
    for (i : 0 .. GRANULES - 1) {
      owner[i] = digits % 10;
      digits = digits / 10;
      zero = zero | (owner[i] -> 0 : 1 << i)
    }
    for (i : 0 .. PAGES - 1) {
      if
      :: ALL_ZERO(WHOLE(i)) -> available = available | (1 << i)
      :: else -> large = large | (1 << i); granules = granules | (zero & WHOLE(i))
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
      assert(!((available >> (i / PAGE)) & 1) || !((large >> (i / PAGE)) & 1));
      assert(!((granules >> i) & 1) || ((large >> (i / PAGE)) & 1))
    }
  }
}
