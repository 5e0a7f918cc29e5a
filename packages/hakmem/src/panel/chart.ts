/** The heap's figures of the last minutes as lines. */

import type { HeapStats } from "../index.js";
import { bytes } from "./format.js";

/** From the ground up: colours that can be told apart on light and dark, also by people who see few. */
export const SERIES = [
  { name: "live", label: "in use", colour: "#3987e5" },
  { name: "cached", label: "cached", colour: "#c98a1b" },
  { name: "free", label: "free", colour: "#8b949e" },
  { name: "committed", label: "taken from the memory", colour: "#b04a8f" },
] as const;

const MOST_POINTS = 300;
const MARGIN = 14;

export class Chart {
  #points: HeapStats[] = [];

  constructor(private readonly canvas: HTMLCanvasElement) {}

  clear(): void {
    this.#points = [];
  }

  add(stats: HeapStats): void {
    this.#points.push(stats);
    if (this.#points.length > MOST_POINTS) this.#points.shift();
    this.#draw();
  }

  #draw(): void {
    const { canvas } = this;
    const scale = globalThis.devicePixelRatio || 1;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    canvas.width = width * scale;
    canvas.height = height * scale;
    const context = canvas.getContext("2d");
    if (context === null) return;
    context.scale(scale, scale);
    const most = this.#points.reduce((largest, { committed }) => Math.max(largest, committed), 1);
    context.font = "11px system-ui, sans-serif";
    context.fillStyle = getComputedStyle(canvas).color;
    context.fillText(bytes(most), 0, 10);
    for (const { name, colour } of SERIES) {
      context.strokeStyle = colour;
      context.lineWidth = 1.5;
      context.beginPath();
      this.#points.forEach((stats, index) => {
        const x = (index / (MOST_POINTS - 1)) * width;
        context.lineTo(x, height - 1 - (stats[name] / most) * (height - MARGIN));
      });
      context.stroke();
    }
  }
}
