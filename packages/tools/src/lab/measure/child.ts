/** The measuring process: takes requests one at a time from the process that planned them. */

import { readFile } from "node:fs/promises";
import { MeasurementError, messageOf, unknownName } from "../../base/errors.js";
import { workloadById } from "../workloads.js";
import { measurablePeer } from "./measurable.js";
import type { ChildMessage, ParentMessage, Sample, SampleRequest } from "./protocol.js";
import { measureScript } from "./script.js";
import { measureSingle } from "./single.js";
import { measureThreads } from "./threads.js";

const modules = new Map<string, Promise<WebAssembly.Module>>();

process.on("message", (message) => {
  const { id, request } = message as ParentMessage;
  measure(request).then(
    (sample) => send({ type: "sample", id, sample }),
    (error: unknown) => send({ type: "failure", id, message: messageOf(error) }),
  );
});
// The parent decides when to stop; its interrupt is not ours.
process.on("SIGINT", () => {});
process.on("disconnect", () => process.exit(0));
send({ type: "ready", node: process.versions.node, v8: process.versions.v8 });

async function measure(request: SampleRequest): Promise<Sample> {
  const workload = workloadById(request.workload);
  const peer = measurablePeer(request);
  if (peer.kind === "script") return measureScript(peer, workload, request);
  if (request.module === null) throw new MeasurementError(`no linked module was given for ${request.peer}`);
  const module = await compiled(request.module);
  // What the last sample left behind must not be collected during this one.
  globalThis.gc?.();
  if (workload.driver === "threads") return measureThreads(module, peer, workload, request);
  if (workload.driver === "single") return measureSingle(module, peer, workload, request);
  throw unknownName("driver", workload.driver, ["single", "threads"]);
}

function compiled(file: string): Promise<WebAssembly.Module> {
  let module = modules.get(file);
  if (module === undefined) {
    module = readFile(file).then((bytes) => WebAssembly.compile(bytes));
    modules.set(file, module);
  }
  return module;
}

function send(message: ChildMessage): void {
  process.send?.(message);
}
