/* What programs may do with memory and few do: a guard must not object to any of it. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <glob.h>
#include <locale.h>
#include <malloc.h>
#include <netdb.h>
#include <obstack.h>
#include <pthread.h>
#include <regex.h>
#include <search.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "check.h"
#define obstack_chunk_alloc malloc
#define obstack_chunk_free free

enum { THREADS = 30, EACH = 500 };
static char *blocks[THREADS][EACH];
static pthread_key_t key;
static void *volatile from_handler;

static int by_text(const void *a, const void *b) { return strcmp(a, b); }
static int by_number(const void *a, const void *b) { return *(const int *)a < *(const int *)b ? -1 : 1; }
static void handler(int signal) { from_handler = malloc((size_t)signal); free(malloc(5000)); }
static void at_exit(void) { free(realloc(memset(malloc(1000), 1, 1000), 5000)); }

static void *worker(void *mine) {
  pthread_setspecific(key, malloc(50));
  for (int i = 0; i < EACH; i++) ((char **)mine)[i] = malloc((size_t)i), free(malloc((size_t)i * 7));
  return NULL;
}

static void alignments(void) {
  for (size_t align = 16; align <= 32 << 20; align *= 2) {
    for (int more = 0; more < 2; more++) {
      size_t size = more ? align + 3 : align / 3;
      char *block = memalign(align, size);
      CHECK(block && (uintptr_t)block % align == 0 && malloc_usable_size(block) >= size);
      memset(block, 1, malloc_usable_size(block));
      if (more) block = realloc(block, size + 100), memset(block, 2, size + 100);
      free(block);
    }
  }
}

static void chains(void) {
  char *block = malloc(0);
  size_t had = 0;
  for (size_t size = 0; size < 6000000; had = size, size += size / 3 + 1) {
    block = realloc(block, size + 1);
    CHECK(!had || (block[0] == 7 && block[had] == 7));
    memset(block, 7, malloc_usable_size(block));
  }
  for (size_t size = had; size; size /= 2) CHECK((block = realloc(block, size))[size - 1] == 7);
  CHECK(realloc(block, 0) == NULL);
  block = reallocarray(calloc(1000, 1000), 1000, 2000);
  for (int i = 0; i < 1000000; i += 999) CHECK(block[i] == 0);
  free(block);
}

static void c_library(void) {
  char *text = NULL, line[100];
  size_t length = 0;
  FILE *file = fopen("/proc/self/maps", "r");
  while (getline(&text, &length, file) > 0) {}
  fclose(file), free(text);
  file = open_memstream(&text, &length);
  for (int i = 0; i < 5000; i++) fprintf(file, "%d ", i);
  fclose(file), free(text);
  CHECK(asprintf(&text, "%5000d", 1) == 5000);
  free(text), free(realpath("/usr/bin/../lib", NULL)), free(getcwd(NULL, 0)), free(strdup("x"));
  void *tree = NULL;
  for (int i = 0; i < 1000; i++) snprintf(line, sizeof line, "%d", i), tsearch(strdup(line), &tree, by_text);
  tdestroy(tree, free);
  hcreate(1000), hdestroy();
  regex_t expression;
  CHECK(regcomp(&expression, "(a|b)*[0-9]{2,7}x+", REG_EXTENDED) == 0 && regexec(&expression, "abab123xx", 0, NULL, 0) == 0);
  regfree(&expression);
  glob_t found;
  CHECK(glob("/usr/lib/*", 0, NULL, &found) == 0);
  globfree(&found);
  freelocale(newlocale(LC_ALL_MASK, "C", NULL));
  struct obstack stack;
  obstack_init(&stack);
  for (int i = 0; i < 10000; i++) obstack_grow(&stack, "0123456789", 10);
  obstack_finish(&stack), obstack_free(&stack, NULL);
  struct addrinfo *addresses;
  if (getaddrinfo("127.0.0.1", "80", NULL, &addresses) == 0) freeaddrinfo(addresses);
  CHECK(dlopen("libnothere.so", RTLD_NOW) == NULL && dlerror() && !dlerror());
  dlclose(dlopen("libm.so.6", RTLD_NOW));
  file = popen("echo hello", "r");
  CHECK(fgets(line, sizeof line, file) && pclose(file) == 0);
  setenv("NAME", "value", 1), putenv(strdup("OTHER=value")), unsetenv("NAME");
  int *numbers = malloc(1 << 20);
  for (int i = 0; i < 1 << 18; i++) numbers[i] = i * 7919 % 10007;
  qsort(numbers, 1 << 18, sizeof *numbers, by_number);
  free(numbers);
}

int main(void) {
  atexit(at_exit);
  alignments();
  chains();
  c_library();
  pthread_key_create(&key, free);
  pthread_t threads[THREADS];
  for (int t = 0; t < THREADS; t++) pthread_create(&threads[t], NULL, worker, blocks[t]);
  for (int t = 0; t < THREADS; t++) pthread_join(threads[t], NULL);
  for (int t = 0; t < THREADS; t++)
    for (int i = 0; i < EACH; i++) free(blocks[t][i]);
  signal(SIGUSR1, handler);
  raise(SIGUSR1); /* between calls of malloc: that is allowed */
  free(from_handler);
  for (int i = 0; i < 10; i++) {
    pid_t child = fork();
    if (!child) free(malloc((size_t)i * 1000)), exit(0);
    int status;
    CHECK(waitpid(child, &status, 0) == child && status == 0);
  }
  puts("done");
  return 0;
}
