/* Allocates in known places and numbers: what a profile, a leak report and a recording of it must say is known. Each argument is a thing to do. */
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string>
#include <thread>
#include <vector>
#include <malloc.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile size_t too_much = (size_t)1 << 60; /* what is refused was not asked for */

#define APART __attribute__((noinline, noipa))

static std::vector<void *> kept;
static void *volatile sink; /* so that the compiler leaves no pair out */

APART void *forget_it(size_t size) {
  void *block = malloc(size);
  sink = block;
  memset(block, 1, size);
  return block;
}

/* A hundred blocks of 3,000 bytes that nobody can free any more, among many that are freed. */
APART void leak() {
  for (int i = 0; i < 10000; i++) {
    if (i % 100 == 0) forget_it(3000);
    free(forget_it(10 + i % 1000));
  }
}

/* A cache that forgets nothing. */
APART void grow() {
  for (int i = 0; i < 500; i++) kept.push_back(operator new(2000));
}

/* Every way to allocate and to free: 12 blocks, and all of them freed, but 1 of 777 bytes. */
APART void all_ways() {
  void *block = nullptr;
  free(sink = calloc(7, 11));
  free(sink = realloc(sink = realloc(nullptr, 100), 5000));
  free(sink = reallocarray(nullptr, 10, 10));
  free(sink = aligned_alloc(64, 128));
  if (posix_memalign(&block, 4096, 100) == 0) free(block);
  free(sink = memalign(32, 10));
  operator delete(sink = operator new(100));
  operator delete[](sink = operator new[](50));
  operator delete(sink = operator new(100, std::align_val_t(256)), std::align_val_t(256));
  operator delete(sink = operator new(100, std::nothrow));
  sink = malloc(too_much), sink = realloc(sink, too_much), sink = calloc(too_much, 8);
  sink = malloc(777);
}

/* Blocks made in one thread and freed in another, 20,000 of them. */
APART void hand_over() {
  std::vector<void *> blocks(20000);
  std::thread maker([&] { for (auto &block : blocks) block = malloc(64); });
  maker.join();
  std::thread taker([&] { for (auto &block : blocks) free(block); });
  taker.join();
}

/* Two threads that hand each other blocks, so that addresses go to and fro. */
APART void exchange() {
  static std::atomic<void *> slots[64];
  auto work = [](unsigned seed) {
    for (int i = 0; i < 50000; i++) {
      seed = seed * 1103515245 + 12345;
      free(slots[seed >> 16 & 63].exchange(malloc(16 + (seed >> 8 & 255))));
    }
  };
  std::thread one(work, 1), two(work, 2);
  one.join(), two.join();
  for (auto &slot : slots) free(slot.exchange(nullptr));
}

APART void in_child() {
  pid_t child = fork();
  if (child == 0) {
    leak();
    _exit(0);
  }
  waitpid(child, nullptr, 0);
}

int main(int count, char **arguments) {
  for (int i = 1; i < count; i++) {
    std::string what = arguments[i];
    if (what == "leak") leak();
    else if (what == "grow") grow();
    else if (what == "ways") all_ways();
    else if (what == "hand-over") hand_over();
    else if (what == "exchange") exchange();
    else if (what == "fork") in_child();
    else if (what == "kill") raise(SIGKILL);
    else if (what == "self") execl("/proc/self/exe", "again", "leak", (char *)nullptr);
    else return 2;
  }
  puts("done");
  return 0;
}
