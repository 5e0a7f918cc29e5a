/* Allocates and frees after main: in atexit handlers, in destructors, and in thread-specific destructors of every round. */
#include <pthread.h>
#include <string.h>
#include "churn.h"

static char *copy_of(const char *text) { return strcpy(malloc(strlen(text) + 1), text); }

static char *kept;
static struct churn late;
static pthread_key_t keys[3];

static void at_exit(void) {
  free(kept);
  kept = copy_of("allocated in an atexit handler");
  churn(&late, 5000);
}

__attribute__((destructor)) static void at_unload(void) {
  CHECK(!strcmp(kept, "allocated in an atexit handler"));
  free(kept);
  churn_end(&late);
  puts("done");
}

/* Comes back in every round of destructors that there is. */
static void tenacious(void *value) {
  free(value);
  pthread_setspecific(keys[2], malloc(100));
}

static void *thread(void *unused) {
  (void)unused;
  for (int i = 0; i < 3; i++) pthread_setspecific(keys[i], malloc(1000));
  return copy_of("from the thread");
}

int main(void) {
  pthread_key_create(&keys[0], free);
  pthread_key_create(&keys[1], free);
  pthread_key_create(&keys[2], tenacious);
  for (int i = 0; i < 200; i++) {
    pthread_t id;
    void *result;
    CHECK(pthread_create(&id, NULL, thread, NULL) == 0);
    CHECK(pthread_join(id, &result) == 0);
    CHECK(!strcmp(result, "from the thread"));
    free(result);
  }
  kept = copy_of("allocated in main");
  atexit(at_exit);
  return 0;
}
