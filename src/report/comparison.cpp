// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/report/comparison.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "waferwatt/core/number_text.hpp"
#include "waferwatt/report/summary.hpp"
#include "waferwatt/report/text_table.hpp"

namespace waferwatt::report {
namespace {

using io::Value;

std::string text_of(const Value& value, std::string_view key) {
  const Value* member = value.find(key);
  const auto* text = member ? member->get_if<std::string>() : nullptr;
  return text ? *text : "";
}

const Value::List& list_of(const Value& value, std::string_view key) {
  static const Value::List none;
  const Value* member = value.find(key);
  const auto* list = member ? member->get_if<Value::List>() : nullptr;
  return list ? *list : none;
}

/// Puts the metrics of the i-th of `n` folders where those of the earlier ones are.
void add_metrics(const Value& summary, std::size_t i, std::size_t n, std::vector<ComparedMetric>& metrics) {
  for (const auto& entry : list_of(summary, "metrics")) {
    ComparedMetric metric{{std::vector<std::optional<double>>(n)}, text_of(entry, "name"), {}, text_of(entry, "unit")};
    if (const Value* dims = entry.find("dims"); dims && dims->get_if<Value::Object>())
      for (const auto& [key, value] : *dims->get_if<Value::Object>())
        if (const auto* text = value.get_if<std::string>()) metric.dims[key] = *text;
    const auto same = [&](const ComparedMetric& m) { return m.name == metric.name && m.dims == metric.dims && m.unit == metric.unit; };
    auto at = std::ranges::find_if(metrics, same);
    if (at == metrics.end()) at = metrics.insert(metrics.end(), std::move(metric));
    if (const Value* value = entry.find("value"); value && value->is_number()) at->values[i] = value->number();
  }
}

void add_binds(const Value& summary, std::size_t i, std::size_t n, std::vector<ComparedBind>& binds) {
  const auto& list = list_of(summary, "binds");
  const bool has_whole = std::ranges::any_of(list, [](const Value& bind) { return text_of(bind, "scope").empty(); });
  for (const auto& bind : list) {
    const std::string scope = text_of(bind, "scope");
    if (has_whole && !scope.empty()) continue;
    const std::string name = text_of(bind, "resource") + (scope.empty() ? "" : fmt::format(" ({})", scope));
    auto at = std::ranges::find(binds, name, &ComparedBind::resource);
    if (at == binds.end()) at = binds.insert(binds.end(), {{std::vector<std::optional<double>>(n, 0.0)}, name});
    if (const Value* share = bind.find("share")) at->values[i] = share->number();
  }
}

/// Inputs by path, in the order met.
class Inputs {
 public:
  explicit Inputs(std::size_t n) : n_(n) {}

  void add(std::size_t i, const std::string& path, std::string text) {
    const auto [at, is_new] = place_.emplace(path, inputs_.size());
    if (is_new) inputs_.push_back({path, std::vector<std::string>(n_)});
    inputs_[at->second].values[i] = std::move(text);
  }

  /// Every plain value of a resolved scenario; lists of plain values and points of ramps are one value.
  void add_scenario(std::size_t i, const Value& value, const std::string& path) {
    if (const auto* object = value.get_if<Value::Object>()) {
      for (const auto& [key, member] : *object)
        if (path != "" || (key != "name" && key != "question" && key != "schema")) add_scenario(i, member, path.empty() ? key : path + "." + key);
    } else if (const auto* list = value.get_if<Value::List>(); list && std::ranges::any_of(*list, [](const Value& v) { return v.get_if<Value::Object>(); })) {
      for (std::size_t k = 0; k < list->size(); ++k) add_scenario(i, (*list)[k], fmt::format("{}.{}", path, name_of((*list)[k], k)));
    } else {
      std::string text = io::to_json(value);
      std::erase(text, '\n');
      if (text.size() > 2 && text.front() == '"') text = text.substr(1, text.size() - 2);
      add(i, path, std::move(text));
    }
  }

  void add_catalog(std::size_t i, const Table& inputs) {
    if (inputs.n_columns() == 0) return;
    for (std::size_t row = 0; row < inputs.n_rows(); ++row)
      if (inputs.texts("of")[row] != "scenario") add(i, inputs.texts("of")[row] + ": " + inputs.texts("value_of")[row], inputs.texts("value")[row]);
  }

  std::vector<ComparedInput> differing() {
    std::erase_if(inputs_, [](const ComparedInput& input) { return std::ranges::all_of(input.values, [&](const auto& v) { return v == input.values[0]; }); });
    return std::move(inputs_);
  }

 private:
  /// What tells an element of a list from the others: its name, or its place.
  static std::string name_of(const Value& element, std::size_t place) {
    for (const char* key : {"id", "name", "accelerator", "line"})
      if (const std::string name = text_of(element, key); !name.empty()) return name;
    return std::to_string(place);
  }

  std::size_t n_;
  std::map<std::string, std::size_t> place_;
  std::vector<ComparedInput> inputs_;
};

/// Sums of the ledger's last column of amounts over its last column of texts.
void add_charges(const Table& ledger, std::size_t i, std::size_t n, std::vector<ComparedCharge>& charges) {
  const std::vector<std::string>* accounts = nullptr;
  const std::vector<double>* amounts = nullptr;
  std::string unit;
  for (std::size_t c = 0; c < ledger.n_columns(); ++c) {
    if (const auto* texts = std::get_if<std::vector<std::string>>(&ledger.column(c))) accounts = texts;
    const std::string& name = ledger.column_names()[c];
    const bool is_amount = name != "share" && name != "year" && name != "quarter" && !(amounts && name.starts_with("idle"));
    if (const auto* numbers = std::get_if<std::vector<double>>(&ledger.column(c)); numbers && is_amount) {
      amounts = numbers;
      unit = name;
    }
  }
  if (!accounts || !amounts) return;
  for (std::size_t row = 0; row < ledger.n_rows(); ++row) {
    auto at = std::ranges::find(charges, (*accounts)[row], &ComparedCharge::account);
    if (at == charges.end()) at = charges.insert(charges.end(), {{std::vector<std::optional<double>>(n, 0.0)}, (*accounts)[row], unit});
    if (std::isfinite((*amounts)[row])) *at->values[i] += (*amounts)[row];
  }
}

double spread(const ComparedNumber& number) {
  double least = INFINITY, most = -INFINITY;
  for (const auto& value : number.values) {
    least = std::min(least, value.value_or(0));
    most = std::max(most, value.value_or(0));
  }
  return most - least;
}

Value numbers_json(const ComparedNumber& number) {
  Value::List list;
  for (const auto& value : number.values) list.push_back(value ? Value{*value} : Value{});
  return list;
}

template <class T>
Value texts_json(const std::vector<T>& texts) {
  Value::List list;
  for (const auto& text : texts) list.emplace_back(text);
  return list;
}

std::string letter(std::size_t i) { return {static_cast<char>('A' + i % 26)}; }

/// "A", and for the others their letter and the change.
TextTable table_of_numbers(std::vector<std::string> titles, std::size_t n) {
  std::vector alignment(titles.size(), TextTable::Align::left);
  for (std::size_t i = 0; i < n; ++i) {
    titles.push_back(letter(i));
    if (i > 0) titles.emplace_back("change");
    alignment.insert(alignment.end(), i > 0 ? 2 : 1, TextTable::Align::right);
  }
  return TextTable(std::move(titles), std::move(alignment));
}

void add_row(TextTable& table, std::vector<std::string> cells, const ComparedNumber& number) {
  for (std::size_t i = 0; i < number.values.size(); ++i) {
    cells.push_back(number.values[i] ? grouped_number(*number.values[i]) : "-");
    if (i > 0) cells.push_back(number.change(i) ? fmt::format("{:+.2f} %", *number.change(i) * 100) : "");
  }
  table.add(std::move(cells));
}

std::string shortened(std::string text) {
  constexpr std::size_t kMost = 40;
  return text.size() <= kMost ? text : text.substr(0, kMost - 3) + "...";
}

constexpr std::size_t kMostRows = 30;  // of inputs and charges on a terminal

}  // namespace

std::optional<double> ComparedNumber::change(std::size_t i) const {
  if (!values.front() || !values[i] || *values.front() == 0) return std::nullopt;
  return *values[i] / *values.front() - 1;
}

bool ComparedNumber::differs() const {
  return std::ranges::any_of(values, [&](const auto& value) { return value != values.front(); });
}

std::size_t Comparison::n_equal() const {
  return static_cast<std::size_t>(std::ranges::count_if(metrics, [](const auto& metric) { return !metric.differs(); }));
}

std::string Comparison::sentence() const {
  std::string text = fmt::format("{} input{} and {} of {} metrics differ.", inputs.size(), inputs.size() == 1 ? "" : "s", metrics.size() - n_equal(), metrics.size());
  const auto named = [](const ComparedMetric& metric) { return metric.dims.empty() ? metric.name : fmt::format("{} ({})", metric.name, dims_text(metric.dims)); };
  const ComparedMetric* most = nullptr;
  std::size_t of = 0;
  for (const auto& metric : metrics)
    for (std::size_t i = 1; i < metric.values.size(); ++i)
      if (const auto change = metric.change(i); change && (!most || std::abs(*change) > std::abs(*most->change(of)))) most = &metric, of = i;
  if (most && most->differs()) text += fmt::format(" {} changes most, by {:+.1f} % in {}.", named(*most), 100 * *most->change(of), letter(of));
  if (!charges.empty() && charges.front().values[0] && charges.front().values[1])
    text += fmt::format(" The largest difference in what is charged is {}: {} against {} ({}).", charges.front().account, compact_number(*charges.front().values[1]),
                        compact_number(*charges.front().values[0]), charges.front().unit);
  return text;
}

std::string Comparison::text(const TerminalStyle& style) const {
  std::string result;
  for (std::size_t i = 0; i < folders.size(); ++i) result += fmt::format("{}  {}\n   {}\n", style.bold(letter(i)), folders[i], headlines[i]);

  std::vector<std::string> titles = {"input"};
  for (std::size_t i = 0; i < folders.size(); ++i) titles.push_back(letter(i));
  TextTable changed(std::move(titles));
  for (std::size_t k = 0; k < std::min(inputs.size(), kMostRows); ++k) {
    std::vector<std::string> cells = {inputs[k].path};
    for (const auto& value : inputs[k].values) cells.push_back(value.empty() ? "-" : shortened(value));
    changed.add(std::move(cells));
  }
  if (!changed.empty()) result += '\n' + changed.text(0, style);
  if (inputs.size() > kMostRows) result += fmt::format("... and {} more inputs\n", inputs.size() - kMostRows);

  TextTable numbers = table_of_numbers({"metric", "of", "unit"}, folders.size());
  for (const auto& metric : metrics)
    if (metric.differs()) add_row(numbers, {metric.name, dims_text(metric.dims), metric.unit}, metric);
  if (!numbers.empty()) result += '\n' + numbers.text(0, style);

  TextTable why = table_of_numbers({"charged to", "in"}, folders.size());
  for (std::size_t k = 0; k < std::min(charges.size(), kMostRows); ++k) add_row(why, {charges[k].account, charges[k].unit}, charges[k]);
  if (!why.empty()) result += '\n' + why.text(0, style);
  return result + fmt::format("\n{} of {} metrics are equal.\n", n_equal(), metrics.size());
}

Value Comparison::json() const {
  Value::List input_list, metric_list, charge_list, bind_list;
  for (const auto& input : inputs) input_list.emplace_back(Value::Object{{"path", Value{input.path}}, {"values", texts_json(input.values)}});
  for (const auto& metric : metrics)
    metric_list.emplace_back(Value::Object{{"name", Value{metric.name}}, {"of", Value{dims_text(metric.dims)}}, {"unit", Value{metric.unit}},
                                           {"values", numbers_json(metric)}, {"differs", Value{metric.differs()}}});
  for (const auto& charge : charges) charge_list.emplace_back(Value::Object{{"account", Value{charge.account}}, {"unit", Value{charge.unit}}, {"values", numbers_json(charge)}});
  for (const auto& bind : binds) bind_list.emplace_back(Value::Object{{"resource", Value{bind.resource}}, {"shares", numbers_json(bind)}});
  return Value::Object{{"schema", Value{"waferwatt.comparison/1"}},     {"folders", texts_json(folders)},            {"headlines", texts_json(headlines)},
                       {"inputs", Value{std::move(input_list)}},        {"metrics", Value{std::move(metric_list)}},  {"charges", Value{std::move(charge_list)}},
                       {"binds", Value{std::move(bind_list)}}};
}

Comparison compare(std::vector<std::string> names, const std::vector<Results>& runs) {
  Comparison comparison{.folders = std::move(names)};
  const std::size_t n = runs.size();
  Inputs inputs(n);
  for (std::size_t i = 0; i < n; ++i) {
    comparison.headlines.push_back(text_of(runs[i].summary, "headline"));
    inputs.add_scenario(i, runs[i].resolved, "");
    inputs.add_catalog(i, runs[i].inputs);
    add_metrics(runs[i].summary, i, n, comparison.metrics);
    add_binds(runs[i].summary, i, n, comparison.binds);
    add_charges(runs[i].ledger, i, n, comparison.charges);
  }
  comparison.inputs = inputs.differing();
  constexpr double kRounding = 1e-9;
  std::erase_if(comparison.charges, [](const ComparedCharge& charge) { return spread(charge) <= kRounding * std::abs(charge.values.front().value_or(0)); });
  std::ranges::stable_sort(comparison.charges, std::greater{}, spread);
  return comparison;
}

Comparison compare(const std::vector<std::filesystem::path>& folders) {
  Diagnostics diagnostics;
  std::vector<std::string> names;
  std::vector<Results> runs;
  for (const auto& folder : folders) {
    names.push_back(folder.string());
    runs.push_back(read_results(folder, diagnostics));
  }
  diagnostics.throw_if_any();
  return compare(std::move(names), runs);
}

}  // namespace waferwatt::report
