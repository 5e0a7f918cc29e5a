/** Programs that load plug-ins, with RTLD_DEEPBIND and without, and the way of dlopen through the library. */

import { execFileSync } from "node:child_process";
import { mkdir, rename } from "node:fs/promises";
import * as path from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { buildNative } from "../../packages/tools/src/build/native.js";
import { findCompiler } from "../../packages/tools/src/build/native-compiler.js";
import type { Architecture } from "../../packages/tools/src/profile/architecture.js";
import { loadProfile } from "../../packages/tools/src/profile/index.js";
import { compile, compileShared, expectSame, installed, library, run } from "./support/program.js";

const SCRIPT = fileURLToPath(new URL("programs/script.php", import.meta.url));

describe("a plug-in that is loaded with RTLD_DEEPBIND", () => {
  it.each(["default", "guard"])("frees what the program allocates, and the other way round (%s)", async (profile) => {
    const preload = await library(profile);
    const plugin = await compileShared("plugin.c");
    const result = await run(await compile("plugged.c"), ["exchange", plugin], { preload });
    expect(result).toMatchObject({ status: 0, output: `${preload.shared}\n` });
  });

  it("has the C library's malloc under HAKMEM_KEEP_DEEPBIND=1", async () => {
    const plugin = await compileShared("plugin.c");
    const environment = { HAKMEM_KEEP_DEEPBIND: "1" };
    const result = await run(await compile("plugged.c"), ["where", plugin], { preload: await library(), environment });
    expect(result.status, result.errors).toBe(0);
    expect(result.output).toMatch(/\/libc\.so\.6\n$/);
  });

  it.skipIf(!installed("php8.2"))("lets PHP's command line run with the same output", async () => {
    expect(await expectSame("php8.2", [SCRIPT])).toContain("mbstring");
    await expectSame("php8.2", [SCRIPT], { environment: { USE_ZEND_ALLOC: "0" } });
  });
});

describe("a library that opens another", () => {
  it("finds it on its own search path, by dlopen and dlmopen", async () => {
    const caller = await compileShared("caller.c", ["-Wl,-rpath,$ORIGIN/beside"]);
    const beside = path.join(path.dirname(caller), "beside");
    await mkdir(beside);
    await rename(await compileShared("plugin.c"), path.join(beside, "libplugin.so"));
    const args = ["beside", caller, "libplugin.so"];
    const result = await run(await compile("plugged.c"), args, { preload: await library() });
    expect(result, result.errors).toMatchObject({ status: 0, output: "done\n" });
  });

  it("in a namespace of its own is left to its own C library", async () => {
    const args = ["apart", await compileShared("plugin.c")];
    const result = await run(await compile("plugged.c"), args, { preload: await library() });
    expect(result, result.errors).toMatchObject({ status: 0, output: "done\n" });
  });
});

/** What a tail call and a call look like. */
const LISTINGS = [
  { architecture: "x64", objdump: "objdump", jump: /^jmp +\*/, call: /^call/ },
  { architecture: "arm64", objdump: "aarch64-linux-gnu-objdump", jump: /^br\t/, call: /^blr?\t/ },
] as const;

for (const { architecture, objdump, jump, call } of LISTINGS) {
  const missing = (await findCompiler(architecture)) === undefined || !installed(objdump);
  it.skipIf(missing).each(["dlopen", "dlmopen"])(
    `%s leaves by a jump on ${architecture}, so that the dynamic linker sees its caller`,
    async (name) => {
      const code = await disassemble(architecture, objdump, name);
      expect(code.some((line) => jump.test(line))).toBe(true);
      // The one call is dlsym's, which looks for the next function.
      expect(code.filter((line) => call.test(line))).toHaveLength(1);
    },
  );
}

async function disassemble(architecture: Architecture, objdump: string, name: string): Promise<string[]> {
  const { shared } = await buildNative({ profile: await loadProfile("default"), architecture });
  const text = execFileSync(objdump, ["-d", "--no-show-raw-insn", shared], { encoding: "utf8", maxBuffer: 2 ** 26 });
  const [, code = ""] = new RegExp(`^[0-9a-f]+ <${name}(?:@@.*)?>:\\n((?: .*\\n)*)`, "m").exec(text) ?? [];
  return [...code.matchAll(/^ *[0-9a-f]+:\t(.*)$/gm)].map(([, instruction = ""]) => instruction.trim());
}
