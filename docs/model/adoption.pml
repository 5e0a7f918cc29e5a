/*
 * Heaps and whose they are: how a thread gets one, works with it, leaves it, dies with it, is jumped out of its operation or
 * interrupted by a signal handler that allocates, and how others take over what it left. assembly/thread.ts, lifecycle.ts,
 * and `adoptAbandoned`, `inherit`, `resume` and `reclaimThread` of assembly/thread-cache.ts.
 *
 * What is in a heap is two words: whether an operation has left it in the middle, and the slabs that it owns. How it is put
 * in order then is in remote.pml.
 */

#include "common.pml"

#ifndef OPS
#define OPS 2
#endif
#ifndef OPS1
#define OPS1 OPS
#endif
#ifndef OPS2
#define OPS2 OPS
#endif
/* What threads may do, as sums. */
#define WORK 1
#define EXIT 2
#define RECLAIM 4
#ifndef DO0
#define DO0 7
#endif
#ifndef DO1
#define DO1 7
#endif
#ifndef DO2
#define DO2 7
#endif
/* Signals that thread 0 gets, and whether their handlers may jump out. */
#ifndef SIGNALS
#define SIGNALS 0
#endif
#ifndef JUMPS
#define JUMPS 0
#endif
/* Heaps that there is memory for, and of them those that were there before: abandoned in the middle, each with a slab. */
#ifndef HEAPS
#define HEAPS (THREADS + SIGNALS)
#endif
/* Heaps with something in them that nobody may find any more, at most. */
#ifndef LOSSES
#define LOSSES 0
#endif
#ifndef LEFT
#define LEFT 0
#endif
/* Threads that have a heap with a slab already, bits. */
#ifndef STARTED
#define STARTED 0
#endif
#define SLABS 3 /* the end of `init` names them */

#define NOBODY 255
#define IDS 16

#define FREE 0
#define LIVE 1
#define ABANDONED 2
#define ADOPTING 3
/* State and id are one word. */
typedef Heap {
  bool linked;
  byte state;
  byte id;
  bool busy;
  bool fresh;
  byte under; /* heap, or NOBODY */
  byte underFrame;
  bool torn /* an operation is in the middle of it, or has ended there: for the assertions */
};
Heap heap[HEAPS];
byte owner[SLABS];
byte abandoned;
byte lastId;

/* Threads. A frame is the number of jumps before it: those of lower numbers have ended. None is noted as 0. */
#define FIRST_FRAME 2
#define STALE_FRAME 1
typedef PerThread {
  byte current;
  byte working;
  byte workingFrame;
  byte frame;
  bool dead;
  bool exiting; /* whoever ends a thread has no place left to jump to */
  bool exited;
  bool jumped
};
PerThread thread[THREADS];
/* Of an id, whose it is and whether the host has been told it. */
byte holder[IDS];
bool known[IDS];
byte signals = SIGNALS;
byte jumps = JUMPS;
byte i;

#define ME thread[me]
/* thread.ts: isBroken */
#define BROKEN(t) (thread[t].working != NOBODY && thread[t].workingFrame < thread[t].frame)
/* thread.ts: forget */
#define FORGET(t, h) thread[t].working = heap[h].under; thread[t].workingFrame = heap[h].underFrame
#define HERE (!thread[me].jumped)

/* A step, or death before it, or the end of a jump out of the handler that ran before it. */
#undef STEP
#define JUMPED d_step { thread[me].jumped -> thread[me].jumped = false }; goto broken
#define STEP if :: DEATH :: JUMPED :: d_step { HERE ->

#define RETURN(routine, place) :: back_##routine == place -> goto routine##_##place
#define CALL(routine, place) ALONE back_##routine = place END; goto routine; routine##_##place: skip

/* thread.ts: abandon */
inline abandon(h) {
#ifdef MUTATION_counted_after
  STEP heap[h].state = ABANDONED; heap[h].id = 0 END;
  STEP abandoned++ END
#else
  STEP abandoned++ END;
  STEP
    assert((heap[h].state == LIVE || heap[h].state == ADOPTING) && holder[heap[h].id] == me);
    heap[h].state = ABANDONED; heap[h].id = 0
  END
#endif
}

/* What the operation on `h`, with `whose` id, was about to take over is left to others again. */
inline abandonTaken(whose) {
  from = 0;
  do
  :: DEATH
  :: JUMPED
  :: d_step { HERE && from < HEAPS && !(from != h && heap[from].id == whose && heap[from].linked) -> from++ }
  :: HERE && from < HEAPS && from != h && heap[from].id == whose && heap[from].linked -> abandon(from)
  :: HERE && from >= HEAPS -> from = 0; break
  od
}

/* thread.ts: takeHeap of those in state `was` into `becomes`, for `who`; sets `from`, to NOBODY when there is none. */
inline takeHeap(was, who, becomes) {
  STEP
    n = 0;
    for (i : 0 .. HEAPS - 1) {
      n = (heap[i].state == ABANDONED -> n + 1 : n)
    }
    i = 0;
    assert(abandoned >= n);
    n = 0;
    from = (was == ABANDONED && abandoned == 0 -> HEAPS : 0);
    seen = false
  END;
  do
  :: DEATH
  :: JUMPED
  :: d_step { HERE && !seen && from < HEAPS && !half && (!heap[from].linked || heap[from].state != was) -> from++ }
  :: d_step { HERE && !seen && from < HEAPS && !half && heap[from].linked && heap[from].state == was -> half = true }
  :: d_step {
      HERE && half ->
      half = false;
      if
#ifdef MUTATION_taken_by_store
      :: true ->
#else
      :: heap[from].state == was ->
#endif
        heap[from].state = becomes; heap[from].id = who; seen = true
      :: else -> from++
      fi
    }
  :: seen || from >= HEAPS -> break
  od;
  if
  :: seen && was == ABANDONED -> STEP abandoned-- END
  :: seen && was != ABANDONED
  :: !seen -> from = NOBODY
  fi;
  seen = false
}

/*
 * unended and forget, of an operation that will not end as far as `certain` tells; sets `h` and `seen`. A handler may do the
 * same meanwhile: one of the two gets it.
 */
inline takeWorking(certain) {
  STEP h = ME.working END;
#ifdef MUTATION_broken_taken_twice
  STEP assert(h != NOBODY); FORGET(me, h); seen = true END
#else
  STEP
    seen = (h != NOBODY && ME.working == h && certain);
    if
    :: seen -> FORGET(me, h)
    :: else
    fi
  END
#endif
}

/* lifecycle.ts: dropBroken */
inline dropBroken() {
  do
  :: HERE && BROKEN(me) ->
    takeWorking(BROKEN(me));
    if
    :: seen ->
#ifndef MUTATION_dropped_without_taken
      abandonTaken(heap[h].id);
#endif
      if
      :: h == ME.current
      :: h != ME.current -> abandon(h)
      fi
    :: !seen
    fi;
    seen = false
  :: HERE && !BROKEN(me) -> break
  :: JUMPED
  od
}

#define OPERATIONS (me == 0 -> OPS : (me == 1 -> OPS1 : OPS2))
#define MAY(what) (ops < OPERATIONS && ((me == 0 -> DO0 : (me == 1 -> DO1 : DO2)) & (what)))

proctype Thread(byte me) {
  byte ops, doing;
  byte h, from, n, other, late, id;
  bool half, seen, resuming;
  byte back_begin, back_leave, back_adopt, back_prepare, back_resume;

operation:
  ALONE h = 0; from = 0; doing = 0 END;
  if
  :: ops >= OPERATIONS -> goto ended
  :: MAY(WORK) -> doing = WORK /* as `refill` does */
  :: MAY(EXIT) -> doing = EXIT /* thread_exit */
  :: MAY(RECLAIM) -> doing = RECLAIM /* thread_reclaim of whom the host knows to be dead */
  fi;
  ops++;

  /* --- lifecycle.ts: prepare --- */
prepare:
  if
  :: ME.current != NOBODY ->
    dropBroken()
  :: ME.current == NOBODY && BROKEN(me) ->
    takeWorking(BROKEN(me));
    if
    :: seen ->
      /* What is broken under it a handler could take out from under it. */
#ifndef MUTATION_broken_left_under
      id = h;
      dropBroken();
      h = id; id = 0;
#endif
      seen = false;
      CALL(resume, 1)
    :: !seen -> goto prepare
    fi
  :: ME.current == NOBODY && !BROKEN(me) ->
    /* takeAny */
    STEP lastId++; id = lastId; holder[id] = me END;
    takeHeap(FREE, id, LIVE);
    if
    :: from != NOBODY -> STEP heap[from].fresh = true END
    :: from == NOBODY ->
      /* makeHeap: all of it, then the link, in the order of the numbers */
      STEP
        from = 0;
        do
        :: from < HEAPS && heap[from].linked -> from++
        :: else -> break
        od;
        assert(from < HEAPS);
        heap[from].linked = true; heap[from].fresh = true;
        heap[from].state = LIVE; heap[from].id = id
      END
    fi;
    if
    :: heap[from].busy -> h = from; CALL(resume, 2)
    :: !heap[from].busy ->
#ifdef MUTATION_start_overwrites
      STEP ME.current = from END
#else
      STEP other = ME.current; ME.current = from END;
      if
      :: other != NOBODY -> abandon(other)
      :: other == NOBODY
      fi;
      other = 0
#endif
    fi;
    STEP known[id] = true; id = 0 END
  fi;

  ALONE h = ME.current; from = 0 END;
  if
  :: doing == WORK ->
    CALL(begin, 1);
    if
    :: heap[h].fresh ->
      /* thread-cache.ts: inherit */
      takeHeap(ABANDONED, heap[h].id, LIVE);
      if
      :: from != NOBODY ->
#ifdef MUTATION_left_between
        n = from;
        CALL(leave, 1);
        from = n; n = 0;
        STEP ME.current = from END;
        STEP heap[h].state = FREE; heap[h].id = 0 END;
        h = from;
        resuming = true;
        CALL(begin, 2);
        resuming = false;
#else
        /* The operation goes on with the other heap. */
        STEP heap[from].busy = true; heap[from].under = heap[h].under; heap[from].underFrame = heap[h].underFrame END;
        STEP ME.working = from END;
        STEP heap[h].busy = false; heap[h].torn = false END;
        STEP heap[h].state = FREE; heap[h].id = 0; h = from END;
#endif
        /* mend */
        STEP heap[h].torn = true END
      :: from == NOBODY
      fi
    :: !heap[h].fresh -> CALL(adopt, 1)
    fi;
    /* slab.ts: newSlab */
    STEP
      n = 0;
      do
      :: n < SLABS && owner[n] != NOBODY -> n++
      :: else -> break
      od;
      if
      :: n < SLABS -> owner[n] = h; heap[h].fresh = false
      :: else
      fi;
      n = 0
    END;
    CALL(leave, 2)
  :: doing == EXIT ->
    /* thread-cache.ts: exit. thread.ts: quit */
    ALONE ME.exiting = !ME.jumped END;
    CALL(begin, 3);
    STEP heap[h].torn = false; heap[h].busy = false END;
    STEP other = ME.current; ME.current = NOBODY END;
    if
    :: other != NOBODY -> abandon(other)
    :: other == NOBODY
    fi;
    STEP FORGET(me, h) END;
    ALONE id = h END;
    do
    :: ME.working != NOBODY ->
      takeWorking(ME.working != NOBODY);
      if
      :: seen ->
#ifndef MUTATION_dropped_without_taken
        abandonTaken(heap[h].id);
#endif
        abandon(h)
      :: !seen
      fi;
      seen = false
    :: ME.working == NOBODY -> break
    od;
    ALONE h = id; id = 0 END;
    abandon(h);
    ALONE other = 0; ME.exited = true END;
    goto ended
  :: doing == RECLAIM ->
    /* thread-cache.ts: reclaimThread */
    n = 0;
    do
    :: DEATH
    :: JUMPED
    :: d_step { HERE && n < HEAPS && !half -> half = true; abandoned++ }
    :: d_step { HERE && n < HEAPS && half ->
        /* One step with the load of the state: nobody else changes it from what it is, but who reclaims, too. */
        half = false;
        seen = false;
        seen = (heap[n].id && known[heap[n].id] && thread[holder[heap[n].id]].dead);
        if
        :: heap[n].linked && (heap[n].state == LIVE || heap[n].state == ADOPTING) && seen ->
          heap[n].state = ABANDONED; heap[n].id = 0
        :: else -> abandoned--
        fi;
        seen = false;
        n++
      }
    :: HERE && n >= HEAPS -> n = 0; break
    od
  fi;
  goto operation;

broken:
  /* Jumped out of: the thread goes on with what it does next. */
  ALONE
    h = 0; from = 0; n = 0; other = 0; late = 0; half = false; seen = false; resuming = false; id = 0; doing = 0;
    ME.exiting = false
  END;
  goto operation;

  /* --- thread.ts: begin, of heap `h` --- */
begin:
#ifdef MUTATION_under_last
  STEP n = (ME.working == h -> NOBODY : ME.working); other = ME.workingFrame END;
#else
  /* Before `working` leads here. One that has ended on this very heap is not under it. */
  STEP
    if
    :: ME.working != h -> heap[h].under = ME.working; heap[h].underFrame = ME.workingFrame
    :: else
    fi
  END;
#endif
  STEP ME.working = h END;
  STEP ME.workingFrame = ME.frame END;
  STEP late = ME.current; ME.current = NOBODY END;
  STEP heap[h].busy = true END;
#ifdef MUTATION_under_last
  STEP heap[h].under = n; heap[h].underFrame = other; n = 0; other = 0 END;
#endif
#ifndef MUTATION_start_overwrites
  if
  :: late != NOBODY && late != h -> abandon(late)
  :: late == NOBODY || late == h
  fi;
#endif
  late = 0;
  STEP
    assert(heap[h].state == LIVE);
    assert(resuming || !heap[h].torn);
    heap[h].torn = true
  END;
  if
  RETURN(begin, 1)
#ifdef MUTATION_left_between
  RETURN(begin, 2)
#endif
  RETURN(begin, 3)
  RETURN(begin, 4)
  fi;

  /* --- thread.ts: leave, of heap `h` --- */
leave:
  STEP heap[h].torn = false; heap[h].busy = false END;
#ifdef MUTATION_current_overwritten
  STEP ME.current = h; other = NOBODY END;
#else
  STEP other = ME.current; ME.current = h END;
#endif
  STEP FORGET(me, h) END;
  if
  :: other != NOBODY -> abandon(other)
  :: other == NOBODY
  fi;
  other = 0;
  if
#ifdef MUTATION_left_between
  RETURN(leave, 1)
#endif
  RETURN(leave, 2)
  RETURN(leave, 3)
  fi;

  /* --- thread-cache.ts: resume, of heap `h` --- */
resume:
  resuming = true;
  CALL(begin, 4);
  resuming = false;
#ifndef MUTATION_taken_over_kept
  abandonTaken(heap[h].id);
#endif
  CALL(leave, 3);
  if
  RETURN(resume, 1)
  RETURN(resume, 2)
  fi;

  /* --- thread-cache.ts: adoptAbandoned, for heap `h` --- */
adopt:
  takeHeap(ABANDONED, heap[h].id, ADOPTING);
  if
  :: from != NOBODY ->
    STEP heap[from].busy = true END;
    STEP heap[from].torn = true END;
#ifdef MUTATION_freed_before_slabs
    STEP heap[from].busy = false; heap[from].torn = false END;
    STEP heap[from].state = FREE; heap[from].id = 0 END;
#endif
    /* adoptSlabs */
    n = 0;
    do
    :: DEATH
    :: JUMPED
    :: d_step {
        HERE && n < SLABS ->
        if
        :: owner[n] == from -> assert(heap[from].state == ADOPTING && holder[heap[from].id] == me); owner[n] = h
        :: else
        fi;
        n++
      }
    :: HERE && n >= SLABS -> n = 0; break
    od;
#ifndef MUTATION_freed_before_slabs
    STEP heap[from].busy = false; heap[from].torn = false END;
    STEP heap[from].state = FREE; heap[from].id = 0 END
#endif
  :: from == NOBODY
  fi;
  if
  RETURN(adopt, 1)
  fi;

gone:
  ALONE ME.dead = true; ME.jumped = false END;
ended:
  ALONE
    ops = 0; doing = 0; h = 0; from = 0; n = 0; other = 0; late = 0; half = false; seen = false; resuming = false; id = 0;
    back_begin = 0; back_leave = 0; back_adopt = 0; back_prepare = 0; back_resume = 0;
    running--
  END
}

#if SIGNALS
/*
 * A handler on thread 0, between any two of its steps: it allocates, in a whole operation, with the heap that the thread has
 * then, or with one of its own; and returns, or jumps out, before that or after.
 */
proctype Handler() {
  byte h, other;
end:
  do
  :: atomic {
      signals && lastId && !thread[0].dead && !thread[0].exited && !thread[0].jumped && running == THREADS ->
      signals--;
      if
      :: jumps && !thread[0].exiting -> jumps--; thread[0].jumped = true; thread[0].frame++
      :: true ->
        /* prepare: dropBroken, or resume, or takeAny and makeHeap */
        do
        :: BROKEN(0) ->
          h = thread[0].working;
          FORGET(0, h);
          for (other : 0 .. HEAPS - 1) {
            if
            :: other != h && heap[other].linked && heap[other].id == heap[h].id ->
              heap[other].state = ABANDONED; heap[other].id = 0; abandoned++
            :: else
            fi
          }
          if
          :: thread[0].current == NOBODY ->
            heap[h].torn = false; heap[h].busy = false;
            thread[0].current = h
          :: thread[0].current != NOBODY && h != thread[0].current ->
            assert(heap[h].state == LIVE && holder[heap[h].id] == 0);
            heap[h].state = ABANDONED; heap[h].id = 0; abandoned++
          :: else
          fi
        :: else -> break
        od;
        if
        :: thread[0].current != NOBODY -> h = thread[0].current
        :: else ->
          h = 0;
          do
          :: h < HEAPS && heap[h].linked && heap[h].state != FREE -> h++
          :: else -> break
          od;
          assert(h < HEAPS);
          lastId++; holder[lastId] = 0; known[lastId] = true;
          heap[h].linked = true; heap[h].fresh = true; heap[h].state = LIVE; heap[h].id = lastId;
          thread[0].current = h
        fi;
        assert(heap[h].state == LIVE && !heap[h].torn && !heap[h].busy);
        /* begin */
        if
        :: thread[0].working != h -> heap[h].under = thread[0].working; heap[h].underFrame = thread[0].workingFrame
        :: else ->
#ifdef MUTATION_under_last
          heap[h].under = NOBODY; heap[h].underFrame = thread[0].workingFrame
#endif
        fi;
        thread[0].working = h; thread[0].workingFrame = thread[0].frame;
        thread[0].current = NOBODY;
        heap[h].busy = true; heap[h].torn = true;
        if
        :: true ->
          /* newSlab, leave */
          other = 0;
          do
          :: other < SLABS && owner[other] != NOBODY -> other++
          :: else -> break
          od;
          if
          :: other < SLABS -> owner[other] = h; heap[h].fresh = false
          :: else
          fi;
          other = 0;
          heap[h].torn = false; heap[h].busy = false;
          thread[0].current = h;
          FORGET(0, h);
          if
          :: jumps && !thread[0].exiting -> jumps--; thread[0].jumped = true; thread[0].frame++
          :: true
          fi
        :: jumps && !thread[0].exiting -> jumps--; thread[0].jumped = true; thread[0].frame++
        fi
      fi;
      h = 0; other = 0
    }
  od
}
#endif

init {
  byte missing, j, k;
  bool found;
  atomic {
    for (i : 0 .. SLABS - 1) {
      owner[i] = (i < LEFT -> i : NOBODY)
    }
    for (i : 0 .. HEAPS - 1) {
      /* What was under it in an earlier life. */
      heap[i].under = (i + 1) % HEAPS;
      heap[i].underFrame = STALE_FRAME;
      if
      :: i < LEFT ->
        heap[i].linked = true; heap[i].state = ABANDONED; abandoned++;
        heap[i].busy = true; heap[i].torn = true
      :: else
      fi
    }
    running = THREADS;
    for (i : 0 .. THREADS - 1) {
      thread[i].current = NOBODY;
      thread[i].working = NOBODY;
      thread[i].frame = FIRST_FRAME;
      if
      :: (STARTED >> i) & 1 ->
        lastId++;
        holder[lastId] = i; known[lastId] = true;
        j = LEFT + lastId - 1;
        heap[j].linked = true; heap[j].state = LIVE; heap[j].id = lastId;
        if
        :: j < SLABS -> owner[j] = j
        :: else -> heap[j].fresh = true
        fi;
        thread[i].current = j;
        j = 0
      :: else
      fi
    }
    run Thread(0);
    run Thread(1);
#if THREADS > 2
    run Thread(2);
#endif
#if SIGNALS
    run Handler();
#endif
    i = 0
  }
  d_step {
    running == 0 ->
    for (i : 0 .. HEAPS - 1) {
      if
      :: heap[i].linked && heap[i].state == FREE -> assert(!heap[i].busy && !heap[i].torn)
      :: heap[i].linked && (heap[i].state == LIVE || heap[i].state == ADOPTING) &&
        (heap[i].torn || owner[0] == i || owner[1] == i || owner[2] == i) ->
        k = holder[heap[i].id];
        if
        :: thread[k].dead -> missing = (known[heap[i].id] -> missing : missing + 1)
        :: else ->
          /* Its thread knows it, or finds it when it mends the operation that has its id. */
          found = (thread[k].current == i);
          j = thread[k].working;
          do
          :: j != NOBODY && !found -> found = (j == i || heap[j].id == heap[i].id); j = heap[j].under
          :: else -> break
          od;
          missing = (found -> missing : missing + 1)
        fi
      :: else
      fi
    }
    assert(missing <= LOSSES);
    for (i : 0 .. SLABS - 1) {
      assert(owner[i] == NOBODY || heap[owner[i]].state != FREE)
    }
  }
}
