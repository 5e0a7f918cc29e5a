// @ts-check
/* global Worker */
/** The acceptance programs in a browser, as bundlers bring them there. */

import * as library from "hakmem";
import { answer } from "../../browser/pages/ask.js";
import { accept } from "../acceptance.js";
import { helpers } from "../web.js";

const startWorker = helpers(() => new Worker(new URL("./worker.js", import.meta.url), { type: "module" }));
const act = () => accept({ library, startWorker });
Object.assign(globalThis, { acceptance: act });
await answer(act);
