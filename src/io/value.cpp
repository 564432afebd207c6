// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/io/value.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

namespace waferwatt::io {

double Value::number() const {
  if (const auto* real = get_if<double>()) return *real;
  if (const auto* integer = get_if<std::int64_t>()) return static_cast<double>(*integer);
  return 0;
}

const Value* Value::find(std::string_view key) const {
  if (const auto* object = get_if<Object>())
    for (const auto& member : *object)
      if (member.key == key) return &member.value;
  return nullptr;
}

Value* Value::find(std::string_view key) { return const_cast<Value*>(std::as_const(*this).find(key)); }

Value& Value::operator[](std::string_view key) {
  if (!get_if<Object>()) data_ = Object{};
  if (Value* present = find(key)) return *present;
  return get_if<Object>()->emplace_back(Member{std::string{key}, Value{}}).value;
}

std::string Value::describe() const {
  if (is_null()) return "null";
  if (const auto* flag = get_if<bool>()) return *flag ? "true" : "false";
  if (const auto* integer = get_if<std::int64_t>()) return fmt::format("the number {}", *integer);
  if (const auto* real = get_if<double>()) return fmt::format("the number {}", *real);
  if (const auto* text = get_if<std::string>())
    return text->size() > 60 ? fmt::format("the text \"{}...\"", text->substr(0, 57)) : fmt::format("the text \"{}\"", *text);
  return get_if<List>() ? "a list" : "an object";
}

Diagnostic diagnostic_at(const Place& place, std::string path, std::string message) {
  return {place.file ? *place.file : "", place.line, place.column, std::move(path), std::move(message)};
}

Diagnostic Location::diagnostic(std::string_view key, std::string message) const {
  for (const auto& [name, at] : members)
    if (name == key) return diagnostic_at(at, path + "/" + name, std::move(message));
  return diagnostic_at(place, path, std::move(message));
}

Location location_of(const Value& value, std::string path) {
  Location location{value.place(), std::move(path), {}};
  if (const auto* object = value.get_if<Value::Object>())
    for (const auto& [key, member] : *object) location.members.emplace_back(key, member.place());
  return location;
}

void merge_patch(Value& target, const Value& patch) {
  const auto* members = patch.get_if<Value::Object>();
  if (!members) {
    target = patch;
    return;
  }
  if (!target.get_if<Value::Object>()) {
    target = Value{Value::Object{}};
    target.set_place(patch.place());
  }
  for (const auto& [key, value] : *members) {
    if (value.is_null()) std::erase_if(*target.get_if<Value::Object>(), [&](const Value::Member& m) { return m.key == key; });
    else merge_patch(target[key], value);
  }
}

void set_path(Value& target, std::string_view dotted_path, Value value) {
  Value* at = &target;
  std::string_view rest = dotted_path;
  while (!rest.empty()) {
    const auto dot = rest.find('.');
    const std::string_view name = rest.substr(0, dot);
    rest = dot == std::string_view::npos ? std::string_view{} : rest.substr(dot + 1);
    if (auto* list = at->get_if<Value::List>()) {
      std::size_t index = 0;
      const auto [stop, error] = std::from_chars(name.data(), name.data() + name.size(), index);
      if (error != std::errc{} || stop != name.data() + name.size() || index >= list->size())
        throw InputError(fmt::format("--set {}: \"{}\" is no index of a list with {} entries", dotted_path, name, list->size()));
      at = &(*list)[index];
    } else {
      at = &(*at)[name];
    }
  }
  *at = std::move(value);
}

}  // namespace waferwatt::io
