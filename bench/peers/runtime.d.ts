/** What the runtime of AssemblyScript offers to every program, for editors and `tsc`; its published types leave it out. */

declare function __alloc(size: usize): usize;
declare function __realloc(block: usize, size: usize): usize;
declare function __free(block: usize): void;
