// SPDX-License-Identifier: Apache-2.0
#include "fixture.hpp"

#include <catch2/catch.hpp>

using namespace waferwatt;
using namespace waferwatt::serving;
using catalog::NumberFormat;

TEST_CASE("Weights that do not fit are refused with the numbers") {
  Deployment deployment = small_deployment();
  deployment.model = &shipped().language_models.at("llama-3-1-70b");
  deployment.groups[0].plan.tensor_parallel = 1;
  const auto outcome = outcome_of(deployment, fixed_lengths(100, 10, 1));
  // 70.6e9 parameters of 2 bytes are 141 GB; 0.9 x 1.068 x 80 GB are 76.9 GB.
  CHECK(outcome.infeasible.find("needs 141.") != std::string::npos);
  CHECK(outcome.infeasible.find("leave 76.9 GB") != std::string::npos);
  CHECK(outcome.requests.empty());
}

TEST_CASE("KV cache is split by heads as far as there are heads, and latent vectors are not split") {
  // Llama 3.1 70B: 80 layers x 2 x 8 heads x 128 x 2 bytes = 327,680 bytes; over 8 accelerators one head each,
  // over 16 still one.
  const auto& llama = shipped().language_models.at("llama-3-1-70b");
  CHECK(kv_bytes_per_token(llama, {.tensor_parallel = 1}).in(byte) == Approx(327680));
  CHECK(kv_bytes_per_token(llama, {.tensor_parallel = 8}).in(byte) == Approx(40960));
  CHECK(kv_bytes_per_token(llama, {.tensor_parallel = 16}).in(byte) == Approx(40960));
  // DeepSeek-V3: 61 layers x (512 + 64) x 2 bytes = 70,272 bytes on every accelerator.
  const auto& deepseek = shipped().language_models.at("deepseek-v3");
  CHECK(kv_bytes_per_token(deepseek, {.tensor_parallel = 8}).in(byte) == Approx(70272));
}

TEST_CASE("An accelerator without a format uses the next wider one it computes in") {
  const auto& a100 = shipped().accelerators.at("nvidia-a100-sxm-80gb");
  const auto& h100 = shipped().accelerators.at("nvidia-h100-sxm");
  CHECK(runnable_format(a100, NumberFormat::fp8) == NumberFormat::bf16);
  CHECK(runnable_format(h100, NumberFormat::fp4) == NumberFormat::fp8);
  CHECK(runnable_format(h100, NumberFormat::fp8) == NumberFormat::fp8);
}

TEST_CASE("A token budget below the number of sequences is refused") {
  Diagnostics diagnostics;
  const io::Value value = io::parse_json("e.json", R"({"max_batched_tokens": 64, "max_sequences": 128})", diagnostics);
  io::ReadContext context{diagnostics};
  EngineSettings engine;
  EngineSettings::record().read(value, "/engine", context, engine);
  REQUIRE(diagnostics.found().size() == 1);
  CHECK(diagnostics.found()[0].text() ==
        "e.json:1:24: error at /engine/max_batched_tokens: 64 tokens cannot hold one decode token of each of 128 "
        "sequences");
}
