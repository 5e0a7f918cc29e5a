/** What every experiment says of itself, and the page that records it. */

import { mkdir, readdir, writeFile } from "node:fs/promises";
import * as path from "node:path";
import { messageOf, RequestError } from "../../base/errors.js";
import { ROOT } from "../../base/paths.js";
import type { Host } from "../results.js";
import type { Thresholds, Verdict } from "./verdict.js";

/** Variants that were measured beside a baseline, and judged. */
export interface Judged {
  readonly host: Host;
  readonly node: string;
  /** Whether it was interrupted; what is here was finished. */
  readonly incomplete: boolean;
  readonly rounds: number;
  readonly thresholds: Thresholds;
  readonly baseline: string;
  readonly variants: readonly JudgedVariant[];
}

export interface JudgedVariant {
  readonly variant: string;
  readonly commit: string | null;
  /** Null when there was nothing to judge by. */
  readonly verdict: Verdict | null;
}

export const EXPERIMENTS = path.join(ROOT, "docs", "experiments");

export interface RecordOptions {
  /** What was tried, one line. */
  readonly title: string;
  /** Why it was tried, or why it is decided as it is. */
  readonly reason?: string;
  readonly directory?: string;
}

/** Writes the experiment, printed as `text`, as the next page of `docs/experiments/` and returns its path. */
export async function recordExperiment(experiment: Judged, text: string, options: RecordOptions): Promise<string> {
  const { title, reason, directory = EXPERIMENTS } = options;
  const slug = title
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^-|-$/g, "");
  if (slug === "") throw new RequestError(`title "${title}" has no letter or digit; it becomes the record's file name`);
  await mkdir(directory, { recursive: true });
  const number = String(1 + (await lastNumber(directory))).padStart(3, "0");
  const file = path.join(directory, `${number}-${slug}.md`);
  try {
    await writeFile(file, pageOf(experiment, text, number, title, reason), { flag: "wx" });
  } catch (error) {
    throw new RequestError(`the record ${file} cannot be written: ${messageOf(error)}`);
  }
  return file;
}

async function lastNumber(directory: string): Promise<number> {
  const numbers = (await readdir(directory)).map((name) => Number(/^(\d{3})-/.exec(name)?.[1] ?? 0));
  return Math.max(0, ...numbers);
}

function pageOf(
  { host, node, variants }: Judged,
  text: string,
  number: string,
  title: string,
  reason: string | undefined,
): string {
  const verdicts = variants.map(({ variant, verdict, commit }) => {
    const where = commit === null ? "" : ` (commit ${commit.slice(0, 12)})`;
    return `* \`${variant}\`${where}: **${verdict ?? "failed"}**`;
  });
  return `# ${number} ${title}

${reason ?? "No reason was recorded."}

${verdicts.join("\n")}

\`\`\`
${text.trimEnd()}
\`\`\`

Measured ${host.time} on ${host.cpu}, ${host.cores} cores, ${host.os}, Node ${node}.
`;
}
