/**
 * Emscripten's own tests of its allocators, as Debian ships them, with hakmem.c linked in: they say what they say with its own. Left
 * out are those that ask where an allocator puts a block (memorygrowth_2 in growing memory, memorygrowth_geometric_step), that call
 * emmalloc's own functions, or that define a malloc of their own in front of it (wrap_malloc).
 */

import { readFile } from "node:fs/promises";
import * as path from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { FULL } from "../native/support/program.js";
import { Workshop } from "./support/toolchain.js";

const TESTS = "/usr/share/emscripten/tests";
const workshop = new Workshop();

interface Case {
  /** Path of the source, below Emscripten's tests. */
  readonly file: string;
  readonly flags?: readonly string[];
  readonly args?: readonly string[];
  /** What it must say, where no `.out` beside the source says it. */
  readonly says?: string;
  /** Whether it must end with another exit code than 0. */
  readonly fails?: boolean;
}

const THREADS = ["-pthread", "-sPTHREAD_POOL_SIZE=8", "-sEXIT_RUNTIME=1"];
const GROWING = "-sALLOW_MEMORY_GROWTH";

/** Those of all mechanisms that hakmem.c takes part in: family, growth, limits, threads. */
const SOME: readonly Case[] = [
  // How often a block comes again that was freed is dlmalloc's own; that one in use never does is what everybody's must say.
  { file: "dlmalloc_test.c", flags: ["-sINITIAL_MEMORY=128MB"], args: ["400", "400"], says: ",0*" },
  { file: "mallinfo.cpp", says: "OK." },
  { file: "sbrk_brk.cpp", says: "OK." },
  {
    file: "pthread/test_pthread_sbrk.cpp",
    flags: [...THREADS, "-sABORTING_MALLOC=0", "-DABORTING_MALLOC=0", "-sINITIAL_MEMORY=128MB"],
  },
];

const OTHERS: readonly Case[] = [
  {
    file: "dlmalloc_test_large.c",
    flags: ["-sABORTING_MALLOC=0", GROWING, "-sMAXIMUM_MEMORY=128MB"],
    // The heap itself takes memory, with the first call.
    says: "0 0 0 ",
  },
  { file: "core/test_memorygrowth_2.c", says: "OOM", fails: true },
  { file: "core/test_memorygrowth_3.c", flags: ["-sABORTING_MALLOC=0", "-sSAFE_HEAP"] },
  {
    file: "core/test_memorygrowth_wasm_mem_max.c",
    flags: [GROWING, "-sINITIAL_MEMORY=64Mb", "-sMAXIMUM_MEMORY=100Mb"],
  },
  {
    file: "core/test_memorygrowth_memory_growth_step.c",
    flags: [
      ...[GROWING, "-sTOTAL_STACK=1Mb", "-sINITIAL_MEMORY=64Mb", "-sMAXIMUM_MEMORY=130Mb"],
      "-sMEMORY_GROWTH_LINEAR_STEP=1Mb",
    ],
  },
  { file: "other/test_malloc_implicit.cpp" },
  { file: "other/test_mmap_memorygrowth.cpp", flags: [GROWING] },
  { file: "test_aligned_alloc.c" },
  { file: "alloc_3gb.cpp", flags: ["-sMAXIMUM_MEMORY=4GB", GROWING], says: "OK" },
  { file: "pthread/test_pthread_malloc.cpp", flags: [...THREADS, "-sINITIAL_MEMORY=64MB"] },
  { file: "pthread/test_pthread_malloc_free.cpp", flags: [...THREADS, "-sINITIAL_MEMORY=256MB"] },
  {
    file: "pthread/test_pthread_sbrk.cpp",
    flags: [...THREADS, "-sABORTING_MALLOC=1", "-DABORTING_MALLOC=1", "-sINITIAL_MEMORY=128MB"],
  },
  {
    file: "pthread/test_pthread_memory_growth.c",
    flags: [...THREADS, GROWING, "-sINITIAL_MEMORY=32MB", "-sMAXIMUM_MEMORY=256MB"],
  },
  {
    file: "pthread/test_pthread_memory_growth_mainthread.c",
    flags: [...THREADS, GROWING, "-sINITIAL_MEMORY=32MB", "-sMAXIMUM_MEMORY=256MB"],
  },
];

describe("Emscripten's own test", { timeout: 120_000 }, () => {
  beforeAll(async () => {
    for (const [object, flags] of [
      ["one.o", []],
      ["threads.o", ["-pthread"]],
    ] as const)
      expect((await workshop.run("emcc", ["-O2", ...flags, "-c", "hakmem.c", "-o", object])).exitCode).toBe(0);
  }, 120_000);

  test.each(FULL ? [...SOME, ...OTHERS] : SOME)(
    "$file $flags $args",
    async ({ file, flags = [], args = [], says, fails = false }) => {
      const source = path.join(TESTS, file);
      const object = flags.includes("-pthread") ? "threads.o" : "one.o";
      const compiler = file.endsWith(".c") ? "emcc" : "em++";
      const built = await workshop.run(compiler, ["-O1", "-w", ...flags, source, object, "-o", "own.js"]);
      expect(built.exitCode, built.output).toBe(0);
      const ended = await workshop.run(process.execPath, ["--no-experimental-fetch", "own.js", ...args]);
      expect(ended.exitCode !== 0, ended.output.slice(-2000)).toBe(fails);
      const expected = says ?? (await expectedBeside(source));
      expect(ended.output).toContain(expected.trim());
    },
  );
});

/** What Emscripten keeps beside a source; nothing where the exit code says it all. */
async function expectedBeside(source: string): Promise<string> {
  return readFile(source.replace(/\.\w+$/, ".out"), "utf8").catch(() => "");
}
