/** How many profiles are drawn, from the environment: `npm run prove -- profiles` sets it, and the seed. */

const COUNT = "HAKMEM_TEST_PROFILES";

/** Undefined: the few, for one target each, that every change gets. */
export const DRAWN = wholeNumber(COUNT);

function wholeNumber(name: string): number | undefined {
  const text = process.env[name];
  if (text === undefined || text === "") return undefined;
  const value = Number(text);
  if (!(Number.isInteger(value) && value >= 0)) throw new Error(`${name} is "${text}": give a whole number`);
  return value;
}
