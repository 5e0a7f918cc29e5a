/** What is still in use, by who asked for it, as text for people. */

import type { Frame, HeapProfile, LiveBlock } from "./heap-profile.js";

const FRAMES = 16;
const NANOSECONDS = 1e9;

/** All blocks of one stack that are in use. */
export interface LiveGroup {
  readonly stack: readonly Frame[];
  /** Estimated, unless every block is in the sample. */
  readonly bytes: number;
  readonly objects: number;
  /** Of the blocks in the sample, in bytes. */
  readonly least: number;
  readonly most: number;
  /** In nanoseconds. */
  readonly youngest: number;
  readonly oldest: number;
}

/** The most bytes first. */
export function liveGroups({ live }: HeapProfile): LiveGroup[] {
  const groups = new Map<string, LiveBlock[]>();
  for (const block of live) {
    const key = block.site.stack.map(callName).join("\n");
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [block]);
    else group.push(block);
  }
  return [...groups.values()].map(groupOf).sort((a, b) => b.bytes - a.bytes);
}

function groupOf(blocks: readonly LiveBlock[]): LiveGroup {
  const sizes = blocks.map(({ size }) => size);
  const ages = blocks.map(({ age }) => age);
  return {
    stack: blocks[0]?.site.stack ?? [],
    bytes: blocks.reduce((sum, { weight }) => sum + weight, 0),
    objects: blocks.reduce((sum, block) => sum + block.objects, 0),
    least: sizes.reduce((a, b) => Math.min(a, b)),
    most: sizes.reduce((a, b) => Math.max(a, b)),
    youngest: ages.reduce((a, b) => Math.min(a, b)),
    oldest: ages.reduce((a, b) => Math.max(a, b)),
  };
}

/** At most `most` groups, the largest first. */
export function leakReport(profile: HeapProfile, most: number): string {
  const groups = liveGroups(profile);
  const total = groups.reduce((sum, { bytes }) => sum + bytes, 0);
  const about = profile.rate === 1 ? "" : `about, by a sample of one in ${size(profile.rate)} `;
  const whose = profile.pid === 0 ? "the heap" : `process ${profile.pid}`;
  const head =
    groups.length === 0
      ? `${whose}: no block of the sample was in use at the end`
      : `${whose}: ${about}${size(total)} in ${groups.length} ${groups.length === 1 ? "place" : "places"} in use at the end`;
  const more = groups.length > most ? [`and ${groups.length - most} places with less each`] : [];
  return [head, ...groups.slice(0, most).map(groupText), ...more].join("\n\n") + "\n";
}

function groupText({ stack, bytes, objects, least, most, youngest, oldest }: LiveGroup): string {
  const count = Math.max(1, Math.round(objects));
  const sizes = least === most ? size(least) : `${size(least)} to ${size(most)}`;
  const ages = seconds(youngest) === seconds(oldest) ? seconds(oldest) : `${seconds(youngest)} to ${seconds(oldest)}`;
  const head = `${size(bytes)} in ${count} ${count === 1 ? "block" : "blocks"} of ${sizes}, ${ages} old`;
  const calls = stack.slice(0, FRAMES).map((frame) => `    ${callName(frame)}`);
  if (stack.length === 0) calls.push("    (no stack is known)");
  if (stack.length > FRAMES) calls.push(`    … ${stack.length - FRAMES} more`);
  return [head, ...calls].join("\n");
}

const callName = ({ name, file, line }: Frame): string =>
  file === "" ? name : `${name}  ${file}${line === 0 ? "" : `:${line}`}`;

const seconds = (nanoseconds: number): string => `${(nanoseconds / NANOSECONDS).toFixed(nanoseconds < 1e10 ? 1 : 0)} s`;

function size(bytes: number): string {
  if (bytes < 2 ** 10) return `${Math.round(bytes)} bytes`;
  if (bytes < 2 ** 20) return `${(bytes / 2 ** 10).toFixed(1)} KiB`;
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
