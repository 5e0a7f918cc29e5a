/** How a measurement went, as an exit code. */

import type { Results } from "../lab/results.js";
import { EXIT } from "./command.js";

/** The exit code that says how a measurement went. */
export function exitCodeOf({ incomplete, results }: Results): number {
  if (incomplete) return EXIT.interrupted;
  return results.some(({ failure }) => failure !== null) ? EXIT.failed : EXIT.ok;
}
