import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { mersenne } from "pure-rand/generator/mersenne";
import { shuffleInPlace } from "simple-statistics";
import { onTestFailed } from "vitest";

const NAME = "HAKMEM_TEST_SEED";

/** What is drawn where a test draws, from the environment; the same in every run without. */
export const TEST_SEED = readSeed() ?? 7;

function readSeed(): number | undefined {
  const text = process.env[NAME];
  if (text === undefined || text === "") return undefined;
  const value = Number(text);
  if (!(Number.isInteger(value) && value >= 0)) throw new Error(`${NAME} is "${text}": give a whole number`);
  return value;
}

/** Numbers that are the same in every run with the same seed. */
export class Random {
  readonly #generator;

  constructor(seed: number) {
    this.#generator = mersenne(seed);
  }

  /** From 0 to below 1. */
  readonly next = (): number => uniformFloat64(this.#generator);

  /** A whole number, both bounds included. */
  between(least: number, most: number): number {
    return uniformInt(this.#generator, least, most);
  }

  /** Rearranges `items` in place. */
  shuffle<T>(items: T[]): T[] {
    return shuffleInPlace(items, this.next);
  }
}

/** Numbers for the running test, by {@link TEST_SEED}, which it tells if it fails. */
export function testRandom(): Random {
  onTestFailed(() => {
    console.error(`to draw the same again: ${NAME}=${TEST_SEED}`);
  });
  return new Random(TEST_SEED);
}
