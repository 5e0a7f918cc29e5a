/* The library opened by a program that runs on the C library's malloc: both work side by side. */
#include <dlfcn.h>
#include "check.h"
int main(int count, char **arguments) {
  CHECK(count == 2);
  void *library = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
  if (!library) { fprintf(stderr, "%s\n", dlerror()); return 1; }
  void *(*allocate)(size_t) = (void *(*)(size_t))dlsym(library, "malloc");
  void (*release)(void *) = (void (*)(void *))dlsym(library, "free");
  int (*owns)(const void *) = (int (*)(const void *))dlsym(library, "hakmem_owns");
  CHECK(allocate && release && owns);
  void *ours = allocate(100), *theirs = malloc(100);
  CHECK(ours && owns(ours) && !owns(theirs));
  release(ours), free(theirs);
  puts("done");
  return 0;
}
