/** hakmem.c in programs that Emscripten compiles. */

import { stat } from "node:fs/promises";
import * as path from "node:path";
import { describe, expect, test } from "vitest";
import { FULL } from "../native/support/program.js";
import { PROGRAMS, SOME_PROFILES, Workshop } from "./support/toolchain.js";

const KIB = 1024;
const OWN = "";
const workshop = new Workshop();
const ok = (output: string) => ({ exitCode: 0, output });

describe("a program", { timeout: 120_000 }, () => {
  test.each(SOME_PROFILES)("finds its blocks intact, with profile %s", async (name, macros) => {
    const options = ["-O2", ...macros, "-sALLOW_MEMORY_GROWTH"];
    expect(await workshop.emscripten("blocks.c", options)).toEqual(ok(`profile ${name}\nlive 0`));
  });

  test.each([
    ["optimised when it is linked", ["-O2", "-flto"]],
    ["with every access checked", ["-O0", "-sSAFE_HEAP=1", "-sASSERTIONS=2"]],
    ["in memory that does not grow", ["-Os", "-sINITIAL_MEMORY=67108864"]],
    ["with threads", ["-O2", "-pthread", "-sPROXY_TO_PTHREAD", "-sEXIT_RUNTIME=1", "-sINITIAL_MEMORY=67108864"]],
    ["with another allocator chosen", ["-O1", "-sMALLOC=emmalloc", "-sINITIAL_MEMORY=67108864"]],
  ])("finds its blocks intact, %s", async (_, options) => {
    expect(await workshop.emscripten("blocks.c", options)).toEqual(ok("profile default\nlive 0"));
  });

  test("may be C++, linked with hakmem.c as an object", async () => {
    const object = await workshop.run("emcc", [
      "-O2",
      "-Wall",
      "-Wextra",
      "-Werror",
      "-c",
      "hakmem.c",
      "-o",
      "hakmem.o",
    ]);
    expect(object).toEqual(ok(""));
    expect(await workshop.emscripten("containers.cpp", ["-O2", "-std=c++17"], "hakmem.o")).toEqual(ok("27660"));
  });

  test.each([
    ["what it uses of the libraries", () => ["-sMAIN_MODULE=2", "-sEXPORTED_FUNCTIONS=_main,_malloc,_free"]],
    [
      "all of the libraries but their allocators, of which sbrk is a part",
      (root: string) => ["-sMAIN_MODULE=1", "-sMALLOC=none", path.join(root, "system", "lib", "sbrk.c")],
    ],
  ])("with %s, shares blocks with a module that it loads", async (_, optionsOf) => {
    const side = [...["-O2", "-sSIDE_MODULE=1"], path.join(PROGRAMS, "side.c"), "-o", "side.wasm"];
    expect(await workshop.run("emcc", side)).toEqual(ok(""));
    const { output: root } = await workshop.run("em-config", ["EMSCRIPTEN_ROOT"]);
    const options = ["-O2", ...optionsOf(root), "--embed-file", "side.wasm"];
    expect(await workshop.emscripten("main-module.c", options)).toEqual(ok("1 42"));
  });

  test("starts and joins threads a thousand times, in memory that stays what it was", async () => {
    const options = ["-O2", "-pthread", "-sPROXY_TO_PTHREAD", "-sEXIT_RUNTIME=1", "-sPTHREAD_POOL_SIZE=4"];
    const memory = ["-sINITIAL_MEMORY=67108864", "-DROUNDS=1000", "-DSPARE=4194304"];
    expect(await workshop.emscripten("rounds.c", [...options, ...memory])).toEqual(ok("done"));
  });
});

describe(
  "a thread that stays inside WebAssembly, in an engine that does not tell it of growth,",
  { timeout: 120_000 },
  () => {
    const UNTOLD = ["--no-liftoff", "--no-wasm-stack-checks", "--wasm-enforce-bounds-checks"];
    // What Emscripten itself keeps of a thread, and uses without a call of malloc's, lies in the memory that there is from the first.
    const options = [
      ...[
        "-O2",
        "-pthread",
        "-sPROXY_TO_PTHREAD",
        "-sEXIT_RUNTIME=1",
        "-sPTHREAD_POOL_SIZE=2",
        "-Wno-pthreads-mem-growth",
      ],
      ...["-sALLOW_MEMORY_GROWTH", "-sINITIAL_MEMORY=16777216", "-sTOTAL_STACK=65536", "-sMAXIMUM_MEMORY=1073741824"],
      "-sMEMORY_GROWTH_LINEAR_STEP=1048576",
    ];

    test.each(SOME_PROFILES)("sees all that it gets, with profile %s", async (_, macros) => {
      expect(await workshop.emscripten("stale.c", [...options, ...macros], "hakmem.c", UNTOLD, 30_000)).toEqual(
        ok("seen"),
      );
    });

    test("does not with Emscripten's own allocator: the program is a test of it", async () => {
      const { output } = await workshop.emscripten("stale.c", options, OWN, UNTOLD, 5000);
      expect(output).toContain("memory access out of bounds");
    });
  },
);

describe("memory that is refused", { timeout: 120_000 }, () => {
  const STEPS = [
    ["small blocks", "-DSTEP=100000"],
    ["large ones", "-DSTEP=3000000"],
    ["one that is larger than the memory", "-DSTEP=500000000"],
  ] as const;
  const MEMORIES = [
    ["does not grow", ["-sALLOW_MEMORY_GROWTH=0"]],
    ["does not grow, and does not abort", ["-sALLOW_MEMORY_GROWTH=0", "-sABORTING_MALLOC=0"]],
    ["grows up to its maximum", ["-sALLOW_MEMORY_GROWTH=1", "-sMAXIMUM_MEMORY=33554432"]],
  ] as const;

  // Without HAKMEM_TEST_FULL=1 one size in each memory, and each size in one.
  const CASES = MEMORIES.flatMap(([memory, options], row) =>
    STEPS.filter((_, column) => FULL || column === row).map(([size, step]) => [size, memory, step, options] as const),
  );

  test.each(CASES)("of %s where it %s ends as with Emscripten's own", async (_, __, step, options) => {
    const all = ["-O1", step, "-DLIMIT=1000000000", ...options];
    const own = await workshop.emscripten("refused.c", all, OWN);
    const ours = await workshop.emscripten("refused.c", all);
    expect(own.output).toMatch(/Aborted\(OOM\)|null after/);
    const essence = ({ exitCode, output }: typeof own) => ({
      exitCode,
      said: /Aborted\(OOM\)|null after.*/.exec(output)?.[0],
    });
    expect(essence(ours)).toEqual(essence(own));
  });
});

describe("what it costs", { timeout: 120_000 }, () => {
  test.each([
    ["default", [], 64 * KIB],
    ["compact", ["-DHAKMEM_PROFILE_COMPACT"], 64 * KIB],
  ] as const)("the heap of the smallest program is small, with profile %s", async (_, macros, most) => {
    const { exitCode, output } = await workshop.emscripten("hello.c", ["-Os", ...macros]);
    expect(exitCode).toBe(0);
    expect(Number(output)).toBeGreaterThan(0);
    expect(Number(output)).toBeLessThanOrEqual(most);
  });

  test("code of 12 KiB more than Emscripten's smallest", async () => {
    const bytes = async (options: readonly string[], source: string): Promise<number> => {
      const output = path.join(workshop.directory, "small.js");
      expect(await workshop.compile("emcc", "small.c", ["-Os", ...options, "-o", output], source)).toEqual(ok(""));
      return (await stat(path.join(workshop.directory, "small.wasm"))).size;
    };
    const smallest = await bytes(["-sMALLOC=emmalloc"], OWN);
    expect((await bytes([], "hakmem.c")) - smallest).toBeLessThanOrEqual(12 * KIB);
  });
});
