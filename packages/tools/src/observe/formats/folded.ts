/** Folded stacks: a line for each stack, what is in use in bytes at its end. For flamegraph.pl, inferno and Speedscope. */

import type { HeapProfile } from "../heap-profile.js";

export function toFolded({ sites }: HeapProfile): string {
  const lines = new Map<string, number>();
  for (const { stack, liveBytes } of sites) {
    if (liveBytes <= 0) continue;
    const line = stack
      .map(({ name }) => name.replaceAll(/[;\n]/g, ":"))
      .toReversed()
      .join(";");
    lines.set(line, (lines.get(line) ?? 0) + liveBytes);
  }
  return [...lines].map(([line, bytes]) => `${line || "(unknown)"} ${Math.round(bytes)}\n`).join("");
}
