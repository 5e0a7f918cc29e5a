/** The C compilers that the native library is built with: one an architecture, and the flags that all share. */

import { execa } from "execa";
import { ExplainedError } from "../base/errors.js";
import { ARCHITECTURES, type Architecture } from "../profile/architecture.js";

/** GNU names of the architectures: prefix of Debian's cross compilers, and of their system roots. */
const GNU_NAMES: Readonly<Record<Architecture, string>> = { x64: "x86_64-linux-gnu", arm64: "aarch64-linux-gnu" };
const QEMU_NAMES: Readonly<Record<Architecture, string>> = { x64: "qemu-x86_64", arm64: "qemu-aarch64" };

/** Width of the addresses that Linux gives programs: foreign pointers of any value up to it are looked up in the region map. */
export const ADDRESS_BITS: Readonly<Record<Architecture, number>> = { x64: 47, arm64: 48 };

/**
 * The library is one translation unit. Thread-local state is initial-exec: a fixed offset from the thread pointer, no call. No
 * call goes through the lazy linker. The compiler must not turn calloc's own clearing into a call of calloc.
 */
export const COMPILER_FLAGS: readonly string[] = [
  "-std=gnu11",
  "-O3",
  "-fPIC",
  "-ftls-model=initial-exec",
  "-fvisibility=hidden",
  "-fno-semantic-interposition",
  "-fno-plt",
  "-fno-strict-aliasing",
  "-fno-builtin-malloc",
  "-fno-builtin-calloc",
  "-fno-builtin-realloc",
  "-fno-builtin-free",
  "-fomit-frame-pointer",
  "-flto",
  "-pthread",
  "-Wall",
  "-Wextra",
  "-Werror",
];

export const LINKER_FLAGS: readonly string[] = ["-shared", "-Wl,-z,now", "-Wl,-z,relro", "-Wl,-soname,libhakmem.so"];

/** There is no compiler for an architecture, or what it made does not run. */
export class NativeCompilerError extends ExplainedError {
  override readonly name = "NativeCompilerError";
}

/** A compiler that answers. */
export interface Compiler {
  readonly command: string;
  readonly architecture: Architecture;
  /** First line of `--version`. */
  readonly version: string;
}

/** This machine's architecture. Throws {@link NativeCompilerError} when the library has not been brought to it. */
export function hostArchitecture(): Architecture {
  const host = ARCHITECTURES.find((name) => name === process.arch);
  if (process.platform === "linux" && host !== undefined) return host;
  throw new NativeCompilerError(
    `this machine is ${process.platform} ${process.arch}; the native library runs on linux ${ARCHITECTURES.join(" and ")}`,
  );
}

/** The compiler for `architecture`, or undefined when none is installed. `CC` replaces this machine's own. */
export async function findCompiler(architecture: Architecture): Promise<Compiler | undefined> {
  const own = process.platform === "linux" && process.arch === architecture;
  const candidates = own ? [process.env["CC"] ?? "gcc", "cc"] : [`${GNU_NAMES[architecture]}-gcc`];
  for (const command of candidates) {
    try {
      const { stdout } = await execa(command, ["--version"]);
      return { command, architecture, version: stdout.split("\n", 1)[0] ?? "" };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  }
  return undefined;
}

/** As {@link findCompiler}, but throws {@link NativeCompilerError}, which says what to install. */
export async function requireCompiler(architecture: Architecture): Promise<Compiler> {
  const compiler = await findCompiler(architecture);
  if (compiler !== undefined) return compiler;
  const debian = process.arch === architecture ? "gcc libc6-dev" : `gcc-${GNU_NAMES[architecture]}`;
  throw new NativeCompilerError(`no C compiler for ${architecture} was found; on Debian: apt-get install ${debian}`);
}

/** Words to put before a program of `architecture` so that it runs here. */
export function emulator(architecture: Architecture): readonly string[] {
  if (process.arch === architecture) return [];
  return [QEMU_NAMES[architecture], "-L", `/usr/${GNU_NAMES[architecture]}`];
}

/** The archiver that belongs to a compiler and understands its intermediate code. */
export function archiver({ command }: Compiler): string {
  return command.endsWith("gcc") ? `${command}-ar` : "ar";
}
