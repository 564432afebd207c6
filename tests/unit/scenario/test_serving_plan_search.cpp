// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "waferwatt/scenario/serving_scenario.hpp"

using namespace waferwatt;
using namespace waferwatt::scenario;

namespace {

const catalog::Catalog& shipped() {
  static const auto catalog = catalog::Catalog::load(WAFERWATT_SOURCE_DIR "/models");
  return catalog;
}

ServingScenario scenario_of(const std::string& json) {
  Diagnostics diagnostics;
  io::Value value = io::parse_json("s.json", json, diagnostics);
  io::ReadContext context{diagnostics};
  ServingScenario scenario;
  ServingScenario::record().read(value, "", context, scenario);
  diagnostics.throw_if_any();
  return scenario;
}

const std::string kScenario = R"({"model": "llama-3-1-8b", "accelerator": "nvidia-h100-sxm",
  "workload": {"preset": "azure-2023-conversation", "rate": "40 1/s", "n_requests": 1500},
  "service_level": {"time_to_first_token": "500 ms", "time_per_output_token": "15 ms"},
  "search": {"accelerators": ["nvidia-h100-sxm", "nvidia-h200-sxm"], "tensor_parallel": [1, 2], "max_replicas": 8,
             "accelerator_hour_prices": {"nvidia-h100-sxm": "2 USD/h", "nvidia-h200-sxm": "3 USD/h"}}})";

}  // namespace

TEST_CASE("A deployment search gives the same answer on any number of workers, and says why others lose") {
  const ServingScenario scenario = scenario_of(kScenario);
  const Result one = deployment_search(scenario, shipped(), ServingObjective::cost, 1, 1);
  const Result three = deployment_search(scenario, shipped(), ServingObjective::cost, 1, 3);
  REQUIRE(one.infeasible.empty());
  CHECK(one.headline == three.headline);
  const Table &table = one.tables.at(0), &other = three.tables.at(0);
  REQUIRE(table.n_rows() == 4);
  CHECK(table.texts("deployment") == other.texts("deployment"));
  CHECK(table.numbers("cost_usd_per_h") == other.numbers("cost_usd_per_h"));
  CHECK(table.texts("why")[0] == "best");
  for (std::size_t i = 1; i < 4; ++i) {
    CHECK_FALSE(table.texts("why")[i].empty());
    if (table.texts("holds")[i] == "yes") CHECK(table.numbers("cost_usd_per_h")[i] >= table.numbers("cost_usd_per_h")[0]);
  }
}

TEST_CASE("One replica less than the fewest does not hold the service level") {
  ServingScenario scenario = scenario_of(kScenario);
  scenario.search.accelerators.resize(1);
  scenario.search.tensor_parallel = {1};
  const Result result = deployment_search(scenario, shipped(), ServingObjective::accelerators, 1, 1);
  REQUIRE(result.infeasible.empty());
  const std::int64_t fewest = result.tables.at(0).integers("replicas")[0];
  REQUIRE(fewest > 1);
  scenario.search.max_replicas = fewest - 1;
  const Result refused = deployment_search(scenario, shipped(), ServingObjective::accelerators, 1, 1);
  CHECK(refused.infeasible.find("meet the service level") != std::string::npos);
}
