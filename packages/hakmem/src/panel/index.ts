/**
 * `import "hakmem/panel"` defines the element `<hakmem-panel>`: give it a heap, and it shows what the heap has while it can be seen.
 *
 *   const panel = document.querySelector("hakmem-panel");
 *   panel.heap = heap;
 */

import type { HeapStats } from "../index.js";
import { Chart, SERIES } from "./chart.js";
import { bytes } from "./format.js";

/** What the panel needs of a heap. */
export interface ObservedHeap {
  /** As `Heap.stats`. */
  stats(): HeapStats;
  /** As `Heap.closed`. */
  readonly closed?: boolean;
}

/** Milliseconds between two looks, at least. */
const LEAST_INTERVAL = 1000;
/** Looking and drawing takes at most one part in so many of the page's time. */
const SHARE = 100;
const NAME = "hakmem-panel";

const STYLE = `
:host { display: block; font: 13px/1.4 system-ui, sans-serif; color: inherit; }
canvas { display: block; width: 100%; height: 120px; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: 0 .7em 0 0; text-align: right; font-weight: normal; }
th { opacity: .7; }
i { display: inline-block; width: .8em; height: .8em; margin-right: .3em; border-radius: 2px; }
span { margin-right: 1em; white-space: nowrap; }`;

/** Where there are no elements, as in Node, the module can be imported all the same. */
const Base = (globalThis as { HTMLElement?: typeof HTMLElement }).HTMLElement ?? (class {} as typeof HTMLElement);

/** Shows a heap's figures over time, and its size classes: once a second, less often where that would take more than a hundredth of the time, while it is seen. */
export class HakmemPanel extends Base {
  #heap: ObservedHeap | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #chart: Chart | undefined;
  #legend: HTMLElement | undefined;
  #body: HTMLElement | undefined;
  #seen = false;
  #watcher: IntersectionObserver | undefined;

  /** The heap that is shown; none unless one is given. */
  get heap(): ObservedHeap | undefined {
    return this.#heap;
  }
  /** Begins anew with another heap. */
  set heap(heap: ObservedHeap | undefined) {
    this.#heap = heap;
    this.#chart?.clear();
    this.#legend?.replaceChildren();
    this.#body?.replaceChildren();
    if (this.isConnected) this.#look();
  }

  /** @internal */
  connectedCallback(): void {
    if (this.shadowRoot === null) this.#make();
    // What was given before the element was defined hides the property.
    if (Object.hasOwn(this, "heap")) {
      const { heap } = this;
      Reflect.deleteProperty(this, "heap");
      this.heap = heap;
    }
    this.#watcher = new IntersectionObserver((entries) => {
      this.#seen = entries.some(({ isIntersecting }) => isIntersecting);
      if (this.#seen) this.#look();
    });
    this.#watcher.observe(this);
  }

  /** @internal */
  disconnectedCallback(): void {
    this.#watcher?.disconnect();
    clearTimeout(this.#timer);
  }

  #make(): void {
    const root = this.attachShadow({ mode: "open" });
    root.innerHTML = `<style>${STYLE}</style><canvas role="img" aria-label="the heap over time"></canvas><p></p>
      <table><thead><tr><th scope="col">block</th><th scope="col">slabs</th><th scope="col">in use</th><th scope="col">cached</th></tr></thead><tbody></tbody></table>`;
    this.#chart = new Chart(root.querySelector("canvas")!);
    this.#legend = root.querySelector("p")!;
    this.#body = root.querySelector("tbody")!;
  }

  #look(): void {
    clearTimeout(this.#timer);
    let cost = 0;
    if (this.#seen && !document.hidden && this.#heap !== undefined) {
      const before = performance.now();
      if (this.#heap.closed === true) {
        this.#legend!.textContent = "The heap is closed.";
        return;
      }
      this.#show(this.#heap.stats());
      cost = performance.now() - before;
    }
    this.#timer = setTimeout(
      () => {
        this.#look();
      },
      Math.max(LEAST_INTERVAL, cost * SHARE),
    );
  }

  #show(stats: HeapStats): void {
    this.#chart!.add(stats);
    const words = SERIES.map(({ name, label, colour }) => {
      const word = document.createElement("span");
      const mark = document.createElement("i");
      mark.style.background = colour;
      word.append(mark, `${label} ${bytes(stats[name])}`);
      return word;
    });
    this.#legend!.replaceChildren(...words, `${stats.threads} ${stats.threads === 1 ? "thread" : "threads"}`);
    const rows = stats.classes
      .filter(({ slabs, live, cached }) => slabs + live + cached > 0)
      .map(({ blockSize, slabs, live, cached }) => {
        const row = document.createElement("tr");
        for (const text of [bytes(blockSize), slabs, live, cached]) {
          const cell = document.createElement("td");
          cell.textContent = typeof text === "number" ? text.toLocaleString("en") : text;
          row.append(cell);
        }
        return row;
      });
    this.#body!.replaceChildren(...rows);
  }
}

if ("customElements" in globalThis && customElements.get(NAME) === undefined) customElements.define(NAME, HakmemPanel);
