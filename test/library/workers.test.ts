import { afterEach, beforeEach, expect, test } from "vitest";
import { createHeap, type Heap } from "hakmem";
import { RemoteHeap } from "./support/remote-heap.js";
import { errorOf } from "./support/errors.js";

const MIB = 1024 * 1024;

let heap: Heap;

beforeEach(async () => {
  heap = await createHeap({ shared: true, maximum: 512 * MIB });
});
afterEach(() => {
  heap.close();
});

test("a worker sees what another thread wrote, and frees it", async () => {
  const worker = await RemoteHeap.attach(heap.handle);
  const block = heap.malloc(1000);
  heap.u8[block + 999] = 77;
  expect(await worker.byteAt(block + 999)).toBe(77);
  await worker.free(block);
  await worker.close();
  expect(heap.stats().live).toBe(0);
});

test("blocks outlive the worker that allocated them", async () => {
  const worker = await RemoteHeap.attach(heap.handle);
  const block = await worker.write(5000, 3);
  await worker.close();
  expect([...heap.view(Uint8Array, block, 3)]).toEqual([3, 34, 65]);
  heap.free(block);
  expect(heap.stats().live).toBe(0);
});

test("views cover memory that a worker has added", async () => {
  const worker = await RemoteHeap.attach(heap.handle);
  const { u8 } = heap;
  const block = await worker.write(64 * MIB, 5);
  expect(block + 64 * MIB).toBeGreaterThan(u8.length);
  expect(heap.u8[block + 1]).toBe(36);
  expect(heap.view(Uint8Array, block, 64 * MIB).at(-1)).toBe((5 + (64 * MIB - 1) * 31) & 0xff);
  await worker.close();
});

test("typed arrays of a shared heap stay alive when a worker adds memory", async () => {
  const worker = await RemoteHeap.attach(heap.handle);
  const array = heap.alloc(Uint32Array, 100).fill(9);
  await worker.malloc(64 * MIB);
  expect(heap.live(array)).toBe(array);
  expect(array.every((element) => element === 9)).toBe(true);
  await worker.close();
});

test("each worker counts as a thread until it closes", async () => {
  const workers = await Promise.all([RemoteHeap.attach(heap.handle), RemoteHeap.attach(heap.handle)]);
  expect(new Set([heap.threadId, ...workers.map(({ threadId }) => threadId)]).size).toBe(3);
  expect(heap.stats().threads).toBe(3);
  for (const worker of workers) await worker.close();
  expect(heap.stats().threads).toBe(1);
});

test("workers that free each other's blocks damage none and lose none", { timeout: 120_000 }, async () => {
  const MAILBOXES = 64;
  const ROUNDS = 100_000;
  const mailboxes = heap.alloc(Uint32Array, MAILBOXES);
  const address = heap.pointerOf(mailboxes);
  const workers = await Promise.all([1, 2, 3].map(() => RemoteHeap.attach(heap.handle)));
  const damaged = await Promise.all(workers.map((worker, i) => worker.exchange(address, MAILBOXES, ROUNDS, i + 1)));
  expect(damaged).toEqual([0, 0, 0]);
  for (const worker of workers) await worker.close();
  for (const block of mailboxes) heap.free(block);
  heap.free(mailboxes);
  expect(heap.stats().live).toBe(0);
});

test("what a terminated worker held is reclaimed once, and its blocks stay", async () => {
  const worker = await RemoteHeap.attach(heap.handle);
  const block = await worker.write(100, 1);
  await worker.terminate();
  expect(heap.stats().threads).toBe(2);
  expect(heap.reclaim(worker.threadId)).toBe(true);
  expect(heap.stats().threads).toBe(1);
  expect(heap.reclaim(worker.threadId)).toBe(false);
  expect([...heap.view(Uint8Array, block, 2)]).toEqual([1, 32]);
  heap.free(block);
  expect(heap.stats().live).toBe(0);
});

test("reclaiming a thread that closed in good order takes over what it left, and harms nothing", async () => {
  const worker = await RemoteHeap.attach(heap.handle);
  const block = await worker.write(100, 1);
  await worker.close();
  heap.reclaim(worker.threadId);
  expect(heap.reclaim(worker.threadId)).toBe(false);
  expect([...heap.view(Uint8Array, block, 2)]).toEqual([1, 32]);
  heap.free(block);
  expect(heap.stats().live).toBe(0);
});

test("reclaiming a thread that never was does nothing", () => {
  expect(heap.reclaim(1000)).toBe(false);
});

test.each([0, -1, 1.5, NaN, "2", undefined])("reclaim refuses the thread %s", async (threadId) => {
  expect(await errorOf(() => heap.reclaim(threadId as number))).toMatchObject({
    code: "HAKMEM_INVALID_ARGUMENT",
    argument: "threadId",
    value: threadId,
  });
});

test("a thread cannot reclaim itself", async () => {
  expect(await errorOf(() => heap.reclaim(heap.threadId))).toMatchObject({ argument: "threadId" });
});
