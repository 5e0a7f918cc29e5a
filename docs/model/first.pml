/*
 * The first threads of a program that is linked with hakmem.c: each may make the heap, one does, and all use it at once.
 * `joinProcess` of assembly/lifecycle.ts, `create` and `attach` of assembly/control.ts, `allocateMetadata` of
 * assembly/superslab.ts, `platform_publish` of native/webassembly.h.
 *
 * A heap is what one thread would make: the page in which its tables end, SPARES pages behind it that are for metadata, and one more
 * that is somebody else's. Each piece of metadata fills a page.
 */

#include "common.pml"

#ifndef OPS
#define OPS 2
#endif
#ifndef SPARES
#define SPARES 2
#endif
/* Where the cursor is once metadata comes from the pool, whose pages are in pool.pml. */
#define ELSEWHERE 7

#define HEAPS THREADS
#define PAGES (SPARES + 2)
#define AT(heap, page) ((heap) * PAGES + (page))

/* native/webassembly.h: 0, or the thread that made the heap, plus 1. */
byte control_block;
/* control.ts: whether it is laid out, and the number that says so. */
bool laid[HEAPS];
bool magic[HEAPS];
/* control.ts: the page that the metadata cursor is in. */
byte cursor[HEAPS];
/* region.ts: what is known of a page. */
#define UNKNOWN 0
#define METADATA 1
#define SPARE 2
byte kind[HEAPS * PAGES];

/* What is true: who has a page, and which heap the program uses. */
byte owner[HEAPS * PAGES];
byte used;
byte i;

proctype Thread(byte me) {
  byte heap, at, ops, page;
  bool done;

  /* lifecycle.ts: joinProcess */
  STEP heap = control_block END;
  if
  :: heap -> skip
  :: !heap ->
    /* create: who loses has taken memory in vain */
#ifdef MUTATION_published_first
    STEP control_block = (control_block -> control_block : me + 1) END;
#endif
    STEP laid[me] = true END;
    STEP magic[me] = true END;
    /* platform_publish */
    STEP
#ifdef MUTATION_published_by_store
      control_block = me + 1
#else
      control_block = (control_block -> control_block : me + 1)
#endif
    END;
#ifdef MUTATION_own_kept
    ALONE heap = me + 1 END;
#else
    STEP heap = control_block END;
#endif
  fi;
  /* attach */
  STEP
    heap--;
    assert(laid[heap] && magic[heap]);
    assert(!used || used == heap + 1);
    used = heap + 1
  END;
  /* claimTables */
  if
#ifdef MUTATION_claimed_by_all
  :: true ->
#else
  :: heap == me ->
#endif
    STEP kind[AT(heap, 0)] = METADATA END;
    page = 1;
    do
    :: page <= SPARES -> STEP kind[AT(heap, page)] = SPARE; page++ END
    :: page > SPARES -> break
    od;
    ALONE page = 0 END
  :: heap != me
  fi;

  do
  :: ops < OPS ->
    /* superslab.ts: allocateMetadata */
    done = false;
    do
    :: done -> break
    :: !done ->
      STEP at = cursor[heap] END;
      if
      :: at == ELSEWHERE -> done = true
      :: at != ELSEWHERE ->
        STEP page = kind[AT(heap, at + 1)] END;
        if
#ifdef MUTATION_taken_unknown
        :: true ->
#else
        :: page == SPARE ->
#endif
          STEP
            if
#ifdef MUTATION_cursor_by_store
            :: true ->
#else
            :: cursor[heap] == at ->
#endif
              cursor[heap] = at + 1;
              assert(!owner[AT(heap, at + 1)] && at + 1 <= SPARES);
              owner[AT(heap, at + 1)] = me + 1;
              done = true
            :: else
            fi
          END;
          if
          :: done -> STEP kind[AT(heap, at + 1)] = METADATA END
          :: !done
          fi
        :: page != SPARE ->
          /* From the pool, and the cursor with it; who loses gives its pages back. */
          STEP
            if
            :: cursor[heap] == at -> cursor[heap] = ELSEWHERE; done = true
            :: else
            fi
          END
        fi
      fi
    od;
    ALONE ops++; at = 0; page = 0; done = false END
  :: ops >= OPS -> break
  od;
  ALONE running--; ops = 0; heap = 0 END;
  goto finished;

gone:
  ALONE ops = 0; heap = 0; at = 0; page = 0; done = false; running-- END;
finished: skip
}

init {
  atomic {
    running = THREADS;
    for (i : 0 .. THREADS - 1) { run Thread(i) }
    i = 0
  }
  /* One heap, and what was taken of its pages is known as such, but by who died at it. */
  d_step {
    running == 0 ->
    for (i : 0 .. HEAPS * PAGES - 1) {
      assert(!owner[i] || kind[i] == METADATA || deaths);
      assert(!owner[i] || i / PAGES + 1 == used)
    }
  }
}
