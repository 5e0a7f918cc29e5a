/** One line on a terminal that says what is done, and how long the rest will take. Silent where nobody watches. */

import type { Progress } from "./session.js";

export interface ProgressOptions {
  readonly quiet?: boolean;
  readonly stream?: NodeJS.WriteStream;
}

/** So many of the last steps say how fast it goes: steps of a session differ, and come again every round. */
const REMEMBERED_STEPS = 100;

/** Runs `work` with a function that shows how far it is; the line is gone when it ends, however it ends. */
export async function withProgress<T>(
  { quiet = false, stream = process.stderr }: ProgressOptions,
  work: (show: (progress: Progress) => void) => Promise<T>,
): Promise<T> {
  if (quiet || !stream.isTTY) return work(() => {});
  const { default: progress } = await import("cli-progress");
  const { SingleBar, Format } = progress;
  const bar = new SingleBar({
    stream,
    format: "{percentage} % {doing}{eta_formatted}",
    // Until steps have been done it is no number of seconds.
    formatTime: (seconds: unknown, ...rest) =>
      Number(seconds) > 0 ? `, ${Format.TimeFormat(Number(seconds), ...rest)} left` : "",
    etaBuffer: REMEMBERED_STEPS,
    emptyOnZero: true,
    clearOnComplete: true,
    // What is too long is cut off: an interrupt must not leave a terminal behind that no longer wraps lines.
    linewrap: true,
  });
  let before: Progress | undefined;
  try {
    return await work((now) => {
      const { doing, done, total } = now;
      if (before === undefined) bar.start(total, done, { doing });
      else if (done === before.done) bar.update({ doing });
      else bar.update(done, { doing });
      before = now;
    });
  } finally {
    bar.stop();
  }
}
