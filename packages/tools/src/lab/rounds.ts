/** Which rounds of a session are to be believed. */

import type { Cell } from "./session.js";

/** Fewer rounds than this have no interval worth the name. */
export const LEAST_ROUNDS = 3;

/**
 * ns/op of each of the cells in the rounds that all of them finished and in which the machine disturbed none of them. Were those
 * fewer than {@link LEAST_ROUNDS}, the disturbed ones are taken, too: better a wide interval than none.
 */
export function commonRounds(cells: readonly Cell[]): number[][] {
  const finished = Math.min(...cells.map(({ rounds }) => rounds.length));
  const all = Array.from({ length: finished }, (_, round) => round);
  const quiet = all.filter((round) => cells.every(({ disturbed }) => !disturbed.has(round)));
  const used = quiet.length >= LEAST_ROUNDS ? quiet : all;
  return cells.map(({ rounds }) => used.map((round) => rounds[round] ?? Number.NaN));
}
