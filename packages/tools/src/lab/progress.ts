/** One line on a terminal that says what is done, and how long the rest will take. Silent where nobody watches. */

import type { Progress } from "./session.js";

/** Of a terminal that does not tell. */
const DEFAULT_WIDTH = 80;
/** Redrawing more often than this would be work for the machine that is measured. */
const INTERVAL_MILLISECONDS = 100;

export class ProgressLine {
  private first: number | undefined;
  private drawn = 0;

  private readonly stream: NodeJS.WriteStream;
  private readonly silent: boolean;

  constructor({ quiet = false, stream = process.stderr }: { quiet?: boolean; stream?: NodeJS.WriteStream } = {}) {
    this.stream = stream;
    this.silent = quiet || !stream.isTTY;
  }

  show({ doing, done, total }: Progress): void {
    if (this.silent) return;
    const now = performance.now();
    if (done > 0) this.first ??= now;
    if (now - this.drawn < INTERVAL_MILLISECONDS) return;
    this.drawn = now;
    const percent = total === 0 ? 0 : Math.floor((100 * done) / total);
    const left =
      this.first === undefined || done < 2
        ? ""
        : `, ${duration(((now - this.first) / (done - 1)) * (total - done))} left`;
    this.stream.write(
      `\r\u001b[2K${`${percent} % ${doing}${left}`.slice(0, (this.stream.columns ?? DEFAULT_WIDTH) - 1)}`,
    );
  }

  clear(): void {
    if (!this.silent) this.stream.write("\r\u001b[2K");
  }
}

/** `45 s`, `3 min 20 s`. */
export function duration(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000);
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}
