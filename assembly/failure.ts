/** What a guard build reports before it traps. The library turns the numbers into sentences; keep the two in step. */

export const FAIL_DOUBLE_FREE: u32 = 1;
export const FAIL_FOREIGN_POINTER: u32 = 2;
export const FAIL_INTERIOR_POINTER: u32 = 3;
export const FAIL_CORRUPTED_LIST: u32 = 4;
export const FAIL_USE_AFTER_FREE: u32 = 5;
export const FAIL_WRONG_SIZE: u32 = 6;
