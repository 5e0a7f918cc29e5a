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
import { viewProfile } from "./profile.js";
import { viewRecording } from "./recording.js";

/** Rejects with {@link RequestError} for a file that is not there, and with {@link ExplainedError} for one that is neither recording nor profile. */
export async function viewFiles(files: readonly string[], profiles: readonly string[]): Promise<View[]> {
  const views: View[] = [];
  for (const file of files) {
    const content = await read(file);
    const name = path.basename(file);
    const recording = await recordingOf(file, content);
    if (recording === undefined) views.push(await viewProfile(name, content));
    else for (const profile of profiles) views.push(viewRecording(name, recording, await replayHeap(profile)));
  }
  return views;
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
  if (content.length === 0) throw new ExplainedError(`${file} is empty`);
  if (content.toString("latin1", 0, MAGIC.length) === MAGIC) return decodeRecording(content, file);
  if (!isRawRecording(file)) return undefined;
  return withScratch("view", async (directory) => {
    const output = path.join(directory, `${path.basename(file)}.hkt`);
    convertRecording({ raw: file, output, program: "unknown" });
    return decodeRecording(await readFile(output), file);
  });
}
