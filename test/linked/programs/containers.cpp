// C++'s containers and operators.
#include <cstdint>
#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "hakmem.h"

struct alignas(64) Aligned {
  char bytes[100];
};

int main() {
  std::map<std::string, std::vector<int>> map;
  for (int n = 0; n < 20000; n++) map["key of " + std::to_string(n % 777)].push_back(n);
  size_t sum = 0;
  for (auto &[key, values] : map) sum += key.size() + values.size();
  auto aligned = std::make_unique<Aligned>();
  auto array = std::make_unique<char[]>(100000);
  if (reinterpret_cast<uintptr_t>(aligned.get()) % 64) return 1;
  if (!hakmem_owns(array.get()) || !hakmem_owns(aligned.get())) return 2;
  std::printf("%zu\n", sum);
}
