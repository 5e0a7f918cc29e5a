/* Writes AMOUNT bytes beyond the end of a block of SIZE bytes. HOW is "made by/found by", for instance malloc/free. */
#include <pthread.h>
#include <sys/wait.h>
#include "mistake.h"

static char *make(void) {
  void *block = NULL;
  if (strstr(how, "calloc/")) block = calloc(1, size);
  else if (strstr(how, "realloc-grown/")) block = realloc(malloc(1), size);
  else if (strstr(how, "realloc-shrunk/")) block = realloc(malloc(2 * size), size);
  else if (strstr(how, "reallocarray/")) block = reallocarray(NULL, size, 1);
  else if (strstr(how, "memalign/")) block = memalign(64, size);
  else if (strstr(how, "aligned_alloc/")) block = aligned_alloc(32, size);
  else if (strstr(how, "posix_memalign/")) (void)!posix_memalign(&block, 4096, size);
  else if (strstr(how, "valloc/")) block = valloc(size);
  else if (strstr(how, "strndup/")) {
    char *text = (char *)malloc(size);
    memset(text, 't', size);
    block = strndup(text, size - 1);
  } else block = malloc(size);
  return (char *)block;
}

static void *freer(void *block) { return free(block), NULL; }

int main(int argc, char **argv) {
  begin(argc, argv);
  const char *finder = strchr(how, '/') + 1;
  char *before = taken(size), *block = make(), *behind = taken(size);
  pid_t child = !strcmp(finder, "child") ? fork() : 0;
  if (child) {
    int status;
    waitpid(child, &status, 0);
    if (WIFSIGNALED(status)) raise(WTERMSIG(status));
    return WEXITSTATUS(status);
  }
  scribble(block, size);
  if (wrong) scribble(block + size, (size_t)amount);
  if (!strcmp(finder, "free")) free(block);
  if (!strcmp(finder, "realloc")) block = (char *)realloc(block, size + 1);
  if (!strcmp(finder, "thread")) {
    pthread_t thread;
    pthread_create(&thread, NULL, freer, block);
    pthread_join(thread, NULL);
  }
  if (!strcmp(finder, "quick_exit")) quick_exit(outcome(kept(before, size) && kept(behind, size)));
  return outcome(kept(before, size) && kept(behind, size));
}
