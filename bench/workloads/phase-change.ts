/**
 * A program that changes its mind: fills memory with blocks of one size, frees all but every eighth, fills it with another
 * size, and so on. The survivors of four phases lie about and are what fragments the heap. One step is one phase.
 */

import { free, malloc } from "./allocator";
import { reserve } from "./arena";
import { checksum, live, mark, mix, peak, read, setChecksum, setLive } from "./ledger";

/** One block of so many survives its phase, and lives for so many phases more. */
const SURVIVOR_STRIDE: u32 = 8;
const GENERATIONS: u32 = 4;

const SIZE_COUNT: u32 = 6;
const SMALLEST: u32 = 32;

/** Sizes of six phases, in bytes: small after large and large after small. Code, not a table: a workload has no static memory. */
function sizeOf(phase: u32): u32 {
  switch (phase % SIZE_COUNT) {
    case 0:
      return SMALLEST;
    case 1:
      return 512;
    case 2:
      return 96;
    case 3:
      return 2048;
    case 4:
      return 208;
    default:
      return 8192;
  }
}

let fillBytes: u32 = 0;
let blocks: usize = 0;
let survivors: usize = 0;
let survivorCounts: usize = 0;
let capacity: u32 = 0;
let phase: u32 = 0;

/** Each phase allocates `bytes` bytes. */
export function phase_change_begin(bytes: i32, _1: i32, _2: i32, _3: i32): void {
  fillBytes = bytes;
  capacity = fillBytes / SMALLEST;
  blocks = reserve(<usize>capacity * sizeof<usize>());
  survivors = reserve(<usize>(capacity / SURVIVOR_STRIDE + 1) * GENERATIONS * sizeof<usize>());
  survivorCounts = reserve(GENERATIONS * sizeof<u32>());
  phase = 0;
}

export function phase_change_run(steps: i32): i32 {
  let operations = 0;
  for (let i = 0; i < steps; ++i) {
    operations += dropSurvivors(phase % GENERATIONS) + fill(sizeOf(phase));
    ++phase;
  }
  return operations;
}

/** Frees what is left of the phase that used this generation's place before. */
function dropSurvivors(generation: u32): i32 {
  let sum = checksum;
  let bytes = live;
  const table = survivorTable(generation);
  const count = survivorCount(generation);
  for (let i: u32 = 0; i < count; ++i) {
    const block = load<usize>(table + <usize>i * sizeof<usize>());
    const size = read(block);
    sum = mix(sum, size);
    bytes -= size;
    free(block);
  }
  setChecksum(sum);
  setLive(bytes, peak);
  setSurvivorCount(generation, 0);
  return count;
}

function fill(size: u32): i32 {
  const count = fillBytes / size;
  let sum = checksum;
  let bytes = live;
  for (let i: u32 = 0; i < count; ++i) {
    const block = malloc(size);
    mark(block, size);
    store<usize>(blocks + <usize>i * sizeof<usize>(), block);
    bytes += size;
  }
  const highest = max(bytes, peak);

  const table = survivorTable(phase % GENERATIONS);
  let kept: u32 = 0;
  for (let i: u32 = 0; i < count; ++i) {
    const block = load<usize>(blocks + <usize>i * sizeof<usize>());
    if (i % SURVIVOR_STRIDE == 0) {
      store<usize>(table + <usize>kept * sizeof<usize>(), block);
      ++kept;
    } else {
      sum = mix(sum, read(block));
      bytes -= size;
      free(block);
    }
  }
  setSurvivorCount(phase % GENERATIONS, kept);
  setChecksum(sum);
  setLive(bytes, highest);
  return count + (count - kept);
}

function survivorTable(generation: u32): usize {
  return survivors + <usize>generation * (capacity / SURVIVOR_STRIDE + 1) * sizeof<usize>();
}

function survivorCount(generation: u32): u32 {
  return load<u32>(survivorCounts + generation * sizeof<u32>());
}

function setSurvivorCount(generation: u32, count: u32): void {
  store<u32>(survivorCounts + generation * sizeof<u32>(), count);
}
