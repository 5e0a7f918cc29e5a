/** The samples of a native program's heap, from the environment that asks for them to what people get. */

import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import * as path from "node:path";
import { ExplainedError, messageOf, RequestError } from "../base/errors.js";
import { checkOutputFile } from "../base/output.js";
import type { formatOf } from "./formats/index.js";
import { leakReport } from "./leaks.js";
import { nameProfile } from "./native-profile.js";
import { readRawProfile } from "./raw-profile.js";

export interface Sampling {
  /** Mean distance of samples in bytes. */
  readonly rate: number;
  readonly file: { readonly path: string; readonly format: ReturnType<typeof formatOf> } | undefined;
  /** A report on standard error. */
  readonly leaks: { readonly most: number } | undefined;
}

const PREFIX = "sample";

/** Throws `RequestError` when the directory of the file is not there: before the program has run for nothing. */
export async function requireDirectory({ file }: Sampling): Promise<void> {
  if (file === undefined) return;
  const directory = path.dirname(file.path);
  const found = await stat(directory).catch(() => undefined);
  if (found?.isDirectory() !== true) throw new RequestError(`${file.path}: there is no directory ${directory}`);
  await checkOutputFile(file.path);
}

/** What a program must find in its environment to leave its samples in `directory`. */
export function samplingEnvironment(directory: string, { rate }: Sampling): Readonly<Record<string, string>> {
  return { HAKMEM_HEAP_PROFILE: path.join(directory, PREFIX), HAKMEM_SAMPLE_BYTES: String(rate) };
}

/**
 * Writes and reports what the processes left: of the program itself, `pid`, under the file's name, of others that it started with
 * their numbers in it. Rejects with {@link ExplainedError} when the program left nothing, or its file cannot be written.
 */
export async function reportSamples(directory: string, pid: number, { file, leaks }: Sampling): Promise<void> {
  const pids = (await readdir(directory))
    .filter((name) => name.startsWith(`${PREFIX}.`))
    .map((name) => Number(name.slice(PREFIX.length + 1)))
    .sort((a, b) => Number(b === pid) - Number(a === pid) || a - b);
  if (!pids.includes(pid))
    console.error(
      "hakmem: the program left no sample: it was not loaded with the library (is it static, or set-user-ID?)",
    );
  for (const each of pids) {
    const name = path.join(directory, `${PREFIX}.${each}`);
    const { profile, notices } = await nameProfile(readRawProfile(await readFile(name), name));
    if (each !== pid && profile.samples === 0) continue;
    for (const notice of notices) console.error(`hakmem: ${notice}`);
    if (leaks !== undefined) process.stderr.write(leakReport(profile, leaks.most));
    if (file === undefined) continue;
    const { ending, write } = file.format;
    const own = each === pid ? file.path : `${file.path.slice(0, -ending.length)}.${each}${ending}`;
    try {
      await writeFile(own, write(profile, Date.now()));
    } catch (error) {
      throw new ExplainedError(`${own} cannot be written: ${messageOf(error)}`);
    }
  }
}
