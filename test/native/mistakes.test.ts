/** What guard builds find in small wrong programs, and that they have nothing to say about right ones, however unusual. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import pMap from "p-map";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hakmemColumn, type Column } from "../../packages/tools/src/proof/mistakes/columns.js";
import { FAMILIES, rightCases, type Case, type Family } from "../../packages/tools/src/proof/mistakes/families.js";
import {
  compilePrograms,
  faultOf,
  isFound,
  isQuiet,
  runCase,
  type Outcome,
} from "../../packages/tools/src/proof/mistakes/run.js";
import { compile, FULL, installed, library, run, scratch } from "./support/program.js";

const LONG = 120_000;
const DONE = { status: 0, output: "done\n", errors: "" };
const directory = mkdtempSync(path.join(tmpdir(), "hakmem-test-"));
let programs: Map<string, string>;
let guard: Column;

beforeAll(async () => {
  programs = await compilePrograms(FAMILIES, directory);
  guard = await hakmemColumn("guard");
}, LONG);

afterAll(() => {
  rmSync(directory, { recursive: true, force: true });
});

/** Runs cases of a family under the guard profile, two at a time; what `judge` objects to. */
async function objections(
  { program }: Family,
  cases: readonly Case[],
  mode: "wrong" | "right",
  judge: (of: Case, outcome: Outcome) => string | undefined,
): Promise<string[]> {
  const found: string[] = [];
  const look = async (of: Case): Promise<void> => {
    const objection = judge(of, await runCase(programs.get(program) ?? "", of, guard, mode));
    if (objection !== undefined) found.push(`${program} ${mode} ${of.how} ${of.size} ${of.amount}: ${objection}`);
  };
  await pMap(cases, look, { concurrency: 2 });
  return found;
}

const titled = (families: readonly Family[]) => families.map((family) => ({ title: family.name, family }));

describe("the guard profile", { timeout: LONG }, () => {
  it.each(titled(FAMILIES.filter(({ reach }) => reach !== "none")))(
    "finds every case of: $title",
    async ({ family }) => {
      const judge = (of: Case, outcome: Outcome) => faultOf(family, of, outcome);
      expect(await objections(family, family.cases, "wrong", judge)).toEqual([]);
    },
  );

  it.each(titled(FAMILIES))("is quiet about programs without: $title", async ({ family }) => {
    const judge = (_: Case, outcome: Outcome) => (isQuiet(outcome) ? undefined : `${outcome.fate} ${outcome.said}`);
    expect(await objections(family, rightCases(family), "right", judge)).toEqual([]);
  });

  it.each(titled(FAMILIES.filter(({ reach }) => reach === "none")))(
    "does not see, as docs/guard.md says: $title",
    async ({ family }) => {
      const judge = (_: Case, outcome: Outcome) => (isFound(family, outcome) ? outcome.said : undefined);
      expect(await objections(family, family.cases, "wrong", judge)).toEqual([]);
    },
  );

  it("tells where the program stands", async () => {
    const program = programs.get("double-free.c") ?? "";
    const { errors } = await run(program, ["wrong", "at-once", "100", "0"], { environment: guard.environment });
    const [, first, ...frames] = errors.split("\n");
    expect(first).toMatch(/^hakmem: double free of 0x[0-9a-f]+: the block of 100 bytes was freed before$/);
    expect(frames.join("\n")).toContain("/double-free(");
  });
});

describe("the default profile", () => {
  const fateOf = async (file: string, how: string, size: number): Promise<string> => {
    const column = await hakmemColumn("default");
    const quiet = { ...column, environment: { LD_PRELOAD: column.environment["LD_PRELOAD"] ?? "" } };
    const of: Case = { how, size, amount: 16, sizeClass: "large" };
    return (await runCase(programs.get(file) ?? "", of, quiet, "wrong")).fate;
  };

  it.each([200_000, 3_000_000])("refuses a second free of a block of %i bytes", async (size) => {
    expect(await fateOf("double-free.c", "at-once", size)).toBe("unharmed");
    expect(await fateOf("double-free.c", "many-between", size)).toBe("unharmed");
  });

  it.each([200_000, 3_000_000])("refuses pointers into a block of %i bytes", async (size) => {
    expect(await fateOf("bad-free.c", "free/interior", size)).toBe("unharmed");
    expect(await fateOf("bad-free.c", "realloc/interior", size)).toBe("refused");
  });

  it.each(["stack", "static", "text", "mapped", "number"])("leaves a pointer to %s alone", async (kind) => {
    expect(await fateOf("bad-free.c", `free/${kind}`, 24)).toBe("unharmed");
    expect(await fateOf("bad-free.c", `realloc/${kind}`, 24)).toBe("refused");
  });
});

describe("a right program under the guard profile", { timeout: LONG }, () => {
  it.each([
    { what: "may use memory in unusual ways, in C", file: "unusual.c" },
    { what: "may use memory in unusual ways, in C++", file: "unusual.cpp" },
    { what: "may replace only some of new and delete", file: "replaced.cpp", flags: ["-Wno-sized-deallocation"] },
    { what: "may end, and fork, while its threads are in malloc and free", file: "ends.c", args: ["40"] },
    { what: "may fork while its threads allocate", file: "fork.c", args: ["5"] },
    { what: "may allocate and free while it ends", file: "exits.c" },
    { what: "may leave malloc by siglongjmp", file: "jumps.c", args: ["1000"] },
    { what: "may use every form of operator new and delete", file: "operators.cpp" },
    { what: "finds the C family as the standards describe it", file: "interface.c" },
  ])("$what, as under the default profile ($file)", async ({ file, flags = [], args = [] }) => {
    const program = await compile(file, flags);
    for (const profile of ["default", "guard"]) {
      expect(await run(program, args, { preload: await library(profile) }), profile).toEqual(DONE);
    }
  });

  const python = `
import json, threading
def work(seed, out):
    d, x = {}, seed
    for i in range(8000):
        x = (x * 1103515245 + 12345) % 2147483648
        d[x % 500] = [str(x)] * (x % 7) if i % 50 == 0 else str(x) * (x % 9)
    out[seed] = hash(json.dumps(d, sort_keys=True))
out = {}
threads = [threading.Thread(target=work, args=(s, out)) for s in range(4)]
[t.start() for t in threads]; [t.join() for t in threads]
print(sorted(out.items()))`;
  const sql = `create table t(id integer primary key, k text);
    with recursive n(i) as (select 1 union all select i + 1 from n where i < 20000)
      insert into t select i, printf('key-%06d', i * 7919 % 10007) from n;
    create index by_k on t(k); delete from t where id % 3 = 0; select count(*), max(k) from t; pragma integrity_check;`;
  const perl =
    'my %h; $h{$_ * 7919 % 1009} .= "x" x ($_ % 50) for 1 .. 20000; print join(",", map { length $h{$_} } sort keys %h), "\\n"';
  it.each([
    { command: "/usr/bin/python3", args: ["-c", python], input: "" },
    { command: "sqlite3", args: [":memory:"], input: sql },
    { command: "perl", args: ["-e", perl], input: "" },
    { command: "git", args: ["--no-pager", "help", "-a"], input: "" },
    {
      command: "g++",
      args: ["-std=c++17", "-O1", "-S", "-x", "c++", "-", "-o", "-"],
      input: "#include <map>\nstd::map<int, int> m;",
    },
    { command: "redis-server", args: ["--version"], input: "" },
  ])("$command does what it does without", async ({ command, args, input }) => {
    if (!installed(command)) return;
    const environment = { PYTHONMALLOC: "malloc", PYTHONHASHSEED: "0" };
    const options = { environment, input, directory: scratch() };
    const expected = await run(command, args, options);
    expect(expected.status, expected.errors).toBe(0);
    expect(await run(command, args, { ...options, preload: await library("guard") })).toEqual(expected);
  });
});

describe("the guard profile with two threads", () => {
  it("reports every second free of a block, also at the same time as the first", async () => {
    const program = await compile("both.c");
    const result = await run(program, ["1000000", FULL ? "1000" : "150"], { preload: await library("guard") });
    expect(result).toMatchObject({ status: 0, output: "0\n" });
  });
});
