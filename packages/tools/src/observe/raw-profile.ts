/** Reading what native/heap-profile.h writes: the layout is described there. */

import { ExplainedError } from "../base/errors.js";

/** A part of a program or library that can run. */
export interface Module {
  readonly start: number;
  readonly end: number;
  /** What is added to the addresses in the file. */
  readonly base: number;
  readonly path: string;
}

export interface RawSite {
  /** Addresses that calls return to, the innermost first. */
  readonly stack: readonly number[];
  readonly bytes: number;
  readonly objects: number;
  readonly liveBytes: number;
  readonly liveObjects: number;
}

export interface RawLive {
  readonly size: number;
  readonly weight: number;
  /** Index in `sites`. */
  readonly site: number;
  /** Nanoseconds of the same clock as `started`. */
  readonly born: number;
}

export interface RawProfile {
  readonly pid: number;
  readonly rate: number;
  readonly started: number;
  readonly ended: number;
  readonly samples: number;
  readonly lost: number;
  readonly modules: readonly Module[];
  readonly sites: readonly RawSite[];
  readonly live: readonly RawLive[];
}

const MAGIC = "HKPROF1";
const HEAD = [
  ...["pid", "rate", "started", "latest", "modulesAt", "modulesBytes", "stacksAt", "stacksWords"],
  ...["sitesAt", "sites", "liveAt", "liveSlots", "samples", "lost", "ended"],
] as const;
const SITE_BYTES = 64;
const LIVE_BYTES = 40;
const WORD = 8;

/** Whether a file begins as such a one does. */
export function isRawProfile(file: Buffer): boolean {
  return file.toString("latin1", 0, MAGIC.length) === MAGIC;
}

/** Throws {@link ExplainedError} when `file` is not such a file, or a part of one. */
export function readRawProfile(file: Buffer, name: string): RawProfile {
  const refuse = (why: string): never => {
    throw new ExplainedError(`${name} is not a sample of a heap: ${why}`);
  };
  if (file.length < WORD * (1 + HEAD.length) || !isRawProfile(file)) refuse(`it does not begin with ${MAGIC}`);
  const word = (at: number): number => Number(file.readBigUInt64LE(at));
  const values = HEAD.map((key, index) => [key, word(WORD * (1 + index))] as const);
  const head = Object.fromEntries(values) as Readonly<Record<(typeof HEAD)[number], number>>;
  const within = (at: number, bytes: number): void => {
    if (at + bytes > file.length) refuse("its end is missing");
  };
  within(head.modulesAt, head.modulesBytes);
  within(head.stacksAt, head.stacksWords * WORD);
  within(head.sitesAt, head.sites * SITE_BYTES);
  within(head.liveAt, head.liveSlots * LIVE_BYTES);

  const sites = Array.from({ length: head.sites }, (_, index): RawSite => {
    const at = head.sitesAt + index * SITE_BYTES;
    const [first, frames] = [word(at + 8), word(at + 16)];
    if (first + frames > head.stacksWords) refuse("it names a stack that is not there");
    return {
      stack: Array.from({ length: frames }, (__, frame) => word(head.stacksAt + WORD * (first + frame))),
      bytes: word(at + 24),
      liveBytes: word(at + 32),
      objects: file.readDoubleLE(at + 40),
      liveObjects: file.readDoubleLE(at + 48),
    };
  });
  const live = Array.from({ length: head.liveSlots }, (_, index) => head.liveAt + index * LIVE_BYTES)
    .filter((at) => word(at) !== 0)
    .map((at) => ({ size: word(at + 8), weight: word(at + 16), site: word(at + 24), born: word(at + 32) }));
  if (live.some(({ site }) => site >= sites.length)) refuse("it names a call site that is not there");
  return {
    pid: head.pid,
    rate: head.rate,
    started: head.started,
    ended: Math.max(head.ended, head.latest),
    samples: head.samples,
    lost: head.lost,
    modules: modulesOf(file.toString("utf8", head.modulesAt, head.modulesAt + head.modulesBytes)),
    sites,
    live,
  };
}

function modulesOf(text: string): Module[] {
  return text
    .split("\n")
    .map((line) => /^([\da-f]+) ([\da-f]+) [\da-f]+ ([\da-f]+) (.+)$/.exec(line))
    .flatMap((found) => {
      if (found === null) return [];
      const [, start = "", end = "", base = "", path = ""] = found;
      const number = (digits: string): number => Number.parseInt(digits, 16);
      return [{ start: number(start), end: number(end), base: number(base), path }];
    });
}
