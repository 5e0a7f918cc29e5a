/* Frees, or resizes, what is not the start of a block. HOW is "call/pointer". */
#include <sys/mman.h>
#include "mistake.h"

static char fixed[4096];

int main(int argc, char **argv) {
  begin(argc, argv);
  _Alignas(64) char local[4096];
  const char *kind = strchr(how, '/') + 1;
  char *block = taken(size), *bad = NULL;
  size_t stride = (size + 4096) & ~(size_t)15;
  if (!strcmp(kind, "interior")) bad = block + amount;
  if (!strcmp(kind, "middle")) bad = block + (size / 2 + 15 & ~(size_t)15);
  if (!strcmp(kind, "end")) bad = block + size;
  if (!strcmp(kind, "before")) bad = block - 16;
  if (!strcmp(kind, "never")) bad = block + 8 * stride;
  if (!strcmp(kind, "stack")) bad = local + 64;
  if (!strcmp(kind, "static")) bad = fixed + 64;
  if (!strcmp(kind, "text")) bad = (char *)"a text in the program";
  if (!strcmp(kind, "argument")) bad = argv[2];
  if (!strcmp(kind, "mapped")) bad = (char *)mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) + 4096;
  if (!strcmp(kind, "number")) bad = (char *)(uintptr_t)0x12345670;
  if (!strcmp(kind, "freed")) free(bad = taken(size));
  if (!wrong) bad = taken(size);
  if (!strncmp(how, "realloc", 7)) {
    if (!realloc(bad, size + 100)) return REFUSED;
  } else free(bad);
  return outcome(kept(block, size) && sound(block));
}
