/** Numbers for people. */

const UNITS = ["bytes", "KiB", "MiB", "GiB"];

export function bytes(value: number): string {
  const unit = value < 1024 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(value) / 10));
  return unit === 0 ? `${value} bytes` : `${(value / 1024 ** unit).toFixed(1)} ${UNITS[unit]}`;
}
