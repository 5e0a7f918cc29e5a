// @ts-check
/**
 * Workers count the words of their share of some texts into one map in a shared heap.
 *
 *   node examples/word-count.js [--workers 4] [file …]       the README and the documents unless files are given
 */

import { readFileSync, readdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Worker, isMainThread, workerData } from "node:worker_threads";
import { attachHeap, createHeap } from "hakmem";
import { SharedMap } from "./shared-map.js";

if (isMainThread) await main();
else count();

async function main() {
  const { values, positionals } = parseArgs({
    options: { workers: { type: "string", default: String(Math.max(2, availableParallelism())) } },
    allowPositionals: true,
  });
  const files = positionals.length > 0 ? positionals : documents();

  const heap = await createHeap({ shared: true });
  const map = SharedMap.create(heap, 4096);
  const length = Number(values.workers);
  const workers = Array.from({ length }, (_, index) => {
    const share = files.filter((_, i) => i % length === index);
    return new Worker(new URL(import.meta.url), {
      workerData: { handle: heap.handle, table: map.table, buckets: map.buckets, files: share },
    });
  });
  await Promise.all(workers.map(finished));

  const entries = [...map.entries()].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  const total = entries.reduce((sum, [, n]) => sum + n, 0);
  console.log(`${total} words, ${entries.length} different ones, counted by ${workers.length} workers`);
  for (const [word, n] of entries.slice(0, 10)) console.log(`${String(n).padStart(7)}  ${word}`);

  map.free();
  console.log(`${heap.stats().live} bytes still allocated after the map was freed`);
  heap.close();
}

function count() {
  const { handle, table, buckets, files } = workerData;
  const heap = attachHeap(handle);
  const map = new SharedMap(heap, table, buckets);
  for (const file of files) {
    for (const [word] of readFileSync(file, "utf8")
      .toLowerCase()
      .matchAll(/\p{L}+/gu))
      map.add(word);
  }
  heap.close();
}

function documents() {
  const root = new URL("../", import.meta.url);
  const docs = new URL("docs/", root);
  return [new URL("README.md", root), ...readdirSync(docs).map((name) => new URL(name, docs))]
    .map((url) => fileURLToPath(url))
    .filter((name) => name.endsWith(".md"));
}

/** @param {Worker} worker */
function finished(worker) {
  return new Promise((resolve, reject) => {
    worker.once("error", reject);
    worker.once("exit", resolve);
  });
}
