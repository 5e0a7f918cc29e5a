/** Serves the page on this machine alone. */

import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { messageOf, RequestError } from "../base/errors.js";
import type { LiveMoment } from "./data.js";
import type { Viewed } from "./inputs.js";
import { viewerPage } from "./page.js";

export interface Served {
  readonly url: string;
  readonly close: () => void;
}

const HOST = "127.0.0.1";

/**
 * @param port 0 for any that is free
 * @param views what to show, once it is there
 * @param moment of a running program
 */
export async function serve(
  port: number,
  views: Viewed,
  moment?: () => Promise<LiveMoment | undefined>,
): Promise<Served> {
  const page = await viewerPage();
  const answers: Readonly<Record<string, () => Promise<[type: string, body: string]>>> = {
    "/": () => Promise.resolve(["text/html; charset=utf-8", page]),
    "/first.json": async () => ["application/json", JSON.stringify(await views.first)],
    "/data.json": async () => ["application/json", JSON.stringify(await views.all)],
    "/live.json": async () => ["application/json", JSON.stringify(await moment?.())],
  };
  const server = createServer((request, response) => {
    // A name that leads here may be another site's.
    const isOurs = /^(127\.0\.0\.1|localhost)(:\d+)?$/.test(request.headers.host ?? "");
    const answer = isOurs ? answers[(request.url ?? "").replace(/[?#].*$/, "")] : undefined;
    if (answer === undefined) {
      response.writeHead(404).end();
      return;
    }
    answer().then(
      ([type, body]) => response.writeHead(200, { "content-type": type, "cache-control": "no-store" }).end(body),
      (error: unknown) => response.writeHead(500, { "content-type": "text/plain" }).end(messageOf(error)),
    );
  });
  await listening(server, port);
  const { port: chosen } = server.address() as AddressInfo;
  return {
    url: `http://${HOST}:${chosen}/`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

function listening(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error) => {
      reject(new RequestError(`port ${port} cannot be listened to: ${messageOf(error)}`));
    });
    server.listen(port, HOST, resolve);
  });
}
