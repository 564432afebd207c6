// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/cli/arguments.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "waferwatt/core/diagnostic.hpp"

namespace waferwatt::cli {
namespace {

const Option& find_option(std::span<const Option> options, std::string_view word) {
  const auto at = std::ranges::find_if(
      options, [&](const Option& o) { return o.name == word || (!o.short_name.empty() && o.short_name == word); });
  if (at != options.end()) return *at;
  std::vector<std::string> known;
  for (const auto& option : options) known.emplace_back(option.name);
  throw UsageError(fmt::format("unknown option {}{}", word, core::suggestion(word, known, "options")));
}

template <class T>
std::optional<T> parsed(const std::string& text) {
  T value{};
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  return error == std::errc{} && stop == end ? std::optional{value} : std::nullopt;
}

}  // namespace

Arguments::Arguments(std::span<const Option> options, const std::vector<std::string>& words) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (word == "--") {
      positional_.insert(positional_.end(), words.begin() + static_cast<std::ptrdiff_t>(i) + 1, words.end());
      return;
    }
    if (word.size() < 2 || word.front() != '-') {
      positional_.push_back(word);
      continue;
    }
    const auto equals = word.starts_with("--") ? word.find('=') : std::string::npos;
    const Option& option = find_option(options, word.substr(0, equals));
    if (!option.is_repeatable && has(option.name))
      throw UsageError(fmt::format("option {} is given twice", option.name));
    if (option.value.empty()) {
      if (equals != std::string::npos) throw UsageError(fmt::format("option {} takes no value", option.name));
      given_.push_back({option.name, ""});
    } else if (equals != std::string::npos) {
      given_.push_back({option.name, word.substr(equals + 1)});
    } else {
      if (++i == words.size())
        throw UsageError(fmt::format("option {} needs a value: {} {}", option.name, option.name, option.value));
      given_.push_back({option.name, words[i]});
    }
  }
}

std::optional<std::string> Arguments::value(std::string_view name) const {
  const auto at = std::ranges::find(given_, name, &Given::name);
  return at == given_.end() ? std::nullopt : std::optional{at->value};
}

std::vector<std::string> Arguments::values(std::string_view name) const {
  std::vector<std::string> result;
  for (const auto& given : given_)
    if (given.name == name) result.push_back(given.value);
  return result;
}

std::optional<std::uint64_t> Arguments::whole_number(std::string_view name, std::uint64_t least) const {
  const auto text = value(name);
  if (!text) return std::nullopt;
  const auto number = parsed<std::uint64_t>(*text);
  if (!number || *number < least || *number > INT64_MAX)
    throw UsageError(fmt::format("option {} needs a whole number of at least {}, got \"{}\"", name, least, *text));
  return number;
}

std::optional<double> Arguments::positive_number(std::string_view name) const {
  const auto text = value(name);
  if (!text) return std::nullopt;
  const auto number = parsed<double>(*text);
  if (!number || !std::isfinite(*number) || *number <= 0)
    throw UsageError(fmt::format("option {} needs a number above 0, got \"{}\"", name, *text));
  return number;
}

}  // namespace waferwatt::cli
