/**
 * The rule that `assembly/` is a stack of layers: a file imports only from layers below its own. The stack is data,
 * `assembly/layers.json`.
 */

import { readdir, readFile } from "node:fs/promises";
import * as path from "node:path";
import ts from "typescript";

/**
 * @typedef {{ members: readonly string[]; owns: string }} Layer
 * @typedef {{ file: string; line: number; imports: string; why: string }} Violation
 */

/**
 * The stack that `directory` declares in `layers.json`, top to bottom.
 * @param {string} directory
 * @returns {Promise<readonly Layer[]>}
 */
export async function readLayers(directory) {
  const content = /** @type {{ layers: Layer[] }} */ (
    JSON.parse(await readFile(path.join(directory, "layers.json"), "utf8"))
  );
  return content.layers;
}

/**
 * Every import in the sources below `directory` that is not from a lower layer, every source that is in no layer, and every
 * member of a layer that has no source.
 * @param {string} directory
 * @param {readonly Layer[]} layers top to bottom
 * @returns {Promise<Violation[]>}
 */
export async function findViolations(directory, layers) {
  const names = await readdir(directory, { recursive: true });
  const files = names.filter((name) => name.endsWith(".ts") && !name.endsWith(".d.ts")).sort();
  const found = await Promise.all(
    files.map(async (file) => violationsOf(file, await readFile(path.join(directory, file), "utf8"), layers)),
  );
  const present = new Set(files.map(memberOf));
  const absent = layers.flatMap(({ members }) => members.filter((member) => !present.has(member)));
  return [
    ...found.flat(),
    ...absent.map((member) => ({
      file: "layers.json",
      line: 1,
      imports: "",
      why: `${member} is neither file nor folder`,
    })),
  ];
}

/**
 * As {@link findViolations}, of one source.
 * @param {string} file its path below the directory of the layers
 * @param {string} text
 * @param {readonly Layer[]} layers top to bottom
 * @returns {Violation[]}
 */
export function violationsOf(file, text, layers) {
  const own = memberOf(file);
  const depth = depthOf(own, layers);
  if (depth < 0) return [{ file, line: 1, imports: "", why: `${own} is in no layer; add it to layers.json` }];

  return importsOf(file, text).flatMap(({ specifier, line }) => {
    /** @param {string} why */
    const violation = (why) => [{ file, line, imports: specifier, why }];
    if (!specifier.startsWith("."))
      return violation("the allocator uses no library; only relative imports are allowed");
    const target = path.posix.normalize(path.posix.join(path.posix.dirname(file), specifier));
    if (target.startsWith("..")) return violation("it is outside of the allocator");
    const member = memberOf(target);
    // A folder is one member: its files may use each other.
    if (member === own) return [];
    const targetDepth = depthOf(member, layers);
    if (targetDepth < 0) return violation(`${member} is in no layer; add it to layers.json`);
    if (targetDepth > depth) return [];
    return violation(
      targetDepth === depth
        ? `${own} and ${member} are in the same layer (${describe(layers, depth)}); only layers below may be imported`
        : `${own} (${describe(layers, depth)}) is below ${member} (${describe(layers, targetDepth)})`,
    );
  });
}

/**
 * @param {string} file
 * @param {string} text
 */
function importsOf(file, text) {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest);
  return source.statements.flatMap((statement) => {
    if (!ts.isImportDeclaration(statement) && !ts.isExportDeclaration(statement)) return [];
    const { moduleSpecifier } = statement;
    if (moduleSpecifier === undefined || !ts.isStringLiteral(moduleSpecifier)) return [];
    const { line } = source.getLineAndCharacterOfPosition(statement.getStart(source));
    return [{ specifier: moduleSpecifier.text, line: line + 1 }];
  });
}

/**
 * The member that a path belongs to: its first folder, or its file without extension.
 * @param {string} file
 */
function memberOf(file) {
  const [first = file] = file.split(/[\\/]/);
  return first.replace(/\.ts$/, "");
}

/**
 * @param {string} member
 * @param {readonly Layer[]} layers
 */
function depthOf(member, layers) {
  return layers.findIndex(({ members }) => members.includes(member));
}

/**
 * @param {readonly Layer[]} layers
 * @param {number} depth
 */
function describe(layers, depth) {
  return `layer ${depth + 1} of ${layers.length}, ${layers[depth]?.owns}`;
}
