/* How much memory this program has had at most; getrusage would count what ran before exec. */
#pragma once

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Peak resident set in bytes, 0 when the system does not say. Does not allocate. */
static unsigned long peak_resident(void) {
  static const char field[] = "VmHWM:";
  char status[4096];
  int file = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
  ssize_t length = file < 0 ? -1 : read(file, status, sizeof status - 1);
  if (file >= 0) close(file);
  status[length < 0 ? 0 : length] = 0;
  const char *found = strstr(status, field);
  return found ? strtoul(found + sizeof field - 1, NULL, 10) << 10 : 0;
}
