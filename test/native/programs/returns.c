/* Fills 128 MiB with blocks of a size, frees them, and prints how many MiB stay resident: at once, after the purge delay, and after malloc_trim. */
#include <malloc.h>
#include <string.h>
#include <unistd.h>
#include "check.h"
#include "resident.h"

#define TOTAL ((size_t)128 << 20)

int main(int count, char **arguments) {
  CHECK(count == 2);
  size_t size = strtoul(arguments[1], NULL, 10), blocks = TOTAL / size;
  static void *block[1 << 20];
  CHECK(blocks <= 1 << 20);
  for (size_t i = 0; i < blocks; i++) CHECK(block[i] = memset(malloc(size), 1, size));
  CHECK(resident(20) >= 126);
  for (size_t i = 0; i < blocks; i++) free(block[i]);
  long at_once = resident(20);
  for (int i = 0; i < 20; i++) {
    usleep(20000);
    for (int j = 0; j < 2000; j++) block[j] = malloc(500); /* a program that goes on */
    for (int j = 0; j < 2000; j++) free(block[j]);
  }
  long later = resident(20);
  malloc_trim(0);
  printf("%ld %ld %ld\n", at_once, later, resident(20));
  return 0;
}
