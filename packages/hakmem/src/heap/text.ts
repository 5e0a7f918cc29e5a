/** Text in a heap: UTF-8, encoded straight into its block and decoded straight out of it, as far as the engine lets. */

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Bytes of `text` in UTF-8, where a surrogate without its other half counts as U+FFFD, as which it is written. */
export function utf8Length(text: string): number {
  let bytes = text.length;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit < 0x80) continue;
    if (unit < 0x800) {
      bytes += 1;
    } else {
      bytes += 2;
      // A pair is two units and four bytes.
      if (unit >= 0xd800 && unit < 0xdc00 && isLow(text.charCodeAt(index + 1))) index++;
    }
  }
  return bytes;
}

function isLow(unit: number): boolean {
  return unit >= 0xdc00 && unit < 0xe000;
}

/** Writes `text` to `bytes`, which has `utf8Length(text)` of them. */
export function writeUtf8(text: string, bytes: Uint8Array): void {
  encoder.encodeInto(text, bytes);
}

/** Set once the engine has refused to decode shared memory, as some did before the Encoding Standard allowed it. */
let copiesShared = false;

/** The text of `bytes`; what is not UTF-8 becomes U+FFFD. */
export function readUtf8(bytes: Uint8Array): string {
  if (!copiesShared) {
    try {
      return decoder.decode(bytes);
    } catch (error) {
      if (!(error instanceof TypeError) || bytes.buffer instanceof ArrayBuffer) throw error;
      copiesShared = true;
    }
  }
  return decoder.decode(bytes.slice());
}
