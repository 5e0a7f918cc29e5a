//! Compiles c/hakmem.c for the target, and tells cargo to link it. `CC_<target>`, `CC` and `AR` replace the tools.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

fn main() {
    let directory = PathBuf::from(env::var("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let out = PathBuf::from(env::var("OUT_DIR").expect("cargo sets it"));
    let target = env::var("TARGET").expect("cargo sets it");
    let source = directory.join("c").join("hakmem.c");
    println!("cargo:rerun-if-changed={}", source.display());
    if !source.exists() {
        panic!("{} is missing; write it with: hakmem build-c --out c", source.display());
    }
    let is_wasm = target.starts_with("wasm32");
    if target.contains("emscripten") || target.starts_with("wasm64") {
        panic!("hakmem: {} is not supported by this crate; link hakmem.c by hand, as docs/linking.md has it", target);
    }
    let specific = format!("CC_{}", target.replace('-', "_"));
    for name in [specific.as_str(), "CC", "AR"] {
        println!("cargo:rerun-if-env-changed={}", name);
    }
    let compiler = env::var(&specific).unwrap_or_else(|_| match is_wasm {
        true => "clang".into(),
        false => env::var("CC").unwrap_or_else(|_| "cc".into()),
    });
    let object = out.join("hakmem.o");
    let mut command = Command::new(&compiler);
    command.args(["-std=gnu11", "-O2", "-Wall", "-Wextra", "-c"]).arg(&source).arg("-o").arg(&object);
    if is_wasm {
        // WASI has a C library to find; for no system at all none is needed.
        let is_threaded = target.contains("wasi") && target.contains("threads");
        command.arg(match (target.contains("wasi"), is_threaded) {
            (_, true) => "--target=wasm32-wasi-threads",
            (true, _) => "--target=wasm32-wasi",
            _ => "--target=wasm32",
        });
        if is_threaded {
            command.arg("-pthread");
        }
        let features = env::var("CARGO_CFG_TARGET_FEATURE").unwrap_or_default();
        if features.split(',').any(|name| name == "atomics") {
            command.args(["-matomics", "-mbulk-memory", "-mmutable-globals"]);
        }
    } else {
        command.args(["-fPIC", "-pthread"]);
    }
    for (feature, option) in [
        ("COMPACT", "-DHAKMEM_PROFILE_COMPACT"),
        ("HARDENED", "-DHAKMEM_PROFILE_HARDENED"),
        ("GUARD", "-DHAKMEM_GUARD"),
    ] {
        if env::var_os(format!("CARGO_FEATURE_{}", feature)).is_some() {
            command.arg(option);
        }
    }
    run(command, &compiler);
    archive(&out.join("libhakmem.a"), &object, is_wasm);
    println!("cargo:rustc-link-search=native={}", out.display());
    println!("cargo:rustc-link-lib=static=hakmem");
}

fn archive(archive: &Path, object: &Path, is_wasm: bool) {
    let tools = match env::var("AR") {
        Ok(name) => vec![name],
        // An archive that wasm-ld reads needs an index that only LLVM's makes.
        Err(_) if is_wasm => ["llvm-ar", "llvm-ar-19", "llvm-ar-14"].map(String::from).to_vec(),
        Err(_) => vec!["ar".into()],
    };
    let _ = std::fs::remove_file(archive);
    for tool in &tools {
        let mut command = Command::new(tool);
        command.arg("crs").arg(archive).arg(object);
        match command.status() {
            Ok(status) if status.success() => return,
            Ok(status) => panic!("{} ended with {}", tool, status),
            Err(_) => {}
        }
    }
    panic!("none of {} was found; AR names another", tools.join(", "));
}

fn run(mut command: Command, name: &str) {
    match command.status() {
        Ok(status) if status.success() => {}
        Ok(status) => panic!("{} ended with {}", name, status),
        Err(error) => panic!("{} could not be run ({}); CC names another compiler", name, error),
    }
}
