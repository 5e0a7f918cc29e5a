import { expect } from "vitest";
import { Misuse, type Cause } from "./raw-heap.js";

export interface Report {
  readonly cause: Cause;
  readonly block: number;
  readonly size: number;
  readonly at: number;
  readonly value: number;
}

/** What a guard or hardened build reports of an action. */
export function misuse(action: () => unknown): Report {
  try {
    action();
  } catch (error) {
    if (!(error instanceof Misuse)) throw error;
    const { cause, block, size, at, value } = error;
    return { cause, block, size, at, value };
  }
  return expect.unreachable("nothing was reported");
}
