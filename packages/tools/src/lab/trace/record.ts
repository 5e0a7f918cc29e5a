/**
 * Makes a trace of a native program. Not a part of measuring: traces are in the repository.
 *
 *   node packages/tools/dist/lab/trace/record.js bench/traces/index.trace 70000 sqlite3 :memory: "…"
 *
 * Needs Linux and a C compiler. docs/benchmarks.md has the commands that made the shipped traces.
 */

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { ROOT } from "../../base/paths.js";
import { encodeTrace } from "./format.js";
import { sampleRecording } from "./sample.js";

const [output, wanted, program, ...args] = process.argv.slice(2);
const wantedEvents = Number(wanted);
if (output === undefined || program === undefined || !Number.isInteger(wantedEvents) || wantedEvents < 1) {
  console.error("usage: node packages/tools/dist/lab/trace/record.js OUTPUT EVENTS PROGRAM [ARGUMENT...]");
  process.exit(2);
}

const directory = mkdtempSync(path.join(tmpdir(), "hakmem-record-"));
try {
  const library = path.join(directory, "record.so");
  const recording = path.join(directory, "events");
  const source = path.join(ROOT, "bench", "traces", "recorder", "record.c");
  run("cc", ["-O2", "-fno-builtin", "-shared", "-fPIC", source, "-o", library, "-ldl", "-lpthread"]);
  run(program, args, { LD_PRELOAD: library, HAKMEM_RECORD: recording });
  const trace = sampleRecording(readFileSync(recording), wantedEvents);
  const file = encodeTrace(trace);
  writeFileSync(output, file);
  console.log(`${output}: ${trace.events.length / 2} events, ${trace.slots} slots, ${file.length} bytes`);
} finally {
  rmSync(directory, { recursive: true, force: true });
}

function run(command: string, commandArgs: readonly string[], environment: NodeJS.ProcessEnv = {}): void {
  const { status, error } = spawnSync(command, commandArgs, {
    env: { ...process.env, ...environment },
    stdio: ["ignore", "ignore", "inherit"],
  });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${command} ended with exit code ${status}`);
}
