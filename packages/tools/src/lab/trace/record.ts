/**
 * Makes a trace of a native program. Not a part of measuring: traces are in the repository.
 *
 *   node packages/tools/dist/lab/trace/record.js bench/traces/index.trace 70000 sqlite3 :memory: "…"
 *
 * Needs Linux and a C compiler. docs/benchmarks.md has the commands that made the shipped traces.
 */

import { readFile, writeFile } from "node:fs/promises";
import * as path from "node:path";
import { execa } from "execa";
import { ROOT } from "../../base/paths.js";
import { withScratch } from "../../base/scratch.js";
import { encodeTrace } from "./format.js";
import { sampleRecording } from "./sample.js";

const [output, wanted, program, ...args] = process.argv.slice(2);
const wantedEvents = Number(wanted);
if (output === undefined || program === undefined || !Number.isInteger(wantedEvents) || wantedEvents < 1) {
  console.error("usage: node packages/tools/dist/lab/trace/record.js OUTPUT EVENTS PROGRAM [ARGUMENT...]");
  process.exit(2);
}

await withScratch("record", async (directory) => {
  const library = path.join(directory, "record.so");
  const recording = path.join(directory, "events");
  const source = path.join(ROOT, "bench", "traces", "recorder", "record.c");
  await run("cc", ["-O2", "-fno-builtin", "-shared", "-fPIC", source, "-o", library, "-ldl", "-lpthread"]);
  await run(program, args, { LD_PRELOAD: library, HAKMEM_RECORD: recording });
  const trace = sampleRecording(await readFile(recording), wantedEvents);
  const file = encodeTrace(trace);
  await writeFile(output, file);
  console.log(`${output}: ${trace.events.length / 2} events, ${trace.slots} slots, ${file.length} bytes`);
});

async function run(command: string, commandArgs: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<void> {
  await execa(command, [...commandArgs], { env, stdio: ["ignore", "ignore", "inherit"] });
}
