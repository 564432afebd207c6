// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/core/number_text.hpp"
#include "waferwatt/report/html_page.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "waferwatt/report/heat_map.hpp"
#include "waferwatt/report/provenance.hpp"
#include "waferwatt/report/summary.hpp"
#include "waferwatt/report/year_table.hpp"
#include "waferwatt/report/used_values.hpp"

namespace waferwatt::report {
namespace {

/// A table of the page shows this many rows; its CSV file holds all.
constexpr std::size_t kMostRows = 200;
constexpr std::size_t kMostBars = 12;

constexpr std::string_view kStyle = R"(
:root { color-scheme: light dark; --text: #1c2330; --dim: #5c6675; --line: #d9dee6; --back: #ffffff; --panel: #f5f7fa; --bar: #2f6fab; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e4e8ee; --dim: #98a2b0; --line: #333b47; --back: #14181e; --panel: #1c222b; --bar: #6aa7df; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--text); background: var(--back); margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 72rem; }
h1 { font-size: 1.5rem; line-height: 1.3; margin: 0 0 .5rem; } h2 { font-size: 1.1rem; margin: 2.2rem 0 .6rem; } h3 { font-size: .95rem; margin: 1rem 0 .3rem; }
.answer { font-size: 1.15rem; background: var(--panel); border-left: 4px solid var(--bar); padding: .8rem 1rem; margin: 1rem 0; }
.dim { color: var(--dim); } .infeasible { border-left-color: #c2571a; }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-size: .88rem; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .25rem .8rem .25rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th { color: var(--dim); font-weight: 600; } td.number, th.number { text-align: right; white-space: nowrap; }
details { border-top: 1px solid var(--line); padding: .5rem 0; } summary { cursor: pointer; }
pre { background: var(--panel); padding: .8rem; overflow-x: auto; font-size: .82rem; }
svg { display: block; max-width: 100%; height: auto; } svg text { fill: var(--text); font-size: 13px; } svg .bar { fill: var(--bar); } svg .track { fill: var(--panel); }
)";

class HtmlTable {
 public:
  struct Title {
    std::string text;
    bool is_number = false;
  };
  explicit HtmlTable(std::vector<Title> titles) : titles_(std::move(titles)) {
    html_ = "<div class=\"wide\"><table>\n<tr>";
    for (const auto& title : titles_) html_ += fmt::format("<th{}>{}</th>", mark(title), html_escaped(title.text));
    html_ += "</tr>\n";
  }
  void add(const std::vector<std::string>& cells) {
    html_ += "<tr>";
    for (std::size_t i = 0; i < cells.size(); ++i)
      html_ += fmt::format("<td{}>{}</td>", mark(titles_[i]), html_escaped(cells[i]));
    html_ += "</tr>\n";
  }
  std::string html() const { return html_ + "</table></div>\n"; }

 private:
  static const char* mark(const Title& title) { return title.is_number ? " class=\"number\"" : ""; }
  std::vector<Title> titles_;
  std::string html_;
};

/// One bar per binding of a scope.
std::string bars(const std::vector<const scenario::Binding*>& binds) {
  constexpr int kRow = 26, kLabel = 230, kBar = 480, kWidth = 780;
  const std::size_t n = std::min(binds.size(), kMostBars);
  const int height = static_cast<int>(n) * kRow;
  std::string svg = fmt::format(
      "<svg viewBox=\"0 0 {} {}\" width=\"{}\" height=\"{}\" role=\"img\" aria-label=\"Shares of what binds\">\n",
      kWidth, height, kWidth, height);
  for (std::size_t i = 0; i < n; ++i) {
    const auto& bind = *binds[i];
    const int y = static_cast<int>(i) * kRow;
    const double length = std::clamp(bind.share, 0.0, 1.0) * kBar;
    svg += fmt::format(
        "<g><title>{}</title><text x=\"0\" y=\"{}\">{}</text><rect class=\"track\" x=\"{}\" y=\"{}\" width=\"{}\" "
        "height=\"16\"/>"
        "<rect class=\"bar\" x=\"{}\" y=\"{}\" width=\"{:.1f}\" height=\"16\"/><text x=\"{}\" y=\"{}\">{:.1f} "
        "%</text></g>\n",
        html_escaped(bind.text), y + 17, html_escaped(bind.resource), kLabel, y + 5, kBar, kLabel, y + 5, length,
        kLabel + kBar + 8, y + 17, bind.share * 100);
  }
  return svg + "</svg>\n";
}

std::string binds_section(const scenario::Result& result) {
  if (result.binds.empty()) return "";
  std::string html = "<h2>What binds</h2>\n";
  std::vector<std::string> scopes;
  std::map<std::string, std::vector<const scenario::Binding*>> by_scope;
  for (const auto& bind : result.binds) {
    if (!by_scope.contains(bind.scope)) scopes.push_back(bind.scope);
    by_scope[bind.scope].push_back(&bind);
  }
  for (const auto& scope : scopes) {
    if (!scope.empty()) html += fmt::format("<h3>{}</h3>\n", html_escaped(scope));
    html += bars(by_scope[scope]);
    for (const auto* bind : by_scope[scope])
      if (!bind->text.empty()) html += fmt::format("<div class=\"dim\">{}</div>\n", html_escaped(bind->text));
  }
  return html;
}

std::string years_section(const scenario::Result& result) {
  const YearTable years = year_table(result);
  if (years.rows.empty()) return "";
  std::vector<HtmlTable::Title> titles = {{"by year"}, {"of"}, {"unit"}};
  for (const auto& year : years.years) titles.push_back({year, true});
  HtmlTable table(std::move(titles));
  for (const auto& row : years.rows) {
    std::vector<std::string> cells = {row.name, row.of, row.unit};
    cells.insert(cells.end(), row.values.begin(), row.values.end());
    table.add(cells);
  }
  return "<h2>Years</h2>\n" + table.html();
}

std::string metrics_section(const scenario::Result& result) {
  const auto metrics = other_metrics(result);
  if (metrics.empty()) return "";
  HtmlTable table({{"metric"}, {"of"}, {"value", true}, {"unit"}, {"low", true}, {"high", true}});
  const auto limit = [](const std::optional<double>& bound) { return bound ? grouped_number(*bound) : std::string{}; };
  for (const auto& metric : metrics)
    table.add({metric.name, dims_text(metric.dims), grouped_number(metric.value), metric.unit, limit(metric.low),
               limit(metric.high)});
  return "<h2>Metrics</h2>\n" + table.html();
}

std::string cell_text(const Table::Column& column, std::size_t row) {
  return std::visit(
      [row]<class T>(const std::vector<T>& values) -> std::string {
        if constexpr (std::is_same_v<T, double>)
          return grouped_number(values[row]);
        else if constexpr (std::is_same_v<T, std::string>)
          return values[row];
        else
          return std::to_string(values[row]);
      },
      column);
}

std::string folded_table(const Table& table, const std::string& file) {
  if (table.n_columns() == 0) return "";
  std::vector<HtmlTable::Title> titles;
  for (std::size_t i = 0; i < table.n_columns(); ++i)
    titles.push_back({table.column_names()[i], !std::holds_alternative<std::vector<std::string>>(table.column(i))});
  HtmlTable html(std::move(titles));
  const std::size_t n = std::min(table.n_rows(), kMostRows);
  for (std::size_t row = 0; row < n; ++row) {
    std::vector<std::string> cells;
    for (std::size_t i = 0; i < table.n_columns(); ++i) cells.push_back(cell_text(table.column(i), row));
    html.add(cells);
  }
  const std::string rest = n < table.n_rows() ? fmt::format(", the first {} shown", n) : "";
  return fmt::format(
      "<details><summary>{} <span class=\"dim\">{} rows{}, all in <a "
      "href=\"{}\">{}</a></span></summary>\n{}</details>\n",
      html_escaped(table.name().empty() ? "ledger" : table.name()), table.n_rows(), rest, html_escaped(file),
      html_escaped(file), html.html());
}

std::string tables_section(const scenario::Result& result) {
  std::string html = "<h2>Tables</h2>\n";
  for (const auto& table : result.tables) html += folded_table(table, "tables/" + table.name() + ".csv");
  return html + folded_table(result.ledger, "ledger.csv");
}

std::string inputs_section(const scenario::Scenario& scenario) {
  const io::Value resolved = scenario.resolved();
  std::string html = "<h2>Inputs</h2>\n<details><summary>Resolved scenario</summary><pre>" +
                     html_escaped(io::to_json(resolved)) + "</pre></details>\n";
  const auto values = used_values(resolved, *scenario.catalog);
  if (values.empty()) return html;
  HtmlTable table({{"of"}, {"value of"}, {"value", true}, {"range"}, {"quality"}, {"source"}, {"note"}});
  for (const auto& value : values)
    table.add({value.thing, value.key, value.value, value.range, value.quality, value.source, value.note});
  return html + fmt::format(
                    "<details><summary>Values from the catalog <span class=\"dim\">{} values with their "
                    "sources</span></summary>\n{}</details>\n",
                    values.size(), table.html());
}

std::string provenance_line(const scenario::Scenario& scenario, const scenario::Outcome& outcome) {
  return fmt::format("<p class=\"dim\">Scenario {} ({}), seed {}. Waferwatt {}, revision {}; {} s, {} MB.</p>\n",
                     html_escaped(scenario.header.name), html_escaped(scenario.header.kind), scenario.header.seed,
                     version(), html_escaped(revision()), grouped_number(outcome.wall_time.in(core::second)),
                     grouped_number(outcome.peak_memory.in(core::mega * core::byte)));
}

}  // namespace

std::string html_escaped(std::string_view text) {
  std::string result;
  for (const char c : text) {
    switch (c) {
      case '&':
        result += "&amp;";
        break;
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      case '"':
        result += "&quot;";
        break;
      default:
        result += c;
    }
  }
  return result;
}

std::string html_page(const scenario::Scenario& scenario, const scenario::Outcome& outcome) {
  const scenario::Result& result = outcome.result;
  const std::string title = scenario.header.question.empty() ? scenario.header.name : scenario.header.question;
  std::string html = fmt::format(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
      "<meta name=\"viewport\" content=\"width=device-width, "
      "initial-scale=1\">\n<title>{}</title>\n<style>{}</style></head>\n<body>\n",
      html_escaped(title), kStyle);
  html += fmt::format("<h1>{}</h1>\n", html_escaped(title));
  if (!result.infeasible.empty())
    html += fmt::format("<div class=\"answer infeasible\">No solution: {}</div>\n", html_escaped(result.infeasible));
  if (!result.headline.empty()) html += fmt::format("<div class=\"answer\">{}</div>\n", html_escaped(result.headline));
  html += binds_section(result) + years_section(result) + heat_map_section(result) + metrics_section(result) + tables_section(result) + inputs_section(scenario) +
          provenance_line(scenario, outcome);
  return html + "</body></html>\n";
}

}  // namespace waferwatt::report
