/** What `hakmem record` does. */

import { readdir, rm, stat } from "node:fs/promises";
import * as path from "node:path";
import { ExplainedError, RequestError } from "../../base/errors.js";
import { checkOutputFile } from "../../base/output.js";
import { convertRecording } from "../../observe/recording/convert.js";
import { start, underHakmem } from "../../run/program.js";
import type { CommonOptions } from "../command.js";

export interface RecordOptions extends CommonOptions {
  readonly output?: string;
  readonly events?: number;
  readonly profile?: string;
}

const ENDING = ".hkt";
const NOT_READY = 126;

export async function record(program: string, args: readonly string[], options: RecordOptions): Promise<void> {
  const output = path.resolve(options.output ?? `${path.basename(program)}${ENDING}`);
  if (options.output === "") throw new RequestError('"" is no file; choose another output');
  await checkReplaceable(output);
  const directory = path.dirname(output);
  // Of this recording alone: others may be made at the same time, or have been left by one that was killed.
  const prefix = `${path.basename(output)}.raw-${process.pid}`;
  try {
    const environment = await underHakmem({ ...options, observe: true });
    const { code, pid } = await start(program, args, { ...environment, HAKMEM_RECORD: path.join(directory, prefix) });
    process.exitCode = code;
    if (pid !== undefined) await convertAll({ output, prefix, pid, program: path.basename(program) }, options);
  } catch (error) {
    if (!(error instanceof ExplainedError) || error instanceof RequestError) throw error;
    console.error(`error: ${error.message}`);
    process.exitCode ||= NOT_READY;
  }
}

/** Throws {@link RequestError} unless a file can be put in the place of `output`, where there is a directory. */
async function checkReplaceable(output: string): Promise<void> {
  const directory = path.dirname(output);
  const found = await stat(directory).catch(() => undefined);
  if (found?.isDirectory() !== true) throw new RequestError(`${output}: there is no directory ${directory}`);
  await checkOutputFile(output);
  const there = await stat(output).catch(() => undefined);
  if (there?.isFile() === false) throw new RequestError(`${output} is no file; a recording would take its place`);
}

interface Recorded {
  readonly output: string;
  readonly prefix: string;
  /** The program's own process. */
  readonly pid: number;
  readonly program: string;
}

async function convertAll({ output, prefix, pid, program }: Recorded, { events, quiet }: RecordOptions): Promise<void> {
  const directory = path.dirname(output);
  const names = await rawNames(directory, prefix);
  if (!names.includes(`${prefix}.${pid}`))
    throw new ExplainedError(
      "the program left no recording: it was not loaded with the library (is it static, or set-user-ID?)",
    );
  for (const name of names) {
    const own = name.slice(prefix.length + 1);
    const raw = path.join(directory, name);
    if (own !== String(pid) && isRunning(Number(own))) {
      console.error(`hakmem: process ${own} still runs; once it has ended, hakmem replay and hakmem view take ${raw}`);
      continue;
    }
    const file = own === String(pid) ? output : path.join(directory, besideName(path.basename(output), own));
    const head = convertRecording({ raw, output: file, program, ...(events === undefined ? {} : { events }) });
    await rm(raw);
    const { size } = await stat(file);
    const each = head.events === 0 ? 0 : size / head.events;
    if (!quiet)
      console.error(
        `hakmem: ${file}: ${head.events} events, ${head.threads} ${head.threads === 1 ? "thread" : "threads"}, ` +
          `${(head.duration / 1e9).toFixed(2)} s, ${size} bytes (${each.toFixed(2)} an event)`,
      );
  }
}

/** `name` with a process's number in it. */
function besideName(name: string, pid: string): string {
  const ending = path.extname(name);
  return `${name.slice(0, name.length - ending.length)}.${pid}${ending}`;
}

async function rawNames(directory: string, prefix: string): Promise<string[]> {
  return (await readdir(directory)).filter(
    (name) => name.startsWith(`${prefix}.`) && /^\d+$/.test(name.slice(prefix.length + 1)),
  );
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
