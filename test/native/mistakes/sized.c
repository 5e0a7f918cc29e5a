/* Frees a block by C23's functions, with a size or an alignment that is off by AMOUNT. */
#include "mistake.h"

void free_sized(void *, size_t) __attribute__((weak));
void free_aligned_sized(void *, size_t, size_t) __attribute__((weak));

int main(int argc, char **argv) {
  begin(argc, argv);
  if (!free_sized || !free_aligned_sized) return ABSENT;
  long off = wrong ? amount : 0;
  if (is("size")) free_sized(malloc(size), size + (size_t)off);
  if (is("most")) free_sized(malloc(size), wrong ? SIZE_MAX : size);
  if (is("aligned-size")) free_aligned_sized(aligned_alloc(64, size), 64, size + (size_t)off);
  if (is("alignment")) free_aligned_sized(aligned_alloc(64, size), wrong ? (size_t)amount : 64, size);
  if (is("aligned-by-sized")) {
    void *block = aligned_alloc(64, size);
    wrong ? free_sized(block, size) : free_aligned_sized(block, 64, size);
  }
  return outcome(sound(NULL));
}
