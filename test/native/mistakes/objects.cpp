// Mistakes with C++ objects that the language invites.
#include <memory>
#include <string>
#include <vector>
#include "mistake.h"

struct Buffer { // no copy constructor: two owners
  char *bytes;
  explicit Buffer(size_t n) : bytes(new char[n]) {}
  ~Buffer() { delete[] bytes; }
};
struct Number { long value = 1, others[3] = {}; void set() { value = 7; } };

int main(int argc, char **argv) {
  begin(argc, argv);
  size_t more = wrong ? 1 : 0;
  if (is("two-owners")) {
    Buffer first(size);
    if (wrong) { Buffer second(first); }
  } else if (is("two-unique")) {
    auto *raw = new Number;
    std::unique_ptr<Number> first(raw);
    if (wrong) { std::unique_ptr<Number> second(raw); }
  } else if (is("twice")) {
    auto *p = new Number;
    delete p;
    if (wrong) delete p;
  } else if (is("old-reference")) {
    std::vector<char> bytes(size);
    char *first = &bytes[0];
    if (wrong) bytes.resize(4 * size);
    *first = 1;
  } else if (is("erased-storage")) {
    std::vector<char> bytes(size);
    char *last = &bytes[size - 1];
    if (wrong) { bytes.clear(); bytes.shrink_to_fit(); }
    *last = 1;
  } else if (is("method")) {
    auto *p = new Number;
    if (wrong) delete p;
    p->set();
    if (!wrong) delete p;
  } else if (is("vector-end")) {
    std::vector<char> bytes(size);
    bytes.data()[size - 1 + more] = 1;
  } else if (is("string-end")) {
    std::string text(size, 't');
    text.shrink_to_fit();
    const_cast<char *>(text.c_str())[text.capacity() + more] = 0;
  } else if (is("array-end")) {
    auto *numbers = new long[size / sizeof(long)];
    for (size_t i = 0; i < size / sizeof(long) + more; i++) numbers[i] = long(i);
    delete[] numbers;
  } else if (is("cookie")) { // before an array whose elements have destructors lies their number
    auto *buffers = new std::string[size / sizeof(std::string)];
    if (wrong) scribble(reinterpret_cast<char *>(buffers) - 16, 8);
    delete[] buffers;
  } else if (is("no-elements")) {
    auto *bytes = new char[0];
    if (wrong) scribble(bytes, 1);
    delete[] bytes;
  }
  return UNHARMED;
}
