/* Opens a plug-in with RTLD_DEEPBIND and exchanges blocks with it.
 *
 *   plugged exchange PLUGIN        prints the file that the plug-in's malloc is in
 *   plugged where PLUGIN           the same without the exchange
 *   plugged beside CALLER NAME     lets a library open what only its own search path leads to, in this namespace and in a new one
 *   plugged apart PLUGIN           in a namespace of its own the plug-in has an allocator of its own
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <string.h>
#include "check.h"

static void *must(void *found) {
  if (!found) fprintf(stderr, "%s\n", dlerror()), _Exit(1);
  return found;
}

static char *(*exchange_of(void *plugin))(char *) { return (char *(*)(char *))must(dlsym(plugin, "exchange")); }
static const char *allocator_of(void *plugin) { return ((const char *(*)(void))must(dlsym(plugin, "allocator")))(); }

int main(int count, char **arguments) {
  CHECK(count >= 3);
  const char *what = arguments[1], *file = arguments[2];
  if (!strcmp(what, "beside")) {
    void *caller = must(dlopen(file, RTLD_NOW | RTLD_DEEPBIND));
    CHECK(!dlopen(arguments[3], RTLD_NOW)); /* not by the program's own path */
    must(((void *(*)(const char *, int))must(dlsym(caller, "open_beside")))(arguments[3], RTLD_NOW | RTLD_DEEPBIND));
    must(((void *(*)(long, const char *, int))must(dlsym(caller, "open_beside_in")))(LM_ID_NEWLM, arguments[3], RTLD_NOW));
  } else if (!strcmp(what, "apart")) {
    void *plugin = must(dlmopen(LM_ID_NEWLM, file, RTLD_NOW));
    CHECK(!strstr(allocator_of(plugin), "hakmem"));
    for (int i = 0; i < 1000; i++) {
      char *left = exchange_of(plugin)(NULL); /* its allocator's: for it to free */
      CHECK(!strcmp(left, "from the plug-in"));
      exchange_of(plugin)(left);
    }
  } else {
    void *plugin = must(dlopen(file, RTLD_NOW | RTLD_DEEPBIND));
    for (int i = 0; i < 1000 && !strcmp(what, "exchange"); i++) {
      char *block = malloc((size_t)i * 50 + 1);
      CHECK(block);
      char *returned = exchange_of(plugin)(block);
      CHECK(!strcmp(returned, "from the plug-in"));
      free(returned);
    }
    puts(allocator_of(plugin));
    return 0;
  }
  puts("done");
  return 0;
}
