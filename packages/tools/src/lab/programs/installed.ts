/** Whole programs that Debian has compiled. They are started with an allocator; none is linked with one. */

import { chmod, cp, writeFile } from "node:fs/promises";
import * as path from "node:path";
import { execa } from "execa";
import { requireTool, runTool } from "../../base/compilers.js";
import { ExplainedError } from "../../base/errors.js";
import { debianSource } from "./debian.js";
import { redisLoad } from "./inputs.js";
import { PARTS, type Built, type Program } from "./program.js";
import type { Command, Kit } from "./toolchains.js";

/** A program that is there, with what belongs to its environment. */
function started(
  { toolchain, directory }: Kit,
  file: string,
  args: readonly string[],
  more: NodeJS.ProcessEnv = {},
): Built {
  const link = async (allocator: string): Promise<Command> => {
    const command = await toolchain.command(file, allocator, directory);
    return { ...command, env: { ...command.env, ...more } };
  };
  return { link, args };
}

interface About extends Pick<Program, "name" | "title" | "description" | "build"> {
  readonly threads?: number;
}

function installed({ threads = 1, ...about }: About): Program {
  return { ...about, threads, toolchains: ["gcc"] };
}

const PYTHON = installed({
  name: "python",
  title: "Python",
  description: "objects, dictionaries, strings and JSON, all of them from malloc",
  build: (kit) =>
    Promise.resolve(
      started(kit, "/usr/bin/python3", [path.join(PARTS, "script.py")], {
        PYTHONMALLOC: "malloc",
        PYTHONHASHSEED: "0",
        PYTHONPATH: "",
      }),
    ),
});

const PERL = installed({
  name: "perl",
  title: "Perl",
  description: "hashes, lists, strings and regular expressions",
  build: (kit) =>
    Promise.resolve(
      started(kit, "/usr/bin/perl", [path.join(PARTS, "script.pl")], {
        PERL_HASH_SEED: "0",
        PERL5OPT: "",
        PERL5LIB: "",
      }),
    ),
});

async function answerOf(command: string, question: string): Promise<string> {
  const { stdout, code } = await execa(command, [question], { reject: false });
  if (code === "ENOENT") throw new ExplainedError(`${command} is not installed`);
  return stdout;
}

/** What a compiler's driver starts: processes below the one that is started are not counted. */
async function compilerProper(driver: string, name: string): Promise<string> {
  return answerOf(driver, `--print-prog-name=${name}`);
}

/** Where the compiler proper finds the C library's headers, which its driver would tell it. */
async function systemHeaders(driver: string): Promise<string[]> {
  return ["-imultiarch", await answerOf(driver, "-print-multiarch")];
}

const GCC = installed({
  name: "cc1",
  title: "GCC, C",
  description: "the parser of Lua, compiled with -O2",
  build: async (kit) => {
    const source = path.join(await debianSource("lua5.4"), "src", "lparser.c");
    const system = await systemHeaders("gcc");
    return started(kit, await compilerProper("gcc", "cc1"), [
      "-quiet",
      ...system,
      "-O2",
      "-w",
      "-o",
      "/dev/null",
      source,
    ]);
  },
});

const GXX = installed({
  name: "cc1plus",
  title: "GCC, C++",
  description: "templates of RapidJSON and of the standard library, compiled with -O1",
  build: async (kit) => {
    const include = path.join(await debianSource("rapidjson"), "include");
    const args = [
      "-quiet",
      ...(await systemHeaders("g++")),
      "-D_GNU_SOURCE",
      "-std=c++17",
      "-O1",
      "-w",
      "-I",
      include,
      "-o",
      "/dev/null",
    ];
    return started(kit, await compilerProper("g++", "cc1plus"), [...args, path.join(PARTS, "json.cpp")]);
  },
});

const GIT = installed({
  name: "git",
  title: "git",
  description: "the sources of Lua, cmark and gawk packed, all deltas made anew",
  build: async (kit) => {
    const tree = path.join(kit.directory, "tree");
    for (const name of ["lua5.4", "cmark", "gawk"])
      await cp(await debianSource(name), path.join(tree, name), { recursive: true });
    // Whatever the user has configured.
    const env = { GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_NOSYSTEM: "1" };
    const git = (...args: string[]): Promise<void> => runTool("git", ["-C", tree, ...args], { env });
    await git("init", "--quiet");
    await git("add", "--all", "--force");
    const who = ["-c", "user.name=nobody", "-c", "user.email=nobody@localhost", "-c", "gc.auto=0"];
    await git(...who, "commit", "--quiet", "--message=all");
    const args = ["--all", "--no-reuse-delta", "--no-reuse-object", "--window=10", "--depth=50", "--threads=1", "-q"];
    return started(kit, "/usr/bin/git", ["-C", tree, "pack-objects", ...args, path.join(kit.directory, "pack")], env);
  },
});

/** The server is started, given the commands by its own client, asked what it has, and ended. */
const REDIS_SCRIPT = `#!/bin/sh
redis-server --port 0 --unixsocket redis.sock --save "" --appendonly no --dir . > /dev/null &
server=$!
trap 'kill $server' HUP INT TERM
LD_PRELOAD=
until redis-cli -s redis.sock ping > /dev/null 2>&1; do kill -0 $server || exit 1; sleep 0.01; done
redis-cli -s redis.sock --pipe < commands.txt > /dev/null
redis-cli -s redis.sock dbsize
redis-cli -s redis.sock debug digest
redis-cli -s redis.sock shutdown nosave
wait
`;

const REDIS = installed({
  name: "redis",
  title: "Redis",
  description: "a server that keeps, changes and drops strings, hashes, lists and sorted sets",
  // It has several, which do little; what it does is not the same each time.
  threads: 4,
  build: async (kit) => {
    await requireTool("redis-server");
    await requireTool("redis-cli");
    const script = path.join(kit.directory, "redis.sh");
    await writeFile(script, REDIS_SCRIPT);
    await chmod(script, 0o755);
    await writeFile(path.join(kit.directory, "commands.txt"), redisLoad(300_000));
    return started(kit, script, []);
  },
});

export const INSTALLED: readonly Program[] = [PYTHON, PERL, GCC, GXX, GIT, REDIS];
