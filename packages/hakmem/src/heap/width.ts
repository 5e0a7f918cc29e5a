/**
 * The two widths of addresses. A 32-bit module takes and returns `usize` as numbers, signed when they come out; a 64-bit one
 * takes and returns bigints. Programs see numbers either way.
 */

export interface Width<Word extends number | bigint> {
  /** Largest size or address that programs can name; a number that is exact, too. */
  readonly largest: number;
  /** Width of the addresses that a memory of this kind can have. */
  readonly addressBits: number;
  /** What the module returned, as a number. */
  toNumber(word: Word): number;
  /** A number, as the module takes it. */
  toWord(number: number): Word;
}

export const WIDTH_32: Width<number> = {
  largest: 2 ** 32 - 1,
  addressBits: 32,
  toNumber: (word) => word >>> 0,
  toWord: (number) => number,
};

/** Engines give a 64-bit memory 16 GiB at most, and the shipped modules are built for that. */
export const WIDTH_64: Width<bigint> = {
  largest: Number.MAX_SAFE_INTEGER,
  addressBits: 34,
  toNumber: (word) => Number(BigInt.asUintN(64, word)),
  toWord: BigInt,
};

/**
 * Whether this engine has 64-bit memories, as the standard came to have them: some had them earlier (Node 22), with other options and
 * numbers for bigints.
 */
export function has64BitMemories(): boolean {
  try {
    const descriptor = { initial: 0n, maximum: 0n, address: "i64" };
    return new WebAssembly.Memory(descriptor as unknown as WebAssembly.MemoryDescriptor).buffer.byteLength === 0;
  } catch {
    return false;
  }
}
