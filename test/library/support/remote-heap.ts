import { Worker } from "node:worker_threads";
import type { HeapHandle, HeapStats } from "hakmem";

interface Answer {
  readonly result?: unknown;
  readonly error?: { readonly code?: string; readonly message: string };
}

/** A heap in a worker thread: calls go there one after the other, answers come back. */
export class RemoteHeap {
  private constructor(
    private readonly worker: Worker,
    readonly threadId: number,
  ) {}

  /** Starts a worker and waits until it is attached. */
  static async attach(handle: HeapHandle): Promise<RemoteHeap> {
    const worker = new Worker(new URL("heap-worker.js", import.meta.url), { workerData: handle });
    return new RemoteHeap(worker, (await answerOf(worker)) as number);
  }

  malloc(size: number): Promise<number> {
    return this.call("malloc", size);
  }
  free(pointer: number): Promise<void> {
    return this.call("free", pointer);
  }
  /** Allocates a block and fills it with the pattern of `seed`. */
  write(size: number, seed: number): Promise<number> {
    return this.call("write", size, seed);
  }
  holds(pointer: number, size: number, seed: number): Promise<boolean> {
    return this.call("holds", pointer, size, seed);
  }
  byteAt(pointer: number): Promise<number> {
    return this.call("byteAt", pointer);
  }
  stats(): Promise<HeapStats> {
    return this.call("stats");
  }
  /** Exchanges blocks with the other threads; the number of damaged ones. */
  exchange(mailboxes: number, count: number, rounds: number, seed: number): Promise<number> {
    return this.call("exchange", mailboxes, count, rounds, seed);
  }

  /** Closes the heap and ends the worker. */
  async close(): Promise<void> {
    await this.call("close");
    await this.worker.terminate();
  }

  /** Ends the worker as a crash would: its heap is not closed. */
  async terminate(): Promise<void> {
    await this.worker.terminate();
  }

  private async call<T>(operation: string, ...args: unknown[]): Promise<T> {
    const answer = answerOf(this.worker);
    this.worker.postMessage({ operation, args });
    return (await answer) as T;
  }
}

function answerOf(worker: Worker): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      worker.off("message", onMessage).off("error", onError).off("exit", onExit);
    };
    const onMessage = ({ result, error }: Answer): void => {
      settle();
      if (error === undefined) resolve(result);
      else reject(Object.assign(new Error(error.message), { code: error.code }));
    };
    const onError = (error: Error): void => {
      settle();
      reject(error);
    };
    const onExit = (code: number): void => {
      settle();
      reject(new Error(`the worker ended with code ${code} before it answered`));
    };
    worker.on("message", onMessage).on("error", onError).on("exit", onExit);
  });
}
