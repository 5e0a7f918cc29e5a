import { setTimeout as sleep } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { testRandom } from "../../support/random.js";
import type { Build } from "./builds.js";
import { RawHeap, Stat, WASM_PAGE } from "./raw-heap.js";

/** Sizes of which a thread allocates, both bounds included; each range equally often. */
export interface Sizes {
  readonly least: number;
  readonly most: number;
}

/** What a thread is given; see churn-worker.js. */
export interface ChurnData {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly control: number;
  readonly owners: Uint8Array;
  readonly mailboxes: Int32Array;
  readonly held: Int32Array;
  readonly counters: Int32Array;
  readonly sizes: readonly Sizes[];
  readonly seed: number;
  /** What the thread signs its blocks with, 1 to 255. */
  readonly index: number;
  readonly role: Role;
}

/** What a thread does all the time; only one thread of a churn may produce. */
export type Role = "churn" | "replace" | "fill" | "produce" | "consume";

export interface ChurnOptions {
  readonly sizes: readonly Sizes[];
  /** Blocks that each thread holds at most. */
  readonly slots?: number;
  /** Places through which threads hand blocks to each other. */
  readonly mailboxes?: number;
  readonly maximumPages?: number;
}

export interface Findings {
  readonly operations: number;
  /** Blocks whose contents were not what had been written, or not zero or aligned as asked. */
  readonly damaged: number;
  /** 16-byte pieces that were handed out while somebody had them. */
  readonly overlaps: number;
  /** Calls that returned 0. */
  readonly refused: number;
}

const COUNTERS = ["stop", "reclaim", "operations", "damaged", "overlaps", "refused"] as const;
const counter = (name: (typeof COUNTERS)[number]): number => COUNTERS.indexOf(name);
const MIN_ALIGN = 16;
const SIGNATURES = 255;
const POLL_MS = 20;
const MOST_SEED = 2 ** 32 - 1;

/** A heap on which workers churn, watched from this thread, which is one of the heap's too. */
export class Churn {
  readonly heap: RawHeap;
  /** Draws the workers' seeds, and what a test wants drawn. */
  readonly random = testRandom();
  readonly #control: number;
  readonly #owners: Uint8Array;
  readonly #mailboxes: Int32Array;
  readonly #workers = new Set<ChurnWorker>();
  readonly #ended: ChurnWorker[] = [];
  #started = 0;

  constructor(
    build: Build,
    private readonly options: ChurnOptions,
  ) {
    const { mailboxes = 64, maximumPages = 4096 } = options;
    this.heap = RawHeap.create(build, maximumPages);
    this.#control = this.heap.threadInit(0);
    this.#owners = new Uint8Array(new SharedArrayBuffer((maximumPages * WASM_PAGE) / MIN_ALIGN));
    this.#mailboxes = sharedWords(mailboxes);
  }

  /** Starts a worker that holds up to `slots` blocks; resolves when it is one of the heap's threads. */
  async start(role: Role = "churn", slots = this.options.slots ?? 1000): Promise<ChurnWorker> {
    const number = this.#started++;
    const data: ChurnData = {
      module: this.heap.build.module,
      memory: this.heap.memory.memory,
      control: this.#control,
      owners: this.#owners,
      mailboxes: this.#mailboxes,
      held: sharedWords(slots),
      counters: sharedWords(COUNTERS.length),
      sizes: this.options.sizes,
      seed: this.random.between(1, MOST_SEED),
      index: 1 + (number % SIGNATURES),
      role,
    };
    const worker = await ChurnWorker.start(data);
    this.#workers.add(worker);
    return worker;
  }

  /** Lets a worker exit in good order; its blocks stay. */
  async stop(worker: ChurnWorker): Promise<void> {
    await worker.stop();
    this.#retire(worker);
  }

  /** Ends a worker wherever it is just now. */
  async terminate(worker: ChurnWorker): Promise<void> {
    await worker.terminate();
    this.#retire(worker);
  }

  /** Frees what ended workers still held, from this thread, and what lies in the mailboxes once all have ended. */
  freeLeftovers(): void {
    for (const { data } of this.#ended) this.#free(data.held);
    if (this.#workers.size === 0) this.#free(this.#mailboxes);
    this.heap.memory.memory.grow(0);
  }

  /** Stops all workers, frees all that they left, and trims. */
  async finish(): Promise<void> {
    for (const worker of this.#workers) await this.stop(worker);
    this.freeLeftovers();
    this.heap.trim();
  }

  get findings(): Findings {
    const workers = [...this.#workers, ...this.#ended];
    const sum = (name: (typeof COUNTERS)[number]): number =>
      workers.reduce((total, { data }) => total + data.counters[counter(name)]!, 0);
    return {
      operations: sum("operations"),
      damaged: sum("damaged"),
      overlaps: sum("overlaps"),
      refused: sum("refused"),
    };
  }

  /**
   * Resolves when the workers have done `operations` more together, and `seconds` have passed if there are any.
   * Rejects when one of them has found something wrong: the sooner, the easier to understand.
   */
  async run(operations: number, seconds = 0): Promise<void> {
    const goal = this.findings.operations + operations;
    const end = performance.now() + seconds * 1000;
    while (this.findings.operations < goal || performance.now() < end) {
      await Promise.race([sleep(POLL_MS), ...[...this.#workers].map(({ failed }) => failed)]);
      const { damaged, overlaps } = this.findings;
      if (damaged + overlaps > 0) throw new Error(`${damaged} blocks were damaged and ${overlaps} pieces overlap`);
    }
  }

  get live(): number {
    return this.heap.stat(Stat.Live);
  }

  #retire(worker: ChurnWorker): void {
    this.#workers.delete(worker);
    this.#ended.push(worker);
  }

  #free(blocks: Int32Array): void {
    for (let index = 0; index < blocks.length; ++index) {
      const address = Atomics.exchange(blocks, index, 0) >>> 0;
      if (address === 0) continue;
      const usable = this.heap.usableSize(address);
      this.#owners.fill(0, address / MIN_ALIGN, (address + usable) / MIN_ALIGN);
      this.heap.free(address);
    }
  }
}

/** One worker of a churn. */
export class ChurnWorker {
  readonly #worker: Worker;
  readonly #exit: Promise<void>;
  /** Never resolves; rejects when the worker throws. */
  readonly failed: Promise<never>;
  /** Its id in the heap. */
  threadId = 0;

  private constructor(readonly data: ChurnData) {
    this.#worker = new Worker(new URL("churn-worker.js", import.meta.url), { workerData: data });
    this.#exit = new Promise((resolve, reject) => {
      this.#worker.once("error", reject);
      this.#worker.once("exit", () => resolve());
    });
    this.failed = new Promise((_, reject) => this.#worker.once("error", reject));
    // Whoever runs or stops the worker learns of it.
    for (const promise of [this.#exit, this.failed]) promise.catch(() => undefined);
  }

  static async start(data: ChurnData): Promise<ChurnWorker> {
    const worker = new ChurnWorker(data);
    const joined = new Promise<void>((resolve) => {
      worker.#worker.once("message", (id: number) => {
        worker.threadId = id;
        resolve();
      });
    });
    await Promise.race([joined, worker.#exit]);
    return worker;
  }

  get operations(): number {
    return this.data.counters[counter("operations")]!;
  }

  /** Asks this worker to take over what a dead thread has left, and does not wait for it. */
  askToReclaim(threadId: number): void {
    Atomics.store(this.data.counters, counter("reclaim"), threadId);
  }

  async stop(): Promise<void> {
    Atomics.store(this.data.counters, counter("stop"), 1);
    await this.#exit;
  }

  async terminate(): Promise<void> {
    await this.#worker.terminate();
  }
}

function sharedWords(length: number): Int32Array {
  return new Int32Array(new SharedArrayBuffer(length * Int32Array.BYTES_PER_ELEMENT));
}
