// SPDX-License-Identifier: Apache-2.0
#pragma once
// A JSON document whose every value knows where it was written, so that a message about it
// can say file:line:col even after documents have been merged.
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "waferwatt/core/diagnostic.hpp"

namespace waferwatt::io {

/// Where a value was written.
struct Place {
  std::shared_ptr<const std::string> file;
  int line = 0;
  int column = 0;
};

class Value {
 public:
  struct Member;
  using List = std::vector<Value>;
  using Object = std::vector<Member>;  ///< in the order written; keys are unique

  Value() = default;
  Value(bool value) : data_(value) {}
  Value(double value) : data_(value) {}
  Value(std::int64_t value) : data_(value) {}
  Value(int value) : data_(static_cast<std::int64_t>(value)) {}
  Value(std::string value) : data_(std::move(value)) {}
  Value(std::string_view value) : data_(std::string{value}) {}
  Value(const char* value) : data_(std::string{value}) {}
  Value(List value) : data_(std::move(value)) {}
  Value(Object value) : data_(std::move(value)) {}

  bool is_null() const { return std::holds_alternative<std::monostate>(data_); }
  bool is_number() const { return std::holds_alternative<double>(data_) || std::holds_alternative<std::int64_t>(data_); }
  template <class T>
  const T* get_if() const { return std::get_if<T>(&data_); }
  template <class T>
  T* get_if() { return std::get_if<T>(&data_); }

  /// The number, whether written as an integer or not; 0 for anything else.
  double number() const;

  /// The member of an object, or nothing.
  const Value* find(std::string_view key) const;
  Value* find(std::string_view key);

  /// The member of an object, made if absent; anything but an object becomes one.
  Value& operator[](std::string_view key);

  /// "an object", "a list", "the text \"abc\"", "the number 3": for messages.
  std::string describe() const;

  const Place& place() const { return place_; }
  void set_place(Place place) { place_ = std::move(place); }

 private:
  std::variant<std::monostate, bool, std::int64_t, double, std::string, List, Object> data_;
  Place place_;
};

struct Value::Member {
  std::string key;
  Value value;
};

/// A diagnostic at a value.
Diagnostic diagnostic_at(const Place& place, std::string path, std::string message);

/// Where a record was written. A record type with a member `where` of this type has it filled in by its reader,
/// so that a rule that spans records can complain at the right place.
struct Location {
  Place place;
  std::string path;
  std::vector<std::pair<std::string, Place>> members;

  /// At the member `key`, or at the record when it was not written.
  Diagnostic diagnostic(std::string_view key, std::string message) const;
};
Location location_of(const Value& value, std::string path);

/// The largest document that is read; larger ones are refused with a message.
inline constexpr std::size_t kMaxDocumentBytes = 64u << 20;

/// Reads a JSON text. Syntax errors and duplicate keys go to `diagnostics`.
/// \param file the name used in messages
Value parse_json(const std::string& file, std::string_view text, Diagnostics& diagnostics);

/// Reads a JSON file; a missing, unreadable or too large file is a diagnostic.
Value read_json_file(const std::string& file, Diagnostics& diagnostics);

/// Two-space indented JSON; lists of plain values stay on one line.
std::string to_json(const Value& value);

/// RFC 7396: members of `patch` replace those of `target`, null removes.
void merge_patch(Value& target, const Value& patch);

/// Puts a value at a dotted path such as "cluster.n_accelerators" or "buyers.0.name".
/// \throws InputError when a list index is out of range
void set_path(Value& target, std::string_view dotted_path, Value value);

/// The text after `--set a.b=`: JSON where it is JSON, else a text.
Value parse_override(std::string_view text);

}  // namespace waferwatt::io
