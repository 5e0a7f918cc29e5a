/* Put before library.c when it is compiled for fuzzing: its variables come to lie together, so that fuzz.c can set all of
 * them back. */
#pragma clang section bss = "hakmem_bss" data = "hakmem_data"
