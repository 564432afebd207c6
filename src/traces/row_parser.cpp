// SPDX-License-Identifier: Apache-2.0
#include "row_parser.hpp"

#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <cmath>

namespace waferwatt::traces {
namespace {

struct Alias {
  std::string_view name;
  FieldName meaning;
};

// "timestamp" counts milliseconds in JSON lines (Mooncake) and is a date or seconds in CSV (Azure).
constexpr Alias kAliases[] = {{"arrival_s", {Field::arrival}},
                              {"arrived_at", {Field::arrival}},
                              {"arrival_ms", {Field::arrival, 1e-3}},
                              {"input_tokens", {Field::input}},
                              {"input_length", {Field::input}},
                              {"ContextTokens", {Field::input}},
                              {"num_prefill_tokens", {Field::input}},
                              {"prefill_tokens", {Field::input}},
                              {"output_tokens", {Field::output}},
                              {"output_length", {Field::output}},
                              {"GeneratedTokens", {Field::output}},
                              {"num_decode_tokens", {Field::output}},
                              {"decode_tokens", {Field::output}},
                              {"hash_ids", {Field::hashes}},
                              {"prefix_hashes", {Field::hashes}},
                              {"priority", {Field::priority}},
                              {"adapter", {Field::adapter}},
                              {"session", {Field::session}}};

std::optional<int> digits(std::string_view text, std::size_t from, std::size_t n) {
  int value = 0;
  if (text.size() < from + n) return std::nullopt;
  const char* const end = text.data() + from + n;
  const auto [stop, error] = std::from_chars(text.data() + from, end, value);
  return error == std::errc{} && stop == end ? std::optional{value} : std::nullopt;
}

std::string store_integer(double value, double most, std::string_view what, auto& member) {
  if (value != std::floor(value) || value < 0 || value > most)
    return fmt::format("the {} must be a whole number from 0 to {}, not {}", what, most, value);
  member = static_cast<std::remove_reference_t<decltype(member)>>(value);
  return {};
}

}  // namespace

FieldName field_named(std::string_view name, bool is_json) {
  if (name == "timestamp" || name == "TIMESTAMP") return {Field::arrival, is_json ? 1e-3 : 1};
  for (const Alias& alias : kAliases)
    if (alias.name == name) return alias.meaning;
  return {};
}

std::optional<double> parse_number(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  double value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || stop != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

// "2023-11-16 18:17:03.9799600", also with a T.
std::optional<DateTime> parse_date_time(std::string_view text) {
  const auto y = digits(text, 0, 4), m = digits(text, 5, 2), d = digits(text, 8, 2);
  const auto hour = digits(text, 11, 2), minute = digits(text, 14, 2);
  const auto seconds = text.size() >= 19 ? parse_number(text.substr(17)) : std::nullopt;
  if (!y || !m || !d || !hour || !minute || !seconds || *hour > 23 || *minute > 59 || *seconds < 0 || *seconds >= 61)
    return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year{*y}, std::chrono::month{static_cast<unsigned>(*m)},
                                         std::chrono::day{static_cast<unsigned>(*d)}};
  if (!date.ok()) return std::nullopt;
  return DateTime{std::chrono::sys_days{date}.time_since_epoch().count(), *hour * 3600 + *minute * 60 + *seconds};
}

std::string store(Field field, double value, Request& request) {
  constexpr double kMostTokens = 1e8;
  switch (field) {
    case Field::arrival:
      request.arrival_s = value;
      return {};
    case Field::input:
      return store_integer(value, kMostTokens, "input length", request.input_tokens);
    case Field::output:
      return store_integer(value, kMostTokens, "output length", request.output_tokens);
    case Field::priority:
      return store_integer(value, 7, "priority", request.priority);
    case Field::adapter:
      return store_integer(value, 1e9, "adapter", request.adapter);
    case Field::session:
      return store_integer(value, 1e15, "session", request.session);
    case Field::hashes:
    case Field::none:
      break;
  }
  return {};
}

std::unique_ptr<RowParser> parser_of(std::string_view first_line, const std::string& path) {
  return first_line.starts_with('{') ? json_parser() : csv_parser(first_line, path);
}

}  // namespace waferwatt::traces
