/** What the library file is: its interface, and the shape of its fast paths. */

import { execFileSync } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import * as path from "node:path";
import { fileURLToPath } from "node:url";
import binaryen from "binaryen";
import { describe, expect, it } from "vitest";
import { buildNative } from "../../packages/tools/src/build/native.js";
import { generateAllocatorSource } from "../../packages/tools/src/build/native-module.js";
import { NativeSourceError, nativeSource } from "../../packages/tools/src/build/native-source.js";
import { loadProfile } from "../../packages/tools/src/profile/index.js";
import { EXPORTS } from "./support/exports.js";
import { compile, library, run } from "./support/program.js";

/** More would mean that a slow path was drawn in. */
const MALLOC_INSTRUCTIONS = 26;
const FREE_INSTRUCTIONS = 18;

describe("libhakmem.so", () => {
  it("exports the interface and nothing else", async () => {
    expect((await symbols()).map(({ name }) => name).sort()).toEqual([...EXPORTS].sort());
  });

  it("binds everything when it is loaded, and needs the C library alone", async () => {
    const dynamic = execFileSync("readelf", ["-dW", (await library()).shared], { encoding: "utf8" });
    expect(dynamic).toMatch(/\bNOW\b/);
    expect(dynamic).not.toContain("TEXTREL");
    expect([...dynamic.matchAll(/NEEDED.*\[(.*)\]/g)].map(([, name]) => name)).toEqual(["libc.so.6"]);
  });

  it.skipIf(process.arch !== "x64")("has fast paths without calls and stack frames", async () => {
    for (const [name, most] of [
      ["malloc", MALLOC_INSTRUCTIONS],
      ["free", FREE_INSTRUCTIONS],
      ["_Znwm", MALLOC_INSTRUCTIONS],
    ] as const) {
      const code = await disassemble(name);
      expect(code.filter((line) => /^(call|push|pop|sub +\$0x[0-9a-f]+,%rsp)/.test(line))).toEqual([]);
      const fast = code.filter((line) => !/^(nop|data16|cs nop|xchg +%ax,%ax)/.test(line));
      expect(fast.length).toBeLessThanOrEqual(most);
    }
  });
});

describe("libhakmem.so, built by what it does in training (S17)", () => {
  it("is another one, and does the same", { timeout: 120_000 }, async () => {
    const trained = await buildNative({ profile: await loadProfile("default"), pgo: true });
    expect(await readFile(trained.shared)).not.toEqual(await readFile((await library()).shared));
    const result = await run(await compile("crowd.c"), ["4"], { preload: trained });
    expect(result).toMatchObject({ status: 0, output: "done\n" });
  });
});

describe("the C that is generated", () => {
  it("is the same twice", async () => {
    const profile = await loadProfile("default");
    expect(await generateAllocatorSource({ profile })).toBe(await generateAllocatorSource({ profile }));
  });

  it("takes what a module's start gives its globals, and nothing else that it does", () => {
    const source = (start: string): string => {
      const module = binaryen.parseText(`(module
        (global $g (mut i32) (i32.const 0))
        (func $other (nop))
        (func $start:a (block ${start}))
        (func $~start (call $start:a))
        (export "out" (func $other))
        (start $~start))`);
      try {
        return nativeSource(module, `${definition("other")}\n${definition("out")}`);
      } finally {
        module.dispose();
      }
    };
    expect(source("(global.set $g (i32.const 7))")).toContain("THREAD_LOCAL u32 hk_g = 7u;");
    expect(source("(nop)")).toContain("THREAD_LOCAL u32 hk_g = 0u;");
    expect(() => source("(call $other)")).toThrow(NativeSourceError);
    expect(() => source("(if (global.get $g) (then (global.set $g (i32.const 7))))")).toThrow(NativeSourceError);
  });

  it("is refused when wasm2c did not write what the module has", () => {
    const refusal = (text: string, generated: string): string => {
      const module = binaryen.parseText(`(module ${text})`);
      try {
        return nativeSource(module, generated);
      } catch (error) {
        expect(error).toBeInstanceOf(NativeSourceError);
        return (error as Error).message;
      } finally {
        module.dispose();
      }
    };
    const f = "(func $f (nop))";
    expect(refusal(f, "")).toContain('wasm2c wrote no "void w2c_hakmem_f(w2c_hakmem* instance) {"');
    expect(refusal(f, definition("f").slice(0, -1))).toContain("ends within");
    expect(refusal(`${f} (func $g (nop))`, `${definition("f").slice(0, -2)}\n${definition("g")}`)).toContain("within");
    expect(refusal(f, definition("f").replace("FUNC_PROLOGUE", "(*instance).w2c_g = 1"))).toContain("not known");
    expect(refusal("(func $f (param f32) (nop))", definition("f"))).toContain("neither an i32 nor an i64");
    expect(refusal("(func $a/b (nop)) (func $a_b (nop))", "")).toContain("are both hk_a_b");
    expect(refusal('(memory 1) (data (i32.const 8) "abc")', "")).toContain("static data");
    expect(refusal("(table 1 funcref)", "")).toContain("a table");
  });

  it.each([
    ["Linux", 1340, /^(?!webassembly|observe|heap-profile|recording)/],
    ["what observes, there and elsewhere", 773, /^(observe|heap-profile|recording)/],
    ["WebAssembly beside it", 340, /^webassembly/],
  ])("stands, for %s, on at most %i lines that were written by hand", async (_, most, which) => {
    const native = fileURLToPath(new URL("../../native/", import.meta.url));
    const files = (await readdir(native)).filter((name) => /\.[ch]$/.test(name) && which.test(name));
    const texts = await Promise.all(files.map((file) => readFile(path.join(native, file), "utf8")));
    expect(texts.join("").split("\n").length - 1).toBeLessThanOrEqual(most);
  });
});

/** A function as wasm2c writes it. */
function definition(name: string): string {
  return `void w2c_hakmem_${name}(w2c_hakmem* instance) {\n  FUNC_PROLOGUE;\n}`;
}

async function symbols(): Promise<{ name: string; address: string }[]> {
  const text = execFileSync("nm", ["-D", "--defined-only", (await library()).shared], { encoding: "utf8" });
  return [...text.matchAll(/^([0-9a-f]+) \w (\S+)$/gm)].map(([, address = "", name = ""]) => ({ name, address }));
}

/** The instructions of an exported function, without addresses. */
async function disassemble(name: string): Promise<string[]> {
  const address = (await symbols()).find((symbol) => symbol.name === name)?.address.replace(/^0+/, "") ?? "";
  const text = execFileSync("objdump", ["-d", "--no-show-raw-insn", (await library()).shared], {
    encoding: "utf8",
    maxBuffer: 2 ** 26,
  });
  const [, code = ""] = new RegExp(`^0*${address} <.*>:\\n((?: .*\\n)*)`, "m").exec(text) ?? [];
  return [...code.matchAll(/^ *[0-9a-f]+:\t(.*)$/gm)].map(([, instruction = ""]) => instruction.trim());
}
