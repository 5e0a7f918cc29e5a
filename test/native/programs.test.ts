/** Real programs under the native library: each must do what it does without. */

import { spawn, type ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import * as path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import type { NativeLibrary } from "../../packages/tools/src/build/native.js";
import { preloading } from "../../packages/tools/src/run/allocators.js";
import { compile, expectSame, FOR_PROGRAMS, FULL, installed, library, run, scratch } from "./support/program.js";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const LONG = FULL ? 900_000 : 180_000;

describe("under the native library", { timeout: LONG }, () => {
  it.skipIf(!installed("perl"))("perl builds, sorts and splices what it does without", async () => {
    const script = `
      my (%h, @a); my $x = 12345;
      for my $i (1 .. ${FULL ? 2_000_000 : 200_000}) {
        $x = ($x * 1103515245 + 12345) % 2147483648;
        $h{"key" . ($x % 50000)} .= chr(97 + $x % 26);
        push @a, "line $x" x (1 + $x % 5); splice(@a, 100, 900) if @a > 1000;
      }
      my $s = 0; $s += length $h{$_} for sort keys %h;
      print scalar(keys %h), " $s ", scalar(@a), " ", join(",", map { length } sort @a), "\\n";`;
    expect(await expectSame("perl", ["-e", script])).toContain(",");
  });

  it.skipIf(!installed("bash"))("bash forks by the thousand", async () => {
    const script = `sum=0; for i in $(seq ${FULL ? 10_000 : 1500}); do n=$(echo $((i * 7 % 13))); sum=$((sum + n)); done; echo $sum`;
    expect(await expectSame("bash", ["-c", script])).toMatch(/^\d+\n$/);
  });

  it.skipIf(!installed("sqlite3"))("sqlite3 fills, indexes and asks a database", async () => {
    const sql = `
      create table t(id integer primary key, k text, v real);
      with recursive n(i) as (select 1 union all select i + 1 from n where i < ${FULL ? 1_000_000 : 100_000})
        insert into t select i, printf('key-%06d-%s', i * 7919 % 100003, hex(i * i)), i / 7.0 from n;
      create index by_k on t(k);
      update t set v = v + 1 where k like 'key-00%';
      delete from t where id % 3 = 0;
      select count(*), round(sum(v), 3), min(k), max(k) from t;
      select substr(k, 5, 2) p, count(*), group_concat(length(k)) from t group by p order by p limit 5;
      vacuum;
      pragma integrity_check;`;
    expect(await expectSame("sqlite3", [":memory:"], { input: sql })).toMatch(/ok\n$/);
  });

  it.skipIf(!installed("git"))("git imports, repacks, verifies and shows thousands of commits", async () => {
    const directory = scratch();
    const commits = FULL ? 10_000 : 2000;
    const stream = Array.from({ length: commits }, (_, i) => importedCommit(i)).join("");
    const preload = await library();
    const git = (...args: string[]) => run("git", ["-C", directory, ...args], { preload });
    expect(await run("git", ["-C", directory, "init", "--quiet", "--initial-branch=main"])).toMatchObject({
      status: 0,
    });
    expect(await run("git", ["-C", directory, "fast-import", "--quiet"], { preload, input: stream })).toMatchObject({
      status: 0,
    });
    expect(await git("repack", "-adfq", "--threads=2")).toMatchObject({ status: 0 });
    expect(await git("fsck", "--full", "--strict", "--no-progress")).toMatchObject({ status: 0, errors: "" });
    const log = await expectSame("git", ["-C", directory, "log", "--stat", "--format=%H %s"]);
    expect(log.match(/^[0-9a-f]{40} /gm)).toHaveLength(commits);
    await expectSame("git", ["-C", directory, "blame", "--porcelain", "main", "--", "file-1"]);
  });

  it.skipIf(!installed("/usr/bin/python3"))("python3 passes a part of its own tests", async () => {
    const modules = [
      "test_dict",
      "test_list",
      "test_set",
      "test_re",
      "test_json",
      "test_deque",
      "test_bytes",
      "test_thread",
    ];
    const extra = FULL
      ? ["test_threading", "test_unicode", "test_decimal", "test_pickle", "test_concurrent_futures"]
      : [];
    const { status, output } = await run("/usr/bin/python3", ["-m", "test", "-q", ...modules, ...extra], {
      preload: await library(),
      directory: scratch(),
    });
    expect(output).toContain("Tests result: SUCCESS");
    expect(status).toBe(0);
  });

  it.skipIf(!installed("/usr/bin/python3"))(
    "python3 computes with threads and its pools of small objects switched off",
    async () => {
      const script = `
import threading, json, hashlib
def work(seed, out):
    d = {}
    x = seed
    for i in range(${FULL ? 200_000 : 30_000}):
        x = (x * 1103515245 + 12345) % 2147483648
        d[x % 5000] = [str(x)] * (x % 7) + [d.get((x + 1) % 5000)] if i % 50 == 0 else str(x) * (x % 9)
    out[seed] = hashlib.sha256(json.dumps(d, sort_keys=True, default=str).encode()).hexdigest()
out = {}
threads = [threading.Thread(target=work, args=(s, out)) for s in range(4)]
[t.start() for t in threads]; [t.join() for t in threads]
print(sorted(out.items()))`;
      const environment = { PYTHONMALLOC: "malloc", PYTHONHASHSEED: "0" };
      expect(await expectSame("/usr/bin/python3", ["-c", script], { environment })).toContain("(3, ");
    },
  );

  it.skipIf(!installed("g++"))("g++ compiles, two at a time, to the same object", async () => {
    const directory = scratch();
    const source = path.join(directory, "large.cpp");
    await writeFile(source, largeSource(FULL ? 400 : 16));
    const object = async (name: string, preloaded: boolean) => {
      const target = path.join(directory, name);
      const result = await run("g++", ["-std=c++17", "-O1", "-c", source, "-o", target], {
        preload: preloaded ? await library() : undefined,
      });
      expect(result, result.errors).toMatchObject({ status: 0 });
      return createHash("sha256")
        .update(await readFile(target))
        .digest("hex");
    };
    const expected = await object("plain.o", false);
    expect(await Promise.all([object("a.o", true), object("b.o", true)])).toEqual([expected, expected]);
  });

  it("node runs tests of this project with the same result", async () => {
    const vitest = path.join(ROOT, "node_modules", "vitest", "vitest.mjs");
    const suites = FULL ? ["test/profile", "test/library", "test/build"] : ["test/profile/profile.test.ts"];
    const session = async (preload: NativeLibrary | undefined) => {
      const result = await run(process.execPath, [vitest, "run", "--reporter=json", ...suites], {
        preload,
        directory: ROOT,
      });
      const { numPassedTests, numFailedTests } = JSON.parse(result.output) as VitestReport;
      return { numPassedTests, numFailedTests, status: result.status };
    };
    const expected = await session(undefined);
    expect(expected.numPassedTests).toBeGreaterThan(0);
    expect(await session(await library())).toEqual(expected);
  });

  it.skipIf(!installed("stress-ng"))("stress-ng finds no fault in malloc", async () => {
    const args = ["--malloc", "2", "--malloc-bytes", "64m", "--timeout", FULL ? "60" : "2", "--verify"];
    const result = await run("stress-ng", args, { preload: await library(), directory: scratch() });
    expect(result.status, result.output + result.errors).toBe(0);
  });

  it.skipIf(!installed("redis-server", "redis-benchmark", "redis-cli"))(
    "redis-server serves its benchmark and keeps its data",
    async () => {
      const load = `for i = 1, 20000 do redis.call('set', 'k' .. i, string.rep(tostring(i), i % 100)); redis.call('lpush', 'l' .. i % 100, i);
      redis.call('hset', 'h' .. i % 50, i, i * 2); if i % 3 == 0 then redis.call('del', 'k' .. i - 1) end end
      local s = '' for i = 1, 20000, 17 do s = redis.sha1hex(s .. (redis.call('get', 'k' .. i) or '-')) end
      return {s, redis.call('dbsize'), redis.call('llen', 'l7'), redis.call('hlen', 'h9')}`;
      const session = async (profile?: string) => {
        const socket = path.join(scratch(), "redis.sock");
        const server = spawn(
          "redis-server",
          ["--port", "0", "--unixsocket", socket, "--save", "", "--appendonly", "no", "--dir", path.dirname(socket)],
          { env: profile ? preloading((await library(profile)).shared) : process.env, stdio: "ignore" },
        );
        try {
          await appears(socket, server);
          const answer = await run("redis-cli", ["-s", socket, "eval", load, "0"]);
          expect(answer).toMatchObject({ status: 0 });
          if (!profile) return answer.output;
          const requests = FULL ? "1000000" : "20000";
          const benchmark = [
            "-s",
            socket,
            "-t",
            "set,get,lpush,lrange_100",
            "-n",
            requests,
            "-r",
            "10000",
            "-d",
            "200",
            "-q",
          ];
          expect(await run("redis-benchmark", benchmark)).toMatchObject({ status: 0 });
          expect(await run("redis-cli", ["-s", socket, "ping"])).toMatchObject({ output: "PONG\n" });
          return answer.output;
        } finally {
          await ended(server);
        }
      };
      const expected = await session();
      for (const profile of FOR_PROGRAMS) expect(await session(profile), profile).toBe(expected);
    },
  );

  it("a program of threads with blocks of every size finds all of them intact", async () => {
    const program = await compile("fork.c");
    expect(await run(program, ["5"], { preload: await library() })).toMatchObject({ status: 0 });
  });
});

interface VitestReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
}

function importedCommit(i: number): string {
  const content = Array.from(
    { length: 20 + (i % 30) },
    (_, line) => `line ${line} of ${(i * 31 + line * 7) % 1000}\n`,
  ).join("");
  const message = `Change ${i}`;
  return (
    `commit refs/heads/main\ncommitter A <a@b> ${1_600_000_000 + i} +0000\ndata ${message.length}\n${message}\n` +
    `M 100644 inline file-${i % 50}\ndata ${content.length}\n${content}\n`
  );
}

function largeSource(functions: number): string {
  const includes = [
    "algorithm",
    "functional",
    "iostream",
    "map",
    "memory",
    "regex",
    "string",
    "unordered_map",
    "vector",
  ];
  const body = (i: number) => `
    template <int N> struct S${i} { std::map<int, std::vector<std::string>> m; int f(int x) { return x ? S${i}<N - 1>().f(x - 1) + N : N; } };
    template <> struct S${i}<0> { int f(int) { return 0; } };
    int g${i}(int x) { std::map<std::string, int> m; for (int i = 0; i < x; i++) m[std::to_string(i * ${i})]++;
      return S${i}<20>().f(x) + (int)std::count_if(m.begin(), m.end(), [](auto &p) { return p.second > ${i}; }); }`;
  return (
    includes.map((name) => `#include <${name}>\n`).join("") +
    Array.from({ length: functions }, (_, i) => body(i)).join("\n")
  );
}

async function appears(socket: string, server: ChildProcess): Promise<void> {
  for (let tries = 0; !existsSync(socket); tries++) {
    if (server.exitCode !== null || tries > 200)
      throw new Error(`redis-server did not open ${socket}; it ended with ${server.exitCode}`);
    await delay(50);
  }
}

function ended(server: ChildProcess): Promise<unknown> {
  return new Promise((resolve) => {
    if (server.exitCode !== null || server.signalCode !== null) return resolve(undefined);
    server.on("exit", resolve);
    server.kill();
  });
}
