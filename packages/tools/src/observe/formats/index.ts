/** The formats that profiles are written in, by the names of files. */

import { RequestError } from "../../base/errors.js";
import type { HeapProfile } from "../heap-profile.js";
import { toFolded } from "./folded.js";
import { toHeapprofile } from "./heapprofile.js";
import { toPprof } from "./pprof.js";

interface Format {
  readonly endings: readonly string[];
  readonly what: string;
  readonly write: (profile: HeapProfile, time: number) => string | Uint8Array;
}

export const FORMATS: readonly Format[] = [
  { endings: [".pb.gz", ".pprof"], what: "pprof", write: toPprof },
  { endings: [".heapprofile"], what: "Chrome's developer tools", write: toHeapprofile },
  { endings: [".folded"], what: "folded stacks, for flame graphs", write: toFolded },
];

/** Throws {@link RequestError} when the name has none of the endings. */
export function formatOf(file: string): Format & { readonly ending: string } {
  for (const format of FORMATS) {
    const ending = format.endings.find((each) => file.endsWith(each));
    if (ending !== undefined) return { ...format, ending };
  }
  const known = FORMATS.map(({ endings, what }) => `${endings.join(" or ")} (${what})`).join(", ");
  throw new RequestError(`${file}: the name's ending says what to write: ${known}`);
}
