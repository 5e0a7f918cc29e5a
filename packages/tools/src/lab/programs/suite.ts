/** Whole programs in turn, under each allocator of each toolchain, round by round. */

import { MeasurementError } from "../../base/errors.js";
import { withScratch } from "../../base/scratch.js";
import type { Program } from "./programs.js";
import { instructionsOf, Kit, TOOLCHAINS, visit, type ToolchainName, type Visit } from "./toolchains.js";

/** A program by a toolchain. */
export interface Case {
  readonly program: Program;
  readonly toolchain: ToolchainName;
}

/** What the rounds of a case took under one allocator. */
export interface Series {
  readonly allocator: string;
  readonly ms: readonly number[];
  /** Of a WebAssembly memory at the end, in bytes; the most of all rounds. */
  readonly bytes: number | null;
  /** Of a whole run, where they can be counted and are the same each time: in native programs of one thread. */
  readonly instructions?: number;
}

/** Builds a case and runs it for some rounds, the allocators in another order each time. Rejects when their output differs. */
export async function measureCase({ program, toolchain: name }: Case, rounds: number): Promise<Series[]> {
  return withScratch("program", async (directory) => {
    const toolchain = TOOLCHAINS[name];
    const kit = new Kit(toolchain, directory);
    await kit.prepare();
    const { link, args, input } = await program.build(kit);
    const linked = [];
    for (const allocator of toolchain.allocators)
      linked.push({ allocator, command: await link(allocator), visits: [] as Visit[] });
    let expected: string | undefined;
    // One more, which only warms the machine's caches.
    for (let round = -1; round < rounds; round++) {
      for (let n = 0; n < linked.length; n++) {
        const { allocator, command, visits } = linked[
          (n + Math.max(0, round)) % linked.length
        ] as (typeof linked)[number];
        const one = await visit(command, args, input, directory);
        if (!toolchain.isNative && one.bytes === null)
          throw new MeasurementError(
            `${program.name} by ${name} with ${allocator} ended without saying how long it took`,
          );
        expected ??= one.output;
        if (one.output !== expected)
          throw new MeasurementError(
            `${program.name} by ${name} with ${allocator} says something else than with ${linked[0]?.allocator}`,
          );
        if (round >= 0) visits.push(one);
      }
    }
    const isCounted = toolchain.isNative && program.threads === 1;
    const series: Series[] = [];
    for (const { allocator, command, visits } of linked) {
      const sizes = visits.flatMap(({ bytes }) => bytes ?? []);
      series.push({
        allocator,
        ms: visits.map(({ ms }) => ms),
        bytes: sizes.length > 0 ? Math.max(...sizes) : null,
        ...(isCounted ? { instructions: await instructionsOf(command, args, input, directory) } : {}),
      });
    }
    return series;
  });
}
