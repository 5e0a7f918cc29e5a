// @ts-check
/** A worker of `node.js`. */

import { parentPort } from "node:worker_threads";
import * as library from "hakmem";
import { serve } from "./acceptance.js";

const answer = serve(library);
parentPort?.on("message", (task) => {
  let reply;
  try {
    reply = answer(task);
  } catch (error) {
    reply = { failed: String(error) };
  }
  parentPort?.postMessage(reply);
});
