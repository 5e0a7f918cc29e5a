/* Writes over what is not its own: the crash comes in the library. */
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <stdint.h>

int main(int argc, char **argv) {
  char *block = malloc(100);
  free(malloc(50));
  if (argc > 1) return block[strtoul(argv[1], NULL, 0)]; /* a crash of the program's own */
  /* The page of the block goes: freeing it looks at the bytes around it. */
  mprotect((void *)((uintptr_t)block & ~(uintptr_t)4095), 4096, PROT_NONE);
  free(block);
  return 0;
}
