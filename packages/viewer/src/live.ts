/** A running program: asked once a second while the page can be seen. */

import type { LiveMoment, LiveView } from "../../tools/src/view/data.js";
import { make } from "./dom.js";
import { Flames } from "./flame.js";
import { bytes, count, duration } from "./format.js";
import { PageMap } from "./map.js";
import { Table } from "./table.js";
import { TimeLine } from "./time-line.js";

const EVERY = 1000;
/** In ns. */
const PATIENCE = 3e9;
const SERIES = ["in use", "taken from the system", "cached", "free"];

export class LivePanel {
  readonly element: HTMLElement;
  private readonly now = make("p", { class: "now", "aria-live": "polite" }, "waiting for the program");
  private readonly place = make("div");
  private readonly map = new PageMap({ pageBytes: 0, classes: [] });
  private readonly flames = new Flames();
  private readonly classes = new Table("Size classes", [
    { name: "block", show: bytes },
    { name: "slabs", show: count },
    { name: "in use", show: count },
    { name: "cached", show: count },
  ]);
  private readonly moments: LiveMoment[] = [];
  private line: TimeLine | undefined;

  constructor(view: LiveView) {
    this.element = make(
      "section",
      { class: "panel", "aria-label": view.name },
      make("h2", {}, view.name),
      this.place,
      this.now,
      this.map.element,
      this.flames.element,
      this.classes.element,
    );
    void this.ask();
  }

  repaint(): void {
    this.line?.repaint();
    this.map.draw();
  }

  private async ask(): Promise<void> {
    for (let running = true; running;) {
      if (!document.hidden) {
        try {
          const answer = await fetch("/live.json");
          const moment = (await answer.json()) as LiveMoment;
          this.moments.push(moment);
          this.show(moment);
          ({ running } = moment);
        } catch {
          running = false;
          this.now.textContent = "the program has ended";
        }
      }
      await new Promise((resolve) => setTimeout(resolve, EVERY));
    }
  }

  private show(moment: LiveMoment): void {
    const { time, live, committed, cached, free, running, classes, flame } = moment;
    const state = running ? "runs" : "has ended";
    if (!moment.isKnown) {
      const why =
        time > PATIENCE
          ? ": it was not loaded with the library (is it static, or set-user-ID?), or does not answer"
          : "";
      this.now.textContent = `${state}, after ${duration(time)}, and has told nothing yet${why}`;
      return;
    }
    this.now.textContent = `${state}, after ${duration(time)}: ${bytes(live)} in use, ${bytes(committed)} taken from the system, ${bytes(cached)} cached, ${bytes(free)} free`;
    this.classes.show(
      classes
        .filter(({ slabs, live: blocks }) => slabs > 0 || blocks > 0)
        .map((each) => [each.blockSize, each.slabs, each.live, each.cached]),
    );
    const { pageBytes, superslabs } = moment;
    const at = superslabs.map((each) => each.at);
    const states = superslabs.map(({ pages }) => pages.match(/../g) ?? []).flat();
    this.map.follow(
      { pageBytes, classes: classes.map(({ blockSize }) => blockSize), superslabs: at },
      Uint8Array.from(states, (digits) => Number.parseInt(digits, 16)),
    );
    this.flames.show(flame);
    const values = new Float64Array(this.moments.length * SERIES.length * 2);
    this.moments.forEach((each, index) => {
      [each.live, each.committed, each.cached, each.free].forEach((value, series) => {
        values.fill(value, (index * SERIES.length + series) * 2, (index * SERIES.length + series) * 2 + 2);
      });
    });
    const line = { duration: time, say: duration, buckets: this.moments.length, values, series: SERIES };
    if (this.line !== undefined) return this.line.grow(line);
    this.line = new TimeLine(line, () => undefined);
    this.place.append(this.line.element);
  }
}
