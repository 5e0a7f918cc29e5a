/** Numbers of variable length, least significant seven bits first (LEB128), up to 2^53. */

const FIRST_BYTES = 1 << 16;
/** The most bytes of one number. */
const LONGEST = 8;

export class VarintWriter {
  private buffer = Buffer.allocUnsafe(FIRST_BYTES);
  private used = 0;

  put(value: number): void {
    if (this.used + LONGEST > this.buffer.length) this.grow();
    let rest = value;
    while (rest >= 128) {
      this.buffer[this.used++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    this.buffer[this.used++] = rest;
  }

  /** What was put since the last call; good until the next `put`. */
  take(): Buffer {
    const taken = this.buffer.subarray(0, this.used);
    this.used = 0;
    return taken;
  }

  private grow(): void {
    const larger = Buffer.allocUnsafe(2 * this.buffer.length);
    this.buffer.copy(larger);
    this.buffer = larger;
  }
}

export class VarintReader {
  constructor(
    private readonly bytes: Uint8Array,
    private at = 0,
    private readonly end = bytes.length,
  ) {}

  get isAtEnd(): boolean {
    return this.at >= this.end;
  }

  /** Throws `RangeError` when the number's end is missing. */
  next(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.bytes[this.at++];
      if (byte === undefined || this.at > this.end) throw new RangeError("a number's end is missing");
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  }

  /** A number with a sign: 0, -1, 1, -2 as 0, 1, 2, 3. */
  nextSigned(): number {
    const value = this.next();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }
}
