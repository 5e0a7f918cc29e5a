/** All workloads of one thread, as one module. */

export { arena_single } from "./arena";
export { ledger_checksum, ledger_failed, ledger_live, ledger_peak } from "./ledger";
export { batch_begin, batch_run } from "./batch";
export { phase_change_begin, phase_change_run } from "./phase-change";
export { random_mixed_begin, random_mixed_run } from "./random-mixed";
export { realloc_growth_begin, realloc_growth_run } from "./realloc-growth";
export { tiny_hot_begin, tiny_hot_run } from "./tiny-hot";
export { trace_begin, trace_run } from "./trace-replay";
