// @ts-check
/* global self, atob, Worker */
/** Both threads of `packages/tools/src/proof/stale-size`: the leader, which a page starts, and the followers, which the leader starts. */

import { play } from "../../../packages/tools/dist/proof/stale-size/play.js";
import { follow } from "../../../packages/tools/dist/proof/stale-size/scene.js";

const FOLLOWER = "follower";

if (self.name === FOLLOWER) {
  self.onmessage = ({ data }) => {
    follow(data);
  };
  self.postMessage("ready");
} else {
  self.onmessage = async ({ data: { allocator, program, wide, guard, warm, only } }) => {
    const modules = {
      allocator: compile(allocator),
      program: program === undefined ? undefined : compile(program),
      wide,
      guard,
    };
    self.postMessage(await play(modules, startFollower, warm, only));
  };
}

/** @param {string} base64 */
function compile(base64) {
  return new WebAssembly.Module(Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0)));
}

async function startFollower() {
  const worker = new Worker(self.location.href, { type: "module", name: FOLLOWER });
  await new Promise((resolve) => {
    worker.onmessage = resolve;
  });
  return {
    /** @param {import("../../../packages/tools/dist/proof/stale-size/scene.js").Task} task */
    run: (task) => {
      worker.postMessage(task);
    },
    stop: () => {
      worker.terminate();
    },
  };
}
