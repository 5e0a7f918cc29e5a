import eslint from "@eslint/js";
import tseslint from "typescript-eslint";

/** AssemblyScript: TypeScript's syntax with other types and other rules of what is good, so only rules about syntax apply. */
const ASSEMBLY = [
  "assembly/**/*.ts",
  "bench/workloads/**/*.ts",
  "bench/peers/**/*.ts",
  "{test,examples}/**/assembly/**/*.ts",
];

export default tseslint.config(
  {
    ignores: ["**/dist/", "bench/programs/", "packages/hakmem/build/", "**/node_modules/", "coverage/", "**/*.d.ts"],
  },
  {
    files: ["**/*.ts", "**/*.js", "**/*.mjs"],
    ignores: ASSEMBLY,
    extends: [eslint.configs.recommended],
    rules: {
      eqeqeq: "error",
      "no-var": "error",
      "prefer-const": "error",
      "object-shorthand": "error",
      "no-console": "off",
    },
  },
  {
    files: ["**/*.ts"],
    ignores: ASSEMBLY,
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: {
      parserOptions: { project: "./tsconfig.test.json", tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      "@typescript-eslint/consistent-type-imports": ["error", { fixStyle: "inline-type-imports" }],
      "@typescript-eslint/no-explicit-any": "error",
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true, allowBoolean: true }],
      "@typescript-eslint/switch-exhaustiveness-check": ["error", { considerDefaultExhaustiveForUnions: true }],
      // The exports of a WebAssembly instance are typed as methods, and have no `this`.
      "@typescript-eslint/unbound-method": "off",
    },
  },
  {
    files: ["**/*.js", "**/*.mjs"],
    languageOptions: {
      globals: Object.fromEntries(
        [
          "process",
          "console",
          "URL",
          "performance",
          "WebAssembly",
          "SharedArrayBuffer",
          "Buffer",
          "setTimeout",
          "fetch",
          "TextEncoder",
        ].map((name) => [name, "readonly"]),
      ),
    },
  },
  {
    files: ASSEMBLY,
    languageOptions: { parser: tseslint.parser, parserOptions: { allowInvalidAST: true } },
    plugins: { "@typescript-eslint": tseslint.plugin },
    rules: {
      "@typescript-eslint/no-unused-vars": ["error", { args: "none" }],
      "no-var": "error",
      "prefer-const": "error",
      "no-fallthrough": "error",
      "no-unreachable": "error",
      "no-dupe-else-if": "error",
      "no-self-assign": "error",
      "no-self-compare": "error",
    },
  },
);
