/**
 * A Prettier plugin for AssemblyScript: the parser `assemblyscript` is Prettier's `typescript`, and takes decorators in front of
 * functions, variables and declarations too (`@inline function f()`), which TypeScript's grammar has no place for.
 *
 * Before parsing, such a decorator is put into a comment; when that comment is printed, it becomes the decorator again.
 */

import * as estree from "prettier/plugins/estree";
import * as typescript from "prettier/plugins/typescript";
import ts from "typescript";

const MARK = "@decorator:";
const FORMAT = "assemblyscript-estree";

/**
 * Puts the decorators of declarations that cannot have any into comments.
 * @param {string} text
 * @returns {string}
 */
export function hideDecorators(text) {
  const source = ts.createSourceFile("source.ts", text, ts.ScriptTarget.Latest, true);
  /** @type {ts.Decorator[]} */
  const misplaced = [];
  /** @param {ts.Node} node */
  const visit = (node) => {
    if (ts.isDecorator(node) && !ts.isClassLike(node.parent) && !ts.isClassElement(node.parent)) misplaced.push(node);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return misplaced
    .sort((a, b) => b.pos - a.pos)
    .reduce((result, node) => {
      const [start, end] = [node.getStart(source), node.getEnd()];
      return `${result.slice(0, start)}/*${MARK}${result.slice(start, end)}*/${result.slice(end)}`;
    }, text);
}

export const languages = [{ name: "AssemblyScript", parsers: ["assemblyscript"], extensions: [".ts"] }];

export const parsers = {
  assemblyscript: {
    ...typescript.parsers.typescript,
    astFormat: FORMAT,
    preprocess: hideDecorators,
  },
};

const printer = estree.printers.estree;

export const printers = {
  [FORMAT]: {
    ...printer,
    /**
     * @param {import("prettier").AstPath} path
     * @param {import("prettier").ParserOptions} options
     */
    printComment(path, options) {
      const { value } = /** @type {{ value: string }} */ (path.node);
      if (value.startsWith(MARK)) return value.slice(MARK.length);
      return printer.printComment?.(path, options) ?? "";
    },
  },
};
