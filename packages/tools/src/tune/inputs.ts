/** The recordings of a tuning: read, checked, and divided into those that it sees and those that it does not. */

import { readFile, writeFile } from "node:fs/promises";
import * as path from "node:path";
import { shuffle } from "simple-statistics";
import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { mersenne } from "pure-rand/generator/mersenne";
import { RequestError } from "../base/errors.js";
import { fingerprint } from "../base/fingerprint.js";
import { checkInputFile } from "../base/output.js";
import { readRecording, traceOf, type Trace } from "../lab/recordings.js";
import { convertRecording } from "../observe/recording/convert.js";
import type { Recording } from "../observe/recording/format.js";
import { isRawRecording } from "../observe/recording/raw.js";
import { halvesOf } from "./halves.js";
import { histogramOf, type Histogram } from "./histogram.js";

/** A recording that is replayed. */
export interface Input {
  /** What tables call it. */
  readonly name: string;
  /** A whole recording; that of a half is in a directory that is gone afterwards. */
  readonly file: string;
  readonly recording: Recording;
  readonly histogram: Histogram;
  /** Its events, those of a share of its blocks where they are too many. */
  readonly trace: Trace;
}

export interface Inputs {
  readonly training: readonly Input[];
  readonly heldOut: readonly Input[];
  /** Whether both are halves of one recording. */
  readonly halved: boolean;
  /** Files that say what another one says already, and were left out. */
  readonly alike: readonly string[];
}

export interface InputOptions {
  readonly files: readonly string[];
  /** How many recordings are held out; a third of them, one at least, unless given. */
  readonly holdOut?: number | undefined;
  /** Decides which. */
  readonly seed: number;
  /** An empty directory for what is made of the recordings. */
  readonly scratch: string;
}

/** Events that are replayed for memory's sake at most. */
const MOST_EVENTS = 4_000_000;

/** Rejects with `ExplainedError` for what is no whole recording, and with {@link RequestError} for what nothing can be learned from. */
export async function readInputs({ files, holdOut, seed, scratch }: InputOptions): Promise<Inputs> {
  for (const file of files) await checkInputFile(file);
  const known = new Map<string, string>();
  const alike: string[] = [];
  for (const file of files) {
    const content = fingerprint(await readFile(file));
    if (known.has(content)) alike.push(file);
    else known.set(content, file);
  }
  const distinct = [...known.values()];
  const [only] = distinct;
  if (distinct.length === 1 && only !== undefined) {
    if (holdOut !== undefined)
      throw new RequestError(
        `--hold-out ${holdOut} needs ${holdOut + 1} different recordings, and there is one; without it one half of its blocks is held out`,
      );
    return { ...(await readHalves(only, scratch)), halved: true, alike };
  }
  const count = holdOut ?? Math.max(1, Math.floor(distinct.length / 3));
  if (count >= distinct.length)
    throw new RequestError(
      `--hold-out ${count} of ${distinct.length} different recordings leaves none to tune for; it must be ${distinct.length - 1} at most`,
    );
  const random = mersenne(seed);
  const drawn = new Set(shuffle(distinct, () => uniformFloat64(random)).slice(0, count));
  const inputs: Input[] = [];
  for (const [index, file] of distinct.entries())
    inputs.push(await readInput(await whole(file, scratch, index), nameOf(file)));
  const isDrawn = (_: Input, index: number): boolean => drawn.has(distinct[index] ?? "");
  return {
    training: inputs.filter((input, index) => !isDrawn(input, index)),
    heldOut: inputs.filter(isDrawn),
    halved: false,
    alike,
  };
}

const nameOf = (file: string): string => path.basename(file, path.extname(file));

/** The file itself, or what becomes of what a killed `hakmem record` left. */
async function whole(file: string, scratch: string, index: number): Promise<string> {
  if (!isRawRecording(file)) return file;
  const output = path.join(scratch, `${index}-${path.basename(file)}.hkt`);
  convertRecording({ raw: file, output, program: "unknown" });
  return Promise.resolve(output);
}

async function readHalves(file: string, scratch: string): Promise<Pick<Inputs, "training" | "heldOut">> {
  const recording = await readRecording(await whole(file, scratch, 0));
  if (recording.head.events === 0) throw new RequestError(`${file} has no events`);
  const inputs: Input[] = [];
  for (const [index, bytes] of halvesOf(recording).entries()) {
    const half = path.join(scratch, `half-${index + 1}.hkt`);
    await writeFile(half, bytes);
    if ((await readRecording(half)).head.events === 0)
      throw new RequestError(`${file} has too few blocks to hold half of them out; record another run, and give both`);
    inputs.push(await readInput(half, `${nameOf(file)}, half ${index + 1}`));
  }
  return { training: inputs.slice(0, 1), heldOut: inputs.slice(1) };
}

async function readInput(file: string, name: string): Promise<Input> {
  const recording = await readRecording(file);
  if (recording.head.events === 0) throw new RequestError(`${file} has no events`);
  return { name, file, recording, histogram: histogramOf(recording), trace: traceOf(recording, MOST_EVENTS) };
}
