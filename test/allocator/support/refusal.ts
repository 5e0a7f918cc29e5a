/** Memories that refuse to grow when a test says so: the allocator's own `memory.grow` becomes a call of the test's. */

import binaryen from "binaryen";
import type { Build } from "./builds.js";
import { RawMemory } from "./raw-heap.js";

const { Atomics, BulkMemory, Memory64, MutableGlobals, NontrappingFPToInt, SignExt } = binaryen.Features;
const FEATURES = Atomics | BulkMemory | Memory64 | MutableGlobals | NontrappingFPToInt | SignExt;

const modules = new Map<string, Build>();

/** The build with `memory.grow` replaced; for a {@link RefusingMemory} only. */
function refusing(build: Build, code: Uint8Array): Build {
  const found = modules.get(build.name);
  if (found !== undefined) return found;
  const word = build.wide ? "i64" : "i32";
  const original = binaryen.readBinary(code);
  const text = original
    .emitText()
    .replaceAll("(memory.grow", "(call $grow")
    .replace("(module", `(module (import "env" "grow" (func $grow (param ${word}) (result ${word})))`);
  original.dispose();
  const changed = binaryen.parseText(text);
  changed.setFeatures(FEATURES);
  const made = { ...build, module: new WebAssembly.Module(changed.emitBinary() as Uint8Array<ArrayBuffer>) };
  changed.dispose();
  modules.set(build.name, made);
  return made;
}

/** A memory that counts the growths that it is asked for, and refuses some of them. */
export class RefusingMemory extends RawMemory {
  /** Growths asked for so far. */
  asked = 0;
  /** Those that were refused since this was last set. */
  refused = 0;
  /** Whether to refuse the growth of this number, from 1. */
  refuses: (number: number) => boolean = () => false;

  constructor(build: Build, maximumPages: number) {
    super(refusing(build, build.code), maximumPages);
  }

  override get imports(): WebAssembly.ModuleImports {
    return {
      grow: (pages: number | bigint) =>
        this.build.wide ? BigInt(this.#grow(Number(pages))) : this.#grow(Number(pages)),
    };
  }

  /** After a refusal there is no saying what could be had. */
  override get room(): number {
    return this.refused > 0 ? 0 : super.room;
  }

  #grow(pages: number): number {
    // To grow by nothing asks for the size.
    if (pages > 0 && this.refuses(++this.asked)) {
      ++this.refused;
      return -1;
    }
    return this.length / 65536 + pages > this.maximumPages ? -1 : this.grow(pages) / 65536;
  }
}
