/** The heap's pages as a map: a square each, a SuperSlab of 32 a row of a block, coloured by what is in it, the darker the fuller. */

import { PAGE_STATE } from "../../tools/src/view/data.js";
import { beforeNextPicture, colour, make } from "./dom.js";
import { bytes } from "./format.js";

const SUPERSLAB_PAGES = 32;
const NAMES = ["not the heap's", "free", "metadata", "a huge block", "medium and large blocks"];

export interface MapFigures {
  readonly pageBytes: number;
  readonly classes: readonly number[];
  /** Where SuperSlabs lie; without it, one behind the other from 0 on. */
  readonly superslabs?: readonly number[];
}

export class PageMap {
  readonly element: HTMLElement;
  private readonly canvas = make("canvas", {
    role: "application",
    tabindex: "0",
    "aria-label": "map of the heap's pages: arrows go from page to page, Enter shows one's blocks",
  });
  private readonly tip = make("p", { class: "tip", "aria-live": "polite" }, " ");
  private readonly detail = make("div", { class: "detail" });
  private pages: Uint8Array = new Uint8Array(0);
  private columns = 1;
  private cell = 4;
  /** Where keys have gone, and what is open. */
  private chosen = 0;
  private opened: number | undefined;
  /** Address and size of blocks at the moment that is shown, where they are known. */
  private blocks: Float64Array | undefined;
  readonly draw = beforeNextPicture(() => {
    this.paint();
  });

  constructor(private figures: MapFigures) {
    this.element = make("div", { class: "map" }, this.canvas, this.tip, this.detail);
    this.canvas.addEventListener("pointermove", (event) => {
      this.say(this.pageAt(event));
    });
    this.canvas.addEventListener("click", (event) => {
      this.open(this.pageAt(event));
    });
    this.canvas.addEventListener("keydown", (event) => {
      if (!this.key(event.key)) return;
      event.preventDefault();
      event.stopPropagation();
    });
    for (const event of ["focus", "blur"]) this.canvas.addEventListener(event, this.draw);
    new ResizeObserver(this.draw).observe(this.element);
  }

  private key(key: string): boolean {
    const steps: Readonly<Record<string, number>> = {
      ArrowLeft: -1,
      ArrowRight: 1,
      ArrowUp: -this.columns,
      ArrowDown: this.columns,
    };
    const step = steps[key];
    if (step !== undefined) {
      this.chosen = Math.min(Math.max(0, this.chosen + step), Math.max(0, this.pages.length / 2 - 1));
      this.say(this.chosen);
    } else if (key === "Enter") this.open(this.chosen);
    else return false;
    this.draw();
    return true;
  }

  /** A heap that runs: what it is now. */
  follow(figures: MapFigures, pages: Uint8Array): void {
    this.figures = figures;
    this.show(pages, undefined);
  }

  show(pages: Uint8Array, blocks: Float64Array | undefined): void {
    this.pages = pages;
    this.blocks = blocks;
    if (this.opened !== undefined) this.open(2 * this.opened < pages.length ? this.opened : undefined);
    this.draw();
  }

  /** What a page is, in words. */
  describe(page: number): string {
    const [state = 0, fill = 0] = [this.pages[2 * page], this.pages[2 * page + 1]];
    const place = `page ${page}, 0x${this.addressOf(page).toString(16)}`;
    if (state < PAGE_STATE.slab) return `${place}: ${NAMES[state] ?? ""}`;
    const size = this.figures.classes[state - PAGE_STATE.slab] ?? 0;
    return `${place}: slab of blocks of ${bytes(size)}, ${Math.round((fill / 255) * 100)} % in use or cached`;
  }

  private addressOf(page: number): number {
    const { pageBytes, superslabs } = this.figures;
    const first = superslabs?.[Math.floor(page / SUPERSLAB_PAGES)];
    return first === undefined ? page * pageBytes : first + (page % SUPERSLAB_PAGES) * pageBytes;
  }

  private pageAt({ offsetX, offsetY }: MouseEvent): number | undefined {
    const column = Math.floor(offsetX / this.cell);
    const page = Math.floor(offsetY / this.cell) * this.columns + column;
    return column < this.columns && 2 * page < this.pages.length ? page : undefined;
  }

  private say(page: number | undefined): void {
    this.tip.textContent = page === undefined ? " " : this.describe(page);
  }

  private open(page: number | undefined): void {
    this.opened = page;
    if (page === undefined) return this.detail.replaceChildren();
    const { pageBytes } = this.figures;
    const strip = make("div", { class: "blocks", role: "img", "aria-label": `blocks of page ${page}` });
    const known = this.blocks;
    for (let at = 0; known !== undefined && at < known.length; at += 2) {
      const [address = 0, size = 0] = [known[at], known[at + 1]];
      if (address + size <= page * pageBytes || address >= (page + 1) * pageBytes) continue;
      const from = Math.max(0, address - page * pageBytes);
      const to = Math.min(pageBytes, address + size - page * pageBytes);
      const block = make("span", { title: `0x${address.toString(16)}: ${bytes(size)}` });
      block.style.left = `${(from / pageBytes) * 100}%`;
      block.style.width = `${Math.max(0.15, ((to - from) / pageBytes) * 100)}%`;
      strip.append(block);
    }
    const note =
      known === undefined && this.figures.superslabs === undefined ? "Blocks are known at the peak: press P." : "";
    this.detail.replaceChildren(make("p", {}, this.describe(page)), strip, make("p", { class: "note" }, note));
  }

  private paint(): void {
    const count = this.pages.length / 2;
    const width = Math.max(2 * SUPERSLAB_PAGES, this.element.clientWidth || 600);
    // As large as they can be, and whole SuperSlabs in a line.
    this.cell = Math.max(
      2,
      Math.min(14, Math.floor(width / SUPERSLAB_PAGES), Math.floor(Math.sqrt((width * 420) / Math.max(1, count)))),
    );
    const across = Math.floor(width / this.cell / SUPERSLAB_PAGES) * SUPERSLAB_PAGES;
    this.columns = Math.max(SUPERSLAB_PAGES, across);
    const rows = Math.max(1, Math.ceil(count / this.columns));
    const scale = window.devicePixelRatio || 1;
    const [wide, high] = [this.columns * this.cell, rows * this.cell];
    this.canvas.width = wide * scale;
    this.canvas.height = high * scale;
    this.canvas.style.width = `${wide}px`;
    this.canvas.style.height = `${high}px`;
    const context = this.canvas.getContext("2d");
    if (context === null) return;
    context.scale(scale, scale);
    const gap = this.cell > 4 ? 1 : 0;
    const plain = ["background", "free", "metadata", "huge", "granules"].map(colour);
    const hues = this.figures.classes.map((_, index) => classHue(index, this.figures.classes.length));
    const light = Number(colour("slab-light"));
    for (let page = 0; page < count; page++) {
      const state = this.pages[2 * page] ?? 0;
      const fill = (this.pages[2 * page + 1] ?? 0) / 255;
      const hue = hues[state - PAGE_STATE.slab];
      context.fillStyle =
        state < PAGE_STATE.slab
          ? (plain[state] ?? "")
          : `hsl(${hue ?? 0} 65% ${light + (1 - fill) * (light > 50 ? 25 : -22)}%)`;
      const [x, y] = [(page % this.columns) * this.cell, Math.floor(page / this.columns) * this.cell];
      context.fillRect(x, y, this.cell - gap, this.cell - gap);
    }
    if (document.activeElement !== this.canvas) return;
    context.strokeStyle = colour("text");
    context.lineWidth = 2;
    const [x, y] = [(this.chosen % this.columns) * this.cell, Math.floor(this.chosen / this.columns) * this.cell];
    context.strokeRect(x + 1, y + 1, this.cell - 2, this.cell - 2);
  }
}

/** From blue for small blocks to orange for large ones, by a way that people who see few colours can tell apart: not through green. */
export function classHue(index: number, count: number): number {
  return (220 + (index / Math.max(1, count - 1)) * 170) % 360;
}
