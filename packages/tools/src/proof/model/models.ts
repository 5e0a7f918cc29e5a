/** The models of `docs/model/`: in which sizes each is checked, and by which of them its mutations are caught. */

/** Numbers that a model's macros are given. */
export type Defines = Readonly<Record<string, number>>;

/** A size of a model and where it begins. */
export interface Configuration {
  readonly name: string;
  readonly defines: Defines;
  /** Looked through for cycles, not for what is wrong: with these, threads could go round for ever. */
  readonly cycles?: true;
  /** Too large for a test. */
  readonly large?: true;
}

/** A mistake that the model can be made to make, and that must be found in it. */
export interface Mutation {
  /** Of the macro, behind `MUTATION_`. */
  readonly name: string;
  /** What is wrong then, as the end of a sentence about the allocator. */
  readonly what: string;
  /** The configuration that finds it. */
  readonly by: string;
}

export interface Model {
  readonly name: string;
  /** What it is a model of. */
  readonly what: string;
  readonly configurations: readonly Configuration[];
  readonly mutations: readonly Mutation[];
}

const POOL: Model = {
  name: "pool",
  what: "the pool's pages",
  configurations: [
    { name: "a run over three SuperSlabs", defines: { HELD: 700007, LONGEST: 4 } },
    { name: "pages given back and others taken", defines: { HELD: 72, OPS1: 2, GROWN: 4, LIMIT: 4 } },
    { name: "two threads grow", defines: { HELD: 77, LONGEST: 1, GROWN: 2, LIMIT: 4 } },
    { name: "purges", defines: { HELD: 7700, OPS1: 3, LONGEST: 1, GROWN: 4, LIMIT: 4, PURGES: 1 } },
    { name: "one gives back, two take", defines: { HELD: 7072, THREADS: 3, LONGEST: 1, GROWN: 4, LIMIT: 4 } },
    {
      name: "a run that is claimed in part",
      defines: { HELD: 7007, THREADS: 3, DEATHS: 0, GROWN: 4, LIMIT: 4 },
      large: true,
    },
    {
      name: "a run that is claimed in part, and one dies",
      defines: { HELD: 7007, THREADS: 3, GROWN: 4, LIMIT: 4 },
      large: true,
    },
    { name: "three threads grow", defines: { HELD: 77, THREADS: 3, LONGEST: 1, GROWN: 2, LIMIT: 4 }, large: true },
    { name: "all free", defines: { HELD: 0, OPS: 2, LONGEST: 4 }, large: true },
    { name: "growth in steps", defines: { HELD: 0, OPS: 2, GROWN: 2, LIMIT: 5 }, large: true },
    { name: "no thread goes round for ever", defines: { HELD: 700007, LONGEST: 4, DEATHS: 0 }, cycles: true },
    {
      name: "no two refused threads go round for ever",
      defines: { HELD: 77, DEATHS: 0, GROWN: 2, LIMIT: 2 },
      cycles: true,
    },
  ],
  mutations: [
    {
      name: "claim_by_store",
      what: "pages are claimed by a store",
      by: "a run over three SuperSlabs",
    },
    {
      name: "claim_kept",
      what: "the part of a run that was claimed before it failed is not given back",
      by: "a run that is claimed in part",
    },
    {
      name: "claim_not_announced",
      what: "a run over several SuperSlabs is claimed without beginClaim",
      by: "a run that is claimed in part",
    },
    {
      name: "claims_not_awaited",
      what: "a refusal does not wait for claims",
      by: "two threads grow",
    },
    {
      name: "growth_not_announced",
      what: "memory that one thread has grown and not yet made known is refused to another",
      by: "two threads grow",
    },
    {
      name: "release_not_announced",
      what: "pages are given back without beginClaim",
      by: "one gives back, two take",
    },
    {
      name: "change_not_noted",
      what: "memory becomes available without noteChange",
      by: "pages given back and others taken",
    },
    {
      name: "count_after_search",
      what: "the count of changes is read after the search",
      by: "pages given back and others taken",
    },
    {
      name: "hint_trusted",
      what: "nothing below the hint is searched",
      by: "a run over three SuperSlabs",
    },
    {
      name: "second_search_ends_at_hint",
      what: "the second search ends with the SuperSlab of the hint",
      by: "a run over three SuperSlabs",
    },
    {
      name: "dirty_after_available",
      what: "pages become available before they are known to be dirty",
      by: "purges",
    },
    {
      name: "clean_after_return",
      what: "purged pages are marked clean after they are given back",
      by: "purges",
    },
    {
      name: "refusal_noted",
      what: "a refused growth counts as a change",
      by: "no two refused threads go round for ever",
    },
  ],
};

const LARGE: Model = {
  name: "large",
  what: "large blocks, and pages that join for them",
  configurations: [
    { name: "all free", defines: { HELD: 0, HUGE: 1 } },
    { name: "each holds one", defines: { HELD: 102, OPS: 2 } },
    { name: "each holds one of the same page", defines: { HELD: 21, OPS: 2 } },
    { name: "two pages a word", defines: { HELD: 70, PAGES: 3, WORD: 2, LONGEST: 5 } },
    { name: "one frees, two take", defines: { HELD: 7071, THREADS: 3, LONGEST: 2, DEATHS: 0 } },
    { name: "all free, and more is done", defines: { HELD: 0, HUGE: 1, OPS: 2 }, large: true },
    { name: "three threads", defines: { HELD: 71, THREADS: 3 }, large: true },
    { name: "three pages", defines: { HELD: 102, PAGES: 3, LONGEST: 5, OPS: 2 }, large: true },
    {
      name: "no thread goes round for ever",
      defines: { HELD: 7700, RETRIES: 2, DEATHS: 0 },
      cycles: true,
    },
    {
      name: "no thread goes round for ever, and more is done",
      defines: { HELD: 0, RETRIES: 2, OPS1: 2, DEATHS: 0 },
      cycles: true,
      large: true,
    },
  ],
  mutations: [
    { name: "take_by_store", what: "granules are taken by a store", by: "all free" },
    { name: "parts_kept", what: "the part of a run that was claimed before it failed is not put back", by: "all free" },
    {
      name: "several_not_announced",
      what: "granules of several words are claimed without beginClaim",
      by: "all free",
    },
    {
      name: "beaten_once",
      what: "a search that another thread was faster than does not look again at that SuperSlab",
      by: "all free",
    },
    {
      name: "rest_not_joined",
      what: "a run of granules partly in joined and partly in available pages is not looked for",
      by: "all free",
    },
    { name: "join_before_claim", what: "an available page joins before it is claimed", by: "all free" },
    {
      name: "join_not_announced",
      what: "available pages join without beginClaim",
      by: "each holds one of the same page",
    },
    { name: "join_not_noted", what: "a run of pages joins and counts as no change", by: "all free" },
    {
      name: "kind_after_granules",
      what: "a page's granules are opened before it is called large",
      by: "all free",
    },
    {
      name: "released_before_kind",
      what: "a page goes back to the pool before it is no longer called large",
      by: "all free",
    },
    {
      name: "release_looked_only",
      what: "a page whose granules were all free when they were looked at is released",
      by: "all free",
    },
    { name: "release_not_announced", what: "joined pages are released without beginClaim", by: "all free" },
    { name: "release_not_noted", what: "the release of joined pages counts as no change", by: "all free" },
    { name: "change_not_noted", what: "granules are freed without noteChange", by: "each holds one" },
    {
      name: "change_noted_first",
      what: "the change is noted before the granules are free",
      by: "each holds one",
    },
    {
      name: "dirty_after_free",
      what: "granules are free before their pages are known to be dirty",
      by: "each holds one of the same page",
    },
    { name: "claims_not_awaited", what: "a refusal does not wait for claims", by: "all free" },
    {
      name: "slab_not_announced",
      what: "pages are taken for a slab, whose metadata may be refused, without beginClaim",
      by: "all free",
    },
    {
      name: "retried_for_ever",
      what: "searches are repeated as long as there are changes, of joining and releasing, too",
      by: "no thread goes round for ever",
    },
  ],
};

const RUNS: Model = {
  name: "runs",
  what: "runs of free pages that are kept",
  configurations: [
    { name: "one gives back, another takes", defines: { HELD: 2051 } },
    { name: "all are kept", defines: { HELD: 6666 } },
    { name: "one page is kept, two are in the pool", defines: { HELD: 7005 } },
    { name: "some are held, some are kept", defines: { HELD: 6611 } },
    { name: "some are held, some are kept, and more is done", defines: { HELD: 6611, OPS: 2 }, large: true },
    { name: "between two runs that are kept", defines: { HELD: 51056, PAGES: 5, OPS: 2 }, large: true },
    { name: "three threads", defines: { HELD: 6611, THREADS: 3 }, large: true },
    { name: "three threads, two of which give back", defines: { HELD: 51026, PAGES: 5, THREADS: 3 }, large: true },
    { name: "no thread goes round for ever", defines: { HELD: 6611, DEATHS: 0 }, cycles: true },
  ],
  mutations: [
    { name: "kept_over_another", what: "a run is put into a slot by a store", by: "one gives back, another takes" },
    { name: "emptied_by_store", what: "a run is taken out of its slot by a store", by: "all are kept" },
    {
      name: "hint_trusted",
      what: "what the hint of an edge leads to is joined unseen",
      by: "one gives back, another takes",
    },
    { name: "cut_not_announced", what: "a run is cut without beginClaim", by: "all are kept" },
    { name: "rest_not_noted", what: "the rest of a run that was cut counts as no change", by: "all are kept" },
    { name: "keep_not_announced", what: "a run is given back without beginClaim", by: "some are held, some are kept" },
    {
      name: "keep_not_noted",
      what: "a run that is given back counts as no change",
      by: "some are held, some are kept",
    },
    {
      name: "kept_is_refused",
      what: "memory is refused while runs are kept",
      by: "one page is kept, two are in the pool",
    },
    {
      name: "release_not_announced",
      what: "runs go to the pool without beginClaim",
      by: "one page is kept, two are in the pool",
    },
    {
      name: "release_not_noted",
      what: "runs that go to the pool count as no change",
      by: "one page is kept, two are in the pool",
    },
    { name: "claims_not_awaited", what: "a refusal does not wait for claims", by: "all are kept" },
  ],
};

/** The sum of what a thread may do: `remote.pml`. */
const MALLOC = 1;
const FREE_ONE = 2;
const FLUSH = 4;
const TIDY = 8;
const EXIT = 16;
const ADOPT = 32;
const PUT_BACK = 64;

const REMOTE: Model = {
  name: "remote",
  what: "blocks on their way home, and slabs that change hands",
  configurations: [
    {
      name: "the owner takes what another sends",
      defines: { PLACES: 1222, DO0: MALLOC + TIDY, OPS: 2, DO1: FLUSH, OPS1: 1 },
    },
    {
      name: "the owner puts back what another sends, too",
      defines: { PLACES: 7712, DO0: MALLOC + PUT_BACK, OPS: 3, DO1: FREE_ONE + FLUSH, OPS1: 2 },
    },
    {
      name: "two send to one slab",
      defines: { PLACES: 32, SLABS: 1, THREADS: 3, DO0: MALLOC + TIDY, DO1: FLUSH, DO2: FLUSH },
    },
    {
      name: "three, one of whom takes over what the dead leave",
      defines: { PLACES: 3322, THREADS: 3, DO0: MALLOC, DO1: FLUSH, DO2: FLUSH + ADOPT },
    },
    {
      name: "one exits on the way",
      defines: { PLACES: 2112, OWNER1: 0, THREADS: 3, DO0: MALLOC + TIDY, DO1: FLUSH + EXIT, DO2: ADOPT },
      large: true,
    },
    {
      name: "the owner exits, another takes over, a third sends",
      defines: { PLACES: 22, SLABS: 1, THREADS: 3, DO0: EXIT, DO1: FLUSH, DO2: ADOPT },
    },
    {
      name: "the owner exits, another takes over and works, a third sends and tidies",
      defines: {
        PLACES: 22,
        SLABS: 1,
        THREADS: 3,
        DO0: EXIT,
        DO1: FLUSH + TIDY,
        OPS1: 2,
        DO2: MALLOC + ADOPT,
        OPS2: 2,
      },
      large: true,
    },
    {
      name: "two die",
      defines: { PLACES: 3322, THREADS: 3, DEATHS: 2, DO0: MALLOC, DO1: FLUSH, DO2: FLUSH + ADOPT },
      large: true,
    },
    {
      name: "no thread goes round for ever",
      defines: { PLACES: 32, SLABS: 1, THREADS: 3, DEATHS: 0, DO0: MALLOC + TIDY, DO1: FLUSH, DO2: FLUSH },
      cycles: true,
    },
  ],
  mutations: [
    { name: "pending_not_set", what: "blocks are pushed without the flag", by: "the owner takes what another sends" },
    {
      name: "not_pushed",
      what: "the flag is set, and the slab not put on its owner's stack",
      by: "the owner takes what another sends",
    },
    {
      name: "put_back_into_any",
      what: "blocks go straight back into slabs of others, or that are not queued, or of which the last",
      by: "the owner puts back what another sends, too",
    },
    { name: "pushed_always", what: "a slab is put on a stack whoever set the flag", by: "two send to one slab" },
    {
      name: "released_though_pending",
      what: "a slab is released while another thread may still touch it",
      by: "the owner takes what another sends",
    },
    { name: "taken_by_store", what: "the remote word is emptied by a store", by: "two send to one slab" },
    {
      name: "receives_all",
      what: "a slab that was on the stack of one heap and has become another's is taken in by the first",
      by: "one exits on the way",
    },
    { name: "popped_by_store", what: "a slab is taken off the stack by a store", by: "one exits on the way" },
    {
      name: "strays_left",
      what: "slabs on the stack of a heap that nobody uses are left there",
      by: "the owner exits, another takes over, a third sends",
    },
    {
      name: "carved_before_free",
      what: "a slab begins afresh before its free list is empty",
      by: "one exits on the way",
    },
    {
      name: "homeward_not_kept",
      what: "the list on its way home is not kept up to date",
      by: "the owner takes what another sends",
    },
    {
      name: "list_left_in_two_places",
      what: "a mended heap keeps the list that was about to go home where it was, too",
      by: "three, one of whom takes over what the dead leave",
    },
    {
      name: "busy_not_set",
      what: "an operation does not say that it has begun",
      by: "the owner takes what another sends",
    },
    {
      name: "busy_ignored",
      what: "a heap is taken over without being mended",
      by: "the owner takes what another sends",
    },
  ],
};

const ADOPTION: Model = {
  name: "adoption",
  what: "heaps, and whose they are",
  configurations: [
    { name: "two threads", defines: { OPS: 2 }, large: true },
    { name: "two threads and two heaps that were left", defines: { OPS: 2, OPS1: 1, LEFT: 2, HEAPS: 4 } },
    {
      name: "two threads and two heaps that were left, and more is done",
      defines: { OPS: 2, LEFT: 2, HEAPS: 4 },
      large: true,
    },
    {
      name: "three threads, two of which have a heap",
      defines: { THREADS: 3, OPS: 1, LEFT: 1, HEAPS: 4, STARTED: 3 },
      large: true,
    },
    {
      name: "a stack that overflows",
      defines: { OPS: 2, OPS1: 0, DEATHS: 0, NATIVE: 0, SIGNALS: 1, JUMPS: 1, LEFT: 1, HEAPS: 4 },
    },
    {
      name: "a stack that overflows, beside another thread",
      defines: { OPS: 2, OPS1: 1, DEATHS: 0, NATIVE: 0, SIGNALS: 1, JUMPS: 1, LEFT: 1, HEAPS: 4 },
      large: true,
    },
    {
      name: "a signal handler that allocates",
      defines: { OPS: 1, OPS1: 0, DEATHS: 0, SIGNALS: 1, LEFT: 1, HEAPS: 5 },
    },
    {
      name: "three signal handlers that allocate",
      defines: { OPS: 2, OPS1: 0, DEATHS: 0, SIGNALS: 3, LEFT: 1, HEAPS: 6 },
    },
    {
      name: "a signal handler that may jump out",
      defines: { OPS: 2, OPS1: 0, DEATHS: 0, SIGNALS: 1, JUMPS: 1, LEFT: 1, HEAPS: 5 },
    },
    {
      name: "a signal handler that may jump out, beside another thread",
      defines: { OPS: 2, OPS1: 1, DEATHS: 0, SIGNALS: 1, JUMPS: 1, HEAPS: 5 },
      large: true,
    },
    {
      name: "two signal handlers, of which one may jump out",
      defines: { OPS: 2, OPS1: 0, DEATHS: 0, SIGNALS: 2, JUMPS: 1, LEFT: 1, HEAPS: 6, LOSSES: 1 },
    },
    {
      name: "two signal handlers that may jump out, and more is done",
      defines: { OPS: 3, OPS1: 0, DEATHS: 0, SIGNALS: 2, JUMPS: 2, LEFT: 1, HEAPS: 6, LOSSES: 3 },
      large: true,
    },
    {
      name: "no thread goes round for ever",
      defines: { OPS: 2, OPS1: 1, DEATHS: 0, LEFT: 1, HEAPS: 3 },
      cycles: true,
    },
    {
      name: "no handler makes a thread go round for ever",
      defines: { OPS: 2, OPS1: 0, DEATHS: 0, SIGNALS: 1, JUMPS: 1, LEFT: 1, HEAPS: 5 },
      cycles: true,
    },
  ],
  mutations: [
    {
      name: "taken_by_store",
      what: "a heap is taken by a store",
      by: "two threads and two heaps that were left",
    },
    {
      name: "counted_after",
      what: "a heap is counted as abandoned after it is",
      by: "two threads and two heaps that were left",
    },
    {
      name: "freed_before_slabs",
      what: "an adopted heap becomes free before its slabs are somebody else's",
      by: "two threads and two heaps that were left",
    },
    {
      name: "left_between",
      what: "an operation ends on one heap and begins anew on the one that it has taken over, not in order yet",
      by: "a stack that overflows",
    },
    {
      name: "taken_over_kept",
      what: "what a broken operation was about to take over is not left to others",
      by: "a signal handler that may jump out",
    },
    {
      name: "dropped_without_taken",
      what: "the same, where the thread goes on with its handler's heap",
      by: "a signal handler that may jump out",
    },
    {
      name: "taken_before_noted",
      what: "a thread that has no heap takes over one that was left before an operation is under way",
      by: "a signal handler that may jump out",
    },
    {
      name: "current_overwritten",
      what: "an operation that ends forgets the heap that a handler got meanwhile",
      by: "a signal handler that allocates",
    },
    {
      name: "begin_overwrites",
      what: "an operation that begins on another heap than the thread's forgets the one that a handler got meanwhile",
      by: "a signal handler that allocates",
    },
    {
      name: "frame_of_handler",
      what: "a handler that works with the heap of an operation that is about to begin leaves its own frame there",
      by: "three signal handlers that allocate",
    },
    {
      name: "frame_not_looked_at",
      what: "the same, only of one that comes before the operation is known to be under way",
      by: "three signal handlers that allocate",
    },
    {
      name: "under_last",
      what: "what an operation interrupts is noted after the operation is known to be under way",
      by: "a signal handler that may jump out",
    },
    {
      name: "broken_taken_twice",
      what: "a broken operation is taken out of those that have not ended by a load and a store, which a handler divides",
      by: "two signal handlers, of which one may jump out",
    },
    {
      name: "broken_left_under",
      what: "a heap is mended while another broken operation lies under it",
      by: "two signal handlers, of which one may jump out",
    },
  ],
};

const FIRST: Model = {
  name: "first",
  what: "the first threads of a program",
  configurations: [
    { name: "two threads", defines: {} },
    { name: "three threads", defines: { THREADS: 3, SPARES: 1, OPS: 1 } },
    { name: "no thread goes round for ever", defines: { DEATHS: 0 }, cycles: true },
  ],
  mutations: [
    { name: "published_first", what: "the heap is published before it is laid out", by: "two threads" },
    { name: "published_by_store", what: "the heap is published by a store", by: "two threads" },
    { name: "own_kept", what: "who has made a heap uses it, whoever was first", by: "two threads" },
    { name: "claimed_by_all", what: "every thread marks the pages behind the tables", by: "two threads" },
    { name: "taken_unknown", what: "the page behind the last one is taken whatever it is", by: "two threads" },
    { name: "cursor_by_store", what: "the cursor is moved by a store", by: "two threads" },
  ],
};

export const MODELS: readonly Model[] = [POOL, LARGE, RUNS, REMOTE, ADOPTION, FIRST];

/** The configuration of `model` that is called `name`. */
export function configurationOf(model: Model, name: string): Configuration {
  const found = model.configurations.find((configuration) => configuration.name === name);
  if (found === undefined) throw new Error(`the model ${model.name} has no configuration "${name}"`);
  return found;
}
