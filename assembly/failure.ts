/** What a guard or hardened build reports before it stops the program. The library and the platform make sentences of the numbers. */

export const FAIL_DOUBLE_FREE: u32 = 1;
export const FAIL_FOREIGN_POINTER: u32 = 2;
export const FAIL_INTERIOR_POINTER: u32 = 3;
export const FAIL_USE_AFTER_FREE: u32 = 4;
export const FAIL_OVERFLOW: u32 = 5;
export const FAIL_UNDERFLOW: u32 = 6;
export const FAIL_WRONG_SIZE: u32 = 7;
export const FAIL_WRONG_ALIGNMENT: u32 = 8;
export const FAIL_WRONG_FUNCTION: u32 = 9;
export const FAIL_NOT_A_BLOCK: u32 = 10;
export const FAIL_BROKEN_LINK: u32 = 11;
