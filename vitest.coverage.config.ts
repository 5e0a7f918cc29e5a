/**
 * `npm run coverage`: what of the packages' sources is run by tests in their own process. The library is taken from its sources, as
 * its bundle has no way back to them; processes that tests start, the command line above all, are not seen.
 */

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { defineConfig, mergeConfig, type Plugin } from "vitest/config";
import base from "./vitest.config.js";

const LIBRARY = fileURLToPath(new URL("packages/hakmem/", import.meta.url));
/** Inside the bundle there is no file of it: see scripts/build-library.js. */
const DEFAULT_MODULES = "#modules/default";

const defaultModules: Plugin = {
  name: "default-modules",
  enforce: "pre",
  resolveId: (id) => (id === DEFAULT_MODULES ? `\0${DEFAULT_MODULES}` : undefined),
  load: (id) => {
    if (id !== `\0${DEFAULT_MODULES}`) return undefined;
    const code = (target: string) => readFileSync(`${LIBRARY}dist/wasm/default.${target}.wasm`, "base64");
    return `export const WASM32 = "${code("wasm32")}"; export const WASM32_SHARED = "${code("wasm32-shared")}";`;
  },
};

export default mergeConfig(
  base,
  defineConfig({
    plugins: [defaultModules],
    resolve: {
      alias: [
        { find: /^hakmem$/, replacement: `${LIBRARY}src/index.ts` },
        { find: /^#modules\/(?!default$)(.*)$/, replacement: `${LIBRARY}dist/modules/$1.js` },
      ],
    },
    test: {
      // It only starts processes.
      exclude: ["test/lab/cli.test.ts"],
      coverage: {
        enabled: true,
        provider: "v8",
        include: ["packages/*/src/**/*.ts"],
        reporter: ["text-summary", "html"],
      },
    },
  }),
);
