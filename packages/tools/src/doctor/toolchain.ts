/** The programs that commands call, and which of them need each. */

import { execa } from "execa";
import { compilerEnvironment } from "../base/compilers.js";
import { broken, ok, warning, type Check } from "./check.js";

interface Tool {
  readonly name: string;
  /** Commands by preference: the first that is there is asked. */
  readonly commands: readonly string[];
  readonly args: readonly string[];
  /** What does not work without it. */
  readonly needed: string;
  readonly install: string;
  /** What the answer must contain; anything unless given. */
  readonly says?: RegExp;
}

/** Oldest Node that the packages run in. */
const OLDEST_NODE = 20;
const TIMEOUT_MS = 20_000;

const TOOLS: readonly Tool[] = [
  {
    name: "C compiler",
    commands: [...(process.env["CC"] ? [process.env["CC"]] : []), "gcc", "cc"],
    args: ["--version"],
    needed: "hakmem run, record, build-native and everything native",
    install: "Install gcc and libc6-dev, or set CC",
  },
  {
    name: "clang for WebAssembly",
    commands: clangs(),
    args: ["--print-targets"],
    says: /\bwasm32\b/,
    needed: "linking hakmem.c with programs by clang or wasi-sdk",
    install: "Install clang and lld, or wasi-sdk and set WASI_SDK_PATH",
  },
  {
    name: "emcc",
    commands: ["emcc"],
    args: ["--version"],
    needed: "linking hakmem.c with programs by Emscripten",
    install: "Install emscripten",
  },
  {
    name: "git",
    commands: ["git"],
    args: ["--version"],
    needed: "hakmem ab with revisions",
    install: "Install git",
  },
  {
    name: "valgrind",
    commands: ["valgrind"],
    args: ["--version"],
    needed: "hakmem ab --programs, which counts instructions",
    install: "Install valgrind, or use --quick",
  },
  {
    name: "addr2line",
    commands: ["addr2line"],
    args: ["--version"],
    needed: "names and lines in hakmem run --leaks and --heap-profile",
    install: "Install binutils",
  },
];

function clangs(): string[] {
  const sdk = process.env["WASI_SDK_PATH"];
  const versions = [19, 18, 17, 16, 15, 14].map((version) => `clang-${version}`);
  return [...(sdk ? [`${sdk}/bin/clang`] : []), "clang", ...versions];
}

/** Node and each of the tools, in this process's `PATH`. */
export async function checkToolchain(): Promise<Check[]> {
  return [checkNode(process.versions.node), ...(await Promise.all(TOOLS.map(checkTool)))];
}

/** @param version as `process.versions.node` has it */
export function checkNode(version: string): Check {
  if (Number.parseInt(version, 10) >= OLDEST_NODE) return ok("Node", version);
  return broken("Node", version, `Install Node ${OLDEST_NODE} or later: nothing here runs in older ones`);
}

async function checkTool({ name, commands, args, needed, install, says }: Tool): Promise<Check> {
  let unfit: string | undefined;
  for (const command of commands) {
    const env = { PATH: compilerEnvironment().PATH };
    const result = await execa(command, [...args], { env, reject: false, all: true, timeout: TIMEOUT_MS });
    if (result.code === "ENOENT" || result.code === "ENOTDIR") continue;
    if (result.failed) {
      const said = result.all.split("\n", 1)[0] ?? "";
      return broken(
        name,
        `${command} is there, but fails: ${said || result.shortMessage}`,
        `${install}; needed for ${needed}`,
      );
    }
    if (says === undefined) return ok(name, result.all.split("\n", 1)[0] ?? command);
    if (says.test(result.all)) return ok(name, `${command} has the target`);
    unfit ??= command;
  }
  const found = unfit === undefined ? "not found" : `${unfit} has no such target`;
  return warning(name, found, `${install}; needed for ${needed}`);
}
