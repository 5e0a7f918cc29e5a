/** What `hakmem view` does. */

import { RequestError } from "../../base/errors.js";
import { checkOutputFile, writeOutput } from "../../base/output.js";
import { viewFiles } from "../../view/inputs.js";
import { startLive, type LiveProgram } from "../../view/live.js";
import { viewerPage } from "../../view/page.js";
import { serve } from "../../view/server.js";
import type { CommonOptions } from "../command.js";

export interface ViewOptions extends CommonOptions {
  readonly live: boolean;
  readonly html?: string;
  readonly port?: number;
  readonly profile: readonly string[];
  readonly sampleBytes?: number;
}

const SAMPLE_BYTES = 512 * 2 ** 10;

export async function view(files: readonly string[], options: ViewOptions): Promise<void> {
  const { live, html, port = 0, profile, sampleBytes, quiet } = options;
  const [first, ...rest] = files;
  if (first === undefined)
    throw new RequestError(live ? "name the program to start, behind --" : "name a recording or a heap profile");
  if (live) {
    if (html !== undefined) throw new RequestError("--html is for files; what is live has no end");
    return viewLive(first, rest, options);
  }
  if (sampleBytes !== undefined) throw new RequestError("--sample-bytes is for --live");
  if (html !== undefined) {
    await checkOutputFile(html);
    await writeOutput(html, await viewerPage(await viewFiles(files, profile).all));
    return;
  }
  const views = viewFiles(files, profile);
  // Said below, not before there is a server.
  for (const each of [views.first, views.all]) each.catch(() => undefined);
  const { url, close } = await serve(port, views);
  if (!quiet) console.error(`hakmem: ${url} shows it, until this is interrupted`);
  try {
    // What is wrong with a file ends it at once.
    await views.all;
  } catch (error) {
    close();
    throw error;
  }
  await new Promise<void>((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, resolve);
  });
  close();
}

async function viewLive(program: string, args: readonly string[], options: ViewOptions): Promise<void> {
  const { port = 0, profile, sampleBytes = SAMPLE_BYTES, quiet } = options;
  const [own = "default", another] = profile;
  if (another !== undefined) throw new RequestError("a program runs under one profile; name one");
  const only = Promise.resolve([{ kind: "live" as const, name: program }]);
  let running: LiveProgram | undefined;
  // First: where nothing can be shown nothing is begun.
  const { url, close } = await serve(port, { first: only, all: only }, async () => running?.moment());
  try {
    running = await startLive(program, args, { profile: own, sampleBytes, quiet });
    if (!quiet) console.error(`hakmem: ${url} shows it while it runs`);
    process.exitCode = (await running.ended).code;
    // Who looks shall see the end.
    await new Promise((resolve) => setTimeout(resolve, 1500));
  } finally {
    close();
    await running?.remove();
  }
}
