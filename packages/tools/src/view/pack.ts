/** Numbers for the page: see {@link Packed}. */

import { gzipSync } from "node:zlib";
import type { Packed } from "./data.js";

const TYPES = { u8: Uint8Array, u32: Uint32Array, f64: Float64Array } as const;

export function pack(numbers: Uint8Array | Uint32Array | Float64Array): Packed {
  const type = (Object.keys(TYPES) as (keyof typeof TYPES)[]).find((name) => numbers instanceof TYPES[name]) ?? "u8";
  const bytes = Buffer.from(numbers.buffer, numbers.byteOffset, numbers.byteLength);
  return { type, length: numbers.length, data: gzipSync(bytes, { level: 4 }).toString("base64") };
}
