/** What is to be viewed: files, and the profiles that recordings are replayed under. */

import { readFile } from "node:fs/promises";
import * as path from "node:path";
import { ExplainedError, messageOf, RequestError } from "../base/errors.js";
import { withScratch } from "../base/scratch.js";
import { convertRecording } from "../observe/recording/convert.js";
import { decodeRecording, MAGIC, type Recording } from "../observe/recording/format.js";
import { isRawRecording } from "../observe/recording/raw.js";
import type { View } from "./data.js";
import { replayHeap } from "./heap.js";
import { outline } from "./outline.js";
import { viewProfile } from "./profile.js";
import { viewRecording } from "./recording.js";

/** A file that has been read. */
interface Input {
  readonly name: string;
  readonly content: Buffer;
  readonly recording: Recording | undefined;
}

/** What is shown first, and what in the end: each rejects when there is something wrong with a file. */
export interface Viewed {
  /** Recordings as outlines. */
  readonly first: Promise<readonly View[]>;
  readonly all: Promise<readonly View[]>;
}

/**
 * Both reject with {@link RequestError} for a file that is not there, and with {@link ExplainedError} for one that is neither recording nor profile,
 * or is damaged.
 */
export function viewFiles(files: readonly string[], profiles: readonly string[]): Viewed {
  const inputs = Promise.all(files.map(readInput));
  const first = inputs.then((all) => mapInTurn(all, (input) => firstViews(input, profiles.length)));
  const all = first.then(async () => mapInTurn(await inputs, (input) => allViews(input, profiles)));
  return { first, all };
}

async function mapInTurn(inputs: readonly Input[], view: (input: Input) => Promise<View[]>): Promise<View[]> {
  const views: View[] = [];
  for (const input of inputs) views.push(...(await view(input)));
  return views;
}

async function firstViews({ name, content, recording }: Input, times: number): Promise<View[]> {
  if (recording === undefined) return [await viewProfile(name, content)];
  return Array.from<View>({ length: times }).fill(outline(name, recording));
}

async function allViews({ name, content, recording }: Input, profiles: readonly string[]): Promise<View[]> {
  if (recording === undefined) return [await viewProfile(name, content)];
  const views: View[] = [];
  for (const profile of profiles) views.push(await viewRecording(name, recording, await replayHeap(profile)));
  return views;
}

async function readInput(file: string): Promise<Input> {
  const content = await read(file);
  return { name: path.basename(file), content, recording: await recordingOf(file, content) };
}

async function read(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (error) {
    throw new RequestError(`${file} cannot be read: ${messageOf(error)}`);
  }
}

/** Undefined for a file that does not begin as one. */
async function recordingOf(file: string, content: Buffer): Promise<Recording | undefined> {
  // Of a program that has nothing in use.
  if (content.length === 0 && file.endsWith(".folded")) return undefined;
  if (content.length === 0) throw new ExplainedError(`${file} is empty`);
  if (content.toString("latin1", 0, MAGIC.length) === MAGIC) return decodeRecording(content, file);
  if (!isRawRecording(file)) return undefined;
  return withScratch("view", async (directory) => {
    const output = path.join(directory, `${path.basename(file)}.hkt`);
    convertRecording({ raw: file, output, program: "unknown" });
    return decodeRecording(await readFile(output), file);
  });
}
