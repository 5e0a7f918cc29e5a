/** Where this package lies on disk: `bench/`, `assembly/`, `docs/` and `dist/` are below. */

import { fileURLToPath } from "node:url";

export const PACKAGE_ROOT = fileURLToPath(new URL("../../", import.meta.url));
