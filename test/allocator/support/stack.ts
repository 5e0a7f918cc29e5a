/** Calls near the end of JavaScript's stack, a few bytes nearer each time. */

import wabt from "wabt";

/** Values that a frame passes on, so that few frames take most of the stack. */
const COARSE_VALUES = 500;
/** So many take another multiple of 16 bytes than the frames of `fine` do. */
const ODD_VALUES = 7;
const pass = (count: number): string => "(i64.const 0) ".repeat(count);

/**
 * `dive` takes frames of some 4 KiB, then one of another size or none, then frames of some 50 bytes, and calls `act` there.
 */
const TEXT = `(module
  (import "env" "act" (func $act))
  (func $fine (param $n i32)
    (if (local.get $n)
      (then (call $fine (i32.sub (local.get $n) (i32.const 1))))
      (else (call $act))))
  (func $odd (param $n i32) ${"(param i64) ".repeat(ODD_VALUES)}
    (call $fine (local.get $n)))
  (func $coarse (param $n i32) (param $fine i32) (param $odd i32) ${"(param i64) ".repeat(COARSE_VALUES)}
    (if (local.get $n)
      (then (call $coarse (i32.sub (local.get $n) (i32.const 1)) (local.get $fine) (local.get $odd) ${pass(COARSE_VALUES)}))
      (else
        (if (local.get $odd)
          (then (call $odd (local.get $fine) ${pass(ODD_VALUES)}))
          (else (call $fine (local.get $fine)))))))
  (func (export "dive") (param $n i32) (param $fine i32) (param $odd i32)
    (call $coarse (local.get $n) (local.get $fine) (local.get $odd) ${pass(COARSE_VALUES)})))`;

const module = new WebAssembly.Module(
  (await wabt()).parseWat("dive", TEXT).toBinary({}).buffer as Uint8Array<ArrayBuffer>,
);

/** A stack with a known end. */
export class Stack {
  #act = (): void => undefined;
  readonly #dive: (coarse: number, fine: number, odd: number) => void;
  #coarse = 0;
  #fine = 0;

  constructor() {
    const { dive } = new WebAssembly.Instance(module, { env: { act: () => this.#act() } }).exports;
    this.#dive = dive as (coarse: number, fine: number, odd: number) => void;
    this.measure();
  }

  /** Finds where the stack ends; that changes a little when the engine compiles a function anew. */
  measure(): void {
    const nothing = (): void => undefined;
    this.#coarse = 0;
    this.#coarse = largest((n) => this.#call(nothing, n, 0, 0)) - 1;
    this.#fine = largest((n) => this.#call(nothing, this.#coarse, n, 0));
  }

  /** The largest `distance` that `call` takes. */
  get depth(): number {
    return this.#fine;
  }

  /**
   * Calls `act` with so many small frames of room left, or a fraction of one less.
   * @returns false when it ended in the stack's overflow
   */
  call(act: () => void, distance: number, less: boolean): boolean {
    return this.#call(act, this.#coarse, Math.max(0, this.#fine - distance), less ? 1 : 0);
  }

  #call(act: () => void, coarse: number, fine: number, odd: number): boolean {
    this.#act = act;
    try {
      this.#dive(coarse, fine, odd);
      return true;
    } catch (error) {
      if (error instanceof RangeError) return false;
      throw error;
    }
  }
}

/** The largest number that `fits`, of those that do. */
function largest(fits: (number: number) => boolean): number {
  let least = 0;
  let most = 1;
  while (fits(most)) most *= 2;
  while (most - least > 1) {
    const middle = Math.floor((least + most) / 2);
    if (fits(middle)) least = middle;
    else most = middle;
  }
  return least;
}
