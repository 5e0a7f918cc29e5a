/** Synthetic rounds: `count` values around `centre`, normally distributed with a relative deviation of `noise`. */
export function noisy(centre: number, noise: number, count: number, seed: number): number[] {
  const random = generator(seed);
  return Array.from({ length: count }, () => {
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    return centre * (1 + noise * normal);
  });
}

function generator(seed: number): () => number {
  let state = (seed * 2_654_435_761) >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
