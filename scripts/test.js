/**
 * `npm test`: every check and every test, then one line that counts them. With arguments (`npm test -- layers wasm`), only the
 * tests of files whose path contains one of them.
 */

import { spawnSync } from "node:child_process";
import { startVitest } from "vitest/node";

/** Each is an npm script named `check:…`. */
const CHECKS = ["types", "assembly", "layers", "lint", "format"];

const filters = process.argv.slice(2);
let passed = 0;
let failed = 0;

for (const check of filters.length > 0 ? [] : CHECKS) {
  const { status } = spawnSync("npm", ["run", "--silent", `check:${check}`], {
    stdio: ["ignore", "inherit", "inherit"],
  });
  console.log(`check:${check} ${status === 0 ? "passed" : "FAILED"}`);
  if (status === 0) passed++;
  else failed++;
}

const vitest = await startVitest("test", filters, { run: true, watch: false });
const modules = vitest.state.getTestModules();
for (const module of modules) {
  for (const test of module.children.allTests()) {
    const { state } = test.result();
    if (state === "passed") passed++;
    // A test that never finished did not pass.
    else if (state !== "skipped") failed++;
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

console.log(`\n${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
