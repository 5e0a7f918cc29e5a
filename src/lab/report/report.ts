import type { Results } from "../results.js";

/** Placeholder until the charts exist. */
export function renderReport(results: Results): Promise<string> {
  return Promise.resolve(JSON.stringify(results));
}
