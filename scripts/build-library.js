/**
 * Makes the package `hakmem` out of the modules that `hakmem build` has written to its `dist/wasm/`:
 *
 *   dist/index.js      the library in one file, with the default profile's modules for 32 bits, compressed
 *   dist/observe.js    samples and recordings, imported when a program asks for them
 *   dist/panel.js      the element that shows a heap
 *   dist/modules/      the other modules, compressed, imported when a program asks for them
 *   dist/index.d.ts    its types in one file
 */

import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import * as path from "node:path";
import { fileURLToPath } from "node:url";
import { deflateSync } from "node:zlib";
import { build } from "esbuild";
import { format } from "prettier";
import { rollup } from "rollup";
import { dts } from "rollup-plugin-dts";

const PACKAGE = fileURLToPath(new URL("../packages/hakmem/", import.meta.url));
const DIST = path.join(PACKAGE, "dist");

/** Lines that can be read; tabs are the shortest indentation. */
const SHAPE = { printWidth: 120, useTabs: true };

/** Each target behind the one that is most like it: the compressor looks back over two modules. */
const ALL = ["wasm32", "wasm32-shared", "wasm64-shared", "wasm64"];

/** Of the default profile: in the library itself, and what the other packs are compressed by. */
const CARRIED = ["wasm32", "wasm32-shared"];

/** Packs of modules, in the order in which their targets are compressed one behind the other. */
const PACKS = {
  default64: { profile: "default", targets: ["wasm64", "wasm64-shared"] },
  compact: { profile: "compact", targets: ALL },
  hardened: { profile: "hardened", targets: ALL },
  guard: { profile: "guard", targets: ALL },
};

/**
 * @param {string} profile
 * @param {string} target
 */
function moduleBytes(profile, target) {
  return readFile(path.join(DIST, "wasm", `${profile}.${target}.wasm`));
}

/**
 * @param {string} profile
 * @param {readonly string[]} targets
 * @param {Buffer} [dictionary] what who unpacks it has already
 */
async function pack(profile, targets, dictionary) {
  const modules = await Promise.all(targets.map((target) => moduleBytes(profile, target)));
  const options = { level: 9, memLevel: 9, ...(dictionary === undefined ? {} : { dictionary }) };
  const data = base85(deflateSync(Buffer.concat(modules), options));
  const sizes = Object.fromEntries(targets.map((target, index) => [target, modules[index]?.length]));
  return `export const PACK = ${JSON.stringify({ data, sizes })};\n`;
}

/**
 * Five characters of 85 for four bytes, the last of them filled up with zeros: a sixteenth less than base64. The characters are those from # on, without
 * the backslash, so that none must be escaped; `decode` of packages/hakmem/src/heap/module-source.ts reads them.
 *
 * @param {Buffer} bytes
 */
function base85(bytes) {
  const whole = Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
  const BACKSLASH = 92;
  let text = "";
  for (let at = 0; at < whole.length; at += 4) {
    const word = whole.readUInt32BE(at);
    for (let power = 85 ** 4; power >= 1; power /= 85) {
      const code = 35 + (Math.floor(word / power) % 85);
      text += String.fromCharCode(code < BACKSLASH ? code : code + 1);
    }
  }
  return text;
}

/**
 * In lines that a debugger can stop at, without the comments, which are in the types.
 *
 * @param {string} entry in `src/`
 * @param {string} name of the file in `dist/`
 */
async function bundleCode(entry, name) {
  const { outputFiles } = await build({
    entryPoints: [path.join(PACKAGE, "src", entry)],
    write: false,
    minifyWhitespace: true,
    bundle: true,
    format: "esm",
    platform: "neutral",
    target: "es2022",
    charset: "utf8",
    legalComments: "none",
    logLevel: "warning",
    plugins: [
      {
        name: "modules",
        setup({ onResolve, onLoad }) {
          onResolve({ filter: /^\.\.\/observe\/index\.js$/ }, () => ({ path: "./observe.js", external: true }));
          onResolve({ filter: /^#modules\// }, ({ path: name }) =>
            name === "#modules/default"
              ? { path: name, namespace: "modules" }
              : { path: `./${name.slice(1)}.js`, external: true },
          );
          onLoad({ filter: /.*/, namespace: "modules" }, async () => ({
            contents: await pack("default", CARRIED),
          }));
        },
      },
    ],
  });
  const code = outputFiles.map(({ text }) => text).join("");
  await writeFile(path.join(DIST, name), await format(code, { ...SHAPE, parser: "babel" }));
}

/** Comments of a whole source file: an empty line or another comment comes behind them. */
const OF_FILES = /^\/\*\*(?:(?!\*\/)[^])*\*\/\n(?=\n|\/\*\*)/gm;

/**
 * @param {string} entry in `build/`
 * @param {string} name of the file in `dist/`
 */
async function bundleTypes(entry, name) {
  const bundle = await rollup({
    input: path.join(PACKAGE, "build", entry),
    // What the library has already.
    external: /^\.\.\/index\.js$/,
    plugins: [dts()],
  });
  const { output } = await bundle.generate({ format: "es", paths: () => "./index.js" });
  const types = output[0].code.replace(OF_FILES, "");
  await writeFile(path.join(DIST, name), await format(types, { ...SHAPE, parser: "typescript" }));
  await bundle.close();
}

const dictionary = Buffer.concat(await Promise.all(CARRIED.map((target) => moduleBytes("default", target))));
const modules = path.join(DIST, "modules");
await rm(modules, { recursive: true, force: true });
await mkdir(modules, { recursive: true });
await Promise.all([
  bundleCode("index.ts", "index.js"),
  bundleCode(path.join("observe", "index.ts"), "observe.js"),
  bundleCode(path.join("panel", "index.ts"), "panel.js"),
  bundleTypes("index.d.ts", "index.d.ts"),
  bundleTypes(path.join("panel", "index.d.ts"), "panel.d.ts"),
  ...Object.entries(PACKS).map(async ([name, { profile, targets }]) =>
    writeFile(path.join(modules, `${name}.js`), await pack(profile, targets, dictionary)),
  ),
]);
