/* What each sanitizer is there to find, in the program itself: shows that its reports arrive. */
#include <pthread.h>
#include <string.h>
#include "check.h"

static int counter, numbers[4];

static void *count(void *unused) { counter++; return unused; }

int main(int arguments, char **argument) {
  const char *what = arguments > 1 ? argument[1] : "";
  if (!strcmp(what, "thread")) {
    pthread_t other;
    CHECK(pthread_create(&other, NULL, count, NULL) == 0);
    count(NULL);
    CHECK(pthread_join(other, NULL) == 0);
  } else if (!strcmp(what, "address")) numbers[arguments * 2]++;
  else {
    char *bytes = malloc(16);
    int *number = (int *)(bytes + arguments);
    *number = 1;
    free(bytes);
  }
  return 0;
}
