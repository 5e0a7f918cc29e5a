/** How a thread that stays inside WebAssembly can come by memory that another one has grown. */

import { GROW_UNIT, KIB, MIB, SceneError, type Call, type Scene, type Thread } from "./scene.js";

export interface Case {
  readonly name: string;
  /** Only for guard builds, or only for others. */
  readonly guard?: boolean;
  /** The heap is made after the follower has begun. */
  readonly late?: boolean;
  play(scene: Scene): void;
}

const SMALL = [16, 1000, 30_000] as const;
const LARGE = [60 * KIB, 200 * KIB] as const;
const HUGE = [1500 * KIB, 3 * MIB] as const;
const ALL = [...SMALL, ...LARGE, ...HUGE] as const;

const named = (size: number): string =>
  size >= MIB ? `${size / MIB} MiB` : size >= 32 * KIB ? `${size / KIB} KiB` : `${size} B`;

/** A block of fresh memory by each call that makes one. */
const fresh: Case[] = (["malloc", "calloc", "memalign", "prewarm"] as const).flatMap((call) =>
  (call === "prewarm" ? SMALL : ALL).map((size) => ({
    name: `${call} ${named(size)}`,
    play: (scene: Scene) => {
      scene.freeBeyond(size);
      scene.tellNew(call, size);
    },
  })),
);

const again: Case[] = ALL.map((size) => ({
  name: `malloc ${named(size)} after the view was renewed before`,
  play: (scene: Scene) => {
    scene.settle();
    scene.freeBeyond(size);
    scene.tellNew("malloc", size);
  },
}));

const cached: Case[] = (["malloc", "calloc"] as const).flatMap((call) =>
  LARGE.map((size) => ({
    name: `${call} ${named(size)} that another thread has cached`,
    guard: false,
    play: (scene: Scene) => {
      scene.leader.free(scene.beyond(size));
      scene.tellNew(call, size);
    },
  })),
);

const between: Case[] = [
  {
    name: "malloc 40 KiB between blocks of another thread",
    guard: false,
    play: (scene) => {
      const blocks = [scene.beyond(40 * KIB), scene.leader.malloc(40 * KIB), scene.leader.malloc(40 * KIB)];
      scene.leader.free(blocks[1]!);
      scene.leader.trim();
      const got = scene.tellNew("malloc", 40 * KIB);
      if (got !== blocks[1]) throw new SceneError(`the block at ${got} does not lie between them`);
    },
  },
];

const straddling: Case[] = [200 * KIB, 700 * KIB].flatMap((size) => [
  {
    name: `malloc ${named(size)} that another thread has cached, and that begins in memory seen before`,
    guard: false,
    play: (scene: Scene) => {
      scene.leader.free(scene.straddling(size));
      scene.tellNew("malloc", size);
    },
  },
  {
    name: `malloc ${named(size)} that begins in memory seen before`,
    play: (scene: Scene) => {
      scene.leader.free(scene.straddling(size));
      scene.leader.trim();
      scene.tellNew("malloc", size);
    },
  },
]);

const resized: Case[] = [
  ...ALL.filter((size) => size > 16).map((size) => ({
    name: `realloc of an own block to ${named(size)}`,
    play: (scene: Scene) => {
      const block = scene.tell("malloc", Math.min(size >> 1, 512));
      scene.freeBeyond(size);
      scene.tellNew("realloc", size, block);
    },
  })),
  ...(
    [
      [64 * KIB, 200 * KIB],
      [1536 * KIB, 3 * MIB],
    ] as const
  ).map(([from, to]) => ({
    name: `realloc of an own block from ${named(from)} to ${named(to)}, in place`,
    guard: false,
    play: (scene: Scene) => {
      for (let n = 0; n < 20; ++n) {
        // The follower's block is the last in memory, and behind it new memory is free.
        const settling = scene.leader.malloc(48);
        scene.leaveTrailing(from);
        scene.settle(settling);
        const block = scene.tell("malloc", from);
        if (scene.length !== scene.limit) continue;
        scene.leader.free(scene.leader.malloc(to));
        scene.leader.trim();
        if (block + to > scene.limit && scene.tell("realloc", to, block) === block) return;
      }
      throw new SceneError("no block grows in place beyond what was seen");
    },
  })),
  ...ALL.flatMap((size) =>
    (
      [
        ["the size that it has", 1],
        ["three quarters", 0.75],
        ["twice", 2],
      ] as const
    ).map(([to, factor]) => ({
      name: `realloc of another thread's ${named(size)} to ${to}`,
      play: (scene: Scene) => {
        const block = scene.beyond(size);
        scene.tellNew("realloc", Math.ceil(size * factor), block);
      },
    })),
  ),
  ...[200 * KIB, 700 * KIB].map((size) => ({
    name: `realloc of another thread's ${named(size)} that begins in memory seen before`,
    play: (scene: Scene) => {
      const block = scene.straddling(size);
      scene.tellNew("realloc", size, block);
    },
  })),
];

const recycled: Case[] = [
  ...SMALL.map((size) => ({
    name: `free of another thread's ${named(size)} and malloc of the same`,
    guard: false,
    play: (scene: Scene) => {
      expectSame(scene, size, scene.beyond(size));
    },
  })),
  ...SMALL.map((size) => ({
    name: `free and malloc of ${named(size)} with a gate that was open before`,
    guard: false,
    play: (scene: Scene) => {
      for (let n = 0; n < 3; ++n) {
        // The bin has room and is used: nothing but the gate makes a difference.
        scene.tell("recycle", size, scene.leader.malloc(size));
        scene.limit = scene.length;
        expectSame(scene, size, scene.beyond(size));
      }
    },
  })),
  ...LARGE.map((size) => ({
    name: `free of another thread's ${named(size)} and malloc of the same`,
    guard: false,
    play: (scene: Scene) => {
      expectSame(scene, size, scene.beyond(size));
    },
  })),
  {
    name: "free of another thread's 100 blocks, which come back one by one",
    guard: false,
    play: (scene) => {
      const blocks = Array.from({ length: 100 }, () => scene.beyond(200));
      for (const block of blocks) scene.tell("free", 0, block);
      for (const _ of blocks) scene.tell("malloc", 200);
    },
  },
];

function expectSame(scene: Scene, size: number, block: number): void {
  const got = scene.tellNew("recycle", size, block);
  if (got !== block) throw new SceneError(`the block at ${got} is not the one that was freed, at ${block}`);
}

/** Fills a slab of `thread` in memory that is new to the follower with live blocks; returns them. */
function slabBeyond(scene: Scene, thread: Thread, size: number): number[] {
  scene.freeBeyond(256 * KIB);
  const blocks = Array.from({ length: 60 }, () => thread.malloc(size));
  const beyond = blocks.filter((block) => block >= scene.limit);
  if (beyond.length < 30) throw new SceneError("the thread's blocks are not new to the follower");
  return beyond;
}

const ENDS = [
  [
    "exits",
    (_scene: Scene, thread: Thread, blocks: readonly number[]) => {
      for (const block of blocks.slice(1)) thread.free(block);
      thread.exit();
    },
  ],
  [
    "dies with blocks in its cache",
    (scene: Scene, thread: Thread, blocks: readonly number[]) => {
      for (const block of blocks.slice(1)) thread.free(block);
      scene.leader.reclaim(thread.id);
    },
  ],
  [
    "dies after others have freed its blocks",
    (scene: Scene, thread: Thread, blocks: readonly number[]) => {
      for (const block of blocks.slice(1)) scene.leader.free(block);
      scene.leader.trim();
      scene.leader.reclaim(thread.id);
    },
  ],
] as const;

const inherited: Case[] = ENDS.flatMap(([how, end]) => [
  {
    name: `malloc from the heap of a thread that ${how}, by one that has nothing yet`,
    guard: false,
    play: (scene: Scene) => {
      const thread = scene.join();
      end(scene, thread, slabBeyond(scene, thread, 1000));
      scene.tellNew("malloc", 1000);
    },
  },
  {
    name: `malloc from a slab of a thread that ${how}`,
    guard: false,
    play: (scene: Scene) => {
      scene.tell("malloc", 64);
      const thread = scene.join();
      end(scene, thread, slabBeyond(scene, thread, 1000));
      scene.tellNew("malloc", 1000);
    },
  },
]);

const adopted: Case[] = [
  ...([true, false] as const).map((own) => ({
    name: `malloc with the heap of a thread that died with blocks of others in its cache, by one that has ${own ? "a slab" : "nothing yet"}`,
    guard: false,
    play: (scene: Scene) => {
      if (own) scene.tell("malloc", 64);
      const thread = scene.join();
      thread.free(thread.malloc(64));
      // They are in the cache of the one that dies, and their slab is the leader's.
      for (const block of slabBeyond(scene, scene.leader, 1000)) thread.free(block);
      scene.leader.reclaim(thread.id);
      scene.tell("malloc", 2000);
    },
  })),
  {
    name: "remote frees that refill an own slab while memory grows",
    guard: false,
    play: (scene) => {
      scene.freeBeyond(256 * KIB);
      const blocks = Array.from({ length: 70 }, () => scene.tell("malloc", 1000));
      for (const block of blocks) scene.leader.free(block);
      scene.leader.trim();
      scene.limit = 0;
      scene.beyond(MIB);
      for (const _ of blocks) scene.tell("malloc", 1000);
    },
  },
  ...(["figures", "trim"] as const).map((call) => ({
    name: `${call} with heaps of threads in memory that is new`,
    play: (scene: Scene) => {
      scene.settle();
      scene.joinBeyond();
      scene.tell(call);
    },
  })),
  {
    name: "trim that sends blocks home to a thread whose heap is new",
    guard: false,
    play: (scene) => {
      const first = scene.join();
      const blocks = Array.from({ length: 70 }, () => first.malloc(1000));
      // Few enough to stay in its cache.
      for (const block of blocks.slice(0, 3)) scene.tell("free", 0, block);
      scene.settle();
      const heir = scene.joinBeyond();
      // With a slab of its own it takes the other's slabs, instead of the heap.
      heir.malloc(64);
      scene.leader.reclaim(first.id);
      heir.malloc(1000);
      scene.tell("trim");
    },
  },
];

const others: Case[] = [
  {
    name: "malloc after the program itself has grown the memory",
    play: (scene) => {
      scene.exhaust();
      scene.grow(5);
      scene.limit = scene.length - 5 * GROW_UNIT;
      scene.freeBeyond(100 * KIB);
      scene.tellNew("malloc", 100 * KIB);
      scene.tellNew("malloc", 100);
    },
  },
  {
    name: "thread_init on a heap that is younger than the thread",
    late: true,
    play: (scene) => {
      scene.makeHeap();
      scene.tellNew("join", 1000, scene.control);
    },
  },
  {
    name: "thread_init on a heap that is younger than the thread and lies beyond its memory",
    late: true,
    play: (scene) => {
      scene.grow(5);
      scene.makeHeap();
      scene.tellNew("join", 1000, scene.control);
    },
  },
];

const guarded: Case[] = [
  ...ALL.flatMap((size) => [
    {
      name: `free of another thread's ${named(size)}`,
      guard: true,
      play: (scene: Scene) => {
        scene.tell("free", 0, scene.beyond(size));
      },
    },
    {
      name: `check of all blocks, with another thread's ${named(size)}`,
      guard: true,
      play: (scene: Scene) => {
        scene.beyond(size);
        scene.tell("check");
      },
    },
    {
      name: `free that puts another thread's ${named(size)} out of quarantine`,
      guard: true,
      play: (scene: Scene) => {
        scene.leader.free(scene.beyond(size));
        scene.tell("trim");
      },
    },
  ]),
  ...(["free", "check", "trim"] as const).map((call) => ({
    name: `${call} with another thread's 200 KiB that begin in memory seen before`,
    guard: true,
    play: (scene: Scene) => {
      const block = scene.straddling(200 * KIB);
      if (call === "trim") scene.leader.free(block);
      scene.tell(call satisfies Call, 0, block);
    },
  })),
];

export const CASES: readonly Case[] = [
  ...fresh,
  ...again,
  ...cached,
  ...between,
  ...straddling,
  ...resized,
  ...recycled,
  ...inherited,
  ...adopted,
  ...others,
  ...guarded,
];
