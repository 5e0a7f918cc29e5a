/* Frees an address that no process has. */
#include <stdint.h>
#include <stdlib.h>

int main(void) {
  void *volatile wild = (void *)~(uintptr_t)15;
  free(wild);
  return 0;
}
