// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>
#include <catch2/catch.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>

#include "waferwatt/core/number_text.hpp"
#include "waferwatt/report/comparison.hpp"
#include "waferwatt/report/html_page.hpp"
#include "waferwatt/report/results_folder.hpp"
#include "waferwatt/report/summary.hpp"
#include "waferwatt/report/text_table.hpp"
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

TEST_CASE("the page escapes texts, cuts long tables and has no scripts") {
  const std::string page = html_page(sample_scenario(), sample_outcome());
  CHECK(page.find("How &lt;much&gt;?") != std::string::npos);
  CHECK(page.find("It takes 3 J &amp; no more.") != std::string::npos);
  CHECK(page.find("300 rows, the first 200 shown") != std::string::npos);
  CHECK(page.find("Data sheet (Maker)") != std::string::npos);
  CHECK(page.find("<script") == std::string::npos);
  CHECK(page.find("http") == std::string::npos);
  CHECK(html_escaped("<a href=\"x\">&</a>") == "&lt;a href=&quot;x&quot;&gt;&amp;&lt;/a&gt;");
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
  CHECK_THROWS_WITH(compare({folder / "a", folder / "none"}), Catch::Contains("no such results folder"));
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
