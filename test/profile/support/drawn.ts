/** How many profiles are drawn, and with which seed, from the environment: `npm run prove -- profiles` sets them. */

const COUNT = "HAKMEM_TEST_PROFILES";
const SEED = "HAKMEM_TEST_SEED";

/** Undefined: the few, for one target each, that every change gets. */
export const DRAWN = wholeNumber(COUNT);
export const DRAWN_SEED = wholeNumber(SEED) ?? 7;

function wholeNumber(name: string): number | undefined {
  const text = process.env[name];
  if (text === undefined || text === "") return undefined;
  const value = Number(text);
  if (!(Number.isInteger(value) && value >= 0)) throw new Error(`${name} is "${text}": give a whole number`);
  return value;
}
