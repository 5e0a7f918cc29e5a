/** All checks, in groups. Start with {@link examine}. */

import { loadProfile } from "../profile/index.js";
import type { Check } from "./check.js";
import { checkEnvironment, retainedBytes } from "./environment.js";
import { checkProject } from "./project.js";
import { smokeModules, smokeNative } from "./smoke.js";
import { checkEngine, checkSystem } from "./system.js";
import { checkToolchain } from "./toolchain.js";
import { checkPage } from "./web.js";

export interface ExamineOptions {
  /** Pages whose server is asked. */
  readonly urls: readonly string[];
  /** Where a project's settings are looked for. */
  readonly project: string;
  /** Whether builds are run; the native library is built first, unless it has been. */
  readonly smoke: boolean;
  /** Where `proc` and `sys` are: `/`. */
  readonly root: string;
  readonly onStep: (step: string) => void;
}

export interface Group {
  readonly title: string;
  readonly checks: readonly Check[];
}

/** Groups without a check are left out. */
export async function examine({ urls, project, smoke, root, onStep }: ExamineOptions): Promise<Group[]> {
  const { retain } = await loadProfile("default");
  onStep("programs");
  const groups: Group[] = [{ title: "programs", checks: await checkToolchain() }];
  const kept = retainedBytes(process.env) ?? retain.bytes;
  groups.push({
    title: "system",
    checks: [...checkEngine(), ...(await checkSystem({ root, retainedBytes: kept }))],
  });
  groups.push({ title: "environment", checks: await checkEnvironment(process.env) });
  groups.push({ title: "project", checks: await checkProject(project) });
  for (const url of urls) {
    onStep(url);
    groups.push({ title: url, checks: await checkPage(url) });
  }
  if (smoke) {
    onStep("modules");
    groups.push({ title: "builds", checks: [...(await smokeModules()), ...(await smokeNative(onStep))] });
  }
  return groups.filter(({ checks }) => checks.length > 0);
}
