/**
 * The packages as their users get them: packed from a copy of this checkout, which makes a clean build, and installed into empty
 * folders below a path with a space and a `#`.
 */

import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const TIMEOUT_MS = 300_000;
const KB = 1000;
const MB = 1000 * KB;
const NOBODY = "65534";

let work: string;
/** Paths of the tarballs by the packages' names. */
const tarballs: Record<string, string> = {};

beforeAll(async () => {
  const directory = await mkdtemp(path.join(tmpdir(), "hakmem-packed-"));
  await chmod(directory, 0o755);
  work = path.join(directory, "a b #c");
  const checkout = path.join(directory, "checkout");
  const { stdout } = await execa("git", ["ls-files", "-z"], { cwd: ROOT });
  for (const file of stdout.split("\0").filter((name) => name !== "")) {
    await cp(path.join(ROOT, file), path.join(checkout, file)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOENT") throw error; // removed, and not committed yet
    });
  }
  for (const modules of ["node_modules", "packages/tools/node_modules"]) {
    const [from, to] = [path.join(ROOT, modules), path.join(checkout, modules)];
    // By links where both lie in one file system: nothing writes to them.
    const { exitCode } = await execa("cp", ["-al", from, to], { reject: false });
    if (exitCode !== 0) await execa("cp", ["-a", "--reflink=auto", "--remove-destination", from, path.dirname(to)]);
  }
  await mkdir(work);
  for (const name of ["hakmem", "tools", "linux-x64", "c", "assemblyscript"]) {
    const cwd = path.join(checkout, "packages", name);
    const packed = await execa("npm", ["pack", "--json", "--pack-destination", work], { cwd });
    const [{ filename }] = JSON.parse(packed.stdout.slice(packed.stdout.indexOf("[\n"))) as [{ filename: string }];
    tarballs[name] = path.join(work, filename);
  }
}, TIMEOUT_MS);

afterAll(async () => {
  await rm(path.dirname(work), { recursive: true, force: true });
});

async function install(name: string, ...packages: string[]): Promise<string> {
  const directory = path.join(work, name);
  await mkdir(directory);
  await writeFile(path.join(directory, "package.json"), '{ "type": "module", "private": true }');
  await execa("npm", ["install", "--no-audit", "--no-fund", ...packages.map((each) => tarballs[each]!)], {
    cwd: directory,
  });
  return directory;
}

async function bytesBelow(directory: string): Promise<number> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const sizes = await Promise.all(files.map(async (file) => (await stat(path.join(file.parentPath, file.name))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

describe("the library", () => {
  let directory: string;
  beforeAll(async () => {
    directory = await install("library", "hakmem");
  }, TIMEOUT_MS);

  test("is one package of 500 kB at most", async () => {
    expect((await readdir(path.join(directory, "node_modules"))).filter((name) => !name.startsWith("."))).toEqual([
      "hakmem",
    ]);
    expect(await bytesBelow(path.join(directory, "node_modules", "hakmem"))).toBeLessThanOrEqual(500 * KB);
  });

  test("works as it is, at once and with every profile", async () => {
    const program = `
      import { attachHeap, createHeap, createHeapSync } from "hakmem";
      const heap = createHeapSync();
      const array = heap.alloc(Float64Array, 1000).fill(1);
      heap.free(array);
      for (const profile of ["default", "compact", "hardened", "guard"]) {
        for (const shared of [false, true]) {
          using made = await createHeap({ profile, shared });
          using other = shared ? attachHeap(made.handle) : createHeapSync({ profile });
          if (made.malloc(100) === 0 || other.malloc(100) === 0) throw new Error(profile);
        }
      }
      console.log(heap.stats().live);`.replaceAll("using ", "const ");
    await writeFile(path.join(directory, "program.js"), program);
    expect((await execa(process.execPath, ["program.js"], { cwd: directory })).stdout).toBe("0");
  });

  test.each([
    ["neither Node's types nor the DOM's", ["ES2022"]],
    ["the DOM's types", ["ES2023", "DOM"]],
    ["the newest types", ["ESNext", "DOM"]],
  ])("has types for programs with %s", async (_, lib) => {
    await writeFile(
      path.join(directory, "typed.ts"),
      `import { attachHeap, createHeap, createHeapSync, preload, type Heap, type HeapHandle, type HeapOptions } from "hakmem";
       const options: HeapOptions = { shared: true, profile: "guard", base: 65536 };
       const heap: Heap = await createHeap(options);
       const handle: HeapHandle = heap.handle;
       const floats: Float32Array = heap.alloc(Float32Array, 10, { alignment: 64 });
       heap.free(heap.resize(floats, 20));
       const bytes: number = attachHeap(handle).memory.buffer.byteLength + heap.stats().live;
       await preload({ profile: "compact" });
       createHeapSync({ module: handle.module }).close();
       // @ts-expect-error a heap is not made by its constructor, and its insides are nobody's business
       heap.arrayFilter;
       export { bytes };`,
    );
    const compilerOptions = { lib, module: "nodenext", target: "es2022", strict: true, noEmit: true, types: [] };
    await writeFile(path.join(directory, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["typed.ts"] }));
    const tsc = path.join(ROOT, "node_modules", ".bin", "tsc");
    const { stdout, exitCode } = await execa(tsc, ["-p", directory], { reject: false });
    expect(stdout).toBe("");
    expect(exitCode).toBe(0);
  });

  test.each([
    ["publint", ["run", "--strict"]],
    ["attw", ["--profile", "esm-only"]],
  ])("is found right by %s", async (tool, args) => {
    const command = path.join(ROOT, "node_modules", ".bin", tool);
    const { exitCode, all } = await execa(command, [...args, tarballs["hakmem"]!], { reject: false, all: true });
    expect(exitCode, all).toBe(0);
  });
});

test(
  "the C file compiles with a program from where npm puts it",
  async () => {
    const cwd = await install("c", "c");
    await writeFile(
      path.join(cwd, "app.c"),
      `#include <stdio.h>
       #include <stdlib.h>
       #include "hakmem.h"
       int main(void) { void *volatile block = malloc(10); return printf("%d %s", hakmem_owns(block), hakmem_profile()) < 0; }`,
    );
    const source = "node_modules/@hakmem/c";
    await execa("gcc", ["-I", source, "-DHAKMEM_PROFILE_COMPACT", "app.c", `${source}/hakmem.c`, "-o", "app"], { cwd });
    expect((await execa("./app", { cwd })).stdout).toBe("1 compact");
    const archive = `${source}/lib/wasm32-wasi/libhakmem.a`;
    await execa("clang-14", ["--target=wasm32-wasi", "-I", source, "app.c", archive, "-o", "app.wasm"], { cwd });
    expect(await bytesBelow(path.join(cwd, "node_modules"))).toBeLessThanOrEqual(2.5 * MB);
  },
  TIMEOUT_MS,
);

test(
  "the runtime for AssemblyScript is found where npm puts it",
  async () => {
    const cwd = await install("assemblyscript", "assemblyscript");
    await writeFile(
      path.join(cwd, "app.ts"),
      `export function run(): i32 { const names = new Array<string>(); for (let n = 0; n < 1000; n++) names.push(n.toString()); return names.length; }`,
    );
    const runtime = "./node_modules/@hakmem/assemblyscript/compact/incremental";
    const compiler = path.join(ROOT, "node_modules", "assemblyscript", "bin", "asc.js");
    await execa(process.execPath, [compiler, "app.ts", "--runtime", runtime, "--outFile", "app.wasm"], { cwd });
    const { instance } = await WebAssembly.instantiate(await readFile(path.join(cwd, "app.wasm")), {
      env: { abort() {} },
    });
    expect((instance.exports["run"] as () => number)()).toBe(1000);
  },
  TIMEOUT_MS,
);

describe("the tools", () => {
  let directory: string;
  beforeAll(async () => {
    directory = await install("tools", "hakmem", "tools", "linux-x64");
  }, TIMEOUT_MS);

  const hakmem = (...args: string[]) =>
    execa(path.join(directory, "node_modules", ".bin", "hakmem"), args, { cwd: directory, reject: false });

  test("are 150 MB at most, with one binaryen", async () => {
    expect(await bytesBelow(path.join(directory, "node_modules"))).toBeLessThanOrEqual(150 * MB);
    const names = await readdir(path.join(directory, "node_modules"), { recursive: true });
    expect(names.filter((name) => path.basename(name) === "binaryen" && !name.includes("bin/"))).toEqual(["binaryen"]);
  });

  test("tell their commands", async () => {
    const { stdout } = await hakmem("--help");
    for (const command of ["bench", "ab", "build", "build-native", "run", "completion"])
      expect(stdout).toContain(command);
  });

  test("run a program under the library that comes prebuilt", async () => {
    const { stdout, stderr, exitCode } = await hakmem("run", "--stats", "echo", "-n", "--version");
    expect(stdout).toBe("--version");
    expect(stderr).toMatch(/^hakmem/);
    expect(stderr).not.toMatch(/compiling|ld\.so/);
    expect(exitCode).toBe(0);
  });

  test(
    "build and measure",
    async () => {
      expect((await hakmem("build", "--profile", "compact", "--target", "wasm32", "--out", "mine")).exitCode).toBe(0);
      expect(await readdir(path.join(directory, "mine"))).toContain("compact.wasm32.wasm");
      const { stdout, exitCode } = await hakmem("bench", "-q", "-w", "tiny-hot/64", "-p", "hakmem", "-r", "1");
      expect(stdout).toContain("hakmem");
      expect(exitCode).toBe(0);
    },
    TIMEOUT_MS,
  );

  test(
    "work from a folder that nobody may write to, for somebody who is not its owner",
    async () => {
      if (process.getuid?.() !== 0) throw new Error("this test runs as root, which installs, and as somebody else");
      await execa("chmod", ["-R", "go-w", work]);
      const home = await mkdtemp(path.join(tmpdir(), "hakmem-home-"));
      await execa("chown", ["-R", NOBODY, home]);
      try {
        const entry = path.join(directory, "node_modules", "@hakmem", "tools", "dist", "cli", "main.js");
        const as = (...args: string[]) =>
          execa("setpriv", [`--reuid=${NOBODY}`, "--clear-groups", process.execPath, entry, ...args], {
            cwd: home,
            env: { HOME: home, XDG_CACHE_HOME: path.join(home, "cache"), HAKMEM_CACHE: "" },
            reject: false,
          });
        expect((await as("run", "echo", "prebuilt")).stdout).toBe("prebuilt");
        const compact = await as("run", "--profile", "compact", "--stats", "echo", "prebuilt, too");
        expect(compact.stdout).toBe("prebuilt, too");
        const built = await as("build-native", "--arch", "x64", "--force");
        expect(built.stdout, built.stderr).toContain(path.join(home, "cache"));
      } finally {
        await rm(home, { recursive: true, force: true });
      }
    },
    TIMEOUT_MS,
  );
});
