/** Pages of the checkout, or of another directory, for browsers. */

import * as path from "node:path";
import { execa } from "execa";
import { ROOT } from "../../base/paths.js";

const SERVER = path.join(ROOT, "examples", "browser", "serve.js");

export interface Server {
  /** Address of what is served, with a slash at its end. */
  readonly url: string;
  close(): void;
}

/**
 * Serves `root`, the checkout unless given, with the example's server, in a process of its own, on any free port.
 * @param isolated whether pages can share memory with their workers
 */
export function startServer({ isolated, root = ROOT }: { isolated: boolean; root?: string }): Promise<Server> {
  const options = ["--port", "0", "--root", root, ...(isolated ? [] : ["--not-isolated"])];
  const server = execa(process.execPath, [SERVER, ...options], { stderr: "inherit", buffer: false, reject: false });
  return new Promise((resolve, reject) => {
    void server.then(({ exitCode }) => {
      reject(new Error(`the server ended with code ${String(exitCode)} before it said where it listens`));
    });
    let output = "";
    server.stdout.setEncoding("utf8").on("data", (text: string) => {
      output += text;
      const url = /http:\/\/[^/]+\//.exec(output)?.[0];
      if (url !== undefined) resolve({ url, close: () => void server.kill() });
    });
  });
}
