/* Fills 128 MiB, frees them, and sleeps, in which no call of the allocator is made; then the same in the child of a fork. Prints how many MiB
 * stay resident, and how many threads there are: at once and later, of the parent and of the child. */
#include <dirent.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "check.h"
#include "resident.h"

#define BLOCKS 65536
#define BYTES 2048

static int threads(void) {
  int count = -2;
  DIR *tasks = opendir("/proc/self/task");
  CHECK(tasks);
  while (readdir(tasks)) count++;
  closedir(tasks);
  return count;
}

static void peak(void) {
  static void *block[BLOCKS];
  for (int i = 0; i < BLOCKS; i++) CHECK(block[i] = memset(malloc(BYTES), 1, BYTES));
  for (int i = 0; i < BLOCKS; i++) free(block[i]);
}

static void tell(void) {
  printf("%ld %d ", resident(20), threads());
  fflush(stdout);
}

int main(void) {
  peak();
  tell();
  usleep(1500000);
  tell();
  peak();
  pid_t child = fork();
  CHECK(child >= 0);
  if (child) {
    int status;
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    return 0;
  }
  peak();
  tell();
  usleep(1500000);
  tell();
  _exit(0);
}
