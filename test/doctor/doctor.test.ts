/** The checks of `hakmem doctor`, each against a fault that was planted. */

import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer, type OutgoingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { describe, expect, it, onTestFinished } from "vitest";
import { formatCheck, type Check } from "../../packages/tools/src/doctor/check.js";
import { checkEnvironment } from "../../packages/tools/src/doctor/environment.js";
import { checkProject } from "../../packages/tools/src/doctor/project.js";
import { smokeModules } from "../../packages/tools/src/doctor/smoke.js";
import { checkSystem } from "../../packages/tools/src/doctor/system.js";
import { checkNode } from "../../packages/tools/src/doctor/toolchain.js";
import { checkPage } from "../../packages/tools/src/doctor/web.js";

const CLI = fileURLToPath(new URL("../../packages/tools/dist/cli/main.js", import.meta.url));
const MIB = 2 ** 20;

function scratch(): string {
  const directory = mkdtempSync(path.join(tmpdir(), "hakmem-test-"));
  onTestFinished(() => {
    rmSync(directory, { recursive: true });
  });
  return directory;
}

/** Writes `files` below a new directory. */
function tree(files: Readonly<Record<string, string>>): string {
  const root = scratch();
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
    writeFileSync(path.join(root, name), text);
  }
  return root;
}

const lines = (checks: readonly Check[]): string[] => checks.map(formatCheck);

describe("settings in the environment", () => {
  it.each([
    ["HAKMEM_LIMT", "1g", /^✗ HAKMEM_LIMT: there is no such setting; it is ignored\. Is HAKMEM_LIMIT meant\?$/],
    ["HAKMEM_WHATEVER_ELSE", "1", /^✗ .* Remove it$/],
    ["HAKMEM_LIMIT", "lots", /^✗ HAKMEM_LIMIT: "lots" is not a whole number, with k, m, g or t/],
    ["HAKMEM_PURGE_THREAD", "2", /^✗ .*"2" is not 0 or 1/],
    ["HAKMEM_STATS", "xml", /^✗ .*"xml" is not 0, 1, json or prometheus/],
    ["HAKMEM_STATS_FILE", "/tmp/stats.txt", /^✗ .* is not an absolute path that ends in \.json or \.prom/],
    ["HAKMEM_STATS_SIGNAL", "99", /^✗ .*"99" is not a signal's number/],
    ["HAKMEM_CACHE", "cache", /^✗ .*"cache" is not an absolute path/],
    ["HAKMEM_SAMPLE_BYTES", "0", /^✗ .*"0" is not a whole number from 1/],
    ["HAKMEM_PROFILE", "nice", /^! .* none of the shipped profiles/],
    ["HAKMEM_RETAIN_BYTES", "64m", /^✓ HAKMEM_RETAIN_BYTES: 64m$/],
    ["HAKMEM_STATS", "json", /^✓ /],
  ])("%s=%s", async (name, value, said) => {
    const [line = "", ...others] = lines(await checkEnvironment({ [name]: value, PATH: "/bin" }));
    expect(line).toMatch(said);
    expect(others).toEqual([]);
  });

  it("are those that the documentation has", async () => {
    const names = ["native", "observing"].flatMap((name) => {
      const text = readFileSync(new URL(`../../docs/${name}.md`, import.meta.url), "utf8");
      const rows = text.split("\n").filter((line) => line.startsWith("| `HAKMEM_"));
      return rows.flatMap((row) => [...(row.split("|")[1] ?? "").matchAll(/HAKMEM_\w+/g)].map(([found]) => found));
    });
    expect(new Set(names).size).toBeGreaterThanOrEqual(15);
    for (const name of names)
      expect(lines(await checkEnvironment({ [name]: "x" })).join(), name).not.toMatch(/there is no such setting/);
  });

  it("that load what is not there, or two allocators", async () => {
    const directory = tree({ "libhakmem.so": "", "libjemalloc.so.2": "" });
    const [ours, other] = ["libhakmem.so", "libjemalloc.so.2"].map((name) => path.join(directory, name));
    const preload = async (value: string): Promise<string[]> => lines(await checkEnvironment({ LD_PRELOAD: value }));
    expect((await preload("/no/libhakmem.so"))[0]).toMatch(/^✗ LD_PRELOAD: there is no file \/no\/libhakmem\.so/);
    expect((await preload(`${ours}:${other}`))[0]).toMatch(/^✗ LD_PRELOAD: .* is loaded beside hakmem/);
    expect((await preload(`${other}`))[0]).toMatch(/^! LD_PRELOAD/);
    expect((await preload(`${ours}`))[0]).toMatch(/^✓ LD_PRELOAD/);
    expect(await preload("")).toEqual([]);
  });
});

describe("the system", () => {
  const checks = async (files: Readonly<Record<string, string>>): Promise<string> =>
    lines(await checkSystem({ root: tree(files), retainedBytes: 512 * MIB })).join("\n");
  const limits = (bytes: string): string =>
    `Limit   Soft Limit   Hard Limit   Units\nMax address space   ${bytes}   unlimited   bytes\n`;

  it.each([
    ["proc/sys/vm/overcommit_memory", "2\n", /^! vm\.overcommit_memory: 2: the library's tables/],
    ["proc/sys/vm/overcommit_memory", "0\n", /^✓ vm\.overcommit_memory: 0$/],
    ["proc/self/limits", limits("unlimited"), /^✓ address space: unlimited$/],
    ["proc/self/limits", limits(String(8 * 1024 * MIB)), /^! address space: limited to 8\.0 GiB/],
    ["proc/self/limits", limits(String(1024 * MIB)), /^✗ address space: limited to 1\.0 GiB .* malloc will fail/],
    ["sys/kernel/mm/transparent_hugepage/enabled", "[always] madvise never\n", /^! transparent huge pages: always/],
    ["sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n", /^✓ transparent huge pages: madvise$/],
    ["sys/fs/cgroup/memory.max", `${256 * MIB}\n`, /^! container's memory: 256 MiB, .*HAKMEM_RETAIN_BYTES=64m/],
    ["sys/fs/cgroup/memory.max", "max\n", /^✓ container's memory: no limit$/],
    ["sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n", /^✓ container's memory: no limit$/],
    ["sys/fs/cgroup/memory.max", `${4096 * MIB}\n`, /^✓ container's memory: 4096 MiB$/],
  ])("%s: %j", async (file, text, said) => {
    expect(await checks({ [file]: text })).toMatch(said);
  });

  it("is not asked for what it does not have", async () => {
    expect(await checks({ other: "" })).toBe("");
  });
});

describe("a project's settings", () => {
  it("must isolate its pages", async () => {
    const both = "Cross-Origin-Opener-Policy: same-origin\nCross-Origin-Embedder-Policy: require-corp\n";
    const root = tree({
      "vite.config.ts": "export default { server: { headers: { 'Cross-Origin-Opener-Policy': 'same-origin' } } }",
      "public/_headers": `/*\n  ${both}`,
      "webpack.config.js": "module.exports = {};",
    });
    const [vite, webpack, headers] = lines(await checkProject(root));
    expect(vite).toMatch(/^! vite\.config\.ts: does not set Cross-Origin-Embedder-Policy, .*server\.headers/);
    expect(webpack).toMatch(/^! webpack\.config\.js: does not set Cross-Origin-Opener-Policy and Cross-Origin-Emb/);
    expect(headers).toMatch(/^✓ public\/_headers/);
    const wrong = tree({
      _headers: "/*\n  Cross-Origin-Opener-Policy: unsafe-none\n  Cross-Origin-Embedder-Policy: require-corp",
      "vite.config.js": `// ${both}`,
    });
    const refused = lines(await checkProject(wrong));
    expect(refused.every((line) => line.startsWith("!"))).toBe(true);
    expect(refused).toHaveLength(2);
    await expect(checkProject(path.join(wrong, "none"))).rejects.toThrow("there is no such directory");
    expect(await checkProject(scratch())).toEqual([]);
  });
});

describe("a page's server", () => {
  const ISOLATED = { "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp" };

  interface Served {
    readonly headers: OutgoingHttpHeaders;
    readonly body: string;
  }

  async function serve(files: Readonly<Record<string, Served>>): Promise<string> {
    const server = createServer(({ url = "" }, response) => {
      const file = files[url];
      if (file === undefined) return response.writeHead(404).end();
      return response.writeHead(200, file.headers).end(file.body);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => {
      server.close();
      server.closeAllConnections();
    });
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  }

  const html = (body: string, headers: OutgoingHttpHeaders): Served => ({
    headers: { "Content-Type": "text/html", ...headers },
    body,
  });

  it("must send the headers of isolation", async () => {
    const right = await serve({ "/": html("<p>", ISOLATED) });
    expect(lines(await checkPage(right))).toEqual([
      "✓ Cross-Origin-Opener-Policy: same-origin",
      "✓ Cross-Origin-Embedder-Policy: require-corp",
    ]);
    const wrong = await serve({ "/": html("<p>", { "Cross-Origin-Opener-Policy": "unsafe-none" }) });
    const [opener, embedder] = lines(await checkPage(wrong));
    expect(opener).toMatch(
      /^✗ Cross-Origin-Opener-Policy: "unsafe-none": heaps with shared: true will not work\. Serve/,
    );
    expect(embedder).toMatch(/^✗ Cross-Origin-Embedder-Policy: missing/);
  });

  it("must serve modules that pages and their scripts name as what they are", async () => {
    const page = '<script type="module" src="/main.js"></script><link rel="preload" href="b.wasm">';
    const url = await serve({
      "/": html(page, ISOLATED),
      "/main.js": { headers: { "Content-Type": "text/javascript" }, body: 'fetch("./deep/a.wasm")' },
      "/deep/a.wasm": { headers: { "Content-Type": "application/octet-stream" }, body: "" },
      "/b.wasm": { headers: { "Content-Type": "application/wasm" }, body: "" },
    });
    const found = lines(await checkPage(url)).slice(2);
    expect(found).toContain("✓ /b.wasm: application/wasm");
    expect(found.join("\n")).not.toContain("✗ /b.wasm");
    expect(lines(await checkPage(`${url}deep/a.wasm`))).toEqual([
      expect.stringMatching(
        /^✗ \/deep\/a\.wasm: content type "application\/octet-stream": .*compileStreaming/,
      ) as unknown,
    ]);
  });

  it("must let pages of other origins have what they need", async () => {
    const other = await serve({ "/lib.js": { headers: { "Content-Type": "text/javascript" }, body: "" } });
    const shared = await serve({
      "/lib.js": { headers: { "Cross-Origin-Resource-Policy": "cross-origin" }, body: "" },
    });
    const url = await serve({
      "/": html(`<script src="${other}lib.js"></script><script src="${shared}lib.js"></script>`, ISOLATED),
    });
    const found = lines(await checkPage(url)).slice(2);
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(/^✗ http.*lib\.js: of another origin, without Cross-Origin-Resource-Policy/);
  });

  it("may not be there", async () => {
    expect(lines(await checkPage("http://127.0.0.1:9/"))[0]).toMatch(/^✗ .*: no answer: .*\. Start the server/);
    const url = await serve({});
    expect(lines(await checkPage(url))[0]).toMatch(/^✗ .*: status 404/);
  });
});

describe("modules", () => {
  it("are run with an account of their blocks", async () => {
    const checks = await smokeModules();
    expect(checks.filter(({ state }) => state === "broken")).toEqual([]);
    expect(checks.filter(({ state }) => state === "ok").length).toBeGreaterThanOrEqual(8);
  });

  it("that are damaged, or missing, are told", async () => {
    const root = tree({ "a.wasm32.wasm": "no module", "a.native.so": "not one of these", "manifest.json": "{}" });
    const found = lines(await smokeModules(root));
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(/^✗ a\.wasm32\.wasm: .*Install hakmem again$/);
    expect(lines(await smokeModules(scratch()))[0]).toMatch(/^✗ modules: there are none in/);
  });
});

describe("Node", () => {
  it("must be new enough", () => {
    expect(formatCheck(checkNode("18.20.1"))).toMatch(/^✗ Node: 18\.20\.1\. Install Node 20/);
    expect(formatCheck(checkNode("24.1.0"))).toBe("✓ Node: 24.1.0");
  });
});

describe("hakmem doctor", () => {
  /** With nothing of the system's but what is put there. */
  async function doctor(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    const empty = scratch();
    const { exitCode, stdout, stderr } = await execa(process.execPath, [CLI, "doctor", "--no-smoke", ...args], {
      env: { PATH: empty, HOME: empty, ...env },
      extendEnv: false,
      cwd: empty,
      reject: false,
    });
    return { status: exitCode, stdout, stderr };
  }

  it("says what is missing and for what, which breaks nothing", async () => {
    const { status, stdout } = await doctor([]);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^! C compiler: not found\. Install gcc .* needed for hakmem run, record/m);
    expect(stdout).toMatch(/^! git: not found\..* hakmem ab/m);
    expect(stdout).toMatch(/\d+ ✓ {2}\d+ ! {2}0 ✗$/);
  });

  it("ends with 1 for a program that does not work, and for a setting that has no effect", async () => {
    const tools = tree({ git: "#!/bin/sh\necho it is broken >&2\nexit 3\n" });
    chmodSync(path.join(tools, "git"), 0o755);
    symlinkSync("/bin/sh", path.join(tools, "sh"));
    const failing = await doctor([], { PATH: tools });
    expect(failing.status).toBe(1);
    expect(failing.stdout).toMatch(/^✗ git: git is there, but fails: it is broken/m);
    const misspelt = await doctor(["--json"], { HAKMEM_LIMITS: "1g" });
    expect(misspelt.status).toBe(1);
    const report = JSON.parse(misspelt.stdout) as { broken: number; groups: { title: string; checks: Check[] }[] };
    expect(report.broken).toBe(1);
    expect(report.groups.find(({ title }) => title === "environment")?.checks[0]?.about).toBe("HAKMEM_LIMITS");
  });

  it("refuses what is no address", async () => {
    const { status, stderr } = await doctor(["--url", "localhost:5173"]);
    expect(status).toBe(2);
    expect(stderr).toMatch(/--url localhost:5173 is no address; give one as http:\/\/localhost:5173/);
  });
});
