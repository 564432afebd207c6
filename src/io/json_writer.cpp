// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <nlohmann/json.hpp>

#include "waferwatt/io/value.hpp"

namespace waferwatt::io {
namespace {

constexpr std::size_t kLineWidth = 110;

bool is_plain(const Value& value) { return !value.get_if<Value::List>() && !value.get_if<Value::Object>(); }

/// A list or object on one line, with blanks after the separators.
void write_inline(const Value& value, std::string& out);

std::string scalar(const Value& value) {
  if (value.is_null()) return "null";
  if (const auto* flag = value.get_if<bool>()) return *flag ? "true" : "false";
  if (const auto* integer = value.get_if<std::int64_t>()) return std::to_string(*integer);
  if (const auto* real = value.get_if<double>()) return nlohmann::json(*real).dump();
  return nlohmann::json(*value.get_if<std::string>()).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void write_inline(const Value& value, std::string& out) {
  if (const auto* list = value.get_if<Value::List>()) {
    out += '[';
    for (std::size_t i = 0; i < list->size(); ++i) {
      if (i > 0) out += ", ";
      write_inline((*list)[i], out);
    }
    out += ']';
  } else if (const auto* object = value.get_if<Value::Object>()) {
    out += '{';
    for (std::size_t i = 0; i < object->size(); ++i) {
      if (i > 0) out += ", ";
      out += scalar(Value{(*object)[i].key}) + ": ";
      write_inline((*object)[i].value, out);
    }
    out += '}';
  } else {
    out += scalar(value);
  }
}

void write(const Value& value, std::size_t indent, std::string& out) {
  if (is_plain(value)) {
    out += scalar(value);
    return;
  }
  std::string line;
  write_inline(value, line);
  if (line.size() + indent <= kLineWidth && (indent > 0 || line.size() <= 2)) {
    out += line;
    return;
  }
  const std::string margin(indent + 2, ' ');
  const auto* list = value.get_if<Value::List>();
  const auto* object = value.get_if<Value::Object>();
  const std::size_t n = list ? list->size() : object->size();
  out += list ? "[\n" : "{\n";
  for (std::size_t i = 0; i < n; ++i) {
    out += margin;
    if (object) out += scalar(Value{(*object)[i].key}) + ": ";
    write(list ? (*list)[i] : (*object)[i].value, indent + 2, out);
    out += i + 1 < n ? ",\n" : "\n";
  }
  out += std::string(indent, ' ') + (list ? "]" : "}");
}

}  // namespace

std::string to_json(const Value& value) {
  std::string out;
  write(value, 0, out);
  return out + '\n';
}

}  // namespace waferwatt::io
