import * as prettier from "prettier";
import { describe, expect, it } from "vitest";
import * as plugin from "../../scripts/prettier-assemblyscript.js";

function format(text: string): Promise<string> {
  // The published type of a plugin asks for an AST type that a wrapped parser cannot name.
  return prettier.format(text, {
    parser: "assemblyscript",
    plugins: [plugin],
    printWidth: 120,
  });
}

describe("the formatter of AssemblyScript", () => {
  it("keeps decorators in front of functions, variables and declarations where they are", async () => {
    const text = [
      '@external("env", "fail")',
      "declare function fail(code: i32): void;",
      "",
      "// @ts-ignore: decorator",
      "@inline",
      "export function f<T>(x: T): T {",
      "  return x;",
      "}",
      "",
      "// @ts-ignore: decorator",
      "@lazy let state: usize = 0;",
      "",
    ].join("\n");
    expect(await format(text)).toBe(text);
  });

  it("formats what is around them", async () => {
    expect(await format("@inline function f( x:i32 ):i32 { return x }")).toBe(
      "@inline function f(x: i32): i32 {\n  return x;\n}\n",
    );
  });

  it("leaves decorators in text and comments alone", async () => {
    const text = 'const mail = "@inline function f";\n// @inline function g\n/* @inline */\n';
    expect(await format(text)).toBe(text);
  });
});
