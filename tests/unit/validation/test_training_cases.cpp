// SPDX-License-Identifier: Apache-2.0
// Measured iterations, and that they are read as their columns say.
#include "waferwatt/validation/software_fit.hpp"

#include <filesystem>
#include <fstream>

#include <catch2/catch.hpp>

using namespace waferwatt;
using namespace waferwatt::validation;

namespace {

const catalog::Catalog& shipped() {
  static const auto catalog = catalog::Catalog::load(WAFERWATT_SOURCE_DIR "/models");
  return catalog;
}

std::string written(const std::string& name, const std::string& text) {
  const auto path = std::filesystem::temp_directory_path() / ("waferwatt-" + name);
  std::ofstream(path) << text;
  return path.string();
}

constexpr const char* kHeader =
    "gpus,global_batch,micro_batch,hidden_size,attention_heads,layers,sequence_length,tensor_parallel,data_parallel,"
    "pipeline_parallel,iteration_time_ms\n";

/// Errors of a file's iteration times, or nothing (with a warning) where it is absent.
std::optional<TrainingReport> report_of(const std::string& name) {
  const std::string file = WAFERWATT_SHARED_DIR "/data/training/" + name;
  if (!std::filesystem::exists(file)) {
    WARN("skipped: " << name << " is not there");
    return std::nullopt;
  }
  return validate_training(read_training_cases(file, shipped()), shipped());
}

}  // namespace

TEST_CASE("errors are summed up by hand") {
  // -10, 20, 30: absolute 10, 20, 30; mean 20, median 20, 90th percentile the third, bias 40/3.
  const auto e = percent_errors({-10, 20, 30});
  CHECK(e.n == 3);
  CHECK(e.median == Approx(20));
  CHECK(e.mean == Approx(20));
  CHECK(e.p90 == Approx(30));
  CHECK(e.bias == Approx(40.0 / 3));
  CHECK(percent_errors({}).n == 0);
}

TEST_CASE("rows that cannot be simulated are skipped with the reason") {
  const auto file = written("cases.csv", std::string{kHeader} +
                                             "8,32,4,1024,16,24,1024,2,2,2,219.7\n"
                                             "8,32,4,1024,16,24,1024,2,2,4,219.7\n"
                                             "8,x,4,1024,16,24,1024,2,2,2,219.7\n"
                                             "8,32\n");
  const auto cases = read_training_cases(file, shipped());
  REQUIRE(cases.cases.size() == 1);
  CHECK(cases.cases[0].plan.parallel.data == 2);
  REQUIRE(cases.skipped.size() == 3);
  CHECK(cases.skipped[0].id == "line 3");
  CHECK(cases.skipped[0].reason ==
        "data 2 x tensor 2 x pipeline 4 = 16 accelerators, but there are 8; use data 1");
  CHECK(cases.skipped[1].reason == "global_batch \"x\" is no positive number");
  CHECK(cases.skipped[2].reason == "2 cells, expected 11");
  const auto report = validate_training(cases, shipped());
  CHECK(report.n_cases == 1);
  CHECK(report.json().find("n_skipped")->number() == 3);
  CHECK(report.json().find("metrics")->find("iteration_time")->find("n")->number() == 1);
}

TEST_CASE("missing columns and files are named") {
  CHECK_THROWS_WITH(read_training_cases(written("short.csv", "gpus,layers\n"), shipped()),
                    Catch::Contains("the column \"global_batch\" is missing"));
  CHECK_THROWS_WITH(read_training_cases("/nowhere/cases.csv", shipped()), Catch::Contains("cannot read"));
}

TEST_CASE("published rows are read with their network, software and precision") {
  const auto file = written("cases.json", R"([{"id": "a", "source": "MLPerf Training", "replayable": "full",
    "model": {"layers": 24, "hidden": 4096, "heads": 32, "kv_heads": 8, "ffn": 14336, "vocab": 128256},
    "hardware": {"gpu": "H100-SXM5-80GB", "n_gpus": 64, "node_size": 8, "hbm_GB": 80, "hbm_TBps": 3.35,
      "network": "Storage: 2x 100Gb/s, Compute: 8x ConnectX-7 IB NDR 400Gb/s"},
    "plan": {"tp": 4, "pp": 2, "vp": 4, "mbs": 1, "gbs": 128, "seq": 8192, "dtype": "fp8", "zero": "distributed optimizer"},
    "measured": {"step_time_s": 1.0}},
    {"id": "b", "replayable": "no"}, {"id": "c", "replayable": "full", "hardware": {"gpu": "abacus", "n_gpus": 1}}])");
  const auto cases = read_training_cases(file, shipped());
  REQUIRE(cases.cases.size() == 1);
  const auto& c = cases.cases[0];
  CHECK(c.software == "nemo-mlperf");
  CHECK(c.plan.parallel.data == 8);
  CHECK(c.plan.schedule == training::Schedule::interleaved);
  CHECK(c.plan.zero_stage == 1);
  CHECK(c.plan.format == catalog::NumberFormat::fp8);
  CHECK(c.model.gated_ffn);
  CHECK(c.network.scale_out().bandwidth.in(giga * byte / second) == Approx(50));
  REQUIRE(cases.skipped.size() == 2);
  CHECK(cases.skipped[1].reason ==
        "the catalog has no accelerator \"abacus\", and its peak_bf16_tflops, hbm_GB and hbm_TBps are not all given");
}

TEST_CASE("without tp_comm_overlap the backward pass's scatters still run beside the products for gradients of weights") {
  // Both ways gathers of half a byte a number and scatters of two: of 2 (0.5 + 2) the backward pass's 2 are hidden; in 8 bits 2 of 6.
  const auto overlap = [](const std::string& dtype, const std::string& flag) {
    const auto file = written("overlap.json", R"json([{"id": "a", "source": "Megatron-Bridge", "replayable": "full",
      "model": {"layers": 24, "hidden": 4096, "heads": 32, "kv_heads": 8, "ffn": 14336, "vocab": 128256},
      "hardware": {"gpu": "GB200 (NVL72)", "n_gpus": 64, "node_size": 4, "network": "800Gb/s XDR CX8"},
      "plan": {"tp": 4, "mbs": 1, "gbs": 128, "seq": 8192, "dtype": ")json" + dtype + R"json(", "recipe_flags": {"tp_comm_overlap": ")json" + flag + R"json("}},
      "measured": {"step_time_s": 1.0}}])json");
    return read_training_cases(file, shipped()).cases.at(0).plan.overlap.tensor;
  };
  CHECK(overlap("NVFP4", "False").value() == Approx(0.4));
  CHECK(overlap("MXFP8", "False").value() == Approx(1.0 / 3));
  CHECK_FALSE(overlap("MXFP8", "True").has_value());
}

TEST_CASE("DeepSpeed keeps an fp32 sum beside 16-bit gradients where a row says so") {
  const auto gradient_bytes = [](const std::string& dtype) {
    const auto file = written("deepspeed.json", R"json([{"id": "a", "source": "BigScience", "replayable": "full",
      "model": {"layers": 24, "hidden": 4096, "heads": 32, "vocab": 51200},
      "hardware": {"gpu": "A100-SXM4-80GB", "n_gpus": 8, "node_size": 8, "network": "4x Omni-Path 100 Gb/s per node"},
      "plan": {"tp": 4, "mbs": 1, "gbs": 128, "seq": 2048, "zero": 1, "dtype": ")json" + dtype + R"json("}, "measured": {"step_time_s": 1.0}}])json");
    return read_training_cases(file, shipped()).cases.at(0).plan.gradient_bytes;
  };
  CHECK(gradient_bytes("fp16") == 2);
  CHECK(gradient_bytes("bf16") == 2);
  CHECK(gradient_bytes("bf16 params, fp32 grad accumulation") == 2 + 4);
}

TEST_CASE("shipped cases stay within their errors") {
  const auto report = validate_training(shipped_training_cases(shipped()), shipped());
  CHECK(report.skipped.empty());
  CHECK(report.metrics.at("iteration_time").mean < 4);
  CHECK(report.metrics.at("memory").mean < 3);
  CHECK(report.groups.at("SC'21 table").at("iteration_time").mean < 4);
  CHECK(report.groups.at("selective-recompute table").at("iteration_time").mean < 4);
  CHECK(report.groups.at("selective-recompute figure").at("memory").mean < 3);
}

TEST_CASE("rows of unknown accelerators and software are simulated as far as they are described") {
  const auto file = written("unknown.json", R"([{"id": "a", "source": "A lab", "replayable": "full",
    "model": {"layers": 24, "hidden": 2048, "heads": 16, "ffn": 8192, "vocab": 50304, "params_B": 1.3},
    "hardware": {"gpu": "A new one", "n_gpus": 8, "node_size": 8, "peak_bf16_tflops": 500, "hbm_GB": 64, "hbm_TBps": 3,
      "intra": "link 300 GB/s uni"},
    "plan": {"tp": 2, "pp": 1, "mbs": 4, "gbs": 64, "seq": 2048, "dtype": "bf16"},
    "measured": {"tokens_per_s": 100000}}])");
  const auto cases = read_training_cases(file, shipped());
  REQUIRE(cases.cases.size() == 1);
  CHECK_FALSE(cases.cases[0].software_is_known);
  CHECK_FALSE(cases.cases[0].model.gated_ffn);
  CHECK(cases.cases[0].measured.in(second) == Approx(64 * 2048 / 100000.0));
  CHECK(cases.cases[0].network.scale_up().bandwidth.in(giga * byte / second) == Approx(300));
  const auto report = validate_training(cases, shipped());
  CHECK(report.n_assumed_software == 1);
  CHECK_THAT(report.text(), Catch::Contains("1 cases are of software that is not known here"));
}

TEST_CASE("partial rows are simulated as a metric of their own") {
  const auto file = written("partial.json", R"json([{"id": "a", "source": "Megatron-LM", "replayable": "partial",
    "model": {"layers": 24, "hidden": 4096, "heads": 32, "vocab": 51200},
    "hardware": {"gpu": "H100-SXM5-80GB", "n_gpus": 8, "node_size": 8, "network": "8x400Gb/s NDR (H100/B200)"},
    "plan": {"tp": 4, "gbs": 64, "seq": 2048, "dtype": "bf16", "mbs": null}, "measured": {"step_time_s": 1.0}}])json");
  const auto report = validate_training(read_training_cases(file, shipped()), shipped());
  CHECK(report.n_cases == 1);
  CHECK_FALSE(report.metrics.contains("iteration_time"));
  CHECK(report.metrics.at("iteration_time_partial").n == 1);
}

TEST_CASE("the fit of a profile finds the numbers that made the cases") {
  const auto file = written("fit.csv", std::string{kHeader} + "4,32,2,2048,16,16,1024,2,2,1,100\n8,32,2,1024,16,16,1024,4,2,1,100\n"
                                                             "8,32,4,1024,16,24,1024,2,2,2,100\n4,16,2,2048,16,24,1024,1,4,1,100\n");
  auto cases = read_training_cases(file, shipped()).cases;
  training::Software truth = training::software_stack("megatron-small"), start = truth;
  truth.kernel_slowdown *= 1.2, truth.stream_factor *= 1.3;
  const Predictor predictor(shipped());
  for (auto& c : cases) c.measured = predictor.time(c, truth);
  const auto fit = fit_software(cases, shipped(), start, {"kernel_slowdown", "stream_factor"});
  CHECK(fit.fitted_after < 0.25 * fit.fitted_before);
  CHECK(fit.n_fitted + fit.n_held_out == cases.size());
  CHECK_THROWS_WITH(fit_software(cases, shipped(), start, {"kernel_slowdon"}), Catch::Contains("did you mean"));
}

TEST_CASE("46 plans on 64 to 512 A100 take the measured time") {
  if (const auto report = report_of("vtrain-a100-cluster.csv")) {
    CHECK(report->skipped.empty());
    CHECK(report->metrics.at("iteration_time").mean < 6);
    CHECK(report->metrics.at("iteration_time").median < 4);
  }
}

TEST_CASE("734 plans of small models on one node take the measured time") {
  if (const auto report = report_of("vtrain-a100-one-node.csv")) CHECK(report->metrics.at("iteration_time").mean < 8);
}

TEST_CASE("published iterations take their time, by family") {
  if (const auto report = report_of("published.json")) {
    CHECK(report->n_cases >= 250);
    CHECK(report->metrics.at("iteration_time").median < 7);
  }
}
