/** What can be seen of native programs: hakmem run --heap-profile and --leaks, hakmem record and replay, as a user meets them. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { Profile } from "pprof-format";
import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { runTool } from "../../packages/tools/src/base/compilers.js";
import { convertRecording } from "../../packages/tools/src/observe/recording/convert.js";
import { KIND } from "../../packages/tools/src/observe/recording/events.js";
import { decodeRecording } from "../../packages/tools/src/observe/recording/format.js";
import { compileShared, run, type Outcome, type RunOptions } from "../native/support/program.js";

const CLI = fileURLToPath(new URL("../../packages/tools/dist/cli/main.js", import.meta.url));
const SOURCE = fileURLToPath(new URL("../native/programs/observed.cpp", import.meta.url));

let program = "";
beforeAll(async () => {
  const directory = mkdtempSync(path.join(tmpdir(), "hakmem-test-"));
  program = path.join(directory, "observed");
  await runTool("g++", ["-g", "-O1", "-pthread", SOURCE, "-o", program]);
  return () => rmSync(directory, { recursive: true });
});

function scratch(): string {
  const directory = mkdtempSync(path.join(tmpdir(), "hakmem-test-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  return directory;
}

const hakmem = (args: readonly string[], options: RunOptions = {}): Promise<Outcome> =>
  run(process.execPath, [CLI, ...args], options);

describe("hakmem run --leaks", () => {
  it("names the places where what is in use at the end was asked for, the most bytes first", async () => {
    const { status, output, errors } = await hakmem(["run", "--leaks", "--", program, "leak", "grow"]);
    expect({ status, output }).toEqual({ status: 0, output: "done\n" });
    const groups = errors.split("\n\n");
    const [grown = "", leaked = ""] = [
      groups.find((each) => each.includes("grow()")),
      groups.find((each) => each.includes("leak()")),
    ];
    expect(grown).toMatch(/^976\.6 KiB in 500 blocks of 2\.0 KiB, .* old\n {4}grow\(\) .*observed\.cpp:\d+\n {4}main /);
    expect(leaked).toMatch(
      /^293\.0 KiB in 100 blocks of 2\.9 KiB, .* old\n {4}forget_it\(unsigned long\) .*\n {4}leak\(\)/,
    );
    expect(groups.indexOf(grown)).toBeLessThan(groups.indexOf(leaked));
  });

  it("knows every way to allocate and to free, and what goes from thread to thread", async () => {
    const { errors } = await hakmem(["run", "--leaks", "--", program, "ways", "hand-over", "exchange"]);
    expect(errors).toMatch(/777 bytes in 1 block of 777 bytes, .*\n {4}all_ways\(\)/);
    // The C library keeps what it has made for threads.
    const others = errors.split("\n\n").filter((group) => !group.includes("allocate_dtv"));
    expect(others.join("\n")).not.toMatch(/hand_over|exchange\(\)/);
    expect(errors.match(/all_ways/g)).toHaveLength(1);
  });

  it("reports of a program that is killed, of one that becomes another, and leaves the child of a fork out", async () => {
    const killed = await hakmem(["run", "--leaks", "--", program, "leak", "kill"]);
    expect(killed.status).toBe(128 + 9);
    expect(killed.errors).toMatch(/in 100 blocks of 2\.9 KiB/);
    const again = await hakmem(["run", "--leaks", "--", program, "self"]);
    expect(again.errors).toMatch(/in 100 blocks of 2\.9 KiB/);
    const forked = await hakmem(["run", "--leaks", "--", program, "fork", "grow"]);
    expect(forked.errors).toMatch(/in 500 blocks of 2\.0 KiB/);
    expect(forked.errors).not.toContain("leak()");
  });
});

describe("a program that is watched", () => {
  it("writes its figures when a file asks for them, and sleeps on", async () => {
    const directory = scratch();
    const { buildNative } = await import("../../packages/tools/src/build/native.js");
    const { loadProfile } = await import("../../packages/tools/src/profile/index.js");
    const { shared } = await buildNative({ profile: await loadProfile("default"), observe: true });
    const stats = path.join(directory, "stats.json");
    const environment = { LD_PRELOAD: shared, HAKMEM_STATS_FILE: stats, HAKMEM_STATS_WATCH: "1" };
    const script = "my $list = 'x' x 5e6; my $left = select undef, undef, undef, 3; exit($left == 0 ? 0 : 1)";
    const child = spawn("perl", ["-e", script], { env: { ...process.env, ...environment }, stdio: "ignore" });
    const ended = once(child, "exit");
    const question = `${stats}.ask.${child.pid}`;
    writeFileSync(question, "");
    await expect.poll(() => existsSync(stats), { timeout: 10_000 }).toBe(true);
    const figures = JSON.parse(readFileSync(stats, "utf8")) as Record<string, unknown>;
    expect(figures).toMatchObject({ process: child.pid, pageBytes: 65_536 });
    const [first] = figures["superslabs"] as { at: number; pages: string }[];
    expect(first?.at).toBeGreaterThan(0);
    expect(first?.pages).toMatch(/^[0-9a-f]{128}$/);
    expect(existsSync(question)).toBe(false);
    expect(await ended).toEqual([0, null]);
  });
});

describe("the guard profile under hakmem run --leaks", () => {
  const PLACES = {
    allocated: /planted\(make_it\+0x[\da-f]+\)[^]*planted\(main\+/,
    freed: /planted\(drop_it\+0x[\da-f]+\)[^]*planted\(main\+/,
  };
  async function planted(mistake: string): Promise<string> {
    const program = path.join(scratch(), "planted");
    const source = SOURCE.replace("observed.cpp", "planted.cpp");
    await runTool("g++", ["-g", "-O1", "-rdynamic", source, "-o", program]);
    const { status, errors } = await hakmem(["run", "--profile", "guard", "--leaks", "--", program, mistake]);
    expect(status).toBe(128 + 6);
    return errors;
  }

  it.each([
    ["twice", /double free of/],
    ["after", /write after free to/],
  ])("names who allocated and who freed the block that is used wrong: %s", async (mistake, said) => {
    const errors = await planted(mistake);
    expect(errors).toMatch(said);
    const [, allocated = "", freed = ""] =
      /the block was allocated by\n([^]*?)hakmem: and freed by\n([^]*)/.exec(errors) ?? [];
    expect(allocated).toMatch(PLACES.allocated);
    expect(freed).toMatch(PLACES.freed);
  });

  it("names who allocated the block that was overrun, and who frees it now", async () => {
    const errors = await planted("overflow");
    const [, freed = "", allocated = ""] =
      /write beyond the end of([^]*)the block was allocated by\n([^]*)/.exec(errors) ?? [];
    expect(freed).toMatch(PLACES.freed);
    expect(freed).toMatch(/the block itself: .*, in use/);
    expect(allocated).toMatch(PLACES.allocated);
  });
});

describe("hakmem run --heap-profile", () => {
  it("writes what pprof's readers open", async () => {
    const file = path.join(scratch(), "out.pb.gz");
    await hakmem(["run", "--heap-profile", file, "--sample-bytes", "1", "--", program, "leak"]);
    const profile = Profile.decode(gunzipSync(readFileSync(file)));
    const text = (index: unknown): string => profile.stringTable.strings[Number(index)] ?? "";
    expect(profile.sampleType.map(({ type, unit }) => `${text(type)} ${text(unit)}`)).toEqual([
      "alloc_objects count",
      "alloc_space bytes",
      "inuse_objects count",
      "inuse_space bytes",
    ]);
    const nameOf = (id: unknown): string => {
      const line = profile.location.find((each) => each.id === id)?.line[0];
      return text(profile.function.find((each) => each.id === line?.functionId)?.name);
    };
    const leaks = profile.sample.filter(
      ({ locationId, value }) => nameOf(locationId[0]).startsWith("forget_it") && Number(value[2]) > 0,
    );
    expect(leaks.reduce((sum, { value }) => sum + Number(value[2]), 0)).toBe(100);
    const calls = profile.sample.filter(({ locationId }) => nameOf(locationId[0]).startsWith("forget_it"));
    expect(calls.reduce((sum, { value }) => sum + Number(value[0]), 0)).toBe(10_100);
  });

  it("writes what Chrome's developer tools open, and folded stacks", async () => {
    const directory = scratch();
    const [chrome, folded] = [path.join(directory, "a.heapprofile"), path.join(directory, "a.folded")];
    for (const file of [chrome, folded])
      await hakmem(["run", "--heap-profile", file, "--sample-bytes", "1", "--", program, "leak"]);
    interface Node {
      readonly callFrame: { readonly functionName: string };
      readonly selfSize: number;
      readonly children: readonly Node[];
    }
    const { head } = JSON.parse(readFileSync(chrome, "utf8")) as { readonly head: Node };
    const all = (node: Node): Node[] => [node, ...node.children.flatMap(all)];
    const own = all(head).filter(({ callFrame }) => callFrame.functionName.startsWith("forget_it"));
    expect(own.reduce((sum, { selfSize }) => sum + selfSize, 0)).toBe(100 * 3000);
    expect(readFileSync(folded, "utf8")).toMatch(/main;leak\(\);forget_it\(unsigned long\) 300000\n/);
  });

  it("estimates from a sample what all blocks would say", async () => {
    const file = path.join(scratch(), "out.folded");
    const totals: number[] = [];
    for (let i = 0; i < 5; i++) {
      await hakmem([
        "run",
        "--heap-profile",
        file,
        "--sample-bytes",
        "16k",
        "--",
        program,
        ...Array<string>(8).fill("grow"),
      ]);
      const line = /grow\(\).* (\d+)\n/.exec(readFileSync(file, "utf8"));
      totals.push(Number(line?.[1]));
    }
    const mean = totals.reduce((a, b) => a + b) / totals.length;
    // 8 MB of one in 16 KiB are 490 samples each: the mean of five is within 2 % as a rule, and certainly within 15 %.
    expect(mean / (8 * 500 * 2000)).toBeGreaterThan(0.85);
    expect(mean / (8 * 500 * 2000)).toBeLessThan(1.15);
  });

  it("refuses what it cannot do before the program runs", async () => {
    for (const [args, said] of [
      [["--heap-profile", "out.png"], /out\.png: the name's ending says what to write: \.pb\.gz or \.pprof/],
      [["--heap-profile", "/no/such/a.folded"], /there is no directory \/no\/such/],
      [["--sample-bytes", "1k"], /--sample-bytes and --top are for --heap-profile and --leaks/],
      [["--leaks", "--sample-bytes", "0"], /must be a whole number from 1 to/],
      [["--leaks", "--peer", "glibc"], /leave out --peer glibc/],
    ] as const) {
      const { status, output, errors } = await hakmem(["run", ...args, "--", "echo", "ran"]);
      expect({ status, output }, args.join(" ")).toEqual({ status: 2, output: "" });
      expect(errors).toMatch(said);
    }
  });
});

describe("hakmem record", () => {
  it("records all of it, in few bytes an event", async () => {
    const directory = scratch();
    const file = path.join(directory, "it.hkt");
    const { status, errors } = await hakmem(["record", "-o", file, "--", program, "ways", "hand-over", "exchange"]);
    expect(status).toBe(0);
    expect(errors).toMatch(/it\.hkt: \d+ events, 5 threads, /);
    const { head, blocks } = decodeRecording(readFileSync(file), file);
    const counts = [0, 0, 0, 0];
    let [leftBytes, most] = [0, 0];
    const sizes = new Map<number, number>();
    for (const { count, kinds, slots, sizes: asked, times } of blocks()) {
      for (let i = 0; i < count; i++) {
        const [kind = 0, slot = 0, size = 0] = [kinds[i], slots[i], asked[i]];
        counts[kind] = (counts[kind] ?? 0) + 1;
        leftBytes += size - (kind === KIND.malloc || kind === KIND.aligned ? 0 : (sizes.get(slot) ?? 0));
        if (kind === KIND.free) sizes.delete(slot);
        else sizes.set(slot, size);
        most = Math.max(most, leftBytes);
        expect(times[i]).toBeGreaterThanOrEqual(times[i - 1] ?? 0);
      }
    }
    const [made = 0, freed = 0, resized = 0, aligned = 0] = counts;
    expect(made + aligned).toBe(freed);
    expect(made).toBeGreaterThan(120_000);
    expect({ resized, aligned }).toEqual({ resized: 1, aligned: 4 });
    expect(leftBytes).toBe(0);
    expect(most).toBe(head.peakBytes);
    expect(readFileSync(file).length / head.events).toBeLessThan(4);
    expect(readdirSync(directory)).toEqual(["it.hkt"]);
  });

  it("leaves what a killed program did, and has a file for each program that it became", async () => {
    const directory = scratch();
    const file = path.join(directory, "it.hkt");
    const killed = await hakmem(["record", "-o", file, "--", program, "leak", "kill"]);
    expect(killed.status).toBe(128 + 9);
    const { head } = decodeRecording(readFileSync(file), file);
    expect(head.events).toBeGreaterThanOrEqual(20_000);
    const shell = await hakmem(["record", "-o", file, "--", "sh", "-c", `"${program}" leak; "${program}" grow`]);
    expect(shell.status).toBe(0);
    expect(readdirSync(directory).filter((name) => /^it\.\d+\.hkt$/.test(name))).toHaveLength(2);
  });

  it("goes on where it can when the disk is full, and says so", async () => {
    const directory = scratch();
    const file = path.join(directory, "it.hkt");
    const shim = await compileShared("full-disk.c");
    const { status, output, errors } = await hakmem(["record", "-o", file, "--", program, "exchange"], {
      environment: { LD_PRELOAD: shim, FULL_AFTER: "5" },
    });
    expect({ status, output }).toEqual({ status: 0, output: "done\n" });
    expect(errors).toMatch(/cannot take more: the disk is full/);
    expect(decodeRecording(readFileSync(file), file).head.events).toBeGreaterThan(1000);
  });

  it("refuses what it cannot do before the program runs", async () => {
    const { status, output, errors } = await hakmem(["record", "-o", "/no/such/it.hkt", "--", "echo", "ran"]);
    expect({ status, output }).toEqual({ status: 2, output: "" });
    expect(errors).toContain("there is no directory /no/such");
  });

  it("tells times, however short the recording is", async () => {
    const file = path.join(scratch(), "it.hkt");
    await hakmem(["record", "-o", file, "--", "perl", "-e", "select undef, undef, undef, 0.7; my @list = (1 .. 100)"]);
    const { duration, program: name } = decodeRecording(readFileSync(file), file).head;
    expect(duration / 1e9).toBeGreaterThan(0.69);
    expect(duration / 1e9).toBeLessThan(30);
    expect(name).toBe("perl");
  });

  it("takes the place of no device and of no directory, and of no file of another's", async () => {
    const directory = scratch();
    for (const output of ["/dev/null", directory, ""]) {
      const { status, output: said, errors } = await hakmem(["record", "-o", output, "--", "echo", "ran"]);
      expect({ status, said }).toEqual({ status: 2, said: "" });
      expect(errors).toMatch(/^error: .*(is no file|is a directory).*\n/);
    }
    expect(statSync("/dev/null").isCharacterDevice()).toBe(true);
    const before = path.join(directory, "it.hkt.raw-1.2");
    writeFileSync(before, "of a recording that was killed");
    const file = path.join(directory, "it.hkt");
    await hakmem(["record", "-o", file, "--", "true"]);
    expect(readdirSync(directory).sort()).toEqual(["it.hkt", "it.hkt.raw-1.2"]);
    const tuned = await hakmem(["replay", "--json", file, file]);
    expect(tuned.status).toBe(2);
    expect(tuned.errors).toContain(`--json would write over the recording ${file}`);
    expect(decodeRecording(readFileSync(file), file).head.program).toBe("true");
  });

  it("leaves what a process records that goes on after the program", async () => {
    const directory = scratch();
    const script = "perl -e 'sleep 60' >/dev/null 2>&1 & echo $!; sleep 1";
    const { output, errors } = await hakmem(["record", "-o", path.join(directory, "it.hkt"), "--", "sh", "-c", script]);
    process.kill(Number(output));
    expect(errors).toMatch(new RegExp(`process ${output.trim()} still runs; .*it\\.hkt\\.raw-\\d+\\.${output.trim()}`));
    const raw = readdirSync(directory).find((name) => name.includes(".raw-")) ?? "";
    const info = await hakmem(["replay", "--info", path.join(directory, raw)]);
    expect(info).toMatchObject({ status: 0, output: expect.stringMatching(/program +perl\n/) as string });
  });

  it("leaves a raw recording that can be read by itself", async () => {
    const directory = scratch();
    const { buildNative } = await import("../../packages/tools/src/build/native.js");
    const { loadProfile } = await import("../../packages/tools/src/profile/index.js");
    const preload = await buildNative({ profile: await loadProfile("default"), observe: true });
    const environment = { HAKMEM_RECORD: path.join(directory, "raw") };
    expect(await run(program, ["leak"], { preload, environment })).toMatchObject({ status: 0, errors: "" });
    const [raw = ""] = readdirSync(directory);
    const output = path.join(directory, "it.hkt");
    const head = convertRecording({ raw: path.join(directory, raw), output, program: "it", events: 1000 });
    expect(head.events).toBeLessThan(2000);
    const info = await hakmem(["replay", "--info", path.join(directory, raw)]);
    expect(info).toMatchObject({ status: 0, output: expect.stringMatching(/events +2\d{4}\n/) as string });
  });
});

describe("hakmem.c with HAKMEM_OBSERVE", () => {
  it.each([["gcc"], ["clang-19"], ["musl-gcc"]])(
    "compiles by %s without a warning, with and without a guard",
    async (compiler) => {
      const directory = scratch();
      await hakmem(["build-c", "--out", directory, "--quiet"]);
      for (const profile of [[], ["-DHAKMEM_GUARD"]]) {
        const flags = ["-std=gnu11", "-O1", "-Wall", "-Wextra", "-Werror", "-pthread", "-DHAKMEM_OBSERVE", ...profile];
        await runTool(compiler, [...flags, "-c", path.join(directory, "hakmem.c"), "-o", path.join(directory, "it.o")]);
      }
    },
  );
});

describe("hakmem replay", () => {
  it("replays a recording under other allocators, and says what it is", { timeout: 300_000 }, async () => {
    const file = path.join(scratch(), "it.hkt");
    await hakmem(["record", "-o", file, "--", program, "exchange", "leak"]);
    const info = await hakmem(["replay", "--info", file]);
    expect(info.output).toMatch(/program +observed\n/);
    const args = ["--rounds", "1", "--events", "5000", "--json", "--quiet"];
    const { status, output, errors } = await hakmem(["replay", ...args, "-p", "hakmem,glibc,null", file]);
    expect({ status, errors }).toEqual({ status: 0, errors: "" });
    const { targets } = JSON.parse(output) as {
      targets: {
        results: { peer: string; target: string; failure: null; nsPerOp: number; peakBytes: number | null }[];
      }[];
    };
    const results = targets.flatMap((each) => each.results);
    const of = (target: string): string[] => results.filter((each) => each.target === target).map(({ peer }) => peer);
    expect(of("native").sort()).toEqual(["glibc", "hakmem", "null"]);
    expect(of("wasm32")).toContain("hakmem");
    for (const { failure, nsPerOp } of results)
      expect({ failure, is: nsPerOp > 0 }).toEqual({ failure: null, is: true });
  });

  it("says what is wrong with a file that is no recording", async () => {
    for (const [file, said] of [
      ["/no/such.hkt", /there is no file/],
      [CLI, /is not a recording: it begins with/],
    ] as const) {
      const { status, errors } = await hakmem(["replay", file]);
      expect(status).not.toBe(0);
      expect(errors).toMatch(said);
    }
  });
});
