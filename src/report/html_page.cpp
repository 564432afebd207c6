// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/report/html_page.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "json_text.hpp"
#include "page_assets.hpp"
#include "waferwatt/report/metric_definitions.hpp"
#include "waferwatt/report/summary.hpp"
#include "waferwatt/report/trace_file.hpp"
#include "waferwatt/report/used_values.hpp"

namespace waferwatt::report {
namespace {

/// A page holds so many cells of a table, and every so manieth row of larger ones: a page stays below 6 MB.
constexpr std::size_t kMostCells = 60'000;

constexpr std::string_view kScripts[] = {"numbers.js", "tables.js", "charts.js", "drawings.js", "page.js", "compare.js"};

std::string text_of(const io::Value& value, std::string_view key) {
  const io::Value* member = value.find(key);
  const auto* text = member ? member->get_if<std::string>() : nullptr;
  return text ? *text : "";
}

/// Puts parts where the page says {{name}}.
std::string filled(std::string_view page, const std::map<std::string_view, std::string>& parts) {
  std::string html;
  for (std::size_t at = 0; at < page.size();) {
    const auto open = page.find("{{", at), close = page.find("}}", open);
    if (close == std::string_view::npos) return html.append(page.substr(at));
    html.append(page.substr(at, open - at)).append(parts.at(page.substr(open + 2, close - open - 2)));
    at = close + 2;
  }
  return html;
}

/// Inside a script element "<" could end it; in JSON it stands in texts only.
std::string without_tags(std::string json) {
  for (std::size_t at = 0; (at = json.find('<', at)) != std::string::npos;) json.replace(at, 1, "\\u003c");
  return json;
}

std::string page_with(const std::string& title, const std::string& answer, std::string data) {
  std::string script;
  for (const auto name : kScripts) script += page_asset(name);
  return filled(page_asset("page.html"), {{"title", html_escaped(title)},
                                          {"style", std::string{page_asset("style.css")}},
                                          {"answer", answer},
                                          {"data", without_tags(std::move(data))},
                                          {"library", std::string{page_asset("chart.js")}},
                                          {"script", std::move(script)}});
}

std::string definitions_json() {
  io::Value::List list;
  for (const auto& definition : metric_definitions()) {
    io::Value::List kinds;
    for (const auto& kind : definition.kinds) kinds.emplace_back(kind);
    list.emplace_back(io::Value::Object{{"kinds", io::Value{std::move(kinds)}}, {"name", io::Value{definition.name}}, {"meaning", io::Value{definition.meaning}}});
  }
  return io::to_json(io::Value{std::move(list)});
}

std::string asset_or(const std::string& name, std::string_view otherwise) {
  const auto asset = page_asset(name);
  return std::string{asset.empty() ? otherwise : asset};
}

/// The first sentence of a text: up to a full stop before a space.
std::string_view first_sentence(std::string_view text) {
  const auto at = text.find(". ");
  return at == std::string_view::npos ? text : text.substr(0, at + 1);
}

std::string answer_html(const io::Value& summary) {
  const std::string answer = text_of(summary, "headline"), reason = text_of(summary, "infeasible");
  std::string html;
  if (!reason.empty()) html += fmt::format("<p class=\"answer infeasible\">No solution: {}</p>\n", html_escaped(reason));
  if (answer.empty()) return html;
  const std::string_view first = first_sentence(answer), rest = std::string_view{answer}.substr(first.size());
  return html + (rest.empty() ? fmt::format("<p class=\"answer\">{}</p>\n", html_escaped(first))
                              : fmt::format("<p class=\"answer\"><strong>{}</strong>{}</p>\n", html_escaped(first), html_escaped(rest)));
}

/// Outlines of land, for pages that have a map.
std::string_view land_json(std::string_view charts) { return charts.find("\"type\": \"map\"") == std::string_view::npos ? "null" : page_asset("land.json"); }

std::string run_page(const io::Value& summary, const io::Value& resolved, const Table& inputs, const std::vector<const Table*>& tables) {
  const std::string charts = asset_or("charts/" + text_of(summary, "kind") + ".json", "{}");
  std::string data = fmt::format("{{\"summary\":{},\"resolved\":{},\"definitions\":{},\"accuracy\":{},\"charts\":{},\"any\":{},\"land\":{},\"inputs\":", io::to_json(summary),
                                 io::to_json(resolved), definitions_json(), asset_or("accuracy.json", "[]"), charts, asset_or("charts/any.json", "{}"), land_json(charts));
  append_table(data, inputs, kMostCells);
  data += ",\"tables\":[";
  const char* separator = "";
  for (const Table* table : tables) {
    if (table->n_columns() == 0) continue;
    data += separator;
    append_table(data, *table, kMostCells);
    separator = ",";
  }
  const std::string question = text_of(summary, "question");
  return page_with(question.empty() ? text_of(summary, "name") : question, answer_html(summary), data + "]}");
}

}  // namespace

std::string html_escaped(std::string_view text) {
  std::string result;
  for (const char c : text) {
    switch (c) {
      case '&': result += "&amp;"; break;
      case '<': result += "&lt;"; break;
      case '>': result += "&gt;"; break;
      case '"': result += "&quot;"; break;
      default: result += c;
    }
  }
  return result;
}

std::string html_page(const scenario::Scenario& scenario, const scenario::Outcome& outcome) {
  const io::Value resolved = scenario.resolved();
  std::vector<const Table*> tables;
  for (const auto& table : outcome.result.tables) tables.push_back(&table);
  // In the order in which read_results gives them.
  std::ranges::stable_sort(tables, {}, [](const Table* table) { return std::pair{table->name() == kTraceTable || table->name() == kCounterTable, table->name()}; });
  tables.push_back(&outcome.result.ledger);
  return run_page(summary(scenario, outcome), resolved, inputs_table(used_values(resolved, *scenario.catalog)), tables);
}

std::string html_page(const Results& results) {
  std::vector<const Table*> tables;
  for (const auto& table : results.tables) tables.push_back(&table);
  tables.push_back(&results.ledger);
  return run_page(results.summary, results.resolved, results.inputs, tables);
}

std::string html_page(const Comparison& comparison) {
  return page_with("What differs, and why", fmt::format("<p class=\"answer\">{}</p>\n", html_escaped(comparison.sentence())),
                   fmt::format("{{\"comparison\":{}}}", io::to_json(comparison.json())));
}

}  // namespace waferwatt::report
