import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { withProgress } from "../../packages/tools/src/lab/progress.js";
import type { Progress } from "../../packages/tools/src/lab/session.js";

const COLUMNS = 40;
const ESCAPE = "\u001b";
const CLEAR_LINE = `${ESCAPE}[2K`;
const STEPS: readonly Progress[] = [
  { doing: "building", done: 0, total: 4 },
  { doing: "round 1", done: 1, total: 4 },
];

/** Where a line is written that a terminal would show, or a file hold. */
function streamOf(isTTY: boolean): { stream: NodeJS.WriteStream; written: () => string } {
  const stream = Object.assign(new PassThrough(), { isTTY, columns: COLUMNS }) as unknown as NodeJS.WriteStream;
  return { stream, written: () => String(stream.read() ?? "") };
}

/** What has been written when each of `steps` has been shown and the work has ended. */
async function shown(steps: readonly Progress[], { isTTY = true, quiet = false } = {}): Promise<string> {
  const { stream, written } = streamOf(isTTY);
  const result = await withProgress({ quiet, stream }, (show) => {
    for (const step of steps) show(step);
    return Promise.resolve("result");
  });
  expect(result).toBe("result");
  return written();
}

/** The lines that came one in place of the other, without what moves the cursor. */
function linesOf(text: string): string[] {
  const parts = text.split(ESCAPE).map((part) => part.replace(/^(\[[0-9;]*[A-Za-z]|[78])/, ""));
  return parts.filter((line) => line !== "");
}

describe("progress", () => {
  it("is shown on a terminal, and gone in the end", async () => {
    const text = await shown(STEPS);
    expect(linesOf(text)[0]).toBe("0 % building");
    expect(linesOf(text).at(-1)).toMatch(/^25 % round 1/);
    expect(text.endsWith(CLEAR_LINE)).toBe(true);
  });

  it("is silent where nobody watches, and when it is told to be", async () => {
    expect(await shown(STEPS, { isTTY: false })).toBe("");
    expect(await shown(STEPS, { quiet: true })).toBe("");
  });

  it("fits the terminal", async () => {
    const text = await shown([{ doing: "a".repeat(100), done: 0, total: 1 }]);
    expect(linesOf(text).map((line) => line.length)).toEqual([COLUMNS]);
  });

  it("ends with the work also when that fails", async () => {
    const { stream, written } = streamOf(true);
    const failing = withProgress({ stream }, (show) => {
      for (const step of STEPS) show(step);
      return Promise.reject(new Error("failed"));
    });
    await expect(failing).rejects.toThrow("failed");
    expect(written().endsWith(CLEAR_LINE)).toBe(true);
  });
});
