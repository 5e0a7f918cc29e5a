/** Where the compilers of the system find what is theirs. */

/** Debian's Emscripten finds its JavaScript parser here only when it is told to. */
export const DEBIAN_NODE_PATH = "/usr/share/nodejs";

/** They find their own tools: what npm puts before those are other versions. */
export function compilerEnvironment(): { readonly PATH: string; readonly NODE_PATH: string } {
  const folders = (process.env["PATH"] ?? "").split(":").filter((name) => !name.includes("node_modules"));
  return { PATH: folders.join(":"), NODE_PATH: DEBIAN_NODE_PATH };
}
