/**
 * hakmem.c: native/library.c with all that it includes, and the allocator in C for every way of compiling it. The native library
 * is compiled from it, with the one body that it needs; the published one has all of them ({@link publishedBodies}).
 */

import { readFile } from "node:fs/promises";
import * as path from "node:path";
import { ROOT } from "../base/paths.js";
import { ExplainedError } from "../base/errors.js";
import { cachedFile } from "../base/cache.js";
import { fingerprint, fingerprintOfAllocator } from "../base/fingerprint.js";
import { constantsOf, type Profile } from "../profile/index.js";
import { ARCHITECTURES, type Architecture } from "../profile/architecture.js";
import { LINKED_TARGETS, type Target } from "../profile/target.js";
import { ADDRESS_BITS } from "./native-compiler.js";
import { generateAllocatorSource } from "./native-module.js";

/** The allocator in C, and when it is the one to compile. */
export interface Body {
  readonly profile: Profile;
  readonly target: Target;
  /** With target `native`: where it runs, which says how wide addresses are. */
  readonly architecture?: Architecture;
  /** Values that replace the profile's, by constant name. */
  readonly overrides?: Readonly<Record<string, number>>;
  /** Directory that holds the `assembly/` and `native/` to build; this package's by default. */
  readonly sourceRoot?: string;
}

/** Where the part in C is, under a source root. */
export const NATIVE = "native";
const ENTRY = "library.c";
const GENERATED = "allocator.gen.h";

/** What a compiler says of itself where the body for an architecture or a target is meant. */
const CONDITIONS: Readonly<Record<string, string>> = {
  x64: "defined(__x86_64__)",
  arm64: "defined(__aarch64__)",
  "linked-wasm32": "defined(__wasm32__)",
  "linked-wasm64": "defined(__wasm64__)",
};

/** Every body that is published, of these profiles; the first one is the default. */
export function publishedBodies(profiles: readonly Profile[]): Body[] {
  const native = ARCHITECTURES.map((architecture) => ({ target: "native" as const, architecture }));
  const linked = LINKED_TARGETS.map((target) => ({ target }));
  return [...native, ...linked].flatMap((where) => profiles.map((profile) => ({ profile, ...where })));
}

/** The macro that chooses a profile when there are several; the first one is what is compiled without. */
export function profileMacro(profile: Profile): string {
  return `HAKMEM_PROFILE_${profile.name.replace(/\W/g, "_").toUpperCase()}`;
}

/**
 * The text of hakmem.c with these bodies; the same text for the same bodies and sources. Of several profiles the first is the
 * default. Rejects as `generateAllocatorSource` does.
 */
export async function amalgamate(bodies: readonly Body[]): Promise<string> {
  const profiles = [...new Map(bodies.map(({ profile }) => [profile.name, profile])).values()];
  if (bodies.length > MOST_BODIES)
    throw new ExplainedError(
      `hakmem.c has room for ${MOST_BODIES} allocators, not ${bodies.length}: name fewer profiles`,
    );
  const texts = await mapInTurn(bodies, bodyText);
  const conditions = bodies.map((body) => conditionOf(body, profiles));
  const allocator = [
    ...conditions.map(
      (condition, index) => `#${index === 0 ? "if" : "elif"} ${condition}\n#define HK_BODY ${bit(index)}`,
    ),
    '#else\n#error "hakmem.c: it has no allocator for this target"\n#endif\n',
    merged(texts),
  ].join("\n");
  const directory = path.join(bodies[0]?.sourceRoot ?? ROOT, NATIVE);
  const library = await inlined(directory, ENTRY, new Map([[GENERATED, allocator]]), new Set());
  return `${HEAD}${chosenProfile(profiles)}\n${QUIET}${library}\n#pragma GCC diagnostic pop\n`;
}

/** The compilers below have state of their own. */
async function mapInTurn<T, U>(items: readonly T[], map: (item: T) => Promise<U>): Promise<U[]> {
  const results: U[] = [];
  for (const item of items) results.push(await map(item));
  return results;
}

/** One bit each in a number that JavaScript's operators take as a whole. */
const MOST_BODIES = 31;

/** The bodies' bits in HK_BODY, of which one is set. */
function bit(index: number): string {
  return `0x${(2 ** index).toString(16)}`;
}

/**
 * The bodies as one text in which what several have in common is there once. Generated text is chapters between empty lines:
 * macros, globals and declarations, a line each; functions, a chapter each; and at the end the macros' ends.
 */
function merged(texts: readonly string[]): string {
  if (texts.length === 1) return texts[0] ?? "";
  const chapters = texts.map((text) => text.trimEnd().split("\n\n"));
  const phases = [1, 2, 3].map((at) => chapters.map((each) => each[at]?.split("\n") ?? []));
  const functions = chapters.map((each) => each.slice(4, -1));
  const ends = chapters.map((each) => each.at(-1)?.split("\n") ?? []);
  return [...phases, functions, ends].map(mergedPhase).join("\n");
}

/** Units of text, each once, under a condition on HK_BODY where not all bodies have it; those of one condition stand together. */
function mergedPhase(bodies: readonly (readonly string[])[]): string {
  const owners = new Map<string, number>();
  bodies.forEach((units, index) => {
    for (const unit of units) owners.set(unit, (owners.get(unit) ?? 0) | (2 ** index));
  });
  const groups = new Map<number, string[]>();
  for (const [unit, mask] of owners) groups.set(mask, [...(groups.get(mask) ?? []), unit]);
  const all = 2 ** bodies.length - 1;
  return [...groups]
    .map(([mask, units]) => {
      const text = units.join("\n");
      return mask === all ? `${text}\n` : `#if HK_BODY & 0x${mask.toString(16)}\n${text}\n#endif\n`;
    })
    .join("\n");
}

const HEAD = `/* hakmem: a memory allocator, in one file. Compile it with your program, and malloc is this one.
 *
 * Generated from the sources at https://github.com/hakmem/hakmem: do not edit. For C11 with GNU's extensions, by GCC or Clang,
 * for Linux on x86-64 and AArch64, and for WebAssembly (Emscripten, WASI, or no C library at all). hakmem.h has what it
 * offers beyond the standard's functions, docs/linking.md says how to use it. Licence: MIT.
 */
#ifdef __cplusplus
#error "hakmem.c is C: compile it as C (with -x c, or under its own name), and link it with your C++"
#endif
#if !defined(__GNUC__) || !defined(__STDC_VERSION__) || __STDC_VERSION__ < 201112L
#error "hakmem.c needs GCC or Clang, and C11 or later (-std=gnu11)"
#endif
#if defined(__linux__) && !defined(__x86_64__) && !defined(__aarch64__)
#error "hakmem.c is for Linux on x86-64 and AArch64, and for WebAssembly"
#elif !defined(__linux__) && !defined(__wasm__)
#error "hakmem.c is for Linux and WebAssembly"
#endif
#if defined(__wasm__) && __clang_major__ < 14
#error "hakmem.c needs Clang 14 or later for WebAssembly: what is a thread's own is in globals, which C has had since then"
#endif
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define HAKMEM_SANITIZED
#endif
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HAKMEM_SANITIZED
#endif
#ifdef HAKMEM_SANITIZED
#error "hakmem.c: a sanitizer brings an allocator of its own, which must stay: build without one of the two"
#endif

`;

/** Generated code has temporaries, parameters and functions that it does not need everywhere. */
const QUIET = `#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wunused-variable"
#pragma GCC diagnostic ignored "-Wunused-parameter"
#pragma GCC diagnostic ignored "-Wunused-but-set-variable"
#ifndef __clang__
#pragma GCC diagnostic ignored "-Wmissing-attributes" /* an alias need not repeat those of what it replaces */
#endif

`;

/** Says which profile it is: HAKMEM_PROFILE, its name, and what in the C depends on it. */
function chosenProfile(profiles: readonly Profile[]): string {
  const traits = (profile: Profile): string =>
    [
      `#define HAKMEM_PROFILE "${profile.name}"`,
      ...(profile.guard ? ["#ifndef HAKMEM_GUARD\n#define HAKMEM_GUARD\n#endif"] : []),
      ...(profile.hardened ? ["#define HAKMEM_HARDENED"] : []),
      ...(profile.statistics ? ["#define HAKMEM_STATISTICS"] : []),
    ].join("\n");
  const [first, ...others] = profiles;
  if (first === undefined) throw new ExplainedError("hakmem.c needs the allocator of one profile at least");
  const refused = profiles.some((profile) => profile.guard)
    ? ""
    : '#ifdef HAKMEM_GUARD\n#error "hakmem.c: it was made without a profile that guards"\n#endif\n';
  if (others.length === 0) return `${refused}${traits(first)}\n`;
  const guard = others.find((profile) => profile.guard);
  const short = guard === undefined ? refused : `#ifdef HAKMEM_GUARD\n#define ${profileMacro(guard)}\n#endif\n`;
  const macros = others.map(profileMacro);
  const several = `#if ${macros.map((macro) => `defined(${macro})`).join(" + ")} > 1\n#error "hakmem.c: at most one of ${macros.join(", ")}"\n#endif\n`;
  const cases = others.map(
    (profile, index) => `#${index === 0 ? "if" : "elif"} defined(${profileMacro(profile)})\n${traits(profile)}`,
  );
  return `${short}${several}${cases.join("\n")}\n#else\n${traits(first)}\n#endif\n`;
}

function conditionOf({ profile, target, architecture }: Body, profiles: readonly Profile[]): string {
  const condition = CONDITIONS[architecture ?? target];
  if (condition === undefined) throw new ExplainedError(`target ${target} is a module, not C`);
  const [first, ...others] = profiles;
  const wanted =
    profile.name === first?.name
      ? others.map((other) => `!defined(${profileMacro(other)})`)
      : [`defined(${profileMacro(profile)})`];
  return [condition, ...wanted].join(" && ");
}

/** The text of `allocator.gen.h` with this body alone; kept, since it takes seconds to make. */
export async function bodyText(body: Body): Promise<string> {
  const { profile, target, architecture, sourceRoot = ROOT } = body;
  const width = architecture === undefined ? {} : { HK_ADDRESS_BITS: ADDRESS_BITS[architecture] };
  const overrides = { ...width, ...body.overrides };
  const key = fingerprint(
    await fingerprintOfAllocator(sourceRoot),
    JSON.stringify([profile.name, profile.guard, target, constantsOf(profile, target, overrides)]),
  );
  const make = async (): Promise<string> => generateAllocatorSource({ profile, target, overrides, sourceRoot });
  return readFile(await cachedFile(path.join("c", `${profile.name}.${target}-${key}.h`), make), "utf8");
}

/** A file of `directory` with the files that it includes in their places, each once. */
async function inlined(
  directory: string,
  file: string,
  generated: ReadonlyMap<string, string>,
  seen: Set<string>,
): Promise<string> {
  const made = generated.get(file);
  if (made !== undefined) return made;
  const lines = (await readFile(path.join(directory, file), "utf8")).split("\n");
  const parts: string[] = [];
  for (const line of lines) {
    const name = /^#include "([^"]+)"/.exec(line)?.[1];
    if (name === undefined) {
      if (line !== "#pragma once") parts.push(line);
    } else if (!seen.has(name)) {
      seen.add(name);
      parts.push(await inlined(directory, name, generated, seen));
    }
  }
  return parts.join("\n");
}
