// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>
#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>

#include "waferwatt/core/number_text.hpp"
#include "waferwatt/report/comparison.hpp"
#include "waferwatt/report/html_page.hpp"
#include "waferwatt/report/metric_definitions.hpp"
#include "waferwatt/report/results_folder.hpp"
#include "waferwatt/report/summary.hpp"
#include "waferwatt/report/text_table.hpp"
#include "waferwatt/report/trace_file.hpp"
#include "waferwatt/report/used_values.hpp"

namespace waferwatt::report {
namespace {

namespace fs = std::filesystem;

class NothingModel : public scenario::Model {
 public:
  io::Value resolved() const override { return io::Value::Object{{"accelerator", io::Value{"a-chip"}}}; }
  scenario::Result run_with(const catalog::Catalog&, const scenario::RunContext&) const override { return {}; }
};

scenario::Scenario sample_scenario() {
  catalog::Catalog catalog;
  catalog::Accelerator chip;
  chip.id = "a-chip";
  chip.tdp = {.value = 700 * core::watt,
              .source = "sheet",
              .quality = catalog::Quality::vendor,
              .low = 650 * core::watt,
              .high = 750 * core::watt};
  catalog.accelerators.add(chip);
  catalog.sources.emplace("sheet", catalog::Source{.title = "Data sheet", .publisher = "Maker"});
  return {.header = {.schema = scenario::kSchema, .kind = "test", .name = "sample", .question = "How <much>?"},
          .model = std::make_shared<NothingModel>(),
          .catalog = std::make_shared<catalog::Catalog>(std::move(catalog))};
}

scenario::Outcome sample_outcome(double energy = 3.0) {
  scenario::Outcome outcome{.wall_time = 1.5 * core::second, .peak_memory = 2e6 * core::byte};
  outcome.result.headline = "It takes 3 J & no more.";
  outcome.result.binds.push_back({"power", "2024", 0.75, "Power binds."});
  outcome.result.metrics.push_back({"energy", {{"year", "2024"}}, energy, "J", 2.0, 4.0});
  outcome.result.metrics.push_back({"count", {}, 1234567, "1", {}, {}});
  Table table("draw", {{"t_s", Table::Kind::number}});
  for (int i = 0; i < 300; ++i) table.add({static_cast<double>(i)});
  outcome.result.tables.push_back(table);
  outcome.result.ledger = Table("ledger", {{"resource", Table::Kind::text}});
  return outcome;
}

class Folder {
 public:
  Folder() : path_(fs::temp_directory_path() / ("waferwatt-report-" + std::to_string(::getpid()))) {
    fs::create_directories(path_);
  }
  ~Folder() { fs::remove_all(path_); }
  fs::path operator/(const char* name) const { return path_ / name; }
  std::size_t n_entries() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(path_), fs::directory_iterator()));
  }

 private:
  fs::path path_;
};

std::string content(const fs::path& file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

}  // namespace

TEST_CASE("a results folder holds every file and nothing is left beside it") {
  const Folder folder;
  write_results_folder(folder / "out", sample_scenario(), sample_outcome(), IfPresent::refuse);
  for (const char* file : {"summary.json", "resolved.json", "tables/draw.csv", "ledger.csv", "report.html"})
    CHECK(fs::exists(folder / "out" / file));
  CHECK(folder.n_entries() == 1);
  CHECK(content(folder / "out" / "ledger.csv") == "resource\n");
  CHECK(content(folder / "out" / "tables" / "draw.csv").starts_with("t_s\n0\n1\n"));
}

TEST_CASE("a results folder is replaced only when that is asked for, and never when it holds something else") {
  const Folder folder;
  const fs::path out = folder / "out";
  write_results_folder(out, sample_scenario(), sample_outcome(3), IfPresent::refuse);
  CHECK_THROWS_WITH(check_results_folder(out, IfPresent::refuse),
                    Catch::Contains("holds the results of an earlier run"));
  CHECK_THROWS_AS(write_results_folder(out, sample_scenario(), sample_outcome(4), IfPresent::refuse), InputError);
  CHECK(content(out / "summary.json").find("\"value\": 3.0") != std::string::npos);
  write_results_folder(out, sample_scenario(), sample_outcome(4), IfPresent::replace);
  CHECK(content(out / "summary.json").find("\"value\": 4.0") != std::string::npos);
  CHECK(folder.n_entries() == 1);

  fs::create_directories(folder / "thesis" / "chapters");
  CHECK_THROWS_WITH(check_results_folder(folder / "thesis", IfPresent::replace),
                    Catch::Contains("holds other files than results"));
  std::ofstream(folder / "file") << "x";
  CHECK_THROWS_WITH(check_results_folder(folder / "file", IfPresent::replace),
                    Catch::Contains("exists and is no folder"));
}

TEST_CASE("a folder that cannot be written is an input error") {
  CHECK_THROWS_WITH(write_results_folder("/proc/waferwatt/out", sample_scenario(), sample_outcome(), IfPresent::refuse),
                    Catch::Contains("the results cannot be written"));
}

TEST_CASE("the summary is the same for the same result, provenance apart") {
  auto slow = sample_outcome();
  slow.wall_time = 99 * core::second;
  const auto without = [](const io::Value& summary) {
    io::Value copy = summary;
    io::merge_patch(copy, io::Value{io::Value::Object{{"provenance", io::Value{}}}});
    return io::to_json(copy);
  };
  const io::Value quick_summary = summary(sample_scenario(), sample_outcome()),
                  slow_summary = summary(sample_scenario(), slow);
  CHECK(without(quick_summary) == without(slow_summary));
  CHECK(io::to_json(quick_summary) != io::to_json(slow_summary));
  CHECK(quick_summary.find("infeasible") == nullptr);
  CHECK(slow_summary.find("provenance")->find("wall_time_s")->number() == 99);
}

TEST_CASE("the page escapes texts, thins long tables and loads nothing from a network") {
  auto outcome = sample_outcome();
  outcome.result.headline = "It takes 3 J </script> & no more.";
  Table longer("longer", {{"t_s", Table::Kind::number}, {"what", Table::Kind::text}});
  for (int i = 0; i < 60'000; ++i) longer.add({i == 1 ? std::nan("") : 0.1 * i, std::string{i % 2 ? "odd" : "even"}});
  outcome.result.tables.push_back(longer);
  const std::string page = html_page(sample_scenario(), outcome);
  CHECK(page.find("<h1>How &lt;much&gt;?</h1>") != std::string::npos);
  CHECK(page.find("It takes 3 J &lt;/script&gt; &amp; no more.") != std::string::npos);
  CHECK(page.find("It takes 3 J \\u003c/script> & no more.") != std::string::npos);  // in the data
  CHECK(page.find(R"({"name":"draw","rows":300,"every":1,"columns":[{"name":"t_s","values":[0,1,2,)") != std::string::npos);
  CHECK(page.find(R"({"name":"longer","rows":60000,"every":2,"columns":[{"name":"t_s","values":[0,0.2,0.4,)") != std::string::npos);
  CHECK(page.find(R"({"name":"what","texts":["even"],"at":[0,0,)") != std::string::npos);
  CHECK(page.find("Data sheet (Maker)") != std::string::npos);
  CHECK(page.find("{{") == std::string::npos);
  for (const char* loads : {"src=\"", "href=\"http", "@import", "url("}) CHECK(page.find(loads) == std::string::npos);
  CHECK(html_escaped("<a href=\"x\">&</a>") == "&lt;a href=&quot;x&quot;&gt;&amp;&lt;/a&gt;");
}

TEST_CASE("a results folder reads back to the page that was written with it") {
  const Folder folder;
  auto outcome = sample_outcome();
  Table named("named", {{"what", Table::Kind::text}, {"amount", Table::Kind::number}});
  named.add({std::string{"a, \"b\"\nc"}, 0.125});
  named.add({std::string{}, std::nan("")});
  outcome.result.tables.push_back(named);
  Table trace = trace_table();
  trace.add({std::string{"step"}, std::string{"stage \"0\""}, std::string{"forward"}, std::string{"compute"}, 0.5, 0.25});
  outcome.result.tables.push_back(trace);
  write_results_folder(folder / "out", sample_scenario(), outcome, IfPresent::refuse);

  Diagnostics diagnostics;
  const Results results = read_results(folder / "out", diagnostics);
  diagnostics.throw_if_any();
  REQUIRE(results.tables.size() == 3);
  CHECK(results.tables[1].name() == "named");
  CHECK(results.tables[1].texts("what") == std::vector<std::string>{"a, \"b\"\nc", ""});
  CHECK(results.tables[1].numbers("amount")[0] == 0.125);
  CHECK(std::isnan(results.tables[1].numbers("amount")[1]));
  CHECK(results.tables[2].texts("thread")[0] == "stage \"0\"");
  CHECK(results.tables[2].numbers("start_s")[0] == Approx(0.5));
  CHECK(std::ranges::count(results.inputs.texts("source"), "Data sheet (Maker)") == 1);

  const std::string before = content(folder / "out" / "report.html");
  write_report(folder / "out" / "report.html", folder / "out");
  CHECK(content(folder / "out" / "report.html") == before);
}

TEST_CASE("metrics are defined by the page of the reference, kind by kind") {
  const auto definitions = metric_definitions();
  CHECK(definitions.size() > 80);
  for (const auto& definition : definitions) {
    INFO(definition.name);
    CHECK(definition.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string::npos);
    CHECK_FALSE(definition.kinds.empty());
    CHECK_FALSE(definition.unit.empty());
    CHECK_FALSE(definition.meaning.empty());
  }
  const auto mfu = std::ranges::find(definitions, "mfu", &MetricDefinition::name);
  REQUIRE(mfu != definitions.end());
  CHECK(mfu->kinds == std::vector<std::string>{"training"});
}

TEST_CASE("sparklines go from the smallest value to the largest") {
  CHECK(sparkline({0.0, 3.5, 7.0}) == "▁▅█");
  CHECK(sparkline({5.0, std::nullopt, 5.0}) == "▄ ▄");
  CHECK(sparkline({}).empty());
}

TEST_CASE("colours stand only where the terminal has them") {
  TextTable table({"name", "n"}, {TextTable::Align::left, TextTable::Align::right});
  table.add({"water", "1"});
  CHECK(table.text(0, {.has_colours = true}) == "\033[2mname   n\033[0m\nwater  1\n");
  CHECK(table.text(0).find('\033') == std::string::npos);
  CHECK(headline(sample_scenario(), sample_outcome().result).find('\033') == std::string::npos);
}

TEST_CASE("the values of things that a scenario names are listed with their sources") {
  const auto scenario = sample_scenario();
  const auto values = used_values(scenario.resolved(), *scenario.catalog);
  const auto tdp = std::ranges::find_if(values, [](const UsedValue& value) { return value.key == "tdp"; });
  REQUIRE(tdp != values.end());
  CHECK(tdp->thing == "a-chip");
  CHECK(tdp->value == "700 W");
  CHECK(tdp->range == "650 W to 750 W");
  CHECK(tdp->quality == "vendor");
  CHECK(tdp->source == "Data sheet (Maker)");
}

TEST_CASE("folders are compared metric by metric, relative to the first") {
  const Folder folder;
  write_results_folder(folder / "a", sample_scenario(), sample_outcome(4), IfPresent::refuse);
  write_results_folder(folder / "b", sample_scenario(), sample_outcome(5), IfPresent::refuse);
  const Comparison comparison = compare({folder / "a", folder / "b"});
  REQUIRE(comparison.metrics.size() == 2);
  CHECK(comparison.n_equal() == 1);
  CHECK(comparison.metrics[0].change(1) == Approx(0.25));
  CHECK(comparison.text().find("+25.00 %") != std::string::npos);
  CHECK(comparison.text().find("1 of 2 metrics are equal.") != std::string::npos);
  CHECK(comparison.inputs.empty());
  CHECK(html_page(comparison).find("\"comparison\":") != std::string::npos);
  CHECK_THROWS_WITH(compare({folder / "a", folder / "none"}), Catch::Contains("no such results folder"));
}

TEST_CASE("what differs in inputs and charges is found, the largest difference of charges first") {
  const auto results = [](const char* tensor, const char* tdp, double power, double memory) {
    Results run;
    run.summary = io::Value::Object{{"headline", io::Value{"An answer."}}};
    run.resolved = io::Value::Object{{"name", io::Value{tdp}}, {"parallel", io::Value{io::Value::Object{{"tensor", io::Value{tensor}}, {"data", io::Value{8}}}}},
                                     {"buyers", io::Value{io::Value::List{io::Value{io::Value::Object{{"name", io::Value{"x"}}, {"cash", io::Value{tensor}}}}}}}};
    run.inputs = inputs_table({{"chip", "tdp", tdp, "", "vendor", "Sheet", ""}, {"chip", "price", "1 USD", "", "guess", "Sheet", ""}});
    run.ledger = Table("ledger", {{"year", Table::Kind::number}, {"resource", Table::Kind::text}, {"waiting_weeks"}, {"share"}});
    for (const double year : {2024.0, 2025.0}) {
      run.ledger.add({year, std::string{"power"}, power / 2, 0.0});
      run.ledger.add({year, std::string{"memory"}, memory / 2, 0.0});
    }
    return run;
  };
  const Comparison comparison = compare({"a", "b"}, {results("4", "700 W", 10, 20), results("8", "750 W", 40, 21)});
  REQUIRE(comparison.inputs.size() == 3);  // names of scenarios do not count
  CHECK(comparison.inputs[0].path == "parallel.tensor");
  CHECK(comparison.inputs[0].values == std::vector<std::string>{"4", "8"});
  CHECK(comparison.inputs[1].path == "buyers.x.cash");
  CHECK(comparison.inputs[2].path == "chip: tdp");
  REQUIRE(comparison.charges.size() == 2);
  CHECK(comparison.charges[0].account == "power");
  CHECK(comparison.charges[0].unit == "waiting_weeks");
  CHECK(comparison.charges[0].change(1) == Approx(3));
  CHECK(comparison.sentence() == "3 inputs and 0 of 0 metrics differ. The largest difference in what is charged is power: 40 against 10 (waiting_weeks).");
}

TEST_CASE("numbers are short and readable") {
  CHECK(grouped_number(0) == "0");
  CHECK(grouped_number(0.12345) == "0.1235");
  CHECK(grouped_number(1234.4) == "1234");
  CHECK(grouped_number(12345.6) == "12,346");
  CHECK(grouped_number(-1234567) == "-1,234,567");
  CHECK(grouped_number(1e15) == "1.000e+15");
  CHECK(grouped_number(1e-6) == "1.000e-06");
  CHECK(grouped_number(std::numeric_limits<double>::quiet_NaN()) == "-");
}

TEST_CASE("text tables align columns by characters, not bytes") {
  TextTable table({"name", "n"}, {TextTable::Align::left, TextTable::Align::right});
  table.add({"öl", "7"});
  table.add({"water", "1,000"});
  CHECK(table.text(0) == "name       n\nöl         7\nwater  1,000\n");
}

TEST_CASE("the headline shows question, answer, what binds and metrics") {
  const std::string text = headline(sample_scenario(), sample_outcome().result);
  CHECK(text.starts_with("Question  How <much>?\nAnswer    It takes 3 J & no more.\n"));
  CHECK(text.find("75 %") != std::string::npos);
  CHECK(text.find("1,234,567") != std::string::npos);
  CHECK(text.find("2 to 4") != std::string::npos);
}

}  // namespace waferwatt::report
