/** Programs in AssemblyScript whose collectors take their blocks from hakmem. */

import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { fileURLToPath } from "node:url";
import { createMemoryStream, main } from "assemblyscript/asc";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runtimeFiles } from "../../packages/tools/src/build/assemblyscript-runtime.js";
import { loadProfile } from "../../packages/tools/src/profile/index.js";

const PROGRAM = fileURLToPath(new URL("./assembly/collected.ts", import.meta.url));
const PROFILES = ["default", "compact", "hardened", "guard"];
const ROUNDS = 1000;
let expected: number | undefined;

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), "hakmem-assemblyscript-"));
  // Where npm puts it, and where a program is.
  const installed = path.join(directory, "node_modules", "@hakmem", "assemblyscript");
  for (const [name, text] of await runtimeFiles(await Promise.all(PROFILES.map(loadProfile)))) {
    await mkdir(path.dirname(path.join(installed, name)), { recursive: true });
    await writeFile(path.join(installed, name), text);
  }
  await writeFile(path.join(directory, "program.ts"), await readFile(PROGRAM));
});
afterAll(async () => rm(directory, { recursive: true, force: true }));

interface Program {
  readonly memory: WebAssembly.Memory;
  readonly run: (rounds: number) => number;
  readonly dirtyBytes: () => number;
  readonly manage: () => number;
  readonly exhaust: () => void;
}

async function programOf(runtime: string, ...options: string[]): Promise<Program> {
  const output = createMemoryStream();
  let binary: Uint8Array | undefined;
  const files = ["program.ts", "--baseDir", directory, "--outFile", "program.wasm"];
  const { error } = await main([...files, "--runtime", runtime, "-O1", ...options], {
    stderr: output,
    writeFile: (name, contents) => {
      if (name.endsWith(".wasm")) binary = contents as Uint8Array;
    },
  });
  expect(error, output.toString()).toBeNull();
  const failed = (...report: number[]): never => {
    throw new Error(`reported: ${report.join(" ")}`);
  };
  const { instance } = await WebAssembly.instantiate(binary as BufferSource, {
    env: { abort: failed, hakmem_fail: failed },
  });
  return instance.exports as unknown as Program;
}

const hakmem = (profile: string, collector: string): string =>
  `./node_modules/@hakmem/assemblyscript/${profile}/${collector}`;

describe("a program in AssemblyScript", { timeout: 120_000 }, () => {
  test.each(PROFILES)(
    "computes what it does with TLSF, in memory that stays what it was, with profile %s",
    async (profile) => {
      expected ??= (await programOf("incremental")).run(ROUNDS);
      const program = await programOf(hakmem(profile, "incremental"));
      expect(program.run(ROUNDS)).toBe(expected);
      const size = program.memory.buffer.byteLength;
      // Several hundred MiB are made in these.
      for (let n = 0; n < 10; n++) program.run(300);
      expect(program.memory.buffer.byteLength).toBeLessThanOrEqual(size + 4 * 2 ** 20);
      expect(size).toBeLessThan(24 * 2 ** 20);
      for (let n = 0; n < 3; n++) expect(program.manage()).toBe(0);
    },
  );

  describe("and with the minimal collector, which only a call from outside starts,", () => {
    async function collected(runtime: string): Promise<number> {
      const program = await programOf(runtime, "--exportRuntime");
      const { __collect: collect } = program as Program & { readonly __collect: () => void };
      let sum = 0;
      for (let n = 0; n < 30; n++) {
        sum += program.run(10);
        collect();
        expect(program.dirtyBytes()).toBe(0);
        collect();
      }
      expect(program.memory.buffer.byteLength).toBeLessThan(24 * 2 ** 20);
      return sum;
    }
    let withTlsf: Promise<number> | undefined;

    test.each(PROFILES)("computes what it does with TLSF, from cleared memory, with profile %s", async (profile) => {
      withTlsf ??= collected("minimal");
      expect(await collected(hakmem(profile, "minimal"))).toBe(await withTlsf);
    });
  });

  test("ends where memory is refused", async () => {
    const program = await programOf(hakmem("default", "incremental"), "--maximumMemory", "256");
    expect(() => {
      program.exhaust();
    }).toThrow(WebAssembly.RuntimeError);
    expect(program.memory.buffer.byteLength).toBeLessThanOrEqual(2 ** 24);
    expect(program.memory.buffer.byteLength).toBeGreaterThan(2 ** 23);
  });

  test("is told what it must not free, with profile guard", async () => {
    await writeFile(
      path.join(directory, "program.ts"),
      "export function run(): void { const block = heap.alloc(10); heap.free(block); heap.free(block); }",
    );
    const program = await programOf(hakmem("guard", "incremental"));
    expect(() => program.run(1)).toThrow("reported: ");
    await writeFile(path.join(directory, "program.ts"), await readFile(PROGRAM));
  });
});
