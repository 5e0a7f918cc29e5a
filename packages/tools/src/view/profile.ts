/** Heap profiles for the page: any of those that the tools write, or that a heap has left. */

import { gunzipSync } from "node:zlib";
import { Profile } from "pprof-format";
import { ExplainedError } from "../base/errors.js";
import { profileOf, readDataProfile } from "../observe/data-profile.js";
import type { HeapProfile } from "../observe/heap-profile.js";
import { nameProfile } from "../observe/native-profile.js";
import { isRawProfile, readRawProfile } from "../observe/raw-profile.js";
import { liveTree, type CallNode } from "../observe/tree.js";
import type { Flame, ProfileView } from "./data.js";

export async function viewProfile(name: string, content: Buffer): Promise<ProfileView> {
  return { kind: "profile", name, flame: await flameOf(name, content) };
}

async function flameOf(name: string, content: Buffer): Promise<Flame> {
  if (isRawProfile(content)) return liveFlame((await nameProfile(readRawProfile(content, name))).profile);
  if (content[0] === 0x1f && content[1] === 0x8b) return pprofFlame(name, content);
  const text = content.toString();
  if (name.endsWith(".folded")) return foldedFlame(name, text);
  if (name.endsWith(".heapprofile")) return v8Flame(name, text);
  return liveFlame(profileOf(readDataProfile(text, name)));
}

/** What is in use. */
export function liveFlame(profile: HeapProfile): Flame {
  const convert = ({ frame, bytes, children }: CallNode): Flame => {
    const inner = [...children.values()].map(convert);
    const place = frame.line === 0 ? frame.file : `${frame.file}:${frame.line}`;
    return { name: frame.name, place, value: bytes + sum(inner), children: inner };
  };
  return convert(liveTree(profile));
}

const sum = (flames: readonly Flame[]): number => flames.reduce((total, { value }) => total + value, 0);

interface Call {
  readonly name: string;
  readonly place: string;
}

/** Deeper stacks nobody can see: their middle is left out. */
const DEEPEST = 512;

function withoutMiddle(stack: readonly Call[]): Call[] {
  const half = DEEPEST / 2;
  const middle = { name: `(${stack.length - DEEPEST} calls more)`, place: "" };
  return [...stack.slice(0, half), middle, ...stack.slice(-half)];
}

/** A tree that grows stack by stack. */
class Growing {
  private readonly children = new Map<string, Growing>();
  private own = 0;

  constructor(
    private readonly name: string,
    private readonly place = "",
  ) {}

  /** The outermost call first. */
  add(stack: readonly Call[], value: number): void {
    const calls = stack.length > DEEPEST ? withoutMiddle(stack) : stack;
    calls.reduce((node: Growing, call) => node.child(call), this).own += value;
  }

  private child({ name, place }: Call): Growing {
    const key = `${name}\0${place}`;
    const child = this.children.get(key) ?? new Growing(name, place);
    this.children.set(key, child);
    return child;
  }

  get flame(): Flame {
    const children = [...this.children.values()].map(({ flame }) => flame);
    return { name: this.name, place: this.place, value: this.own + sum(children), children };
  }
}

function foldedFlame(name: string, text: string): Flame {
  const root = new Growing("(root)");
  text.split("\n").forEach((line, index) => {
    if (line.trim() === "") return;
    const found = /^(.*) (\d+(?:\.\d+)?)$/.exec(line);
    if (found === null) throw new ExplainedError(`${name}: line ${index + 1} is no stack with a number behind it`);
    const stack = (found[1] ?? "").split(";").map((call) => ({ name: call, place: "" }));
    root.add(stack, Number(found[2]));
  });
  return root.flame;
}

function pprofFlame(name: string, content: Buffer): Flame {
  let profile: Profile;
  try {
    profile = Profile.decode(gunzipSync(content));
  } catch {
    throw new ExplainedError(`${name} is compressed, but no profile of pprof's`);
  }
  const text = (index: number | bigint): string => profile.stringTable.strings[Number(index)] ?? "";
  const types = profile.sampleType.map(({ type }) => text(type));
  const column = Math.max(
    0,
    types.lastIndexOf("inuse_space") >= 0 ? types.lastIndexOf("inuse_space") : types.length - 1,
  );
  const functions = new Map(profile.function.map((each) => [Number(each.id), each]));
  const locations = new Map(profile.location.map((each) => [Number(each.id), each]));
  const root = new Growing("(root)");
  for (const { locationId, value } of profile.sample) {
    const stack = locationId.flatMap((id) =>
      (locations.get(Number(id))?.line ?? []).map(({ functionId, line }) => {
        const called = functions.get(Number(functionId));
        const file = called === undefined ? "" : text(called.filename);
        return { name: called === undefined ? "?" : text(called.name), place: file === "" ? "" : `${file}:${line}` };
      }),
    );
    const bytes = Number(value[column] ?? 0);
    if (bytes > 0) root.add(stack.toReversed(), bytes);
  }
  return root.flame;
}

interface V8Node {
  readonly callFrame?: { readonly functionName?: string; readonly url?: string; readonly lineNumber?: number };
  readonly selfSize?: number;
  readonly children?: readonly V8Node[];
}

function v8Flame(name: string, text: string): Flame {
  let head: V8Node | undefined;
  try {
    ({ head } = JSON.parse(text) as { head?: V8Node });
  } catch {
    // Said below.
  }
  if (head?.callFrame === undefined) throw new ExplainedError(`${name} is no heap profile of V8's`);
  const convert = ({ callFrame = {}, selfSize = 0, children = [] }: V8Node): Flame => {
    const inner = children.map(convert);
    const { functionName = "", url = "", lineNumber = -1 } = callFrame;
    const place = url === "" ? "" : lineNumber < 0 ? url : `${url}:${lineNumber + 1}`;
    return {
      name: functionName === "" ? "(anonymous)" : functionName,
      place,
      value: selfSize + sum(inner),
      children: inner,
    };
  };
  return convert(head);
}
