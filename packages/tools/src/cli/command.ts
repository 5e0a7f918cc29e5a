/** What all commands share: exit codes, option parsers with errors that say what is valid, and the way they are registered. */

import { type Command, InvalidArgumentError } from "commander";
import type { Results } from "../lab/results.js";

/** Exit codes of every command. */
export const EXIT = {
  /** Done. */
  ok: 0,
  /** Done, but something that was asked for failed; it is named in the output. */
  failed: 1,
  /** The arguments make no sense; nothing was done. */
  usage: 2,
  /** Interrupted; what was finished has been written. */
  interrupted: 130,
} as const;

/** The exit code that says how a measurement went. */
export function exitCodeOf({ incomplete, results }: Results): number {
  if (incomplete) return EXIT.interrupted;
  return results.some(({ failure }) => failure !== null) ? EXIT.failed : EXIT.ok;
}

/** Adds one command to the program. Every file in `commands/` exports one. */
export type Register = (program: Command) => void;

/** An option that is a whole number from `least` to `most`. */
export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === "" || !Number.isInteger(value) || value < least || value > most) {
      throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
    }
    return value;
  };
}

/** An option that is a number above 0 and up to `most`. */
export function positiveNumber(most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === "" || !(value > 0 && value <= most)) {
      throw new InvalidArgumentError(`It must be a number above 0 and at most ${most}.`);
    }
    return value;
  };
}

/** An option that is a list: repeated, or with commas. */
export function list(text: string, previous: readonly string[] = []): readonly string[] {
  const words = text.split(",").map((word) => word.trim());
  if (words.includes("")) throw new InvalidArgumentError("It must be names with commas between them.");
  return [...previous, ...words];
}

/** As `list`, in place of the default instead of behind it. */
export function listFrom(initial: readonly string[]): (text: string, previous: readonly string[]) => readonly string[] {
  return (text, previous) => list(text, previous === initial ? [] : previous);
}
