/** A time line to drag through: of what is zoomed to at most as many points as there are pixels, each with the least and the most of its buckets. */

import uPlot from "uplot";
import { colour, make } from "./dom.js";
import { bytes } from "./format.js";

export interface Line {
  readonly duration: number;
  /** A time in words. */
  readonly say: (time: number) => string;
  readonly buckets: number;
  /** buckets × series × (least, most). */
  readonly values: Float64Array;
  readonly series: readonly string[];
}

const HEIGHT = 180;
const KEY_STEPS = 200;

export class TimeLine {
  readonly element = make("div", { class: "time-line", tabindex: "0", role: "slider", "aria-label": "time" });
  private readonly plot: uPlot;
  private readonly cursor = make("div", { class: "cursor" });
  private from = 0;
  private to: number;
  private at = 0;

  constructor(
    private line: Line,
    private readonly onTime: (time: number) => void,
  ) {
    this.to = line.duration;
    this.plot = new uPlot(this.options(), this.data(), this.element);
    this.plot.over.append(this.cursor);
    const move = (event: PointerEvent): void => {
      if (event.buttons !== 1) return;
      const { left, width } = this.plot.over.getBoundingClientRect();
      this.choose(this.from + ((event.clientX - left) / width) * (this.to - this.from));
    };
    const { over } = this.plot;
    over.addEventListener("pointerdown", (event) => {
      over.setPointerCapture(event.pointerId);
      move(event);
    });
    over.addEventListener("pointermove", move);
    over.addEventListener(
      "wheel",
      (event) => {
        event.preventDefault();
        this.zoom(event.deltaY > 0 ? 1.25 : 0.8);
      },
      { passive: false },
    );
    this.element.addEventListener("keydown", (event) => {
      if (this.key(event.key, event.shiftKey)) event.preventDefault();
    });
    new ResizeObserver(() => {
      this.plot.setSize({ width: this.width, height: HEIGHT });
      this.redraw();
    }).observe(this.element);
  }

  get time(): number {
    return this.at;
  }

  /** Goes to a moment, and tells of it. */
  choose(time: number): void {
    this.show(time);
    this.onTime(this.at);
  }

  /** Goes to a moment. */
  show(time: number): void {
    this.at = Math.min(Math.max(0, time), this.line.duration);
    this.place();
  }

  /** Goes on: with more time behind it, which is shown where all was. */
  grow(line: Line): void {
    if (this.to === this.line.duration) this.to = line.duration;
    this.line = line;
    this.redraw();
  }

  /** By a factor, around the moment chosen. */
  zoom(factor: number): void {
    const least = this.line.duration / this.line.buckets;
    const width = Math.min(this.line.duration, Math.max(16 * least, (this.to - this.from) * factor));
    const share = (this.at - this.from) / (this.to - this.from);
    const middle = share >= 0 && share <= 1 ? this.at - share * width : this.from;
    this.from = Math.min(Math.max(0, middle), this.line.duration - width);
    this.to = this.from + width;
    this.redraw();
  }

  /** In other colours. */
  repaint(): void {
    this.plot.redraw(false);
  }

  /** Whether the key means something here. */
  key(key: string, wide: boolean): boolean {
    const step = ((this.to - this.from) / KEY_STEPS) * (wide ? 10 : 1);
    const moves: Readonly<Record<string, () => void>> = {
      ArrowLeft: () => this.choose(this.at - step),
      ArrowRight: () => this.choose(this.at + step),
      Home: () => this.choose(0),
      End: () => this.choose(this.line.duration),
      "+": () => this.zoom(0.8),
      "=": () => this.zoom(0.8),
      "-": () => this.zoom(1.25),
      0: () => this.zoom(this.line.buckets),
    };
    const move = moves[key];
    move?.();
    return move !== undefined;
  }

  private get width(): number {
    return Math.max(200, this.element.clientWidth || 600);
  }

  private redraw(): void {
    this.plot.setData(this.data());
    this.place();
  }

  private place(): void {
    const share = (this.at - this.from) / (this.to - this.from);
    this.cursor.hidden = share < 0 || share > 1;
    this.cursor.style.left = `${share * 100}%`;
    this.element.setAttribute("aria-valuenow", String(Math.round(this.at)));
    this.element.setAttribute("aria-valuemax", String(Math.round(this.line.duration)));
    this.element.setAttribute("aria-valuetext", this.line.say(this.at));
  }

  private data(): uPlot.AlignedData {
    const { buckets, values, series, duration: all } = this.line;
    const first = Math.floor((this.from / all) * buckets);
    const last = Math.min(buckets, Math.ceil((this.to / all) * buckets));
    const each = Math.max(1, Math.ceil((last - first) / this.width));
    const times: number[] = [];
    const columns = series.map((): number[] => []);
    for (let bucket = first; bucket < last; bucket += each) {
      const end = Math.min(last, bucket + each);
      times.push((bucket / buckets) * all, ((end - 0.5) / buckets) * all);
      columns.forEach((column, index) => {
        let [least, most] = [Number.POSITIVE_INFINITY, 0];
        for (let at = bucket; at < end; at++) {
          least = Math.min(least, values[(at * series.length + index) * 2] ?? 0);
          most = Math.max(most, values[(at * series.length + index) * 2 + 1] ?? 0);
        }
        column.push(most, least);
      });
    }
    return [times, ...columns];
  }

  private options(): uPlot.Options {
    const axis = { stroke: () => colour("text"), grid: { stroke: () => colour("grid") } };
    return {
      width: this.width,
      height: HEIGHT,
      scales: { x: { time: false } },
      legend: { show: true, live: false },
      cursor: { show: false },
      axes: [
        { ...axis, space: 110, values: (_, values) => values.map(this.line.say) },
        { ...axis, size: 80, values: (_, values) => values.map(bytes) },
      ],
      series: [
        {},
        ...this.line.series.map((label, index) => ({
          label,
          stroke: () => colour(`line-${index}`),
          width: 1.5,
          points: { show: false },
        })),
      ],
    };
  }
}
