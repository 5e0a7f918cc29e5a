/** A few thousand calls of every build that is there, with an account of what each block must hold. */

import { readdir, readFile } from "node:fs/promises";
import * as path from "node:path";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { mersenne } from "pure-rand/generator/mersenne";
import { messageOf } from "../base/errors.js";
import { shippedModules } from "../base/paths.js";
import { findCompiler, hostArchitecture } from "../build/native-compiler.js";
import { nativeLibraryPeer, SYSTEM_PEERS } from "../lab/peers/native.js";
import type { Sample } from "../lab/measure/protocol.js";
import { loadShippedProfiles } from "../profile/index.js";
import { TARGETS, type Target } from "../profile/target.js";
import { broken, ok, warning, type Check } from "./check.js";

const CALLS = 5000;
const SLOTS = 300;
const SEED = 1;
/** Small, medium, large and huge ones. */
const LARGEST = [64, 1024, 16_384, 200_000] as const;

/** What a module exports, with numbers for addresses of either width. */
interface Calls {
  readonly malloc: (size: number) => number;
  readonly free: (address: number) => void;
  readonly realloc: (address: number, size: number) => number;
}

/** A check for each module that the library ships. */
export async function smokeModules(directory = shippedModules()): Promise<Check[]> {
  const names = await readdir(directory).catch(() => []);
  const files = names.flatMap((file) => {
    const target = /^[^.]+\.(.+)\.wasm$/.exec(file)?.[1];
    return target !== undefined && target in TARGETS ? [{ file, target: target as Target }] : [];
  });
  if (files.length === 0) return [broken("modules", `there are none in ${directory}`, "Install hakmem again")];
  const checks: Check[] = [];
  for (const { file, target } of files) {
    const traits = TARGETS[target];
    try {
      const bytes = await readFile(path.join(directory, file));
      if (traits.pointerBits === 64 && !WebAssembly.validate(bytes)) {
        checks.push(warning(file, "not run: this Node has no 64-bit memories", "Heaps beyond 4 GiB need Node 24"));
        continue;
      }
      smoke(bytes, traits.pointerBits === 64, traits.shared);
      checks.push(ok(file, `${CALLS} calls`));
    } catch (error) {
      checks.push(broken(file, messageOf(error), "Install hakmem again"));
    }
  }
  return checks;
}

/** Pages of 64 KiB that a heap of this may grow to. */
const MOST_PAGES = 2048;

/** Throws an error that says what went wrong. */
function smoke(bytes: Uint8Array, wide: boolean, shared: boolean): void {
  const memory = makeMemory(wide, shared);
  const hakmem_fail = (code: unknown, address: unknown): never => {
    throw new Error(`the guard found misuse, code ${String(code)}, at ${String(address)}`);
  };
  const module = new WebAssembly.Module(new Uint8Array(bytes));
  const env = { memory, hakmem_fail, hakmem_now: () => 0n };
  const raw = new WebAssembly.Instance(module, { env }).exports as Record<string, (...args: unknown[]) => unknown>;
  const word = (value: number): unknown => (wide ? BigInt(value) : value);
  const call = (name: string, ...args: number[]): number => {
    const result = raw[name]?.(...args.map(word));
    return wide ? Number(result ?? 0) : Number(result ?? 0) >>> 0;
  };
  const heap = call("thread_init", 0);
  if (heap === 0) throw new Error("it makes no heap");
  const live = exercise(
    {
      malloc: (size) => call("malloc", size),
      free: (address) => void call("free", address),
      realloc: (address, size) => call("realloc", address, size),
    },
    () => new Uint8Array(memory.buffer),
  );
  if (live > 0) throw new Error(`${live} blocks were not freed`);
}

function makeMemory(wide: boolean, shared: boolean): WebAssembly.Memory {
  const about = wide
    ? { initial: 1n, maximum: BigInt(MOST_PAGES), shared, address: "i64" }
    : { initial: 1, maximum: MOST_PAGES, shared };
  return new WebAssembly.Memory(about as unknown as WebAssembly.MemoryDescriptor);
}

interface Block {
  readonly address: number;
  readonly size: number;
  readonly mark: number;
}

/** Random calls; every block is filled, and compared when it is resized or freed. Returns how many blocks are left. */
function exercise({ malloc, free, realloc }: Calls, view: () => Uint8Array): number {
  const random = mersenne(SEED);
  const below = (count: number): number => uniformInt(random, 0, count - 1);
  const blocks = new Map<number, Block>();
  const place = (slot: number, address: number, size: number): void => {
    if (address === 0 || address % 16 !== 0)
      throw new Error(`${size} bytes at ${address}: it must be a multiple of 16`);
    const mark = 1 + below(255);
    view().fill(mark, address, address + size);
    blocks.set(slot, { address, size, mark });
  };
  const check = ({ address, size, mark }: Block, bytes: number): void => {
    const held = view().subarray(address, address + Math.min(size, bytes));
    if (Buffer.alloc(held.length, mark).equals(held)) return;
    const wrong = held.findIndex((value) => value !== mark);
    throw new Error(`byte ${wrong} of a block of ${size} bytes at ${address} has changed`);
  };
  for (let n = 0; n < CALLS; n++) {
    const slot = below(SLOTS);
    const block = blocks.get(slot);
    const size = 1 + below(LARGEST[below(LARGEST.length)] ?? 1);
    if (block === undefined) place(slot, malloc(size), size);
    else if (n % 4 === 0) {
      const address = realloc(block.address, size);
      check({ ...block, address }, size);
      place(slot, address, size);
    } else {
      check(block, block.size);
      free(block.address);
      blocks.delete(slot);
    }
  }
  for (const [slot, block] of blocks) {
    check(block, block.size);
    free(block.address);
    blocks.delete(slot);
  }
  return blocks.size;
}

const WORKLOAD = "random-mixed/256";

/** A check for the native library of each profile: what is read back must be what it is under the C library's allocator. */
export async function smokeNative(onStep: (step: string) => void): Promise<Check[]> {
  if (process.platform !== "linux") return [];
  try {
    if ((await findCompiler(hostArchitecture())) === undefined) return [];
  } catch {
    return [];
  }
  const [glibc] = SYSTEM_PEERS;
  if (glibc === undefined) return [];
  const sample = (measure: typeof glibc.measure): Promise<Sample> =>
    measure({
      workload: WORKLOAD,
      peer: "doctor",
      target: "native",
      threads: 1,
      module: null,
      steps: CALLS,
      runs: 1,
      mostRuns: 1,
      calibration: null,
      warmupMilliseconds: 0,
      timelinePoints: 0,
    });
  const checks: Check[] = [];
  try {
    const { checksum } = await sample(glibc.measure);
    for (const profile of await loadShippedProfiles()) {
      onStep(`the native library, profile ${profile.name}`);
      const about = `native library, ${profile.name}`;
      const remedy = "Build it again with hakmem build-native --force, and look at the compiler";
      const own = await sample(nativeLibraryPeer(profile, "doctor").measure).catch((error: unknown) =>
        messageOf(error),
      );
      if (typeof own === "string") checks.push(broken(about, own, remedy));
      else if (own.checksum === checksum) checks.push(ok(about, `${CALLS} calls`));
      else checks.push(broken(about, "blocks do not hold what was written", remedy));
    }
  } catch (error) {
    checks.push(broken("native library", messageOf(error), "See what the C compiler says"));
  }
  return checks;
}
