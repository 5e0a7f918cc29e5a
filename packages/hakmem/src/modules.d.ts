/** The modules as ECMAScript, which scripts/build-library.js writes; see heap/module-source.ts. */

declare module "#modules/*" {
  export const PACK: {
    readonly data: string;
    readonly sizes: Readonly<Partial<Record<"wasm32" | "wasm32-shared" | "wasm64" | "wasm64-shared", number>>>;
  };
}
