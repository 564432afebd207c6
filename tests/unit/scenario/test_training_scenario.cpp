// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/scenario/training_scenario.hpp"

#include <algorithm>
#include <fstream>
#include <sstream>

#include <catch2/catch.hpp>

using namespace waferwatt;
using namespace waferwatt::scenario;

namespace {

const catalog::Catalog& shipped() {
  static const auto catalog = catalog::Catalog::load(WAFERWATT_SOURCE_DIR "/models");
  return catalog;
}

/// The shipped scenario with a merge patch, without the members that are read elsewhere.
io::Value scenario_text(const std::string& patch = "{}") {
  Diagnostics diagnostics;
  io::Value value = io::read_json_file(WAFERWATT_SOURCE_DIR "/scenarios/train-llama3-70b-h100.json", diagnostics);
  REQUIRE(value.find("question"));
  io::merge_patch(
      value,
      io::parse_json("patch.json", R"({"schema": null, "kind": null, "name": null, "question": null})", diagnostics));
  io::merge_patch(value, io::parse_json("patch.json", patch, diagnostics));
  diagnostics.throw_if_any();
  return value;
}

TrainingScenario read(const io::Value& value, Diagnostics& diagnostics) {
  io::ReadContext context{diagnostics};
  TrainingScenario s;
  TrainingScenario::record().read(value, "", context, s);
  if (diagnostics.empty()) check(s, shipped(), diagnostics);
  return s;
}

Result run_patched(const std::string& patch = "{}") {
  Diagnostics diagnostics;
  const auto s = read(scenario_text(patch), diagnostics);
  diagnostics.throw_if_any();
  return run(s, shipped(), {});
}

std::vector<std::string> problems_of(const std::string& patch) {
  Diagnostics diagnostics;
  read(scenario_text(patch), diagnostics);
  std::vector<std::string> texts;
  for (const auto& found : diagnostics.found()) texts.push_back(found.text());
  return texts;
}

double metric(const Result& result, const std::string& name) {
  const auto found = std::ranges::find(result.metrics, name, &Metric::name);
  REQUIRE(found != result.metrics.end());
  return found->value;
}

}  // namespace

TEST_CASE("the shipped training scenario answers its question") {
  const auto result = run_patched();
  CHECK(result.infeasible.empty());
  CHECK_THAT(result.headline, Catch::StartsWith("Llama 3 70B on 2,048 NVIDIA H100 SXM5 80 GB trains 15 T tokens in ") &&
                                  Catch::Contains("% MFU") && Catch::Contains("; compute binds ("));
  // 40 % of 2,048 * 989 TFLOP/s for 6.6e24 FLOP: 94 days.
  CHECK(metric(result, "training_days") == Approx(94).epsilon(0.1));
  CHECK(metric(result, "mfu") == Approx(0.40).epsilon(0.1));
  CHECK(metric(result, "accelerator_hours") == Approx(metric(result, "training_days") * 24 * 2048));
  CHECK(metric(result, "memory_per_accelerator") < 80e9);
  // 1.2 to 1.8 kW of facility power per H100.
  const double kilowatts = 1000 * metric(result, "energy") / metric(result, "accelerator_hours");
  CHECK(kilowatts > 1.1);
  CHECK(kilowatts < 1.8);
  CHECK(metric(result, "carbon") > 0);
  CHECK(metric(result, "cost") > metric(result, "accelerator_hours"));
}

TEST_CASE("accelerator-hours by use add up exactly, and so do the shares of what binds") {
  for (
      const char* patch :
      {"{}", R"({"recompute": "full", "zero_stage": 0})", R"({"parallel": {"data": 32, "tensor": 16}})",
       R"({"model": "mixtral-8x7b", "parallel": {"data": 512, "tensor": 1, "pipeline": 4, "expert": 8}, "sequence_length": 4096})"}) {
    const auto result = run_patched(patch);
    REQUIRE(result.infeasible.empty());
    double hours = 0, share = 0, seconds = 0;
    for (const double row : result.ledger.numbers("accelerator_hours_h")) hours += row;
    CHECK(hours == metric(result, "accelerator_hours"));
    for (const auto& binding : result.binds) share += binding.share;
    CHECK(share == Approx(1).epsilon(1e-12));
    CHECK(std::ranges::is_sorted(result.binds, std::ranges::greater{}, &Binding::share));
    for (const double row : result.tables[0].numbers("time_s")) seconds += row;
    CHECK(seconds == Approx(metric(result, "iteration_time")).epsilon(1e-12));
  }
}

TEST_CASE("a plan that does not fit is an answer with its numbers and a way out") {
  const auto result = run_patched(R"({"parallel": {"data": 512, "tensor": 1}})");
  CHECK_THAT(result.infeasible, Catch::StartsWith("stage 0 of 4 needs ") &&
                                    Catch::Contains(" GB on each accelerator (weights ") &&
                                    Catch::Contains("has 85.4 GB; with "));
  CHECK_THAT(result.headline, Catch::Contains("does not fit on 2,048 NVIDIA H100 SXM5 80 GB under this plan: needs "));
  REQUIRE(result.binds.size() == 1);
  CHECK(result.binds[0].resource == "memory capacity");
  CHECK(metric(result, "memory_per_accelerator") > 85.4e9);
  CHECK(result.tables[0].n_rows() == 4);
}

TEST_CASE("broken plans are reported at their keys with the nearest legal values") {
  const auto found = problems_of(R"({"parallel": {"data": 64, "tensor": 7, "pipeline": 3}, "global_batch": 2000})");
  REQUIRE(found.size() == 3);  // uneven stages are legal: 80 layers may go over 3 stages
  CHECK(found[0] ==
        "patch.json:1:23: error at /parallel/data: data 64 x tensor 7 x pipeline 3 = 1344 accelerators, but there are "
        "2048; a replica takes 21 "
        "accelerators; nearest legal numbers of accelerators: 2037 or 2058");
  CHECK(found[1] ==
        "patch.json:1:37: error at /parallel/tensor: 64 heads cannot be split over 7 tensor-parallel ranks; nearest "
        "legal: 4 or 8");
  CHECK(found[2] ==
        "patch.json:1:72: error at /global_batch: 2000 sequences cannot be split into micro-batches of 1 on 64 "
        "data-parallel ranks; nearest "
        "legal: 1984 or 2048");
}

TEST_CASE("unknown ids and missing knowledge are reported where they were written") {
  const auto ids = problems_of(R"({"model": "llama-3-70", "grid": "us-erct"})");
  REQUIRE(ids.size() == 2);
  CHECK_THAT(ids[0], Catch::Contains("error at /model: unknown") && Catch::Contains("did you mean \"llama-3-70b\"?"));
  CHECK_THAT(ids[1], Catch::Contains("error at /grid: unknown") && Catch::Contains("did you mean \"us-ercot\"?"));

  const auto format = problems_of(R"({"accelerator": "nvidia-a100-sxm-80gb", "system": null, "format": "fp8"})");
  REQUIRE(format.size() == 1);
  CHECK_THAT(format[0],
             Catch::Contains("error at /format: NVIDIA A100") && Catch::Contains("does not compute in fp8; it does in bf16"));

  const auto dense = problems_of(R"({"parallel": {"expert": 2}})");
  REQUIRE(dense.size() == 1);
  CHECK_THAT(dense[0], Catch::Contains("error at /parallel/expert: Llama 3 70B has no experts; use 1"));

  const auto limits = problems_of(R"({"pue": 0.9, "zero_stage": 4})");
  REQUIRE(limits.size() == 2);
  CHECK_THAT(limits[0], Catch::Contains("error at /zero_stage: must be at most 3"));
  CHECK_THAT(limits[1], Catch::Contains("error at /pue: must be at least 1"));
}

TEST_CASE("phases take their share of the tokens, each with its own step") {
  const auto whole = run_patched();
  const auto ramped = run_patched(R"({"phases": [{"tokens": "1 Ttoken", "global_batch": 512}]})");
  const auto table = std::ranges::find(ramped.tables, std::string{"phases"}, &Table::name);
  REQUIRE(table != ramped.tables.end());
  REQUIRE(table->n_rows() == 2);
  CHECK(table->numbers("tokens")[0] == Approx(1e12));
  CHECK(table->numbers("tokens")[1] == Approx(14e12));
  CHECK(table->numbers("mfu")[0] < table->numbers("mfu")[1]);  // a smaller batch has a larger bubble
  CHECK(metric(ramped, "training_days") == Approx(table->numbers("duration_day")[0] + table->numbers("duration_day")[1]));
  CHECK(metric(ramped, "training_days") > metric(whole, "training_days"));
  // An iteration is told of the phase with the most tokens.
  CHECK(metric(ramped, "iteration_time") == metric(whole, "iteration_time"));
  const auto small = run_patched(R"({"phases": [{"tokens": "14 Ttoken", "global_batch": 512}]})");
  CHECK(metric(small, "iteration_time") == Approx(table->numbers("iteration_time_s")[0]));
  double hours = 0;
  for (const double row : ramped.ledger.numbers("accelerator_hours_h")) hours += row;
  CHECK(hours == metric(ramped, "accelerator_hours"));
  const auto found = problems_of(R"({"phases": [{"tokens": "1 Ttoken", "global_batch": 100}]})");
  REQUIRE(found.size() == 1);
  CHECK_THAT(found[0], Catch::Contains("phase 1: 100 sequences cannot be split"));
}

TEST_CASE("unfolded, equal accelerators on a full fabric take the folded time, a tapered one longer") {
  const double folded = metric(run_patched(), "iteration_time");
  const auto plain = run_patched(R"({"unfolded": {}})");
  CHECK(metric(plain, "iteration_time") == Approx(folded).epsilon(0.02));
  CHECK(metric(run_patched(R"({"unfolded": {"oversubscription": 8}})"), "iteration_time") >= metric(plain, "iteration_time"));
  CHECK(metric(run_patched(R"({"unfolded": {}, "straggler_spread": 0.02})"), "iteration_time") > 1.01 * folded);
}

TEST_CASE("a step's spans are a trace and their critical path has no slack") {
  const auto result = run_patched();
  const auto trace = std::ranges::find(result.tables, std::string{"trace"}, &Table::name);
  REQUIRE(trace != result.tables.end());
  // 4 stages, 32 micro-batches, forward and backward.
  CHECK(trace->n_rows() == 4 * 32 * 2);
  CHECK(std::ranges::count(trace->texts("category"), "critical path") > 32);
  const auto slack = std::ranges::find(result.tables, std::string{"slack"}, &Table::name);
  REQUIRE(slack != result.tables.end());
  CHECK(slack->n_rows() == 4);
  for (const double least : slack->numbers("least_slack_s")) CHECK(least >= -1e-9);
}

TEST_CASE("tokens default to the published number and rent replaces the derived price") {
  CHECK(metric(run_patched(R"({"tokens": null})"), "accelerator_hours") ==
        Approx(metric(run_patched(), "accelerator_hours")).epsilon(0.01));
  const auto rented = run_patched(R"({"accelerator_hour_price": "2 USD/h"})");
  CHECK(metric(rented, "cost") == Approx(2 * metric(rented, "accelerator_hours")));
  const auto half = run_patched(R"({"tokens": "7.5 Ttoken"})");
  CHECK(metric(half, "training_days") == Approx(metric(run_patched(), "training_days") / 2).epsilon(1e-4));
}

TEST_CASE("a scenario is written back as it was read, defaults filled in") {
  Diagnostics diagnostics;
  const auto s = read(scenario_text(), diagnostics);
  const io::Value written = TrainingScenario::record().write(s);
  CHECK(written.find("recompute")->describe() == "the text \"selective\"");
  CHECK(written.find("parallel")->find("expert")->number() == 1);
  const auto again = read(written, diagnostics);
  CHECK(diagnostics.empty());
  CHECK(run(again, shipped(), {}).headline == run(s, shipped(), {}).headline);
}

TEST_CASE("the default placement is what nothing says, another one is another plan") {
  const double usual = metric(run_patched(), "iteration_time");
  CHECK(metric(run_patched(R"({"parallel": {"placement": ["tensor", "context", "data", "pipeline"]}})"), "iteration_time") == usual);
  // Tensor-parallel ranks then lie in as many nodes as there are replicas.
  CHECK(metric(run_patched(R"({"parallel": {"placement": ["data", "tensor", "context", "pipeline"]}})"), "iteration_time") > usual);
}

TEST_CASE("a wrong placement is told where it stands") {
  const auto told = [](const std::string& order) {
    const auto found = problems_of(R"({"parallel": {"placement": )" + order + "}}");
    REQUIRE(found.size() == 1);
    return found[0];
  };
  CHECK(told(R"(["tensor", "context", "date", "pipeline"])") ==
        "patch.json:1:50: error at /parallel/placement/2: unknown choice \"date\"; did you mean \"data\"?");
  CHECK(told(R"(["tensor", "data", "data", "pipeline"])") ==
        "patch.json:1:47: error at /parallel/placement/2: \"data\" a second time, each axis stands once; did you mean [\"tensor\", \"data\", "
        "\"pipeline\", \"context\"]?");
  CHECK(told(R"(["pipeline"])") ==
        "patch.json:1:28: error at /parallel/placement: 3 of the 4 axes are missing; did you mean [\"pipeline\", \"tensor\", \"context\", "
        "\"data\"]?");
}

TEST_CASE("sums between partition groups that there are not are told where they are asked for") {
  const auto found = problems_of(R"({"group_reduction": "micro_batch"})");
  REQUIRE(found.size() == 1);
  CHECK(found[0].starts_with("patch.json:1:21: error at /group_reduction: sums between partition groups"));
}
