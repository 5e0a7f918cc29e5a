/**
 * `npm test`: every check and every test, then one line that counts them; the slow ones (vitest.config.ts) only where `CI` is set. With
 * arguments (`npm test -- layers wasm`), only the tests of files whose path contains one of them, slow or not.
 */

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { startVitest } from "vitest/node";

/** Each is an npm script named `check:…`; those of a row run one after another, the rows beside each other. */
const CHECKS = [["lint"], ["types", "assembly", "layers", "docs", "format"]];

const NEWER_NODE = "24";

const filters = process.argv.slice(2);
let passed = 0;
let failed = 0;
/** @type {string[]} */
const skipped = [];

if (filters.length === 0) await Promise.all(CHECKS.map(runChecks));
const isShort = filters.length === 0 && process.env["CI"] === undefined;
if (isShort) process.env["HAKMEM_TESTS"] = "short";

const vitest = await startVitest("test", filters, { run: true, watch: false });
const modules = vitest.state.getTestModules();
for (const module of modules) {
  for (const test of module.children.allTests()) {
    const { state } = test.result();
    if (state === "passed") passed++;
    else if (state === "skipped") skipped.push(test.fullName);
    // A test that never finished did not pass.
    else failed++;
  }
  // A file that fails as a whole (it does not load, a hook throws) may have no failed test.
  failed += module.errors().length;
  for (const suite of module.children.allSuites()) failed += suite.errors().length;
}
failed += vitest.state.getUnhandledErrors().length;
if (modules.length === 0) {
  console.error(`no test file matches ${filters.join(", ") || "the configuration"}`);
  failed++;
}
await vitest.close();

if (filters.length === 0) await testInNewerNode();

if (skipped.length > 0) {
  console.log(`\n${skipped.length} skipped:\n  ${skipped.join("\n  ")}`);
  // Where everything can be installed, a test that is skipped is one that does not work.
  if (process.env["CI"] !== undefined) failed += skipped.length;
}

if (isShort) console.log("\nThe slow tests were left out; with them: CI=1 npm test");

console.log(`\n${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);

/** @param {readonly string[]} checks */
async function runChecks(checks) {
  for (const check of checks) {
    const { all, exitCode } = await execa("npm", ["run", "--silent", `check:${check}`], {
      reject: false,
      all: true,
      env: { FORCE_COLOR: process.stdout.isTTY ? "1" : "0" },
    });
    console.log(`${all}${all === "" ? "" : "\n"}check:${check} ${exitCode === 0 ? "passed" : "FAILED"}`);
    if (exitCode === 0) passed++;
    else failed++;
  }
}

/** The tests of what only a newer Node has, in one that npm has. */
async function testInNewerNode() {
  const built = new URL("../packages/tools/dist/lab/node-versions.js", import.meta.url).href;
  /** @type {typeof import("../packages/tools/src/lab/node-versions.js")} */
  const { nodeVersion } = await import(built);
  const { execPath, version } = await nodeVersion(NEWER_NODE);
  console.log(`\nin Node ${version}`);
  const directory = mkdtempSync(path.join(tmpdir(), "hakmem-test-"));
  const report = path.join(directory, "report.json");
  const vitest = fileURLToPath(new URL("../node_modules/vitest/vitest.mjs", import.meta.url));
  spawnSync(execPath, [vitest, "run", "--reporter=default", "--reporter=json", `--outputFile=${report}`], {
    stdio: ["ignore", "inherit", "inherit"],
    env: { ...process.env, HAKMEM_TESTS: "node24" },
  });
  try {
    /** @type {{ numPassedTests: number, numFailedTests: number, numPendingTests: number, success: boolean }} */
    const found = JSON.parse(readFileSync(report, "utf8"));
    passed += found.numPassedTests;
    failed += found.success ? 0 : Math.max(1, found.numFailedTests);
    for (let n = 0; n < found.numPendingTests; n++) skipped.push(`a test in Node ${version}`);
    if (found.numPassedTests === 0) failed++;
  } catch (error) {
    console.error(`no report of the tests in Node ${version}: ${String(error)}`);
    failed++;
  }
  rmSync(directory, { recursive: true, force: true });
}
