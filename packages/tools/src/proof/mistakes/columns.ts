/** The allocators that the wrong programs are run under, and how each says that something is wrong. */

import { mkdir, readdir, realpath, rename, writeFile } from "node:fs/promises";
import * as path from "node:path";
import { execa } from "execa";
import { buildNative } from "../../build/native.js";
import { runTool } from "../../base/compilers.js";
import { hostArchitecture, requireCompiler } from "../../build/native-compiler.js";
import { cacheDirectory } from "../../base/cache.js";
import { exists } from "../../base/exists.js";
import { messageOf } from "../../base/errors.js";
import { findPeer, NATIVE_PEERS } from "../../run/allocators.js";
import { loadProfile } from "../../profile/index.js";
import { withScratch } from "../../base/scratch.js";

export interface Column {
  readonly name: string;
  /** What exactly was run, for the table's notes. */
  readonly version: string;
  readonly environment: Readonly<Record<string, string>>;
  /** A line of standard error by which it tells of a mistake. */
  readonly message: RegExp;
  /** Ours: a false alarm fails the run. */
  readonly ours: boolean;
}

/** One that cannot be had here. */
export interface Absent {
  readonly name: string;
  readonly why: string;
}

/** Profiles of ours in the table. */
const PROFILES = ["default", "hardened", "guard"] as const;
const GLIBC_MESSAGE = /^(?:free|malloc|realloc|memalign|munmap_chunk|corrupted|double free|mremap_chunk|calloc)\b.*/m;
const MIMALLOC_MESSAGE = /^mimalloc: error: .*/m;
const HAKMEM_MESSAGE = /^hakmem: (?!process ).*/m;

/** Every allocator of the table that this machine has, and why it has not the others. */
export async function columns(): Promise<{ present: Column[]; absent: Absent[] }> {
  const present: Column[] = [];
  const absent: Absent[] = [];
  for (const [name, make] of MAKERS) {
    try {
      present.push(await make());
    } catch (error) {
      absent.push({ name, why: messageOf(error).split("\n", 1)[0] ?? "" });
    }
  }
  return { present, absent };
}

/** Ours, of one profile. */
export async function hakmemColumn(profile: string): Promise<Column> {
  const { shared } = await buildNative({ profile: await loadProfile(profile) });
  return {
    name: `hakmem ${profile}`,
    version: `profile ${profile}`,
    environment: { LD_PRELOAD: shared, HAKMEM_VERBOSE: "1" },
    message: HAKMEM_MESSAGE,
    ours: true,
  };
}

const MAKERS: readonly (readonly [string, () => Promise<Column>])[] = [
  ["glibc", glibc],
  ["glibc check", glibcCheck],
  ["mimalloc", mimalloc],
  ["mimalloc-secure", mimallocSecure],
  ...PROFILES.map((profile) => [`hakmem ${profile}`, () => hakmemColumn(profile)] as const),
];

async function glibc(): Promise<Column> {
  const { stdout } = await execa("getconf", ["GNU_LIBC_VERSION"]);
  return { name: "glibc", version: stdout.trim(), environment: {}, message: GLIBC_MESSAGE, ours: false };
}

/** glibc's own checks, which cost it a library and a setting. */
async function glibcCheck(): Promise<Column> {
  const plain = await glibc();
  const library = await findPeer({ ...DEBUG_LIBRARY, statistics: undefined });
  return {
    ...plain,
    name: "glibc check",
    version: `${plain.version} with libc_malloc_debug.so.0 and glibc.malloc.check=3`,
    environment: { LD_PRELOAD: library ?? "", GLIBC_TUNABLES: "glibc.malloc.check=3" },
  };
}

const DEBUG_LIBRARY = { name: "libc_malloc_debug", files: ["libc_malloc_debug.so.0"], package: "libc6" };

async function mimalloc(): Promise<Column> {
  const peer = NATIVE_PEERS.find(({ name }) => name === "mimalloc");
  if (peer === undefined) throw new Error("the lab no longer knows mimalloc");
  const library = await realpath((await findPeer(peer)) ?? "");
  return {
    name: "mimalloc",
    version: `mimalloc ${await packageVersion("libmimalloc2.0")}`,
    environment: { LD_PRELOAD: library, MIMALLOC_SHOW_ERRORS: "1" },
    message: MIMALLOC_MESSAGE,
    ours: false,
  };
}

async function packageVersion(name: string): Promise<string> {
  const { stdout } = await execa("dpkg-query", ["--show", "--showformat=${Version}", name]);
  return stdout.trim();
}

/**
 * mimalloc with all of its mitigations. No package of Debian 12 has it, so it is made from the source of the package that it
 * does have, with the flags of its own build.
 */
async function mimallocSecure(): Promise<Column> {
  const plain = await mimalloc();
  const version = await packageVersion("libmimalloc2.0");
  const directory = path.join(cacheDirectory(), "mimalloc-secure");
  const library = path.join(directory, `libmimalloc-secure-${version}.so`);
  if (!(await exists(library))) {
    await withScratch("mimalloc", async (work) => {
      const source = await fetchSource("mimalloc", work);
      const built = path.join(work, "secure.so");
      const { command } = await requireCompiler(hostArchitecture());
      await runTool(command, [
        ...["-std=gnu11", "-O2", "-DNDEBUG", "-fPIC", "-shared", "-pthread", "-w"],
        ...["-fvisibility=hidden", "-ftls-model=initial-exec", "-fno-builtin-malloc"],
        ...["-DMI_SECURE=4", "-DMI_MALLOC_OVERRIDE", "-DMI_SHARED_LIB", "-DMI_SHARED_LIB_EXPORT"],
        ...["-I", path.join(source, "include"), path.join(source, "src", "static.c"), "-o", built],
      ]);
      await mkdir(directory, { recursive: true });
      await rename(built, library).catch(async () => runTool("cp", [built, library]));
    });
  }
  return {
    ...plain,
    name: "mimalloc-secure",
    version: `mimalloc ${version} with MI_SECURE=4`,
    environment: { ...plain.environment, LD_PRELOAD: library },
  };
}

/** Unpacks the source of a Debian package into `work`, with lists of its own: the system's are left as they are. */
async function fetchSource(name: string, work: string): Promise<string> {
  const format = "deb-src $(SITE) $(RELEASE) $(COMPONENT)";
  const targets = await execa("apt-get", ["indextargets", "--format", format, "Created-By: Packages"]);
  const main = targets.stdout.split("\n").filter((line) => / main$/.test(line));
  await writeFile(path.join(work, "sources.list"), [...new Set(main)].join("\n") + "\n");
  for (const folder of ["lists/partial", "cache/archives/partial"]) {
    await mkdir(path.join(work, folder), { recursive: true });
  }
  const options = [
    ...["-o", `Dir::Etc::SourceList=${path.join(work, "sources.list")}`, "-o", "Dir::Etc::SourceParts=/dev/null"],
    ...["-o", `Dir::State::Lists=${path.join(work, "lists")}`, "-o", `Dir::Cache=${path.join(work, "cache")}`],
  ];
  const apt = async (...args: string[]): Promise<unknown> =>
    execa("apt-get", [...options, "--quiet=2", ...args], { cwd: work, timeout: 180_000 });
  await apt("update");
  await apt("source", "--download-only", name);
  const archive = (await readdir(work)).find((file) => /\.orig\.tar\.\w+$/.test(file));
  if (archive === undefined) throw new Error(`the source of ${name} has no archive`);
  await mkdir(path.join(work, "source"));
  await runTool("tar", ["-xf", path.join(work, archive), "--strip-components=1", "-C", path.join(work, "source")]);
  return path.join(work, "source");
}
