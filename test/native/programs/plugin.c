/* A plug-in: frees what the program has allocated and returns what the program must free. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

char *exchange(char *block) {
  free(block);
  return strdup("from the plug-in");
}

/* The file that its malloc is in. */
const char *allocator(void) {
  static Dl_info in;
  void *(*volatile found)(size_t) = malloc;
  return dladdr((void *)found, &in) ? in.dli_fname : "none";
}
