/** The archives of hakmem.c: a program is linked with one by each linker, and finds its blocks. */

import { readFile } from "node:fs/promises";
import * as path from "node:path";
import { execa } from "execa";
import { beforeAll, describe, expect, test } from "vitest";
import { ARCHIVES, buildArchives } from "../../packages/tools/src/build/archives.js";
import { nodeVersion } from "../../packages/tools/src/lab/node-versions.js";
import { PROGRAMS, Workshop } from "./support/toolchain.js";

const workshop = new Workshop();
const ok = (output: string) => ({ exitCode: 0, output });
const LINKERS = ["wasm-ld-14", "wasm-ld-19"];
const archive = (file: string): string => path.join("lib", file);

beforeAll(async () => {
  const text = await readFile(path.join(workshop.directory, "hakmem.c"), "utf8");
  const files = await buildArchives(text, path.join(workshop.directory, "lib"));
  expect(files).toHaveLength(ARCHIVES.length);
}, 120_000);

async function compile(source: string, ...flags: string[]): Promise<void> {
  const options = ["-O2", "-I", ".", ...flags, "-c", path.join(PROGRAMS, source), "-o", "program.o"];
  expect(await workshop.run("clang-14", options)).toEqual(ok(""));
}

async function link(linker: string, ...args: string[]): Promise<WebAssembly.Module> {
  expect(await workshop.run(linker, [...args, "-o", "program.wasm"])).toEqual(ok(""));
  return new WebAssembly.Module(await readFile(path.join(workshop.directory, "program.wasm")));
}

interface Bare {
  readonly test: (steps: number, seed: number) => number;
  readonly stat: (what: number) => number;
}

const WASM64 = [
  ["libhakmem.a", []],
  ["libhakmem-mt.a", ["-matomics", "-mbulk-memory", "-mmutable-globals"]],
] as const;

describe.each(LINKERS)("by %s", { timeout: 60_000 }, (linker) => {
  const BARE = ["--no-entry", "program.o"];

  test.each([
    ["libhakmem.a", []],
    ["libhakmem-mt.a", ["-matomics", "-mbulk-memory", "-mmutable-globals"]],
    ["libhakmem-pic.a", []],
  ])("a program without a C library is linked with wasm32/%s", async (file, flags) => {
    await compile("bare.c", "--target=wasm32", ...flags);
    const isShared = flags.length > 0;
    const memory = new WebAssembly.Memory({ initial: 32, maximum: 4096, ...(isShared ? { shared: true } : {}) });
    const sharing = isShared ? ["--shared-memory", "--import-memory", "--max-memory=268435456"] : [];
    const module = await link(linker, ...BARE, ...sharing, archive(`wasm32/${file}`));
    const program = new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as Bare;
    expect(program.test(100_000, 1)).toBe(0);
    expect(program.stat(1)).toBe(0);
  });

  // LLVM 14's linker gives a 64-bit memory that is shared 32-bit code to begin with.
  const KINDS = linker === "wasm-ld-14" ? WASM64.slice(0, 1) : WASM64;
  test.each(KINDS)("a 64-bit program is linked with wasm64/%s", async (file, flags) => {
    await compile("bare.c", "--target=wasm64", ...flags);
    const sharing = flags.length > 0 ? ["--shared-memory", "--max-memory=268435456"] : [];
    const args = [...BARE, "-mwasm64", ...sharing, archive(`wasm64/${file}`), "-o", "program.wasm"];
    expect(await workshop.run(linker, args)).toEqual(ok(""));
    const { execPath } = await nodeVersion("24");
    const script = `const { exports: program } = new WebAssembly.Instance(new WebAssembly.Module(require("fs").readFileSync("program.wasm")));
      console.log(program.test(100000, 1), Number(program.stat(1)));`;
    const { stdout } = await execa(execPath, ["-e", script], { cwd: workshop.directory });
    expect(stdout).toBe("0 0");
  });
});

test("a program for WASI is linked with wasm32-wasi/libhakmem.a", async () => {
  const options = ["--target=wasm32-wasi", "-O2", "-I", ".", path.join(PROGRAMS, "blocks.c"), "-o", "program.wasm"];
  expect(await workshop.run("clang-14", [...options, archive("wasm32-wasi/libhakmem.a")])).toEqual(ok(""));
  const script = `const { WASI } = require("node:wasi"); const wasi = new WASI({ version: "preview1" });
    WebAssembly.instantiate(require("fs").readFileSync("program.wasm"), wasi.getImportObject()).then(({ instance }) => wasi.start(instance));`;
  expect(await workshop.run(process.execPath, ["--no-warnings", "-e", script])).toEqual(ok("profile default\nlive 0"));
});

describe("Emscripten", { timeout: 60_000 }, () => {
  const EMSCRIPTEN = "wasm32-emscripten";

  test.each([
    ["libhakmem.a", []],
    ["libhakmem-mt.a", ["-pthread", "-sPROXY_TO_PTHREAD", "-sEXIT_RUNTIME=1"]],
  ])("links a program with %s", async (file, flags) => {
    const options = ["-O2", "-sINITIAL_MEMORY=67108864", ...flags];
    expect(await workshop.emscripten("blocks.c", options, archive(`${EMSCRIPTEN}/${file}`))).toEqual(
      ok("profile default\nlive 0"),
    );
  });

  test("links a program that loads a module with libhakmem-pic.a", async () => {
    const side = ["-O2", "-sSIDE_MODULE=1", path.join(PROGRAMS, "side.c"), "-o", "side.wasm"];
    expect(await workshop.run("emcc", side)).toEqual(ok(""));
    const options = ["-O2", "-sMAIN_MODULE=2", "-sEXPORTED_FUNCTIONS=_main,_malloc,_free", "--embed-file", "side.wasm"];
    expect(await workshop.emscripten("main-module.c", options, archive(`${EMSCRIPTEN}/libhakmem-pic.a`))).toEqual(
      ok("1 42"),
    );
  });
});
