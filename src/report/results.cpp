// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/report/results.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <limits>
#include <map>
#include <sstream>
#include <utility>

#include "waferwatt/report/trace_file.hpp"

namespace waferwatt::report {
namespace {

namespace fs = std::filesystem;
using io::Value;
using Cells = std::vector<std::vector<std::string>>;  // by column, without the title

std::string content_of(const fs::path& file) {
  std::ostringstream text;
  text << std::ifstream(file, std::ios::binary).rdbuf();
  return text.str();
}

/// Fields of a CSV text, row by row (RFC 4180). `take(column, text)`; `end_row()`.
template <class F, class G>
void for_each_field(const std::string& text, F take, G end_row) {
  std::size_t column = 0;
  std::string field;
  bool is_quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (is_quoted) {
      if (c != '"')
        field += c;
      else if (i + 1 < text.size() && text[i + 1] == '"')
        field += text[++i];
      else
        is_quoted = false;
    } else if (c == '"') {
      is_quoted = true;
    } else if (c == ',' || c == '\n') {
      take(column++, std::exchange(field, {}));
      if (c == '\n') {
        end_row();
        column = 0;
      }
    } else if (c != '\r') {
      field += c;
    }
  }
}

/// Numbers where every cell is one or empty, and any is.
core::Table::Column typed(std::vector<std::string> cells) {
  std::vector<double> numbers;
  bool has_any = false;
  for (const auto& cell : cells) {
    double value = std::numeric_limits<double>::quiet_NaN();
    const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
    if (!cell.empty() && (error != std::errc{} || end != cell.data() + cell.size())) return cells;
    has_any = has_any || !cell.empty();
    numbers.push_back(value);
  }
  if (!has_any) return cells;
  return numbers;
}

Table read_csv(const fs::path& file, std::string name) {
  std::vector<std::string> titles;
  Cells cells;
  bool in_titles = true;
  std::size_t n_rows = 0;
  for_each_field(
      content_of(file),
      [&](std::size_t column, std::string text) {
        if (in_titles)
          titles.push_back(std::move(text));
        else if (column < cells.size())
          cells[column].push_back(std::move(text));
      },
      [&] {
        if (in_titles)
          cells.resize(titles.size());
        else
          ++n_rows;
        in_titles = false;
        for (auto& column : cells) column.resize(n_rows);
      });
  std::vector<Table::Column> columns;
  for (auto& column : cells) columns.push_back(typed(std::move(column)));
  return Table::from_columns(std::move(name), std::move(titles), std::move(columns));
}

std::string text_of(const Value& value, std::string_view key) {
  const Value* member = value.find(key);
  const auto* text = member ? member->get_if<std::string>() : nullptr;
  return text ? *text : "";
}

double number_of(const Value& value, std::string_view key) {
  const Value* member = value.find(key);
  return member ? member->number() : 0;
}

/// The spans and counters of a trace file that write_trace wrote.
std::pair<Table, Table> read_trace(const fs::path& file, Diagnostics& diagnostics) {
  Table table = trace_table(), counters = counter_table();
  const Value trace = io::read_json_file(file.string(), diagnostics);
  const Value* events = trace.find("traceEvents");
  if (!events || !events->get_if<Value::List>()) return {table, counters};
  std::map<std::pair<double, double>, std::string> names;  // by process and thread; 0 for the process itself
  for (const auto& event : *events->get_if<Value::List>()) {
    const double process = number_of(event, "pid"), thread = number_of(event, "tid");
    if (text_of(event, "ph") == "M") {
      if (const Value* arguments = event.find("args")) names[{process, thread}] = text_of(*arguments, "name");
    } else if (text_of(event, "ph") == "X") {
      table.add({names[{process, 0}], names[{process, thread}], text_of(event, "name"), text_of(event, "cat"), number_of(event, "ts") / 1e6,
                 number_of(event, "dur") / 1e6});
    } else if (text_of(event, "ph") == "C") {
      const Value* arguments = event.find("args");
      counters.add({names[{process, 0}], text_of(event, "name"), number_of(event, "ts") / 1e6, arguments ? number_of(*arguments, "value") : 0});
    }
  }
  return {table, counters};
}

}  // namespace

Results read_results(const fs::path& folder, Diagnostics& diagnostics) {
  Results results;
  if (!fs::is_directory(folder)) {
    diagnostics.add({.file = folder.string(), .message = "no such results folder"});
    return results;
  }
  if (!fs::exists(folder / "summary.json")) {
    diagnostics.add({.file = folder.string(), .message = "no results folder: it has no summary.json"});
    return results;
  }
  results.summary = io::read_json_file((folder / "summary.json").string(), diagnostics);
  if (fs::exists(folder / "resolved.json")) results.resolved = io::read_json_file((folder / "resolved.json").string(), diagnostics);
  if (fs::exists(folder / "inputs.csv")) results.inputs = read_csv(folder / "inputs.csv", "inputs");
  if (fs::exists(folder / "ledger.csv")) results.ledger = read_csv(folder / "ledger.csv", "ledger");
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(folder / "tables", none))
    if (entry.path().extension() == ".csv") results.tables.push_back(read_csv(entry.path(), entry.path().stem().string()));
  std::ranges::sort(results.tables, {}, &Table::name);
  if (fs::exists(folder / "trace.json")) {
    auto [spans, counters] = read_trace(folder / "trace.json", diagnostics);
    results.tables.push_back(std::move(spans));
    if (counters.n_rows() > 0) results.tables.push_back(std::move(counters));
  }
  return results;
}

}  // namespace waferwatt::report
