/**
 * A sample of a heap's blocks, and the stacks that asked for them: one in so many bytes, at random, as a Poisson process, which is what
 * tcmalloc, Go and V8 do. So a call's share of the samples is its share of the bytes, whatever the sizes.
 *
 * A sample stands for the bytes since the one before (tcmalloc's way): all of them together are what was asked for.
 */

import type { Observer } from "./observer.js";
import { parseStack, type Frame } from "./stack.js";

/** What has been asked for by one stack, estimated from the sample unless every block is in it. */
export interface ProfileSite {
  /** The innermost call first. */
  readonly stack: readonly Frame[];
  readonly bytes: number;
  readonly objects: number;
  /** Of these, what has not been freed. */
  readonly liveBytes: number;
  readonly liveObjects: number;
}

/** A block of the sample that has not been freed. */
export interface ProfileBlock {
  /** Its place in `sites`. */
  readonly site: number;
  /** What was asked for, in bytes. */
  readonly size: number;
  /** How many bytes it stands for. */
  readonly weight: number;
  /** In nanoseconds. */
  readonly age: number;
}

/** Plain data: `JSON.stringify` makes a file of it that `hakmem profile` reads. */
export interface ProfileData {
  readonly version: 1;
  /** Mean distance of samples in bytes; 1: every block. */
  readonly rate: number;
  /** In nanoseconds. */
  readonly duration: number;
  readonly samples: number;
  readonly sites: readonly ProfileSite[];
  readonly live: readonly ProfileBlock[];
}

/** A moment of a profile, from `mark()`. */
export interface ProfileMark {
  readonly time: number;
}

interface Site {
  readonly number: number;
  readonly text: string;
  bytes: number;
  objects: number;
}

interface Ended {
  readonly site: Site;
  readonly freed: string;
}

interface Block {
  readonly site: Site;
  readonly size: number;
  readonly weight: number;
  readonly born: number;
}

const FRAMES = 128;
const NANOSECONDS = 1e6;
/** As many as the bits of an address that the filter takes. */
const FILTER = 1 << 16;
const FULL = 255;
const MOST_ENDED = 16_384;

/** V8 alone has these. */
interface V8Error {
  stackTraceLimit?: number;
  prepareStackTrace?: unknown;
  captureStackTrace?(of: object): void;
}

export class Profiler implements Observer {
  left = 0;
  readonly #rate: number;
  readonly #started = performance.now();
  readonly #sites = new Map<string, Site>();
  readonly #live = new Map<number, Block>();
  /** How many of the sampled blocks have such an address: most frees need no more. */
  readonly filter = new Uint8Array(FILTER);
  #interval = 0;
  #samples = 0;

  /** The last blocks of the sample that were freed, the oldest first; undefined where nobody asks. */
  readonly #ended: Map<number, Ended> | undefined;

  /**
   * @param rate mean distance of samples, in bytes
   * @param remembersFrees whether `originOf` shall know who freed a block
   */
  constructor(rate: number, remembersFrees: boolean) {
    this.#rate = rate;
    this.#ended = remembersFrees ? new Map() : undefined;
    this.#next();
  }

  allocated(block: number, size: number, _: number): void {
    if (size < this.left) this.left -= size + 1;
    else this.#sample(block, size);
  }

  freed(block: number): boolean {
    if (this.filter[(block >>> 4) & (FILTER - 1)] === 0) return false;
    const known = this.#ended === undefined ? undefined : this.#live.get(block);
    if (known !== undefined) this.#remember(block, known.site);
    return this.#forget(block);
  }

  resized(old: number, block: number, size: number): void {
    const before = this.#live.get(old);
    // One that became shorter where it lies was asked for already.
    if (before !== undefined && old === block && size <= before.size) return;
    this.freed(old);
    this.allocated(block, size, 0);
  }

  cleared(): void {
    this.#live.clear();
    this.filter.fill(0);
  }

  mark(): ProfileMark {
    return { time: performance.now() };
  }

  /** @param since only what is alive of the blocks that were asked for since then */
  read(since?: ProfileMark): ProfileData {
    const now = performance.now();
    const from = since?.time ?? Number.NEGATIVE_INFINITY;
    const live = [...this.#live.values()].filter(({ born }) => born >= from);
    const sites = [...this.#sites.values()].map(({ text, bytes, objects }) => {
      return { stack: parseStack(text), bytes, objects, liveBytes: 0, liveObjects: 0 };
    });
    for (const { site, size, weight } of live) {
      const at = sites[site.number]!;
      at.liveBytes += weight;
      at.liveObjects += weight / (size + 1);
    }
    return {
      version: 1,
      rate: this.#rate,
      duration: (now - this.#started) * NANOSECONDS,
      samples: this.#samples,
      sites,
      live: live.map(({ site, size, weight, born }) => ({
        site: site.number,
        size,
        weight,
        age: (now - born) * NANOSECONDS,
      })),
    };
  }

  originOf(block: number): string {
    const live = this.#live.get(block);
    const ended = this.#ended?.get(block);
    if (live !== undefined) return `\nThe block was allocated by\n${textOf(live.site.text)}`;
    if (ended === undefined) return "";
    return `\nThe block was allocated by\n${textOf(ended.site.text)}\nand freed by\n${textOf(ended.freed)}`;
  }

  #next(): void {
    this.#interval = this.#rate === 1 ? 0 : Math.floor(-Math.log(1 - Math.random()) * this.#rate);
    this.left = this.#interval;
  }

  #sample(block: number, size: number): void {
    const weight = this.#interval - this.left + size + 1;
    this.#next();
    this.#samples++;
    const site = this.#siteOf(this.#stack());
    site.bytes += weight;
    site.objects += weight / (size + 1);
    // One that another thread has freed was not seen to end.
    this.#forget(block);
    this.#live.set(block, { site, size, weight, born: performance.now() });
    const at = (block >>> 4) & (FILTER - 1);
    if (this.filter[at] !== FULL) this.filter[at]!++;
  }

  #siteOf(text: string): Site {
    const found = this.#sites.get(text);
    if (found !== undefined) return found;
    const site = { number: this.#sites.size, text, bytes: 0, objects: 0 };
    this.#sites.set(text, site);
    return site;
  }

  #stack(): string {
    const engine = Error as V8Error;
    const { stackTraceLimit, prepareStackTrace } = engine;
    const here: { stack?: string } = {};
    try {
      engine.stackTraceLimit = FRAMES;
      // A program's own makes what it likes of a stack.
      if (prepareStackTrace !== undefined) engine.prepareStackTrace = undefined;
      engine.captureStackTrace?.(here);
      return here.stack ?? new Error().stack ?? "";
    } finally {
      if (stackTraceLimit !== undefined) engine.stackTraceLimit = stackTraceLimit;
      if (prepareStackTrace !== undefined) engine.prepareStackTrace = prepareStackTrace;
    }
  }

  #remember(block: number, site: Site): void {
    this.#ended?.delete(block);
    this.#ended?.set(block, { site, freed: this.#stack() });
    if (this.#ended === undefined || this.#ended.size <= MOST_ENDED) return;
    const [oldest] = this.#ended.keys();
    if (oldest !== undefined) this.#ended.delete(oldest);
  }

  #forget(block: number): boolean {
    if (!this.#live.delete(block)) return false;
    const at = (block >>> 4) & (FILTER - 1);
    if (this.filter[at] !== FULL) this.filter[at]!--;
    return true;
  }
}

function textOf(stack: string): string {
  return parseStack(stack)
    .map(({ name, file, line, column }) => `    at ${name} (${file}:${line}:${column})`)
    .join("\n");
}
