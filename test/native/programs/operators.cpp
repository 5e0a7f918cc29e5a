// Every form of operator new and delete, and what they do when memory ends.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <string>
#include <thread>
#include <vector>
extern "C" size_t malloc_usable_size(void *);
extern "C" int hakmem_owns(const void *) __attribute__((weak));
#define CHECK(condition) do { if (!(condition)) { std::fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition); std::_Exit(1); } } while (0)

static int handled = 0;
static void handler() { if (++handled == 3) std::set_new_handler(nullptr); }
struct alignas(256) Wide { char bytes[300]; };
struct Global { std::string text = std::string(1000, 'g'); ~Global() { CHECK(text[999] == 'g'); } } global;
thread_local std::vector<std::string> local;

template <typename F> bool throws(F f) { try { f(); } catch (const std::bad_alloc &) { return true; } return false; }

int main() {
  volatile size_t huge = SIZE_MAX / 2;
  CHECK(hakmem_owns && hakmem_owns(global.text.data()));
  void *volatile p;
  p = ::operator new(40); CHECK(malloc_usable_size(p) >= 40); ::operator delete(p);
  p = ::operator new(40); ::operator delete(p, size_t(40));
  p = ::operator new[](40); ::operator delete[](p);
  p = ::operator new[](40); ::operator delete[](p, size_t(40));
  p = ::operator new(40, std::nothrow); ::operator delete(p, std::nothrow);
  p = ::operator new[](40, std::nothrow); ::operator delete[](p, std::nothrow);
  std::align_val_t a{512};
  p = ::operator new(40, a); CHECK(uintptr_t(p) % 512 == 0); ::operator delete(p, a);
  p = ::operator new[](40, a); CHECK(uintptr_t(p) % 512 == 0); ::operator delete[](p, a);
  p = ::operator new(40, a, std::nothrow); CHECK(uintptr_t(p) % 512 == 0); ::operator delete(p, a, std::nothrow);
  p = ::operator new[](40, a, std::nothrow); ::operator delete[](p, a, std::nothrow);
  p = ::operator new(40, a); ::operator delete(p, size_t(40), a);
  p = ::operator new[](40, a); ::operator delete[](p, size_t(40), a);
  auto *wide = new Wide[3]; CHECK(uintptr_t(wide) % 256 == 0); delete[] wide;

  CHECK(throws([&] { p = ::operator new(huge); }));
  CHECK(throws([&] { p = ::operator new[](huge); }));
  CHECK(throws([&] { p = ::operator new(huge, a); }));
  CHECK(::operator new(huge, std::nothrow) == nullptr);
  CHECK(::operator new[](huge, a, std::nothrow) == nullptr);
  std::set_new_handler(handler);
  CHECK(throws([&] { p = ::operator new(huge); }) && handled == 3);

  std::vector<std::thread> threads;
  for (int t = 0; t < 20; t++) threads.emplace_back([] { for (int i = 0; i < 1000; i++) local.emplace_back(i, 'x'); });
  for (auto &thread : threads) thread.join();
  std::puts("done");
}
