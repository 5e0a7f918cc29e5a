/*
 * Blocks on their way home and slabs that change hands: the remote word with its pending flag, the stacks of pending slabs,
 * and the heaps of threads that died at any step, mended and taken over. assembly/remote.ts, slab.ts and thread-cache.ts.
 *
 * One size class, slabs of 2 blocks. Each thread has a heap; what it does is chosen from its own list (DO0, DO1, DO2). When
 * all are done or dead, one more thread frees what the program still holds, declares the dead dead, and collects: then
 * every slab must be back in the pool but one for each death.
 */

#include "common.pml"

#ifndef SLABS
#define SLABS 2
#endif
#define EACH 2
#define BLOCKS (SLABS * EACH)
#define HEAPS (THREADS + 1)

/* What threads may do, as sums. */
#define MALLOC 1
#define FREE_ONE 2
#define FLUSH 4
#define TIDY 8
#define EXIT 16
#define ADOPT 32
#define PUT_BACK 64
#ifndef DO0
#define DO0 MALLOC
#endif
#ifndef DO1
#define DO1 FLUSH
#endif
#ifndef DO2
#define DO2 ADOPT
#endif
#ifndef OPS
#define OPS 1
#endif
#ifndef OPS1
#define OPS1 OPS
#endif
#ifndef OPS2
#define OPS2 OPS
#endif
/*
 * Where the blocks of the first slab, which heap 0 owns, and of the second one are at first, a digit each, block 1 last:
 * 7 for the program, a heap's number from 1 on for its bin, 0 for home. A slab all of whose blocks are home is in the pool.
 */
#ifndef PLACES
#define PLACES 22
#endif
/* The heap that owns the second slab. */
#ifndef OWNER1
#define OWNER1 1
#endif


/* Links of free blocks; blocks count from 1, and a block's slab is found by its number. */
byte link[BLOCKS + 1];
#define SLAB_OF(block) (((block) - 1) / EACH)
#define FIRST_OF(slab) ((slab) * EACH + 1)

/* Slabs. The three of `remote` are one word. */
typedef Slab {
  byte remoteHead;
  byte remoteCount;
  bool remotePending;
  byte owner; /* heap, or NONE */
  byte pendingNext; /* slab, or NONE */
  byte free;
  byte carved;
  byte used;
  bool queued;
  bool classed
};
Slab slab[SLABS];
/* The pool: a bit for each slab whose pages are available. */
byte pool;

#define FREE 0
#define LIVE 1
#define ABANDONED 2
#define ADOPTING 3
/* Heaps. State and id are one word. */
typedef Heap {
  byte state;
  byte id;
  byte pending; /* slab, or NONE */
  byte homeward;
  byte bin;
  byte queue; /* bits of slabs */
  bool busy
};
Heap heap[HEAPS];

/* What is true: blocks that the program holds, blocks in the hands of a thread between it and its heap; who is dead. */
bool held[BLOCKS + 1];
bool dead[THREADS + 1];
byte i, j, k;

#define HAS_ROOM(s) (slab[s].free || slab[s].carved < EACH)
#define IN(s, bits) ((bits) & (1 << (s)))

/*
 * Subroutines are labels, each with its own way back: an inline in each place would make a model too large to compile.
 * `h` is the heap that is worked on, `s` the slab.
 */
#define CALL(routine, place) ALONE back_##routine = place END; goto routine; routine##_##place: skip
#define RETURN(routine, place) :: back_##routine == place -> goto routine##_##place

#define SAME(s) \
  (slab[s].remoteHead == wordHead && slab[s].remoteCount == wordCount && slab[s].remotePending == wordPending)
#define READ(s) \
  wordHead = slab[s].remoteHead; wordCount = slab[s].remoteCount; wordPending = slab[s].remotePending; half = true
#define FORGET wordHead = 0; wordCount = 0; wordPending = false

/* remote.ts: resetSlab */
inline resetSlab() {
#ifdef MUTATION_carved_before_free
  STEP slab[s].carved = 0 END;
  STEP slab[s].free = 0 END;
#else
  STEP slab[s].free = 0 END;
  STEP slab[s].carved = 0 END;
#endif
  STEP slab[s].used = 0 END
}

/* remote.ts: putRemote of what was taken as `wordHead` and `wordCount` */
inline putRemote() {
  if
  :: DEATH
  :: d_step {
      slab[s].free == 0 ->
      slab[s].free = wordHead;
      slab[s].used = slab[s].used - wordCount
    }
  :: slab[s].free != 0 -> resetSlab()
  fi
}

/* thread-cache.ts: flushBins of `h`, of the one bin that there is; there is no spare. */
#define FLUSH_BINS(place) \
  STEP heap[h].homeward = heap[h].bin END; \
  STEP heap[h].bin = 0 END; \
  CALL(sendHome, place)

/* Gives the block `head`, if it is one, to the program. */
inline hand() {
  if
  :: head ->
    STEP
      assert(!held[head]);
      held[head] = true;
      head = 0
    END
  :: !head
  fi
}

#ifdef MUTATION_put_back_into_any
#define MAY_PUT_BACK(block) held[block]
#else
#define MAY_PUT_BACK(block) (held[block] && slab[SLAB_OF(block)].owner == me && slab[SLAB_OF(block)].queued && \
  slab[SLAB_OF(block)].used > 1 + slab[SLAB_OF(block)].remoteCount)
#endif

#define OPERATIONS (me == 0 -> OPS : (me == 1 -> OPS1 : OPS2))
#define MAY(what) (ops < OPERATIONS && ((me == 0 -> DO0 : (me == 1 -> DO1 : DO2)) & (what)))

proctype Thread(byte me) {
  byte ops, doing;
  byte h, s, head, last, count, next, owner, from, n, chosen;
  byte top = NONE;
  byte wordHead, wordCount;
  bool wordPending, half, takes, found, got, broken, recount, collected;
  byte back_pushPending, back_queueOrRetire, back_retire, back_drainPending, back_sendHome, back_adoptSlabs, back_adoptAbandoned;
  byte back_trimHeap;
#ifdef MUTATION_homeward_not_kept
  byte rest;
#endif

  if
  :: me == THREADS -> running == 0; goto collectAll
  :: me < THREADS
  fi;

operation:
  ALONE ops = (doing -> ops + 1 : ops); doing = 0; h = me; s = 0; from = 0; got = false END;
  if
  :: MAY(MALLOC) && heap[me].bin ->
    /* malloc.ts: malloc */
    doing = MALLOC;
    STEP head = heap[me].bin; heap[me].bin = link[head] END;
    hand();
    goto operation
  :: MAY(MALLOC) && !heap[me].bin -> doing = MALLOC
  :: MAY(FREE_ONE) ->
    /* malloc.ts: free, of any block that the program holds */
    doing = FREE_ONE;
    if
    :: d_step { held[1] -> held[1] = false; head = 1 }
    :: d_step { held[2] -> held[2] = false; head = 2 }
#if SLABS > 1
    :: d_step { held[3] -> held[3] = false; head = 3 }
    :: d_step { held[4] -> held[4] = false; head = 4 }
#endif
    :: true -> goto operation
    fi;
    STEP link[head] = heap[me].bin; heap[me].bin = head; head = 0 END;
    goto operation
  :: MAY(PUT_BACK) ->
    /* thread-cache.ts: putBack of any block that the program holds, which is no operation; slab.ts: putFree */
    doing = PUT_BACK;
    if
    :: d_step { MAY_PUT_BACK(1) -> held[1] = false; head = 1 }
    :: d_step { MAY_PUT_BACK(2) -> held[2] = false; head = 2 }
#if SLABS > 1
    :: d_step { MAY_PUT_BACK(3) -> held[3] = false; head = 3 }
    :: d_step { MAY_PUT_BACK(4) -> held[4] = false; head = 4 }
#endif
    :: true -> goto operation
    fi;
    STEP link[head] = slab[SLAB_OF(head)].free END;
    STEP slab[SLAB_OF(head)].free = head END;
    STEP slab[SLAB_OF(head)].used--; head = 0 END;
    goto operation
  :: MAY(FLUSH) -> doing = FLUSH
  :: MAY(TIDY) -> doing = TIDY
  :: MAY(EXIT) -> doing = EXIT
  :: MAY(ADOPT) -> doing = ADOPT
  :: ops >= OPERATIONS -> goto ended
  fi;
  if
  :: doing == ADOPT ->
reclaim:
    /* thread-cache.ts: reclaimThread of every thread that is known to be dead */
    do
    :: DEATH
    :: d_step {
        from < HEAPS ->
        if
        :: (heap[from].state == LIVE || heap[from].state == ADOPTING) && dead[heap[from].id - 1] ->
          heap[from].state = ABANDONED;
          heap[from].id = 0
        :: else
        fi;
        from++
      }
    :: from >= HEAPS -> from = 0; break
    od
  :: doing != ADOPT
  fi;
  /* thread.ts: enter */
#ifndef MUTATION_busy_not_set
  STEP heap[me].busy = true END;
#endif
  if
  :: doing == MALLOC ->
    /* thread-cache.ts: refill */
    CALL(drainPending, 1);
    /* slabWithRoom */
    ALONE chosen = NONE END;
room:
    do
    :: heap[me].queue ->
      /* frontSlab; the order of the queue does not matter here. takeRemote */
      ALONE
        s = 0;
        do
        :: !IN(s, heap[me].queue) -> s++
        :: else -> break
        od
      END;
      takes = HAS_ROOM(s);
      if
      :: takes
      :: !takes ->
        do
        :: DEATH
        :: d_step { !half -> READ(s) }
        :: d_step { half && !wordCount -> half = false }; break
        :: d_step {
            half && wordCount && SAME(s) ->
            slab[s].remoteHead = 0; slab[s].remoteCount = 0;
            takes = true; half = false
          };
          break
        :: d_step { half && wordCount && !SAME(s) -> half = false }
        od;
        if
        :: takes -> putRemote()
        :: !takes
        fi
      fi;
      ALONE
        if
        :: takes -> chosen = s
        :: else -> heap[me].queue = heap[me].queue & ~(1 << s); slab[s].queued = false
        fi;
        takes = false; s = 0; FORGET
      END;
      if
      :: chosen != NONE -> goto filled
      :: chosen == NONE
      fi
    :: !heap[me].queue -> break
    od;
    CALL(adoptAbandoned, 1);
    if
    :: got -> got = false; goto room
    :: !got
    fi;
    /* slab.ts: newSlab: acquirePages, the new record, its owner */
    STEP
      s = 0;
      do
      :: s < SLABS && !IN(s, pool) -> s++
      :: else -> break
      od;
      if
      :: s < SLABS ->
        chosen = s;
        pool = pool & ~(1 << s);
        assert(slab[s].owner == NONE);
        slab[s].remoteHead = 0; slab[s].remoteCount = 0; slab[s].remotePending = false; slab[s].pendingNext = 0;
        slab[s].free = 0; slab[s].carved = 0; slab[s].used = 0; slab[s].queued = false; slab[s].classed = true
      :: else
      fi;
      s = 0
    END;
    if
    :: chosen != NONE ->
      STEP slab[chosen].owner = me END;
      STEP slab[chosen].queued = true; heap[me].queue = heap[me].queue | (1 << chosen) END
    :: chosen == NONE && !collected ->
      collected = true;
      CALL(trimHeap, 1);
      goto room
    :: chosen == NONE && collected
    fi;
filled:
    collected = false;
    if
    :: chosen != NONE && slab[chosen].free ->
      /* slab.ts: takeFree, of all that there are */
      STEP head = slab[chosen].free; slab[chosen].used = slab[chosen].carved END;
      STEP slab[chosen].free = 0 END
    :: chosen != NONE && !slab[chosen].free ->
      /* slab.ts: carve */
      STEP
        assert(slab[chosen].carved < EACH);
        head = FIRST_OF(chosen) + slab[chosen].carved;
        slab[chosen].used = slab[chosen].used + EACH - slab[chosen].carved;
        for (i : head .. FIRST_OF(chosen) + EACH - 1) {
          link[i] = (i == FIRST_OF(chosen) + EACH - 1 -> 0 : i + 1)
        }
        i = 0;
        slab[chosen].carved = EACH
      END
    :: chosen == NONE
    fi;
    if
    :: head -> STEP heap[me].bin = link[head] END
    :: !head
    fi;
    chosen = 0
  :: doing == FLUSH ->
    /* sendOver */
    FLUSH_BINS(1)
  :: doing == TIDY || doing == EXIT -> CALL(trimHeap, 2)
  :: doing == ADOPT -> CALL(adoptAbandoned, 2)
  fi;
  /* thread.ts: leave, or quit */
  STEP heap[me].busy = false END;
  if
  :: doing == MALLOC -> hand()
  :: doing == EXIT ->
    STEP heap[me].state = ABANDONED; heap[me].id = 0 END;
    goto ended
  :: doing != MALLOC && doing != EXIT
  fi;
  goto operation;

  /* All is over: everything is brought home. */
collectAll:
  ALONE
    for (i : 0 .. THREADS - 1) {
      dead[i] = true
    }
    for (i : 1 .. BLOCKS) {
      if
      :: held[i] -> held[i] = false; link[i] = heap[me].bin; heap[me].bin = i
      :: else
      fi
    }
    for (i : 0 .. HEAPS - 1) {
      if
      :: i != me && heap[i].state != FREE -> heap[i].state = ABANDONED; heap[i].id = 0
      :: else
      fi
    }
    i = 0; h = me; heap[me].busy = true
  END;
  do
  :: true ->
    CALL(adoptAbandoned, 3);
    if
    :: got -> got = false
    :: !got -> break
    fi
  od;
  CALL(trimHeap, 3);
  ALONE
    k = 0;
    for (i : 0 .. SLABS - 1) {
      k = (IN(i, pool) -> k : k + 1)
    }
    assert(k <= deaths);
    for (i : 0 .. HEAPS - 1) {
      assert(heap[i].pending == NONE);
      assert(i == me || heap[i].state == FREE)
    }
  END;
  goto finished;

  /* remote.ts: pushPending of slab `s` to heap `owner` */
pushPending:
  assert(owner != NONE);
#ifndef MUTATION_not_pushed
  do
  :: DEATH
  :: d_step { !half -> slab[s].pendingNext = heap[owner].pending; half = true }
  :: d_step { half && heap[owner].pending == slab[s].pendingNext -> heap[owner].pending = s; half = false }; break
  :: d_step { half && heap[owner].pending != slab[s].pendingNext -> half = false }
  od;
#endif
  if
#ifndef MUTATION_receives_all
  RETURN(pushPending, 1)
#endif
  RETURN(pushPending, 2)
  fi;

  /* remote.ts: queueOrRetire of slab `s` in heap `h`: pushBack, isHome */
queueOrRetire:
  STEP
    slab[s].queued = true;
    heap[h].queue = heap[h].queue | (1 << s);
    got = (slab[s].used == slab[s].remoteCount && heap[h].queue != (1 << s))
  END;
  if
  :: got -> CALL(retire, 1)
  :: !got
  fi;
  got = false;
  if
  RETURN(queueOrRetire, 1)
  RETURN(queueOrRetire, 2)
  RETURN(queueOrRetire, 3)
  fi;

  /* remote.ts: retire */
retire:
  STEP READ(s); half = false END;
  if
#ifdef MUTATION_released_though_pending
  :: true ->
#else
  :: !wordPending ->
#endif
    if
    :: wordCount ->
      STEP slab[s].remoteHead = 0; slab[s].remoteCount = 0; slab[s].remotePending = false END;
      resetSlab()
    :: !wordCount
    fi;
    /* unqueue; slab.ts: releaseSlab */
    STEP heap[h].queue = heap[h].queue & ~(1 << s); slab[s].queued = false END;
    STEP slab[s].classed = false END;
    STEP slab[s].owner = NONE END;
    STEP
      assert(!IN(s, pool));
      pool = pool | (1 << s)
    END
#ifndef MUTATION_released_though_pending
  :: wordPending
#endif
  fi;
  ALONE FORGET END;
  if
  RETURN(retire, 1)
  RETURN(retire, 2)
  fi;

  /* remote.ts: drainPending of heap `h`, which is the thread's; collectRemote */
drainPending:
  do
  :: DEATH
  :: d_step { heap[h].pending == NONE && top == NONE -> top = NONE }; break
  :: d_step { heap[h].pending != NONE && top == NONE -> top = heap[h].pending }
  :: d_step {
      top != NONE ->
      if
#ifdef MUTATION_popped_by_store
      :: true -> heap[h].pending = slab[top].pendingNext; s = top
#else
      :: heap[h].pending == top -> heap[h].pending = slab[top].pendingNext; s = top
      :: else -> s = NONE
#endif
      fi;
      top = NONE
    };
    if
    :: s == NONE
    :: s != NONE ->
      STEP owner = slab[s].owner END;
      if
#ifdef MUTATION_receives_all
      :: true
#else
      :: owner != h ->
        CALL(pushPending, 1)
      :: owner == h
#endif
        ->
        do
        :: DEATH
        :: d_step { !half -> READ(s); takes = (slab[s].free == 0 || wordCount == slab[s].used) }
#ifdef MUTATION_taken_by_store
        :: d_step {
            half ->
#else
        :: d_step { half && !SAME(s) -> half = false }
        :: d_step {
            half && SAME(s) ->
#endif
            slab[s].remoteHead = (takes -> 0 : wordHead);
            slab[s].remoteCount = (takes -> 0 : wordCount);
            slab[s].remotePending = false;
            half = false
          };
          break
        od;
        if
        :: takes && wordCount -> putRemote()
        :: !takes || !wordCount
        fi;
        ALONE FORGET; takes = false END;
        CALL(queueOrRetire, 1)
      fi
    fi;
    ALONE s = 0; owner = 0 END
  od;
  if
  RETURN(drainPending, 1)
  RETURN(drainPending, 2)
  RETURN(drainPending, 3)
#ifndef MUTATION_strays_left
  RETURN(drainPending, 4)
#endif
  RETURN(drainPending, 5)
  fi;

  /* remote.ts: sendHome of what `h` has in `homeward` */
sendHome:
  do
  :: heap[h].homeward ->
    ALONE s = SLAB_OF(heap[h].homeward); last = heap[h].homeward; head = 0; count = 0 END;
    do
    :: DEATH
#ifdef MUTATION_homeward_not_kept
    /* The list is walked by a register alone. */
    :: d_step {
        count == 0 ->
        rest = last;
        do
        :: rest && SLAB_OF(rest) == s ->
          next = rest;
          rest = link[next];
          link[next] = head;
          head = next;
          count++
        :: else -> break
        od;
        next = 0
      }
    :: count -> break
#else
    :: d_step {
        !next && heap[h].homeward && SLAB_OF(heap[h].homeward) == s ->
        next = heap[h].homeward;
        heap[h].homeward = link[next]
      }
    :: d_step { next -> link[next] = head; head = next; count++; next = 0 }
    :: !next && !(heap[h].homeward && SLAB_OF(heap[h].homeward) == s) -> break
#endif
    od;
    STEP owner = slab[s].owner END;
    if
    :: owner == h ->
      /* slab.ts: putFree */
      STEP link[last] = slab[s].free; slab[s].free = head END;
      STEP
        slab[s].used = slab[s].used - count;
        head = 0; last = 0; count = 0; owner = 0
      END;
      CALL(queueOrRetire, 2)
    :: owner != h ->
      /* pushRemote */
      do
      :: DEATH
      :: d_step { !half -> READ(s); link[last] = wordHead }
      :: d_step {
          half && SAME(s) ->
          slab[s].remoteHead = head;
          slab[s].remoteCount = wordCount + count;
#ifndef MUTATION_pending_not_set
          slab[s].remotePending = true;
#endif
          half = false; head = 0; last = 0; count = 0; wordHead = 0; wordCount = 0
        };
        break
      :: d_step { half && !SAME(s) -> half = false }
      od;
      if
#ifdef MUTATION_pushed_always
      :: true ->
#else
      :: wordPending
      :: !wordPending ->
#endif
        STEP owner = slab[s].owner END;
        CALL(pushPending, 2)
      fi
    fi;
    ALONE wordPending = false; owner = 0; s = 0 END;
#ifdef MUTATION_homeward_not_kept
    STEP heap[h].homeward = rest; rest = 0 END;
#endif
  :: !heap[h].homeward -> break
  od;
  if
  RETURN(sendHome, 1)
  RETURN(sendHome, 2)
  RETURN(sendHome, 3)
  RETURN(sendHome, 4)
  RETURN(sendHome, 5)
  fi;

  /* remote.ts: adoptSlabs of heap `from` for `h`, adoptSlab */
adoptSlabs:
  n = 0;
  do
  :: n < SLABS ->
    /* ownerOf, and cls, which is the owner's */
    STEP found = (slab[n].owner == from && slab[n].classed) END;
    if
    :: found ->
      STEP
        if
        :: recount ->
          k = 0;
          j = slab[n].free;
          do
          :: j -> k++; assert(k <= slab[n].carved); j = link[j]
          :: else -> break
          od;
          slab[n].used = slab[n].carved - k;
          k = 0
        :: else
        fi;
        slab[n].queued = false
      END;
      STEP slab[n].owner = h END;
      STEP found = (HAS_ROOM(n) || slab[n].remoteCount) END;
      if
      :: found -> s = n; CALL(queueOrRetire, 3)
      :: !found
      fi
    :: !found
    fi;
    ALONE found = false; s = 0; n++ END
  :: n >= SLABS -> n = 0; break
  od;
  if
  RETURN(adoptSlabs, 1)
  RETURN(adoptSlabs, 2)
  fi;

  /* thread-cache.ts: adoptAbandoned for heap `me`; sets `got`. */
adoptAbandoned:
  from = 0;
  /* thread.ts: takeHeap */
  do
  :: DEATH
  :: d_step { from < HEAPS && heap[from].state != ABANDONED -> from++ }
  :: d_step {
      from < HEAPS && heap[from].state == ABANDONED ->
      heap[from].state = ADOPTING;
      heap[from].id = me + 1
    };
    break
  :: from >= HEAPS -> break
  od;
  if
  :: from < HEAPS ->
    STEP broken = heap[from].busy; heap[from].busy = true; h = from END;
#ifdef MUTATION_busy_ignored
    broken = false;
#endif
    if
    :: broken ->
      /* mend */
      STEP
        heap[h].queue = 0;
#ifndef MUTATION_list_left_in_two_places
        heap[h].bin = (heap[h].bin == heap[h].homeward -> 0 : heap[h].bin);
#endif
        recount = true
      END;
      CALL(adoptSlabs, 1);
      recount = false;
      CALL(sendHome, 2);
      FLUSH_BINS(3);
      CALL(drainPending, 2)
    :: !broken -> FLUSH_BINS(4)
    fi;
    STEP heap[from].queue = 0; h = me END;
    CALL(adoptSlabs, 2);
    h = from;
    CALL(drainPending, 3);
    STEP heap[from].busy = false END;
    STEP heap[from].state = FREE; heap[from].id = 0 END;
    ALONE h = me; broken = false; from = 0; got = true END
  :: from >= HEAPS -> ALONE from = 0; got = false END
  fi;
  if
  RETURN(adoptAbandoned, 1)
  RETURN(adoptAbandoned, 2)
  RETURN(adoptAbandoned, 3)
  fi;

  /* thread-cache.ts: trimHeap of heap `me` */
trimHeap:
  FLUSH_BINS(5);
#ifndef MUTATION_strays_left
  /* forwardStray */
  from = 0;
  do
  :: DEATH
  :: d_step { from < HEAPS && heap[from].pending == NONE -> from++ }
  :: d_step {
      from < HEAPS && heap[from].pending != NONE ->
      if
      :: heap[from].state == FREE -> heap[from].state = ADOPTING; heap[from].id = me + 1; h = from
      :: else -> from++
      fi
    };
    if
    :: h == me
    :: h != me ->
      CALL(drainPending, 4);
      STEP heap[from].state = FREE; heap[from].id = 0; h = me; from++ END
    fi
  :: from >= HEAPS -> from = 0; break
  od;
#endif
  CALL(drainPending, 5);
  /* retireEmpty */
  n = 0;
  do
  :: n < SLABS ->
    STEP found = (IN(n, heap[me].queue) && slab[n].used == slab[n].remoteCount) END;
    if
    :: found -> s = n; CALL(retire, 2)
    :: !found
    fi;
    ALONE found = false; s = 0; n++ END
  :: n >= SLABS -> n = 0; break
  od;
  if
  RETURN(trimHeap, 1)
  RETURN(trimHeap, 2)
  RETURN(trimHeap, 3)
  fi;

gone:
  dead[me] = true;
ended:
  ALONE
    ops = 0; doing = 0; h = 0; s = 0; head = 0; last = 0; count = 0; next = 0; owner = 0; from = 0; n = 0; chosen = 0;
    top = NONE; wordHead = 0; wordCount = 0; wordPending = false; half = false; takes = false; found = false; got = false;
    broken = false; recount = false; collected = false;
    back_pushPending = 0; back_queueOrRetire = 0; back_retire = 0; back_drainPending = 0; back_sendHome = 0; back_adoptSlabs = 0;
    back_adoptAbandoned = 0; back_trimHeap = 0;
    running--
  END;
finished: skip
}

init {
  int digits = PLACES;
  byte at;
  atomic {
    for (i : 0 .. HEAPS - 1) {
      heap[i].state = LIVE;
      heap[i].id = i + 1;
      heap[i].pending = NONE
    }
    for (i : 0 .. SLABS - 1) {
      slab[i].owner = NONE;
      slab[i].pendingNext = 0;
      at = 0;
      for (j : FIRST_OF(i) .. FIRST_OF(i) + EACH - 1) {
        if
        :: digits % 10 == 7 -> held[j] = true; at++
        :: digits % 10 && digits % 10 < 7 ->
          link[j] = heap[digits % 10 - 1].bin;
          heap[digits % 10 - 1].bin = j;
          at++
        :: else -> link[j] = slab[i].free; slab[i].free = j
        fi;
        digits = digits / 10
      }
      if
      :: at ->
        slab[i].owner = (i == 0 -> 0 : OWNER1);
        slab[i].carved = EACH;
        slab[i].used = at;
        slab[i].classed = true;
        if
        :: slab[i].free -> slab[i].queued = true; heap[slab[i].owner].queue = heap[slab[i].owner].queue | (1 << i)
        :: else
        fi
      :: else -> slab[i].free = 0; pool = pool | (1 << i)
      fi
    }
    at = 0;
    running = THREADS;
    for (k : 0 .. HEAPS - 1) { run Thread(k) }
    i = 0; j = 0; k = 0
  }
}
