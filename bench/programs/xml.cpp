/* Parses, changes and prints an XML document with pugixml, in as many threads as the argument names, so many times in each. */
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <pugixml.hpp>

static std::string source() {
  std::string text = "<library>";
  unsigned seed = 1;
  for (int n = 0; n < 3000; n++) {
    seed = seed * 1664525 + 1013904223;
    text += "<book id=\"" + std::to_string(n) + "\" year=\"" + std::to_string(1900 + (seed >> 8) % 120) + "\"><title>Title " +
            std::to_string(seed) + std::string(seed >> 27, 'y') + "</title>";
    for (unsigned author = 0; author < 1 + (seed >> 20) % 4; author++) text += "<author>Author " + std::to_string((seed + author) % 500) + "</author>";
    text += "</book>";
  }
  return text + "</library>";
}

struct Sum : pugi::xml_writer {
  std::uint64_t sum = 14695981039346656037u;
  void write(const void *data, size_t size) override {
    for (size_t n = 0; n < size; n++) sum = (sum ^ static_cast<const unsigned char *>(data)[n]) * 1099511628211u;
  }
};

int main(int, char **arguments) {
  const int threads = std::atoi(arguments[1]), rounds = std::atoi(arguments[2]);
  const std::string text = source();
  std::vector<std::uint64_t> sums(threads);
  auto work = [&](int which) {
    for (int round = 0; round < rounds; round++) {
      pugi::xml_document document;
      document.load_string(text.c_str());
      for (auto book : document.child("library").children("book")) {
        std::string authors;
        while (auto author = book.child("author")) {
          authors += std::string(author.text().get()) + "; ";
          book.remove_child(author);
        }
        book.append_attribute("authors").set_value(authors.c_str());
        book.child("title").text().set((book.child("title").text().get() + std::string(" (") + book.attribute("year").value() + ")").c_str());
      }
      Sum sum;
      document.save(sum);
      sums[which] = sum.sum;
    }
  };
  std::vector<std::thread> pool;
  for (int n = 1; n < threads; n++) pool.emplace_back(work, n);
  work(0);
  for (auto &thread : pool) thread.join();
  for (auto sum : sums) std::printf("%016llx\n", (unsigned long long)sum);
}
