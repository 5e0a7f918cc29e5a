// Replaces one operator new and one operator delete, which the standard allows: all other forms have to come to these.
// Each block has a head of its own before it, so a form that goes elsewhere frees what is no block.
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <new>
#include <vector>

struct alignas(16) Head { long magic; };
static long live;

void *operator new(std::size_t size) {
  auto *head = static_cast<Head *>(std::malloc(sizeof(Head) + size));
  if (!head) throw std::bad_alloc();
  head->magic = 12345;
  live++;
  return head + 1;
}
void operator delete(void *pointer) noexcept {
  if (!pointer) return;
  auto *head = static_cast<Head *>(pointer) - 1;
  if (head->magic != 12345) std::abort();
  head->magic = 0;
  live--;
  std::free(head);
}

struct Object { long a[5]; ~Object() { a[0] = 0; } };

int main() {
  delete new Object;
  delete[] new Object[4];
  delete[] new char[100];
  delete new (std::nothrow) Object;
  ::operator delete(::operator new(40), std::size_t(40));
  ::operator delete[](::operator new[](40), std::size_t(40));
  { std::vector<int> numbers(1000); auto object = std::make_unique<Object>(); auto shared = std::make_shared<Object>(); }
  if (live) return std::printf("%ld blocks too many\n", live), 1;
  std::puts("done");
}
