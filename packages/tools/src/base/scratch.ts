/** Directories for files that nobody needs afterwards: gone when the work is done, and when the process is interrupted. */

import { mkdtempSync, rmSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import * as path from "node:path";

const SIGNALS = ["SIGINT", "SIGTERM"] as const;
/** What a shell says of a process that SIGINT has ended. */
const INTERRUPTED = 130;

const open = new Set<string>();
let watched = false;
let aborting = false;

/** Runs `work` with a new directory below the system's place for temporary files, whose name begins with `hakmem-` and `name`. */
export async function withScratch<T>(name: string, work: (directory: string) => Promise<T>): Promise<T> {
  watch();
  // At once: an interrupt must not come between making it and knowing it.
  const directory = mkdtempSync(path.join(tmpdir(), `hakmem-${name}-`));
  open.add(directory);
  try {
    return await work(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
    open.delete(directory);
  }
}

/** A signal that aborts at the first interrupt or request to end; the second one ends the process. */
export function abortOnInterrupt(): AbortSignal {
  const controller = new AbortController();
  aborting = true;
  for (const signal of SIGNALS) {
    process.removeListener(signal, end);
    // It stays: others who listen (execa's signal-exit) take themselves for the last ones otherwise, and end the process.
    process.on(signal, () => {
      if (controller.signal.aborted) end();
      controller.abort();
    });
  }
  return controller.signal;
}

function watch(): void {
  if (watched) return;
  watched = true;
  process.on("exit", () => {
    // A child that is about to end may still write to it.
    for (const directory of open) {
      try {
        rmSync(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
      } catch {
        console.error(`${directory} is still written to, and was left`);
      }
    }
  });
  if (!aborting) for (const signal of SIGNALS) process.on(signal, end);
}

function end(): void {
  process.exit(INTERRUPTED);
}
