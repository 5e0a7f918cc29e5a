/** Directories of tests, which are gone when the test is finished. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { onTestFinished } from "vitest";

/** A new directory below the system's place for temporary files, for the test that runs. */
export async function temporary(): Promise<string> {
  const directory = await mkdtemp(path.join(tmpdir(), "hakmem-test-"));
  onTestFinished(async () => rm(directory, { recursive: true, force: true }));
  return directory;
}
