/** The crate, in programs that Debian's Rust compiles. */

import { cp, mkdir, readFile, rename, writeFile } from "node:fs/promises";
import * as path from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";
import { Workshop } from "./support/toolchain.js";

const workshop = new Workshop();
const CRATE = fileURLToPath(new URL("../../packages/rust/", import.meta.url));
const WASM = "wasm32-unknown-unknown";
/** Debian's, which has the standard library for WebAssembly. */
const TOOLS = { RUSTC: "/usr/bin/rustc", CC_wasm32_unknown_unknown: "clang-14", AR: "llvm-ar-14" };

const MANIFEST = `
[package]
name = "app"
version = "0.1.0"
edition = "2021"
[lib]
crate-type = ["cdylib"]
path = "lib.rs"
[[bin]]
name = "app"
path = "main.rs"
[dependencies]
hakmem = { path = "hakmem" }
`;

const LIBRARY = `
use std::collections::BTreeMap;

#[global_allocator]
static HEAP: hakmem::Hakmem = hakmem::Hakmem;

#[repr(align(64))]
struct Aligned([u8; 100]);

#[no_mangle]
pub extern "C" fn run() -> u32 {
    let mut map: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    for n in 0..20000u32 {
        map.entry(format!("key of {}", n % 777)).or_default().push(n);
    }
    let aligned: Vec<Box<Aligned>> = (0..100).map(|n| Box::new(Aligned([n; 100]))).collect();
    let wrong = aligned.iter().filter(|one| &***one as *const Aligned as usize % 64 != 0 || one.0[0] != one.0[99]).count();
    let zero = vec![0u8; 100_000];
    if wrong > 0 || zero.iter().any(|byte| *byte != 0) || HEAP.stat(hakmem::Stat::Live) < 100_000 {
        return 1;
    }
    map.iter().map(|(key, values)| key.len() + values.len()).sum::<usize>() as u32
}
`;

const PROGRAM = `
#[path = "lib.rs"]
mod lib;
fn main() {
    let threads: Vec<_> = (0..4).map(|_| std::thread::spawn(|| lib::run())).collect();
    let sums: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
    println!("{:?}", sums);
}
`;

const SUM = 27_660;

describe("a program in Rust", { timeout: 300_000 }, () => {
  let directory: string;
  beforeAll(async () => {
    directory = path.join(workshop.directory, "app");
    await cp(CRATE, path.join(directory, "hakmem"), { recursive: true });
    await mkdir(path.join(directory, "hakmem", "c"), { recursive: true });
    await cp(path.join(workshop.directory, "hakmem.c"), path.join(directory, "hakmem", "c", "hakmem.c"));
    await writeFile(path.join(directory, "Cargo.toml"), MANIFEST);
    await writeFile(path.join(directory, "lib.rs"), LIBRARY);
    await writeFile(path.join(directory, "main.rs"), PROGRAM);
  });

  const cargo = (...args: string[]) =>
    workshop.run(
      "/usr/bin/cargo",
      ["build", "--offline", "--release", "--manifest-path", "app/Cargo.toml", ...args],
      TOOLS,
    );

  async function sumOf(module: string): Promise<unknown> {
    const { instance } = await WebAssembly.instantiate(await readFile(module), {});
    return (instance.exports["run"] as () => number)();
  }

  test("runs on Linux, with threads", async () => {
    const { exitCode, output } = await cargo("--bin", "app");
    expect(exitCode, output).toBe(0);
    const ended = await workshop.run("app/target/release/app", []);
    expect(ended).toEqual({ exitCode: 0, output: `[${Array.from({ length: 4 }, () => SUM).join(", ")}]` });
  });

  test("runs in WebAssembly, by cargo", async () => {
    const { exitCode, output } = await cargo("--lib", "--target", WASM);
    expect(exitCode, output).toBe(0);
    expect(await sumOf(path.join(directory, "target", WASM, "release", "app.wasm"))).toBe(SUM);
  });

  test("runs in WebAssembly, by rustc and an object of hakmem.c alone", async () => {
    const clang = ["--target=wasm32", "-O2", "-c", "hakmem.c", "-o", "hakmem.o"];
    expect((await workshop.run("clang-14", clang)).exitCode).toBe(0);
    const common = ["--target", WASM, "--edition", "2021", "-O", "--out-dir", "."];
    const crate = [...common, "--crate-type", "rlib", "--crate-name", "hakmem", path.join(CRATE, "src", "lib.rs")];
    expect(await workshop.run(TOOLS.RUSTC, crate)).toEqual({ exitCode: 0, output: "" });
    const linking = ["--extern", "hakmem=libhakmem.rlib", "-C", "link-arg=hakmem.o"];
    const program = [...common, "--crate-type", "cdylib", "--crate-name", "plain", ...linking, "app/lib.rs"];
    expect(await workshop.run(TOOLS.RUSTC, program)).toEqual({ exitCode: 0, output: "" });
    expect(await sumOf(path.join(workshop.directory, "plain.wasm"))).toBe(SUM);
  });

  test("is told when hakmem.c is not there", async () => {
    const source = path.join(directory, "hakmem", "c", "hakmem.c");
    await rename(source, `${source}.away`);
    const { exitCode, output } = await cargo("--bin", "app");
    await rename(`${source}.away`, source);
    expect(exitCode).not.toBe(0);
    expect(output).toContain("hakmem build-c --out c");
  });
});
