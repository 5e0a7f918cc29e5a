// @ts-check
/* global self */
/** The agent that makes the heap of `growth.html` grow. */

import { grow } from "../../library/support/growth.js";

self.onmessage = ({ data }) => {
  self.postMessage("ready");
  grow(data);
};
