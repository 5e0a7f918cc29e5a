/* A library that opens another by a name that only its own search path leads to. */
#define _GNU_SOURCE
#include <dlfcn.h>

void *open_beside(const char *name, int flags) {
  void *opened = dlopen(name, flags);
  __asm__ volatile("" ::: "memory"); /* no jump: this library must be the caller */
  return opened;
}
void *open_beside_in(long space, const char *name, int flags) {
  void *opened = dlmopen(space, name, flags);
  __asm__ volatile("" ::: "memory");
  return opened;
}
