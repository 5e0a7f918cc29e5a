/** `Symbol.dispose`, or what tools that translate `using` take where the language has none yet. */
export const dispose = ((Symbol as { dispose?: symbol }).dispose ??
  Symbol.for("Symbol.dispose")) as typeof Symbol.dispose;
