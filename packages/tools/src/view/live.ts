/** A native program that runs under the observing library, asked what it is like: by a signal it writes its figures, and its sample is a file that is mapped. */

import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { nameProfile } from "../observe/native-profile.js";
import { readRawProfile } from "../observe/raw-profile.js";
import { start, underHakmem, type Ended } from "../run/program.js";
import type { Flame, LiveMoment } from "./data.js";
import { liveFlame } from "./profile.js";

/** Of those for real time, which programs hardly ever use. */
const SIGNAL = 50;
const STATS = "stats.json";
const SAMPLE = "sample.";
/** Names of functions take a while to find: no more often than this, in ms. */
const FLAME_EVERY = 5000;
const NO_FLAME: Flame = { name: "(root)", place: "", value: 0, children: [] };

export interface LiveProgram {
  readonly ended: Promise<Ended>;
  /** Asks the program for its figures; those of its end when it has ended. */
  readonly moment: () => Promise<LiveMoment>;
  readonly remove: () => Promise<void>;
}

export interface LiveOptions {
  readonly profile?: string;
  readonly sampleBytes: number;
  readonly quiet: boolean;
}

type Figures = Omit<LiveMoment, "running" | "time" | "flame">;
const NOTHING: Figures = { live: 0, committed: 0, cached: 0, free: 0, classes: [], pageBytes: 0, superslabs: [] };

/** Rejects as `underHakmem` does. */
export async function startLive(program: string, args: readonly string[], options: LiveOptions): Promise<LiveProgram> {
  const library = await underHakmem({ ...options, observe: true });
  const directory = await mkdtemp(path.join(tmpdir(), "hakmem-live-"));
  const began = performance.now();
  let running = true;
  const ended = start(program, args, {
    ...library,
    HAKMEM_HEAP_PROFILE: path.join(directory, "sample"),
    HAKMEM_SAMPLE_BYTES: String(options.sampleBytes),
    HAKMEM_STATS_FILE: path.join(directory, STATS),
    HAKMEM_STATS_SIGNAL: String(SIGNAL),
    HAKMEM_STATS_PAGES: "1",
  }).finally(() => (running = false));
  const asked = new Asked(directory);
  return {
    ended,
    remove: () => rm(directory, { recursive: true, force: true }),
    moment: async () => {
      const isRunning = running;
      const figures = await asked.figures(isRunning);
      return { running: isRunning, time: (performance.now() - began) * 1e6, ...figures, flame: await asked.flame() };
    },
  };
}

/** What is known of the program by its files. */
class Asked {
  private last: Figures = NOTHING;
  private graph = NO_FLAME;
  private drawn = 0;

  constructor(private readonly directory: string) {}

  async figures(running: boolean): Promise<Figures> {
    const sample = (await readdir(this.directory)).find((name) => name.startsWith(SAMPLE));
    // The sample is made when the program begins, after it has been told of the signal.
    if (running && sample !== undefined) await this.ask(Number(sample.slice(SAMPLE.length)));
    try {
      this.last = JSON.parse(await readFile(path.join(this.directory, STATS), "utf8")) as Figures;
    } catch {
      // Not yet.
    }
    return this.last;
  }

  private async ask(pid: number): Promise<void> {
    const file = path.join(this.directory, STATS);
    const before = (await stat(file).catch(() => undefined))?.mtimeMs ?? 0;
    try {
      process.kill(pid, SIGNAL);
    } catch {
      return; // It has ended.
    }
    for (let tries = 0; tries < 20; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      if (((await stat(file).catch(() => undefined))?.mtimeMs ?? 0) !== before) return;
    }
  }

  async flame(): Promise<Flame> {
    if (performance.now() - this.drawn < FLAME_EVERY && this.drawn > 0) return this.graph;
    const sample = (await readdir(this.directory)).find((name) => name.startsWith(SAMPLE));
    if (sample === undefined) return this.graph;
    const file = path.join(this.directory, sample);
    try {
      const { profile } = await nameProfile(readRawProfile(await readFile(file), file));
      this.graph = liveFlame(profile);
      this.drawn = performance.now();
    } catch {
      // It is being written: the next time.
    }
    return this.graph;
  }
}
