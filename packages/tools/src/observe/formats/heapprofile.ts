/** V8's sampling heap profile, `.heapprofile`: what the Memory panel of Chrome's developer tools loads. */

import type { HeapProfile } from "../heap-profile.js";
import { liveTree, type CallNode } from "../tree.js";

interface V8Node {
  readonly callFrame: {
    readonly functionName: string;
    readonly scriptId: string;
    readonly url: string;
    /** From 0; -1: unknown. */
    readonly lineNumber: number;
    readonly columnNumber: number;
  };
  readonly selfSize: number;
  readonly id: number;
  readonly children: readonly V8Node[];
}

interface V8Sample {
  readonly size: number;
  readonly nodeId: number;
  readonly ordinal: number;
}

export function toHeapprofile(profile: HeapProfile): string {
  let ids = 0;
  // By a number that is not 0 the tools know that a function has a place that can be shown.
  const scripts = new Map([["", "0"]]);
  const scriptOf = (file: string): string => {
    const id = scripts.get(file) ?? String(scripts.size);
    scripts.set(file, id);
    return id;
  };
  const samples: V8Sample[] = [];
  const convert = ({ frame, bytes, blocks, children }: CallNode): V8Node => {
    const id = ++ids;
    for (const { weight } of blocks)
      samples.push({ size: Math.round(weight), nodeId: id, ordinal: samples.length + 1 });
    return {
      callFrame: {
        functionName: frame.name,
        scriptId: scriptOf(frame.file),
        url: frame.file,
        lineNumber: frame.line - 1,
        columnNumber: -1,
      },
      selfSize: Math.round(bytes),
      id,
      children: [...children.values()].map(convert),
    };
  };
  return JSON.stringify({ head: convert(liveTree(profile)), samples });
}
