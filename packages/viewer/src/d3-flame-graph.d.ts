/** As much of d3-flame-graph as is used here; it comes without types. */

declare module "d3-flame-graph" {
  import type { Selection } from "d3-selection";
  import type { Flame } from "../../tools/src/view/data.js";

  export interface FlameGraph {
    (selection: Selection<HTMLElement, Flame, null, undefined>): void;
    width(pixels: number): this;
    cellHeight(pixels: number): this;
    minFrameSize(pixels: number): this;
    transitionDuration(milliseconds: number): this;
    sort(sorted: boolean): this;
    onClick(handler: (node: { data: Flame }) => void): this;
    setLabelHandler(label: (node: { data: Flame }) => string): this;
    setDetailsHandler(handler: (text: string | null) => void): this;
    search(text: string): void;
    clear(): void;
  }

  export default function flamegraph(): FlameGraph;
}
