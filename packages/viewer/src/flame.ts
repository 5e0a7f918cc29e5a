/** A flame graph of what is in use. */

import { select } from "d3-selection";
import flamegraph from "d3-flame-graph";
import type { Flame } from "../../tools/src/view/data.js";
import { make } from "./dom.js";
import { bytes } from "./format.js";

export class Flames {
  readonly element: HTMLElement;
  private readonly place: HTMLElement = make("div", { class: "flame" });
  private readonly said = make("p", { class: "tip", "aria-live": "polite" }, " ");
  private readonly search = make("input", {
    type: "search",
    placeholder: "find a function",
    "aria-label": "find a function",
  });
  private chart: ReturnType<typeof flamegraph> | undefined;
  private shown = "";
  private flame: Flame | undefined;
  private width = 0;
  /** Whether somebody is inside a call, which what is new must not take away. */
  private isZoomed = false;

  constructor() {
    this.element = make("div", {}, this.search, this.place, this.said);
    this.search.addEventListener("input", () => {
      if (this.search.value === "") this.chart?.clear();
      else this.chart?.search(this.search.value);
    });
    new ResizeObserver(() => {
      if (this.element.clientWidth !== this.width) this.draw();
    }).observe(this.element);
  }

  show(flame: Flame): void {
    const text = JSON.stringify(flame);
    if (text === this.shown || this.isZoomed || this.search.value !== "") return;
    this.shown = text;
    this.flame = flame;
    if (this.element.isConnected) this.draw();
  }

  private draw(): void {
    const { flame } = this;
    if (flame === undefined) return;
    this.width = this.element.clientWidth;
    this.isZoomed = false;
    this.place.replaceChildren();
    const label = ({ data: { name, place, value } }: { data: Flame }): string =>
      `${name}${place === "" ? "" : ` (${place})`}: ${bytes(value)}, ${((value / (flame.value || 1)) * 100).toFixed(1)} %`;
    this.chart = flamegraph()
      .width(Math.max(300, this.width))
      .cellHeight(18)
      .minFrameSize(1)
      .transitionDuration(0)
      .sort(true)
      .onClick(({ data }: { data: Flame }) => {
        this.isZoomed = data !== flame;
      })
      .setLabelHandler(label)
      .setDetailsHandler((text: string | null) => {
        this.said.textContent = text ?? " ";
      });
    if (flame.children.length === 0) this.place.append(make("p", {}, "Nothing of the sample is in use."));
    else select(this.place).datum(flame).call(this.chart);
  }
}
