// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/scenario/serving_scenario.hpp"

#include <catch2/catch.hpp>

#include <numeric>

#include "waferwatt/engine/bare_loop.hpp"

using namespace waferwatt;
using namespace waferwatt::scenario;

namespace {

const catalog::Catalog& shipped() {
  static const auto catalog = catalog::Catalog::load(WAFERWATT_SOURCE_DIR "/models");
  return catalog;
}

ServingScenario read(const std::string& json, Diagnostics& diagnostics) {
  io::Value value = io::parse_json("s.json", json, diagnostics);
  io::ReadContext context{diagnostics};
  ServingScenario scenario;
  ServingScenario::record().read(value, "", context, scenario);
  if (diagnostics.empty()) check(scenario, shipped(), diagnostics);
  return scenario;
}

const std::string kSmall = R"({"model": "llama-3-1-8b", "accelerator": "nvidia-h100-sxm", "n_replicas": 2,
  "workload": {"preset": "azure-2023-conversation", "rate": "20 1/s", "n_requests": 800}, "accelerator_hour_price": "2 USD/h"})";

double metric(const Result& result, const std::string& name, const std::string& statistic = "") {
  for (const Metric& m : result.metrics)
    if (m.name == name && (statistic.empty() || m.dims.at("statistic") == statistic)) return m.value;
  FAIL("no metric " << name);
  return 0;
}

}  // namespace

TEST_CASE("A serving scenario gives headline, metrics, tables and a ledger that agree") {
  Diagnostics diagnostics;
  const ServingScenario scenario = read(kSmall, diagnostics);
  REQUIRE(diagnostics.empty());
  engine::BareLoop loop;
  const Result result = run(scenario, shipped(), {}, loop);
  REQUIRE(result.infeasible.empty());
  CHECK(result.headline.find("2 x NVIDIA H100") == 0);
  CHECK(result.headline.find("USD per million output tokens") != std::string::npos);
  CHECK(metric(result, "requests_completed") == 800);
  CHECK(metric(result, "time_to_first_token", "p99") >= metric(result, "time_to_first_token", "p50"));

  const Table& requests = result.tables.at(4);
  REQUIRE(requests.name() == "requests");
  CHECK(requests.n_rows() == 800);
  const auto& e2e = requests.numbers("e2e_s");
  const double total_s = std::accumulate(e2e.begin(), e2e.end(), 0.0);
  double charged_s = 0, share = 0;
  for (std::size_t i = 0; i < result.ledger.n_rows(); ++i)
    if (result.ledger.texts("account")[i] == "requests") {
      charged_s += result.ledger.numbers("time_s")[i];
      share += result.ledger.numbers("share")[i];
    }
  CHECK(charged_s == Approx(total_s).epsilon(1e-9));
  CHECK(share == Approx(1));
  double bound_share = 0;
  for (const Binding& binding : result.binds)
    if (binding.scope == "iterations") bound_share += binding.share;
  CHECK(bound_share == Approx(1));
}

TEST_CASE("A serving scenario that does not fit says so with the numbers") {
  Diagnostics diagnostics;
  const auto scenario = read(R"({"model": "llama-3-1-405b", "accelerator": "nvidia-h100-sxm", "tensor_parallel": 8,
    "workload": {"preset": "azure-2023-code", "rate": "1 1/s", "n_requests": 1}, "weight_format": "bf16"})",
                             diagnostics);
  REQUIRE(diagnostics.empty());
  engine::BareLoop loop;
  CHECK(run(scenario, shipped(), {}, loop).infeasible.find("GB for weights, ") != std::string::npos);
}

TEST_CASE("Unknown ids and formats of a serving scenario are diagnostics") {
  Diagnostics diagnostics;
  read(R"({"model": "llama-3-1-8bb", "accelerator": "nvidia-a100-sxm-80gb", "grid": "us-averag", "weight_format": "fp8",
    "workload": {"preset": "azure-2023-code", "rate": "1 1/s", "n_requests": 1}})",
       diagnostics);
  REQUIRE(diagnostics.found().size() == 3);
  CHECK(diagnostics.found()[0].text().find(
            "s.json:1:11: error at /model: unknown language_model \"llama-3-1-8bb\"; did you mean \"llama-3-1-8b\"?") ==
        0);
  CHECK(diagnostics.found()[1].message.find("did you mean \"us-average\"?") != std::string::npos);
  CHECK(diagnostics.found()[2].message.find("does not compute in fp8; leave weight_format out, or use bf16") !=
        std::string::npos);
}

TEST_CASE("Weights in 8 bits have a scale for each block where a scenario says so, or the model was released so") {
  const auto recipe = [](const std::string& model, const std::string& more) {
    Diagnostics diagnostics;
    const auto s = read(R"({"model": ")" + model + R"(", "accelerator": "nvidia-h200-sxm", "workload": {"preset": "azure-2023-code", "rate": "1 1/s", "n_requests": 1})" + more + "}", diagnostics);
    REQUIRE(diagnostics.empty());
    return deployment_of(s, shipped()).groups[0].plan.weight_recipe;
  };
  CHECK(recipe("qwen3-32b", R"(, "weight_format": "fp8")") == cost::Recipe::plain);
  CHECK(recipe("qwen3-32b", R"(, "weight_format": "fp8", "weight_scales": "block")") == cost::Recipe::block);
  CHECK(recipe("deepseek-v3", "") == cost::Recipe::block);
}

TEST_CASE("The shipped serving scenario runs on SimGrid's loop in under 3 seconds and meets its service level mostly") {
  Diagnostics diagnostics;
  io::Value value = io::read_json_file(WAFERWATT_SOURCE_DIR "/scenarios/serve-llama3-70b-azure-like.json", diagnostics);
  CHECK(value.find("question"));
  auto* members = value.get_if<io::Value::Object>();
  REQUIRE(members);
  std::erase_if(*members, [](const auto& m) {
    return m.key == "schema" || m.key == "kind" || m.key == "name" || m.key == "question";
  });
  io::ReadContext context{diagnostics};
  ServingScenario scenario;
  ServingScenario::record().read(value, "", context, scenario);
  check(scenario, shipped(), diagnostics);
  diagnostics.throw_if_any();
  const Result result = run(scenario, shipped(), {});
  INFO(result.headline);
  CHECK(metric(result, "goodput") > 8);
}
