/** The first picture of a recording: what was asked for over time, which takes a fraction of replaying it. */

import { KIND } from "../observe/recording/events.js";
import type { Recording } from "../observe/recording/format.js";
import type { OutlineView } from "./data.js";
import { pack } from "./pack.js";

const BUCKETS = 1 << 11;

/** Throws as the recording's `blocks()` do. */
export function outline(name: string, { head, blocks }: Recording): OutlineView {
  const timed = head.duration > 0;
  const span = timed ? head.duration + 1 : Math.max(1, head.events);
  const sizes = new Float64Array(head.slots);
  const line = new Float64Array(2 * BUCKETS);
  let [bytes, before, seen, last] = [0, 0, 0, -1];
  for (const { count, kinds, slots, sizes: asked, times } of blocks()) {
    for (let i = 0; i < count; i++) {
      const slot = slots[i] ?? 0;
      const size = kinds[i] === KIND.free ? 0 : (asked[i] ?? 0);
      if (kinds[i] === KIND.free || kinds[i] === KIND.realloc) bytes -= sizes[slot] ?? 0;
      sizes[slot] = size;
      bytes += size;
      const bucket = Math.floor((Math.min(timed ? (times[i] ?? 0) : seen++, span - 1) / span) * BUCKETS);
      if (bucket === last) {
        if (bytes < line[2 * bucket]!) line[2 * bucket] = bytes;
        if (bytes > line[2 * bucket + 1]!) line[2 * bucket + 1] = bytes;
      } else {
        line.fill(before, 2 * (last + 1), 2 * bucket);
        line.fill(bytes, 2 * bucket, 2 * (bucket + 1));
      }
      last = bucket;
      before = bytes;
    }
  }
  line.fill(bytes, 2 * (last + 1));
  const clock = timed ? "nanoseconds" : "calls";
  return { kind: "outline", name, events: head.events, clock, duration: span, buckets: BUCKETS, line: pack(line) };
}
