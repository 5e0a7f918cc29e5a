import { execFile } from "node:child_process";
import { cp, readdir, readFile, writeFile } from "node:fs/promises";
import * as path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import binaryen from "binaryen";
import { describe, expect, it } from "vitest";
import { buildAll, moduleFile } from "../../packages/tools/src/build/all.js";
import { WASM_TARGETS } from "../../packages/tools/src/profile/target.js";
import { buildWasm, readConfigHash } from "../../packages/tools/src/build/wasm.js";
import { loadProfile } from "../../packages/tools/src/profile/index.js";
import { temporary } from "../support/temporary.js";

const FIXTURE = fileURLToPath(new URL("./fixture/", import.meta.url));
const profile = await loadProfile("default");
const guard = await loadProfile("guard");

/** A copy of the fixture, to be changed; `edit` maps the text of its `round.ts`. */
async function editedFixture(edit: (text: string) => string): Promise<string> {
  const sourceRoot = await temporary();
  await cp(FIXTURE, sourceRoot, { recursive: true });
  const file = path.join(sourceRoot, "assembly", "round.ts");
  await writeFile(file, edit(await readFile(file, "utf8")));
  return sourceRoot;
}

function compile(wasm: Uint8Array): WebAssembly.Module {
  return new WebAssembly.Module(wasm as Uint8Array<ArrayBuffer>);
}

describe("buildWasm", () => {
  it("gives the same bytes twice for the allocator itself", async () => {
    const first = await buildWasm({ profile, target: "wasm32-shared" });
    expect(await buildWasm({ profile, target: "wasm32-shared" })).toEqual(first);
    expect(WebAssembly.validate(first as Uint8Array<ArrayBuffer>)).toBe(true);
  });

  it("gives the same bytes twice, for every target", async () => {
    for (const target of WASM_TARGETS) {
      const first = await buildWasm({ profile, target, sourceRoot: FIXTURE });
      expect(await buildWasm({ profile, target, sourceRoot: FIXTURE })).toEqual(first);
    }
  });

  it.each(["default", "compact", "hardened"])(
    "leaves malloc and free of profile %s nothing but their fast paths, for every target",
    async (name) => {
      for (const target of WASM_TARGETS) {
        const module = binaryen.readBinary(await buildWasm({ profile: await loadProfile(name), target }));
        for (const exported of ["malloc", "free"]) {
          const { value } = binaryen.getExportInfo(module.getExport(exported));
          const { body } = binaryen.getFunctionInfo(module.getFunction(value));
          const instructions = binaryen.emitText(body).match(/\((?:i32|i64|local|global|if|call|return|br|select)\b/g);
          // 40 and 33 of them, and 70 with the checks of a hardened build; the slow paths have hundreds.
          expect(instructions?.length, `${exported}, ${target}`).toBeLessThan(name === "hardened" ? 120 : 80);
        }
        module.dispose();
      }
    },
  );

  it("makes modules that import their memory only, and in guard builds the report of a misuse", async () => {
    const imports = async (options: Parameters<typeof buildWasm>[0]) =>
      WebAssembly.Module.imports(compile(await buildWasm(options)))
        .map(({ name }) => name)
        .sort();
    expect(await imports({ profile, target: "wasm32", sourceRoot: FIXTURE })).toEqual(["memory"]);
    expect(await imports({ profile: guard, target: "wasm32", sourceRoot: FIXTURE })).toEqual(["hakmem_fail", "memory"]);
  });

  it("refuses a module that imports anything else", async () => {
    const sourceRoot = await editedFixture(
      (text) => `${text}\n@external("env", "now")\ndeclare function now(): usize;\nexport const started = now();\n`,
    );
    await expect(buildWasm({ profile, target: "wasm32", sourceRoot })).rejects.toThrow(
      "the allocator imports env.now, which no host provides; it may import env.memory, env.hakmem_fail",
    );
  });

  it("takes overrides of the profile's constants", async () => {
    const overrides = { HK_PAGE_SHIFT: 12 };
    const wasm = await buildWasm({ profile, target: "wasm32", sourceRoot: FIXTURE, overrides });
    expect(readConfigHash(wasm)).not.toBe(
      readConfigHash(await buildWasm({ profile, target: "wasm32", sourceRoot: FIXTURE })),
    );
  });

  it("strips names unless asked for them", async () => {
    const sections = async (names: boolean) =>
      WebAssembly.Module.customSections(
        compile(await buildWasm({ profile, target: "wasm32", sourceRoot: FIXTURE, names })),
        "name",
      ).length;
    expect(await sections(false)).toBe(0);
    expect(await sections(true)).toBe(1);
  });

  it("reads from the code the hash that the module would return", async () => {
    const wasm = await buildWasm({ profile, target: "wasm32", sourceRoot: FIXTURE });
    const memory = new WebAssembly.Memory({ initial: 0 });
    const { exports } = new WebAssembly.Instance(compile(wasm), { env: { memory } });
    expect(readConfigHash(wasm)).toBe((exports["config_hash"] as () => number)() >>> 0);
  });
});

describe("buildAll", () => {
  async function build(out: string, sourceRoot = FIXTURE, more: Partial<Parameters<typeof buildAll>[0]> = {}) {
    const built: string[] = [];
    const manifest = await buildAll({
      profiles: [profile, guard],
      targets: ["wasm32", "wasm64-shared"],
      out,
      sourceRoot,
      onModule: ({ file }, isNew) => {
        if (isNew) built.push(file);
      },
      ...more,
    });
    return { manifest, built };
  }
  const FILES = ["default.wasm32.wasm", "default.wasm64-shared.wasm", "guard.wasm32.wasm", "guard.wasm64-shared.wasm"];

  it("writes a module for each profile and target, and a manifest that is true of them", async () => {
    const out = await temporary();
    const { manifest } = await build(out);
    expect((await readdir(out)).sort()).toEqual([...FILES, "manifest.json"]);
    expect(JSON.parse(await readFile(path.join(out, "manifest.json"), "utf8"))).toEqual(manifest);
    for (const entry of manifest.modules) {
      const wasm = await readFile(path.join(out, entry.file));
      expect(entry.file).toBe(moduleFile(entry.profile, entry.target));
      expect(entry.bytes).toBe(wasm.length);
      expect(entry.configHash).toBe(readConfigHash(wasm));
      expect(entry.constants.HK_GUARD).toBe(entry.profile === "guard" ? 1 : 0);
    }
  });

  it("writes the same bytes in another directory, the manifest included", async () => {
    const [first, second] = [await temporary(), await temporary()];
    await build(first);
    await build(second);
    for (const file of await readdir(first)) {
      expect(await readFile(path.join(second, file))).toEqual(await readFile(path.join(first, file)));
    }
  });

  it("builds nothing that is up to date, and everything when forced", async () => {
    const out = await temporary();
    expect((await build(out)).built).toEqual(FILES);
    expect((await build(out)).built).toEqual([]);
    expect((await build(out, FIXTURE, { force: true })).built).toEqual(FILES);
  });

  it("builds again when a source has changed, wherever the source is", async () => {
    const out = await temporary();
    await build(out);
    const sourceRoot = await editedFixture((text) => text.replaceAll("15", "31"));
    expect((await build(out, sourceRoot)).built).toEqual(FILES);
  });

  it("builds again only the profile that has changed", async () => {
    const out = await temporary();
    await build(out);
    const changed = { ...guard, pageShift: 15 };
    expect((await build(out, FIXTURE, { profiles: [profile, changed] })).built).toEqual(FILES.slice(2));
  });

  it("builds again a module that is missing or damaged", async () => {
    const out = await temporary();
    await build(out);
    await writeFile(path.join(out, "guard.wasm32.wasm"), "damaged");
    expect((await build(out)).built).toEqual(["guard.wasm32.wasm"]);
  });

  it("starts afresh when the manifest is not readable", async () => {
    const out = await temporary();
    await build(out);
    await writeFile(path.join(out, "manifest.json"), "{");
    expect((await build(out)).built).toEqual(FILES);
  });

  it("removes modules that are no longer asked for, unless told to keep them", async () => {
    const out = await temporary();
    await build(out);
    const kept = (await build(out, FIXTURE, { profiles: [guard], keepOthers: true })).manifest;
    expect(kept.modules.map(({ file }) => file).sort()).toEqual(FILES);
    await build(out, FIXTURE, { profiles: [guard] });
    expect((await readdir(out)).sort()).toEqual([...FILES.slice(2), "manifest.json"]);
  });
});

describe("hakmem build", () => {
  const CLI = fileURLToPath(new URL("../../packages/tools/dist/cli/main.js", import.meta.url));

  async function hakmemBuild(...args: string[]): Promise<{ status: unknown; output: string }> {
    try {
      const { stdout } = await promisify(execFile)(process.execPath, [CLI, "build", ...args]);
      return { status: 0, output: stdout };
    } catch (error) {
      const { code, stderr } = error as { code: unknown; stderr: string };
      return { status: code, output: stderr };
    }
  }

  it("builds what is asked for, where it is asked to, and says what is up to date", async () => {
    const out = await temporary();
    const args = ["--profile", "default", "--target", "wasm32", "--out", path.join(out, "below")];
    expect(await hakmemBuild(...args)).toMatchObject({
      status: 0,
      output: expect.stringMatching(/default\.wasm32\.wasm.*built/) as string,
    });
    expect((await readdir(path.join(out, "below"))).sort()).toEqual(["default.wasm32.wasm", "manifest.json"]);
    expect(await hakmemBuild(...args)).toMatchObject({ output: expect.stringContaining("up to date") as string });
    expect(await hakmemBuild(...args, "--quiet")).toEqual({ status: 0, output: "" });
  });

  it("refuses a profile that is not valid, says why and writes nothing", async () => {
    const out = await temporary();
    const file = path.join(out, "bad.json");
    await writeFile(file, JSON.stringify({ ...profile, pageShift: 20 }));
    expect(await hakmemBuild("--profile", file, "--out", out)).toEqual({
      status: 2,
      output: `error: profile ${file}: pageShift is 20; it must be an integer from 12 to 16 (log2 of a page in bytes)\n`,
    });
    expect(await readdir(out)).toEqual(["bad.json"]);
  });

  it.each([
    [["--target", "arm"], /'arm' is invalid. "arm" is not one of wasm32, wasm32-shared/],
    [["--fast"], /unknown option '--fast'/],
    [["default"], /too many arguments/],
    [["--out", "/proc/nowhere"], /nothing can be written to/],
  ])("refuses the arguments %j", async (args, message) => {
    const { status, output } = await hakmemBuild(...args);
    expect(output).toMatch(message);
    expect(status).toBe(2);
  });
});
