/**
 * Size classes fitted to what programs ask for: of the sizes of a grid those that cost least, by dynamic programming.
 *
 * Requests between two classes go up to the next. So what a class costs depends on the class before it alone, and the best k classes of
 * which the last is c are the best k - 1 whose last is b, for the best b below c, and c:
 *
 *   least(k, c) = min over b < c of least(k - 1, b) + cost(b, c)          |grid|² · k steps
 */

/** Requests of one size, and how many such blocks are to be paid for. */
export interface Weight {
  /** Bytes, as asked for. */
  readonly size: number;
  /** Blocks in use; a fraction where it is a mean. */
  readonly blocks: number;
}

/** What one program asks for. A size that was ever asked for is listed, were it with 0 blocks. */
export interface Demand {
  readonly weights: readonly Weight[];
  /** How much a byte of this program counts. */
  readonly scale: number;
}

export interface FitOptions {
  /** Sizes to choose from, in bytes, ascending. What is larger than the last is not theirs. The last is always chosen. */
  readonly grid: readonly number[];
  /** Fewest and most classes. */
  readonly least: number;
  readonly most: number;
  /** Bytes that a class costs a program which ever uses it, whatever it holds. */
  readonly penalty: number;
  /** Bytes that a block of a class takes, with its share of what its slab cannot use. */
  readonly blockBytes: (size: number) => number;
}

export interface Fit {
  readonly classes: readonly number[];
  /** Bytes beyond those asked for, with the penalties, scaled. */
  readonly cost: number;
}

/** Bytes that a block takes of slabs of `slabBytes`, of which none goes on in the next. */
export function slabShare(slabBytes: number): (size: number) => number {
  return (size) => slabBytes / Math.floor(slabBytes / size);
}

/** The best classes for each number of them, from `least` to `most` or the grid's length, in this order; of equals those of smaller sizes. */
export function fitEach(demands: readonly Demand[], options: FitOptions): Fit[] {
  const { grid } = options;
  const least = Math.max(1, Math.min(options.least, grid.length));
  const most = Math.min(options.most, grid.length);
  const costs = costTable(demands, options);
  const none: readonly number[] = grid.map(() => -1);
  let row: readonly number[] = grid.map((_, to) => costs[0]?.[to] ?? Number.POSITIVE_INFINITY);
  const before: (readonly number[])[] = [none];
  const fits: Fit[] = [];
  for (let count = 1; count <= most; count++) {
    if (count > 1) {
      const next = extend(row, costs);
      row = next.row;
      before.push(next.before);
    }
    if (count >= least)
      fits.push({
        classes: trace(before, grid),
        cost: row.at(-1) ?? Number.POSITIVE_INFINITY,
      });
  }
  return fits;
}

/** The best of {@link fitEach}; of equals the one of the fewest classes. */
export function fitClasses(demands: readonly Demand[], options: FitOptions): Fit {
  const fits = fitEach(demands, options);
  const [first] = fits;
  if (first === undefined) throw new RangeError("there must be a size to choose");
  return fits.reduce((best, fit) => (fit.cost < best.cost ? fit : best), first);
}

/** What `classes` cost, counted without the table: requests beyond the last are not theirs. */
export function costOf(classes: readonly number[], demands: readonly Demand[], options: FitOptions): number {
  let cost = 0;
  for (const { weights, scale } of demands) {
    const used = new Set<number>();
    for (const { size, blocks } of weights) {
      const own = classes.find((each) => each >= size);
      if (own === undefined) continue;
      used.add(own);
      cost += scale * blocks * (options.blockBytes(own) - size);
    }
    cost += scale * options.penalty * used.size;
  }
  return cost;
}

/** `[from][to]`: what the class of the grid's size `to` costs when the one before it is the size `from - 1`. */
function costTable(demands: readonly Demand[], { grid, penalty, blockBytes }: FitOptions): number[][] {
  const table = grid.map(() => grid.map(() => 0));
  for (const { weights, scale } of demands) {
    const cells = cellsOf(weights, grid);
    for (const [from, row] of table.entries()) {
      let [blocks, bytes, used] = [0, 0, false];
      for (let to = from; to < grid.length; to++) {
        const cell = cells[to];
        blocks += cell?.blocks ?? 0;
        bytes += cell?.bytes ?? 0;
        used ||= cell !== undefined;
        const waste = blocks * blockBytes(grid[to] ?? 0) - bytes;
        row[to] = (row[to] ?? 0) + scale * (waste + (used ? penalty : 0));
      }
    }
  }
  return table;
}

/** Requests by the size of the grid that they go up to; undefined where there is none. */
function cellsOf(
  weights: readonly Weight[],
  grid: readonly number[],
): ({ readonly blocks: number; readonly bytes: number } | undefined)[] {
  const cells = grid.map((): { blocks: number; bytes: number } | undefined => undefined);
  for (const { size, blocks } of weights) {
    const at = grid.findIndex((each) => each >= size);
    if (at < 0) continue;
    const cell = (cells[at] ??= { blocks: 0, bytes: 0 });
    cell.blocks += blocks;
    cell.bytes += blocks * size;
  }
  return cells;
}

interface Row {
  readonly row: readonly number[];
  /** Which size the class before is; -1 for none. */
  readonly before: readonly number[];
}

/** With one class more. */
function extend(row: readonly number[], costs: readonly (readonly number[])[]): Row {
  const best = row.map((_, to) => {
    let [cost, before] = [Number.POSITIVE_INFINITY, -1];
    for (let from = 0; from < to; from++) {
      const sum = (row[from] ?? 0) + (costs[from + 1]?.[to] ?? 0);
      if (sum < cost) [cost, before] = [sum, from];
    }
    return { cost, before };
  });
  return { row: best.map(({ cost }) => cost), before: best.map(({ before }) => before) };
}

/** The classes on the way to the last size. */
function trace(before: readonly (readonly number[])[], grid: readonly number[]): number[] {
  const classes: number[] = [];
  for (let at = grid.length - 1, count = before.length - 1; at >= 0 && count >= 0; count--) {
    classes.unshift(grid[at] ?? 0);
    at = before[count]?.[at] ?? -1;
  }
  return classes;
}
