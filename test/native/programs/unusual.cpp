// What C++ programs may do with memory: a guard must not object to any of it.
#include <algorithm>
#include <any>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <functional>
#include <future>
#include <list>
#include <map>
#include <memory>
#include <memory_resource>
#include <new>
#include <regex>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

struct Base { virtual ~Base() = default; long a = 1; };
struct Other { virtual ~Other() = default; long b[5] = {}; };
struct Derived : Base, Other { std::string text = std::string(100, 's'); char bytes[77]; };
struct alignas(512) Wide : Base { char bytes[100]; };
struct Own { // with operators of its own
  long x[4];
  static void *operator new(size_t size) { return std::malloc(size); }
  static void operator delete(void *pointer) { std::free(pointer); }
};
struct Throws { // memory that the language frees because the constructor did not end
  std::string text = std::string(50, 't');
  Throws() { throw std::runtime_error(std::string(1000, 'x')); }
};
struct Trailing { // an object with bytes behind it
  size_t size;
  static Trailing *make(size_t size) { return new (::operator new(sizeof(Trailing) + size)) Trailing{size}; }
  static void destroy(Trailing *object) { object->~Trailing(), ::operator delete(object); }
};

static void objects() {
  Other *by_second_base = new Derived;
  delete by_second_base;
  Base *by_base = new Wide;
  delete by_base;
  delete new Own;
  delete[] new Wide[3];
  delete[] new Derived[3];
  delete[] new char[0];
  ::operator delete(nullptr);
  ::operator delete(::operator new(0), size_t(0));
  ::operator delete(::operator new(40, std::align_val_t(8)), std::align_val_t(8));
  Trailing::destroy(Trailing::make(1000));
  std::shared_ptr<int[]> array(new int[10]);
  std::shared_ptr<void> of_c(std::malloc(10), std::free);
  auto wide = std::make_unique<Wide[]>(2);
  auto allocated = std::allocate_shared<Wide>(std::allocator<Wide>());
}

static void exceptions() {
  try { delete new Throws; } catch (std::exception &) {
    try { std::rethrow_exception(std::current_exception()); } catch (...) {}
  }
  try { std::vector<Throws> many(3); } catch (...) {}
  volatile size_t most = size_t(-1) / 2;
  try { delete[] new char[most]; } catch (std::bad_alloc &) {}
}

static void use(std::pmr::memory_resource &resource) {
  std::pmr::map<int, std::pmr::string> map(&resource);
  std::pmr::vector<std::pmr::string> texts(&resource);
  for (int i = 0; i < 2000; i++) {
    map[i * 7 % 501] = std::string(size_t(i % 300), 'p').c_str();
    texts.emplace_back(size_t(i % 90), 'q');
    if (i % 3 == 0) map.erase(i % 50);
  }
}

static void resources() {
  std::pmr::monotonic_buffer_resource growing;
  std::pmr::unsynchronized_pool_resource pool;
  std::pmr::synchronized_pool_resource shared;
  use(growing), use(pool), use(shared), use(*std::pmr::new_delete_resource());
  auto *plain = std::pmr::new_delete_resource();
  for (size_t align = 1; align <= 4096; align *= 2) plain->deallocate(plain->allocate(77, align), 77, align);
}

static void library() {
  std::vector<int> numbers(100000);
  for (size_t i = 0; i < numbers.size(); i++) numbers[i] = int(i * 7919 % 10007);
  std::stable_sort(numbers.begin(), numbers.end());
  std::inplace_merge(numbers.begin(), numbers.begin() + 500, numbers.end());
  std::any any = std::string(50, 'a');
  any = std::vector<int>(100);
  std::function<size_t()> f = [numbers] { return numbers.size(); }, g = f;
  std::smatch match;
  std::string text = "ababc123", word;
  std::regex_match(text, match, std::regex("(a|b)*c([0-9]+)"));
  std::stringstream stream;
  for (int i = 0; i < 1000; i++) stream << i << ' ';
  while (stream >> word) {}
  std::deque<std::string> queue;
  std::list<std::string> list;
  std::unordered_map<std::string, int> map;
  for (int i = 0; i < 3000; i++) {
    queue.push_front(std::string(size_t(i % 50), 'd'));
    if (i % 2) queue.pop_back();
    list.emplace_back("x");
    map[std::to_string(i)] = i;
  }
}

static void threads() {
  std::vector<std::future<std::string>> futures;
  for (int i = 0; i < 20; i++)
    futures.push_back(std::async(std::launch::async, [i] {
      if (i % 5 == 0) throw std::runtime_error("x");
      return std::string(1000, 'f');
    }));
  for (auto &each : futures) try { each.get(); } catch (std::runtime_error &) {}
  std::vector<std::thread> running;
  std::vector<std::string *> made(8);
  for (size_t i = 0; i < made.size(); i++)
    running.emplace_back([&made, i] {
      thread_local std::string keep(500, 't');
      made[i] = new std::string(keep + std::to_string(i));
    });
  for (auto &each : running) each.join();
  for (auto *text : made) delete text;
}

int main() {
  objects();
  exceptions();
  resources();
  library();
  threads();
  std::puts("done");
}
