/* A server with a cache that forgets to forget, and which can be asked for mistakes. */
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#define API(name) extern "C" __attribute__((export_name(#name), used, noinline))

static std::vector<char *> history;

__attribute__((noinline)) static char *copy_text(const char *text) {
  char *copy = static_cast<char *>(malloc(strlen(text) + 1));
  return strcpy(copy, text);
}

__attribute__((noinline)) static void remember(const std::string &text) { history.push_back(copy_text(text.c_str())); }

API(handle) void handle(int from, int count) {
  for (int number = from; number < from + count; number++) {
    std::string text(100 + number % 50, 'x');
    if (number % 10 == 0) remember(text);
  }
}

API(all_kinds) int all_kinds() {
  void *aligned = nullptr, *blocks[] = {calloc(10, 10), aligned_alloc(64, 640), malloc(300), realloc(nullptr, 400)};
  if (posix_memalign(&aligned, 128, 500)) return 0;
  for (void *&block : blocks) block = realloc(block, 3000);
  for (void *block : blocks) free(block);
  return static_cast<int>(reinterpret_cast<size_t>(aligned));
}

__attribute__((noinline)) static void release_text(char *volatile text) { free(text); }

/* Frees a block twice, or writes to it after it was freed, which is found when its place is wanted. */
API(misuse) void misuse(bool twice) {
  char *volatile text = copy_text("once");
  release_text(text);
  if (twice) release_text(text);
  else text[1] = '?';
  for (int i = 0; i < 100000; i++) release_text(copy_text("next"));
}

int main() { return 0; }
