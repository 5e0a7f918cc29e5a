/** From a native program's sample to a profile that people can read: names for addresses, and no frames of the allocator's own. */

import * as path from "node:path";
import { standsFor, withoutOnes, type HeapProfile, type Site } from "./heap-profile.js";
import type { Module, RawProfile } from "./raw-profile.js";
import { symbolise } from "./symbols.js";

export interface NamedProfile {
  readonly profile: HeapProfile;
  /** Why it says less than it could; for people. */
  readonly notices: readonly string[];
}

/** What calls stand on top of every stack where the allocator is a part of the program. */
const OWN =
  /^(sample|saw_new|saw_resized|observed_\w+|malloc|calloc|realloc|reallocarray|memalign|aligned_alloc|posix_memalign|own_Zn\w+|new_slow|new_object|operator new\b.*|hk_\w+)$/;

export async function nameProfile(raw: RawProfile): Promise<NamedProfile> {
  const stacks = raw.sites.map(({ stack }) => withoutLibrary(stack, raw.modules));
  const { symbols, notices } = await symbolise(stacks.flat(), raw.modules);
  const sites = raw.sites.map((site, index): Site => {
    const frames = (stacks[index] ?? []).flatMap((address) => symbols.get(address) ?? []);
    const first = frames.findIndex(({ name }) => !OWN.test(name));
    return { ...withoutOnes(site), stack: frames.slice(Math.max(0, first)) };
  });
  const live = raw.live.flatMap(({ site, size, weight, born }) => {
    const at = sites[site];
    return at === undefined ? [] : [{ site: at, size, ...standsFor(size, weight), age: raw.ended - born }];
  });
  const lost =
    raw.lost === 0
      ? []
      : [`${raw.lost} of ${raw.samples} samples found no room; a larger distance of samples takes less`];
  const { pid, rate, samples } = raw;
  const profile = { pid, rate, samples, lost: raw.lost, duration: raw.ended - raw.started, sites, live };
  return { profile, notices: [...notices, ...lost] };
}

function withoutLibrary(stack: readonly number[], modules: readonly Module[]): readonly number[] {
  const own = modules.filter(({ path: file }) => path.basename(file).startsWith("libhakmem"));
  const isOwn = (address: number): boolean => own.some(({ start, end }) => address > start && address <= end);
  const first = stack.findIndex((address) => !isOwn(address));
  return first < 0 ? [] : stack.slice(first);
}
