/** The page: what is to be seen side by side, and keys that move all of it. */

import type { View } from "../../tools/src/view/data.js";
import { make } from "./dom.js";
import { Flames } from "./flame.js";
import { clockTime, count } from "./format.js";
import { LivePanel } from "./live.js";
import { RecordingPanel } from "./recording.js";
import { TimeLine } from "./time-line.js";
import { unpack } from "./unpack.js";

const PLAY_SECONDS = 20;
const HELP: readonly [key: string, what: string][] = [
  ["← →", "back and on; with Shift ten times as far"],
  ["Home End", "begin and end"],
  ["P", "the moment with the most in use, where blocks are known"],
  ["+ −", "zoom in and out; 0: all of it"],
  ["Space", "play"],
  ["D", "dark or light"],
  ["?", "this"],
];

const main = make("main");
const recordings: RecordingPanel[] = [];
const others: { repaint?: () => void }[] = [];
let playing = false;

const help = make(
  "dialog",
  { "aria-label": "keys" },
  make("h2", {}, "Keys"),
  make("dl", {}, ...HELP.flatMap(([key, what]) => [make("dt", {}, key), make("dd", {}, what)])),
  make("form", { method: "dialog" }, make("button", {}, "Close")),
);

function button(label: string, press: () => void): HTMLButtonElement {
  const made = make("button", { type: "button" }, label);
  made.addEventListener("click", press);
  return made;
}

function toggleTheme(): void {
  const { dataset } = document.documentElement;
  const dark = dataset["theme"] ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  dataset["theme"] = dark === "dark" ? "light" : "dark";
  repaint();
}

function repaint(): void {
  for (const panel of [...recordings, ...others]) panel.repaint?.();
}

function play(): void {
  playing = !playing;
  const [first] = recordings;
  if (first === undefined) return;
  let before = performance.now();
  const step = (): void => {
    if (!playing) return;
    const now = performance.now();
    const { time } = first.line;
    const full = Number(first.line.element.getAttribute("aria-valuemax"));
    first.line.choose(time + (full * (now - before)) / (PLAY_SECONDS * 1000));
    before = now;
    if (time < full) requestAnimationFrame(step);
    else playing = false;
  };
  requestAnimationFrame(step);
}

function onKey(event: KeyboardEvent): void {
  const target = event.target as HTMLElement;
  if (target.closest("input, dialog, .time-line, canvas") !== null && event.key !== "?" && event.key !== "Escape") {
    if (target.closest(".time-line, canvas") === null || !/^[ dDpP]$/.test(event.key)) return;
  }
  if (target.closest("button") !== null && event.key === " ") return;
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const keys: Readonly<Record<string, () => void>> = {
    "?": () => help.showModal(),
    d: toggleTheme,
    " ": play,
    p: () => recordings[0]?.line.choose(recordings[0].peakTime),
  };
  const key = keys[event.key.toLowerCase()];
  if (key !== undefined) key();
  else if (recordings[0]?.line.key(event.key, event.shiftKey) !== true) return;
  event.preventDefault();
}

/** First what is known at once, and then all. */
async function* views(): AsyncGenerator<readonly View[]> {
  const inside = document.getElementById("data");
  if (inside !== null) {
    yield JSON.parse(inside.textContent) as View[];
    return;
  }
  for (const name of ["/first.json", "/data.json"]) {
    const answer = await fetch(name);
    if (!answer.ok) throw new Error(await answer.text());
    const found = (await answer.json()) as View[];
    yield found;
    if (found.every(({ kind }) => kind !== "outline")) return;
  }
}

async function panelOf(view: View): Promise<HTMLElement> {
  if (view.kind === "recording") {
    const panel = await RecordingPanel.make(view, (share) => {
      for (const other of recordings) if (other !== panel) other.follow(share);
    });
    recordings.push(panel);
    return panel.element;
  }
  if (view.kind === "outline") {
    const { name, duration, buckets, events, clock } = view;
    const values = (await unpack(view.line)) as Float64Array;
    const line = new TimeLine(
      { duration, buckets, values, series: ["asked for"], say: clockTime(clock) },
      () => undefined,
    );
    const wait = make("p", { class: "wait", role: "status" }, `${count(events)} calls are being replayed …`);
    return make("section", { class: "panel outline", "aria-label": name }, make("h2", {}, name), line.element, wait);
  }
  if (view.kind === "live") {
    const panel = new LivePanel(view);
    others.push(panel);
    return panel.element;
  }
  const flames = new Flames();
  const section = make(
    "section",
    { class: "panel", "aria-label": view.name },
    make("h2", {}, view.name),
    flames.element,
  );
  flames.show(view.flame);
  return section;
}

async function begin(): Promise<void> {
  const bar = make(
    "header",
    {},
    make("h1", {}, "hakmem view"),
    button("Play", play),
    button("Dark or light", toggleTheme),
    button("Keys", () => {
      help.showModal();
    }),
  );
  document.body.append(bar, main, help);
  document.addEventListener("keydown", onKey);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
  main.append(make("p", { id: "wait", role: "status" }, "It is being read …"));
  try {
    for await (const found of views()) {
      recordings.length = 0;
      const panels: HTMLElement[] = [];
      for (const view of found) panels.push(await panelOf(view));
      main.replaceChildren(...panels);
      main.style.setProperty("--columns", String(Math.min(2, panels.length)));
    }
  } catch (error) {
    main.replaceChildren(make("p", { role: "alert" }, error instanceof Error ? error.message : String(error)));
  }
}

void begin();
