/* Pointers that no malloc returned. They must be left alone. */
#include <sys/mman.h>
#include "churn.h"

int main(void) {
  static char object[64] __attribute__((aligned(64))) = "static";
  char local[64] __attribute__((aligned(64))) = "on the stack";
  char *mapped = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  strcpy(mapped, "mapped");
  char *volatile strangers[] = {object, local, mapped, mapped + 16, (char *)16, (char *)0x7fffffffe000};
  for (size_t i = 0; i < sizeof strangers / sizeof *strangers; i++) {
    free(strangers[i]);
    CHECK(realloc(strangers[i], 100) == NULL);
  }
  CHECK(!strcmp(object, "static") && !strcmp(local, "on the stack") && !strcmp(mapped, "mapped"));
  puts("done");
  return 0;
}
