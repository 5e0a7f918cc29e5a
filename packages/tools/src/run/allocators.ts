/** The allocators that a Linux program can be started with: ours, the C library's, and those of Debian's packages. */

import * as path from "node:path";
import { exists } from "../base/exists.js";
import { ExplainedError } from "../base/errors.js";

/** A replacement for malloc in a shared library of the system, or the C library's own. */
export interface NativePeer {
  readonly name: string;
  /** File names of the library, the newest first; none: the C library's own malloc. */
  readonly files: readonly string[];
  /** Debian package that installs it. */
  readonly package: string | undefined;
  /** Environment that makes it print statistics at exit. */
  readonly statistics: Readonly<Record<string, string>> | undefined;
}

export const NATIVE_PEERS: readonly NativePeer[] = [
  { name: "glibc", files: [], package: undefined, statistics: undefined },
  {
    name: "mimalloc",
    files: ["libmimalloc.so.3", "libmimalloc.so.2", "libmimalloc.so"],
    package: "libmimalloc2.0",
    statistics: { MIMALLOC_SHOW_STATS: "1" },
  },
  {
    name: "jemalloc",
    files: ["libjemalloc.so.2", "libjemalloc.so"],
    package: "libjemalloc2",
    statistics: { MALLOC_CONF: "stats_print:true" },
  },
  {
    name: "tcmalloc",
    files: ["libtcmalloc_minimal.so.4", "libtcmalloc_minimal.so"],
    package: "libtcmalloc-minimal4",
    statistics: { MALLOCSTATS: "1" },
  },
];

const DIRECTORIES: readonly string[] = [
  `/usr/lib/${process.arch === "arm64" ? "aarch64" : "x86_64"}-linux-gnu`,
  "/usr/lib64",
  "/usr/lib",
  "/usr/local/lib",
];

/** A peer that is not installed. */
export class NativePeerError extends ExplainedError {
  override readonly name = "NativePeerError";
}

/** The path of a peer's library; undefined for the C library's own. Throws {@link NativePeerError} when it is not installed. */
export async function findPeer(peer: NativePeer): Promise<string | undefined> {
  if (peer.files.length === 0) return undefined;
  for (const file of peer.files) {
    for (const directory of DIRECTORIES) {
      const candidate = path.join(directory, file);
      if (await exists(candidate)) return candidate;
    }
  }
  throw new NativePeerError(
    `${peer.name} is not installed (looked for ${peer.files.join(", ")} in ${DIRECTORIES.join(", ")})` +
      (peer.package === undefined ? "" : `; on Debian: apt-get install ${peer.package}`),
  );
}

/** The environment of a program that shall use `library`, before whatever is loaded into it already. */
export function preloading(
  library: string | undefined,
  environment: NodeJS.ProcessEnv = process.env,
): NodeJS.ProcessEnv {
  if (library === undefined) return environment;
  const present = environment["LD_PRELOAD"];
  return { ...environment, LD_PRELOAD: present ? `${library}:${present}` : library };
}
