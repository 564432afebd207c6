// SPDX-License-Identifier: Apache-2.0
// Measurements that no number of the models was fitted to. What they led to besides is in docs/models, under "Never fitted".
#include <catch2/catch.hpp>

#include "fixture.hpp"
#include "waferwatt/validation/serving_report.hpp"
#include "waferwatt/validation/software_fit.hpp"

using namespace waferwatt;
using namespace waferwatt::validation;

TEST_CASE("training of stacks and releases that were never seen is met within 10 percent in the median") {
  const auto report = validate_training(read_training_cases(WAFERWATT_SOURCE_DIR "/backtests/training-unseen.json", shipped()), shipped());
  CHECK(report.n_cases == 46);
  CHECK(report.skipped.empty());
  const auto& errors = report.metrics.at("iteration_time");
  CHECK(errors.median < 10);
  CHECK(errors.mean < 11);
}

TEST_CASE("serving of releases that were never seen") {
  const auto report = validate_serving(read_serving_cases(WAFERWATT_SOURCE_DIR "/backtests/serving-unseen.json", shipped()), shipped());
  CHECK(report.n_cases == 203);
  CHECK(report.skipped.empty());
  CHECK(report.groups.at("source TensorRT-LLM 0.16 sweep").at("throughput").median < 10);
  // Its kernels for grouped queries and for experts were those of early 2024, which the calibrations do not know.
  CHECK(report.groups.at("source TensorRT-LLM v0.9 performance.md").at("throughput").median < 18);
  // Everything at once: first tokens after seconds to ten minutes. The front ends that bind where prompts are short are not modelled.
  const auto& at_once = report.groups.at("source GPUStack performance lab");
  CHECK(at_once.at("throughput").median < 20);
  CHECK(at_once.at("ttft").median < 20);
}
