import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const SERVER = fileURLToPath(new URL("../../../examples/browser/serve.js", import.meta.url));

export interface Server {
  /** Address of the repository's root, with a slash at its end. */
  readonly url: string;
  close(): void;
}

/** Serves the repository with the example's server, in a process of its own, on any free port. */
export function startServer({ isolated }: { readonly isolated: boolean }): Promise<Server> {
  const options = isolated ? [] : ["--not-isolated"];
  const server = spawn(process.execPath, [SERVER, "--port", "0", ...options], { stdio: ["ignore", "pipe", "inherit"] });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.once("exit", (code) => {
      reject(new Error(`the server ended with code ${code} before it said where it listens`));
    });
    let output = "";
    server.stdout.setEncoding("utf8").on("data", (text: string) => {
      output += text;
      const url = /http:\/\/[^/]+\//.exec(output)?.[0];
      if (url !== undefined) resolve({ url, close: () => void server.kill() });
    });
  });
}
