/** What `hakmem profile` does. */

import { readFile, stat } from "node:fs/promises";
import { RequestError } from "../../base/errors.js";
import { checkOutputFile, writeOutput } from "../../base/output.js";
import { profileOf, readDataProfile } from "../../observe/data-profile.js";
import { formatOf } from "../../observe/formats/index.js";
import type { HeapProfile } from "../../observe/heap-profile.js";
import { leakReport } from "../../observe/leaks.js";
import { nameProfile } from "../../observe/native-profile.js";
import { isRawProfile, readRawProfile } from "../../observe/raw-profile.js";
import { withSources } from "../../observe/source-maps.js";
import type { CommonOptions } from "../command.js";

export interface ProfileOptions extends CommonOptions {
  readonly output?: string;
  readonly top?: number;
  readonly sourceMaps?: readonly string[];
}

const TOP = 10;

export async function profile(file: string, { output, top, sourceMaps = [], quiet }: ProfileOptions): Promise<void> {
  const format = output === undefined ? undefined : formatOf(output);
  if (output !== undefined) await checkOutputFile(output);
  if ((await stat(file).catch(() => undefined))?.isFile() !== true) throw new RequestError(`there is no file ${file}`);
  for (const directory of sourceMaps)
    if ((await stat(directory).catch(() => undefined))?.isDirectory() !== true)
      throw new RequestError(`there is no directory ${directory}`);
  const { profile: found, notices } = await read(file, sourceMaps);
  if (!quiet) for (const notice of notices) console.error(`hakmem: ${notice}`);
  if (output !== undefined && format !== undefined) await writeOutput(output, format.write(found, Date.now()));
  if (output === undefined || top !== undefined) process.stdout.write(leakReport(found, top ?? TOP));
}

interface Read {
  readonly profile: HeapProfile;
  readonly notices: readonly string[];
}

async function read(file: string, sourceMaps: readonly string[]): Promise<Read> {
  const content = await readFile(file);
  if (isRawProfile(content)) return nameProfile(readRawProfile(content, file));
  const data = readDataProfile(content.toString(), file);
  return { profile: profileOf(withSources(data, sourceMaps)), notices: [] };
}
