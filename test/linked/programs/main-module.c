/* A side module allocates, and the program frees. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

#include "hakmem.h"

int main(void) {
  void *module = dlopen("side.wasm", RTLD_NOW);
  if (!module) return puts(dlerror()), 1;
  char *(*make)(int) = (char *(*)(int))dlsym(module, "make");
  char *block = make(1000);
  printf("%d %d\n", hakmem_owns(block), block[999]);
  free(block);
  return 0;
}
