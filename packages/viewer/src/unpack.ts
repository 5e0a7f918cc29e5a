/** Numbers out of what the tools have packed. */

import type { Packed } from "../../tools/src/view/data.js";

const TYPES = { u8: Uint8Array, u32: Uint32Array, f64: Float64Array } as const;

export async function unpack(packed: Packed): Promise<Uint8Array | Uint32Array | Float64Array> {
  const text = atob(packed.data);
  const bytes = new Uint8Array(text.length);
  for (let index = 0; index < text.length; index++) bytes[index] = text.charCodeAt(index);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new TYPES[packed.type](await new Response(stream).arrayBuffer(), 0, packed.length);
}
