/** Architectures that the native library runs on, named as in `process.arch`. */
export const ARCHITECTURES = ["x64", "arm64"] as const;
export type Architecture = (typeof ARCHITECTURES)[number];
