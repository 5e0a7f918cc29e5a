import * as path from "node:path";
import { fileURLToPath } from "node:url";
import binaryen from "binaryen";
import { describe, expect, it } from "vitest";
import {
  AssemblyError,
  compileAssembly,
  compileAssemblyText,
  type AssemblyOptions,
} from "../../packages/tools/src/build/assemblyscript.js";
import { TARGET_NAMES, traitsOf } from "../../packages/tools/src/profile/target.js";

const root = fileURLToPath(new URL("./fixture/", import.meta.url));

/** Options for a program of one file, in memory only. */
function program(text: string, options: Partial<AssemblyOptions> = {}): AssemblyOptions {
  return { entry: "program.ts", root, target: "wasm32", files: { "program.ts": text }, ...options };
}

async function instantiate(wasm: Uint8Array, imports: WebAssembly.Imports = {}) {
  const { instance } = await WebAssembly.instantiate(wasm as Uint8Array<ArrayBuffer>, imports);
  return instance.exports as Record<string, (...args: number[]) => number>;
}

const env = { memory: new WebAssembly.Memory({ initial: 1 }) };

describe("compileAssembly", () => {
  it("makes a module that runs, from sources that exist only in memory", async () => {
    const options = program('import { twice } from "./lib";\nexport function f(x: i32): i32 { return twice(x) + 1; }');
    const files = { ...options.files, "lib.ts": "export function twice(x: i32): i32 { return 2 * x; }" };
    const { f } = await instantiate(await compileAssembly({ ...options, files }), { env });
    expect(f?.(20)).toBe(41);
  });

  it("passes integer constants", async () => {
    const options = program("export function f(): i32 { return HK_TEST; }", { constants: { HK_TEST: 2 ** 31 - 1 } });
    const { f } = await instantiate(await compileAssembly(options), { env });
    expect(f?.()).toBe(2 ** 31 - 1);
  });

  it.each([0.5, NaN, 2 ** 31, -1])("refuses %d as a constant", async (value) => {
    await expect(compileAssembly(program("", { constants: { HK_TEST: value } }))).rejects.toThrow(
      new RegExp(`HK_TEST is ${value}; it must be an integer from 0 to 2\\^31 - 1`),
    );
  });

  it("rejects a source with errors, naming each with its file, line and column", async () => {
    const text = "export function f(): i32 {\n  return missing;\n}\nexport function g(): i32 { return absent; }";
    const error = await compileAssembly(program(text)).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(AssemblyError);
    expect((error as AssemblyError).diagnostics).toEqual([
      expect.stringMatching(/^program\.ts:2:10: error AS\d+: .*'missing'/),
      expect.stringMatching(/^program\.ts:4:35: error AS\d+: .*'absent'/),
    ]);
  });

  it("rejects an entry that does not exist", async () => {
    await expect(compileAssembly({ entry: "no/such.ts", root, target: "wasm32" })).rejects.toThrow(/no\/such\.ts/);
  });

  it("imports its memory, unless told to export one", async () => {
    const text = "export function f(): i32 { return memory.size(); }";
    const imported = await compileAssembly(program(text));
    expect(WebAssembly.Module.imports(new WebAssembly.Module(imported as Uint8Array<ArrayBuffer>))).toEqual([
      { module: "env", name: "memory", kind: "memory" },
    ]);
    const exported = await compileAssembly(program(text, { memory: { from: "export", initialPages: 3 } }));
    const { f } = await instantiate(exported);
    expect(f?.()).toBe(3);
  });

  it("accepts any shared memory with a maximum when the target is shared", async () => {
    const text = "export function f(p: usize): u32 { return atomic.add<u32>(p, 5) + atomic.load<u32>(p); }";
    const wasm = await compileAssembly(program(text, { target: "wasm32-shared" }));
    for (const maximum of [1, 100, 65536]) {
      const memory = new WebAssembly.Memory({ initial: 0, maximum, shared: true });
      memory.grow(1);
      const { f } = await instantiate(wasm, { env: { memory } });
      expect(f?.(64)).toBe(5);
    }
  });

  it("makes usize as wide as the target's pointers", async () => {
    const options = { entry: path.join("assembly", "index.ts"), root, constants: FIXTURE_CONSTANTS };
    for (const target of TARGET_NAMES) {
      const text = await compileAssemblyText({ ...options, target });
      const width = traitsOf(target).pointerBits === 32 ? "i32" : "i64";
      expect(text).toMatch(new RegExp(`func \\$assembly/index/malloc \\(param \\$0 ${width}\\) \\(result ${width}\\)`));
    }
  });

  it("makes 64-bit modules that are valid, over a 64-bit memory", async () => {
    const options = { entry: path.join("assembly", "index.ts"), root, constants: FIXTURE_CONSTANTS };
    for (const target of ["wasm64", "wasm64-shared"] as const) {
      const module = binaryen.readBinary(await compileAssembly({ ...options, target }));
      module.setFeatures(binaryen.Features.All);
      expect(module.validate()).toBe(1);
      expect(module.emitText()).toMatch(/\(memory \S+ i64 0/);
      module.dispose();
    }
  });

  it("gives what it gives alone when several compilations are started at once", async () => {
    const options = TARGET_NAMES.map((target) =>
      program("export function f(p: usize): usize { return p; }", { target }),
    );
    const together = await Promise.all(options.map(compileAssembly));
    for (const [index, option] of options.entries()) {
      expect(together[index]).toEqual(await compileAssembly(option));
    }
  });

  it("recovers from a compilation that failed", async () => {
    const failing = compileAssembly(program("export function f(): i32 { return missing; }"));
    const working = compileAssembly(program("export function f(): i32 { return 1; }"));
    await expect(failing).rejects.toThrow(AssemblyError);
    expect(WebAssembly.validate((await working) as Uint8Array<ArrayBuffer>)).toBe(true);
  });
});

const FIXTURE_CONSTANTS = { HK_PAGE_SHIFT: 16, HK_SHARED: 0, HK_GUARD: 0 };
