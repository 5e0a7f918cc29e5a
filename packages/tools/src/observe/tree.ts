/** Stacks as a tree of calls, from the outermost inwards. */

import type { Frame, HeapProfile } from "./heap-profile.js";

export interface CallNode {
  readonly frame: Frame;
  /** Live bytes that this call itself asked for. */
  bytes: number;
  /** Live blocks of the sample that this call itself asked for: their sizes, and how many bytes each stands for. */
  readonly blocks: { readonly size: number; readonly weight: number }[];
  readonly children: Map<string, CallNode>;
}

export const ROOT_FRAME: Frame = { name: "(root)", file: "", line: 0 };

/** The tree of what is in use. */
export function liveTree({ live }: HeapProfile): CallNode {
  const root = newNode(ROOT_FRAME);
  for (const { site, size, weight } of live) {
    let node = root;
    for (const frame of site.stack.toReversed()) node = childOf(node, frame);
    node.bytes += weight;
    node.blocks.push({ size, weight });
  }
  return root;
}

const newNode = (frame: Frame): CallNode => ({ frame, bytes: 0, blocks: [], children: new Map() });

function childOf(node: CallNode, frame: Frame): CallNode {
  const key = `${frame.name}\0${frame.file}\0${frame.line}`;
  const child = node.children.get(key) ?? newNode(frame);
  node.children.set(key, child);
  return child;
}
