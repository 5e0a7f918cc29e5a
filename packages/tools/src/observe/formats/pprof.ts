/** pprof's format, compressed, as its readers take it: `go tool pprof`, Speedscope, Pyroscope, Polar Signals. */

import { gzipSync } from "node:zlib";
import { Function as PprofFunction, Line, Location, Profile, Sample, StringTable, ValueType } from "pprof-format";
import type { Frame, HeapProfile } from "../heap-profile.js";

/** What is counted, as Go's heap profiles have it, so that readers know their way. */
const COUNTED = [
  ["alloc_objects", "count"],
  ["alloc_space", "bytes"],
  ["inuse_objects", "count"],
  ["inuse_space", "bytes"],
] as const;

/** `time`: when the profile ended, in milliseconds since 1970. */
export function toPprof(profile: HeapProfile, time: number): Uint8Array {
  const stringTable = new StringTable();
  const text = (value: string): number => stringTable.dedup(value);
  const functions = new Map<string, PprofFunction>();
  const locations = new Map<string, Location>();
  const functionOf = ({ name, file }: Frame): PprofFunction => {
    const key = `${name}\0${file}`;
    const made =
      functions.get(key) ?? new PprofFunction({ id: functions.size + 1, name: text(name), filename: text(file) });
    functions.set(key, made);
    return made;
  };
  const locationOf = (frame: Frame): Location => {
    const key = `${frame.name}\0${frame.file}\0${frame.line}`;
    const line = (): Line => new Line({ functionId: functionOf(frame).id, line: frame.line });
    const made = locations.get(key) ?? new Location({ id: locations.size + 1, line: [line()] });
    locations.set(key, made);
    return made;
  };
  const sample = profile.sites.map(
    ({ stack, objects, bytes, liveObjects, liveBytes }) =>
      new Sample({
        locationId: stack.map((frame) => locationOf(frame).id),
        value: [objects, bytes, liveObjects, liveBytes].map((value) => Math.max(0, Math.round(value))),
      }),
  );
  const encoded = new Profile({
    sampleType: COUNTED.map(([type, unit]) => new ValueType({ type: text(type), unit: text(unit) })),
    sample,
    location: [...locations.values()],
    function: [...functions.values()],
    stringTable,
    timeNanos: BigInt(Math.round(time)) * 1_000_000n,
    durationNanos: Math.round(profile.duration),
    periodType: new ValueType({ type: text("space"), unit: text("bytes") }),
    period: profile.rate,
    defaultSampleType: text("inuse_space"),
  }).encode();
  return gzipSync(encoded);
}
