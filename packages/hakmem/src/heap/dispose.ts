/** `using` for classes, also where the language, or the types of a program's, have no `Symbol.dispose` yet. */

/** What tools that translate `using` take in its place. */
const DISPOSE: symbol = (Symbol as { dispose?: symbol }).dispose ?? Symbol.for("Symbol.dispose");

/** Has `using` call `method` at the end of its block. */
export function makeDisposable<T extends object>(prototype: T, method: (this: T) => void): void {
  Object.defineProperty(prototype, DISPOSE, { value: method });
}

/** What `using` needs, as far as a program's types know it. */
export type AutoDisposable = SymbolConstructor extends { readonly dispose: infer Key extends symbol }
  ? { readonly [K in Key]: () => void }
  : object;
