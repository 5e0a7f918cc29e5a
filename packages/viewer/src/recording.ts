/** A recording: its time line, and at the moment that is chosen the map, the classes and the threads. */

import { SERIES, type RecordingView } from "../../tools/src/view/data.js";
import { make } from "./dom.js";
import { bytes, clockTime, count } from "./format.js";
import { PageMap } from "./map.js";
import { Table } from "./table.js";
import { TimeLine } from "./time-line.js";
import { unpack } from "./unpack.js";

const FIGURES = 3;
const LABELS = { asked: "asked for", blocks: "in blocks", committed: "taken from the memory" } as const;

interface Unpacked {
  readonly line: Float64Array;
  readonly times: Float64Array;
  readonly pages: Uint32Array;
  readonly map: Uint8Array;
  readonly classFigures: Uint32Array;
  readonly threadFigures: Float64Array;
  readonly blocks: Float64Array;
}

export class RecordingPanel {
  readonly element: HTMLElement;
  readonly line: TimeLine;
  private readonly map: PageMap;
  private readonly now = make("p", { class: "now", "aria-live": "polite" });
  private readonly classes = new Table("Size classes", [
    { name: "block", show: bytes },
    { name: "slabs", show: count },
    { name: "in use", show: count },
    { name: "cached", show: count },
    { name: "bytes in use", show: bytes },
  ]);
  private readonly threads = new Table("Threads", [
    { name: "thread", show: count },
    { name: "in use", show: bytes },
    { name: "blocks", show: count },
    { name: "calls", show: count },
  ]);
  /** Where each frame's map begins, in pages. */
  private readonly starts: number[] = [];
  private frame = -1;
  private readonly say: (time: number) => string;

  private constructor(
    private readonly view: RecordingView,
    private readonly data: Unpacked,
    onTime: (share: number) => void,
  ) {
    let start = 0;
    for (const pages of data.pages) {
      this.starts.push(start);
      start += pages;
    }
    this.map = new PageMap(view);
    const series = SERIES.map((name) => LABELS[name]);
    this.say = clockTime(view.clock);
    const line = { duration: view.duration, say: this.say, buckets: view.buckets, values: data.line, series };
    this.line = new TimeLine(line, (time) => {
      this.show(time);
      onTime(time / view.duration);
    });
    const facts = `${view.program}, ${count(view.events)} calls${view.clock === "calls" ? "" : ` in ${this.say(view.duration)}`}, at most ${bytes(view.peakBytes)} at once; profile ${view.profile}${view.sampledFrom > 1 ? `; one in ${view.sampledFrom.toFixed(1)} blocks of the program, and their calls alone` : ""}`;
    this.element = make(
      "section",
      { class: "panel", "aria-label": view.name },
      make("h2", {}, view.name),
      make("p", {}, facts),
      this.line.element,
      this.now,
      this.map.element,
      this.classes.element,
      this.threads.element,
    );
    this.line.show(this.peakTime);
    this.show(this.peakTime);
  }

  static async make(view: RecordingView, onTime: (share: number) => void): Promise<RecordingPanel> {
    const names = ["line", "times", "pages", "map", "classFigures", "threadFigures", "blocks"] as const;
    const values = await Promise.all(names.map(async (name) => [name, await unpack(view[name])] as const));
    return new RecordingPanel(view, Object.fromEntries(values) as unknown as Unpacked, onTime);
  }

  get peakTime(): number {
    return this.data.times[this.view.peakFrame] ?? 0;
  }

  /** Follows another one's time line. */
  follow(share: number): void {
    this.line.show(share * this.view.duration);
    this.show(share * this.view.duration);
  }

  repaint(): void {
    this.line.repaint();
    this.map.draw();
  }

  private show(time: number): void {
    const { times } = this.data;
    // The last frame before the moment.
    let [low, high] = [0, times.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((times[middle] ?? 0) <= time) low = middle;
      else high = middle - 1;
    }
    const bucket = Math.min(this.view.buckets - 1, Math.floor((time / (this.view.duration || 1)) * this.view.buckets));
    const values = SERIES.map((name, index) => {
      const most = this.data.line[(bucket * SERIES.length + index) * 2 + 1] ?? 0;
      return `${LABELS[name]} ${bytes(most)}`;
    });
    this.now.textContent = `at ${this.say(time)}: ${values.join(", ")}`;
    if (low === this.frame) return;
    this.frame = low;
    const start = 2 * (this.starts[low] ?? 0);
    const pages = this.data.map.subarray(start, start + 2 * (this.data.pages[low] ?? 0));
    this.map.show(pages, low === this.view.peakFrame ? this.data.blocks : undefined);
    this.classes.show(this.classRows(low));
    this.threads.show(this.threadRows(low));
  }

  private classRows(frame: number): number[][] {
    const { classes } = this.view;
    const rows = classes.map((size, index) => {
      const at = (frame * classes.length + index) * FIGURES;
      const [slabs = 0, live = 0, cached = 0] = this.data.classFigures.subarray(at, at + FIGURES);
      return [size, slabs, live, cached, live * size];
    });
    return rows.filter(([, slabs = 0, live = 0]) => slabs > 0 || live > 0);
  }

  private threadRows(frame: number): number[][] {
    const frames = this.data.times.length;
    const threads = this.data.threadFigures.length / FIGURES / frames;
    return Array.from({ length: threads }, (_, thread) => {
      const at = (frame * threads + thread) * FIGURES;
      const [live = 0, blocks = 0, calls = 0] = this.data.threadFigures.subarray(at, at + FIGURES);
      return [thread, live, blocks, calls];
    });
  }
}
