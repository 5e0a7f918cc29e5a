/** Reading the profiles of JavaScript heaps: the JSON of what `heap.startProfile()` of the library returns. */

import { z } from "zod";
import { ExplainedError } from "../base/errors.js";
import { standsFor, withoutOnes, type HeapProfile, type LiveBlock, type Site } from "./heap-profile.js";

const count = z.number().min(0);
const frame = z.object({ name: z.string(), file: z.string(), line: count, column: count });
const schema = z.object({
  version: z.literal(1),
  rate: z.number().min(1),
  duration: count,
  samples: count,
  sites: z.array(
    z.object({ stack: z.array(frame), bytes: count, objects: count, liveBytes: count, liveObjects: count }),
  ),
  live: z.array(z.object({ site: z.int().min(0), size: count, weight: count, age: count })),
});

/** What such a profile says; its frames have columns. */
export type DataProfile = z.infer<typeof schema>;

/** Throws {@link ExplainedError} when `text` is no such profile, or a part of one. */
export function readDataProfile(text: string, name: string): DataProfile {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    throw new ExplainedError(`${name} is neither a recording, nor a sample of a native heap, nor a profile in JSON`);
  }
  const { success, data, error } = schema.safeParse(content);
  if (!success) {
    const [first] = error.issues;
    throw new ExplainedError(`${name} is not a profile of a heap: ${first?.path.join(".")}: ${first?.message}`);
  }
  if (data.live.some(({ site }) => site >= data.sites.length))
    throw new ExplainedError(`${name} is not a profile of a heap: a block is of a place that is not there`);
  return data;
}

/** As profiles of native programs are; of process 0, for there is none of its own. */
export function profileOf({ rate, duration, samples, sites, live }: DataProfile): HeapProfile {
  const places: Site[] = sites.map(withoutOnes);
  const blocks = live.flatMap(({ site, size, weight, age }): LiveBlock[] => {
    const place = places[site];
    return place === undefined ? [] : [{ site: place, size, ...standsFor(size, weight), age }];
  });
  return { pid: 0, rate, duration, samples, lost: 0, sites: places, live: blocks };
}
