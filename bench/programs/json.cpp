/*
 * A pool of threads (their number is the argument) that parse JSON with RapidJSON, keep it as maps, vectors and strings, change
 * it, and print it: what a service does with its requests.
 */
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

struct Value {
  std::map<std::string, std::unique_ptr<Value>> members;
  std::vector<std::unique_ptr<Value>> elements;
  std::string text;
  double number = 0;
  enum { Object, Array, Text, Number } kind = Number;
};

static std::unique_ptr<Value> kept(const rapidjson::Value &from) {
  auto value = std::make_unique<Value>();
  if (from.IsObject()) {
    value->kind = Value::Object;
    for (auto &member : from.GetObject()) value->members[member.name.GetString()] = kept(member.value);
  } else if (from.IsArray()) {
    value->kind = Value::Array;
    for (auto &element : from.GetArray()) value->elements.push_back(kept(element));
  } else if (from.IsString()) {
    value->kind = Value::Text;
    value->text = from.GetString();
  } else {
    value->number = from.GetDouble();
  }
  return value;
}

template <class Writer> static void print(const Value &value, Writer &out) {
  switch (value.kind) {
  case Value::Object:
    out.StartObject();
    for (auto &member : value.members) {
      out.Key(member.first.c_str());
      print(*member.second, out);
    }
    out.EndObject();
    break;
  case Value::Array:
    out.StartArray();
    for (auto &element : value.elements) print(*element, out);
    out.EndArray();
    break;
  case Value::Text: out.String(value.text.c_str()); break;
  case Value::Number: out.Double(value.number); break;
  }
}

static std::string request(unsigned seed) {
  std::string text = "{\"id\":" + std::to_string(seed) + ",\"orders\":[";
  for (int order = 0; order < 40; order++) {
    seed = seed * 1664525 + 1013904223;
    text += (order ? ",{" : "{") + ("\"customer\":\"customer number " + std::to_string(seed >> 8)) + "\",\"note\":\"" +
            std::string(seed >> 26, 'x') + "\",\"lines\":[";
    for (unsigned line = 0; line < 2 + (seed >> 16) % 6; line++)
      text += (line ? ",{" : "{") + ("\"item\":\"article " + std::to_string(seed % (line + 100))) + " of a catalogue\",\"price\":" +
              std::to_string(seed % 10000) + ".25,\"amount\":" + std::to_string(line) + "}";
    text += "]}";
  }
  return text + "]}";
}

static std::uint64_t answer(const std::string &text) {
  rapidjson::Document document;
  document.Parse(text.c_str());
  if (document.HasParseError()) std::abort();
  auto value = kept(document);
  for (auto &order : value->members["orders"]->elements) {
    auto total = std::make_unique<Value>();
    for (auto &line : order->members["lines"]->elements)
      total->number += line->members["price"]->number * line->members["amount"]->number;
    order->members["total"] = std::move(total);
    order->members.erase("note");
  }
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> writer(buffer);
  print(*value, writer);
  std::uint64_t sum = 14695981039346656037u;
  for (const char *at = buffer.GetString(); *at; at++) sum = (sum ^ (unsigned char)*at) * 1099511628211u;
  return sum;
}

int main(int, char **arguments) {
  const int threads = std::atoi(arguments[1]), requests = std::atoi(arguments[2]);
  std::mutex mutex;
  std::condition_variable came, left;
  std::deque<std::string> queue;
  bool isOver = false;
  std::uint64_t sum = 0;
  std::vector<std::thread> pool;
  for (int n = 0; n < threads; n++)
    pool.emplace_back([&] {
      std::unique_lock<std::mutex> lock(mutex);
      for (;;) {
        came.wait(lock, [&] { return !queue.empty() || isOver; });
        if (queue.empty()) return;
        std::string text = std::move(queue.front());
        queue.pop_front();
        left.notify_one();
        lock.unlock();
        const std::uint64_t one = answer(text);
        lock.lock();
        sum += one;
      }
    });
  std::vector<std::string> kinds;
  for (unsigned n = 0; n < 64; n++) kinds.push_back(request(n));
  for (int n = 0; n < requests; n++) {
    std::unique_lock<std::mutex> lock(mutex);
    left.wait(lock, [&] { return queue.size() < 64; });
    queue.push_back(kinds[n % kinds.size()]);
    came.notify_one();
  }
  {
    std::lock_guard<std::mutex> lock(mutex);
    isOver = true;
  }
  came.notify_all();
  for (auto &thread : pool) thread.join();
  std::printf("%016llx\n", (unsigned long long)sum);
}
