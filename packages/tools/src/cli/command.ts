/** What all commands share: exit codes, option parsers with errors that say what is valid, and the way they are registered. */

import { Command, CommanderError, InvalidArgumentError } from "commander";
import { ExplainedError, RequestError, unknownName } from "../base/errors.js";

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

/**
 * Adds one command to the program. Every file in `commands/` exports one: what it is called and takes, which costs nothing to load;
 * what it does is in `actions/`, and is loaded when it is done.
 */
export type Register = (program: Command) => void;

/** Options that every command has. */
export interface CommonOptions {
  /** Print what was asked for, and errors, but nothing on the way. */
  readonly quiet: boolean;
}

/** A program of these commands. */
export function makeProgram(name: string, description: string, commands: readonly Register[]): Command {
  const program = new Command(name)
    .description(description)
    .showHelpAfterError(`(${name} --help, or ${name} COMMAND --help, says more)`)
    .enablePositionalOptions()
    .exitOverride();
  for (const register of commands) register(program);
  for (const command of program.commands)
    command.option("--quiet", "print results and errors, and nothing on the way", false);
  return program;
}

/** Runs the command that the process's arguments name, and sets the exit code. */
export async function runProgram(program: Command, args: readonly string[] = process.argv.slice(2)): Promise<void> {
  // Who reads the output may have seen enough.
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      process.exit(error.code === "EPIPE" ? EXIT.ok : EXIT.failed);
    });
  }
  try {
    refuseUnknownCommand(program, args[0]);
    await program.parseAsync(args, { from: "user" });
  } catch (error) {
    if (error instanceof CommanderError) {
      // It has printed itself.
      process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    } else {
      console.error(error instanceof ExplainedError ? `error: ${error.message}` : error);
      process.exitCode = error instanceof RequestError ? EXIT.usage : EXIT.failed;
    }
  }
}

/** Before the parser sees it, which would show its help for any name that has `--help` behind it. */
function refuseUnknownCommand(program: Command, name: string | undefined): void {
  if (name === undefined || name.startsWith("-")) return;
  const visible = program.createHelp().visibleCommands(program);
  if ([...program.commands, ...visible].some((command) => command.name() === name)) return;
  throw unknownName(
    "command",
    name,
    visible.map((command) => command.name()),
  );
}

/** The options that were written on the command line, by name. */
export function givenOptions(command: Command): string[] {
  return Object.keys(command.opts()).filter((name) => command.getOptionValueSource(name) === "cli");
}

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

/** An option that is a number of bytes from 1 to `most`, with k, m or g for powers of 1024. */
export function byteCount(most: number): (text: string) => number {
  return (text) => {
    const found = /^(\d+)([kmg]?)$/i.exec(text.trim());
    const value = Number(found?.[1]) * 1024 ** ["", "k", "m", "g"].indexOf(found?.[2]?.toLowerCase() ?? "");
    if (!(value >= 1 && value <= most))
      throw new InvalidArgumentError(`It must be a whole number from 1 to ${most}, with k, m or g for powers of 1024.`);
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
  return [...new Set([...previous, ...words])];
}

/** As `list`, in place of the default instead of behind it. */
export function listFrom(initial: readonly string[]): (text: string, previous: readonly string[]) => readonly string[] {
  return (text, previous) => list(text, previous === initial ? [] : previous);
}

/** As `list`, each of them one of `valid`; in place of the default `initial`, if there is one. */
export function listOf<Name extends string>(
  valid: readonly Name[],
  initial?: readonly Name[],
): (text: string, previous?: readonly Name[]) => readonly Name[] {
  return (text, previous = []) => {
    const words = list(text).map((word) => {
      const name = valid.find((each) => each === word);
      if (name === undefined) throw new InvalidArgumentError(`"${word}" is not one of ${valid.join(", ")}.`);
      return name;
    });
    return [...new Set([...(previous === initial ? [] : previous), ...words])];
  };
}
