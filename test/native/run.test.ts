/** `hakmem run` as a user meets it. */

import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { describe, expect, it } from "vitest";
import { run } from "./support/program.js";

const CLI = fileURLToPath(new URL("../../packages/tools/dist/cli/main.js", import.meta.url));

function hakmem(...args: string[]) {
  return run(process.execPath, [CLI, "run", ...args]);
}

describe("hakmem run", () => {
  it("starts a program with its arguments and its output", async () => {
    expect(await hakmem("--", "echo", "--stats", "two words")).toMatchObject({
      status: 0,
      output: "--stats two words\n",
    });
  });

  it("uses the library, and prints a summary when asked, also for a program that closes its standard error", async () => {
    const { status, errors } = await hakmem("--stats", "--", "ls", "/");
    expect(status).toBe(0);
    expect(errors).toMatch(/^hakmem: process \d+, profile default: committed \d+ KiB/m);
  });

  it("ends as the program ends", async () => {
    expect(await hakmem("--", "sh", "-c", "exit 7")).toMatchObject({ status: 7 });
    expect(await hakmem("--", "sh", "-c", "kill -TERM $$")).toMatchObject({ status: 128 + 15 });
  });

  it("hands on a request to end, and waits for the program however long it takes", async () => {
    const script = 'trap "sleep 6; exit 9" TERM; echo ready; while :; do sleep 0.1; done';
    const options = { buffer: false, forceKillAfterDelay: false, reject: false } as const;
    const child = execa(process.execPath, [CLI, "run", "--", "sh", "-c", script], options);
    await once(child.stdout, "data");
    child.kill("SIGTERM");
    expect(await child).toMatchObject({ exitCode: 9 });
  });

  it("says that there is no such program", async () => {
    const { status, errors } = await hakmem("--", "no-such-program");
    expect(status).toBe(127);
    expect(errors).toContain("no-such-program cannot be started: no such program");
  });

  it("refuses a peer and a profile that it does not know, with those that it does", async () => {
    const peer = await hakmem("--peer", "hoard", "--", "true");
    expect(peer).toMatchObject({
      status: 2,
      errors: expect.stringContaining("glibc, mimalloc, jemalloc, tcmalloc") as string,
    });
    const profile = await hakmem("--profile", "fastest", "--", "true");
    expect(profile).toMatchObject({
      status: 2,
      errors: expect.stringContaining("shipped profiles are default") as string,
    });
    expect(await hakmem()).toMatchObject({ status: 2 });
  });

  it("starts a program under a peer instead", async () => {
    const { status, output, errors } = await hakmem("--peer", "glibc", "--", "sh", "-c", "echo $LD_PRELOAD");
    expect({ status, output, errors }).toEqual({ status: 0, output: "\n", errors: "" });
  });
});
