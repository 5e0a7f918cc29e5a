/** Programs that do to an allocator what programs should not, or rarely do. */

import { describe, expect, it } from "vitest";
import { compile, FULL, library, run } from "./support/program.js";

const DONE = { status: 0, output: "done\n" };

async function runUnder(file: string, args: readonly string[] = [], profile = "default") {
  return run(await compile(file), args, { preload: await library(profile) });
}

describe("a program under the native library", () => {
  it("may fork while its threads allocate, and the children allocate too", async () => {
    expect(await runUnder("fork.c", [FULL ? "1000" : "60"])).toMatchObject(DONE);
  });

  it("may allocate and free in atexit handlers, destructors and thread-specific destructors", async () => {
    expect(await runUnder("exits.c")).toMatchObject(DONE);
  });

  it("may leave malloc and free by siglongjmp out of a signal handler", async () => {
    expect(await runUnder("jumps.c", [FULL ? "50000" : "2000"])).toMatchObject(DONE);
  });

  it("may allocate in a signal handler while the library finds out what another handler has left", async () => {
    const program = await compile("between.c", ["-rdynamic"]);
    expect(await run(program, [], { preload: await library() })).toMatchObject(DONE);
  });

  it("keeps its resident memory while 200 threads come and go", async () => {
    expect(await runUnder("threads.c", [FULL ? "60" : "3"])).toMatchObject(DONE);
  });

  it("may use every form of operator new and delete", async () => {
    expect(await runUnder("operators.cpp")).toMatchObject(DONE);
  });

  it("finds the C family as the standards describe it", async () => {
    expect(await runUnder("interface.c")).toMatchObject(DONE);
  });

  it("may open the library beside the C library's malloc", async () => {
    const { shared } = await library();
    expect(await run(await compile("opened.c", ["-ldl"]), [shared])).toMatchObject(DONE);
  });

  it("may be linked with the archive, dynamically or statically", async () => {
    const { archive } = await library();
    for (const flags of [[archive], [archive, "-static"]]) {
      expect(await run(await compile("linked.c", flags), [])).toMatchObject({ status: 0, output: "default\n" });
    }
  });
});

describe("a pointer that is not of this heap", () => {
  it("is left alone, and reported once when asked", async () => {
    const program = await compile("foreign.c");
    expect(await run(program, [], { preload: await library() })).toMatchObject({ ...DONE, errors: "" });
    const { status, errors } = await run(program, [], {
      preload: await library(),
      environment: { HAKMEM_VERBOSE: "1" },
    });
    expect(status).toBe(0);
    expect(errors.match(/which this heap does not own/g)).toHaveLength(1);
  });

  it("stops a program under the guard profile, with a message that names it", async () => {
    const { status, errors } = await runUnder("foreign.c", [], "guard");
    expect(status).toBe("SIGABRT");
    expect(errors).toMatch(/^hakmem: free of a pointer that is not from this heap: 0x[0-9a-f]+$/m);
  });

  it("stops a program under the guard profile when it was freed before", async () => {
    const { status, errors } = await runUnder("double-free.c", [], "guard");
    expect(status).toBe("SIGABRT");
    expect(errors).toMatch(/^hakmem: double free of 0x[0-9a-f]+: the block of 40 bytes was freed before$/m);
  });
});

describe("memory that ends", () => {
  it("is refused at HAKMEM_LIMIT, and what was freed can be used again", async () => {
    const preload = await library();
    const { status, output } = await run(await compile("limit.c"), [], {
      preload,
      environment: { HAKMEM_LIMIT: "64m" },
    });
    expect(status).toBe(0);
    expect(Number(output)).toBeGreaterThanOrEqual(48);
    expect(Number(output)).toBeLessThanOrEqual(64);
  });

  it.each([
    ["what the limit allows, while the system is about to refuse memory to another thread", 0],
    ["the free end of memory, while another thread's growth behind it is about to be refused", 1],
    ["free pages behind a block that grows, while another thread gives them back to the system", 2],
  ])("is not refused for %s", async (_, scene) => {
    const preload = await library();
    const program = await compile("limited.c", ["-rdynamic"]);
    for (let n = 0; n < 3; n++) {
      const result = await run(program, [String(scene)], { preload, environment: { HAKMEM_LIMIT: "64m" } });
      expect(result, result.errors).toMatchObject({ status: 0, output: "done\n" });
    }
  });

  it("ends in a message when the address space is too small for the library", async () => {
    const program = await compile("plain.c");
    const { shared } = await library();
    const limited = await run("sh", ["-c", `ulimit -v 1000000; LD_PRELOAD=${shared} exec ${program}`]);
    expect(limited.status).toBe(3);
    expect(limited.errors).toMatch(/the system refused \d+ MiB of address space .*ulimit -v/);
  });

  it.each(["default", "hardened", "guard"])(
    "is refused by every call while there is none at all (profile %s)",
    async (profile) => {
      const { archive } = await library(profile);
      const program = await compile("penniless.c", ["-fno-builtin", archive]);
      const { status, errors } = await run("sh", ["-c", `ulimit -v 1000000; exec ${program}`]);
      expect(errors).toMatch(/^hakmem: the system refused .*\n$/);
      expect(status).toBe(3);
    },
  );

  it("is found in a new reservation when it does not suffice behind what is free at the end of the last", async () => {
    const program = await compile("longer.c", ["-fno-builtin"]);
    const { shared } = await library();
    // Reservations are an eighth of what is allowed: several of the blocks need one of their own.
    const { status, output } = await run("sh", ["-c", `ulimit -v 8000000; LD_PRELOAD=${shared} exec ${program}`]);
    expect({ status, output }).toEqual({ status: 0, output: "950\n" });
  });
});

describe("memory that was freed", () => {
  it.each([1000, 20_000, 100_000, 3_000_000])(
    "goes back to the system on request (blocks of %d bytes)",
    async (size) => {
      const { status, output, errors } = await run(await compile("returns.c", ["-fno-builtin"]), [String(size)], {
        preload: await library(),
      });
      expect(status, errors).toBe(0);
      const [, , trimmed] = output.trim().split(" ").map(Number);
      expect(trimmed).toBeLessThan(16);
    },
  );

  it("stays as far as malloc_trim is asked to keep it", async () => {
    const { status, errors } = await run(await compile("trims.c", ["-fno-builtin"]), [], {
      preload: await library(),
      environment: {
        HAKMEM_PURGE_DELAY: "1000000",
        HAKMEM_RETAIN_COUNT: "1000000",
        HAKMEM_RETAIN_BYTES: "1000000000",
      },
    });
    expect(status, errors).toBe(0);
  });

  it.each([1000, 100_000, 3_000_000])("goes back after HAKMEM_PURGE_DELAY (blocks of %d bytes)", async (size) => {
    const { status, output, errors } = await run(await compile("returns.c", ["-fno-builtin"]), [String(size)], {
      preload: await library(),
      environment: { HAKMEM_PURGE_DELAY: "50" },
    });
    expect(status, errors).toBe(0);
    const [, later] = output.trim().split(" ").map(Number);
    expect(later).toBeLessThan(64);
  });

  it("goes back while the program sleeps, and in the child of a fork, with HAKMEM_PURGE_THREAD=1", async () => {
    const [full, fullThreads, slept, sleptThreads, child, childThreads, childSlept, childSleptThreads] =
      await idle("1");
    expect([full, child].every((mib) => mib! > 100)).toBe(true);
    expect([slept, childSlept].every((mib) => mib! < 32)).toBe(true);
    expect([fullThreads, childThreads, sleptThreads, childSleptThreads]).toEqual([2, 2, 2, 2]);
  });

  it("stays while the program sleeps without", async () => {
    const [full, fullThreads, slept, sleptThreads] = await idle("0");
    expect(full).toBeGreaterThan(100);
    expect(slept).toBeGreaterThan(100);
    expect([fullThreads, sleptThreads]).toEqual([1, 1]);
  });

  async function idle(thread: string): Promise<number[]> {
    const { status, output, errors } = await run(await compile("idles.c", ["-fno-builtin"]), [], {
      preload: await library(),
      environment: { HAKMEM_PURGE_DELAY: "200", HAKMEM_PURGE_THREAD: thread },
    });
    expect(status, errors).toBe(0);
    return output.trim().split(" ").map(Number);
  }
});

describe("settings in the environment", () => {
  it("that are wrong are reported once each and ignored", async () => {
    const environment = {
      HAKMEM_RETAIN_BYTES: "12q",
      HAKMEM_STATS: "yes",
      HAKMEM_PURGE_DELAY: "",
      HAKMEM_LIMIT: "99999999999999999999",
      HAKMEM_SPEED: "11",
    };
    const { status, errors } = await run(await compile("plain.c"), [], { preload: await library(), environment });
    expect(status).toBe(0);
    expect(errors.trim().split("\n")).toHaveLength(Object.keys(environment).length);
    for (const name of Object.keys(environment)) expect(errors).toContain(name);
  });

  it("that name another profile than the library's say how to build that", async () => {
    const { errors } = await run(await compile("plain.c"), [], {
      preload: await library(),
      environment: { HAKMEM_PROFILE: "guard" },
    });
    expect(errors).toContain("hakmem build-native --profile guard");
    expect((await library("guard")).shared).not.toBe((await library()).shared);
  });

  it("ask for statistics at exit", async () => {
    const { errors } = await run(await compile("plain.c"), [], {
      preload: await library(),
      environment: { HAKMEM_STATS: "1" },
    });
    expect(errors).toMatch(/^hakmem: process \d+, profile default: committed \d+ KiB, live \d+ KiB/);
  });
});
