/** Numbers for people. */

const UNITS = ["bytes", "KiB", "MiB", "GiB"];

export function bytes(value: number): string {
  let unit = 0;
  while (Math.abs(value) >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit] ?? ""}`;
}

export const count = (value: number): string => Math.round(value).toLocaleString("en");

export function duration(nanoseconds: number): string {
  if (nanoseconds < 1e3) return `${Math.round(nanoseconds)} ns`;
  if (nanoseconds < 1e6) return `${(nanoseconds / 1e3).toFixed(1)} µs`;
  if (nanoseconds < 1e9) return `${(nanoseconds / 1e6).toFixed(1)} ms`;
  return `${(nanoseconds / 1e9).toFixed(2)} s`;
}

/** Of a clock's time. */
export const clockTime =
  (clock: "nanoseconds" | "calls") =>
  (time: number): string =>
    clock === "calls" ? `${count(time)} calls` : duration(time);
