/** Short rounds of the soak, and faults that it must find. */

import { readFile, writeFile } from "node:fs/promises";
import * as path from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { compileAssembly } from "../../packages/tools/src/build/assemblyscript.js";
import { runTool } from "../../packages/tools/src/base/compilers.js";
import { requireCompiler, hostArchitecture } from "../../packages/tools/src/build/native-compiler.js";
import { ROOT } from "../../packages/tools/src/base/paths.js";
import { loadProfile } from "../../packages/tools/src/profile/index.js";
import { checkEnd } from "../../packages/tools/src/proof/soak/end.js";
import { createMemory, SoakInstance } from "../../packages/tools/src/proof/soak/instance.js";
import { LocatedFault, runLives } from "../../packages/tools/src/proof/soak/life.js";
import { linkedProgram, soakProgram } from "../../packages/tools/src/proof/soak/program.js";
import {
  describeFault,
  type Fault,
  type SoakTarget,
  type WasmJob,
} from "../../packages/tools/src/proof/soak/protocol.js";
import {
  checkPage,
  formatTable,
  readLines,
  writeRecord,
  type RecordLine,
} from "../../packages/tools/src/proof/soak/record.js";
import { runRound, type Round } from "../../packages/tools/src/proof/soak/round.js";
import { scratch } from "../native/support/program.js";

const OPERATIONS = 1e6;
/** Enough for a machine that is busy with other things, too. */
const TIMEOUT_MS = 180_000;
const NATIVE: SoakTarget = `native-${process.arch}`;

async function roundOf(target: SoakTarget, profile: string, seed: number, operations = OPERATIONS): Promise<Round> {
  return { target, profile: await loadProfile(profile), threads: 2, operations, seed };
}

describe("a round of the soak", () => {
  it.each([
    ["wasm32-shared", "default", 1],
    ["wasm32-shared", "guard", 2],
    ["wasm64-shared", "default", 3],
    [NATIVE, "default", 4],
    [NATIVE, "guard", 5],
  ] as const)(
    "finds no fault in %s %s, with seed %i",
    async (target, profile, seed) => {
      const round = await roundOf(target, profile, seed);
      const { fault, figures } = await runRound(round, await soakProgram(target, round.profile));
      expect(fault && describeFault(fault)).toBeNull();
      expect(figures.operations).toBeGreaterThanOrEqual(OPERATIONS);
      expect(figures.received).toBeGreaterThan(0);
      expect(figures.lives).toBeGreaterThan(2);
    },
    TIMEOUT_MS,
  );
});

describe("over an allocator with a fault, the soak finds", () => {
  let module: WebAssembly.Module;
  beforeAll(async () => {
    const entry = path.join("test", "proof", "assembly", "broken.ts");
    const { file } = await linkedProgram("wasm32", await compileAssembly({ entry, root: ROOT, target: "wasm32" }));
    module = new WebAssembly.Module(await readFile(file));
  });

  /** The first fault of a short round of one thread; null when there is none. */
  function faultOf(mode: number): Fault | null {
    const job: WasmJob = {
      ...{ module: "", wide: false, shared: false, threads: 1, operations: 10_000, seed: 1, slots: 1024 },
      ...{ basePages: 128, heapPages: 4096 },
    };
    const memory = createMemory(job);
    new Uint32Array(memory.buffer)[MODE / 4] = mode;
    const first = new SoakInstance(module, memory, job);
    first.layOut();
    try {
      checkEnd(first, job, runLives(module, memory, job, 0, first.init(0)));
      return null;
    } catch (error) {
      if (error instanceof LocatedFault) return error.fault;
      throw error;
    }
  }
  const MODE = 1024;

  it("nothing where there is none", () => {
    expect(faultOf(0)).toBeNull();
  });

  it.each([
    [1, "a block that is handed out twice", 1],
    [2, "a block that begins in front of another and reaches into it", 1],
    [3, "contents that realloc does not keep", 2],
    [4, "a block of calloc with one byte that is not zero", 3],
    [5, "a block that is not aligned as it was asked for", 4],
    [6, "a refusal without a reason", 5],
    [7, "a usable size below what was asked for", 6],
    [8, "a byte that somebody changed", 2],
    [9, "a block outside the heap", 7],
    [11, "a block of realloc that is another's", 2],
  ])("fault %i: %s", (mode, _, kind) => {
    const fault = faultOf(mode);
    expect(fault && describeFault(fault)).not.toBeNull();
    expect(fault).toMatchObject({ thread: 0, kind });
    expect(fault?.operation).toBeGreaterThan(0);
  });

  it("fault 10: blocks that are live when all have been freed", () => {
    expect(faultOf(10)?.message).toMatch(/^at the end, live bytes: \d+, expected 0$/);
  });
});

describe("natively, the soak", () => {
  it("says which block was handed out twice, and where", async () => {
    const round = await roundOf(NATIVE, "default", 1);
    const program = await soakProgram(NATIVE, round.profile);
    const twice = path.join(scratch(), "twice.so");
    const source = path.join(ROOT, "test", "native", "programs", "twice.c");
    const { command } = await requireCompiler(hostArchitecture());
    await runTool(command, ["-O1", "-fno-builtin", "-shared", "-fPIC", source, "-o", twice]);
    const { fault, heaps, reproduction } = await runRound(round, {
      ...program,
      library: `${twice}:${program.library}`,
    });
    expect(heaps).toBeLessThan(5);
    expect(reproduction).toContain(`LD_PRELOAD='${twice}:`);
    expect(fault).toMatchObject({ kind: 1, expected: "0" });
    expect(describeFault(fault!)).toMatch(
      /^a block overlaps another: block 0x[0-9a-f]+ of \d+ bytes, at 0x[0-9a-f]+: expected 0x0, found 0x[0-9a-f]+ \(thread [01], after \d+ operations\)$/,
    );
  });

  it("notices that another allocator was loaded", async () => {
    const round = await roundOf(NATIVE, "default", 2, 20_000);
    const { file, fingerprint } = await soakProgram(NATIVE, round.profile);
    expect((await runRound(round, { file, fingerprint })).fault?.message).toBe('profile "" was loaded');
  });
});

describe("the record", () => {
  const line: RecordLine = {
    ...{ target: "wasm32-shared", profile: "default", threads: 2, seed: 1, operations: 10, heaps: 1 },
    ...{ inputs: "0", revision: "v1", node: "20.0.0", fault: null },
    figures: { operations: 11, refused: 1, received: 2, lives: 3, peakBytes: 2 ** 20 },
  };

  it("has a row for each target, profile and number of threads, with what all its rounds add up to", () => {
    const failed: RecordLine = {
      ...line,
      seed: 5,
      heaps: 0,
      fault: { thread: 0, operation: 7, message: "it fell" },
    };
    const table = formatTable([line, { ...line, threads: 8 }, { ...line, seed: 2, revision: "v2" }, failed]);
    const [header, , first, second, ...more] = table.split("\n").map((row) =>
      row
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
    expect(more).toEqual([]);
    expect(Object.fromEntries(header!.map((name, n) => [name, first![n]]))).toMatchObject({
      ...{ target: "wasm32-shared", threads: "2", "checked operations": "33", seeds: "1–2, 5", faults: "1" },
      ...{
        refused: "3",
        "handed over": "6",
        heaps: "2",
        "threads begun": "9",
        "peak MiB": "1",
        hakmem: "v1, v2",
        Node: "20.0.0",
      },
    });
    expect(second![2]).toBe("8");
  });

  it("is read as it was written, and refused where a line is none", async () => {
    const page = path.join(scratch(), "record.md");
    const fault = { thread: 0, operation: 7, kind: 1, expected: "0" };
    const lines = [line, { ...line, seed: 2, fault }];
    await writeRecord(page, lines);
    expect(await readLines(page)).toEqual(lines);
    for (const [text, why] of [
      ["null", /record\.jsonl:1 is no record/],
      ['{"a":1}', /record\.jsonl:1 is no record/],
      ["{", /record\.jsonl:1 is not JSON/],
    ] as const) {
      await writeFile(page.replace(".md", ".jsonl"), `${text}\n`);
      await expect(readLines(page)).rejects.toThrow(why);
    }
  });

  it.each([
    ["a directory", () => scratch(), "is a directory"],
    ["below a file", () => path.join(import.meta.filename, "soak.md"), "is no directory"],
    ["where nobody can write", () => "/proc/soak.md", "nothing can be written to /proc"],
    ["a page without a place for the table", () => import.meta.filename, "has no place for the table"],
  ])("is refused before the soak when it would be %s", async (_, page, why) => {
    await expect(checkPage(page())).rejects.toThrow(why);
  });
});
