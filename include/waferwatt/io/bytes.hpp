// SPDX-License-Identifier: Apache-2.0
#pragma once
// Plain bytes for pipes between processes of one machine: fixed-width numbers in the machine's
// byte order, texts with their length before them.
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace waferwatt::io {

class ByteWriter {
 public:
  template <class T>
  requires std::is_arithmetic_v<T>
  void number(T value) { raw(&value, sizeof value); }
  void text(std::string_view value) {
    number(static_cast<std::uint64_t>(value.size()));
    raw(value.data(), value.size());
  }
  template <class T>
  requires std::is_arithmetic_v<T>
  void numbers(const std::vector<T>& values) {
    number(static_cast<std::uint64_t>(values.size()));
    raw(values.data(), values.size() * sizeof(T));
  }
  std::string take() { return std::move(bytes_); }

 private:
  void raw(const void* from, std::size_t size) {
    if (size > 0) bytes_.append(static_cast<const char*>(from), size);
  }
  std::string bytes_;
};

/// Reads what a ByteWriter wrote, in the same order. \throws std::runtime_error where bytes are missing
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : rest_(bytes) {}

  template <class T>
  requires std::is_arithmetic_v<T> T number() {
    T value{};
    raw(&value, sizeof value);
    return value;
  }
  std::string text() { return std::string{piece(number<std::uint64_t>())}; }
  template <class T>
  requires std::is_arithmetic_v<T> std::vector<T> numbers() {
    const auto n = number<std::uint64_t>();
    if (n > rest_.size() / sizeof(T)) throw std::runtime_error("the bytes end too early");
    std::vector<T> values(n);
    raw(values.data(), n * sizeof(T));
    return values;
  }
  bool at_end() const { return rest_.empty(); }

 private:
  std::string_view piece(std::uint64_t size) {
    if (size > rest_.size()) throw std::runtime_error("the bytes end too early");
    const std::string_view result = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return result;
  }
  void raw(void* to, std::size_t size) {
    const std::string_view from = piece(size);
    if (size > 0) std::memcpy(to, from.data(), size);
  }
  std::string_view rest_;
};

}  // namespace waferwatt::io
