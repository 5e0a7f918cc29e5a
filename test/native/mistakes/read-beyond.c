/* Reads the AMOUNT-th byte beyond a block, and hopes for a zero: a string without an end, for one. */
#include "mistake.h"

int main(int argc, char **argv) {
  begin(argc, argv);
  char *block = (char *)malloc(size + 100);
  memset(block, 0, size + 100);
  block = (char *)memset(malloc(wrong ? size : size + (size_t)amount), 0, wrong ? size : size + (size_t)amount);
  return *(volatile char *)(block + size + amount - 1) ? VISIBLE : UNHARMED;
}
