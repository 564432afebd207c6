// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/scenario/backtest.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

using namespace waferwatt;
using namespace waferwatt::scenario;

namespace {

std::shared_ptr<const catalog::Catalog> shipped() {
  static const auto catalog = std::make_shared<const catalog::Catalog>(catalog::Catalog::load(WAFERWATT_SOURCE_DIR "/models"));
  return catalog;
}

const char* const kBanded = R"({"schema": "waferwatt.scenario/1", "kind": "supply", "name": "banded", "seed": 7,
  "start": "2024-01", "end": "2024-07", "known_at": "2023-12-31", "monte_carlo": {"runs": 12},
  "products": [{"accelerator": "nvidia-h100-sxm", "mix": 1}]})";

BacktestFile shipped_backtests() {
  Diagnostics diagnostics;
  const io::Value document = io::read_json_file(WAFERWATT_SOURCE_DIR "/backtests/supply.json", diagnostics);
  BacktestFile backtests;
  io::ReadContext context{diagnostics};
  BacktestFile::record().read(document, "", context, backtests);
  REQUIRE(diagnostics.empty());
  return backtests;
}

}  // namespace

TEST_CASE("bands do not depend on the number of processors, and do on the seed") {
  const auto bands = [](unsigned jobs, std::optional<std::uint64_t> seed) {
    const Scenario scenario = load_text("banded", kBanded, shipped(), {.seed = seed});
    std::vector<double> values;
    for (const auto& metric : run_isolated(scenario, {.n_jobs = jobs}).result.metrics)
      if (metric.low) {
        CHECK(*metric.low <= *metric.high);
        values.push_back(*metric.low);
        values.push_back(*metric.high);
      }
    return values;
  };
  const auto one = bands(1, {});
  REQUIRE_FALSE(one.empty());
  CHECK(one == bands(3, {}));
  CHECK(one == bands(2, 7));
  CHECK(one != bands(2, 8));
}

TEST_CASE("NVIDIA's accelerators of 2023 to 2025 are foretold within 10 percent, and H20 collapses in the quarter in which it did") {
  // Without the draws, whose bands `validate supply` reports.
  Diagnostics diagnostics;
  const BacktestFile backtests = shipped_backtests();
  int n_years = 0;
  for (const auto& test : backtests.cases) {
    if (test.id != "B1" && test.id != "B1b" && test.id != "B6") continue;
    const Scenario scenario = load(WAFERWATT_SOURCE_DIR "/backtests/" + test.scenario, shipped(), {.patches = {io::parse_json("patch", R"({"monte_carlo": null})", diagnostics)}});
    const Result result = run_isolated(scenario, {}).result;
    for (const auto& outcome : test.outcomes) {
      const auto metric = std::ranges::find_if(result.metrics, [&](const Metric& m) { return m.name == outcome.metric && m.dims == outcome.dims; });
      CAPTURE(test.scenario, outcome.metric);
      REQUIRE(metric != result.metrics.end());
      if (!outcome.goal) continue;
      CHECK(metric->value == Approx(outcome.outcome).epsilon(*outcome.goal));
      n_years += outcome.dims.contains("year");
    }
  }
  CHECK(n_years == 4);  // 2025 twice: without and with the letter of April
}

TEST_CASE("bands of the backtests cover at least 70 percent of NVIDIA's quarters") {
  const BacktestFile backtests = shipped_backtests();
  std::map<std::string, Result> results;
  int n_quarters = 0, n_covered = 0;
  for (const auto& test : backtests.cases) {
    if (test.id != "B1" && test.id != "B1b") continue;
    if (!results.contains(test.scenario)) results.emplace(test.scenario, run_isolated(load(WAFERWATT_SOURCE_DIR "/backtests/" + test.scenario, shipped()), {.n_jobs = 2}).result);
    for (const auto& outcome : test.outcomes) {
      const auto& metrics = results.at(test.scenario).metrics;
      const auto metric = std::ranges::find_if(metrics, [&](const Metric& m) { return m.name == outcome.metric && m.dims == outcome.dims; });
      REQUIRE(metric != metrics.end());
      if (!outcome.dims.contains("quarter") || !metric->low) continue;
      ++n_quarters;
      n_covered += *metric->low <= outcome.outcome && outcome.outcome <= *metric->high;
    }
  }
  CHECK(n_quarters == 8);
  CHECK(n_covered >= 0.7 * n_quarters);
}

TEST_CASE("a report counts what was foretold, what the band covered, and what no run could say") {
  const auto folder = std::filesystem::temp_directory_path() / "waferwatt-backtest";
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "banded.json") << kBanded;
  std::ofstream(folder / "set.json") << R"({"schema": "waferwatt.backtests/1", "cases": [{"id": "T", "question": "What?", "scenario": "banded.json", "outcomes": [
    {"metric": "accelerators_delivered", "dims": {}, "outcome": 1e6, "unit": "accelerator", "source": "s"},
    {"metric": "no_such_metric", "outcome": 1, "unit": "1", "source": "s"}]}]})";
  const auto report = run_backtests(folder / "set.json", shipped(), {.n_jobs = 2});
  REQUIRE(report.results.size() == 1);
  const auto& result = report.results.front();
  CHECK(result.value > 0);
  REQUIRE(result.low);
  CHECK(result.is_covered() == (*result.low <= 1e6 && 1e6 <= *result.high));
  REQUIRE(report.skipped.size() == 1);
  CHECK_THAT(report.skipped.front().second, Catch::Contains("no metric no_such_metric"));
  std::filesystem::remove_all(folder);
}

TEST_CASE("a file of backtests that is none is refused") {
  CHECK_THROWS_AS(run_backtests(WAFERWATT_SOURCE_DIR "/scenarios/supply-cowos-2024.json", shipped(), {}), InputError);
}
