// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/scenario/backtest.hpp"

#include <catch2/catch.hpp>

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

TEST_CASE("NVIDIA's accelerators of 2023 to 2025 are foretold within 10 percent") {
  const auto report = run_backtests(WAFERWATT_SOURCE_DIR "/backtests/supply.json", shipped(), {.n_jobs = 2});
  CHECK(report.skipped.empty());
  int n_years = 0, quarters = 0, covered = 0;
  for (const auto& r : report.results) {
    const auto& dims = r.outcome.dims;
    if (r.outcome.metric != "accelerators_delivered" || !dims.contains("vendor") || dims.at("vendor") != "nvidia") continue;
    if (dims.contains("year")) {
      CAPTURE(r.backtest, dims.at("year"));
      CHECK(std::abs(r.error()) < 0.10);
      ++n_years;
    } else {
      ++quarters;
      covered += r.is_covered();
    }
  }
  CHECK(n_years == 4);  // 2025 twice: without and with the letter of April
  CHECK(quarters == 8);
  CHECK(covered >= 0.7 * quarters);
}

TEST_CASE("a file of backtests that is none is refused") {
  CHECK_THROWS_AS(run_backtests(WAFERWATT_SOURCE_DIR "/scenarios/supply-cowos-2024.json", shipped(), {}), InputError);
}
