/** What runtime.ts is compiled with beside a profile's constants. */

/**
 * 1: blocks of runtime.ts are cleared. AssemblyScript takes every runtime but its own two others for the incremental one, whose
 * collector clears what it hands out; the minimal one does not.
 */
declare const HK_CLEARED: i32;
