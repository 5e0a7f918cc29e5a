import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { chromium, type Browser } from "playwright-core";

const NAMES = ["chromium", "chromium-browser", "google-chrome"];

/** No window, no network of its own, nothing left behind. */
const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** The browser to test with: `CHROMIUM` if set, otherwise what is in the path; undefined when there is none. */
export function findChromium(): string | undefined {
  return process.env["CHROMIUM"] ?? findExecutable(NAMES);
}

/** The first program of one of these names that is in the path. */
export function findExecutable(names: readonly string[]): string | undefined {
  const directories = (process.env["PATH"] ?? "").split(delimiter);
  return directories.flatMap((directory) => names.map((name) => join(directory, name))).find(isExecutable);
}

/** Starts the browser with a fresh profile, which is removed when it closes, and with these flags for its V8. */
export function startChromium(executablePath: string, flags: readonly string[] = []): Promise<Browser> {
  return chromium.launch({
    executablePath,
    args: [...FLAGS, ...(flags.length > 0 ? [`--js-flags=${flags.join(" ")}`] : [])],
  });
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
