// SPDX-License-Identifier: Apache-2.0
#include "json_text.hpp"

#include <fmt/format.h>

#include <cmath>
#include <iterator>
#include <unordered_map>

namespace waferwatt::report {
namespace {

/// Writes `write(i)` for every `stride`-th row, between brackets.
template <class F>
void append_list(std::string& json, std::size_t n, std::size_t stride, F write) {
  json += '[';
  for (std::size_t i = 0; i < n; i += stride) {
    if (i > 0) json += ',';
    write(i);
  }
  json += ']';
}

void append_values(std::string& json, const std::vector<double>& values, std::size_t stride) {
  json += "\"values\":";
  append_list(json, values.size(), stride, [&](std::size_t i) {
    constexpr double kWhole = 1e15;  // whole numbers are exact, as those of a column of integers
    if (std::abs(values[i]) < kWhole && values[i] == std::floor(values[i]))
      fmt::format_to(std::back_inserter(json), "{:.0f}", values[i] + 0.0);
    else if (std::isfinite(values[i]))
      fmt::format_to(std::back_inserter(json), "{:.6g}", values[i]);
    else
      json += "null";
  });
}

void append_values(std::string& json, const std::vector<std::int64_t>& values, std::size_t stride) {
  json += "\"values\":";
  append_list(json, values.size(), stride, [&](std::size_t i) { fmt::format_to(std::back_inserter(json), "{}", values[i]); });
}

void append_values(std::string& json, const std::vector<std::string>& values, std::size_t stride) {
  std::unordered_map<std::string_view, std::size_t> place;
  std::vector<std::string_view> texts;
  std::string at;
  append_list(at, values.size(), stride, [&](std::size_t i) {
    const auto [known, is_new] = place.emplace(values[i], texts.size());
    if (is_new) texts.push_back(values[i]);
    fmt::format_to(std::back_inserter(at), "{}", known->second);
  });
  json += "\"texts\":";
  append_list(json, texts.size(), 1, [&](std::size_t i) { json += json_quoted(texts[i]); });
  json += ",\"at\":" + at;
}

}  // namespace

std::string json_quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\')
      (out += '\\') += c;
    else if (static_cast<unsigned char>(c) < 0x20)
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<int>(c));
    else
      out += c;
  }
  return out + '"';
}

void append_table(std::string& json, const core::Table& table, std::size_t most_cells) {
  const std::size_t cells = table.n_rows() * table.n_columns(), stride = std::max<std::size_t>(1, (cells + most_cells - 1) / most_cells);
  json += fmt::format("{{\"name\":{},\"rows\":{},\"every\":{},\"columns\":", json_quoted(table.name()), table.n_rows(), stride);
  append_list(json, table.n_columns(), 1, [&](std::size_t i) {
    json += fmt::format("{{\"name\":{},", json_quoted(table.column_names()[i]));
    std::visit([&](const auto& values) { append_values(json, values, stride); }, table.column(i));
    json += '}';
  });
  json += '}';
}

}  // namespace waferwatt::report
