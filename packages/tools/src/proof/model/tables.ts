/** The tables of `docs/model/README.md`, whose cells are the list of models and what a run of all of them has counted. */

import type { Verdict } from "./check.js";
import type { Configuration, Model } from "./models.js";

/** The rows of a table, the first of which is its head. */
export type Table = readonly (readonly string[])[];

export function mutationTable(models: readonly Model[]): Table {
  const rows = models.flatMap(({ name, mutations }) =>
    mutations.map((mutation) => [name, `\`${mutation.name}\``, mutation.what]),
  );
  return [["model", "mutation", "what is wrong then"], ...rows];
}

/** `figures` says what a search has counted, if there was one. */
export function sizeTable(
  models: readonly Model[],
  figures: (model: Model, configuration: Configuration) => Verdict | undefined,
): Table {
  const rows = models.flatMap((model) =>
    model.configurations.map((configuration) => {
      const verdict = figures(model, configuration);
      return [
        model.name,
        configuration.name,
        macrosOf(configuration),
        configuration.large ? "" : "yes",
        verdict === undefined ? "" : String(verdict.states),
        verdict === undefined ? "" : String(verdict.depth),
      ];
    }),
  );
  return [["model", "size", "macros", "in CI", "states", "longest path"], ...rows];
}

function macrosOf({ defines }: Configuration): string {
  return Object.entries(defines)
    .map(([name, value]) => `\`${name}=${value}\``)
    .join(" ");
}

/** The tables in a Markdown text. */
export function parseTables(markdown: string): Table[] {
  const runs = markdown.split("\n").reduce<string[][]>(
    (found, line) => {
      if (!line.startsWith("|")) found.push([]);
      else found.at(-1)?.push(line);
      return found;
    },
    [[]],
  );
  return runs
    .filter((lines) => lines.length > 2)
    .map((lines) => lines.map((line) => line.split("|").slice(1, -1)).map((cells) => cells.map((cell) => cell.trim())))
    .map(([head = [], , ...rows]) => [head, ...rows]);
}
