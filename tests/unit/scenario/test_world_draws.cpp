// SPDX-License-Identifier: Apache-2.0
// Draws, bands, views and rules of worlds.
#include <catch2/catch.hpp>
#include <cmath>
#include <memory>
#include <set>

#include "waferwatt/scenario/runner.hpp"

using namespace waferwatt;
using namespace waferwatt::scenario;

namespace {

/// Runs in a child of its own: SimGrid allows one engine per process.
Result run_world(const std::string& more = "", unsigned n_jobs = 1) {
  const std::string text = R"({"schema": "waferwatt.scenario/1", "kind": "world", "name": "small", "seed": 7, "start": "2024-01", "end": "2026-01", "known_at": "2023-12-31", "parts": [],
    "products": [{"accelerator": "nvidia-h100-sxm", "mix": 1}],
    "buyers": [{"name": "us", "jurisdiction": "United States", "budget": "20 BUSD/year", "vendors": {"nvidia": 1.0}, "power": [["2024-01", "500 MW"], ["2026-01", "1500 MW"]], "grid": "us-pjm"},
               {"name": "china", "jurisdiction": "China", "budget": "20 BUSD/year", "vendors": {"nvidia": 1.0}, "power": "3 GW", "grid": "china"}],
    "demand": {"tokens": "100 Ttoken/month", "model": "llama-3-1-8b"}, )" + more + "}";
  static const auto catalog = std::make_shared<const catalog::Catalog>(catalog::Catalog::load(WAFERWATT_SOURCE_DIR "/models"));
  return run_isolated(load_text("w.json", text, catalog), {.n_jobs = n_jobs}).result;
}

double metric(const Result& result, const std::string& name, const std::map<std::string, std::string>& dims = {}) {
  for (const Metric& m : result.metrics)
    if (m.name == name && m.dims == dims) return m.value;
  FAIL("no metric " << name);
  return 0;
}

const Table* table(const Result& result, std::string_view name) {
  for (const Table& t : result.tables)
    if (t.name() == name) return &t;
  return nullptr;
}

}  // namespace

TEST_CASE("bands hold the middle of the draws, the tornado names inputs, and workers change nothing") {
  const std::string draws12 = R"("marginal_step": 0, "monte_carlo": {"runs": 12})";
  const Result one = run_world(draws12, 1), two = run_world(draws12, 2);
  const auto& draws = table(one, "draws")->numbers("h100e_weeks");
  REQUIRE(draws.size() == 12);
  CHECK(std::set<double>(draws.begin(), draws.end()).size() == 12);
  CHECK(table(two, "draws")->numbers("h100e_weeks") == draws);
  bool has_band = false;
  for (std::size_t i = 0; i < one.metrics.size(); ++i) {
    CHECK(one.metrics[i].low == two.metrics[i].low);
    if (one.metrics[i].low && one.metrics[i].name == "compute") {
      has_band = true;
      CHECK(*one.metrics[i].low < *one.metrics[i].high);
    }
  }
  CHECK(has_band);
  const auto& inputs = table(one, "tornado")->texts("input");
  CHECK(std::set<std::string>(inputs.begin(), inputs.end()).size() == inputs.size());
  CHECK(std::ranges::find(inputs, "tsmc-cowos capacity") != inputs.end());
  CHECK(std::ranges::find(inputs, "power of us") != inputs.end());
  const auto& swings = table(one, "tornado")->numbers("swing_h100e_weeks");
  CHECK(std::ranges::is_sorted(swings, std::greater{}));
}

TEST_CASE("a draw by its number is the draw of the Monte Carlo: a sweep over draws can be resumed") {
  const Result all = run_world(R"("marginal_step": 0, "monte_carlo": {"runs": 3})");
  const Result second = run_world(R"("marginal_step": 0, "draw": 2)");
  CHECK(metric(second, "compute") == Approx(table(all, "draws")->numbers("h100e_weeks")[1]).epsilon(1e-12));
  CHECK(metric(run_world(R"("marginal_step": 0)"), "compute") != metric(second, "compute"));
}

TEST_CASE("rules by name close sales as lists of buyers do") {
  const Result open = run_world(R"("marginal_step": 0)");
  const Result ruled = run_world(R"("marginal_step": 0, "policies": ["us-2023-10"])");
  const std::map<std::string, std::string> china = {{"owner", "china"}, {"year", "2025"}}, us = {{"owner", "us"}, {"year", "2025"}};
  CHECK(metric(open, "accelerators_delivered", china) > 0);
  // What leaks is a few per cent, at a premium.
  CHECK(metric(ruled, "h100_equivalents_delivered", china) < 0.1 * metric(open, "h100_equivalents_delivered", china));
  CHECK(metric(ruled, "accelerators_delivered", us) >= metric(open, "accelerators_delivered", us));
}

TEST_CASE("every resource has a sentence for every year and buyer, and marginal values say how sure they are") {
  const Result result = run_world(R"("certainty_draws": 3)");
  const auto* views = table(result, "views");
  REQUIRE(views);
  CHECK(views->n_rows() == 2 * 3 * 6);
  for (const auto& sentence : views->texts("sentence")) {
    CHECK_THAT(sentence, Catch::StartsWith("In 202") && Catch::EndsWith("of draws."));
  }
  const auto* values = table(result, "values_of_capacity");
  REQUIRE(values);
  for (const double sure : values->numbers("sure_fraction")) {
    CHECK(sure >= 0);
    CHECK(sure <= 1);
  }
  // Gains of buyers add up to that of all.
  double all = 0, each = 0;
  for (std::size_t row = 0; row < values->n_rows(); ++row)
    if (values->texts("resource")[row] == "power") (values->texts("owner")[row].empty() ? all : each) += values->numbers("h100e_weeks_per_unit")[row];
  CHECK(all == Approx(each));
}

TEST_CASE("the way from wafers to tokens is exact in a world of the catalog") {
  const Result result = run_world(R"("marginal_step": 0)");
  const auto* way = table(result, "waterfall");
  REQUIRE(way);
  for (std::size_t row = 0; row < way->n_rows(); ++row)
    if (way->texts("step")[row] == "rounding") CHECK(std::abs(way->numbers("change")[row]) <= 1e-6 * std::abs(way->numbers("left")[row]) + 1e-6);
}
