/* How much memory the program has now, in units of 2^shift bytes; include after check.h. */
#ifndef RESIDENT_H
#define RESIDENT_H
#include <unistd.h>
static long resident(int shift) {
  long size, pages;
  FILE *file = fopen("/proc/self/statm", "r");
  CHECK(file && fscanf(file, "%ld %ld", &size, &pages) == 2);
  fclose(file);
  return pages * sysconf(_SC_PAGESIZE) >> shift;
}
#endif
