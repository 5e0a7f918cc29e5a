/** What a whole program is. */

import * as path from "node:path";
import { ROOT } from "../../base/paths.js";
import type { Command, Kit, ToolchainName } from "./toolchains.js";

/** This project's own parts of the programs: entries, scripts, requests. */
export const PARTS = path.join(ROOT, "bench", "programs");

/** A program whose objects are there, and what links them with an allocator. */
export interface Built {
  readonly link: (allocator: string) => Promise<Command>;
  readonly args: readonly string[];
  /** File that is its standard input. */
  readonly input?: string;
}

export interface Program {
  readonly name: string;
  readonly title: string;
  /** What it does, in a few words. */
  readonly description: string;
  readonly toolchains: readonly ToolchainName[];
  readonly threads: number;
  readonly build: (kit: Kit) => Promise<Built>;
}
