// @ts-check
/** A worker of `main.js`. */

import * as library from "../../../packages/hakmem/dist/index.js";
import { serve } from "../acceptance.js";
import { listen } from "../web.js";

listen(serve(library));
