/** Settings in the environment: those that do not exist, or have a value that is ignored; and what else is loaded before a program. */

import { existsSync } from "node:fs";
import * as path from "node:path";
import { distance } from "fastest-levenshtein";
import { shippedProfileNames } from "../profile/index.js";
import { broken, ok, warning, type Check } from "./check.js";

type Environment = Readonly<Record<string, string | undefined>>;

/** Says what a value must be, where it is none; undefined where it is one. */
type Rule = (value: string) => string | undefined;

const NUMBER = /^(\d+)([kmgt]?)$/i;
const GIB = 2 ** 30;
const MOST_SIGNAL = 64;

/** A number of bytes, or of what else is counted, as native/linux.h reads it. */
function numberOf(value: string): number {
  const found = NUMBER.exec(value);
  return found === null ? Number.NaN : Number(found[1]) * 1024 ** " kmgt".indexOf(found[2]?.toLowerCase() || " ");
}

const isNumber =
  (least = 0, most = 2 ** 64): Rule =>
  (value) => {
    const number = numberOf(value);
    return number >= least && number < most
      ? undefined
      : `a whole number${least > 0 ? ` from ${least}` : ""}, with k, m, g or t for powers of 1024`;
  };
const isFlag: Rule = (value) => (numberOf(value) <= 1 ? undefined : "0 or 1");
const isAbsolute: Rule = (value) => (path.isAbsolute(value) ? undefined : "an absolute path");
const isAnything: Rule = () => undefined;

/** All settings of docs/native.md. */
const SETTINGS: Readonly<Record<string, Rule>> = {
  HAKMEM_LIMIT: isNumber(),
  HAKMEM_RETAIN_COUNT: isNumber(),
  HAKMEM_RETAIN_BYTES: isNumber(),
  HAKMEM_PURGE_DELAY: isNumber(),
  HAKMEM_PURGE_THREAD: isFlag,
  HAKMEM_STATS: (value) =>
    ["json", "prometheus"].includes(value) || isFlag(value) === undefined ? undefined : "0, 1, json or prometheus",
  HAKMEM_STATS_FILE: (value) =>
    path.isAbsolute(value) && /\.(json|prom)$/.test(value) ? undefined : "an absolute path that ends in .json or .prom",
  HAKMEM_STATS_SIGNAL: (value) =>
    numberOf(value) >= 1 && numberOf(value) <= MOST_SIGNAL ? undefined : `a signal's number, 1 to ${MOST_SIGNAL}`,
  HAKMEM_STATS_WATCH: isFlag,
  HAKMEM_KEEP_DEEPBIND: isFlag,
  HAKMEM_CACHE: isAbsolute,
  HAKMEM_VERBOSE: isFlag,
  HAKMEM_HEAP_PROFILE: isAnything,
  HAKMEM_RECORD: isAbsolute,
  HAKMEM_SAMPLE_BYTES: isNumber(1, GIB + 1),
  HAKMEM_PROFILE: isAnything,
};
const PREFIX = "HAKMEM_";
/** What the project's own tests are told. */
const OF_TESTS = "HAKMEM_TEST";
/** Names that differ by more letters are different names. */
const LIKE = 4;

/** Every variable that begins with `HAKMEM_`, and `LD_PRELOAD`. */
export async function checkEnvironment(environment: Environment): Promise<Check[]> {
  const checks: Check[] = [];
  const profiles = await shippedProfileNames();
  for (const [name, value = ""] of Object.entries(environment)) {
    if (!name.startsWith(PREFIX) || name.startsWith(OF_TESTS)) continue;
    checks.push(checkSetting(name, value, profiles));
  }
  checks.push(...checkPreload(environment["LD_PRELOAD"]));
  return checks;
}

function checkSetting(name: string, value: string, profiles: readonly string[]): Check {
  const rule = SETTINGS[name];
  if (rule === undefined) {
    const [nearest] = Object.keys(SETTINGS).sort((a, b) => distance(a, name) - distance(b, name));
    const meant = nearest !== undefined && distance(nearest, name) <= LIKE ? `Is ${nearest} meant?` : "Remove it";
    return broken(name, "there is no such setting; it is ignored", meant);
  }
  const must = rule(value);
  if (must !== undefined) return broken(name, `"${value}" is not ${must}; it is ignored`, `Set it to ${must}`);
  if (name === "HAKMEM_PROFILE" && !profiles.includes(value))
    return warning(
      name,
      `${value} is none of the shipped profiles (${profiles.join(", ")})`,
      "Only a library built from it fits",
    );
  return ok(name, value);
}

/** The dynamic linker takes both for the end of a name. */
const SEPARATORS = /[\s:]+/;
const OURS = /libhakmem/;
const OTHERS = /lib(mimalloc|jemalloc|tcmalloc|snmalloc|hoard|rpmalloc|scalloc|ltalloc|mesh|Scudo|scudo)[^/]*$/;

function checkPreload(text: string | undefined): Check[] {
  const files = (text ?? "").split(SEPARATORS).filter((file) => file !== "");
  const about = "LD_PRELOAD";
  const checks = files
    .filter((file) => file.includes("/") && !existsSync(file))
    .map((file) => broken(about, `there is no file ${file}; programs run without it`, "Correct the path, or unset it"));
  const allocators = files.filter((file) => OTHERS.test(file));
  const [other] = allocators;
  if (other !== undefined && files.some((file) => OURS.test(file)))
    checks.push(
      broken(about, `${other} is loaded beside hakmem; the first one serves the program`, `Remove one of them`),
    );
  else if (other !== undefined)
    checks.push(
      warning(about, `${other} is loaded into every program`, "hakmem run goes before it; unset it to measure others"),
    );
  return checks.length > 0 || files.length === 0 ? checks : [ok(about, files.join(" "))];
}

/** Bytes of empty SuperSlabs that are kept, as the environment has it; undefined where it says nothing. */
export function retainedBytes(environment: Environment): number | undefined {
  const bytes = numberOf(environment["HAKMEM_RETAIN_BYTES"] ?? "");
  return Number.isNaN(bytes) ? undefined : bytes;
}
