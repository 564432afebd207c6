// SPDX-License-Identifier: Apache-2.0
#include "published_row.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace waferwatt::validation {

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

const Value* member(const Value& object, std::string_view key) {
  const Value* found = object.find(key);
  return found && !found->is_null() ? found : nullptr;
}

std::string text_of(const Value& object, std::string_view key) {
  const Value* found = member(object, key);
  const auto* text = found ? found->get_if<std::string>() : nullptr;
  return text ? *text : std::string{};
}

std::optional<double> number_of(const Value& object, std::string_view key) {
  const Value* found = member(object, key);
  if (!found || !found->is_number()) return std::nullopt;
  return found->number();
}

std::int64_t whole(const Value& object, std::string_view key, std::int64_t otherwise) {
  const auto number = number_of(object, key);
  return number ? static_cast<std::int64_t>(*number) : otherwise;
}

std::int64_t required(const Value& object, std::string_view what, std::string_view key) {
  const auto number = number_of(object, key);
  if (!number) throw Unusable(fmt::format("{} is not given", what));
  return static_cast<std::int64_t>(*number);
}

bool is_true(const Value& object, std::string_view key) {
  const Value* found = member(object, key);
  if (!found) return false;
  if (const bool* flag = found->get_if<bool>()) return *flag;
  const auto* text = found->get_if<std::string>();
  return text && contains(lower(*text), "true");
}

}  // namespace waferwatt::validation
