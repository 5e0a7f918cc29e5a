/**
 * A thread that stays inside WebAssembly, where V8 goes on comparing addresses with the size that the memory had before, can use
 * every block that it is given. `npm run prove -- engines` plays the same cases in more engines and programs.
 */

import { describe, expect, test } from "vitest";
import { nodeVersion } from "../../packages/tools/src/lab/node-versions.js";
import { loadProfile } from "../../packages/tools/src/profile/index.js";
import { describe as describeOutcome } from "../../packages/tools/src/proof/engines.js";
import {
  FLAG_SETS,
  hasFlags,
  playInNode,
  type FlagSetName,
} from "../../packages/tools/src/proof/stale-size/engines.js";
import { programFiles, type Linking } from "../../packages/tools/src/proof/stale-size/modules.js";
import type { Target } from "../../packages/tools/src/profile/target.js";

const TIMEOUT_MS = 240_000;

const PROGRAMS: readonly (readonly [profile: string, Target, Linking, readonly FlagSetName[]])[] = [
  ["default", "wasm32-shared", "linked", ["none", "untold-bounds"]],
  ["default", "wasm32-shared", "imported", ["untold"]],
  ["default", "wasm64-shared", "linked", ["untold"]],
  ["guard", "wasm32-shared", "linked", ["untold-bounds"]],
  ["hardened", "wasm32-shared", "linked", ["untold-bounds"]],
  ["compact", "wasm32-shared", "linked", ["untold-baseline"]],
];

/** The newest has all of the programs; the others, whose engines compile the same code in other ways, the one that most have. */
const NODES = [
  ["20", PROGRAMS.slice(0, 1)],
  ["24", PROGRAMS.slice(0, 1)],
  ["26", PROGRAMS],
] as const;

describe.each(NODES)("in Node %s", (version, programs) => {
  describe.each(programs)("with %s %s, %s", (profile, target, linking, flags) => {
    test.each(flags)(
      "a thread that stays inside WebAssembly can use every block that it gets, with flags: %s",
      async (name) => {
        const node = await nodeVersion(version);
        expect(await hasFlags(node, FLAG_SETS[name]), "V8 has the flags").toBe(true);
        const files = await programFiles(await loadProfile(profile), target, linking);
        const outcomes = await playInNode(node, FLAG_SETS[name], files);
        expect(outcomes?.length, "cases played").toBeGreaterThan(50);
        expect(outcomes?.flatMap(describeOutcome)).toEqual([]);
      },
      TIMEOUT_MS,
    );
  });
});
