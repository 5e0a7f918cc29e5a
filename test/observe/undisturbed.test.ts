/** What observers leave as it was, and count right, where programs do what is seldom done. */

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { runTool } from "../../packages/tools/src/base/compilers.js";
import { decodeRecording } from "../../packages/tools/src/observe/recording/format.js";
import { run, scratch, type Outcome } from "../native/support/program.js";

const CLI = fileURLToPath(new URL("../../packages/tools/dist/cli/main.js", import.meta.url));
const SOURCE = fileURLToPath(new URL("../native/programs/undisturbed.c", import.meta.url));

let program = "";
beforeAll(async () => {
  const directory = mkdtempSync(path.join(tmpdir(), "hakmem-test-"));
  const handlers = path.join(directory, "handlers.so");
  program = path.join(directory, "undisturbed");
  await runTool("gcc", ["-shared", "-fPIC", "-DHANDLERS", SOURCE, "-o", handlers]);
  await runTool("gcc", ["-g", "-O1", "-pthread", SOURCE, "-Wl,--no-as-needed", handlers, "-o", program]);
  return () => rmSync(directory, { recursive: true });
});

const hakmem = (...args: string[]): Promise<Outcome> => run(process.execPath, [CLI, ...args]);
const OBSERVERS: [string, () => string[]][] = [
  ["record", () => ["record", "-o", path.join(scratch(), "it.hkt"), "--"]],
  ["run --leaks", () => ["run", "--leaks", "--"]],
];

describe.each(OBSERVERS)("a program under hakmem %s", (_name, observer) => {
  it("comes to the end of a thread's work that is to be cancelled: malloc is no cancellation point", async () => {
    expect(await hakmem(...observer(), program, "cancel")).toMatchObject({ status: 0, output: "200000 calls\n" });
  });

  it("may allocate in the handlers of a fork that come before the observer's", async () => {
    expect(await hakmem(...observer(), program, "forks")).toMatchObject({ status: 0, output: "20 of 20\n" });
  });
});

describe("hakmem run --leaks", () => {
  it("knows a block that has the place which another thread's realloc just left", async () => {
    const { errors } = await hakmem("run", "--leaks", "--", program, "race");
    expect(errors).toMatch(/^process \d+: 2000\.0 MiB in /);
  });

  it("counts a block once that becomes shorter where it lies", async () => {
    const { output, errors } = await hakmem("run", "--leaks", "--", program, "shrink");
    expect(output).toBe("");
    expect(errors).toMatch(/97\.7 KiB in 1 block of 97\.7 KiB/);
  });
});

describe("hakmem record", () => {
  it("keeps nothing mapped of threads that have ended, whatever the C library frees of them", async () => {
    const file = path.join(scratch(), "it.hkt");
    const { output } = await hakmem("record", "-o", file, "--", program, "threads", file);
    // The main thread's own.
    expect(output).toBe("1 mappings\n");
    expect(decodeRecording(readFileSync(file), file).head.threads).toBe(201);
  });

  it("stops at the limit of a file's size, which would end the program", async () => {
    const file = path.join(scratch(), "it.hkt");
    const limited = ["sh", "-c", `ulimit -f 1000; exec "${program}" cancel`];
    const { status, output, errors } = await hakmem("record", "-o", file, "--", ...limited);
    expect({ status, output }).toEqual({ status: 0, output: "200000 calls\n" });
    expect(errors).toMatch(/cannot take more: the limit of a file's size is reached/);
    expect(decodeRecording(readFileSync(file), file).head.events).toBeGreaterThan(1000);
  });
});
