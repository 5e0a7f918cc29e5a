/** What `hakmem doctor` does. */

import { RequestError } from "../../base/errors.js";
import { formatCheck } from "../../doctor/check.js";
import { examine } from "../../doctor/doctor.js";
import { EXIT, type CommonOptions } from "../command.js";

export interface DoctorOptions extends CommonOptions {
  readonly url?: readonly string[];
  readonly project: string;
  readonly smoke: boolean;
  readonly json: boolean;
}

export async function doctor({ url: urls = [], project, smoke, json, quiet }: DoctorOptions): Promise<void> {
  for (const url of urls)
    if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
      throw new RequestError(`--url ${url} is no address; give one as http://localhost:5173`);
  const groups = await examine({
    urls,
    project,
    smoke,
    root: "/",
    onStep: (step) => {
      if (!quiet && process.stderr.isTTY) console.error(`looking at ${step}`);
    },
  });
  const checks = groups.flatMap((group) => group.checks);
  const count = (state: string): number => checks.filter((check) => check.state === state).length;
  const summary = { ok: count("ok"), warnings: count("warning"), broken: count("broken") };
  if (json) console.log(JSON.stringify({ version: 1, ...summary, groups }, null, 2));
  else {
    for (const { title, checks: own } of groups) console.log(`${title}\n${own.map(formatCheck).join("\n")}\n`);
    console.log(`${summary.ok} ✓  ${summary.warnings} !  ${summary.broken} ✗`);
  }
  process.exitCode = summary.broken > 0 ? EXIT.failed : EXIT.ok;
}
