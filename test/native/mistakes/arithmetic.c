/* Asks for more than there can be: a product that overflows, a length that is negative. */
#include "mistake.h"

int main(int argc, char **argv) {
  begin(argc, argv);
  volatile size_t half = wrong ? SIZE_MAX / 2 + 1 : 4, small = wrong ? SIZE_MAX / 16 + 2 : 4, negative = wrong ? (size_t)-16 : 16;
  void *volatile block = malloc(16);
  void *result = NULL;
  if (is("calloc")) result = calloc(half, 2);
  if (is("calloc-wraps")) result = calloc(small, 16); /* the product is 16 in 64 bits */
  if (is("reallocarray")) result = reallocarray(block, small, 16);
  if (is("malloc")) result = malloc(negative);
  if (is("realloc")) result = realloc(block, negative);
  if (is("memalign")) result = memalign(64, negative);
  if (is("aligned_alloc")) result = aligned_alloc(4096, wrong ? SIZE_MAX - 4000 : 8192);
  if (is("posix_memalign") && posix_memalign(&result, 64, negative)) result = NULL;
  if (is("pvalloc")) result = pvalloc(wrong ? SIZE_MAX - 100 : 100);
  if (result) return wrong ? HARMED : UNHARMED;
  return wrong ? REFUSED : HARMED;
}
