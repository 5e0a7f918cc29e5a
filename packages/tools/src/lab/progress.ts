/** One line on a terminal that says what is done, and how long the rest will take. Silent where nobody watches. */

import type { Progress } from "./session.js";

const LINE_WIDTH = 100;
/** Redrawing more often than this would be work for the machine that is measured. */
const INTERVAL_MILLISECONDS = 100;

export class ProgressLine {
  private first: number | undefined;
  private drawn = 0;

  constructor(private readonly stream: NodeJS.WriteStream = process.stderr) {}

  show({ doing, done, total }: Progress): void {
    if (!this.stream.isTTY) return;
    const now = performance.now();
    if (done > 0) this.first ??= now;
    if (now - this.drawn < INTERVAL_MILLISECONDS) return;
    this.drawn = now;
    const percent = total === 0 ? 0 : Math.floor((100 * done) / total);
    const left =
      this.first === undefined || done < 2
        ? ""
        : `, ${duration(((now - this.first) / (done - 1)) * (total - done))} left`;
    this.stream.write(`\r\u001b[2K${`${percent} % ${doing}${left}`.slice(0, LINE_WIDTH)}`);
  }

  clear(): void {
    if (this.stream.isTTY) this.stream.write("\r\u001b[2K");
  }
}

/** `45 s`, `3 min 20 s`. */
export function duration(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000);
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}
