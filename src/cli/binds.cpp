// SPDX-License-Identifier: Apache-2.0
// What binds: the views side by side.
#include <fmt/format.h>

#include <algorithm>

#include "run_options.hpp"
#include "waferwatt/core/number_text.hpp"
#include "waferwatt/report/rows_json.hpp"
#include "waferwatt/report/summary.hpp"
#include "waferwatt/report/text_table.hpp"

namespace waferwatt::cli {
namespace {

constexpr std::int64_t kDraws = 8;  // in which signs are checked, unless the scenario says how many

const core::Table* find_table(const scenario::Result& result, std::string_view name) {
  const auto found = std::ranges::find(result.tables, name, &core::Table::name);
  return found == result.tables.end() ? nullptr : &*found;
}

std::string cell(const core::Table& table, std::size_t column, std::size_t row) {
  const auto& values = table.column(column);
  if (const auto* numbers = std::get_if<std::vector<double>>(&values)) return compact_number((*numbers)[row]);
  if (const auto* whole = std::get_if<std::vector<std::int64_t>>(&values)) return std::to_string((*whole)[row]);
  return std::get<std::vector<std::string>>(values)[row];
}

/// Rows of an owner ("" for all together), without the columns named.
std::string text_of(const core::Table& table, const std::string& owner, const std::vector<std::string>& without) {
  using Align = report::TextTable::Align;
  std::vector<std::string> titles;
  std::vector<Align> alignment;
  std::vector<std::size_t> columns;
  std::optional<std::size_t> owner_column;
  for (std::size_t c = 0; c < table.n_columns(); ++c) {
    const auto& name = table.column_names()[c];
    if (name == "owner") owner_column = c;
    if (name == "owner" || std::ranges::find(without, name) != without.end()) continue;
    columns.push_back(c);
    titles.push_back(name);
    alignment.push_back(std::holds_alternative<std::vector<std::string>>(table.column(c)) ? Align::left : Align::right);
  }
  report::TextTable text(titles, alignment);
  for (std::size_t row = 0; row < table.n_rows(); ++row) {
    if (owner_column && cell(table, *owner_column, row) != owner) continue;
    std::vector<std::string> cells;
    for (const auto c : columns) cells.push_back(cell(table, c, row));
    text.add(std::move(cells));
  }
  return text.text();
}

std::string sentences(const core::Table& views, const std::string& owner) {
  std::string text;
  const auto& owners = views.texts("owner");
  const auto& said = views.texts("says_it_binds");
  for (std::size_t row = 0; row < views.n_rows(); ++row)
    if (owners[row] == owner && said[row] != "none") text += views.texts("sentence")[row] + "\n";
  return text;
}

/// A world's owners are shown one at a time; other kinds have none.
void print(const scenario::Scenario& loaded, const scenario::Result& result, const std::string& owner) {
  if (!loaded.header.question.empty()) fmt::print("Question  {}\n", loaded.header.question);
  fmt::print("Answer    {}\n\n", result.headline);
  const auto* views = find_table(result, "views");
  if (views && loaded.header.kind == "world") {
    const auto& owners = views->texts("owner");
    if (!owner.empty() && std::ranges::find(owners, owner) == owners.end()) {
      std::vector<std::string> known(owners.begin(), owners.end());
      std::ranges::sort(known);
      known.erase(std::unique(known.begin(), known.end()), known.end());
      std::erase(known, "");
      throw UsageError(fmt::format("unknown buyer \"{}\"{}", owner, suggestion(owner, known, "buyers")));
    }
    fmt::print("{}\n{}\n", text_of(*views, owner, {"sentence"}), sentences(*views, owner));
    if (const auto* values = find_table(result, "values_of_capacity")) fmt::print("{}\n", text_of(*values, owner, {}));
    if (const auto* cuts = find_table(result, "cuts")) fmt::print("{}\n", text_of(*cuts, owner, {}));
    if (const auto* way = find_table(result, "waterfall"); way && owner.empty()) fmt::print("{}", text_of(*way, "", {}));
    return;
  }
  for (const auto& binding : result.binds) fmt::print("{:<10} {:>5.0f} %  {}\n", binding.scope, 100 * binding.share, binding.text);
  for (const char* name : {"views", "marginal_values", "cuts"})
    if (const auto* table = find_table(result, name)) fmt::print("\n{}", text_of(*table, "", {}));
}

int binds(const Arguments& arguments) {
  const std::string& file = only_argument(arguments, "FILE");
  auto load_with = load_options(arguments);
  auto loaded = scenario::load(file, shared_catalog(), load_with);
  const auto draws = arguments.whole_number("--draws", 0);
  if (loaded.header.kind == "world" && (draws || !loaded.document.find("certainty_draws"))) {
    load_with.overrides.push_back(fmt::format("certainty_draws={}", draws ? static_cast<std::int64_t>(*draws) : kDraws));
    loaded = scenario::load(file, shared_catalog(), load_with);
  }
  auto run_with = run_options(arguments);
  const ProgressLine line;
  run_with.progress = [&](double fraction, const std::string& what) { line.show(fraction, what); };
  const auto outcome = scenario::run_isolated(loaded, run_with);
  line.clear();
  const auto& result = outcome.result;
  if (arguments.has("--json")) {
    auto document = report::summary(loaded, outcome);
    for (const char* name : {"views", "marginal_values", "values_of_capacity", "cuts", "waterfall"})
      if (const auto* table = find_table(result, name)) document[name] = report::rows_json(*table);
    fmt::print("{}", io::to_json(document));
  } else {
    print(loaded, result, arguments.value("--buyer").value_or(""));
  }
  if (result.infeasible.empty()) return kOk;
  fmt::print(stderr, "infeasible: {}\n", result.infeasible);
  return kInfeasible;
}

}  // namespace

Command binds_command() {
  return {.name = "binds",
          .arguments = "FILE [OPTIONS]",
          .doc = "What binds in a scenario: waits, marginal values and the cut side by side, with a sentence for each.",
          .examples = "  waferwatt binds scenarios/compute-famine.json\n"
                      "  waferwatt binds scenarios/compute-famine.json --buyer microsoft\n"
                      "  waferwatt binds scenarios/supply-2026.json --json | jq .views\n",
          .options = {{"--buyer", "", "NAME", "Show one buyer of a world instead of all together."},
                      {"--draws", "", "N", "Draws of the uncertain values in which signs are checked (world; default: 8)."},
                      {"--set", "", "PATH=VALUE", "Replace a value; may be repeated.", true},
                      {"--seed", "", "N", "Replace the seed of the scenario."},
                      {"--jobs", "-j", "N", "Processor cores to use (default: all)."},
                      {"--timeout", "", "SECONDS", "Stop the run after this time."},
                      {"--json", "", "", "Print summary.json with the views instead of the answer in words."}},
          .run = binds};
}

}  // namespace waferwatt::cli
