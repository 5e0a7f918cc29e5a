import { probit } from "simple-statistics";
import { Random } from "../../support/random.js";

/** Synthetic rounds: `count` values around `centre`, normally distributed with a relative deviation of `noise`. */
export function noisy(centre: number, noise: number, count: number, seed: number): number[] {
  const random = new Random(seed);
  return Array.from({ length: count }, () => centre * (1 + noise * probit(random.next())));
}
