/** A native program that runs under the observing library, asked what it is like: by a file (native/observe.h). Its sample is a file that is mapped. */

import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { nameProfile } from "../observe/native-profile.js";
import { readRawProfile } from "../observe/raw-profile.js";
import { start, underHakmem, type Ended } from "../run/program.js";
import type { Flame, LiveMoment } from "./data.js";
import { liveFlame } from "./profile.js";

const STATS = "stats.json";
const SAMPLE = "sample";
/** How long the program may take to answer, in ms. */
const PATIENCE = 300;
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

interface Answered {
  readonly process: number;
}

type Figures = Omit<LiveMoment, "running" | "time" | "flame">;
const NOTHING: Figures = {
  live: 0,
  committed: 0,
  cached: 0,
  free: 0,
  classes: [],
  pageBytes: 0,
  superslabs: [],
  isKnown: false,
};

/** Rejects as `underHakmem` does. */
export async function startLive(program: string, args: readonly string[], options: LiveOptions): Promise<LiveProgram> {
  const library = await underHakmem({ ...options, observe: true });
  const directory = await mkdtemp(path.join(tmpdir(), "hakmem-live-"));
  const began = performance.now();
  let running = true;
  const asked = new Asked(directory);
  const environment = {
    ...library,
    HAKMEM_HEAP_PROFILE: path.join(directory, SAMPLE),
    HAKMEM_SAMPLE_BYTES: String(options.sampleBytes),
    HAKMEM_STATS_FILE: path.join(directory, STATS),
    HAKMEM_STATS_WATCH: "1",
  };
  const ended = start(program, args, environment, (pid) => (asked.pid = pid)).finally(() => (running = false));
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
  pid = 0;
  private last: Figures = NOTHING;
  private graph = NO_FLAME;
  private drawn = 0;

  constructor(private readonly directory: string) {}

  async figures(running: boolean): Promise<Figures> {
    if (running) await this.ask();
    try {
      const answer = JSON.parse(await readFile(path.join(this.directory, STATS), "utf8")) as Figures & Answered;
      // Programs that it has started write theirs when they end.
      if (answer.process === this.pid) this.last = { ...answer, isKnown: true };
    } catch {
      // Not yet.
    }
    return this.last;
  }

  private async ask(): Promise<void> {
    const question = path.join(this.directory, `${STATS}.ask.${this.pid}`);
    await writeFile(question, "");
    for (let waited = 0; waited < PATIENCE; waited += 10) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      // What takes the question away is about to answer.
      if ((await stat(question).catch(() => undefined)) === undefined) break;
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }

  async flame(): Promise<Flame> {
    if (performance.now() - this.drawn < FLAME_EVERY && this.drawn > 0) return this.graph;
    const file = path.join(this.directory, `${SAMPLE}.${this.pid}`);
    if ((await stat(file).catch(() => undefined)) === undefined) return this.graph;
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
