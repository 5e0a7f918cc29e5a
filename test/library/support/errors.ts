import { expect } from "vitest";
import { HakmemError } from "hakmem";

/** What `action` throws or rejects with, which must be one of the library's errors. */
export async function errorOf(action: () => unknown): Promise<HakmemError> {
  try {
    await action();
  } catch (error) {
    expect(error).toBeInstanceOf(HakmemError);
    return error as HakmemError;
  }
  return expect.unreachable("nothing was thrown");
}
