/** Whole programs, from Debian's sources, and how the toolchains build them. */

import { cp, mkdir, readdir, writeFile } from "node:fs/promises";
import * as path from "node:path";
import { cachedDirectory } from "../../base/cache.js";
import { ROOT } from "../../base/paths.js";
import { debianSource } from "./debian.js";
import { longText } from "./inputs.js";
import { PARTS, type Program } from "./program.js";
import { OURS, type Command, type Kit } from "./toolchains.js";

const LINUX = ["gcc", "musl"] as const;

/** What a program is called that is run with one thread or with more. */
function called(name: string, title: string, threads: number): Pick<Program, "name" | "title" | "threads"> {
  return threads === 1
    ? { name, title, threads }
    : { name: `${name}-threads`, title: `${title}, ${threads} threads`, threads };
}

/** Only the allocator: what a program can gain at most. */
function mix(threads: number): Program {
  return {
    ...called("mix", "random mixed", threads),
    description: "malloc and free of 16 to 1,024 bytes, and nothing else",
    toolchains: threads === 1 ? ["emscripten", "wasi", ...LINUX] : ["emscripten-threads", ...LINUX],
    async build(kit) {
      const objects = await kit.compile([path.join(PARTS, "mix.c")], threads === 1 ? [] : ["-D_REENTRANT"]);
      return {
        link: (allocator) => kit.link(objects, allocator),
        args: [`${threads}`, threads === 1 ? "20000000" : "4000000"],
      };
    },
  };
}

/** What threads keep that have worked and wait. */
const IDLE: Program = {
  ...called("idle", "working sets", 200),
  description: "filled, emptied and left by threads that wait then, while another one takes 16 MiB",
  toolchains: ["gcc"],
  async build(kit) {
    const objects = await kit.compile([path.join(PARTS, "idle.c")], ["-D_REENTRANT"]);
    return { link: (allocator) => kit.link(objects, allocator), args: ["200", "16"] };
  },
};

const SQLITE: Program = {
  name: "sqlite",
  title: "SQLite",
  description: "tables filled, indexed, joined, grouped, with JSON and window functions, in memory",
  toolchains: ["emscripten", "wasi", ...LINUX],
  threads: 1,
  async build(kit) {
    const source = await sqliteAmalgamation(kit);
    const flags = ["-DSQLITE_THREADSAFE=0", "-DSQLITE_OMIT_LOAD_EXTENSION", "-I", source];
    // WASI has no processes, no locks and no users: what asks for them is left out, or answers that there are none.
    const wasi = [
      "-D_WASI_EMULATED_GETPID",
      "-D_WASI_EMULATED_MMAN",
      "-DSQLITE_MAX_MMAP_SIZE=0",
      "-DSQLITE_OMIT_WAL",
      "-include",
      path.join(PARTS, "wasi.h"),
    ];
    const isWasi = kit.toolchain.name === "wasi";
    const files = [path.join(source, "sqlite3.c"), path.join(PARTS, "sqlite.c")];
    const objects = await kit.compile(files, isWasi ? [...flags, ...wasi] : flags);
    const libraries = isWasi ? ["-lwasi-emulated-getpid", "-lwasi-emulated-mman", "-lm"] : ["-lm"];
    return {
      link: (allocator) => kit.link(objects, allocator, { libraries }),
      args: [],
      input: path.join(PARTS, "sqlite.sql"),
    };
  },
};

/** SQLite in one file, which its own build makes of its many, with Tcl. */
async function sqliteAmalgamation(kit: Kit): Promise<string> {
  const source = await debianSource("sqlite3");
  return cachedDirectory(`${path.basename(source)}-one-file`, async (directory) => {
    const build = path.join(kit.directory, "sqlite");
    await mkdir(build);
    await kit.run(path.join(source, "configure"), ["--disable-tcl"], build);
    await kit.run("make", ["sqlite3.c"], build);
    for (const file of ["sqlite3.c", "sqlite3.h"]) await cp(path.join(build, file), path.join(directory, file));
  });
}

const CMARK: Program = {
  name: "cmark",
  title: "cmark",
  description: "the specification of CommonMark, forty times, from Markdown to HTML",
  toolchains: ["emscripten", "wasi", ...LINUX],
  threads: 1,
  async build(kit) {
    const source = await debianSource("cmark");
    const configuration = {
      "config.h":
        "#include <stdbool.h>\n#define HAVE___BUILTIN_EXPECT\n#define CMARK_ATTRIBUTE(list) __attribute__(list)\n#define CMARK_INLINE inline\n",
      "cmark_export.h": "#define CMARK_EXPORT\n#define CMARK_NO_EXPORT\n",
      "cmark_version.h": '#define CMARK_VERSION 0\n#define CMARK_VERSION_STRING ""\n',
    };
    for (const [name, text] of Object.entries(configuration)) await writeFile(path.join(kit.directory, name), text);
    const objects = await kit.compile(await sourcesOf(source, "src"), ["-I", ".", "-I", path.join(source, "src")]);
    return { link: (allocator) => kit.link(objects, allocator), args: [], input: await longText(kit, 40) };
  },
};

const DUKTAPE: Program = {
  name: "duktape",
  title: "Duktape",
  description: "an interpreter in JavaScript: closures, regular expressions, JSON",
  toolchains: ["emscripten", ...LINUX],
  threads: 1,
  async build(kit) {
    const source = await debianSource("duktape");
    const at = (file: string): string => path.join(source, file);
    const flags = [
      "-DDUK_CMDLINE_PRINTALERT_SUPPORT",
      ...["examples/cmdline", "src", "extras/print-alert"].flatMap((folder) => ["-I", at(folder)]),
    ];
    const files = ["src/duktape.c", "examples/cmdline/duk_cmdline.c", "extras/print-alert/duk_print_alert.c"].map(at);
    const objects = await kit.compile(files, flags);
    return {
      link: (allocator) => kit.link(objects, allocator, { libraries: ["-lm"] }),
      args: [path.join(PARTS, "script.js")],
    };
  },
};

const LUA: Program = {
  name: "lua",
  title: "Lua",
  description: "trees, tables and strings",
  toolchains: ["emscripten", ...LINUX],
  threads: 1,
  async build(kit) {
    const source = await debianSource("lua5.4");
    const objects = await kit.compile(await sourcesOf(source, "src", "luac.c"));
    return {
      link: (allocator) => kit.link(objects, allocator, { libraries: ["-lm"] }),
      args: [path.join(PARTS, "script.lua")],
    };
  },
};

const MRUBY: Program = {
  name: "mruby",
  title: "mruby",
  description: "trees, hashes and strings",
  toolchains: ["emscripten", ...LINUX],
  threads: 1,
  async build(kit) {
    const source = path.join(kit.directory, "mruby");
    await cp(await debianSource("mruby"), source, { recursive: true, preserveTimestamps: true });
    const { cc, flags } = kit.toolchain;
    const configuration = path.join(source, "kit.rb");
    await writeFile(configuration, MRUBY_BUILD(cc, cc === "emcc" ? "emar" : "ar", [...flags, "-w"]));
    await kit.run("ruby", ["./minirake", `MRUBY_CONFIG=${configuration}`], source);
    const built = path.join(source, "build");
    const include = ["-I", path.join(source, "include"), "-I", path.join(built, "kit", "include")];
    const objects = await kit.compile([path.join(PARTS, "mruby.c")], include);
    const libraries = [path.join(built, "kit", "lib", "libmruby.a"), "-lm"];
    return { link: (allocator) => kit.link(objects, allocator, { libraries }), args: [path.join(PARTS, "script.rb")] };
  },
};

/** What builds mruby: its compiler for here, and the library by a toolchain. */
const MRUBY_BUILD = (compiler: string, archiver: string, flags: readonly string[]): string => `
MRuby::Build.new do |conf|
  conf.toolchain :gcc
  conf.gem core: "mruby-bin-mrbc"
end
MRuby::CrossBuild.new("kit") do |conf|
  conf.toolchain :gcc
  conf.cc.command = conf.linker.command = "${compiler}"
  conf.archiver.command = "${archiver}"
  conf.cc.flags = %w[${flags.join(" ")}]
  %w[stdlib stdlib-ext math metaprog].each { |box| conf.gembox box }
  conf.gem core: "mruby-print"
end
`;

const GAWK: Program = {
  name: "gawk",
  title: "gawk",
  description: "words of a text, counted, followed, sorted and split",
  toolchains: ["emscripten", ...LINUX],
  threads: 1,
  async build(kit) {
    const source = path.join(kit.directory, "gawk");
    await cp(await debianSource("gawk"), source, { recursive: true, preserveTimestamps: true });
    const { cc, flags } = kit.toolchain;
    const options = ["--disable-mpfr", "--disable-nls", "--disable-extensions", "--without-readline", "--disable-pma"];
    const host = cc === "emcc" ? ["--host=wasm32-unknown-emscripten", "AR=emar", "RANLIB=emranlib"] : [];
    await kit.run(
      path.join(source, "configure"),
      [...options, ...host, `CC=${cc}`, `CFLAGS=${flags.join(" ")} -w`],
      source,
    );
    await kit.run("make", ["-j2", "-C", "support"], source);
    await kit.run("make", ["-j2", "gawk"], source);
    const objects = (await readdir(source))
      .filter((file) => file.endsWith(".o"))
      .map((file) => path.join(source, file));
    const libraries = [path.join(source, "support", "libsupport.a"), "-lm"];
    return {
      link: (allocator) => kit.link(objects, allocator, { libraries }),
      args: ["-f", path.join(PARTS, "script.awk"), await longText(kit, 6)],
    };
  },
};

function json(threads: number): Program {
  return {
    ...called("json", "RapidJSON", threads),
    description: "requests in JSON, parsed, kept in maps, changed and printed by a pool of threads",
    toolchains: ["emscripten-threads", "gcc"],
    async build(kit) {
      const include = path.join(await debianSource("rapidjson"), "include");
      const objects = await kit.compile([path.join(PARTS, "json.cpp")], ["-std=c++17", "-I", include]);
      return { link: (allocator) => kit.link(objects, allocator, { isCxx: true }), args: [`${threads}`, "3000"] };
    },
  };
}

function xml(threads: number): Program {
  return {
    ...called("xml", "pugixml", threads),
    description: "a document parsed, changed and printed, in each thread",
    toolchains: ["emscripten-threads", "gcc"],
    async build(kit) {
      const source = path.join(await debianSource("pugixml"), "src");
      const files = [path.join(source, "pugixml.cpp"), path.join(PARTS, "xml.cpp")];
      const objects = await kit.compile(files, ["-std=c++17", "-I", source]);
      return { link: (allocator) => kit.link(objects, allocator, { isCxx: true }), args: [`${threads}`, "60"] };
    },
  };
}

const CARGO = `
[package]
name = "program"
version = "0.0.0"
edition = "2021"
[lib]
crate-type = ["cdylib"]
path = "lib.rs"
[[bin]]
name = "program"
path = "main.rs"
[dependencies]
serde_json = "1"
hakmem = { path = "hakmem", optional = true }
`;

/** Debian's packages of Rust's sources, in place of a registry. */
const CARGO_CONFIGURATION = `
[source.crates-io]
replace-with = "debian"
[source.debian]
directory = "/usr/share/cargo/registry"
`;

const SERDE: Program = {
  name: "serde",
  title: "serde_json",
  description: "requests in JSON, parsed, changed, kept in maps and printed",
  toolchains: ["rust", "rust-wasm"],
  threads: 1,
  async build(kit) {
    const { directory, toolchain } = kit;
    const crate = path.join(directory, "hakmem");
    await cp(path.join(ROOT, "packages", "rust"), crate, { recursive: true });
    await mkdir(path.join(crate, "c"), { recursive: true });
    await cp(path.join(directory, "hakmem.c"), path.join(crate, "c", "hakmem.c"));
    await mkdir(path.join(directory, ".cargo"));
    await writeFile(path.join(directory, ".cargo", "config.toml"), CARGO_CONFIGURATION);
    await writeFile(path.join(directory, "Cargo.toml"), CARGO);
    for (const file of ["lib.rs", "main.rs"]) await cp(path.join(PARTS, "rust", file), path.join(directory, file));
    const link = async (allocator: string): Promise<Command> => {
      const folder = allocator === OURS ? "ours" : "own";
      const features = allocator === OURS ? ["--features", "hakmem"] : [];
      const options = ["--offline", "--release", "--target-dir", folder, ...features, ...toolchain.linking(allocator)];
      await kit.run("/usr/bin/cargo", ["build", ...options]);
      const file = toolchain.name === "rust" ? "release/program" : "wasm32-unknown-unknown/release/program.wasm";
      return toolchain.command(path.join(folder, file), allocator, directory);
    };
    return { link, args: ["2000"] };
  },
};

export const PROGRAMS: readonly Program[] = [
  mix(1),
  mix(2),
  IDLE,
  SQLITE,
  CMARK,
  DUKTAPE,
  LUA,
  MRUBY,
  GAWK,
  SERDE,
  json(1),
  json(2),
  xml(1),
  xml(2),
];

async function sourcesOf(source: string, folder: string, except?: string): Promise<string[]> {
  const files = await readdir(path.join(source, folder));
  return files.filter((file) => file.endsWith(".c") && file !== except).map((file) => path.join(source, folder, file));
}
