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
/* Signals that thread 0 gets, and how many of their handlers may jump out. Without signals the platform is wasm. */
#ifndef SIGNALS
#define SIGNALS 0
#endif
#ifndef JUMPS
#define JUMPS 0
#endif
/* 0 beside signals: they are moments at which the stack overflows, and it is wasm all the same. */
#ifndef NATIVE
#define NATIVE SIGNALS
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
  byte frame;
  bool torn /* an operation is in the middle of it, or has ended there: for the assertions */
};
Heap heap[HEAPS];
byte owner[SLABS];
byte abandoned;
byte lastId;

/*
 * Threads. A frame is the number of jumps before it: those of lower numbers have ended. So has every handler's, whoever finds
 * it.
 */
#define FIRST_FRAME 2
#define HANDLER_FRAME 1
typedef PerThread {
  byte current;
  byte working;
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
/* thread.ts: isBroken, and the inner part of forget */
#define BROKEN(t, h) (h != NOBODY && heap[h].frame < thread[t].frame)
#define UNDER(h) (heap[h].under == h -> NOBODY : heap[h].under)
#define HERE (!thread[me].jumped)
/* What an operation interrupts on the very same heap has the frame that counts: it ends after it. */
#ifdef MUTATION_frame_of_handler
#define NOTE_FRAME(h, below, now) heap[h].frame = now
#else
#define NOTE_FRAME(h, below, now) heap[h].frame = (below == h -> heap[h].frame : now)
#endif

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
 * thread.ts: note, that an operation on `h` is under way, above that on `under`. A handler comes between any two of its
 * stores.
 */
inline note() {
#if NATIVE
#ifdef MUTATION_under_last
  STEP ME.working = h END;
#endif
  STEP heap[h].under = under END;
  STEP NOTE_FRAME(h, under, ME.frame) END;
#ifndef MUTATION_under_last
  STEP ME.working = h END
#else
  skip
#endif
#else
  STEP ME.working = h END
#endif
}

/* thread.ts: forget; sets `seen`. A handler may do the same meanwhile: one of the two gets it. */
inline forget(h) {
  STEP under = UNDER(h) END;
#ifdef MUTATION_broken_taken_twice
  STEP ME.working = under; seen = true; under = 0 END
#else
  STEP
    seen = (ME.working == h);
    ME.working = (seen -> under : ME.working);
    under = 0
  END
#endif
}

/* lifecycle.ts: dropBroken. Leaves `h` and `seen` as they need not be. */
inline dropBroken() {
  do
  :: true ->
    STEP h = ME.working END;
    STEP seen = BROKEN(me, h) END;
    if
    :: !seen -> break
    :: seen ->
      forget(h);
      if
      :: seen ->
#ifndef MUTATION_dropped_without_taken
        abandonTaken(heap[h].id);
#endif
        STEP seen = (h != ME.current) END;
        if
        :: seen -> abandon(h)
        :: !seen
        fi
      :: !seen
      fi
    fi
  od;
  seen = false
}

#define OPERATIONS (me == 0 -> OPS : (me == 1 -> OPS1 : OPS2))
#define MAY(what) (ops < OPERATIONS && ((me == 0 -> DO0 : (me == 1 -> DO1 : DO2)) & (what)))

proctype Thread(byte me) {
  byte ops, doing;
  byte h, from, n, other, under, id;
  bool half, seen;
  byte back_start, back_enter, back_begin, back_leave, back_inherit, back_adopt, back_resume;

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
  STEP seen = (ME.current != NOBODY) END;
#if NATIVE
  if
  :: seen -> dropBroken()
  :: !seen ->
    STEP h = ME.working END;
    STEP seen = BROKEN(me, h) END;
    if
    :: seen ->
      forget(h);
      if
      :: seen ->
        /* What is broken under it a handler could take out from under it. */
#ifndef MUTATION_broken_left_under
        ALONE id = h END;
        dropBroken();
        ALONE h = id; id = 0 END;
#endif
        ALONE seen = false END;
        CALL(resume, 1)
      :: !seen -> goto prepare
      fi
    :: !seen -> CALL(start, 1)
    fi
  fi;
#else
  if
  :: seen -> seen = false
  :: !seen ->
    STEP h = ME.working END;
    if
    :: h != NOBODY -> CALL(resume, 1)
    :: h == NOBODY -> CALL(start, 1) /* thread_init */
    fi
  fi;
#endif

  ALONE from = 0 END;
  if
  :: doing == WORK ->
    CALL(enter, 1);
#if !NATIVE
    if
    :: heap[h].fresh -> CALL(inherit, 1)
    :: !heap[h].fresh -> CALL(adopt, 1)
    fi;
#else
    CALL(adopt, 1);
#endif
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
    CALL(enter, 2);
    STEP heap[h].torn = false; heap[h].busy = false END;
#if NATIVE
    STEP other = ME.current; ME.current = NOBODY END;
    if
    :: other != NOBODY -> abandon(other)
    :: other == NOBODY
    fi;
    forget(h);
    ALONE id = h END;
    do
    :: true ->
      STEP h = ME.working END;
      if
      :: h == NOBODY -> break
      :: h != NOBODY ->
        forget(h);
        if
        :: seen ->
#ifndef MUTATION_dropped_without_taken
          abandonTaken(heap[h].id);
#endif
          abandon(h)
        :: !seen
        fi
      fi
    od;
    ALONE h = id; id = 0; seen = false END;
#else
    STEP ME.current = NOBODY END;
    STEP ME.working = NOBODY END;
#endif
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
    h = 0; from = 0; n = 0; other = 0; under = 0; half = false; seen = false; id = 0; doing = 0;
    ME.exiting = false
  END;
  goto operation;

  /* --- lifecycle.ts: takeAny --- */
start:
  STEP lastId++; id = lastId; holder[id] = me END;
  ALONE from = NOBODY END;
#ifdef MUTATION_taken_before_noted
  takeHeap(ABANDONED, id, LIVE);
#endif
  if
  :: from == NOBODY ->
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
    fi
  :: from != NOBODY
  fi;
#if NATIVE
  ALONE h = from END;
  if
  :: heap[h].busy -> CALL(resume, 2)
  :: !heap[h].busy ->
#ifdef MUTATION_taken_before_noted
    STEP other = ME.current; ME.current = h END;
    if
    :: other != NOBODY -> abandon(other)
    :: other == NOBODY
    fi;
    other = 0
#else
    CALL(begin, 3);
    CALL(inherit, 2);
    CALL(leave, 4)
#endif
  fi;
#else
  STEP ME.current = from END;
#endif
  STEP known[id] = true; id = 0 END;
  if
  RETURN(start, 1)
  fi;

#if !NATIVE || !defined(MUTATION_taken_before_noted)
  /* --- thread-cache.ts: inherit, in an operation on the fresh heap `h`: sets `h` to what it goes on with --- */
inherit:
  takeHeap(ABANDONED, heap[h].id, LIVE);
  if
  :: from != NOBODY ->
#ifdef MUTATION_left_between
    ALONE n = from END;
    CALL(leave, 1);
    ALONE from = n; n = 0 END;
    STEP ME.current = from END;
    STEP heap[h].state = FREE; heap[h].id = 0; h = from END;
    CALL(begin, 1);
#else
    /* thread.ts: moveOn */
    STEP heap[from].busy = true END;
#if NATIVE
    STEP under = heap[h].under END;
    STEP heap[from].under = under END;
    STEP heap[from].frame = ME.frame; under = 0 END;
#endif
    STEP ME.working = from END;
    STEP heap[h].busy = false; heap[h].torn = false END;
    STEP heap[h].state = FREE; heap[h].id = 0; h = from END;
#endif
    /* mend */
    STEP heap[h].torn = true END
  :: from == NOBODY
  fi;
  if
#if NATIVE
  RETURN(inherit, 2)
#else
  RETURN(inherit, 1)
#endif
  fi;
#endif

  /* --- thread.ts: enter, with the thread's heap: `h` --- */
enter:
  STEP h = ME.current END;
  ALONE assert(h != NOBODY || ME.jumped) END;
#if NATIVE
  STEP under = ME.working END;
noting:
  note();
#ifndef MUTATION_frame_not_looked_at
  /* A handler that has worked with the heap before `working` led here has left its own frame. */
  STEP seen = (under != h && heap[h].frame != ME.frame) END;
  if
  :: seen -> seen = false; goto noting
  :: !seen
  fi;
#endif
  STEP ME.current = NOBODY END;
  /* One that has worked with it after that, the heap itself as what is under it. */
  STEP heap[h].under = under END;
#else
  note();
  STEP ME.current = NOBODY END;
#endif
  STEP heap[h].busy = true END;
  STEP
    under = 0;
    assert(heap[h].state == LIVE && holder[heap[h].id] == me && !heap[h].torn);
    heap[h].torn = true
  END;
  if
  RETURN(enter, 1)
  RETURN(enter, 2)
  fi;

  /* --- thread.ts: begin, of heap `h` --- */
begin:
#if NATIVE
  STEP under = ME.working END;
#endif
  note();
#if NATIVE && !defined(MUTATION_begin_overwrites)
  STEP other = ME.current; ME.current = NOBODY END;
#else
  STEP other = NOBODY; ME.current = NOBODY END;
#endif
  STEP heap[h].busy = true END;
  if
  :: other != NOBODY -> abandon(other)
  :: other == NOBODY
  fi;
  STEP
    other = 0; under = 0;
    assert(heap[h].state == LIVE && holder[heap[h].id] == me);
    heap[h].torn = true
  END;
  if
#ifdef MUTATION_left_between
  RETURN(begin, 1)
#endif
  RETURN(begin, 2)
#if NATIVE && !defined(MUTATION_taken_before_noted)
  RETURN(begin, 3)
#endif
  fi;

  /* --- thread.ts: leave, of heap `h` --- */
leave:
  STEP heap[h].torn = false; heap[h].busy = false END;
#if NATIVE
  STEP under = heap[h].under END;
#ifdef MUTATION_current_overwritten
  STEP ME.current = h; other = NOBODY END;
#else
  STEP other = ME.current; ME.current = h END;
#endif
  STEP ME.working = under; under = 0 END;
  if
  :: other != NOBODY -> abandon(other)
  :: other == NOBODY
  fi;
  other = 0;
#else
  STEP ME.current = h END;
  STEP ME.working = NOBODY END;
#endif
  if
#ifdef MUTATION_left_between
  RETURN(leave, 1)
#endif
  RETURN(leave, 2)
  RETURN(leave, 3)
#if NATIVE && !defined(MUTATION_taken_before_noted)
  RETURN(leave, 4)
#endif
  fi;

  /* --- thread-cache.ts: resume, of heap `h` --- */
resume:
  CALL(begin, 2);
#ifndef MUTATION_taken_over_kept
  abandonTaken(heap[h].id);
#endif
  CALL(leave, 3);
  if
  RETURN(resume, 1)
#if NATIVE
  RETURN(resume, 2)
#endif
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
    ops = 0; doing = 0; h = 0; from = 0; n = 0; other = 0; under = 0; half = false; seen = false; id = 0;
    back_start = 0; back_enter = 0; back_begin = 0; back_leave = 0; back_inherit = 0; back_adopt = 0;
    back_resume = 0;
    running--
  END
}

#if SIGNALS
#define JUMP jumps && !thread[0].exiting -> jumps--; thread[0].jumped = true; thread[0].frame++

#if NATIVE
/*
 * isBroken and not, as a handler knows: how deep it stands on the stack decides whether it can tell what has ended.
 */
#define KNOWN_BROKEN (thread[0].working != NOBODY && heap[thread[0].working].frame < thread[0].frame)
#define NOT_KNOWN_BROKEN true

/* thread.ts: abandon and abandonTaken */
inline handlerAbandons(h) {
  assert(heap[h].state == LIVE || heap[h].state == ADOPTING);
  assert(holder[heap[h].id] == 0);
  heap[h].state = ABANDONED; heap[h].id = 0; abandoned++
}

inline handlerAbandonsTaken(h) {
  for (from : 0 .. HEAPS - 1) {
    if
    :: from != h && heap[from].linked && heap[from].id == heap[h].id -> handlerAbandons(from)
    :: else
    fi
  }
  from = 0
}

/* thread-cache.ts: resume */
inline handlerResumes(h) {
  assert(thread[0].current == NOBODY && heap[h].state == LIVE && holder[heap[h].id] == 0);
  heap[h].under = thread[0].working; heap[h].frame = HANDLER_FRAME;
  handlerAbandonsTaken(h);
  heap[h].torn = false; heap[h].busy = false;
  thread[0].current = h
}
#endif

/*
 * A handler on thread 0, between any two of its steps: it allocates, in a whole operation, with the heap that the thread has
 * then, or with one of its own; and returns, or jumps out, before that, in the middle or after. On wasm it only jumps out.
 */
proctype Handler() {
  byte h, other, from;
  bool starts;
end:
  do
  :: atomic {
      signals && lastId && !thread[0].dead && !thread[0].exited && !thread[0].jumped && running == THREADS ->
      signals--;
      if
      :: JUMP
#if NATIVE
      :: true ->
        /* lifecycle.ts: prepare */
        h = NOBODY;
        if
        :: thread[0].current == NOBODY && KNOWN_BROKEN -> h = thread[0].working; thread[0].working = UNDER(h)
        :: thread[0].current == NOBODY && NOT_KNOWN_BROKEN -> starts = true
        :: thread[0].current != NOBODY
        fi;
        /* dropBroken */
        do
        :: !starts && KNOWN_BROKEN ->
          other = thread[0].working;
          thread[0].working = UNDER(other);
          handlerAbandonsTaken(other);
          if
          :: other != thread[0].current -> handlerAbandons(other)
          :: else
          fi
        :: NOT_KNOWN_BROKEN -> break
        od;
        if
        :: starts ->
          /* takeAny */
          starts = false;
          lastId++; holder[lastId] = 0; known[lastId] = true;
          h = 0;
          do
          :: h < HEAPS && !(heap[h].linked && heap[h].state == ABANDONED) -> h++
          :: else -> break
          od;
          if
          :: h < HEAPS -> abandoned--
          :: else ->
            h = 0;
            do
            :: h < HEAPS && heap[h].linked && heap[h].state != FREE -> h++
            :: else -> break
            od;
            assert(h < HEAPS);
            heap[h].linked = true; heap[h].fresh = true
          fi;
          heap[h].state = LIVE; heap[h].id = lastId;
          if
          :: heap[h].busy -> handlerResumes(h)
          :: else -> thread[0].current = h
          fi
        :: !starts && h != NOBODY -> handlerResumes(h)
        :: !starts && h == NOBODY
        fi;
        /* enter */
        h = thread[0].current;
        assert(heap[h].state == LIVE && holder[heap[h].id] == 0 && !heap[h].torn && !heap[h].busy);
        heap[h].under = thread[0].working;
        NOTE_FRAME(h, thread[0].working, HANDLER_FRAME);
        thread[0].working = h;
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
          heap[h].torn = false; heap[h].busy = false;
          thread[0].current = h;
          thread[0].working = heap[h].under;
          if
          :: JUMP
          :: true
          fi
        :: JUMP
        fi
#else
      :: true
#endif
      fi;
      h = 0; other = 0
    }
  od
}
#endif

init {
  byte missing, j, k, steps;
  bool found;
  atomic {
    for (i : 0 .. SLABS - 1) {
      owner[i] = (i < LEFT -> i : NOBODY)
    }
    for (i : 0 .. HEAPS - 1) {
      /* Notes of an earlier life. */
      heap[i].under = (i + 1) % HEAPS;
      heap[i].frame = HANDLER_FRAME;
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
          steps = 0;
          do
          :: j != NOBODY && !found ->
            found = (j == i || heap[j].id == heap[i].id);
            j = UNDER(j);
            steps++;
            assert(steps <= HEAPS)
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
